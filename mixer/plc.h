/* mixer/plc.h -- packet-loss concealment and time-scale of one mono stream.
 *
 * Keeps the last PLC_HISTORY samples that were played. When sound is missing it goes on with the
 * waveform's own period, fading out; when sound comes back it cross-fades.
 * The same search for similarity serves to shorten and lengthen sound without a click.
 *
 * Shape:  int16_t mono at sample_hz, frames of any length up to PLC_FRAME_MAX.
 * Thread: the leg's worker. Plain value, owned by the caller, no allocation.
 */
#ifndef MIXER_PLC_H
#define MIXER_PLC_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PLC_HISTORY = 480,   /* samples: 60 ms at 8 kHz (wider bands search a decimated history) */
	PLC_FRAME_MAX = 160 * 3,
	PLC_LAG_MIN = 40,    /* 200 Hz */
	PLC_LAG_MAX = 200,   /* 40 Hz */
	PLC_SILENT_AFTER_MS = 120
};

struct plc {
	int16_t history[PLC_HISTORY]; /* newest last */
	int16_t cycle[PLC_LAG_MAX];   /* what is repeated during a loss */
	uint16_t lag;
	uint16_t at;        /* position in cycle */
	uint32_t lost;      /* samples concealed in a row, 0: sound is good */
	uint32_t hold;      /* samples before the fade begins */
	uint32_t fade;      /* samples the fade lasts */
};

void plc_init(struct plc *plc);

/* Good sound: remembers it; right after a loss also cross-fades its start, in place. Returns true
 * when `pcm` was changed. */
bool plc_good_rt(struct plc *plc, int16_t *pcm, uint32_t samples);

/* Missing sound: writes `samples`. Returns false when it has faded to silence. */
bool plc_conceal_rt(struct plc *plc, int16_t *pcm, uint32_t samples);

/* Silence by intent: fades what plays to zero in 5 ms and writes silence. */
void plc_silence_rt(struct plc *plc, int16_t *pcm, uint32_t samples);

/* Cuts out of pcm[samples] at most `cut_max` (and at least `cut_min`) at the place and length
 * where it is heard least. Returns the samples cut, 0: no good place. is_forced: always finds one. */
uint32_t plc_shorten_rt(int16_t *pcm, uint32_t samples, uint32_t cut_min, uint32_t cut_max,
			bool is_forced);

/* Inserts at most `add_max` samples (room for them behind pcm[samples]). Returns samples added. */
uint32_t plc_lengthen_rt(int16_t *pcm, uint32_t samples, uint32_t add_min, uint32_t add_max);

#endif
