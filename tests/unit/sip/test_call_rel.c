/* Reliable provisional answers and PRACK (RFC 3262), early media, UPDATE before the answer. */
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"
#include "tests/unit/sip/pair.h"

#define ALLOW "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE"
#define SDP(media)                                                                                 \
	"Content-Type: application/sdp\n\nv=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\n"                     \
	"c=IN IP4 10.0.0.9\nt=0 0\n" media

/* Two user agents
 * ------------------------------------------------------------------------------------------- */

static void setup(struct pair *fx, enum sip_100rel a, enum sip_100rel b)
{
	pair_init(fx, &(struct simua_params){.allow = ALLOW, .rel = a},
		  &(struct simua_params){.allow = ALLOW, .rel = b});
}

static void call(struct pair *fx, bool is_late)
{
	if (!is_late) {
		CHECK_INT("call", simua_call(&fx->a, "sip:b@10.0.0.2"), 0);
	} else {
		CHECK_INT(
			"call",
			simua_call_with(&fx->a,
					&(struct sip_call_invite){.target = SLICE("sip:b@10.0.0.2"),
								  .contact_user = SLICE("a")}),
			0);
		CHECK_INT("local", sip_call_set_local(fx->a.call, &fx->a.local), 0);
	}
	simworld_run(&fx->world, 100);
}

