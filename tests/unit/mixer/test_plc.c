/* tests/unit/mixer/test_plc.c */
#include "mixer/plc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/random.h"
#include "tests/support/check.h"

enum { FRAME = 160, AMPLITUDE = 8000 };

static int16_t tone_at(uint32_t hz, uint32_t rate, int64_t i)
{
	return (int16_t)lrint(AMPLITUDE * sin(2 * M_PI * hz * (double)i / rate));
}

static void tone(uint32_t hz, uint32_t rate, int64_t from, int16_t *pcm, uint32_t samples)
{
	for (uint32_t i = 0; i < samples; i++)
		pcm[i] = tone_at(hz, rate, from + i);
}

/* Largest step between neighbours, with the last one of before. */
static int worst_step(const int16_t *pcm, uint32_t samples, int16_t before)
{
	int worst = abs(pcm[0] - before);

	for (uint32_t i = 1; i < samples; i++)
		worst = MAX_OF(worst, abs(pcm[i] - pcm[i - 1]));
	return worst;
}

static double error_db(const int16_t *got, const int16_t *want, uint32_t samples)
{
	double error = 1, power = 1;

	for (uint32_t i = 0; i < samples; i++) {
		error += (double)(got[i] - want[i]) * (got[i] - want[i]);
		power += (double)want[i] * want[i];
	}
	return 10 * log10(power / error);
}

static int16_t memory[PLC_MEMORY_MAX];

static void warm_up(struct plc *plc, uint32_t hz, uint32_t rate, uint32_t frame)
{
	int16_t pcm[PLC_FRAME_MAX];

	plc_begin(plc, rate, memory);
	for (int k = 0; k < 5; k++) {
		tone(hz, rate, k * (int64_t)frame, pcm, frame);
		(void)plc_good_rt(plc, pcm, frame, 0);
	}
}

static void good_sound_is_untouched(void)
{
	struct plc plc;
	struct random random;

	plc_begin(&plc, 8000, memory);
	random_init_seeded(&random, 1);
	for (int k = 0; k < 50; k++) {
		int16_t pcm[FRAME], copy[FRAME];

		random_bytes(&random, pcm, sizeof(pcm));
		memcpy(copy, pcm, sizeof(pcm));
		CHECK_INT(NULL, plc_good_rt(&plc, pcm, FRAME, 0), 0);
		CHECK(NULL, !memcmp(pcm, copy, sizeof(pcm)));
	}
}

/* Whatever comes, and in whatever pieces: the history is the last 60 ms of it. */
static void history_is_what_was_played(void)
{
	static const int16_t values[] = {0, 0, 0, 8, -8, 0};
	int16_t played[PLC_FRAME_MAX * 2] = {0};
	struct random random;
	struct plc plc;
	uint32_t length, still = 0, wrong = 0;

	plc_begin(&plc, 8000, memory);
	length = plc.per_ms * PLC_HISTORY_MS;
	random_init_seeded(&random, 3);
	for (int k = 0; k < 3000; k++) {
		uint32_t n = random_below(&random, FRAME + 1);
		int16_t pcm[FRAME], value = values[(uint32_t)k / 40 % ARRAY_LEN(values)];

		for (uint32_t i = 0; i < n; i++)
			pcm[i] = k % 97 == 0 ? (int16_t)random_u32(&random) : value;
		(void)plc_good_rt(&plc, pcm, n, 0);
		memmove(played, played + n, (length - n) * sizeof(*pcm));
		memcpy(played + length - n, pcm, n * sizeof(*pcm));
		wrong += memcmp(plc.history, played, length * sizeof(*pcm)) != 0;
		if (plc_is_still(&plc, &value)) {
			still++;
			for (uint32_t i = 0; i < length; i++)
				wrong += played[i] != value;
		}
	}
	CHECK_INT("history", wrong, 0);
	CHECK("was still at times, but not always", still > 500 && still < 2900);
}

