/* mixer/strip.h -- what is done to the sound of one leg by request, like a channel strip of a desk:
 * digits that are dialled by tone are found and cut out, noise is taken away, and the level is
 * brought to a target.
 *
 * In this order: the digits first, since both others would spoil the tones. The level comes last.
 *
 *   digits   SpanDSP's receiver. A tone is known after 38 ms at most, so with this option the sound
 *            of the leg comes STRIP_HOLD_FRAMES later: what was held back when the tone is found is
 *            silence as well, and nothing of it is heard in the room.
 *   noise    speexdsp's suppressor, one state for each rate that may come; delay 10 ms.
 *   level    a slow gain towards the target, from what is spoken alone. What does not change its
 *            level within half a second (dial tones, fax, mains hum) moves it nowhere, nor does
 *            silence; a frame that would leave 16 bits is turned down at once.
 *
 * Shape:   mono int16_t, one frame of 20 ms at 8, 16 or 48 kHz per call; the rate may change
 * between calls. Memory:  all made in strip_new (about 5 KiB for digits at 8 kHz, 33 KiB for noise
 * at 8 kHz, 180 at 48). Threads: _new/_free on control, *_rt on the worker that has the leg.
 */
#ifndef MIXER_STRIP_H
#define MIXER_STRIP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/list.h"

enum {
	STRIP_RATES = 3,       /* 8, 16 and 48 kHz */
	STRIP_HOLD_FRAMES = 2, /* by which digits delay the sound */
	STRIP_GAIN_DB_MIN = -12,
	STRIP_GAIN_DB_MAX = 20,
	STRIP_LEVEL_DBOV_DEFAULT = 20 /* -dBov of speech */
};

struct strip_wish {
	bool has_digits, has_denoise, has_level;
	uint8_t level_dbov; /* -dBov that speech is brought to; 0: STRIP_LEVEL_DBOV_DEFAULT */
};

static inline bool strip_is_wished(const struct strip_wish *wish)
{
	return wish->has_digits || wish->has_denoise || wish->has_level;
}

static inline bool strip_wish_eq(const struct strip_wish *a, const struct strip_wish *b)
{
	return a->has_digits == b->has_digits && a->has_denoise == b->has_denoise &&
	       a->has_level == b->has_level && a->level_dbov == b->level_dbov;
}

/* A frame on its way in, and what came of it. */
struct strip_frame {
	const int16_t *pcm; /* in: borrowed for the call; out: borrowed until the next one */
	uint32_t samples, sample_hz;
	uint8_t level;   /* -dBov; told anew */
	bool is_silent;  /* digital silence; told anew */
	bool is_talking; /* in only: talk detector */
	char digit;      /* out: one that has ended, 0 none */
	uint16_t digit_ms;
};

struct strip;

/* The strip of a leg that may get sound at these rates: bits 1 << number (0: 8, 1: 16, 2: 48 kHz).
 * -ENOMEM. */
int strip_new(const struct strip_wish *wish, uint8_t rates, struct strip **ret_strip);
/* Accepts NULL; returns NULL. */
struct strip *strip_free(struct strip *strip);

/* Its place in lists: of what goes back to control, and of all that control has made. */
struct strip_links {
	struct list node, owned;
};
struct strip_links *strip_links(struct strip *strip);
struct strip *strip_of_node(struct list *node);
struct strip *strip_of_owned(struct list *owned);

/* One frame, each tick in which there is one. Frames of a rate that it was not made for pass
 * without noise suppression. */
void strip_run_rt(struct strip *strip, struct strip_frame *frame) NONBLOCKING;

/* Present gain in dB, for tests. */
float strip_gain_db(const struct strip *strip);

#endif
