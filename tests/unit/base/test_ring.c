#include "base/ring.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>

#include "base/random.h"
#include "tests/support/check.h"

struct item {
	uint32_t number;
	uint32_t twice; /* torn or stale items are noticed */
	char rest[20];
};

static struct item item_of(uint32_t number)
{
	return (struct item){.number = number, .twice = number * 2};
}

static void bad_sizes(void)
{
	struct ring *ring = NULL;

	CHECK_INT("none", ring_new(0, 4, RING_WAKE_NONE, &ring), -EINVAL);
	CHECK_INT("too many", ring_new((1 << 20) + 1, 4, RING_WAKE_NONE, &ring), -EINVAL);
	CHECK_INT("of nothing", ring_new(4, 0, RING_WAKE_NONE, &ring), -EINVAL);
	CHECK("untouched", ring == NULL);
	CHECK_INT("most", ring_new(1 << 20, 4, RING_WAKE_NONE, &ring), 0);
	CHECK_INT("no descriptor", ring_fd(ring), -1);
	CHECK(NULL, ring_free(ring) == NULL);
	CHECK(NULL, ring_free(NULL) == NULL);
}

static void fills_and_empties(void)
{
	struct ring *ring = NULL;
	struct item item = item_of(99);

	CHECK_INT(NULL, ring_new(3, sizeof(item), RING_WAKE_NONE, &ring), 0); /* four */
	for (uint32_t round = 0; round < 10; round++) {
		CHECK("empty", !ring_take_rt(ring, &item) && ring_count(ring) == 0);
		for (uint32_t i = 0; i < 4; i++) {
			item = item_of(i);
			CHECK("fits", ring_post_rt(ring, &item));
		}
		CHECK_INT("full", ring_count(ring), 4);
		CHECK("full", !ring_post_rt(ring, &item));
		CHECK_INT("counted", ring_dropped(ring), round + 1);
		for (uint32_t i = 0; i < 4; i++)
			CHECK("in order", ring_take_rt(ring, &item) && item.number == i);
		CHECK("empty", !ring_take_rt(ring, &item));
		CHECK_INT("untouched", item.number, 3);
		item = item_of(7); /* shift by one: the ring wraps elsewhere next time */
		CHECK(NULL, ring_post_rt(ring, &item) && ring_take_rt(ring, &item));
	}
	ring_free(ring);
}

static void single_slot(void)
{
	struct ring *ring = NULL;
	char c = 'a', got = 0;

	CHECK_INT(NULL, ring_new(1, 1, RING_WAKE_NONE, &ring), 0);
	for (; c <= 'z'; c++) {
		CHECK(NULL, ring_post_rt(ring, &c) && !ring_post_rt(ring, &c));
		CHECK(NULL, ring_take_rt(ring, &got) && got == c && !ring_take_rt(ring, &got));
	}
	ring_free(ring);
}

static bool is_readable(const struct ring *ring)
{
	struct pollfd pollfd = {.fd = ring_fd(ring), .events = POLLIN};

	return poll(&pollfd, 1, 0) == 1;
}

static void rings_when_it_was_empty(void)
{
	struct ring *ring = NULL;
	int item = 1;

	CHECK_INT(NULL, ring_new(4, sizeof(item), RING_WAKE_EVENTFD, &ring), 0);
	CHECK("quiet", !is_readable(ring));
	ring_post_rt(ring, &item);
	CHECK("first post", is_readable(ring));
	ring_fd_ack(ring);
	CHECK("acknowledged", !is_readable(ring));
	ring_fd_ack(ring); /* does not block */
	ring_post_rt(ring, &item);
	CHECK("not empty before: silent", !is_readable(ring));
	while (ring_take_rt(ring, &item))
		;
	ring_post_rt(ring, &item);
	CHECK("empty again", is_readable(ring));
	ring_free(ring);
}

