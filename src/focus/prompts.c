/* focus/prompts.c */
#include "focus/prompts.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/text.h"

enum {
	NAMES_MAX = 2,           /* recordings of one prompt, one after the other */
	TENS = 10,               /* 0, 10, 20 ... 90 */
	NUMBERS = 20 + TENS + 1, /* 0 to 19, the tens, and "hundred" */
	HUNDRED = 30,
	MUSIC_MAX = 16
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
	[PROMPT_BEGINS] = {{"confbridge-conf-begin"}, TONE(660, 880, 300)},
	[PROMPT_LEADER_LEFT] = {{"conf-leaderhasleft"}, TONE(440, 0, 600)},
	[PROMPT_THERE_ARE] = {{"conf-thereare"}, TONE(660, 0, 100)},
	[PROMPT_OTHERS] = {{"conf-otherinparty"}, TONE(660, 0, 100)},
	[PROMPT_ENDS_IN] = {{"hearth-ends-in"}, TONE(880, 0, 150)},
	[PROMPT_MINUTE] = {{"minute"}, TONE(880, 0, 150)},
	[PROMPT_MINUTES] = {{"minutes"}, TONE(880, 0, 150)},
	[PROMPT_ENDS] = {{"confbridge-conf-end"}, TONE(440, 0, 800)},
	[PROMPT_MUTED] = {{"conf-now-muted", "conf-muted"}, TONE(330, 0, 150)},
	[PROMPT_UNMUTED] = {{"conf-now-unmuted", "conf-unmuted"}, TONE(660, 0, 150)},
	[PROMPT_ROOM_LOCKED_NOW] = {{"conf-lockednow"}, TONE(330, 0, 150)},
	[PROMPT_ROOM_UNLOCKED_NOW] = {{"conf-unlockednow"}, TONE(660, 0, 150)},
	[PROMPT_ALL_MUTED] = {{"conf-now-muted", "conf-muted"}, TONE(330, 0, 150)},
	[PROMPT_ALL_UNMUTED] = {{"conf-now-unmuted", "conf-unmuted"}, TONE(660, 0, 150)},
	[PROMPT_RECORDING] = {{"conf-now-recording"}, TONE(1400, 0, 400)},
	[PROMPT_KICKED] = {{"conf-kicked"}, TONE(200, 0, 800)},
	[PROMPT_HELP_GUEST] = {{"conf-usermenu-162", "conf-usermenu"}, TONE(880, 0, 200)},
	[PROMPT_HELP_MODERATOR] = {{"conf-adminmenu-162", "conf-adminmenu"}, TONE(880, 0, 200)},
	[PROMPT_GOODBYE] = {{"vm-goodbye"}, TONE(440, 0, 600)},
	[PROMPT_TONE_ENTRY] = {{NULL}, TONE(660, 880, 160)},
	[PROMPT_TONE_EXIT] = {{NULL}, TONE(440, 330, 160)},
	[PROMPT_TONE_KNOCK] = {{NULL}, TONE(880, 1100, 250)},
	[PROMPT_TONE_ERROR] = {{NULL}, TONE(250, 0, 250)},
	[PROMPT_TONE_RECORD] = {{NULL}, TONE(1400, 0, 250)},
#undef TONE
};

struct language {
	char name[PROMPTS_NAME_MAX + 1];
	char *prompts[PROMPT_COUNT]; /* paths; NULL: none */
	char *numbers[NUMBERS];
};

struct prompts {
	struct language languages[PROMPTS_LANGUAGES_MAX];
	uint32_t count;
	char *music[MUSIC_MAX];
	uint32_t music_count;
};

/* Finding files ------------------------------------------------------------------------------ */

static const char *const suffixes[] = {".wav", ".ogg", ".opus", ".flac"};

static char *find_in(struct slice dir, const char *language, const char *name)
{
	char path[MEDIA_PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		int len = snprintf(path, sizeof(path), SLICE_FMT "/%s/%s%s", SLICE_ARG(dir),
				   language, name, suffixes[i]);

		if (len < (int)sizeof(path) && access(path, R_OK) == 0)
			return strdup(path);
	}
	return NULL;
}

static char *find(const char *dirs, const char *language, const char *name)
{
	struct slice rest = slice_of(dirs);

	while (rest.len) {
		size_t colon = slice_find(rest, ':');
		char *path = find_in(slice_first(rest, colon), language, name);

		if (path)
			return path;
		rest = slice_from(rest, MIN_OF(colon + 1, rest.len));
	}
	return NULL;
}

