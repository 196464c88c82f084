/* Requests of a call on their way (sip/sender.h). ACK of a 2xx is one of them, but no transaction.
 */
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
	case CALL_TX_UPDATE:
		call_exchange_failed(tx, err);
		break;
	case CALL_TX_PRACK:
		call_prack_done(tx, NULL);
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
	case CALL_TX_UPDATE:
		call_update_response(tx, response);
		break;
	case CALL_TX_PRACK:
		call_prack_done(tx, response);
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

/* A NOTIFY that was sent after the BYE and came first makes it out of order (12.2.2): the peer
 * would stay in the call. */
static bool bye_again(struct call_tx *tx, const struct sip_msg *response)
{
	if (tx->kind != CALL_TX_BYE || response->status != 500 ||
	    tx->cseq == tx->dialog->local_cseq || tx->overtaken == SIP_REQUEST_OVERTAKEN_MAX)
		return false;
	tx->overtaken++;
	tx->cseq = ++tx->dialog->local_cseq;
	return call_tx_send(tx) == 0;
}

static void on_response(void *arg, const struct sip_msg *response)
{
	bool is_challenged = response->status == 401 || response->status == 407;

	if (is_challenged && call_auth_again(arg, response))
		return;
	if (bye_again(arg, response))
		return;
	if (response->status >= 200 && response->status < 300)
		call_auth_answered(arg, response);
	answered(arg, response);
}

static void on_failed(void *arg, int err)
{
	failed(arg, err);
}

static void on_gone(void *arg)
{
	struct call_tx *tx = arg;
	struct sip_call *call = tx->call;

	call_tx_free(tx);
	call_free_if_idle(call);
}

/* It could not even be sent. */
static void on_unsent(void *arg, int err)
{
	struct call_tx *tx = arg;
	struct sip_call *call = tx->call;
	struct list *it, *tmp;

	if (tx->kind == CALL_TX_ACK) {
		on_gone(tx);
		return;
	}
	failed(tx, err);
	/* Being over the call frees what was not sent; whether this one still lives is told by the
	 * list. */
	LIST_FOREACH (it, tmp, &call->txs) {
		if (it == &tx->node && !tx->sender.ctx) {
			call_tx_free(tx);
			break;
		}
	}
	call_free_if_idle(call);
}

static bool may_retry(const void *arg)
{
	const struct call_tx *tx = arg;

	return tx->call->state != SIP_CALL_ENDING || tx->kind == CALL_TX_BYE;
}

/* Writing
 * -------------------------------------------------------------------------------------------------------
 */

static bool is_invite(const struct call_tx *tx)
{
	return tx->kind == CALL_TX_INVITE || tx->kind == CALL_TX_REINVITE;
}

