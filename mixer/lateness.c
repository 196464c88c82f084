#include "mixer/lateness.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/attr.h"

/* Design. The windowed minimum comes from half-second buckets: it follows clock drift (0.8 ms
 * behind at 200 ppm) and believes a slower route after four seconds, a faster one at once.
 *
 * The histogram forgets exponentially. Instead of shrinking all bins at each packet, weights grow;
 * all is scaled back long before a float loses precision. The quantile is looked for from the top
 * down, and `top` falls as old weights vanish, so on a good network that is one step.
 *
 * Bins hold absolute transits, seen from `origin`, which follows base in whole bins: when the base
 * moves, no packet changes its meaning. */

enum {
	PACKET_US = 20000, /* FORGET is per so much sound */
	KNOWN_BUCKETS = 4  /* heard for so long, the latest packet says something */
};

#define FORGET 0.992f /* half of it in 1.7 s, all but 2 % in 10 s */
#define WEIGHT_MAX 1e12f
#define TRUST 4.0f       /* packets that were never late, to start with */
#define NEGLIGIBLE 1e-6f /* of the whole */

void lateness_init(struct lateness *l, int64_t target_max_us, int64_t hopeless_us)
{
	*l = (struct lateness){.target_us = LATENESS_BIN_US,
			       .target_max_us = MAX_OF(target_max_us, (int64_t)LATENESS_BIN_US),
			       .hopeless_us = hopeless_us,
			       .weight = 1,
			       .total = TRUST};
	l->bin[0] = TRUST;
}

static void bucket_clear(struct lateness *l, uint32_t i)
{
	l->bucket_min[i] = INT64_MAX;
	l->bucket_max[i] = INT64_MIN;
}

void lateness_start_rt(struct lateness *l, int64_t transit_us, uint64_t arrival_us)
{
	for (uint32_t i = 0; i < LATENESS_BUCKETS; i++)
		bucket_clear(l, i);
	l->bucket_at = 0;
	l->bucket_min[0] = l->bucket_max[0] = transit_us;
	l->bucket_start_us = arrival_us;
	l->base_us = l->origin_us = transit_us;
}

/* The bins seen from an origin that lies `by` bins lower. What falls off stays in the last one. */
static void shift_up(struct lateness *l, uint32_t by)
{
	for (uint32_t i = LATENESS_BINS - by; i < LATENESS_BINS; i++)
		l->bin[LATENESS_BINS - 1 - by] += l->bin[i];
	memmove(l->bin + by, l->bin, (LATENESS_BINS - by) * sizeof(l->bin[0]));
	memset(l->bin, 0, by * sizeof(l->bin[0]));
	l->top = MIN_OF(l->top + by, (uint32_t)LATENESS_BINS - 1);
}

static void shift_down(struct lateness *l, uint32_t by)
{
	for (uint32_t i = 0; i < by; i++)
		l->bin[by] += l->bin[i];
	memmove(l->bin, l->bin + by, (LATENESS_BINS - by) * sizeof(l->bin[0]));
	memset(l->bin + LATENESS_BINS - by, 0, by * sizeof(l->bin[0]));
	l->top -= MIN_OF(l->top, by);
}

static void origin_follow(struct lateness *l)
{
	int64_t shift = (l->base_us - l->origin_us) / LATENESS_BIN_US;
	uint32_t by;

	if (l->base_us < l->origin_us) /* rounds down: origin is never above base */
		shift--;
	if (shift == 0)
		return;
	l->origin_us += shift * LATENESS_BIN_US;
	by = (uint32_t)MIN_OF(shift < 0 ? -shift : shift, LATENESS_BINS - 1);
	if (shift < 0)
		shift_up(l, by);
	else
		shift_down(l, by);
}

static void base_update(struct lateness *l, int64_t transit_us, uint64_t arrival_us)
{
	int64_t since = (int64_t)(arrival_us - l->bucket_start_us), least = INT64_MAX;

	if (since > (LATENESS_BUCKETS + 1) * (int64_t)LATENESS_BUCKET_US) { /* after a pause */
		l->bucket_start_us = arrival_us;
		since = 0;
		for (uint32_t i = 0; i < LATENESS_BUCKETS; i++)
			bucket_clear(l, i);
	}
	for (; since >= LATENESS_BUCKET_US; since -= LATENESS_BUCKET_US) {
		l->bucket_at = (l->bucket_at + 1) % LATENESS_BUCKETS;
		bucket_clear(l, l->bucket_at);
		l->bucket_start_us += LATENESS_BUCKET_US;
	}
	l->bucket_min[l->bucket_at] = MIN_OF(l->bucket_min[l->bucket_at], transit_us);
	for (uint32_t i = 0; i < LATENESS_BUCKETS; i++)
		least = MIN_OF(least, l->bucket_min[i]);
	l->base_us = least;
	origin_follow(l);
}

/* Transit of the latest packet in the window; INT64_MAX: not heard for long enough to tell. */
static int64_t latest(const struct lateness *l)
{
	int64_t most = INT64_MIN;
	uint32_t known = 0;

	for (uint32_t i = 0; i < LATENESS_BUCKETS; i++) {
		known += l->bucket_max[i] != INT64_MIN;
		most = MAX_OF(most, l->bucket_max[i]);
	}
	return known < KNOWN_BUCKETS ? INT64_MAX : most;
}

static void target_update(struct lateness *l)
{
	float tail = 0, limit = l->total * LATENESS_TAIL;
	int64_t target;
	uint32_t i;

	while (l->top > 0 && l->bin[l->top] < l->total * NEGLIGIBLE)
		l->bin[l->top--] = 0;
	for (i = l->top; i > 0; i--) {
		tail += l->bin[i];
		if (tail > limit)
			break;
	}
	target = MIN_OF(l->origin_us + (int64_t)(i + 1) * LATENESS_BIN_US, latest(l)) - l->base_us +
		 LATENESS_GUARD_US;
	l->target_us = MIN_OF(target, l->target_max_us);
}

static void scale_back(struct lateness *l)
{
	l->total = 0;
	for (uint32_t i = 0; i < LATENESS_BINS; i++) {
		l->bin[i] /= l->weight;
		l->total += l->bin[i];
	}
	l->weight = 1;
}

void lateness_add_rt(struct lateness *l, int64_t transit_us, uint64_t arrival_us,
		     uint32_t length_us)
{
	float share = (float)length_us / PACKET_US;
	int64_t bin;

	base_update(l, transit_us, arrival_us);
	if (transit_us - l->base_us > l->hopeless_us)
		return;
	l->bucket_max[l->bucket_at] = MAX_OF(l->bucket_max[l->bucket_at], transit_us);
	bin = (transit_us - l->origin_us) / LATENESS_BIN_US;
	bin = MIN_OF(bin, LATENESS_BINS - 1);
	assert(bin >= 0); /* transit >= base >= origin */
	l->weight *= 1 + (1 / FORGET - 1) * share;
	l->bin[bin] += l->weight * share;
	l->total += l->weight * share;
	l->top = MAX_OF(l->top, (uint32_t)bin);
	if (l->weight > WEIGHT_MAX)
		scale_back(l);
	target_update(l);
}
