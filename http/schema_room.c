/* http/schema_room.c -- the tables of rooms: their settings (settings/room.inc), and what else they
 * have. */
#include "focus/ban.h"
#include "focus/room.h"
#include "focus/schedule.h"
#include "http/schema.h"

enum { PINS_MAX_CHARS = 127 };

/* Of a document that we read. */
#define READ_FLAG FIELD_BOOL, 0
#define READ_WORD FIELD_STRING, 0
#define READ_COUNT FIELD_INTEGER, FIELD_NULLABLE
#define READ_SECONDS FIELD_INTEGER, FIELD_NULLABLE
#define READ_LEVEL FIELD_INTEGER, FIELD_NULLABLE
#define READ_AMOUNT FIELD_INTEGER, FIELD_NULLABLE
#define READ_TIME FIELD_TIME, FIELD_NULLABLE
#define READ_CODECS FIELD_LIST, FIELD_NULLABLE
#define READ_LANGUAGE FIELD_STRING, FIELD_NULLABLE
#define READ_USER FIELD_STRING, FIELD_NULLABLE
#define READ_PIN FIELD_STRING, FIELD_NULLABLE

/* Of one that we write. Counts, levels and amounts are those in force, and never null. */
#define SHOW_FLAG(name, min, max) name, FIELD_BOOL, 0, 0, 0
#define SHOW_WORD(name, min, max) name, FIELD_STRING, 0, 0, 0
#define SHOW_COUNT(name, min, max) name, FIELD_INTEGER, 0, min, max
#define SHOW_SECONDS(name, min, max) name, FIELD_INTEGER, FIELD_NULLABLE, min, max
#define SHOW_LEVEL(name, min, max) name, FIELD_INTEGER, 0, min, max
#define SHOW_AMOUNT(name, min, max) name, FIELD_INTEGER, 0, min, max
#define SHOW_TIME(name, min, max) name, FIELD_TIME, FIELD_NULLABLE, 0, 0
#define SHOW_CODECS(name, min, max) name, FIELD_LIST, 0, 0, max
#define SHOW_LANGUAGE(name, min, max) name, FIELD_STRING, FIELD_NULLABLE, 0, 0
#define SHOW_USER(name, min, max) name, FIELD_STRING, FIELD_NULLABLE, 0, 0
#define SHOW_PIN(name, min, max) "has_" name, FIELD_BOOL, 0, 0, 0

/* The first is of a new room only. */
static const struct field room_read[] = {
	{"id", FIELD_STRING, FIELD_NULLABLE, 1, ROOM_ID_MAX, NULL,
	 "Name of the room: letters, digits and . _ ~ + -, not beginning with a dot. Missing or "
	 "null: a fresh conf-... name."},
#define SETTING(type, member, name, min, max, words, help, shown)                                  \
	{name, READ_##type, min, max, NULL, help},
#include "settings/room.inc"
	{"invitees", FIELD_LIST, FIELD_NULLABLE, 0, SCHEDULE_INVITEES_MAX, NULL,
	 "URIs that are called all at once when the room opens."},
	{"pins", FIELD_STRING, FIELD_NULLABLE, 0, PINS_MAX_CHARS, NULL,
	 "\"generate\": both PINs are made, and stand in this answer alone."},
	{0},
};

static const struct field room[] = {
	{"id", FIELD_STRING, 0, 1, ROOM_ID_MAX, NULL, "Name of the room."},
	{"uri", FIELD_STRING, 0, 0, 0, NULL, "What a phone dials to come in."},
	{"origin", FIELD_STRING, 0, 0, 0, NULL,
	 "Who made it: api (kept until deleted), call (ends when the last leaves) or factory."},
#define SETTING(type, member, name, min, max, words, help, shown)                                  \
	{SHOW_##type(name, min, max), NULL, shown},
#include "settings/room.inc"
	{"recording", FIELD_BOOL, 0, 0, 0, NULL, "It is being recorded."},
	{"open", FIELD_BOOL, 0, 0, 0, NULL, "Callers may come in now."},
	{"ends_at", FIELD_TIME, FIELD_NULLABLE, 0, 0, NULL,
	 "When everybody is rung off as things are; null: no end is set."},
	{"bans", FIELD_INTEGER, 0, 0, BANS_MAX, NULL, "How many URIs are banned."},
	{"pin", FIELD_STRING, FIELD_OPTIONAL, 0, 0, NULL, "Only in the answer that made it."},
	{"moderator_pin", FIELD_STRING, FIELD_OPTIONAL, 0, 0, NULL,
	 "Only in the answer that made it."},
	{"invitees", FIELD_LIST, FIELD_OPTIONAL, 0, 0, NULL,
	 "Whom it calls when it opens; not in lists and events."},
	{"groups", FIELD_LIST, 0, 0, 0, NULL,
	 "main, and those that its participants speak to or hear."},
	{"participants", FIELD_INTEGER, 0, 0, ROOM_PARTICIPANTS_MAX, NULL,
	 "How many are in it or on their way in or out."},
	{"created_at", FIELD_TIME, 0, 0, 0, NULL, "When it was made."},
	{"migration", FIELD_OBJECT, FIELD_OPTIONAL, 0, 0, "Migration",
	 "A move to another focus; missing when there was none."},
	{0},
};

static const struct field room_list[] = {
	{"rooms", FIELD_LIST, 0, 0, 0, "Room", "In the order of their names."},
	FIELD_NEXT,
	{0},
};

const struct schema SCHEMA_ROOM_CREATE = {"RoomCreate", "A room to be made.", room_read, 1};
const struct schema SCHEMA_ROOM_CHANGE = {"RoomChange", "What of a room changes.", room_read + 1,
					  1};

const struct schema schemas_room[SCHEMAS_ROOM] = {
	{"Room", "A conference.", room, 0},
	{"RoomList", "A page of rooms.", room_list, 0},
};
