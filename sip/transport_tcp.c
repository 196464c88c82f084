/* Streams (TCP, TLS on it, WebSocket on either): connections with a bounded queue, framed messages,
 * keep-alives, and time limits for slow peers.
 *
 * A connection is freed only from the loop (its own event or timer), never inside a send: who sends
 * may be in the middle of reading from it. */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "sip/msg.h"
#include "sip/transport_priv.h"

enum { READ_CHUNK = 16384, READS_MAX = 8, ACCEPTS_MAX = 64, BACKLOG = 1024, WS_GOING_AWAY = 1001 };

/* The socket as a stream
 * ---------------------------------------------------------------------------------------- */

static int socket_read(struct sip_conn *conn, void *data, size_t cap)
{
	ssize_t n = recv(conn->watch.fd, data, cap, MSG_DONTWAIT);

	return n >= 0 ? (int)n : -errno;
}

static int socket_write(struct sip_conn *conn, const void *data, size_t len)
{
	ssize_t n = send(conn->watch.fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n >= 0 ? (int)n : -errno;
}

const struct sip_stream_ops sip_tcp_stream = {.read = socket_read, .write = socket_write};

/* Table
 * -----------------------------------------------------------------------------------------------------------
 */

struct remote_key {
	enum sip_proto proto;
	const struct addr *remote;
	const char *host;
};

bool sip_conn_match(const struct hash_node *node, const void *key)
{
	const struct sip_conn *conn = CONTAINER_OF(node, struct sip_conn, by_remote);
	const struct remote_key *want = key;

	if (conn->is_dead || conn->proto != want->proto || !addr_eq(&conn->remote, want->remote))
		return false;
	/* Who only came from that address has not shown that he is the one (RFC 5923 9.3). */
	return conn->proto != SIP_TLS || (conn->host && strcasecmp(conn->host, want->host) == 0);
}

/* The peer has asked to be met on its own connection, and has shown a certificate: it must name the
 * host that we want (RFC 5923 5, 9.3). */
bool sip_conn_match_alias(const struct hash_node *node, const void *key)
{
	const struct sip_conn *conn = CONTAINER_OF(node, struct sip_conn, by_alias);
	const struct remote_key *want = key;

	return !conn->is_dead && conn->proto == want->proto &&
	       addr_eq(&conn->alias, want->remote) && sip_tls_has_name(conn, slice_of(want->host));
}

static uint64_t remote_hash(enum sip_proto proto, const struct addr *remote)
{
	return hash_mix(addr_hash(remote), proto);
}

static struct sip_flow flow_of(const struct sip_conn *conn)
{
	return (struct sip_flow){conn->proto, conn->local, conn->remote, conn->id};
}

/* A WebSocket is not left without a close (RFC 6455 7.1.2), as far as the socket takes it now. */
static void say_goodbye(struct sip_conn *conn)
{
	if (conn->is_handshaking || conn->is_tls_broken)
		return;
	sip_ws_close(conn->ws, WS_GOING_AWAY, &conn->out);
	if (conn->out.len > 0)
		(void)conn->stream->write(conn, conn->out.p, conn->out.len);
}

static void conn_free(struct sip_conn *conn)
{
	struct sip_transport *transport = conn->transport;

	loop_watch_remove(transport->loop, &conn->watch);
	timer_stop(loop_wheel(transport->loop), &conn->timer);
	if (conn->ws)
		say_goodbye(conn);
	if (conn->tls)
		conn->stream->end(conn);
	if (conn->watch.fd >= 0)
		close(conn->watch.fd);
	sip_ws_free(conn->ws);
	sip_source_drop(transport, conn->source);
	free(conn->host);
	if (conn->id) {
		(void)handle_drop(transport->conns, conn->id);
		transport->stats.connections--;
	}
	hash_remove(transport->by_remote, &conn->by_remote);
	hash_remove(transport->by_alias, &conn->by_alias);
	buf_done(&conn->in);
	buf_done(&conn->out);
	free(conn);
}

static void free_visit(struct hash_node *node, void *arg)
{
	(void)arg;
	conn_free(CONTAINER_OF(node, struct sip_conn, by_remote));
}

void sip_conn_free_all(struct sip_transport *transport)
{
	hash_each(transport->by_remote, free_visit, NULL);
}

/* Closes it now; what was sent on it may not have arrived. */
static void conn_close(struct sip_conn *conn, int err)
{
	struct sip_transport *transport = conn->transport;
	struct sip_flow flow = flow_of(conn);

	if (conn->is_handshaking && !conn->is_connecting)
		transport->stats.tls_failed++;
	conn_free(conn);
	sip_transport_failed(transport, &flow, err);
}

/* Closes it from the loop, at once. */
static void conn_close_soon(struct sip_conn *conn, int err)
{
	if (conn->is_dead)
		return;
	conn->is_dead = true;
	conn->err = err;
	timer_start(loop_wheel(conn->transport->loop), &conn->timer, 0);
}

/* Time limits
 * -------------------------------------------------------------------------------------------------------
 */

static uint64_t now_ms(const struct sip_conn *conn)
{
	return wheel_now_ms(loop_wheel(conn->transport->loop));
}

/* When patience ends, and whether that is for slowness. */
static uint64_t deadline(const struct sip_conn *conn, bool *ret_is_slow)
{
	const struct sip_transport *transport = conn->transport;
	uint64_t idle = conn->active_ms + transport->idle_ms, slow = UINT64_MAX;

	if (conn->partial_ms)
		slow = conn->partial_ms + transport->message_ms;
	if (conn->stuck_ms)
		slow = MIN_OF(slow, conn->stuck_ms + transport->message_ms);
	if (conn->is_handshaking || (conn->ws && !sip_ws_is_open(conn->ws)))
		slow = MIN_OF(slow, conn->opened_ms + transport->handshake_ms);
	if (conn->is_connecting)
		slow = MIN_OF(slow, conn->opened_ms + SIP_CONNECT_MS);
	if (conn->pinged_ms)
		slow = MIN_OF(slow, conn->pinged_ms + SIP_PONG_MS);
	*ret_is_slow = slow <= idle;
	return MIN_OF(slow, idle);
}

/* When a ping is due: on WebSockets, whose clients cannot ping by themselves, and, by option, on
 * what we opened (RFC 5626 3.5.1, 4.4.1). */
static uint64_t ping_due(const struct sip_conn *conn)
{
	uint32_t every_ms = conn->ws        ? conn->transport->ws_ping_ms
			    : conn->keep_ms ? conn->keep_ms
			    : conn->is_ours ? conn->transport->keepalive_ms
					    : 0;
	bool is_open = !conn->is_connecting && !conn->is_handshaking &&
		       (!conn->ws || sip_ws_is_open(conn->ws));

	return every_ms && is_open && !conn->pinged_ms ? conn->heard_ms + every_ms : UINT64_MAX;
}

static void arm(struct sip_conn *conn)
{
	bool is_slow;
	uint64_t now = now_ms(conn), due;

	if (conn->is_dead)
		return;
	due = MIN_OF(deadline(conn, &is_slow), ping_due(conn));
	timer_start(loop_wheel(conn->transport->loop), &conn->timer, due > now ? due - now : 0);
}

void sip_conn_keep(struct sip_conn *conn, uint32_t every_ms)
{
	conn->keep_ms = every_ms;
	arm(conn);
}

/* Writing
 * ---------------------------------------------------------------------------------------------------------------
 */

static void set_events(struct sip_conn *conn)
{
	bool wants_write = conn->is_connecting || conn->wants_write ||
			   (conn->out.len > 0 && !conn->is_handshaking);

	(void)loop_watch_set(conn->transport->loop, &conn->watch,
			     LOOP_READ | (wants_write ? LOOP_WRITE : 0u));
}

/* Writes what the socket takes. 0, or negative errno: the connection is lost. */
static int flush(struct sip_conn *conn)
{
	if (conn->out.len > 0 && !conn->stuck_ms)
		conn->stuck_ms = now_ms(conn);
	while (conn->out.len > 0) {
		int n = conn->stream->write(conn, conn->out.p, conn->out.len);

		if (n == -EAGAIN || n == -EINTR)
			break;
		if (n < 0)
			return n;
		buf_drop(&conn->out, (size_t)n);
		conn->active_ms = conn->stuck_ms = now_ms(conn);
	}
	if (conn->out.len == 0)
		conn->stuck_ms = 0;
	return 0;
}

/* Writes, or sees to it that what was queued is written; the connection is lost when that fails. */
static int write_out(struct sip_conn *conn, int err)
{
	if (!err)
		err = buf_err(&conn->out);
	if (!err && !conn->is_connecting && !conn->is_handshaking)
		err = flush(conn);
	if (err) {
		conn_close_soon(conn, err);
		return ERR_SIP_TRANSPORT;
	}
	set_events(conn);
	arm(conn);
	return 0;
}

static int conn_send(struct sip_conn *conn, struct slice data)
{

	if (conn->out.len + data.len > conn->transport->out_octets_max) {
		conn->transport->stats.cut_slow++;
		conn_close_soon(conn, ERR_QUEUE_FULL);
		return ERR_QUEUE_FULL;
	}
	if (conn->ws)
		return write_out(conn, sip_ws_send(conn->ws, data, &conn->out));
	if (conn->out.len == 0)
		conn->stuck_ms = now_ms(conn);
	buf_addslice(&conn->out, data);
	return write_out(conn, 0);
}

static void ping(struct sip_conn *conn)
{
	int err = 0;

	if (conn->ws)
		err = sip_ws_ping(conn->ws, &conn->out);
	else
		buf_adds(&conn->out, "\r\n\r\n");
	conn->pinged_ms = now_ms(conn);
	conn->awaits_pong = !conn->ws;
	(void)write_out(conn, err);
}

static void on_timer(void *arg)
{
	struct sip_conn *conn = arg;
	bool is_slow;

	if (conn->is_dead) {
		conn_close(conn, conn->err);
	} else if (deadline(conn, &is_slow) <= now_ms(conn)) {
		if (is_slow)
			conn->transport->stats.cut_slow++;
		else
			conn->transport->stats.cut_idle++;
		conn_close(conn, -ETIMEDOUT);
	} else if (ping_due(conn) <= now_ms(conn)) {
		ping(conn);
	} else {
		arm(conn);
	}
}

/* Reading
 * ---------------------------------------------------------------------------------------------------------------
 */

static void send_pongs(struct sip_conn *conn, uint32_t count)
{
	struct buf pongs = BUF_INIT;

	for (uint32_t i = 0; i < count; i++)
		buf_adds(&pongs, "\r\n");
	if (buf_err(&pongs) == 0)
		(void)conn_send(conn, buf_slice(&pongs));
	buf_done(&pongs);
}

/* What is to be looked at begins anew. */
static void take_off(struct sip_conn *conn, size_t len)
{
	buf_drop(&conn->in, len);
	conn->seen = conn->wanted = 0;
}

/* Takes keep-alives off the front; a ping (double CRLF) gets a pong (RFC 5626 4.4.1). All that came
 * together are taken and answered in one go: a flood of them must not cost a write each. */
static void take_keepalives(struct sip_conn *conn)
{
	struct buf *in = &conn->in;
	uint32_t pings = 0;
	size_t at = 0;

	/* A pong, not the half of a ping. */
	if (conn->awaits_pong && in->len >= 2 && memcmp(in->p, "\r\n", 2) == 0) {
		conn->awaits_pong = false;
		at = 2;
	}
	for (;;) {
		if (in->len - at >= 4 && memcmp(in->p + at, "\r\n\r\n", 4) == 0) {
			at += 4;
			pings++;
		} else if (in->len - at >= 3 && in->p[at] == '\r' && in->p[at + 1] == '\n' &&
			   in->p[at + 2] != '\r') {
			at += 2;
		} else {
			break;
		}
	}
	if (at > 0)
		take_off(conn, at);
	if (pings == 0)
		return;
	conn->transport->stats.keepalives += pings;
	conn->is_proven = true;
	send_pongs(conn, pings);
}

static void garbage(struct sip_conn *conn, int err)
{
	struct sip_transport *transport = conn->transport;
	struct sip_flow flow = flow_of(conn);

	transport->stats.cut_garbage++;
	conn_close_soon(conn, err);
	if (transport->events.on_garbage)
		transport->events.on_garbage(transport->events.arg, &flow, err);
}

static void on_ws_message(void *arg, struct slice data)
{
	struct sip_conn *conn = arg;
	struct sip_flow flow = flow_of(conn);

	sip_transport_message(conn->transport, &flow, data);
}

/* Why a WebSocket is over, once its answer is on the way. */
static void ws_over(struct sip_conn *conn, int err)
{
	(void)flush(conn);
	if (err == ERR_SIP_SYNTAX || err == ERR_SIP_TOO_LARGE) {
		garbage(conn, err);
		return;
	}
	if (err == -EACCES)
		conn->transport->stats.refused++;
	conn_close_soon(conn, err);
}

/* The upgrade, and every whole message behind it. */
static void take_frames(struct sip_conn *conn)
{
	struct sip_transport *transport = conn->transport;
	uint64_t pings = sip_ws_keepalives(conn->ws);
	int err = sip_ws_take(conn->ws, &conn->in, &conn->out);

	transport->stats.keepalives += sip_ws_keepalives(conn->ws) - pings;
	conn->is_proven |= sip_ws_is_open(conn->ws);
	if (!sip_ws_is_partial(conn->ws) && conn->is_proven)
		conn->partial_ms = 0;
	else if (!conn->partial_ms)
		conn->partial_ms = now_ms(conn);
	if (err) {
		ws_over(conn, err);
	} else if (conn->out.len > transport->out_octets_max) {
		transport->stats.cut_slow++; /* pings, and never takes the pongs */
		conn_close_soon(conn, ERR_QUEUE_FULL);
	} else {
		(void)write_out(conn, 0);
	}
}

/* ";alias" in the top Via of a request: requests to that Via's port at this address may come here
 * (RFC 5923 5.2). Only TLS whose peer has shown who it is has an alias; the first one stays. */
static void note_alias(struct sip_conn *conn, struct slice text)
{
	struct sip_transport *transport = conn->transport;
	static struct sip_msg msg; /* large; the control thread is the only one here */
	struct slice value;
	struct sip_via via;

	if (conn->proto != SIP_TLS || conn->is_ours || hash_linked(&conn->by_alias) ||
	    !sip_tls_is_proven(conn) || sip_msg_parse(text.p, text.len, &msg) || !msg.is_request ||
	    sip_msg_via(&msg, &via) || !sip_param(via.params, "alias", &value))
		return;
	conn->alias = conn->remote;
	addr_set_port(&conn->alias, via.port ? via.port : 5061);
	hash_add(transport->by_alias, &conn->by_alias, remote_hash(SIP_TLS, &conn->alias));
}

/* Whether looking again at a message that was not whole can find more of it: all its octets are
 * here, or, while its head is open, an empty line is among what came since. A message that comes
 * octet by octet would be read from its start each time, else. */
static bool is_worth_a_look(struct sip_conn *conn)
{
	const struct buf *in = &conn->in;
	size_t at = conn->seen;

	conn->seen = in->len;
	if (!at || in->len > SIP_MSG_OCTETS_MAX)
		return true;
	if (conn->wanted)
		return in->len >= conn->wanted;
	for (; at < in->len; at++)
		if (in->p[at] == '\n' &&
		    (in->p[at - 1] == '\n' ||
		     (at > 1 && in->p[at - 1] == '\r' && in->p[at - 2] == '\n')))
			return true;
	return false;
}

/* Hands up every whole message. */
static void take_messages(struct sip_conn *conn)
{
	struct sip_flow flow = flow_of(conn);
	size_t skip = 0, len = 0;
	int err;

	while (!conn->is_dead) {
		take_keepalives(conn);
		if (conn->in.len == 0 || !is_worth_a_look(conn))
			break;
		err = sip_msg_frame(conn->in.p, conn->in.len, &skip, &len);
		/* Line ends are dropped as they come, and not kept for a message that they stand
		 * before; but for what may be the half of a ping. */
		if (err == ERR_SIP_INCOMPLETE && skip > 0 && conn->in.len > 3) {
			take_off(conn, skip);
			continue;
		}
		conn->wanted = len;
		if (err == ERR_SIP_INCOMPLETE)
			break;
		if (err) {
			garbage(conn, err);
			return;
		}
		conn->is_proven = true;
		conn->partial_ms = 0;
		note_alias(conn, slice_make(conn->in.p + skip, len));
		sip_transport_message(conn->transport, &flow, slice_make(conn->in.p + skip, len));
		take_off(conn, skip + len);
	}
	if (conn->in.len == 0 && conn->is_proven)
		conn->partial_ms = 0;
	else if (!conn->partial_ms && conn->in.len > 2)
		conn->partial_ms = now_ms(conn);
}

/* 0, or why it is over. */
static int read_some(struct sip_conn *conn)
{
	char chunk[READ_CHUNK];

	for (int i = 0; i < READS_MAX && !conn->is_dead; i++) {
		int n = conn->stream->read(conn, chunk, sizeof(chunk));

		if (n == -EAGAIN || n == -EINTR)
			return 0;
		if (n <= 0)
			return n < 0 ? n : -ECONNRESET;
		conn->active_ms = conn->heard_ms = now_ms(conn);
		conn->pinged_ms = 0;
		conn->transport->stats.octets_in += (uint64_t)n;
		buf_add(&conn->in, chunk, (size_t)n);
		if (buf_err(&conn->in))
			return buf_err(&conn->in);
		if (conn->ws)
			take_frames(conn);
		else
			take_messages(conn);
	}
	return 0;
}

static int finish_connect(struct sip_conn *conn)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(conn->watch.fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return -errno;
	conn->is_connecting = err != 0;
	return -err;
}

/* What an open connection is for. 0, or why it is over. */
static int work(struct sip_conn *conn, unsigned events)
{
	int err = 0;

	if (conn->is_handshaking) {
		err = conn->stream->handshake(conn);
		if (err)
			return err == -EAGAIN ? 0 : err;
		/* Behind the peer's last message of the handshake may be its first of SIP. */
		events |= LOOP_READ;
	}
	err = flush(conn);
	if (!err && (events & (LOOP_READ | LOOP_ERROR)))
		err = read_some(conn);
	return err;
}

static void on_ready(void *arg, unsigned events)
{
	struct sip_conn *conn = arg;
	int err = 0;

	if (conn->is_dead)
		return; /* its timer closes it in this turn */
	if (conn->is_connecting && (events & (LOOP_WRITE | LOOP_ERROR)))
		err = finish_connect(conn);
	if (!err && !conn->is_connecting)
		err = work(conn, events);
	if (err) {
		conn_close(conn, err);
		return;
	}
	if (conn->is_dead)
		return;
	set_events(conn);
	arm(conn);
}

/* Making one
 * ----------------------------------------------------------------------------------------------------------------
 */

static void set_options(int fd)
{
	int on = 1, idle_s = 60, every_s = 20;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on,
			 sizeof(on)); /* half-open peers are noticed */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof(every_s));
}

