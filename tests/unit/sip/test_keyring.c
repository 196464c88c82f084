#include "sip/keyring.h"

#include <errno.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/auth.h"
#include "tests/support/check.h"
#include "tests/support/oom.h"

struct fixture {
	struct clock_virtual time;
	struct random random;
	struct sip_keyring *keyring;
	struct sip_auth *server;
	char ha1[DIGEST_HEX_MAX];
	char text[4096];
	struct sip_msg response;
	struct buf lines; /* of the last answer */
};

/* Knows bob of "example.com" by SHA-256 only. */
static const char *ha1_of(void *arg, struct slice user, enum digest_algorithm algorithm)
{
	struct fixture *fx = arg;

	return slice_is(user, "bob") && algorithm == DIGEST_SHA256 ? fx->ha1 : NULL;
}

static void begin(struct fixture *fx, const char *keys)
{
	uint32_t line;

	*fx = (struct fixture){.time.mono_ns = 1000000000};
	random_init_seeded(&fx->random, 11);
	CHECK_INT("keyring", sip_keyring_new(&fx->random, &fx->keyring), 0);
	CHECK_INT("keys", sip_keyring_read(fx->keyring, slice_of(keys), &line), 0);
	CHECK_INT("ha1",
		  digest_ha1(DIGEST_SHA256, SLICE("bob"), SLICE("example.com"), SLICE("zanzibar"),
			     fx->ha1),
		  0);
	CHECK_INT("server",
		  sip_auth_new(
			  &(struct sip_auth_params){
				  .nonces = {.clock = clock_virtual(&fx->time),
					     .random = &fx->random},
				  .ha1 = ha1_of,
				  .arg = fx,
			  },
			  &fx->server),
		  0);
}

static void end(struct fixture *fx)
{
	buf_done(&fx->lines);
	sip_keyring_free(fx->keyring);
	sip_auth_free(fx->server);
}

static void respond(struct fixture *fx, const char *challenges)
{
	int len = snprintf(fx->text, sizeof(fx->text),
			   "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
			   "From: <sip:a>;tag=1\r\nTo: <sip:b>;tag=2\r\nCall-ID: 1\r\n"
			   "CSeq: 1 INVITE\r\n%sContent-Length: 0\r\n\r\n",
			   challenges);

	CHECK_INT("response", sip_msg_parse(fx->text, (size_t)len, &fx->response), 0);
}

/* Answers what stands in fx->response (or NULL: nothing), keeping the lines for the next try. */
static int answer(struct fixture *fx, bool has_response, const char *method, uint32_t tries)
{
	struct buf given = fx->lines;
	struct sip_challenged challenged = {
		.method = slice_of(method),
		.uri = SLICE("sip:b@example.com"),
		.body = SLICE("v=0\r\n"),
		.from = SLICE("<sip:a>"),
		.response = has_response ? &fx->response : NULL,
		.given = buf_slice(&given),
		.tries = tries,
	};
	int err;

	fx->lines = BUF_INIT;
	err = sip_keyring_answer(fx->keyring, &challenged, &fx->lines);
	buf_done(&given);
	return err;
}

static bool has(const struct fixture *fx, const char *part)
{
	return fx->lines.p && strstr(fx->lines.p, part);
}

static void read_keys(void)
{
	static const struct {
		const char *text;
		int err;
		uint32_t line, count;
	} cases[] = {
		{"", 0, 0, 0},
		{"example.com bob zanzibar", 0, 0, 1},
		{"# comment\n\n  example.com\tbob zanzibar  \r\n* any secret\n", 0, 0, 2},
		{"\"my realm\" bob \"a \\\"quoted\\\" \\\\ word\"", 0, 0, 1},
		{"a b c\nexample.com bob\n", -EINVAL, 2, 1},
		{"example.com bob zanzibar more", -EINVAL, 1, 1},
		{"example.com \"bob zanzibar", -EINVAL, 1, 1},
		{"example.com \"bob\"zanzibar", -EINVAL, 1, 1},
		{"example.com \"b\\\"ob\" zanzibar", -EINVAL, 1, 1},
		{"exam\\ple.com bob zanzibar", -EINVAL, 1, 1},
		{"example.com \"\" zanzibar", -EINVAL, 1, 1},
		{"example.com bob \"zan\1zibar\"", -EINVAL, 1, 1},
	};
	struct buf many = BUF_INIT;
	struct fixture fx;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t line = 0;

		begin(&fx, "old key stays");
		CHECK_INT(cases[i].text,
			  sip_keyring_read(fx.keyring, slice_of(cases[i].text), &line),
			  cases[i].err);
		CHECK_INT(cases[i].text, line, cases[i].line);
		CHECK_INT(cases[i].text, sip_keyring_count(fx.keyring), cases[i].count);
		end(&fx);
	}
	begin(&fx, "");
	for (unsigned i = 0; i <= SIP_KEYS_MAX; i++)
		buf_addf(&many, "realm%u user password\n", i);
	CHECK_INT("too many", sip_keyring_read(fx.keyring, buf_slice(&many), &(uint32_t){0}),
		  ERR_LIMIT);
	end(&fx);
	buf_clear(&many);
	begin(&fx, "");
	for (unsigned i = 0; i <= SIP_KEY_TEXT_MAX; i++)
		buf_addc(&many, 'x');
	buf_adds(&many, " bob zanzibar");
	CHECK_INT("too long", sip_keyring_read(fx.keyring, buf_slice(&many), &(uint32_t){0}),
		  -EINVAL);
	end(&fx);
	buf_done(&many);
}

