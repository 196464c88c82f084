/* Requests outside calls: one reply each, failover, challenges, paths, cancel, and what an event
 * package that nobody serves is answered. */
#include <errno.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/request.h"
#include "tests/support/check.h"
#include "tests/support/simua.h"

struct fixture {
	struct simworld world;
	struct simua ua;
	struct simraw peer;
	struct sip_request *request;
	uint32_t replies, challenges;
	int err;
	uint16_t status;
};

static void setup(struct fixture *fx)
{
	*fx = (struct fixture){0};
	simworld_init(&fx->world, 1);
	simua_init(&fx->ua, &fx->world,
		   &(struct simua_params){
			   .address = "10.0.0.1:5060",
			   .allow = "INVITE, ACK, BYE, CANCEL, OPTIONS, SUBSCRIBE, NOTIFY",
		   });
	simraw_init(&fx->peer, &fx->world, "10.0.0.9:5060");
}

static void teardown(struct fixture *fx)
{
	simworld_run(&fx->world, 120000);
	CHECK_INT("left", simua_leftover(&fx->ua), 0);
	CHECK_INT("timers", wheel_count(fx->world.wheel), 0);
	simua_done(&fx->ua);
	simraw_done(&fx->peer);
	simworld_done(&fx->world);
}

static void on_reply(void *arg, const struct sip_msg *response, int err)
{
	struct fixture *fx = arg;

	fx->replies++;
	fx->err = err;
	fx->status = response ? response->status : 0;
}

static struct sip_request_params params_for(struct fixture *fx, const char *target)
{
	return (struct sip_request_params){
		.method = "MESSAGE",
		.target = slice_of(target),
		.from = SLICE("\"Room\" <sip:room@example.org>"),
		.content_type = "text/plain",
		.body = SLICE("hello"),
		.on_reply = on_reply,
		.arg = fx,
	};
}

static int ask(struct fixture *fx, const struct sip_request_params *params)
{
	int err = sip_ua_request(fx->ua.ua, params, &fx->request);

	CHECK_INT("not from inside", fx->replies, 0);
	simworld_run(&fx->world, 20);
	return err;
}

/* Answers `request` as a server would, with these lines more. */
static void answer(struct fixture *fx, const struct sip_msg *request, const char *status,
		   const char *lines)
{
	struct buf text = BUF_INIT;
	struct slice via = sip_msg_value(request, SIP_H_VIA), to = sip_msg_value(request, SIP_H_TO);
	struct slice from = sip_msg_value(request, SIP_H_FROM);
	struct slice id = sip_msg_value(request, SIP_H_CALL_ID);
	struct slice cseq = sip_msg_value(request, SIP_H_CSEQ);

	buf_addf(&text,
		 "SIP/2.0 %s\nVia: " SLICE_FMT "\nFrom: " SLICE_FMT "\nTo: " SLICE_FMT
		 ";tag=x\nCall-ID: " SLICE_FMT "\nCSeq: " SLICE_FMT "\n%sContent-Length: 0\n\n",
		 status, SLICE_ARG(via), SLICE_ARG(from), SLICE_ARG(to), SLICE_ARG(id),
		 SLICE_ARG(cseq), lines);
	simraw_send(&fx->peer, SIP_UDP, simnode_addr(fx->ua.node), text.p);
	buf_done(&text);
	simworld_run(&fx->world, 20);
}

static void one_reply(void)
{
	static const char *const statuses[] = {"200 OK", "404 Not Found", "503 Busy", "603 No"};

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct fixture fx;
		struct sip_msg request;
		struct sip_request_params params;

		setup(&fx);
		params = params_for(&fx, "sip:p?q@10.0.0.9?Subject=x");
		CHECK_INT("ask", ask(&fx, &params), 0);
		CHECK("came", simraw_next(&fx.peer, &request));
		CHECK_SLICE("uri", request.request_uri, "sip:p?q@10.0.0.9");
		CHECK_SLICE("to", sip_msg_value(&request, SIP_H_TO), "<sip:p?q@10.0.0.9>");
		CHECK_SLICE("body", request.body, "hello");
		CHECK("no contact", !slice_present(sip_msg_value(&request, SIP_H_CONTACT)));
		answer(&fx, &request, "100 Trying", "");
		CHECK_INT("provisional", fx.replies, 0);
		answer(&fx, &request, statuses[i], "");
		answer(&fx, &request, statuses[i], "");
		CHECK_INT(statuses[i], fx.replies, 1);
		CHECK_INT(statuses[i], fx.status, atoi(statuses[i]));
		teardown(&fx);
	}
}

