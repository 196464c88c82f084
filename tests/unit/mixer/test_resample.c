/* tests/unit/mixer/test_resample.c -- tones from one rate to another: what stays, what must go. */
#include "mixer/resample.h"

#include <math.h>
#include <string.h>

#include "base/attr.h"
#include "tests/support/check.h"

enum { FRAMES = 20, FRAME_MS = 20 };

/* Power of `hz` in pcm, and of all the rest, in dB below full scale. */
static void analyse(const int16_t *pcm, uint32_t samples, double hz, uint32_t rate,
		    double *ret_tone_db, double *ret_rest_db)
{
	double re = 0, im = 0, power = 0;

	for (uint32_t i = 0; i < samples; i++) {
		re += pcm[i] * cos(2 * M_PI * hz * i / rate);
		im += pcm[i] * sin(2 * M_PI * hz * i / rate);
		power += (double)pcm[i] * pcm[i];
	}
	re *= 2.0 / samples;
	im *= 2.0 / samples;
	power /= samples;
	*ret_tone_db = 20 * log10(sqrt(re * re + im * im) / 32767 + 1e-9);
	*ret_rest_db = 10 * log10(fmax(power - (re * re + im * im) / 2, 0) / (32767.0 * 32767 / 2) +
				  1e-9);
}

/* One second of a tone through r, in frames; returns what came of its second half. */
static uint32_t run(struct resample *r, double hz, double amplitude, int16_t *out)
{
	uint32_t in_samples = r->from_hz / 1000 * FRAME_MS, have = 0;
	int16_t in[48 * FRAME_MS], frame[48 * FRAME_MS];

	for (uint32_t k = 0; k < 2 * FRAMES; k++) {
		for (uint32_t i = 0; i < in_samples; i++)
			in[i] = (int16_t)lrint(
				amplitude * sin(2 * M_PI * hz * (k * in_samples + i) / r->from_hz));
		uint32_t n = resample_rt(r, in, in_samples, frame);

		CHECK_INT("length", n, r->to_hz / 1000 * FRAME_MS);
		if (k < FRAMES)
			continue;
		memcpy(out + have, frame, n * sizeof(*out));
		have += n;
	}
	return have;
}

static void tones_pass_and_images_do_not(void)
{
	static const struct {
		const char *row;
		uint32_t from_hz, to_hz;
		double hz;
		bool passes;
	} cases[] = {
		{"300 Hz up", 8000, 16000, 300, true},
		{"1 kHz up", 8000, 16000, 1000, true},
		{"3.4 kHz up", 8000, 16000, 3400, true},
		{"1 kHz to 48", 8000, 48000, 1000, true},
		{"3.4 kHz to 48", 8000, 48000, 3400, true},
		{"6.5 kHz to 48", 16000, 48000, 6500, true},
		{"1 kHz down", 16000, 8000, 1000, true},
		{"3.4 kHz down", 16000, 8000, 3400, true},
		{"4.6 kHz must go", 16000, 8000, 4600, false},
		{"7 kHz must go", 16000, 8000, 7000, false},
		{"1 kHz from 48", 48000, 8000, 1000, true},
		{"5 kHz must go", 48000, 8000, 5000, false},
		{"12 kHz must go", 48000, 8000, 12000, false},
		{"6.5 kHz from 48", 48000, 16000, 6500, true},
		{"9.5 kHz must go", 48000, 16000, 9500, false},
		{"20 kHz must go", 48000, 16000, 20000, false},
	};

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		static int16_t out[48 * FRAME_MS * FRAMES];
		struct resample r;
		double tone_db, rest_db;
		uint32_t have;

		resample_begin_rt(&r, cases[n].from_hz, cases[n].to_hz);
		have = run(&r, cases[n].hz, 16384, out);
		analyse(out, have, cases[n].hz, cases[n].to_hz, &tone_db, &rest_db);
		if (cases[n].passes) {
			CHECK(cases[n].row, tone_db > -6.3 && tone_db < -5.8);
			CHECK(cases[n].row, rest_db < tone_db - 55);
		} else {
			CHECK(cases[n].row, rest_db < -60);
		}
	}
}

/* A constant stays that constant, in every phase. */
static void constants_stay(void)
{
	static const uint32_t rates[] = {8000, 16000, 48000};

	for (size_t a = 0; a < ARRAY_LEN(rates); a++)
		for (size_t b = 0; b < ARRAY_LEN(rates); b++) {
			struct resample r;
			int16_t in[48 * FRAME_MS], out[48 * FRAME_MS];
			uint32_t n = 0;
			int worst = 0;

			if (a == b)
				continue;
			resample_begin_rt(&r, rates[a], rates[b]);
			for (uint32_t i = 0; i < ARRAY_LEN(in); i++)
				in[i] = 10000;
			for (int k = 0; k < 3; k++)
				n = resample_rt(&r, in, rates[a] / 1000 * FRAME_MS, out);
			for (uint32_t i = 0; i < n; i++)
				worst = MAX_OF(worst,
					       out[i] > 10000 ? out[i] - 10000 : 10000 - out[i]);
			CHECK("within the rounding of the taps", worst <= 20);
		}
}

/* However the stream is cut into frames, the samples are the same. */
static void cuts_do_not_matter(void)
{
	static const uint32_t rates[] = {8000, 16000, 48000};

	for (size_t a = 0; a < ARRAY_LEN(rates); a++)
		for (size_t b = 0; b < ARRAY_LEN(rates); b++) {
			static int16_t in[48 * 40], whole[48 * 40], parts[48 * 40];
			uint32_t per_ms = rates[a] / 1000, got = 0, seed = 1;
			struct resample one, many;

			if (a == b)
				continue;
			for (uint32_t i = 0; i < per_ms * 40; i++)
				in[i] = (int16_t)((seed = seed * 1664525 + 1013904223) >> 17);
			resample_begin_rt(&one, rates[a], rates[b]);
			resample_begin_rt(&many, rates[a], rates[b]);
			CHECK_INT(NULL, resample_rt(&one, in, per_ms * 40, whole),
				  rates[b] / 1000 * 40);
			for (uint32_t ms = 0; ms < 40; ms += 10)
				got += resample_rt(&many, in + ms * per_ms, per_ms * 10,
						   parts + got);
			CHECK_INT(NULL, got, rates[b] / 1000 * 40);
			CHECK("the same", memcmp(whole, parts, got * sizeof(*parts)) == 0);
		}
}

/* Full-scale noise must not wrap. */
static void loud_sound_saturates(void)
{
	int16_t in[160], out[960];
	struct resample r;
	uint32_t wraps = 0;

	resample_begin_rt(&r, 8000, 48000);
	for (uint32_t i = 0; i < 160; i++)
		in[i] = (i / 8) % 2 ? INT16_MIN : INT16_MAX;
	(void)resample_rt(&r, in, 160, out);
	(void)resample_rt(&r, in, 160, out);
	for (uint32_t i = 1; i < 960; i++)
		wraps += out[i] - out[i - 1] > 40000 || out[i] - out[i - 1] < -40000;
	CHECK_INT("no jump across the range", wraps, 0);
}

void suite_resample(void)
{
	CHECK_SUITE("resample");
	CHECK_TEST(tones_pass_and_images_do_not);
	CHECK_TEST(constants_stay);
	CHECK_TEST(cuts_do_not_matter);
	CHECK_TEST(loud_sound_saturates);
}