/* Which of several challenges is answered, and how. */
static void choose(void)
{
	static const struct {
		const char *name, *challenges;
		int err;
		const char *has, *has_not;
	} cases[] = {
		{"the topmost",
		 "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"1\", "
		 "algorithm=SHA-256\r\n"
		 "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"2\", algorithm=MD5\r\n",
		 0, "nonce=\"1\"", "nonce=\"2\""},
		{"the first that we understand",
		 "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"1\", algorithm=SHA-3\r\n"
		 "WWW-Authenticate: Basic realm=\"example.com\"\r\n"
		 "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"2\"\r\n",
		 0, "algorithm=MD5", "nonce=\"1\""},
		{"no qop: as of old",
		 "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"1\"\r\n", 0,
		 "response=", "cnonce"},
		{"qop auth before auth-int",
		 "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"1\", "
		 "qop=\"auth-int,auth\"\r\n",
		 0, "qop=auth, nc=00000001", "auth-int"},
		{"auth-int when there is nothing else",
		 "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"1\", "
		 "qop=\"auth-int\"\r\n",
		 0, "qop=auth-int", NULL},
		{"-sess",
		 "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"1\", "
		 "algorithm=MD5-sess\r\n",
		 0, "cnonce=", NULL},
		{"opaque comes back",
		 "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"1\", "
		 "opaque=\"a \\\"b\\\"\"\r\n",
		 0, "opaque=\"a \\\"b\\\"\"", NULL},
		{"a proxy", "Proxy-Authenticate: Digest realm=\"example.com\", nonce=\"1\"\r\n", 0,
		 "Proxy-Authorization: Digest username=\"bob\"", "\r\nAuthorization"},
		{"two realms",
		 "Proxy-Authenticate: Digest realm=\"example.com\", nonce=\"1\"\r\n"
		 "WWW-Authenticate: Digest realm=\"other\", nonce=\"2\"\r\n",
		 0, "username=\"guest\", realm=\"other\"", NULL},
		{"none that we understand",
		 "WWW-Authenticate: Digest realm=\"example.com\"\r\n"
		 "WWW-Authenticate: NTLM\r\n",
		 ERR_AUTH_REQUIRED, NULL, NULL},
		{"none at all", "", ERR_AUTH_REQUIRED, NULL, NULL},
	};
	struct fixture fx;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin(&fx, "* guest guest\nexample.com bob zanzibar");
		respond(&fx, cases[i].challenges);
		CHECK_INT(cases[i].name, answer(&fx, true, "INVITE", 0), cases[i].err);
		if (cases[i].has)
			CHECK(cases[i].name, has(&fx, cases[i].has));
		if (cases[i].has_not)
			CHECK(cases[i].name, !has(&fx, cases[i].has_not));
		if (cases[i].err)
			CHECK(cases[i].name, fx.lines.len == 0);
		end(&fx);
	}
	begin(&fx, "example.com bob zanzibar");
	respond(&fx, "WWW-Authenticate: Digest realm=\"other\", nonce=\"2\"\r\n");
	CHECK_INT("no key of that realm", answer(&fx, true, "INVITE", 0), ERR_AUTH_REQUIRED);
	end(&fx);
}

#define CHALLENGE(nonce, more)                                                                     \
	"WWW-Authenticate: Digest realm=\"example.com\", nonce=\"" nonce "\", qop=\"auth\"" more   \
	"\r\n"

static void gives_up(void)
{
	struct fixture fx;

	begin(&fx, "example.com bob zanzibar");
	respond(&fx, CHALLENGE("1", ""));
	CHECK_INT("first", answer(&fx, true, "INVITE", 0), 0);
	respond(&fx, CHALLENGE("2", ", stale=true"));
	CHECK_INT("its nonce was old", answer(&fx, true, "INVITE", 1), 0);
	CHECK("anew", has(&fx, "nonce=\"2\"") && has(&fx, "nc=00000001"));
	respond(&fx, CHALLENGE("3", ""));
	CHECK_INT("it was wrong", answer(&fx, true, "INVITE", 2), ERR_AUTH_FAILED);
	end(&fx);
}