static int write_request(void *arg, const struct sip_flow *flow, struct buf *buf,
			 char branch[SIP_BRANCH_MAX])
{
	struct call_tx *tx = arg;
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
	if (tx->kind == CALL_TX_INVITE && ua->rel == SIP_100REL_REQUIRED)
		sip_build_header(buf, "Require", "100rel");
	if (is_invite(tx) || tx->kind == CALL_TX_UPDATE) {
		err = call_add_contact(tx->call, flow, buf);
		if (err)
			return err;
		ua_add_capabilities_asking(ua, buf);
		if (is_invite(tx) || tx->call->state == SIP_CALL_ESTABLISHED)
			call_timer_add(tx->call, buf); /* before the answer there is no session */
	}
	if (*ua->product)
		sip_build_header(buf, "User-Agent", "%s", ua->product);
	if (tx->headers)
		buf_adds(buf, tx->headers);
	buf_addslice(buf, buf_slice(&tx->credentials));
	sip_build_end(buf, tx->content_type, buf_slice(&tx->body));
	return buf_err(buf);
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

static uint32_t count_acks_of(const struct sip_call *call, uint32_t cseq)
{
	const struct list *it;
	uint32_t count = 0;

	for (it = call->acks.next; it != &call->acks; it = it->next)
		count += LIST_ENTRY(it, const struct call_ack, node)->cseq == cseq;
	return count;
}

/* Of so many answers only: a callee can make up as many tags as it likes. */
static int remember_ack(struct sip_call *call, uint32_t cseq, struct slice tag)
{
	struct call_ack *ack;

	if (count_acks_of(call, cseq) == CALL_ACKS_MAX)
		return ERR_LIMIT;
	ack = calloc(1, sizeof(*ack));
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

static int send_ack(void *arg, const struct sip_flow *flow, struct buf *buf)
{
	struct call_tx *tx = arg;
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

static const struct sip_sender_ops sender_ops = {
	.write = write_request,
	.on_response = on_response,
	.on_failed = on_failed,
	.on_unsent = on_unsent,
	.on_gone = on_gone,
	.may_retry = may_retry,
};

static const struct sip_sender_ops ack_ops = {
	.write = write_request,
	.send = send_ack,
	.on_unsent = on_unsent,
};

bool call_tx_next_target(struct call_tx *tx)
{
	return sip_sender_next(&tx->sender);
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

int call_tx_send(struct call_tx *tx)
{
	struct sip_call *call = tx->call;
	bool is_on_flow = call->is_on_flow && !tx->dialog->route_count;
	int err = ua_locate(call->ua, tx->dialog, &call->flow, &is_on_flow);

	if (err)
		return err;
	return sip_sender_start(
		&tx->sender,
		&(struct sip_sender_start){
			.method = slice_of(tx->method),
			.hop = sip_dialog_hop(tx->dialog),
			.target = slice_of(tx->dialog->remote_target),
			.last = &call->flow,
			.is_on_flow = is_on_flow,
			.is_secure = call->is_secure && !tx->dialog->route_count,
			.is_new = tx->kind == CALL_TX_INVITE && tx->credentials.len == 0,
		});
}

int call_tx_again(struct call_tx *tx)
{
	if (tx->call->state == SIP_CALL_ENDING)
		return ERR_STATE;
	tx->cseq = ++tx->dialog->local_cseq;
	call_auth_prepare(tx); /* no nonce count is used twice */
	return call_tx_send(tx);
}

int call_tx_start(struct sip_call *call, const struct call_tx_new *from, struct call_tx **ret_tx)
{
	struct call_tx *tx;
	int err;

	if (has_too_many(call) && from->kind != CALL_TX_BYE)
		return ERR_LIMIT;
	tx = calloc(1, sizeof(*tx));
	if (!tx)
		return -ENOMEM;
	tx->call = call;
	tx->kind = from->kind;
	tx->dialog = from->dialog;
	tx->cseq = from->cseq;
	tx->on_reply = from->on_reply;
	tx->arg = from->arg;
	sip_sender_init(&tx->sender, call->ua, from->kind == CALL_TX_ACK ? &ack_ops : &sender_ops,
			tx);
	list_append(&call->txs, &tx->node);
	err = copy_parts(tx, from);
	if (ret_tx && !err)
		*ret_tx = tx; /* before anything can happen to it */
	if (!err) {
		call_auth_prepare(tx);
		err = call_tx_send(tx);
	}
	if (err) {
		if (ret_tx)
			*ret_tx = NULL;
		call_tx_free(tx);
	}
	return err;
}

void call_tx_free(struct call_tx *tx)
{
	struct sip_call *call = tx->call;

	sip_sender_done(&tx->sender);
	if (is_invite(tx))
		free_acks_of(call, tx->cseq, false);
	if (call->invite == tx)
		call->invite = NULL;
	if (call->exchange == tx)
		call_exchange_over(call);
	list_remove(&tx->node);
	free(tx->method);
	free(tx->headers);
	free(tx->content_type);
	buf_done(&tx->body);
	buf_done(&tx->credentials);
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
