/* base/clock.c -- the kernel's clocks and the one that tests move by hand. */
#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/attr.h"

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

/* Exactly `digits` of them, from min to max. */
static bool take_number(struct slice *text, size_t digits, uint32_t min, uint32_t max,
			uint32_t *ret)
{
	uint32_t number;

	if (text->len < digits || slice_u32(slice_first(*text, digits), max, &number) ||
	    number < min)
		return false;
	*text = slice_from(*text, digits);
	*ret = number;
	return true;
}

static bool take_char(struct slice *text, const char *either)
{
	if (!text->len || !text->p[0] || !strchr(either, text->p[0]))
		return false;
	*text = slice_from(*text, 1);
	return true;
}

/* Days since 1970-01-01; see clock_text. */
static int64_t days_of(uint32_t year, uint32_t month, uint32_t day)
{
	uint32_t march = (month + 9) % 12, y = month <= 2 ? year - 1 : year;

	return (int64_t)365 * y + y / 4 - y / 100 + y / 400 + (153 * march + 2) / 5 + day - 1 -
	       719468;
}

static uint32_t days_in(uint32_t year, uint32_t month)
{
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (month == 2)
		return is_leap ? 29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

static bool take_date(struct slice *text, int64_t *ret_days)
{
	uint32_t year, month, day;

	if (!take_number(text, 4, 1, 9999, &year) || !take_char(text, "-") ||
	    !take_number(text, 2, 1, 12, &month) || !take_char(text, "-") ||
	    !take_number(text, 2, 1, days_in(year, month), &day))
		return false;
	*ret_days = days_of(year, month, day);
	return true;
}

static bool take_time(struct slice *text, int64_t *ret_ms)
{
	uint32_t hour, minute, second, digit, ms = 0;

	if (!take_number(text, 2, 0, 23, &hour) || !take_char(text, ":") ||
	    !take_number(text, 2, 0, 59, &minute) || !take_char(text, ":") ||
	    !take_number(text, 2, 0, 60, &second))
		return false;
	if (take_char(text, ".")) {
		uint32_t unit = 100;

		if (!take_number(text, 1, 0, 9, &digit))
			return false;
		do {
			ms += digit * unit;
			unit /= 10;
		} while (take_number(text, 1, 0, 9, &digit));
	}
	*ret_ms = (int64_t)((hour * 60 + minute) * 60 + MIN_OF(second, 59U)) * 1000 + ms;
	return true;
}

static bool take_offset(struct slice *text, int64_t *ret_ms)
{
	bool is_behind = text->len && text->p[0] == '-';
	uint32_t hour, minute;

	*ret_ms = 0;
	if (take_char(text, "Zz"))
		return true;
	if (!take_char(text, "+-") || !take_number(text, 2, 0, 23, &hour) ||
	    !take_char(text, ":") || !take_number(text, 2, 0, 59, &minute))
		return false;
	*ret_ms = (is_behind ? -1 : 1) * (int64_t)(hour * 60 + minute) * 60000;
	return true;
}

int clock_parse(struct slice text, uint64_t *ret_wall_ms)
{
	int64_t days, of_day, offset, ms;

	if (!take_date(&text, &days) || !take_char(&text, "Tt ") || !take_time(&text, &of_day) ||
	    !take_offset(&text, &offset) || text.len)
		return -EINVAL;
	ms = days * 86400000 + of_day - offset;
	if (ms < 0)
		return -EINVAL;
	*ret_wall_ms = (uint64_t)ms;
	return 0;
}
