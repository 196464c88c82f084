/* tests/support/srtp_ref.c */
#include "tests/support/srtp_ref.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum {
	RTP_HEADER = 12,
	RTCP_HEADER = 8,
	SALT_OCTETS = 14,
	AUTH_OCTETS = 20,
	RTCP_TAG_OCTETS = 10,
	GCM_TAG_OCTETS = 16,
	GCM_IV_OCTETS = 12,
	INDEX_OCTETS = 4
};

#define RTCP_INDEX_MAX 0x7fffffffu
#define RTCP_IS_ENCRYPTED 0x80000000u

enum label { LABEL_RTP = 0, LABEL_RTCP = 3 }; /* cipher key; auth key and salt follow */

struct session {
	const struct media_keys *keys;
	bool is_gcm;
	uint8_t key[32], auth[AUTH_OCTETS], salt[SALT_OCTETS];
};

static void must(bool is_done)
{
	if (!is_done)
		abort();
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* AES in counter mode from `iv`, in place. */
static void counter_mode(const uint8_t *key, uint8_t key_octets, const uint8_t iv[16],
			 uint8_t *data, size_t len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int done;

	must(ctx &&
	     EVP_EncryptInit_ex(ctx, key_octets == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), NULL,
				key, iv) == 1 &&
	     EVP_EncryptUpdate(ctx, data, &done, data, (int)len) == 1);
	EVP_CIPHER_CTX_free(ctx);
}

/* RFC 3711 4.3.1 and 4.3.3. A salt of 12 octets has two zeros behind it (RFC 7714 11). */
static void derive(const struct media_keys *keys, uint8_t label, uint8_t *out, size_t octets)
{
	uint8_t key_octets = media_suite_key_octets(keys->suite), iv[16] = {0};

	memcpy(iv, keys->key + key_octets, media_suite_octets(keys->suite) - key_octets);
	iv[7] ^= label;
	memset(out, 0, octets);
	counter_mode(keys->key, key_octets, iv, out, octets);
}

static struct session session_make(const struct media_keys *keys, uint8_t label)
{
	struct session session = {.keys = keys,
				  .is_gcm = keys->suite == MEDIA_SUITE_AEAD_AES_128_GCM ||
					    keys->suite == MEDIA_SUITE_AEAD_AES_256_GCM};

	derive(keys, label, session.key, media_suite_key_octets(keys->suite));
	derive(keys, label + 1, session.auth, sizeof(session.auth));
	derive(keys, label + 2, session.salt, session.is_gcm ? GCM_IV_OCTETS : SALT_OCTETS);
	return session;
}

/* SSRC at `at`, then 48 bits of index, xor salt (RFC 3711 4.1.1; RFC 7714 8.1 and 9.1). */
static void iv_make(const struct session *session, const uint8_t *ssrc, uint64_t index, uint8_t at,
		    uint8_t iv[16])
{
	memset(iv, 0, 16);
	memcpy(iv, session->salt, session->is_gcm ? GCM_IV_OCTETS : SALT_OCTETS);
	for (int i = 0; i < 4; i++)
		iv[at + i] ^= ssrc[i];
	for (int i = 0; i < 6; i++)
		iv[at + 4 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

static void crypt_cm(const struct session *session, const uint8_t *ssrc, uint64_t index,
		     uint8_t *data, size_t len)
{
	uint8_t iv[16];

	iv_make(session, ssrc, index, 4, iv);
	counter_mode(session->key, media_suite_key_octets(session->keys->suite), iv, data, len);
}

/* RFC 3711 4.2: over the packet and, for RTP, the roll-over counter. */
static void tag_make(const struct session *session, const uint8_t *packet, size_t len,
		     const uint32_t *roc, uint8_t tag[AUTH_OCTETS])
{
	uint8_t all[4096];

	must(len + 4 <= sizeof(all));
	memcpy(all, packet, len);
	if (roc)
		put32(all + len, *roc);
	must(HMAC(EVP_sha1(), session->auth, AUTH_OCTETS, all, len + (roc ? 4 : 0), tag, NULL));
}

/* What is authenticated beside the data, in up to two pieces. */
struct clear {
	const uint8_t *data, *more;
	size_t len, more_len;
};

/* The tag goes to, or is expected at, data + len. */
static bool gcm(const struct session *session, bool is_sealing, const uint8_t iv[16],
		const struct clear *clear, uint8_t *data, size_t len)
{
	bool is_256 = media_suite_key_octets(session->keys->suite) == 32, is_true;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t none[16];
	int done;

	must(ctx && EVP_CipherInit_ex(ctx, is_256 ? EVP_aes_256_gcm() : EVP_aes_128_gcm(), NULL,
				      session->key, iv, is_sealing) == 1);
	must(EVP_CipherUpdate(ctx, NULL, &done, clear->data, (int)clear->len) == 1);
	if (clear->more_len)
		must(EVP_CipherUpdate(ctx, NULL, &done, clear->more, (int)clear->more_len) == 1);
	if (len)
		must(EVP_CipherUpdate(ctx, data, &done, data, (int)len) == 1);
	if (!is_sealing)
		must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_OCTETS, data + len) ==
		     1);
	is_true = EVP_CipherFinal_ex(ctx, none, &done) == 1;
	if (is_sealing)
		must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_OCTETS, data + len) ==
		     1);
	EVP_CIPHER_CTX_free(ctx);
	return is_true;
}

