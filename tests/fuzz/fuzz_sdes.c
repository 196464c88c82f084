/* tests/fuzz/fuzz_sdes.c -- values of a=crypto: what is read prints to something that reads the
 * same. */
#include <stdlib.h>
#include <string.h>

#include "sip/sdes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sdes first, second;
	struct buf text = BUF_INIT;

	if (sdes_parse(slice_make((const char *)data, len), &first) != 0)
		return 0;
	sdes_print(&text, &first);
	if (sdes_parse(buf_slice(&text), &second) != 0 || first.tag != second.tag ||
	    first.suite != second.suite ||
	    memcmp(first.key, second.key, sdes_octets(first.suite)) != 0)
		abort();
	buf_done(&text);
	return 0;
}
