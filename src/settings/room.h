/* settings/room.h -- what a room can be set to: one table (settings/room.inc).
 *
 * A zeroed struct is a room of which nothing is set. What is not set is null in the API and, where
 * the configuration has a default, that counts. Whoever works on all settings alike (store, API,
 * comparison) walks over room_setting_at; whoever means one writes settings->is_locked.
 * Thread: any; the table is constant.
 */
#ifndef SETTINGS_ROOM_H
#define SETTINGS_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum {
	ROOM_PARTICIPANTS_MAX = 100000,
	ROOM_LOUDEST_MAX = 32,
	ROOM_CODECS_MAX = 9,
	ROOM_CODECS_LIST_MAX = 95,
	ROOM_PIN_MIN = 3,
	ROOM_PIN_MAX = 16,
	ROOM_PIN_HASH_MAX = 127,
	ROOM_LANGUAGE_MAX = 15,
	ROOM_OWNER_MAX = 64,
	ROOM_DURATION_MAX_S = 7 * 24 * 3600
};

enum setting_type {
	SETTING_FLAG,     /* bool */
	SETTING_WORD,     /* uint8_t: number of a word */
	SETTING_COUNT,    /* uint32_t; 0: not set */
	SETTING_SECONDS,  /* uint32_t; 0: not set */
	SETTING_LEVEL,    /* int8_t; 0: not set */
	SETTING_AMOUNT,   /* uint8_t for which 0 is a value, and bool has_<member>: it is set */
	SETTING_TIME,     /* uint64_t, wall clock in ms; 0: not set */
	SETTING_CODECS,   /* comma list, as codecs_list_read writes it; "": not set */
	SETTING_LANGUAGE, /* one of prompts.languages; "": not set */
	SETTING_USER,     /* name of a user (focus/users.h), who need not exist; "": none */
	SETTING_PIN       /* a hash (focus/pin.h); "": none. Never shown: the API has has_<name> */
};

/* Of the setting `record`. */
enum room_record { ROOM_RECORD_OFF, ROOM_RECORD_MIX, ROOM_RECORD_TRACKS };

#define SETTING_MEMBER_FLAG(member) bool member;
#define SETTING_MEMBER_WORD(member) uint8_t member;
#define SETTING_MEMBER_COUNT(member) uint32_t member;
#define SETTING_MEMBER_SECONDS(member) uint32_t member;
#define SETTING_MEMBER_LEVEL(member) int8_t member;
#define SETTING_MEMBER_AMOUNT(member)                                                              \
	bool has_##member;                                                                         \
	uint8_t member;
#define SETTING_MEMBER_TIME(member) uint64_t member;
#define SETTING_MEMBER_CODECS(member) char member[ROOM_CODECS_LIST_MAX + 1];
#define SETTING_MEMBER_LANGUAGE(member) char member[ROOM_LANGUAGE_MAX + 1];
#define SETTING_MEMBER_USER(member) char member[ROOM_OWNER_MAX + 1];
#define SETTING_MEMBER_PIN(member) char member[ROOM_PIN_HASH_MAX + 1];

struct room_settings {
#define SETTING(type, member, name, min, max, words, help, shown) SETTING_MEMBER_##type(member)
#include "settings/room.inc"
};

struct room_setting {
	const char *name; /* in the API */
	enum setting_type type;
	size_t at, size;   /* in struct room_settings */
	size_t has_at;     /* of an AMOUNT: has_<member> */
	int64_t min, max;  /* of a number that is set; both 0: any */
	const char *words; /* of a WORD: comma list */
};

/* One after the other in the order of the table; NULL behind the last. */
const struct room_setting *room_setting_at(size_t index);

bool room_settings_are_same(const struct room_settings *a, const struct room_settings *b);

/* Of all types but texts, as the store keeps them: a flag is 0 or 1, a time in ms. What is not set
 * is room_setting_none of its type. A number that does not fit is cut: check it before. */
int64_t room_setting_number(const struct room_settings *settings,
			    const struct room_setting *setting);
void room_setting_set_number(struct room_settings *settings, const struct room_setting *setting,
			     int64_t number);
int64_t room_setting_none(const struct room_setting *setting);

/* CODECS, LANGUAGE, USER, PIN: text; borrowed from the settings. set: cut to what fits. */
bool room_setting_is_text(const struct room_setting *setting);
const char *room_setting_text(const struct room_settings *settings,
			      const struct room_setting *setting);
void room_setting_set_text(struct room_settings *settings, const struct room_setting *setting,
			   struct slice text);

/* Word number `index` of a WORD; false behind the last. */
bool room_setting_word(const struct room_setting *setting, unsigned index, struct slice *ret_word);

#endif
