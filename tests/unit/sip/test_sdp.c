#include "sip/sdp.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"

#define HEAD "v=0\r\no=bob 12 34 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"

static struct sdp *parsed(const char *text)
{
	struct sdp *sdp = NULL;

	CHECK_INT(text, sdp_parse(slice_of(text), &sdp, NULL), 0);
	return sdp;
}

static void usual(void)
{
	struct sdp *sdp = parsed(
		HEAD "a=tool:x\r\nm=audio 4000 RTP/AVP 0 96 101\r\na=rtpmap:96 opus/48000/2\r\n"
		     "a=fmtp:96 useinbandfec=1\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 "
		     "0-16\r\n"
		     "a=ptime:20\r\na=maxptime:150\r\na=rtcp:4003\r\na=rtcp-mux\r\na=sendonly\r\n"
		     "m=video 5000 RTP/AVP 31\r\nc=IN IP6 2001:db8::1\r\n");
	const struct sdp_media *audio, *video;
	struct slice value;
	char text[ADDR_TEXT_MAX];

	if (!sdp)
		return;
	CHECK_SLICE("user", sdp->origin_user, "bob");
	CHECK_INT("id", sdp->session_id, 12);
	CHECK_INT("version", sdp->version, 34);
	CHECK_SLICE("address", sdp->origin_address, "10.0.0.1");
	CHECK_SLICE("name", sdp->name, "-");
	CHECK("tool", sdp_attribute(sdp->attributes, sdp->attribute_count, "tool", &value));
	CHECK_SLICE("tool", value, "x");
	CHECK_INT("m-lines", sdp->media_count, 2);
	audio = &sdp->media[0];
	video = &sdp->media[1];
	CHECK_SLICE("kind", audio->kind, "audio");
	CHECK_INT("port", audio->port, 4000);
	CHECK_SLICE("protocol", audio->protocol, "RTP/AVP");
	CHECK_SLICE("formats as written", audio->formats_text, "0 96 101");
	CHECK_INT("formats", audio->format_count, 3);
	CHECK_STR("static", audio->formats[0].name, "PCMU");
	CHECK_INT("static clock", audio->formats[0].clock_hz, 8000);
	CHECK_STR("dynamic", audio->formats[1].name, "opus");
	CHECK_INT("dynamic clock", audio->formats[1].clock_hz, 48000);
	CHECK_INT("dynamic channels", audio->formats[1].channels, 2);
	CHECK_SLICE("fmtp", audio->formats[1].fmtp, "useinbandfec=1");
	CHECK_INT("ptime", audio->ptime_ms, 20);
	CHECK_INT("maxptime", audio->maxptime_ms, 150);
	CHECK_STR("rtcp at the media's address", addr_text(&audio->rtcp, text), "10.0.0.1:4003");
	CHECK("mux", audio->has_rtcp_mux);
	CHECK_INT("direction", audio->direction, SDP_SENDONLY);
	CHECK_INT("attributes", audio->attribute_count, 9);
	CHECK("present flag",
	      sdp_attribute(audio->attributes, audio->attribute_count, "RTCP-MUX", &value));
	CHECK("without value", !slice_present(value));
	CHECK("not there",
	      !sdp_attribute(audio->attributes, audio->attribute_count, "crypto", &value));
	CHECK_STR("own c=", addr_text(&video->connection, text), "[2001:db8::1]:0");
	CHECK_INT("direction by default", video->direction, SDP_SENDRECV);
	CHECK_INT("no rtcp port", addr_port(&video->rtcp), 0);
	sdp_free(sdp);
}

