/* Calls over a given path (RFC 5626 5.3) and through given hops (RFC 3327 5.5). */
#include <stdio.h>

#include "base/attr.h"
#include "sip/request.h"
#include "tests/support/check.h"
#include "tests/support/simua.h"

struct fixture {
	struct simworld world;
	struct simua a, b;
	struct buf routes; /* Route values of the INVITEs that were sent */
	uint32_t astray;   /* messages to the host that nobody has */
};

static void on_sent(void *arg, const struct sip_flow *flow, struct slice data)
{
	struct fixture *fx = arg;
	struct addr nowhere;
	struct sip_msg msg;

	(void)addr_parse(SLICE("192.168.1.9:5060"), &nowhere);
	if (addr_eq(&flow->remote, &nowhere))
		fx->astray++;
	if (sip_msg_parse(data.p, data.len, &msg) || !msg.is_request ||
	    msg.method != SIP_METHOD_INVITE)
		return;
	for (const struct sip_header *h = NULL; (h = sip_msg_next(&msg, SIP_H_ROUTE, h));)
		buf_addf(&fx->routes, SLICE_FMT "|", SLICE_ARG(sip_header_value(&msg, h)));
}

static void setup(struct fixture *fx)
{
	*fx = (struct fixture){0};
	simworld_init(&fx->world, 1);
	simua_init(&fx->a, &fx->world, &(struct simua_params){.address = "10.0.0.1:5060"});
	simua_init(&fx->b, &fx->world, &(struct simua_params){.address = "10.0.0.2:5060"});
	fx->b.mode = SIMUA_ACCEPT;
	simnet_tap(fx->world.net, on_sent, fx);
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
	buf_done(&fx->routes);
}

/* INVITE, ACK and BYE: all of them go over the flow, none to the host of the Request-URI. */
static void over_a_flow(void)
{
	static const enum sip_proto protos[] = {SIP_UDP, SIP_TCP};

	for (size_t i = 0; i < ARRAY_LEN(protos); i++) {
		struct sip_flow flow = {.proto = protos[i]};
		struct offer_local local;
		const char *row = sip_proto_via(protos[i]);
		struct fixture fx;

		setup(&fx);
		flow.remote = *simnode_addr(fx.b.node);
		local = simua_offer(simnode_addr(fx.a.node), SDP_SENDRECV);
		CHECK_INT(row,
			  simua_call_with(&fx.a,
					  &(struct sip_call_invite){
						  .target = SLICE("sip:b@192.168.1.9"),
						  .flow = &flow,
						  .local = &local,
					  }),
			  0);
		simworld_run(&fx.world, 500);
		CHECK_STR(row, simua_log(&fx.a), "media established");
		simua_hangup_all(&fx.a);
		simworld_run(&fx.world, 500);
		CHECK_INT(row, fx.b.live_calls, 0);
		CHECK_INT(row, fx.astray, 0);
		teardown(&fx);
	}
}

static void a_flow_that_broke(void)
{
	struct sip_flow flow = {.proto = SIP_TCP, .connection = 0x100000063};
	struct fixture fx;

	setup(&fx);
	flow.remote = *simnode_addr(fx.b.node);
	CHECK_INT("call",
		  simua_call_with(&fx.a,
				  &(struct sip_call_invite){
					  .target = SLICE("sip:b@10.0.0.2;transport=tcp"),
					  .flow = &flow,
				  }),
		  0);
	simworld_run(&fx.world, 500);
	CHECK_STR("end", simua_log(&fx.a), "ended:transport:503");
	CHECK_INT("nothing was sent", simnet_stats(fx.world.net)->sent, 0);
	teardown(&fx);
}

static void through_hops(void)
{
	struct fixture fx;

	setup(&fx);
	CHECK_INT("call",
		  simua_call_with(&fx.a,
				  &(struct sip_call_invite){
					  .target = SLICE("sip:b@192.168.1.9"),
					  .route = SLICE("<sip:10.0.0.2;lr>, <sip:x@10.0.0.3;lr>"),
				  }),
		  0);
	simworld_run(&fx.world, 10);
	CHECK_STR("routes", fx.routes.p, "<sip:10.0.0.2;lr>|<sip:x@10.0.0.3;lr>|");
	teardown(&fx);
}

struct whereabouts {
	enum sip_whereabouts whereabouts;
	struct sip_located located;
	struct sip_flow flow;
	bool is_asked;
};

static enum sip_whereabouts locate(void *arg, const struct sip_uri *uri,
				   struct sip_located *ret_located)
{
	struct whereabouts *where = arg;

	where->is_asked = true;
	CHECK_SLICE("asked for", uri->user, "phone");
	*ret_located = where->located;
	return where->whereabouts;
}

