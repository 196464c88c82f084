/* mixer/worker.c */
#include "mixer/worker.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "mixer/rt_trap.h"

#define TICK_NS ((uint64_t)WORKER_TICK_MS * 1000000)
#define PHASE_NS ((uint64_t)WORKER_PHASE_MS * 1000000)
#define PHASE_US ((int32_t)WORKER_PHASE_MS * 1000)
#define MEET_NS ((uint64_t)SPREAD_MEET_US * 1000)
#define MEET_NS_MAX ((uint64_t)SPREAD_MEET_US_MAX * 1000)
#define HELD_NS_MAX ((uint64_t)WORKER_HELD_MS * 1000000)
#define LOOK_NS ((uint64_t)SPREAD_LOOK_US * 1000)
#define NEVER UINT64_MAX

enum {
	PLACE_SLACK_US = 700, /* a room that is where its talkers are leaves them so much */
	PLACE_STEP_US = 400,  /* and does not move for less than this */
	PLACE_MOVE_US_MAX = WORKER_TICK_MS * 1000 - 2 * PLACE_SLACK_US,
	LOOK_MAX = 64 /* sockets in one call */
};

struct phase {
	struct list buses;
	uint32_t leg_count;
	uint32_t early_us; /* its ticks come so much before its place: below PHASE_US */
	uint64_t due_ns;   /* of its next tick, NEVER without legs */
};

/* Written by the worker alone, read by control. */
struct counters {
	_Atomic uint64_t ticks, ticks_late, tick_late_us_max, ticks_skipped, shares_missed, busy_ns;
	_Atomic uint64_t rx_packets, tx_packets, rx_discarded, tx_failed, events_dropped;
};

struct worker {
	/* Fixed after worker_new. */
	struct clock clock;
	struct ring *commands, *events;

	/* Control's. */
	pthread_t thread;
	bool is_started, is_realtime;
	_Atomic bool must_stop;

	/* The worker's. */
	struct phase phases[WORKER_PHASES];
	struct bus lounge;
	struct list ports;   /* shared ones */
	struct list returns; /* legs that the event ring did not take yet */
	struct list bus_returns, kit_returns, seat_returns;
	struct list seats; /* parts of rooms that are spread */
	uint64_t held_ns;  /* since when commands wait for seats to be between ticks, 0: they do not
			    */
	uint32_t passing_count;
	struct leg *passing[WORKER_PASSING_MAX]; /* when their tick is delivered */
	struct leg_env env;
	struct bus_scratch scratch;
	struct counters counters;
};

/* Life -------------------------------------------------------------------------------------- */

int worker_new(const struct worker_params *params, struct worker **ret_worker)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int err;

	if (!worker)
		return -ENOMEM;
	worker->clock = params->clock;
	err = ring_new(WORKER_COMMANDS, sizeof(struct worker_command), RING_WAKE_MANUAL,
		       &worker->commands);
	if (err == 0)
		err = ring_new(WORKER_EVENTS, sizeof(struct leg_event), RING_WAKE_MANUAL,
			       &worker->events);
	if (err == 0)
		err = io_new(params->has_stamps, &worker->env.io);
	if (err) {
		worker_free(worker);
		return err;
	}
	for (uint32_t i = 0; i < WORKER_PHASES; i++) {
		list_init(&worker->phases[i].buses);
		worker->phases[i].due_ns = NEVER;
	}
	list_init(&worker->ports);
	list_init(&worker->returns);
	list_init(&worker->bus_returns);
	list_init(&worker->kit_returns);
	list_init(&worker->seat_returns);
	list_init(&worker->seats);
	list_init(&worker->env.ended);
	list_init(&worker->env.crypt_returns);
	list_init(&worker->env.strip_returns);
	bus_init(&worker->lounge, true, NULL);
	bus_scratch_init(&worker->scratch);
	worker->env.events = worker->events;
	random_init_seeded(&worker->env.random, params->seed);
	worker->env.wall_minus_mono_ns = clock_wall_ms(&params->clock) * 1000000 -
					 clock_mono_ns(&params->clock);
	worker->env.quiet_ns = (uint64_t)params->quiet_ms * 1000000;
	worker->env.cname = params->cname;
	*ret_worker = worker;
	return 0;
}

struct worker *worker_free(struct worker *worker)
{
	if (!worker)
		return NULL;
	worker_stop(worker);
	io_free(worker->env.io);
	ring_free(worker->events);
	ring_free(worker->commands);
	free(worker);
	return NULL;
}

