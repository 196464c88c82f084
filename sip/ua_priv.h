/* sip/ua_priv.h -- what ua*.c and call*.c share. Private to them and their tests.
 *
 * A call lives in two halves. For the application it begins with on_invite or sip_call_new and is
 * gone after on_ended. Inside it stays until its transactions are over: a 2xx of another fork, or
 * one that comes again, must still be acknowledged (RFC 3261 13.2.2.4).
 */
#ifndef SIP_UA_PRIV_H
#define SIP_UA_PRIV_H

#include "base/hash.h"
#include "base/list.h"
#include "sip/dialog.h"
#include "sip/request_priv.h"
#include "sip/resolver.h"
#include "sip/sender.h"
#include "sip/tx.h"
#include "sip/ua.h"

enum {
	CALL_FORKS_MAX =
		16, /* early and surplus dialogs of one INVITE; answers of others are dropped */
	CALL_ACKS_MAX = CALL_FORKS_MAX + 1, /* 2xx of one INVITE that are acknowledged: one each */
	CALL_END_TEXT_MAX = 96,             /* octets of sip_call_end.text with its NUL; cut */
	CALL_CONTACT_MAX =
		256, /* octets of the user part or the parameters of a Contact: ERR_LIMIT */
	CALL_PROGRESS_MAX = 4,    /* provisional answers that wait for a PRACK: ERR_LIMIT */
	CALL_TXS_MAX = 32,        /* requests of one call under way: ERR_LIMIT */
	CALL_TIMEOUT_MS = 180000, /* of an INVITE without a final answer */
	CALL_PROGRESS_MS = 60000  /* a provisional answer is repeated (RFC 3261 13.3.1.1) */
};

/* A dialog that is over: RFC 3891 3 tells it from one that never was. */
struct ua_ended {
	uint64_t key;
	uint64_t until_ms; /* on the wheel */
};

struct sip_ua {
	struct wheel *wheel;
	struct clock clock;
	struct random *random;
	struct sip_net net;
	struct sip_resolver *resolver;
	struct sip_guard *guard;
	struct sip_ua_handlers handlers;
	char *allow, *supported, *product, *public_host;
	char *packages, *info_packages; /* NULL: none */
	char *invite_packages;          /* of Allow-Events in requests; NULL: packages */
	enum sip_100rel rel;
	uint32_t session_expires_s, min_se_s; /* RFC 4028; 0: we ask for no session timer */
	uint32_t calls_max, udp_octets_max;
	struct sip_tx_layer *tx;
	struct hash *dialogs;
	struct list calls;      /* struct sip_call, also those that are over */
	struct ua_ended *ended; /* SIP_UA_ENDED_MAX, a ring; NULL before the first */
	uint32_t ended_at;
	struct list requests;              /* struct sip_request */
	struct list subs, watches;         /* sip_sub, sip_watch */
	struct list referrals, referrings; /* sip_referral, sip_referring */
	uint32_t request_count, sub_count, watch_count, referral_count, referring_count;
	sip_credentials_fn *credentials; /* NULL: challenges are not answered */
	void *credentials_arg;
	sip_locate_fn *locate; /* NULL: no GRUU is ours */
	void *locate_arg;
	struct sip_overload_meter overload;
	struct sip_ua_stats stats;
};

/* The ACK of a 2xx, kept to be sent again. */
struct call_ack {
	struct list node;
	uint32_t cseq;
	char *tag; /* To tag of the 2xx */
	struct buf text;
	struct sip_flow flow;
};

enum call_tx_kind {
	CALL_TX_INVITE,
	CALL_TX_REINVITE,
	CALL_TX_UPDATE,
	CALL_TX_PRACK,
	CALL_TX_ACK,
	CALL_TX_BYE,
	CALL_TX_REQUEST
};