static void refused_params(void)
{
	static const struct {
		const char *name, *method, *target, *route;
		int err;
	} cases[] = {
		{"an INVITE", "INVITE", "sip:a@10.0.0.9", NULL, -EINVAL},
		{"an ACK", "ACK", "sip:a@10.0.0.9", NULL, -EINVAL},
		{"no URI", "MESSAGE", "nobody", NULL, ERR_SIP_URI_SYNTAX},
		{"a number", "MESSAGE", "tel:+123", NULL, ERR_BAD_TARGET},
		{"a route that is none", "MESSAGE", "sip:a@10.0.0.9", "x y", ERR_SIP_URI_SYNTAX},
	};
	struct fixture fx;

	setup(&fx);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_request_params params = params_for(&fx, cases[i].target);

		params.method = cases[i].method;
		params.route = slice_of(cases[i].route);
		CHECK_INT(cases[i].name, ask(&fx, &params), cases[i].err);
		CHECK_INT(cases[i].name, fx.replies, 0);
	}
	teardown(&fx);
}

static void failures(void)
{
	static const struct {
		const char *name, *target;
		uint32_t timeout_ms, wait_ms;
		int err;
	} cases[] = {
		{"nobody answers", "sip:p@10.0.0.77", 0, 40000, ERR_SIP_TIMEOUT},
		{"nobody answers in our time", "sip:p@10.0.0.77", 500, 600, ERR_SIP_TIMEOUT},
		{"nobody listens", "sip:p@10.0.0.77;transport=tcp", 0, 40000, ERR_SIP_TRANSPORT},
		{"no such name", "sip:p@nowhere.example", 0, 40000, ERR_SIP_NO_ROUTE},
		{"in the clear", "sips:p@10.0.0.9", 0, 40000, ERR_SIP_NO_ROUTE},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture fx;
		struct sip_request_params params;

		setup(&fx);
		params = params_for(&fx, cases[i].target);
		params.timeout_ms = cases[i].timeout_ms;
		if (i == 4)
			params.route = SLICE("sip:10.0.0.9");
		CHECK_INT(cases[i].name, ask(&fx, &params), 0);
		simworld_run(&fx.world, cases[i].wait_ms);
		CHECK_INT(cases[i].name, fx.replies, 1);
		CHECK_INT(cases[i].name, fx.err, cases[i].err);
		teardown(&fx);
	}
}

static void cancelled(void)
{
	struct fixture fx;
	struct sip_request_params params;
	struct sip_msg request;

	setup(&fx);
	params = params_for(&fx, "sip:p@10.0.0.9");
	CHECK_INT("ask", ask(&fx, &params), 0);
	CHECK("came", simraw_next(&fx.peer, &request));
	CHECK("gone", sip_request_cancel(fx.request) == NULL);
	answer(&fx, &request, "200 OK", "");
	CHECK_INT("nobody is told", fx.replies, 0);
	teardown(&fx);
}

/* Two addresses for a name: the first is silent as a stream, or says 503. */
static void lookup(void *ctx, const char *host, struct sip_name *name)
{
	struct addr addrs[2];

	(void)ctx;
	(void)host;
	(void)addr_parse(SLICE("10.0.0.8:5060"), &addrs[0]);
	(void)addr_parse(SLICE("10.0.0.9:5060"), &addrs[1]);
	sip_resolver_answer(name, 0, addrs, 2);
}

