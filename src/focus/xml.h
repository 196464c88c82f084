/* focus/xml.h -- writing XML 1.0 into a buffer: text and attribute values are escaped, and what XML
 * cannot hold becomes '?'. Errors stick to the buffer. Thread: any; pure.
 */
#ifndef FOCUS_XML_H
#define FOCUS_XML_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* `<?xml version="1.0" encoding="UTF-8"?>` and a line end. */
void xml_head(struct buf *out);
/* Escaped for text and attribute values alike. UTF-8 is expected; see focus/text.h text_utf8. */
void xml_text(struct buf *out, struct slice text);
/* ` name="value"`, escaped. */
void xml_attr(struct buf *out, const char *name, struct slice value);
/* `<name>text</name>`; nothing when `text` is empty or absent. */
void xml_leaf(struct buf *out, const char *name, struct slice text);
void xml_leaf_uint(struct buf *out, const char *name, uint64_t n);
void xml_leaf_bool(struct buf *out, const char *name, bool is_true); /* true, false */
/* xs:dateTime in UTC, "2026-11-22T23:40:00Z"; nothing for 0. */
void xml_leaf_time(struct buf *out, const char *name, uint64_t wall_ms);

#endif
