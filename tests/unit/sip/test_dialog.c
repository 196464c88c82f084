/* Dialog state (RFC 3261 12) from messages written by hand. */
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/dialog.h"
#include "tests/support/check.h"

static void parse(const char *text, struct buf *keep, struct sip_msg *ret_msg)
{
	for (const char *p = text; *p; p++)
		buf_adds(keep, *p == '\n' ? "\r\n" : (char[]){*p, '\0'});
	CHECK_INT("parse", sip_msg_parse(keep->p, keep->len, ret_msg), 0);
}

static struct sip_dialog *uas(const char *headers)
{
	struct sip_dialog *dialog = NULL;
	struct buf keep = BUF_INIT;
	struct sip_msg msg;
	char text[4096];

	snprintf(text, sizeof(text),
		 "INVITE sip:u@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1\nFrom: "
		 "\"P\" <sip:p@x>;tag=p\n"
		 "To: sip:u@x\nCall-ID: c1\nCSeq: 5 INVITE\n%sContent-Length: 0\n\n",
		 headers);
	parse(text, &keep, &msg);
	CHECK_INT("uas", sip_dialog_new_uas(&msg, "mine", &dialog), 0);
	buf_done(&keep);
	return dialog;
}

static struct sip_dialog *start(const char *route)
{
	struct sip_dialog *dialog = NULL;

	CHECK_INT("start",
		  sip_dialog_new_uac(&(struct sip_dialog_start){.call_id = SLICE("c1"),
								.local_tag = SLICE("mine"),
								.from = SLICE("<sip:u@x>"),
								.to = SLICE("<sip:p@x>"),
								.target = SLICE("sip:p@x"),
								.route = slice_of(route),
								.cseq = 9},
				     &dialog),
		  0);
	return dialog;
}

static struct sip_dialog *uac(const char *headers)
{
	struct sip_dialog *before = start(NULL), *dialog = NULL;
	struct buf keep = BUF_INIT;
	struct sip_msg msg;
	char text[4096];

	snprintf(text, sizeof(text),
		 "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\nFrom: "
		 "<sip:u@x>;tag=mine\n"
		 "To: <sip:p@x>;tag=p\nCall-ID: c1\nCSeq: 9 INVITE\n%sContent-Length: 0\n\n",
		 headers);
	parse(text, &keep, &msg);
	CHECK_INT("fork", sip_dialog_fork(before, &msg, &dialog), 0);
	buf_done(&keep);
	sip_dialog_free(before);
	return dialog;
}

