/* Calls of ours that are challenged, against a peer that is written out by hand. */
#include <stdio.h>

#include "base/attr.h"
#include "base/buf.h"
#include "sip/keyring.h"
#include "tests/support/check.h"
#include "tests/support/simua.h"

#define PEER "10.0.0.2:5060"

struct fixture {
	struct simworld world;
	struct simua ua;
	struct simraw peer;
	struct sip_keyring *keyring;
};

static void begin(struct fixture *fx, const char *password)
{
	char keys[64];
	uint32_t line;

	simworld_init(&fx->world, 1);
	simua_init(&fx->ua, &fx->world,
		   &(struct simua_params){.address = "10.0.0.1:5060", .rel = SIP_100REL_SUPPORTED});
	simraw_init(&fx->peer, &fx->world, PEER);
	snprintf(keys, sizeof(keys), "peer us %s", password);
	CHECK_INT("keyring", sip_keyring_new(&fx->world.random, &fx->keyring), 0);
	CHECK_INT("keys", sip_keyring_read(fx->keyring, slice_of(keys), &line), 0);
	sip_ua_set_credentials(fx->ua.ua, sip_keyring_answer, fx->keyring);
}

static void end(struct fixture *fx)
{
	simworld_run(&fx->world, 60000);
	CHECK_INT("nothing is left", simua_leftover(&fx->ua), 0);
	simraw_done(&fx->peer);
	simua_done(&fx->ua);
	simworld_done(&fx->world);
	sip_keyring_free(fx->keyring);
}

/* The next request of this method; others are passed over. */
static bool next(struct fixture *fx, const char *method, struct sip_msg *ret_msg)
{
	simworld_run(&fx->world, 50);
	while (simraw_next(&fx->peer, ret_msg)) {
		if (ret_msg->is_request && slice_is(ret_msg->method_text, method))
			return true;
	}
	CHECK(method, !"it came");
	return false;
}

static bool has_part(struct slice text, const char *part)
{
	return memmem(text.p ? text.p : "", text.len, part, strlen(part)) != NULL;
}

static void reply(struct fixture *fx, const struct sip_msg *request, const char *status,
		  const char *lines)
{
	static const char sdp[] = "v=0\no=- 1 1 IN IP4 10.0.0.2\ns=-\nc=IN IP4 10.0.0.2\nt=0 0\n"
				  "m=audio 4000 RTP/AVP 0\n";
	bool has_sdp = status[0] == '2' && request->method == SIP_METHOD_INVITE;
	char text[4096];

	snprintf(text, sizeof(text),
		 "SIP/2.0 %s\nVia: " SLICE_FMT "\nFrom: " SLICE_FMT "\nTo: " SLICE_FMT "%s\n"
		 "Call-ID: " SLICE_FMT "\nCSeq: " SLICE_FMT "\n%s%s\n%s",
		 status, SLICE_ARG(sip_msg_value(request, SIP_H_VIA)),
		 SLICE_ARG(sip_msg_value(request, SIP_H_FROM)),
		 SLICE_ARG(sip_msg_value(request, SIP_H_TO)),
		 has_part(sip_msg_value(request, SIP_H_TO), "tag=") ? "" : ";tag=theirs",
		 SLICE_ARG(sip_msg_value(request, SIP_H_CALL_ID)),
		 SLICE_ARG(sip_msg_value(request, SIP_H_CSEQ)), lines,
		 has_sdp ? "Contact: <sip:" PEER ">\nContent-Type: application/sdp\n" : "",
		 has_sdp ? sdp : "");
	simraw_send(&fx->peer, SIP_UDP, simnode_addr(fx->ua.node), text);
}

static uint32_t cseq(const struct sip_msg *msg)
{
	struct sip_cseq cseq = {0};

	(void)sip_msg_cseq(msg, &cseq);
	return cseq.number;
}

#define ASKS                                                                                       \
	"Proxy-Authenticate: Digest realm=\"peer\", nonce=\"n1\", qop=\"auth\", "                  \
	"algorithm=SHA-256\n"
#define ASKS_AGAIN                                                                                 \
	"Proxy-Authenticate: Digest realm=\"peer\", nonce=\"n2\", qop=\"auth\", stale=true\n"

