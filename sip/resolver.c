/* What the resolver remembers: answers by name and type, and places that failed. */
#include "sip/resolver.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/resolver_priv.h"

struct name_key {
	enum sip_record_type type;
	struct slice host;
};

static bool name_matches(const struct hash_node *node, const void *key)
{
	const struct sip_name *name = CONTAINER_OF(node, struct sip_name, node);
	const struct name_key *want = key;

	return name->type == want->type && slice_iis(want->host, name->host);
}

static bool bad_matches(const struct hash_node *node, const void *key)
{
	const struct sip_bad *bad = CONTAINER_OF(node, struct sip_bad, node);
	const struct sip_target *want = key;

	return bad->target.proto == want->proto && addr_eq(&bad->target.addr, &want->addr);
}

/* Life
 * ------------------------------------------------------------------------------------------------
 */

int sip_resolver_new(struct wheel *wheel, sip_lookup_fn *lookup, void *ctx,
		     struct sip_resolver **ret_resolver)
{
	struct sip_resolver *resolver = calloc(1, sizeof(*resolver));
	int err;

	assert(wheel && lookup);
	if (!resolver)
		return -ENOMEM;
	err = hash_new(name_matches, &resolver->names);
	if (!err)
		err = hash_new(bad_matches, &resolver->bad);
	if (err) {
		hash_free(resolver->names);
		free(resolver);
		return err;
	}
	resolver->wheel = wheel;
	resolver->lookup = lookup;
	resolver->ctx = ctx;
	list_init(&resolver->searches);
	list_init(&resolver->known);
	sip_resolver_extend(resolver, &(struct sip_resolver_more){0});
	*ret_resolver = resolver;
	return 0;
}

void sip_resolver_extend(struct sip_resolver *resolver, const struct sip_resolver_more *more)
{
	resolver->more = *more;
	if (!more->protos)
		resolver->more.protos = 1u << SIP_UDP | 1u << SIP_TCP | 1u << SIP_TLS;
}

static void free_name(struct hash_node *node, void *arg)
{
	struct sip_name *name = CONTAINER_OF(node, struct sip_name, node);

	(void)arg;
	timer_stop(name->resolver->wheel, &name->expiry);
	list_remove(&name->by_use);
	hash_remove(name->resolver->names, node);
	free(name->records);
	free(name);
}

static void free_bad(struct hash_node *node, void *arg)
{
	struct sip_bad *bad = CONTAINER_OF(node, struct sip_bad, node);

	(void)arg;
	timer_stop(bad->resolver->wheel, &bad->expiry);
	hash_remove(bad->resolver->bad, node);
	free(bad);
}

struct sip_resolver *sip_resolver_free(struct sip_resolver *resolver)
{
	struct list *it, *tmp;

	if (!resolver)
		return NULL;
	if (resolver->free_ctx)
		resolver->free_ctx(resolver->ctx);
	LIST_FOREACH (it, tmp, &resolver->searches)
		sip_search_free(LIST_ENTRY(it, struct sip_search, node));
	hash_each(resolver->names, free_name, NULL);
	hash_free(resolver->names);
	hash_each(resolver->bad, free_bad, NULL);
	hash_free(resolver->bad);
	free(resolver);
	return NULL;
}

uint32_t sip_resolver_count(const struct sip_resolver *resolver)
{
	return (uint32_t)hash_count(resolver->names);
}

/* Names
 * ------------------------------------------------------------------------------------------------
 */

static void on_name_expiry(void *arg)
{
	struct sip_name *name = arg;

	free_name(&name->node, NULL);
}

static struct sip_name *name_new(struct sip_resolver *resolver, const struct name_key *key,
				 uint64_t h)
{
	struct sip_name *name = calloc(1, sizeof(*name));

	if (!name)
		return NULL;
	name->resolver = resolver;
	name->type = key->type;
	slice_cstr(key->host, name->host, sizeof(name->host));
	list_init(&name->waiting);
	list_init(&name->by_use);
	timer_init(&name->expiry, on_name_expiry, name);
	hash_add(resolver->names, &name->node, h);
	return name;
}

