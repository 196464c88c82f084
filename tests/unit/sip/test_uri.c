#include "sip/uri.h"

#include <errno.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"

/* Absent prints as "-", so that a row tells it from empty. */
static void describe(const struct sip_uri *uri, struct buf *buf)
{
	const struct slice parts[] = {uri->user, uri->password, uri->host, uri->params,
				      uri->headers};

	buf_clear(buf);
	buf_addf(buf, "%d", uri->scheme);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		buf_addc(buf, '|');
		buf_addslice(buf, slice_present(parts[i]) ? parts[i] : SLICE("-"));
		if (i == 2)
			buf_addf(buf, "%s|%u", uri->is_host_v6 ? " v6" : "", uri->port);
	}
}

static void good(void)
{
	static const struct {
		const char *in, *want; /* scheme|user|password|host|port|params|headers */
	} cases[] = {
		{"sip:lobby@example.org", "1|lobby|-|example.org|0|-|-"},
		{"sip:example.org", "1|-|-|example.org|0|-|-"},
		{"SIPS:a:secret@10.0.0.1:5061;transport=tcp;lr?Subject=x&Priority=urgent",
		 "2|a|secret|10.0.0.1|5061|transport=tcp;lr|Subject=x&Priority=urgent"},
		{"sip:a:@h", "1|a||h|0|-|-"},
		{"sip:[2001:db8::1]:5060;lr", "1|-|-|2001:db8::1 v6|5060|lr|-"},
		{"sip:user;par=u%40example.net@example.com",
		 "1|user;par=u%40example.net|-|example.com|0|-|-"},
		{"sip:a?b/c&d=e+f$g,h!i~j*k'(l)@h", "1|a?b/c&d=e+f$g,h!i~j*k'(l)|-|h|0|-|-"},
		{"sip:%00@h", "1|%00|-|h|0|-|-"},
		{"sip:j\xc3\xb6rg@h", "1|j\xc3\xb6rg|-|h|0|-|-"},
		{"sip:h;", "1|-|-|h|0||-"},
		{"sip:h?", "1|-|-|h|0|-|"},
		{"sip:h?Replaces=a%40b%3Bto-tag%3D1", "1|-|-|h|0|-|Replaces=a%40b%3Bto-tag%3D1"},
		{"sip:a@host_name.local.", "1|a|-|host_name.local.|0|-|-"},
		{"tel:+49-30-1234", "3|+49-30-1234|-|-|0|-|-"},
		{"tel:7042;phone-context=example.com", "3|7042|-|-|0|phone-context=example.com|-"},
		{"soap.beep://192.0.2.103:3002", "0|-|-|-|0|-|-"},
		{"urn:service:sos", "0|-|-|-|0|-|-"},
	};
	struct buf buf = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_uri uri;

		if (!CHECK_INT(cases[i].in, sip_uri_parse(slice_of(cases[i].in), &uri), 0))
			continue;
		describe(&uri, &buf);
		CHECK_SLICE(cases[i].in, buf_slice(&buf), cases[i].want);
		CHECK_SLICE(cases[i].in, uri.text, cases[i].in);
	}
	buf_done(&buf);
}

static void bad(void)
{
	static const char *const cases[] = {
		"",
		"sip",
		"sip:",
		"bob@example.org",
		"<sip:a@b>",
		"sip:@h",
		"sip::pw@h",
		"sip:a@",
		"sip:a@b@c",
		"sip:a@h:",
		"sip:a@h:0",
		"sip:a@h:65536",
		"sip:a@h:x",
		"sip:a@h x",
		"sip:a b@h",
		" sip:a@h",
		"sip:a@h ",
		"sip:a%4@h",
		"sip:a%zz@h",
		"sip:a@h;p=%",
		"sip:a@h?x=%1",
		"sip:[2001:db8::1",
		"sip:[]",
		"sip:[dead]",
		"sip:[::1]x",
		"sip:a@h/x",
		"sip:a@h\r\n",
		"sip:\x01@h",
		"sip:a\"b@h",
		"tel:",
		"tel:;x=y",
		"tel:1 2",
		"urn:",
		"1sip:a@b",
		":a@b",
		"urn:a b",
		"sip:a@h;x=<y>",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_uri uri = {.port = 77};

		CHECK_INT(cases[i], sip_uri_parse(slice_of(cases[i]), &uri), ERR_SIP_URI_SYNTAX);
		CHECK_INT("untouched", uri.port, 77);
	}
}

