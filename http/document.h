/* http/document.h -- a JSON body that we were sent, checked against its schema.
 *
 * After document_parse the accessors cannot fail: every field that is there has the right type and
 * range. Unknown and repeated fields are errors. Thread: one owner.
 */
#ifndef HTTP_DOCUMENT_H
#define HTTP_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "http/schema.h"

struct document;

/* What is wrong: ERR_HTTP_JSON with line and column, ERR_HTTP_FIELD with the field's name. */
struct document_fault {
	int line, column; /* from 1; 0: does not apply */
	char field[64];   /* "": does not apply; a longer name is cut */
	char detail[192];
};

/* An empty body counts as {}. ERR_HTTP_JSON, ERR_HTTP_FIELD (both with *ret_fault filled), -ENOMEM.
 */
int document_parse(const struct schema *schema, struct slice text, struct document **ret_document,
		   struct document_fault *ret_fault);
struct document *document_free(struct document *document);

bool document_has(const struct document *document, const char *name);     /* also when null */
bool document_is_null(const struct document *document, const char *name); /* there, and null */

/* Each writes only when the field is there and not null; returns whether it wrote. Text is borrowed
 * from the document. */
bool document_bool(const struct document *document, const char *name, bool *ret);
bool document_u32(const struct document *document, const char *name, uint32_t *ret);
bool document_real(const struct document *document, const char *name, double *ret);
bool document_text(const struct document *document, const char *name, struct slice *ret);
bool document_time(const struct document *document, const char *name, uint64_t *ret_wall_ms);
/* Item number `index` of a list of strings; false behind its end. */
bool document_item(const struct document *document, const char *name, size_t index,
		   struct slice *ret);

#endif
