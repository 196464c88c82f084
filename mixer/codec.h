/* mixer/codec.h -- what the mixer can decode and encode: one table row per enum media_codec.
 *
 * Sound is mono int16_t at sample_hz. Durations on the wire are in units of clock_hz (RFC 3551:
 * G.722 has an 8000 Hz clock and 16000 Hz sound, so the two are kept apart).
 * Stateless codecs have no state sizes and take NULL. A state is one block of memory without
 * pointers to itself: a copy of it (memcpy) goes on where the original stood.
 * Source: ITU-T G.711 (1988), RFC 3551 4.5, RFC 7587 (Opus), RFC 6716 3.2, 4.2.3, 4.3. G.722, GSM
 * 06.10 and G.726 are SpanDSP's, Opus is libopus'. Thread: _rt functions any worker; tables are
 * const.
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
	CODEC_FRAME_OCTETS_MAX = CODEC_SAMPLE_HZ_MAX / 1000 * CODEC_FRAME_MS * 2,
	CODEC_PACKET_OCTETS_MAX = 1280, /* of payload that we send */
	CODEC_JOIN_MAX = 6,             /* frames that join_rt puts together */
	CODEC_JOINED_OCTETS_MAX = 400   /* of each */
};

struct codec_payload {
	const uint8_t *data;
	uint16_t len;
};

struct codec {
	enum media_codec id;
	const char *name;       /* as in a=rtpmap */
	uint32_t clock_hz;      /* RTP timestamp units per second */
	uint32_t sample_hz;     /* of pcm */
	uint16_t octets_per_ms; /* of payload; for constant-rate codecs, else an upper bound */
	uint16_t send_step_ms;  /* what encode_rt wrote may be cut into packets at multiples of
				 * this; 0: it writes frames that only join_rt joins */
	bool is_sliceable; /* stateless, one octet is one clock unit: payload may be cut and joined
			    * at any octet on its way in, too */
	uint8_t silence_octet; /* sliceable codecs: digital silence */
	uint16_t settle_ms;    /* stateful ones: a decoder that missed a part of the stream, and got
				* so much of what follows, sounds as if it had missed nothing */

	size_t (*decoder_size)(void), (*encoder_size)(void); /* NULL: stateless */
	void (*decoder_init)(void *state);
	void (*encoder_init)(void *state, const struct media_opus *opus); /* opus: may be NULL */

	/* Clock units that a payload lasts; 0: not a valid payload. */
	uint32_t (*duration_rt)(const uint8_t *payload, size_t len);
	/* NULL: only the sound tells. Else whether the octets alone say that nothing is heard in
	 * them (softer than about -60 dBov), provided that what came before was as soft. A guess:
	 * who leaves payloads out decodes one now and then. A state that goes by the octets alone
	 * is brought along when they are quiet. */
	bool (*is_quiet_rt)(void *state, const uint8_t *payload, size_t len);
	/* Returns samples written (at most cap). */
	size_t (*decode_rt)(void *state, const uint8_t *payload, size_t len, int16_t *pcm,
			    size_t cap);
	/* Returns octets written (at most cap). */
	size_t (*encode_rt)(void *state, const int16_t *pcm, size_t samples, uint8_t *payload,
			    size_t cap);

	/* NULL: the mixer conceals. Else invents `samples` that are missing, out of the decoder
	 * and, when `next` (the packet behind) is known, the copy that it may carry. False: not
	 * for this length. */
	bool (*conceal_rt)(void *state, const struct codec_payload *next, int16_t *pcm,
			   size_t samples);
	/* send_step_ms 0: one payload of up to CODEC_JOIN_MAX frames; 0: these do not go together.
	 */
	size_t (*join_rt)(const struct codec_payload *frames, size_t count, uint8_t *payload,
			  size_t cap);
};

/* NULL for MEDIA_CODEC_NONE and unknown numbers. */
const struct codec *codec_find(enum media_codec id);

/* Samples of `ms` milliseconds. */
static inline uint32_t codec_samples(const struct codec *codec, uint32_t ms)
{
	return codec->sample_hz / 1000 * ms;
}

/* Two codecs whose packets may follow each other in one stream without a new start. */
bool codec_is_akin(const struct codec *a, const struct codec *b);

/* The packet length nearest below ptime_ms that we send in this codec. */
uint16_t codec_ptime_ms(const struct codec *codec, uint16_t ptime_ms);

/* Of the frames that encode_rt shall make for packets of ptime_ms: 10 or 20. */
uint16_t codec_frame_ms(const struct codec *codec, uint16_t ptime_ms);

/* G.711, one sample. Encoding is the tables' source and bit-exact with ITU-T G.191 (14-bit mu-law,
 * 13-bit A-law: low bits of the 16 are dropped toward the segment below). */
uint8_t codec_ulaw_encode(int16_t sample);
int16_t codec_ulaw_decode(uint8_t octet);
uint8_t codec_alaw_encode(int16_t sample);
int16_t codec_alaw_decode(uint8_t octet);

#endif
