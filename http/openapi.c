/* http/openapi.c -- the description, written once at start. */
#include "http/openapi.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "http/handlers.h"
#include "http/problem.h"
#include "http/schema.h"
#include "http/server.h"
#include "http/writer.h"
#include "version.h"

/* Parameters by the name that routes call them; path parameters go by their name in the path. */
struct parameter {
	const char *ref, *name, *in, *type;
	const char *help;
};

static const struct parameter parameters[] = {
	{"limit", "limit", "query", "integer", "How many at most; 100 when missing."},
	{"after", "after", "query", "string", "Begin behind this one: `next` of the page before."},
	{"before", "before", "query", "integer", "Older than this one: `next` of the page before."},
	{"room", "room", "query", "string", "Of this room only."},
	{"levels", "levels", "query", "string",
	 "Also send `levels` events of this room, four a second while somebody sounds."},
	{"last_event_id", "last_event_id", "query", "integer",
	 "The same as the header, for clients that cannot set one."},
	{"last_event_id_header", "Last-Event-ID", "header", "integer",
	 "Number of the last event seen: those behind it are sent first."},
	{"ban", "ban", "query", "boolean",
	 "True: nor may it come back, under this URI, while the room lives."},
	{"if_match", "If-Match", "header", "string",
	 "ETag the change is based on: 412 when it is no longer the present one."},
	{"idempotency_key", "Idempotency-Key", "header", "string",
	 "Any text of 1 to 255 characters: the same request under the same key is carried out "
	 "once, and "
	 "answered alike for 24 hours."},
};

static const struct parameter path_parameters[] = {
	{"room", "room", "path", "string", "Name of the room."},
	{"user", "user", "path", "string", "Name of the user."},
	{"ban", "ban", "path", "string", "Id of the ban."},
	{"participant", "participant", "path", "string", "Id of the participant."},
	{"recording", "recording", "path", "string", "Id of the recording."},
	{"play", "play", "path", "string", "Id of the play."},
	{"track", "track", "path", "string", "Number of the track."},
	{"mailbox", "mailbox", "path", "string", "Name of the user or the room."},
	{"mail", "mail", "path", "string", "Id of the message."},
	{"call", "call", "path", "string", "Id of the call."},
	{"call_id", "call_id", "path", "string", "Call-ID of a SIP call, percent-encoded."},
	{"registration", "registration", "path", "string", "Id of the registration."},
	{"callee", "callee", "path", "string",
	 "Whose calls: user part of an address of ours, or a number."},
	{"problem", "problem", "path", "string", "Last part of a problem's type."},
};

static const uint16_t every_status[] = {400, 401, 403, 406, 429, 500, 503};
static const uint16_t body_status[] = {413, 415, 422};

static bool is_among(const uint16_t *list, size_t count, uint16_t status)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i] == status)
			return true;
	}
	return false;
}

bool openapi_has_status(const struct route *route, uint16_t status)
{
	if (status == route->status)
		return true;
	if ((route->flags & ROUTE_OPEN) && (status == 401 || status == 403 || status == 429))
		return false;
	if (!route->content_type && status == 406)
		return false;
	if (route->request && is_among(body_status, ARRAY_LEN(body_status), status))
		return true;
	return is_among(every_status, ARRAY_LEN(every_status), status) ||
	       is_among(route->errors, ARRAY_LEN(route->errors), status);
}

/* Schemas ------------------------------------------------------------------------------------- */

static void add_ref(struct writer *json, const char *name)
{
	char ref[96] = "#/components/schemas/";

	strncat(ref, name, sizeof(ref) - strlen(ref) - 1);
	writer_text(json, "$ref", ref);
}

static void add_type(struct writer *json, const struct field *field, const char *type)
{
	if (!(field->flags & FIELD_NULLABLE)) {
		writer_text(json, "type", type);
		return;
	}
	writer_open(json, "type", '[');
	writer_text(json, NULL, type);
	writer_text(json, NULL, "null");
	writer_close(json, ']');
}

static void add_bounds(struct writer *json, const struct field *field, const char *min,
		       const char *max)
{
	if (field->min == 0 && field->max == 0)
		return;
	writer_real(json, min, field->min, 0);
	if (field->max >= field->min)
		writer_real(json, max, field->max, 0);
}

static void add_list(struct writer *json, const struct field *field)
{
	add_type(json, field, "array");
	if (field->max > 0)
		writer_real(json, "maxItems", field->max, 0);
	writer_open(json, "items", '{');
	if (field->of)
		add_ref(json, field->of);
	else
		writer_text(json, "type", "string");
	writer_close(json, '}');
}

