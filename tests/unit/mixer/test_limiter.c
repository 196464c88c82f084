/* tests/unit/mixer/test_limiter.c */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/random.h"
#include "mixer/limiter.h"
#include "tests/support/check.h"

enum { FRAME = 160 };

static void below_full_scale_nothing_changes(void)
{
	struct limiter limiter;
	struct random random;
	int32_t sum[FRAME];
	int16_t pcm[FRAME];
	int wrong = 0;

	limiter_init(&limiter, 8000);
	random_init_seeded(&random, 1);
	for (int frame = 0; frame < 100; frame++) {
		for (int i = 0; i < FRAME; i++)
			sum[i] = (int16_t)random_u32(&random);
		sum[frame] = frame % 2 ? INT16_MIN : INT16_MAX;
		CHECK_INT(NULL, limiter_rt(&limiter, sum, pcm, FRAME), 0);
		for (int i = 0; i < FRAME; i++)
			wrong += pcm[i] != sum[i];
	}
	CHECK_INT(NULL, wrong, 0);
	CHECK(NULL, limiter_is_idle(&limiter));
}

static void every_length_and_rate(void)
{
	static const uint32_t rates[] = {8000, 16000, 48000};
	static const uint32_t lengths[] = {1, 31, 32, 33, 80, 160, 320, 960, 2880};
	static int32_t sum[LIMITER_FRAME_MAX];
	static int16_t pcm[LIMITER_FRAME_MAX + 1];
	struct random random;

	random_init_seeded(&random, 2);
	for (size_t r = 0; r < ARRAY_LEN(rates); r++)
		for (size_t n = 0; n < ARRAY_LEN(lengths); n++) {
			struct limiter limiter;
			int wrong = 0;

			limiter_init(&limiter, rates[r]);
			for (int k = 0; k < 20; k++) {
				for (uint32_t i = 0; i < lengths[n]; i++)
					sum[i] = (int32_t)random_below(&random, 4000000) - 2000000;
				pcm[lengths[n]] = 77;
				(void)limiter_rt(&limiter, sum, pcm, lengths[n]);
				wrong += pcm[lengths[n]] != 77;
				for (uint32_t i = 0; i < lengths[n];
				     i++) /* signs survive: no wrap */
					wrong += pcm[i] && (pcm[i] < 0) != (sum[i] < 0);
			}
			CHECK_INT(NULL, wrong, 0);
		}
}

/* Distortion of a sine through the limiter, in dB below it, after the first frame. */
static double distortion_db(double amplitude, int frames)
{
	struct limiter limiter;
	double c = 0, s = 0, total = 0, tone;
	int n = 0;

	limiter_init(&limiter, 8000);
	for (int frame = 0; frame < frames; frame++) {
		int32_t sum[FRAME];
		int16_t pcm[FRAME];

		for (int i = 0; i < FRAME; i++)
			sum[i] = (int32_t)lrint(amplitude *
						sin(2 * M_PI * 500 * (frame * FRAME + i) / 8000));
		(void)limiter_rt(&limiter, sum, pcm, FRAME);
		for (int i = 0; frame && i < FRAME; i++, n++) {
			double phase = 2 * M_PI * 500 * (frame * FRAME + i) / 8000;

			c += pcm[i] * cos(phase);
			s += pcm[i] * sin(phase);
			total += (double)pcm[i] * pcm[i];
		}
	}
	tone = 2 * (c * c + s * s) / n;
	return 10 * log10(tone / fmax(total - tone, 1));
}

static void loud_sine_stays_a_sine(void)
{
	CHECK("at full scale", distortion_db(32767, 50) > 60);
	CHECK("6 dB over", distortion_db(65534, 50) > 40);
	CHECK("34 dB over", distortion_db(50 * 32767.0, 50) > 40);
}

/* Fifty talkers with syllables: peaks at full scale are rare (no hard clip makes plateaus), and the
 * gain does not follow the syllables. */