static size_t header_octets(const uint8_t *packet)
{
	size_t octets = RTP_HEADER + 4u * (packet[0] & 15u);

	if (packet[0] & 0x10)
		octets += 4 + 4u * ((size_t)packet[octets + 2] << 8 | packet[octets + 3]);
	return octets;
}

static size_t tag_octets(const struct session *session)
{
	if (session->is_gcm)
		return GCM_TAG_OCTETS;
	return session->keys->suite == MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32 ? 4 : 10;
}

/* RTP --------------------------------------------------------------------------------------- */

size_t srtp_ref_protect(const struct media_keys *keys, uint64_t index, uint8_t *packet, size_t len)
{
	struct session session = session_make(keys, LABEL_RTP);
	size_t header = header_octets(packet);
	uint32_t roc = (uint32_t)(index >> 16);
	uint8_t tag[AUTH_OCTETS], iv[16];

	if (session.is_gcm) {
		struct clear clear = {.data = packet, .len = header};

		iv_make(&session, packet + 8, index, 2, iv);
		must(gcm(&session, true, iv, &clear, packet + header, len - header));
		return len + GCM_TAG_OCTETS;
	}
	crypt_cm(&session, packet + 8, index, packet + header, len - header);
	tag_make(&session, packet, len, &roc, tag);
	memcpy(packet + len, tag, tag_octets(&session));
	return len + tag_octets(&session);
}

size_t srtp_ref_unprotect(const struct media_keys *keys, uint64_t index, uint8_t *packet,
			  size_t len)
{
	struct session session = session_make(keys, LABEL_RTP);
	size_t header = header_octets(packet), plain = len - tag_octets(&session);
	uint32_t roc = (uint32_t)(index >> 16);
	uint8_t tag[AUTH_OCTETS], iv[16];

	if (session.is_gcm) {
		struct clear clear = {.data = packet, .len = header};

		iv_make(&session, packet + 8, index, 2, iv);
		return gcm(&session, false, iv, &clear, packet + header, plain - header) ? plain
											 : 0;
	}
	tag_make(&session, packet, plain, &roc, tag);
	if (memcmp(tag, packet + plain, tag_octets(&session)) != 0)
		return 0;
	crypt_cm(&session, packet + 8, index, packet + header, plain - header);
	return plain;
}

/* RTCP: the index goes along, behind the tag (GCM) or before it (3.4, RFC 7714 9.2) ----------- */

size_t srtp_ref_protect_rtcp(const struct media_keys *keys, uint32_t index, uint8_t *packet,
			     size_t len)
{
	struct session session = session_make(keys, LABEL_RTCP);
	uint8_t tag[AUTH_OCTETS], iv[16], word[INDEX_OCTETS];

	put32(word, index | RTCP_IS_ENCRYPTED);
	if (session.is_gcm) {
		struct clear clear = {packet, word, RTCP_HEADER, INDEX_OCTETS};

		iv_make(&session, packet + 4, index, 2, iv);
		must(gcm(&session, true, iv, &clear, packet + RTCP_HEADER, len - RTCP_HEADER));
		memcpy(packet + len + GCM_TAG_OCTETS, word, INDEX_OCTETS);
		return len + GCM_TAG_OCTETS + INDEX_OCTETS;
	}
	crypt_cm(&session, packet + 4, index, packet + RTCP_HEADER, len - RTCP_HEADER);
	memcpy(packet + len, word, INDEX_OCTETS);
	tag_make(&session, packet, len + INDEX_OCTETS, NULL, tag);
	memcpy(packet + len + INDEX_OCTETS, tag, RTCP_TAG_OCTETS);
	return len + INDEX_OCTETS + RTCP_TAG_OCTETS;
}

size_t srtp_ref_unprotect_rtcp(const struct media_keys *keys, uint8_t *packet, size_t len)
{
	struct session session = session_make(keys, LABEL_RTCP);
	size_t tag_len = session.is_gcm ? (size_t)GCM_TAG_OCTETS : (size_t)RTCP_TAG_OCTETS;
	size_t plain = len - tag_len - INDEX_OCTETS;
	uint32_t index = get32(packet + (session.is_gcm ? len - INDEX_OCTETS : plain));
	uint8_t tag[AUTH_OCTETS], iv[16];

	if (session.is_gcm) {
		struct clear clear = {packet, packet + len - INDEX_OCTETS, RTCP_HEADER,
				      INDEX_OCTETS};

		iv_make(&session, packet + 4, index & RTCP_INDEX_MAX, 2, iv);
		return gcm(&session, false, iv, &clear, packet + RTCP_HEADER, plain - RTCP_HEADER)
			       ? plain
			       : 0;
	}
	tag_make(&session, packet, plain + INDEX_OCTETS, NULL, tag);
	if (memcmp(tag, packet + plain + INDEX_OCTETS, tag_len) != 0)
		return 0;
	crypt_cm(&session, packet + 4, index & RTCP_INDEX_MAX, packet + RTCP_HEADER,
		 plain - RTCP_HEADER);
	return plain;
}
