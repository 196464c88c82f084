/* tests/support/sim_args.h -- the command line of a simulation. Header only.
 *
 *   sim_x [--from SEED] [--seeds N] | --seed SEED [--trace]
 */
#ifndef TESTS_SUPPORT_SIM_ARGS_H
#define TESTS_SUPPORT_SIM_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sim_args {
	uint64_t from, seeds;
	bool has_trace;
};

/* Over what `args` holds. False, with a word on stderr, for what it does not know. */
static inline bool sim_args_parse(struct sim_args *args, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		bool has_value = i + 1 < argc;
		uint64_t value = has_value ? strtoull(argv[i + 1], NULL, 10) : 0;

		if (strcmp(argv[i], "--trace") == 0) {
			args->has_trace = true;
			continue;
		}
		if (has_value && strcmp(argv[i], "--seed") == 0) {
			args->from = value;
			args->seeds = 1;
		} else if (has_value && strcmp(argv[i], "--from") == 0) {
			args->from = value;
		} else if (has_value && strcmp(argv[i], "--seeds") == 0) {
			args->seeds = value;
		} else {
			fprintf(stderr,
				"usage: %s [--from SEED] [--seeds N] | --seed SEED [--trace]\n",
				argv[0]);
			return false;
		}
		i++;
	}
	return true;
}

#endif
