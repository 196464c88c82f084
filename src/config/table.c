/* config/table.c -- the table itself, and everything that works on one key. */
#include "config/table.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

enum { RELOAD = 1, RESTART = 0 }; /* the words of config.inc */

#define ROW_STR(def) .kind = CONFIG_STR, .def_str = (def)
#define ROW_INT(def) .kind = CONFIG_INT, .def_int = (def)
#define ROW_BOOL(def) .kind = CONFIG_BOOL, .def_int = (def)

const struct config_key config_keys[CONFIG_KEY_COUNT] = {
#define KEY(field_, name_, type_, def_, min_, max_, unit_, reload_, help_)                         \
	{.name = (name_),                                                                          \
	 .field = #field_,                                                                         \
	 ROW_##type_(def_),                                                                        \
	 .offset = offsetof(struct config, field_),                                                \
	 .min = (min_),                                                                            \
	 .max = (max_),                                                                            \
	 .unit = (unit_),                                                                          \
	 .is_reloadable = (reload_),                                                               \
	 .help = (help_)},
#include "config/config.inc"
#undef KEY
};

enum { NAME_LEN_MAX = 64, SUGGEST_DISTANCE_MAX = 3 };

static size_t index_of(const struct config_key *key)
{
	assert(key >= config_keys && key < config_keys + CONFIG_KEY_COUNT);
	return (size_t)(key - config_keys);
}

static struct config_full *full_of(const struct config *config)
{
	/* config_new makes nothing else; const is for readers of the settings. */
	return CONTAINER_OF((void *)(uintptr_t)config, struct config_full, config);
}

static char **str_at(struct config *config, const struct config_key *key)
{
	assert(key->kind == CONFIG_STR);
	return (char **)(void *)((char *)config + key->offset);
}

const char *config_str(const struct config *config, const struct config_key *key)
{
	return *str_at((struct config *)(uintptr_t)config, key);
}

int64_t config_int(const struct config *config, const struct config_key *key)
{
	const char *at = (const char *)config + key->offset;

	assert(key->kind != CONFIG_STR);
	return key->kind == CONFIG_BOOL ? *(const bool *)at : *(const int64_t *)(const void *)at;
}

static void put_num(struct config *config, const struct config_key *key, int64_t num)
{
	char *at = (char *)config + key->offset;

	if (key->kind == CONFIG_BOOL)
		*(bool *)at = num != 0;
	else
		*(int64_t *)(void *)at = num;
}

const char *config_origin(const struct config *config, const struct config_key *key)
{
	const char *origin = full_of(config)->origins[index_of(key)];

	return origin ? origin : "default";
}

const struct config_key *config_key_find(struct slice name)
{
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		if (slice_is(name, config_keys[i].name))
			return &config_keys[i];
	}
	return NULL;
}

/* Edits (insert, drop, replace) between two names: one row of the classic table at a time. */
static unsigned distance(struct slice a, struct slice b)
{
	unsigned row[NAME_LEN_MAX + 1];

	if (a.len > NAME_LEN_MAX || b.len > NAME_LEN_MAX)
		return NAME_LEN_MAX;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned corner = row[0]; /* one up, one left */

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.len; j++) {
			unsigned replaced = corner + (a.p[i - 1] != b.p[j - 1]);
			unsigned edited = MIN_OF(row[j], row[j - 1]) + 1;

			corner = row[j];
			row[j] = MIN_OF(replaced, edited);
		}
	}
	return row[b.len];
}

/* The part behind the group. */
static struct slice last_part(struct slice name)
{
	size_t dot = slice_find(name, '.');

	return dot < name.len ? slice_from(name, dot + 1) : name;
}

const struct config_key *config_key_suggest(struct slice name)
{
	const struct config_key *best = NULL;
	unsigned best_distance = SUGGEST_DISTANCE_MAX + 1;

	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		struct slice known = slice_of(config_keys[i].name);
		unsigned d = distance(name, known);

		/* The right key in the wrong group, or without one, is near too. */
		if (d > SUGGEST_DISTANCE_MAX && slice_eq(last_part(name), last_part(known)))
			d = SUGGEST_DISTANCE_MAX;
		if (d < best_distance) {
			best = &config_keys[i];
			best_distance = d;
		}
	}
	return best;
}

void config_complain(struct buf *errors, const char *origin, struct slice name, const char *fmt,
		     ...)
{
	va_list ap;

	buf_addf(errors, "%s: ", origin);
	if (name.len > 0)
		buf_addf(errors, SLICE_FMT ": ", SLICE_ARG(name));
	va_start(ap, fmt);
	buf_vaddf(errors, fmt, ap);
	va_end(ap);
	buf_addc(errors, '\n');
}