bool worker_post(struct worker *worker, const struct worker_command *command)
{
	return ring_post_rt(worker->commands, command);
}

struct ring *worker_events(struct worker *worker)
{
	return worker->events;
}

bool worker_is_realtime(const struct worker *worker)
{
	return worker->is_realtime;
}

static uint64_t count_load(const _Atomic uint64_t *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

struct worker_counts worker_counts(const struct worker *worker)
{
	const struct counters *counters = &worker->counters;

	return (struct worker_counts){
		.ticks = count_load(&counters->ticks),
		.ticks_late = count_load(&counters->ticks_late),
		.tick_late_us_max = count_load(&counters->tick_late_us_max),
		.ticks_skipped = count_load(&counters->ticks_skipped),
		.shares_missed = count_load(&counters->shares_missed),
		.busy_ns = count_load(&counters->busy_ns),
		.rx_packets = count_load(&counters->rx_packets),
		.tx_packets = count_load(&counters->tx_packets),
		.rx_discarded = count_load(&counters->rx_discarded),
		.tx_failed = count_load(&counters->tx_failed),
		.events_dropped = count_load(&counters->events_dropped),
	};
}

/* Phases ------------------------------------------------------------------------------------ */

static void count_set(_Atomic uint64_t *count, uint64_t value)
{
	atomic_store_explicit(count, value, memory_order_relaxed);
}

static void count_add(_Atomic uint64_t *count, uint64_t more)
{
	count_set(count, count_load(count) + more);
}

/* Phase i is due at i * PHASE_NS past every multiple of TICK_NS, less what it is early; the first
 * such time after now. */
static uint64_t phase_first_due(const struct worker *worker, uint32_t i)
{
	uint64_t now_ns = worker->env.now_ns;
	uint64_t early_ns = (uint64_t)worker->phases[i].early_us * 1000;
	uint64_t due_ns = (now_ns + early_ns) / TICK_NS * TICK_NS + i * PHASE_NS - early_ns;

	return due_ns > now_ns ? due_ns : due_ns + TICK_NS;
}

static void phase_idle(struct phase *phase)
{
	phase->due_ns = NEVER;
	phase->early_us = 0;
}

/* The first phase that has room, so that few legs need few passes; when all are full, the emptiest.
 */
static void bus_enter(struct worker *worker, struct bus *bus)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < WORKER_PHASES; i++) {
		if (worker->phases[best].leg_count < WORKER_PHASE_LEGS)
			break;
		if (worker->phases[i].leg_count < worker->phases[best].leg_count)
			best = i;
	}
	bus->phase = (uint8_t)best;
	list_append(&worker->phases[best].buses, &bus->node);
}

static void phase_add(struct worker *worker, struct bus *bus)
{
	struct phase *phase;

	if (bus->phase == BUS_PHASE_NONE)
		bus_enter(worker, bus);
	phase = &worker->phases[bus->phase];
	if (phase->leg_count++ == 0)
		phase->due_ns = phase_first_due(worker, bus->phase);
}

/* An idle room takes no ticks. */
static void bus_rest(struct worker *worker, struct bus *bus)
{
	sounds_end_rt(&bus->sounds, &worker->env.ended);
	list_remove(&bus->node);
	bus->phase = BUS_PHASE_NONE;
}

static void leg_enter(struct worker *worker, struct leg *leg, struct bus *bus)
{
	if (!bus)
		bus = &worker->lounge;
	if (!bus->seat)
		phase_add(worker, bus);
	bus_add_rt(bus, leg);
	if (leg->port)
		port_enter_rt(leg->port, leg);
	leg_begin_rt(leg, &worker->env);
}

static void leg_leave(struct worker *worker, struct leg *leg)
{
	struct bus *bus = leg->bus;
	struct phase *phase = bus->seat ? NULL : &worker->phases[bus->phase];

	bus_remove_rt(bus, leg);
	if (leg->port)
		port_leave_rt(leg->port, leg);
	if (!phase)
		return;
	assert(phase->leg_count > 0);
	if (--phase->leg_count == 0)
		phase_idle(phase);
	if (bus->leg_count == 0)
		bus_rest(worker, bus);
}

/* The first tick behind `after_ns`. */
static void seat_plan(struct spread_seat *seat, uint64_t after_ns)
{
	uint64_t offset_ns = (uint64_t)spread_offset_us(seat->spread) * 1000;

	seat->due_ns = (after_ns - offset_ns) / TICK_NS * TICK_NS + TICK_NS + offset_ns;
}

