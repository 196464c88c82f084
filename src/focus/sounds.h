/* focus/sounds.h -- what can be played: items as the API writes them, and the operator's files.
 *
 *   file:NAME              a file in sounds.path; NAME may have folders: file:jingles/chime.wav
 *   prompt:NAME            a prompt by the name of its file (docs/dialin.md): prompt:conf-muted
 *   music                  the hold music
 *   tone:HZ[+HZ][:MS[:DB]] one or two frequencies, 1000 ms long, each at -18 dBov
 *   pause:MS
 *   digits:DIGITS          spoken one by one
 *   number:N               spoken, 0 to 999
 *
 * A NAME of a file stays inside of sounds.path: no part of it begins with a dot, and where links
 * lead out of the directory there is nothing. Thread: control.
 */
#ifndef FOCUS_SOUNDS_H
#define FOCUS_SOUNDS_H

#include <stdint.h>

#include "base/slice.h"
#include "focus/prompts.h"

struct focus;

enum {
	SOUNDS_ITEM_MAX = 255,
	SOUNDS_ITEMS_MAX = 32,
	SOUNDS_LISTED_MAX = 2000,
	SOUNDS_DEPTH_MAX = 4, /* folders in folders */
	SOUNDS_HZ_MIN = 20,
	SOUNDS_HZ_MAX = 3900,
	SOUNDS_TONE_MS = 1000,
	SOUNDS_TONE_DBOV = 18,
	SOUNDS_NUMBER_MAX = 999
};

/* A list that is being put together; big, so on the heap. Paths are its own. */
struct sounds {
	struct prompt_list list;
	char paths[SOUNDS_ITEMS_MAX][MEDIA_PATH_MAX];
	uint32_t path_count;
};

/* "": the default language. -ENOMEM. */
int sounds_new(struct prompts *prompts, const char *language, struct sounds **ret_sounds);
struct sounds *sounds_free(struct sounds *sounds);

/* Adds one item. ERR_PLAY_ITEM: it is none of the above; ERR_SOUND_UNKNOWN: there is no such file
 * or prompt; ERR_LIMIT: more than SOUNDS_ITEMS_MAX files, or more than MEDIA_SOUNDS_MAX sounds. */
int sounds_add(struct sounds *sounds, const struct focus *focus, struct slice item);

/* Where the file of that name is. ERR_PLAY_ITEM: not a name of a file inside; ERR_SOUND_UNKNOWN. */
int sounds_path(const struct focus *focus, struct slice name, char ret_path[MEDIA_PATH_MAX]);

struct sounds_listed {
	char item[SOUNDS_ITEM_MAX + 1];
	uint64_t octets; /* of a file; 0 of others */
};
/* Files, music and prompts, by item; at most SOUNDS_LISTED_MAX files. The caller frees
 * *ret_listed. -ENOMEM. */
int sounds_list(const struct focus *focus, struct sounds_listed **ret_listed, uint32_t *ret_count);

#endif
