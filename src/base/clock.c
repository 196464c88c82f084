/* base/clock.c -- the kernel's clocks and the one that tests move by hand. */
#include "base/clock.h"

#include <assert.h>
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

static char *put(char *at, unsigned n, unsigned digits)
{
	for (unsigned i = digits; i-- > 0; n /= 10)
		at[i] = (char)('0' + n % 10);
	return at + digits;
}

/* Written out by hand: it is in every event and log line, and strftime costs ten times as much. The
 * date is counted in years that begin on 1 March, so that the leap day is the last of its year. */
char *clock_text(uint64_t wall_ms, char out[CLOCK_TEXT_MAX])
{
	const uint64_t last_ms = 253402300799999; /* 9999-12-31T23:59:59.999Z: RFC 3339's last */
	uint64_t ms = wall_ms > last_ms ? last_ms : wall_ms;
	unsigned days = (unsigned)(ms / 86400000) + 719468; /* since 0000-03-01 */
	unsigned era = days / 146097, day = days % 146097;  /* 400 years repeat */
	unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	unsigned of_year = day - (365 * year + year / 4 - year / 100);
	unsigned march = (5 * of_year + 2) / 153; /* months since March */
	unsigned of_day = (unsigned)(ms / 1000 % 86400);
	char *at = put(out, era * 400 + year + (march >= 10), 4);

	*at++ = '-';
	at = put(at, march < 10 ? march + 3 : march - 9, 2);
	*at++ = '-';
	at = put(at, of_year - (153 * march + 2) / 5 + 1, 2);
	*at++ = 'T';
	at = put(at, of_day / 3600, 2);
	*at++ = ':';
	at = put(at, of_day / 60 % 60, 2);
	*at++ = ':';
	at = put(at, of_day % 60, 2);
	*at++ = '.';
	at = put(at, (unsigned)(ms % 1000), 3);
	*at++ = 'Z';
	*at = '\0';
	return out;
}
