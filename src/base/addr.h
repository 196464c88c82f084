/* base/addr.h -- an IP address with port, v4 or v6, by value. Thread: any. */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/slice.h"

struct addr {
	union {
		struct sockaddr sa; /* sa_family is AF_UNSPEC (0), AF_INET or AF_INET6 */
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
};

enum { ADDR_TEXT_MAX = 72 }; /* "[fe80::1%4294967295]:65535", at its longest, and its NUL */

/* "192.0.2.1", "2001:db8::1" or "[2001:db8::1]" without a port. Names are not looked up. A link-local
 * address may name its zone ("fe80::1%eth0", RFC 4007 11). -EINVAL. */
int addr_parse_ip(struct slice text, struct addr *ret_addr);

/* "192.0.2.1:5060" or "[2001:db8::1]:5060". -EINVAL. */
int addr_parse(struct slice text, struct addr *ret_addr);

uint16_t addr_port(const struct addr *addr); /* host order */
void addr_set_port(struct addr *addr, uint16_t port);
socklen_t addr_len(const struct addr *addr); /* of the sockaddr; 0 when unspecified */

bool addr_is_set(const struct addr *addr);
bool addr_is_any(const struct addr *addr); /* 0.0.0.0 or :: */
bool addr_is_loopback(const struct addr *addr);
bool addr_is_v6(const struct addr *addr);
bool addr_eq(const struct addr *a, const struct addr *b);    /* address and port */
bool addr_eq_ip(const struct addr *a, const struct addr *b); /* address only; v4-mapped equals v4 */
uint64_t addr_hash(const struct addr *addr);                 /* address and port, keyed (hash.h) */

/* "192.0.2.1:5060", "[2001:db8::1]:5060"; returns out. */
char *addr_text(const struct addr *addr, char out[ADDR_TEXT_MAX]);
/* "192.0.2.1", "2001:db8::1": as in SDP (RFC 4566 5.7). */
char *addr_ip_text(const struct addr *addr, char out[ADDR_TEXT_MAX]);
/* "192.0.2.1", "[2001:db8::1]": as in a SIP URI's host (RFC 3261 25.1). */
char *addr_host_text(const struct addr *addr, char out[ADDR_TEXT_MAX]);

/* The local address from which the kernel would reach `peer` (a UDP connect, no packet sent), with
 * port 0. Negative errno. */
int addr_local_for(const struct addr *peer, struct addr *ret_local);

/* v4 out of ::ffff:a.b.c.d, otherwise unchanged: what a dual-stack socket reports, normalised. */
struct addr addr_unmap(const struct addr *addr);

#endif
