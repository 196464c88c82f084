/* tests/unit/mixer/test_quiet.c -- what is not decoded (intake.h), and that nobody hears a
 * difference.
 *
 * The yardstick is an intake that decodes everything. Speech is that of the prompts,
 * with pauses of soft noise between; words begin anywhere in a packet. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <opus/opus.h>
#include <spandsp/telephony.h> /* first: the others need it */

#include <spandsp/g722.h>
#include <spandsp/private/g722.h>

#include "mixer/bus.h"
#include "mixer/kernel.h"
#include "mixer/level.h"
#include "tests/support/check.h"
#include "tests/unit/mixer/rig.h"

enum {
	PT = 100,
	LEVEL_EXT = 3,
	PAUSE_MS = 1530,
	PAUSE_DBOV = 70,
	WORDS = 3,
	SOUND_MAX = 20 * CODEC_SAMPLE_HZ_MAX, /* samples */
	ONSET_TICKS = 5
};

static const enum media_codec codecs[] = {MEDIA_CODEC_G722, MEDIA_CODEC_OPUS, MEDIA_CODEC_GSM,
					  MEDIA_CODEC_G726_32};

static struct rig rig;
static struct random noise;

/* Sound ------------------------------------------------------------------------------------- */

static int16_t *sound; /* of one case at a time */
static uint32_t pause_dbov = PAUSE_DBOV;
static uint32_t sound_len;

static int16_t noise_of(uint32_t dbov)
{
	int32_t peak = (int32_t)lrint(32767 * sqrt(3) * pow(10, -(double)dbov / 20));

	return (int16_t)((int32_t)random_below(&noise, (uint32_t)(2 * peak + 1)) - peak);
}

static void pause_add(uint32_t hz, uint32_t ms)
{
	for (uint32_t i = 0; i < hz / 1000 * ms; i++)
		sound[sound_len++] = pause_dbov < MEDIA_LEVEL_SILENT ? noise_of(pause_dbov) : 0;
}

/* The samples of a file of 22,050 Hz at another rate; between two of them in a straight line. */
static void word_add(uint32_t hz, const char *name)
{
	static int16_t raw[22050 * 5];
	char path[512];
	double step = 22050.0 / hz;
	size_t count;
	FILE *file;

	snprintf(path, sizeof(path), SOURCE_DIR "/prompts/en/%s.wav", name);
	file = fopen(path, "rb");
	if (!file || fseek(file, 44, SEEK_SET))
		CU_FAIL_FATAL("no speech");
	count = fread(raw, sizeof(*raw), ARRAY_LEN(raw), file);
	(void)fclose(file);
	for (double at = 0; at + 1 < (double)count; at += step) {
		size_t i = (size_t)at;

		sound[sound_len++] = (int16_t)lrint(raw[i] +
						    (raw[i + 1] - raw[i]) * (at - (double)i));
	}
}

static void speech_make(uint32_t hz)
{
	static const char *const words[WORDS] = {"hearth-to-lock", "hearth-hand-up",
						 "hearth-ends-in"};

	sound = calloc(SOUND_MAX, sizeof(*sound));
	sound_len = 0;
	random_init_seeded(&noise, 5);
	for (int i = 0; i < WORDS; i++) {
		pause_add(hz, PAUSE_MS);
		word_add(hz, words[i]);
	}
	pause_add(hz, PAUSE_MS);
}

/* A leg beside an intake that decodes everything --------------------------------------------- */

struct pair {
	const struct codec *codec;
	void *encoder;
	struct phone phone;
	struct rig_leg fixture;
	struct leg *leg;
	struct intake *all;
	struct intake_frame want; /* of `all` */
	uint8_t told;             /* level of the packets to come, 0: they tell none */
	uint64_t ticks;
};

static void pair_make(struct pair *pair, enum media_codec id, uint32_t ssrc)
{
	const struct intake_params all = {
		.codec = id, .others = 1u << MEDIA_CODEC_PCMU, .pull_ms = 20};
	struct media_leg_params params;
	struct kit_shape shape;
	struct kit *kit;

	memset(pair, 0, sizeof(*pair));
	pair->codec = codec_find(id);
	pair->encoder = calloc(1, pair->codec->encoder_size());
	pair->codec->encoder_init(pair->encoder, NULL);
	phone_open(&pair->phone, ssrc);
	pair->phone.pt = PT;
	pair->fixture = rig_leg_open(&rig);
	pair->leg = pair->fixture.leg;
	params = rig_params(&pair->phone);
	params.receive[0] = params.send = (struct media_format){id, PT};
	params.receive_count = 1;
	params.level_ext = LEVEL_EXT;
	params.trusts_levels = true;
	shape = kit_shape(&params);
	if (kit_new(&shape, 0, &kit) || intake_new(&all, &pair->all))
		CU_FAIL_FATAL("no kit");
	kit_free(leg_fit_rt(pair->leg, kit));
	leg_set_rt(pair->leg, &params, rig.env.now_ns);
	leg_begin_rt(pair->leg, &rig.env);
}

