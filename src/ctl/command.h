/* ctl/command.h -- what the words after `hearthctl` mean: one request of the HTTP API
 * (docs/api.md).
 *
 * A command is a row of a table: method, path, names of its arguments. An argument whose name
 * stands in the path in braces goes there, any other becomes a field of the body. Commands whose
 * row says so take further fields, FIELD=TEXT or FIELD:=JSON. Pure: nothing is sent here. Thread:
 * any.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <stdbool.h>

#include "base/buf.h"

enum command_kind {
	COMMAND_PLAIN,
	COMMAND_LIST,  /* the answer is a page of a list: columns, and `next` */
	COMMAND_STREAM /* the answer does not end: Server-Sent Events */
};

/* One request, made by command_parse. Its texts are its own. */
struct command {
	enum command_kind kind;
	const char *method;  /* static */
	const char *columns; /* static; names of what a list shows of each row, by spaces */
	const char *cursor;  /* static; query parameter that takes `next`: "after" or "before" */
	struct buf path;     /* with its query, octets that do not belong escaped (RFC 3986 2.1) */
	struct buf body;     /* JSON, or empty: none is sent */
};

/* The words after the options. ERR_CONFIG with one line in `errors` (unknown command, too few or
 * too many words, a field that is no field, JSON that is not valid), -ENOMEM. On success
 * *ret_command is the caller's, to be ended by command_done; on failure it is untouched. */
int command_parse(int count, char *const *words, struct command *ret_command, struct buf *errors);
void command_done(struct command *command);

/* Every command with its arguments and what it does, a line each. */
void command_help(struct buf *text);

#endif
