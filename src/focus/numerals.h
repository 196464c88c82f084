/* focus/numerals.h -- how numbers are spoken, as names of recordings: "70" "1", "60" "et" "11".
 *
 * By the names of Debian's asterisk-core-sounds (below digits/), which differ by language: English
 * has 0 to 20, the tens and "hundred"; Spanish 0 to 30, "and" and "100-and"; French has "et" for
 * 21 to 71 and counts on from 60 and 80; Italian runs 21, 28, 31 ... together; Russian has a word
 * for each hundred. Other languages count as English does. Thread: any.
 */
#ifndef FOCUS_NUMERALS_H
#define FOCUS_NUMERALS_H

#include <stdint.h>

#include "base/slice.h"

enum { NUMERALS_MAX = 999, NUMERALS_WORDS = 6 };

/* What is counted: "un minuto", but "uno"; "une minute", "две минуты". */
enum numerals_noun { NUMERALS_NO_NOUN, NUMERALS_PARTICIPANTS, NUMERALS_MINUTES };

/* The names of `number` (cut at NUMERALS_MAX) before that noun, at most NUMERALS_WORDS. Returns how
 * many. Static. */
uint32_t numerals_spoken(const char *language, uint32_t number, enum numerals_noun noun,
			 const char *ret_names[NUMERALS_WORDS]);

/* Which form of a noun stands behind it: Russian has three, the others two. */
enum numerals_form { NUMERALS_ONE, NUMERALS_FEW, NUMERALS_MANY };
enum numerals_form numerals_form(const char *language, uint32_t number);

/* Every name that can come, and "star" and "pound"; NULL at the end. Static. */
const char *numerals_name(uint32_t index);
/* Index of a name; one that is none is the caller's mistake. */
uint32_t numerals_index(const char *name);
/* What a voice reads for it; NULL: it has no use in this language. */
const char *numerals_text(const char *language, uint32_t index);

#endif
