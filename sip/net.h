/* sip/net.h -- the network as the SIP stack sees it: handed in, so that tests can simulate it.
 *
 * sip/transport.h makes the real one (UDP, TCP and TLS on the loop);
 * tests/support/simnet.h makes one with loss, duplication and reordering from a seed.
 * Thread: control.
 */
#ifndef SIP_NET_H
#define SIP_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/slice.h"

enum sip_proto { SIP_UDP, SIP_TCP, SIP_TLS, SIP_WS, SIP_WSS, SIP_PROTO_COUNT };

/* Where a message came from or goes to. By value. */
struct sip_flow {
	enum sip_proto proto;
	struct addr local; /* our address and port on that path; unset: let the network choose */
	struct addr remote;
	uint64_t connection; /* stream transports: the connection it came on; 0 any or none yet */
};

/* What the network tells the stack. Set by the stack (sip_ua_new). */
struct sip_net_events {
	/* One whole message; `data` is borrowed for the call. */
	void (*on_message)(void *arg, const struct sip_flow *flow, struct slice data);
	/* Something sent on this flow will not arrive: connect failed, connection reset, ICMP. */
	void (*on_failed)(void *arg, const struct sip_flow *flow, int err);
	/* A stream peer sent what is not SIP, or a frame was too large: counted; the connection is
	 * gone. */
	void (*on_garbage)(void *arg, const struct sip_flow *flow, int err);
	void *arg;
};

/* Of the connections, since the start and (connections) now. */
struct sip_net_stats {
	uint32_t connections;
	uint64_t refused, cut; /* beyond a limit; slow, idle or no SIP */
	uint64_t tls_handshakes, tls_failed;
};

struct sip_net_ops {
	/* `events` are copied; NULL: nobody listens any more. No event is raised from inside a call
	 * of these functions, and every one of them may be called inside an event. */
	void (*listen)(void *ctx, const struct sip_net_events *events);
	/* Queues one message. Streams: uses flow->connection when it lives, else one to
	 * flow->remote, else opens one. Fills *ret_flow (may be NULL) with the path taken.
	 * ERR_SIP_TRANSPORT, ERR_SIP_NO_ROUTE (no listener of that protocol or family),
	 * ERR_QUEUE_FULL, negative errno. */
	int (*send)(void *ctx, const struct sip_flow *flow, struct slice data,
		    struct sip_flow *ret_flow);
	/* The address that goes into Via and Contact for this destination: the listener that would
	 * send, with a wildcard replaced by the address the kernel would use. ERR_SIP_NO_ROUTE. */
	int (*local_for)(void *ctx, enum sip_proto proto, const struct addr *remote,
			 struct addr *ret_local);
	void (*stats)(void *ctx, struct sip_net_stats *ret_stats); /* may be NULL: there are none */
	/* Whether this connection still lives (RFC 5626 5.3: what is bound to a flow goes over that
	 * flow or not at all). NULL: nobody can tell. */
	bool (*is_open)(void *ctx, uint64_t connection);
	/* The peer of this connection has shown a certificate that we have verified, and it has
	 * this name: a host (dNSName), or a URI ("sip:alice@example.com"). NULL: nobody can tell.
	 */
	bool (*peer_has_name)(void *ctx, const struct sip_flow *flow, struct slice name);
	/* From now on this stream connection is pinged after so long in silence, and closed without
	 * a pong (RFC 5626 4.4.1): the peer has said that it answers. NULL: none is kept. */
	void (*keep)(void *ctx, uint64_t connection, uint32_t every_ms);
};

struct sip_net {
	const struct sip_net_ops *ops;
	void *ctx;
};

bool sip_proto_is_reliable(enum sip_proto proto);  /* all but UDP */
bool sip_proto_is_secure(enum sip_proto proto);    /* TLS beneath: TLS, WSS */
const char *sip_proto_via(enum sip_proto proto);   /* "UDP", "TCP", "TLS", "WS", "WSS" */
const char *sip_proto_param(enum sip_proto proto); /* "udp", "tcp", "tls", "ws", "wss" */
/* What stands behind ;transport= in a URI: as above, but "ws" for WSS, too (RFC 7118 5.2.4). */
const char *sip_proto_uri(enum sip_proto proto);
int sip_proto_parse(struct slice text, enum sip_proto *ret_proto); /* any case; -EINVAL */

#endif
