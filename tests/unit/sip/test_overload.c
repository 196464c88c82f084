#include "sip/overload.h"

#include "base/attr.h"
#include "tests/support/check.h"
#include "tests/support/simua.h"

#define VIA "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"

static void what_is_asked(void)
{
	static const struct {
		const char *name, *via;
		bool is_asked;
	} cases[] = {
		{"RFC 7339 4.5", VIA ";oc;oc-algo=\"loss,A\"", true},
		{"no scheme is loss", VIA ";oc", true},
		{"any case, white space", VIA " ; OC ; oc-algo=\"A , LOSS\"", true},
		{"what we say ourselves", VIA SIP_OVERLOAD_OFFER, true},
		{"another scheme", VIA ";oc;oc-algo=\"rate\"", false},
		{"a value", VIA ";oc=20;oc-algo=\"loss\"", false},
		{"nothing", VIA, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_via via;

		CHECK_INT(cases[i].name, sip_via_parse(slice_of(cases[i].via), &via), 0);
		CHECK_INT(cases[i].name, sip_overload_is_asked(&via), cases[i].is_asked);
	}
}

static void what_is_said(void)
{
	static const struct {
		const char *name, *via;
		bool is_read;
		struct sip_overload want;
	} cases[] = {
		{"RFC 7339 4.5",
		 VIA ";oc=20;oc-algo=\"loss\";oc-validity=500;oc-seq=1282321615.782",
		 true,
		 {20, 500, 1282321615782}},
		{"over",
		 VIA ";oc=0;oc-algo=\"loss\";oc-validity=0;oc-seq=1282321615.783",
		 true,
		 {0, 0, 1282321615783}},
		{"the least", VIA ";oc=100", true, {100, SIP_OVERLOAD_VALIDITY_MS, 0}},
		{"five digits",
		 VIA ";oc=1;oc-seq=7.12399",
		 true,
		 {1, SIP_OVERLOAD_VALIDITY_MS, 7123}},
		{"one digit", VIA ";oc=1;oc-seq=7.1", true, {1, SIP_OVERLOAD_VALIDITY_MS, 7100}},
		{"more than all", VIA ";oc=101", false, {0}},
		{"our own again", VIA SIP_OVERLOAD_OFFER, false, {0}},
		{"another scheme", VIA ";oc=100;oc-algo=\"rate\"", false, {0}},
		{"no time", VIA ";oc=10;oc-validity=x", false, {0}},
		{"no number", VIA ";oc=10;oc-seq=-1", false, {0}},
		{"number too long", VIA ";oc=10;oc-seq=1234567890123", false, {0}},
		{"nothing", VIA, false, {0}},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_overload got = {0}, again = {0};
		struct buf buf = BUF_INIT;
		struct sip_via via;

		CHECK_INT(cases[i].name, sip_via_parse(slice_of(cases[i].via), &via), 0);
		CHECK_INT(cases[i].name, sip_overload_read(&via, &got), cases[i].is_read);
		CHECK_INT(cases[i].name, got.loss_percent, cases[i].want.loss_percent);
		CHECK_INT(cases[i].name, got.validity_ms, cases[i].want.validity_ms);
		CHECK_INT(cases[i].name, got.seq_ms, cases[i].want.seq_ms);
		buf_adds(&buf, VIA);
		sip_overload_write(&buf, &got);
		CHECK_INT(cases[i].name, sip_via_parse(buf_slice(&buf), &via), 0);
		CHECK("what is written is read", sip_overload_read(&via, &again));
		CHECK_INT(cases[i].name, again.seq_ms, got.seq_ms);
		buf_done(&buf);
	}
}

static struct addr peer(uint16_t port)
{
	struct addr addr;

	(void)addr_parse(SLICE("192.0.2.9:5060"), &addr);
	addr_set_port(&addr, port);
	return addr;
}

static void hear(struct sip_overload_peers *peers, uint16_t port, struct sip_overload wish,
		 uint64_t now_ms)
{
	struct addr addr = peer(port);

	sip_overload_heard(peers, &addr, &wish, now_ms);
}

static uint8_t wish(struct sip_overload_peers *peers, uint16_t port, uint64_t now_ms)
{
	struct addr addr = peer(port);

	return sip_overload_wish(peers, &addr, now_ms);
}

static void wishes_of_peers(void)
{
	static struct sip_overload_peers peers;

	CHECK_INT("nobody", wish(&peers, 1, 0), 0);
	hear(&peers, 1, (struct sip_overload){30, 500, 1000}, 100);
	hear(&peers, 2, (struct sip_overload){60, 500, 1000}, 100);
	CHECK_INT("each its own", wish(&peers, 1, 200), 30);
	CHECK_INT("each its own", wish(&peers, 2, 200), 60);
	hear(&peers, 1, (struct sip_overload){90, 500, 999}, 300);
	hear(&peers, 1, (struct sip_overload){90, 500, 1000}, 300);
	CHECK_INT("overtaken", wish(&peers, 1, 300), 30);
	CHECK_INT("overtaken ones make nothing longer", wish(&peers, 1, 600), 0);
	CHECK_INT("over in time", wish(&peers, 2, 600), 0);
	hear(&peers, 1, (struct sip_overload){30, 500, 1}, 700);
	CHECK_INT("what is over is forgotten, number and all", wish(&peers, 1, 700), 30);
	hear(&peers, 1, (struct sip_overload){0, 0, 2}, 800);
	CHECK_INT("over by word", wish(&peers, 1, 800), 0);
	hear(&peers, 3, (struct sip_overload){50, UINT32_MAX, 0}, 1000);
	CHECK_INT("a minute", wish(&peers, 3, 60999), 50);
	CHECK_INT("not for ever", wish(&peers, 3, 61000), 0);
	for (uint16_t port = 1; port <= SIP_OVERLOAD_PEERS_MAX + 1; port++)
		hear(&peers, port, (struct sip_overload){10, 1000u + port, 0}, 70000);
	CHECK_INT("the one that ends first goes", wish(&peers, 1, 70000), 0);
	CHECK_INT("the last is kept", wish(&peers, SIP_OVERLOAD_PEERS_MAX + 1, 70000), 10);
	CHECK_INT("bounded", peers.count, SIP_OVERLOAD_PEERS_MAX);
}

static void how_much_we_ask_for(void)
{
	struct sip_overload_meter meter = {0};

	CHECK_INT("at rest", sip_overload_measure(&meter, 0, 0, 5000), 0);
	CHECK_INT("within the second", sip_overload_measure(&meter, 100, 50, 5999), 0);
	CHECK_INT("half was too much", sip_overload_measure(&meter, 100, 50, 6000), 50);
	CHECK_INT("half of what was left", sip_overload_measure(&meter, 150, 75, 7000), 75);
	CHECK_INT("never all", sip_overload_measure(&meter, 250, 175, 8000), SIP_OVERLOAD_LOSS_MAX);
	CHECK_INT("falls", sip_overload_measure(&meter, 260, 175, 9000), SIP_OVERLOAD_LOSS_MAX - 5);
	CHECK_INT("by time", sip_overload_measure(&meter, 260, 175, 12500),
		  SIP_OVERLOAD_LOSS_MAX - 20);
	CHECK_INT("to nothing", sip_overload_measure(&meter, 260, 175, 900000), 0);
}

/* One who calls ten times a second and one who has room for a call: within seconds the caller sends
 * less, says why, and its BYEs go all the same; when there is room again it sends all. */
static void callers_leave_calls_out(void)
{
	struct simworld world;
	struct simua a, b;
	uint64_t sent, left_out;

	simworld_init(&world, 1);
	simua_init(&a, &world, &(struct simua_params){.address = "10.0.0.1:5060"});
	simua_init(&b, &world, &(struct simua_params){.address = "10.0.0.2:5060", .calls_max = 1});
	for (int i = 0; i < 100; i++) {
		CHECK_INT("call", simua_call(&a, "sip:b@10.0.0.2"), 0);
		simworld_run(&world, 100);
	}
	left_out = sip_ua_stats(a.ua)->left_out;
	CHECK("left out", left_out > 50 && left_out < 90);
	CHECK_INT("the rest was sent",
		  (long)sip_ua_stats(b.ua)->requests_in[SIP_METHOD_INVITE] -
			  (long)sip_ua_stats(b.ua)->retransmits_in,
		  100 - (long)left_out);
	CHECK("told as 503", strstr(simua_log(&a), "ended:transport:503") != NULL);
	simua_hangup_all(&a);
	simworld_run(&world, 1000);
	CHECK_INT("BYE goes", sip_ua_stats(b.ua)->calls, 0);
	simworld_run(&world, SIP_OVERLOAD_OURS_MS);
	(void)simua_log(&a);
	sent = sip_ua_stats(a.ua)->left_out;
	CHECK_INT("call", simua_call(&a, "sip:b@10.0.0.2"), 0);
	simworld_run(&world, 100);
	CHECK_STR("room again", simua_log(&a), "media established");
	CHECK_INT("none left out", sip_ua_stats(a.ua)->left_out, sent);
	simua_hangup_all(&a);
	simworld_run(&world, 120000);
	CHECK_INT("left in a", simua_leftover(&a), 0);
	CHECK_INT("left in b", simua_leftover(&b), 0);
	simua_done(&a);
	simua_done(&b);
	simworld_done(&world);
}

void suite_overload(void)
{
	CHECK_SUITE("overload");
	CHECK_TEST(what_is_asked);
	CHECK_TEST(what_is_said);
	CHECK_TEST(wishes_of_peers);
	CHECK_TEST(how_much_we_ask_for);
	CHECK_TEST(callers_leave_calls_out);
}
