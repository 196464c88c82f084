/* Registrations of ours at other registrars: RFC 3261 10.2, RFC 3608, RFC 5626 4.5. */
#include <stdio.h>

#include "base/attr.h"
#include "focus/focus_priv.h"
#include "focus/trunks.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"
#include "tests/support/simua.h"

#define AOR "sip:bridge@10.0.0.9"

struct fixture {
	struct world *world;
	struct simworld sim;     /* the same net, as raw speakers want it */
	struct simraw registrar; /* 10.0.0.9 */
	struct sip_msg request;  /* the last that came */
};

static void setup(struct fixture *fx, const char *config)
{
	*fx = (struct fixture){0};
	fx->world = world_new(&(struct world_options){.config = config, .rooms = "lobby"});
	fx->sim = (struct simworld){.wheel = fx->world->wheel, .net = fx->world->net};
	simraw_init(&fx->registrar, &fx->sim, "10.0.0.9:5060");
	world_run(fx->world, 50);
}

static void teardown(struct fixture *fx, const char *row)
{
	trunks_drain(fx->world->focus);
	world_run(fx->world, 40000);
	simraw_done(&fx->registrar);
	world_end(fx->world, row);
}

/* Expires of the next REGISTER that came; UINT32_MAX when there is none. */
static uint32_t next_asked(struct fixture *fx)
{
	uint32_t expires_s = UINT32_MAX;

	if (simraw_find(&fx->registrar, SIP_METHOD_REGISTER, 0, &fx->request))
		(void)slice_u32(sip_msg_value(&fx->request, SIP_H_EXPIRES), UINT32_MAX, &expires_s);
	return expires_s;
}

/* Of the last that came: copies count as one. */
static uint32_t asked(struct fixture *fx)
{
	uint32_t expires_s = next_asked(fx), later;

	while (expires_s != UINT32_MAX && (later = next_asked(fx)) != UINT32_MAX)
		expires_s = later;
	return expires_s;
}

static void answer(struct fixture *fx, uint16_t status, const char *headers)
{
	struct buf rest = BUF_INIT;

	buf_addf(&rest, "%sContent-Length: 0\n\n", headers);
	simraw_answer(&fx->registrar, &fx->request, status, "r", rest.p);
	buf_done(&rest);
	world_run(fx->world, 50);
}

static enum trunk_state state_of(struct fixture *fx, struct trunk_view *ret_view)
{
	CHECK("there is one", focus_trunk(fx->world->focus, 0, ret_view));
	return ret_view->state;
}

static void items(void)
{
	static const struct {
		const char *item;
		bool is_good;
	} rows[] = {
		{"sip:4930@trunk.example", true},
		{"sips:4930@trunk.example:5061", true},
		{"sip:4930@trunk.example;transport=tcp", true},
		{"sip:4930@trunk.example sip:proxy.example;transport=tls", true},
		{"", false},
		{"4930@trunk.example", false},
		{"tel:+4930", false},
		{"sip:trunk.example", false},
		{"sip:4930@trunk.example?Subject=x", false},
		{"sip:4930@trunk.example proxy.example", false},
		{"sip:4930@trunk.example sip:a sip:b", false},
	};
	struct trunk_item item;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_INT(rows[i].item, trunk_item_parse(slice_of(rows[i].item), &item),
			  rows[i].is_good);
}

