/* RFC 3263 by table: a zone, and for each URI the targets in their order. The answers come at once
 * or from a timer; both must lead to the same. */
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "sip/resolver.h"
#include "tests/support/check.h"
#include "tests/support/simua.h"

enum { LATE_MAX = 64 };

/* type, name, order, weight, port (SRV); service (NAPTR), target or address */
static const struct row {
	enum sip_record_type type;
	const char *name;
	uint16_t order, weight, port;
	const char *service, *target;
} zone[] = {
	/* Everything: NAPTR prefers TCP to UDP, with TLS last and something foreign between. */
	{SIP_RECORD_NAPTR, "full.example", 50, 50, 0, "SIP+D2T", "_sip._tcp.full.example"},
	{SIP_RECORD_NAPTR, "full.example", 90, 50, 0, "SIP+D2U", "_sip._udp.full.example"},
	{SIP_RECORD_NAPTR, "full.example", 60, 10, 0, "SIP+D2W", "_ws.full.example"},
	{SIP_RECORD_NAPTR, "full.example", 60, 50, 0, "SIPS+D2T", "_sips._tcp.full.example"},
	{SIP_RECORD_SRV, "_sip._tcp.full.example", 1, 0, 5070, NULL, "a.full.example"},
	{SIP_RECORD_SRV, "_sip._udp.full.example", 2, 0, 5080, NULL, "b.full.example"},
	{SIP_RECORD_SRV, "_sip._udp.full.example", 1, 0, 5080, NULL, "a.full.example"},
	{SIP_RECORD_SRV, "_sips._tcp.full.example", 1, 0, 5071, NULL, "a.full.example"},
	{SIP_RECORD_ADDR, "a.full.example", 0, 0, 0, NULL, "192.0.2.1"},
	{SIP_RECORD_ADDR, "b.full.example", 0, 0, 0, NULL, "192.0.2.2"},
	{SIP_RECORD_ADDR, "full.example", 0, 0, 0, NULL, "192.0.2.9"},
	/* No NAPTR: SRV of each protocol. */
	{SIP_RECORD_SRV, "_sip._udp.srv.example", 1, 0, 5060, NULL, "a.full.example"},
	{SIP_RECORD_SRV, "_sip._tcp.srv.example", 1, 0, 5062, NULL, "b.full.example"},
	{SIP_RECORD_ADDR, "srv.example", 0, 0, 0, NULL, "192.0.2.8"},
	/* Addresses only, of both families, in the order of the answer. */
	{SIP_RECORD_ADDR, "plain.example", 0, 0, 0, NULL, "2001:db8::1"},
	{SIP_RECORD_ADDR, "plain.example", 0, 0, 0, NULL, "192.0.2.7"},
	/* NAPTR that helps nobody: no "s" flag is written by the test for this service. */
	{SIP_RECORD_NAPTR, "odd.example", 1, 1, 0, "E2U+sip", "_sip._udp.full.example"},
	{SIP_RECORD_SRV, "_sip._udp.odd.example", 1, 0, 5064, NULL, "a.full.example"},
	/* NAPTR leads to SRV that is not there: the addresses of the name itself. */
	{SIP_RECORD_NAPTR, "half.example", 1, 1, 0, "SIP+D2T", "_sip._tcp.gone.example"},
	{SIP_RECORD_ADDR, "half.example", 0, 0, 0, NULL, "192.0.2.6"},
	/* "." says that there is no such service (RFC 2782). */
	{SIP_RECORD_SRV, "_sip._udp.none.example", 0, 0, 0, NULL, "."},
	{SIP_RECORD_SRV, "_sip._tcp.none.example", 0, 0, 0, NULL, "."},
	{SIP_RECORD_SRV, "_sips._tcp.none.example", 0, 0, 0, NULL, "."},
	{SIP_RECORD_ADDR, "none.example", 0, 0, 0, NULL, "192.0.2.5"},
	/* SRV whose first host has no address. */
	{SIP_RECORD_SRV, "_sip._udp.hole.example", 1, 0, 5060, NULL, "gone.example"},
	{SIP_RECORD_SRV, "_sip._udp.hole.example", 2, 0, 5060, NULL, "b.full.example"},
	/* Weights. */
	{SIP_RECORD_SRV, "_sip._udp.w.example", 1, 90, 5060, NULL, "a.full.example"},
	{SIP_RECORD_SRV, "_sip._udp.w.example", 1, 10, 5060, NULL, "b.full.example"},
	{SIP_RECORD_SRV, "_sip._udp.w.example", 2, 50, 5060, NULL, "plain.example"},
};

struct fixture {
	struct wheel *wheel;
	struct sip_resolver *resolver;
	struct random random;
	bool is_late;
	struct sip_name *late[LATE_MAX];
	enum sip_record_type late_type[LATE_MAX];
	char late_host[LATE_MAX][64];
	uint32_t late_count, lookups;
};

