/* Client transactions (RFC 3261 17.1, RFC 6026 7.2, 8.4), driven by sip/tx_table.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/tx_priv.h"

struct client_key {
	struct slice branch, method;
};

struct remote_key {
	const struct sip_flow *flow;
};

/* Tables
 * ------------------------------------------------------------------------------------------- */

static uint64_t client_hash(const struct client_key *key)
{
	return hash_mix(hash_slice(key->branch), hash_slice(key->method));
}

bool sip_ctx_match(const struct hash_node *node, const void *key)
{
	const struct sip_ctx *tx = CONTAINER_OF(node, struct sip_ctx, node);
	const struct client_key *want = key;

	return slice_is(want->branch, tx->branch) && slice_is(want->method, tx->method_text);
}

static uint64_t remote_hash(const struct sip_flow *flow)
{
	return hash_mix(addr_hash(&flow->remote), flow->proto);
}

bool sip_ctx_match_remote(const struct hash_node *node, const void *key)
{
	const struct sip_ctx *tx = CONTAINER_OF(node, struct sip_ctx, remote_node);
	const struct remote_key *want = key;
	uint64_t connection = want->flow->connection;

	if (tx->flow.proto != want->flow->proto || !addr_eq(&tx->flow.remote, &want->flow->remote))
		return false;
	return connection == 0 || tx->flow.connection == 0 || tx->flow.connection == connection;
}

static void unlink_tx(struct sip_ctx *tx)
{
	hash_remove(tx->layer->clients, &tx->node);
	hash_remove(tx->layer->by_remote, &tx->remote_node);
	list_remove(&tx->failing);
}

static void free_tx(struct sip_ctx *tx)
{
	unlink_tx(tx);
	timer_stop(tx->layer->wheel, &tx->timers.resend);
	timer_stop(tx->layer->wheel, &tx->timers.life);
	list_remove(&tx->all);
	tx->layer->stats->client_transactions--;
	buf_done(&tx->message);
	buf_done(&tx->ack);
	free(tx);
}

void sip_ctx_free_all(struct sip_tx_layer *layer)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &layer->all_clients)
		free_tx(LIST_ENTRY(it, struct sip_ctx, all));
}

/* Sending
 * ------------------------------------------------------------------------------------------- */

static bool send_text(struct sip_ctx *tx, const struct buf *text)
{
	struct sip_net *net = &tx->layer->net;

	return net->ops->send(net->ctx, &tx->flow, buf_slice(text), &tx->flow) == 0;
}

/* Header fields that ACK and CANCEL copy from the request (9.1, 17.1.1.3). */
static void copy_request_fields(struct buf *buf, const struct sip_msg *request, struct slice to,
				const char *method)
{
	const struct sip_header *route = NULL;
	struct sip_cseq cseq = {0};
	struct sip_via via = {0};

	(void)sip_msg_via(request, &via);
	(void)sip_msg_cseq(request, &cseq);
	sip_build_header_slice(buf, "Via", via.text);
	while ((route = sip_msg_next(request, SIP_H_ROUTE, route)))
		sip_build_header_slice(buf, "Route", sip_header_value(request, route));
	sip_build_header(buf, "Max-Forwards", "70");
	sip_build_header_slice(buf, "From", sip_msg_value(request, SIP_H_FROM));
	sip_build_header_slice(buf, "To", to);
	sip_build_header_slice(buf, "Call-ID", sip_msg_value(request, SIP_H_CALL_ID));
	sip_build_header(buf, "CSeq", "%u %s", cseq.number, method);
}

/* The ACK of a refusal is part of the transaction: same branch, To with the answer's tag
 * (17.1.1.3). */
static void build_ack(struct sip_ctx *tx, const struct sip_msg *response)
{
	struct sip_msg request;

	if (tx->ack.len > 0 || sip_msg_parse(tx->message.p, tx->message.len, &request))
		return;
	sip_build_request(&tx->ack, SLICE("ACK"), request.request_uri);
	copy_request_fields(&tx->ack, &request, sip_msg_value(response, SIP_H_TO), "ACK");
	sip_build_end(&tx->ack, NULL, SLICE_NONE);
	if (buf_err(&tx->ack))
		buf_done(&tx->ack);
}

/* The machine
 * ---------------------------------------------------------------------------------------- */

