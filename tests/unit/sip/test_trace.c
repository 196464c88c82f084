/* The trace over a network that the test is. */
#include "sip/trace.h"

#include <errno.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "tests/support/check.h"

struct fixture {
	struct clock_virtual time;
	struct sip_net_events below; /* what the trace listens with */
	struct sip_trace *trace;
	struct sip_net net; /* of the trace */
	int send_err;
	uint32_t sent, got, failures, garbage, exported;
	struct buf seen;
};

static struct addr at(const char *text)
{
	struct addr addr = {0};

	CHECK_INT(text, addr_parse(slice_of(text), &addr), 0);
	return addr;
}

static void below_listen(void *ctx, const struct sip_net_events *events)
{
	struct fixture *fx = ctx;

	fx->below = events ? *events : (struct sip_net_events){0};
}

static int below_send(void *ctx, const struct sip_flow *flow, struct slice data,
		      struct sip_flow *ret_flow)
{
	struct fixture *fx = ctx;

	(void)data;
	if (fx->send_err)
		return fx->send_err;
	fx->sent++;
	*ret_flow = *flow;
	ret_flow->connection = 7;
	return 0;
}

static int below_local_for(void *ctx, enum sip_proto proto, const struct addr *remote,
			   struct addr *ret_local)
{
	(void)ctx;
	(void)proto;
	(void)remote;
	*ret_local = at("10.0.0.9:5060");
	return 0;
}

static void on_message(void *arg, const struct sip_flow *flow, struct slice data)
{
	struct fixture *fx = arg;

	(void)flow;
	(void)data;
	fx->got++;
}

static void on_failed(void *arg, const struct sip_flow *flow, int err)
{
	(void)flow;
	(void)err;
	((struct fixture *)arg)->failures++;
}

static void on_garbage(void *arg, const struct sip_flow *flow, int err)
{
	(void)flow;
	(void)err;
	((struct fixture *)arg)->garbage++;
}

static void on_export(void *arg, const struct sip_trace_message *message, struct slice call_id)
{
	(void)message;
	(void)call_id;
	((struct fixture *)arg)->exported++;
}

static void setup(struct fixture *fx, struct sip_trace_params params)
{
	static const struct sip_net_ops ops = {
		.listen = below_listen, .send = below_send, .local_for = below_local_for};

	*fx = (struct fixture){.time = {.mono_ns = 5000000, .wall_ms_at_zero = 1000000}};
	params.net = (struct sip_net){&ops, fx};
	params.clock = clock_virtual(&fx->time);
	params.arg = fx;
	CHECK_INT("new", sip_trace_new(&params, &fx->trace), 0);
	fx->net = sip_trace_net(fx->trace);
	fx->net.ops->listen(fx->net.ctx,
			    &(struct sip_net_events){on_message, on_failed, on_garbage, fx});
}

static void teardown(struct fixture *fx)
{
	fx->net.ops->listen(fx->net.ctx, NULL);
	CHECK("nobody listens", fx->below.on_message == NULL);
	fx->trace = sip_trace_free(fx->trace);
	buf_done(&fx->seen);
}

static void receive(struct fixture *fx, const char *text)
{
	struct sip_flow flow = {.local = at("10.0.0.1:5060"), .remote = at("10.0.0.2:5060")};

	fx->below.on_message(fx->below.arg, &flow, slice_of(text));
}

static int transmit(struct fixture *fx, const char *text)
{
	struct sip_flow flow = {.remote = at("10.0.0.2:5060")}, path;

	return fx->net.ops->send(fx->net.ctx, &flow, slice_of(text), &path);
}

/* "in 10.0.0.1:5060 FIRST-LINE|" ... */
static void visit(void *arg, const struct sip_trace_message *message)
{
	struct fixture *fx = arg;
	char text[ADDR_TEXT_MAX];

	buf_addf(&fx->seen, "%s%s %s ", message->is_out ? "out" : "in", message->err ? "!" : "",
		 addr_text(&message->flow.local, text));
	buf_addslice(&fx->seen, slice_first(message->text, slice_find(message->text, '\r')));
	buf_addc(&fx->seen, '|');
}

static struct slice seen(struct fixture *fx, const char *call_id)
{
	buf_clear(&fx->seen);
	if (!sip_trace_each(fx->trace, slice_of(call_id), visit, fx))
		buf_adds(&fx->seen, "unknown");
	return buf_slice(&fx->seen);
}

