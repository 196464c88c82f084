/* The four machines: every pair of (state, event) has a row, the rows are those of the RFCs, and
 * the timers fire when the tables of RFC 3261 17 say, on UDP and on TCP. */
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/build.h"
#include "sip/tx_priv.h"
#include "tests/support/check.h"
#include "tests/support/simua.h"

static void every_pair_has_a_row(void)
{
	char row[64];

	for (int m = 0; m < SIP_TX_MACHINE_COUNT; m++) {
		for (int s = 0; s < SIP_TX_STATE_COUNT; s++) {
			for (int e = 0; e < SIP_TX_EVENT_COUNT; e++) {
				const struct sip_tx_row *r = sip_tx_row(m, s, e);
				bool want = sip_tx_has_state(m, s) && sip_tx_has_event(m, e);

				snprintf(row, sizeof(row), "machine %d state %s event %d", m,
					 sip_tx_state_name(s), e);
				CHECK_INT(row, r->is_listed, want);
				if (want)
					CHECK(row, sip_tx_has_state(m, r->next));
			}
		}
	}
}

/* Nothing leaves Terminated, and what ends there stops its timers. */
static void rows_are_sound(void)
{
	for (int m = 0; m < SIP_TX_MACHINE_COUNT; m++) {
		for (int e = 0; e < SIP_TX_EVENT_COUNT; e++) {
			if (!sip_tx_has_event(m, e))
				continue;
			CHECK_INT("end", sip_tx_row(m, SIP_TX_TERMINATED, e)->next,
				  SIP_TX_TERMINATED);
			CHECK_INT("end", sip_tx_row(m, SIP_TX_TERMINATED, e)->actions, 0);
			for (int s = 0; s < SIP_TX_TERMINATED; s++) {
				const struct sip_tx_row *r = sip_tx_row(m, s, e);

				if (sip_tx_has_state(m, s) && r->next == SIP_TX_TERMINATED)
					CHECK_INT("stops", r->life, SIP_TX_LIFE_STOP);
			}
		}
	}
}

/* A layer on the simulated net, and a raw peer
 * ------------------------------------------------------------------------ */

struct fixture {
	struct simworld world;
	struct simnode *node;
	struct simraw peer;
	struct sip_ua_stats stats;
	struct sip_tx_layer *layer;
	struct sip_stx *stx;
	struct sip_ctx *ctx;
	uint32_t requests, acks, responses, timeouts, errors, overs, acked, gone;
	uint16_t status;
	uint16_t answer; /* given at once to each request; 0: later */
};

static void on_request(void *arg, struct sip_stx *tx, const struct sip_msg *request)
{
	struct fixture *fx = arg;

	(void)request;
	fx->requests++;
	fx->stx = tx;
	if (fx->answer)
		CHECK_INT("answer",
			  sip_stx_respond(
				  tx,
				  &(struct sip_stx_response){
					  .reply = &(struct sip_reply){.status = fx->answer}}),
			  0);
}

static void on_ack(void *arg, const struct sip_flow *flow, const struct sip_msg *ack)
{
	struct fixture *fx = arg;

	(void)flow;
	(void)ack;
	fx->acks++;
}

static void on_client(void *arg, struct sip_ctx *tx, const struct sip_msg *response, int err)
{
	struct fixture *fx = arg;

	CHECK("same", tx == fx->ctx);
	if (response) {
		fx->responses++;
		fx->status = response->status;
	} else if (err == ERR_SIP_TIMEOUT) {
		fx->timeouts++;
	} else if (err == ERR_SIP_TRANSPORT) {
		fx->errors++;
	} else {
		fx->overs++;
		fx->ctx = NULL;
	}
}

static void on_server(void *arg, struct sip_stx *tx, enum sip_stx_event event)
{
	struct fixture *fx = arg;

	(void)tx;
	fx->acked += event == SIP_STX_ACKED;
	fx->timeouts += event == SIP_STX_TIMEOUT;
	fx->errors += event == SIP_STX_ERROR;
	fx->gone += event == SIP_STX_GONE;
}

/* The simulated net, with a send that can fail at once. */
static const struct sip_net_ops *whole_ops;
static bool is_send_broken;

static int maybe_send(void *ctx, const struct sip_flow *flow, struct slice data,
		      struct sip_flow *ret_flow)
{
	return is_send_broken ? ERR_SIP_TRANSPORT : whole_ops->send(ctx, flow, data, ret_flow);
}

