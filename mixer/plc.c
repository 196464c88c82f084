#include "mixer/plc.h"

#include <assert.h>
#include <string.h>

#include "base/attr.h"

/* Design.
 *
 * Concealment repeats the last cycle of the waveform, as ITU-T G.711 Appendix I does, with four
 * differences. The lag is searched up to 20 ms, so it usually spans several pitch periods: less
 * buzz, and a fraction of a sample weighs less. The appendix delays all sound by 3.75 ms to blend
 * into the first cycle; we have no delay to give, so the step from the last real sample to the
 * cycle is added and decays within a millisecond. How long the sound is held before it fades
 * depends on how periodic it was. And on return, the real sound may be moved by a few samples to
 * meet the invented one in phase, where the jitter buffer allows it (after it waited).
 *
 * All figures were tuned with tests/bench/sound.c, on a tone and on speech, beside SpanDSP's plc
 * (lags of 5 to 15 ms, linear fade over 50 ms, a time-reversed blend at the start): level with it
 * in speech, a tenth of its glitches and less on a tone; docs/sound.md has the table.
 *
 * Similarity is the normalised cross-correlation of samples scaled to 11 bits, so that 32-bit sums
 * of a whole template cannot overflow and the compiler uses its 16-bit multiply-add. Above 8 kHz
 * the search takes every second (sixth) sample and lag, then refines.
 */

enum {
	LAG_MS_MIN = 5,
	CYCLE_MS_MAX = 20,
	TEMPLATE_MS = 10,
	FADE_MS = 50,
	RETURN_MS = 2,       /* cross-fade when sound comes back: all after it is real */
	RETURN_FADED_MS = 5, /* when what was invented has mostly faded */
	RETURN_TEMPLATE_MS = 10,
	SILENCE_MS = 5,
	SCALED_MAX = 2047,
	PLAIN_FRAME_MAX = 320, /* samples: 20 ms at 16 kHz */
	QUIET_RMS = 100        /* about -50 dBov: a splice is not heard */
};

#define GOOD_SIMILARITY 0.85f
#define TIDY_SIMILARITY 0.97f /* for less than a frame: nothing is won but a few ms */
#define EQUAL_SIMILARITY 0.01f

void plc_begin(struct plc *plc, uint32_t sample_hz, int16_t *memory)
{
	assert(sample_hz % 8000 == 0 && sample_hz > 0 && sample_hz <= PLC_SAMPLE_HZ_MAX);
	memset(memory, 0, plc_memory_samples(sample_hz) * sizeof(*memory));
	*plc = (struct plc){.per_ms = sample_hz / 1000, .history = memory};
	plc->steady = plc->per_ms * PLC_HISTORY_MS; /* of zeros */
	plc->cycle = memory + (size_t)plc->per_ms * PLC_HISTORY_MS;
}

bool plc_is_lost(const struct plc *plc)
{
	return plc->lost > 0;
}

bool plc_is_still(const struct plc *plc, int16_t *ret_value)
{
	if (plc->lost > 0 || plc->steady < plc->per_ms * PLC_HISTORY_MS)
		return false;
	*ret_value = plc->steady_value;
	return true;
}

static bool is_steady(const int16_t *pcm, uint32_t samples)
{
	int32_t differ = 0;

	for (uint32_t i = 0; i < samples; i++)
		differ |= pcm[i] ^ pcm[0];
	return differ == 0;
}

/* Silence after silence leaves the history as it is: its memory need not even be looked at. */
static bool remember_steady(struct plc *plc, const int16_t *pcm, uint32_t samples)
{
	uint32_t length = plc->per_ms * PLC_HISTORY_MS;

	if (!is_steady(pcm, samples)) {
		plc->steady = 0;
		return false;
	}
	if (plc->steady == 0 || pcm[0] != plc->steady_value) {
		plc->steady = 0;
		plc->steady_value = pcm[0];
	}
	if (plc->steady >= length)
		return true;
	plc->steady += samples;
	return false;
}

static void remember(struct plc *plc, const int16_t *pcm, uint32_t samples)
{
	uint32_t length = plc->per_ms * PLC_HISTORY_MS;

	if (samples == 0 || remember_steady(plc, pcm, samples))
		return;
	if (samples >= length) {
		memcpy(plc->history, pcm + samples - length, length * sizeof(*pcm));
		return;
	}
	memmove(plc->history, plc->history + samples, (length - samples) * sizeof(*pcm));
	memcpy(plc->history + length - samples, pcm, samples * sizeof(*pcm));
}

/* Similarity -------------------------------------------------------------------------------- */