static void call_by_call(void)
{
	struct fixture fx;

	setup(&fx, (struct sip_trace_params){.on_message = on_export});
	receive(&fx, "INVITE sip:a SIP/2.0\r\nCall-ID: one\r\n\r\n");
	CHECK_INT("sent", transmit(&fx, "SIP/2.0 100 Trying\r\ni: one\r\n\r\n"), 0);
	receive(&fx, "OPTIONS sip:a SIP/2.0\r\ncall-id : two\r\n\r\n");
	fx.send_err = ERR_SIP_TRANSPORT;
	CHECK_INT("not sent", transmit(&fx, "SIP/2.0 200 OK\r\nCall-ID: two\r\n\r\n"),
		  ERR_SIP_TRANSPORT);
	receive(&fx, "no SIP at all");
	CHECK_SLICE("one", seen(&fx, "one"),
		    "in 10.0.0.1:5060 INVITE sip:a SIP/2.0|out 10.0.0.9:5060 SIP/2.0 100 Trying|");
	CHECK_SLICE("two", seen(&fx, "two"),
		    "in 10.0.0.1:5060 OPTIONS sip:a SIP/2.0|out! 10.0.0.9:5060 SIP/2.0 200 OK|");
	CHECK_SLICE("three", seen(&fx, "three"), "unknown");
	CHECK("no trace", !sip_trace_each(NULL, SLICE("one"), visit, &fx));
	CHECK_INT("all went up", fx.got, 3);
	CHECK_INT("and down", fx.sent, 1);
	CHECK_INT("all were exported", fx.exported, 5);
	fx.below.on_failed(fx.below.arg, &(struct sip_flow){0}, -1);
	fx.below.on_garbage(fx.below.arg, &(struct sip_flow){0}, -1);
	CHECK_INT("failures and garbage go up", fx.failures + fx.garbage, 2);
	teardown(&fx);
}

static void count_call(void *arg, struct slice call_id, uint32_t messages,
		       const struct sip_trace_message *first, const struct sip_trace_message *last)
{
	struct fixture *fx = arg;

	buf_addf(&fx->seen, SLICE_FMT "*%u ", SLICE_ARG(call_id), messages);
	CHECK("in order", first->at_us <= last->at_us);
}

static struct slice calls(struct fixture *fx)
{
	buf_clear(&fx->seen);
	sip_trace_calls(fx->trace, count_call, fx);
	return buf_slice(&fx->seen);
}

static void message_of(struct fixture *fx, const char *call_id, size_t body)
{
	struct buf text = BUF_INIT;

	buf_addf(&text, "INFO sip:a SIP/2.0\r\nCall-ID: %s\r\n\r\n", call_id);
	for (size_t i = 0; i < body; i++)
		buf_addc(&text, 'b');
	receive(fx, text.p);
	buf_done(&text);
}

static void limits(void)
{
	struct fixture fx;
	uint32_t before;

	setup(&fx, (struct sip_trace_params){.octets_max = 10000});
	message_of(&fx, "a", 100);
	message_of(&fx, "b", 100);
	message_of(&fx, "a", 100);
	CHECK_SLICE("the latest first", calls(&fx), "a*2 b*1 ");
	message_of(&fx, "c", 9000);
	CHECK_SLICE("b had nothing new for the longest", calls(&fx), "c*1 a*2 ");
	message_of(&fx, "d", 9000);
	CHECK_SLICE("room for one", calls(&fx), "d*1 ");
	message_of(&fx, "d", 9000);
	CHECK_SLICE("the call's own oldest", calls(&fx), "d*1 ");
	message_of(&fx, "d", 20000);
	CHECK_SLICE("larger than all: alone", calls(&fx), "d*1 ");
	message_of(&fx, "e", 0);
	CHECK_SLICE("and gone with the next", calls(&fx), "e*1 ");
	teardown(&fx);

	setup(&fx, (struct sip_trace_params){0});
	for (int i = 0; i < SIP_TRACE_CALL_MESSAGES_MAX + 5; i++)
		message_of(&fx, "a", 0);
	CHECK_SLICE("messages of one call", calls(&fx), "a*200 ");
	for (int i = 0; i < 10; i++)
		message_of(&fx, "b", SIP_TRACE_CALL_OCTETS_MAX / 4);
	CHECK_SLICE("octets of one call", calls(&fx), "b*3 a*200 ");
	before = sip_trace_octets(fx.trace);
	struct buf id = BUF_INIT;
	for (int i = 0; i <= SIP_TRACE_CALL_ID_MAX; i++)
		buf_addc(&id, 'x');
	message_of(&fx, id.p, 0);
	CHECK_INT("a Call-ID too long is not kept", sip_trace_octets(fx.trace), before);
	buf_done(&id);
	teardown(&fx);

	setup(&fx, (struct sip_trace_params){.is_off = true, .on_message = on_export});
	message_of(&fx, "a", 0);
	CHECK_SLICE("off", calls(&fx), "");
	CHECK_INT("exported all the same", fx.exported, 1);
	teardown(&fx);
}

static void last_time(void *arg, const struct sip_trace_message *message)
{
	*(uint64_t *)arg = message->at_us;
}

static void time_is_of_the_wall(void)
{
	struct fixture fx;
	uint64_t at_us = 0;

	setup(&fx, (struct sip_trace_params){0});
	message_of(&fx, "a", 0);
	(void)sip_trace_each(fx.trace, SLICE("a"), last_time, &at_us);
	CHECK_INT("wall time", at_us, 1000005000);
	fx.time.mono_ns += 1234567;
	message_of(&fx, "a", 0);
	(void)sip_trace_each(fx.trace, SLICE("a"), last_time, &at_us);
	CHECK_INT("to the microsecond", at_us, 1000006234);
	fx.time.wall_ms_at_zero += 3600000; /* somebody set the clock */
	message_of(&fx, "a", 0);
	(void)sip_trace_each(fx.trace, SLICE("a"), last_time, &at_us);
	CHECK_INT("follows", at_us / 1000, 4600006);
	teardown(&fx);
}

