/* Requests inside a dialog, from either side: BYE, ACK, and those that the application sees. */
#include <stdlib.h>

#include "base/err.h"
#include "sip/ua_priv.h"

/* Theirs
 * ------------------------------------------------------------------------------------------------------
 */

/* 15.1.2. An INVITE that still waits is answered 487; a BYE may also be for an early dialog (15).
 */
static void on_bye(struct sip_call *call, struct sip_stx *tx, const struct sip_msg *bye)
{
	(void)ua_reply(tx, 200, NULL);
	if (call->is_over)
		return;
	if (call->stx && !sip_stx_is_final(call->stx))
		(void)ua_reply(call->stx, 487, NULL);
	call_set_end(call, SIP_END_REMOTE, 0, SLICE("BYE"));
	call_end(call, bye);
}

static bool is_early_fork(const struct sip_call *call, const struct sip_dialog *dialog)
{
	return dialog != call->dialog;
}

void call_on_request(struct sip_call *call, struct sip_dialog *dialog, struct sip_stx *tx,
		     const struct sip_msg *request)
{
	if (is_early_fork(call, dialog) && request->method != SIP_METHOD_UPDATE) {
		/* A callee that has not answered yet has nothing to ask of us but UPDATE. */
		(void)ua_reply(tx, request->method == SIP_METHOD_INVITE ? 491 : 481, NULL);
		return;
	}
	switch (request->method) {
	case SIP_METHOD_INVITE:
		call_reinvited(call, tx, request);
		break;
	case SIP_METHOD_BYE:
		on_bye(call, tx, request);
		break;
	case SIP_METHOD_PRACK:
		call_pracked(call, tx, request);
		break;
	case SIP_METHOD_UPDATE:
		call_updated(call, dialog, tx, request);
		break;
	default:
		if (!ua_info_is_served(call->ua, tx, request))
			break;
		if (call->handlers.on_request && call->state != SIP_CALL_ENDING)
			call->handlers.on_request(call->arg, call, tx, request);
		else
			(void)ua_reply(tx, call->state == SIP_CALL_ENDING ? 481 : 405, NULL);
		break;
	}
}

void call_on_ack(struct sip_call *call, const struct sip_msg *ack)
{
	struct sip_cseq cseq;

	if (!call->waits_ack || sip_msg_cseq(ack, &cseq) || cseq.number != call->stx_cseq)
		return;
	call_acked(call, ack, true);
}

/* Ours
 * --------------------------------------------------------------------------------------------------------
 */

/* Any final answer ends it, and so does none (15.1.1). */
void call_bye_done(struct call_tx *tx, const struct sip_msg *response)
{
	struct sip_call *call = tx->call;

	if (call->is_over || tx->dialog != call->dialog || (response && response->status < 200))
		return;
	call_end(call, NULL);
}

void call_request_done(struct call_tx *tx, const struct sip_msg *response)
{
	struct sip_call *call = tx->call;
	sip_reply_fn *on_reply = tx->on_reply;

	if (response && response->status < 200)
		return;
	tx->on_reply = NULL;
	if (on_reply && !call->is_over)
		on_reply(tx->arg, call, response);
	if (response && (response->status == 481 || response->status == 408) &&
	    call->state == SIP_CALL_ESTABLISHED) {
		/* The peer knows no such dialog: it is over (12.2.1.2). */
		call_set_end(call, SIP_END_REMOTE, 0, response->reason);
		call_send_bye(call, call->dialog);
	}
}

int sip_call_request(struct sip_call *call, const struct sip_call_request *request)
{
	if (call->state != SIP_CALL_ESTABLISHED)
		return ERR_STATE;
	return call_tx_start(call,
			     &(struct call_tx_new){
				     .kind = CALL_TX_REQUEST,
				     .dialog = call->dialog,
				     .method = request->method,
				     .cseq = ++call->dialog->local_cseq,
				     .headers = request->headers,
				     .content_type = request->content_type,
				     .body = request->body,
				     .on_reply = request->on_reply,
				     .arg = request->arg,
			     },
			     NULL);
}
