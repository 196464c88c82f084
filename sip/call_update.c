/* UPDATE (RFC 3311) from either side: a new description, target or session time before or after the
 * answer, without the three messages of an INVITE. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/ua_priv.h"

/* Ours
 * ------------------------------------------------------------------------------------------------
 */

/* The dialog that an UPDATE of ours may go out in: the call's, or an early one whose first exchange
 * is complete. NULL: none. */
static struct sip_dialog *updatable(struct sip_call *call)
{
	const struct call_fork *fork;

	switch (call->state) {
	case SIP_CALL_ESTABLISHED:
		return call->dialog;
	case SIP_CALL_INCOMING:
		return call->is_agreed && !call->rel.is_waiting ? call->dialog : NULL;
	case SIP_CALL_RINGING:
		fork = call->early ? call_fork_of(call, call->early) : NULL;
		return fork && fork->is_agreed ? fork->dialog : NULL;
	default:
		return NULL;
	}
}

/* Before it is answered, UPDATE would overtake the PRACK that completes the exchange. */
static bool has_prack_under_way(struct sip_call *call)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &call->txs) {
		const struct call_tx *tx = LIST_ENTRY(it, struct call_tx, node);

		if (tx->kind == CALL_TX_PRACK && !tx->is_answered)
			return true;
	}
	return false;
}

bool call_may_update(struct sip_call *call)
{
	return updatable(call) && !has_prack_under_way(call);
}

int call_start_update(struct sip_call *call)
{
	struct sip_dialog *dialog = updatable(call);
	struct offer *offer = call_offer_of(call, dialog);
	struct buf text = BUF_INIT;
	int err = 0;

	if (call->update_has_offer)
		err = offer_write(offer, &text);
	if (!err)
		err = buf_err(&text);
	if (!err)
		err = call_tx_start(call,
				    &(struct call_tx_new){
					    .kind = CALL_TX_UPDATE,
					    .dialog = dialog,
					    .method = "UPDATE",
					    .cseq = ++dialog->local_cseq,
					    .headers = call->update_headers,
					    .content_type = text.len ? "application/sdp" : NULL,
					    .body = buf_slice(&text),
				    },
				    &call->exchange);
	if (err && text.len > 0)
		offer_rollback(offer);
	buf_done(&text);
	return err;
}

int sip_call_update(struct sip_call *call, const struct sip_call_update *update)
{
	struct sip_dialog *dialog = updatable(call);
	char *headers = NULL;

	if (!dialog || !call->offer)
		return ERR_STATE;
	if (!dialog->allows_update)
		return update->has_offer ? sip_call_reinvite(call) : ERR_STATE;
	if (update->headers) {
		headers = slice_dup(slice_of(update->headers));
		if (!headers)
			return -ENOMEM;
	}
	free(call->update_headers);
	call->update_headers = headers;
	call->update_has_offer = update->has_offer ||
				 (call->wants_update && call->update_has_offer);
	call->wants_update = true;
	call->is_refreshing = false;
	call_try_exchange(call);
	return 0;
}

/* Of a callee that was not the one in the end nothing matters any more. */
static bool is_of_interest(struct call_tx *tx)
{
	struct sip_call *call = tx->call;

	return !call->is_over && call->state != SIP_CALL_ENDING &&
	       (call->dialog == NULL || tx->dialog == call->dialog);
}

static void on_updated(struct call_tx *tx, const struct sip_msg *response)
{
	struct sip_call *call = tx->call;
	struct offer *offer = call_offer_of(call, tx->dialog);
	struct slice sdp = ua_sdp(response);
	int err;

	call->is_refreshing = false;
	call->exchange_retries = 0;
	(void)sip_dialog_refresh(tx->dialog, response);
	if (call->state == SIP_CALL_ESTABLISHED)
		call_timer_answered(call, response);
	if (tx->body.len == 0)
		return;
	err = sdp.len > 0 ? offer_read_answer(offer, sdp) : ERR_SDP_MISMATCH;
	if (!err && tx->dialog == call->dialog) {
		call_tell_media(call);
	} else if (!err) {
		call_tell_early(call, offer);
	} else {
		offer_rollback(offer);
		sip_call_hangup(call, NULL);
	}
}