/* 183 with a description, then 200; reliable where both can, with early and with late offer. */
static void early_media(void)
{
	static const struct {
		const char *name;
		enum sip_100rel a, b;
		bool is_late;
		uint64_t pracks;
	} cases[] = {
		{"reliable answer", SIP_100REL_SUPPORTED, SIP_100REL_SUPPORTED, false, 1},
		{"reliable offer", SIP_100REL_SUPPORTED, SIP_100REL_SUPPORTED, true, 1},
		{"required by the caller", SIP_100REL_REQUIRED, SIP_100REL_SUPPORTED, false, 1},
		{"caller cannot", SIP_100REL_OFF, SIP_100REL_SUPPORTED, false, 0},
		{"callee does not", SIP_100REL_SUPPORTED, SIP_100REL_OFF, false, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pair fx;

		setup(&fx, cases[i].a, cases[i].b);
		fx.b.mode = SIMUA_EARLY;
		call(&fx, cases[i].is_late);
		pair_expect(&fx, cases[i].name, "progress:183 early", "invite early");
		CHECK_INT(cases[i].name, fx.a.agreed.send_id, 1);
		CHECK("b sends to a", addr_eq_ip(&fx.b.agreed.remote_rtp, simnode_addr(fx.a.node)));
		CHECK_INT(cases[i].name, pair_requests(&fx.a, SIP_METHOD_PRACK), cases[i].pracks);
		CHECK_INT(cases[i].name, sip_call_accept(fx.b.call, NULL), 0);
		simworld_run(&fx.world, 100);
		pair_expect(&fx, cases[i].name, "media established", "media established");
		pair_end(&fx);
	}
}

static void no_way_to_offer(void)
{
	struct pair fx;

	setup(&fx, SIP_100REL_OFF, SIP_100REL_SUPPORTED);
	fx.b.mode = SIMUA_WAIT;
	call(&fx, true);
	CHECK_INT("an offer must arrive",
		  sip_call_progress_media(fx.b.call, &(struct sip_reply){.status = 183}),
		  ERR_STATE);
	CHECK_INT("accept", sip_call_accept(fx.b.call, NULL), 0);
	CHECK_INT("too late",
		  sip_call_progress_media(fx.b.call, &(struct sip_reply){.status = 183}),
		  ERR_STATE);
	pair_end(&fx);
}

/* RFC 3262 3: no 2xx before the PRACK of an answer with a description. */
static void accept_waits(void)
{
	static const struct {
		const char *name;
		bool has_media, is_late, waits;
	} cases[] = {
		{"plain 180", false, false, false},
		{"answer", true, false, true},
		{"offer", true, true, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_reply ringing = {.status = 180};
		struct pair fx;

		setup(&fx, SIP_100REL_REQUIRED, SIP_100REL_REQUIRED);
		fx.b.mode = SIMUA_WAIT;
		call(&fx, cases[i].is_late);
		CHECK_INT(cases[i].name,
			  cases[i].has_media ? sip_call_progress_media(fx.b.call, &ringing)
					     : sip_call_progress(fx.b.call, &ringing),
			  0);
		CHECK_INT(cases[i].name,
			  sip_call_accept(fx.b.call,
					  &(struct sip_reply){.headers = "Subject: x\r\n"}),
			  0);
		CHECK_INT(cases[i].name, sip_call_state(fx.b.call),
			  cases[i].waits ? SIP_CALL_INCOMING : SIP_CALL_ACCEPTED);
		CHECK_INT("again", sip_call_accept(fx.b.call, NULL), ERR_STATE);
		CHECK_INT("again", sip_call_progress(fx.b.call, &ringing), ERR_STATE);
		simworld_run(&fx.world, 100);
		CHECK_INT(cases[i].name, sip_call_state(fx.a.call), SIP_CALL_ESTABLISHED);
		CHECK_INT(cases[i].name, sip_call_state(fx.b.call), SIP_CALL_ESTABLISHED);
		CHECK_INT(cases[i].name, pair_requests(&fx.a, SIP_METHOD_PRACK), 1);
		pair_end(&fx);
	}
}

/* Cancelled, hung up or refused while the 2xx waits. */
static void ends_while_waiting(void)
{
	for (int by = 0; by < 3; by++) {
		struct pair fx;

		setup(&fx, SIP_100REL_SUPPORTED, SIP_100REL_SUPPORTED);
		fx.b.mode = SIMUA_WAIT;
		call(&fx, false);
		(void)simua_log(&fx.b);
		CHECK_INT("183",
			  sip_call_progress_media(fx.b.call, &(struct sip_reply){.status = 183}),
			  0);
		CHECK_INT("accept", sip_call_accept(fx.b.call, NULL), 0);
		if (by == 0)
			sip_call_hangup(fx.a.call, NULL);
		else if (by == 1)
			sip_call_hangup(fx.b.call, NULL);
		else
			CHECK_INT("reject",
				  sip_call_reject(fx.b.call, &(struct sip_reply){.status = 486}),
				  0);
		simworld_run(&fx.world, 1000);
		CHECK("over", !fx.a.call && !fx.b.call);
		pair_end(&fx);
	}
}

/* One at a time, the others in line, in order; more than four wait for nobody. */
static void line(void)
{
	struct pair fx;

	setup(&fx, SIP_100REL_REQUIRED, SIP_100REL_REQUIRED);
	fx.b.mode = SIMUA_WAIT;
	call(&fx, false);
	for (int i = 0; i < 6; i++) {
		struct sip_reply reply = {
			.status = (uint16_t)(180 + i), .reason = "so", .headers = "Subject: x\r\n"};

		CHECK_INT("progress", sip_call_progress(fx.b.call, &reply), i < 5 ? 0 : ERR_LIMIT);
	}
	simworld_run(&fx.world, 200);
	pair_expect(&fx, "in order",
		    "progress:180 progress:181 progress:182 progress:183 progress:184", "invite");
	CHECK_INT("each acknowledged", pair_requests(&fx.a, SIP_METHOD_PRACK), 5);
	CHECK_INT("one more", sip_call_progress(fx.b.call, &(struct sip_reply){.status = 180}), 0);
	CHECK_INT("waits", sip_call_progress(fx.b.call, &(struct sip_reply){.status = 181}), 0);
	sip_call_hangup(fx.b.call, NULL);
	pair_end(&fx);
}

/* UPDATE with an offer before the answer (RFC 3311 5.1), from either side. */
static void early_update(void)
{
	for (int by_caller = 0; by_caller < 2; by_caller++) {
		struct sip_call_update update = {.has_offer = true};
		struct pair fx;
		struct simua *x = by_caller ? &fx.a : &fx.b, *y = by_caller ? &fx.b : &fx.a;
		struct offer_local hold;

		setup(&fx, SIP_100REL_SUPPORTED, SIP_100REL_SUPPORTED);
		fx.b.mode = SIMUA_RING;
		call(&fx, false);
		CHECK_INT("nothing agreed on yet", sip_call_update(x->call, &update), ERR_STATE);
		CHECK_INT("183",
			  sip_call_progress_media(fx.b.call, &(struct sip_reply){.status = 183}),
			  0);
		simworld_run(&fx.world, 100);
		(void)simua_log(x);
		(void)simua_log(y);
		hold = simua_offer(simnode_addr(x->node), SDP_SENDONLY);
		CHECK_INT("local", sip_call_set_local(x->call, &hold), 0);
		CHECK_INT("update", sip_call_update(x->call, &update), 0);
		simworld_run(&fx.world, 100);
		CHECK_STR("x", simua_log(x), "early");
		CHECK_STR("y", simua_log(y), "early:held");
		CHECK_INT("accept", sip_call_accept(fx.b.call, NULL), 0);
		simworld_run(&fx.world, 100);
		CHECK_STR("x", simua_log(x), "media established");
		CHECK_STR("y", simua_log(y), "media:held established");
		pair_end(&fx);
	}
}

/* Both at once: 491 for both, then one after the other. */
static void early_glare(void)
{
	struct sip_call_update update = {.has_offer = true};
	struct pair fx;

	setup(&fx, SIP_100REL_SUPPORTED, SIP_100REL_SUPPORTED);
	fx.b.mode = SIMUA_EARLY;
	call(&fx, false);
	CHECK_INT("a", sip_call_update(fx.a.call, &update), 0);
	CHECK_INT("b", sip_call_update(fx.b.call, &update), 0);
	simworld_run(&fx.world, 50);
	pair_expect(&fx, "refused", "progress:183 early", "invite early");
	simworld_run(&fx.world, 5000);
	pair_expect(&fx, "each in its turn", "early early", "early early");
	pair_end(&fx);
}

/* We answer a raw caller
 * --------------------------------------------------------------------------------------- */

struct raw_world {
	struct simworld world;
	struct simraw raw;
	struct simua ua;
	char to[128];
};

static void raw_setup(struct raw_world *rw, enum sip_100rel rel, enum simua_mode mode)
{
	simworld_init(&rw->world, 1);
	simraw_init(&rw->raw, &rw->world, "10.0.0.9:5060");
	simua_init(&rw->ua, &rw->world,
		   &(struct simua_params){.address = "10.0.0.1:5060", .allow = ALLOW, .rel = rel});
	rw->ua.mode = mode;
	slice_cstr(SLICE("<sip:b@example.org>"), rw->to, sizeof(rw->to));
}

static void raw_teardown(struct raw_world *rw)
{
	simua_hangup_all(&rw->ua);
	simworld_run(&rw->world, 120000);
	CHECK_INT("left", simua_leftover(&rw->ua), 0);
	simraw_done(&rw->raw);
	simua_done(&rw->ua);
	simworld_done(&rw->world);
}

static void raw_request(struct raw_world *rw, const char *method, uint32_t cseq, const char *rest)
{
	struct buf text = BUF_INIT;

	buf_addf(&text,
		 "%s sip:b@@PEER@ SIP/2.0\nVia: SIP/2.0/UDP @SELF@;branch=z9hG4bK%s%u\n"
		 "Max-Forwards: 70\nFrom: <sip:c@example.org>;tag=c\nTo: %s\nCall-ID: 78\n"
		 "CSeq: %u %s\nContact: <sip:c@@SELF@>\n%s",
		 method, method, (unsigned)cseq, rw->to, (unsigned)cseq, method, rest);
	simraw_send(&rw->raw, SIP_UDP, simnode_addr(rw->ua.node), text.p);
	buf_done(&text);
	simworld_run(&rw->world, 20);
}

static void options(void)
{
	static const struct {
		const char *name, *headers;
		enum sip_100rel rel;
		uint16_t status;
		const char *require;
	} cases[] = {
		{"off, required", "Require: 100rel\n", SIP_100REL_OFF, 420, NULL},
		{"off, supported", "Supported: 100rel\n", SIP_100REL_OFF, 180, NULL},
		{"supported by both", "Supported: 100rel\n", SIP_100REL_SUPPORTED, 180, NULL},
		{"required by the caller", "Require: 100rel\n", SIP_100REL_SUPPORTED, 180,
		 "100rel"},
		{"required by us", "Supported: timer, 100rel\n", SIP_100REL_REQUIRED, 180,
		 "100rel"},
		{"required by us, unknown", "", SIP_100REL_REQUIRED, 421, "100rel"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct raw_world rw;
		struct sip_msg msg;
		char rest[256];

		raw_setup(&rw, cases[i].rel, SIMUA_RING);
		snprintf(rest, sizeof(rest), "%s\n", cases[i].headers);
		raw_request(&rw, "INVITE", 1, rest);
		CHECK(cases[i].name,
		      simraw_find(&rw.raw, SIP_METHOD_INVITE, cases[i].status, &msg));
		CHECK_SLICE(cases[i].name, sip_msg_value(&msg, SIP_H_REQUIRE), cases[i].require);
		CHECK_INT(cases[i].name, slice_present(sip_msg_value(&msg, SIP_H_RSEQ)),
			  cases[i].require && cases[i].status == 180);
		if (cases[i].status == 180 && cases[i].require)
			raw_request(&rw, "CANCEL", 1, "\n");
		raw_teardown(&rw);
	}
}

/* T1, doubled each time, for 64*T1; then the INVITE is refused with a 5xx (3). */
static void unacknowledged(void)
{
	static const uint32_t at_ms[] = {500, 1500, 3500, 7500, 15500, 31500};
	struct raw_world rw;
	struct sip_msg msg;

	raw_setup(&rw, SIP_100REL_SUPPORTED, SIMUA_RING);
	raw_request(&rw, "INVITE", 1, "Require: 100rel\n\n");
	CHECK("180", simraw_find(&rw.raw, SIP_METHOD_INVITE, 180, &msg));
	for (size_t i = 0, now_ms = 20; i < ARRAY_LEN(at_ms); i++) {
		simworld_run(&rw.world, at_ms[i] - 10 - now_ms);
		CHECK("not yet", !simraw_find(&rw.raw, SIP_METHOD_INVITE, 180, &msg));
		simworld_run(&rw.world, 30);
		CHECK("again", simraw_find(&rw.raw, SIP_METHOD_INVITE, 180, &msg));
		now_ms = at_ms[i] + 20;
	}
	simworld_run(&rw.world, 1000);
	CHECK("refused", simraw_find(&rw.raw, SIP_METHOD_INVITE, 504, &msg));
	simworld_run(&rw.world, 40000);
	CHECK_STR("told", simua_log(&rw.ua), "invite ended:timeout:504");
	raw_teardown(&rw);
}

static uint32_t start_reliable(struct raw_world *rw, const char *rest, uint16_t status,
			       struct sip_msg *ret_msg)
{
	uint32_t rseq = 0;

	raw_request(rw, "INVITE", 7, rest);
	CHECK("answer", simraw_find(&rw->raw, SIP_METHOD_INVITE, status, ret_msg));
	slice_cstr(sip_msg_value(ret_msg, SIP_H_TO), rw->to, sizeof(rw->to));
	CHECK_INT("RSeq", slice_u32(sip_msg_value(ret_msg, SIP_H_RSEQ), INT32_MAX, &rseq), 0);
	CHECK("in range", rseq > 0);
	return rseq;
}

static void racks(void)
{
	static const struct {
		const char *name, *format;
		int32_t add;
		uint16_t status;
	} cases[] = {
		{"none", "X: %u\n\n", 0, 481},
		{"another RSeq", "RAck: %u 7 INVITE\n\n", 1, 481},
		{"another CSeq", "RAck: %u 8 INVITE\n\n", 0, 481},
		{"another method", "RAck: %u 7 UPDATE\n\n", 0, 481},
		{"nonsense", "RAck: x%u y\n\n", 0, 481},
		{"the right one", "RAck: %u 7 INVITE\n\n", 0, 200},
		{"the right one again", "RAck: %u 7 INVITE\n\n", 0, 481},
	};
	struct raw_world rw;
	struct sip_msg msg;
	uint32_t rseq, cseq = 8;

	raw_setup(&rw, SIP_100REL_SUPPORTED, SIMUA_RING);
	rseq = start_reliable(&rw, "Require: 100rel\n\n", 180, &msg);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char rest[128];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(rest, sizeof(rest), cases[i].format,
			 (unsigned)(rseq + (uint32_t)cases[i].add));
#pragma GCC diagnostic pop
		raw_request(&rw, "PRACK", cseq++, rest);
		CHECK(cases[i].name, simraw_find(&rw.raw, SIP_METHOD_PRACK, cases[i].status, &msg));
	}
	simraw_forget(&rw.raw);
	simworld_run(&rw.world, 40000);
	CHECK("no more copies", !simraw_find(&rw.raw, SIP_METHOD_INVITE, 180, &msg));
	CHECK_STR("rings on", simua_log(&rw.ua), "invite");
	raw_teardown(&rw);
}

/* What a PRACK carries: our offer's answer, or another offer (5). */
static void prack_bodies(void)
{
	static const struct {
		const char *name, *invite, *prack;
		uint16_t status;
		const char *log;
	} cases[] = {
		{"answer to our offer", "Require: 100rel\n\n", SDP("m=audio 9 RTP/AVP 8\n"), 200,
		 "invite early"},
		{"no answer", "Require: 100rel\n\n", "\n", 200, "invite ended:local:488"},
		{"not an answer", "Require: 100rel\n\n", SDP("m=video 9 RTP/AVP 31\n"), 200,
		 "invite ended:local:488"},
		{"another offer", "Require: 100rel\n" SDP("m=audio 9 RTP/AVP 0\n"),
		 SDP("m=audio 9 RTP/AVP 8\na=sendonly\n"), 200, "invite early early:held"},
		{"an offer that does not fit", "Require: 100rel\n" SDP("m=audio 9 RTP/AVP 0\n"),
		 SDP("m=audio 9 RTP/AVP 18\n"), 488, "invite early"},
		{"nothing", "Require: 100rel\n" SDP("m=audio 9 RTP/AVP 0\n"), "\n", 200,
		 "invite early"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct raw_world rw;
		struct sip_msg msg;
		char rest[512];
		uint32_t rseq;

		raw_setup(&rw, SIP_100REL_SUPPORTED, SIMUA_EARLY);
		rseq = start_reliable(&rw, cases[i].invite, 183, &msg);
		CHECK(cases[i].name, msg.body.len > 0);
		snprintf(rest, sizeof(rest), "RAck: %u 7 INVITE\n%s", (unsigned)rseq,
			 cases[i].prack);
		raw_request(&rw, "PRACK", 8, rest);
		CHECK(cases[i].name, simraw_find(&rw.raw, SIP_METHOD_PRACK, cases[i].status, &msg));
		if (sip_call_state(rw.ua.call) == SIP_CALL_INCOMING) {
			CHECK_INT("accept", sip_call_accept(rw.ua.call, NULL), 0);
			simworld_run(&rw.world, 20);
			CHECK("200", simraw_find(&rw.raw, SIP_METHOD_INVITE, 200, &msg));
			CHECK_INT("all was said before", msg.body.len, 0);
		} else {
			raw_request(&rw, "ACK", 7, "\n");
		}
		simworld_run(&rw.world, 40000);
		CHECK("log", slice_starts(slice_of(simua_log(&rw.ua)), slice_of(cases[i].log)));
		raw_teardown(&rw);
	}
}

/* An UPDATE overtakes the PRACK: that one is still what the 183 waits for. */
static void overtaken(void)
{
	struct raw_world rw;
	struct sip_msg msg;
	char rest[128];
	uint32_t rseq;

	raw_setup(&rw, SIP_100REL_SUPPORTED, SIMUA_RING);
	rseq = start_reliable(&rw, "Require: 100rel\n\n", 180, &msg);
	raw_request(&rw, "UPDATE", 9, "\n");
	CHECK("UPDATE", simraw_find(&rw.raw, SIP_METHOD_UPDATE, 200, &msg));
	snprintf(rest, sizeof(rest), "RAck: %u 7 INVITE\n\n", (unsigned)rseq);
	raw_request(&rw, "PRACK", 8, rest);
	CHECK("PRACK", simraw_find(&rw.raw, SIP_METHOD_PRACK, 200, &msg));
	raw_teardown(&rw);
}

/* A raw callee answers us
 * -------------------------------------------------------------------------------------- */

static struct sip_msg raw_called(struct raw_world *rw, bool is_late)
{
	struct sip_msg invite;

	if (is_late) {
		CHECK_INT(
			"call",
			simua_call_with(&rw->ua,
					&(struct sip_call_invite){.target = SLICE("sip:b@10.0.0.9"),
								  .contact_user = SLICE("a")}),
			0);
	} else {
		CHECK_INT("call", simua_call(&rw->ua, "sip:b@10.0.0.9"), 0);
	}
	simworld_run(&rw->world, 20);
	CHECK("INVITE", simraw_find(&rw->raw, SIP_METHOD_INVITE, 0, &invite));
	return invite;
}

static void answer(struct raw_world *rw, const struct sip_msg *request, uint16_t status,
		   const char *tag, const char *rest)
{
	simraw_answer(&rw->raw, request, status, tag, rest);
	simworld_run(&rw->world, 20);
}

#define CONTACT "Contact: <sip:b@10.0.0.9>\nAllow: UPDATE\n"

/* Copies and gaps are not told and not acknowledged (4). */
static void in_order(void)
{
	struct sip_msg invite, prack;
	struct raw_world rw;

	raw_setup(&rw, SIP_100REL_SUPPORTED, SIMUA_ACCEPT);
	invite = raw_called(&rw, false);
	CHECK("offered", sip_list_has(&invite, SIP_H_SUPPORTED, "100rel"));
	answer(&rw, &invite, 180, "x", CONTACT "Require: 100rel\nRSeq: 5\n\n");
	CHECK("PRACK", simraw_find(&rw.raw, SIP_METHOD_PRACK, 0, &prack));
	CHECK("RAck", slice_starts(sip_msg_value(&prack, SIP_H_RACK), SLICE("5 ")));
	answer(&rw, &prack, 200, NULL, "\n");
	answer(&rw, &invite, 180, "x", CONTACT "Require: 100rel\nRSeq: 5\n\n");
	answer(&rw, &invite, 183, "x", CONTACT "Require: 100rel\nRSeq: 7\n\n");
	answer(&rw, &invite, 183, "x", CONTACT "Require: 100rel\nRSeq: none\n\n");
	CHECK("not acknowledged", !simraw_find(&rw.raw, SIP_METHOD_PRACK, 0, &prack));
	answer(&rw, &invite, 181, "x", CONTACT "Require: 100rel\nRSeq: 6\n\n");
	CHECK("the next", simraw_find(&rw.raw, SIP_METHOD_PRACK, 0, &prack));
	CHECK_STR("told once", simua_log(&rw.ua), "progress:180 progress:181");
	raw_teardown(&rw);
}

/* Two callees ring with early media; the second answers, with nothing new to say. A third one's 200
 * is acknowledged and rung off (RFC 3261 13.2.2.4). */
static void forks(void)
{
	struct sip_msg invite, msg;
	struct raw_world rw;

	raw_setup(&rw, SIP_100REL_SUPPORTED, SIMUA_ACCEPT);
	invite = raw_called(&rw, false);
	answer(&rw, &invite, 183, "x",
	       CONTACT "Require: 100rel\nRSeq: 1\n" SDP("m=audio 11 RTP/AVP 0\n"));
	CHECK("PRACK", simraw_find(&rw.raw, SIP_METHOD_PRACK, 0, &msg));
	answer(&rw, &msg, 200, NULL, "\n");
	CHECK_INT("x", addr_port(&rw.ua.agreed.remote_rtp), 11);
	answer(&rw, &invite, 183, "y",
	       CONTACT "Require: 100rel\nRSeq: 1\n" SDP("m=audio 22 RTP/AVP 8\n"));
	CHECK("PRACK", simraw_find(&rw.raw, SIP_METHOD_PRACK, 0, &msg));
	answer(&rw, &msg, 200, NULL, "\n");
	CHECK_INT("y", addr_port(&rw.ua.agreed.remote_rtp), 22);
	answer(&rw, &invite, 180, "x", CONTACT "\n");
	CHECK_STR("early", simua_log(&rw.ua), "progress:183 early progress:183 early progress:180");
	answer(&rw, &invite, 200, "y", CONTACT "Record-Route: <sip:10.0.0.9;lr>\n\n");
	CHECK("ACK", simraw_find(&rw.raw, SIP_METHOD_ACK, 0, &msg));
	CHECK("by the route of the 200", slice_present(sip_msg_value(&msg, SIP_H_ROUTE)));
	CHECK_STR("answered", simua_log(&rw.ua), "media established");
	CHECK_INT("y", addr_port(&rw.ua.agreed.remote_rtp), 22);
	answer(&rw, &invite, 200, "x", CONTACT SDP("m=audio 11 RTP/AVP 0\n"));
	CHECK("ACK", simraw_find(&rw.raw, SIP_METHOD_ACK, 0, &msg));
	CHECK("BYE", simraw_find(&rw.raw, SIP_METHOD_BYE, 0, &msg));
	answer(&rw, &msg, 200, NULL, "\n");
	CHECK_STR("not told", simua_log(&rw.ua), "");
	sip_call_hangup(rw.ua.call, NULL);
	simworld_run(&rw.world, 20);
	CHECK("BYE", simraw_find(&rw.raw, SIP_METHOD_BYE, 0, &msg));
	CHECK("behind PRACK and ACK", slice_present(sip_msg_value(&msg, SIP_H_CSEQ)));
	answer(&rw, &msg, 200, NULL, "\n");
	raw_teardown(&rw);
}

/* A preview gives way to the answer in the 2xx, and stands in for it when there is none. */
static void previews(void)
{
	static const struct {
		const char *name, *ok;
		uint16_t port;
	} cases[] = {
		{"the same", CONTACT SDP("m=audio 11 RTP/AVP 0\n"), 11},
		{"another", CONTACT SDP("m=audio 33 RTP/AVP 0\n"), 33},
		{"none", CONTACT "\n", 11},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_msg invite, ack;
		struct raw_world rw;

		raw_setup(&rw, SIP_100REL_OFF, SIMUA_ACCEPT);
		invite = raw_called(&rw, false);
		answer(&rw, &invite, 183, "x", CONTACT SDP("m=audio 11 RTP/AVP 0\n"));
		CHECK_INT(cases[i].name, addr_port(&rw.ua.agreed.remote_rtp), 11);
		CHECK_STR(cases[i].name, simua_log(&rw.ua), "progress:183 early");
		answer(&rw, &invite, 200, "x", cases[i].ok);
		CHECK(cases[i].name, simraw_find(&rw.raw, SIP_METHOD_ACK, 0, &ack));
		CHECK_STR(cases[i].name, simua_log(&rw.ua), "media established");
		CHECK_INT(cases[i].name, addr_port(&rw.ua.agreed.remote_rtp), cases[i].port);
		raw_teardown(&rw);
	}
}

/* Their offer in a reliable 180 while we have nothing to answer with. */
static void nothing_to_answer_with(void)
{
	struct sip_msg invite, msg;
	struct raw_world rw;

	raw_setup(&rw, SIP_100REL_SUPPORTED, SIMUA_ACCEPT);
	invite = raw_called(&rw, true);
	answer(&rw, &invite, 180, "x",
	       CONTACT "Require: 100rel\nRSeq: 1\n" SDP("m=audio 11 RTP/AVP 0\n"));
	CHECK("PRACK", simraw_find(&rw.raw, SIP_METHOD_PRACK, 0, &msg));
	CHECK_INT("without a body", msg.body.len, 0);
	CHECK("CANCEL", simraw_find(&rw.raw, SIP_METHOD_CANCEL, 0, &msg));
	answer(&rw, &msg, 200, NULL, "\n");
	answer(&rw, &invite, 487, "x", "\n");
	CHECK_STR("ended", simua_log(&rw.ua), "progress:180 ended:local:487");
	raw_teardown(&rw);
}

/* What the callee may ask before it has answered. */
static void requests_of_the_callee(void)
{
	static const struct {
		const char *name, *method, *rest;
		bool is_agreed;
		uint16_t status;
	} cases[] = {
		{"UPDATE without an offer", "UPDATE", "\n", false, 200},
		{"UPDATE with an offer, ours is open", "UPDATE", SDP("m=audio 9 RTP/AVP 8\n"),
		 false, 491},
		{"UPDATE with an offer", "UPDATE", SDP("m=audio 9 RTP/AVP 8\n"), true, 200},
		{"PRACK", "PRACK", "RAck: 1 1 INVITE\n\n", true, 481},
		{"INVITE", "INVITE", "\n", true, 491},
		{"BYE", "BYE", "\n", true, 481},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf text = BUF_INIT;
		struct sip_msg invite, msg;
		struct raw_world rw;

		raw_setup(&rw, SIP_100REL_SUPPORTED, SIMUA_ACCEPT);
		invite = raw_called(&rw, false);
		answer(&rw, &invite, 183, "x",
		       cases[i].is_agreed ? CONTACT
			       "Require: 100rel\nRSeq: 1\n" SDP("m=audio 11 RTP/AVP 0\n")
					  : CONTACT "\n");
		buf_addf(&text,
			 "%s sip:a@@PEER@ SIP/2.0\nVia: SIP/2.0/UDP @SELF@;branch=z9hG4bK1\n"
			 "Max-Forwards: 70\nFrom: <sip:b@10.0.0.9>;tag=x\nTo: " SLICE_FMT
			 "\nCall-ID: " SLICE_FMT "\nCSeq: 50 %s\nContact: <sip:new@@SELF@>\n%s",
			 cases[i].method, SLICE_ARG(sip_msg_value(&invite, SIP_H_FROM)),
			 SLICE_ARG(sip_msg_value(&invite, SIP_H_CALL_ID)), cases[i].method,
			 cases[i].rest);
		simraw_send(&rw.raw, SIP_UDP, simnode_addr(rw.ua.node), text.p);
		simworld_run(&rw.world, 20);
		CHECK(cases[i].name,
		      simraw_find(&rw.raw, sip_method_parse(slice_of(cases[i].method)),
				  cases[i].status, &msg));
		buf_done(&text);
		raw_teardown(&rw);
	}
}

/* A re-INVITE is answered reliably before its 200 (5). */
static void reliable_reinvite(void)
{
	struct sip_msg invite, msg;
	struct raw_world rw;

	raw_setup(&rw, SIP_100REL_SUPPORTED, SIMUA_ACCEPT);
	invite = raw_called(&rw, false);
	answer(&rw, &invite, 200, "x", CONTACT SDP("m=audio 11 RTP/AVP 0\n"));
	(void)simua_log(&rw.ua);
	CHECK_INT("reinvite", sip_call_reinvite(rw.ua.call), 0);
	simworld_run(&rw.world, 20);
	CHECK("INVITE", simraw_find(&rw.raw, SIP_METHOD_INVITE, 0, &invite));
	answer(&rw, &invite, 183, NULL,
	       CONTACT "Require: 100rel\nRSeq: 9\n" SDP("m=audio 44 RTP/AVP 8\n"));
	CHECK("PRACK", simraw_find(&rw.raw, SIP_METHOD_PRACK, 0, &msg));
	answer(&rw, &msg, 200, NULL, "\n");
	CHECK_STR("agreed", simua_log(&rw.ua), "media");
	answer(&rw, &invite, 200, NULL, CONTACT "\n");
	CHECK("ACK", simraw_find(&rw.raw, SIP_METHOD_ACK, 0, &msg));
	CHECK_STR("once", simua_log(&rw.ua), "");
	CHECK_INT("port", addr_port(&rw.ua.agreed.remote_rtp), 44);
	raw_teardown(&rw);
}

/* A callee that answers a re-INVITE again and again, each time as somebody else, is not listened to
 * for ever. */
static void made_up_tags(void)
{
	struct sip_msg invite, ack;
	struct raw_world rw;
	uint32_t acks = 0;

	raw_setup(&rw, SIP_100REL_SUPPORTED, SIMUA_ACCEPT);
	invite = raw_called(&rw, false);
	answer(&rw, &invite, 200, "x", CONTACT SDP("m=audio 11 RTP/AVP 0\n"));
	CHECK("ACK", simraw_find(&rw.raw, SIP_METHOD_ACK, 0, &ack));
	CHECK_INT("reinvite", sip_call_reinvite(rw.ua.call), 0);
	simworld_run(&rw.world, 20);
	CHECK("INVITE", simraw_find(&rw.raw, SIP_METHOD_INVITE, 0, &invite));
	for (uint32_t i = 0; i < 40; i++) {
		struct buf text = BUF_INIT;

		buf_addf(&text,
			 "SIP/2.0 200 OK\nVia: " SLICE_FMT "\nFrom: " SLICE_FMT
			 "\nTo: <sip:b@10.0.0.9>;tag=x%u\nCall-ID: " SLICE_FMT "\nCSeq: " SLICE_FMT
			 "\n" CONTACT SDP("m=audio 11 RTP/AVP 0\n"),
			 SLICE_ARG(sip_msg_value(&invite, SIP_H_VIA)),
			 SLICE_ARG(sip_msg_value(&invite, SIP_H_FROM)), i,
			 SLICE_ARG(sip_msg_value(&invite, SIP_H_CALL_ID)),
			 SLICE_ARG(sip_msg_value(&invite, SIP_H_CSEQ)));
		simraw_send(&rw.raw, SIP_UDP, simnode_addr(rw.ua.node), text.p);
		buf_done(&text);
		simworld_run(&rw.world, 20);
		acks += simraw_find(&rw.raw, SIP_METHOD_ACK, 0, &ack);
	}
	CHECK_INT("acknowledged (CALL_ACKS_MAX)", acks, 17);
	raw_teardown(&rw);
}

void suite_call_rel(void);
void suite_call_rel(void)
{
	CHECK_SUITE("call_rel");
	CHECK_TEST(early_media);
	CHECK_TEST(no_way_to_offer);
	CHECK_TEST(accept_waits);
	CHECK_TEST(ends_while_waiting);
	CHECK_TEST(line);
	CHECK_TEST(early_update);
	CHECK_TEST(early_glare);
	CHECK_TEST(options);
	CHECK_TEST(unacknowledged);
	CHECK_TEST(racks);
	CHECK_TEST(prack_bodies);
	CHECK_TEST(overtaken);
	CHECK_TEST(in_order);
	CHECK_TEST(forks);
	CHECK_TEST(previews);
	CHECK_TEST(nothing_to_answer_with);
	CHECK_TEST(requests_of_the_callee);
	CHECK_TEST(reliable_reinvite);
	CHECK_TEST(made_up_tags);
}
