/* tests/unit/mixer/test_strip.c */
#include "mixer/strip.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "media.h"
#include "mixer/level.h"
#include "mixer/rt_trap.h"
#include "tests/support/check.h"

enum { FRAME_MS = 20, SAMPLES_MAX = 960 };

/* A talker before the strip: what it says is made frame by frame. */
struct source {
	struct strip *strip;
	struct level_talk talk;
	struct random random;
	uint32_t hz;
	uint64_t at; /* samples so far */
	int16_t in[SAMPLES_MAX];
	struct strip_frame out;
	char digits[64];
	uint32_t digit_count, digit_ms;
};

static void begin(struct source *s, const struct strip_wish *wish, uint32_t hz)
{
	*s = (struct source){.hz = hz};
	if (!CHECK_INT("new", strip_new(wish, 7, &s->strip), 0))
		CU_FAIL_FATAL("no strip");
	level_talk_init(&s->talk);
	random_init_seeded(&s->random, 5);
}

/* One frame of s->in, on the worker as far as the trap knows. */
static void run(struct source *s)
{
	uint32_t samples = s->hz / 1000 * FRAME_MS;

	s->out = (struct strip_frame){.pcm = s->in, .samples = samples, .sample_hz = s->hz};
	s->out.level = level_pcm(s->in, samples);
	s->out.is_talking = level_talk_rt(&s->talk, s->out.level, FRAME_MS);
	rt_trap_enter();
	strip_run_rt(s->strip, &s->out);
	rt_trap_leave();
	s->at += samples;
	if (s->out.digit && s->digit_count < sizeof(s->digits) - 1) {
		s->digits[s->digit_count++] = s->out.digit;
		s->digit_ms = s->out.digit_ms;
	}
}

static double noise(struct source *s)
{
	return (double)random_below(&s->random, 65536) / 32768 - 1;
}

/* Syllables: noise that swells and fades four times a second. */
static void run_speech(struct source *s, uint32_t frames, double amplitude)
{
	for (; frames > 0; frames--) {
		for (uint32_t i = 0; i < s->hz / 1000 * FRAME_MS; i++) {
			double t = (double)(s->at + i) / s->hz;

			s->in[i] = (int16_t)(amplitude * pow(sin(M_PI * 4 * t), 2) * noise(s));
		}
		run(s);
	}
}

static void run_tone(struct source *s, uint32_t frames, double hz, double amplitude)
{
	for (; frames > 0; frames--) {
		for (uint32_t i = 0; i < s->hz / 1000 * FRAME_MS; i++)
			s->in[i] = (int16_t)(amplitude *
					     sin(2 * M_PI * hz * (double)(s->at + i) / s->hz));
		run(s);
	}
}

static void run_noise(struct source *s, uint32_t frames, double amplitude)
{
	for (; frames > 0; frames--) {
		for (uint32_t i = 0; i < s->hz / 1000 * FRAME_MS; i++)
			s->in[i] = (int16_t)(amplitude * noise(s));
		run(s);
	}
}

/* Digits ------------------------------------------------------------------------------------ */

static void tone_pair(char digit, double *ret_low, double *ret_high)
{
	static const char pad[] = "123A456B789C*0#D";
	static const double low[] = {697, 770, 852, 941}, high[] = {1209, 1336, 1477, 1633};
	size_t at = (size_t)(strchr(pad, digit) - pad);

	*ret_low = low[at / 4];
	*ret_high = high[at % 4];
}

/* From sample `from` to `to` of a clip of `frames` frames the tone sounds. Returns the loudest
 * sample that comes out. */
static int32_t run_digit(struct source *s, char digit, uint32_t from, uint32_t to, uint32_t frames)
{
	uint32_t samples = s->hz / 1000 * FRAME_MS, at = 0;
	int32_t loudest = 0;
	double low, high;

	tone_pair(digit, &low, &high);
	for (uint32_t frame = 0; frame < frames; frame++) {
		for (uint32_t i = 0; i < samples; i++, at++) {
			double t = (double)at / s->hz, on = at >= from && at < to ? 4000 : 0;

			s->in[i] = (int16_t)(on * sin(2 * M_PI * low * t) +
					     on * sin(2 * M_PI * high * t));
		}
		run(s);
		for (uint32_t i = 0; i < samples; i++)
			loudest = MAX_OF(loudest, abs(s->out.pcm[i]));
	}
	return loudest;
}

