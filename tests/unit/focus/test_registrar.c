/* REGISTER on the wire: RFC 3261 10.3, RFC 3327, RFC 5626, RFC 5627. */
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "focus/focus_priv.h"
#include "focus/registrar.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"
#include "tests/support/simua.h"

struct fixture {
	struct world *world;
	struct simworld sim; /* the same net, as raw speakers want it */
	struct simraw phone;
	struct addr server;
	uint32_t branch;
	struct sip_msg answer; /* of the last request */
	char contacts[2048];   /* its Contact values, '|' after each */
};

static void setup_with(struct fixture *fx, const char *config)
{
	*fx = (struct fixture){0};
	fx->world = world_new(&(struct world_options){.config = config});
	fx->sim = (struct simworld){.wheel = fx->world->wheel, .net = fx->world->net};
	simraw_init(&fx->phone, &fx->sim, "10.0.0.9:5060");
	simnet_speak_tls(fx->world->net);
	fx->server = *simnode_addr(fx->world->server_node);
}

static void setup(struct fixture *fx)
{
	setup_with(fx, "sip.registrar=open");
}

static void teardown(struct fixture *fx, const char *row)
{
	struct world *world = fx->world;
	struct aor *aor;

	while ((aor = location_next_aor(world->focus->location, SLICE_NONE)) != NULL)
		location_remove(world->focus->location, location_next(aor, NULL), "deleted");
	simraw_done(&fx->phone);
	world_end(world, row);
}

struct ask {
	enum sip_proto proto;
	const char *method; /* REGISTER */
	const char *uri;    /* Request-URI of it; NULL: the server as sip: */
	const char *user;   /* bob */
	const char *call_id;
	const char *via; /* more Vias and fields before From; NULL none */
	uint32_t cseq;
	const char *headers; /* "Contact: ...\nExpires: 60\n" */
	bool has_no_rport;
};

/* Sends it and keeps the answer. Returns its status, 0 when none came. */
static uint16_t ask(struct fixture *fx, const struct ask *from)
{
	const struct sip_header *header = NULL;
	struct buf text = BUF_INIT;
	const char *user = from->user ? from->user : "bob";
	const char *method = from->method ? from->method : "REGISTER";
	size_t used = 0;

	fx->branch++;
	buf_addf(&text,
		 "%s %s%s%s SIP/2.0\n"
		 "Via: SIP/2.0/%s @SELF@;branch=z9hG4bK%u%s\n%s"
		 "Max-Forwards: 70\nFrom: <sip:%s@10.0.0.1>;tag=1\nTo: <sip:%s@10.0.0.1>\n"
		 "Call-ID: %s\nCSeq: %u %s\n%sContent-Length: 0\n\n",
		 method, from->uri ? "" : "sip:", from->method ? "bob@" : "",
		 from->uri ? from->uri : "10.0.0.1", sip_proto_via(from->proto), fx->branch,
		 from->has_no_rport ? "" : ";rport", from->via ? from->via : "", user, user,
		 from->call_id ? from->call_id : "c1", from->cseq ? from->cseq : fx->branch, method,
		 from->headers ? from->headers : "");
	simraw_forget(&fx->phone);
	simraw_send(&fx->phone, from->proto, &fx->server, text.p);
	buf_done(&text);
	world_run(fx->world, 50);
	fx->contacts[0] = '\0';
	if (!simraw_next(&fx->phone, &fx->answer))
		return 0;
	while ((header = sip_msg_next(&fx->answer, SIP_H_CONTACT, header)) != NULL)
		used += (size_t)snprintf(fx->contacts + used, sizeof(fx->contacts) - used,
					 SLICE_FMT "|",
					 SLICE_ARG(sip_header_value(&fx->answer, header)));
	return fx->answer.status;
}

static uint16_t put(struct fixture *fx, const char *headers)
{
	return ask(fx, &(struct ask){.headers = headers});
}

