#include <stdio.h>
#include <string.h>

#include "base/attr.h"
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

enum { WORD = 16 };

/* Every text of the view gets a word of its own in `words`. */
static void fill(struct slice *texts, size_t count, char (*words)[WORD], size_t *at)
{
	for (size_t i = 0; i < count; i++, ++*at) {
		(void)snprintf(words[*at], WORD, "text-%zu", *at);
		texts[i] = slice_of(words[*at]);
	}
}
#define FILL(view) fill((view).texts, ARRAY_LEN((view).texts), words, &count)

static void check_own(const struct slice *texts, size_t count, size_t *at)
{
	for (size_t i = 0; i < count; i++, ++*at) {
		char want[WORD];

		(void)snprintf(want, sizeof(want), "text-%zu", *at);
		CHECK_SLICE(want, texts[i], want);
	}
}
#define CHECK_OWN(view) check_own((view).texts, ARRAY_LEN((view).texts), &at)

/* Nothing of what an event told need live any longer when the first client reads it. */
static void every_text_is_its_own(void)
{
	static char words[64][WORD];
	struct room_view room = {.bans = 0};
	struct participant_view participant = {.is_host = false};
	struct call_view call = {.version = 0};
	struct fork_attempt_view attempt = {.status = 0};
	struct registration_view registration = {.reg_id = 0};
	struct recording_view recording = {.err = 0};
	struct play_view play = {.err = 0};
	struct mail_view mail = {.seq = 0};
	struct focus_event event = {.seq = 1,
				    .kind = FOCUS_MESSAGE,
				    .room = &room,
				    .participant = &participant,
				    .call = &call,
				    .attempt = &attempt,
				    .registration = &registration,
				    .recording = &recording,
				    .play = &play,
				    .mail = &mail};
	const struct event_entry *entry;
	struct event_ring *ring;
	size_t count = 0, at = 0;

	FILL(room);
	FILL(room.migration);
	FILL(participant);
	FILL(participant.groups);
	FILL(call);
	FILL(attempt);
	FILL(registration);
	FILL(recording);
	FILL(play);
	FILL(mail);
	FILL(event);
	CHECK("room for all", count <= ARRAY_LEN(words));
	CHECK_INT(NULL, event_ring_new(3, 1, &ring), 0);
	event_ring_put(ring, &event);
	memset(words, 'x', sizeof(words));
	entry = event_ring_find(ring, 1);
	CHECK_OWN(entry->room_view);
	CHECK_OWN(entry->room_view.migration);
	CHECK_OWN(entry->participant);
	CHECK_OWN(entry->participant.groups);
	CHECK_OWN(entry->call);
	CHECK_OWN(entry->attempt);
	CHECK_OWN(entry->registration);
	CHECK_OWN(entry->recording);
	CHECK_OWN(entry->play);
	CHECK_OWN(entry->mail);
	CHECK_OWN(entry->event);
	CHECK_INT("all of them", at, count);
	event_ring_free(ring);
}

void suite_ring(void)
{
	CHECK_SUITE("ring");
	CHECK_TEST(keeps_the_last);
	CHECK_TEST(every_text_is_its_own);
}
