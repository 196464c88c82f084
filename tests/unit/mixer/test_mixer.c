/* tests/unit/mixer/test_mixer.c -- the whole mixer behind src/media.h.
 *
 * Most rows drive the workers by hand on a virtual clock; the last ones let real threads run on
 * the loopback and assert nothing about time.
 */
#include "mixer/mixer.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/err.h"
#include "mixer/mixer_priv.h"
#include "mixer/worker.h"
#include "tests/support/check.h"
#include "tests/support/srtp_ref.h"
#include "tests/unit/mixer/rig.h"

enum { PHONES_MAX = 8, STEP_MS = 5, QUIET_MS = 2000, WARM_AT_MOST = 10 };

static struct clock_virtual clock_v;
static struct random rng;
static struct mixer *mixer;
static struct media media;
static struct phone phones[PHONES_MAX];
static uint32_t phone_count;

/* Events are counted by kind; the last of each is kept. */
static uint32_t told[MEDIA_RECORD_ENDED + 1];
static struct media_event last[MEDIA_RECORD_ENDED + 1];
static bool is_in_operation; /* events must never come from inside one */

static void on_event(void *arg, const struct media_event *event)
{
	CHECK("argument", arg == &media);
	CHECK("not from inside an operation", !is_in_operation);
	told[event->kind]++;
	last[event->kind] = *event;
}

static struct mixer_params base_params(void)
{
	return (struct mixer_params){.clock = clock_virtual(&clock_v),
				     .random = &rng,
				     .workers = 2,
				     .port_low = RIG_PORT_LOW,
				     .port_high = RIG_PORT_HIGH,
				     .port_quarantine_ms = 100,
				     .legs_max = 64,
				     .rooms_max = 16,
				     .quiet_ms = QUIET_MS,
				     .is_manual = true,
				     .on_event = on_event,
				     .arg = &media};
}

static void setup_with(const struct mixer_params *params, uint32_t count)
{
	memset(told, 0, sizeof(told));
	mixer = NULL;
	if (!CHECK_INT("new", mixer_new(params, &mixer), 0))
		CU_FAIL_FATAL("no mixer");
	media = mixer_media(mixer);
	phone_count = count;
	for (uint32_t i = 0; i < count; i++)
		phone_open(&phones[i], 10 + i);
}

static void setup(uint32_t count)
{
	struct mixer_params params = base_params();

	random_init_seeded(&rng, 4);
	clock_v = (struct clock_virtual){RIG_START_NS, 1700000000000};
	setup_with(&params, count);
}

static void teardown(void)
{
	for (uint32_t i = 0; i < phone_count; i++)
		phone_close(&phones[i]);
	mixer = mixer_free(mixer);
}

/* Virtual milliseconds pass. */
static void run_ms(uint32_t ms)
{
	for (uint32_t i = 0; i < ms; i += STEP_MS) {
		clock_v.mono_ns += (uint64_t)STEP_MS * 1000000;
		mixer_tick(mixer, clock_v.mono_ns);
		mixer_poll(mixer);
	}
}

static handle room_open(void)
{
	handle room = 0;

	is_in_operation = true;
	CHECK_INT("room_open", media.ops->room_open(media.ctx, &room), 0);
	is_in_operation = false;
	return room;
}

static int try_open(handle room, uint64_t tag, handle *ret_leg, struct addr *ret_local)
{
	struct media_leg_open open = {.room = room, .tag = tag};
	int err;

	if (tag >= 1000) /* a phone that called in: only where ports are shared it matters */
		open.peer_rtp = open.peer_signalling = phones[tag - 1000].addr;

	(void)addr_parse(SLICE("127.0.0.1:0"), &open.local);
	is_in_operation = true;
	err = media.ops->leg_open(media.ctx, &open, ret_leg, ret_local);
	is_in_operation = false;
	return err;
}

static handle leg_open(handle room, uint32_t phone, struct addr *ret_local)
{
	struct media_leg_params params = rig_params(&phones[phone]);
	handle leg = 0;

	CHECK_INT("leg_open", try_open(room, 1000 + phone, &leg, ret_local), 0);
	CHECK_INT("leg_set", media.ops->leg_set(media.ctx, leg, &params), 0);
	return leg;
}

static int leg_close(handle leg)
{
	int err;

	is_in_operation = true;
	err = media.ops->leg_close(media.ctx, leg);
	is_in_operation = false;
	return err;
}

static struct media_totals totals(void)
{
	struct media_totals t;

	media.ops->totals(media.ctx, &t);
	return t;
}

/* Conversations ----------------------------------------------------------------------------- */

enum { HEARD_TICKS = 40, WARM_TICKS = 20 };
static const double tones[] = {400, 700, 1100, 1700, 2300};
static int16_t heard[PHONES_MAX][HEARD_TICKS * RIG_FRAME];

