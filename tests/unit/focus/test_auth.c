#include "focus/auth.h"

#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"

struct fixture {
	struct clock_virtual time;
	struct random random;
	struct config *config;
	struct users *users;
	struct auth *auth;
	struct sip_flow flow;
	const char *certificate; /* of the peer on connection 7 */
	struct auth_identity who;
	struct buf headers;
	char text[2048];
	struct sip_msg msg;
};

static bool peer_has_name(void *ctx, const struct sip_flow *flow, struct slice name)
{
	struct fixture *fx = ctx;

	return flow->connection == 7 && fx->certificate && slice_is(name, fx->certificate);
}

static const struct sip_net_ops net_ops = {.peer_has_name = peer_has_name};

static void set(struct fixture *fx, const char *assignment)
{
	struct buf errors = BUF_INIT;

	CHECK_INT(assignment, config_set(fx->config, assignment, &errors), 0);
	CHECK_INT(errors.p, config_check(fx->config, &errors), 0);
	buf_done(&errors);
	auth_reload(fx->auth);
}

static struct user *add(struct fixture *fx, const char *name, const char *aliases)
{
	struct user_settings s = {.password = SLICE("secret"),
				  .display_name = SLICE("The User"),
				  .aliases = slice_of(aliases),
				  .is_enabled = true};
	struct user *user = NULL;

	CHECK_INT(name, users_create(fx->users, slice_of(name), &s, &user), 0);
	return user;
}

static void begin(struct fixture *fx)
{
	*fx = (struct fixture){.time.mono_ns = UINT64_C(1000000000)};
	random_init_seeded(&fx->random, 5);
	(void)addr_parse(SLICE("192.0.2.1:5060"), &fx->flow.remote);
	CHECK_INT("config", config_new(&fx->config), 0);
	CHECK_INT("users", users_new(NULL, clock_virtual(&fx->time), &fx->users), 0);
	CHECK_INT("auth",
		  auth_new(&(struct auth_params){.clock = clock_virtual(&fx->time),
						 .random = &fx->random,
						 .config = fx->config,
						 .users = fx->users,
						 .net = {&net_ops, fx}},
			   &fx->auth),
		  0);
	set(fx, "sip.domains=example.com");
	set(fx, "sip.auth_algorithms=SHA-256,MD5");
}

static void end(struct fixture *fx)
{
	buf_done(&fx->headers);
	auth_free(fx->auth);
	users_free(fx->users);
	config_free(fx->config);
}

struct ask {
	enum auth_need need;
	const char *from, *to, *lines;
};

static int ask(struct fixture *fx, const struct ask *ask)
{
	bool is_register = ask->need == AUTH_REGISTER;
	const char *method = is_register ? "REGISTER" : "INVITE";
	struct auth_question question = {&fx->msg, &fx->flow, ask->need};
	int len = snprintf(fx->text, sizeof(fx->text),
			   "%s sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
			   "From: %s;tag=1\r\nTo: %s\r\nCall-ID: 1\r\nCSeq: 1 %s\r\n%s"
			   "Content-Length: 0\r\n\r\n",
			   method, ask->from ? ask->from : "<sip:alice@example.com>",
			   ask->to ? ask->to : "<sip:alice@example.com>", method,
			   ask->lines ? ask->lines : "");

	CHECK_INT("message", sip_msg_parse(fx->text, (size_t)len, &fx->msg), 0);
	buf_clear(&fx->headers);
	return auth_decide(fx->auth, &question, &fx->who, &fx->headers);
}

