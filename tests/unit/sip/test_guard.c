#include "sip/guard.h"

#include <errno.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"
#include "tests/support/oom.h"

struct fixture {
	struct clock_virtual time;
	struct sip_guard *guard;
	struct sip_flow flow;
	struct sip_guard_event last;
	uint32_t told;
	const char *tls_name; /* of the peer */
	uint32_t retry_s;
	char text[1024];
	struct sip_msg msg;
};

static void on_refused(void *arg, const struct sip_guard_event *event)
{
	struct fixture *fx = arg;

	fx->last = *event;
	fx->told++;
}

static bool peer_has_name(void *ctx, const struct sip_flow *flow, struct slice name)
{
	struct fixture *fx = ctx;

	return flow->connection == 7 && fx->tls_name && slice_is(name, fx->tls_name);
}

static const struct sip_net_ops net_ops = {.peer_has_name = peer_has_name};

static void begin(struct fixture *fx, uint32_t peers_max)
{
	*fx = (struct fixture){.time.mono_ns = UINT64_C(9000000000000)};
	CHECK_INT("guard",
		  sip_guard_new(&(struct sip_guard_params){.clock = clock_virtual(&fx->time),
							   .net = {&net_ops, fx},
							   .peers_max = peers_max,
							   .on_refused = on_refused,
							   .arg = fx},
				&fx->guard),
		  0);
}

static void rules(struct fixture *fx, const struct sip_guard_rules *rules)
{
	struct slice item;

	CHECK_INT("rules", sip_guard_set_rules(fx->guard, rules, &item), 0);
}

static void pass(struct fixture *fx, uint64_t ms)
{
	fx->time.mono_ns += ms * 1000000;
}

static void from(struct fixture *fx, const char *ip)
{
	CHECK_INT(ip, addr_parse_ip(slice_of(ip), &fx->flow.remote), 0);
	addr_set_port(&fx->flow.remote, 5060);
}

static const struct sip_msg *message(struct fixture *fx, const char *method, const char *agent,
				     const char *caller)
{
	int len = snprintf(fx->text, sizeof(fx->text),
			   "%s sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
			   "From: %s;tag=1\r\nTo: <sip:x>\r\nCall-ID: 1\r\nCSeq: 1 %s\r\n"
			   "User-Agent: %s\r\nContent-Length: 0\r\n\r\n",
			   method, caller, method, agent);

	CHECK_INT("message", sip_msg_parse(fx->text, (size_t)len, &fx->msg), 0);
	return &fx->msg;
}

static enum sip_guard_verdict ask(struct fixture *fx, const char *ip, const char *method)
{
	from(fx, ip);
	fx->retry_s = 0;
	return sip_guard_ask(fx->guard, &fx->flow, message(fx, method, "phone", "<sip:a@h>"),
			     &fx->retry_s);
}

/* How many of so many are let through. */
static uint32_t let_through(struct fixture *fx, const char *ip, const char *method, uint32_t count)
{
	uint32_t passed = 0;

	for (uint32_t i = 0; i < count; i++)
		passed += ask(fx, ip, method) == SIP_GUARD_PASS;
	return passed;
}

static void without_rules(void)
{
	struct fixture fx;

	begin(&fx, 0);
	CHECK_INT("everything passes", let_through(&fx, "192.0.2.1", "INVITE", 1000), 1000);
	CHECK_INT("told", fx.told, 0);
	sip_guard_free(fx.guard);
}

static void acl(void)
{
	static const struct {
		const char *ip;
		enum sip_guard_verdict want;
	} cases[] = {
		{"192.0.2.7", SIP_GUARD_PASS},       {"192.0.2.8", SIP_GUARD_DENY},
		{"198.51.100.1", SIP_GUARD_SILENCE}, {"2001:db8::1", SIP_GUARD_PASS},
		{"2001:db9::1", SIP_GUARD_DENY},     {"::ffff:192.0.2.7", SIP_GUARD_PASS},
	};
	struct fixture fx;

	begin(&fx, 0);
	rules(&fx,
	      &(struct sip_guard_rules){.acl = "allow:192.0.2.7, deny:192.0.2.0/24, drop:0.0.0.0/0,"
					       "allow:2001:db8::/32,deny:::/0"});
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_INT(cases[i].ip, ask(&fx, cases[i].ip, "INVITE"), cases[i].want);
	CHECK_INT("counted", sip_guard_stats(fx.guard)->refused[SIP_GUARD_DENIED], 2);
	CHECK_INT("counted", sip_guard_stats(fx.guard)->refused[SIP_GUARD_DROPPED], 1);
	CHECK_INT("told", fx.told, 3);
	sip_guard_free(fx.guard);
}

