/* tests/unit/mixer/test_worker.c -- the tick on a virtual clock, driven by hand. */
#include "mixer/worker.h"

#include <string.h>

#include "tests/support/check.h"
#include "tests/unit/mixer/rig.h"

enum { BUSES = 8, HOUR_TICKS = 3600 * 1000 / WORKER_TICK_MS };

static struct rig rig; /* ports and numbers; its environment is not used */
static struct clock_virtual clock_v;
static struct worker *worker;
static struct phone phone;

static void setup(void)
{
	struct worker_params params = {.quiet_ms = 5000, .seed = 1, .cname = "worker"};

	rig_init(&rig);
	phone_open(&phone, 3);
	clock_v = (struct clock_virtual){RIG_START_NS, 1700000000000};
	params.clock = clock_virtual(&clock_v);
	worker = NULL;
	if (!CHECK_INT("new", worker_new(&params, &worker), 0))
		CU_FAIL_FATAL("no worker");
}

static void teardown(void)
{
	worker = worker_free(worker);
	phone_close(&phone);
	rig_done(&rig);
}

static void command(struct worker_command command)
{
	CHECK("posted", worker_post(worker, &command));
}

static struct rig_leg add_leg(struct bus *bus)
{
	struct rig_leg leg = rig_leg_open(&rig);
	struct media_leg_params params = rig_params(&phone);

	command((struct worker_command){.kind = WORKER_LEG_ADD, .leg = leg.leg, .bus = bus});
	command((struct worker_command){.kind = WORKER_LEG_SET, .leg = leg.leg, .params = params});
	return leg;
}

/* The next event of `kind`; NULL when there is none. */
static void *event_object(int kind)
{
	struct leg_event event;

	while (ring_take_rt(worker_events(worker), &event))
		if (event.kind == kind)
			return event.object;
	return NULL;
}

static void end_leg(struct rig_leg *leg, uint64_t now_ns)
{
	command((struct worker_command){.kind = WORKER_LEG_END, .leg = leg->leg});
	(void)worker_tick_rt(worker, now_ns);
	CHECK("came back", event_object(LEG_EVENT_RETURNED) == leg->leg);
	rig_leg_close(&rig, leg);
}

/* The pass that is under way may take the command that wakes a worker for its end. */
static void stops_whenever_it_is_told(void)
{
	struct worker_params params = {
		.clock = clock_system(), .quiet_ms = 5000, .cname = "worker"};

	for (int i = 0; i < 1000; i++) {
		struct worker *one;

		if (!CHECK_INT("new", worker_new(&params, &one), 0))
			return;
		CHECK_INT("started", worker_start(one), 0);
		for (volatile int delay = 0; delay < i * 50; delay++)
			;
		(void)worker_free(one);
	}
}

static void sleeps_without_legs(void)
{
	struct bus *bus;
	struct rig_leg leg;
	uint64_t now_ns = RIG_START_NS;

	setup();
	CHECK_INT("bus", bus_new(NULL, &bus), 0);
	CHECK("nothing to do", worker_tick_rt(worker, now_ns) == UINT64_MAX);
	leg = add_leg(bus);
	now_ns = worker_tick_rt(worker, now_ns);
	CHECK("due within a tick", now_ns > RIG_START_NS && now_ns <= RIG_START_NS + RIG_TICK_NS);
	for (int i = 0; i < 10; i++) {
		uint64_t next_ns = worker_tick_rt(worker, now_ns);

		CHECK_INT("every 20 ms", next_ns - now_ns, RIG_TICK_NS);
		now_ns = next_ns;
	}
	CHECK_INT("ten ticks", worker_counts(worker).ticks, 10);
	CHECK_INT("ten packets", worker_counts(worker).tx_packets, 10);
	end_leg(&leg, now_ns - 1);
	CHECK("sleeps again", worker_tick_rt(worker, now_ns) == UINT64_MAX);
	command((struct worker_command){.kind = WORKER_BUS_RETIRE, .bus = bus});
	(void)worker_tick_rt(worker, now_ns);
	CHECK("the bus came back", event_object(LEG_EVENT_BUS_RETURNED) == bus);
	bus_free(bus);
	teardown();
}

