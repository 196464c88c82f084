/* mixer/limiter.h -- brings a 32-bit sum into 16 bits without wrap, hard clip or pumping.
 *
 * No look-ahead beyond the frame itself, so no delay. Below full scale it is the identity, bit for
 * bit. Above, a smooth gain keeps every sample inside: down within 4 ms, up again by 17 dB per
 * second. One limiter per bus and per private mix. Thread: the bus' worker. Plain value.
 */
#ifndef MIXER_LIMITER_H
#define MIXER_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

enum { LIMITER_FRAME_MAX = 2880 }; /* samples: 60 ms at 48 kHz */

struct limiter {
	float gain;     /* at the end of the last frame; 1: at rest */
	float release;  /* factor per block */
	uint32_t block; /* samples */
};

/* sample_hz 8000 to 48000, a multiple of 1000. */
void limiter_init(struct limiter *limiter, uint32_t sample_hz);

/* sum -> pcm, 1 to LIMITER_FRAME_MAX samples. Returns the number of samples that passed through a
 * gain below 1 (0: bit-exact). */
uint32_t limiter_rt(struct limiter *limiter, const int32_t *sum, int16_t *pcm, uint32_t samples);

/* The gain is at rest: a frame without a sample beyond int16_t would pass unchanged. */
bool limiter_is_idle(const struct limiter *limiter);

#endif