/* A request of ours on its way. */
struct call_tx {
	struct list node; /* call->txs */
	struct sip_call *call;
	enum call_tx_kind kind;
	struct sip_dialog *dialog; /* borrowed of the call */
	struct sip_sender sender;
	uint32_t cseq;
	bool is_answered; /* PRACK: it has its final answer, or will have none */
	char *method, *headers, *content_type;
	struct buf body, credentials; /* lines that answer a challenge */
	uint32_t tries;               /* challenges answered */
	uint32_t overtaken;           /* BYE: sent again because a later request was there first */
	sip_reply_fn *on_reply;
	void *arg;
};

/* The session timer (RFC 4028). */
enum call_refresher { CALL_REFRESHER_NONE, CALL_REFRESHER_UAC, CALL_REFRESHER_UAS };

struct call_session {
	uint32_t interval_s; /* 0: none runs */
	uint32_t min_s;      /* of the 422 that we had; 0 none */
	uint32_t retries;    /* of the request under way */
	bool is_refresher;   /* we are */
	struct timer refresh, expiry;
};

/* What a request of theirs says about it. */
struct call_session_ask {
	uint32_t expires_s, min_s; /* 0: not said */
	bool is_supported;
	enum call_refresher refresher;
};

/* One callee of an INVITE of ours that rings, or whose 2xx came too late. */
struct call_fork {
	struct sip_dialog *dialog;
	struct offer *offer;   /* its exchange; NULL: none yet */
	struct offer *preview; /* of an answer that was not reliable; NULL: none */
	bool is_agreed;        /* the first exchange is complete */
};

/* A provisional answer that waits until the one before it is acknowledged. */
struct call_progress {
	uint16_t status;
	bool has_sdp;
	char *reason, *headers;
};

/* Reliable provisional answers of ours (RFC 3262). */
struct call_rel {
	bool is_supported, is_required;  /* by the caller */
	uint32_t rseq;                   /* of the last; 0: none was sent */
	bool is_waiting, waits_with_sdp; /* for its PRACK; it carried a description */
	uint32_t resend_ms;
	struct timer resend, give_up;
	struct buf answer; /* what we answered their first offer in a provisional answer */
	struct call_progress line[CALL_PROGRESS_MAX];
	uint32_t line_count;
	bool wants_accept; /* the 2xx follows the PRACK */
	char *accept_reason, *accept_headers;
};

struct sip_call {
	struct list node; /* ua->calls */
	struct sip_ua *ua;
	struct sip_call_handlers handlers;
	void *arg;
	enum sip_call_state state;
	bool is_outgoing;
	bool is_sips;    /* our Contact is sips: (RFC 3261 8.1.1.8, 12.1.1) */
	bool is_secure;  /* what has no Route goes by TLS, whatever its scheme (RFC 5630 5.3) */
	bool is_over;    /* on_ended has been called */
	bool is_on_flow; /* what has no Route goes over `flow` (RFC 5626 5.3) */

	/* Identity */
	struct sip_dialog *start;  /* UAC: what the INVITE was written from */
	struct sip_dialog *dialog; /* in ua->dialogs while the call is not over */
	struct call_fork forks[CALL_FORKS_MAX];
	uint32_t fork_count;
	char *remote_uri, *remote_display;
	char contact_user[CALL_CONTACT_MAX], contact_params[CALL_CONTACT_MAX];
	struct sip_flow flow;

	/* Offer and answer */
	struct offer_local local;
	bool has_local;
	struct offer *offer;      /* NULL before the local side is known */
	struct buf remote_offer;  /* UAS: of the first INVITE, until it is accepted */
	bool is_agreed;           /* UAS: the first exchange was complete before the 2xx */
	bool media_is_due;        /* on_media follows, from the timer */
	struct sip_dialog *early; /* UAC: that was told of last by on_early_media; borrowed */

	/* UAS: the INVITE being answered or acknowledged (first or later) */
	struct sip_stx *stx;
	uint32_t stx_cseq;
	bool waits_ack, waits_answer; /* 2xx sent, ACK due; our offer was in it */
	uint32_t resend_ms;
	struct timer resend_timer, ack_timer, progress_timer;
	struct call_rel rel;

