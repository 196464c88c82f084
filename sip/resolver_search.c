/* The walk of RFC 3263 4.1 and 4.2 over what is known. What is missing is asked for, all at once,
 * and the walk begins anew when it has come. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/resolver_priv.h"

enum { SERVICES_MAX = 8 };

/* A name that SRV is asked for, and what speaks there. */
struct service {
	enum sip_proto proto;
	char name[SIP_RESOLVER_HOST_MAX];
};

struct walk {
	struct sip_search *search;
	struct service services[SERVICES_MAX];
	uint32_t service_count;
	struct sip_target targets[SIP_TARGETS_MAX];
	uint32_t count;
	int err; /* the worst that was met: names without an answer */
};

/* The answer, or NULL: it is asked for, or there is none (walk->err then). */
static const struct sip_name *need(struct walk *walk, enum sip_record_type type, struct slice host)
{
	struct sip_search *search = walk->search;
	struct sip_name *name;

	if (type != SIP_RECORD_ADDR && !search->resolver->more.lookup)
		return NULL;
	if (search->wait_count == SIP_SEARCH_WAITS_MAX) {
		walk->err = ERR_LIMIT;
		return NULL;
	}
	name = sip_name_get(search->resolver, type, host);
	if (!name) {
		walk->err = ERR_LIMIT;
		return NULL;
	}
	if (!name->is_known) {
		struct sip_wait *wait = &search->waits[search->wait_count++];

		wait->search = search;
		list_append(&name->waiting, &wait->node);
		search->pending++;
		return NULL;
	}
	if (name->err && name->err != ERR_SIP_NO_ROUTE)
		walk->err = name->err;
	return name->err ? NULL : name;
}

static bool speaks(const struct walk *walk, enum sip_proto proto)
{
	return walk->search->resolver->more.protos & 1u << proto;
}

/* Targets
 * ---------------------------------------------------------------------------------------------- */

static void add_target(struct walk *walk, const struct sip_target *target)
{
	for (uint32_t i = 0; i < walk->count; i++) {
		if (walk->targets[i].proto == target->proto &&
		    addr_eq(&walk->targets[i].addr, &target->addr))
			return;
	}
	if (walk->count < SIP_TARGETS_MAX)
		walk->targets[walk->count++] = *target;
}

static void add_host(struct walk *walk, enum sip_proto proto, struct slice host, uint16_t port)
{
	struct sip_target target = {.proto = proto};
	const struct sip_name *name;

	if (port == 0)
		port = proto == SIP_TLS ? 5061 : 5060;
	name = need(walk, SIP_RECORD_ADDR, host);
	for (uint32_t i = 0; name && i < name->count; i++) {
		target.addr = name->records[i].addr;
		addr_set_port(&target.addr, port);
		add_target(walk, &target);
	}
}

/* SRV (RFC 2782)
 * --------------------------------------------------------------------------------------- */

/* One of those of the lowest order that are left, by weight: "running sum" of RFC 2782. */
static uint32_t choose(const struct sip_record *records, uint32_t count, struct random *random)
{
	uint16_t order = UINT16_MAX;
	uint32_t total = 0, at, heaviest = 0;
	bool has_any = false;

	for (uint32_t i = 0; i < count; i++)
		order = MIN_OF(order, records[i].order);
	for (uint32_t i = 0; i < count; i++) {
		if (records[i].order != order)
			continue;
		total += records[i].weight;
		if (!has_any || records[i].weight > records[heaviest].weight)
			heaviest = i;
		has_any = true;
	}
	if (!random || total == 0)
		return heaviest;
	at = random_below(random, total);
	for (uint32_t i = 0; i < count; i++) {
		if (records[i].order != order)
			continue;
		if (at < records[i].weight)
			return i;
		at -= records[i].weight;
	}
	return heaviest;
}

static void add_srv(struct walk *walk, enum sip_proto proto, const struct sip_name *name)
{
	struct sip_record left[SIP_RECORDS_MAX];
	uint32_t count = name->count;

	memcpy(left, name->records, count * sizeof(*left));
	while (count > 0) {
		uint32_t at = choose(left, count, walk->search->resolver->more.random);

		/* "." : the service is decidedly not available there. */
		if (left[at].target[0] && strcmp(left[at].target, ".") != 0)
			add_host(walk, proto, slice_of(left[at].target), left[at].port);
		memmove(&left[at], &left[at + 1], (--count - at) * sizeof(*left));
	}
}

/* Services
 * --------------------------------------------------------------------------------------------- */

static void add_service(struct walk *walk, enum sip_proto proto, const char *prefix,
			const char *host)
{
	struct service *service = &walk->services[walk->service_count];
	int len;

	if (!speaks(walk, proto) || walk->service_count == SERVICES_MAX)
		return;
	service->proto = proto;
	len = snprintf(service->name, sizeof(service->name), "%s%s", prefix, host);
	if (len > 0 && (size_t)len < sizeof(service->name))
		walk->service_count++;
}

static void add_service_of(struct walk *walk, enum sip_proto proto)
{
	static const char *const prefixes[] = {
		[SIP_UDP] = "_sip._udp.", [SIP_TCP] = "_sip._tcp.", [SIP_TLS] = "_sips._tcp."};

	add_service(walk, proto, prefixes[proto], walk->search->host);
}

