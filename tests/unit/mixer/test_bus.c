/* tests/unit/mixer/test_bus.c -- who hears what, to the sample. */
#include "mixer/bus.h"

#include <stdlib.h>
#include <string.h>

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

static void setup(int count, bool is_lounge)
{
	rig_init(&rig);
	bus_init(&bus, is_lounge, NULL);
	bus_scratch_init(&scratch);
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
	CHECK_INT("bus is empty", bus.leg_count, 0);
	rig_done(&rig);
}

static void next_tick(void)
{
	rig.env.now_ns += RIG_TICK_NS;
	io_begin_rt(rig.env.io, rig.env.now_ns);
}

static void use_codec(int leg, enum media_codec codec, uint8_t pt, uint16_t ptime_ms)
{
	struct media_leg_params params = rig_params(&phones[leg]);

	params.send = (struct media_format){codec, pt};
	params.ptime_ms = ptime_ms;
	leg_set_rt(legs[leg].leg, &params, rig.env.now_ns);
}

static void control(int leg, struct leg_control c)
{
	leg_control_rt(legs[leg].leg, &c);
}

#define UNITY KERNEL_GAIN_UNITY_Q14
#define NORMAL ((struct leg_control){false, false, UNITY, UNITY, {0}})

/* Every leg of `talkers` (a set of bits) says noise of its own, at `amplitude`. */
static void feed_noise(uint32_t talkers, int amplitude)
{
	for (int i = 0; i < leg_count; i++) {
		uint8_t payload[RIG_FRAME];

		if (!(talkers >> i & 1))
			continue;
		for (uint32_t k = 0; k < RIG_FRAME; k++) {
			int x = (int)random_below(&rig.random, 2 * (uint32_t)amplitude + 1);

			payload[k] = codec_ulaw_encode((int16_t)(x - amplitude));
		}
		rig_feed(&rig, legs[i].leg, &phones[i], payload, RIG_FRAME);
	}
}

static void warm_up(uint32_t talkers, int amplitude)
{
	for (int k = 0; k < 20; k++) {
		feed_noise(talkers, amplitude);
		rig_tick(&rig, &bus, &scratch);
		next_tick();
	}
	for (int i = 0; i < leg_count; i++)
		(void)phone_drain(&phones[i]);
}

/* What leg `me` should hear, from what the others said. */
static void others(int me, int32_t want[RIG_FRAME])
{
	memset(want, 0, RIG_FRAME * sizeof(want[0]));
	for (int i = 0; i < leg_count; i++)
		for (uint32_t k = 0; i != me && legs[i].leg->is_summed && k < RIG_FRAME; k++)
			want[k] += legs[i].leg->pcm[k];
}

static void everybody_hears_the_sum_minus_own(void)
{
	static const struct {
		const char *row;
		uint32_t talkers, want_talkers;
	} cases[] = {
		{"nobody", 0x0, 0}, {"one", 0x4, 1},          {"two", 0x41, 2},
		{"three", 0x83, 3}, {"all but one", 0xfe, 7}, {"all", 0xff, 8},
	};

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		setup(8, false);
		warm_up(cases[n].talkers, 2000);
		for (int tick = 0; tick < 20; tick++) {
			feed_noise(cases[n].talkers, 2000);
			bus_gather_rt(&bus, &scratch, &rig.env, 0);
			CHECK_INT(cases[n].row, scratch.hearings[0].talkers, cases[n].want_talkers);
			for (int i = 0; i < leg_count; i++) {
				int32_t want[RIG_FRAME];
				int16_t got[RIG_FRAME];
				bool is_same = true;

				others(i, want);
				(void)bus_hear_rt(&bus, &scratch, legs[i].leg, got);
				for (uint32_t k = 0; k < RIG_FRAME; k++)
					is_same &= got[k] == want[k];
				if (!CHECK(cases[n].row, is_same))
					break;
			}
			bus_deliver_rt(&bus, &scratch, &rig.env);
			next_tick();
		}
		teardown();
	}
}

/* The same sum on the wire: decoded, it is what the codec makes of the sum. */
static void the_wire_carries_the_mix(void)
{
	int16_t want[RIG_FRAME];
	uint8_t data[RIG_PACKET_MAX];
	struct rtp_packet got;

	setup(5, false);
	use_codec(4, MEDIA_CODEC_PCMA, 8, 20);
	warm_up(0x3, 3000);
	feed_noise(0x3, 3000);
	rig_tick(&rig, &bus, &scratch);
	for (uint32_t k = 0; k < RIG_FRAME; k++)
		want[k] = (int16_t)(legs[0].leg->pcm[k] + legs[1].leg->pcm[k]);
	for (int i = 0; i < 5; i++) {
		const int16_t *from = i == 0 ? legs[1].leg->pcm : i == 1 ? legs[0].leg->pcm : want;
		bool is_same = true;

		if (!CHECK("came", phone_receive(&phones[i], RIG_WAIT_MS, &got, data)))
			continue;
		CHECK_INT("length", got.payload_len, RIG_FRAME);
		CHECK_INT("payload type", got.payload_type, i == 4 ? 8 : 0);
		for (uint32_t k = 0; k < RIG_FRAME; k++)
			is_same &= got.payload[k] == (i == 4 ? codec_alaw_encode(from[k])
							     : codec_ulaw_encode(from[k]));
		CHECK("the mix", is_same);
	}
	teardown();
}