	/* UAC */
	struct buf credentials; /* the last lines that answered a challenge; empty: none */
	struct list txs, acks;
	struct call_tx *invite;    /* the first INVITE */
	struct call_tx *exchange;  /* a re-INVITE or UPDATE of ours without a final answer */
	struct timer invite_timer; /* no final answer in time; later: no answer to the CANCEL */
	struct timer glare_timer;  /* after 491, or 500 with Retry-After */
	uint32_t exchange_retries;
	struct timer reinvite_timer; /* of a re-INVITE that has a provisional answer only */
	bool is_reinvite_cancelled;
	bool wants_cancel, is_cancelled;

	/* Waiting for their turn */
	bool wants_reinvite, wants_update, update_has_offer;
	bool is_refreshing; /* the exchange is the session timer's; nobody asked for it */
	char *update_headers;

	struct call_session session;
	struct call_session_ask session_ask;

	/* The end */
	bool wants_bye; /* as soon as it may be sent (RFC 3261 15) */
	bool end_is_known;
	enum sip_call_end_by end_by;
	uint16_t end_status;
	char end_text[CALL_END_TEXT_MAX];
	char *end_headers; /* for BYE and CANCEL */
	struct timer
		soon; /* what must not happen inside a call of the application; at last the free */
	bool end_is_due;
};

/* ua.c */
void ua_dialog_add(struct sip_ua *ua, struct sip_dialog *dialog);
void ua_dialog_remove(struct sip_ua *ua, struct sip_dialog *dialog);
/* usage.c: a dialog that subscriptions share (RFC 5057). */
bool ua_dialog_is_used(const struct sip_dialog *dialog);
/* Out of the table, unless a subscription needs it. Accepts NULL. */
void ua_dialog_leave(struct sip_ua *ua, struct sip_dialog *dialog);
/* Frees it, or leaves it to its subscriptions; *dialog is NULL then. */
void ua_dialog_drop(struct sip_ua *ua, struct sip_dialog **dialog);
/* SUBSCRIBE and NOTIFY of subscriptions in `dialog`. False: not answered, it is another's. */
bool ua_usage_request(struct sip_dialog *dialog, struct sip_stx *tx, const struct sip_msg *request);
/* A NOTIFY that makes a dialog. False: not answered, nobody waits for it. */
bool ua_usage_first_notify(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *notify);
/* 469 for an INFO of a package that nobody serves; false then. */
bool ua_info_is_served(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *request);
/* referral.c: a SUBSCRIBE for event refer. False: not answered, it is for another event. */
bool ua_refer_subscribed(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *request);
void referrals_free(struct sip_ua *ua);
void referrings_free(struct sip_ua *ua);
void subs_free(struct sip_ua *ua);
void watches_free(struct sip_ua *ua);
/* Allow, Supported, Allow-Events and Recv-Info lines of a response; of a request of ours. */
void ua_add_capabilities(const struct sip_ua *ua, struct buf *buf);
void ua_add_capabilities_asking(const struct sip_ua *ua, struct buf *buf);
bool ua_supports(const struct sip_ua *ua, const char *option);
int ua_reply(struct sip_stx *tx, uint16_t status, const char *headers);
int ua_reply_text(struct sip_stx *tx, uint16_t status, const char *reason, const char *headers);

/* ua_guard.c, of struct sip_tx_handlers. */
void ua_overload(void *arg, struct sip_overload *ret_overload);
uint16_t ua_may_begin(void *arg, const struct sip_flow *flow, const struct sip_msg *request,
		      struct buf *headers);

/* ua_answer.c */
void ua_on_request(void *arg, struct sip_stx *tx, const struct sip_msg *request);
void ua_on_ack(void *arg, const struct sip_flow *flow, const struct sip_msg *ack);
typedef bool ua_same_fn(struct slice a, struct slice b);
/* Whether a comma list holds the token; a list of NULL is empty. */
bool ua_in_list(const char *list, struct slice token, ua_same_fn *is_same);
/* The session description in a message; absent when there is none. */
struct slice ua_sdp(const struct sip_msg *msg);

