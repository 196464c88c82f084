/* mixer/mixer_ops.c -- the operations of src/media.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "mixer/balance.h"
#include "mixer/kernel.h"
#include "mixer/mixer_priv.h"
#include "mixer/parts.h"
#include "mixer/shares.h"

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
	room->at = balance_least(mixer);
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
	mixer_await_return(mixer);
	mixer_post_surely(room->at, &room->overdue);
	return 0;
}

static int room_set(void *ctx, handle h, const struct media_room_policy *policy)
{
	struct mixer *mixer = ctx;
	struct mixer_room *room = handle_find(mixer->rooms_by_handle, h);

	if (!room)
		return ERR_STALE;
	if (policy->loudest > MEDIA_LOUDEST_MAX || policy->gate_dbov > MEDIA_LEVEL_SILENT)
		return -EINVAL;
	parts_set_policy(room, policy);
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

static void leg_sockets_give(struct mixer *mixer, struct mixer_leg *leg)
{
	if (leg->share)
		share_leave(leg);
	else
		ports_give(mixer->ports, &leg->ports, mixer_now_ms(mixer));
}

static int leg_make(struct mixer *mixer, const struct media_leg_open *open, struct mixer_leg *leg)
{
	struct leg_new_params params = {.jitter_max_ms = mixer->params.jitter_max_ms,
					.random = mixer->params.random,
					.owner = leg};
	int err = 0;

	if (!share_join(leg, open))
		err = ports_take(mixer->ports, &open->local, mixer_now_ms(mixer), &leg->ports);
	if (err)
		return err;
	params.rtp_fd = leg->ports.rtp_fd;
	params.rtcp_fd = leg->ports.rtcp_fd;
	params.port = leg->port;
	err = leg_new(&params, &leg->leg);
	if (err)
		leg_sockets_give(mixer, leg);
	return err;
}

static int leg_open(void *ctx, const struct media_leg_open *open, handle *ret_leg,
		    struct addr *ret_local)
{
	struct mixer *mixer = ctx;
	struct parts_place place;
	struct mixer_room *room;
	struct mixer_leg *leg;
	int err = room_find(mixer, open->room, &room);

	if (err)
		return err;
	mixer_collect_soon(mixer);
	leg = calloc(1, sizeof(*leg));
	if (!leg)
		return -ENOMEM;
	leg->mixer = mixer;
	leg->tag = open->tag;
	leg->room = room;
	place = room ? parts_place(room, NULL) : (struct parts_place){balance_least(mixer), NULL};
	leg->at = place.at;
	leg->bus = place.bus;
	leg->overdue.leg = leg;
	list_init(&leg->sounds);
	leg->shape = kit_shape_plain();
	leg->control = (struct leg_control){.gain_in_q14 = KERNEL_GAIN_UNITY_Q14,
					    .gain_out_q14 = KERNEL_GAIN_UNITY_Q14};
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
	err = mixer_post(
		leg->at,
		&(struct worker_command){.kind = WORKER_LEG_ADD, .leg = leg->leg, .bus = leg->bus});
	if (err) {
		mixer_leg_forget(leg);
		return err;
	}
	if (room)
		room->legs++;
	mixer->leg_count++;
	balance_begin(mixer);
	*ret_leg = leg->handle;
	*ret_local = leg->ports.local;
	return 0;
}

static void signalled_note(struct mixer_leg *leg, const struct media_leg_params *params)
{
	if (!addr_eq(&leg->signalled, &params->remote_rtp))
		leg->has_latched = false;
	leg->signalled = params->remote_rtp;
	share_follow(leg, params);
}

/* A kit for what was agreed on; NULL when the one it has will do. */
static int kit_make(const struct mixer_leg *leg, const struct kit_shape *shape,
		    struct kit **ret_kit)
{
	struct kit *kit = NULL;
	int err = 0;

	if (!kit_shape_eq(shape, &leg->shape))
		err = kit_new(shape, leg->mixer->params.jitter_max_ms, &kit);
	if (err)
		return err;
	if (kit)
		list_append(&leg->mixer->kits, &kit->owned);
	*ret_kit = kit;
	return 0;
}

