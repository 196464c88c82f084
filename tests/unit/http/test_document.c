#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "http/document.h"
#include "tests/support/check.h"

static const struct fault_case {
	const char *name;
	const struct schema *schema;
	const char *text;
	int want;
	const char *field;
	int line;
} fault_cases[] = {
	{"empty body", &SCHEMA_ROOM_CREATE, "", 0, "", 0},
	{"empty object", &SCHEMA_ROOM_CREATE, "{}", 0, "", 0},
	{"all fields", &SCHEMA_ROOM_CREATE,
	 "{\"id\":\"lobby\",\"locked\":true,\"muted\":false,\"max_participants\":5}", 0, "", 0},
	{"nulls where they may be", &SCHEMA_ROOM_CREATE, "{\"id\":null,\"max_participants\":null}",
	 0, "", 0},
	{"null where not", &SCHEMA_ROOM_CREATE, "{\"locked\":null}", ERR_HTTP_FIELD, "locked", 0},
	{"number for a flag", &SCHEMA_ROOM_CREATE, "{\"locked\":1}", ERR_HTTP_FIELD, "locked", 0},
	{"text for a flag", &SCHEMA_ROOM_CREATE, "{\"muted\":\"true\"}", ERR_HTTP_FIELD, "muted",
	 0},
	{"number for text", &SCHEMA_ROOM_CREATE, "{\"id\":7}", ERR_HTTP_FIELD, "id", 0},
	{"empty text", &SCHEMA_ROOM_CREATE, "{\"id\":\"\"}", ERR_HTTP_FIELD, "id", 0},
	{"the loudest", &SCHEMA_ROOM_CHANGE, "{\"loudest\":3,\"noise_gate_dbov\":-45}", 0, "", 0},
	{"too many of the loudest", &SCHEMA_ROOM_CHANGE, "{\"loudest\":33}", ERR_HTTP_FIELD,
	 "loudest", 0},
	{"a gate above speech", &SCHEMA_ROOM_CREATE, "{\"noise_gate_dbov\":-10}", ERR_HTTP_FIELD,
	 "noise_gate_dbov", 0},
	{"real for whole", &SCHEMA_ROOM_CREATE, "{\"max_participants\":2.5}", ERR_HTTP_FIELD,
	 "max_participants", 0},
	{"too small", &SCHEMA_ROOM_CREATE, "{\"max_participants\":0}", ERR_HTTP_FIELD,
	 "max_participants", 0},
	{"negative", &SCHEMA_ROOM_CREATE, "{\"max_participants\":-1}", ERR_HTTP_FIELD,
	 "max_participants", 0},
	{"too large", &SCHEMA_ROOM_CREATE, "{\"max_participants\":100001}", ERR_HTTP_FIELD,
	 "max_participants", 0},
	{"largest", &SCHEMA_ROOM_CREATE, "{\"max_participants\":100000}", 0, "", 0},
	{"unknown", &SCHEMA_ROOM_CREATE, "{\"lokced\":true}", ERR_HTTP_FIELD, "lokced", 0},
	{"of another document", &SCHEMA_ROOM_CHANGE, "{\"id\":\"a\"}", ERR_HTTP_FIELD, "id", 0},
	{"array", &SCHEMA_ROOM_CREATE, "[]", ERR_HTTP_FIELD, "", 0},
	{"text", &SCHEMA_ROOM_CREATE, "\"lobby\"", ERR_HTTP_FIELD, "", 0},
	{"null", &SCHEMA_ROOM_CREATE, "null", ERR_HTTP_FIELD, "", 0},
	{"repeated", &SCHEMA_ROOM_CREATE, "{\"id\":\"a\",\n\"id\":\"b\"}", ERR_HTTP_JSON, "", 2},
	{"cut off", &SCHEMA_ROOM_CREATE, "{\"id\":", ERR_HTTP_JSON, "", 1},
	{"second line", &SCHEMA_ROOM_CREATE, "{\n  \"id\" \"x\"}", ERR_HTTP_JSON, "", 2},
	{"something behind", &SCHEMA_ROOM_CREATE, "{} {}", ERR_HTTP_JSON, "", 1},
	{"not UTF-8", &SCHEMA_ROOM_CREATE, "{\"id\":\"\xff\"}", ERR_HTTP_JSON, "", 1},
	{"escaped NUL", &SCHEMA_ROOM_CREATE, "{\"id\":\"a\\u0000b\"}", ERR_HTTP_JSON, "", 1},
	{"required", &SCHEMA_INVITE, "{\"display_name\":\"A\"}", ERR_HTTP_FIELD, "uri", 0},
	{"required, null", &SCHEMA_INVITE, "{\"uri\":null}", ERR_HTTP_FIELD, "uri", 0},
	{"invite", &SCHEMA_INVITE, "{\"uri\":\"sip:a@b\",\"display_name\":null}", 0, "", 0},
	{"gain", &SCHEMA_PARTICIPANT_CHANGE, "{\"gain_db\":-12.5,\"volume_db\":3}", 0, "", 0},
	{"too loud", &SCHEMA_PARTICIPANT_CHANGE, "{\"gain_db\":30.1}", ERR_HTTP_FIELD, "gain_db",
	 0},
	{"too quiet", &SCHEMA_PARTICIPANT_CHANGE, "{\"volume_db\":-61}", ERR_HTTP_FIELD,
	 "volume_db", 0},
	{"gain as text", &SCHEMA_PARTICIPANT_CHANGE, "{\"gain_db\":\"3\"}", ERR_HTTP_FIELD,
	 "gain_db", 0},
};

