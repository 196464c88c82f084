/* sip/build.h -- writes SIP messages into a struct buf.
 *
 * Order: one start function, any headers, then exactly one sip_build_end. Values are checked
 * against CR and LF: what came from outside cannot make a header of its own (such a value is
 * dropped and the buffer's error set to -EINVAL). Thread: any.
 */
#ifndef SIP_BUILD_H
#define SIP_BUILD_H

#include "base/buf.h"
#include "sip/msg.h"

void sip_build_request(struct buf *buf, struct slice method, struct slice request_uri);

/* Status line and the fields that RFC 3261 8.2.6.2 copies from the request: Via (all, with received
 * and rport as they were added by the transport), From, To (with `to_tag` added unless it has one
 * or to_tag is NULL), Call-ID, CSeq; Timestamp in a 100. `reason` NULL: the standard phrase. */
struct sip_build_response {
	const struct sip_msg *request;
	uint16_t status;
	const char *reason;
	const char *to_tag;
	struct slice top_via; /* replaces the text of the top Via (received/rport filled in);
				 absent: as it came */
};
void sip_build_response(struct buf *buf, const struct sip_build_response *response);

void sip_build_header(struct buf *buf, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
void sip_build_header_slice(struct buf *buf, const char *name, struct slice value);

/* Content-Type (unless type is NULL), Content-Length, empty line, body. */
void sip_build_end(struct buf *buf, const char *content_type, struct slice body);

/* A quoted-string (RFC 3261 25.1) of any UTF-8 text: for display names. */
void sip_build_quoted(struct buf *buf, struct slice text);

/* Prints a parsed message again in normal form (long names, one value a line as it came, CRLF,
 * computed Content-Length): parse(print(m)) prints the same. For tests, fuzzing and traces. */
void sip_msg_print(struct buf *buf, const struct sip_msg *msg);

#endif
