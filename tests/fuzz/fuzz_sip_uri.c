/* Any octets as a URI: its parts lie inside, it equals itself, and what is unescaped can be escaped
 * again. */
#include <assert.h>

#include "base/buf.h"
#include "sip/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice text, struct slice part)
{
	if (slice_present(part))
		assert(part.p >= text.p && part.p + part.len <= text.p + text.len);
}

static void round_trip(struct slice user)
{
	char plain[128], again[128];
	size_t plain_len, again_len;
	struct buf buf = BUF_INIT;

	if (sip_unescape(user, plain, sizeof(plain), &plain_len))
		return;
	sip_escape(&buf, slice_make(plain, plain_len), "");
	assert(sip_unescape(buf_slice(&buf), again, sizeof(again), &again_len) == 0);
	assert(slice_eq(slice_make(plain, plain_len), slice_make(again, again_len)));
	buf_done(&buf);
}

/* The input is two URIs, divided by a NUL; or one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	size_t cut = slice_find(text, '\0');
	struct sip_uri a, b;
	struct slice value;

	if (sip_uri_parse(slice_first(text, cut), &a))
		return 0;
	inside(text, a.user);
	inside(text, a.password);
	inside(text, a.host);
	inside(text, a.params);
	inside(text, a.headers);
	assert(a.scheme == SIP_SCHEME_OTHER || a.host.len || a.scheme == SIP_SCHEME_TEL);
	assert(sip_uri_eq(&a, &a));
	(void)sip_uri_param(&a, "lr", &value);
	(void)sip_uri_header(&a, "Replaces", &value);
	round_trip(a.user);
	if (cut < size && sip_uri_parse(slice_from(text, cut + 1), &b) == 0)
		assert(sip_uri_eq(&a, &b) == sip_uri_eq(&b, &a));
	return 0;
}