/* A room that has ticks already goes on with the one that is nearest to its next. */
static void bus_seat(struct worker *worker, struct bus *bus, struct spread_seat *seat)
{
	uint64_t after_ns = worker->env.now_ns;

	if (bus->phase != BUS_PHASE_NONE) {
		struct phase *phase = &worker->phases[bus->phase];

		after_ns = phase->due_ns - TICK_NS / 2;
		phase->leg_count -= bus->leg_count;
		if (phase->leg_count == 0)
			phase_idle(phase);
		list_remove(&bus->node);
		bus->phase = BUS_PHASE_NONE;
	}
	seat->bus = bus;
	bus->seat = seat;
	seat_plan(seat, after_ns);
	list_append(&worker->seats, &seat->node);
}

static void leg_yield(struct worker *worker, struct leg *leg)
{
	leg_leave(worker, leg);
	list_append(&worker->returns, &leg->node);
	worker->env.must_wake = true; /* somebody waits for its sound elsewhere */
}

/* Legs of this bus that were to go when it has delivered. */
static void passing_go(struct worker *worker, const struct bus *bus)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < worker->passing_count; i++) {
		struct leg *leg = worker->passing[i];

		if (leg->bus == bus)
			leg_yield(worker, leg);
		else
			worker->passing[left++] = leg;
	}
	worker->passing_count = left;
}

static void leg_pass(struct worker *worker, struct leg *leg)
{
	if (leg->bus->seat && worker->passing_count < WORKER_PASSING_MAX)
		worker->passing[worker->passing_count++] = leg;
	else
		leg_yield(worker, leg);
}

static void bus_unseat(struct worker *worker, struct bus *bus)
{
	struct spread_seat *seat = bus->seat;

	passing_go(worker, bus);
	assert(seat && bus->leg_count == 0 && !seat->is_gathered);
	bus->seat = NULL;
	bus_unwant_rt(bus);
	bus_rest(worker, bus);
	list_remove(&seat->node);
	list_append(&worker->seat_returns, &seat->node);
}

/* What is said to a leg alone is over when it goes elsewhere; what is recorded of it goes on. */
static void plays_end(struct worker *worker, struct leg *leg)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &leg->sounds) {
		struct sound *sound = LIST_ENTRY(it, struct sound, node);

		if (!sound->is_take)
			sound_end_rt(sound, &worker->env.ended);
	}
}

/* In a room that nobody is in nothing is heard. */
static void sound_add(struct worker *worker, struct sound *sound)
{
	if (sound->leg || sound->bus->leg_count > 0 || sound->bus->seat)
		sound_begin_rt(sound);
	else
		list_append(&worker->env.ended, &sound->node);
}

/* Commands ---------------------------------------------------------------------------------- */

static void strip_swap(struct worker *worker, struct leg *leg, struct strip *strip)
{
	struct strip *before = leg_strip_rt(leg, strip);

	if (before)
		list_append(&worker->env.strip_returns, &strip_links(before)->node);
}

static void command_run(struct worker *worker, const struct worker_command *command)
{
	struct leg *leg = command->leg;

	switch (command->kind) {
	case WORKER_NOTHING:
		break;
	case WORKER_PORT_ADD:
		list_append(&worker->ports, port_node(command->port));
		break;
	case WORKER_BUS_SEAT:
		bus_seat(worker, command->bus, command->seat);
		break;
	case WORKER_BUS_UNSEAT:
		bus_unseat(worker, command->bus);
		break;
	case WORKER_BUS_RETIRE:
		assert(command->bus->leg_count == 0);
		list_append(&worker->bus_returns, &command->bus->node);
		break;
	case WORKER_LEG_ADD:
		leg_enter(worker, leg, command->bus);
		break;
	case WORKER_SOUND_ADD:
		sound_add(worker, command->sound);
		break;
	case WORKER_LEG_MOVE:
		plays_end(worker, leg);
		leg_leave(worker, leg);
		leg_enter(worker, leg, command->bus);
		break;
	case WORKER_LEG_SET:
		if (command->kit)
			list_append(&worker->kit_returns, &bus_fit_rt(leg, command->kit)->node);
		leg_crypt_rt(leg, &command->keys, &worker->env.crypt_returns);
		leg_set_rt(leg, &command->params, worker->env.now_ns);
		break;
	case WORKER_CRYPT_REFILL:
		leg_crypt_refill_rt(leg, &worker->env, command->worn, command->keys.rx);
		break;
	case WORKER_LEG_CONTROL:
		bus_control_rt(leg, &command->control);
		if (command->sets_strip)
			strip_swap(worker, leg, command->strip);
		break;
	case WORKER_LEG_DIGITS:
		leg_digits_rt(leg, command->digits.text, command->digits.count);
		break;
	case WORKER_LEG_END:
		leg_end_rt(leg, &worker->env);
		io_flush_rt(worker->env.io); /* before its sockets are closed */
		sounds_end_rt(&leg->sounds, &worker->env.ended);
		leg_leave(worker, leg);
		list_append(&worker->returns, &leg->node);
		break;
	case WORKER_LEG_YIELD:
		plays_end(worker, leg);
		leg_yield(worker, leg);
		break;
	case WORKER_LEG_PASS:
		leg_pass(worker, leg);
		break;
	}
}

