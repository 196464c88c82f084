#include "base/buf.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "tests/support/check.h"

static void adding(void)
{
	struct buf buf = BUF_INIT;

	CHECK_SLICE("before the first add", buf_slice(&buf), "");
	buf_adds(&buf, "one");
	buf_addc(&buf, ' ');
	buf_addslice(&buf, slice_make("twofold", 3));
	buf_addf(&buf, " %d %s", 3, "four");
	buf_add(&buf, "\0x", 2);
	buf_addslice(&buf, SLICE_NONE);
	CHECK_INT(NULL, buf_err(&buf), 0);
	CHECK_INT(NULL, buf.len, 16);
	CHECK("with a NUL inside", slice_eq(buf_slice(&buf), SLICE("one two 3 four\0x")));
	CHECK_INT("terminated", buf.p[buf.len], 0);
	buf_done(&buf);
	CHECK(NULL, buf.p == NULL && buf.len == 0 && buf.cap == 0);
}

/* What is written here and what is left to libc must look the same. */
static void formats_as_libc_does(void)
{
#define SAME(...)                                                                                  \
	do {                                                                                       \
		struct buf buf = BUF_INIT;                                                         \
		char want[128];                                                                    \
                                                                                                   \
		(void)snprintf(want, sizeof(want), __VA_ARGS__);                                   \
		buf_adds(&buf, ">");                                                               \
		buf_addf(&buf, __VA_ARGS__);                                                       \
		CHECK_SLICE(want, slice_from(buf_slice(&buf), 1), want);                           \
		buf_done(&buf);                                                                    \
	} while (0)
	static const char unterminated[3] = {'a', 'b', 'c'};

	SAME("plain");
	SAME("%s", "");
	SAME("a%sb%sc", "one", "two");
	SAME("%.*s|", 3, unterminated);
	SAME("%.*s|%.*s|", 5, "abc", 0, "abc");
	SAME("%.*s|", -1, "abc");
	SAME("%c%c", 'x', 'y');
	SAME("%d %d %d", 0, INT_MAX, INT_MIN);
	SAME("%u %u", 0u, UINT_MAX);
	SAME("%ld %ld %lu", LONG_MAX, LONG_MIN, ULONG_MAX);
	SAME("%lld %lld %llu", LLONG_MAX, LLONG_MIN, ULLONG_MAX);
	SAME("%zu", SIZE_MAX);
	SAME("100%% of %s", "it");
	SAME("%5u|%-5s|%05d|%x", 1u, "ab", 3, 255u);
	SAME("%08x %.3f %s", 0xbeefu, 1.5, "mixed");
#undef SAME
}

static void growth_keeps_content(void)
{
	struct buf buf = BUF_INIT;
	bool is_same = true;

	for (unsigned i = 0; i < 10000; i++)
		buf_addf(&buf, "%05u", i);
	CHECK_INT(NULL, buf.len, 50000);
	for (unsigned i = 0; i < 10000; i++) {
		uint32_t value = UINT32_MAX;

		(void)slice_u32(slice_first(slice_from(buf_slice(&buf), (size_t)i * 5), 5), 99999,
				&value);
		is_same = is_same && value == i;
	}
	CHECK(NULL, is_same);
	buf_done(&buf);
}

/* Adds in pieces of every size, so that each boundary of the capacity is crossed by a NUL, too. */
static void every_boundary(void)
{
	for (size_t len = 0; len <= 300; len++) {
		struct buf buf = BUF_INIT;

		buf_addf(&buf, "%*s", (int)len, "");
		if (!CHECK(NULL, buf.len == len && buf.cap > len && buf.p[len] == '\0'))
			break;
		buf_done(&buf);
	}
}