static void add_field(struct writer *json, const struct field *field)
{
	writer_open(json, field->name, '{');
	switch (field->type) {
	case FIELD_STRING:
		add_type(json, field, "string");
		add_bounds(json, field, "minLength", "maxLength");
		break;
	case FIELD_BOOL:
		add_type(json, field, "boolean");
		break;
	case FIELD_INTEGER:
		add_type(json, field, "integer");
		add_bounds(json, field, "minimum", "maximum");
		break;
	case FIELD_NUMBER:
		add_type(json, field, "number");
		add_bounds(json, field, "minimum", "maximum");
		break;
	case FIELD_TIME:
		add_type(json, field, "string");
		writer_text(json, "format", "date-time");
		break;
	case FIELD_OBJECT:
		add_ref(json, field->of);
		break;
	case FIELD_LIST:
		add_list(json, field);
		break;
	}
	writer_text(json, "description", field->help);
	writer_close(json, '}');
}

/* What we read must have its required fields; what we write has all that are not optional. */
static bool is_required(const struct schema *schema, const struct field *field)
{
	return schema->is_input ? field->flags & FIELD_REQUIRED : !(field->flags & FIELD_OPTIONAL);
}

static void add_schema(struct writer *json, const struct schema *schema)
{
	writer_open(json, schema->name, '{');
	writer_text(json, "type", "object");
	writer_text(json, "description", schema->help);
	writer_open(json, "properties", '{');
	for (const struct field *field = schema->fields; field->name; field++)
		add_field(json, field);
	writer_close(json, '}');
	writer_open(json, "required", '[');
	for (const struct field *field = schema->fields; field->name; field++) {
		if (is_required(schema, field))
			writer_text(json, NULL, field->name);
	}
	writer_close(json, ']');
	writer_bool(json, "additionalProperties", false);
	writer_close(json, '}');
}

/* Operations ---------------------------------------------------------------------------------- */

static void add_content(struct writer *json, const char *type, const char *schema)
{
	writer_open(json, "content", '{');
	writer_open(json, type, '{');
	writer_open(json, "schema", '{');
	if (schema)
		add_ref(json, schema);
	else
		writer_text(json, "type",
			    strcmp(type, "application/json") == 0 ? "object" : "string");
	writer_close(json, '}');
	writer_close(json, '}');
	writer_close(json, '}');
}

static void add_parameter(struct writer *json, const struct parameter *parameter)
{
	writer_open(json, NULL, '{');
	writer_text(json, "name", parameter->name);
	writer_text(json, "in", parameter->in);
	writer_bool(json, "required", strcmp(parameter->in, "path") == 0);
	writer_text(json, "description", parameter->help);
	writer_open(json, "schema", '{');
	writer_text(json, "type", parameter->type);
	writer_close(json, '}');
	writer_close(json, '}');
}

static void add_path_parameters(struct writer *json, const char *path)
{
	for (const char *open = strchr(path, '{'); open; open = strchr(open + 1, '{')) {
		struct slice name = slice_make(open + 1, strcspn(open + 1, "}"));

		for (size_t i = 0; i < ARRAY_LEN(path_parameters); i++) {
			if (slice_is(name, path_parameters[i].name))
				add_parameter(json, &path_parameters[i]);
		}
	}
}

static void add_parameters(struct writer *json, const struct route *route)
{
	struct slice refs = slice_of(route->params ? route->params : "");

	writer_open(json, "parameters", '[');
	add_path_parameters(json, route->path);
	while (refs.len > 0) {
		struct slice ref = slice_first(refs, slice_find(refs, ' '));

		refs = slice_from(refs, ref.len + 1);
		for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
			if (slice_is(ref, parameters[i].ref))
				add_parameter(json, &parameters[i]);
		}
	}
	writer_close(json, ']');
}

static const char *status_text(uint16_t status)
{
	switch (status) {
	case 401:
		return "A valid token is needed.";
	case 403:
		return "Not allowed.";
	case 404:
		return "Not there.";
	case 406:
		return "Accept leaves out what this gives.";
	case 409:
		return "Not possible as things are.";
	case 412:
		return "Changed since the ETag was given.";
	case 413:
		return "The body is too large.";
	case 415:
		return "The body is not JSON.";
	case 422:
		return "A field does not fit.";
	case 429:
		return "Too many requests; Retry-After says when to ask again.";
	case 500:
		return "A defect of the server.";
	case 503:
		return "Not now; Retry-After says when to ask again.";
	default:
		return "The request is malformed.";
	}
}

static void add_response(struct writer *json, const struct route *route, uint16_t status)
{
	bool is_success = status == route->status;
	bool is_own = is_success || ((route->flags & ROUTE_SAME_503) && status == 503);
	char key[8];

	(void)snprintf(key, sizeof(key), "%u", status);
	writer_open(json, key, '{');
	writer_text(json, "description", is_success ? route->summary : status_text(status));
	if (!is_own)
		add_content(json, PROBLEM_CONTENT_TYPE, "Problem");
	else if (route->content_type)
		add_content(json,
			    slice_is(slice_of(route->content_type), "application/json") ||
					    !strchr(route->content_type, ';')
				    ? route->content_type
				    : "text/plain",
			    strcmp(route->content_type, "text/event-stream") == 0
				    ? NULL
				    : route->response);
	writer_close(json, '}');
}

