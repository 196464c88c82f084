/* tests/unit/mixer/test_ramp.c */
#include "mixer/ramp.h"

#include <stdlib.h>

#include "base/attr.h"
#include "tests/support/check.h"

enum { UNITY = KERNEL_GAIN_UNITY_Q14, SAMPLES = 160, TICKS = 40 };

/* A constant through a ramp: how far one sample may be from the one before. */
static void no_step_is_large(void)
{
	static const struct {
		const char *name;
		int32_t from, to;
		uint32_t ms;
		int ticks; /* until it is there */
	} rows[] = {
		{"down to a quarter", UNITY, UNITY / 4, RAMP_DUCK_MS, 4},
		{"up again", UNITY / 4, UNITY, RAMP_RECOVER_MS, 16},
		{"to nothing", UNITY, 0, RAMP_FADE_MS, 2},
		{"from nothing", 0, UNITY, RAMP_FADE_MS, 2},
		{"beyond unity", UNITY, 4 * UNITY, RAMP_FADE_MS, 2},
	};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		int32_t top = MAX_OF(MAX_OF(rows[k].from, rows[k].to), UNITY);
		int32_t far = (int32_t)((int64_t)8000 * top / UNITY * 20 / rows[k].ms / SAMPLES) +
			      1;
		int before = (int)((int64_t)8000 * rows[k].from / UNITY), there = 0;
		struct ramp ramp;

		ramp_init(&ramp, rows[k].from);
		for (int tick = 1; tick <= TICKS; tick++) {
			int16_t pcm[SAMPLES];
			int32_t sum[SAMPLES];

			for (int i = 0; i < SAMPLES; i++)
				sum[i] = pcm[i] = 8000;
			ramp_step_rt(&ramp, rows[k].to, rows[k].ms);
			ramp_pcm_rt(&ramp, pcm, pcm, SAMPLES);
			ramp_sum_rt(&ramp, sum, SAMPLES);
			for (int i = 0; i < SAMPLES; i++) {
				CHECK(rows[k].name, abs(pcm[i] - before) <= far);
				CHECK(rows[k].name, sum[i] == pcm[i]);
				before = pcm[i];
			}
			if (!there && ramp.to_q14 == rows[k].to)
				there = tick;
		}
		CHECK_INT(rows[k].name, there, rows[k].ticks);
		CHECK_INT(rows[k].name, before, (int64_t)8000 * rows[k].to / UNITY);
	}
}

static void unity_changes_nothing(void)
{
	int16_t pcm[4] = {INT16_MAX, INT16_MIN, -1, 1};
	int32_t sum[2] = {INT32_MAX, INT32_MIN};
	struct ramp ramp;

	ramp_init(&ramp, UNITY);
	CHECK("flat", ramp_is_flat(&ramp));
	ramp_step_rt(&ramp, UNITY, RAMP_DUCK_MS);
	CHECK("still", ramp_is_flat(&ramp));
	ramp_pcm_rt(&ramp, pcm, pcm, 4);
	ramp_sum_rt(&ramp, sum, 2);
	CHECK("pcm", pcm[0] == INT16_MAX && pcm[1] == INT16_MIN && pcm[2] == -1 && pcm[3] == 1);
	CHECK("sum", sum[0] == INT32_MAX && sum[1] == INT32_MIN);
	ramp_step_rt(&ramp, UNITY / 2, RAMP_DUCK_MS);
	CHECK("on its way", !ramp_is_flat(&ramp));
	ramp_init(&ramp, KERNEL_GAIN_MAX_Q14);
	ramp_pcm_rt(&ramp, pcm, pcm, 4);
	CHECK("no wrap",
	      pcm[0] == INT16_MAX && pcm[1] == INT16_MIN && pcm[2] == -32 && pcm[3] == 32);
}

void suite_ramp(void)
{
	CHECK_SUITE("ramp");
	CHECK_TEST(no_step_is_large);
	CHECK_TEST(unity_changes_nothing);
}
