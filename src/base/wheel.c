/* base/wheel.c -- eight levels of 256 slots: the due time is read as digits of base 256; beside
 * them queues for delays that many timers share.
 *
 * A timer stands in the level of the highest digit in which its due time differs from `cursor`, in
 * the slot of that digit. Hence
 * - level 0 holds the timers of the current 256 ms, one millisecond a slot, level 1 those of the
 *   current 65,536 ms, and so on; eight levels cover 64 bits and no delay is too long;
 * - everything in a lower level is due before anything in a higher one, so the next event is the
 *   lowest bit of the first bitmap that is not zero: empty time is skipped at no cost;
 * - when the cursor enters the range of a slot above level 0, its timers are placed anew, one or
 *   more levels lower. A timer moves at most seven times in its life. Each move is a walk through
 *   memory that is cold by then.
 *
 * Timers of one delay fall due in the order in which they were started, since time does not go
 * back: a list that is appended to is sorted, and none of its timers ever moves. Hence the queues.
 *
 * Order: where a timer stands depends on due time and cursor alone, so timers of one millisecond
 * always share a slot, and lists are appended to and moved from the front: they keep the order in
 * which they were started.
 */
#include "base/wheel.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { DIGIT_BITS = 8, SLOTS = 1 << DIGIT_BITS, LEVELS = 8, SLOTS_ALL = LEVELS * SLOTS };
enum { WORD = 64, WORDS = SLOTS / WORD };

struct queue {
	uint64_t delay_ms;
	struct list timers; /* by due time */
};

struct wheel {
	uint64_t now_ms; /* what timers are started from */
	uint64_t cursor; /* nothing in the slots is due before; at most now_ms */
	uint32_t count;
	bool is_advancing;
	uint64_t used[LEVELS * WORDS]; /* bit i: slot i is not empty */
	struct list slots[SLOTS_ALL];
	struct list soon;   /* started with no delay while advancing: due at the next advance */
	struct list firing; /* taken out of their slot, about to fire */
	int queue_count;
	struct queue queues[WHEEL_QUEUES_MAX];
};

int wheel_new(uint64_t now_ms, struct wheel **ret_wheel)
{
	struct wheel *wheel = calloc(1, sizeof(*wheel));

	if (!wheel)
		return -ENOMEM;
	wheel->now_ms = wheel->cursor = now_ms;
	for (int i = 0; i < SLOTS_ALL; i++)
		list_init(&wheel->slots[i]);
	list_init(&wheel->soon);
	list_init(&wheel->firing);
	*ret_wheel = wheel;
	return 0;
}

struct wheel *wheel_free(struct wheel *wheel)
{
	free(wheel);
	return NULL;
}

void wheel_expect(struct wheel *wheel, uint64_t delay_ms)
{
	struct queue *queue = &wheel->queues[wheel->queue_count];

	for (int i = 0; i < wheel->queue_count; i++) {
		if (wheel->queues[i].delay_ms == delay_ms)
			return;
	}
	if (wheel->queue_count == WHEEL_QUEUES_MAX || delay_ms == 0)
		return;
	queue->delay_ms = delay_ms;
	list_init(&queue->timers);
	wheel->queue_count++;
}

uint64_t wheel_now_ms(const struct wheel *wheel)
{
	return wheel->now_ms;
}

void wheel_set_now(struct wheel *wheel, uint64_t now_ms)
{
	if (now_ms > wheel->now_ms)
		wheel->now_ms = now_ms;
}

uint32_t wheel_count(const struct wheel *wheel)
{
	return wheel->count;
}

void timer_init(struct timer *timer, void (*on_fire)(void *arg), void *arg)
{
	*timer = (struct timer){.on_fire = on_fire, .arg = arg};
}

static void set_used(struct wheel *wheel, size_t i)
{
	wheel->used[i / WORD] |= UINT64_C(1) << (i % WORD);
}

static void set_unused(struct wheel *wheel, size_t i)
{
	wheel->used[i / WORD] &= ~(UINT64_C(1) << (i % WORD));
}

/* The list of this delay's queue; NULL: it has none. */
static struct list *queue_of(struct wheel *wheel, uint64_t delay_ms)
{
	for (int i = 0; i < wheel->queue_count; i++) {
		if (wheel->queues[i].delay_ms == delay_ms)
			return &wheel->queues[i].timers;
	}
	return NULL;
}

/* Puts a timer that is due at or after the cursor into its slot. */
static void place(struct wheel *wheel, struct timer *timer)
{
	uint64_t differ = timer->due_ms ^ wheel->cursor;
	int level = differ ? (63 - __builtin_clzll(differ)) / DIGIT_BITS : 0;
	int slot = (int)(timer->due_ms >> (level * DIGIT_BITS)) & (SLOTS - 1);
	size_t i = (size_t)(level * SLOTS + slot);

	assert(timer->due_ms >= wheel->cursor);
	list_append(&wheel->slots[i], &timer->node);
	set_used(wheel, i);
}

void timer_start(struct wheel *wheel, struct timer *timer, uint64_t delay_ms)
{
	uint64_t left = UINT64_MAX - wheel->now_ms;
	struct list *queue = queue_of(wheel, delay_ms);

	assert(timer->on_fire != NULL);
	timer_stop(wheel, timer);
	timer->due_ms = wheel->now_ms + (delay_ms < left ? delay_ms : left);
	wheel->count++;
	/* The running advance goes on to `now` and would fire it still. */
	if (queue && delay_ms < left)
		list_append(queue, &timer->node);
	else if (wheel->is_advancing && timer->due_ms == wheel->now_ms)
		list_append(&wheel->soon, &timer->node);
	else
		place(wheel, timer);
}

