/* sip/subscription.h -- event subscriptions, both sides (RFC 6665; the id parameter of RFC 3265).
 *
 * Notifier: the application accepts a SUBSCRIBE with sip_sub_accept, whichever handler brought it
 * (outside a dialog, or in that of a call: then both share the dialog, RFC 5057, and the
 * subscription outlives the call). 200 goes out, then on_refresh asks for the full state, and a
 * NOTIFY follows at once, with an empty body when none is given. Refresh, Expires: 0, expiry,
 * NOTIFY that fails: done here, and told by on_ended.
 *
 * One NOTIFY is out at a time. What changes meanwhile is kept, and only the newest of it. A package
 * whose bodies build on each other (differences, versions) uses sip_sub_changed, and writes the
 * body when on_change says that it goes out now.
 *
 * Throttle: max-rate, min-rate and adaptive-min-rate of the Event field (RFC 6446), and a shortest
 * interval of ours; what is in force is told in Subscription-State.
 * Ownership: the ua's; a pointer is valid until its on_ended has returned. Handlers are called from
 * the loop, never from inside a function of this header; every function may be called in them.
 * Thread: control.
 */
#ifndef SIP_SUBSCRIPTION_H
#define SIP_SUBSCRIPTION_H

#include "sip/request.h"
#include "sip/ua.h"

enum {
	SIP_SUBS_MAX = 20000,       /* notifier side of one ua: 503 with Retry-After beyond */
	SIP_WATCHES_MAX = 20000,    /* subscriber side: ERR_LIMIT beyond */
	SIP_DIALOG_USAGES_MAX = 16, /* subscriptions in one dialog: 503 beyond */
	SIP_EVENT_MAX = 64,         /* octets of a package name or id with the NUL: 400 beyond */
	SIP_SUB_REASON_MAX = 32,    /* octets of "timeout" with the NUL; cut */
	SIP_SUB_BODY_MAX = 1024 * 1024, /* octets of a body: ERR_LIMIT */
	SIP_SUB_RETRY_MAX_S =
		600 /* a NOTIFY that was put off by Retry-After is put off no longer */
};

/* Event: conference;id=7;max-rate=0.1 */
struct sip_event {
	char package[SIP_EVENT_MAX];
	char id[SIP_EVENT_MAX]; /* "" for none */
	uint32_t max_rate_ms;   /* shortest interval; 0: none (RFC 6446 5.1) */
	uint32_t min_rate_ms;   /* longest interval; 0: none (RFC 6446 6.1) */
	uint32_t adaptive_ms;   /* adaptive-min-rate as an interval; 0: none (RFC 6446 7.1) */
};
/* ERR_SIP_HEADER_MISSING (absent), ERR_SIP_HEADER_SYNTAX, ERR_LIMIT. */
int sip_event_parse(struct slice value, struct sip_event *ret_event);

enum sip_sub_state { SIP_SUB_PENDING, SIP_SUB_ACTIVE, SIP_SUB_TERMINATED };

/* Subscription-State: terminated;reason=giveup;retry-after=10 */
struct sip_sub_status {
	enum sip_sub_state state; /* unknown words count as active (RFC 6665 4.1.2.4) */
	bool has_expires;
	uint32_t expires_s, retry_after_s;
	struct slice reason; /* absent when none */
};
/* ERR_SIP_HEADER_SYNTAX. */
int sip_sub_status_parse(struct slice value, struct sip_sub_status *ret_status);

/* Notifier -------------------------------------------------------------------------------------
 */

struct sip_sub;

struct sip_sub_handlers {
	/* The whole state is wanted, at the start and after every refresh: say it with
	 * sip_sub_notify now; if not, an empty NOTIFY goes out. */
	void (*on_refresh)(void *arg, struct sip_sub *sub);
	/* After sip_sub_changed: a NOTIFY may go out now; say it with sip_sub_notify. May be NULL
	 * when sip_sub_changed is not used. */
	void (*on_change)(void *arg, struct sip_sub *sub);
	/* The last event. `reason`: what the last NOTIFY said ("timeout", "noresource" ...), or
	 * "failed" when a NOTIFY did. */
	void (*on_ended)(void *arg, struct sip_sub *sub, const char *reason);
};

struct sip_sub_params {
	const char *content_type; /* of our bodies; Accept must let one of this comma list through,
				     or 406. NULL: Accept is not looked at */
	uint16_t status;          /* 200, or 202; 0: 200 */
	enum sip_sub_state state; /* SIP_SUB_PENDING while somebody must agree first */
	uint32_t expires_min_s, expires_default_s, expires_max_s; /* 0: 60, 3600, 86400 */
	uint32_t interval_min_ms;   /* between NOTIFYs, beside what the subscriber asks for */
	struct slice contact_user;  /* of our Contact; absent: that of the Request-URI */
	const char *contact_params; /* "isfocus" or NULL */
	const char *headers;        /* more lines of the 2xx, or NULL */
	const struct sip_sub_handlers *handlers; /* copied */
	void *arg;
};

