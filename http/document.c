/* http/document.c -- jansson parses, the schema decides. */
#include "http/document.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"

struct document {
	json_t *root;
};

static int fault_at(struct document_fault *fault, const char *field, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

static int fault_at(struct document_fault *fault, const char *field, const char *fmt, ...)
{
	va_list ap;

	*fault = (struct document_fault){0};
	(void)slice_cstr(slice_of(field), fault->field, sizeof(fault->field));
	va_start(ap, fmt);
	(void)vsnprintf(fault->detail, sizeof(fault->detail), fmt, ap);
	va_end(ap);
	return ERR_HTTP_FIELD;
}

static size_t count_chars(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);
	size_t chars = 0;

	for (size_t i = 0; i < len; i++)
		chars += ((unsigned char)text[i] & 0xc0) != 0x80;
	return chars;
}

static int check_string(const struct field *field, const json_t *value,
			struct document_fault *fault)
{
	size_t chars;

	if (!json_is_string(value))
		return fault_at(fault, field->name, "%s must be a string", field->name);
	chars = count_chars(value);
	if ((double)chars < field->min)
		return fault_at(fault, field->name, "%s must have at least %.0f characters",
				field->name, field->min);
	if (field->max > 0 && (double)chars > field->max)
		return fault_at(fault, field->name, "%s must have at most %.0f characters",
				field->name, field->max);
	return 0;
}

static int check_number(const struct field *field, const json_t *value,
			struct document_fault *fault)
{
	double x;

	if (field->type == FIELD_INTEGER && !json_is_integer(value))
		return fault_at(fault, field->name, "%s must be a whole number", field->name);
	if (!json_is_number(value))
		return fault_at(fault, field->name, "%s must be a number", field->name);
	x = json_number_value(value);
	if (x < field->min || x > field->max)
		return fault_at(fault, field->name, "%s must be from %g to %g", field->name,
				field->min, field->max);
	return 0;
}

/* Of strings; field->max is how many there may be. */
static int check_list(const struct field *field, const json_t *value, struct document_fault *fault)
{
	const json_t *item;
	size_t i;

	assert(!field->of);
	if (!json_is_array(value))
		return fault_at(fault, field->name, "%s must be a list", field->name);
	if ((double)json_array_size(value) > field->max)
		return fault_at(fault, field->name, "%s must have at most %.0f items", field->name,
				field->max);
	json_array_foreach((json_t *)(uintptr_t)value, i, item)
	{
		if (!json_is_string(item))
			return fault_at(fault, field->name, "%s must have strings in it",
					field->name);
	}
	return 0;
}

static int check_time(const struct field *field, const json_t *value, struct document_fault *fault)
{
	uint64_t wall_ms;

	if (json_is_string(value) && !clock_parse(slice_of(json_string_value(value)), &wall_ms))
		return 0;
	return fault_at(fault, field->name,
			"%s must be a time such as 2026-11-22T19:30:00Z (RFC 3339)", field->name);
}

static int check_field(const struct field *field, const json_t *value, struct document_fault *fault)
{
	if (json_is_null(value) && (field->flags & FIELD_NULLABLE))
		return 0;
	switch (field->type) {
	case FIELD_STRING:
		return check_string(field, value, fault);
	case FIELD_BOOL:
		if (!json_is_boolean(value))
			return fault_at(fault, field->name, "%s must be true or false",
					field->name);
		return 0;
	case FIELD_INTEGER:
	case FIELD_NUMBER:
		return check_number(field, value, fault);
	case FIELD_LIST:
		return check_list(field, value, fault);
	case FIELD_TIME:
		return check_time(field, value, fault);
	case FIELD_OBJECT:
		break;
	}
	assert(!"documents that we read are flat");
	return ERR_HTTP_FIELD;
}

static int check(const struct schema *schema, json_t *root, struct document_fault *fault)
{
	const char *name;
	json_t *value;

	if (!json_is_object(root))
		return fault_at(fault, "", "the body must be an object");
	json_object_foreach(root, name, value)
	{
		const struct field *field = schema_field(schema, name);
		int err;

		if (!field)
			return fault_at(fault, name, "%.64s is not a field of %s", name,
					schema->name);
		err = check_field(field, value, fault);
		if (err)
			return err;
	}
	for (const struct field *field = schema->fields; field->name; field++) {
		if ((field->flags & FIELD_REQUIRED) && !json_object_get(root, field->name))
			return fault_at(fault, field->name, "%s is missing", field->name);
	}
	return 0;
}

static int load(struct slice text, json_t **ret_root, struct document_fault *fault)
{
	json_error_t error;
	json_t *root;

	if (text.len == 0) {
		root = json_object();
		if (!root)
			return -ENOMEM;
		*ret_root = root;
		return 0;
	}
	root = json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (root) {
		*ret_root = root;
		return 0;
	}
	if (json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	*fault = (struct document_fault){.line = MAX_OF(error.line, 1),
					 .column = MAX_OF(error.column, 1)};
	(void)snprintf(fault->detail, sizeof(fault->detail), "%s", error.text);
	return ERR_HTTP_JSON;
}

int document_parse(const struct schema *schema, struct slice text, struct document **ret_document,
		   struct document_fault *ret_fault)
{
	struct document *document = calloc(1, sizeof(*document));
	int err;

	assert(schema->is_input);
	if (!document)
		return -ENOMEM;
	err = load(text, &document->root, ret_fault);
	if (err)
		goto fail;
	err = check(schema, document->root, ret_fault);
	if (err)
		goto fail;
	*ret_document = document;
	return 0;

fail:
	document_free(document);
	return err;
}

struct document *document_free(struct document *document)
{
	if (!document)
		return NULL;
	json_decref(document->root);
	free(document);
	return NULL;
}

bool document_has(const struct document *document, const char *name)
{
	return json_object_get(document->root, name) != NULL;
}

bool document_is_null(const struct document *document, const char *name)
{
	return json_is_null(json_object_get(document->root, name));
}

static const json_t *value_of(const struct document *document, const char *name)
{
	const json_t *value = json_object_get(document->root, name);

	return json_is_null(value) ? NULL : value;
}

bool document_bool(const struct document *document, const char *name, bool *ret)
{
	const json_t *value = value_of(document, name);

	if (value)
		*ret = json_is_true(value);
	return value != NULL;
}

bool document_u32(const struct document *document, const char *name, uint32_t *ret)
{
	const json_t *value = value_of(document, name);

	if (value)
		*ret = (uint32_t)json_integer_value(value);
	return value != NULL;
}

bool document_real(const struct document *document, const char *name, double *ret)
{
	const json_t *value = value_of(document, name);

	if (value)
		*ret = json_number_value(value);
	return value != NULL;
}

bool document_time(const struct document *document, const char *name, uint64_t *ret_wall_ms)
{
	struct slice text;

	return document_text(document, name, &text) && !clock_parse(text, ret_wall_ms);
}

bool document_text(const struct document *document, const char *name, struct slice *ret)
{
	const json_t *value = value_of(document, name);

	if (value)
		*ret = slice_make(json_string_value(value), json_string_length(value));
	return value != NULL;
}

bool document_item(const struct document *document, const char *name, size_t index,
		   struct slice *ret)
{
	const json_t *value = json_array_get(value_of(document, name), index);

	if (value)
		*ret = slice_make(json_string_value(value), json_string_length(value));
	return value != NULL;
}
