/* Temporary GRUUs: what goes into a token comes out of it, and nothing can be made up. */
#include "focus/gruu.h"

#include <string.h>

#include "base/random.h"
#include "tests/support/check.h"

static struct gruu_key key_of(uint64_t seed)
{
	struct random random;
	struct gruu_key key;

	random_init_seeded(&random, seed);
	random_bytes(&random, &key, sizeof(key));
	return key;
}

static void keys(void)
{
	struct gruu_key key = key_of(1), back;
	char text[GRUU_KEY_TEXT + 1];

	gruu_key_write(&key, text);
	CHECK_INT("length", strlen(text), GRUU_KEY_TEXT);
	CHECK("read", gruu_key_read(slice_of(text), &back));
	CHECK("the same", !memcmp(&key, &back, sizeof(key)));
	CHECK("short", !gruu_key_read(slice_first(slice_of(text), 63), &back));
	text[5] = 'g';
	CHECK("no digit", !gruu_key_read(slice_of(text), &back));
}

static void epochs(void)
{
	struct gruu_key key = key_of(1), other = key_of(2);
	uint64_t epoch = gruu_epoch(&key, "bob", "urn:uuid:1", "c1");

	CHECK("there is one", epoch != 0);
	CHECK("the same again", epoch == gruu_epoch(&key, "bob", "urn:uuid:1", "c1"));
	CHECK("another user", epoch != gruu_epoch(&key, "eve", "urn:uuid:1", "c1"));
	CHECK("another phone", epoch != gruu_epoch(&key, "bob", "urn:uuid:2", "c1"));
	CHECK("another Call-ID", epoch != gruu_epoch(&key, "bob", "urn:uuid:1", "c2"));
	CHECK("another key", epoch != gruu_epoch(&other, "bob", "urn:uuid:1", "c1"));
}

static void tokens(void)
{
	struct gruu_key key = key_of(1), other = key_of(2);
	char token[GRUU_TOKEN_CHARS + 1], second[GRUU_TOKEN_CHARS + 1];
	uint64_t epoch = 0x0123456789abcdef, back = 0;

	for (uint64_t salt = 0; salt < 100; salt++) {
		CHECK_INT("made", gruu_token(&key, epoch, salt, token), 0);
		CHECK_INT("length", strlen(token), GRUU_TOKEN_CHARS);
		CHECK("read", gruu_token_epoch(&key, slice_of(token), &back) && back == epoch);
	}
	CHECK_INT("another salt", gruu_token(&key, epoch, 1000, second), 0);
	CHECK("looks like somebody else's", strncmp(token, second, 8) != 0);
	CHECK("another key", gruu_token_epoch(&other, slice_of(token), &back) && back != epoch);
	token[3] = token[3] == 'a' ? 'b' : 'a';
	CHECK("one letter changed",
	      gruu_token_epoch(&key, slice_of(token), &back) && back != epoch);
	token[3] = '1';
	CHECK("no such letter", !gruu_token_epoch(&key, slice_of(token), &back));
	CHECK("too short", !gruu_token_epoch(&key, SLICE("abc"), &back));
	CHECK("nothing", !gruu_token_epoch(&key, SLICE(""), &back));
}

void suite_gruu(void)
{
	CHECK_SUITE("gruu");
	CHECK_TEST(keys);
	CHECK_TEST(epochs);
	CHECK_TEST(tokens);
}
