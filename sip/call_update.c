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

int call_start_update(struct sip_call *call)
{
	struct buf offer = BUF_INIT;
	int err = 0;

	if (call->update_has_offer)
		err = offer_write(call->offer, &offer);
	if (!err)
		err = buf_err(&offer);
	if (!err)
		err = call_tx_start(call,
				    &(struct call_tx_new){
					    .kind = CALL_TX_UPDATE,
					    .dialog = call->dialog,
					    .method = "UPDATE",
					    .cseq = ++call->dialog->local_cseq,
					    .headers = call->update_headers,
					    .content_type = offer.len ? "application/sdp" : NULL,
					    .body = buf_slice(&offer),
				    },
				    &call->exchange);
	if (err && offer.len > 0)
		offer_rollback(call->offer);
	buf_done(&offer);
	return err;
}

int sip_call_update(struct sip_call *call, const struct sip_call_update *update)
{
	char *headers = NULL;

	if (call->state != SIP_CALL_ESTABLISHED || !call->offer)
		return ERR_STATE;
	if (!call->dialog->allows_update) {
		return update->has_offer ? sip_call_reinvite(call) : ERR_STATE;
	}
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

static void on_updated(struct call_tx *tx, const struct sip_msg *response)
{
	struct sip_call *call = tx->call;
	struct slice sdp = ua_sdp(response);
	int err;

	(void)sip_dialog_refresh(tx->dialog, response);
	if (call->state == SIP_CALL_ESTABLISHED)
		call_timer_answered(call, response);
	if (tx->body.len == 0)
		return;
	err = sdp.len > 0 ? offer_read_answer(call->offer, sdp) : ERR_SDP_MISMATCH;
	if (!err) {
		call_tell_media(call);
		return;
	}
	offer_rollback(call->offer);
	call_set_end(call, SIP_END_LOCAL, 0, SLICE("no usable answer to the UPDATE"));
	call_send_bye(call, call->dialog);
}

void call_update_response(struct call_tx *tx, const struct sip_msg *response)
{
	struct sip_call *call = tx->call;

	if (response->status < 200)
		return;
	if (response->status == 422 && call->state == SIP_CALL_ESTABLISHED &&
	    call_timer_too_small(tx, response))
		return;
	if (call->exchange == tx)
		call_exchange_over(call);
	if (call->state != SIP_CALL_ESTABLISHED)
		return;
	if (response->status < 300) {
		call->is_refreshing = false;
		call->exchange_retries = 0;
		on_updated(tx, response);
		(void)call_try_exchange(call);
		return;
	}
	if (response->status == 405 || response->status == 501) {
		/* Whatever its Allow said. */
		call->dialog->allows_update = false;
		if (tx->body.len > 0)
			offer_rollback(call->offer);
		call->wants_reinvite = true;
		(void)call_try_exchange(call);
		return;
	}
	call_exchange_refused(tx, response);
}

/* Theirs
 * ----------------------------------------------------------------------------------------------
 */

/* What keeps us from answering their offer now (5.2): 491 when one of ours waits, 500 when an
 * earlier one of theirs does. */
static uint16_t obstacle(const struct sip_call *call)
{
	if (!call->offer || call->state == SIP_CALL_INCOMING ||
	    offer_state(call->offer) == OFFER_REMOTE)
		return 500;
	if (offer_state(call->offer) == OFFER_LOCAL || call->waits_answer)
		return 491;
	return 0;
}

static int send_200(struct sip_call *call, struct sip_stx *tx, const struct sip_msg *request,
		    struct slice answer)
{
	struct buf headers = BUF_INIT;
	int err = call_add_contact(call, sip_stx_flow(tx), &headers);

	if (!err && call->state == SIP_CALL_ESTABLISHED)
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
	else
		(void)sip_dialog_refresh(call->dialog, request);
	return err;
}

static void answer_offer(struct sip_call *call, struct sip_stx *tx, const struct sip_msg *request)
{
	struct buf answer = BUF_INIT;
	int err = offer_read(call->offer, ua_sdp(request));

	if (!err) {
		err = offer_write_answer(call->offer, &answer);
		if (err)
			offer_rollback(call->offer);
	}
	if (!err)
		err = buf_err(&answer);
	if (err)
		(void)ua_reply(tx, call_offer_status(err), NULL);
	else if (send_200(call, tx, request, buf_slice(&answer)) == 0)
		call_tell_media(call);
	buf_done(&answer);
}

void call_updated(struct sip_call *call, struct sip_stx *tx, const struct sip_msg *request)
{
	struct slice sdp = ua_sdp(request);
	uint16_t status = sdp.len > 0 ? obstacle(call) : 0;

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
		answer_offer(call, tx, request);
	else
		(void)send_200(call, tx, request, SLICE_NONE);
}
