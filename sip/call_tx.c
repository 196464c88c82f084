/* Requests of a call on their way: the next hop is resolved, the message is written for it, and a
 * target that fails is followed by the next (RFC 3263 4.3). ACK of a 2xx is one of them, but no
 * transaction. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/ua_priv.h"

/* What became of it
 * ------------------------------------------------------------------------------------------ */

static void failed(struct call_tx *tx, int err)
{
	switch (tx->kind) {
	case CALL_TX_INVITE:
		call_uac_failed(tx, err);
		break;
	case CALL_TX_REINVITE:
		call_reinvite_failed(tx, err);
		break;
	case CALL_TX_BYE:
		call_bye_done(tx, NULL);
		break;
	case CALL_TX_REQUEST:
		call_request_done(tx, NULL);
		break;
	case CALL_TX_ACK: /* the 2xx comes again, and with it the ACK */
		break;
	}
}

static void answered(struct call_tx *tx, const struct sip_msg *response)
{
	switch (tx->kind) {
	case CALL_TX_INVITE:
		call_uac_response(tx, response);
		break;
	case CALL_TX_REINVITE:
		call_reinvite_response(tx, response);
		break;
	case CALL_TX_BYE:
		call_bye_done(tx, response);
		break;
	case CALL_TX_REQUEST:
		call_request_done(tx, response);
		break;
	case CALL_TX_ACK:
		break;
	}
}

static void on_ctx(void *arg, struct sip_ctx *ctx, const struct sip_msg *response, int err)
{
	struct call_tx *tx = arg;

	assert(ctx == tx->ctx);
	if (response) {
		answered(tx, response);
	} else if (err == ERR_SIP_TRANSPORT && call_tx_next_target(tx)) {
		return;
	} else if (err) {
		failed(tx, err);
	} else {
		struct sip_call *call = tx->call;

		tx->ctx = NULL;
		call_tx_free(tx);
		call_free_if_idle(call);
	}
}

/* It could not even be sent. */
static void on_soon(void *arg)
{
	struct call_tx *tx = arg;
	struct sip_call *call = tx->call;

	if (tx->kind == CALL_TX_ACK) {
		call_tx_free(tx);
		call_free_if_idle(call);
		return;
	}
	failed(tx, tx->err);
	/* Being over the call frees what was not sent; whether this one still lives is told by the
	 * list. */
	struct list *it, *tmp;
	LIST_FOREACH (it, tmp, &call->txs) {
		if (it == &tx->node && !tx->ctx) {
			call_tx_free(tx);
			break;
		}
	}
	call_free_if_idle(call);
}

static void fail_soon(struct call_tx *tx, int err)
{
	tx->err = err;
	timer_start(tx->call->ua->wheel, &tx->soon, 0);
}

/* Writing
 * -------------------------------------------------------------------------------------------------------
 */

static bool is_invite(const struct call_tx *tx)
{
	return tx->kind == CALL_TX_INVITE || tx->kind == CALL_TX_REINVITE;
}

static int write_request(struct call_tx *tx, const struct sip_flow *flow, struct buf *buf,
			 char branch[SIP_BRANCH_MAX])
{
	const struct sip_ua *ua = tx->call->ua;
	struct slice method = slice_of(tx->method);
	int err;

	err = sip_tx_begin(
		ua->tx, &(struct sip_tx_request){*flow, method, sip_dialog_request_uri(tx->dialog)},
		buf, branch);
	if (err)
		return err;
	sip_dialog_add_routes(tx->dialog, buf);
	sip_dialog_add_fields(tx->dialog, tx->cseq, method, buf);
	if (is_invite(tx)) {
		err = call_add_contact(tx->call, flow, buf);
		if (err)
			return err;
		ua_add_capabilities(ua, buf);
	}
	if (*ua->product)
		sip_build_header(buf, "User-Agent", "%s", ua->product);
	if (tx->headers)
		buf_adds(buf, tx->headers);
	sip_build_end(buf, tx->content_type, buf_slice(&tx->body));
	return buf_err(buf);
}

/* A peer on a stream is met again on the connection that it made (RFC 5923 in spirit): its Contact
 * names the address it comes from, but hardly a port that it listens on. */
static struct sip_flow flow_of(const struct call_tx *tx)
{
	const struct sip_target *target = &tx->targets[tx->target_at];
	const struct sip_flow *last = &tx->call->flow;
	struct sip_flow flow = {.proto = target->proto, .remote = target->addr};

	if (last->proto == target->proto && last->connection &&
	    addr_eq_ip(&last->remote, &target->addr))
		flow.connection = last->connection;
	return flow;
}

