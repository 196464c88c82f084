/* sip/resolver.h -- from a SIP URI to the places where its next hop listens (RFC 3263).
 *
 * The transport comes from the URI's parameter, or is UDP (TLS for sips) when the URI has a port or
 * an IP literal; else NAPTR tells (4.1), else SRV is asked for every protocol that we speak. A
 * port, or SRV by priority and weight (RFC 2782), else the default one; then A and AAAA, in the
 * order of the answer (RFC 6724). The list of targets is ordered: who sends tries the first and,
 * when that fails, the next (4.3), and tells of failures, so that others try such a place last for
 * a while. Look-ups are handed in: c-ares on the loop for the server (sip_resolver_dns), tables for
 * simulations. Answers are kept as long as they say, within limits; queries for the same name share
 * one look-up. Thread: control.
 */
#ifndef SIP_RESOLVER_H
#define SIP_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/random.h"
#include "base/wheel.h"
#include "sip/net.h"
#include "sip/uri.h"

enum {
	SIP_TARGETS_MAX = 16,              /* of one URI; the rest is left out */
	SIP_RECORDS_MAX = 16,              /* kept of one name and type */
	SIP_RESOLVER_NAMES_MAX = 4096,     /* names remembered or under way; what was asked for
					    longest ago gives way, ERR_LIMIT when nothing can */
	SIP_RESOLVER_HOST_MAX = 254,       /* octets of a name with its NUL */
	SIP_RESOLVER_KEEP_MS = 30000,      /* an answer that does not say is good for that long */
	SIP_RESOLVER_KEEP_MIN_MS = 1000,   /* and no answer for less than this, */
	SIP_RESOLVER_KEEP_MAX_MS = 600000, /* or more than this */
	SIP_RESOLVER_FAIL_KEEP_MS = 5000,  /* a failure for that long */
	SIP_RESOLVER_BAD_MAX = 1024, /* places remembered as failed; more are not remembered */
	SIP_RESOLVER_BAD_MS = 60000  /* such a place is tried last for that long */
};

struct sip_target {
	enum sip_proto proto;
	struct addr addr; /* with port */
};

struct sip_resolver;
struct sip_name; /* one name and type in the resolver's table */

/* Begins a look-up of the addresses of `host`; sip_resolver_answer(name, ...) tells the result,
 * also from inside the call. */
typedef void sip_lookup_fn(void *ctx, const char *host, struct sip_name *name);

/* -ENOMEM. `wheel` and `ctx` are borrowed. Without sip_resolver_extend it knows addresses only. */
int sip_resolver_new(struct wheel *wheel, sip_lookup_fn *lookup, void *ctx,
		     struct sip_resolver **ret_resolver);
/* Queries that wait are dropped without an answer. Accepts NULL; returns NULL. */
struct sip_resolver *sip_resolver_free(struct sip_resolver *resolver);

/* The result of a look-up: addresses (their port is ignored), or err. */
void sip_resolver_answer(struct sip_name *name, int err, const struct addr *addrs, uint32_t count);

enum sip_record_type { SIP_RECORD_ADDR, SIP_RECORD_SRV, SIP_RECORD_NAPTR };

/* One answer of the type that was asked for. By value. */
struct sip_record {
	struct addr addr;                   /* ADDR */
	uint16_t order, weight;             /* SRV: priority, weight. NAPTR: order, preference */
	uint16_t port;                      /* SRV */
	char flags[4], service[16];         /* NAPTR: "s", "SIP+D2U" */
	char target[SIP_RESOLVER_HOST_MAX]; /* SRV: host. NAPTR: replacement */
};

struct sip_answer {
	int err; /* ERR_SIP_NO_ROUTE: no such name, no such records; ERR_SIP_TIMEOUT ... */
	const struct sip_record *records; /* borrowed for the call */
	uint32_t count;
	uint32_t keep_ms; /* 0: SIP_RESOLVER_KEEP_MS */
};
void sip_resolver_answer_records(struct sip_name *name, const struct sip_answer *answer);

/* Like sip_lookup_fn, for SRV and NAPTR. */
typedef void sip_records_fn(void *ctx, enum sip_record_type type, const char *host,
			    struct sip_name *name);
struct sip_resolver_more {
	sip_records_fn *lookup; /* with the ctx of sip_resolver_new */
	struct random *random;  /* borrowed; for weights. NULL: the heaviest first */
	unsigned protos;        /* set of 1 << enum sip_proto that we speak; 0: UDP, TCP, TLS */
};
void sip_resolver_extend(struct sip_resolver *resolver, const struct sip_resolver_more *more);

/* One question; a field of the asker's object. Not to be moved while it waits. */
struct sip_query {
	struct list node; /* private */
	/* Called once, maybe from inside sip_resolve. err: ERR_SIP_NO_ROUTE (no such name, no
	 * address), ERR_SIP_TIMEOUT, ERR_BAD_TARGET (not a SIP URI), ERR_LIMIT, -ENOMEM; targets
	 * are borrowed. */
	void (*on_targets)(void *arg, int err, const struct sip_target *targets, uint32_t count);
	void *arg;
};

/* `resolver` NULL: IP literals only. */
void sip_resolve(struct sip_resolver *resolver, const struct sip_uri *uri, struct sip_query *query);
/* Harmless when it does not wait. */
void sip_query_cancel(struct sip_query *query);

/* Nothing answered there, or a 503 came (RFC 3263 4.3): for keep_ms (0: SIP_RESOLVER_BAD_MS) that
 * place stands behind all others. `resolver` may be NULL. */
void sip_resolver_failed(struct sip_resolver *resolver, const struct sip_target *target,
			 uint32_t keep_ms);

/* True of a URI to which only a connection leads that the peer opened: WebSocket clients (RFC 7118
 * 5), and hosts that no name server knows (".invalid", RFC 2606). */
bool sip_uri_needs_flow(const struct sip_uri *uri);

bool sip_resolver_has_failed(const struct sip_resolver *resolver, const struct sip_target *target);

uint32_t sip_resolver_count(const struct sip_resolver *resolver); /* names remembered */

/* The server's resolver: c-ares with its sockets and timeouts on `loop`. */
struct sip_resolver_dns {
	struct loop *loop;     /* borrowed */
	struct random *random; /* borrowed */
	unsigned protos;       /* as above */
	const char *servers; /* "192.0.2.53,[2001:db8::53]:5353"; NULL or "": those of the system */
};
/* -ENOMEM, -EINVAL (servers), ERR_SIP_NO_ROUTE (c-ares does not start). Freed with
 * sip_resolver_free. */
int sip_resolver_dns_new(const struct sip_resolver_dns *params, struct sip_resolver **ret_resolver);

#endif