/* `talkers` (a set of bits) say their tones; what each phone hears after the start is kept. */
static void talk(uint32_t talkers, const struct addr *locals)
{
	uint8_t payload[RIG_FRAME], data[RIG_PACKET_MAX];
	struct rtp_packet got;

	for (uint32_t i = 0; i < phone_count; i++)
		(void)phone_drain(&phones[i]);
	for (uint32_t tick = 0; tick < WARM_TICKS + HEARD_TICKS; tick++) {
		for (uint32_t i = 0; i < phone_count; i++) {
			if (!(talkers >> i & 1))
				continue;
			tone_ulaw(tones[i % ARRAY_LEN(tones)], 4000, tick * RIG_FRAME, payload);
			phone_send(&phones[i], &locals[i], payload, RIG_FRAME);
		}
		run_ms(LEG_TICK_MS);
		for (uint32_t i = 0; i < phone_count; i++) {
			if (!CHECK("came", phone_receive(&phones[i], RIG_WAIT_MS, &got, data)))
				return;
			for (uint32_t k = 0; tick >= WARM_TICKS && k < RIG_FRAME; k++)
				heard[i][(tick - WARM_TICKS) * RIG_FRAME + k] = codec_ulaw_decode(
					got.payload[k]);
		}
	}
}

static bool hears(uint32_t listener, uint32_t talker)
{
	return tone_share(heard[listener], HEARD_TICKS * RIG_FRAME,
			  tones[talker % ARRAY_LEN(tones)]) > 0.1;
}

static void three_legs_hear_the_others_and_not_themselves(void)
{
	struct addr locals[PHONES_MAX];
	struct media_leg_stats stats;
	handle legs[3], room;

	setup(3);
	room = room_open();
	for (uint32_t i = 0; i < 3; i++)
		legs[i] = leg_open(room, i, &locals[i]);
	run_ms(LEG_TICK_MS);
	talk(0x7, locals);
	for (uint32_t i = 0; i < 3; i++)
		for (uint32_t k = 0; k < 3; k++)
			CHECK_INT("hears", hears(i, k), i != k);
	CHECK_INT("all are active", told[MEDIA_LEG_ACTIVE], 3);
	CHECK_INT("all talk", told[MEDIA_LEG_TALKING], 3);
	CHECK("tag and handle", last[MEDIA_LEG_TALKING].tag >= 1000 &&
					last[MEDIA_LEG_TALKING].tag < 1003 &&
					last[MEDIA_LEG_TALKING].is_on);
	CHECK_INT("stats", media.ops->leg_stats(media.ctx, legs[0], &stats), 0);
	CHECK("stats", stats.rx_packets >= 55 && stats.tx_packets >= 55 && stats.is_talking);
	CHECK("stats", addr_eq(&stats.remote_rtp, &phones[0].addr));
	teardown();
}

/* From the second leg on it is spread over two workers; when it is empty it is on one again. */
static void a_large_room_is_spread(void)
{
	struct mixer_params params = base_params();
	struct addr locals[PHONES_MAX];
	handle legs[6], room, lounge = 0;
	uint64_t missed;

	random_init_seeded(&rng, 4);
	clock_v = (struct clock_virtual){RIG_START_NS, 1700000000000};
	params.spread_legs = 2;
	setup_with(&params, 6);
	room = room_open();
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 6; i++)
			legs[i] = leg_open(i % 2 ? room : lounge, i, &locals[i]);
		run_ms(3 * LEG_TICK_MS);
		for (uint32_t i = 0; i < 6; i += 2)
			CHECK_INT("move", media.ops->leg_move(media.ctx, legs[i], room), 0);
		run_ms(3 * LEG_TICK_MS);
		missed = totals().shares_missed;
		talk(0x1f, locals);
		for (uint32_t i = 0; i < 6; i++)
			for (uint32_t k = 0; k < 5; k++)
				CHECK_INT("hears", hears(i, k), i != k);
		CHECK_INT("none was missed", totals().shares_missed, missed);
		CHECK_INT("policy",
			  media.ops->room_set(media.ctx, room,
					      &(struct media_room_policy){.loudest = 2}),
			  0);
		talk(0x7, locals);
		CHECK_INT("two of three", hears(5, 0) + hears(5, 1) + hears(5, 2), 2);
		CHECK_INT("policy",
			  media.ops->room_set(media.ctx, room, &(struct media_room_policy){0}), 0);
		for (uint32_t i = 0; i < 6; i++)
			CHECK_INT("close", leg_close(legs[i]), 0);
		run_ms(200);
		CHECK_INT("closed", told[MEDIA_LEG_CLOSED], 6 * (round + 1));
		CHECK_INT("none is left", totals().legs, 0);
		missed = totals().ticks;
		run_ms(200);
		CHECK_INT("an empty room takes no ticks", totals().ticks, missed);
	}
	is_in_operation = true;
	CHECK_INT("close", media.ops->room_close(media.ctx, room), 0);
	is_in_operation = false;
	run_ms(100);
	teardown();
}

