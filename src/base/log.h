/* base/log.h -- one event a line, as key=value or JSON, never a secret.
 *
 *   LOG(LOG_INFO, "participant.joined", LOG_STR("room", room->id), LOG_INT("legs", 3));
 *   2026-11-22T19:46:23.123Z info participant.joined room=lobby legs=3
 *
 * Values with spaces, quotes or control characters are quoted and escaped. A line is at most
 * LOG_LINE_MAX octets; what does not fit is cut and marked. Levels: error (somebody must act),
 * warn (a call or request failed for a reason an operator can mend), info (life of rooms,
 * participants, server), debug. sip/ and mixer/ do not log above debug; functions ending in _rt
 * never log. Thread: any; a line is written with one write(2).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum { LOG_LINE_MAX = 4096 };

struct log_field {
	const char *key; /* NULL ends the list */
	enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_BOOL, LOG_FIELD_DOUBLE } kind;
	struct slice str;
	int64_t num;
	double real;
};

#define LOG_STR(k, v) ((struct log_field){ .key = (k), .kind = LOG_FIELD_STR, .str = slice_of(v) })
#define LOG_SLICE(k, v) ((struct log_field){ .key = (k), .kind = LOG_FIELD_STR, .str = (v) })
#define LOG_INT(k, v) ((struct log_field){ .key = (k), .kind = LOG_FIELD_INT, .num = (int64_t)(v) })
#define LOG_BOOL(k, v) ((struct log_field){ .key = (k), .kind = LOG_FIELD_BOOL, .num = (v) })
#define LOG_REAL(k, v) ((struct log_field){ .key = (k), .kind = LOG_FIELD_DOUBLE, .real = (v) })
#define LOG_END ((struct log_field){ .key = NULL })

/* The fields are not evaluated when the level is off. At least one field. */
#define LOG(level, event, ...)                                                                   \
	do {                                                                                     \
		if (log_enabled(level))                                                          \
			log_write((level), (event),                                              \
				  (const struct log_field[]){ __VA_ARGS__, LOG_END });           \
	} while (0)

void log_setup(enum log_level max_level, enum log_format format, int fd); /* default info, text, 2 */
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *event, const struct log_field *fields);

/* Lines written at `level` since start: for /metrics. */
uint64_t log_count(enum log_level level);

/* "error", "warn", "info", "debug" to a level; -EINVAL. */
int log_level_parse(struct slice text, enum log_level *ret_level);

#endif
