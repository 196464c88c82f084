/* http/json.h -- writing JSON (RFC 8259) into a buffer: no tree, no allocation per value.
 *
 * Reading is jansson's (http/document.h). Text that is not UTF-8 is written with U+FFFD for each
 * bad octet, so that the output is always valid. `key` is NULL inside arrays. Errors stick to the
 * buffer. Thread: one owner.
 */
#ifndef HTTP_JSON_H
#define HTTP_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct json {
	struct buf *out;
	bool has_before; /* private: a comma is due */
};

static inline struct json json_to(struct buf *out)
{
	return (struct json){.out = out};
}

void json_open(struct json *json, const char *key, char bracket);     /* '{' or '[' */
void json_close(struct json *json, char bracket);                     /* '}' or ']' */
void json_str(struct json *json, const char *key, struct slice s);    /* absent: null */
void json_text(struct json *json, const char *key, const char *text); /* NULL: null */
void json_int(struct json *json, const char *key, int64_t n);
void json_uint(struct json *json, const char *key, uint64_t n);
void json_real(struct json *json, const char *key, double x, int decimals); /* not finite: null */
void json_bool(struct json *json, const char *key, bool is_true);
void json_null(struct json *json, const char *key);
/* RFC 3339 in UTC with milliseconds; 0: null. */
void json_time(struct json *json, const char *key, uint64_t wall_ms);

#endif
