/* tests/unit/mixer/test_bus_groups.c -- who hears whom, to the sample, at the cost of groups. */
#include <string.h>

#include "mixer/bus.h"
#include "mixer/kernel.h"
#include "tests/support/check.h"
#include "tests/unit/mixer/rig.h"

enum { LEGS_MAX = 20 };

static struct rig rig;
static struct bus bus;
static struct bus_scratch scratch;
static struct phone phones[LEGS_MAX];
static struct rig_leg legs[LEGS_MAX];
static int leg_count;

/* As signalling and control give them: 0 stands for group 0. */
static struct media_groups given[LEGS_MAX];

static void setup(int count)
{
	rig_init(&rig);
	bus_init(&bus, false, NULL);
	bus_scratch_init(&scratch);
	memset(given, 0, sizeof(given));
	leg_count = count;
	for (int i = 0; i < count; i++) {
		struct media_leg_params params;

		phone_open(&phones[i], 100 + (uint32_t)i);
		legs[i] = rig_leg_open(&rig);
		params = rig_params(&phones[i]);
		leg_set_rt(legs[i].leg, &params, rig.env.now_ns);
		bus_add_rt(&bus, legs[i].leg);
		leg_begin_rt(legs[i].leg, &rig.env);
	}
}

static void teardown(void)
{
	for (int i = 0; i < leg_count; i++) {
		bus_remove_rt(&bus, legs[i].leg);
		rig_leg_close(&rig, &legs[i]);
		phone_close(&phones[i]);
	}
	CHECK_INT("one audience is left", bus.audience_count, 1);
	CHECK_INT("nobody is in it", bus.audiences[0].leg_count, 0);
	CHECK_INT("nobody waits for one", bus.outsiders, 0);
	for (int i = 0; i < BUS_STREAMS_MAX; i++)
		CHECK("no stream without legs", bus.leads[i] == NULL);
	rig_done(&rig);
}

static void group(int leg, struct media_groups groups)
{
	struct leg_control control = {.gain_in_q14 = KERNEL_GAIN_UNITY_Q14,
				      .gain_out_q14 = KERNEL_GAIN_UNITY_Q14,
				      .groups = groups};

	given[leg] = groups;
	bus_control_rt(legs[leg].leg, &control);
}

static void feed_noise(uint32_t talkers)
{
	for (int i = 0; i < leg_count; i++) {
		uint8_t payload[RIG_FRAME];

		if (!(talkers >> i & 1))
			continue;
		for (uint32_t k = 0; k < RIG_FRAME; k++)
			payload[k] = codec_ulaw_encode(
				(int16_t)((int)random_below(&rig.random, 2001) - 1000));
		rig_feed(&rig, legs[i].leg, &phones[i], payload, RIG_FRAME);
	}
}

static void next_tick(void)
{
	rig.env.now_ns += RIG_TICK_NS;
	io_begin_rt(rig.env.io, rig.env.now_ns);
}

static void warm_up(uint32_t talkers)
{
	for (int k = 0; k < 20; k++) {
		feed_noise(talkers);
		rig_tick(&rig, &bus, &scratch);
		next_tick();
	}
	for (int i = 0; i < leg_count; i++)
		(void)phone_drain(&phones[i]);
}

/* The rule of media.h, pair by pair. */
static bool should_hear(int me, int other)
{
	uint16_t hears = given[me].hears ? given[me].hears : 1;
	uint16_t speaks = given[other].speaks ? given[other].speaks : 1;

	return me != other && legs[other].leg->is_summed && (hears & speaks) &&
	       !(given[me].hears_not & speaks);
}

static bool hears_what_it_should(int me)
{
	int16_t got[RIG_FRAME];

	(void)bus_hear_rt(&bus, &scratch, legs[me].leg, got);
	for (uint32_t k = 0; k < RIG_FRAME; k++) {
		int32_t want = 0;

		for (int i = 0; i < leg_count; i++)
			want += should_hear(me, i) ? legs[i].leg->pcm[k] : 0;
		if (got[k] != want)
			return false;
	}
	return true;
}

