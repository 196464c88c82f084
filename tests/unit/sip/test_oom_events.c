/* Memory runs out at every single place of subscriptions, transfers and requests outside calls: who
 * asked is told, each end comes once, and nothing is left behind. Leaks show under the asan preset.
 */
#include <errno.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/refer.h"
#include "sip/request.h"
#include "sip/subscription.h"
#include "tests/support/check.h"
#include "tests/support/oom.h"
#include "tests/support/simua.h"

/* A network that allocates nothing: what is sent is lost. */
struct fixture {
	struct simworld world;
	struct random random;
	struct sip_net_events events;
	struct sip_ua *ua;
	struct addr self;
	struct sip_sub *sub;
	struct sip_referral *referral;
	uint32_t begun, ended;
	char to_tag[64]; /* of the last answer */
};

static void net_listen(void *ctx, const struct sip_net_events *events)
{
	struct fixture *fx = ctx;

	fx->events = events ? *events : (struct sip_net_events){0};
}

static int net_send(void *ctx, const struct sip_flow *flow, struct slice data,
		    struct sip_flow *ret_flow)
{
	struct fixture *fx = ctx;
	struct sip_msg msg;
	struct sip_addr to;

	if (sip_msg_parse(data.p, data.len, &msg) == 0 && !msg.is_request &&
	    sip_msg_addr(&msg, SIP_H_TO, &to) == 0 && slice_present(sip_addr_tag(&to)))
		slice_cstr(sip_addr_tag(&to), fx->to_tag, sizeof(fx->to_tag));
	if (ret_flow)
		*ret_flow = *flow;
	return 0;
}

static int net_local_for(void *ctx, enum sip_proto proto, const struct addr *remote,
			 struct addr *ret_local)
{
	const struct fixture *fx = ctx;

	(void)proto;
	(void)remote;
	*ret_local = fx->self;
	return 0;
}

static const struct sip_net_ops net_ops = {
	.listen = net_listen, .send = net_send, .local_for = net_local_for};

static void on_refresh(void *arg, struct sip_sub *sub)
{
	(void)arg;
	(void)sip_sub_notify(sub, SIP_SUB_ACTIVE, "text/plain", SLICE("state"));
}

static void on_sub_ended(void *arg, struct sip_sub *sub, const char *reason)
{
	struct fixture *fx = arg;

	(void)sub;
	(void)reason;
	fx->ended++;
	fx->sub = NULL;
}

static const struct sip_sub_handlers sub_handlers = {on_refresh, NULL, on_sub_ended};

static void on_referral_ended(void *arg, struct sip_referral *referral)
{
	struct fixture *fx = arg;

	(void)referral;
	fx->ended++;
	fx->referral = NULL;
}

static void take_refer(struct fixture *fx, struct sip_stx *tx, const struct sip_msg *request)
{
	struct sip_refer refer;
	int err = sip_refer_parse(request, &refer);

	if (err) {
		sip_refer_refuse(tx, err);
		return;
	}
	if (sip_refer_accept(
		    tx, request, &refer,
		    &(struct sip_referral_params){.on_ended = on_referral_ended, .arg = fx},
		    &fx->referral) == 0)
		fx->begun++;
	sip_refer_done(&refer);
}

static void on_request(void *arg, struct sip_stx *tx, const struct sip_msg *request)
{
	struct fixture *fx = arg;

	if (request->method == SIP_METHOD_REFER)
		take_refer(fx, tx, request);
	else if (sip_sub_accept(tx, request,
				&(struct sip_sub_params){.content_type = "text/plain",
							 .state = SIP_SUB_ACTIVE,
							 .headers = "Subject: x\r\n",
							 .handlers = &sub_handlers,
							 .arg = fx},
				&fx->sub) == 0)
		fx->begun++;
}

