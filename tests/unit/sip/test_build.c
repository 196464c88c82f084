#include "sip/build.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "tests/support/check.h"

static struct sip_msg parsed(const char *text)
{
	struct sip_msg msg;

	(void)sip_msg_parse(text, strlen(text), &msg);
	return msg;
}

static const char invite[] = "INVITE sip:lobby@h SIP/2.0\r\n"
			     "Via: SIP/2.0/UDP a;rport , SIP/2.0/TCP b\r\n"
			     "v: SIP/2.0/TLS\r\n c\r\n"
			     "f: \"A\"\r\n  <sip:a@b>;tag=1\r\n"
			     "t: <sip:lobby@h>\r\n"
			     "i: x@y\r\n"
			     "CSeq: 1 INVITE\r\n"
			     "Timestamp: 54\r\n"
			     "\r\n";

static void check_response(const char *row, const struct sip_build_response *response,
			   const char *want)
{
	struct buf buf = BUF_INIT;

	sip_build_response(&buf, response);
	sip_build_end(&buf, NULL, SLICE_NONE);
	CHECK_INT(row, buf_err(&buf), 0);
	CHECK_SLICE(row, buf_slice(&buf), want);
	buf_done(&buf);
}

static void responses(void)
{
	struct sip_msg msg = parsed(invite);

	check_response(
		"180 with a tag, Via filled in",
		&(struct sip_build_response){
			.request = &msg,
			.status = 180,
			.to_tag = "zz",
			.top_via = SLICE("SIP/2.0/UDP a;received=1.2.3.4;rport=5")},
		"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP a;received=1.2.3.4;rport=5\r\nVia: "
		"SIP/2.0/TCP b\r\n"
		"Via: SIP/2.0/TLS c\r\nFrom: \"A\" <sip:a@b>;tag=1\r\nTo: <sip:lobby@h>;tag=zz\r\n"
		"Call-ID: x@y\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n");
	check_response(
		"100 with Timestamp, own phrase, no tag",
		&(struct sip_build_response){.request = &msg, .status = 100, .reason = "Wait"},
		"SIP/2.0 100 Wait\r\nVia: SIP/2.0/UDP a;rport\r\nVia: SIP/2.0/TCP b\r\nVia: "
		"SIP/2.0/TLS c\r\n"
		"From: \"A\" <sip:a@b>;tag=1\r\nTo: <sip:lobby@h>\r\nCall-ID: x@y\r\nCSeq: 1 "
		"INVITE\r\n"
		"Timestamp: 54\r\nContent-Length: 0\r\n\r\n");
}

static void to_tags(void)
{
	static const struct {
		const char *to, *want;
	} cases[] = {
		{"<sip:a@b>", "To: <sip:a@b>;tag=zz\r\n"},
		{"<sip:a@b>;tag=1", "To: <sip:a@b>;tag=1\r\n"},
		{"sip:a@b ; Tag = 1", "To: sip:a@b ; Tag = 1\r\n"},
		{"<bob@example.org>", "To: <bob@example.org>;tag=zz\r\n"},
		{"<bob@example.org>; tag=1", "To: <bob@example.org>; tag=1\r\n"},
		{"\"open <sip:a@b>", "To: \"open <sip:a@b>;tag=zz\r\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[256];
		struct sip_msg msg;
		struct buf buf = BUF_INIT;

		snprintf(text, sizeof(text), "OPTIONS sip:h SIP/2.0\r\nTo: %s\r\n\r\n",
			 cases[i].to);
		msg = parsed(text);
		sip_build_response(&buf, &(struct sip_build_response){
						 .request = &msg, .status = 400, .to_tag = "zz"});
		CHECK(cases[i].to, buf.p && strstr(buf.p, cases[i].want));
		buf_done(&buf);
	}
}

static void request(void)
{
	struct buf buf = BUF_INIT;

	sip_build_request(&buf, SLICE("BYE"), SLICE("sip:a@b"));
	sip_build_header(&buf, "CSeq", "%d %s", 7, "BYE");
	sip_build_header_slice(&buf, "Subject", SLICE("a\r\n\t b\n c"));
	sip_build_end(&buf, "text/plain", SLICE("hi"));
	CHECK_SLICE(NULL, buf_slice(&buf),
		    "BYE sip:a@b SIP/2.0\r\nCSeq: 7 BYE\r\nSubject: a b c\r\nContent-Type: "
		    "text/plain\r\n"
		    "Content-Length: 2\r\n\r\nhi");
	CHECK_INT(NULL, buf_err(&buf), 0);
	buf_done(&buf);
}

/* Nothing from outside makes a line of its own. */
static void injection(void)
{
	static const char *const values[] = {"a\r\nEvil: x", "a\nEvil: x", "a\rEvil: x", "a\r",
					     "a\n",          "a\r\n",      "\r\n\r\nx"};

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct buf buf = BUF_INIT;

		buf_adds(&buf, "A: b\r\n");
		sip_build_header_slice(&buf, "X", slice_of(values[i]));
		CHECK_INT(values[i], buf_err(&buf), -EINVAL);
		CHECK_SLICE(values[i], buf_slice(&buf), "A: b\r\n");
		sip_build_header(&buf, "Y", "fine");
		CHECK_SLICE("the error sticks", buf_slice(&buf), "A: b\r\n");
		buf_clear(&buf);
		sip_build_header(&buf, "X", "%s", values[i]);
		CHECK_INT(values[i], buf_err(&buf), -EINVAL);
		buf_clear(&buf);
		sip_build_request(&buf, SLICE("BYE"), slice_of(values[i]));
		CHECK_INT(values[i], buf_err(&buf), -EINVAL);
		buf_done(&buf);
	}
}

