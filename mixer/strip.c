#include "mixer/strip.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <spandsp.h>
#include <speex/speex_preprocess.h>

#include "media.h"
#include "mixer/level.h"
#include "mixer/resample.h"

/* Design of the level. The gain follows an estimate of how loud this person speaks: a mean over
 * frames of speech that are not softer than its loudest by more than TAIL_DB, so that pauses and
 * trailing words do not count. It goes up slowly (noise would come up in a pause, and a shout is
 * forgiven) and down faster. speexdsp's own control exists in floating point only, and is moved by
 * any steady tone. */

enum {
	FRAME_MS = 20,
	SAMPLES_MAX = 48 * FRAME_MS,
	DIGIT_HZ = 8000,
	HISTORY = 25,                       /* frames that count: half a second */
	LIVELY_DB = 2,                      /* the middle half of speech spans as much */
	TAIL_DB = 12,                       /* below the loudest lately: the end of a word */
	PEAK_MAX = 30000,                   /* of what leaves here */
	SILENT_PEAK = 8,                    /* as intake.c has it */
	SILENT_MAX = STRIP_HOLD_FRAMES + 2, /* so long may something still come out of noise */
	NOISE_DB = -18                      /* suppressed by at most so much */
};

#define LOUDEST_FALL_DB 0.2f /* per frame: 10 dB in a second */
#define SPEECH_PART 0.03f    /* of a frame in the mean: two thirds of a second */
#define RISE_DB 0.06f        /* per frame: 3 dB in a second */
#define FALL_DB 0.4f         /* 20 dB in a second */

struct digits_in {
	dtmf_rx_state_t *rx;
	struct resample down;
	uint32_t down_from_hz; /* 0: not begun */
	char now;              /* the tone that is heard, 0 none */
	bool was_heard;        /* in this frame, if only for a part of it */
	char ended;
	uint32_t frames, ended_frames;
	int16_t held[STRIP_HOLD_FRAMES][SAMPLES_MAX];
	uint32_t held_hz;
	uint8_t at;
};

struct leveller {
	float speech_db, loudest_db, gain_db, gain; /* gain: as the last sample had it */
	uint8_t history[HISTORY], at, heard;        /* levels of frames that count, in a ring */
	bool has_speech;
};

struct strip {
	struct strip_links links;
	struct strip_wish wish;
	struct leveller leveller;
	SpeexPreprocessState *denoise[STRIP_RATES];
	struct digits_in *digits;
	uint8_t silent; /* frames of digital silence in a row */
	int16_t pcm[SAMPLES_MAX];
};

/* Life -------------------------------------------------------------------------------------- */

static void on_tone(void *arg, int code, int level, int delay)
{
	struct digits_in *digits = arg;

	(void)level;
	(void)delay;
	if (digits->now && digits->now != code) {
		digits->ended = digits->now;
		digits->ended_frames = digits->frames;
		digits->frames = 0;
	}
	digits->now = (char)code;
	digits->was_heard = true;
}

static int digits_make(struct strip *strip)
{
	struct digits_in *digits = calloc(1, sizeof(*digits));

	strip->digits = digits;
	if (!digits)
		return -ENOMEM;
	digits->rx = dtmf_rx_init(NULL, NULL, NULL);
	if (!digits->rx)
		return -ENOMEM;
	dtmf_rx_set_realtime_callback(digits->rx, on_tone, digits);
	resample_init_tables();
	return 0;
}

static uint32_t rate_hz(uint32_t rate)
{
	return rate == 0 ? 8000 : rate == 1 ? 16000 : 48000;
}

static uint32_t rate_of(uint32_t hz)
{
	return hz == 8000 ? 0 : hz == 16000 ? 1 : 2;
}

static int denoise_make(struct strip *strip, uint8_t rates)
{
	int on = 1, noise_db = NOISE_DB;

	for (uint32_t rate = 0; rate < STRIP_RATES; rate++) {
		SpeexPreprocessState *state;
		int hz = (int)rate_hz(rate);

		if (!(rates >> rate & 1))
			continue;
		state = speex_preprocess_state_init(hz / 1000 * FRAME_MS, hz);
		if (!state)
			return -ENOMEM;
		strip->denoise[rate] = state;
		(void)speex_preprocess_ctl(state, SPEEX_PREPROCESS_SET_DENOISE, &on);
		(void)speex_preprocess_ctl(state, SPEEX_PREPROCESS_SET_NOISE_SUPPRESS, &noise_db);
	}
	return 0;
}

