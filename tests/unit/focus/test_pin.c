/* tests/unit/focus/test_pin.c */
#include "focus/pin.h"

#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "tests/support/check.h"

static void what_is_a_pin(void)
{
	static const struct {
		const char *text;
		bool is_valid;
	} rows[] = {
		{"", false},
		{"12", false},
		{"123", true},
		{"0000", true},
		{"1234567890123456", true},
		{"12345678901234567", false},
		{"12a4", false},
		{"12 4", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_INT(rows[i].text, pin_is_valid(slice_of(rows[i].text)), rows[i].is_valid);
}

static void hashes_match_their_pin_only(void)
{
	char hash[PIN_HASH_MAX + 1], again[PIN_HASH_MAX + 1];
	struct random random;

	random_init_seeded(&random, 1);
	CHECK_INT("hash", pin_hash(&random, SLICE("4711"), hash), 0);
	CHECK_INT("again", pin_hash(&random, SLICE("4711"), again), 0);
	CHECK("salted", strcmp(hash, again) != 0);
	CHECK("the PIN is not in it", strstr(hash, "4711") == NULL);
	CHECK("right", pin_matches(hash, SLICE("4711")) && pin_matches(again, SLICE("4711")));
	CHECK("wrong", !pin_matches(hash, SLICE("4712")));
	CHECK("longer", !pin_matches(hash, SLICE("47110")));
	CHECK_INT("no PIN", pin_hash(&random, SLICE("12"), hash), -EINVAL);
}

static void damaged_hashes_match_nothing(void)
{
	static const char *const rows[] = {
		"",
		"pbkdf2",
		"pbkdf2$2000$abc$00",
		"md5$1$a$b",
		"pbkdf2$0$abcdefghijkl$00",
		"pbkdf2$9999999$abcdefghijkl$00",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i], !pin_matches(rows[i], SLICE("4711")));
}

/* PBKDF2-HMAC-SHA-256 of RFC 7914 11 is OpenSSL's to prove; this holds the stored form still. */
static void stored_form_stays_readable(void)
{
	CHECK("of an older version", pin_matches("pbkdf2$1$saltsaltsalt$"
						 "008c58f22badabecd681404750b980fa0a9673c702f547b9",
						 SLICE("1234")));
}

void suite_pin(void)
{
	CHECK_SUITE("pin");
	CHECK_TEST(what_is_a_pin);
	CHECK_TEST(hashes_match_their_pin_only);
	CHECK_TEST(damaged_hashes_match_nothing);
	CHECK_TEST(stored_form_stays_readable);
}
