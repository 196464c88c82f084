/* Session timers (RFC 4028): who refreshes how often, with what, and what ends the call. */
#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"
#include "tests/unit/sip/pair.h"

#define WITH_UPDATE "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE"
#define WITHOUT_UPDATE "INVITE, ACK, BYE, CANCEL, OPTIONS"

struct side {
	uint32_t expires_s, min_s;
	const char *supported, *allow;
};

static struct simua_params params_of(const struct side *side)
{
	return (struct simua_params){.supported = side->supported,
				     .allow = side->allow ? side->allow : WITH_UPDATE,
				     .session_expires_s = side->expires_s,
				     .min_se_s = side->min_s};
}

static void setup(struct pair *fx, struct side a, struct side b)
{
	struct simua_params params_a = params_of(&a), params_b = params_of(&b);

	pair_init(fx, &params_a, &params_b);
	pair_call(fx, NULL);
}

static void negotiation(void)
{
	static const struct {
		const char *name;
		struct side a, b;
		uint32_t expires_s; /* what both say */
		bool is_refresher_a, is_refresher_b;
	} cases[] = {
		{"nobody asks", {0}, {0}, 0, false, false},
		{"the caller asks", {1800, 0, NULL, NULL}, {0}, 1800, true, false},
		{"the callee asks", {0}, {1200, 0, NULL, NULL}, 1200, true, false},
		{"the callee cuts it down",
		 {1800, 0, NULL, NULL},
		 {600, 0, NULL, NULL},
		 600,
		 true,
		 false},
		{"but never adds", {600, 0, NULL, NULL}, {1800, 0, NULL, NULL}, 600, true, false},
		{"not below what the caller can bear",
		 {1800, 900, NULL, NULL},
		 {600, 0, NULL, NULL},
		 900,
		 true,
		 false},
		{"422, then longer",
		 {100, 0, NULL, NULL},
		 {1800, 300, NULL, NULL},
		 300,
		 true,
		 false},
		{"never below 90 s", {10, 0, NULL, NULL}, {0}, 90, true, false},
		{"a callee without it", {1800, 0, NULL, NULL}, {0, 0, "", NULL}, 0, false, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pair fx;
		bool is_refresher = false;

		setup(&fx, cases[i].a, cases[i].b);
		CHECK_INT(cases[i].name, sip_call_session_expires_s(fx.a.call, &is_refresher),
			  cases[i].expires_s);
		CHECK_INT(cases[i].name, is_refresher, cases[i].is_refresher_a);
		CHECK_INT(cases[i].name, sip_call_session_expires_s(fx.b.call, &is_refresher),
			  cases[i].expires_s);
		CHECK_INT(cases[i].name, is_refresher, cases[i].is_refresher_b);
		pair_end(&fx);
	}
}

/* A caller that does not know session timers: we may run one, and refresh it ourselves (table 2).
 */
static void caller_without(void)
{
	struct pair fx;
	bool is_refresher;

	setup(&fx, (struct side){0, 0, "", NULL}, (struct side){600, 0, NULL, NULL});
	CHECK_INT("runs", sip_call_session_expires_s(fx.b.call, &is_refresher), 600);
	CHECK("we refresh", is_refresher);
	simworld_run(&fx.world, 301000);
	CHECK_INT("refreshed", pair_requests(&fx.b, SIP_METHOD_UPDATE), 1);
	simworld_run(&fx.world, 1200000);
	CHECK_STR("lives", simua_log(&fx.b), "");
	pair_end(&fx);
}

/* By UPDATE without an offer where it is allowed, else by re-INVITE with the same description. */
static void refreshes(void)
{
	static const struct {
		const char *name, *allow;
		enum sip_method method;
		const char *log;
	} cases[] = {
		{"UPDATE", WITH_UPDATE, SIP_METHOD_UPDATE, ""},
		{"re-INVITE", WITHOUT_UPDATE, SIP_METHOD_INVITE, "media media media media"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t before;
		struct pair fx;

		setup(&fx, (struct side){600, 0, NULL, NULL},
		      (struct side){0, 0, NULL, cases[i].allow});
		before = pair_requests(&fx.a, cases[i].method);
		simworld_run(&fx.world, 299800);
		CHECK_INT(cases[i].name, pair_requests(&fx.a, cases[i].method), before);
		simworld_run(&fx.world, 400);
		CHECK_INT(cases[i].name, pair_requests(&fx.a, cases[i].method), before + 1);
		simworld_run(&fx.world, 1000000);
		CHECK_INT(cases[i].name, pair_requests(&fx.a, cases[i].method), before + 4);
		CHECK_STR(cases[i].name, simua_log(&fx.a), cases[i].log);
		CHECK_STR(cases[i].name, simua_log(&fx.b), cases[i].log);
		pair_end(&fx);
	}
}

/* An Allow that promises too much: 405 to the UPDATE, and a re-INVITE follows. */
static void update_refused(void)
{
	struct simworld world;
	struct simraw raw;
	struct simua ua;
	struct sip_msg msg;
	char text[2048];

	simworld_init(&world, 1);
	simraw_init(&raw, &world, "10.0.0.9:5060");
	simua_init(&ua, &world,
		   &(struct simua_params){.address = "10.0.0.1:5060",
					  .session_expires_s = 600,
					  .allow = WITH_UPDATE});
	simraw_send(&raw, SIP_UDP, simnode_addr(ua.node),
		    "INVITE sip:b@@PEER@ SIP/2.0\n"
		    "Via: SIP/2.0/UDP @SELF@;branch=z9hG4bK1\nMax-Forwards: 70\n"
		    "From: <sip:c@example.org>;tag=c\nTo: <sip:b@example.org>\n"
		    "Call-ID: 78\nCSeq: 1 INVITE\nContact: <sip:c@@SELF@>\n"
		    "Allow: INVITE, ACK, BYE, UPDATE\nSupported: timer\n"
		    "Session-Expires: 200;refresher=uas\n"
		    "Content-Type: application/sdp\n\n"
		    "v=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 0\n"
		    "m=audio 9 RTP/AVP 0\n");
	simworld_run(&world, 10);
	do {
		CHECK("200", simraw_next(&raw, &msg));
	} while (msg.status < 200);
	CHECK_INT("200", msg.status, 200);
	CHECK_SLICE("we refresh", sip_msg_value(&msg, SIP_H_SESSION_EXPIRES), "200;refresher=uas");
	snprintf(text, sizeof(text),
		 "ACK sip:b@@PEER@ SIP/2.0\nVia: SIP/2.0/UDP @SELF@;branch=z9hG4bK2\n"
		 "Max-Forwards: 70\nFrom: <sip:c@example.org>;tag=c\nTo: " SLICE_FMT "\n"
		 "Call-ID: 78\nCSeq: 1 ACK\nContent-Length: 0\n\n",
		 SLICE_ARG(sip_msg_value(&msg, SIP_H_TO)));
	simraw_send(&raw, SIP_UDP, simnode_addr(ua.node), text);
	simworld_run(&world, 100100);
	CHECK("UPDATE", simraw_next(&raw, &msg) && msg.method == SIP_METHOD_UPDATE);
	CHECK_SLICE("we refresh", sip_msg_value(&msg, SIP_H_SESSION_EXPIRES), "200;refresher=uac");
	CHECK_INT("no offer", msg.body.len, 0);
	snprintf(text, sizeof(text),
		 "SIP/2.0 405 No\nVia: " SLICE_FMT "\nFrom: " SLICE_FMT "\nTo: " SLICE_FMT
		 "\nCall-ID: 78\nCSeq: " SLICE_FMT "\nContent-Length: 0\n\n",
		 SLICE_ARG(sip_msg_value(&msg, SIP_H_VIA)),
		 SLICE_ARG(sip_msg_value(&msg, SIP_H_FROM)),
		 SLICE_ARG(sip_msg_value(&msg, SIP_H_TO)),
		 SLICE_ARG(sip_msg_value(&msg, SIP_H_CSEQ)));
	simraw_send(&raw, SIP_UDP, simnode_addr(ua.node), text);
	simworld_run(&world, 100);
	CHECK("re-INVITE", simraw_next(&raw, &msg) && msg.method == SIP_METHOD_INVITE);
	CHECK("offer", msg.body.len > 0);
	simworld_run(&world, 120000);
	CHECK_STR("nobody answers that", simua_log(&ua),
		  "invite media established ended:timeout:0");
	CHECK_INT("left", simua_leftover(&ua), 0);
	simraw_done(&raw);
	simua_done(&ua);
	simworld_done(&world);
}

/* Nobody refreshes: who waits says BYE a third of the time, at most 32 s, before the end (10). */
static void expiry(void)
{
	static const struct {
		const char *name;
		uint32_t expires_s, bye_after_s;
	} cases[] = {{"short", 90, 60}, {"long", 600, 568}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pair fx;

		setup(&fx, (struct side){cases[i].expires_s, 0, NULL, NULL}, (struct side){0});
		simnode_set_down(fx.a.node, true);
		simworld_run(&fx.world, cases[i].bye_after_s * 1000 - 200);
		CHECK_STR(cases[i].name, simua_log(&fx.b), "");
		simworld_run(&fx.world, 200);
		CHECK_INT(cases[i].name, pair_requests(&fx.b, SIP_METHOD_BYE), 1);
		simworld_run(&fx.world, 33000);
		CHECK_STR(cases[i].name, simua_log(&fx.b), "ended:timeout:0");
		pair_end(&fx);
	}
}

/* Any exchange restarts the clock. */
static void restarted(void)
{
	struct pair fx;

	setup(&fx, (struct side){600, 0, NULL, NULL}, (struct side){0});
	for (int i = 0; i < 4; i++) {
		simworld_run(&fx.world, 280000);
		CHECK_INT("reinvite", sip_call_reinvite(fx.a.call), 0);
	}
	simworld_run(&fx.world, 280000);
	CHECK_INT("no refresh was due", pair_requests(&fx.a, SIP_METHOD_UPDATE), 0);
	CHECK("alive", fx.a.call && fx.b.call);
	pair_end(&fx);
}

/* An UPDATE that overtakes the ACK: its answer has the session timer too. */
static void before_the_ack(void)
{
	struct simworld world;
	struct simraw raw;
	struct simua ua;
	struct sip_msg msg;
	struct buf text = BUF_INIT;

	simworld_init(&world, 1);
	simraw_init(&raw, &world, "10.0.0.9:5060");
	simua_init(&ua, &world,
		   &(struct simua_params){.address = "10.0.0.1:5060", .allow = WITH_UPDATE});
	simraw_send(&raw, SIP_UDP, simnode_addr(ua.node),
		    "INVITE sip:b@@PEER@ SIP/2.0\n"
		    "Via: SIP/2.0/UDP @SELF@;branch=z9hG4bK1\nMax-Forwards: 70\n"
		    "From: <sip:c@example.org>;tag=c\nTo: <sip:b@example.org>\n"
		    "Call-ID: 78\nCSeq: 1 INVITE\nContact: <sip:c@@SELF@>\n"
		    "Supported: timer\nSession-Expires: 200\nContent-Type: application/sdp\n\n"
		    "v=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 0\n"
		    "m=audio 9 RTP/AVP 0\n");
	simworld_run(&world, 10);
	CHECK("200", simraw_find(&raw, SIP_METHOD_INVITE, 200, &msg));
	buf_addf(&text,
		 "UPDATE sip:b@@PEER@ SIP/2.0\nVia: SIP/2.0/UDP @SELF@;branch=z9hG4bK2\n"
		 "Max-Forwards: 70\nFrom: <sip:c@example.org>;tag=c\nTo: " SLICE_FMT "\n"
		 "Call-ID: 78\nCSeq: 2 UPDATE\nContact: <sip:c@@SELF@>\n"
		 "Supported: timer\nSession-Expires: 200;refresher=uac\n\n",
		 SLICE_ARG(sip_msg_value(&msg, SIP_H_TO)));
	simraw_send(&raw, SIP_UDP, simnode_addr(ua.node), text.p);
	simworld_run(&world, 20);
	CHECK("UPDATE", simraw_find(&raw, SIP_METHOD_UPDATE, 200, &msg));
	CHECK_SLICE("timer", sip_msg_value(&msg, SIP_H_SESSION_EXPIRES), "200;refresher=uac");
	simua_hangup_all(&ua);
	simworld_run(&world, 120000);
	CHECK_INT("left", simua_leftover(&ua), 0);
	buf_done(&text);
	simraw_done(&raw);
	simua_done(&ua);
	simworld_done(&world);
}

static void refused(void)
{
	static const struct {
		const char *name, *headers;
		uint16_t status;
		const char *min_se;
	} cases[] = {
		{"too short", "Supported: timer\nSession-Expires: 100\n", 422, "120"},
		{"too short, compact", "k: timer\nx: 100;refresher=uac\n", 422, "120"},
		{"too short, from a proxy", "Session-Expires: 100\n", 486, NULL},
		{"just enough", "Supported: timer\nSession-Expires: 120\n", 486, NULL},
		{"malformed", "Supported: timer\nSession-Expires: soon\n", 400, NULL},
		{"malformed", "Supported: timer\nMin-SE: -1\n", 400, NULL},
		{"huge", "Supported: timer\nSession-Expires: 99999999999999\n", 486, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct simworld world;
		struct simraw raw;
		struct simua ua;
		struct sip_msg msg;
		char text[1024];

		simworld_init(&world, 1);
		simraw_init(&raw, &world, "10.0.0.9:5060");
		simua_init(&ua, &world,
			   &(struct simua_params){.address = "10.0.0.1:5060", .min_se_s = 120});
		ua.mode = SIMUA_REJECT;
		snprintf(text, sizeof(text),
			 "INVITE sip:b@@PEER@ SIP/2.0\n"
			 "Via: SIP/2.0/UDP @SELF@;branch=z9hG4bK1\nMax-Forwards: 70\n"
			 "From: <sip:c@example.org>;tag=c\nTo: <sip:b@example.org>\n"
			 "Call-ID: 78\nCSeq: 1 INVITE\nContact: <sip:c@@SELF@>\n%s"
			 "Content-Length: 0\n\n",
			 cases[i].headers);
		simraw_send(&raw, SIP_UDP, simnode_addr(ua.node), text);
		simworld_run(&world, 10);
		CHECK(cases[i].name, simraw_next(&raw, &msg));
		CHECK_INT(cases[i].name, msg.status, cases[i].status);
		CHECK_SLICE(cases[i].name, sip_msg_value(&msg, SIP_H_MIN_SE), cases[i].min_se);
		simworld_run(&world, 120000);
		simraw_done(&raw);
		simua_done(&ua);
		simworld_done(&world);
	}
}

void suite_call_timer(void);
void suite_call_timer(void)
{
	CHECK_SUITE("call_timer");
	CHECK_TEST(negotiation);
	CHECK_TEST(caller_without);
	CHECK_TEST(refreshes);
	CHECK_TEST(update_refused);
	CHECK_TEST(expiry);
	CHECK_TEST(restarted);
	CHECK_TEST(before_the_ack);
	CHECK_TEST(refused);
}
