/* mixer/parts.c */
#include "mixer/parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"

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

static int spread_begin(struct mixer_room *room)
{
	struct mixer *mixer = room->at->mixer;
	struct mixer_spread *spread = calloc(1, sizeof(*spread));
	int err;

	if (!spread)
		return -ENOMEM;
	spread->mixer = mixer;
	list_append(&mixer->spreads, &spread->node);
	err = spread_new(mixer->spread_turn++ % WORKER_PHASES * WORKER_PHASE_MS * 1000,
			 &spread->shared);
	if (err == 0)
		err = part_add(spread, room->at, room->bus);
	if (err) {
		spread_forget(spread);
		return err;
	}
	room->spread = spread;
	return 0;
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
	atomic_store(&bus->loudest_max, atomic_load(&room->bus->loudest_max));
	atomic_store(&bus->gate_dbov, atomic_load(&room->bus->gate_dbov));
	atomic_store(&bus->are_takes_paused, atomic_load(&room->bus->are_takes_paused));
	err = part_add(room->spread, at, bus);
	if (err) {
		bus_free(bus);
		return err;
	}
	*ret_bus = bus;
	return 0;
}

static int part_bus(struct mixer_room *room, struct mixer_worker *at, struct bus **ret_bus)
{
	for (uint32_t i = 0; room->spread && i < room->spread->count; i++) {
		if (room->spread->parts[i].at != at)
			continue;
		*ret_bus = room->spread->parts[i].bus;
		return 0;
	}
	return part_begin(room, at, ret_bus);
}

struct parts_place parts_place(struct mixer_room *room, struct mixer_worker *here)
{
	struct mixer *mixer = room->at->mixer;
	uint32_t large = mixer->params.spread_legs;
	struct parts_place place = {room->at, room->bus};
	struct mixer_worker *at;
	struct bus *bus;

	if (mixer->worker_count == 1 || large == 0 || room->legs < large)
		return place;
	at = here ? here : mixer_least_loaded(mixer);
	if (at != room->at && part_bus(room, at, &bus) == 0)
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
