/* http/problem.c -- the table, and the document made from a row. */
#include "http/problem.h"

#include <errno.h>

#include "base/attr.h"
#include "base/err.h"
#include "http/writer.h"

static const struct problem problems[] = {
	/* The request itself */
	{ERR_HTTP_SYNTAX, 400, "bad-request", NULL, 0},
	{ERR_HTTP_JSON, 400, "bad-json", NULL, 0},
	{ERR_HTTP_UNAUTHORIZED, 401, "unauthorized", NULL, 0},
	{ERR_HTTP_ORIGIN, 403, "foreign-origin", NULL, 0},
	{ERR_HTTP_NOT_FOUND, 404, "not-found", NULL, 0},
	{ERR_HTTP_METHOD, 405, "method-not-allowed", NULL, 0},
	{ERR_HTTP_NOT_ACCEPTABLE, 406, "not-acceptable", NULL, 0},
	{ERR_HTTP_PRECONDITION, 412, "changed-meanwhile", NULL, 0},
	{ERR_HTTP_BODY_TOO_LARGE, 413, "body-too-large", NULL, 0},
	{ERR_HTTP_CONTENT_TYPE, 415, "unsupported-media-type", NULL, 0},
	{ERR_HTTP_RANGE, 416, "range-not-satisfiable", NULL, 0},
	{ERR_HTTP_FIELD, 422, "bad-field", NULL, 0},
	{ERR_HTTP_KEY_REUSED, 422, "idempotency-key-reused", NULL, 0},
	{ERR_HTTP_RATE, 429, "too-many-requests", NULL, 1},
	{ERR_HTTP_STREAMS, 503, "too-many-streams", NULL, 10},
	/* What the focus says */
	{ERR_ROOM_UNKNOWN, 404, "room-unknown", NULL, 0},
	{ERR_PARTICIPANT_UNKNOWN, 404, "participant-unknown", NULL, 0},
	{ERR_BAN_UNKNOWN, 404, "ban-unknown", NULL, 0},
	{ERR_REGISTRATION_UNKNOWN, 404, "registration-unknown", NULL, 0},
	{ERR_FORWARD_UNKNOWN, 404, "forward-unknown", NULL, 0},
	{ERR_MAILBOX_UNKNOWN, 404, "mailbox-unknown", NULL, 0},
	{ERR_MAIL_UNKNOWN, 404, "mail-unknown", NULL, 0},
	{ERR_MAILBOX_FULL, 409, "mailbox-full", NULL, 0},
	{ERR_RECORDING_UNKNOWN, 404, "recording-unknown", NULL, 0},
	{ERR_PLAY_UNKNOWN, 404, "play-unknown", NULL, 0},
	{ERR_CALL_UNKNOWN, 404, "call-unknown", NULL, 0},
	{ERR_TRACE_UNKNOWN, 404, "trace-unknown", NULL, 0},
	{ERR_ROOM_EXISTS, 409, "room-exists", NULL, 0},
	{ERR_RECORDING_RUNS, 409, "recording-runs", NULL, 0},
	{ERR_ROOM_EMPTY, 409, "room-empty", NULL, 0},
	{ERR_ROOM_FULL, 409, "room-full", NULL, 0},
	{ERR_ROOM_LOCKED, 409, "room-locked", NULL, 0},
	{ERR_GROUPS_FULL, 409, "groups-full", NULL, 0},
	{ERR_GROUP_NAME, 422, "group-name", NULL, 0},
	{ERR_ROOM_NAME, 422, "room-name", NULL, 0},
	{ERR_BAD_TARGET, 422, "bad-target", NULL, 0},
	{ERR_USER_UNKNOWN, 404, "user-unknown", NULL, 0},
	{ERR_USER_EXISTS, 409, "user-exists", NULL, 0},
	{ERR_USER_NAME, 422, "user-name", NULL, 0},
	{ERR_USER_ALIAS, 422, "user-alias", NULL, 0},
	{ERR_USER_PASSWORD, 422, "user-password", NULL, 0},
	{ERR_USER_LIMIT, 503, "user-limit", NULL, 0},
	{ERR_LOOP, 422, "loop", NULL, 0},
	{ERR_NOT_ALLOWED, 403, "not-allowed", NULL, 0},
	{ERR_ROOM_LIMIT, 503, "room-limit", NULL, 30},
	{ERR_PARTICIPANT_LIMIT, 503, "participant-limit", NULL, 30},
	{ERR_DRAINING, 503, "draining", NULL, 60},
	{ERR_STATE, 409, "wrong-state", NULL, 0},
	{ERR_STALE, 404, "gone", NULL, 0},
	/* What stands below it */
	{ERR_SIP_URI_SYNTAX, 422, "bad-uri", NULL, 0},
	{ERR_SIP_URI_SCHEME, 422, "bad-uri-scheme", NULL, 0},
	{ERR_SIP_NO_ROUTE, 422, "no-route", NULL, 0},
	{ERR_MEDIA_NO_PORTS, 503, "no-media-ports", NULL, 10},
	{ERR_MEDIA_NO_LEGS, 503, "no-media-legs", NULL, 10},
	{ERR_MEDIA_NO_ROOMS, 503, "no-media-rooms", NULL, 10},
	{ERR_LIMIT, 503, "limit", NULL, 10},
	{ERR_QUEUE_FULL, 503, "overloaded", NULL, 5},
	{ERR_STORE_FAILED, 503, "store-failed", NULL, 10},
	{ERR_STORE_FULL, 507, "store-full", NULL, 0},
	{-ENOSPC, 507, "disk-full", NULL, 0},
	{-ENOMEM, 503, "out-of-memory", "the server is out of memory", 10},
	{-EMFILE, 503, "out-of-descriptors", "the server has no file descriptors left", 10},
	{-EINVAL, 422, "invalid", "a value is not valid", 0},
};

