/* ctl/show.h -- answers of the API as text for people.
 *
 * Pure: JSON in, text out. Thread: any.
 */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

#include <jansson.h>

#include "base/buf.h"

/* A page of a list, {"rooms": [...], "next": ...}, as a table: `columns` by spaces, a dot for what
 * is within ("quality.mos"). With `has_head` names stand above. Missing, null and empty values are
 * "-". -EINVAL: no list in it. */
int show_list(const json_t *page, const char *columns, bool has_head, struct buf *text);

/* Any object: "name: value", a line each, what is within by dots. */
void show_object(const json_t *object, struct buf *text);

/* A problem document (RFC 9457): its title, its detail, and what it says of single fields. */
void show_problem(const json_t *problem, struct buf *text);

/* The `data:` lines of Server-Sent Events, a line each, of the octets so far: what is whole goes to
 * `text`, the rest stays in `pending`. */
void show_events(struct buf *pending, struct slice octets, struct buf *text);

#endif