/* What phones write and we read. `want`: per m-line kind:port:connection:direction. */
static const struct {
	const char *name, *in, *want;
} sloppy[] = {
	{"LF", "v=0\no=- 1 1 IN IP4 h\ns=-\nc=IN IP4 10.0.0.1\nt=0 0\nm=audio 2 RTP/AVP 0\n",
	 "audio:2:10.0.0.1:0 "},
	{"no last line end", "v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 2 RTP/AVP 0",
	 "audio:2:10.0.0.1:0 "},
	{"v= and m= alone", "v=0\r\nm=audio 2 RTP/AVP 0\r\n", "audio:2:none:0 "},
	{"no m-line", HEAD, ""},
	{"blank lines", "\r\nv=0\r\n\r\nm=audio 2 RTP/AVP 0\r\n\r\n\r\n", "audio:2:none:0 "},
	{"unknown lines", "v=0\r\nX=1\r\nb=AS:64\r\nk=clear:x\r\nm=audio 2 RTP/AVP 0\r\ni=x\r\n",
	 "audio:2:none:0 "},
	{"t= behind m=", "v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 2 RTP/AVP 0\r\nt=0 0\r\n",
	 "audio:2:10.0.0.1:0 "},
	{"odd o=", "v=0\r\no=x\r\nm=audio 2 RTP/AVP 0\r\n", "audio:2:none:0 "},
	{"o= too large", "v=0\r\no=- 99999999999999999999999 x IN IP4 h\r\nm=audio 2 RTP/AVP 0\r\n",
	 "audio:2:none:0 "},
	{"host name", "v=0\r\nc=IN IP4 phone.example.org\r\nm=audio 2 RTP/AVP 0\r\n",
	 "audio:2:none:0 "},
	{"multicast", "v=0\r\nc=IN IP4 224.2.1.1/127/3\r\nm=audio 2/2 RTP/AVP 0\r\n",
	 "audio:2:224.2.1.1:0 "},
	{"double spaces", "v=0\r\nc=IN  IP4   10.0.0.1\r\nm=audio  2  RTP/AVP  0  8\r\n",
	 "audio:2:10.0.0.1:0 "},
	{"space at the end", "v=0 \r\nc=IN IP4 10.0.0.1 \r\nm=audio 2 RTP/AVP 0 \r\n",
	 "audio:2:10.0.0.1:0 "},
	{"session direction",
	 "v=0\r\na=inactive\r\nm=audio 2 RTP/AVP 0\r\nm=audio 4 RTP/AVP "
	 "0\r\na=recvonly\r\n",
	 "audio:2:none:3 audio:4:none:2 "},
	{"the first direction counts", "v=0\r\nm=audio 2 RTP/AVP 0\r\na=sendonly\r\na=sendrecv\r\n",
	 "audio:2:none:1 "},
	{"direction with a value is none", "v=0\r\nm=audio 2 RTP/AVP 0\r\na=inactive:x\r\n",
	 "audio:2:none:0 "},
	{"no formats", "v=0\r\nm=audio 0 RTP/AVP\r\n", "audio:0:none:0 "},
	{"other protocols", "v=0\r\nm=image 9 udptl t38\r\nm=message 7 TCP/MSRP *\r\n",
	 "image:9:none:0 message:7:none:0 "},
	{"hold", "v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 2 RTP/AVP 0\r\n", "audio:2:0.0.0.0:0:held "},
	{"hold v6", "v=0\r\nm=audio 2 RTP/AVP 0\r\nc=IN IP6 ::\r\n", "audio:2:[::]:0:held "},
	{"hold of one",
	 "v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 2 RTP/AVP 0\r\nm=audio 4 RTP/AVP 0\r\nc=IN "
	 "IP4 1.2.3.4\r\n",
	 "audio:2:0.0.0.0:0:held audio:4:1.2.3.4:0 "},
};

static void lenient(void)
{
	for (size_t i = 0; i < ARRAY_LEN(sloppy); i++) {
		struct sdp *sdp = parsed(sloppy[i].in);
		struct buf buf = BUF_INIT;
		char text[ADDR_TEXT_MAX];

		buf_adds(&buf, "");
		for (size_t k = 0; sdp && k < sdp->media_count; k++) {
			const struct sdp_media *media = &sdp->media[k];

			buf_addf(&buf, SLICE_FMT ":%u:%s:%d%s ", SLICE_ARG(media->kind),
				 media->port,
				 addr_is_set(&media->connection)
					 ? addr_host_text(&media->connection, text)
					 : "none",
				 media->direction, media->is_held_old_style ? ":held" : "");
		}
		CHECK_SLICE(sloppy[i].name, buf_slice(&buf), sloppy[i].want);
		buf_done(&buf);
		sdp_free(sdp);
	}
}

