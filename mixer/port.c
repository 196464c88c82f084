/* mixer/port.c -- keys stand in one compact array with chained buckets, all made ahead: finding a
 * leg touches two cache lines and not the leg. A batch is looked up whole before the first packet
 * is delivered, so that the legs are on their way from memory meanwhile. */
#include "mixer/port.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "mixer/prefetch.h"

enum {
	KEYS = PORT_LEGS_MAX * LEG_PORT_KEYS,
	BUCKETS = 1024,
	NO_KEY = 0 /* keys[0] is nobody's */
};

#define SILENT_NS ((uint64_t)LATCH_SILENT_MS * 1000000)
#define RTCP_NS ((uint64_t)PORT_RTCP_MS * 1000000)

struct key {
	struct addr addr;
	struct leg *leg;
	uint16_t next; /* in its bucket, or of the free ones */
	bool is_rtcp;
};

struct port {
	struct list node; /* worker.c */
	int rtp_fd, rtcp_fd;
	uint32_t legs_max; /* fixed */
	uint32_t leg_count;
	uint32_t strays_left; /* in this pass */
	uint64_t strays;
	uint64_t rtcp_ns;    /* last look at the RTCP socket */
	struct list waiting; /* legs, by seat.waiting */
	uint16_t free_key;
	uint16_t buckets[BUCKETS]; /* first key of each */
	struct key keys[KEYS + 1];
};

static_assert(KEYS < UINT16_MAX, "keys are numbered in 16 bits");

/* Asks for large buffers and returns what the kernel gives for receiving: without CAP_NET_ADMIN no
 * more than net.core.rmem_max. */
static uint32_t buffer_grow(int fd)
{
	int octets = PORT_BUFFER_OCTETS;
	socklen_t len = sizeof(octets);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof(octets)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof(octets));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &octets, sizeof(octets)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &octets, sizeof(octets));
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, &len) < 0)
		return 0;
	return (uint32_t)octets;
}

int port_new(int rtp_fd, int rtcp_fd, struct port **ret_port)
{
	struct port *port = calloc(1, sizeof(*port));

	if (!port)
		return -ENOMEM;
	list_init(&port->node);
	list_init(&port->waiting);
	port->rtp_fd = rtp_fd;
	port->rtcp_fd = rtcp_fd;
	port->legs_max = MIN_OF(buffer_grow(rtp_fd) / PORT_LEG_OCTETS, (uint32_t)PORT_LEGS_MAX);
	port->legs_max = MAX_OF(port->legs_max, (uint32_t)PORT_LEGS_MIN);
	for (uint16_t i = KEYS; i > NO_KEY; i--) {
		port->keys[i].next = port->free_key;
		port->free_key = i;
	}
	*ret_port = port;
	return 0;
}

struct port *port_free(struct port *port)
{
	assert(!port || port->leg_count == 0);
	free(port);
	return NULL;
}

struct list *port_node(struct port *port)
{
	return &port->node;
}

struct port *port_of_node(struct list *node)
{
	return LIST_ENTRY(node, struct port, node);
}

uint32_t port_legs_max(const struct port *port)
{
	return port->legs_max;
}

uint32_t port_leg_count(const struct port *port)
{
	return port->leg_count;
}

uint64_t port_strays(const struct port *port)
{
	return port->strays;
}

/* Keys -------------------------------------------------------------------------------------- */

static uint16_t *bucket_of(struct port *port, const struct addr *addr)
{
	return &port->buckets[addr_hash(addr) % BUCKETS];
}

static struct leg *chain_find(const struct port *port, uint16_t first, const struct addr *addr,
			      bool is_rtcp)
{
	for (uint16_t i = first; i != NO_KEY; i = port->keys[i].next)
		if (port->keys[i].is_rtcp == is_rtcp && addr_eq(&port->keys[i].addr, addr))
			return port->keys[i].leg;
	return NULL;
}

static struct leg *key_find(struct port *port, const struct addr *addr, bool is_rtcp)
{
	return chain_find(port, *bucket_of(port, addr), addr, is_rtcp);
}

static bool is_at_home(const struct key *key)
{
	return addr_eq(&key->addr, &key->leg->seat.home);
}

