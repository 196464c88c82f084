#include "sip/transport.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "sip/transport_priv.h"

/* The list of listeners
 * --------------------------------------------------------------------------------------- */

static int parse_item(struct slice item, struct sip_listen *ret_listen)
{
	size_t colon = slice_find(item, ':');
	struct sip_listen listen;
	int err;

	err = sip_proto_parse(slice_first(item, colon), &listen.proto);
	if (!err)
		err = addr_parse(slice_from(item, colon + 1), &listen.addr);
	if (err)
		return -EINVAL;
	*ret_listen = listen;
	return 0;
}

int sip_listen_parse(struct slice text, struct sip_listen out[SIP_LISTEN_MAX], uint32_t *ret_count,
		     struct slice *reterr_item)
{
	uint32_t count = 0;
	int err = 0;

	while (!err && text.len > 0) {
		size_t end = slice_find(text, ',');
		struct slice item = slice_trim(slice_first(text, end));

		err = count < SIP_LISTEN_MAX ? parse_item(item, &out[count]) : ERR_LIMIT;
		if (err && reterr_item)
			*reterr_item = item;
		count++;
		text = slice_from(text, end + 1);
	}
	if (!err)
		*ret_count = count;
	return err;
}

enum { ROUTE_KEEP_MS = 5000 };

/* Choosing a listener
 * -------------------------------------------------------------------------------------------- */

static bool listener_has(const struct sip_listener *listener, const struct addr *local)
{
	return addr_port(&listener->local) == addr_port(local) &&
	       (addr_is_any(&listener->local) || addr_eq_ip(&listener->local, local));
}

/* A loopback listener cannot reach the world, nor another listener the loopback. */
static bool listener_reaches(const struct sip_listener *listener, const struct addr *remote)
{
	return addr_is_any(&listener->local) ||
	       addr_is_loopback(&listener->local) == addr_is_loopback(remote);
}

struct sip_listener *sip_listener_find(struct sip_transport *transport, enum sip_proto proto,
				       const struct addr *local, const struct addr *remote)
{
	struct sip_listener *fallback = NULL, *good = NULL;

	for (uint32_t i = 0; i < transport->listener_count; i++) {
		struct sip_listener *listener = &transport->listeners[i];

		if (listener->proto != proto || addr_is_v6(&listener->local) != addr_is_v6(remote))
			continue;
		if (local && addr_is_set(local) && listener_has(listener, local))
			return listener;
		if (!good && listener_reaches(listener, remote))
			good = listener;
		if (!fallback)
			fallback = listener;
	}
	return good ? good : fallback;
}

/* Events up
 * --------------------------------------------------------------------------------------------------------
 */

void sip_transport_message(struct sip_transport *transport, const struct sip_flow *flow,
			   struct slice data)
{
	transport->stats.messages_in++;
	if (transport->events.on_message)
		transport->events.on_message(transport->events.arg, flow, data);
}

void sip_transport_failed(struct sip_transport *transport, const struct sip_flow *flow, int err)
{
	if (transport->events.on_failed)
		transport->events.on_failed(transport->events.arg, flow, err);
}

/* struct sip_net_ops
 * -------------------------------------------------------------------------------------------------
 */

static void net_listen(void *ctx, const struct sip_net_events *events)
{
	struct sip_transport *transport = ctx;

	transport->events = events ? *events : (struct sip_net_events){0};
}

static int net_send(void *ctx, const struct sip_flow *flow, struct slice data,
		    struct sip_flow *ret_flow)
{
	struct sip_transport *transport = ctx;
	struct sip_flow path = *flow;
	struct sip_listener *listener;
	int err;

	if (flow->proto == SIP_UDP) {
		listener = sip_listener_find(transport, SIP_UDP, &flow->local, &flow->remote);
		err = listener ? sip_udp_send(listener, flow, data) : ERR_SIP_NO_ROUTE;
	} else {
		err = sip_tcp_send(transport, flow, data, &path);
	}
	if (err)
		return err;
	transport->stats.messages_out++;
	transport->stats.octets_out += data.len;
	if (ret_flow)
		*ret_flow = path;
	return 0;
}

static void net_stats(void *ctx, struct sip_net_stats *ret_stats)
{
	const struct sip_transport *transport = ctx;

	*ret_stats = (struct sip_net_stats){
		.connections = transport->stats.connections,
		.refused = transport->stats.refused,
		.cut = transport->stats.cut_slow + transport->stats.cut_idle +
		       transport->stats.cut_garbage,
		.tls_handshakes = transport->stats.tls_handshakes,
		.tls_failed = transport->stats.tls_failed,
	};
}

