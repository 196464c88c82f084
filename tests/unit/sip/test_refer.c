/* REFER: the forms of Refer-To, and transfers between two user agents, inside a call and outside.
 */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/refer.h"
#include "sip/request.h"
#include "tests/support/check.h"
#include "tests/support/simua.h"

/* Reading
 * -----------------------------------------------------------------------------------------------
 */

#define REFER                                                                                      \
	"REFER sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:p@h>;tag=1\r\n" \
	"To: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 5 REFER\r\nContact: <sip:p@h>\r\n"
#define LONG_64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LONG_512 LONG_64 LONG_64 LONG_64 LONG_64 LONG_64 LONG_64 LONG_64 LONG_64
#define LONG_4096 LONG_512 LONG_512 LONG_512 LONG_512 LONG_512 LONG_512 LONG_512 LONG_512

static const struct {
	const char *name, *lines;
	int err;
	const char *target, *display, *replaces, *headers;
	enum sip_method method;
	bool is_focus;
	enum sip_refer_sub sub;
} forms[] = {
	{"plain", "Refer-To: <sip:c@h>\r\n", 0, "sip:c@h", "", NULL, NULL, SIP_METHOD_INVITE, false,
	 SIP_REFER_SUB},
	{"compact, no brackets", "r: sip:c@h\r\n", 0, "sip:c@h", "", NULL, NULL, SIP_METHOD_INVITE,
	 false, SIP_REFER_SUB},
	{"comma in a user", "Refer-To: sip:c,d@h\r\n", 0, "sip:c,d@h", "", NULL, NULL,
	 SIP_METHOD_INVITE, false, SIP_REFER_SUB},
	{"question mark in a user", "Refer-To: <sip:c?d@h?Subject=x>\r\n", 0, "sip:c?d@h", "", NULL,
	 "Subject: x\r\n", SIP_METHOD_INVITE, false, SIP_REFER_SUB},
	{"name and parameters", "Refer-To: \"C, D\" <sips:c@h:5061;transport=tls>;x=y\r\n", 0,
	 "sips:c@h:5061;transport=tls", "C, D", NULL, NULL, SIP_METHOD_INVITE, false,
	 SIP_REFER_SUB},
	{"method", "Refer-To: <sip:c@h;method=INVITE;user=phone>\r\n", 0, "sip:c@h;user=phone", "",
	 NULL, NULL, SIP_METHOD_INVITE, false, SIP_REFER_SUB},
	{"BYE, no brackets", "Refer-To: sip:c@h;method=BYE\r\n", 0, "sip:c@h", "", NULL, NULL,
	 SIP_METHOD_BYE, false, SIP_REFER_SUB},
	{"a focus", "Refer-To: <sip:c@h>;isfocus\r\n", 0, "sip:c@h", "", NULL, NULL,
	 SIP_METHOD_INVITE, true, SIP_REFER_SUB},
	{"a focus by the URI", "Refer-To: sip:c@h;isfocus\r\n", 0, "sip:c@h;isfocus", "", NULL,
	 NULL, SIP_METHOD_INVITE, true, SIP_REFER_SUB},
	{"Replaces", "Refer-To: <sip:c@h?Replaces=i%40d%3Bto-tag%3Dt%3Bfrom-tag%3Df>\r\n", 0,
	 "sip:c@h", "", "i@d;to-tag=t;from-tag=f", NULL, SIP_METHOD_INVITE, false, SIP_REFER_SUB},
	{"Replaces, escaped twice",
	 "Refer-To: <sip:c@h?replaces=i%2540d%253Bto-tag%253Dt%253Bfrom-tag%253Df>\r\n", 0,
	 "sip:c@h", "", "i@d;to-tag=t;from-tag=f", NULL, SIP_METHOD_INVITE, false, SIP_REFER_SUB},
	{"Replaces, not escaped", "Refer-To: <sip:c@h?Replaces=id;to-tag=t;from-tag=f>\r\n", 0,
	 "sip:c@h", "", "id;to-tag=t;from-tag=f", NULL, SIP_METHOD_INVITE, false, SIP_REFER_SUB},
	{"Replaces, no brackets, a parameter",
	 "Refer-To: sip:c@h;transport=tcp?Replaces=id%3Bto-tag%3Dt%3Bfrom-tag%3Df\r\n", 0,
	 "sip:c@h;transport=tcp", "", "id;to-tag=t;from-tag=f", NULL, SIP_METHOD_INVITE, false,
	 SIP_REFER_SUB},
	{"other fields",
	 "Refer-To: <sip:c@h?Subject=a%20b&From=%3Csip:x@y%3E&X-Id=7&Route=%3Csip:e%3E&body=v>\r\n",
	 0, "sip:c@h", "", NULL, "Subject: a b\r\nX-Id: 7\r\n", SIP_METHOD_INVITE, false,
	 SIP_REFER_SUB},
	{"tel", "Refer-To: <tel:+123>\r\n", 0, "tel:+123", "", NULL, NULL, SIP_METHOD_INVITE, false,
	 SIP_REFER_SUB},
	{"no subscription", "Refer-To: <sip:c@h>\r\nRefer-Sub: false\r\n", 0, "sip:c@h", "", NULL,
	 NULL, SIP_METHOD_INVITE, false, SIP_REFER_NO_SUB},
	{"nosub", "Refer-To: <sip:c@h>\r\nRequire: nosub\r\n", 0, "sip:c@h", "", NULL, NULL,
	 SIP_METHOD_INVITE, false, SIP_REFER_NO_SUB},
	{"explicitsub", "Refer-To: <sip:c@h>\r\nRequire: x, explicitsub\r\n", 0, "sip:c@h", "",
	 NULL, NULL, SIP_METHOD_INVITE, false, SIP_REFER_EXPLICIT},
	{"yes, please", "Refer-To: <sip:c@h>\r\nRefer-Sub: true\r\n", 0, "sip:c@h", "", NULL, NULL,
	 SIP_METHOD_INVITE, false, SIP_REFER_SUB},

	{.name = "none", .lines = "", .err = ERR_SIP_HEADER_MISSING},
	{.name = "two",
	 .lines = "Refer-To: <sip:c@h>, <sip:d@h>\r\n",
	 .err = ERR_SIP_HEADER_REPEATED},
	{.name = "two, no brackets",
	 .lines = "Refer-To: sip:c@h, sip:d@h\r\n",
	 .err = ERR_SIP_URI_SYNTAX},
	{.name = "nothing", .lines = "Refer-To: <>\r\n", .err = ERR_SIP_URI_SYNTAX},
	{.name = "open bracket", .lines = "Refer-To: <sip:c@h\r\n", .err = ERR_SIP_HEADER_SYNTAX},
	{.name = "web page", .lines = "Refer-To: <http://h/>\r\n", .err = ERR_SIP_URI_SCHEME},
	{.name = "line break",
	 .lines = "Refer-To: <sip:c@h?Subject=a%0D%0ATo:x>\r\n",
	 .err = ERR_SIP_HEADER_SYNTAX},
	{.name = "line break in Replaces",
	 .lines = "Refer-To: <sip:c@h?Replaces=a%250D%250AX>\r\n",
	 .err = ERR_SIP_HEADER_SYNTAX},
	{.name = "Replaces twice",
	 .lines = "Refer-To: <sip:c@h?Replaces=a%3Bb&Replaces=c%3Bd>\r\n",
	 .err = ERR_SIP_HEADER_REPEATED},
	{.name = "broken escape",
	 .lines = "Refer-To: <sip:c@h?Replaces=a%2>\r\n",
	 .err = ERR_SIP_URI_SYNTAX},
	{.name = "endless",
	 .lines = "Refer-To: <sip:c@h?Subject=" LONG_4096 ">\r\n",
	 .err = ERR_LIMIT},
	{.name = "Referred-By",
	 .lines = "Refer-To: <sip:c@h>\r\nReferred-By: <nobody\r\n",
	 .err = ERR_SIP_HEADER_SYNTAX},
};

