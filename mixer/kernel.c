#include "mixer/kernel.h"

#include <math.h>
#include <stddef.h>

#include "base/attr.h"
#include "mixer/kernel_loops.h"
#include "mixer/kernel_priv.h"

/* Design. The loops of kernel_loops.h are compiled for several vector units; a row per unit, the
 * widest first, and the one that every CPU of the build's target can run last. All rows compute
 * the same bits, which the test checks on the same vectors. NEON belongs to every 64-bit ARM; its
 * row differs from the plain one by -O3, at which compilers make vector code of loops. Intrinsics
 * were not needed: gcc and clang vectorise all eleven loops. */

static bool always(void)
{
	return true;
}

#ifdef HEARTH_X86
bool kernel_has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

bool kernel_has_avx512(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl");
}
#endif

#ifdef HEARTH_NEON
bool kernel_has_neon(void)
{
	return true;
}
#endif

static const struct kernel plain = KERNEL_ROW("plain", always);

static const struct kernel *const rows[] = {
#ifdef HEARTH_X86
	&kernel_avx512,
	&kernel_avx2,
#endif
#ifdef HEARTH_NEON
	&kernel_neon,
#endif
	&plain,
};

const struct kernel *kernel_best(void)
{
	const struct kernel *const *row = rows;

	while (!(*row)->is_supported()) /* the last one always is */
		row++;
	return *row;
}

uint32_t kernel_rows(const struct kernel *const **ret_rows)
{
	*ret_rows = rows;
	return ARRAY_LEN(rows);
}

int32_t kernel_gain_q14(int32_t gain_cdb)
{
	double gain;

	if (gain_cdb <= -6000)
		return 0;
	gain = pow(10, gain_cdb / 2000.0) * KERNEL_GAIN_UNITY_Q14;
	return gain >= KERNEL_GAIN_MAX_Q14 ? KERNEL_GAIN_MAX_Q14 : (int32_t)lrint(gain);
}
