/* tests/unit/mixer/test_codec.c */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <spandsp/telephony.h>

#include <spandsp/bit_operations.h>
#include <spandsp/g711.h>

#include "base/attr.h"
#include "mixer/codec.h"
#include "tests/support/check.h"

static void table_rows(void)
{
	CHECK("none", codec_find(MEDIA_CODEC_NONE) == NULL);
	CHECK("beyond", codec_find(MEDIA_CODEC_COUNT) == NULL);
	for (int id = MEDIA_CODEC_NONE + 1; id < MEDIA_CODEC_COUNT; id++) {
		const struct codec *codec = codec_find((enum media_codec)id);

		if (!CHECK("every codec has a row", codec != NULL))
			continue;
		CHECK_INT(codec->name, codec->id, id);
		CHECK(codec->name, codec->sample_hz % codec->clock_hz == 0);
		CHECK(codec->name, codec->decode_rt && codec->encode_rt && codec->duration_rt);
	}
	CHECK_STR(NULL, codec_find(MEDIA_CODEC_PCMU)->name, "PCMU");
	CHECK_STR(NULL, codec_find(MEDIA_CODEC_PCMA)->name, "PCMA");
}

/* Values of ITU-T G.711 tables 1a to 2b (decoder output, scaled to 16 bits). */
static void decode_known_values(void)
{
	static const struct {
		uint8_t octet;
		int16_t ulaw, alaw;
	} cases[] = {
		{0x00, -32124, -5504}, {0x80, 32124, 5504}, {0xff, 0, 848},
		{0x7f, 0, -848},       {0xd5, 716, 8},      {0x55, -716, -8},
		{0x2a, -5372, -32256}, {0xaa, 5372, 32256},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_INT("mu-law", codec_ulaw_decode(cases[i].octet), cases[i].ulaw);
		CHECK_INT("A-law", codec_alaw_decode(cases[i].octet), cases[i].alaw);
	}
}

static void decode_is_spandsps(void)
{
	for (int i = 0; i < 256; i++) {
		CHECK_INT("mu-law", codec_ulaw_decode((uint8_t)i), ulaw_to_linear((uint8_t)i));
		CHECK_INT("A-law", codec_alaw_decode((uint8_t)i), alaw_to_linear((uint8_t)i));
	}
}

/* SpanDSP takes the magnitude of a negative mu-law sample as -x, ITU-T G.191 as ~x, so that both
 * halves are mirror images of each other (as A-law's are with both). Shifted by one, they agree. */
static void encode_is_spandsps(void)
{
	int ulaw = 0, alaw = 0;

	for (int x = -32768; x <= 32767; x++) {
		int as_span = x < -1 ? x + 1 : x;

		if (x != -1)
			ulaw += codec_ulaw_encode((int16_t)x) != linear_to_ulaw(as_span);
		alaw += codec_alaw_encode((int16_t)x) != linear_to_alaw(x);
	}
	CHECK_INT("mu-law", ulaw, 0);
	CHECK_INT("A-law", alaw, 0);
	CHECK_INT("-1 is minus zero", codec_ulaw_encode(-1), 0x7f);
}

/* No sample is off by more than half a step of its segment. */
static void encode_is_near(void)
{
	int wrong = 0;

	for (int x = -32635; x <= 32635; x++) {
		uint8_t u = codec_ulaw_encode((int16_t)x), a = codec_alaw_encode((int16_t)x);
		int u_half = 4 << (~u >> 4 & 7), a_segment = (a ^ 0x55) >> 4 & 7;
		int a_half = 8 << (a_segment ? a_segment - 1 : 0);

		wrong += abs(codec_ulaw_decode(u) - x) > u_half;
		wrong += abs(codec_alaw_decode(a) - x) > a_half;
	}
	CHECK_INT(NULL, wrong, 0);
}

static void octets_survive(void)
{
	static const enum media_codec ids[] = {MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA};

	for (size_t k = 0; k < ARRAY_LEN(ids); k++) {
		const struct codec *codec = codec_find(ids[k]);
		uint8_t octets[256], back[256];
		int16_t pcm[256];

		for (int i = 0; i < 256; i++)
			octets[i] = (uint8_t)i;
		CHECK_INT(codec->name, codec->decode_rt(NULL, octets, 256, pcm, 256), 256);
		CHECK_INT(codec->name, codec->encode_rt(NULL, pcm, 256, back, 256), 256);
		for (int i = 0; i < 256; i++) /* mu-law has two zeros; minus zero becomes plus */
			CHECK_INT(codec->name, back[i],
				  ids[k] == MEDIA_CODEC_PCMU && i == 0x7f ? 0xff : i);
		CHECK_INT(codec->name, octets[codec->silence_octet], codec->silence_octet);
		CHECK(codec->name, abs(pcm[codec->silence_octet]) <= 8);
	}
}

