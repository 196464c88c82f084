#include "sip/msg.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "tests/support/check.h"

static int parse(const char *text, struct sip_msg *msg)
{
	return sip_msg_parse(text, strlen(text), msg);
}

static const char invite[] = "INVITE sip:lobby@example.org SIP/2.0\r\n"
			     "v: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa\r\n"
			     "Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKb\r\n"
			     "call-Id:  a@b \r\n"
			     "X-Thing : one\r\n"
			     "Subject:\r\n"
			     "x-thing:two\r\n"
			     "Contact: <sip:a@b>;x=\"1\r\n 2\"\r\n"
			     "Content-Length: 4\r\n"
			     "\r\n"
			     "bodyAFTER";

static void request(void)
{
	struct sip_msg msg;
	const struct sip_header *h;

	CHECK_INT(NULL, parse(invite, &msg), 0);
	CHECK("request", msg.is_request);
	CHECK_INT("method", msg.method, SIP_METHOD_INVITE);
	CHECK_SLICE("method text", msg.method_text, "INVITE");
	CHECK_SLICE("uri", msg.request_uri, "sip:lobby@example.org");
	CHECK_INT("headers", msg.header_count, 8);
	CHECK_SLICE("compact and long are one", sip_msg_value(&msg, SIP_H_VIA),
		    "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa");
	h = sip_msg_next(&msg, SIP_H_VIA, NULL);
	h = sip_msg_next(&msg, SIP_H_VIA, h);
	CHECK_SLICE("second", sip_header_value(&msg, h), "SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKb");
	CHECK("no third", sip_msg_next(&msg, SIP_H_VIA, h) == NULL);
	CHECK_SLICE("any case, trimmed", sip_msg_value(&msg, SIP_H_CALL_ID), "a@b");
	CHECK_SLICE("by name, the first", sip_msg_value_named(&msg, "X-THING"), "one");
	CHECK_SLICE("known by name", sip_msg_value_named(&msg, "i"), "a@b");
	CHECK("absent by name", !slice_present(sip_msg_value_named(&msg, "X-Other")));
	CHECK("absent", !slice_present(sip_msg_value(&msg, SIP_H_TO)));
	CHECK("empty is present", slice_present(sip_msg_value(&msg, SIP_H_SUBJECT)));
	CHECK_INT("empty", sip_msg_value(&msg, SIP_H_SUBJECT).len, 0);
	CHECK_SLICE("fold inside", sip_msg_value(&msg, SIP_H_CONTACT), "<sip:a@b>;x=\"1\r\n 2\"");
	CHECK_SLICE("body ends where it says", msg.body, "body");
	CHECK_INT("text too", msg.text.len, sizeof(invite) - 1 - 5);
	h = sip_msg_next(&msg, SIP_H_CALL_ID, NULL);
	CHECK_SLICE("name as written", sip_header_name(&msg, h), "call-Id");
}

static void response(void)
{
	struct sip_msg msg;

	CHECK_INT(NULL, parse("SIP/2.0 486 Busy Here\r\nCSeq: 7 BYE\r\n\r\n", &msg), 0);
	CHECK("response", !msg.is_request);
	CHECK_INT("status", msg.status, 486);
	CHECK_SLICE("reason", msg.reason, "Busy Here");
	CHECK_INT("method of CSeq", msg.method, SIP_METHOD_BYE);
	CHECK_SLICE("its text", msg.method_text, "BYE");
	CHECK("no body", !slice_present(msg.body));
}

#define REST "\r\nVia: SIP/2.0/UDP h\r\n\r\n"