/* What stands on the socket, by protocol. */
static int begin_layers(struct sip_conn *conn)
{
	bool is_ws = conn->proto == SIP_WS || conn->proto == SIP_WSS;
	int err = 0;

	if (is_ws)
		err = sip_ws_new(
			&(struct sip_ws_params){
				.origins = slice_of(conn->transport->ws_origins),
				.on_message = on_ws_message,
				.arg = conn,
			},
			&conn->ws);
	if (!err && sip_proto_is_secure(conn->proto))
		err = sip_tls_begin(conn);
	return err;
}

/* Takes fd, as->host and as->source, also when it fails. */
static int conn_new(struct sip_transport *transport, int fd, const struct sip_conn *as,
		    struct sip_conn **ret_conn)
{
	unsigned events = LOOP_READ | (as->is_connecting ? LOOP_WRITE : 0u);
	struct sip_conn *conn = calloc(1, sizeof(*conn));
	int err = -ENOMEM;

	if (!conn) {
		close(fd);
		free(as->host);
		sip_source_drop(transport, as->source);
		return err;
	}
	*conn = *as;
	conn->transport = transport;
	conn->stream = &sip_tcp_stream;
	conn->watch = (struct loop_watch){.fd = fd, .on_ready = on_ready, .arg = conn};
	timer_init(&conn->timer, on_timer, conn);
	conn->active_ms = conn->heard_ms = conn->opened_ms = now_ms(conn);
	if (!conn->is_proven)
		conn->partial_ms = conn->active_ms; /* silence is no first message either */
	set_options(fd);
	err = begin_layers(conn);
	if (!err)
		err = handle_take(transport->conns, conn, &conn->id);
	if (!err) {
		transport->stats.connections++;
		err = loop_watch_add(transport->loop, &conn->watch, events);
	}
	if (err) {
		conn_free(conn);
		return err;
	}
	hash_add(transport->by_remote, &conn->by_remote, remote_hash(conn->proto, &conn->remote));
	arm(conn);
	*ret_conn = conn;
	return 0;
}

