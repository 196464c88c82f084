#include "base/attr.h"
#include "focus/xml.h"
#include "tests/support/check.h"

static void text(void)
{
	static const struct {
		const char *name, *in, *out;
	} rows[] = {
		{"plain", "Anna", "Anna"},
		{"empty", "", ""},
		{"markup", "<a&b>", "&lt;a&amp;b&gt;"},
		{"quotes", "\"it's\"", "&quot;it&apos;s&quot;"},
		{"controls are no XML", "a\x01\tb\x1f", "a??b?"},
		{"UTF-8", "J\xc3\xbcrgen", "J\xc3\xbcrgen"},
		{"no character", "a\xef\xbf\xbf\xef\xbf\xbe.", "a??."},
		{"a character next to them", "\xef\xbf\xbd", "\xef\xbf\xbd"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out = BUF_INIT;

		xml_text(&out, slice_of(rows[i].in));
		CHECK_SLICE(rows[i].name, buf_slice(&out), rows[i].out);
		buf_done(&out);
	}
}

static void leaves(void)
{
	struct buf out = BUF_INIT;

	xml_leaf(&out, "a", SLICE("x<y"));
	xml_leaf(&out, "b", SLICE(""));
	xml_leaf(&out, "c", SLICE_NONE);
	xml_leaf_uint(&out, "d", 42);
	xml_leaf_bool(&out, "e", true);
	xml_leaf_bool(&out, "f", false);
	xml_leaf_time(&out, "g", 1700000000123);
	xml_leaf_time(&out, "h", 0);
	xml_attr(&out, "i", SLICE("a\"b"));
	CHECK_SLICE(NULL, buf_slice(&out),
		    "<a>x&lt;y</a><d>42</d><e>true</e><f>false</f>"
		    "<g>2023-11-14T22:13:20Z</g> i=\"a&quot;b\"");
	buf_done(&out);
}

void suite_xml(void)
{
	CHECK_SUITE("xml");
	CHECK_TEST(text);
	CHECK_TEST(leaves);
}