static bool contributors_are_right(int me, const struct rtp_packet *got)
{
	uint32_t want = 0;

	for (int i = 0; i < leg_count; i++)
		want += should_hear(me, i);
	return got->csrc_count == MIN_OF(want, (uint32_t)RTP_CSRC_MAX);
}

/* 300 ticks; before each somebody changes groups. A mask out of a few keeps audiences below the
 * limit. */
static void everybody_hears_whom_the_groups_say(void)
{
	static const struct media_groups choices[] = {
		{0, 0, 0},           {1, 1, 0},       {2, 1, 0},      {1, 3, 0},
		{4, 4, 0},           {3, 0xffff, 2},  {0x8000, 7, 4}, {5, 0xfffe, 0},
		{0xffff, 0xffff, 0}, {0x10, 1, 0x10}, {0x11, 1, 0x10}};

	setup(12);
	warm_up(0xfff);
	for (int tick = 0; tick < 300; tick++) {
		uint8_t data[RIG_PACKET_MAX];
		struct rtp_packet packet;
		int looked_at = (int)random_below(&rig.random, 12);

		group((int)random_below(&rig.random, 12),
		      choices[random_below(&rig.random, ARRAY_LEN(choices))]);
		feed_noise(random_u32(&rig.random));
		bus_gather_rt(&bus, &scratch, &rig.env, 0);
		for (int i = 0; i < leg_count; i++)
			CHECK("the sum of those", hears_what_it_should(i));
		bus_deliver_rt(&bus, &scratch, &rig.env);
		io_flush_rt(rig.env.io);
		if (CHECK("came", phone_receive(&phones[looked_at], RIG_WAIT_MS, &packet, data)))
			CHECK("contributors", contributors_are_right(looked_at, &packet));
		for (int i = 0; i < leg_count; i++)
			(void)phone_drain(&phones[i]);
		next_tick();
	}
	teardown();
}

/* One of each use: a listener, an agent with a coach, an interpreter and who hears it, neighbours
 * at one desk. */
static void what_groups_are_for(void)
{
	enum { CALLER, AGENT, COACH, INTERPRETER, FRENCH, DESK_A, DESK_B };
	enum { MAIN = 1, WHISPER = 2, FR = 4, DESK = 8 };
	static const struct {
		int me;
		uint32_t hears; /* legs, bits */
	} cases[] = {
		{CALLER, 1 << AGENT | 1 << DESK_A | 1 << DESK_B | 1 << FRENCH},
		{AGENT, 1 << CALLER | 1 << COACH | 1 << DESK_A | 1 << DESK_B | 1 << FRENCH},
		{COACH, 1 << CALLER | 1 << AGENT | 1 << DESK_A | 1 << DESK_B | 1 << FRENCH},
		{INTERPRETER, 1 << CALLER | 1 << AGENT | 1 << DESK_A | 1 << DESK_B | 1 << FRENCH},
		{FRENCH, 1 << INTERPRETER},
		{DESK_A, 1 << CALLER | 1 << AGENT | 1 << FRENCH},
		{DESK_B, 1 << CALLER | 1 << AGENT | 1 << FRENCH},
	};

	setup(7);
	group(AGENT, (struct media_groups){MAIN, MAIN | WHISPER, 0});
	group(COACH, (struct media_groups){WHISPER, MAIN, 0});
	group(INTERPRETER, (struct media_groups){FR, MAIN, 0});
	group(FRENCH, (struct media_groups){MAIN, FR, 0});
	group(DESK_A, (struct media_groups){MAIN | DESK, MAIN, DESK});
	group(DESK_B, (struct media_groups){MAIN | DESK, MAIN, DESK});
	CHECK_INT("audiences", bus.audience_count, 4);
	warm_up(0x7f);
	feed_noise(0x7f);
	bus_gather_rt(&bus, &scratch, &rig.env, 0);
	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		CHECK("the sum", hears_what_it_should(cases[n].me));
		for (int i = 0; i < leg_count; i++)
			CHECK_INT("who", should_hear(cases[n].me, i), cases[n].hears >> i & 1);
	}
	bus_deliver_rt(&bus, &scratch, &rig.env);
	teardown();
}

