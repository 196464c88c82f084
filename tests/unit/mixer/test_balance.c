/* tests/unit/mixer/test_balance.c -- who gets what, and what passes from worker to worker.
 *
 * Workers are driven by hand on a virtual clock, where nothing takes any time: what they had to do
 * is set by the tests. The last row lets real threads run, and asserts nothing about time.
 */
#include "mixer/balance.h"

#include <string.h>

#include "mixer/parts.h"
#include "tests/support/check.h"
#include "tests/unit/mixer/rig.h"

enum { WORKERS_MAX = 3, PHONES = 8, STEP_US = 500, SPREAD_LEGS = 2 };

static struct clock_virtual clock_v;
static struct random rng;
static struct mixer *mixer;
static struct media media;
static struct phone phones[PHONES];
static struct addr locals[PHONES];
static handle legs[PHONES], room;
static uint32_t closed;
static uint64_t due_ns[WORKERS_MAX]; /* when each worker wakes */

static void on_event(void *arg, const struct media_event *event)
{
	(void)arg;
	closed += event->kind == MEDIA_LEG_CLOSED;
}

static void setup_with(struct mixer_params params)
{
	params.random = &rng;
	params.port_low = RIG_PORT_LOW;
	params.port_high = RIG_PORT_HIGH;
	params.port_quarantine_ms = 100;
	params.legs_max = 64;
	params.rooms_max = 16;
	params.on_event = on_event;
	closed = 0;
	memset(due_ns, 0, sizeof(due_ns));
	mixer = NULL;
	if (!CHECK_INT("new", mixer_new(&params, &mixer), 0))
		CU_FAIL_FATAL("no mixer");
	media = mixer_media(mixer);
	CHECK_INT("room", media.ops->room_open(media.ctx, &room), 0);
	for (uint32_t i = 0; i < PHONES; i++)
		phone_open(&phones[i], 10 + i);
}

static void setup(uint32_t workers, uint32_t load_pct)
{
	random_init_seeded(&rng, 4);
	clock_v = (struct clock_virtual){RIG_START_NS, 1700000000000};
	setup_with((struct mixer_params){.clock = clock_virtual(&clock_v),
					 .workers = workers,
					 .spread_legs = SPREAD_LEGS,
					 .spread_load_pct = load_pct,
					 .has_shared_ports = true,
					 .is_manual = true});
}

static void teardown(void)
{
	for (uint32_t i = 0; i < PHONES; i++)
		phone_close(&phones[i]);
	mixer = mixer_free(mixer);
}

/* As threads do, a worker sleeps until something is due; only one without legs is woken by
 * commands. */
static void run_ms(uint32_t ms)
{
	for (uint32_t i = 0; i < ms * 1000; i += STEP_US) {
		clock_v.mono_ns += (uint64_t)STEP_US * 1000;
		for (uint32_t w = 0; w < mixer->worker_count; w++)
			if (due_ns[w] == UINT64_MAX || due_ns[w] <= clock_v.mono_ns)
				due_ns[w] = worker_tick_rt(mixer->workers[w].worker,
							   clock_v.mono_ns);
		mixer_poll(mixer);
	}
}

/* A call from a phone that names its address: it shares a port once its host is known. */
static void join(uint32_t i)
{
	struct media_leg_params params = rig_params(&phones[i]);
	struct media_leg_open open = {.room = room,
				      .tag = i,
				      .peer_rtp = phones[i].addr,
				      .peer_signalling = phones[i].addr};

	(void)addr_parse(SLICE("127.0.0.1:0"), &open.local);
	CHECK_INT("open", media.ops->leg_open(media.ctx, &open, &legs[i], &locals[i]), 0);
	CHECK_INT("set", media.ops->leg_set(media.ctx, legs[i], &params), 0);
}

static void leave(uint32_t i)
{
	CHECK_INT("close", media.ops->leg_close(media.ctx, legs[i]), 0);
}

static struct mixer_leg *leg_of(uint32_t i)
{
	return handle_find(mixer->legs_by_handle, legs[i]);
}

static long at(uint32_t i)
{
	return leg_of(i)->at - mixer->workers;
}

