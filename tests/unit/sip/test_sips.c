/* What sips: asks for (RFC 5630), on the wire: as the one who is called, and as the one who calls.
 */
#include "sip/sips.h"

#include <stdio.h>

#include "base/attr.h"
#include "tests/support/check.h"
#include "tests/support/simua.h"

static void routes(void)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"<sip:a;lr>", "<sips:a;lr>"},
		{"<sips:a;lr>", "<sips:a;lr>"},
		{"<SIP:a;lr>, \"x\" <sip:b:5061;lr>,<sips:c>",
		 "<sips:a;lr>, \"x\" <sips:b:5061;lr>,<sips:c>"},
		{"sip:a", "sip:a"},
		{"<", "<"},
		{"", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out = BUF_INIT;

		sip_sips_route(slice_of(rows[i].in), &out);
		CHECK_SLICE(rows[i].in, buf_slice(&out), rows[i].out);
		buf_done(&out);
	}
}

/* On the wire --------------------------------------------------------------------------------- */

struct fixture {
	struct simworld world;
	struct simua ua;
	struct simraw peer;
};

static void setup(struct fixture *fx)
{
	simworld_init(&fx->world, 1);
	simnet_speak_tls(fx->world.net);
	simua_init(&fx->ua, &fx->world,
		   &(struct simua_params){.address = "10.0.0.1:5061",
					  .allow = "INVITE, ACK, BYE, CANCEL, OPTIONS"});
	simraw_init(&fx->peer, &fx->world, "10.0.0.9:5061");
}

static void teardown(struct fixture *fx, const char *row)
{
	simua_hangup_all(&fx->ua);
	simworld_run(&fx->world, 120000);
	CHECK_INT(row, simua_leftover(&fx->ua), 0);
	simua_done(&fx->ua);
	simraw_done(&fx->peer);
	simworld_done(&fx->world);
}

#define HEAD                                                                                       \
	"Via: SIP/2.0/TLS @SELF@;branch=z9hG4bK1;rport\nMax-Forwards: 70\n"                        \
	"From: <sip:p@example.org>;tag=p\nTo: <sip:u@example.org>\nCall-ID: c1\n"
#define INVITE HEAD "CSeq: 1 INVITE\n"
#define SDP                                                                                        \
	"Content-Type: application/sdp\n\nv=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 "            \
	"10.0.0.9\nt=0 0\nm=audio 5000 RTP/AVP 0\n"
#define PLAIN "Contact: <sip:p@10.0.0.9:5061>\n"
#define SECURE "Contact: <sips:p@10.0.0.9>\n"
#define NOT_ALLOWED "380 10.0.0.1:5061 \"SIPS Not Allowed\""

/* RFC 3261 12.1.1, RFC 5630 5.1.2. */
static void called(void)
{
	static const struct {
		const char *name;
		enum sip_proto proto;
		const char *start, *rest;
		uint16_t status;
		const char *contact; /* how it begins; NULL: there is none */
	} rows[] = {
		{"sip: by TLS", SIP_TLS, "INVITE sip:u@10.0.0.1", INVITE PLAIN SDP, 200,
		 "<sip:u@10.0.0.1:5061;transport=tls>"},
		{"sips: by TLS", SIP_TLS, "INVITE sips:u@10.0.0.1", INVITE SECURE SDP, 200,
		 "<sips:u@10.0.0.1:5061>"},
		{"the top route is sips:", SIP_TLS, "INVITE sip:u@10.0.0.1",
		 INVITE "Record-Route: <sips:10.0.0.9:5061;lr>, <sip:10.0.0.8;lr>\n" PLAIN SDP, 200,
		 "<sips:u@10.0.0.1:5061>"},
		{"the top route is not (a proxy between TLS and TCP)", SIP_TLS,
		 "INVITE sip:u@10.0.0.1",
		 INVITE
		 "Record-Route: <sip:10.0.0.9:5061;transport=tls;lr>, <sips:10.0.0.8;lr>\n" SECURE
			 SDP,
		 200, "<sip:u@10.0.0.1:5061;transport=tls>"},
		{"no route, and the Contact is sips:", SIP_TLS, "INVITE sip:u@10.0.0.1",
		 INVITE SECURE SDP, 200, "<sips:u@10.0.0.1:5061>"},
		{"the same in the clear", SIP_TCP, "INVITE sip:u@10.0.0.1", INVITE SECURE SDP, 200,
		 "<sips:u@10.0.0.1:5061>"},
		{"sips: by TCP", SIP_TCP, "INVITE sips:u@10.0.0.1", INVITE SECURE SDP, 480, NULL},
		{"sips: by UDP", SIP_UDP, "INVITE sips:u@10.0.0.1", INVITE SECURE SDP, 480, NULL},
		{"other requests, too", SIP_UDP, "OPTIONS sips:u@10.0.0.1",
		 HEAD "CSeq: 1 OPTIONS\nContent-Length: 0\n\n", 480, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_msg msg = {0};
		struct buf text = BUF_INIT;
		struct fixture fx;

		setup(&fx);
		fx.ua.mode = SIMUA_ACCEPT;
		buf_addf(&text, "%s SIP/2.0\n%s", rows[i].start, rows[i].rest);
		simraw_send(&fx.peer, rows[i].proto, simnode_addr(fx.ua.node), text.p);
		simworld_run(&fx.world, 50);
		CHECK_INT(rows[i].name,
			  simraw_find(&fx.peer,
				      rows[i].start[0] == 'I' ? SIP_METHOD_INVITE
							      : SIP_METHOD_OPTIONS,
				      rows[i].status, &msg),
			  true);
		if (rows[i].contact)
			CHECK_SLICE(rows[i].name, sip_msg_value(&msg, SIP_H_CONTACT),
				    rows[i].contact);
		else
			CHECK_SLICE(rows[i].name, sip_msg_value(&msg, SIP_H_WARNING), NOT_ALLOWED);
		buf_done(&text);
		teardown(&fx, rows[i].name);
	}
}

static const char *routes_of(const struct sip_msg *msg)
{
	const struct sip_header *header = NULL;
	static char text[256];
	size_t used = 0;

	text[0] = '\0';
	while ((header = sip_msg_next(msg, SIP_H_ROUTE, header)) != NULL)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s" SLICE_FMT,
					 used ? ", " : "",
					 SLICE_ARG(sip_header_value(msg, header)));
	return text;
}

