/* focus/schedule.c */
#include "focus/schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/log.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "focus/say.h"
#include "focus/text.h"

#define ITEMS "invitees"
#define NEVER UINT64_MAX

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, FRESH_MS = 10 * SECOND_MS };

/* Told when so much is left; the order of schedule.warned. */
static const uint64_t warnings_ms[] = {5 * MINUTE_MS, MINUTE_MS};

static uint64_t wall_ms(const struct room *room)
{
	return clock_wall_ms(&room->focus->clock);
}

static uint64_t left_until(const struct room *room, uint64_t at_wall_ms)
{
	uint64_t now_ms = wall_ms(room);

	return at_wall_ms > now_ms ? at_wall_ms - now_ms : 0;
}

bool schedule_is_open(const struct room *room)
{
	return left_until(room, room->settings.opens_wall_ms) == 0;
}

uint64_t schedule_opens_in_s(const struct room *room)
{
	return (left_until(room, room->settings.opens_wall_ms) + SECOND_MS - 1) / SECOND_MS;
}

static uint32_t duration_max_s(const struct room *room)
{
	return room->settings.duration_max_s ? room->settings.duration_max_s
					     : (uint32_t)room->focus->config->rooms_max_duration_s;
}

static uint64_t left_of_duration(const struct room *room)
{
	uint64_t until_ms, now_ms = wheel_now_ms(room->focus->wheel);

	if (!room->schedule.is_counting || !duration_max_s(room) || room->call)
		return NEVER;
	until_ms = room->schedule.first_ms + (uint64_t)duration_max_s(room) * SECOND_MS;
	return until_ms > now_ms ? until_ms - now_ms : 0;
}

static uint64_t left_to_close(const struct room *room)
{
	return room->settings.closes_wall_ms ? left_until(room, room->settings.closes_wall_ms)
					     : NEVER;
}

static uint64_t left(const struct room *room)
{
	return MIN_OF(left_to_close(room), left_of_duration(room));
}

uint64_t schedule_ends_wall_ms(const struct room *room)
{
	return left(room) == NEVER ? 0 : wall_ms(room) + left(room);
}

/* Beginning ---------------------------------------------------------------------------------- */

static void invite(struct room *room)
{
	struct slice list = slice_of(room->schedule.invitees), uri;
	struct participant *p;

	while (text_list_next(&list, &uri)) {
		int err = focus_invite(room->focus, room, &(struct focus_invite){.uri = uri}, &p);

		if (err)
			LOG(LOG_WARN, "participant.not_invited", LOG_STR("room", room->id),
			    LOG_SLICE("uri", uri), LOG_STR("error", err_text(err)));
	}
}

static void begin(struct room *room)
{
	bool is_hour = room->settings.opens_wall_ms != 0;

	room->schedule.has_begun = true;
	if (is_hour || room->schedule.invitees)
		room_changed(room, is_hour ? "opened" : NULL);
	focus_acting(room->focus, "schedule");
	invite(room);
	focus_acting(room->focus, "");
}

/* Ending ------------------------------------------------------------------------------------- */

static void warn(struct room *room, uint64_t left_ms)
{
	uint32_t minutes = (uint32_t)((left_ms + MINUTE_MS - 1) / MINUTE_MS);
	struct prompt_list list;

	prompt_begin(&list, room->focus->prompts, room->settings.language);
	prompt_add(&list, PROMPT_ENDS_IN);
	prompt_add_number(&list, minutes, NUMERALS_MINUTES);
	prompt_add(&list,
		   prompt_form(&list, minutes, PROMPT_MINUTE, PROMPT_MINUTES_FEW, PROMPT_MINUTES));
	say_to_room(room, &list);
	LOG(LOG_INFO, "room.ends_soon", LOG_STR("room", room->id), LOG_INT("minutes", minutes));
}

/* One that was passed long ago (a limit set late) is not told any more. */
static void warn_when_due(struct room *room, uint64_t left_ms)
{
	for (size_t i = 0; i < ARRAY_LEN(warnings_ms); i++) {
		if (left_ms > warnings_ms[i] || room->schedule.warned > i)
			continue;
		room->schedule.warned = (uint8_t)(i + 1);
		if (left_ms + FRESH_MS >= warnings_ms[i] && room->participant_count)
			warn(room, left_ms);
	}
}

/* The conference is over; a room of the API waits for the next. The room may be gone afterwards. */
static void ring_off_all(struct room *room)
{
	if (room->origin != ROOM_BY_API) {
		room_end(room, "time_limit");
		return;
	}
	while (!list_empty(&room->participants))
		participant_ring_off(
			LIST_ENTRY(room->participants.next, struct participant, in_room),
			"time_limit", PARTICIPANT_EV_DETACH);
	schedule_review(room);
}

static void end(struct room *room)
{
	struct focus *focus = room->focus;
	bool is_hour = left_to_close(room) == 0;

	if (!room->schedule.is_ending && room->participant_count) {
		room->schedule.is_ending = true;
		say_prompt_to_room(room, PROMPT_ENDS);
		timer_start(focus->wheel, &room->schedule.timer, SCHEDULE_GOODBYE_MS);
		return;
	}
	room->schedule.is_ending = false;
	focus_acting(focus, "schedule");
	if (is_hour)
		room_end(room, "schedule");
	else
		ring_off_all(room);
	focus_acting(focus, "");
}

/* By whose word it ends is told when it does. */
static void end_as_asked(struct room *room)
{
	struct focus *focus = room->focus;
	char by[PARTICIPANT_ID_MAX + 1];

	memcpy(by, focus->by, sizeof(by));
	focus_acting(focus, room->schedule.ended_by);
	room_end(room, room->schedule.end_cause);
	focus_acting(focus, by);
}