/* A whisper is alone in no sum but that of the agent; the others still get the caller's octets. */
static void a_lone_talker_of_an_audience_passes_bit_exact(void)
{
	uint8_t said[RIG_FRAME], data[RIG_PACKET_MAX];
	struct rtp_packet got;

	setup(4);
	group(1, (struct media_groups){2, 1, 0});
	group(2, (struct media_groups){1, 3, 0});
	warm_up(0x3);
	for (uint32_t k = 0; k < RIG_FRAME; k++)
		said[k] = (uint8_t)(k * 7 % 251);
	rig_feed(&rig, legs[0].leg, &phones[0], said, RIG_FRAME);
	feed_noise(0x2);
	rig_tick(&rig, &bus, &scratch);
	if (CHECK("came", phone_receive(&phones[3], RIG_WAIT_MS, &got, data)))
		CHECK("the caller's octets", memcmp(got.payload, said, RIG_FRAME) == 0);
	if (CHECK("came", phone_receive(&phones[1], RIG_WAIT_MS, &got, data)))
		CHECK("the coach hears them too", memcmp(got.payload, said, RIG_FRAME) == 0);
	if (CHECK("came", phone_receive(&phones[2], RIG_WAIT_MS, &got, data)))
		CHECK_INT("the agent hears both", got.csrc_count, 2);
	if (CHECK("came", phone_receive(&phones[0], RIG_WAIT_MS, &got, data)))
		CHECK("the caller hears nobody", got.csrc_count == 0 && got.payload[9] == 0xff);
	teardown();
}

static void who_finds_no_audience_hears_silence_until_there_is_one(void)
{
	int16_t got[RIG_FRAME];

	setup(BUS_AUDIENCES_MAX + 2);
	for (int i = 1; i < BUS_AUDIENCES_MAX; i++)
		group(i, (struct media_groups){1, (uint16_t)(1 | i << 1), 0});
	CHECK_INT("all in use", bus.audience_count, BUS_AUDIENCES_MAX);
	group(BUS_AUDIENCES_MAX, (struct media_groups){1, 0xffff, 0});
	CHECK_INT("none is left", legs[BUS_AUDIENCES_MAX].leg->audience, LEG_AUDIENCE_NONE);
	warm_up(0x1);
	feed_noise(0x1);
	bus_gather_rt(&bus, &scratch, &rig.env, 0);
	CHECK_INT("silence", bus_hear_rt(&bus, &scratch, legs[BUS_AUDIENCES_MAX].leg, got),
		  MEDIA_LEVEL_SILENT);
	for (int i = 0; i < leg_count; i++)
		CHECK("the others hear", i == BUS_AUDIENCES_MAX || hears_what_it_should(i));
	bus_deliver_rt(&bus, &scratch, &rig.env);
	next_tick();
	group(3, (struct media_groups){0});
	feed_noise(0x1);
	bus_gather_rt(&bus, &scratch, &rig.env, 0);
	CHECK("it hears by now", hears_what_it_should(BUS_AUDIENCES_MAX));
	bus_deliver_rt(&bus, &scratch, &rig.env);
	teardown();
}

/* Two audiences of G.722 are two streams; who changes sides takes its encoder along. */
static void a_stream_belongs_to_an_audience(void)
{
	setup(4);
	for (int i = 0; i < 4; i++) {
		struct media_leg_params params = rig_params(&phones[i]);
		struct kit_shape shape;
		struct kit *kit;

		params.send = (struct media_format){MEDIA_CODEC_G722, 9};
		shape = kit_shape(&params);
		if (kit_new(&shape, 0, &kit))
			CU_FAIL_FATAL("no kit");
		kit_free(bus_fit_rt(legs[i].leg, kit));
		leg_set_rt(legs[i].leg, &params, rig.env.now_ns);
	}
	group(2, (struct media_groups){1, 2, 0});
	group(3, (struct media_groups){1, 2, 0});
	warm_up(0);
	CHECK("one is shared", legs[0].leg->stream == legs[1].leg->stream);
	CHECK("so is the other", legs[2].leg->stream == legs[3].leg->stream);
	CHECK("they are two", legs[0].leg->stream != legs[2].leg->stream);
	group(3, (struct media_groups){0});
	rig_tick(&rig, &bus, &scratch);
	CHECK("it has gone over", legs[3].leg->stream == legs[0].leg->stream);
	CHECK("the lead stayed", bus.leads[legs[2].leg->stream] == legs[2].leg);
	teardown();
}