static int32_t dot(const int16_t *a, const int16_t *b, uint32_t n)
{
	int32_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* Copies every stride-th sample, scaled so that the largest has 11 bits. */
static void scale_down(const int16_t *pcm, uint32_t samples, uint32_t stride, int16_t *out)
{
	int32_t peak = 0;
	int shift = 0;

	for (uint32_t i = 0; i < samples; i++) {
		int32_t v = pcm[i] < 0 ? -pcm[i] : pcm[i];

		peak = MAX_OF(peak, v);
	}
	while (peak >> shift > SCALED_MAX)
		shift++;
	for (uint32_t i = 0; i * stride < samples; i++)
		out[i] = (int16_t)(pcm[i * stride] >> shift);
}

/* Normalised correlation of two templates from their dot product and energies, squared with its
 * sign (the root is monotonic and costs). Two silences are alike. */
static float likeness(int32_t ab, int32_t aa, int32_t bb)
{
	if (aa == 0 || bb == 0)
		return aa == bb ? 1 : 0;
	return (float)ab * (float)(ab < 0 ? -ab : ab) / ((float)aa * (float)bb);
}

static float similarity(const int16_t *a, const int16_t *b, uint32_t n)
{
	return likeness(dot(a, b, n), dot(a, a, n), dot(b, b, n));
}

struct match {
	uint32_t lag;
	float value; /* similarity squared, with sign */
};

struct search {
	const int16_t *pcm; /* reference; pcm[i + direction * lag] must be readable */
	int direction;      /* -1: back, +1: ahead */
	uint32_t lag_min, lag_max;
	uint32_t length;    /* of the template */
	bool is_long_liked; /* of equals take the longest */
};

/* All lags of every stride-th, then the neighbours of the best at full rate. */
static struct match search_run(const struct search *s, uint32_t stride)
{
	int16_t scaled[PLC_HISTORY_MAX + PLC_FRAME_MAX];
	uint32_t before = s->direction < 0 ? s->lag_max : 0;
	uint32_t total = s->length + s->lag_max;
	const int16_t *from = s->pcm - before;
	const int16_t *at = scaled + before / stride;
	struct match best = {.lag = s->lag_min, .value = -2};
	const int16_t *other;
	int32_t aa, bb;
	uint32_t n;

	assert(before % stride == 0 && total <= ARRAY_LEN(scaled));
	scale_down(from, total, stride, scaled);
	n = s->length / stride;
	other = at + s->direction * (int32_t)(s->lag_min / stride);
	aa = dot(at, at, n);
	bb = dot(other, other, n);
	for (uint32_t lag = s->lag_min / stride; lag <= s->lag_max / stride; lag++) {
		float value = likeness(dot(at, other, n), aa, bb);
		float margin = s->is_long_liked ? -EQUAL_SIMILARITY : 0;

		if (value > best.value + margin)
			best = (struct match){lag * stride, MAX_OF(value, best.value)};
		if (lag == s->lag_max / stride)
			break;
		if (s->direction < 0) { /* the window slides by one sample */
			other--;
			bb += other[0] * other[0] - other[n] * other[n];
		} else {
			bb += other[n] * other[n] - other[0] * other[0];
			other++;
		}
	}
	if (stride > 1) {
		struct search fine = *s;

		fine.lag_min = MAX_OF(s->lag_min, best.lag - MIN_OF(best.lag, stride - 1));
		fine.lag_max = MIN_OF(s->lag_max, best.lag + stride - 1);
		return search_run(&fine, 1);
	}
	best.lag = MAX_OF(best.lag, s->lag_min);
	return best;
}

static uint32_t stride_of(uint32_t per_ms)
{
	return per_ms / 8;
}

static bool is_quiet(const int16_t *pcm, uint32_t samples)
{
	uint64_t energy = 0;

	for (uint32_t i = 0; i < samples; i++)
		energy += (uint64_t)(pcm[i] * pcm[i]);
	return energy < (uint64_t)QUIET_RMS * QUIET_RMS * samples;
}

static int16_t blend(int32_t from, int32_t to, uint32_t i, uint32_t n)
{
	return (int16_t)(from + (to - from) * (int32_t)(i + 1) / (int32_t)(n + 1));
}

/* Concealment ------------------------------------------------------------------------------- */

/* A steady tone or vowel may be trusted for long; the less periodic, the sooner it becomes wrong.
 */
static uint32_t hold_ms(float value)
{
	return value > 0.97f ? 60 : value > 0.8f ? 30 : value > 0.4f ? 10 : 5;
}

/* The last cycle of the history, its end blended into the cycle before, so that it joins itself. */
static void cycle_make(struct plc *plc)
{
	uint32_t length = plc->per_ms * PLC_HISTORY_MS;
	const int16_t *end = plc->history + length;
	struct search search = {.pcm = end - plc->per_ms * TEMPLATE_MS,
				.direction = -1,
				.lag_min = plc->per_ms * LAG_MS_MIN,
				.lag_max = plc->per_ms * CYCLE_MS_MAX,
				.length = plc->per_ms * TEMPLATE_MS};
	struct match match = search_run(&search, stride_of(plc->per_ms));
	uint32_t overlap;

	/* Noise repeated quickly sounds like a tone: the longest cycle, and it goes sooner. */
	if (match.value < 0.2f)
		match.lag = search.lag_max;
	plc->lag = match.lag;
	plc->at = 0;
	overlap = plc->lag / 4;
	memcpy(plc->cycle, end - plc->lag, plc->lag * sizeof(*end));
	for (uint32_t i = 0; i < overlap; i++)
		plc->cycle[plc->lag - overlap + i] = blend(
			end[(int32_t)i - (int32_t)overlap],
			end[(int32_t)i - (int32_t)overlap - (int32_t)plc->lag], i, overlap);
	plc->step = end[-1] - end[-1 - (int32_t)plc->lag];
	plc->hold = plc->per_ms * hold_ms(match.value);
	plc->fade = plc->per_ms * FADE_MS;
}

/* Goes on with the cycle, without remembering. */
static bool invent(struct plc *plc, int16_t *pcm, uint32_t samples)
{
	uint32_t silent_at = plc->hold + plc->fade, smooth = plc->per_ms;
	bool is_sound = plc->lost < silent_at;

	for (uint32_t i = 0; i < samples; i++, plc->lost++) {
		int32_t v = plc->cycle[plc->at];

		plc->at = plc->at + 1 == plc->lag ? 0 : plc->at + 1;
		if (plc->lost < smooth)
			v += plc->step * (int32_t)(smooth - plc->lost) / (int32_t)(smooth + 1);
		if (plc->lost >= silent_at)
			v = 0;
		else if (plc->lost >= plc->hold)
			v = v * (int32_t)(silent_at - plc->lost) / (int32_t)plc->fade;
		pcm[i] = (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
	}
	/* Hours of loss must not wrap the count. */
	plc->lost = MIN_OF(plc->lost, silent_at + 1);
	return is_sound;
}

bool plc_conceal_rt(struct plc *plc, int16_t *pcm, uint32_t samples)
{
	bool is_sound;

	assert(samples <= PLC_FRAME_MAX);
	if (plc->lost == 0)
		cycle_make(plc);
	is_sound = invent(plc, pcm, samples);
	remember(plc, pcm, samples);
	return is_sound;
}

void plc_silence_rt(struct plc *plc, int16_t *pcm, uint32_t samples)
{
	uint32_t n = MIN_OF(plc->per_ms * SILENCE_MS, samples);
	const int16_t *last = plc->history + plc->per_ms * PLC_HISTORY_MS - 1;

	memset(pcm, 0, samples * sizeof(*pcm));
	if (*last != 0 || plc->lost) { /* else it was silent before */
		(void)plc_conceal_rt(plc, pcm, n);
		for (uint32_t i = 0; i < n; i++)
			pcm[i] = blend(pcm[i], 0, i, n);
	}
	plc->lost = 0;
	plc->is_torn = false;
	remember(plc, pcm, samples);
}

void plc_tear_rt(struct plc *plc)
{
	if (plc->lost > 0)
		return;
	plc->is_torn = true;
	plc->lost = plc->hold + plc->fade + 1; /* all of it faded */
	plc->lag = MAX_OF(plc->lag, 1u);       /* it may be the first of all */
}

/* How far the real sound should move back to meet `invented` in phase. */
static uint32_t shift_find(const struct plc *plc, const int16_t *invented, const int16_t *pcm,
			   uint32_t max)
{
	uint32_t n = plc->per_ms * RETURN_TEMPLATE_MS;
	int16_t a[PLC_FRAME_MAX], b[PLC_FRAME_MAX];
	float here, best;
	uint32_t shift = 0;

	scale_down(invented, n + max, 1, a);
	scale_down(pcm, n, 1, b);
	here = best = similarity(a, b, n);
	for (uint32_t i = 1; i <= max; i++) {
		float value = similarity(a + i, b, n);

		if (value > best) {
			best = value;
			shift = i;
		}
	}
	return best > here + 0.05f && best > 0.3f ? shift : 0;
}

uint32_t plc_good_rt(struct plc *plc, int16_t *pcm, uint32_t samples, uint32_t shift_max)
{
	uint32_t template = plc->per_ms * RETURN_TEMPLATE_MS, overlap;
	int16_t invented[2 * PLC_FRAME_MAX];
	uint32_t shift = 0;
	bool is_faded;

	assert(samples <= PLC_FRAME_MAX);
	if (plc->lost && samples) {
		is_faded = plc->lost > plc->hold + plc->fade / 2 && !plc->is_torn;
		overlap = plc->per_ms * (is_faded ? RETURN_FADED_MS : RETURN_MS);
		overlap = MIN_OF(overlap, samples);
		shift_max = samples > template ? MIN_OF(shift_max, samples - template) : 0;
		(void)invent(plc, invented, shift_max + template);
		if (shift_max)
			shift = shift_find(plc, invented, pcm, shift_max);
		memmove(pcm + shift, pcm, (samples - shift) * sizeof(*pcm));
		memcpy(pcm, invented, shift * sizeof(*pcm));
		for (uint32_t i = shift; i < shift + overlap; i++)
			pcm[i] = blend(invented[i], pcm[i], i - shift, overlap);
		plc->lost = 0;
		plc->is_torn = false;
	}
	remember(plc, pcm, samples);
	return shift;
}

/* A frame is 10 or 20 ms. Up to 16 kHz every sample is looked at, at 48 kHz every sixth first. */
static uint32_t stretch_stride(uint32_t frame)
{
	return frame > PLAIN_FRAME_MAX ? 6 : 1;
}

const int16_t *plc_past(const struct plc *plc, uint32_t samples)
{
	assert(samples <= plc->per_ms * PLC_LAG_MS_MAX);
	return plc->history + plc->per_ms * PLC_HISTORY_MS - samples;
}

/* Time-scale -------------------------------------------------------------------------------- */

uint32_t plc_shorten_rt(int16_t *pcm, uint32_t frame, uint32_t cut_min, uint32_t cut_max,
			bool is_forced)
{
	uint32_t splice = frame / 2;
	struct search search = {.pcm = pcm,
				.direction = 1,
				.lag_min = cut_min,
				.lag_max = cut_max,
				.length = splice,
				.is_long_liked = true};
	struct match match;

	assert(cut_min >= 1 && cut_max >= 1 && splice >= 1);
	if (is_quiet(pcm, frame + cut_max)) {
		match.lag = cut_max;
	} else if (cut_min > cut_max) {
		return 0;
	} else {
		match = search_run(&search, stretch_stride(frame));
		if (match.value < (cut_max < frame ? TIDY_SIMILARITY : GOOD_SIMILARITY) &&
		    !is_forced)
			return 0;
	}
	for (uint32_t i = 0; i < splice; i++)
		pcm[i] = blend(pcm[i], pcm[i + match.lag], i, splice);
	memmove(pcm + splice, pcm + splice + match.lag, (frame - splice) * sizeof(*pcm));
	return match.lag;
}

uint32_t plc_lengthen_rt(const struct plc *plc, int16_t *pcm, uint32_t frame, uint32_t add_min,
			 uint32_t add_max)
{
	int16_t line[PLC_LAG_MAX + PLC_FRAME_MAX], *now = line + add_max;
	uint32_t splice = frame / 2;
	struct search search = {.pcm = now,
				.direction = -1,
				.lag_min = add_min,
				.lag_max = add_max,
				.length = splice};
	struct match match;

	assert(add_min >= 1 && add_min <= add_max && add_max <= plc->per_ms * PLC_LAG_MS_MAX);
	assert(frame <= PLC_FRAME_MAX);
	memcpy(line, plc_past(plc, add_max), add_max * sizeof(*pcm));
	memcpy(now, pcm, frame * sizeof(*pcm));
	if (is_quiet(line, add_max + frame)) {
		match.lag = add_min;
	} else {
		search.lag_max -= search.lag_max % stretch_stride(frame);
		search.lag_max = MAX_OF(search.lag_max, search.lag_min);
		match = search_run(&search, stretch_stride(frame));
		if (match.value < GOOD_SIMILARITY)
			return 0;
	}
	for (uint32_t i = 0; i < frame; i++) {
		int16_t back = now[(int32_t)i - (int32_t)match.lag];

		pcm[i] = i < splice ? blend(now[i], back, i, splice) : back;
	}
	return match.lag;
}
