/* focus/prompts.c */
#include "focus/prompts.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/numerals.h"
#include "focus/prompt_texts.h"
#include "focus/speech.h"
#include "focus/text.h"

enum {
	NAMES_MAX = 2,    /* recordings that say the same: the first found is taken */
	NUMBERS_MAX = 80, /* names of numerals.h */
	MUSIC_MAX = 16,
	FOLDERS_MAX = 4096 /* characters */
};

/* By the names of asterisk-core-sounds; a tone where none is set or found. */
static const struct {
	const char *names[NAMES_MAX];
	struct media_sound tone;
} rows[PROMPT_COUNT] = {
#define TONE(a, b, length)                                                                         \
	{                                                                                          \
		.kind = MEDIA_SOUND_TONE, .hz = {a, b}, .level_dbov = 18, .ms = length             \
	}
	[PROMPT_ASK_ROOM] = {{"conf-getconfno"}, TONE(440, 0, 400)},
	[PROMPT_ROOM_INVALID] = {{"conf-invalid"}, TONE(200, 0, 600)},
	[PROMPT_ASK_PIN] = {{"conf-getpin"}, TONE(520, 0, 400)},
	[PROMPT_PIN_INVALID] = {{"conf-invalidpin"}, TONE(200, 0, 600)},
	[PROMPT_NOT_STARTED] = {{"hearth-not-started"}, TONE(480, 620, 500)},
	[PROMPT_BANNED] = {{"hearth-banned"}, TONE(480, 620, 500)},
	[PROMPT_LOCKED] = {{"conf-locked"}, TONE(480, 620, 500)},
	[PROMPT_FULL] = {{"conf-full"}, TONE(480, 620, 500)},
	[PROMPT_ENTERING] = {{"conf-placeintoconf"}, TONE(660, 0, 200)},
	[PROMPT_ALONE] = {{"conf-onlyperson"}, TONE(660, 0, 100)},
	[PROMPT_WAIT_LEADER] = {{"conf-waitforleader"}, TONE(440, 480, 500)},
	[PROMPT_WAIT_LOBBY] = {{"hearth-wait-lobby"}, TONE(440, 480, 500)},
	[PROMPT_BEGINS] = {{"confbridge-conf-begin"}, TONE(660, 880, 300)},
	[PROMPT_LEADER_LEFT] = {{"conf-leaderhasleft"}, TONE(440, 0, 600)},
	[PROMPT_THERE_ARE] = {{"conf-thereare"}, TONE(660, 0, 100)},
	[PROMPT_OTHER] = {{"hearth-other"}, TONE(660, 0, 100)},
	[PROMPT_OTHERS_FEW] = {{"hearth-others-few"}, TONE(660, 0, 100)},
	[PROMPT_OTHERS] = {{"conf-otherinparty"}, TONE(660, 0, 100)},
	[PROMPT_ENDS_IN] = {{"hearth-ends-in"}, TONE(880, 0, 150)},
	[PROMPT_MINUTE] = {{"minute"}, TONE(880, 0, 150)},
	[PROMPT_MINUTES_FEW] = {{"hearth-minutes-few"}, TONE(880, 0, 150)},
	[PROMPT_MINUTES] = {{"minutes"}, TONE(880, 0, 150)},
	[PROMPT_ENDS] = {{"confbridge-conf-end"}, TONE(440, 0, 800)},
	[PROMPT_MUTED] = {{"conf-muted"}, TONE(330, 0, 150)},
	[PROMPT_UNMUTED] = {{"conf-unmuted"}, TONE(660, 0, 150)},
	[PROMPT_ROOM_LOCKED_NOW] = {{"conf-lockednow"}, TONE(330, 0, 150)},
	[PROMPT_ROOM_UNLOCKED_NOW] = {{"conf-unlockednow"}, TONE(660, 0, 150)},
	[PROMPT_HAND_UP] = {{"hearth-hand-up"}, TONE(660, 880, 160)},
	[PROMPT_HAND_DOWN] = {{"hearth-hand-down"}, TONE(440, 330, 160)},
	[PROMPT_ALL_MUTED] = {{"conf-now-muted"}, TONE(330, 0, 150)},
	[PROMPT_ALL_UNMUTED] = {{"conf-now-unmuted"}, TONE(660, 0, 150)},
	[PROMPT_RECORDING] = {{"conf-now-recording"}, TONE(1400, 0, 400)},
	[PROMPT_SAY_NAME] = {{"vm-rec-name"}, TONE(520, 0, 400)},
	[PROMPT_HAS_JOINED] = {{"conf-hasjoin"}, TONE(660, 880, 160)},
	[PROMPT_HAS_LEFT] = {{"conf-hasleft"}, TONE(440, 330, 160)},
	[PROMPT_ROLL_CALL] = {{"hearth-roll-call"}, TONE(880, 0, 200)},
	[PROMPT_UNNAMED] = {{"hearth-unnamed"}, TONE(880, 0, 200)},
	[PROMPT_CONFIRM] = {{"hearth-confirm"}, TONE(880, 0, 200)},
	[PROMPT_PRESS] = {{"vm-press"}, TONE(880, 0, 200)},
	[PROMPT_TO_HELP] = {{"hearth-to-help"}, TONE(880, 0, 200)},
	[PROMPT_TO_COUNT] = {{"hearth-to-count"}, TONE(880, 0, 200)},
	[PROMPT_TO_MUTE] = {{"hearth-to-mute"}, TONE(880, 0, 200)},
	[PROMPT_TO_HAND] = {{"hearth-to-hand"}, TONE(880, 0, 200)},
	[PROMPT_TO_ROLL_CALL] = {{"hearth-to-roll-call"}, TONE(880, 0, 200)},
	[PROMPT_TO_LOCK] = {{"hearth-to-lock"}, TONE(880, 0, 200)},
	[PROMPT_TO_MUTE_ALL] = {{"hearth-to-mute-all"}, TONE(880, 0, 200)},
	[PROMPT_TO_RECORD] = {{"hearth-to-record"}, TONE(880, 0, 200)},
	[PROMPT_TO_ADMIT] = {{"hearth-to-admit"}, TONE(880, 0, 200)},
	[PROMPT_TO_ADMIT_ALL] = {{"hearth-to-admit-all"}, TONE(880, 0, 200)},
	[PROMPT_TO_END] = {{"hearth-to-end"}, TONE(880, 0, 200)},
	[PROMPT_REMOVED] = {{"conf-kicked"}, TONE(480, 620, 500)},
	[PROMPT_GOODBYE] = {{"vm-goodbye"}, TONE(440, 0, 600)},
	[PROMPT_TONE_ENTRY] = {{NULL}, TONE(660, 880, 160)},
	[PROMPT_TONE_EXIT] = {{NULL}, TONE(440, 330, 160)},
	[PROMPT_TONE_KNOCK] = {{NULL}, TONE(880, 1100, 250)},
	[PROMPT_TONE_ERROR] = {{NULL}, TONE(250, 0, 250)},
	[PROMPT_TONE_RECORD] = {{NULL}, TONE(1400, 0, 250)},
	[PROMPT_TONE_SPEAK] = {{"beep"}, TONE(1000, 0, 300)},
	[PROMPT_TONE_RINGBACK] = {{NULL}, TONE(425, 0, 1000)},
#undef TONE
};