static void pair_done(struct pair *pair)
{
	rig_leg_close(&rig, &pair->fixture);
	phone_close(&pair->phone);
	intake_free(pair->all);
	free(pair->encoder);
}

/* One packet to both. */
static void pair_say(struct pair *pair, const int16_t *pcm)
{
	const struct codec *codec = pair->codec;
	uint32_t samples = codec_samples(codec, 20);
	uint8_t payload[CODEC_FRAME_OCTETS_MAX], data[RIG_PACKET_MAX], level[] = {0x30, 0};
	struct rtp_packet rtp = {.payload_type = PT,
				 .seq = pair->phone.seq++,
				 .ts = pair->phone.ts,
				 .ssrc = pair->phone.ssrc};
	int header;

	rtp.payload = payload;
	rtp.payload_len = (uint16_t)codec->encode_rt(pair->encoder, pcm, samples, payload,
						     sizeof(payload));
	if (pair->told) {
		level[1] = pair->told;
		rtp.ext_profile = RTP_EXT_ONE_BYTE;
		rtp.ext = level;
		rtp.ext_len = sizeof(level);
	}
	pair->phone.ts += codec->clock_hz / 50;
	(void)intake_put_rt(pair->all, &rtp, codec->id, (rig.env.now_ns - RIG_ARRIVAL_NS) / 1000);
	header = rtp_write(&rtp, data, sizeof(data));
	memcpy(data + header, payload, rtp.payload_len);
	rig_feed_raw(&rig, pair->leg, &pair->phone.addr, data, (size_t)header + rtp.payload_len);
}

static void pair_pull(struct pair *pair)
{
	rig.env.catch_up_left = LEG_CATCH_UP_MAX;
	leg_pull_rt(pair->leg, &rig.env, true);
	pair->want = intake_get_rt(pair->all, rig.env.now_ns / 1000);
	pair->ticks++;
}

static void tick(void)
{
	rig.env.now_ns += RIG_TICK_NS;
	io_begin_rt(rig.env.io, rig.env.now_ns);
}

/* How alike two sounds are: signal to noise in dB, 99 when they are the same. */
struct likeness {
	double power, noise;
};

static void likeness_add(struct likeness *likeness, const int16_t *got, const int16_t *want,
			 uint32_t samples)
{
	for (uint32_t i = 0; i < samples; i++) {
		likeness->power += (double)want[i] * want[i];
		likeness->noise += (double)(got[i] - want[i]) * (got[i] - want[i]);
	}
}

static double likeness_db(const struct likeness *likeness)
{
	if (likeness->noise == 0)
		return 99;
	return 10 * log10(likeness->power / likeness->noise);
}

/* What a whole conversation brought. */
struct result {
	uint32_t ticks, left_out, onsets;
	uint8_t loudest; /* -dBov of what was left out */
	double worst_db; /* of the ONSET_TICKS of an onset */
	struct likeness rest;
};

static void onset_end(struct result *result, struct likeness *onset)
{
	if (onset->power > 0)
		result->worst_db = fmin(result->worst_db, likeness_db(onset));
	*onset = (struct likeness){0};
}

static struct result converse(struct pair *pair)
{
	uint32_t samples = codec_samples(pair->codec, 20), since = ONSET_TICKS;
	struct result result = {.loudest = MEDIA_LEVEL_SILENT, .worst_db = 99};
	struct likeness onset = {0};
	bool was_summed = false;

	for (uint32_t at = 0; at + samples <= sound_len; at += samples) {
		const struct leg *leg = pair->leg;

		pair_say(pair, sound + at);
		pair_pull(pair);
		result.ticks++;
		result.left_out += leg->frame.is_left_out;
		if (leg->frame.is_left_out)
			result.loudest = MIN_OF(result.loudest, pair->want.level);
		if (leg->is_summed && !was_summed) {
			onset_end(&result, &onset);
			result.onsets++;
			since = 0;
		}
		was_summed = leg->is_summed;
		if (leg->is_summed)
			likeness_add(since < ONSET_TICKS ? &onset : &result.rest, leg->pcm,
				     pair->want.pcm, samples);
		since++;
		tick();
	}
	onset_end(&result, &onset);
	return result;
}

