#include "sip/resolver.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/resolver_priv.h"

static bool matches(const struct hash_node *node, const void *key)
{
	const struct slice *host = key;

	return slice_iis(*host, CONTAINER_OF(node, struct sip_name, node)->host);
}

int sip_resolver_new(struct wheel *wheel, sip_lookup_fn *lookup, void *ctx,
		     struct sip_resolver **ret_resolver)
{
	struct sip_resolver *resolver = calloc(1, sizeof(*resolver));
	int err;

	assert(wheel && lookup);
	if (!resolver)
		return -ENOMEM;
	err = hash_new(matches, &resolver->names);
	if (err) {
		free(resolver);
		return err;
	}
	resolver->wheel = wheel;
	resolver->lookup = lookup;
	resolver->ctx = ctx;
	*ret_resolver = resolver;
	return 0;
}

static void drop_waiting(struct sip_name *name)
{
	while (!list_empty(&name->waiting))
		list_remove(name->waiting.next);
}

static void free_name(struct hash_node *node, void *arg)
{
	struct sip_name *name = CONTAINER_OF(node, struct sip_name, node);

	(void)arg;
	drop_waiting(name);
	timer_stop(name->resolver->wheel, &name->expiry);
	hash_remove(name->resolver->names, node);
	free(name);
}

struct sip_resolver *sip_resolver_free(struct sip_resolver *resolver)
{
	if (!resolver)
		return NULL;
	if (resolver->free_ctx)
		resolver->free_ctx(resolver->ctx);
	hash_each(resolver->names, free_name, NULL);
	hash_free(resolver->names);
	free(resolver);
	return NULL;
}

static void on_expiry(void *arg)
{
	struct sip_name *name = arg;

	free_name(&name->node, NULL);
}

static struct sip_name *name_new(struct sip_resolver *resolver, struct slice host)
{
	struct sip_name *name = calloc(1, sizeof(*name));

	if (!name)
		return NULL;
	name->resolver = resolver;
	slice_cstr(host, name->host, sizeof(name->host));
	list_init(&name->waiting);
	timer_init(&name->expiry, on_expiry, name);
	hash_add(resolver->names, &name->node, hash_islice(host));
	return name;
}

/* Answers
 * ----------------------------------------------------------------------------------------------------
 */

static void tell(struct sip_query *query, int err, const struct addr *addrs, uint32_t count)
{
	struct sip_target targets[SIP_TARGETS_MAX];

	for (uint32_t i = 0; i < count; i++) {
		targets[i] = (struct sip_target){query->proto, addrs[i]};
		addr_set_port(&targets[i].addr, query->port);
	}
	query->on_targets(query->arg, err, targets, count);
}

void sip_resolver_answer(struct sip_name *name, int err, const struct addr *addrs, uint32_t count)
{
	struct list asking;

	assert(!name->is_known);
	name->is_known = true;
	name->count = err ? 0 : MIN_OF(count, (uint32_t)SIP_TARGETS_MAX);
	name->err = name->count > 0 ? 0 : err ? err : ERR_SIP_NO_ROUTE;
	for (uint32_t i = 0; i < name->count; i++)
		name->addrs[i] = addr_unmap(&addrs[i]);
	timer_start(name->resolver->wheel, &name->expiry,
		    name->err ? SIP_RESOLVER_FAIL_KEEP_MS : SIP_RESOLVER_KEEP_MS);

	/* The askers may ask again or cancel others: take them off one by one. */
	list_init(&asking);
	while (!list_empty(&name->waiting)) {
		struct list *first = name->waiting.next;

		list_remove(first);
		list_append(&asking, first);
	}
	while (!list_empty(&asking)) {
		struct sip_query *query = LIST_ENTRY(asking.next, struct sip_query, node);

		list_remove(&query->node);
		tell(query, name->err, name->addrs, name->count);
	}
}

/* Questions
 * ---------------------------------------------------------------------------------------------------
 */

static int read_transport(const struct sip_uri *uri, struct sip_query *query)
{
	struct slice text;
	int err = 0;

	query->proto = uri->scheme == SIP_SCHEME_SIPS ? SIP_TLS : SIP_UDP;
	if (sip_uri_param(uri, "transport", &text))
		err = sip_proto_parse(text, &query->proto);
	if (err)
		return ERR_SIP_NO_ROUTE;
	if (uri->scheme == SIP_SCHEME_SIPS && query->proto == SIP_TCP)
		query->proto = SIP_TLS; /* RFC 5630 3.1.3 */
	if (query->proto == SIP_WS || query->proto == SIP_WSS)
		return ERR_SIP_NO_ROUTE; /* those are never opened (RFC 7118 5) */
	if (uri->scheme == SIP_SCHEME_SIPS && query->proto == SIP_UDP)
		return ERR_SIP_NO_ROUTE; /* RFC 3261 19.1.2: never in the clear */
	query->port = uri->port ? uri->port : query->proto == SIP_TLS ? 5061 : 5060;
	return 0;
}

static void ask(struct sip_resolver *resolver, struct slice host, struct sip_query *query)
{
	struct hash_node *node;
	struct sip_name *name;
	bool is_new = false;

	if (!resolver || host.len == 0 || host.len >= SIP_RESOLVER_HOST_MAX) {
		query->on_targets(query->arg, ERR_SIP_NO_ROUTE, NULL, 0);
		return;
	}
	node = hash_find(resolver->names, hash_islice(host), &host);
	name = node ? CONTAINER_OF(node, struct sip_name, node) : NULL;
	if (!name && hash_count(resolver->names) < SIP_RESOLVER_NAMES_MAX) {
		name = name_new(resolver, host);
		is_new = true;
	}
	if (!name) {
		query->on_targets(query->arg, ERR_LIMIT, NULL, 0);
	} else if (name->is_known) {
		tell(query, name->err, name->addrs, name->count);
	} else {
		list_append(&name->waiting, &query->node);
		if (is_new)
			resolver->lookup(resolver->ctx, name->host, name);
	}
}

void sip_resolve(struct sip_resolver *resolver, const struct sip_uri *uri, struct sip_query *query)
{
	struct slice host = uri->host, maddr;
	struct addr addr;
	int err = ERR_BAD_TARGET;

	assert(query->on_targets);
	list_init(&query->node);
	if (uri->scheme == SIP_SCHEME_SIP || uri->scheme == SIP_SCHEME_SIPS)
		err = read_transport(uri, query);
	if (err) {
		query->on_targets(query->arg, err, NULL, 0);
		return;
	}
	if (sip_uri_param(uri, "maddr", &maddr) && maddr.len > 0)
		host = maddr; /* RFC 3263 4: the target is maddr when there is one */
	if (addr_parse_ip(host, &addr) == 0)
		tell(query, 0, &addr, 1);
	else
		ask(resolver, host, query);
}

void sip_query_cancel(struct sip_query *query)
{
	list_remove(&query->node);
}

bool sip_uri_needs_flow(const struct sip_uri *uri)
{
	static const char invalid[] = ".invalid";
	size_t len = sizeof(invalid) - 1;
	enum sip_proto proto;
	struct slice text;

	if (sip_uri_param(uri, "transport", &text) && sip_proto_parse(text, &proto) == 0 &&
	    (proto == SIP_WS || proto == SIP_WSS))
		return true;
	return uri->host.len > len &&
	       slice_iis(slice_from(uri->host, uri->host.len - len), invalid);
}

uint32_t sip_resolver_count(const struct sip_resolver *resolver)
{
	return (uint32_t)hash_count(resolver->names);
}
