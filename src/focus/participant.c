/* focus/participant.c -- the life of a party, and what each transition does.
 *
 * Everything that changes a participant's state goes through participant_step, and so through the
 * table of participant_state.c. */
#include "focus/participant.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/attendant.h"
#include "focus/calls_priv.h"
#include "focus/confirm.h"
#include "focus/farewell.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/recording.h"
#include "focus/refer_in.h"
#include "focus/refocus.h"
#include "focus/room_priv.h"
#include "focus/seats.h"
#include "focus/spoken_name.h"
#include "focus/status.h"
#include "focus/text.h"
#include "focus/waiting.h"
#include "sip/build.h"

static_assert((int)PARTICIPANT_ID_CHARS <= (int)PARTICIPANT_ID_MAX, "an id fits");

/* Life --------------------------------------------------------------------------------------- */

static void on_leg_failed(void *arg, int err)
{
	struct participant *p = arg;

	LOG(LOG_ERROR, "participant.media_failed", LOG_STR("room", p->room_id),
	    LOG_STR("participant", p->id), LOG_STR("call_id", p->call_id),
	    LOG_STR("error", err_text(err)));
	participant_ring_off(p, "media_failed", PARTICIPANT_EV_KICK);
}

void participant_answer_waiting(struct participant *p)
{
	int err;

	if (!p->is_waiting || !p->call)
		return;
	p->is_waiting = false;
	timer_stop(p->focus->wheel, &p->waiting);
	err = sip_call_accept(p->call, NULL);
	if (err) {
		LOG(LOG_WARN, "participant.not_answered", LOG_STR("room", p->room_id),
		    LOG_STR("participant", p->id), LOG_STR("error", err_text(err)));
		participant_ring_off(p, "not_acceptable", PARTICIPANT_EV_KICK);
	}
}

static void on_waited(void *arg)
{
	participant_answer_waiting(arg);
}

int participant_new(struct focus *focus, bool is_outgoing, struct participant **ret_participant)
{
	struct participant *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	if (handle_take(focus->tags, p, &p->tag)) {
		free(p);
		return ERR_PARTICIPANT_LIMIT;
	}
	p->focus = focus;
	p->is_outgoing = is_outgoing;
	p->state = is_outgoing ? PARTICIPANT_DIALING_OUT : PARTICIPANT_DIALING_IN;
	p->created_wall_ms = clock_wall_ms(&focus->clock);
	p->groups = groups_default;
	p->version = focus_version_next(focus);
	random_token(focus->random, p->id, PARTICIPANT_ID_CHARS);
	leg_init(&p->leg, focus, on_leg_failed, p);
	timer_init(&p->waiting, on_waited, p);
	timer_init(&p->confirm.timer, confirm_on_timer, p);
	timer_init(&p->farewell, farewell_on_timer, p);
	list_init(&p->in_room);
	list_append(&focus->participants, &p->in_focus);
	*ret_participant = p;
	return 0;
}

static void participant_record(const struct participant *p)
{
	struct store_call_record record = {
		.is_outgoing = p->is_outgoing,
		.started_wall_ms = p->created_wall_ms,
		.answered_wall_ms = p->connected_wall_ms,
		.ended_wall_ms = p->ended_wall_ms,
		.status = p->connected_wall_ms ? 200 : p->status,
	};
	struct media_leg_stats stats;
	int err;

	if (!p->focus->store)
		return;
	leg_stats(&p->leg, &stats);
	slice_cstr(slice_of(p->room_id), record.room, sizeof(record.room));
	slice_cstr(slice_of(p->id), record.participant, sizeof(record.participant));
	slice_cstr(slice_of(p->uri), record.uri, sizeof(record.uri));
	slice_cstr(slice_of(p->display_name), record.display_name, sizeof(record.display_name));
	slice_cstr(slice_of(p->call_id), record.call_id, sizeof(record.call_id));
	slice_cstr(slice_of(p->cause), record.end_cause, sizeof(record.end_cause));
	record.rx_packets = stats.rx_packets;
	record.rx_lost = stats.rx_lost;
	record.tx_packets = stats.tx_packets;
	record.jitter_us = stats.rx_jitter_us;
	record.mos_x100 = stats.mos_x100;
	err = store_call_record_post(p->focus->store, &record);
	if (err)
		LOG(LOG_ERROR, "record.not_stored", LOG_STR("room", p->room_id),
		    LOG_STR("participant", p->id), LOG_STR("error", err_text(err)));
}

