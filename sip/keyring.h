/* sip/keyring.h -- credentials for those who ask us: answers to 401 and 407 (RFC 3261 22.2, 22.3).
 *
 * A key is a realm, a user and a password. Of each realm that asks, the topmost challenge that we
 * understand is answered (RFC 8760 2.4), with qop auth where it is offered. What was answered once
 * in a dialog goes into its later requests unasked, with the next nonce count. Nothing is kept
 * between requests but what the caller hands in again: the header lines are the state. No secret is
 * ever logged or shown. Thread: control.
 */
#ifndef SIP_KEYRING_H
#define SIP_KEYRING_H

#include "base/random.h"
#include "sip/request.h"

enum {
	SIP_KEYS_MAX = 1000,        /* ERR_LIMIT */
	SIP_KEY_TEXT_MAX = 255,     /* octets of a realm, user or password: -EINVAL beyond */
	SIP_KEYRING_ANSWERS_MAX = 4 /* realms answered in one request; others are not */
};

struct sip_keyring;

/* Empty: no challenge is answered. `random` is borrowed. -ENOMEM. */
int sip_keyring_new(struct random *random, struct sip_keyring **ret_keyring);
/* Wipes the secrets. Accepts NULL; returns NULL. */
struct sip_keyring *sip_keyring_free(struct sip_keyring *keyring);

/* Replaces all keys by those of `text`: lines "realm user password", white space between, double
 * quotes around what has white space in it (a backslash before a quote or backslash inside), '*'
 * for any realm that has no key of its own, '#' at the beginning of comments. -EINVAL (also: quotes
 * or backslashes in realm or user, control characters), ERR_LIMIT, both with *ret_line from 1, or
 * -ENOMEM: the old keys stay. */
int sip_keyring_read(struct sip_keyring *keyring, struct slice text, uint32_t *ret_line);
uint32_t sip_keyring_count(const struct sip_keyring *keyring);

/* A sip_credentials_fn whose `arg` is the keyring. With a 2xx: those of challenged->given with the
 * nonce that it names for the next request (Authentication-Info, RFC 7616 3.5); ERR_AUTH_FAILED
 * when its rspauth shows that it does not know the secret; ERR_AUTH_REQUIRED: it names none. With a
 * challenge: the lines that answer its challenges, and those of challenged->given for other realms
 * again. Without: those of challenged->given for this request, with the next count.
 * ERR_AUTH_FAILED: what we gave was wrong. ERR_AUTH_REQUIRED: no key, or no challenge that we
 * understand. -ENOMEM, -EINVAL. */
int sip_keyring_answer(void *keyring, const struct sip_challenged *challenged, struct buf *headers);

#endif
