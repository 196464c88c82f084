/* mixer/mixer_priv.h -- control's books: who exists, which worker has it, what is under way.
 *
 * A leg is always in one of three places. *At its worker*: every operation is a command.
 * *Yielding*: asked back, because it moves to a room of another worker. *Held*: control has it, and
 * the next worker's command ring was full. What is asked of a leg that is not at its worker is kept
 * and carried out when it arrives, so operations keep their order.
 *
 * Closing must not fail. A command that closes, or that hands a held leg on, and finds the ring
 * full becomes overdue: it waits in the worker's list, in order, and while anything waits there no
 * other command of that worker gets past it.
 *
 * Thread: control. Only mixer*.c, balance.c, parts.c and shares.c include this.
 */
#ifndef MIXER_MIXER_PRIV_H
#define MIXER_MIXER_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/handle.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/wheel.h"
#include "mixer/kit.h"
#include "mixer/load.h"
#include "mixer/mixer.h"
#include "mixer/mixer_sounds.h"
#include "mixer/peers.h"
#include "mixer/port.h"
#include "mixer/ports.h"
#include "mixer/worker.h"

enum { MIXER_CNAME_CHARS = 16, MIXER_WARM_PORTS_MAX = 1024 };

/* A command that could not be posted yet; one per object is enough. */
struct overdue {
	struct list node;
	enum worker_command_kind kind;
	struct mixer_leg *leg; /* or NULL */
	struct bus *bus;
};

struct mixer_worker {
	struct mixer *mixer;
	struct worker *worker;
	struct loop_watch watch;
	struct list overdue;
	uint32_t legs, rooms;
	struct load load; /* balance.h */
	struct list shares; /* its shared ports (shares.h) */
	uint32_t share_count;
};

struct mixer_room {
	struct list node; /* in mixer->rooms */
	handle handle;
	struct mixer_worker *at;
	struct bus *bus;
	struct mixer_spread *spread; /* parts.h; NULL: it is on one worker */
	uint32_t legs; /* that are in it or on their way, closing ones not */
	struct overdue overdue;
};

enum place { PLACE_WORKER, PLACE_YIELDING, PLACE_HELD };

struct mixer_leg {
	struct list node; /* in mixer->legs */
	handle handle;
	uint64_t tag;
	struct mixer *mixer;
	struct mixer_worker *at; /* where it is or goes to */
	struct mixer_room *room; /* NULL: none */
	struct bus *bus;         /* of the room, at `at` */
	struct leg *leg;
	struct port_pair ports; /* its own, or those of its share */
	enum place place;
	bool is_closing;
	struct kit_shape shape; /* of the kit that it has, or gets by a command under way */
	struct kit *kit;        /* with has_params: NULL, or what it gets */
	struct leg_keys keys;   /* the same */
	struct media_keys keys_send, keys_receive; /* that it has, or gets */
	bool has_params, has_control;              /* kept for its arrival */
	struct media_leg_params params;
	struct leg_control control;   /* the latest */
	struct strip_wish strip_wish; /* and what goes with it */
	uint8_t strip_rates;          /* that its strip was made for, or is */
	struct strip *strip;          /* with has_strip: kept for its arrival */
	bool has_strip;
	struct worker_digits digits; /* the same; count 0: none */
	bool has_event;              /* telephone-event was agreed on */
	struct list sounds;          /* struct sound: kept for its arrival too */
	struct overdue overdue;

	/* Shared ports. */
	struct share *share; /* NULL: its sockets are its own */
	struct port *port;   /* of the share */
	struct addr remote;  /* the peer's address under which it is seated */
	struct hash_node by_seat;
	struct addr signalled, signalled_rtcp; /* as last told by leg_set */
	bool has_latched;                      /* its sound comes from elsewhere than signalled */
	bool has_parted;                       /* has, or will have, the sockets in `parted` */
	struct port_pair parted;
};

struct mixer {
	struct mixer_params params;
	struct handle_table *rooms_by_handle, *legs_by_handle;
	struct list spreads;    /* struct mixer_spread; those that are ending too */
	struct list buses_left; /* their room has settled elsewhere; not back yet */
	struct list rooms, legs;  /* all, closing ones included */
	struct list kits, crypts, strips; /* all that were made after their leg */
	struct mixer_sounds *sounds;
	bool has_wideband; /* a leg was ever set to a codec above 8 kHz */
	struct ports *ports;
	struct peers *peers;
	struct hash *seated;            /* legs in shared ports, by port and peer's address */
	struct timer balance;           /* balance.h, while there are legs */
	uint64_t legs_passed;
	struct timer collect;           /* overdue commands, and what workers gave back */
	struct loop_defer collect_now;  /* the same, at the end of this turn of the loop */
	uint32_t awaited;               /* closing legs and rooms that have not come back */
	uint32_t leg_count, room_count; /* without closing ones */
	char cname[MIXER_CNAME_CHARS + 1];
	uint32_t worker_count;
	struct mixer_worker workers[MIXER_WORKERS_MAX];
};

extern const struct media_ops mixer_ops; /* mixer_ops.c */

static inline uint64_t mixer_now_ms(const struct mixer *mixer)
{
	return clock_mono_ms(&mixer->params.clock);
}

/* ERR_QUEUE_FULL when the ring is full or something overdue waits before it. */
int mixer_post(struct mixer_worker *at, const struct worker_command *command);

/* Posts now or later, in order; never fails. */
void mixer_post_surely(struct mixer_worker *at, struct overdue *overdue);

/* A leg or a room was closed: it will come back, without a wake-up. */
void mixer_await_return(struct mixer *mixer);

/* Control is awake: takes what has come back, at the end of this turn. */
void mixer_collect_soon(struct mixer *mixer);

/* Control has the leg: hands it to the worker it is assigned to. */
void mixer_leg_go_on(struct mixer_leg *leg);

/* Takes a leg that no worker has out of every book; its ports are free afterwards. */
void mixer_leg_forget(struct mixer_leg *leg);

#endif
