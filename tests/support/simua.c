#include "tests/support/simua.h"

#include <stdlib.h>

#include "base/attr.h"

enum { MEDIA_PORT = 4000, DELAY_MS = 5 };

/* World
 * ----------------------------------------------------------------------------------------------------------
 */

void simworld_init(struct simworld *world, uint64_t seed)
{
	world->time = (struct clock_virtual){.mono_ns = 0};
	if (wheel_new(0, &world->wheel))
		abort();
	random_init_seeded(&world->random, seed);
	world->net = simnet_new(&(struct simnet_params){
		.wheel = world->wheel,
		.random = &world->random,
		.delay_min_ms = DELAY_MS,
		.delay_max_ms = DELAY_MS,
	});
}

void simworld_done(struct simworld *world)
{
	world->net = simnet_free(world->net);
	world->wheel = wheel_free(world->wheel);
}

void simworld_run(struct simworld *world, uint64_t ms)
{
	sim_run(world->wheel, ms);
	world->time.mono_ns = wheel_now_ms(world->wheel) * 1000000;
}

/* User agents: their calls ----------------------------------------------------------------------
 */

static bool keep_call(struct simua *ua, struct sip_call *call)
{
	for (int i = 0; i < SIMUA_CALLS_MAX; i++) {
		if (!ua->live[i]) {
			ua->live[i] = ua->call = call;
			ua->live_calls++;
			return true;
		}
	}
	return false;
}

static void drop_call(struct simua *ua, const struct sip_call *call)
{
	for (int i = 0; i < SIMUA_CALLS_MAX; i++) {
		if (ua->live[i] == call)
			ua->live[i] = NULL;
	}
	ua->live_calls--;
	if (ua->call == call)
		ua->call = NULL;
}

void simua_hangup_all(struct simua *ua)
{
	for (int i = 0; i < SIMUA_CALLS_MAX; i++) {
		if (ua->live[i])
			sip_call_hangup(ua->live[i], NULL);
	}
}

/* User agents: handlers
 * ---------------------------------------------------------------------------------------- */

static void on_progress(void *arg, struct sip_call *call, const struct sip_msg *response)
{
	struct simua *ua = arg;

	(void)call;
	buf_addf(&ua->log, "progress:%u ", response->status);
}

static void on_established(void *arg, struct sip_call *call, const struct sip_msg *message)
{
	struct simua *ua = arg;

	(void)call;
	(void)message;
	buf_adds(&ua->log, "established ");
}

static void on_media(void *arg, struct sip_call *call, const struct offer_agreed *agreed)
{
	struct simua *ua = arg;

	(void)call;
	ua->agreed = *agreed;
	buf_adds(&ua->log, agreed->is_held ? "media:held " : "media ");
}

static void on_early_media(void *arg, struct sip_call *call, const struct offer_agreed *agreed)
{
	struct simua *ua = arg;

	(void)call;
	ua->agreed = *agreed;
	buf_adds(&ua->log, agreed->is_held ? "early:held " : "early ");
}

static void on_reinvite_failed(void *arg, struct sip_call *call, uint16_t status)
{
	struct simua *ua = arg;

	(void)call;
	buf_addf(&ua->log, "reinvite-failed:%u ", status);
}

static void on_dialog_request(void *arg, struct sip_call *call, struct sip_stx *tx,
			      const struct sip_msg *request)
{
	struct simua *ua = arg;

	if (ua->on_request && ua->on_request(ua, call, tx, request))
		return;
	buf_addf(&ua->log, "request:" SLICE_FMT " ", SLICE_ARG(request->method_text));
	if (ua->answers_requests)
		(void)sip_stx_reply(tx, &(struct sip_reply){.status = 200});
	else
		ua->request = tx;
}

static void on_ended(void *arg, struct sip_call *call, const struct sip_call_end *end)
{
	static const char *const by[] = {"local", "remote", "timeout", "transport"};
	struct simua *ua = arg;

	buf_addf(&ua->log, "ended:%s:%u ", by[end->by], end->status);
	drop_call(ua, call);
}

static const struct sip_call_handlers call_handlers = {
	.on_progress = on_progress,
	.on_established = on_established,
	.on_media = on_media,
	.on_early_media = on_early_media,
	.on_reinvite_failed = on_reinvite_failed,
	.on_request = on_dialog_request,
	.on_ended = on_ended,
};

