/* tests/unit/mixer/test_bus_rates.c -- rooms of several sample rates, and streams that listeners
 * of a codec with a memory share. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "mixer/bus.h"
#include "mixer/kernel.h"
#include "tests/support/check.h"
#include "tests/unit/mixer/rig.h"

enum { LEGS_MAX = BUS_STREAMS_MAX + 2, PT = 100 };

static struct rig rig;
static struct bus bus;
static struct bus_scratch scratch;
static struct phone phones[LEGS_MAX];
static struct rig_leg legs[LEGS_MAX];
static enum media_codec codecs[LEGS_MAX];
static int leg_count;

static void fit(int i, enum media_codec codec, uint16_t ptime_ms)
{
	struct media_leg_params params = rig_params(&phones[i]);
	struct kit_shape shape;
	struct kit *kit;

	codecs[i] = codec;
	params.receive[0] = params.send = (struct media_format){codec, PT};
	params.receive_count = 1;
	params.ptime_ms = ptime_ms;
	phones[i].pt = PT;
	shape = kit_shape(&params);
	if (kit_new(&shape, 0, &kit))
		CU_FAIL_FATAL("no kit");
	kit_free(bus_fit_rt(legs[i].leg, kit));
	leg_set_rt(legs[i].leg, &params, rig.env.now_ns);
}

static void setup(const enum media_codec *which, int count)
{
	rig_init(&rig);
	bus_init(&bus, false, NULL);
	bus_scratch_init(&scratch);
	leg_count = count;
	for (int i = 0; i < count; i++) {
		phone_open(&phones[i], 100 + (uint32_t)i);
		legs[i] = rig_leg_open(&rig);
		fit(i, which[i], 20);
		bus_add_rt(&bus, legs[i].leg);
		leg_begin_rt(legs[i].leg, &rig.env);
	}
}

static void teardown(void)
{
	for (int i = 0; i < leg_count; i++) {
		if (legs[i].leg->bus)
			bus_remove_rt(&bus, legs[i].leg);
		rig_leg_close(&rig, &legs[i]);
		phone_close(&phones[i]);
	}
	for (int i = 0; i < BUS_STREAMS_MAX; i++)
		CHECK("no stream without legs", bus.leads[i] == NULL);
	rig_done(&rig);
}

static void next_tick(void)
{
	rig.env.now_ns += RIG_TICK_NS;
	io_begin_rt(rig.env.io, rig.env.now_ns);
}

static void feed_noise(uint32_t talkers, int amplitude)
{
	for (int i = 0; i < leg_count; i++)
		if (talkers >> i & 1)
			rig_feed_noise(&rig, legs[i].leg, &phones[i], codec_find(codecs[i]),
				       amplitude);
}

/* What each leg says at each rate, by resamplers of the test's own. */
static struct {
	struct resample state[LEG_RATES];
	bool is_begun;
	int16_t pcm[LEG_RATES][LEG_SAMPLES_MAX];
} said[LEGS_MAX];

static void said_make(void)
{
	for (int i = 0; i < leg_count; i++) {
		const struct leg *leg = legs[i].leg;
		uint8_t native = leg_rate(codec_find(codecs[i])->sample_hz);

		if (!leg->is_summed) {
			said[i].is_begun = false;
			continue;
		}
		for (uint8_t rate = 0; rate < LEG_RATES; rate++) {
			if (rate == native) {
				memcpy(said[i].pcm[rate], leg->pcm, leg->frame.samples * 2);
				continue;
			}
			if (!said[i].is_begun)
				resample_begin_rt(&said[i].state[rate], leg_rate_hz(native),
						  leg_rate_hz(rate));
			(void)resample_rt(&said[i].state[rate], leg->pcm, leg->frame.samples,
					  said[i].pcm[rate]);
		}
		said[i].is_begun = true;
	}
}

static bool hears_the_others(int me)
{
	uint8_t rate = leg_rate(codec_find(codecs[me])->sample_hz);
	int16_t got[LEG_SAMPLES_MAX];

	(void)bus_hear_rt(&bus, &scratch, legs[me].leg, got);
	for (uint32_t k = 0; k < leg_rate_samples(rate); k++) {
		int32_t want = 0;

		for (int i = 0; i < leg_count; i++)
			if (i != me && legs[i].leg->is_summed)
				want += said[i].pcm[rate][k];
		if (got[k] != want)
			return false;
	}
	return true;
}

