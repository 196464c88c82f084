/* mixer/spread.h -- one room on several workers: each sums its own legs, the sums meet once a tick.
 *
 * Each worker has a part of the room: a bus with its legs and a *seat*. A seat's tick comes at the
 * same moment on every worker, and has two steps. At its time each part gathers its own legs and
 * puts what they said (sums by audience and rate, who spoke) into a share. When all are there each
 * part adds the shares of the others to its own sums and delivers to its own legs. What listeners
 * of a part want to hear (audiences and rates) is in the share as well, and is summed by all from
 * the next tick on.
 *
 * Waiting is bounded, and no thread ever blocks for it: where a share is not there yet, the worker
 * goes on with its other rooms and looks again, SPREAD_MEET_US_MAX after the tick for the last
 * time. Then the share is left out and counted. Whoever was left out once, or has never been there,
 * is waited for no longer than SPREAD_MEET_US until it is in time, so a part that hangs costs the
 * others those milliseconds once. In place of what is missing the sound of the tick before is heard
 * backwards and fading, which goes on from where that ended; what comes after it fades in. So there
 * is no click.
 *
 * Sums of whole numbers come to the same in any order, so that all hear to the sample what they
 * would hear on one worker. Plays and recordings of the room are with one of the parts, the home.
 *
 * A share is written by one worker and read by the others without a lock: there are two of them,
 * used in turn; a reader marks itself before it looks, a writer that still finds a reader there
 * leaves its share out. Neither waits for the other.
 *
 * No command may come between the two steps, since what was gathered points into legs; worker.c
 * takes commands before or after.
 *
 * Threads: *_new and *_free on control, when no worker has any seat of it; *_rt on the worker that
 * has the seat.
 */
#ifndef MIXER_SPREAD_H
#define MIXER_SPREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "mixer/bus.h"
#include "mixer/loudest.h"

enum {
	SPREAD_SEATS_MAX = 64, /* of a room: one a worker */
	SPREAD_SHARES = 2,
	SPREAD_LOOK_US = 250,  /* so often a part looks whether all are there, */
	SPREAD_MEET_US = 2000, /* until so much after the tick's time for who was not there last, */
	SPREAD_MEET_US_MAX = 10000, /* and so much for who was */
	SPREAD_FADE_IN_PART = 4     /* of a frame: what comes back fades in over a quarter of it */
};

/* What somebody in a part listens to. */
struct spread_want {
	uint16_t hears, hears_not; /* as in bus_audience */
	uint8_t rates;
};

/* What a part has for one audience. */
struct spread_sum {
	struct spread_want of; /* rates: there are sums at these */
	uint8_t csrc_count;
	uint32_t csrc[RTP_CSRC_MAX + 1];
	uint8_t csrc_level[RTP_CSRC_MAX + 1];
	uint32_t talkers;
	struct bus_exact exact; /* of a lone talker; points to octets */
	uint8_t octets[LEG_CHUNK_OCTETS_MAX];
	int32_t sums[LEG_RATES][LEG_SAMPLES_MAX];
};

struct spread_share {
	_Atomic uint64_t tick; /* that it is of; 0: not to be read */
	_Atomic uint32_t readers;
	uint8_t sum_count, want_count;
	struct spread_sum sums[BUS_AUDIENCES_MAX];
	struct spread_want wants[BUS_AUDIENCES_MAX];
	struct loudest loudest;
	int32_t duck_q14; /* that its plays want */
};

struct spread;

struct spread_seat {
	struct list node; /* in its worker's list */
	struct spread *spread;
	uint8_t index;
	struct bus *bus;
	uint64_t due_ns;    /* of its next step; worker.c */
	uint64_t gather_ns; /* when its tick was due; worker.c */
	uint64_t tick;      /* that was gathered */
	bool is_gathered;   /* the second step is next */
	uint64_t missed;    /* shares of others that were not there in time */
	void *owner;        /* control's */
	struct bus_scratch scratch;
	struct {
		bool is_seen;    /* has been there: else it is not missed */
		bool is_in_time; /* in the last tick: else it is not waited for, and not repeated */
		uint8_t count;
		int32_t duck_q14;                            /* with is_seen */
		struct spread_want wants[BUS_AUDIENCES_MAX]; /* the last that it told */
	} others[SPREAD_SEATS_MAX];
	struct spread_share shares[SPREAD_SHARES];
};

/* `offset_us`: of its ticks past every multiple of LEG_TICK_MS. -ENOMEM. */
int spread_new(uint32_t offset_us, struct spread **ret_spread);
struct spread *spread_free(struct spread *spread); /* and all seats */

/* A seat for one more part. ERR_LIMIT, -ENOMEM. */
int spread_seat_new(struct spread *spread, struct spread_seat **ret_seat);
/* Takes back one that no worker ever had. */
void spread_seat_undo(struct spread_seat *seat);

uint32_t spread_offset_us(const struct spread *spread);

/* The two steps of tick number `tick`; 1 or more. */
void spread_gather_rt(struct spread_seat *seat, struct leg_env *env, uint64_t tick,
		      uint32_t skipped) NONBLOCKING;
/* In between: whether everybody is there, or at least everybody who was there in the last tick. */
bool spread_is_complete_rt(const struct spread_seat *seat, bool is_for_all) NONBLOCKING;
void spread_meet_rt(struct spread_seat *seat) NONBLOCKING; /* the sums are those of the room */
void spread_deliver_rt(struct spread_seat *seat, struct leg_env *env) NONBLOCKING;

#endif
