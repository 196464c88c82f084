/* http/levels.c -- a small array of rooms; who is silent is left out. */
#include "http/levels.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "focus/focus.h"
#include "http/events.h"
#include "http/view.h"

struct level_room {
	char id[ROOM_ID_MAX + 1];
	uint32_t watchers; /* 0: the place is free */
	uint64_t round;    /* in which `frame` was rendered */
	bool has_sounded;  /* the frame before told of somebody */
	struct buf frame;
};

struct levels {
	struct focus *focus;
	struct level_room rooms[EVENTS_LEVELS_ROOMS_MAX];
	uint32_t count;
	uint64_t round;
};

int levels_new(struct focus *focus, struct levels **ret_levels)
{
	struct levels *levels = calloc(1, sizeof(*levels));

	if (!levels)
		return -ENOMEM;
	levels->focus = focus;
	*ret_levels = levels;
	return 0;
}

struct levels *levels_free(struct levels *levels)
{
	if (!levels)
		return NULL;
	for (uint32_t i = 0; i < EVENTS_LEVELS_ROOMS_MAX; i++)
		buf_done(&levels->rooms[i].frame);
	free(levels);
	return NULL;
}

static struct level_room *find(struct levels *levels, struct slice id)
{
	for (uint32_t i = 0; i < EVENTS_LEVELS_ROOMS_MAX; i++) {
		struct level_room *room = &levels->rooms[i];

		if (room->watchers > 0 && slice_is(id, room->id))
			return room;
	}
	return NULL;
}

static struct level_room *find_free(struct levels *levels)
{
	for (uint32_t i = 0; i < EVENTS_LEVELS_ROOMS_MAX; i++) {
		if (levels->rooms[i].watchers == 0)
			return &levels->rooms[i];
	}
	return NULL;
}

int levels_watch(struct levels *levels, struct slice id)
{
	struct level_room *room = find(levels, id);

	if (!room) {
		room = find_free(levels);
		if (!room)
			return ERR_LIMIT;
		(void)slice_cstr(id, room->id, sizeof(room->id));
		room->round = 0;
		room->has_sounded = true; /* the first frame is always sent */
		levels->count++;
	}
	room->watchers++;
	return 0;
}

void levels_unwatch(struct levels *levels, struct slice id)
{
	struct level_room *room = find(levels, id);

	if (!room || --room->watchers > 0)
		return;
	buf_done(&room->frame);
	levels->count--;
}

uint32_t levels_count(const struct levels *levels)
{
	return levels->count;
}

void levels_begin(struct levels *levels)
{
	levels->round++;
}

/* Returns whether anybody sounds. */
static bool write_levels(struct writer *json, struct room *room)
{
	struct participant *participant = focus_participant_next(room, NULL);
	bool has_sound = false;

	for (; participant; participant = focus_participant_next(room, participant)) {
		struct participant_view view;

		participant_view(participant, &view);
		if (view.media.level_in >= MEDIA_LEVEL_SILENT && !view.media.is_talking)
			continue;
		has_sound = true;
		writer_open(json, NULL, '{');
		writer_str(json, "id", view.id);
		writer_int(json, "level_dbov", view_level_dbov(view.media.level_in));
		writer_bool(json, "talking", view.media.is_talking);
		writer_close(json, '}');
	}
	return has_sound;
}

static void render(struct levels *levels, struct level_room *place)
{
	struct room *room = focus_room_find(levels->focus, slice_of(place->id));
	struct writer json = writer_to(&place->frame);
	bool has_sound = false;

	buf_clear(&place->frame);
	buf_adds(&place->frame, "event: levels\ndata: ");
	writer_open(&json, NULL, '{');
	writer_text(&json, "room_id", place->id);
	writer_open(&json, "levels", '[');
	if (room)
		has_sound = write_levels(&json, room);
	writer_close(&json, ']');
	writer_close(&json, '}');
	buf_adds(&place->frame, "\n\n");
	if (buf_err(&place->frame) || (!has_sound && !place->has_sounded))
		buf_clear(&place->frame);
	place->has_sounded = has_sound;
}

struct slice levels_frame(struct levels *levels, struct slice id)
{
	struct level_room *place = find(levels, id);

	if (!place)
		return SLICE("");
	if (place->round != levels->round) {
		place->round = levels->round;
		render(levels, place);
	}
	return buf_slice(&place->frame);
}
