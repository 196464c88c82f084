/* focus/event.h -- what happens in the focus, told once to whoever listens.
 *
 * Sequence numbers begin at 1 and have no gaps. A listener is called on the control thread in the
 * order of the events; views are borrowed for the call. A listener looks and takes notes; it
 * changes nothing in the focus from inside the call. Names are those of the API's event stream.
 */
#ifndef FOCUS_EVENT_H
#define FOCUS_EVENT_H

#include <stdint.h>

#include "base/slice.h"

struct call_view;
struct focus;
struct fork_attempt_view;
struct registration_view;
struct room_view;
struct participant_view;
struct mail_view;
struct play_view;
struct recording_view;

enum focus_event_kind {
	FOCUS_ROOM_CREATED,
	FOCUS_ROOM_CHANGED,
	FOCUS_ROOM_CLOSED,
	FOCUS_PARTICIPANT_CREATED, /* dialing in or out */
	FOCUS_PARTICIPANT_CHANGED, /* state or control */
	FOCUS_PARTICIPANT_JOINED,  /* connected for the first time */
	FOCUS_PARTICIPANT_TALKING, /* media.is_talking changed */
	FOCUS_PARTICIPANT_LEFT,    /* the last event of a participant; `cause`. "moved": the last here,
				    * and it has JOINED another room */
	FOCUS_DTMF,                /* `digit`, `duration_ms` */
	FOCUS_CALL_CREATED,        /* a two-party call; `call` */
	FOCUS_CALL_CHANGED,
	FOCUS_CALL_ENDED,           /* `cause` ("conference": it has become one) and `status` */
	FOCUS_PARTICIPANT_ATTEMPT,  /* somebody whom we call: one of the targets; `attempt` */
	FOCUS_REGISTRATION_ADDED,   /* `registration`; refreshes are not told */
	FOCUS_REGISTRATION_REMOVED, /* and `cause`: removed, expired, flow_failed, deleted */
	FOCUS_ROOM_MIGRATION,       /* a move goes on: room->migration; `cause` is its state */
	FOCUS_RECORDING_STARTED,    /* `recording`; the room is one that may have gone */
	FOCUS_RECORDING_CHANGED,    /* paused, goes on, stopped */
	FOCUS_RECORDING_ENDED,      /* its files are complete, or `cause` is "failed" */
	FOCUS_RECORDING_DELETED,    /* `cause`: deleted, or expired (recordings.days) */
	FOCUS_PLAY_QUEUED,          /* `play`: it waits for those before it */
	FOCUS_PLAY_STARTED,
	FOCUS_PLAY_CHANGED,         /* paused, goes on, volume, place */
	FOCUS_PLAY_ENDED,           /* `cause` (focus/play.h) */
	FOCUS_MAIL_ADDED,           /* `mail`: a message in a mailbox (mailbox.h) */
	FOCUS_MAIL_CHANGED,         /* read, urgent */
	FOCUS_MAIL_REMOVED,
	FOCUS_MESSAGE, /* said in the room: `from`, `text`; the participant is NULL when the API did
			*/
	FOCUS_EVENT_KIND_COUNT
};

struct focus_event {
	uint64_t seq;
	uint64_t wall_ms;
	enum focus_event_kind kind;
	const struct room_view *room; /* always there; of a call: a room that nobody can see */
	const struct participant_view *participant; /* NULL for room events */
	const struct call_view *call; /* of call events, and of what happens in a call; else NULL */
	const struct fork_attempt_view *attempt;      /* of attempt events; else NULL */
	const struct registration_view *registration; /* of registration events, whose room is one
							 without a name; else NULL */
	const struct recording_view *recording;       /* of recording events; else NULL */
	const struct play_view *play;                 /* of play events; else NULL */
	const struct mail_view *mail; /* of mailbox events, whose room is one without a name; else
					 NULL */
	const char
		*cause;  /* "bye", "kicked", "room_closed", "busy" ...; NULL when it says nothing */
	const char *by;  /* whose word it was: "api", "schedule", or the id of a participant; NULL
			    nobody's: it came about by itself */
	uint16_t status; /* LEFT: SIP status of a call that failed, else 0 */
	char digit;
	uint16_t duration_ms;
	SLICES(texts, from, text); /* MESSAGE; else absent. As they came: not always UTF-8 */
	const char *content_type;  /* MESSAGE: static, "text/plain" or "message/cpim" */
};

const char *focus_event_name(enum focus_event_kind kind); /* "room.created", "dtmf" ... */

/* At most FOCUS_LISTENERS_MAX. ERR_LIMIT. */
enum { FOCUS_LISTENERS_MAX = 8 };
typedef void focus_event_fn(void *arg, const struct focus_event *event);
int focus_listen(struct focus *focus, focus_event_fn *on_event, void *arg);
void focus_unlisten(struct focus *focus, focus_event_fn *on_event, void *arg);
uint64_t focus_event_seq(const struct focus *focus); /* of the last event, 0 none */

#endif