/* Asks, answers the challenge, and asks again. */
static int prove(struct fixture *fx, const struct ask *first, const char *user,
		 const char *password)
{
	char ha1[DIGEST_HEX_MAX], response[DIGEST_HEX_MAX], nonce[NONCE_TEXT_MAX];
	struct digest_credentials c = {.algorithm = DIGEST_SHA256,
				       .qop = DIGEST_QOP_AUTH,
				       .username = slice_of(user),
				       .realm = SLICE("example.com"),
				       .uri = SLICE("sip:example.com"),
				       .cnonce = SLICE("c"),
				       .nc_text = SLICE("00000001")};
	struct ask again = *first;
	struct buf lines = BUF_INIT;
	struct slice method = first->need == AUTH_REGISTER ? SLICE("REGISTER") : SLICE("INVITE");
	const char *at;
	int err = ask(fx, first);

	if (err != ERR_AUTH_REQUIRED)
		return err;
	at = strstr(fx->headers.p, "nonce=\"");
	if (!CHECK("nonce", at != NULL))
		return err;
	slice_cstr(slice_first(slice_of(at + 7), strcspn(at + 7, "\"")), nonce, sizeof(nonce));
	c.nonce = slice_of(nonce);
	CHECK_INT("ha1", digest_ha1(DIGEST_SHA256, c.username, c.realm, slice_of(password), ha1),
		  0);
	CHECK_INT("response", digest_response(&c, ha1, method, SLICE_NONE, response), 0);
	c.response = slice_of(response);
	buf_adds(&lines, "Authorization: ");
	digest_credentials_write(&c, &lines);
	buf_addf(&lines, "\r\n%s", first->lines ? first->lines : "");
	again.lines = lines.p;
	err = ask(fx, &again);
	buf_done(&lines);
	return err;
}

#define ALICE "<sip:alice@example.com>"
#define GUEST "<sip:guest@elsewhere.example>"
#define BOB "<sip:bob@example.com>"

static void who_is_asked(void)
{
	static const struct {
		const char *name, *auth;
		struct ask ask;
		int want;
	} cases[] = {
		{"off: a guest comes in", "off", {AUTH_CALL, GUEST, NULL, NULL}, 0},
		{"off: so does who says to be alice", "off", {AUTH_CALL, ALICE, NULL, NULL}, 0},
		{"off: nobody registers unasked",
		 "off",
		 {AUTH_REGISTER, ALICE, ALICE, NULL},
		 ERR_AUTH_REQUIRED},
		{"off: a right is asked for",
		 "off",
		 {AUTH_REFER_OUT, GUEST, NULL, NULL},
		 ERR_AUTH_REQUIRED},
		{"off: and so is this one",
		 "off",
		 {AUTH_DIAL_OUT, GUEST, NULL, NULL},
		 ERR_AUTH_REQUIRED},
		{"users: a guest comes in", "users", {AUTH_CALL, GUEST, NULL, NULL}, 0},
		{"users: alice must be alice",
		 "users",
		 {AUTH_CALL, ALICE, NULL, NULL},
		 ERR_AUTH_REQUIRED},
		{"users: by an alias too",
		 "users",
		 {AUTH_CALL, "<sip:100@example.com>", NULL, NULL},
		 ERR_AUTH_REQUIRED},
		{"users: alice of elsewhere is another",
		 "users",
		 {AUTH_CALL, "<sip:alice@elsewhere.example>", NULL, NULL},
		 0},
		{"users: nobody of ours", "users", {AUTH_CALL, BOB, NULL, NULL}, 0},
		{"users: speaking is as calling",
		 "users",
		 {AUTH_SPEAK, ALICE, NULL, NULL},
		 ERR_AUTH_REQUIRED},
		{"all: everybody", "all", {AUTH_CALL, GUEST, NULL, NULL}, ERR_AUTH_REQUIRED},
		{"all: everybody", "all", {AUTH_SPEAK, GUEST, NULL, NULL}, ERR_AUTH_REQUIRED},
		{"what cannot be read",
		 "off",
		 {AUTH_CALL, GUEST, NULL, "Authorization: Digest x\r\n"},
		 ERR_AUTH_MALFORMED},
	};
	struct fixture fx;

	begin(&fx);
	CHECK_INT("nobody could answer", ask(&fx, &(struct ask){AUTH_REGISTER, ALICE, ALICE, NULL}),
		  ERR_NOT_ALLOWED);
	add(&fx, "alice", "100");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char line[32];

		snprintf(line, sizeof(line), "sip.auth=%s", cases[i].auth);
		set(&fx, line);
		CHECK_INT(cases[i].name, ask(&fx, &cases[i].ask), cases[i].want);
		CHECK_INT(cases[i].name, fx.headers.len > 0, cases[i].want == ERR_AUTH_REQUIRED);
		CHECK(cases[i].name, fx.who.user == NULL);
		CHECK_STR(cases[i].name, fx.who.user_name, "");
	}
	end(&fx);
}

