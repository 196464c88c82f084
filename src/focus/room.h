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
#include "focus/codecs.h"
#include "focus/groups.h"
#include "focus/migrate.h"
#include "focus/pin.h"
#include "focus/prompts.h"

enum { ROOM_ID_MAX = 64, ROOM_URI_MAX = 255 };

struct room;

enum room_origin {
	ROOM_BY_API,
	ROOM_BY_CALL,
	ROOM_BY_FACTORY,
	ROOM_BY_CONNECT /* was a two-party call; ends when the last leaves */
};

enum room_record { ROOM_RECORD_OFF, ROOM_RECORD_MIX, ROOM_RECORD_TRACKS };
const char *room_record_name(unsigned record); /* "off", "mix", "tracks"; NULL: none such */

/* What is done to the sound of everybody who is in it, by option; a set of these. */
enum room_sound {
	ROOM_SOUND_DENOISE = 1,
	ROOM_SOUND_LEVEL = 2,  /* speech is brought to media.level_dbov */
	ROOM_SOUND_DIGITS = 4, /* digits that come as tones are told, and not heard */
	ROOM_SOUND_LEG = 7,    /* those that a participant may have otherwise than its room */
	ROOM_SOUND_PASS = 8    /* digits are passed on to all others (RFC 4733) */
};

struct room_settings {
	bool is_locked;            /* nobody new comes in by calling: 486 */
	bool is_muted;             /* everybody is muted, whatever their own state */
	uint32_t participants_max; /* 0: rooms.participants_max */
	bool are_guests_muted;     /* all but moderators */
	bool is_lobby;             /* guests who call wait until somebody admits them */
	bool waits_for_moderator;  /* guests who call wait, with music, for the first moderator */
	bool ends_with_moderator;  /* rooms.moderator_grace_s after the last moderator has left */
	bool has_tones;            /* at coming and going */
	uint8_t record;            /* enum room_record: from when the first is in the mix */
	bool has_names;            /* callers say their name; it is heard at coming and going */
	char language[PROMPTS_NAME_MAX +
		      1];        /* of what all hear, and of who has none; "": default */
	uint32_t duration_max_s; /* of a conference; 0: rooms.max_duration_s */
	uint64_t opens_wall_ms, closes_wall_ms; /* focus/schedule.h; 0: open, never closes */
	bool has_loudest;        /* else rooms.loudest */
	uint8_t loudest;         /* only so many of those who speak are heard; 0: all */
	int8_t noise_gate_dbov;  /* 0: rooms.noise_gate_dbov */
	char codecs[CODECS_LIST_MAX + 1];       /* for who comes from now on; "": media.codecs */
	uint8_t sound;             /* set of enum room_sound */
	char pin[PIN_HASH_MAX + 1], moderator_pin[PIN_HASH_MAX + 1]; /* hashes; "": none */
};

struct room_view {
	struct slice id;            /* borrowed from the room */
	char uri[ROOM_URI_MAX + 1]; /* "sip:lobby@192.0.2.1:5060" */
	enum room_origin origin;
	struct room_settings settings;
	uint32_t participants_max; /* in force; so are the next two */
	uint8_t loudest;
	int8_t noise_gate_dbov;
	bool is_recording;
	bool is_open;          /* focus/schedule.h */
	uint64_t ends_wall_ms; /* as things are; 0: no end is set */
	uint32_t bans;
	struct slice groups; /* main, and those that its participants name: "main fr" */
	uint32_t participants; /* all states but gone */
	uint64_t created_wall_ms;
	struct migration_view migration;
	uint64_t version; /* changes with every change of settings: ETag */
};
void room_view(const struct room *room, struct room_view *ret_view);

/* 1 to 64 of [A-Za-z0-9._~+-], not beginning with '.' */
bool room_id_is_valid(struct slice id);
const char *room_origin_name(enum room_origin origin); /* "api", "call", "factory", "connect" */

#endif
