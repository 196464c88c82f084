/* The resolver over a look-up that the test answers, and the c-ares one as far as it goes without
 * a network. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/resolver.h"
#include "tests/support/check.h"
#include "tests/support/simua.h"

struct fixture {
	struct wheel *wheel;
	struct sip_resolver *resolver;
	struct sip_name *asked; /* the last look-up that is not answered */
	uint32_t lookups;
	int answers_at_once; /* 1: with one address */
};

struct asker {
	struct sip_query query;
	int err;
	uint32_t count, calls;
	struct sip_target targets[SIP_TARGETS_MAX];
};

static struct addr ip(const char *text)
{
	struct addr addr = {0};

	CHECK_INT(text, addr_parse_ip(slice_of(text), &addr), 0);
	return addr;
}

static void lookup(void *ctx, const char *host, struct sip_name *name)
{
	struct fixture *fx = ctx;
	struct addr addr = ip("192.0.2.1");

	(void)host;
	fx->lookups++;
	fx->asked = name;
	if (fx->answers_at_once)
		sip_resolver_answer(name, 0, &addr, 1);
}

static void on_targets(void *arg, int err, const struct sip_target *targets, uint32_t count)
{
	struct asker *asker = arg;

	asker->calls++;
	asker->err = err;
	asker->count = count;
	if (count > 0)
		memcpy(asker->targets, targets, count * sizeof(*targets));
}

static void setup(struct fixture *fx)
{
	*fx = (struct fixture){0};
	CHECK_INT("wheel", wheel_new(0, &fx->wheel), 0);
	CHECK_INT("resolver", sip_resolver_new(fx->wheel, lookup, fx, &fx->resolver), 0);
}

static void teardown(struct fixture *fx)
{
	fx->resolver = sip_resolver_free(fx->resolver);
	CHECK_INT("timers", wheel_count(fx->wheel), 0);
	wheel_free(fx->wheel);
}

static void ask(struct sip_resolver *resolver, struct asker *asker, const char *text)
{
	struct sip_uri uri;

	*asker = (struct asker){.query = {.on_targets = on_targets, .arg = asker}};
	CHECK_INT(text, sip_uri_parse(slice_of(text), &uri), 0);
	sip_resolve(resolver, &uri, &asker->query);
}

static void literals(void)
{
	static const struct {
		const char *uri;
		int err;
		enum sip_proto proto;
		const char *addr;
	} cases[] = {
		{"sip:a@192.0.2.1", 0, SIP_UDP, "192.0.2.1:5060"},
		{"sip:192.0.2.1:5070", 0, SIP_UDP, "192.0.2.1:5070"},
		{"sip:a@[2001:db8::1]", 0, SIP_UDP, "[2001:db8::1]:5060"},
		{"sip:a@192.0.2.1;transport=TCP", 0, SIP_TCP, "192.0.2.1:5060"},
		{"sip:a@192.0.2.1;transport=tls", 0, SIP_TLS, "192.0.2.1:5061"},
		{"sips:a@192.0.2.1", 0, SIP_TLS, "192.0.2.1:5061"},
		{"sips:a@192.0.2.1;transport=tcp", 0, SIP_TLS, "192.0.2.1:5061"},
		{"sips:a@192.0.2.1;transport=udp", ERR_SIP_NO_ROUTE, 0, ""},
		{"sip:a@192.0.2.1;maddr=192.0.2.9", 0, SIP_UDP, "192.0.2.9:5060"},
		{"sip:a@192.0.2.1;transport=sctp", ERR_SIP_NO_ROUTE, SIP_UDP, NULL},
		{"tel:+49123", ERR_BAD_TARGET, SIP_UDP, NULL},
		{"sip:a@example.org", ERR_SIP_NO_ROUTE, SIP_UDP, NULL}, /* no resolver given */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[ADDR_TEXT_MAX];
		struct asker asker;

		ask(NULL, &asker, cases[i].uri);
		CHECK_INT(cases[i].uri, asker.calls, 1);
		CHECK_INT(cases[i].uri, asker.err, cases[i].err);
		if (cases[i].err)
			continue;
		CHECK_INT(cases[i].uri, asker.targets[0].proto, cases[i].proto);
		CHECK_STR(cases[i].uri, addr_text(&asker.targets[0].addr, text), cases[i].addr);
	}
}

