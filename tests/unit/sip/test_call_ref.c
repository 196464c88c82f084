/* Which call a Replaces or Join means, and what it is answered (RFC 3891 3, RFC 3911 4). */
#include "base/attr.h"
#include "tests/support/check.h"
#include "tests/support/simua.h"

struct fixture {
	struct simworld world;
	struct simua a, b;
	struct buf text;
};

static void setup(struct fixture *fx, enum simua_mode mode)
{
	fx->text = BUF_INIT;
	simworld_init(&fx->world, 1);
	simua_init(&fx->a, &fx->world, &(struct simua_params){.address = "10.0.0.1:5060"});
	simua_init(&fx->b, &fx->world, &(struct simua_params){.address = "10.0.0.2:5060"});
	fx->b.mode = mode;
	CHECK_INT("call", simua_call(&fx->a, "sip:b@10.0.0.2"), 0);
	simworld_run(&fx->world, 100);
}

static void teardown(struct fixture *fx)
{
	simua_hangup_all(&fx->a);
	simworld_run(&fx->world, 120000);
	CHECK_INT("left in a", simua_leftover(&fx->a), 0);
	CHECK_INT("left in b", simua_leftover(&fx->b), 0);
	simua_done(&fx->a);
	simua_done(&fx->b);
	simworld_done(&fx->world);
	buf_done(&fx->text);
}

/* The dialog of `of`'s call, as it is named to `receiver`. */
static struct sip_dialog_ref ref_of(struct fixture *fx, struct simua *of,
				    enum sip_ref_receiver receiver)
{
	struct sip_dialog_ref ref = {0};

	buf_clear(&fx->text);
	CHECK_INT("print", sip_call_print_ref(of->call, receiver, false, &fx->text), 0);
	CHECK_INT("parse", sip_dialog_ref_parse(buf_slice(&fx->text), &ref), 0);
	return ref;
}

/* a names the call to b and to itself, early and answered. */
static void matches(void)
{
	static const struct {
		const char *name;
		enum simua_mode mode;
		bool is_early;
	} cases[] = {{"early", SIMUA_RING, true}, {"answered", SIMUA_ACCEPT, false}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture fx;
		struct sip_dialog_ref ref;
		bool is_early = !cases[i].is_early;

		setup(&fx, cases[i].mode);
		ref = ref_of(&fx, &fx.a, SIP_REF_TO_PEER);
		CHECK(cases[i].name, sip_ua_find_call(fx.b.ua, &ref, &is_early) == fx.b.call);
		CHECK_INT(cases[i].name, is_early, cases[i].is_early);
		CHECK(cases[i].name, !sip_ua_find_call(fx.a.ua, &ref, &is_early));
		is_early = !cases[i].is_early;
		ref = ref_of(&fx, &fx.a, SIP_REF_TO_US);
		CHECK(cases[i].name, sip_ua_find_call(fx.a.ua, &ref, &is_early) == fx.a.call);
		CHECK_INT(cases[i].name, is_early, cases[i].is_early);
		ref.call_id = SLICE("another");
		CHECK(cases[i].name, !sip_ua_find_call(fx.a.ua, &ref, &is_early));
		teardown(&fx);
	}
}

static void expect(struct simua *ua, const char *row, const struct sip_dialog_ref *ref,
		   uint16_t replaces, uint16_t join)
{
	struct sip_call *call = NULL;

	CHECK_INT(row, sip_ua_check_replaces(ua->ua, ref, &call), replaces);
	CHECK(row, call == (replaces ? NULL : ua->call));
	call = NULL;
	CHECK_INT(row, sip_ua_check_join(ua->ua, ref, &call), join);
	CHECK(row, call == (join ? NULL : ua->call));
}

static void statuses(void)
{
	struct sip_dialog_ref ref, late;
	struct fixture fx;

	setup(&fx, SIMUA_RING);
	ref = ref_of(&fx, &fx.a, SIP_REF_TO_US);
	ref.is_early_only = true;
	expect(&fx.a, "early, ours", &ref, 0, 0);
	ref = ref_of(&fx, &fx.b, SIP_REF_TO_US);
	expect(&fx.b, "early, not ours", &ref, 481, 481);
	CHECK_INT("accept", sip_call_accept(fx.b.call, NULL), 0);
	simworld_run(&fx.world, 100);
	expect(&fx.b, "answered", &ref, 0, 0);
	ref.is_early_only = true;
	expect(&fx.b, "answered, early-only", &ref, 486, 0);
	late = ref;
	late.to_tag = SLICE("unknown");
	expect(&fx.b, "unknown", &late, 481, 481);
	sip_call_hangup(fx.a.call, NULL);
	simworld_run(&fx.world, 100);
	CHECK("over", sip_ua_is_ended(fx.b.ua, &ref));
	expect(&fx.b, "over", &ref, 603, 603);
	expect(&fx.b, "still unknown", &late, 481, 481);
	simworld_run(&fx.world, 32000);
	expect(&fx.b, "over for long", &ref, 481, 481);
	teardown(&fx);
}

