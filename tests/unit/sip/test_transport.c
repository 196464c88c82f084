/* The real transports on loopback sockets, in virtual time: nothing waits for a clock. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/transport.h"
#include "sip/ua.h"
#include "tests/support/check.h"
#include "tests/support/simua.h"

enum { TURNS_MAX = 400, TURN_MS = 5 };

#define MESSAGE "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 4\r\n\r\nbody"

struct fixture {
	struct clock_virtual time;
	struct loop *loop;
	struct sip_transport *transport;
	struct sip_net net;
	struct sip_listen udp, tcp;
	uint32_t messages, failures, garbage;
	size_t last_len;
	struct sip_flow flow; /* of the last event */
	bool echoes;          /* sends each message back */
	bool strays;          /* and to where nothing can be sent */
	uint32_t failures_in; /* as many had been told when on_message returned */
};

static void on_message(void *arg, const struct sip_flow *flow, struct slice data)
{
	struct fixture *fx = arg;

	fx->messages++;
	fx->last_len = data.len;
	fx->flow = *flow;
	if (fx->echoes)
		CHECK_INT("echo", fx->net.ops->send(fx->net.ctx, flow, data, NULL), 0);
	if (fx->strays) {
		struct sip_flow nowhere = *flow;

		addr_set_port(&nowhere.remote, 0);
		CHECK_INT("held", fx->net.ops->send(fx->net.ctx, &nowhere, data, NULL), 0);
	}
	fx->failures_in = fx->failures;
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
	struct slice bad;

	*fx = (struct fixture){.time = {.mono_ns = 1000000000}};
	CHECK_INT("loop", loop_new(clock_virtual(&fx->time), &fx->loop), 0);
	params.loop = fx->loop;
	if (!slice_present(params.listen))
		params.listen = SLICE("udp:127.0.0.1:0, tcp:127.0.0.1:0");
	CHECK_INT("transport", sip_transport_new(&params, &fx->transport, &bad), 0);
	CHECK("udp", sip_transport_listener(fx->transport, 0, &fx->udp));
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

/* Turns the loop until *counter reaches `want`, or long enough to be sure that it does not. */
static void turn_until(struct fixture *fx, const uint32_t *counter, uint32_t want)
{
	for (int i = 0; i < TURNS_MAX && (!counter || *counter < want); i++) {
		(void)loop_turn(fx->loop, TURN_MS);
		if (!counter && i == 10)
			return;
	}
}

static void pass(struct fixture *fx, uint64_t ms)
{
	fx->time.mono_ns += ms * 1000000;
	turn_until(fx, NULL, 0);
}

static int peer_socket(int type, const struct addr *connect_to, struct addr *ret_local)
{
	struct addr local = {
		.in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	struct timeval patience = {.tv_sec = 5};
	socklen_t len = sizeof(local);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	CHECK("socket", fd >= 0);
	CHECK_INT("bind", bind(fd, &local.sa, addr_len(&local)), 0);
	if (connect_to)
		CHECK_INT("connect", connect(fd, &connect_to->sa, addr_len(connect_to)), 0);
	CHECK_INT("name", getsockname(fd, &local.sa, &len), 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			 sizeof(patience)); /* rather fail than hang */
	if (ret_local)
		*ret_local = local;
	return fd;
}

static void write_text(int fd, const char *text)
{
	CHECK_INT("write", write(fd, text, strlen(text)), strlen(text));
}

static void listen_lists(void)
{
	static const struct {
		const char *text;
		int err;
		uint32_t count;
		const char *bad;
	} cases[] = {
		{"udp:0.0.0.0:5060,tcp:[::]:5060", 0, 2, NULL},
		{" UDP:127.0.0.1:0 ", 0, 1, NULL},
		{"", 0, 0, NULL},
		{"tls:0.0.0.0:5061, ws:0.0.0.0:80, wss:0.0.0.0:443", 0, 3, NULL},
		{"udp:0.0.0.0:5060,sctp:0.0.0.0:5060", -EINVAL, 0, "sctp:0.0.0.0:5060"},
		{"udp:localhost:5060", -EINVAL, 0, "udp:localhost:5060"},
		{"udp:0.0.0.0", -EINVAL, 0, "udp:0.0.0.0"},
		{"udp:0.0.0.0:70000", -EINVAL, 0, "udp:0.0.0.0:70000"},
		{"udp", -EINVAL, 0, "udp"},
		{"udp:0.0.0.0:1,", 0, 1, NULL},
		{"udp:0.0.0.0:1,,tcp:0.0.0.0:1", -EINVAL, 0, ""},
	};
	struct buf many = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_listen out[SIP_LISTEN_MAX];
		struct slice bad = SLICE_NONE;
		uint32_t count = 0;

		CHECK_INT(cases[i].text,
			  sip_listen_parse(slice_of(cases[i].text), out, &count, &bad),
			  cases[i].err);
		CHECK_INT(cases[i].text, count, cases[i].count);
		if (cases[i].bad)
			CHECK_SLICE(cases[i].text, bad, cases[i].bad);
	}
	for (int i = 0; i <= SIP_LISTEN_MAX; i++)
		buf_adds(&many, "udp:127.0.0.1:0,");
	struct sip_listen out[SIP_LISTEN_MAX];
	uint32_t count = 0;
	CHECK_INT("too many", sip_listen_parse(buf_slice(&many), out, &count, NULL), ERR_LIMIT);
	buf_done(&many);
}

static void listeners_that_cannot_be(void)
{
	struct fixture fx;
	struct sip_transport *other = NULL;
	char text[ADDR_TEXT_MAX + 64], addr[ADDR_TEXT_MAX];
	struct slice bad = SLICE_NONE;

	setup(&fx, (struct sip_transport_params){0});
	snprintf(text, sizeof(text), "udp:127.0.0.1:0,tcp:%s", addr_text(&fx.tcp.addr, addr));
	CHECK_INT("in use",
		  sip_transport_new(
			  &(struct sip_transport_params){.loop = fx.loop, .listen = slice_of(text)},
			  &other, &bad),
		  -EADDRINUSE);
	CHECK_SLICE("names it", bad, text + strlen("udp:127.0.0.1:0,"));
	CHECK_INT("TLS without a certificate",
		  sip_transport_new(
			  &(struct sip_transport_params){.loop = fx.loop,
							 .listen = SLICE("tls:127.0.0.1:0")},
			  &other, &bad),
		  ERR_SIP_TLS_FILE);
	CHECK("untouched", other == NULL);
	CHECK("no third", !sip_transport_listener(fx.transport, 2, &fx.udp));
	teardown(&fx);
}

/* UDP
 * --------------------------------------------------------------------------------------------------------------
 */

static void udp_there_and_back(void)
{
	char data[256], text[ADDR_TEXT_MAX], want[ADDR_TEXT_MAX];
	struct addr self;
	struct fixture fx;

	/* A wildcard listener knows, and answers from, the address that the peer used. */
	setup(&fx,
	      (struct sip_transport_params){.listen = SLICE("udp:0.0.0.0:0, tcp:127.0.0.1:0")});
	struct addr to = {.in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	addr_set_port(&to, addr_port(&fx.udp.addr));
	int fd = peer_socket(SOCK_DGRAM, &to, &self);

	fx.echoes = true;
	for (int i = 0; i < 40; i++)
		write_text(fd, MESSAGE);
	turn_until(&fx, &fx.messages, 40);
	CHECK_INT("all, in batches", fx.messages, 40);
	CHECK("remote", addr_eq(&fx.flow.remote, &self));
	CHECK_STR("local", addr_text(&fx.flow.local, text), addr_text(&to, want));
	for (int i = 0; i < 40; i++)
		CHECK_INT("echo", recv(fd, data, sizeof(data), 0), strlen(MESSAGE));
	write_text(fd, "\r\n\r\n");
	write_text(fd, MESSAGE);
	turn_until(&fx, &fx.messages, 41);
	CHECK_INT("a keep-alive is no message", fx.messages, 41);
	CHECK_INT("counted", sip_transport_stats(fx.transport)->keepalives, 1);
	/* RFC 5626 3.5.2: STUN on the port of SIP. */
	CHECK_INT("request",
		  write(fd,
			"\0\x01\0\0\x21\x12\xa4\x42"
			"abcdefghijkl",
			20),
		  20);
	turn_until(&fx, NULL, 0);
	CHECK_INT("echo", recv(fd, data, sizeof(data), 0), strlen(MESSAGE));
	CHECK_INT("STUN answer", recv(fd, data, sizeof(data), 0), 32);
	CHECK("its id",
	      memcmp(data, "\x01\x01", 2) == 0 && memcmp(data + 8, "abcdefghijkl", 12) == 0);
	CHECK_INT("no message", fx.messages, 41);
	CHECK_INT("local_for", fx.net.ops->local_for(fx.net.ctx, SIP_UDP, &self, &to), 0);
	CHECK_STR("local_for", addr_text(&to, text), want);
	close(fd);
	teardown(&fx);
}

static void expect_echoes(int fd, size_t count, size_t len)
{
	char data[4096];

	for (size_t i = 0; i < count; i++)
		CHECK_INT("echo", recv(fd, data, sizeof(data), 0), len);
}

static void udp_gathered(void)
{
	enum { LONG = 2000 }; /* is not held, and overtakes nothing */
	char text[LONG + 1];
	struct addr self;
	struct fixture fx;

	memset(text, 'x', LONG);
	memcpy(text, MESSAGE, strlen(MESSAGE));
	text[LONG] = '\0';
	setup(&fx, (struct sip_transport_params){.udp_gather_ms = 20});
	int fd = peer_socket(SOCK_DGRAM, &fx.udp.addr, &self);

	fx.echoes = true;
	for (uint32_t i = 1; i <= 4; i++) {
		write_text(fd, MESSAGE);
		turn_until(&fx, &fx.messages, i);
		CHECK_INT("the first ones at once", fx.messages, i);
	}
	for (int i = 0; i < 17; i++)
		write_text(fd, MESSAGE);
	pass(&fx, 19);
	CHECK_INT("the next wait", fx.messages, 4);
	pass(&fx, 1);
	CHECK_INT("and come together", fx.messages, 21);
	expect_echoes(fd, 21, strlen(MESSAGE));
	write_text(fd, MESSAGE);
	write_text(fd, text);
	write_text(fd, MESSAGE);
	turn_until(&fx, NULL, 0);
	CHECK_INT("still in a stream", fx.messages, 21);
	pass(&fx, 20);
	CHECK_INT("all three", fx.messages, 24);
	expect_echoes(fd, 1, strlen(MESSAGE));
	expect_echoes(fd, 1, LONG);
	expect_echoes(fd, 1, strlen(MESSAGE));
	write_text(fd, MESSAGE);
	turn_until(&fx, &fx.messages, 25);
	CHECK_INT("after fewer at once", fx.messages, 25);
	CHECK_INT("all of them", sip_transport_stats(fx.transport)->messages_out, 25);
	fx.strays = true;
	write_text(fd, MESSAGE);
	turn_until(&fx, &fx.failures, 1);
	CHECK_INT("one that the kernel refuses is told", fx.failures, 1);
	CHECK_INT("but not from inside the send", fx.failures_in, 0);
	CHECK_INT("whose it is", addr_port(&fx.flow.remote), 0);
	expect_echoes(fd, 2, strlen(MESSAGE)); /* the other is of the message before */
	fx.strays = false;
	fx.failures = 0;
	for (int i = 0; i < 4; i++)
		write_text(fd, MESSAGE);
	close(fd);
	turn_until(&fx, &fx.messages, 30);
	CHECK_INT("to nobody", fx.messages, 30);
	turn_until(&fx, &fx.failures, 1);
	CHECK("ICMP is heard while the socket rests", fx.failures > 0);
	CHECK("which one", addr_eq(&fx.flow.remote, &self));
	teardown(&fx);
}

static void udp_errors(void)
{
	struct addr closed,
		v6 = {.in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}};
	struct sip_flow flow = {.proto = SIP_UDP};
	struct fixture fx;

	setup(&fx, (struct sip_transport_params){0});
	close(peer_socket(SOCK_DGRAM, NULL, &closed));
	flow.remote = closed;
	CHECK_INT("send", fx.net.ops->send(fx.net.ctx, &flow, SLICE(MESSAGE), NULL), 0);
	turn_until(&fx, &fx.failures, 1);
	CHECK_INT("ICMP is reported", fx.failures, 1);
	CHECK("which one", addr_eq(&fx.flow.remote, &closed));
	addr_set_port(&v6, 5060);
	flow.remote = v6;
	CHECK_INT("no v6 listener", fx.net.ops->send(fx.net.ctx, &flow, SLICE(MESSAGE), NULL),
		  ERR_SIP_NO_ROUTE);
	flow.proto = SIP_TLS;
	CHECK_INT("no TLS", fx.net.ops->send(fx.net.ctx, &flow, SLICE(MESSAGE), NULL),
		  ERR_SIP_NO_ROUTE);
	CHECK_INT("no TLS", fx.net.ops->local_for(fx.net.ctx, SIP_TLS, &closed, &v6),
		  ERR_SIP_NO_ROUTE);
	teardown(&fx);
}

/* TCP
 * ---------------------------------------------------------------------------------------------------------------
 */

static void tcp_framing(void)
{
	char data[512];
	struct fixture fx;

	setup(&fx, (struct sip_transport_params){0});
	int fd = peer_socket(SOCK_STREAM, &fx.tcp.addr, NULL);

	fx.echoes = true;
	write_text(fd, "OPTIONS sip:a@b SIP/2.0\r\nConte");
	turn_until(&fx, NULL, 0);
	CHECK_INT("not whole", fx.messages, 0);
	write_text(fd, "nt-Length: 4\r\n\r\nbo");
	turn_until(&fx, NULL, 0);
	CHECK_INT("not whole", fx.messages, 0);
	write_text(fd, "dy" MESSAGE "\r\n" MESSAGE);
	turn_until(&fx, &fx.messages, 3);
	CHECK_INT("three", fx.messages, 3);
	CHECK_INT("length", fx.last_len, strlen(MESSAGE));
	CHECK("connection", fx.flow.connection != 0);
	CHECK_INT("echo", recv(fd, data, 3 * strlen(MESSAGE), MSG_WAITALL), 3 * strlen(MESSAGE));
	write_text(fd, "\r\n\r\n");
	turn_until(&fx, NULL, 0);
	CHECK_INT("pong (RFC 5626)", recv(fd, data, sizeof(data), 0), 2);
	CHECK("pong", memcmp(data, "\r\n", 2) == 0);
	uint64_t before = sip_transport_stats(fx.transport)->keepalives;
	write_text(fd, "\r\n\r\n\r\n\r\n\r\n\r\n" MESSAGE "\r\n\r\n");
	turn_until(&fx, &fx.messages, 4);
	CHECK_INT("a pong each, before and behind a message",
		  recv(fd, data, 8 + strlen(MESSAGE), MSG_WAITALL), 8 + strlen(MESSAGE));
	CHECK("in order", memcmp(data, "\r\n\r\n\r\nOPTIONS", 13) == 0);
	CHECK_INT("counted", sip_transport_stats(fx.transport)->keepalives - before, 4);
	CHECK_INT("one connection", sip_transport_stats(fx.transport)->connections, 1);
	close(fd);
	turn_until(&fx, &fx.failures, 1);
	CHECK_INT("told", fx.failures, 1);
	CHECK_INT("gone", sip_transport_stats(fx.transport)->connections, 0);
	teardown(&fx);
}

static void tcp_garbage(void)
{
	static const char *const texts[] = {
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n\r\n", /* no Content-Length (RFC 3261 18.3) */
		"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 70000\r\n\r\n",
		"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: -1\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char data[64];
		struct fixture fx;

		setup(&fx, (struct sip_transport_params){0});
		int fd = peer_socket(SOCK_STREAM, &fx.tcp.addr, NULL);

		write_text(fd, texts[i]);
		turn_until(&fx, &fx.failures, 1);
		CHECK_INT(texts[i], fx.garbage, 1);
		CHECK_INT(texts[i], sip_transport_stats(fx.transport)->cut_garbage, 1);
		CHECK(texts[i], recv(fd, data, sizeof(data), 0) <= 0);
		CHECK_INT(texts[i], fx.messages, 0);
		close(fd);
		teardown(&fx);
	}
}

/* Line ends are no message, however many come: they are not kept for the one that they announce. */
static void tcp_flood_of_line_ends(void)
{
	static const char *const floods[] = {"\n", "\n\r\n"};
	enum { FLOOD = 60000, TIMES = 300 }; /* more than a buffer holds */
	static char flood[FLOOD];

	for (size_t i = 0; i < ARRAY_LEN(floods); i++) {
		size_t unit = strlen(floods[i]);
		struct fixture fx;

		for (size_t at = 0; at + unit <= FLOOD; at += unit)
			memcpy(flood + at, floods[i], unit);
		setup(&fx, (struct sip_transport_params){0});
		int fd = peer_socket(SOCK_STREAM, &fx.tcp.addr, NULL);

		for (uint64_t n = 1; n <= TIMES && !fx.failures; n++) {
			CHECK_INT(floods[i], write(fd, flood, FLOOD), FLOOD);
			for (int turn = 0; turn < TURNS_MAX && !fx.failures &&
					   sip_transport_stats(fx.transport)->octets_in < n * FLOOD;
			     turn++)
				(void)loop_turn(fx.loop, TURN_MS);
		}
		CHECK_INT(floods[i], fx.failures, 0);
		write_text(fd, MESSAGE);
		turn_until(&fx, &fx.messages, 1);
		CHECK_INT(floods[i], fx.messages, 1);
		close(fd);
		teardown(&fx);
	}
}

/* Octet by octet, with line ends of all kinds before, between and inside. */
static void tcp_trickle(void)
{
	static const char text[] = "\n\r\n" MESSAGE "\r\n"
				   "OPTIONS sip:a@b SIP/2.0\nl: 4\nSubject: a\n b\n\n\n\n\n\n"
				   "\r\n" MESSAGE "\n" MESSAGE;
	static const uint32_t steps[] = {1, 2, 3, 5, 7, 40};

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		char name[32];
		struct fixture fx;

		snprintf(name, sizeof(name), "by %u", steps[i]);
		setup(&fx, (struct sip_transport_params){0});
		int fd = peer_socket(SOCK_STREAM, &fx.tcp.addr, NULL);

		turn_until(&fx, NULL, 0);
		for (size_t at = 0; at < sizeof(text) - 1; at += steps[i]) {
			size_t len = MIN_OF((size_t)steps[i], sizeof(text) - 1 - at);

			CHECK_INT(name, write(fd, text + at, len), len);
			(void)loop_turn(fx.loop, TURN_MS);
		}
		turn_until(&fx, &fx.messages, 4);
		CHECK_INT(name, fx.messages, 4);
		CHECK_INT(name, fx.garbage, 0);
		close(fd);
		teardown(&fx);
	}
}

