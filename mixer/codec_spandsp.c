/* mixer/codec_spandsp.c -- G.722, GSM 06.10 and G.726 as SpanDSP does them, in memory of ours.
 *
 * SpanDSP's init functions take memory of the caller and then neither allocate nor log; its states
 * are flat. Their sizes come from its "private" headers, which it installs for this purpose. */
#include "mixer/codec_priv.h"

#include <string.h>

#include <spandsp/telephony.h> /* first: the others need it */

#include <spandsp/bitstream.h>
#include <spandsp/g722.h>
#include <spandsp/g726.h>
#include <spandsp/gsm0610.h>
#include <spandsp/private/bitstream.h>
#include <spandsp/private/g722.h>
#include <spandsp/private/g726.h>
#include <spandsp/private/gsm0610.h>

#include "base/attr.h"

/* G.722 at 64 kbit/s: an octet is two samples, and one unit of its 8000 Hz clock. */

static size_t g722_decoder_size(void)
{
	return sizeof(g722_decode_state_t);
}

static size_t g722_encoder_size(void)
{
	return sizeof(g722_encode_state_t);
}

static void g722_decoder_init(void *state)
{
	(void)g722_decode_init(state, 64000, 0);
}

static void g722_encoder_init(void *state, const struct media_opus *opus)
{
	(void)opus;
	(void)g722_encode_init(state, 64000, 0);
}

static uint32_t g722_duration_rt(const uint8_t *payload, size_t len)
{
	(void)payload;
	return len <= UINT16_MAX ? (uint32_t)len : 0;
}

static size_t g722_decode_rt(void *state, const uint8_t *payload, size_t len, int16_t *pcm,
			     size_t cap)
{
	len = MIN_OF(len, cap / 2);
	return (size_t)g722_decode(state, pcm, payload, (int)len);
}

static size_t g722_encode_rt(void *state, const int16_t *pcm, size_t samples, uint8_t *payload,
			     size_t cap)
{
	samples = MIN_OF(samples & ~(size_t)1, cap * 2);
	return (size_t)g722_encode(state, payload, pcm, (int)samples);
}

const struct codec codec_g722 = {
	.id = MEDIA_CODEC_G722,
	.name = "G722",
	.clock_hz = 8000,
	.sample_hz = 16000,
	.octets_per_ms = 8,
	.send_step_ms = 1,
	.decoder_size = g722_decoder_size,
	.encoder_size = g722_encoder_size,
	.decoder_init = g722_decoder_init,
	.encoder_init = g722_encoder_init,
	.duration_rt = g722_duration_rt,
	.decode_rt = g722_decode_rt,
	.encode_rt = g722_encode_rt,
};

/* GSM full rate: frames of 33 octets and 20 ms. */

enum { GSM_OCTETS = 33, GSM_SAMPLES = 160 };

static size_t gsm_size(void)
{
	return sizeof(gsm0610_state_t);
}

static void gsm_decoder_init(void *state)
{
	(void)gsm0610_init(state, GSM0610_PACKING_VOIP);
}

static void gsm_encoder_init(void *state, const struct media_opus *opus)
{
	(void)opus;
	gsm_decoder_init(state);
}

static uint32_t gsm_duration_rt(const uint8_t *payload, size_t len)
{
	if (len == 0 || len % GSM_OCTETS != 0 || payload[0] >> 4 != 0xd) /* its signature */
		return 0;
	return (uint32_t)(len / GSM_OCTETS * GSM_SAMPLES);
}

static size_t gsm_decode_rt(void *state, const uint8_t *payload, size_t len, int16_t *pcm,
			    size_t cap)
{
	size_t frames = MIN_OF(len / GSM_OCTETS, cap / GSM_SAMPLES);

	return (size_t)gsm0610_decode(state, pcm, payload, (int)(frames * GSM_OCTETS));
}

static size_t gsm_encode_rt(void *state, const int16_t *pcm, size_t samples, uint8_t *payload,
			    size_t cap)
{
	size_t frames = MIN_OF(samples / GSM_SAMPLES, cap / GSM_OCTETS);

	return (size_t)gsm0610_encode(state, payload, pcm, (int)(frames * GSM_SAMPLES));
}

const struct codec codec_gsm = {
	.id = MEDIA_CODEC_GSM,
	.name = "GSM",
	.clock_hz = 8000,
	.sample_hz = 8000,
	.octets_per_ms = 2, /* 1.65 */
	.send_step_ms = 20,
	.decoder_size = gsm_size,
	.encoder_size = gsm_size,
	.decoder_init = gsm_decoder_init,
	.encoder_init = gsm_encoder_init,
	.duration_rt = gsm_duration_rt,
	.decode_rt = gsm_decode_rt,
	.encode_rt = gsm_encode_rt,
};

/* G.726 at 32 kbit/s: two samples an octet, the first in the low bits (RFC 3551 4.5.4). */

static size_t g726_size(void)
{
	return sizeof(g726_state_t);
}

static void g726_decoder_init(void *state)
{
	(void)g726_init(state, 32000, G726_ENCODING_LINEAR, G726_PACKING_RIGHT);
}

static void g726_encoder_init(void *state, const struct media_opus *opus)
{
	(void)opus;
	g726_decoder_init(state);
}

static uint32_t g726_duration_rt(const uint8_t *payload, size_t len)
{
	(void)payload;
	return len <= UINT16_MAX / 2 ? (uint32_t)(2 * len) : 0;
}

static size_t g726_decode_rt(void *state, const uint8_t *payload, size_t len, int16_t *pcm,
			     size_t cap)
{
	len = MIN_OF(len, cap / 2);
	return (size_t)g726_decode(state, pcm, payload, (int)len);
}

static size_t g726_encode_rt(void *state, const int16_t *pcm, size_t samples, uint8_t *payload,
			     size_t cap)
{
	samples = MIN_OF(samples & ~(size_t)1, cap * 2);
	return (size_t)g726_encode(state, payload, pcm, (int)samples);
}

const struct codec codec_g726_32 = {
	.id = MEDIA_CODEC_G726_32,
	.name = "G726-32",
	.clock_hz = 8000,
	.sample_hz = 8000,
	.octets_per_ms = 4,
	.send_step_ms = 1,
	.decoder_size = g726_size,
	.encoder_size = g726_size,
	.decoder_init = g726_decoder_init,
	.encoder_init = g726_encoder_init,
	.duration_rt = g726_duration_rt,
	.decode_rt = g726_decode_rt,
	.encode_rt = g726_encode_rt,
};
