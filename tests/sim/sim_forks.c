/* sim_forks -- INVITEs that several callees answer, on a bad network, from a seed.
 *
 *   sim_forks [--from SEED] [--seeds N]   runs N seeds (500) and names those that fail
 *
 * One user agent calls one address. Behind it is a crowd written by hand: up to three callees that
 * share the transaction, as behind a forking proxy (RFC 3261 13.2.2.4, 16.7). Each rings, reliably
 * (RFC 3262) or not, with early media or without, and answers 200 or never; the caller sends UPDATE
 * now and then, and hangs up at some time. What must hold: on_ended comes once; who answered 200
 * gets ACK and BYE in the end; who rang reliably gets PRACK; nothing is left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/hash.h"
#include "tests/support/sim_args.h"
#include "tests/support/simua.h"

enum { CALLEES_MAX = 3, STEP_MS = 250, TALK_MS = 40000, OVER_MS = 200000, INVITE_MAX = 4096 };

#define SDP                                                                                        \
	"Content-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\n"           \
	"c=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n"

struct callee {
	char tag[8];
	uint64_t rings_at, answers_at; /* UINT64_MAX: never */
	bool is_reliable, has_media;
	bool is_pracked, is_answered, is_acked, is_byed;
};

struct crowd {
	struct simworld world;
	struct simnode *node;
	struct simua ua;
	struct callee callees[CALLEES_MAX];
	uint32_t count;
	char invite[INVITE_MAX]; /* the text of it; empty before it came */
	size_t invite_len;
	struct sip_flow flow;
	bool is_refused, refusal_is_acked; /* nobody will answer: one final answer for all */
	const char *fault;
};

static uint32_t below(struct crowd *crowd, uint32_t bound)
{
	return random_below(&crowd->world.random, bound);
}

/* What the crowd says
 * ---------------------------------------------------------------------------------------- */

static void answer(struct crowd *crowd, const struct sip_msg *request, const char *status,
		   const char *tag, const char *rest)
{
	struct buf text = BUF_INIT;

	buf_addf(&text, "SIP/2.0 %s\r\nVia: " SLICE_FMT "\r\nFrom: " SLICE_FMT "\r\n", status,
		 SLICE_ARG(sip_msg_value(request, SIP_H_VIA)),
		 SLICE_ARG(sip_msg_value(request, SIP_H_FROM)));
	buf_addf(&text,
		 "To: " SLICE_FMT "%s%s\r\nCall-ID: " SLICE_FMT "\r\nCSeq: " SLICE_FMT "\r\n",
		 SLICE_ARG(sip_msg_value(request, SIP_H_TO)), tag ? ";tag=" : "", tag ? tag : "",
		 SLICE_ARG(sip_msg_value(request, SIP_H_CALL_ID)),
		 SLICE_ARG(sip_msg_value(request, SIP_H_CSEQ)));
	buf_addf(&text, "Contact: <sip:c@10.0.0.9:5060>\r\nAllow: INVITE, UPDATE, PRACK\r\n%s",
		 rest);
	simnode_send(crowd->node, SIP_UDP, &crowd->flow.remote, buf_slice(&text));
	buf_done(&text);
}

static void answer_invite(struct crowd *crowd, const char *status, const char *tag,
			  const char *rest)
{
	struct sip_msg invite;

	if (sip_msg_parse(crowd->invite, crowd->invite_len, &invite) == 0)
		answer(crowd, &invite, status, tag, rest);
}

static void ring(struct crowd *crowd, const struct callee *callee)
{
	answer_invite(crowd, callee->has_media ? "183 Progress" : "180 Ringing", callee->tag,
		      callee->is_reliable ? callee->has_media ? "Require: 100rel\r\nRSeq: 7\r\n" SDP
							      : "Require: 100rel\r\nRSeq: 7\r\n\r\n"
		      : callee->has_media ? SDP
					  : "\r\n");
}

static bool is_answered_by_anybody(const struct crowd *crowd)
{
	for (uint32_t i = 0; i < crowd->count; i++) {
		if (crowd->callees[i].is_answered)
			return true;
	}
	return false;
}