/* call.c */
int call_alloc(struct sip_ua *ua, struct sip_call **ret_call);
void call_free(struct sip_call *call);
int call_set_remote(struct sip_call *call, const struct sip_addr *remote);
int call_add_contact(const struct sip_call *call, const struct sip_flow *flow, struct buf *buf);
void call_media_soon(struct sip_call *call);
/* on_media, or on_early_media before the answer. */
void call_tell_media(struct sip_call *call);
void call_tell_early(struct sip_call *call, const struct offer *offer);
/* Remembers why it ends; the first cause stays. */
void call_set_end(struct sip_call *call, enum sip_call_end_by by, uint16_t status,
		  struct slice text);
/* Tells the application; the call is over. `message` may be NULL. */
void call_end(struct sip_call *call, const struct sip_msg *message);
void call_end_soon(struct sip_call *call);
void call_free_if_idle(struct sip_call *call);
int call_keep_headers(struct sip_call *call, const struct sip_reply *reason);

/* call_tx.c */
struct call_tx_new {
	enum call_tx_kind kind;
	struct sip_dialog *dialog;
	const char *method;
	uint32_t cseq;
	const char *headers, *content_type;
	struct slice body;
	sip_reply_fn *on_reply;
	void *arg;
};
int call_tx_start(struct sip_call *call, const struct call_tx_new *from, struct call_tx **ret_tx);
void call_tx_free(struct call_tx *tx);
/* The same request once more, with the next CSeq: what it says of the session has changed. */
int call_tx_again(struct call_tx *tx);
/* Sends it again to the next target. False when there is none. */
bool call_tx_next_target(struct call_tx *tx);
void call_acks_free(struct sip_call *call);
/* A 2xx that was acknowledged before: sends that ACK again. False when it is new; it is remembered
 * then, or *ret_is_failed: there are CALL_ACKS_MAX already, or no memory. */
bool call_ack_again(struct sip_call *call, uint32_t cseq, const struct sip_msg *response,
		    bool *ret_is_failed);
void call_send_ack(struct sip_call *call, struct sip_dialog *dialog, uint32_t cseq,
		   struct slice answer);
void call_send_bye(struct sip_call *call, struct sip_dialog *dialog);

/* Resolves and sends, also again; cseq and credentials are set. */
int call_tx_send(struct call_tx *tx);

/* call_auth.c */
void call_auth_prepare(struct call_tx *tx);
/* Sends a request that was challenged again, CSeq one higher. False: the response stands. */
bool call_auth_again(struct call_tx *tx, const struct sip_msg *response);
/* A 2xx: what it says about credentials counts for the next request of the call. */
void call_auth_answered(struct call_tx *tx, const struct sip_msg *response);

/* call_uas.c */
void call_invited(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *request);
void call_cancelled(struct sip_call *call, const struct sip_msg *cancel);
int call_uas_reject(struct sip_call *call, const struct sip_reply *reply);
int call_send_2xx(struct sip_call *call, const struct sip_reply *reply, struct slice description);
/* Ends the watch of the INVITE; one that was never answered is abandoned (sip/tx.h). */
void call_drop_stx(struct sip_call *call);
void call_wait_ack(struct sip_call *call);
void call_acked(struct sip_call *call, const struct sip_msg *message, bool has_body);
void call_uas_init(struct sip_call *call);

int call_respond(struct sip_call *call, const struct sip_reply *reply, bool has_contact);

/* call_rel.c */
void call_rel_init(struct sip_call *call);
void call_rel_stop(struct sip_call *call); /* nothing is sent any more */
void call_rel_done(struct sip_call *call);
/* 421 where 100rel is a must and the caller does not know it; false then. */
bool call_rel_is_sound(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *request);
void call_rel_asked(struct sip_call *call, const struct sip_msg *request);
bool call_rel_blocks(const struct sip_call *call); /* a 2xx must wait for a PRACK */
int call_rel_accept_later(struct sip_call *call, const struct sip_reply *reply);
bool call_rel_waits_for(const struct sip_call *call, const struct sip_msg *prack);
void call_pracked(struct sip_call *call, struct sip_stx *tx, const struct sip_msg *prack);

