#include "mixer/codec_priv.h"

#include <string.h>

#include "mixer/kernel.h"

static uint32_t g711_duration_rt(const uint8_t *payload, size_t len)
{
	(void)payload;
	return len <= UINT16_MAX ? (uint32_t)len : 0;
}

static size_t pcmu_decode_rt(void *state, const uint8_t *payload, size_t len, int16_t *pcm,
			     size_t cap)
{
	(void)state;
	len = len < cap ? len : cap;
	kernel_best()->ulaw_decode_rt(payload, pcm, (uint32_t)len);
	return len;
}

static size_t pcma_decode_rt(void *state, const uint8_t *payload, size_t len, int16_t *pcm,
			     size_t cap)
{
	(void)state;
	len = len < cap ? len : cap;
	kernel_best()->alaw_decode_rt(payload, pcm, (uint32_t)len);
	return len;
}

static size_t pcmu_encode_rt(void *state, const int16_t *pcm, size_t samples, uint8_t *payload,
			     size_t cap)
{
	(void)state;
	samples = samples < cap ? samples : cap;
	kernel_best()->ulaw_encode_rt(pcm, payload, (uint32_t)samples);
	return samples;
}

static size_t pcma_encode_rt(void *state, const int16_t *pcm, size_t samples, uint8_t *payload,
			     size_t cap)
{
	(void)state;
	samples = samples < cap ? samples : cap;
	kernel_best()->alaw_encode_rt(pcm, payload, (uint32_t)samples);
	return samples;
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
