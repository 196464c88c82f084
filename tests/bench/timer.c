/* tests/bench/timer.c -- how late this machine wakes a thread that does nothing else.
 *
 *   bench_timer SECONDS [PRIORITY]   sleeps to each multiple of 20 ms as a worker does
 *
 * What lateness a worker has beyond this is its own. PRIORITY (1 to 99) asks for SCHED_FIFO;
 * without it, or where that is refused, it is one thread among others, and says so. Prints one JSON
 * object.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TICK_NS = 20000000, LATE_US = 2000, SECONDS_MAX = 86400 };

static volatile sig_atomic_t must_stop;

static void on_signal(int number)
{
	(void)number;
	must_stop = 1;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t late_us_at(uint64_t due_ns)
{
	struct timespec due = {.tv_sec = (time_t)(due_ns / 1000000000),
			       .tv_nsec = (long)(due_ns % 1000000000)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR && !must_stop)
		;
	return (uint32_t)((now_ns() - due_ns) / 1000);
}

static void report(uint32_t *late_us, uint32_t ticks, int is_realtime)
{
	uint32_t late = 0;

	qsort(late_us, ticks, sizeof(*late_us), compare);
	for (uint32_t i = 0; i < ticks; i++)
		late += late_us[i] > LATE_US;
	printf("{\"ticks\": %u, \"is_realtime\": %s, \"ticks_late\": %u, \"late_p999_us\": %u, "
	       "\"late_max_us\": %u}\n",
	       ticks, is_realtime ? "true" : "false", late,
	       ticks ? late_us[(uint64_t)ticks * 999 / 1000] : 0, ticks ? late_us[ticks - 1] : 0);
}

int main(int argc, char **argv)
{
	uint32_t seconds = argc > 1 ? (uint32_t)atoi(argv[1]) : 0, ticks = 0;
	struct sched_param priority = {.sched_priority = argc > 2 ? atoi(argv[2]) : 0};
	int is_realtime;
	uint32_t *late_us;
	uint64_t due_ns;

	if (seconds == 0 || seconds > SECONDS_MAX)
		return 2;
	late_us = calloc((size_t)seconds * 50, sizeof(*late_us));
	if (!late_us)
		return 1;
	(void)signal(SIGINT, on_signal);
	is_realtime = priority.sched_priority > 0 &&
		      pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority) == 0;
	for (due_ns = (now_ns() / TICK_NS + 1) * TICK_NS; ticks < seconds * 50 && !must_stop;
	     due_ns += TICK_NS)
		late_us[ticks++] = late_us_at(due_ns);
	report(late_us, ticks, is_realtime);
	free(late_us);
	return 0;
}
