/* tests/unit/mixer/test_spread.c -- a room on several workers sounds as on one, to the sample. */
#include "mixer/spread.h"

#include <stdlib.h>
#include <string.h>

#include "mixer/kernel.h"
#include "mixer/play.h"
#include "tests/support/check.h"
#include "tests/unit/mixer/rig.h"

enum { LEGS = 12, PARTS_MAX = 3, TICKS = 120, SETTLE_TICKS = 4, PT = 100 };

/* What a run is like. Everything random in it comes from one seed. */
struct scenario {
	const char *name;
	int amplitude;
	uint8_t loudest;
	bool has_changes; /* of groups, now and then */
};

static struct rig rig;
static struct phone phones[LEGS];
static struct rig_leg legs[LEGS];
static struct bus buses[PARTS_MAX];
static struct spread_seat *seats[PARTS_MAX];
static struct spread *spread;
static struct bus_scratch scratch;
static int parts; /* 1: no seats */

/* What each leg heard in each tick. */
static uint64_t heard[2][TICKS][LEGS];

static const enum media_codec codecs[] = {MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMU, MEDIA_CODEC_L16_16K,
					  MEDIA_CODEC_PCMA, MEDIA_CODEC_L16_48K};

static enum media_codec codec_of(int i)
{
	return codecs[i % (int)ARRAY_LEN(codecs)];
}

static void leg_fit(int i)
{
	struct media_leg_params params = rig_params(&phones[i]);
	struct kit_shape shape;
	struct kit *kit;

	params.receive[0] = params.send = (struct media_format){codec_of(i), PT};
	params.receive_count = 1;
	params.ptime_ms = codec_of(i) == MEDIA_CODEC_L16_48K ? 10 : 20;
	phones[i].pt = PT;
	shape = kit_shape(&params);
	if (kit_new(&shape, 0, &kit))
		CU_FAIL_FATAL("no kit");
	kit_free(bus_fit_rt(legs[i].leg, kit));
	leg_set_rt(legs[i].leg, &params, rig.env.now_ns);
}

static void setup(const struct scenario *scenario)
{
	rig_init(&rig);
	bus_scratch_init(&scratch);
	if (parts > 1 && spread_new(0, &spread))
		CU_FAIL_FATAL("no spread");
	for (int k = 0; k < parts; k++) {
		bus_init(&buses[k], false, NULL);
		atomic_store(&buses[k].loudest_max, scenario->loudest);
		if (parts == 1)
			continue;
		if (spread_seat_new(spread, &seats[k]))
			CU_FAIL_FATAL("no seat");
		seats[k]->bus = &buses[k];
		buses[k].seat = seats[k];
	}
	for (int i = 0; i < LEGS; i++) {
		phone_open(&phones[i], 100 + (uint32_t)i);
		legs[i] = rig_leg_open(&rig);
		leg_fit(i);
		bus_add_rt(&buses[i % parts], legs[i].leg);
		leg_begin_rt(legs[i].leg, &rig.env);
	}
}

static void teardown(void)
{
	for (int i = 0; i < LEGS; i++) {
		bus_remove_rt(&buses[i % parts], legs[i].leg);
		rig_leg_close(&rig, &legs[i]);
		phone_close(&phones[i]);
	}
	spread = spread_free(spread);
	rig_done(&rig);
}

static void feed(uint32_t talkers, int amplitude)
{
	for (int i = 0; i < LEGS; i++)
		if (talkers >> i & 1)
			rig_feed_noise(&rig, legs[i].leg, &phones[i], codec_find(codec_of(i)),
				       amplitude);
}

static void change(void)
{
	static const struct media_groups choices[] = {
		{1, 1, 0}, {2, 1, 0}, {1, 3, 0}, {3, 0xffff, 2}, {4, 7, 0}};
	struct leg_control control = {.gain_in_q14 = KERNEL_GAIN_UNITY_Q14,
				      .gain_out_q14 = KERNEL_GAIN_UNITY_Q14};
	int i = (int)random_below(&rig.random, LEGS);

	control.groups = choices[random_below(&rig.random, ARRAY_LEN(choices))];
	bus_control_rt(legs[i].leg, &control);
}

static uint64_t digest(const int16_t *pcm, uint32_t samples)
{
	uint64_t hash = 14695981039346656037u;

	for (uint32_t k = 0; k < samples; k++)
		hash = (hash ^ (uint16_t)pcm[k]) * 1099511628211u;
	return hash;
}

