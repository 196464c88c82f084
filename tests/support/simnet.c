#include "tests/support/simnet.h"

#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/list.h"

enum { SIMNET_MTU = 65507 };

struct simnet {
	struct simnet_params params;
	struct list nodes, packets;
	struct simnet_stats stats;
	void (*on_sent)(void *arg, const struct sip_flow *flow, struct slice data);
	void *tap_arg;
	uint64_t stream_due_ms; /* streams keep their order */
	uint32_t node_count;
	bool speaks_tls;
};

struct simnode {
	struct list node;
	struct simnet *net;
	struct addr addr;
	struct sip_net_events events;
	bool is_down;
	uint32_t id;
};

struct packet {
	struct list node;
	struct simnet *net;
	struct timer timer;
	struct sip_flow flow; /* as the receiver sees it */
	bool is_failure;      /* tells the sender (flow.local) that `remote` cannot be reached */
	size_t len;
	char data[];
};

struct simnet *simnet_new(const struct simnet_params *params)
{
	struct simnet *net = calloc(1, sizeof(*net));

	if (!net)
		abort();
	net->params = *params;
	list_init(&net->nodes);
	list_init(&net->packets);
	return net;
}

static void packet_free(struct packet *packet)
{
	timer_stop(packet->net->params.wheel, &packet->timer);
	list_remove(&packet->node);
	packet->net->stats.in_flight--;
	free(packet);
}

struct simnet *simnet_free(struct simnet *net)
{
	struct list *it, *tmp;

	if (!net)
		return NULL;
	LIST_FOREACH (it, tmp, &net->packets)
		packet_free(LIST_ENTRY(it, struct packet, node));
	LIST_FOREACH (it, tmp, &net->nodes)
		free(LIST_ENTRY(it, struct simnode, node));
	free(net);
	return NULL;
}

void simnet_set_loss(struct simnet *net, uint32_t loss_percent, uint32_t duplicate_percent)
{
	net->params.loss_percent = loss_percent;
	net->params.duplicate_percent = duplicate_percent;
}

void simnet_speak_tls(struct simnet *net)
{
	net->speaks_tls = true;
}

void simnet_tap(struct simnet *net,
		void (*on_sent)(void *arg, const struct sip_flow *flow, struct slice data),
		void *arg)
{
	net->on_sent = on_sent;
	net->tap_arg = arg;
}

const struct simnet_stats *simnet_stats(const struct simnet *net)
{
	return &net->stats;
}

/* Packets
 * ------------------------------------------------------------------------------------------------------
 */

static struct simnode *find(struct simnet *net, const struct addr *addr)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &net->nodes) {
		struct simnode *node = LIST_ENTRY(it, struct simnode, node);

		if (addr_eq(&node->addr, addr))
			return node;
	}
	return NULL;
}

static void on_due(void *arg)
{
	struct packet *packet = arg;
	struct simnode *node = find(packet->net, &packet->flow.local);
	struct sip_net_events *events = node ? &node->events : NULL;

	/* Off the list, but alive: the receiver may send, which makes packets. */
	list_remove(&packet->node);
	if (events && !node->is_down && packet->is_failure && events->on_failed)
		events->on_failed(events->arg, &packet->flow, ERR_SIP_TRANSPORT);
	if (events && !node->is_down && !packet->is_failure && events->on_message) {
		packet->net->stats.delivered++;
		events->on_message(events->arg, &packet->flow,
				   slice_make(packet->data, packet->len));
	}
	packet_free(packet);
}

static uint64_t delay_ms(struct simnet *net, enum sip_proto proto)
{
	uint32_t spread = net->params.delay_max_ms - net->params.delay_min_ms;
	uint64_t delay = net->params.delay_min_ms + random_below(net->params.random, spread + 1);
	uint64_t now = wheel_now_ms(net->params.wheel);

	if (!sip_proto_is_reliable(proto))
		return delay;
	if (now + delay < net->stream_due_ms)
		delay = net->stream_due_ms - now;
	net->stream_due_ms = now + delay;
	return delay;
}

static void post(struct simnet *net, const struct sip_flow *flow, struct slice data,
		 bool is_failure)
{
	struct packet *packet = calloc(1, sizeof(*packet) + data.len);

	if (!packet)
		abort();
	packet->net = net;
	packet->flow = *flow;
	packet->is_failure = is_failure;
	packet->len = data.len;
	if (data.len > 0)
		memcpy(packet->data, data.p, data.len);
	timer_init(&packet->timer, on_due, packet);
	list_append(&net->packets, &packet->node);
	net->stats.in_flight++;
	timer_start(net->params.wheel, &packet->timer, delay_ms(net, flow->proto));
}

static bool happens(struct simnet *net, uint32_t percent)
{
	return percent > 0 && random_below(net->params.random, 100) < percent;
}

static void post_datagram(struct simnet *net, const struct sip_flow *flow, struct slice data)
{
	if (happens(net, net->params.loss_percent)) {
		net->stats.lost++;
		return;
	}
	post(net, flow, data, false);
	if (happens(net, net->params.duplicate_percent)) {
		net->stats.duplicated++;
		post(net, flow, data, false);
	}
}