static void refused(void)
{
	static const struct {
		const char *name, *in;
		uint32_t line;
	} cases[] = {
		{"empty", "", 0},
		{"only blank", "\r\n\r\n", 2},
		{"no v=", "o=- 1 1 IN IP4 h\r\n", 1},
		{"other version", "v=1\r\n", 1},
		{"no sdp", "v=0\r\nhello world\r\n", 2},
		{"short line", "v=0\r\nm\r\n", 2},
		{"c= of another net", "v=0\r\nc=ATM IP4 1.2.3.4\r\n", 2},
		{"c= of another family", "v=0\r\nc=IN IPX 1.2.3.4\r\n", 2},
		{"c= without address", "v=0\r\nc=IN IP4\r\n", 2},
		{"c= with octets that no host has", "v=0\r\nc=IN IP4 a\x01z\r\n", 2},
		{"port too large", HEAD "m=audio 65536 RTP/AVP 0\r\n", 6},
		{"negative port", HEAD "m=audio -1 RTP/AVP 0\r\n", 6},
		{"no port", HEAD "m=audio RTP/AVP 0\r\n", 6},
		{"no protocol", HEAD "m=audio 2\r\n", 6},
		{"empty m=", HEAD "m=\r\n", 6},
		{"lone CR", HEAD "m=audio 2 RTP/AVP 0\ra=x\r\n", 6},
		{"markup", HEAD "m=audio 2 RTP/AVP <0>\r\n", 6},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sdp *sdp = NULL;
		uint32_t line = 99;

		CHECK_INT(cases[i].name, sdp_parse(slice_of(cases[i].in), &sdp, &line),
			  ERR_SDP_SYNTAX);
		CHECK_INT(cases[i].name, line, cases[i].line);
		CHECK(cases[i].name, sdp == NULL);
	}
	CHECK_INT("NUL",
		  sdp_parse(slice_make("v=0\r\ns=a\0b\r\n", 12), &(struct sdp *){NULL}, NULL),
		  ERR_SDP_SYNTAX);
}

static void repeat(struct buf *buf, const char *line, int count)
{
	while (count-- > 0)
		buf_adds(buf, line);
}

static void limits(void)
{
	static const struct {
		const char *name, *line;
		int count, err;
	} cases[] = {
		{"most m-lines", "m=audio 2 RTP/AVP 0\r\n", SDP_MEDIA_MAX, 0},
		{"one more", "m=audio 2 RTP/AVP 0\r\n", SDP_MEDIA_MAX + 1, ERR_SDP_TOO_LARGE},
		{"3,000", "m=audio 2 RTP/AVP 0\n", 1500, ERR_SDP_TOO_LARGE},
		{"most attributes", "a=x\r\n", SDP_ATTRIBUTES_MAX, 0},
		{"one attribute more", "a=x\r\n", SDP_ATTRIBUTES_MAX + 1, ERR_SDP_TOO_LARGE},
		{"most octets", "x=\n", (SDP_OCTETS_MAX - 4) / 3, 0},
		{"more octets", "x=\n", (SDP_OCTETS_MAX - 4) / 3 + 1, ERR_SDP_TOO_LARGE},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf buf = BUF_INIT;
		struct sdp *sdp = NULL;

		buf_adds(&buf, "v=0\n");
		repeat(&buf, cases[i].line, cases[i].count);
		CHECK_INT(cases[i].name, sdp_parse(buf_slice(&buf), &sdp, NULL), cases[i].err);
		CHECK_INT(cases[i].name, sdp != NULL, cases[i].err == 0);
		sdp_free(sdp);
		buf_done(&buf);
	}
}

