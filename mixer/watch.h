/* mixer/watch.h -- looks at the sound of a leg for what its people should be told of.
 *
 *   clipping   what comes in is cut off at full scale, again and again: a microphone set too loud
 *   low level  who talks there is hardly heard: softer than WATCH_LOW_DBOV in the mean
 *   echo       what comes in follows, at one delay of up to half a second, what went out: the ups
 * and downs of both levels correlate while the incoming one is softer. A suspicion, no proof. one
 * way    the peer reports (RFC 3550 6.4) that it gets nothing of what we send, or nothing comes
 *              from it for WATCH_NOTHING_MS
 *
 * Each has a hysteresis, so that none of them flickers. Thread: the leg's worker. Plain value.
 */
#ifndef MIXER_WATCH_H
#define MIXER_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "media.h"

enum {
	WATCH_LAGS = 25, /* ticks of 20 ms */
	WATCH_LOW_DBOV = 42,
	WATCH_NOTHING_MS = 5000,
	WATCH_DEAF_REPORTS = 2 /* in a row that say we are not received */
};

struct watch {
	uint8_t flags; /* set of enum media_leg_flag */
	uint8_t clipped, deaf_reports;
	float talk_db;          /* mean level of speech, 0: none yet */
	uint32_t deaf_sequence; /* highest that the peer had received by its last report */
	/* Echo: sums that fade, of x (in) and y (out), in dB. Those of y some ticks ago are what
	 * they were then, so that a tick touches four cache lines. */
	uint8_t at;              /* in `was`, of this tick */
	uint8_t out[WATCH_LAGS]; /* levels, latest first */
	float weight, x, xx, xy[WATCH_LAGS];
	struct watch_sum {
		float y, yy;
	} was[WATCH_LAGS];
};

/* One tick in which there is sound. `level_in` of what came, `level_out` of what it heard. pcm is
 * borrowed for the call. */
struct watch_tick {
	const int16_t *pcm; /* what came; never NULL */
	uint32_t samples;
	uint8_t level_in, level_out;
	bool is_talking;
};
void watch_tick_rt(struct watch *watch, const struct watch_tick *tick) NONBLOCKING;

/* A report of the peer: has_block: it says something of our stream, up to `sequence`; sent: packets
 * that went out since the report before. */
void watch_report_rt(struct watch *watch, bool has_block, uint32_t sequence,
		     uint64_t sent) NONBLOCKING;

/* Now and then: for how long nothing has come from a peer that should send; 0 when it need not. */
void watch_silence_rt(struct watch *watch, uint64_t nothing_ms) NONBLOCKING;

#endif