static struct sip_net breakable_net(struct simnode *node)
{
	static struct sip_net_ops ops;
	struct sip_net net = simnode_net(node);

	whole_ops = net.ops;
	ops = *net.ops;
	ops.send = maybe_send;
	net.ops = &ops;
	is_send_broken = false;
	return net;
}

static void setup(struct fixture *fx, uint32_t transactions_max)
{
	*fx = (struct fixture){0};
	simworld_init(&fx->world, 1);
	fx->node = simnode_new(fx->world.net, "10.0.0.1:5060");
	simraw_init(&fx->peer, &fx->world, "10.0.0.9:5060");
	CHECK_INT(
		"layer",
		sip_tx_layer_new(
			&(struct sip_tx_params){
				.wheel = fx->world.wheel,
				.random = &fx->world.random,
				.net = breakable_net(fx->node),
				.handlers = {.on_request = on_request, .on_ack = on_ack, .arg = fx},
				.transactions_max = transactions_max,
				.stats = &fx->stats,
			},
			&fx->layer),
		0);
}

static void teardown(struct fixture *fx)
{
	sip_tx_layer_free(fx->layer);
	CHECK_INT("client transactions", fx->stats.client_transactions, 0);
	CHECK_INT("server transactions", fx->stats.server_transactions, 0);
	simraw_done(&fx->peer);
	simworld_done(&fx->world);
}

static void start_client(struct fixture *fx, enum sip_proto proto, const char *method)
{
	struct sip_flow flow = {.proto = proto, .remote = *simnode_addr(fx->peer.node)};
	char branch[SIP_BRANCH_MAX];
	struct buf buf = BUF_INIT;

	CHECK_INT("begin",
		  sip_tx_begin(
			  fx->layer,
			  &(struct sip_tx_request){flow, slice_of(method), SLICE("sip:x@10.0.0.9")},
			  &buf, branch),
		  0);
	sip_build_header(&buf, "Max-Forwards", "70");
	sip_build_header(&buf, "From", "<sip:a@10.0.0.1>;tag=a");
	sip_build_header(&buf, "To", "<sip:x@10.0.0.9>");
	sip_build_header(&buf, "Call-ID", "c1");
	sip_build_header(&buf, "CSeq", "1 %s", method);
	sip_build_end(&buf, NULL, SLICE_NONE);
	CHECK_INT("new",
		  sip_ctx_new(fx->layer,
			      &(struct sip_ctx_params){
				      .flow = flow,
				      .branch = branch,
				      .method = sip_method_parse(slice_of(method)),
				      .method_text = slice_of(method),
				      .message = &buf,
				      .on_event = on_client,
				      .arg = fx,
			      },
			      &fx->ctx),
		  0);
	buf_done(&buf);
}

/* The peer answers the request that it got first. */
static void peer_answers(struct fixture *fx, enum sip_proto proto, uint16_t status)
{
	struct buf buf = BUF_INIT;
	struct sip_msg request;

	CHECK_INT("request", sip_msg_parse(fx->peer.got[0].p, fx->peer.got[0].len, &request), 0);
	sip_build_response(&buf, &(struct sip_build_response){
					 .request = &request, .status = status, .to_tag = "b"});
	sip_build_end(&buf, NULL, SLICE_NONE);
	simnode_send(fx->peer.node, proto, simnode_addr(fx->node), buf_slice(&buf));
	buf_done(&buf);
	simworld_run(&fx->world, 6);
}

