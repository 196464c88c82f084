/* focus/lockout.h -- wrong PINs cost time, and the more of them the more.
 *
 * Counted per caller, and per caller and room, never per room alone: who guesses shuts out himself
 * and nobody else. After LOCKOUT_FREE failures each further one doubles the pause, from
 * LOCKOUT_FIRST_MS to LOCKOUT_MAX_MS. What was not heard of for LOCKOUT_KEEP_MS is forgotten; with
 * LOCKOUT_ENTRIES_MAX callers remembered the one heard of longest ago goes. Thread: control.
 */
#ifndef FOCUS_LOCKOUT_H
#define FOCUS_LOCKOUT_H

#include <stdint.h>

#include "base/slice.h"

enum {
	LOCKOUT_FREE = 3,
	LOCKOUT_FIRST_MS = 30 * 1000,
	LOCKOUT_MAX_MS = 3600 * 1000,
	LOCKOUT_KEEP_MS = 24 * 3600 * 1000,
	LOCKOUT_ENTRIES_MAX = 4096,
	LOCKOUT_KEY_MAX = 127 /* longer keys are cut */
};

struct lockout;

/* -ENOMEM. */
int lockout_new(struct lockout **ret_lockout);
struct lockout *lockout_free(struct lockout *lockout);

/* Milliseconds until `key` may try again; 0: now. */
uint64_t lockout_wait_ms(struct lockout *lockout, struct slice key, uint64_t now_ms);
void lockout_failed(struct lockout *lockout, struct slice key, uint64_t now_ms);
void lockout_passed(struct lockout *lockout, struct slice key);

#endif
