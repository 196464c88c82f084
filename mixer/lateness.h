/* mixer/lateness.h -- how late packets of a stream come, against the fastest of the last seconds.
 *
 * transit = arrival - timestamp, in microseconds, of unknown offset. `base_us` is the least transit
 * lately: the path at its best. lateness = transit - base. `target_us` is the lateness that all but
 * LATENESS_TAIL of the packets stay below: what a jitter buffer must bridge. It is counted in whole
 * milliseconds, but never more than what the latest packet of the last seconds needed: on a quiet
 * network that is a fraction of one.
 *
 * Thread: the leg's worker. Plain value, 2.3 KiB, no allocation. Cost per packet: constant.
 */
#ifndef MIXER_LATENESS_H
#define MIXER_LATENESS_H

#include <stdint.h>

enum {
	LATENESS_BIN_US = 1000,
	LATENESS_BINS = 512, /* what is later counts in the last one */
	LATENESS_BUCKETS = 8,
	LATENESS_BUCKET_US = 500000, /* base looks back 8 of these */
	LATENESS_GUARD_US = 300      /* so that drift is met before it makes an underrun */
};

#define LATENESS_TAIL 0.02f

struct lateness {
	int64_t base_us;   /* read these two */
	int64_t target_us; /* at least LATENESS_GUARD_US, at most target_max_us */

	int64_t target_max_us, hopeless_us; /* private from here on */
	int64_t origin_us;                  /* left edge of bin 0: base, or less than a bin below */
	int64_t bucket_min[LATENESS_BUCKETS], bucket_max[LATENESS_BUCKETS]; /* of the transit */
	uint64_t bucket_start_us;
	uint32_t bucket_at;
	uint32_t top; /* highest bin in use */
	float weight, total;
	float bin[LATENESS_BINS];
};

/* target_max_us: the target is never above. hopeless_us: packets later than that are not counted,
 * as no delay that we allow would save them. */
void lateness_init(struct lateness *lateness, int64_t target_max_us, int64_t hopeless_us);

/* A new time line begins with this transit; what was learnt about lateness stays. */
void lateness_start_rt(struct lateness *lateness, int64_t transit_us, uint64_t arrival_us);

/* One packet of length_us of sound (forgetting goes by time, not by packet rate). Arrivals may be
 * slightly out of order. Call lateness_start_rt before the first. */
void lateness_add_rt(struct lateness *lateness, int64_t transit_us, uint64_t arrival_us,
		     uint32_t length_us);

#endif