static void params(void)
{
	struct sip_uri uri;
	struct slice value;

	CHECK_INT(NULL, sip_uri_parse(SLICE("sip:h;a=1;LR;b=x=y;c=?Replaces=z%40&q"), &uri), 0);
	CHECK("a", sip_uri_param(&uri, "A", &value));
	CHECK_SLICE("a", value, "1");
	CHECK("lr", sip_uri_param(&uri, "lr", &value));
	CHECK("lr is present", slice_present(value));
	CHECK_INT("lr is empty", value.len, 0);
	CHECK("b", sip_uri_param(&uri, "b", &value));
	CHECK_SLICE("b", value, "x=y");
	CHECK("c", sip_uri_param(&uri, "c", &value));
	CHECK_SLICE("c", value, "");
	CHECK("missing", !sip_uri_param(&uri, "d", &value));
	CHECK("header", sip_uri_header(&uri, "replaces", &value));
	CHECK_SLICE("header", value, "z%40");
	CHECK("header without value", sip_uri_header(&uri, "q", &value));
	CHECK("a parameter is no header", !sip_uri_header(&uri, "a", &value));
}

/* The limit of parameters that are looked at: the last one within is found, the next one is not. */
static void param_limit(void)
{
	struct buf buf = BUF_INIT;
	struct sip_uri uri;
	struct slice value;

	buf_adds(&buf, "sip:h");
	for (int i = 1; i < 64; i++)
		buf_adds(&buf, ";x");
	buf_adds(&buf, ";last=1;beyond=1");
	CHECK_INT(NULL, sip_uri_parse(buf_slice(&buf), &uri), 0);
	CHECK("within", sip_uri_param(&uri, "last", &value));
	CHECK("beyond", !sip_uri_param(&uri, "beyond", &value));
	buf_done(&buf);
}

