/* http/ring.h -- the last events, kept for the clients of the stream.
 *
 * An event is kept as the values that it told, and written out when the first client reads it: most
 * are never read by anybody, and writing one costs more than all else that it causes. Numbers are
 * those of the focus: contiguous. Thread: control.
 */
#ifndef HTTP_RING_H
#define HTTP_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "focus/calls.h"
#include "focus/event.h"
#include "focus/fork.h"
#include "focus/mailbox.h"
#include "focus/participant.h"
#include "focus/play.h"
#include "focus/recording.h"
#include "focus/registrar.h"
#include "focus/room.h"

struct event_ring;

struct event_entry {
	uint64_t seq;
	char room[ROOM_ID_MAX + 1];
	struct buf frame; /* "id: 7\nevent: ...\ndata: {...}\n\n"; empty until it was asked for */

	struct focus_event event; /* its pointers lead to what follows */
	struct room_view room_view;
	struct participant_view participant;
	struct call_view call;
	struct fork_attempt_view attempt;
	struct registration_view registration;
	struct recording_view recording;
	struct play_view play;
	struct mail_view mail;
	struct buf texts; /* what the views and `cause` borrow */
};

/* `first_seq`: the number of the first event that will be put. -ENOMEM. */
int event_ring_new(uint32_t kept_max, uint64_t first_seq, struct event_ring **ret_ring);
struct event_ring *event_ring_free(struct event_ring *ring);

/* Copies the event over the oldest; its seq is event_ring_end(). Out of memory its number goes on
 * and its frame stays empty (logged). */
void event_ring_put(struct event_ring *ring, const struct focus_event *event);

struct event_entry *event_ring_find(struct event_ring *ring, uint64_t seq); /* NULL: not kept */
struct slice
event_entry_frame(struct event_entry *entry); /* borrowed until the entry is put over */

uint64_t
event_ring_oldest(const struct event_ring *ring);       /* kept; the next one when there is none */
uint64_t event_ring_end(const struct event_ring *ring); /* number that the next event will have */
uint64_t event_ring_bytes(const struct event_ring *ring); /* texts and frames */

#endif
