/* tests/support/check_plain.c -- the functions of check.h without CUnit, and a main that runs one
 * suite: for programs that are compiled for another machine, where there is no CUnit.
 *
 * Compiled with CHECK_PLAIN and SUITE=suite_NAME.
 */
#include <math.h>
#include <stdio.h>

#include "tests/support/check.h"

void SUITE(void);

static unsigned passed, failed, checks, faults; /* the last two of the present test */
static const char *suite;

static bool note(const char *row, bool held, const char *what, int line)
{
	checks++;
	if (!held)
		printf("FAIL %s [%s]: %s (line %d)\n", suite, row ? row : "", what, line);
	faults += !held;
	return held;
}

bool check_true(const char *row, bool held, const char *what, const char *file, int line)
{
	(void)file;
	return note(row, held, what, line);
}

bool check_int(const char *row, int64_t got, int64_t want, const char *what, const char *file,
	       int line)
{
	(void)file;
	return note(row, got == want, what, line);
}

bool check_slice(const char *row, struct slice got, struct slice want, const char *what,
		 const char *file, int line)
{
	(void)file;
	return note(row, slice_eq(got, want), what, line);
}

bool check_near(const char *row, double got, double want, double tolerance, const char *what,
		const char *file, int line)
{
	(void)file;
	return note(row, fabs(got - want) <= tolerance, what, line);
}

void check_suite(const char *name)
{
	suite = name;
}

void check_test(const char *name, void (*run)(void))
{
	checks = faults = 0;
	run();
	if (checks && !faults) {
		passed++;
		return;
	}
	failed++;
	printf("FAIL %s.%s: %u of %u checks\n", suite, name, faults, checks);
}

int main(void)
{
	SUITE();
	printf("%s: %u passed, %u failed\n", suite, passed, failed);
	return failed ? 1 : 0;
}