static struct mixer_room *the_room(void)
{
	return handle_find(mixer->rooms_by_handle, room);
}

/* As if it had just been measured. */
static void set_load(uint32_t worker, uint32_t per_cent)
{
	struct mixer_worker *w = &mixer->workers[worker];

	w->load = (struct load){1, 1, per_cent * (LOAD_CORE_US / 100), w->legs};
}

static void tone(uint32_t i, uint64_t frame)
{
	uint8_t payload[RIG_FRAME];

	tone_ulaw(400 + 300 * i, 4000, frame * RIG_FRAME, payload);
	phone_send(&phones[i], &locals[i], payload, RIG_FRAME);
}

/* Placement --------------------------------------------------------------------------------- */

static void a_room_settles_with_its_first_leg(void)
{
	const struct media_room_policy policy = {.loudest = 3, .gate_dbov = 40};

	setup(2, 60);
	CHECK_INT("policy", media.ops->room_set(media.ctx, room, &policy), 0);
	for (uint32_t round = 0; round < 4; round++) {
		uint32_t busy = round % 2;

		set_load(busy, 50);
		set_load(1 - busy, 1);
		join(0);
		CHECK_INT("where there is less to do", at(0), 1 - busy);
		CHECK("the room too", the_room()->at == leg_of(0)->at);
		CHECK_INT("as it was", atomic_load(&the_room()->bus->loudest_max), 3);
		CHECK_INT("as it was", atomic_load(&the_room()->bus->gate_dbov), 40);
		CHECK_INT("one room", mixer->workers[0].rooms + mixer->workers[1].rooms, 1);
		set_load(busy, 0);
		join(1);
		CHECK_INT("small rooms stay together", at(1), 1 - busy);
		run_ms(40);
		CHECK("it ticks", phone_drain(&phones[0]) > 0);
		leave(0);
		leave(1);
		run_ms(40);
		CHECK_INT("closed", closed, 2 * round + 2);
	}
	CHECK("what was left came back", list_empty(&mixer->buses_left) && mixer->awaited == 0);
	teardown();
}

/* A bus that was left and has not come back when all ends. */
static void a_bus_on_its_way_is_freed(void)
{
	setup(2, 60);
	set_load(0, 50);
	join(0);
	CHECK("on its way", !list_empty(&mixer->buses_left));
	teardown();
}

/* Who is in the lounge of a worker brings an empty room there, and need not move, unless there is
 * much to do. */
static void an_empty_room_comes_to_its_first_leg(void)
{
	static const struct {
		const char *name;
		uint32_t busy; /* per cent, where the leg is */
		long want;
	} cases[] = {
		{"a little to do", 10, 1},
		{"much", 40, 0},
	};

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		handle there;

		setup(2, 60);
		there = room;
		room = 0;
		set_load(0, 50);
		join(0);
		CHECK_INT("in the lounge", at(0), 1);
		set_load(1, cases[n].busy);
		set_load(0, 0);
		room = there;
		CHECK_INT("move", media.ops->leg_move(media.ctx, legs[0], room), 0);
		CHECK_INT(cases[n].name, at(0), cases[n].want);
		CHECK_INT(cases[n].name, leg_of(0)->place == PLACE_WORKER, at(0) == 1);
		teardown();
	}
}

/* A room is not made anew for the few legs that one worker has more than the other. */
static void a_room_stays_for_little(void)
{
	struct bus *bus;

	setup(2, 60);
	bus = the_room()->bus;
	set_load(0, 10);
	set_load(1, 10);
	mixer->workers[the_room()->at - mixer->workers].legs += 5;
	join(0);
	CHECK("it stays", the_room()->bus == bus && leg_of(0)->bus == bus);
	mixer->workers[the_room()->at - mixer->workers].legs -= 5;
	teardown();
}