/* Returns whether more are waiting. */
static bool commands_take(struct worker *worker)
{
	struct worker_command command;

	for (uint32_t i = 0; i < WORKER_COMMANDS_PASS; i++) {
		if (!ring_take_rt(worker->commands, &command))
			return false;
		command_run(worker, &command);
	}
	return true;
}

/* Gives objects back. What the ring does not take stays in the list for the next pass: nothing of
 * this may be lost. Off the list first: once posted it is control's. */
static bool return_post(struct worker *worker, struct list *list, int kind, void *object,
			struct list *node)
{
	list_remove(node);
	if (ring_post_rt(worker->events, &(struct leg_event){.kind = kind, .object = object}))
		return true;
	list_append(list->next, node); /* in front, as it was */
	return false;
}

static void returns_post(struct worker *worker)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &worker->kit_returns)
		if (!return_post(worker, &worker->kit_returns, LEG_EVENT_KIT_RETURNED,
				 LIST_ENTRY(it, struct kit, node), it))
			return;
	LIST_FOREACH (it, tmp, &worker->seat_returns)
		if (!return_post(worker, &worker->seat_returns, LEG_EVENT_SEAT_RETURNED,
				 LIST_ENTRY(it, struct spread_seat, node), it))
			return;
	LIST_FOREACH (it, tmp, &worker->env.crypt_returns)
		if (!return_post(worker, &worker->env.crypt_returns, LEG_EVENT_CRYPT_RETURNED,
				 crypt_of_node(it), it))
			return;
	LIST_FOREACH (it, tmp, &worker->env.strip_returns)
		if (!return_post(worker, &worker->env.strip_returns, LEG_EVENT_STRIP_RETURNED,
				 strip_of_node(it), it))
			return;
	LIST_FOREACH (it, tmp, &worker->returns)
		if (!return_post(worker, &worker->returns, LEG_EVENT_RETURNED,
				 LIST_ENTRY(it, struct leg, node), it))
			return;
	LIST_FOREACH (it, tmp, &worker->env.ended) {
		if (!return_post(worker, &worker->env.ended, LEG_EVENT_SOUND_RETURNED,
				 LIST_ENTRY(it, struct sound, node), it))
			return;
		worker->env.must_wake = true; /* what comes after a prompt waits for its end */
	}
	LIST_FOREACH (it, tmp, &worker->bus_returns)
		if (!return_post(worker, &worker->bus_returns, LEG_EVENT_BUS_RETURNED,
				 LIST_ENTRY(it, struct bus, node), it))
			return;
}

/* The tick ---------------------------------------------------------------------------------- */

static void lateness_count(struct worker *worker, uint64_t late_ns, uint64_t skipped)
{
	struct counters *counters = &worker->counters;
	uint64_t late_us = late_ns / 1000;

	count_add(&counters->ticks, 1);
	if (late_us > WORKER_LATE_US)
		count_add(&counters->ticks_late, 1);
	if (late_us > count_load(&counters->tick_late_us_max))
		count_set(&counters->tick_late_us_max, late_us);
	count_add(&counters->ticks_skipped, skipped);
}

static void phase_join(struct worker *worker, struct bus *bus, uint32_t to_index)
{
	struct phase *from = &worker->phases[bus->phase], *to = &worker->phases[to_index];

	list_remove(&bus->node);
	from->leg_count -= bus->leg_count;
	if (from->leg_count == 0)
		phase_idle(from);
	to->leg_count += bus->leg_count;
	bus->phase = (uint8_t)to_index;
	list_append(&to->buses, &bus->node);
}