static void a_proxy_and_then_the_target(void)
{
	struct fixture fx;

	begin(&fx, "* bob zanzibar");
	respond(&fx, "Proxy-Authenticate: Digest realm=\"proxy\", nonce=\"1\", qop=\"auth\"\r\n");
	CHECK_INT("the proxy", answer(&fx, true, "INVITE", 0), 0);
	respond(&fx, CHALLENGE("2", ""));
	CHECK_INT("the target", answer(&fx, true, "INVITE", 1), 0);
	CHECK("the proxy's goes on with its count",
	      has(&fx, "nonce=\"1\"") && has(&fx, "00000002"));
	CHECK("the target's begins", has(&fx, "nonce=\"2\"") && has(&fx, "00000001"));
	end(&fx);
}

static void later_requests(void)
{
	struct buf invite = BUF_INIT;
	struct fixture fx;

	begin(&fx, "example.com bob zanzibar");
	respond(&fx, CHALLENGE("1", ""));
	CHECK_INT("INVITE", answer(&fx, true, "INVITE", 0), 0);
	buf_addslice(&invite, buf_slice(&fx.lines));
	CHECK_INT("BYE", answer(&fx, false, "BYE", 0), 0);
	CHECK("the next count", has(&fx, "nonce=\"1\"") && has(&fx, "nc=00000002"));
	CHECK("another response", !slice_eq(buf_slice(&fx.lines), buf_slice(&invite)));
	respond(&fx, CHALLENGE("2", ""));
	CHECK_INT("a nonce that was good for one use: asked anew", answer(&fx, true, "BYE", 0), 0);
	CHECK("answered", has(&fx, "nonce=\"2\""));
	respond(&fx, CHALLENGE("2", ""));
	CHECK_INT("the same nonce again says it was wrong", answer(&fx, true, "BYE", 0),
		  ERR_AUTH_FAILED);
	buf_clear(&fx.lines);
	CHECK_INT("nothing given, nothing to say", answer(&fx, false, "BYE", 0), 0);
	CHECK_INT("nothing", fx.lines.len, 0);
	buf_done(&invite);
	end(&fx);
}

/* What the one half of this library says the other accepts. */
static void our_server_accepts_it(void)
{
	struct sip_flow flow = {.proto = SIP_UDP};
	char text[4096];
	struct sip_msg request;
	struct buf challenge = BUF_INIT;
	struct sip_auth_question question = {&request, &flow, SLICE("example.com"), false};
	struct fixture fx;
	struct slice user;

	begin(&fx, "example.com bob zanzibar");
	(void)addr_parse(SLICE("192.0.2.1:5060"), &flow.remote);
	sip_auth_challenge(fx.server, &question, false, &challenge);
	respond(&fx, challenge.p);
	CHECK_INT("answer", answer(&fx, true, "INVITE", 0), 0);
	for (int i = 0; i < 2; i++) {
		const char *method = i == 0 ? "INVITE" : "BYE";
		int len;

		if (i == 1)
			CHECK_INT("again", answer(&fx, false, method, 0), 0);
		len = snprintf(
			text, sizeof(text),
			"%s sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
			"From: <sip:a>;tag=1\r\nTo: <sip:b>\r\nCall-ID: 1\r\nCSeq: 1 %s\r\n%s"
			"Content-Length: 5\r\n\r\nv=0\r\n",
			method, method, fx.lines.p);
		CHECK_INT("request", sip_msg_parse(text, (size_t)len, &request), 0);
		CHECK_INT(method, sip_auth_check(fx.server, &question, &user), SIP_AUTH_GOOD);
		CHECK_SLICE("who", user, "bob");
	}
	buf_done(&challenge);
	end(&fx);
}

/* A request with the lines of the last answer comes to our server, whose 2xx comes back. */
static enum sip_auth_verdict there_and_back(struct fixture *fx, const char *method)
{
	struct sip_flow flow = {.proto = SIP_UDP};
	struct buf info = BUF_INIT;
	struct sip_msg request;
	struct sip_auth_question question = {&request, &flow, SLICE("example.com"), false};
	enum sip_auth_verdict verdict;
	struct slice user;
	char text[4096];
	int len = snprintf(text, sizeof(text),
			   "%s sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
			   "From: <sip:a>;tag=1\r\nTo: <sip:b>\r\nCall-ID: 1\r\nCSeq: 1 %s\r\n%s"
			   "Content-Length: 5\r\n\r\nv=0\r\n",
			   method, method, fx->lines.p ? fx->lines.p : "");