static void on_invite(void *arg, struct sip_call *call, const struct sip_msg *request)
{
	struct simua *ua = arg;

	(void)request;
	if (!keep_call(ua, call)) {
		(void)sip_call_reject(call, &(struct sip_reply){.status = 486});
		return;
	}
	buf_adds(&ua->log, "invite ");
	sip_call_bind(call, &call_handlers, ua);
	(void)sip_call_set_local(call, &ua->local);
	switch (ua->mode) {
	case SIMUA_WAIT:
		break;
	case SIMUA_RING:
		(void)sip_call_progress(call, &(struct sip_reply){.status = 180});
		break;
	case SIMUA_EARLY:
		(void)sip_call_progress_media(call, &(struct sip_reply){.status = 183});
		break;
	case SIMUA_ACCEPT:
		if (sip_call_accept(call, NULL))
			(void)sip_call_reject(call, &(struct sip_reply){.status = 488});
		break;
	case SIMUA_REJECT:
		(void)sip_call_reject(call, &(struct sip_reply){.status = 486});
		break;
	}
}

static void on_request(void *arg, struct sip_stx *tx, const struct sip_msg *request)
{
	struct simua *ua = arg;

	if (ua->on_request && ua->on_request(ua, NULL, tx, request))
		return;
	buf_addf(&ua->log, "request:" SLICE_FMT " ", SLICE_ARG(request->method_text));
	if (ua->answers_requests)
		(void)sip_stx_reply(tx, &(struct sip_reply){.status = 200});
	else
		ua->request = tx;
}

/* User agents: life
 * ------------------------------------------------------------------------------------------------
 */

struct offer_local simua_offer(const struct addr *addr, enum sdp_direction direction)
{
	struct offer_local local = {
		.rtp = *addr,
		.codecs =
			{{.id = 1, .name = "PCMU", .clock_hz = 8000, .channels = 1, .static_pt = 0},
			 {.id = 2,
			  .name = "PCMA",
			  .clock_hz = 8000,
			  .channels = 1,
			  .static_pt = 8}},
		.codec_count = 2,
		.ptime_ms = 20,
		.direction = direction,
	};

	addr_set_port(&local.rtp, MEDIA_PORT);
	return local;
}

void simua_init(struct simua *ua, struct simworld *world, const struct simua_params *params)
{
	*ua = (struct simua){.world = world, .mode = SIMUA_ACCEPT, .answers_requests = true};
	ua->node = simnode_new(world->net, params->address);
	ua->local = simua_offer(simnode_addr(ua->node), SDP_SENDRECV);
	random_init_seeded(&ua->random, random_u64(&world->random));
	if (sip_ua_new(
		    &(struct sip_ua_params){
			    .wheel = world->wheel,
			    .clock = clock_virtual(&world->time),
			    .has_overload_control = true,
			    .random = &ua->random,
			    .net = simnode_net(ua->node),
			    .resolver = params->resolver,
			    .handlers = {.on_invite = on_invite,
					 .on_request = on_request,
					 .arg = ua},
			    .allow = params->allow
					     ? params->allow
					     : "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, MESSAGE",
			    .supported = params->supported ? params->supported : "timer",
			    .product = "simua",
			    .calls_max = params->calls_max,
			    .transactions_max = params->transactions_max,
			    .rel = params->rel,
			    .session_expires_s = params->session_expires_s,
			    .min_se_s = params->min_se_s,
		    },
		    &ua->ua))
		abort();
}

void simua_done(struct simua *ua)
{
	ua->ua = sip_ua_free(ua->ua);
	buf_done(&ua->log);
}

const char *simua_log(struct simua *ua)
{
	slice_cstr(slice_trim(buf_slice(&ua->log)), ua->text, sizeof(ua->text));
	buf_clear(&ua->log);
	return ua->text;
}

int simua_call_with(struct simua *ua, struct sip_call_invite *invite)
{
	struct sip_call *call;
	int err;

	if (!slice_present(invite->from))
		invite->from = SLICE("\"Test\" <sip:test@example.org>");
	if (!invite->handlers) {
		invite->handlers = &call_handlers;
		invite->arg = ua;
	}
	err = sip_call_new(ua->ua, invite, &call);
	if (err)
		return err;
	if (!keep_call(ua, call))
		abort();
	return 0;
}

