/* options.h -- the command line of hearthd. Thread: main, before anything else runs. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "config/config.h"

enum { OPTIONS_ASSIGNMENTS_MAX = 128 };

enum options_mode {
	OPTIONS_SERVE,
	OPTIONS_CHECK,     /* -C */
	OPTIONS_DUMP,      /* --dump-config */
	OPTIONS_REFERENCE, /* --dump-reference */
	OPTIONS_VERSION,   /* -V */
	OPTIONS_HELP       /* -h */
};

struct options {
	enum options_mode mode;
	const char *path; /* -c; NULL: defaults. From argv, as all texts here */
	const char *assignments[OPTIONS_ASSIGNMENTS_MAX]; /* -o, in their order */
	uint32_t assignment_count;
	bool is_verbose;   /* -v: log.level=debug, whatever else says */
	bool wants_banner; /* --banner: also when standard output is no terminal */
};

/* ERR_CONFIG with one line in `errors` for the first argument that is not understood. */
int options_parse(int argc, char **argv, struct options *ret_options, struct buf *errors);

/* The configuration that the options describe: defaults, file, -o, -v; then checked. On failure
 * *ret_config is untouched and `errors` has every mistake, a line each. ERR_CONFIG, -errno. */
int options_config(const struct options *options, struct config **ret_config, struct buf *errors);

void options_help(FILE *out);

#endif