/* Octets of every value, both zeros of mu-law included, come out as they went in. */
static void a_lone_talker_passes_bit_exact(void)
{
	uint8_t said[3][RIG_FRAME], data[RIG_PACKET_MAX];
	struct rtp_packet got;
	uint32_t exact = 0;

	setup(3, false);
	use_codec(2, MEDIA_CODEC_PCMA, 8, 20);
	warm_up(0x1, 3000);
	for (int tick = 0; tick < 50; tick++) {
		for (uint32_t k = 0; k < RIG_FRAME; k++)
			said[tick % 3][k] = (uint8_t)(random_u32(&rig.random) | (k % 4 ? 0 : 0x7f));
		rig_feed(&rig, legs[0].leg, &phones[0], said[tick % 3], RIG_FRAME);
		rig_tick(&rig, &bus, &scratch);
		next_tick();
		if (CHECK("came", phone_receive(&phones[1], RIG_WAIT_MS, &got, data)))
			exact += memcmp(got.payload, said[tick % 3], RIG_FRAME) == 0;
		if (CHECK("came", phone_receive(&phones[2], RIG_WAIT_MS, &got, data)))
			CHECK("transcoded", got.payload[1] == codec_alaw_encode(codec_ulaw_decode(
								      said[tick % 3][1])));
		if (CHECK("came", phone_receive(&phones[0], RIG_WAIT_MS, &got, data)))
			CHECK("it hears nothing of itself",
			      got.payload[0] == 0xff && got.payload[RIG_FRAME - 1] == 0xff);
	}
	CHECK_INT("every packet", exact, 50);
	teardown();
}

/* Noise never passes a band of the digital full scale hard. */
static void loud_sums_are_limited(void)
{
	int16_t got[RIG_FRAME];
	uint32_t at_the_rail = 0;

	setup(12, false);
	warm_up(0x7ff, 20000);
	for (int tick = 0; tick < 20; tick++) {
		feed_noise(0x7ff, 20000);
		bus_gather_rt(&bus, &scratch, &rig.env, 0);
		(void)bus_hear_rt(&bus, &scratch, legs[11].leg, got);
		for (uint32_t k = 0; k < RIG_FRAME; k++) {
			at_the_rail += got[k] == INT16_MAX || got[k] == INT16_MIN;
			if ((scratch.hearings[0].mixes[0].sum[k] > 20000 && got[k] <= 0) ||
			    (scratch.hearings[0].mixes[0].sum[k] < -20000 && got[k] >= 0))
				CHECK("no wrap", false);
		}
		bus_deliver_rt(&bus, &scratch, &rig.env);
		next_tick();
	}
	CHECK("no hard clipping", at_the_rail < 20);
	teardown();
}

static void mute_deaf_and_gain(void)
{
	int16_t got[RIG_FRAME];
	uint8_t data[RIG_PACKET_MAX];
	struct rtp_packet packet;

	setup(4, false);
	warm_up(0x3, 2000);
	control(1, (struct leg_control){true, false, UNITY, UNITY, {0}});
	control(2, (struct leg_control){false, true, UNITY, UNITY, {0}});
	control(3, (struct leg_control){false, false, UNITY, 2 * UNITY, {0}});
	feed_noise(0x3, 2000);
	bus_gather_rt(&bus, &scratch, &rig.env, 0);
	CHECK_INT("a muted leg is not summed", scratch.hearings[0].talkers, 1);
	CHECK("its level is known all the same", legs[1].leg->stats.level_in < 40);
	CHECK_INT("deaf", bus_hear_rt(&bus, &scratch, legs[2].leg, got), MEDIA_LEVEL_SILENT);
	CHECK_INT("deaf", got[5], 0);
	(void)bus_hear_rt(&bus, &scratch, legs[3].leg, got);
	for (uint32_t k = 0; k < RIG_FRAME; k++)
		if (!CHECK_INT("twice as loud", got[k], 2 * legs[0].leg->pcm[k]))
			break;
	(void)bus_hear_rt(&bus, &scratch, legs[1].leg, got);
	CHECK("a muted leg hears", memcmp(got, legs[0].leg->pcm, sizeof(got)) == 0);
	bus_deliver_rt(&bus, &scratch, &rig.env);
	io_flush_rt(rig.env.io);
	if (CHECK("a deaf leg gets packets", phone_receive(&phones[2], RIG_WAIT_MS, &packet, data)))
		CHECK("of silence, without contributors",
		      packet.payload[7] == 0xff && packet.csrc_count == 0);
	CHECK_INT("level out", legs[2].leg->stats.level_out, MEDIA_LEVEL_SILENT);
	CHECK("level out", legs[3].leg->stats.level_out < legs[1].leg->stats.level_out);
	teardown();
}

