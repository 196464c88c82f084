#include "base/secret.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "tests/support/check.h"
#include "tests/support/steps.h"

enum { LEN_MAX = 64 };

static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ+/";

static void results(void)
{
	static const struct {
		const char *given, *secret;
		bool is_same;
	} rows[] = {{"secret-42", "secret-42", true},
		    {"", "", true},
		    {"secret-4", "secret-42", false},
		    {"secret-422", "secret-42", false},
		    {"", "secret-42", false},
		    {"secret-42", "", false},
		    {"aa", "a", false},
		    {"a", "aa", false},
		    {"Secret-42", "secret-42", false}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_INT(rows[i].given,
			  secret_is_same(slice_of(rows[i].given), slice_of(rows[i].secret)),
			  rows[i].is_same);
	CHECK("a NUL counts", !secret_is_same(slice_make("a\0b", 3), slice_make("a\0c", 3)));
}

/* Whichever octet is wrong, in whichever bit. */
static void every_octet_counts(void)
{
	for (size_t len = 1; len <= LEN_MAX; len++)
		for (size_t at = 0; at < len; at++)
			for (int bit = 0; bit < 8; bit++) {
				char given[LEN_MAX], row[48];

				(void)snprintf(row, sizeof(row), "%zu octets, bit %d of %zu", len,
					       bit, at);
				memcpy(given, letters, len);
				given[at] = (char)(given[at] ^ (1 << bit));
				CHECK(row, !secret_is_same(slice_make(given, len),
							   slice_make(letters, len)));
			}
}

#ifndef __SANITIZE_THREAD__

/* A guess, and how it is compared. */
struct guess {
	bool (*is_same)(struct slice given, struct slice secret);
	char given[LEN_MAX];
	size_t len;
	bool is_good;
};

static void compare(void *arg)
{
	struct guess *guess = arg;

	guess->is_good = guess->is_same(slice_make(guess->given, guess->len),
					slice_make(letters, LEN_MAX));
}

/* As it must not be done. */
static bool is_same_hastily(struct slice given, struct slice secret)
{
	for (size_t i = 0; i < given.len; i++)
		if (given.p[i] != secret.p[i])
			return false;
	return given.len == secret.len;
}

/* With the octet at `at` wrong; LEN_MAX: none. */
static long steps_with(bool (*is_same)(struct slice, struct slice), size_t at)
{
	struct guess guess = {.is_same = is_same, .len = LEN_MAX};

	memcpy(guess.given, letters, LEN_MAX);
	if (at < LEN_MAX)
		guess.given[at] ^= 1;
	return steps_of(compare, &guess);
}

/* Time tells nothing: as many instructions wherever it is wrong, and when it is right. */
static void time_tells_nothing(void)
{
	long right = steps_with(secret_is_same, LEN_MAX);
	struct guess all = {.is_same = secret_is_same, .len = LEN_MAX};

	CHECK("instructions can be counted", right > LEN_MAX);
	for (size_t at = 0; at < LEN_MAX; at++)
		CHECK_INT("one is wrong", steps_with(secret_is_same, at), right);
	CHECK_INT("all are wrong", steps_of(compare, &all), right);
	all.len = LEN_MAX / 2;
	CHECK("every octet that is given costs", steps_of(compare, &all) < right - LEN_MAX / 2);
}

/* What is measured here is there to be measured. */
static void haste_is_seen(void)
{
	long first = steps_with(is_same_hastily, 0),
	     last = steps_with(is_same_hastily, LEN_MAX - 1);

	CHECK("a comparison that stops early", first > 0 && first < last);
}

#endif

void suite_secret(void)
{
	CHECK_SUITE("secret");
	CHECK_TEST(results);
	CHECK_TEST(every_octet_counts);
#ifndef __SANITIZE_THREAD__
	CHECK_TEST(time_tells_nothing);
	CHECK_TEST(haste_is_seen);
#endif
}