static uint32_t strips(void)
{
	uint32_t count = 0;
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &mixer->strips)
		count++;
	return count;
}

/* Options come and go with control, in a call, on the way and at its end; nothing is left. */
static void options_on_sound_come_and_go(void)
{
	static const struct media_leg_control all = {.has_digits_in_band = true,
						     .has_denoise = true,
						     .has_level = true,
						     .level_dbov = 20};
	static const struct media_leg_control none = {0};
	struct media_leg_params params;
	struct addr locals[2];
	handle room, legs[2];

	setup(2);
	room = room_open();
	for (uint32_t i = 0; i < 2; i++)
		legs[i] = leg_open(room, i, &locals[i]);
	CHECK_INT("on", media.ops->leg_control(media.ctx, legs[0], &all), 0);
	CHECK_INT("the same again", media.ops->leg_control(media.ctx, legs[0], &all), 0);
	CHECK_INT("one is made", strips(), 1);
	run_ms(100);
	params = rig_params(&phones[0]);
	params.receive[params.receive_count++] = (struct media_format){MEDIA_CODEC_G722, 9};
	CHECK_INT("a wideband codec", media.ops->leg_set(media.ctx, legs[0], &params), 0);
	CHECK_INT("another strip", strips(), 2);
	run_ms(100);
	CHECK_INT("the first came back", strips(), 1);
	CHECK_INT("off", media.ops->leg_control(media.ctx, legs[0], &none), 0);
	run_ms(100);
	CHECK_INT("gone", strips(), 0);
	CHECK_INT("on again", media.ops->leg_control(media.ctx, legs[0], &all), 0);
	CHECK_INT("and on the other", media.ops->leg_control(media.ctx, legs[1], &all), 0);
	CHECK_INT("closed with it", leg_close(legs[0]), 0);
	run_ms(200);
	CHECK_INT("one is left", strips(), 1);
	teardown(); /* with the other one on its leg: the sanitizer sees what is left */
}

static void digits_are_asked_for(void)
{
	struct media_leg_params params;
	struct addr local;
	handle leg;

	setup(1);
	leg = leg_open(room_open(), 0, &local);
	params = rig_params(&phones[0]);
	params.dtmf_pt_send = 101;
	CHECK_INT("set", media.ops->leg_set(media.ctx, leg, &params), 0);
	CHECK_INT("sent", media.ops->leg_digits(media.ctx, leg, "1*d", 3), 0);
	CHECK_INT("none", media.ops->leg_digits(media.ctx, leg, "", 0), -EINVAL);
	CHECK_INT("no digit", media.ops->leg_digits(media.ctx, leg, "1x", 2), -EINVAL);
	CHECK_INT("too many",
		  media.ops->leg_digits(media.ctx, leg, "0123456789012345678901234567890123", 34),
		  ERR_LIMIT);
	params.dtmf_pt_send = MEDIA_PT_NONE;
	CHECK_INT("set", media.ops->leg_set(media.ctx, leg, &params), 0);
	CHECK_INT("not agreed on", media.ops->leg_digits(media.ctx, leg, "1", 1), ERR_STATE);
	CHECK_INT("closed", leg_close(leg), 0);
	CHECK_INT("gone", media.ops->leg_digits(media.ctx, leg, "1", 1), ERR_STALE);
	teardown();
}

static void two_rooms_do_not_hear_each_other(void)
{
	struct addr locals[PHONES_MAX];
	handle rooms[2];

	setup(4);
	rooms[0] = room_open();
	rooms[1] = room_open();
	for (uint32_t i = 0; i < 4; i++)
		(void)leg_open(rooms[i / 2], i, &locals[i]);
	run_ms(LEG_TICK_MS);
	talk(0xf, locals);
	for (uint32_t i = 0; i < 4; i++)
		for (uint32_t k = 0; k < 4; k++)
			CHECK_INT("hears", hears(i, k), i != k && i / 2 == k / 2);
	teardown();
}

