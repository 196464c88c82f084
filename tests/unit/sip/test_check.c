#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/msg.h"
#include "tests/support/check.h"

/* A sound INVITE in pieces; a row replaces one piece. */
enum piece { START, VIA, FROM, TO, CALL_ID, CSEQ, CONTACT, MORE, PIECES };

static const char *const sound[PIECES] = {
	[START] = "INVITE sip:lobby@example.org SIP/2.0\r\n",
	[VIA] = "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa\r\n",
	[FROM] = "From: <sip:a@b>;tag=1\r\n",
	[TO] = "To: <sip:lobby@example.org>\r\n",
	[CALL_ID] = "Call-ID: x@y\r\n",
	[CSEQ] = "CSeq: 1 INVITE\r\n",
	[CONTACT] = "Contact: <sip:a@10.0.0.1>\r\n",
	[MORE] = "",
};

static const struct row {
	const char *name;
	enum piece piece;
	const char *text;
	int err;
	uint16_t status;
	const char *why;
} rows[] = {
	{"sound", MORE, "", 0, 0, NULL},
	{"version", START, "INVITE sip:h SIP/7.0\r\n", ERR_SIP_VERSION, 505,
	 "SIP version is not 2.0"},
	{"start line", START, "INVITE sip:h x SIP/2.0\r\n", ERR_SIP_SYNTAX, 400,
	 "Malformed request line or header field"},
	{"header line", MORE, "no colon\r\n", ERR_SIP_SYNTAX, 400,
	 "Malformed request line or header field"},
	{"body short", MORE, "Content-Length: 9\r\n", ERR_SIP_BODY_SHORT, 400,
	 "Body is shorter than Content-Length"},
	{"bad length", MORE, "Content-Length: x\r\n", ERR_SIP_HEADER_SYNTAX, 400,
	 "Content-Length is malformed"},
	{"length 0", MORE, "Content-Length: 0\r\n", 0, 0, NULL},
	{"two lengths", MORE, "Content-Length: 0\r\nl: 0\r\n", ERR_SIP_HEADER_REPEATED, 400,
	 "Content-Length occurs more than once"},
	{"two Call-IDs", MORE, "i: z\r\n", ERR_SIP_HEADER_REPEATED, 400,
	 "Call-ID occurs more than once"},
	{"two Joins", MORE, "Join: a\r\nJoin: b\r\n", ERR_SIP_HEADER_REPEATED, 400,
	 "Join occurs more than once"},
	{"two Servers", MORE, "Server: a\r\nServer: b\r\n", 0, 0, NULL},
	{"no Via", VIA, "", ERR_SIP_HEADER_MISSING, 400, "Via is missing"},
	{"bad Via", VIA, "Via: x\r\n", ERR_SIP_HEADER_SYNTAX, 400, "Via is malformed"},
	{"second Via bad", VIA, "Via: SIP/2.0/UDP h, ;\r\n", ERR_SIP_HEADER_SYNTAX, 400,
	 "Via is malformed"},
	{"no rport, no branch", VIA, "Via: SIP/2.0/UDP h\r\n", 0, 0, NULL},
	{"no From", FROM, "", ERR_SIP_HEADER_MISSING, 400, "From is missing"},
	{"bad From", FROM, "From: \"x <sip:a@b>\r\n", ERR_SIP_HEADER_SYNTAX, 400,
	 "From is malformed"},
	{"From without tag", FROM, "From: sip:a@b\r\n", 0, 0, NULL},
	{"From with an unknown scheme", FROM, "From: <http://b/>;tag=1\r\n", 0, 0, NULL},
	{"no To", TO, "", ERR_SIP_HEADER_MISSING, 400, "To is missing"},
	{"To without scheme", TO, "To: <bob@example.org>\r\n", ERR_SIP_HEADER_SYNTAX, 400,
	 "To is malformed"},
	{"To without brackets", TO, "t: sip:bob@example.org;tag=2\r\n", 0, 0, NULL},
	{"no Call-ID", CALL_ID, "", ERR_SIP_HEADER_MISSING, 400, "Call-ID is missing"},
	{"empty Call-ID", CALL_ID, "Call-ID:\r\n", ERR_SIP_HEADER_SYNTAX, 400,
	 "Call-ID is malformed"},
	{"Call-ID of two words", CALL_ID, "Call-Id: a b\r\n", ERR_SIP_HEADER_SYNTAX, 400,
	 "Call-ID is malformed"},
	{"Call-ID with all marks", CALL_ID, "Call-ID: w%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n", 0, 0,
	 NULL},
	{"no CSeq", CSEQ, "", ERR_SIP_HEADER_MISSING, 400, "CSeq is missing"},
	{"bad CSeq", CSEQ, "CSeq: INVITE\r\n", ERR_SIP_HEADER_SYNTAX, 400, "CSeq is malformed"},
	{"other CSeq", CSEQ, "CSeq: 1 OPTIONS\r\n", ERR_SIP_CSEQ_METHOD, 400,
	 "CSeq method differs from the request method"},
	{"CSeq in another case", CSEQ, "CSeq: 1 invite\r\n", ERR_SIP_CSEQ_METHOD, 400,
	 "CSeq method differs from the request method"},
	{"unknown method, other CSeq", START, "NEWMETHOD sip:h SIP/2.0\r\n", ERR_SIP_CSEQ_METHOD,
	 501, "Method is not known, and CSeq names another"},
	{"hops 0", MORE, "Max-Forwards: 0\r\n", 0, 0, NULL},
	{"hops 0255", MORE, "Max-Forwards: 0255\r\n", 0, 0, NULL},
	{"hops 256", MORE, "Max-Forwards: 256\r\n", ERR_SIP_HEADER_SYNTAX, 400,
	 "Max-Forwards is malformed"},
	{"hops in words", MORE, "Max-Forwards: ten\r\n", ERR_SIP_HEADER_SYNTAX, 400,
	 "Max-Forwards is malformed"},
	{"bad uri", START, "INVITE <sip:h> SIP/2.0\r\n", ERR_SIP_URI_SYNTAX, 400,
	 "Request-URI is malformed"},
	{"other scheme", START, "INVITE urn:x SIP/2.0\r\n", ERR_SIP_URI_SCHEME, 416,
	 "Request-URI has an unknown scheme"},
	{"tel", START, "INVITE tel:+123 SIP/2.0\r\n", 0, 0, NULL},
	{"uri with headers", START, "INVITE sip:h?Route=x SIP/2.0\r\n", ERR_SIP_URI_SYNTAX, 400,
	 "Request-URI holds header fields"},
	{"bad Route", MORE, "Route: sip:h?x\r\n", ERR_SIP_HEADER_SYNTAX, 400, "Route is malformed"},
	{"bad Record-Route", MORE, "Record-Route: <sip:a>, <b>\r\n", ERR_SIP_HEADER_SYNTAX, 400,
	 "Record-Route is malformed"},
	{"no Contact", CONTACT, "", ERR_SIP_HEADER_MISSING, 400, "Contact is missing"},
	{"bad Contact", CONTACT, "m: \"Joe\" sip:h\r\n", ERR_SIP_HEADER_SYNTAX, 400,
	 "Contact is malformed"},
	{"star", CONTACT, "m: *\r\n", ERR_SIP_HEADER_SYNTAX, 400, "Contact is malformed"},
	{"Contact of another scheme", CONTACT, "m: <tel:1>\r\n", ERR_SIP_URI_SCHEME, 400,
	 "Contact is not a SIP or SIPS URI"},
	{"Contact without brackets", CONTACT, "m: sip:a@10.0.0.1;isFocus\r\n", 0, 0, NULL},
	{"bad type", MORE, "Content-Type: sdp\r\n", ERR_SIP_HEADER_SYNTAX, 400,
	 "Content-Type is malformed"},
	{"bad Date is nobody's business", MORE, "Date: Fri, 01 Jan 2010 16:00:00 EST\r\n", 0, 0,
	 NULL},
};