static void participant_free(struct participant *p)
{
	struct focus *focus = p->focus;

	assert(!p->room && !p->call && !leg_is_open(&p->leg));
	if (p->was_listed)
		participant_record(p);
	timer_stop(focus->wheel, &p->waiting);
	confirm_end(p);
	farewell_forget(p);
	(void)handle_drop(focus->tags, p->tag);
	list_remove(&p->in_focus);
	invitation_free(p->invitation);
	attendant_free(p->attendant);
	free(p->group_texts);
	free(p->warning);
	spoken_name_let_go(p);
	free(p);
}

/* The end of the memory: the call has ended and the leg has given its last statistics. */
void participant_release(struct participant *p)
{
	struct focus *focus = p->focus;

	if (p->state != PARTICIPANT_DISCONNECTED || p->call || invitation_is_live(p->invitation) ||
	    leg_is_open(&p->leg))
		return;
	participant_free(p);
	drain_check(focus);
}

void participant_discard(struct participant *p)
{
	assert(!p->was_listed);
	p->call = NULL;
	p->state = PARTICIPANT_DISCONNECTED;
	leg_close(&p->leg);
	participant_release(p);
}

void participant_abandon(struct participant *p)
{
	if (p->room) {
		hash_remove(p->focus->by_id, &p->by_id);
		list_remove(&p->in_room);
		p->room = NULL;
		p->ended_wall_ms = clock_wall_ms(&p->focus->clock);
		text_utf8(slice_of("server_stopped"), p->cause, sizeof(p->cause));
	}
	if (p->call)
		sip_call_bind(p->call, &participant_orphan_handlers, NULL);
	p->call = NULL;
	leg_done(&p->leg);
	participant_free(p);
}

/* What was found out about a caller (focus/auth.h) goes before what it says of itself, also when it
 * says it again. */
static void show_caller(struct participant *p)
{
	const struct auth_identity *caller = &p->focus->caller;

	if (!p->is_outgoing && !p->is_identified) {
		p->is_identified = true;
		p->is_trusted = caller->is_trusted;
		slice_cstr(slice_of(caller->user_name), p->user_name, sizeof(p->user_name));
		slice_cstr(slice_of(caller->uri), p->shown_uri, sizeof(p->shown_uri));
		slice_cstr(slice_of(caller->display_name), p->shown_name, sizeof(p->shown_name));
	}
	if (p->shown_uri[0])
		slice_cstr(slice_of(p->shown_uri), p->uri, sizeof(p->uri));
	if (p->shown_name[0])
		slice_cstr(slice_of(p->shown_name), p->display_name, sizeof(p->display_name));
}

void participant_identify(struct participant *p)
{
	struct slice display = sip_call_remote_display(p->call);
	struct slice uri = sip_call_remote_uri(p->call);

	if (slice_present(uri) && uri.len)
		text_utf8(uri, p->uri, sizeof(p->uri));
	if (display.len) /* what an invitation called it stays until the peer tells its own name */
		text_utf8(display, p->display_name, sizeof(p->display_name));
	text_utf8(sip_call_id(p->call), p->call_id, sizeof(p->call_id));
	p->is_remote_focus = sip_call_is_remote_focus(p->call);
	show_caller(p);
}

void participant_tell(struct participant *p, enum focus_event_kind kind)
{
	event_publish(p->focus,
		      &(struct focus_news){.kind = kind, .room = p->room, .participant = p});
}

void participant_publish(struct participant *p, struct room *room)
{
	p->room = room;
	slice_cstr(slice_of(room->id), p->room_id, sizeof(p->room_id));
	p->was_listed = true;
	hash_add(p->focus->by_id, &p->by_id, hash_slice(slice_of(p->id)));
	room_enter(room, p);
	participant_set_referrer(p, SLICE_NONE);
	participant_apply_control(p);
	participant_tell(p, FOCUS_PARTICIPANT_CREATED);
}

/* Actions ------------------------------------------------------------------------------------ */

