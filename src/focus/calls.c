/* focus/calls.c -- the life of a two-party call, and how it becomes a conference.
 *
 * Third-party call control in its simplest form (RFC 3725): our mixer is the media end of both
 * parties, so neither description depends on the other, and each INVITE carries a whole offer
 * (RFC 3725 4.1 has the loops of the other forms). */
#include "focus/calls.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/calls_priv.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/refocus.h"
#include "focus/say.h"
#include "focus/text.h"

enum { CALL_TOKEN_CHARS = 12, CALL_RINGBACK_PAUSE_MS = 4000 };
#define CALL_PREFIX "call-"

static_assert(sizeof(CALL_PREFIX) - 1 + CALL_TOKEN_CHARS <= CALL_ID_MAX, "an id fits");

const char *call_state_name(enum call_state state)
{
	static const char *const names[CALL_STATE_COUNT] = {
		[CALL_DIALLING_FROM] = "dialling_from",
		[CALL_DIALLING_TO] = "dialling_to",
		[CALL_RINGING] = "ringing",
		[CALL_CONNECTED] = "connected",
		[CALL_ENDING] = "ending",
	};

	assert((unsigned)state < CALL_STATE_COUNT);
	return names[state];
}

void call_view(const struct call *call, struct call_view *ret_view)
{
	*ret_view = (struct call_view){
		.id = slice_of(call->id),
		.from = slice_of(call->from_uri),
		.to = slice_of(call->to_uri),
		.state = call->state,
		.created_wall_ms = call->created_wall_ms,
		.connected_wall_ms = call->connected_wall_ms,
		.version = call->version,
		.room_id = call->room && !call->room->call ? slice_of(call->room->id) : SLICE_NONE,
	};
}

static bool has_id(const struct hash_node *node, const void *key)
{
	const struct slice *id = key;

	return slice_is(*id, CONTAINER_OF(node, const struct call, by_id)->id);
}

hash_match_fn *const calls_has_id = has_id;

static void call_tell(struct call *call, enum focus_event_kind kind)
{
	call->version = focus_version_next(call->focus);
	event_publish(call->focus, &(struct focus_news){
					   .kind = kind,
					   .room = call->room,
					   .call = call,
					   .cause = kind == FOCUS_CALL_ENDED ? call->cause : NULL,
					   .status = kind == FOCUS_CALL_ENDED ? call->status : 0,
				   });
}

/* Life --------------------------------------------------------------------------------------- */

static void call_free(struct call *call)
{
	hash_remove(call->focus->calls_by_id, &call->by_id);
	list_remove(&call->in_focus);
	call->focus->stats.calls--;
	free(call);
}

int calls_new(struct focus *focus, const struct focus_call *make, struct call **ret_call)
{
	char fresh[ROOM_ID_MAX + 1];
	struct room_make room = {
		.id = slice_of(focus_room_id_fresh(focus, fresh)),
		.origin = ROOM_BY_CONNECT,
	};
	struct call *call = calloc(1, sizeof(*call));
	int err;

	if (!call)
		return -ENOMEM;
	err = room_new(focus, &room, &call->room);
	if (err) {
		free(call);
		return err;
	}
	call->focus = focus;
	call->room->call = call;
	call->created_wall_ms = clock_wall_ms(&focus->clock);
	call->is_late_offer = make->is_late_offer;
	memcpy(call->id, CALL_PREFIX, sizeof(CALL_PREFIX));
	random_token(focus->random, call->id + sizeof(CALL_PREFIX) - 1, CALL_TOKEN_CHARS);
	text_utf8(make->from, call->from_uri, sizeof(call->from_uri));
	text_utf8(make->to, call->to_uri, sizeof(call->to_uri));
	hash_add(focus->calls_by_id, &call->by_id, hash_slice(slice_of(call->id)));
	list_append(&focus->calls, &call->in_focus);
	focus->stats.calls++;
	focus->stats.calls_created++;
	*ret_call = call;
	return 0;
}

struct dial {
	const char *uri, *as;
	const struct sip_msg *request; /* the INVITE that it answers; NULL: none */
};

static int call_dial(struct call *call, const struct dial *dial,
		     struct participant **ret_participant)
{
	char from[STORE_URI_MAX + 3];
	const struct invitation_start start = {
		.uri = slice_of(dial->uri),
		.from = from,
		.is_plain = true,
		.is_on_hold = call->is_late_offer && !call->from,
		.offers_nothing = call->is_late_offer && call->from,
		.request = dial->request,
	};

	snprintf(from, sizeof(from), "<%s>", dial->as);
	return invitation_begin(call->room, &start, ret_participant);
}

void calls_discard(struct call *call)
{
	room_free(call->room);
	call_free(call);
}

/* The caller hears nothing yet: it is answered when the user answers, and refused as the user
 * refuses. */
