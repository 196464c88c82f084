/* mixer/kernel_avx2.c -- the loops for 256-bit vectors. Compiled with flags of its own
 * (CMakeLists.txt). */
#include "mixer/kernel_loops.h"
#include "mixer/kernel_priv.h"

const struct kernel kernel_avx2 = KERNEL_ROW("avx2", kernel_has_avx2);
