/* Calls over a given path (RFC 5626 5.3) and through given hops (RFC 3327 5.5). */
#include "base/attr.h"
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

void suite_call_flow(void);
void suite_call_flow(void)
{
	CHECK_SUITE("call_flow");
	CHECK_TEST(over_a_flow);
	CHECK_TEST(a_flow_that_broke);
	CHECK_TEST(through_hops);
}