static void a_tone_goes_on(void)
{
	static const struct {
		const char *name;
		uint32_t hz, rate;
		double db;
	} cases[] = {
		{"413 Hz", 413, 8000, 25},
		{"100 Hz", 100, 8000, 25},
		{"200 Hz", 200, 8000, 30},
		{"1004 Hz", 1004, 8000, 8},
		{"413 Hz at 16 kHz", 413, 16000, 25},
		{"150 Hz at 16 kHz", 150, 16000, 25},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t frame = cases[i].rate / 50;
		int16_t pcm[PLC_FRAME_MAX], want[PLC_FRAME_MAX];
		struct plc plc;

		warm_up(&plc, cases[i].hz, cases[i].rate, frame);
		CHECK(cases[i].name, plc_conceal_rt(&plc, pcm, frame));
		CHECK(cases[i].name, plc_is_lost(&plc));
		tone(cases[i].hz, cases[i].rate, 5 * (int64_t)frame, want, frame);
		CHECK(cases[i].name, error_db(pcm, want, frame) > cases[i].db);
		/* And back: the cross-fade keeps the tone. */
		tone(cases[i].hz, cases[i].rate, 6 * (int64_t)frame, pcm, frame);
		memcpy(want, pcm, sizeof(want));
		(void)plc_good_rt(&plc, pcm, frame, 0);
		CHECK(cases[i].name, error_db(pcm, want, frame) > cases[i].db);
		CHECK(cases[i].name, !plc_is_lost(&plc));
	}
}

static void a_long_loss_fades(void)
{
	struct plc plc;
	int16_t pcm[FRAME], last = 0;
	int frames = 0, worst = 0;

	warm_up(&plc, 413, 8000, FRAME);
	last = tone_at(413, 8000, 5 * FRAME - 1);
	while (plc_conceal_rt(&plc, pcm, FRAME) && frames < 100) {
		worst = MAX_OF(worst, worst_step(pcm, FRAME, last));
		last = pcm[FRAME - 1];
		frames++;
	}
	CHECK("fades within 120 ms", frames >= 3 && frames <= 6);
	CHECK("no click on the way", worst < 3200); /* the tone's own slope is 2600 */
	for (int i = 0; i < 10000; i++)
		(void)plc_conceal_rt(&plc, pcm, FRAME);
	CHECK_INT("silence stays", worst_step(pcm, FRAME, 0), 0);
	/* Sound comes back gently. */
	for (int i = 0; i < FRAME; i++)
		pcm[i] = 20000;
	(void)plc_good_rt(&plc, pcm, FRAME, 0);
	CHECK("no click at the end", worst_step(pcm, FRAME, 0) < 1000);
	CHECK_INT(NULL, pcm[FRAME - 1], 20000);
}

static void nothing_to_go_on_with(void)
{
	struct plc plc;
	int16_t pcm[FRAME];

	plc_begin(&plc, 8000, memory);
	(void)plc_conceal_rt(&plc, pcm, FRAME);
	CHECK_INT(NULL, worst_step(pcm, FRAME, 0), 0);
}

static void noise_makes_no_overflow(void)
{
	struct random random;

	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct plc plc;
		int16_t pcm[FRAME * 2];

		random_init_seeded(&random, seed);
		plc_begin(&plc, 8000, memory);
		for (int k = 0; k < 20; k++) {
			for (int i = 0; i < FRAME * 2; i++)
				pcm[i] = random_below(&random, 2) ? INT16_MAX : INT16_MIN;
			if (random_below(&random, 3) == 0)
				(void)plc_conceal_rt(&plc, pcm, 1 + random_below(&random, FRAME));
			else if (random_below(&random, 4) == 0)
				(void)plc_silence_rt(&plc, pcm, 1 + random_below(&random, FRAME));
			else
				(void)plc_good_rt(&plc, pcm, 1 + random_below(&random, FRAME),
						  random_below(&random, 81));
		}
	}
	CHECK("survived (the sanitizers look on)", true);
}

/* The stream stood still for a part of a period: the shift meets it in phase. */
static void return_in_phase(void)
{
	struct plc plc;
	int16_t pcm[FRAME], tail[FRAME];
	uint32_t shift;

	warm_up(&plc, 200, 8000, FRAME);
	(void)plc_conceal_rt(&plc, pcm, FRAME);
	/* 200 Hz has 40 samples; FRAME is 4 cycles. Come back 12 samples behind. */
	tone(200, 8000, 12, pcm, FRAME);
	shift = plc_good_rt(&plc, pcm, FRAME, 60);
	CHECK_NEAR(NULL, shift, 12, 1);
	tone(200, 8000, 0, tail, FRAME);
	CHECK("in phase", error_db(pcm, tail, FRAME) > 20);
	CHECK_INT("no shift without leave", plc_good_rt(&plc, pcm, FRAME, 0), 0);
}

