/* mixer/ramp.h -- a gain that goes to where it is told to without a click: in a straight line, so
 * much a tick.
 *
 * It ducks who talks under an announcement, and fades plays out and in. A ramp has the gains at
 * both ends of this tick; whoever applies it to several sounds of a tick (the sum of all, one's own
 * share of it) does the same to each.
 *
 * Shape:   mono pcm and sums of one tick. Gains are Q14, up to KERNEL_GAIN_MAX_Q14.
 * Thread:  the worker that has it.
 */
#ifndef MIXER_RAMP_H
#define MIXER_RAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "mixer/kernel.h"

enum {
	/* From full scale to nothing, or back. */
	RAMP_DUCK_MS = 100,
	RAMP_RECOVER_MS = 400,
	RAMP_FADE_MS = 40
};

struct ramp {
	int32_t from_q14, to_q14;
};

static inline void ramp_init(struct ramp *ramp, int32_t gain_q14)
{
	ramp->from_q14 = ramp->to_q14 = gain_q14;
}

/* Nothing to be done in this tick. */
static inline bool ramp_is_flat(const struct ramp *ramp)
{
	return ramp->from_q14 == KERNEL_GAIN_UNITY_Q14 && ramp->to_q14 == KERNEL_GAIN_UNITY_Q14;
}

/* Once a tick: on to the target, or as near as a tick gets when all the way takes `ms`. */
void ramp_step_rt(struct ramp *ramp, int32_t target_q14, uint32_t ms) NONBLOCKING;

/* in and out may be the same. */
void ramp_pcm_rt(const struct ramp *ramp, const int16_t *in, int16_t *out,
		 uint32_t samples) NONBLOCKING;
void ramp_sum_rt(const struct ramp *ramp, int32_t *sum, uint32_t samples) NONBLOCKING;

#endif
