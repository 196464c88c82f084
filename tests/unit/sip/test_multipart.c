/* Bodies of several parts (RFC 5621). */
#include "sip/multipart.h"

#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"

static struct sip_part whole_of(const char *subtype, const char *params, const char *body)
{
	return (struct sip_part){.type = {SLICE("multipart"), slice_of(subtype), slice_of(params)},
				 .body = slice_of(body)};
}

static void parts(void)
{
	static const struct {
		const char *name, *params, *body;
		int err;
		const char *want; /* "subtype/disposition/optional/encoded:body|..." */
	} cases[] = {
		{"two", "boundary=x",
		 "--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--x\r\n"
		 "Content-Disposition: render;handling=optional\r\n\r\nhi\r\n--x--\r\n",
		 0, "sdp/-/0/0:v=0\r\n|plain/render/1/0:hi|"},
		{"preamble and epilogue", "a=b;boundary=\"a b\"",
		 "pre\n--a bc\n--a b \n\none\n--a b--\nepilogue\n--a b\n\nno part\n", 0,
		 "plain/-/0/0:one|"},
		{"no last boundary", "boundary=x", "--x\n\none\n--x\n\ntwo\n", 0,
		 "plain/-/0/0:one|plain/-/0/0:two\n|"},
		{"empty part", "boundary=x", "--x\r\n\r\n--x--", 0, "plain/-/0/0:|"},
		{"headers only", "boundary=x", "--x\r\nContent-Type: text/html\r\n", 0,
		 "html/-/0/0:|"},
		{"folded, compact, encoded", "boundary=x",
		 "--x\nc: application/\n sdp;\n\tx=y\nContent-Transfer-Encoding: base64\n\ndj0w\n"
		 "--x--",
		 0, "sdp/-/0/1:dj0w|"},
		{"malformed type", "boundary=x", "--x\nContent-Type: nonsense\n\na\n--x--", 0,
		 "plain/-/0/0:a|"},
		{"none at all", "boundary=x", "--x--\n", 0, ""},
		{"no boundary", "a=b", "--x\n\na\n--x--", ERR_SIP_SYNTAX, NULL},
		{"empty boundary", "boundary=\"\"", "--\n\na\n----", ERR_SIP_SYNTAX, NULL},
		{"it never occurs", "boundary=y", "--x\n\na\n--x--", ERR_SIP_SYNTAX, NULL},
		{"longer than may be",
		 "boundary=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff01234567890",
		 "x", ERR_SIP_SYNTAX, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_part whole = whole_of("mixed", cases[i].params, cases[i].body), part;
		struct buf got = BUF_INIT;
		struct sip_multipart walk;

		CHECK_INT(cases[i].name, sip_multipart_start(&whole, &walk), cases[i].err);
		while (!cases[i].err && sip_multipart_next(&walk, &part))
			buf_addf(&got, SLICE_FMT "/" SLICE_FMT "/%d/%d:" SLICE_FMT "|",
				 SLICE_ARG(part.type.subtype),
				 SLICE_ARG(slice_present(part.disposition) ? part.disposition
									   : SLICE("-")),
				 part.is_optional, part.is_encoded, SLICE_ARG(part.body));
		if (!cases[i].err)
			CHECK_SLICE(cases[i].name, buf_slice(&got), cases[i].want);
		buf_done(&got);
	}
}

#define PART(headers, body) "--x\r\n" headers "\r\n" body "\r\n"
#define TYPE(type) "Content-Type: " type "\r\n"

static void sessions(void)
{
	static const struct {
		const char *name, *subtype, *body;
		int err;
		const char *session;
	} cases[] = {
		{"beside an optional part", "mixed",
		 PART(TYPE("text/plain") "Content-Disposition: render;handling=optional\r\n", "hi")
			 PART(TYPE("application/sdp"), "v=0") "--x--",
		 0, "v=0"},
		{"beside a part that must be handled", "mixed",
		 PART(TYPE("application/isup"), "..") PART(TYPE("application/sdp"), "v=0") "--x--",
		 ERR_STATE, "v=0"},
		{"the first of two", "mixed",
		 PART(TYPE("application/sdp"), "v=1") PART(TYPE("application/sdp"), "v=2") "--x--",
		 0, "v=1"},
		{"one of the alternatives", "alternative",
		 PART(TYPE("text/plain"), "hi") PART(TYPE("application/sdp"), "v=0") "--x--", 0,
		 "v=0"},
		{"none of the alternatives", "alternative",
		 PART(TYPE("text/plain"), "hi") PART(TYPE("text/html"), "hi") "--x--", ERR_STATE,
		 NULL},
		{"early-session is another", "mixed",
		 PART(TYPE("application/sdp") "Content-Disposition: early-session;handling=optional"
					      "\r\n",
		      "v=1") PART(TYPE("application/sdp"), "v=0") "--x--",
		 0, "v=0"},
		{"encoded", "mixed",
		 PART(TYPE("application/sdp") "Content-Encoding: gzip\r\n", "v=0") "--x--",
		 ERR_STATE, NULL},
		{"in a part of a part", "related",
		 PART(TYPE("multipart/mixed;boundary=y"),
		      "--y\r\n" TYPE("application/sdp") "\r\nv=0\r\n--y--") "--x--",
		 0, "v=0"},
		{"optional and broken", "mixed",
		 PART(TYPE("multipart/mixed") "Content-Disposition: x;handling=optional\r\n", "a")
			 PART(TYPE("application/sdp"), "v=0") "--x--",
		 0, "v=0"},
		{"broken", "mixed", "nothing", ERR_SIP_SYNTAX, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_part whole = whole_of(cases[i].subtype, "boundary=x", cases[i].body);

		CHECK_INT(cases[i].name, sip_part_check_session(&whole), cases[i].err);
		CHECK_SLICE(cases[i].name, sip_part_session(&whole), cases[i].session);
	}
}

static void limits(void)
{
	struct buf body = BUF_INIT;
	struct sip_part whole;

	for (int i = 0; i <= SIP_PARTS_MAX; i++) {
		buf_adds(&body, "--x\nc: application/sdp\n\nv=0\n");
		whole = whole_of("mixed", "boundary=x", "");
		whole.body = buf_slice(&body);
		CHECK_INT("parts", sip_part_check_session(&whole),
			  i < SIP_PARTS_MAX ? 0 : ERR_LIMIT);
	}
	buf_clear(&body);
	for (int depth = 1; depth <= SIP_PARTS_DEPTH_MAX + 1; depth++) {
		buf_addf(&body, "--b%d\nc: multipart/mixed;boundary=b%d\n\n", depth, depth + 1);
		whole = whole_of("mixed", "boundary=b1", "");
		whole.body = buf_slice(&body);
		CHECK_INT("depth", sip_part_check_session(&whole),
			  depth <= SIP_PARTS_DEPTH_MAX ? 0 : ERR_LIMIT);
	}
	buf_done(&body);
}

static void of_messages(void)
{
	static const struct {
		const char *name, *headers, *body;
		int err;
		const char *session;
	} cases[] = {
		{"none", "", "", 0, NULL},
		{"plain", "Content-Type: application/sdp\r\n", "v=0", 0, "v=0"},
		{"no type", "", "v=0", ERR_SIP_HEADER_MISSING, NULL},
		{"malformed type", "Content-Type: sdp\r\n", "v=0", ERR_SIP_HEADER_SYNTAX, NULL},
		{"encoded", "Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n", "v=0", 0,
		 NULL},
		{"session", "c: application/sdp\r\nContent-Disposition: session\r\n", "v=0", 0,
		 "v=0"},
		{"parts", "c: multipart/mixed;boundary=x\r\n",
		 PART(TYPE("application/sdp"), "v=0") "--x--", 0, "v=0"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf text = BUF_INIT;
		struct sip_part part;
		struct sip_msg msg;
		int err;

		buf_addf(&text,
			 "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n%s\r\n%s",
			 cases[i].headers, cases[i].body);
		CHECK_INT(cases[i].name, sip_msg_parse(text.p, text.len, &msg), 0);
		err = sip_part_of_msg(&msg, &part);
		CHECK_INT(cases[i].name, err, cases[i].err);
		if (!err)
			CHECK_SLICE(cases[i].name, sip_part_session(&part), cases[i].session);
		buf_done(&text);
	}
}

void suite_multipart(void);
void suite_multipart(void)
{
	CHECK_SUITE("multipart");
	CHECK_TEST(parts);
	CHECK_TEST(sessions);
	CHECK_TEST(limits);
	CHECK_TEST(of_messages);
}
