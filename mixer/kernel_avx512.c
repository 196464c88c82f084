/* mixer/kernel_avx512.c -- the loops for 512-bit vectors. Compiled with flags of its own
 * (CMakeLists.txt). */
#include "mixer/kernel_loops.h"
#include "mixer/kernel_priv.h"

const struct kernel kernel_avx512 = KERNEL_ROW("avx512", kernel_has_avx512);