static bool csrc_has(const struct rtp_packet *packet, uint32_t ssrc)
{
	for (uint8_t i = 0; i < packet->csrc_count; i++)
		if (packet->csrc[i] == ssrc)
			return true;
	return false;
}

static void contributors_are_listed(void)
{
	static const struct {
		const char *row;
		uint32_t talkers;
		uint8_t listener_count, talker_count;
	} cases[] = {
		{"none", 0, 0, 0},
		{"one", 0x1, 1, 0},
		{"three", 0x7, 3, 2},
		{"fifteen", 0x7fff, 15, 14},
		{"sixteen: a listener has room for fifteen", 0xffff, 15, 15},
		{"nineteen", 0x7ffff, 15, 15},
	};

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		uint8_t data[RIG_PACKET_MAX];
		struct rtp_packet got;

		setup(LEGS_MAX, false);
		warm_up(cases[n].talkers, 1000);
		feed_noise(cases[n].talkers, 1000);
		rig_tick(&rig, &bus, &scratch);
		if (CHECK("came", phone_receive(&phones[LEGS_MAX - 1], RIG_WAIT_MS, &got, data))) {
			CHECK_INT(cases[n].row, got.csrc_count, cases[n].listener_count);
			CHECK_INT(cases[n].row, csrc_has(&got, 100), cases[n].talkers & 1);
		}
		if (CHECK("came", phone_receive(&phones[0], RIG_WAIT_MS, &got, data))) {
			CHECK_INT(cases[n].row, got.csrc_count,
				  cases[n].talkers ? cases[n].talker_count : 0);
			CHECK(cases[n].row, !csrc_has(&got, 100));
		}
		teardown();
	}
}

/* How loud each of them is (RFC 6465), to who agreed on it. */
static void contributors_have_levels(void)
{
	uint8_t data[RIG_PACKET_MAX], len;
	const uint8_t *levels;
	struct rtp_packet got;

	setup(4, false);
	legs[0].leg->mix_ext = legs[3].leg->mix_ext = 9;
	warm_up(0x7, 1000);
	feed_noise(0x7, 1000);
	rig_tick(&rig, &bus, &scratch);
	if (CHECK("came", phone_receive(&phones[3], RIG_WAIT_MS, &got, data))) {
		levels = rtp_ext_find(&got, 9, &len);
		CHECK_INT("three of them", got.csrc_count, 3);
		if (CHECK("there", levels != NULL) && CHECK_INT("one each", len, 3))
			for (uint8_t i = 0; i < len; i++)
				CHECK_INT("level", levels[i], legs[i].leg->frame.level);
	}
	if (CHECK("came", phone_receive(&phones[0], RIG_WAIT_MS, &got, data))) {
		levels = rtp_ext_find(&got, 9, &len);
		if (CHECK("a talker has the others'", levels != NULL) && CHECK_INT("two", len, 2))
			CHECK_INT("level", levels[1], legs[2].leg->frame.level);
	}
	if (CHECK("came", phone_receive(&phones[1], RIG_WAIT_MS, &got, data)))
		CHECK("not agreed on", got.ext == NULL && got.csrc_count == 2);
	teardown();
}

/* Two phones chose the same SSRC: one of them hears the other all the same. */
static void contributors_of_one_number(void)
{
	uint8_t data[RIG_PACKET_MAX];
	struct rtp_packet got;

	setup(3, false);
	phones[1].ssrc = phones[0].ssrc;
	warm_up(0x3, 1000);
	feed_noise(0x3, 1000);
	rig_tick(&rig, &bus, &scratch);
	if (CHECK("came", phone_receive(&phones[0], RIG_WAIT_MS, &got, data)))
		CHECK("the other", got.csrc_count == 1 && got.csrc[0] == 100);
	if (CHECK("came", phone_receive(&phones[2], RIG_WAIT_MS, &got, data)))
		CHECK_INT("both", got.csrc_count, 2);
	teardown();
}

/* Legs in no room send silence and hear none of each other. */
static void a_lounge_is_silent(void)
{
	uint8_t data[RIG_PACKET_MAX];
	struct rtp_packet got;

	setup(2, true);
	warm_up(0x3, 3000);
	feed_noise(0x3, 3000);
	rig_tick(&rig, &bus, &scratch);
	CHECK_INT("nothing is summed", scratch.hearings[0].talkers, 0);
	CHECK("the level is known", legs[0].leg->stats.level_in < 40);
	if (CHECK("came", phone_receive(&phones[0], RIG_WAIT_MS, &got, data)))
		CHECK("silence", got.payload[0] == 0xff && got.payload[80] == 0xff);
	teardown();
}