static void hear(uint64_t ret_heard[LEGS])
{
	for (int i = 0; i < LEGS; i++) {
		struct leg *leg = legs[i].leg;
		int16_t pcm[LEG_SAMPLES_MAX];
		struct limiter before = leg->limiter; /* delivering will use it again */

		(void)bus_hear_rt(leg->bus, parts == 1 ? &scratch : &leg->bus->seat->scratch, leg,
				  pcm);
		leg->limiter = before;
		ret_heard[i] = digest(pcm, leg_rate_samples(leg->send_rate));
	}
}

static void tick(uint64_t number, uint64_t ret_heard[LEGS])
{
	if (parts == 1) {
		bus_gather_rt(&buses[0], &scratch, &rig.env, 0);
		hear(ret_heard);
		bus_deliver_rt(&buses[0], &scratch, &rig.env);
		io_flush_rt(rig.env.io);
	} else {
		for (int k = 0; k < parts; k++)
			spread_gather_rt(seats[k], &rig.env, number, 0);
		for (int k = parts - 1; k >= 0; k--)
			spread_meet_rt(seats[k]);
		hear(ret_heard);
		for (int k = 0; k < parts; k++)
			spread_deliver_rt(seats[k], &rig.env);
	}
	rig.env.now_ns += RIG_TICK_NS;
	io_begin_rt(rig.env.io, rig.env.now_ns);
	for (int i = 0; i < LEGS; i++)
		(void)phone_drain(&phones[i]);
}

static void play(const struct scenario *scenario, int part_count, uint64_t out[TICKS][LEGS])
{
	uint32_t talkers = 0xfff;

	parts = part_count;
	setup(scenario);
	for (int t = 0; t < TICKS; t++) {
		if (t % 10 == 5)
			talkers = random_u32(&rig.random) & random_u32(&rig.random);
		if (scenario->has_changes && t % 10 == 9)
			change();
		feed(talkers, scenario->amplitude);
		tick((uint64_t)t + 1, out[t]);
	}
	for (int k = 0; k < parts && parts > 1; k++)
		CHECK_INT("nobody missed anything", seats[k]->missed, 0);
	teardown();
}

/* A new audience or rate is told to the others in its first tick: after a change the sound is the
 * same again once resamplers have forgotten that. */
static void as_on_one_worker(void)
{
	static const struct scenario scenarios[] = {
		{"quiet", 900, 0, false},
		{"loud enough for the limiters", 15000, 0, false},
		{"the three loudest", 900, 3, false},
		{"groups that change", 900, 0, true},
		{"groups, and the loudest", 900, 4, true},
	};

	for (size_t n = 0; n < ARRAY_LEN(scenarios); n++) {
		play(&scenarios[n], 1, heard[0]);
		for (int k = 2; k <= PARTS_MAX; k++) {
			uint32_t sounds = 0;

			play(&scenarios[n], k, heard[1]);
			for (int t = SETTLE_TICKS; t < TICKS; t++) {
				if (scenarios[n].has_changes && t >= 9 &&
				    (t - 9) % 10 < SETTLE_TICKS)
					continue;
				for (int i = 0; i < LEGS; i++)
					CHECK_INT(scenarios[n].name, heard[0][t][i],
						  heard[1][t][i]);
				sounds += heard[0][t][0] != heard[0][t - 1][0];
			}
			CHECK("there is something to hear", sounds > TICKS / 3);
		}
	}
}

/* A lone talker of another part passes as its phone has sent it. */
static void a_lone_talker_passes_bit_exact(void)
{
	static const struct scenario plain = {"plain", 900, 0, false};
	uint8_t said[RIG_FRAME], data[RIG_PACKET_MAX];
	uint64_t ignored[LEGS];
	struct rtp_packet got;

	parts = 2;
	setup(&plain);
	for (uint64_t t = 1; t < 30; t++) {
		tone_ulaw(400, 900, t * RIG_FRAME, said);
		rig_feed(&rig, legs[0].leg, &phones[0], said, RIG_FRAME);
		tick(t, ignored);
	}
	for (uint32_t k = 0; k < RIG_FRAME; k++)
		said[k] = (uint8_t)(k * 7 % 251);
	rig_feed(&rig, legs[0].leg, &phones[0], said, RIG_FRAME);
	for (int k = 0; k < 2; k++)
		spread_gather_rt(seats[k], &rig.env, 30, 0);
	for (int k = 0; k < 2; k++)
		spread_meet_rt(seats[k]);
	for (int k = 0; k < 2; k++)
		spread_deliver_rt(seats[k], &rig.env);
	if (CHECK("came", phone_receive(&phones[1], RIG_WAIT_MS, &got, data))) {
		CHECK("its octets", memcmp(got.payload, said, RIG_FRAME) == 0);
		CHECK("its number", got.csrc_count == 1 && got.csrc[0] == 100);
	}
	teardown();
}