static void names_share_and_stay(void)
{
	struct addr addrs[] = {ip("192.0.2.1"), ip("2001:db8::1")};
	struct asker first, second, third, later;
	struct fixture fx;

	setup(&fx);
	ask(fx.resolver, &first, "sip:a@Example.org");
	ask(fx.resolver, &second, "sip:b@example.ORG:5070;transport=tcp");
	ask(fx.resolver, &third, "sip:c@example.org");
	CHECK_INT("one look-up", fx.lookups, 1);
	CHECK_INT("waits", first.calls, 0);
	sip_query_cancel(&third.query);
	sip_resolver_answer(fx.asked, 0, addrs, 2);
	CHECK_INT("told", first.calls + second.calls, 2);
	CHECK_INT("cancelled", third.calls, 0);
	CHECK_INT("both addresses", first.count, 2);
	CHECK_INT("own port", addr_port(&second.targets[1].addr), 5070);
	CHECK_INT("own transport", second.targets[0].proto, SIP_TCP);
	ask(fx.resolver, &later, "sip:d@example.org");
	CHECK_INT("remembered", later.count, 2);
	CHECK_INT("one look-up", fx.lookups, 1);
	wheel_advance(fx.wheel, SIP_RESOLVER_KEEP_MS);
	CHECK_INT("forgotten", sip_resolver_count(fx.resolver), 0);
	fx.answers_at_once = 1;
	ask(fx.resolver, &later, "sip:d@example.org");
	CHECK_INT("asked again, answered inside", later.count, 1);
	CHECK_INT("two look-ups", fx.lookups, 2);
	teardown(&fx);
}

static void failures(void)
{
	struct asker asker;
	struct fixture fx;

	setup(&fx);
	ask(fx.resolver, &asker, "sip:a@nowhere.example");
	sip_resolver_answer(fx.asked, ERR_SIP_TIMEOUT, NULL, 0);
	CHECK_INT("error", asker.err, ERR_SIP_TIMEOUT);
	ask(fx.resolver, &asker, "sip:a@nowhere.example");
	CHECK_INT("remembered", asker.err, ERR_SIP_TIMEOUT);
	CHECK_INT("for a short while", fx.lookups, 1);
	wheel_advance(fx.wheel, SIP_RESOLVER_FAIL_KEEP_MS);
	ask(fx.resolver, &asker, "sip:a@nowhere.example");
	CHECK_INT("asked again", fx.lookups, 2);
	sip_resolver_answer(fx.asked, 0, NULL, 0);
	CHECK_INT("no address", asker.err, ERR_SIP_NO_ROUTE);
	ask(fx.resolver, &asker, "sip:a@pending.example"); /* dropped with the resolver */
	teardown(&fx);
	CHECK_INT("never told", asker.calls, 0);
}

static void limit_of_names(void)
{
	struct asker asker, askers[2];
	struct fixture fx;
	char uri[64];

	setup(&fx);
	fx.answers_at_once = 1;
	for (int i = 0; i < SIP_RESOLVER_NAMES_MAX; i++) {
		snprintf(uri, sizeof(uri), "sip:a@h%d.example", i);
		ask(fx.resolver, &asker, uri);
	}
	CHECK_INT("all", asker.err, 0);
	ask(fx.resolver, &askers[0], "sip:a@onemore.example");
	CHECK_INT("full", askers[0].err, ERR_LIMIT);
	ask(fx.resolver, &askers[1], "sip:a@h7.example");
	CHECK_INT("known ones go on", askers[1].err, 0);
	wheel_advance(fx.wheel, wheel_now_ms(fx.wheel) + SIP_RESOLVER_KEEP_MIN_MS);
	ask(fx.resolver, &askers[1], "sip:a@h0.example");
	for (int i = 0; i < 100; i++) {
		snprintf(uri, sizeof(uri), "sip:a@new%d.example", i);
		ask(fx.resolver, &askers[0], uri);
		CHECK_INT("a stale one gives way", askers[0].err, 0);
	}
	CHECK_INT("bounded", sip_resolver_count(fx.resolver), SIP_RESOLVER_NAMES_MAX);
	fx.lookups = 0;
	ask(fx.resolver, &askers[1], "sip:a@h0.example");
	ask(fx.resolver, &askers[1], "sip:a@h7.example");
	CHECK_INT("what is in use stays", fx.lookups, 0);
	ask(fx.resolver, &askers[1], "sip:a@h1.example");
	CHECK_INT("what is not went", fx.lookups, 1);
	teardown(&fx);
}

/* A call by name: the second address is tried when the first fails (RFC 3263 4.3). */
static void call_tries_the_next(void)
{
	struct addr addrs[] = {ip("10.0.0.8"), ip("10.0.0.2")};
	struct simworld world;
	struct simua a, b;
	struct fixture fx;

	setup(&fx);
	simworld_init(&world, 1);
	struct sip_resolver *resolver;
	CHECK_INT("resolver", sip_resolver_new(world.wheel, lookup, &fx, &resolver), 0);
	simua_init(&a, &world,
		   &(struct simua_params){.address = "10.0.0.1:5060", .resolver = resolver});
	simua_init(&b, &world, &(struct simua_params){.address = "10.0.0.2:5060"});
	CHECK_INT("call", simua_call(&a, "sip:b@b.example;transport=tcp"), 0);
	simworld_run(&world, 100);
	CHECK_STR("waits", simua_log(&a), "");
	sip_resolver_answer(fx.asked, 0, addrs, 2);
	simworld_run(&world, 100);
	CHECK_STR("the second", simua_log(&a), "media established");
	sip_call_hangup(a.call, NULL);
	simworld_run(&world, 100);
	CHECK_STR("over", simua_log(&a), "ended:local:0");

	CHECK_INT("call", simua_call(&a, "sip:b@c.example"), 0);
	sip_call_hangup(a.call, NULL);
	simworld_run(&world, 10);
	CHECK_STR("hung up while it was asked", simua_log(&a), "ended:local:0");
	sip_resolver_answer(fx.asked, 0, addrs, 2);
	simworld_run(&world, 100000);
	CHECK_INT("left", simua_leftover(&a), 0);
	simua_done(&a);
	simua_done(&b);
	sip_resolver_free(resolver);
	simworld_done(&world);
	teardown(&fx);
}

