/* Subscriptions between two user agents: the life of RFC 6665 from both sides, throttle, dialogs
 * that are shared with a call, and what is refused. */
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/subscription.h"
#include "tests/support/check.h"
#include "tests/support/simua.h"

struct fixture {
	struct simworld world;
	struct simua a, b; /* a subscribes to b */
	struct sip_sub_params params;
	struct sip_sub *sub;
	struct sip_watch *watch;
	struct buf log_a, log_b;
	char text[1024];
	const char *body; /* what on_refresh says; NULL: nothing */
	uint32_t changes, accepts;
	int accept_err;
};

static void on_refresh(void *arg, struct sip_sub *sub)
{
	struct fixture *fx = arg;

	CHECK("the one", !fx->sub || sub == fx->sub);
	buf_adds(&fx->log_b, "refresh ");
	if (fx->body)
		CHECK_INT("notify",
			  sip_sub_notify(sub,
					 sip_sub_state(sub) == SIP_SUB_PENDING ? SIP_SUB_PENDING
									       : SIP_SUB_ACTIVE,
					 "text/plain", slice_of(fx->body)),
			  0);
}

static void on_change(void *arg, struct sip_sub *sub)
{
	struct fixture *fx = arg;
	char body[16];

	snprintf(body, sizeof(body), "change-%u", ++fx->changes);
	CHECK_INT("notify", sip_sub_notify(sub, SIP_SUB_ACTIVE, "text/plain", slice_of(body)), 0);
}

static void on_sub_ended(void *arg, struct sip_sub *sub, const char *reason)
{
	struct fixture *fx = arg;

	CHECK("the one", !fx->sub || sub == fx->sub);
	CHECK_INT("state", sip_sub_state(sub), SIP_SUB_TERMINATED);
	buf_addf(&fx->log_b, "ended:%s ", reason);
	fx->sub = NULL;
}

static const struct sip_sub_handlers sub_handlers = {on_refresh, on_change, on_sub_ended};

static bool on_request(struct simua *ua, struct sip_call *call, struct sip_stx *tx,
		       const struct sip_msg *request)
{
	struct fixture *fx = ua->arg;

	(void)call;
	if (request->method != SIP_METHOD_SUBSCRIBE)
		return false;
	fx->accept_err = sip_sub_accept(tx, request, &fx->params, &fx->sub);
	return true;
}

static void on_accepted(void *arg, struct sip_watch *watch, const struct sip_msg *response)
{
	struct fixture *fx = arg;

	CHECK("the one", watch == fx->watch);
	CHECK("2xx", response->status / 100 == 2);
	fx->accepts++;
}

static void on_notify(void *arg, struct sip_watch *watch, const struct sip_sub_status *status,
		      const struct sip_msg *notify)
{
	static const char *const states[] = {"pending", "active", "terminated"};
	struct fixture *fx = arg;

	CHECK("the one", watch == fx->watch);
	buf_addf(&fx->log_a, "%s:" SLICE_FMT " ", states[status->state], SLICE_ARG(notify->body));
}

static void on_watch_ended(void *arg, struct sip_watch *watch, const struct sip_watch_end *end)
{
	struct fixture *fx = arg;

	CHECK("the one", watch == fx->watch);
	buf_addf(&fx->log_a, "ended:" SLICE_FMT ":%u:%u:%s ", SLICE_ARG(end->reason),
		 end->retry_after_s, end->status,
		 end->err == ERR_SIP_TIMEOUT ? "timeout"
		 : end->err                  ? "error"
					     : "");
	fx->watch = NULL;
}

static const struct sip_watch_handlers watch_handlers = {on_accepted, on_notify, on_watch_ended};

#define ALLOW "INVITE, ACK, BYE, CANCEL, OPTIONS, SUBSCRIBE, NOTIFY"

static void setup(struct fixture *fx)
{
	*fx = (struct fixture){.body = "state"};
	simworld_init(&fx->world, 1);
	simua_init(&fx->a, &fx->world,
		   &(struct simua_params){.address = "10.0.0.1:5060", .allow = ALLOW});
	simua_init(&fx->b, &fx->world,
		   &(struct simua_params){.address = "10.0.0.2:5060", .allow = ALLOW});
	fx->b.on_request = on_request;
	fx->b.arg = fx;
	CHECK_INT("packages", sip_ua_set_packages(fx->b.ua, "conference, dialog"), 0);
	fx->params = (struct sip_sub_params){
		.content_type = "text/plain",
		.state = SIP_SUB_ACTIVE,
		.handlers = &sub_handlers,
		.arg = fx,
	};
}

