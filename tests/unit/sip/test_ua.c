/* What the core answers by itself, on the wire, and what it hands up. */
#include <stdio.h>

#include "base/attr.h"
#include "sip/build.h"
#include "tests/support/check.h"
#include "tests/support/simua.h"

struct fixture {
	struct simworld world;
	struct simua ua;
	struct simraw peer;
};

static void setup(struct fixture *fx)
{
	simworld_init(&fx->world, 1);
	simua_init(
		&fx->ua, &fx->world,
		&(struct simua_params){.address = "10.0.0.1:5060", .supported = "timer, replaces"});
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

static void post(struct fixture *fx, const char *text)
{
	simraw_send(&fx->peer, SIP_UDP, simnode_addr(fx->ua.node), text);
	simworld_run(&fx->world, 20);
}

#define VIA "Via: SIP/2.0/UDP @SELF@;branch=z9hG4bK1;rport\n"
#define FROM "From: <sip:p@example.org>;tag=p\n"
#define TO "To: <sip:u@example.org>\n"
#define ID "Call-ID: c1\n"
#define CONTACT "Contact: <sip:p@10.0.0.9>\n"
#define HEAD VIA "Max-Forwards: 70\n" FROM TO ID
#define NO_BODY "Content-Length: 0\n\n"
#define INVITE "INVITE sip:u@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 INVITE\n" CONTACT
#define USER_64 "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
#define LONG_USER USER_64 USER_64 USER_64 USER_64
#define SDP_OK                                                                                     \
	"v=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 0\nm=audio 5000 RTP/AVP 0\n"

static const struct {
	const char *name, *text;
	uint16_t status;            /* of the first answer; 0: none */
	const char *header, *value; /* it has this one; NULL: not looked at */
} answers[] = {
	{"version", "OPTIONS sip:u@10.0.0.1 SIP/3.0\n" HEAD "CSeq: 1 OPTIONS\n" NO_BODY, 505, NULL,
	 NULL},
	{"no From", "OPTIONS sip:u@10.0.0.1 SIP/2.0\n" VIA TO ID "CSeq: 1 OPTIONS\n" NO_BODY, 400,
	 NULL, NULL},
	{"no Call-ID", "OPTIONS sip:u@10.0.0.1 SIP/2.0\n" VIA FROM TO "CSeq: 1 OPTIONS\n" NO_BODY,
	 400, NULL, NULL},
	{"CSeq of another method",
	 "OPTIONS sip:u@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 INVITE\n" NO_BODY, 400, NULL, NULL},
	{"INVITE without Contact",
	 "INVITE sip:u@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 INVITE\n" NO_BODY, 400, NULL, NULL},
	{"scheme", "OPTIONS urn:x:y SIP/2.0\n" HEAD "CSeq: 1 OPTIONS\n" NO_BODY, 416, NULL, NULL},
	{"Max-Forwards 0",
	 "INVITE sip:u@10.0.0.1 SIP/2.0\n" VIA "Max-Forwards: 0\n" FROM TO ID
	 "CSeq: 1 INVITE\n" CONTACT NO_BODY,
	 483, NULL, NULL},
	{"body cut short",
	 "MESSAGE sip:u@10.0.0.1 SIP/2.0\n" HEAD
	 "CSeq: 1 MESSAGE\nContent-Type: text/plain\nContent-Length: 9\n\nx",
	 400, NULL, NULL},
	{"known method", "REGISTER sip:10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 REGISTER\n" NO_BODY, 405,
	 "Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, MESSAGE"},
	{"PRACK and UPDATE are not there yet",
	 "UPDATE sip:u@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 UPDATE\n" CONTACT NO_BODY, 405, NULL,
	 NULL},
	{"unknown method", "DANCE sip:u@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 DANCE\n" NO_BODY, 501,
	 NULL, NULL},
	{"methods know their case",
	 "options sip:u@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 options\n" NO_BODY, 501, NULL, NULL},
	{"where it has been, to who can read it (RFC 7044 9.3)",
	 "PUBLISH sip:u@10.0.0.1 SIP/2.0\n" HEAD
	 "CSeq: 1 PUBLISH\nSupported: histinfo\nHistory-Info: <sip:a@x>;index=1\n" NO_BODY,
	 405, "History-Info", "<sip:a@x>;index=1"},
	{"option not supported", INVITE "Require: timer, 100rel, x\n" NO_BODY, 420, "Unsupported",
	 "100rel, x"},
	{"option supported",
	 "OPTIONS sip:u@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 OPTIONS\nRequire: TIMER\n" NO_BODY, 200,
	 "Supported", "timer, replaces"},
	{"Accept without SDP", INVITE "Accept: text/plain, image/*\nContent-Length: 0\n\n", 406,
	 NULL, NULL},
	{"Accept of nothing", INVITE "Accept:\nContent-Length: 0\n\n", 406, NULL, NULL},
	{"body type", INVITE "Content-Type: text/plain\nContent-Length: 1\n\nx", 415, "Accept",
	 "application/sdp, multipart/mixed"},
	{"body without type", INVITE "Content-Length: 1\n\nx", 400, NULL, NULL},
	{"parts that are too long to keep are no overload",
	 "INVITE sip:" LONG_USER "@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 INVITE\n" CONTACT NO_BODY, 513,
	 NULL, NULL},
	{"body type, optional",
	 INVITE "Content-Type: text/plain\nContent-Disposition: "
		"render;handling=optional\nContent-Length: 1\n\nx",
	 486, NULL, NULL},
	{"body encoding",
	 INVITE "Content-Type: application/sdp\nContent-Encoding: gzip\nContent-Length: 1\n\nx",
	 415, "Accept-Encoding", "identity"},
	{"description malformed",
	 INVITE "Content-Type: application/sdp\nContent-Length: 5\n\nhello", 400, NULL, NULL},
	{"BYE outside a dialog", "BYE sip:u@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 BYE\n" NO_BODY, 481,
	 NULL, NULL},
	{"INFO outside a dialog", "INFO sip:u@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 INFO\n" NO_BODY,
	 481, NULL, NULL},
	{"INVITE in an unknown dialog",
	 "INVITE sip:u@10.0.0.1 SIP/2.0\n" VIA "Max-Forwards: 70\n" FROM
	 "To: <sip:u@example.org>;tag=no\n" ID "CSeq: 1 INVITE\n" CONTACT NO_BODY,
	 481, NULL, NULL},
	{"BYE in an unknown dialog",
	 "BYE sip:u@10.0.0.1 SIP/2.0\n" VIA "Max-Forwards: 70\n" FROM
	 "To: <sip:u@example.org>;tag=no\n" ID "CSeq: 1 BYE\n" NO_BODY,
	 481, NULL, NULL},
	{"CANCEL of nothing", "CANCEL sip:u@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 CANCEL\n" NO_BODY,
	 481, NULL, NULL},
	{"ACK of nothing", "ACK sip:u@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 ACK\n" NO_BODY, 0, NULL,
	 NULL},
	{"malformed ACK", "ACK sip:u@10.0.0.1 SIP/2.0\n" VIA "CSeq: 1 ACK\n" NO_BODY, 0, NULL,
	 NULL},
	{"a stray response", "SIP/2.0 200 OK\n" VIA FROM TO ID "CSeq: 1 INVITE\n" NO_BODY, 0, NULL,
	 NULL},
	{"noise", "hello\n\n", 0, NULL, NULL},
	{"OPTIONS", "OPTIONS sip:u@10.0.0.1 SIP/2.0\n" HEAD "CSeq: 1 OPTIONS\n" NO_BODY, 200,
	 "Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, MESSAGE"},
	{"MESSAGE",
	 "MESSAGE sip:u@10.0.0.1 SIP/2.0\n" HEAD
	 "CSeq: 1 MESSAGE\nContent-Type: text/plain\nContent-Length: 1\n\nx",
	 200, "Server", "simua"},
	{"Max-Forwards missing counts as 70",
	 "OPTIONS sip:u@10.0.0.1 SIP/2.0\n" VIA FROM TO ID "CSeq: 1 OPTIONS\n" NO_BODY, 200, NULL,
	 NULL},
};

static void answers_table(void)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct sip_msg msg = {0};
		struct sip_addr to;
		struct fixture fx;
		bool came;

		setup(&fx);
		fx.ua.mode = SIMUA_REJECT;
		post(&fx, answers[i].text);
		came = simraw_next(&fx.peer, &msg);
		CHECK_INT(answers[i].name, came ? msg.status : 0, answers[i].status);
		if (came && answers[i].header)
			CHECK_SLICE(answers[i].name, sip_msg_value_named(&msg, answers[i].header),
				    answers[i].value);
		if (came && msg.status > 100) {
			CHECK_INT(answers[i].name, sip_msg_addr(&msg, SIP_H_TO, &to), 0);
			CHECK(answers[i].name, slice_present(sip_addr_tag(&to)));
		}
		teardown(&fx);
	}
}

