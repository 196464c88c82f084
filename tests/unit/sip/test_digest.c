#include "sip/digest.h"

#include <errno.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"

/* RFC 7616 3.9.1 (MD5, SHA-256), 3.9.2 with its erratum 4897 (SHA-512-256); RFC 2617 3.5; RFC 2069
 * 2.4 with its erratum 749. The last rows: computed with Python's hashlib. */
static const struct {
	const char *name, *user, *password, *credentials, *method, *body, *want;
} vectors[] = {
	{"RFC 7616 MD5", "Mufasa", "Circle of Life",
	 "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", "
	 "uri=\"/dir/index.html\", algorithm=MD5, "
	 "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, "
	 "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, "
	 "response=\"8ca523f5e9506fed4657c9700eebdbec\", "
	 "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
	 "GET", "", "8ca523f5e9506fed4657c9700eebdbec"},
	{"RFC 7616 SHA-256", "Mufasa", "Circle of Life",
	 "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", "
	 "uri=\"/dir/index.html\", algorithm=SHA-256, "
	 "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, "
	 "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, "
	 "response=\"x\"",
	 "GET", "", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
	{"RFC 7616 SHA-512-256", "J\xc3\xa4s\xc3\xb8n Doe", "Secret, or not?",
	 "Digest username=\"x\", realm=\"api@example.org\", uri=\"/doe.json\", "
	 "algorithm=SHA-512-256, "
	 "nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", nc=00000001, "
	 "cnonce=\"NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v\", qop=auth, "
	 "response=\"x\", "
	 "userhash=true",
	 "GET", "", "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"},
	{"RFC 2617", "Mufasa", "Circle Of Life",
	 "Digest username=\"Mufasa\",realm=\"testrealm@host.com\","
	 "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\",uri=\"/dir/index.html\",qop=auth,"
	 "nc=00000001,cnonce=\"0a4f113b\",response=\"x\"",
	 "GET", "", "6629fae49393a05397450978507c4ef1"},
	{"RFC 2069, no qop", "Mufasa", "CircleOfLife",
	 "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
	 "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", "
	 "response=\"x\"",
	 "GET", "", "1949323746fe6a43ef61f9606e7febea"},
	{"SHA-256-sess", "bob", "zanzibar",
	 "Digest username=\"bob\", realm=\"example.com\", nonce=\"n1\", "
	 "uri=\"sip:a@example.com\", algorithm=SHA-256-sess, qop=auth, nc=0000000a, "
	 "cnonce=\"c1\", response=\"x\"",
	 "INVITE", "", "271bc3f7da04f80819134d238cb3c44dc61bba6b6d6336426fab4642c93f2083"},
	{"SHA-256 auth-int", "bob", "zanzibar",
	 "Digest username=\"bob\", realm=\"example.com\", nonce=\"n1\", "
	 "uri=\"sip:a@example.com\", algorithm=SHA-256, qop=auth-int, nc=0000000a, "
	 "cnonce=\"c1\", response=\"x\"",
	 "INVITE", "v=0\r\n", "2c54d89edbf128edde54f0db99aeb91d3592b295b91e5251dd632d8bea726217"},
	{"SHA-256-sess auth-int", "bob", "zanzibar",
	 "Digest username=\"bob\", realm=\"example.com\", nonce=\"n1\", "
	 "uri=\"sip:a@example.com\", algorithm=sha-256-SESS, qop=\"auth-int\", "
	 "nc=0000000a, cnonce=\"c1\", response=\"x\"",
	 "INVITE", "v=0\r\n", "a48981286f377bbbc54ae4d46fe7324d6d61033307f590c02166a00be96179df"},
};

static void responses(void)
{
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		struct digest_credentials c;
		char ha1[DIGEST_HEX_MAX], got[DIGEST_HEX_MAX];

		if (!CHECK_INT(vectors[i].name,
			       digest_credentials_parse(slice_of(vectors[i].credentials), &c), 0))
			continue;
		CHECK_INT(vectors[i].name,
			  digest_ha1(c.algorithm, slice_of(vectors[i].user), c.realm,
				     slice_of(vectors[i].password), ha1),
			  0);
		CHECK_INT(vectors[i].name,
			  digest_response(&c, ha1, slice_of(vectors[i].method),
					  slice_of(vectors[i].body), got),
			  0);
		CHECK_STR(vectors[i].name, got, vectors[i].want);
	}
}

