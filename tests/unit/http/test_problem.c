#include <errno.h>
#include <jansson.h>

#include "base/attr.h"
#include "base/err.h"
#include "http/problem.h"
#include "tests/support/check.h"

static void statuses(void)
{
	static const struct {
		int err;
		uint16_t status;
	} cases[] = {
		{ERR_HTTP_JSON, 400},
		{ERR_HTTP_UNAUTHORIZED, 401},
		{ERR_NOT_ALLOWED, 403},
		{ERR_ROOM_UNKNOWN, 404},
		{ERR_HTTP_METHOD, 405},
		{ERR_HTTP_NOT_ACCEPTABLE, 406},
		{ERR_ROOM_EXISTS, 409},
		{ERR_ROOM_FULL, 409},
		{ERR_HTTP_PRECONDITION, 412},
		{ERR_HTTP_BODY_TOO_LARGE, 413},
		{ERR_HTTP_CONTENT_TYPE, 415},
		{ERR_HTTP_FIELD, 422},
		{ERR_BAD_TARGET, 422},
		{ERR_DRAINING, 503},
		{ERR_MEDIA_NO_PORTS, 503},
		{ERR_STORE_FULL, 507},
		{-ENOMEM, 503},
		{-EPERM, 500},
		{ERR_SDP_SYNTAX, 500},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_INT(err_name(cases[i].err), problem_of(cases[i].err)->status,
			  cases[i].status);
}

/* Every row once, found by its name, with a title and a status that fit. */
static void table(void)
{
	const struct problem *problem;

	for (size_t i = 0; (problem = problem_at(i)) != NULL; i++) {
		CHECK(problem->name, problem_find(slice_of(problem->name)) == problem);
		CHECK(problem->name, problem_of(problem->err) == problem);
		CHECK(problem->name, problem->status >= 400 && problem->status < 600);
		CHECK(problem->name, problem_title(problem)[0] != '\0');
		CHECK(problem->name, problem->retry_after_s == 0 || problem->status == 503 ||
					     problem->status == 429);
	}
	CHECK("unknown name", problem_find(SLICE("no-such")) == NULL);
	CHECK("beyond", problem_at(1000) == NULL);
}

static void documents(void)
{
	struct problem_detail detail = {.text = "locked \"must\" be true or false",
					.field = "locked",
					.line = 3,
					.column = 9};
	struct buf out = BUF_INIT;

	problem_write(problem_of(ERR_HTTP_FIELD), &detail, SLICE("/api/v1/rooms"), &out);
	CHECK_SLICE("full", buf_slice(&out),
		    "{\"type\":\"/problems/bad-field\",\"title\":\"a field does not "
		    "fit\",\"status\":422,"
		    "\"detail\":\"locked \\\"must\\\" be true or "
		    "false\",\"instance\":\"/api/v1/rooms\","
		    "\"field\":\"locked\",\"line\":3,\"column\":9}");
	buf_clear(&out);
	problem_write(problem_of(-EPERM), &(struct problem_detail){0}, SLICE_NONE, &out);
	CHECK_SLICE(
		"bare", buf_slice(&out),
		"{\"type\":\"/problems/internal\",\"title\":\"internal error\",\"status\":500}");
	buf_done(&out);
}

void suite_problem(void)
{
	CHECK_SUITE("problem");
	CHECK_TEST(statuses);
	CHECK_TEST(table);
	CHECK_TEST(documents);
}
