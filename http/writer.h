/* http/writer.h -- writing JSON (RFC 8259) into a buffer: no tree, no allocation per value.
 *
 * Reading is jansson's (http/document.h). Text that is not UTF-8 is written with U+FFFD for each
 * bad octet, so that the output is always valid. `key` is NULL inside arrays. Errors stick to the
 * buffer. Thread: one owner.
 */
#ifndef HTTP_WRITER_H
#define HTTP_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct writer {
	struct buf *out;
	bool has_before; /* private: a comma is due */
};

static inline struct writer writer_to(struct buf *out)
{
	return (struct writer){.out = out};
}

void writer_open(struct writer *json, const char *key, char bracket);     /* '{' or '[' */
void writer_close(struct writer *json, char bracket);                     /* '}' or ']' */
void writer_str(struct writer *json, const char *key, struct slice s);    /* absent: null */
void writer_text(struct writer *json, const char *key, const char *text); /* NULL: null */
/* A comma list without blanks, as a list of strings. */
void writer_list(struct writer *json, const char *key, struct slice list);
void writer_int(struct writer *json, const char *key, int64_t n);
void writer_uint(struct writer *json, const char *key, uint64_t n);
void writer_real(struct writer *json, const char *key, double x,
		 int decimals); /* not finite: null */
void writer_bool(struct writer *json, const char *key, bool is_true);
void writer_null(struct writer *json, const char *key);
/* What is empty, or 0, is null. */
void writer_some(struct writer *json, const char *key, struct slice s);
void writer_some_uint(struct writer *json, const char *key, uint64_t n);
/* RFC 3339 in UTC with milliseconds; 0: null. */
void writer_time(struct writer *json, const char *key, uint64_t wall_ms);

#endif