/* Rooms of half a phase's legs: two in each phase, and a pass every 5 ms. The next one goes where
 * the fewest are. */
static void rooms_are_dealt_to_phases(void)
{
	enum { ROOM = WORKER_PHASE_LEGS / 2, ALL = BUSES * ROOM };
	static struct rig_leg legs[ALL];
	struct bus *buses[BUSES];
	uint64_t now_ns = RIG_START_NS;
	uint32_t of_phase[WORKER_PHASES] = {0};

	setup();
	for (int i = 0; i < BUSES; i++) {
		CHECK_INT("bus", bus_new(NULL, &buses[i]), 0);
		for (int k = 0; k < ROOM; k++)
			legs[i * ROOM + k] = add_leg(buses[i]);
		if (i < 2) { /* few legs, few passes */
			(void)worker_tick_rt(worker, now_ns);
			CHECK_INT("the first phase", buses[i]->phase, 0);
		}
	}
	while ((now_ns = worker_tick_rt(worker, RIG_START_NS)) == RIG_START_NS)
		; /* more commands than one pass takes */
	for (int i = 0; i < BUSES; i++)
		of_phase[buses[i]->phase]++;
	for (int i = 0; i < WORKER_PHASES; i++)
		CHECK_INT("two each", of_phase[i], BUSES / WORKER_PHASES);
	for (int i = 0; i < 8; i++) {
		uint64_t before = worker_counts(worker).tx_packets;
		uint64_t next_ns = worker_tick_rt(worker, now_ns);

		CHECK_INT("two rooms at a time", worker_counts(worker).tx_packets - before,
			  2 * ROOM);
		CHECK_INT("every 5 ms", next_ns - now_ns, WORKER_PHASE_MS * 1000000);
		now_ns = next_ns;
	}
	for (int i = 0; i < ROOM; i++)
		end_leg(&legs[3 * ROOM + i], now_ns - 1);
	CHECK_INT("an idle room has no phase", buses[3]->phase, BUS_PHASE_NONE);
	legs[3 * ROOM] = add_leg(buses[3]);
	(void)worker_tick_rt(worker, now_ns - 1);
	CHECK_INT("where there is room", buses[3]->phase, 1);
	for (int i = 0; i < ALL; i++)
		if (i / ROOM != 3 || i == 3 * ROOM)
			end_leg(&legs[i], now_ns - 1);
	for (int i = 0; i < BUSES; i++)
		bus_free(buses[i]);
	teardown();
}

/* Late by less than a tick: done late. By more: skipped, no burst, RTP time runs on. */
static void lateness(void)
{
	static const struct {
		const char *row;
		uint64_t late_us;
		uint32_t want_late, want_skipped;
	} cases[] = {
		{"in time", 0, 0, 0},
		{"2 ms", 2000, 0, 0},
		{"3 ms", 3000, 1, 0},
		{"just under a tick", 19999, 1, 0},
		{"one tick", 20000, 1, 1},
		{"three and a half", 70000, 1, 3},
		{"ten seconds", 10000000, 1, 500},
	};

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		struct rig_leg leg;
		struct rtp_packet a, b;
		uint8_t data[RIG_PACKET_MAX];
		struct worker_counts counts;
		uint64_t due_ns, now_ns;

		setup();
		leg = add_leg(NULL);
		due_ns = worker_tick_rt(worker, RIG_START_NS);
		due_ns = worker_tick_rt(worker, due_ns);
		CHECK("came", phone_receive(&phone, RIG_WAIT_MS, &a, data));
		now_ns = due_ns + cases[n].late_us * 1000;
		due_ns = worker_tick_rt(worker, now_ns);
		counts = worker_counts(worker);
		CHECK_INT(cases[n].row, counts.ticks, 2);
		CHECK_INT(cases[n].row, counts.ticks_late, cases[n].want_late);
		CHECK_INT(cases[n].row, counts.ticks_skipped, cases[n].want_skipped);
		CHECK_INT(cases[n].row, counts.tick_late_us_max, cases[n].late_us);
		CHECK(cases[n].row, due_ns > now_ns && due_ns - now_ns <= RIG_TICK_NS);
		if (CHECK("came", phone_receive(&phone, RIG_WAIT_MS, &b, data))) {
			CHECK_INT(cases[n].row, (uint16_t)(b.seq - a.seq), 1);
			CHECK_INT(cases[n].row, b.ts - a.ts,
				  (1 + cases[n].want_skipped) * RIG_FRAME);
		}
		CHECK_INT("no burst", phone_drain(&phone), 0);
		end_leg(&leg, due_ns - 1);
		teardown();
	}
}

