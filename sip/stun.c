#include "sip/stun.h"

#include <string.h>

#include "base/attr.h"

#define COOKIE 0x2112a442u
#define FINGERPRINT_XOR 0x5354554eu

enum {
	BINDING_REQUEST = 0x0001,
	BINDING_SUCCESS = 0x0101,
	BINDING_ERROR = 0x0111,
	ATTR_MAPPED = 0x0001, /* up to 0x7fff: must be understood */
	ATTR_USERNAME = 0x0006,
	ATTR_INTEGRITY = 0x0008,
	ATTR_ERROR = 0x0009,
	ATTR_UNKNOWN = 0x000a,
	ATTR_REALM = 0x0014,
	ATTR_NONCE = 0x0015,
	ATTR_XOR_MAPPED = 0x0020,
	ATTR_OPTIONAL = 0x8000, /* from here: may be passed over */
	ATTR_FINGERPRINT = 0x8028,
	COOKIE_AT = 4,
	ID_AT = 4, /* cookie and transaction id together: what v6 is XORed with */
	ATTR_HEAD = 4,
	FINGERPRINT_OCTETS = 8
};

static unsigned u16(const char *p)
{
	return (unsigned)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

static uint32_t u32(const char *p)
{
	return (uint32_t)u16(p) << 16 | u16(p + 2);
}

static void add_u16(struct buf *out, unsigned n)
{
	buf_addc(out, (char)(n >> 8));
	buf_addc(out, (char)n);
}

static void add_u32(struct buf *out, uint32_t n)
{
	add_u16(out, n >> 16);
	add_u16(out, n & 0xffff);
}

/* ISO 3309, as FINGERPRINT has it (RFC 5389 15.5). */
static uint32_t crc32_of(struct slice data)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < data.len; i++) {
		crc ^= (unsigned char)data.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

bool sip_stun_is(struct slice datagram)
{
	return datagram.len >= SIP_STUN_HEADER && ((unsigned char)datagram.p[0] & 0xc0) == 0 &&
	       u32(datagram.p + COOKIE_AT) == COOKIE &&
	       u16(datagram.p + 2) + (size_t)SIP_STUN_HEADER == datagram.len &&
	       datagram.len % 4 == 0;
}

/* What the request's attributes ask of the answer. */
struct wishes {
	bool has_fingerprint;
	unsigned unknown[SIP_STUN_UNKNOWN_MAX];
	uint32_t unknown_count;
};

/* Credentials are understood, and not asked for: they are passed over (RFC 5389 10.1.2). */
static bool is_understood(unsigned type)
{
	return type >= ATTR_OPTIONAL || type == ATTR_USERNAME || type == ATTR_INTEGRITY ||
	       type == ATTR_REALM || type == ATTR_NONCE || type == ATTR_MAPPED ||
	       type == ATTR_XOR_MAPPED;
}

static bool read_attributes(struct slice datagram, struct wishes *wishes)
{
	size_t at = SIP_STUN_HEADER;

	while (at + ATTR_HEAD <= datagram.len) {
		unsigned type = u16(datagram.p + at), len = u16(datagram.p + at + 2);

		if (len > datagram.len - at - ATTR_HEAD)
			return false;
		if (type == ATTR_FINGERPRINT) {
			wishes->has_fingerprint = true;
			/* Always the last (15.5); a wrong one: it is no STUN at all. */
			return len == 4 && at + FINGERPRINT_OCTETS == datagram.len &&
			       (crc32_of(slice_first(datagram, at)) ^ FINGERPRINT_XOR) ==
				       u32(datagram.p + at + ATTR_HEAD);
		}
		if (!is_understood(type) && wishes->unknown_count < SIP_STUN_UNKNOWN_MAX)
			wishes->unknown[wishes->unknown_count++] = type;
		at += ATTR_HEAD + ((len + 3u) & ~3u);
	}
	return at == datagram.len;
}

static void add_mapped(struct slice request, const struct addr *remote, struct buf *out)
{
	bool is_v6 = addr_is_v6(remote);
	const char *octets = is_v6 ? (const char *)&remote->in6.sin6_addr
				   : (const char *)&remote->in.sin_addr;
	size_t len = is_v6 ? 16 : 4;

	add_u16(out, ATTR_XOR_MAPPED);
	add_u16(out, (unsigned)(4 + len));
	add_u16(out, is_v6 ? 2 : 1);
	add_u16(out, addr_port(remote) ^ COOKIE >> 16);
	for (size_t i = 0; i < len; i++)
		buf_addc(out, (char)(octets[i] ^ request.p[ID_AT + i]));
}

static void add_420(const struct wishes *wishes, struct buf *out)
{
	static const char reason[] = "Unknown Attribute";

	add_u16(out, ATTR_ERROR);
	add_u16(out, 4 + sizeof(reason) - 1);
	add_u32(out, 4u << 8 | 20);
	buf_addslice(out, SLICE("Unknown Attribute\0\0\0"));
	add_u16(out, ATTR_UNKNOWN);
	add_u16(out, wishes->unknown_count * 2);
	for (uint32_t i = 0; i < wishes->unknown_count; i++)
		add_u16(out, wishes->unknown[i]);
	if (wishes->unknown_count % 2)
		add_u16(out, 0);
}

/* The length counts the FINGERPRINT already when its checksum is made (15.5). */
static void finish(struct buf *out, bool has_fingerprint)
{
	size_t len = out->len - SIP_STUN_HEADER + (has_fingerprint ? FINGERPRINT_OCTETS : 0);
	uint32_t crc;

	if (buf_err(out))
		return;
	out->p[2] = (char)(len >> 8);
	out->p[3] = (char)len;
	if (!has_fingerprint)
		return;
	crc = crc32_of(buf_slice(out)) ^ FINGERPRINT_XOR;
	add_u16(out, ATTR_FINGERPRINT);
	add_u16(out, 4);
	add_u32(out, crc);
}

bool sip_stun_answer(struct slice datagram, const struct addr *remote, struct buf *out)
{
	struct wishes wishes = {.has_fingerprint = false};

	if (!sip_stun_is(datagram) || u16(datagram.p) != BINDING_REQUEST ||
	    !read_attributes(datagram, &wishes))
		return false;
	add_u16(out, wishes.unknown_count > 0 ? BINDING_ERROR : BINDING_SUCCESS);
	add_u16(out, 0);
	buf_addslice(out, slice_first(slice_from(datagram, COOKIE_AT), 16));
	if (wishes.unknown_count > 0)
		add_420(&wishes, out);
	else
		add_mapped(datagram, remote, out);
	finish(out, wishes.has_fingerprint);
	return buf_err(out) == 0;
}