static void teardown(struct fixture *fx)
{
	simworld_run(&fx->world, 200000);
	CHECK("no watch", !fx->watch);
	CHECK("no sub", !fx->sub);
	CHECK_INT("left in a", simua_leftover(&fx->a), 0);
	CHECK_INT("left in b", simua_leftover(&fx->b), 0);
	CHECK_INT("timers", wheel_count(fx->world.wheel), 0);
	simua_done(&fx->a);
	simua_done(&fx->b);
	simworld_done(&fx->world);
	buf_done(&fx->log_a);
	buf_done(&fx->log_b);
}

static const char *words(struct fixture *fx, struct buf *log)
{
	slice_cstr(slice_trim(buf_slice(log)), fx->text, sizeof(fx->text));
	buf_clear(log);
	return fx->text;
}

static void expect(struct fixture *fx, const char *row, const char *want_a, const char *want_b)
{
	CHECK_STR(row, words(fx, &fx->log_a), want_a);
	CHECK_STR(row, words(fx, &fx->log_b), want_b);
}

static int watch_with(struct fixture *fx, struct sip_watch_params params)
{
	int err;

	if (!params.event)
		params.event = "conference";
	if (!slice_present(params.target))
		params.target = SLICE("sip:room@10.0.0.2");
	params.from = SLICE("<sip:a@example.org>");
	params.contact_user = SLICE("a");
	params.handlers = &watch_handlers;
	params.arg = fx;
	err = sip_watch_new(fx->a.ua, &params, &fx->watch);
	simworld_run(&fx->world, 100);
	return err;
}

static void begin(struct fixture *fx)
{
	CHECK_INT("watch", watch_with(fx, (struct sip_watch_params){0}), 0);
	expect(fx, "first", "active:state", "refresh");
	CHECK_INT("one dialog", sip_ua_stats(fx->a.ua)->dialogs, 1);
	CHECK_INT("one dialog", sip_ua_stats(fx->b.ua)->dialogs, 1);
}

static void whole_life(void)
{
	struct fixture fx;

	setup(&fx);
	begin(&fx);
	CHECK_INT("expires", sip_sub_expires_s(fx.sub), 3599);
	fx.body = "more";
	CHECK_INT("change", sip_sub_notify(fx.sub, SIP_SUB_ACTIVE, "text/plain", SLICE("x")), 0);
	simworld_run(&fx.world, 100);
	expect(&fx, "change", "active:x", "");
	sip_watch_refresh(fx.watch);
	simworld_run(&fx.world, 100);
	expect(&fx, "refresh", "active:more", "refresh");
	CHECK_INT("accepted", fx.accepts, 2);
	simworld_run(&fx.world, 3600 * 1000);
	expect(&fx, "refreshed in time", "active:more", "refresh");
	sip_watch_end(fx.watch);
	sip_watch_end(fx.watch);
	sip_watch_refresh(fx.watch);
	simworld_run(&fx.world, 100);
	expect(&fx, "end", "terminated:more ended:timeout:0:0:", "refresh ended:timeout");
	teardown(&fx);
}

static void fetch(void)
{
	struct fixture fx;

	setup(&fx);
	CHECK_INT("fetch", watch_with(&fx, (struct sip_watch_params){.is_fetch = true}), 0);
	expect(&fx, "one NOTIFY", "terminated:state ended:timeout:0:0:", "refresh ended:timeout");
	teardown(&fx);
}

