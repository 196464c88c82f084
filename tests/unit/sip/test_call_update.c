/* UPDATE (RFC 3311) in a call, from both sides. */
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"
#include "tests/unit/sip/pair.h"

#define ALLOW "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE"

static void setup(struct pair *fx, const char *allow_b)
{
	pair_init(fx, &(struct simua_params){.allow = ALLOW},
		  &(struct simua_params){.allow = allow_b});
}

static void hold_by_update(void)
{
	for (int by_caller = 0; by_caller < 2; by_caller++) {
		struct pair fx;
		struct simua *x = by_caller ? &fx.a : &fx.b, *y = by_caller ? &fx.b : &fx.a;
		struct offer_local hold;

		setup(&fx, ALLOW);
		pair_call(&fx, NULL);
		hold = simua_offer(simnode_addr(x->node), SDP_SENDONLY);
		CHECK_INT("local", sip_call_set_local(x->call, &hold), 0);
		CHECK_INT("hold",
			  sip_call_update(x->call, &(struct sip_call_update){.has_offer = true}),
			  0);
		simworld_run(&fx.world, 100);
		CHECK_STR("x", simua_log(x), "media");
		CHECK_STR("y", simua_log(y), "media:held");
		CHECK("x sends only", x->agreed.is_sending && !x->agreed.is_receiving);
		CHECK("y hears only", !y->agreed.is_sending && y->agreed.is_receiving);
		CHECK_INT("by UPDATE", pair_requests(x, SIP_METHOD_UPDATE), 1);
		CHECK_INT("no re-INVITE", pair_requests(&fx.a, SIP_METHOD_INVITE), 1);
		pair_end(&fx);
	}
}

/* Without an offer it refreshes the target, and nothing is told. */
static void target_refresh(void)
{
	struct pair fx;

	setup(&fx, ALLOW);
	pair_call(&fx, NULL);
	CHECK_INT("contact", sip_call_set_contact(fx.a.call, SLICE("conf-9"), "isfocus"), 0);
	CHECK_INT("update", sip_call_update(fx.a.call, &(struct sip_call_update){0}), 0);
	simworld_run(&fx.world, 100);
	CHECK_STR("a", simua_log(&fx.a), "");
	CHECK_STR("b", simua_log(&fx.b), "");
	CHECK_SLICE("target", sip_call_remote_target(fx.b.call), "sip:conf-9@10.0.0.1:5060");
	CHECK("focus", sip_call_is_remote_focus(fx.b.call));
	pair_end(&fx);
}

static void not_allowed(void)
{
	struct pair fx;

	setup(&fx, "INVITE, ACK, BYE, CANCEL");
	pair_call(&fx, NULL);
	CHECK_INT("no offer: nothing to do it with",
		  sip_call_update(fx.a.call, &(struct sip_call_update){0}), ERR_STATE);
	CHECK_INT("offer", sip_call_update(fx.a.call, &(struct sip_call_update){.has_offer = true}),
		  0);
	simworld_run(&fx.world, 100);
	CHECK_INT("no UPDATE", pair_requests(&fx.a, SIP_METHOD_UPDATE), 0);
	CHECK_INT("a re-INVITE", pair_requests(&fx.a, SIP_METHOD_INVITE), 2);
	CHECK_STR("a", simua_log(&fx.a), "media");
	pair_end(&fx);
}

