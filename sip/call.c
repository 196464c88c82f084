/* The call itself: memory, identity, what the application may ask of it, and its end. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/ua_priv.h"

/* Things due "soon" are those that must not happen inside a function that the application called.
 */
static void on_soon(void *arg)
{
	struct sip_call *call = arg;

	if (call->media_is_due)
		call_tell_media(call);
	if (call->end_is_due && !call->is_over)
		call_end(call, NULL);
	else if (call->is_over && list_empty(&call->txs))
		call_free(call);
}

static void soon(struct sip_call *call)
{
	if (!timer_running(&call->soon))
		timer_start(call->ua->wheel, &call->soon, 0);
}

int call_alloc(struct sip_ua *ua, struct sip_call **ret_call)
{
	struct sip_call *call;

	if (ua->calls_max > 0 && ua->stats.calls >= ua->calls_max)
		return ERR_LIMIT;
	call = calloc(1, sizeof(*call));
	if (!call)
		return -ENOMEM;
	call->ua = ua;
	list_init(&call->txs);
	list_init(&call->acks);
	timer_init(&call->soon, on_soon, call);
	call_uas_init(call);
	call_uac_init(call);
	call_reinvite_init(call);
	call_timer_init(call);
	call_rel_init(call);
	list_append(&ua->calls, &call->node);
	ua->stats.calls++;
	*ret_call = call;
	return 0;
}

static void stop_timers(struct sip_call *call)
{
	struct wheel *wheel = call->ua->wheel;

	timer_stop(wheel, &call->resend_timer);
	timer_stop(wheel, &call->ack_timer);
	timer_stop(wheel, &call->progress_timer);
	timer_stop(wheel, &call->invite_timer);
	timer_stop(wheel, &call->glare_timer);
	call_timer_stop(call);
	call_rel_stop(call);
}

void call_free(struct sip_call *call)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &call->txs)
		call_tx_free(LIST_ENTRY(it, struct call_tx, node));
	call_acks_free(call);
	buf_done(&call->credentials);
	stop_timers(call);
	timer_stop(call->ua->wheel, &call->soon);
	if (call->stx)
		sip_stx_watch(call->stx, NULL, NULL);
	if (!call->is_over)
		call->ua->stats.calls--;
	call_forks_free(call);
	call_rel_done(call);
	ua_dialog_drop(call->ua, &call->dialog);
	sip_dialog_free(call->start);
	offer_free(call->offer);
	buf_done(&call->remote_offer);
	free(call->remote_uri);
	free(call->remote_display);
	free(call->end_headers);
	free(call->update_headers);
	list_remove(&call->node);
	free(call);
}

void call_free_if_idle(struct sip_call *call)
{
	if (call->is_over && list_empty(&call->txs))
		soon(call);
}

/* The end
 * ---------------------------------------------------------------------------------------------------
 */

void call_set_end(struct sip_call *call, enum sip_call_end_by by, uint16_t status,
		  struct slice text)
{
	if (call->end_is_known)
		return;
	call->end_is_known = true;
	call->end_by = by;
	call->end_status = status;
	slice_cstr(text, call->end_text, sizeof(call->end_text));
}

static void cancel_unsent(struct sip_call *call)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &call->txs) {
		struct call_tx *tx = LIST_ENTRY(it, struct call_tx, node);

		tx->on_reply = NULL;
		if (!tx->sender.ctx)
			call_tx_free(tx);
	}
}

void call_end(struct sip_call *call, const struct sip_msg *message)
{
	struct sip_call_end end = {
		.by = call->end_by,
		.status = call->end_status,
		.text = call->end_text,
		.message = message,
	};

	assert(!call->is_over && call->end_is_known);
	call->is_over = true;
	call->end_is_due = call->media_is_due = false;
	call->state = SIP_CALL_ENDING;
	stop_timers(call);
	if (call->dialog)
		ua_remember_ended(call->ua, call->dialog);
	ua_dialog_leave(call->ua, call->dialog);
	call_forks_unlink(call);
	call_drop_stx(call);
	cancel_unsent(call);
	call->ua->stats.calls--;
	if (call->handlers.on_ended)
		call->handlers.on_ended(call->arg, call, &end);
	call->handlers = (struct sip_call_handlers){0};
	call_free_if_idle(call);
}

void call_end_soon(struct sip_call *call)
{
	call->end_is_due = true;
	call->state = SIP_CALL_ENDING;
	soon(call);
}

int call_keep_headers(struct sip_call *call, const struct sip_reply *reason)
{
	if (!reason || !reason->headers || call->end_headers)
		return 0;
	call->end_headers = slice_dup(slice_of(reason->headers));
	return call->end_headers ? 0 : -ENOMEM;
}

void sip_call_hangup(struct sip_call *call, const struct sip_reply *reason)
{
	struct sip_reply reply = reason ? *reason : (struct sip_reply){0};

	if (call->is_over || call->state == SIP_CALL_ENDING)
		return;
	if (reply.status < 300)
		reply.status = 480;
	if (call->state == SIP_CALL_INCOMING) {
		(void)call_uas_reject(call, &reply);
		return;
	}
	(void)call_keep_headers(call, reason);
	call_set_end(call, SIP_END_LOCAL, 0, SLICE("hung up"));
	if (call->state == SIP_CALL_CALLING || call->state == SIP_CALL_RINGING) {
		call_uac_hangup(call);
	} else if (call->state == SIP_CALL_ACCEPTED) {
		call->wants_bye = true; /* not before the ACK (RFC 3261 15) */
		call->state = SIP_CALL_ENDING;
	} else {
		call_send_bye(call, call->dialog);
	}
}