/* Each row is one REGISTER after those of the rows before it with the same setup. */
static void bindings(void)
{
	static const struct {
		const char *name, *headers;
		uint16_t status;
		const char *contacts; /* in the answer; NULL: not looked at */
	} rows[] = {
		{"query of nothing", "", 200, ""},
		{"add", "Contact: <sip:b@1.1.1.1>\n", 200, "<sip:b@1.1.1.1>;expires=3600|"},
		{"query", "", 200, "<sip:b@1.1.1.1>;expires=3600|"},
		{"expires header", "Contact: <sip:b@1.1.1.1>\nExpires: 600\n", 200,
		 "<sip:b@1.1.1.1>;expires=600|"},
		{"the parameter wins, and the same URI is one binding",
		 "Contact: <sip:b@1.1.1.1;b=2>;expires=100\nExpires: 600\n", 200, NULL},
		{"second contact, q, feature parameters",
		 "Contact: <sip:b@2.2.2.2>;q=0.5;methods=\"INVITE,BYE\";audio\n", 200, NULL},
		{"two in one line, one goes",
		 "Contact: <sip:b@2.2.2.2>;expires=0, <sip:b@3.3.3.3>;q=0.25\n", 200, NULL},
		{"too brief", "Contact: <sip:b@4.4.4.4>;expires=10\n", 423, ""},
		{"nothing of a refused request stays",
		 "Contact: <sip:b@4.4.4.4>, <sip:b@5.5.5.5>;expires=10\n", 423, ""},
		{"malformed expires counts as an hour", "Contact: <sip:b@6.6.6.6>;expires=x\n", 200,
		 NULL},
		{"longer than may be", "Contact: <sip:b@6.6.6.6>;expires=4294967296000\n", 200,
		 NULL},
		{"no URI", "Contact: <b@x>\n", 400, ""},
		{"star and another", "Contact: *\nContact: <sip:b@7.7.7.7>\nExpires: 0\n", 400, ""},
		{"star without expires", "Contact: *\n", 400, ""},
		{"star that does not end", "Contact: *\nExpires: 60\n", 400, ""},
		{"star", "Contact: *\nExpires: 0\n", 200, ""},
		{"no SIP URI", "Contact: <mailto:b@x>;expires=600\n", 200,
		 "<mailto:b@x>;expires=600|"},
		{"it goes like any other", "Contact: <mailto:b@x>;expires=0\n", 200, ""},
		{"expires 0 of what is not there", "Contact: <sip:b@8.8.8.8>;expires=0\n", 200, ""},
		{"twice in one request",
		 "Contact: <sip:b@8.8.8.8>;expires=100, <sip:b@8.8.8.8>;expires=200\n", 200,
		 "<sip:b@8.8.8.8>;expires=200|"},
		{"unknown extension", "Require: nothing\nContact: <sip:b@1.1.1.1>\n", 420, ""},
	};
	struct fixture fx;

	setup_with(&fx, "sip.registrar=open\nregistrar.contacts_max=3");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK_INT(rows[i].name, put(&fx, rows[i].headers), rows[i].status);
		if (rows[i].contacts)
			CHECK_STR(rows[i].name, fx.contacts, rows[i].contacts);
	}
	teardown(&fx, "bindings");
}

static void what_a_binding_keeps(void)
{
	struct fixture fx;

	setup(&fx);
	CHECK_INT("add", put(&fx, "Contact: <sip:b@2.2.2.2>;q=0.5;methods=\"INVITE,BYE\";audio\n"),
		  200);
	CHECK_STR("shown", fx.contacts,
		  "<sip:b@2.2.2.2>;methods=\"INVITE,BYE\";audio;expires=3600;q=0.500|");
	world_run(fx.world, 60000);
	(void)put(&fx, "");
	CHECK_STR("a minute later", fx.contacts,
		  "<sip:b@2.2.2.2>;methods=\"INVITE,BYE\";audio;expires=3540;q=0.500|");
	CHECK("date", slice_present(sip_msg_value(&fx.answer, SIP_H_DATE)));
	world_run(fx.world, 3540000);
	CHECK_STR("told", world_events(fx.world, NULL),
		  "registration.added bob sip:b@2.2.2.2\n"
		  "registration.removed bob sip:b@2.2.2.2 expired\n");
	CHECK_INT("gone by itself", location_count(fx.world->focus->location), 0);
	CHECK_INT("and its name", location_aor_count(fx.world->focus->location), 0);
	CHECK_INT("counted", location_stats(fx.world->focus->location)->expired, 1);
	CHECK_INT("clipped", put(&fx, "Contact: <sip:b@6.6.6.6>;expires=4294967296000\n"), 200);
	CHECK_STR("clipped", fx.contacts, "<sip:b@6.6.6.6>;expires=7200|");
	CHECK_INT("min", put(&fx, "Contact: <sip:b@6.6.6.6>;expires=59\n"), 423);
	CHECK_SLICE("min", sip_msg_value(&fx.answer, SIP_H_MIN_EXPIRES), "60");
	teardown(&fx, "kept");
}