static void bad_rules(void)
{
	static const struct {
		const char *acl, *trusted, *unlimited, *item;
	} cases[] = {
		{"permit:192.0.2.1", "", "", "permit:192.0.2.1"},
		{"allow:192.0.2.1,deny", "", "", "deny"},
		{"allow:192.0.2.1/24", "", "", "allow:192.0.2.1/24"},
		{"", "pbx.example.com", "", "pbx.example.com"},
		{"", "tls:", "", "tls:"},
		{"", "", "x", "x"},
	};
	struct buf many = BUF_INIT;
	struct fixture fx;
	struct slice item;

	begin(&fx, 0);
	rules(&fx, &(struct sip_guard_rules){.acl = "deny:192.0.2.1"});
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_guard_rules r = {.acl = cases[i].acl,
					    .trusted = cases[i].trusted,
					    .unlimited = cases[i].unlimited};

		item = SLICE_NONE;
		CHECK_INT(cases[i].item, sip_guard_set_rules(fx.guard, &r, &item), -EINVAL);
		CHECK_SLICE("which", item, cases[i].item);
	}
	for (unsigned i = 0; i <= SIP_GUARD_RULES_MAX; i++)
		buf_addf(&many, "allow:10.0.%u.%u,", i / 256, i % 256);
	CHECK_INT("too many",
		  sip_guard_set_rules(fx.guard, &(struct sip_guard_rules){.acl = many.p}, &item),
		  ERR_LIMIT);
	CHECK_INT("the old ones stand", ask(&fx, "192.0.2.1", "INVITE"), SIP_GUARD_DENY);
	buf_done(&many);
	sip_guard_free(fx.guard);
}

static void rates(void)
{
	struct fixture fx;

	begin(&fx, 0);
	rules(&fx, &(struct sip_guard_rules){
			   .per_second = {10, 2, 5}, .burst_s = 2, .unlimited = "198.51.100.0/24"});
	CHECK_INT("a burst", let_through(&fx, "192.0.2.1", "INVITE", 100), 20);
	CHECK_INT("refused", ask(&fx, "192.0.2.1", "INVITE"), SIP_GUARD_REFUSE);
	CHECK_INT("and when to come again", fx.retry_s, 1);
	CHECK_INT("other methods have their own", let_through(&fx, "192.0.2.1", "REGISTER", 9), 4);
	CHECK_INT("refused", ask(&fx, "192.0.2.1", "REGISTER"), SIP_GUARD_REFUSE);
	CHECK_INT("all others share one", let_through(&fx, "192.0.2.1", "OPTIONS", 8), 8);
	CHECK_INT("here", let_through(&fx, "192.0.2.1", "MESSAGE", 8), 2);
	CHECK_INT("another peer", let_through(&fx, "192.0.2.2", "INVITE", 100), 20);
	CHECK_INT("no limit", let_through(&fx, "198.51.100.9", "INVITE", 500), 500);
	pass(&fx, 99);
	CHECK_INT("not yet", ask(&fx, "192.0.2.1", "INVITE"), SIP_GUARD_REFUSE);
	pass(&fx, 1);
	CHECK_INT("one every 100 ms", let_through(&fx, "192.0.2.1", "INVITE", 5), 1);
	pass(&fx, 1000);
	CHECK_INT("ten a second", let_through(&fx, "192.0.2.1", "INVITE", 50), 10);
	pass(&fx, UINT64_C(1000) * 86400 * 365);
	CHECK_INT("never more than the burst", let_through(&fx, "192.0.2.1", "INVITE", 50), 20);
	sip_guard_free(fx.guard);
}