void schedule_end(struct room *room, const char *cause)
{
	struct focus *focus = room->focus;

	if (room->schedule.end_cause || room->schedule.is_ending)
		return;
	room->schedule.end_cause = cause;
	memcpy(room->schedule.ended_by, focus->by, sizeof(room->schedule.ended_by));
	if (!focus->config->prompts_farewell_s || !room->participant_count) {
		end_as_asked(room);
		return;
	}
	say_prompt_to_room(room, PROMPT_ENDS);
	timer_start(focus->wheel, &room->schedule.timer, SCHEDULE_GOODBYE_MS);
}

/* The clock ---------------------------------------------------------------------------------- */

static uint64_t next_look_ms(const struct room *room, uint64_t left_ms)
{
	uint64_t next = left_ms;

	for (size_t i = 0; i < ARRAY_LEN(warnings_ms); i++)
		if (left_ms > warnings_ms[i])
			next = MIN_OF(next, left_ms - warnings_ms[i]);
	if (!room->schedule.has_begun)
		next = MIN_OF(next, left_until(room, room->settings.opens_wall_ms));
	return next;
}

/* The room may be gone afterwards. */
static void look(void *arg)
{
	struct room *room = arg;
	uint64_t left_ms, next;

	if (room->schedule.end_cause) {
		end_as_asked(room);
		return;
	}
	if (!room->schedule.has_begun && schedule_is_open(room))
		begin(room);
	left_ms = left(room);
	if (left_ms == 0) {
		end(room);
		return;
	}
	room->schedule.is_ending = false;
	if (left_ms != NEVER)
		warn_when_due(room, left_ms);
	next = next_look_ms(room, left_ms);
	if (next != NEVER)
		timer_start(room->focus->wheel, &room->schedule.timer,
			    MIN_OF(next, (uint64_t)SCHEDULE_LOOK_MS));
}

void schedule_review(struct room *room)
{
	uint64_t left_ms = left(room);
	bool has_more = room->schedule.invitees || room->settings.opens_wall_ms;

	if (room->schedule.end_cause)
		return;
	room->schedule.warned = 0;
	for (size_t i = 0; i < ARRAY_LEN(warnings_ms); i++)
		if (left_ms + FRESH_MS < warnings_ms[i])
			room->schedule.warned = (uint8_t)(i + 1);
	timer_stop(room->focus->wheel, &room->schedule.timer);
	if ((has_more && !room->schedule.has_begun) || left_ms != NEVER)
		timer_start(room->focus->wheel, &room->schedule.timer, 0);
}

void schedule_on_joined(struct room *room)
{
	if (room->schedule.is_counting)
		return;
	room->schedule.is_counting = true;
	room->schedule.has_begun |= !room->settings.opens_wall_ms;
	room->schedule.first_ms = wheel_now_ms(room->focus->wheel);
	if (left_of_duration(room) != NEVER)
		schedule_review(room);
}

void schedule_on_empty(struct room *room)
{
	room->schedule.is_counting = false;
	room->schedule.warned = 0;
}

/* Life --------------------------------------------------------------------------------------- */

void schedule_init(struct room *room)
{
	timer_init(&room->schedule.timer, look, room);
}

void schedule_done(struct room *room)
{
	timer_stop(room->focus->wheel, &room->schedule.timer);
	free(room->schedule.invitees);
	room->schedule.invitees = NULL;
}

void schedule_forget(struct room *room)
{
	if (room->focus->store && room->origin == ROOM_BY_API && room->schedule.invitees)
		(void)store_item_delete_post(room->focus->store, ITEMS, room->id);
}

const char *focus_room_invitees(const struct room *room)
{
	return room->schedule.invitees ? room->schedule.invitees : "";
}

static int check_invitees(struct slice list)
{
	struct slice uri;
	uint32_t count = 0;

	if (list.len > SCHEDULE_INVITEES_CHARS)
		return ERR_LIMIT;
	while (text_list_next(&list, &uri)) {
		struct sip_uri parsed;

		if (sip_uri_parse(uri, &parsed))
			return ERR_BAD_TARGET;
		if (++count > SCHEDULE_INVITEES_MAX)
			return ERR_LIMIT;
	}
	return 0;
}

static void set_invitees(struct room *room, char *text)
{
	free(room->schedule.invitees);
	room->schedule.invitees = text;
	if (text)
		schedule_review(room);
}

int focus_room_set_invitees(struct focus *focus, struct room *room, struct slice uris)
{
	int err = check_invitees(uris);
	char *text;

	if (err)
		return err;
	schedule_forget(room);
	if (!uris.len) {
		set_invitees(room, NULL);
		return 0;
	}
	text = slice_dup(uris);
	if (!text)
		return -ENOMEM;
	set_invitees(room, text);
	room_store(room); /* whether it has begun */
	if (focus->store && room->origin == ROOM_BY_API &&
	    store_item_put_post(focus->store, ITEMS, room->id, text))
		LOG(LOG_ERROR, "room.not_stored", LOG_STR("room", room->id));
	return 0;
}

static void on_stored(void *arg, const char *name, const char *value)
{
	struct room *room = focus_room_find(arg, slice_of(name));

	if (room)
		set_invitees(room, slice_dup(slice_of(value)));
}

int schedules_load(struct focus *focus)
{
	return focus->store ? store_items_load(focus->store, ITEMS, on_stored, focus) : 0;
}