/* RFC 3261 10.3, step 7: of one Call-ID only what is newer counts, and nothing is half done. */
static void order(void)
{
	static const struct {
		const char *name, *call_id;
		uint32_t cseq;
		const char *headers;
		uint16_t status;
		uint32_t count;
	} rows[] = {
		{"first", "x", 10, "Contact: <sip:b@1.1.1.1>\n", 200, 1},
		{"same number", "x", 10, "Contact: <sip:b@1.1.1.1>;expires=0\n", 500, 1},
		{"older, with a new one", "x", 9, "Contact: <sip:b@2.2.2.2>, <sip:b@1.1.1.1>\n",
		 500, 1},
		{"star, older", "x", 8, "Contact: *\nExpires: 0\n", 500, 1},
		{"another Call-ID", "y", 1, "Contact: <sip:b@1.1.1.1>\n", 200, 1},
		{"the first again, lower", "x", 2, "Contact: <sip:b@1.1.1.1>\n", 200, 1},
		{"star", "x", 3, "Contact: *\nExpires: 0\n", 200, 0},
	};
	struct fixture fx;

	setup(&fx);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		world_run(fx.world, 40000); /* else the same number is the same request: 482 */
		CHECK_INT(rows[i].name,
			  ask(&fx, &(struct ask){.call_id = rows[i].call_id,
						 .cseq = rows[i].cseq,
						 .headers = rows[i].headers}),
			  rows[i].status);
		CHECK_INT(rows[i].name, location_count(fx.world->focus->location), rows[i].count);
	}
	teardown(&fx, "order");
}

static void limits(void)
{
	struct fixture fx;

	setup_with(&fx, "sip.registrar=open\nregistrar.contacts_max=2\nregistrar.max=3");
	CHECK_INT("two", put(&fx, "Contact: <sip:b@1.1.1.1>, <sip:b@2.2.2.2>\n"), 200);
	CHECK_INT("a third", put(&fx, "Contact: <sip:b@3.3.3.3>\n"), 403);
	CHECK_INT("in place of one",
		  put(&fx, "Contact: <sip:b@3.3.3.3>, <sip:b@1.1.1.1>;expires=0\n"), 200);
	CHECK_INT("refresh", put(&fx, "Contact: <sip:b@2.2.2.2>\n"), 200);
	CHECK_INT("another user",
		  ask(&fx, &(struct ask){.user = "eve", .headers = "Contact: <sip:e@1.1.1.1>\n"}),
		  200);
	CHECK_INT("the server is full",
		  ask(&fx, &(struct ask){.user = "joe", .headers = "Contact: <sip:j@1.1.1.1>\n"}),
		  503);
	CHECK("when to come back", slice_present(sip_msg_value(&fx.answer, SIP_H_RETRY_AFTER)));
	CHECK_INT("held", location_count(fx.world->focus->location), 3);
	CHECK_INT("counted", focus_stats(fx.world->focus)->registrations_refused, 2);
	teardown(&fx, "limits");
}