static void tables_equal_arithmetic(void)
{
	const struct codec *pcmu = codec_find(MEDIA_CODEC_PCMU);
	const struct codec *pcma = codec_find(MEDIA_CODEC_PCMA);
	int wrong = 0;

	for (int x = -32768; x <= 32767; x++) {
		int16_t pcm = (int16_t)x;
		uint8_t u, a;

		(void)pcmu->encode_rt(NULL, &pcm, 1, &u, 1);
		(void)pcma->encode_rt(NULL, &pcm, 1, &a, 1);
		wrong += u != codec_ulaw_encode(pcm);
		wrong += a != codec_alaw_encode(pcm);
	}
	CHECK_INT(NULL, wrong, 0);
}

static void capacity_is_kept(void)
{
	const struct codec *codec = codec_find(MEDIA_CODEC_PCMU);
	uint8_t octets[8] = {0};
	int16_t pcm[8] = {0};

	CHECK_INT("decode", codec->decode_rt(NULL, octets, 8, pcm, 3), 3);
	CHECK_INT("encode", codec->encode_rt(NULL, pcm, 8, octets, 5), 5);
	CHECK_INT("duration", codec->duration_rt(octets, 8), 8);
	CHECK_INT("no duration", codec->duration_rt(octets, 0), 0);
}

/* A second of a tone, coded and decoded in frames; signal to noise after the coder's delay, dB. */
static double tone_snr_db(const struct codec *codec, double hz)
{
	enum { FRAMES = 50, DELAY_MS_MAX = 30 };
	static int16_t said[48000], heard[48000];
	uint32_t frame = codec_samples(codec, CODEC_FRAME_MS), total = frame * FRAMES;
	void *encoder = codec->encoder_size ? calloc(1, codec->encoder_size()) : NULL;
	void *decoder = codec->decoder_size ? calloc(1, codec->decoder_size()) : NULL;
	double best = -100;

	if (encoder)
		codec->encoder_init(encoder, NULL);
	if (decoder)
		codec->decoder_init(decoder);
	for (uint32_t i = 0; i < total; i++)
		said[i] = (int16_t)lrint(8000 * sin(2 * M_PI * hz * i / codec->sample_hz));
	for (uint32_t k = 0; k < FRAMES; k++) {
		uint8_t octets[CODEC_FRAME_OCTETS_MAX];
		size_t len = codec->encode_rt(encoder, said + k * frame, frame, octets,
					      sizeof(octets));

		CHECK_INT(codec->name,
			  codec->duration_rt(octets, len) * (codec->sample_hz / codec->clock_hz),
			  frame);
		CHECK_INT(codec->name,
			  codec->decode_rt(decoder, octets, len, heard + k * frame, frame), frame);
	}
	for (uint32_t d = 0; d < codec_samples(codec, DELAY_MS_MAX); d++) {
		double signal = 0, noise = 1;

		for (uint32_t i = total / 2; i < total; i++) {
			signal += (double)said[i - d] * said[i - d];
			noise += (double)(heard[i] - said[i - d]) * (heard[i] - said[i - d]);
		}
		best = fmax(best, 10 * log10(signal / noise));
	}
	free(encoder);
	free(decoder);
	return best;
}

static void every_codec_carries_a_tone(void)
{
	static const struct {
		enum media_codec id;
		double hz, snr_db;
	} cases[] = {
		{MEDIA_CODEC_PCMU, 1004, 30},     {MEDIA_CODEC_PCMA, 1004, 30},
		{MEDIA_CODEC_G722, 1004, 30},     {MEDIA_CODEC_G722, 6000, 15},
		{MEDIA_CODEC_L16_8K, 1004, 60},   {MEDIA_CODEC_L16_16K, 6000, 60},
		{MEDIA_CODEC_L16_48K, 15000, 60}, {MEDIA_CODEC_OPUS, 1004, 15},
		{MEDIA_CODEC_GSM, 404, 8},        {MEDIA_CODEC_G726_32, 1004, 20},
	};

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		double snr_db = tone_snr_db(codec_find(cases[n].id), cases[n].hz);

		CHECK(codec_find(cases[n].id)->name, snr_db > cases[n].snr_db);
	}
}