/* At the limit the oldest are forgotten first. */
static void ended_ring(void)
{
	char first[256], call_id[64];
	struct sip_dialog_ref ref;
	struct fixture fx;

	setup(&fx, SIMUA_ACCEPT);
	ref = ref_of(&fx, &fx.b, SIP_REF_TO_US);
	slice_cstr(buf_slice(&fx.text), first, sizeof(first));
	for (int i = 0; i <= SIP_UA_ENDED_MAX; i++) {
		slice_cstr(sip_call_id(fx.a.call), call_id, sizeof(call_id));
		sip_call_hangup(fx.a.call, NULL);
		simworld_run(&fx.world, 11);
		CHECK_INT("parse", sip_dialog_ref_parse(slice_of(first), &ref), 0);
		if (i < SIP_UA_ENDED_MAX)
			CHECK("kept", sip_ua_is_ended(fx.b.ua, &ref));
		CHECK_INT("call", simua_call(&fx.a, "sip:b@10.0.0.2"), 0);
		simworld_run(&fx.world, 11);
	}
	CHECK("forgotten", !sip_ua_is_ended(fx.b.ua, &ref));
	teardown(&fx);
}

/* A caller of RFC 2543 without a tag is from-tag=0. */
static void no_tag(void)
{
	struct simworld world;
	struct sip_dialog_ref ref;
	struct buf text = BUF_INIT;
	struct simraw raw;
	struct simua ua;
	bool is_early;

	simworld_init(&world, 1);
	simraw_init(&raw, &world, "10.0.0.9:5060");
	simua_init(&ua, &world, &(struct simua_params){.address = "10.0.0.1:5060"});
	ua.mode = SIMUA_RING;
	simraw_send(&raw, SIP_UDP, simnode_addr(ua.node),
		    "INVITE sip:b@@PEER@ SIP/2.0\n"
		    "Via: SIP/2.0/UDP @SELF@;branch=1\n"
		    "From: sip:old@example.org\nTo: sip:b@example.org\n"
		    "Call-ID: 77\nCSeq: 1 INVITE\nContact: <sip:old@@SELF@>\n"
		    "Content-Length: 0\n\n");
	simworld_run(&world, 100);
	CHECK("rings", ua.call != NULL);
	CHECK_INT("print", sip_call_print_ref(ua.call, SIP_REF_TO_US, false, &text), 0);
	CHECK_INT("parse", sip_dialog_ref_parse(buf_slice(&text), &ref), 0);
	CHECK_SLICE("zero", ref.from_tag, "0");
	CHECK("found", sip_ua_find_call(ua.ua, &ref, &is_early) == ua.call);
	sip_call_hangup(ua.call, NULL);
	simworld_run(&world, 1);
	CHECK("over", sip_ua_is_ended(ua.ua, &ref));
	simworld_run(&world, 120000);
	buf_done(&text);
	simraw_done(&raw);
	simua_done(&ua);
	simworld_done(&world);
}

/* What the core refuses by itself. */
static void unusable(void)
{
	static const struct {
		const char *name, *method, *headers;
		uint16_t status;
	} cases[] = {
		{"both", "INVITE", "Replaces: a;to-tag=1;from-tag=2\nJoin: a;to-tag=1;from-tag=2\n",
		 400},
		{"two Joins", "INVITE",
		 "Join: a;to-tag=1;from-tag=2\nJoin: b;to-tag=1;from-tag=2\n", 400},
		{"two Replaces", "INVITE",
		 "Replaces: a;to-tag=1;from-tag=2\nReplaces: b;to-tag=1;from-tag=2\n", 400},
		{"malformed", "INVITE", "Replaces: a;to-tag=1\n", 400},
		{"OPTIONS", "OPTIONS", "Join: a;to-tag=1;from-tag=2\n", 400},
		{"required and sound", "INVITE", "Require: join\nJoin: a;to-tag=1;from-tag=2\n",
		 486},
		{"required, unknown", "INVITE", "Require: nothing\nJoin: a;to-tag=1;from-tag=2\n",
		 420},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf text = BUF_INIT;
		struct simworld world;
		struct simraw raw;
		struct simua ua;
		struct sip_msg msg;
		uint16_t status = 0;

		simworld_init(&world, 1);
		simraw_init(&raw, &world, "10.0.0.9:5060");
		simua_init(&ua, &world,
			   &(struct simua_params){.address = "10.0.0.1:5060",
						  .supported = "replaces, join"});
		ua.mode = SIMUA_REJECT;
		buf_addf(&text,
			 "%s sip:b@@PEER@ SIP/2.0\n"
			 "Via: SIP/2.0/UDP @SELF@;branch=z9hG4bK1\nMax-Forwards: 70\n"
			 "From: <sip:c@example.org>;tag=c\nTo: <sip:b@example.org>\n"
			 "Call-ID: 78\nCSeq: 1 %s\nContact: <sip:c@@SELF@>\n%s"
			 "Content-Length: 0\n\n",
			 cases[i].method, cases[i].method, cases[i].headers);
		simraw_send(&raw, SIP_UDP, simnode_addr(ua.node), text.p);
		simworld_run(&world, 100);
		while (simraw_next(&raw, &msg))
			status = msg.status;
		CHECK_INT(cases[i].name, status, cases[i].status);
		simworld_run(&world, 120000);
		buf_done(&text);
		simraw_done(&raw);
		simua_done(&ua);
		simworld_done(&world);
	}
}

void suite_call_ref(void);
void suite_call_ref(void)
{
	CHECK_SUITE("call_ref");
	CHECK_TEST(matches);
	CHECK_TEST(statuses);
	CHECK_TEST(ended_ring);
	CHECK_TEST(no_tag);
	CHECK_TEST(unusable);
}
