/* base/random.c -- the kernel's octets by the pool; xoshiro256** for replays.
 *
 * xoshiro256** is the public-domain generator of Blackman and Vigna ("Scrambled linear
 * pseudorandom number generators", 2018), seeded by SplitMix64 as they advise. It is good for
 * simulations and not for secrets, which is why the server never uses a seeded source.
 */
#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void random_init_system(struct random *random)
{
	*random = (struct random){.is_seeded = false};
}

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

void random_init_seeded(struct random *random, uint64_t seed)
{
	*random = (struct random){.is_seeded = true};
	for (int i = 0; i < 4; i++)
		random->state[i] = splitmix64(&seed);
}

static uint64_t rotl(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static uint64_t xoshiro256ss(uint64_t s[4])
{
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

static void pool_fill(struct random *random)
{
	ssize_t got;

	do {
		got = getrandom(random->pool, sizeof(random->pool), 0);
	} while (got < 0 && errno == EINTR);
	/* Up to 256 octets come whole or not at all. Without them no tag and no token is safe:
	 * there is nothing to fall back to. */
	if (got != (ssize_t)sizeof(random->pool)) {
		perror("getrandom");
		abort();
	}
	random->pool_left = sizeof(random->pool);
}

static void system_bytes(struct random *random, uint8_t *out, size_t len)
{
	while (len > 0) {
		uint8_t *from;
		size_t n;

		if (random->pool_left == 0)
			pool_fill(random);
		n = len < random->pool_left ? len : random->pool_left;
		from = random->pool + sizeof(random->pool) - random->pool_left;
		memcpy(out, from, n);
		explicit_bzero(from, n); /* what was handed out cannot be read from us later */
		random->pool_left -= (uint32_t)n;
		out += n;
		len -= n;
	}
}

void random_bytes(struct random *random, void *out, size_t len)
{
	uint8_t *p = out;

	if (!random->is_seeded) {
		system_bytes(random, p, len);
		return;
	}
	while (len > 0) {
		uint64_t word = xoshiro256ss(random->state);

		for (int i = 0; i < 8 && len > 0; i++, len--) {
			*p++ = (uint8_t)word;
			word >>= 8;
		}
	}
}

uint32_t random_u32(struct random *random)
{
	return (uint32_t)(random_u64(random) >> 32);
}

uint64_t random_u64(struct random *random)
{
	uint64_t value;

	if (random->is_seeded)
		return xoshiro256ss(random->state);
	random_bytes(random, &value, sizeof(value));
	return value;
}

uint32_t random_below(struct random *random, uint32_t bound)
{
	uint32_t value, unfair;

	assert(bound >= 1);
	unfair = -bound % bound; /* 2^32 mod bound: as many low values would come once too often */
	do {
		value = random_u32(random);
	} while (value < unfair);
	return value % bound;
}

char *random_token(struct random *random, char *out, size_t chars)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

	random_bytes(random, out, chars);
	for (size_t i = 0; i < chars; i++)
		out[i] = alphabet[(uint8_t)out[i] & 31];
	out[chars] = '\0';
	return out;
}