static void setup(struct fixture *fx)
{
	*fx = (struct fixture){0};
	simworld_init(&fx->world, 1);
	random_init_seeded(&fx->random, 1);
	CHECK_INT("address", addr_parse_ip(SLICE("10.0.0.1"), &fx->self), 0);
	addr_set_port(&fx->self, 5060);
	CHECK_INT("ua",
		  sip_ua_new(
			  &(struct sip_ua_params){.wheel = fx->world.wheel,
						  .clock = clock_virtual(&fx->world.time),
						  .random = &fx->random,
						  .net = {&net_ops, fx},
						  .handlers = {.on_request = on_request, .arg = fx},
						  .allow = "SUBSCRIBE, NOTIFY, REFER",
						  .supported = "explicitsub",
						  .product = "x"},
			  &fx->ua),
		  0);
	CHECK_INT("packages", sip_ua_set_packages(fx->ua, "news, refer"), 0);
}

static void teardown(struct fixture *fx)
{
	sip_ua_free(fx->ua);
	simworld_done(&fx->world);
}

/* All is over by itself: nobody answers what was sent. */
static void check_over(struct fixture *fx)
{
	simworld_run(&fx->world, 5000000);
	CHECK_INT("dialogs", sip_ua_stats(fx->ua)->dialogs, 0);
	CHECK_INT("servers", sip_ua_stats(fx->ua)->server_transactions, 0);
	CHECK_INT("clients", sip_ua_stats(fx->ua)->client_transactions, 0);
	CHECK_INT("timers", wheel_count(fx->world.wheel), 0);
	CHECK_INT("each ends once", fx->ended, fx->begun);
	teardown(fx);
}

static void receive(struct fixture *fx, const char *method, uint32_t cseq, const char *lines)
{
	struct sip_flow flow = {.proto = SIP_UDP, .local = fx->self};
	char text[1000];
	int len;

	(void)addr_parse_ip(SLICE("10.0.0.9"), &flow.remote);
	addr_set_port(&flow.remote, 5060);
	len = snprintf(text, sizeof(text),
		       "%s sip:room@10.0.0.1 SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK%u\r\n"
		       "From: <sip:p@10.0.0.9>;tag=p\r\nTo: <sip:room@10.0.0.1>%s%s\r\n"
		       "Call-ID: c1\r\nCSeq: %u %s\r\nContact: <sip:p@10.0.0.9>\r\n%s"
		       "Content-Length: 0\r\n\r\n",
		       method, cseq, cseq > 1 ? ";tag=" : "", cseq > 1 ? fx->to_tag : "", cseq,
		       method, lines);
	fx->events.on_message(fx->events.arg, &flow, slice_make(text, (size_t)len));
}

typedef void flow_fn(struct fixture *fx);

static void sweep(flow_fn *flow)
{
	for (int is_lasting = 0; is_lasting < 2; is_lasting++) {
		for (uint32_t at = 0;; at++) {
			struct fixture fx;

			setup(&fx);
			if (!oom_sweep(at, is_lasting)) {
				teardown(&fx);
				break;
			}
			flow(&fx);
			oom_end();
			if (fx.referral) /* who was referred says how it went */
				sip_refer_progress(fx.referral, 200, NULL);
			check_over(&fx);
		}
	}
}

static void notifier_flow(struct fixture *fx)
{
	receive(fx, "SUBSCRIBE", 1, "Event: news;id=1\r\nExpires: 600\r\n");
	sim_run(fx->world.wheel, 10);
	if (fx->sub)
		(void)sip_sub_notify(fx->sub, SIP_SUB_ACTIVE, "text/plain", SLICE("more"));
	receive(fx, "SUBSCRIBE", 2, "Event: news;id=1\r\nExpires: 600\r\n");
	sim_run(fx->world.wheel, 10);
}

static void notifier(void)
{
	sweep(notifier_flow);
}

static void referred_flow(struct fixture *fx)
{
	receive(fx, "REFER", 1,
		"Refer-To: <sip:c@h?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc&Subject=x>\r\n"
		"Referred-By: <sip:r@h>\r\n");
	sim_run(fx->world.wheel, 10);
	if (fx->referral)
		sip_refer_progress(fx->referral, 180, NULL);
	sim_run(fx->world.wheel, 10);
}

