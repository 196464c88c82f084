/* focus/prompts.h -- what is said to callers: names of prompts, and the files that say them.
 *
 * A prompt is a recording by the name that Debian's asterisk-core-sounds packages use, or one of
 * our own (docs/dialin.md has the table). It is looked for in each directory of prompts.path, in
 * order, under a folder of the language ("en", or else "en_US..."), so that an operator lays files
 * of his own over them; then among those that a voice has read (prompts.cache, focus/speech.h).
 * A language that has neither speaks the default language instead; what no language has is a tone,
 * so that a caller is never left in silence. Files are looked for once, at start and on reload, and
 * again when the voice has read some. Numbers: focus/numerals.h. Thread: control.
 */
#ifndef FOCUS_PROMPTS_H
#define FOCUS_PROMPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "focus/numerals.h"
#include "media.h"

enum prompt {
	PROMPT_ASK_ROOM,     /* please enter the conference number, then pound */
	PROMPT_ROOM_INVALID, /* that is no conference number */
	PROMPT_ASK_PIN,      /* please enter the conference PIN number */
	PROMPT_PIN_INVALID,  /* that PIN is wrong */
	PROMPT_NOT_STARTED,  /* the conference has not started yet */
	PROMPT_BANNED,       /* you have been banned from the conference */
	PROMPT_LOCKED,       /* the conference is locked */
	PROMPT_FULL,         /* the conference is full */
	PROMPT_ENTERING,     /* you will now be placed into the conference */
	PROMPT_ALONE,        /* you are the only person in the conference */
	PROMPT_WAIT_LEADER,  /* the conference will begin when the leader arrives */
	PROMPT_WAIT_LOBBY,   /* please wait to be let in */
	PROMPT_BEGINS,       /* the conference begins */
	PROMPT_LEADER_LEFT,  /* the leader has left the conference */
	PROMPT_THERE_ARE,    /* there are ... */
	PROMPT_OTHER,        /* ... other participant */
	PROMPT_OTHERS_FEW,   /* the same for a few, where a language has such a form */
	PROMPT_OTHERS,       /* ... other participants */
	PROMPT_ENDS_IN,      /* this conference ends in ... */
	PROMPT_MINUTE,       /* ... minute */
	PROMPT_MINUTES_FEW,
	PROMPT_MINUTES, /* ... minutes */
	PROMPT_ENDS,    /* the conference ends now */
	PROMPT_MUTED,
	PROMPT_UNMUTED,
	PROMPT_HAND_UP,
	PROMPT_HAND_DOWN,
	PROMPT_ROOM_LOCKED_NOW,
	PROMPT_ROOM_UNLOCKED_NOW,
	PROMPT_ALL_MUTED,
	PROMPT_ALL_UNMUTED,
	PROMPT_RECORDING,  /* this conference is being recorded */
	PROMPT_SAY_NAME,   /* after the tone, say your name */
	PROMPT_HAS_JOINED, /* a name, then: has joined the conference */
	PROMPT_HAS_LEFT,
	PROMPT_ROLL_CALL, /* in this conference are ... */
	PROMPT_UNNAMED,   /* a participant without a name */
	PROMPT_CONFIRM,   /* this is the call that you asked for: press 1 */
	PROMPT_PRESS,     /* press ..., the keys, then one of these */
	PROMPT_TO_HELP,
	PROMPT_TO_COUNT,
	PROMPT_TO_MUTE,
	PROMPT_TO_HAND,
	PROMPT_TO_ROLL_CALL,
	PROMPT_TO_LOCK,
	PROMPT_TO_MUTE_ALL,
	PROMPT_TO_RECORD,
	PROMPT_TO_ADMIT,
	PROMPT_TO_ADMIT_ALL,
	PROMPT_TO_END,
	PROMPT_REMOVED, /* you have been removed from the conference */
	PROMPT_GOODBYE,
	PROMPT_TONE_ENTRY, /* somebody comes in */
	PROMPT_TONE_EXIT,
	PROMPT_TONE_KNOCK,    /* somebody waits in the lobby */
	PROMPT_TONE_ERROR,    /* a key that does nothing */
	PROMPT_TONE_RECORD,   /* consent: a recording runs */
	PROMPT_TONE_SPEAK,    /* speak now */
	PROMPT_TONE_RINGBACK, /* the phone that was called rings (ITU-T E.180) */
	PROMPT_COUNT
};

enum { PROMPTS_LANGUAGES_MAX = 16, PROMPTS_NAME_MAX = 15 };

struct prompts;
struct speech_text;

struct prompts_params {
	const char *path;      /* directories, separated by ':' */
	const char *languages; /* comma list; the first is the default */
	const char *music;     /* directory or file of the hold music; "": none */
	const char *cache;     /* directory of what a voice reads; "", NULL: none does */
	/* A language is spoken for the first time, and prompts_texts has something to be read. */
	void (*on_wanted)(void *arg);
	void *arg;
};

/* -ENOMEM, ERR_LIMIT (languages). A path that does not exist is no error: tones are heard then. */
int prompts_new(const struct prompts_params *params, struct prompts **ret_prompts);
struct prompts *prompts_free(struct prompts *prompts);

uint32_t
prompts_missing(const struct prompts *prompts); /* prompts of the default language without a file */

/* Somebody will be talked to in this language ("": the default): what it lacks is wanted. */
void prompts_want(struct prompts *prompts, const char *language);
/* What wanted languages lack, to be read into the cache; given once. *ret_texts is the caller's,
 * NULL when there is nothing. -ENOMEM. */
int prompts_texts(struct prompts *prompts, struct speech_text **ret_texts, uint32_t *ret_count);
/* Some have been read: looks into the cache. */
void prompts_look_again(struct prompts *prompts);

/* The file of this name would be taken for a sound, going by how it ends. */
bool prompts_is_sound(const char *file);
/* A prompt by the name of its file ("conf-muted"), and back; NULL: one that is always a tone. */
bool prompt_named(struct slice name, enum prompt *ret_prompt);
const char *prompt_name(enum prompt prompt);

/* What is to be played, put together. Paths are borrowed from the prompts; what does not fit into
 * MEDIA_SOUNDS_MAX is left out. `language` that is not there: the default. */
struct prompt_list {
	struct prompts *prompts;
	const char *language;
	struct media_sound sounds[MEDIA_SOUNDS_MAX];
	uint32_t count;
};
void prompt_begin(struct prompt_list *list, struct prompts *prompts, const char *language);
void prompt_add(struct prompt_list *list, enum prompt prompt);
void prompt_add_digits(struct prompt_list *list, struct slice digits); /* one by one */
void prompt_add_keys(struct prompt_list *list, struct slice keys);     /* "*6": star six */
/* 0 to 999, as it is spoken before that noun. */
void prompt_add_number(struct prompt_list *list, uint32_t number, enum numerals_noun noun);
void prompt_add_file(struct prompt_list *list, const char *path); /* borrowed */
/* The form of a noun that stands behind this number. */
enum prompt prompt_form(const struct prompt_list *list, uint32_t number, enum prompt one,
			enum prompt few, enum prompt many);
/* There is a recording of it, not only a tone. */
bool prompt_is_spoken(const struct prompt_list *list, enum prompt prompt);
void prompt_add_pause(struct prompt_list *list, uint32_t ms);
/* The hold music, one file after the other; a soft tone now and then when there is none. */
void prompt_add_music(struct prompt_list *list);

#endif
