/* tests/unit/mixer/test_kernel.c */
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/random.h"
#include "mixer/codec.h"
#include "mixer/kernel.h"
#include "tests/support/check.h"

enum { LEN_MAX = 333 };

struct vectors {
	int16_t own[LEN_MAX], pcm[LEN_MAX];
	int32_t sum[LEN_MAX];
};

static void vectors_make(struct vectors *v, uint64_t seed)
{
	static const int16_t edges[] = {INT16_MIN, INT16_MIN + 1, -1, 0, 1, INT16_MAX};
	struct random random;

	random_init_seeded(&random, seed);
	for (int i = 0; i < LEN_MAX; i++) {
		v->own[i] = (int16_t)random_u32(&random);
		v->pcm[i] = random_below(&random, 4)
				    ? (int16_t)random_u32(&random)
				    : edges[random_below(&random, ARRAY_LEN(edges))];
		v->sum[i] = (int32_t)random_below(&random, 200000) - 100000;
		if (random_below(&random, 20) == 0)
			v->sum[i] = random_below(&random, 2) ? 32767 + v->own[i]
							     : -32768 + v->own[i];
	}
}

static int64_t clamp(int64_t v, uint32_t *clamped)
{
	int64_t c = v > 32767 ? 32767 : v < -32768 ? -32768 : v;

	*clamped += c != v;
	return c;
}

static void check_row(const struct kernel *row, const struct vectors *v, uint32_t n)
{
	int32_t sum[LEN_MAX + 1], out[LEN_MAX + 1];
	int16_t pcm[LEN_MAX + 1];
	uint32_t clamped = 0, got, wrong = 0, peak = 0;
	uint64_t energy = 0;

	memcpy(sum, v->sum, sizeof(v->sum));
	sum[n] = 12345; /* a guard */
	row->add_rt(sum, v->pcm, n);
	for (uint32_t i = 0; i < n; i++)
		wrong += sum[i] != v->sum[i] + v->pcm[i];
	row->add_sum_rt(sum, v->sum, n);
	for (uint32_t i = 0; i < n; i++)
		wrong += sum[i] != 2 * v->sum[i] + v->pcm[i];
	wrong += sum[n] != 12345;

	out[n] = 12345;
	row->minus_rt(v->sum, v->own, out, n);
	for (uint32_t i = 0; i < n; i++)
		wrong += out[i] != v->sum[i] - v->own[i];
	wrong += out[n] != 12345;

	memcpy(pcm, v->own, sizeof(v->own)); /* out is own */
	pcm[n] = 1234;
	got = row->minus_clamp_rt(v->sum, pcm, pcm, n);
	for (uint32_t i = 0; i < n; i++)
		wrong += pcm[i] != clamp((int64_t)v->sum[i] - v->own[i], &clamped);
	wrong += got != clamped || pcm[n] != 1234;
	clamped = 0;
	got = row->minus_clamp_rt(v->sum, NULL, pcm, n);
	for (uint32_t i = 0; i < n; i++)
		wrong += pcm[i] != clamp(v->sum[i], &clamped);
	wrong += got != clamped || pcm[n] != 1234;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t magnitude = (uint32_t)labs(v->sum[i]);

		peak = MAX_OF(peak, magnitude);
		energy += (uint64_t)((int64_t)v->pcm[i] * v->pcm[i]);
	}
	wrong += row->peak_rt(v->sum, n) != peak;
	wrong += row->energy_rt(v->pcm, n) != energy;
	CHECK_INT(row->name, wrong, 0);
}

static void every_row_computes_the_same(void)
{
	static const uint32_t lengths[] = {0, 1, 7, 8, 15, 16, 31, 80, 160, 320, LEN_MAX};
	const struct kernel *const *rows;
	uint32_t count = kernel_rows(&rows);

	CHECK("the last row is for all", rows[count - 1]->is_supported());
	CHECK_STR(NULL, rows[count - 1]->name, "plain");
	for (uint32_t r = 0; r < count; r++)
		for (uint64_t seed = 1; rows[r]->is_supported() && seed <= 20; seed++) {
			struct vectors v;

			vectors_make(&v, seed);
			for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
				check_row(rows[r], &v, lengths[i]);
		}
}

