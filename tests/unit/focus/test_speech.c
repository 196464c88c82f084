/* tests/unit/focus/test_speech.c -- a real thread and real processes; a script plays the voice. */
#include "focus/speech.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "focus/prompts.h"
#include "tests/support/check.h"

static char root[64], program[96];
static struct wheel *wheel;
static struct speech_done seen;
static uint32_t times;

static void on_done(void *arg, const struct speech_done *done)
{
	(void)arg;
	seen = *done;
	times++;
}

/* Writes "voice: text" into the file that -w names; fails for the text "fail". */
static void begin(void)
{
	FILE *file;

	(void)snprintf(root, sizeof(root), "/tmp/hearth-speech-XXXXXX");
	CHECK("dir", mkdtemp(root) != NULL);
	(void)snprintf(program, sizeof(program), "%s/voice", root);
	file = fopen(program, "w");
	if (CHECK("script", file != NULL)) {
		(void)fputs("#!/bin/sh\n[ \"$5\" = fail ] && exit 1\necho \"$2: $5\" > \"$4\"\n",
			    file);
		fclose(file);
	}
	CHECK_INT("executable", chmod(program, 0755), 0);
	CHECK_INT("wheel", wheel_new(0, &wheel), 0);
	times = 0;
}

static void end(void)
{
	char command[96];

	wheel_free(wheel);
	(void)snprintf(command, sizeof(command), "rm -r %s", root);
	CHECK_INT("removed", system(command), 0);
}

static struct speech_text *texts_of(const char *one, const char *two)
{
	struct speech_text *texts = calloc(2, sizeof(*texts));

	(void)snprintf(texts[0].path, sizeof(texts[0].path), "%s/made/fr/a.wav", root);
	(void)snprintf(texts[1].path, sizeof(texts[1].path), "%s/made/fr/digits/b.wav", root);
	for (int i = 0; i < 2; i++)
		(void)snprintf(texts[i].voice, sizeof(texts[i].voice), "fr");
	texts[0].text = one;
	texts[1].text = two;
	return texts;
}

/* Time of the wheel goes on until it has been told; the thread takes as long as it takes. */
static void wait_done(uint32_t until)
{
	uint64_t now_ms = wheel_now_ms(wheel);

	while (times < until) {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		now_ms += SPEECH_POLL_MS;
		(void)wheel_advance(wheel, now_ms);
	}
}

static bool holds(const char *name, const char *want)
{
	char path[192], line[64] = "";
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/made/fr/%s", root, name);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	return strcmp(line, want) == 0;
}

static void reads_into_files(void)
{
	struct speech *speech;

	begin();
	CHECK_INT("new", speech_new(wheel, program, on_done, NULL, &speech), 0);
	CHECK_INT("read", speech_read(speech, texts_of("bonjour \"x\" $y", "fail"), 2), 0);
	CHECK("busy", speech_is_busy(speech));
	CHECK_INT("one at a time", speech_read(speech, NULL, 0), ERR_STATE);
	wait_done(1);
	CHECK_INT("made", seen.made, 1);
	CHECK_INT("failed", seen.failed, 1);
	CHECK("there", holds("a.wav", "fr: bonjour \"x\" $y\n"));
	CHECK("nothing half-made", !holds("digits/b.wav", "") && !holds("digits/b.wav.part", ""));
	CHECK_INT("again", speech_read(speech, texts_of("un", "deux"), 2), 0);
	wait_done(2);
	CHECK_INT("made", seen.made, 2);
	CHECK("there", holds("digits/b.wav", "fr: deux\n"));
	CHECK_INT("and end while it reads", speech_read(speech, texts_of("un", "deux"), 2), 0);
	speech_free(speech);
	end();
}

static void without_a_voice(void)
{
	struct speech *speech;

	begin();
	CHECK_INT("new", speech_new(wheel, "/nowhere/voice", on_done, NULL, &speech), 0);
	CHECK_INT("read", speech_read(speech, texts_of("un", "deux"), 2), 0);
	wait_done(1);
	CHECK("missing", seen.is_missing && seen.made == 0);
	speech_free(speech);
	end();
}

static struct speech_text *wanted;
static uint32_t wanted_count, asked;

static void on_wanted(void *arg)
{
	(void)arg;
	asked++;
}

/* What a language lacks is asked for when somebody is talked to in it, once, and then found. */
static void prompts_ask_for_what_they_lack(void)
{
	struct prompts *prompts;
	struct prompt_list list;
	struct speech *speech;
	char cache[96];

	begin();
	(void)snprintf(cache, sizeof(cache), "%s/cache", root);
	asked = 0;
	CHECK_INT("new",
		  prompts_new(&(struct prompts_params){.path = "/nowhere",
						       .languages = "en,fr,de",
						       .music = "",
						       .cache = cache,
						       .on_wanted = on_wanted},
			      &prompts),
		  0);
	CHECK_INT("nobody spoke", prompts_texts(prompts, &wanted, &wanted_count), 0);
	CHECK("nothing", wanted == NULL && asked == 0);
	prompt_begin(&list, prompts, "fr");
	prompt_begin(&list, prompts, "fr");
	prompt_add(&list, PROMPT_ASK_PIN);
	CHECK("a tone first", list.sounds[0].kind == MEDIA_SOUND_TONE);
	CHECK_INT("asked once", asked, 1);
	prompt_begin(&list, prompts, "de");
	CHECK_INT("no texts for it", asked, 1);
	CHECK_INT("texts", prompts_texts(prompts, &wanted, &wanted_count), 0);
	CHECK("many", wanted_count > 60);
	CHECK_INT("speech", speech_new(wheel, program, on_done, NULL, &speech), 0);
	CHECK_INT("read", speech_read(speech, wanted, wanted_count), 0);
	wait_done(1);
	CHECK_INT("all made", seen.made, wanted_count);
	prompts_look_again(prompts);
	prompt_begin(&list, prompts, "fr");
	prompt_add(&list, PROMPT_ASK_PIN);
	prompt_add_number(&list, 71, NUMERALS_NO_NOUN);
	prompt_add_keys(&list, SLICE("*6#"));
	CHECK_INT("spoken", list.count, 1 + 3 + 3);
	for (uint32_t i = 0; i < list.count; i++)
		CHECK(list.sounds[i].path, list.sounds[i].kind == MEDIA_SOUND_FILE &&
						   strstr(list.sounds[i].path, "/cache/fr/"));
	CHECK_INT("no more", prompts_texts(prompts, &wanted, &wanted_count), 0);
	CHECK("nothing", wanted == NULL);
	speech_free(speech);
	prompts_free(prompts);
	end();
}

void suite_speech(void)
{
	CHECK_SUITE("speech");
	CHECK_TEST(reads_into_files);
	CHECK_TEST(without_a_voice);
	CHECK_TEST(prompts_ask_for_what_they_lack);
}
