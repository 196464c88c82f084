#include "base/prefix.h"

#include <errno.h>
#include <string.h>

#include "base/hash.h"

enum { BITS_V4 = 32, BITS_V6 = 128, BITS_SITE = 64 };

/* The address alone; false for one that is neither v4 nor v6. */
static bool octets_of(const struct addr *from, struct prefix *ret_prefix)
{
	struct addr addr = addr_unmap(from);
	struct prefix prefix = {.is_v6 = addr_is_v6(&addr)};

	if (!addr_is_set(&addr))
		return false;
	if (prefix.is_v6)
		memcpy(prefix.octets, &addr.in6.sin6_addr, 16);
	else
		memcpy(prefix.octets, &addr.in.sin_addr, 4);
	prefix.bits = prefix.is_v6 ? BITS_V6 : BITS_V4;
	*ret_prefix = prefix;
	return true;
}

/* Clears what stands behind the first `bits`. */
static void cut(struct prefix *prefix, uint8_t bits)
{
	for (unsigned i = 0; i < sizeof(prefix->octets); i++) {
		if (i * 8 >= bits)
			prefix->octets[i] = 0;
		else if (i * 8 + 8 > bits)
			prefix->octets[i] &= (uint8_t)(0xff00U >> (bits - i * 8));
	}
	prefix->bits = bits;
}

int prefix_parse(struct slice text, struct prefix *ret_prefix)
{
	size_t slash = slice_find(text, '/');
	struct prefix whole, prefix;
	struct addr addr;
	uint32_t bits;

	if (addr_parse_ip(slice_first(text, slash), &addr) || !octets_of(&addr, &whole))
		return -EINVAL;
	prefix = whole;
	if (slash < text.len) {
		if (slice_u32(slice_from(text, slash + 1), whole.bits, &bits))
			return -EINVAL;
		cut(&prefix, (uint8_t)bits);
	}
	if (memcmp(prefix.octets, whole.octets, sizeof(prefix.octets)) != 0)
		return -EINVAL;
	*ret_prefix = prefix;
	return 0;
}

bool prefix_has(const struct prefix *prefix, const struct addr *addr)
{
	struct prefix own;

	if (!octets_of(addr, &own) || own.is_v6 != prefix->is_v6)
		return false;
	cut(&own, prefix->bits);
	return memcmp(own.octets, prefix->octets, sizeof(own.octets)) == 0;
}

struct prefix prefix_of_peer(const struct addr *addr)
{
	struct prefix prefix = {0};

	if (octets_of(addr, &prefix) && prefix.is_v6)
		cut(&prefix, BITS_SITE);
	return prefix;
}

bool prefix_eq(const struct prefix *a, const struct prefix *b)
{
	return a->is_v6 == b->is_v6 && a->bits == b->bits &&
	       memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

uint64_t prefix_hash(const struct prefix *prefix)
{
	return hash_mix(hash_bytes(prefix->octets, sizeof(prefix->octets)), prefix->bits);
}