static void everybody_hears_the_sum_minus_own_at_every_rate(void)
{
	static const enum media_codec which[] = {MEDIA_CODEC_PCMU,    MEDIA_CODEC_PCMU,
						 MEDIA_CODEC_L16_16K, MEDIA_CODEC_L16_16K,
						 MEDIA_CODEC_L16_48K, MEDIA_CODEC_L16_48K};
	static const uint32_t talkers[] = {0x00, 0x01, 0x04, 0x10, 0x15, 0x2a, 0x3e, 0x3f};

	for (size_t n = 0; n < ARRAY_LEN(talkers); n++) {
		uint32_t wrong = 0, spoke = 0;

		memset(said, 0, sizeof(said));
		setup(which, ARRAY_LEN(which));
		for (int tick = 0; tick < 40; tick++) {
			feed_noise(talkers[n], 2000);
			bus_gather_rt(&bus, &scratch, &rig.env, 0);
			said_make();
			for (int i = 0; i < leg_count; i++) {
				wrong += !hears_the_others(i);
				spoke += legs[i].leg->is_summed;
			}
			bus_deliver_rt(&bus, &scratch, &rig.env);
			io_flush_rt(rig.env.io);
			next_tick();
		}
		CHECK_INT("to the sample", wrong, 0);
		CHECK("they were heard", (spoke > 30) == (talkers[n] != 0));
		CHECK_INT("all rates", bus.audiences[0].rates, 7);
		teardown();
	}
}

/* A room of G.711 knows one rate; a wideband listener makes the second, and takes it along. */
static void only_rates_in_use_are_summed(void)
{
	static const enum media_codec which[] = {MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA,
						 MEDIA_CODEC_L16_16K};

	setup(which, ARRAY_LEN(which));
	feed_noise(1, 2000);
	rig_tick(&rig, &bus, &scratch);
	CHECK_INT("8 and 16 kHz", bus.audiences[0].rates, 3);
	bus_remove_rt(&bus, legs[2].leg);
	for (int tick = 0; tick < 3; tick++) {
		next_tick();
		feed_noise(1, 2000);
		rig_tick(&rig, &bus, &scratch);
	}
	CHECK_INT("8 kHz", scratch.hearings[0].rates, 1);
	CHECK_INT("nobody was resampled", legs[0].leg->resampled, 0);
	teardown();
}

/* The last packet that phone i got; its length, 0: none. */
static uint16_t heard(int i, uint8_t out[RIG_PACKET_MAX])
{
	uint8_t data[RIG_PACKET_MAX];
	struct rtp_packet got;
	uint16_t len = 0;

	while (phone_receive(&phones[i], len ? 0 : RIG_WAIT_MS, &got, data)) {
		len = got.payload_len;
		memcpy(out, got.payload, len);
	}
	return len;
}

/* An encoder of the test's own, fed with the mix of 16 kHz. */
static void *reference;

static bool is_reference(int i)
{
	const struct codec *g722 = codec_find(MEDIA_CODEC_G722);
	uint8_t want[160], got[RIG_PACKET_MAX];

	CHECK_INT("reference",
		  g722->encode_rt(reference, scratch.hearings[0].mixes[1].pcm, 320, want,
				  sizeof(want)),
		  160);
	return heard(i, got) == 160 && memcmp(want, got, 160) == 0;
}

static void tick(uint32_t talkers)
{
	next_tick();
	feed_noise(talkers, 2000);
	rig_tick(&rig, &bus, &scratch);
}

