/* http/ring.c */
#include "http/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/log.h"
#include "http/view.h"
#include "http/writer.h"

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

/* Slices of one view. */
struct span {
	struct slice *texts;
	size_t count;
};

/* The slices now borrow from `texts`. All are added before one is set: adding moves the memory. */
static void keep_texts(struct buf *texts, const struct span *spans, size_t count)
{
	size_t at = 0;

	buf_clear(texts);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < spans[i].count; k++) {
			buf_addslice(texts, spans[i].texts[k]);
			buf_addc(texts, '\0');
		}
	if (buf_err(texts))
		return;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < spans[i].count; k++) {
			struct slice *text = &spans[i].texts[k];

			if (slice_present(*text))
				text->p = texts->p + at;
			at += text->len + 1;
		}
}

/* The event with all that it leads to; texts are still borrowed. */
static void copy_views(struct event_entry *entry, const struct focus_event *event)
{
	entry->event = *event;
	entry->room_view = *event->room;
	entry->event.room = &entry->room_view;
	if (event->participant) {
		entry->participant = *event->participant;
		entry->event.participant = &entry->participant;
	}
	if (event->call) {
		entry->call = *event->call;
		entry->event.call = &entry->call;
	}
	if (event->attempt) {
		entry->attempt = *event->attempt;
		entry->event.attempt = &entry->attempt;
	}
	if (event->registration) {
		entry->registration = *event->registration;
		entry->event.registration = &entry->registration;
	}
	if (event->recording) {
		entry->recording = *event->recording;
		entry->event.recording = &entry->recording;
	}
	if (event->play) {
		entry->play = *event->play;
		entry->event.play = &entry->play;
	}
	if (event->mail) {
		entry->mail = *event->mail;
		entry->event.mail = &entry->mail;
	}
}

#define SPAN(view)                                                                                 \
	{                                                                                          \
		(view).texts, ARRAY_LEN((view).texts)                                              \
	}

/* tests/lint/views.py sees to it that every text of every view is in one of the spans. */
static void own_texts(struct event_entry *entry)
{
	struct slice cause = slice_of(entry->event.cause), by = slice_of(entry->event.by);
	const struct span spans[] = {
		SPAN(entry->room_view),
		SPAN(entry->room_view.migration),
		SPAN(entry->participant),
		SPAN(entry->participant.groups),
		SPAN(entry->call),
		SPAN(entry->attempt),
		SPAN(entry->registration),
		SPAN(entry->recording),
		SPAN(entry->play),
		SPAN(entry->mail),
		SPAN(entry->event),
		{&cause, 1},
		{&by, 1},
	};

	keep_texts(&entry->texts, spans, ARRAY_LEN(spans));
	entry->event.cause = cause.p;
	entry->event.by = by.p;
}

void event_ring_put(struct event_ring *ring, const struct focus_event *event)
{
	struct event_entry *entry = &ring->entries[ring->end % ring->cap];
	struct buf frame = entry->frame, texts = entry->texts;

	assert(event->seq == ring->end);
	*entry = (struct event_entry){.seq = ring->end++, .frame = frame, .texts = texts};
	copy_views(entry, event);
	if (!event->call)
		(void)slice_cstr(event->room->id, entry->room, sizeof(entry->room));
	own_texts(entry);
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