static void who_may(void)
{
	static const struct {
		const char *name, *user, *password;
		struct ask ask;
		int want;
	} cases[] = {
		{"registers", "alice", "secret", {AUTH_REGISTER, ALICE, ALICE, NULL}, 0},
		{"by an alias",
		 "alice",
		 "secret",
		 {AUTH_REGISTER, ALICE, "<sip:100@example.com>", NULL},
		 0},
		{"not for others",
		 "alice",
		 "secret",
		 {AUTH_REGISTER, ALICE, BOB, NULL},
		 ERR_NOT_ALLOWED},
		{"nor elsewhere",
		 "alice",
		 "secret",
		 {AUTH_REGISTER, ALICE, "<sip:alice@elsewhere.example>", NULL},
		 ERR_NOT_ALLOWED},
		{"wrong password",
		 "alice",
		 "guess",
		 {AUTH_REGISTER, ALICE, ALICE, NULL},
		 ERR_AUTH_REQUIRED},
		{"disabled",
		 "dave",
		 "secret",
		 {AUTH_REGISTER, "<sip:dave@example.com>", "<sip:dave@example.com>", NULL},
		 ERR_AUTH_REQUIRED},
		{"has the right", "bob", "secret", {AUTH_DIAL_OUT, BOB, NULL, NULL}, 0},
		{"has not", "bob", "secret", {AUTH_REFER_OUT, BOB, NULL, NULL}, ERR_NOT_ALLOWED},
		{"has not", "alice", "secret", {AUTH_DIAL_OUT, ALICE, NULL, NULL}, ERR_NOT_ALLOWED},
		{"in another's name",
		 "bob",
		 "secret",
		 {AUTH_DIAL_OUT, ALICE, NULL, NULL},
		 ERR_NOT_ALLOWED},
		{"from behind another domain",
		 "bob",
		 "secret",
		 {AUTH_DIAL_OUT, GUEST, NULL, NULL},
		 0},
	};
	struct user_settings s = {.is_enabled = true, .may_dial_out = true};
	struct fixture fx;
	struct user *dave;

	begin(&fx);
	set(&fx, "sip.auth_failures_max=0");
	add(&fx, "alice", "100");
	CHECK_INT("bob may", users_set(fx.users, add(&fx, "bob", NULL), &s), 0);
	dave = add(&fx, "dave", NULL);
	CHECK_INT("dave may not",
		  users_set(fx.users, dave, &(struct user_settings){.is_enabled = false}), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_INT(cases[i].name,
			  prove(&fx, &cases[i].ask, cases[i].user, cases[i].password),
			  cases[i].want);
		if (cases[i].want == 0)
			CHECK(cases[i].name,
			      fx.who.user == users_find(fx.users, slice_of(cases[i].user)));
	}
	end(&fx);
}

static void lock_out(void)
{
	struct ask reg = {AUTH_REGISTER, ALICE, ALICE, NULL}, call = {AUTH_CALL, GUEST, NULL, NULL};
	struct fixture fx;

	begin(&fx);
	set(&fx, "sip.auth_failures_max=3");
	add(&fx, "alice", NULL);
	for (int i = 0; i < 3; i++)
		CHECK_INT("guess", prove(&fx, &reg, "alice", "guess"), ERR_AUTH_REQUIRED);
	CHECK_INT("not even the right one", prove(&fx, &reg, "alice", "secret"), ERR_AUTH_LOCKED);
	CHECK_SLICE("for so long", buf_slice(&fx.headers), "Retry-After: 30\r\n");
	CHECK_INT("guests are not shut out", ask(&fx, &call), 0);
	fx.time.mono_ns += UINT64_C(30000000000);
	CHECK_INT("then again", prove(&fx, &reg, "alice", "secret"), 0);
	end(&fx);
}

