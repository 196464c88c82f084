#include "ctl/command.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"

#define ROOM "/api/v1/rooms/{ROOM}"
#define PARTICIPANT ROOM "/participants/{ID}"

struct row {
	const char *name, *args, *method, *path; /* args by spaces; [ARG] may be left out */
	const char *fixed;                       /* body of its own: one field and its JSON */
	const char *columns, *cursor;
	const char *help;
	enum command_kind kind;
	bool takes_fields;
};

#define ROOM_COLUMNS "id participants max_participants locked muted origin created_at"
#define PARTICIPANT_COLUMNS "id display_name uri state muted deaf talking codec quality.mos"

static const struct row rows[] = {
	{.name = "server",
	 .args = "",
	 .method = "GET",
	 .path = "/api/v1/server",
	 .help = "what to know before dialling"},
	{.name = "rooms",
	 .args = "",
	 .method = "GET",
	 .path = "/api/v1/rooms",
	 .kind = COMMAND_LIST,
	 .columns = ROOM_COLUMNS,
	 .cursor = "after",
	 .help = "every room"},
	{.name = "room", .args = "ROOM", .method = "GET", .path = ROOM, .help = "one room"},
	{.name = "create",
	 .args = "[ID]",
	 .method = "POST",
	 .path = "/api/v1/rooms",
	 .takes_fields = true,
	 .help = "make a room that stays until it is closed"},
	{.name = "set",
	 .args = "ROOM",
	 .method = "PATCH",
	 .path = ROOM,
	 .takes_fields = true,
	 .help = "change a room: set lobby locked:=true"},
	{.name = "lock",
	 .args = "ROOM",
	 .method = "PATCH",
	 .path = ROOM,
	 .fixed = "locked true",
	 .help = "let no caller in any more"},
	{.name = "unlock",
	 .args = "ROOM",
	 .method = "PATCH",
	 .path = ROOM,
	 .fixed = "locked false",
	 .help = "let callers in again"},
	{.name = "close",
	 .args = "ROOM",
	 .method = "DELETE",
	 .path = ROOM,
	 .help = "ring everybody off"},
	{.name = "who",
	 .args = "ROOM",
	 .method = "GET",
	 .path = ROOM "/participants",
	 .kind = COMMAND_LIST,
	 .columns = PARTICIPANT_COLUMNS,
	 .cursor = "after",
	 .help = "who is in a room"},
	{.name = "call",
	 .args = "ROOM URI",
	 .method = "POST",
	 .path = ROOM "/participants",
	 .takes_fields = true,
	 .help = "call somebody into a room"},
	{.name = "participant",
	 .args = "ROOM ID",
	 .method = "GET",
	 .path = PARTICIPANT,
	 .help = "one participant, and how its line does"},
	{.name = "change",
	 .args = "ROOM ID",
	 .method = "PATCH",
	 .path = PARTICIPANT,
	 .takes_fields = true,
	 .help = "change a participant: change lobby ID gain_db:=-6"},
	{.name = "mute",
	 .args = "ROOM ID",
	 .method = "PATCH",
	 .path = PARTICIPANT,
	 .fixed = "muted true",
	 .help = "the room does not hear a participant"},
	{.name = "unmute",
	 .args = "ROOM ID",
	 .method = "PATCH",
	 .path = PARTICIPANT,
	 .fixed = "muted false",
	 .help = "the room hears it again"},
	{.name = "kick",
	 .args = "ROOM ID",
	 .method = "DELETE",
	 .path = PARTICIPANT,
	 .help = "ring a participant off"},
	{.name = "say",
	 .args = "ROOM TEXT",
	 .method = "POST",
	 .path = ROOM "/messages",
	 .help = "say something to everybody, in text"},
	{.name = "migrate",
	 .args = "ROOM TO",
	 .method = "POST",
	 .path = ROOM "/migrate",
	 .help = "move a running conference to another focus"},
	{.name = "record",
	 .args = "ROOM",
	 .method = "POST",
	 .path = ROOM "/recordings",
	 .takes_fields = true,
	 .help = "record what a room hears"},
	{.name = "stop",
	 .args = "RECORDING",
	 .method = "PATCH",
	 .path = "/api/v1/recordings/{RECORDING}",
	 .fixed = "stopped true",
	 .help = "end a recording"},
	{.name = "recordings",
	 .args = "",
	 .method = "GET",
	 .path = "/api/v1/recordings",
	 .kind = COMMAND_LIST,
	 .columns = "id room_id state length_ms octets started_at",
	 .cursor = "after",
	 .help = "every recording"},
	{.name = "calls",
	 .args = "",
	 .method = "GET",
	 .path = "/api/v1/calls",
	 .kind = COMMAND_LIST,
	 .columns = "id from to state created_at",
	 .cursor = "after",
	 .help = "two-party calls"},
	{.name = "connect",
	 .args = "FROM TO",
	 .method = "POST",
	 .path = "/api/v1/calls",
	 .takes_fields = true,
	 .help = "call two parties and connect them"},
	{.name = "hangup",
	 .args = "CALL",
	 .method = "DELETE",
	 .path = "/api/v1/calls/{CALL}",
	 .help = "end a two-party call"},
	{.name = "records",
	 .args = "",
	 .method = "GET",
	 .path = "/api/v1/call-records",
	 .kind = COMMAND_LIST,
	 .columns = "started_at duration_ms room_id uri direction cause status",
	 .cursor = "before",
	 .help = "calls that have ended, newest first"},
	{.name = "users",
	 .args = "",
	 .method = "GET",
	 .path = "/api/v1/users",
	 .kind = COMMAND_LIST,
	 .columns = "name display_name enabled aliases",
	 .cursor = "after",
	 .help = "every user"},
	{.name = "registrations",
	 .args = "",
	 .method = "GET",
	 .path = "/api/v1/registrations",
	 .kind = COMMAND_LIST,
	 .columns = "id user contact expires_at",
	 .cursor = "after",
	 .help = "where users are registered"},
	{.name = "ladder",
	 .args = "ROOM ID",
	 .method = "GET",
	 .path = PARTICIPANT "/sip/ladder",
	 .help = "the SIP messages of a participant's call, drawn"},
	{.name = "events",
	 .args = "",
	 .method = "GET",
	 .path = "/api/v1/events",
	 .kind = COMMAND_STREAM,
	 .help = "events as they happen, one JSON object a line"},
	{.name = "get",
	 .args = "PATH",
	 .method = "GET",
	 .path = "{PATH}",
	 .help = "any path of the API"},
	{.name = "post",
	 .args = "PATH",
	 .method = "POST",
	 .path = "{PATH}",
	 .takes_fields = true,
	 .help = "likewise"},
	{.name = "patch",
	 .args = "PATH",
	 .method = "PATCH",
	 .path = "{PATH}",
	 .takes_fields = true,
	 .help = "likewise"},
	{.name = "delete",
	 .args = "PATH",
	 .method = "DELETE",
	 .path = "{PATH}",
	 .help = "likewise"},
};