static void nothing_to_say(void)
{
	struct fixture fx;

	setup(&fx);
	fx.body = NULL;
	fx.params.state = SIP_SUB_PENDING;
	CHECK_INT("watch", watch_with(&fx, (struct sip_watch_params){0}), 0);
	expect(&fx, "empty", "pending:", "refresh");
	CHECK_INT("agreed", sip_sub_notify(fx.sub, SIP_SUB_ACTIVE, "text/plain", SLICE("in")), 0);
	simworld_run(&fx.world, 100);
	expect(&fx, "agreed", "active:in", "");
	sip_sub_end(fx.sub, &(struct sip_sub_end){.reason = "probation",
						  .retry_after_s = 30,
						  .content_type = "text/plain",
						  .body = SLICE("bye")});
	CHECK_INT("no more", sip_sub_notify(fx.sub, SIP_SUB_ACTIVE, NULL, SLICE_NONE), ERR_STATE);
	simworld_run(&fx.world, 100);
	expect(&fx, "end", "terminated:bye ended:probation:30:0:", "ended:probation");
	teardown(&fx);
}

static void newest_wins(void)
{
	struct fixture fx;

	setup(&fx);
	begin(&fx);
	for (int i = 0; i < 5; i++) {
		char body[16];

		snprintf(body, sizeof(body), "n%d", i);
		CHECK_INT("notify",
			  sip_sub_notify(fx.sub, SIP_SUB_ACTIVE, "text/plain", slice_of(body)), 0);
		simworld_run(&fx.world, 1); /* the first is out when the others come */
	}
	simworld_run(&fx.world, 100);
	expect(&fx, "first and last", "active:n0 active:n4", "");
	for (int i = 0; i < 5; i++)
		sip_sub_changed(fx.sub);
	simworld_run(&fx.world, 100);
	expect(&fx, "one change", "active:change-1", "");
	sip_watch_end(fx.watch);
	teardown(&fx);
}

static void throttle(void)
{
	struct fixture fx;

	setup(&fx);
	CHECK_INT("watch",
		  watch_with(&fx, (struct sip_watch_params){.event = "conference;max-rate=0.1"}),
		  0);
	expect(&fx, "first", "active:state", "refresh");
	sip_sub_changed(fx.sub);
	simworld_run(&fx.world, 9000);
	expect(&fx, "waits", "", "");
	sip_watch_refresh(fx.watch);
	simworld_run(&fx.world, 500);
	expect(&fx, "a refresh does not wait", "active:state", "refresh");
	sip_sub_changed(fx.sub);
	simworld_run(&fx.world, 9000);
	expect(&fx, "waits again", "", "");
	simworld_run(&fx.world, 1200);
	expect(&fx, "ten seconds", "active:change-1", "");
	sip_sub_changed(fx.sub);
	sip_watch_end(fx.watch);
	simworld_run(&fx.world, 100);
	expect(&fx, "nor does the end",
	       "terminated:state ended:timeout:0:0:", "refresh ended:timeout");
	teardown(&fx);
}

static void min_rate(void)
{
	struct fixture fx;

	setup(&fx);
	CHECK_INT("watch",
		  watch_with(&fx, (struct sip_watch_params){.event = "conference;min-rate=0.05"}),
		  0);
	expect(&fx, "first", "active:state", "refresh");
	simworld_run(&fx.world, 19000);
	expect(&fx, "quiet", "", "");
	simworld_run(&fx.world, 22000);
	expect(&fx, "every 20 seconds", "active:state active:state", "refresh refresh");
	sip_watch_end(fx.watch);
	teardown(&fx);
}

/* RFC 6446 7: after many NOTIFYs the next that brings no news may be later. */
static void adaptive_min_rate(void)
{
	struct fixture fx;
	struct buf all = BUF_INIT;

	setup(&fx);
	CHECK_INT(
		"watch",
		watch_with(&fx,
			   (struct sip_watch_params){.event = "conference;adaptive-min-rate=0.05"}),
		0);
	expect(&fx, "first", "active:state", "refresh");
	simworld_run(&fx.world, 19000);
	expect(&fx, "quiet", "", "");
	simworld_run(&fx.world, 2000);
	expect(&fx, "after 20 seconds", "active:state", "refresh");
	for (int i = 1; i <= 20; i++) {
		buf_addf(&all, "%sactive:change-%d", i > 1 ? " " : "", i);
		sip_sub_changed(fx.sub);
		simworld_run(&fx.world, 1000);
	}
	expect(&fx, "news", all.p, "");
	buf_done(&all);
	simworld_run(&fx.world, 30000);
	expect(&fx, "quiet for longer", "", "");
	simworld_run(&fx.world, 3000);
	expect(&fx, "after 32 seconds", "active:state", "refresh");
	sip_watch_end(fx.watch);
	teardown(&fx);
}

