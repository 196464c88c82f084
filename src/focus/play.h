/* focus/play.h -- files, tones, prompts and music that the API plays into a room, or to one of it.
 *
 * A play is a list of items (focus/sounds.h), played one after the other, perhaps over and over.
 * Several plays of one target sound together, unless one is *queued*: it begins when no play of its
 * target that was made before it is left. A play is forgotten with its end, of which
 * FOCUS_PLAY_ENDED tells the cause:
 *   finished   it was heard to its end (its view's err: what could not be read was left out)
 *   stopped    by focus_play_stop
 *   failed     nothing of it could be heard
 *   left       who heard it has left the room
 *   empty      the last has left the room
 *   room_closed
 *
 * Thread: control.
 */
#ifndef FOCUS_PLAY_H
#define FOCUS_PLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "focus/prompts.h"
#include "media.h"

struct focus;
struct participant;
struct room;
struct focus_play;

enum {
	PLAY_ID_CHARS = 10,
	PLAYS_MAX = 1000,     /* at a time */
	PLAYS_ROOM_MAX = 100, /* of one room, those of its participants included */
	PLAY_TEXT_MAX = 2048, /* of all items together */
	PLAY_VOLUME_DB_MIN = -60,
	PLAY_VOLUME_DB_MAX = 30
};

enum play_state { PLAY_QUEUED, PLAY_PLAYING, PLAY_PAUSED };
const char *play_state_name(enum play_state state);

struct play_control {
	bool is_paused, is_loop;
	double volume_db;
};

struct play_view {
	/* participant: who alone hears it; empty: the room. items: a newline behind each. */
	SLICES(texts, id, room_id, participant, items, language);
	enum play_state state;
	struct play_control control;
	bool is_ducking; /* the talkers are lowered meanwhile (prompts.duck_db) */
	uint64_t position_ms, created_wall_ms, version;
	int err; /* of the first sound that could not be played */
};
void play_view(const struct focus_play *play, struct play_view *ret_view);

/* A list of items, checked one by one. */
struct play_items {
	char text[PLAY_TEXT_MAX + 1]; /* a newline behind each */
	size_t len;
};
/* ERR_PLAY_ITEM, ERR_SOUND_UNKNOWN (focus/sounds.h); ERR_LIMIT: too many, or too long. */
int play_items_add(struct play_items *items, const struct focus *focus, struct slice item);

struct play_start {
	struct room *room;
	struct participant *participant; /* of that room; NULL: all of it */
	const struct play_items *items;
	struct slice language; /* of prompts and numbers; absent: the participant's or room's */
	struct play_control control;
	bool is_ducking, is_queued;
	uint64_t position_ms; /* from there on */
};
/* ERR_PLAY_ITEM (no items), ERR_SOUND_UNKNOWN (nothing to be heard), ERR_ROOM_EMPTY (nobody is in
 * the mix), ERR_STATE (nor is the participant), ERR_LIMIT, -EINVAL (language), media errors, -ENOMEM. */
int focus_play_start(struct focus *focus, const struct play_start *start,
		     struct focus_play **ret_play);
struct focus_play *focus_play_find(struct room *room, struct slice id); /* NULL: unknown */
/* Oldest first; NULL: the first. */
struct focus_play *focus_play_next(struct room *room, struct focus_play *after);
void focus_play_set(struct focus_play *play, const struct play_control *control);
void focus_play_seek(struct focus_play *play, uint64_t ms);
void focus_play_stop(struct focus_play *play); /* forgotten when this returns */

/* For the rest of the focus -------------------------------------------------------------------- */

/* MEDIA_PLAY_ENDED; false: it is none of ours. */
bool plays_on_media_event(struct focus *focus, const struct media_event *event);
/* It is about to leave its room. */
void plays_on_leaving(const struct participant *participant);
/* Nobody is in the room any more, or it is about to be freed. */
void plays_end(struct room *room, const char *cause);
void plays_free(struct focus *focus);

#endif
