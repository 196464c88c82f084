/* mixer/resample.h -- sound from one rate of the mixer to another: 8, 16 and 48 kHz, any pair.
 *
 * A linear-phase low-pass of 40 taps at the lower of both rates: flat to 0.43 of the lower rate
 * (3.4 of 8 kHz), 60 dB down where the mirror images would be heard. Delay: 20 samples of the lower
 * rate (2.5 ms at 8 kHz, 1.25 ms at 16 kHz).
 *
 * Shape:   mono int16_t; `samples` in a whole number of milliseconds.
 * Threads: resample_init_tables once on control; the rest anywhere. Plain value, no allocation.
 * Source:  polyphase form of rate conversion by whole factors; Kaiser window.
 */
#ifndef MIXER_RESAMPLE_H
#define MIXER_RESAMPLE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	RESAMPLE_TAPS = 40,      /* at the lower rate */
	RESAMPLE_FACTOR_MAX = 6, /* 8 <-> 48 kHz */
	RESAMPLE_HISTORY_MAX = RESAMPLE_TAPS * RESAMPLE_FACTOR_MAX,
	RESAMPLE_FRAME_MAX = 48 * 60 /* samples in or out at once */
};

struct resample {
	uint32_t from_hz, to_hz;
	uint8_t factor; /* of the higher rate to the lower */
	bool is_up;
	int16_t history[RESAMPLE_HISTORY_MAX]; /* the last inputs, oldest first */
};

/* Fills the filters (shared by all). resample_begin does it too; calling again does nothing. */
void resample_init_tables(void);

/* from_hz and to_hz are two of 8000, 16000 and 48000, and differ. Silence came before. */
void resample_begin_rt(struct resample *resample, uint32_t from_hz, uint32_t to_hz);

/* in[samples] at from_hz gives out[] at to_hz; returns how many. in and out do not overlap. */
uint32_t resample_rt(struct resample *resample, const int16_t *in, uint32_t samples, int16_t *out);

#endif
