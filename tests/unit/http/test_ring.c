#include "http/ring.h"
#include "tests/support/check.h"

static void add(struct event_ring *ring, const char *text)
{
	struct event_entry *entry = event_ring_next(ring);

	buf_adds(&entry->frame, text);
}

static void keeps_the_last(void)
{
	struct event_ring *ring;

	CHECK_INT(NULL, event_ring_new(3, 5, &ring), 0);
	CHECK_INT("empty", event_ring_oldest(ring), 5);
	CHECK_INT("empty", event_ring_end(ring), 5);
	CHECK("empty", event_ring_find(ring, 4) == NULL && event_ring_find(ring, 5) == NULL);
	add(ring, "five");
	add(ring, "six");
	CHECK_INT("two", event_ring_oldest(ring), 5);
	CHECK_SLICE("two", buf_slice(&event_ring_find(ring, 6)->frame), "six");
	add(ring, "seven");
	CHECK_INT("full", event_ring_oldest(ring), 5);
	add(ring, "eight");
	CHECK_INT("one gone", event_ring_oldest(ring), 6);
	CHECK("one gone", event_ring_find(ring, 5) == NULL);
	CHECK_SLICE("the new one", buf_slice(&event_ring_find(ring, 8)->frame), "eight");
	CHECK_INT("its number", event_ring_find(ring, 8)->seq, 8);
	CHECK("not yet", event_ring_find(ring, 9) == NULL);
	CHECK_INT("octets", event_ring_bytes(ring), 3 + 5 + 5);
	event_ring_free(ring);
	CHECK("free takes NULL", event_ring_free(NULL) == NULL);
}

void suite_ring(void)
{
	CHECK_SUITE("ring");
	CHECK_TEST(keeps_the_last);
}
