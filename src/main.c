/* hearthd -- what the command line asks for, and the exit status: 0, 1 (could not serve), 2
 * (command line or configuration not valid). */
#include <stdio.h>

#include "config/config.h"
#include "options.h"
#include "server.h"
#include "version.h"

enum { EXIT_FAILED = 1, EXIT_MISTAKE = 2 };

static int print(struct buf *text)
{
	int status = buf_err(text) || fputs(text->p, stdout) < 0 ? EXIT_FAILED : 0;

	buf_done(text);
	return status;
}

static int dump(const struct config *config)
{
	struct buf text = BUF_INIT;

	config_dump(config, true, &text);
	return print(&text);
}

static int reference(void)
{
	struct buf text = BUF_INIT;

	config_reference(&text);
	return print(&text);
}

static int mistakes(struct buf *errors)
{
	fputs(errors->p ? errors->p : "hearthd: out of memory\n", stderr);
	buf_done(errors);
	return EXIT_MISTAKE;
}

/* What only the files that the configuration names can tell. Takes `config` over. */
static int check(struct config *config)
{
	struct buf errors = BUF_INIT;
	int err = server_check(config, &errors);

	config_free(config);
	if (err)
		return mistakes(&errors);
	buf_done(&errors);
	puts("configuration is valid");
	return 0;
}

/* Takes `config` over. */
static int serve(const struct options *options, struct config *config)
{
	struct server *server = NULL;
	int err = server_new(options, config, &server);

	if (!err)
		err = server_run(server);
	server_free(server);
	return err ? EXIT_FAILED : 0;
}

static int with_config(const struct options *options)
{
	struct buf errors = BUF_INIT;
	struct config *config = NULL;
	int status = 0;

	if (options_config(options, &config, &errors))
		return mistakes(&errors);
	if (options->mode == OPTIONS_SERVE)
		return serve(options, config);
	if (options->mode != OPTIONS_DUMP)
		return check(config);
	status = dump(config);
	config_free(config);
	return status;
}

int main(int argc, char **argv)
{
	struct buf errors = BUF_INIT;
	struct options options;

	if (options_parse(argc, argv, &options, &errors))
		return mistakes(&errors);
	switch (options.mode) {
	case OPTIONS_HELP:
		options_help(stdout);
		return 0;
	case OPTIONS_VERSION:
		puts("hearthd " HEARTH_VERSION);
		return 0;
	case OPTIONS_REFERENCE:
		return reference();
	default:
		return with_config(&options);
	}
}