static void silence_is_entered_softly(void)
{
	struct plc plc;
	int16_t pcm[FRAME];

	warm_up(&plc, 413, 8000, FRAME);
	plc_silence_rt(&plc, pcm, FRAME);
	CHECK("no click", worst_step(pcm, FRAME, tone_at(413, 8000, 5 * FRAME - 1)) < 3200);
	CHECK_INT("then zero", worst_step(pcm + 40, FRAME - 40, 0), 0);
	CHECK("what follows is untouched", !plc_is_lost(&plc));
}

static void shortening(void)
{
	static const struct {
		const char *name;
		uint32_t hz, cut_min, cut_max;
		bool is_forced;
		int lo, hi;
	} cases[] = {
		{"tone, one period or more", 200, 40, 160, false, 120, 160},
		{"tone, room for one period", 200, 40, 50, false, 40, 40},
		{"no whole period in range", 60, 40, 100, false, 0, 0},
		{"but forced", 60, 40, 100, true, 40, 100},
		{"only if quiet", 200, 40, 5, false, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int16_t pcm[FRAME * 2 + 40], before = tone_at(cases[i].hz, 8000, -1);
		uint32_t cut, slope = 2 * 3 * AMPLITUDE * cases[i].hz / 8000 + 10;

		tone(cases[i].hz, 8000, 0, pcm, FRAME + cases[i].cut_max);
		cut = plc_shorten_rt(pcm, FRAME, cases[i].cut_min, cases[i].cut_max,
				     cases[i].is_forced);
		CHECK(cases[i].name, (int)cut >= cases[i].lo && (int)cut <= cases[i].hi);
		CHECK(cases[i].name, worst_step(pcm, FRAME, before) < (int)slope + 400);
		CHECK_INT(cases[i].name, pcm[FRAME - 1],
			  tone_at(cases[i].hz, 8000, FRAME - 1 + cut));
	}
}

static void shortening_silence(void)
{
	int16_t pcm[FRAME * 2] = {0};

	CHECK_INT("all of it", plc_shorten_rt(pcm, FRAME, 40, 160, false), 160);
	CHECK_INT("a little", plc_shorten_rt(pcm, FRAME, 40, 3, false), 3);
}

static void lengthening(void)
{
	struct plc plc;
	int16_t pcm[FRAME];
	uint32_t added;

	warm_up(&plc, 200, 8000, FRAME);
	tone(200, 8000, 5 * FRAME, pcm, FRAME);
	added = plc_lengthen_rt(&plc, pcm, FRAME, 100, 180);
	CHECK("whole periods", added == 120 || added == 160);
	CHECK("no click", worst_step(pcm, FRAME, tone_at(200, 8000, -1)) < 1400);
	CHECK_INT("goes on where it will", pcm[FRAME - 1],
		  tone_at(200, 8000, 6 * FRAME - 1 - (int64_t)added));
	memset(pcm, 0, sizeof(pcm));
	plc_begin(&plc, 8000, memory);
	CHECK_INT("silence: just what is needed", plc_lengthen_rt(&plc, pcm, FRAME, 7, 90), 7);
}

void suite_plc(void)
{
	CHECK_SUITE("plc");
	CHECK_TEST(good_sound_is_untouched);
	CHECK_TEST(history_is_what_was_played);
	CHECK_TEST(a_tone_goes_on);
	CHECK_TEST(a_long_loss_fades);
	CHECK_TEST(nothing_to_go_on_with);
	CHECK_TEST(noise_makes_no_overflow);
	CHECK_TEST(return_in_phase);
	CHECK_TEST(silence_is_entered_softly);
	CHECK_TEST(shortening);
	CHECK_TEST(shortening_silence);
	CHECK_TEST(lengthening);
}
