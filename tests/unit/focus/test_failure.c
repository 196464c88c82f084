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
	{"busy", {SIP_END_REMOTE, 486, "Busy Here", NULL, 0}, false, NULL},
	{"cancelled", {SIP_END_REMOTE, 487, "", NULL, 0}, false, NULL},
	{"declined", {SIP_END_REMOTE, 603, "Decline", NULL, 0}, false, NULL},
	{"busy everywhere", {SIP_END_REMOTE, 600, "", NULL, 0}, false, NULL},
	{"not there", {SIP_END_REMOTE, 480, "", NULL, 0}, false, NULL},
	{"BYE", {SIP_END_REMOTE, 0, "BYE", NULL, 0}, true, NULL},
	{"hung up", {SIP_END_LOCAL, 0, "hung up", NULL, 0}, false, NULL},
	{"rejected by us", {SIP_END_LOCAL, 404, "", NULL, 0}, false, NULL},
	{"moved", {SIP_END_REMOTE, 302, "", NULL, 0}, false, "elsewhere"},
	{"credentials", {SIP_END_REMOTE, 401, "", NULL, 0}, false, "credentials"},
	{"forbidden", {SIP_END_REMOTE, 403, "", NULL, 0}, false, "does not let us"},
	{"unknown", {SIP_END_REMOTE, 404, "", NULL, 0}, false, "nobody of that name"},
	{"codecs", {SIP_END_REMOTE, 488, "", NULL, 0}, false, "media.codecs"},
	{"any other 4xx", {SIP_END_REMOTE, 499, "", NULL, 0}, false, "its reason"},
	{"overloaded", {SIP_END_REMOTE, 503, "", NULL, 0}, false, "overloaded"},
	{"any other 5xx", {SIP_END_REMOTE, 599, "", NULL, 0}, false, "fault"},
	{"any other 6xx", {SIP_END_REMOTE, 699, "", NULL, 0}, false, "everywhere"},
	{"unreachable", {SIP_END_TRANSPORT, 503, "", NULL, 0}, false, "cannot be reached"},
	{"lost", {SIP_END_TRANSPORT, 0, "", NULL, 0}, true, "cannot be reached"},
	{"no answer", {SIP_END_TIMEOUT, 408, "", NULL, 0}, false, "in time"},
	{"silent", {SIP_END_TIMEOUT, 0, "session timer expired", NULL, 0}, true, "silent"},
	{"sips: to who has sip: only", {SIP_END_LOCAL, 480, "", NULL, 380}, false, "sips: Contact"},
	{"sip: to who has sips: only", {SIP_END_LOCAL, 480, "", NULL, 381}, false, "sip.listen"},
	{"broken", {SIP_END_LOCAL, 0, "no usable answer in the ACK", NULL, 0}, true, "protocol"},
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

/* The peer's own word goes before its status. */
static void by_warning(void)
{
	static const char text[] =
		"SIP/2.0 480 Temporarily Unavailable\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
		"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
		"Warning: 380 h \"SIPS Not Allowed\"\r\nContent-Length: 0\r\n\r\n";
	struct sip_call_end end = {.by = SIP_END_REMOTE, .status = 480, .text = ""};
	struct sip_msg msg;
	const char *help;

	CHECK_INT("parse", sip_msg_parse(text, sizeof(text) - 1, &msg), 0);
	end.message = &msg;
	help = failure_help(&end, false);
	CHECK("told", help && strstr(help, "sips:"));
	CHECK("not of one that was connected", !failure_help(&end, true));
}

void suite_failure(void);
void suite_failure(void)
{
	CHECK_SUITE("failure");
	CHECK_TEST(table);
	CHECK_TEST(by_warning);
}
