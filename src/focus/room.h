/* focus/room.h -- a conference as others see it.
 *
 * A room is made by the API (kept, stored), by a call to a free name (rooms.autocreate: ends when
 * the last leaves) or by a factory (conf-<random>: lives rooms.grace_s beyond its last participant,
 * and at least so long after it was made, so that the second party has time to come; RFC 4579 5.4).
 * Thread: control.
 */
#ifndef FOCUS_ROOM_H
#define FOCUS_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "focus/groups.h"
#include "focus/migrate.h"
#include "settings/room.h"

enum { ROOM_ID_MAX = 64, ROOM_URI_MAX = 255 };

struct room;

enum room_origin {
	ROOM_BY_API,
	ROOM_BY_CALL,
	ROOM_BY_FACTORY,
	ROOM_BY_CONNECT /* was a two-party call; ends when the last leaves */
};

/* What is done to the sound of a participant, as its room or itself has it; a set of these. */
enum room_sound {
	ROOM_SOUND_DENOISE = 1,
	ROOM_SOUND_LEVEL = 2, /* speech is brought to media.level_dbov */
	ROOM_SOUND_DIGITS = 4 /* digits that come as tones are told, and not heard */
};

struct room_view {
	SLICES(texts, /* borrowed from the room */
	       id, groups /* main, and those that its participants name: "main fr" */);
	char uri[ROOM_URI_MAX + 1]; /* "sip:lobby@192.0.2.1:5060" */
	enum room_origin origin;
	struct room_settings in_force; /* the configuration's where the room has none: how many may
					  come, who is heard */
	bool is_recording;
	bool is_open;          /* focus/schedule.h */
	uint64_t ends_wall_ms; /* as things are; 0: no end is set */
	uint32_t bans;
	uint32_t participants; /* all states but gone */
	uint64_t created_wall_ms;
	struct migration_view migration;
	uint64_t version; /* changes with every change of settings: ETag */
};
void room_view(const struct room *room, struct room_view *ret_view);
/* What was set of it, as focus_room_set takes it; borrowed. */
const struct room_settings *room_settings(const struct room *room);

/* 1 to 64 of [A-Za-z0-9._~+-], not beginning with '.' */
bool room_id_is_valid(struct slice id);
const char *room_origin_name(enum room_origin origin); /* "api", "call", "factory", "connect" */

#endif