/* From no room into one, into another on the other worker, and out again. */
static void legs_move(void)
{
	struct addr locals[PHONES_MAX];
	handle rooms[2], legs[3];

	setup(3);
	rooms[0] = room_open();
	rooms[1] = room_open();
	legs[0] = leg_open(0, 0, &locals[0]);
	legs[1] = leg_open(rooms[0], 1, &locals[1]);
	legs[2] = leg_open(rooms[1], 2, &locals[2]);
	run_ms(2 * LEG_TICK_MS);
	talk(0x7, locals);
	CHECK("alone", !hears(0, 1) && !hears(0, 2) && !hears(1, 0) && !hears(2, 0));
	for (uint32_t room = 0; room < 2; room++) {
		CHECK_INT("move", media.ops->leg_move(media.ctx, legs[0], rooms[room]), 0);
		run_ms(3 * LEG_TICK_MS);
		talk(0x7, locals);
		for (uint32_t k = 1; k < 3; k++) {
			CHECK_INT("after the move", hears(0, k), k == room + 1);
			CHECK_INT("after the move", hears(k, 0), k == room + 1);
		}
		CHECK_INT("a room with legs stays", media.ops->room_close(media.ctx, rooms[room]),
			  ERR_STATE);
	}
	CHECK_INT("out", media.ops->leg_move(media.ctx, legs[0], 0), 0);
	CHECK_INT("close", leg_close(legs[2]), 0);
	CHECK_INT("empty now", media.ops->room_close(media.ctx, rooms[1]), 0);
	run_ms(3 * LEG_TICK_MS);
	CHECK_INT("closed", told[MEDIA_LEG_CLOSED], 1);
	CHECK_INT("rooms", totals().rooms, 1);
	CHECK_INT("gone", media.ops->leg_move(media.ctx, legs[0], rooms[1]), ERR_STALE);
	teardown();
}

/* Operations while a leg is on its way to another worker: kept, in order, carried out there. */
static void operations_on_the_way(void)
{
	struct media_leg_control muted = {.is_muted = true};
	struct addr locals[PHONES_MAX];
	struct media_leg_params params;
	handle rooms[2], leg;

	setup(3);
	rooms[0] = room_open();
	rooms[1] = room_open();
	leg = leg_open(rooms[0], 0, &locals[0]);
	(void)leg_open(rooms[1], 1, &locals[1]);
	(void)leg_open(rooms[0], 2, &locals[2]);
	run_ms(LEG_TICK_MS);
	CHECK_INT("away", media.ops->leg_move(media.ctx, leg, rooms[1]), 0);
	CHECK_INT("back", media.ops->leg_move(media.ctx, leg, rooms[0]), 0);
	CHECK_INT("away", media.ops->leg_move(media.ctx, leg, rooms[1]), 0);
	CHECK_INT("control", media.ops->leg_control(media.ctx, leg, &muted), 0);
	params = rig_params(&phones[0]);
	params.send.codec = MEDIA_CODEC_PCMA;
	CHECK_INT("set", media.ops->leg_set(media.ctx, leg, &params), 0);
	params.send.codec = MEDIA_CODEC_PCMU;
	CHECK_INT("set", media.ops->leg_set(media.ctx, leg, &params), 0);
	run_ms(3 * LEG_TICK_MS);
	talk(0x7, locals);
	CHECK("moved", hears(0, 1) && !hears(0, 2));
	CHECK("muted", !hears(1, 0) && !hears(2, 0));
	CHECK_INT("away", media.ops->leg_move(media.ctx, leg, rooms[0]), 0);
	CHECK_INT("closed on the way", leg_close(leg), 0);
	CHECK_INT("gone at once", media.ops->leg_control(media.ctx, leg, &muted), ERR_STALE);
	run_ms(3 * LEG_TICK_MS);
	CHECK_INT("told", told[MEDIA_LEG_CLOSED], 1);
	CHECK("told", last[MEDIA_LEG_CLOSED].leg == leg && last[MEDIA_LEG_CLOSED].tag == 1000);
	CHECK("final", last[MEDIA_LEG_CLOSED].stats.rx_packets >= 55);
	teardown();
}

/* Limits ------------------------------------------------------------------------------------ */

static void params_are_checked(void)
{
	static const struct {
		const char *row;
		size_t at;
		uint32_t value;
		int err;
	} cases[] = {
		{"as it is", offsetof(struct mixer_params, workers), 1, 0},
		{"too many workers", offsetof(struct mixer_params, workers), MIXER_WORKERS_MAX + 1,
		 -EINVAL},
		{"no legs", offsetof(struct mixer_params, legs_max), 0, -EINVAL},
		{"too many legs", offsetof(struct mixer_params, legs_max), MIXER_LEGS_MAX + 1,
		 -EINVAL},
		{"no rooms", offsetof(struct mixer_params, rooms_max), 0, -EINVAL},
		{"too many rooms", offsetof(struct mixer_params, rooms_max), MIXER_ROOMS_MAX + 1,
		 -EINVAL},
	};
	struct mixer_params params;

	random_init_seeded(&rng, 4);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct mixer *made = NULL;

		params = base_params();
		memcpy((char *)&params + cases[i].at, &cases[i].value, sizeof(uint32_t));
		CHECK_INT(cases[i].row, mixer_new(&params, &made), cases[i].err);
		mixer_free(made);
	}
	params = base_params();
	params.port_high = params.port_low;
	CHECK_INT("no ports", mixer_new(&params, &mixer), -EINVAL);
	params = base_params();
	params.jitter_max_ms = JITTER_DELAY_MS_LIMIT + 1;
	CHECK_INT("jitter buffer", mixer_new(&params, &mixer), -EINVAL);
}