struct language {
	char name[PROMPTS_NAME_MAX + 1];
	char *prompts[PROMPT_COUNT]; /* paths; NULL: none */
	char *numbers[NUMBERS_MAX];  /* by numerals_name */
	bool is_wanted;              /* somebody is talked to in it */
	bool is_asked;               /* what it lacks was given to be read */
};

struct prompts {
	struct language languages[PROMPTS_LANGUAGES_MAX];
	uint32_t count;
	char *music[MUSIC_MAX];
	uint32_t music_count;
	char *cache; /* NULL: nothing is read */
	void (*on_wanted)(void *arg);
	void *arg;
};

/* Finding files ------------------------------------------------------------------------------ */

static const char *const suffixes[] = {".wav", ".ogg", ".opus", ".flac"};

static char *find_in(struct slice folder, const char *name)
{
	char path[MEDIA_PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		int len = snprintf(path, sizeof(path), SLICE_FMT "/%s%s", SLICE_ARG(folder), name,
				   suffixes[i]);

		if (len < (int)sizeof(path) && access(path, R_OK) == 0)
			return strdup(path);
	}
	return NULL;
}

/* In folders separated by ':'. */
static char *find(const char *folders, const char *name)
{
	struct slice rest = slice_of(folders);

	while (rest.len) {
		size_t colon = slice_find(rest, ':');
		char *path = find_in(slice_first(rest, colon), name);

		if (path)
			return path;
		rest = slice_from(rest, MIN_OF(colon + 1, rest.len));
	}
	return NULL;
}

