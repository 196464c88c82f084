/* The callee's side of an INVITE: progress, the answer, the 2xx until its ACK, refusal, CANCEL. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/sips.h"
#include "sip/ua_priv.h"

/* The 2xx and its ACK (13.3.1.4)
 * ---------------------------------------------------------------------------- */

static void on_resend(void *arg)
{
	struct sip_call *call = arg;

	if (!call->stx)
		return;
	sip_stx_repeat(call->stx);
	call->resend_ms = MIN_OF(call->resend_ms * 2, sip_tx_t2_ms(call->ua->tx));
	timer_start(call->ua->wheel, &call->resend_timer, call->resend_ms);
}

static void stop_waiting(struct sip_call *call)
{
	call->waits_ack = false;
	timer_stop(call->ua->wheel, &call->resend_timer);
	timer_stop(call->ua->wheel, &call->ack_timer);
	if (call->stx)
		sip_stx_watch(call->stx, NULL, NULL);
	call->stx = NULL;
}

static void on_no_ack(void *arg)
{
	struct sip_call *call = arg;

	stop_waiting(call);
	call_set_end(call, SIP_END_TIMEOUT, 0, SLICE("no ACK to the 200"));
	call_send_bye(call, call->dialog);
}

/* Provisional answers stay fresh for proxies on the way (13.3.1.1). */
static void on_progress_timer(void *arg)
{
	struct sip_call *call = arg;

	if (!call->stx || call->state != SIP_CALL_INCOMING)
		return;
	sip_stx_repeat(call->stx);
	timer_start(call->ua->wheel, &call->progress_timer, CALL_PROGRESS_MS);
}

void call_drop_stx(struct sip_call *call)
{
	if (!call->stx)
		return;
	sip_stx_watch(call->stx, NULL, NULL);
	sip_stx_abandon(call->stx);
	call->stx = NULL;
}

void call_uas_init(struct sip_call *call)
{
	timer_init(&call->resend_timer, on_resend, call);
	timer_init(&call->ack_timer, on_no_ack, call);
	timer_init(&call->progress_timer, on_progress_timer, call);
}

/* A 2xx is resent over every transport: a proxy further on may use UDP. */
void call_wait_ack(struct sip_call *call)
{
	struct wheel *wheel = call->ua->wheel;
	uint32_t t1_ms = sip_tx_t1_ms(call->ua->tx);

	call->waits_ack = true;
	call->resend_ms = t1_ms;
	timer_stop(wheel, &call->progress_timer);
	timer_start(wheel, &call->resend_timer, t1_ms);
	timer_start(wheel, &call->ack_timer, 64 * (uint64_t)t1_ms);
}

static void on_stx(void *arg, struct sip_stx *tx, enum sip_stx_event event)
{
	struct sip_call *call = arg;

	assert(tx == call->stx);
	if (event == SIP_STX_ERROR)
		return; /* the machine goes on; a 2xx without ACK ends by its timer */
	if (event == SIP_STX_GONE)
		call->stx = NULL;
	if (call->state == SIP_CALL_ENDING && call->end_is_known && !call->waits_ack &&
	    !call->wants_bye)
		call_end(call, NULL); /* a refusal has done its work */
}

/* A new call
 * --------------------------------------------------------------------------------------------------
 */

static int read_invite(struct sip_call *call, struct sip_stx *tx, const struct sip_msg *request)
{
	struct slice sdp = ua_sdp(request);
	struct sip_addr from;
	struct sip_cseq cseq;
	struct sip_uri uri;
	int err;

	err = sip_dialog_new_uas(request, sip_stx_tag(tx), &call->dialog);
	if (err)
		return err;
	call->dialog->owner = call;
	ua_dialog_add(call->ua, call->dialog);
	err = sip_msg_addr(request, SIP_H_FROM, &from);
	if (!err)
		err = call_set_remote(call, &from);
	if (!err)
		err = sip_msg_cseq(request, &cseq);
	if (err)
		return err;
	call->stx_cseq = cseq.number;
	call_timer_asked(call, request);
	call_rel_asked(call, request);
	if (sdp.len > 0)
		buf_addslice(&call->remote_offer, sdp);
	if (sip_uri_parse(request->request_uri, &uri) == 0) {
		call->is_sips = sip_sips_is_asked(request);
		if (slice_present(uri.user))
			err = sip_call_set_contact(call, uri.user, NULL);
	}
	return err ? err : buf_err(&call->remote_offer);
}

static void refuse(struct sip_ua *ua, struct sip_stx *tx, int err)
{
	if (err == ERR_LIMIT) {
		ua->stats.overload++;
		(void)ua_reply(tx, 503, "Retry-After: 10\r\n");
	} else {
		(void)ua_reply(tx, 500, NULL);
	}
}

/* What exceeds a limit here is a part of the message, and would again (RFC 3261 21.5.14). */
static void refuse_unread(struct sip_ua *ua, struct sip_stx *tx, int err)
{
	if (err == ERR_LIMIT)
		(void)ua_reply(tx, 513, NULL);
	else
		refuse(ua, tx, err);
}

void call_invited(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *request)
{
	struct sip_call *call = NULL;
	int err;

	err = call_alloc(ua, &call);
	if (err) {
		refuse(ua, tx, err);
		return;
	}
	err = read_invite(call, tx, request);
	if (err) {
		call_free(call);
		refuse_unread(ua, tx, err);
		return;
	}
	call->state = SIP_CALL_INCOMING;
	call->stx = tx;
	call->flow = *sip_stx_flow(tx);
	sip_stx_watch(tx, on_stx, call);
	timer_start(ua->wheel, &call->progress_timer, CALL_PROGRESS_MS);
	if (ua->handlers.on_invite)
		ua->handlers.on_invite(ua->handlers.arg, call, request);
	else
		(void)call_uas_reject(call, &(struct sip_reply){.status = 480});
	if (sip_stx_status(tx) == 0) /* 17.2.1: the caller waits, and shall know that we have it */
		(void)ua_reply(tx, 100, NULL);
}

