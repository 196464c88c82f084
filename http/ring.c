/* http/ring.c */
#include "http/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "http/view.h"
#include "http/writer.h"

enum {
	TEXTS = 38
}; /* four of the room; nine of the participant, four of the call, two of the attempt, six
      of the registration, two of the recording, two of the message, seven of the mail; cause, by */

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
	for (uint32_t i = 0; i < ring->cap; i++) {
		buf_done(&ring->entries[i].frame);
		buf_done(&ring->entries[i].texts);
	}
	free(ring->entries);
	free(ring);
	return NULL;
}

/* The slices now borrow from `texts`. All are added before one is set: adding moves the memory. */
static void keep_texts(struct buf *texts, struct slice *const slices[TEXTS])
{
	size_t at = 0;

	buf_clear(texts);
	for (uint32_t i = 0; i < TEXTS; i++) {
		buf_addslice(texts, *slices[i]);
		buf_addc(texts, '\0');
	}
	if (buf_err(texts))
		return;
	for (uint32_t i = 0; i < TEXTS; i++) {
		if (slice_present(*slices[i]))
			slices[i]->p = texts->p + at;
		at += slices[i]->len + 1;
	}
}

void event_ring_put(struct event_ring *ring, const struct focus_event *event)
{
	struct event_entry *entry = &ring->entries[ring->end % ring->cap];
	struct participant_view *participant = &entry->participant;
	struct slice cause = slice_of(event->cause), by = slice_of(event->by);

	assert(event->seq == ring->end);
	entry->seq = ring->end++;
	entry->event = *event;
	entry->event.room = &entry->room_view;
	entry->event.participant = event->participant ? participant : NULL;
	entry->room_view = *event->room;
	entry->event.call = event->call ? &entry->call : NULL;
	entry->call = event->call ? *event->call : (struct call_view){0};
	entry->event.attempt = event->attempt ? &entry->attempt : NULL;
	entry->attempt = event->attempt ? *event->attempt : (struct fork_attempt_view){0};
	entry->event.registration = event->registration ? &entry->registration : NULL;
	entry->registration = event->registration ? *event->registration
						  : (struct registration_view){0};
	entry->event.recording = event->recording ? &entry->recording : NULL;
	entry->recording = event->recording ? *event->recording : (struct recording_view){0};
	entry->event.mail = event->mail ? &entry->mail : NULL;
	entry->mail = event->mail ? *event->mail : (struct mail_view){0};
	*participant = event->participant ? *event->participant : (struct participant_view){0};
	entry->room[0] = '\0';
	if (!event->call)
		(void)slice_cstr(event->room->id, entry->room, sizeof(entry->room));
	keep_texts(&entry->texts, (struct slice *const[TEXTS]){&entry->room_view.id,
							       &entry->room_view.groups,
							       &entry->room_view.migration.to,
							       &entry->room_view.migration.uri,
							       &participant->id,
							       &participant->uri,
							       &participant->display_name,
							       &participant->call_id,
							       &participant->referred_by,
							       &participant->groups.speaks,
							       &participant->groups.hears,
							       &participant->groups.hears_not,
							       &participant->language,
							       &entry->call.id,
							       &entry->call.from,
							       &entry->call.to,
							       &entry->call.room_id,
							       &entry->attempt.uri,
							       &entry->attempt.target,
							       &entry->registration.id,
							       &entry->registration.user,
							       &entry->registration.contact,
							       &entry->registration.user_agent,
							       &entry->registration.path,
							       &entry->registration.instance,
							       &entry->recording.id,
							       &entry->recording.room_id,
							       &entry->mail.id,
							       &entry->mail.mailbox,
							       &entry->mail.from,
							       &entry->mail.from_name,
							       &entry->mail.subject,
							       &entry->mail.text,
							       &entry->mail.recording,
							       &entry->event.from,
							       &entry->event.text,
							       &cause,
							       &by});
	participant->room_id = entry->room_view.id;
	entry->event.cause = cause.p;
	entry->event.by = by.p;
	buf_clear(&entry->frame);
}

struct slice event_entry_frame(struct event_entry *entry)
{
	struct writer json = writer_to(&entry->frame);

	if (entry->frame.len > 0)
		return buf_slice(&entry->frame);
	buf_addf(&entry->frame, "id: %llu\nevent: %s\ndata: ", (unsigned long long)entry->seq,
		 focus_event_name(entry->event.kind));
	if (!buf_err(&entry->texts))
		view_event(&json, &entry->event);
	buf_adds(&entry->frame, "\n\n");
	if (buf_err(&entry->frame) || buf_err(&entry->texts)) {
		buf_clear(&entry->frame);
		LOG(LOG_ERROR, "http.event_lost", LOG_INT("seq", entry->seq));
	}
	return buf_slice(&entry->frame);
}

uint64_t event_ring_oldest(const struct event_ring *ring)
{
	return ring->end - ring->first > ring->cap ? ring->end - ring->cap : ring->first;
}

uint64_t event_ring_end(const struct event_ring *ring)
{
	return ring->end;
}

struct event_entry *event_ring_find(struct event_ring *ring, uint64_t seq)
{
	if (seq < event_ring_oldest(ring) || seq >= ring->end)
		return NULL;
	return &ring->entries[seq % ring->cap];
}

uint64_t event_ring_bytes(const struct event_ring *ring)
{
	uint64_t bytes = 0;

	for (uint64_t seq = event_ring_oldest(ring); seq < ring->end; seq++)
		bytes += ring->entries[seq % ring->cap].frame.len +
			 ring->entries[seq % ring->cap].texts.len;
	return bytes;
}