static int complain(struct buf *errors, const char *what, const char *word)
{
	buf_addf(errors, "hearthctl: %s: %s\n", word, what);
	return ERR_CONFIG;
}

/* Characters that a segment of a path may hold as they are (RFC 3986 3.3: unreserved). */
static bool is_plain(char c)
{
	return isalnum((unsigned char)c) || strchr("-._~", c) != NULL;
}

static void add_segment(struct buf *path, const char *word)
{
	for (; *word; word++) {
		if (is_plain(*word))
			buf_addc(path, *word);
		else
			buf_addf(path, "%%%02X", (unsigned char)*word);
	}
}

/* The next name of a list by spaces; empty at its end. */
static struct slice next_name(const char **list)
{
	size_t skipped = strspn(*list, " "), len = strcspn(*list + skipped, " ");
	struct slice name = slice_make(*list + skipped, len);

	*list += skipped + len;
	return name;
}

/* Where "{NAME}" begins in the path; NULL: nowhere. */
static const char *placeholder(const char *path, struct slice name)
{
	for (const char *at = strchr(path, '{'); at; at = strchr(at + 1, '{')) {
		if (strncmp(at + 1, name.p, name.len) == 0 && at[1 + name.len] == '}')
			return at;
	}
	return NULL;
}

/* The word of the argument whose name begins at `name` and ends with a brace. */
static const char *word_of(const struct row *row, char *const *words, const char *name)
{
	const char *list = row->args;

	for (int i = 0;; i++) {
		struct slice arg = next_name(&list);

		if (arg.len == 0)
			return ""; /* the table's rows name what is in their paths: test_command.c
				    */
		if (strncmp(arg.p, name, arg.len) == 0 && name[arg.len] == '}')
			return words[i];
	}
}

static int build_path(const struct row *row, char *const *words, struct buf *path)
{
	for (const char *at = row->path; *at; at++) {
		if (*at != '{') {
			buf_addc(path, *at);
			continue;
		}
		/* Who names a path of the API writes it as it is to be. */
		if (strcmp(row->path, "{PATH}") == 0)
			buf_addf(path, "%s%s", *words[0] == '/' ? "" : "/", words[0]);
		else
			add_segment(path, word_of(row, words, at + 1));
		at = strchr(at, '}');
	}
	return buf_err(path);
}

