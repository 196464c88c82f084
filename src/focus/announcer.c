/* focus/announcer.c */
#include "focus/announcer.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/attendant.h"
#include "focus/focus_priv.h"
#include "focus/menu.h"
#include "focus/speech.h"
#include "focus/text.h"

#define PROGRAM "espeak-ng"

static void read_missing(void *arg);

static void on_read(void *arg, const struct speech_done *done)
{
	struct focus *focus = arg;

	LOG(done->made ? LOG_INFO : LOG_WARN, "prompts.made", LOG_INT("count", done->made),
	    LOG_INT("failed", done->failed), LOG_STR("path", focus->config->prompts_cache),
	    done->is_missing ? LOG_STR("hint", "install " PROGRAM) : LOG_END);
	prompts_look_again(focus->prompts);
	read_missing(focus);
}

static void read_missing(void *arg)
{
	struct focus *focus = arg;
	struct speech_text *texts;
	uint32_t count;
	int err = 0;

	if (!focus->prompts || (focus->speech && speech_is_busy(focus->speech)))
		return;
	if (!focus->speech)
		err = speech_new(focus->wheel, PROGRAM, on_read, focus, &focus->speech);
	if (!err)
		err = prompts_texts(focus->prompts, &texts, &count);
	if (!err && texts) {
		err = speech_read(focus->speech, texts, count);
		if (err)
			free(texts);
	}
	if (err)
		LOG(LOG_ERROR, "prompts.not_made", LOG_STR("error", err_text(err)));
}

static void check_greeting(const struct focus *focus, const struct attendant_number *number)
{
	struct sounds *sounds = NULL;
	int err = sounds_new(focus->prompts, number->language, &sounds);

	if (!err)
		err = sounds_add(sounds, focus, slice_of(number->greeting));
	if (err)
		LOG(LOG_ERROR, "config.item_ignored", LOG_STR("key", "dialin.numbers"),
		    LOG_STR("item", number->greeting), LOG_STR("error", err_text(err)));
	sounds_free(sounds);
}

/* The languages that numbers speak, so that the first caller hears them already. */
static void want_numbers(struct focus *focus)
{
	struct slice list = slice_of(focus->config->dialin_numbers), item;
	struct attendant_number number;

	while (text_list_next(&list, &item)) {
		if (!attendant_number_find(focus->config->dialin_numbers, attendant_number_of(item),
					   &number))
			continue;
		prompts_want(focus->prompts, number.language);
		if (number.greeting[0])
			check_greeting(focus, &number);
	}
}

static void check_menu(const char *key, const char *table)
{
	struct slice item;

	if (menu_check(slice_of(table), &item))
		LOG(LOG_ERROR, "config.item_ignored", LOG_STR("key", key), LOG_SLICE("item", item));
}

int announcer_load(struct focus *focus)
{
	const struct config *config = focus->config;
	struct prompts *prompts;
	int err = prompts_new(
		&(struct prompts_params){
			.path = config->prompts_path,
			.languages = config->prompts_languages,
			.music = config->prompts_music,
			.cache = config->prompts_cache,
			.on_wanted = read_missing,
			.arg = focus,
		},
		&prompts);

	if (err)
		return err;
	prompts_free(focus->prompts);
	focus->prompts = prompts;
	check_menu("dialin.menu", config->dialin_menu);
	check_menu("dialin.moderator_menu", config->dialin_moderator_menu);
	if (prompts_missing(prompts) && config->dialin_numbers[0] && !config->prompts_cache[0])
		LOG(LOG_WARN, "prompts.missing", LOG_INT("count", prompts_missing(prompts)),
		    LOG_STR("path", config->prompts_path),
		    LOG_STR("hint", "callers hear tones: install asterisk-core-sounds-en-wav, or "
				    "set prompts.cache"));
	want_numbers(focus);
	return 0;
}

void announcer_free(struct focus *focus)
{
	focus->speech = speech_free(focus->speech);
	focus->prompts = prompts_free(focus->prompts);
}
