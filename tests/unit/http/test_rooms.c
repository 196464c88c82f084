#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "tests/support/check.h"
#include "tests/unit/http/site.h"

static void create(void)
{
	static const struct {
		const char *name, *body;
		int status;
		const char *problem, *field;
	} cases[] = {
		{"named", "{\"id\":\"lobby\"}", 201, "", ""},
		{"the same again", "{\"id\":\"lobby\"}", 409, "/problems/room-exists", ""},
		{"with settings",
		 "{\"id\":\"b\",\"locked\":true,\"muted\":true,\"max_participants\":3}", 201, "",
		 ""},
		{"unnamed", "{}", 201, "", ""},
		{"bad name", "{\"id\":\"a b\"}", 422, "/problems/room-name", "id"},
		{"hidden name", "{\"id\":\".a\"}", 422, "/problems/room-name", "id"},
		{"wrong type", "{\"id\":\"c\",\"locked\":\"yes\"}", 422, "/problems/bad-field",
		 "locked"},
		{"unknown field", "{\"id\":\"c\",\"colour\":1}", 422, "/problems/bad-field",
		 "colour"},
		{"codecs", "{\"id\":\"c\",\"codecs\":[\"g722\",\"PCMU\"]}", 201, "", ""},
		{"no codec", "{\"id\":\"d\",\"codecs\":[\"G729\"]}", 422, "/problems/bad-field",
		 "codecs"},
		{"twice", "{\"id\":\"d\",\"codecs\":[\"PCMU\",\"pcmu\"]}", 422,
		 "/problems/bad-field", "codecs"},
		{"not JSON", "{\"id\":", 400, "/problems/bad-json", ""},
	};
	struct site *site = site_new(NULL);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer answer = site_ask(site, "POST", "/api/v1/rooms", NULL, cases[i].body);

		CHECK_INT(cases[i].name, answer.status, cases[i].status);
		CHECK_STR(cases[i].name, answer_text(&answer, "type"), cases[i].problem);
		CHECK_STR(cases[i].name, answer_text(&answer, "field"), cases[i].field);
		CHECK(cases[i].name,
		      slice_present(answer_field(&answer, "Location")) == (answer.status == 201));
		CHECK(cases[i].name,
		      slice_present(answer_field(&answer, "ETag")) == (answer.status == 201));
		answer_done(&answer);
	}
	site_free(site);
}

static void view(void)
{
	struct site *site = site_new(NULL);
	struct answer answer = site_ask(site, "POST", "/api/v1/rooms", NULL,
					"{\"id\":\"b\",\"locked\":true,\"max_participants\":3}");

	CHECK_STR("id", answer_text(&answer, "id"), "b");
	CHECK_STR("uri", answer_text(&answer, "uri"), "sip:b@10.0.0.1");
	CHECK_STR("origin", answer_text(&answer, "origin"), "api");
	CHECK("locked", json_is_true(answer_member(&answer, "locked")));
	CHECK("muted", json_is_false(answer_member(&answer, "muted")));
	CHECK_INT("max", json_integer_value(answer_member(&answer, "max_participants")), 3);
	CHECK_INT("count", json_integer_value(answer_member(&answer, "participants")), 0);
	CHECK("created_at", answer_text(&answer, "created_at")[0] == '2');
	CHECK_SLICE("location", answer_field(&answer, "Location"), "/api/v1/rooms/b");
	answer_done(&answer);
	answer = site_ask(site, "GET", "/api/v1/rooms/b", NULL, NULL);
	CHECK_INT("get", answer.status, 200);
	CHECK_STR("get", answer_text(&answer, "id"), "b");
	answer_done(&answer);
	answer = site_ask(site, "GET", "/api/v1/rooms/nobody", NULL, NULL);
	CHECK_INT("unknown", answer.status, 404);
	CHECK_STR("unknown", answer_text(&answer, "type"), "/problems/room-unknown");
	CHECK_SLICE("unknown", answer_field(&answer, "Content-Type"), "application/problem+json");
	answer_done(&answer);
	site_free(site);
}

