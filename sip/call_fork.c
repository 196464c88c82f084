/* The early dialogs of an INVITE of ours (RFC 3261 12.1, 13.2.2.4): one for each callee that rings,
 * each with its own offer/answer (RFC 6337 3.1) and its own reliable answers (RFC 3262 4). The one
 * whose 2xx comes first becomes the call's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/build.h"
#include "sip/ua_priv.h"

static struct slice tag_of(const struct sip_msg *response)
{
	struct sip_addr to;

	return sip_msg_addr(response, SIP_H_TO, &to) ? SLICE_NONE : sip_addr_tag(&to);
}

static struct call_fork *find_tag(struct sip_call *call, struct slice tag)
{
	for (uint32_t i = 0; i < call->fork_count; i++) {
		if (slice_is(tag, call->forks[i].dialog->remote_tag))
			return &call->forks[i];
	}
	return NULL;
}

struct call_fork *call_fork_of(struct sip_call *call, const struct sip_dialog *dialog)
{
	for (uint32_t i = 0; i < call->fork_count; i++) {
		if (call->forks[i].dialog == dialog)
			return &call->forks[i];
	}
	return NULL;
}

struct offer *call_offer_of(struct sip_call *call, const struct sip_dialog *dialog)
{
	const struct call_fork *fork;

	if (dialog == call->dialog)
		return call->offer;
	fork = call_fork_of(call, dialog);
	return fork ? fork->offer : NULL;
}

struct call_fork *call_fork_add(struct sip_call *call, const struct sip_msg *response)
{
	struct slice tag = tag_of(response);
	struct sip_dialog *dialog;
	struct call_fork *fork = find_tag(call, slice_present(tag) ? tag : SLICE(""));

	if (fork || call->fork_count == CALL_FORKS_MAX ||
	    sip_dialog_fork(call->start, response, &dialog))
		return fork;
	dialog->owner = call;
	fork = &call->forks[call->fork_count++];
	*fork = (struct call_fork){.dialog = dialog};
	return fork;
}

static void drop_offers(struct call_fork *fork)
{
	fork->offer = offer_free(fork->offer);
	fork->preview = offer_free(fork->preview);
}

void call_forks_unlink(struct sip_call *call)
{
	for (uint32_t i = 0; i < call->fork_count; i++)
		ua_dialog_leave(call->ua, call->forks[i].dialog);
}

void call_forks_free(struct sip_call *call)
{
	for (uint32_t i = 0; i < call->fork_count; i++) {
		drop_offers(&call->forks[i]);
		ua_dialog_drop(call->ua, &call->forks[i].dialog);
	}
	call->fork_count = 0;
}

/* The 2xx
 * -------------------------------------------------------------------------------------------- */

/* What that dialog agreed on becomes the call's. A description in an unreliable answer counts when
 * the 2xx has none. */
static void take_offer(struct sip_call *call, struct call_fork *fork, bool has_sdp)
{
	struct offer **best = fork->offer ? &fork->offer : &fork->preview;

	if (!*best || (best == &fork->preview && has_sdp))
		return;
	offer_free(call->offer);
	call->offer = *best;
	*best = NULL;
}

int call_take_dialog(struct sip_call *call, const struct sip_msg *response, bool *ret_is_agreed)
{
	struct slice tag = tag_of(response);
	struct call_fork *fork = find_tag(call, slice_present(tag) ? tag : SLICE(""));
	bool has_sdp = ua_sdp(response).len > 0;
	struct sip_dialog *dialog;
	int err;

	*ret_is_agreed = false;
	if (!fork) {
		err = sip_dialog_fork(call->start, response, &dialog);
	} else {
		*ret_is_agreed = fork->is_agreed || (fork->preview && !has_sdp);
		take_offer(call, fork, has_sdp);
		drop_offers(fork);
		dialog = fork->dialog;
		err = sip_dialog_confirm(dialog, response);
		/* One that is no use stays where it is: a PRACK may be under way in it. */
		if (!err)
			*fork = call->forks[--call->fork_count];
	}
	call_forks_unlink(call);
	if (err)
		return err;
	call->dialog = dialog;
	dialog->owner = call;
	if (!hash_linked(&dialog->node))
		ua_dialog_add(call->ua, dialog);
	return 0;
}

/* Provisional answers
 * --------------------------------------------------------------------------------------- */

static void give_up(struct sip_call *call, const char *why)
{
	if (call->state == SIP_CALL_ENDING)
		return;
	call_set_end(call, SIP_END_LOCAL, 0, slice_of(why));
	call_uac_hangup(call);
}

static bool make_offer(struct sip_call *call, struct offer **offer)
{
	return *offer || (call->offer && offer_clone(call->offer, offer) == 0);
}