int calls_place(struct call *call, struct participant *caller, const struct sip_msg *request)
{
	int err;

	call->from = caller;
	caller->is_waiting = true;
	participant_publish(caller, call->room);
	err = call_dial(call, &(struct dial){call->to_uri, call->from_uri, request}, &call->to);
	LOG(LOG_INFO, "call.created", LOG_STR("call", call->id), LOG_STR("from", call->from_uri),
	    LOG_STR("to", call->to_uri));
	call->state = CALL_DIALLING_TO;
	call_tell(call, FOCUS_CALL_CREATED);
	return err;
}

int focus_call_create(struct focus *focus, const struct focus_call *make, struct call **ret_call)
{
	struct call *call;
	int err;

	err = invitation_check(focus, make->from);
	if (!err)
		err = invitation_check(focus, make->to);
	if (!err && slice_eq(make->from, make->to))
		err = ERR_LOOP;
	if (!err)
		err = calls_new(focus, make, &call);
	if (err)
		return err;
	call->is_first_on_hold = call->is_late_offer;
	err = call_dial(call, &(struct dial){call->from_uri, call->to_uri, NULL}, &call->from);
	if (err) {
		calls_discard(call);
		return err;
	}
	LOG(LOG_INFO, "call.created", LOG_STR("call", call->id), LOG_STR("from", call->from_uri),
	    LOG_STR("to", call->to_uri));
	call_tell(call, FOCUS_CALL_CREATED);
	*ret_call = call;
	return 0;
}

void focus_call_confirm(struct call *call)
{
	if (call->from)
		call->from->ask = PARTICIPANT_ASK_KEY;
}

void calls_gone(struct call *call, const char *cause)
{
	if (!call->cause[0])
		text_utf8(slice_of(cause), call->cause, sizeof(call->cause));
	LOG(LOG_INFO, "call.ended", LOG_STR("call", call->id), LOG_STR("cause", call->cause),
	    call->status ? LOG_INT("status", call->status) : LOG_END);
	call_tell(call, FOCUS_CALL_ENDED);
	call_free(call);
}

void calls_abandon(struct focus *focus)
{
	while (!list_empty(&focus->calls)) {
		struct call *call = LIST_ENTRY(focus->calls.next, struct call, in_focus);

		room_free(call->room);
		call_free(call);
	}
}

/* What the parties tell ---------------------------------------------------------------------- */

static void call_move(struct call *call, enum call_state state)
{
	call->state = state;
	call_tell(call, FOCUS_CALL_CHANGED);
}

/* It is in the call, and not on its way out of it. */
static bool first_is_there(const struct call *call)
{
	const struct participant *from = call->from;

	return from && from->call && from->connected_wall_ms &&
	       from->state != PARTICIPANT_DISCONNECTING && !from->leg.is_closing;
}

/* What the first party hears while the second's phone rings. */
static void ring_back(struct call *call)
{
	struct participant *from = call->from;
	struct prompt_list list;

	if (!first_is_there(call) || from->play || call->has_sound)
		return;
	prompt_begin(&list, call->focus->prompts, "");
	prompt_add(&list, PROMPT_TONE_RINGBACK);
	prompt_add_pause(&list, CALL_RINGBACK_PAUSE_MS);
	(void)say_to_leg(from, &list, true, &from->play);
}

static void stop_ring_back(struct call *call)
{
	if (call->from)
		say_stop(call->focus, &call->from->play);
}

/* RFC 3725 4.2 and the like: now there is, or will be, something to hear. Without UPDATE it learns
 * by a re-INVITE. */
static void wake_first(struct call *call, const char *reason)
{
	struct participant *from = call->from;
	struct offer_local local;
	int err;

	if (!call->is_first_on_hold || !first_is_there(call))
		return;
	call->is_first_on_hold = false;
	leg_offer_local(&from->leg, &local);
	err = sip_call_set_local(from->call, &local);
	if (!err)
		err = sip_call_update(from->call, &(struct sip_call_update){.has_offer = true,
									    .headers = reason});
	if (err)
		focus_call_end(call->focus, call, "failed");
}

static void call_dial_second(struct call *call)
{
	int err = call_dial(call, &(struct dial){call->to_uri, call->from_uri, NULL}, &call->to);

	if (!err) {
		call_move(call, CALL_DIALLING_TO);
		return;
	}
	LOG(LOG_WARN, "call.not_dialled", LOG_STR("call", call->id), LOG_STR("to", call->to_uri),
	    LOG_STR("error", err_text(err)));
	focus_call_end(call->focus, call, "failed");
}

void calls_on_joined(struct call *call, struct participant *participant)
{
	if (call->state == CALL_ENDING || (participant != call->from && participant != call->to))
		return;
	if (participant == call->from && !call->to) {
		call_dial_second(call);
		return;
	}
	if (participant == call->to) {
		call->has_sound = true;
		stop_ring_back(call);
		wake_first(call, "Reason: SIP;cause=200\r\n");
	}
	if (call->from && call->from->is_waiting)
		participant_answer_waiting(call->from);
	if (!call->from || !call->from->connected_wall_ms || !call->to ||
	    !call->to->connected_wall_ms)
		return; /* the other's ACK is on its way */
	call->connected_wall_ms = clock_wall_ms(&call->focus->clock);
	call_move(call, CALL_CONNECTED);
}