static void expiry(void)
{
	struct fixture fx;

	setup(&fx);
	begin(&fx);
	simnode_set_down(fx.a.node, true); /* it cannot refresh, nor answer */
	simworld_run(&fx.world, 3600 * 1000);
	simworld_run(&fx.world, 40 * 1000);
	expect(&fx, "over on both sides", "ended::0:0:timeout", "refresh ended:timeout");
	teardown(&fx);
}

static void silent_subscriber(void)
{
	struct fixture fx;

	setup(&fx);
	begin(&fx);
	simnode_set_down(fx.a.node, true);
	sip_sub_changed(fx.sub);
	simworld_run(&fx.world, 40000);
	expect(&fx, "no answer to a NOTIFY", "", "ended:failed");
	simnode_set_down(fx.a.node, false);
	sip_watch_refresh(fx.watch);
	simworld_run(&fx.world, 100);
	expect(&fx, "481 to the refresh", "ended::0:481:", "");
	teardown(&fx);
}

static void brief(void)
{
	struct fixture fx;

	setup(&fx);
	CHECK_INT("watch", watch_with(&fx, (struct sip_watch_params){.expires_s = 10}), 0);
	expect(&fx, "tries again, longer", "active:state", "refresh");
	CHECK_INT("expires", sip_sub_expires_s(fx.sub), 59);
	sip_watch_end(fx.watch);
	simworld_run(&fx.world, 1000);
	expect(&fx, "0 is not brief",
	       "terminated:state ended:timeout:0:0:", "refresh ended:timeout");
	fx.params.expires_min_s = 7200;
	CHECK_INT("watch", watch_with(&fx, (struct sip_watch_params){.expires_s = 3600}), 0);
	expect(&fx, "an hour is never brief", "active:state", "refresh");
	sip_watch_end(fx.watch);
	teardown(&fx);
}

