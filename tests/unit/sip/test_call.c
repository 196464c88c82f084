/* Calls between two user agents on a clean network, from both roles: what each application is told,
 * and that nothing is left. */
#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"
#include "tests/unit/sip/pair.h"

static void hello_and_bye(void)
{
	static const struct {
		const char *name, *target;
		bool by_caller;
	} cases[] = {
		{"UDP, caller hangs up", "sip:b@10.0.0.2", true},
		{"UDP, callee hangs up", "sip:b@10.0.0.2", false},
		{"TCP, caller hangs up", "sip:b@10.0.0.2;transport=tcp", true},
		{"TCP, callee hangs up", "sip:b@10.0.0.2;transport=tcp", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pair fx;

		pair_init(&fx, NULL, NULL);
		pair_call(&fx, cases[i].target);
		CHECK_INT(cases[i].name, sip_call_state(fx.a.call), SIP_CALL_ESTABLISHED);
		CHECK_INT(cases[i].name, sip_call_state(fx.b.call), SIP_CALL_ESTABLISHED);
		sip_call_hangup(cases[i].by_caller ? fx.a.call : fx.b.call, NULL);
		sip_call_hangup(cases[i].by_caller ? fx.a.call : fx.b.call, NULL);
		simworld_run(&fx.world, 100);
		if (cases[i].by_caller)
			pair_expect(&fx, cases[i].name, "ended:local:0", "ended:remote:0");
		else
			pair_expect(&fx, cases[i].name, "ended:remote:0", "ended:local:0");
		pair_done(&fx);
	}
}

static void identity(void)
{
	struct pair fx;

	pair_init(&fx, NULL, NULL);
	pair_call(&fx, "sip:bob@10.0.0.2;transport=tcp");
	CHECK("id", slice_eq(sip_call_id(fx.a.call), sip_call_id(fx.b.call)));
	CHECK("outgoing", sip_call_is_outgoing(fx.a.call) && !sip_call_is_outgoing(fx.b.call));
	CHECK_SLICE("b's peer", sip_call_remote_uri(fx.b.call), "sip:test@example.org");
	CHECK_SLICE("b's peer", sip_call_remote_display(fx.b.call), "Test");
	CHECK_SLICE("b's target", sip_call_remote_target(fx.b.call),
		    "sip:test@10.0.0.1:5060;transport=tcp");
	CHECK_SLICE("a's peer", sip_call_remote_uri(fx.a.call), "sip:bob@10.0.0.2;transport=tcp");
	CHECK_SLICE("a's target", sip_call_remote_target(fx.a.call),
		    "sip:bob@10.0.0.2:5060;transport=tcp");
	CHECK("focus", !sip_call_is_remote_focus(fx.a.call));
	CHECK_INT("flow", sip_call_flow(fx.a.call)->proto, SIP_TCP);
	sip_call_hangup(fx.a.call, NULL);
	pair_done(&fx);
}

static void focus_contact(void)
{
	struct pair fx;

	pair_init(&fx, NULL, NULL);
	fx.b.mode = SIMUA_WAIT;
	CHECK_INT("call", simua_call(&fx.a, "sip:conference-factory@10.0.0.2"), 0);
	simworld_run(&fx.world, 100);
	CHECK_INT("contact", sip_call_set_contact(fx.b.call, SLICE("conf-1"), "isfocus"), 0);
	CHECK_INT("accept", sip_call_accept(fx.b.call, NULL), 0);
	simworld_run(&fx.world, 100);
	CHECK("focus", sip_call_is_remote_focus(fx.a.call));
	CHECK_SLICE("target", sip_call_remote_target(fx.a.call), "sip:conf-1@10.0.0.2:5060");
	sip_call_hangup(fx.a.call, NULL);
	pair_done(&fx);
}

static void progress_and_refusal(void)
{
	struct pair fx;

	pair_init(&fx, NULL, NULL);
	fx.b.mode = SIMUA_RING;
	CHECK_INT("call", simua_call(&fx.a, "sip:b@10.0.0.2"), 0);
	simworld_run(&fx.world, 100);
	pair_expect(&fx, "rings", "progress:180", "invite");
	CHECK_INT("rings", sip_call_state(fx.a.call), SIP_CALL_RINGING);
	CHECK_INT("reject", sip_call_reject(fx.b.call, &(struct sip_reply){.status = 486}), 0);
	CHECK_INT("again", sip_call_reject(fx.b.call, &(struct sip_reply){.status = 486}),
		  ERR_STATE);
	CHECK_INT("again", sip_call_accept(fx.b.call, NULL), ERR_STATE);
	CHECK_INT("again", sip_call_progress(fx.b.call, &(struct sip_reply){.status = 180}),
		  ERR_STATE);
	simworld_run(&fx.world, 100);
	pair_expect(&fx, "busy", "ended:remote:486", "ended:local:486");
	pair_done(&fx);
}

static void hangup_refuses(void)
{
	struct pair fx;

	pair_init(&fx, NULL, NULL);
	fx.b.mode = SIMUA_WAIT;
	CHECK_INT("call", simua_call(&fx.a, "sip:b@10.0.0.2"), 0);
	simworld_run(&fx.world, 100);
	sip_call_hangup(fx.b.call, NULL);
	simworld_run(&fx.world, 100);
	pair_expect(&fx, "480", "ended:remote:480", "invite ended:local:480");
	pair_done(&fx);
}

/* Seeds S8, case 1: INVITE, 100, 180, CANCEL: 200 and 487, no BYE. */
static void cancel_in_time(void)
{
	struct pair fx;

	pair_init(&fx, NULL, NULL);
	fx.b.mode = SIMUA_RING;
	CHECK_INT("call", simua_call(&fx.a, "sip:b@10.0.0.2"), 0);
	simworld_run(&fx.world, 100);
	sip_call_hangup(fx.a.call, NULL);
	simworld_run(&fx.world, 100);
	pair_expect(&fx, "cancelled", "progress:180 ended:local:487", "invite ended:remote:487");
	CHECK_INT("no BYE", sip_ua_stats(fx.a.ua)->requests_out[SIP_METHOD_BYE], 0);
	pair_done(&fx);
}

/* Before any answer the CANCEL has to wait for one (9.1). */
static void cancel_before_an_answer(void)
{
	struct pair fx;

	pair_init(&fx, NULL, NULL);
	fx.b.mode = SIMUA_RING;
	CHECK_INT("call", simua_call(&fx.a, "sip:b@10.0.0.2"), 0);
	sip_call_hangup(fx.a.call, NULL);
	CHECK_INT("waits", sip_ua_stats(fx.a.ua)->requests_out[SIP_METHOD_CANCEL], 0);
	simworld_run(&fx.world, 100);
	pair_expect(&fx, "cancelled", "ended:local:487", "invite ended:remote:487");
	pair_done(&fx);
}

/* Seeds S8, case 2: the CANCEL crosses the 200: ACK, then BYE; the callee answers 200 to both. */
static void cancel_crosses_the_200(void)
{
	struct pair fx;

	pair_init(&fx, NULL, NULL);
	fx.b.mode = SIMUA_RING;
	CHECK_INT("call", simua_call(&fx.a, "sip:b@10.0.0.2"), 0);
	simworld_run(&fx.world, 100);
	CHECK_INT("accept", sip_call_accept(fx.b.call, NULL), 0);
	sip_call_hangup(fx.a.call, NULL);
	simworld_run(&fx.world, 100);
	pair_expect(&fx, "crossed", "progress:180 ended:local:0",
		    "invite media established ended:remote:0");
	CHECK_INT("200 CANCEL, INVITE, BYE", sip_ua_stats(fx.b.ua)->status_out[200], 3);
	CHECK_INT("no 487", sip_ua_stats(fx.b.ua)->status_out[487], 0);
	pair_done(&fx);
}

static void no_answer_in_time(void)
{
	struct pair fx;

	pair_init(&fx, NULL, NULL);
	fx.b.mode = SIMUA_RING;
	CHECK_INT(
		"call",
		simua_call_with(&fx.a, &(struct sip_call_invite){.target = SLICE("sip:b@10.0.0.2"),
								 .contact_user = SLICE("a"),
								 .local = &fx.a.local,
								 .timeout_ms = 20000}),
		0);
	simworld_run(&fx.world, 19990);
	pair_expect(&fx, "waits", "progress:180", "invite");
	simworld_run(&fx.world, 100);
	pair_expect(&fx, "given up", "ended:timeout:487", "ended:remote:487");
	pair_done(&fx);
}

static void nobody_there(void)
{
	struct pair fx;

	pair_init(&fx, NULL, NULL);
	CHECK_INT("call", simua_call(&fx.a, "sip:b@10.0.0.77"), 0);
	simworld_run(&fx.world, 31990);
	CHECK_STR("waits", simua_log(&fx.a), "");
	simworld_run(&fx.world, 20);
	CHECK_STR("timer B", simua_log(&fx.a), "ended:timeout:408");
	CHECK_INT("TCP", simua_call(&fx.a, "sip:b@10.0.0.77;transport=tcp"), 0);
	simworld_run(&fx.world, 100);
	CHECK_STR("refused", simua_log(&fx.a), "ended:transport:503");
	pair_done(&fx);
}

static void targets_that_cannot_be_called(void)
{
	struct pair fx;

	pair_init(&fx, NULL, NULL);
	CHECK_INT("syntax", simua_call(&fx.a, "sip:b@[::1"), ERR_SIP_URI_SYNTAX);
	CHECK_INT("tel", simua_call(&fx.a, "tel:+4912345"), ERR_BAD_TARGET);
	CHECK_INT("name without a resolver", simua_call(&fx.a, "sip:b@example.org"), 0);
	CHECK_STR("not from inside the call", simua_log(&fx.a), "");
	simworld_run(&fx.world, 10);
	CHECK_STR("no route", simua_log(&fx.a), "ended:transport:503");
	CHECK_INT("no such transport", simua_call(&fx.a, "sip:b@10.0.0.2;transport=sctp"), 0);
	simworld_run(&fx.world, 10);
	CHECK_STR("no route", simua_log(&fx.a), "ended:transport:503");
	CHECK_INT("hang up before it failed", simua_call(&fx.a, "sip:b@example.org"), 0);
	sip_call_hangup(fx.a.call, NULL);
	simworld_run(&fx.world, 10);
	CHECK_STR("local", simua_log(&fx.a), "ended:local:0");
	pair_done(&fx);
}

/* INVITE without an offer: theirs comes in the 200, our answer in the ACK. */
static void late_offer(void)
{
	struct pair fx;

	pair_init(&fx, NULL, NULL);
	CHECK_INT(
		"call",
		simua_call_with(&fx.a, &(struct sip_call_invite){.target = SLICE("sip:b@10.0.0.2"),
								 .contact_user = SLICE("a")}),
		0);
	CHECK_INT("local", sip_call_set_local(fx.a.call, &fx.a.local), 0);
	simworld_run(&fx.world, 100);
	pair_expect(&fx, "late", "media established", "invite media established");
	CHECK_INT("codec", fx.b.agreed.send_id, 1);
	CHECK_INT("port", addr_port(&fx.b.agreed.remote_rtp), 4000);
	sip_call_hangup(fx.a.call, NULL);
	pair_done(&fx);
}

/* Without a local side there is no answer to give: ACK and BYE. */
static void late_offer_without_local(void)
{
	struct pair fx;

	pair_init(&fx, NULL, NULL);
	CHECK_INT(
		"call",
		simua_call_with(&fx.a, &(struct sip_call_invite){.target = SLICE("sip:b@10.0.0.2"),
								 .contact_user = SLICE("a")}),
		0);
	simworld_run(&fx.world, 100);
	pair_expect(&fx, "nothing to answer", "ended:local:0", "invite ended:local:0");
	pair_done(&fx);
}

static void hold_and_resume(void)
{
	struct pair fx;

	for (int by_caller = 0; by_caller < 2; by_caller++) {
		pair_init(&fx, NULL, NULL);
		pair_call(&fx, NULL);
		struct simua *x = by_caller ? &fx.a : &fx.b, *y = by_caller ? &fx.b : &fx.a;
		struct offer_local hold = simua_offer(simnode_addr(x->node), SDP_SENDONLY);

		CHECK_INT("local", sip_call_set_local(x->call, &hold), 0);
		CHECK_INT("hold", sip_call_reinvite(x->call), 0);
		simworld_run(&fx.world, 100);
		CHECK_STR("x", simua_log(x), "media");
		CHECK_STR("y", simua_log(y), "media:held");
		CHECK("x sends only", x->agreed.is_sending && !x->agreed.is_receiving);
		CHECK("y hears only", !y->agreed.is_sending && y->agreed.is_receiving);
		CHECK_INT("local", sip_call_set_local(x->call, &x->local), 0);
		CHECK_INT("resume", sip_call_reinvite(x->call), 0);
		simworld_run(&fx.world, 100);
		CHECK_STR("x", simua_log(x), "media");
		CHECK_STR("y", simua_log(y), "media");
		CHECK("both ways", y->agreed.is_sending && y->agreed.is_receiving);
		sip_call_hangup(x->call, NULL);
		pair_done(&fx);
	}
}

/* 14.1: both re-INVITE at once, both get 491, both succeed in their own time. */
static void glare(void)
{
	struct pair fx;

	pair_init(&fx, NULL, NULL);
	pair_call(&fx, NULL);
	CHECK_INT("a", sip_call_reinvite(fx.a.call), 0);
	CHECK_INT("b", sip_call_reinvite(fx.b.call), 0);
	simworld_run(&fx.world, 50);
	pair_expect(&fx, "refused", "", "");
	CHECK_INT("491", sip_ua_stats(fx.a.ua)->status_out[491], 1);
	CHECK_INT("491", sip_ua_stats(fx.b.ua)->status_out[491], 1);
	simworld_run(&fx.world, 2030);
	pair_expect(&fx, "who has not the Call-ID comes first", "media", "media");
	simworld_run(&fx.world, 2000);
	pair_expect(&fx, "then the other", "media", "media");
	sip_call_hangup(fx.a.call, NULL);
	pair_done(&fx);
}

static void reinvite_waits_its_turn(void)
{
	struct pair fx;

	pair_init(&fx, NULL, NULL);
	pair_call(&fx, NULL);
	CHECK_INT("first", sip_call_reinvite(fx.a.call), 0);
	CHECK_INT("second", sip_call_reinvite(fx.a.call), 0);
	CHECK_INT("third", sip_call_reinvite(fx.a.call), 0);
	simworld_run(&fx.world, 100);
	pair_expect(&fx, "the third is the second", "media media", "media media");
	sip_call_hangup(fx.a.call, NULL);
	CHECK_INT("ended", sip_call_reinvite(fx.a.call), ERR_STATE);
	pair_done(&fx);
}

static void both_hang_up_at_once(void)
{
	struct pair fx;

	pair_init(&fx, NULL, NULL);
	pair_call(&fx, NULL);
	sip_call_hangup(fx.a.call, NULL);
	sip_call_hangup(fx.b.call, NULL);
	simworld_run(&fx.world, 100);
	pair_expect(&fx, "crossed", "ended:local:0", "ended:local:0");
	pair_done(&fx);
}

/* 15: the callee's BYE waits for the ACK. */
static void hangup_before_the_ack(void)
{
	struct pair fx;

	pair_init(&fx, NULL, NULL);
	CHECK_INT("call", simua_call(&fx.a, "sip:b@10.0.0.2"), 0);
	simworld_run(&fx.world, 5);
	CHECK_INT("accepted", sip_call_state(fx.b.call), SIP_CALL_ACCEPTED);
	sip_call_hangup(fx.b.call, NULL);
	CHECK_INT("no BYE yet", sip_ua_stats(fx.b.ua)->requests_out[SIP_METHOD_BYE], 0);
	simworld_run(&fx.world, 100);
	pair_expect(&fx, "BYE after ACK", "media established ended:remote:0",
		    "invite media ended:local:0");
	pair_done(&fx);
}

static void peer_disappears(void)
{
	struct pair fx;

	/* No ACK: 2xx again and again for 64*T1, then BYE, which nobody answers either. */
	pair_init(&fx, NULL, NULL);
	CHECK_INT("call", simua_call(&fx.a, "sip:b@10.0.0.2"), 0);
	simworld_run(&fx.world, 5);
	simnode_set_down(fx.a.node, true);
	simworld_run(&fx.world, 31900);
	CHECK_STR("waits", simua_log(&fx.b), "invite media");
	CHECK_INT("resent at 0.5 1.5 3.5 7.5 and every 4 s", sip_ua_stats(fx.b.ua)->retransmits_out,
		  10);
	simworld_run(&fx.world, 32200);
	CHECK_STR("given up", simua_log(&fx.b), "ended:timeout:0");
	pair_done(&fx);

	/* A re-INVITE that nobody answers ends the call. */
	pair_init(&fx, NULL, NULL);
	pair_call(&fx, NULL);
	simnode_set_down(fx.b.node, true);
	CHECK_INT("reinvite", sip_call_reinvite(fx.a.call), 0);
	simworld_run(&fx.world, 70000);
	CHECK_STR("ended", simua_log(&fx.a), "ended:timeout:0");
	simnode_set_down(fx.b.node, false);
	sip_call_hangup(fx.b.call, NULL);
	pair_done(&fx);
}

static uint16_t reply_status;

static void on_reply(void *arg, struct sip_call *call, const struct sip_msg *response)
{
	(void)arg;
	(void)call;
	reply_status = response ? response->status : 1;
}

static void requests_in_the_dialog(void)
{
	struct sip_call_request info = {.method = "INFO",
					.content_type = "application/dtmf-relay",
					.body = SLICE("Signal=5\r\n"),
					.on_reply = on_reply};
	struct pair fx;

	pair_init(&fx, NULL, NULL);
	pair_call(&fx, NULL);
	reply_status = 0;
	CHECK_INT("info", sip_call_request(fx.a.call, &info), 0);
	simworld_run(&fx.world, 100);
	CHECK_INT("200", reply_status, 200);
	pair_expect(&fx, "told", "", "request:INFO");
	fx.b.answers_requests = false;
	CHECK_INT("info", sip_call_request(fx.a.call, &info), 0);
	simworld_run(&fx.world, 3000);
	CHECK_INT("later",
		  sip_stx_reply(fx.b.request,
				&(struct sip_reply){.status = 469, .reason = "Bad Info Package"}),
		  0);
	simworld_run(&fx.world, 100);
	CHECK_INT("469", reply_status, 469);
	info.method = "UPDATE";
	CHECK_INT("update", sip_call_request(fx.a.call, &info), 0);
	simworld_run(&fx.world, 100);
	CHECK_INT("405", reply_status, 405);
	info.method = "FOO";
	CHECK_INT("foo", sip_call_request(fx.a.call, &info), 0);
	simworld_run(&fx.world, 100);
	CHECK_INT("501", reply_status, 501);
	info.method = "INFO";
	simnode_set_down(fx.b.node, true);
	CHECK_INT("info", sip_call_request(fx.a.call, &info), 0);
	simworld_run(&fx.world, 33000);
	CHECK_INT("no answer", reply_status, 1);
	simnode_set_down(fx.b.node, false);
	sip_call_hangup(fx.a.call, NULL);
	simworld_run(&fx.world, 100);
	CHECK_INT("not established", fx.a.call == NULL, 1);
	pair_done(&fx);
}

static void two_addresses(void *ctx, const char *host, struct sip_name *name)
{
	struct addr addrs[2] = {0};

	(void)ctx;
	(void)host;
	CHECK_INT("first", addr_parse_ip(SLICE("10.0.0.2"), &addrs[0]), 0);
	CHECK_INT("second", addr_parse_ip(SLICE("10.0.0.3"), &addrs[1]), 0);
	sip_resolver_answer(name, 0, addrs, 2);
}

/* The first target rings and then refuses with 503; the second is slow. A CANCEL must wait for an
 * answer of the second (9.1), however much the first has said, and must then be sent. */
static void cancel_waits_for_the_second_target(void)
{
	struct sip_resolver *resolver = NULL;
	struct simworld world;
	struct simua a, b, c;

	simworld_init(&world, 1);
	CHECK_INT("resolver", sip_resolver_new(world.wheel, two_addresses, NULL, &resolver), 0);
	simua_init(&a, &world,
		   &(struct simua_params){.address = "10.0.0.1:5060", .resolver = resolver});
	simua_init(&b, &world, &(struct simua_params){.address = "10.0.0.2:5060"});
	simua_init(&c, &world, &(struct simua_params){.address = "10.0.0.3:5060"});
	b.mode = c.mode = SIMUA_RING;
	simnode_set_down(c.node, true);
	CHECK_INT("call", simua_call(&a, "sip:x@example.org"), 0);
	simworld_run(&world, 100);
	CHECK_STR("rings", simua_log(&a), "progress:180");
	CHECK_INT("503", sip_call_reject(b.call, &(struct sip_reply){.status = 503}), 0);
	simworld_run(&world, 100);
	sip_call_hangup(a.call, NULL);
	CHECK_INT("waits", sip_ua_stats(a.ua)->requests_out[SIP_METHOD_CANCEL], 0);
	simnode_set_down(c.node, false);
	simworld_run(&world, 1000);
	CHECK_STR("cancelled", simua_log(&c), "invite ended:remote:487");
	CHECK_STR("cancelled", simua_log(&a), "ended:local:487");
	CHECK_INT("CANCEL", sip_ua_stats(a.ua)->requests_out[SIP_METHOD_CANCEL], 1);
	simworld_run(&world, 120000);
	CHECK_INT("left in a", simua_leftover(&a), 0);
	CHECK_INT("left in c", simua_leftover(&c), 0);
	simua_done(&a);
	simua_done(&b);
	simua_done(&c);
	sip_resolver_free(resolver);
	simworld_done(&world);
}

static void call_limit(void)
{
	struct simworld world;
	struct simua a, b;

	simworld_init(&world, 1);
	simua_init(&a, &world, &(struct simua_params){.address = "10.0.0.1:5060", .calls_max = 2});
	simua_init(&b, &world, &(struct simua_params){.address = "10.0.0.2:5060", .calls_max = 1});
	CHECK_INT("first", simua_call(&a, "sip:b@10.0.0.2"), 0);
	simworld_run(&world, 100);
	CHECK_STR("first", simua_log(&a), "media established");
	CHECK_INT("second", simua_call(&a, "sip:b@10.0.0.2"), 0);
	CHECK_INT("third", simua_call(&a, "sip:b@10.0.0.2"), ERR_LIMIT);
	simworld_run(&world, 100);
	CHECK_STR("503", simua_log(&a), "ended:remote:503");
	CHECK_INT("counted", sip_ua_stats(b.ua)->overload, 1);
	simua_done(&a);
	simua_done(&b);
	simworld_done(&world);
}

void suite_call(void)
{
	CHECK_SUITE("call");
	CHECK_TEST(hello_and_bye);
	CHECK_TEST(identity);
	CHECK_TEST(focus_contact);
	CHECK_TEST(progress_and_refusal);
	CHECK_TEST(hangup_refuses);
	CHECK_TEST(cancel_in_time);
	CHECK_TEST(cancel_before_an_answer);
	CHECK_TEST(cancel_crosses_the_200);
	CHECK_TEST(no_answer_in_time);
	CHECK_TEST(nobody_there);
	CHECK_TEST(targets_that_cannot_be_called);
	CHECK_TEST(late_offer);
	CHECK_TEST(late_offer_without_local);
	CHECK_TEST(hold_and_resume);
	CHECK_TEST(glare);
	CHECK_TEST(reinvite_waits_its_turn);
	CHECK_TEST(both_hang_up_at_once);
	CHECK_TEST(hangup_before_the_ack);
	CHECK_TEST(peer_disappears);
	CHECK_TEST(requests_in_the_dialog);
	CHECK_TEST(cancel_waits_for_the_second_target);
	CHECK_TEST(call_limit);
}
