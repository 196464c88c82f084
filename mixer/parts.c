/* mixer/parts.c */
#include "mixer/parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "mixer/balance.h"

struct part {
	struct mixer_worker *at;
	struct bus *bus;
	struct overdue unseat, retire;
};

struct mixer_spread {
	struct list node; /* in mixer->spreads */
	struct mixer *mixer;
	struct spread *shared;
	uint32_t out; /* seats and buses that workers have */
	uint32_t count;
	struct part parts[MIXER_WORKERS_MAX]; /* the home first */
};

static_assert((int)MIXER_WORKERS_MAX <= (int)SPREAD_SEATS_MAX, "a seat for every worker");

/* Making ------------------------------------------------------------------------------------ */

/* On `at`, whose bus is part of the room from the next tick on. */
static int part_add(struct mixer_spread *spread, struct mixer_worker *at, struct bus *bus)
{
	struct part *part = &spread->parts[spread->count];
	struct spread_seat *seat;
	int err = spread_seat_new(spread->shared, &seat);

	if (err)
		return err;
	seat->owner = spread;
	err = mixer_post(
		at, &(struct worker_command){.kind = WORKER_BUS_SEAT, .bus = bus, .seat = seat});
	if (err) {
		spread_seat_undo(seat);
		return err;
	}
	part->at = at;
	part->bus = bus;
	part->unseat = (struct overdue){.kind = WORKER_BUS_UNSEAT, .bus = bus};
	part->retire = (struct overdue){.kind = WORKER_BUS_RETIRE, .bus = bus};
	list_init(&part->unseat.node);
	list_init(&part->retire.node);
	spread->count++;
	spread->out += bus->is_part ? 2 : 1;
	return 0;
}

static void spread_forget(struct mixer_spread *spread)
{
	list_remove(&spread->node);
	spread_free(spread->shared);
	free(spread);
}

/* The ticks go on where they are, or as near as the phases of workers are: those of several rooms
 * must not be at all times, for commands are carried out in between (spread.h). */
static uint32_t tick_us_near(const struct bus *bus)
{
	const uint32_t phase_us = WORKER_PHASE_MS * 1000;
	uint32_t us = atomic_load_explicit(&bus->tick_us, memory_order_relaxed);

	return (us + phase_us / 2) / phase_us % WORKER_PHASES * phase_us;
}

static int spread_begin(struct mixer_room *room)
{
	struct mixer *mixer = room->at->mixer;
	struct mixer_spread *spread = calloc(1, sizeof(*spread));
	int err;

	if (!spread)
		return -ENOMEM;
	spread->mixer = mixer;
	list_append(&mixer->spreads, &spread->node);
	err = spread_new(tick_us_near(room->bus), &spread->shared);
	if (err == 0)
		err = part_add(spread, room->at, room->bus);
	if (err) {
		spread_forget(spread);
		return err;
	}
	room->spread = spread;
	return 0;
}

static void wishes_copy(struct bus *from, struct bus *to)
{
	atomic_store(&to->loudest_max, atomic_load(&from->loudest_max));
	atomic_store(&to->gate_dbov, atomic_load(&from->gate_dbov));
	atomic_store(&to->are_takes_paused, atomic_load(&from->are_takes_paused));
}

static int part_begin(struct mixer_room *room, struct mixer_worker *at, struct bus **ret_bus)
{
	struct bus *bus;
	int err = room->spread ? 0 : spread_begin(room);

	if (err)
		return err;
	err = bus_new(room->spread, &bus);
	if (err)
		return err;
	bus->is_part = true;
	wishes_copy(room->bus, bus);
	err = part_add(room->spread, at, bus);
	if (err) {
		bus_free(bus);
		return err;
	}
	*ret_bus = bus;
	return 0;
}

int parts_bus(struct mixer_room *room, struct mixer_worker *at, struct bus **ret_bus)
{
	if (at == room->at && !room->spread) {
		*ret_bus = room->bus;
		return 0;
	}
	for (uint32_t i = 0; room->spread && i < room->spread->count; i++) {
		if (room->spread->parts[i].at != at)
			continue;
		*ret_bus = room->spread->parts[i].bus;
		return 0;
	}
	return part_begin(room, at, ret_bus);
}

/* Choosing ---------------------------------------------------------------------------------- */

/* Nobody is in it: the bus that it had goes, and it gets another one elsewhere. When that cannot be
 * done it stays, which is no harm. */
static void room_settle(struct mixer_room *room, struct mixer_worker *at)
{
	struct worker_command command = {.kind = WORKER_BUS_RETIRE, .bus = room->bus};
	struct bus *bus;

	if (at == room->at || bus_new(room, &bus) != 0)
		return;
	if (mixer_post(room->at, &command) != 0) {
		bus_free(bus);
		return;
	}
	wishes_copy(room->bus, bus);
	list_append(&at->mixer->buses_left, &room->bus->left);
	mixer_await_return(at->mixer);
	room->at->rooms--;
	at->rooms++;
	room->at = at;
	room->bus = bus;
	room->overdue.bus = bus;
}

