#include "sip/auth.h"

#include <errno.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"

struct fixture {
	struct clock_virtual time;
	struct random random;
	struct sip_auth *auth;
	struct sip_flow flow;
	char ha1[DIGEST_ALGORITHMS][DIGEST_HEX_MAX];
	char nonce[NONCE_TEXT_MAX]; /* of the last challenge */
	char text[2048];
	struct sip_msg msg;
};

static const char *ha1_of(void *arg, struct slice user, enum digest_algorithm algorithm)
{
	struct fixture *fx = arg;

	return slice_is(user, "alice") ? fx->ha1[algorithm] : NULL;
}

static void begin(struct fixture *fx)
{
	*fx = (struct fixture){.time.mono_ns = 1000000000};
	random_init_seeded(&fx->random, 3);
	(void)addr_parse(SLICE("192.0.2.1:5060"), &fx->flow.remote);
	for (int i = 0; i < DIGEST_ALGORITHMS; i++)
		CHECK_INT("ha1",
			  digest_ha1((enum digest_algorithm)i, SLICE("alice"), SLICE("hearth"),
				     SLICE("secret"), fx->ha1[i]),
			  0);
	CHECK_INT("auth",
		  sip_auth_new(
			  &(struct sip_auth_params){
				  .nonces = {.clock = clock_virtual(&fx->time),
					     .random = &fx->random},
				  .ha1 = ha1_of,
				  .arg = fx,
			  },
			  &fx->auth),
		  0);
}

/* A REGISTER with these lines; read into fx->msg. */
static struct sip_auth_question ask(struct fixture *fx, const char *lines)
{
	int len = snprintf(fx->text, sizeof(fx->text),
			   "REGISTER sip:hearth SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
			   "From: <sip:alice@hearth>;tag=1\r\nTo: <sip:alice@hearth>\r\n"
			   "Call-ID: 1\r\nCSeq: 1 REGISTER\r\n%sContent-Length: 4\r\n\r\nbody",
			   lines);

	CHECK_INT("message", sip_msg_parse(fx->text, (size_t)len, &fx->msg), 0);
	return (struct sip_auth_question){
		.request = &fx->msg, .flow = &fx->flow, .realm = SLICE("hearth")};
}

/* The challenges as text; the nonce is kept. */
static const char *challenge(struct fixture *fx, bool is_stale, struct buf *buf)
{
	struct sip_auth_question question = ask(fx, "");
	const char *at;

	buf_clear(buf);
	sip_auth_challenge(fx->auth, &question, is_stale, buf);
	at = strstr(buf->p, "nonce=\"");
	if (CHECK("there is a nonce", at != NULL))
		slice_cstr(slice_make(at + 7, NONCE_TEXT_MAX - 1), fx->nonce, NONCE_TEXT_MAX);
	fx->nonce[strcspn(fx->nonce, "\"")] = '\0';
	return buf->p;
}

struct answer {
	const char *user, *password, *realm;
	enum digest_algorithm algorithm;
	enum digest_qop qop;
	uint32_t nc;
	bool is_session;
};

static enum sip_auth_verdict verdict(struct fixture *fx, const struct answer *answer)
{
	char nc[9], ha1[DIGEST_HEX_MAX], response[DIGEST_HEX_MAX] = "";
	struct digest_credentials c = {
		.algorithm = answer->algorithm,
		.is_session = answer->is_session,
		.qop = answer->qop,
		.username = slice_of(answer->user),
		.realm = slice_of(answer->realm ? answer->realm : "hearth"),
		.nonce = slice_of(fx->nonce),
		.uri = SLICE("sip:hearth"),
		.cnonce = SLICE("cn"),
	};
	struct buf line = BUF_INIT;
	struct slice user;
	enum sip_auth_verdict got;

	snprintf(nc, sizeof(nc), "%08x", answer->nc);
	c.nc_text = slice_of(nc);
	CHECK_INT(
		"ha1",
		digest_ha1(answer->algorithm, c.username, c.realm, slice_of(answer->password), ha1),
		0);
	CHECK_INT("response", digest_response(&c, ha1, SLICE("REGISTER"), SLICE("body"), response),
		  0);
	c.response = slice_of(response);
	buf_adds(&line, "Authorization: ");
	digest_credentials_write(&c, &line);
	buf_adds(&line, "\r\n");
	struct sip_auth_question question = ask(fx, line.p);

