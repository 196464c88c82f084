/* tests/fuzz/fuzz_config.c -- any text as a file: no crash, a complaint for every refusal, and what
 * was accepted survives a dump and a second reading. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 loses the text of a string that is open at a syntax error: some octets once per
 * refused file, and not ours to mend. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

/* The dump of a valid configuration must read back to the same dump. */
static void round_trip(const struct config *config)
{
	struct buf first = BUF_INIT, second = BUF_INIT, errors = BUF_INIT;
	struct config *again;

	if (config_new(&again))
		abort();
	config_dump(config, false, &first);
	if (config_load_text(again, "dump", first.p, &errors))
		abort();
	config_dump(again, false, &second);
	if (!slice_eq(buf_slice(&first), buf_slice(&second)))
		abort();
	config_free(again);
	buf_done(&first);
	buf_done(&second);
	buf_done(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf errors = BUF_INIT;
	struct config *config;
	char *text = malloc(size + 1);

	if (!text || config_new(&config))
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (strstr(text, "@include")) /* would read files of this machine */
		goto out;
	if (config_load_text(config, "fuzz", text, &errors) && errors.len == 0)
		abort();
	buf_clear(&errors);
	(void)config_set(config, text, &errors);
	buf_clear(&errors);
	if (config_check(config, &errors) && errors.len == 0)
		abort();
	round_trip(config);
out:
	config_free(config);
	buf_done(&errors);
	free(text);
	return 0;
}