static void answer(enum sip_record_type type, const char *host, struct sip_name *name)
{
	struct sip_record records[SIP_RECORDS_MAX] = {0};
	struct sip_answer found = {.records = records};

	if (strcmp(host, "slow.example") == 0)
		found.err = ERR_SIP_TIMEOUT;
	for (size_t i = 0; i < ARRAY_LEN(zone); i++) {
		struct sip_record *record = &records[found.count];

		if (zone[i].type != type || !slice_iis(slice_of(host), zone[i].name))
			continue;
		found.count++;
		record->order = zone[i].order;
		record->weight = zone[i].weight;
		record->port = zone[i].port;
		if (type == SIP_RECORD_ADDR) {
			CHECK_INT(host, addr_parse_ip(slice_of(zone[i].target), &record->addr), 0);
			continue;
		}
		snprintf(record->target, sizeof(record->target), "%s", zone[i].target);
		if (type == SIP_RECORD_NAPTR)
			snprintf(record->service, sizeof(record->service), "%s", zone[i].service);
		if (type == SIP_RECORD_NAPTR && record->service[0] == 'S')
			strcpy(record->flags, "s");
	}
	sip_resolver_answer_records(name, &found);
}

static void lookup_records(void *ctx, enum sip_record_type type, const char *host,
			   struct sip_name *name)
{
	struct fixture *fx = ctx;

	fx->lookups++;
	if (!fx->is_late) {
		answer(type, host, name);
		return;
	}
	CHECK("room", fx->late_count < LATE_MAX);
	fx->late_type[fx->late_count] = type;
	snprintf(fx->late_host[fx->late_count], sizeof(fx->late_host[0]), "%s", host);
	fx->late[fx->late_count++] = name;
}

static void lookup(void *ctx, const char *host, struct sip_name *name)
{
	lookup_records(ctx, SIP_RECORD_ADDR, host, name);
}

static void answer_late(struct fixture *fx)
{
	for (uint32_t i = 0; i < fx->late_count; i++) /* more may come meanwhile */
		answer(fx->late_type[i], fx->late_host[i], fx->late[i]);
	fx->late_count = 0;
}

static void setup(struct fixture *fx, unsigned protos, bool has_random)
{
	*fx = (struct fixture){0};
	random_init_seeded(&fx->random, 1);
	CHECK_INT("wheel", wheel_new(0, &fx->wheel), 0);
	CHECK_INT("resolver", sip_resolver_new(fx->wheel, lookup, fx, &fx->resolver), 0);
	sip_resolver_extend(fx->resolver,
			    &(struct sip_resolver_more){lookup_records,
							has_random ? &fx->random : NULL, protos});
}

static void teardown(struct fixture *fx)
{
	fx->resolver = sip_resolver_free(fx->resolver);
	CHECK_INT("timers", wheel_count(fx->wheel), 0);
	wheel_free(fx->wheel);
}

struct asker {
	struct sip_query query;
	struct buf text; /* "UDP 192.0.2.1:5060 TCP ..." or "error" */
	int err;
	uint32_t calls;
};

static void on_targets(void *arg, int err, const struct sip_target *targets, uint32_t count)
{
	struct asker *asker = arg;
	char text[ADDR_TEXT_MAX];

	asker->calls++;
	asker->err = err;
	for (uint32_t i = 0; i < count; i++)
		buf_addf(&asker->text, "%s%s %s", i > 0 ? " " : "", sip_proto_via(targets[i].proto),
			 addr_text(&targets[i].addr, text));
}

static void ask(struct fixture *fx, struct asker *asker, const char *text)
{
	struct sip_uri uri;

	*asker = (struct asker){.query = {.on_targets = on_targets, .arg = asker}};
	CHECK_INT(text, sip_uri_parse(slice_of(text), &uri), 0);
	sip_resolve(fx->resolver, &uri, &asker->query);
}

