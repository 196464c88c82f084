/* base/clock.h -- time, handed in.
 *
 * The control plane and the mixer never ask the kernel for the time themselves: they are given a
 * struct clock. Tests give a virtual one and move it by hand. Thread: mono_ns and wall_ms may be
 * called from any thread for the system clock; a virtual clock belongs to one thread.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/slice.h"

struct clock {
	uint64_t (*mono_ns)(void *ctx); /* never goes back; epoch is arbitrary */
	uint64_t (*wall_ms)(void *ctx); /* milliseconds since 1970-01-01 UTC */
	void *ctx;
};

struct clock clock_system(void);

struct clock_virtual {
	uint64_t mono_ns;
	uint64_t wall_ms_at_zero; /* wall time that belongs to mono_ns = 0 */
};

/* `v` is borrowed and must outlive the clock. */
struct clock clock_virtual(struct clock_virtual *v);

static inline uint64_t clock_mono_ns(const struct clock *c)
{
	return c->mono_ns(c->ctx);
}

static inline uint64_t clock_mono_ms(const struct clock *c)
{
	return c->mono_ns(c->ctx) / 1000000;
}

static inline uint64_t clock_wall_ms(const struct clock *c)
{
	return c->wall_ms(c->ctx);
}

/* Reads RFC 3339 5.6: "2026-11-22T19:46:23Z", with a fraction or none, and with an offset
 * ("+01:00") in place of the Z. A leap second counts as the one before. -EINVAL, *ret untouched:
 * anything else, and what lies before 1970. */
int clock_parse(struct slice text, uint64_t *ret_wall_ms);

/* "2026-11-22T19:46:23.123Z" (RFC 3339, UTC) into out[CLOCK_TEXT_MAX]. Returns out. */
enum { CLOCK_TEXT_MAX = 32 };
char *clock_text(uint64_t wall_ms, char out[CLOCK_TEXT_MAX]);

#endif
