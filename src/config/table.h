/* config/table.h -- private: the rows of config.inc as data, and the values behind struct config.
 */
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "config/config.h"

enum config_kind { CONFIG_STR, CONFIG_INT, CONFIG_BOOL };

struct config_key {
	const char *name; /* "sip.listen": one group, one key */
	const char *field;
	enum config_kind kind;
	size_t offset;       /* into struct config */
	const char *def_str; /* STR */
	int64_t def_int;     /* INT, BOOL */
	int64_t min, max;    /* STR: of its length in octets */
	const char *unit;    /* "" for none */
	bool is_reloadable;
	const char *help;
};

/* Index of a key: CONFIG_KEY_sip_listen ... */
enum config_key_index {
#define KEY(field, name, type, def, min, max, unit, reload, help) CONFIG_KEY_##field,
#include "config/config.inc"
#undef KEY
	CONFIG_KEY_COUNT
};

extern const struct config_key config_keys[CONFIG_KEY_COUNT];

/* Where a value came from: "hearth.conf:12" or "-o"; "default" while nobody set it. */
enum { CONFIG_ORIGIN_MAX = 288 };

/* What config_new makes: the struct that everybody reads, and where each value came from. */
struct config_full {
	struct config config;
	char *origins[CONFIG_KEY_COUNT]; /* owned, NULL: default */
};

const char *config_origin(const struct config *config, const struct config_key *key);

const struct config_key *config_key_find(struct slice name); /* NULL when unknown */

/* The known key that a wrong name most resembles, or NULL when none is near. */
const struct config_key *config_key_suggest(struct slice name);

/* A value on its way in. */
struct config_value {
	enum config_kind kind;
	const char *str;
	int64_t num;
};

/* Checks kind, range and characters, then stores a copy. ERR_CONFIG with one line in `errors`,
 * -ENOMEM; the old value stays then. */
int config_key_set(struct config *config, const struct config_key *key,
		   const struct config_value *value, const char *origin, struct buf *errors);

/* "origin: name: text\n" */
void config_complain(struct buf *errors, const char *origin, struct slice name, const char *fmt,
		     ...) PRINTF_LIKE(4, 5);
void config_complain_unknown(struct buf *errors, const char *origin, struct slice name);

const char *config_str(const struct config *config, const struct config_key *key);
int64_t config_int(const struct config *config, const struct config_key *key); /* INT and BOOL */

#endif