static void formats(void)
{
	static const struct {
		const char *line, *want; /* pt name/clock/channels, "?" without a name */
	} cases[] = {
		{"m=audio 2 RTP/AVP 0 3 8 9 18",
		 "0 PCMU/8000/1,3 GSM/8000/1,8 PCMA/8000/1,9 G722/8000/1,18 G729/8000/1,"},
		{"m=audio 2 RTP/AVP 96", "96 ?,"},
		{"m=audio 2 RTP/AVP 0 x 8 128 -1", "0 PCMU/8000/1,8 PCMA/8000/1,"},
		{"m=audio 2 RTP/AVP 96\r\na=rtpmap:96 L16/16000", "96 L16/16000/1,"},
		{"m=audio 2 RTP/AVP 0\r\na=rtpmap:0 iLBC/8000", "0 iLBC/8000/1,"},
		{"m=audio 2 RTP/AVP 96\r\na=rtpmap:97 L16/16000", "96 ?,"},
		{"m=audio 2 RTP/AVP 96\r\na=rtpmap:96 L16", "96 ?,"},
		{"m=audio 2 RTP/AVP 96\r\na=rtpmap:96 L16/0", "96 ?,"},
		{"m=audio 2 RTP/AVP 96\r\na=rtpmap:96 L16/x", "96 ?,"},
		{"m=audio 2 RTP/AVP 96\r\na=rtpmap:96 L16/8000/x", "96 ?,"},
		{"m=audio 2 RTP/AVP 96\r\na=rtpmap:96 /8000", "96 ?,"},
		{"m=audio 2 RTP/AVP 96\r\na=rtpmap:96 a-name-of-more-than-23-chars/8000", "96 ?,"},
		{"m=audio 2 RTP/AVP 96\r\na=rtpmap", "96 ?,"},
		{"m=audio 2 UDP/TLS/RTP/SAVPF 0", "0 PCMU/8000/1,"},
		{"m=audio 2 udp 0", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf in = BUF_INIT, out = BUF_INIT;
		struct sdp *sdp;

		buf_addf(&in, "v=0\r\n%s\r\n", cases[i].line);
		buf_adds(&out, "");
		sdp = parsed(in.p);
		for (size_t k = 0; sdp && k < sdp->media[0].format_count; k++) {
			const struct sdp_format *f = &sdp->media[0].formats[k];

			if (f->name[0])
				buf_addf(&out, "%u %s/%u/%u,", f->payload_type, f->name,
					 (unsigned)f->clock_hz, f->channels);
			else
				buf_addf(&out, "%u ?,", f->payload_type);
		}
		CHECK_SLICE(cases[i].line, buf_slice(&out), cases[i].want);
		sdp_free(sdp);
		buf_done(&in);
		buf_done(&out);
	}
}

static void many_formats(void)
{
	struct buf buf = BUF_INIT;
	struct sdp *sdp;

	buf_adds(&buf, "v=0\r\nm=audio 2 RTP/AVP");
	for (int i = 0; i < 128; i++)
		buf_addf(&buf, " %d", i);
	buf_adds(&buf, "\r\n");
	sdp = parsed(buf.p);
	if (sdp)
		CHECK_INT("the rest is ignored", sdp->media[0].format_count, SDP_FORMATS_MAX);
	sdp_free(sdp);
	buf_done(&buf);
}

static void numbers(void)
{
	static const struct {
		const char *line;
		uint16_t ptime, maxptime;
		const char *rtcp;
	} cases[] = {
		{"a=ptime:30", 30, 0, "10.0.0.1:0"},
		{"a=ptime: 20 ", 20, 0, "10.0.0.1:0"},
		{"a=ptime:20.5", 20, 0, "10.0.0.1:0"},
		{"a=ptime:x", 0, 0, "10.0.0.1:0"},
		{"a=ptime:99999", 0, 0, "10.0.0.1:0"},
		{"a=maxptime:40", 0, 40, "10.0.0.1:0"},
		{"a=rtcp:5", 0, 0, "10.0.0.1:5"},
		{"a=rtcp:5 IN IP4 1.2.3.4", 0, 0, "1.2.3.4:5"},
		{"a=rtcp:5 IN IP6 2001:db8::1", 0, 0, "[2001:db8::1]:5"},
		{"a=rtcp:5 IN IP4 some.host", 0, 0, "10.0.0.1:5"},
		{"a=rtcp:0", 0, 0, "10.0.0.1:0"},
		{"a=rtcp:x", 0, 0, "10.0.0.1:0"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf buf = BUF_INIT;
		char text[ADDR_TEXT_MAX];
		struct sdp *sdp;

		buf_addf(&buf, HEAD "m=audio 2 RTP/AVP 0\r\n%s\r\n", cases[i].line);
		sdp = parsed(buf.p);
		if (sdp) {
			CHECK_INT(cases[i].line, sdp->media[0].ptime_ms, cases[i].ptime);
			CHECK_INT(cases[i].line, sdp->media[0].maxptime_ms, cases[i].maxptime);
			CHECK_STR(cases[i].line, addr_text(&sdp->media[0].rtcp, text),
				  cases[i].rtcp);
		}
		sdp_free(sdp);
		buf_done(&buf);
	}
}

static void session_ptime(void)
{
	struct sdp *sdp = parsed("v=0\r\na=ptime:40\r\nm=audio 2 RTP/AVP 0\r\nm=audio 4 RTP/AVP "
				 "0\r\na=ptime:10\r\n");

	if (sdp) {
		CHECK_INT("from the session", sdp->media[0].ptime_ms, 40);
		CHECK_INT("own", sdp->media[1].ptime_ms, 10);
	}
	sdp_free(sdp);
}

static void print(void)
{
	static const char want[] =
		"v=0\r\no=- 0 0 IN IP4 -\r\ns=-\r\nt=0 0\r\na=group:BUNDLE a\r\n"
		"m=audio 2 RTP/AVP 0 8\r\nc=IN IP6 2001:db8::1\r\na=inactive\r\na=mid:a\r\n"
		"m=video 0 RTP/AVP\r\n";
	struct sdp *sdp = parsed(
		"v=0\na=group:BUNDLE a\nm=audio 2/2 RTP/AVP 0 8\nb=AS:1\nc=IN IP6 2001:db8::1\n"
		"a=inactive\na=mid:a\nm=video 0 RTP/AVP\n");
	struct buf first = BUF_INIT, second = BUF_INIT;

	sdp_print(&first, sdp);
	CHECK_SLICE("normal form", buf_slice(&first), want);
	sdp_free(sdp);
	sdp = parsed(first.p);
	sdp_print(&second, sdp);
	CHECK_SLICE("a fixed point", buf_slice(&second), want);
	sdp_free(sdp);
	buf_done(&first);
	buf_done(&second);
}

/* The description outlives the text. */
static void owned(void)
{
	char text[] = "v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 2 RTP/AVP 0\r\n";
	struct sdp *sdp = parsed(text);

	memset(text, '?', sizeof(text) - 1);
	if (sdp)
		CHECK_SLICE(NULL, sdp->media[0].connection_host, "10.0.0.1");
	sdp_free(sdp);
	CHECK("free takes NULL", sdp_free(NULL) == NULL);
}

static void a_first_look(void)
{
	static const struct {
		const char *name, *text, *want; /* NULL: nothing to see */
	} cases[] = {
		{"session level", "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n",
		 "192.0.2.1:4000"},
		{"its own address",
		 "c=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.9\r\n",
		 "192.0.2.9:4000"},
		{"IPv6", "c=IN IP6 2001:db8::1\nm=audio 4000 RTP/AVP 0\n", "[2001:db8::1]:4000"},
		{"video before and after",
		 "c=IN IP4 192.0.2.1\nm=video 2 RTP/AVP 31\nc=IN IP4 192.0.2.7\nm=audio 4 RTP/AVP "
		 "0\n"
		 "m=video 6 RTP/AVP 31\nc=IN IP4 192.0.2.8\n",
		 "192.0.2.1:4"},
		{"second audio line",
		 "c=IN IP4 192.0.2.1\nm=audio 4 RTP/AVP 0\nm=audio 6 RTP/AVP 0\n", "192.0.2.1:4"},
		{"declined", "c=IN IP4 192.0.2.1\nm=audio 0 RTP/AVP 0\n", NULL},
		{"on hold", "c=IN IP4 0.0.0.0\nm=audio 4 RTP/AVP 0\n", NULL},
		{"a host name", "c=IN IP4 phone.example\nm=audio 4 RTP/AVP 0\n", NULL},
		{"no address", "m=audio 4 RTP/AVP 0\n", NULL},
		{"no audio", "c=IN IP4 192.0.2.1\nm=video 4 RTP/AVP 31\n", NULL},
		{"no port", "c=IN IP4 192.0.2.1\nm=audio x RTP/AVP 0\n", NULL},
		{"port too large", "c=IN IP4 192.0.2.1\nm=audio 65536 RTP/AVP 0\n", NULL},
		{"ICE", "c=IN IP4 192.0.2.1\nm=audio 4 RTP/AVP 0\na=ice-ufrag:abcd\n", NULL},
		{"cut short", "c=IN IP4 \nm=audio ", NULL},
		{"nothing", "", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr rtp = {0};
		char text[ADDR_TEXT_MAX];
		bool has = sdp_peek_rtp(slice_of(cases[i].text), &rtp);

		CHECK_INT(cases[i].name, has, cases[i].want != NULL);
		if (has)
			CHECK_STR(cases[i].name, addr_text(&rtp, text), cases[i].want);
		else
			CHECK(cases[i].name, !addr_is_set(&rtp));
	}
}

void suite_sdp(void)
{
	CHECK_SUITE("sdp");
	CHECK_TEST(usual);
	CHECK_TEST(lenient);
	CHECK_TEST(refused);
	CHECK_TEST(limits);
	CHECK_TEST(formats);
	CHECK_TEST(many_formats);
	CHECK_TEST(numbers);
	CHECK_TEST(session_ptime);
	CHECK_TEST(print);
	CHECK_TEST(owned);
	CHECK_TEST(a_first_look);
}