static void check_text(const char *name, const char *text, const struct row *row)
{
	struct sip_msg msg;
	uint16_t status = 0;
	const char *why = NULL;

	(void)sip_msg_parse(text, strlen(text), &msg);
	CHECK_INT(name, sip_msg_check(&msg, &status, &why), row->err);
	CHECK_INT(name, status, row->status);
	CHECK_STR(name, why ? why : "", row->why ? row->why : "");
}

static void table(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[2048];
		int len = 0;

		for (enum piece piece = 0; piece < PIECES; piece++)
			len += snprintf(text + len, sizeof(text) - (size_t)len, "%s",
					rows[i].piece == piece ? rows[i].text : sound[piece]);
		snprintf(text + len, sizeof(text) - (size_t)len, "\r\n");
		check_text(rows[i].name, text, &rows[i]);
	}
}

#define REST(method)                                                                               \
	"Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 " method   \
	"\r\n"

static void contact_of_others(void)
{
	static const struct row missing = {
		.err = ERR_SIP_HEADER_MISSING, .status = 400, .why = "Contact is missing"};
	static const struct row fine = {.err = 0};

	check_text("SUBSCRIBE", "SUBSCRIBE sip:h SIP/2.0\r\n" REST("SUBSCRIBE") "To: sip:h\r\n\r\n",
		   &missing);
	check_text("REFER", "REFER sip:h SIP/2.0\r\n" REST("REFER") "To: sip:h\r\n\r\n", &missing);
	check_text("OPTIONS", "OPTIONS sip:h SIP/2.0\r\n" REST("OPTIONS") "To: sip:h\r\n\r\n",
		   &fine);
	check_text("BYE", "BYE sip:h SIP/2.0\r\n" REST("BYE") "To: sip:h;tag=1\r\n\r\n", &fine);
	check_text("re-INVITE", "INVITE sip:h SIP/2.0\r\n" REST("INVITE") "To: sip:h;tag=1\r\n\r\n",
		   &fine);
	check_text("star of REGISTER",
		   "REGISTER sip:h SIP/2.0\r\n" REST("REGISTER") "To: sip:h\r\nContact: *\r\n\r\n",
		   &fine);
	check_text("RFC 2543",
		   "INVITE sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: sip:a\r\nTo: "
		   "sip:b\r\nCall-ID: x\r\n"
		   "CSeq: 1 INVITE\r\n\r\n",
		   &fine);
}

