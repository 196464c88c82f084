/* fuzz_http_json -- bodies of requests: the first octet chooses the document, the rest is the body.
 *
 * Whatever comes is either refused with a reason or taken; what is taken can be read, and written
 * again as JSON that is taken too. */
#include <stdlib.h>

#include "base/attr.h"
#include "base/err.h"
#include "http/document.h"
#include "http/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool held)
{
	if (!held)
		abort();
}

static void write_field(struct writer *json, const struct document *document,
			const struct field *field)
{
	struct slice text;
	double real;
	bool flag;

	if (!document_has(document, field->name))
		return;
	if (document_is_null(document, field->name))
		writer_null(json, field->name);
	else if (field->type == FIELD_STRING && document_text(document, field->name, &text))
		writer_str(json, field->name, text);
	else if (field->type == FIELD_BOOL && document_bool(document, field->name, &flag))
		writer_bool(json, field->name, flag);
	else if (field->type == FIELD_INTEGER && document_real(document, field->name, &real))
		writer_int(json, field->name, (int64_t)real);
	else if (field->type == FIELD_NUMBER && document_real(document, field->name, &real))
		writer_real(json, field->name, real, 1);
}

static void write_again(const struct schema *schema, const struct document *document,
			struct buf *out)
{
	struct writer json = writer_to(out);

	writer_open(&json, NULL, '{');
	for (const struct field *field = schema->fields; field->name; field++)
		write_field(&json, document, field);
	writer_close(&json, '}');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct schema *const schemas[] = {&SCHEMA_ROOM_CREATE, &SCHEMA_ROOM_CHANGE,
						       &SCHEMA_INVITE, &SCHEMA_PARTICIPANT_CHANGE};
	const struct schema *schema = schemas[len ? data[0] % ARRAY_LEN(schemas) : 0];
	struct slice text = len ? slice_make((const char *)data + 1, len - 1) : SLICE("");
	struct document_fault fault = {0};
	struct document *document = NULL, *again = NULL;
	struct buf out = BUF_INIT;
	int err = document_parse(schema, text, &document, &fault);

	if (err) {
		require(err == ERR_HTTP_JSON || err == ERR_HTTP_FIELD);
		require(fault.detail[0] != '\0');
		require((err == ERR_HTTP_JSON) == (fault.line > 0));
		return 0;
	}
	write_again(schema, document, &out);
	require(document_parse(schema, buf_slice(&out), &again, &fault) == 0);
	document_free(document);
	document_free(again);
	buf_done(&out);
	return 0;
}
