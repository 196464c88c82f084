/* focus/fork_priv.h -- the inside of a fork, for fork*.c and their tests only. */
#ifndef FOCUS_FORK_PRIV_H
#define FOCUS_FORK_PRIV_H

#include "base/buf.h"
#include "base/wheel.h"
#include "focus/fork.h"
#include "focus/forward.h"
#include "focus/location.h"

enum { FORK_NONE = 255 };

struct fork_hop {
	char *uri;
	uint8_t parent; /* FORK_NONE: the first */
	uint8_t why;    /* enum fork_why */
	uint8_t children;
	bool is_called, is_timed_out;
	bool may_dial_out; /* who is called there may send us on to where calls cost */
	uint16_t q_thousandths;
	uint16_t status;  /* best of its attempts, once it is over */
	uint16_t warning; /* why nobody of it can be called: sip/sips.h; 0 none */
	char index[FORK_INDEX_MAX + 1];
	struct forward_rule *rule; /* owned copy; NULL none */
};

struct fork_attempt {
	struct fork *fork;
	uint8_t hop;
	uint8_t state; /* enum fork_state */
	bool is_hop;   /* its URI is the hop's own */
	bool has_flow;
	bool has_agreed;
	bool is_secure; /* its sips: URI is called by sip: and TLS (RFC 5630 5.3) */
	uint16_t q_thousandths, status;
	enum sip_call_end_by end_by;
	uint64_t started_wall_ms;
	char *uri, *route, *instance; /* route and instance may be NULL */
	char index[FORK_INDEX_MAX + 1];
	struct sip_flow flow;
	struct sip_call *call; /* while it is under way */
	struct offer_agreed agreed;
};

struct fork {
	struct focus *focus;
	const struct fork_handlers *handlers;
	void *arg;
	char *own;                                /* NULL none */
	struct buf came_history, came_diversions; /* of the INVITE that is carried on */
	struct fork_hop hops[FORK_HOPS_MAX];
	uint8_t hops_used;      /* of Max-Forwards */
	uint8_t hop_count, hop; /* the one being called; FORK_NONE between */
	struct fork_attempt *attempts[FORK_ATTEMPTS_MAX];
	uint8_t attempt_count;
	bool is_over, is_cancelled, is_started;
	bool is_sips;    /* called by sips:, and never by less */
	bool is_carried; /* for somebody else, whose scheme it keeps */
	int start_err;   /* of the first attempts, while fork_new runs */
	struct timer no_answer, soon;
	enum sip_call_end_by end_by;
	uint16_t end_status, end_warning;
	const char *end_text;
	const struct sip_msg *message; /* borrowed; what ended the attempt that ends just now */
};

/* The digits of a tel: URI (RFC 3966 5.1.1). */
struct slice fork_number(const struct sip_uri *uri, char out[FORWARD_USER_MAX + 1]);

/* The port of our first TLS listener; 0: there is none. */
uint16_t fork_tls_port(const struct focus *focus);

/* Whether a call there is made at our expense: to a number that is nobody's here, or by a peer that
 * takes calls because they are ours: the outbound proxy, a trunk, an address of sip.trusted. Who is
 * called, or registers, has us call there only with the right to dial out. */
bool fork_costs(const struct focus *focus, const struct sip_uri *uri);

/* fork_hops.c: whom to call. */
/* Says so to on_attempt. `status`: of its end, else 0. */
void fork_set_state(struct fork_attempt *attempt, enum fork_state state, uint16_t status);
struct fork_attempt_view fork_attempt_view(const struct fork_attempt *attempt);
struct fork_hop_make {
	struct slice uri;
	uint8_t parent; /* the hop that led here; FORK_NONE: the first */
	enum fork_why why;
	uint16_t q_thousandths; /* among the hops that wait; UINT16_MAX: the next */
};
/* ERR_LIMIT, -ENOMEM. */
int fork_add_hop(struct fork *fork, const struct fork_hop_make *make);
uint8_t fork_find_hop(const struct fork *fork, struct slice uri); /* FORK_NONE: no such hop */
bool fork_is_same_target(struct slice a, struct slice b);         /* RFC 3261 19.1.4 */
/* The hop becomes attempts, or a hop of its own by an unconditional rule waits. -ENOMEM,
 * ERR_BAD_TARGET. */
int fork_expand(struct fork *fork, uint8_t hop);
bool fork_has_rule(const struct fork_hop *hop, enum forward_cause cause);
/* The hop of the rule is the next; one that was called before ends the search with 482. */
void fork_forward(struct fork *fork, uint8_t from, enum forward_cause cause);
/* What on_failed will tell when nobody is left. `text` is static. */
void fork_set_end(struct fork *fork, enum sip_call_end_by by, uint16_t status, const char *text);
/* NULL for an empty text. -ENOMEM. */
int fork_copy(struct slice text, char **ret_copy);

/* fork_history.c: the lines that tell the next target what was tried (RFC 7044, RFC 5806). */
/* Keeps what the request says: the entries of its History-Info, so that the first hop's index goes
 * on behind the last of them, and its Diversion lines. Neither when it asks for privacy of it (RFC
 * 7044 10.1.2), nor beyond FORK_CAME_MAX octets. */
enum { FORK_CAME_MAX = 2048 };
void fork_history_came(struct fork *fork, const struct sip_msg *request);
void fork_history(const struct fork *fork, const struct fork_attempt *attempt, struct buf *out);

#endif
