/* tests/support/check.c -- CUnit does the bookkeeping; we choose, report and count. */
#include "tests/support/check.h"

#include <CUnit/TestRun.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *program;
static char **filters; /* "suite" or "suite.test"; none: everything */
static int filter_count;
static bool is_verbose;
static const char *suite_name;
static CU_pSuite suite; /* NULL until one of its tests is wanted */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* a test's threads may check too */
static unsigned checks_made, checks_failed;              /* in the test that runs */
static unsigned tests_passed, tests_failed;

static void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program, what, CU_get_error_msg());
	exit(2);
}

/* A failed assert() of the code under test: say at least in which test. */
static void on_abort(int signo)
{
	const CU_pTest test = CU_get_current_test();
	const char *name = test ? test->pName : "?";
	ssize_t n = write(STDERR_FILENO, "aborted in test ", 16);

	n = write(STDERR_FILENO, name, strlen(name));
	n = write(STDERR_FILENO, "\n", 1);
	(void)n;
	(void)signo;
}

void check_begin(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');

	program = slash ? slash + 1 : argv[0];
	if (argc > 1 && strcmp(argv[1], "-v") == 0) {
		is_verbose = true;
		argc--;
		argv++;
	}
	filters = argv + 1;
	filter_count = argc - 1;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)signal(SIGABRT, on_abort);
	if (CU_initialize_registry() != CUE_SUCCESS)
		die("CUnit");
}

void check_suite(const char *name)
{
	suite_name = name;
	suite = NULL;
}

static bool is_wanted(const char *test)
{
	size_t len = strlen(suite_name);

	for (int i = 0; i < filter_count; i++) {
		const char *filter = filters[i];

		if (strncmp(filter, suite_name, len) != 0)
			continue;
		if (filter[len] == '\0' || (filter[len] == '.' && !strcmp(filter + len + 1, test)))
			return true;
	}
	return filter_count == 0;
}

void check_test(const char *name, void (*run)(void))
{
	if (!is_wanted(name))
		return;
	if (!suite)
		suite = CU_add_suite(suite_name, NULL, NULL);
	if (!suite || !CU_add_test(suite, name, run) || CU_get_error() != CUE_SUCCESS)
		die(name); /* also when two share a name */
}

static void on_test_start(const CU_pTest test, const CU_pSuite of)
{
	checks_made = checks_failed = 0;
	if (is_verbose)
		printf("%s.%s\n", of->pName, test->pName);
}

static void on_test_complete(const CU_pTest test, const CU_pSuite of,
			     const CU_pFailureRecord record)
{
	bool was_given_up = record && checks_failed == 0; /* CU_FAIL_FATAL: nothing else tells */

	if (was_given_up)
		printf("FAIL %s.%s gave up: %s\n", of->pName, test->pName, record->strCondition);
	if (checks_made == 0)
		printf("FAIL %s.%s checked nothing\n", of->pName, test->pName);
	if (checks_made == 0 || checks_failed > 0 || was_given_up)
		tests_failed++;
	else
		tests_passed++;
}

int check_end(void)
{
	CU_set_test_start_handler(on_test_start);
	CU_set_test_complete_handler(on_test_complete);
	if (CU_run_all_tests() != CUE_SUCCESS)
		die("run");
	CU_cleanup_registry();
	printf("%s: %u passed, %u failed\n", program, tests_passed, tests_failed);
	if (tests_passed + tests_failed == 0)
		fprintf(stderr, "%s: no test of that name\n", program);
	return tests_failed > 0 || tests_passed == 0;
}

/* Where a check stands, and what was checked. */
struct place {
	const char *row, *what, *file;
	int line;
};

/* `values` is NULL when the check has none to show. */
static bool report(bool held, struct place at, const char *values)
{
	const CU_pTest test = CU_get_current_test();
	const CU_pSuite of = CU_get_current_suite();

	(void)pthread_mutex_lock(&lock);
	checks_made++;
	if (test)
		(void)CU_assertImplementation(held, (unsigned)at.line, at.what, at.file, "",
					      CU_FALSE);
	if (!held) {
		checks_failed++;
		printf("FAIL %s.%s%s%s%s: %s%s%s (%s:%d)\n", of ? of->pName : "?",
		       test ? test->pName : "?", at.row ? " [" : "", at.row ? at.row : "",
		       at.row ? "]" : "", at.what, values ? " " : "", values ? values : "", at.file,
		       at.line);
	}
	(void)pthread_mutex_unlock(&lock);
	return held;
}

bool check_true(const char *row, bool held, const char *what, const char *file, int line)
{
	return report(held, (struct place){row, what, file, line}, NULL);
}

bool check_int(const char *row, int64_t got, int64_t want, const char *what, const char *file,
	       int line)
{
	char values[96];

	(void)snprintf(values, sizeof(values), "is %lld, want %lld", (long long)got,
		       (long long)want);
	return report(got == want, (struct place){row, what, file, line}, values);
}

static char *quoted(struct slice s, char *out, size_t cap)
{
	if (!slice_present(s))
		(void)snprintf(out, cap, "(absent)");
	else
		(void)snprintf(out, cap, "\"%.*s\"", (int)s.len, s.p);
	return out;
}

bool check_slice(const char *row, struct slice got, struct slice want, const char *what,
		 const char *file, int line)
{
	bool held = slice_eq(got, want) && slice_present(got) == slice_present(want);
	char values[4096], is[2000], should[2000];

	if (held)
		return report(true, (struct place){row, what, file, line}, NULL);
	(void)snprintf(values, sizeof(values), "is %s, want %s", quoted(got, is, sizeof(is)),
		       quoted(want, should, sizeof(should)));
	return report(false, (struct place){row, what, file, line}, values);
}

bool check_near(const char *row, double got, double want, double tolerance, const char *what,
		const char *file, int line)
{
	bool held = fabs(got - want) <= tolerance; /* false when either is not a number */
	char values[128];

	(void)snprintf(values, sizeof(values), "is %g, want %g within %g", got, want, tolerance);
	return report(held, (struct place){row, what, file, line}, values);
}