/* 5.2: both offer at once, by any two of UPDATE and re-INVITE; all come to their turn. */
static void glare(void)
{
	static const struct {
		const char *name;
		bool update_a, update_b;
	} cases[] = {
		{"two UPDATEs", true, true},
		{"UPDATE against re-INVITE", true, false},
		{"re-INVITE against UPDATE", false, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_call_update update = {.has_offer = true};
		struct pair fx;

		setup(&fx, ALLOW);
		pair_call(&fx, NULL);
		CHECK_INT(cases[i].name,
			  cases[i].update_a ? sip_call_update(fx.a.call, &update)
					    : sip_call_reinvite(fx.a.call),
			  0);
		CHECK_INT(cases[i].name,
			  cases[i].update_b ? sip_call_update(fx.b.call, &update)
					    : sip_call_reinvite(fx.b.call),
			  0);
		simworld_run(&fx.world, 50);
		CHECK_INT(cases[i].name, sip_ua_stats(fx.a.ua)->status_out[491], 1);
		CHECK_INT(cases[i].name, sip_ua_stats(fx.b.ua)->status_out[491], 1);
		simworld_run(&fx.world, 5000);
		CHECK_STR(cases[i].name, simua_log(&fx.a), "media media");
		CHECK_STR(cases[i].name, simua_log(&fx.b), "media media");
		pair_end(&fx);
	}
}

/* A refresh without an offer and a re-INVITE do not get in each other's way. */
static void no_glare(void)
{
	struct pair fx;

	setup(&fx, ALLOW);
	pair_call(&fx, NULL);
	CHECK_INT("a", sip_call_update(fx.a.call, &(struct sip_call_update){0}), 0);
	CHECK_INT("b", sip_call_reinvite(fx.b.call), 0);
	simworld_run(&fx.world, 100);
	CHECK_INT("no 491", sip_ua_stats(fx.a.ua)->status_out[491], 0);
	CHECK_INT("no 491", sip_ua_stats(fx.b.ua)->status_out[491], 0);
	CHECK_STR("a", simua_log(&fx.a), "media");
	CHECK_STR("b", simua_log(&fx.b), "media");
	pair_end(&fx);
}

static void queues_and_headers(void)
{
	struct pair fx;

	setup(&fx, ALLOW);
	CHECK_INT("call", simua_call(&fx.a, "sip:b@10.0.0.2"), 0);
	CHECK_INT("too early", sip_call_update(fx.a.call, &(struct sip_call_update){0}), ERR_STATE);
	simworld_run(&fx.world, 100);
	(void)simua_log(&fx.a);
	CHECK_INT("first", sip_call_reinvite(fx.a.call), 0);
	CHECK_INT("second",
		  sip_call_update(fx.a.call, &(struct sip_call_update){.has_offer = true}), 0);
	CHECK_INT(
		"with it",
		sip_call_update(fx.a.call,
				&(struct sip_call_update){.headers = "Reason: SIP;cause=180\r\n"}),
		0);
	simworld_run(&fx.world, 100);
	CHECK_STR("a", simua_log(&fx.a), "media media");
	CHECK_INT("one UPDATE", pair_requests(&fx.a, SIP_METHOD_UPDATE), 1);
	pair_end(&fx);
}

static void unanswered(void)
{
	struct pair fx;

	setup(&fx, ALLOW);
	pair_call(&fx, NULL);
	simnode_set_down(fx.b.node, true);
	CHECK_INT("update", sip_call_update(fx.a.call, &(struct sip_call_update){0}), 0);
	simworld_run(&fx.world, 70000);
	CHECK_STR("ended", simua_log(&fx.a), "ended:timeout:0");
	simnode_set_down(fx.b.node, false);
	pair_end(&fx);
}

/* What a raw peer's UPDATE is answered.
 * -----------------------------------------------------------------------------------------------
 */

#define SDP "v=0\no=- 1 2 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 0\n"

struct raw_call {
	struct simworld world;
	struct simraw raw;
	struct simua ua;
	char to[128];
};

static void send_raw(struct raw_call *rc, const char *method, uint32_t cseq, const char *rest)
{
	struct buf text = BUF_INIT;

	buf_addf(&text,
		 "%s sip:b@@PEER@ SIP/2.0\nVia: SIP/2.0/UDP @SELF@;branch=z9hG4bK%s%u\n"
		 "Max-Forwards: 70\nFrom: <sip:c@example.org>;tag=c\nTo: %s\nCall-ID: 78\n"
		 "CSeq: %u %s\n%s",
		 method, method, (unsigned)cseq, rc->to, (unsigned)cseq, method, rest);
	simraw_send(&rc->raw, SIP_UDP, simnode_addr(rc->ua.node), text.p);
	buf_done(&text);
}

static void raw_setup(struct raw_call *rc, bool is_established)
{
	struct sip_msg msg;

	simworld_init(&rc->world, 1);
	simraw_init(&rc->raw, &rc->world, "10.0.0.9:5060");
	simua_init(&rc->ua, &rc->world,
		   &(struct simua_params){.address = "10.0.0.1:5060", .allow = ALLOW});
	rc->ua.mode = is_established ? SIMUA_ACCEPT : SIMUA_RING;
	slice_cstr(SLICE("<sip:b@example.org>"), rc->to, sizeof(rc->to));
	send_raw(rc, "INVITE", 1,
		 "Contact: <sip:c@@SELF@>\nContent-Type: application/sdp\n\n" SDP
		 "m=audio 9 RTP/AVP 0\n");
	simworld_run(&rc->world, 10);
	while (simraw_next(&rc->raw, &msg))
		slice_cstr(sip_msg_value(&msg, SIP_H_TO), rc->to, sizeof(rc->to));
	if (is_established)
		send_raw(rc, "ACK", 1, "\n");
}

static void raw_teardown(struct raw_call *rc)
{
	if (rc->ua.call)
		sip_call_hangup(rc->ua.call, NULL);
	simworld_run(&rc->world, 120000);
	CHECK_INT("left", simua_leftover(&rc->ua), 0);
	simraw_done(&rc->raw);
	simua_done(&rc->ua);
	simworld_done(&rc->world);
}

static void answers(void)
{
	static const struct {
		const char *name, *rest;
		bool is_established;
		uint16_t status;
	} cases[] = {
		{"no offer", "\n", true, 200},
		{"no offer, before the answer", "\n", false, 200},
		{"offer", "Content-Type: application/sdp\n\n" SDP "m=audio 9 RTP/AVP 8\n", true,
		 200},
		{"offer before the answer to the first",
		 "Content-Type: application/sdp\n\n" SDP "m=audio 9 RTP/AVP 8\n", false, 500},
		{"nothing in common",
		 "Content-Type: application/sdp\n\n" SDP "m=audio 9 RTP/AVP 18\n", true, 488},
		{"malformed", "Content-Type: application/sdp\n\n" SDP "m=audio nonsense\n", true,
		 400},
		{"of another type", "Content-Type: text/plain\n\nhello\n", true, 415},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct raw_call rc;
		struct sip_msg msg;
		char rest[512];

		raw_setup(&rc, cases[i].is_established);
		snprintf(rest, sizeof(rest), "Contact: <sip:new@@SELF@>\n%s", cases[i].rest);
		send_raw(&rc, "UPDATE", 2, rest);
		simworld_run(&rc.world, 20);
		while (simraw_next(&rc.raw, &msg) && msg.method != SIP_METHOD_UPDATE)
			;
		CHECK_INT(cases[i].name, msg.method, SIP_METHOD_UPDATE);
		CHECK_INT(cases[i].name, msg.status, cases[i].status);
		CHECK_INT(cases[i].name, slice_present(sip_msg_value(&msg, SIP_H_RETRY_AFTER)),
			  cases[i].status == 500);
		CHECK_SLICE(cases[i].name, sip_call_remote_target(rc.ua.call),
			    cases[i].status == 200 ? "sip:new@10.0.0.9:5060"
						   : "sip:c@10.0.0.9:5060");
		raw_teardown(&rc);
	}
}

void suite_call_update(void);
void suite_call_update(void)
{
	CHECK_SUITE("call_update");
	CHECK_TEST(hold_by_update);
	CHECK_TEST(target_refresh);
	CHECK_TEST(not_allowed);
	CHECK_TEST(glare);
	CHECK_TEST(no_glare);
	CHECK_TEST(queues_and_headers);
	CHECK_TEST(unanswered);
	CHECK_TEST(answers);
}
