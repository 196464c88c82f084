/* Re-INVITE from either side (RFC 3261 14), with its glare, and what the exchange of offers then
 * says. */
#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/ua_priv.h"

enum {
	EXCHANGE_RETRIES_MAX = 4, /* after 500 with Retry-After */
	RETRY_AFTER_S_MAX = 32    /* a longer wait is a refusal */
};

/* Ours
 * --------------------------------------------------------------------------------------------------------
 */

static int start_reinvite(struct sip_call *call)
{
	struct buf offer = BUF_INIT;
	int err;

	err = offer_write(call->offer, &offer);
	if (!err)
		err = buf_err(&offer);
	if (!err)
		err = call_tx_start(call,
				    &(struct call_tx_new){
					    .kind = CALL_TX_REINVITE,
					    .dialog = call->dialog,
					    .method = "INVITE",
					    .cseq = ++call->dialog->local_cseq,
					    .content_type = "application/sdp",
					    .body = buf_slice(&offer),
				    },
				    &call->exchange);
	buf_done(&offer);
	if (err)
		offer_rollback(call->offer);
	return err;
}

static bool is_busy(const struct sip_call *call)
{
	return call->exchange || call->waits_ack || timer_running(&call->glare_timer);
}

static void tell_refused(struct sip_call *call, uint16_t status)
{
	bool was_refresh = call->is_refreshing;

	call->is_refreshing = false;
	if (was_refresh)
		call_refresh_again(call);
	else if (call->handlers.on_reinvite_failed)
		call->handlers.on_reinvite_failed(call->arg, call, status);
}

/* A re-INVITE says all that an UPDATE could. */
void call_try_exchange(struct sip_call *call)
{
	int err = 0;

	if (is_busy(call) || !(call->wants_reinvite || call->wants_update))
		return;
	if (call->wants_reinvite && call->state == SIP_CALL_ESTABLISHED) {
		call->wants_reinvite = call->wants_update = false;
		err = start_reinvite(call);
	} else if (call->wants_update && call_may_update(call)) {
		call->wants_update = false;
		err = call_start_update(call);
	}
	if (err)
		tell_refused(call, 500);
}

int sip_call_reinvite(struct sip_call *call)
{
	if (call->state != SIP_CALL_ESTABLISHED || !call->offer)
		return ERR_STATE;
	call->is_refreshing = false;
	if (!is_busy(call))
		return start_reinvite(call);
	call->wants_reinvite = true;
	return 0;
}

void call_refresh(struct sip_call *call)
{
	if (call->state != SIP_CALL_ESTABLISHED || !call->offer)
		return;
	/* What is under way or waits refreshes the session as well. */
	if (call->exchange || call->wants_reinvite || call->wants_update)
		return;
	call->is_refreshing = true;
	call->update_has_offer = false;
	free(call->update_headers);
	call->update_headers = NULL;
	call->wants_update = call->dialog->allows_update;
	call->wants_reinvite = !call->wants_update;
	call_try_exchange(call);
}

void sip_call_renew(struct sip_call *call)
{
	if (call->offer)
		offer_renew(call->offer);
}

static void on_glare_timer(void *arg)
{
	call_try_exchange(arg);
}

/* A provisional answer ends the retransmissions and Timer B (17.1.1.2): from there on only this
 * timer keeps a re-INVITE from waiting for ever. First a CANCEL; when that has no effect, it is
 * given up (9.1). It runs on behind the end of the call, whose memory the transaction holds. */
static void on_reinvite_timer(void *arg)
{
	struct sip_call *call = arg;
	struct call_tx *tx = call->exchange;
	struct sip_ctx *ctx = tx->sender.ctx;

	if (!ctx) /* on its way to the next target, or to a failure */
		return;
	if (!call->is_reinvite_cancelled && sip_ctx_cancel(ctx, NULL) == 0) {
		call->is_reinvite_cancelled = true;
		timer_start(call->ua->wheel, &call->reinvite_timer,
			    64 * (uint64_t)sip_tx_t1_ms(call->ua->tx));
		return;
	}
	call_exchange_failed(tx, ERR_SIP_TIMEOUT);
	sip_ctx_abandon(ctx);
}

/* A reliable answer may carry theirs to our offer (RFC 3262 5). */
static void on_reliable(struct sip_call *call, const struct sip_msg *response)
{
	struct slice sdp = ua_sdp(response);

	if (sip_dialog_check_rseq(call->dialog, response))
		return;
	(void)call_send_prack(call, call->dialog, SLICE_NONE);
	if (sdp.len == 0 || call->state != SIP_CALL_ESTABLISHED ||
	    offer_state(call->offer) != OFFER_LOCAL)
		return;
	if (offer_read_answer(call->offer, sdp)) {
		call_set_end(call, SIP_END_LOCAL, 0, SLICE("no usable answer to the re-INVITE"));
		call_send_bye(call, call->dialog);
		return;
	}
	call_tell_media(call);
}

