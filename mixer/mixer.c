/* mixer/mixer.c -- control's side: who exists, which worker has it, what is under way.
 *
 * A leg is always in one of three places. *At its worker*: every operation is a command.
 * *Yielding*: asked back, because it moves to a room of another worker. *Held*: control has it, and
 * the next worker's command ring was full. What is asked of a leg that is not at its worker is kept
 * and carried out when it arrives, so operations keep their order.
 *
 * Closing must not fail. A command that closes, or that hands a held leg on, and finds the ring
 * full becomes overdue: it waits in the worker's list, in order, and while anything waits there no
 * other command of that worker gets past it.
 */
#include "mixer/mixer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/handle.h"
#include "base/list.h"
#include "base/wheel.h"
#include "mixer/codec.h"
#include "mixer/kernel.h"
#include "mixer/ports.h"
#include "mixer/rtcp.h"
#include "mixer/worker.h"

enum { OVERDUE_RETRY_MS = 5, CNAME_CHARS = 16 };

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
};

struct mixer_room {
	struct list node; /* in mixer->rooms */
	handle handle;
	struct mixer_worker *at;
	struct bus *bus;
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
	struct leg *leg;
	struct port_pair ports;
	enum place place;
	bool is_closing;
	bool has_params, has_control; /* kept for its arrival */
	struct media_leg_params params;
	struct leg_control control;
	struct overdue overdue;
};

struct mixer {
	struct mixer_params params;
	struct handle_table *rooms_by_handle, *legs_by_handle;
	struct list rooms, legs; /* all, closing ones included */
	struct ports *ports;
	struct timer retry;
	uint32_t leg_count, room_count; /* without closing ones */
	char cname[CNAME_CHARS + 1];
	uint32_t worker_count;
	struct mixer_worker workers[MIXER_WORKERS_MAX];
};

static_assert((int)CNAME_CHARS <= (int)RTCP_CNAME_MAX, "CNAME");

static uint64_t now_ms(const struct mixer *mixer)
{
	return clock_mono_ms(&mixer->params.clock);
}

/* Commands ---------------------------------------------------------------------------------- */

static int post(struct mixer_worker *at, const struct worker_command *command)
{
	if (!list_empty(&at->overdue) || !worker_post(at->worker, command))
		return ERR_QUEUE_FULL;
	return 0;
}

static int overdue_post(struct mixer_worker *at, const struct overdue *overdue)
{
	struct worker_command command = {.kind = overdue->kind, .bus = overdue->bus};

	if (overdue->leg)
		command.leg = overdue->leg->leg;
	return worker_post(at->worker, &command) ? 0 : ERR_QUEUE_FULL;
}

/* Posts now or later, in order; never fails. */
static void post_surely(struct mixer_worker *at, struct overdue *overdue)
{
	struct mixer *mixer = at->mixer;

	if (list_empty(&at->overdue) && overdue_post(at, overdue) == 0)
		return;
	list_append(&at->overdue, &overdue->node);
	if (mixer->params.loop && !timer_running(&mixer->retry))
		timer_start(loop_wheel(mixer->params.loop), &mixer->retry, OVERDUE_RETRY_MS);
}

/* Carries out what was asked of a leg while it was away. Control has it. */
static void leg_catch_up(struct mixer_leg *leg)
{
	if (leg->has_params)
		leg_set_rt(leg->leg, &leg->params, clock_mono_ns(&leg->mixer->params.clock));
	if (leg->has_control)
		leg_control_rt(leg->leg, &leg->control);
	leg->has_params = leg->has_control = false;
}

/* Control has the leg and hands it to the worker it is assigned to. */
static void leg_go_on(struct mixer_leg *leg)
{
	leg->overdue.kind = WORKER_LEG_ADD;
	leg->overdue.bus = leg->room ? leg->room->bus : NULL;
	leg_catch_up(leg);
	post_surely(leg->at, &leg->overdue);
	leg->place = list_empty(&leg->overdue.node) ? PLACE_WORKER : PLACE_HELD;
}

/* Life of objects --------------------------------------------------------------------------- */

static struct mixer_worker *least_loaded(struct mixer *mixer)
{
	struct mixer_worker *best = &mixer->workers[0];

	for (uint32_t i = 1; i < mixer->worker_count; i++) {
		struct mixer_worker *at = &mixer->workers[i];

		if (at->legs < best->legs || (at->legs == best->legs && at->rooms < best->rooms))
			best = at;
	}
	return best;
}

static void room_forget(struct mixer_room *room)
{
	list_remove(&room->node);
	room->at->rooms--;
	bus_free(room->bus);
	free(room);
}

