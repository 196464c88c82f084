/* mixer/worker.h -- one thread that is always on time: takes commands, ticks its rooms.
 *
 * A tick is 20 ms. Rooms are dealt to WORKER_PHASES phases of 5 ms, so that the packets of a worker
 * do not leave in one burst; all legs of a room share its phase. A phase is filled with
 * WORKER_PHASE_LEGS before the next is begun: a wake-up costs as much as several packets. Deadlines
 * are absolute (no drift). A worker that wakes late by less than a tick does the tick late; later
 * than that, the missed ticks are skipped: their sound is dropped, RTP timestamps run on, and
 * nothing is sent in a burst. The part that a worker has of a room that is spread (spread.h) is in
 * no phase but has a time of its own. A worker without legs sleeps until a command comes.
 *
 * Threads: worker_new/_start/_post/_free and the read-outs on control; worker_tick_rt on the
 * worker's own thread, or, before worker_start, wherever a test calls it.
 */
#ifndef MIXER_WORKER_H
#define MIXER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/ring.h"
#include "media.h"
#include "mixer/bus.h"
#include "mixer/leg.h"
#include "mixer/play.h"
#include "mixer/port.h"
#include "mixer/spread.h"

enum {
	WORKER_PHASES = 4,
	WORKER_TICK_MS = LEG_TICK_MS,
	WORKER_PHASE_MS = WORKER_TICK_MS / WORKER_PHASES,
	WORKER_PHASE_LEGS = 48,
	WORKER_COMMANDS = 4096,     /* waiting at most; more: ERR_QUEUE_FULL */
	WORKER_COMMANDS_PASS = 256, /* carried out in one pass at most */
	WORKER_EVENTS = 8192,       /* waiting at most; then digits are lost, states told later */
	WORKER_HELD_MS = 100,       /* commands that wait so long for the parts of rooms to meet come
				     * first: nobody waits then for a part that is late */
	WORKER_PASSING_MAX = 32,    /* legs that pass in one tick; more go at once */
	WORKER_LATE_US = 2000,      /* a tick that begins later counts as late */
	WORKER_PRIORITY = 20        /* SCHED_FIFO, where permitted */
};

enum worker_command_kind {
	WORKER_NOTHING,    /* only wakes */
	WORKER_PORT_ADD,   /* a shared port, before its first leg; it stays */
	WORKER_BUS_SEAT,   /* bus, seat: it is a part of a room that is spread */
	WORKER_BUS_UNSEAT, /* bus, without legs in any part: its seat comes back as
			    * LEG_EVENT_SEAT_RETURNED, what is played or recorded in it is over */
	WORKER_BUS_RETIRE, /* a bus without legs: comes back as LEG_EVENT_BUS_RETURNED */
	WORKER_LEG_ADD,    /* leg, bus (NULL: the lounge) */
	WORKER_LEG_MOVE,   /* leg, bus of the same worker (NULL: the lounge) */
	WORKER_LEG_SET,    /* leg, params; kit: NULL, or the leg's from here on, and the one that it
			    * had comes back as LEG_EVENT_KIT_RETURNED; keys: crypts as well */
	WORKER_LEG_CONTROL, /* leg, control; sets_strip: strip (NULL: none), and the one that it had
			     * comes back as LEG_EVENT_STRIP_RETURNED */
	WORKER_LEG_DIGITS,  /* leg, digits: to its peer */
	WORKER_CRYPT_REFILL, /* leg, worn; keys.rx has the streams, and comes back */
	WORKER_LEG_YIELD,    /* goes to another worker: comes back as LEG_EVENT_RETURNED */
	WORKER_LEG_PASS,     /* the same, to another part of its room that is spread: not before the
			      * tick is delivered, so that none is missed when it arrives in time for
			      * the next one; what is played to it goes along */
	WORKER_LEG_END,      /* says BYE and comes back */
	WORKER_SOUND_ADD /* sound, with its leg or bus: comes back as LEG_EVENT_SOUND_RETURNED */
};

struct worker_command {
	enum worker_command_kind kind;
	struct leg *leg;
	struct bus *bus;
	struct kit *kit;
	struct strip *strip;
	bool sets_strip;
	struct leg_keys keys;
	union {
		struct port *port;
		struct sound *sound;
		struct spread_seat *seat;
		struct crypt *worn;
		struct media_leg_params params;
		struct leg_control control;
		struct worker_digits {
			char text[MEDIA_DIGITS_MAX];
			uint32_t count;
		} digits;
	};
};

struct worker_params {
	struct clock clock;
	bool has_stamps; /* kernel receive stamps: not with a virtual clock */
	uint32_t quiet_ms;
	uint64_t seed;     /* of the RTCP intervals */
	const char *cname; /* borrowed for the worker's life */
};

struct worker_counts {
	uint64_t ticks, ticks_late, tick_late_us_max, ticks_skipped, shares_missed;
	uint64_t busy_ns; /* between waking and sleeping; 0 without a thread */
	uint64_t rx_packets, tx_packets, rx_discarded, tx_failed, events_dropped;
};

struct worker;

/* -ENOMEM, errno of eventfd. */
int worker_new(const struct worker_params *params, struct worker **ret_worker);

/* Starts the thread. errno of pthread_create. */
int worker_start(struct worker *worker);

/* Stops and joins the thread; afterwards control owns every bus and leg. Harmless before start. */
void worker_stop(struct worker *worker);

/* Stops it as well. Buses, legs and ports stay the caller's. */
struct worker *worker_free(struct worker *worker);

/* False when WORKER_COMMANDS are waiting. */
bool worker_post(struct worker *worker, const struct worker_command *command);

struct ring *worker_events(struct worker *worker); /* items: struct leg_event; control takes */
struct worker_counts worker_counts(const struct worker *worker);
bool worker_is_realtime(const struct worker *worker); /* SCHED_FIFO was granted */

/* One pass at monotonic time now_ns: commands, then every phase that is due. Returns when the next
 * pass is due, UINT64_MAX when only a command can make work. Inside the real-time trap. */
uint64_t worker_tick_rt(struct worker *worker, uint64_t now_ns) NONBLOCKING;

#endif