static int crypt_make(struct mixer_leg *leg, const struct media_keys *keys,
		      const struct media_keys *before, bool is_sending, struct crypt **ret_crypt)
{
	int err;

	if (keys->suite == MEDIA_SUITE_NONE || media_keys_eq(keys, before))
		return 0;
	err = crypt_new(keys, is_sending, ret_crypt);
	if (err == 0)
		list_append(&leg->mixer->crypts, &crypt_links(*ret_crypt)->owned);
	return err;
}

/* What a leg needs for new params; each member NULL when it goes on with what it has. */
struct outfit {
	struct kit_shape shape;
	struct kit *kit;
	struct leg_keys keys;
};

static void outfit_free(struct outfit *outfit)
{
	kit_free(outfit->kit);
	crypt_free(outfit->keys.tx);
	crypt_free(outfit->keys.rx);
}

static int outfit_make(struct mixer_leg *leg, const struct media_leg_params *params,
		       struct outfit *outfit)
{
	int err;

	*outfit = (struct outfit){.shape = kit_shape(params)};
	outfit->keys.is_on = params->keys_send.suite != MEDIA_SUITE_NONE;
	err = kit_make(leg, &outfit->shape, &outfit->kit);
	if (err == 0)
		err = crypt_make(leg, &params->keys_send, &leg->keys_send, true, &outfit->keys.tx);
	if (err == 0)
		err = crypt_make(leg, &params->keys_receive, &leg->keys_receive, false,
				 &outfit->keys.rx);
	if (err)
		outfit_free(outfit);
	return err;
}

/* The leg has it, or will get it. */
static void outfit_note(struct mixer_leg *leg, const struct media_leg_params *params,
			const struct outfit *outfit)
{
	leg->shape = outfit->shape;
	leg->has_event = params->dtmf_pt_send != MEDIA_PT_NONE;
	leg->keys_send = params->keys_send;
	leg->keys_receive = params->keys_receive;
}

/* The leg is not at its worker: kept until it is. */
static void leg_set_later(struct mixer_leg *leg, const struct media_leg_params *params,
			  const struct outfit *outfit)
{
	if (outfit->kit) {
		kit_free(leg->kit);
		leg->kit = outfit->kit;
	}
	leg->keys.is_on = outfit->keys.is_on;
	if (outfit->keys.tx) {
		crypt_free(leg->keys.tx);
		leg->keys.tx = outfit->keys.tx;
	}
	if (outfit->keys.rx) {
		crypt_free(leg->keys.rx);
		leg->keys.rx = outfit->keys.rx;
	}
	leg->params = *params;
	leg->has_params = true;
	outfit_note(leg, params, outfit);
}

/* The strip of a leg after `wish`: none, a new one, or (false in *ret_sets) the one that it has. */
static int strip_make(struct mixer_leg *leg, const struct strip_wish *wish,
		      struct strip **ret_strip, bool *ret_sets)
{
	uint8_t rates = kit_rates(&leg->shape);
	int err;

	*ret_strip = NULL;
	*ret_sets = !strip_wish_eq(wish, &leg->strip_wish) ||
		    (strip_is_wished(wish) && (rates & ~leg->strip_rates));
	if (!*ret_sets || !strip_is_wished(wish))
		return 0;
	err = strip_new(wish, rates, ret_strip);
	if (err == 0)
		list_append(&leg->mixer->strips, &strip_links(*ret_strip)->owned);
	return err;
}

/* The strip goes to the leg; the one that it had comes back. */
static void strip_note(struct mixer_leg *leg, const struct strip_wish *wish)
{
	if (leg->strip_rates)
		mixer_await_return(leg->mixer);
	leg->strip_rates = strip_is_wished(wish) ? kit_rates(&leg->shape) : 0;
	leg->strip_wish = *wish;
}