/* RFC 3263 4.3: a 503 is a reason to try the next one too. */
static void unavailable_tries_the_next(void)
{
	struct addr addrs[] = {ip("10.0.0.2"), ip("10.0.0.3")};
	struct simworld world;
	struct simua a, full, b;
	struct fixture fx;

	setup(&fx);
	simworld_init(&world, 1);
	struct sip_resolver *resolver;
	CHECK_INT("resolver", sip_resolver_new(world.wheel, lookup, &fx, &resolver), 0);
	simua_init(&a, &world,
		   &(struct simua_params){.address = "10.0.0.1:5060", .resolver = resolver});
	simua_init(&full, &world,
		   &(struct simua_params){.address = "10.0.0.2:5060", .calls_max = 1});
	simua_init(&b, &world, &(struct simua_params){.address = "10.0.0.3:5060"});
	CHECK_INT("the one place", simua_call(&b, "sip:x@10.0.0.2"), 0);
	simworld_run(&world, 100);
	CHECK_INT("call", simua_call(&a, "sip:b@b.example"), 0);
	sip_resolver_answer(fx.asked, 0, addrs, 2);
	simworld_run(&world, 100);
	CHECK_STR("the second", simua_log(&a), "media established");
	CHECK_INT("after a 503", sip_ua_stats(full.ua)->status_out[503], 1);
	simua_hangup_all(&a);
	simua_hangup_all(&b);
	simworld_run(&world, 100000);
	CHECK_INT("left", simua_leftover(&a) + simua_leftover(&b) + simua_leftover(&full), 0);
	simua_done(&a);
	simua_done(&full);
	simua_done(&b);
	sip_resolver_free(resolver);
	simworld_done(&world);
	teardown(&fx);
}

/* A name server that says nothing: a socket on loopback that nobody reads. */
static int mute_server(char *ret_servers, size_t size)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK_INT("bind", bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	CHECK_INT("name", getsockname(fd, (struct sockaddr *)&at, &len), 0);
	snprintf(ret_servers, size, "127.0.0.1:%d", ntohs(at.sin_port));
	return fd;
}

/* c-ares on a real loop: a name of /etc/hosts, and a query that is dropped with the resolver. */
static void dns(void)
{
	char servers[32];
	int server = mute_server(servers, sizeof(servers));
	struct sip_resolver *resolver = NULL;
	struct loop *loop = NULL;
	struct asker local, dropped;

	CHECK_INT("loop", loop_new(clock_system(), &loop), 0);
	CHECK_INT("no address",
		  sip_resolver_dns_new(&(struct sip_resolver_dns){.loop = loop, .servers = "ns"},
				       &resolver),
		  -EINVAL);
	CHECK_INT("dns",
		  sip_resolver_dns_new(&(struct sip_resolver_dns){.loop = loop, .servers = servers},
				       &resolver),
		  0);
	ask(resolver, &local, "sip:a@localhost:5070");
	for (int i = 0; i < 1000 && local.calls == 0; i++)
		(void)loop_turn(loop, 10);
	CHECK_INT("localhost", local.err, 0);
	CHECK("an address", local.count > 0 && addr_is_loopback(&local.targets[0].addr));
	CHECK_INT("port", addr_port(&local.targets[0].addr), 5070);
	ask(resolver, &dropped, "sip:a@name.invalid");
	/* And its SRV, where no name server can be reached: then all fail at once. */
	CHECK("its addresses were asked for, then NAPTR of the other",
	      sip_resolver_count(resolver) >= 2);
	resolver = sip_resolver_free(resolver);
	CHECK_INT("timers", wheel_count(loop_wheel(loop)), 0);
	loop_free(loop);
	close(server);
}

void suite_resolver(void)
{
	CHECK_SUITE("resolver");
	CHECK_TEST(literals);
	CHECK_TEST(names_share_and_stay);
	CHECK_TEST(failures);
	CHECK_TEST(limit_of_names);
	CHECK_TEST(call_tries_the_next);
	CHECK_TEST(unavailable_tries_the_next);
	CHECK_TEST(dns);
}
