/* tests/unit/focus/test_numerals.c */
#include "focus/numerals.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "tests/support/check.h"

static const char *const languages[] = {"en", "es", "fr", "it", "ru"};

static const char *spoken_before(const char *language, uint32_t number, enum numerals_noun noun)
{
	static char line[128];
	const char *names[NUMERALS_WORDS];
	uint32_t count = numerals_spoken(language, number, noun, names);

	line[0] = '\0';
	for (uint32_t i = 0; i < count; i++) {
		strcat(line, i ? " " : "");
		strcat(line, names[i]);
	}
	return line;
}

static const char *spoken(const char *language, uint32_t number)
{
	return spoken_before(language, number, NUMERALS_NO_NOUN);
}

static void numbers(void)
{
	static const struct {
		const char *language;
		uint32_t number;
		const char *want;
	} rows[] = {
		{"en", 0, "0"},
		{"en", 19, "19"},
		{"en", 21, "20 1"},
		{"en", 100, "1 hundred"},
		{"en", 342, "3 hundred 40 2"},
		{"en", 5000, "9 hundred 90 9"},
		{"xx", 42, "40 2"},
		{"es", 16, "16"},
		{"es", 29, "29"},
		{"es", 30, "30"},
		{"es", 31, "30 and 1"},
		{"es", 80, "80"},
		{"es", 100, "hundred"},
		{"es", 101, "100-and 1"},
		{"es", 555, "500 50 and 5"},
		{"fr", 17, "17"},
		{"fr", 21, "20 et 1"},
		{"fr", 22, "20 2"},
		{"fr", 70, "60 10"},
		{"fr", 71, "60 et 11"},
		{"fr", 80, "80"},
		{"fr", 81, "80 1"},
		{"fr", 91, "80 11"},
		{"fr", 100, "hundred"},
		{"fr", 299, "2 hundred 80 19"},
		{"it", 21, "21"},
		{"it", 22, "20 2"},
		{"it", 28, "28"},
		{"it", 98, "98"},
		{"it", 100, "hundred"},
		{"it", 248, "2 hundred 48"},
		{"ru", 21, "20 1"},
		{"ru", 100, "hundred"},
		{"ru", 543, "500 40 3"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_STR(rows[i].want, spoken(rows[i].language, rows[i].number), rows[i].want);
}

/* Whatever can be said has a name, and a voice can read it in that language. */
static void every_word_can_be_read(void)
{
	for (size_t k = 0; k < ARRAY_LEN(languages); k++) {
		for (uint32_t number = 0; number <= NUMERALS_MAX; number++) {
			const char *names[NUMERALS_WORDS];
			uint32_t count = numerals_spoken(languages[k], number,
							 (enum numerals_noun)(number % 3), names);
			bool is_read = count > 0;

			for (uint32_t i = 0; i < count; i++)
				is_read &= numerals_text(languages[k], numerals_index(names[i])) !=
					   NULL;
			if (!is_read)
				CHECK(spoken(languages[k], number), is_read);
		}
		CHECK_STR(languages[k], numerals_name(numerals_index("star")), "star");
		CHECK(languages[k], numerals_text(languages[k], numerals_index("pound")) != NULL);
	}
}

static void before_nouns(void)
{
	static const struct {
		const char *language;
		uint32_t number;
		const char *participants, *minutes;
	} rows[] = {
		{"en", 1, "1", "1"},
		{"en", 21, "20 1", "20 1"},
		{"es", 1, "1M", "1M"},
		{"es", 2, "2", "2"},
		{"es", 31, "30 and 1M", "30 and 1M"},
		{"es", 101, "100-and 1M", "100-and 1M"},
		{"fr", 1, "1", "1F"},
		{"fr", 21, "20 et 1", "20 et 1F"},
		{"fr", 71, "60 et 11", "60 et 11"},
		{"it", 1, "un", "un"},
		{"it", 21, "21", "21"},
		{"ru", 1, "1", "1F"},
		{"ru", 2, "2", "2F"},
		{"ru", 12, "12", "12"},
		{"ru", 22, "20 2", "20 2F"},
		{"ru", 5, "5", "5"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK_STR(rows[i].language, rows[i].participants,
			  spoken_before(rows[i].language, rows[i].number, NUMERALS_PARTICIPANTS));
		CHECK_STR(rows[i].language, rows[i].minutes,
			  spoken_before(rows[i].language, rows[i].number, NUMERALS_MINUTES));
	}
}

static void forms(void)
{
	static const struct {
		const char *language;
		uint32_t number;
		enum numerals_form want;
	} rows[] = {
		{"en", 1, NUMERALS_ONE},   {"en", 2, NUMERALS_MANY},   {"en", 21, NUMERALS_MANY},
		{"fr", 0, NUMERALS_MANY},  {"ru", 1, NUMERALS_ONE},    {"ru", 21, NUMERALS_ONE},
		{"ru", 11, NUMERALS_MANY}, {"ru", 2, NUMERALS_FEW},    {"ru", 24, NUMERALS_FEW},
		{"ru", 12, NUMERALS_MANY}, {"ru", 114, NUMERALS_MANY}, {"ru", 5, NUMERALS_MANY},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_INT(rows[i].language, numerals_form(rows[i].language, rows[i].number),
			  rows[i].want);
}

void suite_numerals(void)
{
	CHECK_SUITE("numerals");
	CHECK_TEST(numbers);
	CHECK_TEST(before_nouns);
	CHECK_TEST(every_word_can_be_read);
	CHECK_TEST(forms);
}
