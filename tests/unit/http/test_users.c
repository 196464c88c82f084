#include <stdio.h>

#include "base/attr.h"
#include "focus/focus.h"
#include "tests/support/check.h"
#include "tests/unit/http/site.h"

static void create(void)
{
	static const struct {
		const char *name, *body;
		int status;
		const char *problem, *field;
	} cases[] = {
		{"plain", "{\"name\":\"alice\",\"password\":\"secret\"}", 201, "", ""},
		{"the same again", "{\"name\":\"alice\",\"password\":\"x\"}", 409,
		 "/problems/user-exists", ""},
		{"with all",
		 "{\"name\":\"bob\",\"password\":\"x\",\"display_name\":\"Bob\",\"aliases\":["
		 "\"200\","
		 "\"+4930\"],\"enabled\":true,\"may_dial_out\":true,\"may_refer_out\":true,"
		 "\"may_create_rooms\":false}",
		 201, "", ""},
		{"an alias of another", "{\"name\":\"c\",\"password\":\"x\",\"aliases\":[\"200\"]}",
		 409, "/problems/user-exists", ""},
		{"nulls",
		 "{\"name\":\"n\",\"password\":\"x\",\"display_name\":null,\"aliases\":null}", 201,
		 "", ""},
		{"no password", "{\"name\":\"c\"}", 422, "/problems/bad-field", "password"},
		{"empty password", "{\"name\":\"c\",\"password\":\"\"}", 422, "/problems/bad-field",
		 "password"},
		{"odd password", "{\"name\":\"c\",\"password\":\"a\\nb\"}", 422,
		 "/problems/user-password", "password"},
		{"bad name", "{\"name\":\"a b\",\"password\":\"x\"}", 422, "/problems/user-name",
		 "name"},
		{"bad alias", "{\"name\":\"c\",\"password\":\"x\",\"aliases\":[\"1,2\"]}", 422,
		 "/problems/user-alias", "aliases"},
		{"aliases are a list", "{\"name\":\"c\",\"password\":\"x\",\"aliases\":\"1\"}", 422,
		 "/problems/bad-field", "aliases"},
		{"of strings", "{\"name\":\"c\",\"password\":\"x\",\"aliases\":[1]}", 422,
		 "/problems/bad-field", "aliases"},
		{"too many",
		 "{\"name\":\"c\",\"password\":\"x\",\"aliases\":[\"1\",\"2\",\"3\",\"4\",\"5\","
		 "\"6\","
		 "\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]}",
		 422, "/problems/bad-field", "aliases"},
		{"not JSON", "{", 400, "/problems/bad-json", ""},
	};
	struct site *site = site_new(NULL);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer answer = site_ask(site, "POST", "/api/v1/users", NULL, cases[i].body);

		CHECK_INT(cases[i].name, answer.status, cases[i].status);
		CHECK_STR(cases[i].name, answer_text(&answer, "type"), cases[i].problem);
		CHECK_STR(cases[i].name, answer_text(&answer, "field"), cases[i].field);
		CHECK(cases[i].name,
		      slice_present(answer_field(&answer, "Location")) == (answer.status == 201));
		answer_done(&answer);
	}
	site_free(site);
}

static bool is_true(const struct answer *answer, const char *path)
{
	return json_is_true(answer_member(answer, path));
}

static void view(void)
{
	struct site *site = site_new("sip.realm=example.com");
	struct answer answer = site_ask(
		site, "POST", "/api/v1/users", NULL,
		"{\"name\":\"bob\",\"password\":\"zanzibar\",\"aliases\":[\"200\",\"201\"]}");

	CHECK_SLICE("location", answer_field(&answer, "Location"), "/api/v1/users/bob");
	CHECK("the password is not told", !strstr(answer.body.p, "zanzibar"));
	CHECK("nor its hashes", !strstr(answer.body.p, "ha1"));
	answer_done(&answer);
	answer = site_ask(site, "GET", "/api/v1/users/bob", NULL, NULL);
	CHECK_INT("get", answer.status, 200);
	CHECK_STR("name", answer_text(&answer, "name"), "bob");
	CHECK_STR("realm", answer_text(&answer, "realm"), "example.com");
	CHECK_STR("display_name", answer_text(&answer, "display_name"), "");
	CHECK_STR("alias", answer_text(&answer, "aliases.1"), "201");
	CHECK("enabled", is_true(&answer, "enabled"));
	CHECK("may make rooms", is_true(&answer, "may_create_rooms"));
	CHECK("and no more",
	      !is_true(&answer, "may_dial_out") && !is_true(&answer, "may_refer_out"));
	CHECK("created_at", answer_text(&answer, "created_at")[0] == '2');
	CHECK("ETag", slice_present(answer_field(&answer, "ETag")));
	answer_done(&answer);
	answer = site_ask(site, "GET", "/api/v1/users/200", NULL, NULL);
	CHECK_INT("an alias is no user", answer.status, 404);
	CHECK_STR("unknown", answer_text(&answer, "type"), "/problems/user-unknown");
	answer_done(&answer);
	site_free(site);
}

