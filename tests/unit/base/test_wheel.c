#include "base/wheel.h"

#include <stdlib.h>

#include "base/attr.h"
#include "base/random.h"
#include "tests/support/check.h"

static struct wheel *wheel;
static char fired[64];
static size_t fired_len;

struct named {
	char name;
	uint64_t again_ms; /* restarts itself; 0: no */
	struct timer timer;
	struct named *to_stop, *to_start;
	uint64_t start_ms;
};

static void on_fire(void *arg)
{
	struct named *named = arg;

	if (fired_len < sizeof(fired))
		fired[fired_len++] = named->name;
	if (named->to_stop)
		timer_stop(wheel, &named->to_stop->timer);
	if (named->to_start)
		timer_start(wheel, &named->to_start->timer, named->start_ms);
	if (named->again_ms)
		timer_start(wheel, &named->timer, named->again_ms);
}

static struct named named_of(char name)
{
	return (struct named){.name = name};
}

static void start(struct named *named, uint64_t delay_ms)
{
	if (!timer_running(&named->timer))
		timer_init(&named->timer, on_fire, named);
	timer_start(wheel, &named->timer, delay_ms);
}

static struct slice advance(uint64_t now_ms)
{
	uint32_t n;

	fired_len = 0;
	n = wheel_advance(wheel, now_ms);
	CHECK_INT("count of fired", n, fired_len);
	return slice_make(fired, fired_len);
}

static void wheel_at(uint64_t now_ms)
{
	CHECK_INT(NULL, wheel_new(now_ms, &wheel), 0);
}

static void never_early_never_late(void)
{
	static const uint64_t delays[] = {1,      2,      63,     64,      65,
					  100,    4095,   4096,   4097,    32000,
					  262143, 262144, 262145, 3600000, 86400000};
	static const uint64_t starts[] = {
		0, 1, 63, 64, 4095, 1000003, UINT64_C(1) << 40, (UINT64_C(1) << 42) - 1};

	for (size_t s = 0; s < ARRAY_LEN(starts); s++) {
		for (size_t d = 0; d < ARRAY_LEN(delays); d++) {
			struct named a = named_of('a');

			wheel_at(starts[s]);
			start(&a, delays[d]);
			CHECK("next is not late", wheel_next_ms(wheel) <= starts[s] + delays[d]);
			CHECK_SLICE("not early", advance(starts[s] + delays[d] - 1), "");
			CHECK(NULL, timer_running(&a.timer) && wheel_count(wheel) == 1);
			CHECK_SLICE("not late", advance(starts[s] + delays[d]), "a");
			CHECK(NULL, !timer_running(&a.timer) && wheel_count(wheel) == 0);
			CHECK("nothing runs", wheel_next_ms(wheel) == UINT64_MAX);
			wheel_free(wheel);
		}
	}
}

static void order_of_one_millisecond(void)
{
	struct named a = named_of('a'), b = named_of('b'), c = named_of('c'), d = named_of('d');

	wheel_at(0);
	start(&a, 5000); /* a level up */
	CHECK_SLICE(NULL, advance(4500), "");
	start(&b, 500); /* a level up */
	start(&d, 499);
	CHECK_SLICE(NULL, advance(4990), "");
	start(&c, 10);
	CHECK_SLICE("by time, then by start", advance(6000), "dabc");
	start(&a, 100);
	start(&b, 100);
	start(&a, 100);
	CHECK_SLICE("a restart goes to the end", advance(7000), "ba");
	wheel_free(wheel);
}

static void delay_of_zero(void)
{
	struct named a = named_of('a'), b = named_of('b'), c = named_of('c');

	wheel_at(100);
	start(&a, 0);
	start(&b, 0);
	CHECK_INT("at once", wheel_next_ms(wheel), 100);
	CHECK_SLICE("at the next advance, at the same time", advance(100), "ab");
	a.to_start = &c;
	start(&a, 0);
	timer_init(&c.timer, on_fire, &c);
	CHECK_SLICE("not in the advance that starts it", advance(100), "a");
	CHECK_SLICE("but in the next", advance(100), "c");
	a.start_ms = 0;
	start(&a, 7);
	start(&b, 50);
	CHECK_SLICE("started in the middle of a jump", advance(200), "ab");
	CHECK_SLICE("counts from the end of the jump", advance(200), "c");
	start(&a, 0);
	timer_stop(wheel, &a.timer);
	CHECK_INT("stopped", wheel_next_ms(wheel), UINT64_MAX);
	CHECK_SLICE("stopped", advance(300), "");
	wheel_free(wheel);
}

