#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "focus/recording.h"
#include "focus/registrar.h"
#include "http/openapi.h"
#include "http/router.h"
#include "http/schema.h"
#include "sip/request.h"
#include "tests/support/check.h"
#include "tests/unit/http/contract.h"
#include "tests/unit/http/site.h"

/* Does `value` fit the schema of the description? Says where not. --------------------------------
 */

static bool fits(const json_t *api, const json_t *schema, const json_t *value, const char *where);

static const json_t *resolve(const json_t *api, const json_t *schema)
{
	const char *ref = json_string_value(json_object_get(schema, "$ref"));
	const char *name = ref ? strrchr(ref, '/') + 1 : NULL;

	if (!ref)
		return schema;
	return json_object_get(json_object_get(json_object_get(api, "components"), "schemas"),
			       name);
}

static bool is_type(const char *type, const json_t *value)
{
	return (strcmp(type, "string") == 0 && json_is_string(value)) ||
	       (strcmp(type, "boolean") == 0 && json_is_boolean(value)) ||
	       (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
	       (strcmp(type, "number") == 0 && json_is_number(value)) ||
	       (strcmp(type, "object") == 0 && json_is_object(value)) ||
	       (strcmp(type, "array") == 0 && json_is_array(value)) ||
	       (strcmp(type, "null") == 0 && json_is_null(value));
}

static bool fits_type(const json_t *type, const json_t *value)
{
	size_t i;
	json_t *one;

	if (json_is_string(type))
		return is_type(json_string_value(type), value);
	json_array_foreach((json_t *)(uintptr_t)type, i, one)
	{
		if (is_type(json_string_value(one), value))
			return true;
	}
	return false;
}

static bool fits_bounds(const json_t *schema, const json_t *value)
{
	const json_t *min = json_object_get(schema, "minimum");
	const json_t *max = json_object_get(schema, "maximum");
	double x = json_number_value(value);

	if (!json_is_number(value))
		return true;
	return !(min && x < json_number_value(min)) && !(max && x > json_number_value(max));
}

static bool fits_object(const json_t *api, const json_t *schema, const json_t *value,
			const char *where)
{
	const json_t *properties = json_object_get(schema, "properties");
	const json_t *required = json_object_get(schema, "required");
	const char *name;
	json_t *member, *one;
	bool all = true;
	size_t i;

	if (!properties)
		return true;
	json_object_foreach((json_t *)(uintptr_t)value, name, member)
	{
		char at[256];

		(void)snprintf(at, sizeof(at), "%s.%s", where, name);
		if (CHECK(at, json_object_get(properties, name) != NULL))
			all &= fits(api, json_object_get(properties, name), member, at);
	}
	json_array_foreach((json_t *)(uintptr_t)required, i, one) all &= CHECK(
		json_string_value(one), json_object_get(value, json_string_value(one)) != NULL);
	return all;
}

static bool fits(const json_t *api, const json_t *schema, const json_t *value, const char *where)
{
	bool all;
	json_t *item;
	size_t i;

	schema = resolve(api, schema);
	if (!CHECK(where, schema != NULL))
		return false;
	all = CHECK(where, fits_type(json_object_get(schema, "type"), value)) &&
	      CHECK(where, fits_bounds(schema, value));
	if (json_is_object(value))
		all &= fits_object(api, schema, value, where);
	json_array_foreach((json_t *)(uintptr_t)value, i, item)
		all &= fits(api, json_object_get(schema, "items"), item, where);
	return all;
}

/* The description itself ------------------------------------------------------------------------
 */

static json_t *description(struct site *site)
{
	struct answer answer = site_ask(site, "GET", "/openapi.json", NULL, NULL);
	json_t *api = json_incref(answer.json);

	CHECK_INT("openapi.json", answer.status, 200);
	answer_done(&answer);
	return api;
}

static const json_t *operation_of(const json_t *api, const struct route *route)
{
	const char *method = strcmp(route->method, "GET") == 0     ? "get"
			     : strcmp(route->method, "POST") == 0  ? "post"
			     : strcmp(route->method, "PATCH") == 0 ? "patch"
								   : "delete";

	return json_object_get(json_object_get(json_object_get(api, "paths"), route->path), method);
}

static void each_route(void)
{
	struct site *site = site_new(NULL);
	json_t *api = description(site);
	const struct route *route;
	size_t described = 0, counted = 0;
	const char *path;
	json_t *item;

	CHECK_STR(NULL, json_string_value(json_object_get(api, "openapi")), "3.1.0");
	for (size_t i = 0; (route = route_at(i)) != NULL; i++) {
		const json_t *operation = operation_of(api, route);

		if (route->flags & ROUTE_HIDDEN) {
			CHECK(route->operation, operation == NULL);
			continue;
		}
		described++;
		CHECK_STR(route->operation,
			  json_string_value(json_object_get(operation, "operationId")),
			  route->operation);
		CHECK(route->operation, !route->request || schema_find(route->request));
		CHECK(route->operation, !route->response || schema_find(route->response));
		CHECK(route->operation, (json_object_get(operation, "requestBody") != NULL) ==
						(route->request != NULL));
	}
	json_object_foreach(json_object_get(api, "paths"), path, item)
		counted += json_object_size(item);
	CHECK_INT("nothing else is described", counted, described);
	json_decref(api);
	site_free(site);
}

static void references(const json_t *api, const json_t *node)
{
	const char *name;
	json_t *value;
	size_t i;

	if (json_object_get(node, "$ref"))
		CHECK(json_string_value(json_object_get(node, "$ref")), resolve(api, node) != NULL);
	json_object_foreach((json_t *)(uintptr_t)node, name, value) references(api, value);
	json_array_foreach((json_t *)(uintptr_t)node, i, value) references(api, value);
}

static int count_parameters(const struct route *route)
{
	int count = 0;

	for (const char *at = route->path; *at; at++)
		count += *at == '{';
	for (const char *at = route->params ? route->params : ""; *at; at++)
		count += at == route->params || *at == ' ';
	return count;
}

static void consistency(void)
{
	struct site *site = site_new(NULL);
	json_t *api = description(site);
	const struct route *route;

	references(api, api);
	for (size_t i = 0; (route = route_at(i)) != NULL; i++) {
		if (route->flags & ROUTE_HIDDEN)
			continue;
		/* A parameter that is misspelled in the table would be missing. */
		CHECK_INT(route->operation,
			  json_array_size(json_object_get(operation_of(api, route), "parameters")),
			  count_parameters(route));
	}
	json_decref(api);
	site_free(site);
}

/* Every documented answer, asked for and compared ------------------------------------------------
 */

static void invite_dora(struct site *site, char id[32])
{
	struct answer answer = site_ask(site, "POST", "/api/v1/rooms/lobby/participants", NULL,
					"{\"uri\":\"sip:dora@10.0.0.2\"}");

	CHECK_INT("invited", answer.status, 202);
	(void)snprintf(id, 32, "%s", answer_text(&answer, "id"));
	answer_done(&answer);
}

static void connect_two(struct site *site, char id[32])
{
	struct answer answer = site_ask(site, "POST", "/api/v1/calls", NULL, CALL_OF_TWO);

	CHECK_INT("a call", answer.status, 202);
	(void)snprintf(id, 32, "%s", answer_text(&answer, "id"));
	answer_done(&answer);
}

static void call_id_of(struct site *site, char id[32])
{
	struct answer answer;
	char path[128];

	(void)snprintf(path, sizeof(path), "/api/v1/rooms/lobby/participants/%s", id);
	answer = site_ask(site, "GET", path, NULL, NULL);
	(void)snprintf(id, 32, "%s", answer_text(&answer, "call_id"));
	answer_done(&answer);
}

static void register_bob(struct site *site, char id[32])
{
	struct registration_view view;

	site_set(site, "sip.registrar=open");
	CHECK_INT("REGISTER",
		  sip_ua_request(site->phones_ua,
				 &(struct sip_request_params){
					 .method = "REGISTER",
					 .target = SLICE("sip:10.0.0.1"),
					 .to = SLICE("<sip:bob@10.0.0.1>"),
					 .from = SLICE("<sip:bob@10.0.0.1>"),
					 .has_contact = true,
					 .contact_user = SLICE("bob"),
				 },
				 NULL),
		  0);
	site_pass(site, 500);
	CHECK_INT("forward",
		  site_status(site, "PATCH", "/api/v1/forwards/bob", NULL,
			      "{\"unreachable\":\"sip:a@b\"}"),
		  200);
	if (!CHECK("registered", focus_registration_next(site->focus, NULL) != NULL))
		return;
	registration_view(focus_registration_next(site->focus, NULL), &view);
	slice_cstr(view.id, id, 32);
}

/* The fake mixer makes no file: the test does. */
static char recordings[64];

static void record(struct site *site, bool is_ended, char id[32])
{
	char path[RECORDING_PATH_MAX], key[96];
	struct recording *recording;
	struct answer answer;
	FILE *file;

	(void)snprintf(recordings, sizeof(recordings), "/tmp/hearth-recordings-XXXXXX");
	(void)snprintf(key, sizeof(key), "recordings.path=%s", mkdtemp(recordings));
	site_set(site, key);
	answer = site_ask(site, "POST", "/api/v1/rooms/lobby/recordings", NULL,
			  "{\"tracks\":true}");
	CHECK_INT("recording", answer.status, 201);
	(void)snprintf(id, 32, "%s", answer_text(&answer, "id"));
	answer_done(&answer);
	recording = focus_recording_find(site->focus, slice_of(id));
	if (!is_ended || !CHECK("there", recording != NULL))
		return;
	for (uint32_t track = 0; track < 2; track++) {
		if (track)
			recording_track_path(recording, track, path);
		else
			recording_path(recording, false, path);
		file = fopen(path, "w");
		if (CHECK("file", file != NULL)) {
			(void)fputs("RIFF and so on", file);
			fclose(file);
		}
	}
	fake_media_record_length(site->media, 1000);
	CHECK_INT("stop", focus_recording_stop(recording), 0);
	fake_media_record_over(site->media, 0);
	fake_media_tracks_over(site->media);
}

static void recordings_remove(void)
{
	char command[96];

	(void)snprintf(command, sizeof(command), "rm -rf %s", recordings);
	if (recordings[0])
		CHECK_INT("removed", system(command), 0);
	recordings[0] = '\0';
}

static void leave_mail(struct site *site, char id[32])
{
	struct answer answer;

	site_set(site, "mailboxes.messages_max=1");
	answer = site_ask(site, "POST", "/api/v1/mailboxes/lobby/messages", NULL,
			  "{\"text\":\"call me\"}");
	CHECK_INT("a message", answer.status, 201);
	(void)snprintf(id, 32, "%s", answer_text(&answer, "id"));
	answer_done(&answer);
}

static void play_a_tone(struct site *site, char id[32])
{
	struct answer answer = site_ask(site, "POST", "/api/v1/rooms/lobby/plays", NULL, TONE);

	CHECK_INT("a play", answer.status, 201);
	(void)snprintf(id, 32, "%s", answer_text(&answer, "id"));
	answer_done(&answer);
}

static void ban_eve(struct site *site, char id[32])
{
	struct answer answer = site_ask(site, "POST", "/api/v1/rooms/lobby/bans", NULL, BAN_EVE);

	CHECK_INT("a ban", answer.status, 201);
	(void)snprintf(id, 32, "%s", answer_text(&answer, "id"));
	answer_done(&answer);
}

static struct site *contract_site(enum contract_world world, char anna[32])
{
	struct site *site = site_new(world == WORLD_FULL ? "rooms.participants_max=1" : NULL);

	(void)site_status(site, "POST", "/api/v1/rooms", NULL,
			  world == WORLD_WAITING ? "{\"id\":\"lobby\",\"lobby\":true}"
						 : "{\"id\":\"lobby\"}");
	(void)site_status(site, "POST", "/api/v1/rooms", NULL, "{\"id\":\"kept\"}");
	(void)site_status(site, "POST", "/api/v1/users", NULL,
			  "{\"name\":\"bert\",\"password\":\"x\",\"aliases\":[\"b\"]}");
	(void)snprintf(anna, 32, "%s",
		       site_dial(site, world == WORLD_NAMELESS ? "anonymous" : "anna", "lobby"));
	if (world == WORLD_BANNED)
		ban_eve(site, anna);
	if (world == WORLD_PLAYING)
		play_a_tone(site, anna);
	if (world == WORLD_MAIL)
		leave_mail(site, anna);
	if (world == WORLD_TOKEN)
		site_set(site, "http.token=secret");
	if (world == WORLD_FULL)
		site_set(site, "rooms.max=2");
	if (world == WORLD_CALL || world == WORLD_DIALLING)
		connect_two(site, anna);
	if (world == WORLD_RINGING)
		invite_dora(site, anna);
	if (world == WORLD_TRACE)
		call_id_of(site, anna);
	if (world == WORLD_RECORDING || world == WORLD_RECORDED)
		record(site, world == WORLD_RECORDED, anna);
	if (world == WORLD_MOVING)
		CHECK_INT("moving",
			  site_status(site, "POST", "/api/v1/rooms/lobby/migrate", NULL,
				      MIGRATE_THERE),
			  202);
	if (world == WORLD_CALL)
		site_pass(site, 2000);
	if (world == WORLD_BOUND)
		register_bob(site, anna);
	if (world == WORLD_DRAINING)
		focus_drain(site->focus, NULL, NULL);
	return site;
}

static void compare(const json_t *api, const struct route *route, const struct answer *answer)
{
	char status[8];
	const json_t *response, *content;
	const char *type;
	json_t *media;

	(void)snprintf(status, sizeof(status), "%d", answer->status);
	response = json_object_get(json_object_get(operation_of(api, route), "responses"), status);
	if (!CHECK(route->operation, response != NULL))
		return;
	content = json_object_get(response, "content");
	if (!content) {
		CHECK_INT(route->operation, answer->body.len, 0);
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)content, type, media)
	{
		CHECK(type, slice_starts(answer_field(answer, "Content-Type"), slice_of(type)));
		if (strstr(type, "json") && CHECK(route->operation, answer->json != NULL))
			(void)fits(api, json_object_get(media, "schema"), answer->json,
				   route->operation);
	}
}