static void credentials(void)
{
#define GOOD "username=\"u\", realm=\"r\", nonce=\"n\", uri=\"sip:x\", response=\"00\""
	static const struct {
		const char *text;
		int err;
	} cases[] = {
		{"Digest " GOOD, 0},
		{"digest\t" GOOD ", qop=auth, cnonce=\"c\", nc=00000001", 0},
		{"Digest , " GOOD ",", 0},
		{"Digest " GOOD ", unheard=of, x=\"y,z\"", 0},
		{"Digest " GOOD ", algorithm=SHA-1", ERR_AUTH_SCHEME},
		{"Digest " GOOD ", qop=auth-conf, cnonce=\"c\", nc=00000001", ERR_AUTH_SCHEME},
		{"Basic dTpw", ERR_AUTH_SCHEME},
		{"Digest " GOOD ", qop=auth, nc=00000001", ERR_SIP_HEADER_SYNTAX},
		{"Digest " GOOD ", qop=auth, cnonce=\"c\"", ERR_SIP_HEADER_SYNTAX},
		{"Digest " GOOD ", qop=auth, cnonce=\"c\", nc=1", ERR_SIP_HEADER_SYNTAX},
		{"Digest " GOOD ", qop=auth, cnonce=\"c\", nc=0000000g", ERR_SIP_HEADER_SYNTAX},
		{"Digest " GOOD ", qop=auth, cnonce=\"c\", nc=00000000", ERR_SIP_HEADER_SYNTAX},
		{"Digest " GOOD ", algorithm=MD5-sess", ERR_SIP_HEADER_SYNTAX},
		{"Digest " GOOD ", username=\"v\"", ERR_SIP_HEADER_SYNTAX},
		{"Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"sip:x\"",
		 ERR_SIP_HEADER_SYNTAX},
		{"Digest username=\"u", ERR_SIP_HEADER_SYNTAX},
		{"Digest username=\"u\", realm=\"r\", nonce=n\\, uri=\"sip:x\", response=\"00\"",
		 ERR_SIP_HEADER_SYNTAX},
		{"Digest username=\"u\" realm=\"r\"", ERR_SIP_HEADER_SYNTAX},
		{"Digest username", ERR_SIP_HEADER_SYNTAX},
		{"Digest username=", ERR_SIP_HEADER_SYNTAX},
		{"Digest =x", ERR_SIP_HEADER_SYNTAX},
		{"Digest", ERR_SIP_HEADER_SYNTAX},
		{"Digest ,", ERR_SIP_HEADER_SYNTAX},
		{"", ERR_SIP_HEADER_SYNTAX},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct digest_credentials c = {.nc = 77};

		CHECK_INT(cases[i].text, digest_credentials_parse(slice_of(cases[i].text), &c),
			  cases[i].err);
		if (cases[i].err)
			CHECK_INT("untouched on failure", c.nc, 77);
	}
}

static void limits(void)
{
	struct buf buf = BUF_INIT;
	struct digest_credentials c;

	buf_adds(&buf, "Digest " GOOD);
	for (unsigned i = 5; i < DIGEST_PARAMS_MAX - 1; i++)
		buf_addf(&buf, ", p%u=v", i);
	CHECK_INT("as many parameters as are read", digest_credentials_parse(buf_slice(&buf), &c),
		  0);
	buf_adds(&buf, ", p=v");
	CHECK_INT("one more", digest_credentials_parse(buf_slice(&buf), &c), ERR_SIP_HEADER_SYNTAX);
	buf_clear(&buf);
	buf_adds(&buf, "Digest " GOOD ", opaque=\"");
	for (unsigned i = 0; i < DIGEST_VALUE_MAX + 1; i++)
		buf_addc(&buf, 'x');
	buf_adds(&buf, "\"");
	CHECK_INT("a value too long", digest_credentials_parse(buf_slice(&buf), &c),
		  ERR_SIP_HEADER_SYNTAX);
	buf_done(&buf);
}

static void challenges(void)
{
	static const struct {
		const char *text;
		int err;
		const char *written;
	} cases[] = {
		{"Digest realm=\"r\", nonce=\"n\"", 0,
		 "Digest realm=\"r\", nonce=\"n\", algorithm=MD5"},
		{"Digest nonce=\"n\", realm=\"a \\\"b\\\"\", qop=\"auth,auth-int\", stale=TRUE, "
		 "opaque=\"\", algorithm=SHA-512-256-sess",
		 0,
		 "Digest realm=\"a \\\"b\\\"\", qop=\"auth,auth-int\", nonce=\"n\", opaque=\"\", "
		 "stale=true, algorithm=SHA-512-256-sess"},
		{"Digest realm=\"r\", nonce=\"n\", qop=\"auth-conf, auth-int\", domain=\"sip:x\"",
		 0,
		 "Digest realm=\"r\", domain=\"sip:x\", qop=\"auth-int\", nonce=\"n\", "
		 "algorithm=MD5"},
		{"Digest realm=\"r\", nonce=\"n\", qop=\"auth-conf\"", ERR_AUTH_SCHEME, NULL},
		{"Digest realm=\"r\", nonce=\"n\", algorithm=AKAv1-MD5", ERR_AUTH_SCHEME, NULL},
		{"NTLM realm=\"r\"", ERR_AUTH_SCHEME, NULL},
		{"Digest realm=\"r\"", ERR_SIP_HEADER_SYNTAX, NULL},
		{"Digest nonce=\"n\"", ERR_SIP_HEADER_SYNTAX, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct digest_challenge challenge;
		struct buf buf = BUF_INIT;
		int err = digest_challenge_parse(slice_of(cases[i].text), &challenge);

		CHECK_INT(cases[i].text, err, cases[i].err);
		if (!err) {
			digest_challenge_write(&challenge, &buf);
			CHECK_SLICE(cases[i].text, buf_slice(&buf), cases[i].written);
		}
		buf_done(&buf);
	}
}

static void same(void)
{
	static const struct {
		const char *given, *wanted;
		bool is_same;
	} cases[] = {
		{"00ff", "00ff", true},  {"00FF", "00ff", true},   {"00fe", "00ff", false},
		{"00f", "00ff", false},  {"00ff0", "00ff", false}, {"", "00ff", false},
		{"10ff", "00ff", false}, {"", "", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_INT(cases[i].given, digest_is_same(slice_of(cases[i].given), cases[i].wanted),
			  cases[i].is_same);
}

static void names(void)
{
	enum digest_algorithm algorithm = DIGEST_MD5;

	for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
		const char *name = digest_algorithm_name((enum digest_algorithm)i);

		CHECK_INT(name, digest_algorithm_parse(slice_of(name), &algorithm), 0);
		CHECK_INT(name, algorithm, i);
	}
	CHECK_INT("none", digest_algorithm_parse(SLICE("SHA-1"), &algorithm), -EINVAL);
}

void suite_digest(void)
{
	CHECK_SUITE("digest");
	CHECK_TEST(responses);
	CHECK_TEST(credentials);
	CHECK_TEST(limits);
	CHECK_TEST(challenges);
	CHECK_TEST(same);
	CHECK_TEST(names);
}
