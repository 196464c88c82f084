/* sip/transport.h -- the real network of sip/net.h: UDP, TCP, TLS and WebSocket on the loop.
 *
 * UDP:     datagrams are read in batches (recvmmsg) and answered from the address they came to;
 * ICMP errors are reported per destination (RFC 3261 18.4), STUN keep-alives are answered
 * (sip/stun.h). Streams: connections are made on
 * demand, found again by their number or by their remote address, framed by Content-Length (18.3),
 * answered to keep-alives (CRLFCRLF gets CRLF, RFC 5626 3.5.1 and 4.4.1). A small table of
 * functions (struct sip_stream_ops in transport_priv.h) stands between connection and socket, so
 * that TLS stacks on it. TLS: 1.2 and up, OpenSSL; whom we connect to is always verified, by the
 * host of the URI that led there (RFC 3261 26.3.2.1, RFC 5922 7, no wildcards); whom we accept,
 * when verify_clients is set. A connection is met again by its number (RFC 5923: what belongs to a
 * dialog goes the way it came), or, when we opened it, by address and verified host. WebSocket (RFC
 * 7118, sip/ws.h) on TCP or TLS: accepted only, never opened; pinged, for a browser cannot. Limits:
 * connections, in all and from one address, octets waiting to be written, time to connect, for a
 * handshake, for a message to become whole,
 * for written octets to be taken, idle time. Whoever exceeds one is cut off; all are counted.
 * Thread:  control.
 */
#ifndef SIP_TRANSPORT_H
#define SIP_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/loop.h"
#include "base/slice.h"
#include "sip/net.h"

enum {
	SIP_LISTEN_MAX = 16,             /* listeners */
	SIP_CONNECTIONS_MAX = 4096,      /* default of connections_max */
	SIP_OUT_OCTETS_MAX = 256 * 1024, /* default of out_octets_max */
	SIP_MESSAGE_MS = 30000,          /* default of message_ms */
	SIP_IDLE_MS = 3600 * 1000,       /* default of idle_ms */
	SIP_HANDSHAKE_MS = 10000,        /* default of handshake_ms */
	SIP_CONNECT_MS = 5000,           /* a peer that does not even refuse is given up */
	SIP_PONG_MS = 10000              /* answer to a ping (RFC 5626 4.4.1) */
};

struct sip_listen {
	enum sip_proto proto;
	struct addr addr;
};

/* "udp:0.0.0.0:5060, tcp:[::]:5060": each `proto:address:port`, port 0 for any. -EINVAL with
 * *reterr_item the element that is wrong (may be NULL); ERR_LIMIT beyond SIP_LISTEN_MAX. An IPv6
 * wildcard does not take IPv4: list both. */
int sip_listen_parse(struct slice text, struct sip_listen out[SIP_LISTEN_MAX], uint32_t *ret_count,
		     struct slice *reterr_item);

/* Paths of PEM files. NULL is like "". */
struct sip_tls_files {
	const char *certificate, *key; /* ours, with its chain; both needed for TLS */
	const char *ca;                /* who vouches for peers; "": the system's */
	bool verify_clients;           /* whoever connects must show a certificate of `ca` */
	/* More certificates, by the name that the client asks for (SNI, RFC 6066 3):
	 * "name certificate key, *.name certificate key". "*." stands for one label. */
	const char *sni;
};

enum { SIP_SNI_MAX = 32 /* names; more is ERR_SIP_TLS_FILE */ };

/* Whether the files can be used; errors as sip_transport_reload_tls. */
int sip_tls_check(const struct sip_tls_files *files, const char **reterr_file);

struct sip_transport_params {
	struct loop *loop; /* borrowed */
	struct slice listen;
	uint32_t connections_max; /* 0: the defaults above */
	uint32_t out_octets_max;  /* of one connection */
	uint32_t message_ms; /* to the end of a message, for octets to be taken, and to the first
				message */
	uint32_t idle_ms;
	uint32_t handshake_ms;    /* from connect or accept to the end of the handshakes, TLS and
				     WebSocket */
	uint32_t per_address_max; /* connections from one address; 0: no limit */
	uint32_t ws_ping_ms;      /* a WebSocket that was silent for so long is pinged; 0: never */
	uint32_t keepalive_ms;    /* the same for what we opened, with CRLFs (RFC 5626); 0: never */
	struct slice ws_origins;  /* comma list; absent or empty: any (sip/ws.h) */
	uint32_t udp_gather_ms;   /* UDP: from 4 messages in so long on they are taken together,
				     so often; 0: each is served at once */
	struct sip_tls_files tls; /* read when a listener is tls or wss */
};

struct sip_transport;

/* Opens all listeners. -EINVAL (list), ERR_SIP_NO_ROUTE (a protocol that is not there), negative
 * errno of socket and bind; then *reterr_item (may be NULL) is the element of the list at fault.
 * ERR_SIP_TLS_FILE: then it is the path of the file. */
int sip_transport_new(const struct sip_transport_params *params,
		      struct sip_transport **ret_transport, struct slice *reterr_item);
/* Closes everything without events. Accepts NULL; returns NULL. */
struct sip_transport *sip_transport_free(struct sip_transport *transport);

/* Reads the files again; connections live on with what they began with. ERR_SIP_TLS_FILE with
 * *reterr_file (may be NULL) the path at fault, -ENOMEM: the old ones stay. Without a TLS listener
 * it does nothing. */
int sip_transport_reload_tls(struct sip_transport *transport, const struct sip_tls_files *files,
			     const char **reterr_file);

struct sip_net sip_transport_net(struct sip_transport *transport);

/* The listeners with the ports that they got. False beyond the last. */
bool sip_transport_listener(const struct sip_transport *transport, uint32_t at,
			    struct sip_listen *ret_listen);

struct sip_transport_stats {
	uint64_t messages_in, messages_out, octets_in, octets_out;
	uint64_t keepalives;       /* answered on streams, swallowed on UDP */
	uint64_t udp_dropped;      /* the kernel would not take a datagram */
	uint64_t accepted, opened; /* connections so far, from and to peers */
	uint64_t refused;          /* connections beyond the limit, or no file descriptor left */
	uint64_t cut_slow, cut_idle, cut_garbage;
	uint64_t tls_handshakes, tls_failed; /* done; refused, broken or too slow */
	uint32_t connections;                /* live now */
};
const struct sip_transport_stats *sip_transport_stats(const struct sip_transport *transport);

#endif