/* "field=text" or "field:=json" into the body. */
static int add_field(json_t *body, const char *word, struct buf *errors)
{
	const char *equals = strchr(word, '=');
	bool is_json = equals && equals > word && equals[-1] == ':';
	size_t len = equals ? (size_t)(equals - word) - is_json : 0;
	json_t *value;

	if (len == 0)
		return complain(errors, "neither FIELD=TEXT nor FIELD:=JSON", word);
	value = is_json ? json_loads(equals + 1, JSON_DECODE_ANY, NULL) : json_string(equals + 1);
	if (!value)
		return complain(errors, is_json ? "not valid JSON" : "not valid UTF-8", word);
	return json_object_setn_new(body, word, len, value) ? -ENOMEM : 0;
}

/* Arguments that are not in the path are fields named as they are, in small letters. */
static int add_argument(json_t *body, const struct row *row, struct slice name, const char *word)
{
	char field[32];
	size_t len = MIN_OF(name.len, sizeof(field) - 1);

	if (placeholder(row->path, name))
		return 0;
	for (size_t i = 0; i < len; i++)
		field[i] = (char)tolower((unsigned char)name.p[i]);
	return json_object_setn_new(body, field, len, json_string(word)) ? -EINVAL : 0;
}

static struct slice without_brackets(struct slice name)
{
	return name.p[0] == '[' ? slice_make(name.p + 1, name.len - 2) : name;
}

/* The words in turn: first the arguments of the row, then fields. */
static int build_body(const struct row *row, int count, char *const *words, json_t *body,
		      struct buf *errors)
{
	const char *list = row->args;
	int taken = 0, err = 0;

	for (struct slice name = next_name(&list); name.len > 0; name = next_name(&list)) {
		bool may_miss = name.p[0] == '[';

		if (may_miss && (taken == count || strchr(words[taken], '=')))
			continue;
		if (taken == count)
			return complain(errors, "more words are needed (-h lists them)", row->name);
		err = add_argument(body, row, without_brackets(name), words[taken]);
		if (err)
			return complain(errors, "not valid UTF-8", words[taken]);
		taken++;
	}
	if (taken < count && !row->takes_fields)
		return complain(errors, "unexpected word", words[taken]);
	for (; taken < count && !err; taken++)
		err = add_field(body, words[taken], errors);
	if (row->fixed) {
		const char *fixed = row->fixed;
		struct slice name = next_name(&fixed);

		if (json_object_setn_new(body, name.p, name.len,
					 json_boolean(strcmp(fixed, " true") == 0)))
			return -ENOMEM;
	}
	return err;
}

static int dump(const struct row *row, json_t *body, struct buf *text)
{
	char *printed;

	if (strcmp(row->method, "GET") == 0 || strcmp(row->method, "DELETE") == 0)
		return 0;
	printed = json_dumps(body, JSON_COMPACT);
	if (!printed)
		return -ENOMEM;
	buf_adds(text, printed);
	free(printed);
	return buf_err(text);
}

int command_parse(int count, char *const *words, struct command *ret_command, struct buf *errors)
{
	const struct row *row = NULL;
	struct command command = {0};
	json_t *body = NULL;
	int err;

	if (count == 0)
		return complain(errors, "what to do? (-h lists it)", "no command");
	for (size_t i = 0; i < ARRAY_LEN(rows) && !row; i++) {
		if (strcmp(rows[i].name, words[0]) == 0)
			row = &rows[i];
	}
	if (!row)
		return complain(errors, "unknown command (-h lists them)", words[0]);
	command.kind = row->kind;
	command.method = row->method;
	command.columns = row->columns;
	command.cursor = row->cursor;
	body = json_object();
	err = body ? build_body(row, count - 1, words + 1, body, errors) : -ENOMEM;
	if (!err)
		err = build_path(row, words + 1, &command.path);
	if (!err)
		err = dump(row, body, &command.body);
	json_decref(body);
	if (err) {
		command_done(&command);
		return err;
	}
	*ret_command = command;
	return 0;
}

void command_done(struct command *command)
{
	buf_done(&command->path);
	buf_done(&command->body);
}

void command_help(struct buf *text)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		char usage[64];

		snprintf(usage, sizeof(usage), "%s%s%s%s", row->name, row->args[0] ? " " : "",
			 row->args, row->takes_fields ? " [FIELD...]" : "");
		buf_addf(text, "  %-34s %s\n", usage, row->help);
	}
}
