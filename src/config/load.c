/* config/load.c -- values from a file (libconfig's syntax) and from "key=value".
 *
 * The tree that libconfig makes is walked whole, so that one run names every mistake; only a syntax
 * error ends it early, because behind it libconfig has no tree.
 */
#include <errno.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/err.h"
#include "config/table.h"

enum { NAME_MAX_LEN = 256, INT_TEXT_MAX = 19 };

/* One walk through a file. */
struct walk {
	struct config *config;
	const char *file;
	struct buf *errors;
	int err; /* the first */
};

static void origin_of(const struct walk *walk, const config_setting_t *setting,
		      char out[CONFIG_ORIGIN_MAX])
{
	const char *file = config_setting_source_file(setting); /* of an @include */

	(void)snprintf(out, CONFIG_ORIGIN_MAX, "%s:%u", file ? file : walk->file,
		       (unsigned)config_setting_source_line(setting));
}

/* False when the setting has no kind of ours (a list, a group, a float). */
static bool value_of(config_setting_t *setting, struct config_value *ret_value)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_STRING:
		*ret_value = (struct config_value){.kind = CONFIG_STR,
						   .str = config_setting_get_string(setting)};
		return true;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		*ret_value = (struct config_value){.kind = CONFIG_INT,
						   .num = config_setting_get_int64(setting)};
		return true;
	case CONFIG_TYPE_BOOL:
		*ret_value = (struct config_value){.kind = CONFIG_BOOL,
						   .num = config_setting_get_bool(setting)};
		return true;
	default:
		return false;
	}
}

static void walk_fail(struct walk *walk, int err)
{
	if (err && !walk->err)
		walk->err = err;
}

static void walk_key(struct walk *walk, const char *group, config_setting_t *setting)
{
	char name[NAME_MAX_LEN], origin[CONFIG_ORIGIN_MAX];
	struct config_value value = {.kind = CONFIG_STR};
	const struct config_key *key;

	origin_of(walk, setting, origin);
	(void)snprintf(name, sizeof(name), "%s%s%s", group, group[0] ? "." : "",
		       config_setting_name(setting));
	key = config_key_find(slice_of(name));
	if (!key) {
		config_complain_unknown(walk->errors, origin, slice_of(name));
		walk_fail(walk, ERR_CONFIG);
	} else if (!value_of(setting, &value)) {
		config_complain(walk->errors, origin, slice_of(name),
				"is a list, a group or a fraction, which no key takes");
		walk_fail(walk, ERR_CONFIG);
	} else {
		walk_fail(walk, config_key_set(walk->config, key, &value, origin, walk->errors));
	}
}

static void walk_group(struct walk *walk, config_setting_t *group)
{
	int count = config_setting_length(group);
	const char *name = config_setting_name(group);

	for (int i = 0; i < count; i++)
		walk_key(walk, name, config_setting_get_elem(group, (unsigned)i));
}

static void walk_root(struct walk *walk, config_setting_t *root)
{
	int count = config_setting_length(root);

	for (int i = 0; i < count; i++) {
		config_setting_t *setting = config_setting_get_elem(root, (unsigned)i);

		if (config_setting_is_group(setting))
			walk_group(walk, setting);
		else
			walk_key(walk, "", setting);
	}
}

static int load(struct walk *walk, bool is_parsed, config_t *tree)
{
	if (!is_parsed && config_error_type(tree) == CONFIG_ERR_FILE_IO) {
		struct stat status;
		int err = errno ? -errno : -EIO;

		if (stat(walk->file, &status) == 0 && S_ISDIR(status.st_mode))
			err = -EISDIR; /* libconfig refuses it without an errno */
		config_complain(walk->errors, walk->file, SLICE_NONE, "cannot be read: %s",
				err_text(err));
		return err;
	}
	if (!is_parsed) {
		const char *file = config_error_file(tree);

		buf_addf(walk->errors, "%s:%d: %s\n", file ? file : walk->file,
			 config_error_line(tree), config_error_text(tree));
		return ERR_CONFIG;
	}
	walk_root(walk, config_root_setting(tree));
	return walk->err;
}

int config_load(struct config *config, const char *path, struct buf *errors)
{
	struct walk walk = {.config = config, .file = path, .errors = errors};
	config_t tree;
	int err;

	config_init(&tree);
	errno = 0;
	err = load(&walk, config_read_file(&tree, path) == CONFIG_TRUE, &tree);
	config_destroy(&tree);
	return err;
}

int config_load_text(struct config *config, const char *name, const char *text, struct buf *errors)
{
	struct walk walk = {.config = config, .file = name, .errors = errors};
	config_t tree;
	int err;

	config_init(&tree);
	errno = 0;
	err = load(&walk, config_read_string(&tree, text) == CONFIG_TRUE, &tree);
	config_destroy(&tree);
	return err;
}

static bool parse_bool(struct slice text, int64_t *ret_num)
{
	static const char *const words[2][4] = {{"false", "no", "off", "0"},
						{"true", "yes", "on", "1"}};

	for (int value = 0; value < 2; value++) {
		for (size_t i = 0; i < ARRAY_LEN(words[value]); i++) {
			if (slice_iis(text, words[value][i])) {
				*ret_num = value;
				return true;
			}
		}
	}
	return false;
}

static bool parse_int(struct slice text, int64_t *ret_num)
{
	bool is_negative = text.len > 0 && text.p[0] == '-';
	uint64_t num;

	if (slice_u64(slice_from(text, is_negative), INT64_MAX, &num))
		return false;
	*ret_num = is_negative ? -(int64_t)num : (int64_t)num;
	return true;
}

/* The text of -o as the kind that the key wants; left a text when it is none, for the complaint. */
static struct config_value value_parse(const struct config_key *key, const char *text)
{
	struct config_value value = {.kind = CONFIG_STR, .str = text};

	if (key->kind == CONFIG_INT && parse_int(slice_of(text), &value.num))
		value.kind = CONFIG_INT;
	else if (key->kind == CONFIG_BOOL && parse_bool(slice_of(text), &value.num))
		value.kind = CONFIG_BOOL;
	return value;
}

int config_set(struct config *config, const char *assignment, struct buf *errors)
{
	struct slice whole = slice_of(assignment);
	size_t equals = slice_find(whole, '=');
	struct slice name = slice_trim(slice_first(whole, equals));
	const struct config_key *key = config_key_find(name);
	struct config_value value;

	if (equals == whole.len) {
		config_complain(errors, "-o", whole, "must be key=value");
		return ERR_CONFIG;
	}
	if (!key) {
		config_complain_unknown(errors, "-o", name);
		return ERR_CONFIG;
	}
	value = value_parse(key, assignment + equals + 1);
	return config_key_set(config, key, &value, "-o", errors);
}
