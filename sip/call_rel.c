/* Provisional answers of ours: plain ones, and reliable ones with their PRACK (RFC 3262 3, 5).
 *
 * One reliable answer waits for its PRACK at a time; what the application says meanwhile waits in
 * line, and so does a 2xx when the one that waits carries a description. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/ua_priv.h"

/* A reliable answer that says more than its status: what it says must not be said again.
 * ---------------------------------------------------------------------------------------- */

static void drop_line(struct call_rel *rel)
{
	for (uint32_t i = 0; i < rel->line_count; i++) {
		free(rel->line[i].reason);
		free(rel->line[i].headers);
	}
	rel->line_count = 0;
}

static void stop_resending(struct sip_call *call)
{
	timer_stop(call->ua->wheel, &call->rel.resend);
	timer_stop(call->ua->wheel, &call->rel.give_up);
}

void call_rel_stop(struct sip_call *call)
{
	stop_resending(call);
	drop_line(&call->rel);
}

void call_rel_done(struct sip_call *call)
{
	call_rel_stop(call);
	buf_done(&call->rel.answer);
	free(call->rel.accept_reason);
	free(call->rel.accept_headers);
}

static void on_resend(void *arg)
{
	struct sip_call *call = arg;

	if (!call->stx || sip_stx_is_final(call->stx))
		return;
	sip_stx_repeat(call->stx);
	call->rel.resend_ms *= 2;
	timer_start(call->ua->wheel, &call->rel.resend, call->rel.resend_ms);
}

static void on_give_up(void *arg)
{
	struct sip_call *call = arg;

	call_rel_stop(call);
	if (call->state != SIP_CALL_INCOMING)
		return;
	call_set_end(call, SIP_END_TIMEOUT, 504, SLICE("no PRACK"));
	(void)call_uas_reject(call, &(struct sip_reply){.status = 504});
}

void call_rel_init(struct sip_call *call)
{
	timer_init(&call->rel.resend, on_resend, call);
	timer_init(&call->rel.give_up, on_give_up, call);
}

void call_rel_asked(struct sip_call *call, const struct sip_msg *request)
{
	call->rel.is_required = sip_list_has(request, SIP_H_REQUIRE, "100rel");
	call->rel.is_supported = call->rel.is_required ||
				 sip_list_has(request, SIP_H_SUPPORTED, "100rel");
}

bool call_rel_is_sound(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *request)
{
	if (ua->rel != SIP_100REL_REQUIRED || sip_list_has(request, SIP_H_SUPPORTED, "100rel") ||
	    sip_list_has(request, SIP_H_REQUIRE, "100rel"))
		return true;
	(void)ua_reply(tx, 421, "Require: 100rel\r\n");
	return false;
}

/* Sending
 * ------------------------------------------------------------------------------------------ */

static bool can_be_reliable(const struct sip_call *call)
{
	return call->ua->rel != SIP_100REL_OFF && call->rel.is_supported;
}

/* With a description when the peer can do it: what is agreed must arrive. */
static bool is_to_be_reliable(const struct sip_call *call, bool has_sdp)
{
	return can_be_reliable(call) &&
	       (call->rel.is_required || has_sdp || call->ua->rel == SIP_100REL_REQUIRED);
}

/* Our answer to their offer, once; our offer when they made none. Empty when all is agreed. */
static int describe(struct sip_call *call, bool is_reliable, struct buf *ret_text)
{
	struct call_rel *rel = &call->rel;
	int err;

	if (call->is_agreed)
		return 0;
	if (call->remote_offer.len == 0) {
		if (!is_reliable)
			return ERR_STATE; /* an offer must arrive (13.2.1) */
		return offer_write(call->offer, ret_text);
	}
	if (rel->answer.len == 0) {
		err = offer_read(call->offer, buf_slice(&call->remote_offer));
		if (!err)
			err = offer_write_answer(call->offer, &rel->answer);
		if (!err)
			err = buf_err(&rel->answer);
		if (err) {
			offer_rollback(call->offer);
			buf_done(&rel->answer);
			return err;
		}
	}
	buf_addslice(ret_text, buf_slice(&rel->answer));
	return buf_err(ret_text);
}

static int respond(struct sip_call *call, const struct sip_reply *reply, bool is_reliable,
		   struct slice sdp)
{
	struct sip_reply full = *reply;
	struct buf headers = BUF_INIT;
	uint32_t rseq = call->rel.rseq + 1;
	int err;

