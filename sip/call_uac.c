/* The caller's side of an INVITE: progress, the first 2xx and those of other forks, refusal,
 * CANCEL. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/ua_priv.h"

/* CANCEL (9.1)
 * ------------------------------------------------------------------------------------------------
 */

/* Only after a provisional answer to the INVITE that is out now: an earlier target's does not
 * count. Until then the transaction refuses, and the first provisional answer asks again. */
static void send_cancel(struct sip_call *call)
{
	if (call->is_cancelled || !call->invite || !call->invite->sender.ctx)
		return;
	if (sip_ctx_cancel(call->invite->sender.ctx, call->end_headers) == ERR_STATE)
		return;
	call->is_cancelled = true;
	timer_start(call->ua->wheel, &call->invite_timer,
		    64 * (uint64_t)sip_tx_t1_ms(call->ua->tx));
}

static void start_cancel(struct sip_call *call)
{
	call->state = SIP_CALL_ENDING;
	call->wants_cancel = true;
	timer_stop(call->ua->wheel, &call->invite_timer);
	send_cancel(call);
}

void call_uac_hangup(struct sip_call *call)
{
	if (!call->invite || !call->invite->sender.ctx) {
		if (call->invite)
			call_tx_free(
				call->invite); /* still being resolved, or it failed just now */
		call_end_soon(call);
		return;
	}
	start_cancel(call);
}

static void on_invite_timer(void *arg)
{
	struct sip_call *call = arg;

	if (!call->is_cancelled) {
		call_set_end(call, SIP_END_TIMEOUT, 408, SLICE("no final answer in time"));
		call_uac_hangup(call);
		if (call->wants_cancel && !call->is_cancelled)
			call_end(call,
				 NULL); /* nobody has said a word; who does later gets a CANCEL */
		return;
	}
	/* The CANCEL had no effect within 64*T1: the transaction counts as cancelled. */
	if (call->invite && call->invite->sender.ctx)
		sip_ctx_abandon(call->invite->sender.ctx);
	if (!call->is_over)
		call_end(call, NULL);
}

void call_uac_init(struct sip_call *call)
{
	timer_init(&call->invite_timer, on_invite_timer, call);
}

/* Answers
 * --------------------------------------------------------------------------------------------------------
 */

static void on_provisional(struct call_tx *tx, const struct sip_msg *response)
{
	struct sip_call *call = tx->call;

	if (call->wants_cancel) {
		send_cancel(call);
		return;
	}
	if (response->status > 100 && call->state != SIP_CALL_ENDING && !call->dialog)
		call_fork_progress(tx, response);
}

/* A second callee answered: acknowledge and say good-bye (13.2.2.4). */
static void end_fork(struct call_tx *tx, const struct sip_msg *response)
{
	struct call_fork *fork = call_fork_add(tx->call, response);

	if (!fork || sip_dialog_confirm(fork->dialog, response))
		return;
	call_send_ack(tx->call, fork->dialog, tx->cseq, SLICE_NONE);
	call_send_bye(tx->call, fork->dialog);
}

/* Their answer to our offer, or our answer to the offer in their 2xx. */
static int exchange(struct call_tx *tx, const struct sip_msg *response, struct buf *ret_answer)
{
	struct sip_call *call = tx->call;
	struct slice sdp = ua_sdp(response);
	int err;

	if (!call->offer || sdp.len == 0)
		return ERR_SDP_MISMATCH;
	if (tx->body.len > 0)
		return offer_read_answer(call->offer, sdp);
	err = offer_read(call->offer, sdp);
	if (!err)
		err = offer_write_answer(call->offer, ret_answer);
	return err ? err : buf_err(ret_answer);
}

static void establish(struct call_tx *tx, const struct sip_msg *response)
{
	struct sip_call *call = tx->call;
	bool is_wanted = call->state != SIP_CALL_ENDING, is_agreed = false;
	struct buf answer = BUF_INIT;
	int err;

	timer_stop(call->ua->wheel, &call->invite_timer);
	call->wants_cancel = false;
	if (call_take_dialog(call, response, &is_agreed)) {
		call_set_end(call, SIP_END_LOCAL, 0, SLICE("the 2xx makes no dialog"));
		call_end(call, response);
		return;
	}
	err = is_agreed ? 0 : exchange(tx, response, &answer);
	call_send_ack(call, call->dialog, tx->cseq, err ? SLICE_NONE : buf_slice(&answer));
	buf_done(&answer);
	if (err || !is_wanted) {
		call_set_end(call, SIP_END_LOCAL, 0,
			     SLICE("no usable session description in the 2xx"));
		call_send_bye(call, call->dialog);
		return;
	}
	call->state = SIP_CALL_ESTABLISHED;
	call_timer_answered(call, response);
	call_tell_media(call);
	if (call->state == SIP_CALL_ESTABLISHED && call->handlers.on_established)
		call->handlers.on_established(call->arg, call, response);
}

