/* mixer/bus.h -- a room: everybody hears the others (mix-minus, RFC 3550 section 7).
 *
 * A tick has two halves. Gathering takes a frame of every leg and sums the talkers in 32 bits.
 * Delivering gives every leg the sum without its own share:
 *   - legs that said nothing share one encoded frame per codec, whatever their ptime;
 *   - a lone talker in G.711 passes bit-exact to listeners of the same codec;
 *   - only talkers, and listeners with a gain of their own, get a private encode.
 * The halves meet in the sum alone, so that a large room can later be spread: each worker gathers
 * its own legs, the sums are added, each worker delivers to its own legs (design.md section 1).
 *
 * A *lounge* is the bus of legs that are in no room yet: they send and hear silence.
 *
 * Shape:   mono int16_t, 8000 Hz, LEG_SAMPLES per frame.
 * Threads: bus_new/bus_free on control; *_rt on the worker that has the bus.
 */
#ifndef MIXER_BUS_H
#define MIXER_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "mixer/leg.h"
#include "mixer/limiter.h"

enum { BUS_PHASE_NONE = 255 };

struct bus {
	struct list node; /* in its phase, or in the worker's list of returns */
	struct list legs;
	uint32_t leg_count;
	uint8_t phase; /* worker.c; BUS_PHASE_NONE without legs: no ticks */
	bool is_lounge;
	struct limiter limiter; /* of the sum that listeners share */
	void *owner;            /* control's */
};

/* What a tick needs besides the bus; one per worker, since one bus is at work at a time. */
struct bus_scratch {
	int32_t sum[LEG_SAMPLES];
	int32_t minus[LEG_SAMPLES];
	int16_t pcm[LEG_SAMPLES]; /* private mixes */
	uint8_t payload[LEG_CHUNK_OCTETS_MAX];

	uint32_t talkers;
	const struct leg *lone;          /* the talker, when there is one only */
	uint32_t csrc[RTP_CSRC_MAX + 1]; /* one more, so that a talker can be left out */
	uint8_t csrc_count;

	bool has_mix; /* mix and its level are made when first asked for */
	int16_t mix[LEG_SAMPLES];
	uint8_t mix_level;
	struct {
		bool is_made;
		struct leg_chunk chunk;
		uint8_t payload[LEG_CHUNK_OCTETS_MAX];
	} shared[MEDIA_CODEC_COUNT], silence[MEDIA_CODEC_COUNT];
};

void bus_init(struct bus *bus, bool is_lounge, void *owner);

/* -ENOMEM. */
int bus_new(void *owner, struct bus **ret_bus);
struct bus *bus_free(struct bus *bus); /* has no legs */

void bus_scratch_init(struct bus_scratch *scratch);

void bus_add_rt(struct bus *bus, struct leg *leg) NONBLOCKING;
void bus_remove_rt(struct bus *bus, struct leg *leg) NONBLOCKING;

/* One tick; `skipped`: ticks that were missed before it. */
void bus_tick_rt(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env,
		 uint32_t skipped) NONBLOCKING;

/* The two halves of it, and for tests the sound that a leg hears (before its codec): writes
 * LEG_SAMPLES and returns their level. */
void bus_gather_rt(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env,
		   uint32_t skipped) NONBLOCKING;
void bus_deliver_rt(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env) NONBLOCKING;
uint8_t bus_hear_rt(struct bus *bus, struct bus_scratch *scratch, struct leg *leg,
		    int16_t out[LEG_SAMPLES]) NONBLOCKING;

#endif