static void change(void)
{
	struct site *site = site_new("rooms.participants_max=50");
	struct answer answer = {0};

	(void)site_status(site, "POST", "/api/v1/rooms", NULL,
			  "{\"id\":\"a\",\"max_participants\":3}");
	answer = site_ask(site, "PATCH", "/api/v1/rooms/a", NULL, "{\"locked\":true}");
	CHECK_INT("lock", answer.status, 200);
	CHECK("lock", json_is_true(answer_member(&answer, "locked")));
	CHECK_INT("rest stays", json_integer_value(answer_member(&answer, "max_participants")), 3);
	answer_done(&answer);
	answer = site_ask(site, "PATCH", "/api/v1/rooms/a", NULL,
			  "{\"max_participants\":null,\"muted\":true,\"locked\":false}");
	CHECK("three at once", json_is_true(answer_member(&answer, "muted")) &&
				       json_is_false(answer_member(&answer, "locked")));
	CHECK_INT("null is the default",
		  json_integer_value(answer_member(&answer, "max_participants")), 50);
	answer_done(&answer);
	CHECK_INT("nothing", site_status(site, "PATCH", "/api/v1/rooms/a", NULL, "{}"), 200);
	CHECK_INT("id stays", site_status(site, "PATCH", "/api/v1/rooms/a", NULL, "{\"id\":\"b\"}"),
		  422);
	CHECK_INT("unknown", site_status(site, "PATCH", "/api/v1/rooms/x", NULL, "{}"), 404);
	CHECK_INT("merge patch",
		  site_status(site, "PATCH", "/api/v1/rooms/a",
			      "Content-Type: application/merge-patch+json\r\n",
			      "{\"muted\":false}"),
		  200);
	CHECK_INT("delete", site_status(site, "DELETE", "/api/v1/rooms/a", NULL, NULL), 204);
	CHECK_INT("gone", site_status(site, "DELETE", "/api/v1/rooms/a", NULL, NULL), 404);
	site_free(site);
}

/* If-Match (RFC 9110 13.1.1): who has read an older state does not overwrite a newer one. */
static void codecs_check(const char *name, struct answer *answer, size_t count, const char *first)
{
	const json_t *list = answer_member(answer, "codecs");

	CHECK_INT(name, answer->status, 200);
	if (CHECK_INT(name, json_array_size(list), count) && count)
		CHECK_STR(name, json_string_value(json_array_get(list, 0)), first);
	answer_done(answer);
}

static void codecs(void)
{
	struct site *site = site_new(NULL);
	struct answer answer;

	(void)site_status(site, "POST", "/api/v1/rooms", NULL,
			  "{\"id\":\"a\",\"codecs\":[\"g722\",\"PCMU\"]}");
	answer = site_ask(site, "GET", "/api/v1/rooms/a", NULL, NULL);
	codecs_check("ours by name", &answer, 2, "G722");
	answer = site_ask(site, "PATCH", "/api/v1/rooms/a", NULL, "{\"locked\":true}");
	codecs_check("not named: as before", &answer, 2, "G722");
	answer = site_ask(site, "PATCH", "/api/v1/rooms/a", NULL, "{\"codecs\":[\"PCMA\"]}");
	codecs_check("others", &answer, 1, "PCMA");
	answer = site_ask(site, "PATCH", "/api/v1/rooms/a", NULL, "{\"codecs\":null}");
	codecs_check("the server's", &answer, 0, "");
	site_free(site);
}