/* A Contact that has us call where calls cost is no phone. */
static void a_contact_at_a_trunk(void)
{
	static const struct {
		const char *contact;
		uint16_t status;
	} rows[] = {
		{"<sip:+4711@proxy.example>", 403},
		{"<sip:+4711@PROXY.example:5080;transport=tcp>", 403},
		{"<sip:b@10.0.0.9>, <sip:+4711@trunk.example>", 403},
		{"<sip:+4711@edge.example>", 403},
		{"<sip:+4711@10.7.0.1>", 403},
		{"<sip:+4711@10.0.0.9;maddr=10.7.0.1>", 403},
		{"<sip:+4711@10.6.0.1>", 403},
		{"<sip:+4711@10.6.0.1:5060>", 403},
		{"<sip:+4711@10.6.0.1:5070>", 200}, /* a phone at the same address */
		{"<sip:+4711@10.8.0.1>", 200},
		{"<sip:b@10.0.0.9>", 200},
		{"<tel:+4711>", 200}, /* is not called */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture fx;
		char headers[128];

		setup_with(&fx, "sip.registrar=open\nsip.outbound_proxy=sip:proxy.example\n"
				"sip.trusted=10.7.0.0/16\n"
				"sip.register=sip:us@trunk.example sip:edge.example, "
				"sip:us@10.6.0.1 sip:edge.example");
		snprintf(headers, sizeof(headers), "Contact: %s\n", rows[i].contact);
		CHECK_INT(rows[i].contact, put(&fx, headers), rows[i].status);
		CHECK_INT(rows[i].contact, location_count(fx.world->focus->location),
			  rows[i].status == 200);
		teardown(&fx, rows[i].contact);
	}
}

static void who_may(void)
{
	static const struct {
		const char *config;
		uint16_t status;
	} rows[] = {{"sip.registrar=off", 403},
		    {"sip.registrar=open", 200},
		    {"sip.registrar=users", 403},
		    {"sip.registrar=open\nsip.domains=example.org", 200}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture fx;

		setup_with(&fx, rows[i].config);
		CHECK_INT(rows[i].config, put(&fx, "Contact: <sip:b@1.1.1.1>\n"), rows[i].status);
		teardown(&fx, rows[i].config);
	}
}

