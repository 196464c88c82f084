/* focus/numerals.c */
#include "focus/numerals.h"

#include <assert.h>
#include <string.h>

#include "base/attr.h"

enum { LANGUAGE_EN, LANGUAGE_ES, LANGUAGE_FR, LANGUAGE_IT, LANGUAGE_RU, LANGUAGES };

static int language_of(const char *language)
{
	static const char *const names[LANGUAGES] = {"en", "es", "fr", "it", "ru"};

	for (int i = 0; i < LANGUAGES; i++)
		if (!strcmp(language, names[i]))
			return i;
	return LANGUAGE_EN;
}

/* Words that are more than their numeral, by language; "" where there is no such word. */
static const struct {
	const char *name;
	const char *texts[LANGUAGES];
} words[] = {
	{"hundred", {"hundred", "cien", "cent", "cento", "сто"}},
	{"and", {"", "y", "", "", ""}},
	{"et", {"", "", "et", "", ""}},
	{"100-and", {"", "ciento", "", "", ""}},
	{"1M", {"", "un", "", "", ""}},
	{"1F", {"", "una", "une", "", "одну"}},
	{"2F", {"", "", "", "", "две"}},
	{"un", {"", "", "", "un", ""}},
	{"star", {"star", "asterisco", "étoile", "asterisco", "звёздочка"}},
	{"pound", {"pound", "almohadilla", "dièse", "cancelletto", "решётка"}},
};

/* Names that are read as they stand. */
static const char *const numbers[] = {
	"0",  "1",  "2",  "3",   "4",   "5",   "6",   "7",   "8",   "9",   "10",  "11",
	"12", "13", "14", "15",  "16",  "17",  "18",  "19",  "20",  "21",  "22",  "23",
	"24", "25", "26", "27",  "28",  "29",  "30",  "31",  "38",  "40",  "41",  "48",
	"50", "51", "58", "60",  "61",  "68",  "70",  "71",  "78",  "80",  "81",  "88",
	"90", "91", "98", "200", "300", "400", "500", "600", "700", "800", "900",
};

const char *numerals_name(uint32_t index)
{
	if (index < ARRAY_LEN(numbers))
		return numbers[index];
	index -= (uint32_t)ARRAY_LEN(numbers);
	return index < ARRAY_LEN(words) ? words[index].name : NULL;
}

uint32_t numerals_index(const char *name)
{
	uint32_t index = 0;

	while (numerals_name(index) && strcmp(numerals_name(index), name))
		index++;
	assert(numerals_name(index));
	return index;
}

/* Whether a language has a word of its own for a number that others put together. */
static bool is_one_word(int language, const char *name)
{
	size_t digits = strlen(name);
	bool is_round = name[digits - 1] == '0';

	if (digits == 1 || name[0] == '1' || !strcmp(name, "20"))
		return true;
	if (digits == 3)
		return language == LANGUAGE_ES || language == LANGUAGE_RU;
	if (is_round)
		return language != LANGUAGE_FR || (name[0] != '7' && name[0] != '9');
	if (name[0] == '2' && language == LANGUAGE_ES)
		return true;
	return language == LANGUAGE_IT && (name[1] == '1' || name[1] == '8');
}

const char *numerals_text(const char *language, uint32_t index)
{
	int at = language_of(language);
	const char *text;

	if (index < ARRAY_LEN(numbers))
		return is_one_word(at, numbers[index]) ? numbers[index] : NULL;
	text = words[index - ARRAY_LEN(numbers)].texts[at];
	return text[0] ? text : NULL;
}

/* Speaking ----------------------------------------------------------------------------------- */

struct spoken {
	const char **names;
	uint32_t count;
};

static void say(struct spoken *spoken, const char *name)
{
	assert(spoken->count < NUMERALS_WORDS);
	spoken->names[spoken->count++] = name;
}

static void say_number(struct spoken *spoken, uint32_t number)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const char *name = numbers[i];
		uint32_t value = 0;

		for (; *name; name++)
			value = value * 10 + (uint32_t)(*name - '0');
		if (value == number) {
			say(spoken, numbers[i]);
			return;
		}
	}
	assert(!"a number that has a name");
}

