#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "tests/support/check.h"
#include "tests/unit/http/site.h"

static char *path_of(const char *room, const char *id)
{
	static char paths[4][160];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	(void)snprintf(path, 160, "/api/v1/rooms/%s/participants%s%s", room, id ? "/" : "",
		       id ? id : "");
	return path;
}

static void callers(void)
{
	struct site *site = site_new(NULL);
	char anna[32];
	struct answer answer;

	(void)snprintf(anna, sizeof(anna), "%s", site_dial(site, "anna", "lobby"));
	(void)site_dial(site, "bert", "lobby");
	answer = site_ask(site, "GET", path_of("lobby", NULL), NULL, NULL);
	CHECK_INT("list", answer.status, 200);
	CHECK_INT("two", json_array_size(answer_member(&answer, "participants")), 2);
	CHECK_STR("order of joining", answer_text(&answer, "participants.0.display_name"), "Anna");
	CHECK_STR("second", answer_text(&answer, "participants.1.display_name"), "Bert");
	answer_done(&answer);
	answer = site_ask(site, "GET", path_of("lobby", anna), NULL, NULL);
	CHECK_STR("id", answer_text(&answer, "id"), anna);
	CHECK_STR("room", answer_text(&answer, "room_id"), "lobby");
	CHECK_STR("uri", answer_text(&answer, "uri"), "sip:anna@10.0.0.2");
	CHECK_STR("state", answer_text(&answer, "state"), "connected");
	CHECK_STR("direction", answer_text(&answer, "direction"), "incoming");
	CHECK_STR("codec", answer_text(&answer, "codec"), "PCMU");
	CHECK("connected_at", answer_text(&answer, "connected_at")[0] == '2');
	CHECK("not measured", json_is_null(answer_member(&answer, "quality.mos")));
	answer_done(&answer);
	CHECK_INT("unknown", site_status(site, "GET", path_of("lobby", "nobody"), NULL, NULL), 404);
	(void)site_dial(site, "carl", "office");
	CHECK_INT("of another room", site_status(site, "GET", path_of("office", anna), NULL, NULL),
		  404);
	CHECK_INT("of no room", site_status(site, "GET", path_of("none", NULL), NULL, NULL), 404);
	site_free(site);
}

static void quality(void)
{
	struct site *site = site_new(NULL);
	const char *anna = site_dial(site, "anna", "lobby");
	struct fake_leg *leg = site_leg(site, "lobby", anna);
	struct answer answer;

	leg->stats.rx_packets = 90;
	leg->stats.rx_lost = 8;
	leg->stats.rx_late = 2;
	leg->stats.rx_jitter_us = 2500;
	leg->stats.round_trip_us = 30000;
	leg->stats.remote_loss_q8 = 128;
	leg->stats.mos_x100 = 412;
	leg->stats.delay_ms = 40;
	leg->stats.level_in = 23;
	leg->stats.level_out = 200; /* out of range reads as silence */
	fake_media_tell(leg, (struct media_event){.kind = MEDIA_LEG_TALKING, .is_on = true});
	answer = site_ask(site, "GET", path_of("lobby", anna), NULL, NULL);
	CHECK_NEAR("loss", json_number_value(answer_member(&answer, "quality.loss")), 0.1, 1e-9);
	CHECK_NEAR("remote", json_number_value(answer_member(&answer, "quality.remote_loss")), 0.5,
		   1e-9);
	CHECK_NEAR("jitter", json_number_value(answer_member(&answer, "quality.jitter_ms")), 2.5,
		   1e-9);
	CHECK_NEAR("rtt", json_number_value(answer_member(&answer, "quality.round_trip_ms")), 30,
		   1e-9);
	CHECK_NEAR("mos", json_number_value(answer_member(&answer, "quality.mos")), 4.12, 1e-9);
	CHECK_INT("delay", json_integer_value(answer_member(&answer, "quality.delay_ms")), 40);
	CHECK_INT("level", json_integer_value(answer_member(&answer, "level_dbov")), -23);
	CHECK_INT("heard", json_integer_value(answer_member(&answer, "quality.heard_level_dbov")),
		  -127);
	CHECK("talking", json_is_true(answer_member(&answer, "talking")));
	answer_done(&answer);
	site_free(site);
}

