/* http/room_settings.c */
#include "http/room_settings.h"

#include <string.h>

#include "focus/codecs.h"
#include "focus/focus.h"
#include "focus/text.h"
#include "http/server.h"

enum { PINS_DIGITS = 6, PINS_MODERATOR_DIGITS = 8 };

static int read_word(struct request *request, const struct room_setting *setting,
		     struct room_settings *settings, struct slice name)
{
	struct slice word;

	for (unsigned i = 0; room_setting_word(setting, i, &word); i++) {
		if (!slice_eq(word, name))
			continue;
		room_setting_set_number(settings, setting, i);
		return 0;
	}
	return request_fail_field(request, setting->name, "one of %s", setting->words);
}

static int read_language(struct request *request, const struct room_setting *setting,
			 struct room_settings *settings, struct slice language)
{
	if (!focus_has_language(request_http(request)->focus, language))
		return request_fail_field(request, setting->name, "one of prompts.languages");
	room_setting_set_text(settings, setting, language);
	return 0;
}

/* A name, not yet a user: the user may be made later. */
static int read_user(struct request *request, const struct room_setting *setting,
		     struct room_settings *settings, struct slice name)
{
	char plain[ROOM_OWNER_MAX + 1];

	if (!name.len || !slice_is(name, text_utf8(name, plain, sizeof(plain))))
		return request_fail_field(request, setting->name,
					  "1 to %lld octets without control characters",
					  (long long)setting->max);
	room_setting_set_text(settings, setting, name);
	return 0;
}

static int read_pin(struct request *request, const struct room_setting *setting,
		    struct room_settings *settings, struct slice pin)
{
	char hash[PIN_HASH_MAX + 1];
	int err;

	if (!pin_is_valid(pin))
		return request_fail_field(request, setting->name, "%d to %d digits", PIN_MIN,
					  PIN_MAX);
	err = focus_pin_hash(request_http(request)->focus, pin, hash);
	if (!err)
		room_setting_set_text(settings, setting, slice_of(hash));
	return err;
}

static int read_codecs(struct request *request, const struct document *document,
		       const struct room_setting *setting, struct room_settings *settings)
{
	char codecs[CODECS_LIST_MAX + 1];
	struct slice item, bad = SLICE_NONE;
	struct buf list = BUF_INIT;
	int err;

	for (size_t i = 0; document_item(document, setting->name, i, &item); i++)
		buf_addf(&list, "%s" SLICE_FMT, i ? "," : "", SLICE_ARG(item));
	err = buf_err(&list);
	if (!err && codecs_list_read(buf_slice(&list), codecs, &bad) != 0)
		err = request_fail_field(request, setting->name,
					 "\"" SLICE_FMT
					 "\" is no codec of ours, or stands there twice",
					 SLICE_ARG(bad));
	if (!err)
		room_setting_set_text(settings, setting, slice_of(codecs));
	buf_done(&list);
	return err;
}

static void take_away(const struct room_setting *setting, struct room_settings *settings)
{
	if (room_setting_is_text(setting))
		room_setting_set_text(settings, setting, SLICE(""));
	else
		room_setting_set_number(settings, setting, room_setting_none(setting));
}

/* Of the type that the schema says: it is there, and not null. */
static int read_value(struct request *request, const struct document *document,
		      const struct room_setting *setting, struct room_settings *settings)
{
	struct slice text = SLICE_NONE;
	uint64_t wall_ms = 0;
	double number = 0;
	bool flag = false;

	switch (setting->type) {
	case SETTING_FLAG:
		(void)document_bool(document, setting->name, &flag);
		room_setting_set_number(settings, setting, flag);
		break;
	case SETTING_COUNT:
	case SETTING_SECONDS:
	case SETTING_LEVEL:
	case SETTING_AMOUNT:
		(void)document_real(document, setting->name, &number);
		room_setting_set_number(settings, setting, (int64_t)number);
		break;
	case SETTING_TIME:
		(void)document_time(document, setting->name, &wall_ms);
		room_setting_set_number(settings, setting, (int64_t)wall_ms);
		break;
	case SETTING_CODECS:
		return read_codecs(request, document, setting, settings);
	case SETTING_WORD:
		(void)document_text(document, setting->name, &text);
		return read_word(request, setting, settings, text);
	case SETTING_LANGUAGE:
		(void)document_text(document, setting->name, &text);
		return read_language(request, setting, settings, text);
	case SETTING_USER:
		(void)document_text(document, setting->name, &text);
		return read_user(request, setting, settings, text);
	case SETTING_PIN:
		(void)document_text(document, setting->name, &text);
		return read_pin(request, setting, settings, text);
	}
	return 0;
}

static int read_one(struct request *request, const struct document *document,
		    const struct room_setting *setting, struct room_settings *settings)
{
	if (!document_has(document, setting->name))
		return 0;
	if (!document_is_null(document, setting->name))
		return read_value(request, document, setting, settings);
	take_away(setting, settings);
	return 0;
}

static int check_hours(struct request *request, const struct room_settings *settings)
{
	uint64_t now_ms = clock_wall_ms(focus_clock(request_http(request)->focus));

	if (settings->closes_wall_ms && settings->closes_wall_ms <= settings->opens_wall_ms)
		return request_fail_field(request, "closes_at", "later than opens_at");
	if (settings->closes_wall_ms && settings->closes_wall_ms <= now_ms)
		return request_fail_field(request, "closes_at", "that hour has passed");
	return 0;
}

/* "pins": "generate": both, in place of what they were. */
static int make_pins(struct request *request, const struct document *document,
		     struct room_settings *settings, struct plain_pins *ret_pins)
{
	struct focus *focus = request_http(request)->focus;
	struct slice how;
	int err;

	if (!document_text(document, "pins", &how))
		return 0;
	if (!slice_is(how, "generate"))
		return request_fail_field(request, "pins", "\"generate\", or leave it out");
	focus_digits(focus, PINS_DIGITS, ret_pins->pin);
	focus_digits(focus, PINS_MODERATOR_DIGITS, ret_pins->moderator_pin);
	err = focus_pin_hash(focus, slice_of(ret_pins->pin), settings->pin);
	return err ? err
		   : focus_pin_hash(focus, slice_of(ret_pins->moderator_pin),
				    settings->moderator_pin);
}

int room_settings_read(struct request *request, const struct document *document,
		       struct room_settings *settings, struct plain_pins *ret_pins)
{
	const struct room_setting *setting;
	int err = 0;

	for (size_t i = 0; !err && (setting = room_setting_at(i)) != NULL; i++)
		err = read_one(request, document, setting, settings);
	if (!err)
		err = make_pins(request, document, settings, ret_pins);
	return err ? err : check_hours(request, settings);
}
