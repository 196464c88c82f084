/* base/pace.h -- how often somebody may: at_once times together, and once every every_ms from then
 * on (a leaky bucket). Plain value, zero at first: has been still for ever.
 */
#ifndef BASE_PACE_H
#define BASE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct pace {
	uint64_t due_ms; /* when all that was taken is made good */
};

/* True: once more, and it is counted. `now_ms` never goes back. */
static inline bool pace_take(struct pace *pace, uint64_t now_ms, uint32_t every_ms,
			     uint32_t at_once)
{
	uint64_t due_ms = MAX_OF(pace->due_ms, now_ms);

	if (due_ms - now_ms > (uint64_t)every_ms * (at_once - 1))
		return false;
	pace->due_ms = due_ms + every_ms;
	return true;
}

#endif