static void commands_are_capped_per_pass(void)
{
	struct rig_leg leg;
	uint32_t posted = 0;

	setup();
	leg = add_leg(NULL);
	CHECK("waits for the tick", worker_tick_rt(worker, RIG_START_NS) > RIG_START_NS);
	while (worker_post(worker, &(struct worker_command){.kind = WORKER_NOTHING}))
		posted++;
	CHECK_INT("the ring's limit", posted, WORKER_COMMANDS);
	for (uint32_t i = 0; i < WORKER_COMMANDS / WORKER_COMMANDS_PASS; i++)
		CHECK_INT("more are waiting: at once again",
			  worker_tick_rt(worker, RIG_START_NS + 1), RIG_START_NS + 1);
	CHECK("all done", worker_tick_rt(worker, RIG_START_NS + 1) > RIG_START_NS + 1);
	end_leg(&leg, RIG_START_NS + 2);
	teardown();
}

static void full_ring_keeps_what_comes_back(void)
{
	enum { LEGS = 5 };
	struct leg_event filler = {.kind = 999};
	struct rig_leg legs[LEGS];
	struct bus *bus;
	uint64_t now_ns = RIG_START_NS;

	setup();
	CHECK_INT("bus", bus_new(NULL, &bus), 0);
	for (int i = 0; i < LEGS; i++)
		legs[i] = add_leg(bus);
	(void)worker_tick_rt(worker, now_ns);
	while (ring_post_rt(worker_events(worker), &filler))
		;
	for (int i = 0; i < LEGS; i++)
		command((struct worker_command){.kind = WORKER_LEG_END, .leg = legs[i].leg});
	command((struct worker_command){.kind = WORKER_BUS_RETIRE, .bus = bus});
	CHECK_INT("comes back soon to try again", worker_tick_rt(worker, now_ns + 1),
		  now_ns + 1 + WORKER_PHASE_MS * 1000000);
	CHECK("nothing yet", event_object(LEG_EVENT_RETURNED) == NULL);
	CHECK("then all", worker_tick_rt(worker, now_ns + 2) == UINT64_MAX);
	for (int i = 0; i < LEGS; i++) {
		CHECK("in order", event_object(LEG_EVENT_RETURNED) == legs[i].leg);
		rig_leg_close(&rig, &legs[i]);
	}
	CHECK("the bus last", event_object(LEG_EVENT_BUS_RETURNED) == bus);
	bus_free(bus);
	teardown();
}

