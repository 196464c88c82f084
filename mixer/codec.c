#include "mixer/codec.h"

#include <pthread.h>
#include <string.h>

/* Design. G.711 decodes through 256 entries and encodes through one table per law, indexed by the
 * 14 significant bits of the sample (mu-law; A-law needs 13). 16 KiB per law stays in the first
 * level cache for as long as encoding goes on, where a 64 KiB table would not; the two dropped bits
 * never decide (checked for all 65536 inputs by the test against SpanDSP's arithmetic). */

enum { TABLE_BITS = 14, TABLE_LEN = 1 << TABLE_BITS, TABLE_SHIFT = 16 - TABLE_BITS };

static uint8_t ulaw_encode_table[TABLE_LEN], alaw_encode_table[TABLE_LEN];
static int16_t ulaw_decode_table[256], alaw_decode_table[256];

enum { ULAW_BIAS = 0x84, ULAW_CLIP = 32767 - ULAW_BIAS };

static uint32_t top_bit(uint32_t v)
{
	return 31u - (uint32_t)__builtin_clz(v);
}

uint8_t codec_ulaw_encode(int16_t sample)
{
	uint32_t sign = sample < 0 ? 0x80 : 0;
	/* One's complement, as in the recommendation's reference: -1 counts as 0. */
	uint32_t magnitude = (uint32_t)(sample < 0 ? ~sample : sample);
	uint32_t segment;

	magnitude = (magnitude > ULAW_CLIP ? ULAW_CLIP : magnitude) + ULAW_BIAS;
	segment = top_bit(magnitude) - 7;
	return (uint8_t) ~(sign | segment << 4 | (magnitude >> (segment + 3) & 15));
}

int16_t codec_ulaw_decode(uint8_t octet)
{
	uint32_t code = (uint8_t)~octet;
	int32_t magnitude = (int32_t)((((code & 15) << 3) + ULAW_BIAS) << (code >> 4 & 7)) -
			    ULAW_BIAS;

	return (int16_t)(code & 0x80 ? -magnitude : magnitude);
}

uint8_t codec_alaw_encode(int16_t sample)
{
	uint32_t mask = sample < 0 ? 0x55 : 0xd5;
	uint32_t magnitude = (uint32_t)(sample < 0 ? ~sample : sample);
	uint32_t segment = magnitude < 256 ? 0 : top_bit(magnitude) - 7;

	return (uint8_t)((segment << 4 | (magnitude >> (segment ? segment + 3 : 4) & 15)) ^ mask);
}

int16_t codec_alaw_decode(uint8_t octet)
{
	uint32_t code = octet ^ 0x55u;
	uint32_t segment = code >> 4 & 7;
	int32_t magnitude = (int32_t)((code & 15) << 4) + 8;

	if (segment)
		magnitude = (magnitude + 0x100) << (segment - 1);
	return (int16_t)(code & 0x80 ? magnitude : -magnitude);
}

static void fill_tables(void)
{
	for (int32_t i = 0; i < 256; i++) {
		ulaw_decode_table[i] = codec_ulaw_decode((uint8_t)i);
		alaw_decode_table[i] = codec_alaw_decode((uint8_t)i);
	}
	for (int32_t i = 0; i < TABLE_LEN; i++) {
		int16_t sample = (int16_t)((i << TABLE_SHIFT) - 32768);

		ulaw_encode_table[i] = codec_ulaw_encode(sample);
		alaw_encode_table[i] = codec_alaw_encode(sample);
	}
}

void codec_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, fill_tables);
}

static uint32_t g711_duration_rt(const uint8_t *payload, size_t len)
{
	(void)payload;
	return len <= UINT16_MAX ? (uint32_t)len : 0;
}

static size_t g711_decode(const int16_t table[256], const uint8_t *payload, size_t len,
			  int16_t *pcm)
{
	for (size_t i = 0; i < len; i++)
		pcm[i] = table[payload[i]];
	return len;
}

static size_t g711_encode(const uint8_t *table, const int16_t *pcm, size_t samples,
			  uint8_t *payload)
{
	for (size_t i = 0; i < samples; i++)
		payload[i] = table[(uint16_t)(pcm[i] + 32768) >> TABLE_SHIFT];
	return samples;
}

static size_t pcmu_decode_rt(void *state, const uint8_t *payload, size_t len, int16_t *pcm,
			     size_t cap)
{
	(void)state;
	return g711_decode(ulaw_decode_table, payload, len < cap ? len : cap, pcm);
}

static size_t pcma_decode_rt(void *state, const uint8_t *payload, size_t len, int16_t *pcm,
			     size_t cap)
{
	(void)state;
	return g711_decode(alaw_decode_table, payload, len < cap ? len : cap, pcm);
}

static size_t pcmu_encode_rt(void *state, const int16_t *pcm, size_t samples, uint8_t *payload,
			     size_t cap)
{
	(void)state;
	return g711_encode(ulaw_encode_table, pcm, samples < cap ? samples : cap, payload);
}

static size_t pcma_encode_rt(void *state, const int16_t *pcm, size_t samples, uint8_t *payload,
			     size_t cap)
{
	(void)state;
	return g711_encode(alaw_encode_table, pcm, samples < cap ? samples : cap, payload);
}

static const struct codec codecs[MEDIA_CODEC_COUNT] = {
	[MEDIA_CODEC_PCMU] =
		{
			.id = MEDIA_CODEC_PCMU,
			.name = "PCMU",
			.clock_hz = 8000,
			.sample_hz = 8000,
			.octets_per_ms = 8,
			.is_sliceable = true,
			.silence_octet = 0xff,
			.duration_rt = g711_duration_rt,
			.decode_rt = pcmu_decode_rt,
			.encode_rt = pcmu_encode_rt,
		},
	[MEDIA_CODEC_PCMA] =
		{
			.id = MEDIA_CODEC_PCMA,
			.name = "PCMA",
			.clock_hz = 8000,
			.sample_hz = 8000,
			.octets_per_ms = 8,
			.is_sliceable = true,
			.silence_octet = 0xd5,
			.duration_rt = g711_duration_rt,
			.decode_rt = pcma_decode_rt,
			.encode_rt = pcma_encode_rt,
		},
};

const struct codec *codec_find(enum media_codec id)
{
	codec_init();
	if ((unsigned)id >= MEDIA_CODEC_COUNT || codecs[id].id == MEDIA_CODEC_NONE)
		return NULL;
	return &codecs[id];
}