static int control_post(struct mixer_leg *leg, const struct leg_control *control,
			const struct strip_wish *wish)
{
	struct worker_command command = {
		.kind = WORKER_LEG_CONTROL, .leg = leg->leg, .control = *control};
	int err = strip_make(leg, wish, &command.strip, &command.sets_strip);

	if (err)
		return err;
	if (leg->place == PLACE_WORKER) {
		err = mixer_post(leg->at, &command);
		if (err) {
			strip_free(command.strip);
			return err;
		}
		if (command.sets_strip)
			strip_note(leg, wish);
	} else {
		leg->has_control = true;
		if (command.sets_strip) {
			strip_free(leg->strip);
			leg->strip = command.strip;
			leg->has_strip = true;
			leg->strip_rates = command.strip ? kit_rates(&leg->shape) : 0;
			leg->strip_wish = *wish;
		}
	}
	leg->control = *control;
	return 0;
}

static int leg_control(void *ctx, handle h, const struct media_leg_control *control)
{
	struct mixer_leg *leg = leg_find(ctx, h);
	struct leg_control to = {.is_muted = control->is_muted,
				 .is_deaf = control->is_deaf,
				 .gain_in_q14 = kernel_gain_q14(control->gain_in_cdb),
				 .gain_out_q14 = kernel_gain_q14(control->gain_out_cdb),
				 .groups = control->groups};
	struct strip_wish wish = {.has_digits = control->has_digits_in_band,
				  .has_denoise = control->has_denoise,
				  .has_level = control->has_level,
				  .level_dbov = control->level_dbov};

	return leg ? control_post(leg, &to, &wish) : ERR_STALE;
}

/* Another rate may come now. When this fails, sound of that rate keeps its noise. */
static void strip_follow(struct mixer_leg *leg)
{
	if (strip_is_wished(&leg->strip_wish) && (kit_rates(&leg->shape) & ~leg->strip_rates))
		(void)control_post(leg, &leg->control, &leg->strip_wish);
}

static int leg_set(void *ctx, handle h, const struct media_leg_params *params)
{
	struct mixer_leg *leg = leg_find(ctx, h);
	struct worker_command command = {.kind = WORKER_LEG_SET};
	struct outfit outfit;
	int err;

	if (!leg)
		return ERR_STALE;
	err = leg_params_check(params);
	if (err)
		return err;
	if (params->send.codec && codec_find(params->send.codec)->sample_hz > 8000)
		leg->mixer->has_wideband = true;
	err = outfit_make(leg, params, &outfit);
	if (err)
		return err;
	signalled_note(leg, params);
	if (leg->place != PLACE_WORKER) {
		leg_set_later(leg, params, &outfit);
		strip_follow(leg);
		return 0;
	}
	command.leg = leg->leg;
	command.kit = outfit.kit;
	command.keys = outfit.keys;
	command.params = *params;
	err = mixer_post(leg->at, &command);
	if (err) {
		outfit_free(&outfit);
		return err;
	}
	outfit_note(leg, params, &outfit);
	strip_follow(leg);
	if (outfit.kit)
		mixer_await_return(leg->mixer);
	return 0;
}

static int digits_check(const char *digits, uint32_t count)
{
	if (count == 0)
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++)
		if (digits_event(digits[i]) < 0)
			return -EINVAL;
	return count > MEDIA_DIGITS_MAX ? ERR_LIMIT : 0;
}

static int leg_digits(void *ctx, handle h, const char *digits, uint32_t count)
{
	struct mixer_leg *leg = leg_find(ctx, h);
	struct worker_command command = {.kind = WORKER_LEG_DIGITS};
	int err = leg ? digits_check(digits, count) : ERR_STALE;

	if (err)
		return err;
	if (!leg->has_event)
		return ERR_STATE;
	if (leg->place != PLACE_WORKER) {
		if (leg->digits.count + count > MEDIA_DIGITS_MAX)
			return ERR_LIMIT;
		memcpy(leg->digits.text + leg->digits.count, digits, count);
		leg->digits.count += count;
		return 0;
	}
	command.leg = leg->leg;
	memcpy(command.digits.text, digits, count);
	command.digits.count = count;
	return mixer_post(leg->at, &command);
}

static void leg_assign(struct mixer_leg *leg, const struct parts_place *place,
		       struct mixer_room *room)
{
	struct mixer_room *before = leg->room;

	leg->at->legs--;
	place->at->legs++;
	leg->at = place->at;
	leg->bus = place->bus;
	if (room)
		room->legs++;
	leg->room = room;
	if (before)
		parts_leg_left(before);
}