/* MANUAL: posts ring while the consumer sleeps, and only then. */
static void rings_for_a_sleeper(void)
{
	struct ring *ring = NULL;
	int item = 1;

	CHECK_INT(NULL, ring_new(4, sizeof(item), RING_WAKE_MANUAL, &ring), 0);
	ring_post_rt(ring, &item);
	CHECK("awake: silent", !is_readable(ring));
	CHECK("something is there: do not sleep", !ring_sleep_begin(ring));
	ring_sleep_end(ring);
	CHECK(NULL, ring_take_rt(ring, &item) && !ring_take_rt(ring, &item));
	CHECK("empty: sleep", ring_sleep_begin(ring));
	ring_post_rt(ring, &item);
	CHECK("asleep: rung", is_readable(ring));
	ring_sleep_end(ring);
	CHECK("acknowledged", !is_readable(ring));
	ring_post_rt(ring, &item);
	CHECK("awake again: silent", !is_readable(ring));
	ring_wake_rt(ring);
	CHECK("rung by hand", is_readable(ring));
	ring_free(ring);
}

enum { STRESS_ITEMS = 200000, STRESS_SLOTS = 16 };

struct stress {
	struct ring *ring;
	uint64_t refused;
};

static void *producer(void *arg)
{
	struct stress *stress = arg;
	struct random random;

	random_init_seeded(&random, 2);
	for (uint32_t i = 0; i < STRESS_ITEMS; i++) {
		struct item item = item_of(i);

		while (!ring_post_rt(stress->ring, &item)) {
			stress->refused++;
			sched_yield();
		}
		/* Pauses let the consumer run dry and sleep: the race for the wake-up. */
		if (random_below(&random, 8) == 0)
			sched_yield();
	}
	return NULL;
}

/* Waits to be rung. Whether a wake-up was lost does not depend on how slow the machine is: it was
 * when there are items and still nobody rings. */
static bool is_rung(const struct ring *ring)
{
	struct pollfd pollfd = {.fd = ring_fd(ring), .events = POLLIN};

	while (poll(&pollfd, 1, 1000) == 0) {
		if (ring_count(ring) > 0 && poll(&pollfd, 1, 1000) == 0)
			return false;
	}
	return true;
}

/* The consumer looks at the ring only when it was rung, or, with MANUAL, found something there
 * when it wanted to sleep. */
static void run_two_threads(enum ring_wake wake)
{
	struct stress stress = {0};
	struct item item;
	pthread_t thread;
	uint32_t taken = 0, sleeps = 0, lost = 0;
	bool is_sound = true;

	CHECK_INT(NULL, ring_new(STRESS_SLOTS, sizeof(item), wake, &stress.ring), 0);
	CHECK_INT(NULL, pthread_create(&thread, NULL, producer, &stress), 0);
	while (taken < STRESS_ITEMS) {
		if (wake == RING_WAKE_EVENTFD || ring_sleep_begin(stress.ring))
			lost += !is_rung(stress.ring);
		sleeps++;
		if (wake == RING_WAKE_MANUAL)
			ring_sleep_end(stress.ring);
		else
			ring_fd_ack(stress.ring);
		while (ring_take_rt(stress.ring, &item)) {
			is_sound = is_sound && item.number == taken && item.twice == taken * 2;
			is_sound = is_sound && ring_count(stress.ring) <= STRESS_SLOTS;
			taken++;
		}
	}
	CHECK_INT(NULL, pthread_join(thread, NULL), 0);
	CHECK_INT("wake-ups lost", lost, 0);
	CHECK("every item, once, in order, whole", is_sound);
	CHECK("the consumer slept in between", sleeps > 1);
	CHECK_INT("refusals are counted", ring_dropped(stress.ring), stress.refused);
	ring_free(stress.ring);
}

static void two_threads(void)
{
	run_two_threads(RING_WAKE_EVENTFD);
	run_two_threads(RING_WAKE_MANUAL);
}

void suite_ring(void)
{
	CHECK_SUITE("ring");
	CHECK_TEST(bad_sizes);
	CHECK_TEST(fills_and_empties);
	CHECK_TEST(single_slot);
	CHECK_TEST(rings_when_it_was_empty);
	CHECK_TEST(rings_for_a_sleeper);
	CHECK_TEST(two_threads);
}
