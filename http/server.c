/* http/server.c -- libmicrohttpd as a guest in our loop.
 *
 * The daemon has no thread (MHD_USE_EPOLL alone): whenever its epoll descriptor is readable or its
 * timeout has come, MHD_run is called. When it says that data is pending already, it runs again at
 * the end of the same turn, so that others get theirs in between.
 */
#include "http/server.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "http/events.h"
#include "http/openapi.h"

enum { HTTP_BACKLOG = 512 };

static const uint16_t statuses[HTTP_STATUS_MAX] = {200, 201, 202, 204, 304, 400, 401,
						   403, 404, 405, 406, 409, 412, 413,
						   415, 422, 429, 500, 503, 507};

uint16_t http_status_at(size_t slot)
{
	return slot < HTTP_STATUS_MAX ? statuses[slot] : 0;
}

size_t http_status_slot(uint16_t status)
{
	for (size_t i = 0; i < HTTP_STATUS_MAX; i++) {
		if (statuses[i] == status)
			return i;
	}
	return HTTP_STATUS_MAX - 1;
}

static void plan_next(struct http *http)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;

	timer_stop(loop_wheel(http->loop), &http->timer);
	if (MHD_get_timeout(http->daemon, &wait_ms) != MHD_YES)
		return;
	if (wait_ms == 0)
		loop_defer_post(http->loop, &http->rerun);
	else
		timer_start(loop_wheel(http->loop), &http->timer, wait_ms);
}

void http_run(struct http *http)
{
	(void)MHD_run(http->daemon);
	plan_next(http);
}

void http_run_soon(struct http *http)
{
	loop_defer_post(http->loop, &http->rerun);
}

static void on_ready(void *arg, unsigned events)
{
	(void)events;
	http_run(arg);
}

static void on_due(void *arg)
{
	http_run(arg);
}

/* The daemon's own complaints: broken requests, mostly; of use to who debugs a client. */
static void on_daemon_log(void *arg, const char *fmt, va_list ap)
{
	char text[256];

	(void)arg;
	if (!log_enabled(LOG_DEBUG))
		return;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	LOG(LOG_DEBUG, "http.daemon", LOG_SLICE("text", slice_trim(slice_of(text))));
}

/* Escapes are ours to resolve, segment by segment (router.h): leave the text as it is. */
static size_t leave_escaped(void *arg, struct MHD_Connection *connection, char *text)
{
	(void)arg;
	(void)connection;
	return strlen(text);
}

/* At its limit the daemon stops listening, and begins again only when it is run after a connection
 * has ended: without this it would be whenever something else happens. */
static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http *http = arg;

	(void)connection;
	(void)context;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		http->connections++;
		return;
	}
	if (http->connections-- >= http->config->http_connections_max)
		http_run_soon(http);
}

static int open_listener(const char *where, struct addr *ret_addr, int *ret_fd)
{
	struct addr addr;
	socklen_t len;
	int err = addr_parse(slice_of(where), &addr);
	int fd;

	if (err)
		return err;
	fd = socket(addr.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	len = addr_len(&addr);
	if (bind(fd, &addr.sa, len) || listen(fd, HTTP_BACKLOG) ||
	    getsockname(fd, &addr.sa, &len)) {
		err = -errno;
		close(fd);
		return err;
	}
	*ret_addr = addr;
	*ret_fd = fd;
	return 0;
}

static int start_daemon(struct http *http, int fd)
{
	const union MHD_DaemonInfo *info;

	const struct MHD_OptionItem options[] = {
		{MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_daemon_log, NULL},
		{MHD_OPTION_LISTEN_SOCKET, fd, NULL},
		{MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, http},
		{MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)request_on_completed, http},
		{MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL},
		{MHD_OPTION_CONNECTION_LIMIT, http->config->http_connections_max, NULL},
		{MHD_OPTION_CONNECTION_TIMEOUT, HTTP_IDLE_S, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_CONNECTION_MEMORY, NULL},
		{MHD_OPTION_END, 0, NULL},
	};

	http->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
		request_on_access, http, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	if (!http->daemon)
		return -ENOMEM; /* which may have closed the listener, or not: this process ends */
	info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	assert(info != NULL); /* it was started with epoll */
	http->watch = (struct loop_watch){.fd = info->epoll_fd, .on_ready = on_ready, .arg = http};
	return loop_watch_add(http->loop, &http->watch, LOOP_READ);
}

static int start(struct http *http, const char **reterr_text)
{
	int fd = -1;
	int err;

	*reterr_text = NULL; /* the error's own text says it */
	err = idempotency_new(&http->idempotency);
	if (err)
		return err;
	openapi_write(&http->description);
	err = buf_err(&http->description);
	if (err)
		return err;
	err = open_listener(http->config->http_listen, &http->addr, &fd);
	if (err)
		return err;
	err = start_daemon(http, fd);
	if (err) {
		*reterr_text = "the HTTP daemon does not start";
		return err;
	}
	err = events_new(http, &http->events);
	if (err == ERR_LIMIT)
		*reterr_text = "the focus takes no more listeners";
	return err;
}

int http_new(struct loop *loop, struct focus *focus, const struct config *config,
	     struct http **ret_http, const char **reterr_text)
{
	struct http *http = calloc(1, sizeof(*http));
	int err;

	*reterr_text = "out of memory";
	if (!http)
		return -ENOMEM;
	http->loop = loop;
	http->focus = focus;
	http->config = config;
	http->started_wall_ms = clock_wall_ms(loop_clock(loop));
	list_init(&http->waiting);
	list_init(&http->queries);
	timer_init(&http->timer, on_due, http);
	http->rerun = (struct loop_defer){.run = on_due, .arg = http};
	err = start(http, reterr_text);
	if (err) {
		http_free(http);
		return err;
	}
	*ret_http = http;
	return 0;
}

/* The daemon must not be stopped while a connection is suspended. */
static void wake_all(struct http *http)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &http->waiting)
		request_answer(LIST_ENTRY(it, struct request, waiting), ERR_STATE);
	if (http->events)
		events_end_all(http->events);
}

struct http *http_free(struct http *http)
{
	if (!http)
		return NULL;
	if (http->daemon) {
		wake_all(http);
		loop_watch_remove(http->loop, &http->watch);
		MHD_stop_daemon(http->daemon);
	}
	events_free(http->events);
	timer_stop(loop_wheel(http->loop), &http->timer);
	loop_defer_cancel(http->loop, &http->rerun);
	call_records_drop(http);
	idempotency_free(http->idempotency);
	buf_done(&http->description);
	free(http);
	return NULL;
}

void http_stop_accepting(struct http *http)
{
	MHD_socket fd = MHD_quiesce_daemon(http->daemon);

	if (fd != MHD_INVALID_SOCKET)
		close(fd);
}

void http_reload(struct http *http)
{
	events_reload(http->events);
}

struct addr http_addr(const struct http *http)
{
	return http->addr;
}