/* Timers A, B, E and F: the times at which a request is sent that nobody answers. */
static void client_timers(void)
{
	static const struct {
		const char *name, *method;
		enum sip_proto proto;
		uint32_t sent_by_600, sent_by_8000, sent_in_all;
	} cases[] = {
		/* A: 0, 500, 1500, 3500, 7500, 15500, 31500; B at 32000 */
		{"INVITE over UDP", "INVITE", SIP_UDP, 2, 5, 7},
		/* E: 0, 500, 1500, 3500, 7500, then every 4 s to 31500; F at 32000 */
		{"OPTIONS over UDP", "OPTIONS", SIP_UDP, 2, 5, 11},
		{"INVITE over TCP", "INVITE", SIP_TCP, 1, 1, 1},
		{"OPTIONS over TCP", "OPTIONS", SIP_TCP, 1, 1, 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture fx;

		setup(&fx, 0);
		start_client(&fx, cases[i].proto, cases[i].method);
		simworld_run(&fx.world, 600);
		CHECK_INT(cases[i].name, fx.peer.count, cases[i].sent_by_600);
		simworld_run(&fx.world, 7400);
		CHECK_INT(cases[i].name, fx.peer.count, cases[i].sent_by_8000);
		simworld_run(&fx.world, 23999);
		CHECK_INT(cases[i].name, fx.timeouts, 0);
		simworld_run(&fx.world, 1);
		CHECK_INT(cases[i].name, fx.timeouts, 1);
		CHECK_INT(cases[i].name, fx.peer.count, cases[i].sent_in_all);
		simworld_run(&fx.world, 1);
		CHECK_INT(cases[i].name, fx.overs, 1);
		CHECK_INT(cases[i].name, fx.stats.client_transactions, 0);
		teardown(&fx);
	}
}

/* Timers D, K and M: how long an answered transaction stays to absorb what comes again. */
static void client_linger(void)
{
	static const struct {
		const char *name, *method;
		enum sip_proto proto;
		uint16_t status;
		uint32_t linger_ms;
		uint32_t passed_twice; /* responses seen by the core when the final one comes twice
					*/
	} cases[] = {
		{"INVITE 486 UDP (D)", "INVITE", SIP_UDP, 486, 32000, 1},
		{"INVITE 486 TCP (D)", "INVITE", SIP_TCP, 486, 0, 1},
		{"INVITE 200 UDP (M)", "INVITE", SIP_UDP, 200, 32000, 2},
		{"INVITE 200 TCP (M)", "INVITE", SIP_TCP, 200, 32000, 2},
		{"OPTIONS 200 UDP (K)", "OPTIONS", SIP_UDP, 200, 5000, 1},
		{"OPTIONS 404 UDP (K)", "OPTIONS", SIP_UDP, 404, 5000, 1},
		{"OPTIONS 200 TCP (K)", "OPTIONS", SIP_TCP, 200, 0, 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture fx;

		setup(&fx, 0);
		start_client(&fx, cases[i].proto, cases[i].method);
		simworld_run(&fx.world, 6);
		peer_answers(&fx, cases[i].proto, cases[i].status);
		CHECK_INT(cases[i].name, fx.responses, 1);
		CHECK_INT(cases[i].name, fx.status, cases[i].status);
		if (cases[i].linger_ms == 0) {
			CHECK_INT(cases[i].name, fx.overs, 1);
			teardown(&fx);
			continue;
		}
		peer_answers(&fx, cases[i].proto, cases[i].status);
		CHECK_INT(cases[i].name, fx.responses, cases[i].passed_twice);
		simworld_run(&fx.world, cases[i].linger_ms - 20);
		CHECK_INT(cases[i].name, fx.overs, 0);
		simworld_run(&fx.world, 30);
		CHECK_INT(cases[i].name, fx.overs, 1);
		CHECK_INT(cases[i].name, fx.timeouts + fx.errors, 0);
		teardown(&fx);
	}
}

/* 17.1.1.3: same branch and Request-URI, To of the answer, CSeq ACK; again for each copy of the
 * answer. */
static void refusal_is_acknowledged(void)
{
	struct sip_via invite_via, ack_via;
	struct sip_msg invite, ack;
	struct sip_cseq cseq;
	struct sip_addr to;
	struct fixture fx;

	setup(&fx, 0);
	start_client(&fx, SIP_UDP, "INVITE");
	simworld_run(&fx.world, 6);
	peer_answers(&fx, SIP_UDP, 486);
	peer_answers(&fx, SIP_UDP, 486);
	simworld_run(&fx.world, 6);
	CHECK_INT("INVITE and two ACK", fx.peer.count, 3);
	CHECK("invite", simraw_next(&fx.peer, &invite));
	CHECK("ack", simraw_next(&fx.peer, &ack));
	CHECK_INT("method", ack.method, SIP_METHOD_ACK);
	CHECK("uri", slice_eq(ack.request_uri, invite.request_uri));
	CHECK_INT("via", sip_msg_via(&invite, &invite_via), 0);
	CHECK_INT("via", sip_msg_via(&ack, &ack_via), 0);
	CHECK("branch", slice_eq(invite_via.branch, ack_via.branch));
	CHECK_INT("to", sip_msg_addr(&ack, SIP_H_TO, &to), 0);
	CHECK_SLICE("tag", sip_addr_tag(&to), "b");
	CHECK_INT("cseq", sip_msg_cseq(&ack, &cseq), 0);
	CHECK_INT("cseq", cseq.number, 1);
	CHECK_INT("cseq", cseq.method, SIP_METHOD_ACK);
	teardown(&fx);
}

static void client_proceeding(void)
{
	struct fixture fx;

	/* A provisional answer stops timer A and B of an INVITE for good. */
	setup(&fx, 0);
	start_client(&fx, SIP_UDP, "INVITE");
	simworld_run(&fx.world, 6);
	peer_answers(&fx, SIP_UDP, 100);
	simworld_run(&fx.world, 100000);
	CHECK_INT("INVITE", fx.peer.count, 1);
	CHECK_INT("INVITE", fx.timeouts, 0);
	CHECK_INT("cancel", sip_ctx_cancel(fx.ctx, "Reason: SIP;cause=200\r\n"), 0);
	simworld_run(&fx.world, 6);
	CHECK_INT("CANCEL sent", fx.peer.count, 2);
	sip_ctx_abandon(fx.ctx);
	simworld_run(&fx.world, 1);
	CHECK_INT("abandoned", fx.overs, 1);
	teardown(&fx);

	/* Others go on at T2, and time out all the same. */
	setup(&fx, 0);
	start_client(&fx, SIP_UDP, "OPTIONS");
	simworld_run(&fx.world, 6);
	peer_answers(&fx, SIP_UDP, 100);
	simworld_run(&fx.world, 32000);
	CHECK_INT("0, 500, then every 4 s", fx.peer.count, 9);
	CHECK_INT("timeout", fx.timeouts, 1);
	teardown(&fx);
}

static void cancel_needs_a_provisional(void)
{
	struct fixture fx;

	setup(&fx, 0);
	start_client(&fx, SIP_UDP, "INVITE");
	CHECK_INT("calling", sip_ctx_cancel(fx.ctx, NULL), ERR_STATE);
	teardown(&fx);
}

static void transport_errors_are_reported(void)
{
	struct fixture fx;

	setup(&fx, 0);
	start_client(&fx, SIP_UDP, "INVITE");
	simnode_fail(fx.node, SIP_UDP, simnode_addr(fx.peer.node));
	simworld_run(&fx.world, 7);
	CHECK_INT("ICMP", fx.errors, 1);
	CHECK_INT("over", fx.overs, 1);
	teardown(&fx);

	setup(&fx, 0);
	simnode_set_down(fx.peer.node, true);
	start_client(&fx, SIP_TCP, "OPTIONS");
	simworld_run(&fx.world, 7);
	CHECK_INT("refused", fx.errors, 1);
	CHECK_INT("over", fx.overs, 1);
	teardown(&fx);
}

/* Server
 * ---------------------------------------------------------------------------------------------------------------
 */

static void peer_requests(struct fixture *fx, enum sip_proto proto, const char *method,
			  const char *branch)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "%s sip:a@10.0.0.1 SIP/2.0\nVia: SIP/2.0/%s "
		 "10.0.0.9:5060;branch=%s;rport\nMax-Forwards: 70\n"
		 "From: <sip:b@10.0.0.9>;tag=f\nTo: <sip:a@10.0.0.1>\nCall-ID: s1\nCSeq: 7 %s\n"
		 "Contact: <sip:b@10.0.0.9>\nContent-Length: 0\n\n",
		 method, sip_proto_via(proto), branch, method);
	simraw_send(&fx->peer, proto, simnode_addr(fx->node), text);
	simworld_run(&fx->world, 6);
}