static void fifty_talkers(void)
{
	struct limiter limiter;
	struct random random;
	double phase[50], step[50];
	float lowest = 1, highest = 0;
	uint32_t plateaus = 0;

	random_init_seeded(&random, 3);
	for (int t = 0; t < 50; t++) {
		phase[t] = random_below(&random, 628) / 100.0;
		step[t] = 2 * M_PI * (100 + random_below(&random, 900)) / 8000;
	}
	limiter_init(&limiter, 8000);
	for (int frame = 0; frame < 500; frame++) {
		int32_t sum[FRAME] = {0};
		int16_t pcm[FRAME];

		for (int t = 0; t < 50; t++)
			for (int i = 0; i < FRAME; i++) {
				double syllable = 0.5 +
						  0.5 * sin(2 * M_PI * 4 * (frame * FRAME + i) /
								    8000 +
							    t);

				sum[i] += (int32_t)(32767 * syllable * sin(phase[t]));
				phase[t] += step[t];
			}
		(void)limiter_rt(&limiter, sum, pcm, FRAME);
		for (int i = 2; i < FRAME; i++)
			plateaus += abs(pcm[i]) == 32767 && pcm[i - 1] == pcm[i] &&
				    pcm[i - 2] == pcm[i];
		if (frame < 50)
			continue;
		lowest = fminf(lowest, limiter.gain);
		highest = fmaxf(highest, limiter.gain);
	}
	CHECK_INT("plateaus", plateaus, 0);
	CHECK("it works at all", highest < 0.5f);
	CHECK("gain within 9 dB", highest / lowest < 2.8f);
}

static void gain_is_continuous(void)
{
	struct limiter limiter;
	int32_t sum[FRAME];
	int16_t pcm[FRAME];
	int last = 0, worst = 0;

	/* A constant shows the gain itself. Loud, then within range: no step upward or downward but
	 * the hurried millisecond at the loud start. */
	limiter_init(&limiter, 8000);
	for (int frame = 0; frame < 60; frame++) {
		for (int i = 0; i < FRAME; i++)
			sum[i] = frame < 10 ? 20000 : frame < 20 ? 25000 + frame * 1000 : 20000;
		(void)limiter_rt(&limiter, sum, pcm, FRAME);
		for (int i = 0; i < FRAME; i++) {
			if (frame > 20 || i > 8)
				worst = MAX_OF(worst, abs(pcm[i] - last));
			last = pcm[i];
		}
	}
	CHECK("small steps only", worst < 400);
}

static void comes_to_rest(void)
{
	struct limiter limiter;
	int32_t sum[FRAME];
	int16_t pcm[FRAME];
	int frames = 0;

	limiter_init(&limiter, 8000);
	for (int i = 0; i < FRAME; i++)
		sum[i] = i % 2 ? 65534 : -65534;
	(void)limiter_rt(&limiter, sum, pcm, FRAME);
	CHECK_NEAR("6 dB down", limiter.gain, 0.5, 0.001);
	for (int i = 0; i < FRAME; i++)
		sum[i] = i * 10;
	for (; !limiter_is_idle(&limiter) && frames < 1000; frames++)
		(void)limiter_rt(&limiter, sum, pcm, FRAME);
	CHECK("within half a second", frames > 10 && frames < 25);
	CHECK_INT("bit-exact again", limiter_rt(&limiter, sum, pcm, FRAME), 0);
	CHECK_INT(NULL, pcm[159], 1590);
}

void suite_limiter(void)
{
	CHECK_SUITE("limiter");
	CHECK_TEST(below_full_scale_nothing_changes);
	CHECK_TEST(every_length_and_rate);
	CHECK_TEST(loud_sine_stays_a_sine);
	CHECK_TEST(fifty_talkers);
	CHECK_TEST(gain_is_continuous);
	CHECK_TEST(comes_to_rest);
}
