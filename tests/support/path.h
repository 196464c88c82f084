/* tests/support/path.h -- a network path for packets, on virtual time and from a seed.
 *
 * Loses, delays, reorders, duplicates and drifts, as its parameters say. Header only.
 */
#ifndef TESTS_SUPPORT_PATH_H
#define TESTS_SUPPORT_PATH_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/random.h"

enum { PATH_FLIGHT_MAX = 512 };

struct path_params {
	uint32_t delay_us;  /* always */
	uint32_t jitter_us; /* uniform from 0 */
	uint32_t loss_pm;   /* of 1000 */
	uint32_t burst;     /* mean length of a loss, 0 and 1: independent */
	uint32_t duplicate_pm;
	uint32_t spike_us,
		spike_pm;  /* now and then much later, and what follows queues behind it */
	int32_t drift_ppm; /* sender's clock: positive is fast */
	bool is_in_order;  /* a queue: no packet overtakes another */
};

struct path_packet {
	uint64_t number;
	uint64_t at_us; /* arrival */
};

struct path {
	struct path_params params;
	struct random random;
	struct path_packet flight[PATH_FLIGHT_MAX];
	uint32_t count;
	bool is_losing;
	uint64_t latest_us;
};

static inline void path_init(struct path *path, const struct path_params *params, uint64_t seed)
{
	memset(path, 0, sizeof(*path));
	path->params = *params;
	random_init_seeded(&path->random, seed);
}

/* When a sender whose clock drifts sends what it means to send at `us`. */
static inline uint64_t path_send_time(const struct path *path, uint64_t us)
{
	return (uint64_t)((int64_t)us - (int64_t)(us / 1000) * path->params.drift_ppm / 1000);
}

static inline bool path_chance(struct path *path, uint32_t pm)
{
	return pm && random_below(&path->random, 1000) < pm;
}

static inline bool path_loses(struct path *path)
{
	const struct path_params *p = &path->params;

	if (p->burst <= 1)
		return path_chance(path, p->loss_pm);
	if (path->is_losing) /* a burst ends with chance 1 / burst */
		path->is_losing = random_below(&path->random, p->burst) != 0;
	else
		path->is_losing = p->loss_pm && random_below(&path->random, 1000 * p->burst) <
							p->loss_pm * 1000 / (1000 - p->loss_pm);
	return path->is_losing;
}

static inline void path_fly(struct path *path, struct path_packet packet, uint64_t at_us)
{
	assert(path->count < PATH_FLIGHT_MAX);
	packet.at_us = at_us;
	path->flight[path->count++] = packet;
}

/* Returns false when the packet is lost. */
static inline bool path_send(struct path *path, struct path_packet packet, uint64_t now_us)
{
	const struct path_params *p = &path->params;
	uint64_t at_us = now_us + p->delay_us;

	if (path_loses(path))
		return false;
	if (p->jitter_us)
		at_us += random_below(&path->random, p->jitter_us);
	if (path_chance(path, p->spike_pm))
		at_us += p->spike_us;
	if (p->is_in_order && at_us < path->latest_us)
		at_us = path->latest_us;
	path->latest_us = at_us > path->latest_us ? at_us : path->latest_us;
	path_fly(path, packet, at_us);
	if (path_chance(path, p->duplicate_pm))
		path_fly(path, packet, at_us + random_below(&path->random, 40000));
	return true;
}

/* The next packet that has arrived by now_us, in order of arrival. */
static inline bool path_arrived(struct path *path, uint64_t now_us, struct path_packet *ret_packet)
{
	uint32_t best = PATH_FLIGHT_MAX;

	for (uint32_t i = 0; i < path->count; i++)
		if (path->flight[i].at_us <= now_us &&
		    (best == PATH_FLIGHT_MAX || path->flight[i].at_us < path->flight[best].at_us))
			best = i;
	if (best == PATH_FLIGHT_MAX)
		return false;
	*ret_packet = path->flight[best];
	path->flight[best] = path->flight[--path->count];
	return true;
}

#endif