/* Debian's English recordings have a folder "en_US_f_Allison" and no "en". */
static bool find_folder(const char *dir, const char *language, char out[NAME_MAX + 1])
{
	size_t len = strlen(language);
	struct dirent *entry;
	DIR *listed = opendir(dir);

	out[0] = '\0';
	if (!listed)
		return false;
	while ((entry = readdir(listed))) {
		const char *name = entry->d_name;
		bool is_it = !strcmp(name, language);

		if (!is_it && (strncmp(name, language, len) || name[len] != '_'))
			continue;
		if (is_it || !out[0] || strcmp(name, out) < 0)
			slice_cstr(slice_of(name), out, NAME_MAX + 1);
		if (is_it)
			break;
	}
	closedir(listed);
	return out[0] != '\0';
}

/* The folders of a language in `dirs`, separated by ':'. What does not fit is left out. */
static void folders_of(const char *dirs, const char *language, char out[FOLDERS_MAX])
{
	struct slice rest = slice_of(dirs);
	char dir[MEDIA_PATH_MAX], folder[NAME_MAX + 1];
	size_t used = 0;

	out[0] = '\0';
	while (rest.len) {
		size_t colon = slice_find(rest, ':');

		slice_cstr(slice_first(rest, colon), dir, sizeof(dir));
		rest = slice_from(rest, MIN_OF(colon + 1, rest.len));
		if (!find_folder(dir, language, folder) ||
		    used + strlen(dir) + strlen(folder) + 2 >= FOLDERS_MAX)
			continue;
		used += (size_t)snprintf(out + used, FOLDERS_MAX - used, "%s%s/%s", used ? ":" : "",
					 dir, folder);
	}
}

/* What is not found yet. */
static void language_find_files(struct language *language, const char *dirs)
{
	char folders[FOLDERS_MAX], name[64];

	folders_of(dirs, language->name, folders);
	for (int id = 0; id < PROMPT_COUNT; id++)
		for (int k = 0; k < NAMES_MAX && !language->prompts[id]; k++)
			if (rows[id].names[k])
				language->prompts[id] = find(folders, rows[id].names[k]);
	for (uint32_t i = 0; numerals_name(i); i++) {
		assert(i < NUMBERS_MAX);
		(void)snprintf(name, sizeof(name), "digits/%s", numerals_name(i));
		if (!language->numbers[i])
			language->numbers[i] = find(folders, name);
	}
}

void prompts_look_again(struct prompts *prompts)
{
	for (uint32_t i = 0; prompts->cache && i < prompts->count; i++)
		language_find_files(&prompts->languages[i], prompts->cache);
}

bool prompt_named(struct slice name, enum prompt *ret_prompt)
{
	for (int id = 0; id < PROMPT_COUNT; id++) {
		if (!rows[id].names[0] || !slice_is(name, rows[id].names[0]))
			continue;
		*ret_prompt = (enum prompt)id;
		return true;
	}
	return false;
}

const char *prompt_name(enum prompt prompt)
{
	return rows[prompt].names[0];
}

/* Having it read ----------------------------------------------------------------------------- */

static struct language *language_named(struct prompts *prompts, const char *name)
{
	for (uint32_t i = 0; i < prompts->count; i++)
		if (strcmp(prompts->languages[i].name, name) == 0)
			return &prompts->languages[i];
	return &prompts->languages[0];
}

void prompts_want(struct prompts *prompts, const char *name)
{
	struct language *language = language_named(prompts, name);

	if (language->is_wanted)
		return;
	language->is_wanted = true;
	if (prompts->cache && prompts->on_wanted && prompt_has_texts(language->name))
		prompts->on_wanted(prompts->arg);
}

struct reading {
	const struct prompts *prompts;
	const struct language *language;
	struct speech_text *texts;
	uint32_t count;
};

/* Counts only while there is no place. */
static void reading_add(struct reading *reading, const char *name, const char *text)
{
	struct speech_text *to = reading->texts ? &reading->texts[reading->count] : NULL;

	reading->count++;
	if (!to)
		return;
	(void)snprintf(to->path, sizeof(to->path), "%s/%s/%s.wav", reading->prompts->cache,
		       reading->language->name, name);
	slice_cstr(slice_of(reading->language->name), to->voice, sizeof(to->voice));
	to->text = text;
}