/* 17.2.1: a caller who must wait gets 100; one who is answered at once needs none. */
static void trying_only_for_who_waits(void)
{
	struct sip_msg msg;
	struct fixture fx;

	setup(&fx);
	fx.ua.mode = SIMUA_WAIT;
	post(&fx, INVITE NO_BODY);
	CHECK("waits", simraw_next(&fx.peer, &msg) && msg.status == 100);
	sip_call_hangup(fx.ua.call, NULL);
	simworld_run(&fx.world, 60000);
	teardown(&fx);
	setup(&fx);
	fx.ua.mode = SIMUA_REJECT;
	post(&fx, INVITE NO_BODY);
	CHECK("answered", simraw_next(&fx.peer, &msg) && msg.status == 486);
	teardown(&fx);
}

/* 8.2.2.2: the same request on another path. */
static void merged(void)
{
	struct sip_msg msg;
	struct fixture fx;

	setup(&fx);
	fx.ua.mode = SIMUA_WAIT;
	post(&fx, INVITE NO_BODY);
	simraw_forget(&fx.peer);
	post(&fx, "INVITE sip:u@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP "
		  "@SELF@;branch=z9hG4bKother\nMax-Forwards: 60\n" FROM TO ID
		  "CSeq: 1 INVITE\n" CONTACT NO_BODY);
	CHECK("came", simraw_next(&fx.peer, &msg));
	CHECK_INT("482", msg.status, 482);
	CHECK_STR("told once", simua_log(&fx.ua), "invite");
	sip_call_hangup(fx.ua.call, NULL);
	teardown(&fx);
}