static void moves_and_yields(void)
{
	struct bus *a, *b;
	struct rig_leg leg;

	setup();
	CHECK_INT("bus", bus_new(NULL, &a), 0);
	CHECK_INT("bus", bus_new(NULL, &b), 0);
	leg = add_leg(a);
	(void)worker_tick_rt(worker, RIG_START_NS);
	CHECK("in a", leg.leg->bus == a);
	command((struct worker_command){.kind = WORKER_LEG_MOVE, .leg = leg.leg, .bus = b});
	(void)worker_tick_rt(worker, RIG_START_NS + 1);
	CHECK("in b", leg.leg->bus == b && a->leg_count == 0 && a->phase == BUS_PHASE_NONE);
	command((struct worker_command){.kind = WORKER_LEG_MOVE, .leg = leg.leg});
	(void)worker_tick_rt(worker, RIG_START_NS + 2);
	CHECK("in the lounge", leg.leg->bus->is_lounge);
	command((struct worker_command){.kind = WORKER_LEG_YIELD, .leg = leg.leg});
	CHECK("left", worker_tick_rt(worker, RIG_START_NS + 3) == UINT64_MAX);
	CHECK("left", event_object(LEG_EVENT_RETURNED) == leg.leg && leg.leg->bus == NULL);
	rig_leg_close(&rig, &leg);
	bus_free(a);
	bus_free(b);
	teardown();
}

/* A leg that was with nobody for a while: RTP time has gone on. */
static void time_goes_on_between_workers(void)
{
	struct rig_leg leg;
	uint32_t ts;
	uint64_t due_ns;

	setup();
	leg = add_leg(NULL);
	due_ns = worker_tick_rt(worker, RIG_START_NS);
	(void)worker_tick_rt(worker, due_ns);
	ts = leg.leg->tx_ts;
	command((struct worker_command){.kind = WORKER_LEG_YIELD, .leg = leg.leg});
	(void)worker_tick_rt(worker, due_ns + 1);
	command((struct worker_command){.kind = WORKER_LEG_ADD, .leg = leg.leg});
	(void)worker_tick_rt(worker, due_ns + 10 * RIG_TICK_NS);
	CHECK_INT("nine ticks were missed", leg.leg->tx_ts - ts, 9 * RIG_FRAME);
	(void)event_object(LEG_EVENT_RETURNED);
	end_leg(&leg, due_ns + 10 * RIG_TICK_NS + 1);
	teardown();
}

/* Four rooms, whose other parts are late every time, so that one of them waits at any moment: a
 * command is carried out all the same, and soon. */
static void commands_come_through_while_rooms_wait(void)
{
	enum { ROOMS = 4, STEP_US = 500, LATE_US = 9000, STEPS = 600 };
	struct spread *spreads[ROOMS];
	struct spread_seat *seats[ROOMS][2];
	struct bus buses[ROOMS][2];
	struct rig_leg leg;
	uint64_t now_ns = RIG_START_NS;
	uint32_t waited = 0;

	setup();
	for (uint32_t i = 0; i < ROOMS; i++) {
		CHECK_INT("spread", spread_new(i * WORKER_PHASE_MS * 1000, &spreads[i]), 0);
		for (uint32_t k = 0; k < 2; k++) {
			CHECK_INT("seat", spread_seat_new(spreads[i], &seats[i][k]), 0);
			bus_init(&buses[i][k], false, NULL);
		}
		seats[i][1]->bus = &buses[i][1]; /* this one is the test's */
		command((struct worker_command){
			.kind = WORKER_BUS_SEAT, .bus = &buses[i][0], .seat = seats[i][0]});
	}
	leg = rig_leg_open(&rig);
	for (uint32_t step = 0; step < STEPS && (step < 200 || !leg.leg->bus); step++) {
		if (step == 200)
			command((struct worker_command){
				.kind = WORKER_LEG_ADD, .leg = leg.leg, .bus = &buses[0][0]});
		waited += step > 200;
		now_ns += STEP_US * 1000;
		rig.env.now_ns = now_ns;
		for (uint32_t i = 0; i < ROOMS; i++) {
			struct spread_seat *late = seats[i][1];
			uint64_t tick = (now_ns - (step < 100 ? 0 : LATE_US * 1000) -
					 spread_offset_us(spreads[i]) * 1000ull) /
					RIG_TICK_NS;

			if (tick <= late->tick)
				continue;
			spread_gather_rt(late, &rig.env, tick, 0);
			spread_meet_rt(late);
			spread_deliver_rt(late, &rig.env);
		}
		(void)worker_tick_rt(worker, now_ns);
	}
	CHECK("carried out", leg.leg->bus == &buses[0][0]);
	CHECK("soon", waited * STEP_US <= (WORKER_HELD_MS + 2 * WORKER_TICK_MS) * 1000);
	CHECK("it had to wait", waited > 0);
	command((struct worker_command){.kind = WORKER_LEG_END, .leg = leg.leg});
	for (uint32_t step = 0; step < STEPS && leg.leg->bus; step++)
		(void)worker_tick_rt(worker, now_ns += STEP_US * 1000);
	rig_leg_close(&rig, &leg);
	worker = worker_free(worker);
	for (uint32_t i = 0; i < ROOMS; i++)
		spread_free(spreads[i]);
	teardown();
}

