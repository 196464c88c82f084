/* mixer/bus.h -- a room: everybody hears the others (mix-minus, RFC 3550 section 7).
 *
 * A tick has two halves. Gathering takes a frame of every leg and sums the talkers in 32 bits, once
 * for each sample rate at which somebody listens (8, 16, 48 kHz); a talker is brought to another
 * rate once, not per listener. Delivering gives every leg the sum of its rate without its own
 * share:
 *   - legs that said nothing share one encoded frame per codec, whatever their ptime;
 *   - a lone talker in G.711 passes bit-exact to listeners of the same codec;
 *   - only talkers, and listeners with a gain of their own, get a private encode.
 * The halves meet in the sums alone, so that a large room can be spread over workers (spread.h).
 *
 * Who hears whom (media_groups) costs by groups, not by pairs. Legs that hear the same groups are
 * an *audience*: there are sums per audience, a talker is added to those that hear it, and all that
 * is said above of "the room" holds for an audience. A leg's own share is subtracted where its
 * audience hears it. A room where everybody hears everybody has one audience, and costs what it
 * would without any. Plays of the room are heard by every audience, and may
 * duck who talks: sums are lowered before plays are added. Takes of the room hear group 0.
 *
 * Encoders with a memory (G.722, Opus ...) serve *streams*: what all silent listeners of one format
 * in one audience hear. A stream's encoder is that of one of its listeners, the lead. Who begins to
 * talk takes a copy of the encoder along, so the peer's decoder notices nothing; a lead that leaves
 * hands it on. Who falls silent comes back after LEG_PRIVATE_MS. With BUS_STREAMS_MAX streams in
 * use, listeners of further formats are encoded for alone.
 *
 * Where only the loudest are to be heard (loudest.h), all who speak are decoded, but for those
 * whose packets tell their level (RFC 6464) and are trusted; who is left out is neither resampled
 * nor summed, and hears what silent listeners hear, without an encode of its own.
 *
 * A *lounge* is the bus of legs that are in no room yet: they send and hear silence.
 *
 * Shape:   mono int16_t, frames of LEG_TICK_MS.
 * Threads: bus_new/bus_free on control; *_rt on the worker that has the bus.
 */
#ifndef MIXER_BUS_H
#define MIXER_BUS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "mixer/leg.h"
#include "mixer/limiter.h"
#include "mixer/loudest.h"

enum {
	BUS_PHASE_NONE = 255,
	BUS_PREFETCH = 128, /* octets: what is looked at first */
	BUS_STREAMS_MAX = 16,
	BUS_AUDIENCES_MAX = MEDIA_AUDIENCES_MAX,
	BUS_EARLY_TICKS = 150, /* talk is watched for so long before the tick moves */
	BUS_EARLY_FRAMES = 75  /* and so many frames of it must have been heard */
};

/* Those who hear the same groups. The first is that of group 0 alone, and is always there. */
struct bus_audience {
	uint16_t hears, hears_not; /* media_groups */
	uint32_t leg_count;        /* 0, and nothing wanted: free, but for the first */
	uint8_t rates;             /* at which somebody of it listens, bits 1 << leg_rate() */
	uint8_t rates_next;        /* as far as this tick's gathering has seen */
	uint8_t rates_wanted;      /* by other parts of a room that is spread */
	struct limiter limiters[LEG_RATES]; /* of the sums that listeners share */
};

struct bus {
	struct list node; /* in its phase, or in the worker's list of returns */
	struct list legs;
	uint32_t leg_count;
	struct list own; /* those of them with sockets of their own, by own_node */
	uint8_t phase;   /* worker.c; BUS_PHASE_NONE without legs (no ticks), and with a seat */
	struct spread_seat *seat; /* of a part of a room that is spread; NULL: all of a room */
	bool is_lounge;
	bool is_placed;                    /* its ticks are where its talkers are; worker.c */
	uint8_t early_ticks, early_frames; /* see bus_slack_us_rt */
	int32_t early_us;                  /* least slack of whoever talked */
	uint8_t take_rates;                /* of takes of the whole room */
	uint32_t outsiders;                /* legs without an audience: all places are in use */
	uint8_t audience_count;            /* places that may be in use, 1 to BUS_AUDIENCES_MAX */
	struct bus_audience audiences[BUS_AUDIENCES_MAX];
	struct leg *leads[BUS_STREAMS_MAX]; /* of the streams; NULL: free */
	struct list sounds;                 /* struct sound: plays and takes of all; play.c */
	struct ramp duck;                   /* who talks, under plays of all */
	int32_t duck_q14;                   /* that its own plays want */
	int32_t room_duck_q14;              /* the least that any part of the room wants */
	struct loudest loudest;             /* of the last tick; max 0: all are heard */
	_Atomic uint8_t loudest_max;        /* control's wishes: media_room_policy */
	_Atomic uint8_t gate_dbov;
	_Atomic bool are_takes_paused; /* control's wish: of the room's takes and its legs' */
	bool is_part;                  /* beside the one that the room began with */
	_Atomic uint32_t tick_us;      /* where its last tick was in a multiple of LEG_TICK_MS */
	void *owner;                   /* control's */
	struct list left;              /* control's: in mixer->buses_left, else empty */
};

