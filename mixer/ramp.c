/* mixer/ramp.c */
#include "mixer/ramp.h"

#include "mixer/codec.h"

void ramp_step_rt(struct ramp *ramp, int32_t target_q14, uint32_t ms)
{
	int32_t from = ramp->to_q14, top = MAX_OF(from, KERNEL_GAIN_UNITY_Q14);
	int32_t step = (int32_t)((int64_t)MAX_OF(top, target_q14) * CODEC_FRAME_MS / (int32_t)ms);

	ramp->from_q14 = from;
	ramp->to_q14 = target_q14 < from ? MAX_OF(target_q14, from - step)
					 : MIN_OF(target_q14, from + step);
}

/* The gain of sample i of n, in Q30: exact at both ends of a tick, so that ticks join. */
static inline int64_t gain_at(const struct ramp *ramp, uint32_t i, uint32_t samples)
{
	int64_t from = (int64_t)ramp->from_q14 << 16, to = (int64_t)ramp->to_q14 << 16;

	return from + (to - from) * (int64_t)(i + 1) / (int64_t)samples;
}

static inline int64_t scaled(int64_t sample, int64_t gain_q30)
{
	return (sample * gain_q30 + (1 << 29)) >> 30;
}

void ramp_pcm_rt(const struct ramp *ramp, const int16_t *in, int16_t *out, uint32_t samples)
{
	for (uint32_t i = 0; i < samples; i++) {
		int64_t v = scaled(in[i], gain_at(ramp, i, samples));

		out[i] = (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
	}
}

void ramp_sum_rt(const struct ramp *ramp, int32_t *sum, uint32_t samples)
{
	for (uint32_t i = 0; i < samples; i++) {
		int64_t v = scaled(sum[i], gain_at(ramp, i, samples));

		sum[i] = (int32_t)(v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : v);
	}
}
