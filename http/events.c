/* http/events.c -- cursors over the ring.
 *
 * The daemon asks a stream for octets whenever its socket takes some (on_read). When there are none
 * the connection is suspended, so that nobody polls it; an event, a heartbeat or levels resume it,
 * all that one turn of the loop brought in one go. A suspended connection does not notice that its
 * client has gone: the next heartbeat finds out.
 */
#include "http/events.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "focus/focus.h"
#include "http/handlers.h"
#include "http/levels.h"
#include "http/ring.h"
#include "http/server.h"
#include "http/view.h"
#include "version.h"

enum { STREAM_BLOCK = 16 * 1024 };

struct stream {
	struct list node;
	struct events *events;
	struct request *request;
	uint64_t cursor;    /* next event to be sent */
	size_t cursor_sent; /* octets of it that are out already */
	struct buf own;     /* greeting, heartbeat, levels: what is not in the ring */
	size_t own_sent;
	uint64_t read_ms;             /* when the daemon last asked for octets */
	char room[ROOM_ID_MAX + 1];   /* filter; "" all */
	char levels[ROOM_ID_MAX + 1]; /* room whose levels are wanted; "" none */
	bool is_suspended, is_ending, is_cut;
};

struct events {
	struct http *http;
	struct event_ring *ring;
	struct levels *levels;
	struct list streams;
	struct loop_defer kick; /* after events: wake the streams they are for */
	struct timer heartbeat, levels_timer;
	uint64_t token_hash;
	struct events_stats stats;
};

static struct wheel *wheel_of(const struct events *events)
{
	return loop_wheel(events->http->loop);
}

static uint64_t now_ms(const struct events *events)
{
	return wheel_now_ms(wheel_of(events));
}

/* One stream ---------------------------------------------------------------------------------- */

static bool is_wanted(const struct stream *stream, const struct event_entry *entry)
{
	return !stream->room[0] || strcmp(stream->room, entry->room) == 0;
}

/* The next event that this client wants, or NULL. Moves the cursor over those it does not. */
static struct event_entry *next_entry(struct stream *stream)
{
	struct event_ring *ring = stream->events->ring;
	struct event_entry *entry;

	while ((entry = event_ring_find(ring, stream->cursor)) != NULL) {
		if (is_wanted(stream, entry))
			return entry;
		stream->cursor++;
	}
	return NULL;
}

static bool has_fallen_behind(const struct stream *stream)
{
	return stream->cursor < event_ring_oldest(stream->events->ring);
}

static bool has_octets(struct stream *stream)
{
	return stream->own.len > stream->own_sent || next_entry(stream) != NULL;
}

static void wake(struct stream *stream)
{
	if (!stream->is_suspended)
		return;
	stream->is_suspended = false;
	stream->read_ms = now_ms(stream->events);
	MHD_resume_connection(stream->request->connection);
	http_run_soon(stream->events->http);
}

/* The daemon waits for a socket that takes nothing: take the socket away. */
static void cut_slow(struct stream *stream)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		stream->request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (stream->is_cut)
		return;
	stream->is_cut = true;
	stream->events->stats.cut_slow++;
	LOG(LOG_WARN, "http.stream_cut", LOG_INT("next_seq", stream->cursor),
	    LOG_INT("end_seq", event_ring_end(stream->events->ring)));
	if (info)
		(void)shutdown(info->connect_fd, SHUT_RDWR);
	http_run_soon(stream->events->http);
}

static size_t copy_part(struct slice from, size_t *sent, char *out, size_t max)
{
	size_t len = MIN_OF(from.len - *sent, max);

	memcpy(out, from.p + *sent, len);
	*sent += len;
	return len;
}

static size_t fill_own(struct stream *stream, char *out, size_t max)
{
	size_t len = copy_part(buf_slice(&stream->own), &stream->own_sent, out, max);

	if (stream->own_sent == stream->own.len) {
		buf_clear(&stream->own);
		stream->own_sent = 0;
	}
	return len;
}

static size_t fill_events(struct stream *stream, char *out, size_t max)
{
	struct event_entry *entry;
	size_t len = 0;

	while (len < max && (entry = next_entry(stream)) != NULL) {
		struct slice frame = event_entry_frame(entry);

		len += copy_part(frame, &stream->cursor_sent, out + len, max - len);
		if (stream->cursor_sent < frame.len)
			break;
		stream->cursor++;
		stream->cursor_sent = 0;
		stream->events->stats.sent++;
	}
	return len;
}