/* Where a request to the binding goes. "-": by the Contact's own address. */
static void paths(void)
{
	static const struct {
		const char *name;
		enum sip_proto proto;
		const char *via, *headers;
		bool has_no_rport;
		uint16_t status;
		const char *flow, *path;
	} rows[] = {
		{"at its own address", SIP_UDP, NULL, "Contact: <sip:b@10.0.0.9>\n", false, 200,
		 "-", ""},
		{"behind a NAT", SIP_UDP, NULL, "Contact: <sip:b@192.168.0.5>\n", false, 200,
		 "10.0.0.9:5060", ""},
		{"another port", SIP_UDP, NULL, "Contact: <sip:b@10.0.0.9:1234>\n", false, 200,
		 "10.0.0.9:5060", ""},
		{"a name", SIP_UDP, NULL, "Contact: <sip:b@phone.example.org>\n", false, 200,
		 "10.0.0.9:5060", ""},
		{"over a connection", SIP_TCP, NULL, "Contact: <sip:b@10.0.0.9;transport=tcp>\n",
		 false, 200, "10.0.0.9:5060", ""},
		{"by a proxy", SIP_UDP, "Via: SIP/2.0/UDP 192.168.0.5;branch=z9hG4bKp\n",
		 "Contact: <sip:b@192.168.0.5>\n", false, 200, "-", ""},
		{"by a proxy with Path", SIP_UDP, "Via: SIP/2.0/UDP 192.168.0.5;branch=z9hG4bKp\n",
		 "Supported: path\nPath: <sip:p2;lr>,<sip:p1;lr>\nContact: <sip:b@192.168.0.5>\n",
		 false, 200, "-", "<sip:p2;lr>, <sip:p1;lr>"},
		{"Path is required", SIP_UDP, NULL,
		 "Require: path\nPath: <sip:p1;lr>\nContact: <sip:b@192.168.0.5>\n", false, 200,
		 "-", "<sip:p1;lr>"},
		{"malformed Path", SIP_UDP, NULL, "Path: sip:p1\nContact: <sip:b@1.1.1.1>\n", false,
		 400, NULL, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char flow[ADDR_TEXT_MAX] = "-";
		struct binding *b;
		struct fixture fx;
		struct aor *aor;

		setup(&fx);
		CHECK_INT(rows[i].name,
			  ask(&fx, &(struct ask){.proto = rows[i].proto,
						 .via = rows[i].via,
						 .has_no_rport = rows[i].has_no_rport,
						 .headers = rows[i].headers}),
			  rows[i].status);
		aor = location_find(fx.world->focus->location, SLICE("bob"));
		b = aor ? location_next(aor, NULL) : NULL;
		CHECK(rows[i].name, !b == !rows[i].flow);
		if (b) {
			if (b->has_flow)
				addr_text(&b->flow.remote, flow);
			CHECK_STR(rows[i].name, flow, rows[i].flow);
			CHECK_STR(rows[i].name, b->path, rows[i].path);
			CHECK(rows[i].name, slice_present(sip_msg_value(&fx.answer, SIP_H_PATH)) ==
						    (b->path[0] != '\0'));
		}
		teardown(&fx, rows[i].name);
	}
}

#define INSTANCE ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\""

/* One binding for each flow of an instance, whatever the Contact says (RFC 5626 6). */
static void outbound(void)
{
	struct fixture fx;
	struct aor *aor;

	setup(&fx);
	CHECK_INT("first flow",
		  put(&fx, "Supported: outbound\n"
			   "Contact: <sip:b@192.168.0.5>;reg-id=1" INSTANCE "\n"),
		  200);
	CHECK_SLICE("told", sip_msg_value(&fx.answer, SIP_H_REQUIRE), "outbound");
	CHECK_SLICE("timer", sip_msg_value(&fx.answer, SIP_H_FLOW_TIMER), "120");
	CHECK_INT("the same flow from another Contact",
		  put(&fx, "Supported: outbound\n"
			   "Contact: <sip:b@192.168.0.6>;reg-id=1" INSTANCE "\n"),
		  200);
	CHECK_INT("one", location_count(fx.world->focus->location), 1);
	CHECK_INT("second flow, TCP",
		  ask(&fx, &(struct ask){.proto = SIP_TCP,
					 .headers = "Supported: outbound\n"
						    "Contact: <sip:b@192.168.0.6>;reg-id=2" INSTANCE
						    "\n"}),
		  200);
	CHECK_INT("two", location_count(fx.world->focus->location), 2);
	aor = location_find(fx.world->focus->location, SLICE("bob"));
	CHECK("the flow itself, even from its own address",
	      location_next(aor, NULL)->has_flow && location_next(aor, NULL)->reg_id == 1);
	simnode_set_down(fx.phone.node, true);
	aor = location_find(fx.world->focus->location, SLICE("bob"));
	CHECK_INT("the connection's binding went with it",
		  location_count(fx.world->focus->location), 1);
	CHECK_INT("counted", location_stats(fx.world->focus->location)->flow_failed, 1);
	simnode_set_down(fx.phone.node, false);
	CHECK_INT("by a proxy that keeps no flow",
		  ask(&fx, &(struct ask){.via = "Via: SIP/2.0/UDP 192.168.0.5;branch=z9hG4bKp\n",
					 .headers = "Supported: outbound, path\nPath: <sip:p1;lr>\n"
						    "Contact: <sip:b@192.168.0.7>;reg-id=1" INSTANCE
						    "\n"}),
		  439);
	CHECK_INT("by one that does",
		  ask(&fx,
		      &(struct ask){.via = "Via: SIP/2.0/UDP 192.168.0.5;branch=z9hG4bKp\n",
				    .headers = "Supported: outbound, path\nPath: <sip:p1;lr;ob>\n"
					       "Contact: <sip:b@192.168.0.7>;reg-id=3" INSTANCE
					       "\n"}),
		  200);
	CHECK_INT("a phone that does not do it",
		  put(&fx, "Contact: <sip:b@192.168.0.8>;reg-id=1" INSTANCE "\n"), 200);
	CHECK("nothing told", !slice_present(sip_msg_value(&fx.answer, SIP_H_REQUIRE)));
	CHECK_INT("by its URI", location_count(fx.world->focus->location), 3);
	teardown(&fx, "outbound");
}

static struct slice gruu_of(const char *contacts, const char *name, char *out, size_t cap)
{
	const char *at = strstr(contacts, name);
	struct slice rest = slice_of(at ? at + strlen(name) + 2 : "");

	return slice_of(slice_cstr(slice_first(rest, slice_find(rest, '"')), out, cap));
}

static bool leads_to(struct fixture *fx, struct slice text, const char *user)
{
	struct location_match match;
	struct sip_uri uri;

	if (sip_uri_parse(text, &uri) || location_match(fx->world->focus->location, &uri, &match) ||
	    !match.aor)
		return false;
	return slice_is(match.user, user) &&
	       location_is_meant(&match, location_next(match.aor, NULL));
}

static void gruus(void)
{
	char pub[256], temp[256], later[256];
	struct fixture fx;

	setup(&fx);
	CHECK_INT("not asked for", put(&fx, "Contact: <sip:b@1.1.1.1>" INSTANCE "\n"), 200);
	CHECK("not asked for", !strstr(fx.contacts, "gruu"));
	CHECK_INT("asked for", put(&fx, "Supported: gruu\nContact: <sip:b@1.1.1.1>" INSTANCE "\n"),
		  200);
	(void)gruu_of(fx.contacts, "pub-gruu", pub, sizeof(pub));
	(void)gruu_of(fx.contacts, "temp-gruu", temp, sizeof(temp));
	CHECK_STR("public", pub,
		  "sip:bob@10.0.0.1;gr=urn:uuid:00000000-0000-1000-8000-000A95A0E128");
	CHECK("temporary", strstr(temp, "sip:tgruu.") == temp && !strstr(temp, "bob"));
	(void)put(&fx, "Supported: gruu\nContact: <sip:b@1.1.1.1>" INSTANCE "\n");
	(void)gruu_of(fx.contacts, "temp-gruu", later, sizeof(later));
	CHECK("a new one each time", strcmp(temp, later) != 0);
	CHECK("public leads there", leads_to(&fx, slice_of(pub), "bob"));
	CHECK("the first temporary one too", leads_to(&fx, slice_of(temp), "bob"));
	CHECK("and the second", leads_to(&fx, slice_of(later), "bob"));
	CHECK("another instance", !leads_to(&fx, SLICE("sip:bob@10.0.0.1;gr=urn:uuid:1"), "bob"));
	CHECK("nobody's", !leads_to(&fx, SLICE("sip:tgruu.aaaa@10.0.0.1;gr"), "bob"));
	for (int i = 0; i < 40; i++)
		(void)put(&fx, "Supported: gruu\nContact: <sip:b@1.1.1.1>" INSTANCE "\n");
	CHECK("the first still, after any number", leads_to(&fx, slice_of(temp), "bob"));
	CHECK_INT("another Call-ID",
		  ask(&fx, &(struct ask){.call_id = "booted",
					 .headers = "Supported: gruu\nContact: "
						    "<sip:b@1.1.1.1>" INSTANCE "\n"}),
		  200);
	CHECK("ends them (RFC 5627 3.2)", !leads_to(&fx, slice_of(temp), "bob"));
	(void)gruu_of(fx.contacts, "temp-gruu", later, sizeof(later));
	CHECK("and begins anew", leads_to(&fx, slice_of(later), "bob"));
	(void)put(&fx, "Contact: *\nExpires: 0\n");
	CHECK("all go with the last binding", !leads_to(&fx, slice_of(later), "bob"));
	teardown(&fx, "gruus");
}

/* RFC 5627 3.2: a phone does not know that we were restarted. */
static void gruus_outlive_a_restart(void)
{
	static struct store store;
	char temp[256];
	struct fixture fx;

	setup(&fx);
	CHECK_INT("registered", put(&fx, "Supported: gruu\nContact: <sip:b@1.1.1.1>" INSTANCE "\n"),
		  200);
	(void)gruu_of(fx.contacts, "temp-gruu", temp, sizeof(temp));
	CHECK("good", leads_to(&fx, slice_of(temp), "bob"));
	store = fx.world->store;
	simraw_done(&fx.phone);
	world_free(fx.world);
	fx.world = world_new(&(struct world_options){
		.config = "sip.registrar=open", .store = &store, .seed = 77});
	fx.sim = (struct simworld){.wheel = fx.world->wheel, .net = fx.world->net};
	simraw_init(&fx.phone, &fx.sim, "10.0.0.9:5060");
	CHECK("still good", leads_to(&fx, slice_of(temp), "bob"));
	teardown(&fx, "restart");
}

/* RFC 5630 5.2: a sips: Contact, where all else is sips:, too. */
static void sips_contacts(void)
{
	static const struct {
		const char *name, *uri, *headers;
		uint16_t status;
	} rows[] = {
		{"all of it", "sips:10.0.0.1", "Contact: <sips:b@1.1.1.1>\n", 200},
		{"with a path", "sips:10.0.0.1",
		 "Supported: path\nPath: <sips:p;lr>\nContact: <sips:b@1.1.1.1>\n", 200},
		{"to sip:", "sip:10.0.0.1", "Contact: <sips:b@1.1.1.1>\n", 400},
		{"beside a sip: one", "sips:10.0.0.1",
		 "Contact: <sips:b@1.1.1.1>, <sip:b@1.1.1.2>\n", 400},
		{"over a path in the clear", "sips:10.0.0.1",
		 "Supported: path\nPath: <sips:p;lr>, <sip:q;lr>\nContact: <sips:b@1.1.1.1>\n",
		 400},
		{"a sip: one to sips:", "sips:10.0.0.1", "Contact: <sip:b@1.1.1.1>\n", 200},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture fx;

		setup(&fx);
		CHECK_INT(rows[i].name,
			  ask(&fx, &(struct ask){.proto = SIP_TLS,
						 .uri = rows[i].uri,
						 .headers = rows[i].headers}),
			  rows[i].status);
		CHECK_INT(rows[i].name, location_count(fx.world->focus->location),
			  rows[i].status == 200);
		teardown(&fx, rows[i].name);
	}
}

/* Where requests of ours to a GRUU go that a phone gave as its Contact (RFC 5627 5.1). */
static void gruus_are_located(void)
{
	static const struct {
		const char *name, *headers; /* of a REGISTER */
		const char *uri;            /* "": its pub-gruu */
		enum sip_whereabouts whereabouts;
		const char *contact, *path;
		bool has_flow;
	} rows[] = {
		{"where it is", "Contact: <sip:b@10.0.0.9>" INSTANCE "\n", "", SIP_LOCATED,
		 "sip:b@10.0.0.9", NULL, false},
		{"behind a NAT", "Contact: <sip:b@192.168.0.5>" INSTANCE "\n", "", SIP_LOCATED,
		 "sip:b@192.168.0.5", NULL, true},
		{"behind a proxy",
		 "Path: <sip:edge;lr>\nContact: <sip:b@192.168.0.6>" INSTANCE "\n", "", SIP_LOCATED,
		 "sip:b@192.168.0.6", "<sip:edge;lr>", false},
		{"another phone of the user", "", "sip:bob@10.0.0.1;gr=urn:uuid:1", SIP_IS_ABSENT,
		 NULL, NULL, false},
		{"nobody", "", "sip:carol@10.0.0.1;gr=urn:uuid:1", SIP_IS_ABSENT, NULL, NULL,
		 false},
		{"of a temporary one that was never given", "", "sip:tgruu.aaaa@10.0.0.1;gr",
		 SIP_IS_ABSENT, NULL, NULL, false},
		{"elsewhere", "", "sip:bob@elsewhere.example;gr=urn:uuid:1", SIP_NOT_OURS, NULL,
		 NULL, false},
	};
	char own[256];
	struct fixture fx;

	setup(&fx);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_located located = {0};
		struct buf headers = BUF_INIT;
		struct sip_uri uri;

		buf_addf(&headers, "Supported: gruu, path\n%s", rows[i].headers);
		CHECK_INT(rows[i].name, put(&fx, headers.p), 200);
		buf_done(&headers);
		(void)gruu_of(fx.contacts, "pub-gruu", own, sizeof(own));
		CHECK_INT(rows[i].name,
			  sip_uri_parse(slice_of(*rows[i].uri ? rows[i].uri : own), &uri), 0);
		CHECK_INT(rows[i].name, registrar_locate(fx.world->focus, &uri, &located),
			  rows[i].whereabouts);
		CHECK_SLICE(rows[i].name, located.uri, rows[i].contact);
		CHECK_SLICE(rows[i].name, located.path, rows[i].path);
		CHECK_INT(rows[i].name, located.flow != NULL, rows[i].has_flow);
		if (*rows[i].headers)
			world_run(fx.world, 1000); /* the next one is the later one */
	}
	teardown(&fx, "gruus are located");
}