	(void)addr_parse(SLICE("192.0.2.1:5060"), &flow.remote);
	CHECK_INT(method, sip_msg_parse(text, (size_t)len, &request), 0);
	verdict = sip_auth_check(fx->server, &question, &user);
	if (verdict == SIP_AUTH_GOOD) {
		sip_auth_info(fx->server, &question, &info);
		respond(fx, info.p);
		memcpy(fx->text, "SIP/2.0 200", 11);
	} else {
		sip_auth_challenge(fx->server, &question, false, &info);
		respond(fx, info.p);
	}
	CHECK_INT(method, sip_msg_parse(fx->text, strlen(fx->text), &fx->response), 0);
	buf_done(&info);
	return verdict;
}

/* Both halves: while the nonce is young nothing is said but that the secret is known; in the second
 * half of its life the 2xx names the next, and nobody is asked again (RFC 7616 3.5). */
static void the_next_nonce(void)
{
	struct buf kept = BUF_INIT;
	struct fixture fx;
	char *rspauth;

	begin(&fx, "example.com bob zanzibar");
	CHECK_INT("asked", there_and_back(&fx, "INVITE"), SIP_AUTH_NONE);
	CHECK_INT("answer", answer(&fx, true, "INVITE", 0), 0);
	CHECK_INT("good", there_and_back(&fx, "INVITE"), SIP_AUTH_GOOD);
	buf_addslice(&kept, buf_slice(&fx.lines));
	CHECK_INT("young", answer(&fx, true, "INVITE", 0), ERR_AUTH_REQUIRED);
	for (int i = 0; i < 4; i++) { /* 800 s, while a nonce is good for 300 */
		fx.time.mono_ns += UINT64_C(200) * 1000000000;
		buf_clear(&fx.lines);
		buf_addslice(&fx.lines, buf_slice(&kept));
		CHECK_INT("next", answer(&fx, false, "UPDATE", 0), 0);
		CHECK("counts", has(&fx, i == 0 ? "nc=00000002" : "nc=00000001"));
		CHECK_INT("not asked", there_and_back(&fx, "UPDATE"), SIP_AUTH_GOOD);
		CHECK_INT("old", answer(&fx, true, "UPDATE", 0), 0);
		buf_clear(&kept);
		buf_addslice(&kept, buf_slice(&fx.lines));
	}
	CHECK_INT("next", answer(&fx, false, "BYE", 0), 0);
	CHECK_INT("good", there_and_back(&fx, "BYE"), SIP_AUTH_GOOD);
	rspauth = strstr(fx.text, "rspauth=\"");
	CHECK("says that it knows", rspauth != NULL);
	if (rspauth)
		rspauth[9] = rspauth[9] == '0' ? '1' : '0';
	CHECK_INT("who does not know is found out", answer(&fx, true, "BYE", 0), ERR_AUTH_FAILED);
	buf_done(&kept);
	end(&fx);
}

static void memory_runs_out(void)
{
	struct fixture fx;

	for (uint32_t at = 0; oom_sweep(at, at % 2); at++) {
		struct sip_keyring *keyring = NULL;
		struct random random;
		uint32_t line = 0;
		int err;

		random_init_seeded(&random, 1);
		err = sip_keyring_new(&random, &keyring);
		if (!err)
			err = sip_keyring_read(keyring, SLICE("a b c\nd e f\n"), &line);
		oom_end();
		CHECK("0 or -ENOMEM", err == 0 || err == -ENOMEM);
		if (keyring)
			CHECK_INT("all or none", sip_keyring_count(keyring), err ? 0 : 2);
		sip_keyring_free(keyring);
	}
	begin(&fx, "* bob zanzibar");
	respond(&fx, "Proxy-Authenticate: Digest realm=\"a\", nonce=\"1\", qop=\"auth\"\r\n"
		     "WWW-Authenticate: Digest realm=\"b\", nonce=\"2\"\r\n");
	for (uint32_t at = 0; oom_sweep(at, at % 2); at++) {
		int err;

		buf_done(&fx.lines);
		err = answer(&fx, true, "INVITE", 0);
		oom_end();
		CHECK("0 or -ENOMEM", err == 0 || err == -ENOMEM);
		CHECK("both or an error",
		      err || (has(&fx, "realm=\"a\"") && has(&fx, "realm=\"b\"")));
	}
	end(&fx);
}

void suite_keyring(void)
{
	CHECK_SUITE("keyring");
	CHECK_TEST(read_keys);
	CHECK_TEST(choose);
	CHECK_TEST(gives_up);
	CHECK_TEST(a_proxy_and_then_the_target);
	CHECK_TEST(later_requests);
	CHECK_TEST(our_server_accepts_it);
	CHECK_TEST(the_next_nonce);
	CHECK_TEST(memory_runs_out);
}
