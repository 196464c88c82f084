/* sip/tx.h -- the transaction layer: requests and their answers over an unreliable network.
 *
 * It owns the net's events: parses what arrives, gives a request to its server transaction (or
 * makes one and hands it to the core), a response to its client transaction. Retransmissions,
 * timers A to M and the ACK of a refusal happen here, driven by sip/tx_table.h; the core sees each
 * message once. 2xx to INVITE and its ACK are the core's business (RFC 3261 13.3.1.4, 13.2.2.4).
 *
 * Matching: branch + sent-by + method (RFC 3261 17.2.3), or Request-URI, tag, Call-ID, CSeq and Via
 * for branches without the magic cookie (RFC 2543). Cost is constant in the number of transactions.
 * Lifetime: a transaction frees itself from a timer, never inside a call of this header, so a
 * pointer that is valid when an event begins is valid until it returns. Thread: control.
 */
#ifndef SIP_TX_H
#define SIP_TX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/wheel.h"
#include "sip/msg.h"
#include "sip/net.h"
#include "sip/overload.h"
#include "sip/ua.h" /* struct sip_reply, struct sip_ua_stats */

enum {
	SIP_BRANCH_MAX = 40, /* octets of our own branches with the NUL */
	SIP_TAG_MAX = 20,    /* octets of our own tags with the NUL */
	SIP_TX_SILENCE = 1,  /* of may_begin */
	SIP_TX_KEY_MAX =
		1024 /* octets of a matching key; a request whose key is longer gets a 400 */
};

struct sip_tx_layer;
struct sip_ctx; /* client transaction */
struct sip_stx; /* server transaction */

struct sip_tx_handlers {
	/* A request that belongs to no transaction yet, other than ACK. It parsed, but is not
	 * checked (sip_msg_check). Must be answered, now or later, with sip_stx_respond. */
	void (*on_request)(void *arg, struct sip_stx *tx, const struct sip_msg *request);
	/* An ACK that is not for a refusal: for a 2xx, or stray. */
	void (*on_ack)(void *arg, const struct sip_flow *flow, const struct sip_msg *ack);
	void *arg;
	/* Before a transaction is made for a request other than ACK, or a malformed one is
	 * answered. 0: go on. A status: it is
	 * answered with that and with the lines put into `headers`, and forgotten.
	 * SIP_TX_SILENCE: it is forgotten. NULL: every request may begin. */
	uint16_t (*may_begin)(void *arg, const struct sip_flow *flow, const struct sip_msg *request,
			      struct buf *headers);
	/* What peers that can leave requests out are asked for now (RFC 7339). NULL: nothing. */
	void (*overload)(void *arg, struct sip_overload *ret_overload);
};

struct sip_tx_params {
	struct wheel *wheel;   /* borrowed */
	struct random *random; /* borrowed */
	struct sip_net net;
	struct sip_tx_handlers handlers;
	uint32_t t1_ms, t2_ms, t4_ms; /* 0: 500, 4000, 5000 */
	uint32_t transactions_max;  /* client and server; a request beyond gets 503. 0: no limit */
	bool has_overload_control;  /* our requests say that we can leave some out (RFC 7339) */
	const char *product;        /* Server field of our answers; borrowed; NULL: none */
	struct slice public_host;   /* borrowed; sent-by of our Via; absent: the address */
	struct sip_ua_stats *stats; /* borrowed; counted into */
};

/* -ENOMEM. Listens on the net from now on. */
int sip_tx_layer_new(const struct sip_tx_params *params, struct sip_tx_layer **ret_layer);
/* Frees every transaction without a message or event. Accepts NULL; returns NULL. */
struct sip_tx_layer *sip_tx_layer_free(struct sip_tx_layer *layer);
uint32_t sip_tx_t1_ms(const struct sip_tx_layer *layer);
uint32_t sip_tx_t2_ms(const struct sip_tx_layer *layer);
uint32_t sip_tx_t4_ms(const struct sip_tx_layer *layer);

/* Client -----------------------------------------------------------------------------------------
 */

/* Starts a request toward `flow`: request line, then a Via with a fresh branch, unpredictable
 * (8.1.1.7). ERR_SIP_NO_ROUTE. */
struct sip_tx_request {
	struct sip_flow flow;
	struct slice method, uri;
};
int sip_tx_begin(struct sip_tx_layer *layer, const struct sip_tx_request *request, struct buf *buf,
		 char ret_branch[SIP_BRANCH_MAX]);

/* Events of a client transaction: a response (provisional ones, the final one, each 2xx to INVITE);
 * or response NULL with ERR_SIP_TIMEOUT (timer B or F) or ERR_SIP_TRANSPORT; or response NULL with
 * 0, the last event: the transaction is freed when it returns. */
typedef void sip_ctx_fn(void *arg, struct sip_ctx *tx, const struct sip_msg *response, int err);

