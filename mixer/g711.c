/* mixer/g711.c -- one sample of G.711. */
#include "mixer/codec.h"

/* Design. G.711 is worked out and not looked up: with vector units (kernel.h) that is a fifth of
 * the instructions, and no table takes room in the first-level cache. Its functions for one sample
 * are the yardstick of the kernels, and themselves checked for all inputs against SpanDSP's. */

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