/* Listener 3 hears one unbroken stream, whoever lends it an encoder. */
static void a_stream_survives_its_lead(void)
{
	static const enum media_codec which[] = {MEDIA_CODEC_PCMU, MEDIA_CODEC_G722,
						 MEDIA_CODEC_G722, MEDIA_CODEC_G722};
	const struct codec *g722 = codec_find(MEDIA_CODEC_G722);
	uint8_t a[RIG_PACKET_MAX], b[RIG_PACKET_MAX];
	uint32_t wrong = 0;

	setup(which, ARRAY_LEN(which));
	reference = calloc(1, g722->encoder_size());
	g722->encoder_init(reference, NULL);
	for (int k = 0; k < 10; k++) {
		tick(1);
		wrong += !is_reference(3);
	}
	CHECK("1 lends it", bus.leads[0] == legs[1].leg && legs[3].leg->stream == 0);
	CHECK("1 and 2 heard the same", heard(1, a) == heard(2, b) && memcmp(a, b, 160) == 0);
	legs[1].leg->control.gain_out_q14 = 2 * KERNEL_GAIN_UNITY_Q14;
	for (int k = 0; k < 10; k++) {
		tick(1);
		wrong += !is_reference(3);
	}
	CHECK("2 lends it", bus.leads[0] == legs[2].leg);
	CHECK_INT("1 hears its own", legs[1].leg->stream, LEG_STREAM_NONE);
	bus_remove_rt(&bus, legs[2].leg);
	for (int k = 0; k < 10; k++) {
		tick(1);
		wrong += !is_reference(3);
	}
	CHECK("3 lends it", bus.leads[0] == legs[3].leg);
	CHECK_INT("unbroken", wrong, 0);
	legs[1].leg->control.gain_out_q14 = KERNEL_GAIN_UNITY_Q14;
	for (int k = 0; k < LEG_PRIVATE_MS / 20 + 2; k++)
		tick(1);
	CHECK_INT("1 is back", legs[1].leg->stream, 0);
	free(reference);
	teardown();
}

/* Who begins to talk takes the encoder's past along: its peer hears no break. */
static void a_talker_takes_the_past_along(void)
{
	static const enum media_codec which[] = {MEDIA_CODEC_PCMU, MEDIA_CODEC_G722,
						 MEDIA_CODEC_G722};
	const struct codec *g722 = codec_find(MEDIA_CODEC_G722);
	uint8_t want[160], got[RIG_PACKET_MAX];

	setup(which, ARRAY_LEN(which));
	reference = calloc(1, g722->encoder_size());
	g722->encoder_init(reference, NULL);
	for (int k = 0; k < 10; k++) {
		tick(1);
		CHECK("shared", is_reference(2));
	}
	legs[2].leg->control.gain_out_q14 = KERNEL_GAIN_UNITY_Q14 / 2;
	tick(1);
	for (uint32_t i = 0; i < 320; i++)
		scratch.hearings[0].mixes[1].pcm[i] =
			(int16_t)((scratch.hearings[0].mixes[1].pcm[i] + 1) >> 1);
	(void)g722->encode_rt(reference, scratch.hearings[0].mixes[1].pcm, 320, want, sizeof(want));
	CHECK("goes on", heard(2, got) == 160 && memcmp(want, got, 160) == 0);
	free(reference);
	teardown();
}

/* More formats than streams: all are served all the same. */
static void streams_are_limited(void)
{
	enum media_codec which[LEGS_MAX] = {MEDIA_CODEC_PCMU, MEDIA_CODEC_G722, MEDIA_CODEC_GSM,
					    MEDIA_CODEC_G726_32};
	uint8_t got[RIG_PACKET_MAX];
	uint32_t in_streams = 0;

	for (int i = 4; i < LEGS_MAX; i++)
		which[i] = MEDIA_CODEC_OPUS;
	setup(which, LEGS_MAX);
	for (int i = 4; i < LEGS_MAX; i++) {
		struct kit_shape shape = legs[i].leg->kit->shape;
		struct media_leg_params params = rig_params(&phones[i]);
		struct kit *kit;

		shape.opus.bitrate = 16000 + 1000 * (uint32_t)i;
		params.send = (struct media_format){MEDIA_CODEC_OPUS, PT};
		if (kit_new(&shape, 0, &kit))
			CU_FAIL_FATAL("no kit");
		kit_free(bus_fit_rt(legs[i].leg, kit));
		leg_set_rt(legs[i].leg, &params, rig.env.now_ns);
	}
	for (int k = 0; k < 5; k++)
		tick(1);
	for (int i = 1; i < LEGS_MAX; i++) {
		CHECK("served", heard(i, got) > 0);
		in_streams += legs[i].leg->stream != LEG_STREAM_NONE;
	}
	CHECK_INT("streams", in_streams, BUS_STREAMS_MAX);
	teardown();
}