int strip_new(const struct strip_wish *wish, uint8_t rates, struct strip **ret_strip)
{
	struct strip *strip = calloc(1, sizeof(*strip));
	int err = 0;

	if (!strip)
		return -ENOMEM;
	list_init(&strip->links.node);
	list_init(&strip->links.owned);
	strip->wish = *wish;
	if (strip->wish.level_dbov == 0)
		strip->wish.level_dbov = STRIP_LEVEL_DBOV_DEFAULT;
	strip->leveller.gain = 1;
	strip->leveller.loudest_db = -MEDIA_LEVEL_SILENT;
	if (wish->has_digits)
		err = digits_make(strip);
	if (err == 0 && wish->has_denoise)
		err = denoise_make(strip, rates);
	if (err) {
		strip_free(strip);
		return err;
	}
	*ret_strip = strip;
	return 0;
}

struct strip *strip_free(struct strip *strip)
{
	if (!strip)
		return NULL;
	if (strip->digits && strip->digits->rx)
		dtmf_rx_free(strip->digits->rx);
	free(strip->digits);
	for (uint32_t rate = 0; rate < STRIP_RATES; rate++)
		if (strip->denoise[rate])
			speex_preprocess_state_destroy(strip->denoise[rate]);
	list_remove(&strip->links.owned);
	free(strip);
	return NULL;
}

struct strip_links *strip_links(struct strip *strip)
{
	return &strip->links;
}

struct strip *strip_of_node(struct list *node)
{
	return LIST_ENTRY(node, struct strip, links.node);
}

struct strip *strip_of_owned(struct list *owned)
{
	return LIST_ENTRY(owned, struct strip, links.owned);
}

/* Digits ------------------------------------------------------------------------------------ */

static void digits_hear(struct digits_in *digits, const struct strip_frame *frame)
{
	int16_t narrow[DIGIT_HZ / 1000 * FRAME_MS];
	const int16_t *pcm = frame->pcm;

	if (frame->sample_hz != DIGIT_HZ) {
		if (digits->down_from_hz != frame->sample_hz)
			resample_begin_rt(&digits->down, frame->sample_hz, DIGIT_HZ);
		(void)resample_rt(&digits->down, frame->pcm, frame->samples, narrow);
		pcm = narrow;
	}
	digits->down_from_hz = frame->sample_hz == DIGIT_HZ ? 0 : frame->sample_hz;
	digits->ended = 0;
	digits->was_heard = digits->now != 0;
	digits->frames += digits->now != 0;
	(void)dtmf_rx(digits->rx, pcm, (int)(sizeof(narrow) / sizeof(narrow[0])));
}

/* The frame goes in, the one of STRIP_HOLD_FRAMES ago comes out, unless a tone was in between. */
static void digits_run(struct strip *strip, struct strip_frame *frame)
{
	struct digits_in *digits = strip->digits;
	size_t octets = frame->samples * sizeof(strip->pcm[0]);

	digits_hear(digits, frame);
	if (digits->was_heard || digits->held_hz != frame->sample_hz)
		memset(digits->held, 0, sizeof(digits->held));
	digits->held_hz = frame->sample_hz;
	memcpy(strip->pcm, digits->held[digits->at], octets);
	if (digits->was_heard)
		memset(digits->held[digits->at], 0, octets);
	else
		memcpy(digits->held[digits->at], frame->pcm, octets);
	digits->at = (uint8_t)((digits->at + 1) % STRIP_HOLD_FRAMES);
	frame->digit = digits->ended;
	/* Found a frame and a half after it began, and lost about as late after its end. */
	frame->digit_ms = (uint16_t)MIN_OF((digits->ended_frames + 1) * FRAME_MS, UINT16_MAX);
}

/* Level ------------------------------------------------------------------------------------- */

