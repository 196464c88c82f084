/* mixer/plc.h -- packet-loss concealment and time-scale of one mono stream.
 *
 * Keeps the last 60 ms that were played. When sound is missing it goes on with the waveform's own
 * period, fading out; when sound comes back it cross-fades, in phase where it can.
 * The same search for similarity serves to shorten and lengthen sound without a click.
 *
 * Shape:  int16_t mono at sample_hz (8000, 16000 or 48000), any length up to PLC_FRAME_MS_MAX.
 * Thread: the leg's worker. Plain value in memory of the caller, no allocation.
 * Names:  plc_init and plc_rx are SpanDSP's; none of ours is.
 */
#ifndef MIXER_PLC_H
#define MIXER_PLC_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PLC_SAMPLE_HZ_MAX = 48000,
	PLC_HISTORY_MS = 60,
	PLC_FRAME_MS_MAX = 60,
	PLC_LAG_MS_MAX = 25, /* longest period that is searched */
	PLC_HISTORY_MAX = PLC_SAMPLE_HZ_MAX / 1000 * PLC_HISTORY_MS,
	PLC_FRAME_MAX = PLC_SAMPLE_HZ_MAX / 1000 * PLC_FRAME_MS_MAX,
	PLC_LAG_MAX = PLC_SAMPLE_HZ_MAX / 1000 * PLC_LAG_MS_MAX,
	PLC_MEMORY_MAX = PLC_HISTORY_MAX + PLC_LAG_MAX
};

/* Samples of memory that concealment at sample_hz needs. */
static inline uint32_t plc_memory_samples(uint32_t sample_hz)
{
	return sample_hz / 1000 * (PLC_HISTORY_MS + PLC_LAG_MS_MAX);
}

struct plc {
	uint32_t per_ms;  /* samples per millisecond */
	uint32_t lost;    /* samples invented in a row, 0: sound is good */
	uint32_t hold;    /* of them, before the fade begins */
	uint32_t fade;    /* samples that the fade lasts */
	uint32_t lag, at; /* length of cycle, position in it */
	bool is_torn;     /* nothing was invented: the next sound begins in its middle */
	int32_t step;     /* from the last good sample to where the cycle would have it */
	uint32_t steady;  /* samples at the end of history that are all steady_value, or fewer */
	int16_t steady_value;
	int16_t *history; /* per_ms * PLC_HISTORY_MS, newest last */
	int16_t *cycle;   /* per_ms * PLC_LAG_MS_MAX: what is repeated */
};

/* `memory`: plc_memory_samples(sample_hz) of the caller's, kept until the next begin. */
void plc_begin(struct plc *plc, uint32_t sample_hz, int16_t *memory);

/* Good sound in pcm[samples]. Right after a loss its start is cross-faded with what would have been
 * invented, in place; to meet that in phase it may be moved back by up to shift_max samples (what
 * falls off the end was not played). Returns the samples moved. The result is remembered. */
uint32_t plc_good_rt(struct plc *plc, int16_t *pcm, uint32_t samples, uint32_t shift_max);

/* True while plc_good_rt would change the next sound. */
bool plc_is_lost(const struct plc *plc);

/* The whole history is one value, told in *ret_value, and nothing is being concealed: more of it
 * may be left out of plc_good_rt, which would change nothing. */
bool plc_is_still(const struct plc *plc, int16_t *ret_value);

/* Missing sound: writes `samples`. Returns false when all of it was silence. */
bool plc_conceal_rt(struct plc *plc, int16_t *pcm, uint32_t samples);

/* Silence by intent: what was playing goes to zero in 5 ms, the rest is zero. Sound that follows is
 * not touched. */
void plc_silence_rt(struct plc *plc, int16_t *pcm, uint32_t samples);

/* The sound that comes now begins in its middle, after a silence: it fades in. Harmless after a
 * loss. */
void plc_tear_rt(struct plc *plc);

/* The last `samples` of what left it, at most PLC_LAG_MS_MAX of them; borrowed until the next call.
 */
const int16_t *plc_past(const struct plc *plc, uint32_t samples);

/* Time-scale. Both work on the start of pcm, look for the length that is heard least, and return
 * it; 0: no good place now. is_forced: takes the best there is.
 *
 * Shorten: pcm holds frame + cut_max samples; cuts cut_min..cut_max (quiet sound: cut_max, and
 * only quiet sound when cut_min is the larger); pcm[0..frame) is the result.
 * Lengthen: pcm holds frame samples; inserts add_min..add_max (at most PLC_LAG_MS_MAX); the last
 * `result` samples of plc_past and the input fall off the end: all of the input and some of the
 * past, when a period is longer than the frame. */
uint32_t plc_shorten_rt(int16_t *pcm, uint32_t frame, uint32_t cut_min, uint32_t cut_max,
			bool is_forced);
uint32_t plc_lengthen_rt(const struct plc *plc, int16_t *pcm, uint32_t frame, uint32_t add_min,
			 uint32_t add_max);

#endif