/* An INVITE without an offer and what follows: 200 with our offer and Contact; ACK with the
 * answer; BYE. */
static void dialog_by_hand(void)
{
	char text[2048], tag[64];
	struct sip_msg msg;
	struct sip_addr to;
	struct fixture fx;

	setup(&fx);
	post(&fx, INVITE "Record-Route: <sip:10.0.0.9;lr>\n" NO_BODY);
	CHECK("200", simraw_next(&fx.peer, &msg) && msg.status == 200);
	CHECK_SLICE("route", sip_msg_value(&msg, SIP_H_RECORD_ROUTE), "<sip:10.0.0.9;lr>");
	CHECK_SLICE("contact", sip_msg_value(&msg, SIP_H_CONTACT), "<sip:u@10.0.0.1:5060>");
	CHECK_SLICE("supported", sip_msg_value(&msg, SIP_H_SUPPORTED), "timer, replaces");
	CHECK("allow", sip_list_has(&msg, SIP_H_ALLOW, "BYE"));
	CHECK("offer", msg.body.len > 0);
	CHECK_INT("to", sip_msg_addr(&msg, SIP_H_TO, &to), 0);
	slice_cstr(sip_addr_tag(&to), tag, sizeof(tag));
	snprintf(text, sizeof(text),
		 "ACK sip:u@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP "
		 "@SELF@;branch=z9hG4bKack\nMax-Forwards: 70\n" FROM
		 "To: <sip:u@example.org>;tag=%s\n" ID
		 "CSeq: 1 ACK\nContent-Type: application/sdp\nContent-Length: %zu\n\n" SDP_OK,
		 tag, strlen(SDP_OK) + 6);
	post(&fx, text);
	CHECK_STR("late answer", simua_log(&fx.ua), "invite media established");
	CHECK_INT("port", addr_port(&fx.ua.agreed.remote_rtp), 5000);

	/* 12.2.2: a CSeq that is not higher is out of order. */
	snprintf(text, sizeof(text),
		 "INFO sip:u@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP "
		 "@SELF@;branch=z9hG4bKi\nMax-Forwards: 70\n" FROM
		 "To: <sip:u@example.org>;tag=%s\n" ID "CSeq: 1 INFO\nContent-Length: 0\n\n",
		 tag);
	simraw_forget(&fx.peer);
	post(&fx, text);
	CHECK("500", simraw_next(&fx.peer, &msg) && msg.status == 500);

	sip_call_hangup(fx.ua.call,
			&(struct sip_reply){.headers = "Reason: SIP;cause=200;text=\"bye\"\r\n"});
	simworld_run(&fx.world, 20);
	CHECK("BYE", simraw_next(&fx.peer, &msg) && msg.method == SIP_METHOD_BYE);
	CHECK_SLICE("target", msg.request_uri, "sip:p@10.0.0.9");
	CHECK_SLICE("route", sip_msg_value(&msg, SIP_H_ROUTE), "<sip:10.0.0.9;lr>");
	CHECK_SLICE("reason", sip_msg_value(&msg, SIP_H_REASON), "SIP;cause=200;text=\"bye\"");
	snprintf(text, sizeof(text),
		 "BYE sip:u@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP "
		 "@SELF@;branch=z9hG4bKb\nMax-Forwards: 70\n" FROM
		 "To: <sip:u@example.org>;tag=%s\n" ID "CSeq: 2 BYE\nContent-Length: 0\n\n",
		 tag);
	post(&fx, text);
	CHECK("200 to the crossing BYE", simraw_next(&fx.peer, &msg) && msg.status == 200);
	CHECK_STR("over", simua_log(&fx.ua), "ended:local:0");
	teardown(&fx);
}

