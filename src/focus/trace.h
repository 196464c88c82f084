/* focus/trace.h -- the SIP messages of a call, for the API. The trace itself is sip/trace.h; here
 * its messages are plain values, and one can ask by participant. Thread: control.
 */
#ifndef FOCUS_TRACE_H
#define FOCUS_TRACE_H

#include "base/addr.h"
#include "focus/focus.h"

enum { FOCUS_TRACE_SUMMARY_MAX = 128 };

struct focus_trace_message {
	uint64_t at_us; /* wall time */
	bool is_out;
	const char *transport; /* "UDP", "WSS" ... */
	const char *error;     /* why it could not be sent; NULL: it was */
	struct addr local, remote;
	char summary[FOCUS_TRACE_SUMMARY_MAX]; /* "INVITE", "200 OK"; then " (sdp)" when there is
						  one */
	struct slice start, cseq; /* start line; value of CSeq, absent when there is none */
	struct slice text;        /* the whole message, secrets painted over */
};

/* The messages of the call, oldest first; borrowed for the visit. ERR_TRACE_UNKNOWN: none are kept,
 * or not any more. */
typedef void focus_trace_fn(void *arg, const struct focus_trace_message *message);
int focus_trace(const struct focus *focus, struct slice call_id, focus_trace_fn *visit, void *arg);

/* The calls of which messages are kept, the one with the latest message first. */
struct focus_trace_call {
	struct slice call_id;
	uint32_t messages;
	struct focus_trace_message first, last;
};
typedef void focus_trace_call_fn(void *arg, const struct focus_trace_call *call);
void focus_trace_calls(const struct focus *focus, focus_trace_call_fn *visit, void *arg);

/* Copies that went to the capture server (sip.hep), and that could not. False: there is none. */
bool focus_hep_counts(const struct focus *focus, uint64_t *ret_sent, uint64_t *ret_dropped);

/* A drawing of the call for people: who said what to whom, one line a message. ERR_TRACE_UNKNOWN.
 */
int focus_trace_ladder(const struct focus *focus, struct slice call_id, struct buf *out);

#endif