/* Tests ------------------------------------------------------------------------------------- */

static void the_first_word_is_whole(void)
{
	for (size_t i = 0; i < 2 * ARRAY_LEN(codecs); i++) {
		struct result result;
		struct pair pair;

		pause_dbov = i % 2 ? MEDIA_LEVEL_SILENT : PAUSE_DBOV;
		rig_init(&rig);
		pair_make(&pair, codecs[i / 2], 5);
		speech_make(pair.codec->sample_hz);
		result = converse(&pair);
		CHECK(pair.codec->name, result.onsets >= WORDS);
		CHECK("the pauses are left out", result.left_out > 120);
		CHECK("and nothing that is heard", result.loudest >= LEG_GATE_DBOV);
		CHECK("the first syllable is as if all had been decoded",
		      result.worst_db > (codecs[i / 2] == MEDIA_CODEC_G726_32 ? 25 : 55));
		CHECK("and the rest", likeness_db(&result.rest) > 40);
		pair_done(&pair);
		free(sound);
		rig_done(&rig);
	}
}

/* Encodes `ms` of silence and then one packet of `pcm`, and asks of each what it says. */
static bool says_quiet_after_silence(const struct codec *codec, uint32_t dbov, const int16_t *pcm)
{
	void *encoder = calloc(1, codec->encoder_size());
	void *decoder = calloc(1, codec->decoder_size());
	uint32_t samples = codec_samples(codec, 20);
	int16_t soft[LEG_SAMPLES_MAX], out[LEG_SAMPLES_MAX];
	uint8_t payload[CODEC_FRAME_OCTETS_MAX];
	bool is_quiet = false;
	size_t len;

	codec->encoder_init(encoder, NULL);
	codec->decoder_init(decoder);
	for (uint32_t i = 0; i <= 100; i++) {
		for (uint32_t k = 0; k < samples; k++)
			soft[k] = dbov < MEDIA_LEVEL_SILENT ? noise_of(dbov) : 0;
		len = codec->encode_rt(encoder, i == 100 && pcm ? pcm : soft, samples, payload,
				       sizeof(payload));
		if (i == 100)
			is_quiet = codec->is_quiet_rt(decoder, payload, len);
		else
			(void)codec->decode_rt(decoder, payload, len, out, samples);
	}
	free(decoder);
	free(encoder);
	return is_quiet;
}

static void octets_tell(void)
{
	int16_t pcm[LEG_SAMPLES_MAX];

	random_init_seeded(&noise, 6);
	for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
		const struct codec *codec = codec_find(codecs[i]);
		uint32_t samples = codec_samples(codec, 20);

		CHECK(codec->name, says_quiet_after_silence(codec, MEDIA_LEVEL_SILENT, NULL));
		CHECK(codec->name, says_quiet_after_silence(codec, 80, NULL));
		CHECK(codec->name, says_quiet_after_silence(codec, 66, NULL));
		if (codecs[i] != MEDIA_CODEC_OPUS) /* to which steady noise is no activity */
			CHECK(codec->name, !says_quiet_after_silence(codec, 50, NULL));
		for (uint32_t from = 0; from <= samples * 3 / 4; from += samples / 4) {
			for (uint32_t k = 0; k < samples; k++)
				pcm[k] = k < from ? 0 : noise_of(30);
			CHECK(codec->name, !says_quiet_after_silence(codec, 80, pcm));
		}
	}
}

/* The scale of G.722 is known without decoding: the octets alone move it. */
static void the_scale_is_brought_along(void)
{
	const struct codec *codec = codec_find(MEDIA_CODEC_G722);
	g722_decode_state_t decoded, known;
	void *encoder = calloc(1, codec->encoder_size());
	int16_t pcm[320];
	uint8_t payload[160];

	codec->encoder_init(encoder, NULL);
	codec->decoder_init(&decoded);
	codec->decoder_init(&known);
	for (uint32_t i = 0; i < 200; i++) {
		bool is_quiet;

		for (uint32_t k = 0; k < 320; k++)
			pcm[k] = noise_of(i < 100 ? 90 : 70);
		(void)codec->encode_rt(encoder, pcm, 320, payload, sizeof(payload));
		known.band[0].nb = decoded.band[0].nb;
		known.band[1].nb = decoded.band[1].nb;
		is_quiet = codec->is_quiet_rt(&known, payload, sizeof(payload));
		(void)codec->decode_rt(&decoded, payload, sizeof(payload), pcm, 320);
		if (!is_quiet)
			continue;
		CHECK_INT("low band", known.band[0].nb, decoded.band[0].nb);
		CHECK_INT("high band", known.band[1].nb, decoded.band[1].nb);
	}
	free(encoder);
}

