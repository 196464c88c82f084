/* sip/hep.h -- messages to a capture server (Homer and its kin) in HEP version 3 over UDP.
 *
 * Source: "Homer Encapsulation Protocol (HEP) version 3", the chunks of vendor 0. A packet that the
 * kernel does not take is lost and counted; nothing waits. Thread: control.
 */
#ifndef SIP_HEP_H
#define SIP_HEP_H

#include "base/buf.h"
#include "sip/trace.h"

enum { SIP_HEP_OCTETS_MAX = 65000 }; /* of one packet; a larger one is not sent, and counted */

struct sip_hep;

struct sip_hep_params {
	struct addr server;
	uint32_t capture_id;
	const char *key; /* borrowed; NULL or "": none is sent */
};

struct sip_hep_stats {
	uint64_t sent, dropped;
};

/* "udp:192.0.2.1:9060". -EINVAL. */
int sip_hep_parse(struct slice text, struct addr *ret_server);

/* -ENOMEM, negative errno of socket and connect. */
int sip_hep_new(const struct sip_hep_params *params, struct sip_hep **ret_hep);
struct sip_hep *sip_hep_free(struct sip_hep *hep); /* accepts NULL; returns NULL */

/* Fits sip_trace_params.on_message; `hep` is a struct sip_hep. */
void sip_hep_send(void *hep, const struct sip_trace_message *message, struct slice call_id);
const struct sip_hep_stats *sip_hep_stats(const struct sip_hep *hep);

/* The packet. Pure. */
void sip_hep_encode(const struct sip_hep_params *params, const struct sip_trace_message *message,
		    struct slice call_id, struct buf *out);

#endif
