/* Which path a request takes: UDP or TCP by its length (RFC 3261 18.1.1), and never a hop in the
 * clear for sips. What happens to its answers: test_call.c, test_request.c. */
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/resolver.h"
#include "tests/support/check.h"
#include "tests/support/simua.h"

struct fixture {
	struct simworld world;
	struct sip_resolver *resolver;
	struct simua a;
	struct simraw b;
	char headers[2048];
};

/* proxy.example: TLS first, then UDP, both at 10.0.0.2. */
static void records(void *ctx, enum sip_record_type type, const char *host, struct sip_name *name)
{
	struct sip_record list[2] = {0};
	bool is_naptr = type == SIP_RECORD_NAPTR;

	(void)ctx;
	(void)host;
	for (int i = 0; i < 2; i++) {
		list[i].order = (uint16_t)i;
		list[i].port = 5060;
		(void)snprintf(list[i].flags, sizeof(list[i].flags), "s");
		(void)snprintf(list[i].service, sizeof(list[i].service), "%s",
			       i == 0 ? "SIPS+D2T" : "SIP+D2U");
		(void)snprintf(list[i].target, sizeof(list[i].target), "%s",
			       is_naptr ? i == 0 ? "_sips._tcp.proxy.example"
						 : "_sip._udp.proxy.example"
					: "proxy.example");
	}
	sip_resolver_answer_records(name, &(struct sip_answer){.records = list, .count = 2});
}

static void lookup(void *ctx, const char *host, struct sip_name *name)
{
	struct addr addr;

	(void)ctx;
	(void)host;
	(void)addr_parse(SLICE("10.0.0.2:5060"), &addr);
	sip_resolver_answer(name, 0, &addr, 1);
}

static void setup(struct fixture *fx, size_t extra)
{
	int at = snprintf(fx->headers, sizeof(fx->headers), "X-Long: ");

	simworld_init(&fx->world, 1);
	CHECK_INT("resolver", sip_resolver_new(fx->world.wheel, lookup, NULL, &fx->resolver), 0);
	sip_resolver_extend(fx->resolver, &(struct sip_resolver_more){.lookup = records});
	simua_init(&fx->a, &fx->world,
		   &(struct simua_params){.address = "10.0.0.1:5060", .resolver = fx->resolver});
	simraw_init(&fx->b, &fx->world, "10.0.0.2:5060");
	memset(fx->headers + at, 'x', extra);
	strcpy(fx->headers + at + extra, "\r\n");
}

static void teardown(struct fixture *fx)
{
	simua_hangup_all(&fx->a);
	simworld_run(&fx->world, 200000);
	CHECK_INT("left", simua_leftover(&fx->a), 0);
	simua_done(&fx->a);
	simraw_done(&fx->b);
	sip_resolver_free(fx->resolver);
	simworld_done(&fx->world);
}

static int call(struct fixture *fx, const char *target, const char *route)
{
	return simua_call_with(&fx->a, &(struct sip_call_invite){
					       .target = slice_of(target),
					       .contact_user = SLICE("test"),
					       .route = slice_of(route),
					       .headers = fx->headers,
					       .local = &fx->a.local,
				       });
}

static bool via_is(const struct sip_msg *msg, const char *proto)
{
	struct sip_via via;

	return sip_msg_via(msg, &via) == 0 && slice_is(via.transport, proto);
}

static void short_ones_go_by_udp(void)
{
	struct sip_msg invite;
	struct fixture fx;

	setup(&fx, 10);
	CHECK_INT("call", call(&fx, "sip:b@10.0.0.2", NULL), 0);
	simworld_run(&fx.world, 100);
	CHECK("came", simraw_next(&fx.b, &invite));
	CHECK("by UDP", fx.b.flow.proto == SIP_UDP && via_is(&invite, "UDP"));
	teardown(&fx);
}

static void long_ones_go_by_tcp_and_back_to_udp(void)
{
	struct sip_msg invite;
	struct slice id;
	struct fixture fx;

	setup(&fx, 1300);
	CHECK_INT("call", call(&fx, "sip:b@10.0.0.2", NULL), 0);
	simworld_run(&fx.world, 100);
	CHECK("came", simraw_next(&fx.b, &invite));
	CHECK("by TCP", fx.b.flow.proto == SIP_TCP && via_is(&invite, "TCP"));
	CHECK("Contact says so",
	      memmem(sip_msg_value(&invite, SIP_H_CONTACT).p,
		     sip_msg_value(&invite, SIP_H_CONTACT).len, ";transport=tcp", 14) != NULL);
	id = sip_msg_value(&invite, SIP_H_CALL_ID);
	CHECK("once", !simraw_next(&fx.b, &invite));

	/* Refused: the datagram is tried after all. */
	simnode_fail(fx.a.node, SIP_TCP, simnode_addr(fx.b.node));
	simworld_run(&fx.world, 100);
	CHECK("came again", simraw_next(&fx.b, &invite));
	CHECK("by UDP", fx.b.flow.proto == SIP_UDP && via_is(&invite, "UDP"));
	CHECK("the same call", slice_eq(id, sip_msg_value(&invite, SIP_H_CALL_ID)));

	/* That is remembered: the next one does not try TCP. */
	simraw_forget(&fx.b);
	CHECK_INT("call", call(&fx, "sip:b@10.0.0.2", NULL), 0);
	simworld_run(&fx.world, 100);
	CHECK("came", simraw_next(&fx.b, &invite));
	CHECK("by UDP at once", via_is(&invite, "UDP"));
	teardown(&fx);
}

static void sips_takes_no_hop_in_the_clear(void)
{
	struct sip_msg invite;
	struct fixture fx;

	setup(&fx, 10);
	CHECK_INT("call", call(&fx, "sip:b@example.org", "sip:proxy.example;lr"), 0);
	simworld_run(&fx.world, 100);
	CHECK("UDP, when TLS is not there", simraw_next(&fx.b, &invite));
	simua_hangup_all(&fx.a);
	simworld_run(&fx.world, 100000);
	simraw_forget(&fx.b);
	CHECK_INT("call", call(&fx, "sips:b@example.org", "sip:proxy.example;lr"), 0);
	simworld_run(&fx.world, 100);
	CHECK("but not for sips", !simraw_next(&fx.b, &invite));
	teardown(&fx);
}

void suite_sender(void);
void suite_sender(void)
{
	CHECK_SUITE("sender");
	CHECK_TEST(short_ones_go_by_udp);
	CHECK_TEST(long_ones_go_by_tcp_and_back_to_udp);
	CHECK_TEST(sips_takes_no_hop_in_the_clear);
}
