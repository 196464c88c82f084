/* sip/guard.h -- who is heard at all, and how often: rules by address, scanners, token buckets, and
 * the lock-out of who guesses passwords.
 *
 * It is asked once for each request that would begin something new: requests in a dialog that
 * lives, ACK, CANCEL of a known INVITE and retransmissions never come here, so that a flood cannot
 * hurt a call that runs. A peer is a v4 address or a v6 /64. At most `peers_max` are remembered;
 * beyond it the one unheard for longest is forgotten, a locked one last. Nothing is logged here:
 * who listens is told. Thread: control.
 */
#ifndef SIP_GUARD_H
#define SIP_GUARD_H

#include "base/clock.h"
#include "sip/msg.h"
#include "sip/net.h"

enum {
	SIP_GUARD_PEERS_MAX = 65536,
	SIP_GUARD_RULES_MAX = 256,   /* entries of one list: ERR_LIMIT */
	SIP_GUARD_TELL_MS = 10000,   /* of one peer: at most one on_refused in this time */
	SIP_GUARD_FORGET_MS = 600000 /* failures of who has been quiet for so long do not count */
};

struct sip_guard;

enum sip_guard_cause {
	SIP_GUARD_DENIED,     /* by rule: 403 */
	SIP_GUARD_DROPPED,    /* by rule: silence */
	SIP_GUARD_SCANNER,    /* silence */
	SIP_GUARD_RATE,       /* too many from there: 503 */
	SIP_GUARD_OVERLOAD,   /* too many in all: 503 */
	SIP_GUARD_WRONG_AUTH, /* told by sip_guard_failed */
	SIP_GUARD_LOCKED,     /* ... which locked it */
	SIP_GUARD_CAUSES
};
const char *sip_guard_cause_name(enum sip_guard_cause cause); /* "rate" */

/* Somebody was refused. `suppressed`: how many of this peer were not told before this one. */
struct sip_guard_event {
	enum sip_guard_cause cause;
	const struct sip_flow *flow;
	const struct sip_msg *request;
	uint32_t suppressed;
};
typedef void sip_guard_fn(void *arg, const struct sip_guard_event *event);

struct sip_guard_params {
	struct clock clock;
	struct sip_net net; /* asked for the names of TLS peers; ops NULL: there are none */
	uint32_t peers_max; /* 0: SIP_GUARD_PEERS_MAX */
	sip_guard_fn *on_refused;
	void *arg;
};
/* Passes everything until it has rules. -ENOMEM. */
int sip_guard_new(const struct sip_guard_params *params, struct sip_guard **ret_guard);
struct sip_guard *sip_guard_free(struct sip_guard *guard); /* accepts NULL; returns NULL */

enum sip_guard_class { SIP_GUARD_INVITE, SIP_GUARD_REGISTER, SIP_GUARD_OTHER, SIP_GUARD_CLASSES };

/* Lists are comma lists. */
struct sip_guard_rules {
	const char *acl; /* "allow:P", "deny:P" (403), "drop:P" (silence); the first that fits */
	const char *trusted;   /* prefixes, and names of TLS certificates as "tls:host" */
	const char *unlimited; /* prefixes that have no rate */
	uint32_t per_second[SIP_GUARD_CLASSES]; /* of one peer; 0: no limit */
	uint32_t burst_s;                       /* so many seconds' worth at once; 0: 1 */
	uint32_t per_second_in_all;             /* of all peers that are limited; 0: no limit */
	const char *scanners;  /* what their User-Agent contains; "": nobody is one */
	uint32_t failures_max; /* wrong credentials in a row before a peer is locked; 0: never */
	uint32_t lock_s,
		lock_s_max; /* the first lock; each further one twice as long, up to this */
};
/* Replaces the rules at once; what is counted stays. -EINVAL (*ret_item is the part that cannot be
 * read) or ERR_LIMIT: the old ones stay. -ENOMEM. */
int sip_guard_set_rules(struct sip_guard *guard, const struct sip_guard_rules *rules,
			struct slice *ret_item);

enum sip_guard_verdict { SIP_GUARD_PASS, SIP_GUARD_DENY, SIP_GUARD_SILENCE, SIP_GUARD_REFUSE };
/* *ret_retry_s: with SIP_GUARD_REFUSE, for Retry-After. */
enum sip_guard_verdict sip_guard_ask(struct sip_guard *guard, const struct sip_flow *flow,
				     const struct sip_msg *request, uint32_t *ret_retry_s);

/* The peer's word on identities is believed (RFC 3325 4), it needs no credentials and no rates. */
bool sip_guard_is_trusted(const struct sip_guard *guard, const struct sip_flow *flow);

/* Wrong credentials came from there; or good ones, which end the count. */
void sip_guard_failed(struct sip_guard *guard, const struct sip_flow *flow,
		      const struct sip_msg *request);
void sip_guard_succeeded(struct sip_guard *guard, const struct sip_flow *flow);
/* No credentials are looked at from there: for so many seconds more; 0: not locked. */
uint32_t sip_guard_locked_s(const struct sip_guard *guard, const struct sip_flow *flow);

struct sip_guard_stats {
	uint64_t asked, refused[SIP_GUARD_CAUSES];
	uint32_t peers, locked; /* now; locked: those not yet found out of their lock */
	uint64_t forgotten;     /* peers, for want of room */
};
const struct sip_guard_stats *sip_guard_stats(const struct sip_guard *guard);

#endif