/* 12.2.1.1 with its example: loose and strict routers, both roles. */
static void routing(void)
{
	static const struct {
		const char *name;
		bool is_uas;
		const char *headers, *hop, *uri, *routes;
	} cases[] = {
		{"no route", true, "Contact: <sip:p@10.0.0.9>\n", "sip:p@10.0.0.9",
		 "sip:p@10.0.0.9", ""},
		{"UAS keeps the order", true,
		 "Contact: <sip:p@10.0.0.9>\nRecord-Route: <sip:a;lr>, <sip:b;lr>\nRecord-Route: "
		 "<sip:c;lr>\n",
		 "sip:a;lr", "sip:p@10.0.0.9",
		 "Route: <sip:a;lr>\r\nRoute: <sip:b;lr>\r\nRoute: <sip:c;lr>\r\n"},
		{"UAC reverses it", false,
		 "Contact: <sip:p@10.0.0.9>\nRecord-Route: <sip:a;lr>, <sip:b;lr>\n", "sip:b;lr",
		 "sip:p@10.0.0.9", "Route: <sip:b;lr>\r\nRoute: <sip:a;lr>\r\n"},
		{"strict router", true,
		 "Contact: <sip:p@10.0.0.9>\nRecord-Route: <sip:a>, <sip:b;lr>\n", "sip:a", "sip:a",
		 "Route: <sip:b;lr>\r\nRoute: <sip:p@10.0.0.9>\r\n"},
		{"strict router with headers in its URI", true,
		 "Contact: <sip:p@10.0.0.9>\nRecord-Route: <sip:a?x=y>\n", "sip:a?x=y", "sip:a",
		 "Route: <sip:p@10.0.0.9>\r\n"},
		{"target without brackets", true, "Contact: sip:p@10.0.0.9;expires=3\n",
		 "sip:p@10.0.0.9", "sip:p@10.0.0.9", ""},
		{"UAC without Contact", false, "", "sip:p@x", "sip:p@x", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_dialog *dialog = cases[i].is_uas ? uas(cases[i].headers)
							    : uac(cases[i].headers);
		struct buf routes = BUF_INIT;

		CHECK_SLICE(cases[i].name, sip_dialog_hop(dialog), cases[i].hop);
		CHECK_SLICE(cases[i].name, sip_dialog_request_uri(dialog), cases[i].uri);
		sip_dialog_add_routes(dialog, &routes);
		CHECK_SLICE(cases[i].name, buf_slice(&routes), cases[i].routes);
		buf_done(&routes);
		sip_dialog_free(dialog);
	}
}

static void fields(void)
{
	struct sip_dialog *dialog = uas("Contact: <sip:p@10.0.0.9>;IsFocus\n");
	struct buf buf = BUF_INIT;

	sip_dialog_add_fields(dialog, 3, SLICE("BYE"), &buf);
	CHECK_SLICE("fields", buf_slice(&buf),
		    "Max-Forwards: 70\r\nFrom: sip:u@x;tag=mine\r\nTo: \"P\" "
		    "<sip:p@x>;tag=p\r\nCall-ID: c1\r\n"
		    "CSeq: 3 BYE\r\n");
	CHECK("isFocus in any case (seeds)", dialog->is_remote_focus);
	CHECK_INT("their CSeq", dialog->remote_cseq, 5);
	buf_done(&buf);
	sip_dialog_free(dialog);
	dialog = start("<sip:proxy;lr>");
	sip_dialog_add_fields(dialog, 9, SLICE("INVITE"), &buf);
	sip_dialog_add_routes(dialog, &buf);
	CHECK_SLICE("before the answer", buf_slice(&buf),
		    "Max-Forwards: 70\r\nFrom: <sip:u@x>;tag=mine\r\nTo: <sip:p@x>\r\nCall-ID: "
		    "c1\r\nCSeq: 9 INVITE\r\n"
		    "Route: <sip:proxy;lr>\r\n");
	CHECK_SLICE("hop", sip_dialog_hop(dialog), "sip:proxy;lr");
	buf_done(&buf);
	sip_dialog_free(dialog);
}

static void sequence(void)
{
	static const struct {
		uint32_t number;
		int err;
	} cases[] = {{4, ERR_STATE}, {5, ERR_STATE}, {6, 0},
		     {6, ERR_STATE}, {1000, 0},      {999, ERR_STATE}};
	struct sip_dialog *dialog = uas("Contact: <sip:p@10.0.0.9>\n");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_INT("CSeq", sip_dialog_check_cseq(dialog, cases[i].number), cases[i].err);
	sip_dialog_free(dialog);
	dialog = uac("");
	CHECK_INT("the first may be any", sip_dialog_check_cseq(dialog, 0), 0);
	CHECK_INT("then higher ones", sip_dialog_check_cseq(dialog, 0), ERR_STATE);
	sip_dialog_free(dialog);
}

static void refresh(void)
{
	struct sip_dialog *dialog = uas("Contact: <sip:p@10.0.0.9>;isfocus\n");
	struct buf keep = BUF_INIT;
	struct sip_msg msg;

	parse("SIP/2.0 200 OK\nContact: <sip:q@10.0.0.8;transport=tcp>\nContent-Length: 0\n\n",
	      &keep, &msg);
	CHECK_INT("refresh", sip_dialog_refresh(dialog, &msg), 0);
	CHECK_STR("target", dialog->remote_target, "sip:q@10.0.0.8;transport=tcp");
	CHECK("focus no more", !dialog->is_remote_focus);
	buf_done(&keep);
	parse("SIP/2.0 200 OK\nContent-Length: 0\n\n", &keep, &msg);
	CHECK_INT("refresh", sip_dialog_refresh(dialog, &msg), 0);
	CHECK_STR("kept", dialog->remote_target, "sip:q@10.0.0.8;transport=tcp");
	buf_done(&keep);
	sip_dialog_free(dialog);
}

static void limits(void)
{
	struct sip_dialog *dialog = NULL;
	struct buf text = BUF_INIT, keep = BUF_INIT;
	struct sip_msg msg;

	buf_adds(&text, "INVITE sip:u@x SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\nFrom: "
			"<sip:p@x>;tag=p\nTo: <sip:u@x>\n"
			"Call-ID: c\nCSeq: 1 INVITE\nContact: <sip:p@x>\nRecord-Route: <sip:r;lr>");
	for (int i = 0; i < SIP_DIALOG_ROUTES_MAX; i++)
		buf_adds(&text, ",<sip:r;lr>");
	buf_adds(&text, "\nContent-Length: 0\n\n");
	parse(text.p, &keep, &msg);
	CHECK_INT("routes", sip_dialog_new_uas(&msg, "t", &dialog), ERR_LIMIT);
	buf_done(&text);
	buf_done(&keep);
	parse("INVITE sip:u@x SIP/2.0\nFrom: <sip:p@x>;tag=p\nTo: <sip:u@x>\nCall-ID: c\nCSeq: 1 "
	      "INVITE\n\n",
	      &keep, &msg);
	CHECK_INT("no Contact", sip_dialog_new_uas(&msg, "t", &dialog), 0);
	CHECK_STR("the caller's From serves", dialog->remote_target, "sip:p@x");
	sip_dialog_free(dialog);
	buf_done(&keep);
	CHECK("free NULL", sip_dialog_free(NULL) == NULL);
}

/* Requests carry our tag in To, responses in From; a peer of RFC 2543 has no tag. */
static void table(void)
{
	static const struct {
		const char *name, *text;
		bool is_found;
	} cases[] = {
		{"request",
		 "BYE sip:u@x SIP/2.0\nFrom: <sip:p@x>;tag=p\nTo: <sip:u@x>;tag=mine\nCall-ID: "
		 "c1\nCSeq: 6 BYE\n\n",
		 true},
		{"response",
		 "SIP/2.0 200 OK\nFrom: <sip:u@x>;tag=mine\nTo: <sip:p@x>;tag=p\nCall-ID: "
		 "c1\nCSeq: 1 BYE\n\n",
		 true},
		{"other tag",
		 "BYE sip:u@x SIP/2.0\nFrom: <sip:p@x>;tag=q\nTo: <sip:u@x>;tag=mine\nCall-ID: "
		 "c1\nCSeq: 6 BYE\n\n",
		 false},
		{"tags know their case",
		 "BYE sip:u@x SIP/2.0\nFrom: <sip:p@x>;tag=P\nTo: <sip:u@x>;tag=mine\nCall-ID: "
		 "c1\nCSeq: 6 BYE\n\n",
		 false},
		{"other Call-ID",
		 "BYE sip:u@x SIP/2.0\nFrom: <sip:p@x>;tag=p\nTo: <sip:u@x>;tag=mine\nCall-ID: "
		 "C1\nCSeq: 6 BYE\n\n",
		 false},
		{"no tag",
		 "BYE sip:u@x SIP/2.0\nFrom: <sip:p@x>\nTo: <sip:u@x>;tag=mine\nCall-ID: c1\nCSeq: "
		 "6 BYE\n\n",
		 false},
		{"no From",
		 "BYE sip:u@x SIP/2.0\nTo: <sip:u@x>;tag=mine\nCall-ID: c1\nCSeq: 6 BYE\n\n",
		 false},
	};
	struct sip_dialog *dialog = uas("Contact: <sip:p@10.0.0.9>\n");
	struct hash *dialogs = NULL;

	CHECK_INT("table", sip_dialog_table_new(&dialogs), 0);
	sip_dialog_add(dialogs, dialog);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf keep = BUF_INIT;
		struct sip_msg msg;

		parse(cases[i].text, &keep, &msg);
		CHECK_INT(cases[i].name, sip_dialog_find(dialogs, &msg) == dialog,
			  cases[i].is_found);
		buf_done(&keep);
	}
	hash_remove(dialogs, &dialog->node);
	hash_free(dialogs);
	sip_dialog_free(dialog);
}

void suite_dialog(void)
{
	CHECK_SUITE("dialog");
	CHECK_TEST(routing);
	CHECK_TEST(fields);
	CHECK_TEST(sequence);
	CHECK_TEST(refresh);
	CHECK_TEST(limits);
	CHECK_TEST(table);
}