static void next_target(void)
{
	struct simraw first;
	struct sip_resolver *resolver;
	struct sip_msg request;
	struct fixture fx = {0};
	struct sip_request_params params;
	struct buf text = BUF_INIT;

	simworld_init(&fx.world, 1);
	CHECK_INT("resolver", sip_resolver_new(fx.world.wheel, lookup, NULL, &resolver), 0);
	simua_init(&fx.ua, &fx.world,
		   &(struct simua_params){.address = "10.0.0.1:5060", .resolver = resolver});
	simraw_init(&fx.peer, &fx.world, "10.0.0.9:5060");
	simraw_init(&first, &fx.world, "10.0.0.8:5060");
	params = params_for(&fx, "sip:p@example.org");
	CHECK_INT("ask", ask(&fx, &params), 0);
	CHECK("the first is asked", simraw_next(&first, &request));
	CHECK("the second is not", !simraw_next(&fx.peer, &request));
	buf_addf(&text,
		 "SIP/2.0 503 Busy\nVia: " SLICE_FMT "\nFrom: <sip:a@b>;tag=1\nTo: <sip:x@y>"
		 ";tag=2\nCall-ID: a\nCSeq: 1 MESSAGE\nContent-Length: 0\n\n",
		 SLICE_ARG(sip_msg_value(&request, SIP_H_VIA)));
	simraw_send(&first, SIP_UDP, simnode_addr(fx.ua.node), text.p);
	buf_done(&text);
	simworld_run(&fx.world, 20);
	CHECK("now the second is", simraw_next(&fx.peer, &request));
	answer(&fx, &request, "200 OK", "");
	CHECK_INT("one reply", fx.replies, 1);
	CHECK_INT("its", fx.status, 200);
	simworld_run(&fx.world, 60000);
	simraw_done(&first);
	simua_done(&fx.ua);
	sip_resolver_free(resolver);
	simraw_done(&fx.peer);
	simworld_done(&fx.world);
}

static int credentials(void *arg, const struct sip_challenged *challenged, struct buf *headers)
{
	struct fixture *fx = arg;

	CHECK_SLICE("method", challenged->method, "MESSAGE");
	CHECK_SLICE("uri", challenged->uri, "sip:p@10.0.0.9");
	CHECK_INT("tries", challenged->tries, fx->challenges);
	fx->challenges++;
	buf_adds(headers, "Authorization: Digest username=\"u\"\r\n");
	return 0;
}