	if (call->rel.rseq == 0) /* RFC 3262 3: 1 to 2^31 - 1 */
		rseq = 1 + random_below(call->ua->random, 0x7ffffffe);
	if (is_reliable) {
		buf_addf(&headers, "Require: 100rel\r\nRSeq: %u\r\n", (unsigned)rseq);
		ua_add_capabilities(call->ua, &headers); /* may we be sent an UPDATE? */
	}
	if (reply->headers)
		buf_adds(&headers, reply->headers);
	full.headers = headers.p;
	full.content_type = sdp.len > 0 ? "application/sdp" : NULL;
	full.body = sdp;
	err = buf_err(&headers);
	if (!err)
		err = call_respond(call, &full, true);
	buf_done(&headers);
	if (!err && is_reliable)
		call->rel.rseq = rseq;
	return err;
}

static void wait_prack(struct sip_call *call, bool has_sdp)
{
	uint32_t t1_ms = sip_tx_t1_ms(call->ua->tx);

	call->rel.is_waiting = true;
	call->rel.waits_with_sdp = has_sdp;
	call->rel.resend_ms = t1_ms;
	timer_start(call->ua->wheel, &call->rel.resend, t1_ms);
	timer_start(call->ua->wheel, &call->rel.give_up, 64 * (uint64_t)t1_ms);
}

static int send_now(struct sip_call *call, const struct sip_reply *reply, bool has_sdp)
{
	bool is_reliable = is_to_be_reliable(call, has_sdp);
	struct buf sdp = BUF_INIT;
	int err = has_sdp ? describe(call, is_reliable, &sdp) : 0;

	if (!err)
		err = respond(call, reply, is_reliable, buf_slice(&sdp));
	if (!err && is_reliable)
		wait_prack(call, sdp.len > 0);
	if (err && sdp.len > 0 && offer_state(call->offer) == OFFER_LOCAL)
		offer_rollback(call->offer);
	if (!err && sdp.len > 0 && call->remote_offer.len > 0) {
		call->is_agreed = is_reliable;
		call_media_soon(call);
	}
	buf_done(&sdp);
	return err;
}

static int wait_in_line(struct sip_call *call, const struct sip_reply *reply, bool has_sdp)
{
	struct call_rel *rel = &call->rel;
	struct call_progress *last;

	if (rel->line_count == CALL_PROGRESS_MAX)
		return ERR_LIMIT;
	last = &rel->line[rel->line_count];
	*last = (struct call_progress){.status = reply->status, .has_sdp = has_sdp};
	if (reply->reason)
		last->reason = slice_dup(slice_of(reply->reason));
	if (reply->headers)
		last->headers = slice_dup(slice_of(reply->headers));
	if ((reply->reason && !last->reason) || (reply->headers && !last->headers)) {
		free(last->reason);
		free(last->headers);
		return -ENOMEM;
	}
	rel->line_count++;
	return 0;
}

static int progress(struct sip_call *call, const struct sip_reply *reply, bool has_sdp)
{
	if (call->state != SIP_CALL_INCOMING || call->rel.wants_accept || reply->status <= 100 ||
	    reply->status >= 200)
		return ERR_STATE;
	if (call->rel.is_waiting)
		return wait_in_line(call, reply, has_sdp);
	return send_now(call, reply, has_sdp);
}

int sip_call_progress(struct sip_call *call, const struct sip_reply *reply)
{
	return progress(call, reply, false);
}

int sip_call_progress_media(struct sip_call *call, const struct sip_reply *reply)
{
	if (!call->has_local)
		return ERR_STATE;
	if (call->remote_offer.len == 0 && !call->is_agreed && !can_be_reliable(call))
		return ERR_STATE;
	return progress(call, reply, true);
}

/* The 2xx
 * -------------------------------------------------------------------------------------------- */

bool call_rel_blocks(const struct sip_call *call)
{
	return call->rel.is_waiting && call->rel.waits_with_sdp;
}

int call_rel_accept_later(struct sip_call *call, const struct sip_reply *reply)
{
	struct call_rel *rel = &call->rel;

	if (reply && reply->reason)
		rel->accept_reason = slice_dup(slice_of(reply->reason));
	if (reply && reply->headers)
		rel->accept_headers = slice_dup(slice_of(reply->headers));
	if (reply &&
	    ((reply->reason && !rel->accept_reason) || (reply->headers && !rel->accept_headers)))
		return -ENOMEM;
	rel->wants_accept = true;
	return 0;
}