/* A room that fits one worker is not spread; a part that is not full is taken before a new one. */
static void a_room_spreads_when_its_worker_is_full(void)
{
	static const struct {
		const char *name;
		uint32_t load[3]; /* per cent, before this leg comes */
		long want;
	} legs_in_turn[] = {
		{"the first", {0, 1, 1}, 0},
		{"small", {90, 0, 0}, 0},
		{"large, but it fits", {59, 0, 0}, 0},
		{"full", {61, 5, 4}, 2},
		{"a part that is not full", {61, 0, 50}, 2},
		{"the home is not full any more", {30, 0, 50}, 0},
		{"all parts are full", {70, 65, 62}, 2},
		{"a third part", {70, 1, 62}, 1},
	};

	setup(3, 60);
	for (uint32_t i = 0; i < ARRAY_LEN(legs_in_turn); i++) {
		for (uint32_t k = 0; k < 3; k++)
			set_load(k, legs_in_turn[i].load[k]);
		join(i);
		CHECK_INT(legs_in_turn[i].name, at(i), legs_in_turn[i].want);
		run_ms(20);
	}
	run_ms(60);
	CHECK("all are served", phone_drain(&phones[7]) > 0);
	teardown();
}

/* A hundred at once do not all go where it was calm a moment ago. */
static void many_at_once_are_dealt(void)
{
	uint32_t count[2] = {0};

	setup(2, 0);
	set_load(0, 1);
	set_load(1, 1);
	for (uint32_t i = 0; i < PHONES; i++) {
		join(i);
		count[at(i)]++;
	}
	CHECK_INT("half of them", count[0], PHONES / 2);
	teardown();
}

/* Passing ----------------------------------------------------------------------------------- */

/* What a phone gets: packets without a gap in number and time. */
struct follow {
	uint32_t packets, ts;
	uint16_t seq;
	uint32_t gaps;
};

static void follow(struct phone *phone, struct follow *f)
{
	uint8_t data[RIG_PACKET_MAX];
	struct rtp_packet got;

	while (phone_receive(phone, 0, &got, data)) {
		if (f->packets++ > 0)
			f->gaps += got.seq != (uint16_t)(f->seq + 1) || got.ts != f->ts + RIG_FRAME;
		f->seq = got.seq;
		f->ts = got.ts;
	}
}

/* `ticks` in which leg 0 talks; every phone must get one packet in each, or in all but the first.
 */
static void talk(uint32_t ticks, bool may_shift, uint64_t *frame, struct follow follows[PHONES],
		 uint32_t count)
{
	for (uint32_t t = 0; t < ticks; t++) {
		uint32_t before[PHONES];

		tone(0, (*frame)++);
		for (uint32_t i = 0; i < count; i++)
			before[i] = follows[i].packets;
		run_ms(LEG_TICK_MS);
		for (uint32_t i = 0; i < count; i++) {
			follow(&phones[i], &follows[i]);
			CHECK("one packet a tick",
			      follows[i].packets == before[i] + 1 || (may_shift && t == 0));
		}
	}
}

/* There, which makes a room of two parts: its tick may come some milliseconds later from then on.
 * And back again. */
static void legs_pass_without_a_gap(void)
{
	struct follow follows[PHONES] = {0};
	uint64_t frame = 0, missed;
	int32_t passed;
	struct media_totals t;

	setup(2, 10);
	for (uint32_t i = 0; i < 6; i++)
		join(i);
	for (uint32_t i = 0; i < 6; i++)
		CHECK_INT("together", at(i), at(0));
	run_ms(40);
	for (uint32_t i = 0; i < PHONES; i++)
		(void)phone_drain(&phones[i]);
	talk(20, false, &frame, follows, 6);
	for (uint32_t turn = 0; turn < 2; turn++) {
		uint32_t from = turn ? 1 - (uint32_t)at(0) : (uint32_t)at(0);

		set_load(from, 16); /* more for each than a leg may count: four are half of it */
		set_load(1 - from, 0);
		balance_move(mixer);
		passed = 0;
		for (uint32_t i = 0; i < 6; i++)
			passed += leg_of(i)->place == PLACE_YIELDING;
		CHECK_INT("four pass", passed, 4);
		CHECK_INT("not who talks", leg_of(0)->place, PLACE_WORKER);
		talk(40, turn == 0, &frame, follows, 6);
		for (uint32_t i = 0; i < 6; i++) {
			CHECK_INT("has arrived", leg_of(i)->place, PLACE_WORKER);
			CHECK_INT("no gap", follows[i].gaps, 0);
			passed -= at(i) == 1 - from;
		}
		CHECK_INT("all of them", passed, turn ? -2 : 0);
		media.ops->totals(media.ctx, &t);
		CHECK_INT("counted", t.legs_passed, 4 * turn + 4);
		balance_move(mixer);
		media.ops->totals(media.ctx, &t);
		CHECK_INT("and now it is even", t.legs_passed, 4 * turn + 4);
	}
	missed = t.shares_missed;
	talk(10, false, &frame, follows, 6);
	media.ops->totals(media.ctx, &t);
	CHECK_INT("nothing is missed", t.shares_missed, missed);
	for (uint32_t i = 0; i < 6; i++)
		leave(i);
	run_ms(60);
	CHECK_INT("closed", closed, 6);
	teardown();
}

