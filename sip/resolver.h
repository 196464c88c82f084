/* sip/resolver.h -- from a SIP URI to the places where its next hop listens (RFC 3263).
 *
 * IP literals are answered at once, names by A and AAAA through `lookup`, which is handed in:
 * c-ares on the loop for the server (sip_resolver_dns), a table for simulations. Answers are kept
 * for a short while; queries for the same name share one lookup. The list of targets is ordered:
 * who sends tries the first and, when that fails, the next (RFC 3263 4.3). NAPTR and SRV come
 * before A/AAAA at the same place. Thread: control.
 */
#ifndef SIP_RESOLVER_H
#define SIP_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/wheel.h"
#include "sip/net.h"
#include "sip/uri.h"

enum {
	SIP_TARGETS_MAX = 8,             /* addresses kept of one name */
	SIP_RESOLVER_NAMES_MAX = 1024,   /* names remembered or under way: ERR_LIMIT beyond */
	SIP_RESOLVER_HOST_MAX = 254,     /* octets of a name with its NUL */
	SIP_RESOLVER_KEEP_MS = 30000,    /* an answer is good for that long */
	SIP_RESOLVER_FAIL_KEEP_MS = 5000 /* a failure for that long */
};

struct sip_target {
	enum sip_proto proto;
	struct addr addr; /* with port */
};

struct sip_resolver;
struct sip_name; /* one name in the resolver's table */

/* Begins a look-up of `host`; sip_resolver_answer(name, ...) tells the result, also from inside the
 * call. */
typedef void sip_lookup_fn(void *ctx, const char *host, struct sip_name *name);

/* -ENOMEM. `wheel` and `ctx` are borrowed. */
int sip_resolver_new(struct wheel *wheel, sip_lookup_fn *lookup, void *ctx,
		     struct sip_resolver **ret_resolver);
/* Queries that wait are dropped without an answer. Accepts NULL; returns NULL. */
struct sip_resolver *sip_resolver_free(struct sip_resolver *resolver);

/* The result of a look-up: addresses (their port is ignored), or err. */
void sip_resolver_answer(struct sip_name *name, int err, const struct addr *addrs, uint32_t count);

/* One question; a field of the asker's object. Not to be moved while it waits. */
struct sip_query {
	struct list node;     /* private */
	enum sip_proto proto; /* private */
	uint16_t port;        /* private */
	/* Called once, maybe from inside sip_resolve. err: ERR_SIP_NO_ROUTE (no such name, no
	 * address), ERR_SIP_TIMEOUT, ERR_BAD_TARGET (not a SIP URI), ERR_LIMIT; targets are
	 * borrowed. */
	void (*on_targets)(void *arg, int err, const struct sip_target *targets, uint32_t count);
	void *arg;
};

/* `resolver` NULL: IP literals only. Transport by the URI's parameter, else UDP (TLS for sips). */
void sip_resolve(struct sip_resolver *resolver, const struct sip_uri *uri, struct sip_query *query);
/* Harmless when it does not wait. */
void sip_query_cancel(struct sip_query *query);

/* True of a URI to which only a connection leads that the peer opened: WebSocket clients (RFC 7118
 * 5), and hosts that no name server knows (".invalid", RFC 2606). */
bool sip_uri_needs_flow(const struct sip_uri *uri);

uint32_t sip_resolver_count(const struct sip_resolver *resolver); /* names remembered */

/* The server's resolver: c-ares with its sockets and timeouts on `loop`. -ENOMEM, ERR_SIP_NO_ROUTE
 * (c-ares does not start). Freed with sip_resolver_free. */
int sip_resolver_dns(struct loop *loop, struct sip_resolver **ret_resolver);

#endif