static void refused(void)
{
	static const struct {
		const char *name, *event, *accept;
		uint16_t status;
		int accept_err;
	} cases[] = {
		{"other types", "conference", "application/pidf+xml, text/html;q=0.1", 406,
		 ERR_STATE},
		{"package", "presence", NULL, 489, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture fx;
		char want[32];

		setup(&fx);
		CHECK_INT(cases[i].name,
			  watch_with(&fx, (struct sip_watch_params){.event = cases[i].event,
								    .accept = cases[i].accept}),
			  0);
		snprintf(want, sizeof(want), "ended::0:%u:", cases[i].status);
		expect(&fx, cases[i].name, want, "");
		CHECK_INT(cases[i].name, fx.accept_err, cases[i].accept_err);
		teardown(&fx);
	}
}

static void accepted_types(void)
{
	static const char *const accepts[] = {"text/plain", "TEXT/Plain;charset=utf-8",
					      "image/png, text/*", "*/*;q=0.1"};

	for (size_t i = 0; i < ARRAY_LEN(accepts); i++) {
		struct fixture fx;

		setup(&fx);
		CHECK_INT(accepts[i],
			  watch_with(&fx, (struct sip_watch_params){.accept = accepts[i]}), 0);
		expect(&fx, accepts[i], "active:state", "refresh");
		sip_watch_end(fx.watch);
		teardown(&fx);
	}
}

/* RFC 5057: in the dialog of a call, and after it. */
static void shared_with_a_call(void)
{
	struct fixture fx;

	setup(&fx);
	fx.b.mode = SIMUA_ACCEPT;
	CHECK_INT("call", simua_call(&fx.a, "sip:b@10.0.0.2"), 0);
	simworld_run(&fx.world, 100);
	CHECK_INT("watch", watch_with(&fx, (struct sip_watch_params){.call = fx.a.call}), 0);
	expect(&fx, "in the dialog", "active:state", "refresh");
	CHECK_INT("one dialog", sip_ua_stats(fx.a.ua)->dialogs, 1);
	CHECK_INT("one dialog", sip_ua_stats(fx.b.ua)->dialogs, 1);
	simua_hangup_all(&fx.a);
	simworld_run(&fx.world, 60000);
	CHECK_INT("no call", sip_ua_stats(fx.b.ua)->calls, 0);
	CHECK_INT("still a dialog", sip_ua_stats(fx.b.ua)->dialogs, 1);
	sip_sub_changed(fx.sub);
	simworld_run(&fx.world, 100);
	expect(&fx, "still there", "active:change-1", "");
	sip_watch_end(fx.watch);
	simworld_run(&fx.world, 100);
	expect(&fx, "over", "terminated:state ended:timeout:0:0:", "refresh ended:timeout");
	CHECK_INT("no dialog", sip_ua_stats(fx.b.ua)->dialogs, 0);
	CHECK_INT("no dialog", sip_ua_stats(fx.a.ua)->dialogs, 0);
	teardown(&fx);
}

static void ends_before_the_call(void)
{
	struct fixture fx;

	setup(&fx);
	fx.b.mode = SIMUA_ACCEPT;
	CHECK_INT("call", simua_call(&fx.a, "sip:b@10.0.0.2"), 0);
	simworld_run(&fx.world, 100);
	CHECK_INT("watch", watch_with(&fx, (struct sip_watch_params){.call = fx.a.call}), 0);
	sip_watch_end(fx.watch);
	simworld_run(&fx.world, 100);
	CHECK_INT("the call's", sip_ua_stats(fx.b.ua)->dialogs, 1);
	CHECK_INT("re-INVITE", sip_call_reinvite(fx.a.call), 0);
	simworld_run(&fx.world, 100);
	CHECK_STR("works", simua_log(&fx.a), "media established media");
	CHECK_INT("watch of no call",
		  watch_with(&fx, (struct sip_watch_params){.call = fx.a.call, .event = "a b"}),
		  ERR_SIP_HEADER_SYNTAX);
	simua_hangup_all(&fx.b);
	teardown(&fx);
}

static void ids_in_one_dialog(void)
{
	struct fixture fx;
	struct sip_watch *first;

	setup(&fx);
	fx.b.mode = SIMUA_ACCEPT;
	CHECK_INT("call", simua_call(&fx.a, "sip:b@10.0.0.2"), 0);
	simworld_run(&fx.world, 100);
	CHECK_INT("one",
		  watch_with(&fx, (struct sip_watch_params){.call = fx.a.call,
							    .event = "conference;id=1"}),
		  0);
	first = fx.watch;
	CHECK_STR("id", sip_sub_event(fx.sub)->id, "1");
	CHECK_INT("two",
		  watch_with(&fx, (struct sip_watch_params){.call = fx.a.call,
							    .event = "conference;id=2"}),
		  0);
	CHECK_STR("id", sip_sub_event(fx.sub)->id, "2");
	expect(&fx, "both", "active:state active:state", "refresh refresh");
	sip_watch_end(fx.watch);
	simworld_run(&fx.world, 100);
	expect(&fx, "the second", "terminated:state ended:timeout:0:0:", "refresh ended:timeout");
	CHECK("dropped", sip_watch_drop(first) == NULL);
	CHECK_INT("one is left", sip_ua_stats(fx.b.ua)->dialogs, 1);
	/* The notifier learns of it when its next NOTIFY fails; here it is freed with its ua. */
	simworld_run(&fx.world, 100000);
	simua_done(&fx.a);
	simua_done(&fx.b);
	simworld_done(&fx.world);
	buf_done(&fx.log_a);
	buf_done(&fx.log_b);
}

/* By hand
 * -----------------------------------------------------------------------------------------------
 */

struct wire {
	struct fixture fx;
	struct simraw peer;
	char id[64], to[128];
};

static void wire_setup(struct wire *wire)
{
	setup(&wire->fx);
	simraw_init(&wire->peer, &wire->fx.world, "10.0.0.9:5060");
}

static void wire_teardown(struct wire *wire)
{
	simraw_done(&wire->peer);
	teardown(&wire->fx);
}

static void wire_subscribe(struct wire *wire, const char *lines, uint32_t cseq)
{
	struct buf text = BUF_INIT;

	buf_addf(&text,
		 "SUBSCRIBE sip:room@10.0.0.2 SIP/2.0\nVia: SIP/2.0/UDP @SELF@;branch=z9hG4bK%u\n"
		 "From: <sip:p@example.org>;tag=p\nTo: %s\nCall-ID: raw\nCSeq: %u SUBSCRIBE\n"
		 "Contact: <sip:p@10.0.0.9>\n%sContent-Length: 0\n\n",
		 cseq, *wire->to ? wire->to : "<sip:room@example.org>", cseq, lines);
	simraw_send(&wire->peer, SIP_UDP, simnode_addr(wire->fx.b.node), text.p);
	buf_done(&text);
	simworld_run(&wire->fx.world, 20);
}

static void wire_answer(struct wire *wire, const struct sip_msg *request, const char *status,
			const char *lines)
{
	struct buf text = BUF_INIT;

	buf_addf(&text,
		 "SIP/2.0 %s\nVia: " SLICE_FMT "\nFrom: " SLICE_FMT "\nTo: " SLICE_FMT
		 "\nCall-ID: raw\nCSeq: " SLICE_FMT "\n%sContent-Length: 0\n\n",
		 status, SLICE_ARG(sip_msg_value(request, SIP_H_VIA)),
		 SLICE_ARG(sip_msg_value(request, SIP_H_FROM)),
		 SLICE_ARG(sip_msg_value(request, SIP_H_TO)),
		 SLICE_ARG(sip_msg_value(request, SIP_H_CSEQ)), lines);
	simraw_send(&wire->peer, SIP_UDP, simnode_addr(wire->fx.b.node), text.p);
	buf_done(&text);
	simworld_run(&wire->fx.world, 20);
}

/* The 2xx and the NOTIFY behind it. */
static void wire_begin(struct wire *wire, struct sip_msg *ret_notify)
{
	struct sip_msg response;

	wire_subscribe(wire, "Event: conference;id=x\nExpires: 600\n", 1);
	CHECK("2xx", simraw_next(&wire->peer, &response));
	CHECK_INT("200", response.status, 200);
	CHECK_SLICE("expires", sip_msg_value(&response, SIP_H_EXPIRES), "600");
	CHECK_SLICE("contact", sip_msg_value(&response, SIP_H_CONTACT), "<sip:room@10.0.0.2:5060>");
	CHECK_SLICE("packages", sip_msg_value(&response, SIP_H_ALLOW_EVENTS), "conference, dialog");
	slice_cstr(sip_msg_value(&response, SIP_H_TO), wire->to, sizeof(wire->to));
	CHECK("NOTIFY", simraw_next(&wire->peer, ret_notify));
}

static void on_the_wire(void)
{
	struct sip_msg notify;
	struct wire wire = {0};

	wire_setup(&wire);
	wire_begin(&wire, &notify);
	CHECK_SLICE("uri", notify.request_uri, "sip:p@10.0.0.9");
	CHECK_SLICE("event", sip_msg_value(&notify, SIP_H_EVENT), "conference;id=x");
	CHECK_SLICE("state", sip_msg_value(&notify, SIP_H_SUBSCRIPTION_STATE),
		    "active;expires=600");
	CHECK_SLICE("from", sip_msg_value(&notify, SIP_H_FROM), wire.to);
	CHECK_SLICE("to", sip_msg_value(&notify, SIP_H_TO), "<sip:p@example.org>;tag=p");
	CHECK_SLICE("contact", sip_msg_value(&notify, SIP_H_CONTACT), "<sip:room@10.0.0.2:5060>");
	CHECK_SLICE("type", sip_msg_value(&notify, SIP_H_CONTENT_TYPE), "text/plain");
	wire_answer(&wire, &notify, "481 Gone", "");
	expect(&wire.fx, "481 ends it", "", "refresh ended:failed");
	wire_teardown(&wire);
}

static void failed_notify(void)
{
	static const struct {
		const char *name, *status, *lines;
		bool ends;
	} cases[] = {
		{"500", "500 Oops", "", true},
		{"405", "405 No", "", true},
		{"503 that comes back", "503 Busy", "Retry-After: 5\n", false},
		{"with a comment", "480 Away", "Retry-After: 5 (lunch);duration=9\n", false},
		{"481 all the same", "481 Gone", "Retry-After: 5\n", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_msg notify;
		struct wire wire = {0};

		wire_setup(&wire);
		wire_begin(&wire, &notify);
		wire_answer(&wire, &notify, cases[i].status, cases[i].lines);
		expect(&wire.fx, cases[i].name, "",
		       cases[i].ends ? "refresh ended:failed" : "refresh");
		simworld_run(&wire.fx.world, 4000);
		CHECK(cases[i].name, !simraw_next(&wire.peer, &notify));
		if (!cases[i].ends) {
			sip_sub_changed(wire.fx.sub);
			simworld_run(&wire.fx.world, 1100);
			CHECK(cases[i].name, simraw_next(&wire.peer, &notify));
			CHECK_SLICE("the whole state", notify.body, "state");
			wire_answer(&wire, &notify, "481 Gone", "");
		}
		wire_teardown(&wire);
	}
}

static void bad_requests(void)
{
	static const struct {
		const char *name, *lines;
		uint16_t status;
	} cases[] = {
		{"brief", "Event: conference\nExpires: 59\n", 423},
		{"malformed id", "Event: conference;id=\"a b\"\n", 400},
		{"endless package",
		 "Event: conferenceconferenceconferenceconferenceconferenceconferenceconference\n",
		 489},
		{"rate", "Event: conference;max-rate=fast\n", 400},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_msg response;
		struct wire wire = {0};

		wire_setup(&wire);
		wire_subscribe(&wire, cases[i].lines, 1);
		CHECK(cases[i].name, simraw_next(&wire.peer, &response));
		CHECK_INT(cases[i].name, response.status, cases[i].status);
		if (cases[i].status == 423)
			CHECK_SLICE("min", sip_msg_value(&response, SIP_H_MIN_EXPIRES), "60");
		wire_teardown(&wire);
	}
}

static void in_the_dialog(void)
{
	static const struct {
		const char *name, *lines;
		uint16_t status;
	} cases[] = {
		{"brief", "Event: conference;id=x\nExpires: 5\n", 423},
		{"other types", "Event: conference;id=x\nAccept: image/png\n", 406},
		{"no Event", "", 489},
		{"package", "Event: presence\n", 489},
		{"a new one of this dialog", "Event: conference\n", 200},
	};
	struct sip_msg message;
	struct wire wire = {0};

	wire_setup(&wire);
	wire_begin(&wire, &message);
	wire_answer(&wire, &message, "200 OK", "");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		wire_subscribe(&wire, cases[i].lines, (uint32_t)(2 + i));
		CHECK(cases[i].name, simraw_next(&wire.peer, &message));
		CHECK_INT(cases[i].name, message.status, cases[i].status);
	}
	CHECK_INT("one dialog", sip_ua_stats(wire.fx.b.ua)->dialogs, 1);
	CHECK("its NOTIFY", simraw_next(&wire.peer, &message));
	CHECK_SLICE("without id", sip_msg_value(&message, SIP_H_EVENT), "conference");
	wire_answer(&wire, &message, "481 Gone", "");
	expect(&wire.fx, "the second is over", "", "refresh refresh ended:failed");
	CHECK_INT("the first is not", sip_ua_stats(wire.fx.b.ua)->dialogs, 1);
	simraw_forget(&wire.peer);
	wire_subscribe(&wire, "Event: conference;id=x\nExpires: 0\n", 9);
	CHECK("first and last", !wire.fx.sub);
	simraw_done(&wire.peer);
	simworld_run(&wire.fx.world, 100000);
	CHECK_INT("nothing is left", simua_leftover(&wire.fx.b), 0);
	simua_done(&wire.fx.a);
	simua_done(&wire.fx.b);
	simworld_done(&wire.fx.world);
	buf_done(&wire.fx.log_a);
	buf_done(&wire.fx.log_b);
}

/* RFC 6665 4.4.1: the NOTIFY may overtake the 2xx, and another fork may answer too. */
static void notify_first(void)
{
	struct wire wire = {0};
	struct sip_msg request, answer;
	struct buf text = BUF_INIT;
	static const char *const tags[] = {"one", "two"};

	wire_setup(&wire);
	CHECK_INT("watch",
		  watch_with(&wire.fx,
			     (struct sip_watch_params){.target = SLICE("sip:room@10.0.0.9")}),
		  0);
	CHECK("SUBSCRIBE", simraw_next(&wire.peer, &request));
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		buf_clear(&text);
		buf_addf(&text,
			 "NOTIFY sip:a@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP "
			 "@SELF@;branch=z9hG4bKn%zu\n"
			 "From: <sip:room@10.0.0.9>;tag=%s\nTo: " SLICE_FMT "\nCall-ID: " SLICE_FMT
			 "\nCSeq: 1 NOTIFY\nEvent: conference\nContact: <sip:f@10.0.0.9>\n"
			 "Subscription-State: active;expires=100\nContent-Length: 0\n\n",
			 i, tags[i], SLICE_ARG(sip_msg_value(&request, SIP_H_FROM)),
			 SLICE_ARG(sip_msg_value(&request, SIP_H_CALL_ID)));
		simraw_send(&wire.peer, SIP_UDP, simnode_addr(wire.fx.a.node), text.p);
		simworld_run(&wire.fx.world, 20);
		CHECK(tags[i], simraw_next(&wire.peer, &answer));
		CHECK_INT(tags[i], answer.status, i == 0 ? 200 : 481);
	}
	buf_clear(&text);
	buf_addf(&text,
		 "SIP/2.0 202 OK\nVia: " SLICE_FMT "\nFrom: " SLICE_FMT
		 "\nTo: <sip:room@10.0.0.9>;tag=two\nCall-ID: " SLICE_FMT "\nCSeq: " SLICE_FMT
		 "\nExpires: 100\nContact: <sip:g@10.0.0.9>\nContent-Length: 0\n\n",
		 SLICE_ARG(sip_msg_value(&request, SIP_H_VIA)),
		 SLICE_ARG(sip_msg_value(&request, SIP_H_FROM)),
		 SLICE_ARG(sip_msg_value(&request, SIP_H_CALL_ID)),
		 SLICE_ARG(sip_msg_value(&request, SIP_H_CSEQ)));
	simraw_send(&wire.peer, SIP_UDP, simnode_addr(wire.fx.a.node), text.p);
	buf_done(&text);
	simworld_run(&wire.fx.world, 76000);
	expect(&wire.fx, "the first", "active:", "");
	CHECK("a refresh", simraw_next(&wire.peer, &request));
	CHECK_SLICE("in the dialog of the first", sip_msg_value(&request, SIP_H_TO),
		    "<sip:room@10.0.0.9>;tag=one");
	simworld_run(&wire.fx.world, 60000);
	expect(&wire.fx, "no answer", "ended::0:0:timeout", "");
	wire_teardown(&wire);
}

