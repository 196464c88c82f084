/* mixer/kernel.h -- the inner loops of mixing, by table: first row that the CPU supports wins.
 *
 * Every row computes the same bits. The last row is plain C.
 * Shape: int16_t mono pcm, int32_t sums (65,536 talkers at full scale fit), any length.
 * Thread: any; the table is const. pcm and sum never overlap.
 */
#ifndef MIXER_KERNEL_H
#define MIXER_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

enum { KERNEL_GAIN_UNITY_Q14 = 1 << 14, KERNEL_GAIN_MAX_Q14 = 32 << 14 /* +30 dB */ };

struct kernel {
	const char *name;
	bool (*is_supported)(void);

	/* sum += pcm */
	void (*add_rt)(int32_t *sum, const int16_t *pcm, uint32_t samples);
	/* total += part (partial sums of other workers) */
	void (*add_sum_rt)(int32_t *total, const int32_t *part, uint32_t samples);
	/* out = sum - own */
	void (*minus_rt)(const int32_t *sum, const int16_t *own, int32_t *out, uint32_t samples);
	/* out = clamp(sum - own); returns the samples clamped. own may be NULL, out may be own. */
	uint32_t (*minus_clamp_rt)(const int32_t *sum, const int16_t *own, int16_t *out,
				   uint32_t samples);
	/* pcm = clamp(pcm * gain), rounded to nearest; returns the samples clamped. gain_q14 0 ..
	 * KERNEL_GAIN_MAX_Q14. */
	uint32_t (*gain_rt)(int16_t *pcm, int32_t gain_q14, uint32_t samples);
	/* Largest magnitude of a sum. */
	uint32_t (*peak_rt)(const int32_t *sum, uint32_t samples);
	/* Sum of squares. */
	uint64_t (*energy_rt)(const int16_t *pcm, uint32_t samples);
	/* G.711, an octet a sample: as codec_ulaw_encode and its kin. */
	void (*ulaw_encode_rt)(const int16_t *pcm, uint8_t *payload, uint32_t samples);
	void (*ulaw_decode_rt)(const uint8_t *payload, int16_t *pcm, uint32_t samples);
	void (*alaw_encode_rt)(const int16_t *pcm, uint8_t *payload, uint32_t samples);
	void (*alaw_decode_rt)(const uint8_t *payload, int16_t *pcm, uint32_t samples);
};

/* The best row for this CPU. */
const struct kernel *kernel_best(void);

/* All rows, for tests and the bench. Returns their count. */
uint32_t kernel_rows(const struct kernel *const **ret_rows);

/* Hundredths of a dB to gain_q14, rounded; -6000 and below give 0, +3000 and above the maximum. */
int32_t kernel_gain_q14(int32_t gain_cdb);

#endif
