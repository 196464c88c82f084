/* sip/resolver_priv.h -- the resolver's inside: resolver.c remembers, resolver_search.c walks,
 * resolver_dns.c asks. */
#ifndef SIP_RESOLVER_PRIV_H
#define SIP_RESOLVER_PRIV_H

#include "base/hash.h"
#include "sip/resolver.h"

enum { SIP_SEARCH_WAITS_MAX = 32, SIP_SEARCH_WALKS_MAX = 8 };

struct sip_resolver {
	struct wheel *wheel;
	sip_lookup_fn *lookup;
	struct sip_resolver_more more;
	void *ctx;
	void (*free_ctx)(void *ctx); /* ends what `lookup` began; NULL: none */
	struct hash *names;
	struct hash *bad;     /* struct sip_bad */
	struct list searches; /* struct sip_search */
	struct list known;    /* struct sip_name, the one asked for longest ago first */
};

struct sip_name {
	struct hash_node node;
	struct sip_resolver *resolver;
	struct list waiting; /* struct sip_wait */
	struct timer expiry; /* runs when the answer is known */
	struct list by_use;  /* of resolver.known, then */
	uint64_t used_ms;
	enum sip_record_type type;
	bool is_known;
	int err;
	struct sip_record *records;
	uint32_t count;
	char host[SIP_RESOLVER_HOST_MAX];
};

/* A place that failed. */
struct sip_bad {
	struct hash_node node;
	struct sip_resolver *resolver;
	struct timer expiry;
	struct sip_target target;
};

struct sip_wait {
	struct list node; /* sip_name.waiting */
	struct sip_search *search;
};

/* One question under way. It is walked from the start whenever all that it waited for is known: no
 * state but the names' own answers has to be carried along. */
struct sip_search {
	struct list node; /* sip_resolver.searches */
	struct sip_resolver *resolver;
	struct list asker; /* sip_query.node; empty when it was cancelled */
	struct sip_wait waits[SIP_SEARCH_WAITS_MAX];
	uint32_t wait_count; /* used since the last walk */
	uint32_t pending;    /* of those not answered */
	uint32_t walks;
	bool is_sips, has_proto;
	enum sip_proto proto;
	uint16_t port; /* 0: none given */
	char host[SIP_RESOLVER_HOST_MAX];
};

/* resolver.c */
/* The name, known or asked for from now on. NULL: the limit is reached. */
struct sip_name *sip_name_get(struct sip_resolver *resolver, enum sip_record_type type,
			      struct slice host);

/* resolver_search.c */
/* The search of the URI's host, which is a name. -ENOMEM. */
int sip_search_start(struct sip_resolver *resolver, const struct sip_search *as, struct slice host,
		     struct sip_query *query);
void sip_search_advance(struct sip_search *search);
void sip_search_free(struct sip_search *search);

#endif
