/* tests/unit/focus/test_prompts.c */
#include "focus/prompts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"

static char root[64], dirs[256], line[2048];

static void touch(const char *path)
{
	char full[256], *slash;
	FILE *file;

	(void)snprintf(full, sizeof(full), "%s/%s", root, path);
	for (slash = full + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		(void)mkdir(full, 0755);
		*slash = '/';
	}
	file = fopen(full, "w");
	if (file)
		fclose(file);
}

static struct prompts *make(void)
{
	static const char *const files[] = {
		"own/en/conf-getpin.ogg",
		"sys/en/conf-getpin.wav",
		"sys/en/conf-thereare.wav",
		"sys/en/vm-goodbye.wav",
		"sys/en/digits/0.wav",
		"sys/en/digits/5.wav",
		"sys/en/digits/15.wav",
		"sys/en/digits/20.wav",
		"sys/en/digits/70.wav",
		"sys/en/digits/1.wav",
		"sys/en/digits/hundred.wav",
		"sys/fr/conf-getpin.wav",
		"sys/fr/digits/1.wav",
		"sys/fr/digits/60.wav",
		"sys/fr/digits/15.wav",
		"moh/b.wav",
		"moh/a.ogg",
		"moh/readme.txt",
	};
	struct prompts_params params = {.path = dirs, .languages = "en,fr"};
	struct prompts *prompts = NULL;
	char music[96];

	(void)snprintf(root, sizeof(root), "/tmp/hearth-prompts-XXXXXX");
	CHECK("dir", mkdtemp(root) != NULL);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		touch(files[i]);
	(void)snprintf(dirs, sizeof(dirs), "%s/own:%s/nowhere:%s/sys", root, root, root);
	(void)snprintf(music, sizeof(music), "%s/moh", root);
	params.music = music;
	CHECK_INT("new", prompts_new(&params, &prompts), 0);
	return prompts;
}

static void remove_all(void)
{
	char command[96];

	(void)snprintf(command, sizeof(command), "rm -r %s", root);
	CHECK_INT("removed", system(command), 0);
}

/* The list as text: paths below the root, tones as "~", pauses as "_". */
static const char *text(const struct prompt_list *list)
{
	size_t at = 0;

	line[0] = '\0';
	for (uint32_t i = 0; i < list->count; i++) {
		const struct media_sound *sound = &list->sounds[i];
		const char *what = sound->kind == MEDIA_SOUND_FILE ? sound->path + strlen(root) + 1
				   : sound->kind == MEDIA_SOUND_TONE ? "~"
								     : "_";

		at += (size_t)snprintf(line + at, sizeof(line) - at, "%s%s", i ? " " : "", what);
	}
	return line;
}

static void files_are_found_in_order(void)
{
	struct prompts *prompts = make();
	struct prompt_list list;

	prompt_begin(&list, prompts, "en");
	prompt_add(&list, PROMPT_ASK_PIN);
	prompt_add(&list, PROMPT_THERE_ARE);
	CHECK_STR("own over the system's", text(&list),
		  "own/en/conf-getpin.ogg sys/en/conf-thereare.wav");
	prompt_begin(&list, prompts, "fr");
	prompt_add(&list, PROMPT_ASK_PIN);
	prompt_add(&list, PROMPT_GOODBYE);
	prompt_add(&list, PROMPT_LOCKED);
	prompt_add(&list, PROMPT_TONE_KNOCK);
	CHECK_STR("its own, the default's, a tone", text(&list),
		  "sys/fr/conf-getpin.wav sys/en/vm-goodbye.wav ~ ~");
	prompt_begin(&list, prompts, "xx");
	prompt_add(&list, PROMPT_GOODBYE);
	prompt_add_music(&list);
	CHECK_STR("unknown language; music in order", text(&list),
		  "sys/en/vm-goodbye.wav moh/a.ogg moh/b.wav");
	CHECK("most are missing", prompts_missing(prompts) > 10);
	prompts_free(prompts);
	remove_all();
}

