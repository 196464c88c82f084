/* focus/participant_signals.c -- what the call and the mixer tell of a participant, as events of
 * its state machine. */
#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "focus/attendant.h"
#include "focus/calls_priv.h"
#include "focus/chat.h"
#include "focus/confirm.h"
#include "focus/failure.h"
#include "focus/farewell.h"
#include "focus/focus_priv.h"
#include "focus/info.h"
#include "focus/menu.h"
#include "focus/participant_priv.h"
#include "focus/recording.h"
#include "focus/refer_in.h"
#include "focus/refocus.h"
#include "focus/seats.h"
#include "focus/status.h"
#include "focus/text.h"
#include "focus/waiting.h"
#include "sip/sips.h"

enum { WARNING_MAX = 512 }; /* octets of one that is handed on; a longer one is not */

/* What the call tells ------------------------------------------------------------------------ */

static void on_progress(void *arg, struct sip_call *call, const struct sip_msg *response)
{
	struct participant *p = arg;

	(void)call;
	refer_in_progress(p->refer, response->status);
	if (response->status >= 180 && p->room)
		participant_step(p, PARTICIPANT_EV_PROGRESS);
}

static void step_held(struct participant *p)
{
	if (p->attendant)
		return;
	participant_step(p, p->is_held ? PARTICIPANT_EV_HELD : PARTICIPANT_EV_RESUMED);
}

/* Whom we call has answered, and shall show first that it is the one. */
static void ask_first(struct participant *p)
{
	if (!attendant_has_pin(p->room))
		p->ask = PARTICIPANT_ASK_KEY;
	if (p->ask == PARTICIPANT_ASK_KEY)
		confirm_begin(p);
	else
		attendant_take(p);
}

static void on_established(void *arg, struct sip_call *call, const struct sip_msg *message)
{
	struct participant *p = arg;

	(void)call;
	if (p->is_outgoing && p->room) {
		loops_note(p, message);
		seats_note(p, message);
	}
	if (p->attendant) {
		attendant_on_established(p->attendant);
		return;
	}
	if (p->ask)
		ask_first(p);
	else if (p->is_outgoing || p->room->call) /* who was called is wanted: it does not wait */
		participant_step(p, PARTICIPANT_EV_ESTABLISHED);
	else
		waiting_come_in(p);
	step_held(p);
}

static void on_media(void *arg, struct sip_call *call, const struct offer_agreed *agreed)
{
	struct participant *p = arg;

	(void)call;
	leg_agree(&p->leg, agreed);
	p->is_held = agreed->is_held;
	if (p->room && p->room->call)
		calls_on_media(p->room->call, p);
	refocus_over(p);
	step_held(p);
}

static void on_reinvite_failed(void *arg, struct sip_call *call, uint16_t status)
{
	struct participant *p = arg;

	(void)call;
	refocus_over(p);
	if (p->room && p->room->call)
		calls_on_refused(p->room->call, p);
	LOG(LOG_WARN, "participant.reinvite_failed", LOG_STR("room", p->room_id),
	    LOG_STR("participant", p->id), LOG_STR("call_id", p->call_id),
	    LOG_INT("status", status));
}

/* OPTIONS in a dialog asks whether we are still there (RFC 3261 11); it never disturbs the room. */
static void on_request(void *arg, struct sip_call *call, struct sip_stx *tx,
		       const struct sip_msg *request)
{
	bool is_options = request->method == SIP_METHOD_OPTIONS;

	(void)call;
	if (arg && request->method == SIP_METHOD_REFER) {
		refer_in_within(arg, tx, request);
		return;
	}
	if (arg && request->method == SIP_METHOD_INFO) {
		info_on_request(arg, tx, request);
		return;
	}
	if (arg && request->method == SIP_METHOD_MESSAGE) {
		chat_on_message_within(arg, tx, request);
		return;
	}
	if (arg && request->method == SIP_METHOD_SUBSCRIBE) {
		packages_on_subscribe_within(arg, tx, request);
		return;
	}
	(void)sip_stx_reply(tx,
			    &(struct sip_reply){
				    .status = is_options ? 200 : 405,
				    .headers = is_options ? "Accept: application/sdp\r\n" : NULL,
			    });
}

/* Our own cause, given when we rang off, is the true one; else the call's end tells it. */
static void note_end(struct participant *p, const struct sip_call_end *end)
{
	const char *cause = "failed";

	if (!p->connected_wall_ms)
		p->status = end->status;
	if (p->cause[0])
		return;
	switch (end->by) {
	case SIP_END_REMOTE:
		cause = end->status ? status_failure_cause(end->status) : "bye";
		break;
	case SIP_END_TIMEOUT:
		cause = p->is_outgoing && !p->connected_wall_ms ? "no_answer" : "timeout";
		break;
	case SIP_END_TRANSPORT:
		cause = "unreachable";
		break;
	case SIP_END_LOCAL:
		cause = end->status ? status_failure_cause(end->status) : "failed";
		break;
	}
	text_utf8(slice_of(cause), p->cause, sizeof(p->cause));
}

static void on_ended(void *arg, struct sip_call *call, const struct sip_call_end *end)
{
	struct participant *p = arg;

	assert(p->call == call);
	p->call = NULL;
	participant_ended(p, end);
}