/* Opus: the modes that our own encoder does not choose, and frames that are not there. */
static void opus_of_every_mode(void)
{
	const struct codec *codec = codec_find(MEDIA_CODEC_OPUS);
	static const struct {
		const char *row;
		uint8_t data[5];
		size_t len;
		bool want;
	} rows[] = {
		{"DTX: no frame", {0x48}, 1, true},
		{"DTX: one octet", {0x48, 0x80}, 2, true},
		{"SILK, no activity", {0x48, 0x00, 1}, 3, true},
		{"SILK, activity", {0x48, 0x80, 1}, 3, false},
		{"SILK, copies alone", {0x48, 0x40, 1}, 3, true},
		{"SILK 60 ms, activity in the third", {0x58, 0x20, 1}, 3, false},
		{"SILK 60 ms, copies alone", {0x58, 0x10, 1}, 3, true},
		{"SILK stereo, activity of the side", {0x4c, 0x20, 1}, 3, false},
		{"SILK stereo, copies alone", {0x4c, 0x50, 1}, 3, true},
		{"hybrid, no activity", {0x78, 0x00, 1}, 3, true},
		{"hybrid, activity", {0x78, 0x80, 1}, 3, false},
		{"CELT, silence", {0xf8, 0xff, 0xfe}, 3, true},
		{"CELT, nearly", {0xf8, 0xff, 0xfd}, 3, false},
		{"two frames, no activity", {0x49, 0x00, 1, 0x00, 1}, 5, true},
		{"two frames, activity in the second", {0x49, 0x00, 1, 0x80, 1}, 5, false},
		{"no packet of Opus", {0x49, 0x00, 1, 0x00}, 4, false},
		{"nothing", {0}, 0, false},
	};
	int err;
	OpusEncoder *encoder = opus_encoder_create(48000, 1, OPUS_APPLICATION_RESTRICTED_LOWDELAY,
						   &err);
	int16_t pcm[960] = {0};
	uint8_t data[1000];
	opus_int32 len;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_INT(rows[i].row, codec->is_quiet_rt(NULL, rows[i].data, rows[i].len),
			  rows[i].want);
	len = opus_encode(encoder, pcm, 960, data, sizeof(data));
	CHECK("CELT says silence", len > 0 && codec->is_quiet_rt(NULL, data, (size_t)len));
	for (uint32_t i = 0; i < 960; i++)
		pcm[i] = (int16_t)lrint(2000 * sin(i * 0.1));
	len = opus_encode(encoder, pcm, 960, data, sizeof(data));
	CHECK("CELT does not", len > 0 && !codec->is_quiet_rt(NULL, data, (size_t)len));
	opus_encoder_destroy(encoder);
}

/* While somebody is muted its level is looked at now and then; afterwards it is heard at once. */
static void who_was_muted_is_heard_at_once(void)
{
	for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
		struct leg_control control = {.is_muted = true,
					      .gain_in_q14 = KERNEL_GAIN_UNITY_Q14,
					      .gain_out_q14 = KERNEL_GAIN_UNITY_Q14};
		struct likeness after = {0};
		uint32_t samples, left_out = 0;
		struct pair pair;

		rig_init(&rig);
		pair_make(&pair, codecs[i], 6);
		samples = codec_samples(pair.codec, 20);
		sound = calloc(SOUND_MAX, sizeof(*sound));
		sound_len = 0;
		word_add(pair.codec->sample_hz, "hearth-to-lock");
		leg_control_rt(pair.leg, &control);
		for (uint32_t at = 0, n = 0; at + samples <= sound_len; at += samples, n++) {
			if (n == 60) {
				control.is_muted = false;
				leg_control_rt(pair.leg, &control);
			}
			pair_say(&pair, sound + at);
			pair_pull(&pair);
			left_out += pair.leg->frame.is_left_out;
			if (n < 60)
				CHECK("nobody hears it", !pair.leg->is_summed);
			else
				likeness_add(&after, pair.leg->frame.pcm, pair.want.pcm, samples);
			if (n == 50)
				CHECK("its level is known", pair.leg->stats.level_in < 60);
			tick();
		}
		CHECK("most is left out", left_out >= 55);
		CHECK("heard as if never muted", likeness_db(&after) > 22);
		pair_done(&pair);
		free(sound);
		rig_done(&rig);
	}
}

