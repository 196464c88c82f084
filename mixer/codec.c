#include "mixer/codec_priv.h"

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

/* L16: samples in network order. ------------------------------------------------------------ */

static uint32_t l16_duration_rt(const uint8_t *payload, size_t len)
{
	(void)payload;
	return len <= UINT16_MAX && len % 2 == 0 ? (uint32_t)(len / 2) : 0;
}

static size_t l16_decode_rt(void *state, const uint8_t *payload, size_t len, int16_t *pcm,
			    size_t cap)
{
	size_t samples = len / 2 < cap ? len / 2 : cap;

	(void)state;
	for (size_t i = 0; i < samples; i++)
		pcm[i] = (int16_t)(payload[2 * i] << 8 | payload[2 * i + 1]);
	return samples;
}

static size_t l16_encode_rt(void *state, const int16_t *pcm, size_t samples, uint8_t *payload,
			    size_t cap)
{
	(void)state;
	samples = samples < cap / 2 ? samples : cap / 2;
	for (size_t i = 0; i < samples; i++) {
		payload[2 * i] = (uint8_t)((uint16_t)pcm[i] >> 8);
		payload[2 * i + 1] = (uint8_t)pcm[i];
	}
	return 2 * samples;
}

#define L16_ROW(row, hz)                                                                           \
	[row] = {                                                                                  \
		.id = row,                                                                         \
		.name = "L16",                                                                     \
		.clock_hz = hz,                                                                    \
		.sample_hz = hz,                                                                   \
		.octets_per_ms = hz / 500,                                                         \
		.send_step_ms = 1,                                                                 \
		.duration_rt = l16_duration_rt,                                                    \
		.decode_rt = l16_decode_rt,                                                        \
		.encode_rt = l16_encode_rt,                                                        \
	}

static const struct codec codecs[MEDIA_CODEC_COUNT] = {
	[MEDIA_CODEC_PCMU] =
		{
			.id = MEDIA_CODEC_PCMU,
			.name = "PCMU",
			.clock_hz = 8000,
			.sample_hz = 8000,
			.octets_per_ms = 8,
			.send_step_ms = 1,
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
			.send_step_ms = 1,
			.is_sliceable = true,
			.silence_octet = 0xd5,
			.duration_rt = g711_duration_rt,
			.decode_rt = pcma_decode_rt,
			.encode_rt = pcma_encode_rt,
		},
	L16_ROW(MEDIA_CODEC_L16_8K, 8000),
	L16_ROW(MEDIA_CODEC_L16_16K, 16000),
	L16_ROW(MEDIA_CODEC_L16_48K, 48000),
};

const struct codec *codec_find(enum media_codec id)
{
	codec_init();
	switch (id) {
	case MEDIA_CODEC_G722:
		return &codec_g722;
	case MEDIA_CODEC_GSM:
		return &codec_gsm;
	case MEDIA_CODEC_G726_32:
		return &codec_g726_32;
	case MEDIA_CODEC_OPUS:
		return &codec_opus;
	default:
		break;
	}
	if ((unsigned)id >= MEDIA_CODEC_COUNT || codecs[id].id == MEDIA_CODEC_NONE)
		return NULL;
	return &codecs[id];
}

bool codec_is_akin(const struct codec *a, const struct codec *b)
{
	return a == b || (a->is_sliceable && b->is_sliceable && a->clock_hz == b->clock_hz &&
			  a->sample_hz == b->sample_hz);
}

uint16_t codec_ptime_ms(const struct codec *codec, uint16_t ptime_ms)
{
	uint16_t step = codec->send_step_ms > 10 ? codec->send_step_ms : 10, max = ptime_ms;

	if (codec->send_step_ms && codec->octets_per_ms * ptime_ms > CODEC_PACKET_OCTETS_MAX)
		max = CODEC_PACKET_OCTETS_MAX / codec->octets_per_ms;
	max = (uint16_t)(max - max % step);
	return max < step ? step : max;
}

uint16_t codec_frame_ms(const struct codec *codec, uint16_t ptime_ms)
{
	return codec->send_step_ms == 0 && ptime_ms / 10 % 2 ? 10 : CODEC_FRAME_MS;
}
