/* sip/trace.h -- what was said lately, call by call, for who must find out why a call failed.
 *
 * A network between the stack and the real one (or a simulated one): what passes is copied into a
 * ring of its call, found by Call-ID, and handed to a capture server (sip/hep.h). Nothing else
 * notices. Secrets are painted over before anything is kept: the answer of Authorization and
 * Proxy-Authorization, keys in SDP (a=crypto inline, a=ice-pwd), digits in INFO; the length stays.
 * Limits: octets in all, octets and messages of one call; the oldest goes first. Thread: control.
 */
#ifndef SIP_TRACE_H
#define SIP_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/slice.h"
#include "sip/net.h"

enum {
	SIP_TRACE_OCTETS = 16 * 1024 * 1024, /* default of octets_max */
	SIP_TRACE_CALL_OCTETS_MAX = 256 * 1024,
	SIP_TRACE_CALL_MESSAGES_MAX = 200,
	SIP_TRACE_CALL_ID_MAX = 256 /* octets; messages with a longer one are not kept */
};

struct sip_trace;

/* One message, as it was on the wire but for the secrets. */
struct sip_trace_message {
	struct list node; /* private */
	uint64_t at_us;   /* wall time */
	bool is_out;
	int err;              /* of one that could not be sent; else 0 */
	struct sip_flow flow; /* local may be unset where the network does not tell */
	struct slice text;
};

struct sip_trace_params {
	struct sip_net net; /* what really sends; borrowed */
	struct clock clock;
	uint32_t octets_max; /* kept in all, memory besides the text included; 0: the default */
	bool is_off;         /* nothing is kept; on_message is told all the same */
	/* For a capture server; NULL: none. `call_id` absent: none was found. */
	void (*on_message)(void *arg, const struct sip_trace_message *message,
			   struct slice call_id);
	void *arg;
};

/* -ENOMEM. */
int sip_trace_new(const struct sip_trace_params *params, struct sip_trace **ret_trace);
/* After who uses its network. Accepts NULL; returns NULL. */
struct sip_trace *sip_trace_free(struct sip_trace *trace);

/* The network to give to the stack. */
struct sip_net sip_trace_net(struct sip_trace *trace);

/* The messages of a call, oldest first; borrowed until the next message passes. False: the call is
 * not known (any more). `trace` may be NULL. */
typedef void sip_trace_fn(void *arg, const struct sip_trace_message *message);
bool sip_trace_each(const struct sip_trace *trace, struct slice call_id, sip_trace_fn *visit,
		    void *arg);
/* The calls, the one with the latest message first. */
typedef void sip_trace_call_fn(void *arg, struct slice call_id, uint32_t messages,
			       const struct sip_trace_message *first,
			       const struct sip_trace_message *last);
void sip_trace_calls(const struct sip_trace *trace, sip_trace_call_fn *visit, void *arg);

uint32_t sip_trace_octets(const struct sip_trace *trace); /* in use */

/* Value of Call-ID in what need not be a good message; absent when there is none. Pure. */
struct slice sip_trace_call_id(struct slice text);
/* Paints over the secrets in place. Pure. */
void sip_trace_mask(char *text, size_t len);

#endif