static void tell(struct sip_ctx *tx, const struct sip_msg *response, int err)
{
	if (tx->on_event)
		tx->on_event(tx->arg, tx, response, err);
}

/* Freed from the timer, so that whoever is on the stack may still look at it. */
static void terminate(struct sip_ctx *tx)
{
	unlink_tx(tx);
	timer_stop(tx->layer->wheel, &tx->timers.resend);
	timer_start(tx->layer->wheel, &tx->timers.life, 0);
}

static void handle(struct sip_ctx *tx, enum sip_tx_event event, const struct sip_msg *response)
{
	const struct sip_tx_row *row = sip_tx_row(tx->machine, tx->state, event);
	bool was_over = tx->state == SIP_TX_TERMINATED;
	bool is_sent = true;

	assert(row->is_listed);
	tx->state = row->next;
	sip_tx_set_timers(tx->layer, row, &tx->timers, sip_proto_is_reliable(tx->flow.proto));
	if (tx->state == SIP_TX_TERMINATED && !was_over)
		terminate(tx);
	if (row->actions & SIP_TX_DO_RESEND) {
		tx->layer->stats->retransmits_out++;
		is_sent = send_text(tx, &tx->message);
	}
	if (row->actions & SIP_TX_DO_ACK) {
		build_ack(tx, response);
		is_sent = tx->ack.len == 0 || send_text(tx, &tx->ack);
	}
	if (row->actions & SIP_TX_DO_PASS)
		tell(tx, response, 0);
	if (row->actions & SIP_TX_DO_TIMEOUT)
		tell(tx, NULL, ERR_SIP_TIMEOUT);
	if (row->actions & SIP_TX_DO_REPORT)
		tell(tx, NULL, ERR_SIP_TRANSPORT);
	if (!is_sent)
		handle(tx, SIP_TX_ERROR, NULL);
}

static void on_resend(void *arg)
{
	handle(arg, SIP_TX_RESEND, NULL);
}

static void on_life(void *arg)
{
	struct sip_ctx *tx = arg;

	if (tx->state != SIP_TX_TERMINATED) {
		handle(tx, SIP_TX_EXPIRE, NULL);
		return;
	}
	tell(tx, NULL, 0);
	free_tx(tx);
}

void sip_ctx_receive(struct sip_tx_layer *layer, const struct sip_msg *response)
{
	struct client_key key;
	struct hash_node *node = NULL;
	struct sip_overload wish;
	struct sip_cseq cseq;
	struct sip_via via;

	layer->stats->responses_in[response->status / 100]++;
	if (sip_msg_via(response, &via) == 0 && sip_msg_cseq(response, &cseq) == 0) {
		key = (struct client_key){via.branch, cseq.method_text};
		node = hash_find(layer->clients, client_hash(&key), &key);
	}
	if (!node) {
		layer->stats->stray_responses++;
		return;
	}
	struct sip_ctx *tx = CONTAINER_OF(node, struct sip_ctx, node);

	if (layer->has_overload_control && sip_overload_read(&via, &wish))
		sip_overload_heard(&layer->overloaded, &tx->flow.remote, &wish,
				   wheel_now_ms(layer->wheel));
	if (response->status < 200)
		handle(tx, SIP_TX_GOT_1XX, response);
	else if (response->status < 300)
		handle(tx, SIP_TX_GOT_2XX, response);
	else
		handle(tx, SIP_TX_GOT_FINAL, response);
}

/* Every transaction on the flow; collected first, since the core may start new ones meanwhile. */
void sip_ctx_fail_flow(struct sip_tx_layer *layer, const struct sip_flow *flow)
{
	struct remote_key key = {flow};
	uint64_t h = remote_hash(flow);
	struct list failing;
	struct hash_node *node;

	list_init(&failing);
	while ((node = hash_find(layer->by_remote, h, &key))) {
		struct sip_ctx *tx = CONTAINER_OF(node, struct sip_ctx, remote_node);

		hash_remove(layer->by_remote, node);
		list_append(&failing, &tx->failing);
	}
	while (!list_empty(&failing)) {
		struct sip_ctx *tx = LIST_ENTRY(failing.next, struct sip_ctx, failing);

		list_remove(&tx->failing);
		hash_add(layer->by_remote, &tx->remote_node, remote_hash(&tx->flow));
		handle(tx, SIP_TX_ERROR, NULL);
	}
}

