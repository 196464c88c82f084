/* mixer/kernel_loops.h -- the inner loops as plain C, compiled once for every row of the table.
 *
 * Loops over plain arrays with restrict and no exits, so that gcc and clang turn them into vector
 * code for the units that the including file is compiled for. Included by kernel*.c and nobody
 * else; KERNEL_ROW(name, is_supported) is the row.
 */
#ifndef MIXER_KERNEL_LOOPS_H
#define MIXER_KERNEL_LOOPS_H

#include <string.h>

#include "mixer/kernel.h"

static void add_rt(int32_t *restrict sum, const int16_t *restrict pcm, uint32_t samples)
{
	for (uint32_t i = 0; i < samples; i++)
		sum[i] += pcm[i];
}

static void add_sum_rt(int32_t *restrict total, const int32_t *restrict part, uint32_t samples)
{
	for (uint32_t i = 0; i < samples; i++)
		total[i] += part[i];
}

static void minus_rt(const int32_t *restrict sum, const int16_t *restrict own,
		     int32_t *restrict out, uint32_t samples)
{
	for (uint32_t i = 0; i < samples; i++)
		out[i] = sum[i] - own[i];
}

static int32_t clamp16(int32_t v)
{
	v = v > INT16_MAX ? INT16_MAX : v;
	return v < INT16_MIN ? INT16_MIN : v;
}

/* own and out may be one buffer (same index only), so no restrict between them. */
static uint32_t minus_clamp_rt(const int32_t *restrict sum, const int16_t *own, int16_t *out,
			       uint32_t samples)
{
	uint32_t clamped = 0;

	if (!own) {
		for (uint32_t i = 0; i < samples; i++) {
			int32_t v = clamp16(sum[i]);

			clamped += v != sum[i];
			out[i] = (int16_t)v;
		}
		return clamped;
	}
	for (uint32_t i = 0; i < samples; i++) {
		int32_t wide = sum[i] - own[i], v = clamp16(wide);

		clamped += v != wide;
		out[i] = (int16_t)v;
	}
	return clamped;
}

/* 16 bits times 20 bits does not fit 32: the gain is split so that both halves do. */
static uint32_t gain_rt(int16_t *pcm, int32_t gain_q14, uint32_t samples)
{
	int32_t whole = gain_q14 >> 14, part = gain_q14 & 0x3fff;
	uint32_t clamped = 0;

	for (uint32_t i = 0; i < samples; i++) {
		int32_t wide = pcm[i] * whole + ((pcm[i] * part + (1 << 13)) >> 14);
		int32_t v = clamp16(wide);

		clamped += v != wide;
		pcm[i] = (int16_t)v;
	}
	return clamped;
}

static uint32_t peak_rt(const int32_t *sum, uint32_t samples)
{
	uint32_t peak = 0;

	for (uint32_t i = 0; i < samples; i++) {
		uint32_t v = sum[i] < 0 ? 0u - (uint32_t)sum[i] : (uint32_t)sum[i];

		peak = v > peak ? v : peak;
	}
	return peak;
}

static uint64_t energy_rt(const int16_t *pcm, uint32_t samples)
{
	uint64_t energy = 0;

	for (uint32_t i = 0; i < samples; i++)
		energy += (uint32_t)(pcm[i] * pcm[i]);
	return energy;
}

/* G.711: segment and mantissa of a magnitude are exponent and mantissa of the float that it is,
 * which every vector unit can make; magnitudes are exact in it. */
static int32_t segment_mantissa(int32_t magnitude)
{
	float v = (float)magnitude;
	int32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return (bits >> 19) - ((127 + 7) << 4);
}

/* v << by, 0 to 7, in floats: not every vector unit shifts each lane by a count of its own. */
static int32_t shift_left(int32_t v, int32_t by)
{
	int32_t bits = (by + 127) << 23;
	float factor;

	memcpy(&factor, &bits, sizeof(factor));
	return (int32_t)((float)v * factor);
}

static void ulaw_encode_rt(const int16_t *restrict pcm, uint8_t *restrict payload, uint32_t samples)
{
	enum { BIAS = 0x84, CLIP = 32767 - BIAS };

	for (uint32_t i = 0; i < samples; i++) {
		int32_t sign = pcm[i] >> 15, magnitude = pcm[i] ^ sign;

		magnitude = (magnitude > CLIP ? CLIP : magnitude) + BIAS;
		payload[i] = (uint8_t) ~((sign & 0x80) | segment_mantissa(magnitude));
	}
}

static void ulaw_decode_rt(const uint8_t *restrict payload, int16_t *restrict pcm, uint32_t samples)
{
	enum { BIAS = 0x84 };

	for (uint32_t i = 0; i < samples; i++) {
		int32_t code = payload[i] ^ 0xff;
		int32_t magnitude = shift_left(((code & 15) << 3) + BIAS, code >> 4 & 7) - BIAS;

		pcm[i] = (int16_t)(code & 0x80 ? -magnitude : magnitude);
	}
}

static void alaw_encode_rt(const int16_t *restrict pcm, uint8_t *restrict payload, uint32_t samples)
{
	for (uint32_t i = 0; i < samples; i++) {
		int32_t sign = pcm[i] >> 15, magnitude = pcm[i] ^ sign;
		int32_t code = magnitude < 256 ? magnitude >> 4 : segment_mantissa(magnitude);

		payload[i] = (uint8_t)(code ^ (0xd5 ^ (sign & 0x80)));
	}
}

static void alaw_decode_rt(const uint8_t *restrict payload, int16_t *restrict pcm, uint32_t samples)
{
	for (uint32_t i = 0; i < samples; i++) {
		int32_t code = payload[i] ^ 0x55, segment = code >> 4 & 7;
		int32_t least = ((code & 15) << 4) + 8;
		int32_t magnitude = segment ? shift_left(least + 0x100, segment - 1) : least;

		pcm[i] = (int16_t)(code & 0x80 ? magnitude : -magnitude);
	}
}

#define KERNEL_ROW(name, is_supported)                                                             \
	{                                                                                          \
		name, is_supported, add_rt, add_sum_rt, minus_rt, minus_clamp_rt, gain_rt,         \
			peak_rt, energy_rt, ulaw_encode_rt, ulaw_decode_rt, alaw_encode_rt,        \
			alaw_decode_rt                                                             \
	}

#endif