static void change(void)
{
	struct site *site = site_new(NULL);
	const char *anna = site_dial(site, "anna", "lobby");
	struct fake_leg *leg = site_leg(site, "lobby", anna);
	struct answer answer = site_ask(site, "PATCH", path_of("lobby", anna), NULL,
					"{\"muted\":true,\"gain_db\":-6.5}");
	char old[128];

	CHECK_INT("mute", answer.status, 200);
	CHECK("mute", json_is_true(answer_member(&answer, "muted")));
	CHECK("the mixer knows", leg->control.is_muted && leg->control.gain_in_cdb == -650);
	(void)snprintf(old, sizeof(old), "If-Match: " SLICE_FMT "\r\n",
		       SLICE_ARG(answer_field(&answer, "ETag")));
	answer_done(&answer);
	answer = site_ask(site, "PATCH", path_of("lobby", anna), old, "{\"deaf\":true}");
	CHECK_INT("deaf", answer.status, 200);
	CHECK("muted stays", json_is_true(answer_member(&answer, "muted")));
	CHECK("the mixer knows", leg->control.is_deaf && leg->control.is_muted);
	answer_done(&answer);
	CHECK_INT("too old", site_status(site, "PATCH", path_of("lobby", anna), old, "{}"), 412);
	CHECK_INT("too loud",
		  site_status(site, "PATCH", path_of("lobby", anna), NULL, "{\"gain_db\":31}"),
		  422);
	CHECK_INT("too old to remove",
		  site_status(site, "DELETE", path_of("lobby", anna), old, NULL), 412);
	CHECK_INT("remove", site_status(site, "DELETE", path_of("lobby", anna), NULL, NULL), 204);
	site_pass(site, 200);
	CHECK("the phone was rung off", site->phones[0].call == NULL);
	CHECK_INT("gone", site_status(site, "GET", path_of("lobby", anna), NULL, NULL), 404);
	site_free(site);
}

static void flags(void)
{
	struct site *site = site_new(NULL);
	const char *anna = site_dial(site, "anna", "lobby");
	struct fake_leg *leg = site_leg(site, "lobby", anna);
	struct answer answer = site_ask(site, "GET", path_of("lobby", anna), NULL, NULL);
	char old[128];

	CHECK_INT("none", json_array_size(answer_member(&answer, "flags")), 0);
	(void)snprintf(old, sizeof(old), SLICE_FMT, SLICE_ARG(answer_field(&answer, "ETag")));
	answer_done(&answer);
	fake_media_tell(leg, (struct media_event){.kind = MEDIA_LEG_FLAGS,
						  .flags = MEDIA_FLAG_ECHO | MEDIA_FLAG_LOW_LEVEL});
	answer = site_ask(site, "GET", path_of("lobby", anna), NULL, NULL);
	CHECK_INT("two", json_array_size(answer_member(&answer, "flags")), 2);
	CHECK_STR("echo", answer_text(&answer, "flags.0"), "echo");
	CHECK_STR("low level", answer_text(&answer, "flags.1"), "low_level");
	CHECK("told as a change", !slice_is(answer_field(&answer, "ETag"), old));
	answer_done(&answer);
	answer = site_ask(site, "GET", "/metrics", NULL, NULL);
	buf_addc(&answer.body, '\0');
	CHECK("counted", strstr(answer.body.p, "hearth_leg_flags_total{flag=\"echo\"} 1") != NULL);
	CHECK("not the others",
	      strstr(answer.body.p, "hearth_leg_flags_total{flag=\"clipping\"} 0") != NULL);
	answer_done(&answer);
	site_free(site);
}

