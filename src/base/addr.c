/* base/addr.c -- parsing and writing of IP addresses; no name is ever looked up. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

#include "base/hash.h"

enum {
	IP_TEXT_MAX = INET6_ADDRSTRLEN + IF_NAMESIZE + 1, /* with a zone */
	PORT_MAX = 65535,
	PORT_DISCARD = 9,
};

/* The zone of a link-local address (RFC 4007 section 11): an interface by name or number. */
static int parse_zone(const char *zone, struct sockaddr_in6 *in6)
{
	uint32_t index;

	if (!IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) && !IN6_IS_ADDR_MC_LINKLOCAL(&in6->sin6_addr))
		return -EINVAL;
	if (slice_u32(slice_of(zone), UINT32_MAX, &index))
		index = if_nametoindex(zone);
	if (index == 0)
		return -EINVAL;
	in6->sin6_scope_id = index;
	return 0;
}

/* The grammar of RFC 3261 has three colons before an embedded IPv4 address where RFC 4291 has two;
 * RFC 5118 4.10 wants both understood. */
static void mend_colons(char *text)
{
	char *three = strstr(text, ":::");

	if (three && strchr(three, '.') && three[3] >= '0' && three[3] <= '9')
		memmove(three, three + 1, strlen(three));
}

static int parse_v6(char *text, struct addr *addr)
{
	char *zone = strchr(text, '%');

	mend_colons(text);

	if (zone)
		*zone++ = '\0';
	addr->in6.sin6_family = AF_INET6;
	if (inet_pton(AF_INET6, text, &addr->in6.sin6_addr) != 1)
		return -EINVAL;
	return zone ? parse_zone(zone, &addr->in6) : 0;
}

int addr_parse_ip(struct slice text, struct addr *ret_addr)
{
	struct addr addr = {0};
	char ip[IP_TEXT_MAX];
	bool is_bracketed = slice_starts(text, SLICE("["));

	if (is_bracketed) {
		if (text.len < 2 || text.p[text.len - 1] != ']')
			return -EINVAL;
		text = slice_make(text.p + 1, text.len - 2);
	}
	if (text.len >= sizeof(ip) || slice_find(text, '\0') != text.len)
		return -EINVAL;
	slice_cstr(text, ip, sizeof(ip));
	addr.in.sin_family = AF_INET;
	if (is_bracketed || inet_pton(AF_INET, ip, &addr.in.sin_addr) != 1) {
		addr = (struct addr){0};
		if (parse_v6(ip, &addr))
			return -EINVAL;
	}
	*ret_addr = addr;
	return 0;
}

int addr_parse(struct slice text, struct addr *ret_addr)
{
	bool is_bracketed = slice_starts(text, SLICE("["));
	size_t ip_len = is_bracketed ? slice_find(text, ']') + 1 : slice_find(text, ':');
	struct addr addr;
	uint32_t port;

	if (ip_len >= text.len || text.p[ip_len] != ':')
		return -EINVAL;
	if (addr_parse_ip(slice_first(text, ip_len), &addr))
		return -EINVAL;
	if (slice_u32(slice_from(text, ip_len + 1), PORT_MAX, &port))
		return -EINVAL;
	addr_set_port(&addr, (uint16_t)port);
	*ret_addr = addr;
	return 0;
}

uint16_t addr_port(const struct addr *addr)
{
	switch (addr->sa.sa_family) {
	case AF_INET:
		return ntohs(addr->in.sin_port);
	case AF_INET6:
		return ntohs(addr->in6.sin6_port);
	default:
		return 0;
	}
}

void addr_set_port(struct addr *addr, uint16_t port)
{
	if (addr->sa.sa_family == AF_INET)
		addr->in.sin_port = htons(port);
	else if (addr->sa.sa_family == AF_INET6)
		addr->in6.sin6_port = htons(port);
}

socklen_t addr_len(const struct addr *addr)
{
	switch (addr->sa.sa_family) {
	case AF_INET:
		return sizeof(addr->in);
	case AF_INET6:
		return sizeof(addr->in6);
	default:
		return 0;
	}
}

bool addr_is_set(const struct addr *addr)
{
	return addr->sa.sa_family != AF_UNSPEC;
}

bool addr_is_any(const struct addr *addr)
{
	struct addr plain;

	if (addr->sa.sa_family == AF_INET)
		return addr->in.sin_addr.s_addr == htonl(INADDR_ANY);
	plain = addr_unmap(addr);
	if (plain.sa.sa_family == AF_INET)
		return plain.in.sin_addr.s_addr == htonl(INADDR_ANY);
	return addr_is_v6(&plain) && IN6_IS_ADDR_UNSPECIFIED(&plain.in6.sin6_addr);
}

