#include "sip/offer.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"

enum { PCMU = 1, PCMA, OPUS, G722 };

static const struct offer_codec codec_pcmu = {PCMU, "PCMU", 8000, 1, 0, NULL};
static const struct offer_codec codec_pcma = {PCMA, "PCMA", 8000, 1, 8, NULL};
static const struct offer_codec codec_opus = {OPUS, "opus", 48000, 2, -1, "useinbandfec=1"};
static const struct offer_codec codec_g722 = {G722, "G722", 8000, 1, 9, NULL};

/* PCMU, PCMA and telephone-event at 192.0.2.1:4000. */
static struct offer_local plain(void)
{
	struct offer_local local = {
		.codecs = {codec_pcmu, codec_pcma},
		.codec_count = 2,
		.has_telephone_event = true,
		.ptime_ms = 20,
		.direction = SDP_SENDRECV,
	};

	CHECK_INT(NULL, addr_parse(SLICE("192.0.2.1:4000"), &local.rtp), 0);
	return local;
}

static struct offer *new_offer(const struct offer_local *local)
{
	struct offer *offer = NULL;

	CHECK_INT(NULL, offer_new(local, 77, &offer), 0);
	return offer;
}

#define REMOTE "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"
#define OURS "s=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define PLAIN_ANSWER "m=audio 5000 RTP/AVP 0\r\n"

/* One row per (state, event) ---------------------------------------------------------------------
 */

enum event {
	WRITE,
	READ_ANSWER,
	READ_BAD_ANSWER,
	READ,
	READ_BAD,
	READ_USELESS,
	WRITE_ANSWER,
	ROLLBACK,
	SET_LOCAL,
	EVENTS
};

static int apply(struct offer *offer, enum event event)
{
	struct offer_local local = plain();
	struct buf buf = BUF_INIT;
	int err = 0;

	switch (event) {
	case WRITE:
		err = offer_write(offer, &buf);
		break;
	case READ_ANSWER:
		err = offer_read_answer(offer, SLICE(REMOTE PLAIN_ANSWER));
		break;
	case READ_BAD_ANSWER:
		err = offer_read_answer(offer, SLICE(REMOTE));
		break;
	case READ:
		err = offer_read(offer, SLICE(REMOTE PLAIN_ANSWER));
		break;
	case READ_BAD:
		err = offer_read(offer, SLICE("nonsense"));
		break;
	case READ_USELESS:
		err = offer_read(offer, SLICE(REMOTE "m=video 5000 RTP/AVP 31\r\n"));
		break;
	case WRITE_ANSWER:
		err = offer_write_answer(offer, &buf);
		break;
	case ROLLBACK:
		offer_rollback(offer);
		break;
	case SET_LOCAL:
		err = offer_set_local(offer, &local);
		break;
	case EVENTS:
		break;
	}
	CHECK("text only with success",
	      (buf.len > 0) == (err == 0 && (event == WRITE || event == WRITE_ANSWER)));
	buf_done(&buf);
	return err;
}

static const struct {
	const char *name;
	enum offer_state state;
	enum event event;
	int err;
	enum offer_state next;
	bool is_agreed; /* of a session where nothing was agreed before */
} transitions[] = {
	{"stable: we offer", OFFER_STABLE, WRITE, 0, OFFER_LOCAL, false},
	{"stable: answer to nothing", OFFER_STABLE, READ_ANSWER, ERR_STATE, OFFER_STABLE, false},
	{"stable: bad answer to nothing", OFFER_STABLE, READ_BAD_ANSWER, ERR_STATE, OFFER_STABLE,
	 false},
	{"stable: they offer", OFFER_STABLE, READ, 0, OFFER_REMOTE, false},
	{"stable: they offer nonsense", OFFER_STABLE, READ_BAD, ERR_SDP_SYNTAX, OFFER_STABLE,
	 false},
	{"stable: they offer video only", OFFER_STABLE, READ_USELESS, ERR_SDP_NO_MEDIA,
	 OFFER_STABLE, false},
	{"stable: no offer to answer", OFFER_STABLE, WRITE_ANSWER, ERR_STATE, OFFER_STABLE, false},
	{"stable: rollback", OFFER_STABLE, ROLLBACK, 0, OFFER_STABLE, false},
	{"stable: set local", OFFER_STABLE, SET_LOCAL, 0, OFFER_STABLE, false},
	{"local: we offer again", OFFER_LOCAL, WRITE, ERR_STATE, OFFER_LOCAL, false},
	{"local: answer", OFFER_LOCAL, READ_ANSWER, 0, OFFER_STABLE, true},
	{"local: bad answer", OFFER_LOCAL, READ_BAD_ANSWER, ERR_SDP_MISMATCH, OFFER_STABLE, false},
	{"local: glare", OFFER_LOCAL, READ, ERR_STATE, OFFER_LOCAL, false},
	{"local: glare with nonsense", OFFER_LOCAL, READ_BAD, ERR_STATE, OFFER_LOCAL, false},
	{"local: glare with video", OFFER_LOCAL, READ_USELESS, ERR_STATE, OFFER_LOCAL, false},
	{"local: no offer to answer", OFFER_LOCAL, WRITE_ANSWER, ERR_STATE, OFFER_LOCAL, false},
	{"local: refused", OFFER_LOCAL, ROLLBACK, 0, OFFER_STABLE, false},
	{"local: it is said already", OFFER_LOCAL, SET_LOCAL, ERR_STATE, OFFER_LOCAL, false},
	{"remote: we may not offer", OFFER_REMOTE, WRITE, ERR_STATE, OFFER_REMOTE, false},
	{"remote: answer to nothing", OFFER_REMOTE, READ_ANSWER, ERR_STATE, OFFER_REMOTE, false},
	{"remote: bad answer to nothing", OFFER_REMOTE, READ_BAD_ANSWER, ERR_STATE, OFFER_REMOTE,
	 false},
	{"remote: second offer", OFFER_REMOTE, READ, ERR_STATE, OFFER_REMOTE, false},
	{"remote: second offer, nonsense", OFFER_REMOTE, READ_BAD, ERR_STATE, OFFER_REMOTE, false},
	{"remote: second offer, video", OFFER_REMOTE, READ_USELESS, ERR_STATE, OFFER_REMOTE, false},
	{"remote: we answer", OFFER_REMOTE, WRITE_ANSWER, 0, OFFER_STABLE, true},
	{"remote: we refuse", OFFER_REMOTE, ROLLBACK, 0, OFFER_STABLE, false},
	{"remote: port found now", OFFER_REMOTE, SET_LOCAL, 0, OFFER_REMOTE, false},
};

