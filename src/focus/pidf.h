/* focus/pidf.h -- a presence document (PIDF, RFC 3863; the person of RFC 4479 with an activity of
 * RFC 4480), written from plain values. Thread: any; pure.
 */
#ifndef FOCUS_PIDF_H
#define FOCUS_PIDF_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

#define PIDF_CONTENT_TYPE "application/pidf+xml"

struct pidf {
	struct slice entity;  /* URI of the one it is about; also its contact while it is open */
	bool is_open;         /* <basic>: it can be reached (RFC 3863 4.1.4) */
	const char *activity; /* RFC 4480 3.2: "on-the-phone", "busy"; NULL none */
	struct slice note;    /* for people; absent none */
};
void pidf_write(struct buf *out, const struct pidf *pidf);

#endif
