/* base/prefix.h -- address prefixes ("192.0.2.0/24", "2001:db8::/32"), and lists of them.
 *
 * By value. A v4-mapped v6 address is the v4 address that it means. Thread: any.
 */
#ifndef BASE_PREFIX_H
#define BASE_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

struct prefix {
	uint8_t octets[16]; /* the first 4 of a v4 prefix */
	uint8_t bits;       /* 0..32, 0..128 */
	bool is_v6;
};

/* An address without "/bits" stands for itself alone. Bits behind the prefix must be 0, so that a
 * slip of the pen is seen. -EINVAL. */
int prefix_parse(struct slice text, struct prefix *ret_prefix);

bool prefix_has(const struct prefix *prefix, const struct addr *addr);

/* What counts as one peer: a v4 address, a /64 of v6 (RFC 6177: what a site gets at least). */
struct prefix prefix_of_peer(const struct addr *addr);
bool prefix_eq(const struct prefix *a, const struct prefix *b);
uint64_t prefix_hash(const struct prefix *prefix); /* keyed, base/hash.h */

#endif