/* What OPTIONS says of a user (RFC 3261 11.2). */
static void presence(void)
{
	struct fixture fx;

	setup_with(&fx, "sip.registrar=open\nrooms.autocreate=false");
	CHECK_INT("nobody", ask(&fx, &(struct ask){.method = "OPTIONS"}), 404);
	(void)put(&fx, "Contact: <sip:b@1.1.1.1>;expires=60\n");
	CHECK_INT("registered", ask(&fx, &(struct ask){.method = "OPTIONS"}), 200);
	world_run(fx.world, 61000);
	CHECK_INT("not any more", ask(&fx, &(struct ask){.method = "OPTIONS"}), 404);
	CHECK_INT("a rule makes a user",
		  focus_forward_set(fx.world->focus, SLICE("bob"),
				    &(struct forward_rule){.targets = {"sip:a@b"}}),
		  0);
	CHECK_INT("who is not there", ask(&fx, &(struct ask){.method = "OPTIONS"}), 480);
	(void)ask(&fx, &(struct ask){.user = "+4930", .headers = "Contact: <sip:b@1.1.1.1>\n"});
	CHECK_INT("a number", registrar_presence(fx.world->focus, SLICE("tel:+49-30")), 200);
	CHECK_INT("elsewhere", registrar_presence(fx.world->focus, SLICE("tel:+1")), 0);
	CHECK_INT("a GRUU of nobody",
		  registrar_presence(fx.world->focus, SLICE("sip:bob@10.0.0.1;gr=urn:x:y")), 480);
	teardown(&fx, "presence");
}

