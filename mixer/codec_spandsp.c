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

enum { G722_LOW_QUIET = 4800, G722_HIGH_QUIET = 8500 }; /* noise of -62 dBov or so */

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

/* The scale of both quantizers goes by the octets alone (ITU-T G.722, blocks 3L and 3H), so it is
 * known without the rest of the decoder: eight steps of it for an octet, not hundreds. While it is
 * small, the sound can hardly be more. */
static bool g722_is_quiet_rt(void *state, const uint8_t *payload, size_t len)
{
	static const int16_t low_step[16] = {-60,  3042, 1198, 538, 334, 172, 58,  -30,
					     3042, 1198, 538,  334, 172, 58,  -30, -60};
	static const int16_t high_step[4] = {798, -214, 798, -214};
	g722_decode_state_t *decoder = state;
	int32_t low = decoder->band[0].nb, high = decoder->band[1].nb;
	int32_t low_most = 0, high_most = 0;

	for (size_t i = 0; i < len; i++) {
		low = MAX_OF((low * 127 >> 7) + low_step[payload[i] >> 2 & 15], 0);
		high = MAX_OF((high * 127 >> 7) + high_step[payload[i] >> 6], 0);
		low_most = MAX_OF(low_most, low);
		high_most = MAX_OF(high_most, high);
	}
	if (low_most > G722_LOW_QUIET || high_most > G722_HIGH_QUIET)
		return false;
	decoder->band[0].nb = (int16_t)low;
	decoder->band[1].nb = (int16_t)high;
	return true;
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
	.settle_ms = 400,
	.decoder_size = g722_decoder_size,
	.encoder_size = g722_encoder_size,
	.decoder_init = g722_decoder_init,
	.encoder_init = g722_encoder_init,
	.duration_rt = g722_duration_rt,
	.is_quiet_rt = g722_is_quiet_rt,
	.decode_rt = g722_decode_rt,
	.encode_rt = g722_encode_rt,
};

/* GSM full rate: frames of 33 octets and 20 ms. */

enum {
	GSM_OCTETS = 33,
	GSM_SAMPLES = 160,
	GSM_PARTS_AT = 5,
	GSM_PART_OCTETS = 7,
	GSM_QUIET = 1 /* of its 64 steps */
};

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

/* The largest sample of each fourth of a frame stands in it (ETSI EN 300 961 table 1.1). */
static bool gsm_is_quiet_rt(void *state, const uint8_t *payload, size_t len)
{
	(void)state;
	for (size_t at = 0; at + GSM_OCTETS <= len; at += GSM_OCTETS)
		for (size_t part = GSM_PARTS_AT; part < GSM_OCTETS; part += GSM_PART_OCTETS) {
			const uint8_t *octets = payload + at + part;

			if (((octets[1] & 0x1f) << 1 | octets[2] >> 7) > GSM_QUIET)
				return false;
		}
	return true;
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
	.settle_ms = 80,
	.decoder_size = gsm_size,
	.encoder_size = gsm_size,
	.decoder_init = gsm_decoder_init,
	.encoder_init = gsm_encoder_init,
	.duration_rt = gsm_duration_rt,
	.is_quiet_rt = gsm_is_quiet_rt,
	.decode_rt = gsm_decode_rt,
	.encode_rt = gsm_encode_rt,
};

/* G.726 at 32 kbit/s: two samples an octet, the first in the low bits (RFC 3551 4.5.4). */

enum { G726_SCALE_MIN = 544, G726_QUIET = 1500 };

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

/* The scale follows the codes (ITU-T G.726 2.4): here its fast part, which forgets within 4 ms. */
static bool g726_is_quiet_rt(void *state, const uint8_t *payload, size_t len)
{
	static const int16_t step[16] = {-12,  18,  41,  64,  112, 198, 355, 1122,
					 1122, 355, 198, 112, 64,  41,  18,  -12};
	int32_t scale = G726_SCALE_MIN, most = 0;

	(void)state;
	for (size_t i = 0; i < 2 * len; i++) {
		int32_t target = step[payload[i / 2] >> 4 * (i % 2) & 15] * 32;

		scale = MAX_OF(scale + ((target - scale) >> 5), G726_SCALE_MIN);
		most = MAX_OF(most, scale);
	}
	return most <= G726_QUIET;
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
	.settle_ms = 400,
	.decoder_size = g726_size,
	.encoder_size = g726_size,
	.decoder_init = g726_decoder_init,
	.encoder_init = g726_encoder_init,
	.duration_rt = g726_duration_rt,
	.is_quiet_rt = g726_is_quiet_rt,
	.decode_rt = g726_decode_rt,
	.encode_rt = g726_encode_rt,
};