static void registers_and_refreshes(void)
{
	struct sip_cseq first, second;
	struct trunk_view view;
	struct fixture fx;
	char call_id[64];

	setup(&fx, "sip.register=" AOR ";transport=udp\nsip.register_expires_s=900");
	CHECK_INT("asked for", asked(&fx), 900);
	CHECK_SLICE("registrar", fx.request.request_uri, "sip:10.0.0.9;transport=udp");
	CHECK_SLICE("To", sip_msg_value(&fx.request, SIP_H_TO), "<" AOR ">");
	CHECK("From",
	      slice_starts(sip_msg_value(&fx.request, SIP_H_FROM), SLICE("<" AOR ">;tag=")));
	CHECK_SLICE("Contact", sip_msg_value(&fx.request, SIP_H_CONTACT),
		    "<sip:bridge@10.0.0.1:5060>");
	CHECK_INT("under way", state_of(&fx, &view), TRUNK_REGISTERING);
	CHECK_INT("CSeq", sip_msg_cseq(&fx.request, &first), 0);
	slice_cstr(sip_msg_value(&fx.request, SIP_H_CALL_ID), call_id, sizeof(call_id));
	answer(&fx, 200,
	       "Contact: <sip:else@10.0.0.7>;expires=5\nContact: "
	       "<sip:bridge@10.0.0.1:5060>;expires=100\n");
	CHECK_INT("registered", state_of(&fx, &view), TRUNK_REGISTERED);
	CHECK_INT("for as long as it says",
		  view.expires_wall_ms - clock_wall_ms(&fx.world->clock) > 99000, true);
	world_run(fx.world, 49000);
	CHECK_INT("not yet", asked(&fx), UINT32_MAX);
	world_run(fx.world, 2000);
	CHECK_INT("refreshed after half of it", asked(&fx), 900);
	CHECK_INT("CSeq", sip_msg_cseq(&fx.request, &second), 0);
	CHECK_INT("one higher", second.number, first.number + 1);
	CHECK_SLICE("the same series", sip_msg_value(&fx.request, SIP_H_CALL_ID), call_id);
	answer(&fx, 200, "Expires: 3600\nContact: <sip:bridge@10.0.0.1:5060>\n");
	world_run(fx.world, 3530000);
	CHECK_INT("not yet", asked(&fx), UINT32_MAX);
	world_run(fx.world, 20000);
	CHECK_INT("a minute before the end", asked(&fx), 900);
	answer(&fx, 200, "Contact: <sip:bridge@10.0.0.1:5060>;expires=900\n");
	trunks_drain(fx.world->focus);
	world_run(fx.world, 50);
	CHECK_INT("taken away", asked(&fx), 0);
	answer(&fx, 200, "");
	CHECK("none is left", !focus_trunk(fx.world->focus, 0, &view));
	CHECK_INT("four good ones", focus_trunks_stats(fx.world->focus)->registered, 4);
	teardown(&fx, "refreshes");
}

static void too_brief(void)
{
	struct trunk_view view;
	struct fixture fx;

	setup(&fx, "sip.register=" AOR);
	CHECK_INT("the default", asked(&fx), 600);
	answer(&fx, 423, "Min-Expires: 1800\n");
	CHECK_INT("longer", asked(&fx), 1800);
	answer(&fx, 423, "Min-Expires: 3600\n");
	CHECK_INT("once only", state_of(&fx, &view), TRUNK_FAILED);
	CHECK_INT("and why", view.status, 423);
	teardown(&fx, "brief");
}

/* Waits of 15 to 30 s, 30 to 60 s ... and Retry-After. */
static void refused(void)
{
	struct trunk_view view;
	struct fixture fx;

	setup(&fx, "sip.register=" AOR);
	CHECK_INT("first", asked(&fx), 600);
	answer(&fx, 403, "");
	CHECK_INT("failed", state_of(&fx, &view), TRUNK_FAILED);
	CHECK_STR("why", view.reason, "x");
	CHECK("later", view.next_try_wall_ms > clock_wall_ms(&fx.world->clock));
	world_run(fx.world, 14000);
	CHECK_INT("not yet", asked(&fx), UINT32_MAX);
	world_run(fx.world, 17000);
	CHECK_INT("again", asked(&fx), 600);
	answer(&fx, 503, "Retry-After: 500 (busy)\n");
	world_run(fx.world, 490000);
	CHECK_INT("it said when", asked(&fx), UINT32_MAX);
	world_run(fx.world, 15000);
	CHECK_INT("then", asked(&fx), 600);
	answer(&fx, 200, "Contact: <sip:bridge@10.0.0.1:5060>\n");
	CHECK_INT("good at last", state_of(&fx, &view), TRUNK_REGISTERED);
	world_run(fx.world, 545000);
	CHECK_INT("the refresh", asked(&fx), 600);
	world_run(fx.world, 33000);
	CHECK_INT("nobody answers", state_of(&fx, &view), TRUNK_FAILED);
	CHECK_INT("no status", view.status, 0);
	CHECK("but a word", view.reason[0]);
	CHECK_INT("counted", focus_trunks_stats(fx.world->focus)->unanswered, 1);
	CHECK_INT("counted", focus_trunks_stats(fx.world->focus)->refused, 2);
	teardown(&fx, "refused");
}

