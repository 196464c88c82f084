/* focus/numbers.h -- the number pool: ALLOCATE binds a free number of ours to Contacts for a time.
 *
 * ALLOCATE is no method of an RFC; it is REGISTER turned round: the Contacts are given, the address
 * of record is the answer. `Contact: <tel:+49305550123>;expires=600` in the 200 is the number and
 * its time. The same caller with the same Allocate-For (or none) refreshes, changes or releases
 * (expires 0) the number it has; another Allocate-For gets another number. The bindings are those
 * of focus/location.h under the number, so a call to it rings the Contacts as a user's would.
 * Thread: control.
 */
#ifndef FOCUS_NUMBERS_H
#define FOCUS_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "sip/ua.h"

struct focus;
struct numbers;

enum {
	NUMBERS_POOL_MAX = 100000, /* numbers of the pool; further ones are left out */
	NUMBER_DIGITS_MAX = 15     /* E.164, without the '+' */
};

int numbers_new(struct numbers **ret_numbers); /* -ENOMEM */
struct numbers *numbers_free(struct numbers *numbers);
int numbers_load(struct focus *focus); /* from the store, once */

/* Answers at once: 200; 400, 403 (not configured, too many), 423, 480 with Retry-After (none free),
 * 500 (CSeq). */
void numbers_on_allocate(struct focus *focus, struct sip_stx *tx, const struct sip_msg *request);

/* "+4930555000-+4930555099, +49891234": how many numbers, or -EINVAL. */
int numbers_parse_pool(struct slice pool, uint32_t *ret_count);
/* Number `at` of the pool into out. False beyond the last. */
bool numbers_at(struct slice pool, uint32_t at, char out[NUMBER_DIGITS_MAX + 2]);

struct numbers_stats {
	uint64_t allocated, refused; /* refused: none was free */
};
const struct numbers_stats *focus_numbers_stats(const struct focus *focus);
/* Pool and those in use now. */
void focus_numbers_count(const struct focus *focus, uint32_t *ret_pool, uint32_t *ret_used);

#endif
