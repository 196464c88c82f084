/* WebSocket listeners, pings and the limit of connections from one address, on loopback sockets in
 * virtual time. Frames themselves: test_ws.c. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/transport.h"
#include "tests/support/check.h"

enum { TURNS_MAX = 200, TURN_MS = 5, NS_PER_MS = 1000000, PING_MS = 30000 };

#define MESSAGE "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKa\r\n\r\n"
#define UPGRADE                                                                                    \
	"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"               \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"             \
	"Sec-WebSocket-Protocol: sip\r\n"

struct fixture {
	struct clock_virtual time;
	struct loop *loop;
	struct sip_transport *transport;
	struct sip_net net;
	struct sip_listen ws, tcp;
	uint32_t messages, failures, garbage;
	struct sip_flow flow; /* of the last event */
};

static void on_message(void *arg, const struct sip_flow *flow, struct slice data)
{
	struct fixture *fx = arg;

	fx->messages++;
	fx->flow = *flow;
	CHECK_INT("echo", fx->net.ops->send(fx->net.ctx, flow, data, NULL), 0);
}

static void on_failed(void *arg, const struct sip_flow *flow, int err)
{
	struct fixture *fx = arg;

	(void)err;
	fx->failures++;
	fx->flow = *flow;
}

static void on_garbage(void *arg, const struct sip_flow *flow, int err)
{
	struct fixture *fx = arg;

	(void)flow;
	(void)err;
	fx->garbage++;
}

static void setup(struct fixture *fx, struct sip_transport_params params)
{
	*fx = (struct fixture){.time = {.mono_ns = 1000000000}};
	CHECK_INT("loop", loop_new(clock_virtual(&fx->time), &fx->loop), 0);
	params.loop = fx->loop;
	params.listen = SLICE("ws:127.0.0.1:0, tcp:127.0.0.1:0");
	CHECK_INT("transport", sip_transport_new(&params, &fx->transport, NULL), 0);
	CHECK("ws", sip_transport_listener(fx->transport, 0, &fx->ws));
	CHECK("tcp", sip_transport_listener(fx->transport, 1, &fx->tcp));
	fx->net = sip_transport_net(fx->transport);
	fx->net.ops->listen(fx->net.ctx,
			    &(struct sip_net_events){on_message, on_failed, on_garbage, fx});
}

static void teardown(struct fixture *fx)
{
	fx->transport = sip_transport_free(fx->transport);
	CHECK_INT("timers", wheel_count(loop_wheel(fx->loop)), 0);
	loop_free(fx->loop);
}

static const struct sip_transport_stats *stats(const struct fixture *fx)
{
	return sip_transport_stats(fx->transport);
}

static void turn(struct fixture *fx)
{
	for (int i = 0; i < 10; i++)
		(void)loop_turn(fx->loop, TURN_MS);
}

static void turn_until(struct fixture *fx, const uint32_t *counter, uint32_t want)
{
	for (int i = 0; i < TURNS_MAX && *counter < want; i++)
		(void)loop_turn(fx->loop, TURN_MS);
	CHECK_INT("came", *counter, want);
}

static void pass(struct fixture *fx, uint64_t ms)
{
	fx->time.mono_ns += ms * NS_PER_MS;
	turn(fx);
}

