#include "base/err.h"
#include "config/table.h"
#include "tests/support/check.h"

static const struct {
	const char *assignment, *complaint; /* without "-o: key: " and the end of line; "" none */
} keys[] = {
	{"sip.listen=udp:0.0.0.0:5060", ""},
	{"sip.listen=udp:[::]:5060, tcp:[::1]:5061", ""},
	{"sip.listen=tls:0.0.0.0:5061",
	 "tls:0.0.0.0:5061: tls needs a certificate and its key: set sip.tls_certificate and "
	 "sip.tls_key"},
	{"sip.tls_verify_clients=true", "needs sip.tls_ca: whose certificates are good"},
	{"sip.hep=udp:192.0.2.1:9060", ""},
	{"sip.hep=192.0.2.1:9060",
	 "\"192.0.2.1:9060\" must be udp:address:port, such as udp:192.0.2.1:9060"},
	{"sip.dns_servers=192.0.2.53, [2001:db8::53]:5353,2001:db8::54", ""},
	{"sip.dns_servers=ns.example.com",
	 "\"ns.example.com\" is not an IP address or address:port"},
	{"sip.ws_origins=https://a.example, http://127.0.0.1:8080,null", ""},
	{"sip.ws_origins=phone.example.com",
	 "\"phone.example.com\" is not an origin, such as https://phone.example.com"},
	{"sip.listen=wss:0.0.0.0:443",
	 "wss:0.0.0.0:443: wss needs a certificate and its key: set sip.tls_certificate and "
	 "sip.tls_key"},
	{"sip.listen=sctp:0.0.0.0:5060",
	 "\"sctp:0.0.0.0:5060\" must begin with udp:, tcp:, tls:, ws: or wss:"},
	{"sip.listen=0.0.0.0:5060",
	 "\"0.0.0.0:5060\" must begin with udp:, tcp:, tls:, ws: or wss:"},
	{"sip.listen=udp:5060", "\"udp:5060\" must be proto:address:port, such as "
				"udp:0.0.0.0:5060 or tcp:[::]:5060"},
	{"sip.listen=udp:1.2.3.4:0", "\"udp:1.2.3.4:0\" must be proto:address:port, such "
				     "as udp:0.0.0.0:5060 or tcp:[::]:5060"},
	{"sip.listen=udp:1.2.3.4:5060,udp:1.2.3.4:5060", "\"udp:1.2.3.4:5060\" stands there twice"},
	{"sip.listen=udp:1.2.3.4:5060,,tcp:1.2.3.4:5060",
	 "\"\" must begin with udp:, tcp:, tls:, ws: or wss:"},
	{"sip.domains=example.com, 192.0.2.1,[2001:db8::1],pbx_1", ""},
	{"sip.domains=example.com:5060", "\"example.com:5060\" is not a host name"},
	{"sip.domains=a..b", "\"a..b\" is not a host name"},
	{"sip.domains=-a", "\"-a\" is not a host name"},
	{"sip.domains=[2001:db8::1", "\"[2001:db8::1\" is not a host name"},
	{"sip.public_host=pbx.example.com:5070", ""},
	{"sip.public_host=[2001:db8::1]:5070", ""},
	{"sip.public_host=[2001:db8::1]", ""},
	{"sip.public_host=pbx:0", "\"pbx:0\" is not a host or host:port"},
	{"sip.public_host=sip:pbx", "\"sip:pbx\" is not a host or host:port"},
	{"sip.register=sip:4930@trunk.example, sip:a@pbx.example;transport=tcp sip:proxy", ""},
	{"sip.register=4930@trunk.example",
	 "\"4930@trunk.example\" is not sip:user@registrar [proxy URI]"},
	{"sip.register=sip:trunk.example",
	 "\"sip:trunk.example\" is not sip:user@registrar [proxy URI]"},
	{"sip.register=sip:@trunk.example",
	 "\"sip:@trunk.example\" is not sip:user@registrar [proxy URI]"},
	{"sip.register=sip:a@b proxy", "\"proxy\" is not a SIP URI, such as sip:host"},
	{"sip.outbound_proxy=sip:proxy;lr", ""},
	{"sip.outbound_proxy=proxy", "\"proxy\" is not a SIP URI, such as sip:host"},
	{"sip.outbound_proxy=sip:", "\"sip:\" is not a SIP URI, such as sip:host"},
	{"dialin.numbers=+4930555=en;greeting=file:acme.wav, 8001=:team,8002 ; greeting=music", ""},
	{"dialin.numbers=8000=en;say=hello",
	 "\"8000=en;say=hello\" is not number[=language[:room]][;greeting=item]"},
	{"dialin.numbers==en", "\"=en\" is not number[=language[:room]][;greeting=item]"},
	{"focus.central_factory=sip:a b", "\"sip:a b\" is not a SIP URI, such as sip:host"},
	{"focus.central_factory=<sip:a>", "\"<sip:a>\" is not a SIP URI, such as sip:host"},
	{"http.listen=[::1]:8080", ""},
	{"http.listen=8080", "\"8080\" must be address:port, such as 127.0.0.1:8080"},
	{"http.listen=0.0.0.0:8080",
	 "0.0.0.0:8080 can be reached from other machines, so http.token must be set"},
	{"http.token=abc def", "may consist of letters, digits and -._~+/= only"},
	{"media.address=192.0.2.1", ""},
	{"media.address=2001:db8::1", ""},
	{"media.address=0.0.0.0", "\"0.0.0.0\" is not an IP address that peers can send to"},
	{"media.address=host", "\"host\" is not an IP address that peers can send to"},
	{"media.ports=40000-40001", ""},
	{"media.ports=40001-40002",
	 "40001-40002 holds no pair of ports (an even one for RTP, the next for RTCP)"},
	{"media.ports=40002-40000", "\"40002-40000\" must be low-high, such as 16384-32767"},
	{"media.ports=40000-70000", "\"40000-70000\" must be low-high, such as 16384-32767"},
	{"media.ports=0-100", "\"0-100\" must be low-high, such as 16384-32767"},
	{"media.ports=40000", "\"40000\" must be low-high, such as 16384-32767"},
	{"media.codecs=pcma", ""},
	{"media.srtp=required", ""},
	{"media.srtp=maybe", "\"maybe\" must be off, offered or required"},
	{"media.codecs=OPUS,g722,L16/16000", ""},
	{"media.codecs=PCMU,G729", "\"G729\" is not a codec of this version; known are PCMU, PCMA, "
				   "G722, opus, GSM, G726-32, L16/8000, L16/16000, L16/48000"},
	{"media.codecs=PCMU,pcmu", "\"pcmu\" stands there twice"},
	{"media.ptime_ms=30", ""},
	{"media.ptime_ms=25", "25 is not a multiple of 10 ms"},
	{"focus.factory_users=", ""},
	{"focus.factory_users=a@b", "\"a@b\" is not the user part of a SIP URI"},
	{"sip.rel100=required", ""},
	{"sip.rel100=maybe", "\"maybe\" must be one of: off, supported, required"},
	{"log.level=debug", ""},
	{"log.level=loud", "\"loud\" must be error, warn, info or debug"},
	{"log.format=json", ""},
	{"log.format=xml1", "\"xml1\" must be text or json"},
};

