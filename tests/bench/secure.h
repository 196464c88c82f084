/* tests/bench/secure.h -- SRTP of the load, by libsrtp2 (RFC 3711, RFC 7714), with keys in SDP (RFC
 * 4568). Its streams are libsrtp2's own; the ciphers are the server's (crypt_cipher.h), because one
 * core of load cannot do with NSS what one core of server does. */
#ifndef TESTS_BENCH_SECURE_H
#define TESTS_BENCH_SECURE_H

#include <stddef.h>
#include <stdint.h>

enum { SECURE_TEXT_MAX = 80 };

struct secure; /* one leg's keys */

/* `suite` as in a=crypto. -EINVAL: not one of AES_CM_128_HMAC_SHA1_80 and AEAD_AES_128_GCM. */
int secure_new(const char *suite, struct secure **ret_secure);
struct secure *secure_free(struct secure *secure);

/* "AES_CM_128_HMAC_SHA1_80 inline:…": what our offer says. */
void secure_offer(const struct secure *secure, char text[2 * SECURE_TEXT_MAX]);

/* The first inline key of their answer. -EPROTO: there is none. */
int secure_answer(struct secure *secure, const char *sdp);

/* In place; secure NULL: as it is. Length, or negative: not authentic. */
int secure_protect(struct secure *secure, uint8_t *packet, int len); /* 16 octets more at most */
int secure_unprotect(struct secure *secure, uint8_t *packet, int len);

#endif
