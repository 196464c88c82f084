/* mixer/codec.h -- what the mixer can decode and encode: one table row per enum media_codec.
 *
 * Sound is mono int16_t at sample_hz. Durations on the wire are in units of clock_hz (RFC 3551:
 * G.722 has an 8000 Hz clock and 16000 Hz sound, so the two are kept apart).
 * Stateless codecs have state sizes of 0 and take NULL.
 * Source: ITU-T G.711 (1988), RFC 3551 4.5.14. Thread: _rt functions any worker; tables are const.
 */
#ifndef MIXER_CODEC_H
#define MIXER_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media.h"

enum {
	CODEC_FRAME_MS = 20,
	CODEC_SAMPLE_HZ_MAX = 48000,
	CODEC_FRAME_SAMPLES_MAX = CODEC_SAMPLE_HZ_MAX / 1000 * MEDIA_PTIME_MS_MAX,
	CODEC_STATE_MAX = 32 * 1024 /* octets of decoder or encoder state, any codec */
};

struct codec {
	enum media_codec id;
	const char *name;       /* as in a=rtpmap */
	uint32_t clock_hz;      /* RTP timestamp units per second */
	uint32_t sample_hz;     /* of pcm */
	uint16_t octets_per_ms; /* of payload; for constant-rate codecs, else an upper bound */
	bool is_sliceable; /* every octet stands for clock_hz / 1000 / octets_per_ms units: payload
			    * may be cut and joined at any octet */
	uint8_t silence_octet; /* sliceable codecs: digital silence */

	size_t decoder_size, encoder_size; /* 0: stateless */
	void (*decoder_init)(void *state);
	void (*encoder_init)(void *state);

	/* Clock units that a payload lasts; 0: not a valid payload. */
	uint32_t (*duration_rt)(const uint8_t *payload, size_t len);
	/* Returns samples written (at most cap). */
	size_t (*decode_rt)(void *state, const uint8_t *payload, size_t len, int16_t *pcm,
			    size_t cap);
	/* Returns octets written (at most cap). */
	size_t (*encode_rt)(void *state, const int16_t *pcm, size_t samples, uint8_t *payload,
			    size_t cap);
};

/* NULL for MEDIA_CODEC_NONE and unknown numbers. */
const struct codec *codec_find(enum media_codec id);

/* G.711, one sample. Encoding is the tables' source and bit-exact with ITU-T G.191 (14-bit mu-law,
 * 13-bit A-law: low bits of the 16 are dropped toward the segment below). */
uint8_t codec_ulaw_encode(int16_t sample);
int16_t codec_ulaw_decode(uint8_t octet);
uint8_t codec_alaw_encode(int16_t sample);
int16_t codec_alaw_decode(uint8_t octet);

/* Fills the encode tables (80 KiB, shared by all). Call once on control before any worker runs;
 * calling again does nothing. codec_find does it too. */
void codec_init(void);

#endif
