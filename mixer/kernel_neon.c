/* mixer/kernel_neon.c -- the loops for the 128-bit vectors of every 64-bit ARM. Compiled with flags
 * of its own (CMakeLists.txt). */
#include "mixer/kernel_loops.h"
#include "mixer/kernel_priv.h"

const struct kernel kernel_neon = KERNEL_ROW("neon", kernel_has_neon);
