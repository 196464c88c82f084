/* tests/unit/mixer/test_codec.c */
#include <stdint.h>
#include <stdlib.h>

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
		CHECK(codec->name, codec->decoder_size <= CODEC_STATE_MAX);
		CHECK(codec->name, codec->encoder_size <= CODEC_STATE_MAX);
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
}
