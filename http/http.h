/* http/http.h -- the API, the event stream, the metrics and the page, served inside the control
 * loop.
 *
 * libmicrohttpd runs without a thread of its own: its epoll descriptor is a watch of our loop, its
 * timeout a timer of our wheel. A handler therefore calls the focus directly, without a lock, and
 * must not wait for anything; an answer that comes later (call records) suspends its connection.
 *
 * HTTP/1.1: RFC 9110, 9112. Errors: RFC 9457. Events: Server-Sent Events (WHATWG HTML 9.2). Bearer
 * tokens: RFC 6750 2.1. The table of routes is http/routes.c; /openapi.json is made from it.
 *
 * Thread: control, all of it.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/addr.h"
#include "base/loop.h"
#include "config/config.h"
#include "focus/focus.h"

struct http;

/* Binds config->http_listen (port 0: any free one) and begins to serve. `loop`, `focus` and
 * `config` are borrowed and outlive it; the focus may be attached later, but before the first loop
 * turn. Negative errno, -EINVAL for an address that does not parse, ERR_LIMIT when there is no
 * listener left in the focus; *reterr_text is then a static sentence, or
 * NULL where the text of the error says it. */
int http_new(struct loop *loop, struct focus *focus, const struct config *config,
	     struct http **ret_http, const char **reterr_text);

/* Closes every connection. Before focus_free and store_free, and with no turn of the loop between
 * it and store_free: answers of the store that are still under way have nobody to go to. Accepts
 * NULL; returns NULL. */
struct http *http_free(struct http *http);

/* Closes the listening socket; open connections and event streams go on. For the end of a drain. */
void http_stop_accepting(struct http *http);

/* The configuration has changed (SIGHUP): when the token has, event streams opened under the old
 * one are ended. Token and body limit are read anew with every request anyway. */
void http_reload(struct http *http);

/* The bound address, for the start message. */
struct addr http_addr(const struct http *http);

#endif
