#include "base/arena.h"

#include <stdint.h>

#include "tests/support/check.h"

static bool is_zero(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

static void zeroed_aligned_apart(void)
{
	enum { COUNT = 400 };
	struct arena *arena = NULL;
	char *p[COUNT];
	size_t len[COUNT];
	bool is_kept = true;

	CHECK_INT(NULL, arena_new(1 << 20, &arena), 0);
	for (int round = 0; round < 2; round++) { /* the second reuses memory that was written to */
		for (int i = 0; i < COUNT; i++) {
			len[i] = (size_t)(i * 7) % 300;
			p[i] = arena_alloc(arena, len[i]);
			CHECK("given", p[i] != NULL);
			CHECK("aligned", (uintptr_t)p[i] % _Alignof(max_align_t) == 0);
			CHECK("zeroed", is_zero(p[i], len[i]));
			memset(p[i], i + 1, len[i]);
		}
		for (int i = 0; i < COUNT; i++) {
			for (size_t k = 0; k < len[i]; k++)
				is_kept = is_kept && p[i][k] == (char)(i + 1);
		}
		CHECK("nothing overlaps", is_kept);
		CHECK("an address each", p[0] != p[1]); /* p[0] has no octets */
		arena_reset(arena);
	}
	CHECK(NULL, arena_free(arena) == NULL);
}

static void limit(void)
{
	struct arena *arena = NULL;

	CHECK_INT(NULL, arena_new(4096, &arena), 0);
	CHECK("too much at once", arena_alloc(arena, 4097) == NULL);
	CHECK("overflow", arena_alloc(arena, SIZE_MAX) == NULL);
	CHECK("overflow when rounded", arena_alloc(arena, SIZE_MAX - 7) == NULL);
	CHECK("all", arena_alloc(arena, 4096) != NULL);
	CHECK("nothing left", arena_alloc(arena, 1) == NULL);
	CHECK("nothing left", arena_alloc(arena, 0) == NULL);
	arena_reset(arena);
	for (int i = 0; i < 4; i++)
		CHECK("in parts", arena_alloc(arena, 1024) != NULL);
	CHECK("nothing left", arena_alloc(arena, 1) == NULL);
	arena_free(arena);
}

static void limit_of_a_few_octets(void)
{
	struct arena *arena = NULL;

	CHECK_INT(NULL, arena_new(0, &arena), 0);
	CHECK(NULL, arena_alloc(arena, 0) == NULL);
	arena_free(arena);
	CHECK_INT(NULL, arena_new(20, &arena), 0);
	CHECK(NULL, arena_alloc(arena, 16) != NULL);
	CHECK("a step of 16 does not fit", arena_alloc(arena, 1) == NULL);
	arena_free(arena);
}

static void texts(void)
{
	struct arena *arena = NULL;
	struct slice copy;
	char *text;

	CHECK_INT(NULL, arena_new(65536, &arena), 0);
	CHECK_STR(NULL, arena_cstr(arena, slice_make("abcdef", 3)), "abc");
	CHECK_STR("absent", arena_cstr(arena, SLICE_NONE), "");
	copy = arena_slice(arena, slice_make("abcdef", 4));
	CHECK_SLICE(NULL, copy, "abcd");
	CHECK("absent", !slice_present(arena_slice(arena, SLICE_NONE)));
	CHECK("empty is present", slice_present(arena_slice(arena, SLICE(""))));
	text = arena_printf(arena, "%s-%05d", "x", 42);
	CHECK_STR(NULL, text, "x-00042");
	text = arena_printf(arena, "%5000d", 7);
	CHECK_INT("larger than a block", text ? strlen(text) : 0, 5000);
	CHECK_SLICE("older ones stay", copy, "abcd");
	CHECK("over the limit", arena_printf(arena, "%70000d", 7) == NULL);
	CHECK("over the limit", !slice_present(arena_slice(arena, slice_make("", 70000))));
	arena_free(arena);
}

static void free_of_nothing(void)
{
	CHECK(NULL, arena_free(NULL) == NULL);
}

void suite_arena(void)
{
	CHECK_SUITE("arena");
	CHECK_TEST(zeroed_aligned_apart);
	CHECK_TEST(limit);
	CHECK_TEST(limit_of_a_few_octets);
	CHECK_TEST(texts);
	CHECK_TEST(free_of_nothing);
}
