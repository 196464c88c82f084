/* Memory runs out at every single place of parsing, descriptions, and whole calls: the one who
 * asked is told, nothing is left behind, and what lived before lives on. Leaks show under the asan
 * preset. */
#include "tests/support/oom.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "sip/dialog.h"
#include "sip/sdp.h"
#include "sip/ua.h"
#include "tests/support/check.h"
#include "tests/support/simua.h"

#define SDP_TEXT                                                                                   \
	"v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n"                  \
	"m=audio 5000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"

static void descriptions(void)
{
	for (uint32_t at = 0; oom_sweep(at, at % 2); at++) {
		struct sdp *sdp = NULL;
		int err = sdp_parse(SLICE(SDP_TEXT), &sdp, NULL);

		oom_end();
		CHECK("0 or -ENOMEM", err == 0 || err == -ENOMEM);
		CHECK("untouched on failure", (sdp != NULL) == (err == 0));
		sdp_free(sdp);
	}
}

/* An answer to their offer, then an offer of ours and its answer. */
static int exchange(const struct offer_local *local, struct offer **ret_offer)
{
	struct buf text = BUF_INIT;
	int err = offer_new(local, 1, ret_offer);

	if (!err)
		err = offer_read(*ret_offer, SLICE(SDP_TEXT));
	if (!err)
		err = offer_write_answer(*ret_offer, &text);
	if (!err)
		err = buf_err(&text);
	buf_done(&text);
	if (!err)
		err = offer_write(*ret_offer, &text);
	if (!err)
		err = buf_err(&text);
	if (!err)
		err = offer_read_answer(*ret_offer, SLICE(SDP_TEXT));
	buf_done(&text);
	return err;
}

static void offers(void)
{
	struct addr addr;

	CHECK_INT("address", addr_parse_ip(SLICE("10.0.0.1"), &addr), 0);
	for (int is_lasting = 0; is_lasting < 2; is_lasting++) {
		for (uint32_t at = 0; oom_sweep(at, is_lasting); at++) {
			struct offer_local local = simua_offer(&addr, SDP_SENDRECV);
			struct offer *offer = NULL;
			int err = exchange(&local, &offer);

			oom_end();
			CHECK("0 or -ENOMEM", err == 0 || err == -ENOMEM);
			if (offer)
				offer_rollback(offer);
			CHECK("stable", !offer || offer_state(offer) == OFFER_STABLE);
			offer_free(offer);
		}
	}
}

/* Calls on a net that needs no memory
 * ------------------------------------------------------------------------ */

struct fixture {
	struct simworld world;
	struct random random;
	struct sip_net_events events;
	struct sip_ua *ua;
	struct offer_local local;
	struct addr self;
	uint32_t sent;
	uint32_t calls, ended;
	char to_tag[64];  /* of the last answer */
	char rseq[16];    /* of the last reliable one */
	bool is_reliable; /* early media before the answer */
};

static void net_listen(void *ctx, const struct sip_net_events *events)
{
	struct fixture *fx = ctx;

	fx->events = events ? *events : (struct sip_net_events){0};
}

static void note_tag(struct fixture *fx, struct slice data)
{
	struct sip_msg msg;
	struct sip_addr to;

	if (sip_msg_parse(data.p, data.len, &msg) == 0 && !msg.is_request &&
	    sip_msg_addr(&msg, SIP_H_TO, &to) == 0 && slice_present(sip_addr_tag(&to)))
		slice_cstr(sip_addr_tag(&to), fx->to_tag, sizeof(fx->to_tag));
	if (msg.error == 0 && slice_present(sip_msg_value(&msg, SIP_H_RSEQ)))
		slice_cstr(sip_msg_value(&msg, SIP_H_RSEQ), fx->rseq, sizeof(fx->rseq));
}

static int net_send(void *ctx, const struct sip_flow *flow, struct slice data,
		    struct sip_flow *ret_flow)
{
	struct fixture *fx = ctx;