static void add_operation(struct writer *json, const struct route *route)
{
	static const struct {
		const char *method, *key;
	} methods[] = {{"GET", "get"}, {"POST", "post"}, {"PATCH", "patch"}, {"DELETE", "delete"}};
	const char *key = NULL;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (strcmp(route->method, methods[i].method) == 0)
			key = methods[i].key;
	}
	writer_open(json, key, '{');
	writer_text(json, "operationId", route->operation);
	writer_text(json, "summary", route->summary);
	add_parameters(json, route);
	if (route->request) {
		writer_open(json, "requestBody", '{');
		add_content(json, "application/json", route->request);
		writer_close(json, '}');
	}
	writer_open(json, "responses", '{');
	for (uint16_t status = 200; status < 600; status++) {
		if (openapi_has_status(route, status))
			add_response(json, route, status);
	}
	writer_close(json, '}');
	if (route->flags & ROUTE_OPEN) {
		writer_open(json, "security", '[');
		writer_close(json, ']');
	}
	writer_close(json, '}');
}

/* The table keeps the routes of one path together. */
static void add_paths(struct writer *json)
{
	const struct route *route;
	const char *path = NULL;

	writer_open(json, "paths", '{');
	for (size_t i = 0; (route = route_at(i)) != NULL; i++) {
		if (route->flags & ROUTE_HIDDEN)
			continue;
		if (!path || strcmp(path, route->path) != 0) {
			if (path)
				writer_close(json, '}');
			writer_open(json, route->path, '{');
			path = route->path;
		}
		add_operation(json, route);
	}
	writer_close(json, '}');
	writer_close(json, '}');
}

static void add_components(struct writer *json)
{
	const struct schema *schema;

	writer_open(json, "components", '{');
	writer_open(json, "schemas", '{');
	for (size_t i = 0; (schema = schema_at(i)) != NULL; i++)
		add_schema(json, schema);
	writer_close(json, '}');
	writer_open(json, "securitySchemes", '{');
	writer_open(json, "token", '{');
	writer_text(json, "type", "http");
	writer_text(json, "scheme", "bearer");
	writer_text(json, "description", "http.token; not asked while it is empty.");
	writer_close(json, '}');
	writer_close(json, '}');
	writer_close(json, '}');
}

void openapi_write(struct buf *out)
{
	struct writer json = writer_to(out);

	writer_open(&json, NULL, '{');
	writer_text(&json, "openapi", "3.1.0");
	writer_open(&json, "info", '{');
	writer_text(&json, "title", "Hearth");
	writer_text(&json, "version", HEARTH_VERSION);
	writer_text(
		&json, "description",
		"Rooms and participants of a SIP conference server. Errors are problem documents "
		"(RFC 9457).");
	writer_close(&json, '}');
	writer_open(&json, "security", '[');
	writer_open(&json, NULL, '{');
	writer_open(&json, "token", '[');
	writer_close(&json, ']');
	writer_close(&json, '}');
	writer_open(&json, NULL, '{');
	writer_close(&json, '}');
	writer_close(&json, ']');
	add_paths(&json);
	add_components(&json);
	writer_close(&json, '}');
}

/* Routes that tell of the API itself ---------------------------------------------------------- */

int openapi_get(struct request *request)
{
	buf_addslice(request_body(request), buf_slice(&request_http(request)->description));
	return 0;
}

static void add_kind(struct writer *json, const struct problem *problem)
{
	char type[96] = PROBLEM_TYPE_PREFIX;

	strncat(type, problem->name, sizeof(type) - sizeof(PROBLEM_TYPE_PREFIX));
	writer_open(json, NULL, '{');
	writer_text(json, "type", type);
	writer_text(json, "title", problem_title(problem));
	writer_uint(json, "status", problem->status);
	writer_close(json, '}');
}

int problems_list(struct request *request)
{
	struct writer json = writer_to(request_body(request));
	const struct problem *problem;

	writer_open(&json, NULL, '{');
	writer_open(&json, "problems", '[');
	for (size_t i = 0; (problem = problem_at(i)) != NULL; i++)
		add_kind(&json, problem);
	writer_close(&json, ']');
	writer_close(&json, '}');
	return 0;
}

int problems_get(struct request *request)
{
	struct writer json = writer_to(request_body(request));
	const struct problem *problem = problem_find(request_arg(request, 0));

	if (!problem)
		return ERR_HTTP_NOT_FOUND;
	add_kind(&json, problem);
	return 0;
}