/* Takes a leg out of every book; its ports are free afterwards. */
static void leg_forget(struct mixer_leg *leg)
{
	struct mixer *mixer = leg->mixer;

	list_remove(&leg->node);
	list_remove(&leg->overdue.node);
	leg->at->legs--;
	(void)handle_drop(mixer->legs_by_handle, leg->handle);
	ports_give(mixer->ports, &leg->ports, now_ms(mixer));
	leg_free(leg->leg);
	free(leg);
}

static void leg_closed(struct mixer_leg *leg)
{
	struct mixer *mixer = leg->mixer;
	struct media_event event = {.kind = MEDIA_LEG_CLOSED,
				    .leg = leg->handle,
				    .tag = leg->tag,
				    .stats = leg->leg->stats};

	leg_forget(leg);
	if (mixer->params.on_event)
		mixer->params.on_event(mixer->params.arg, &event);
}

/* Events ------------------------------------------------------------------------------------ */

/* A leg came back: it was closed, or it goes on to another worker. */
static void leg_returned(struct mixer_leg *leg)
{
	if (leg->is_closing)
		leg_closed(leg);
	else
		leg_go_on(leg);
}

static void event_deliver(struct mixer *mixer, const struct leg_event *posted)
{
	struct leg *worker_leg = posted->object;
	struct mixer_leg *leg;
	struct media_event event = {.is_on = posted->is_on,
				    .digit = posted->digit,
				    .duration_ms = posted->duration_ms,
				    .remote = posted->remote};

	if (posted->kind == LEG_EVENT_BUS_RETURNED) {
		room_forget(((struct bus *)posted->object)->owner);
		return;
	}
	leg = worker_leg->owner;
	if (posted->kind == LEG_EVENT_RETURNED) {
		leg_returned(leg);
		return;
	}
	if (leg->is_closing || !mixer->params.on_event)
		return;
	event.kind = (enum media_event_kind)posted->kind;
	event.leg = leg->handle;
	event.tag = leg->tag;
	mixer->params.on_event(mixer->params.arg, &event);
}

static void overdue_flush(struct mixer_worker *at)
{
	while (!list_empty(&at->overdue)) {
		struct overdue *overdue = LIST_ENTRY(at->overdue.next, struct overdue, node);
		struct mixer_leg *leg = overdue->leg;

		if (leg && leg->is_closing && leg->place == PLACE_HELD) {
			leg_closed(leg); /* it never went on: nobody has to give it back */
			continue;
		}
		if (leg && leg->place == PLACE_HELD)
			leg_catch_up(leg);
		if (overdue_post(at, overdue) != 0)
			return;
		list_remove(&overdue->node);
		if (leg)
			leg->place = PLACE_WORKER;
	}
}

static void worker_drain(struct mixer_worker *at)
{
	struct ring *events = worker_events(at->worker);
	struct leg_event event;

	overdue_flush(at);
	ring_fd_ack(events);
	while (ring_take_rt(events, &event))
		event_deliver(at->mixer, &event);
}

static void on_worker_ready(void *arg, unsigned events)
{
	(void)events;
	worker_drain(arg);
}

static void on_retry(void *arg)
{
	struct mixer *mixer = arg;
	bool is_left = false;

	for (uint32_t i = 0; i < mixer->worker_count; i++) {
		overdue_flush(&mixer->workers[i]);
		is_left |= !list_empty(&mixer->workers[i].overdue);
	}
	if (is_left)
		timer_start(loop_wheel(mixer->params.loop), &mixer->retry, OVERDUE_RETRY_MS);
}

void mixer_poll(struct mixer *mixer)
{
	for (uint32_t i = 0; i < mixer->worker_count; i++)
		worker_drain(&mixer->workers[i]);
}

void mixer_tick(struct mixer *mixer, uint64_t now_ns)
{
	assert(mixer->params.is_manual);
	for (uint32_t i = 0; i < mixer->worker_count; i++)
		(void)worker_tick_rt(mixer->workers[i].worker, now_ns);
}

/* Operations on rooms ----------------------------------------------------------------------- */

static int room_open(void *ctx, handle *ret_room)
{
	struct mixer *mixer = ctx;
	struct mixer_room *room = calloc(1, sizeof(*room));
	int err;

	if (!room)
		return -ENOMEM;
	err = bus_new(room, &room->bus);
	if (err == 0)
		err = handle_take(mixer->rooms_by_handle, room, &room->handle);
	if (err) {
		bus_free(room->bus);
		free(room);
		return err == ERR_LIMIT ? ERR_MEDIA_NO_ROOMS : err;
	}
	room->at = least_loaded(mixer);
	room->at->rooms++;
	room->overdue = (struct overdue){.kind = WORKER_BUS_RETIRE, .bus = room->bus};
	list_append(&mixer->rooms, &room->node);
	mixer->room_count++;
	*ret_room = room->handle;
	return 0;
}

