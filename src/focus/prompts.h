/* focus/prompts.h -- what is said to callers: names of prompts, the files that say them, and how
 * numbers are spoken.
 *
 * A prompt is a list of recordings by the names that Debian's asterisk-core-sounds packages use.
 * They are looked for in each directory of prompts.path, in order, under a folder of the language
 * ("en", "es" ...), so that an operator lays files of his own over them. A language that has no
 * recording speaks the default language instead; what no language has is a tone, so that a caller
 * is never left in silence. Files are looked for once, at start and on reload. Thread: control.
 */
#ifndef FOCUS_PROMPTS_H
#define FOCUS_PROMPTS_H

#include <stdint.h>

#include "base/slice.h"
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
	PROMPT_BEGINS,       /* the conference begins */
	PROMPT_LEADER_LEFT,  /* the leader has left the conference */
	PROMPT_THERE_ARE,    /* there are ... */
	PROMPT_OTHERS,       /* ... other participants */
	PROMPT_ENDS_IN,      /* this conference ends in ... */
	PROMPT_MINUTE,       /* ... minute */
	PROMPT_MINUTES,      /* ... minutes */
	PROMPT_ENDS,         /* the conference ends now */
	PROMPT_MUTED,
	PROMPT_UNMUTED,
	PROMPT_ROOM_LOCKED_NOW,
	PROMPT_ROOM_UNLOCKED_NOW,
	PROMPT_ALL_MUTED,
	PROMPT_ALL_UNMUTED,
	PROMPT_RECORDING, /* this conference is being recorded */
	PROMPT_KICKED,    /* you have been removed from the conference */
	PROMPT_HELP_GUEST,
	PROMPT_HELP_MODERATOR,
	PROMPT_GOODBYE,
	PROMPT_TONE_ENTRY, /* somebody comes in */
	PROMPT_TONE_EXIT,
	PROMPT_TONE_KNOCK,  /* somebody waits in the lobby */
	PROMPT_TONE_ERROR,  /* a key that does nothing */
	PROMPT_TONE_RECORD, /* consent: a recording runs */
	PROMPT_COUNT
};

enum { PROMPTS_LANGUAGES_MAX = 16, PROMPTS_NAME_MAX = 15 };

struct prompts;

struct prompts_params {
	const char *path;      /* directories, separated by ':' */
	const char *languages; /* comma list; the first is the default */
	const char *music;     /* directory or file of the hold music; "": none */
};

/* -ENOMEM, ERR_LIMIT (languages). A path that does not exist is no error: tones are heard then. */
int prompts_new(const struct prompts_params *params, struct prompts **ret_prompts);
struct prompts *prompts_free(struct prompts *prompts);

uint32_t
prompts_missing(const struct prompts *prompts); /* prompts of the default language without a file */

/* What is to be played, put together. Paths are borrowed from the prompts; what does not fit into
 * MEDIA_SOUNDS_MAX is left out. `language` that is not there: the default. */
struct prompt_list {
	const struct prompts *prompts;
	const char *language;
	struct media_sound sounds[MEDIA_SOUNDS_MAX];
	uint32_t count;
};
void prompt_begin(struct prompt_list *list, const struct prompts *prompts, const char *language);
void prompt_add(struct prompt_list *list, enum prompt prompt);
void prompt_add_digits(struct prompt_list *list, struct slice digits); /* one by one */
void prompt_add_number(struct prompt_list *list, uint32_t number);     /* spoken; 0 to 999 */
void prompt_add_pause(struct prompt_list *list, uint32_t ms);
/* The hold music, one file after the other; a soft tone now and then when there is none. */
void prompt_add_music(struct prompt_list *list);

#endif