/* However it lies in the frames, each digit is told once, with about its length, and nothing of it
 * comes through. */
static void digits_are_told_and_not_heard(void)
{
	static const char all[] = "1234567890*#ABCD";
	static const struct strip_wish wish = {.has_digits = true};
	static const uint32_t rates[] = {8000, 16000, 48000}, lengths_ms[] = {60, 100, 400};

	for (size_t r = 0; r < ARRAY_LEN(rates); r++) {
		uint32_t ms = rates[r] / 1000;

		for (size_t l = 0; l < ARRAY_LEN(lengths_ms); l++) {
			struct source s;
			uint32_t told = 0, want = 0, leaks = 0, lengths_wrong = 0;

			begin(&s, &wish, rates[r]);
			for (uint32_t k = 0; k < 48; k++) {
				uint32_t from = 40 * ms + k * 7 * ms / 16, length = lengths_ms[l];
				char digit = all[k % 16];

				s.digit_count = 0;
				leaks += run_digit(&s, digit, from, from + length * ms,
						   length / FRAME_MS + 10) > 200;
				told += s.digit_count == 1 && s.digits[0] == digit;
				lengths_wrong += s.digit_ms + 40 < length ||
						 s.digit_ms > length + 40;
				want++;
			}
			CHECK_INT("told once", told, want);
			CHECK_INT("about as long", lengths_wrong, 0);
			CHECK_INT("not heard", leaks, 0);
			strip_free(s.strip);
		}
	}
}

static void speech_is_no_digit_and_comes_later(void)
{
	static const struct strip_wish wish = {.has_digits = true};
	static int16_t before[STRIP_HOLD_FRAMES][160];
	uint32_t wrong = 0;
	struct source s;

	begin(&s, &wish, 8000);
	for (uint32_t i = 0; i < 3000; i++) {
		run_speech(&s, 1, 8000);
		if (i >= STRIP_HOLD_FRAMES)
			wrong += memcmp(s.out.pcm, before[i % STRIP_HOLD_FRAMES],
					sizeof(before[0])) != 0;
		memcpy(before[i % STRIP_HOLD_FRAMES], s.in, sizeof(before[0]));
	}
	CHECK_INT("digits", s.digit_count, 0);
	CHECK_INT("otherwise as it was", wrong, 0);
	strip_free(s.strip);
}

/* Noise ------------------------------------------------------------------------------------- */

static void noise_is_taken_away(void)
{
	static const struct strip_wish wish = {.has_denoise = true};
	static const uint32_t rates[] = {8000, 16000, 48000};

	for (size_t r = 0; r < ARRAY_LEN(rates); r++) {
		struct source s;
		uint8_t noisy, speech;

		begin(&s, &wish, rates[r]);
		run_noise(&s, 200, 300);
		noisy = level_pcm(s.in, s.out.samples);
		CHECK("a dozen dB softer", s.out.level >= noisy + 12);
		speech = MEDIA_LEVEL_SILENT;
		for (int i = 0; i < 25; i++) { /* two words, one of their loudest moments */
			run_speech(&s, 1, 12000);
			speech = MIN_OF(speech, s.out.level);
		}
		CHECK("speech stays", speech <= 18);
		strip_free(s.strip);
	}
}

/* Level ------------------------------------------------------------------------------------- */

/* Loudest frame in half a second of speech. */
static uint8_t loudness(struct source *s, double amplitude)
{
	uint8_t loudest = MEDIA_LEVEL_SILENT;

	for (int i = 0; i < 25; i++) {
		run_speech(s, 1, amplitude);
		loudest = MIN_OF(loudest, s->out.level);
	}
	return loudest;
}