static void etags(void)
{
	struct site *site = site_new(NULL);
	struct answer first = site_ask(site, "POST", "/api/v1/rooms", NULL, "{\"id\":\"a\"}");
	struct answer second;
	char old[128], list[256];

	(void)snprintf(old, sizeof(old), "If-Match: " SLICE_FMT "\r\n",
		       SLICE_ARG(answer_field(&first, "ETag")));
	(void)snprintf(list, sizeof(list), "If-Match: \"x\", " SLICE_FMT "\r\n",
		       SLICE_ARG(answer_field(&first, "ETag")));
	second = site_ask(site, "PATCH", "/api/v1/rooms/a", old, "{\"locked\":true}");
	CHECK_INT("matches", second.status, 200);
	CHECK("a new one", !slice_eq(answer_field(&first, "ETag"), answer_field(&second, "ETag")));
	answer_done(&second);
	second = site_ask(site, "PATCH", "/api/v1/rooms/a", old, "{\"locked\":false}");
	CHECK_INT("too old", second.status, 412);
	CHECK("tells the present one", slice_present(answer_field(&second, "ETag")));
	answer_done(&second);
	CHECK_INT("in a list, too old", site_status(site, "PATCH", "/api/v1/rooms/a", list, "{}"),
		  412);
	CHECK_INT("delete, too old", site_status(site, "DELETE", "/api/v1/rooms/a", old, NULL),
		  412);
	CHECK_INT("any",
		  site_status(site, "PATCH", "/api/v1/rooms/a", "If-Match: *\r\n",
			      "{\"locked\":false}"),
		  200);
	(void)site_status(site, "DELETE", "/api/v1/rooms/a", NULL, NULL);
	(void)site_status(site, "POST", "/api/v1/rooms", NULL, "{\"id\":\"a\"}");
	CHECK_INT("a room of the same name later",
		  site_status(site, "DELETE", "/api/v1/rooms/a", old, NULL), 412);
	answer_done(&first);
	site_free(site);
}

static void paging(void)
{
	static const char *const names[] = {"delta", "alpha", "charlie", "bravo", "echo"};
	struct site *site = site_new(NULL);
	struct answer answer;
	char path[128] = "/api/v1/rooms?limit=2", seen[128] = "";
	char body[64];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(body, sizeof(body), "{\"id\":\"%s\"}", names[i]);
		(void)site_status(site, "POST", "/api/v1/rooms", NULL, body);
	}
	for (int page = 0; page < 4; page++) {
		const json_t *room;
		size_t i;

		answer = site_ask(site, "GET", path, NULL, NULL);
		CHECK_INT("page", answer.status, 200);
		json_array_foreach((json_t *)(uintptr_t)answer_member(&answer, "rooms"), i, room)
			strcat(strcat(seen, json_string_value(json_object_get(room, "id"))), " ");
		strcat(seen, "| ");
		(void)snprintf(path, sizeof(path), "/api/v1/rooms?limit=2&after=%s",
			       answer_text(&answer, "next"));
		if (json_is_null(answer_member(&answer, "next")))
			page = 4;
		answer_done(&answer);
	}
	CHECK_STR("pages", seen, "alpha bravo | charlie delta | echo | ");
	answer = site_ask(site, "GET", "/api/v1/rooms?limit=5", NULL, NULL);
	CHECK("exactly all", json_is_null(answer_member(&answer, "next")));
	answer_done(&answer);
	answer = site_ask(site, "GET", "/api/v1/rooms?after=c", NULL, NULL);
	CHECK_STR("after a name that is none", answer_text(&answer, "rooms.0.id"), "charlie");
	answer_done(&answer);
	site_free(site);
}

static void bad_queries(void)
{
	static const char *const paths[] = {
		"/api/v1/rooms?limit=0",   "/api/v1/rooms?limit=1001", "/api/v1/rooms?limit=-1",
		"/api/v1/rooms?limit=x",   "/api/v1/rooms?limit=",     "/api/v1/rooms?limit=1%00",
		"/api/v1/rooms?after=%zz", "/api/v1/rooms?limit=%3",
	};
	struct site *site = site_new(NULL);

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct answer answer = site_ask(site, "GET", paths[i], NULL, NULL);

		CHECK_INT(paths[i], answer.status, 400);
		CHECK(paths[i], answer_text(&answer, "parameter")[0] != '\0');
		answer_done(&answer);
	}
	site_free(site);
}

static void limits(void)
{
	struct site *site = site_new("rooms.max=1");
	struct answer answer;

	CHECK_INT("one", site_status(site, "POST", "/api/v1/rooms", NULL, "{\"id\":\"a\"}"), 201);
	answer = site_ask(site, "POST", "/api/v1/rooms", NULL, "{\"id\":\"b\"}");
	CHECK_INT("two", answer.status, 503);
	CHECK_STR("two", answer_text(&answer, "type"), "/problems/room-limit");
	CHECK("two", slice_present(answer_field(&answer, "Retry-After")));
	answer_done(&answer);
	focus_drain(site->focus, NULL, NULL);
	CHECK_INT("draining", site_status(site, "POST", "/api/v1/rooms", NULL, "{\"id\":\"c\"}"),
		  503);
	site_free(site);
}

