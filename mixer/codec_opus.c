/* mixer/codec_opus.c -- Opus (RFC 6716, RFC 7587) by libopus, mono at 48 kHz.
 *
 * Stereo packets are decoded to mono by the decoder itself. The encoder makes frames of 10 or 20 ms
 * and the repacketizer joins them (RFC 6716 3.2), so that listeners of all packet lengths share an
 * encoder. opus_*_init, encode and decode work in the memory given and on the stack alone. */
#include "mixer/codec_priv.h"

#include <assert.h>
#include <stdalign.h>
#include <stddef.h>

#include <opus/opus.h>

#include "base/attr.h"

enum {
	RATE_HZ = 48000,
	CONCEAL_STEP = RATE_HZ / 400, /* 2.5 ms: shortest frame */
	COMPLEXITY = 5,               /* half of the cost of 10, hardly heard in speech */
	LOSS_PERCENT = 10,            /* that copies (FEC) are made for */
	BITRATE_MIN = 6000,
	BITRATE_MAX = 128000,
	FRAMES_MAX = 48,    /* in a packet (RFC 6716 3.2.5) */
	CONFIG_HYBRID = 12, /* modes by number (RFC 6716 3.1): SILK below, */
	CONFIG_CELT = 16,   /* CELT alone from here on */
	TOC_STEREO = 4,
	STILL_OCTETS = 2, /* DTX: a frame of so many octets need not be sent */
	JOINER_OCTETS_MAX = 2048
};

static size_t decoder_size(void)
{
	return (size_t)opus_decoder_get_size(1);
}

static size_t encoder_size(void)
{
	return (size_t)opus_encoder_get_size(1);
}

static void decoder_init(void *state)
{
	(void)opus_decoder_init(state, RATE_HZ, 1);
}

static int bandwidth_of(uint32_t playback_hz)
{
	if (playback_hz == 0 || playback_hz > 24000)
		return OPUS_BANDWIDTH_FULLBAND;
	if (playback_hz > 16000)
		return OPUS_BANDWIDTH_SUPERWIDEBAND;
	if (playback_hz > 12000)
		return OPUS_BANDWIDTH_WIDEBAND;
	return playback_hz > 8000 ? OPUS_BANDWIDTH_MEDIUMBAND : OPUS_BANDWIDTH_NARROWBAND;
}

static void encoder_init(void *state, const struct media_opus *opus)
{
	static const struct media_opus plain;
	uint32_t bitrate;

	opus = opus ? opus : &plain;
	bitrate = opus->bitrate ? opus->bitrate : MEDIA_OPUS_BITRATE;
	bitrate = MAX_OF(MIN_OF(bitrate, (uint32_t)BITRATE_MAX), (uint32_t)BITRATE_MIN);
	(void)opus_encoder_init(state, RATE_HZ, 1, OPUS_APPLICATION_VOIP);
	(void)opus_encoder_ctl(state, OPUS_SET_BITRATE((opus_int32)bitrate));
	(void)opus_encoder_ctl(state, OPUS_SET_COMPLEXITY(COMPLEXITY));
	(void)opus_encoder_ctl(state, OPUS_SET_MAX_BANDWIDTH(bandwidth_of(opus->playback_hz)));
	(void)opus_encoder_ctl(state, OPUS_SET_INBAND_FEC(opus->has_fec));
	(void)opus_encoder_ctl(state, OPUS_SET_PACKET_LOSS_PERC(opus->has_fec ? LOSS_PERCENT : 0));
	(void)opus_encoder_ctl(state, OPUS_SET_DTX(opus->has_dtx));
	(void)opus_encoder_ctl(state, OPUS_SET_VBR(!opus->is_cbr));
}

static uint32_t duration_rt(const uint8_t *payload, size_t len)
{
	int samples = len > 0 && len <= INT16_MAX
			      ? opus_packet_get_nb_samples(payload, (opus_int32)len, RATE_HZ)
			      : 0;

	return samples > 0 ? (uint32_t)samples : 0;
}