static void limits_have_their_errors(void)
{
	struct mixer_params params = base_params();
	struct addr local;
	handle h, legs[6];

	random_init_seeded(&rng, 4);
	clock_v = (struct clock_virtual){RIG_START_NS, 1700000000000};
	params.legs_max = 6;
	params.rooms_max = 2;
	params.port_high = params.port_low + 7; /* four pairs */
	setup_with(&params, 0);
	(void)room_open();
	(void)room_open();
	CHECK_INT("rooms", media.ops->room_open(media.ctx, &h), ERR_MEDIA_NO_ROOMS);
	CHECK_INT("room unknown", try_open(99, 0, &h, &local), ERR_STALE);
	for (int i = 0; i < 4; i++)
		CHECK_INT("port", try_open(0, 0, &legs[i], &local), 0);
	CHECK_INT("ports", try_open(0, 0, &h, &local), ERR_MEDIA_NO_PORTS);
	CHECK_INT("totals", totals().ports_free, 0);
	CHECK_INT("totals", totals().legs, 4);
	teardown();
	params.port_high = RIG_PORT_HIGH;
	setup_with(&params, 0);
	for (int i = 0; i < 6; i++)
		CHECK_INT("leg", try_open(0, 0, &legs[i], &local), 0);
	CHECK_INT("legs", try_open(0, 0, &h, &local), ERR_MEDIA_NO_LEGS);
	CHECK_INT("close", leg_close(legs[0]), 0);
	CHECK_INT("twice", leg_close(legs[0]), ERR_STALE);
	run_ms(LEG_TICK_MS);
	CHECK_INT("one left", try_open(0, 0, &h, &local), 0);
	CHECK_INT("another number", h == legs[0], 0);
	teardown();
}

/* The command ring is full: what may fail says so, closing is done all the same. */
static void closing_never_fails(void)
{
	struct media_leg_control control = {.is_muted = true};
	struct mixer_params params = base_params();
	handle room, legs[5], moved, other;
	struct addr local;
	uint32_t ports;

	random_init_seeded(&rng, 4);
	clock_v = (struct clock_virtual){RIG_START_NS, 1700000000000};
	setup_with(&params, 1);
	ports = totals().ports_free;
	room = room_open();
	other = room_open();
	for (int i = 0; i < 5; i++)
		legs[i] = leg_open(room, 0, &local);
	moved = leg_open(other, 0, &local);
	run_ms(LEG_TICK_MS);
	while (media.ops->leg_control(media.ctx, legs[0], &control) == 0)
		;
	CHECK_INT("control", media.ops->leg_control(media.ctx, legs[0], &control), ERR_QUEUE_FULL);
	CHECK_INT("open", try_open(room, 0, &legs[3], &local), ERR_QUEUE_FULL);
	CHECK_INT("to where the ring is full", media.ops->leg_move(media.ctx, moved, room), 0);
	for (int i = 0; i < 4; i++)
		CHECK_INT("close", leg_close(legs[i]), 0);
	CHECK_INT("gone at once", media.ops->leg_control(media.ctx, legs[0], &control), ERR_STALE);
	mixer_tick(mixer, clock_v.mono_ns); /* the ring has room again, */
	CHECK_INT("but what is overdue comes first",
		  media.ops->leg_control(media.ctx, legs[4], &control), ERR_QUEUE_FULL);
	mixer_poll(mixer);
	CHECK_INT("then the rest", media.ops->leg_control(media.ctx, legs[4], &control), 0);
	CHECK_INT("a leg is on its way", media.ops->room_close(media.ctx, room), ERR_STATE);
	run_ms(2000);
	CHECK_INT("all closed", told[MEDIA_LEG_CLOSED], 4);
	CHECK_INT("two stay", totals().legs, 2);
	CHECK_INT("it has arrived", media.ops->leg_control(media.ctx, moved, &control), 0);
	CHECK_INT("close", leg_close(moved), 0);
	CHECK_INT("close", leg_close(legs[4]), 0);
	CHECK_INT("close", media.ops->room_close(media.ctx, room), 0);
	CHECK_INT("close", media.ops->room_close(media.ctx, other), 0);
	run_ms(100);
	CHECK_INT("ports", totals().ports_free, ports);
	CHECK_INT("rooms", totals().rooms, 0);
	teardown();
}