/* The socket of a connection that is on its way, or negative. */
static int connecting_socket(const struct addr *from, const struct addr *to)
{
	int fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (!addr_is_any(from)) {
		struct addr local = *from;

		addr_set_port(&local, 0);
		(void)bind(fd, &local.sa, addr_len(&local));
	}
	if (connect(fd, &to->sa, addr_len(to)) && errno != EINPROGRESS) {
		close(fd);
		return ERR_SIP_TRANSPORT;
	}
	return fd;
}

static int conn_open(struct sip_transport *transport, const struct sip_flow *flow, const char *host,
		     struct sip_conn **ret_conn)
{
	struct sip_conn as = {.proto = flow->proto,
			      .remote = flow->remote,
			      .is_connecting = true,
			      .is_proven = true,
			      .is_ours = true};
	struct sip_listener *listener = sip_listener_find(transport, flow->proto, &flow->local,
							  &flow->remote);
	int fd, err;

	if (!listener)
		return ERR_SIP_NO_ROUTE;
	if (handle_count(transport->conns) >= transport->connections_max) {
		transport->stats.refused++;
		return ERR_LIMIT;
	}
	as.local = listener->local;
	if (flow->proto == SIP_TLS) {
		as.host = strdup(host);
		if (!as.host)
			return -ENOMEM;
	}
	fd = connecting_socket(&listener->local, &flow->remote);
	if (fd < 0) {
		free(as.host);
		return fd;
	}
	err = conn_new(transport, fd, &as, ret_conn);
	if (!err)
		transport->stats.opened++;
	return err;
}

