/* mixer/kernel_priv.h -- rows of the kernel table that are compiled in files of their own.
 * Only kernel*.c include this. */
#ifndef MIXER_KERNEL_PRIV_H
#define MIXER_KERNEL_PRIV_H

#include "mixer/kernel.h"

/* In kernel.c, which is compiled for any CPU. */
bool kernel_has_avx2(void);
bool kernel_has_avx512(void);
bool kernel_has_neon(void); /* always, where it is compiled */

extern const struct kernel kernel_avx2, kernel_avx512, kernel_neon;

#endif