/* Of octets, as a player that seeks asks for them (RFC 9110 14). */
static void ranges(void)
{
	static const struct {
		const char *range, *body, *content_range;
		int status;
	} rows[] = {
		{"bytes=0-3", "RIFF", "bytes 0-3/14", 206},
		{"bytes=9-", "so on", "bytes 9-13/14", 206},
		{"bytes=-2", "on", "bytes 12-13/14", 206},
		{"bytes=5-999", "and so on", "bytes 5-13/14", 206},
		{"bytes=0-999", "RIFF and so on", "", 200},
		{"bytes=0-1,3-4", "RIFF and so on", "", 200},
		{"lines=1-2", "RIFF and so on", "", 200},
		{"bytes=99999-x", "RIFF and so on", "", 200},
		{"bytes=5-x", "RIFF and so on", "", 200},
		{"bytes=5-3", "RIFF and so on", "", 200},
		{"bytes=-", "RIFF and so on", "", 200},
		{"bytes=-x", "RIFF and so on", "", 200},
		{"bytes=-999", "RIFF and so on", "", 200},
		{"bytes=-0", NULL, "", 416},
		{"bytes=14-", NULL, "", 416},
	};
	char id[32], path[96], fields[64];
	struct site *site = contract_site(WORLD_RECORDED, id);

	(void)snprintf(path, sizeof(path), "/api/v1/recordings/%s/audio", id);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct answer answer;
		struct slice range;

		(void)snprintf(fields, sizeof(fields), "Range: %s\r\n", rows[i].range);
		answer = site_ask(site, "GET", path, fields, NULL);
		range = answer_field(&answer, "Content-Range");
		CHECK_INT(rows[i].range, answer.status, rows[i].status);
		if (rows[i].body)
			CHECK_SLICE(rows[i].range, buf_slice(&answer.body), rows[i].body);
		CHECK(rows[i].range, slice_eq(slice_of(rows[i].content_range),
					      slice_present(range) ? range : SLICE("")));
		answer_done(&answer);
	}
	site_free(site);
	recordings_remove();
}