static void server(void)
{
	struct site *site = site_new("focus.factory_users= make , new");
	struct answer answer = site_ask(site, "GET", "/api/v1/server", NULL, NULL);

	CHECK_STR("host", answer_text(&answer, "sip_host"), "10.0.0.1");
	CHECK_STR("first", answer_text(&answer, "factory_uris.0"), "sip:make@10.0.0.1");
	CHECK_STR("second", answer_text(&answer, "factory_uris.1"), "sip:new@10.0.0.1");
	CHECK("draining", json_is_false(answer_member(&answer, "draining")));
	answer_done(&answer);
	site_free(site);
}

static void schedule(void)
{
	static const struct {
		const char *name, *body;
		int status;
		const char *field;
	} rows[] = {
		{"hours",
		 "{\"opens_at\":\"2099-01-01T10:00:00+01:00\",\"closes_at\":\"2099-01-01T10:00:"
		 "00Z\"}",
		 201, ""},
		{"no hour", "{\"opens_at\":\"tomorrow\"}", 422, "opens_at"},
		{"closes before it opens",
		 "{\"opens_at\":\"2099-01-01T10:00:00Z\",\"closes_at\":\"2099-01-01T10:00:00Z\"}",
		 422, "closes_at"},
		{"in the past", "{\"closes_at\":\"2001-01-01T10:00:00Z\"}", 422, "closes_at"},
		{"limit", "{\"max_duration_s\":3600}", 201, ""},
		{"no limit", "{\"max_duration_s\":null}", 201, ""},
		{"limit of nothing", "{\"max_duration_s\":0}", 422, "max_duration_s"},
		{"language", "{\"language\":\"fr\"}", 201, ""},
		{"no language", "{\"language\":\"xx\"}", 422, "language"},
		{"owner", "{\"owner\":\"anna\"}", 201, ""},
		{"the longest owner",
		 "{\"owner\":"
		 "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}",
		 201, ""},
		{"too long an owner",
		 "{\"owner\":"
		 "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdefg\"}",
		 422, "owner"},
		{"too many octets",
		 "{\"owner\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"
		 "\xc3\xa9\"}",
		 422, "owner"},
		{"nobody", "{\"owner\":null}", 201, ""},
		{"an empty name", "{\"owner\":\"\"}", 422, "owner"},
		{"an owner in two lines", "{\"owner\":\"a\\nb\"}", 422, "owner"},
		{"no name", "{\"owner\":7}", 422, "owner"},
		{"invitees", "{\"opens_at\":\"2099-01-01T10:00:00Z\",\"invitees\":[\"sip:a@b\"]}",
		 201, ""},
		{"no URI", "{\"invitees\":[\"bob\"]}", 422, "invitees"},
		{"no list", "{\"invitees\":[\"sip:a@b,sip:c@d\"]}", 422, "invitees"},
		{"pins", "{\"pins\":\"generate\"}", 201, ""},
		{"no pins", "{\"pins\":\"1234\"}", 422, "pins"},
	};
	struct site *site = site_new(NULL);
	size_t made = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct answer answer = site_ask(site, "POST", "/api/v1/rooms", NULL, rows[i].body);

		CHECK_INT(rows[i].name, answer.status, rows[i].status);
		CHECK_STR(rows[i].name, answer_text(&answer, "field"), rows[i].field);
		made += rows[i].status == 201;
		answer_done(&answer);
	}
	CHECK_INT("nothing half-made is left", focus_room_count(site->focus), made);
	site_free(site);
}

static void owners(void)
{
	static const struct {
		const char *body, *shown;
	} rows[] = {
		{"{\"owner\":\"anna\"}", "anna"},
		{"{\"tones\":true}", "anna"},
		{"{\"owner\":\"bert\"}", "bert"},
		{"{\"owner\":null}", ""},
	};
	struct site *site = site_new(NULL);
	struct answer answer;

	CHECK_INT("made", site_status(site, "POST", "/api/v1/rooms", NULL, "{\"id\":\"own\"}"),
		  201);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK_INT(rows[i].body,
			  site_status(site, "PATCH", "/api/v1/rooms/own", NULL, rows[i].body), 200);
		answer = site_ask(site, "GET", "/api/v1/rooms/own", NULL, NULL);
		CHECK_STR(rows[i].body, answer_text(&answer, "owner"), rows[i].shown);
		CHECK_INT(rows[i].body, json_is_null(answer_member(&answer, "owner")),
			  !rows[i].shown[0]);
		answer_done(&answer);
	}
	site_free(site);
}

