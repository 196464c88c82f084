/* sip/transport_priv.h -- what transport*.c share, and the seam where TLS (and WebSocket) stack. */
#ifndef SIP_TRANSPORT_PRIV_H
#define SIP_TRANSPORT_PRIV_H

#include "base/buf.h"
#include "base/handle.h"
#include "base/hash.h"
#include "sip/transport.h"
#include "sip/ws.h"

struct sip_conn;

/* How octets get through a connection. The socket itself is `tcp`; TLS sits on it. Each returns
 * octets done, 0 at the peer's end (read), -EAGAIN, or negative errno. */
struct sip_stream_ops {
	int (*read)(struct sip_conn *conn, void *data, size_t cap);
	int (*write)(struct sip_conn *conn, const void *data, size_t len);
	/* Both NULL for the bare socket. handshake: 0 done, -EAGAIN, negative errno. end: frees
	 * what the stream keeps, before the socket is closed. */
	int (*handshake)(struct sip_conn *conn);
	void (*end)(struct sip_conn *conn);
};

enum { SIP_TLS_HOST_MAX = 256 }; /* with the end */

struct sip_tls; /* contexts of one set of files */
struct ssl_st;  /* SSL of OpenSSL */
struct bio_method_st;

struct sip_listener {
	struct sip_transport *transport;
	enum sip_proto proto;
	struct addr local; /* as bound; may be a wildcard */
	struct loop_watch watch;
	struct timer gather; /* UDP: runs while the socket wakes nobody */
	uint64_t span;       /* of gather_ms, the one in which it last woke somebody */
	uint32_t span_count; /* datagrams that came in it */
};

struct sip_conn {
	struct sip_transport *transport;
	const struct sip_stream_ops *stream;
	enum sip_proto proto;
	handle id;
	struct addr local, remote;
	struct hash_node by_remote;
	struct hash_node by_alias; /* linked once the peer has offered one (RFC 5923) */
	struct addr alias;
	struct loop_watch watch;
	struct buf in, out;
	/* Of `in`, that have been looked at and are no whole message; how many that message has,
	 * 0 as long as its head is open. */
	size_t seen, wanted;
	struct timer timer;  /* the nearest of the times below */
	uint64_t active_ms;  /* last octet in or out */
	uint64_t partial_ms; /* since when a message is incomplete; 0 none */
	uint64_t stuck_ms;   /* since when nothing of `out` was taken; 0 none */
	uint64_t opened_ms;  /* since when connecting and the handshake may take their time */
	uint64_t heard_ms;   /* last octet in */
	uint64_t pinged_ms;  /* since when a ping is not answered by anything; 0 none */
	uint32_t keep_ms;    /* of sip_net_ops.keep; 0: as the transport has it */
	bool awaits_pong;    /* the next CRLF between messages is one */
	bool is_connecting, is_proven /* a whole message came or we opened it */;
	bool is_handshaking, is_ours /* we opened it */;
	bool wants_write, is_tls_broken;
	struct ssl_st *tls;
	struct sip_ws *ws;         /* SIP_WS, SIP_WSS */
	struct sip_source *source; /* of one that was accepted */
	char *host;                /* whom the certificate named; TLS that we opened only */
	bool is_dead;              /* to be closed from the loop: `err` says why */
	int err;
};

enum {
	SIP_UDP_BATCH = 16,
	SIP_UDP_BATCHES_MAX = 4,
	SIP_UDP_GATHER_MIN = 4,
	SIP_UDP_HELD = 16,
	SIP_UDP_HELD_OCTETS = 1400, /* longer ones are not held: they may fail for their length */
	SIP_DATAGRAM_MAX = 65536
};

struct sip_udp_datagram {
	struct sip_flow flow;
	uint16_t len;
	char data[SIP_UDP_HELD_OCTETS];
};

struct sip_udp_failure {
	struct sip_flow flow;
	int err;
};

/* Datagrams that wait until those that came have been served. All of one listener. What the kernel
 * refuses of them is told afterwards: no event comes from inside a send (sip/net.h). */