static void referred(void)
{
	sweep(referred_flow);
}

static void explicit_flow(struct fixture *fx)
{
	receive(fx, "REFER", 1, "Refer-To: <sip:c@h>\r\nRequire: explicitsub\r\n");
	sim_run(fx->world.wheel, 10);
}

static void referred_explicitly(void)
{
	sweep(explicit_flow);
}

static void on_watch_ended(void *arg, struct sip_watch *watch, const struct sip_watch_end *end)
{
	struct fixture *fx = arg;

	(void)watch;
	(void)end;
	fx->ended++;
}

static void watch_flow(struct fixture *fx)
{
	static const struct sip_watch_handlers handlers = {.on_ended = on_watch_ended};
	struct sip_watch *watch = NULL;
	int err = sip_watch_new(fx->ua,
				&(struct sip_watch_params){.event = "news;id=7",
							   .accept = "text/plain",
							   .headers = "Subject: x\r\n",
							   .target = SLICE("sip:p@10.0.0.9"),
							   .from = SLICE("<sip:a@10.0.0.1>"),
							   .route = SLICE("sip:10.0.0.8"),
							   .handlers = &handlers,
							   .arg = fx},
				&watch);

	CHECK("0 or -ENOMEM", err == 0 || err == -ENOMEM);
	CHECK("untouched on failure", (watch != NULL) == (err == 0));
	fx->begun += err == 0;
}

static void subscriber(void)
{
	sweep(watch_flow);
}

static void on_done(void *arg, struct sip_referring *referring,
		    const struct sip_refer_result *result)
{
	struct fixture *fx = arg;

	(void)referring;
	CHECK("it failed", result->err || result->refused);
	fx->ended++;
}

static void refer_flow(struct fixture *fx)
{
	struct sip_referring *referring = NULL;
	int err = sip_ua_refer(
		fx->ua,
		&(struct sip_refer_params){.refer_to = SLICE("sip:c@h"),
					   .replaces = SLICE("a;to-tag=b;from-tag=c"),
					   .referred_by = SLICE("<sip:r@h>"),
					   .no_sub = true,
					   .target = SLICE("sip:p@10.0.0.9"),
					   .from = SLICE("<sip:a@10.0.0.1>"),
					   .on_done = on_done,
					   .arg = fx},
		&referring);

	CHECK("0 or -ENOMEM", err == 0 || err == -ENOMEM);
	CHECK("untouched on failure", (referring != NULL) == (err == 0));
	fx->begun += err == 0;
}

static void referrer(void)
{
	sweep(refer_flow);
}

static void on_reply(void *arg, const struct sip_msg *response, int err)
{
	struct fixture *fx = arg;

	CHECK("it failed", !response && err);
	fx->ended++;
}

static void request_flow(struct fixture *fx)
{
	int err = sip_ua_request(fx->ua,
				 &(struct sip_request_params){.method = "MESSAGE",
							      .target = SLICE("sip:p@10.0.0.9"),
							      .from = SLICE("<sip:a@10.0.0.1>"),
							      .headers = "Subject: x\r\n",
							      .content_type = "text/plain",
							      .body = SLICE("hello"),
							      .has_contact = true,
							      .contact_user = SLICE("a"),
							      .on_reply = on_reply,
							      .arg = fx},
				 NULL);

	CHECK("0 or -ENOMEM", err == 0 || err == -ENOMEM);
	fx->begun += err == 0;
}

static void requests(void)
{
	sweep(request_flow);
}

void suite_oom_events(void)
{
	CHECK_SUITE("oom_events");
	CHECK_TEST(notifier);
	CHECK_TEST(referred);
	CHECK_TEST(referred_explicitly);
	CHECK_TEST(subscriber);
	CHECK_TEST(referrer);
	CHECK_TEST(requests);
}