static void one_key(void)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct slice name = slice_of(keys[i].assignment);
		struct buf errors = BUF_INIT, want = BUF_INIT;
		struct config *config = NULL;

		name = slice_first(name, slice_find(name, '='));
		if (keys[i].complaint[0])
			buf_addf(&want, "-o: " SLICE_FMT ": %s\n", SLICE_ARG(name),
				 keys[i].complaint);
		(void)config_new(&config);
		CHECK_INT(keys[i].assignment, config_set(config, keys[i].assignment, &errors), 0);
		CHECK_INT(keys[i].assignment, config_check(config, &errors),
			  keys[i].complaint[0] ? ERR_CONFIG : 0);
		CHECK_STR(keys[i].assignment, errors.p ? errors.p : "", want.p ? want.p : "");
		config_free(config);
		buf_done(&errors);
		buf_done(&want);
	}
}

static void defaults_are_valid(void)
{
	struct buf errors = BUF_INIT;
	struct config *config = NULL;

	(void)config_new(&config);
	CHECK_INT(NULL, config_check(config, &errors), 0);
	CHECK_INT(NULL, errors.len, 0);
	config_free(config);
}

static void token_opens_http_to_others(void)
{
	struct buf errors = BUF_INIT;
	struct config *config = NULL;

	(void)config_new(&config);
	(void)config_set(config, "http.listen=0.0.0.0:8080", &errors);
	(void)config_set(config, "http.token=s3cret-s3cret", &errors);
	CHECK_INT(NULL, config_check(config, &errors), 0);
	config_free(config);
	buf_done(&errors);
}

