/* focus/sounds.c */
#include "focus/sounds.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"

#define MUSIC "music"

int sounds_new(struct prompts *prompts, const char *language, struct sounds **ret_sounds)
{
	struct sounds *sounds = calloc(1, sizeof(*sounds));

	if (!sounds)
		return -ENOMEM;
	prompt_begin(&sounds->list, prompts, language);
	*ret_sounds = sounds;
	return 0;
}

struct sounds *sounds_free(struct sounds *sounds)
{
	free(sounds);
	return NULL;
}

/* Names of files ----------------------------------------------------------------------------- */

/* Parts between slashes, none of them empty or hidden, so that there is no way up. */
static bool is_inside(struct slice name)
{
	if (!name.len || name.len > SOUNDS_ITEM_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f)
			return false;
	for (;;) {
		struct slice part = slice_first(name, slice_find(name, '/'));

		if (!part.len || part.p[0] == '.')
			return false;
		if (part.len == name.len)
			return true;
		name = slice_from(name, part.len + 1);
	}
}

int sounds_path(const struct focus *focus, struct slice name, char ret_path[MEDIA_PATH_MAX])
{
	const char *dir = focus->config->sounds_path;
	char path[PATH_MAX], real[PATH_MAX], top[PATH_MAX];
	struct stat file;
	size_t len;

	if (!is_inside(name))
		return ERR_PLAY_ITEM;
	len = (size_t)snprintf(path, sizeof(path), "%s/" SLICE_FMT, dir, SLICE_ARG(name));
	if (len >= MEDIA_PATH_MAX || !prompts_is_sound(path) || !realpath(dir, top) ||
	    !realpath(path, real))
		return ERR_SOUND_UNKNOWN;
	len = strlen(top);
	if (strncmp(real, top, len) || (real[len] != '/' && len > 1) || stat(real, &file) ||
	    !S_ISREG(file.st_mode) || access(real, R_OK))
		return ERR_SOUND_UNKNOWN;
	slice_cstr(slice_of(path), ret_path, MEDIA_PATH_MAX);
	return 0;
}

/* Items -------------------------------------------------------------------------------------- */

/* The next part of a text with colons; absent at its end. */
static struct slice part_next(struct slice *rest)
{
	size_t colon = slice_find(*rest, ':');
	struct slice part = slice_first(*rest, colon);

	*rest = colon < rest->len ? slice_from(*rest, colon + 1) : SLICE_NONE;
	return part;
}

static bool read_hz(struct slice text, uint16_t *ret_hz)
{
	uint32_t hz;

	if (slice_u32(text, SOUNDS_HZ_MAX, &hz) || hz < SOUNDS_HZ_MIN)
		return false;
	*ret_hz = (uint16_t)hz;
	return true;
}

static int add_sound(struct sounds *sounds, const struct media_sound *sound)
{
	if (sounds->list.count == MEDIA_SOUNDS_MAX)
		return ERR_LIMIT;
	sounds->list.sounds[sounds->list.count++] = *sound;
	return 0;
}

static int add_tone(struct sounds *sounds, const struct focus *focus, struct slice text)
{
	struct media_sound tone = {
		.kind = MEDIA_SOUND_TONE, .level_dbov = SOUNDS_TONE_DBOV, .ms = SOUNDS_TONE_MS};
	struct slice hz = part_next(&text), ms = part_next(&text), level = part_next(&text);
	size_t plus = slice_find(hz, '+');
	uint32_t dbov;

	(void)focus;
	if (!read_hz(slice_first(hz, plus), &tone.hz[0]) ||
	    (plus < hz.len && !read_hz(slice_from(hz, plus + 1), &tone.hz[1])) ||
	    slice_present(text))
		return ERR_PLAY_ITEM;
	if (slice_present(ms) && (slice_u32(ms, MEDIA_SOUND_MS_MAX, &tone.ms) || !tone.ms))
		return ERR_PLAY_ITEM;
	if (slice_present(level)) {
		if (!slice_starts(level, SLICE("-")) ||
		    slice_u32(slice_from(level, 1), MEDIA_LEVEL_SILENT, &dbov))
			return ERR_PLAY_ITEM;
		tone.level_dbov = (uint8_t)dbov;
	}
	return add_sound(sounds, &tone);
}

static int add_pause(struct sounds *sounds, const struct focus *focus, struct slice text)
{
	struct media_sound pause = {.kind = MEDIA_SOUND_PAUSE};

	(void)focus;
	if (slice_u32(text, MEDIA_SOUND_MS_MAX, &pause.ms) || !pause.ms)
		return ERR_PLAY_ITEM;
	return add_sound(sounds, &pause);
}

static int add_file(struct sounds *sounds, const struct focus *focus, struct slice name)
{
	char *path = sounds->paths[sounds->path_count];
	int err;

	if (sounds->path_count == SOUNDS_ITEMS_MAX)
		return ERR_LIMIT;
	err = sounds_path(focus, name, path);
	if (!err)
		err = add_sound(sounds,
				&(struct media_sound){.kind = MEDIA_SOUND_FILE, .path = path});
	if (!err)
		sounds->path_count++;
	return err;
}

