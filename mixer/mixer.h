/* mixer/mixer.h -- the mixer behind src/media.h: workers, rooms, legs, ports.
 *
 * Control makes every object, hands it to a worker by command and gets it back by event; nothing is
 * locked. docs/mixer.md tells the whole story.
 *
 * Threads: all functions on control. The mixer starts its workers itself, or none when is_manual.
 */
#ifndef MIXER_MIXER_H
#define MIXER_MIXER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/random.h"
#include "media.h"

enum {
	MIXER_WORKERS_MAX = 64,
	MIXER_LEGS_MAX = 100000,
	MIXER_ROOMS_MAX = 100000,
	MIXER_QUIET_MS_DEFAULT = 30000,
	MIXER_PORT_QUARANTINE_MS_DEFAULT = 2000
};

struct mixer_params {
	struct loop *loop;     /* borrowed; events arrive through it. NULL: through mixer_poll */
	struct clock clock;    /* the system's, unless is_manual */
	struct random *random; /* borrowed, used on control only */
	uint32_t workers;      /* 0: one per online core */
	uint16_t port_low, port_high; /* inclusive; RTP takes the even, RTCP the odd ports */
	uint32_t port_quarantine_ms;  /* a port rests so long after its leg; 0: default */
	uint32_t legs_max, rooms_max;
	uint32_t quiet_ms;      /* no RTP, no RTCP for so long: MEDIA_LEG_QUIET; 0: default */
	uint16_t jitter_max_ms; /* hard cap of the jitter buffer's delay; 0: its default */
	uint32_t spread_legs;   /* a room with so many may be spread over workers (parts.h); 0: never */
	uint32_t spread_load_pct; /* and is when its worker has more to do than so much of a core */
	bool has_shared_ports;  /* legs may share sockets (shares.h) */
	bool is_manual;         /* no threads: mixer_tick drives the workers (tests, simulation) */
	media_event_fn *on_event;
	void *arg;
};

struct mixer;

/* -EINVAL: params out of range. -ENOMEM, errno of eventfd or pthread_create. */
int mixer_new(const struct mixer_params *params, struct mixer **ret_mixer);

/* Stops the workers and closes every leg without events. Accepts NULL, returns NULL. */
struct mixer *mixer_free(struct mixer *mixer);

/* The operations for the focus; valid until mixer_free. */
struct media mixer_media(struct mixer *mixer);

/* Replaces the receiver of events: the focus may be made after its mixer. */
void mixer_set_events(struct mixer *mixer, media_event_fn *on_event, void *arg);

/* Delivers what the workers have posted. With a loop it is called by itself. */
void mixer_poll(struct mixer *mixer);

/* is_manual only: one pass of every worker at `now_ns`. Call it every 5 ms of virtual time (or
 * rarer: the workers then see themselves late), after which mixer_poll has the events. */
void mixer_tick(struct mixer *mixer, uint64_t now_ns);

#endif