static bool is_lively(const struct leveller *l)
{
	uint8_t sorted[HISTORY];

	for (uint32_t i = 0; i < HISTORY; i++) {
		uint32_t at = i;

		for (; at > 0 && sorted[at - 1] > l->history[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = l->history[i];
	}
	/* The middle half: the edges of a tone that comes and goes are few. */
	return l->heard == HISTORY && sorted[HISTORY * 3 / 4] - sorted[HISTORY / 4] >= LIVELY_DB;
}

/* Returns whether the frame is speech, as far as it counts. */
static bool speech_note(struct leveller *l, const struct strip_frame *frame)
{
	float db = -(float)frame->level;

	l->loudest_db = fmaxf(l->loudest_db - LOUDEST_FALL_DB, db);
	if (!frame->is_talking || db < l->loudest_db - TAIL_DB)
		return false;
	l->history[l->at] = frame->level;
	l->at = (uint8_t)((l->at + 1) % HISTORY);
	l->heard = (uint8_t)MIN_OF(l->heard + 1, (int)HISTORY);
	if (!is_lively(l))
		return false;
	l->speech_db = l->has_speech ? l->speech_db + (db - l->speech_db) * SPEECH_PART : db;
	l->has_speech = true;
	return true;
}

/* From the last frame's gain to `to` within a quarter of this one, and on with that. */
static void gain_apply(struct leveller *l, float to, int16_t *pcm, uint32_t samples)
{
	uint32_t ramp = samples / 4;
	float gain = l->gain, step = (to - gain) / (float)ramp;

	for (uint32_t i = 0; i < samples; i++) {
		float value;

		gain = i < ramp ? gain + step : to;
		value = (float)pcm[i] * gain;
		pcm[i] = (int16_t)lrintf(fminf(fmaxf(value, INT16_MIN), INT16_MAX));
	}
	l->gain = to;
}

static int32_t peak_of(const int16_t *pcm, uint32_t samples)
{
	int32_t peak = 0;

	for (uint32_t i = 0; i < samples; i++)
		peak = MAX_OF(peak, pcm[i] < 0 ? -pcm[i] : pcm[i]);
	return peak;
}

static void level_run(struct strip *strip, const struct strip_frame *frame)
{
	struct leveller *l = &strip->leveller;
	int32_t peak = peak_of(strip->pcm, frame->samples);
	float wanted, gain;

	if (speech_note(l, frame)) {
		wanted = -(float)strip->wish.level_dbov - l->speech_db;
		wanted = fminf(fmaxf(wanted, STRIP_GAIN_DB_MIN), STRIP_GAIN_DB_MAX);
		l->gain_db += fminf(fmaxf(wanted - l->gain_db, -FALL_DB), RISE_DB);
	}
	gain = powf(10, l->gain_db / 20);
	if ((float)peak * gain > PEAK_MAX)
		gain = fminf(gain, fmaxf(PEAK_MAX / (float)peak, fminf(1, gain)));
	if (gain != 1 || l->gain != 1)
		gain_apply(l, gain, strip->pcm, frame->samples);
}

/* ------------------------------------------------------------------------------------------- */

void strip_run_rt(struct strip *strip, struct strip_frame *frame)
{
	SpeexPreprocessState *denoise = strip->denoise[rate_of(frame->sample_hz)];

	assert(frame->samples == frame->sample_hz / 1000 * FRAME_MS);
	frame->digit = 0;
	strip->silent = frame->is_silent ? (uint8_t)MIN_OF(strip->silent + 1, (int)SILENT_MAX) : 0;
	if (strip->digits)
		digits_run(strip, frame);
	else
		memcpy(strip->pcm, frame->pcm, frame->samples * sizeof(strip->pcm[0]));
	if (denoise && strip->silent < SILENT_MAX)
		(void)speex_preprocess_run(denoise, strip->pcm);
	frame->pcm = strip->pcm;
	frame->level = level_pcm(strip->pcm, frame->samples);
	if (strip->wish.has_level) {
		level_run(strip, frame);
		frame->level = level_pcm(strip->pcm, frame->samples);
	}
	frame->is_silent = peak_of(strip->pcm, frame->samples) <= SILENT_PEAK;
	if (frame->is_silent)
		frame->level = MEDIA_LEVEL_SILENT;
}

float strip_gain_db(const struct strip *strip)
{
	return strip->leveller.gain_db;
}