static void sound(void)
{
	struct site *site = site_new("rooms.denoise=true");
	const char *anna = site_dial(site, "anna", "lobby");
	struct fake_leg *leg = site_leg(site, "lobby", anna);
	struct answer answer;

	CHECK("as new rooms have it", leg->control.has_denoise && !leg->control.has_level);
	CHECK_INT("room",
		  site_status(site, "PATCH", "/api/v1/rooms/lobby", NULL,
			      "{\"auto_level\":true,\"inband_dtmf\":true}"),
		  200);
	CHECK("everybody in it", leg->control.has_level && leg->control.has_digits_in_band);
	CHECK_INT("to what level", leg->control.level_dbov, 20);
	answer = site_ask(site, "PATCH", path_of("lobby", anna), NULL,
			  "{\"denoise\":false,\"auto_level\":false}");
	CHECK("one otherwise", json_is_false(answer_member(&answer, "denoise")));
	CHECK("the rest as the room", json_is_true(answer_member(&answer, "inband_dtmf")));
	answer_done(&answer);
	CHECK("the mixer knows", !leg->control.has_denoise && !leg->control.has_level &&
					 leg->control.has_digits_in_band);
	answer = site_ask(site, "PATCH", path_of("lobby", anna), NULL, "{\"denoise\":null}");
	CHECK("again as the room", json_is_true(answer_member(&answer, "denoise")));
	CHECK("and not the other", json_is_false(answer_member(&answer, "auto_level")));
	answer_done(&answer);
	answer = site_ask(site, "GET", "/api/v1/rooms/lobby", NULL, NULL);
	CHECK("room denoise", json_is_true(answer_member(&answer, "denoise")));
	CHECK("room auto_level", json_is_true(answer_member(&answer, "auto_level")));
	CHECK("room pass_dtmf", json_is_false(answer_member(&answer, "pass_dtmf")));
	answer_done(&answer);
	site_free(site);
}

static void invite(void)
{
	static const struct {
		const char *name, *body;
		int status;
		const char *problem, *field;
	} cases[] = {
		{"answers", "{\"uri\":\"sip:dora@10.0.0.2\",\"display_name\":\"Dora\"}", 202, "",
		 ""},
		{"no URI", "{}", 422, "/problems/bad-field", "uri"},
		{"not a URI", "{\"uri\":\"dora\"}", 422, "/problems/bad-target", "uri"},
		{"other scheme", "{\"uri\":\"mailto:dora@example.org\"}", 422,
		 "/problems/bad-target", "uri"},
		{"no such transport here", "{\"uri\":\"sips:dora@10.0.0.2\"}", 422,
		 "/problems/no-route", "uri"},
		{"no such IP version here", "{\"uri\":\"sip:dora@[2001:db8::2]\"}", 422,
		 "/problems/no-route", "uri"},
		{"itself", "{\"uri\":\"sip:office@10.0.0.1\"}", 422, "/problems/loop", ""},
		{"asked to press a key", "{\"uri\":\"sip:dora@10.0.0.2\",\"ask\":\"confirm\"}", 202,
		 "", ""},
		{"asked for what there is not", "{\"uri\":\"sip:dora@10.0.0.2\",\"ask\":\"pin\"}",
		 422, "/problems/bad-field", "ask"},
		{"asked who knows what", "{\"uri\":\"sip:dora@10.0.0.2\",\"ask\":\"name\"}", 422,
		 "/problems/bad-field", "ask"},
		{"unknown field", "{\"uri\":\"sip:dora@10.0.0.2\",\"gain\":1}", 422,
		 "/problems/bad-field", "gain"},
	};
	struct site *site = site_new(NULL);

	(void)site_status(site, "POST", "/api/v1/rooms", NULL, "{\"id\":\"office\"}");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer answer = site_ask(site, "POST", path_of("office", NULL), NULL,
						cases[i].body);

		CHECK_INT(cases[i].name, answer.status, cases[i].status);
		CHECK_STR(cases[i].name, answer_text(&answer, "type"), cases[i].problem);
		CHECK_STR(cases[i].name, answer_text(&answer, "field"), cases[i].field);
		answer_done(&answer);
	}
	CHECK_INT("no such room",
		  site_status(site, "POST", path_of("none", NULL), NULL, cases[0].body), 404);
	site_free(site);
}