static void set_now(void)
{
	struct named a = named_of('a'), b = named_of('b'), c = named_of('c');

	wheel_at(100);
	start(&a, 30);
	wheel_set_now(wheel, 150);
	CHECK_INT(NULL, wheel_now_ms(wheel), 150);
	wheel_set_now(wheel, 120);
	CHECK_INT("not back", wheel_now_ms(wheel), 150);
	start(&b, 10);
	start(&c, 0);
	CHECK_INT("overdue", wheel_next_ms(wheel) <= 130, true);
	CHECK_SLICE("in order of time", advance(150), "ac");
	CHECK_SLICE("counted from the new time", advance(159), "");
	CHECK_SLICE("counted from the new time", advance(160), "b");
	wheel_free(wheel);
}

static void stop(void)
{
	struct named a = named_of('a'), b = named_of('b');

	wheel_at(0);
	timer_init(&a.timer, on_fire, &a);
	timer_stop(wheel, &a.timer);
	CHECK("never started", !timer_running(&a.timer));
	start(&a, 10);
	start(&b, 5000);
	timer_stop(wheel, &a.timer);
	CHECK("no wake-up for it", wheel_next_ms(wheel) > 10);
	timer_stop(wheel, &b.timer);
	CHECK("no wake-up for it", wheel_next_ms(wheel) == UINT64_MAX);
	CHECK_SLICE(NULL, advance(10000), "");
	CHECK_INT(NULL, wheel_count(wheel), 0);
	wheel_free(wheel);
	CHECK(NULL, wheel_free(NULL) == NULL);
}

static void callbacks_stop_and_start(void)
{
	struct named a = named_of('a'), b = named_of('b'), c = named_of('c');

	wheel_at(0);
	a.to_stop = &b; /* due in the same millisecond: already taken out of its slot */
	start(&a, 10);
	start(&b, 10);
	start(&c, 10);
	CHECK_SLICE("stopped while about to fire", advance(10), "ac");
	a.to_stop = &a;
	start(&a, 10);
	CHECK_SLICE("stops itself", advance(20), "a");
	a.to_stop = NULL;
	a.to_start = &b; /* about to fire in this millisecond, moved to a later one */
	a.start_ms = 5;
	start(&a, 10);
	start(&b, 10);
	CHECK_SLICE("moved while about to fire", advance(30), "a");
	CHECK_SLICE("moved while about to fire", advance(34), "");
	CHECK_SLICE("moved while about to fire", advance(35), "b");
	c.again_ms = 1;
	start(&c, 1);
	CHECK_SLICE("periodic: once an advance", advance(100), "c");
	CHECK_SLICE("periodic: once an advance", advance(101), "c");
	timer_stop(wheel, &c.timer);
	wheel_free(wheel);
}

static void on_fire_free(void *arg)
{
	free(arg);
	fired_len++;
}

static void callback_frees_its_timer(void)
{
	wheel_at(0);
	for (int i = 0; i < 10; i++) {
		struct named *named = calloc(1, sizeof(*named));

		timer_init(&named->timer, on_fire_free, named);
		timer_start(wheel, &named->timer, (uint64_t)i / 2);
	}
	fired_len = 0;
	CHECK_INT(NULL, wheel_advance(wheel, 100), 10); /* AddressSanitizer looks on */
	CHECK_INT(NULL, fired_len, 10);
	wheel_free(wheel);
}

static void long_times(void)
{
	struct named a = named_of('a'), b = named_of('b');

	wheel_at(12345);
	start(&a, UINT64_MAX);
	CHECK_SLICE("a century is one step", advance(UINT64_C(3155760000000)), "");
	start(&b, 10);
	CHECK_SLICE(NULL, advance(UINT64_MAX - 1), "b");
	CHECK("never early", timer_running(&a.timer));
	CHECK_SLICE("the end of time", advance(UINT64_MAX), "a");
	wheel_free(wheel);
}