static struct sip_conn *find_alias(struct sip_transport *transport, const struct remote_key *key)
{
	struct hash_node *node = hash_find(transport->by_alias,
					   remote_hash(key->proto, key->remote), key);

	return node ? CONTAINER_OF(node, struct sip_conn, by_alias) : NULL;
}

int sip_tcp_send(struct sip_transport *transport, const struct sip_flow *flow, struct slice data,
		 struct sip_flow *ret_flow)
{
	char host[SIP_TLS_HOST_MAX] = "";
	struct remote_key key = {flow->proto, &flow->remote, host};
	struct sip_conn *conn = flow->connection ? handle_find(transport->conns, flow->connection)
						 : NULL;
	struct hash_node *node;
	int err;

	if (!conn || conn->is_dead) {
		if (flow->proto == SIP_TLS)
			sip_tls_peer(data, host);
		node = hash_find(transport->by_remote, remote_hash(flow->proto, &flow->remote),
				 &key);
		conn = node ? CONTAINER_OF(node, struct sip_conn, by_remote) : NULL;
		if (!conn && *host)
			conn = find_alias(transport, &key);
	}
	/* To a WebSocket client leads only what it opened itself (RFC 7118 5). */
	if (!conn && (flow->proto == SIP_WS || flow->proto == SIP_WSS))
		return ERR_SIP_TRANSPORT;
	if (!conn) {
		err = conn_open(transport, flow, host, &conn);
		if (err)
			return err;
	}
	err = conn_send(conn, data);
	if (!err)
		*ret_flow = flow_of(conn);
	return err;
}