bool addr_is_loopback(const struct addr *addr)
{
	struct addr plain = addr_unmap(addr);

	if (plain.sa.sa_family == AF_INET)
		return ntohl(plain.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return addr_is_v6(&plain) && IN6_IS_ADDR_LOOPBACK(&plain.in6.sin6_addr);
}

bool addr_is_v6(const struct addr *addr)
{
	return addr->sa.sa_family == AF_INET6;
}

static bool are_v4(const struct addr *a, const struct addr *b)
{
	return a->sa.sa_family == AF_INET && b->sa.sa_family == AF_INET;
}

bool addr_eq_ip(const struct addr *a, const struct addr *b)
{
	struct addr x, y;

	if (are_v4(a, b)) /* each packet asks */
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	x = addr_unmap(a);
	y = addr_unmap(b);
	if (x.sa.sa_family != y.sa.sa_family)
		return false;
	switch (x.sa.sa_family) {
	case AF_INET:
		return x.in.sin_addr.s_addr == y.in.sin_addr.s_addr;
	case AF_INET6:
		return IN6_ARE_ADDR_EQUAL(&x.in6.sin6_addr, &y.in6.sin6_addr) &&
		       x.in6.sin6_scope_id == y.in6.sin6_scope_id;
	default:
		return true;
	}
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return addr_port(a) == addr_port(b) && addr_eq_ip(a, b);
}

uint64_t addr_hash(const struct addr *addr)
{
	struct addr plain = addr_unmap(addr);
	uint8_t key[2 + 16] = {(uint8_t)(addr_port(addr) >> 8), (uint8_t)addr_port(addr)};

	if (addr_is_v6(&plain)) {
		memcpy(key + 2, &plain.in6.sin6_addr, 16);
		return hash_bytes(key, sizeof(key));
	}
	memcpy(key + 2, &plain.in.sin_addr, 4);
	return hash_bytes(key, 2 + 4);
}

/* As inet_ntop does, which prints by sprintf. */
static char *v4_text(const struct in_addr *ip, char *out)
{
	const uint8_t *octet = (const uint8_t *)ip;
	char *at = out;

	for (int i = 0; i < 4; i++) {
		if (octet[i] >= 100)
			*at++ = (char)('0' + octet[i] / 100);
		if (octet[i] >= 10)
			*at++ = (char)('0' + octet[i] / 10 % 10);
		*at++ = (char)('0' + octet[i] % 10);
		*at++ = i < 3 ? '.' : '\0';
	}
	return out;
}

static char *ip_text(const struct addr *addr, char *out, size_t cap)
{
	const void *ip = addr_is_v6(addr) ? (const void *)&addr->in6.sin6_addr
					  : (const void *)&addr->in.sin_addr;

	if (addr->sa.sa_family == AF_INET && cap >= INET_ADDRSTRLEN)
		return v4_text(&addr->in.sin_addr, out);
	if (!addr_is_set(addr) || !inet_ntop(addr->sa.sa_family, ip, out, (socklen_t)cap))
		slice_cstr(SLICE("-"), out, cap);
	return out;
}

char *addr_text(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN];

	ip_text(addr, ip, sizeof(ip));
	if (!addr_is_set(addr))
		slice_cstr(slice_of(ip), out, ADDR_TEXT_MAX);
	else if (!addr_is_v6(addr))
		(void)snprintf(out, ADDR_TEXT_MAX, "%s:%u", ip, addr_port(addr));
	else if (addr->in6.sin6_scope_id == 0)
		(void)snprintf(out, ADDR_TEXT_MAX, "[%s]:%u", ip, addr_port(addr));
	else
		(void)snprintf(out, ADDR_TEXT_MAX, "[%s%%%u]:%u", ip, addr->in6.sin6_scope_id,
			       addr_port(addr));
	return out;
}

char *addr_ip_text(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
	return ip_text(addr, out, ADDR_TEXT_MAX);
}

char *addr_host_text(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN];

	ip_text(addr, ip, sizeof(ip));
	(void)snprintf(out, ADDR_TEXT_MAX, addr_is_v6(addr) ? "[%s]" : "%s", ip);
	return out;
}

int addr_local_for(const struct addr *peer, struct addr *ret_local)
{
	struct addr to = *peer, local = {0};
	socklen_t len = sizeof(local);
	int err = 0;
	int fd;

	if (!addr_is_set(peer))
		return -EINVAL;
	if (addr_port(&to) == 0)
		addr_set_port(&to, PORT_DISCARD); /* any port: nothing is sent */
	fd = socket(peer->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, &to.sa, addr_len(&to)) || getsockname(fd, &local.sa, &len))
		err = -errno;
	close(fd);
	if (err)
		return err;
	addr_set_port(&local, 0);
	*ret_local = local;
	return 0;
}

struct addr addr_unmap(const struct addr *addr)
{
	struct addr v4 = {0};

	if (!addr_is_v6(addr) || !IN6_IS_ADDR_V4MAPPED(&addr->in6.sin6_addr))
		return *addr;
	v4.in.sin_family = AF_INET;
	v4.in.sin_port = addr->in6.sin6_port;
	memcpy(&v4.in.sin_addr, addr->in6.sin6_addr.s6_addr + 12, 4);
	return v4;
}
