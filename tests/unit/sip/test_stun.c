#include "sip/stun.h"

#include <stdlib.h>

#include "base/attr.h"
#include "tests/support/check.h"

#define COOKIE "\x21\x12\xa4\x42"
#define ID "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
#define HEAD(length) "\0\x01\0" length COOKIE ID

static struct addr at(const char *text)
{
	struct addr addr = {0};

	CHECK_INT(text, addr_parse(slice_of(text), &addr), 0);
	return addr;
}

/* Of the response, RFC 5769 2.2 and 2.3: the same id, 192.0.2.1:32853 and its IPv6 fellow. */
static const struct {
	const char *name;
	struct slice request;
	const char *remote;
	struct slice want; /* absent: no answer */
} cases[] = {
	{"v4", SLICE(HEAD("\x00")), "192.0.2.1:32853",
	 SLICE("\x01\x01\0\x0c" COOKIE ID "\0\x20\0\x08\0\x01\xa1\x47\xe1\x12\xa6\x43")},
	{"v6", SLICE(HEAD("\x00")), "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
	 SLICE("\x01\x01\0\x18" COOKIE ID "\0\x20\0\x14\0\x02\xa1\x47"
	       "\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9")},
	{"what may be passed over", SLICE(HEAD("\x08") "\x80\x22\0\x02hi\0\0"), "192.0.2.1:32853",
	 SLICE("\x01\x01\0\x0c" COOKIE ID "\0\x20\0\x08\0\x01\xa1\x47\xe1\x12\xa6\x43")},
	{"what must be understood", SLICE(HEAD("\x08") "\x00\x03\0\x04\0\0\0\x06"), "192.0.2.1:1",
	 SLICE("\x01\x11\0\x24" COOKIE ID "\0\x09\0\x15\0\0\x04\x14"
	       "Unknown Attribute\0\0\0\0\x0a\0\x02\0\x03\0\0")},
	{"indication", SLICE("\0\x11\0\0" COOKIE ID), "192.0.2.1:1", SLICE_NONE},
	{"response", SLICE("\x01\x01\0\0" COOKIE ID), "192.0.2.1:1", SLICE_NONE},
	{"other cookie", SLICE("\0\x01\0\0\x21\x12\xa4\x43" ID), "192.0.2.1:1", SLICE_NONE},
	{"cut", SLICE("\0\x01\0\0" COOKIE "\xb7\xe7"), "192.0.2.1:1", SLICE_NONE},
	{"length that is not true", SLICE(HEAD("\x04")), "192.0.2.1:1", SLICE_NONE},
	{"attribute beyond the end", SLICE(HEAD("\x04") "\x80\x22\0\x08"), "192.0.2.1:1",
	 SLICE_NONE},
	{"not a whole word", SLICE(HEAD("\x05") "\x80\x22\0\x01h"), "192.0.2.1:1", SLICE_NONE},
	{"wrong fingerprint", SLICE(HEAD("\x08") "\x80\x28\0\x04\0\0\0\0"), "192.0.2.1:1",
	 SLICE_NONE},
	{"SIP", SLICE("OPTIONS sip:a@b SIP/2.0\r\n\r\n"), "192.0.2.1:1", SLICE_NONE},
	{"empty", SLICE(""), "192.0.2.1:1", SLICE_NONE},
};

static void answers(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr remote = at(cases[i].remote);
		char *copy = malloc(cases[i].request.len + 1); /* of its size, for the sanitizer */
		struct buf out = BUF_INIT;
		bool has_answer;

		memcpy(copy, cases[i].request.p, cases[i].request.len);
		has_answer = sip_stun_answer(slice_make(copy, cases[i].request.len), &remote, &out);
		CHECK_INT(cases[i].name, has_answer, slice_present(cases[i].want));
		CHECK_INT(cases[i].name, out.len, cases[i].want.len);
		CHECK(cases[i].name,
		      slice_eq(slice_first(cases[i].want, out.len), buf_slice(&out)));
		buf_done(&out);
		free(copy);
	}
}

/* The request of RFC 5769 2.1, which carries a fingerprint (and credentials that we do not ask
 * for). */
static void fingerprint(void)
{
	struct slice request = SLICE(
		"\0\x01\0\x58" COOKIE ID "\x80\x22\0\x10STUN test client"
		"\0\x24\0\x04\x6e\0\x01\xff\x80\x29\0\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36"
		"\0\x06\0\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20"
		"\0\x08\0\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1"
		"\xb5"
		"\x71\xa2\x80\x28\0\x04\xe5\x7a\x3b\xcf");
	struct addr remote = at("192.0.2.1:32853");
	struct buf out = BUF_INIT;

	CHECK_INT("length", request.len, 108);
	CHECK("is STUN", sip_stun_is(request));
	/* PRIORITY of ICE must be understood: 420, with a fingerprint of ours. */
	CHECK("answered", sip_stun_answer(request, &remote, &out));
	CHECK_INT("error", (unsigned char)out.p[1], 0x11);
	CHECK("fingerprint", memcmp(out.p + out.len - 8, "\x80\x28\0\x04", 4) == 0);
	CHECK_INT("counted", (unsigned char)out.p[3], out.len - SIP_STUN_HEADER);
	buf_done(&out);
}

void suite_stun(void);
void suite_stun(void)
{
	CHECK_SUITE("stun");
	CHECK_TEST(answers);
	CHECK_TEST(fingerprint);
}