static void respond(struct fixture *fx, uint16_t status)
{
	if (status >= 200)
		sip_stx_watch(fx->stx, on_server, fx);
	CHECK_INT("respond",
		  sip_stx_respond(fx->stx,
				  &(struct sip_stx_response){
					  .reply = &(struct sip_reply){.status = status}}),
		  0);
}

/* Timers G, H, I, J and L. */
static void server_timers(void)
{
	static const struct {
		const char *name, *method;
		enum sip_proto proto;
		uint16_t status;
		uint32_t sent_in_all; /* without an ACK */
		uint32_t timeouts;
		uint32_t gone_ms;
	} cases[] = {
		/* G: 0, 500, 1500, 3500, 7500, then every 4 s to 31500; H at 32 s */
		{"INVITE 486 UDP", "INVITE", SIP_UDP, 486, 11, 1, 32000},
		{"INVITE 486 TCP", "INVITE", SIP_TCP, 486, 1, 1, 32000},
		{"INVITE 200 UDP", "INVITE", SIP_UDP, 200, 1, 0, 32000},
		{"INVITE 200 TCP", "INVITE", SIP_TCP, 200, 1, 0, 32000},
		{"OPTIONS 200 UDP", "OPTIONS", SIP_UDP, 200, 1, 0, 32000},
		{"OPTIONS 200 TCP", "OPTIONS", SIP_TCP, 200, 1, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture fx;

		setup(&fx, 0);
		peer_requests(&fx, cases[i].proto, cases[i].method, "z9hG4bK1");
		CHECK_INT(cases[i].name, fx.requests, 1);
		respond(&fx, cases[i].status);
		if (cases[i].gone_ms > 0) {
			simworld_run(&fx.world, cases[i].gone_ms - 1);
			CHECK_INT(cases[i].name, fx.gone, 0);
		}
		simworld_run(&fx.world, 10);
		CHECK_INT(cases[i].name, fx.peer.count, cases[i].sent_in_all);
		CHECK_INT(cases[i].name, fx.timeouts, cases[i].timeouts);
		CHECK_INT(cases[i].name, fx.gone, 1);
		CHECK_INT(cases[i].name, fx.stats.server_transactions, 0);
		teardown(&fx);
	}
}

/* The sender of what is not an INVITE has given up after 64*T1: an answer that is still owed then
 * must not hold the transaction for ever, also when the transport has failed meanwhile. */
static void server_is_never_answered(void)
{
	static const struct {
		const char *name;
		enum sip_proto proto;
		bool has_provisional, has_error;
		uint32_t timeouts;
	} cases[] = {
		{"Trying over UDP", SIP_UDP, false, false, 1},
		{"Trying over TCP", SIP_TCP, false, false, 1},
		{"Proceeding", SIP_UDP, true, false, 1},
		{"Proceeding, then the transport fails", SIP_TCP, true, true, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture fx;

		setup(&fx, 0);
		peer_requests(&fx, cases[i].proto, "OPTIONS", "z9hG4bK1");
		sip_stx_watch(fx.stx, on_server, &fx);
		is_send_broken = cases[i].has_error;
		if (cases[i].has_provisional)
			respond(&fx, 100);
		simworld_run(&fx.world, 31990);
		CHECK_INT(cases[i].name, fx.gone, 0);
		CHECK_INT(cases[i].name, fx.stats.server_transactions, 1);
		simworld_run(&fx.world, 20);
		CHECK_INT(cases[i].name, fx.timeouts, cases[i].timeouts);
		CHECK_INT(cases[i].name, fx.errors, cases[i].has_error);
		CHECK_INT(cases[i].name, fx.gone, 1);
		CHECK_INT(cases[i].name, fx.stats.server_transactions, 0);
		teardown(&fx);
	}
}

/* An INVITE may ring for long. */
static void server_invite_waits(void)
{
	struct fixture fx;

	setup(&fx, 0);
	peer_requests(&fx, SIP_UDP, "INVITE", "z9hG4bK1");
	respond(&fx, 180);
	simworld_run(&fx.world, 170000);
	CHECK_INT("is there", fx.stats.server_transactions, 1);
	respond(&fx, 486);
	teardown(&fx);
}

static void server_absorbs_copies(void)
{
	struct fixture fx;

	setup(&fx, 0);
	peer_requests(&fx, SIP_UDP, "INVITE", "z9hG4bK1");
	peer_requests(&fx, SIP_UDP, "INVITE", "z9hG4bK1");
	CHECK_INT("one request", fx.requests, 1);
	CHECK_INT("nothing to repeat yet", fx.peer.count, 0);
	respond(&fx, 180);
	peer_requests(&fx, SIP_UDP, "INVITE", "z9hG4bK1");
	simworld_run(&fx.world, 6);
	CHECK_INT("the 180 again", fx.peer.count, 2);
	respond(&fx, 200);
	CHECK_INT("a second answer",
		  sip_stx_respond(
			  fx.stx,
			  &(struct sip_stx_response){.reply = &(struct sip_reply){.status = 486}}),
		  ERR_STATE);
	simworld_run(&fx.world, 6);
	peer_requests(&fx, SIP_UDP, "INVITE", "z9hG4bK1");
	simworld_run(&fx.world, 6);
	CHECK_INT("Accepted absorbs (RFC 6026)", fx.peer.count, 3);
	sip_stx_repeat(fx.stx);
	simworld_run(&fx.world, 6);
	CHECK_INT("the core resends", fx.peer.count, 4);
	peer_requests(&fx, SIP_UDP, "ACK", "z9hG4bK2");
	CHECK_INT("ACK of a 2xx goes to the core", fx.acks, 1);
	peer_requests(&fx, SIP_UDP, "ACK", "z9hG4bK1");
	CHECK_INT("also with the branch of the INVITE", fx.acks, 2);
	CHECK_INT("copies", fx.stats.retransmits_in, 3);
	teardown(&fx);
}

static void server_takes_the_ack(void)
{
	struct fixture fx;

	setup(&fx, 0);
	peer_requests(&fx, SIP_UDP, "INVITE", "z9hG4bK1");
	respond(&fx, 486);
	peer_requests(&fx, SIP_UDP, "ACK", "z9hG4bK1");
	peer_requests(&fx, SIP_UDP, "ACK", "z9hG4bK1");
	CHECK_INT("acked once", fx.acked, 1);
	CHECK_INT("not to the core", fx.acks, 0);
	simworld_run(&fx.world, 4980);
	CHECK_INT("timer I", fx.gone, 0);
	simworld_run(&fx.world, 20);
	CHECK_INT("timer I", fx.gone, 1);
	CHECK_INT("one 486", fx.peer.count, 1);
	teardown(&fx);
}

/* The sender's port is another one each time; branch, sent-by and method tell transactions apart.
 */
static void matching(void)
{
	static const struct {
		const char *name, *first_via, *second_via;
		uint32_t requests;
	} cases[] = {
		{"same", "10.0.0.9:5060;branch=z9hG4bKa", "10.0.0.9:5060;branch=z9hG4bKa", 1},
		{"branch in another case", "10.0.0.9:5060;branch=z9hG4bKa",
		 "10.0.0.9:5060;branch=Z9HG4BKA", 1},
		{"other branch", "10.0.0.9:5060;branch=z9hG4bKa", "10.0.0.9:5060;branch=z9hG4bKb",
		 2},
		{"other sent-by", "10.0.0.9:5060;branch=z9hG4bKa", "10.0.0.8:5060;branch=z9hG4bKa",
		 2},
		{"other port", "10.0.0.9:5060;branch=z9hG4bKa", "10.0.0.9:5070;branch=z9hG4bKa", 2},
		{"no cookie, all equal", "10.0.0.9:5060;branch=1", "10.0.0.9:5060;branch=1", 1},
		{"no branch at all", "10.0.0.9:5060", "10.0.0.9:5060", 1},
		{"no cookie, other Via", "10.0.0.9:5060;branch=1", "10.0.0.9:5060;branch=2", 2},
	};
	static const char
		*const form = "OPTIONS sip:a@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP %s\nMax-Forwards: "
			      "70\nFrom: <sip:b@x>;tag=f\n"
			      "To: <sip:a@x>\nCall-ID: s1\nCSeq: 7 OPTIONS\nContent-Length: 0\n\n";

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture fx;
		char text[1024];

		setup(&fx, 0);
		fx.answer = 200;
		snprintf(text, sizeof(text), form, cases[i].first_via);
		simraw_send(&fx.peer, SIP_UDP, simnode_addr(fx.node), text);
		snprintf(text, sizeof(text), form, cases[i].second_via);
		simraw_send(&fx.peer, SIP_UDP, simnode_addr(fx.node), text);
		simworld_run(&fx.world, 20);
		CHECK_INT(cases[i].name, fx.requests, cases[i].requests);
		teardown(&fx);
	}
}

/* RFC 2543: an ACK has the Via of its INVITE but, of a refusal, a To tag that the INVITE had not.
 */
static void ack_without_cookie(void)
{
	struct fixture fx;

	setup(&fx, 0);
	peer_requests(&fx, SIP_UDP, "INVITE", "old");
	respond(&fx, 404);
	peer_requests(&fx, SIP_UDP, "ACK", "old");
	CHECK_INT("acked", fx.acked, 1);
	CHECK_INT("not to the core", fx.acks, 0);
	teardown(&fx);
}

/* RFC 3261 18.2.2 and RFC 3581: where an answer goes and what its top Via says. */
static void response_routing(void)
{
	static const struct {
		const char *name, *via, *from, *want_to, *want_via;
		enum sip_proto proto;
	} cases[] = {
		{"rport", "SIP/2.0/UDP 10.1.1.1:5070;rport;branch=z9hG4bKx", "192.0.2.7:1234",
		 "192.0.2.7:1234",
		 "SIP/2.0/UDP 10.1.1.1:5070;branch=z9hG4bKx;received=192.0.2.7;rport=1234",
		 SIP_UDP},
		{"rport, same address", "SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKx;rport",
		 "192.0.2.7:5070", "192.0.2.7:5070",
		 "SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKx;received=192.0.2.7;rport=5070",
		 SIP_UDP},
		{"no rport", "SIP/2.0/UDP 10.1.1.1:5070;branch=z9hG4bKx", "192.0.2.7:1234",
		 "192.0.2.7:5070", "SIP/2.0/UDP 10.1.1.1:5070;branch=z9hG4bKx;received=192.0.2.7",
		 SIP_UDP},
		{"no rport, same address", "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKx",
		 "192.0.2.7:1234", "192.0.2.7:5060", "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKx",
		 SIP_UDP},
		{"a name", "SIP/2.0/UDP host.example.org;branch=z9hG4bKx", "192.0.2.7:1234",
		 "192.0.2.7:5060",
		 "SIP/2.0/UDP host.example.org;branch=z9hG4bKx;received=192.0.2.7", SIP_UDP},
		{"a lie in received", "SIP/2.0/UDP 192.0.2.7;received=10.9.9.9;branch=z9hG4bKx",
		 "192.0.2.7:5060", "192.0.2.7:5060", "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKx",
		 SIP_UDP},
		{"maddr is not followed", "SIP/2.0/UDP 192.0.2.7;maddr=192.0.2.99;branch=z9hG4bKx",
		 "192.0.2.7:5060", "192.0.2.7:5060",
		 "SIP/2.0/UDP 192.0.2.7;maddr=192.0.2.99;branch=z9hG4bKx", SIP_UDP},
		{"v6", "SIP/2.0/UDP [2001:db8::7]:5070;rport;branch=z9hG4bKx", "[2001:db8::7]:1234",
		 "[2001:db8::7]:1234",
		 "SIP/2.0/UDP [2001:db8::7]:5070;branch=z9hG4bKx;received=2001:db8::7;rport=1234",
		 SIP_UDP},
		{"quoted parameter", "SIP/2.0/UDP 192.0.2.7;x=\"a;rport\";branch=z9hG4bKx",
		 "192.0.2.7:9", "192.0.2.7:5060",
		 "SIP/2.0/UDP 192.0.2.7;x=\"a;rport\";branch=z9hG4bKx", SIP_UDP},
		{"TCP keeps the connection and knows the port",
		 "SIP/2.0/TCP 192.0.2.7:5070;branch=z9hG4bKx", "192.0.2.7:40000", "192.0.2.7:5070",
		 "SIP/2.0/TCP 192.0.2.7:5070;branch=z9hG4bKx", SIP_TCP},
	};

	struct fixture fx;

	setup(&fx, 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_flow flow = {.proto = cases[i].proto, .connection = 5}, path;
		char text[ADDR_TEXT_MAX];
		struct buf via_text = BUF_INIT;
		struct sip_via via;

		CHECK_INT(cases[i].name, addr_parse(slice_of(cases[i].from), &flow.remote), 0);
		CHECK_INT(cases[i].name, sip_via_parse(slice_of(cases[i].via), &via), 0);
		CHECK_INT(cases[i].name, sip_tx_response_path(&flow, &via, &path), 0);
		CHECK_STR(cases[i].name, addr_text(&path.remote, text), cases[i].want_to);
		CHECK_INT(cases[i].name, path.connection, 5);
		sip_tx_top_via(fx.layer, &flow, &via, &via_text);
		CHECK_SLICE(cases[i].name, buf_slice(&via_text), cases[i].want_via);
		buf_done(&via_text);
	}
	teardown(&fx);
}

/* What the Via of a request of ours says behind its branch. */
static void via_of_a_request(void)
{
	static const struct {
		enum sip_proto proto;
		const char *start, *end;
	} rows[] = {
		{SIP_UDP, "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK", ";rport"},
		{SIP_TCP, "SIP/2.0/TCP 10.0.0.1:5060;branch=z9hG4bK", ";rport"},
		{SIP_TLS, "SIP/2.0/TLS 10.0.0.1:5060;branch=z9hG4bK", ";rport;alias"},
	};
	struct fixture fx;

	setup(&fx, 0);
	fx.layer->public_host = SLICE("10.0.0.1:5060"); /* the simulated net knows no TLS */
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_tx_request request = {
			{.proto = rows[i].proto, .remote = *simnode_addr(fx.peer.node)},
			SLICE("OPTIONS"),
			SLICE("sip:a@b")};
		char branch[SIP_BRANCH_MAX];
		struct buf buf = BUF_INIT;
		struct slice line;

		CHECK_INT(rows[i].end, sip_tx_begin(fx.layer, &request, &buf, branch), 0);
		line = slice_from(buf_slice(&buf), slice_find(buf_slice(&buf), '\n') + 1);
		line = slice_trim(slice_from(slice_first(line, slice_find(line, '\r')), 5));
		CHECK(rows[i].start, slice_starts(line, slice_of(rows[i].start)));
		CHECK_SLICE(rows[i].end, slice_from(line, line.len - strlen(rows[i].end)),
			    rows[i].end);
		buf_done(&buf);
	}
	teardown(&fx);
}

