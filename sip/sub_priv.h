/* sip/sub_priv.h -- subscriptions as users of a dialog (RFC 5057). Private to sip/ and its tests.
 *
 * A dialog lives as long as its call or one of its usages. The call frees it when there are none;
 * else it leaves it behind, and the last usage to go frees it.
 */
#ifndef SIP_SUB_PRIV_H
#define SIP_SUB_PRIV_H

#include "sip/subscription.h"
#include "sip/ua_priv.h"

enum {
	SUB_EXPIRES_MIN_S = 60,
	SUB_EXPIRES_DEFAULT_S = 3600,
	SUB_EXPIRES_MAX_S = 86400,
	SUB_423_BELOW_S = 3600,        /* RFC 6665 4.2.1.1: a longer time is not "too brief" */
	SUB_INTERVAL_MAX_MS = 3600000, /* of max-rate and min-rate */
	SUB_HEARTBEAT_MIN_MS = 1000,   /* of min-rate: no more often */
	SUB_RECENT_MAX = 16            /* NOTIFYs that adaptive-min-rate looks back on */
};

enum ua_usage_kind { UA_USAGE_SUB, UA_USAGE_WATCH };

struct ua_usage {
	struct list node; /* dialog->usages */
	enum ua_usage_kind kind;
	struct sip_dialog *dialog; /* NULL: in none yet */
};

/* usage.c */
/* ERR_LIMIT. */
int ua_usage_join(struct ua_usage *usage, struct sip_dialog *dialog);
/* Frees the dialog when nobody needs it any more. */
void ua_usage_leave(struct sip_ua *ua, struct ua_usage *usage);

struct sub_news {
	bool is_there;
	enum sip_sub_state state;
	char *content_type; /* NULL: no body */
	struct buf body;
};

struct sip_sub {
	struct list node; /* ua->subs */
	struct ua_usage usage;
	struct sip_ua *ua;
	struct sip_flow flow;
	struct sip_sub_handlers handlers;
	void *arg;
	struct sip_event event;
	bool is_implicit;    /* made by a REFER, whose 2xx says no Expires */
	bool is_id_optional; /* of a REFER that made its dialog (RFC 3515 2.4.6) */
	char *contact_user, *contact_params;
	bool is_sips;
	uint32_t expires_min_s, expires_default_s, expires_max_s;
	uint32_t interval_min_ms;
	char *accept; /* params.content_type */

	enum sip_sub_state state;
	bool is_ending;    /* the next NOTIFY is the last */
	bool is_last_sent; /* ... and it is out */
	bool is_over;      /* on_ended runs or follows */
	bool is_filling;   /* on_refresh or on_change runs */
	bool wants_all, wants_change;
	struct sub_news news; /* waits to go out */
	char reason[SIP_SUB_REASON_MAX];
	uint32_t retry_after_s;
	struct sip_request *notify; /* is out */
	uint64_t expires_at_ms;
	uint64_t recent_ms[SUB_RECENT_MAX]; /* when NOTIFYs went out, a ring */
	uint32_t recent_count;              /* all that ever did */
	uint64_t quiet_until_ms;            /* throttle */
	uint64_t hold_until_ms;             /* Retry-After */
	struct timer soon, expiry, heartbeat;
};

struct sip_watch {
	struct list node; /* ua->watches */
	struct ua_usage usage;
	struct sip_ua *ua;
	struct sip_dialog
		*start; /* in ua->dialogs with an empty remote tag, until a dialog is made */
	struct sip_flow flow;
	struct sip_watch_handlers handlers;
	void *arg;
	struct sip_event event;
	bool is_id_optional; /* NOTIFY may leave the id out (RFC 3515 2.4.6) */
	bool is_refer;       /* its first request is a REFER: nothing to refresh */
	char *headers, *accept, *event_text, *contact_user;
	bool is_sips;
	uint32_t expires_s;
	bool is_ending, is_over, has_notify, was_too_brief, wants_refresh;
	struct sip_request *request;
	struct timer soon, refresh;
	struct timer silence; /* N: a NOTIFY is due */
	struct timer expiry;
};

/* sub.c */
/* The subscription that a REFER makes: event refer, params.expires_default_s. As sip_sub_accept. */
int sub_accept_refer(struct sip_stx *tx, const struct sip_msg *request,
		     const struct sip_sub_params *params, struct sip_sub **ret_sub);
void sub_refreshed(struct sip_sub *sub, struct sip_stx *tx, const struct sip_msg *request);
/* sub_notify.c: sends what is due, if it may go out now. */
void sub_pump_soon(struct sip_sub *sub);
void sub_timers_init(struct sip_sub *sub);
void sub_free(struct sip_sub *sub);
void sub_news_done(struct sub_news *news);

/* watch.c */
/* The id of a REFER's NOTIFYs is its CSeq (RFC 3515 2.4.6), which goes up while it is under way. */
void watch_name_refer(struct sip_watch *watch);
void watch_notified(struct sip_watch *watch, struct sip_stx *tx, const struct sip_msg *notify);

/* Reads what the notifier of a REFER says (RFC 3515 2.4): the first request is a REFER with
 * `headers` of params, and nothing is refreshed. */
int watch_new_refer(struct sip_ua *ua, const struct sip_watch_params *params,
		    struct sip_watch **ret_watch);

#endif