static void limit_sticks(void)
{
	enum { PIECE = BUF_LEN_MAX / 4 };
	char *piece = calloc(1, PIECE + 1);
	struct buf buf = BUF_INIT;

	for (int i = 0; i < 4; i++)
		buf_add(&buf, piece, PIECE);
	CHECK_INT("exactly full", buf_err(&buf), 0);
	CHECK_INT("exactly full", buf.len, BUF_LEN_MAX);
	buf_addc(&buf, 'x');
	CHECK_INT("one more", buf_err(&buf), ERR_LIMIT);
	CHECK_INT("content stays", buf.len, BUF_LEN_MAX);
	buf_drop(&buf, PIECE);
	buf_addc(&buf, 'x');
	buf_addf(&buf, "%d", 1);
	CHECK_INT("adds do nothing after an error", buf.len, BUF_LEN_MAX - PIECE);
	buf.err = 0;
	buf_drop(&buf, buf.len - 3);
	buf_add(&buf, piece, PIECE);
	buf_add(&buf, piece, PIECE);
	buf_add(&buf, piece, PIECE);
	buf_addf(&buf, "%.*s|%s", 1, "a", "");
	memset(piece, 'x', PIECE);
	buf_addf(&buf, "part %s", piece);
	CHECK_INT("does not fit", buf_err(&buf), ERR_LIMIT);
	CHECK_INT("all of it or nothing", buf.len, 3 * PIECE + 3 + 2);
	buf_clear(&buf);
	CHECK_INT("forgotten", buf_err(&buf), 0);
	buf_addc(&buf, 'x');
	buf_add(&buf, piece, SIZE_MAX);
	CHECK_INT("no overflow", buf_err(&buf), ERR_LIMIT);
	CHECK("no text after an error", buf_take(&buf) == NULL);
	CHECK("and usable again", buf_err(&buf) == 0 && buf.p == NULL);
	free(piece);
}

static void clear_and_drop(void)
{
	struct buf buf = BUF_INIT;

	buf_clear(&buf);
	buf_drop(&buf, 0);
	buf_adds(&buf, "first second");
	buf_drop(&buf, 6);
	CHECK_SLICE("drop", buf_slice(&buf), "second");
	CHECK_STR("terminated", buf.p, "second");
	buf_adds(&buf, "!");
	CHECK_SLICE("add after drop", buf_slice(&buf), "second!");
	buf_drop(&buf, buf.len);
	CHECK_STR("all", buf.p, "");
	buf_adds(&buf, "x");
	buf_clear(&buf);
	CHECK_STR("clear", buf.p, "");
	CHECK_INT("memory kept", buf.cap > 0, true);
	buf_done(&buf);
}

static void take(void)
{
	struct buf buf = BUF_INIT;
	char *text = buf_take(&buf);

	CHECK_STR("of nothing", text, "");
	free(text);
	buf_adds(&buf, "text");
	text = buf_take(&buf);
	CHECK_STR("of text", text, "text");
	CHECK("buffer is new", buf.p == NULL && buf.len == 0 && buf.cap == 0);
	free(text);
}

static void numbers(void)
{
	static const struct {
		uint64_t n;
		unsigned digits_min;
		const char *want;
	} cases[] = {
		{0, 1, "0"},
		{0, 0, "0"},
		{7, 3, "007"},
		{1234, 2, "1234"},
		{10, 1, "10"},
		{UINT64_MAX, 1, "18446744073709551615"},
		{5, 20, "00000000000000000005"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf buf = BUF_INIT;

		buf_addu(&buf, cases[i].n, cases[i].digits_min);
		CHECK_SLICE(cases[i].want, buf_slice(&buf), cases[i].want);
		buf_done(&buf);
	}
}

void suite_buf(void)
{
	CHECK_SUITE("buf");
	CHECK_TEST(adding);
	CHECK_TEST(formats_as_libc_does);
	CHECK_TEST(growth_keeps_content);
	CHECK_TEST(every_boundary);
	CHECK_TEST(limit_sticks);
	CHECK_TEST(clear_and_drop);
	CHECK_TEST(take);
	CHECK_TEST(numbers);
}