static void on_provisional(struct sip_call *call, const struct call_tx *tx)
{
	if (call->exchange == tx && !timer_running(&call->reinvite_timer))
		timer_start(call->ua->wheel, &call->reinvite_timer,
			    64 * (uint64_t)sip_tx_t1_ms(call->ua->tx));
}

void call_exchange_over(struct sip_call *call)
{
	call->exchange = NULL;
	call->is_reinvite_cancelled = false;
	timer_stop(call->ua->wheel, &call->reinvite_timer);
}

void call_reinvite_init(struct sip_call *call)
{
	timer_init(&call->glare_timer, on_glare_timer, call);
	timer_init(&call->reinvite_timer, on_reinvite_timer, call);
}

/* Who owns the Call-ID waits 2.1 to 4 s, the other one 0 to 2 s, in units of 10 ms (14.1). */
static uint32_t glare_ms(struct sip_call *call)
{
	return 10 * (call->is_outgoing ? 210 + random_below(call->ua->random, 191)
				       : random_below(call->ua->random, 201));
}

/* A later request of ours came first, so this one was out of order (12.2.2). */
static bool is_overtaken(const struct call_tx *tx, const struct sip_msg *response)
{
	return response->status == 500 && tx->cseq != tx->dialog->local_cseq &&
	       !slice_present(sip_msg_value(response, SIP_H_RETRY_AFTER));
}

/* Refused for now only: 491 (14.1), or 500 that says when (14.2, RFC 3311 5.2) or is of the order.
 */
static bool may_try_again(const struct call_tx *tx, const struct sip_msg *response,
			  uint32_t *ret_delay_ms)
{
	struct sip_call *call = tx->call;
	struct slice after = sip_msg_value(response, SIP_H_RETRY_AFTER);
	uint32_t after_s;

	if (response->status == 491) {
		*ret_delay_ms = glare_ms(call);
		return true;
	}
	if (response->status != 500 || call->exchange_retries >= EXCHANGE_RETRIES_MAX)
		return false;
	if (is_overtaken(tx, response)) {
		call->exchange_retries++;
		*ret_delay_ms = 0;
		return true;
	}
	if (slice_u32(slice_trim(slice_first(after, slice_find(after, ';'))), RETRY_AFTER_S_MAX,
		      &after_s))
		return false;
	call->exchange_retries++;
	*ret_delay_ms = after_s * 1000 + 100;
	return true;
}

static void wait_and_try(struct sip_call *call, const struct call_tx *tx, uint32_t delay_ms)
{
	if (tx->kind == CALL_TX_REINVITE) {
		call->wants_reinvite = true;
	} else {
		call->wants_update = true;
		call->update_has_offer |= tx->body.len > 0;
	}
	timer_start(call->ua->wheel, &call->glare_timer, delay_ms);
}

void call_exchange_refused(struct call_tx *tx, const struct sip_msg *response)
{
	struct sip_call *call = tx->call;
	uint32_t delay_ms = 0;

	if (call->is_over || call->state == SIP_CALL_ENDING)
		return;
	if (tx->body.len > 0)
		offer_rollback(call_offer_of(call, tx->dialog));
	if ((response->status == 481 || response->status == 408) &&
	    call->state == SIP_CALL_ESTABLISHED) {
		/* The peer knows no such dialog: it is over (12.2.1.2). */
		call_set_end(call, SIP_END_REMOTE, 0, response->reason);
		call_send_bye(call, call->dialog);
		return;
	}
	if (may_try_again(tx, response, &delay_ms)) {
		wait_and_try(call, tx, delay_ms);
	} else {
		call->exchange_retries = 0;
		tell_refused(call, response->status);
	}
	call_try_exchange(call);
}

static void on_accepted(struct call_tx *tx, const struct sip_msg *response)
{
	struct sip_call *call = tx->call;
	struct slice sdp = ua_sdp(response);
	bool is_failed = false;
	int err;

	if (call_ack_again(call, tx->cseq, response, &is_failed) || is_failed)
		return;
	(void)sip_dialog_refresh(call->dialog, response);
	call_send_ack(call, call->dialog, tx->cseq, SLICE_NONE);
	if (call->state != SIP_CALL_ESTABLISHED)
		return;
	call->is_refreshing = false;
	call->exchange_retries = 0;
	call_timer_answered(call, response);
	if (offer_state(call->offer) != OFFER_LOCAL) { /* answered before */
		call_try_exchange(call);
		return;
	}
	err = sdp.len > 0 ? offer_read_answer(call->offer, sdp) : ERR_SDP_MISMATCH;
	if (err) {
		offer_rollback(call->offer);
		call_set_end(call, SIP_END_LOCAL, 0, SLICE("no usable answer to the re-INVITE"));
		call_send_bye(call, call->dialog);
		return;
	}
	call_tell_media(call);
	call_try_exchange(call);
}

