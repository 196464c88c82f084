#include "mixer/resample.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/attr.h"

/* Design. All rates are whole multiples of each other, so one prototype per factor serves both
 * ways: downwards every factor-th output of the long filter, upwards one of its phases per output.
 * Coefficients have 14 bits behind the point: a dot product of 16-bit numbers then fits 32 bits
 * whatever the signal (the sum of their magnitudes is below 2), and compilers make it vector code.
 *
 * speexdsp's resampler was looked at: it does the same, but keeps a filter table in each state (1
 * to 4 KiB), and makes it with malloc. Here a state is 0.5 KiB without pointers, so every leg has
 * its two from the start, and nothing has to be handed over when a wideband leg joins. */

enum { COEF_BITS = 14, COEFS_MAX = RESAMPLE_TAPS * RESAMPLE_FACTOR_MAX };

#define CUTOFF 0.482 /* of the lower rate: the middle of the slope */
#define KAISER_BETA 6.4

/* Both stored backwards, so that they are applied to history in its order. */
struct filter {
	uint32_t factor;
	int16_t down[COEFS_MAX]; /* the whole prototype */
	int16_t up[RESAMPLE_FACTOR_MAX]
		  [RESAMPLE_TAPS]; /* its phases, with the gain of the factor */
};

static struct filter filters[] = {{.factor = 2}, {.factor = 3}, {.factor = 6}};

static double bessel_i0(double x)
{
	double sum = 1, term = 1;

	for (int k = 1; k < 40; k++) {
		term *= x / (2 * k) * (x / (2 * k));
		sum += term;
	}
	return sum;
}

/* Tap i of the prototype, whose taps add up to about 1. */
static double prototype(uint32_t i, uint32_t taps, uint32_t factor)
{
	double at = i - (taps - 1) / 2.0, edge = 2 * at / taps;
	double x = M_PI * 2 * CUTOFF / factor * at;
	double sinc = fabs(x) < 1e-9 ? 1 : sin(x) / x;

	return 2 * CUTOFF / factor * sinc * bessel_i0(KAISER_BETA * sqrt(1 - edge * edge)) /
	       bessel_i0(KAISER_BETA);
}

static int16_t coef(double value)
{
	return (int16_t)lrint(value * (1 << COEF_BITS));
}

static void filter_make(struct filter *filter)
{
	uint32_t taps = RESAMPLE_TAPS * filter->factor;
	double sum = 0;

	for (uint32_t i = 0; i < taps; i++)
		sum += prototype(i, taps, filter->factor);
	for (uint32_t i = 0; i < taps; i++)
		filter->down[i] = coef(prototype(i, taps, filter->factor) / sum);
	for (uint32_t phase = 0; phase < filter->factor; phase++) {
		double phase_sum = 0;

		/* Each phase passes a constant as it is, or the output would hum at the lower rate.
		 */
		for (uint32_t k = 0; k < RESAMPLE_TAPS; k++)
			phase_sum += prototype(k * filter->factor + phase, taps, filter->factor);
		for (uint32_t k = 0; k < RESAMPLE_TAPS; k++)
			filter->up[phase][RESAMPLE_TAPS - 1 - k] = coef(
				prototype(k * filter->factor + phase, taps, filter->factor) /
				phase_sum);
	}
}

static void filters_make(void)
{
	for (uint32_t i = 0; i < ARRAY_LEN(filters); i++)
		filter_make(&filters[i]);
}

void resample_init_tables(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, filters_make);
}

static const struct filter *filter_of(uint32_t factor)
{
	return &filters[factor == 2 ? 0 : factor == 3 ? 1 : 2];
}

void resample_begin_rt(struct resample *r, uint32_t from_hz, uint32_t to_hz)
{
	bool is_up = to_hz > from_hz;

	resample_init_tables();
	assert(from_hz != to_hz);
	r->from_hz = from_hz;
	r->to_hz = to_hz;
	r->is_up = is_up;
	r->factor = (uint8_t)(is_up ? to_hz / from_hz : from_hz / to_hz);
	assert(r->factor == 2 || r->factor == 3 || r->factor == 6);
	memset(r->history, 0, sizeof(r->history));
}

static int16_t dot(const int16_t *restrict line, const int16_t *restrict coefs, uint32_t taps)
{
	int32_t sum = 1 << (COEF_BITS - 1);

	for (uint32_t i = 0; i < taps; i++)
		sum += line[i] * coefs[i];
	sum >>= COEF_BITS;
	sum = sum > INT16_MAX ? INT16_MAX : sum;
	return (int16_t)(sum < INT16_MIN ? INT16_MIN : sum);
}

/* History and the new samples in one line; the last `keep` of it are the next history. */
static void line_make(struct resample *r, const int16_t *in, uint32_t samples, uint32_t keep,
		      int16_t *line)
{
	memcpy(line, r->history, keep * sizeof(*line));
	memcpy(line + keep, in, samples * sizeof(*line));
	memcpy(r->history, line + samples, keep * sizeof(*line));
}

static uint32_t up(struct resample *r, const int16_t *in, uint32_t samples, int16_t *out)
{
	const struct filter *filter = filter_of(r->factor);
	int16_t line[RESAMPLE_TAPS + RESAMPLE_FRAME_MAX];

	line_make(r, in, samples, RESAMPLE_TAPS, line);
	for (uint32_t i = 0; i < samples; i++)
		for (uint32_t phase = 0; phase < r->factor; phase++)
			*out++ = dot(line + i + 1, filter->up[phase], RESAMPLE_TAPS);
	return samples * r->factor;
}

static uint32_t down(struct resample *r, const int16_t *in, uint32_t samples, int16_t *out)
{
	const struct filter *filter = filter_of(r->factor);
	uint32_t taps = RESAMPLE_TAPS * (uint32_t)r->factor, count = samples / r->factor;
	int16_t line[RESAMPLE_HISTORY_MAX + RESAMPLE_FRAME_MAX];

	line_make(r, in, samples, taps, line);
	for (uint32_t i = 0; i < count; i++)
		out[i] = dot(line + (i + 1) * r->factor, filter->down, taps);
	return count;
}

uint32_t resample_rt(struct resample *r, const int16_t *in, uint32_t samples, int16_t *out)
{
	assert(r->factor > 0 && samples <= RESAMPLE_FRAME_MAX);
	if (r->is_up) {
		assert(samples * r->factor <= RESAMPLE_FRAME_MAX);
		return up(r, in, samples, out);
	}
	assert(samples % r->factor == 0);
	return down(r, in, samples, out);
}