static void queues(void)
{
	struct named a = named_of('a'), b = named_of('b'), c = named_of('c'), d = named_of('d');
	struct named e = named_of('e');

	wheel_at(1000);
	start(&a, 32000); /* before it is known: a slot */
	wheel_expect(wheel, 32000);
	wheel_expect(wheel, 32000);
	wheel_expect(wheel, 5000);
	start(&b, 32000);
	start(&c, 32000);
	start(&d, 5000);
	CHECK_INT(NULL, wheel_next_ms(wheel), 6000);
	CHECK_SLICE("not early", advance(5999), "");
	CHECK_SLICE("by time over the queues", advance(6000), "d");
	start(&d, 26999);
	start(&e, 26998);
	timer_stop(wheel, &b.timer);
	CHECK_SLICE("by time over slots and queues", advance(40000), "edac");
	CHECK_INT("nothing runs", wheel_next_ms(wheel), UINT64_MAX);
	c.again_ms = 5000; /* from one queue to the other, out of its callback */
	c.to_stop = &b;
	start(&c, 32000);
	start(&b, 32000);
	CHECK_SLICE("the next of the queue is stopped", advance(100000), "c");
	CHECK_INT("one is left", wheel_count(wheel), 1);
	c.again_ms = 0;
	CHECK_SLICE(NULL, advance(105000), "c");
	wheel_free(wheel);
}

/* More than there is room for, no delay, and the end of time are as if nobody had asked. */
static void queues_ignored(void)
{
	struct named a = named_of('a');

	wheel_at(0);
	for (uint64_t delay_ms = 0; delay_ms <= 10 * (WHEEL_QUEUES_MAX + 1); delay_ms += 10)
		wheel_expect(wheel, delay_ms);
	for (uint64_t delay_ms = 0; delay_ms <= 10 * (WHEEL_QUEUES_MAX + 1); delay_ms += 10) {
		start(&a, delay_ms);
		CHECK_INT("due", wheel_next_ms(wheel), wheel_now_ms(wheel) + delay_ms);
		CHECK_SLICE(NULL, advance(wheel_now_ms(wheel) + delay_ms), "a");
	}
	a.again_ms = 10;
	start(&a, 10);
	CHECK_SLICE("once an advance", advance(UINT64_MAX), "a");
	CHECK_SLICE("once an advance", advance(UINT64_MAX), "a");
	wheel_free(wheel);
}

/* A sleeper who follows wheel_next_ms meets every due time exactly, in few steps. */
static void following_next(void)
{
	struct named a = named_of('a');
	int steps = 0;

	wheel_at(777);
	start(&a, 987654321);
	while (timer_running(&a.timer)) {
		uint64_t next = wheel_next_ms(wheel);

		if (!CHECK(NULL, next > wheel_now_ms(wheel) && next <= 777 + 987654321))
			break;
		(void)wheel_advance(wheel, next);
		steps++;
	}
	CHECK_INT(NULL, wheel_now_ms(wheel), 777 + 987654321);
	CHECK("at most one step a level", steps <= 8);
	wheel_free(wheel);
}

/* Random starts, stops, restarts (also from callbacks) and jumps against a naive model: an array
 * that is searched for the smallest (due time, queue, number of start). */
enum { MODEL_TIMERS = 60, MODEL_QUEUE_MS = 300 };

struct model_timer {
	struct timer timer;
	uint64_t due_ms, order;
	bool is_running;
	int queue; /* 0: none */
};

static struct model {
	struct model_timer timers[MODEL_TIMERS];
	struct random random;
	uint64_t starts;
	uint64_t limit_ms, limit_order; /* of the advance: what is older than it */
	unsigned wrong;
} model;

static uint64_t model_delay(void)
{
	/* All magnitudes alike: from 0 to 2^36 ms, two years. */
	uint64_t delay_ms = random_u64(&model.random) >> (28 + random_below(&model.random, 36));

	return random_below(&model.random, 4) == 0 ? delay_ms % 8 : delay_ms;
}

static void model_start(struct model_timer *t)
{
	uint64_t delay_ms = model_delay();

	if (random_below(&model.random, 4) == 0)
		delay_ms = MODEL_QUEUE_MS * (1 + random_below(&model.random, 2));
	t->queue = delay_ms == MODEL_QUEUE_MS ? 1 : delay_ms == 2 * MODEL_QUEUE_MS ? 2 : 0;
	t->due_ms = wheel_now_ms(wheel) + delay_ms;
	t->order = model.starts++;
	t->is_running = true;
	timer_start(wheel, &t->timer, delay_ms);
}

