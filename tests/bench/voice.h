/* tests/bench/voice.h -- what the legs of the load say, in any codec of the mixer.
 *
 * One second of a tone, or of silence, in 50 packets that are made before and sent round and round.
 * PCMU is encoded by tables of the bench's own, so that a fault of the server's cannot hide itself;
 * the other codecs by the mixer's, for what they cost is asked here and not how they sound.
 */
#ifndef TESTS_BENCH_VOICE_H
#define TESTS_BENCH_VOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "mixer/codec.h"

enum {
	VOICE_PACKETS = 50, /* of a second */
	VOICE_OCTETS_MAX = 640,
	VOICE_TONE_HZ_FIRST = 300,
	VOICE_TONE_HZ_STEP = 10,
	VOICE_TONES = 200
};

struct voice_format {
	const char *name, *rtpmap; /* rtpmap NULL: static */
	enum media_codec codec;
	uint8_t pt;
};

/* "PCMU", "G722", "opus", ...; NULL: unknown. */
const struct voice_format *voice_format(const char *name);

struct voice_packet {
	uint16_t len;
	uint8_t data[VOICE_OCTETS_MAX];
};

/* [VOICE_TONES][VOICE_PACKETS], tone i of VOICE_TONE_HZ_FIRST + i * VOICE_TONE_HZ_STEP. The
 * caller's, by free. NULL: no memory. */
struct voice_packet *voice_tones(const struct voice_format *format, double amplitude);
/* [VOICE_PACKETS] */
struct voice_packet *voice_silence(const struct voice_format *format);
struct voice_packet *voice_marker(const struct voice_format *format, double hz, double amplitude);

/* Amplitude of `hz` in `count` packets that came one after the other. */
double voice_tone_in(const struct voice_format *format, const struct voice_packet *packets,
		     uint32_t count, double hz);

#endif