static void start_lines(void)
{
	static const struct {
		const char *in;
		int err;
		bool can_answer;
	} cases[] = {
		{"OPTIONS sip:h SIP/2.0" REST, 0, true},
		{"OPTIONS sip:h sip/2.0" REST, 0, true},
		{"\r\n\r\n\nOPTIONS sip:h SIP/2.0" REST, 0, true},
		{"OPTIONS sip:h SIP/2.0\nVia: SIP/2.0/UDP h\n\n", 0, true},
		{"ACK sip:h SIP/2.0" REST, 0, false},
		{"OPTIONS sip:h SIP/7.0" REST, ERR_SIP_VERSION, true},
		{"OPTIONS sip:h SIP/2.10" REST, ERR_SIP_VERSION, true},
		{"OPTIONS sip:h SIP/2" REST, ERR_SIP_SYNTAX, true},
		{"OPTIONS sip:h HTTP/1.1" REST, ERR_SIP_SYNTAX, true},
		{"OPTIONS  sip:h SIP/2.0" REST, ERR_SIP_SYNTAX, true},
		{"OPTIONS sip:h  SIP/2.0" REST, ERR_SIP_SYNTAX, true},
		{"OPTIONS sip:h SIP/2.0 " REST, ERR_SIP_SYNTAX, true},
		{"OPTIONS sip:h; lr SIP/2.0" REST, ERR_SIP_SYNTAX, true},
		{"OPTIONS sip:h;\tlr SIP/2.0" REST, ERR_SIP_SYNTAX, true},
		{"OPTIONS SIP/2.0" REST, ERR_SIP_SYNTAX, true},
		{"OPTIONS\tsip:h SIP/2.0" REST, ERR_SIP_SYNTAX, false},
		{"OPTIONS sip:h\rx SIP/2.0" REST, ERR_SIP_SYNTAX, true},
		{"OPTIONS" REST, ERR_SIP_SYNTAX, false},
		{" OPTIONS sip:h SIP/2.0" REST, ERR_SIP_SYNTAX, false},
		{"OPT(IONS sip:h SIP/2.0" REST, ERR_SIP_SYNTAX, false},
		{"SIP/2.0 200 OK" REST, 0, false},
		{"sip/2.0 200 OK" REST, 0, false},
		{"SIP/2.0 200 " REST, 0, false},
		{"SIP/2.0 200" REST, 0, false},
		{"SIP/2.0 100  two spaces" REST, 0, false},
		{"SIP/2.0 699 x" REST, 0, false},
		{"SIP/2.0 700 x" REST, ERR_SIP_SYNTAX, false},
		{"SIP/2.0 099 x" REST, ERR_SIP_SYNTAX, false},
		{"SIP/2.0 20 x" REST, ERR_SIP_SYNTAX, false},
		{"SIP/2.0 2000 x" REST, ERR_SIP_SYNTAX, false},
		{"SIP/2.0 4294967301 x" REST, ERR_SIP_SYNTAX, false},
		{"SIP/2.0 200x" REST, ERR_SIP_SYNTAX, false},
		{"SIP/2.0  200 OK" REST, ERR_SIP_SYNTAX, false},
		{"SIP/3.0 200 OK" REST, ERR_SIP_SYNTAX, false},
		{"", ERR_SIP_SYNTAX, false},
		{"\r\n\r\n", ERR_SIP_SYNTAX, false},
		{"OPTIONS sip:h SIP/2.0", ERR_SIP_SYNTAX, false},
		{"OPTIONS sip:h SIP/2.0\r\n", ERR_SIP_SYNTAX, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_msg msg;

		CHECK_INT(cases[i].in, parse(cases[i].in, &msg), cases[i].err);
		CHECK_INT(cases[i].in, msg.error, cases[i].err);
		CHECK_INT(cases[i].in, sip_msg_can_answer(&msg), cases[i].can_answer);
	}
}

#define LINE "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n"

static void header_lines(void)
{
	static const struct {
		const char *name, *in;
		int err;
		int headers;
	} cases[] = {
		{"plain", LINE "To: x\r\n\r\n", 0, 2},
		{"LF", LINE "To: x\n\n", 0, 2},
		{"folds", LINE "To:\r\n\tx\r\n y\r\n\r\n", 0, 2},
		{"fold of white space", LINE "To: x\r\n \r\n\r\n", 0, 2},
		{"no value", LINE "To:\r\n\r\n", 0, 2},
		{"odd name", LINE "a-!.%*+_`'~: x\r\n\r\n", 0, 2},
		{"UTF-8 value", LINE "X: \xe2\x98\x8e\r\n\r\n", 0, 2},
		{"no colon", LINE "To x\r\nFrom: y\r\n\r\n", ERR_SIP_SYNTAX, 2},
		{"no name", LINE ": x\r\nFrom: y\r\n\r\n", ERR_SIP_SYNTAX, 2},
		{"name with a space", LINE "T o: x\r\nFrom: y\r\n\r\n", ERR_SIP_SYNTAX, 2},
		{"fold first", "OPTIONS sip:h SIP/2.0\r\n Via: x\r\nFrom: y\r\n\r\n",
		 ERR_SIP_SYNTAX, 1},
		{"lone CR", LINE "To: x\rFrom: y\r\n\r\n", ERR_SIP_SYNTAX, 1},
		{"lone CR in a fold", LINE "To: x\r\n y\rz\r\n\r\n", ERR_SIP_SYNTAX, 1},
		{"two CR", LINE "To: x\r\r\n\r\n", ERR_SIP_SYNTAX, 1},
		{"no empty line", LINE "To: x\r\n", ERR_SIP_SYNTAX, 2},
		{"cut in a line", LINE "To: x", ERR_SIP_SYNTAX, 1},
		{"cut in a fold", LINE "To: x\r\n y", ERR_SIP_SYNTAX, 2},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_msg msg;

		CHECK_INT(cases[i].name, parse(cases[i].in, &msg), cases[i].err);
		CHECK_INT(cases[i].name, msg.header_count, cases[i].headers);
	}
}

static void bodies(void)
{
	static const struct {
		const char *name, *in;
		int err;
		const char *body; /* NULL: none */
	} cases[] = {
		{"none", LINE "\r\n", 0, NULL},
		{"the rest", LINE "\r\nabc", 0, "abc"},
		{"zero", LINE "l: 0\r\n\r\nabc", 0, NULL},
		{"part", LINE "l: 2\r\n\r\nabc", 0, "ab"},
		{"leading zeros", LINE "l: 0002\r\n\r\nabc", 0, "ab"},
		{"short", LINE "l: 4\r\n\r\nabc", ERR_SIP_BODY_SHORT, "abc"},
		{"far short", LINE "l: 99999999999999999999\r\n\r\nabc", ERR_SIP_BODY_SHORT, "abc"},
		{"negative", LINE "l: -999\r\n\r\nabc", ERR_SIP_HEADER_SYNTAX, "abc"},
		{"empty", LINE "l:\r\n\r\nabc", ERR_SIP_HEADER_SYNTAX, "abc"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_msg msg;

		CHECK_INT(cases[i].name, parse(cases[i].in, &msg), cases[i].err);
		CHECK_SLICE(cases[i].name, msg.body, cases[i].body);
	}
}

static void nul_octets(void)
{
	static const char text[] = LINE "To: \"a\\\0b\" <sip:a@b>\r\n\r\n";
	struct sip_msg msg;

	CHECK_INT(NULL, sip_msg_parse(text, sizeof(text) - 1, &msg), 0);
	CHECK_INT("the NUL is text", sip_msg_value(&msg, SIP_H_TO).len, 16);
}

static void limits(void)
{
	static char large[SIP_MSG_OCTETS_MAX + 1];
	struct buf buf = BUF_INIT;
	struct sip_msg msg;

	memset(large, 'x', sizeof(large));
	memcpy(large, LINE "\r\n", strlen(LINE "\r\n"));
	CHECK_INT("largest", sip_msg_parse(large, SIP_MSG_OCTETS_MAX, &msg), 0);
	CHECK_INT("too large", sip_msg_parse(large, SIP_MSG_OCTETS_MAX + 1, &msg),
		  ERR_SIP_TOO_LARGE);

	buf_adds(&buf, LINE);
	for (int i = 1; i < SIP_MSG_HEADERS_MAX; i++)
		buf_adds(&buf, "X: y\r\n");
	buf_adds(&buf, "\r\n");
	CHECK_INT("most headers", sip_msg_parse(buf.p, buf.len, &msg), 0);
	CHECK_INT("most headers", msg.header_count, SIP_MSG_HEADERS_MAX);
	buf.len -= 2;
	buf_adds(&buf, "X: y\r\n\r\n");
	CHECK_INT("one more", sip_msg_parse(buf.p, buf.len, &msg), ERR_SIP_TOO_MANY_HEADERS);
	CHECK("can be told", sip_msg_can_answer(&msg));
	buf_done(&buf);
}

static void repeated(void)
{
	struct sip_msg msg;

	CHECK_INT(NULL, parse(LINE "Via: x\r\nServer: a\r\nServer: b\r\n\r\n", &msg), 0);
	CHECK_INT("harmless", msg.repeated, 0);
	CHECK_INT(NULL, parse(LINE "To: a\r\nTo: b\r\nFrom: c\r\nf: d\r\n\r\n", &msg), 0);
	CHECK_INT("the first is told", msg.repeated, SIP_H_TO);
}

/* The copy stands alone: the original text is gone, and only its own block is touched. */
static void dup(void)
{
	char *text = strdup(invite);
	struct sip_msg *msg = calloc(1, sizeof(*msg));
	struct sip_msg *copy = NULL;

	CHECK_INT(NULL, parse(text, msg), 0);
	CHECK_INT(NULL, sip_msg_dup(msg, &copy), 0);
	memset(text, '?', strlen(text));
	free(text);
	free(msg);
	CHECK_SLICE("uri", copy->request_uri, "sip:lobby@example.org");
	CHECK_SLICE("method", copy->method_text, "INVITE");
	CHECK_SLICE("body", copy->body, "body");
	CHECK_SLICE("value", sip_msg_value(copy, SIP_H_CALL_ID), "a@b");
	CHECK("absent stays absent", !slice_present(copy->reason));
	free(copy);
}

void suite_msg(void)
{
	CHECK_SUITE("msg");
	CHECK_TEST(request);
	CHECK_TEST(response);
	CHECK_TEST(start_lines);
	CHECK_TEST(header_lines);
	CHECK_TEST(bodies);
	CHECK_TEST(nul_octets);
	CHECK_TEST(limits);
	CHECK_TEST(repeated);
	CHECK_TEST(dup);
}
