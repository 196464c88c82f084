/* mixer/balance.c */
#include "mixer/balance.h"

#include "mixer/parts.h"

static uint32_t leg_us(const struct mixer *mixer)
{
	uint64_t busy_us = 0;
	uint32_t legs = 0;

	for (uint32_t i = 0; i < mixer->worker_count; i++) {
		busy_us += mixer->workers[i].load.busy_us;
		legs += mixer->workers[i].load.legs;
	}
	return load_leg_us(busy_us, legs);
}

uint32_t balance_load_us(const struct mixer_worker *at)
{
	return load_reckon(&at->load, at->legs, leg_us(at->mixer));
}

struct mixer_worker *balance_least(struct mixer *mixer)
{
	uint32_t us = leg_us(mixer), least_us = UINT32_MAX;
	struct mixer_worker *least = NULL;

	for (uint32_t i = 0; i < mixer->worker_count; i++) {
		struct mixer_worker *at = &mixer->workers[i];
		uint32_t load_us = load_reckon(&at->load, at->legs, us);

		if (!least || load_us < least_us ||
		    (load_us == least_us && at->rooms < least->rooms)) {
			least = at;
			least_us = load_us;
		}
	}
	return least;
}

static struct mixer_worker *busiest(struct mixer *mixer)
{
	struct mixer_worker *most = &mixer->workers[0];

	for (uint32_t i = 1; i < mixer->worker_count; i++)
		if (balance_load_us(&mixer->workers[i]) > balance_load_us(most))
			most = &mixer->workers[i];
	return most;
}

void balance_measure(struct mixer *mixer)
{
	uint64_t now_ns = clock_mono_ns(&mixer->params.clock);

	for (uint32_t i = 0; i < mixer->worker_count; i++) {
		struct mixer_worker *at = &mixer->workers[i];

		load_measure(&at->load, now_ns, worker_counts(at->worker).busy_ns, at->legs);
	}
}

/* Moving ------------------------------------------------------------------------------------ */

static bool is_movable(const struct mixer_leg *leg, const struct mixer_worker *from)
{
	struct media_leg_stats stats;

	if (leg->at != from || leg->place != PLACE_WORKER || leg->is_closing || leg->share ||
	    !leg->room || !parts_are_wanted(leg->room))
		return false;
	cell_read(&leg->leg->cell, &stats);
	return !stats.is_talking;
}

static bool leg_pass(struct mixer_leg *leg, struct mixer_worker *to)
{
	struct worker_command command = {.kind = WORKER_LEG_PASS, .leg = leg->leg};
	struct bus *bus;

	if (parts_bus(leg->room, to, &bus) != 0 || mixer_post(leg->at, &command) != 0)
		return false;
	leg->place = PLACE_YIELDING;
	leg->at->legs--;
	to->legs++;
	leg->at = to;
	leg->bus = bus;
	leg->mixer->legs_passed++;
	return true;
}

void balance_move(struct mixer *mixer)
{
	struct mixer_worker *from = busiest(mixer), *to = balance_least(mixer);
	uint32_t from_us = balance_load_us(from), to_us = balance_load_us(to), wanted;
	uint32_t looked = 0, passed = 0;

	if (mixer->params.spread_legs == 0 ||
	    from_us < mixer->params.spread_load_pct * (LOAD_CORE_US / 100) ||
	    from_us < to_us + BALANCE_GAP_US)
		return;
	wanted = MIN_OF((from_us - to_us) / 2 / leg_us(mixer), (uint32_t)BALANCE_LEGS);
	while (looked++ < MIN_OF(mixer->leg_count, (uint32_t)BALANCE_LOOK_MAX) && passed < wanted) {
		struct list *it = mixer->legs.next;

		list_remove(it); /* another one comes first next time */
		list_append(&mixer->legs, it);
		if (is_movable(LIST_ENTRY(it, struct mixer_leg, node), from))
			passed += leg_pass(LIST_ENTRY(it, struct mixer_leg, node), to);
	}
}

/* In time ----------------------------------------------------------------------------------- */

void balance_begin(struct mixer *mixer)
{
	if (mixer->params.loop && !timer_running(&mixer->balance))
		timer_start(loop_wheel(mixer->params.loop), &mixer->balance, BALANCE_MS);
}

void balance_run(void *arg)
{
	struct mixer *mixer = arg;

	bool has_legs = mixer->leg_count > 0;

	for (uint32_t i = 0; i < mixer->worker_count; i++)
		has_legs |= mixer->workers[i].load.legs > 0;
	balance_measure(mixer);
	balance_move(mixer);
	if (has_legs) /* and once more behind the last one */
		balance_begin(mixer);
}