/* Media
 * -------------------------------------------------------------------------------------------------------
 */

void call_media_soon(struct sip_call *call)
{
	call->media_is_due = true;
	soon(call);
}

void call_tell_early(struct sip_call *call, const struct offer *offer)
{
	const struct offer_agreed *agreed = offer_agreed(offer);

	if (agreed && call->handlers.on_early_media && call->state != SIP_CALL_ENDING)
		call->handlers.on_early_media(call->arg, call, agreed);
}

void call_tell_media(struct sip_call *call)
{
	const struct offer_agreed *agreed = call->offer ? offer_agreed(call->offer) : NULL;

	call->media_is_due = false;
	if (call->state == SIP_CALL_INCOMING)
		call_tell_early(call, call->offer);
	else if (agreed && call->handlers.on_media && call->state != SIP_CALL_ENDING)
		call->handlers.on_media(call->arg, call, agreed);
}

/* Who rings at several places: each dialog that has an exchange of its own has it changed. */
static int set_local_of_forks(struct sip_call *call, const struct offer_local *local)
{
	int err = ERR_STATE;

	for (uint32_t i = 0; i < call->fork_count; i++) {
		if (call->forks[i].offer && offer_set_local(call->forks[i].offer, local) == 0)
			err = 0;
	}
	return err;
}

int sip_call_set_local(struct sip_call *call, const struct offer_local *local)
{
	int err;

	if (call->offer)
		err = offer_set_local(call->offer, local);
	else
		err = offer_new(local, random_u64(call->ua->random) >> 2, &call->offer);
	if (!call->dialog && set_local_of_forks(call, local) == 0)
		err = 0;
	if (err)
		return err;
	call->local = *local;
	call->has_local = true;
	return 0;
}

/* Identity
 * ------------------------------------------------------------------------------------------------------
 */

static char *unescape_display(struct slice display)
{
	char *text = slice_dup(slice_present(display) ? display : SLICE(""));
	char *out = text;

	for (const char *in = text; in && *in; in++) {
		if (*in == '\\' && in[1])
			in++;
		*out++ = *in;
	}
	if (out)
		*out = '\0';
	return text;
}

int call_set_remote(struct sip_call *call, const struct sip_addr *remote)
{
	call->remote_uri = slice_dup(remote->uri.text);
	call->remote_display = unescape_display(remote->display);
	return call->remote_uri && call->remote_display ? 0 : -ENOMEM;
}

int sip_call_set_contact(struct sip_call *call, struct slice user, const char *params)
{
	struct slice extra = slice_of(params);

	if (user.len >= CALL_CONTACT_MAX || extra.len >= CALL_CONTACT_MAX)
		return ERR_LIMIT;
	slice_cstr(user, call->contact_user, CALL_CONTACT_MAX);
	slice_cstr(extra, call->contact_params, CALL_CONTACT_MAX);
	return 0;
}

int call_add_contact(const struct sip_call *call, const struct sip_flow *flow, struct buf *buf)
{
	return ua_add_contact(
		call->ua, flow,
		&(struct ua_contact){call->contact_user, call->contact_params, call->is_sips}, buf);
}

void sip_call_bind(struct sip_call *call, const struct sip_call_handlers *handlers, void *arg)
{
	call->handlers = *handlers;
	call->arg = arg;
}

void *sip_call_arg(const struct sip_call *call)
{
	return call->arg;
}

enum sip_call_state sip_call_state(const struct sip_call *call)
{
	return call->state;
}

bool sip_call_is_outgoing(const struct sip_call *call)
{
	return call->is_outgoing;
}

struct slice sip_call_id(const struct sip_call *call)
{
	const struct sip_dialog *dialog = call->dialog ? call->dialog : call->start;

	return slice_of(dialog->call_id);
}

struct slice sip_call_remote_uri(const struct sip_call *call)
{
	return slice_of(call->remote_uri);
}

struct slice sip_call_remote_display(const struct sip_call *call)
{
	return slice_of(call->remote_display);
}

struct slice sip_call_remote_target(const struct sip_call *call)
{
	return call->dialog ? slice_of(call->dialog->remote_target) : SLICE_NONE;
}

bool sip_call_is_sips(const struct sip_call *call)
{
	return call->is_sips;
}

bool sip_call_is_remote_focus(const struct sip_call *call)
{
	return call->dialog && call->dialog->is_remote_focus;
}

bool sip_call_peek_rtp(const struct sip_call *call, struct addr *ret_rtp)
{
	return sdp_peek_rtp(buf_slice(&call->remote_offer), ret_rtp);
}

void sip_call_note(struct sip_call *call, struct slice lines)
{
	if (call->stx)
		sip_stx_note(call->stx, lines);
}

const struct sip_flow *sip_call_flow(const struct sip_call *call)
{
	return &call->flow;
}
