#include "base/clock.h"

#include <time.h>

#include "base/attr.h"
#include "tests/support/check.h"

static void virtual_time(void)
{
	struct clock_virtual v = {.mono_ns = 5999999, .wall_ms_at_zero = 1000};
	struct clock clock = clock_virtual(&v);

	CHECK_INT(NULL, clock_mono_ns(&clock), 5999999);
	CHECK_INT("rounded down", clock_mono_ms(&clock), 5);
	CHECK_INT(NULL, clock_wall_ms(&clock), 1005);
	v.mono_ns += 1;
	CHECK_INT("moves by hand", clock_mono_ms(&clock), 6);
	CHECK_INT("wall moves along", clock_wall_ms(&clock), 1006);
}

static void system_time(void)
{
	struct clock clock = clock_system();
	uint64_t before = clock_mono_ns(&clock);
	uint64_t wall_s = clock_wall_ms(&clock) / 1000;
	time_t now = time(NULL);

	CHECK("never back", clock_mono_ns(&clock) >= before);
	CHECK("epoch and unit", (uint64_t)now >= wall_s - 1 && (uint64_t)now - wall_s < 3600);
}

static void text(void)
{
	static const struct {
		const char *want;
		uint64_t wall_ms;
	} cases[] = {
		{"1970-01-01T00:00:00.000Z", 0},
		{"2026-11-22T19:46:23.123Z", 1795376783123},
		{"2000-02-29T23:59:59.999Z", 951868799999},
		{"9999-12-31T23:59:59.999Z", 253402300799999},
		{"9999-12-31T23:59:59.999Z", 253402300800000},
		{"9999-12-31T23:59:59.999Z", UINT64_MAX},
	};
	char out[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_STR(cases[i].want, clock_text(cases[i].wall_ms, out), cases[i].want);
}

/* Against libc's own calendar: every day of four centuries, at a time of day that wanders. */
static void text_agrees_with_libc(void)
{
	uint32_t wrong = 0;

	for (uint64_t day = 0; day < 146097; day++) {
		uint64_t ms = day * 86400000 + day * 7919 % 86400000;
		time_t seconds = (time_t)(ms / 1000);
		char want[64], out[CLOCK_TEXT_MAX];
		struct tm tm;

		gmtime_r(&seconds, &tm);
		(void)strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S", &tm);
		wrong += strncmp(clock_text(ms, out), want, 19) != 0;
	}
	CHECK_INT("days", wrong, 0);
}

void suite_clock(void)
{
	CHECK_SUITE("clock");
	CHECK_TEST(text_agrees_with_libc);
	CHECK_TEST(virtual_time);
	CHECK_TEST(system_time);
	CHECK_TEST(text);
}