static uint64_t connection_of(const struct simnode *a, const struct simnode *b)
{
	uint64_t low = a->id < b->id ? a->id : b->id, high = a->id < b->id ? b->id : a->id;

	return low << 32 | high;
}

void simnode_send(struct simnode *node, enum sip_proto proto, const struct addr *to,
		  struct slice data)
{
	struct simnet *net = node->net;
	struct simnode *peer = find(net, to);
	struct sip_flow out = {.proto = proto, .local = node->addr, .remote = *to};
	struct sip_flow in = {.proto = proto, .local = *to, .remote = node->addr};

	net->stats.sent++;
	if (net->on_sent)
		net->on_sent(net->tap_arg, &out, data);
	if (node->is_down)
		return;
	if (!sip_proto_is_reliable(proto)) {
		post_datagram(net, &in, data);
	} else if (peer && !peer->is_down) {
		in.connection = connection_of(node, peer);
		post(net, &in, data, false);
	} else {
		post(net, &out, SLICE_NONE, true);
	}
}

void simnode_fail(struct simnode *node, enum sip_proto proto, const struct addr *remote)
{
	struct sip_flow flow = {.proto = proto, .local = node->addr, .remote = *remote};

	post(node->net, &flow, SLICE_NONE, true);
}

/* Nodes
 * -----------------------------------------------------------------------------------------------------------
 */

struct simnode *simnode_new(struct simnet *net, const char *address)
{
	struct simnode *node = calloc(1, sizeof(*node));

	if (!node || addr_parse(slice_of(address), &node->addr))
		abort();
	node->net = net;
	node->id = ++net->node_count;
	list_append(&net->nodes, &node->node);
	return node;
}

const struct addr *simnode_addr(const struct simnode *node)
{
	return &node->addr;
}

void simnode_set_down(struct simnode *node, bool is_down)
{
	node->is_down = is_down;
}

static void net_listen(void *ctx, const struct sip_net_events *events)
{
	struct simnode *node = ctx;

	node->events = events ? *events : (struct sip_net_events){0};
}

static bool speaks(const struct simnode *node, enum sip_proto proto)
{
	return proto == SIP_UDP || proto == SIP_TCP || (proto == SIP_TLS && node->net->speaks_tls);
}

static int net_send(void *ctx, const struct sip_flow *flow, struct slice data,
		    struct sip_flow *ret_flow)
{
	struct simnode *node = ctx;
	struct simnode *peer = find(node->net, &flow->remote);

	if (!speaks(node, flow->proto))
		return ERR_SIP_NO_ROUTE;
	if (addr_is_v6(&flow->remote) != addr_is_v6(&node->addr))
		return ERR_SIP_NO_ROUTE;
	if (data.len > SIMNET_MTU)
		return ERR_SIP_TRANSPORT;
	simnode_send(node, flow->proto, &flow->remote, data);
	if (ret_flow) {
		*ret_flow = *flow;
		ret_flow->local = node->addr;
		if (sip_proto_is_reliable(flow->proto) && peer)
			ret_flow->connection = connection_of(node, peer);
	}
	return 0;
}

static int net_local_for(void *ctx, enum sip_proto proto, const struct addr *remote,
			 struct addr *ret_local)
{
	struct simnode *node = ctx;

	if (!speaks(node, proto) || addr_is_v6(remote) != addr_is_v6(&node->addr))
		return ERR_SIP_NO_ROUTE;
	*ret_local = node->addr;
	return 0;
}

/* A connection lives while both its ends do. */
static bool net_is_open(void *ctx, uint64_t connection)
{
	struct simnode *node = ctx;
	struct list *it, *tmp;
	uint32_t up = 0;

	LIST_FOREACH (it, tmp, &node->net->nodes) {
		struct simnode *other = LIST_ENTRY(it, struct simnode, node);

		if (!other->is_down &&
		    (other->id == connection >> 32 || other->id == (connection & UINT32_MAX)))
			up++;
	}
	return up == 2;
}

struct sip_net simnode_net(struct simnode *node)
{
	static const struct sip_net_ops ops = {
		.listen = net_listen,
		.send = net_send,
		.local_for = net_local_for,
		.is_open = net_is_open,
	};

	return (struct sip_net){&ops, node};
}

/* Time
 * --------------------------------------------------------------------------------------------------------------
 */

void sim_run(struct wheel *wheel, uint64_t ms)
{
	uint64_t end = wheel_now_ms(wheel) + ms;
	uint64_t next;

	while ((next = wheel_next_ms(wheel)) <= end) {
		uint64_t now = wheel_now_ms(wheel);

		wheel_advance(wheel, next > now ? next : now);
	}
	wheel_advance(wheel, end);
}

uint64_t sim_run_out(struct wheel *wheel, uint64_t ms)
{
	uint64_t start = wheel_now_ms(wheel), end = start + ms;

	while (wheel_count(wheel) > 0 && wheel_now_ms(wheel) < end) {
		uint64_t next = wheel_next_ms(wheel), now = wheel_now_ms(wheel);

		wheel_advance(wheel, next < now ? now : next > end ? end : next);
	}
	return wheel_now_ms(wheel) - start;
}
