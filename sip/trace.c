#include "sip/trace.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { US_PER_MS = 1000, NS_PER_US = 1000, DRIFT_US_MAX = 10000 };

struct trace_call {
	struct hash_node node;
	struct list lru; /* trace->calls; the latest is last */
	struct list messages;
	uint32_t octets, count;
	char call_id[]; /* with its NUL */
};

struct sip_trace {
	struct sip_trace_params params;
	struct sip_net_events above; /* whom the network's events are for */
	struct hash *by_call_id;
	struct list calls;
	uint32_t octets;
	uint64_t wall_offset_us; /* wall minus monotonic time */
};

/* Memory
 * ---------------------------------------------------------------------------------------------- */

static bool matches(const struct hash_node *node, const void *key)
{
	const struct slice *call_id = key;

	return slice_is(*call_id, CONTAINER_OF(node, struct trace_call, node)->call_id);
}

static uint32_t cost(const struct sip_trace_message *message)
{
	return (uint32_t)(sizeof(*message) + message->text.len);
}

static void drop_first(struct sip_trace *trace, struct trace_call *call)
{
	struct sip_trace_message *first = LIST_ENTRY(call->messages.next, struct sip_trace_message,
						     node);

	call->octets -= cost(first);
	trace->octets -= cost(first);
	call->count--;
	list_remove(&first->node);
	free(first);
}

static uint32_t call_cost(const struct trace_call *call)
{
	return (uint32_t)(sizeof(*call) + strlen(call->call_id) + 1);
}

static void free_call(struct sip_trace *trace, struct trace_call *call)
{
	while (call->count > 0)
		drop_first(trace, call);
	trace->octets -= call_cost(call);
	hash_remove(trace->by_call_id, &call->node);
	list_remove(&call->lru);
	free(call);
}

static struct trace_call *find(const struct sip_trace *trace, struct slice call_id)
{
	struct hash_node *node = hash_find(trace->by_call_id, hash_slice(call_id), &call_id);

	return node ? CONTAINER_OF(node, struct trace_call, node) : NULL;
}

static struct trace_call *call_new(struct sip_trace *trace, struct slice call_id)
{
	struct trace_call *call = calloc(1, sizeof(*call) + call_id.len + 1);

	if (!call)
		return NULL;
	slice_cstr(call_id, call->call_id, call_id.len + 1);
	list_init(&call->messages);
	list_append(&trace->calls, &call->lru);
	hash_add(trace->by_call_id, &call->node, hash_slice(call_id));
	trace->octets += call_cost(call);
	return call;
}

static void make_room(struct sip_trace *trace, const struct trace_call *keep)
{
	while (trace->octets > trace->params.octets_max) {
		struct trace_call *oldest = LIST_ENTRY(trace->calls.next, struct trace_call, lru);

		if (oldest == keep)
			break; /* the only one; its own limits hold */
		free_call(trace, oldest);
	}
}

static void keep(struct sip_trace *trace, struct sip_trace_message *message, struct slice call_id)
{
	struct trace_call *call = find(trace, call_id);

	if (!call)
		call = call_new(trace, call_id);
	if (!call) {
		free(message);
		return;
	}
	list_remove(&call->lru);
	list_append(&trace->calls, &call->lru);
	list_append(&call->messages, &message->node);
	call->octets += cost(message);
	trace->octets += cost(message);
	call->count++;
	while (call->count > 1 && (call->count > SIP_TRACE_CALL_MESSAGES_MAX ||
				   call->octets > SIP_TRACE_CALL_OCTETS_MAX ||
				   call->octets > trace->params.octets_max))
		drop_first(trace, call);
	make_room(trace, call);
}

/* What passes
 * ----------------------------------------------------------------------------------------- */

/* The wall clock knows milliseconds only, too coarse for the order of messages in other tools. */
static uint64_t now_us(struct sip_trace *trace)
{
	uint64_t mono_us = clock_mono_ns(&trace->params.clock) / NS_PER_US;
	uint64_t wall_us = clock_wall_ms(&trace->params.clock) * US_PER_MS;
	uint64_t drift_us = wall_us - (mono_us + trace->wall_offset_us);

	if (drift_us + DRIFT_US_MAX > 2 * (uint64_t)DRIFT_US_MAX) /* either way, unsigned */
		trace->wall_offset_us = wall_us - mono_us;
	return mono_us + trace->wall_offset_us;
}

static void record(struct sip_trace *trace, const struct sip_trace_message *as, struct slice data)
{
	struct sip_trace_message *message;
	struct slice call_id;
	char *text;

	if (trace->params.is_off && !trace->params.on_message)
		return;
	message = malloc(sizeof(*message) + data.len);
	if (!message)
		return; /* it is but a look at what happens */
	*message = *as;
	list_init(&message->node);
	message->at_us = now_us(trace);
	text = (char *)(message + 1);
	memcpy(text, data.p, data.len);
	sip_trace_mask(text, data.len);
	message->text = slice_make(text, data.len);
	if (!addr_is_set(&message->flow.local) || addr_is_any(&message->flow.local))
		(void)trace->params.net.ops->local_for(trace->params.net.ctx, message->flow.proto,
						       &message->flow.remote, &message->flow.local);
	call_id = sip_trace_call_id(message->text);
	if (trace->params.on_message)
		trace->params.on_message(trace->params.arg, message, call_id);
	if (trace->params.is_off || call_id.len == 0 || call_id.len > SIP_TRACE_CALL_ID_MAX)
		free(message);
	else
		keep(trace, message, call_id);
}

