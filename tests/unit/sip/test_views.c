#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "sip/msg.h"
#include "tests/support/check.h"

/* A message with one header line. */
static struct sip_msg message(const char *line)
{
	static char text[2048];
	struct sip_msg msg;
	int len = snprintf(text, sizeof(text), "OPTIONS sip:h SIP/2.0\r\n%s\r\n\r\n", line);

	CHECK_INT(line, sip_msg_parse(text, (size_t)len, &msg), 0);
	return msg;
}

static void lists(void)
{
	static const struct {
		const char *line, *want; /* elements in brackets */
	} cases[] = {
		{"Supported: a", "[a]"},
		{"Supported: a,b , c", "[a][b][c]"},
		{"k: a\r\nSupported: b,c", "[a][b][c]"},
		{"Supported:", ""},
		{"Supported: ,, a ,,b,", "[a][b]"},
		{"Supported:\r\nSupported: ,\r\nSupported: x", "[x]"},
		{"Supported: <sip:a,b>,\"c,d\\\",\" <e>;f", "[<sip:a,b>][\"c,d\\\",\" <e>;f]"},
		{"Supported: a\r\n ,b", "[a][b]"},
		{"Supported: \"never closed, x", "[\"never closed, x]"},
		{"Supported: <never closed, x", "[<never closed, x]"},
		{"Supported: a;x=\"<\", b", "[a;x=\"<\"][b]"},
		{"Via: x", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_msg msg = message(cases[i].line);
		struct sip_list_walk walk = {0};
		struct slice element;
		struct buf buf = BUF_INIT;

		buf_adds(&buf, "");
		while (sip_list_next(&msg, SIP_H_SUPPORTED, &walk, &element))
			buf_addf(&buf, "[" SLICE_FMT "]", SLICE_ARG(element));
		CHECK_SLICE(cases[i].line, buf_slice(&buf), cases[i].want);
		CHECK("stays at the end", !sip_list_next(&msg, SIP_H_SUPPORTED, &walk, &element));
		buf_done(&buf);
	}
}

static void list_has(void)
{
	struct sip_msg msg = message("Require: 100rel , Replaces\r\nRequire: join");

	CHECK("any case", sip_list_has(&msg, SIP_H_REQUIRE, "replaces"));
	CHECK("second field", sip_list_has(&msg, SIP_H_REQUIRE, "join"));
	CHECK("part of a token", !sip_list_has(&msg, SIP_H_REQUIRE, "100"));
	CHECK("no field", !sip_list_has(&msg, SIP_H_SUPPORTED, "join"));
}

static void params(void)
{
	static const struct {
		const char *in, *want; /* name=value, each in brackets */
	} cases[] = {
		{"tag=x", "[tag=x]"},
		{"a;b=;c=d", "[a=][b=][c=d]"},
		{" a = 1 ; b\r\n =\t2 ", "[a=1][b=2]"},
		{"a=\"x;y\\\"z\";b", "[a=x;y\\\"z][b=]"},
		{"a=\"\"", "[a=]"},
		{";;a;;", "[a=]"},
		{"a=\"open;b", "[a=open;b]"},
		{"a=[::1];b", "[a=[::1]][b=]"},
		{"a=b=c", "[a=b=c]"},
		{"", ""},
		{" ; ", ""},
		{"a=\"x\" junk;b", "[a=x][b=]"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice rest = slice_of(cases[i].in), name, value;
		struct buf buf = BUF_INIT;

		buf_adds(&buf, "");
		while (sip_param_next(&rest, &name, &value)) {
			CHECK(cases[i].in, slice_present(value));
			buf_addf(&buf, "[" SLICE_FMT "=" SLICE_FMT "]", SLICE_ARG(name),
				 SLICE_ARG(value));
		}
		CHECK_SLICE(cases[i].in, buf_slice(&buf), cases[i].want);
		buf_done(&buf);
	}
}

static void param_by_name(void)
{
	struct slice value = SLICE_NONE;
	struct buf many = BUF_INIT;

	CHECK("capital", sip_param(SLICE("isFocus;Tag=1"), "isfocus", &value));
	CHECK_INT("flag", value.len, 0);
	CHECK("tag", sip_param(SLICE("isFocus;Tag=1"), "tag", &value));
	CHECK_SLICE("tag", value, "1");
	CHECK("missing", !sip_param(SLICE("tagg=1"), "tag", &value));
	CHECK("absent", !sip_param(SLICE_NONE, "tag", &value));

	for (int i = 1; i < SIP_MSG_PARAMS_MAX; i++)
		buf_adds(&many, "x;");
	buf_adds(&many, "last;beyond");
	CHECK("at the limit", sip_param(buf_slice(&many), "last", &value));
	CHECK("beyond", !sip_param(buf_slice(&many), "beyond", &value));
	buf_done(&many);
}

static void vias(void)
{
	static const struct {
		const char *in;
		const char
			*want; /* transport host port branch received maddr rport; NULL: refused */
	} cases[] = {
		{"SIP/2.0/UDP h", "UDP h 0 - - - no"},
		{"SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKa;rport",
		 "UDP 10.0.0.1 5060 z9hG4bKa - - 0"},
		{"SIP/2.0/TCP h;received=1.2.3.4;rport=99;maddr=m", "TCP h 0 - 1.2.3.4 m 99"},
		{"SIP/2.0/TLS [2001:db8::1]:5061;received=[::1]",
		 "TLS 2001:db8::1 v6 5061 - ::1 - no"},
		{"SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3-111",
		 "UDP 2001:db8::9:1 v6 0 z9hG4bKas3-111 2001:db8::9:255 - no"}, /* RFC 5118 4.5 */
		{"sip / 2.0\r\n /UDP\r\n\th : 5060 ; branch = b", "UDP h 5060 b - - no"},
		{"SIP/2.0/UNKNOWN h;x;y=\"z;\"", "UNKNOWN h 0 - - - no"},
		{"SIP/2.0/UDP h;rport=70000", "UDP h 0 - - - 0"},
		{"SIP/2.0/UDP h;;", "UDP h 0 - - - no"},
		{"SIP/7.0/UDP h", "UDP h 0 - - - no"}, /* RFC 4475 3.1.2.16 */
		{"SIP/2.0/UDP", NULL},
		{"SIP/2.0/UDP ", NULL},
		{"SIP/2.0/ h", NULL},
		{"SIP/2.0 UDP h", NULL},
		{"SIP//UDP h", NULL},
		{"HTTP/2.0/UDP h", NULL},
		{"SIP/2.0/UDPh", NULL},
		{"SIP/2.0/UDP h:", NULL},
		{"SIP/2.0/UDP h:0", NULL},
		{"SIP/2.0/UDP h:65536", NULL},
		{"SIP/2.0/UDP h x", NULL},
		{"SIP/2.0/UDP [::1", NULL},
		{"SIP/2.0/UDP [1.2.3.4]", NULL},
		{"SIP/2.0/UDP []", NULL},
		{"SIP/2.0/UDP @h", NULL},
		{";", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_via via = {.port = 77};
		char text[256], rport[8] = "no";
		const struct slice none = SLICE("-");

		if (!cases[i].want) {
			CHECK_INT(cases[i].in, sip_via_parse(slice_of(cases[i].in), &via),
				  ERR_SIP_HEADER_SYNTAX);
			CHECK_INT("untouched", via.port, 77);
			continue;
		}
		CHECK_INT(cases[i].in, sip_via_parse(slice_of(cases[i].in), &via), 0);
		if (via.has_rport)
			snprintf(rport, sizeof(rport), "%u", via.rport);
		snprintf(text, sizeof(text),
			 SLICE_FMT " " SLICE_FMT "%s %u " SLICE_FMT " " SLICE_FMT " " SLICE_FMT
				   " %s",
			 SLICE_ARG(via.transport), SLICE_ARG(via.host), via.is_host_v6 ? " v6" : "",
			 via.port, SLICE_ARG(via.branch.len ? via.branch : none),
			 SLICE_ARG(via.received.len ? via.received : none),
			 SLICE_ARG(via.maddr.len ? via.maddr : none), rport);
		CHECK_STR(cases[i].in, text, cases[i].want);
		CHECK_SLICE(cases[i].in, via.text, cases[i].in);
	}
}

static void top_via(void)
{
	struct sip_msg msg = message("Via: SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b;branch=2");
	struct sip_via via;

	CHECK_INT(NULL, sip_msg_via(&msg, &via), 0);
	CHECK_SLICE(NULL, via.host, "a");
	CHECK_SLICE("text without the second", via.text, "SIP/2.0/UDP a;branch=1");
	msg = message("To: x");
	CHECK_INT(NULL, sip_msg_via(&msg, &via), ERR_SIP_HEADER_MISSING);
}

static void addresses(void)
{
	static const struct {
		const char *in;
		int err;
		const char *want; /* display|uri|brackets|params; "-" for absent */
	} cases[] = {
		{"<sip:a@b>", 0, "-|sip:a@b|1|-"},
		{"<sip:a@b>;tag=1", 0, "-|sip:a@b|1|tag=1"},
		{"\"A \\\" B\" <sip:a@b;x=y?z=1> ; tag=1", 0, "A \\\" B|sip:a@b;x=y?z=1|1| tag=1"},
		{"\"A\"<sip:a@b>", 0, "A|sip:a@b|1|-"},
		{"\"\" <sip:a@b>", 0, "|sip:a@b|1|-"},
		{"Bob Smith <sip:a@b>", 0, "Bob Smith|sip:a@b|1|-"},
		{"caller<sip:a@b>", 0, "caller|sip:a@b|1|-"}, /* RFC 4475 3.1.1.6 */
		{"a@b.c <sip:a@b>", 0, "a@b.c|sip:a@b|1|-"},
		{"J\xc3\xb6rg <sip:a@b>", 0, "J\xc3\xb6rg|sip:a@b|1|-"},
		{"sip:a@b;tag=1;x", 0, "-|sip:a@b|0|tag=1;x"},
		{"sip:a@b ;\r\n tag = 1", 0, "-|sip:a@b|0|\r\n tag = 1"},
		{"  sip:a@b  ", 0, "-|sip:a@b|0|-"},
		{"tel:+1234;tag=1", 0, "-|tel:+1234|0|tag=1"},
		{"name:John_Smith", 0, "-|name:John_Smith|0|-"},
		{"<sip:a@b", ERR_SIP_HEADER_SYNTAX, NULL},
		{"\"open <sip:a@b>", ERR_SIP_HEADER_SYNTAX, NULL},
		{"\"A\" sip:a@b", ERR_SIP_HEADER_SYNTAX, NULL},
		{"\"A\"", ERR_SIP_HEADER_SYNTAX, NULL},
		{"Bell, Alexander <sip:a@b>", ERR_SIP_HEADER_SYNTAX, NULL}, /* RFC 4475 3.1.2.15 */
		{"A \"B\" <sip:a@b>", ERR_SIP_HEADER_SYNTAX, NULL},
		{"A\x01 <sip:a@b>", ERR_SIP_HEADER_SYNTAX, NULL},
		{"<sip:a@b> tag=1", ERR_SIP_HEADER_SYNTAX, NULL},
		{"sip:a@b?Route=x", ERR_SIP_HEADER_SYNTAX, NULL}, /* RFC 4475 3.1.2.13 */
		{"sip:a@b,sip:c@d", ERR_SIP_HEADER_SYNTAX, NULL},
		{"<bob@example.org>", ERR_SIP_URI_SYNTAX, NULL},
		{"bob@example.org", ERR_SIP_URI_SYNTAX, NULL},
		{"< sip:a@b >", ERR_SIP_URI_SYNTAX, NULL}, /* RFC 4475 3.1.2.14 */
		{"<>", ERR_SIP_URI_SYNTAX, NULL},
		{"", ERR_SIP_URI_SYNTAX, NULL},
		{"*", ERR_SIP_URI_SYNTAX, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct slice none = SLICE("-");
		struct sip_addr addr = {.has_brackets = true};
		char text[256];

		CHECK_INT(cases[i].in, sip_addr_parse(slice_of(cases[i].in), &addr), cases[i].err);
		if (!cases[i].want)
			continue;
		snprintf(text, sizeof(text), SLICE_FMT "|" SLICE_FMT "|%d|" SLICE_FMT,
			 SLICE_ARG(slice_present(addr.display) ? addr.display : none),
			 SLICE_ARG(addr.uri.text), addr.has_brackets,
			 SLICE_ARG(slice_present(addr.params) ? addr.params : none));
		CHECK_STR(cases[i].in, text, cases[i].want);
	}
}

static void address_of_message(void)
{
	struct sip_msg msg = message(
		"From: <sip:a@b>;tag=77\r\nm: sip:c@d;isFocus, <sip:e@f>\r\nTo: <sip:x@y>;tag=");
	struct sip_addr addr;
	struct slice value;

	CHECK_INT(NULL, sip_msg_addr(&msg, SIP_H_FROM, &addr), 0);
	CHECK_SLICE("tag", sip_addr_tag(&addr), "77");
	CHECK_INT(NULL, sip_msg_addr(&msg, SIP_H_CONTACT, &addr), 0);
	CHECK_SLICE("first of the list", addr.uri.user, "c");
	CHECK("header parameter without brackets", sip_param(addr.params, "isfocus", &value));
	CHECK("no tag", !slice_present(sip_addr_tag(&addr)));
	CHECK_INT(NULL, sip_msg_addr(&msg, SIP_H_TO, &addr), 0);
	CHECK("an empty tag is none", !slice_present(sip_addr_tag(&addr)));
	CHECK_INT("missing", sip_msg_addr(&msg, SIP_H_ROUTE, &addr), ERR_SIP_HEADER_MISSING);
	CHECK_INT("missing", sip_msg_addr(&msg, SIP_H_REFER_TO, &addr), ERR_SIP_HEADER_MISSING);
}

static void cseqs(void)
{
	static const struct {
		const char *line;
		int err;
		uint32_t number;
		const char *method;
	} cases[] = {
		{"CSeq: 1 INVITE", 0, 1, "INVITE"},
		{"cseq: 0009\r\n  INVITE", 0, 9, "INVITE"},
		{"CSeq: 2147483647 x", 0, 2147483647, "x"},
		{"CSeq: 0 BYE", 0, 0, "BYE"},
		{"CSeq: 2147483648 INVITE", ERR_SIP_HEADER_SYNTAX, 0, NULL},
		{"CSeq: 36893488147419103232 INVITE", ERR_SIP_HEADER_SYNTAX, 0, NULL},
		{"CSeq: INVITE", ERR_SIP_HEADER_SYNTAX, 0, NULL},
		{"CSeq: 1", ERR_SIP_HEADER_SYNTAX, 0, NULL},
		{"CSeq: 1INVITE", ERR_SIP_HEADER_SYNTAX, 0, NULL},
		{"CSeq: -1 INVITE", ERR_SIP_HEADER_SYNTAX, 0, NULL},
		{"CSeq: 1 INVITE x", ERR_SIP_HEADER_SYNTAX, 0, NULL},
		{"CSeq:", ERR_SIP_HEADER_SYNTAX, 0, NULL},
		{"X: y", ERR_SIP_HEADER_MISSING, 0, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_msg msg = message(cases[i].line);
		struct sip_cseq cseq = {0};

		CHECK_INT(cases[i].line, sip_msg_cseq(&msg, &cseq), cases[i].err);
		if (cases[i].method) {
			CHECK_INT(cases[i].line, cseq.number, cases[i].number);
			CHECK_SLICE(cases[i].line, cseq.method_text, cases[i].method);
			CHECK_INT(cases[i].line, cseq.method,
				  sip_method_parse(slice_of(cases[i].method)));
		}
	}
}

static void content_types(void)
{
	static const struct {
		const char *line;
		int err;
		bool is_sdp;
		const char *params;
	} cases[] = {
		{"Content-Type: application/sdp;", 0, true, ""},
		{"c: Application / SDP ; charset=utf-8", 0, true, " charset=utf-8"},
		{"c: multipart/mixed;boundary=\"a;b\"", 0, false, "boundary=\"a;b\""},
		{"c: application/sdpx;", 0, false, ""},
		{"c: application", ERR_SIP_HEADER_SYNTAX, false, NULL},
		{"c: application/", ERR_SIP_HEADER_SYNTAX, false, NULL},
		{"c: /sdp", ERR_SIP_HEADER_SYNTAX, false, NULL},
		{"c: application/sdp x", ERR_SIP_HEADER_SYNTAX, false, NULL},
		{"c:", ERR_SIP_HEADER_SYNTAX, false, NULL},
		{"x: y", ERR_SIP_HEADER_MISSING, false, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_msg msg = message(cases[i].line);
		struct sip_content_type type;

		CHECK_INT(cases[i].line, sip_msg_content_type(&msg, &type), cases[i].err);
		if (!cases[i].params)
			continue;
		CHECK_INT(cases[i].line, sip_content_is(&type, "application/sdp"), cases[i].is_sdp);
		CHECK_SLICE(cases[i].line, type.params, cases[i].params);
	}
}

void suite_views(void)
{
	CHECK_SUITE("views");
	CHECK_TEST(lists);
	CHECK_TEST(list_has);
	CHECK_TEST(params);
	CHECK_TEST(param_by_name);
	CHECK_TEST(vias);
	CHECK_TEST(top_via);
	CHECK_TEST(addresses);
	CHECK_TEST(address_of_message);
	CHECK_TEST(cseqs);
	CHECK_TEST(content_types);
}
