#include "sip/names.h"

#include <assert.h>

#include "base/attr.h"
#include "sip/cursor.h"
#include "sip/names.inc"

static const struct header_row {
	struct slice name;
	unsigned flags;
	const char *repeated, *missing, *malformed;
} header_rows[SIP_H_COUNT] = {
	[SIP_H_OTHER] = {{"", 0},
			 0,
			 "A header field occurs more than once",
			 "A header field is missing",
			 "A header field is malformed"},
#define HEADER(id, text, compact, flags)                                                           \
	[SIP_H_##id] = {{text, sizeof(text) - 1},                                                  \
			flags,                                                                     \
			text " occurs more than once",                                             \
			text " is missing",                                                        \
			text " is malformed"},
#include "sip/header.inc"
#undef HEADER
};

static const struct method_row {
	const char *name;
	uint8_t len;
} method_rows[SIP_METHOD_COUNT] = {
#define METHOD(name) [SIP_METHOD_##name] = {#name, sizeof(#name) - 1}
	METHOD(INVITE),    METHOD(ACK),    METHOD(BYE),    METHOD(CANCEL),  METHOD(OPTIONS),
	METHOD(REGISTER),  METHOD(PRACK),  METHOD(UPDATE), METHOD(INFO),    METHOD(MESSAGE),
	METHOD(SUBSCRIBE), METHOD(NOTIFY), METHOD(REFER),  METHOD(PUBLISH),
#undef METHOD
};

/* RFC 3261 21, and the registry of response codes behind it. In order. */
static const struct {
	uint16_t status;
	const char *phrase;
} phrase_rows[] = {
	{100, "Trying"},
	{180, "Ringing"},
	{181, "Call Is Being Forwarded"},
	{182, "Queued"},
	{183, "Session Progress"},
	{199, "Early Dialog Terminated"},
	{200, "OK"},
	{202, "Accepted"},
	{204, "No Notification"},
	{300, "Multiple Choices"},
	{301, "Moved Permanently"},
	{302, "Moved Temporarily"},
	{305, "Use Proxy"},
	{380, "Alternative Service"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{402, "Payment Required"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{407, "Proxy Authentication Required"},
	{408, "Request Timeout"},
	{410, "Gone"},
	{412, "Conditional Request Failed"},
	{413, "Request Entity Too Large"},
	{414, "Request-URI Too Long"},
	{415, "Unsupported Media Type"},
	{416, "Unsupported URI Scheme"},
	{417, "Unknown Resource-Priority"},
	{420, "Bad Extension"},
	{421, "Extension Required"},
	{422, "Session Interval Too Small"},
	{423, "Interval Too Brief"},
	{424, "Bad Location Information"},
	{428, "Use Identity Header"},
	{429, "Provide Referrer Identity"},
	{430, "Flow Failed"},
	{433, "Anonymity Disallowed"},
	{436, "Bad Identity Info"},
	{437, "Unsupported Credential"},
	{438, "Invalid Identity Header"},
	{439, "First Hop Lacks Outbound Support"},
	{440, "Max-Breadth Exceeded"},
	{469, "Bad Info Package"},
	{470, "Consent Needed"},
	{480, "Temporarily Unavailable"},
	{481, "Call/Transaction Does Not Exist"},
	{482, "Loop Detected"},
	{483, "Too Many Hops"},
	{484, "Address Incomplete"},
	{485, "Ambiguous"},
	{486, "Busy Here"},
	{487, "Request Terminated"},
	{488, "Not Acceptable Here"},
	{489, "Bad Event"},
	{491, "Request Pending"},
	{493, "Undecipherable"},
	{494, "Security Agreement Required"},
	{500, "Server Internal Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Server Time-out"},
	{505, "Version Not Supported"},
	{513, "Message Too Large"},
	{555, "Push Notification Service Not Supported"},
	{580, "Precondition Failure"},
	{600, "Busy Everywhere"},
	{603, "Decline"},
	{604, "Does Not Exist Anywhere"},
	{606, "Not Acceptable"},
	{607, "Unwanted"},
	{608, "Rejected"},
};

enum sip_header_id sip_header_id_find(struct slice name)
{
	const uint8_t *p = (const uint8_t *)name.p;
	uint8_t id;

	if (name.len == 1)
		return (p[0] | 0x20) >= 'a' && (p[0] | 0x20) <= 'z'
			       ? compact_ids[(p[0] | 0x20) - 'a']
			       : SIP_H_OTHER;
	if (name.len == 0)
		return SIP_H_OTHER;
	id = name_slots[NAME_HASH(p[0] | 0x20u, p[name.len / 2] | 0x20u, p[name.len - 1] | 0x20u,
				  (unsigned)name.len)];
	return id && slice_ieq(name, header_rows[id].name) ? id : SIP_H_OTHER;
}

unsigned sip_header_flags(enum sip_header_id id)
{
	assert(id < SIP_H_COUNT);
	return header_rows[id].flags;
}

const char *sip_header_id_name(enum sip_header_id id)
{
	assert(id < SIP_H_COUNT);
	return header_rows[id].name.p;
}

const char *sip_header_repeated_text(enum sip_header_id id)
{
	assert(id < SIP_H_COUNT);
	return header_rows[id].repeated;
}

const char *sip_header_missing_text(enum sip_header_id id)
{
	assert(id < SIP_H_COUNT);
	return header_rows[id].missing;
}

const char *sip_header_malformed_text(enum sip_header_id id)
{
	assert(id < SIP_H_COUNT);
	return header_rows[id].malformed;
}

enum sip_method sip_method_parse(struct slice text)
{
	for (int i = SIP_METHOD_OTHER + 1; i < SIP_METHOD_COUNT; i++) {
		const struct method_row *row = &method_rows[i];

		if (row->len == text.len && memcmp(row->name, text.p, text.len) == 0)
			return (enum sip_method)i;
	}
	return SIP_METHOD_OTHER;
}

const char *sip_method_name(enum sip_method method)
{
	assert(method < SIP_METHOD_COUNT);
	return method == SIP_METHOD_OTHER ? "OTHER" : method_rows[method].name;
}

const char *sip_reason_phrase(uint16_t status)
{
	for (size_t i = 0; i < ARRAY_LEN(phrase_rows); i++) {
		if (phrase_rows[i].status == status)
			return phrase_rows[i].phrase;
	}
	return "Unknown";
}
