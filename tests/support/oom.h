/* tests/support/oom.h -- memory that runs out, for tests.
 *
 * An executable that links hearth_oom has its malloc, calloc and realloc (those of our own objects,
 *not of libc) behind a counter. A test runs the same steps again and again and lets another
 *allocation fail each time, until a run needs no more of them:
 *
 *	for (uint32_t at = 0; oom_sweep(at, is_lasting); at++) {
 *		... the steps; nothing but success or -ENOMEM may come of them ...
 *		oom_end();
 *		... what must hold; free ...
 *	}
 *
 * Leaks show under the asan preset. Thread: one.
 */
#ifndef TESTS_SUPPORT_OOM_H
#define TESTS_SUPPORT_OOM_H

#include <stdbool.h>
#include <stdint.h>

enum { OOM_SWEEP_MAX = 5000 }; /* more runs than any test needs: the test aborts */

/* Lets allocation number `at` from here on fail; with is_lasting those after it, too. False: the
 * run before this one had no failure any more, the sweep is complete (nothing is armed then). */
bool oom_sweep(uint32_t at, bool is_lasting);
/* Memory is there again. */
void oom_end(void);

#endif