static void language_load(struct language *language, const char *dirs)
{
	char name[32];

	for (int id = 0; id < PROMPT_COUNT; id++)
		for (int k = 0; k < NAMES_MAX && !language->prompts[id]; k++)
			if (rows[id].names[k])
				language->prompts[id] = find(dirs, language->name,
							     rows[id].names[k]);
	for (int i = 0; i < NUMBERS; i++) {
		if (i == HUNDRED)
			(void)snprintf(name, sizeof(name), "digits/hundred");
		else
			(void)snprintf(name, sizeof(name), "digits/%d", i < 20 ? i : (i - 20) * 10);
		language->numbers[i] = find(dirs, language->name, name);
	}
}

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
		const char *dot = strrchr(entry->d_name, '.');

		for (size_t i = 0; dot && i < ARRAY_LEN(suffixes); i++)
			if (strcmp(dot, suffixes[i]) == 0 &&
			    snprintf(file, sizeof(file), "%s/%s", path, entry->d_name) <
				    (int)sizeof(file))
				music_add(prompts, file);
	}
	closedir(dir);
	qsort(prompts->music, prompts->music_count, sizeof(prompts->music[0]), by_name);
}

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
		language_load(language, params->path);
		prompts->count++;
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
		for (int k = 0; k < NUMBERS; k++)
			free(prompts->languages[i].numbers[k]);
	}
	for (uint32_t i = 0; i < prompts->music_count; i++)
		free(prompts->music[i]);
	free(prompts);
	return NULL;
}

uint32_t prompts_missing(const struct prompts *prompts)
{
	uint32_t missing = 0;

	for (int id = 0; id < PROMPT_COUNT; id++)
		missing += rows[id].names[0] && !prompts->languages[0].prompts[id];
	return missing;
}

/* Lists -------------------------------------------------------------------------------------- */

void prompt_begin(struct prompt_list *list, const struct prompts *prompts, const char *language)
{
	list->prompts = prompts;
	list->language = language;
	list->count = 0;
}

static const struct language *language_find(const struct prompt_list *list)
{
	for (uint32_t i = 0; i < list->prompts->count; i++)
		if (strcmp(list->prompts->languages[i].name, list->language) == 0)
			return &list->prompts->languages[i];
	return &list->prompts->languages[0];
}

static void add(struct prompt_list *list, struct media_sound sound)
{
	if (list->count < MEDIA_SOUNDS_MAX)
		list->sounds[list->count++] = sound;
}

static void add_file(struct prompt_list *list, const char *path)
{
	add(list, (struct media_sound){.kind = MEDIA_SOUND_FILE, .path = path});
}

void prompt_add(struct prompt_list *list, enum prompt prompt)
{
	const char *path = language_find(list)->prompts[prompt];

	if (!path)
		path = list->prompts->languages[0].prompts[prompt];
	if (path)
		add_file(list, path);
	else
		add(list, rows[prompt].tone);
}

void prompt_add_pause(struct prompt_list *list, uint32_t ms)
{
	add(list, (struct media_sound){.kind = MEDIA_SOUND_PAUSE, .ms = ms});
}

static bool add_spoken(struct prompt_list *list, uint32_t at)
{
	const char *path = language_find(list)->numbers[at];

	if (!path)
		path = list->prompts->languages[0].numbers[at];
	if (path)
		add_file(list, path);
	return path != NULL;
}

void prompt_add_digits(struct prompt_list *list, struct slice digits)
{
	for (size_t i = 0; i < digits.len; i++)
		if (digits.p[i] >= '0' && digits.p[i] <= '9')
			(void)add_spoken(list, (uint32_t)(digits.p[i] - '0'));
}

/* Tens and units in this order, with the teens as words of their own: as English, Spanish, French
 * and Italian count, and near enough to be understood elsewhere. A language without a recording of
 * seventy (French of France) says sixty and ten. */
static void add_below_hundred(struct prompt_list *list, uint32_t number)
{
	uint32_t tens = number / 10;

	if (number < 20) {
		(void)add_spoken(list, number);
		return;
	}
	if (!language_find(list)->numbers[20 + tens] && tens % 2 == 1 && tens >= 7) {
		(void)add_spoken(list, 20 + tens - 1);
		(void)add_spoken(list, number - (tens - 1) * 10);
		return;
	}
	(void)add_spoken(list, 20 + tens);
	if (number % 10)
		(void)add_spoken(list, number % 10);
}

void prompt_add_number(struct prompt_list *list, uint32_t number)
{
	if (number >= 1000)
		number = 999;
	if (number >= 100) {
		(void)add_spoken(list, number / 100);
		(void)add_spoken(list, HUNDRED);
		number %= 100;
		if (number == 0)
			return;
	}
	add_below_hundred(list, number);
}

void prompt_add_music(struct prompt_list *list)
{
	for (uint32_t i = 0; i < list->prompts->music_count; i++)
		add_file(list, list->prompts->music[i]);
	if (list->prompts->music_count)
		return;
	add(list, (struct media_sound){
			  .kind = MEDIA_SOUND_TONE, .hz = {425, 0}, .level_dbov = 30, .ms = 200});
	prompt_add_pause(list, 4800);
}