/* An answer in the ACK that does not fit: BYE. */
static void bad_answer_in_the_ack(void)
{
	char text[2048];
	struct sip_msg msg;
	struct sip_addr to;
	struct fixture fx;

	setup(&fx);
	post(&fx, INVITE NO_BODY);
	CHECK("200", simraw_next(&fx.peer, &msg) && msg.status == 200);
	CHECK_INT("to", sip_msg_addr(&msg, SIP_H_TO, &to), 0);
	snprintf(text, sizeof(text),
		 "ACK sip:u@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP "
		 "@SELF@;branch=z9hG4bKack\nMax-Forwards: 70\n" FROM
		 "To: <sip:u@example.org>;tag=" SLICE_FMT "\n" ID
		 "CSeq: 1 ACK\nContent-Length: 0\n\n",
		 SLICE_ARG(sip_addr_tag(&to)));
	post(&fx, text);
	CHECK("BYE", simraw_next(&fx.peer, &msg) && msg.method == SIP_METHOD_BYE);
	teardown(&fx);
}

/* 15: a BYE in the early dialog takes the INVITE with it. */
static void bye_before_the_answer(void)
{
	char text[2048];
	struct sip_msg msg;
	struct sip_addr to;
	struct fixture fx;

	setup(&fx);
	fx.ua.mode = SIMUA_RING;
	post(&fx, INVITE NO_BODY);
	CHECK("180", simraw_next(&fx.peer, &msg) && msg.status == 180);
	CHECK_SLICE("contact", sip_msg_value(&msg, SIP_H_CONTACT), "<sip:u@10.0.0.1:5060>");
	CHECK_INT("to", sip_msg_addr(&msg, SIP_H_TO, &to), 0);
	snprintf(text, sizeof(text),
		 "BYE sip:u@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP "
		 "@SELF@;branch=z9hG4bKbye\nMax-Forwards: 70\n" FROM
		 "To: <sip:u@example.org>;tag=" SLICE_FMT "\n" ID
		 "CSeq: 2 BYE\nContent-Length: 0\n\n",
		 SLICE_ARG(sip_addr_tag(&to)));
	post(&fx, text);
	CHECK("200", simraw_next(&fx.peer, &msg) && msg.status == 200);
	CHECK("487", simraw_next(&fx.peer, &msg) && msg.status == 487);
	CHECK_STR("over", simua_log(&fx.ua), "invite ended:remote:0");
	teardown(&fx);
}

/* 14.2: a second INVITE before the first is answered. */
static void second_invite_too_early(void)
{
	char text[2048];
	struct sip_msg msg;
	struct sip_addr to;
	struct fixture fx;

	setup(&fx);
	fx.ua.mode = SIMUA_RING;
	post(&fx, INVITE NO_BODY);
	CHECK("180", simraw_next(&fx.peer, &msg) && msg.status == 180);
	CHECK_INT("to", sip_msg_addr(&msg, SIP_H_TO, &to), 0);
	snprintf(text, sizeof(text),
		 "INVITE sip:u@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP "
		 "@SELF@;branch=z9hG4bKre\nMax-Forwards: 70\n" FROM
		 "To: <sip:u@example.org>;tag=" SLICE_FMT "\n" ID "CSeq: 2 INVITE\n" CONTACT
		 "Content-Length: 0\n\n",
		 SLICE_ARG(sip_addr_tag(&to)));
	post(&fx, text);
	CHECK("500", simraw_next(&fx.peer, &msg) && msg.status == 500);
	CHECK("retry", slice_present(sip_msg_value(&msg, SIP_H_RETRY_AFTER)));
	sip_call_hangup(fx.ua.call, NULL);
	teardown(&fx);
}

/* An offer with nothing to answer is the application's to refuse: 488 here. */
static void nothing_in_common(void)
{
	static const char sdp[] = "v=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 "
				  "0\nm=audio 5000 RTP/AVP 18\n";
	char text[2048];
	struct sip_msg msg;
	struct fixture fx;

	setup(&fx);
	snprintf(text, sizeof(text),
		 INVITE "Content-Type: application/sdp\nContent-Length: %zu\n\n%s",
		 sizeof(sdp) - 1 + 6, sdp);
	post(&fx, text);
	CHECK("488", simraw_next(&fx.peer, &msg) && msg.status == 488);
	teardown(&fx);
}

/* Callers by hand
 * ------------------------------------------------------------------------------------------------------
 */

/* Answers the last INVITE that the peer got, as the callee `tag`. */
static void answer_invite(struct fixture *fx, uint16_t status, const char *tag, bool has_sdp)
{
	struct buf buf = BUF_INIT, out = BUF_INIT;
	struct sip_msg invite;

	CHECK_INT("invite", sip_msg_parse(fx->peer.got[0].p, fx->peer.got[0].len, &invite), 0);
	buf_addf(&buf,
		 "SIP/2.0 %u x\nVia: " SLICE_FMT "\nFrom: " SLICE_FMT "\nTo: " SLICE_FMT
		 ";tag=%s\nCall-ID: " SLICE_FMT "\nCSeq: " SLICE_FMT "\nContact: <sip:%s@@SELF@>\n",
		 status, SLICE_ARG(sip_msg_value(&invite, SIP_H_VIA)),
		 SLICE_ARG(sip_msg_value(&invite, SIP_H_FROM)),
		 SLICE_ARG(sip_msg_value(&invite, SIP_H_TO)), tag,
		 SLICE_ARG(sip_msg_value(&invite, SIP_H_CALL_ID)),
		 SLICE_ARG(sip_msg_value(&invite, SIP_H_CSEQ)), tag);
	if (has_sdp)
		buf_addf(&buf, "Content-Type: application/sdp\nContent-Length: %zu\n\n" SDP_OK,
			 strlen(SDP_OK) + 6);
	else
		buf_adds(&buf, NO_BODY);
	post(fx, buf.p);
	buf_done(&buf);
	buf_done(&out);
}

