/* sip/nonce.h -- nonces of a digest server (RFC 7616 3.3, 5.4): signed, so that giving one out
 * costs no memory, and remembered from the first use on, so that no use is accepted twice.
 *
 * A nonce says when it was made and for whom (a tag of the peer's address), under an HMAC of this
 * process' key. Of those in use the highest count and the NONCE_WINDOW counts below it are kept,
 * for requests that overtake each other. At most `entries_max` are kept; when one must be forgotten
 * before its time, every nonce that is not newer is refused as stale from then on, so that the
 * bound never makes a replay possible. Thread: control.
 */
#ifndef SIP_NONCE_H
#define SIP_NONCE_H

#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/random.h"

enum {
	NONCE_TEXT_MAX = 81, /* octets with the NUL */
	NONCE_WINDOW = 64
};

struct nonces;

struct nonces_params {
	struct clock clock;
	struct random *random; /* borrowed */
	uint32_t life_ms;      /* 0: 300,000 */
	uint32_t entries_max;  /* 0: 16,384 */
};
/* -ENOMEM. */
int nonces_new(const struct nonces_params *params, struct nonces **ret_nonces);
struct nonces *nonces_free(struct nonces *nonces); /* accepts NULL; returns NULL */

/* A fresh one for this peer. */
char *nonces_make(struct nonces *nonces, const struct addr *peer, char ret_text[NONCE_TEXT_MAX]);

enum nonce_state {
	NONCE_GOOD,
	NONCE_STALE,  /* ours, but too old, forgotten, or of another peer */
	NONCE_FOREIGN /* none of ours: made up, or by an earlier process */
};
/* Without effect. */
enum nonce_state nonces_check(const struct nonces *nonces, const struct addr *peer,
			      struct slice text);

/* More than half of its life is over: its user is given the next one (RFC 7616 3.5). */
bool nonces_is_old(const struct nonces *nonces, struct slice text);

/* Uses count `nc` of a nonce that nonces_check found good. A nonce of an old peer without counts
 * (nc 0) may be used once. True: this use is new. False: it was used before, or is too far below
 * the highest. */
bool nonces_use(struct nonces *nonces, struct slice text, uint32_t nc);

uint32_t nonces_count(const struct nonces *nonces); /* kept now */

#endif
