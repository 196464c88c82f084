#include "sip/sender.h"

#include <assert.h>
#include <errno.h>

#include "base/err.h"
#include "sip/sips.h"
#include "sip/ua_priv.h"

static void on_ctx(void *arg, struct sip_ctx *ctx, const struct sip_msg *response, int err)
{
	struct sip_sender *sender = arg;

	assert(ctx == sender->ctx);
	if (response) {
		sender->ops->on_response(sender->arg, response);
	} else if (err && err != -ENOMEM && sip_sender_next(sender)) {
		return;
	} else if (err) {
		sender->ops->on_failed(sender->arg, err);
	} else {
		sender->ctx = NULL;
		sender->ops->on_gone(sender->arg);
	}
}

static void on_soon(void *arg)
{
	struct sip_sender *sender = arg;

	sender->ops->on_unsent(sender->arg, sender->err);
}

static void fail_soon(struct sip_sender *sender, int err)
{
	sender->err = err;
	timer_start(sender->ua->wheel, &sender->soon, 0);
}

void sip_sender_init(struct sip_sender *sender, struct sip_ua *ua, const struct sip_sender_ops *ops,
		     void *arg)
{
	*sender = (struct sip_sender){.ua = ua, .ops = ops, .arg = arg};
	timer_init(&sender->soon, on_soon, sender);
	list_init(&sender->query.node);
}

/* A peer on a stream is met again on the connection that it made (RFC 5923 in spirit): its Contact
 * names the address it comes from, but hardly a port that it listens on. */
static struct sip_flow flow_of(const struct sip_sender *sender)
{
	const struct sip_target *target = &sender->targets[sender->target_at];
	const struct sip_flow *last = sender->last;
	struct sip_flow flow = {.proto = target->proto, .remote = target->addr};

	if (sender->is_on_flow)
		return *last;
	/* The next target is another place, also when it is at the same address. */
	if (sender->target_at == 0 && last->proto == target->proto && last->connection &&
	    addr_eq_ip(&last->remote, &target->addr))
		flow.connection = last->connection;
	return flow;
}

static int send_request(struct sip_sender *sender, const struct sip_flow *flow, const char *branch,
			struct buf *buf)
{
	int err = sip_ctx_new(sender->ua->tx,
			      &(struct sip_ctx_params){
				      .flow = *flow,
				      .branch = branch,
				      .method = sip_method_parse(sender->method),
				      .method_text = sender->method,
				      .message = buf,
				      .on_event = on_ctx,
				      .arg = sender,
			      },
			      &sender->ctx);

	if (!err)
		*sender->last = *sip_ctx_flow(sender->ctx);
	return err;
}

/* What is too long for a datagram goes to the same place by TCP (RFC 3261 18.1.1); UDP stays behind
 * it, for peers that speak nothing else. True: there is a new target in the place of this one. */
static bool prefer_tcp(struct sip_sender *sender, size_t octets)
{
	struct sip_target *targets = sender->targets, tcp = targets[sender->target_at];
	const struct sip_net *net = &sender->ua->net;
	uint32_t at = sender->target_at;
	struct addr local;

	if (tcp.proto != SIP_UDP || octets <= sender->ua->udp_octets_max || sender->is_on_flow)
		return false;
	tcp.proto = SIP_TCP;
	if (at > 0 && targets[at - 1].proto == SIP_TCP && addr_eq(&targets[at - 1].addr, &tcp.addr))
		return false; /* was tried just now */
	if (sip_resolver_has_failed(sender->ua->resolver, &tcp) ||
	    net->ops->local_for(net->ctx, SIP_TCP, &tcp.addr, &local))
		return false;
	if (sender->target_count < SIP_TARGETS_MAX)
		sender->target_count++;
	memmove(&targets[at + 1], &targets[at], (sender->target_count - at - 1) * sizeof(*targets));
	targets[at] = tcp;
	return true;
}

static int try_target(struct sip_sender *sender)
{
	struct sip_flow flow = flow_of(sender);
	char branch[SIP_BRANCH_MAX];
	struct buf buf = BUF_INIT;
	int err;

	if (sender->is_new && sip_tx_leaves_out(sender->ua->tx, &flow.remote))
		return ERR_SIP_OVERLOADED;
	err = sender->ops->write(sender->arg, &flow, &buf, branch);
	if (!err && prefer_tcp(sender, buf.len)) {
		flow = flow_of(sender);
		buf_clear(&buf);
		err = sender->ops->write(sender->arg, &flow, &buf, branch);
	}
	if (!err && sender->ops->send)
		err = sender->ops->send(sender->arg, &flow, &buf);
	else if (!err)
		err = send_request(sender, &flow, branch, &buf);
	buf_done(&buf);
	return err;
}