	fx->sent++;
	note_tag(fx, data);
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

static void on_ended(void *arg, struct sip_call *call, const struct sip_call_end *end)
{
	struct fixture *fx = arg;

	(void)call;
	(void)end;
	fx->ended++;
}

static const struct sip_call_handlers call_handlers = {.on_ended = on_ended};

static void on_invite(void *arg, struct sip_call *call, const struct sip_msg *request)
{
	struct fixture *fx = arg;
	int err;

	(void)request;
	fx->calls++;
	sip_call_bind(call, &call_handlers, fx);
	err = sip_call_set_local(call, &fx->local);
	if (!err && fx->is_reliable)
		err = sip_call_progress_media(call, &(struct sip_reply){.status = 183});
	if (!err && fx->is_reliable)
		err = sip_call_progress(
			call, &(struct sip_reply){.status = 180, .headers = "Subject: x\r\n"});
	if (!err)
		err = sip_call_accept(call, &(struct sip_reply){.headers = "Subject: x\r\n"});
	if (err)
		(void)sip_call_reject(call, &(struct sip_reply){.status = 500});
}

static int start(struct fixture *fx)
{
	return sip_ua_new(&(struct sip_ua_params){.wheel = fx->world.wheel,
						  .clock = clock_virtual(&fx->world.time),
						  .random = &fx->random,
						  .net = {&net_ops, fx},
						  .handlers = {.on_invite = on_invite, .arg = fx},
						  .allow = "INVITE, ACK, BYE, CANCEL, OPTIONS, "
							   "PRACK, UPDATE",
						  .supported = "timer",
						  .rel = SIP_100REL_SUPPORTED,
						  .session_expires_s = 1800,
						  .product = "x"},
			  &fx->ua);
}

static void setup(struct fixture *fx)
{
	*fx = (struct fixture){0};
	simworld_init(&fx->world, 1);
	random_init_seeded(&fx->random, 1);
	CHECK_INT("address", addr_parse_ip(SLICE("10.0.0.1"), &fx->self), 0);
	addr_set_port(&fx->self, 5060);
	fx->local = simua_offer(&fx->self, SDP_SENDRECV);
}

static void teardown(struct fixture *fx)
{
	sip_ua_free(fx->ua);
	simworld_done(&fx->world);
}

static void receive(struct fixture *fx, const char *method, uint32_t cseq, const char *body)
{
	struct sip_flow flow = {.proto = SIP_UDP, .local = fx->self};
	char text[1500];
	int len;

	(void)addr_parse_ip(SLICE("10.0.0.9"), &flow.remote);
	addr_set_port(&flow.remote, 5060);
	len = snprintf(text, sizeof(text),
		       "%s sip:room@10.0.0.1 SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK%s%u\r\nMax-Forwards: 70\r\n"
		       "From: <sip:p@10.0.0.9>;tag=p\r\nTo: <sip:room@10.0.0.1>%s%s\r\n"
		       "Call-ID: c1\r\nCSeq: %u %s\r\nContact: <sip:p@10.0.0.9>\r\n"
		       "%s: 100rel\r\nAllow: UPDATE\r\nRAck: %s 1 INVITE\r\n%s"
		       "Content-Length: %zu\r\n\r\n%s",
		       method, strcmp(method, "CANCEL") ? method : "INVITE", cseq,
		       cseq > 1 ? ";tag=" : "", cseq > 1 ? fx->to_tag : "", cseq, method,
		       fx->is_reliable ? "Require" : "X", fx->rseq,
		       *body ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);
	fx->events.on_message(fx->events.arg, &flow, slice_make(text, (size_t)len));
}

/* A call comes in, is described anew, and ends: with no memory at one place or from there on. What
 * could not be answered is over when the caller has given up. */
static void incoming_calls(void)
{
	for (int is_lasting = 0; is_lasting < 2; is_lasting++) {
		for (uint32_t at = 0;; at++) {
			struct fixture fx;

			setup(&fx);
			CHECK_INT("ua", start(&fx), 0);
			if (!oom_sweep(at, is_lasting)) {
				teardown(&fx);
				break;
			}
			receive(&fx, "INVITE", 1, SDP_TEXT);
			receive(&fx, "INVITE", 2, SDP_TEXT);
			receive(&fx, "OPTIONS", 3, "");
			sim_run(fx.world.wheel, 10);
			oom_end();
			receive(&fx, "CANCEL", 1, ""); /* of the INVITE, if it still waits */
			receive(&fx, "BYE", 4, "");
			simworld_run(&fx.world, 100000);
			CHECK_INT("calls", sip_ua_stats(fx.ua)->calls, 0);
			CHECK_INT("dialogs", sip_ua_stats(fx.ua)->dialogs, 0);
			CHECK_INT("servers", sip_ua_stats(fx.ua)->server_transactions, 0);
			CHECK_INT("clients", sip_ua_stats(fx.ua)->client_transactions, 0);
			CHECK_INT("each call ends once", fx.ended, fx.calls);
			teardown(&fx);
		}
	}
}

/* Early media, PRACK, UPDATE from both sides. */
static void reliable_calls(void)
{
	for (int is_lasting = 0; is_lasting < 2; is_lasting++) {
		for (uint32_t at = 0;; at++) {
			struct fixture fx;

			setup(&fx);
			fx.is_reliable = true;
			CHECK_INT("ua", start(&fx), 0);
			if (!oom_sweep(at, is_lasting)) {
				teardown(&fx);
				break;
			}
			receive(&fx, "INVITE", 1, SDP_TEXT);
			receive(&fx, "PRACK", 2, SDP_TEXT);
			receive(&fx, "ACK", 1, "");
			receive(&fx, "UPDATE", 3, SDP_TEXT);
			sim_run(fx.world.wheel, 10);
			oom_end();
			receive(&fx, "CANCEL", 1, ""); /* of the INVITE, if it still waits */
			receive(&fx, "BYE", 4, "");
			simworld_run(&fx.world, 100000);
			CHECK_INT("calls", sip_ua_stats(fx.ua)->calls, 0);
			CHECK_INT("dialogs", sip_ua_stats(fx.ua)->dialogs, 0);
			CHECK_INT("servers", sip_ua_stats(fx.ua)->server_transactions, 0);
			CHECK_INT("each call ends once", fx.ended, fx.calls);
			teardown(&fx);
		}
	}
}

static void outgoing_calls(void)
{
	for (int is_lasting = 0; is_lasting < 2; is_lasting++) {
		for (uint32_t at = 0;; at++) {
			struct sip_call *call = NULL;
			struct fixture fx;
			int err;

			setup(&fx);
			CHECK_INT("ua", start(&fx), 0);
			if (!oom_sweep(at, is_lasting)) {
				teardown(&fx);
				break;
			}
			err = sip_call_new(
				fx.ua,
				&(struct sip_call_invite){.target = SLICE("sip:p@10.0.0.9"),
							  .from = SLICE("<sip:a@10.0.0.1>"),
							  .contact_user = SLICE("a"),
							  .local = &fx.local,
							  .handlers = &call_handlers,
							  .arg = &fx},
				&call);
			oom_end();
			CHECK("0 or -ENOMEM", err == 0 || err == -ENOMEM);
			simworld_run(&fx.world, 100000);
			CHECK_INT("calls", sip_ua_stats(fx.ua)->calls, 0);
			CHECK_INT("clients", sip_ua_stats(fx.ua)->client_transactions, 0);
			CHECK_INT("told once", fx.ended, err == 0);
			teardown(&fx);
		}
	}
}

static void user_agents(void)
{
	struct fixture fx;

	setup(&fx);
	for (uint32_t at = 0; oom_sweep(at, false); at++) {
		int err = start(&fx);

		oom_end();
		CHECK("0 or -ENOMEM", err == 0 || err == -ENOMEM);
		fx.ua = sip_ua_free(fx.ua);
	}
	teardown(&fx);
}

void suite_oom(void)
{
	CHECK_SUITE("oom");
	CHECK_TEST(descriptions);
	CHECK_TEST(offers);
	CHECK_TEST(user_agents);
	CHECK_TEST(incoming_calls);
	CHECK_TEST(reliable_calls);
	CHECK_TEST(outgoing_calls);
}