/* 13.2.2.4: the first 2xx wins; each other one gets its ACK and BYE, and each copy its ACK again.
 */
static void forked_answers(void)
{
	struct sip_msg msg;
	struct fixture fx;

	setup(&fx);
	CHECK_INT("call", simua_call(&fx.ua, "sip:x@10.0.0.9"), 0);
	simworld_run(&fx.world, 20);
	CHECK("INVITE", simraw_next(&fx.peer, &msg) && msg.method == SIP_METHOD_INVITE);
	answer_invite(&fx, 180, "one", false);
	answer_invite(&fx, 180, "two", false);
	CHECK_INT("two early dialogs", sip_ua_stats(fx.ua.ua)->dialogs, 2);
	answer_invite(&fx, 200, "two", true);
	CHECK_STR("two wins", simua_log(&fx.ua), "progress:180 progress:180 media established");
	CHECK_INT("one dialog", sip_ua_stats(fx.ua.ua)->dialogs, 1);
	CHECK("ACK", simraw_next(&fx.peer, &msg) && msg.method == SIP_METHOD_ACK);
	CHECK_SLICE("to two", msg.request_uri, "sip:two@10.0.0.9:5060");
	answer_invite(&fx, 200, "one", true);
	CHECK("ACK", simraw_next(&fx.peer, &msg) && msg.method == SIP_METHOD_ACK);
	CHECK_SLICE("to one", msg.request_uri, "sip:one@10.0.0.9:5060");
	CHECK("BYE", simraw_next(&fx.peer, &msg) && msg.method == SIP_METHOD_BYE);
	CHECK_SLICE("to one", msg.request_uri, "sip:one@10.0.0.9:5060");
	answer_invite(&fx, 200, "one", true);
	answer_invite(&fx, 200, "two", true);
	CHECK("ACK again", simraw_next(&fx.peer, &msg) && msg.method == SIP_METHOD_ACK);
	CHECK_SLICE("to one", msg.request_uri, "sip:one@10.0.0.9:5060");
	CHECK("ACK again", simraw_next(&fx.peer, &msg) && msg.method == SIP_METHOD_ACK);
	CHECK_SLICE("to two", msg.request_uri, "sip:two@10.0.0.9:5060");
	CHECK_INT("the call stands", sip_call_state(fx.ua.call), SIP_CALL_ESTABLISHED);
	sip_call_hangup(fx.ua.call, NULL);
	simworld_run(&fx.world, 10000);
	simraw_forget(&fx.peer);
	teardown(&fx);
}

/* The peer answers the re-INVITE with 180, and then no more. */
static void ring_on_reinvite(struct fixture *fx)
{
	struct buf buf = BUF_INIT;
	struct sip_msg msg;

	CHECK_INT("call", simua_call(&fx->ua, "sip:x@10.0.0.9"), 0);
	simworld_run(&fx->world, 20);
	answer_invite(fx, 200, "t", true);
	CHECK_STR("established", simua_log(&fx->ua), "media established");
	simraw_forget(&fx->peer);
	CHECK_INT("re-INVITE", sip_call_reinvite(fx->ua.call), 0);
	simworld_run(&fx->world, 20);
	CHECK("INVITE", simraw_next(&fx->peer, &msg) && msg.method == SIP_METHOD_INVITE);
	buf_addf(&buf,
		 "SIP/2.0 180 x\nVia: " SLICE_FMT "\nFrom: " SLICE_FMT "\nTo: " SLICE_FMT
		 "\nCall-ID: " SLICE_FMT "\nCSeq: " SLICE_FMT "\n" NO_BODY,
		 SLICE_ARG(sip_msg_value(&msg, SIP_H_VIA)),
		 SLICE_ARG(sip_msg_value(&msg, SIP_H_FROM)),
		 SLICE_ARG(sip_msg_value(&msg, SIP_H_TO)),
		 SLICE_ARG(sip_msg_value(&msg, SIP_H_CALL_ID)),
		 SLICE_ARG(sip_msg_value(&msg, SIP_H_CSEQ)));
	post(fx, buf.p);
	buf_done(&buf);
}

