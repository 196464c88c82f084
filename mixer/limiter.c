#include "mixer/limiter.h"

#include <assert.h>
#include <math.h>

#include "base/attr.h"
#include "mixer/kernel.h"

/* Design. The frame is cut into blocks of 4 ms. Each block allows at most the gain that brings its
 * peak to full scale. The gain at the edge between two blocks is the least of what both allow and
 * of the released gain, and glides linearly in between: so it is continuous and no sample passes
 * full scale, without any delay. Only the first block of a frame may be caught out, as its left
 * edge was played already: then the gain falls within ATTACK samples and what still sticks out of
 * these few is bent by a soft knee (continuous in value and slope) instead of being clipped.
 *
 * The release is slow against syllables (4 per second), so a loud room is turned down as a whole
 * and does not breathe with single words. At rest and within range, samples are copied.
 *
 * Rejected: tanh on everything (changes a single talker, so no bit-exact path); gain per sample
 * from an envelope follower (needs look-ahead to avoid overshoot). */

enum {
	BLOCK_PER_S = 250,    /* blocks of 4 ms */
	RELEASE_MS = 500,     /* by a factor of e */
	ATTACK_PER_BLOCK = 4, /* the hurried fall takes this part of a block: 1 ms */
	FULL = 32767
};

#define KNEE 30000.0f
#define AT_REST 0.9999f

void limiter_init(struct limiter *limiter, uint32_t sample_hz)
{
	assert(sample_hz >= 8000 && sample_hz <= 48000 && sample_hz % 1000 == 0);
	limiter->gain = 1;
	limiter->block = sample_hz / BLOCK_PER_S;
	limiter->release = expf(1000.0f / ((float)BLOCK_PER_S * (float)RELEASE_MS));
}

bool limiter_is_idle(const struct limiter *limiter)
{
	return limiter->gain >= 1;
}

/* The gain that this block allows. */
static float allowed(const int32_t *sum, uint32_t samples)
{
	uint32_t peak = 0;

	for (uint32_t i = 0; i < samples; i++) {
		/* One's complement: -32768 is in range, and the like of 32767. */
		uint32_t v = (uint32_t)(sum[i] < 0 ? ~sum[i] : sum[i]);

		peak = MAX_OF(peak, v);
	}
	return peak <= FULL ? 1 : (float)FULL / (float)peak;
}

/* Identity below KNEE, above it bends towards FULL, which it never reaches. */
static float bend(float v)
{
	float room = (float)FULL - KNEE, over = fabsf(v) - KNEE;

	return over <= 0 ? v : copysignf(KNEE + over * room / (over + room), v);
}

/* Rounds to nearest, in a way that vectorises; the clamp is for the last bit only. */
static int16_t narrow(float v)
{
	int32_t whole = (int32_t)(v + copysignf(0.5f, v));

	return (int16_t)(whole > FULL ? FULL : whole < -FULL ? -FULL : whole);
}

static void glide(const int32_t *sum, int16_t *pcm, uint32_t samples, float from, float to)
{
	float slope = (to - from) / (float)samples;

	for (uint32_t i = 0; i < samples; i++)
		pcm[i] = narrow((float)sum[i] * (from + slope * (float)(i + 1)));
}

/* The left edge was too high for this block: hurry down, then go on at `to`. */
static void hurry(const int32_t *sum, int16_t *pcm, uint32_t samples, float from, float to)
{
	uint32_t attack = MIN_OF(MAX_OF(samples / ATTACK_PER_BLOCK, 1u), samples);
	float slope = (to - from) / (float)attack;

	for (uint32_t i = 0; i < attack; i++)
		pcm[i] = narrow(bend((float)sum[i] * (from + slope * (float)(i + 1))));
	for (uint32_t i = attack; i < samples; i++)
		pcm[i] = narrow((float)sum[i] * to);
}

static void copy(const int32_t *sum, int16_t *pcm, uint32_t samples)
{
	for (uint32_t i = 0; i < samples; i++)
		pcm[i] = (int16_t)sum[i];
}

uint32_t limiter_rt(struct limiter *limiter, const int32_t *sum, int16_t *pcm, uint32_t samples)
{
	uint32_t turned_down = 0, block = limiter->block;
	float here, next;

	assert(samples >= 1 && samples <= LIMITER_FRAME_MAX);
	if (limiter_is_idle(limiter) && kernel_best()->minus_clamp_rt(sum, NULL, pcm, samples) == 0)
		return 0; /* nearly always: at rest, and in range */
	next = allowed(sum, MIN_OF(block, samples));
	for (uint32_t at = 0; at < samples; at += block) {
		uint32_t n = MIN_OF(block, samples - at);
		float from = limiter->gain, to = fminf(1, from * limiter->release);

		here = next;
		next = at + n < samples ? allowed(sum + at + n, MIN_OF(block, samples - at - n))
					: 1;
		to = fminf(to > AT_REST ? 1 : to, fminf(here, next));
		if (from >= 1 && to >= 1)
			copy(sum + at, pcm + at, n);
		else if (from > here)
			hurry(sum + at, pcm + at, n, from, to);
		else
			glide(sum + at, pcm + at, n, from, to);
		turned_down += from >= 1 && to >= 1 ? 0 : n;
		limiter->gain = to;
	}
	return turned_down;
}