/* What is kept in the store comes back; what hung on a connection does not. */
static void restart(void)
{
	struct location *location;
	struct fixture fx;
	struct aor *aor;
	struct buf line = BUF_INIT;

	setup(&fx);
	location = fx.world->focus->location;
	(void)put(&fx, "Contact: <sip:b@192.168.0.5>;q=0.3;audio" INSTANCE "\n");
	(void)ask(&fx, &(struct ask){.proto = SIP_TCP, .headers = "Contact: <sip:c@2.2.2.2>\n"});
	CHECK_INT("stored", fx.world->store.item_count, 1);
	aor = location_find(location, SLICE("bob"));
	binding_write(location_next(aor, NULL), &line);
	CHECK_STR("as it is", fx.world->store.items[0].value, line.p);
	world_run(fx.world, 600000);
	(void)put(&fx, "Contact: *\nExpires: 0\n");
	CHECK_INT("gone from the store", fx.world->store.item_count, 0);
	CHECK_INT("restored", location_restore(location, SLICE("abc"), buf_slice(&line)), 0);
	CHECK_INT("untold", fx.world->store.item_count, 0);
	(void)put(&fx, "");
	CHECK_STR("the time that was left", fx.contacts,
		  "<sip:b@192.168.0.5>;audio" INSTANCE ";expires=3000;q=0.300|");
	aor = location_find(location, SLICE("bob"));
	CHECK_STR("id", location_next(aor, NULL)->id, "abc");
	CHECK("path", location_next(aor, NULL)->has_flow);
	world_run(fx.world, 3001000);
	CHECK_INT("over", location_count(location), 0);
	CHECK_INT("too late", location_restore(location, SLICE("abc"), buf_slice(&line)), 0);
	world_run(fx.world, 10);
	CHECK_INT("gone at once", location_count(location), 0);
	CHECK_INT("no line", location_restore(location, SLICE("abc"), SLICE("bob\tsip:x")), -22);
	buf_done(&line);
	teardown(&fx, "restart");
}

void suite_registrar(void);
void suite_registrar(void)
{
	CHECK_SUITE("registrar");
	CHECK_TEST(bindings);
	CHECK_TEST(what_a_binding_keeps);
	CHECK_TEST(order);
	CHECK_TEST(limits);
	CHECK_TEST(a_contact_at_a_trunk);
	CHECK_TEST(who_may);
	CHECK_TEST(paths);
	CHECK_TEST(outbound);
	CHECK_TEST(gruus);
	CHECK_TEST(gruus_are_located);
	CHECK_TEST(gruus_outlive_a_restart);
	CHECK_TEST(sips_contacts);
	CHECK_TEST(presence);
	CHECK_TEST(restart);
}
