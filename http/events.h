/* http/events.h -- the event stream (Server-Sent Events) and the ring it replays from.
 *
 * Every event of the focus is rendered once, as the very octets that go to clients, into a ring of
 * http.events_kept. A client is a cursor into that ring and nothing more: a slow one costs no
 * memory. One that falls out of the ring, or has read nothing for EVENTS_STALL_MS while something
 * waited, is cut off and counted; it comes back with Last-Event-ID. Who asks for more than is kept
 * gets "stream.reset" and goes on from now.
 *
 * `levels` events (who is how loud, EVENTS_LEVELS_MS apart) belong to no sequence: they are
 * rendered once per watched room and go only to clients that have taken everything before. Thread:
 * control.
 */
#ifndef HTTP_EVENTS_H
#define HTTP_EVENTS_H

#include <stdint.h>

struct events;
struct http;

enum {
	EVENTS_HEARTBEAT_MS = 15000,
	EVENTS_STALL_MS = 30000,
	EVENTS_LEVELS_MS = 250,
	EVENTS_LEVELS_ROOMS_MAX =
		64,            /* watched at once; beyond it a client gets no levels (counted) */
	EVENTS_RETRY_MS = 2000 /* what clients are told to wait before they come back */
};

/* -ENOMEM, ERR_LIMIT. */
int events_new(struct http *http, struct events **ret_events);
/* No stream may be open. Accepts NULL; returns NULL. */
struct events *events_free(struct events *events);

void events_end_all(struct events *events); /* every stream ends at the next run of the daemon */
void events_reload(struct events *events);  /* ends them when http.token has changed */

struct events_stats {
	uint32_t clients; /* gauge */
	uint64_t opened, sent, resets, cut_slow, levels_refused, refused;
};
const struct events_stats *events_stats(const struct events *events);
uint64_t events_kept_bytes(const struct events *events); /* gauge; walks the ring */

#endif
