#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/msg.h"
#include "tests/support/check.h"

#define HEAD "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/TCP h\r\n"

static void whole(void)
{
	static const struct {
		const char *name, *in;
		size_t skip;
		const char *rest; /* what is left behind the message */
	} cases[] = {
		{"no body", HEAD "Content-Length: 0\r\n\r\n", 0, ""},
		{"body", HEAD "Content-Length: 3\r\n\r\nabc", 0, ""},
		{"two messages", HEAD "Content-Length: 3\r\n\r\nabcOPTIONS", 0, "OPTIONS"},
		{"compact", HEAD "l:3\r\n\r\nabc", 0, ""},
		{"any case, white space", HEAD "content-LENGTH \t: \t 0 \r\n\r\n", 0, ""},
		{"folded", HEAD "Content-Length:\r\n 2\r\n\r\nab", 0, ""},
		{"leading line ends", "\r\n\r\n" HEAD "l: 0\r\n\r\n", 4, ""},
		{"leading LF", "\n" HEAD "l: 0\r\n\r\n", 1, ""},
		{"LF only", "OPTIONS sip:h SIP/2.0\nl: 1\n\nx", 0, ""},
		{"twice the same", HEAD "l: 1\r\nContent-Length: 1\r\n\r\nx", 0, ""},
		{"a method like a field name", "l sip:h SIP/2.0\r\nl: 1\r\n\r\nx", 0,
		 ""}, /* found by fuzzing */
		{"inside a fold", HEAD "X: y\r\n l: 9\r\nl: 0\r\n\r\n", 0, ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t skip = 99, len = 99;

		CHECK_INT(cases[i].name,
			  sip_msg_frame(cases[i].in, strlen(cases[i].in), &skip, &len), 0);
		CHECK_INT(cases[i].name, skip, cases[i].skip);
		CHECK_STR(cases[i].name, cases[i].in + skip + len, cases[i].rest);
	}
}

/* Every cut of a message is incomplete, never an error and never a message. */
static void every_cut(void)
{
	static const char text[] = "\r\n" HEAD "Subject: a\r\n b\r\nContent-Length: 4\r\n\r\nbody";

	for (size_t cut = 0; cut < sizeof(text) - 1; cut++) {
		size_t skip, len = 99;

		CHECK_INT("cut", sip_msg_frame(text, cut, &skip, &len), ERR_SIP_INCOMPLETE);
		CHECK_INT("known with the head", len,
			  cut < sizeof(text) - 1 - 4 ? 0 : sizeof(text) - 1 - 2);
		CHECK_INT("skip", skip, cut < 2 ? 0 : 2);
	}
}

static void refused(void)
{
	static const struct {
		const char *name, *in;
		int err;
	} cases[] = {
		{"no length", HEAD "\r\n", ERR_SIP_HEADER_MISSING},
		{"negative", HEAD "l: -1\r\n\r\n", ERR_SIP_SYNTAX},
		{"empty", HEAD "l:\r\n\r\n", ERR_SIP_SYNTAX},
		{"no colon", HEAD "l 1\r\n\r\n", ERR_SIP_SYNTAX},
		{"words", HEAD "l: one\r\n\r\n", ERR_SIP_SYNTAX},
		{"two that differ", HEAD "l: 1\r\nl: 2\r\n\r\nxx", ERR_SIP_HEADER_REPEATED},
		{"larger than a message", HEAD "l: 65500\r\n\r\n", ERR_SIP_TOO_LARGE},
		{"overflow", HEAD "l: 4294967295\r\n\r\n", ERR_SIP_TOO_LARGE},
		{"overflow of the number", HEAD "l: 4294967296\r\n\r\n", ERR_SIP_SYNTAX},
		{"no token", "\x16\x03\x01", ERR_SIP_SYNTAX},
		{"CR alone in front", "\rOPTIONS", ERR_SIP_SYNTAX},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t skip, len = 99;

		CHECK_INT(cases[i].name,
			  sip_msg_frame(cases[i].in, strlen(cases[i].in), &skip, &len),
			  cases[i].err);
		CHECK_INT(cases[i].name, len, 0);
	}
}

static void endless_head(void)
{
	static char text[SIP_MSG_OCTETS_MAX + 2];
	size_t skip, len;

	memset(text, 'A', sizeof(text));
	CHECK_INT("at the limit", sip_msg_frame(text, SIP_MSG_OCTETS_MAX, &skip, &len),
		  ERR_SIP_INCOMPLETE);
	CHECK_INT("beyond", sip_msg_frame(text, SIP_MSG_OCTETS_MAX + 1, &skip, &len),
		  ERR_SIP_TOO_LARGE);
}

void suite_frame(void)
{
	CHECK_SUITE("frame");
	CHECK_TEST(whole);
	CHECK_TEST(every_cut);
	CHECK_TEST(refused);
	CHECK_TEST(endless_head);
}
