/* focus/fork.h -- the way to somebody who is called: from a URI to one call that was answered.
 *
 * The URI is a *hop*. A user of ours (or a number of the pool) is called at all his Contacts:
 * those of equal q at once, the first answer wins and the others are cancelled; a lower q after
 * the higher have failed (RFC 3261 16.6, 16.7). Of several flows to one phone only one is used at a
 * time (RFC 5626). Any other URI is its own only target. When a hop has failed, the rules of
 * focus/forward.h and the Contacts of 3xx answers (RFC 3261 8.1.3.4) make further hops:
 * FORK_HOPS_MAX in all. What was tried is told to the next target by History-Info (RFC 7044) and
 * Diversion (RFC 5806), and kept here as a list of *attempts*. Rules that lead round in a circle
 * end in 482.
 *
 * Every attempt is a call of its own (sip/ua.h). A loser is hung up at once and looked after by the
 * stack: a 2xx that comes late gets ACK and BYE. Thread: control.
 */
#ifndef FOCUS_FORK_H
#define FOCUS_FORK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/slice.h"
#include "sip/ua.h"

struct focus;
struct fork;

enum {
	FORK_HOPS_MAX = 6,      /* the first and five redirections or forwards */
	FORK_ATTEMPTS_MAX = 40, /* calls in all */
	FORK_INDEX_MAX = 24     /* of History-Info */
};

enum fork_why { /* how a target came to be called */
		FORK_DIRECT,
		FORK_UNCONDITIONAL,
		FORK_BUSY,
		FORK_NO_ANSWER,
		FORK_UNREACHABLE,
		FORK_REDIRECTED,
		FORK_WHY_COUNT
};
const char *fork_why_name(enum fork_why why); /* "direct", "forward_busy", "redirect" ... */

enum fork_state {
	FORK_WAITING, /* its turn comes after those of a higher q */
	FORK_CALLING,
	FORK_RINGING,
	FORK_ANSWERED,
	FORK_FAILED,    /* status */
	FORK_CANCELLED, /* another answered, or its time was up */
	FORK_LOOPED,    /* not called: this is where a circle closes */
	FORK_STATE_COUNT
};
const char *fork_state_name(enum fork_state state);

struct fork_attempt_view {
	SLICES(texts, uri /* the target that is called */,
	       target /* of whom it is a Contact: the hop */);
	enum fork_why why;
	enum fork_state state;
	uint16_t status;          /* of its end; 0: none yet */
	uint64_t started_wall_ms; /* 0: not yet */
};

struct fork_handlers {
	/* Calls `invite->target`: fills in from, contact, local, timeout and headers of its own
	 * (before those that stand in invite->headers) and begins it with sip_call_new. */
	int (*call)(void *arg, struct sip_call_invite *invite, struct sip_call **ret_call);
	/* An attempt began, rang or ended; in fork_new already. It changes nothing in the fork. */
	void (*on_attempt)(void *arg, const struct fork_attempt_view *attempt);
	/* Somebody else is called now, or fewer than before. */
	void (*on_moved)(void *arg);
	void (*on_progress)(void *arg, struct sip_call *call, const struct sip_msg *response);
	/* Early media of the only attempt that is under way. */
	void (*on_media)(void *arg, struct sip_call *call, const struct offer_agreed *agreed);
	void (*on_request)(void *arg, struct sip_call *call, struct sip_stx *tx,
			   const struct sip_msg *request);
	/* The call is the listener's: bind it. `agreed` is NULL when nothing was. */
	void (*on_won)(void *arg, struct sip_call *call, const struct offer_agreed *agreed,
		       const struct sip_msg *message);
	/* True: the same target is called once more (it refused an extension). */
	bool (*on_refused)(void *arg, uint16_t status);
	/* Nobody is left to be called, or it was cancelled and all is over. The fork may be freed
	 * in it. end->message is NULL. */
	void (*on_failed)(void *arg, const struct sip_call_end *end);
};

struct fork_params {
	struct focus *focus;
	struct slice target; /* URI */
	struct slice own;    /* URI that is never called: the caller's. Absent: none */
	const struct sip_msg
		*request;                     /* the INVITE that is carried on: its History-Info and
						 Diversion go along, and its Max-Forwards, one less. NULL: none */
	const struct fork_handlers *handlers; /* borrowed, all of them set */
	void *arg;
};
/* Begins at once. Later failures come by on_failed, never from inside this call. ERR_BAD_TARGET,
 * -ENOMEM and what sip_call_new gives for the only target. */
int fork_new(const struct fork_params *params, struct fork **ret_fork);
/* What still rings is hung up unseen. Accepts NULL; returns NULL. */
struct fork *fork_free(struct fork *fork);

/* CANCEL for all, nobody else is called; on_failed follows. */
void fork_cancel(struct fork *fork, const struct sip_reply *reason);

/* One call to the URI that was given, and nothing else: what becomes of it is all there is to say.
 */
bool fork_is_plain(const struct fork *fork);
bool fork_is_over(const struct fork *fork);          /* won or failed */
struct sip_call *fork_lead(const struct fork *fork); /* the first that is under way; NULL none */
/* The attempts in the order in which they came to be. False beyond the last. */
bool fork_attempt(const struct fork *fork, uint32_t at, struct fork_attempt_view *ret_view);

/* Whether a URI names a user, number or room of this server: no name server is asked for it. */
bool fork_is_own(const struct focus *focus, const struct sip_uri *uri);

/* Our address toward the first target of this URI, port 0. ERR_BAD_TARGET, ERR_SIP_NO_ROUTE. */
int fork_local_toward(struct focus *focus, struct slice target, struct addr *ret_local);

#endif
