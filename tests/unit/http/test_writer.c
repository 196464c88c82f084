#include <jansson.h>
#include <math.h>

#include "base/attr.h"
#include "http/writer.h"
#include "tests/support/check.h"

static void strings(void)
{
	static const struct {
		const char *name, *in, *want;
	} cases[] = {
		{"plain", "lobby", "\"lobby\""},
		{"empty", "", "\"\""},
		{"quotes and backslash", "a\"b\\c", "\"a\\\"b\\\\c\""},
		{"line ends", "a\r\n\tb", "\"a\\r\\n\\tb\""},
		{"control", "a\x01\x7f", "\"a\\u0001\\u007f\""},
		{"two octets", "Z\xc3\xbcrich", "\"Z\xc3\xbcrich\""},
		{"three octets", "\xe2\x82\xac", "\"\xe2\x82\xac\""},
		{"four octets", "\xf0\x9f\x94\xa5", "\"\xf0\x9f\x94\xa5\""},
		{"lone continuation", "a\x80z", "\"a\xef\xbf\xbdz\""},
		{"cut short", "a\xe2\x82", "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
		{"overlong", "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
		{"overlong of three", "\xe0\x80\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"surrogate", "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"beyond Unicode", "\xf5\x80\x80\x80",
		 "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out = BUF_INIT;
		struct writer json = writer_to(&out);
		json_t *read;

		writer_str(&json, NULL, slice_of(cases[i].in));
		CHECK_SLICE(cases[i].name, buf_slice(&out), cases[i].want);
		read = json_loadb(out.p, out.len, JSON_DECODE_ANY, NULL);
		CHECK(cases[i].name, read != NULL);
		json_decref(read);
		buf_done(&out);
	}
}

static void nesting(void)
{
	struct buf out = BUF_INIT;
	struct writer json = writer_to(&out);

	writer_open(&json, NULL, '{');
	writer_open(&json, "empty", '[');
	writer_close(&json, ']');
	writer_open(&json, "list", '[');
	writer_int(&json, NULL, -1);
	writer_uint(&json, NULL, UINT64_MAX);
	writer_open(&json, NULL, '{');
	writer_close(&json, '}');
	writer_close(&json, ']');
	writer_bool(&json, "yes", true);
	writer_null(&json, "nothing");
	writer_close(&json, '}');
	CHECK_SLICE(NULL, buf_slice(&out),
		    "{\"empty\":[],\"list\":[-1,18446744073709551615,{}],\"yes\":true,\"nothing\":"
		    "null}");
	buf_done(&out);
}

static void values(void)
{
	struct buf out = BUF_INIT;
	struct writer json = writer_to(&out);

	writer_open(&json, NULL, '[');
	writer_real(&json, NULL, 1.005, 2);
	writer_real(&json, NULL, -0.0, 1);
	writer_real(&json, NULL, NAN, 1);
	writer_real(&json, NULL, INFINITY, 1);
	writer_time(&json, NULL, 1700000000123);
	writer_time(&json, NULL, 0);
	writer_text(&json, NULL, NULL);
	writer_str(&json, NULL, SLICE_NONE);
	writer_close(&json, ']');
	CHECK_SLICE(NULL, buf_slice(&out),
		    "[1.00,0.0,null,null,\"2023-11-14T22:13:20.123Z\",null,null,null]");
	buf_done(&out);
}

void suite_writer(void)
{
	CHECK_SUITE("writer");
	CHECK_TEST(strings);
	CHECK_TEST(nesting);
	CHECK_TEST(values);
}