/* RFC 5630 5.1.1, 5.1.1.2; of what is reached by sips: and called by sip:, 5.3. */
static void calls(void)
{
	static const struct {
		const char *name, *target, *route;
		bool is_secure;
		enum sip_proto proto; /* that it comes by */
		const char *request_uri, *sent_route, *contact;
	} rows[] = {
		{"sip:", "sip:u@10.0.0.9:5061", NULL, false, SIP_UDP, "sip:u@10.0.0.9:5061", "",
		 "<sip:x@10.0.0.1:5061>"},
		{"sips:", "sips:u@10.0.0.9", NULL, false, SIP_TLS, "sips:u@10.0.0.9", "",
		 "<sips:x@10.0.0.1:5061>"},
		{"sips: by routes of sip:", "sips:u@10.0.0.7", "<sip:10.0.0.9;lr>, <sip:b;lr>",
		 false, SIP_TLS, "sips:u@10.0.0.7", "<sips:10.0.0.9;lr>, <sips:b;lr>",
		 "<sips:x@10.0.0.1:5061>"},
		{"sips: by a proxy that is named by sip:", "sips:u@10.0.0.7", "sip:10.0.0.9", false,
		 SIP_TLS, "sips:u@10.0.0.7", "<sips:10.0.0.9;lr>", "<sips:x@10.0.0.1:5061>"},
		{"sip: by a route of sips:", "sip:u@10.0.0.7", "<sips:10.0.0.9;lr>", false, SIP_TLS,
		 "sip:u@10.0.0.7", "<sips:10.0.0.9;lr>", "<sips:x@10.0.0.1:5061>"},
		{"sip: by a strict router of sips:", "sip:u@10.0.0.7", "<sips:10.0.0.9>", false,
		 SIP_TLS, "sips:10.0.0.9", "<sip:u@10.0.0.7>", "<sips:x@10.0.0.1:5061>"},
		{"sip: to what is registered as sips:", "sip:u@10.0.0.9", NULL, true, SIP_TLS,
		 "sip:u@10.0.0.9", "", "<sip:x@10.0.0.1:5061;transport=tls>"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_msg msg = {0};
		struct fixture fx;

		setup(&fx);
		CHECK_INT(rows[i].name,
			  simua_call_with(&fx.ua,
					  &(struct sip_call_invite){
						  .target = slice_of(rows[i].target),
						  .route = rows[i].route ? slice_of(rows[i].route)
									 : SLICE_NONE,
						  .is_secure = rows[i].is_secure,
						  .contact_user = SLICE("x"),
						  .local = &fx.ua.local}),
			  0);
		simworld_run(&fx.world, 20);
		CHECK_INT(rows[i].name, simraw_find(&fx.peer, SIP_METHOD_INVITE, 0, &msg), true);
		CHECK_INT(rows[i].name, fx.peer.flow.proto, rows[i].proto);
		CHECK_SLICE(rows[i].name, msg.request_uri, rows[i].request_uri);
		CHECK_STR(rows[i].name, routes_of(&msg), rows[i].sent_route);
		CHECK_SLICE(rows[i].name, sip_msg_value(&msg, SIP_H_CONTACT), rows[i].contact);
		teardown(&fx, rows[i].name);
	}
}

/* RFC 5630 5.1.1: no second try by sip:, whatever the peer says of it. */
static void never_less(void)
{
	static const struct {
		const char *name;
		uint16_t status;
		const char *rest;
	} rows[] = {
		{"scheme", 416, "Content-Length: 0\n\n"},
		{"not allowed", 480,
		 "Warning: 380 10.0.0.9 \"SIPS Not Allowed\"\nContent-Length: 0\n\n"},
		{"elsewhere", 302, "Contact: <sip:u@10.0.0.9:5061>\nContent-Length: 0\n\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_msg msg = {0};
		struct fixture fx;

		setup(&fx);
		CHECK_INT(rows[i].name, simua_call(&fx.ua, "sips:u@10.0.0.9"), 0);
		simworld_run(&fx.world, 20);
		CHECK_INT(rows[i].name, simraw_find(&fx.peer, SIP_METHOD_INVITE, 0, &msg), true);
		simraw_answer(&fx.peer, &msg, rows[i].status, "t", rows[i].rest);
		simworld_run(&fx.world, 5000);
		CHECK_INT(rows[i].name, simraw_find(&fx.peer, SIP_METHOD_ACK, 0, &msg), true);
		CHECK_INT(rows[i].name, simraw_find(&fx.peer, SIP_METHOD_INVITE, 0, &msg), false);
		CHECK(rows[i].name, !fx.ua.call);
		teardown(&fx, rows[i].name);
	}
}

void suite_sips(void)
{
	CHECK_SUITE("sips");
	CHECK_TEST(routes);
	CHECK_TEST(called);
	CHECK_TEST(calls);
	CHECK_TEST(never_less);
}