/* 20 ms of a tone that came `ago_us` before now, straight into the leg. */
static void feed_tone(struct rig_leg *leg, uint32_t frame, uint64_t now_ns, uint32_t ago_us)
{
	uint8_t payload[RIG_FRAME], data[RIG_PACKET_MAX];
	struct io_packet packet = {.data = data, .from = phone.addr};

	tone_ulaw(440, 9000, (uint64_t)frame * RIG_FRAME, payload);
	packet.len = phone_packet(&phone, payload, sizeof(payload), data);
	packet.arrival_ns = now_ns - (uint64_t)ago_us * 1000;
	rig.env.now_ns = now_ns;
	leg_packet_rt(leg->leg, &rig.env, &packet);
}

/* Packets come 19 ms before the room's tick. It moves to where they come, nothing is concealed, and
 * it stays there. */
static void a_room_ticks_when_its_talker_speaks(void)
{
	struct bus *bus;
	struct rig_leg leg;
	uint64_t now_ns = RIG_START_NS, come_ns;
	uint32_t moved = 0, frame = 0;
	uint8_t phase;

	setup();
	CHECK_INT("bus", bus_new(NULL, &bus), 0);
	leg = add_leg(bus);
	now_ns = worker_tick_rt(worker, now_ns); /* of its first tick */
	phase = bus->phase;
	come_ns = now_ns + 1000000;
	for (int pass = 0; pass < 800; pass++) {
		for (; come_ns <= now_ns; come_ns += RIG_TICK_NS)
			feed_tone(&leg, frame++, now_ns, (uint32_t)((now_ns - come_ns) / 1000));
		clock_v.mono_ns = now_ns;
		now_ns = worker_tick_rt(worker, now_ns);
		moved += bus->phase != phase;
		phase = bus->phase;
	}
	CHECK_INT("once, by all three phases", moved, 1);
	CHECK("hardly any delay is left", intake_stats_rt(leg.leg->intake).jitter.delay_ms <= 2);
	CHECK_INT("nothing was invented", intake_stats_rt(leg.leg->intake).concealed_ms, 0);
	CHECK_INT("nor cut", intake_stats_rt(leg.leg->intake).shortened_ms, 0);
	end_leg(&leg, now_ns);
	bus_free(bus);
	teardown();
}

/* The talker's clock is off by 200 ppm, for ten minutes. A room that follows it has nothing to
 * stretch or to squeeze, and its ticks stay 20 ms apart but for the steps in which it follows. */
