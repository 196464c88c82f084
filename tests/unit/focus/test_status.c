#include "focus/status.h"

#include <errno.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"

static void errors(void)
{
	static const struct {
		int err;
		uint16_t status;
		enum focus_reject reject;
		const char *headers;
	} rows[] = {
		{ERR_ROOM_UNKNOWN, 404, FOCUS_REJECT_ROOM_UNKNOWN, ""},
		{ERR_ROOM_NAME, 404, FOCUS_REJECT_ROOM_NAME, ""},
		{ERR_DOMAIN, 404, FOCUS_REJECT_DOMAIN, ""},
		{ERR_ROOM_FULL, 486, FOCUS_REJECT_ROOM_FULL, ""},
		{ERR_ROOM_LOCKED, 486, FOCUS_REJECT_ROOM_LOCKED, ""},
		{ERR_ROOM_LIMIT, 503, FOCUS_REJECT_ROOM_LIMIT,
		 "Retry-After: 30\r\nWarning: 399 h \"no more rooms can be made\"\r\n"},
		{ERR_DRAINING, 503, FOCUS_REJECT_DRAINING,
		 "Retry-After: 60\r\nWarning: 399 h \"server is shutting down\"\r\n"},
		{ERR_MEDIA_NO_PORTS, 503, FOCUS_REJECT_NO_PORTS,
		 "Retry-After: 10\r\nWarning: 399 h \"no free media port\"\r\n"},
		{ERR_MEDIA_NO_LEGS, 503, FOCUS_REJECT_NO_LEGS,
		 "Retry-After: 10\r\nWarning: 399 h \"mixer holds as many legs as it may\"\r\n"},
		{ERR_QUEUE_FULL, 503, FOCUS_REJECT_MEDIA,
		 "Retry-After: 5\r\nWarning: 399 h \"the queue is full\"\r\n"},
		{ERR_LOOP, 482, FOCUS_REJECT_LOOP,
		 "Warning: 399 h \"the conference would call itself\"\r\n"},
		{ERR_SDP_NO_MEDIA, 488, FOCUS_REJECT_MEDIA,
		 "Warning: 399 h \"no acceptable media in the offer\"\r\n"},
		{ERR_SDP_SYNTAX, 400, FOCUS_REJECT_MEDIA,
		 "Warning: 399 h \"malformed session description\"\r\n"},
		{-EIO, 500, FOCUS_REJECT_INTERNAL, "Warning: 399 h \"internal error\"\r\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct status_row *row = status_find(rows[i].err);
		struct buf headers = BUF_INIT;

		status_headers(row, "h", &headers);
		CHECK_INT(err_name(rows[i].err), row->status, rows[i].status);
		CHECK_INT(err_name(rows[i].err), row->reject, rows[i].reject);
		CHECK_SLICE(err_name(rows[i].err), buf_slice(&headers), rows[i].headers);
		buf_done(&headers);
	}
}

static void reject_names(void)
{
	for (int i = 0; i < FOCUS_REJECT_COUNT; i++)
		for (int j = 0; j < i; j++)
			CHECK(focus_reject_name((enum focus_reject)i),
			      !slice_is(slice_of(focus_reject_name((enum focus_reject)i)),
					focus_reject_name((enum focus_reject)j)));
}

static void causes(void)
{
	struct buf headers = BUF_INIT;

	status_cause_headers(status_cause_find("room_closed"), &headers);
	CHECK_SLICE(NULL, buf_slice(&headers),
		    "Reason: SIP;cause=410;text=\"Conference ended\"\r\n");
	buf_done(&headers);
	CHECK_INT("one that nobody knows", status_cause_find("because")->status, 480);
	CHECK_INT("kicked", status_cause_find("kicked")->status, 403);
}

static void failures(void)
{
	static const struct {
		uint16_t status;
		const char *cause;
	} rows[] = {
		{486, "busy"},      {600, "busy"},           {603, "declined"},
		{404, "not_found"}, {408, "no_answer"},      {480, "unavailable"},
		{487, "cancelled"}, {488, "not_acceptable"}, {401, "unauthorized"},
		{482, "loop"},      {302, "redirected"},     {418, "failed"},
		{599, "failed"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_STR(rows[i].cause, status_failure_cause(rows[i].status), rows[i].cause);
}

void suite_status(void)
{
	CHECK_SUITE("status");
	CHECK_TEST(errors);
	CHECK_TEST(reject_names);
	CHECK_TEST(causes);
	CHECK_TEST(failures);
}