/* A copy of an encoder goes on exactly where the original stood: what streams are built on. */
static void states_can_be_copied(void)
{
	for (int id = 1; id < MEDIA_CODEC_COUNT; id++) {
		const struct codec *codec = codec_find((enum media_codec)id);
		uint8_t a[CODEC_FRAME_OCTETS_MAX], b[CODEC_FRAME_OCTETS_MAX];
		int16_t pcm[960];
		void *one, *two;
		size_t len = 0;

		if (!codec->encoder_size)
			continue;
		one = calloc(1, codec->encoder_size());
		two = calloc(1, codec->encoder_size());
		codec->encoder_init(one, NULL);
		codec->encoder_init(two, NULL);
		for (int k = 0; k < 20; k++) {
			uint32_t samples = codec_samples(codec, CODEC_FRAME_MS);

			for (uint32_t i = 0; i < samples; i++)
				pcm[i] = (int16_t)((k * 7919 + i * i * 31) % 8000 - 4000);
			if (k == 10)
				memcpy(two, one, codec->encoder_size());
			len = codec->encode_rt(one, pcm, samples, a, sizeof(a));
			if (k >= 10)
				CHECK(codec->name,
				      codec->encode_rt(two, pcm, samples, b, sizeof(b)) == len &&
					      memcmp(a, b, len) == 0);
		}
		CHECK(codec->name, len > 0);
		free(one);
		free(two);
	}
}

static void packet_lengths_fit_the_codec(void)
{
	static const struct {
		enum media_codec id;
		uint16_t wanted, ptime, frame;
	} cases[] = {
		{MEDIA_CODEC_PCMU, 30, 30, 20},    {MEDIA_CODEC_PCMU, 60, 60, 20},
		{MEDIA_CODEC_GSM, 10, 20, 20},     {MEDIA_CODEC_GSM, 30, 20, 20},
		{MEDIA_CODEC_GSM, 60, 60, 20},     {MEDIA_CODEC_L16_48K, 20, 10, 20},
		{MEDIA_CODEC_L16_16K, 60, 40, 20}, {MEDIA_CODEC_OPUS, 10, 10, 10},
		{MEDIA_CODEC_OPUS, 20, 20, 20},    {MEDIA_CODEC_OPUS, 30, 30, 10},
		{MEDIA_CODEC_OPUS, 60, 60, 20},
	};

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		const struct codec *codec = codec_find(cases[n].id);

		CHECK_INT(codec->name, codec_ptime_ms(codec, cases[n].wanted), cases[n].ptime);
		CHECK_INT(codec->name, codec_frame_ms(codec, cases[n].ptime), cases[n].frame);
	}
}

/* What no such encoder wrote has no duration, and hurts no decoder. */
static void payloads_are_checked(void)
{
	static const uint8_t noise[64] = {0x00, 0x7f, 0xff, 0x3a, 0xd1};

	CHECK_INT("GSM of 32 octets", codec_find(MEDIA_CODEC_GSM)->duration_rt(noise, 32), 0);
	CHECK_INT("GSM without signature", codec_find(MEDIA_CODEC_GSM)->duration_rt(noise, 33), 0);
	CHECK_INT("L16, odd", codec_find(MEDIA_CODEC_L16_16K)->duration_rt(noise, 33), 0);
	CHECK_INT("Opus, nothing", codec_find(MEDIA_CODEC_OPUS)->duration_rt(noise, 0), 0);
	for (int first = 0; first < 256; first++) {
		const struct codec *opus = codec_find(MEDIA_CODEC_OPUS);
		uint8_t packet[3] = {(uint8_t)first, 0xff, 0xff};
		uint32_t duration = opus->duration_rt(packet, sizeof(packet));
		int16_t pcm[48 * 120];
		void *state = calloc(1, opus->decoder_size());

		opus->decoder_init(state);
		CHECK("at most 120 ms", duration <= ARRAY_LEN(pcm));
		if (duration)
			CHECK_INT(
				"its time passes",
				opus->decode_rt(state, packet, sizeof(packet), pcm, ARRAY_LEN(pcm)),
				duration);
		free(state);
	}
}

void suite_codec(void)
{
	CHECK_SUITE("codec");
	CHECK_TEST(table_rows);
	CHECK_TEST(decode_known_values);
	CHECK_TEST(decode_is_spandsps);
	CHECK_TEST(encode_is_spandsps);
	CHECK_TEST(encode_is_near);
	CHECK_TEST(octets_survive);
	CHECK_TEST(tables_equal_arithmetic);
	CHECK_TEST(capacity_is_kept);
	CHECK_TEST(every_codec_carries_a_tone);
	CHECK_TEST(states_can_be_copied);
	CHECK_TEST(packet_lengths_fit_the_codec);
	CHECK_TEST(payloads_are_checked);
}