static void note_use(struct sip_name *name)
{
	name->used_ms = wheel_now_ms(name->resolver->wheel);
	list_remove(&name->by_use);
	list_append(&name->resolver->known, &name->by_use);
}

/* A name that is known gives way to a new one, or who makes up names would shut all others out. Not
 * one that was asked for just now: whoever asked still walks over it. */
static bool make_room(struct sip_resolver *resolver)
{
	struct sip_name *oldest;

	if (hash_count(resolver->names) < SIP_RESOLVER_NAMES_MAX)
		return true;
	if (list_empty(&resolver->known))
		return false;
	oldest = LIST_ENTRY(resolver->known.next, struct sip_name, by_use);
	if (oldest->used_ms + SIP_RESOLVER_KEEP_MIN_MS > wheel_now_ms(resolver->wheel))
		return false;
	free_name(&oldest->node, NULL);
	return true;
}

struct sip_name *sip_name_get(struct sip_resolver *resolver, enum sip_record_type type,
			      struct slice host)
{
	struct name_key key = {type, host};
	uint64_t h = hash_mix(hash_islice(host), type);
	struct hash_node *node = hash_find(resolver->names, h, &key);
	struct sip_name *name;

	if (node) {
		name = CONTAINER_OF(node, struct sip_name, node);
		if (name->is_known)
			note_use(name);
		return name;
	}
	if (host.len >= SIP_RESOLVER_HOST_MAX || !make_room(resolver))
		return NULL;
	name = name_new(resolver, &key, h);
	if (!name)
		return NULL;
	if (type == SIP_RECORD_ADDR)
		resolver->lookup(resolver->ctx, name->host, name);
	else
		resolver->more.lookup(resolver->ctx, type, name->host, name);
	return name;
}

static int keep_records(struct sip_name *name, const struct sip_answer *answer)
{
	uint32_t count = MIN_OF(answer->count, (uint32_t)SIP_RECORDS_MAX);

	if (answer->err)
		return answer->err;
	if (count == 0)
		return ERR_SIP_NO_ROUTE;
	name->records = calloc(count, sizeof(*name->records));
	if (!name->records)
		return -ENOMEM;
	memcpy(name->records, answer->records, count * sizeof(*name->records));
	for (uint32_t i = 0; i < count && name->type == SIP_RECORD_ADDR; i++)
		name->records[i].addr = addr_unmap(&answer->records[i].addr);
	name->count = count;
	return 0;
}

void sip_resolver_answer_records(struct sip_name *name, const struct sip_answer *answer)
{
	uint32_t keep_ms = answer->keep_ms ? answer->keep_ms : SIP_RESOLVER_KEEP_MS;
	struct list waiting;

	assert(!name->is_known);
	name->is_known = true;
	note_use(name);
	name->err = keep_records(name, answer);
	keep_ms = MIN_OF(keep_ms, (uint32_t)SIP_RESOLVER_KEEP_MAX_MS);
	if (keep_ms < SIP_RESOLVER_KEEP_MIN_MS)
		keep_ms = SIP_RESOLVER_KEEP_MIN_MS;
	timer_start(name->resolver->wheel, &name->expiry,
		    name->err ? SIP_RESOLVER_FAIL_KEEP_MS : keep_ms);

	/* Who is told may ask again: take them off one by one. */
	list_init(&waiting);
	while (!list_empty(&name->waiting)) {
		struct list *first = name->waiting.next;

		list_remove(first);
		list_append(&waiting, first);
	}
	while (!list_empty(&waiting)) {
		struct sip_wait *wait = LIST_ENTRY(waiting.next, struct sip_wait, node);

		list_remove(&wait->node);
		if (--wait->search->pending == 0)
			sip_search_advance(wait->search);
	}
}

void sip_resolver_answer(struct sip_name *name, int err, const struct addr *addrs, uint32_t count)
{
	struct sip_record records[SIP_RECORDS_MAX] = {0};

	count = MIN_OF(count, (uint32_t)SIP_RECORDS_MAX);
	for (uint32_t i = 0; i < count; i++)
		records[i].addr = addrs[i];
	sip_resolver_answer_records(name, &(struct sip_answer){err, records, count, 0});
}