struct sip_ctx_params {
	struct sip_flow flow;
	const char *branch; /* of sip_tx_begin */
	enum sip_method method;
	struct slice method_text; /* at most SIP_CTX_METHOD_MAX - 1 octets */
	struct buf *message;      /* taken (BUF_INIT afterwards) when it succeeds */
	sip_ctx_fn *on_event;
	void *arg;
};
enum { SIP_CTX_METHOD_MAX = 32 };

/* Sends the request. No event comes from inside the call. ERR_LIMIT, ERR_SIP_TRANSPORT and what the
 * net's send returns, -ENOMEM, -EINVAL (method too long). */
int sip_ctx_new(struct sip_tx_layer *layer, const struct sip_ctx_params *params,
		struct sip_ctx **ret_tx);
const struct sip_flow *sip_ctx_flow(const struct sip_ctx *tx); /* the path taken */

/* CANCEL of an INVITE that has a provisional answer (9.1), with `headers` (complete lines, or
 * NULL). It runs on its own and reports nothing. ERR_STATE when the INVITE is not in Proceeding. */
int sip_ctx_cancel(struct sip_ctx *tx, const char *headers);

/* No event any more; the transaction runs to its end by itself. */
void sip_ctx_detach(struct sip_ctx *tx);

/* Ends it without waiting; only the last event follows. Harmless when it is over. */
void sip_ctx_abandon(struct sip_ctx *tx);

/* Sends what is no transaction: the ACK of a 2xx. */
int sip_tx_send(struct sip_tx_layer *layer, const struct sip_flow *flow, struct slice text);

/* Draws whether a new request to this peer shall be left out, because it asked for less (RFC 7339).
 */
bool sip_tx_leaves_out(struct sip_tx_layer *layer, const struct addr *remote);

/* Server -----------------------------------------------------------------------------------------
 */

struct sip_stx_response {
	const struct sip_reply *reply;
	struct slice headers; /* more lines, from the core; absent: none */
};

/* A request other than INVITE that has no final answer after 64*T1 is forgotten: its sender has
 * given up (17.1.2.2). Who answers later than at once watches it for STX_TIMEOUT.
 *
 * Sends a response. The final one ends the core's hold: the request is forgotten, the pointer must
 * not be used afterwards, except by who watches it (until STX_GONE). Record-Route is copied into
 * 101 to 299 (12.1.1). ERR_STATE after a final response; errors of the net are handled by the
 * machine and not returned. -ENOMEM, -EINVAL (a header value with a line break): nothing was sent
 * and tx is as before. */
int sip_stx_respond(struct sip_stx *tx, const struct sip_stx_response *response);

/* Ends a transaction that owes a final answer without one, when it cannot be written: the sender
 * repeats its request or gives up. Only STX_GONE follows. */
void sip_stx_abandon(struct sip_stx *tx);

/* Sends the last response again: a 2xx to INVITE, or a provisional one that must stay fresh. */
void sip_stx_repeat(struct sip_stx *tx);

enum sip_stx_event {
	SIP_STX_ACKED,   /* the refusal of an INVITE was acknowledged */
	SIP_STX_TIMEOUT, /* ... was not (timer H); another request was not answered in time */
	SIP_STX_ERROR,   /* the transport failed; the machine goes on as RFC 6026 says */
	SIP_STX_GONE     /* last event: freed when it returns */
};
typedef void sip_stx_fn(void *arg, struct sip_stx *tx, enum sip_stx_event event);
/* One watcher; NULL to end watching. */
void sip_stx_watch(struct sip_stx *tx, sip_stx_fn *on_event, void *arg);
void *sip_stx_watcher(const struct sip_stx *tx); /* arg of the watcher; NULL without */

const char *
sip_stx_tag(const struct sip_stx *tx); /* To tag of our answers when the request has none */
void sip_stx_set_tag(struct sip_stx *tx,
		     const char *tag); /* before the first answer; shorter than SIP_TAG_MAX */
enum sip_method sip_stx_method(const struct sip_stx *tx);
bool sip_stx_is_final(const struct sip_stx *tx);
uint16_t sip_stx_status(const struct sip_stx *tx); /* of the last response sent; 0: none yet */
struct sip_tx_layer *sip_stx_layer(const struct sip_stx *tx);
void *sip_tx_layer_arg(const struct sip_tx_layer *layer); /* handlers.arg */

/* The INVITE that this CANCEL means (9.2), or NULL. */
struct sip_stx *sip_stx_find_cancelled(struct sip_tx_layer *layer, const struct sip_msg *cancel);
/* True when another live transaction has the same From tag, Call-ID and CSeq (8.2.2.2): a request
 * that came on two paths. For requests without a To tag. */
bool sip_stx_is_merged(const struct sip_stx *tx);

/* Where to send responses (18.2.2, RFC 3581), and the top Via with received and rport filled in.
 * maddr is not followed: it would let a stranger point our answers at anybody. Pure; for the layer
 * and its tests. */
int sip_tx_response_path(const struct sip_flow *flow, const struct sip_via *via,
			 struct sip_flow *ret_path);
void sip_tx_top_via(struct sip_tx_layer *layer, const struct sip_flow *flow,
		    const struct sip_via *via, struct buf *ret_text);

#endif