static void nothing_of_ours(void)
{
	struct trunk_view view;
	struct fixture fx;

	setup(&fx, "sip.register=" AOR);
	(void)asked(&fx);
	answer(&fx, 200, "Contact: <sip:else@10.0.0.7>;expires=500\n");
	CHECK_INT("a yes that is none", state_of(&fx, &view), TRUNK_FAILED);
	teardown(&fx, "nothing");
}

static void the_list_changes(void)
{
	struct buf errors = BUF_INIT;
	struct trunk_view view;
	struct fixture fx;

	setup(&fx, "sip.register=" AOR ", sip:never@10.0.0.8");
	(void)asked(&fx);
	answer(&fx, 200, "Contact: <sip:bridge@10.0.0.1:5060>\n");
	CHECK_INT("set", config_set(fx.world->config, "sip.register=sip:desk@10.0.0.9", &errors),
		  0);
	buf_done(&errors);
	focus_reload(fx.world->focus);
	world_run(fx.world, 50);
	CHECK_INT("the old one goes", next_asked(&fx), 0);
	CHECK_SLICE("it", sip_msg_value(&fx.request, SIP_H_TO), "<" AOR ">");
	answer(&fx, 200, "");
	CHECK_INT("the new one comes", next_asked(&fx), 600);
	CHECK_SLICE("it", sip_msg_value(&fx.request, SIP_H_TO), "<sip:desk@10.0.0.9>");
	answer(&fx, 200, "Contact: <sip:desk@10.0.0.1:5060>\n");
	CHECK_INT("one", state_of(&fx, &view), TRUNK_REGISTERED);
	CHECK_SLICE("one", view.aor, "sip:desk@10.0.0.9");
	CHECK("only one", !focus_trunk(fx.world->focus, 1, &view));
	focus_reload(fx.world->focus);
	world_run(fx.world, 50);
	CHECK_INT("what stays is left alone", asked(&fx), UINT32_MAX);
	teardown(&fx, "list");
}

/* RFC 3608 6: our calls to its domain go by the route that it gave, and come from our address
 * there. */
static void calls_by_it(void)
{
	struct participant *p = NULL;
	struct sip_msg invite;
	struct fixture fx;

	setup(&fx, "sip.register=" AOR);
	(void)asked(&fx);
	answer(&fx, 200,
	       "Contact: <sip:bridge@10.0.0.1:5060>\nService-Route: <sip:10.0.0.9;lr;core=1>\n"
	       "Service-Route: <sip:second.example;lr>\n");
	CHECK_INT("dial",
		  focus_invite(fx.world->focus, world_room(fx.world, "lobby"),
			       &(struct focus_invite){.uri = SLICE("sip:4930@10.0.0.9")}, &p),
		  0);
	world_run(fx.world, 50);
	CHECK("INVITE", simraw_find(&fx.registrar, SIP_METHOD_INVITE, 0, &invite));
	CHECK_SLICE("Route", sip_msg_value(&invite, SIP_H_ROUTE), "<sip:10.0.0.9;lr;core=1>");
	CHECK("From",
	      slice_starts(sip_msg_value(&invite, SIP_H_FROM), SLICE("\"lobby\" <" AOR ">;tag=")));
	simraw_answer(&fx.registrar, &invite, 486, "b", "Content-Length: 0\n\n");
	world_run(fx.world, 50);
	teardown(&fx, "calls");
}

/* "+sip.instance=...;reg-id=1" of the last REGISTER; absent: none. */
static struct slice asked_flow(struct fixture *fx)
{
	struct slice contact = sip_msg_value(&fx->request, SIP_H_CONTACT);

	return slice_trim(slice_from(contact, slice_find(contact, '>') + 1));
}

#define OURS "Contact: <sip:bridge@10.0.0.1:5060;transport=tcp>;expires=900\n"

