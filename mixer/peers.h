/* mixer/peers.h -- what is known of the IP addresses that send us sound.
 *
 * A leg may share a port only when its packets will come from the address that was signalled.
 * Nothing in SDP promises that, so it is learnt: the first call of an address has sockets of its
 * own, and when its sound comes from just where it was signalled, the address is *steady*. An
 * address from which sound has ever come otherwise (NAT, separate ports for sending) *moves*, and
 * stays so as long as it is remembered. Forgetting is harmless: the next call has its own sockets.
 *
 * Shape:   a table of PEERS_SLOTS by keyed hash, newcomers push out whoever is in their slot.
 * Threads: control.
 */
#ifndef MIXER_PEERS_H
#define MIXER_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

enum { PEERS_SLOTS = 4096 };

struct peers;

/* -ENOMEM. */
int peers_new(struct peers **ret_peers);
struct peers *peers_free(struct peers *peers);

/* Sound that was signalled at this address came from there (is_steady), or from elsewhere. The
 * port does not matter. An unset address is ignored. */
void peers_learn(struct peers *peers, const struct addr *signalled, bool is_steady);

bool peers_are_steady(const struct peers *peers, const struct addr *addr);

#endif