static int room_close(void *ctx, handle h)
{
	struct mixer *mixer = ctx;
	struct mixer_room *room = handle_find(mixer->rooms_by_handle, h);

	if (!room)
		return ERR_STALE;
	if (room->legs > 0)
		return ERR_STATE;
	(void)handle_drop(mixer->rooms_by_handle, h);
	mixer->room_count--;
	post_surely(room->at, &room->overdue);
	return 0;
}

/* Operations on legs ------------------------------------------------------------------------ */

static struct mixer_leg *leg_find(const struct mixer *mixer, handle h)
{
	struct mixer_leg *leg = handle_find(mixer->legs_by_handle, h);

	return leg && !leg->is_closing ? leg : NULL;
}

/* 0 names no room, which is allowed; a room that is gone is not. */
static int room_find(const struct mixer *mixer, handle h, struct mixer_room **ret_room)
{
	struct mixer_room *room = h ? handle_find(mixer->rooms_by_handle, h) : NULL;

	if (h && !room)
		return ERR_STALE;
	*ret_room = room;
	return 0;
}

static int leg_make(struct mixer *mixer, const struct media_leg_open *open, struct mixer_leg *leg)
{
	struct leg_new_params params = {.jitter_max_ms = mixer->params.jitter_max_ms,
					.random = mixer->params.random,
					.owner = leg};
	int err = ports_take(mixer->ports, &open->local, now_ms(mixer), &leg->ports);

	if (err)
		return err;
	params.rtp_fd = leg->ports.rtp_fd;
	params.rtcp_fd = leg->ports.rtcp_fd;
	err = leg_new(&params, &leg->leg);
	if (err)
		ports_give(mixer->ports, &leg->ports, now_ms(mixer));
	return err;
}

static int leg_open(void *ctx, const struct media_leg_open *open, handle *ret_leg,
		    struct addr *ret_local)
{
	struct mixer *mixer = ctx;
	struct mixer_room *room;
	struct mixer_leg *leg;
	int err = room_find(mixer, open->room, &room);

	if (err)
		return err;
	leg = calloc(1, sizeof(*leg));
	if (!leg)
		return -ENOMEM;
	leg->mixer = mixer;
	leg->tag = open->tag;
	leg->room = room;
	leg->at = room ? room->at : least_loaded(mixer);
	leg->overdue.leg = leg;
	err = handle_take(mixer->legs_by_handle, leg, &leg->handle);
	if (err) {
		free(leg);
		return err == ERR_LIMIT ? ERR_MEDIA_NO_LEGS : err;
	}
	err = leg_make(mixer, open, leg);
	if (err) {
		(void)handle_drop(mixer->legs_by_handle, leg->handle);
		free(leg);
		return err;
	}
	list_append(&mixer->legs, &leg->node);
	leg->at->legs++;
	err = post(leg->at, &(struct worker_command){.kind = WORKER_LEG_ADD,
						     .leg = leg->leg,
						     .bus = room ? room->bus : NULL});
	if (err) {
		leg_forget(leg);
		return err;
	}
	if (room)
		room->legs++;
	mixer->leg_count++;
	*ret_leg = leg->handle;
	*ret_local = leg->ports.local;
	return 0;
}

static int leg_set(void *ctx, handle h, const struct media_leg_params *params)
{
	struct mixer_leg *leg = leg_find(ctx, h);
	struct worker_command command = {.kind = WORKER_LEG_SET};
	int err;

	if (!leg)
		return ERR_STALE;
	err = leg_params_check(params);
	if (err)
		return err;
	if (leg->place != PLACE_WORKER) {
		leg->params = *params;
		leg->has_params = true;
		return 0;
	}
	command.leg = leg->leg;
	command.params = *params;
	return post(leg->at, &command);
}

static int leg_control(void *ctx, handle h, const struct media_leg_control *control)
{
	struct mixer_leg *leg = leg_find(ctx, h);
	struct worker_command command = {.kind = WORKER_LEG_CONTROL};

	if (!leg)
		return ERR_STALE;
	command.control = (struct leg_control){
		.is_muted = control->is_muted,
		.is_deaf = control->is_deaf,
		.gain_in_q14 = kernel_gain_q14(control->gain_in_cdb),
		.gain_out_q14 = kernel_gain_q14(control->gain_out_cdb)};
	if (leg->place != PLACE_WORKER) {
		leg->control = command.control;
		leg->has_control = true;
		return 0;
	}
	command.leg = leg->leg;
	return post(leg->at, &command);
}