/* Moves a room's ticks by by_us: earlier, or later when negative; less than a tick either way. The
 * next one comes so much sooner or later; nothing else is heard or seen of it. A phase that no
 * other room is in follows exactly, one that others are in is joined where it is, if that is not
 * too early. */
static void bus_move(struct worker *worker, struct bus *bus, int32_t by_us)
{
	struct phase *from = &worker->phases[bus->phase];
	uint64_t due_ns = from->due_ns - (uint64_t)((int64_t)by_us * 1000);
	int32_t early_us = (int32_t)from->early_us + by_us;
	int32_t by = early_us < 0 ? -1 : MIN_OF(early_us / PHASE_US, WORKER_PHASES - 1);

	for (; by >= 0 || early_us < 0; by--) {
		uint32_t to_index = (uint32_t)(bus->phase + WORKER_PHASES - by) % WORKER_PHASES;
		struct phase *to = &worker->phases[to_index];
		int32_t rest_us = MIN_OF(early_us - by * PHASE_US, PHASE_US - 1);
		bool is_free = to->leg_count == (to == from ? bus->leg_count : 0);

		if (is_free || (by > 0 && (int32_t)to->early_us <= rest_us)) {
			if (to != from)
				phase_join(worker, bus, to_index);
			if (is_free) {
				to->due_ns = due_ns;
				to->early_us = (uint32_t)rest_us;
			}
			return;
		}
		if (early_us < 0)
			return;
	}
}

/* A worker that is late has not the time of arrivals in hand, nor any to play with. A room goes
 * later only when it had found its place and the packets then come later, since the clock of who
 * talks there is slower than ours; not for everybody who has the bad luck to come just in time. */
static void bus_place(struct worker *worker, struct bus *bus, uint64_t late_ns)
{
	int32_t slack_us = bus_slack_us_rt(bus), by_us = slack_us - PLACE_SLACK_US;

	if (slack_us == INT32_MAX || late_ns >= PHASE_NS / 4)
		return;
	if (by_us >= PLACE_STEP_US)
		bus_move(worker, bus, MIN_OF(by_us, (int32_t)PLACE_MOVE_US_MAX));
	else if (by_us < 0 && slack_us >= 0 && bus->is_placed)
		bus_move(worker, bus, by_us - PLACE_SLACK_US);
	bus->is_placed = by_us >= 0;
}

/* Sockets of their own in which nothing was last time are looked at all together: a receive call
 * for each costs more than all else of a leg that is silent. */
struct look {
	uint32_t count;
	struct pollfd fds[LOOK_MAX];
	struct leg *legs[LOOK_MAX];
};

static void look_end(struct look *look)
{
	bool is_known = look->count > 0 && poll(look->fds, look->count, 0) >= 0;

	for (uint32_t i = 0; is_known && i < look->count; i++)
		look->legs[i]->has_nothing = look->fds[i].revents == 0;
	look->count = 0;
}

static void phase_look(struct phase *phase)
{
	struct look look;
	struct list *it, *tmp, *leg_it, *leg_tmp;

	look.count = 0;
	LIST_FOREACH (it, tmp, &phase->buses) {
		struct bus *bus = LIST_ENTRY(it, struct bus, node);

		LIST_FOREACH (leg_it, leg_tmp, &bus->own) {
			struct leg *leg = LIST_ENTRY(leg_it, struct leg, own_node);

			if (!leg->was_empty)
				continue;
			look.fds[look.count] = (struct pollfd){.fd = leg->rtp_fd, .events = POLLIN};
			look.legs[look.count++] = leg;
			if (look.count == LOOK_MAX)
				look_end(&look);
		}
	}
	look_end(&look);
}

static void phase_tick(struct worker *worker, struct phase *phase)
{
	uint64_t late_ns = worker->env.now_ns - phase->due_ns;
	uint64_t skipped = late_ns / TICK_NS;
	struct list *it, *tmp;

	lateness_count(worker, late_ns, skipped);
	phase->due_ns += (skipped + 1) * TICK_NS;
	phase_look(phase);
	worker->env.buses = &phase->buses;
	LIST_FOREACH (it, tmp, &phase->buses) {
		struct bus *bus = LIST_ENTRY(it, struct bus, node);

		bus_tick_rt(bus, &worker->scratch, &worker->env, (uint32_t)skipped);
		atomic_store_explicit(&bus->tick_us, (uint32_t)(phase->due_ns % TICK_NS / 1000),
				      memory_order_relaxed);
		bus_place(worker, bus, late_ns);
	}
	worker->env.buses = NULL;
	io_flush_rt(worker->env.io);
}

