/* focus/status.h -- the one place where error codes become SIP answers, and causes become words.
 *
 * Two tables: what a caller is told when an operation fails (RFC 3261 21), and what is told to
 * those whom we ring off (Reason, RFC 3326). A third direction, from the status of a call that
 * failed to the cause in events and call records, is here too. Thread: any.
 */
#ifndef FOCUS_STATUS_H
#define FOCUS_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "focus/focus.h"

struct status_row {
	int err;
	enum focus_reject reject; /* counted as */
	uint16_t status;
	const char *reason;     /* reason phrase */
	uint16_t retry_after_s; /* 0: no Retry-After (RFC 3261 20.33) */
	uint16_t warning; /* 0: none; 399 with the text of the error (RFC 3261 20.43); of sip/sips.h */
};

/* Never NULL: what the table does not name is an internal error (500). */
const struct status_row *status_find(int err);

/* Adds the Retry-After and Warning lines of the row; `host` is the warn-agent. */
void status_headers(const struct status_row *row, const char *host, struct buf *out);

/* Answers a request that makes no call with the status, reason and headers of `err`. */
void status_refuse(const struct focus *focus, struct sip_stx *tx, int err);

/* A caller was turned away because of `err` without a SIP status of its own: counts it. */
void status_count(struct focus *focus, int err);

/* Why we ring somebody off. */
struct status_cause {
	const char *name; /* in events, records and logs: "kicked" */
	uint16_t status;  /* for a call that was not answered yet, and in Reason */
	const char *text; /* for people */
};
/* Never NULL: a cause that the table does not name is told as 480. */
const struct status_cause *status_cause_find(const char *name);

/* Adds `Reason: SIP;cause=410;text="Conference ended"`. */
void status_cause_headers(const struct status_cause *cause, struct buf *out);

/* "busy", "declined", "no_answer" ... of a final status 300..699. Static text. */
const char *status_failure_cause(uint16_t status);

#endif