/* At the end of its chain: of two legs with one address the older is found. But who came from there
 * is found before all who named that address later: it might lie in wait for who comes next. */
static uint16_t key_add(struct port *port, struct leg *leg, const struct addr *addr, bool is_rtcp)
{
	uint16_t number = port->free_key, *at = bucket_of(port, addr);
	struct key *key = &port->keys[number];

	assert(number != NO_KEY);
	port->free_key = key->next;
	*key = (struct key){.addr = *addr, .leg = leg, .is_rtcp = is_rtcp};
	while (*at != NO_KEY && !(is_at_home(key) && addr_eq(&port->keys[*at].addr, addr) &&
				  !is_at_home(&port->keys[*at])))
		at = &port->keys[*at].next;
	key->next = *at;
	*at = number;
	return number;
}

static void key_drop(struct port *port, uint16_t number)
{
	uint16_t *at = bucket_of(port, &port->keys[number].addr);

	while (*at != number)
		at = &port->keys[*at].next;
	*at = port->keys[number].next;
	port->keys[number].next = port->free_key;
	port->free_key = number;
}

static bool is_address(const struct addr *addr)
{
	return addr_is_set(addr) && addr_port(addr) != 0 && !addr_is_any(addr);
}

/* What key `i` of a leg should be, or NULL. */
static const struct addr *key_wanted(const struct leg *leg, int i)
{
	const struct latch *latch = &leg->latch;

	switch (i) {
	case LEG_KEY_SIGNALLED:
		return is_address(&latch->signalled) ? &latch->signalled : NULL;
	case LEG_KEY_SOURCE:
		return latch->has_source && !addr_eq(&latch->source, &latch->signalled)
			       ? &latch->source
			       : NULL;
	default:
		return !leg->rtcp.has_mux && is_address(&leg->rtcp.signalled) ? &leg->rtcp.signalled
									      : NULL;
	}
}

static void wait_begin(struct port *port, struct leg *leg)
{
	if (leg->is_waiting)
		return;
	leg->is_waiting = true;
	list_append(&port->waiting, &leg->seat.waiting);
}

static void wait_end(struct leg *leg)
{
	leg->is_waiting = false;
	list_remove(&leg->seat.waiting);
}

void port_rekey_rt(struct port *port, struct leg *leg)
{
	if (!addr_is_set(&leg->seat.home))
		leg->seat.home = leg->latch.signalled;
	for (int i = 0; i < LEG_PORT_KEYS; i++) {
		const struct addr *wanted = key_wanted(leg, i);
		uint16_t *number = &leg->seat.keys[i];

		if (*number != NO_KEY && wanted && addr_eq(&port->keys[*number].addr, wanted))
			continue;
		if (*number != NO_KEY)
			key_drop(port, *number);
		*number = wanted ? key_add(port, leg, wanted, i == LEG_KEY_RTCP) : NO_KEY;
	}
	if (!leg->latch.has_source)
		wait_begin(port, leg);
}

void port_enter_rt(struct port *port, struct leg *leg)
{
	assert(leg->port == port && port->leg_count < PORT_LEGS_MAX);
	port->leg_count++;
	port_rekey_rt(port, leg);
}

void port_leave_rt(struct port *port, struct leg *leg)
{
	assert(leg->port == port && port->leg_count > 0);
	for (int i = 0; i < LEG_PORT_KEYS; i++) {
		if (leg->seat.keys[i] != NO_KEY)
			key_drop(port, leg->seat.keys[i]);
		leg->seat.keys[i] = NO_KEY;
	}
	wait_end(leg);
	port->leg_count--;
}

void port_watch_rt(struct port *port, struct leg *leg, uint64_t now_ns)
{
	if (leg->latch.has_source && now_ns - leg->latch.source_ns >= SILENT_NS)
		wait_begin(port, leg);
}

/* Packets ----------------------------------------------------------------------------------- */

static bool may_be_of(const struct leg *leg, const struct addr *from)
{
	const struct addr *signalled = &leg->latch.signalled;

	return leg->latch.is_symmetric &&
	       (addr_eq_ip(signalled, from) || !addr_eq_ip(signalled, &leg->seat.home));
}

