/* mixer/peers.c */
#include "mixer/peers.h"

#include <errno.h>
#include <stdlib.h>

struct peer {
	struct addr ip; /* unset: free */
	bool has_moved;
};

struct peers {
	struct peer slots[PEERS_SLOTS];
};

int peers_new(struct peers **ret_peers)
{
	*ret_peers = calloc(1, sizeof(**ret_peers));
	return *ret_peers ? 0 : -ENOMEM;
}

struct peers *peers_free(struct peers *peers)
{
	free(peers);
	return NULL;
}

static uint32_t slot_of(const struct addr *addr)
{
	struct addr ip = *addr;

	addr_set_port(&ip, 0);
	return (uint32_t)(addr_hash(&ip) % PEERS_SLOTS);
}

void peers_learn(struct peers *peers, const struct addr *signalled, bool is_steady)
{
	struct peer *peer;

	if (!addr_is_set(signalled) || addr_is_any(signalled))
		return;
	peer = &peers->slots[slot_of(signalled)];
	if (!addr_is_set(&peer->ip) || !addr_eq_ip(&peer->ip, signalled))
		*peer = (struct peer){.ip = *signalled};
	peer->has_moved |= !is_steady;
}

bool peers_are_steady(const struct peers *peers, const struct addr *addr)
{
	const struct peer *peer = &peers->slots[slot_of(addr)];

	return addr_is_set(&peer->ip) && addr_eq_ip(&peer->ip, addr) && !peer->has_moved;
}