static void trusted(void)
{
#define PAI "P-Asserted-Identity: \"Real\" <sip:+4930@sbc.example>, <tel:+4930>\r\n"
	static const struct {
		const char *name, *address;
		struct ask ask;
		int want;
		const char *uri, *display;
	} cases[] = {
		{"believed",
		 "10.0.0.9:5060",
		 {AUTH_CALL, GUEST, NULL, PAI},
		 0,
		 "sip:+4930@sbc.example",
		 "Real"},
		{"of a stranger it counts nothing",
		 "192.0.2.1:5060",
		 {AUTH_CALL, GUEST, NULL, PAI},
		 ERR_AUTH_REQUIRED,
		 "",
		 ""},
		{"a tel URI",
		 "10.0.0.9:5060",
		 {AUTH_CALL, GUEST, NULL, "P-Asserted-Identity: <tel:+4940>\r\n"},
		 0,
		 "tel:+4940",
		 ""},
		{"nothing to be believed",
		 "10.0.0.9:5060",
		 {AUTH_CALL, GUEST, NULL, "P-Asserted-Identity: <http://x>, garbage <\r\n"},
		 0,
		 "",
		 ""},
		{"calls go out", "10.0.0.9:5060", {AUTH_DIAL_OUT, GUEST, NULL, NULL}, 0, "", ""},
		{"registers ours", "10.0.0.9:5060", {AUTH_REGISTER, ALICE, ALICE, NULL}, 0, "", ""},
		{"and nobody else",
		 "10.0.0.9:5060",
		 {AUTH_REGISTER, BOB, BOB, NULL},
		 ERR_NOT_ALLOWED,
		 "",
		 ""},
	};
	struct fixture fx;

	begin(&fx);
	set(&fx, "sip.auth=all");
	set(&fx, "sip.trusted=10.0.0.0/8,tls:sbc.example");
	add(&fx, "alice", NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		(void)addr_parse(slice_of(cases[i].address), &fx.flow.remote);
		CHECK_INT(cases[i].name, ask(&fx, &cases[i].ask), cases[i].want);
		CHECK_STR(cases[i].name, fx.who.uri, cases[i].uri);
		CHECK_STR(cases[i].name, fx.who.display_name, cases[i].display);
	}
	(void)addr_parse(SLICE("192.0.2.1:5060"), &fx.flow.remote);
	fx.flow.connection = 7;
	fx.certificate = "sbc.example";
	CHECK_INT("by certificate", ask(&fx, &(struct ask){AUTH_CALL, GUEST, NULL, PAI}), 0);
	CHECK_STR("believed", fx.who.uri, "sip:+4930@sbc.example");
	end(&fx);
}

/* Whom a trusted peer asserts is a user of ours at a domain of ours alone. */
static void users_that_are_asserted(void)
{
	static const struct {
		const char *name, *lines, *want;
	} cases[] = {
		{"ours", "P-Asserted-Identity: <sip:alice@example.com>\r\n", "alice"},
		{"by an alias", "P-Asserted-Identity: <sip:100@example.com>\r\n", "alice"},
		{"and hides", "P-Asserted-Identity: <sip:alice@example.com>\r\nPrivacy: id\r\n",
		 "alice"},
		{"elsewhere", "P-Asserted-Identity: <sip:alice@elsewhere.example>\r\n", ""},
		{"at an address", "P-Asserted-Identity: <sip:alice@10.0.0.9>\r\n", ""},
		{"a number that is no SIP URI", "P-Asserted-Identity: <tel:100>\r\n", ""},
		{"unknown", "P-Asserted-Identity: <sip:zoe@example.com>\r\n", ""},
		{"disabled", "P-Asserted-Identity: <sip:dave@example.com>\r\n", ""},
		{"by From alone", "", ""},
	};
	struct fixture fx;
	struct user *dave;

	begin(&fx);
	set(&fx, "sip.trusted=192.0.2.1");
	add(&fx, "alice", "100");
	dave = add(&fx, "dave", NULL);
	CHECK_INT("dave", users_set(fx.users, dave, &(struct user_settings){.is_enabled = false}),
		  0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_INT(cases[i].name,
			  ask(&fx, &(struct ask){AUTH_CALL, ALICE, NULL, cases[i].lines}), 0);
		CHECK_STR(cases[i].name, fx.who.user_name, cases[i].want);
	}
	set(&fx, "sip.trusted=");
	CHECK_INT("a stranger", ask(&fx, &(struct ask){AUTH_CALL, ALICE, NULL, cases[0].lines}), 0);
	CHECK_STR("is not believed", fx.who.user_name, "");
	end(&fx);
}