static void peers_of_v6(void)
{
	struct fixture fx;

	begin(&fx, 0);
	rules(&fx, &(struct sip_guard_rules){.per_second = {1, 1, 1}, .burst_s = 4});
	CHECK_INT("first", let_through(&fx, "2001:db8:0:1::1", "INVITE", 2), 2);
	CHECK_INT("the same /64", let_through(&fx, "2001:db8:0:1:ffff::9", "INVITE", 5), 2);
	CHECK_INT("the next /64", let_through(&fx, "2001:db8:0:2::1", "INVITE", 5), 4);
	sip_guard_free(fx.guard);
}

static void overload(void)
{
	struct fixture fx;

	begin(&fx, 0);
	rules(&fx, &(struct sip_guard_rules){
			   .per_second_in_all = 10, .burst_s = 1, .unlimited = "198.51.100.0/24"});
	CHECK_INT("from here", let_through(&fx, "192.0.2.1", "INVITE", 6), 6);
	CHECK_INT("and there", let_through(&fx, "192.0.2.2", "REGISTER", 6), 4);
	CHECK_INT("as overload", sip_guard_stats(fx.guard)->refused[SIP_GUARD_OVERLOAD], 2);
	CHECK_INT("not these", let_through(&fx, "198.51.100.9", "INVITE", 20), 20);
	sip_guard_free(fx.guard);
}

static void bounded(void)
{
	struct fixture fx;
	char ip[32];

	begin(&fx, 4);
	rules(&fx, &(struct sip_guard_rules){.per_second = {1, 1, 1}, .burst_s = 1});
	CHECK_INT("used up", let_through(&fx, "192.0.2.1", "INVITE", 2), 1);
	for (int i = 2; i <= 4; i++) {
		snprintf(ip, sizeof(ip), "192.0.2.%d", i);
		CHECK_INT(ip, ask(&fx, ip, "INVITE"), SIP_GUARD_PASS);
	}
	CHECK_INT("heard again, so not the oldest", ask(&fx, "192.0.2.1", "INVITE"),
		  SIP_GUARD_REFUSE);
	CHECK_INT("one more", ask(&fx, "192.0.2.5", "INVITE"), SIP_GUARD_PASS);
	CHECK_INT("four are kept", sip_guard_stats(fx.guard)->peers, 4);
	CHECK_INT("one was forgotten", sip_guard_stats(fx.guard)->forgotten, 1);
	CHECK_INT("not this one", ask(&fx, "192.0.2.1", "INVITE"), SIP_GUARD_REFUSE);
	CHECK_INT("but this", ask(&fx, "192.0.2.2", "INVITE"), SIP_GUARD_PASS);
	sip_guard_free(fx.guard);
}

static void scanners(void)
{
	static const struct {
		const char *agent, *caller;
		enum sip_guard_verdict want;
	} cases[] = {
		{"friendly-scanner", "<sip:100@h>", SIP_GUARD_SILENCE},
		{"my Friendly-Scanner/2", "<sip:100@h>", SIP_GUARD_SILENCE},
		{"sipcli/v1.8", "<sip:100@h>", SIP_GUARD_SILENCE},
		{"phone", "\"sipvicious\" <sip:100@h>", SIP_GUARD_SILENCE},
		{"phone", "\"x\" <sip:100@1.1.1.1>", SIP_GUARD_SILENCE},
		{"sipcl", "<sip:100@h>", SIP_GUARD_PASS},
		{"", "<sip:100@h>", SIP_GUARD_PASS},
		{"phone", "not an address <", SIP_GUARD_PASS},
	};
	struct sip_guard_rules on = {.scanners = "friendly-scanner, sipcli"},
			       off = {.scanners = ""};
	struct fixture fx;

	begin(&fx, 0);
	from(&fx, "192.0.2.1");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct sip_msg *msg = message(&fx, "OPTIONS", cases[i].agent,
						    cases[i].caller);

		rules(&fx, &on);
		CHECK_INT(cases[i].agent, sip_guard_ask(fx.guard, &fx.flow, msg, &fx.retry_s),
			  cases[i].want);
		rules(&fx, &off);
		CHECK_INT("answered like all", sip_guard_ask(fx.guard, &fx.flow, msg, &fx.retry_s),
			  SIP_GUARD_PASS);
	}
	sip_guard_free(fx.guard);
}