/* INVITE without an offer, 200, and an ACK that has no answer, so that a BYE is due. */
static void call_without_an_answer(struct fixture *fx, struct simraw *phone, const char *contact)
{
	static const char form[] =
		"%s sip:a@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP @SELF@;branch=z9hG4bK%s\n"
		"From: <sip:p@x>;tag=1\nTo: " SLICE_FMT "\nCall-ID: c\nCSeq: 1 %s\n"
		"Contact: <%s>\nContent-Length: 0\n\n";
	struct slice to = SLICE("<sip:a@x>");
	struct sip_msg msg;
	char text[1024];

	snprintf(text, sizeof(text), form, "INVITE", "1", SLICE_ARG(to), "INVITE", contact);
	simraw_send(phone, SIP_UDP, simnode_addr(fx->a.node), text);
	simworld_run(&fx->world, 100);
	CHECK(contact, simraw_find(phone, SIP_METHOD_INVITE, 200, &msg));
	to = sip_msg_value(&msg, SIP_H_TO);
	snprintf(text, sizeof(text), form, "ACK", "2", SLICE_ARG(to), "ACK", contact);
	simraw_send(phone, SIP_UDP, simnode_addr(fx->a.node), text);
	simworld_run(&fx->world, 100);
}

/* A caller whose Contact is a GRUU of the one it calls (RFC 5627 5.1): where the BYE goes, and what
 * it says. The phone is at 10.0.0.7, a proxy at 10.0.0.8. */
static void a_gruu_of_ours(void)
{
	static const struct {
		const char *name, *contact;
		enum sip_whereabouts whereabouts;
		const char *located, *path; /* "" none */
		bool has_flow;
		const char *uri; /* of the BYE */
		bool at_proxy, is_asked;
	} rows[] = {
		{"its Contact", "sip:phone@10.0.0.1;gr=urn:x", SIP_LOCATED, "sip:p@10.0.0.7", "",
		 false, "sip:p@10.0.0.7", false, true},
		{"temporary", "sip:phone@10.0.0.1;gr", SIP_LOCATED, "sip:p@10.0.0.7", "", false,
		 "sip:p@10.0.0.7", false, true},
		{"its flow", "sip:phone@10.0.0.1;gr=urn:x", SIP_LOCATED, "sip:p@192.168.1.9", "",
		 true, "sip:p@192.168.1.9", false, true},
		{"its Path", "sip:phone@10.0.0.1;gr=urn:x", SIP_LOCATED, "sip:p@192.168.1.9",
		 "<sip:10.0.0.8;lr>, <sip:edge;lr>", false, "sip:p@192.168.1.9", true, true},
		{"gone: the last path", "sip:phone@10.0.0.1;gr=urn:x", SIP_IS_ABSENT, "", "", false,
		 "sip:phone@10.0.0.1;gr=urn:x", false, true},
		{"of another domain", "sip:phone@10.0.0.7;gr=urn:x", SIP_NOT_OURS, "", "", false,
		 "sip:phone@10.0.0.7;gr=urn:x", false, true},
		{"no GRUU", "sip:phone@10.0.0.7;grand=1", SIP_NOT_OURS, "", "", false,
		 "sip:phone@10.0.0.7;grand=1", false, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct simraw phone, proxy, *there = rows[i].at_proxy ? &proxy : &phone;
		struct whereabouts where = {.whereabouts = rows[i].whereabouts};
		struct sip_msg msg;
		struct fixture fx;

		setup(&fx);
		simraw_init(&phone, &fx.world, "10.0.0.7:5060");
		simraw_init(&proxy, &fx.world, "10.0.0.8:5060");
		where.flow.remote = *simnode_addr(phone.node);
		if (*rows[i].located)
			where.located.uri = slice_of(rows[i].located);
		where.located.path = slice_of(rows[i].path);
		where.located.flow = rows[i].has_flow ? &where.flow : NULL;
		sip_ua_set_locate(fx.a.ua, locate, &where);
		call_without_an_answer(&fx, &phone, rows[i].contact);
		CHECK(rows[i].name, simraw_find(there, SIP_METHOD_BYE, 0, &msg));
		CHECK_SLICE(rows[i].name, msg.request_uri, rows[i].uri);
		CHECK_SLICE(rows[i].name, sip_msg_value(&msg, SIP_H_ROUTE),
			    *rows[i].path ? rows[i].path : NULL);
		CHECK_INT(rows[i].name, where.is_asked, rows[i].is_asked);
		CHECK_INT(rows[i].name, fx.astray, 0);
		simraw_answer(there, &msg, 200, NULL, "Content-Length: 0\n\n");
		simraw_done(&phone);
		simraw_done(&proxy);
		teardown(&fx);
	}
}

void suite_call_flow(void);
void suite_call_flow(void)
{
	CHECK_SUITE("call_flow");
	CHECK_TEST(over_a_flow);
	CHECK_TEST(a_flow_that_broke);
	CHECK_TEST(through_hops);
	CHECK_TEST(a_gruu_of_ours);
}