/* Once in each step, so that what is lost comes again. */
static void speak(struct crowd *crowd)
{
	uint64_t now = wheel_now_ms(crowd->world.wheel);

	for (uint32_t i = 0; i < crowd->count && crowd->invite_len > 0; i++) {
		struct callee *callee = &crowd->callees[i];
		bool must_wait = callee->is_reliable && !callee->is_pracked;

		if (callee->rings_at <= now && !callee->is_answered && !crowd->is_refused &&
		    must_wait)
			ring(crowd, callee);
		if (callee->answers_at <= now && !must_wait && !crowd->is_refused)
			callee->is_answered = true;
		if (callee->is_answered && !callee->is_acked)
			answer_invite(crowd, "200 OK", callee->tag,
				      callee->is_reliable && callee->has_media ? "\r\n" : SDP);
	}
	if (crowd->is_refused && !crowd->refusal_is_acked)
		answer_invite(crowd, "487 Request Terminated", "none", "\r\n");
}

/* What the crowd hears
 * ---------------------------------------------------------------------------------------- */

static void take_invite(struct crowd *crowd, const struct sip_flow *flow, struct slice text)
{
	if (crowd->invite_len > 0 || text.len > INVITE_MAX)
		return;
	memcpy(crowd->invite, text.p, text.len);
	crowd->invite_len = text.len;
	crowd->flow = *flow;
	answer_invite(crowd, "100 Trying", NULL, "\r\n");
	for (uint32_t i = 0; i < crowd->count; i++) {
		if (!crowd->callees[i].is_reliable && below(crowd, 4))
			ring(crowd, &crowd->callees[i]);
	}
}

static struct callee *find(struct crowd *crowd, const struct sip_msg *msg)
{
	struct sip_addr to;

	if (sip_msg_addr(msg, SIP_H_TO, &to))
		return NULL;
	for (uint32_t i = 0; i < crowd->count; i++) {
		if (slice_is(sip_addr_tag(&to), crowd->callees[i].tag))
			return &crowd->callees[i];
	}
	return NULL;
}

static void take_request(struct crowd *crowd, struct callee *callee, const struct sip_msg *msg)
{
	switch (msg->method) {
	case SIP_METHOD_ACK:
		callee->is_acked = true;
		return;
	case SIP_METHOD_PRACK:
		callee->is_pracked = true;
		break;
	case SIP_METHOD_BYE:
		callee->is_byed = true;
		break;
	default:
		break;
	}
	answer(crowd, msg, "200 OK", NULL,
	       msg->body.len > 0 && msg->method == SIP_METHOD_UPDATE ? SDP : "\r\n");
}

static void on_message(void *arg, const struct sip_flow *flow, struct slice text)
{
	struct crowd *crowd = arg;
	struct callee *callee;
	struct sip_msg msg;

	if (sip_msg_parse(text.p, text.len, &msg) || !msg.is_request)
		return;
	callee = find(crowd, &msg);
	if (callee) {
		take_request(crowd, callee, &msg);
	} else if (msg.method == SIP_METHOD_INVITE) {
		take_invite(crowd, flow, text);
	} else if (msg.method == SIP_METHOD_CANCEL) {
		answer(crowd, &msg, "200 OK", "none", "\r\n");
		crowd->is_refused |= !is_answered_by_anybody(crowd);
	} else if (msg.method == SIP_METHOD_ACK) {
		crowd->refusal_is_acked = true;
	}
}

/* One seed
 * -------------------------------------------------------------------------------------------- */

static void add_callee(struct crowd *crowd)
{
	struct callee *callee = &crowd->callees[crowd->count];

	*callee = (struct callee){
		.rings_at = below(crowd, 5000),
		.answers_at = below(crowd, 3) ? 1000 + below(crowd, 15000) : UINT64_MAX,
		.is_reliable = below(crowd, 3),
		.has_media = below(crowd, 2),
	};
	snprintf(callee->tag, sizeof(callee->tag), "c%u", (unsigned)crowd->count++);
}