/* Listeners of 10, 20, 30, 40 and 60 ms hear the same sound. */
static void every_ptime_carries_the_same_sound(void)
{
	static const uint16_t ptimes[] = {20, 10, 30, 40, 60};
	enum { TICKS = 12, OCTETS = TICKS * RIG_FRAME };
	uint8_t heard[ARRAY_LEN(ptimes)][OCTETS], data[RIG_PACKET_MAX];

	setup(1 + ARRAY_LEN(ptimes), false);
	warm_up(0x1, 3000);
	for (size_t i = 0; i < ARRAY_LEN(ptimes); i++)
		use_codec(1 + (int)i, MEDIA_CODEC_PCMU, 0, ptimes[i]);
	for (int tick = 0; tick < TICKS; tick++) {
		feed_noise(0x1, 3000);
		rig_tick(&rig, &bus, &scratch);
		next_tick();
	}
	for (size_t i = 0; i < ARRAY_LEN(ptimes); i++) {
		size_t len = 0;
		struct rtp_packet got;

		while (len < OCTETS && phone_receive(&phones[1 + i], RIG_WAIT_MS, &got, data)) {
			CHECK_INT("length", got.payload_len, ptimes[i] * 8);
			memcpy(heard[i] + len, got.payload, got.payload_len);
			len += got.payload_len;
		}
		CHECK_INT("all of it", len, OCTETS);
		CHECK("the same", memcmp(heard[i], heard[0], OCTETS) == 0);
	}
	teardown();
}

/* Everybody in the room sends and gets packets of another length, all talk, and each hears the four
 * others and not itself. */
static void talkers_of_every_ptime_are_heard(void)
{
	static const uint16_t ptimes[] = {10, 20, 30, 40, 60};
	static const double tones[] = {400, 700, 1100, 1700, 2300};
	enum { COUNT = ARRAY_LEN(ptimes), TICKS = 180, FROM = 120 };
	static uint8_t said[COUNT][TICKS * RIG_FRAME];
	static int16_t heard[COUNT][(TICKS + 3) * RIG_FRAME];
	uint32_t samples[COUNT] = {0}, sent_ms[COUNT] = {0};
	uint8_t data[RIG_PACKET_MAX];
	struct rtp_packet got;

	setup(COUNT, false);
	for (int i = 0; i < COUNT; i++) {
		use_codec(i, MEDIA_CODEC_PCMU, 0, ptimes[i]);
		for (uint32_t at = 0; at < TICKS; at++)
			tone_ulaw(tones[i], 4000, at * RIG_FRAME, said[i] + at * RIG_FRAME);
	}
	for (uint32_t tick = 0; tick < TICKS; tick++) {
		for (int i = 0; i < COUNT; i++) {
			for (; sent_ms[i] + ptimes[i] <= (tick + 1) * LEG_TICK_MS;
			     sent_ms[i] += ptimes[i]) {
				rig_feed(&rig, legs[i].leg, &phones[i], said[i] + sent_ms[i] * 8,
					 (uint16_t)(ptimes[i] * 8));
			}
		}
		rig_tick(&rig, &bus, &scratch);
		next_tick();
		for (int i = 0; i < COUNT; i++)
			while (phone_receive(&phones[i], 0, &got, data)) {
				CHECK_INT("length", got.payload_len, ptimes[i] * 8);
				for (uint32_t k = 0; k < got.payload_len; k++)
					heard[i][samples[i]++] = codec_ulaw_decode(got.payload[k]);
			}
	}
	for (int i = 0; i < COUNT; i++)
		for (int k = 0; k < COUNT; k++)
			CHECK_INT("hears",
				  tone_share(heard[i] + FROM * RIG_FRAME, 50 * RIG_FRAME,
					     tones[k]) > 0.1,
				  i != k);
	teardown();
}

void suite_bus(void)
{
	CHECK_SUITE("bus");
	CHECK_TEST(everybody_hears_the_sum_minus_own);
	CHECK_TEST(the_wire_carries_the_mix);
	CHECK_TEST(a_lone_talker_passes_bit_exact);
	CHECK_TEST(loud_sums_are_limited);
	CHECK_TEST(mute_deaf_and_gain);
	CHECK_TEST(contributors_are_listed);
	CHECK_TEST(contributors_have_levels);
	CHECK_TEST(contributors_of_one_number);
	CHECK_TEST(a_lounge_is_silent);
	CHECK_TEST(every_ptime_carries_the_same_sound);
	CHECK_TEST(talkers_of_every_ptime_are_heard);
}
