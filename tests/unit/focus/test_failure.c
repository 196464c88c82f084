/* What is a failure, and what an operator is told of it. */
#include "focus/failure.h"

#include <string.h>

#include "base/attr.h"
#include "tests/support/check.h"

static const struct {
	const char *name;
	struct sip_call_end end;
	bool was_connected;
	const char *help; /* a part of it; NULL: no failure */
} cases[] = {
	{"busy", {SIP_END_REMOTE, 486, "Busy Here", NULL}, false, NULL},
	{"cancelled", {SIP_END_REMOTE, 487, "", NULL}, false, NULL},
	{"declined", {SIP_END_REMOTE, 603, "Decline", NULL}, false, NULL},
	{"busy everywhere", {SIP_END_REMOTE, 600, "", NULL}, false, NULL},
	{"not there", {SIP_END_REMOTE, 480, "", NULL}, false, NULL},
	{"BYE", {SIP_END_REMOTE, 0, "BYE", NULL}, true, NULL},
	{"hung up", {SIP_END_LOCAL, 0, "hung up", NULL}, false, NULL},
	{"rejected by us", {SIP_END_LOCAL, 404, "", NULL}, false, NULL},
	{"moved", {SIP_END_REMOTE, 302, "", NULL}, false, "elsewhere"},
	{"credentials", {SIP_END_REMOTE, 401, "", NULL}, false, "credentials"},
	{"forbidden", {SIP_END_REMOTE, 403, "", NULL}, false, "does not let us"},
	{"unknown", {SIP_END_REMOTE, 404, "", NULL}, false, "nobody of that name"},
	{"codecs", {SIP_END_REMOTE, 488, "", NULL}, false, "media.codecs"},
	{"any other 4xx", {SIP_END_REMOTE, 499, "", NULL}, false, "its reason"},
	{"overloaded", {SIP_END_REMOTE, 503, "", NULL}, false, "overloaded"},
	{"any other 5xx", {SIP_END_REMOTE, 599, "", NULL}, false, "fault"},
	{"any other 6xx", {SIP_END_REMOTE, 699, "", NULL}, false, "everywhere"},
	{"unreachable", {SIP_END_TRANSPORT, 503, "", NULL}, false, "cannot be reached"},
	{"lost", {SIP_END_TRANSPORT, 0, "", NULL}, true, "cannot be reached"},
	{"no answer", {SIP_END_TIMEOUT, 408, "", NULL}, false, "in time"},
	{"silent", {SIP_END_TIMEOUT, 0, "session timer expired", NULL}, true, "silent"},
	{"broken", {SIP_END_LOCAL, 0, "no usable answer in the ACK", NULL}, true, "protocol"},
};

static void table(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *help = failure_help(&cases[i].end, cases[i].was_connected);

		CHECK(cases[i].name, (help != NULL) == (cases[i].help != NULL));
		if (help && cases[i].help)
			CHECK(cases[i].name, strstr(help, cases[i].help) != NULL);
	}
}

void suite_failure(void);
void suite_failure(void)
{
	CHECK_SUITE("failure");
	CHECK_TEST(table);
}
