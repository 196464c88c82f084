/* focus/roster_notify.h -- the event package `conference` (RFC 4575): who is told of a room, and of
 * what.
 *
 * Each subscription counts its own versions. It gets a full document at the start and after every
 * refresh, and when it has missed more than the room remembers; in between partial ones, with
 * all that changed since the last in one (focus.roster_interval_ms at least apart). A document
 * that does not fit into a datagram goes on in partial ones. Thread: control.
 */
#ifndef FOCUS_ROSTER_NOTIFY_H
#define FOCUS_ROSTER_NOTIFY_H

#include "base/buf.h"
#include "base/list.h"
#include "base/wheel.h"
#include "focus/notifier.h"

struct focus;
struct focus_news;
struct participant;
struct room;

enum {
	ROSTER_GONE_MAX = 64,           /* departures that a room remembers for partial documents */
	ROSTER_DATAGRAM_MAX = 40 * 1024 /* octets of users in a document that goes over UDP */
};

/* The subscriptions of a room and what they need; a field of the room. */
struct roster {
	struct topic topic;
	struct timer talk; /* until changes of who talks are told */
	uint64_t all_seq;  /* the event since which everybody's entry is another (mute all) */
	struct roster_gone *gone;      /* a ring of ROSTER_GONE_MAX; NULL before it is needed */
	uint32_t gone_count;           /* all that were ever put */
	struct buf cache;              /* users of the last document ... */
	uint64_t cache_from, cache_to; /* ... which told what happened between these events */
};
void roster_init(struct room *room);
/* The end of the room: subscribers, if any, are told (terminated, noresource). */
void roster_done(struct room *room);

/* Everything that is told of a room and its participants. */
void roster_on_news(struct focus *focus, const struct focus_news *news, uint64_t seq);

#endif