/* RFC 3261 19.1.4, with its own examples, and RFC 3966 5. */
static void equality(void)
{
	static const struct {
		const char *a, *b;
		bool want;
	} cases[] = {
		{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp",
		 true},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;security=on", true},
		{"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true},
		{"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
		 "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
		{"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
		 "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
		{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP",
		 false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
		{"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
		{"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
		{"sip:carol@chicago.com;security=off", "sip:carol@chicago.com;security=on", false},
		{"sip:a@h", "sips:a@h", false},
		{"sip:a@h", "sip:h", false},
		{"sip:a:b@h", "sip:a@h", false},
		{"sip:a:b@h", "sip:a:B@h", false},
		{"sip:a%3Bb@h", "sip:a;b@h", false}, /* ';' is reserved */
		{"sip:a%2Db@h", "sip:a-b@h", true},
		{"sip:a%00@h", "sip:a@h", false},
		{"sip:h;maddr=1.2.3.4", "sip:h", false},
		{"sip:h;ttl=1", "sip:h", false},
		{"sip:h;user=phone", "sip:h", false},
		{"sip:h?a=1&b=2", "sip:h?a=1", false},
		{"sip:[2001:DB8::1]", "sip:[2001:db8::1]", true},
		{"tel:+1-201-555-0123", "tel:+1.201.555.0123", true},
		{"tel:+12015550123", "tel:12015550123", false},
		{"tel:7042;phone-context=example.com", "tel:7042;Phone-Context=EXAMPLE.com", true},
		{"tel:7042;phone-context=example.com", "tel:7042", false},
		{"tel:7042", "tel:7042;ext=1", false},
		{"tel:704", "tel:7042", false},
		{"urn:a:b", "urn:a:b", true},
		{"urn:a:b", "urn:a:c", false},
		{"tel:1", "sip:1", false},
		{"tel:1;ext=2;ext=3", "tel:1;ext=3;ext=2", true}, /* found by fuzzing */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_uri a, b;

		CHECK_INT(cases[i].a, sip_uri_parse(slice_of(cases[i].a), &a), 0);
		CHECK_INT(cases[i].b, sip_uri_parse(slice_of(cases[i].b), &b), 0);
		CHECK_INT(cases[i].a, sip_uri_eq(&a, &b), cases[i].want);
		CHECK_INT(cases[i].b, sip_uri_eq(&b, &a), cases[i].want);
		CHECK("equals itself", sip_uri_eq(&a, &a) && sip_uri_eq(&b, &b));
	}
}

static void unescape(void)
{
	static const struct {
		const char *in, *want;
		int err;
	} cases[] = {
		{"", "", 0},
		{"abc", "abc", 0},
		{"a%40b%2f", "a@b/", 0},
		{"%25", "%", 0},
		{"1234567", "1234567", 0},
		{"12345678", NULL, -ERANGE},
		{"%", NULL, ERR_SIP_URI_SYNTAX},
		{"%4", NULL, ERR_SIP_URI_SYNTAX},
		{"%4x", NULL, ERR_SIP_URI_SYNTAX},
		{"a%00b", NULL, ERR_SIP_URI_SYNTAX},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char out[8] = "?";
		size_t len = 99;

		CHECK_INT(cases[i].in, sip_unescape(slice_of(cases[i].in), out, sizeof(out), &len),
			  cases[i].err);
		if (cases[i].want) {
			CHECK_STR(cases[i].in, out, cases[i].want);
			CHECK_INT(cases[i].in, len, strlen(cases[i].want));
		} else {
			CHECK_INT(cases[i].in, len, 99);
		}
	}
	CHECK_INT("no room at all", sip_unescape(SLICE(""), NULL, 0, NULL), -ERANGE);
	CHECK_INT("raw NUL", sip_unescape(slice_make("a\0b", 3), (char[8]){0}, 8, &(size_t){0}),
		  ERR_SIP_URI_SYNTAX);
}

/* Whatever goes in comes out again, and the escaped text is fit for a user part. */
static void escape_round_trip(void)
{
	for (int ch = 1; ch < 256; ch++) {
		char in[3] = {(char)ch, 'x', 0}, out[8], row[32];
		struct buf buf = BUF_INIT;
		struct sip_uri uri;
		size_t len;

		snprintf(row, sizeof(row), "octet %d", ch);
		buf_adds(&buf, "sip:");
		sip_escape(&buf, slice_of(in), "+");
		buf_adds(&buf, "@h");
		if (CHECK_INT(row, sip_uri_parse(buf_slice(&buf), &uri), 0)) {
			CHECK_INT(row, sip_unescape(uri.user, out, sizeof(out), &len), 0);
			CHECK_STR(row, out, in);
		}
		buf_done(&buf);
	}
}

static void escape_text(void)
{
	struct buf buf = BUF_INIT;

	sip_escape(&buf, SLICE("a b@c;d+e%f"), "+");
	CHECK_SLICE(NULL, buf_slice(&buf), "a%20b%40c%3Bd+e%25f");
	buf_clear(&buf);
	sip_escape(&buf, SLICE("a+b"), NULL);
	CHECK_SLICE(NULL, buf_slice(&buf), "a%2Bb");
	buf_done(&buf);
}

void suite_uri(void)
{
	CHECK_SUITE("uri");
	CHECK_TEST(good);
	CHECK_TEST(bad);
	CHECK_TEST(params);
	CHECK_TEST(param_limit);
	CHECK_TEST(equality);
	CHECK_TEST(unescape);
	CHECK_TEST(escape_round_trip);
	CHECK_TEST(escape_text);
}