/* Who closes, or whose room ends, while it passes. */
static void legs_close_while_they_pass(void)
{
	setup(2, 10);
	for (uint32_t i = 0; i < 4; i++)
		join(i);
	run_ms(60);
	set_load((uint32_t)at(0), 90);
	set_load(1 - (uint32_t)at(0), 0);
	balance_move(mixer);
	for (uint32_t i = 0; i < 4; i++) {
		CHECK_INT("passes", leg_of(i)->place, PLACE_YIELDING);
		leave(i);
	}
	run_ms(60);
	CHECK_INT("closed", closed, 4);
	CHECK_INT("empty", media.ops->room_close(media.ctx, room), 0);
	run_ms(60);
	CHECK_INT("all is back", mixer->awaited, 0);
	teardown();
}

static void what_stays(void)
{
	static const struct {
		const char *name;
		uint32_t busy, other; /* per cent */
		uint32_t legs;
		bool is_shared;
		uint32_t want;
	} cases[] = {
		{"busy, and the other is not", 90, 0, 4, false, 4},
		{"not busy enough", 50, 0, 4, false, 0},
		{"the other is as busy", 90, 80, 4, false, 0},
		{"a small room", 90, 0, 1, false, 0},
		{"a shared port", 90, 0, 4, true, 0},
	};

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		struct media_totals t;

		setup(2, 60);
		if (cases[n].is_shared)
			peers_learn(mixer->peers, &phones[0].addr, true);
		for (uint32_t i = 0; i < cases[n].legs; i++)
			join(i);
		CHECK_INT(cases[n].name, leg_of(0)->share != NULL, cases[n].is_shared);
		run_ms(60);
		set_load((uint32_t)at(0), cases[n].busy);
		set_load(1 - (uint32_t)at(0), cases[n].other);
		balance_move(mixer);
		media.ops->totals(media.ctx, &t);
		CHECK_INT(cases[n].name, t.legs_passed, cases[n].want);
		teardown();
	}
}

/* Waiting ----------------------------------------------------------------------------------- */

static uint64_t tick_worker(uint32_t worker, uint64_t now_ns)
{
	return worker_tick_rt(mixer->workers[worker].worker, now_ns);
}

static uint64_t shares_missed(void)
{
	struct media_totals t;

	media.ops->totals(media.ctx, &t);
	return t.shares_missed;
}

/* Both workers, in steps, until the seat is before its next tick; returns when that is due. */
static uint64_t before_tick(const struct spread_seat *seat)
{
	do
		run_ms(1);
	while (seat->is_gathered);
	return seat->due_ns;
}

/* One worker comes so much too late with a tick; how long the other waits, and what it misses. */
static void waiting_is_bounded(void)
{
	static const struct {
		const char *name;
		uint32_t late_us,
			want_us; /* want_us: when the other delivers, after the tick's time */
		uint32_t want_missed;
	} cases[] = {
		{"in time", 0, STEP_US, 0},
		{"a little late", 1500, 1500, 0},
		{"waited for", 3000, 3000, 0},
		{"waited for long", 9500, 9500, 0},
		{"too late", 11000, SPREAD_MEET_US_MAX, 1},
	};

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		const struct spread_seat *seat;
		uint64_t tick_ns, us = 0, missed;

		setup(2, 0);
		for (uint32_t i = 0; i < 4; i++)
			join(i);
		run_ms(60);
		seat = leg_of(0)->bus->seat;
		tick_ns = before_tick(seat);
		missed = shares_missed();
		for (; us < 14000; us += STEP_US) {
			uint64_t now_ns = tick_ns + us * 1000;

			if (us >= cases[n].late_us)
				(void)tick_worker((uint32_t)(1 - at(0)), now_ns);
			(void)tick_worker((uint32_t)at(0), now_ns);
			if (us > 0 && !seat->is_gathered)
				break;
		}
		CHECK_INT(cases[n].name, us, cases[n].want_us);
		CHECK_INT(cases[n].name, shares_missed() - missed, cases[n].want_missed);
		teardown();
	}
}