/* Moves `leg` to `room` on the other worker, whose command ring is full when it gets there; `there`
 * is a leg of that worker. */
static void move_to_full(handle leg, handle room, handle there)
{
	struct media_leg_control normal = {0};

	CHECK_INT("move", media.ops->leg_move(media.ctx, leg, room), 0);
	mixer_tick(mixer, ++clock_v.mono_ns);
	while (media.ops->leg_control(media.ctx, there, &normal) == 0)
		;
	mixer_poll(mixer); /* it has come back, and cannot go on: it is held */
}

static const struct mixer_worker *leg_worker(handle h)
{
	const struct mixer_leg *leg = handle_find(mixer->legs_by_handle, h);

	return leg->at;
}

static void held_legs(void)
{
	struct media_leg_control muted = {.is_muted = true};
	handle rooms[2], leg, held, other = 0;
	struct addr locals[2];

	setup(2);
	rooms[0] = room_open();
	leg = leg_open(rooms[0], 0, &locals[0]);
	rooms[1] = room_open(); /* on the other worker */
	held = leg_open(rooms[1], 1, &locals[1]);
	run_ms(LEG_TICK_MS);

	move_to_full(held, rooms[0], leg);
	CHECK_INT("kept for it", media.ops->leg_control(media.ctx, held, &muted), 0);
	run_ms(2000);
	talk(0x3, locals);
	CHECK("it has arrived, muted", hears(1, 0) && !hears(0, 1));

	(void)try_open(rooms[1], 0, &other, &locals[1]); /* so that it stays there */
	CHECK_INT("home", media.ops->leg_move(media.ctx, held, rooms[1]), 0);
	run_ms(2 * LEG_TICK_MS);
	CHECK("on the other worker", leg_worker(held) != leg_worker(leg));
	move_to_full(held, rooms[0], leg);
	CHECK_INT("turned round", media.ops->leg_move(media.ctx, held, rooms[1]), 0);
	run_ms(2000);
	CHECK_INT("nobody else came", media.ops->room_close(media.ctx, rooms[1]), ERR_STATE);

	move_to_full(held, rooms[0], leg);
	CHECK_INT("close", leg_close(held), 0);
	CHECK_INT("not from inside", told[MEDIA_LEG_CLOSED], 0);
	run_ms(2000);
	CHECK_INT("told", told[MEDIA_LEG_CLOSED], 1);
	CHECK("told", last[MEDIA_LEG_CLOSED].leg == held);
	CHECK_INT("the others stay", totals().legs, 2);
	CHECK_INT("close", leg_close(other), 0);
	CHECK_INT("empty", media.ops->room_close(media.ctx, rooms[1]), 0);
	teardown();
}

static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

static void a_thousand_cycles_leak_nothing(void)
{
	struct addr local;
	handle room, leg;
	uint32_t ports;
	int before = descriptors(), fds;

	setup(1);
	ports = totals().ports_free;
	leg = leg_open(0, 0, &local); /* its pair of sockets stays warm */
	CHECK_INT("close", leg_close(leg), 0);
	run_ms(100);
	told[MEDIA_LEG_CLOSED] = 0;
	fds = descriptors();
	for (uint32_t i = 0; i < 1000; i++) {
		room = room_open();
		leg = leg_open(i % 3 ? room : 0, 0, &local);
		if (i % 2)
			run_ms(LEG_TICK_MS);
		if (i % 3 == 0)
			CHECK_INT("move", media.ops->leg_move(media.ctx, leg, room), 0);
		if (!CHECK_INT("close", leg_close(leg), 0) ||
		    !CHECK_INT("close", media.ops->room_close(media.ctx, room), 0))
			break;
		run_ms(LEG_TICK_MS);
	}
	run_ms(100);
	CHECK_INT("all told", told[MEDIA_LEG_CLOSED], 1000);
	CHECK_INT("legs", totals().legs, 0);
	CHECK_INT("rooms", totals().rooms, 0);
	CHECK_INT("ports", totals().ports_free, ports);
	/* No more than rested at a time. */
	CHECK("descriptors", descriptors() >= fds && descriptors() <= fds + 2 * WARM_AT_MOST);
	teardown();
	CHECK_INT("the mixer's own are closed too", descriptors(), before);
}

/* A mixer with everything under way can be freed at any time. */
static void freed_in_the_middle(void)
{
	struct addr local;
	handle rooms[2], leg;

	setup(1);
	rooms[0] = room_open();
	rooms[1] = room_open();
	for (int i = 0; i < 6; i++) {
		leg = leg_open(rooms[i % 2], 0, &local);
		if (i < 3)
			run_ms(LEG_TICK_MS);
	}
	CHECK_INT("move", media.ops->leg_move(media.ctx, leg, rooms[0]), 0);
	leg = leg_open(0, 0, &local);
	CHECK_INT("close", leg_close(leg), 0);
	teardown();
}