static const struct problem internal = {0, 500, "internal", "internal error", 0};

const struct problem *problem_of(int err)
{
	for (size_t i = 0; i < ARRAY_LEN(problems); i++) {
		if (problems[i].err == err)
			return &problems[i];
	}
	return &internal;
}

const struct problem *problem_at(size_t index)
{
	if (index < ARRAY_LEN(problems))
		return &problems[index];
	return index == ARRAY_LEN(problems) ? &internal : NULL;
}

const struct problem *problem_find(struct slice name)
{
	const struct problem *problem;

	for (size_t i = 0; (problem = problem_at(i)) != NULL; i++) {
		if (slice_is(name, problem->name))
			return problem;
	}
	return NULL;
}

const char *problem_title(const struct problem *problem)
{
	return problem->title ? problem->title : err_text(problem->err);
}

void problem_write(const struct problem *problem, const struct problem_detail *detail,
		   struct slice instance, struct buf *out)
{
	struct writer json = writer_to(out);
	char type[96] = PROBLEM_TYPE_PREFIX;

	writer_open(&json, NULL, '{');
	(void)slice_cstr(slice_of(problem->name), type + sizeof(PROBLEM_TYPE_PREFIX) - 1,
			 sizeof(type) - sizeof(PROBLEM_TYPE_PREFIX) + 1);
	writer_text(&json, "type", type);
	writer_text(&json, "title", problem_title(problem));
	writer_uint(&json, "status", problem->status);
	if (detail->text[0])
		writer_text(&json, "detail", detail->text);
	if (instance.len > 0)
		writer_str(&json, "instance", instance);
	if (detail->field[0])
		writer_text(&json, "field", detail->field);
	if (detail->parameter[0])
		writer_text(&json, "parameter", detail->parameter);
	if (detail->line > 0) {
		writer_int(&json, "line", detail->line);
		writer_int(&json, "column", detail->column);
	}
	writer_close(&json, '}');
}
