/* focus/lockout.h -- wrong PINs cost time, and the more of them the more.
 *
 * A caller is who it says it is together with where its call comes from: who takes on another's
 * name elsewhere does not shut that other out. Who has no name is in no such account. A room has an
 * account as well, which shuts nobody out: from LOCKOUT_ROOM_FREE failures on, of whoever, the
 * answer to each PIN, right or wrong, is given later and later (lockout_delay_ms). So many callers
 * that guess by turns are slow, and who knows the PIN comes in. Those who guess from one address
 * take turns there (lockout_turn_ms): many calls at once guess no faster than one.
 * After LOCKOUT_FREE failures each further one doubles the pause, from
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
	LOCKOUT_ROOM_FREE = 10,
	LOCKOUT_DELAY_MS = 500, /* the first; doubled each time */
	LOCKOUT_DELAY_MAX_MS = 8000,
	LOCKOUT_TURNS_MAX_MS = 60 * 1000, /* nobody waits longer for its turn */
	LOCKOUT_KEY_MAX = 191             /* longer keys are cut */
};

struct lockout;

/* -ENOMEM. */
int lockout_new(struct lockout **ret_lockout);
struct lockout *lockout_free(struct lockout *lockout);

/* Milliseconds until `key` may try again; 0: now. */
uint64_t lockout_wait_ms(struct lockout *lockout, struct slice key, uint64_t now_ms);
/* How long the answer is held back for a key that stands for a room. */
uint64_t lockout_delay_ms(const struct lockout *lockout, struct slice key);
/* When it is the turn of one more answer that takes delay_ms, of a key that stands for a room and
 * an address, and takes that turn. ERR_LIMIT: not within LOCKOUT_TURNS_MAX_MS; it is not taken. */
int lockout_turn_ms(struct lockout *lockout, struct slice key, uint64_t now_ms, uint64_t *delay_ms);
void lockout_failed(struct lockout *lockout, struct slice key, uint64_t now_ms);
void lockout_passed(struct lockout *lockout, struct slice key);

#endif