	got = sip_auth_check(fx->auth, &question, &user);
	if (got == SIP_AUTH_GOOD || got == SIP_AUTH_WRONG)
		CHECK_SLICE("the name", user, answer->user);
	else
		CHECK("no name", !slice_present(user));
	buf_done(&line);
	return got;
}

static void answers(void)
{
	static const struct {
		const char *name;
		struct answer answer;
		enum sip_auth_verdict want;
	} cases[] = {
		{"MD5",
		 {"alice", "secret", NULL, DIGEST_MD5, DIGEST_QOP_AUTH, 1, false},
		 SIP_AUTH_GOOD},
		{"SHA-256",
		 {"alice", "secret", NULL, DIGEST_SHA256, DIGEST_QOP_AUTH, 1, false},
		 SIP_AUTH_GOOD},
		{"SHA-512-256",
		 {"alice", "secret", NULL, DIGEST_SHA512_256, DIGEST_QOP_AUTH, 1, false},
		 SIP_AUTH_GOOD},
		{"auth-int",
		 {"alice", "secret", NULL, DIGEST_SHA256, DIGEST_QOP_AUTH_INT, 1, false},
		 SIP_AUTH_GOOD},
		{"an old peer without qop",
		 {"alice", "secret", NULL, DIGEST_MD5, DIGEST_QOP_NONE, 0, false},
		 SIP_AUTH_GOOD},
		{"a count from anywhere",
		 {"alice", "secret", NULL, DIGEST_MD5, DIGEST_QOP_AUTH, 9, false},
		 SIP_AUTH_GOOD},
		{"wrong password",
		 {"alice", "Secret", NULL, DIGEST_MD5, DIGEST_QOP_AUTH, 1, false},
		 SIP_AUTH_WRONG},
		{"no such user",
		 {"bob", "secret", NULL, DIGEST_MD5, DIGEST_QOP_AUTH, 1, false},
		 SIP_AUTH_WRONG},
		{"another realm",
		 {"alice", "secret", "other", DIGEST_MD5, DIGEST_QOP_AUTH, 1, false},
		 SIP_AUTH_NONE},
		{"-sess, which we do not offer",
		 {"alice", "secret", NULL, DIGEST_MD5, DIGEST_QOP_AUTH, 1, true},
		 SIP_AUTH_NONE},
	};
	struct buf buf = BUF_INIT;
	struct fixture fx;

	begin(&fx);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		challenge(&fx, false, &buf);
		CHECK_INT(cases[i].name, verdict(&fx, &cases[i].answer), cases[i].want);
	}
	CHECK_INT("good", sip_auth_stats(fx.auth)->good, 6);
	CHECK_INT("wrong", sip_auth_stats(fx.auth)->wrong, 2);
	buf_done(&buf);
	sip_auth_free(fx.auth);
}

static void replay_and_age(void)
{
	struct answer answer = {.user = "alice",
				.password = "secret",
				.algorithm = DIGEST_SHA256,
				.qop = DIGEST_QOP_AUTH,
				.nc = 1},
		      wrong = answer;
	struct buf buf = BUF_INIT;
	struct fixture fx;

	begin(&fx);
	wrong.password = "guess";
	challenge(&fx, false, &buf);
	CHECK_INT("first", verdict(&fx, &answer), SIP_AUTH_GOOD);
	CHECK_INT("the same again", verdict(&fx, &answer), SIP_AUTH_STALE);
	CHECK_INT("told apart", sip_auth_stats(fx.auth)->replayed, 1);
	answer.nc = 2;
	CHECK_INT("the next", verdict(&fx, &answer), SIP_AUTH_GOOD);
	addr_set_port(&fx.flow.remote, 5999);
	answer.nc = 3;
	CHECK_INT("another port", verdict(&fx, &answer), SIP_AUTH_GOOD);
	(void)addr_parse(SLICE("192.0.2.9:5060"), &fx.flow.remote);
	answer.nc = 4;
	CHECK_INT("another address", verdict(&fx, &answer), SIP_AUTH_STALE);
	CHECK_INT("which is no place to guess from", verdict(&fx, &wrong), SIP_AUTH_STALE);
	(void)addr_parse(SLICE("192.0.2.1:5060"), &fx.flow.remote);
	fx.time.mono_ns += UINT64_C(301000) * 1000000;
	answer.nc = 5;
	CHECK_INT("too old", verdict(&fx, &answer), SIP_AUTH_STALE);
	CHECK("that is told", strstr(challenge(&fx, true, &buf), "stale=true") != NULL);
	answer.nc = 1;
	CHECK_INT("with the new one", verdict(&fx, &answer), SIP_AUTH_GOOD);
	strcpy(fx.nonce, "0123456789");
	CHECK_INT("a nonce that is none of ours", verdict(&fx, &answer), SIP_AUTH_STALE);
	buf_done(&buf);
	sip_auth_free(fx.auth);
}