/* 17.1.1.2: a provisional answer stops Timer B; a re-INVITE must not wait for ever all the same. */
static void reinvite_that_only_rings(void)
{
	struct sip_msg msg;
	struct fixture fx;

	setup(&fx);
	ring_on_reinvite(&fx);
	simworld_run(&fx.world, 31000);
	CHECK("patience", !simraw_next(&fx.peer, &msg));
	simworld_run(&fx.world, 1500);
	CHECK("CANCEL", simraw_next(&fx.peer, &msg) && msg.method == SIP_METHOD_CANCEL);
	CHECK_STR("the call stands", simua_log(&fx.ua), "");
	simworld_run(&fx.world, 65000);
	CHECK_STR("given up", simua_log(&fx.ua), "ended:timeout:0");
	teardown(&fx);
}

/* An INFO that was sent behind the re-INVITE comes first: the re-INVITE is out of order for the
 * peer (12.2.2), and goes again. A 500 for itself is a refusal. */
static void reinvite_that_was_overtaken(void)
{
	for (int is_overtaken = 0; is_overtaken <= 1; is_overtaken++) {
		struct sip_msg invite, again;
		struct fixture fx;

		setup(&fx);
		CHECK_INT("call", simua_call(&fx.ua, "sip:x@10.0.0.9"), 0);
		simworld_run(&fx.world, 20);
		answer_invite(&fx, 200, "t", true);
		CHECK_STR("established", simua_log(&fx.ua), "media established");
		simraw_forget(&fx.peer);
		CHECK_INT("re-INVITE", sip_call_reinvite(fx.ua.call), 0);
		if (is_overtaken)
			CHECK_INT("INFO",
				  sip_call_request(fx.ua.call,
						   &(struct sip_call_request){.method = "INFO"}),
				  0);
		simworld_run(&fx.world, 20);
		CHECK("INVITE", simraw_find(&fx.peer, SIP_METHOD_INVITE, 0, &invite));
		simraw_answer(&fx.peer, &invite, 500, NULL, NO_BODY);
		simworld_run(&fx.world, 40);
		CHECK_STR("refused or not", simua_log(&fx.ua),
			  is_overtaken ? "" : "reinvite-failed:500");
		CHECK_INT("again", simraw_find(&fx.peer, SIP_METHOD_INVITE, 0, &again),
			  is_overtaken);
		if (is_overtaken)
			CHECK("with a later number", !slice_eq(sip_msg_value(&again, SIP_H_CSEQ),
							       sip_msg_value(&invite, SIP_H_CSEQ)));
		simua_hangup_all(&fx.ua);
		teardown(&fx);
	}
}

static void hangup_while_the_reinvite_rings(void)
{
	struct fixture fx;

	setup(&fx);
	ring_on_reinvite(&fx);
	sip_call_hangup(fx.ua.call, NULL);
	simworld_run(&fx.world, 33000);
	CHECK_STR("ended", simua_log(&fx.ua), "ended:local:0");
	teardown(&fx); /* nothing is left */
}

static void redirect_is_reported(void)
{
	struct fixture fx;

	setup(&fx);
	CHECK_INT("call", simua_call(&fx.ua, "sip:x@10.0.0.9"), 0);
	simworld_run(&fx.world, 20);
	answer_invite(&fx, 302, "t", false);
	CHECK_STR("302", simua_log(&fx.ua), "ended:remote:302");
	teardown(&fx);
}

static void answer_that_does_not_fit(void)
{
	struct sip_msg msg;
	struct fixture fx;

	setup(&fx);
	CHECK_INT("call", simua_call(&fx.ua, "sip:x@10.0.0.9"), 0);
	simworld_run(&fx.world, 20);
	answer_invite(&fx, 200, "t", false);
	CHECK("INVITE", simraw_next(&fx.peer, &msg));
	CHECK("ACK", simraw_next(&fx.peer, &msg) && msg.method == SIP_METHOD_ACK);
	CHECK("BYE", simraw_next(&fx.peer, &msg) && msg.method == SIP_METHOD_BYE);
	simworld_run(&fx.world, 33000);
	CHECK_STR("no session", simua_log(&fx.ua), "ended:local:0");
	teardown(&fx);
}

/* 13.3.1.1: a provisional answer is repeated every minute, so that no proxy gives up. */
/* Nobody answers in the time that the application gives: it is told then. What is heard later is
 * still dealt with: a CANCEL after a provisional answer (9.1), ACK and BYE after a 2xx (13.2.2.4).
 */