static void model_stop(struct model_timer *t)
{
	t->is_running = false;
	timer_stop(wheel, &t->timer);
}

/* Started in this advance with no delay: belongs to the next. */
static bool is_too_new(const struct model_timer *t)
{
	return t->due_ms == model.limit_ms && t->order >= model.limit_order;
}

static bool is_before(const struct model_timer *a, const struct model_timer *b)
{
	if (a->due_ms != b->due_ms)
		return a->due_ms < b->due_ms;
	if (is_too_new(a) != is_too_new(b))
		return is_too_new(b);
	return a->queue != b->queue ? a->queue < b->queue : a->order < b->order;
}

static struct model_timer *model_first(void)
{
	struct model_timer *first = NULL;

	for (int i = 0; i < MODEL_TIMERS; i++) {
		struct model_timer *t = &model.timers[i];

		if (!t->is_running)
			continue;
		if (!first || is_before(t, first))
			first = t;
	}
	return first;
}

static void model_on_fire(void *arg)
{
	struct model_timer *t = arg;

	model.wrong += model_first() != t || t->due_ms > model.limit_ms || is_too_new(t);
	t->is_running = false;
	if (random_below(&model.random, 3) == 0)
		model_start(&model.timers[random_below(&model.random, MODEL_TIMERS)]);
	if (random_below(&model.random, 3) == 0)
		model_stop(&model.timers[random_below(&model.random, MODEL_TIMERS)]);
}

static void model_advance(uint64_t now_ms)
{
	struct model_timer *first = model_first();
	uint64_t next_ms = wheel_next_ms(wheel);

	model.wrong += first ? next_ms > first->due_ms : next_ms != UINT64_MAX;
	model.limit_ms = now_ms;
	model.limit_order = model.starts;
	(void)wheel_advance(wheel, now_ms);
	first = model_first();
	model.wrong += first && first->due_ms <= now_ms && first->order < model.limit_order;
}

static void model_step(void)
{
	struct model_timer *t = &model.timers[random_below(&model.random, MODEL_TIMERS)];
	uint64_t next_ms = wheel_next_ms(wheel);

	switch (random_below(&model.random, 6)) {
	case 0:
	case 1:
		model_start(t);
		break;
	case 2:
		model_stop(t);
		break;
	case 3: /* as the loop does it */
		if (next_ms != UINT64_MAX && next_ms > wheel_now_ms(wheel))
			model_advance(next_ms);
		break;
	case 4:
		model_advance(wheel_now_ms(wheel) + model_delay() % 100);
		break;
	case 5:
		if (random_below(&model.random, 2))
			model_advance(wheel_now_ms(wheel) + model_delay());
		else
			wheel_set_now(wheel, wheel_now_ms(wheel) + model_delay() % 1000);
		break;
	}
}

static uint32_t model_count(void)
{
	uint32_t count = 0;

	for (int i = 0; i < MODEL_TIMERS; i++) {
		count += model.timers[i].is_running;
		model.wrong += model.timers[i].is_running != timer_running(&model.timers[i].timer);
	}
	return count;
}

static void against_a_model(void)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		model = (struct model){0};
		random_init_seeded(&model.random, seed);
		wheel_at(random_u64(&model.random) >> 20);
		wheel_expect(wheel, MODEL_QUEUE_MS);
		wheel_expect(wheel, 2 * MODEL_QUEUE_MS);
		for (int i = 0; i < MODEL_TIMERS; i++)
			timer_init(&model.timers[i].timer, model_on_fire, &model.timers[i]);
		for (int step = 0; step < 4000 && !model.wrong; step++) {
			model_step();
			model.wrong += model_count() != wheel_count(wheel);
		}
		CHECK_INT("seed", model.wrong ? seed : 0, 0);
		wheel_free(wheel);
	}
}

void suite_wheel(void)
{
	CHECK_SUITE("wheel");
	CHECK_TEST(never_early_never_late);
	CHECK_TEST(order_of_one_millisecond);
	CHECK_TEST(delay_of_zero);
	CHECK_TEST(set_now);
	CHECK_TEST(stop);
	CHECK_TEST(callbacks_stop_and_start);
	CHECK_TEST(callback_frees_its_timer);
	CHECK_TEST(long_times);
	CHECK_TEST(queues);
	CHECK_TEST(queues_ignored);
	CHECK_TEST(following_next);
	CHECK_TEST(against_a_model);
}