static void seat_gather(struct worker *worker, struct spread_seat *seat)
{
	uint64_t late_ns = worker->env.now_ns - seat->due_ns, skipped = late_ns / TICK_NS;

	lateness_count(worker, late_ns, skipped);
	seat->due_ns += skipped * TICK_NS;
	spread_gather_rt(seat, &worker->env, seat->due_ns / TICK_NS, (uint32_t)skipped);
	seat->gather_ns = seat->due_ns;
	seat->due_ns += LOOK_NS;
}

/* Somebody is not ready yet, and there is time to look again. */
static bool seat_waits(const struct worker *worker, const struct spread_seat *seat)
{
	if (worker->held_ns && worker->env.now_ns - worker->held_ns > HELD_NS_MAX)
		return false;
	return worker->env.now_ns < seat->gather_ns + MEET_NS_MAX &&
	       !spread_is_complete_rt(seat, worker->env.now_ns < seat->gather_ns + MEET_NS);
}

static void seat_step(struct worker *worker, struct spread_seat *seat)
{
	uint64_t missed = seat->missed;

	if (!seat->is_gathered) {
		seat_gather(worker, seat);
		return;
	}
	if (seat_waits(worker, seat)) {
		seat->due_ns += LOOK_NS;
		return;
	}
	spread_meet_rt(seat);
	spread_deliver_rt(seat, &worker->env);
	passing_go(worker, seat->bus);
	seat->due_ns = seat->gather_ns + TICK_NS;
	count_add(&worker->counters.shares_missed, seat->missed - missed);
}

static struct spread_seat *seat_next(const struct worker *worker)
{
	struct spread_seat *next = NULL;

	for (struct list *it = worker->seats.next; it != &worker->seats; it = it->next) {
		struct spread_seat *seat = LIST_ENTRY(it, struct spread_seat, node);

		if (!next || seat->due_ns < next->due_ns)
			next = seat;
	}
	return next;
}

/* What was gathered points into legs: they stay as they are until it is delivered. */
static bool is_between_steps(const struct worker *worker)
{
	for (const struct list *it = worker->seats.next; it != &worker->seats; it = it->next)
		if (LIST_ENTRY(it, const struct spread_seat, node)->is_gathered)
			return true;
	return false;
}

/* Packets of all legs that share, those of later phases included: they wait in their intakes. */
static void ports_receive(struct worker *worker)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &worker->ports)
		port_receive_rt(port_of_node(it), &worker->env);
}

/* The phase that is due first. */
static struct phase *phase_next(struct worker *worker)
{
	struct phase *next = &worker->phases[0];

	for (uint32_t i = 1; i < WORKER_PHASES; i++)
		if (worker->phases[i].due_ns < next->due_ns)
			next = &worker->phases[i];
	return next;
}

static uint64_t due_next(struct worker *worker)
{
	struct spread_seat *seat = seat_next(worker);
	uint64_t due_ns = phase_next(worker)->due_ns;

	return seat ? MIN_OF(due_ns, seat->due_ns) : due_ns;
}

/* Something is due that takes packets: to look for few of them in every pass in which parts of a
 * room meet would cost more than to find them all in the next. */
static bool is_gathering_due(const struct worker *worker, uint64_t now_ns)
{
	for (uint32_t i = 0; i < WORKER_PHASES; i++)
		if (worker->phases[i].due_ns <= now_ns)
			return true;
	for (const struct list *it = worker->seats.next; it != &worker->seats; it = it->next) {
		const struct spread_seat *seat = LIST_ENTRY(it, const struct spread_seat, node);

		if (!seat->is_gathered && seat->due_ns <= now_ns)
			return true;
	}
	return false;
}

/* One phase, or one step of a seat. */
static void step(struct worker *worker)
{
	struct spread_seat *seat = seat_next(worker);
	struct phase *phase = phase_next(worker);

	if (seat && seat->due_ns <= phase->due_ns)
		seat_step(worker, seat);
	else
		phase_tick(worker, phase);
}