static int client(const struct addr *to)
{
	struct timeval patience = {.tv_sec = 5};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK_INT("connect", connect(fd, &to->sa, addr_len(to)), 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void send_text(int fd, const char *text)
{
	CHECK_INT("write", write(fd, text, strlen(text)), strlen(text));
}

/* A masked frame with a mask of 0. */
static void send_frame(int fd, unsigned opcode, const char *text)
{
	char frame[512] = {(char)(0x80 | opcode), (char)(0x80 | strlen(text))};

	CHECK("short", strlen(text) < 126);
	memcpy(frame + 6, text, strlen(text));
	CHECK_INT("write", write(fd, frame, 6 + strlen(text)), 6 + strlen(text));
}

/* What has come, waiting for at least one octet; 0 at the end. */
static struct slice receive(int fd, char out[512])
{
	ssize_t n = recv(fd, out, 512, 0);

	return slice_make(out, n > 0 ? (size_t)n : 0);
}

static int open_client(struct fixture *fx)
{
	char data[512];
	int fd = client(&fx->ws.addr);

	send_text(fd, UPGRADE "\r\n");
	turn(fx);
	CHECK_SLICE("upgraded", slice_first(receive(fd, data), 12), "HTTP/1.1 101");
	return fd;
}

static void there_and_back(void)
{
	struct sip_flow flow, again;
	struct fixture fx;
	char data[512];
	int fd;

	setup(&fx, (struct sip_transport_params){0});
	fd = open_client(&fx);
	send_frame(fd, 1, MESSAGE);
	turn_until(&fx, &fx.messages, 1);
	CHECK_INT("proto", fx.flow.proto, SIP_WS);
	CHECK("connection", fx.flow.connection != 0);
	CHECK_INT("echo, one frame", receive(fd, data).len, 2 + strlen(MESSAGE));
	CHECK("text", memcmp(data, "\x81", 1) == 0 && memcmp(data + 2, MESSAGE, 7) == 0);
	flow = fx.flow;

	/* By the connection, or by the very address; no other leads there, and none is opened. */
	CHECK_INT("send", fx.net.ops->send(fx.net.ctx, &flow, SLICE("x"), &again), 0);
	CHECK("the same", again.connection == flow.connection);
	flow.connection = 0;
	CHECK_INT("send", fx.net.ops->send(fx.net.ctx, &flow, SLICE("x"), &again), 0);
	CHECK("the same", again.connection == fx.flow.connection);
	addr_set_port(&flow.remote, 1);
	CHECK_INT("never opened", fx.net.ops->send(fx.net.ctx, &flow, SLICE("x"), NULL),
		  ERR_SIP_TRANSPORT);
	CHECK_INT("opened", stats(&fx)->opened, 0);
	CHECK_INT("local_for",
		  fx.net.ops->local_for(fx.net.ctx, SIP_WS, &flow.remote, &again.local), 0);
	CHECK("local_for", addr_eq(&again.local, &fx.ws.addr));
	CHECK_INT("two more frames", recv(fd, data, 6, MSG_WAITALL), 6);

	/* The peer closes: answered, and told as the end of the flow. */
	send_frame(fd, 8, "\x03\xe8");
	turn_until(&fx, &fx.failures, 1);
	CHECK_INT("close", receive(fd, data).len, 4);
	CHECK("close", memcmp(data, "\x88\x02\x03\xe8", 4) == 0);
	CHECK_INT("end", receive(fd, data).len, 0);
	CHECK_INT("send to who left", fx.net.ops->send(fx.net.ctx, &fx.flow, SLICE("x"), NULL),
		  ERR_SIP_TRANSPORT);
	CHECK_INT("no garbage", fx.garbage, 0);
	close(fd);
	teardown(&fx);
}

static void refused(void)
{
	struct fixture fx;
	char data[512];
	int fd;

	setup(&fx, (struct sip_transport_params){.ws_origins = SLICE("https://phone.example")});
	fd = client(&fx.ws.addr);
	send_text(fd, UPGRADE "Origin: https://evil.example\r\n\r\n");
	turn_until(&fx, &fx.failures, 1);
	CHECK_SLICE("origin", slice_first(receive(fd, data), 12), "HTTP/1.1 403");
	CHECK_INT("closed", receive(fd, data).len, 0);
	CHECK_INT("counted", stats(&fx)->refused, 1);
	close(fd);

	fd = client(&fx.ws.addr);
	send_text(fd, "GET /index.html HTTP/1.1\r\nHost: h\r\n\r\n");
	turn_until(&fx, &fx.failures, 2);
	CHECK_SLICE("no WebSocket", slice_first(receive(fd, data), 12), "HTTP/1.1 426");
	CHECK_INT("garbage", fx.garbage, 1);
	close(fd);

	fd = open_client(&fx); /* names no origin */
	send_text(fd, "\x81\x01x");
	turn_until(&fx, &fx.failures, 3);
	CHECK_INT("not masked", receive(fd, data).len, 4);
	CHECK("1002", memcmp(data, "\x88\x02\x03\xea", 4) == 0);
	CHECK_INT("garbage", stats(&fx)->cut_garbage, 2);
	close(fd);
	teardown(&fx);
}

static void slow_upgrade(void)
{
	struct fixture fx;
	int fd;

	setup(&fx, (struct sip_transport_params){.handshake_ms = 2000});
	fd = client(&fx.ws.addr);
	send_text(fd, UPGRADE);
	turn(&fx);
	pass(&fx, 1900);
	CHECK_INT("has time", stats(&fx)->connections, 1);
	pass(&fx, 200);
	CHECK_INT("cut", stats(&fx)->cut_slow, 1);
	close(fd);

	/* Open, and nothing to say: no reason to cut; a message that never ends is one. */
	fd = open_client(&fx);
	pass(&fx, 60000);
	CHECK_INT("stays", stats(&fx)->connections, 1);
	CHECK_INT("a fragment", send(fd, "\x01\x81\0\0\0\0x", 7, 0), 7);
	turn(&fx);
	pass(&fx, 29000);
	CHECK_INT("has time", stats(&fx)->connections, 1);
	pass(&fx, 2000);
	CHECK_INT("cut", stats(&fx)->cut_slow, 2);
	close(fd);
	teardown(&fx);
}

static void pings(void)
{
	struct fixture fx;
	char data[512];
	int fd;

	setup(&fx, (struct sip_transport_params){.ws_ping_ms = PING_MS});
	fd = open_client(&fx);
	pass(&fx, PING_MS - 1000);
	CHECK_INT("too early", recv(fd, data, sizeof(data), MSG_DONTWAIT), -1);
	pass(&fx, 1100);
	CHECK_INT("ping", receive(fd, data).len, 2);
	CHECK("ping", memcmp(data, "\x89\x00", 2) == 0);
	send_frame(fd, 10, "");
	turn(&fx);
	pass(&fx, PING_MS - 1000);
	CHECK_INT("not again yet", recv(fd, data, sizeof(data), MSG_DONTWAIT), -1);
	pass(&fx, 1100);
	CHECK_INT("again", receive(fd, data).len, 2);
	pass(&fx, SIP_PONG_MS - 500);
	CHECK_INT("waits", stats(&fx)->connections, 1);
	pass(&fx, 600);
	CHECK_INT("no pong", stats(&fx)->cut_slow, 1);
	CHECK_INT("says why it goes", receive(fd, data).len, 4);
	CHECK("1001", memcmp(data, "\x88\x02\x03\xe9", 4) == 0);
	close(fd);
	teardown(&fx);
}

static void goodbye(void)
{
	struct fixture fx;
	char data[512];
	int fd;

	setup(&fx, (struct sip_transport_params){0});
	fd = open_client(&fx);
	teardown(&fx);
	CHECK_INT("close", receive(fd, data).len, 4);
	CHECK("1001", memcmp(data, "\x88\x02\x03\xe9", 4) == 0);
	close(fd);
}

static void connections_of_one_address(void)
{
	struct fixture fx;
	char data[512];
	int fds[3];

	setup(&fx, (struct sip_transport_params){.per_address_max = 2});
	fds[0] = client(&fx.ws.addr);
	fds[1] = client(&fx.tcp.addr);
	fds[2] = client(&fx.tcp.addr);
	turn(&fx);
	CHECK_INT("the third is closed", receive(fds[2], data).len, 0);
	CHECK_INT("counted", stats(&fx)->refused, 1);
	CHECK_INT("two", stats(&fx)->connections, 2);
	close(fds[0]);
	close(fds[2]);
	turn_until(&fx, &fx.failures, 1);
	fds[0] = client(&fx.tcp.addr);
	turn(&fx);
	CHECK_INT("room again", stats(&fx)->connections, 2);
	close(fds[0]);
	close(fds[1]);
	teardown(&fx);
}

/* RFC 5626 3.5.1, 4.4.1, the side that opened the connection. */
/* Of all that we opened, by option; or of one, because its peer is known to answer. */
static void crlf_pings_of(bool is_kept)
{
	struct addr self = {
		.in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	struct sip_flow flow = {.proto = SIP_TCP};
	socklen_t len = sizeof(self);
	struct fixture fx;
	char data[512];

	setup(&fx, (struct sip_transport_params){.keepalive_ms = is_kept ? 0 : PING_MS});
	CHECK_INT("bind", bind(door, &self.sa, sizeof(self.in)), 0);
	CHECK_INT("listen", listen(door, 1), 0);
	CHECK_INT("name", getsockname(door, &self.sa, &len), 0);
	flow.remote = self;
	CHECK_INT("open", fx.net.ops->send(fx.net.ctx, &flow, SLICE("hello"), &flow), 0);
	turn(&fx);
	if (is_kept)
		fx.net.ops->keep(fx.net.ctx, flow.connection, PING_MS);
	fd = accept(door, NULL, NULL);
	CHECK_SLICE("message", receive(fd, data), "hello");
	pass(&fx, PING_MS + 100);
	CHECK_SLICE("ping", receive(fd, data), "\r\n\r\n");
	send_text(fd, "\r\n");
	turn(&fx);
	pass(&fx, PING_MS + 100);
	CHECK_SLICE("ping", receive(fd, data), "\r\n\r\n");
	send_text(fd, "\r\n");
	turn(&fx);
	CHECK_INT("two pongs are no ping", stats(&fx)->keepalives, 0);
	CHECK_INT("nothing back", recv(fd, data, sizeof(data), MSG_DONTWAIT), -1);
	pass(&fx, PING_MS + 100);
	CHECK_SLICE("ping", receive(fd, data), "\r\n\r\n");
	pass(&fx, SIP_PONG_MS + 100);
	CHECK_INT("no pong: the flow has failed", fx.failures, 1);
	CHECK_INT("counted", stats(&fx)->cut_slow, 1);
	close(fd);
	close(door);
	teardown(&fx);
}

static void crlf_pings(void)
{
	crlf_pings_of(false);
	crlf_pings_of(true);
}

void suite_transport_ws(void);
void suite_transport_ws(void)
{
	CHECK_SUITE("transport_ws");
	CHECK_TEST(there_and_back);
	CHECK_TEST(refused);
	CHECK_TEST(slow_upgrade);
	CHECK_TEST(pings);
	CHECK_TEST(goodbye);
	CHECK_TEST(connections_of_one_address);
	CHECK_TEST(crlf_pings);
}