static void leg_assign(struct mixer_leg *leg, struct mixer_worker *at, struct mixer_room *room)
{
	leg->at->legs--;
	at->legs++;
	leg->at = at;
	if (leg->room)
		leg->room->legs--;
	if (room)
		room->legs++;
	leg->room = room;
}

/* Under way already: only where it goes to changes. */
static void leg_redirect(struct mixer_leg *leg, struct mixer_worker *at, struct mixer_room *room)
{
	leg_assign(leg, at, room);
	if (leg->place != PLACE_HELD)
		return;
	list_remove(&leg->overdue.node);
	leg_go_on(leg);
}

static int leg_move(void *ctx, handle h, handle room_handle)
{
	struct mixer_leg *leg = leg_find(ctx, h);
	struct worker_command command = {.kind = WORKER_LEG_MOVE};
	struct mixer_worker *at;
	struct mixer_room *room;
	int err;

	if (!leg)
		return ERR_STALE;
	err = room_find(ctx, room_handle, &room);
	if (err)
		return err;
	at = room ? room->at : leg->at; /* a leg without a room stays where it is */
	if (leg->place != PLACE_WORKER) {
		leg_redirect(leg, at, room);
		return 0;
	}
	command.leg = leg->leg;
	command.bus = room ? room->bus : NULL;
	if (at != leg->at)
		command.kind = WORKER_LEG_YIELD;
	err = post(leg->at, &command);
	if (err)
		return err;
	if (at != leg->at)
		leg->place = PLACE_YIELDING;
	leg_assign(leg, at, room);
	return 0;
}

static int leg_close(void *ctx, handle h)
{
	struct mixer *mixer = ctx;
	struct mixer_leg *leg = leg_find(mixer, h);

	if (!leg)
		return ERR_STALE;
	leg->is_closing = true;
	mixer->leg_count--;
	if (leg->room)
		leg->room->legs--;
	leg->room = NULL;
	if (leg->place != PLACE_WORKER)
		return 0; /* it comes back, or is found closing in the overdue list */
	leg->overdue.kind = WORKER_LEG_END;
	post_surely(leg->at, &leg->overdue);
	return 0;
}

static int leg_stats(void *ctx, handle h, struct media_leg_stats *ret_stats)
{
	struct mixer_leg *leg = leg_find(ctx, h);

	if (!leg)
		return ERR_STALE;
	cell_read(&leg->leg->cell, ret_stats);
	return 0;
}

static void totals(void *ctx, struct media_totals *ret_totals)
{
	struct mixer *mixer = ctx;
	struct media_totals sum = {.rooms = mixer->room_count,
				   .legs = mixer->leg_count,
				   .workers = mixer->worker_count,
				   .ports_free = ports_free_count(mixer->ports)};

	for (uint32_t i = 0; i < mixer->worker_count; i++) {
		struct worker *worker = mixer->workers[i].worker;
		struct worker_counts counts = worker_counts(worker);

		sum.workers_realtime += worker_is_realtime(worker);
		sum.ticks += counts.ticks;
		sum.ticks_late += counts.ticks_late;
		sum.ticks_skipped += counts.ticks_skipped;
		sum.tick_late_us_max = MAX_OF(sum.tick_late_us_max, counts.tick_late_us_max);
		sum.rx_packets += counts.rx_packets;
		sum.tx_packets += counts.tx_packets;
		sum.rx_discarded += counts.rx_discarded;
		sum.tx_failed += counts.tx_failed;
		sum.events_dropped += counts.events_dropped;
	}
	*ret_totals = sum;
}

struct media mixer_media(struct mixer *mixer)
{
	static const struct media_ops ops = {
		.room_open = room_open,
		.room_close = room_close,
		.leg_open = leg_open,
		.leg_set = leg_set,
		.leg_control = leg_control,
		.leg_move = leg_move,
		.leg_close = leg_close,
		.leg_stats = leg_stats,
		.totals = totals,
	};

	return (struct media){.ops = &ops, .ctx = mixer};
}

void mixer_set_events(struct mixer *mixer, media_event_fn *on_event, void *arg)
{
	mixer->params.on_event = on_event;
	mixer->params.arg = arg;
}

/* Life of the mixer ------------------------------------------------------------------------- */