/* call_fork.c */
struct call_fork *call_fork_of(struct sip_call *call, const struct sip_dialog *dialog);
/* The offer/answer of a dialog of the call; NULL: none yet. */
struct offer *call_offer_of(struct sip_call *call, const struct sip_dialog *dialog);
/* The fork that a response belongs to, perhaps a new one, not in the table. NULL: too many. */
struct call_fork *call_fork_add(struct sip_call *call, const struct sip_msg *response);
void call_forks_unlink(struct sip_call *call);
void call_forks_free(struct sip_call *call);
/* call->dialog from the first 2xx; whether offer and answer were complete before it. */
int call_take_dialog(struct sip_call *call, const struct sip_msg *response, bool *ret_is_agreed);
void call_fork_progress(struct call_tx *tx, const struct sip_msg *response);
bool call_is_reliable(const struct sip_msg *response);
void call_prack_done(struct call_tx *tx, const struct sip_msg *response);
/* Of the last response that sip_dialog_check_rseq let pass. */
int call_send_prack(struct sip_call *call, struct sip_dialog *dialog, struct slice answer);

/* call_uac.c */
void call_uac_response(struct call_tx *tx, const struct sip_msg *response);
void call_uac_failed(struct call_tx *tx, int err);
void call_uac_hangup(struct sip_call *call);
void call_uac_init(struct sip_call *call);

/* call_reinvite.c */
void call_reinvited(struct sip_call *call, struct sip_stx *tx, const struct sip_msg *request);
void call_reinvite_response(struct call_tx *tx, const struct sip_msg *response);
void call_reinvite_init(struct sip_call *call);
/* An exchange is a re-INVITE or UPDATE of ours; one at a time (RFC 3261 14.1, RFC 6337 2.2).
 * Begins what waits, if it may; its failure is told to the application. */
void call_try_exchange(struct sip_call *call);
void call_exchange_over(struct sip_call *call); /* it has its final answer, or will have none */
void call_exchange_refused(struct call_tx *tx, const struct sip_msg *response);
void call_exchange_failed(struct call_tx *tx, int err);
void call_refresh(struct sip_call *call); /* the session timer asks for it */
void call_retry_later(struct sip_call *call, struct sip_stx *tx); /* 500 with Retry-After */
uint16_t call_offer_status(int err); /* what their unusable offer is answered */

/* call_update.c */
bool call_may_update(struct sip_call *call);
int call_start_update(struct sip_call *call);
void call_update_response(struct call_tx *tx, const struct sip_msg *response);
void call_updated(struct sip_call *call, struct sip_dialog *dialog, struct sip_stx *tx,
		  const struct sip_msg *request);

/* call_timer.c */
void call_timer_init(struct sip_call *call);
void call_timer_stop(struct sip_call *call);
/* 400 or 422 for what a request says of its session; false then. */
bool call_timer_is_sound(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *request);
/* Remembers what a request says, until its 2xx is written; that starts the clock anew. */
void call_timer_asked(struct sip_call *call, const struct sip_msg *request);
void call_timer_answer(struct sip_call *call, struct buf *headers);
void call_timer_add(const struct sip_call *call, struct buf *buf); /* to a request of ours */
void call_timer_answered(struct sip_call *call, const struct sip_msg *response); /* its 2xx */
/* A 422: sends it again with what the peer can bear. False when it stays refused. */
bool call_timer_too_small(struct call_tx *tx, const struct sip_msg *response);
void call_refresh_again(struct sip_call *call); /* a refresh was refused: a little later */

/* call_ref.c */
void ua_remember_ended(struct sip_ua *ua, const struct sip_dialog *dialog);
/* 400 for an unusable Replaces or Join; false then. */
bool ua_refs_are_sound(struct sip_stx *tx, const struct sip_msg *request);

/* call_dialog.c */
void call_on_request(struct sip_call *call, struct sip_dialog *dialog, struct sip_stx *tx,
		     const struct sip_msg *request);
void call_on_ack(struct sip_call *call, const struct sip_msg *ack);
void call_bye_done(struct call_tx *tx, const struct sip_msg *response);
void call_request_done(struct call_tx *tx, const struct sip_msg *response);

#endif