/* Where a room settles whose first leg comes. To go to that leg is cheaper than to fetch it, unless
 * there is much to do there; otherwise a little less to do elsewhere is not worth a new bus. */
static struct mixer_worker *settle_choose(const struct mixer_room *room, struct mixer_worker *here)
{
	struct mixer_worker *at = here ? here : balance_least(room->at->mixer);
	uint32_t home_us = balance_load_us(room->at), at_us = balance_load_us(at);

	if (here)
		return at_us < home_us + BALANCE_GAP_US ? at : room->at;
	return home_us > at_us + PARTS_SETTLE_GAP_US ? at : room->at;
}

static bool is_full(const struct mixer_worker *at)
{
	return balance_load_us(at) >= at->mixer->params.spread_load_pct * (LOAD_CORE_US / 100);
}

bool parts_are_wanted(const struct mixer_room *room)
{
	const struct mixer *mixer = room->at->mixer;
	uint32_t large = mixer->params.spread_legs;

	return mixer->worker_count > 1 && large > 0 && room->legs >= large &&
	       (room->spread || is_full(room->at));
}

/* For one more leg. */
static struct mixer_worker *part_choose(const struct mixer_room *room)
{
	struct mixer_worker *least = room->at;

	for (uint32_t i = 0; room->spread && i < room->spread->count; i++)
		if (balance_load_us(room->spread->parts[i].at) < balance_load_us(least))
			least = room->spread->parts[i].at;
	return is_full(least) ? balance_least(least->mixer) : least;
}

struct parts_place parts_place(struct mixer_room *room, struct mixer_worker *here)
{
	struct parts_place place = {room->at, room->bus};
	struct mixer_worker *at;
	struct bus *bus;

	if (room->legs == 0) {
		room_settle(room, settle_choose(room, here));
		return (struct parts_place){room->at, room->bus};
	}
	if (!parts_are_wanted(room))
		return place;
	at = here ? here : part_choose(room);
	if (at != room->at && parts_bus(room, at, &bus) == 0)
		place = (struct parts_place){at, bus};
	return place;
}

/* Ending ------------------------------------------------------------------------------------ */

void parts_leg_left(struct mixer_room *room)
{
	struct mixer_spread *spread = room->spread;

	assert(room->legs > 0);
	if (--room->legs > 0 || !spread)
		return;
	room->spread = NULL;
	for (uint32_t i = 0; i < spread->count; i++) {
		struct part *part = &spread->parts[i];

		mixer_await_return(spread->mixer);
		mixer_post_surely(part->at, &part->unseat);
		if (!part->bus->is_part)
			continue;
		mixer_await_return(spread->mixer);
		mixer_post_surely(part->at, &part->retire);
	}
}

static void one_returned(struct mixer_spread *spread)
{
	assert(spread->out > 0);
	spread->mixer->awaited--;
	if (--spread->out == 0)
		spread_forget(spread);
}

void parts_seat_returned(struct spread_seat *seat)
{
	one_returned(seat->owner);
}

void parts_bus_returned(struct bus *bus)
{
	struct mixer_spread *spread = bus->owner;

	for (uint32_t i = 0; i < spread->count; i++)
		if (spread->parts[i].bus == bus)
			spread->parts[i].bus = bus_free(bus);
	one_returned(spread);
}

void parts_free(struct mixer *mixer)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &mixer->spreads) {
		struct mixer_spread *spread = LIST_ENTRY(it, struct mixer_spread, node);

		for (uint32_t i = 1; i < spread->count; i++)
			bus_free(spread->parts[i].bus);
		spread_forget(spread);
	}
}

/* The same for all -------------------------------------------------------------------------- */

static void set_policy(struct bus *bus, const struct media_room_policy *policy)
{
	atomic_store(&bus->loudest_max, policy->loudest);
	atomic_store(&bus->gate_dbov, policy->gate_dbov);
}

void parts_set_policy(struct mixer_room *room, const struct media_room_policy *policy)
{
	set_policy(room->bus, policy);
	for (uint32_t i = 1; room->spread && i < room->spread->count; i++)
		set_policy(room->spread->parts[i].bus, policy);
}

void parts_set_paused(struct mixer_room *room, bool is_paused)
{
	atomic_store(&room->bus->are_takes_paused, is_paused);
	for (uint32_t i = 1; room->spread && i < room->spread->count; i++)
		atomic_store(&room->spread->parts[i].bus->are_takes_paused, is_paused);
}