static void silence_ends_in_time(void)
{
	static const struct {
		const char *name;
		uint16_t first, last;
	} cases[] = {{"silent for good", 0, 0}, {"rings late", 180, 487}, {"answers late", 200, 0}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *name = cases[i].name;
		struct sip_msg invite, msg;
		struct fixture fx;

		setup(&fx);
		CHECK_INT(
			name,
			simua_call_with(&fx.ua,
					&(struct sip_call_invite){.target = SLICE("sip:b@10.0.0.9"),
								  .contact_user = SLICE("a"),
								  .local = &fx.ua.local,
								  .timeout_ms = 5000}),
			0);
		simworld_run(&fx.world, 100);
		CHECK(name, simraw_find(&fx.peer, SIP_METHOD_INVITE, 0, &invite));
		simworld_run(&fx.world, 5000);
		CHECK_STR(name, simua_log(&fx.ua), "ended:timeout:408");
		CHECK_INT(name, sip_ua_stats(fx.ua.ua)->calls, 0);
		CHECK(name, !simraw_find(&fx.peer, SIP_METHOD_CANCEL, 0, &msg));
		if (cases[i].first)
			simraw_answer(&fx.peer, &invite, cases[i].first, "late", CONTACT NO_BODY);
		simworld_run(&fx.world, 100);
		if (cases[i].first)
			CHECK(name, simraw_find(&fx.peer,
						cases[i].first == 180 ? SIP_METHOD_CANCEL
								      : SIP_METHOD_BYE,
						0, &msg));
		if (cases[i].last)
			simraw_answer(&fx.peer, &invite, cases[i].last, "late", NO_BODY);
		simworld_run(&fx.world, 70000);
		CHECK_INT(name, simua_leftover(&fx.ua), 0);
		CHECK_STR(name, simua_log(&fx.ua), "");
		teardown(&fx);
	}
}

static void ringing_stays_fresh(void)
{
	struct sip_msg msg;
	struct fixture fx;

	setup(&fx);
	fx.ua.mode = SIMUA_RING;
	post(&fx, INVITE NO_BODY);
	simraw_forget(&fx.peer);
	simworld_run(&fx.world, 150000);
	CHECK_INT("after one and two minutes", fx.peer.count, 2);
	CHECK("180", simraw_next(&fx.peer, &msg) && msg.status == 180);
	sip_call_hangup(fx.ua.call, NULL);
	teardown(&fx);
}

/* 9.1: no final answer within 64*T1 of the CANCEL ends it all the same. */
static void cancel_without_effect(void)
{
	struct fixture fx;

	setup(&fx);
	CHECK_INT("call", simua_call(&fx.ua, "sip:x@10.0.0.9"), 0);
	simworld_run(&fx.world, 20);
	answer_invite(&fx, 180, "t", false);
	sip_call_hangup(fx.ua.call, NULL);
	simworld_run(&fx.world, 31990);
	CHECK_STR("waits", simua_log(&fx.ua), "progress:180");
	simworld_run(&fx.world, 20);
	CHECK_STR("given up", simua_log(&fx.ua), "ended:local:0");
	teardown(&fx);
}

/* Answers the last request that the peer got. */
static void answer_last(struct fixture *fx, uint16_t status)
{
	struct buf buf = BUF_INIT;
	struct sip_msg request;
	const struct buf *last = &fx->peer.got[fx->peer.count - 1];

	CHECK_INT("request", sip_msg_parse(last->p, last->len, &request), 0);
	sip_build_response(&buf,
			   &(struct sip_build_response){.request = &request, .status = status});
	sip_build_end(&buf, NULL, SLICE_NONE);
	simnode_send(fx->peer.node, SIP_UDP, simnode_addr(fx->ua.node), buf_slice(&buf));
	buf_done(&buf);
	simworld_run(&fx->world, 20);
}

