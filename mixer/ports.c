/* mixer/ports.c */
#include "mixer/ports.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"

enum { TOS_EF = 46 << 2 };

struct warm {
	struct port_pair pair;
	uint64_t rests_until_ms;
};

struct ports {
	uint16_t first; /* even */
	uint32_t pairs;
	uint32_t quarantine_ms;
	uint32_t warm_head, warm_count, warm_max;
	struct warm *warm;        /* oldest first */
	uint32_t head, count;     /* of the queue of pairs without sockets */
	uint32_t *queue;          /* pair numbers, oldest first */
	uint64_t *rests_until_ms; /* by pair number */
	bool *is_free;            /* by pair number: a pair given back twice is a defect */
};

static void shuffle(uint32_t *items, uint32_t count, struct random *random)
{
	for (uint32_t i = count; i > 1; i--) {
		uint32_t other = random_below(random, i);
		uint32_t held = items[i - 1];

		items[i - 1] = items[other];
		items[other] = held;
	}
}

int ports_new(const struct ports_params *params, struct ports **ret_ports)
{
	uint32_t first = (params->low + 1u) & ~1u;
	struct ports *ports;

	if (params->low == 0 || first + 1 > params->high)
		return -EINVAL;
	ports = calloc(1, sizeof(*ports));
	if (!ports)
		return -ENOMEM;
	ports->first = (uint16_t)first;
	ports->pairs = (params->high - first + 1) / 2;
	ports->quarantine_ms = params->quarantine_ms;
	ports->warm_max = MIN_OF(params->warm_max, ports->pairs);
	ports->warm = calloc(MAX_OF(ports->warm_max, 1u), sizeof(*ports->warm));
	ports->queue = calloc(ports->pairs, sizeof(*ports->queue));
	ports->rests_until_ms = calloc(ports->pairs, sizeof(*ports->rests_until_ms));
	ports->is_free = calloc(ports->pairs, sizeof(*ports->is_free));
	if (!ports->warm || !ports->queue || !ports->rests_until_ms || !ports->is_free) {
		ports_free(ports);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < ports->pairs; i++) {
		ports->queue[i] = i;
		ports->is_free[i] = true;
	}
	ports->count = ports->pairs;
	shuffle(ports->queue, ports->pairs, params->random);
	*ret_ports = ports;
	return 0;
}

static void pair_close(struct port_pair *pair)
{
	close(pair->rtp_fd);
	close(pair->rtcp_fd);
	pair->rtp_fd = pair->rtcp_fd = -1;
}

struct ports *ports_free(struct ports *ports)
{
	if (!ports)
		return NULL;
	for (uint32_t i = 0; i < ports->warm_count; i++)
		pair_close(&ports->warm[(ports->warm_head + i) % ports->warm_max].pair);
	free(ports->warm);
	free(ports->queue);
	free(ports->rests_until_ms);
	free(ports->is_free);
	free(ports);
	return NULL;
}

static void queue_push(struct ports *ports, uint32_t pair, uint64_t rests_until_ms)
{
	assert(ports->count < ports->pairs && !ports->is_free[pair]);
	ports->queue[(ports->head + ports->count) % ports->pairs] = pair;
	ports->rests_until_ms[pair] = rests_until_ms;
	ports->is_free[pair] = true;
	ports->count++;
}

/* The pair that is free the longest; -1 when none is free or even that one still rests. */
static int64_t queue_pop(struct ports *ports, uint64_t now_ms)
{
	uint32_t pair;

	if (ports->count == 0)
		return -1;
	pair = ports->queue[ports->head];
	if (ports->rests_until_ms[pair] > now_ms)
		return -1;
	ports->head = (ports->head + 1) % ports->pairs;
	ports->count--;
	ports->is_free[pair] = false;
	return pair;
}

/* Undoes a queue_pop: the pair is first in the queue again. */
static void queue_unpop(struct ports *ports, uint32_t pair)
{
	ports->head = (ports->head + ports->pairs - 1) % ports->pairs;
	ports->queue[ports->head] = pair;
	ports->is_free[pair] = true;
	ports->count++;
}

