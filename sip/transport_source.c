/* How many connections come from one address: a stranger must not take them all. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/transport_priv.h"

bool sip_source_match(const struct hash_node *node, const void *key)
{
	return addr_eq_ip(&CONTAINER_OF(node, struct sip_source, node)->ip, key);
}

int sip_source_take(struct sip_transport *transport, const struct addr *remote,
		    struct sip_source **ret_source)
{
	struct addr ip = addr_unmap(remote);
	struct sip_source *source;
	struct hash_node *node;
	uint64_t h;

	addr_set_port(&ip, 0);
	h = addr_hash(&ip);
	node = hash_find(transport->sources, h, &ip);
	source = node ? CONTAINER_OF(node, struct sip_source, node) : NULL;
	if (source && transport->per_address_max && source->count >= transport->per_address_max)
		return ERR_LIMIT;
	if (!source) {
		source = calloc(1, sizeof(*source));
		if (!source)
			return -ENOMEM;
		source->ip = ip;
		hash_add(transport->sources, &source->node, h);
	}
	source->count++;
	*ret_source = source;
	return 0;
}

void sip_source_drop(struct sip_transport *transport, struct sip_source *source)
{
	if (!source || --source->count > 0)
		return;
	hash_remove(transport->sources, &source->node);
	free(source);
}