static void a_call_through_a_proxy_that_asks(void)
{
	struct sip_msg first, again, ack, bye;
	struct fixture fx;
	char given[512];

	begin(&fx, "secret");
	CHECK_INT("call", simua_call(&fx.ua, "sip:x@" PEER), 0);
	if (!next(&fx, "INVITE", &first))
		goto done;
	CHECK("nothing is told unasked",
	      !slice_present(sip_msg_value(&first, SIP_H_PROXY_AUTHORIZATION)));
	reply(&fx, &first, "407 Proxy Authentication Required", ASKS);
	if (!next(&fx, "INVITE", &again))
		goto done;
	CHECK_INT("one higher (22.2)", cseq(&again), cseq(&first) + 1);
	CHECK("the same call",
	      slice_eq(sip_msg_value(&again, SIP_H_CALL_ID), sip_msg_value(&first, SIP_H_CALL_ID)));
	CHECK("the same tag",
	      slice_eq(sip_msg_value(&again, SIP_H_FROM), sip_msg_value(&first, SIP_H_FROM)));
	CHECK("the same offer", slice_eq(again.body, first.body) && again.body.len > 0);
	slice_cstr(sip_msg_value(&again, SIP_H_PROXY_AUTHORIZATION), given, sizeof(given));
	CHECK("answered", strstr(given, "username=\"us\"") && strstr(given, "nc=00000001"));
	CHECK("of its method and target", strstr(given, "uri=\"sip:x@" PEER "\"") != NULL);
	reply(&fx, &again, "200 OK", "");
	if (!next(&fx, "ACK", &ack))
		goto done;
	CHECK_INT("of that INVITE", cseq(&ack), cseq(&again));
	CHECK_SLICE("with its credentials (22.1)", sip_msg_value(&ack, SIP_H_PROXY_AUTHORIZATION),
		    given);
	CHECK_STR("established once", simua_log(&fx.ua), "media established");
	simua_hangup_all(&fx.ua);
	if (!next(&fx, "BYE", &bye))
		goto done;
	CHECK("the next count, unasked",
	      has_part(sip_msg_value(&bye, SIP_H_PROXY_AUTHORIZATION), "nc=00000002"));
	reply(&fx, &bye, "407 Proxy Authentication Required", ASKS_AGAIN);
	if (!next(&fx, "BYE", &again))
		goto done;
	CHECK_INT("one higher", cseq(&again), cseq(&bye) + 1);
	CHECK("the new nonce",
	      has_part(sip_msg_value(&again, SIP_H_PROXY_AUTHORIZATION), "nonce=\"n2\""));
	reply(&fx, &again, "200 OK", "");
done:
	end(&fx);
}

/* A 2xx names the nonce for the next request (RFC 7615); one of who does not know the secret does
 * not. */