static void each_answer(void)
{
	struct site *plain = site_new(NULL);
	json_t *api = description(plain);

	for (size_t i = 0; i < contract_count; i++) {
		const struct contract_case *row = &contract[i];
		const struct route *route = route_find(row->operation);
		char anna[32], path[256], name[128];
		struct site *site = contract_site(row->world, anna);
		struct answer answer;

		(void)snprintf(name, sizeof(name), "%s %d", row->operation, row->status);
		(void)snprintf(path, sizeof(path), row->path, anna);
		answer = site_ask(site, route->method, path, row->fields, row->body);
		CHECK_INT(name, answer.status, row->status);
		compare(api, route, &answer);
		answer_done(&answer);
		site_free(site);
		recordings_remove();
	}
	json_decref(api);
	site_free(plain);
}

/* 401, 403 and 406 come from one place for all routes: each route is asked for each. */
static void common_answers(void)
{
	char anna[32];
	struct site *plain = contract_site(WORLD_PLAIN, anna);
	struct site *token = contract_site(WORLD_TOKEN, anna);
	json_t *api = description(plain);
	const struct route *route;

	for (size_t i = 0; (route = route_at(i)) != NULL; i++) {
		static const struct {
			int status;
			const char *fields;
		} cases[] = {{401, NULL},
			     {403, "Origin: https://evil.example\r\n"},
			     {406, "Accept: image/gif\r\n"}};

		if (route->flags & ROUTE_HIDDEN)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
			struct answer answer;

			if (!openapi_has_status(route, (uint16_t)cases[k].status))
				continue;
			answer = site_ask(cases[k].status == 401 ? token : plain, route->method,
					  route->path, cases[k].fields, NULL);
			CHECK_INT(route->operation, answer.status, cases[k].status);
			compare(api, route, &answer);
			answer_done(&answer);
		}
	}
	json_decref(api);
	site_free(plain);
	site_free(token);
}