/* Asking the kernel costs four calls of it, and is done for every message: its answer is kept for a
 * little while. */
static int route_of(struct sip_transport *transport, const struct addr *remote,
		    struct addr *ret_local)
{
	uint64_t now_ms = wheel_now_ms(loop_wheel(transport->loop));
	struct sip_route
		*route = &transport->routes[addr_hash(remote) % ARRAY_LEN(transport->routes)];
	int err;

	if (route->until_ms <= now_ms || !addr_eq(&route->remote, remote)) {
		err = addr_local_for(remote, &route->local);
		if (err)
			return err;
		route->remote = *remote;
		route->until_ms = now_ms + ROUTE_KEEP_MS;
	}
	*ret_local = route->local;
	return 0;
}

static int net_local_for(void *ctx, enum sip_proto proto, const struct addr *remote,
			 struct addr *ret_local)
{
	struct sip_transport *transport = ctx;
	struct sip_listener *listener = sip_listener_find(transport, proto, NULL, remote);
	struct addr local;
	int err;

	if (!listener)
		return ERR_SIP_NO_ROUTE;
	local = listener->local;
	if (addr_is_any(&local)) {
		err = route_of(transport, remote, &local);
		if (err)
			return ERR_SIP_NO_ROUTE;
		addr_set_port(&local, addr_port(&listener->local));
	}
	*ret_local = local;
	return 0;
}

static bool net_is_open(void *ctx, uint64_t connection)
{
	struct sip_transport *transport = ctx;

	return handle_find(transport->conns, connection) != NULL;
}

static bool net_peer_has_name(void *ctx, const struct sip_flow *flow, struct slice name)
{
	struct sip_transport *transport = ctx;
	const struct sip_conn *conn = handle_find(transport->conns, flow->connection);

	return conn && sip_tls_has_name(conn, name);
}

static void net_keep(void *ctx, uint64_t connection, uint32_t every_ms)
{
	struct sip_transport *transport = ctx;
	struct sip_conn *conn = handle_find(transport->conns, connection);

	if (conn)
		sip_conn_keep(conn, every_ms);
}

struct sip_net sip_transport_net(struct sip_transport *transport)
{
	static const struct sip_net_ops ops = {
		.listen = net_listen,
		.send = net_send,
		.local_for = net_local_for,
		.stats = net_stats,
		.is_open = net_is_open,
		.peer_has_name = net_peer_has_name,
		.keep = net_keep,
	};

	return (struct sip_net){.ops = &ops, .ctx = transport};
}

/* Life
 * ------------------------------------------------------------------------------------------------------------------
 */

static int open_listener(struct sip_transport *transport, const struct sip_listen *listen)
{
	struct sip_listener *listener = &transport->listeners[transport->listener_count];
	int err;

	listener->transport = transport;
	listener->proto = listen->proto;
	listener->local = listen->addr;
	listener->watch = (struct loop_watch){.fd = -1, .arg = listener};
	if (listen->proto == SIP_UDP)
		err = sip_udp_open(listener);
	else
		err = sip_tcp_open(listener);
	if (!err)
		err = loop_watch_add(transport->loop, &listener->watch, LOOP_READ);
	if (err && listener->watch.fd >= 0)
		close(listener->watch.fd);
	if (!err)
		transport->listener_count++;
	return err;
}

/* Before the first listener that needs them. */
static int open_tls(struct sip_transport *transport, const struct sip_tls_files *files,
		    struct slice *reterr_item)
{
	const char *file = NULL;
	int err;

	if (transport->tls)
		return 0;
	transport->tls_socket = sip_tls_socket();
	if (!transport->tls_socket)
		return -ENOMEM;
	err = sip_tls_new(files, &transport->tls, &file);
	if (err && reterr_item)
		*reterr_item = file ? slice_of(file) : SLICE("sip.tls_certificate");
	return err;
}

static struct slice nth_item(struct slice text, uint32_t n)
{
	while (n-- > 0)
		text = slice_from(text, slice_find(text, ',') + 1);
	return slice_trim(slice_first(text, slice_find(text, ',')));
}

static int open_listeners(struct sip_transport *transport,
			  const struct sip_transport_params *params, struct slice *reterr_item)
{
	struct sip_listen listens[SIP_LISTEN_MAX];
	uint32_t count = 0;
	int err;

	err = sip_listen_parse(params->listen, listens, &count, reterr_item);
	for (uint32_t i = 0; !err && i < count; i++) {
		if (sip_proto_is_secure(listens[i].proto))
			err = open_tls(transport, &params->tls, reterr_item);
		if (err)
			break;
		err = open_listener(transport, &listens[i]);
		if (err && reterr_item)
			*reterr_item = nth_item(params->listen, i);
	}
	return err;
}