static void faults(void)
{
	for (size_t i = 0; i < ARRAY_LEN(fault_cases); i++) {
		struct document_fault fault = {0};
		struct document *document = NULL;
		int err = document_parse(fault_cases[i].schema, slice_of(fault_cases[i].text),
					 &document, &fault);

		CHECK_INT(fault_cases[i].name, err, fault_cases[i].want);
		CHECK_STR(fault_cases[i].name, fault.field, fault_cases[i].field);
		CHECK_INT(fault_cases[i].name, fault.line, fault_cases[i].line);
		CHECK(fault_cases[i].name, err ? fault.detail[0] != '\0' : document != NULL);
		document_free(document);
	}
}

/* Length counts characters, not octets. */
static void lengths(void)
{
	struct document_fault fault = {0};
	struct document *document = NULL;
	char text[512];

	(void)snprintf(text, sizeof(text), "{\"uri\":\"sip:a\",\"display_name\":\"%0127d\"}", 0);
	CHECK_INT("longest", document_parse(&SCHEMA_INVITE, slice_of(text), &document, &fault), 0);
	document_free(document);
	(void)snprintf(text, sizeof(text),
		       "{\"uri\":\"sip:a\",\"display_name\":\"%0126d\xc3\xbc\"}", 0);
	CHECK_INT("127 characters in 128 octets",
		  document_parse(&SCHEMA_INVITE, slice_of(text), &document, &fault), 0);
	document_free(document);
	(void)snprintf(text, sizeof(text), "{\"uri\":\"sip:a\",\"display_name\":\"%0128d\"}", 0);
	CHECK_INT("too long", document_parse(&SCHEMA_INVITE, slice_of(text), &document, &fault),
		  ERR_HTTP_FIELD);
	CHECK_STR("too long", fault.field, "display_name");
}

static void accessors(void)
{
	static const char *text = "{\"id\":null,\"locked\":true,\"max_participants\":7}";
	struct document_fault fault;
	struct document *document = NULL;
	struct slice id = SLICE("before");
	uint32_t max = 1;
	bool locked = false, muted = true;

	CHECK_INT(NULL, document_parse(&SCHEMA_ROOM_CREATE, slice_of(text), &document, &fault), 0);
	CHECK("there", document_bool(document, "locked", &locked) && locked);
	CHECK("missing leaves it", !document_bool(document, "muted", &muted) && muted);
	CHECK("null leaves it", !document_text(document, "id", &id) && slice_is(id, "before"));
	CHECK("null is there", document_has(document, "id") && document_is_null(document, "id"));
	CHECK("missing is not null", !document_is_null(document, "muted"));
	CHECK("number", document_u32(document, "max_participants", &max) && max == 7);
	document_free(document);
}

void suite_document(void)
{
	CHECK_SUITE("document");
	CHECK_TEST(faults);
	CHECK_TEST(lengths);
	CHECK_TEST(accessors);
}