static void options_set(int fd, bool is_v6)
{
	int on = 1, tos = TOS_EF;

	/* Marks and stamps are wishes: a kernel that refuses them still carries sound. */
	if (is_v6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
}

int ports_socket(const struct addr *local, bool is_beside, int *ret_fd)
{
	bool is_v6 = addr_is_v6(local);
	int on = 1, err;
	int fd = socket(local->sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* One family per socket: source addresses then compare as they were signalled. */
	if (is_v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		goto fail;
	if (is_beside && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
		goto fail;
	options_set(fd, is_v6);
	if (bind(fd, &local->sa, addr_len(local)) < 0)
		goto fail;
	*ret_fd = fd;
	return 0;

fail:
	err = -errno;
	close(fd);
	return err;
}

static int pair_bind(struct port_pair *pair, uint16_t port)
{
	struct addr rtcp;
	int err;

	addr_set_port(&pair->local, port);
	rtcp = pair->local;
	addr_set_port(&rtcp, (uint16_t)(port + 1));
	err = ports_socket(&pair->local, false, &pair->rtp_fd);
	if (err)
		return err;
	err = ports_socket(&rtcp, false, &pair->rtcp_fd);
	if (err)
		close(pair->rtp_fd);
	return err;
}

/* Warm pairs -------------------------------------------------------------------------------- */

static uint32_t pair_number(const struct ports *ports, const struct port_pair *pair)
{
	uint16_t port = addr_port(&pair->local);

	assert(port >= ports->first && (port - ports->first) / 2u < ports->pairs);
	return (port - ports->first) / 2u;
}

static void warm_push(struct ports *ports, const struct port_pair *pair, uint64_t rests_until_ms)
{
	uint32_t number = pair_number(ports, pair);

	assert(ports->warm_count < ports->warm_max && !ports->is_free[number]);
	ports->warm[(ports->warm_head + ports->warm_count++) % ports->warm_max] = (struct warm){
		*pair, rests_until_ms};
	ports->is_free[number] = true;
}

static struct port_pair warm_pop(struct ports *ports)
{
	struct port_pair pair = ports->warm[ports->warm_head].pair;

	ports->warm_head = (ports->warm_head + 1) % ports->warm_max;
	ports->warm_count--;
	ports->is_free[pair_number(ports, &pair)] = false;
	return pair;
}

/* The oldest warm pair has to give its descriptors back. False when there is none. */
static bool warm_cool(struct ports *ports)
{
	struct port_pair pair;
	uint64_t rests_until_ms;

	if (ports->warm_count == 0)
		return false;
	rests_until_ms = ports->warm[ports->warm_head].rests_until_ms;
	pair = warm_pop(ports);
	pair_close(&pair);
	queue_push(ports, pair_number(ports, &pair), rests_until_ms);
	return true;
}

/* Throws away what waits; returns how much it was. */
static uint32_t socket_empty(int fd)
{
	uint32_t count = 0;

	while (count < PORTS_STALE_MAX && recv(fd, NULL, 0, MSG_DONTWAIT | MSG_TRUNC) >= 0)
		count++;
	return count;
}

static bool warm_take(struct ports *ports, const struct addr *local, uint64_t now_ms,
		      struct port_pair *ret_pair)
{
	for (uint32_t tries = 0; tries < PORTS_WARM_TRIES_MAX; tries++) {
		struct port_pair pair;
		uint32_t stale;

		if (ports->warm_count == 0 || ports->warm[ports->warm_head].rests_until_ms > now_ms)
			return false;
		if (!addr_eq_ip(&ports->warm[ports->warm_head].pair.local, local)) {
			(void)warm_cool(ports);
			continue;
		}
		pair = warm_pop(ports);
		stale = socket_empty(pair.rtp_fd) + socket_empty(pair.rtcp_fd);
		if (stale == 0 || (stale < PORTS_STALE_MAX && ports->count == 0)) {
			*ret_pair = pair;
			return true;
		}
		warm_push(ports, &pair, now_ms + ports->quarantine_ms);
	}
	return false;
}

/* Taking and giving ------------------------------------------------------------------------- */

/* Without a descriptor left, a warm pair is worth less than this one. */
static int pair_bind_surely(struct ports *ports, struct port_pair *pair, uint16_t port)
{
	int err = pair_bind(pair, port);

	while ((err == -EMFILE || err == -ENFILE) && warm_cool(ports))
		err = pair_bind(pair, port);
	return err;
}

int ports_take(struct ports *ports, const struct addr *local, uint64_t now_ms,
	       struct port_pair *ret_pair)
{
	struct port_pair pair = {.local = *local, .rtp_fd = -1, .rtcp_fd = -1};

	if (!addr_is_set(local))
		return -EINVAL;
	if (warm_take(ports, local, now_ms, ret_pair))
		return 0;
	for (uint32_t tries = 0; tries < PORTS_TRIES_MAX; tries++) {
		int64_t number = queue_pop(ports, now_ms);
		int err;

		if (number < 0)
			return ERR_MEDIA_NO_PORTS;
		err = pair_bind_surely(ports, &pair, (uint16_t)(ports->first + 2 * number));
		if (err == 0) {
			*ret_pair = pair;
			return 0;
		}
		if (err != -EADDRINUSE && err != -EACCES) { /* not the port's fault */
			queue_unpop(ports, (uint32_t)number);
			return err;
		}
		queue_push(ports, (uint32_t)number, now_ms + ports->quarantine_ms);
	}
	return ERR_MEDIA_NO_PORTS;
}

void ports_give(struct ports *ports, struct port_pair *pair, uint64_t now_ms)
{
	uint64_t rests_until_ms = now_ms + ports->quarantine_ms;

	if (ports->warm_count < ports->warm_max) {
		warm_push(ports, pair, rests_until_ms);
	} else {
		uint32_t number = pair_number(ports, pair);

		pair_close(pair);
		queue_push(ports, number, rests_until_ms);
	}
	pair->rtp_fd = pair->rtcp_fd = -1;
}

uint32_t ports_free_count(const struct ports *ports)
{
	return ports->count + ports->warm_count;
}

uint32_t ports_warm_count(const struct ports *ports)
{
	return ports->warm_count;
}