/* An event that has been begun is finished before anything else is put in. */
static size_t fill(struct stream *stream, char *out, size_t max)
{
	size_t len = 0;

	if (stream->cursor_sent == 0 && stream->own.len > 0)
		len += fill_own(stream, out, max);
	if (stream->own.len == 0 || stream->cursor_sent > 0)
		len += fill_events(stream, out + len, max - len);
	return len;
}

static ssize_t on_read(void *arg, uint64_t pos, char *out, size_t max)
{
	struct stream *stream = arg;
	size_t len;

	(void)pos;
	stream->read_ms = now_ms(stream->events);
	if (stream->is_ending)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (has_fallen_behind(stream)) {
		cut_slow(stream);
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	len = fill(stream, out, max);
	if (len > 0)
		return (ssize_t)len;
	stream->is_suspended = true;
	MHD_suspend_connection(stream->request->connection);
	return 0;
}

/* All streams --------------------------------------------------------------------------------- */

static void each_stream(struct events *events, void (*visit)(struct stream *stream))
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &events->streams)
		visit(LIST_ENTRY(it, struct stream, node));
}

static void kick(struct stream *stream)
{
	if (has_fallen_behind(stream) && !stream->is_suspended)
		cut_slow(stream);
	else if (has_octets(stream))
		wake(stream);
}

static void on_kick(void *arg)
{
	each_stream(arg, kick);
}

static void on_focus_event(void *arg, const struct focus_event *event)
{
	struct events *events = arg;

	event_ring_put(events->ring, event);
	if (!list_empty(&events->streams))
		loop_defer_post(events->http->loop, &events->kick);
}

static void beat(struct stream *stream)
{
	bool is_stalled = !stream->is_suspended &&
			  now_ms(stream->events) - stream->read_ms >= EVENTS_STALL_MS;

	if (is_stalled) {
		cut_slow(stream);
		return;
	}
	if (!stream->is_suspended)
		return;
	buf_adds(&stream->own, ": still here\n\n");
	wake(stream);
}

static void on_heartbeat(void *arg)
{
	struct events *events = arg;

	each_stream(events, beat);
	timer_start(wheel_of(events), &events->heartbeat, EVENTS_HEARTBEAT_MS);
}

static void send_levels(struct stream *stream)
{
	struct slice frame;

	if (!stream->levels[0] || !stream->is_suspended)
		return;
	frame = levels_frame(stream->events->levels, slice_of(stream->levels));
	if (frame.len == 0)
		return;
	buf_addslice(&stream->own, frame);
	wake(stream);
}

static void on_levels(void *arg)
{
	struct events *events = arg;

	levels_begin(events->levels);
	each_stream(events, send_levels);
	if (levels_count(events->levels) > 0)
		timer_start(wheel_of(events), &events->levels_timer, EVENTS_LEVELS_MS);
}

/* Opening and closing ------------------------------------------------------------------------- */

static void on_gone(void *arg)
{
	struct stream *stream = arg;
	struct events *events = stream->events;

	if (stream->levels[0])
		levels_unwatch(events->levels, slice_of(stream->levels));
	list_remove(&stream->node);
	events->stats.clients--;
	buf_done(&stream->own);
	free(stream);
}

/* What the client has seen last: the header that browsers send when they come back, or the
 * parameter, which those use who cannot set headers. */
static int last_seen(struct request *request, bool *ret_has, uint64_t *ret_seq)
{
	struct slice text = request_header(request, "Last-Event-ID");
	char param[32];
	bool has = slice_present(text);
	int err = 0;

	if (!has) {
		err = request_query(request, "last_event_id", param, sizeof(param), &has);
		text = slice_of(param);
	}
	if (!err && has && slice_u64(slice_trim(text), UINT64_MAX - 1, ret_seq))
		err = request_fail_parameter(request, "Last-Event-ID", "it must be a number");
	if (!err)
		*ret_has = has;
	return err;
}

static int read_filters(struct request *request, struct stream *stream)
{
	bool has;
	int err = request_query(request, "room", stream->room, sizeof(stream->room), &has);

	if (err)
		return err;
	return request_query(request, "levels", stream->levels, sizeof(stream->levels), &has);
}

/* `reset`: what was asked for is not kept; the client reads the state anew and goes on from now. */
static void greet(struct stream *stream, bool has_reset)
{
	unsigned long long last = event_ring_end(stream->events->ring) - 1;

	buf_addf(&stream->own, "retry: %d\n\n", EVENTS_RETRY_MS);
	if (has_reset)
		buf_addf(&stream->own, "id: %llu\nevent: stream.reset\ndata: {\"seq\":%llu}\n\n",
			 last, last);
}