/* A worker that hangs is waited for once; when it is back, all is whole again. */
static void who_hangs_is_waited_for_once(void)
{
	const struct spread_seat *seat;
	uint64_t tick_ns, missed;

	setup(2, 0);
	for (uint32_t i = 0; i < 4; i++)
		join(i);
	run_ms(60);
	seat = leg_of(0)->bus->seat;
	tick_ns = before_tick(seat);
	missed = shares_missed();
	for (uint32_t t = 0; t < 5; t++) {
		uint64_t us = 0;

		for (; us < 14000 && (us == 0 || seat->is_gathered); us += STEP_US)
			(void)tick_worker((uint32_t)at(0), tick_ns + us * 1000);
		CHECK_INT("once", us, (t ? SPREAD_MEET_US : SPREAD_MEET_US_MAX) + STEP_US);
		tick_ns += RIG_TICK_NS;
	}
	CHECK_INT("five are missed", shares_missed() - missed, 5);
	clock_v.mono_ns = tick_ns - RIG_TICK_NS;
	run_ms(60);
	missed = shares_missed();
	run_ms(100);
	CHECK_INT("and no more", shares_missed(), missed);
	teardown();
}

/* Threads ----------------------------------------------------------------------------------- */

/* Legs come, pass to and fro, and go, as fast as they can. */
static void threads_pass(void)
{
	enum { ROUNDS = 8, TURNS = 40 };
	struct media_totals t;
	struct loop *loop;

	random_init_system(&rng);
	CHECK_INT("loop", loop_new(clock_system(), &loop), 0);
	setup_with((struct mixer_params){
		.clock = clock_system(), .workers = 2, .spread_legs = SPREAD_LEGS, .loop = loop});
	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < PHONES; i++)
			join(i);
		for (uint32_t turn = 0; turn < TURNS; turn++) {
			for (uint32_t i = 0; i < PHONES; i++) {
				if (turn % 8 < 4) /* then all are silent and may pass */
					tone(i, turn);
				(void)phone_drain(&phones[i]);
			}
			set_load(turn / 4 % 2, 90);
			set_load(1 - turn / 4 % 2, 0);
			balance_move(mixer);
			(void)loop_turn(loop, 3);
		}
		for (uint32_t i = 0; i < PHONES; i++)
			leave(i);
	}
	for (int i = 0; i < 5000 && (closed < ROUNDS * PHONES || mixer->awaited > 0); i++)
		(void)loop_turn(loop, 1);
	CHECK_INT("all closed", closed, ROUNDS * PHONES);
	media.ops->totals(media.ctx, &t);
	CHECK("some passed", t.legs_passed > 0);
	CHECK_INT("room", media.ops->room_close(media.ctx, room), 0);
	teardown();
	loop_free(loop);
}

void suite_balance(void)
{
	CHECK_SUITE("balance");
	CHECK_TEST(a_room_settles_with_its_first_leg);
	CHECK_TEST(a_bus_on_its_way_is_freed);
	CHECK_TEST(an_empty_room_comes_to_its_first_leg);
	CHECK_TEST(a_room_stays_for_little);
	CHECK_TEST(a_room_spreads_when_its_worker_is_full);
	CHECK_TEST(many_at_once_are_dealt);
	CHECK_TEST(legs_pass_without_a_gap);
	CHECK_TEST(legs_close_while_they_pass);
	CHECK_TEST(what_stays);
	CHECK_TEST(waiting_is_bounded);
	CHECK_TEST(who_hangs_is_waited_for_once);
	CHECK_TEST(threads_pass);
}