/* What the first bits of a frame say. A frame of an octet or none was left out by the sender's DTX
 * (RFC 6716 3.2.1). Frames of SILK, hybrid ones too, begin with a plain bit of voice activity for
 * each 20 ms of each channel (4.2.3); those of CELT with a flag of silence, which takes as many
 * ones as its odds are to 2^15 (4.3). */
static bool frame_is_quiet(uint8_t toc, const uint8_t *frame, size_t len)
{
	uint32_t config = toc >> 3, silk_frames;
	uint32_t activity;

	if (len <= 1)
		return true;
	if (config >= CONFIG_CELT)
		return frame[0] == 0xff && frame[1] >= 0xfe;
	silk_frames = config < CONFIG_HYBRID && config % 4 >= 2 ? config % 4 : 1;
	activity = 0xff00u >> silk_frames;
	if (toc & TOC_STEREO) /* behind the flag of the first channel's copies */
		activity |= (activity & 0xff) >> (silk_frames + 1);
	return (frame[0] & activity & 0xff) == 0;
}

static bool is_quiet_rt(void *state, const uint8_t *payload, size_t len)
{
	const uint8_t *frames[FRAMES_MAX];
	opus_int16 lens[FRAMES_MAX];
	uint8_t toc;
	int count = opus_packet_parse(payload, (opus_int32)len, &toc, frames, lens, NULL);

	(void)state;
	for (int i = 0; i < count; i++)
		if (!frame_is_quiet(toc, frames[i], (size_t)lens[i]))
			return false;
	return count > 0;
}

/* A packet that the decoder refuses still took its time: silence. */
static size_t decode_rt(void *state, const uint8_t *payload, size_t len, int16_t *pcm, size_t cap)
{
	int samples = opus_decode(state, payload, (opus_int32)len, pcm, (int)cap, 0);
	size_t duration;

	if (samples > 0)
		return (size_t)samples;
	duration = MIN_OF((size_t)duration_rt(payload, len), cap);
	for (size_t i = 0; i < duration; i++)
		pcm[i] = 0;
	return duration;
}

static size_t encode_rt(void *state, const int16_t *pcm, size_t samples, uint8_t *payload,
			size_t cap)
{
	opus_int32 len = opus_encode(state, pcm, (int)samples, payload, (opus_int32)cap);

	return len > STILL_OCTETS ? (size_t)len : 0;
}

static bool conceal_rt(void *state, const struct codec_payload *next, int16_t *pcm, size_t samples)
{
	const uint8_t *data = next ? next->data : NULL;
	int got;

	if (samples == 0 || samples % CONCEAL_STEP != 0)
		return false;
	got = opus_decode(state, data, data ? next->len : 0, pcm, (int)samples, data != NULL);
	return got == (int)samples;
}

static size_t join_rt(const struct codec_payload *frames, size_t count, uint8_t *payload,
		      size_t cap)
{
	alignas(max_align_t) uint8_t memory[JOINER_OCTETS_MAX];
	OpusRepacketizer *joiner = (OpusRepacketizer *)(void *)memory;
	opus_int32 len;

	assert((size_t)opus_repacketizer_get_size() <= sizeof(memory));
	(void)opus_repacketizer_init(joiner);
	for (size_t i = 0; i < count; i++)
		if (opus_repacketizer_cat(joiner, frames[i].data, frames[i].len) != OPUS_OK)
			return 0;
	len = opus_repacketizer_out(joiner, payload, (opus_int32)cap);
	return len > 0 ? (size_t)len : 0;
}

const struct codec codec_opus = {
	.id = MEDIA_CODEC_OPUS,
	.name = "opus",
	.clock_hz = RATE_HZ,
	.sample_hz = RATE_HZ,
	.octets_per_ms = BITRATE_MAX / 8000,
	.settle_ms = 80, /* RFC 7845 4.6 */
	.decoder_size = decoder_size,
	.encoder_size = encoder_size,
	.decoder_init = decoder_init,
	.encoder_init = encoder_init,
	.duration_rt = duration_rt,
	.is_quiet_rt = is_quiet_rt,
	.decode_rt = decode_rt,
	.encode_rt = encode_rt,
	.conceal_rt = conceal_rt,
	.join_rt = join_rt,
};