static void refer_to(void)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct buf text = BUF_INIT;
		struct sip_refer refer = {0};
		struct sip_msg msg;

		buf_addf(&text, REFER "%sContent-Length: 0\r\n\r\n", forms[i].lines);
		CHECK_INT(forms[i].name, sip_msg_parse(text.p, text.len, &msg), 0);
		CHECK_INT(forms[i].name, sip_refer_parse(&msg, &refer), forms[i].err);
		if (!forms[i].err) {
			CHECK_STR(forms[i].name, refer.target, forms[i].target);
			CHECK_STR(forms[i].name, refer.display, forms[i].display);
			CHECK_STR(forms[i].name, refer.replaces, forms[i].replaces);
			CHECK_STR(forms[i].name, refer.headers, forms[i].headers);
			CHECK_INT(forms[i].name, refer.method, forms[i].method);
			CHECK_INT(forms[i].name, refer.is_focus, forms[i].is_focus);
			CHECK_INT(forms[i].name, refer.sub, forms[i].sub);
			CHECK(forms[i].name, refer.is_in_dialog && !refer.is_list);
		}
		sip_refer_done(&refer);
		buf_done(&text);
	}
}

static void list_and_referrer(void)
{
	static const char text[] =
		"REFER sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
		"From: <sip:p@h>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 5 REFER\r\n"
		"Refer-To: <cid:list@h>\r\nReferred-By: \"R\"\r\n <sip:r@h>;cid=\"1@h\"\r\n"
		"Content-Length: 0\r\n\r\n";
	struct sip_refer refer = {0};
	struct sip_msg msg;

	CHECK_INT("parse", sip_msg_parse(text, sizeof(text) - 1, &msg), 0);
	CHECK_INT("refer", sip_refer_parse(&msg, &refer), 0);
	CHECK("list", refer.is_list && !refer.is_in_dialog);
	CHECK_STR("target", refer.target, "cid:list@h");
	CHECK_STR("by, on one line", refer.referred_by, "\"R\"   <sip:r@h>;cid=\"1@h\"");
	sip_refer_done(&refer);
	CHECK("again", !refer.target);
	sip_refer_done(&refer);
}