/* Acknowledgements
 * --------------------------------------------------------------------------------------------------
 */

static struct call_ack *find_ack(struct sip_call *call, uint32_t cseq, struct slice tag)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &call->acks) {
		struct call_ack *ack = LIST_ENTRY(it, struct call_ack, node);

		if (ack->cseq == cseq && slice_is(tag, ack->tag))
			return ack;
	}
	return NULL;
}

static void free_ack(struct call_ack *ack)
{
	list_remove(&ack->node);
	buf_done(&ack->text);
	free(ack->tag);
	free(ack);
}

static void free_acks_of(struct sip_call *call, uint32_t cseq, bool all)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &call->acks) {
		struct call_ack *ack = LIST_ENTRY(it, struct call_ack, node);

		if (all || ack->cseq == cseq)
			free_ack(ack);
	}
}

void call_acks_free(struct sip_call *call)
{
	free_acks_of(call, 0, true);
}

static int remember_ack(struct sip_call *call, uint32_t cseq, struct slice tag)
{
	struct call_ack *ack = calloc(1, sizeof(*ack));

	if (!ack)
		return -ENOMEM;
	ack->cseq = cseq;
	ack->tag = slice_dup(tag);
	if (!ack->tag) {
		free(ack);
		return -ENOMEM;
	}
	list_append(&call->acks, &ack->node);
	return 0;
}

bool call_ack_again(struct sip_call *call, uint32_t cseq, const struct sip_msg *response,
		    bool *ret_is_failed)
{
	struct slice tag = SLICE("");
	struct call_ack *ack;
	struct sip_addr to;

	if (sip_msg_addr(response, SIP_H_TO, &to) == 0 && slice_present(sip_addr_tag(&to)))
		tag = sip_addr_tag(&to);
	ack = find_ack(call, cseq, tag);
	if (!ack) {
		*ret_is_failed = remember_ack(call, cseq, tag) != 0;
		return false;
	}
	if (ack->text.len > 0) {
		call->ua->stats.retransmits_out++;
		(void)sip_tx_send(call->ua->tx, &ack->flow, buf_slice(&ack->text));
	}
	return true;
}

static int send_ack(struct call_tx *tx, const struct sip_flow *flow, struct buf *buf)
{
	struct call_ack *ack = find_ack(tx->call, tx->cseq, slice_of(tx->dialog->remote_tag));
	int err = sip_tx_send(tx->call->ua->tx, flow, buf_slice(buf));

	if (ack) {
		buf_done(&ack->text);
		ack->text = *buf;
		*buf = BUF_INIT;
		ack->flow = *flow;
	}
	return err;
}

/* Sending
 * -------------------------------------------------------------------------------------------------------------
 */

static int send_request(struct call_tx *tx, const struct sip_flow *flow, const char *branch,
			struct buf *buf)
{
	struct sip_call *call = tx->call;
	int err;

	err = sip_ctx_new(call->ua->tx,
			  &(struct sip_ctx_params){
				  .flow = *flow,
				  .branch = branch,
				  .method = sip_method_parse(slice_of(tx->method)),
				  .method_text = slice_of(tx->method),
				  .message = buf,
				  .on_event = on_ctx,
				  .arg = tx,
			  },
			  &tx->ctx);
	if (!err)
		call->flow = *sip_ctx_flow(tx->ctx);
	return err;
}

static int try_target(struct call_tx *tx)
{
	struct sip_flow flow = flow_of(tx);
	char branch[SIP_BRANCH_MAX];
	struct buf buf = BUF_INIT;
	int err;

	err = write_request(tx, &flow, &buf, branch);
	if (!err && tx->kind == CALL_TX_ACK)
		err = send_ack(tx, &flow, &buf);
	else if (!err)
		err = send_request(tx, &flow, branch, &buf);
	buf_done(&buf);
	return err;
}

static void send_now(struct call_tx *tx)
{
	int err = ERR_SIP_NO_ROUTE;

	for (; tx->target_at < tx->target_count; tx->target_at++) {
		err = try_target(tx);
		if (!err)
			break;
	}
	if (err || tx->kind == CALL_TX_ACK)
		fail_soon(tx, err); /* an ACK is done; its memory goes the same way */
}

bool call_tx_next_target(struct call_tx *tx)
{
	if (tx->call->state == SIP_CALL_ENDING && tx->kind != CALL_TX_BYE)
		return false;
	if (tx->target_at + 1 >= tx->target_count)
		return false;
	tx->target_at++;
	sip_ctx_detach(tx->ctx);
	tx->ctx = NULL;
	send_now(tx);
	return true;
}

