/* mixer/mixer.c -- control's side: life of the mixer, commands down, events up. */
#include "mixer/mixer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "mixer/balance.h"
#include "mixer/codec.h"
#include "mixer/crypt_cipher.h"
#include "mixer/kernel.h"
#include "mixer/mixer_priv.h"
#include "mixer/parts.h"
#include "mixer/rtcp.h"
#include "mixer/shares.h"

/* Workers do not wake control for what they give back: it is taken along when control is awake for
 * a call anyway, and at the latest after COLLECT_MS. */
enum { OVERDUE_RETRY_MS = 5, COLLECT_MS = 20 };

static_assert((int)MIXER_CNAME_CHARS <= (int)RTCP_CNAME_MAX, "CNAME");

/* Collecting -------------------------------------------------------------------------------- */

static void collect_in(struct mixer *mixer, uint32_t delay_ms)
{
	if (mixer->params.loop)
		timer_start(loop_wheel(mixer->params.loop), &mixer->collect, delay_ms);
}

void mixer_await_return(struct mixer *mixer)
{
	mixer->awaited++;
	if (!timer_running(&mixer->collect))
		collect_in(mixer, COLLECT_MS);
}

void mixer_collect_soon(struct mixer *mixer)
{
	if (mixer->awaited > 0 && mixer->params.loop)
		loop_defer_post(mixer->params.loop, &mixer->collect_now);
}

static void on_collect(void *arg)
{
	struct mixer *mixer = arg;
	bool is_overdue = false;

	mixer_poll(mixer);
	for (uint32_t i = 0; i < mixer->worker_count; i++)
		is_overdue |= !list_empty(&mixer->workers[i].overdue);
	if (is_overdue)
		collect_in(mixer, OVERDUE_RETRY_MS);
	else if (mixer->awaited > 0)
		collect_in(mixer, COLLECT_MS);
	else if (mixer->params.loop)
		timer_stop(loop_wheel(mixer->params.loop), &mixer->collect);
}

/* Commands ---------------------------------------------------------------------------------- */

int mixer_post(struct mixer_worker *at, const struct worker_command *command)
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

void mixer_post_surely(struct mixer_worker *at, struct overdue *overdue)
{
	if (list_empty(&at->overdue) && overdue_post(at, overdue) == 0)
		return;
	list_append(&at->overdue, &overdue->node);
	collect_in(at->mixer, OVERDUE_RETRY_MS);
}

static void keys_take(struct mixer_leg *leg)
{
	struct list before, *it, *tmp;

	list_init(&before);
	leg_crypt_rt(leg->leg, &leg->keys, &before);
	leg->keys = (struct leg_keys){0};
	LIST_FOREACH (it, tmp, &before) {
		list_remove(it);
		crypt_free(crypt_of_node(it));
	}
}

/* Carries out what was asked of a leg while it was away. Control has it. */
static void leg_catch_up(struct mixer_leg *leg)
{
	if (leg->has_params && leg->kit)
		kit_free(leg_fit_rt(leg->leg, leg->kit));
	leg->kit = NULL;
	if (leg->has_params)
		keys_take(leg);
	if (leg->has_params)
		leg_set_rt(leg->leg, &leg->params, clock_mono_ns(&leg->mixer->params.clock));
	if (leg->has_control)
		leg_control_rt(leg->leg, &leg->control);
	if (leg->has_strip)
		strip_free(leg_strip_rt(leg->leg, leg->strip));
	leg->strip = NULL;
	leg->has_strip = false;
	if (leg->digits.count)
		leg_digits_rt(leg->leg, leg->digits.text, leg->digits.count);
	leg->digits.count = 0;
	mixer_sounds_catch_up(leg);
	leg->has_params = leg->has_control = false;
}

void mixer_leg_go_on(struct mixer_leg *leg)
{
	share_part_finish(leg);
	leg->overdue.kind = WORKER_LEG_ADD;
	leg->overdue.bus = leg->room ? leg->bus : NULL;
	leg_catch_up(leg);
	mixer_post_surely(leg->at, &leg->overdue);
	leg->place = list_empty(&leg->overdue.node) ? PLACE_WORKER : PLACE_HELD;
}

/* Life of objects --------------------------------------------------------------------------- */

static void room_forget(struct mixer_room *room)
{
	list_remove(&room->node);
	room->at->rooms--;
	bus_free(room->bus);
	free(room);
}