static void responses(void)
{
	static const struct row fine = {.err = 0};
	static const struct row bad = {
		.err = ERR_SIP_SYNTAX, .status = 400, .why = "Malformed response"};
	static const struct row no_via = {
		.err = ERR_SIP_HEADER_MISSING, .status = 400, .why = "Via is missing"};

	check_text("200", "SIP/2.0 200 OK\r\n" REST("INVITE") "To: sip:h\r\n\r\n", &fine);
	check_text("bad", "SIP/2.0 2000 OK\r\n" REST("INVITE") "To: sip:h\r\n\r\n", &bad);
	check_text("no Via", "SIP/2.0 200 OK\r\nTo: sip:h\r\n\r\n", &no_via);
}

static void too_large(void)
{
	static char text[SIP_MSG_OCTETS_MAX + 1];
	struct sip_msg msg;
	uint16_t status;
	const char *why;

	(void)sip_msg_parse(text, sizeof(text), &msg);
	CHECK_INT(NULL, sip_msg_check(&msg, &status, &why), ERR_SIP_TOO_LARGE);
	CHECK_INT(NULL, status, 513);
}

void suite_check(void)
{
	CHECK_SUITE("check");
	CHECK_TEST(table);
	CHECK_TEST(contact_of_others);
	CHECK_TEST(responses);
	CHECK_TEST(too_large);
}