static void limits(void)
{
	char text[4096], branch[1100];
	struct sip_msg msg;
	struct fixture fx;

	setup(&fx, 1);
	peer_requests(&fx, SIP_UDP, "INVITE", "z9hG4bK1");
	peer_requests(&fx, SIP_UDP, "INVITE", "z9hG4bK2");
	simworld_run(&fx.world, 6);
	CHECK_INT("one", fx.requests, 1);
	CHECK("503", simraw_next(&fx.peer, &msg) && msg.status == 503);
	CHECK("retry", slice_present(sip_msg_value(&msg, SIP_H_RETRY_AFTER)));
	CHECK_INT("counted", fx.stats.overload, 1);
	peer_requests(&fx, SIP_UDP, "ACK", "z9hG4bK2");
	simworld_run(&fx.world, 6);
	CHECK_INT("an ACK is never answered", fx.peer.count, 1);
	teardown(&fx);

	setup(&fx, 0);
	memset(branch, 'x', sizeof(branch));
	snprintf(text, sizeof(text),
		 "OPTIONS sip:a@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP "
		 "10.0.0.9;branch=z9hG4bK%.*s\nFrom: <sip:b@x>;tag=f\n"
		 "To: <sip:a@x>\nCall-ID: s1\nCSeq: 7 OPTIONS\nContent-Length: 0\n\n",
		 (int)sizeof(branch), branch);
	simraw_send(&fx.peer, SIP_UDP, simnode_addr(fx.node), text);
	simworld_run(&fx.world, 20);
	CHECK_INT("too long a key", fx.requests, 0);
	CHECK("400", simraw_next(&fx.peer, &msg) && msg.status == 400);
	teardown(&fx);
}

static void small_enough(void)
{
	CHECK("under 2 KB each (design 3)",
	      sizeof(struct sip_stx) + sizeof(struct sip_stx_rest) + 200 < 2048);
	CHECK("under 2 KB each (design 3)", sizeof(struct sip_ctx) < 2048);
}

void suite_tx(void)
{
	CHECK_SUITE("tx");
	CHECK_TEST(every_pair_has_a_row);
	CHECK_TEST(rows_are_sound);
	CHECK_TEST(client_timers);
	CHECK_TEST(client_linger);
	CHECK_TEST(refusal_is_acknowledged);
	CHECK_TEST(client_proceeding);
	CHECK_TEST(cancel_needs_a_provisional);
	CHECK_TEST(transport_errors_are_reported);
	CHECK_TEST(server_timers);
	CHECK_TEST(server_is_never_answered);
	CHECK_TEST(server_invite_waits);
	CHECK_TEST(server_absorbs_copies);
	CHECK_TEST(server_takes_the_ack);
	CHECK_TEST(matching);
	CHECK_TEST(ack_without_cookie);
	CHECK_TEST(response_routing);
	CHECK_TEST(via_of_a_request);
	CHECK_TEST(limits);
	CHECK_TEST(small_enough);
}
