/* sip/resolver_priv.h -- the resolver's inside, for resolver_dns.c. */
#ifndef SIP_RESOLVER_PRIV_H
#define SIP_RESOLVER_PRIV_H

#include "base/hash.h"
#include "sip/resolver.h"

struct sip_resolver {
	struct wheel *wheel;
	sip_lookup_fn *lookup;
	void *ctx;
	void (*free_ctx)(void *ctx); /* ends what `lookup` began; NULL: none */
	struct hash *names;
};

struct sip_name {
	struct hash_node node;
	struct sip_resolver *resolver;
	struct list waiting; /* struct sip_query */
	struct timer expiry; /* runs when the answer is known */
	bool is_known;
	int err;
	struct addr addrs[SIP_TARGETS_MAX];
	uint32_t count;
	char host[SIP_RESOLVER_HOST_MAX];
};

#endif