static void reason_injection(void)
{
	struct sip_msg msg = parsed(invite);
	struct buf buf = BUF_INIT;

	sip_build_response(&buf, &(struct sip_build_response){
					 .request = &msg, .status = 400, .reason = "a\r\nEvil: x"});
	CHECK_INT(NULL, buf_err(&buf), -EINVAL);
	CHECK_INT(NULL, buf.len, 0);
	buf_done(&buf);
}

static void quoted(void)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"", "\"\""},
		{"Bob", "\"Bob\""},
		{"a\"b\\c", "\"a\\\"b\\\\c\""},
		{"a\r\nb\x7f", "\"a  b \""},
		{"J\xc3\xb6rg \xe2\x98\x8e \xf0\x9f\x93\x9e",
		 "\"J\xc3\xb6rg \xe2\x98\x8e \xf0\x9f\x93\x9e\""},
		{"\xff\xc3", "\"??\""},
		{"\xc0\xaf", "\"??\""},           /* overlong */
		{"\xed\xa0\x80", "\"???\""},      /* surrogate */
		{"\xf4\x90\x80\x80", "\"????\""}, /* above U+10FFFF */
		{"\xe0\x80\x80", "\"???\""},
		{"\xf0\x80\x80\x80", "\"????\""},
		{"\xe2\x98", "\"??\""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf buf = BUF_INIT;

		sip_build_quoted(&buf, slice_of(cases[i].in));
		CHECK_SLICE(cases[i].in, buf_slice(&buf), cases[i].want);
		buf_done(&buf);
	}
}

static void print(void)
{
	struct sip_msg msg = parsed("INVITE sip:h SIP/2.0\r\nv: SIP/2.0/UDP a ,SIP/2.0/UDP b\r\nl "
				    ": 2\r\nX-Y:  a\r\n b\r\n\r\nabc");
	struct buf first = BUF_INIT, second = BUF_INIT;

	sip_msg_print(&first, &msg);
	CHECK_SLICE("normal form", buf_slice(&first),
		    "INVITE sip:h SIP/2.0\r\nVia: SIP/2.0/UDP a ,SIP/2.0/UDP b\r\nX-Y: a b\r\n"
		    "Content-Length: 2\r\n\r\nab");
	msg = parsed(first.p);
	sip_msg_print(&second, &msg);
	CHECK_SLICE("a fixed point", buf_slice(&second), first.p);

	msg = parsed("SIP/2.0 100\r\nCSeq: 1 INVITE\r\n\r\n");
	buf_clear(&first);
	sip_msg_print(&first, &msg);
	CHECK_SLICE("response", buf_slice(&first),
		    "SIP/2.0 100 \r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n");
	buf_done(&first);
	buf_done(&second);
}

void suite_build(void)
{
	CHECK_SUITE("build");
	CHECK_TEST(responses);
	CHECK_TEST(to_tags);
	CHECK_TEST(request);
	CHECK_TEST(injection);
	CHECK_TEST(reason_injection);
	CHECK_TEST(quoted);
	CHECK_TEST(print);
}
