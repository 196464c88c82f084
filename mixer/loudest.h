/* mixer/loudest.h -- who is heard where a room lets only the loudest N through.
 *
 * Everybody who speaks has a rank: the smoothed level, raised quickly and lowered slowly, so that a
 * breath between two words costs no place. Who has a place keeps it for LOUDEST_HOLD_MS whatever
 * comes, and after that against everybody who is not LOUDEST_EDGE_DB louder; who speaks and has none
 * gains 2 dB a second, so that nobody is left out for good and no two change places every second.
 *
 * The N best of one tick have the places of the next. While there are fewer than N, whoever begins
 * to speak is heard at once, from the first sample on; else 20 ms later. So the parts of a room that
 * is spread over workers need no more of each other than what they have told by the last tick, and
 * come to the same.
 *
 * Thread: the worker's. Plain values.
 */
#ifndef MIXER_LOUDEST_H
#define MIXER_LOUDEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "media.h"

enum {
	LOUDEST_MAX = MEDIA_LOUDEST_MAX,
	LOUDEST_HOLD_MS = 500,
	LOUDEST_EDGE_DB = 6,
	LOUDEST_WAIT_DB = 12 /* gained by waiting, at most */
};

/* Of one who may speak. All zero at the beginning. */
struct loudness {
	uint16_t loud_q6;            /* smoothed dB above -127 dBov, in 1/64 */
	uint16_t held_ms, waited_ms; /* one of both is 0 */
	uint32_t rank;               /* in the last tick; 0: did not speak */
};

/* Better ones first. */
struct loudest_entry {
	uint32_t rank, id; /* of two with one rank the lower id is better */
};

struct loudest {
	uint8_t max, count;
	struct loudest_entry best[LOUDEST_MAX];
};

/* `max`: 1 to LOUDEST_MAX. */
void loudest_begin_rt(struct loudest *loudest, uint8_t max) NONBLOCKING;
void loudest_offer_rt(struct loudest *loudest, struct loudest_entry entry) NONBLOCKING;

/* Whether somebody who had this rank in the tick that `loudest` is of has a place. */
bool loudest_has_place_rt(const struct loudest *loudest, struct loudest_entry entry) NONBLOCKING;

/* One tick of one speaker: notes it, offers it to `next`, and returns whether it is heard by what
 * the last tick has decided. */
struct loudest_turn {
	const struct loudest *last;
	struct loudest *next;
	uint32_t id; /* the same in all ticks, and nobody else's */
	uint8_t level_dbov;
	bool is_speaking;
};
bool loudest_turn_rt(struct loudness *loudness, const struct loudest_turn *turn) NONBLOCKING;

#endif
