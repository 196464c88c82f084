/* Any octets as a multipart body, the first line its Content-Type: every part lies inside, in
 * order, and the session description is one of them. */
#include <assert.h>

#include "sip/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice text, struct slice part)
{
	if (slice_present(part) && part.len > 0)
		assert(part.p >= text.p && part.p + part.len <= text.p + text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	size_t cut = slice_find(text, '\n');
	struct sip_part whole = {.type = {SLICE("multipart"), SLICE("mixed"), SLICE_NONE}}, part;
	struct sip_multipart walk;
	struct slice session;
	const char *last;
	size_t parts = 0;

	whole.type.params = slice_first(text, cut);
	whole.body = slice_from(text, cut + 1);
	(void)sip_part_check_session(&whole);
	session = sip_part_session(&whole);
	inside(whole.body, session);
	if (sip_multipart_start(&whole, &walk))
		return 0;
	last = whole.body.p;
	while (sip_multipart_next(&walk, &part)) {
		inside(whole.body, part.body);
		inside(whole.body, part.disposition);
		inside(whole.body, part.id);
		assert(part.body.p >= last);
		last = part.body.p + part.body.len;
		assert(++parts <= size); /* each takes an octet at least */
	}
	return 0;
}
