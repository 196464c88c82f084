/* http/problem.h -- errors as RFC 9457 problem documents: the one table from error code to HTTP
 * status. Thread: any.
 */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define PROBLEM_CONTENT_TYPE "application/problem+json"
#define PROBLEM_TYPE_PREFIX "/problems/"

struct problem {
	int err;
	uint16_t status;
	const char *name;       /* "room-full": type is PROBLEM_TYPE_PREFIX + name */
	const char *title;      /* NULL: err_text(err) */
	uint16_t retry_after_s; /* 0: no Retry-After */
};

/* Never NULL: codes that are not in the table are an internal error (500). */
const struct problem *problem_of(int err);
const struct problem *problem_at(size_t index);        /* NULL at the end */
const struct problem *problem_find(struct slice name); /* NULL: unknown */
const char *problem_title(const struct problem *problem);

/* What is particular to this time. Empty or 0: left out. */
struct problem_detail {
	char text[256];
	char field[64], parameter[64];
	int line, column;
};

/* Writes the document. `instance` is the path of the request. */
void problem_write(const struct problem *problem, const struct problem_detail *detail,
		   struct slice instance, struct buf *out);

#endif