static void invited(void)
{
	struct site *site = site_new(NULL);
	struct answer answer;
	char path[160];

	(void)site_status(site, "POST", "/api/v1/rooms", NULL, "{\"id\":\"office\"}");
	answer = site_ask(
		site, "POST", path_of("office", NULL), NULL,
		"{\"uri\":\"sip:dora@10.0.0.2\",\"display_name\":\"Dora\",\"muted\":true}");
	CHECK_STR("direction", answer_text(&answer, "direction"), "outgoing");
	CHECK_STR("state", answer_text(&answer, "state"), "dialing-out");
	CHECK_STR("name", answer_text(&answer, "display_name"), "Dora");
	CHECK("muted", json_is_true(answer_member(&answer, "muted")));
	(void)slice_cstr(answer_field(&answer, "Location"), path, sizeof(path));
	answer_done(&answer);
	site_pass(site, 200);
	answer = site_ask(site, "GET", path, NULL, NULL);
	CHECK_STR("answered", answer_text(&answer, "state"), "connected");
	answer_done(&answer);
	site_free(site);
}

/* Nobody is in by having answered. */
static void asked(void)
{
	static const char *const bodies[] = {
		"{\"uri\":\"sip:dora@10.0.0.2\",\"confirm\":true}",
		"{\"uri\":\"sip:dora@10.0.0.2\",\"ask\":\"confirm\"}",
		"{\"uri\":\"sip:dora@10.0.0.2\",\"ask\":\"pin\"}",
	};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct site *site = site_new(NULL);
		struct answer answer;
		char path[160];

		(void)site_status(site, "POST", "/api/v1/rooms", NULL,
				  "{\"id\":\"office\",\"pin\":\"1234\"}");
		answer = site_ask(site, "POST", path_of("office", NULL), NULL, bodies[i]);
		CHECK_INT(bodies[i], answer.status, 202);
		(void)slice_cstr(answer_field(&answer, "Location"), path, sizeof(path));
		answer_done(&answer);
		site_pass(site, 200);
		answer = site_ask(site, "GET", path, NULL, NULL);
		CHECK_STR(bodies[i], answer_text(&answer, "state"), "pending");
		answer_done(&answer);
		CHECK_INT("not by the API either",
			  site_status(site, "PATCH", path, NULL, "{\"admitted\":true}"), 409);
		site_free(site);
	}
}

static void refusals(void)
{
	struct site *site = site_new("rooms.participants_max=1");
	const char *body = "{\"uri\":\"sip:dora@10.0.0.2\"}";

	(void)site_status(site, "POST", "/api/v1/rooms", NULL, "{\"id\":\"office\"}");
	(void)site_dial(site, "anna", "office");
	CHECK_INT("full", site_status(site, "POST", path_of("office", NULL), NULL, body), 409);
	(void)site_status(site, "PATCH", "/api/v1/rooms/office", NULL, "{\"max_participants\":9}");
	fake_media_set_ports(site->media, 1);
	CHECK_INT("no ports", site_status(site, "POST", path_of("office", NULL), NULL, body), 503);
	fake_media_set_ports(site->media, 100);
	site_set(site, "focus.dial_out=false");
	CHECK_INT("switched off", site_status(site, "POST", path_of("office", NULL), NULL, body),
		  403);
	site_set(site, "focus.dial_out=true");
	focus_drain(site->focus, NULL, NULL);
	CHECK_INT("draining", site_status(site, "POST", path_of("office", NULL), NULL, body), 503);
	site_free(site);
}

