/* Re-INVITE from either side (RFC 3261 14), with its glare, and what the exchange of offers then
 * says. */
#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/ua_priv.h"

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
				    &call->reinvite);
	buf_done(&offer);
	if (err)
		offer_rollback(call->offer);
	return err;
}

/* One exchange at a time, in either direction (RFC 3261 14.1, RFC 6337 2.2). */
void call_try_reinvite(struct sip_call *call)
{
	if (!call->wants_reinvite || call->state != SIP_CALL_ESTABLISHED || call->reinvite ||
	    call->waits_ack || timer_running(&call->glare_timer))
		return;
	call->wants_reinvite = false;
	if (start_reinvite(call) && call->handlers.on_reinvite_failed)
		call->handlers.on_reinvite_failed(call->arg, call, 500);
}

int sip_call_reinvite(struct sip_call *call)
{
	if (call->state != SIP_CALL_ESTABLISHED || !call->offer)
		return ERR_STATE;
	if (call->reinvite || call->waits_ack || timer_running(&call->glare_timer)) {
		call->wants_reinvite = true;
		return 0;
	}
	return start_reinvite(call);
}

static void on_glare_timer(void *arg)
{
	call_try_reinvite(arg);
}

/* A provisional answer ends the retransmissions and Timer B (17.1.1.2): from there on only this
 * timer keeps a re-INVITE from waiting for ever. First a CANCEL; when that has no effect, it is
 * given up (9.1). It runs on behind the end of the call, whose memory the transaction holds. */
static void on_reinvite_timer(void *arg)
{
	struct sip_call *call = arg;
	struct call_tx *tx = call->reinvite;
	struct sip_ctx *ctx = tx->sender.ctx;

	if (!ctx) /* on its way to the next target, or to a failure */
		return;
	if (!call->is_reinvite_cancelled && sip_ctx_cancel(ctx, NULL) == 0) {
		call->is_reinvite_cancelled = true;
		timer_start(call->ua->wheel, &call->reinvite_timer,
			    64 * (uint64_t)sip_tx_t1_ms(call->ua->tx));
		return;
	}
	call_reinvite_failed(tx, ERR_SIP_TIMEOUT);
	sip_ctx_abandon(ctx);
}

static void on_provisional(struct sip_call *call, const struct call_tx *tx)
{
	if (call->reinvite == tx && !timer_running(&call->reinvite_timer))
		timer_start(call->ua->wheel, &call->reinvite_timer,
			    64 * (uint64_t)sip_tx_t1_ms(call->ua->tx));
}

void call_reinvite_over(struct sip_call *call)
{
	call->reinvite = NULL;
	call->is_reinvite_cancelled = false;
	timer_stop(call->ua->wheel, &call->reinvite_timer);
}

void call_reinvite_init(struct sip_call *call)
{
	timer_init(&call->glare_timer, on_glare_timer, call);
	timer_init(&call->reinvite_timer, on_reinvite_timer, call);
}

/* Who owns the Call-ID waits 2.1 to 4 s, the other one 0 to 2 s, in units of 10 ms (14.1). */
static void wait_after_glare(struct sip_call *call)
{
	uint32_t units = call->is_outgoing ? 210 + random_below(call->ua->random, 191)
					   : random_below(call->ua->random, 201);

	call->wants_reinvite = true;
	timer_start(call->ua->wheel, &call->glare_timer, (uint64_t)units * 10);
}

static void on_refused(struct sip_call *call, const struct sip_msg *response)
{
	if (call->state != SIP_CALL_ESTABLISHED)
		return;
	offer_rollback(call->offer);
	if (response->status == 491) {
		wait_after_glare(call);
	} else if (response->status == 481 || response->status == 408) {
		/* The peer knows no such dialog: it is over (12.2.1.2). */
		call_set_end(call, SIP_END_REMOTE, 0, response->reason);
		call_send_bye(call, call->dialog);
		return;
	} else if (call->handlers.on_reinvite_failed) {
		call->handlers.on_reinvite_failed(call->arg, call, response->status);
	}
	call_try_reinvite(call);
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
	err = sdp.len > 0 ? offer_read_answer(call->offer, sdp) : ERR_SDP_MISMATCH;
	if (err) {
		offer_rollback(call->offer);
		call_set_end(call, SIP_END_LOCAL, 0, SLICE("no usable answer to the re-INVITE"));
		call_send_bye(call, call->dialog);
		return;
	}
	call_tell_media(call);
	call_try_reinvite(call);
}

void call_reinvite_response(struct call_tx *tx, const struct sip_msg *response)
{
	struct sip_call *call = tx->call;

	if (response->status < 200) {
		on_provisional(call, tx);
		return;
	}
	if (call->reinvite == tx)
		call_reinvite_over(call);
	if (response->status < 300)
		on_accepted(tx, response);
	else
		on_refused(call, response);
}

void call_reinvite_failed(struct call_tx *tx, int err)
{
	struct sip_call *call = tx->call;

	call_reinvite_over(call);
	if (call->state != SIP_CALL_ESTABLISHED)
		return;
	offer_rollback(call->offer);
	call_set_end(call, err == ERR_SIP_TIMEOUT ? SIP_END_TIMEOUT : SIP_END_TRANSPORT, 0,
		     SLICE("no answer to the re-INVITE"));
	call_send_bye(call, call->dialog);
}

/* Theirs
 * ---------------------------------------------------------------------------------------------------------
 */

static void retry_later(struct sip_call *call, struct sip_stx *tx)
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

static uint16_t status_of(int err)
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

	err = sip_msg_cseq(request, &cseq);
	if (!err)
		err = describe(call, sdp, &text);
	if (err) {
		buf_done(&text);
		(void)ua_reply(tx, status_of(err), NULL);
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
		retry_later(call, tx); /* the first INVITE is not answered yet (14.2) */
	else if (call->reinvite || call->waits_answer)
		(void)ua_reply(tx, 491, NULL); /* glare (14.2) */
	else
		accept_reinvite(call, tx, request);
}