#define HEAD "REGISTER sip:a SIP/2.0\r\nCall-ID: x\r\n"

static const struct {
	const char *name, *text, *want;
} masks[] = {
	{"nothing secret", HEAD "Contact: <sip:a>\r\n\r\nv=0\r\n",
	 HEAD "Contact: <sip:a>\r\n\r\nv=0\r\n"},
	{"digest", HEAD "Authorization: Digest username=\"a\", response=\"0123\", nc=01\r\n\r\n",
	 HEAD "Authorization: Digest username=\"a\", response=xxxxxx, nc=01\r\n\r\n"},
	{"proxy, any case, folded",
	 HEAD "proxy-authorization: DIGEST username=\"a\",\r\n RESPONSE=\"0123\"\r\n\r\n",
	 HEAD "proxy-authorization: DIGEST username=\"a\",\r\n RESPONSE=xxxxxx\r\n\r\n"},
	{"twice",
	 HEAD "Authorization: Digest response=\"1\"\r\nAuthorization: Digest "
	      "response=\"2\"\r\n\r\n",
	 HEAD "Authorization: Digest response=xxx\r\nAuthorization: Digest response=xxx\r\n\r\n"},
	{"another scheme", HEAD "Authorization: Bearer abcdef\r\n\r\n",
	 HEAD "Authorization: Bearerxxxxxxx\r\n\r\n"},
	{"challenge stays", HEAD "WWW-Authenticate: Digest nonce=\"n\"\r\n\r\n",
	 HEAD "WWW-Authenticate: Digest nonce=\"n\"\r\n\r\n"},
	{"SRTP key", HEAD "\r\na=crypto:1 AES_CM_128 inline:abc123|2^20\r\na=x\r\n",
	 HEAD "\r\na=crypto:1 AES_CM_128 inline:xxxxxx|2^20\r\na=x\r\n"},
	{"last line without an end", HEAD "\r\na=crypto:1 AES inline:abc123",
	 HEAD "\r\na=crypto:1 AES inline:xxxxxx"},
	{"ICE password", HEAD "\r\na=ice-ufrag:u\r\na=ice-pwd:secret\r\n",
	 HEAD "\r\na=ice-ufrag:u\r\na=ice-pwd:xxxxxx\r\n"},
	{"digits", HEAD "Content-Type: application/dtmf-relay\r\n\r\nSignal=5\r\nDuration=160\r\n",
	 HEAD "Content-Type: application/dtmf-relay\r\n\r\nSignal=x\r\nDuration=160\r\n"},
	{"PINs of a room that moves, as hashes",
	 HEAD "Content-Type: application/vnd.hearth.seats\r\n\r\nroom pin=ab%24c tones "
	      "moderator_pin=de\nseat x name=pin muted\n",
	 HEAD "Content-Type: application/vnd.hearth.seats\r\n\r\nroom pin=xxxxxx tones "
	      "moderator_pin=xx\nseat x name=pin muted\n"},
	{"a digit alone", HEAD "c: application/dtmf\r\n\r\n5", HEAD "c: application/dtmf\r\n\r\nx"},
	{"cut off", HEAD "Authorization: Digest response=\"12",
	 HEAD "Authorization: Digest response=\"12"},
	{"empty", "", ""},
};

static void secrets(void)
{
	for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
		size_t len = strlen(masks[i].text);
		char *text = malloc(len + 1); /* of its size, for the sanitizer */

		memcpy(text, masks[i].text, len + 1);
		sip_trace_mask(text, len);
		CHECK_SLICE(masks[i].name, slice_make(text, len), masks[i].want);
		free(text);
	}
}

static void call_ids(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"\r\nOPTIONS sip:a SIP/2.0\r\nCALL-ID:  a@b \r\n\r\n", "a@b"},
		{"OPTIONS sip:a SIP/2.0\nI:a\n\n", "a"},
		{"OPTIONS sip:a SIP/2.0\r\nCall-ID: cut", NULL},
		{"OPTIONS sip:a SIP/2.0\r\nX: y\r\n\r\nCall-ID: in the body\r\n", NULL},
		{"OPTIONS sip:a SIP/2.0\r\nX-Call-ID: no\r\nInfo: no\r\n\r\n", NULL},
		{"OPTIONS sip:a SIP/2.0\r\nX: y\r\n Call-ID: folded\r\ni: b\r\n\r\n", "b"},
		{"", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_SLICE(cases[i].text, sip_trace_call_id(slice_of(cases[i].text)),
			    cases[i].want);
}

void suite_trace(void);
void suite_trace(void)
{
	CHECK_SUITE("trace");
	CHECK_TEST(call_by_call);
	CHECK_TEST(limits);
	CHECK_TEST(time_is_of_the_wall);
	CHECK_TEST(secrets);
	CHECK_TEST(call_ids);
}