static void paging(void)
{
	struct site *site = site_new(NULL);
	struct answer answer;
	char path[160], bert[32];

	(void)site_dial(site, "anna", "lobby");
	(void)snprintf(bert, sizeof(bert), "%s", site_dial(site, "bert", "lobby"));
	(void)site_dial(site, "carl", "lobby");
	answer = site_ask(site, "GET", "/api/v1/rooms/lobby/participants?limit=2", NULL, NULL);
	CHECK_INT("two", json_array_size(answer_member(&answer, "participants")), 2);
	CHECK_STR("next", answer_text(&answer, "next"), bert);
	answer_done(&answer);
	(void)snprintf(path, sizeof(path), "/api/v1/rooms/lobby/participants?limit=2&after=%s",
		       bert);
	answer = site_ask(site, "GET", path, NULL, NULL);
	CHECK_STR("third", answer_text(&answer, "participants.0.display_name"), "Carl");
	CHECK("last page", json_is_null(answer_member(&answer, "next")));
	answer_done(&answer);
	CHECK_INT("after somebody who is not there",
		  site_status(site, "GET", "/api/v1/rooms/lobby/participants?after=x", NULL, NULL),
		  400);
	site_free(site);
}

static void groups(void)
{
	struct site *site = site_new(NULL);
	char anna[32];
	struct answer answer;

	(void)snprintf(anna, sizeof(anna), "%s", site_dial(site, "anna", "lobby"));
	answer = site_ask(site, "GET", path_of("lobby", anna), NULL, NULL);
	CHECK_STR("speaks", answer_text(&answer, "speaks.0"), "main");
	CHECK_STR("hears", answer_text(&answer, "hears.0"), "main");
	CHECK_INT("hears not", json_array_size(answer_member(&answer, "hears_not")), 0);
	answer_done(&answer);
	answer = site_ask(site, "PATCH", path_of("lobby", anna), NULL,
			  "{\"speaks\":[\"fr\"],\"hears\":[\"main\",\"it\"],\"gain_db\":2}");
	CHECK_INT("changed", answer.status, 200);
	CHECK_STR("speaks", answer_text(&answer, "speaks.0"), "fr");
	CHECK_STR("hears", answer_text(&answer, "hears.1"), "it");
	answer_done(&answer);
	answer = site_ask(site, "PATCH", path_of("lobby", anna), NULL,
			  "{\"gain_db\":5,\"hears_not\":[\"*\"]}");
	CHECK_INT("no such name", answer.status, 422);
	CHECK_STR("which", answer_text(&answer, "type"), "/problems/group-name");
	answer_done(&answer);
	answer = site_ask(site, "GET", path_of("lobby", anna), NULL, NULL);
	CHECK_NEAR("all or nothing", json_number_value(answer_member(&answer, "gain_db")), 2, 1e-9);
	answer_done(&answer);
	answer = site_ask(site, "GET", "/api/v1/rooms/lobby", NULL, NULL);
	CHECK_INT("of the room", json_array_size(answer_member(&answer, "groups")), 3);
	answer_done(&answer);
	answer = site_ask(site, "POST", path_of("lobby", NULL), NULL,
			  "{\"uri\":\"sip:dora@10.0.0.2\",\"speaks\":[],\"hears\":[\"fr\"]}");
	CHECK_INT("called in", answer.status, 202);
	CHECK_INT("to listen", json_array_size(answer_member(&answer, "speaks")), 0);
	CHECK_STR("to one", answer_text(&answer, "hears.0"), "fr");
	answer_done(&answer);
	CHECK_INT("called in wrongly",
		  site_status(site, "POST", path_of("lobby", NULL), NULL,
			      "{\"uri\":\"sip:dora@10.0.0.2\",\"speaks\":[\"\"]}"),
		  422);
	site_free(site);
}

void suite_participants(void)
{
	CHECK_SUITE("participants");
	CHECK_TEST(callers);
	CHECK_TEST(quality);
	CHECK_TEST(change);
	CHECK_TEST(flags);
	CHECK_TEST(sound);
	CHECK_TEST(invite);
	CHECK_TEST(invited);
	CHECK_TEST(asked);
	CHECK_TEST(refusals);
	CHECK_TEST(paging);
	CHECK_TEST(groups);
}