/* PINs that are made here are told once, and the room's name is a number to dial. */
static void generated_pins(void)
{
	struct site *site = site_new(NULL);
	struct answer answer = site_ask(site, "POST", "/api/v1/rooms", NULL,
					"{\"pins\":\"generate\"}");
	char id[65], path[128];

	(void)snprintf(id, sizeof(id), "%s", answer_text(&answer, "id"));
	CHECK_INT("number", strspn(id, "0123456789"), 8);
	CHECK_INT("pin", strspn(answer_text(&answer, "pin"), "0123456789"), 6);
	CHECK_INT("moderator_pin", strspn(answer_text(&answer, "moderator_pin"), "0123456789"), 8);
	answer_done(&answer);
	(void)snprintf(path, sizeof(path), "/api/v1/rooms/%s", id);
	answer = site_ask(site, "GET", path, NULL, NULL);
	CHECK("there", json_is_true(answer_member(&answer, "has_pin")) &&
			       json_is_true(answer_member(&answer, "has_moderator_pin")));
	CHECK("but not told again",
	      !answer_member(&answer, "pin") && !answer_member(&answer, "moderator_pin"));
	answer_done(&answer);
	site_free(site);
}

static void bans(void)
{
	struct site *site = site_new(NULL);
	const char *eve = site_dial(site, "eve", "lobby");
	struct answer answer;
	char path[128];

	(void)snprintf(path, sizeof(path), "/api/v1/rooms/lobby/participants/%s?ban=maybe", eve);
	(void)site_dial(site, "anna", "lobby");
	CHECK_INT("not sure", site_status(site, "DELETE", path, NULL, NULL), 400);
	(void)snprintf(path, sizeof(path), "/api/v1/rooms/lobby/participants/%s?ban=true", eve);
	CHECK_INT("kick", site_status(site, "DELETE", path, NULL, NULL), 204);
	site_pass(site, 200);
	(void)site_dial(site, "eve", "lobby");
	answer = site_ask(site, "GET", "/api/v1/rooms/lobby/bans", NULL, NULL);
	CHECK_STR("who", answer_text(&answer, "bans.0.uri"), "sip:eve@10.0.0.2");
	CHECK_STR("by whom", answer_text(&answer, "bans.0.by"), "api");
	(void)snprintf(path, sizeof(path), "/api/v1/rooms/lobby/bans/%s",
		       answer_text(&answer, "bans.0.id"));
	answer_done(&answer);
	answer = site_ask(site, "GET", "/api/v1/rooms/lobby", NULL, NULL);
	CHECK_INT("one", json_integer_value(answer_member(&answer, "bans")), 1);
	CHECK_INT("alone", json_integer_value(answer_member(&answer, "participants")), 1);
	answer_done(&answer);
	CHECK_INT("lifted", site_status(site, "DELETE", path, NULL, NULL), 204);
	(void)site_dial(site, "eve", "lobby");
	answer = site_ask(site, "GET", "/api/v1/rooms/lobby", NULL, NULL);
	CHECK_INT("back", json_integer_value(answer_member(&answer, "participants")), 2);
	answer_done(&answer);
	site_free(site);
}

void suite_rooms(void)
{
	CHECK_SUITE("rooms");
	CHECK_TEST(create);
	CHECK_TEST(view);
	CHECK_TEST(change);
	CHECK_TEST(codecs);
	CHECK_TEST(etags);
	CHECK_TEST(paging);
	CHECK_TEST(bad_queries);
	CHECK_TEST(limits);
	CHECK_TEST(server);
	CHECK_TEST(schedule);
	CHECK_TEST(owners);
	CHECK_TEST(generated_pins);
	CHECK_TEST(bans);
}
