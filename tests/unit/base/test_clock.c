#include "base/clock.h"

#include <errno.h>
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
	/* time() is coarse: for some milliseconds it still tells the second before. */
	CHECK("epoch and unit", (uint64_t)now + 1 >= wall_s && (uint64_t)now + 1 - wall_s < 3600);
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

static void reading(void)
{
	static const struct {
		const char *in;
		int err;
		uint64_t want;
	} rows[] = {
		{"1970-01-01T00:00:00Z", 0, 0},
		{"2026-11-22T19:46:23.123Z", 0, 1795376783123},
		{"2026-11-22T20:46:23.123+01:00", 0, 1795376783123},
		{"2026-11-22t14:16:23.1239999-05:30", 0, 1795376783123},
		{"2000-02-29T23:59:59.5z", 0, 951868799500},
		{"2016-12-31T23:59:60Z", 0, 1483228799000},
		{"9999-12-31T23:59:59.999Z", 0, 253402300799999},
		{"1969-12-31T23:59:59Z", -EINVAL, 0},
		{"2001-02-29T00:00:00Z", -EINVAL, 0},
		{"1900-02-29T00:00:00Z", -EINVAL, 0},
		{"2026-04-31T00:00:00Z", -EINVAL, 0},
		{"2026-13-01T00:00:00Z", -EINVAL, 0},
		{"2026-11-22T24:00:00Z", -EINVAL, 0},
		{"2026-11-22T00:60:00Z", -EINVAL, 0},
		{"2026-11-22T19:46:23", -EINVAL, 0},
		{"2026-11-22T19:46:23.Z", -EINVAL, 0},
		{"2026-11-22T19:46Z", -EINVAL, 0},
		{"2026-11-22T19:46:23ZZ", -EINVAL, 0},
		{"2026-11-22", -EINVAL, 0},
		{" 026-11-22T19:46:23Z", -EINVAL, 0},
		{"", -EINVAL, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t wall_ms = 0;

		CHECK_INT(rows[i].in, clock_parse(slice_of(rows[i].in), &wall_ms), rows[i].err);
		CHECK_INT(rows[i].in, wall_ms, rows[i].want);
	}
}

/* What clock_text writes is read back. */
static void reading_back(void)
{
	uint32_t wrong = 0;

	for (uint64_t ms = 0; ms < 4102444800000; ms += 86400000 - 12345) {
		char out[CLOCK_TEXT_MAX];
		uint64_t back = 1;

		wrong += clock_parse(slice_of(clock_text(ms, out)), &back) || back != ms;
	}
	CHECK_INT("times", wrong, 0);
}

void suite_clock(void)
{
	CHECK_SUITE("clock");
	CHECK_TEST(text_agrees_with_libc);
	CHECK_TEST(virtual_time);
	CHECK_TEST(system_time);
	CHECK_TEST(text);
	CHECK_TEST(reading);
	CHECK_TEST(reading_back);
}