/* What was gathered before this pass and is due is delivered before anything else comes. */
static void steps_finish(struct worker *worker, uint64_t now_ns)
{
	struct spread_seat *seat;

	while ((seat = seat_next(worker)) && seat->is_gathered && seat->due_ns <= now_ns)
		seat_step(worker, seat);
}

static void counters_publish(struct worker *worker)
{
	struct counters *counters = &worker->counters;

	count_set(&counters->rx_packets, worker->env.rx_packets);
	count_set(&counters->tx_packets, worker->env.tx_packets);
	count_set(&counters->rx_discarded, worker->env.rx_discarded);
	count_set(&counters->events_dropped, worker->env.events_dropped);
	count_set(&counters->tx_failed, io_tx_failed_rt(worker->env.io));
}

static uint64_t next_pass(struct worker *worker, bool has_commands)
{
	if (has_commands)
		return worker->env.now_ns;
	if (!list_empty(&worker->returns) || !list_empty(&worker->bus_returns) ||
	    !list_empty(&worker->kit_returns) || !list_empty(&worker->env.ended) ||
	    !list_empty(&worker->env.crypt_returns) || !list_empty(&worker->seat_returns) ||
	    !list_empty(&worker->env.strip_returns))
		return MIN_OF(due_next(worker), worker->env.now_ns + PHASE_NS);
	return due_next(worker);
}

uint64_t worker_tick_rt(struct worker *worker, uint64_t now_ns)
{
	bool has_commands = false;
	uint64_t next_ns;

	rt_trap_enter();
	worker->env.now_ns = now_ns;
	io_begin_rt(worker->env.io, now_ns);
	steps_finish(worker, now_ns);
	if (!is_between_steps(worker)) {
		has_commands = commands_take(worker);
		worker->held_ns = 0;
	} else if (!worker->held_ns) {
		worker->held_ns = now_ns;
	}
	if (is_gathering_due(worker, now_ns))
		ports_receive(worker);
	while (due_next(worker) <= now_ns)
		step(worker);
	returns_post(worker);
	if (worker->env.must_wake) /* once a pass, whatever was posted in it */
		ring_wake_rt(worker->events);
	worker->env.must_wake = false;
	counters_publish(worker);
	next_ns = next_pass(worker, has_commands);
	rt_trap_leave();
	return next_ns;
}

/* The thread -------------------------------------------------------------------------------- */

static void sleep_until(struct worker *worker, uint64_t due_ns)
{
	struct timespec due = {.tv_sec = (time_t)(due_ns / 1000000000),
			       .tv_nsec = (long)(due_ns % 1000000000)};

	if (due_ns == NEVER) { /* only now posts ring: else the next tick takes them anyway */
		struct pollfd commands = {.fd = ring_fd(worker->commands), .events = POLLIN};

		if (ring_sleep_begin(worker->commands))
			(void)poll(&commands, 1, -1);
		ring_sleep_end(worker->commands);
		return;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
		;
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;

	for (;;) {
		uint64_t from_ns = clock_mono_ns(&worker->clock);
		uint64_t due_ns = worker_tick_rt(worker, from_ns);

		count_add(&worker->counters.busy_ns, clock_mono_ns(&worker->clock) - from_ns);
		/* After the pass, which may have taken the command that was to wake it. */
		if (atomic_load_explicit(&worker->must_stop, memory_order_acquire))
			return NULL;
		sleep_until(worker, due_ns);
	}
}

int worker_start(struct worker *worker)
{
	struct sched_param priority = {.sched_priority = WORKER_PRIORITY};
	sigset_t all, before;
	int err;

	assert(!worker->is_started);
	sigfillset(&all); /* signals are for control */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&worker->thread, NULL, worker_main, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -err;
	worker->is_started = true;
	(void)pthread_setname_np(worker->thread, "hearth-mixer");
	/* Needs CAP_SYS_NICE or a limit; without it the worker is one thread among others. */
	worker->is_realtime = pthread_setschedparam(worker->thread, SCHED_FIFO, &priority) == 0;
	return 0;
}

void worker_stop(struct worker *worker)
{
	if (!worker->is_started)
		return;
	atomic_store_explicit(&worker->must_stop, true, memory_order_release);
	/* Wakes a worker that sleeps; when the ring is full it does not. */
	(void)worker_post(worker, &(struct worker_command){.kind = WORKER_NOTHING});
	pthread_join(worker->thread, NULL);
	worker->is_started = false;
}
