/* mixer/crypt_cipher.c */
#include "mixer/crypt_cipher.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define OPENSSL_SUPPRESS_DEPRECATED /* SHA1_*: EVP's HMAC makes memory for every packet */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <srtp2/auth.h>
#include <srtp2/cipher.h>
#include <srtp2/crypto_types.h>

enum {
	SSRC_OCTETS = 4,
	SALT_OCTETS = 14, /* of AES-CM, behind the key; GCM's IVs come with theirs in */
	IV_OCTETS = 16,
	GCM_IV_OCTETS = 12,
	SHA1_BLOCK = 64,
	SHA1_OCTETS = 20,
	CM_SSRC_AT = 4, /* in the IV: RFC 3711 4.1.1 */
	GCM_SSRC_AT = 2 /* RFC 7714 8.1 */
};

/* The alias --------------------------------------------------------------------------------- */

static _Thread_local struct {
	uint8_t *at; /* NULL: none */
	uint8_t ssrc[SSRC_OCTETS];
} alias;

void crypt_alias_begin_rt(uint8_t *ssrc)
{
	alias.at = ssrc;
	memcpy(alias.ssrc, ssrc, SSRC_OCTETS);
	memset(ssrc, 0, SSRC_OCTETS);
}

static void alias_lift(void)
{
	if (alias.at)
		memcpy(alias.at, alias.ssrc, SSRC_OCTETS);
}

static void alias_drop(void)
{
	if (alias.at)
		memset(alias.at, 0, SSRC_OCTETS);
}

void crypt_alias_end_rt(void)
{
	alias_lift();
	alias.at = NULL;
}

/* The IV as it is with the true SSRC in the place of 0. */
static void alias_iv(uint8_t *iv, uint32_t ssrc_at)
{
	for (uint32_t i = 0; i < SSRC_OCTETS && alias.at; i++)
		iv[ssrc_at + i] ^= alias.ssrc[i];
}

/* AES in counter mode and in GCM ------------------------------------------------------------- */

struct cipher_state {
	EVP_CIPHER_CTX *ctx;
	const EVP_CIPHER *kind;
	uint32_t key_octets;
	int tag_octets;
	uint8_t salt[SALT_OCTETS];
};

static srtp_err_status_t status_of(bool is_done)
{
	return is_done ? srtp_err_status_ok : srtp_err_status_cipher_fail;
}

static srtp_err_status_t cipher_free(srtp_cipher_t *cipher)
{
	struct cipher_state *state = cipher->state;

	EVP_CIPHER_CTX_free(state->ctx);
	OPENSSL_cleanse(state, sizeof(*state));
	free(cipher);
	return srtp_err_status_ok;
}

/* What the alloc functions of all types share; the key length of libsrtp2 has the salt in. */
static srtp_err_status_t cipher_make(const srtp_cipher_type_t *type, const EVP_CIPHER *kind,
				     int key_len, int tag_len, srtp_cipher_t **ret_cipher)
{
	srtp_cipher_t *cipher = calloc(1, sizeof(*cipher) + sizeof(struct cipher_state));
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	struct cipher_state *state;

	if (!cipher || !ctx) {
		free(cipher);
		EVP_CIPHER_CTX_free(ctx);
		return srtp_err_status_alloc_fail;
	}
	state = (struct cipher_state *)(cipher + 1);
	*state = (struct cipher_state){.ctx = ctx,
				       .kind = kind,
				       .key_octets = (uint32_t)EVP_CIPHER_get_key_length(kind),
				       .tag_octets = tag_len};
	*cipher = (srtp_cipher_t){
		.type = type, .state = state, .key_len = key_len, .algorithm = (int)type->id};
	*ret_cipher = cipher;
	return srtp_err_status_ok;
}

static srtp_err_status_t cm_init(void *cipher, const uint8_t *key)
{
	struct cipher_state *state = cipher;

	memcpy(state->salt, key + state->key_octets, SALT_OCTETS);
	return status_of(EVP_EncryptInit_ex(state->ctx, state->kind, NULL, key, NULL) == 1);
}

