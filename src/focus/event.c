/* focus/event.c */
#include "focus/event.h"

#include <assert.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/calls_priv.h"
#include "focus/focus_priv.h"
#include "focus/mailbox.h"
#include "focus/play.h"
#include "focus/recording.h"
#include "focus/watched.h"

const char *focus_event_name(enum focus_event_kind kind)
{
	static const char *const names[FOCUS_EVENT_KIND_COUNT] = {
		[FOCUS_ROOM_CREATED] = "room.created",
		[FOCUS_ROOM_CHANGED] = "room.changed",
		[FOCUS_ROOM_CLOSED] = "room.closed",
		[FOCUS_PARTICIPANT_CREATED] = "participant.created",
		[FOCUS_PARTICIPANT_CHANGED] = "participant.changed",
		[FOCUS_PARTICIPANT_JOINED] = "participant.joined",
		[FOCUS_PARTICIPANT_TALKING] = "participant.talking",
		[FOCUS_PARTICIPANT_LEFT] = "participant.left",
		[FOCUS_DTMF] = "dtmf",
		[FOCUS_RECORDING_STARTED] = "recording.started",
		[FOCUS_RECORDING_CHANGED] = "recording.changed",
		[FOCUS_RECORDING_ENDED] = "recording.ended",
		[FOCUS_RECORDING_DELETED] = "recording.deleted",
		[FOCUS_PLAY_QUEUED] = "play.queued",
		[FOCUS_PLAY_STARTED] = "play.started",
		[FOCUS_PLAY_CHANGED] = "play.changed",
		[FOCUS_PLAY_ENDED] = "play.ended",
		[FOCUS_ROOM_MIGRATION] = "room.migration",
		[FOCUS_MAIL_ADDED] = "mailbox.message_added",
		[FOCUS_MAIL_CHANGED] = "mailbox.message_changed",
		[FOCUS_MAIL_REMOVED] = "mailbox.message_removed",
		[FOCUS_MESSAGE] = "message",
		[FOCUS_CALL_CREATED] = "call.created",
		[FOCUS_CALL_CHANGED] = "call.changed",
		[FOCUS_CALL_ENDED] = "call.ended",
		[FOCUS_PARTICIPANT_ATTEMPT] = "participant.attempt",
		[FOCUS_REGISTRATION_ADDED] = "registration.added",
		[FOCUS_REGISTRATION_REMOVED] = "registration.removed",
	};

	assert(kind < FOCUS_EVENT_KIND_COUNT);
	return names[kind];
}

int focus_listen(struct focus *focus, focus_event_fn *on_event, void *arg)
{
	for (size_t i = 0; i < ARRAY_LEN(focus->listeners); i++) {
		if (focus->listeners[i].on_event)
			continue;
		focus->listeners[i].on_event = on_event;
		focus->listeners[i].arg = arg;
		return 0;
	}
	return ERR_LIMIT;
}

void focus_unlisten(struct focus *focus, focus_event_fn *on_event, void *arg)
{
	for (size_t i = 0; i < ARRAY_LEN(focus->listeners); i++)
		if (focus->listeners[i].on_event == on_event && focus->listeners[i].arg == arg)
			focus->listeners[i].on_event = NULL;
}

uint64_t focus_event_seq(const struct focus *focus)
{
	return focus->event_seq;
}

/* Of the parties of a two-party call only the digits and whom we try are told: the rest is in
 * call.changed. */
static bool is_told(const struct focus_news *news)
{
	return news->call || !news->room->call || news->kind == FOCUS_DTMF ||
	       news->kind == FOCUS_PARTICIPANT_ATTEMPT;
}

static void tell_all(struct focus *focus, const struct focus_event *event)
{
	for (size_t i = 0; i < ARRAY_LEN(focus->listeners); i++)
		if (focus->listeners[i].on_event)
			focus->listeners[i].on_event(focus->listeners[i].arg, event);
}

static const char *by_now(const struct focus *focus)
{
	return focus->by[0] ? focus->by : NULL;
}

void event_publish_registration(struct focus *focus, enum focus_event_kind kind,
				const struct registration_view *registration, const char *cause)
{
	static const struct room_view nowhere = {.id = {"", 0}};
	const struct focus_event event = {
		.seq = ++focus->event_seq,
		.wall_ms = clock_wall_ms(&focus->clock),
		.kind = kind,
		.room = &nowhere,
		.registration = registration,
		.cause = cause,
		.by = by_now(focus),
	};

	tell_all(focus, &event);
}

void event_publish_recording(struct focus *focus, const struct recording *recording,
			     const char *cause)
{
	struct recording_view view;
	struct room_view nowhere = {.id = {"", 0}};
	struct focus_event event = {
		.seq = ++focus->event_seq,
		.wall_ms = clock_wall_ms(&focus->clock),
		.kind = FOCUS_RECORDING_CHANGED,
		.room = &nowhere,
		.recording = &view,
		.cause = cause,
		.by = by_now(focus),
	};

	recording_view(recording, &view);
	nowhere.id = view.room_id;
	if (view.state == RECORDING_DELETED)
		event.kind = FOCUS_RECORDING_DELETED;
	else if (view.state == RECORDING_DONE || view.state == RECORDING_FAILED)
		event.kind = FOCUS_RECORDING_ENDED;
	if (event.kind == FOCUS_RECORDING_ENDED && recording_ended_by(recording)[0])
		event.by = recording_ended_by(recording); /* its files were completed since */
	else if (view.state == RECORDING_RUNNING && view.length_ms == 0)
		event.kind = FOCUS_RECORDING_STARTED;
	tell_all(focus, &event);
}

void event_publish_play(struct focus *focus, enum focus_event_kind kind,
			const struct play_view *play, const char *cause)
{
	const struct room_view room = {.id = play->room_id};

	tell_all(focus, &(const struct focus_event){
				.seq = ++focus->event_seq,
				.wall_ms = clock_wall_ms(&focus->clock),
				.by = by_now(focus),
				.kind = kind,
				.room = &room,
				.play = play,
				.cause = cause,
			});
}

void event_publish_mail(struct focus *focus, enum focus_event_kind kind, const struct mail *mail)
{
	static const struct room_view nowhere = {.id = {"", 0}};
	struct mail_view view;

	mail_view(mail, &view);
	tell_all(focus, &(const struct focus_event){
				.seq = ++focus->event_seq,
				.wall_ms = clock_wall_ms(&focus->clock),
				.by = by_now(focus),
				.kind = kind,
				.room = &nowhere,
				.mail = &view,
			});
}

void event_publish(struct focus *focus, const struct focus_news *news)
{
	const struct call *of = news->call ? news->call : news->room->call;
	struct call_view call;
	struct room_view room;
	struct participant_view participant;
	struct focus_event event = {
		.wall_ms = clock_wall_ms(&focus->clock),
		.kind = news->kind,
		.room = &room,
		.cause = news->cause,
		.by = news->by ? news->by : by_now(focus),
		.status = news->status,
		.digit = news->digit,
		.duration_ms = news->duration_ms,
		.attempt = news->attempt,
		.from = news->from,
		.text = news->text,
		.content_type = news->content_type,
	};

	watched_on_news(focus, news);
	if (!is_told(news))
		return;
	event.seq = ++focus->event_seq;
	room_view(news->room, &room);
	if (of) {
		call_view(of, &call);
		event.call = &call;
	}
	if (news->participant) {
		participant_view(news->participant, &participant);
		participant.of = NULL; /* who keeps the view must not keep this */
		event.participant = &participant;
	}
	if (!of)
		roster_on_news(focus, news, event.seq);
	tell_all(focus, &event);
}
