#include "ctl/command.h"

#include <string.h>

#include "base/err.h"
#include "tests/support/check.h"

enum { WORDS_MAX = 6 };

static int parse(const char *const *words, struct command *ret_command, struct buf *errors)
{
	char *argv[WORDS_MAX];
	int argc = 0;

	for (; argc < WORDS_MAX && words[argc]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc];
	return command_parse(argc, argv, ret_command, errors);
}

static void requests(void)
{
	static const struct {
		const char *words[WORDS_MAX], *method, *path, *body;
	} rows[] = {
		{{"rooms"}, "GET", "/api/v1/rooms", ""},
		{{"room", "lobby"}, "GET", "/api/v1/rooms/lobby", ""},
		{{"room", "a b/ü"}, "GET", "/api/v1/rooms/a%20b%2F%C3%BC", ""},
		{{"create"}, "POST", "/api/v1/rooms", "{}"},
		{{"create", "lobby"}, "POST", "/api/v1/rooms", "{\"id\":\"lobby\"}"},
		{{"create", "pin=1234"}, "POST", "/api/v1/rooms", "{\"pin\":\"1234\"}"},
		{{"create", "r", "locked:=true", "max_participants:=5"},
		 "POST",
		 "/api/v1/rooms",
		 "{\"id\":\"r\",\"locked\":true,\"max_participants\":5}"},
		{{"lock", "r"}, "PATCH", "/api/v1/rooms/r", "{\"locked\":true}"},
		{{"unmute", "r", "p"},
		 "PATCH",
		 "/api/v1/rooms/r/participants/p",
		 "{\"muted\":false}"},
		{{"call", "r", "sip:a@b", "display_name=A=B"},
		 "POST",
		 "/api/v1/rooms/r/participants",
		 "{\"uri\":\"sip:a@b\",\"display_name\":\"A=B\"}"},
		{{"kick", "r", "p"}, "DELETE", "/api/v1/rooms/r/participants/p", ""},
		{{"connect", "sip:a@b", "sip:c@d"},
		 "POST",
		 "/api/v1/calls",
		 "{\"from\":\"sip:a@b\",\"to\":\"sip:c@d\"}"},
		{{"ladder", "r", "p"}, "GET", "/api/v1/rooms/r/participants/p/sip/ladder", ""},
		{{"get", "/metrics"}, "GET", "/metrics", ""},
		{{"get", "healthz"}, "GET", "/healthz", ""},
		{{"patch", "/api/v1/rooms/r?x=1", "a:=[1]"},
		 "PATCH",
		 "/api/v1/rooms/r?x=1",
		 "{\"a\":[1]}"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf errors = BUF_INIT;
		struct command command;

		if (!CHECK_INT(rows[i].words[0], parse(rows[i].words, &command, &errors), 0))
			continue;
		CHECK_STR(rows[i].words[0], command.method, rows[i].method);
		CHECK_SLICE(rows[i].words[0], buf_slice(&command.path), rows[i].path);
		CHECK_SLICE(rows[i].words[0], buf_slice(&command.body), rows[i].body);
		CHECK_INT(rows[i].words[0], errors.len, 0);
		command_done(&command);
	}
}

static void mistakes(void)
{
	static const struct {
		const char *words[WORDS_MAX], *complaint;
	} rows[] = {
		{{NULL}, "hearthctl: no command: what to do? (-h lists it)\n"},
		{{"frob"}, "hearthctl: frob: unknown command (-h lists them)\n"},
		{{"room"}, "hearthctl: room: more words are needed (-h lists them)\n"},
		{{"kick", "r"}, "hearthctl: kick: more words are needed (-h lists them)\n"},
		{{"rooms", "x"}, "hearthctl: x: unexpected word\n"},
		{{"set", "r", "locked"}, "hearthctl: locked: neither FIELD=TEXT nor FIELD:=JSON\n"},
		{{"set", "r", "=1"}, "hearthctl: =1: neither FIELD=TEXT nor FIELD:=JSON\n"},
		{{"set", "r", ":=1"}, "hearthctl: :=1: neither FIELD=TEXT nor FIELD:=JSON\n"},
		{{"set", "r", "a:={"}, "hearthctl: a:={: not valid JSON\n"},
		{{"set", "r", "a=\xff"}, "hearthctl: a=\xff: not valid UTF-8\n"},
		{{"say", "r", "\xff"}, "hearthctl: \xff: not valid UTF-8\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf errors = BUF_INIT;
		struct command command;

		CHECK_INT(rows[i].complaint, parse(rows[i].words, &command, &errors), ERR_CONFIG);
		CHECK_SLICE(rows[i].complaint, buf_slice(&errors), rows[i].complaint);
		buf_done(&errors);
	}
}

/* Every command of the help can be given with as many words as it names, and says nothing bad. */
static void every_row_is_whole(void)
{
	struct buf text = BUF_INIT;
	uint32_t commands = 0;

	command_help(&text);
	for (char *line = strtok(text.p, "\n"); line; line = strtok(NULL, "\n"), commands++) {
		char *words[WORDS_MAX] = {0}, usage[36] = "";
		struct buf errors = BUF_INIT;
		struct command command;
		char *state = NULL;
		int count = 0;

		snprintf(usage, sizeof(usage), "%s", line);
		for (char *word = strtok_r(usage, " ", &state); word && count < WORDS_MAX;
		     word = strtok_r(NULL, " ", &state)) {
			if (word[0] != '[')
				words[count++] = word;
		}
		if (!CHECK_INT(line, command_parse(count, words, &command, &errors), 0))
			continue;
		CHECK(line, strchr(command.path.p, '{') == NULL);
		for (int i = 1; i < count; i++)
			CHECK(line,
			      strstr(command.path.p, words[i]) || strstr(command.body.p, words[i]));
		CHECK_INT(line, command.kind == COMMAND_LIST, command.columns && command.cursor);
		command_done(&command);
	}
	CHECK(NULL, commands > 25);
	buf_done(&text);
}

void suite_command(void)
{
	CHECK_SUITE("command");
	CHECK_TEST(requests);
	CHECK_TEST(mistakes);
	CHECK_TEST(every_row_is_whole);
}