/* An hour of 200 ppm, either way, through a leg, its room and its worker. */
static void a_room_follows_the_clock_of_its_talker(void)
{
	static const struct {
		const char *row;
		int32_t step_ns; /* between two packets, beyond 20 ms */
	} cases[] = {{"slower", 4000}, {"faster", -4000}};

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		struct bus *bus;
		struct rig_leg leg;
		struct intake_stats stats;
		uint64_t now_ns = RIG_START_NS, come_ns, before_ns;
		uint32_t frame = 0, odd = 0;

		setup();
		CHECK_INT("bus", bus_new(NULL, &bus), 0);
		leg = add_leg(bus);
		now_ns = worker_tick_rt(worker, now_ns);
		come_ns = now_ns + 7000000;
		for (int pass = 0; pass < HOUR_TICKS; pass++) {
			for (; come_ns <= now_ns; come_ns += RIG_TICK_NS + cases[n].step_ns)
				feed_tone(&leg, frame++, now_ns,
					  (uint32_t)((now_ns - come_ns) / 1000));
			clock_v.mono_ns = before_ns = now_ns;
			now_ns = worker_tick_rt(worker, now_ns);
			odd += pass > 1000 && (now_ns - before_ns > RIG_TICK_NS + 2000000 ||
					       now_ns - before_ns < RIG_TICK_NS - 2000000);
		}
		stats = intake_stats_rt(leg.leg->intake);
		CHECK_INT(cases[n].row, stats.concealed_ms, 0);
		CHECK_INT(cases[n].row, stats.shortened_ms + stats.lengthened_ms, 0);
		CHECK_INT(cases[n].row, odd, 0);
		CHECK(cases[n].row, stats.jitter.delay_ms <= 3);
		end_leg(&leg, now_ns);
		bus_free(bus);
		teardown();
	}
}

/* Two talkers half a tick apart: the room stays where neither is cut off. */
static void a_room_of_two_talkers_finds_the_place_for_both(void)
{
	struct bus *bus;
	struct rig_leg legs[2];
	uint64_t now_ns = RIG_START_NS, come_ns[2];
	uint32_t frames[2] = {0, 0};

	setup();
	CHECK_INT("bus", bus_new(NULL, &bus), 0);
	for (int i = 0; i < 2; i++)
		legs[i] = add_leg(bus);
	now_ns = worker_tick_rt(worker, now_ns);
	for (int i = 0; i < 2; i++)
		come_ns[i] = now_ns + 1000000 + (uint64_t)i * 10000000;
	for (int pass = 0; pass < 800; pass++) {
		for (int i = 0; i < 2; i++)
			for (; come_ns[i] <= now_ns; come_ns[i] += RIG_TICK_NS) {
				phone.seq = (uint16_t)frames[i];
				phone.ts = frames[i] * RIG_FRAME;
				feed_tone(&legs[i], frames[i]++, now_ns,
					  (uint32_t)((now_ns - come_ns[i]) / 1000));
			}
		clock_v.mono_ns = now_ns;
		now_ns = worker_tick_rt(worker, now_ns);
	}
	for (int i = 0; i < 2; i++) {
		struct intake_stats stats = intake_stats_rt(legs[i].leg->intake);

		CHECK_INT("nothing was invented", stats.concealed_ms, 0);
		CHECK("less than a tick's wait", stats.jitter.delay_ms <= 12);
	}
	for (int i = 0; i < 2; i++)
		end_leg(&legs[i], now_ns);
	bus_free(bus);
	teardown();
}

void suite_worker(void)
{
	CHECK_SUITE("worker");
	CHECK_TEST(stops_whenever_it_is_told);
	CHECK_TEST(sleeps_without_legs);
	CHECK_TEST(rooms_are_dealt_to_phases);
	CHECK_TEST(lateness);
	CHECK_TEST(commands_are_capped_per_pass);
	CHECK_TEST(full_ring_keeps_what_comes_back);
	CHECK_TEST(moves_and_yields);
	CHECK_TEST(time_goes_on_between_workers);
	CHECK_TEST(commands_come_through_while_rooms_wait);
	CHECK_TEST(a_room_ticks_when_its_talker_speaks);
	CHECK_TEST(a_room_follows_the_clock_of_its_talker);
	CHECK_TEST(a_room_of_two_talkers_finds_the_place_for_both);
}