struct sip_udp_held {
	bool is_on;
	uint32_t count, failure_count;
	struct sip_listener *listener;
	struct sip_udp_datagram datagrams[SIP_UDP_HELD];
	struct sip_udp_failure failures[SIP_UDP_HELD]; /* more are not told */
};

/* Where connections come from: how many of one address. */
struct sip_source {
	struct hash_node node;
	struct addr ip; /* port 0 */
	uint32_t count;
};

/* From which of our addresses the kernel reaches a peer. */
struct sip_route {
	struct addr remote, local;
	uint64_t until_ms; /* 0: unused */
};

struct sip_transport {
	struct sip_route routes[256]; /* by hash of the peer */
	struct loop *loop;
	struct sip_net_events events; /* all NULL while nobody listens */
	struct sip_listener listeners[SIP_LISTEN_MAX];
	uint32_t listener_count;
	struct handle_table *conns;
	struct hash *by_remote, *by_alias;
	struct hash *sources; /* struct sip_source */
	char *ws_origins;
	uint32_t per_address_max, ws_ping_ms, keepalive_ms; /* 0: no limit; never */
	uint32_t connections_max, out_octets_max, message_ms, idle_ms, handshake_ms;
	struct sip_tls *tls;              /* NULL: no listener speaks it */
	struct bio_method_st *tls_socket; /* outlives every connection */
	int spare_fd;    /* given up for a moment to refuse politely when none is left */
	char *datagrams; /* SIP_UDP_BATCH * SIP_DATAGRAM_MAX */
	uint32_t gather_ms;
	struct sip_udp_held held;
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
/* Sent, or held until what came has been served. ERR_SIP_NO_ROUTE, ERR_SIP_TRANSPORT; of what was
 * held sip_transport_failed tells. */
int sip_udp_send(struct sip_listener *listener, const struct sip_flow *flow, struct slice data);

/* transport_tcp.c */
int sip_tcp_open(struct sip_listener *listener);
int sip_tcp_send(struct sip_transport *transport, const struct sip_flow *flow, struct slice data,
		 struct sip_flow *ret_flow);
void sip_conn_keep(struct sip_conn *conn, uint32_t every_ms);
void sip_conn_free_all(struct sip_transport *transport);
bool sip_conn_match(const struct hash_node *node, const void *key);
bool sip_conn_match_alias(const struct hash_node *node, const void *key);
extern const struct sip_stream_ops sip_tcp_stream;

/* transport_source.c */
bool sip_source_match(const struct hash_node *node, const void *key);
/* Counts one more connection from the address. ERR_LIMIT, -ENOMEM. */
int sip_source_take(struct sip_transport *transport, const struct addr *remote,
		    struct sip_source **ret_source);
void sip_source_drop(struct sip_transport *transport,
		     struct sip_source *source); /* NULL: nothing */

/* transport_tls.c */
extern const struct sip_stream_ops sip_tls_stream;
struct bio_method_st *sip_tls_socket(void); /* NULL: no memory */
void sip_tls_socket_free(struct bio_method_st *method);
/* ERR_SIP_TLS_FILE with *reterr_file the path at fault (NULL: one is missing), -ENOMEM. */
int sip_tls_new(const struct sip_tls_files *files, struct sip_tls **ret_tls,
		const char **reterr_file);
struct sip_tls *sip_tls_free(struct sip_tls *tls);
/* Whom the message is sent to, "" when that cannot be told. */
void sip_tls_peer(struct slice message, char out[SIP_TLS_HOST_MAX]);
/* Puts TLS on a new connection, in the role that conn->is_ours tells. -ENOMEM, ERR_SIP_NO_ROUTE. */
int sip_tls_begin(struct sip_conn *conn);
/* The peer has shown a certificate, and it was good. */
bool sip_tls_is_proven(const struct sip_conn *conn);
/* Of sip_net_ops.peer_has_name; false without TLS, during the handshake, and when nothing was shown
 * or verified. An IP address is a name, too. */
bool sip_tls_has_name(const struct sip_conn *conn, struct slice name);

#endif
