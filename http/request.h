/* http/request.h -- one request and its reply, as handlers see them.
 *
 * A handler reads arguments, parameters and the body, writes the body of its reply into
 * request_body(), and returns 0; or returns an error code, to which request_fail adds what is
 * particular. Thread: control; a request lives until its connection has sent the reply.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/slice.h"
#include "http/document.h"
#include "http/writer.h"

struct http;
struct request;
struct room;
struct participant;

struct http *request_http(const struct request *request);
struct slice request_path(const struct request *request); /* as sent, without the query */

/* What {name} number `index` of the route's path matched, decoded. */
struct slice request_arg(const struct request *request, unsigned index);
struct slice request_header(const struct request *request,
			    const char *name); /* absent when missing */

/* A query parameter, decoded, into out (NUL terminated). *ret_has tells whether it was there.
 * ERR_HTTP_SYNTAX (with detail set): broken escape, or longer than cap - 1. */
int request_query(struct request *request, const char *name, char *out, size_t cap, bool *ret_has);
/* A number from min to max; *value stays as it is when the parameter is missing. ERR_HTTP_SYNTAX.
 */
int request_query_u64(struct request *request, const char *name, uint64_t min, uint64_t max,
		      uint64_t *value);

/* The body, checked against `schema`. ERR_HTTP_JSON, ERR_HTTP_FIELD, -ENOMEM. The document is the
 * caller's. */
int request_document(struct request *request, const struct schema *schema,
		     struct document **ret_document);

/* Detail for people; returns err. */
int request_fail(struct request *request, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);
int request_fail_field(struct request *request, const char *field, const char *fmt, ...)
	PRINTF_LIKE(3, 4); /* ERR_HTTP_FIELD */
int request_fail_parameter(struct request *request, const char *parameter, const char *fmt, ...)
	PRINTF_LIKE(3, 4); /* ERR_HTTP_SYNTAX */

/* The reply: status and content type are the route's unless set. */
struct buf *request_body(struct request *request);
void request_set_status(struct request *request, uint16_t status);
void request_set_location(struct request *request, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ETags name an object's incarnation and version: `"<created>-<version>"` in hex. */
void request_set_etag(struct request *request, uint64_t created_wall_ms, uint64_t version);
/* 0 when If-Match is missing, "*" or names this version; else ERR_HTTP_PRECONDITION (RFC
 * 9110 13.1.1). */
int request_check_etag(struct request *request, uint64_t created_wall_ms, uint64_t version);

/* The objects that the path names. ERR_ROOM_UNKNOWN, ERR_PARTICIPANT_UNKNOWN. */
int request_room(struct request *request, struct room **ret_room);
int request_participant(struct request *request, struct room **ret_room,
			struct participant **ret_participant);

/* A reply that comes later: the handler calls request_wait and returns 0; at a later turn
 * request_answer ends the waiting, with the reply filled or `err`. */
void request_wait(struct request *request);
void request_answer(struct request *request, int err);
/* `on_gone` is called when the request ends before (or after) it was answered. */
void request_on_gone(struct request *request, void (*on_gone)(void *arg), void *arg);

#endif