/* Opus packets of every length hold the time that they claim, whoever shares their encoder. */
static void opus_of_every_ptime(void)
{
	static const enum media_codec which[] = {MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS,
						 MEDIA_CODEC_OPUS, MEDIA_CODEC_OPUS,
						 MEDIA_CODEC_OPUS, MEDIA_CODEC_OPUS};
	static const uint16_t ptimes[] = {20, 10, 20, 30, 40, 60};
	const struct codec *opus = codec_find(MEDIA_CODEC_OPUS);

	setup(which, ARRAY_LEN(which));
	for (int i = 1; i < leg_count; i++)
		fit(i, MEDIA_CODEC_OPUS, ptimes[i]);
	for (int k = 0; k < 60; k++)
		tick(1);
	for (int i = 1; i < leg_count; i++) {
		uint8_t data[RIG_PACKET_MAX];
		struct rtp_packet got;
		uint32_t ts = 0, wrong = 0, units = 0, long_ones = 0;

		while (phone_receive(&phones[i], 0, &got, data)) {
			uint32_t duration = opus->duration_rt(got.payload, got.payload_len);

			wrong += ts != 0 && got.ts != ts;
			ts = got.ts + duration;
			units += duration;
			long_ones += duration == ptimes[i] * 48u;
		}
		CHECK_INT("no gap", wrong, 0);
		CHECK_INT("all of it", units, 60 * 960);
		CHECK("nearly all of the length asked for",
		      long_ones * ptimes[i] >= 60 * 20 - 4 * 60u);
	}
	CHECK_INT("10 and 30 share an encoder", legs[1].leg->stream, legs[3].leg->stream);
	CHECK_INT("20, 40 and 60, too", legs[2].leg->stream, legs[5].leg->stream);
	teardown();
}

/* A wideband pair with a narrowband phone in the room: 6 kHz gets across between the two. */
static void wideband_stays_wide(void)
{
	static const enum media_codec which[] = {MEDIA_CODEC_L16_16K, MEDIA_CODEC_L16_16K,
						 MEDIA_CODEC_PCMU};
	int16_t got[LEG_SAMPLES_MAX];
	double wide = 0, narrow = 0;

	setup(which, ARRAY_LEN(which));
	for (int k = 0; k < 10; k++) {
		next_tick();
		for (int part = 0; part < 2; part++) {
			uint8_t payload[320];

			for (int i = 0; i < 160; i++) { /* three periods in eight samples */
				int16_t v = (int16_t)lrint(8000 * sin(2 * M_PI * 3 / 8 * i));

				payload[2 * i] = (uint8_t)((uint16_t)v >> 8);
				payload[2 * i + 1] = (uint8_t)v;
			}
			rig_feed(&rig, legs[0].leg, &phones[0], payload, sizeof(payload));
			phones[0].ts += 160 - 320;
		}
		bus_gather_rt(&bus, &scratch, &rig.env, 0);
		(void)bus_hear_rt(&bus, &scratch, legs[1].leg, got);
		for (int i = 0; i < 320; i++)
			wide += (double)got[i] * got[i] / 320;
		(void)bus_hear_rt(&bus, &scratch, legs[2].leg, got);
		for (int i = 0; i < 160; i++)
			narrow += (double)got[i] * got[i] / 160;
		bus_deliver_rt(&bus, &scratch, &rig.env);
		io_flush_rt(rig.env.io);
	}
	CHECK("all of it at 16 kHz", wide > 7 * 8000.0 * 8000.0 / 2);
	CHECK("next to nothing at 8", narrow < wide / 1000);
	teardown();
}

void suite_bus_rates(void)
{
	CHECK_SUITE("bus_rates");
	CHECK_TEST(everybody_hears_the_sum_minus_own_at_every_rate);
	CHECK_TEST(only_rates_in_use_are_summed);
	CHECK_TEST(a_stream_survives_its_lead);
	CHECK_TEST(a_talker_takes_the_past_along);
	CHECK_TEST(streams_are_limited);
	CHECK_TEST(opus_of_every_ptime);
	CHECK_TEST(wideband_stays_wide);
}
