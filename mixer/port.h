/* mixer/port.h -- a pair of sockets that many legs of one worker share, and who is who in it.
 *
 * A socket per leg costs a receive and a send call per leg and tick. Legs whose peers have proven
 * to send from the address that they signal (mixer/peers.h) share a pair instead: one receive takes
 * many packets, and neighbours in a room leave by one call. A leg with sockets of its own has no
 * port (leg->port is NULL) and all of this does not concern it.
 *
 * Whose packet it is. A *key* is an address from which a leg's packets come: the signalled RTP
 * address, the source that its latch follows, and for the RTCP socket the signalled RTCP address.
 *   1. A packet from a key goes to the leg of that key, whose latch then decides (latch.h). When
 *      two legs signal one address, the one that began with it has it, else the older: nobody
 *      gets another's packets by signalling his address, neither afterwards nor ahead.
 *   2. A packet from anywhere else is a *stray*. It is given to a leg only when exactly one can be
 *      meant: a symmetric leg that *waits* (it has no source yet, or its source has been silent for
 *      LATCH_SILENT_MS), whose peer is at that IP address or has signalled another one since the
 *      leg was opened. The latch then asks for its run of packets as ever. Where two legs could be
 *      meant nobody is guessed: the packet is refused and counted.
 *   3. RTCP of a stranger is refused.
 *
 * Memory:  all made in port_new. Threads: _new/_free on control, *_rt on the worker that has it.
 */
#ifndef MIXER_PORT_H
#define MIXER_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "mixer/leg.h"

enum {
	PORT_LEGS_MAX = 256,
	PORT_LEGS_MIN = 32,
	PORT_LEG_OCTETS =
		4608, /* of the socket's buffer each: packets of two ticks, as cards count */
	PORT_BUFFER_OCTETS = PORT_LEGS_MAX * PORT_LEG_OCTETS, /* asked for */
	PORT_STRAYS_MAX = 16, /* looked into in one pass: a flood costs no more than this */
	PORT_RX_ROUNDS = 16,  /* receives in one pass */
	PORT_RTCP_MS = 500    /* between two looks at the RTCP socket */
};

struct port;

/* Takes no ownership of the descriptors, but asks the kernel for larger buffers. -ENOMEM. */
int port_new(int rtp_fd, int rtcp_fd, struct port **ret_port);
struct port *port_free(struct port *port); /* has no legs */

/* The worker's list. */
struct list *port_node(struct port *port);
struct port *port_of_node(struct list *node);

/* A leg comes to or leaves the worker; leg->port is this port. At most PORT_LEGS_MAX; whoever seats
 * them keeps to port_legs_max. */
void port_enter_rt(struct port *port, struct leg *leg) NONBLOCKING;
void port_leave_rt(struct port *port, struct leg *leg) NONBLOCKING;

/* Signalling said something about the leg: its keys are made anew. */
void port_rekey_rt(struct port *port, struct leg *leg) NONBLOCKING;

/* Every 100 ms of a leg: whether it waits for a stranger. */
void port_watch_rt(struct port *port, struct leg *leg, uint64_t now_ns) NONBLOCKING;

/* Empties the sockets into the legs. */
void port_receive_rt(struct port *port, struct leg_env *env) NONBLOCKING;

/* One datagram of the RTP or the RTCP socket; port_receive_rt calls them, tests too. */
void port_packet_rt(struct port *port, struct leg_env *env,
		    const struct io_packet *packet) NONBLOCKING;
void port_rtcp_packet_rt(struct port *port, struct leg_env *env,
			 const struct io_packet *packet) NONBLOCKING;

/* How many legs the kernel's buffer is good for, PORT_LEGS_MIN to PORT_LEGS_MAX. Any thread. */
uint32_t port_legs_max(const struct port *port);
uint32_t port_leg_count(const struct port *port);
uint64_t port_strays(const struct port *port); /* refused so far */

#endif