void mixer_leg_forget(struct mixer_leg *leg)
{
	struct mixer *mixer = leg->mixer;

	list_remove(&leg->node);
	list_remove(&leg->overdue.node);
	leg->at->legs--;
	(void)handle_drop(mixer->legs_by_handle, leg->handle);
	if (leg->share)
		share_leave(leg);
	else if (!leg->has_parted)
		ports_give(mixer->ports, &leg->ports, mixer_now_ms(mixer));
	mixer_sounds_give_up(leg);
	share_part_undo(leg);
	leg_free(leg->leg);
	kit_free(leg->kit);
	strip_free(leg->strip);
	crypt_free(leg->keys.tx);
	crypt_free(leg->keys.rx);
	free(leg);
}

static void leg_closed(struct mixer_leg *leg)
{
	struct mixer *mixer = leg->mixer;
	struct media_event event = {.kind = MEDIA_LEG_CLOSED,
				    .leg = leg->handle,
				    .tag = leg->tag,
				    .stats = leg->leg->stats};

	mixer->awaited--;
	mixer_leg_forget(leg);
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
		mixer_leg_go_on(leg);
}

/* LATCHED comes before ACTIVE: sound that begins without it comes from where it was signalled. */
static void peer_learn(struct mixer_leg *leg, const struct leg_event *posted)
{
	if (posted->kind == MEDIA_LEG_LATCHED)
		leg->has_latched = true;
	else if (posted->kind != MEDIA_LEG_ACTIVE)
		return;
	peers_learn(leg->mixer->peers, &leg->signalled, !leg->has_latched);
}

/* Best effort: the worker asks again. */
static void crypt_refill(struct mixer_leg *leg, struct crypt *worn)
{
	struct worker_command command = {
		.kind = WORKER_CRYPT_REFILL, .leg = leg->leg, .worn = worn};

	if (leg->is_closing || leg->place != PLACE_WORKER ||
	    crypt_new_like(worn, &command.keys.rx) != 0)
		return;
	list_append(&leg->mixer->crypts, &crypt_links(command.keys.rx)->owned);
	if (mixer_post(leg->at, &command) != 0)
		crypt_free(command.keys.rx);
}

static void bus_returned(struct mixer *mixer, struct bus *bus)
{
	if (bus->is_part) {
		parts_bus_returned(bus);
		return;
	}
	mixer->awaited--;
	if (list_empty(&bus->left)) {
		room_forget(bus->owner);
		return;
	}
	list_remove(&bus->left);
	bus_free(bus);
}

static void event_deliver(struct mixer *mixer, const struct leg_event *posted)
{
	struct leg *worker_leg = posted->object;
	struct mixer_leg *leg;
	struct media_event event = {.is_on = posted->is_on,
				    .digit = posted->digit,
				    .via = posted->via,
				    .flags = posted->flags,
				    .duration_ms = posted->duration_ms,
				    .remote = posted->remote};

	if (posted->kind == LEG_EVENT_SEAT_RETURNED) {
		parts_seat_returned(posted->object);
		return;
	}
	if (posted->kind == LEG_EVENT_BUS_RETURNED) {
		bus_returned(mixer, posted->object);
		return;
	}
	if (posted->kind == LEG_EVENT_SOUND_RETURNED) {
		mixer_sound_returned(mixer, posted->object);
		return;
	}
	if (posted->kind == LEG_EVENT_KIT_RETURNED) {
		mixer->awaited--;
		kit_free(posted->object);
		return;
	}
	if (posted->kind == LEG_EVENT_STRIP_RETURNED) {
		mixer->awaited--;
		strip_free(posted->object);
		return;
	}
	if (posted->kind == LEG_EVENT_CRYPT_RETURNED) {
		crypt_free(posted->object);
		return;
	}
	leg = worker_leg->owner;
	if (posted->kind == LEG_EVENT_RETURNED) {
		leg_returned(leg);
		return;
	}
	if (posted->kind == LEG_EVENT_CRYPT_WORN) {
		crypt_refill(leg, posted->crypt);
		return;
	}
	peer_learn(leg, posted);
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
	while (ring_take_rt(events, &event))
		event_deliver(at->mixer, &event);
}

static void on_worker_ready(void *arg, unsigned events)
{
	struct mixer_worker *at = arg;

	(void)events;
	ring_fd_ack(worker_events(at->worker));
	worker_drain(at);
}

void mixer_poll(struct mixer *mixer)
{
	for (uint32_t i = 0; i < mixer->worker_count; i++)
		worker_drain(&mixer->workers[i]);
	mixer_sounds_poll(mixer);
}