static void several_headers(void)
{
	static const struct {
		const char *name, *lines;
		enum sip_auth_verdict want;
	} cases[] = {
		{"none", "", SIP_AUTH_NONE},
		{"of a proxy, for another", "Proxy-Authorization: Digest realm=\"hearth\"\r\n",
		 SIP_AUTH_NONE},
		{"basic", "Authorization: Basic YWxpY2U6c2VjcmV0\r\n", SIP_AUTH_NONE},
		{"another algorithm",
		 "Authorization: Digest username=\"alice\", realm=\"hearth\", nonce=\"n\", "
		 "uri=\"u\", response=\"r\", algorithm=SHA-1\r\n",
		 SIP_AUTH_NONE},
		{"not to be read", "Authorization: Digest username=\"alice\r\n",
		 SIP_AUTH_MALFORMED},
		{"ours behind one for others",
		 "Authorization: Digest username=\"x\", realm=\"other\", nonce=\"n\", uri=\"u\", "
		 "response=\"r\"\r\n"
		 "Authorization: Digest username=\"alice\", realm=\"hearth\", nonce=\"n\", "
		 "uri=\"u\", response=\"r\"\r\n",
		 SIP_AUTH_STALE},
	};
	struct fixture fx;
	struct slice user;

	begin(&fx);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_auth_question question = ask(&fx, cases[i].lines);

		CHECK_INT(cases[i].name, sip_auth_check(fx.auth, &question, &user), cases[i].want);
		if (cases[i].want == SIP_AUTH_STALE)
			CHECK_SLICE(cases[i].name, sip_auth_claim(&question), "alice");
		else
			CHECK(cases[i].name, !slice_present(sip_auth_claim(&question)));
	}
	sip_auth_free(fx.auth);
}

/* RFC 8760 2.3, 2.4: one header field for each algorithm, in our order. */
static void order(void)
{
	static const char *const bad[] = {"", "SHA-1", "MD5,,SHA-256", "MD5, md5", "MD5,"};
	struct answer answer = {.user = "alice",
				.password = "secret",
				.algorithm = DIGEST_MD5,
				.qop = DIGEST_QOP_AUTH,
				.nc = 1};
	const char *text, *sha256, *sha512, *md5;
	struct buf buf = BUF_INIT;
	struct fixture fx;

	begin(&fx);
	text = challenge(&fx, false, &buf);
	sha256 = strstr(text, "algorithm=SHA-256\r\nWWW-Authenticate: Digest ");
	sha512 = strstr(text, "algorithm=SHA-512-256\r\nWWW-Authenticate: Digest ");
	md5 = strstr(text, "algorithm=MD5\r\n");
	CHECK("in this order", sha256 && sha512 && md5 && sha256 < sha512 && sha512 < md5);
	CHECK("first of all it is not stale", !strstr(text, "stale"));
	CHECK("both kinds of protection", strstr(text, "qop=\"auth,auth-int\"") != NULL);
	CHECK_INT("one alone", sip_auth_set_order(fx.auth, SLICE(" sha-256 ")), 0);
	CHECK("is offered alone", !strstr(challenge(&fx, false, &buf), "MD5"));
	CHECK_INT("and taken alone", verdict(&fx, &answer), SIP_AUTH_NONE);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_INT(bad[i], sip_auth_set_order(fx.auth, slice_of(bad[i])), -EINVAL);
	CHECK("a mistake changes nothing", !strstr(challenge(&fx, false, &buf), "MD5"));
	buf_done(&buf);
	sip_auth_free(fx.auth);
}

void suite_auth(void)
{
	CHECK_SUITE("auth");
	CHECK_TEST(answers);
	CHECK_TEST(replay_and_age);
	CHECK_TEST(several_headers);
	CHECK_TEST(order);
}
