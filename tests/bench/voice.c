/* tests/bench/voice.c */
#include "tests/bench/voice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

static const struct voice_format formats[] = {
	{"PCMU", NULL, MEDIA_CODEC_PCMU, 0},
	{"PCMA", NULL, MEDIA_CODEC_PCMA, 8},
	{"G722", NULL, MEDIA_CODEC_G722, 9},
	{"GSM", NULL, MEDIA_CODEC_GSM, 3},
	{"opus", "opus/48000/2", MEDIA_CODEC_OPUS, 96},
	{"G726-32", "G726-32/8000", MEDIA_CODEC_G726_32, 97},
	{"L16/16000", "L16/16000", MEDIA_CODEC_L16_16K, 98},
};

const struct voice_format *voice_format(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

static uint8_t ulaw(double value)
{
	int sample = (int)lrint(value), sign = sample < 0 ? 0x80 : 0, exponent = 7;

	sample = (sample < 0 ? -sample : sample) + 132;
	if (sample > 32767)
		sample = 32767;
	for (int mask = 0x4000; exponent > 0 && !(sample & mask); mask >>= 1)
		exponent--;
	return (uint8_t) ~(sign | exponent << 4 | ((sample >> (exponent + 3)) & 15));
}

static double linear(uint8_t octet)
{
	int u = ~octet & 0xff, value = (((u & 15) << 3) + 132) << ((u >> 4) & 7);

	return (u & 0x80) ? 132 - value : value - 132;
}

static void *state_make(size_t (*size)(void))
{
	return size ? calloc(1, size()) : NULL;
}

/* One second of a tone, from the middle of a longer one: what begins is no long silence yet. */
static void say(const struct voice_format *format, double hz, double amplitude,
		struct voice_packet *out)
{
	const struct codec *codec = codec_find(format->codec);
	uint32_t samples = codec_samples(codec, CODEC_FRAME_MS);
	void *state = state_make(codec->encoder_size);
	int16_t pcm[CODEC_FRAME_SAMPLES_MAX];

	if (codec->encoder_init)
		codec->encoder_init(state, NULL);
	for (uint32_t n = 0; n < 2 * VOICE_PACKETS; n++) {
		uint32_t i = n % VOICE_PACKETS;

		for (uint32_t k = 0; k < samples; k++) {
			double x = amplitude * sin(2 * M_PI * hz * (double)(n * samples + k) /
						   codec->sample_hz);

			pcm[k] = (int16_t)lrint(x);
			if (format->codec == MEDIA_CODEC_PCMU)
				out[i].data[k] = ulaw(x);
		}
		out[i].len = format->codec == MEDIA_CODEC_PCMU
				     ? (uint16_t)samples
				     : (uint16_t)codec->encode_rt(state, pcm, samples, out[i].data,
								  sizeof(out[i].data));
	}
	free(state);
}

struct voice_packet *voice_tones(const struct voice_format *format, double amplitude)
{
	struct voice_packet *tones = calloc(VOICE_TONES * VOICE_PACKETS, sizeof(*tones));

	for (uint32_t i = 0; tones && i < VOICE_TONES; i++)
		say(format, VOICE_TONE_HZ_FIRST + i * VOICE_TONE_HZ_STEP, amplitude,
		    tones + i * VOICE_PACKETS);
	return tones;
}

struct voice_packet *voice_marker(const struct voice_format *format, double hz, double amplitude)
{
	struct voice_packet *packets = calloc(VOICE_PACKETS, sizeof(*packets));

	if (packets)
		say(format, hz, amplitude, packets);
	return packets;
}

struct voice_packet *voice_silence(const struct voice_format *format)
{
	return voice_marker(format, 0, 0);
}

double voice_tone_in(const struct voice_format *format, const struct voice_packet *packets,
		     uint32_t count, double hz)
{
	const struct codec *codec = codec_find(format->codec);
	double c = 2 * cos(2 * M_PI * hz / codec->sample_hz), s1 = 0, s2 = 0;
	void *state = state_make(codec->decoder_size);
	int16_t pcm[CODEC_FRAME_SAMPLES_MAX];
	size_t total = 0;

	if (codec->decoder_init)
		codec->decoder_init(state);
	for (uint32_t i = 0; i < count; i++) {
		size_t samples = format->codec == MEDIA_CODEC_PCMU
					 ? packets[i].len
					 : codec->decode_rt(state, packets[i].data, packets[i].len,
							    pcm, ARRAY_LEN(pcm));

		for (size_t k = 0; k < samples; k++) {
			double x = format->codec == MEDIA_CODEC_PCMU ? linear(packets[i].data[k])
								     : pcm[k];
			double s = x + c * s1 - s2;

			s2 = s1;
			s1 = s;
		}
		total += samples;
	}
	free(state);
	return total ? 2 * sqrt(fabs(s1 * s1 + s2 * s2 - c * s1 * s2)) / (double)total : 0;
}