void config_complain_unknown(struct buf *errors, const char *origin, struct slice name)
{
	const struct config_key *near = config_key_suggest(name);

	if (near)
		config_complain(errors, origin, name, "unknown key (did you mean %s?)", near->name);
	else
		config_complain(errors, origin, name,
				"unknown key (hearthd --dump-config lists them all)");
}

static int check_str(const struct config_key *key, const char *str, const char *origin,
		     struct buf *errors)
{
	size_t len = strlen(str);

	if ((int64_t)len < key->min || (int64_t)len > key->max) {
		config_complain(errors, origin, slice_of(key->name),
				len == 0 ? "must not be empty"
					 : "has %zu characters, allowed are %" PRId64
					   " to %" PRId64,
				len, key->min, key->max);
		return ERR_CONFIG;
	}
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)str[i] < ' ' || str[i] == 0x7f) {
			config_complain(errors, origin, slice_of(key->name),
					"contains a control character");
			return ERR_CONFIG;
		}
	}
	return 0;
}

static int check_num(const struct config_key *key, int64_t num, const char *origin,
		     struct buf *errors)
{
	if (num >= key->min && num <= key->max)
		return 0;
	config_complain(errors, origin, slice_of(key->name),
			"%" PRId64 " is out of range, allowed are %" PRId64 " to %" PRId64 "%s%s",
			num, key->min, key->max, key->unit[0] ? " " : "", key->unit);
	return ERR_CONFIG;
}

static const char *kind_text(enum config_kind kind)
{
	static const char *const texts[] = {"a text in quotes", "a whole number", "true or false"};

	return texts[kind];
}

int config_key_set(struct config *config, const struct config_key *key,
		   const struct config_value *value, const char *origin, struct buf *errors)
{
	char **origin_at = &full_of(config)->origins[index_of(key)];
	char *origin_copy, *str = NULL;
	int err;

	if (value->kind != key->kind) {
		config_complain(errors, origin, slice_of(key->name), "must be %s",
				kind_text(key->kind));
		return ERR_CONFIG;
	}
	err = key->kind == CONFIG_STR ? check_str(key, value->str, origin, errors)
				      : check_num(key, value->num, origin, errors);
	if (err)
		return err;
	origin_copy = strdup(origin);
	if (key->kind == CONFIG_STR)
		str = strdup(value->str);
	if (!origin_copy || (key->kind == CONFIG_STR && !str)) {
		free(origin_copy);
		free(str);
		return -ENOMEM;
	}
	free(*origin_at);
	*origin_at = origin_copy;
	if (key->kind == CONFIG_STR) {
		free(*str_at(config, key));
		*str_at(config, key) = str;
	} else {
		put_num(config, key, value->num);
	}
	return 0;
}

int config_new(struct config **ret_config)
{
	struct config_full *full = calloc(1, sizeof(*full));

	if (!full)
		return -ENOMEM;
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];

		if (key->kind != CONFIG_STR) {
			put_num(&full->config, key, key->def_int);
			continue;
		}
		*str_at(&full->config, key) = strdup(key->def_str);
		if (!*str_at(&full->config, key)) {
			config_free(&full->config);
			return -ENOMEM;
		}
	}
	*ret_config = &full->config;
	return 0;
}

struct config *config_free(struct config *config)
{
	struct config_full *full;

	if (!config)
		return NULL;
	full = full_of(config);
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		if (config_keys[i].kind == CONFIG_STR)
			free(*str_at(config, &config_keys[i]));
		free(full->origins[i]);
	}
	free(full);
	return NULL;
}

static bool is_same(const struct config *a, const struct config *b, const struct config_key *key)
{
	if (key->kind == CONFIG_STR)
		return strcmp(config_str(a, key), config_str(b, key)) == 0;
	return config_int(a, key) == config_int(b, key);
}

/* Exchanges what a reload may change: first everything is copied, so that running out of memory
 * changes nothing. */
int config_reload(struct config *to, const struct config *from, struct buf *notes)
{
	char *copies[CONFIG_KEY_COUNT] = {NULL};

	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];

		if (key->kind != CONFIG_STR || !key->is_reloadable || is_same(to, from, key))
			continue;
		copies[i] = strdup(config_str(from, key));
		if (!copies[i])
			goto fail;
	}
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];

		if (is_same(to, from, key))
			continue;
		if (!key->is_reloadable) {
			buf_addf(notes, "%s: %s has changed; it takes effect after a restart\n",
				 config_origin(from, key), key->name);
		} else if (key->kind == CONFIG_STR) {
			free(*str_at(to, key));
			*str_at(to, key) = copies[i];
		} else {
			put_num(to, key, config_int(from, key));
		}
	}
	return 0;

fail:
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
		free(copies[i]);
	return -ENOMEM;
}
