/* sip/tx_priv.h -- what tx.c, tx_client.c and tx_server.c share. Private to them and their tests.
 */
#ifndef SIP_TX_PRIV_H
#define SIP_TX_PRIV_H

#include "base/hash.h"
#include "base/list.h"
#include "base/pool.h"
#include "sip/tx.h"
#include "sip/tx_table.h"

enum { SIP_TX_VIA_TEXT_MAX = 4096 }; /* a longer top Via is answered with 400 */

struct sip_tx_layer {
	struct wheel *wheel;
	struct random *random;
	struct sip_net net;
	struct sip_tx_handlers handlers;
	uint32_t t1_ms, t2_ms, t4_ms;
	uint32_t transactions_max;
	const char *product;
	struct slice public_host;
	struct sip_ua_stats *stats;
	struct hash *clients; /* sip_ctx.node by branch and method */
	struct hash
		*by_remote; /* sip_ctx.remote_node by protocol and address, for transport errors */
	struct hash *servers; /* sip_stx.node by key */
	struct hash *merges;  /* sip_stx.merge_node by merge key */
	struct list all_clients, all_servers;
	bool has_overload_control;
	struct sip_overload_peers overloaded;
	struct pool *stx_pool; /* sip_stx and sip_stx_rest */
	struct buf scratch;    /* a response while it is written */
};

/* Timers A, E, G (resend) and B, D, F, H, I, J, K, L, M (life) of a transaction. */
struct sip_tx_timers {
	struct timer life, resend;
	uint32_t interval_ms; /* the last one of `resend` */
};

struct sip_ctx {
	struct sip_tx_layer *layer;
	struct list all, failing;
	struct hash_node node, remote_node;
	struct sip_tx_timers timers;
	struct sip_flow flow;
	struct buf message;
	struct buf ack; /* of a refusal, once it came */
	sip_ctx_fn *on_event;
	void *arg;
	uint8_t machine, state;
	uint8_t method; /* enum sip_method */
	char method_text[SIP_CTX_METHOD_MAX];
	char branch[SIP_BRANCH_MAX];
};

enum { SIP_STX_ROOM = 672 }; /* octets of texts that need no memory of their own */

/* What a server transaction needs at work. What a copy of the request needs stands together, the
 * start of `room` included: it comes when all of this is cold. */
struct sip_stx_rest {
	struct sip_flow flow;       /* where it came from */
	const struct sip_msg *live; /* while the request is being handed up */
	char *request;              /* copy of it until the final answer; owned */
	size_t request_len;
	struct buf note; /* lines for its 2xx (sip_stx_note) */
	void *watcher;   /* arg of on_event */
	char to_tag[SIP_TAG_MAX];
	struct sip_flow path; /* where answers go */
	char *response;       /* the last one sent: behind `text`, or owned */
	size_t response_len;
	char *text; /* key, merge key, top Via: in `room`, or owned */
	uint16_t key_len, merge_len, via_len;
	char room[SIP_STX_ROOM];
};

/* A server transaction: what its end touches, since 100,000 that end together are cold memory. */
struct sip_stx {
	struct pool_item item;
	struct sip_tx_layer *layer;
	struct list all;
	struct hash_node node, merge_node;
	struct sip_tx_timers timers;
	sip_stx_fn *on_event; /* with rest.watcher */
	uint16_t status;      /* of the response, 0 none */
	uint8_t machine, state;
	uint8_t method;
	bool is_held;     /* the core owes a final answer: not freed before */
	bool is_reliable; /* the transport */
	bool has_memory;  /* the rest owns some */
};

/* tx.c */
uint64_t sip_tx_life_ms(const struct sip_tx_layer *layer, enum sip_tx_life life, bool is_reliable);
/* What a row does to the timers; nothing is sent again over a reliable transport. */
void sip_tx_set_timers(const struct sip_tx_layer *layer, const struct sip_tx_row *row,
		       struct sip_tx_timers *timers, bool is_reliable);
bool sip_tx_has_room(const struct sip_tx_layer *layer);
/* Answers without a transaction (8.2.7). `reason` NULL: standard. */
/* Asks the core whether this may begin anything (handlers.may_begin). False: it has been answered,
 * or shall not be. */
bool sip_tx_may_begin(struct sip_tx_layer *layer, const struct sip_flow *flow,
		      const struct sip_msg *request);
void sip_tx_answer_stateless(struct sip_tx_layer *layer, const struct sip_flow *flow,
			     const struct sip_msg *request, const struct sip_reply *reply);
void sip_tx_count_response_out(struct sip_tx_layer *layer, uint16_t status);

/* tx_client.c */
void sip_ctx_receive(struct sip_tx_layer *layer, const struct sip_msg *response);
void sip_ctx_fail_flow(struct sip_tx_layer *layer, const struct sip_flow *flow);
void sip_ctx_free_all(struct sip_tx_layer *layer);
bool sip_ctx_match(const struct hash_node *node, const void *key);
bool sip_ctx_match_remote(const struct hash_node *node, const void *key);

/* tx_server.c */
void sip_stx_receive(struct sip_tx_layer *layer, const struct sip_flow *flow,
		     const struct sip_msg *request);
void sip_stx_free_all(struct sip_tx_layer *layer);
bool sip_stx_match(const struct hash_node *node, const void *key);
bool sip_stx_match_merge(const struct hash_node *node, const void *key);

#endif