void mixer_tick(struct mixer *mixer, uint64_t now_ns)
{
	assert(mixer->params.is_manual);
	for (uint32_t i = 0; i < mixer->worker_count; i++)
		(void)worker_tick_rt(mixer->workers[i].worker, now_ns);
}

/* Life of the mixer ------------------------------------------------------------------------- */

struct media mixer_media(struct mixer *mixer)
{
	return (struct media){.ops = &mixer_ops, .ctx = mixer};
}

void mixer_set_events(struct mixer *mixer, media_event_fn *on_event, void *arg)
{
	mixer->params.on_event = on_event;
	mixer->params.arg = arg;
}

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
	list_init(&at->shares);
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

/* Warm ports take at most a quarter of the descriptors that the process may have. */
static uint32_t warm_ports(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return 0;
	return (uint32_t)MIN_OF(files.rlim_cur / 8, (rlim_t)MIXER_WARM_PORTS_MAX);
}

static int mixer_fill(struct mixer *mixer)
{
	const struct mixer_params *params = &mixer->params;
	struct ports_params ports = {.low = params->port_low,
				     .high = params->port_high,
				     .quarantine_ms = params->port_quarantine_ms,
				     .warm_max = warm_ports(),
				     .random = params->random};
	int err = ports_new(&ports, &mixer->ports);

	if (err == 0)
		err = handle_table_new(params->rooms_max, &mixer->rooms_by_handle);
	if (err == 0)
		err = handle_table_new(params->legs_max, &mixer->legs_by_handle);
	if (err == 0)
		err = hash_new(share_match, &mixer->seated);
	if (err == 0)
		err = peers_new(&mixer->peers);
	if (err == 0)
		err = mixer_sounds_new(mixer);
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
	list_init(&mixer->spreads);
	list_init(&mixer->buses_left);
	list_init(&mixer->kits);
	list_init(&mixer->strips);
	list_init(&mixer->crypts);
	timer_init(&mixer->collect, on_collect, mixer);
	timer_init(&mixer->balance, balance_run, mixer);
	mixer->collect_now = (struct loop_defer){.run = on_collect, .arg = mixer};
	list_init(&mixer->collect_now.node);
	resample_init_tables();
	(void)kernel_best();       /* not in the first tick, */
	(void)crypt_cipher_init(); /* nor in the first call: self-tests, 40 ms */
	err = params_complete(&mixer->params);
	if (err == 0) {
		random_token(mixer->params.random, mixer->cname, MIXER_CNAME_CHARS);
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

		if (leg->leg->bus && leg->leg->port)
			port_leave_rt(leg->leg->port, leg->leg);
		if (leg->leg->bus)
			bus_remove_rt(leg->leg->bus, leg->leg);
		mixer_leg_forget(leg);
	}
	LIST_FOREACH (it, tmp, &mixer->rooms)
		room_forget(LIST_ENTRY(it, struct mixer_room, node));
	parts_free(mixer);
	LIST_FOREACH (it, tmp, &mixer->buses_left)
		bus_free(LIST_ENTRY(it, struct bus, left));
	LIST_FOREACH (it, tmp, &mixer->strips)
		strip_free(strip_of_owned(it));
	LIST_FOREACH (it, tmp, &mixer->kits) /* that were on their way, to or fro */
		kit_free(LIST_ENTRY(it, struct kit, owned));
	LIST_FOREACH (it, tmp, &mixer->crypts)
		crypt_free(crypt_of_owned(it));
}

struct mixer *mixer_free(struct mixer *mixer)
{
	if (!mixer)
		return NULL;
	if (mixer->params.loop) {
		timer_stop(loop_wheel(mixer->params.loop), &mixer->collect);
		timer_stop(loop_wheel(mixer->params.loop), &mixer->balance);
		loop_defer_cancel(mixer->params.loop, &mixer->collect_now);
	}
	for (uint32_t i = 0; i < mixer->worker_count; i++) {
		if (mixer->params.loop)
			loop_watch_remove(mixer->params.loop, &mixer->workers[i].watch);
		worker_stop(mixer->workers[i].worker);
	}
	mixer_sounds_free(mixer);
	legs_and_rooms_free(mixer);
	for (uint32_t i = 0; i < mixer->worker_count; i++) {
		shares_free(&mixer->workers[i]);
		worker_free(mixer->workers[i].worker);
	}
	hash_free(mixer->seated);
	peers_free(mixer->peers);
	handle_table_free(mixer->legs_by_handle);
	handle_table_free(mixer->rooms_by_handle);
	ports_free(mixer->ports);
	free(mixer);
	return NULL;
}