/* A hundred who are let speak at once are not all brought up to date in one tick. */
static void catching_up_is_bounded(void)
{
	struct leg_control control = {.is_muted = true,
				      .gain_in_q14 = KERNEL_GAIN_UNITY_Q14,
				      .gain_out_q14 = KERNEL_GAIN_UNITY_Q14};
	struct pair pair;

	rig_init(&rig);
	pair_make(&pair, MEDIA_CODEC_G722, 7);
	speech_make(pair.codec->sample_hz);
	leg_control_rt(pair.leg, &control);
	for (uint32_t n = 0; n < 20; n++) {
		pair_say(&pair, sound + (size_t)(100 + n) * 320);
		pair_pull(&pair);
		tick();
	}
	control.is_muted = false;
	leg_control_rt(pair.leg, &control);
	pair_say(&pair, sound + (size_t)120 * 320);
	rig.env.catch_up_left = 2;
	leg_pull_rt(pair.leg, &rig.env, true);
	CHECK_INT("as many as were left", pair.leg->frame.caught_up, 2);
	CHECK_INT("none is left", rig.env.catch_up_left, 0);
	CHECK("but it is heard", !pair.leg->frame.is_left_out);
	pair_done(&pair);
	free(sound);
	rig_done(&rig);
}

/* Of those whom the loudest leave out, packets that tell a level are not decoded. */
static void who_has_no_place(void)
{
	static struct bus_scratch scratch;
	struct likeness after = {0};
	uint32_t left_out = 0, heard_at = 0;
	struct pair pairs[2];
	struct bus bus;

	rig_init(&rig);
	bus_init(&bus, false, NULL);
	bus_scratch_init(&scratch);
	atomic_store(&bus.loudest_max, 1);
	for (int i = 0; i < 2; i++) {
		pair_make(&pairs[i], MEDIA_CODEC_G722, 8 + (uint32_t)i);
		bus_add_rt(&bus, pairs[i].leg);
	}
	for (uint32_t n = 0; n < 200; n++) {
		bool is_over = n >= 100; /* the louder one falls silent */
		int16_t pcm[2][320];

		for (uint32_t k = 0; k < 320; k++) {
			double t = (double)(n * 320 + k) / 16000;

			pcm[0][k] = (int16_t)(is_over ? 0 : lrint(9000 * sin(2 * M_PI * 500 * t)));
			pcm[1][k] = (int16_t)lrint(1500 * sin(2 * M_PI * 1100 * t));
		}
		pairs[0].told = is_over ? 127 : 14;
		pairs[1].told = 30;
		for (int i = 0; i < 2; i++)
			pair_say(&pairs[i], pcm[i]);
		bus_gather_rt(&bus, &scratch, &rig.env, 0);
		for (int i = 0; i < 2; i++)
			pairs[i].want = intake_get_rt(pairs[i].all, rig.env.now_ns / 1000);
		if (n >= 10 && n < 100) {
			left_out += pairs[1].leg->frame.is_left_out;
			CHECK("the louder is heard", pairs[0].leg->is_summed);
			CHECK("the other is not", !pairs[1].leg->is_summed);
			CHECK_INT("but its level known", pairs[1].leg->stats.level_in, 30);
		}
		if (n >= 100 && pairs[1].leg->is_summed) {
			heard_at = heard_at ? heard_at : n;
			likeness_add(&after, pairs[1].leg->pcm, pairs[1].want.pcm, 320);
		}
		bus_deliver_rt(&bus, &scratch, &rig.env);
		io_flush_rt(rig.env.io);
		tick();
	}
	CHECK_INT("not decoded", left_out, 90);
	CHECK("heard once there is a place", heard_at > 100 && heard_at <= 150);
	CHECK("from the first sample on", likeness_db(&after) > 30);
	for (int i = 0; i < 2; i++) {
		bus_remove_rt(&bus, pairs[i].leg);
		pair_done(&pairs[i]);
	}
	rig_done(&rig);
}

void suite_quiet(void)
{
	CHECK_SUITE("quiet");
	CHECK_TEST(octets_tell);
	CHECK_TEST(the_scale_is_brought_along);
	CHECK_TEST(opus_of_every_mode);
	CHECK_TEST(the_first_word_is_whole);
	CHECK_TEST(who_was_muted_is_heard_at_once);
	CHECK_TEST(catching_up_is_bounded);
	CHECK_TEST(who_has_no_place);
}
