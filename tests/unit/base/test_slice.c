#include "base/slice.h"

#include <errno.h>
#include <stdlib.h>

#include "base/attr.h"
#include "tests/support/check.h"

static void compare(void)
{
	static const struct {
		const char *name, *a, *b;
		bool eq, ieq, starts, istarts;
	} cases[] = {
		{"same", "Via", "Via", true, true, true, true},
		{"other case", "Via", "vIA", false, true, false, true},
		{"prefix", "Via-Ext", "Via", false, false, true, true},
		{"prefix in other case", "via-ext", "VIA", false, false, false, true},
		{"shorter than the prefix", "Vi", "Via", false, false, false, false},
		{"both empty", "", "", true, true, true, true},
		{"absent and empty", NULL, "", true, true, true, true},
		{"empty prefix", "x", "", false, false, true, true},
		{"@ and ` differ by bit 5 only", "@", "`", false, false, false, false},
		{"[ and { too", "[", "{", false, false, false, false},
		{"no folding above ASCII", "\xc4", "\xe4", false, false, false, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice a = slice_of(cases[i].a), b = slice_of(cases[i].b);

		CHECK_INT(cases[i].name, slice_eq(a, b), cases[i].eq);
		CHECK_INT(cases[i].name, slice_ieq(a, b), cases[i].ieq);
		CHECK_INT(cases[i].name, slice_is(a, cases[i].b), cases[i].eq);
		CHECK_INT(cases[i].name, slice_iis(a, cases[i].b), cases[i].ieq);
		CHECK_INT(cases[i].name, slice_starts(a, b), cases[i].starts);
		CHECK_INT(cases[i].name, slice_istarts(a, b), cases[i].istarts);
	}
	CHECK("NUL counts", !slice_eq(slice_make("a\0b", 3), slice_make("a\0c", 3)));
}

static void trim(void)
{
	static const struct {
		const char *name, *in, *want;
	} cases[] = {
		{"nothing to do", "a b", "a b"},
		{"both ends", " \t\r\n a b \r\n\t ", "a b"},
		{"only space", " \t ", ""},
		{"empty", "", ""},
		{"vertical tab stays", "\va\v", "\va\v"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_SLICE(cases[i].name, slice_trim(slice_of(cases[i].in)), cases[i].want);
	CHECK("absent stays absent", !slice_present(slice_trim(SLICE_NONE)));
}

static void cut(void)
{
	struct slice s = SLICE("hello");

	CHECK_INT("first", slice_find(s, 'h'), 0);
	CHECK_INT("of two", slice_find(s, 'l'), 2);
	CHECK_INT("none", slice_find(s, 'x'), 5);
	CHECK_INT("in nothing", slice_find(SLICE_NONE, 'x'), 0);
	CHECK_SLICE("from 0", slice_from(s, 0), "hello");
	CHECK_SLICE("from 2", slice_from(s, 2), "llo");
	CHECK_SLICE("from the end", slice_from(s, 5), "");
	CHECK_SLICE("from beyond", slice_from(s, SIZE_MAX), "");
	CHECK("from absent", !slice_present(slice_from(SLICE_NONE, 3)));
	CHECK_SLICE("first 0", slice_first(s, 0), "");
	CHECK_SLICE("first 2", slice_first(s, 2), "he");
	CHECK_SLICE("first many", slice_first(s, SIZE_MAX), "hello");
}

static void numbers(void)
{
	static const struct {
		const char *name, *in;
		uint64_t max, want;
		int err;
	} cases[] = {
		{"zero", "0", 10, 0, 0},
		{"leading zeros", "000000000000000000000000007", 10, 7, 0},
		{"at the limit", "65535", 65535, 65535, 0},
		{"one above", "65536", 65535, 0, -ERANGE},
		{"largest", "18446744073709551615", UINT64_MAX, UINT64_MAX, 0},
		{"one above the largest", "18446744073709551616", UINT64_MAX, 0, -ERANGE},
		{"far above", "99999999999999999999999", UINT64_MAX, 0, -ERANGE},
		{"limit of one digit", "9", 5, 0, -ERANGE},
		{"limit 0", "0", 0, 0, 0},
		{"above limit 0", "1", 0, 0, -ERANGE},
		{"empty", "", 10, 0, -EINVAL},
		{"absent", NULL, 10, 0, -EINVAL},
		{"sign", "+1", 10, 0, -EINVAL},
		{"minus", "-1", 10, 0, -EINVAL},
		{"space", " 1", 10, 0, -EINVAL},
		{"letter after too much", "999x", 10, 0, -EINVAL},
		{"hex", "0x1", 10, 0, -EINVAL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t got = 4711;
		int err = slice_u64(slice_of(cases[i].in), cases[i].max, &got);

		CHECK_INT(cases[i].name, err, cases[i].err);
		CHECK_INT(cases[i].name, got, err ? 4711 : cases[i].want);
	}
}

static void numbers_of_32_bits(void)
{
	uint32_t got = 4711;

	CHECK_INT("too large", slice_u32(SLICE("4294967296"), UINT32_MAX, &got), -ERANGE);
	CHECK_INT("not a number", slice_u32(SLICE("4x"), UINT32_MAX, &got), -EINVAL);
	CHECK_INT("untouched", got, 4711);
	CHECK_INT("largest", slice_u32(SLICE("4294967295"), UINT32_MAX, &got), 0);
	CHECK_INT("largest", got, UINT32_MAX);
}

static void copies(void)
{
	char out[4] = "zzz";
	char *dup;

	CHECK_STR("fits", slice_cstr(SLICE("abc"), out, sizeof(out)), "abc");
	CHECK_STR("cut", slice_cstr(SLICE("abcd"), out, sizeof(out)), "abc");
	CHECK_STR("room for the NUL only", slice_cstr(SLICE("abcd"), out, 1), "");
	CHECK_STR("absent", slice_cstr(SLICE_NONE, out, sizeof(out)), "");
	dup = slice_dup(slice_make("abcd", 2));
	CHECK_STR("dup", dup, "ab");
	free(dup);
	dup = slice_dup(SLICE(""));
	CHECK_STR("dup of empty", dup, "");
	free(dup);
	CHECK("dup of absent", slice_dup(SLICE_NONE) == NULL);
}

void suite_slice(void)
{
	CHECK_SUITE("slice");
	CHECK_TEST(compare);
	CHECK_TEST(trim);
	CHECK_TEST(cut);
	CHECK_TEST(numbers);
	CHECK_TEST(numbers_of_32_bits);
	CHECK_TEST(copies);
}