static int worker_make(struct mixer *mixer, struct mixer_worker *at)
{
	struct worker_params params = {.clock = mixer->params.clock,
				       .has_stamps = !mixer->params.is_manual,
				       .quiet_ms = mixer->params.quiet_ms,
				       .seed = random_u64(mixer->params.random),
				       .cname = mixer->cname};
	int err;

	at->mixer = mixer;
	list_init(&at->overdue);
	err = worker_new(&params, &at->worker);
	if (err)
		return err;
	mixer->worker_count++;
	at->watch = (struct loop_watch){
		.fd = ring_fd(worker_events(at->worker)), .on_ready = on_worker_ready, .arg = at};
	if (mixer->params.loop)
		err = loop_watch_add(mixer->params.loop, &at->watch, LOOP_READ);
	if (err == 0 && !mixer->params.is_manual)
		err = worker_start(at->worker);
	return err;
}

static int params_complete(struct mixer_params *params)
{
	if (params->workers == 0) {
		long cores = sysconf(_SC_NPROCESSORS_ONLN);

		params->workers = (uint32_t)MAX_OF(1L, MIN_OF(cores, (long)MIXER_WORKERS_MAX));
	}
	if (params->quiet_ms == 0)
		params->quiet_ms = MIXER_QUIET_MS_DEFAULT;
	if (params->port_quarantine_ms == 0)
		params->port_quarantine_ms = MIXER_PORT_QUARANTINE_MS_DEFAULT;
	if (params->workers > MIXER_WORKERS_MAX || params->jitter_max_ms > JITTER_DELAY_MS_LIMIT ||
	    params->legs_max == 0 || params->legs_max > MIXER_LEGS_MAX || params->rooms_max == 0 ||
	    params->rooms_max > MIXER_ROOMS_MAX || !params->random)
		return -EINVAL;
	return 0;
}

static int mixer_fill(struct mixer *mixer)
{
	const struct mixer_params *params = &mixer->params;
	struct ports_params ports = {.low = params->port_low,
				     .high = params->port_high,
				     .quarantine_ms = params->port_quarantine_ms,
				     .random = params->random};
	int err = ports_new(&ports, &mixer->ports);

	if (err == 0)
		err = handle_table_new(params->rooms_max, &mixer->rooms_by_handle);
	if (err == 0)
		err = handle_table_new(params->legs_max, &mixer->legs_by_handle);
	for (uint32_t i = 0; err == 0 && i < params->workers; i++)
		err = worker_make(mixer, &mixer->workers[i]);
	return err;
}

int mixer_new(const struct mixer_params *params, struct mixer **ret_mixer)
{
	struct mixer *mixer = calloc(1, sizeof(*mixer));
	int err;

	if (!mixer)
		return -ENOMEM;
	mixer->params = *params;
	list_init(&mixer->rooms);
	list_init(&mixer->legs);
	timer_init(&mixer->retry, on_retry, mixer);
	codec_init();        /* tables are made here, */
	(void)kernel_best(); /* not in the first tick */
	err = params_complete(&mixer->params);
	if (err == 0) {
		random_token(mixer->params.random, mixer->cname, CNAME_CHARS);
		err = mixer_fill(mixer);
	}
	if (err) {
		mixer_free(mixer);
		return err;
	}
	*ret_mixer = mixer;
	return 0;
}

static void legs_and_rooms_free(struct mixer *mixer)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &mixer->legs) {
		struct mixer_leg *leg = LIST_ENTRY(it, struct mixer_leg, node);

		if (leg->leg->bus)
			bus_remove_rt(leg->leg->bus, leg->leg);
		leg_forget(leg);
	}
	LIST_FOREACH (it, tmp, &mixer->rooms)
		room_forget(LIST_ENTRY(it, struct mixer_room, node));
}

struct mixer *mixer_free(struct mixer *mixer)
{
	if (!mixer)
		return NULL;
	if (mixer->params.loop)
		timer_stop(loop_wheel(mixer->params.loop), &mixer->retry);
	for (uint32_t i = 0; i < mixer->worker_count; i++) {
		if (mixer->params.loop)
			loop_watch_remove(mixer->params.loop, &mixer->workers[i].watch);
		worker_stop(mixer->workers[i].worker);
	}
	legs_and_rooms_free(mixer);
	for (uint32_t i = 0; i < mixer->worker_count; i++)
		worker_free(mixer->workers[i].worker);
	handle_table_free(mixer->legs_by_handle);
	handle_table_free(mixer->rooms_by_handle);
	ports_free(mixer->ports);
	free(mixer);
	return NULL;
}
