#include "sip/names.h"

#include <ctype.h>
#include <stdio.h>

#include "base/attr.h"
#include "tests/support/check.h"

static const struct {
	enum sip_header_id id;
	const char *name;
	char compact;
} headers[] = {
#define HEADER(id, name, compact, flags) {SIP_H_##id, name, compact},
#include "sip/header.inc"
#undef HEADER
};

static void change_case(const char *from, char *to, int (*change)(int))
{
	do
		*to++ = (char)change((unsigned char)*from);
	while (*from++);
}

/* Fails while names.inc is older than header.inc: run sip/names.py. */
static void every_name_is_found(void)
{
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		char text[64], longer[66], compact[2] = {headers[i].compact, 0};

		CHECK_INT(headers[i].name, sip_header_id_find(slice_of(headers[i].name)),
			  headers[i].id);
		change_case(headers[i].name, text, toupper);
		CHECK_INT(text, sip_header_id_find(slice_of(text)), headers[i].id);
		change_case(headers[i].name, text, tolower);
		CHECK_INT(text, sip_header_id_find(slice_of(text)), headers[i].id);
		CHECK_STR(text, sip_header_id_name(headers[i].id), headers[i].name);
		snprintf(longer, sizeof(longer), "%sx", text);
		CHECK_INT(longer, sip_header_id_find(slice_of(longer)), SIP_H_OTHER);
		if (!headers[i].compact)
			continue;
		CHECK_INT(headers[i].name, sip_header_id_find(slice_of(compact)), headers[i].id);
		compact[0] = (char)toupper(compact[0]);
		CHECK_INT(headers[i].name, sip_header_id_find(slice_of(compact)), headers[i].id);
	}
}

static void unknown_names(void)
{
	static const char *const names[] = {"",      "z",       "1",    "X-Hearth", "Vi",
					    "Fromm", "Call_ID", "\xff", "[",        "{"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		CHECK_INT(names[i], sip_header_id_find(slice_of(names[i])), SIP_H_OTHER);
}

static void methods(void)
{
	for (int i = SIP_METHOD_OTHER + 1; i < SIP_METHOD_COUNT; i++) {
		const char *name = sip_method_name((enum sip_method)i);
		char lower[16];

		CHECK_INT(name, sip_method_parse(slice_of(name)), i);
		change_case(name, lower, tolower);
		CHECK_INT(lower, sip_method_parse(slice_of(lower)), SIP_METHOD_OTHER);
	}
	CHECK_INT("longer", sip_method_parse(SLICE("INVITES")), SIP_METHOD_OTHER);
	CHECK_INT("shorter", sip_method_parse(SLICE("INV")), SIP_METHOD_OTHER);
	CHECK_INT("empty", sip_method_parse(SLICE("")), SIP_METHOD_OTHER);
}

static void phrases(void)
{
	CHECK_STR("180", sip_reason_phrase(180), "Ringing");
	CHECK_STR("486", sip_reason_phrase(486), "Busy Here");
	CHECK_STR("608", sip_reason_phrase(608), "Rejected");
	CHECK_STR("299", sip_reason_phrase(299), "Unknown");
}

static void texts(void)
{
	CHECK_STR("To", sip_header_malformed_text(SIP_H_TO), "To is malformed");
	CHECK_STR("Call-ID", sip_header_missing_text(SIP_H_CALL_ID), "Call-ID is missing");
	CHECK_STR("CSeq", sip_header_repeated_text(SIP_H_CSEQ), "CSeq occurs more than once");
	CHECK_INT("Via is a list", sip_header_flags(SIP_H_VIA), HEADER_L);
	CHECK_INT("To is single", sip_header_flags(SIP_H_TO), HEADER_S);
}

void suite_names(void)
{
	CHECK_SUITE("names");
	CHECK_TEST(every_name_is_found);
	CHECK_TEST(unknown_names);
	CHECK_TEST(methods);
	CHECK_TEST(phrases);
	CHECK_TEST(texts);
}