/* Sets the cursor behind what was seen, or, when that cannot be continued, to now. */
static void place(struct stream *stream, bool has_seen, uint64_t seen)
{
	struct events *events = stream->events;
	const struct event_ring *ring = events->ring;
	bool is_kept = seen + 1 >= event_ring_oldest(ring) && seen < event_ring_end(ring);

	stream->cursor = has_seen && is_kept ? seen + 1 : event_ring_end(ring);
	if (has_seen && !is_kept)
		events->stats.resets++;
	greet(stream, has_seen && !is_kept);
}

static int open_stream(struct request *request, struct stream *stream)
{
	struct events *events = stream->events;
	uint64_t seen = 0;
	bool has_seen = false;
	int err = read_filters(request, stream);

	if (err)
		return err;
	err = last_seen(request, &has_seen, &seen);
	if (err)
		return err;
	place(stream, has_seen, seen);
	if (buf_err(&stream->own)) /* before a response exists that would read the stream */
		return -ENOMEM;
	request->reply.stream = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK,
								  on_read, stream, NULL);
	if (!request->reply.stream)
		return -ENOMEM;
	if (stream->levels[0] && levels_watch(events->levels, slice_of(stream->levels))) {
		stream->levels[0] = '\0';
		events->stats.levels_refused++;
	}
	if (stream->levels[0] && !timer_running(&events->levels_timer))
		timer_start(wheel_of(events), &events->levels_timer, EVENTS_LEVELS_MS);
	return 0;
}

static uint32_t streams_max(const struct http *http)
{
	/* A quarter of the connections stays free for requests that end. */
	return (uint32_t)MAX_OF(http->config->http_connections_max * 3 / 4, 1);
}

int events_open(struct request *request)
{
	struct events *events = request->http->events;
	struct stream *stream;
	int err;

	request->reply.content_type = "text/event-stream";
	if (strcmp(request->method, "HEAD") == 0)
		return 0;
	if (events->stats.clients >= streams_max(request->http)) {
		events->stats.refused++;
		return ERR_HTTP_STREAMS;
	}
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	stream->events = events;
	stream->request = request;
	stream->read_ms = now_ms(events);
	err = open_stream(request, stream);
	if (err) {
		buf_done(&stream->own);
		free(stream);
		return err;
	}
	list_append(&events->streams, &stream->node);
	request_on_gone(request, on_gone, stream);
	events->stats.clients++;
	events->stats.opened++;
	return 0;
}

static uint64_t token_hash(const struct http *http)
{
	return hash_slice(slice_of(http->config->http_token));
}

int events_new(struct http *http, struct events **ret_events)
{
	struct events *events = calloc(1, sizeof(*events));
	int err;

	if (!events)
		return -ENOMEM;
	events->http = http;
	events->token_hash = token_hash(http);
	list_init(&events->streams);
	events->kick = (struct loop_defer){.run = on_kick, .arg = events};
	timer_init(&events->heartbeat, on_heartbeat, events);
	timer_init(&events->levels_timer, on_levels, events);
	err = levels_new(http->focus, &events->levels);
	if (err)
		goto fail;
	err = event_ring_new((uint32_t)http->config->http_events_kept,
			     focus_event_seq(http->focus) + 1, &events->ring);
	if (err)
		goto fail;
	err = focus_listen(http->focus, on_focus_event, events);
	if (err)
		goto fail;
	timer_start(wheel_of(events), &events->heartbeat, EVENTS_HEARTBEAT_MS);
	*ret_events = events;
	return 0;

fail:
	events_free(events);
	return err;
}

struct events *events_free(struct events *events)
{
	if (!events)
		return NULL;
	assert(list_empty(&events->streams));
	focus_unlisten(events->http->focus, on_focus_event, events);
	timer_stop(wheel_of(events), &events->heartbeat);
	timer_stop(wheel_of(events), &events->levels_timer);
	loop_defer_cancel(events->http->loop, &events->kick);
	event_ring_free(events->ring);
	levels_free(events->levels);
	free(events);
	return NULL;
}

static void end(struct stream *stream)
{
	stream->is_ending = true;
	wake(stream);
}

void events_end_all(struct events *events)
{
	each_stream(events, end);
}

void events_reload(struct events *events)
{
	uint64_t hash = token_hash(events->http);

	if (hash == events->token_hash)
		return;
	events->token_hash = hash;
	events_end_all(events);
}

const struct events_stats *events_stats(const struct events *events)
{
	return &events->stats;
}

uint64_t events_kept_bytes(const struct events *events)
{
	return event_ring_bytes(events->ring);
}