/* Under way already: only where it goes to changes. */
static void leg_redirect(struct mixer_leg *leg, const struct parts_place *place,
			 struct mixer_room *room)
{
	leg_assign(leg, place, room);
	if (leg->place != PLACE_HELD)
		return;
	list_remove(&leg->overdue.node);
	mixer_leg_go_on(leg);
}

static int leg_move(void *ctx, handle h, handle room_handle)
{
	struct mixer_leg *leg = leg_find(ctx, h);
	struct worker_command command = {.kind = WORKER_LEG_MOVE};
	struct parts_place place;
	struct mixer_room *room;
	bool is_elsewhere;
	int err;

	if (!leg)
		return ERR_STALE;
	err = room_find(ctx, room_handle, &room);
	if (err)
		return err;
	/* A leg without a room stays where it is. */
	place = room ? parts_place(room, leg->at) : (struct parts_place){leg->at, NULL};
	if (leg->place != PLACE_WORKER) {
		leg_redirect(leg, &place, room);
		return 0;
	}
	is_elsewhere = place.at != leg->at;
	command.leg = leg->leg;
	command.bus = place.bus;
	if (is_elsewhere) {
		command.kind = WORKER_LEG_YIELD;
		err = share_part(leg);
		if (err)
			return err;
	}
	err = mixer_post(leg->at, &command);
	if (err) {
		if (leg->share)
			share_part_undo(leg);
		return err;
	}
	if (is_elsewhere)
		leg->place = PLACE_YIELDING;
	leg_assign(leg, &place, room);
	return 0;
}

static int leg_close(void *ctx, handle h)
{
	struct mixer *mixer = ctx;
	struct mixer_leg *leg = leg_find(mixer, h);
	struct mixer_room *room;

	if (!leg)
		return ERR_STALE;
	room = leg->room;
	leg->is_closing = true;
	mixer->leg_count--;
	mixer_collect_soon(mixer);
	mixer_await_return(mixer);
	leg->room = NULL;
	if (leg->place == PLACE_WORKER) { /* else it comes back, or is found closing when overdue */
		leg->overdue.kind = WORKER_LEG_END;
		mixer_post_surely(leg->at, &leg->overdue);
	}
	if (room)
		parts_leg_left(room);
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
				   .legs_passed = mixer->legs_passed,
				   .ports_free = ports_free_count(mixer->ports)};

	for (uint32_t i = 0; i < mixer->worker_count; i++) {
		struct worker *worker = mixer->workers[i].worker;
		struct worker_counts counts = worker_counts(worker);

		sum.load_us_max = MAX_OF(sum.load_us_max, balance_load_us(&mixer->workers[i]));
		sum.busy_ns += counts.busy_ns;
		sum.workers_realtime += worker_is_realtime(worker);
		sum.ticks += counts.ticks;
		sum.ticks_late += counts.ticks_late;
		sum.ticks_skipped += counts.ticks_skipped;
		sum.shares_missed += counts.shares_missed;
		sum.tick_late_us_max = MAX_OF(sum.tick_late_us_max, counts.tick_late_us_max);
		sum.rx_packets += counts.rx_packets;
		sum.tx_packets += counts.tx_packets;
		sum.rx_discarded += counts.rx_discarded;
		sum.tx_failed += counts.tx_failed;
		sum.events_dropped += counts.events_dropped;
	}
	*ret_totals = sum;
}

const struct media_ops mixer_ops = {
	.room_open = room_open,
	.room_close = room_close,
	.room_set = room_set,
	.leg_open = leg_open,
	.leg_set = leg_set,
	.leg_control = leg_control,
	.leg_digits = leg_digits,
	.leg_move = leg_move,
	.leg_close = leg_close,
	.leg_stats = leg_stats,
	.play_start = mixer_play_start,
	.play_control = mixer_play_control,
	.play_seek = mixer_play_seek,
	.play_position_ms = mixer_play_position_ms,
	.play_stop = mixer_play_stop,
	.record_start = mixer_record_start,
	.record_pause = mixer_record_pause,
	.record_length_ms = mixer_record_length_ms,
	.record_stop = mixer_record_stop,
	.totals = totals,
};
