/* hearthctl -- a thin client of the HTTP API. Exit status: 0, 1 (refused: the problem is told), 2
 * (the command line is not valid), 3 (no answer). */
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/show.h"
#include "version.h"

#define URL_DEFAULT "http://127.0.0.1:8080"

enum { EXIT_REFUSED = 1, EXIT_MISTAKE = 2, EXIT_NO_ANSWER = 3 };

struct asking {
	struct client *client;
	const struct command *command;
	bool wants_json;
	bool has_head; /* names of columns are still to be printed */
};

struct stream {
	struct buf pending;
};

static int help(void)
{
	struct buf text = BUF_INIT;

	buf_adds(&text,
		 "Usage: hearthctl [-s URL] [-t TOKEN] [-j] COMMAND [ARGUMENT...]\n"
		 "What Hearth's HTTP API does, from a shell.\n"
		 "\n"
		 "  -s URL     the server, default $HEARTH or " URL_DEFAULT "\n"
		 "  -t TOKEN   its http.token, default $HEARTH_TOKEN\n"
		 "  -j         print answers as they are, JSON\n"
		 "  -V         print the version and exit\n"
		 "  -h         print this and exit\n"
		 "\n"
		 "FIELD is NAME=TEXT or NAME:=JSON, as in: hearthctl create standup pin=1234 "
		 "max_participants:=50\n"
		 "\n");
	command_help(&text);
	fputs(text.p ? text.p : "", stdout);
	buf_done(&text);
	return 0;
}

static int on_stream(void *arg, struct slice octets)
{
	struct stream *stream = arg;
	struct buf text = BUF_INIT;
	int failed;

	show_events(&stream->pending, octets, &text);
	failed = buf_err(&text) || buf_err(&stream->pending) ||
		 fputs(text.p ? text.p : "", stdout) < 0 || fflush(stdout) != 0;
	buf_done(&text);
	return failed;
}

/* Prints the body of an answer; *ret_next is the query that goes on with the list, or NULL. */
static int show(struct asking *asking, const struct client_answer *answer, char **ret_next)
{
	json_t *json = answer->is_json ? json_loadb(answer->body.p ? answer->body.p : "",
						    answer->body.len, JSON_DECODE_ANY, NULL)
				       : NULL;
	const json_t *next = json_object_get(json, "next");
	struct buf text = BUF_INIT;
	bool has_failed = answer->status / 100 != 2;

	if (has_failed && json)
		show_problem(json, &text);
	else if (has_failed)
		buf_addf(&text, "hearthctl: the answer is %ld\n", answer->status);
	else if (!json || asking->wants_json)
		buf_addf(&text, SLICE_FMT "%s", SLICE_ARG(buf_slice(&answer->body)),
			 json ? "\n" : "");
	else if (asking->command->kind != COMMAND_LIST ||
		 show_list(json, asking->command->columns, asking->has_head, &text))
		show_object(json, &text);
	asking->has_head = false;
	fputs(text.p ? text.p : "", has_failed ? stderr : stdout);
	buf_done(&text);
	if (!has_failed && asking->command->kind == COMMAND_LIST && next && !json_is_null(next)) {
		char *printed = json_dumps(next, JSON_ENCODE_ANY);

		if (json_is_string(next)) {
			free(printed);
			printed = strdup(json_string_value(next));
		}
		*ret_next = printed;
	}
	json_decref(json);
	return has_failed ? EXIT_REFUSED : 0;
}

static int ask_once(struct asking *asking, const char *path, char **ret_next)
{
	struct client_answer answer = {0};
	struct buf errors = BUF_INIT;
	int err = client_ask(asking->client, asking->command, path, &answer, &errors);
	int status;

	if (err) {
		fputs(errors.p ? errors.p : "hearthctl: out of memory\n", stderr);
		buf_done(&errors);
		return EXIT_NO_ANSWER;
	}
	status = show(asking, &answer, ret_next);
	buf_done(&answer.body);
	return status;
}

/* A list is asked for page by page, to its end. */
static int ask(struct asking *asking)
{
	const struct command *command = asking->command;
	char *next = NULL;
	int status = ask_once(asking, command->path.p, &next);

	while (!status && next) {
		struct buf path = BUF_INIT;
		char *after = curl_easy_escape(NULL, next, 0);

		buf_addf(&path, "%s?%s=%s", command->path.p, command->cursor, after ? after : "");
		curl_free(after);
		free(next);
		next = NULL;
		status = buf_err(&path) ? EXIT_NO_ANSWER : ask_once(asking, path.p, &next);
		buf_done(&path);
	}
	free(next);
	return status;
}

static int run(const char *url, const char *token, bool wants_json, struct command *command)
{
	struct asking asking = {.command = command, .wants_json = wants_json, .has_head = true};
	struct stream stream = {BUF_INIT};
	int status = EXIT_NO_ANSWER;

	if (client_new(url, token, &asking.client)) {
		fputs("hearthctl: out of memory\n", stderr);
		return status;
	}
	if (command->kind == COMMAND_STREAM)
		client_stream_to(asking.client, on_stream, &stream);
	status = ask(&asking);
	client_free(asking.client);
	buf_done(&stream.pending);
	return status;
}

int main(int argc, char **argv)
{
	const char *url = getenv("HEARTH"), *token = getenv("HEARTH_TOKEN");
	struct buf errors = BUF_INIT;
	struct command command;
	bool wants_json = false;
	int option, status;

	while ((option = getopt(argc, argv, "+s:t:jVh")) != -1) {
		if (option == 's')
			url = optarg;
		else if (option == 't')
			token = optarg;
		else if (option == 'j')
			wants_json = true;
		else if (option == 'V')
			return puts("hearthctl " HEARTH_VERSION) < 0;
		else
			return option == 'h' ? help() : EXIT_MISTAKE;
	}
	if (command_parse(argc - optind, argv + optind, &command, &errors)) {
		fputs(errors.p ? errors.p : "hearthctl: out of memory\n", stderr);
		buf_done(&errors);
		return EXIT_MISTAKE;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	status = run(url && *url ? url : URL_DEFAULT, token, wants_json, &command);
	curl_global_cleanup();
	command_done(&command);
	return status;
}