/* 12.2.1.2: 481 and 408 to a request in the dialog end it, with a BYE; another refusal does not. */
static void refused_in_the_dialog(void)
{
	static const struct {
		const char *name;
		uint16_t status;
		bool is_reinvite;
		const char *log;
	} cases[] = {
		{"re-INVITE 488", 488, true, "reinvite-failed:488 ended:local:0"},
		{"re-INVITE 481", 481, true, "ended:remote:0"},
		{"re-INVITE 408", 408, true, "ended:remote:0"},
		{"INFO 415", 415, false, "ended:local:0"},
		{"INFO 481", 481, false, "ended:remote:0"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture fx;

		setup(&fx);
		CHECK_INT("call", simua_call(&fx.ua, "sip:x@10.0.0.9"), 0);
		simworld_run(&fx.world, 20);
		answer_invite(&fx, 200, "t", true);
		CHECK_STR(cases[i].name, simua_log(&fx.ua), "media established");
		if (cases[i].is_reinvite)
			CHECK_INT(cases[i].name, sip_call_reinvite(fx.ua.call), 0);
		else
			CHECK_INT(cases[i].name,
				  sip_call_request(fx.ua.call,
						   &(struct sip_call_request){.method = "INFO"}),
				  0);
		simworld_run(&fx.world, 20);
		answer_last(&fx, cases[i].status);
		if (fx.ua.call)
			sip_call_hangup(fx.ua.call, NULL);
		simworld_run(&fx.world, 20);
		answer_last(&fx, 200); /* to the BYE */
		CHECK_STR(cases[i].name, simua_log(&fx.ua), cases[i].log);
		teardown(&fx);
	}
}

/* An outbound proxy is the next hop and the only Route; the Request-URI stays. */
static void outbound_proxy(void)
{
	struct sip_msg msg;
	struct fixture fx;

	setup(&fx);
	CHECK_INT("call",
		  simua_call_with(&fx.ua,
				  &(struct sip_call_invite){
					  .target = SLICE("sip:bob@example.org?Subject=x"),
					  .route = SLICE("sip:10.0.0.9"),
					  .headers = "Subject: hello\r\n",
					  .contact_user = SLICE("u"),
					  .local = &fx.ua.local}),
		  0);
	simworld_run(&fx.world, 20);
	CHECK("INVITE", simraw_next(&fx.peer, &msg) && msg.method == SIP_METHOD_INVITE);
	CHECK_SLICE("uri", msg.request_uri, "sip:bob@example.org");
	CHECK_SLICE("to", sip_msg_value(&msg, SIP_H_TO), "<sip:bob@example.org>");
	CHECK_SLICE("route", sip_msg_value(&msg, SIP_H_ROUTE), "<sip:10.0.0.9;lr>");
	CHECK_SLICE("subject", sip_msg_value(&msg, SIP_H_SUBJECT), "hello");
	CHECK_SLICE("agent", sip_msg_value(&msg, SIP_H_USER_AGENT), "simua");
	answer_invite(&fx, 404, "t", false);
	teardown(&fx);
}

/* RFC 3261 26.2.2: what is for a sips: URI does not leave in the clear, also not to a proxy. */
static void secure_target_by_plain_proxy(void)
{
	struct sip_msg msg;
	struct fixture fx;

	setup(&fx);
	CHECK_INT("call",
		  simua_call_with(&fx.ua,
				  &(struct sip_call_invite){.target = SLICE("sips:bob@example.org"),
							    .route = SLICE("sip:10.0.0.9"),
							    .contact_user = SLICE("u"),
							    .local = &fx.ua.local}),
		  0);
	simworld_run(&fx.world, 20);
	CHECK("nothing is sent", !simraw_next(&fx.peer, &msg));
	CHECK("the call is over", !fx.ua.call);
	teardown(&fx);
}

static void public_host(void)
{
	struct sip_ua *ua;
	struct sip_call *call;
	struct sip_via via;
	struct sip_msg msg;
	struct fixture fx;

	setup(&fx);
	struct simnode *node = simnode_new(fx.world.net, "10.0.0.3:5060");
	CHECK_INT("ua",
		  sip_ua_new(&(struct sip_ua_params){.wheel = fx.world.wheel,
						     .clock = clock_virtual(&fx.world.time),
						     .random = &fx.world.random,
						     .net = simnode_net(node),
						     .allow = "INVITE",
						     .supported = "",
						     .public_host = SLICE("pbx.example.org:5070")},
			     &ua),
		  0);
	CHECK_INT(
		"call",
		sip_call_new(ua,
			     &(struct sip_call_invite){.target = SLICE("sip:x@10.0.0.9"),
						       .from = SLICE("<sip:a@example.org>"),
						       .contact_user = SLICE("u"),
						       .local = &fx.ua.local,
						       .handlers = &(struct sip_call_handlers){0}},
			     &call),
		0);
	simworld_run(&fx.world, 20);
	CHECK("INVITE", simraw_next(&fx.peer, &msg));
	CHECK_SLICE("contact", sip_msg_value(&msg, SIP_H_CONTACT), "<sip:u@pbx.example.org:5070>");
	CHECK_INT("via", sip_msg_via(&msg, &via), 0);
	CHECK_SLICE("via", via.host, "pbx.example.org");
	CHECK_INT("via", via.port, 5070);
	CHECK("rport", via.has_rport);
	sip_ua_free(ua);
	teardown(&fx);
}

void suite_ua(void)
{
	CHECK_SUITE("ua");
	CHECK_TEST(answers_table);
	CHECK_TEST(trying_only_for_who_waits);
	CHECK_TEST(merged);
	CHECK_TEST(dialog_by_hand);
	CHECK_TEST(bad_answer_in_the_ack);
	CHECK_TEST(bye_before_the_answer);
	CHECK_TEST(second_invite_too_early);
	CHECK_TEST(nothing_in_common);
	CHECK_TEST(forked_answers);
	CHECK_TEST(reinvite_that_only_rings);
	CHECK_TEST(reinvite_that_was_overtaken);
	CHECK_TEST(hangup_while_the_reinvite_rings);
	CHECK_TEST(redirect_is_reported);
	CHECK_TEST(answer_that_does_not_fit);
	CHECK_TEST(silence_ends_in_time);
	CHECK_TEST(ringing_stays_fresh);
	CHECK_TEST(cancel_without_effect);
	CHECK_TEST(refused_in_the_dialog);
	CHECK_TEST(outbound_proxy);
	CHECK_TEST(secure_target_by_plain_proxy);
	CHECK_TEST(public_host);
}
