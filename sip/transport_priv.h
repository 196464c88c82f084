/* sip/transport_priv.h -- what transport*.c share, and the seam for TLS and WebSocket. */
#ifndef SIP_TRANSPORT_PRIV_H
#define SIP_TRANSPORT_PRIV_H

#include "base/buf.h"
#include "base/handle.h"
#include "base/hash.h"
#include "sip/transport.h"

struct sip_conn;

/* How octets get through a connection. The socket itself is `tcp`; TLS sits on it. Each returns
 * octets done, 0 at the peer's end (read), -EAGAIN, or negative errno. */
struct sip_stream_ops {
	int (*read)(struct sip_conn *conn, void *data, size_t cap);
	int (*write)(struct sip_conn *conn, const void *data, size_t len);
};

struct sip_listener {
	struct sip_transport *transport;
	enum sip_proto proto;
	struct addr local; /* as bound; may be a wildcard */
	struct loop_watch watch;
};

struct sip_conn {
	struct sip_transport *transport;
	const struct sip_stream_ops *stream;
	enum sip_proto proto;
	handle id;
	struct addr local, remote;
	struct hash_node by_remote;
	struct loop_watch watch;
	struct buf in, out;
	struct timer timer;  /* the nearest of the times below */
	uint64_t active_ms;  /* last octet in or out */
	uint64_t partial_ms; /* since when a message is incomplete; 0 none */
	uint64_t stuck_ms;   /* since when nothing of `out` was taken; 0 none */
	bool is_connecting, is_proven /* a whole message came or we opened it */;
	bool is_dead; /* to be closed from the loop: `err` says why */
	int err;
};

enum { SIP_UDP_BATCH = 16, SIP_UDP_BATCHES_MAX = 4, SIP_DATAGRAM_MAX = 65536 };

struct sip_transport {
	struct loop *loop;
	struct sip_net_events events; /* all NULL while nobody listens */
	struct sip_listener listeners[SIP_LISTEN_MAX];
	uint32_t listener_count;
	struct handle_table *conns;
	struct hash *by_remote;
	uint32_t connections_max, out_octets_max, message_ms, idle_ms;
	int spare_fd;    /* given up for a moment to refuse politely when none is left */
	char *datagrams; /* SIP_UDP_BATCH * SIP_DATAGRAM_MAX */
	struct sip_transport_stats stats;
};

/* transport.c */
struct sip_listener *sip_listener_find(struct sip_transport *transport, enum sip_proto proto,
				       const struct addr *local, const struct addr *remote);
void sip_transport_message(struct sip_transport *transport, const struct sip_flow *flow,
			   struct slice data);
void sip_transport_failed(struct sip_transport *transport, const struct sip_flow *flow, int err);

/* transport_udp.c */
int sip_udp_open(struct sip_listener *listener);
int sip_udp_send(struct sip_listener *listener, const struct sip_flow *flow, struct slice data);

/* transport_tcp.c */
int sip_tcp_open(struct sip_listener *listener);
int sip_tcp_send(struct sip_transport *transport, const struct sip_flow *flow, struct slice data,
		 struct sip_flow *ret_flow);
void sip_conn_free_all(struct sip_transport *transport);
bool sip_conn_match(const struct hash_node *node, const void *key);

#endif
