/* mixer/limiter.h -- brings a 32-bit sum into 16 bits without wrap, hard clip or pumping.
 *
 * No look-ahead, so no delay. Below full scale it is the identity, bit for bit. Above, a smoothed
 * gain (attack within the frame, release over about 200 ms) and a soft knee keep it inside.
 * One limiter per bus and per private mix. Thread: the bus' worker. Plain value.
 */
#ifndef MIXER_LIMITER_H
#define MIXER_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

struct limiter {
	float gain;      /* 1: idle */
	float release;   /* per sample */
};

void limiter_init(struct limiter *limiter, uint32_t sample_hz);

/* sum -> pcm. Returns the number of samples that were turned down (0: bit-exact). */
uint32_t limiter_rt(struct limiter *limiter, const int32_t *sum, int16_t *pcm, uint32_t samples);

/* The cheap test that comes first: no sample outside int16_t and the gain at rest. */
bool limiter_is_idle(const struct limiter *limiter);

#endif
