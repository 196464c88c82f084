#include "focus/gruu.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

enum { BLOCK = 16, CIPHER_KEY_OCTETS = 16 }; /* the rest of the key is that of the epochs */

static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";

void gruu_key_write(const struct gruu_key *key, char out[GRUU_KEY_TEXT + 1])
{
	for (size_t i = 0; i < GRUU_KEY_OCTETS; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", key->octets[i]);
}

bool gruu_key_read(struct slice text, struct gruu_key *ret_key)
{
	static const char digits[] = "0123456789abcdef";
	struct gruu_key key = {{0}};

	if (text.len != GRUU_KEY_TEXT)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		const char *digit = memchr(digits, text.p[i], sizeof(digits) - 1);

		if (!digit)
			return false;
		key.octets[i / 2] = (uint8_t)(key.octets[i / 2] << 4 | (digit - digits));
	}
	*ret_key = key;
	return true;
}

uint64_t gruu_epoch(const struct gruu_key *key, const char *user, const char *instance,
		    const char *call_id)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	struct buf text = BUF_INIT;
	unsigned int len = 0;
	uint64_t epoch = 0;

	/* None of them holds a line end (location.c). */
	buf_addf(&text, "%s\n%s\n%s", user, instance, call_id);
	if (!buf_err(&text) &&
	    HMAC(EVP_sha256(), key->octets + CIPHER_KEY_OCTETS, GRUU_KEY_OCTETS - CIPHER_KEY_OCTETS,
		 (const unsigned char *)text.p, text.len, mac, &len))
		memcpy(&epoch, mac, sizeof(epoch));
	buf_done(&text);
	return epoch;
}

static bool cipher(const struct gruu_key *key, bool is_in, const uint8_t from[BLOCK],
		   uint8_t to[BLOCK])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = 0;
	bool is_done = ctx &&
		       EVP_CipherInit_ex(ctx, EVP_aes_128_ecb(), NULL, key->octets, NULL, is_in) &&
		       EVP_CIPHER_CTX_set_padding(ctx, 0) &&
		       EVP_CipherUpdate(ctx, to, &len, from, BLOCK) && len == BLOCK;

	EVP_CIPHER_CTX_free(ctx);
	return is_done;
}

int gruu_token(const struct gruu_key *key, uint64_t epoch, uint64_t salt,
	       char out[GRUU_TOKEN_CHARS + 1])
{
	uint8_t clear[BLOCK], block[BLOCK];
	uint32_t bits = 0, count = 0;
	size_t at = 0;

	memcpy(clear, &epoch, sizeof(epoch));
	memcpy(clear + sizeof(epoch), &salt, sizeof(salt));
	if (!cipher(key, true, clear, block))
		return -ENOMEM;
	for (size_t i = 0; i < BLOCK; i++) {
		bits = bits << 8 | block[i];
		for (count += 8; count >= 5; count -= 5)
			out[at++] = letters[bits >> (count - 5) & 31];
	}
	out[at++] = letters[bits << (5 - count) & 31]; /* three bits are left */
	out[at] = '\0';
	return 0;
}

bool gruu_token_epoch(const struct gruu_key *key, struct slice token, uint64_t *ret_epoch)
{
	uint8_t block[BLOCK + 1], clear[BLOCK];
	uint32_t bits = 0, count = 0;
	size_t at = 0;

	if (token.len != GRUU_TOKEN_CHARS)
		return false;
	for (size_t i = 0; i < token.len; i++) {
		const char *letter = memchr(letters, token.p[i], sizeof(letters) - 1);

		if (!letter)
			return false;
		bits = bits << 5 | (uint32_t)(letter - letters);
		count += 5;
		if (count >= 8) {
			count -= 8;
			block[at++] = (uint8_t)(bits >> count);
		}
	}
	if (!cipher(key, false, block, clear))
		return false;
	memcpy(ret_epoch, clear, sizeof(*ret_epoch));
	return true;
}