static bool is_asked(const char *operation, int status)
{
	for (size_t i = 0; i < contract_count; i++) {
		if (strcmp(contract[i].operation, operation) == 0 && contract[i].status == status)
			return true;
	}
	return false;
}

/* No documented answer is left out above, but for those that need a defect or an outage (500, 503,
 * 507), those that common_answers asks for, 429 and the stream's (test_request.c, test_events.c),
 * and 400 where nothing of the request is read. */
static void nothing_left_out(void)
{
	static const uint16_t elsewhere[] = {401, 403, 406, 429, 500, 503, 507};
	const struct route *route;

	for (size_t i = 0; (route = route_at(i)) != NULL; i++) {
		bool has_input = route->params || route->request || strchr(route->path, '{');

		for (uint16_t status = 200; status < 600; status++) {
			bool is_elsewhere = (route->flags & ROUTE_HIDDEN) ||
					    (status == 400 && !has_input) ||
					    strcmp(route->operation, "streamEvents") == 0;
			char name[128];

			for (size_t k = 0; k < ARRAY_LEN(elsewhere); k++)
				is_elsewhere |= elsewhere[k] == status;
			if (is_elsewhere || !openapi_has_status(route, status))
				continue;
			(void)snprintf(name, sizeof(name), "%s %u", route->operation, status);
			CHECK(name, is_asked(route->operation, status));
		}
	}
}

/* What the stream carries fits the schema too. */
static void event_data(void)
{
	struct site *site = site_new(NULL);
	json_t *api = description(site);
	const json_t *schema = json_object_get(
		json_object_get(json_object_get(api, "components"), "schemas"), "Event");
	struct stream_event event;
	struct client client;

	(void)site_dial(site, "anna", "lobby");
	(void)site_status(site, "DELETE", "/api/v1/rooms/lobby", NULL, NULL);
	site_pass(site, 200);
	(void)stream_open(site, "/api/v1/events?last_event_id=0", NULL, &client);
	(void)stream_block(&client);
	for (uint64_t i = 0; i < focus_event_seq(site->focus); i++) {
		CHECK("event", stream_next(&client, &event));
		(void)fits(api, schema, event.data, event.name);
		stream_event_done(&event);
	}
	client_close(&client);
	json_decref(api);
	site_free(site);
}

void suite_openapi(void)
{
	CHECK_SUITE("openapi");
	CHECK_TEST(each_route);
	CHECK_TEST(consistency);
	CHECK_TEST(each_answer);
	CHECK_TEST(ranges);
	CHECK_TEST(common_answers);
	CHECK_TEST(nothing_left_out);
	CHECK_TEST(event_data);
}
