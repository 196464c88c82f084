#include <stdio.h>

#include "config/table.h"
#include "tests/support/check.h"

static void read_file(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "r");
	char chunk[4096];
	size_t n;

	while (file && (n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buf_add(out, chunk, n);
	if (file)
		fclose(file);
}

static void dump_reads_back_the_same(void)
{
	static const char *const changes[] = {
		"sip.domains=a \"quoted\" \\ back",
		"http.token=x",
		"sip.calls_max=1000000",
		"rooms.autocreate=false",
		"sip.public_host=\xc3\xa9t\xc3\xa9",
	};

	for (int comments = 0; comments < 2; comments++) {
		struct buf first = BUF_INIT, second = BUF_INIT, errors = BUF_INIT;
		struct config *config = NULL, *again = NULL;

		(void)config_new(&config);
		(void)config_new(&again);
		for (size_t i = 0; i < ARRAY_LEN(changes); i++)
			CHECK_INT(changes[i], config_set(config, changes[i], &errors), 0);
		config_dump(config, comments, &first);
		CHECK_INT(NULL, config_load_text(again, "dump", first.p, &errors), 0);
		CHECK_STR(NULL, errors.p ? errors.p : "", "");
		config_dump(again, comments, &second);
		CHECK_SLICE(NULL, buf_slice(&second), first.p);
		CHECK_STR(NULL, again->sip_domains, config->sip_domains);
		CHECK_INT(NULL, again->rooms_autocreate, false);
		config_free(config);
		config_free(again);
		buf_done(&first);
		buf_done(&second);
		buf_done(&errors);
	}
}

static void committed_file_is_the_dump_of_the_defaults(void)
{
	struct buf dump = BUF_INIT, file = BUF_INIT;
	struct config *config = NULL;

	(void)config_new(&config);
	config_dump(config, true, &dump);
	read_file(SOURCE_DIR "/conf/hearth.conf", &file);
	CHECK("hearthd --dump-config > conf/hearth.conf",
	      slice_eq(buf_slice(&file), buf_slice(&dump)));
	config_free(config);
	buf_done(&dump);
	buf_done(&file);
}

static void committed_page_is_the_reference(void)
{
	struct buf page = BUF_INIT, file = BUF_INIT;

	config_reference(&page);
	read_file(SOURCE_DIR "/docs/configuration.md", &file);
	CHECK("hearthd --dump-reference > docs/configuration.md",
	      slice_eq(buf_slice(&file), buf_slice(&page)));
	buf_done(&page);
	buf_done(&file);
}

void suite_dump(void)
{
	CHECK_SUITE("dump");
	CHECK_TEST(dump_reads_back_the_same);
	CHECK_TEST(committed_file_is_the_dump_of_the_defaults);
	CHECK_TEST(committed_page_is_the_reference);
}