static srtp_err_status_t gcm_init(void *cipher, const uint8_t *key)
{
	struct cipher_state *state = cipher;

	return status_of(EVP_EncryptInit_ex(state->ctx, state->kind, NULL, key, NULL) == 1);
}

/* RFC 3711 4.1.1. Counter mode decrypts by encrypting. */
static srtp_err_status_t cm_iv(void *cipher, uint8_t *iv, srtp_cipher_direction_t direction)
{
	struct cipher_state *state = cipher;
	uint8_t salted[IV_OCTETS];

	(void)direction;
	memcpy(salted, iv, sizeof(salted));
	alias_iv(salted, CM_SSRC_AT);
	for (int i = 0; i < SALT_OCTETS; i++)
		salted[i] ^= state->salt[i];
	return status_of(EVP_EncryptInit_ex(state->ctx, NULL, NULL, NULL, salted) == 1);
}

static srtp_err_status_t gcm_iv(void *cipher, uint8_t *iv, srtp_cipher_direction_t direction)
{
	struct cipher_state *state = cipher;
	uint8_t true_iv[GCM_IV_OCTETS];

	memcpy(true_iv, iv, sizeof(true_iv));
	alias_iv(true_iv, GCM_SSRC_AT);
	return status_of(EVP_CipherInit_ex(state->ctx, NULL, NULL, NULL, true_iv,
					   direction == srtp_direction_encrypt) == 1);
}

static srtp_err_status_t cipher_run(void *cipher, uint8_t *data, unsigned int *len)
{
	struct cipher_state *state = cipher;
	int done = 0;

	return status_of(*len == 0 ||
			 (EVP_CipherUpdate(state->ctx, data, &done, data, (int)*len) == 1 &&
			  (unsigned int)done == *len));
}

/* Several pieces follow each other (RFC 7714 9.2). */
static srtp_err_status_t gcm_aad(void *cipher, const uint8_t *aad, uint32_t len)
{
	struct cipher_state *state = cipher;
	bool is_done;
	int done;

	alias_lift();
	is_done = len == 0 || EVP_CipherUpdate(state->ctx, NULL, &done, aad, (int)len) == 1;
	alias_drop();
	return status_of(is_done);
}

static srtp_err_status_t gcm_tag(void *cipher, uint8_t *tag, uint32_t *len)
{
	struct cipher_state *state = cipher;
	uint8_t none[IV_OCTETS];
	int done;

	*len = (uint32_t)state->tag_octets;
	return status_of(EVP_CipherFinal_ex(state->ctx, none, &done) == 1 &&
			 EVP_CIPHER_CTX_ctrl(state->ctx, EVP_CTRL_AEAD_GET_TAG, state->tag_octets,
					     tag) == 1);
}

/* The tag is the end of `data`. */
static srtp_err_status_t gcm_open(void *cipher, uint8_t *data, unsigned int *len)
{
	struct cipher_state *state = cipher;
	unsigned int tag_octets = (unsigned int)state->tag_octets, plain;
	uint8_t none[IV_OCTETS];
	int done;

	if (*len < tag_octets)
		return srtp_err_status_bad_param;
	plain = *len - tag_octets;
	if (EVP_CIPHER_CTX_ctrl(state->ctx, EVP_CTRL_AEAD_SET_TAG, state->tag_octets,
				data + plain) != 1 ||
	    cipher_run(cipher, data, &plain) != srtp_err_status_ok)
		return srtp_err_status_cipher_fail;
	if (EVP_CipherFinal_ex(state->ctx, none, &done) != 1)
		return srtp_err_status_auth_fail;
	*len = plain;
	return srtp_err_status_ok;
}

/* HMAC-SHA1 --------------------------------------------------------------------------------- */

struct hmac_state {
	SHA_CTX inner, outer; /* with the key in */
	SHA_CTX running;
};

static const srtp_auth_type_t hmac_sha1;