/* Whatever its Allow said. */
static void on_not_allowed(struct call_tx *tx)
{
	struct sip_call *call = tx->call;

	tx->dialog->allows_update = false;
	if (tx->body.len > 0)
		offer_rollback(call_offer_of(call, tx->dialog));
	call->wants_reinvite = call->state == SIP_CALL_ESTABLISHED;
	call_try_exchange(call);
}

void call_update_response(struct call_tx *tx, const struct sip_msg *response)
{
	struct sip_call *call = tx->call;

	if (response->status < 200)
		return;
	if (response->status == 422 && call_timer_too_small(tx, response))
		return;
	if (call->exchange == tx)
		call_exchange_over(call);
	if (!is_of_interest(tx)) {
		call_try_exchange(call);
	} else if (response->status < 300) {
		on_updated(tx, response);
		call_try_exchange(call);
	} else if (response->status == 405 || response->status == 501) {
		on_not_allowed(tx);
	} else {
		call_exchange_refused(tx, response);
	}
}

/* Theirs
 * ----------------------------------------------------------------------------------------------
 */

/* What keeps us from answering their offer now (5.2): 491 when one of ours waits, 500 when an
 * earlier one of theirs does, or the first exchange is not complete. */
static uint16_t obstacle(struct sip_call *call, const struct sip_dialog *dialog)
{
	const struct call_fork *fork = call_fork_of(call, dialog);
	const struct offer *offer = call_offer_of(call, dialog);

	if (fork && !fork->is_agreed)
		return call->invite && call->invite->body.len > 0 ? 491 : 500;
	if (!offer || offer_state(offer) == OFFER_REMOTE)
		return 500;
	if (offer_state(offer) == OFFER_LOCAL || call->waits_answer)
		return 491;
	return call->state == SIP_CALL_INCOMING && !call->is_agreed ? 500 : 0;
}

static int send_200(struct sip_call *call, struct sip_stx *tx, struct slice answer)
{
	struct buf headers = BUF_INIT;
	int err = call_add_contact(call, sip_stx_flow(tx), &headers);

	/* ACCEPTED: it has overtaken the ACK. Before the 2xx there is no session to time. */
	if (!err && (call->state == SIP_CALL_ESTABLISHED || call->state == SIP_CALL_ACCEPTED))
		call_timer_answer(call, &headers);
	if (!err)
		err = buf_err(&headers);
	if (!err)
		err = sip_stx_reply(
			tx, &(struct sip_reply){
				    .status = 200,
				    .headers = headers.p,
				    .content_type = answer.len > 0 ? "application/sdp" : NULL,
				    .body = answer,
			    });
	buf_done(&headers);
	if (err)
		(void)ua_reply(tx, 500, NULL);
	return err;
}

static int answer_offer(struct sip_call *call, struct sip_stx *tx, struct offer *offer,
			struct slice sdp)
{
	struct buf answer = BUF_INIT;
	int err = offer_read(offer, sdp);

	if (!err) {
		err = offer_write_answer(offer, &answer);
		if (err)
			offer_rollback(offer);
	}
	if (!err)
		err = buf_err(&answer);
	if (err)
		(void)ua_reply(tx, call_offer_status(err), NULL);
	else
		err = send_200(call, tx, buf_slice(&answer));
	buf_done(&answer);
	return err;
}

void call_updated(struct sip_call *call, struct sip_dialog *dialog, struct sip_stx *tx,
		  const struct sip_msg *request)
{
	struct slice sdp = ua_sdp(request);
	uint16_t status = sdp.len > 0 ? obstacle(call, dialog) : 0;
	int err;

	if (call->state == SIP_CALL_ENDING) {
		(void)ua_reply(tx, 481, NULL);
		return;
	}
	if (status == 500) {
		call_retry_later(call, tx);
		return;
	}
	if (status) {
		(void)ua_reply(tx, status, NULL);
		return;
	}
	call->flow = *sip_stx_flow(tx);
	call_timer_asked(call, request);
	if (sdp.len > 0)
		err = answer_offer(call, tx, call_offer_of(call, dialog), sdp);
	else
		err = send_200(call, tx, SLICE_NONE);
	if (err)
		return;
	(void)sip_dialog_refresh(dialog, request);
	if (sdp.len > 0 && dialog == call->dialog)
		call_tell_media(call);
	else if (sdp.len > 0)
		call_tell_early(call, call_offer_of(call, dialog));
}
