/* mixer/load.h -- how busy a worker is, as control knows it: measured now and then, reckoned on in
 * between.
 *
 * Measured is the time that a worker's thread is awake (worker_counts.busy_ns), since that is what
 * makes ticks late, whatever it is spent on. Legs that came or went since then count with what a
 * leg costs on average, so that a hundred calls of one moment do not all go to the same worker.
 *
 * Units:  microseconds of a second; a core is LOAD_CORE_US.
 * Thread: control. Plain values.
 */
#ifndef MIXER_LOAD_H
#define MIXER_LOAD_H

#include <stdint.h>

enum {
	LOAD_CORE_US = 1000000,
	LOAD_LEG_US = 350, /* a leg, before anything was measured */
	LOAD_LEG_US_MIN = 50,
	LOAD_LEG_US_MAX = 20000
};

struct load {
	uint64_t at_ns, busy_ns; /* of the last measurement; 0: none yet */
	uint32_t busy_us;        /* smoothed over the last ones */
	uint32_t legs;           /* that the worker had then */
};

/* One more measurement: the worker's busy_ns so far, and its legs. Nothing when no time has passed.
 */
void load_measure(struct load *load, uint64_t now_ns, uint64_t busy_ns, uint32_t legs);

/* With so many legs now, of leg_us each. */
uint32_t load_reckon(const struct load *load, uint32_t legs, uint32_t leg_us);

/* What a leg costs, from sums over all workers. */
uint32_t load_leg_us(uint64_t busy_us, uint32_t legs);

#endif