static void on_success(struct call_tx *tx, const struct sip_msg *response)
{
	struct sip_call *call = tx->call;
	bool is_failed = false;

	if (call_ack_again(call, tx->cseq, response, &is_failed) || is_failed)
		return;
	if (call->dialog || call->is_over)
		end_fork(tx, response);
	else
		establish(tx, response);
}

static void on_failure(struct call_tx *tx, const struct sip_msg *response)
{
	struct sip_call *call = tx->call;

	if (call->is_over)
		return;
	if (call->state != SIP_CALL_ENDING && call_timer_too_small(tx, response))
		return;
	if (response->status == 503 && call->state != SIP_CALL_ENDING && call_tx_next_target(tx))
		return;
	call_set_end(call, SIP_END_REMOTE, response->status, response->reason);
	call->end_status = response->status;
	call_end(call, response);
}

void call_uac_response(struct call_tx *tx, const struct sip_msg *response)
{
	if (response->status < 200)
		on_provisional(tx, response);
	else if (response->status < 300)
		on_success(tx, response);
	else
		on_failure(tx, response);
}

/* 8.1.3.1: no answer is 408, a transport that fails 503. */
void call_uac_failed(struct call_tx *tx, int err)
{
	struct sip_call *call = tx->call;

	if (call->is_over)
		return;
	if (err == ERR_SIP_TIMEOUT)
		call_set_end(call, SIP_END_TIMEOUT, 408, SLICE("no answer"));
	else
		call_set_end(call, SIP_END_TRANSPORT, 503, slice_of(err_text(err)));
	call_end(call, NULL);
}

/* A new call
 * ---------------------------------------------------------------------------------------------------------
 */

static int make_start(struct sip_call *call, const struct sip_call_invite *invite)
{
	return ua_start_new(call->ua,
			    &(struct ua_start){.target = invite->target,
					       .to = invite->to,
					       .from = invite->from,
					       .route = invite->route,
					       .cseq = 2 + random_below(call->ua->random, 1000)},
			    &call->start);
}

static int read_remote(struct sip_call *call)
{
	struct sip_addr to;
	int err = sip_addr_parse(slice_of(call->start->remote), &to);

	return err ? err : call_set_remote(call, &to);
}

static int start_invite(struct sip_call *call, const struct sip_call_invite *invite)
{
	struct buf offer = BUF_INIT;
	int err = 0;

	if (invite->local)
		err = sip_call_set_local(call, invite->local);
	if (!err && invite->local)
		err = offer_write(call->offer, &offer);
	if (!err)
		err = buf_err(&offer);
	if (!err)
		err = call_tx_start(
			call,
			&(struct call_tx_new){
				.kind = CALL_TX_INVITE,
				.dialog = call->start,
				.method = "INVITE",
				.cseq = call->start->local_cseq,
				.headers = invite->headers,
				.content_type = offer.len > 0 ? "application/sdp" : NULL,
				.body = buf_slice(&offer),
			},
			&call->invite);
	buf_done(&offer);
	return err;
}

static int check_target(struct slice target)
{
	struct sip_uri uri;

	if (sip_uri_parse(target, &uri))
		return ERR_SIP_URI_SYNTAX;
	return sip_uri_is_sip(&uri) ? 0 : ERR_BAD_TARGET;
}

int sip_call_new(struct sip_ua *ua, const struct sip_call_invite *invite,
		 struct sip_call **ret_call)
{
	struct sip_call *call = NULL;
	int err;

	err = check_target(invite->target);
	if (!err)
		err = call_alloc(ua, &call);
	if (err)
		return err;
	call->is_outgoing = true;
	call->is_secure = invite->is_secure;
	call->state = SIP_CALL_CALLING;
	if (invite->flow) {
		call->is_on_flow = true;
		call->flow = *invite->flow;
	}
	sip_call_bind(call, invite->handlers, invite->arg);
	err = sip_call_set_contact(call, invite->contact_user, invite->contact_params);
	if (!err)
		err = make_start(call, invite);
	if (!err)
		err = read_remote(call);
	if (!err)
		call->is_sips = ua_is_sips_start(call->start);
	if (!err)
		call->start->hops_used = MIN_OF(invite->hops_used, (uint8_t)SIP_HOPS);
	if (!err)
		err = start_invite(call, invite);
	if (err) {
		call_free(call);
		return err;
	}
	timer_start(ua->wheel, &call->invite_timer,
		    invite->timeout_ms ? invite->timeout_ms : CALL_TIMEOUT_MS);
	*ret_call = call;
	return 0;
}