/* The sound for an audience at one rate in one tick. */
struct bus_mix {
	int32_t sum[LEG_SAMPLES_MAX];
	bool is_made; /* pcm and level are made when first asked for */
	uint8_t level;
	int16_t pcm[LEG_SAMPLES_MAX];
};

struct bus_encoded {
	bool is_made;
	struct leg_chunk chunk;
	uint8_t payload[LEG_CHUNK_OCTETS_MAX];
};

/* Octets that are exactly what a lone talker says. */
struct bus_exact {
	const uint8_t *payload; /* NULL: there is no such thing */
	uint16_t len;
	enum media_codec codec;
	uint8_t level;
};

/* What an audience hears in one tick. */
struct bus_hearing {
	uint8_t rates; /* of this tick */
	uint8_t csrc_count;
	uint32_t csrc[RTP_CSRC_MAX + 1]; /* one more, so that a talker can be left out */
	uint8_t csrc_level[RTP_CSRC_MAX + 1];
	uint32_t talkers;
	const struct leg *lone; /* the talker, when there is one only */
	struct bus_exact exact; /* the same; borrowed from its leg, or pointing to octets */
	uint8_t octets[LEG_CHUNK_OCTETS_MAX];
	struct bus_mix mixes[LEG_RATES];
	struct bus_encoded shared[MEDIA_CODEC_COUNT]; /* stateless */
};

/* What a tick needs besides the bus; one per worker, since one bus is at work at a time. */
struct bus_scratch {
	struct loudest loudest; /* of this tick */
	int32_t minus[LEG_SAMPLES_MAX];
	int16_t pcm[LEG_SAMPLES_MAX]; /* private mixes */
	int16_t own[LEG_SAMPLES_MAX]; /* what is left out of one, ducked as the sum was */
	struct bus_encoded private;
	struct bus_encoded silence[MEDIA_CODEC_COUNT]; /* stateless */
	struct bus_encoded streams[BUS_STREAMS_MAX];
	struct bus_hearing hearings[BUS_AUDIENCES_MAX]; /* as bus->audiences */
};

void bus_init(struct bus *bus, bool is_lounge, void *owner);

/* -ENOMEM. */
int bus_new(void *owner, struct bus **ret_bus);
struct bus *bus_free(struct bus *bus); /* has no legs */

void bus_scratch_init(struct bus_scratch *scratch);

void bus_add_rt(struct bus *bus, struct leg *leg) NONBLOCKING;
void bus_remove_rt(struct bus *bus, struct leg *leg) NONBLOCKING;

/* leg_control_rt for a leg on a bus or not. */
void bus_control_rt(struct leg *leg, const struct leg_control *control) NONBLOCKING;

/* Another kit for a leg, on a bus or not (leg_fit_rt). leg_set_rt follows. */
struct kit *bus_fit_rt(struct leg *leg, struct kit *kit) NONBLOCKING;

/* After a tick: by how much earlier this room's ticks could come without any packet of those who
 * talked in the last BUS_EARLY_TICKS missing its turn (negative: one nearly did); INT32_MAX: not so
 * long since the last answer, or too little was said. A room with one talker so finds the place
 * just behind the arrival of that talker's packets. */
int32_t bus_slack_us_rt(struct bus *bus) NONBLOCKING;

/* One tick; `skipped`: ticks that were missed before it. io_flush_rt is for the caller, so that
 * neighbouring rooms leave by one call. Memory of the buses behind it in env->buses, none of which
 * is without legs, is asked for. */
void bus_tick_rt(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env,
		 uint32_t skipped) NONBLOCKING;

/* Sums that another part of the room wants; all are forgotten by bus_unwant_rt. */
void bus_unwant_rt(struct bus *bus) NONBLOCKING;
void bus_want_rt(struct bus *bus, uint16_t hears, uint16_t hears_not, uint8_t rates) NONBLOCKING;

/* The two halves of it, and for tests the sound that a leg hears (before its codec): writes
 * a frame at the rate of its codec and returns its level. */
void bus_gather_rt(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env,
		   uint32_t skipped) NONBLOCKING;
void bus_deliver_rt(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env) NONBLOCKING;
uint8_t bus_hear_rt(struct bus *bus, struct bus_scratch *scratch, struct leg *leg,
		    int16_t *out) NONBLOCKING;

#endif
