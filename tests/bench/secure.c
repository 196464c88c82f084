/* tests/bench/secure.c */
#include "tests/bench/secure.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <srtp2/srtp.h>

#include "mixer/crypt_cipher.h"

enum { KEY_MAX = 30 };

struct secure {
	const char *suite;
	uint8_t key[KEY_MAX];
	int key_octets;
	srtp_t send, receive;
};

static int session_new(const struct secure *secure, uint8_t *key, srtp_ssrc_type_t ssrc,
		       srtp_t *ret_session)
{
	srtp_policy_t policy = {.ssrc = {.type = ssrc}, .key = key};

	if (secure->key_octets == 28) {
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
	} else {
		srtp_crypto_policy_set_rtp_default(&policy.rtp);
		srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
	}
	return srtp_create(ret_session, &policy) == srtp_err_status_ok ? 0 : -ENOMEM;
}

int secure_new(const char *suite, struct secure **ret_secure)
{
	struct secure *secure;
	bool is_gcm = strcmp(suite, "AEAD_AES_128_GCM") == 0;
	int err;

	if (!is_gcm && strcmp(suite, "AES_CM_128_HMAC_SHA1_80") != 0)
		return -EINVAL;
	err = crypt_cipher_init();
	if (err)
		return err;
	secure = calloc(1, sizeof(*secure));
	if (!secure)
		return -ENOMEM;
	secure->suite = suite;
	secure->key_octets = is_gcm ? 28 : 30;
	err = RAND_bytes(secure->key, secure->key_octets) == 1 ? 0 : -EIO;
	if (!err)
		err = session_new(secure, secure->key, ssrc_any_outbound, &secure->send);
	if (err) {
		secure_free(secure);
		return err;
	}
	*ret_secure = secure;
	return 0;
}

struct secure *secure_free(struct secure *secure)
{
	if (!secure)
		return NULL;
	if (secure->send)
		(void)srtp_dealloc(secure->send);
	if (secure->receive)
		(void)srtp_dealloc(secure->receive);
	free(secure);
	return NULL;
}

void secure_offer(const struct secure *secure, char text[2 * SECURE_TEXT_MAX])
{
	char key[SECURE_TEXT_MAX];

	EVP_EncodeBlock((unsigned char *)key, secure->key, secure->key_octets);
	snprintf(text, 2 * SECURE_TEXT_MAX, "%s inline:%s", secure->suite, key);
}

int secure_answer(struct secure *secure, const char *sdp)
{
	const char *at = strstr(sdp, "inline:");
	uint8_t key[SECURE_TEXT_MAX];
	char text[SECURE_TEXT_MAX];

	if (!at)
		return -EPROTO;
	at += strlen("inline:");
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(at, "|\r\n "), at);
	if (EVP_DecodeBlock(key, (const unsigned char *)text, (int)strlen(text)) <
	    secure->key_octets)
		return -EPROTO;
	return session_new(secure, key, ssrc_any_inbound, &secure->receive);
}

int secure_protect(struct secure *secure, uint8_t *packet, int len)
{
	if (!secure)
		return len;
	return srtp_protect(secure->send, packet, &len) == srtp_err_status_ok ? len : -EINVAL;
}

int secure_unprotect(struct secure *secure, uint8_t *packet, int len)
{
	if (!secure)
		return len;
	return srtp_unprotect(secure->receive, packet, &len) == srtp_err_status_ok ? len : -EBADMSG;
}