/* Debian's English recordings have no folder "en". */
static void a_folder_of_a_country_will_do(void)
{
	struct prompts_params params = {.languages = "en,es", .music = ""};
	struct prompts *prompts = NULL;
	struct prompt_list list;

	prompts_free(make());
	touch("land/en_US_f_Allison/vm-goodbye.wav");
	touch("land/en_GB/vm-goodbye.wav");
	touch("land/es/vm-goodbye.wav");
	touch("land/es_MX/vm-goodbye.wav");
	(void)snprintf(dirs, sizeof(dirs), "%s/land", root);
	params.path = dirs;
	CHECK_INT("new", prompts_new(&params, &prompts), 0);
	prompt_begin(&list, prompts, "en");
	prompt_add(&list, PROMPT_GOODBYE);
	CHECK_STR("the first of them", text(&list), "land/en_GB/vm-goodbye.wav");
	prompt_begin(&list, prompts, "es");
	prompt_add(&list, PROMPT_GOODBYE);
	CHECK_STR("its own before", text(&list), "land/es/vm-goodbye.wav");
	prompts_free(prompts);
	remove_all();
}

static void numbers_are_spoken(void)
{
	static const struct {
		const char *language;
		uint32_t number;
		const char *text;
	} rows[] = {
		{"en", 0, "sys/en/digits/0.wav"},
		{"en", 15, "sys/en/digits/15.wav"},
		{"en", 20, "sys/en/digits/20.wav"},
		{"en", 75, "sys/en/digits/70.wav sys/en/digits/5.wav"},
		{"fr", 75, "sys/fr/digits/60.wav sys/fr/digits/15.wav"},
		{"en", 100, "sys/en/digits/1.wav sys/en/digits/hundred.wav"},
		{"en", 571,
		 "sys/en/digits/5.wav sys/en/digits/hundred.wav sys/en/digits/70.wav "
		 "sys/en/digits/1.wav"},
	};
	struct prompts *prompts = make();
	struct prompt_list list;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		prompt_begin(&list, prompts, rows[i].language);
		prompt_add_number(&list, rows[i].number, NUMERALS_NO_NOUN);
		CHECK_STR(rows[i].text, text(&list), rows[i].text);
	}
	prompt_begin(&list, prompts, "fr");
	prompt_add_number(&list, 1, NUMERALS_MINUTES);
	CHECK_STR("its other form, where nobody has said \"une\"", text(&list),
		  "sys/fr/digits/1.wav");
	prompt_begin(&list, prompts, "en");
	prompt_add_digits(&list, SLICE("5-01"));
	CHECK_STR("digit by digit", text(&list),
		  "sys/en/digits/5.wav sys/en/digits/0.wav sys/en/digits/1.wav");
	prompts_free(prompts);
	remove_all();
}

static void nothing_installed_is_tones(void)
{
	struct prompts_params params = {.path = "/nowhere", .languages = "en", .music = ""};
	struct prompts *prompts = NULL;
	struct prompt_list list;

	CHECK_INT("new", prompts_new(&params, &prompts), 0);
	prompt_begin(&list, prompts, "en");
	prompt_add(&list, PROMPT_ASK_ROOM);
	prompt_add_music(&list);
	CHECK_STR("never silence", text(&list), "~ ~ _");
	for (int i = 0; i < 2 * MEDIA_SOUNDS_MAX; i++)
		prompt_add(&list, PROMPT_ASK_ROOM);
	CHECK_INT("bounded", list.count, MEDIA_SOUNDS_MAX);
	prompts_free(prompts);
	params.languages = "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q";
	CHECK_INT("languages", prompts_new(&params, &prompts), ERR_LIMIT);
}

void suite_prompts(void)
{
	CHECK_SUITE("prompts");
	CHECK_TEST(files_are_found_in_order);
	CHECK_TEST(a_folder_of_a_country_will_do);
	CHECK_TEST(numbers_are_spoken);
	CHECK_TEST(nothing_installed_is_tones);
}