static void challenge(void)
{
	struct sip_request_params params;
	struct sip_cseq cseq, again;
	struct sip_msg request;
	struct fixture fx;
	char id[64];

	setup(&fx);
	sip_ua_set_credentials(fx.ua.ua, credentials, &fx);
	params = params_for(&fx, "sip:p@10.0.0.9");
	CHECK_INT("ask", ask(&fx, &params), 0);
	CHECK("came", simraw_next(&fx.peer, &request));
	CHECK_INT("cseq", sip_msg_cseq(&request, &cseq), 0);
	slice_cstr(sip_msg_value(&request, SIP_H_CALL_ID), id, sizeof(id));
	answer(&fx, &request, "401 Who", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\n");
	CHECK("came again", simraw_next(&fx.peer, &request));
	CHECK_INT("cseq", sip_msg_cseq(&request, &again), 0);
	CHECK_INT("one higher", again.number, cseq.number + 1);
	CHECK_SLICE("same Call-ID", sip_msg_value(&request, SIP_H_CALL_ID), id);
	CHECK_SLICE("credentials", sip_msg_value(&request, SIP_H_AUTHORIZATION),
		    "Digest username=\"u\"");
	for (int i = 1; i < SIP_REQUEST_TRIES_MAX; i++) {
		answer(&fx, &request, "401 Who", "");
		CHECK("and again", simraw_next(&fx.peer, &request));
	}
	answer(&fx, &request, "401 Who", "");
	CHECK("but not for ever", !simraw_next(&fx.peer, &request));
	CHECK_INT("told", fx.status, 401);
	CHECK_INT("answered", fx.challenges, SIP_REQUEST_TRIES_MAX);
	CHECK_INT("once", fx.replies, 1);
	teardown(&fx);
}

static void series_on_a_flow(void)
{
	struct sip_request_params params;
	struct sip_flow flow = {.proto = SIP_UDP};
	struct sip_msg request;
	struct fixture fx;

	setup(&fx);
	(void)addr_parse(SLICE("10.0.0.9:5060"), &flow.remote);
	params = params_for(&fx, "sip:p@192.0.2.55:777");
	params.flow = &flow;
	params.call_id = SLICE("series");
	params.cseq = 17;
	params.has_contact = true;
	params.contact_user = SLICE("room");
	params.contact_params = "isfocus";
	CHECK_INT("ask", ask(&fx, &params), 0);
	CHECK_INT("cseq", sip_request_cseq(fx.request), 17);
	CHECK("came there", simraw_next(&fx.peer, &request));
	CHECK_SLICE("uri", request.request_uri, "sip:p@192.0.2.55:777");
	CHECK_SLICE("call-id", sip_msg_value(&request, SIP_H_CALL_ID), "series");
	CHECK_SLICE("cseq", sip_msg_value(&request, SIP_H_CSEQ), "17 MESSAGE");
	CHECK_SLICE("contact", sip_msg_value(&request, SIP_H_CONTACT),
		    "<sip:room@10.0.0.1:5060>;isfocus");
	answer(&fx, &request, "200 OK", "");
	CHECK_INT("told", fx.status, 200);
	teardown(&fx);
}

#define HEAD                                                                                       \
	"Via: SIP/2.0/UDP @SELF@;branch=z9hG4bK1;rport\nFrom: <sip:p@example.org>;tag=p\n"         \
	"To: <sip:u@example.org>\nCall-ID: c1\nContact: <sip:p@10.0.0.9>\nContent-Length: 0\n"

static void packages(void)
{
	static const struct {
		const char *name, *packages, *text;
		uint16_t status;
		const char *allow_events; /* NULL: not there */
	} cases[] = {
		{"unknown", "conference, refer",
		 "SUBSCRIBE sip:u@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 SUBSCRIBE\nEvent: dialog\n\n",
		 489, "conference, refer"},
		{"missing", "conference",
		 "SUBSCRIBE sip:u@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 SUBSCRIBE\n\n", 489,
		 "conference"},
		{"none at all", NULL,
		 "SUBSCRIBE sip:u@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 SUBSCRIBE\nEvent: dialog\n\n",
		 489, NULL},
		{"known, with an id and in compact form", "conference, dialog",
		 "SUBSCRIBE sip:u@10.0.0.1 SIP/2.0\n" HEAD
		 "CSeq: 1 SUBSCRIBE\no: dialog ; id=1\n\n",
		 200, "conference, dialog"},
		{"an event that only REFER makes", "conference, refer",
		 "SUBSCRIBE sip:u@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 SUBSCRIBE\nEvent: refer\n\n",
		 403, NULL},
		{"a template is another package", "conference",
		 "SUBSCRIBE sip:u@10.0.0.1 SIP/2.0\n" HEAD
		 "CSeq: 1 SUBSCRIBE\nEvent: conference.winfo\n\n",
		 489, "conference"},
		{"PUBLISH", "conference",
		 "PUBLISH sip:u@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 PUBLISH\nEvent: presence\n\n",
		 405, NULL},
		{"a NOTIFY that nobody asked for", "conference",
		 "NOTIFY sip:u@10.0.0.1 SIP/2.0\n" HEAD
		 "CSeq: 1 NOTIFY\nEvent: conference\nSubscription-State: active\n\n",
		 481, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_msg response;
		struct fixture fx;

		setup(&fx);
		fx.ua.answers_requests = true;
		CHECK_INT(cases[i].name, sip_ua_set_packages(fx.ua.ua, cases[i].packages), 0);
		simraw_send(&fx.peer, SIP_UDP, simnode_addr(fx.ua.node), cases[i].text);
		simworld_run(&fx.world, 20);
		if (CHECK(cases[i].name, simraw_next(&fx.peer, &response))) {
			CHECK_INT(cases[i].name, response.status, cases[i].status);
			CHECK_SLICE(cases[i].name, sip_msg_value(&response, SIP_H_ALLOW_EVENTS),
				    cases[i].allow_events);
		}
		teardown(&fx);
	}
}

/* RFC 3428, RFC 6086, in the dialog of a call. */
static bool keep_answer(struct simua *ua, struct sip_call *call, struct sip_stx *tx,
			const struct sip_msg *request)
{
	struct fixture *fx = ua->arg;

	CHECK("in a call", call != NULL);
	CHECK("one that is served",
	      request->method == SIP_METHOD_MESSAGE || request->method == SIP_METHOD_INFO);
	fx->challenges++; /* seen */
	(void)sip_stx_reply(tx, &(struct sip_reply){.status = 200});
	return true;
}

static void on_call_reply(void *arg, struct sip_call *call, const struct sip_msg *response)
{
	struct fixture *fx = arg;

	(void)call;
	fx->replies++;
	fx->status = response ? response->status : 0;
	if (fx->status == 469)
		CHECK_SLICE("what we would take", sip_msg_value(response, SIP_H_RECV_INFO),
			    "nil, a");
}

static void in_a_call(void)
{
	static const struct {
		const char *name, *method, *headers;
		uint16_t status;
		bool is_seen;
	} cases[] = {
		{"a text", "MESSAGE", NULL, 200, true},
		{"an INFO of old", "INFO", NULL, 200, true},
		{"a package", "INFO", "Info-Package: a;x=y\r\n", 200, true},
		{"another package", "INFO", "Info-Package: b\r\n", 469, false},
		{"one whose name differs in case", "INFO", "Info-Package: A\r\n", 469, false},
		{"PUBLISH", "PUBLISH", "Event: presence\r\n", 405, false},
		{"unknown", "DANCE", NULL, 501, false},
	};
	struct fixture fx = {0};
	struct simua b;

	simworld_init(&fx.world, 1);
	simua_init(&fx.ua, &fx.world, &(struct simua_params){.address = "10.0.0.1:5060"});
	simua_init(&b, &fx.world, &(struct simua_params){.address = "10.0.0.2:5060"});
	b.mode = SIMUA_ACCEPT;
	b.on_request = keep_answer;
	b.arg = &fx;
	CHECK_INT("packages", sip_ua_set_info_packages(b.ua, "nil, a"), 0);
	CHECK_INT("call", simua_call(&fx.ua, "sip:b@10.0.0.2"), 0);
	simworld_run(&fx.world, 100);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fx.challenges = fx.replies = 0;
		CHECK_INT(cases[i].name,
			  sip_call_request(fx.ua.call,
					   &(struct sip_call_request){
						   .method = cases[i].method,
						   .headers = cases[i].headers,
						   .content_type = "text/plain",
						   .body = SLICE("x"),
						   .on_reply = on_call_reply,
						   .arg = &fx,
					   }),
			  0);
		simworld_run(&fx.world, 100);
		CHECK_INT(cases[i].name, fx.status, cases[i].status);
		CHECK_INT(cases[i].name, fx.challenges, cases[i].is_seen);
		CHECK_INT(cases[i].name, fx.replies, 1);
	}
	simua_hangup_all(&b);
	simworld_run(&fx.world, 60000);
	CHECK_INT("left", simua_leftover(&b), 0);
	simua_done(&fx.ua);
	simua_done(&b);
	simworld_done(&fx.world);
}

void suite_request(void)
{
	CHECK_SUITE("request");
	CHECK_TEST(one_reply);
	CHECK_TEST(refused_params);
	CHECK_TEST(failures);
	CHECK_TEST(cancelled);
	CHECK_TEST(next_target);
	CHECK_TEST(challenge);
	CHECK_TEST(series_on_a_flow);
	CHECK_TEST(packages);
	CHECK_TEST(in_a_call);
}