/* Answers a SUBSCRIBE, from a handler of the ua or a call. Nonzero: it was refused, and has been
 * answered (400, 406, 423, 489, 500, 503), or tx is over (ERR_STATE). */
int sip_sub_accept(struct sip_stx *tx, const struct sip_msg *request,
		   const struct sip_sub_params *params, struct sip_sub **ret_sub);

/* What the subscriber shall know now; `state` PENDING or ACTIVE. Newer news replace those that
 * wait. content_type NULL: no body. ERR_STATE when it ends, ERR_LIMIT, -ENOMEM. */
int sip_sub_notify(struct sip_sub *sub, enum sip_sub_state state, const char *content_type,
		   struct slice body);
/* Asks for on_change as soon as a NOTIFY may go out. Harmless when it ends. */
void sip_sub_changed(struct sip_sub *sub);

/* A last NOTIFY, "terminated;reason=...", then on_ended. `content_type` NULL: with the body that
 * waits, if any. Repeated calls are harmless. */
struct sip_sub_end {
	const char *reason;     /* "deactivated", "probation", "rejected", "timeout", "giveup",
				   "noresource", "invariant" (RFC 6665 4.1.3) */
	uint32_t retry_after_s; /* 0: none */
	const char *content_type;
	struct slice body;
};
void sip_sub_end(struct sip_sub *sub, const struct sip_sub_end *end);

void *sip_sub_arg(const struct sip_sub *sub);
const struct sip_event *sip_sub_event(const struct sip_sub *sub);
enum sip_sub_state sip_sub_state(const struct sip_sub *sub); /* TERMINATED once it ends */
uint32_t sip_sub_expires_s(const struct sip_sub *sub);       /* from now */
struct slice sip_sub_call_id(const struct sip_sub *sub);
struct slice sip_sub_remote(const struct sip_sub *sub); /* the subscriber's From value, with tag */
const struct sip_flow *sip_sub_flow(const struct sip_sub *sub); /* last path; our address in it */
struct sip_ua *sip_sub_ua(const struct sip_sub *sub);

/* Subscriber -----------------------------------------------------------------------------------
 */

struct sip_watch;

struct sip_watch_end {
	struct slice reason;    /* of the last NOTIFY; absent when there was none */
	uint32_t retry_after_s; /* 0: none */
	uint16_t status;        /* of a SUBSCRIBE that was refused, else 0 */
	int err;                /* ERR_SIP_TIMEOUT, ERR_SIP_TRANSPORT ..., else 0 */
};

struct sip_watch_handlers {
	/* A 2xx to the SUBSCRIBE (each), before or after the first NOTIFY. May be NULL. */
	void (*on_accepted)(void *arg, struct sip_watch *watch, const struct sip_msg *response);
	/* A NOTIFY, the last one included; it has been answered. */
	void (*on_notify)(void *arg, struct sip_watch *watch, const struct sip_sub_status *status,
			  const struct sip_msg *notify);
	/* The last event. */
	void (*on_ended)(void *arg, struct sip_watch *watch, const struct sip_watch_end *end);
};

struct sip_watch_params {
	const char *event;            /* "conference" or "message-summary;id=2" */
	const char *accept;           /* Accept value, or NULL */
	struct slice target;          /* Request-URI */
	struct slice to, from, route; /* as in sip_request_params */
	struct slice contact_user;
	const char *headers;   /* more lines of every SUBSCRIBE, or NULL */
	uint32_t expires_s;    /* 0: 3600. A 423 raises it, once */
	bool is_fetch;         /* Expires: 0 at once: one NOTIFY, then the end (RFC 6665 4.4.3) */
	struct sip_call *call; /* subscribes in the dialog of this established call; then target to
				  route are not looked at. NULL: a dialog of its own */
	const struct sip_watch_handlers *handlers; /* copied */
	void *arg;
};

/* Subscribes, refreshes in time, and ends when the other side says so, refuses a refresh, or stays
 * silent for 64*T1 (timer N). The first dialog wins; a NOTIFY of another fork gets 481. What comes
 * after comes by handlers. ERR_SIP_URI_SYNTAX, ERR_BAD_TARGET, ERR_SIP_HEADER_SYNTAX (event),
 * ERR_STATE (call), ERR_LIMIT, -ENOMEM. */
int sip_watch_new(struct sip_ua *ua, const struct sip_watch_params *params,
		  struct sip_watch **ret_watch);
/* Asks for the state again, now. Harmless when it ends. */
void sip_watch_refresh(struct sip_watch *watch);
/* Unsubscribes (Expires: 0); the last NOTIFY and on_ended follow. Repeated calls are harmless. */
void sip_watch_end(struct sip_watch *watch);
/* Ends it without a message and without on_ended: a NOTIFY that comes gets 481. Accepts NULL;
 * returns NULL. */
struct sip_watch *sip_watch_drop(struct sip_watch *watch);
void *sip_watch_arg(const struct sip_watch *watch);

#endif