/* What whoever called it, by way of us, shall know beside the status. */
static void keep_warning(struct participant *p, const struct sip_call_end *end)
{
	struct slice value = end->message ? sip_msg_value(end->message, SIP_H_WARNING) : SLICE_NONE;
	struct buf own = BUF_INIT;

	if (end->warning) {
		sip_sips_warning(end->warning, p->focus->host, &own);
		value = slice_trim(slice_from(buf_slice(&own), sizeof("Warning:") - 1));
	}
	free(p->warning);
	p->warning = value.len && value.len <= WARNING_MAX ? slice_dup(value) : NULL;
	buf_done(&own);
}

void participant_ended(struct participant *p, const struct sip_call_end *end)
{
	farewell_forget(p);
	if (!p->connected_wall_ms)
		keep_warning(p, end);
	if (!p->attendant || p->is_outgoing)
		failure_log(p, end);
	note_end(p, end);
	if (p->attendant && !p->room) {
		participant_drop(p);
		return;
	}
	participant_step(p, PARTICIPANT_EV_ENDED);
}

const struct sip_call_handlers participant_handlers = {
	.on_progress = on_progress,
	.on_established = on_established,
	.on_media = on_media,
	.on_reinvite_failed = on_reinvite_failed,
	.on_request = on_request,
	.on_ended = on_ended,
};

static void orphan_message(void *arg, struct sip_call *call, const struct sip_msg *message)
{
	(void)arg;
	(void)call;
	(void)message;
}

static void orphan_media(void *arg, struct sip_call *call, const struct offer_agreed *agreed)
{
	(void)arg;
	(void)call;
	(void)agreed;
}

static void orphan_ended(void *arg, struct sip_call *call, const struct sip_call_end *end)
{
	(void)arg;
	(void)call;
	(void)end;
}

const struct sip_call_handlers participant_orphan_handlers = {
	.on_progress = orphan_message,
	.on_established = orphan_message,
	.on_media = orphan_media,
	.on_request = on_request,
	.on_ended = orphan_ended,
};

/* What the mixer tells ----------------------------------------------------------------------- */

static void on_dtmf(struct participant *p, const struct media_event *event)
{
	p->focus->stats.dtmf_digits++;
	event_publish(p->focus, &(struct focus_news){.kind = FOCUS_DTMF,
						     .room = p->room,
						     .participant = p,
						     .digit = event->digit,
						     .duration_ms = event->duration_ms});
	if (p->ask == PARTICIPANT_ASK_KEY && p->state == PARTICIPANT_PENDING) {
		confirm_on_digit(p, event->digit);
		return;
	}
	digits_pass_on(p, event->digit);
	if (p->is_in_mix && !p->room->call)
		menu_on_digit(p, event->digit);
}

static void on_talking(struct participant *p, bool is_on)
{
	if (p->is_talking == is_on)
		return;
	p->is_talking = is_on;
	recording_on_talking(p, is_on);
	participant_tell(p, FOCUS_PARTICIPANT_TALKING);
}

static void on_flags(struct participant *p, uint8_t flags)
{
	uint8_t raised = (uint8_t)(flags & ~p->flags);

	for (uint32_t i = 0; i < MEDIA_FLAG_COUNT; i++)
		p->focus->stats.flags_raised[i] += raised >> i & 1;
	p->flags = flags;
	p->version = focus_version_next(p->focus);
	participant_tell(p, FOCUS_PARTICIPANT_CHANGED);
}

static void on_closed(struct participant *p, const struct media_leg_stats *stats)
{
	bool is_expected = p->leg.is_closing;

	leg_on_closed(&p->leg, stats);
	p->is_talking = false;
	if (is_expected)
		participant_release(p);
	else
		participant_ring_off(p, "media_failed", PARTICIPANT_EV_KICK);
}

static bool is_new_digit(struct participant *p, const struct media_event *event)
{
	uint64_t now_ms = clock_mono_ms(&p->focus->clock);

	if (!digits_note(&p->digits, event->digit, event->via, now_ms))
		return false;
	if (pace_take(&p->digits.pace, now_ms, DIGITS_EVERY_MS, DIGITS_AT_ONCE))
		return true;
	p->focus->stats.dtmf_dropped++;
	return false;
}

void participant_on_media_event(struct participant *p, const struct media_event *event)
{
	if (event->kind == MEDIA_PLAY_ENDED) {
		if (p->attendant)
			attendant_on_said(p->attendant, event->object);
		else if (!farewell_on_said(p, event->object))
			waiting_on_said(p, event->object);
		return;
	}
	if (event->kind == MEDIA_LEG_CLOSED) {
		on_closed(p, &event->stats);
		return;
	}
	if (event->kind == MEDIA_LEG_DTMF && !is_new_digit(p, event))
		return;
	if (p->attendant && event->kind == MEDIA_LEG_DTMF) {
		attendant_on_digit(p->attendant, event->digit);
		return;
	}
	if (!p->room || p->state == PARTICIPANT_DISCONNECTING)
		return; /* crossed our leg_close */
	switch (event->kind) {
	case MEDIA_LEG_TALKING:
		on_talking(p, event->is_on);
		break;
	case MEDIA_LEG_DTMF:
		on_dtmf(p, event);
		break;
	case MEDIA_LEG_FLAGS:
		on_flags(p, event->flags);
		break;
	case MEDIA_LEG_QUIET:
		if (p->focus->config->media_quiet_s)
			participant_ring_off(p, "no_media", PARTICIPANT_EV_KICK);
		break;
	case MEDIA_LEG_ACTIVE:
		if (p->room->call)
			calls_on_active(p->room->call, p);
		break;
	case MEDIA_LEG_LATCHED:
	case MEDIA_LEG_CLOSED:
	case MEDIA_PLAY_ENDED:
	case MEDIA_RECORD_ENDED:
		break;
	}
}
