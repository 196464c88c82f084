/* config/config.h -- the settings: one table of keys (config.inc), one struct.
 *
 * Syntax is libconfig's: `sip: { listen = "udp:0.0.0.0:5060"; };` or `sip.listen` by -o. Every mistake is
 * reported with file, line and key, unknown keys included; the check finds all of them, not the first.
 * Thread: control (a snapshot is read-only for anybody it is handed to at start).
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define CONFIG_FIELD_STR const char *
#define CONFIG_FIELD_INT int64_t
#define CONFIG_FIELD_BOOL bool
struct config {
#define KEY(field, name, type, def, min, max, unit, reload, help) CONFIG_FIELD_##type field;
#include "config/config.inc"
#undef KEY
};

/* Defaults. -ENOMEM. */
int config_new(struct config **ret_config);
struct config *config_free(struct config *config);

/* Reads a file over what is set. ERR_CONFIG: `errors` holds one line per mistake,
 * "hearth.conf:12: sip.lisen: unknown key (did you mean sip.listen?)"; config keeps what was valid. -errno when the
 * file cannot be read (also described in errors). (Not config_read_file: libconfig owns that name.) */
int config_load(struct config *config, const char *path, struct buf *errors);

/* The same for text at hand; `name` stands where the path would in errors. Files that the text includes
 * are read. */
int config_load_text(struct config *config, const char *name, const char *text, struct buf *errors);

/* One "key=value" of the command line. ERR_CONFIG with a line in errors. */
int config_set(struct config *config, const char *assignment, struct buf *errors);

/* What the table cannot say: ranges that depend on each other, lists and addresses that must parse, a
 * token where http.listen leaves loopback. Each mistake names where the key was set. ERR_CONFIG.
 * `config` must come from config_new. */
int config_check(const struct config *config, struct buf *errors);

/* The whole configuration as a file that reads back the same; with comments: help, unit, default,
 * range of each key (conf/hearth.conf is this with all keys at default). */
void config_dump(const struct config *config, bool with_comments, struct buf *out);

/* docs/configuration.md, whole. */
void config_reference(struct buf *out);

/* For SIGHUP: copies from `from` what may change while running, and writes one line per changed key that needs a
 * restart to `notes`. Texts of changed keys in `to` are freed: whoever kept a pointer to one looks again.
 * -ENOMEM with `to` unchanged. */
int config_reload(struct config *to, const struct config *from, struct buf *notes);

/* "16384-32767". ERR_CONFIG. */
int config_port_range(const char *text, uint16_t *ret_low, uint16_t *ret_high);

/* Walks a comma list: the next item, trimmed, and *rest moved behind it; false at the end. An
 * empty item between two commas is returned as such (config_check refuses it); begin with rest = slice_of(list). */
bool config_list_next(struct slice *rest, struct slice *ret_item);

#endif