/* Of a choice only: where there is one place, it is tried again anyway. */
static void remember_failure(struct sip_sender *sender)
{
	if (!sender->is_on_flow && sender->target_count > 1)
		sip_resolver_failed(sender->ua->resolver, &sender->targets[sender->target_at], 0);
}

static void send_now(struct sip_sender *sender)
{
	int err = ERR_SIP_NO_ROUTE;

	for (; sender->target_at < sender->target_count; sender->target_at++) {
		err = try_target(sender);
		if (!err)
			break;
		if (err != ERR_SIP_OVERLOADED)
			remember_failure(sender);
	}
	if (err || sender->ops->send)
		fail_soon(sender, err); /* what is no transaction is done, and told the same way */
}

bool sip_sender_next(struct sip_sender *sender)
{
	remember_failure(sender);
	if (sender->target_at + 1 >= sender->target_count)
		return false;
	if (sender->ops->may_retry && !sender->ops->may_retry(sender->arg))
		return false;
	sender->target_at++;
	if (sender->ctx)
		sip_ctx_detach(sender->ctx);
	sender->ctx = NULL;
	send_now(sender);
	return true;
}

/* What goes to a sips: URI takes no hop in the clear, whatever a Route says (RFC 3261 26.2.2). */
static bool hop_is_fit(const struct sip_sender *sender, enum sip_proto proto)
{
	return sip_proto_is_secure(proto) || !sender->is_sips;
}

static void keep_targets(struct sip_sender *sender, const struct sip_target *targets,
			 uint32_t count)
{
	assert(count <= SIP_TARGETS_MAX);
	for (uint32_t i = 0; i < count; i++) {
		if (hop_is_fit(sender, targets[i].proto))
			sender->targets[sender->target_count++] = targets[i];
	}
}

static void on_targets(void *arg, int err, const struct sip_target *targets, uint32_t count)
{
	struct sip_sender *sender = arg;

	if (err) {
		fail_soon(sender, err);
		return;
	}
	keep_targets(sender, targets, count);
	send_now(sender); /* to none: no route */
}

/* Nobody opens a connection in place of a flow that broke: behind a NAT it would lead nowhere, or
 * to somebody else (RFC 5626 5.3). */
static bool flow_is_gone(const struct sip_sender *sender)
{
	const struct sip_net *net = &sender->ua->net;
	uint64_t connection = sender->last->connection;

	return connection && net->ops->is_open && !net->ops->is_open(net->ctx, connection);
}

int sip_sender_start(struct sip_sender *sender, const struct sip_sender_start *start)
{
	struct sip_uri hop;
	int err = sip_uri_parse(start->hop, &hop);

	if (err)
		return err;
	sip_query_cancel(&sender->query);
	if (sender->ctx)
		sip_ctx_detach(sender->ctx);
	sender->ctx = NULL;
	sender->method = start->method;
	sender->last = start->last;
	sender->is_new = start->is_new;
	sender->is_sips = start->is_secure || sip_is_sips(start->target);
	if (start->is_secure)
		hop.scheme = SIP_SCHEME_SIPS;
	sender->is_on_flow = start->is_on_flow ||
			     (start->last->connection && sip_uri_needs_flow(&hop));
	sender->target_at = sender->target_count = 0;
	if (sender->is_on_flow) {
		struct sip_target path = {start->last->proto, start->last->remote};

		on_targets(sender, flow_is_gone(sender) ? ERR_SIP_TRANSPORT : 0, &path, 1);
		return 0;
	}
	sender->query.on_targets = on_targets;
	sender->query.arg = sender;
	sip_resolve(sender->ua->resolver, &hop, &sender->query);
	return 0;
}

void sip_sender_done(struct sip_sender *sender)
{
	sip_query_cancel(&sender->query);
	if (sender->ctx)
		sip_ctx_detach(sender->ctx);
	sender->ctx = NULL;
	timer_stop(sender->ua->wheel, &sender->soon);
}