/* A timer alone in a list has the list's head on both sides. When that head is a slot, the slot
 * is empty from now on, and the wheel need not wake up for it. */
static void unlink_timer(struct wheel *wheel, struct timer *timer)
{
	struct list *head = timer->node.next;
	bool is_last = head == timer->node.prev;
	uintptr_t offset = (uintptr_t)head - (uintptr_t)wheel->slots;

	list_remove(&timer->node);
	if (is_last && offset < sizeof(wheel->slots))
		set_unused(wheel, offset / sizeof(wheel->slots[0]));
}

void timer_stop(struct wheel *wheel, struct timer *timer)
{
	if (!timer_running(timer))
		return;
	unlink_timer(wheel, timer);
	wheel->count--;
}

/* The first slot that is not empty, and the time at which its range begins. */
static bool next_slot(const struct wheel *wheel, size_t *ret_slot, uint64_t *ret_ms)
{
	for (size_t word = 0; word < LEVELS * WORDS; word++) {
		size_t level = word / WORDS, i;
		int shift = (int)level * DIGIT_BITS;
		uint64_t above;

		if (!wheel->used[word])
			continue;
		i = word * WORD + (size_t)__builtin_ctzll(wheel->used[word]);
		above = level + 1 < LEVELS ? wheel->cursor >> (shift + DIGIT_BITS) : 0;
		*ret_slot = i;
		*ret_ms = (above << DIGIT_BITS | (uint64_t)(i % SLOTS)) << shift;
		return true;
	}
	return false;
}

static uint64_t due_of(const struct list *node)
{
	return CONTAINER_OF(node, struct timer, node)->due_ms;
}

/* The list whose first timer is the first of all queues; NULL: they are empty. */
static const struct list *next_queue(const struct wheel *wheel)
{
	const struct list *first = NULL;

	for (int i = 0; i < wheel->queue_count; i++) {
		const struct list *timers = &wheel->queues[i].timers;

		if (!list_empty(timers) && (!first || due_of(timers->next) < due_of(first->next)))
			first = timers;
	}
	return first;
}

uint64_t wheel_next_ms(const struct wheel *wheel)
{
	const struct list *queue = next_queue(wheel);
	uint64_t next_ms = UINT64_MAX;
	size_t slot;

	if (!list_empty(&wheel->soon))
		return wheel->cursor; /* which is when they were due */
	(void)next_slot(wheel, &slot, &next_ms);
	return queue ? MIN_OF(next_ms, due_of(queue->next)) : next_ms;
}

/* A callback may stop and start any timer. Nothing of this one is touched once it runs. */
static void fire(struct wheel *wheel, struct list *node)
{
	struct timer *timer = LIST_ENTRY(node, struct timer, node);

	timer_stop(wheel, timer);
	timer->on_fire(timer->arg);
}

/* Fires what is in `firing`. Timers that are stopped while they wait there just leave the list. */
static uint32_t fire_all(struct wheel *wheel)
{
	uint32_t fired = 0;

	for (; !list_empty(&wheel->firing); fired++)
		fire(wheel, wheel->firing.next);
	return fired;
}

/* Fires what is first in the queues, when that is due up to now and before `end_ms`: the timers of
 * one millisecond in one queue. What they start may be due before the next. */
static uint32_t fire_queue(struct wheel *wheel, uint64_t end_ms)
{
	const struct list *queue = next_queue(wheel);
	uint64_t due_ms = queue ? due_of(queue->next) : UINT64_MAX;
	uint32_t fired = 0;

	if (due_ms > wheel->now_ms || due_ms >= end_ms)
		return 0;
	wheel->cursor = due_ms;
	for (; !list_empty(queue) && due_of(queue->next) == due_ms; fired++)
		fire(wheel, queue->next);
	return fired;
}

static void cascade(struct wheel *wheel, struct list *slot)
{
	struct list moving;

	list_init(&moving);
	list_move_all(&moving, slot);
	while (!list_empty(&moving)) {
		struct timer *timer = LIST_ENTRY(moving.next, struct timer, node);

		list_remove(&timer->node);
		place(wheel, timer);
	}
}

/* Empties the slot whose range the cursor enters; returns the number fired. */
static uint32_t enter_slot(struct wheel *wheel, size_t slot)
{
	set_unused(wheel, slot);
	if (slot >= SLOTS) {
		cascade(wheel, &wheel->slots[slot]);
		return 0;
	}
	list_move_all(&wheel->firing, &wheel->slots[slot]);
	return fire_all(wheel);
}

uint32_t wheel_advance(struct wheel *wheel, uint64_t now_ms)
{
	uint32_t fired, queued;
	uint64_t next_ms = 0;
	bool has_slot;
	size_t slot = 0;

	assert(!wheel->is_advancing);
	wheel_set_now(wheel, now_ms);
	wheel->is_advancing = true;
	list_move_all(&wheel->firing, &wheel->soon);
	fired = fire_all(wheel);
	do {
		has_slot = next_slot(wheel, &slot, &next_ms) && next_ms <= wheel->now_ms;
		queued = fire_queue(wheel, has_slot ? next_ms : UINT64_MAX);
		fired += queued;
		if (has_slot && queued == 0) { /* else the slots may have changed */
			wheel->cursor = next_ms;
			fired += enter_slot(wheel, slot);
		}
	} while (has_slot || queued > 0);
	wheel->cursor = wheel->now_ms;
	wheel->is_advancing = false;
	return fired;
}
