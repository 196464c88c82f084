/* sip/overload.h -- overload feedback in the Via (RFC 7339), by the loss scheme (section 7).
 *
 * Who sends us a request with `oc` in its Via is told in every answer how much we ask it to leave
 * out: oc (percent of new requests), oc-algo, oc-validity and oc-seq (section 4). And when we are
 * told so by a peer, that share of the new requests of ours to it is not sent (sip/sender.h): the
 * next target is tried, and without one they fail with ERR_SIP_OVERLOADED. Requests in dialogs,
 * ACK, CANCEL, and answers to challenges always go (section 5.10.1). Thread: control.
 */
#ifndef SIP_OVERLOAD_H
#define SIP_OVERLOAD_H

#include "base/addr.h"
#include "base/buf.h"
#include "sip/msg.h"

enum {
	SIP_OVERLOAD_PEERS_MAX = 64,    /* peers whose wish is kept; the one that ends first goes */
	SIP_OVERLOAD_VALIDITY_MS = 500, /* of what does not say (4.3) */
	SIP_OVERLOAD_OURS_MS = 2000,    /* what we say is good for so long */
	SIP_OVERLOAD_VALIDITY_MAX_MS = 60000, /* no wish is kept longer without being repeated */
	SIP_OVERLOAD_LOSS_MAX =
		90 /* percent that we ask for: what comes tells whether it is over */
};

/* What the Via of a request of ours says: that we can. */
#define SIP_OVERLOAD_OFFER ";oc;oc-algo=\"loss\""

struct sip_overload {
	uint8_t loss_percent;
	uint32_t validity_ms; /* 0: it is over */
	uint64_t seq_ms;      /* rises with each; thousandths */
};

/* The sender of a request can do it: oc without a value, and the loss scheme among its oc-algo. */
bool sip_overload_is_asked(const struct sip_via *via);
/* Appends our parameters to the Via of an answer. */
void sip_overload_write(struct buf *buf, const struct sip_overload *overload);
/* True for a parameter of a Via that is ours to write into the answer. */
bool sip_overload_is_param(struct slice name);

/* What the top Via of an answer says. False: nothing, another scheme, or not well-formed. */
bool sip_overload_read(const struct sip_via *via, struct sip_overload *ret);

/* What we ask others for: so much of what new requests come that none would have to be refused for
 * want of room. Zeroed is a beginning. */
struct sip_overload_meter {
	uint64_t from_ms, asked, refused;
	uint8_t loss_percent;
};
/* Percent now, from how many new requests have come in all and how many of them were refused for
 * overload. Looks once a second; while nothing is refused it falls by 5 a second. */
uint8_t sip_overload_measure(struct sip_overload_meter *meter, uint64_t asked, uint64_t refused,
			     uint64_t now_ms);

/* The wishes of peers; zeroed is empty. */
struct sip_overload_peers {
	struct {
		struct addr addr;
		struct sip_overload wish;
		uint64_t until_ms;
	} list[SIP_OVERLOAD_PEERS_MAX];
	uint32_t count;
};
/* A peer said so now. One that is not newer than the last is passed over (4.4). */
void sip_overload_heard(struct sip_overload_peers *peers, const struct addr *peer,
			const struct sip_overload *wish, uint64_t now_ms);
/* Percent of new requests to leave out; 0: send all. */
uint8_t sip_overload_wish(struct sip_overload_peers *peers, const struct addr *peer,
			  uint64_t now_ms);

#endif
