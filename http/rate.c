/* http/rate.c */
#include "http/rate.h"

#include "base/attr.h"

enum { TOKEN = 1000 }; /* per millisecond and request a second, one thousandth comes back */

static struct rate_peer *find(struct rates *rates, const struct prefix *peer, uint64_t full)
{
	size_t set = (size_t)(prefix_hash(peer) % (RATE_PEERS / RATE_WAYS)) * RATE_WAYS;
	struct rate_peer *oldest = &rates->peers[set];

	for (size_t i = set; i < set + RATE_WAYS; i++) {
		struct rate_peer *at = &rates->peers[i];

		if (at->at_ms && prefix_eq(&at->peer, peer))
			return at;
		if (at->at_ms < oldest->at_ms)
			oldest = at;
	}
	*oldest = (struct rate_peer){.peer = *peer, .tokens = full};
	return oldest;
}

uint32_t rates_take(struct rates *rates, const struct addr *addr, uint64_t now_ms,
		    uint32_t per_second)
{
	uint64_t full = (uint64_t)per_second * RATE_BURST_S * TOKEN, elapsed_ms;
	struct prefix peer = prefix_of_peer(addr);
	struct rate_peer *at;

	if (!per_second)
		return 0;
	at = find(rates, &peer, full);
	elapsed_ms = at->at_ms ? MIN_OF(now_ms - at->at_ms, RATE_BURST_S * 1000u) : 0;
	at->tokens = MIN_OF(at->tokens + elapsed_ms * per_second, full);
	at->at_ms = now_ms ? now_ms : 1;
	if (at->tokens >= TOKEN) {
		at->tokens -= TOKEN;
		return 0;
	}
	rates->refused++;
	return 1; /* a whole second brings one request at least */
}
