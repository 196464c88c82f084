/* sip/multipart.h -- bodies of several parts, and which part of a message's body is which (RFC
 * 5621, RFC 2046 5.1, RFC 3261 20.11).
 *
 * Slices borrow from the message; nothing is allocated. Lines may end in LF alone, and the last
 * boundary may be missing: what phones write is read. Thread: any.
 */
#ifndef SIP_MULTIPART_H
#define SIP_MULTIPART_H

#include <stdbool.h>
#include <stdint.h>

#include "sip/msg.h"

enum {
	SIP_PARTS_MAX = 32,        /* in one body, parts of parts too; more: ERR_LIMIT */
	SIP_PARTS_DEPTH_MAX = 4,   /* multiparts in multiparts: ERR_LIMIT */
	SIP_PART_HEADERS_MAX = 32, /* lines of one part that are looked at */
	SIP_BOUNDARY_MAX = 70      /* octets (RFC 2046 5.1.1) */
};

/* A body, or a part of one. */
struct sip_part {
	struct sip_content_type type; /* of a part that names none: text/plain (RFC 2046 5.1) */
	struct slice disposition;     /* "session"; absent when not given */
	bool is_optional;             /* handling=optional (RFC 3261 20.11) */
	bool is_encoded; /* Content-Encoding or -Transfer-Encoding that changes the octets */
	struct slice id; /* Content-ID without its brackets; absent when not given */
	struct slice body;
};

/* The whole body of a message. ERR_SIP_HEADER_MISSING: there is a body and no Content-Type;
 * ERR_SIP_HEADER_SYNTAX. Without a body: `body` is empty, and 0. */
int sip_part_of_msg(const struct sip_msg *msg, struct sip_part *ret_part);
bool sip_part_is_multipart(const struct sip_part *part);

/* Walks the parts of a multipart body. */
struct sip_multipart {
	struct slice rest, boundary;
	bool is_over;
};
/* ERR_SIP_SYNTAX: no boundary parameter, or it never occurs. */
int sip_multipart_start(const struct sip_part *whole, struct sip_multipart *ret_walk);
/* The next part. False at the end. A header line that is malformed is left out. */
bool sip_multipart_next(struct sip_multipart *walk, struct sip_part *ret_part);

/* The session description in a body: the first application/sdp that is for the session and not
 * encoded, in whatever depth. SLICE_NONE: there is none. */
struct slice sip_part_session(const struct sip_part *whole);

/* Whether a body is understood by who knows session descriptions only (RFC 5621 3.1, 4): 0;
 * ERR_SIP_SYNTAX: malformed (400); ERR_STATE: a part that must be handled is of another type, or
 * encoded (415); ERR_LIMIT (413). Of a multipart/alternative one part is enough. */
int sip_part_check_session(const struct sip_part *whole);

#endif
