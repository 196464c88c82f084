/* base/ring.c -- single producer, single consumer; positions run freely and wrap at 2^32.
 *
 * Why no wake-up is lost. The consumer sleeps on the eventfd only after a take that found the ring
 * empty; the producer rings only when its post found everything before it taken. Let the consumer
 * have taken all up to position t:
 *
 *   producer                          consumer
 *   P1  tail = t + 1                  C1  head = t
 *   P2  read head: ring if it is t    C2  read tail: empty if it is t
 *
 * The bad case is P2 reading a head before t and C2 reading tail t: no ring, and sleep. All four
 * are sequentially consistent, so they have one order that both sides agree on. C2 reading t means
 * C2 stands before P1 in it; C1 stands before C2 and P1 before P2 (program order); so C1 stands
 * before P2, and P2 reads t and rings. With acquire and release alone both reads could be old.
 *
 * The ring (a write to the eventfd) is not eaten either: ring_fd_ack comes before the draining, so
 * a count written after it is still there when the consumer goes to sleep, and one written before
 * it belongs to an item that was published before (P1 precedes the write) and so is seen by C2.
 * A consumer that stops draining early must come back by itself: nobody rings for what is left.
 *
 * With MANUAL the same argument holds with `is_asleep` in the place of the head: the consumer
 * stores it before it reads the tail (C2), the producer stores the tail before it reads it (P2).
 */
#include "base/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { CACHE_LINE = 64, RING_ITEMS_MAX = 1 << 20 };

struct ring {
	/* Fixed after ring_new; read by both. */
	char *items;
	uint32_t mask;
	uint32_t item_size;
	int wake_fd;
	bool is_manual;

	/* Written by the producer. */
	_Alignas(CACHE_LINE) _Atomic uint32_t tail; /* where the next post goes */
	uint32_t head_seen;                         /* a head that was true some time ago */
	_Atomic uint64_t dropped;

	/* Written by the consumer. */
	_Alignas(CACHE_LINE) _Atomic uint32_t head; /* where the next take comes from */
	uint32_t tail_seen;
	_Atomic bool is_asleep;
};

static uint32_t round_up(uint32_t items)
{
	uint32_t size = 1;

	while (size < items)
		size *= 2;
	return size;
}

int ring_new(uint32_t items, uint32_t item_size, enum ring_wake wake, struct ring **ret_ring)
{
	struct ring *ring;
	int err = -ENOMEM;

	if (items == 0 || items > RING_ITEMS_MAX || item_size == 0)
		return -EINVAL;
	ring = aligned_alloc(CACHE_LINE, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	memset(ring, 0, sizeof(*ring));
	ring->wake_fd = -1;
	ring->mask = round_up(items) - 1;
	ring->item_size = item_size;
	ring->items = calloc((size_t)ring->mask + 1, item_size);
	if (!ring->items)
		goto fail;
	ring->is_manual = wake == RING_WAKE_MANUAL;
	if (wake != RING_WAKE_NONE) {
		ring->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (ring->wake_fd < 0) {
			err = -errno;
			goto fail;
		}
	}
	*ret_ring = ring;
	return 0;

fail:
	ring_free(ring);
	return err;
}

struct ring *ring_free(struct ring *ring)
{
	if (!ring)
		return NULL;
	if (ring->wake_fd >= 0)
		close(ring->wake_fd);
	free(ring->items);
	free(ring);
	return NULL;
}

static char *item_at(const struct ring *ring, uint32_t position)
{
	return ring->items + (size_t)(position & ring->mask) * ring->item_size;
}

void ring_wake_rt(struct ring *ring)
{
	/* The write fails only when the count is at its end: it is readable then. */
	ssize_t n = write(ring->wake_fd, &(uint64_t){1}, sizeof(uint64_t));

	(void)n;
}

/* P2: whether the consumer may be sleeping and not know of the item at `tail`. */
static bool must_wake(struct ring *ring, uint32_t tail)
{
	if (ring->wake_fd < 0)
		return false;
	if (ring->is_manual)
		return atomic_load_explicit(&ring->is_asleep, memory_order_seq_cst);
	return atomic_load_explicit(&ring->head, memory_order_seq_cst) == tail;
}

bool ring_post_rt(struct ring *ring, const void *item)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if (tail - ring->head_seen > ring->mask) {
		ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
		if (tail - ring->head_seen > ring->mask) {
			atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_relaxed);
			return false;
		}
	}
	memcpy(item_at(ring, tail), item, ring->item_size);
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_seq_cst); /* P1 */
	if (must_wake(ring, tail))
		ring_wake_rt(ring);
	return true;
}

bool ring_take_rt(struct ring *ring, void *ret_item)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	if (head == ring->tail_seen) {
		ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_seq_cst); /* C2 */
		if (head == ring->tail_seen)
			return false;
	}
	memcpy(ret_item, item_at(ring, head), ring->item_size);
	atomic_store_explicit(&ring->head, head + 1, memory_order_seq_cst); /* C1 */
	return true;
}

bool ring_sleep_begin(struct ring *ring)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	assert(ring->is_manual);
	atomic_store_explicit(&ring->is_asleep, true, memory_order_seq_cst);
	ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_seq_cst); /* C2 */
	return head == ring->tail_seen;
}

void ring_sleep_end(struct ring *ring)
{
	atomic_store_explicit(&ring->is_asleep, false, memory_order_relaxed);
	ring_fd_ack(ring);
}

int ring_fd(const struct ring *ring)
{
	return ring->wake_fd;
}

void ring_fd_ack(struct ring *ring)
{
	uint64_t count;
	ssize_t n;

	assert(ring->wake_fd >= 0);
	n = read(ring->wake_fd, &count, sizeof(count));
	(void)n; /* EAGAIN: nobody rang, which is as good */
}

uint32_t ring_count(const struct ring *ring)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	uint32_t count = tail - head; /* too large when takes and posts ran in between */

	return count > ring->mask + 1 ? ring->mask + 1 : count;
}

uint64_t ring_dropped(const struct ring *ring)
{
	return atomic_load_explicit(&ring->dropped, memory_order_relaxed);
}