static int prepare(struct sip_transport *transport)
{
	int err;

	transport->datagrams = malloc((size_t)SIP_UDP_BATCH * SIP_DATAGRAM_MAX);
	if (!transport->datagrams)
		return -ENOMEM;
	transport->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (transport->spare_fd < 0)
		return -errno;
	err = handle_table_new(transport->connections_max, &transport->conns);
	if (!err)
		err = hash_new(sip_source_match, &transport->sources);
	if (!err)
		err = hash_new(sip_conn_match_alias, &transport->by_alias);
	return err ? err : hash_new(sip_conn_match, &transport->by_remote);
}

static void set_limits(struct sip_transport *transport, const struct sip_transport_params *params)
{
	transport->connections_max = params->connections_max ? params->connections_max
							     : SIP_CONNECTIONS_MAX;
	transport->out_octets_max = params->out_octets_max ? params->out_octets_max
							   : SIP_OUT_OCTETS_MAX;
	transport->message_ms = params->message_ms ? params->message_ms : SIP_MESSAGE_MS;
	transport->idle_ms = params->idle_ms ? params->idle_ms : SIP_IDLE_MS;
	transport->handshake_ms = params->handshake_ms ? params->handshake_ms : SIP_HANDSHAKE_MS;
	transport->per_address_max = params->per_address_max;
	transport->ws_ping_ms = params->ws_ping_ms;
	transport->keepalive_ms = params->keepalive_ms;
	transport->gather_ms = params->udp_gather_ms;
}

int sip_transport_new(const struct sip_transport_params *params,
		      struct sip_transport **ret_transport, struct slice *reterr_item)
{
	struct sip_transport *transport = calloc(1, sizeof(*transport));
	int err;

	assert(params->loop);
	if (!transport)
		return -ENOMEM;
	transport->loop = params->loop;
	transport->spare_fd = -1;
	set_limits(transport, params);
	if (slice_present(params->ws_origins)) {
		transport->ws_origins = slice_dup(params->ws_origins);
		if (!transport->ws_origins) {
			free(transport);
			return -ENOMEM;
		}
	}
	err = prepare(transport);
	if (!err)
		err = open_listeners(transport, params, reterr_item);
	if (err) {
		sip_transport_free(transport);
		return err;
	}
	*ret_transport = transport;
	return 0;
}

struct sip_transport *sip_transport_free(struct sip_transport *transport)
{
	if (!transport)
		return NULL;
	transport->events = (struct sip_net_events){0};
	if (transport->conns && transport->by_remote)
		sip_conn_free_all(transport);
	for (uint32_t i = 0; i < transport->listener_count; i++) {
		loop_watch_remove(transport->loop, &transport->listeners[i].watch);
		timer_stop(loop_wheel(transport->loop), &transport->listeners[i].gather);
		close(transport->listeners[i].watch.fd);
	}
	handle_table_free(transport->conns);
	hash_free(transport->by_remote);
	hash_free(transport->by_alias);
	hash_free(transport->sources);
	free(transport->ws_origins);
	if (transport->spare_fd >= 0)
		close(transport->spare_fd);
	sip_tls_free(transport->tls);
	sip_tls_socket_free(transport->tls_socket);
	free(transport->datagrams);
	free(transport);
	return NULL;
}

int sip_transport_reload_tls(struct sip_transport *transport, const struct sip_tls_files *files,
			     const char **reterr_file)
{
	struct sip_tls *fresh = NULL;
	const char *file = NULL;
	int err;

	if (!transport->tls)
		return 0;
	err = sip_tls_new(files, &fresh, &file);
	if (err) {
		if (reterr_file)
			*reterr_file = file;
		return err;
	}
	sip_tls_free(transport->tls);
	transport->tls = fresh;
	return 0;
}

bool sip_transport_listener(const struct sip_transport *transport, uint32_t at,
			    struct sip_listen *ret_listen)
{
	if (at >= transport->listener_count)
		return false;
	*ret_listen = (struct sip_listen){transport->listeners[at].proto,
					  transport->listeners[at].local};
	return true;
}

const struct sip_transport_stats *sip_transport_stats(const struct sip_transport *transport)
{
	return &transport->stats;
}