/* Places that failed
 * ----------------------------------------------------------------------------------- */

static uint64_t target_hash(const struct sip_target *target)
{
	return hash_mix(addr_hash(&target->addr), target->proto);
}

static void on_bad_expiry(void *arg)
{
	struct sip_bad *bad = arg;

	free_bad(&bad->node, NULL);
}

bool sip_resolver_has_failed(const struct sip_resolver *resolver, const struct sip_target *target)
{
	return resolver && hash_find(resolver->bad, target_hash(target), target) != NULL;
}

void sip_resolver_failed(struct sip_resolver *resolver, const struct sip_target *target,
			 uint32_t keep_ms)
{
	struct hash_node *node;
	struct sip_bad *bad;

	if (!resolver)
		return;
	node = hash_find(resolver->bad, target_hash(target), target);
	bad = node ? CONTAINER_OF(node, struct sip_bad, node) : NULL;
	if (!bad && hash_count(resolver->bad) < SIP_RESOLVER_BAD_MAX) {
		bad = calloc(1, sizeof(*bad));
		if (!bad)
			return; /* it is but a hint */
		bad->resolver = resolver;
		bad->target = *target;
		timer_init(&bad->expiry, on_bad_expiry, bad);
		hash_add(resolver->bad, &bad->node, target_hash(target));
	}
	if (bad)
		timer_start(resolver->wheel, &bad->expiry, keep_ms ? keep_ms : SIP_RESOLVER_BAD_MS);
}

/* Questions
 * -------------------------------------------------------------------------------------------- */

static int read_transport(const struct sip_uri *uri, struct sip_search *search)
{
	bool is_sips = uri->scheme == SIP_SCHEME_SIPS;
	struct slice text;

	search->is_sips = is_sips;
	search->proto = is_sips ? SIP_TLS : SIP_UDP;
	search->port = uri->port;
	search->has_proto = sip_uri_param(uri, "transport", &text);
	if (search->has_proto && sip_proto_parse(text, &search->proto))
		return ERR_SIP_NO_ROUTE;
	if (is_sips && search->proto == SIP_TCP)
		search->proto = SIP_TLS; /* RFC 5630 3.1.3 */
	if (search->proto == SIP_WS || search->proto == SIP_WSS)
		return ERR_SIP_NO_ROUTE; /* those are never opened (RFC 7118 5) */
	if (is_sips && search->proto == SIP_UDP)
		return ERR_SIP_NO_ROUTE; /* RFC 3261 19.1.2: never in the clear */
	return 0;
}

static void refuse(struct sip_query *query, int err)
{
	query->on_targets(query->arg, err, NULL, 0);
}

void sip_resolve(struct sip_resolver *resolver, const struct sip_uri *uri, struct sip_query *query)
{
	struct sip_search as = {.is_sips = false};
	struct slice host = uri->host, maddr;
	struct sip_target target;
	int err = ERR_BAD_TARGET;

	assert(query->on_targets);
	list_init(&query->node);
	if (sip_uri_is_sip(uri))
		err = read_transport(uri, &as);
	if (err) {
		refuse(query, err);
		return;
	}
	if (sip_uri_param(uri, "maddr", &maddr) && maddr.len > 0)
		host = maddr; /* RFC 3263 4: the target is maddr when there is one */
	if (addr_parse_ip(host, &target.addr) == 0) {
		target.proto = as.proto;
		addr_set_port(&target.addr, as.port ? as.port : as.proto == SIP_TLS ? 5061 : 5060);
		query->on_targets(query->arg, 0, &target, 1);
		return;
	}
	if (!resolver || host.len == 0 || host.len >= SIP_RESOLVER_HOST_MAX) {
		refuse(query, ERR_SIP_NO_ROUTE);
		return;
	}
	err = sip_search_start(resolver, &as, host, query);
	if (err)
		refuse(query, err);
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
