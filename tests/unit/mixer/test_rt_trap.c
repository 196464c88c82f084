/* tests/unit/mixer/test_rt_trap.c -- the trap springs, and only where it is set. */
#include "mixer/rt_trap.h"

#include "tests/support/check.h"

#ifdef HEARTH_RT_TRAP

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void *volatile sink; /* keeps the compiler from leaving out what is tested */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void do_nothing(void)
{
}

static void do_malloc(void)
{
	sink = malloc(16);
}

static void do_calloc(void)
{
	sink = calloc(2, 16);
}

static void do_realloc(void)
{
	sink = realloc(sink, 64);
}

static void do_free(void)
{
	free(sink);
}

static void do_posix_memalign(void)
{
	void *p;

	sink = posix_memalign(&p, 64, 64) == 0 ? p : NULL;
}

static void do_lock(void)
{
	pthread_mutex_lock(&mutex);
}

static void do_sleep(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1}, NULL);
}

static void do_fopen(void)
{
	sink = fopen("/dev/null", "r");
}

/* Runs `act` in a child inside the mark; true when it died of SIGABRT. */
static bool aborts(void (*act)(void), bool is_marked)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		(void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		(void)close(STDERR_FILENO); /* the message is expected */
		signal(SIGABRT, SIG_DFL);
		sink = malloc(8);
		if (is_marked)
			rt_trap_enter();
		act();
		if (is_marked)
			rt_trap_leave();
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return false;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void traps(void)
{
	static const struct {
		const char *row;
		void (*act)(void);
		bool is_forbidden;
	} cases[] = {
		{"nothing", do_nothing, false},
		{"malloc", do_malloc, true},
		{"calloc", do_calloc, true},
		{"realloc", do_realloc, true},
		{"free", do_free, true},
		{"posix_memalign", do_posix_memalign, true},
		{"pthread_mutex_lock", do_lock, true},
		{"nanosleep", do_sleep, true},
		{"fopen", do_fopen, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_INT(cases[i].row, aborts(cases[i].act, true), cases[i].is_forbidden);
		CHECK(cases[i].row, !aborts(cases[i].act, false));
	}
}

static void nests_and_ends(void)
{
	rt_trap_enter();
	rt_trap_enter();
	rt_trap_leave();
	rt_trap_leave();
	sink = malloc(16);
	CHECK("after the last leave memory may be had", sink != NULL);
	free(sink);
	sink = NULL;
}

void suite_rt_trap(void)
{
	CHECK_SUITE("rt_trap");
	CHECK_TEST(traps);
	CHECK_TEST(nests_and_ends);
}

#else

/* Without HEARTH_RT_TRAP (sanitizers, release) the marks are empty. */
static void marks_cost_nothing(void)
{
	rt_trap_enter();
	rt_trap_leave();
	CHECK("still here", true);
}

void suite_rt_trap(void)
{
	CHECK_SUITE("rt_trap");
	CHECK_TEST(marks_cost_nothing);
}

#endif