/* RFC 5626 4.2.1, 4.4, 4.5: met on our connection; when that breaks, anew. */
static void flow_is_kept(void)
{
	struct trunk_view view;
	struct fixture fx;

	setup(&fx, "sip.register=" AOR ";transport=tcp");
	CHECK_INT("asked for", asked(&fx), 600);
	CHECK("outbound", sip_list_has(&fx.request, SIP_H_SUPPORTED, "outbound"));
	CHECK("instance", slice_starts(asked_flow(&fx), SLICE(";+sip.instance=\"<urn:uuid:")));
	CHECK("reg-id", strstr(asked_flow(&fx).p, ">\";reg-id=1\r\n"));
	answer(&fx, 200, "Require: outbound\nFlow-Timer: 60\n" OURS);
	CHECK_INT("registered", state_of(&fx, &view), TRUNK_REGISTERED);
	CHECK("met on it", view.has_flow);
	world_run(fx.world, 60000);
	CHECK_INT("still", state_of(&fx, &view), TRUNK_REGISTERED);
	simnode_set_down(fx.registrar.node, true);
	world_run(fx.world, 3000);
	CHECK_INT("it broke", state_of(&fx, &view), TRUNK_FAILED);
	CHECK("and is no flow any more", !view.has_flow);
	CHECK("soon again", view.next_try_wall_ms - clock_wall_ms(&fx.world->clock) <= 30000);
	simnode_set_down(fx.registrar.node, false);
	simraw_forget(&fx.registrar);
	world_run(fx.world, 30000);
	CHECK_INT("anew", asked(&fx), 600);
	answer(&fx, 200, OURS);
	CHECK_INT("registered", state_of(&fx, &view), TRUNK_REGISTERED);
	CHECK("one that does no outbound meets us by our Contact", !view.has_flow);
	teardown(&fx, "flow");
}

/* RFC 5626 6: 439 of a registrar whose proxies keep no flows. */
static void flow_is_refused(void)
{
	struct trunk_view view;
	struct fixture fx;

	setup(&fx, "sip.register=" AOR ";transport=tcp");
	CHECK_INT("asked for", asked(&fx), 600);
	answer(&fx, 439, "");
	CHECK_INT("at once again", asked(&fx), 600);
	CHECK_INT("without", asked_flow(&fx).len, 0);
	CHECK("and says so", !sip_list_has(&fx.request, SIP_H_SUPPORTED, "outbound"));
	answer(&fx, 439, "");
	CHECK_INT("it means something else", state_of(&fx, &view), TRUNK_FAILED);
	teardown(&fx, "439");
}

/* RFC 5626 4.1. */
static void instance_outlives_a_restart(void)
{
	static struct store store;
	char before[128];
	struct fixture fx;

	setup(&fx, "sip.register=" AOR ";transport=tcp");
	CHECK_INT("asked for", asked(&fx), 600);
	slice_cstr(asked_flow(&fx), before, sizeof(before));
	store = fx.world->store;
	simraw_done(&fx.registrar);
	world_free(fx.world);
	fx = (struct fixture){.world = world_new(&(struct world_options){
				      .config = "sip.register=" AOR ";transport=tcp",
				      .store = &store,
				      .seed = 77})};
	fx.sim = (struct simworld){.wheel = fx.world->wheel, .net = fx.world->net};
	simraw_init(&fx.registrar, &fx.sim, "10.0.0.9:5060");
	world_run(fx.world, 50);
	CHECK_INT("asked for", asked(&fx), 600);
	CHECK_SLICE("the same", asked_flow(&fx), before);
	teardown(&fx, "restart");
}

void suite_trunks(void);
void suite_trunks(void)
{
	CHECK_SUITE("trunks");
	CHECK_TEST(items);
	CHECK_TEST(registers_and_refreshes);
	CHECK_TEST(too_brief);
	CHECK_TEST(refused);
	CHECK_TEST(nothing_of_ours);
	CHECK_TEST(the_list_changes);
	CHECK_TEST(calls_by_it);
	CHECK_TEST(flow_is_kept);
	CHECK_TEST(flow_is_refused);
	CHECK_TEST(instance_outlives_a_restart);
}
