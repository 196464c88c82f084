#include "base/random.h"

#include <string.h>

#include "tests/support/check.h"

/* xoshiro256** over SplitMix64(42), computed independently (Python, from the published text). */
static void seeded_vector(void)
{
	static const uint64_t want[] = {0x15780b2e0c2ec716, 0x6104d9866d113a7e, 0xae17533239e499a1,
					0xecb8ad4703b360a1};
	struct random random;

	random_init_seeded(&random, 42);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		CHECK_INT(NULL, random_u64(&random), want[i]);
}

static void seeded_replays(void)
{
	struct random a, b, c;
	char ta[33], tb[33], tc[33];

	random_init_seeded(&a, 7);
	random_init_seeded(&b, 7);
	random_init_seeded(&c, 8);
	random_token(&a, ta, 32);
	random_token(&b, tb, 32);
	random_token(&c, tc, 32);
	CHECK_STR("same seed", ta, tb);
	CHECK("other seed", strcmp(ta, tc) != 0);
	CHECK_INT("still in step", random_u32(&a), random_u32(&b));
}

static void system_is_random(void)
{
	struct random random;
	uint8_t a[1000], b[1000]; /* several pools, not a multiple */
	unsigned seen[256] = {0}, distinct = 0;

	random_init_system(&random);
	random_bytes(&random, a, sizeof(a));
	random_bytes(&random, b, sizeof(b));
	CHECK(NULL, memcmp(a, b, sizeof(a)) != 0);
	CHECK("no piece twice", memcmp(a, a + 256, 256) != 0);
	for (size_t i = 0; i < sizeof(a); i++)
		distinct += seen[a[i]]++ == 0;
	CHECK("about 251 of 256 values in 1000 octets", distinct > 200);
}

static void pool_is_wiped(void)
{
	static const uint8_t zeros[100];
	struct random random;
	uint8_t out[100];

	random_init_system(&random);
	random_bytes(&random, out, sizeof(out));
	CHECK_INT(NULL, random.pool_left, 156);
	CHECK("handed out, forgotten", memcmp(random.pool, zeros, sizeof(zeros)) == 0);
	CHECK("the rest waits", memcmp(random.pool + 100, zeros, sizeof(zeros)) != 0);
}

/* Stays inside the octets it was given, at any length and split. */
static void bytes_bounds(void)
{
	for (int is_seeded = 0; is_seeded <= 1; is_seeded++) {
		for (size_t len = 0; len <= 600; len += 7) {
			struct random random;
			uint8_t out[602];

			memset(out, 0xa5, sizeof(out));
			random_init_system(&random);
			if (is_seeded)
				random_init_seeded(&random, len);
			random_bytes(&random, out + 1, len);
			CHECK_INT(NULL, out[0], 0xa5);
			CHECK_INT(NULL, out[len + 1], 0xa5);
		}
	}
}

static void below(void)
{
	enum { DRAWS = 60000 };
	struct random random;
	unsigned hits[6] = {0};
	unsigned low = 0;

	random_init_seeded(&random, 1);
	CHECK_INT("bound 1", random_below(&random, 1), 0);
	for (int i = 0; i < DRAWS; i++) {
		uint32_t n = random_below(&random, 6);

		if (!CHECK(NULL, n < 6))
			return;
		hits[n]++;
	}
	for (int i = 0; i < 6; i++) /* 10000 each, standard deviation 91: six of them */
		CHECK_NEAR(NULL, hits[i], DRAWS / 6, 550);
	/* Of 3 * 2^30 a plain modulus would give the lowest third half of the time. */
	for (int i = 0; i < DRAWS; i++)
		low += random_below(&random, 3u << 30) < 1u << 30;
	CHECK_NEAR("unbiased", low, DRAWS / 3, 700);
}

static void token(void)
{
	struct random random;
	char out[101];
	unsigned seen[256] = {0}, distinct = 0;

	random_init_seeded(&random, 3);
	CHECK_STR("empty", random_token(&random, out, 0), "");
	for (int round = 0; round < 100; round++) {
		CHECK(NULL, random_token(&random, out, 100) == out && strlen(out) == 100);
		for (int i = 0; i < 100; i++)
			distinct += seen[(uint8_t)out[i]]++ == 0;
	}
	CHECK_INT("all characters occur", distinct, 32);
	for (int c = 0; c < 256; c++) {
		bool is_allowed = (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');

		CHECK_INT("only these", seen[c] > 0, is_allowed);
	}
}

void suite_random(void)
{
	CHECK_SUITE("random");
	CHECK_TEST(seeded_vector);
	CHECK_TEST(seeded_replays);
	CHECK_TEST(system_is_random);
	CHECK_TEST(pool_is_wiped);
	CHECK_TEST(bytes_bounds);
	CHECK_TEST(below);
	CHECK_TEST(token);
}
