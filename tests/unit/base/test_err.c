#include "base/err.h"

#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "tests/support/check.h"

static void names_and_texts(void)
{
	static const struct {
		const char *name, *text;
		int err;
	} cases[] = {
		{"OK", "success", 0},
		{"EINVAL", "Invalid argument", -EINVAL},
		{"ENOMEM", "Cannot allocate memory", -ENOMEM},
		{"LIMIT", "a named limit was reached", ERR_LIMIT},
		{"ROOM_FULL", "room is full", ERR_ROOM_FULL},
		{"UNKNOWN", "unknown error", -999},
		{"UNKNOWN", "unknown error", -99999},
		{"UNKNOWN", "unknown error", EINVAL},
		{"UNKNOWN", "unknown error", INT32_MIN},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_STR(cases[i].name, err_name(cases[i].err), cases[i].name);
		CHECK_STR(cases[i].name, err_text(cases[i].err), cases[i].text);
	}
}

static void list_is_sound(void)
{
	static const struct {
		const char *name, *text;
		int value;
	} rows[] = {
#define ERR(id, number, words) {#id, words, number},
#include "base/err.inc"
#undef ERR
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].text);

		CHECK(rows[i].name, rows[i].value <= -1000); /* clear of errno */
		CHECK(rows[i].name, len > 0 && rows[i].text[len - 1] != '.');
		CHECK_STR(rows[i].name, err_name(rows[i].value), rows[i].name);
		CHECK_STR(rows[i].name, err_text(rows[i].value), rows[i].text);
	}
}

void suite_err(void)
{
	CHECK_SUITE("err");
	CHECK_TEST(names_and_texts);
	CHECK_TEST(list_is_sound);
}