/* PRACK
 * ---------------------------------------------------------------------------------------------- */

/* RAck: response-num CSeq-num Method (RFC 3262 7.2). */
static bool is_rack_of(const struct sip_call *call, const struct sip_msg *prack)
{
	struct slice rest = slice_trim(sip_msg_value(prack, SIP_H_RACK));
	uint32_t number[2] = {0};

	for (int i = 0; i < 2; i++) {
		size_t end = slice_find(rest, ' ');

		if (slice_u32(slice_first(rest, end), UINT32_MAX, &number[i]))
			return false;
		rest = slice_trim(slice_from(rest, end + 1));
	}
	return slice_is(rest, "INVITE") && number[0] == call->rel.rseq &&
	       number[1] == call->stx_cseq;
}

bool call_rel_waits_for(const struct sip_call *call, const struct sip_msg *prack)
{
	return call->rel.is_waiting && is_rack_of(call, prack);
}

/* What was waiting for it. */
static void go_on(struct sip_call *call)
{
	struct call_rel *rel = &call->rel;
	struct sip_reply reply;
	struct call_progress next;

	if (call->state != SIP_CALL_INCOMING)
		return;
	if (rel->wants_accept) {
		rel->wants_accept = false;
		reply = (struct sip_reply){.reason = rel->accept_reason,
					   .headers = rel->accept_headers};
		if (sip_call_accept(call, &reply))
			(void)call_uas_reject(call, &(struct sip_reply){.status = 500});
		return;
	}
	if (rel->line_count == 0)
		return;
	next = rel->line[0];
	rel->line_count--;
	memmove(&rel->line[0], &rel->line[1], rel->line_count * sizeof(next));
	reply = (struct sip_reply){
		.status = next.status, .reason = next.reason, .headers = next.headers};
	(void)send_now(call, &reply, next.has_sdp);
	free(next.reason);
	free(next.headers);
}

/* A new offer may come once the first exchange is over (RFC 3262 5). */
static int answer_offer(struct sip_call *call, struct slice sdp, struct buf *ret_answer)
{
	int err;

	if (!call->is_agreed)
		return ERR_STATE;
	err = offer_read(call->offer, sdp);
	if (err)
		return err;
	err = offer_write_answer(call->offer, ret_answer);
	if (err)
		offer_rollback(call->offer);
	return err ? err : buf_err(ret_answer);
}

static void reply_200(struct sip_stx *tx, struct slice sdp)
{
	if (sip_stx_reply(tx, &(struct sip_reply){
				      .status = 200,
				      .content_type = sdp.len > 0 ? "application/sdp" : NULL,
				      .body = sdp,
			      }))
		(void)ua_reply(tx, 500, NULL);
}

/* The answer to our offer. A PRACK is answered 200 all the same (RFC 3262 3); the call is not. */
static void on_answer(struct sip_call *call, struct sip_stx *tx, struct slice sdp)
{
	int err = sdp.len > 0 ? offer_read_answer(call->offer, sdp) : ERR_SDP_MISMATCH;

	reply_200(tx, SLICE_NONE);
	if (err) {
		offer_rollback(call->offer);
		call_set_end(call, SIP_END_LOCAL, 488, SLICE("no usable answer in the PRACK"));
		(void)call_uas_reject(call, &(struct sip_reply){.status = 488});
		return;
	}
	call->is_agreed = true;
	call_tell_media(call);
}

static void on_offer(struct sip_call *call, struct sip_stx *tx, struct slice sdp)
{
	struct buf answer = BUF_INIT;
	int err = answer_offer(call, sdp, &answer);

	if (err)
		(void)ua_reply(tx, call_offer_status(err), NULL);
	else
		reply_200(tx, buf_slice(&answer));
	buf_done(&answer);
	if (!err)
		call_tell_media(call);
}

void call_pracked(struct sip_call *call, struct sip_stx *tx, const struct sip_msg *prack)
{
	struct slice sdp = ua_sdp(prack);

	if (!call_rel_waits_for(call, prack)) {
		(void)ua_reply(tx, 481, NULL);
		return;
	}
	call->rel.is_waiting = false;
	stop_resending(call);
	if (call->state == SIP_CALL_INCOMING && call->rel.waits_with_sdp && !call->is_agreed)
		on_answer(call, tx, sdp);
	else if (sdp.len > 0 && call->state != SIP_CALL_ENDING)
		on_offer(call, tx, sdp);
	else
		reply_200(tx, SLICE_NONE);
	go_on(call);
}