static int add_prompt(struct sounds *sounds, const struct focus *focus, struct slice name)
{
	enum prompt prompt;

	(void)focus;
	if (!prompt_named(name, &prompt))
		return ERR_SOUND_UNKNOWN;
	prompt_add(&sounds->list, prompt);
	return 0;
}

static int add_digits(struct sounds *sounds, const struct focus *focus, struct slice digits)
{
	(void)focus;
	if (!digits.len)
		return ERR_PLAY_ITEM;
	for (size_t i = 0; i < digits.len; i++)
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return ERR_PLAY_ITEM;
	prompt_add_digits(&sounds->list, digits);
	return 0;
}

static int add_number(struct sounds *sounds, const struct focus *focus, struct slice text)
{
	uint32_t number;

	(void)focus;
	if (slice_u32(text, SOUNDS_NUMBER_MAX, &number))
		return ERR_PLAY_ITEM;
	prompt_add_number(&sounds->list, number, NUMERALS_NO_NOUN);
	return 0;
}

static const struct {
	struct slice prefix;
	int (*add)(struct sounds *sounds, const struct focus *focus, struct slice rest);
} kinds[] = {
	{SLICE("file:"), add_file},     {SLICE("prompt:"), add_prompt},
	{SLICE("tone:"), add_tone},     {SLICE("pause:"), add_pause},
	{SLICE("digits:"), add_digits}, {SLICE("number:"), add_number},
};

int sounds_add(struct sounds *sounds, const struct focus *focus, struct slice item)
{
	int err = ERR_PLAY_ITEM;

	if (item.len > SOUNDS_ITEM_MAX)
		return ERR_PLAY_ITEM;
	if (slice_is(item, MUSIC)) {
		prompt_add_music(&sounds->list);
		err = 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (slice_starts(item, kinds[i].prefix))
			err = kinds[i].add(sounds, focus, slice_from(item, kinds[i].prefix.len));
	/* What does not fit is left out of a list without a word. */
	return !err && sounds->list.count == MEDIA_SOUNDS_MAX ? ERR_LIMIT : err;
}

/* The list ----------------------------------------------------------------------------------- */

struct listing {
	const struct focus *focus;
	struct sounds_listed *listed;
	uint32_t count, cap;
};

static void list_add(struct listing *listing, const char *prefix, const char *name, uint64_t octets)
{
	struct sounds_listed *at = &listing->listed[listing->count];

	if (listing->count == listing->cap ||
	    snprintf(at->item, sizeof(at->item), "%s%s", prefix, name) >= (int)sizeof(at->item))
		return;
	at->octets = octets;
	listing->count++;
}

/* `folder`: inside of sounds.path, with a slash at its end, or "". */
static void list_files(struct listing *listing, const char *folder, int depth)
{
	char path[PATH_MAX], name[SOUNDS_ITEM_MAX + 2];
	struct dirent *entry;
	struct stat file;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/%s", listing->focus->config->sounds_path, folder);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) && listing->count < SOUNDS_LISTED_MAX) {
		int len = snprintf(name, sizeof(name), "%s%s", folder, entry->d_name);

		if (entry->d_name[0] == '.' || len >= SOUNDS_ITEM_MAX)
			continue;
		if (!sounds_path(listing->focus, slice_of(name), path) && !stat(path, &file)) {
			list_add(listing, "file:", name, (uint64_t)file.st_size);
			continue;
		}
		(void)snprintf(path, sizeof(path), "%s/%s", listing->focus->config->sounds_path,
			       name);
		if (depth < SOUNDS_DEPTH_MAX && !lstat(path, &file) && S_ISDIR(file.st_mode)) {
			name[len] = '/';
			name[len + 1] = '\0';
			list_files(listing, name, depth + 1);
		}
	}
	if (dir)
		closedir(dir);
}

static int by_item(const void *a, const void *b)
{
	return strcmp(((const struct sounds_listed *)a)->item,
		      ((const struct sounds_listed *)b)->item);
}

int sounds_list(const struct focus *focus, struct sounds_listed **ret_listed, uint32_t *ret_count)
{
	struct listing listing = {.focus = focus, .cap = SOUNDS_LISTED_MAX + PROMPT_COUNT + 1};

	listing.listed = calloc(listing.cap, sizeof(*listing.listed));
	if (!listing.listed)
		return -ENOMEM;
	list_files(&listing, "", 0);
	list_add(&listing, MUSIC, "", 0);
	for (int prompt = 0; prompt < PROMPT_COUNT; prompt++)
		if (prompt_name((enum prompt)prompt))
			list_add(&listing, "prompt:", prompt_name((enum prompt)prompt), 0);
	qsort(listing.listed, listing.count, sizeof(*listing.listed), by_item);
	*ret_listed = listing.listed;
	*ret_count = listing.count;
	return 0;
}