static void states_and_events(void)
{
	bool seen[3][EVENTS] = {{false}};

	for (size_t i = 0; i < ARRAY_LEN(transitions); i++) {
		struct offer_local local = plain();
		struct offer *offer = new_offer(&local);

		if (transitions[i].state != OFFER_STABLE)
			CHECK_INT(transitions[i].name,
				  apply(offer, transitions[i].state == OFFER_LOCAL ? WRITE : READ),
				  0);
		CHECK_INT(transitions[i].name, offer_state(offer), transitions[i].state);
		CHECK_INT(transitions[i].name, apply(offer, transitions[i].event),
			  transitions[i].err);
		CHECK_INT(transitions[i].name, offer_state(offer), transitions[i].next);
		CHECK_INT(transitions[i].name, offer_agreed(offer) != NULL,
			  transitions[i].is_agreed);
		seen[transitions[i].state][transitions[i].event] = true;
		offer_free(offer);
	}
	for (int state = 0; state < 3; state++)
		for (int event = 0; event < EVENTS; event++)
			CHECK("no pair is missing", seen[state][event]);
}

/* Their offers, our answers
 * ------------------------------------------------------------------------ */

static const struct answer_row {
	const char *name;
	const char *offer; /* behind REMOTE */
	int err;
	const char *answer; /* behind OURS */
	/* agreed: "send pt receive(id:pt,...) dtmf receive/send ptime flags rtp rtcp", "inactive"
	 */
	const char *agreed;
} answers[] = {
	{"one codec", "m=audio 5000 RTP/AVP 0\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"their order, unknown left out", "m=audio 5000 RTP/AVP 3 8 18 0\r\n", 0,
	 "m=audio 4000 RTP/AVP 8 0\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 "
	 "PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "2 8 (2:8,1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"their number for a static codec",
	 "m=audio 5000 RTP/AVP 100\r\na=rtpmap:100 pcma/8000\r\n", 0,
	 "m=audio 4000 RTP/AVP 100\r\na=rtpmap:100 PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "2 100 (2:100) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"a static number that means something else",
	 "m=audio 5000 RTP/AVP 0 8\r\na=rtpmap:0 L16/8000\r\n", 0,
	 "m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "2 8 (2:8) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"the same codec twice", "m=audio 5000 RTP/AVP 0 97\r\na=rtpmap:97 PCMU/8000\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"telephone-event",
	 "m=audio 5000 RTP/AVP 0 97\r\na=rtpmap:97 telephone-event/8000\r\na=fmtp:97 0-15\r\n", 0,
	 "m=audio 4000 RTP/AVP 0 97\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:97 telephone-event/8000\r\n"
	 "a=fmtp:97 0-16\r\na=ptime:20\r\na=sendrecv\r\n",
	 "1 0 (1:0) 97/97 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"telephone-event at the clock rate in use",
	 "m=audio 5000 RTP/AVP 0 97 98\r\na=rtpmap:97 telephone-event/48000\r\na=rtpmap:98 "
	 "telephone-event/8000\r\n",
	 0,
	 "m=audio 4000 RTP/AVP 0 98\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:98 telephone-event/8000\r\n"
	 "a=fmtp:98 0-16\r\na=ptime:20\r\na=sendrecv\r\n",
	 "1 0 (1:0) 98/98 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"telephone-event at no rate in use is better than none",
	 "m=audio 5000 RTP/AVP 0 97\r\na=rtpmap:97 telephone-event/16000\r\n", 0,
	 "m=audio 4000 RTP/AVP 0 97\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:97 "
	 "telephone-event/16000\r\n"
	 "a=fmtp:97 0-16\r\na=ptime:20\r\na=sendrecv\r\n",
	 "1 0 (1:0) 97/97 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"telephone-event without audio",
	 "m=audio 5000 RTP/AVP 97\r\na=rtpmap:97 telephone-event/8000\r\n", ERR_SDP_NO_MEDIA, NULL,
	 NULL},
	{"ptime", "m=audio 5000 RTP/AVP 0\r\na=ptime:30\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:30\r\na=sendrecv\r\n",
	 "1 0 (1:0) 255/255 30 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"ptime above maxptime", "m=audio 5000 RTP/AVP 0\r\na=ptime:60\r\na=maxptime:45\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:40\r\na=sendrecv\r\n",
	 "1 0 (1:0) 255/255 40 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"maxptime below ours", "m=audio 5000 RTP/AVP 0\r\na=maxptime:10\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:10\r\na=sendrecv\r\n",
	 "1 0 (1:0) 255/255 10 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"maxptime that cannot be", "m=audio 5000 RTP/AVP 0\r\na=maxptime:5\r\na=ptime:25\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"ptime too long", "m=audio 5000 RTP/AVP 0\r\na=ptime:200\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"hold: sendonly", "m=audio 5000 RTP/AVP 0\r\na=sendonly\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=recvonly\r\n",
	 "1 0 (1:0) 255/255 20 R held 10.0.0.1:5000 10.0.0.1:5001"},
	{"hold: inactive", "m=audio 5000 RTP/AVP 0\r\na=inactive\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=inactive\r\n",
	 "1 0 (1:0) 255/255 20 held 10.0.0.1:5000 10.0.0.1:5001"},
	{"listener: recvonly", "m=audio 5000 RTP/AVP 0\r\na=recvonly\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendonly\r\n",
	 "1 0 (1:0) 255/255 20 S 10.0.0.1:5000 10.0.0.1:5001"},
	{"hold: 0.0.0.0", "m=audio 5000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "1 0 (1:0) 255/255 20 R held - -"},
	{"a host name", "m=audio 5000 RTP/AVP 0\r\nc=IN IP4 phone.example.org\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "1 0 (1:0) 255/255 20 SR - -"},
	{"v6", "m=audio 5000 RTP/AVP 0\r\nc=IN IP6 2001:db8::2\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "1 0 (1:0) 255/255 20 SR [2001:db8::2]:5000 [2001:db8::2]:5001"},
	{"a=rtcp", "m=audio 5000 RTP/AVP 0\r\na=rtcp:6000\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:6000"},
	{"the last port has no next one", "m=audio 65535 RTP/AVP 0\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "1 0 (1:0) 255/255 20 SR 10.0.0.1:65535 10.0.0.1:0"},
	{"rtcp-mux that we do not do", "m=audio 5000 RTP/AVP 0\r\na=rtcp-mux\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"AVPF as given", "m=audio 5000 RTP/AVPF 0\r\n", 0,
	 "m=audio 4000 RTP/AVPF 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"SAVP alone", "m=audio 5000 RTP/SAVP 0\r\n", ERR_SDP_NO_MEDIA, NULL, NULL},
	{"SAVP, then AVP", "m=audio 5000 RTP/SAVP 0\r\nm=audio 5002 RTP/AVP 0\r\n", 0,
	 "m=audio 0 RTP/SAVP 0\r\nm=audio 4000 RTP/AVP 0\r\na=rtpmap:0 "
	 "PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "1 0 (1:0) 255/255 20 SR 10.0.0.1:5002 10.0.0.1:5003"},
	{"video and others are declined, in place",
	 "m=video 6000 RTP/AVP 31 96\r\nm=audio 5000 RTP/AVP 0\r\nm=image 7 udptl t38\r\nm=message "
	 "9 TCP/MSRP *\r\n",
	 0,
	 "m=video 0 RTP/AVP 31 96\r\nm=audio 4000 RTP/AVP 0\r\na=rtpmap:0 "
	 "PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
	 "m=image 0 udptl t38\r\nm=message 0 TCP/MSRP *\r\n",
	 "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"second audio line declined", "m=audio 5000 RTP/AVP 0\r\nm=audio 5002 RTP/AVP 8\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\nm=audio 0 "
	 "RTP/AVP 8\r\n",
	 "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"the first audio line that will do",
	 "m=audio 5000 RTP/AVP 18\r\nm=audio 5002 RTP/AVP 8\r\n", 0,
	 "m=audio 0 RTP/AVP 18\r\nm=audio 4000 RTP/AVP 8\r\na=rtpmap:8 "
	 "PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "2 8 (2:8) 255/255 20 SR 10.0.0.1:5002 10.0.0.1:5003"},
	{"a disabled line without formats", "m=video 0 RTP/AVP\r\nm=audio 5000 RTP/AVP 0\r\n", 0,
	 "m=video 0 RTP/AVP 0\r\nm=audio 4000 RTP/AVP 0\r\na=rtpmap:0 "
	 "PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
	{"port 0", "m=audio 0 RTP/AVP 0\r\n", 0, "m=audio 0 RTP/AVP 0\r\n", "inactive"},
	{"no m-line", "", 0, "", "inactive"},
	{"port 0 and video", "m=audio 0 RTP/AVP 0\r\nm=video 6000 RTP/AVP 31\r\n", ERR_SDP_NO_MEDIA,
	 NULL, NULL},
	{"no codec in common", "m=audio 5000 RTP/AVP 18 96\r\na=rtpmap:96 iLBC/8000\r\n",
	 ERR_SDP_NO_MEDIA, NULL, NULL},
	{"BUNDLE is not taken up without rtcp-mux",
	 "a=group:BUNDLE a\r\nm=audio 5000 RTP/AVP 0\r\na=mid:a\r\n", 0,
	 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n",
	 "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
};

static void add_addr(struct buf *buf, const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	buf_addf(buf, " %s", addr_is_set(addr) ? addr_text(addr, text) : "-");
}

static void describe(const struct offer_agreed *a, struct buf *buf)
{
	buf_clear(buf);
	if (!a || !a->is_active) {
		buf_adds(buf, a ? "inactive" : "none");
		return;
	}
	buf_addf(buf, "%d %u (", a->send_id, a->send_pt);
	for (size_t i = 0; i < a->receive_count; i++)
		buf_addf(buf, "%s%d:%u", i ? "," : "", a->receive[i].id,
			 a->receive[i].payload_type);
	buf_addf(buf, ") %u/%u %u", a->dtmf_pt_receive, a->dtmf_pt_send, a->ptime_ms);
	if (a->is_sending || a->is_receiving)
		buf_addf(buf, " %s%s", a->is_sending ? "S" : "", a->is_receiving ? "R" : "");
	buf_addf(buf, "%s%s", a->is_held ? " held" : "", a->has_rtcp_mux ? " mux" : "");
	add_addr(buf, &a->remote_rtp);
	add_addr(buf, &a->remote_rtcp);
}

static void check_agreed(const char *row, const struct offer *offer, const char *want)
{
	struct buf buf = BUF_INIT;

	describe(offer_agreed(offer), &buf);
	CHECK_SLICE(row, buf_slice(&buf), want);
	buf_done(&buf);
}

/* Reads an offer that ends in `lines`; our answer has to be version `version` and end in `want`. */
static void exchange(const char *row, struct offer *offer, const char *lines, unsigned version,
		     const char *want)
{
	struct buf in = BUF_INIT, out = BUF_INIT, all = BUF_INIT;

	buf_addf(&in, REMOTE "%s", lines);
	buf_addf(&all, "v=0\r\no=- 77 %u IN IP4 192.0.2.1\r\n" OURS "%s", version, want);
	CHECK_INT(row, offer_read(offer, buf_slice(&in)), 0);
	CHECK_INT(row, offer_write_answer(offer, &out), 0);
	CHECK_SLICE(row, buf_slice(&out), all.p);
	buf_done(&in);
	buf_done(&out);
	buf_done(&all);
}

static void answer_table(void)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		const struct answer_row *row = &answers[i];
		struct offer_local local = plain();
		struct offer *offer = new_offer(&local);

		if (row->err) {
			struct buf in = BUF_INIT;

			buf_addf(&in, REMOTE "%s", row->offer);
			CHECK_INT(row->name, offer_read(offer, buf_slice(&in)), row->err);
			buf_done(&in);
		} else {
			exchange(row->name, offer, row->offer, 1, row->answer);
			check_agreed(row->name, offer, row->agreed);
		}
		offer_free(offer);
	}
}

static void directions(void)
{
	/* Rows: ours; columns: theirs. What our answer says (RFC 3264 6.1). */
	static const char *const names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
	static const char *const want[4][4] = {
		{"sendrecv", "recvonly", "sendonly", "inactive"},
		{"sendonly", "inactive", "sendonly", "inactive"},
		{"recvonly", "recvonly", "inactive", "inactive"},
		{"inactive", "inactive", "inactive", "inactive"},
	};

	for (int ours = 0; ours < 4; ours++) {
		for (int theirs = 0; theirs < 4; theirs++) {
			char in[256], row[64], line[32];
			struct offer_local local = plain();
			struct buf out = BUF_INIT;
			struct offer *offer;

			local.direction = (enum sdp_direction)ours;
			offer = new_offer(&local);
			snprintf(row, sizeof(row), "ours %s, theirs %s", names[ours],
				 names[theirs]);
			snprintf(in, sizeof(in), REMOTE "m=audio 5000 RTP/AVP 0\r\na=%s\r\n",
				 names[theirs]);
			snprintf(line, sizeof(line), "a=%s\r\n", want[ours][theirs]);
			CHECK_INT(row, offer_read(offer, slice_of(in)), 0);
			CHECK_INT(row, offer_write_answer(offer, &out), 0);
			CHECK(row, out.p && strstr(out.p, line));
			CHECK_INT(row, offer_agreed(offer)->is_sending,
				  strncmp(want[ours][theirs], "send", 4) == 0);
			CHECK_INT(row, offer_agreed(offer)->is_receiving,
				  strstr(want[ours][theirs], "recv") != NULL);
			buf_done(&out);
			offer_free(offer);
		}
	}
}

static void mux(void)
{
	struct offer_local local = plain();
	struct offer *offer;

	local.has_rtcp_mux = true;
	offer = new_offer(&local);
	exchange("offered", offer, "m=audio 5000 RTP/AVP 0\r\na=rtcp:5001\r\na=rtcp-mux\r\n", 1,
		 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 "
		 "PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\na=rtcp-mux\r\n");
	check_agreed("offered", offer, "1 0 (1:0) 255/255 20 SR mux 10.0.0.1:5000 10.0.0.1:5000");
	exchange("not offered", offer, "m=audio 5000 RTP/AVP 0\r\n", 2,
		 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n");
	check_agreed("not offered", offer, "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001");
	offer_free(offer);
}

/* RFC 8843: the one line that we take is a group of its own; the others are declined. */
static void bundle(void)
{
	static const struct {
		const char *name, *offer, *group, *mid;
	} cases[] = {
		{"audio alone",
		 "a=group:BUNDLE a\r\nm=audio 5000 RTP/AVP 0\r\na=mid:a\r\na=rtcp-mux\r\n",
		 "a=group:BUNDLE a\r\n", "a=mid:a\r\n"},
		{"with video",
		 "a=group:LS 1 0\r\na=group:BUNDLE 0 1\r\nm=audio 5000 RTP/AVP 0\r\na=mid:0\r\n"
		 "a=rtcp-mux\r\nm=video 5000 RTP/AVP 96\r\na=mid:1\r\na=rtcp-mux\r\n",
		 "a=group:BUNDLE 0\r\n", "a=mid:0\r\n"},
		{"not in the group",
		 "a=group:BUNDLE aa\r\nm=audio 5000 RTP/AVP 0\r\na=mid:a\r\na=rtcp-mux\r\n", "",
		 ""},
		{"no group", "m=audio 5000 RTP/AVP 0\r\na=mid:a\r\na=rtcp-mux\r\n", "", ""},
		{"no mid", "a=group:BUNDLE a\r\nm=audio 5000 RTP/AVP 0\r\na=rtcp-mux\r\n", "", ""},
		{"no rtcp-mux", "a=group:BUNDLE a\r\nm=audio 5000 RTP/AVP 0\r\na=mid:a\r\n", "",
		 ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf in = BUF_INIT, out = BUF_INIT;
		struct offer_local local = plain();
		struct offer *offer;

		local.has_rtcp_mux = true;
		offer = new_offer(&local);
		buf_addf(
			&in,
			"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n%s",
			cases[i].offer);
		for (int turn = 0; turn < 2; turn++) { /* our answer, then an offer of ours */
			if (turn == 0) {
				CHECK_INT(cases[i].name, offer_read(offer, buf_slice(&in)), 0);
				CHECK_INT(cases[i].name, offer_write_answer(offer, &out), 0);
			} else {
				buf_clear(&out);
				CHECK_INT(cases[i].name, offer_write(offer, &out), 0);
			}
			buf_addc(&out, '\0');
			CHECK_INT(cases[i].name, strstr(out.p, "a=group:") != NULL,
				  *cases[i].group != '\0');
			CHECK(cases[i].name, strstr(out.p, cases[i].group) != NULL);
			CHECK_INT(cases[i].name, strstr(out.p, "a=mid:") != NULL,
				  *cases[i].mid != '\0');
			CHECK(cases[i].name, strstr(out.p, cases[i].mid) != NULL);
		}
		buf_done(&in);
		buf_done(&out);
		offer_free(offer);
	}
}

/* Our offers, their answers
 * ------------------------------------------------------------------------ */

#define PLAIN_OFFER                                                                                \
	"m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"         \
	"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"

static void we_offer(const char *row, struct offer *offer, unsigned version, const char *want)
{
	struct buf out = BUF_INIT, all = BUF_INIT;

	buf_addf(&all, "v=0\r\no=- 77 %u IN IP4 192.0.2.1\r\n" OURS "%s", version, want);
	CHECK_INT(row, offer_write(offer, &out), 0);
	CHECK_SLICE(row, buf_slice(&out), all.p);
	buf_done(&out);
	buf_done(&all);
}

static void answered_table(void)
{
	static const struct {
		const char *name, *answer;
		int err;
		const char *agreed;
	} rows[] = {
		{"all of it",
		 "m=audio 5000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n", 0,
		 "1 0 (1:0,2:8) 101/101 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
		{"their order", "m=audio 5000 RTP/AVP 8 0\r\n", 0,
		 "2 8 (2:8,1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
		{"other numbers",
		 "m=audio 5000 RTP/AVP 96 97\r\na=rtpmap:96 PCMA/8000\r\na=rtpmap:97 "
		 "telephone-event/8000\r\n",
		 0, "2 96 (2:8) 101/97 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
		{"codecs that were not offered", "m=audio 5000 RTP/AVP 18 0 3\r\n", 0,
		 "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
		{"telephone-event at another rate",
		 "m=audio 5000 RTP/AVP 0 97\r\na=rtpmap:97 telephone-event/48000\r\n", 0,
		 "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
		{"sendonly: held", "m=audio 5000 RTP/AVP 0\r\na=sendonly\r\n", 0,
		 "1 0 (1:0) 255/255 20 R held 10.0.0.1:5000 10.0.0.1:5001"},
		{"recvonly", "m=audio 5000 RTP/AVP 0\r\na=recvonly\r\n", 0,
		 "1 0 (1:0) 255/255 20 S 10.0.0.1:5000 10.0.0.1:5001"},
		{"inactive", "m=audio 5000 RTP/AVP 0\r\na=inactive\r\n", 0,
		 "1 0 (1:0) 255/255 20 held 10.0.0.1:5000 10.0.0.1:5001"},
		{"ptime", "m=audio 5000 RTP/AVP 0\r\na=ptime:40\r\n", 0,
		 "1 0 (1:0) 255/255 40 SR 10.0.0.1:5000 10.0.0.1:5001"},
		{"mux that was not offered", "m=audio 5000 RTP/AVP 0\r\na=rtcp-mux\r\n", 0,
		 "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001"},
		{"declined", "m=audio 0 RTP/AVP 0\r\n", 0, "inactive"},
		{"no codec of ours", "m=audio 5000 RTP/AVP 18\r\n", ERR_SDP_MISMATCH, "none"},
		{"no m-line", "", ERR_SDP_MISMATCH, "none"},
		{"one m-line more", "m=audio 5000 RTP/AVP 0\r\nm=video 0 RTP/AVP 31\r\n",
		 ERR_SDP_MISMATCH, "none"},
		{"video", "m=video 5000 RTP/AVP 0\r\n", ERR_SDP_MISMATCH, "none"},
		{"another protocol", "m=audio 5000 RTP/SAVP 0\r\n", ERR_SDP_MISMATCH, "none"},
		{"nonsense", "m=\r\n", ERR_SDP_SYNTAX, "none"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct offer_local local = plain();
		struct offer *offer = new_offer(&local);
		struct buf in = BUF_INIT;

		we_offer(rows[i].name, offer, 1, PLAIN_OFFER);
		buf_addf(&in, REMOTE "%s", rows[i].answer);
		CHECK_INT(rows[i].name, offer_read_answer(offer, buf_slice(&in)), rows[i].err);
		CHECK_INT(rows[i].name, offer_state(offer), OFFER_STABLE);
		check_agreed(rows[i].name, offer, rows[i].agreed);
		buf_done(&in);
		offer_free(offer);
	}
}

static void dynamic_numbers(void)
{
	struct offer_local local = plain();
	struct offer *offer;

	local.codecs[0] = codec_opus;
	local.codecs[1] = codec_g722;
	offer = new_offer(&local);
	we_offer("opus from 96, one event per clock rate", offer, 1,
		 "m=audio 4000 RTP/AVP 96 9 97 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 "
		 "useinbandfec=1\r\n"
		 "a=rtpmap:9 G722/8000\r\na=rtpmap:97 telephone-event/48000\r\na=fmtp:97 0-16\r\n"
		 "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 "
		 "0-16\r\na=ptime:20\r\na=sendrecv\r\n");
	CHECK_INT(
		NULL,
		offer_read_answer(
			offer,
			SLICE(REMOTE "m=audio 5000 RTP/AVP 111 112\r\na=rtpmap:111 opus/48000/2\r\n"
				     "a=rtpmap:112 telephone-event/48000\r\n")),
		0);
	check_agreed("ours to receive, theirs to send", offer,
		     "3 111 (3:96) 97/112 20 SR 10.0.0.1:5000 10.0.0.1:5001");
	we_offer("the same numbers, the same version", offer, 1,
		 "m=audio 4000 RTP/AVP 96 9 97 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 "
		 "useinbandfec=1\r\n"
		 "a=rtpmap:9 G722/8000\r\na=rtpmap:97 telephone-event/48000\r\na=fmtp:97 0-16\r\n"
		 "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 "
		 "0-16\r\na=ptime:20\r\na=sendrecv\r\n");
	CHECK_INT("a dynamic number without rtpmap is ours",
		  offer_read_answer(offer, SLICE(REMOTE "m=audio 5000 RTP/AVP 96\r\n")), 0);
	check_agreed("without rtpmap", offer,
		     "3 96 (3:96) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001");
	offer_free(offer);
}

/* What they called opus stays opus when we offer next (RFC 3264 8.3.2). */
static void numbers_for_life(void)
{
	struct offer_local local = plain();
	struct offer *offer;

	local.codecs[1] = codec_opus;
	offer = new_offer(&local);
	exchange("theirs", offer,
		 "m=audio 5000 RTP/AVP 101 100\r\na=rtpmap:101 opus/48000/2\r\na=rtpmap:100 "
		 "telephone-event/8000\r\n",
		 1,
		 "m=audio 4000 RTP/AVP 101 100\r\na=rtpmap:101 opus/48000/2\r\na=fmtp:101 "
		 "useinbandfec=1\r\n"
		 "a=rtpmap:100 telephone-event/8000\r\na=fmtp:100 "
		 "0-16\r\na=ptime:20\r\na=sendrecv\r\n");
	we_offer("ours, later", offer, 2,
		 "m=audio 4000 RTP/AVP 0 101 100 96\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 "
		 "opus/48000/2\r\n"
		 "a=fmtp:101 useinbandfec=1\r\na=rtpmap:100 telephone-event/8000\r\na=fmtp:100 "
		 "0-16\r\n"
		 "a=rtpmap:96 telephone-event/48000\r\na=fmtp:96 "
		 "0-16\r\na=ptime:20\r\na=sendrecv\r\n");
	offer_rollback(offer);
	exchange("a number with a new meaning", offer,
		 "m=audio 5000 RTP/AVP 101\r\na=rtpmap:101 PCMU/8000\r\n", 3,
		 "m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 "
		 "PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n");
	we_offer("the old meaning is gone", offer, 4,
		 "m=audio 4000 RTP/AVP 101 96 100 97\r\na=rtpmap:101 PCMU/8000\r\na=rtpmap:96 "
		 "opus/48000/2\r\n"
		 "a=fmtp:96 useinbandfec=1\r\na=rtpmap:100 telephone-event/8000\r\na=fmtp:100 "
		 "0-16\r\n"
		 "a=rtpmap:97 telephone-event/48000\r\na=fmtp:97 "
		 "0-16\r\na=ptime:20\r\na=sendrecv\r\n");
	offer_free(offer);
}

/* The life of a session
 * ------------------------------------------------------------------------------ */

static void hold_and_resume(void)
{
	static const char *const held[] = {"a=sendonly\r\n", "a=inactive\r\n",
					   "c=IN IP4 0.0.0.0\r\n"};

	for (size_t i = 0; i < ARRAY_LEN(held); i++) {
		struct offer_local local = plain();
		struct offer *offer = new_offer(&local);
		struct buf buf = BUF_INIT;
		char in[256];

		CHECK_INT(held[i], offer_read(offer, SLICE(REMOTE PLAIN_ANSWER)), 0);
		CHECK_INT(held[i], offer_write_answer(offer, &buf), 0);
		CHECK("not held", !offer_agreed(offer)->is_held);
		snprintf(in, sizeof(in), REMOTE PLAIN_ANSWER "%s", held[i]);
		CHECK_INT(held[i], offer_read(offer, slice_of(in)), 0);
		CHECK_INT(held[i], offer_write_answer(offer, &buf), 0);
		CHECK("held", offer_agreed(offer)->is_held);
		CHECK("we are still", !offer_agreed(offer)->is_sending);
		CHECK_INT(held[i], offer_read(offer, SLICE(REMOTE PLAIN_ANSWER)), 0);
		CHECK("still held until it is answered", offer_agreed(offer)->is_held);
		CHECK_INT(held[i], offer_write_answer(offer, &buf), 0);
		CHECK("resumed", offer_agreed(offer)->is_sending && !offer_agreed(offer)->is_held);
		buf_done(&buf);
		offer_free(offer);
	}
}

#define AUDIO_0 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"

static void version_follows_text(void)
{
	struct offer_local local = plain();
	struct offer *offer = new_offer(&local);

	exchange("first", offer, PLAIN_ANSWER, 1, AUDIO_0);
	exchange("session refresh", offer, PLAIN_ANSWER, 1, AUDIO_0);
	exchange("another address of theirs changes nothing", offer,
		 PLAIN_ANSWER "c=IN IP4 10.9.9.9\r\n", 1, AUDIO_0);
	exchange("a line more", offer, PLAIN_ANSWER "m=video 6 RTP/AVP 31\r\n", 2,
		 AUDIO_0 "m=video 0 RTP/AVP 31\r\n");
	we_offer("ours", offer, 3, PLAIN_OFFER "m=video 0 RTP/AVP 31\r\n");
	offer_rollback(offer);
	we_offer("ours again, refused before", offer, 3, PLAIN_OFFER "m=video 0 RTP/AVP 31\r\n");
	offer_rollback(offer);
	addr_set_port(&local.rtp, 4002);
	CHECK_INT(NULL, offer_set_local(offer, &local), 0);
	exchange("our port moved", offer, PLAIN_ANSWER "m=video 6 RTP/AVP 31\r\n", 4,
		 "m=audio 4002 RTP/AVP 0\r\na=rtpmap:0 "
		 "PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\nm=video 0 RTP/AVP 31\r\n");
	offer_free(offer);
}

/* One step, whether the text changes as well or not; none before there was a text. */
static void renewed(void)
{
	struct offer_local local = plain();
	struct offer *offer = new_offer(&local);

	offer_renew(offer);
	exchange("first", offer, PLAIN_ANSWER, 1, AUDIO_0);
	offer_renew(offer);
	offer_renew(offer);
	we_offer("another text as well", offer, 2, PLAIN_OFFER);
	offer_rollback(offer);
	we_offer("once is enough", offer, 2, PLAIN_OFFER);
	offer_rollback(offer);
	offer_renew(offer);
	we_offer("the same text", offer, 3, PLAIN_OFFER);
	offer_free(offer);
}

static void lines_keep_their_place(void)
{
	struct offer_local local = plain();
	struct offer *offer = new_offer(&local);

	exchange("video first", offer, "m=video 6 RTP/AVP 31\r\n" PLAIN_ANSWER, 1,
		 "m=video 0 RTP/AVP 31\r\n" AUDIO_0);
	exchange("a second audio line comes", offer, "m=audio 8 RTP/AVP 0\r\n" PLAIN_ANSWER, 2,
		 "m=audio 0 RTP/AVP 0\r\n" AUDIO_0);
	we_offer("ours has all lines", offer, 3, "m=audio 0 RTP/AVP 0\r\n" PLAIN_OFFER);
	CHECK_INT("a line less", offer_read_answer(offer, SLICE(REMOTE PLAIN_ANSWER)),
		  ERR_SDP_MISMATCH);
	check_agreed("as before", offer, "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001");
	exchange("the line in use goes, the other one does", offer,
		 "m=audio 8 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n", 4,
		 AUDIO_0 "m=audio 0 RTP/AVP 0\r\n");
	check_agreed("moved", offer, "1 0 (1:0) 255/255 20 SR 10.0.0.1:8 10.0.0.1:9");
	exchange("all off", offer, "m=audio 0 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n", 5,
		 "m=audio 0 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n");
	check_agreed("off", offer, "inactive");
	we_offer("on again, by us", offer, 6, PLAIN_OFFER "m=audio 0 RTP/AVP 0\r\n");
	offer_free(offer);
}

static void bad_reinvite_changes_nothing(void)
{
	struct offer_local local = plain();
	struct offer *offer = new_offer(&local);

	exchange("first", offer, PLAIN_ANSWER, 1, AUDIO_0);
	CHECK_INT("no codec", offer_read(offer, SLICE(REMOTE "m=audio 6000 RTP/AVP 18\r\n")),
		  ERR_SDP_NO_MEDIA);
	CHECK_INT("nonsense", offer_read(offer, SLICE("v=1\r\n")), ERR_SDP_SYNTAX);
	check_agreed("as before", offer, "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001");
	exchange("next", offer, PLAIN_ANSWER, 1, AUDIO_0);
	offer_free(offer);
}

/* A controller's INVITE without media, then ours with (RFC 3725 4.2, 4.3). */
static void black_hole_then_media(void)
{
	struct offer_local local = plain();
	struct offer *offer = new_offer(&local);

	exchange("no m-line", offer, "", 1, "");
	we_offer("a line of ours", offer, 2, PLAIN_OFFER);
	CHECK_INT(NULL, offer_read_answer(offer, SLICE(REMOTE PLAIN_ANSWER)), 0);
	check_agreed("talks", offer, "1 0 (1:0) 255/255 20 SR 10.0.0.1:5000 10.0.0.1:5001");
	offer_free(offer);
}

static void full_of_lines(void)
{
	struct offer_local local = plain();
	struct offer *offer = new_offer(&local);
	struct buf in = BUF_INIT, out = BUF_INIT;

	buf_adds(&in, REMOTE);
	for (int i = 0; i < SDP_MEDIA_MAX; i++)
		buf_adds(&in, "m=video 0 RTP/AVP 31\r\n");
	CHECK_INT(NULL, offer_read(offer, buf_slice(&in)), 0);
	CHECK_INT(NULL, offer_write_answer(offer, &out), 0);
	buf_clear(&out);
	CHECK_INT("no line left for audio", offer_write(offer, &out), 0);
	CHECK("no audio", out.p && strstr(out.p, "m=video") && !strstr(out.p, "m=audio"));
	CHECK_INT(NULL, offer_read_answer(offer, buf_slice(&in)), 0);
	check_agreed(NULL, offer, "inactive");
	buf_done(&in);
	buf_done(&out);
	offer_free(offer);
}

/* The local description is asked again when the answer is written. */
static void local_changes_before_answer(void)
{
	struct offer_local local = plain();
	struct offer *offer = new_offer(&local);
	struct buf out = BUF_INIT;

	CHECK_INT(NULL, offer_read(offer, SLICE(REMOTE PLAIN_ANSWER)), 0);
	local.codecs[0] = codec_pcma;
	local.codec_count = 1;
	CHECK_INT(NULL, offer_set_local(offer, &local), 0);
	CHECK_INT("nothing in common now", offer_write_answer(offer, &out), ERR_SDP_NO_MEDIA);
	CHECK_INT("still theirs to answer", offer_state(offer), OFFER_REMOTE);
	local = plain();
	CHECK_INT(NULL, addr_parse(SLICE("[2001:db8::1]:7000"), &local.rtp), 0);
	CHECK_INT(NULL, offer_set_local(offer, &local), 0);
	CHECK_INT(NULL, offer_write_answer(offer, &out), 0);
	CHECK_SLICE(
		"v6", buf_slice(&out),
		"v=0\r\no=- 77 1 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\nt=0 0\r\n"
		"m=audio 7000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n");
	buf_done(&out);
	offer_free(offer);
	CHECK("free takes NULL", offer_free(NULL) == NULL);
}

static void no_telephone_event(void)
{
	struct offer_local local = plain();
	struct offer *offer;

	local.has_telephone_event = false;
	offer = new_offer(&local);
	exchange("theirs", offer,
		 "m=audio 5000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n", 1, AUDIO_0);
	we_offer("ours", offer, 2,
		 "m=audio 4000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 "
		 "PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\n");
	offer_free(offer);
}

/* A disabled audio line is the one that we ask for again: no second one is added. */
static void disabled_line_is_used_again(void)
{
	struct offer_local local = plain();
	struct offer *offer = new_offer(&local);

	exchange("off from the start", offer, "m=video 0 RTP/AVP 31\r\nm=audio 0 RTP/SAVP 0\r\n", 1,
		 "m=video 0 RTP/AVP 31\r\nm=audio 0 RTP/SAVP 0\r\n");
	we_offer("ours", offer, 2, "m=video 0 RTP/AVP 31\r\n" PLAIN_OFFER);
	offer_free(offer);
}

static void no_address_yet(void)
{
	struct offer_local local = plain();
	struct offer *offer;
	struct buf out = BUF_INIT;

	memset(&local.rtp, 0, sizeof(local.rtp));
	offer = new_offer(&local);
	CHECK_INT(NULL, offer_write(offer, &out), 0);
	CHECK("the address of nobody",
	      out.p && strstr(out.p, "c=IN IP4 0.0.0.0\r\n") && strstr(out.p, "m=audio 0 "));
	buf_done(&out);
	offer_free(offer);
}

static struct offer_local made_up(char names[][8], int first, int count)
{
	struct offer_local local = plain();

	local.has_telephone_event = false;
	local.codec_count = (uint8_t)count;
	for (int i = 0; i < count; i++) {
		snprintf(names[i], 8, "C%d", first + i);
		local.codecs[i] = (struct offer_codec){
			100 + first + i, names[i], 8000, 1, -1, NULL};
	}
	return local;
}

/* However often codecs and numbers change, the memory of payload types is bounded; numbers are
 * never given twice, and a codec for which none is left is left out. */
static void payload_types_run_out(void)
{
	static char names[OFFER_CODECS_MAX][8];
	struct offer_local local = made_up(names, 0, 1);
	struct offer *offer = new_offer(&local);
	struct buf out = BUF_INIT;
	struct sdp *sdp = NULL;
	bool used[128] = {false};

	for (int i = 0; i < 64; i++) {
		char in[256];

		local = made_up(names, i, 1);
		CHECK_INT(NULL, offer_set_local(offer, &local), 0);
		snprintf(in, sizeof(in),
			 REMOTE "m=audio 5000 RTP/AVP %d\r\na=rtpmap:%d C%d/8000\r\n", 96 + i % 32,
			 96 + i % 32, i);
		buf_clear(&out);
		CHECK_INT(in, offer_read(offer, slice_of(in)), 0);
		CHECK_INT(in, offer_write_answer(offer, &out), 0);
		CHECK_INT(in, offer_agreed(offer)->send_pt, 96 + i % 32);
	}
	local = made_up(names, 100, OFFER_CODECS_MAX);
	CHECK_INT(NULL, offer_set_local(offer, &local), 0);
	buf_clear(&out);
	CHECK_INT(NULL, offer_write(offer, &out), 0);
	CHECK_INT(NULL, sdp_parse(buf_slice(&out), &sdp, NULL), 0);
	CHECK("some are left out", sdp->media[0].format_count < OFFER_CODECS_MAX);
	CHECK("some are in", sdp->media[0].format_count > 0);
	for (int i = 0; i < sdp->media[0].format_count; i++) {
		uint8_t pt = sdp->media[0].formats[i].payload_type;

		CHECK("no number twice", !used[pt]);
		used[pt] = true;
	}
	sdp_free(sdp);
	buf_done(&out);
	offer_free(offer);
}

void suite_offer(void)
{
	CHECK_SUITE("offer");
	CHECK_TEST(states_and_events);
	CHECK_TEST(answer_table);
	CHECK_TEST(directions);
	CHECK_TEST(mux);
	CHECK_TEST(bundle);
	CHECK_TEST(answered_table);
	CHECK_TEST(dynamic_numbers);
	CHECK_TEST(numbers_for_life);
	CHECK_TEST(hold_and_resume);
	CHECK_TEST(version_follows_text);
	CHECK_TEST(renewed);
	CHECK_TEST(lines_keep_their_place);
	CHECK_TEST(bad_reinvite_changes_nothing);
	CHECK_TEST(black_hole_then_media);
	CHECK_TEST(full_of_lines);
	CHECK_TEST(local_changes_before_answer);
	CHECK_TEST(no_telephone_event);
	CHECK_TEST(disabled_line_is_used_again);
	CHECK_TEST(no_address_yet);
	CHECK_TEST(payload_types_run_out);
}
