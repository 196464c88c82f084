/* What parsing costs: a usual INVITE, and datagrams made to hurt. Prints one line per case: the
 * best and the median of many runs. Targets (docs/performance.md): the INVITE under 1.5 us and no
 * allocation, every hostile datagram under 2 ms with views and check.
 *
 *   build/release/tests/bench/bench_parse
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/attr.h"
#include "base/buf.h"
#include "sip/build.h"
#include "sip/msg.h"
#include "sip/sdp.h"

enum { RUNS = 401, OCTETS = 64 * 1000 };

static struct sip_msg msg;
static volatile unsigned sink; /* keeps the work from being optimised away */

static const char sdp[] =
	"v=0\r\no=alice 2890844526 2890844526 IN IP4 198.51.100.7\r\ns=-\r\n"
	"c=IN IP4 198.51.100.7\r\nt=0 0\r\nm=audio 49170 RTP/AVP 96 9 0 8 101\r\n"
	"a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1; maxaveragebitrate=32000\r\n"
	"a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
	"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n"
	"a=maxptime:60\r\na=sendrecv\r\na=rtcp:49171\r\n";

/* 1.4 KB, as a phone behind a proxy sends it. */
static void make_invite(struct buf *buf)
{
	sip_build_request(buf, SLICE("INVITE"),
			  SLICE("sip:lobby@conference.example.org;transport=udp"));
	sip_build_header(buf, "Via",
			 "SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bK9a7c.4f2e6b11000000.0");
	sip_build_header(buf, "Via",
			 "SIP/2.0/UDP "
			 "198.51.100.7:5060;received=198.51.100.7;branch=z9hG4bK-524287-1---8d31;"
			 "rport=5060");
	sip_build_header(buf, "Max-Forwards", "69");
	sip_build_header(buf, "Record-Route", "<sip:203.0.113.5;lr;ftag=d1b5f07a;did=4c1.8a32>");
	sip_build_header(buf, "Contact",
			 "<sip:alice@198.51.100.7:5060;transport=udp>;expires=3600");
	sip_build_header(buf, "To", "\"The Lobby\" <sip:lobby@conference.example.org>");
	sip_build_header(buf, "From", "\"Alice Example\" <sip:alice@example.org>;tag=d1b5f07a");
	sip_build_header(buf, "Call-ID", "MjQ5ZWRhNzYxZTQ5OTk0NzQ0ODY1YjM0ZDJjOGU4MzM");
	sip_build_header(buf, "CSeq", "1 INVITE");
	sip_build_header(buf, "Allow",
			 "INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, MESSAGE, SUBSCRIBE, "
			 "INFO, UPDATE, PRACK");
	sip_build_header(buf, "Supported", "replaces, outbound, 100rel, timer, norefersub");
	sip_build_header(buf, "Session-Expires", "1800;refresher=uac");
	sip_build_header(buf, "Min-SE", "90");
	sip_build_header(buf, "User-Agent", "Example Phone 5.12.3 (rev 10842)");
	sip_build_header(buf, "Accept", "application/sdp, application/dtmf-relay, text/plain");
	sip_build_header(buf, "Allow-Events", "presence, message-summary, refer");
	sip_build_header(buf, "P-Asserted-Identity", "\"Alice Example\" <sip:alice@example.org>");
	sip_build_end(buf, "application/sdp", slice_of(sdp));
}

static void repeat(struct buf *buf, const char *text, int count)
{
	while (count-- > 0 && buf->len + strlen(text) < OCTETS)
		buf_adds(buf, text);
}

#define HEAD                                                                                       \
	"INVITE sip:lobby@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: "               \
	"<sip:a@b>;tag=1\r\n"                                                                      \
	"To: <sip:lobby@h>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContact: <sip:a@b>\r\n"