static void on_message(void *arg, const struct sip_flow *flow, struct slice data)
{
	struct sip_trace *trace = arg;

	record(trace, &(struct sip_trace_message){.flow = *flow}, data);
	trace->above.on_message(trace->above.arg, flow, data);
}

static void on_failed(void *arg, const struct sip_flow *flow, int err)
{
	struct sip_trace *trace = arg;

	trace->above.on_failed(trace->above.arg, flow, err);
}

static void on_garbage(void *arg, const struct sip_flow *flow, int err)
{
	struct sip_trace *trace = arg;

	trace->above.on_garbage(trace->above.arg, flow, err);
}

static void net_listen(void *ctx, const struct sip_net_events *events)
{
	struct sip_trace *trace = ctx;
	struct sip_net *net = &trace->params.net;

	if (!events) {
		net->ops->listen(net->ctx, NULL);
		return;
	}
	trace->above = *events;
	net->ops->listen(net->ctx,
			 &(struct sip_net_events){on_message, on_failed, on_garbage, trace});
}

static int net_send(void *ctx, const struct sip_flow *flow, struct slice data,
		    struct sip_flow *ret_flow)
{
	struct sip_trace *trace = ctx;
	struct sip_net *net = &trace->params.net;
	struct sip_flow path = *flow;
	int err = net->ops->send(net->ctx, flow, data, &path);

	record(trace, &(struct sip_trace_message){.is_out = true, .err = err, .flow = path}, data);
	if (!err && ret_flow)
		*ret_flow = path;
	return err;
}

static int net_local_for(void *ctx, enum sip_proto proto, const struct addr *remote,
			 struct addr *ret_local)
{
	struct sip_net *net = &((struct sip_trace *)ctx)->params.net;

	return net->ops->local_for(net->ctx, proto, remote, ret_local);
}

static void net_stats(void *ctx, struct sip_net_stats *ret_stats)
{
	struct sip_net *net = &((struct sip_trace *)ctx)->params.net;

	*ret_stats = (struct sip_net_stats){0};
	if (net->ops->stats)
		net->ops->stats(net->ctx, ret_stats);
}

static bool net_is_open(void *ctx, uint64_t connection)
{
	struct sip_net *net = &((struct sip_trace *)ctx)->params.net;

	return !net->ops->is_open || net->ops->is_open(net->ctx, connection);
}

static bool net_peer_has_name(void *ctx, const struct sip_flow *flow, struct slice name)
{
	struct sip_net *net = &((struct sip_trace *)ctx)->params.net;

	return net->ops->peer_has_name && net->ops->peer_has_name(net->ctx, flow, name);
}

static void net_keep(void *ctx, uint64_t connection, uint32_t every_ms)
{
	struct sip_net *net = &((struct sip_trace *)ctx)->params.net;

	if (net->ops->keep)
		net->ops->keep(net->ctx, connection, every_ms);
}

struct sip_net sip_trace_net(struct sip_trace *trace)
{
	static const struct sip_net_ops ops = {
		.listen = net_listen,
		.send = net_send,
		.local_for = net_local_for,
		.stats = net_stats,
		.is_open = net_is_open,
		.peer_has_name = net_peer_has_name,
		.keep = net_keep,
	};

	return (struct sip_net){.ops = &ops, .ctx = trace};
}

/* Life, and looking
 * ----------------------------------------------------------------------------------- */

int sip_trace_new(const struct sip_trace_params *params, struct sip_trace **ret_trace)
{
	struct sip_trace *trace = calloc(1, sizeof(*trace));
	int err;

	assert(params->net.ops);
	if (!trace)
		return -ENOMEM;
	err = hash_new(matches, &trace->by_call_id);
	if (err) {
		free(trace);
		return err;
	}
	trace->params = *params;
	if (!trace->params.octets_max)
		trace->params.octets_max = SIP_TRACE_OCTETS;
	list_init(&trace->calls);
	*ret_trace = trace;
	return 0;
}

struct sip_trace *sip_trace_free(struct sip_trace *trace)
{
	if (!trace)
		return NULL;
	while (!list_empty(&trace->calls))
		free_call(trace, LIST_ENTRY(trace->calls.next, struct trace_call, lru));
	assert(trace->octets == 0);
	hash_free(trace->by_call_id);
	free(trace);
	return NULL;
}

bool sip_trace_each(const struct sip_trace *trace, struct slice call_id, sip_trace_fn *visit,
		    void *arg)
{
	struct trace_call *call = trace ? find(trace, call_id) : NULL;
	struct list *it, *tmp;

	if (!call)
		return false;
	LIST_FOREACH (it, tmp, &call->messages)
		visit(arg, LIST_ENTRY(it, struct sip_trace_message, node));
	return true;
}

void sip_trace_calls(const struct sip_trace *trace, sip_trace_call_fn *visit, void *arg)
{
	if (!trace)
		return;
	for (struct list *it = trace->calls.prev; it != &trace->calls; it = it->prev) {
		struct trace_call *call = LIST_ENTRY(it, struct trace_call, lru);

		visit(arg, slice_of(call->call_id), call->count,
		      LIST_ENTRY(call->messages.next, struct sip_trace_message, node),
		      LIST_ENTRY(call->messages.prev, struct sip_trace_message, node));
	}
}

uint32_t sip_trace_octets(const struct sip_trace *trace)
{
	return trace->octets;
}
