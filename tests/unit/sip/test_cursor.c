#include "sip/cursor.h"

#include "base/attr.h"
#include "tests/support/check.h"

static void stays_inside(void)
{
	struct cursor c = cursor_of(SLICE("ab"));
	struct cursor none = cursor_of(SLICE_NONE);

	cursor_advance(&c, 1);
	CHECK_INT("peek", cursor_peek(&c), 'b');
	CHECK_INT("take", cursor_take(&c), 'b');
	CHECK_INT("take at the end", cursor_take(&c), CURSOR_END);
	CHECK_INT("peek at the end", cursor_peek(&c), CURSOR_END);
	cursor_advance(&c, SIZE_MAX);
	CHECK("still at the end", cursor_done(&c));
	CHECK_INT("rest", cursor_rest(&c).len, 0);
	CHECK("no skip", !cursor_skip(&c, 'b'));
	CHECK("absent is empty", cursor_done(&none));
	CHECK("and cuts present slices", slice_present(cursor_rest(&none)));
}

static void lines(void)
{
	struct cursor c = cursor_of(SLICE("one\r\ntwo\n\r\nthree\r"));
	static const char *const want[] = {"one", "two", ""};
	struct slice line;

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		CHECK(want[i], cursor_line(&c, &line));
		CHECK_SLICE(want[i], line, want[i]);
	}
	CHECK("no LF, no line", !cursor_line(&c, &line));
	CHECK_SLICE("nothing taken", cursor_rest(&c), "three\r");
}

static void quotes(void)
{
	static const struct {
		const char *in, *text, *rest; /* text NULL: no closing quote */
	} cases[] = {
		{"abc\" d", "abc", " d"},   {"\"", "", ""},      {"a\\\"b\"c", "a\\\"b", "c"},
		{"a\\\\\"c", "a\\\\", "c"}, {"abc", NULL, NULL}, {"abc\\", NULL, NULL},
		{"abc\\\"", NULL, NULL},    {"", NULL, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cursor c = cursor_of(slice_of(cases[i].in));
		struct slice text = SLICE_NONE;

		CHECK_INT(cases[i].in, cursor_quoted(&c, &text), cases[i].text != NULL);
		if (cases[i].text) {
			CHECK_SLICE(cases[i].in, text, cases[i].text);
			CHECK_SLICE(cases[i].in, cursor_rest(&c), cases[i].rest);
		}
	}
}

/* The table against the grammar of RFC 3261 25.1, octet by octet. */
static void classes(void)
{
	for (int ch = 0; ch < 256; ch++) {
		char row[16] = {'o',
				'c',
				't',
				'e',
				't',
				' ',
				(char)('0' + ch / 100),
				(char)('0' + ch / 10 % 10),
				(char)('0' + ch % 10),
				0};
		bool digit = ch >= '0' && ch <= '9';
		bool alpha = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
		bool hex = digit || (ch >= 'a' && ch <= 'f') || (ch >= 'A' && ch <= 'F');
		bool mark = ch && strchr("-.!%*_+`'~", ch);

		CHECK_INT(row, char_is(ch, CHAR_DIGIT), digit);
		CHECK_INT(row, char_is(ch, CHAR_ALPHA), alpha);
		CHECK_INT(row, char_is(ch, CHAR_HEX), hex);
		CHECK_INT(row, char_is(ch, CHAR_TOKEN), digit || alpha || mark);
		CHECK_INT(row, char_is(ch, CHAR_SCHEME),
			  digit || alpha || (ch && strchr("+-.", ch)));
		CHECK_INT(row, char_is(ch, CHAR_HOST), digit || alpha || (ch && strchr("-._", ch)));
		CHECK_INT(row, char_is(ch, CHAR_WS),
			  ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n');
		CHECK_INT(row, char_is(ch, CHAR_URI),
			  ch > ' ' && ch != 0x7f && ch != '<' && ch != '>' && ch != '"');
	}
	CHECK("the end is of no class", !char_is(CURSOR_END, 0xff));
}

static void parts(void)
{
	struct slice s = SLICE("abcdef");

	CHECK_SLICE("trim", cursor_trim(SLICE(" \r\n\ta b\t ")), "a b");
	CHECK_SLICE("trim to nothing", cursor_trim(SLICE(" \t")), "");
	CHECK_SLICE("part", slice_part(s, 2, 3), "cde");
	CHECK_SLICE("part, clamped", slice_part(s, 4, 9), "ef");
	CHECK_SLICE("part beyond", slice_part(s, 9, 9), "");
	CHECK_SLICE("join", slice_join(slice_part(s, 1, 1), slice_part(s, 3, 2)), "bcde");
	CHECK_INT("offset", slice_offset(s, slice_part(s, 4, 1)), 4);
}

void suite_cursor(void)
{
	CHECK_SUITE("cursor");
	CHECK_TEST(stays_inside);
	CHECK_TEST(lines);
	CHECK_TEST(quotes);
	CHECK_TEST(classes);
	CHECK_TEST(parts);
}
