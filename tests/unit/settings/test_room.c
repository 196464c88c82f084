#include <string.h>

#include "settings/room.h"
#include "tests/support/check.h"

/* A value that is another one than `number`, of any type. */
static int64_t other_than(const struct room_setting *setting, int64_t number)
{
	if (setting->type == SETTING_FLAG)
		return !number;
	return setting->type == SETTING_LEVEL ? -30 : 2;
}

static void a_zeroed_room_has_nothing_set(void)
{
	struct room_settings settings = {0};
	const struct room_setting *setting;

	for (size_t i = 0; (setting = room_setting_at(i)) != NULL; i++) {
		if (room_setting_is_text(setting))
			CHECK_STR(setting->name, room_setting_text(&settings, setting), "");
		else
			CHECK_INT(setting->name, room_setting_number(&settings, setting),
				  room_setting_none(setting));
	}
}

static void each_is_read_as_it_was_set_and_tells_rooms_apart(void)
{
	struct room_settings plain = {0};
	const struct room_setting *setting;

	for (size_t i = 0; (setting = room_setting_at(i)) != NULL; i++) {
		struct room_settings changed = plain;

		if (room_setting_is_text(setting)) {
			room_setting_set_text(&changed, setting, SLICE("fr"));
			CHECK_STR(setting->name, room_setting_text(&changed, setting), "fr");
		} else {
			int64_t number = other_than(setting, 0);

			room_setting_set_number(&changed, setting, number);
			CHECK_INT(setting->name, room_setting_number(&changed, setting), number);
		}
		CHECK(setting->name, !room_settings_are_same(&plain, &changed));
		CHECK(setting->name, room_settings_are_same(&changed, &changed));
		if (room_setting_is_text(setting))
			room_setting_set_text(&changed, setting, SLICE(""));
		else
			room_setting_set_number(&changed, setting, room_setting_none(setting));
		CHECK(setting->name, room_settings_are_same(&plain, &changed));
	}
}

/* Every octet of the struct belongs to a row, or lies between two: nothing can be set that the
 * table does not know. */
static void the_table_is_the_struct(void)
{
	const struct room_setting *setting;
	size_t end = 0;

	for (size_t i = 0; (setting = room_setting_at(i)) != NULL; i++) {
		CHECK(setting->name, setting->at >= end && setting->at - end < sizeof(uint64_t));
		end = setting->at + setting->size;
	}
	CHECK("to its end", sizeof(struct room_settings) - end < sizeof(uint64_t));
}

static void names_are_different(void)
{
	const struct room_setting *a, *b;

	for (size_t i = 0; (a = room_setting_at(i)) != NULL; i++)
		for (size_t k = 0; k < i && (b = room_setting_at(k)) != NULL; k++)
			CHECK(a->name, strcmp(a->name, b->name) != 0);
}

static void words_are_numbered(void)
{
	static const char *const words[] = {[ROOM_RECORD_OFF] = "off",
					    [ROOM_RECORD_MIX] = "mix",
					    [ROOM_RECORD_TRACKS] = "tracks"};
	const struct room_setting *setting = NULL;
	struct slice word;

	for (size_t i = 0; (setting = room_setting_at(i)) && setting->type != SETTING_WORD; i++)
		;
	if (!CHECK("record", setting != NULL))
		return;
	for (unsigned i = 0; i < 3; i++) {
		CHECK(words[i], room_setting_word(setting, i, &word));
		CHECK(words[i], slice_is(word, words[i]));
	}
	CHECK("no fourth", !room_setting_word(setting, 3, &word));
	CHECK("none far behind", !room_setting_word(setting, 99, &word));
}

static void zero_is_an_amount(void)
{
	struct room_settings settings = {.has_loudest = true};
	const struct room_setting *setting;

	for (size_t i = 0; (setting = room_setting_at(i)) && setting->type != SETTING_AMOUNT; i++)
		;
	if (!CHECK("loudest", setting != NULL))
		return;
	CHECK_INT("zero", room_setting_number(&settings, setting), 0);
	room_setting_set_number(&settings, setting, -1);
	CHECK("not set", !settings.has_loudest);
}

static void a_text_that_is_too_long_is_cut(void)
{
	struct room_settings settings = {0};
	const struct room_setting *setting;
	char text[256];

	memset(text, 'x', sizeof(text));
	for (size_t i = 0; (setting = room_setting_at(i)) != NULL; i++) {
		if (!room_setting_is_text(setting))
			continue;
		room_setting_set_text(&settings, setting, slice_make(text, sizeof(text)));
		CHECK_INT(setting->name, strlen(room_setting_text(&settings, setting)),
			  setting->size - 1);
	}
}

void suite_room(void)
{
	CHECK_SUITE("room");
	CHECK_TEST(a_zeroed_room_has_nothing_set);
	CHECK_TEST(each_is_read_as_it_was_set_and_tells_rooms_apart);
	CHECK_TEST(the_table_is_the_struct);
	CHECK_TEST(names_are_different);
	CHECK_TEST(words_are_numbered);
	CHECK_TEST(zero_is_an_amount);
	CHECK_TEST(a_text_that_is_too_long_is_cut);
}
