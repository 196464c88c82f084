/* base/clock.c -- the kernel's clocks and the one that tests move by hand. */
#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

static uint64_t read_ns(clockid_t id)
{
	struct timespec ts;
	int rc = clock_gettime(id, &ts);

	assert(rc == 0); /* both clocks exist on every Linux */
	(void)rc;
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t system_mono_ns(void *ctx)
{
	(void)ctx;
	return read_ns(CLOCK_MONOTONIC);
}

static uint64_t system_wall_ms(void *ctx)
{
	(void)ctx;
	return read_ns(CLOCK_REALTIME) / 1000000;
}

struct clock clock_system(void)
{
	return (struct clock){.mono_ns = system_mono_ns, .wall_ms = system_wall_ms};
}

static uint64_t virtual_mono_ns(void *ctx)
{
	const struct clock_virtual *v = ctx;

	return v->mono_ns;
}

static uint64_t virtual_wall_ms(void *ctx)
{
	const struct clock_virtual *v = ctx;

	return v->wall_ms_at_zero + v->mono_ns / 1000000;
}

struct clock clock_virtual(struct clock_virtual *v)
{
	return (struct clock){.mono_ns = virtual_mono_ns, .wall_ms = virtual_wall_ms, .ctx = v};
}

char *clock_text(uint64_t wall_ms, char out[CLOCK_TEXT_MAX])
{
	const uint64_t last_ms = 253402300799999; /* 9999-12-31T23:59:59.999Z: RFC 3339's last */
	time_t seconds;
	struct tm tm;

	if (wall_ms > last_ms)
		wall_ms = last_ms;
	seconds = (time_t)(wall_ms / 1000);
	(void)gmtime_r(&seconds, &tm);
	(void)strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + 19, CLOCK_TEXT_MAX - 19, ".%03uZ", (unsigned)(wall_ms % 1000));
	return out;
}
