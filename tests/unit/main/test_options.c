#include "options.h"

#include "base/err.h"
#include "tests/support/check.h"

enum { ARGS_MAX = 8 };

static int parse(const char *const *args, struct options *ret_options, struct buf *errors)
{
	char *argv[ARGS_MAX + 2] = {(char *)(uintptr_t) "hearthd"};
	int argc = 1;

	for (; argc <= ARGS_MAX && args[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)args[argc - 1];
	return options_parse(argc, argv, ret_options, errors);
}

static void command_lines(void)
{
	static const struct {
		const char *name, *args[ARGS_MAX];
		enum options_mode mode;
		int err;
		const char *complaint;
	} rows[] = {
		{"nothing", {NULL}, OPTIONS_SERVE, 0, ""},
		{"check", {"-c", "f", "-C"}, OPTIONS_CHECK, 0, ""},
		{"short together", {"-vC"}, OPTIONS_CHECK, 0, ""},
		{"version", {"-V"}, OPTIONS_VERSION, 0, ""},
		{"version, long", {"--version"}, OPTIONS_VERSION, 0, ""},
		{"help", {"-h"}, OPTIONS_HELP, 0, ""},
		{"help, long", {"--help"}, OPTIONS_HELP, 0, ""},
		{"dump", {"--dump-config"}, OPTIONS_DUMP, 0, ""},
		{"reference", {"--dump-reference"}, OPTIONS_REFERENCE, 0, ""},
		{"unknown",
		 {"-x"},
		 OPTIONS_SERVE,
		 ERR_CONFIG,
		 "hearthd: -x: unknown option (-h tells more)\n"},
		{"unknown, long",
		 {"-v", "--frob"},
		 OPTIONS_SERVE,
		 ERR_CONFIG,
		 "hearthd: --frob: unknown option (-h tells more)\n"},
		{"no value",
		 {"-c"},
		 OPTIONS_SERVE,
		 ERR_CONFIG,
		 "hearthd: -c: needs a value (-h tells more)\n"},
		{"no option",
		 {"-v", "file"},
		 OPTIONS_SERVE,
		 ERR_CONFIG,
		 "hearthd: file: unexpected argument (-h tells more)\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct options options = {.mode = OPTIONS_SERVE};
		struct buf errors = BUF_INIT;

		CHECK_INT(rows[i].name, parse(rows[i].args, &options, &errors), rows[i].err);
		CHECK_INT(rows[i].name, options.mode, rows[i].mode);
		CHECK_STR(rows[i].name, errors.p ? errors.p : "", rows[i].complaint);
		buf_done(&errors);
	}
}

static void values_are_kept_in_order(void)
{
	static const char *const args[] = {"-o", "a=1", "-c", "f", "-ob=2", "-v", "--banner", NULL};
	struct options options;
	struct buf errors = BUF_INIT;

	CHECK_INT(NULL, parse(args, &options, &errors), 0);
	CHECK_STR(NULL, options.path, "f");
	CHECK_INT(NULL, options.assignment_count, 2);
	CHECK_STR(NULL, options.assignments[0], "a=1");
	CHECK_STR(NULL, options.assignments[1], "b=2");
	CHECK(NULL, options.is_verbose);
	CHECK(NULL, options.wants_banner);
}

static void too_many_assignments(void)
{
	char *argv[OPTIONS_ASSIGNMENTS_MAX + 2] = {(char *)(uintptr_t) "hearthd"};
	struct options options;
	struct buf errors = BUF_INIT;

	for (int i = 1; i <= OPTIONS_ASSIGNMENTS_MAX + 1; i++)
		argv[i] = (char *)(uintptr_t) "-ologin=1";
	CHECK_INT("just enough",
		  options_parse(OPTIONS_ASSIGNMENTS_MAX + 1, argv, &options, &errors), 0);
	CHECK_INT(NULL, options_parse(OPTIONS_ASSIGNMENTS_MAX + 2, argv, &options, &errors),
		  ERR_CONFIG);
	CHECK_STR(NULL, errors.p, "hearthd: login=1: too many -o\n");
	buf_done(&errors);
}

static void options_win_over_defaults(void)
{
	static const char *const args[] = {"-o", "log.level=warn", "-o", "rooms.max=3", "-v", NULL};
	struct config *config = NULL;
	struct options options;
	struct buf errors = BUF_INIT;

	CHECK_INT(NULL, parse(args, &options, &errors), 0);
	CHECK_INT(NULL, options_config(&options, &config, &errors), 0);
	CHECK_STR(NULL, config->log_level, "debug");
	CHECK_INT(NULL, config->rooms_max, 3);
	config_free(config);
}

static void every_mistake_is_told(void)
{
	static const char *const args[] = {"-c", "/nowhere",       "-o", "nope=1",
					   "-o", "log.level=loud", NULL};
	struct config *config = NULL;
	struct options options;
	struct buf errors = BUF_INIT;

	CHECK_INT(NULL, parse(args, &options, &errors), 0);
	CHECK(NULL, options_config(&options, &config, &errors) != 0);
	CHECK(NULL, config == NULL);
	CHECK_STR(NULL, errors.p,
		  "/nowhere: cannot be read: No such file or directory\n"
		  "-o: nope: unknown key (hearthd --dump-config lists them all)\n"
		  "-o: log.level: \"loud\" must be error, warn, info or debug\n");
	buf_done(&errors);
}

void suite_options(void)
{
	CHECK_SUITE("options");
	CHECK_TEST(command_lines);
	CHECK_TEST(values_are_kept_in_order);
	CHECK_TEST(too_many_assignments);
	CHECK_TEST(options_win_over_defaults);
	CHECK_TEST(every_mistake_is_told);
}