static srtp_err_status_t hmac_alloc(srtp_auth_t **ret_auth, int key_len, int tag_len)
{
	srtp_auth_t *auth;

	if (key_len > SHA1_BLOCK || tag_len > SHA1_OCTETS)
		return srtp_err_status_bad_param;
	auth = calloc(1, sizeof(*auth) + sizeof(struct hmac_state));
	if (!auth)
		return srtp_err_status_alloc_fail;
	*auth = (srtp_auth_t){
		.type = &hmac_sha1, .state = auth + 1, .out_len = tag_len, .key_len = key_len};
	*ret_auth = auth;
	return srtp_err_status_ok;
}

static srtp_err_status_t hmac_free(srtp_auth_t *auth)
{
	OPENSSL_cleanse(auth->state, sizeof(struct hmac_state));
	free(auth);
	return srtp_err_status_ok;
}

static srtp_err_status_t hmac_init(void *auth, const uint8_t *key, int key_len)
{
	struct hmac_state *state = auth;
	uint8_t block[SHA1_BLOCK];

	for (int i = 0; i < SHA1_BLOCK; i++)
		block[i] = (uint8_t)((i < key_len ? key[i] : 0) ^ 0x36);
	SHA1_Init(&state->inner);
	SHA1_Update(&state->inner, block, sizeof(block));
	for (int i = 0; i < SHA1_BLOCK; i++)
		block[i] ^= 0x36 ^ 0x5c;
	SHA1_Init(&state->outer);
	SHA1_Update(&state->outer, block, sizeof(block));
	OPENSSL_cleanse(block, sizeof(block));
	state->running = state->inner;
	return srtp_err_status_ok;
}

static srtp_err_status_t hmac_start(void *auth)
{
	struct hmac_state *state = auth;

	state->running = state->inner;
	return srtp_err_status_ok;
}

static srtp_err_status_t hmac_update(void *auth, const uint8_t *data, int len)
{
	struct hmac_state *state = auth;

	alias_lift();
	SHA1_Update(&state->running, data, (size_t)len);
	alias_drop();
	return srtp_err_status_ok;
}

static srtp_err_status_t hmac_compute(void *auth, const uint8_t *data, int len, int tag_len,
				      uint8_t *ret_tag)
{
	struct hmac_state *state = auth;
	SHA_CTX outer = state->outer;
	uint8_t tag[SHA1_OCTETS];

	if (tag_len > SHA1_OCTETS)
		return srtp_err_status_bad_param;
	(void)hmac_update(auth, data, len);
	SHA1_Final(tag, &state->running);
	SHA1_Update(&outer, tag, sizeof(tag));
	SHA1_Final(tag, &outer);
	memcpy(ret_tag, tag, (size_t)tag_len);
	return srtp_err_status_ok;
}

/* Known answers, checked when a type is given to libsrtp2 ------------------------------------ */

/* RFC 3711 B.2: the key stream of AES-CM with 128 bits. */
static const uint8_t cm_128_key[] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7,
				     0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c, 0xf0, 0xf1, 0xf2, 0xf3,
				     0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd};
static const uint8_t cm_128_out[] = {0xe0, 0x3e, 0xad, 0x09, 0x35, 0xc9, 0x5e, 0x80,
				     0xe1, 0x66, 0xb1, 0x6d, 0xd9, 0x2b, 0x4e, 0xb4,
				     0xd2, 0x35, 0x13, 0x16, 0x2b, 0x02, 0xd0, 0xf7,
				     0x2a, 0x43, 0xa2, 0xfe, 0x4a, 0x5f, 0x97, 0xab};
/* RFC 6188 7.1: the same with 256 bits. */
static const uint8_t cm_256_key[] = {0x57, 0xf8, 0x2f, 0xe3, 0x61, 0x3f, 0xd1, 0x70, 0xa8, 0x5e,
				     0xc9, 0x3c, 0x40, 0xb1, 0xf0, 0x92, 0x2e, 0xc4, 0xcb, 0x0d,
				     0xc0, 0x25, 0xb5, 0x82, 0x72, 0x14, 0x7c, 0xc4, 0x38, 0x94,
				     0x4a, 0x98, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7,
				     0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd};
