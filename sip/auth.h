/* sip/auth.h -- asking who somebody is, as a server (RFC 3261 22.2, RFC 7616, RFC 8760).
 *
 * A request without good credentials gets several challenges, the strongest algorithm first, with
 * qop "auth,auth-int". Names and secrets are the caller's: he is asked for H(A1) of a user. What is
 * checked, in this order: the nonce (a stale or unknown one says nothing about the password, and is
 * told `stale=true`), the response (compared in constant time; an unknown user costs as much as a
 * known one), the count. Thread: control.
 */
#ifndef SIP_AUTH_H
#define SIP_AUTH_H

#include "base/buf.h"
#include "sip/digest.h"
#include "sip/msg.h"
#include "sip/net.h"
#include "sip/nonce.h"

struct sip_auth;

/* H(A1) in hex of this user for the algorithm; NULL: no such user, or none for this algorithm. Not
 * before the next call of this function need it stay. */
typedef const char *sip_auth_ha1_fn(void *arg, struct slice username,
				    enum digest_algorithm algorithm);

struct sip_auth_params {
	struct nonces_params nonces;
	sip_auth_ha1_fn *ha1;
	void *arg;
};
/* -ENOMEM. */
int sip_auth_new(const struct sip_auth_params *params, struct sip_auth **ret_auth);
struct sip_auth *sip_auth_free(struct sip_auth *auth); /* accepts NULL; returns NULL */

enum sip_auth_verdict {
	SIP_AUTH_GOOD,
	SIP_AUTH_NONE,     /* no credentials for this realm */
	SIP_AUTH_STALE,    /* of an old nonce, or used before: challenge with stale=true */
	SIP_AUTH_WRONG,    /* user or password: challenge, and count it */
	SIP_AUTH_MALFORMED /* 400 (RFC 3261 22.4) */
};

/* The algorithms that are offered, strongest first: "SHA-256, SHA-512-256, MD5", which is also the
 * order at the start. An answer by any other is none. -EINVAL: empty, unknown or twice. */
int sip_auth_set_order(struct sip_auth *auth, struct slice list);

/* Of the credentials for `realm` in Authorization (or, `is_proxy`, Proxy-Authorization).
 * *ret_username: with GOOD and WRONG the name that was given, a slice of the request; else absent.
 */
struct sip_auth_question {
	const struct sip_msg *request;
	const struct sip_flow *flow; /* a nonce is good for the address it was given to */
	struct slice realm;          /* without quotes or backslashes */
	bool is_proxy;
};
enum sip_auth_verdict sip_auth_check(struct sip_auth *auth,
				     const struct sip_auth_question *question,
				     struct slice *ret_username);

/* The WWW-Authenticate (or Proxy-Authenticate) lines of a 401 (407), complete with line ends. */
void sip_auth_challenge(struct sip_auth *auth, const struct sip_auth_question *question,
			bool is_stale, struct buf *buf);

/* The Authentication-Info line of a 2xx to a request whose credentials were good (RFC 7616 3.5, RFC
 * 3261 20.6): its rspauth shows that we know the secret, too. Nothing without qop, and with
 * auth-int (the body of the answer is not known yet). */
void sip_auth_info(struct sip_auth *auth, const struct sip_auth_question *question,
		   struct buf *buf);

/* The user name that a request claims in credentials for `realm`, good or not; absent: none. */
struct slice sip_auth_claim(const struct sip_auth_question *question);

struct sip_auth_stats {
	uint64_t challenges, good, wrong, stale, replayed, malformed;
};
const struct sip_auth_stats *sip_auth_stats(const struct sip_auth *auth);

#endif