/* The protocol of a NAPTR service (RFC 3263 4.1); false: not for us. */
static bool service_proto(const struct walk *walk, const struct sip_record *record,
			  enum sip_proto *ret_proto)
{
	static const struct {
		const char *name;
		enum sip_proto proto;
	} known[] = {{"SIPS+D2T", SIP_TLS}, {"SIP+D2T", SIP_TCP}, {"SIP+D2U", SIP_UDP}};

	if (!slice_iis(slice_of(record->flags), "s"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (!slice_iis(slice_of(record->service), known[i].name))
			continue;
		*ret_proto = known[i].proto;
		return speaks(walk, *ret_proto) &&
		       (!walk->search->is_sips || *ret_proto == SIP_TLS);
	}
	return false;
}

static int by_order(const void *a, const void *b)
{
	const struct sip_record *left = a, *right = b;

	if (left->order != right->order)
		return left->order < right->order ? -1 : 1;
	return (left->weight > right->weight) - (left->weight < right->weight);
}

static void services_of_naptr(struct walk *walk, const struct sip_name *name)
{
	struct sip_record records[SIP_RECORDS_MAX];
	enum sip_proto proto;

	memcpy(records, name->records, name->count * sizeof(*records));
	qsort(records, name->count, sizeof(*records), by_order);
	for (uint32_t i = 0; i < name->count; i++) {
		if (service_proto(walk, &records[i], &proto))
			add_service(walk, proto, "", records[i].target);
	}
}

static void find_services(struct walk *walk)
{
	struct sip_search *search = walk->search;
	const struct sip_name *naptr;

	if (search->has_proto) {
		add_service_of(walk, search->proto);
		return;
	}
	naptr = need(walk, SIP_RECORD_NAPTR, slice_of(search->host));
	if (naptr)
		services_of_naptr(walk, naptr);
	if (walk->service_count > 0 || search->pending > 0)
		return;
	if (!search->is_sips) {
		add_service_of(walk, SIP_UDP);
		add_service_of(walk, SIP_TCP);
	}
	add_service_of(walk, SIP_TLS);
}

/* The walk
 * --------------------------------------------------------------------------------------------- */

static void run(struct walk *walk)
{
	struct sip_search *search = walk->search;
	const struct sip_name *srv[SERVICES_MAX] = {NULL};
	bool has_srv = false;

	if (!search->port)
		find_services(walk);
	for (uint32_t i = 0; i < walk->service_count; i++)
		srv[i] = need(walk, SIP_RECORD_SRV, slice_of(walk->services[i].name));
	if (search->pending > 0)
		return;
	for (uint32_t i = 0; i < walk->service_count; i++) {
		has_srv |= srv[i] != NULL;
		if (srv[i])
			add_srv(walk, walk->services[i].proto, srv[i]);
	}
	if (!has_srv)
		add_host(walk, search->proto, slice_of(search->host), search->port);
}

/* Those that failed lately go last, in their order (RFC 3263 4.3). */
static void put_bad_last(struct walk *walk)
{
	struct sip_target bad[SIP_TARGETS_MAX];
	uint32_t good_count = 0, bad_count = 0;

	for (uint32_t i = 0; i < walk->count; i++) {
		if (sip_resolver_has_failed(walk->search->resolver, &walk->targets[i]))
			bad[bad_count++] = walk->targets[i];
		else
			walk->targets[good_count++] = walk->targets[i];
	}
	memcpy(&walk->targets[good_count], bad, bad_count * sizeof(*bad));
}

static void finish(struct walk *walk, int err)
{
	struct sip_search *search = walk->search;
	struct sip_query *query = list_empty(&search->asker)
					  ? NULL
					  : LIST_ENTRY(search->asker.next, struct sip_query, node);

	put_bad_last(walk);
	if (query)
		list_remove(&query->node);
	sip_search_free(search);
	if (query)
		query->on_targets(query->arg, err, walk->targets, err ? 0 : walk->count);
}

void sip_search_advance(struct sip_search *search)
{
	struct walk walk = {.search = search};

	assert(search->pending == 0);
	search->wait_count = 0;
	run(&walk);
	if (search->pending > 0 && ++search->walks < SIP_SEARCH_WALKS_MAX)
		return;
	if (search->pending > 0)
		finish(&walk, ERR_SIP_TIMEOUT); /* answers that go stale faster than others come */
	else if (walk.count > 0)
		finish(&walk, 0);
	else
		finish(&walk, walk.err ? walk.err : ERR_SIP_NO_ROUTE);
}

int sip_search_start(struct sip_resolver *resolver, const struct sip_search *as, struct slice host,
		     struct sip_query *query)
{
	struct sip_search *search = calloc(1, sizeof(*search));

	if (!search)
		return -ENOMEM;
	*search = *as;
	search->resolver = resolver;
	slice_cstr(host, search->host, sizeof(search->host));
	list_init(&search->asker);
	list_append(&search->asker, &query->node);
	list_append(&resolver->searches, &search->node);
	sip_search_advance(search);
	return 0;
}

void sip_search_free(struct sip_search *search)
{
	while (!list_empty(&search->asker))
		list_remove(search->asker.next);
	for (uint32_t i = 0; i < search->wait_count; i++)
		list_remove(&search->waits[i].node);
	list_remove(&search->node);
	free(search);
}