/* Creation
 * --------------------------------------------------------------------------------------------- */

static struct sip_ctx *alloc_tx(struct sip_tx_layer *layer, const struct sip_ctx_params *params)
{
	struct sip_ctx *tx = calloc(1, sizeof(*tx));

	if (!tx)
		return NULL;
	tx->layer = layer;
	tx->flow = params->flow;
	tx->machine = params->method == SIP_METHOD_INVITE ? SIP_TX_INVITE_CLIENT : SIP_TX_CLIENT;
	tx->state = SIP_TX_TRYING;
	tx->method = (uint8_t)params->method;
	slice_cstr(params->method_text, tx->method_text, sizeof(tx->method_text));
	slice_cstr(slice_of(params->branch), tx->branch, sizeof(tx->branch));
	timer_init(&tx->timers.resend, on_resend, tx);
	timer_init(&tx->timers.life, on_life, tx);
	list_init(&tx->failing);
	list_append(&layer->all_clients, &tx->all);
	layer->stats->client_transactions++;
	return tx;
}

static void start(struct sip_ctx *tx)
{
	struct sip_tx_layer *layer = tx->layer;
	struct client_key key = {slice_of(tx->branch), slice_of(tx->method_text)};

	hash_add(layer->clients, &tx->node, client_hash(&key));
	hash_add(layer->by_remote, &tx->remote_node, remote_hash(&tx->flow));
	tx->timers.interval_ms = layer->t1_ms;
	if (!sip_proto_is_reliable(tx->flow.proto))
		timer_start(layer->wheel, &tx->timers.resend, tx->timers.interval_ms);
	timer_start(layer->wheel, &tx->timers.life, sip_tx_life_ms(layer, SIP_TX_LIFE_64T1, false));
}

int sip_ctx_new(struct sip_tx_layer *layer, const struct sip_ctx_params *params,
		struct sip_ctx **ret_tx)
{
	struct sip_ctx *tx;
	int err;

	assert(params->branch && params->message);
	if (params->method_text.len == 0 || params->method_text.len >= SIP_CTX_METHOD_MAX)
		return -EINVAL;
	if (buf_err(params->message))
		return buf_err(params->message);
	if (!sip_tx_has_room(layer))
		return ERR_LIMIT;
	tx = alloc_tx(layer, params);
	if (!tx)
		return -ENOMEM;
	err = layer->net.ops->send(layer->net.ctx, &params->flow, buf_slice(params->message),
				   &tx->flow);
	if (err) {
		free_tx(tx);
		return err;
	}
	layer->stats->requests_out[params->method]++;
	tx->message = *params->message;
	*params->message = BUF_INIT;
	tx->on_event = params->on_event;
	tx->arg = params->arg;
	start(tx);
	*ret_tx = tx;
	return 0;
}

const struct sip_flow *sip_ctx_flow(const struct sip_ctx *tx)
{
	return &tx->flow;
}

int sip_ctx_cancel(struct sip_ctx *tx, const char *headers)
{
	struct buf buf = BUF_INIT;
	struct sip_ctx *cancel;
	struct sip_msg request;
	int err;

	if (tx->machine != SIP_TX_INVITE_CLIENT || tx->state != SIP_TX_PROCEEDING)
		return ERR_STATE;
	err = sip_msg_parse(tx->message.p, tx->message.len, &request);
	if (err)
		return err;
	sip_build_request(&buf, SLICE("CANCEL"), request.request_uri);
	copy_request_fields(&buf, &request, sip_msg_value(&request, SIP_H_TO), "CANCEL");
	if (headers)
		buf_adds(&buf, headers);
	sip_build_end(&buf, NULL, SLICE_NONE);
	err = sip_ctx_new(tx->layer,
			  &(struct sip_ctx_params){
				  .flow = tx->flow,
				  .branch = tx->branch,
				  .method = SIP_METHOD_CANCEL,
				  .method_text = SLICE("CANCEL"),
				  .message = &buf,
			  },
			  &cancel);
	buf_done(&buf);
	return err;
}

void sip_ctx_detach(struct sip_ctx *tx)
{
	tx->on_event = NULL;
}

void sip_ctx_abandon(struct sip_ctx *tx)
{
	if (tx->state == SIP_TX_TERMINATED)
		return;
	tx->state = SIP_TX_TERMINATED;
	terminate(tx);
}