static void sipfrag(void)
{
	static const struct {
		const char *body;
		uint16_t status; /* 0: ERR_SIP_SYNTAX */
		const char *reason;
	} cases[] = {
		{"SIP/2.0 200 OK\r\n", 200, "OK"},
		{"\r\nSIP/2.0 180 Ringing", 180, "Ringing"},
		{"sip/2.0 486 Busy Here\nTo: x\n", 486, "Busy Here"},
		{"SIP/2.0 100", 100, ""},
		{"SIP/2.0 603 \r\n", 603, ""},
		{"", 0, NULL},
		{"SIP/2.0", 0, NULL},
		{"SIP/2.0200 OK", 0, NULL},
		{"SIP/2.0 20 OK", 0, NULL},
		{"SIP/2.0 2000 OK", 0, NULL},
		{"SIP/2.0 700 Far", 0, NULL},
		{"SIP/2.0 099 Near", 0, NULL},
		{"SIP/2.0 200OK", 0, NULL},
		{"INVITE sip:a SIP/2.0\r\n", 0, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice reason = SLICE("kept");
		uint16_t status = 1;
		int err = sip_sipfrag_parse(slice_of(cases[i].body), &status, &reason);

		CHECK_INT(cases[i].body, err, cases[i].status ? 0 : ERR_SIP_SYNTAX);
		CHECK_INT(cases[i].body, status, cases[i].status ? cases[i].status : 1);
		CHECK_SLICE(cases[i].body, reason, cases[i].status ? cases[i].reason : "kept");
	}
}

/* Both sides
 * -------------------------------------------------------------------------------------------- */

struct fixture {
	struct simworld world;
	struct simua a, b; /* a refers b */
	struct sip_referring *referring;
	struct sip_referral *referral, *second;
	struct sip_refer refer;
	struct buf log_a;
	char text[512];
	uint32_t ends;
	bool drops;      /* in on_progress */
	bool challenges; /* who refers without credentials is asked for them */
};

static void on_referral_ended(void *arg, struct sip_referral *referral)
{
	struct fixture *fx = arg;

	fx->ends++;
	if (referral == fx->referral)
		fx->referral = NULL;
	if (referral == fx->second)
		fx->second = NULL;
}

static bool on_request(struct simua *ua, struct sip_call *call, struct sip_stx *tx,
		       const struct sip_msg *request)
{
	struct fixture *fx = ua->arg;
	int err;

	(void)call;
	if (request->method != SIP_METHOD_REFER)
		return false;
	if (fx->challenges && !slice_present(sip_msg_value(request, SIP_H_AUTHORIZATION))) {
		(void)sip_stx_reply(tx, &(struct sip_reply){.status = 401});
		return true;
	}
	sip_refer_done(&fx->refer);
	err = sip_refer_parse(request, &fx->refer);
	if (err) {
		sip_refer_refuse(tx, err);
		return true;
	}
	CHECK_INT("accept",
		  sip_refer_accept(
			  tx, request, &fx->refer,
			  &(struct sip_referral_params){.on_ended = on_referral_ended, .arg = fx},
			  fx->referral ? &fx->second : &fx->referral),
		  0);
	return true;
}

static void on_progress(void *arg, struct sip_referring *referring, uint16_t status,
			struct slice reason)
{
	struct fixture *fx = arg;

	CHECK("the one", referring == fx->referring || fx->second);
	buf_addf(&fx->log_a, "%u:" SLICE_FMT " ", status, SLICE_ARG(reason));
	if (fx->drops)
		fx->referring = sip_referring_drop(referring);
}

static void on_done(void *arg, struct sip_referring *referring,
		    const struct sip_refer_result *result)
{
	struct fixture *fx = arg;

	buf_addf(&fx->log_a, "done:%u:%u:%s ", result->status, result->refused,
		 result->err == ERR_SIP_TIMEOUT ? "timeout"
		 : result->err                  ? "error"
						: "");
	if (referring == fx->referring)
		fx->referring = NULL;
}

#define ALLOW "INVITE, ACK, BYE, CANCEL, OPTIONS, SUBSCRIBE, NOTIFY, REFER"

static void setup(struct fixture *fx)
{
	struct simua_params params = {.allow = ALLOW,
				      .supported = "timer, norefersub, nosub, explicitsub"};

	*fx = (struct fixture){0};
	simworld_init(&fx->world, 1);
	params.address = "10.0.0.1:5060";
	simua_init(&fx->a, &fx->world, &params);
	params.address = "10.0.0.2:5060";
	simua_init(&fx->b, &fx->world, &params);
	fx->b.on_request = on_request;
	fx->b.arg = fx;
	fx->b.mode = SIMUA_ACCEPT;
}

static void teardown(struct fixture *fx)
{
	simua_hangup_all(&fx->a);
	simworld_run(&fx->world, 400000);
	CHECK("nothing referred", !fx->referral && !fx->second);
	CHECK("nothing referring", !fx->referring);
	CHECK_INT("left in a", simua_leftover(&fx->a), 0);
	CHECK_INT("left in b", simua_leftover(&fx->b), 0);
	CHECK_INT("timers", wheel_count(fx->world.wheel), 0);
	sip_refer_done(&fx->refer);
	simua_done(&fx->a);
	simua_done(&fx->b);
	simworld_done(&fx->world);
	buf_done(&fx->log_a);
}

static const char *words(struct fixture *fx)
{
	slice_cstr(slice_trim(buf_slice(&fx->log_a)), fx->text, sizeof(fx->text));
	buf_clear(&fx->log_a);
	return fx->text;
}

static void talk(struct fixture *fx)
{
	CHECK_INT("call", simua_call(&fx->a, "sip:b@10.0.0.2"), 0);
	simworld_run(&fx->world, 100);
	CHECK_STR("talking", simua_log(&fx->a), "media established");
}

static int refer_with(struct fixture *fx, struct sip_refer_params params, bool in_call)
{
	struct sip_referring **slot = &fx->referring;
	int err;

	if (!slice_present(params.refer_to))
		params.refer_to = SLICE("sip:c@10.0.0.3");
	params.target = SLICE("sip:b@10.0.0.2");
	params.from = SLICE("<sip:a@example.org>");
	params.contact_user = SLICE("a");
	params.on_progress = on_progress;
	params.on_done = on_done;
	params.arg = fx;
	err = in_call ? sip_call_refer(fx->a.call, &params, slot)
		      : sip_ua_refer(fx->a.ua, &params, slot);
	simworld_run(&fx->world, 100);
	return err;
}

static void progress(struct fixture *fx, uint16_t status, const char *reason)
{
	sip_refer_progress(fx->referral, status, reason);
	simworld_run(&fx->world, 100);
}

static void goes_well(void)
{
	for (int in_call = 0; in_call < 2; in_call++) {
		const char *row = in_call ? "in a call" : "outside";
		struct fixture fx;

		setup(&fx);
		if (in_call)
			talk(&fx);
		CHECK_INT(row,
			  refer_with(&fx,
				     (struct sip_refer_params){
					     .replaces = SLICE("id;to-tag=1;from-tag=2"),
					     .referred_by = SLICE("<sip:r@example.org>"),
				     },
				     in_call),
			  0);
		CHECK_STR(row, words(&fx), "100:Trying");
		CHECK_STR(row, fx.refer.target, "sip:c@10.0.0.3");
		CHECK_STR(row, fx.refer.replaces, "id;to-tag=1;from-tag=2");
		CHECK_STR(row, fx.refer.referred_by, "<sip:r@example.org>");
		CHECK_INT(row, fx.refer.is_in_dialog, in_call);
		CHECK(row, sip_referral_is_watched(fx.referral));
		progress(&fx, 180, NULL);
		CHECK_STR(row, words(&fx), "180:Ringing");
		progress(&fx, 200, "Fine\r\nVia: x");
		CHECK_STR(row, words(&fx), "200:Fine  Via: x done:200:0:");
		CHECK_INT(row, fx.ends, 1);
		CHECK_INT(row, sip_ua_stats(fx.b.ua)->dialogs, in_call);
		teardown(&fx);
	}
}

static void fails(void)
{
	struct fixture fx;

	setup(&fx);
	talk(&fx);
	CHECK_INT("refer", refer_with(&fx, (struct sip_refer_params){0}, true), 0);
	progress(&fx, 486, NULL);
	CHECK_STR("busy", words(&fx), "100:Trying 486:Busy Here done:486:0:");
	CHECK_INT("the call goes on", sip_call_state(fx.a.call), SIP_CALL_ESTABLISHED);
	teardown(&fx);
}

static void survives_the_call(void)
{
	struct fixture fx;

	setup(&fx);
	talk(&fx);
	CHECK_INT("refer", refer_with(&fx, (struct sip_refer_params){0}, true), 0);
	simua_hangup_all(&fx.a);
	simworld_run(&fx.world, 1000);
	CHECK_INT("no call", sip_ua_stats(fx.b.ua)->calls, 0);
	progress(&fx, 200, NULL);
	CHECK_STR("still told", words(&fx), "100:Trying 200:OK done:200:0:");
	teardown(&fx);
}

static void two_at_once(void)
{
	struct sip_referring *first;
	struct fixture fx;

	setup(&fx);
	talk(&fx);
	CHECK_INT("first", refer_with(&fx, (struct sip_refer_params){0}, true), 0);
	first = fx.referring;
	CHECK_INT("second", refer_with(&fx, (struct sip_refer_params){0}, true), 0);
	CHECK("two", first != fx.referring && fx.second);
	CHECK_STR("both begin", words(&fx), "100:Trying 100:Trying");
	sip_refer_progress(fx.second, 404, NULL);
	simworld_run(&fx.world, 100);
	CHECK_STR("the second", words(&fx), "404:Not Found done:404:0:");
	CHECK("by its own handle", !fx.referring && !fx.second);
	fx.referring = first;
	progress(&fx, 200, NULL);
	CHECK_STR("the first", words(&fx), "200:OK done:200:0:");
	teardown(&fx);
}

static int credentials(void *arg, const struct sip_challenged *challenged, struct buf *headers)
{
	(void)arg;
	(void)challenged;
	buf_adds(headers, "Authorization: Digest username=\"u\"\r\n");
	return 0;
}

/* The REFER that answers the challenge has another CSeq, and so have its NOTIFYs (2.4.6). */
static void challenged(void)
{
	struct fixture fx;

	setup(&fx);
	fx.challenges = true;
	sip_ua_set_credentials(fx.a.ua, credentials, NULL);
	talk(&fx);
	CHECK_INT("refer", refer_with(&fx, (struct sip_refer_params){0}, true), 0);
	progress(&fx, 200, NULL);
	CHECK_STR("told", words(&fx), "100:Trying 200:OK done:200:0:");
	teardown(&fx);
}

static void without_subscription(void)
{
	struct fixture fx;

	setup(&fx);
	talk(&fx);
	CHECK_INT("refer", refer_with(&fx, (struct sip_refer_params){.no_sub = true}, true), 0);
	CHECK_STR("accepted is all", words(&fx), "done:0:0:");
	CHECK("nobody listens", !sip_referral_is_watched(fx.referral));
	progress(&fx, 180, NULL);
	progress(&fx, 200, NULL);
	CHECK_INT("over", fx.ends, 1);
	teardown(&fx);
}

static void refused(void)
{
	struct fixture fx;

	setup(&fx);
	CHECK_INT("refer",
		  refer_with(&fx, (struct sip_refer_params){.refer_to = SLICE("http://h/")}, false),
		  0);
	CHECK_STR("416", words(&fx), "done:0:416:");
	CHECK_INT("no URI",
		  refer_with(&fx, (struct sip_refer_params){.refer_to = SLICE("nobody")}, false),
		  ERR_SIP_URI_SYNTAX);
	teardown(&fx);
}

static void no_more_news(void)
{
	struct fixture fx;

	setup(&fx);
	CHECK_INT("refer", refer_with(&fx, (struct sip_refer_params){.timeout_ms = 5000}, false),
		  0);
	simworld_run(&fx.world, 6000);
	CHECK_STR("in our time", words(&fx), "100:Trying done:0:0:timeout");
	progress(&fx, 200, NULL); /* its NOTIFY gets 481 */
	CHECK_STR("deaf", words(&fx), "");
	CHECK_INT("over", fx.ends, 1);
	teardown(&fx);
}

static void takes_too_long(void)
{
	struct fixture fx;

	setup(&fx);
	CHECK_INT("refer", refer_with(&fx, (struct sip_refer_params){0}, false), 0);
	simworld_run(&fx.world, 301000);
	CHECK_STR("expired", words(&fx), "100:Trying 100:Trying done:0:0:");
	CHECK("nobody listens", !sip_referral_is_watched(fx.referral));
	progress(&fx, 200, NULL);
	CHECK_INT("over", fx.ends, 1);
	teardown(&fx);
}

static void dropped(void)
{
	struct fixture fx;

	setup(&fx);
	fx.drops = true;
	CHECK_INT("refer", refer_with(&fx, (struct sip_refer_params){0}, false), 0);
	CHECK_STR("in the first handler", words(&fx), "100:Trying");
	progress(&fx, 200, NULL);
	CHECK_STR("nothing more", words(&fx), "");
	teardown(&fx);
}

/* By hand
 * -----------------------------------------------------------------------------------------------
 */

static void say(struct fixture *fx, struct simraw *raw, const char *method, const char *uri,
		const char *lines)
{
	struct buf text = BUF_INIT;

	buf_addf(&text,
		 "%s %s SIP/2.0\nVia: SIP/2.0/UDP @SELF@;branch=z9hG4bK%s\n"
		 "From: <sip:p@h>;tag=p\nTo: <sip:b@h>\nCall-ID: %s\nCSeq: 7 %s\n"
		 "Contact: <sip:p@10.0.0.9>\n%sContent-Length: 0\n\n",
		 method, uri, method, method, method, lines);
	simraw_send(raw, SIP_UDP, simnode_addr(fx->b.node), text.p);
	buf_done(&text);
	simworld_run(&fx->world, 20);
}

static void answer_ok(struct fixture *fx, struct simraw *raw, const struct sip_msg *request)
{
	struct buf text = BUF_INIT;

	buf_addf(&text,
		 "SIP/2.0 200 OK\nVia: " SLICE_FMT "\nFrom: " SLICE_FMT "\nTo: " SLICE_FMT
		 "\nCall-ID: " SLICE_FMT "\nCSeq: " SLICE_FMT "\nContent-Length: 0\n\n",
		 SLICE_ARG(sip_msg_value(request, SIP_H_VIA)),
		 SLICE_ARG(sip_msg_value(request, SIP_H_FROM)),
		 SLICE_ARG(sip_msg_value(request, SIP_H_TO)),
		 SLICE_ARG(sip_msg_value(request, SIP_H_CALL_ID)),
		 SLICE_ARG(sip_msg_value(request, SIP_H_CSEQ)));
	simraw_send(raw, SIP_UDP, simnode_addr(fx->b.node), text.p);
	buf_done(&text);
	simworld_run(&fx->world, 20);
}

static void on_the_wire(void)
{
	struct sip_msg message;
	struct simraw raw;
	struct fixture fx;

	setup(&fx);
	simraw_init(&raw, &fx.world, "10.0.0.9:5060");
	say(&fx, &raw, "REFER", "sip:b@10.0.0.2", "Refer-To: sip:c@h\n");
	CHECK("2xx", simraw_next(&raw, &message));
	CHECK_INT("202", message.status, 202);
	CHECK_SLICE("contact", sip_msg_value(&message, SIP_H_CONTACT), "<sip:b@10.0.0.2:5060>");
	CHECK("no Expires", !slice_present(sip_msg_value(&message, SIP_H_EXPIRES)));
	CHECK("NOTIFY", simraw_next(&raw, &message));
	CHECK_SLICE("event", sip_msg_value(&message, SIP_H_EVENT), "refer");
	CHECK_SLICE("state", sip_msg_value(&message, SIP_H_SUBSCRIPTION_STATE),
		    "active;expires=300");
	CHECK_SLICE("type", sip_msg_value(&message, SIP_H_CONTENT_TYPE),
		    "message/sipfrag;version=2.0");
	CHECK_SLICE("body", message.body, "SIP/2.0 100 Trying\r\n");
	answer_ok(&fx, &raw, &message);
	progress(&fx, 200, NULL);
	CHECK("last", simraw_next(&raw, &message));
	CHECK_SLICE("state", sip_msg_value(&message, SIP_H_SUBSCRIPTION_STATE),
		    "terminated;reason=noresource");
	answer_ok(&fx, &raw, &message);
	simraw_done(&raw);
	teardown(&fx);
}

/* RFC 7614 5: who referred subscribes to the URI that the answer names, even late. */
static void explicit_subscription(void)
{
	struct sip_msg message;
	struct simraw raw;
	struct fixture fx;
	char at[128];

	setup(&fx);
	simraw_init(&raw, &fx.world, "10.0.0.9:5060");
	say(&fx, &raw, "REFER", "sip:b@10.0.0.2", "Refer-To: sip:c@h\nRequire: explicitsub\n");
	CHECK("2xx", simraw_next(&raw, &message));
	CHECK_INT("200", message.status, 200);
	slice_cstr(sip_msg_value_named(&message, "Refer-Events-At"), at, sizeof(at));
	CHECK("a URI of ours", strstr(at, "@10.0.0.2:5060>") != NULL);
	CHECK("no NOTIFY", !simraw_next(&raw, &message));
	progress(&fx, 180, NULL);
	progress(&fx, 200, NULL);
	CHECK_INT("it waits", fx.ends, 0);
	at[strlen(at) - 1] = '\0';
	say(&fx, &raw, "SUBSCRIBE", at + 1, "Event: refer\n");
	CHECK("2xx", simraw_next(&raw, &message));
	CHECK_INT("200", message.status, 200);
	CHECK("NOTIFY", simraw_next(&raw, &message));
	CHECK_SLICE("body", message.body, "SIP/2.0 200 OK\r\n");
	CHECK_SLICE("state", sip_msg_value(&message, SIP_H_SUBSCRIPTION_STATE),
		    "terminated;reason=noresource");
	answer_ok(&fx, &raw, &message);
	simraw_done(&raw);
	teardown(&fx);
	CHECK_INT("over", fx.ends, 1);
}

static void bad_requests(void)
{
	static const struct {
		const char *name, *lines;
		uint16_t status;
	} cases[] = {
		{"no Refer-To", "", 400},
		{"two fields", "Refer-To: <sip:c@h>\nRefer-To: <sip:d@h>\n", 400},
		{"two in one", "Refer-To: <sip:c@h>, <sip:d@h>\n", 400},
		{"web page", "Refer-To: <http://h/>\n", 416},
		{"option", "Refer-To: <sip:c@h>\nRequire: multiple-refer\n", 420},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_msg message;
		struct simraw raw;
		struct fixture fx;

		setup(&fx);
		simraw_init(&raw, &fx.world, "10.0.0.9:5060");
		say(&fx, &raw, "REFER", "sip:b@10.0.0.2", cases[i].lines);
		CHECK(cases[i].name, simraw_next(&raw, &message));
		CHECK_INT(cases[i].name, message.status, cases[i].status);
		simraw_done(&raw);
		teardown(&fx);
	}
}

void suite_refer(void)
{
	CHECK_SUITE("refer");
	CHECK_TEST(refer_to);
	CHECK_TEST(list_and_referrer);
	CHECK_TEST(sipfrag);
	CHECK_TEST(goes_well);
	CHECK_TEST(fails);
	CHECK_TEST(survives_the_call);
	CHECK_TEST(two_at_once);
	CHECK_TEST(challenged);
	CHECK_TEST(without_subscription);
	CHECK_TEST(refused);
	CHECK_TEST(no_more_news);
	CHECK_TEST(takes_too_long);
	CHECK_TEST(dropped);
	CHECK_TEST(on_the_wire);
	CHECK_TEST(explicit_subscription);
	CHECK_TEST(bad_requests);
}