static void reading_of(struct reading *reading, const struct language *language)
{
	char name[64];

	reading->language = language;
	for (int id = 0; id < PROMPT_COUNT; id++) {
		const char *text = prompt_text(language->name, id);

		if (text && !language->prompts[id])
			reading_add(reading, rows[id].names[0], text);
	}
	for (uint32_t i = 0; numerals_name(i); i++) {
		const char *text = numerals_text(language->name, i);

		(void)snprintf(name, sizeof(name), "digits/%s", numerals_name(i));
		if (text && !language->numbers[i])
			reading_add(reading, name, text);
	}
}

static void read_wanted(struct prompts *prompts, struct reading *reading)
{
	for (uint32_t i = 0; i < prompts->count; i++) {
		const struct language *language = &prompts->languages[i];

		if (language->is_wanted && !language->is_asked && prompt_has_texts(language->name))
			reading_of(reading, language);
	}
}

int prompts_texts(struct prompts *prompts, struct speech_text **ret_texts, uint32_t *ret_count)
{
	struct reading reading = {.prompts = prompts};

	*ret_texts = NULL;
	*ret_count = 0;
	if (!prompts->cache)
		return 0;
	read_wanted(prompts, &reading);
	if (!reading.count)
		return 0;
	reading.texts = calloc(reading.count, sizeof(*reading.texts));
	if (!reading.texts)
		return -ENOMEM;
	reading.count = 0;
	read_wanted(prompts, &reading);
	for (uint32_t i = 0; i < prompts->count; i++)
		prompts->languages[i].is_asked |= prompts->languages[i].is_wanted;
	*ret_texts = reading.texts;
	*ret_count = reading.count;
	return 0;
}

/* Music -------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void music_add(struct prompts *prompts, const char *path)
{
	char *copy = prompts->music_count < MUSIC_MAX && strlen(path) < MEDIA_PATH_MAX
			     ? strdup(path)
			     : NULL;

	if (copy)
		prompts->music[prompts->music_count++] = copy;
}

bool prompts_is_sound(const char *file)
{
	const char *dot = strrchr(file, '.');

	for (size_t i = 0; dot && i < ARRAY_LEN(suffixes); i++)
		if (strcmp(dot, suffixes[i]) == 0)
			return true;
	return false;
}

static void music_load(struct prompts *prompts, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char file[MEDIA_PATH_MAX];

	if (!dir) {
		if (path[0] && access(path, R_OK) == 0)
			music_add(prompts, path);
		return;
	}
	while ((entry = readdir(dir))) {
		if (prompts_is_sound(entry->d_name) &&
		    snprintf(file, sizeof(file), "%s/%s", path, entry->d_name) < (int)sizeof(file))
			music_add(prompts, file);
	}
	closedir(dir);
	qsort(prompts->music, prompts->music_count, sizeof(prompts->music[0]), by_name);
}

/* Life --------------------------------------------------------------------------------------- */

int prompts_new(const struct prompts_params *params, struct prompts **ret_prompts)
{
	struct prompts *prompts = calloc(1, sizeof(*prompts));
	struct slice list = slice_of(params->languages), name;

	if (!prompts)
		return -ENOMEM;
	while (text_list_next(&list, &name)) {
		struct language *language = &prompts->languages[prompts->count];

		if (prompts->count == PROMPTS_LANGUAGES_MAX || name.len > PROMPTS_NAME_MAX) {
			prompts_free(prompts);
			return ERR_LIMIT;
		}
		slice_cstr(name, language->name, sizeof(language->name));
		language_find_files(language, params->path);
		prompts->count++;
	}
	prompts->on_wanted = params->on_wanted;
	prompts->arg = params->arg;
	if (params->cache && params->cache[0]) {
		prompts->cache = strdup(params->cache);
		if (!prompts->cache) {
			prompts_free(prompts);
			return -ENOMEM;
		}
		prompts_look_again(prompts);
	}
	music_load(prompts, params->music);
	*ret_prompts = prompts;
	return 0;
}

struct prompts *prompts_free(struct prompts *prompts)
{
	if (!prompts)
		return NULL;
	for (uint32_t i = 0; i < PROMPTS_LANGUAGES_MAX; i++) {
		for (int id = 0; id < PROMPT_COUNT; id++)
			free(prompts->languages[i].prompts[id]);
		for (int k = 0; k < NUMBERS_MAX; k++)
			free(prompts->languages[i].numbers[k]);
	}
	for (uint32_t i = 0; i < prompts->music_count; i++)
		free(prompts->music[i]);
	free(prompts->cache);
	free(prompts);
	return NULL;
}