static void quiet_is_told(void)
{
	struct addr local;
	handle leg;

	setup(1);
	leg = leg_open(room_open(), 0, &local);
	run_ms(QUIET_MS + 200);
	CHECK_INT("quiet", told[MEDIA_LEG_QUIET], 1);
	CHECK("quiet", last[MEDIA_LEG_QUIET].leg == leg && last[MEDIA_LEG_QUIET].tag == 1000);
	CHECK_INT("never active", told[MEDIA_LEG_ACTIVE], 0);
	teardown();
}

/* An encrypted phone that changes its SSRC again and again: control makes the streams. */
static void encrypted_ssrcs_without_end(void)
{
	enum { SSRCS = 12, PACKETS = 8 };
	struct media_leg_params params;
	struct media_leg_stats stats;
	struct media_keys keys = {.suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, .key = {1}};
	uint8_t payload[RIG_FRAME] = {0x55}, data[RIG_PACKET_MAX];
	struct addr local;
	handle leg;

	setup(1);
	leg = leg_open(room_open(), 0, &local);
	params = rig_params(&phones[0]);
	params.keys_send = params.keys_receive = keys;
	CHECK_INT("keys", media.ops->leg_set(media.ctx, leg, &params), 0);
	run_ms(LEG_TICK_MS);
	for (uint32_t ssrc = 1; ssrc <= SSRCS; ssrc++) {
		phones[0].ssrc = ssrc;
		for (uint32_t i = 0; i < PACKETS; i++) {
			uint16_t seq = phones[0].seq = (uint16_t)(100 * ssrc + i);
			size_t len = phone_packet(&phones[0], payload, sizeof(payload), data);

			len = srtp_ref_protect(&keys, seq, data, len);
			phone_send_raw(&phones[0], &local, data, len);
			run_ms(LEG_TICK_MS);
		}
	}
	run_ms(200);
	CHECK_INT("stats", media.ops->leg_stats(media.ctx, leg, &stats), 0);
	CHECK_INT("all are authentic", stats.rx_unauthentic, 0);
	CHECK_INT("heard", stats.rx_packets, SSRCS * PACKETS);
	CHECK("encrypted", stats.is_encrypted);
	CHECK_INT("close", leg_close(leg), 0);
	run_ms(200);
	CHECK_INT("closed", told[MEDIA_LEG_CLOSED], 1);
	teardown();
}

static void idle_rooms_take_no_ticks(void)
{
	struct addr local;
	handle room = 0;

	setup(1);
	for (int i = 0; i < 16; i++)
		room = room_open();
	run_ms(1000);
	CHECK_INT("no ticks", totals().ticks, 0);
	(void)leg_open(room, 0, &local);
	run_ms(1000);
	CHECK_NEAR("one room's", totals().ticks, 50, 1);
	CHECK_INT("never late", totals().ticks_late, 0);
	teardown();
}

/* Threads ----------------------------------------------------------------------------------- */

static void poll_ms(uint32_t ms)
{
	struct clock clock = clock_system();
	uint64_t end_ms = clock_mono_ms(&clock) + ms;

	do {
		(void)poll(NULL, 0, 1);
		mixer_poll(mixer);
	} while (clock_mono_ms(&clock) < end_ms);
}

/* Two real workers, legs that come, talk, move and go, and a loop that delivers the events. What is
 * asserted is that all of it ends; ThreadSanitizer asserts the rest. */
static void threads_churn(uint32_t spread_legs)
{
	enum { LEGS = 6, ROUNDS = 12 };
	struct mixer_params params = base_params();
	struct media_leg_control control = {.is_muted = true};
	struct addr locals[LEGS];
	handle rooms[2], legs[LEGS];
	uint8_t payload[RIG_FRAME];
	struct loop *loop;
	uint32_t closed = 0;

	random_init_system(&rng);
	CHECK_INT("loop", loop_new(clock_system(), &loop), 0);
	params.clock = clock_system();
	params.is_manual = false;
	params.spread_legs = spread_legs;
	params.has_shared_ports = true; /* joined, parted and left by several threads */
	params.loop = loop;
	setup_with(&params, LEGS);
	rooms[0] = room_open();
	rooms[1] = room_open();
	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < LEGS; i++)
			legs[i] = leg_open(rooms[i % 2], i, &locals[i]);
		for (uint32_t tick = 0; tick < 5; tick++) {
			struct media_leg_stats stats;

			for (uint32_t i = 0; i < LEGS; i++) {
				tone_ulaw(tones[i % 5], 4000, tick * RIG_FRAME, payload);
				phone_send(&phones[i], &locals[i], payload, RIG_FRAME);
				(void)media.ops->leg_stats(media.ctx, legs[i], &stats);
				(void)phone_drain(&phones[i]);
			}
			control.is_muted = tick % 2;
			(void)media.ops->leg_control(media.ctx, legs[tick], &control);
			(void)media.ops->leg_move(media.ctx, legs[tick], rooms[tick % 2]);
			(void)totals();
			(void)loop_turn(loop, 3);
		}
		for (uint32_t i = 0; i < LEGS; i++)
			CHECK_INT("close", leg_close(legs[i]), 0);
		closed += LEGS;
	}
	for (int i = 0; i < 5000 && told[MEDIA_LEG_CLOSED] < closed; i++)
		(void)loop_turn(loop, 1);
	CHECK_INT("all closed", told[MEDIA_LEG_CLOSED], closed);
	teardown();
	loop_free(loop);
}