/* Answers
 * -------------------------------------------------------------------------------------------------------
 */

int call_respond(struct sip_call *call, const struct sip_reply *reply, bool has_contact)
{
	struct buf headers = BUF_INIT;
	int err = 0;

	if (has_contact)
		err = call_add_contact(call, &call->flow, &headers);
	if (!err && reply->status >= 200 && reply->status < 300) {
		ua_add_capabilities(call->ua, &headers);
		call_timer_answer(call, &headers);
	}
	if (!err)
		err = buf_err(&headers);
	if (!err)
		err = sip_stx_respond(
			call->stx,
			&(struct sip_stx_response){.reply = reply, .headers = buf_slice(&headers)});
	buf_done(&headers);
	return err;
}

int call_send_2xx(struct sip_call *call, const struct sip_reply *reply, struct slice description)
{
	struct sip_reply ok = {
		.status = 200,
		.reason = reply ? reply->reason : NULL,
		.headers = reply ? reply->headers : NULL,
		.content_type = description.len > 0 ? "application/sdp" : NULL,
		.body = description,
	};
	int err = call_respond(call, &ok, true);

	if (!err)
		call_wait_ack(call);
	return err;
}

/* Our answer to their offer, or our offer when they made none. */
static int describe(struct sip_call *call, struct buf *ret_text)
{
	int err;

	if (call->is_agreed)
		return 0;
	if (call->rel.answer.len > 0) { /* the same again (RFC 6337 3.1.2) */
		buf_addslice(ret_text, buf_slice(&call->rel.answer));
		return buf_err(ret_text);
	}
	if (call->remote_offer.len == 0)
		return offer_write(call->offer, ret_text);
	err = offer_read(call->offer, buf_slice(&call->remote_offer));
	return err ? err : offer_write_answer(call->offer, ret_text);
}

int sip_call_accept(struct sip_call *call, const struct sip_reply *reply)
{
	struct buf text = BUF_INIT;
	int err;

	if (call->state != SIP_CALL_INCOMING || !call->has_local || call->rel.wants_accept)
		return ERR_STATE;
	if (call_rel_blocks(call))
		return call_rel_accept_later(call, reply);
	err = describe(call, &text);
	if (!err)
		err = buf_err(&text);
	if (!err)
		err = call_send_2xx(call, reply, buf_slice(&text));
	buf_done(&text);
	if (err) {
		if (offer_state(call->offer) != OFFER_STABLE)
			offer_rollback(call->offer);
		return err;
	}
	call_rel_stop(call);
	call->state = SIP_CALL_ACCEPTED;
	call->waits_answer = call->remote_offer.len == 0 && !call->is_agreed;
	buf_done(&call->remote_offer);
	if (!call->waits_answer)
		call_media_soon(call);
	return 0;
}

int call_uas_reject(struct sip_call *call, const struct sip_reply *reply)
{
	const char *text = reply->reason ? reply->reason : sip_reason_phrase(reply->status);
	int err;

	if (call->state != SIP_CALL_INCOMING || reply->status < 300 || reply->status > 699)
		return ERR_STATE;
	err = call_respond(call, reply, false);
	if (err && err != -ENOMEM)
		return err;
	timer_stop(call->ua->wheel, &call->progress_timer);
	call_rel_stop(call);
	call->state = SIP_CALL_ENDING;
	call_set_end(call, SIP_END_LOCAL, reply->status, slice_of(text));
	if (err) { /* over all the same: the caller hears nothing and gives up */
		call_drop_stx(call);
		call_end_soon(call);
	}
	return 0;
}

int sip_call_reject(struct sip_call *call, const struct sip_reply *reply)
{
	return call_uas_reject(call, reply);
}

void call_cancelled(struct sip_call *call, const struct sip_msg *cancel)
{
	if (call->state != SIP_CALL_INCOMING)
		return;
	(void)call_respond(call, &(struct sip_reply){.status = 487}, false);
	call_set_end(call, SIP_END_REMOTE, 487, SLICE("cancelled"));
	call_end(call, cancel);
}

/* The ACK, or a later request that proves that the 2xx arrived (`has_body` false then). */
void call_acked(struct sip_call *call, const struct sip_msg *message, bool has_body)
{
	bool is_first = call->state == SIP_CALL_ACCEPTED;
	int err = 0;

	stop_waiting(call);
	if (call->waits_answer) {
		struct slice sdp = has_body ? ua_sdp(message) : SLICE_NONE;

		call->waits_answer = false;
		err = sdp.len > 0 ? offer_read_answer(call->offer, sdp) : ERR_SDP_MISMATCH;
		if (err)
			offer_rollback(call->offer);
		else
			call->media_is_due = true;
	}
	if (call->state == SIP_CALL_ENDING) {
		if (call->wants_bye) {
			call->wants_bye = false;
			call_send_bye(call, call->dialog);
		}
		return;
	}
	if (err && is_first) {
		call_set_end(call, SIP_END_LOCAL, 0, SLICE("no usable answer in the ACK"));
		call_send_bye(call, call->dialog);
		return;
	}
	if (is_first)
		call->state = SIP_CALL_ESTABLISHED;
	if (call->media_is_due)
		call_tell_media(call);
	if (is_first && call->state == SIP_CALL_ESTABLISHED && call->handlers.on_established)
		call->handlers.on_established(call->arg, call, message);
	call_try_exchange(call);
}