/* Their answer. One that may be lost is a preview: it is read into a copy, so that the answer to
 * come is read as if this one had not been. */
static void read_answer(struct sip_call *call, struct call_fork *fork, struct slice sdp,
			bool is_reliable)
{
	struct offer *copy = NULL;

	if (!is_reliable) {
		if (!fork->offer && make_offer(call, &copy) && offer_read_answer(copy, sdp) == 0) {
			offer_free(fork->preview);
			fork->preview = copy;
			call_tell_early(call, copy);
			return;
		}
		offer_free(copy);
		return;
	}
	if (!make_offer(call, &fork->offer) || offer_read_answer(fork->offer, sdp)) {
		give_up(call, "no usable session description in a reliable answer");
		return;
	}
	fork->is_agreed = true;
	call->early = fork->dialog;
	call_tell_early(call, fork->offer);
}

/* Their offer in a reliable answer; ours goes into the PRACK (RFC 3262 5). */
static void answer_offer(struct sip_call *call, struct call_fork *fork, struct slice sdp,
			 struct buf *ret_answer)
{
	int err = ERR_STATE;

	if (make_offer(call, &fork->offer))
		err = offer_read(fork->offer, sdp);
	if (!err)
		err = offer_write_answer(fork->offer, ret_answer);
	if (err) {
		buf_done(ret_answer);
		fork->offer = offer_free(fork->offer);
		return;
	}
	fork->is_agreed = true;
	call->early = fork->dialog;
}

int call_send_prack(struct sip_call *call, struct sip_dialog *dialog, struct slice answer)
{
	char rack[64];

	(void)snprintf(rack, sizeof(rack), "RAck: %u %u INVITE\r\n", (unsigned)dialog->rseq,
		       (unsigned)dialog->rseq_cseq);
	return call_tx_start(call,
			     &(struct call_tx_new){
				     .kind = CALL_TX_PRACK,
				     .dialog = dialog,
				     .method = "PRACK",
				     .cseq = ++dialog->local_cseq,
				     .headers = rack,
				     .content_type = answer.len > 0 ? "application/sdp" : NULL,
				     .body = answer,
			     },
			     NULL);
}

/* Whatever the answer: that of the INVITE itself decides. */
void call_prack_done(struct call_tx *tx, const struct sip_msg *response)
{
	if (response && response->status < 200)
		return;
	tx->is_answered = true;
	call_try_exchange(tx->call);
}

bool call_is_reliable(const struct sip_msg *response)
{
	return response->status > 100 && response->status < 200 &&
	       sip_list_has(response, SIP_H_REQUIRE, "100rel") &&
	       slice_present(sip_msg_value(response, SIP_H_RSEQ));
}

static void on_reliable(struct call_tx *tx, struct call_fork *fork, const struct sip_msg *response)
{
	struct slice sdp = ua_sdp(response);
	struct sip_call *call = tx->call;
	struct sip_dialog *dialog = fork->dialog;
	struct buf answer = BUF_INIT;
	bool is_offer = tx->body.len == 0 && sdp.len > 0 && !fork->is_agreed;
	bool is_answered;

	if (is_offer)
		answer_offer(call, fork, sdp, &answer);
	is_answered = answer.len > 0;
	(void)call_send_prack(call, dialog, buf_slice(&answer));
	buf_done(&answer);
	if (is_answered)
		call_tell_early(call, fork->offer);
	else if (is_offer)
		give_up(call, "nothing to answer their offer with");
	else if (sdp.len > 0 && !fork->is_agreed)
		read_answer(call, fork, sdp, true);
}

void call_fork_progress(struct call_tx *tx, const struct sip_msg *response)
{
	struct sip_call *call = tx->call;
	bool is_reliable = call_is_reliable(response);
	struct slice sdp = ua_sdp(response);
	struct call_fork *fork = NULL;

	if (slice_present(tag_of(response)))
		fork = call_fork_add(call, response);
	if (fork && !hash_linked(&fork->dialog->node))
		ua_dialog_add(call->ua, fork->dialog);
	if (is_reliable && (!fork || sip_dialog_check_rseq(fork->dialog, response)))
		return; /* a copy, or one before it is missing (RFC 3262 4) */
	if (fork)
		(void)sip_dialog_refresh(fork->dialog, response);
	call->state = SIP_CALL_RINGING;
	if (call->handlers.on_progress)
		call->handlers.on_progress(call->arg, call, response);
	if (!fork || call->state == SIP_CALL_ENDING)
		return;
	if (is_reliable)
		on_reliable(tx, fork, response);
	else if (tx->body.len > 0 && sdp.len > 0 && !fork->is_agreed)
		read_answer(call, fork, sdp, false);
}