static void trusted(void)
{
	struct fixture fx;

	begin(&fx, 0);
	rules(&fx, &(struct sip_guard_rules){
			   .trusted = "10.0.0.0/8, tls:sbc.example.com,tls:other.example.com",
			   .acl = "deny:0.0.0.0/0",
			   .per_second = {1, 1, 1}});
	CHECK_INT("beyond rules and rates", let_through(&fx, "10.1.2.3", "INVITE", 50), 50);
	CHECK("trusted", sip_guard_is_trusted(fx.guard, &fx.flow));
	CHECK_INT("others not", ask(&fx, "192.0.2.1", "INVITE"), SIP_GUARD_DENY);
	CHECK("not trusted", !sip_guard_is_trusted(fx.guard, &fx.flow));
	fx.tls_name = "sbc.example.com";
	CHECK("its name counts on its connection only", !sip_guard_is_trusted(fx.guard, &fx.flow));
	fx.flow.connection = 7;
	CHECK("trusted by name", sip_guard_is_trusted(fx.guard, &fx.flow));
	fx.tls_name = "evil.example.com";
	CHECK("not by another", !sip_guard_is_trusted(fx.guard, &fx.flow));
	sip_guard_free(fx.guard);
}

static void tells_now_and_then(void)
{
	struct fixture fx;

	begin(&fx, 0);
	rules(&fx, &(struct sip_guard_rules){.acl = "deny:192.0.2.0/24"});
	for (int i = 0; i < 50; i++)
		(void)ask(&fx, "192.0.2.1", "INVITE");
	CHECK_INT("once", fx.told, 1);
	CHECK_INT("of", fx.last.cause, SIP_GUARD_DENIED);
	(void)ask(&fx, "192.0.2.2", "INVITE");
	CHECK_INT("each peer", fx.told, 2);
	pass(&fx, SIP_GUARD_TELL_MS);
	(void)ask(&fx, "192.0.2.1", "INVITE");
	CHECK_INT("again", fx.told, 3);
	CHECK_INT("with what was passed over", fx.last.suppressed, 49);
	CHECK_INT("all are counted", sip_guard_stats(fx.guard)->refused[SIP_GUARD_DENIED], 52);
	sip_guard_free(fx.guard);
}

static void fail(struct fixture *fx, const char *ip, unsigned times)
{
	from(fx, ip);
	while (times-- > 0)
		sip_guard_failed(fx->guard, &fx->flow,
				 message(fx, "REGISTER", "phone", "<sip:a@h>"));
}

static uint32_t locked_s(struct fixture *fx, const char *ip)
{
	from(fx, ip);
	return sip_guard_locked_s(fx->guard, &fx->flow);
}

static void lock_out(void)
{
	struct fixture fx;

	begin(&fx, 0);
	rules(&fx, &(struct sip_guard_rules){.failures_max = 3, .lock_s = 30, .lock_s_max = 100});
	fail(&fx, "192.0.2.1", 2);
	CHECK_INT("not yet", locked_s(&fx, "192.0.2.1"), 0);
	CHECK_INT("each is told", fx.told, 2);
	fail(&fx, "192.0.2.1", 1);
	CHECK_INT("locked", locked_s(&fx, "192.0.2.1"), 30);
	CHECK_INT("that is told", fx.last.cause, SIP_GUARD_LOCKED);
	CHECK_INT("in numbers", sip_guard_stats(fx.guard)->locked, 1);
	CHECK_INT("others are not", locked_s(&fx, "192.0.2.2"), 0);
	CHECK_INT("calls still pass", ask(&fx, "192.0.2.1", "INVITE"), SIP_GUARD_PASS);
	pass(&fx, 29001);
	CHECK_INT("a second is left", locked_s(&fx, "192.0.2.1"), 1);
	pass(&fx, 999);
	CHECK_INT("over", locked_s(&fx, "192.0.2.1"), 0);
	fail(&fx, "192.0.2.1", 3);
	CHECK_INT("twice as long", locked_s(&fx, "192.0.2.1"), 60);
	pass(&fx, 60000);
	fail(&fx, "192.0.2.1", 3);
	CHECK_INT("up to the longest", locked_s(&fx, "192.0.2.1"), 100);
	pass(&fx, 100000 + SIP_GUARD_FORGET_MS);
	fail(&fx, "192.0.2.1", 3);
	CHECK_INT("long ago is forgotten", locked_s(&fx, "192.0.2.1"), 30);
	sip_guard_succeeded(fx.guard, &fx.flow);
	CHECK_INT("the right one ends it", locked_s(&fx, "192.0.2.1"), 0);
	CHECK_INT("in numbers", sip_guard_stats(fx.guard)->locked, 0);
	fail(&fx, "192.0.2.1", 2);
	sip_guard_succeeded(fx.guard, &fx.flow);
	fail(&fx, "192.0.2.1", 2);
	CHECK_INT("the count too", locked_s(&fx, "192.0.2.1"), 0);
	sip_guard_free(fx.guard);
}

