/* config/dump.c -- the table as a file that reads back the same, and as the reference page. */
#include <errno.h>
#include <inttypes.h>

#include "config/table.h"

enum { COMMENT_COLUMNS = 92 };

static struct slice group_of(const struct config_key *key)
{
	struct slice name = slice_of(key->name);

	return slice_first(name, slice_find(name, '.'));
}

static const char *part_of(const struct config_key *key)
{
	return key->name + group_of(key).len + 1;
}

static void add_quoted(struct buf *out, const char *text)
{
	buf_addc(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *text);
	}
	buf_addc(out, '"');
}

static void add_value(struct buf *out, const struct config *config, const struct config_key *key)
{
	if (key->kind == CONFIG_STR)
		add_quoted(out, config_str(config, key));
	else if (key->kind == CONFIG_BOOL)
		buf_adds(out, config_int(config, key) ? "true" : "false");
	else
		/* libconfig wants a mark on what does not fit 32 bits. */
		buf_addf(out, "%" PRId64 "%s", config_int(config, key),
			 config_int(config, key) > INT32_MAX ? "L" : "");
}

/* Breaks at spaces. */
static void add_comment(struct buf *out, const char *indent, const char *text)
{
	struct slice rest = slice_of(text);

	while (rest.len > 0) {
		size_t len = rest.len;

		if (len > COMMENT_COLUMNS) {
			len = COMMENT_COLUMNS;
			while (len > 0 && rest.p[len] != ' ')
				len--;
		}
		if (len == 0) /* one long word */
			len = slice_find(rest, ' ');
		buf_addf(out, "%s# " SLICE_FMT "\n", indent, SLICE_ARG(slice_first(rest, len)));
		rest = slice_trim(slice_from(rest, len));
	}
}

/* "5 to 86400 s; default 600; restart" */
static void add_facts(struct buf *out, const struct config *defaults, const struct config_key *key)
{
	buf_adds(out, "\t# ");
	if (key->kind == CONFIG_INT)
		buf_addf(out, "%" PRId64 " to %" PRId64 "%s%s; ", key->min, key->max,
			 key->unit[0] ? " " : "", key->unit);
	buf_adds(out, "default ");
	add_value(out, defaults, key);
	buf_adds(out, key->is_reloadable ? "; a reload applies it\n" : "; needs a restart\n");
}

static const char head[] =
	"# Settings of hearthd. Every key may be left out: the default serves. Mistakes are\n"
	"# reported with line and key: hearthd -c FILE -C. SIGHUP applies what a reload can "
	"apply.\n"
	"# Made by: hearthd --dump-config\n";

void config_dump(const struct config *config, bool with_comments, struct buf *out)
{
	struct slice group = SLICE_NONE;
	struct config *defaults = NULL;

	if (with_comments && config_new(&defaults)) {
		out->err = out->err ? out->err : -ENOMEM;
		return;
	}
	if (with_comments)
		buf_adds(out, head);
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];

		if (!slice_eq(group_of(key), group)) {
			group = group_of(key);
			buf_addf(out, "%s%s" SLICE_FMT ":\n{\n", i ? "};\n" : "",
				 with_comments ? "\n" : "", SLICE_ARG(group));
		} else if (with_comments) {
			buf_addc(out, '\n');
		}
		if (with_comments) {
			add_comment(out, "\t", key->help);
			add_facts(out, defaults, key);
		}
		buf_addf(out, "\t%s = ", part_of(key));
		add_value(out, config, key);
		buf_adds(out, ";\n");
	}
	buf_adds(out, "};\n");
	config_free(defaults);
}

static const char reference_head[] =
	"# Configuration\n"
	"\n"
	"This page is made from the table of keys that the server itself uses "
	"(`src/config/config.inc`, by\n"
	"`hearthd --dump-reference`); a test holds the two equal.\n"
	"\n"
	"- **File.** `hearthd -c FILE` reads a file in the syntax of libconfig: groups in braces, "
	"texts in\n"
	"  double quotes, `true` and `false`, numbers, comments after `#` or `//`, other files by\n"
	"  `@include \"FILE\"`. `conf/hearth.conf` holds every key with its default. Without `-c` "
	"the\n"
	"  defaults serve.\n"
	"- **Command line.** `-o key=value` sets one key and wins over the file; it may be "
	"repeated:\n"
	"  `hearthd -o sip.listen=udp:0.0.0.0:5070 -o log.level=debug`.\n"
	"- **Check.** `hearthd -c FILE -C` names every mistake with file, line and key, and exits "
	"with 0 when\n"
	"  there is none. `hearthd -c FILE --dump-config` prints what would be in force.\n"
	"- **Reload.** SIGHUP reads the file again. Keys marked *reload* take effect at once; for "
	"the others\n"
	"  the log says that a restart is needed. A file with mistakes changes nothing.\n";

static void add_cell(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			buf_addc(out, '\\');
		buf_addc(out, *text);
	}
}

static void add_row(struct buf *out, const struct config *defaults, const struct config_key *key)
{
	buf_addf(out, "| `%s` | `", key->name);
	add_value(out, defaults, key);
	buf_adds(out, "` | ");
	if (key->kind == CONFIG_INT)
		buf_addf(out, "%" PRId64 " to %" PRId64 "%s%s", key->min, key->max,
			 key->unit[0] ? " " : "", key->unit);
	else
		buf_adds(out, key->kind == CONFIG_BOOL ? "true, false" : "text");
	buf_addf(out, " | %s | ", key->is_reloadable ? "reload" : "restart");
	add_cell(out, key->help);
	buf_adds(out, " |\n");
}

void config_reference(struct buf *out)
{
	struct slice group = SLICE_NONE;
	struct config *defaults;

	if (config_new(&defaults)) {
		out->err = out->err ? out->err : -ENOMEM;
		return;
	}
	buf_adds(out, reference_head);
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];

		if (!slice_eq(group_of(key), group)) {
			group = group_of(key);
			buf_addf(out,
				 "\n## " SLICE_FMT "\n\n"
				 "| Key | Default | Values | Change by | What it does |\n"
				 "| --- | --- | --- | --- | --- |\n",
				 SLICE_ARG(group));
		}
		add_row(out, defaults, key);
	}
	config_free(defaults);
}