/* How loud a leg of PCMU hears the room. */
static int loudness(int leg)
{
	int16_t pcm[LEG_SAMPLES_MAX];
	int peak = 0;

	(void)bus_hear_rt(legs[leg].leg->bus, &legs[leg].leg->bus->seat->scratch, legs[leg].leg,
			  pcm);
	for (int k = 0; k < RIG_FRAME; k++)
		peak = MAX_OF(peak, abs(pcm[k]));
	return peak;
}

/* A play of the home lowers who talks in every part, and each part's own share with it. */
static void ducking_reaches_all_parts(void)
{
	static const struct media_sound pause = {.kind = MEDIA_SOUND_PAUSE, .ms = 60000};
	static const int listeners[] = {0, 5, 6, 10}; /* PCMU, in parts 0, 2, 0 and 1 */
	uint64_t number = 1;
	struct player *player = NULL;
	struct files *files = NULL;
	struct play *silence = NULL;

	parts = 3;
	setup(&(struct scenario){.amplitude = 0});
	CHECK_INT("files", files_new(&files), 0);
	CHECK_INT("player",
		  player_new(files,
			     &(struct player_params){
				     .sounds = &pause, .sound_count = 1, .rate_hz = 8000},
			     &player),
		  0);
	CHECK_INT("play", play_new(player, &silence), 0);
	silence->duck_q14 = kernel_gain_q14(-2000);
	silence->sound.bus = &buses[0];
	for (; number <= 30; number++) {
		if (number == 10)
			sound_begin_rt(&silence->sound);
		for (int k = 0; k < 2; k++) { /* legs 1 and 11 talk: parts 1 and 2 */
			uint8_t frame[RIG_FRAME];

			tone_ulaw(400, 8000, number * RIG_FRAME, frame);
			if (codec_of(k ? 11 : 1) == MEDIA_CODEC_PCMU)
				rig_feed(&rig, legs[k ? 11 : 1].leg, &phones[k ? 11 : 1], frame,
					 RIG_FRAME);
		}
		for (int k = 0; k < parts; k++)
			spread_gather_rt(seats[k], &rig.env, number, 0);
		for (int k = 0; k < parts; k++)
			spread_meet_rt(seats[k]);
		for (size_t k = 0; k < ARRAY_LEN(listeners) && (number == 9 || number == 30); k++) {
			int loud = loudness(listeners[k]);

			CHECK("before", number != 9 || loud > 14000);
			CHECK("20 dB down", number != 30 || (loud > 1400 && loud < 1800));
		}
		CHECK("its own share is as low", number < 30 || loudness(1) < 900);
		for (int k = 0; k < parts; k++)
			spread_deliver_rt(seats[k], &rig.env);
		rig.env.now_ns += RIG_TICK_NS;
		io_begin_rt(rig.env.io, rig.env.now_ns);
		for (int i = 0; i < LEGS; i++)
			(void)phone_drain(&phones[i]);
	}
	list_remove(&silence->sound.node);
	play_free(silence);
	files_free(files);
	teardown();
}

/* What a leg of PCMU hears in this tick, behind what it heard before. */
static uint32_t hear_on(int leg, int16_t *pcm, uint32_t count)
{
	(void)bus_hear_rt(legs[leg].leg->bus, &legs[leg].leg->bus->seat->scratch, legs[leg].leg,
			  pcm + count);
	return count + RIG_FRAME;
}

static void deliver_all(void)
{
	for (int k = 0; k < parts; k++)
		spread_deliver_rt(seats[k], &rig.env);
	rig.env.now_ns += RIG_TICK_NS;
	io_begin_rt(rig.env.io, rig.env.now_ns);
	for (int i = 0; i < LEGS; i++)
		(void)phone_drain(&phones[i]);
}

