/* focus/seat_settings.c */
#include "focus/seat_settings.h"

#include <errno.h>

#include "focus/codecs.h"
#include "focus/pin.h"
#include "focus/room_priv.h"
#include "focus/schedule.h"
#include "focus/text.h"
#include "sip/uri.h"
#include "store/store.h"

static bool goes_along(const struct room_setting *setting)
{
	static const char *const left_out[] = {"opens_at", "max_duration_s", "owner"};

	for (size_t i = 0; i < ARRAY_LEN(left_out); i++)
		if (slice_is(slice_of(setting->name), left_out[i]))
			return false;
	return true;
}

static void write_text(const struct room_setting *setting, const char *text, struct buf *out)
{
	if (!text[0])
		return;
	buf_addf(out, " %s=", setting->name);
	sip_escape(out, slice_of(text), "");
}

static void write_word(const struct room_setting *setting, int64_t number, struct buf *out)
{
	struct slice word;

	if (room_setting_word(setting, (unsigned)number, &word))
		buf_addf(out, " %s=" SLICE_FMT, setting->name, SLICE_ARG(word));
}

static void write_number(const struct room_setting *setting, int64_t number, struct buf *out)
{
	if (number == room_setting_none(setting))
		return;
	if (setting->type == SETTING_FLAG)
		buf_addf(out, " %s", setting->name);
	else if (setting->type == SETTING_WORD)
		write_word(setting, number, out);
	else
		buf_addf(out, " %s=%lld", setting->name, (long long)number);
}

void seat_settings_write(const struct room *room, struct buf *out)
{
	struct room_settings settings = room->settings;
	const struct room_setting *setting;

	settings.closes_wall_ms = schedule_ends_wall_ms(room);
	for (size_t i = 0; (setting = room_setting_at(i)); i++) {
		if (!goes_along(setting))
			continue;
		if (room_setting_is_text(setting))
			write_text(setting, room_setting_text(&settings, setting), out);
		else
			write_number(setting, room_setting_number(&settings, setting), out);
	}
}

/* Reading --------------------------------------------------------------------------------------
 */

static int read_text(const struct room_setting *setting, struct slice escaped,
		     struct room_settings *settings)
{
	char text[STORE_URI_MAX + 1], codecs[CODECS_LIST_MAX + 1];
	struct slice value, bad;
	size_t len;
	int err = sip_unescape(escaped, text, sizeof(text), &len);

	if (err)
		return err;
	value = slice_make(text, len);
	if (setting->type == SETTING_PIN && !pin_hash_is_sound(value))
		return -EINVAL;
	if (setting->type == SETTING_CODECS) {
		err = codecs_list_read(value, codecs, &bad);
		value = slice_of(codecs);
	}
	if (!err)
		room_setting_set_text(settings, setting, value);
	return err;
}

static int read_word(const struct room_setting *setting, struct slice name,
		     struct room_settings *settings)
{
	struct slice word;

	for (unsigned i = 0; room_setting_word(setting, i, &word); i++)
		if (slice_eq(name, word)) {
			room_setting_set_number(settings, setting, i);
			return 0;
		}
	return 0; /* of a newer Hearth */
}

static int read_number(const struct room_setting *setting, struct slice text,
		       struct room_settings *settings)
{
	bool is_negative = text.len && text.p[0] == '-';
	uint64_t magnitude;
	int64_t number;
	int err = slice_u64(slice_from(text, is_negative), INT64_MAX, &magnitude);

	if (err)
		return err;
	number = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
	if (setting->max > setting->min && (number < setting->min || number > setting->max))
		return -ERANGE;
	room_setting_set_number(settings, setting, number);
	return 0;
}

int seat_settings_read(struct slice word, struct room_settings *settings)
{
	size_t equals = slice_find(word, '=');
	struct slice name = slice_first(word, equals), value = slice_from(word, equals + 1);
	const struct room_setting *setting;

	for (size_t i = 0; (setting = room_setting_at(i)); i++)
		if (slice_is(name, setting->name))
			break;
	if (!setting || !goes_along(setting))
		return 0;
	if (setting->type == SETTING_FLAG) {
		room_setting_set_number(settings, setting, true);
		return 0;
	}
	if (equals == word.len)
		return -EINVAL;
	if (setting->type == SETTING_WORD)
		return read_word(setting, value, settings);
	return room_setting_is_text(setting) ? read_text(setting, value, settings)
					     : read_number(setting, value, settings);
}