void calls_on_changed(struct call *call, struct participant *participant)
{
	if (participant == call->to && participant->state == PARTICIPANT_ALERTING &&
	    call->state == CALL_DIALLING_TO) {
		if (call->from && call->from->is_waiting)
			(void)sip_call_progress(call->from->call,
						&(struct sip_reply){.status = 180});
		call_move(call, CALL_RINGING);
		wake_first(call, "Reason: SIP;cause=180\r\n");
		ring_back(call);
	}
}

/* The second party's description came before it answered: what it plays now (its own ringback, an
 * announcement) is for the first party to hear (RFC 3960 3.2). */
void calls_on_media(struct call *call, struct participant *participant)
{
	if (participant == call->to && participant->leg.params.is_receiving)
		leg_enter(&participant->leg);
}

void calls_on_active(struct call *call, struct participant *participant)
{
	if (participant != call->to || call->has_sound)
		return;
	call->has_sound = true;
	stop_ring_back(call);
}

void calls_on_refused(struct call *call, struct participant *participant)
{
	/* It would stay on hold, and nobody would hear anybody. */
	if (call->is_late_offer && participant == call->from && participant->is_held)
		focus_call_end(call->focus, call, "not_acceptable");
}

void calls_on_left(struct call *call, struct participant *participant)
{
	struct participant *other = participant == call->from ? call->to : call->from;

	if (participant == call->from)
		call->from = NULL;
	else if (participant == call->to)
		call->to = NULL;
	else
		return; /* the bridge to where the call moves */
	if (!call->cause[0]) {
		text_utf8(slice_of(participant->cause), call->cause, sizeof(call->cause));
		call->status = participant->status;
	}
	/* On its way elsewhere the parties leave one by one. */
	if (!other || slice_present(migration_target(call->room)))
		return;
	if (call->state != CALL_ENDING)
		call_move(call, CALL_ENDING);
	other->reject_status = participant->status; /* of a caller who was not answered yet */
	free(other->warning);
	other->warning = participant->warning;
	participant->warning = NULL;
	participant_ring_off(other, "peer_left", PARTICIPANT_EV_KICK);
}

/* Operations ---------------------------------------------------------------------------------- */

int focus_call_check(const struct focus *focus, struct slice uri)
{
	return invitation_check(focus, uri);
}

struct call *focus_call_find(struct focus *focus, struct slice id)
{
	struct hash_node *node = hash_find(focus->calls_by_id, hash_slice(id), &id);

	return node ? CONTAINER_OF(node, struct call, by_id) : NULL;
}

struct call *focus_call_next(struct focus *focus, struct call *after)
{
	struct list *next = after ? after->in_focus.next : focus->calls.next;

	return next == &focus->calls ? NULL : LIST_ENTRY(next, struct call, in_focus);
}

struct participant *focus_call_from(const struct call *call)
{
	return call->from;
}

struct participant *focus_call_to(const struct call *call)
{
	return call->to;
}

void focus_call_end(struct focus *focus, struct call *call, const char *cause)
{
	struct participant *parties[] = {call->from, call->to};

	(void)focus;
	if (call->state == CALL_ENDING)
		return;
	if (!call->cause[0])
		text_utf8(slice_of(cause), call->cause, sizeof(call->cause));
	call_move(call, CALL_ENDING);
	/* Nobody leaves from inside a kick: the leg's end comes later, from the loop. */
	for (size_t i = 0; i < ARRAY_LEN(parties); i++)
		if (parties[i])
			participant_ring_off(parties[i], cause, PARTICIPANT_EV_KICK);
}

static void become_participants(struct room *room)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &room->participants) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		p->is_plain = false;
		participant_tell(p, FOCUS_PARTICIPANT_CREATED);
		if (p->connected_wall_ms)
			participant_tell(p, FOCUS_PARTICIPANT_JOINED);
	}
}

int calls_become_room(struct call *call, struct room **ret_room)
{
	struct focus *focus = call->focus;
	struct room *room = call->room;
	int err;

	if (call->state != CALL_CONNECTED)
		return ERR_STATE;
	err = room_reserve(focus);
	if (err)
		return err;
	room->call = NULL; /* from here on it is a room like others */
	focus->stats.calls_joined++;
	calls_gone(call, "conference");
	room_publish(room);
	become_participants(room);
	*ret_room = room;
	return 0;
}

int focus_call_to_room(struct focus *focus, struct call *call, struct room **ret_room)
{
	int err = calls_become_room(call, ret_room);

	(void)focus;
	if (!err)
		refocus_room(*ret_room);
	return err;
}
