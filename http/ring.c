/* http/ring.c */
#include "http/ring.h"

#include <errno.h>
#include <stdlib.h>

struct event_ring {
	struct event_entry *entries;
	uint32_t cap;
	uint64_t first, end; /* kept: max(first, end - cap) to end - 1 */
};

int event_ring_new(uint32_t kept_max, uint64_t first_seq, struct event_ring **ret_ring)
{
	struct event_ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return -ENOMEM;
	ring->entries = calloc(kept_max, sizeof(*ring->entries));
	ring->cap = kept_max;
	ring->first = ring->end = first_seq;
	if (!ring->entries) {
		free(ring);
		return -ENOMEM;
	}
	*ret_ring = ring;
	return 0;
}

struct event_ring *event_ring_free(struct event_ring *ring)
{
	if (!ring)
		return NULL;
	for (uint32_t i = 0; i < ring->cap; i++)
		buf_done(&ring->entries[i].frame);
	free(ring->entries);
	free(ring);
	return NULL;
}

struct event_entry *event_ring_next(struct event_ring *ring)
{
	struct event_entry *entry = &ring->entries[ring->end % ring->cap];

	buf_clear(&entry->frame);
	entry->seq = ring->end++;
	return entry;
}

uint64_t event_ring_oldest(const struct event_ring *ring)
{
	return ring->end - ring->first > ring->cap ? ring->end - ring->cap : ring->first;
}

uint64_t event_ring_end(const struct event_ring *ring)
{
	return ring->end;
}

const struct event_entry *event_ring_find(const struct event_ring *ring, uint64_t seq)
{
	if (seq < event_ring_oldest(ring) || seq >= ring->end)
		return NULL;
	return &ring->entries[seq % ring->cap];
}

uint64_t event_ring_bytes(const struct event_ring *ring)
{
	uint64_t bytes = 0;

	for (uint64_t seq = event_ring_oldest(ring); seq < ring->end; seq++)
		bytes += ring->entries[seq % ring->cap].frame.len;
	return bytes;
}