static const uint8_t cm_256_out[] = {0x92, 0xbd, 0xd2, 0x8a, 0x93, 0xc3, 0xf5, 0x25,
				     0x11, 0xc6, 0x77, 0xd0, 0x8b, 0x55, 0x15, 0xa4,
				     0x9d, 0xa7, 0x1b, 0x23, 0x78, 0xa8, 0x54, 0xf6,
				     0x70, 0x50, 0x75, 0x6d, 0xed, 0x16, 0x5b, 0xac};
static const uint8_t zeros[32];
static uint8_t zero_iv[IV_OCTETS];

/* RFC 7714 16.1.1 and 16.2.1; the first 16 or 32 octets of the key count, the rest is salt. */
static const uint8_t gcm_key[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,
				  15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
				  30, 31, 0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0};
static uint8_t gcm_test_iv[] = {0x51, 0x75, 0x3c, 0x65, 0x80, 0xc2,
				0x72, 0x6f, 0x20, 0x71, 0x84, 0x14};
static const uint8_t gcm_aad_in[] = {0x80, 0x40, 0xf1, 0x7b, 0x80, 0x41,
				     0xf8, 0xd3, 0x55, 0x01, 0xa0, 0xb2};
static const char gcm_in[] = "Gallia est omnis divisa in partes tres";
static const uint8_t gcm_128_out[] = {
	0xf2, 0x4d, 0xe3, 0xa3, 0xfb, 0x34, 0xde, 0x6c, 0xac, 0xba, 0x86, 0x1c, 0x9d, 0x7e,
	0x4b, 0xca, 0xbe, 0x63, 0x3b, 0xd5, 0x0d, 0x29, 0x4e, 0x6f, 0x42, 0xa5, 0xf4, 0x7a,
	0x51, 0xc7, 0xd1, 0x9b, 0x36, 0xde, 0x3a, 0xdf, 0x88, 0x33, 0x89, 0x9d, 0x7f, 0x27,
	0xbe, 0xb1, 0x6a, 0x91, 0x52, 0xcf, 0x76, 0x5e, 0xe4, 0x39, 0x0c, 0xce};
static const uint8_t gcm_256_out[] = {
	0x32, 0xb1, 0xde, 0x78, 0xa8, 0x22, 0xfe, 0x12, 0xef, 0x9f, 0x78, 0xfa, 0x33, 0x2e,
	0x33, 0xaa, 0xb1, 0x80, 0x12, 0x38, 0x9a, 0x58, 0xe2, 0xf3, 0xb5, 0x0b, 0x2a, 0x02,
	0x76, 0xff, 0xae, 0x0f, 0x1b, 0xa6, 0x37, 0x99, 0xb8, 0x7b, 0x7a, 0xa3, 0xdb, 0x36,
	0xdf, 0xff, 0xd6, 0xb0, 0xf9, 0xbb, 0x78, 0x78, 0xd7, 0xa7, 0x6c, 0x13};

/* RFC 2202 3, test case 1. */
static const uint8_t hmac_key[] = {0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
				   0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b};
static const uint8_t hmac_in[] = {'H', 'i', ' ', 'T', 'h', 'e', 'r', 'e'};
static const uint8_t hmac_out[] = {0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72, 0x64, 0xe2, 0x8b,
				   0xc0, 0xb6, 0xfb, 0x37, 0x8c, 0x8e, 0xf1, 0x46, 0xbe, 0x00};

