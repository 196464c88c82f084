/* base/ring.h -- single-producer single-consumer ring of fixed-size items, by value, lock-free.
 *
 * One thread posts, one thread takes. With an eventfd the consumer can sleep in a loop: the
 * producer rings it only when the ring was empty: after ring_fd_ack take until ring_take_rt says
 * false, or come back for the rest without being called. `_rt` functions may run on a mixer worker.
 *
 * RING_WAKE_MANUAL is for a producer that knows better when the consumer has to wake: a post rings
 * nothing, ring_wake_rt does. A consumer that announces its sleep (ring_sleep_begin) is rung for
 * by the posts themselves, and only while it sleeps.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct ring;

enum ring_wake { RING_WAKE_NONE, RING_WAKE_EVENTFD, RING_WAKE_MANUAL };

/* `items` is rounded up to a power of two. -ENOMEM, -EINVAL (0 or above 2^20), errno of eventfd. */
int ring_new(uint32_t items, uint32_t item_size, enum ring_wake wake, struct ring **ret_ring);
struct ring *ring_free(struct ring *ring);

/* Producer. False when full: nothing was posted (the ring counts it). */
bool ring_post_rt(struct ring *ring, const void *item) NONBLOCKING;

/* Consumer. False when empty. */
bool ring_take_rt(struct ring *ring, void *ret_item) NONBLOCKING;

/* MANUAL, producer: rings, whatever is in the ring. */
void ring_wake_rt(struct ring *ring) NONBLOCKING;

/* MANUAL, consumer: from here on a post rings. False when the ring is not empty: do not sleep.
 * Either way ring_sleep_end follows, after the sleep or instead of it. */
bool ring_sleep_begin(struct ring *ring);
void ring_sleep_end(struct ring *ring);

int ring_fd(const struct ring *ring);      /* consumer: readable when there may be items; -1 without */
void ring_fd_ack(struct ring *ring);       /* consumer: call before draining after the fd was ready */
uint32_t ring_count(const struct ring *ring);   /* either side, approximate */
uint64_t ring_dropped(const struct ring *ring); /* posts refused so far */

#endif
