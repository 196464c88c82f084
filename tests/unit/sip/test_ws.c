/* WebSocket without a socket: the upgrade by table, frames by octets. */
#include "sip/ws.h"

#include <errno.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/msg.h"
#include "tests/support/check.h"

#define GET "GET /sip HTTP/1.1\r\nHost: hearth.example\r\n"
#define UP "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define SIP "Sec-WebSocket-Protocol: sip\r\n"
#define END "\r\n"

enum { FIN = 0x80, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

struct fixture {
	struct sip_ws *ws;
	struct buf in, out, got; /* `got`: the messages, each behind a '|' */
	bool echoes;
};

static void on_message(void *arg, struct slice data)
{
	struct fixture *fx = arg;

	buf_addc(&fx->got, '|');
	buf_addslice(&fx->got, data);
	if (fx->echoes)
		CHECK_INT("echo from inside", sip_ws_send(fx->ws, data, &fx->out), 0);
}

static void setup(struct fixture *fx, struct slice origins)
{
	*fx = (struct fixture){.ws = NULL};
	CHECK_INT("new", sip_ws_new(&(struct sip_ws_params){origins, on_message, fx}, &fx->ws), 0);
}

static void teardown(struct fixture *fx)
{
	fx->ws = sip_ws_free(fx->ws);
	buf_done(&fx->in);
	buf_done(&fx->out);
	buf_done(&fx->got);
}

static int take(struct fixture *fx)
{
	return sip_ws_take(fx->ws, &fx->in, &fx->out);
}

static void setup_open(struct fixture *fx)
{
	setup(fx, SLICE_NONE);
	buf_adds(&fx->in, GET UP KEY SIP END);
	CHECK_INT("upgrade", take(fx), 0);
	CHECK("open", sip_ws_is_open(fx->ws));
	buf_clear(&fx->out);
}

/* A frame of a client: masked (RFC 6455 5.3). */
static void add_frame(struct buf *buf, unsigned first, struct slice data)
{
	static const char mask[4] = {0x11, 0x22, 0x33, 0x44};

	buf_addc(buf, (char)first);
	if (data.len < 126) {
		buf_addc(buf, (char)(0x80 | data.len));
	} else if (data.len < 65536) {
		buf_addc(buf, (char)(0x80 | 126));
		buf_addc(buf, (char)(data.len >> 8));
		buf_addc(buf, (char)data.len);
	} else {
		buf_addc(buf, (char)(0x80 | 127));
		for (int shift = 56; shift >= 0; shift -= 8)
			buf_addc(buf, (char)((uint64_t)data.len >> shift));
	}
	buf_add(buf, mask, 4);
	for (size_t i = 0; i < data.len; i++)
		buf_addc(buf, (char)(data.p[i] ^ mask[i % 4]));
}

static const struct {
	const char *name, *head, *origins, *answer;
	int err;
} upgrade_cases[] = {
	/* The key and its answer are the example of RFC 6455 1.3. */
	{"accepted", GET UP KEY SIP END, NULL,
	 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	 "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
	 "Sec-WebSocket-Protocol: sip\r\n\r\n",
	 0},
	{"any case of names and tokens",
	 "GET / HTTP/1.1\r\nhost:h\r\nUPGRADE: WebSocket\r\nconnection:UPGRADE\r\n"
	 "sec-websocket-version:13\r\n" KEY "Sec-WebSocket-Protocol: chat, sip\r\n\r\n",
	 NULL, "HTTP/1.1 101 ", 0},
	{"no subprotocol", GET UP KEY END, NULL, "HTTP/1.1 400 Subprotocol", ERR_SIP_SYNTAX},
	{"another subprotocol", GET UP KEY "Sec-WebSocket-Protocol: sips\r\n" END, NULL,
	 "HTTP/1.1 400 Subprotocol", ERR_SIP_SYNTAX},
	{"plain HTTP", GET END, NULL, "HTTP/1.1 426 ", ERR_SIP_SYNTAX},
	{"version 8",
	 GET "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	     "Sec-WebSocket-Version: 8\r\n" KEY SIP END,
	 NULL,
	 "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n"
	 "Sec-WebSocket-Version: 13\r\n",
	 ERR_SIP_SYNTAX},
	{"POST", "POST / HTTP/1.1\r\nHost: h\r\n" UP KEY SIP END, NULL, "HTTP/1.1 405 ",
	 ERR_SIP_SYNTAX},
	{"HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\n" UP KEY SIP END, NULL, "HTTP/1.1 400 ",
	 ERR_SIP_SYNTAX},
	{"no target", "GET  HTTP/1.1\r\nHost: h\r\n" UP KEY SIP END, NULL, "HTTP/1.1 400 ",
	 ERR_SIP_SYNTAX},
	{"no Host", "GET / HTTP/1.1\r\n" UP KEY SIP END, NULL, "HTTP/1.1 400 ", ERR_SIP_SYNTAX},
	{"no key", GET UP SIP END, NULL, "HTTP/1.1 400 ", ERR_SIP_SYNTAX},
	{"two keys", GET UP KEY KEY SIP END, NULL, "HTTP/1.1 400 ", ERR_SIP_SYNTAX},
	{"short key", GET UP "Sec-WebSocket-Key: dGhl\r\n" SIP END, NULL, "HTTP/1.1 400 ",
	 ERR_SIP_SYNTAX},
	{"key of other signs", GET UP "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!Q==\r\n" SIP END,
	 NULL, "HTTP/1.1 400 ", ERR_SIP_SYNTAX},
	{"no colon", GET UP KEY SIP "nonsense\r\n" END, NULL, "HTTP/1.1 400 ", ERR_SIP_SYNTAX},
	{"SIP on the wrong port", "OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n\r\n", NULL,
	 "HTTP/1.1 400 ", ERR_SIP_SYNTAX},
	{"any origin", GET UP KEY SIP "Origin: https://evil.example\r\n" END, "", "HTTP/1.1 101 ",
	 0},
	{"a listed origin", GET UP KEY SIP "Origin: https://phone.example\r\n" END,
	 "https://a.example, https://phone.example", "HTTP/1.1 101 ", 0},
	{"another origin", GET UP KEY SIP "Origin: https://evil.example\r\n" END,
	 "https://phone.example", "HTTP/1.1 403 ", -EACCES},
	{"the port counts", GET UP KEY SIP "Origin: https://phone.example:8443\r\n" END,
	 "https://phone.example", "HTTP/1.1 403 ", -EACCES},
	{"two origins", GET UP KEY SIP "Origin: https://phone.example\r\nOrigin: x\r\n" END,
	 "https://phone.example", "HTTP/1.1 403 ", -EACCES},
	{"null", GET UP KEY SIP "Origin: null\r\n" END, "https://phone.example", "HTTP/1.1 403 ",
	 -EACCES},
	{"no browser", GET UP KEY SIP END, "https://phone.example", "HTTP/1.1 101 ", 0},
};

static void upgrades(void)
{

	for (size_t i = 0; i < ARRAY_LEN(upgrade_cases); i++) {
		struct buf out = BUF_INIT;

		CHECK_INT(upgrade_cases[i].name,
			  sip_ws_upgrade(slice_of(upgrade_cases[i].head),
					 slice_of(upgrade_cases[i].origins), &out),
			  upgrade_cases[i].err);
		CHECK_SLICE(upgrade_cases[i].name,
			    slice_first(buf_slice(&out), strlen(upgrade_cases[i].answer)),
			    upgrade_cases[i].answer);
		buf_done(&out);
	}
}

static void upgrade_in_pieces(void)
{
	static const char head[] = GET UP KEY SIP END;
	struct fixture fx;

	setup(&fx, SLICE_NONE);
	CHECK_INT("not open yet", sip_ws_send(fx.ws, SLICE("x"), &fx.out), ERR_STATE);
	for (size_t i = 0; i < sizeof(head) - 1; i++) {
		CHECK_INT("nothing yet", fx.out.len, 0);
		buf_addc(&fx.in, head[i]);
		CHECK_INT("piece", take(&fx), 0);
	}
	CHECK_SLICE("answered", slice_first(buf_slice(&fx.out), 12), "HTTP/1.1 101");
	CHECK_INT("all taken", fx.in.len, 0);
	CHECK("open", sip_ws_is_open(fx.ws));
	teardown(&fx);

	/* The first message may come in the same octets. */
	setup(&fx, SLICE_NONE);
	buf_adds(&fx.in, head);
	add_frame(&fx.in, FIN | TEXT, SLICE("hello"));
	CHECK_INT("both", take(&fx), 0);
	CHECK_SLICE("message", buf_slice(&fx.got), "|hello");
	teardown(&fx);

	setup(&fx, SLICE_NONE);
	buf_adds(&fx.in, GET);
	for (int i = 0; i < SIP_WS_HEAD_MAX / 16 + 1; i++)
		buf_adds(&fx.in, "X-Nothing: abcd\r\n");
	CHECK_INT("too long", take(&fx), ERR_SIP_TOO_LARGE);
	CHECK_SLICE("431", slice_first(buf_slice(&fx.out), 12), "HTTP/1.1 431");
	CHECK_INT("stays over", take(&fx), ERR_SIP_TOO_LARGE);
	teardown(&fx);
}

static void messages(void)
{
	struct fixture fx;

	setup_open(&fx);
	fx.echoes = true;
	add_frame(&fx.in, FIN | TEXT, SLICE("one"));
	add_frame(&fx.in, FIN | BINARY, SLICE("t\xff"));
	CHECK_INT("two", take(&fx), 0);
	CHECK_SLICE("got", buf_slice(&fx.got), "|one|t\xff");
	CHECK_SLICE("text as text, other octets as binary", buf_slice(&fx.out),
		    "\x81\x03one\x82\x02t\xff");
	buf_clear(&fx.out);
	buf_clear(&fx.got);

	/* Fragments, with a ping between them (RFC 6455 5.4, 5.5). */
	add_frame(&fx.in, TEXT, SLICE("three "));
	CHECK_INT("begun", take(&fx), 0);
	CHECK("partial", sip_ws_is_partial(fx.ws));
	add_frame(&fx.in, FIN | PING, SLICE("hi"));
	add_frame(&fx.in, 0, SLICE("in "));
	CHECK_INT("more", take(&fx), 0);
	CHECK_SLICE("pong", buf_slice(&fx.out), "\x8a\x02hi");
	CHECK_INT("counted", sip_ws_keepalives(fx.ws), 1);
	CHECK_INT("not whole", fx.got.len, 0);
	add_frame(&fx.in, FIN, SLICE("pieces"));
	CHECK_INT("end", take(&fx), 0);
	CHECK_SLICE("joined", buf_slice(&fx.got), "|three in pieces");
	CHECK("whole", !sip_ws_is_partial(fx.ws));
	buf_clear(&fx.out);
	buf_clear(&fx.got);

	/* Keep-alives in messages: a pair of CRLFs gets one back, a single one nothing. */
	add_frame(&fx.in, FIN | TEXT, SLICE("\r\n\r\n"));
	add_frame(&fx.in, FIN | TEXT, SLICE("\r\n"));
	add_frame(&fx.in, FIN | TEXT, SLICE(""));
	CHECK_INT("keep-alive", take(&fx), 0);
	CHECK_SLICE("pong", buf_slice(&fx.out), "\x81\x02\r\n");
	CHECK_INT("no message", fx.got.len, 0);
	CHECK_INT("counted", sip_ws_keepalives(fx.ws), 2);
	buf_clear(&fx.out);

	CHECK_INT("our ping", sip_ws_ping(fx.ws, &fx.out), 0);
	CHECK_INT("two octets", fx.out.len, 2);
	CHECK_INT("ping", (unsigned char)fx.out.p[0], FIN | PING);
	add_frame(&fx.in, FIN | PONG, SLICE(""));
	CHECK_INT("its pong", take(&fx), 0);
	teardown(&fx);
}

static void octet_by_octet(void)
{
	struct fixture fx;
	struct buf text = BUF_INIT, all = BUF_INIT;

	for (int i = 0; i < 700; i++)
		buf_addu(&text, (uint64_t)i, 3);
	setup_open(&fx);
	add_frame(&all, TEXT, SLICE("x"));
	add_frame(&all, FIN, buf_slice(&text));
	for (size_t i = 0; i < all.len; i++) {
		buf_addc(&fx.in, all.p[i]);
		CHECK_INT("octet", take(&fx), 0);
	}
	CHECK_INT("whole", fx.got.len, text.len + 2);
	buf_done(&text);
	buf_done(&all);
	teardown(&fx);
}

static unsigned close_code(const struct buf *out)
{
	if (out->len < 4 || (unsigned char)out->p[0] != (FIN | CLOSE))
		return 0;
	return (unsigned)(unsigned char)out->p[2] << 8 | (unsigned char)out->p[3];
}

static void ends(void)
{
	static const struct {
		const char *name;
		unsigned first;
		struct slice data;
		bool is_raw; /* data is the frame */
		int err;
		unsigned code;
	} cases[] = {
		{"close", FIN | CLOSE, {"\x03\xe8", 2}, false, -ECONNRESET, 1000},
		{"close without a code", FIN | CLOSE, {"", 0}, false, -ECONNRESET, 0},
		{"not masked", 0, {"\x81\x01x", 3}, true, ERR_SIP_SYNTAX, 1002},
		{"reserved bit", FIN | 0x40 | TEXT, {"x", 1}, false, ERR_SIP_SYNTAX, 1002},
		{"unknown opcode", FIN | 3, {"x", 1}, false, ERR_SIP_SYNTAX, 1002},
		{"continues nothing", FIN, {"x", 1}, false, ERR_SIP_SYNTAX, 1002},
		{"text that is no UTF-8", FIN | TEXT, {"\xc3(", 2}, false, ERR_SIP_SYNTAX, 1007},
		{"fragmented ping", PING, {"x", 1}, false, ERR_SIP_SYNTAX, 0}, /* wslay names no
										  code */
		{"length beyond all",
		 0,
		 {"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0x", 15},
		 true,
		 ERR_SIP_TOO_LARGE,
		 1009},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture fx;

		setup_open(&fx);
		if (cases[i].is_raw)
			buf_addslice(&fx.in, cases[i].data);
		else
			add_frame(&fx.in, cases[i].first, cases[i].data);
		CHECK_INT(cases[i].name, take(&fx), cases[i].err);
		CHECK_INT(cases[i].name, close_code(&fx.out), cases[i].code);
		CHECK(cases[i].name, !sip_ws_is_open(fx.ws));
		CHECK_INT(cases[i].name, sip_ws_send(fx.ws, SLICE("x"), &fx.out), ERR_STATE);
		CHECK_INT(cases[i].name, sip_ws_ping(fx.ws, &fx.out), ERR_STATE);
		CHECK_INT(cases[i].name, fx.got.len, 0);
		teardown(&fx);
	}
}

static void goodbye(void)
{
	struct fixture fx;

	setup_open(&fx);
	sip_ws_close(fx.ws, 1001, &fx.out);
	CHECK_INT("code", close_code(&fx.out), 1001);
	CHECK("closed", !sip_ws_is_open(fx.ws));
	buf_clear(&fx.out);
	sip_ws_close(fx.ws, 1001, &fx.out);
	CHECK_INT("once", fx.out.len, 0);
	teardown(&fx);
}

static void limits(void)
{
	struct fixture fx;
	char *big = malloc(SIP_MSG_OCTETS_MAX + 1);

	memset(big, 'x', SIP_MSG_OCTETS_MAX + 1);
	setup_open(&fx);
	add_frame(&fx.in, FIN | TEXT, slice_make(big, SIP_MSG_OCTETS_MAX));
	CHECK_INT("the largest", take(&fx), 0);
	CHECK_INT("came", fx.got.len, SIP_MSG_OCTETS_MAX + 1);
	add_frame(&fx.in, FIN | TEXT, slice_make(big, SIP_MSG_OCTETS_MAX + 1));
	CHECK_INT("one more", take(&fx), ERR_SIP_TOO_LARGE);
	CHECK_INT("1009", close_code(&fx.out), 1009);
	teardown(&fx);

	setup_open(&fx);
	add_frame(&fx.in, TEXT, slice_make(big, SIP_MSG_OCTETS_MAX));
	CHECK_INT("in pieces", take(&fx), 0);
	add_frame(&fx.in, FIN, SLICE("x"));
	CHECK_INT("one more", take(&fx), ERR_SIP_TOO_LARGE);
	teardown(&fx);

	setup_open(&fx);
	add_frame(&fx.in, TEXT, SLICE("x"));
	for (int i = 1; i < SIP_WS_FRAGMENTS_MAX; i++)
		add_frame(&fx.in, 0, SLICE("x"));
	CHECK_INT("as many fragments as may be", take(&fx), 0);
	add_frame(&fx.in, FIN, SLICE("x"));
	CHECK_INT("one more", take(&fx), ERR_SIP_TOO_LARGE);
	CHECK_INT("1009", close_code(&fx.out), 1009);
	CHECK_INT("no message", fx.got.len, 0);
	teardown(&fx);
	free(big);
}

/* Which octets are text (RFC 3629 4): told by the opcode of what is sent. */
static void utf8(void)
{
	static const struct {
		const char *name;
		struct slice data;
		unsigned opcode;
	} cases[] = {
		{"ASCII", {"abc", 3}, TEXT},
		{"two octets", {"\xc3\xa9", 2}, TEXT},
		{"three octets", {"\xe2\x82\xac", 3}, TEXT},
		{"four octets", {"\xf0\x9f\x98\x80", 4}, TEXT},
		{"the last", {"\xf4\x8f\xbf\xbf", 4}, TEXT},
		{"beyond it", {"\xf4\x90\x80\x80", 4}, BINARY},
		{"surrogate", {"\xed\xa0\x80", 3}, BINARY},
		{"overlong two", {"\xc0\xaf", 2}, BINARY},
		{"overlong three", {"\xe0\x80\xaf", 3}, BINARY},
		{"overlong four", {"\xf0\x80\x80\xaf", 4}, BINARY},
		{"cut", {"\xe2\x82", 2}, BINARY},
		{"continuation alone", {"\x80", 1}, BINARY},
		{"f5", {"\xf5\x80\x80\x80", 4}, BINARY},
		{"broken inside", {"\xe2(\xac", 3}, BINARY},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture fx;

		setup_open(&fx);
		CHECK_INT(cases[i].name, sip_ws_send(fx.ws, cases[i].data, &fx.out), 0);
		CHECK_INT(cases[i].name, (unsigned char)fx.out.p[0], FIN | cases[i].opcode);
		teardown(&fx);
	}
}

void suite_ws(void);
void suite_ws(void)
{
	CHECK_SUITE("ws");
	CHECK_TEST(upgrades);
	CHECK_TEST(upgrade_in_pieces);
	CHECK_TEST(messages);
	CHECK_TEST(octet_by_octet);
	CHECK_TEST(ends);
	CHECK_TEST(goodbye);
	CHECK_TEST(limits);
	CHECK_TEST(utf8);
}