int simua_call(struct simua *ua, const char *target)
{
	return simua_call_with(ua, &(struct sip_call_invite){.target = slice_of(target),
							     .contact_user = SLICE("test"),
							     .local = &ua->local});
}

uint32_t simua_leftover(const struct simua *ua)
{
	const struct sip_ua_stats *stats = sip_ua_stats(ua->ua);

	return stats->calls + stats->dialogs + stats->client_transactions +
	       stats->server_transactions + ua->live_calls;
}

/* Raw speakers
 * -------------------------------------------------------------------------------------------------------
 */

static void raw_on_message(void *arg, const struct sip_flow *flow, struct slice data)
{
	struct simraw *raw = arg;

	raw->flow = *flow;
	if (raw->count < SIMRAW_KEPT_MAX)
		buf_addslice(&raw->got[raw->count++], data);
}

void simraw_init(struct simraw *raw, struct simworld *world, const char *address)
{
	*raw = (struct simraw){.world = world, .node = simnode_new(world->net, address)};
	struct sip_net net = simnode_net(raw->node);

	net.ops->listen(net.ctx,
			&(struct sip_net_events){.on_message = raw_on_message, .arg = raw});
}

void simraw_done(struct simraw *raw)
{
	struct sip_net net = simnode_net(raw->node);

	net.ops->listen(net.ctx, NULL);
	for (uint32_t i = 0; i < raw->count; i++)
		buf_done(&raw->got[i]);
}

static bool replace(struct buf *out, const char **at, const char *mark, const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	if (!slice_starts(slice_of(*at), slice_of(mark)))
		return false;
	buf_adds(out, addr_text(addr, text));
	*at += strlen(mark) - 1;
	return true;
}

void simraw_send(struct simraw *raw, enum sip_proto proto, const struct addr *to, const char *text)
{
	struct buf out = BUF_INIT;

	for (const char *p = text; *p; p++) {
		if (*p == '\n')
			buf_adds(&out, "\r\n");
		else if (!replace(&out, &p, "@SELF@", simnode_addr(raw->node)) &&
			 !replace(&out, &p, "@PEER@", to))
			buf_addc(&out, *p);
	}
	simnode_send(raw->node, proto, to, buf_slice(&out));
	buf_done(&out);
}

bool simraw_next(struct simraw *raw, struct sip_msg *ret_msg)
{
	struct buf *next;

	if (raw->read == raw->count)
		return false;
	next = &raw->got[raw->read++];
	return sip_msg_parse(next->p, next->len, ret_msg) == 0;
}

bool simraw_find(struct simraw *raw, enum sip_method method, uint16_t status,
		 struct sip_msg *ret_msg)
{
	while (simraw_next(raw, ret_msg)) {
		if (ret_msg->method == method && ret_msg->is_request == (status == 0) &&
		    ret_msg->status == status)
			return true;
	}
	return false;
}

void simraw_answer(struct simraw *raw, const struct sip_msg *request, uint16_t status,
		   const char *tag, const char *rest)
{
	struct buf text = BUF_INIT;

	buf_addf(&text, "SIP/2.0 %u x\n", status);
	buf_addf(&text, "Via: " SLICE_FMT "\nFrom: " SLICE_FMT "\n",
		 SLICE_ARG(sip_msg_value(request, SIP_H_VIA)),
		 SLICE_ARG(sip_msg_value(request, SIP_H_FROM)));
	buf_addf(&text, "To: " SLICE_FMT "%s%s\n", SLICE_ARG(sip_msg_value(request, SIP_H_TO)),
		 tag ? ";tag=" : "", tag ? tag : "");
	buf_addf(&text, "Call-ID: " SLICE_FMT "\nCSeq: " SLICE_FMT "\n%s",
		 SLICE_ARG(sip_msg_value(request, SIP_H_CALL_ID)),
		 SLICE_ARG(sip_msg_value(request, SIP_H_CSEQ)), rest);
	simraw_send(raw, raw->flow.proto, &raw->flow.remote, text.p);
	buf_done(&text);
}

void simraw_forget(struct simraw *raw)
{
	for (uint32_t i = 0; i < raw->count; i++)
		buf_done(&raw->got[i]);
	raw->count = raw->read = 0;
}
