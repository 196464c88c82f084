/* http/server.h -- the inside of struct http, for the files of this folder and their tests.
 *
 * server.c owns the daemon, request.c the requests, events.c the streams. Thread: control.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <microhttpd.h>

#include "base/list.h"
#include "http/http.h"
#include "http/idempotency.h"
#include "http/problem.h"
#include "http/rate.h"
#include "http/request.h"
#include "http/router.h"

struct events;

enum {
	HTTP_IDLE_S = 30,                   /* a connection without a request is closed */
	HTTP_CONNECTION_MEMORY = 32 * 1024, /* request line and headers must fit */
	HTTP_STATUS_MAX = 24                /* statuses counted apart */
};

struct http_stats {
	uint64_t requests[ROUTES_MAX + 1]
			 [HTTP_STATUS_MAX]; /* last row: no route; by http_status_slot */
	uint64_t duration_ns[ROUTES_MAX + 1];
	uint32_t requests_open;
	uint64_t replays; /* answered from the idempotency cache */
};

struct http {
	struct loop *loop;
	struct focus *focus;
	const struct config *config;
	struct MHD_Daemon *daemon;
	struct loop_watch watch; /* the daemon's epoll descriptor */
	struct timer timer;      /* the daemon's timeout */
	struct loop_defer rerun; /* the daemon has more to do at once */
	struct addr addr;
	struct events *events;
	struct idempotency *idempotency;
	struct rates rates;
	struct buf description; /* /openapi.json */
	struct list waiting;    /* requests that are suspended */
	struct list queries;    /* what the store has been asked (records.c) */
	int64_t connections;
	struct http_stats stats;
	uint64_t started_wall_ms;
};

/* Status of a counter column, 0 at the end; the last column counts all others. */
uint16_t http_status_at(size_t slot);
size_t http_status_slot(uint16_t status);

/* Serves what is due. Not from inside a handler: http_run_soon is for those. */
void http_run(struct http *http);
void http_run_soon(struct http *http);

struct reply {
	uint16_t status; /* 0: the route's */
	const char *content_type;
	struct buf body;
	struct slice asset; /* instead of body: text that lives as long as the program */
	char location[192], etag[64];
	const char *cache_control;
	bool is_replayed;
	struct MHD_Response *stream; /* instead of a body: an event stream */
};

struct request {
	struct http *http;
	struct MHD_Connection *connection;
	struct route_match match;
	struct slice path; /* borrowed from the connection */
	char method[16];
	struct buf body;
	size_t body_seen; /* octets that came, kept or not */
	int err;          /* found before the body was read */
	struct problem_detail detail;
	struct reply reply;
	char key[IDEMPOTENCY_KEY_MAX + 1]; /* Idempotency-Key; "" none */
	uint64_t begun_ns;
	struct list waiting;
	bool is_waiting, is_answered;
	void (*on_gone)(void *arg);
	void *gone_arg;
};

/* Forgets what the store has not answered, at the end: no turn of the loop may follow. */
void call_records_drop(struct http *http);

/* Callbacks of the daemon (request.c). */
enum MHD_Result request_on_access(void *http, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_len, void **context);
void request_on_completed(void *http, struct MHD_Connection *connection, void **context,
			  enum MHD_RequestTerminationCode why);

#endif
