#include <string.h>

#include "http/ring.h"
#include "tests/support/check.h"

/* Everything that it borrows is gone when it returns. */
static void add(struct event_ring *ring, const char *room_id, const char *name)
{
	char id[16], display_name[16], cause[16] = "bye";
	struct room_view room = {.id = slice_of(slice_cstr(slice_of(room_id), id, sizeof(id)))};
	struct participant_view participant = {
		.display_name = slice_of(
			slice_cstr(slice_of(name), display_name, sizeof(display_name)))};
	struct focus_event event = {.seq = event_ring_end(ring),
				    .kind = name ? FOCUS_PARTICIPANT_LEFT : FOCUS_ROOM_CREATED,
				    .room = &room,
				    .participant = name ? &participant : NULL,
				    .cause = name ? cause : NULL};

	event_ring_put(ring, &event);
	memset(id, 'x', sizeof(id));
	memset(display_name, 'x', sizeof(display_name));
	memset(cause, 'x', sizeof(cause));
}

static bool frame_has(struct event_ring *ring, uint64_t seq, const char *text)
{
	struct slice frame = event_entry_frame(event_ring_find(ring, seq));

	return memmem(frame.p, frame.len, text, strlen(text)) != NULL;
}

static void keeps_the_last(void)
{
	struct event_ring *ring;

	CHECK_INT(NULL, event_ring_new(3, 5, &ring), 0);
	CHECK_INT("empty", event_ring_oldest(ring), 5);
	CHECK_INT("empty", event_ring_end(ring), 5);
	CHECK("empty", event_ring_find(ring, 4) == NULL && event_ring_find(ring, 5) == NULL);
	add(ring, "five", NULL);
	add(ring, "six", "Anna");
	CHECK_INT("two", event_ring_oldest(ring), 5);
	CHECK_STR("two", event_ring_find(ring, 6)->room, "six");
	CHECK("number", frame_has(ring, 6, "id: 6\nevent: participant.left\ndata: {\"seq\":6,"));
	CHECK("room", frame_has(ring, 6, "\"room_id\":\"six\""));
	CHECK("participant", frame_has(ring, 6, "\"display_name\":\"Anna\""));
	CHECK("cause", frame_has(ring, 6, "\"cause\":\"bye\""));
	CHECK("written once", event_entry_frame(event_ring_find(ring, 6)).p ==
				      event_entry_frame(event_ring_find(ring, 6)).p);
	add(ring, "seven", NULL);
	CHECK_INT("full", event_ring_oldest(ring), 5);
	add(ring, "eight", NULL);
	CHECK_INT("one gone", event_ring_oldest(ring), 6);
	CHECK("one gone", event_ring_find(ring, 5) == NULL);
	CHECK("the new one", frame_has(ring, 8, "\"room_id\":\"eight\""));
	CHECK_INT("its number", event_ring_find(ring, 8)->seq, 8);
	CHECK("not yet", event_ring_find(ring, 9) == NULL);
	CHECK("octets", event_ring_bytes(ring) > 0);
	event_ring_free(ring);
	CHECK("free takes NULL", event_ring_free(NULL) == NULL);
}

void suite_ring(void)
{
	CHECK_SUITE("ring");
	CHECK_TEST(keeps_the_last);
}
