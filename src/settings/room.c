/* settings/room.c -- the table, and access to one setting by its row. */
#include "settings/room.h"

#include <assert.h>
#include <string.h>

#include "base/attr.h"

#define HAS_FLAG(member)
#define HAS_WORD(member)
#define HAS_COUNT(member)
#define HAS_SECONDS(member)
#define HAS_LEVEL(member)
#define HAS_AMOUNT(member) .has_at = offsetof(struct room_settings, has_##member),
#define HAS_TIME(member)
#define HAS_CODECS(member)
#define HAS_LANGUAGE(member)
#define HAS_USER(member)
#define HAS_PIN(member)

static const struct room_setting table[] = {
#define SETTING(type_, member, name_, min_, max_, words_, help, shown)                             \
	{.name = (name_),                                                                          \
	 .type = SETTING_##type_,                                                                  \
	 .at = offsetof(struct room_settings, member),                                             \
	 .size = sizeof(((struct room_settings *)0)->member),                                      \
	 HAS_##type_(member).min = (min_),                                                         \
	 .max = (max_),                                                                            \
	 .words = (words_)},
#include "settings/room.inc"
};

const struct room_setting *room_setting_at(size_t index)
{
	return index < ARRAY_LEN(table) ? &table[index] : NULL;
}

static const void *place(const struct room_settings *settings, size_t at)
{
	return (const char *)settings + at;
}

int64_t room_setting_none(const struct room_setting *setting)
{
	return setting->type == SETTING_AMOUNT ? -1 : 0;
}

int64_t room_setting_number(const struct room_settings *settings,
			    const struct room_setting *setting)
{
	const void *at = place(settings, setting->at);

	switch (setting->type) {
	case SETTING_FLAG:
		return *(const bool *)at;
	case SETTING_WORD:
		return *(const uint8_t *)at;
	case SETTING_COUNT:
	case SETTING_SECONDS:
		return *(const uint32_t *)at;
	case SETTING_LEVEL:
		return *(const int8_t *)at;
	case SETTING_AMOUNT:
		return *(const bool *)place(settings, setting->has_at) ? *(const uint8_t *)at : -1;
	case SETTING_TIME:
		return (int64_t) * (const uint64_t *)at;
	default:
		assert(!"a text");
		return 0;
	}
}

void room_setting_set_number(struct room_settings *settings, const struct room_setting *setting,
			     int64_t number)
{
	void *at = (char *)settings + setting->at;

	switch (setting->type) {
	case SETTING_FLAG:
		*(bool *)at = number != 0;
		break;
	case SETTING_WORD:
		*(uint8_t *)at = (uint8_t)number;
		break;
	case SETTING_COUNT:
	case SETTING_SECONDS:
		*(uint32_t *)at = (uint32_t)number;
		break;
	case SETTING_LEVEL:
		*(int8_t *)at = (int8_t)number;
		break;
	case SETTING_AMOUNT:
		*(bool *)((char *)settings + setting->has_at) = number >= 0;
		*(uint8_t *)at = (uint8_t)(number >= 0 ? number : 0);
		break;
	case SETTING_TIME:
		*(uint64_t *)at = (uint64_t)number;
		break;
	default:
		assert(!"a text");
	}
}

bool room_setting_is_text(const struct room_setting *setting)
{
	return setting->type == SETTING_CODECS || setting->type == SETTING_LANGUAGE ||
	       setting->type == SETTING_USER || setting->type == SETTING_PIN;
}

const char *room_setting_text(const struct room_settings *settings,
			      const struct room_setting *setting)
{
	assert(room_setting_is_text(setting));
	return place(settings, setting->at);
}

void room_setting_set_text(struct room_settings *settings, const struct room_setting *setting,
			   struct slice text)
{
	assert(room_setting_is_text(setting));
	slice_cstr(text, (char *)settings + setting->at, setting->size);
}

bool room_setting_word(const struct room_setting *setting, unsigned index, struct slice *ret_word)
{
	struct slice rest = slice_of(setting->words);
	size_t len = slice_find(rest, ',');

	assert(setting->type == SETTING_WORD);
	while (index-- && rest.len) {
		rest = slice_from(rest, MIN_OF(len + 1, rest.len));
		len = slice_find(rest, ',');
	}
	*ret_word = slice_first(rest, len);
	return rest.len > 0;
}

bool room_settings_are_same(const struct room_settings *a, const struct room_settings *b)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct room_setting *row = &table[i];
		bool is_same = room_setting_is_text(row)
				       ? !strcmp(room_setting_text(a, row),
						 room_setting_text(b, row))
				       : room_setting_number(a, row) == room_setting_number(b, row);

		if (!is_same)
			return false;
	}
	return true;
}