static void make_hostile(int kind, struct buf *buf)
{
	static const struct {
		const char *head, *unit;
		int count;
		const char *tail;
	} kinds[] = {
		{HEAD "Referred-By: <sip:a@b>", ";a=b", 16000, "\r\n\r\n"},
		{HEAD, "a:b\r\n", 10000, "\r\n"},
		{HEAD "Supported: x", ",yyyyyyyyy", 6000, "\r\n\r\n"},
		{HEAD "\r\nv=0\r\n", "m=audio 2 RTP/AVP 0\r\n", 3000, ""},
		{HEAD "\r\nv=0\r\nm=audio 2 RTP/AVP 0\r\n", "a=rtpmap:0 x/1\r\n", 4000, ""},
		{HEAD "Via: SIP/2.0/UDP h", ",SIP/2.0/UDP h", 5000, "\r\n\r\n"},
		{HEAD "Subject: x", "\r\n ", 20000, "\r\n\r\n"},
		{HEAD "Referred-By: \"", "\\\"", 32000, "\r\n\r\n"},
		{HEAD "Contact: <sip:a@b>", ",<sip:a@b>", 6000, "\r\n\r\n"},
		{HEAD, "", 0, "no end of the header section"},
	};

	buf_adds(buf, kinds[kind].head);
	repeat(buf, kinds[kind].unit, kinds[kind].count);
	buf_adds(buf, kinds[kind].tail);
}

static void parse_only(struct slice text)
{
	sink += (unsigned)sip_msg_parse(text.p, text.len, &msg);
}

/* What the server does with a request before a call exists: parse, check, the views of each list
 * and address, the description. */
static void whole(struct slice text)
{
	struct sdp *description;
	uint16_t status = 0;
	const char *why;

	sink += (unsigned)sip_msg_parse(text.p, text.len, &msg);
	sink += (unsigned)sip_msg_check(&msg, &status, &why);
	for (int id = 1; id < SIP_H_COUNT; id++) {
		struct sip_list_walk walk = {0};
		struct slice element, value;
		struct sip_addr addr;
		struct sip_via via;

		while (sip_list_next(&msg, (enum sip_header_id)id, &walk, &element)) {
			if (id == SIP_H_VIA)
				sink += (unsigned)sip_via_parse(element, &via);
			else if (sip_addr_parse(element, &addr) == 0)
				sink += sip_param(addr.params, "isfocus", &value);
		}
	}
	sink += sip_list_has(&msg, SIP_H_SUPPORTED, "replaces");
	if (sdp_parse(msg.body, &description, NULL) == 0)
		sdp_free(description);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(const char *name, void (*run)(struct slice text), struct slice text, int batch)
{
	static double took_us[RUNS];

	for (int i = 0; i < RUNS; i++) {
		double start_us = now_us();

		for (int k = 0; k < batch; k++)
			run(text);
		took_us[i] = (now_us() - start_us) / batch;
	}
	qsort(took_us, RUNS, sizeof(took_us[0]), by_value);
	printf("%-34s %6zu octets  best %9.3f us  median %9.3f us\n", name, text.len, took_us[0],
	       took_us[RUNS / 2]);
}

int main(void)
{
	static const char *const names[] = {
		"16,000 parameters",  "10,000 header fields",
		"6,000 comma values", "3,000 m-lines",
		"4,000 a-lines",      "5,000 Via hops",
		"20,000 folds",       "32,000 escapes in a quote",
		"6,000 Contacts",     "no end of the header",
	};
	struct buf buf = BUF_INIT;

	make_invite(&buf);
	measure("INVITE: parse", parse_only, buf_slice(&buf), 1000);
	measure("INVITE: parse, check, views, SDP", whole, buf_slice(&buf), 200);
	for (int i = 0; i < (int)ARRAY_LEN(names); i++) {
		buf_clear(&buf);
		make_hostile(i, &buf);
		measure(names[i], whole, buf_slice(&buf), 1);
	}
	buf_done(&buf);
	return 0;
}