/* Who is silent, who stops in the middle of a message, who is idle: each is cut off in its time. */
static void tcp_patience(void)
{
	static const struct {
		const char *name, *text;
		uint32_t messages;
		uint64_t slow, idle; /* cut as such */
	} cases[] = {
		{"says nothing", "", 0, 1, 0},
		{"half a message", MESSAGE "OPTIONS sip:a@b SIP/2.0\r\n", 1, 1, 0},
		{"only a keep-alive", "\r\n\r\n", 0, 0, 1},
		{"one message, then silence", MESSAGE, 1, 0, 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct sip_transport_stats *stats;
		struct fixture fx;
		uint32_t cut_early = 0;

		setup(&fx, (struct sip_transport_params){.message_ms = 30000, .idle_ms = 100000});
		stats = sip_transport_stats(fx.transport);
		int fd = peer_socket(SOCK_STREAM, &fx.tcp.addr, NULL);

		write_text(fd, cases[i].text);
		turn_until(&fx, &fx.messages, cases[i].messages);
		turn_until(&fx, NULL, 0);
		CHECK_INT(cases[i].name, fx.messages, cases[i].messages);
		pass(&fx, 29999);
		CHECK_INT(cases[i].name, stats->connections, 1);
		pass(&fx, 2);
		cut_early = fx.failures;
		CHECK_INT(cases[i].name, cut_early, cases[i].slow);
		pass(&fx, 69997);
		CHECK_INT(cases[i].name, fx.failures, cases[i].slow);
		pass(&fx, 10);
		CHECK_INT(cases[i].name, fx.failures, 1);
		CHECK_INT(cases[i].name, stats->cut_slow, cases[i].slow);
		CHECK_INT(cases[i].name, stats->cut_idle, cases[i].idle);
		close(fd);
		teardown(&fx);
	}
}

static void tcp_limits(void)
{
	char data[64];
	struct fixture fx;

	setup(&fx, (struct sip_transport_params){.connections_max = 2});
	int a = peer_socket(SOCK_STREAM, &fx.tcp.addr, NULL),
	    b = peer_socket(SOCK_STREAM, &fx.tcp.addr, NULL);
	int c = peer_socket(SOCK_STREAM, &fx.tcp.addr, NULL);

	write_text(a, MESSAGE);
	write_text(b, MESSAGE);
	turn_until(&fx, &fx.messages, 2);
	CHECK_INT("two", sip_transport_stats(fx.transport)->connections, 2);
	CHECK_INT("the third is refused", sip_transport_stats(fx.transport)->refused, 1);
	CHECK("closed", recv(c, data, sizeof(data), 0) <= 0);
	struct sip_flow flow = {.proto = SIP_TCP, .remote = fx.tcp.addr};
	CHECK_INT("nor can one be opened",
		  fx.net.ops->send(fx.net.ctx, &flow, SLICE(MESSAGE), NULL), ERR_LIMIT);
	close(a);
	turn_until(&fx, &fx.failures, 1);
	close(c);
	c = peer_socket(SOCK_STREAM, &fx.tcp.addr, NULL);
	write_text(c, MESSAGE);
	turn_until(&fx, &fx.messages, 3);
	CHECK_INT("room again", fx.messages, 3);
	close(b);
	close(c);
	teardown(&fx);
}

/* A peer that does not read: the queue fills, then the connection goes. */
static void tcp_slow_reader(void)
{
	static char big[60000];
	struct sip_flow flow;
	struct fixture fx;
	int err = 0;

	setup(&fx, (struct sip_transport_params){.out_octets_max = 200000});
	int fd = peer_socket(SOCK_STREAM, &fx.tcp.addr, NULL);

	write_text(fd, MESSAGE);
	turn_until(&fx, &fx.messages, 1);
	flow = fx.flow;
	for (int i = 0; i < 2000 && !err; i++)
		err = fx.net.ops->send(fx.net.ctx, &flow, slice_make(big, sizeof(big)), NULL);
	CHECK_INT("bounded", err, ERR_QUEUE_FULL);
	CHECK_INT("no event inside", fx.failures, 0);
	turn_until(&fx, &fx.failures, 1);
	CHECK_INT("cut", fx.failures, 1);
	CHECK_INT("slow", sip_transport_stats(fx.transport)->cut_slow, 1);
	CHECK_INT("gone", sip_transport_stats(fx.transport)->connections, 0);
	close(fd);
	teardown(&fx);
}

static void tcp_opens_and_reuses(void)
{
	struct addr closed;
	struct sip_flow flow = {.proto = SIP_TCP}, first, second;
	struct fixture fx, peer;

	setup(&fx, (struct sip_transport_params){0});
	setup(&peer, (struct sip_transport_params){0});
	flow.remote = peer.tcp.addr;
	CHECK_INT("open", fx.net.ops->send(fx.net.ctx, &flow, SLICE(MESSAGE), &first), 0);
	CHECK_INT("again", fx.net.ops->send(fx.net.ctx, &flow, SLICE(MESSAGE), &second), 0);
	CHECK("same", first.connection == second.connection && first.connection != 0);
	for (int i = 0; i < TURNS_MAX && peer.messages < 2; i++) {
		(void)loop_turn(fx.loop, TURN_MS);
		(void)loop_turn(peer.loop, TURN_MS);
	}
	CHECK_INT("both came", peer.messages, 2);
	CHECK_INT("one connection", sip_transport_stats(peer.transport)->accepted, 1);
	/* The answer finds the connection by its number, though its address says another port. */
	addr_set_port(&peer.flow.remote, 5060);
	CHECK_INT("back", peer.net.ops->send(peer.net.ctx, &peer.flow, SLICE(MESSAGE), NULL), 0);
	turn_until(&fx, &fx.messages, 1);
	CHECK_INT("came", fx.messages, 1);
	teardown(&peer);
	turn_until(&fx, &fx.failures, 1);
	CHECK_INT("told", fx.failures, 1);

	close(peer_socket(SOCK_STREAM, NULL, &closed));
	flow.remote = closed;
	CHECK_INT("to nobody", fx.net.ops->send(fx.net.ctx, &flow, SLICE(MESSAGE), NULL), 0);
	turn_until(&fx, &fx.failures, 2);
	CHECK_INT("refused", fx.failures, 2);
	CHECK("which one", addr_eq(&fx.flow.remote, &closed));
	teardown(&fx);
}

/* IPv6 where the machine has it. */
static void v6(void)
{
	struct sip_transport *transport = NULL;
	struct sip_listen listen;
	struct fixture fx, peer;
	int err;

	setup(&fx, (struct sip_transport_params){0});
	err = sip_transport_new(
		&(struct sip_transport_params){.loop = fx.loop,
					       .listen = SLICE("udp:[::1]:0,tcp:[::1]:0")},
		&transport, NULL);
	sip_transport_free(transport);
	teardown(&fx);
	if (err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL)
		return;
	setup(&fx, (struct sip_transport_params){.listen = SLICE("udp:[::1]:0,tcp:[::1]:0")});
	setup(&peer, (struct sip_transport_params){.listen = SLICE("udp:[::]:0,tcp:[::]:0")});
	for (uint32_t i = 0; i < 2; i++) {
		struct sip_flow flow = {.remote = fx.udp.addr};

		CHECK("listener", sip_transport_listener(peer.transport, i, &listen));
		flow.proto = listen.proto;
		addr_set_port(&flow.remote, addr_port(&listen.addr));
		CHECK_INT("send", fx.net.ops->send(fx.net.ctx, &flow, SLICE(MESSAGE), NULL), 0);
		for (int n = 0; n < TURNS_MAX && peer.messages < i + 1; n++) {
			(void)loop_turn(fx.loop, TURN_MS);
			(void)loop_turn(peer.loop, TURN_MS);
		}
		CHECK_INT("came", peer.messages, i + 1);
		CHECK("local", addr_is_loopback(&peer.flow.local));
	}
	teardown(&peer);
	teardown(&fx);
}

/* Two user agents over real sockets
 * ---------------------------------------------------------------------------------------- */

struct phone {
	struct fixture fx;
	struct random random;
	struct sip_ua *ua;
	struct sip_call *call;
	struct offer_local local;
	uint32_t established, ended;
};

static void phone_established(void *arg, struct sip_call *call, const struct sip_msg *message)
{
	struct phone *phone = arg;

	(void)call;
	(void)message;
	phone->established++;
}

static void phone_ended(void *arg, struct sip_call *call, const struct sip_call_end *end)
{
	struct phone *phone = arg;

	(void)call;
	(void)end;
	phone->ended++;
}

static const struct sip_call_handlers phone_handlers = {.on_established = phone_established,
							.on_ended = phone_ended};

static void phone_invited(void *arg, struct sip_call *call, const struct sip_msg *request)
{
	struct phone *phone = arg;

	(void)request;
	phone->call = call;
	sip_call_bind(call, &phone_handlers, phone);
	CHECK_INT("local", sip_call_set_local(call, &phone->local), 0);
	CHECK_INT("accept", sip_call_accept(call, NULL), 0);
}

static void phone_setup(struct phone *phone)
{
	*phone = (struct phone){0};
	setup(&phone->fx, (struct sip_transport_params){0});
	random_init_seeded(&phone->random, 7);
	phone->local = simua_offer(&phone->fx.udp.addr, SDP_SENDRECV);
	CHECK_INT("ua",
		  sip_ua_new(&(struct sip_ua_params){.wheel = loop_wheel(phone->fx.loop),
						     .clock = clock_virtual(&phone->fx.time),
						     .random = &phone->random,
						     .net = phone->fx.net,
						     .handlers = {.on_invite = phone_invited,
								  .arg = phone},
						     .allow = "INVITE, ACK, BYE, CANCEL, OPTIONS",
						     .supported = ""},
			     &phone->ua),
		  0);
}

static void talk(struct phone *a, struct phone *b, const uint32_t *counter, uint32_t want)
{
	for (int i = 0; i < TURNS_MAX && *counter < want; i++) {
		(void)loop_turn(a->fx.loop, TURN_MS);
		(void)loop_turn(b->fx.loop, TURN_MS);
	}
	CHECK_INT("came", *counter, want);
}

static void calls_over_sockets(void)
{
	static const char *const params[] = {"", ";transport=tcp"};
	struct phone a, b;

	phone_setup(&a);
	phone_setup(&b);
	for (uint32_t i = 0; i < ARRAY_LEN(params); i++) {
		char target[128], text[ADDR_TEXT_MAX];

		snprintf(target, sizeof(target), "sip:b@%s%s",
			 addr_text(i ? &b.fx.tcp.addr : &b.fx.udp.addr, text), params[i]);
		CHECK_INT(
			target,
			sip_call_new(a.ua,
				     &(struct sip_call_invite){.target = slice_of(target),
							       .from = SLICE("<sip:a@example.org>"),
							       .contact_user = SLICE("a"),
							       .local = &a.local,
							       .handlers = &phone_handlers,
							       .arg = &a},
				     &a.call),
			0);
		talk(&a, &b, &b.established, i + 1);
		CHECK_INT(target, a.established, i + 1);
		sip_call_hangup(i ? a.call : b.call, NULL);
		talk(&a, &b, i ? &a.ended : &b.ended, i + 1);
		talk(&a, &b, i ? &b.ended : &a.ended, i + 1);
	}
	CHECK_INT("the callee used the caller's connection",
		  sip_transport_stats(b.fx.transport)->opened, 0);
	sip_ua_free(a.ua);
	sip_ua_free(b.ua);
	teardown(&a.fx);
	teardown(&b.fx);
}

void suite_transport(void)
{
	CHECK_SUITE("transport");
	CHECK_TEST(listen_lists);
	CHECK_TEST(listeners_that_cannot_be);
	CHECK_TEST(udp_there_and_back);
	CHECK_TEST(udp_gathered);
	CHECK_TEST(udp_errors);
	CHECK_TEST(tcp_framing);
	CHECK_TEST(tcp_garbage);
	CHECK_TEST(tcp_flood_of_line_ends);
	CHECK_TEST(tcp_trickle);
	CHECK_TEST(tcp_patience);
	CHECK_TEST(tcp_limits);
	CHECK_TEST(tcp_slow_reader);
	CHECK_TEST(tcp_opens_and_reuses);
	CHECK_TEST(v6);
	CHECK_TEST(calls_over_sockets);
}