/* The one whose seat it has taken is rung off now, not before (RFC 3891 3). */
static void release_seat(struct participant *p)
{
	struct participant *old = p->replaces[0] ? focus_participant_find(p->focus, p->room,
									  slice_of(p->replaces))
						 : NULL;

	if (old)
		participant_ring_off(old, "replaced", PARTICIPANT_EV_KICK);
}

static void end_refer(struct participant *p, uint16_t status)
{
	struct refer_in *refer = p->refer;

	p->refer = NULL;
	refer_in_progress(refer, status);
}

static void do_join(struct participant *p)
{
	p->connected_wall_ms = clock_wall_ms(&p->focus->clock);
	p->version = focus_version_next(p->focus);
	p->focus->stats.participants_joined++;
	p->focus->stats.participants_connected++;
	participant_identify(p);
	leg_enter(&p->leg);
	LOG(LOG_INFO, "participant.joined", LOG_STR("room", p->room_id),
	    LOG_STR("participant", p->id), LOG_STR("call_id", p->call_id), LOG_STR("uri", p->uri),
	    LOG_STR("direction", p->is_outgoing ? "outgoing" : "incoming"));
	participant_tell(p, FOCUS_PARTICIPANT_JOINED);
	seats_on_joined(p);
	migration_on_joined(p);
	release_seat(p);
	end_refer(p, 200);
	if (p->room->call)
		calls_on_joined(p->room->call, p);
	else
		waiting_on_joined(p);
}

static void do_tell(struct participant *p)
{
	p->version = focus_version_next(p->focus);
	participant_tell(p, FOCUS_PARTICIPANT_CHANGED);
	if (p->room->call)
		calls_on_changed(p->room->call, p);
}

void participant_hang_up(struct participant *p)
{
	const struct status_cause *cause = status_cause_find(p->cause);
	struct sip_reply reason = {.status = cause->status, .reason = cause->text};
	struct buf headers = BUF_INIT;

	leg_close(&p->leg);
	if (p->reject_status)
		reason = (struct sip_reply){.status = p->reject_status};
	else
		status_cause_headers(cause, &headers);
	if (p->reject_status && p->warning)
		sip_build_header(&headers, "Warning", "%s", p->warning);
	reason.headers = buf_err(&headers) ? NULL : headers.p;
	if (!invitation_hang_up(p->invitation, &reason) && p->call)
		sip_call_hangup(p->call, &reason);
	buf_done(&headers);
}

/* 0 for who was never connected, and when the wall clock was set back meanwhile. */
static int64_t connected_s(const struct participant *p)
{
	if (!p->connected_wall_ms || p->ended_wall_ms < p->connected_wall_ms)
		return 0;
	return (int64_t)((p->ended_wall_ms - p->connected_wall_ms) / 1000);
}

static void do_leave(struct participant *p)
{
	const struct log_field by = p->ended_by[0] ? LOG_STR("by", p->ended_by) : LOG_END;
	struct focus *focus = p->focus;
	struct room *room = p->room;

	recording_on_talking(p, false);
	confirm_end(p);
	p->attendant = attendant_free(p->attendant);
	waiting_on_leaving(p);
	leg_close(&p->leg);
	p->ended_wall_ms = clock_wall_ms(&focus->clock);
	p->version = focus_version_next(focus);
	focus->stats.participants_left++;
	if (p->connected_wall_ms)
		focus->stats.participants_connected--;
	else if (p->is_outgoing)
		focus->stats.dial_outs_failed++;
	hash_remove(focus->by_id, &p->by_id);
	LOG(LOG_INFO, "participant.left", LOG_STR("room", p->room_id),
	    LOG_STR("participant", p->id), LOG_STR("call_id", p->call_id), LOG_STR("uri", p->uri),
	    LOG_STR("direction", p->is_outgoing ? "outgoing" : "incoming"),
	    LOG_INT("connected_s", connected_s(p)), LOG_STR("cause", p->cause),
	    p->status ? LOG_INT("status", p->status) : by, p->status ? by : LOG_END);
	event_publish(focus, &(struct focus_news){.kind = FOCUS_PARTICIPANT_LEFT,
						  .room = room,
						  .participant = p,
						  .cause = p->cause,
						  .by = p->ended_by[0] ? p->ended_by : NULL,
						  .status = p->status});
	/* Not answered, and nobody said no: it was we who gave up. */
	end_refer(p, p->status >= 300 ? p->status : 487);
	refocus_over(p);
	timer_stop(focus->wheel, &p->waiting);
	p->room = NULL;
	room_leave(room, p);
}