static void threads_with_churn(void)
{
	threads_churn(0);
}

/* The same, while both rooms are spread over both workers as often as they fill. */
static void threads_with_churn_in_spread_rooms(void)
{
	threads_churn(1);
}

/* Real time, real threads: each hears the others and not itself. */
static void threads_conversation(uint32_t spread_legs)
{
	struct mixer_params params = base_params();
	uint8_t payload[RIG_FRAME], data[RIG_PACKET_MAX];
	struct clock clock = clock_system();
	uint32_t ticks[3] = {0};
	struct addr locals[3];
	uint64_t start_ns;
	handle room;

	random_init_system(&rng);
	params.clock = clock;
	params.is_manual = false;
	params.spread_legs = spread_legs;
	setup_with(&params, 3);
	room = room_open();
	for (uint32_t i = 0; i < 3; i++)
		(void)leg_open(room, i, &locals[i]);
	memset(heard, 0, sizeof(heard));
	start_ns = clock_mono_ns(&clock);
	for (uint32_t tick = 0; tick < WARM_TICKS + HEARD_TICKS; tick++) {
		for (uint32_t i = 0; i < 3; i++) {
			struct rtp_packet got;

			tone_ulaw(tones[i], 4000, tick * RIG_FRAME, payload);
			phone_send(&phones[i], &locals[i], payload, RIG_FRAME);
			while (phone_receive(&phones[i], 0, &got, data)) {
				uint32_t at = ticks[i]++;

				for (uint32_t k = 0; at >= WARM_TICKS && k < RIG_FRAME &&
						     at < WARM_TICKS + HEARD_TICKS;
				     k++)
					heard[i][(at - WARM_TICKS) * RIG_FRAME + k] =
						codec_ulaw_decode(got.payload[k]);
			}
		}
		while (clock_mono_ns(&clock) < start_ns + (tick + 1) * RIG_TICK_NS)
			poll_ms(1);
	}
	for (uint32_t i = 0; i < 3; i++) {
		CHECK("hears enough", ticks[i] > WARM_TICKS);
		for (uint32_t k = 0; k < 3; k++)
			CHECK_INT("hears", hears(i, k), i != k);
	}
	CHECK_INT("workers", totals().workers, 2);
	CHECK("ticks", totals().ticks > 0);
	teardown();
}

static void threads_carry_a_conversation(void)
{
	threads_conversation(0);
}

static void threads_carry_a_conversation_in_a_spread_room(void)
{
	threads_conversation(1);
}

void suite_mixer(void)
{
	CHECK_SUITE("mixer");
	CHECK_TEST(params_are_checked);
	CHECK_TEST(three_legs_hear_the_others_and_not_themselves);
	CHECK_TEST(a_large_room_is_spread);
	CHECK_TEST(options_on_sound_come_and_go);
	CHECK_TEST(digits_are_asked_for);
	CHECK_TEST(two_rooms_do_not_hear_each_other);
	CHECK_TEST(legs_move);
	CHECK_TEST(operations_on_the_way);
	CHECK_TEST(limits_have_their_errors);
	CHECK_TEST(closing_never_fails);
	CHECK_TEST(held_legs);
	CHECK_TEST(a_thousand_cycles_leak_nothing);
	CHECK_TEST(freed_in_the_middle);
	CHECK_TEST(quiet_is_told);
	CHECK_TEST(encrypted_ssrcs_without_end);
	CHECK_TEST(idle_rooms_take_no_ticks);
	CHECK_TEST(threads_with_churn);
	CHECK_TEST(threads_with_churn_in_spread_rooms);
	CHECK_TEST(threads_carry_a_conversation);
	CHECK_TEST(threads_carry_a_conversation_in_a_spread_room);
}
