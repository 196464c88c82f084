/* sip/sender.h -- one request of ours on its way: the next hop is resolved, the message is written
 * for it, and a target that fails is followed by the next (RFC 3263 4.3). Private to sip/.
 *
 * It is a field of the object that it works for (a request of a call, a request outside calls),
 * which writes the message and is told what becomes of it. Nothing is told from inside a function
 * of this header. Thread: control.
 */
#ifndef SIP_SENDER_H
#define SIP_SENDER_H

#include "base/buf.h"
#include "base/wheel.h"
#include "sip/resolver.h"
#include "sip/tx.h"

struct sip_sender_ops {
	/* The whole message for this path, begun with sip_tx_begin. */
	int (*write)(void *arg, const struct sip_flow *flow, struct buf *buf,
		     char branch[SIP_BRANCH_MAX]);
	/* Of what is no transaction (the ACK of a 2xx): sends the text, and may take it. NULL: a
	 * client transaction is made. */
	int (*send)(void *arg, const struct sip_flow *flow, struct buf *buf);
	void (*on_response)(void *arg, const struct sip_msg *response);
	/* The transaction failed at the last target, or had no answer; on_gone follows. */
	void (*on_failed)(void *arg, int err);
	/* It could not even be sent (ERR_SIP_OVERLOADED: the next hop asks for less; 0: it was
	 * sent, and is no transaction). The last event. */
	void (*on_unsent)(void *arg, int err);
	/* The transaction is over. The last event; the sender may be freed in it. */
	void (*on_gone)(void *arg);
	/* False: no further target is tried. NULL: always. */
	bool (*may_retry)(const void *arg);
};

struct sip_sender {
	struct sip_ua *ua;
	const struct sip_sender_ops *ops;
	void *arg;
	struct slice method;
	bool is_sips;          /* no hop in the clear (RFC 3261 26.2.2) */
	bool is_on_flow;       /* the path is *last itself */
	bool is_new;           /* may be left out when the next hop asks for less (RFC 7339) */
	struct sip_flow *last; /* the path of the last message to this peer; kept up to date */
	struct sip_query query;
	struct sip_target targets[SIP_TARGETS_MAX];
	uint32_t target_count, target_at;
	struct sip_ctx *ctx; /* NULL: none, or it is over */
	struct timer soon;   /* tells a failure that happened inside a call of the application */
	int err;
};

/* `last`, `arg` and `method` (of sip_sender_start) are borrowed until sip_sender_done. */
void sip_sender_init(struct sip_sender *sender, struct sip_ua *ua, const struct sip_sender_ops *ops,
		     void *arg);
struct sip_sender_start {
	struct slice method;
	struct slice hop;      /* URI: first route or target (sip_dialog_hop) */
	struct slice target;   /* URI: what it is for */
	struct sip_flow *last; /* connection 0 and proto UDP: none yet */
	bool is_on_flow;       /* goes over *last and nowhere else (RFC 5626) */
	bool is_new;           /* outside dialogs, and sent for the first time */
	bool is_secure;        /* by TLS, though the URIs are sip: (RFC 5630 5.3) */
};
/* Begins to resolve, or sends at once. Also again, when the transaction before is over or left
 * (a request that answers a challenge). ERR_SIP_URI_SYNTAX. */
int sip_sender_start(struct sip_sender *sender, const struct sip_sender_start *start);
/* Sends it again to the next target. False when there is none. */
bool sip_sender_next(struct sip_sender *sender);
/* No event any more; a transaction under way runs to its end by itself. */
void sip_sender_done(struct sip_sender *sender);

#endif