/* 70 is sixty and ten, 90 eighty and ten; 21 to 71 have "et". */
static void say_french(struct spoken *spoken, uint32_t number)
{
	uint32_t tens = number / 10 - (number / 10 == 7 || number / 10 == 9);
	uint32_t rest = number - tens * 10;

	say_number(spoken, tens * 10);
	if (tens < 8 && rest % 10 == 1)
		say(spoken, "et");
	if (rest)
		say_number(spoken, rest);
}

static void say_below_hundred(struct spoken *spoken, int language, uint32_t number)
{
	uint32_t tens = number / 10 * 10, unit = number % 10;

	if (number < 20 || (language == LANGUAGE_ES && number <= 30)) {
		say_number(spoken, number);
	} else if (language == LANGUAGE_FR) {
		say_french(spoken, number);
	} else if (language == LANGUAGE_IT && (unit == 1 || unit == 8)) {
		say_number(spoken, number);
	} else {
		say_number(spoken, tens);
		if (unit && language == LANGUAGE_ES)
			say(spoken, "and");
		if (unit)
			say_number(spoken, unit);
	}
}

static void say_hundreds(struct spoken *spoken, int language, uint32_t hundreds, bool has_more)
{
	bool is_word = language == LANGUAGE_ES || language == LANGUAGE_RU;

	if (hundreds == 1 && language == LANGUAGE_ES && has_more) {
		say(spoken, "100-and");
	} else if (hundreds > 1 && is_word) {
		say_number(spoken, hundreds * 100);
	} else {
		if (hundreds > 1 || language == LANGUAGE_EN)
			say_number(spoken, hundreds);
		say(spoken, "hundred");
	}
}

/* The last word before a noun, where it is another than alone. */
static const struct {
	int language;
	enum numerals_noun noun;
	const char *alone, *before;
} agreeing[] = {
	{LANGUAGE_ES, NUMERALS_PARTICIPANTS, "1", "1M"},
	{LANGUAGE_ES, NUMERALS_MINUTES, "1", "1M"},
	{LANGUAGE_FR, NUMERALS_MINUTES, "1", "1F"},
	{LANGUAGE_IT, NUMERALS_PARTICIPANTS, "1", "un"},
	{LANGUAGE_IT, NUMERALS_MINUTES, "1", "un"},
	{LANGUAGE_RU, NUMERALS_MINUTES, "1", "1F"},
	{LANGUAGE_RU, NUMERALS_MINUTES, "2", "2F"},
};

static const char *before_noun(int language, enum numerals_noun noun, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(agreeing); i++)
		if (agreeing[i].language == language && agreeing[i].noun == noun &&
		    !strcmp(agreeing[i].alone, name))
			return agreeing[i].before;
	return name;
}

uint32_t numerals_spoken(const char *language, uint32_t number, enum numerals_noun noun,
			 const char *ret_names[NUMERALS_WORDS])
{
	struct spoken spoken = {.names = ret_names};
	int at = language_of(language);

	number = MIN_OF(number, (uint32_t)NUMERALS_MAX);
	if (number >= 100)
		say_hundreds(&spoken, at, number / 100, number % 100 != 0);
	if (number % 100 || number == 0)
		say_below_hundred(&spoken, at, number % 100);
	ret_names[spoken.count - 1] = before_noun(at, noun, ret_names[spoken.count - 1]);
	return spoken.count;
}

enum numerals_form numerals_form(const char *language, uint32_t number)
{
	bool is_teen = number % 100 / 10 == 1;

	if (language_of(language) != LANGUAGE_RU)
		return number == 1 ? NUMERALS_ONE : NUMERALS_MANY;
	if (number % 10 == 1 && !is_teen)
		return NUMERALS_ONE;
	return number % 10 >= 2 && number % 10 <= 4 && !is_teen ? NUMERALS_FEW : NUMERALS_MANY;
}
