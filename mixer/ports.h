/* mixer/ports.h -- pairs of UDP ports with bound sockets: RTP on the even, RTCP on the odd port.
 *
 * Free pairs stand in a queue, first freed first used, so taking and giving back cost the same
 * whatever the range. The order is random at the start (a guessed port is half a hijack, RFC 3550
 * section 9 apart). A pair rests after use, so that the tail of an old stream does not reach a new
 * leg. Pairs that the kernel refuses (somebody else's) are passed over and tried again later.
 *
 * Making and closing two sockets is a good part of what a call costs. So up to warm_max pairs keep
 * theirs after use (*warm*) and are used before the others. What waits in them is thrown away
 * first; a pair to which anything came while it rested is still known to somebody and rests once
 * more, as long as there are others.
 * Source: RFC 3550 section 11 (even and odd). Thread: control.
 */
#ifndef MIXER_PORTS_H
#define MIXER_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/random.h"

enum {
	PORTS_TRIES_MAX = 64, /* pairs tried for one taking */
	PORTS_WARM_TRIES_MAX = 4,
	PORTS_STALE_MAX = 256 /* datagrams thrown away at most when a warm pair is taken */
};

struct ports;

struct port_pair {
	struct addr local; /* bound RTP address; RTCP is one port above */
	int rtp_fd, rtcp_fd;
};

struct ports_params {
	uint16_t low, high; /* inclusive; the first even port counts */
	uint32_t quarantine_ms;
	uint32_t warm_max;     /* pairs that keep their sockets, two descriptors each; 0: none */
	struct random *random; /* borrowed for the call */
};

/* -EINVAL: no pair in the range. -ENOMEM. */
int ports_new(const struct ports_params *params, struct ports **ret_ports);
struct ports *ports_free(struct ports *ports);

/* A pair bound at the address of `local` (its port is ignored, any-address allowed): non-blocking,
 * close-on-exec, DSCP EF (RFC 4594 4.1), kernel receive time stamps, nothing waiting in it.
 * ERR_MEDIA_NO_PORTS: all are in use, rest, or belong to others; otherwise errno of socket or bind
 * (-EMFILE, -EADDRNOTAVAIL, ...), and no pair is lost. */
int ports_take(struct ports *ports, const struct addr *local, uint64_t now_ms,
	       struct port_pair *ret_pair);

/* One socket as ports_take makes them, bound at `local`, for who has a port already; `is_beside`:
 * another socket of ours has it as well (SO_REUSEPORT). errno of socket or bind. */
int ports_socket(const struct addr *local, bool is_beside, int *ret_fd);

/* Closes the sockets or keeps them warm; the pair rests until quarantine_ms after now_ms. */
void ports_give(struct ports *ports, struct port_pair *pair, uint64_t now_ms);

uint32_t ports_free_count(const struct ports *ports); /* pairs in no use, resting ones included */
uint32_t ports_warm_count(const struct ports *ports); /* of them: with open sockets */

#endif