static void certificates(void)
{
	struct ask reg = {AUTH_REGISTER, ALICE, ALICE, NULL};
	struct fixture fx;
	struct user *alice;

	begin(&fx);
	alice = add(&fx, "alice", NULL);
	fx.certificate = "sip:alice@example.com";
	CHECK_INT("not on this path", ask(&fx, &reg), ERR_AUTH_REQUIRED);
	fx.flow.connection = 7;
	CHECK_INT("no password is asked for", ask(&fx, &reg), 0);
	CHECK("it is alice", fx.who.user == alice);
	CHECK_STR("by name", fx.who.user_name, "alice");
	CHECK_STR("as she is called", fx.who.display_name, "The User");
	CHECK_INT("a right is a right", ask(&fx, &(struct ask){AUTH_DIAL_OUT, ALICE, NULL, NULL}),
		  ERR_NOT_ALLOWED);
	fx.certificate = "sip:mallory@example.com";
	CHECK_INT("another's", ask(&fx, &reg), ERR_AUTH_REQUIRED);
	fx.certificate = "sip:alice@example.com";
	CHECK_INT("disabled",
		  users_set(fx.users, alice, &(struct user_settings){.is_enabled = false}), 0);
	CHECK_INT("is disabled here too", ask(&fx, &reg), ERR_AUTH_REQUIRED);
	end(&fx);
}

static void privacy(void)
{
	static const struct {
		const char *lines;
		bool is_private;
		int err;
	} cases[] = {
		{"", false, 0},
		{"Privacy: id\r\n", true, 0},
		{"Privacy: header;user\r\n", true, 0},
		{"Privacy: critical; ID\r\n", true, 0},
		{"Privacy: none\r\n", false, 0},
		{"Privacy: session\r\n", false, 0},
		{"Privacy: session;critical\r\n", false, 0},
		{"Privacy: identity\r\n", false, 0},
		{"Privacy: identity;critical\r\n", false, ERR_PRIVACY},
		{"Privacy: critical;id;invisible\r\n", true, ERR_PRIVACY},
		{"Privacy: ;;\r\n", false, 0},
	};
	struct fixture fx;

	begin(&fx);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_INT(cases[i].lines,
			  ask(&fx, &(struct ask){AUTH_CALL, GUEST, NULL, cases[i].lines}),
			  cases[i].err);
		CHECK_INT(cases[i].lines, fx.who.is_private, cases[i].is_private);
		CHECK_STR(cases[i].lines, fx.who.uri,
			  cases[i].is_private ? "sip:anonymous@anonymous.invalid" : "");
	}
	set(&fx, "sip.trusted=192.0.2.1");
	CHECK_INT("also what is asserted",
		  ask(&fx, &(struct ask){AUTH_CALL, GUEST, NULL, PAI "Privacy: id\r\n"}), 0);
	CHECK_STR("hidden", fx.who.display_name, "Anonymous");
	end(&fx);
}

static void realms(void)
{
	static const struct {
		const char *realm, *domains, *host, *want;
	} cases[] = {
		{"", "", "", "hearth"},
		{"", "", "pbx.example:5070", "pbx.example"},
		{"", "one.example,two.example", "pbx.example", "one.example"},
		{"own", "one.example", "pbx.example", "own"},
	};
	struct fixture fx;
	char line[64];

	begin(&fx);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(line, sizeof(line), "sip.domains=%s", cases[i].domains);
		set(&fx, line);
		snprintf(line, sizeof(line), "sip.public_host=%s", cases[i].host);
		set(&fx, line);
		snprintf(line, sizeof(line), "sip.realm=%s", cases[i].realm);
		set(&fx, line);
		CHECK_STR(cases[i].want, users_realm(fx.users), cases[i].want);
	}
	end(&fx);
}

void suite_auth(void)
{
	CHECK_SUITE("auth");
	CHECK_TEST(who_is_asked);
	CHECK_TEST(who_may);
	CHECK_TEST(lock_out);
	CHECK_TEST(trusted);
	CHECK_TEST(users_that_are_asserted);
	CHECK_TEST(certificates);
	CHECK_TEST(privacy);
	CHECK_TEST(realms);
}