static void setup(struct crowd *crowd, uint64_t seed)
{
	uint32_t count;

	memset(crowd, 0, sizeof(*crowd));
	simworld_init(&crowd->world, seed);
	simnet_free(crowd->world.net);
	crowd->world.net = simnet_new(&(struct simnet_params){
		.wheel = crowd->world.wheel,
		.random = &crowd->world.random,
		.loss_percent = below(crowd, 31),
		.duplicate_percent = below(crowd, 31),
		.delay_min_ms = 1,
		.delay_max_ms = 1 + below(crowd, 200),
	});
	count = 1 + below(crowd, CALLEES_MAX);
	while (crowd->count < count)
		add_callee(crowd);
	crowd->node = simnode_new(crowd->world.net, "10.0.0.9:5060");
	struct sip_net net = simnode_net(crowd->node);

	net.ops->listen(net.ctx, &(struct sip_net_events){.on_message = on_message, .arg = crowd});
	simua_init(&crowd->ua, &crowd->world,
		   &(struct simua_params){.address = "10.0.0.1:5060",
					  .allow = "INVITE, ACK, BYE, CANCEL, PRACK, UPDATE",
					  .rel = SIP_100REL_SUPPORTED});
	if (simua_call(&crowd->ua, "sip:crowd@10.0.0.9"))
		abort();
}

static void talk(struct crowd *crowd)
{
	uint64_t hangs_up_at = below(crowd, 2) ? below(crowd, TALK_MS - 5000) : TALK_MS - 5000;

	for (uint64_t now = 0; now < TALK_MS; now += STEP_MS) {
		speak(crowd);
		if (now >= hangs_up_at)
			simua_hangup_all(&crowd->ua);
		else if (crowd->ua.call && below(crowd, 20) == 0)
			(void)sip_call_update(crowd->ua.call,
					      &(struct sip_call_update){.has_offer = true});
		simworld_run(&crowd->world, STEP_MS);
	}
}

/* When nobody answers and the caller hears so late that it hung up, there is still the refusal. */
static void settle(struct crowd *crowd)
{
	for (uint64_t now = 0; now < OVER_MS; now += STEP_MS) {
		if (now < 60000)
			speak(crowd);
		simworld_run(&crowd->world, STEP_MS);
	}
}

static void check(struct crowd *crowd)
{
	const char *log = simua_log(&crowd->ua), *ended = strstr(log, "ended:");

	if (!ended || strstr(ended + 1, "ended:"))
		crowd->fault = "ended never, or twice";
	if (simua_leftover(&crowd->ua))
		crowd->fault = "a call, dialog or transaction is left";
	if (wheel_count(crowd->world.wheel) || simnet_stats(crowd->world.net)->in_flight)
		crowd->fault = "a timer or packet is left";
	for (uint32_t i = 0; i < crowd->count; i++) {
		const struct callee *callee = &crowd->callees[i];

		if (callee->is_answered && !callee->is_acked)
			crowd->fault = "a 200 had no ACK";
		else if (callee->is_answered && !callee->is_byed)
			crowd->fault = "a 200 had no BYE";
		else if (callee->is_byed && !callee->is_answered)
			crowd->fault = "a BYE before the 200";
	}
}

struct totals {
	uint64_t answered, pracked, surplus;
};

static bool run_seed(uint64_t seed, struct totals *totals)
{
	static struct crowd crowd;
	uint32_t answered = 0;

	setup(&crowd, seed);
	talk(&crowd);
	settle(&crowd);
	check(&crowd);
	for (uint32_t i = 0; i < crowd.count; i++) {
		answered += crowd.callees[i].is_answered;
		totals->pracked += crowd.callees[i].is_pracked;
	}
	totals->answered += answered;
	totals->surplus += answered > 1 ? answered - 1 : 0;
	if (crowd.fault)
		printf("sim_forks: seed %llu failed: %s\n", (unsigned long long)seed, crowd.fault);
	simua_done(&crowd.ua);
	simworld_done(&crowd.world);
	return !crowd.fault;
}

int main(int argc, char **argv)
{
	struct sim_args args = {.from = 1, .seeds = 500};
	struct totals totals = {0};
	uint64_t failed = 0;

	if (!sim_args_parse(&args, argc, argv))
		return 2;
	hash_seed(1, 2);
	for (uint64_t seed = args.from; seed < args.from + args.seeds; seed++)
		failed += !run_seed(seed, &totals);
	printf("sim_forks: %llu seeds, %llu answers, %llu of them surplus, %llu PRACKs\n",
	       (unsigned long long)args.seeds, (unsigned long long)totals.answered,
	       (unsigned long long)totals.surplus, (unsigned long long)totals.pracked);
	printf("sim_forks: %llu passed, %llu failed\n", (unsigned long long)(args.seeds - failed),
	       (unsigned long long)failed);
	return failed ? 1 : 0;
}