/* One tick in which leg 1 speaks, and leg 0 listens; its part may come too late for part 0. */
static uint32_t tick_with_tone(uint64_t number, bool is_late, int16_t *pcm, uint32_t count)
{
	uint8_t frame[RIG_FRAME];

	tone_ulaw(412, 8000, number * RIG_FRAME, frame); /* no whole number of periods in a frame */
	rig_feed(&rig, legs[1].leg, &phones[1], frame, RIG_FRAME);
	spread_gather_rt(seats[0], &rig.env, number, 0);
	if (!is_late)
		spread_gather_rt(seats[1], &rig.env, number, 0);
	spread_meet_rt(seats[0]);
	count = hear_on(0, pcm, count);
	if (is_late)
		spread_gather_rt(seats[1], &rig.env, number, 0);
	spread_meet_rt(seats[1]);
	deliver_all();
	return count;
}

/* One tick, two in a row and every other one: no step in what is heard is higher than those of the
 * tone itself, and what is not missed is whole. */
static void what_is_missed_is_no_click(void)
{
	enum { TICKS_HEARD = 30, FIRST = 16 };
	static const struct {
		const char *name;
		uint64_t late[4];
	} cases[] = {
		{"one tick", {FIRST}},
		{"two ticks", {FIRST, FIRST + 1}},
		{"three ticks", {FIRST, FIRST + 1, FIRST + 2}},
		{"every other tick", {FIRST, FIRST + 2, FIRST + 4, FIRST + 6}},
	};
	int16_t pcm[TICKS_HEARD * RIG_FRAME];

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		uint32_t count = 0, missed = 0;
		int step_plain = 0, step_max = 0;

		parts = 2;
		setup(&(struct scenario){.amplitude = 0});
		for (uint64_t t = 1; t <= TICKS_HEARD; t++) {
			bool is_late = false;

			for (int k = 0; k < 4; k++)
				is_late |= cases[n].late[k] == t;
			missed += is_late;
			count = tick_with_tone(t, is_late, pcm, count);
		}
		CHECK_INT(cases[n].name, seats[0]->missed, missed);
		for (uint32_t k = 8 * RIG_FRAME; k < count; k++) {
			int step = abs(pcm[k] - pcm[k - 1]);

			if (k < (FIRST - 1) * RIG_FRAME)
				step_plain = MAX_OF(step_plain, step);
			step_max = MAX_OF(step_max, step);
		}
		CHECK("it is a tone", step_plain > 2000);
		CHECK(cases[n].name, step_max <= step_plain + step_plain / 8);
		CHECK("as loud as before",
		      tone_share(pcm + 25 * RIG_FRAME, 5 * RIG_FRAME, 412) > 0.95);
		teardown();
	}
}

/* A part that is late is left out and counted, and the next tick is whole. */
static void who_is_late_is_left_out(void)
{
	static const struct scenario plain = {"plain", 900, 0, false};
	uint64_t ignored[LEGS];

	parts = 2;
	setup(&plain);
	for (uint64_t t = 1; t < 30; t++) {
		feed(0x3, 900);
		tick(t, ignored);
	}
	feed(0x3, 900);
	spread_gather_rt(seats[0], &rig.env, 30, 0);
	CHECK("it is waited for", !spread_is_complete_rt(seats[0], false));
	spread_meet_rt(seats[0]);
	CHECK("not so long any more",
	      spread_is_complete_rt(seats[0], false) && !spread_is_complete_rt(seats[0], true));
	CHECK_INT("missed", seats[0]->missed, 1);
	CHECK_INT("its own, and an echo of the other", seats[0]->scratch.hearings[0].talkers, 2);
	spread_deliver_rt(seats[0], &rig.env);
	spread_gather_rt(seats[1], &rig.env, 30, 0);
	spread_meet_rt(seats[1]);
	CHECK_INT("who is late misses nothing", seats[1]->missed, 0);
	CHECK_INT("both are there", seats[1]->scratch.hearings[0].talkers, 2);
	spread_deliver_rt(seats[1], &rig.env);
	rig.env.now_ns += RIG_TICK_NS;
	io_begin_rt(rig.env.io, rig.env.now_ns);
	feed(0x3, 900);
	tick(31, ignored);
	CHECK_INT("whole again", seats[0]->scratch.hearings[0].talkers, 2);
	CHECK_INT("and not missed", seats[0]->missed, 1);
	teardown();
}

void suite_spread(void)
{
	CHECK_SUITE("spread");
	CHECK_TEST(as_on_one_worker);
	CHECK_TEST(a_lone_talker_passes_bit_exact);
	CHECK_TEST(ducking_reaches_all_parts);
	CHECK_TEST(who_is_late_is_left_out);
	CHECK_TEST(what_is_missed_is_no_click);
}