static void too_many_listeners(void)
{
	struct buf errors = BUF_INIT, text = BUF_INIT;
	struct config *config = NULL;

	buf_adds(&text, "sip.listen=");
	for (int i = 0; i < 17; i++)
		buf_addf(&text, "%sudp:127.0.0.1:%d", i ? "," : "", 5060 + i);
	(void)config_new(&config);
	CHECK_INT(NULL, config_set(config, text.p, &errors), 0);
	CHECK_INT(NULL, config_check(config, &errors), ERR_CONFIG);
	CHECK_STR(NULL, errors.p, "-o: sip.listen: has more than 16 entries\n");
	config_free(config);
	buf_done(&errors);
	buf_done(&text);
}

static void all_mistakes_are_found_with_their_lines(void)
{
	struct buf errors = BUF_INIT;
	struct config *config = NULL;

	(void)config_new(&config);
	CHECK_INT(NULL,
		  config_load_text(config, "h.conf",
				   "http:\n{\n\tlisten = \"0.0.0.0:80\";\n};\nmedia:\n{\n\tports = "
				   "\"9-1\";\n};\n",
				   &errors),
		  0);
	CHECK_INT(NULL, config_check(config, &errors), ERR_CONFIG);
	CHECK_STR(NULL, errors.p,
		  "h.conf:3: http.listen: 0.0.0.0:80 can be reached from other machines, so "
		  "http.token must be set\n"
		  "h.conf:7: media.ports: \"9-1\" must be low-high, such as 16384-32767\n");
	config_free(config);
	buf_done(&errors);
}

static void lists(void)
{
	static const struct {
		const char *list, *joined; /* items between bars */
	} rows[] = {
		{"", ""},          {"a", "a|"},  {"a,b", "a|b|"}, {" a , b ", "a|b|"},
		{"a,,b", "a||b|"}, {"a,", "a|"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct slice rest = slice_of(rows[i].list), item;
		struct buf joined = BUF_INIT;

		while (config_list_next(&rest, &item))
			buf_addf(&joined, SLICE_FMT "|", SLICE_ARG(item));
		CHECK_STR(rows[i].list, joined.p ? joined.p : "", rows[i].joined);
		buf_done(&joined);
	}
}

static void port_range_leaves_outputs_alone_on_failure(void)
{
	uint16_t low = 1, high = 2;

	CHECK_INT(NULL, config_port_range("9-1", &low, &high), ERR_CONFIG);
	CHECK_INT(NULL, low, 1);
	CHECK_INT(NULL, high, 2);
	CHECK_INT(NULL, config_port_range("16384 - 32767", &low, &high), 0);
	CHECK_INT(NULL, low, 16384);
	CHECK_INT(NULL, high, 32767);
}

void suite_check(void)
{
	CHECK_SUITE("check");
	CHECK_TEST(one_key);
	CHECK_TEST(defaults_are_valid);
	CHECK_TEST(token_opens_http_to_others);
	CHECK_TEST(too_many_listeners);
	CHECK_TEST(all_mistakes_are_found_with_their_lines);
	CHECK_TEST(lists);
	CHECK_TEST(port_range_leaves_outputs_alone_on_failure);
}