static void locked_stay(void)
{
	struct fixture fx;
	char ip[32];

	begin(&fx, 4);
	rules(&fx, &(struct sip_guard_rules){.failures_max = 1, .lock_s = 30, .lock_s_max = 30});
	fail(&fx, "192.0.2.1", 1);
	for (int i = 2; i < 20; i++) {
		snprintf(ip, sizeof(ip), "192.0.2.%d", i);
		(void)ask(&fx, ip, "INVITE");
	}
	CHECK_INT("a locked one goes last", locked_s(&fx, "192.0.2.1"), 30);
	for (int i = 20; i < 40; i++) {
		snprintf(ip, sizeof(ip), "192.0.2.%d", i);
		fail(&fx, ip, 1);
	}
	CHECK_INT("but it goes", sip_guard_stats(fx.guard)->peers, 4);
	CHECK_INT("and is counted out", sip_guard_stats(fx.guard)->locked, 4);
	rules(&fx, &(struct sip_guard_rules){.failures_max = 0, .lock_s = 30, .lock_s_max = 30});
	fail(&fx, "203.0.113.1", 100);
	CHECK_INT("0: nobody is locked", locked_s(&fx, "203.0.113.1"), 0);
	sip_guard_free(fx.guard);
}

/* Calls go before limits: who cannot be remembered is let through. */
static void memory_runs_out(void)
{
	const struct sip_guard_rules good = {.acl = "deny:192.0.2.1, allow:192.0.2.0/24",
					     .trusted = "10.0.0.0/8,tls:sbc.example",
					     .per_second = {1, 1, 1}};
	struct fixture fx;
	struct slice item;

	begin(&fx, 0);
	for (uint32_t at = 0; oom_sweep(at, at % 2); at++) {
		int err = sip_guard_set_rules(fx.guard, &good, &item);

		oom_end();
		CHECK("0 or -ENOMEM", err == 0 || err == -ENOMEM);
	}
	for (uint32_t at = 0; oom_sweep(at, at % 2); at++) {
		char ip[32];
		enum sip_guard_verdict verdict;

		snprintf(ip, sizeof(ip), "192.0.2.%u", 100 + at);
		verdict = ask(&fx, ip, "INVITE");
		oom_end();
		CHECK_INT("let through", verdict, SIP_GUARD_PASS);
	}
	CHECK_INT("the rules hold", ask(&fx, "192.0.2.1", "INVITE"), SIP_GUARD_DENY);
	sip_guard_free(fx.guard);
}

static void names(void)
{
	for (int i = 0; i < SIP_GUARD_CAUSES; i++)
		CHECK("a name", sip_guard_cause_name((enum sip_guard_cause)i)[0] != '\0');
}

void suite_guard(void)
{
	CHECK_SUITE("guard");
	CHECK_TEST(without_rules);
	CHECK_TEST(acl);
	CHECK_TEST(bad_rules);
	CHECK_TEST(rates);
	CHECK_TEST(peers_of_v6);
	CHECK_TEST(overload);
	CHECK_TEST(bounded);
	CHECK_TEST(scanners);
	CHECK_TEST(trusted);
	CHECK_TEST(tells_now_and_then);
	CHECK_TEST(lock_out);
	CHECK_TEST(locked_stay);
	CHECK_TEST(memory_runs_out);
	CHECK_TEST(names);
}