static const struct {
	const char *uri;
	int err;
	const char *targets;
} cases[] = {
	{"sip:x@full.example", 0,
	 "TCP 192.0.2.1:5070 TLS 192.0.2.1:5071 UDP 192.0.2.1:5080 UDP 192.0.2.2:5080"},
	{"sips:x@full.example", 0, "TLS 192.0.2.1:5071"},
	{"sip:x@full.example;transport=udp", 0, "UDP 192.0.2.1:5080 UDP 192.0.2.2:5080"},
	{"sip:x@full.example;transport=tls", 0, "TLS 192.0.2.1:5071"},
	{"sips:x@full.example;transport=tcp", 0, "TLS 192.0.2.1:5071"},
	{"sip:x@full.example:5090", 0, "UDP 192.0.2.9:5090"},
	{"sip:x@full.example:5090;transport=tcp", 0, "TCP 192.0.2.9:5090"},
	{"sips:x@full.example:5090", 0, "TLS 192.0.2.9:5090"},
	{"sip:x@nowhere.example;maddr=full.example;transport=tcp", 0, "TCP 192.0.2.1:5070"},
	{"sip:x@FULL.example;transport=TCP", 0, "TCP 192.0.2.1:5070"},
	{"sip:x@srv.example", 0, "UDP 192.0.2.1:5060 TCP 192.0.2.2:5062"},
	{"sip:x@srv.example;transport=tls", 0, "TLS 192.0.2.8:5061"},
	{"sips:x@srv.example", 0, "TLS 192.0.2.8:5061"},
	{"sip:x@plain.example", 0, "UDP [2001:db8::1]:5060 UDP 192.0.2.7:5060"},
	{"sip:x@plain.example;transport=tcp", 0, "TCP [2001:db8::1]:5060 TCP 192.0.2.7:5060"},
	{"sip:x@odd.example", 0, "UDP 192.0.2.1:5064"},
	{"sip:x@half.example", 0, "UDP 192.0.2.6:5060"},
	{"sip:x@none.example", ERR_SIP_NO_ROUTE, ""},
	{"sip:x@none.example:5060", 0, "UDP 192.0.2.5:5060"},
	{"sip:x@hole.example", 0, "UDP 192.0.2.2:5060"},
	{"sip:x@w.example", 0,
	 "UDP 192.0.2.1:5060 UDP 192.0.2.2:5060 UDP [2001:db8::1]:5060 UDP 192.0.2.7:5060"},
	{"sip:x@gone.example", ERR_SIP_NO_ROUTE, ""},
	{"sip:x@slow.example", ERR_SIP_TIMEOUT, ""},
	{"sip:x@full.example;transport=ws", ERR_SIP_NO_ROUTE, ""},
	{"sips:x@full.example;transport=udp", ERR_SIP_NO_ROUTE, ""},
};

static void table(void)
{
	for (int late = 0; late < 2; late++) {
		struct fixture fx;

		setup(&fx, 0, false);
		fx.is_late = late;
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			struct asker asker;

			ask(&fx, &asker, cases[i].uri);
			for (int turn = 0; turn < 4 && fx.late_count > 0; turn++)
				answer_late(&fx);
			CHECK_INT(cases[i].uri, asker.calls, 1);
			CHECK_INT(cases[i].uri, asker.err, cases[i].err);
			CHECK_SLICE(cases[i].uri, buf_slice(&asker.text), cases[i].targets);
			buf_done(&asker.text);
		}
		teardown(&fx);
	}
}

