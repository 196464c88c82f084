#include "sip/sdes.h"

#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"

static const struct {
	const char *name;
	uint8_t octets;
} suites[SDES_SUITE_COUNT] = {
	[SDES_AEAD_AES_256_GCM] = {"AEAD_AES_256_GCM", 44},
	[SDES_AEAD_AES_128_GCM] = {"AEAD_AES_128_GCM", 28},
	[SDES_AES_CM_128_HMAC_SHA1_80] = {"AES_CM_128_HMAC_SHA1_80", 30},
	[SDES_AES_CM_128_HMAC_SHA1_32] = {"AES_CM_128_HMAC_SHA1_32", 30},
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

uint8_t sdes_octets(enum sdes_suite suite)
{
	return suites[suite].octets;
}

/* Base 64 (RFC 4648) of exactly `octets`; padding may be missing, as some phones have it. */
static int decode(struct slice text, uint8_t *out, size_t octets)
{
	uint32_t bits = 0, have = 0;
	size_t done = 0, len = text.len;

	while (len > 0 && text.p[len - 1] == '=')
		len--;
	if (text.len - len > 2 || len != (octets * 4 + 2) / 3)
		return ERR_SDP_SYNTAX;
	for (size_t i = 0; i < len; i++) {
		const char *at = text.p[i] ? strchr(alphabet, text.p[i]) : NULL;

		if (!at)
			return ERR_SDP_SYNTAX;
		bits = bits << 6 | (uint32_t)(at - alphabet);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[done++] = (uint8_t)(bits >> have);
			bits &= (1u << have) - 1;
		}
	}
	return 0;
}

static void encode(struct buf *buf, const uint8_t *data, size_t octets)
{
	for (size_t i = 0; i < octets; i += 3) {
		size_t left = octets - i;
		uint32_t bits = (uint32_t)data[i] << 16 |
				(left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
				(left > 2 ? data[i + 2] : 0u);

		buf_addc(buf, alphabet[bits >> 18]);
		buf_addc(buf, alphabet[bits >> 12 & 63]);
		buf_addc(buf, left > 1 ? alphabet[bits >> 6 & 63] : '=');
		buf_addc(buf, left > 2 ? alphabet[bits & 63] : '=');
	}
}

static struct slice word(struct slice *rest)
{
	struct slice text = slice_trim(*rest), found;
	size_t end = slice_find(text, ' ');

	found = slice_first(text, end);
	*rest = end < text.len ? slice_from(text, end + 1) : SLICE_NONE;
	return found;
}

/* "inline:" key [ "|" lifetime ] [ "|" mki ":" length ]. Several keys need an MKI each. */
static int read_key(struct slice text, struct sdes *sdes)
{
	static const struct slice method = SLICE("inline:");
	struct slice key, rest;
	size_t end;

	if (!slice_istarts(text, method))
		return -ENOTSUP;
	text = slice_from(text, method.len);
	if (slice_find(text, ';') < text.len)
		return -ENOTSUP;
	end = slice_find(text, '|');
	key = slice_first(text, end);
	rest = end < text.len ? slice_from(text, end + 1) : SLICE_NONE;
	if (slice_find(rest, ':') < rest.len)
		return -ENOTSUP;
	return decode(key, sdes->key, suites[sdes->suite].octets);
}

/* RFC 4568 6.3: what is not known must not be ignored, but for WSH (a hint) and names that begin
 * with "-". */
static bool is_known_parameter(struct slice text)
{
	return slice_istarts(text, SLICE("WSH=")) || slice_starts(text, SLICE("-"));
}

int sdes_parse(struct slice value, struct sdes *ret_sdes)
{
	struct slice rest = value, suite, parameter;
	struct sdes sdes = {.suite = SDES_SUITE_COUNT};
	int err;

	if (slice_u32(word(&rest), SDES_TAG_MAX, &sdes.tag) || sdes.tag == 0)
		return ERR_SDP_SYNTAX;
	suite = word(&rest);
	for (int i = 0; i < SDES_SUITE_COUNT; i++)
		if (slice_iis(suite, suites[i].name))
			sdes.suite = (enum sdes_suite)i;
	if (suite.len == 0)
		return ERR_SDP_SYNTAX;
	if (sdes.suite == SDES_SUITE_COUNT)
		return -ENOTSUP;
	err = read_key(word(&rest), &sdes);
	if (err)
		return err;
	while ((parameter = word(&rest)).len > 0)
		if (!is_known_parameter(parameter))
			return -ENOTSUP;
	*ret_sdes = sdes;
	return 0;
}

void sdes_print(struct buf *buf, const struct sdes *sdes)
{
	buf_addf(buf, "%u %s inline:", (unsigned)sdes->tag, suites[sdes->suite].name);
	encode(buf, sdes->key, suites[sdes->suite].octets);
}
