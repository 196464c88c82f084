/* Any octets as a value of (Proxy-)Authorization and of (Proxy-|WWW-)Authenticate, and of
 * (Proxy-)Authentication-Info: what is read
 * lies inside, and what is written of it reads the same again. */
#include <assert.h>

#include "sip/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice text, struct slice part)
{
	if (slice_present(part))
		assert(part.p >= text.p && part.p + part.len <= text.p + text.len);
}

static void credentials(struct slice text)
{
	char hex[DIGEST_HEX_MAX], again_hex[DIGEST_HEX_MAX];
	struct digest_credentials a, b;
	struct buf buf = BUF_INIT;

	if (digest_credentials_parse(text, &a))
		return;
	inside(text, a.username);
	inside(text, a.realm);
	inside(text, a.nonce);
	inside(text, a.uri);
	inside(text, a.response);
	inside(text, a.cnonce);
	inside(text, a.nc_text);
	digest_credentials_write(&a, &buf);
	assert(digest_credentials_parse(buf_slice(&buf), &b) == 0);
	assert(slice_eq(a.nonce, b.nonce) && a.nc == b.nc && a.qop == b.qop);
	assert(digest_response(&a, "00", SLICE("INVITE"), text, hex) == 0);
	assert(digest_response(&b, "00", SLICE("INVITE"), text, again_hex) == 0);
	assert(digest_is_same(slice_of(hex), again_hex));
	(void)digest_is_same(a.response, hex);
	buf_done(&buf);
}

static void challenge(struct slice text)
{
	struct digest_challenge a, b;
	struct buf buf = BUF_INIT;

	if (digest_challenge_parse(text, &a))
		return;
	inside(text, a.realm);
	inside(text, a.nonce);
	inside(text, a.opaque);
	digest_challenge_write(&a, &buf);
	assert(digest_challenge_parse(buf_slice(&buf), &b) == 0);
	assert(slice_eq(a.realm, b.realm) && slice_eq(a.nonce, b.nonce));
	assert(a.algorithm == b.algorithm && a.is_session == b.is_session);
	assert(a.has_auth == b.has_auth && a.has_auth_int == b.has_auth_int);
	buf_done(&buf);
}

static void info(struct slice text)
{
	struct digest_info info;

	if (digest_info_parse(text, &info))
		return;
	inside(text, info.nextnonce);
	inside(text, info.rspauth);
	inside(text, info.cnonce);
	inside(text, info.nc_text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);

	credentials(text);
	challenge(text);
	info(text);
	return 0;
}