static uint32_t heard_legs(void)
{
	uint32_t heard = 0;

	for (int i = 0; i < leg_count; i++)
		heard |= (uint32_t)legs[i].leg->is_summed << i;
	return heard;
}

/* Who is left out is not in any sum, hears as silent listeners do, and shares their encode. */
static void only_the_loudest_are_heard(void)
{
	uint8_t data[RIG_PACKET_MAX];
	struct rtp_packet got[2];

	setup(10);
	atomic_store(&bus.loudest_max, 3);
	warm_up(0xff);
	for (int tick = 0; tick < 100; tick++) {
		feed_noise(0xff);
		bus_gather_rt(&bus, &scratch, &rig.env, 0);
		CHECK_INT("three", scratch.hearings[0].talkers, 3);
		CHECK_INT("are summed", __builtin_popcount(heard_legs()), 3);
		for (int i = 0; i < leg_count; i++)
			CHECK("the sum of those", hears_what_it_should(i));
		bus_deliver_rt(&bus, &scratch, &rig.env);
		io_flush_rt(rig.env.io);
		next_tick();
	}
	for (int i = 0; i < leg_count; i++)
		(void)phone_drain(&phones[i]);
	feed_noise(0xff);
	rig_tick(&rig, &bus, &scratch);
	for (int i = 0; i < 8; i++) {
		if (heard_legs() >> i & 1)
			continue;
		CHECK("it talks all the same", legs[i].leg->is_talking);
		if (CHECK("came", phone_receive(&phones[i], RIG_WAIT_MS, &got[0], data)))
			CHECK_INT("three contributors", got[0].csrc_count, 3);
	}
	atomic_store(&bus.loudest_max, 0);
	feed_noise(0xff);
	next_tick();
	bus_gather_rt(&bus, &scratch, &rig.env, 0);
	CHECK_INT("all again", scratch.hearings[0].talkers, 8);
	bus_deliver_rt(&bus, &scratch, &rig.env);
	teardown();
}

/* The noise of feed_noise has about -35 dBov. */
static void a_room_may_have_a_gate_of_its_own(void)
{
	static const struct {
		const char *row;
		uint8_t gate_dbov;
		uint32_t want;
	} cases[] = {{"the default", 0, 1}, {"below", 50, 1}, {"above", 25, 0}, {"off", 127, 1}};

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		setup(2);
		atomic_store(&bus.gate_dbov, cases[n].gate_dbov);
		warm_up(0x1);
		for (int tick = 0; tick < 30; tick++) {
			feed_noise(0x1);
			rig_tick(&rig, &bus, &scratch);
			next_tick();
		}
		CHECK_INT(cases[n].row, scratch.hearings[0].talkers, cases[n].want);
		CHECK("its level is known", legs[0].leg->stats.level_in < 45);
		teardown();
	}
}

void suite_bus_groups(void)
{
	CHECK_SUITE("bus_groups");
	CHECK_TEST(everybody_hears_whom_the_groups_say);
	CHECK_TEST(what_groups_are_for);
	CHECK_TEST(a_lone_talker_of_an_audience_passes_bit_exact);
	CHECK_TEST(who_finds_no_audience_hears_silence_until_there_is_one);
	CHECK_TEST(a_stream_belongs_to_an_audience);
	CHECK_TEST(only_the_loudest_are_heard);
	CHECK_TEST(a_room_may_have_a_gate_of_its_own);
}