static void silent_notifier(void)
{
	struct wire wire = {0};

	wire_setup(&wire);
	wire.fx.params.handlers = &sub_handlers;
	CHECK_INT("watch",
		  watch_with(&wire.fx,
			     (struct sip_watch_params){.target = SLICE("sip:room@10.0.0.77")}),
		  0);
	simworld_run(&wire.fx.world, 40000);
	expect(&wire.fx, "nobody", "ended::0:0:timeout", "");
	wire_teardown(&wire);
}

void suite_sub(void)
{
	CHECK_SUITE("sub");
	CHECK_TEST(whole_life);
	CHECK_TEST(fetch);
	CHECK_TEST(nothing_to_say);
	CHECK_TEST(newest_wins);
	CHECK_TEST(throttle);
	CHECK_TEST(min_rate);
	CHECK_TEST(adaptive_min_rate);
	CHECK_TEST(expiry);
	CHECK_TEST(silent_subscriber);
	CHECK_TEST(brief);
	CHECK_TEST(refused);
	CHECK_TEST(accepted_types);
	CHECK_TEST(shared_with_a_call);
	CHECK_TEST(ends_before_the_call);
	CHECK_TEST(ids_in_one_dialog);
	CHECK_TEST(on_the_wire);
	CHECK_TEST(failed_notify);
	CHECK_TEST(bad_requests);
	CHECK_TEST(in_the_dialog);
	CHECK_TEST(notify_first);
	CHECK_TEST(silent_notifier);
}
