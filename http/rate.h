/* http/rate.h -- how often one address may ask the API: a token bucket for each.
 *
 * A peer is a v4 address or a v6 /64. RATE_PEERS are remembered, in sets of RATE_WAYS; a new one
 * takes the place of the one in its set that was heard the longest ago, so that who comes from many
 * addresses gains a fresh bucket for each, and nobody else loses by it more than his own. By value.
 * Thread: control.
 */
#ifndef HTTP_RATE_H
#define HTTP_RATE_H

#include "base/prefix.h"

enum { RATE_PEERS = 256, RATE_WAYS = 4, RATE_BURST_S = 2 };

struct rates {
	struct rate_peer {
		struct prefix peer;
		uint64_t at_ms;  /* of the last request; 0: nobody */
		uint64_t tokens; /* thousandths of a request */
	} peers[RATE_PEERS];
	uint64_t refused;
};

/* One request of this peer at `per_second`, RATE_BURST_S seconds' worth at once. 0: it may; else
 * the whole seconds until it may again. per_second 0: it always may. */
uint32_t rates_take(struct rates *rates, const struct addr *peer, uint64_t now_ms,
		    uint32_t per_second);

#endif
