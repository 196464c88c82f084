/* http/ring.h -- the last events, as the octets that go to clients.
 *
 * Numbers are those of the focus: contiguous. Thread: control.
 */
#ifndef HTTP_RING_H
#define HTTP_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "focus/room.h"

struct event_ring;

struct event_entry {
	uint64_t seq;
	char room[ROOM_ID_MAX + 1];
	struct buf frame; /* "id: 7\nevent: ...\ndata: {...}\n\n" */
};

/* `first_seq`: the number of the first event that will be put. -ENOMEM. */
int event_ring_new(uint32_t kept_max, uint64_t first_seq, struct event_ring **ret_ring);
struct event_ring *event_ring_free(struct event_ring *ring);

/* The slot of the next event, its oldest content forgotten, seq set: fill in room and frame. */
struct event_entry *event_ring_next(struct event_ring *ring);

const struct event_entry *event_ring_find(const struct event_ring *ring,
					  uint64_t seq); /* NULL: not kept */
uint64_t
event_ring_oldest(const struct event_ring *ring);       /* kept; the next one when there is none */
uint64_t event_ring_end(const struct event_ring *ring); /* number that the next event will have */
uint64_t event_ring_bytes(const struct event_ring *ring);

#endif
