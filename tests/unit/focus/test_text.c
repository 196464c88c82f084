#include "focus/text.h"

#include "base/attr.h"
#include "tests/support/check.h"

static void utf8(void)
{
	static const struct {
		const char *name, *in, *want;
		size_t cap;
	} rows[] = {
		{"ascii", "Alice", "Alice", 64},
		{"two and three octets", "Zo\xc3\xab \xe2\x82\xac", "Zo\xc3\xab \xe2\x82\xac", 64},
		{"four octets", "\xf0\x9f\x8e\xa7", "\xf0\x9f\x8e\xa7", 64},
		{"latin-1", "Zo\xeb!", "Zo?!", 64},
		{"cut short", "a\xe2\x82", "a??", 64},
		{"overlong", "\xc0\xaf", "??", 64},
		{"overlong, three octets", "\xe0\x80\xaf", "???", 64},
		{"overlong, four octets", "\xf0\x80\x80\xaf", "????", 64},
		{"surrogate", "\xed\xa0\x80", "???", 64},
		{"beyond the last", "\xf4\x90\x80\x80", "????", 64},
		{"control characters", "a\r\nb\x7f", "a??b?", 64},
		{"fits exactly", "abc", "abc", 4},
		{"cut", "abcd", "abc", 4},
		{"cut before a character that does not fit", "ab\xc3\xab", "ab", 4},
		{"no room at all", "abc", "", 1},
		{"empty", "", "", 8},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[64];

		CHECK_STR(rows[i].name, text_utf8(slice_of(rows[i].in), out, rows[i].cap),
			  rows[i].want);
	}
}

static void lists(void)
{
	struct slice list = SLICE(" a ,, b,c , "), item;

	CHECK(NULL, text_list_next(&list, &item) && slice_is(item, "a"));
	CHECK(NULL, text_list_next(&list, &item) && slice_is(item, "b"));
	CHECK(NULL, text_list_next(&list, &item) && slice_is(item, "c"));
	CHECK(NULL, !text_list_next(&list, &item));
	CHECK("same case", text_list_has("x, Room", SLICE("Room")));
	CHECK("other case", !text_list_has("x, Room", SLICE("room")));
	CHECK("any case", text_list_ihas("x, Room", SLICE("room")));
	CHECK("part of an item", !text_list_ihas("x, Room", SLICE("roo")));
	CHECK("empty list", !text_list_has("", SLICE("")));
}

static void hosts(void)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{"a.example", "a.example"},
		{"a.example:5070", "a.example"},
		{"[2001:db8::1]", "2001:db8::1"},
		{"[2001:db8::1]:5070", "2001:db8::1"},
		{"", ""},
		{"[", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_SLICE(rows[i].in, text_host(slice_of(rows[i].in)), rows[i].want);
}

void suite_text(void)
{
	CHECK_SUITE("text");
	CHECK_TEST(utf8);
	CHECK_TEST(lists);
	CHECK_TEST(hosts);
}