uint32_t prompts_missing(const struct prompts *prompts)
{
	uint32_t missing = 0;

	for (int id = 0; id < PROMPT_COUNT; id++)
		missing += rows[id].names[0] && id != PROMPT_TONE_SPEAK &&
			   !prompts->languages[0].prompts[id];
	return missing;
}

/* Lists -------------------------------------------------------------------------------------- */

void prompt_begin(struct prompt_list *list, struct prompts *prompts, const char *language)
{
	list->prompts = prompts;
	list->language = language_named(prompts, language)->name;
	list->count = 0;
	prompts_want(prompts, language);
}

static const struct language *language_find(const struct prompt_list *list)
{
	return language_named(list->prompts, list->language);
}

static void add(struct prompt_list *list, struct media_sound sound)
{
	if (list->count < MEDIA_SOUNDS_MAX)
		list->sounds[list->count++] = sound;
}

void prompt_add_file(struct prompt_list *list, const char *path)
{
	add(list, (struct media_sound){.kind = MEDIA_SOUND_FILE, .path = path});
}

static const char *path_of(const struct prompt_list *list, enum prompt prompt)
{
	const char *path = language_find(list)->prompts[prompt];

	return path ? path : list->prompts->languages[0].prompts[prompt];
}

bool prompt_is_spoken(const struct prompt_list *list, enum prompt prompt)
{
	return path_of(list, prompt) != NULL;
}

void prompt_add(struct prompt_list *list, enum prompt prompt)
{
	const char *path = path_of(list, prompt);

	if (path)
		prompt_add_file(list, path);
	else
		add(list, rows[prompt].tone);
}

void prompt_add_pause(struct prompt_list *list, uint32_t ms)
{
	add(list, (struct media_sound){.kind = MEDIA_SOUND_PAUSE, .ms = ms});
}

static void add_name(struct prompt_list *list, const char *name)
{
	uint32_t index = numerals_index(name);
	const char *path = language_find(list)->numbers[index];

	if (!path)
		path = list->prompts->languages[0].numbers[index];
	if (path)
		prompt_add_file(list, path);
}

void prompt_add_keys(struct prompt_list *list, struct slice keys)
{
	for (size_t i = 0; i < keys.len; i++) {
		char digit[2] = {keys.p[i], '\0'};

		if (digit[0] == '*')
			add_name(list, "star");
		else if (digit[0] == '#')
			add_name(list, "pound");
		else if (digit[0] >= '0' && digit[0] <= '9')
			add_name(list, digit);
	}
}

void prompt_add_digits(struct prompt_list *list, struct slice digits)
{
	for (size_t i = 0; i < digits.len; i++)
		if (digits.p[i] >= '0' && digits.p[i] <= '9')
			prompt_add_keys(list, slice_make(digits.p + i, 1));
}

static bool has_all(const struct language *language, const char *const *names, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!language->numbers[numerals_index(names[i])])
			return false;
	return true;
}

/* All of a number in one language (in its form without a noun, if nobody has said the other), or
 * all of it in the default one. */
void prompt_add_number(struct prompt_list *list, uint32_t number, enum numerals_noun noun)
{
	const struct language *language = language_find(list);
	const char *names[NUMERALS_WORDS];
	uint32_t count = numerals_spoken(language->name, number, noun, names);

	if (!has_all(language, names, count))
		count = numerals_spoken(language->name, number, NUMERALS_NO_NOUN, names);
	if (!has_all(language, names, count)) {
		language = &list->prompts->languages[0];
		count = numerals_spoken(language->name, number, NUMERALS_NO_NOUN, names);
	}
	for (uint32_t i = 0; i < count; i++) {
		const char *path = language->numbers[numerals_index(names[i])];

		if (path)
			prompt_add_file(list, path);
	}
}

enum prompt prompt_form(const struct prompt_list *list, uint32_t number, enum prompt one,
			enum prompt few, enum prompt many)
{
	enum numerals_form form = numerals_form(list->language, number);

	return form == NUMERALS_ONE ? one : form == NUMERALS_FEW ? few : many;
}

void prompt_add_music(struct prompt_list *list)
{
	for (uint32_t i = 0; i < list->prompts->music_count; i++)
		prompt_add_file(list, list->prompts->music[i]);
	if (list->prompts->music_count)
		return;
	add(list, (struct media_sound){
			  .kind = MEDIA_SOUND_TONE, .hz = {425, 0}, .level_dbov = 30, .ms = 200});
	prompt_add_pause(list, 4800);
}