void call_reinvite_response(struct call_tx *tx, const struct sip_msg *response)
{
	struct sip_call *call = tx->call;

	if (response->status < 200) {
		on_provisional(call, tx);
		if (call->exchange == tx && call_is_reliable(response))
			on_reliable(call, response);
		return;
	}
	if (response->status == 422 && call_timer_too_small(tx, response))
		return;
	if (call->exchange == tx)
		call_exchange_over(call);
	if (response->status < 300)
		on_accepted(tx, response);
	else
		call_exchange_refused(tx, response);
}

void call_exchange_failed(struct call_tx *tx, int err)
{
	struct sip_call *call = tx->call;

	call_exchange_over(call);
	if (call->is_over || call->state == SIP_CALL_ENDING)
		return;
	if (tx->body.len > 0)
		offer_rollback(call_offer_of(call, tx->dialog));
	if (call->state != SIP_CALL_ESTABLISHED || tx->dialog != call->dialog)
		return; /* who has not answered the INVITE yet may still */
	call_set_end(call, err == ERR_SIP_TIMEOUT ? SIP_END_TIMEOUT : SIP_END_TRANSPORT, 0,
		     tx->kind == CALL_TX_UPDATE ? SLICE("no answer to the UPDATE")
						: SLICE("no answer to the re-INVITE"));
	call_send_bye(call, call->dialog);
}

/* Theirs
 * ---------------------------------------------------------------------------------------------------------
 */

void call_retry_later(struct sip_call *call, struct sip_stx *tx)
{
	struct buf headers = BUF_INIT;

	sip_build_header(&headers, "Retry-After", "%u", random_below(call->ua->random, 11));
	(void)ua_reply(tx, 500, buf_err(&headers) ? NULL : headers.p);
	buf_done(&headers);
}

/* What goes into the 200: the answer to their offer, or our offer. */
static int describe(struct sip_call *call, struct slice sdp, struct buf *ret_text)
{
	int err;

	if (sdp.len == 0)
		return offer_write(call->offer, ret_text);
	err = offer_read(call->offer, sdp);
	return err ? err : offer_write_answer(call->offer, ret_text);
}

uint16_t call_offer_status(int err)
{
	switch (err) {
	case ERR_STATE:
		return 491;
	case ERR_SDP_NO_MEDIA:
		return 488;
	case ERR_SDP_SYNTAX:
	case ERR_SDP_TOO_LARGE:
		return 400;
	default:
		return 500;
	}
}

static void on_stx(void *arg, struct sip_stx *tx, enum sip_stx_event event)
{
	struct sip_call *call = arg;

	assert(tx == call->stx);
	if (event == SIP_STX_GONE)
		call->stx = NULL; /* the timer of the missing ACK follows */
}

static void accept_reinvite(struct sip_call *call, struct sip_stx *tx,
			    const struct sip_msg *request)
{
	struct slice sdp = ua_sdp(request);
	struct buf text = BUF_INIT;
	struct sip_cseq cseq;
	int err;

	call_timer_asked(call, request);
	err = sip_msg_cseq(request, &cseq);
	if (!err)
		err = describe(call, sdp, &text);
	if (err) {
		buf_done(&text);
		(void)ua_reply(tx, call_offer_status(err), NULL);
		return;
	}
	call->stx = tx;
	call->stx_cseq = cseq.number;
	call->flow = *sip_stx_flow(tx);
	sip_stx_watch(tx, on_stx, call);
	err = call_send_2xx(call, NULL, buf_slice(&text));
	buf_done(&text);
	if (err) {
		sip_stx_watch(tx, NULL, NULL);
		call->stx = NULL;
		offer_rollback(call->offer);
		(void)ua_reply(tx, 500, NULL);
		return;
	}
	(void)sip_dialog_refresh(call->dialog, request);
	call->waits_answer = sdp.len == 0;
	if (!call->waits_answer)
		call_tell_media(call);
}

/* An UPDATE of ours without an offer is in nobody's way. */
static bool has_offer_out(const struct sip_call *call)
{
	const struct call_tx *tx = call->exchange;

	return call->waits_answer || (tx && (tx->kind == CALL_TX_REINVITE || tx->body.len > 0));
}

void call_reinvited(struct sip_call *call, struct sip_stx *tx, const struct sip_msg *request)
{
	if (call->waits_ack && !call->waits_answer) {
		/* Who sends a new INVITE has had the 2xx to the last one: its ACK was lost (RFC
		 * 5407 3.1.4). */
		call_acked(call, request, false);
	}
	if (call->state == SIP_CALL_ENDING)
		(void)ua_reply(tx, 481, NULL);
	else if (call->state != SIP_CALL_ESTABLISHED && call->state != SIP_CALL_ACCEPTED)
		call_retry_later(call, tx); /* the first INVITE is not answered yet (14.2) */
	else if (has_offer_out(call))
		(void)ua_reply(tx, 491, NULL); /* glare (14.2) */
	else
		accept_reinvite(call, tx, request);
}