/* All samples and all octets. */
static void g711_of_every_row(void)
{
	const struct kernel *const *rows;
	uint32_t count = kernel_rows(&rows);
	static int16_t pcm[65536], back[256];
	static uint8_t payload[65536], octets[256];

	for (int i = 0; i < 65536; i++)
		pcm[i] = (int16_t)(i - 32768);
	for (int i = 0; i < 256; i++)
		octets[i] = (uint8_t)i;
	for (uint32_t r = 0; r < count; r++) {
		uint32_t wrong = 0;

		if (!rows[r]->is_supported())
			continue;
		rows[r]->ulaw_encode_rt(pcm, payload, 65536);
		for (int i = 0; i < 65536; i++)
			wrong += payload[i] != codec_ulaw_encode(pcm[i]);
		rows[r]->alaw_encode_rt(pcm, payload, 65536);
		for (int i = 0; i < 65536; i++)
			wrong += payload[i] != codec_alaw_encode(pcm[i]);
		rows[r]->ulaw_decode_rt(octets, back, 256);
		for (int i = 0; i < 256; i++)
			wrong += back[i] != codec_ulaw_decode(octets[i]);
		rows[r]->alaw_decode_rt(octets, back, 256);
		for (int i = 0; i < 256; i++)
			wrong += back[i] != codec_alaw_decode(octets[i]);
		CHECK_INT(rows[r]->name, wrong, 0);
	}
}

static void gain_of_every_row(void)
{
	static const int32_t gains[] = {
		0, 1, 5000, KERNEL_GAIN_UNITY_Q14, 23170, 40000, KERNEL_GAIN_MAX_Q14};
	const struct kernel *const *rows;
	uint32_t count = kernel_rows(&rows);

	for (uint32_t r = 0; r < count; r++)
		for (size_t g = 0; rows[r]->is_supported() && g < ARRAY_LEN(gains); g++) {
			struct vectors v;
			int16_t pcm[LEN_MAX];
			uint32_t clamped = 0, wrong = 0, got;

			vectors_make(&v, g + 1);
			memcpy(pcm, v.pcm, sizeof(pcm));
			got = rows[r]->gain_rt(pcm, gains[g], LEN_MAX);
			for (int i = 0; i < LEN_MAX; i++)
				wrong += pcm[i] !=
					 clamp(((int64_t)v.pcm[i] * gains[g] + 8192) >> 14,
					       &clamped);
			CHECK_INT(rows[r]->name, wrong, 0);
			CHECK_INT(rows[r]->name, got, clamped);
			if (gains[g] == KERNEL_GAIN_UNITY_Q14)
				CHECK("unity changes nothing", !memcmp(pcm, v.pcm, sizeof(pcm)));
		}
}

static void gain_from_cdb(void)
{
	CHECK_INT("0 dB", kernel_gain_q14(0), KERNEL_GAIN_UNITY_Q14);
	CHECK_NEAR("-6.02 dB", kernel_gain_q14(-602), 8192, 1);
	CHECK_INT("+20 dB", kernel_gain_q14(2000), 163840);
	CHECK_INT("-60 dB", kernel_gain_q14(-6000), 0);
	CHECK_INT("below", kernel_gain_q14(-10000), 0);
	CHECK_NEAR("+30 dB", kernel_gain_q14(3000), 31.6228 * 16384, 1);
	CHECK_INT("beyond", kernel_gain_q14(9000), KERNEL_GAIN_MAX_Q14);
}

void suite_kernel(void)
{
	CHECK_SUITE("kernel");
	CHECK_TEST(every_row_computes_the_same);
	CHECK_TEST(g711_of_every_row);
	CHECK_TEST(gain_of_every_row);
	CHECK_TEST(gain_from_cdb);
}
