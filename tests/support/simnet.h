/* tests/support/simnet.h -- a network from a seed: loss, duplication, delay and thereby reordering.
 *
 * Nodes are addresses; each has a struct sip_net, so a user agent (or a test that speaks raw SIP)
 * sits on it as on the real one. It runs on a wheel in virtual time: the same seed gives the same
 * run. UDP suffers what the parameters say; TCP arrives whole and in order, and fails when nobody
 * is there. Thread: one.
 */
#ifndef TESTS_SUPPORT_SIMNET_H
#define TESTS_SUPPORT_SIMNET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "base/wheel.h"
#include "sip/net.h"

struct simnet_params {
	struct wheel *wheel;                      /* borrowed */
	struct random *random;                    /* borrowed */
	uint32_t loss_percent, duplicate_percent; /* of datagrams */
	uint32_t delay_min_ms, delay_max_ms;      /* one way; the spread reorders */
};

struct simnet;
struct simnode;

struct simnet *simnet_new(const struct simnet_params *params); /* aborts when out of memory */
struct simnet *simnet_free(struct simnet *net);                /* the nodes too */
void simnet_set_loss(struct simnet *net, uint32_t loss_percent, uint32_t duplicate_percent);

/* From now on its nodes take TLS, too: TCP by another name, nothing is encrypted. */
void simnet_speak_tls(struct simnet *net);

/* Sees every message as it is sent, before it is lost or not. */
void simnet_tap(struct simnet *net,
		void (*on_sent)(void *arg, const struct sip_flow *flow, struct slice data),
		void *arg);

/* "10.0.0.1:5060". Lives as long as the net. */
struct simnode *simnode_new(struct simnet *net, const char *address);
struct sip_net simnode_net(struct simnode *node);
const struct addr *simnode_addr(const struct simnode *node);
/* Nothing comes in or goes out. */
void simnode_set_down(struct simnode *node, bool is_down);
/* Sends raw octets from this node. */
void simnode_send(struct simnode *node, enum sip_proto proto, const struct addr *to,
		  struct slice data);
/* ICMP or a broken connection: everything that this node sent to `remote` fails. */
void simnode_fail(struct simnode *node, enum sip_proto proto, const struct addr *remote);

struct simnet_stats {
	uint64_t sent, lost, duplicated, delivered;
	uint32_t in_flight;
};
const struct simnet_stats *simnet_stats(const struct simnet *net);

/* Moves virtual time forward by `ms`, firing every timer at its own millisecond. */
void sim_run(struct wheel *wheel, uint64_t ms);
/* Until no timer is left or `ms` have passed. Returns the milliseconds that passed. */
uint64_t sim_run_out(struct wheel *wheel, uint64_t ms);

#endif