#define CM_TEST(key_octets, bits)                                                                  \
	static const srtp_cipher_test_case_t cm_##bits##_test = {                                  \
		.key_length_octets = (key_octets) + SALT_OCTETS,                                   \
		.key = cm_##bits##_key,                                                            \
		.idx = zero_iv,                                                                    \
		.plaintext_length_octets = sizeof(zeros),                                          \
		.plaintext = zeros,                                                                \
		.ciphertext_length_octets = sizeof(cm_##bits##_out),                               \
		.ciphertext = cm_##bits##_out};

#define GCM_TEST(key_octets, bits)                                                                 \
	static const srtp_cipher_test_case_t gcm_##bits##_test = {                                 \
		.key_length_octets = (key_octets) + GCM_IV_OCTETS,                                 \
		.key = gcm_key,                                                                    \
		.idx = gcm_test_iv,                                                                \
		.plaintext_length_octets = sizeof(gcm_in) - 1,                                     \
		.plaintext = (const uint8_t *)gcm_in,                                              \
		.ciphertext_length_octets = sizeof(gcm_##bits##_out),                              \
		.ciphertext = gcm_##bits##_out,                                                    \
		.aad_length_octets = sizeof(gcm_aad_in),                                           \
		.aad = gcm_aad_in,                                                                 \
		.tag_length_octets = 16};

CM_TEST(16, 128)
CM_TEST(32, 256)
GCM_TEST(16, 128)
GCM_TEST(32, 256)

static const srtp_auth_test_case_t hmac_test = {.key_length_octets = sizeof(hmac_key),
						.key = hmac_key,
						.data_length_octets = sizeof(hmac_in),
						.data = hmac_in,
						.tag_length_octets = sizeof(hmac_out),
						.tag = hmac_out};

/* The types --------------------------------------------------------------------------------- */

#define CIPHER_TYPE(mode, bits, evp, number, name, encrypt_fn, decrypt_fn, aad_fn, tag_fn)         \
	static const srtp_cipher_type_t mode##_##bits;                                             \
	static srtp_err_status_t mode##_##bits##_alloc(srtp_cipher_t **ret_cipher, int key_len,    \
						       int tag_len)                                \
	{                                                                                          \
		return cipher_make(&mode##_##bits, evp(), key_len, tag_len, ret_cipher);           \
	}                                                                                          \
	static const srtp_cipher_type_t mode##_##bits = {.alloc = mode##_##bits##_alloc,           \
							 .dealloc = cipher_free,                   \
							 .init = mode##_init,                      \
							 .set_aad = aad_fn,                        \
							 .encrypt = encrypt_fn,                    \
							 .decrypt = decrypt_fn,                    \
							 .set_iv = mode##_iv,                      \
							 .get_tag = tag_fn,                        \
							 .description = name,                      \
							 .test_data = &mode##_##bits##_test,       \
							 .id = number};

CIPHER_TYPE(cm, 128, EVP_aes_128_ctr, SRTP_AES_ICM_128, "AES-128-CM", cipher_run, cipher_run, NULL,
	    NULL)
CIPHER_TYPE(cm, 256, EVP_aes_256_ctr, SRTP_AES_ICM_256, "AES-256-CM", cipher_run, cipher_run, NULL,
	    NULL)
CIPHER_TYPE(gcm, 128, EVP_aes_128_gcm, SRTP_AES_GCM_128, "AES-128-GCM", cipher_run, gcm_open,
	    gcm_aad, gcm_tag)
CIPHER_TYPE(gcm, 256, EVP_aes_256_gcm, SRTP_AES_GCM_256, "AES-256-GCM", cipher_run, gcm_open,
	    gcm_aad, gcm_tag)

static const srtp_auth_type_t hmac_sha1 = {.alloc = hmac_alloc,
					   .dealloc = hmac_free,
					   .init = hmac_init,
					   .compute = hmac_compute,
					   .update = hmac_update,
					   .start = hmac_start,
					   .description = "HMAC-SHA1",
					   .test_data = &hmac_test,
					   .id = SRTP_HMAC_SHA1};

static pthread_once_t init_once = PTHREAD_ONCE_INIT;
static bool is_ready;

static void init(void)
{
	static const srtp_cipher_type_t *const ciphers[] = {&cm_128, &cm_256, &gcm_128, &gcm_256};

	if (srtp_init() != srtp_err_status_ok ||
	    srtp_install_event_handler(NULL) != srtp_err_status_ok)
		return;
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
		if (srtp_replace_cipher_type(ciphers[i], ciphers[i]->id) != srtp_err_status_ok)
			return;
	is_ready = srtp_replace_auth_type(&hmac_sha1, SRTP_HMAC_SHA1) == srtp_err_status_ok;
}

int crypt_cipher_init(void)
{
	return pthread_once(&init_once, init) == 0 && is_ready ? 0 : -ENOTSUP;
}