/* The only leg that a stray can be of; NULL when there is none or more than one. */
static struct leg *stray_find(struct port *port, const struct addr *from)
{
	struct leg *found = NULL;
	struct list *it, *tmp;

	if (port->strays_left == 0)
		return NULL;
	port->strays_left--;
	LIST_FOREACH (it, tmp, &port->waiting) {
		struct leg *leg = LIST_ENTRY(it, struct leg, seat.waiting);

		if (!may_be_of(leg, from))
			continue;
		if (found)
			return NULL;
		found = leg;
	}
	return found;
}

static void refuse(struct port *port, struct leg_env *env)
{
	port->strays++;
	env->rx_discarded++;
}

static void deliver(struct port *port, struct leg_env *env, struct leg *leg,
		    const struct io_packet *packet)
{
	bool is_stray = leg == NULL;

	if (is_stray)
		leg = stray_find(port, &packet->from);
	if (!leg) {
		refuse(port, env);
		return;
	}
	leg_packet_rt(leg, env, packet);
	if (leg->is_waiting && leg->latch.has_source && leg->latch.source_ns == env->now_ns)
		wait_end(leg);
	if (is_stray && leg->latch.has_source && addr_eq(&leg->latch.source, &packet->from))
		port_rekey_rt(port, leg);
}

void port_packet_rt(struct port *port, struct leg_env *env, const struct io_packet *packet)
{
	port->strays_left = PORT_STRAYS_MAX;
	deliver(port, env, key_find(port, &packet->from, false), packet);
}

void port_rtcp_packet_rt(struct port *port, struct leg_env *env, const struct io_packet *packet)
{
	struct leg *leg = key_find(port, &packet->from, true);

	if (leg)
		leg_rtcp_packet_rt(leg, env, packet);
	else
		refuse(port, env);
}

static void look_ahead(struct leg *const *legs, uint32_t i, uint32_t count)
{
	for (uint32_t ahead = 0; ahead <= LEG_AHEAD && i + ahead < count; ahead++)
		if (legs[i + ahead])
			leg_prefetch_rt(legs[i + ahead], ahead);
}

/* Whose packets they are: first where to look, so that the keys are on their way, then a look. */
static void batch_find(struct port *port, const struct io_packet *packets, uint32_t count,
		       struct leg **ret_legs)
{
	uint16_t first[IO_RX_BATCH];

	for (uint32_t i = 0; i < count; i++) {
		first[i] = *bucket_of(port, &packets[i].from);
		prefetch_lines(&port->keys[first[i]], sizeof(struct key));
	}
	for (uint32_t i = 0; i < count; i++)
		ret_legs[i] = chain_find(port, first[i], &packets[i].from, false);
}

/* Returns whether more may be waiting. */
static bool batch_receive(struct port *port, struct leg_env *env)
{
	struct leg *legs[IO_RX_BATCH];
	const struct io_packet *packets;
	uint32_t count = io_receive_rt(env->io, port->rtp_fd, &packets);

	batch_find(port, packets, count, legs);
	for (uint32_t i = 0; i < count; i++) {
		look_ahead(legs, i, count);
		deliver(port, env, legs[i], &packets[i]);
	}
	return count == IO_RX_BATCH;
}

static void rtcp_receive(struct port *port, struct leg_env *env)
{
	const struct io_packet *packets;
	uint32_t count, rounds = 0;

	do {
		count = io_receive_rt(env->io, port->rtcp_fd, &packets);
		for (uint32_t i = 0; i < count; i++)
			port_rtcp_packet_rt(port, env, &packets[i]);
	} while (count == IO_RX_BATCH && ++rounds < PORT_RX_ROUNDS);
}

void port_receive_rt(struct port *port, struct leg_env *env)
{
	uint32_t rounds = 0;

	if (port->leg_count == 0)
		return;
	port->strays_left = PORT_STRAYS_MAX;
	while (batch_receive(port, env) && ++rounds < PORT_RX_ROUNDS)
		;
	if (env->now_ns - port->rtcp_ns < RTCP_NS)
		return;
	port->rtcp_ns = env->now_ns;
	rtcp_receive(port, env);
}