void participant_drop(struct participant *p)
{
	assert(!p->was_listed);
	LOG(LOG_INFO, "dialin.ended", LOG_STR("participant", p->id), LOG_STR("call_id", p->call_id),
	    LOG_STR("from", p->uri), LOG_STR("cause", p->cause));
	p->attendant = attendant_free(p->attendant);
	p->state = PARTICIPANT_DISCONNECTED;
	participant_hang_up(p);
	participant_release(p);
}

void participant_step(struct participant *p, enum participant_event event)
{
	const struct participant_row *row = participant_row(p->state, event);

	p->state = row->next;
	if (row->actions & PARTICIPANT_DO_JOIN)
		do_join(p);
	if ((row->actions & PARTICIPANT_DO_PART) && !farewell_begin(p))
		participant_hang_up(p);
	if (row->actions & PARTICIPANT_DO_TELL)
		do_tell(p);
	if (row->actions & PARTICIPANT_DO_HANG_UP)
		participant_hang_up(p);
	if (row->actions & PARTICIPANT_DO_LEAVE)
		do_leave(p);
	participant_release(p);
}

void participant_ring_off(struct participant *p, const char *cause, enum participant_event how)
{
	if (!p->cause[0]) {
		text_utf8(slice_of(cause), p->cause, sizeof(p->cause));
		memcpy(p->ended_by, p->focus->by, sizeof(p->ended_by));
	}
	if (p->attendant && !p->room) {
		participant_drop(p);
		return;
	}
	p->attendant = attendant_free(p->attendant);
	farewell_cut(p);
	migration_on_parting(p);
	participant_step(p, how);
}

uint8_t participant_sound(const struct participant *p)
{
	/* Before it is in a room, digits of its PIN may come as tones, too. */
	struct room_settings settings = {0};
	uint8_t room;

	if (!p->room)
		focus_room_set_sound(p->focus, &settings);
	room = room_sound(p->room ? &p->room->settings : &settings);
	return (uint8_t)((room & ~p->control.sound_set) |
			 (p->control.sound & p->control.sound_set));
}

bool participant_is_room_muted(const struct participant *p)
{
	if (!p->room)
		return false;
	return p->room->settings.is_muted ||
	       (p->room->settings.are_guests_muted && p->role != PARTICIPANT_MODERATOR);
}

const char *participant_language(const struct participant *p)
{
	return p->language[0] || !p->room ? p->language : p->room->settings.language;
}

void participant_set_self(struct participant *p, bool is_muted, bool is_hand_raised)
{
	if (p->is_self_muted == is_muted && p->is_hand_raised == is_hand_raised)
		return;
	p->is_self_muted = is_muted;
	p->is_hand_raised = is_hand_raised;
	p->version = focus_version_next(p->focus);
	participant_apply_control(p);
	participant_tell(p, FOCUS_PARTICIPANT_CHANGED);
}

void participant_apply_control(struct participant *p)
{
	const struct participant_control *control = &p->control;
	bool is_out = p->state == PARTICIPANT_DISCONNECTING;
	uint8_t sound = participant_sound(p);

	leg_control(&p->leg, &(struct media_leg_control){
				     .is_muted = is_out || control->is_muted || p->is_self_muted ||
						 participant_is_room_muted(p) || !p->groups.speaks,
				     .is_deaf = is_out || control->is_deaf || !p->groups.hears,
				     .gain_in_cdb = (int16_t)(control->gain_db * 100),
				     .gain_out_cdb = (int16_t)(control->volume_db * 100),
				     .groups = p->groups,
				     .has_denoise = sound & ROOM_SOUND_DENOISE,
				     .has_level = sound & ROOM_SOUND_LEVEL,
				     .has_digits_in_band = sound & ROOM_SOUND_DIGITS,
				     .level_dbov = (uint8_t)p->focus->config->media_level_dbov,
			     });
}