static void the_next_nonce(void)
{
	static const struct {
		const char *name, *info, *want;
		unsigned wrong;
	} cases[] = {
		{"named", "Proxy-Authentication-Info: nextnonce=\"n9\"\n", "nonce=\"n9\"", 0},
		{"of the other kind", "Authentication-Info: nextnonce=\"n9\"\n", "nonce=\"n1\"", 0},
		{"by a stranger",
		 "Proxy-Authentication-Info: qop=auth, rspauth=\"00\", nextnonce=\"n9\"\n",
		 "nonce=\"n1\"", 1},
		{"not well-formed", "Proxy-Authentication-Info: nextnonce\n", "nonce=\"n1\"", 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *name = cases[i].name;
		struct sip_msg invite, ack, bye;
		struct fixture fx;

		begin(&fx, "secret");
		CHECK_INT(name, simua_call(&fx.ua, "sip:x@" PEER), 0);
		if (next(&fx, "INVITE", &invite))
			reply(&fx, &invite, "407 Proxy Authentication Required", ASKS);
		if (next(&fx, "INVITE", &invite))
			reply(&fx, &invite, "200 OK", cases[i].info);
		CHECK(name, next(&fx, "ACK", &ack));
		simua_hangup_all(&fx.ua);
		if (next(&fx, "BYE", &bye)) {
			struct slice line = sip_msg_value(&bye, SIP_H_PROXY_AUTHORIZATION);

			CHECK(name, has_part(line, cases[i].want));
			CHECK(name, has_part(line, strstr(cases[i].want, "n9") ? "nc=00000001"
									       : "nc=00000002"));
			reply(&fx, &bye, "200 OK", "");
		}
		CHECK_INT(name, sip_ua_stats(fx.ua.ua)->rspauth_wrong, cases[i].wrong);
		end(&fx);
	}
}

/* The 2xx is no use (more routes than we go), and the answer to the PRACK that was under way in its
 * early dialog comes after it. */
static void answered_in_a_dialog_that_is_refused(void)
{
	struct sip_msg invite, prack;
	struct buf lines = BUF_INIT;
	struct fixture fx;

	begin(&fx, "secret");
	CHECK_INT("call", simua_call(&fx.ua, "sip:x@" PEER), 0);
	if (next(&fx, "INVITE", &invite))
		reply(&fx, &invite, "407 Proxy Authentication Required", ASKS);
	if (next(&fx, "INVITE", &invite))
		reply(&fx, &invite, "183 Session Progress",
		      "Contact: <sip:" PEER ">\nRequire: 100rel\nRSeq: 1\n");
	CHECK("PRACK", next(&fx, "PRACK", &prack));
	CHECK("with credentials", slice_present(sip_msg_value(&prack, SIP_H_PROXY_AUTHORIZATION)));
	for (int i = 0; i < 40; i++)
		buf_addf(&lines, "%s<sip:10.0.0.2;lr>", i ? "," : "Record-Route: ");
	buf_adds(&lines, "\n");
	reply(&fx, &invite, "200 OK", lines.p);
	buf_done(&lines);
	simworld_run(&fx.world, 50);
	reply(&fx, &prack, "200 OK", "");
	simworld_run(&fx.world, 1000);
	CHECK_STR("it ends", simua_log(&fx.ua), "progress:183 ended:local:0");
	end(&fx);
}

static void wrong_password(void)
{
	struct sip_msg first, again, more;
	struct fixture fx;

	begin(&fx, "guess");
	CHECK_INT("call", simua_call(&fx.ua, "sip:x@" PEER), 0);
	if (next(&fx, "INVITE", &first))
		reply(&fx, &first, "401 Unauthorized",
		      "WWW-Authenticate: Digest realm=\"peer\", nonce=\"n1\"\n");
	if (next(&fx, "INVITE", &again))
		reply(&fx, &again, "401 Unauthorized",
		      "WWW-Authenticate: Digest realm=\"peer\", nonce=\"n2\"\n");
	simworld_run(&fx.world, 1000);
	CHECK_STR("it ends", simua_log(&fx.ua), "ended:remote:401");
	while (simraw_next(&fx.peer, &more))
		CHECK("no third try", !slice_is(more.method_text, "INVITE"));
	end(&fx);
}

static void unknown_realm(void)
{
	struct sip_msg first;
	struct fixture fx;

	begin(&fx, "secret");
	CHECK_INT("call", simua_call(&fx.ua, "sip:x@" PEER), 0);
	if (next(&fx, "INVITE", &first))
		reply(&fx, &first, "401 Unauthorized",
		      "WWW-Authenticate: Digest realm=\"else\", nonce=\"n1\"\n");
	simworld_run(&fx.world, 1000);
	CHECK_STR("it ends", simua_log(&fx.ua), "ended:remote:401");
	end(&fx);
}

/* Whoever asks for ever is not answered for ever. */
static void endless_stale(void)
{
	unsigned invites = 0;
	struct sip_msg msg;
	struct fixture fx;

	begin(&fx, "secret");
	CHECK_INT("call", simua_call(&fx.ua, "sip:x@" PEER), 0);
	for (int i = 0; i < 20; i++) {
		simworld_run(&fx.world, 50);
		while (simraw_next(&fx.peer, &msg)) {
			if (!slice_is(msg.method_text, "INVITE"))
				continue;
			invites++;
			reply(&fx, &msg, "401 Unauthorized",
			      "WWW-Authenticate: Digest realm=\"peer\", nonce=\"n\", stale=true\n");
		}
	}
	CHECK_INT("so often", invites, 1 + SIP_REQUEST_TRIES_MAX);
	CHECK_STR("then it ends", simua_log(&fx.ua), "ended:remote:401");
	end(&fx);
}

static void on_reply(void *arg, const struct sip_msg *response, int err)
{
	*(int *)arg = response ? response->status : err;
}

static void requests_outside_calls(void)
{
	struct sip_msg first, again;
	struct fixture fx;
	int got = 0;

	begin(&fx, "secret");
	CHECK_INT("REGISTER",
		  sip_ua_request(fx.ua.ua,
				 &(struct sip_request_params){.method = "REGISTER",
							      .target = SLICE("sip:" PEER),
							      .from = SLICE("<sip:us@peer>"),
							      .on_reply = on_reply,
							      .arg = &got},
				 NULL),
		  0);
	if (next(&fx, "REGISTER", &first))
		reply(&fx, &first, "407 Proxy Authentication Required", ASKS);
	if (next(&fx, "REGISTER", &again)) {
		CHECK_INT("one higher", cseq(&again), cseq(&first) + 1);
		reply(&fx, &again, "401 Unauthorized",
		      "WWW-Authenticate: Digest realm=\"peer\", nonce=\"n7\", qop=\"auth\"\n");
	}
	if (next(&fx, "REGISTER", &again)) {
		CHECK("the target's",
		      has_part(sip_msg_value(&again, SIP_H_AUTHORIZATION), "nonce=\"n7\""));
		CHECK("and the proxy's, with its next count",
		      has_part(sip_msg_value(&again, SIP_H_PROXY_AUTHORIZATION), "nc=00000002"));
		reply(&fx, &again, "200 OK", "");
	}
	simworld_run(&fx.world, 100);
	CHECK_INT("it is told", got, 200);
	end(&fx);
}

void suite_call_auth(void)
{
	CHECK_SUITE("call_auth");
	CHECK_TEST(a_call_through_a_proxy_that_asks);
	CHECK_TEST(the_next_nonce);
	CHECK_TEST(answered_in_a_dialog_that_is_refused);
	CHECK_TEST(wrong_password);
	CHECK_TEST(unknown_realm);
	CHECK_TEST(endless_stale);
	CHECK_TEST(requests_outside_calls);
}