static void change(void)
{
	struct site *site = site_new(NULL);
	struct answer answer;
	char tag[64], field[96];

	CHECK_INT("bob",
		  site_status(site, "POST", "/api/v1/users", NULL,
			      "{\"name\":\"bob\",\"password\":\"x\",\"aliases\":[\"200\"]}"),
		  201);
	answer = site_ask(site, "PATCH", "/api/v1/users/bob", NULL,
			  "{\"display_name\":\"Bob\",\"may_dial_out\":true}");
	CHECK_INT("change", answer.status, 200);
	CHECK_STR("name", answer_text(&answer, "display_name"), "Bob");
	CHECK("right", is_true(&answer, "may_dial_out"));
	CHECK_STR("what was not said stays", answer_text(&answer, "aliases.0"), "200");
	slice_cstr(answer_field(&answer, "ETag"), tag, sizeof(tag));
	answer_done(&answer);
	answer = site_ask(site, "PATCH", "/api/v1/users/bob", NULL,
			  "{\"display_name\":null,\"aliases\":[],\"enabled\":false,"
			  "\"password\":\"new\"}");
	CHECK_INT("change", answer.status, 200);
	CHECK_STR("empty", answer_text(&answer, "display_name"), "");
	CHECK("disabled", !is_true(&answer, "enabled"));
	CHECK("no alias", !answer_member(&answer, "aliases.0"));
	answer_done(&answer);
	snprintf(field, sizeof(field), "If-Match: %s\r\n", tag);
	CHECK_INT("changed meanwhile", site_status(site, "PATCH", "/api/v1/users/bob", field, "{}"),
		  412);
	CHECK_INT("changed meanwhile",
		  site_status(site, "DELETE", "/api/v1/users/bob", field, NULL), 412);
	CHECK_INT("the name is for ever",
		  site_status(site, "PATCH", "/api/v1/users/bob", NULL, "{\"name\":\"b\"}"), 422);
	CHECK_INT("delete", site_status(site, "DELETE", "/api/v1/users/bob", NULL, NULL), 204);
	CHECK_INT("gone", site_status(site, "DELETE", "/api/v1/users/bob", NULL, NULL), 404);
	CHECK_INT("none", users_count(focus_users(site->focus)), 0);
	site_free(site);
}

static void list(void)
{
	struct site *site = site_new(NULL);
	struct answer answer;
	char body[64];

	for (int i = 0; i < 5; i++) {
		snprintf(body, sizeof(body), "{\"name\":\"u%d\",\"password\":\"x\"}", 4 - i);
		CHECK_INT(body, site_status(site, "POST", "/api/v1/users", NULL, body), 201);
	}
	answer = site_ask(site, "GET", "/api/v1/users?limit=2", NULL, NULL);
	CHECK_STR("first", answer_text(&answer, "users.0.name"), "u0");
	CHECK_STR("next", answer_text(&answer, "next"), "u1");
	answer_done(&answer);
	answer = site_ask(site, "GET", "/api/v1/users?after=u2", NULL, NULL);
	CHECK_STR("the rest", answer_text(&answer, "users.1.name"), "u4");
	CHECK("is all", json_is_null(answer_member(&answer, "next")));
	answer_done(&answer);
	site_free(site);
}

void suite_users(void)
{
	CHECK_SUITE("users");
	CHECK_TEST(create);
	CHECK_TEST(view);
	CHECK_TEST(change);
	CHECK_TEST(list);
}