/* What we do not speak is not a target (RFC 3263 4.1). */
static void protocols_we_speak(void)
{
	static const struct {
		unsigned protos;
		const char *uri, *targets;
	} rows[] = {
		{1u << SIP_UDP, "sip:x@full.example", "UDP 192.0.2.1:5080 UDP 192.0.2.2:5080"},
		{1u << SIP_TCP, "sip:x@srv.example", "TCP 192.0.2.2:5062"},
		{1u << SIP_UDP | 1u << SIP_WS, "sip:x@full.example;transport=udp",
		 "UDP 192.0.2.1:5080 UDP 192.0.2.2:5080"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture fx;
		struct asker asker;

		setup(&fx, rows[i].protos, false);
		ask(&fx, &asker, rows[i].uri);
		CHECK_SLICE(rows[i].uri, buf_slice(&asker.text), rows[i].targets);
		buf_done(&asker.text);
		teardown(&fx);
	}
}

/* RFC 2782: in proportion to the weights, the next priority always behind. */
static void weights(void)
{
	enum { ROUNDS = 2000 };
	struct fixture fx;
	int heavy = 0;

	setup(&fx, 0, true);
	for (int i = 0; i < ROUNDS; i++) {
		struct asker asker;

		ask(&fx, &asker, "sip:x@w.example;transport=udp");
		heavy += slice_starts(buf_slice(&asker.text),
				      SLICE("UDP 192.0.2.1:5060 UDP 192.0.2.2:"));
		CHECK("the other priority is last",
		      slice_starts(slice_from(buf_slice(&asker.text), 38),
				   SLICE("UDP [2001:db8::1]:5060")));
		buf_done(&asker.text);
	}
	CHECK_NEAR("nine of ten", heavy, ROUNDS * 9 / 10, 80);
	teardown(&fx);
}

static void failed_places_go_last(void)
{
	struct sip_target first = {.proto = SIP_UDP};
	struct fixture fx;
	struct asker asker;

	setup(&fx, 0, false);
	CHECK_INT("addr", addr_parse(SLICE("192.0.2.1:5080"), &first.addr), 0);
	sip_resolver_failed(fx.resolver, &first, 0);
	sip_resolver_failed(fx.resolver, &first, 0); /* once more counts as once */
	ask(&fx, &asker, "sip:x@full.example;transport=udp");
	CHECK_SLICE("last", buf_slice(&asker.text), "UDP 192.0.2.2:5080 UDP 192.0.2.1:5080");
	buf_done(&asker.text);
	ask(&fx, &asker, "sip:x@full.example");
	CHECK_SLICE("that place only", buf_slice(&asker.text),
		    "TCP 192.0.2.1:5070 TLS 192.0.2.1:5071 UDP 192.0.2.2:5080 UDP 192.0.2.1:5080");
	buf_done(&asker.text);
	wheel_advance(fx.wheel, SIP_RESOLVER_BAD_MS);
	ask(&fx, &asker, "sip:x@full.example;transport=udp");
	CHECK_SLICE("forgiven", buf_slice(&asker.text), "UDP 192.0.2.1:5080 UDP 192.0.2.2:5080");
	buf_done(&asker.text);

	for (int i = 0; i < SIP_RESOLVER_BAD_MAX + 1; i++) {
		addr_set_port(&first.addr, (uint16_t)(10000 + i));
		sip_resolver_failed(fx.resolver, &first, 1000);
	}
	CHECK_INT("no more than that", wheel_count(fx.wheel),
		  SIP_RESOLVER_BAD_MAX + sip_resolver_count(fx.resolver));
	sip_resolver_failed(NULL, &first, 0);
	teardown(&fx);
}

static void answers_are_kept_as_long_as_they_say(void)
{
	struct fixture fx;
	struct asker asker;
	struct sip_record none = {.order = 0};
	uint32_t lookups;

	setup(&fx, 0, false);
	ask(&fx, &asker, "sip:x@full.example;transport=tcp");
	buf_done(&asker.text);
	lookups = fx.lookups;
	ask(&fx, &asker, "sip:x@full.example;transport=tcp");
	buf_done(&asker.text);
	CHECK_INT("known", fx.lookups, lookups);
	fx.is_late = true;
	ask(&fx, &asker, "sip:x@plain.example:1");
	sip_resolver_answer_records(
		fx.late[0], &(struct sip_answer){.records = &none, .count = 1, .keep_ms = 1});
	wheel_advance(fx.wheel, SIP_RESOLVER_KEEP_MIN_MS - 1);
	CHECK_INT("no shorter than the least", sip_resolver_count(fx.resolver), 3);
	wheel_advance(fx.wheel, SIP_RESOLVER_KEEP_MIN_MS);
	CHECK_INT("gone", sip_resolver_count(fx.resolver), 2);
	buf_done(&asker.text);
	teardown(&fx);
}

/* Cancelled while it waits, and dropped with the resolver: never told. */
static void cancelled(void)
{
	struct fixture fx;
	struct asker first, second;

	setup(&fx, 0, false);
	fx.is_late = true;
	ask(&fx, &first, "sip:x@full.example");
	sip_query_cancel(&first.query);
	sip_query_cancel(&first.query);
	answer_late(&fx);
	answer_late(&fx);
	CHECK_INT("not told", first.calls, 0);
	ask(&fx, &second, "sip:x@srv.example");
	teardown(&fx);
	CHECK_INT("not told", second.calls, 0);
}

static void connection_bound(void)
{
	static const struct {
		const char *uri;
		bool is_bound;
	} rows[] = {
		{"sip:a@df7jal23ls0d.invalid;transport=ws", true},
		{"sip:a@df7jal23ls0d.INVALID", true},
		{"sip:a@192.0.2.1;transport=ws", true},
		{"sips:a@192.0.2.1;transport=WSS", true},
		{"sip:a@192.0.2.1;transport=tcp", false},
		{"sip:a@invalid", false},
		{"sip:a@x.invalid.example", false},
		{"sip:a@192.0.2.1;transport=odd", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_uri uri;

		CHECK_INT(rows[i].uri, sip_uri_parse(slice_of(rows[i].uri), &uri), 0);
		CHECK_INT(rows[i].uri, sip_uri_needs_flow(&uri), rows[i].is_bound);
	}
}

void suite_resolver_search(void);
void suite_resolver_search(void)
{
	CHECK_SUITE("resolver_search");
	CHECK_TEST(table);
	CHECK_TEST(protocols_we_speak);
	CHECK_TEST(weights);
	CHECK_TEST(failed_places_go_last);
	CHECK_TEST(answers_are_kept_as_long_as_they_say);
	CHECK_TEST(cancelled);
	CHECK_TEST(connection_bound);
}