/* What goes to a sips: URI takes no hop in the clear, whatever a Route says (RFC 3261 26.2.2). */
static bool hop_is_fit(const struct call_tx *tx, enum sip_proto proto)
{
	struct sip_uri uri;

	if (proto == SIP_TLS || proto == SIP_WSS)
		return true;
	return sip_uri_parse(slice_of(tx->dialog->remote_target), &uri) ||
	       uri.scheme != SIP_SCHEME_SIPS;
}

static void on_targets(void *arg, int err, const struct sip_target *targets, uint32_t count)
{
	struct call_tx *tx = arg;

	if (err) {
		fail_soon(tx, err);
		return;
	}
	assert(count <= SIP_TARGETS_MAX);
	if (!hop_is_fit(tx, targets[0].proto)) {
		fail_soon(tx, ERR_SIP_NO_ROUTE);
		return;
	}
	memcpy(tx->targets, targets, count * sizeof(*targets));
	tx->target_count = count;
	send_now(tx);
}

static int copy_parts(struct call_tx *tx, const struct call_tx_new *from)
{
	tx->method = slice_dup(slice_of(from->method));
	if (from->headers)
		tx->headers = slice_dup(slice_of(from->headers));
	if (from->content_type)
		tx->content_type = slice_dup(slice_of(from->content_type));
	if (from->body.len > 0)
		buf_addslice(&tx->body, from->body);
	if (!tx->method || (from->headers && !tx->headers) ||
	    (from->content_type && !tx->content_type))
		return -ENOMEM;
	return buf_err(&tx->body);
}

static bool has_too_many(struct sip_call *call)
{
	struct list *it, *tmp;
	uint32_t count = 0;

	LIST_FOREACH (it, tmp, &call->txs)
		count++;
	return count >= CALL_TXS_MAX;
}

int call_tx_start(struct sip_call *call, const struct call_tx_new *from, struct call_tx **ret_tx)
{
	struct sip_uri hop;
	struct call_tx *tx;
	int err;

	if (has_too_many(call) && from->kind != CALL_TX_BYE)
		return ERR_LIMIT;
	err = sip_uri_parse(sip_dialog_hop(from->dialog), &hop);
	if (err)
		return err;
	tx = calloc(1, sizeof(*tx));
	if (!tx)
		return -ENOMEM;
	tx->call = call;
	tx->kind = from->kind;
	tx->dialog = from->dialog;
	tx->cseq = from->cseq;
	tx->on_reply = from->on_reply;
	tx->arg = from->arg;
	timer_init(&tx->soon, on_soon, tx);
	list_init(&tx->query.node);
	list_append(&call->txs, &tx->node);
	err = copy_parts(tx, from);
	if (err) {
		call_tx_free(tx);
		return err;
	}
	if (ret_tx)
		*ret_tx = tx; /* before anything can happen to it */
	tx->query.on_targets = on_targets;
	tx->query.arg = tx;
	sip_resolve(call->ua->resolver, &hop, &tx->query);
	return 0;
}

void call_tx_free(struct call_tx *tx)
{
	struct sip_call *call = tx->call;

	sip_query_cancel(&tx->query);
	if (tx->ctx)
		sip_ctx_detach(tx->ctx);
	timer_stop(call->ua->wheel, &tx->soon);
	if (is_invite(tx))
		free_acks_of(call, tx->cseq, false);
	if (call->invite == tx)
		call->invite = NULL;
	if (call->reinvite == tx)
		call_reinvite_over(call);
	list_remove(&tx->node);
	free(tx->method);
	free(tx->headers);
	free(tx->content_type);
	buf_done(&tx->body);
	free(tx);
}

void call_send_ack(struct sip_call *call, struct sip_dialog *dialog, uint32_t cseq,
		   struct slice answer)
{
	/* When it cannot be started, the 2xx comes again without an ACK and the peer gives up. */
	(void)call_tx_start(call,
			    &(struct call_tx_new){
				    .kind = CALL_TX_ACK,
				    .dialog = dialog,
				    .method = "ACK",
				    .cseq = cseq,
				    .content_type = answer.len > 0 ? "application/sdp" : NULL,
				    .body = answer,
			    },
			    NULL);
}

void call_send_bye(struct sip_call *call, struct sip_dialog *dialog)
{
	bool is_main = dialog == call->dialog;
	int err;

	if (is_main)
		call->state = SIP_CALL_ENDING;
	err = call_tx_start(call,
			    &(struct call_tx_new){
				    .kind = CALL_TX_BYE,
				    .dialog = dialog,
				    .method = "BYE",
				    .cseq = ++dialog->local_cseq,
				    .headers = call->end_headers,
			    },
			    NULL);
	if (err && is_main)
		call_end_soon(call);
}