/* Listening
 * --------------------------------------------------------------------------------------------------------------------
 */

static void refuse(struct sip_transport *transport, int fd)
{
	transport->stats.refused++;
	close(fd);
}

/* Without a free descriptor the connection would stay at the door and wake us for ever. */
static void refuse_without_fd(struct sip_listener *listener)
{
	struct sip_transport *transport = listener->transport;
	int fd;

	close(transport->spare_fd);
	fd = accept4(listener->watch.fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		refuse(transport, fd);
	transport->spare_fd = dup(listener->watch.fd);
}

static void take_connection(struct sip_listener *listener, int fd, const struct addr *remote)
{
	struct sip_transport *transport = listener->transport;
	struct sip_conn as = {
		.proto = listener->proto, .local = listener->local, .remote = *remote};
	socklen_t len = sizeof(as.local);
	struct sip_conn *conn;

	if (handle_count(transport->conns) >= transport->connections_max ||
	    sip_source_take(transport, remote, &as.source)) {
		refuse(transport, fd);
		return;
	}
	(void)getsockname(fd, &as.local.sa, &len);
	if (conn_new(transport, fd, &as, &conn) == 0)
		transport->stats.accepted++;
	else
		transport->stats.refused++;
}

static void on_accept(void *arg, unsigned events)
{
	struct sip_listener *listener = arg;

	(void)events;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		struct addr remote = {0};
		socklen_t len = sizeof(remote);
		int fd = accept4(listener->watch.fd, &remote.sa, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			take_connection(listener, fd, &remote);
		else if (errno == EMFILE || errno == ENFILE)
			refuse_without_fd(listener);
		else if (errno != EINTR && errno != ECONNABORTED)
			break;
	}
}

int sip_tcp_open(struct sip_listener *listener)
{
	socklen_t len = sizeof(listener->local);
	int on = 1, fd, err;

	fd = socket(listener->local.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (addr_is_v6(&listener->local) &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		goto fail;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &listener->local.sa, addr_len(&listener->local)) ||
	    getsockname(fd, &listener->local.sa, &len) || listen(fd, BACKLOG))
		goto fail;
	listener->watch.fd = fd;
	listener->watch.on_ready = on_accept;
	return 0;
fail:
	err = -errno;
	close(fd);
	return err;
}