static void speech_is_brought_to_the_target(void)
{
	static const struct strip_wish wish = {.has_level = true, .level_dbov = 20};
	static const struct {
		const char *row;
		double amplitude;
		float gain_db_min, gain_db_max;
	} cases[] = {
		{"a whisper: as far as the gain goes", 600, 19, 20},
		{"soft", 1200, 12, 19},
		{"as it should be", 6500, -2, 4},
		{"loud", 30000, -12, -9},
	};

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		struct source s;
		float gain;

		begin(&s, &wish, 8000);
		run_speech(&s, 1200, cases[n].amplitude);
		gain = strip_gain_db(s.strip);
		CHECK(cases[n].row, gain >= cases[n].gain_db_min && gain <= cases[n].gain_db_max);
		CHECK(cases[n].row, n == 0 || (loudness(&s, cases[n].amplitude) >= 14 &&
					       loudness(&s, cases[n].amplitude) <= 21));
		strip_free(s.strip);
	}
}

/* Dial tones, hum and silence are no speech: the gain stays where the voice left it. */
static void what_is_no_speech_moves_nothing(void)
{
	static const struct strip_wish wish = {.has_level = true, .level_dbov = 20};
	struct source s;
	float gain;

	begin(&s, &wish, 8000);
	run_tone(&s, 1000, 440, 300);
	CHECK_NEAR("a soft tone at first", strip_gain_db(s.strip), 0, 0.01);
	run_speech(&s, 600, 2500);
	gain = strip_gain_db(s.strip);
	CHECK("speech was soft", gain > 4);
	run_tone(&s, 1000, 440, 300);
	CHECK_NEAR("a soft tone", strip_gain_db(s.strip), gain, 1.6);
	run_tone(&s, 1000, 440, 3000);
	CHECK_NEAR("a loud tone", strip_gain_db(s.strip), gain, 3);
	gain = strip_gain_db(s.strip);
	run_tone(&s, 1000, 0, 0);
	CHECK_NEAR("silence", strip_gain_db(s.strip), gain, 0.01);
	run_noise(&s, 1000, 50);
	CHECK_NEAR("hiss", strip_gain_db(s.strip), gain, 0.01);
	strip_free(s.strip);
}

/* Somebody who spoke softly shouts: nothing is clipped, and there is no step in the sound. */
static void a_shout_is_not_clipped(void)
{
	static const struct strip_wish wish = {.has_level = true, .level_dbov = 20};
	struct source s;
	uint32_t full = 0;

	begin(&s, &wish, 16000);
	run_speech(&s, 600, 1500);
	for (int i = 0; i < 50; i++) {
		run_speech(&s, 1, 28000);
		for (uint32_t k = s.out.samples / 4; k < s.out.samples; k++)
			full += s.out.pcm[k] == INT16_MAX || s.out.pcm[k] == INT16_MIN;
	}
	CHECK_INT("at full scale", full, 0);
	strip_free(s.strip);
}

static void rates_may_change(void)
{
	static const struct strip_wish wish = {
		.has_digits = true, .has_denoise = true, .has_level = true};
	static const uint32_t rates[] = {8000, 48000, 16000, 8000, 16000, 48000};
	struct source s;

	begin(&s, &wish, 8000);
	for (size_t r = 0; r < ARRAY_LEN(rates); r++) {
		s.hz = rates[r];
		run_speech(&s, 30, 6000);
		CHECK("is heard", loudness(&s, 6000) < 40);
		CHECK_INT("as long as it was", s.out.samples, rates[r] / 1000 * FRAME_MS);
	}
	CHECK_INT("no digit", s.digit_count, 0);
	strip_free(s.strip);
}

void suite_strip(void)
{
	CHECK_SUITE("strip");
	CHECK_TEST(digits_are_told_and_not_heard);
	CHECK_TEST(speech_is_no_digit_and_comes_later);
	CHECK_TEST(noise_is_taken_away);
	CHECK_TEST(speech_is_brought_to_the_target);
	CHECK_TEST(what_is_no_speech_moves_nothing);
	CHECK_TEST(a_shout_is_not_clipped);
	CHECK_TEST(rates_may_change);
}
