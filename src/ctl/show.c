#include "ctl/show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

enum { COLUMNS_MAX = 16, DEPTH_MAX = 8 };

/* A value within an object, "quality.mos"; NULL: not there. */
static const json_t *at_path(const json_t *object, struct slice path)
{
	while (object && path.len > 0) {
		size_t len = slice_find(path, '.');

		object = json_object_getn(object, path.p, len);
		path = slice_from(path, len + 1);
	}
	return object;
}

/* A terminal obeys control characters, and names come from strangers. */
static void add_text(struct buf *text, const char *value)
{
	for (; *value; value++)
		buf_addc(text, (unsigned char)*value < ' ' || *value == 0x7f ? '?' : *value);
}

static void add_value(struct buf *text, const json_t *value)
{
	char *printed;

	if (!value || json_is_null(value) ||
	    (json_is_string(value) && !json_string_length(value))) {
		buf_addc(text, '-');
	} else if (json_is_string(value)) {
		add_text(text, json_string_value(value));
	} else if (json_is_array(value) && json_is_string(json_array_get(value, 0))) {
		for (size_t i = 0; i < json_array_size(value); i++) {
			buf_adds(text, i ? "," : "");
			add_value(text, json_array_get(value, i));
		}
	} else {
		printed = json_dumps(value,
				     JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
		add_text(text, printed ? printed : "?");
		free(printed);
	}
}

/* Columns that UTF-8 text takes, one a character. */
static int width_of(const char *value)
{
	int width = 0;

	for (; *value; value++)
		width += ((unsigned char)*value & 0xc0) != 0x80;
	return width;
}

struct table {
	struct slice names[COLUMNS_MAX];
	int widths[COLUMNS_MAX];
	int columns;
};

static void table_init(struct table *table, const char *columns)
{
	*table = (struct table){0};
	while (*columns && table->columns < COLUMNS_MAX) {
		size_t len = strcspn(columns, " ");

		table->names[table->columns++] = slice_make(columns, len);
		columns += len + strspn(columns + len, " ");
	}
}

/* A cell, and blanks behind it unless it is the last of its line. */
static void add_cell(const struct table *table, int column, struct slice cell, struct buf *text)
{
	struct buf copy = BUF_INIT;
	int blanks;

	buf_addslice(&copy, cell);
	blanks = table->widths[column] - width_of(copy.p ? copy.p : "") + 2;
	buf_addslice(text, cell);
	buf_done(&copy);
	if (column == table->columns - 1) {
		buf_addc(text, '\n');
		return;
	}
	while (blanks-- > 0)
		buf_addc(text, ' ');
}

static void widen(struct table *table, const json_t *row)
{
	for (int i = 0; i < table->columns; i++) {
		struct buf cell = BUF_INIT;

		add_value(&cell, at_path(row, table->names[i]));
		table->widths[i] = MAX_OF(table->widths[i], width_of(cell.p ? cell.p : ""));
		buf_done(&cell);
	}
}

static void add_row(const struct table *table, const json_t *row, struct buf *text)
{
	for (int i = 0; i < table->columns; i++) {
		struct buf cell = BUF_INIT;

		add_value(&cell, at_path(row, table->names[i]));
		add_cell(table, i, buf_slice(&cell), text);
		buf_done(&cell);
	}
}

/* The one member of a page that is a list. */
static const json_t *list_of(const json_t *page)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)page, key, value)
	{
		if (json_is_array(value))
			return value;
	}
	return NULL;
}

int show_list(const json_t *page, const char *columns, bool has_head, struct buf *text)
{
	const json_t *list = list_of(page);
	struct table table;

	if (!list)
		return -EINVAL;
	table_init(&table, columns);
	for (int i = 0; i < table.columns && has_head; i++)
		table.widths[i] = (int)table.names[i].len;
	for (size_t i = 0; i < json_array_size(list); i++)
		widen(&table, json_array_get(list, i));
	for (int i = 0; i < table.columns && has_head; i++)
		add_cell(&table, i, table.names[i], text);
	for (size_t i = 0; i < json_array_size(list); i++)
		add_row(&table, json_array_get(list, i), text);
	return buf_err(text);
}

static void add_members(const json_t *object, const char *prefix, int depth, struct buf *text)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		struct buf name = BUF_INIT;

		buf_adds(&name, prefix);
		add_text(&name, key);
		if (json_is_object(value) && depth < DEPTH_MAX) {
			buf_addc(&name, '.');
			add_members(value, name.p ? name.p : "", depth + 1, text);
		} else {
			buf_addf(text, "%s: ", name.p ? name.p : "");
			add_value(text, value);
			buf_addc(text, '\n');
		}
		buf_done(&name);
	}
}

void show_object(const json_t *object, struct buf *text)
{
	add_members(object, "", 0, text);
}

void show_problem(const json_t *problem, struct buf *text)
{
	static const char *const told[] = {"detail", "errors", "limit", "allow"};

	buf_adds(text, "hearthctl: ");
	add_value(text, json_object_get(problem, "title"));
	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		const json_t *value = json_object_get(problem, told[i]);

		if (value) {
			buf_adds(text, i ? "; " : ": ");
			add_value(text, value);
		}
	}
	buf_addc(text, '\n');
}

void show_events(struct buf *pending, struct slice octets, struct buf *text)
{
	static const struct slice mark = {"data:", 5};

	buf_addslice(pending, octets);
	for (;;) {
		struct slice whole = buf_slice(pending);
		size_t len = slice_find(whole, '\n');
		struct slice line = slice_first(whole, len);

		if (len == whole.len)
			return;
		if (slice_istarts(line, mark)) {
			buf_addslice(text, slice_trim(slice_from(line, mark.len)));
			buf_addc(text, '\n');
		}
		buf_drop(pending, len + 1);
	}
}
