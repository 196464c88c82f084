#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"

enum { LONG_DUMP = 256, LONG_REFERENCE, LONG_BANNER };

static const struct option longs[] = {
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{"dump-config", no_argument, NULL, LONG_DUMP},
	{"dump-reference", no_argument, NULL, LONG_REFERENCE},
	{"banner", no_argument, NULL, LONG_BANNER},
	{NULL, 0, NULL, 0},
};

void options_help(FILE *out)
{
	fputs("Usage: hearthd [-c FILE] [-C] [-o KEY=VALUE]... [-v] [-V] [--dump-config] [-h]\n"
	      "A SIP conference focus and audio mixer.\n"
	      "\n"
	      "  -c FILE        read settings from FILE; without it the defaults serve\n"
	      "  -C             check the settings, name every mistake, and exit\n"
	      "  -o KEY=VALUE   set one key; wins over the file; may be repeated\n"
	      "  -v             log.level=debug\n"
	      "  -V, --version  print the version and exit\n"
	      "  --dump-config  print all settings in force, with comments, and exit\n"
	      "  --banner       print where to call, also when standard output is no terminal\n"
	      "  -h, --help     print this and exit\n"
	      "\n"
	      "Signals: HUP reloads, TERM drains and a second TERM stops, INT stops.\n"
	      "Keys: docs/configuration.md, or --dump-config.\n",
	      out);
}

static int complain(struct buf *errors, const char *what, const char *arg)
{
	buf_addf(errors, "hearthd: %s: %s\n", arg, what);
	return ERR_CONFIG;
}

static int take(struct options *options, int option, const char *arg)
{
	switch (option) {
	case 'c':
		options->path = arg;
		return 0;
	case 'C':
		options->mode = OPTIONS_CHECK;
		return 0;
	case 'o':
		if (options->assignment_count == OPTIONS_ASSIGNMENTS_MAX)
			return ERR_LIMIT;
		options->assignments[options->assignment_count++] = arg;
		return 0;
	case 'v':
		options->is_verbose = true;
		return 0;
	case 'V':
		options->mode = OPTIONS_VERSION;
		return 0;
	case 'h':
		options->mode = OPTIONS_HELP;
		return 0;
	case LONG_DUMP:
		options->mode = OPTIONS_DUMP;
		return 0;
	case LONG_REFERENCE:
		options->mode = OPTIONS_REFERENCE;
		return 0;
	case LONG_BANNER:
		options->wants_banner = true;
		return 0;
	default:
		return -EINVAL;
	}
}

int options_parse(int argc, char **argv, struct options *ret_options, struct buf *errors)
{
	struct options options = {.mode = OPTIONS_SERVE};
	int option;

	opterr = 0; /* the words are ours */
	optind = 0; /* begin anew: tests parse more than once */
	for (;;) {
		int at = optind ? optind : 1;
		int err;

		option = getopt_long(argc, argv, ":c:Co:vVh", longs, NULL);
		if (option == -1)
			break;
		if (option == ':')
			return complain(errors, "needs a value (-h tells more)", argv[at]);
		err = take(&options, option, optarg);
		if (err == ERR_LIMIT)
			return complain(errors, "too many -o", optarg);
		if (err)
			return complain(errors, "unknown option (-h tells more)", argv[at]);
	}
	if (optind < argc)
		return complain(errors, "unexpected argument (-h tells more)", argv[optind]);
	*ret_options = options;
	return 0;
}

/* The first error wins; the others have had their line. */
static void note(int *err, int next)
{
	if (!*err)
		*err = next;
}

int options_config(const struct options *options, struct config **ret_config, struct buf *errors)
{
	struct config *config = NULL;
	int err = config_new(&config);

	if (err)
		return err;
	if (options->path)
		note(&err, config_load(config, options->path, errors));
	for (uint32_t i = 0; i < options->assignment_count; i++)
		note(&err, config_set(config, options->assignments[i], errors));
	if (options->is_verbose)
		note(&err, config_set(config, "log.level=debug", errors));
	note(&err, config_check(config, errors));
	if (err) {
		config_free(config);
		return err;
	}
	*ret_config = config;
	return 0;
}
