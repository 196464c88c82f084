/* http/router.h -- one table of routes: what is dispatched is what is documented.
 *
 * A path pattern is literal segments and "{name}" segments that match one non-empty segment.
 * Matching works on the raw path; what a {name} matched is handed out percent-decoded
 * (RFC 3986 2.1). Thread: any, all constant.
 */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct request;

enum { ROUTE_ARGS_MAX = 2, ROUTE_ARG_MAX = 255, ROUTE_ERRORS_MAX = 8, ROUTES_MAX = 96 };

enum route_flag {
	ROUTE_OPEN = 1,       /* no token asked */
	ROUTE_IDEMPOTENT = 2, /* takes Idempotency-Key */
	ROUTE_HIDDEN = 4,     /* not in the description: files of the page */
	ROUTE_SAME_503 = 8    /* its 503 has the body of its success */
};

struct route {
	const char *method; /* HEAD is served by GET, OPTIONS by the router */
	const char *path;
	int (*handle)(struct request *request); /* 0 or a code of problem.h's table */
	const char *operation, *summary;
	const char *params;   /* names of http/openapi.c's parameters, space between; NULL none */
	const char *request;  /* schema of the body; NULL: none is read */
	const char *response; /* schema of the answer; NULL: none */
	const char *content_type; /* of the answer; NULL: it has no body */
	uint16_t status;          /* of success */
	unsigned flags;
	uint16_t errors[ROUTE_ERRORS_MAX]; /* statuses of its problems besides those of every route
					    */
};

const struct route *route_at(size_t index); /* NULL at the end */
size_t route_index(const struct route *route);
const struct route *route_find(const char *operation);

struct route_match {
	const struct route *route; /* NULL: no route of this method */
	bool is_path_known;        /* some method is at this path */
	char args[ROUTE_ARGS_MAX][ROUTE_ARG_MAX + 1];
};

/* 0, whether or not something matched; ERR_HTTP_SYNTAX when a segment has a broken escape or an
 * escaped NUL; ERR_HTTP_NOT_FOUND when an argument is longer than ROUTE_ARG_MAX. */
int route_match(struct slice method, struct slice path, struct route_match *ret_match);

/* "GET, HEAD, POST, OPTIONS": what is at the path; "" when nothing is. Returns out. */
enum { ROUTE_ALLOW_MAX = 96 };
char *route_allow(struct slice path, char out[ROUTE_ALLOW_MAX]);

/* Percent-decoding into out (NUL terminated). ERR_HTTP_SYNTAX; -ERANGE when it does not fit. */
int route_decode(struct slice text, char *out, size_t cap);

#endif
