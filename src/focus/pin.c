/* focus/pin.c */
#include "focus/pin.h"

#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <errno.h>

#include "base/secret.h"

/* About a millisecond of the control thread. */
enum { ROUNDS = 2000, ROUNDS_MAX = 1000000, SALT = 12, HASH = 24 };

bool pin_is_valid(struct slice pin)
{
	if (pin.len < PIN_MIN || pin.len > PIN_MAX)
		return false;
	for (size_t i = 0; i < pin.len; i++)
		if (pin.p[i] < '0' || pin.p[i] > '9')
			return false;
	return true;
}

static bool derive(struct slice pin, const char *salt, unsigned rounds, uint8_t out[HASH])
{
	return PKCS5_PBKDF2_HMAC(pin.p, (int)pin.len, (const unsigned char *)salt,
				 (int)strlen(salt), (int)rounds, EVP_sha256(), HASH, out) == 1;
}

static void print_hex(const uint8_t *octets, char *out)
{
	for (int i = 0; i < HASH; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", octets[i]);
}

int pin_hash(struct random *random, struct slice pin, char ret_hash[PIN_HASH_MAX + 1])
{
	char salt[SALT + 1], hex[2 * HASH + 1];
	uint8_t hash[HASH];

	if (!pin_is_valid(pin))
		return -EINVAL;
	random_token(random, salt, SALT);
	if (!derive(pin, salt, ROUNDS, hash))
		return -EIO;
	print_hex(hash, hex);
	(void)snprintf(ret_hash, PIN_HASH_MAX + 1, "pbkdf2$%d$%s$%s", ROUNDS, salt, hex);
	return 0;
}

bool pin_hash_is_sound(struct slice hash)
{
	char text[PIN_HASH_MAX + 1], salt[SALT + 1], hex[2 * HASH + 1];
	unsigned rounds;
	int end = 0;

	return hash.len < sizeof(text) &&
	       sscanf(slice_cstr(hash, text, sizeof(text)), "pbkdf2$%7u$%12[a-z2-7]$%48[0-9a-f]%n",
		      &rounds, salt, hex, &end) == 3 &&
	       (size_t)end == hash.len && strlen(salt) == SALT && strlen(hex) == 2 * HASH &&
	       rounds == ROUNDS;
}

bool pin_matches(const char *hash, struct slice pin)
{
	char salt[SALT + 1], want[2 * HASH + 1], got[2 * HASH + 1];
	unsigned rounds;
	uint8_t octets[HASH];

	if (sscanf(hash, "pbkdf2$%7u$%12[^$]$%48[0-9a-f]", &rounds, salt, want) != 3 ||
	    strlen(want) != 2 * HASH || rounds < 1 || rounds > ROUNDS_MAX || !pin_is_valid(pin) ||
	    !derive(pin, salt, rounds, octets))
		return false;
	print_hex(octets, got);
	return secret_is_same(slice_make(got, 2 * HASH), slice_make(want, 2 * HASH));
}
