/* sim_calls -- random calls between user agents on a bad network, from a seed.
 *
 *   sim_calls [--from SEED] [--seeds N]   runs N seeds (1000) and names the first that fails
 *   sim_calls --seed SEED [--trace]       replays one, with every message if asked
 *
 * A run has three parts: chaos (random calls and actions, loss, duplication, reordering, nodes that
 * fall silent), calm (the network is whole again, each side of a call asks once whether the other
 * is there) and the end (all hang up). Agents differ in what they know of PRACK (RFC 3262), UPDATE
 * (RFC 3311) and session timers (RFC 4028). What must hold: after calm   each call that one side
 * has, the other side has too, with directions, addresses and a session timer that fit together,
 * within AGREE_MS; at the end   every INVITE got one final answer; on_ended came once for each
 * call; no call, dialog, transaction, packet or timer is left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/hash.h"
#include "sip/ua.h"
#include "tests/support/sim_args.h"
#include "tests/support/simcheck.h"
#include "tests/support/simua.h"

enum {
	AGENTS_MAX = 5,
	CALLS_MAX = 96,
	CHAOS_MS = 60000,
	STEP_MS_MAX = 1500,
	SETTLE_MS = 70000,
	AGREE_MS = 10000, /* a glare of two and the waits behind it (RFC 3261 14.1) */
	CALM_MS = 120000,
	END_MS = 120000,
	DOWN_MS_MAX = 40000,
	BENIGN_LOSS_MAX = 10 /* percent: 11 copies of a 2xx with their ACKs are not all lost */
};

struct agent;

struct side {
	struct agent *agent;
	struct sip_call *call; /* NULL once ended */
	char id[64];
	struct offer_agreed agreed;
	bool is_caller, has_agreed;
	uint32_t ends, establishes, earlies, medias, medias_before;
};

struct agent {
	struct sim *sim;
	struct simnode *node;
	struct sip_ua *ua;
	struct random random;
	uint64_t up_at_ms; /* 0: it is up */
	bool has_timer;    /* knows RFC 4028 */
};

struct sim {
	struct simworld world;
	struct simcheck *check;
	struct agent agents[AGENTS_MAX];
	uint32_t agent_count;
	struct side sides[CALLS_MAX];
	uint32_t side_count;
	bool has_downs, is_benign;
	uint32_t agreed_ms; /* into the calm: all sides agreed from then on */
	const char *fault;  /* the first */
	char fault_text[512];
};

static uint32_t below(struct sim *sim, uint32_t bound)
{
	return random_below(&sim->world.random, bound);
}

static void fail(struct sim *sim, const char *what, const struct side *side)
{
	if (sim->fault)
		return;
	snprintf(sim->fault_text, sizeof(sim->fault_text), "%s%s%s", what, side ? " in call " : "",
		 side ? side->id : "");
	sim->fault = sim->fault_text;
}

/* What the agents do
 * ------------------------------------------------------------------------------------------------
 */

static void on_established(void *arg, struct sip_call *call, const struct sip_msg *message)
{
	struct side *side = arg;

	(void)call;
	(void)message;
	if (side->establishes++ > 0 || side->ends > 0)
		fail(side->agent->sim, "established twice, or after the end", side);
}

static void on_media(void *arg, struct sip_call *call, const struct offer_agreed *agreed)
{
	struct side *side = arg;

	(void)call;
	side->agreed = *agreed;
	side->has_agreed = true;
	side->medias++;
	if (side->ends > 0)
		fail(side->agent->sim, "media after the end", side);
}

static void on_early_media(void *arg, struct sip_call *call, const struct offer_agreed *agreed)
{
	struct side *side = arg;

	(void)call;
	(void)agreed;
	side->earlies++;
	if (side->ends > 0 || side->establishes > 0 || side->medias > 0)
		fail(side->agent->sim, "early media after the answer", side);
}

static void on_request(void *arg, struct sip_call *call, struct sip_stx *tx,
		       const struct sip_msg *request)
{
	(void)arg;
	(void)call;
	(void)request;
	(void)sip_stx_reply(tx, &(struct sip_reply){.status = 200});
}

static void on_ended(void *arg, struct sip_call *call, const struct sip_call_end *end)
{
	struct side *side = arg;

	if (side->agent->sim->is_benign && end->by == SIP_END_TIMEOUT && !side->is_caller)
		fail(side->agent->sim, end->text, side);
	if (side->ends++ > 0 || side->call != call)
		fail(side->agent->sim, "ended twice", side);
	side->call = NULL;
}

static const struct sip_call_handlers handlers = {
	.on_established = on_established,
	.on_media = on_media,
	.on_early_media = on_early_media,
	.on_request = on_request,
	.on_ended = on_ended,
};

static struct side *new_side(struct agent *agent, bool is_caller)
{
	struct sim *sim = agent->sim;
	struct side *side;

	if (sim->side_count == CALLS_MAX)
		return NULL;
	side = &sim->sides[sim->side_count++];
	*side = (struct side){.agent = agent, .is_caller = is_caller};
	return side;
}

static void set_call(struct side *side, struct sip_call *call)
{
	side->call = call;
	slice_cstr(sip_call_id(call), side->id, sizeof(side->id));
}

static struct offer_local random_offer(struct agent *agent)
{
	static const enum sdp_direction directions[] = {SDP_SENDRECV, SDP_SENDRECV, SDP_SENDRECV,
							SDP_SENDONLY, SDP_INACTIVE, SDP_RECVONLY};

	return simua_offer(simnode_addr(agent->node),
			   directions[below(agent->sim, ARRAY_LEN(directions))]);
}

static void answer_at_random(struct agent *agent, struct sip_call *call, bool may_wait)
{
	struct sim *sim = agent->sim;

	switch (below(sim, may_wait ? 8 : 3)) {
	case 0:
	case 1:
		(void)sip_call_accept(call, NULL);
		break;
	case 2:
		(void)sip_call_reject(
			call, &(struct sip_reply){.status = below(sim, 2) ? 486 : 302,
						  .headers = "Contact: <sip:x@10.0.0.99>\r\n"});
		break;
	case 3:
	case 4:
		(void)sip_call_progress(call, &(struct sip_reply){.status = 180});
		break;
	case 5:
	case 6:
		(void)sip_call_progress_media(call, &(struct sip_reply){.status = 183});
		if (below(sim, 3) == 0)
			(void)sip_call_accept(call, NULL);
		break;
	default:
		break; /* silence */
	}
}

static void on_invite(void *arg, struct sip_call *call, const struct sip_msg *request)
{
	struct agent *agent = arg;
	struct side *side = new_side(agent, false);
	struct offer_local local;

	(void)request;
	if (!side) {
		(void)sip_call_reject(call, &(struct sip_reply){.status = 486});
		return;
	}
	set_call(side, call);
	sip_call_bind(call, &handlers, side);
	local = random_offer(agent);
	(void)sip_call_set_local(call, &local);
	answer_at_random(agent, call, true);
}

static void call_somebody(struct sim *sim)
{
	struct agent *from = &sim->agents[below(sim, sim->agent_count)];
	struct agent *to = &sim->agents[below(sim, sim->agent_count)];
	struct side *side = new_side(from, true);
	struct offer_local local = random_offer(from);
	char target[128], text[ADDR_TEXT_MAX];
	struct sip_call *call;

	if (!side)
		return;
	snprintf(target, sizeof(target), "sip:x@%s%s",
		 below(sim, 20) ? addr_text(simnode_addr(to->node), text) : "10.0.0.99:5060",
		 below(sim, 4) ? "" : ";transport=tcp");
	if (sip_call_new(from->ua,
			 &(struct sip_call_invite){
				 .target = slice_of(target),
				 .from = SLICE("<sip:me@example.org>"),
				 .contact_user = SLICE("me"),
				 .local = below(sim, 6) ? &local : NULL,
				 .timeout_ms = 1000 + below(sim, 50000),
				 .handlers = &handlers,
				 .arg = side,
			 },
			 &call)) {
		fail(sim, "sip_call_new failed", NULL);
		return;
	}
	set_call(side, call);
	(void)sip_call_set_local(call, &local); /* of a late answer too */
}

static struct side *random_side(struct sim *sim)
{
	struct side *side = sim->side_count ? &sim->sides[below(sim, sim->side_count)] : NULL;

	return side && side->call ? side : NULL;
}

static void reinvite(struct sim *sim, struct side *side)
{
	struct offer_local local = random_offer(side->agent);

	(void)sim;
	(void)sip_call_set_local(side->call, &local);
	(void)sip_call_reinvite(side->call);
}

static void update(struct sim *sim, struct side *side)
{
	struct offer_local local = random_offer(side->agent);
	bool has_offer = below(sim, 3) > 0;

	if (has_offer)
		(void)sip_call_set_local(side->call, &local);
	(void)sip_call_update(side->call, &(struct sip_call_update){.has_offer = has_offer});
}

/* Both ends of one call at the same moment. */
static void hang_up_both(struct sim *sim, const struct side *side)
{
	char id[sizeof(side->id)];

	memcpy(id, side->id, sizeof(id));
	for (uint32_t i = 0; i < sim->side_count; i++) {
		if (sim->sides[i].call && strcmp(sim->sides[i].id, id) == 0)
			sip_call_hangup(sim->sides[i].call, NULL);
	}
}

static void act_on(struct sim *sim, struct side *side)
{
	switch (below(sim, 12)) {
	case 0:
		sip_call_hangup(side->call,
				below(sim, 2) ? NULL : &(struct sip_reply){.status = 603});
		break;
	case 1:
		hang_up_both(sim, side);
		break;
	case 2:
		(void)sip_call_request(side->call, &(struct sip_call_request){.method = "INFO"});
		break;
	case 3:
	case 4:
		reinvite(sim, side);
		break;
	case 5:
	case 6:
	case 7:
		update(sim, side);
		break;
	default:
		if (sip_call_state(side->call) == SIP_CALL_INCOMING)
			answer_at_random(side->agent, side->call, true);
		break;
	}
}

static void go_down(struct sim *sim)
{
	struct agent *agent = &sim->agents[below(sim, sim->agent_count)];

	if (agent->up_at_ms)
		return;
	agent->up_at_ms = wheel_now_ms(sim->world.wheel) + below(sim, DOWN_MS_MAX);
	simnode_set_down(agent->node, true);
}

static void come_up(struct sim *sim, bool all)
{
	for (uint32_t i = 0; i < sim->agent_count; i++) {
		struct agent *agent = &sim->agents[i];

		if (agent->up_at_ms && (all || agent->up_at_ms <= wheel_now_ms(sim->world.wheel))) {
			agent->up_at_ms = 0;
			simnode_set_down(agent->node, false);
		}
	}
}

/* The three parts
 * ------------------------------------------------------------------------------------------------------
 */

static void chaos(struct sim *sim)
{
	uint64_t end = wheel_now_ms(sim->world.wheel) + CHAOS_MS;

	while (!sim->fault && wheel_now_ms(sim->world.wheel) < end) {
		uint32_t dice = below(sim, 100);
		struct side *side = random_side(sim);

		if (dice < 25)
			call_somebody(sim);
		else if (dice < 27 && sim->has_downs)
			go_down(sim);
		else if (side)
			act_on(sim, side);
		come_up(sim, false);
		simworld_run(&sim->world, below(sim, 5) ? below(sim, STEP_MS_MAX) : 0);
	}
}

static const struct side *other_side(const struct sim *sim, const struct side *side)
{
	for (uint32_t i = 0; i < sim->side_count; i++) {
		const struct side *other = &sim->sides[i];

		if (other != side && other->call && strcmp(other->id, side->id) == 0 &&
		    other->is_caller != side->is_caller)
			return other;
	}
	return NULL;
}

/* Whoever refreshes, both count the same time; and one refreshes. */
static bool timers_fit(const struct side *a, const struct side *b)
{
	bool is_refresher_a = false, is_refresher_b = false;
	uint32_t expires_a = sip_call_session_expires_s(a->call, &is_refresher_a);
	uint32_t expires_b = sip_call_session_expires_s(b->call, &is_refresher_b);

	if (!a->agent->has_timer || !b->agent->has_timer)
		return true; /* who knows it may run one alone */
	return expires_a == expires_b && (expires_a == 0 || is_refresher_a != is_refresher_b);
}

/* NULL when this side and the other agree. */
static const char *disagreement(const struct sim *sim, const struct side *side)
{
	const struct side *other = other_side(sim, side);

	if (sip_call_state(side->call) != SIP_CALL_ESTABLISHED)
		return "neither established nor over";
	if (!other)
		return "the other side is gone";
	if (sip_call_state(other->call) != SIP_CALL_ESTABLISHED)
		return "the other side is not established";
	if (!side->has_agreed || !other->has_agreed)
		return "no agreement";
	if (side->agreed.is_sending != other->agreed.is_receiving ||
	    side->agreed.is_receiving != other->agreed.is_sending)
		return "directions do not fit";
	if (!addr_eq_ip(&side->agreed.remote_rtp, simnode_addr(other->agent->node)))
		return "address of another";
	if (!timers_fit(side, other))
		return "session timers do not fit";
	return NULL;
}

/* The first who does not; `side` may be NULL. */
static const char *first_disagreement(const struct sim *sim, const struct side **ret_side)
{
	for (uint32_t i = 0; i < sim->side_count; i++) {
		const struct side *side = &sim->sides[i];
		const char *what = NULL;

		if (side->call && sip_call_state(side->call) != SIP_CALL_INCOMING)
			what = disagreement(sim, side); /* who never answers is hung up later */
		if (what) {
			*ret_side = side;
			return what;
		}
	}
	return NULL;
}

static void check_agreement(struct sim *sim)
{
	const struct side *side = NULL;
	const char *what = first_disagreement(sim, &side);

	if (what)
		fail(sim, what, side);
}

static void check_reinvites(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->side_count; i++) {
		const struct side *side = &sim->sides[i];

		if (side->call && sip_call_state(side->call) == SIP_CALL_ESTABLISHED &&
		    side->medias < side->medias_before + 2)
			fail(sim, "a re-INVITE never had its turn", side);
	}
}

/* Runs on, and notes since when all agree. */
static void watch_agreement(struct sim *sim)
{
	const struct side *side;
	bool was_agreed = false;

	for (uint32_t ms = 0; ms < CALM_MS; ms += 500) {
		bool is_agreed;

		simworld_run(&sim->world, 500);
		is_agreed = !first_disagreement(sim, &side);
		if (is_agreed && !was_agreed)
			sim->agreed_ms = ms + 500;
		was_agreed = is_agreed;
	}
	if (was_agreed && sim->agreed_ms > AGREE_MS)
		fail(sim, "both sides agreed too late", NULL);
}

static void calm(struct sim *sim)
{
	simnet_set_loss(sim->world.net, 0, 0);
	come_up(sim, true);
	simworld_run(&sim->world, SETTLE_MS); /* what was under way ends, one way or the other */
	if (sim->is_benign)
		check_agreement(sim);
	for (uint32_t i = 0; i < sim->side_count; i++) {
		struct side *side = &sim->sides[i];

		side->medias_before = side->medias;
		if (side->call)
			(void)sip_call_reinvite(side->call);
	}
	watch_agreement(sim);
	check_agreement(sim);
	check_reinvites(sim);
}

static uint32_t leftover(const struct sip_ua_stats *stats)
{
	return stats->calls + stats->dialogs + stats->client_transactions +
	       stats->server_transactions;
}

static void check_end(struct sim *sim)
{
	const char *faults = simcheck_faults(sim->check);

	if (*faults)
		fail(sim, faults, NULL);
	for (uint32_t i = 0; i < sim->side_count; i++) {
		if (sim->sides[i].ends != 1)
			fail(sim, "not ended", &sim->sides[i]);
	}
	for (uint32_t i = 0; i < sim->agent_count; i++) {
		if (leftover(sip_ua_stats(sim->agents[i].ua)))
			fail(sim, "a call, dialog or transaction is left", NULL);
	}
	if (wheel_count(sim->world.wheel) || simnet_stats(sim->world.net)->in_flight)
		fail(sim, "a timer or packet is left", NULL);
}

static void end(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->side_count; i++) {
		if (sim->sides[i].call)
			sip_call_hangup(sim->sides[i].call, NULL);
	}
	simworld_run(&sim->world, END_MS);
	if (!sim->fault)
		check_end(sim);
}

/* One seed
 * ------------------------------------------------------------------------------------------------------------------
 */

static void add_agent(struct sim *sim)
{
	static const enum sip_100rel rels[] = {SIP_100REL_OFF, SIP_100REL_SUPPORTED,
					       SIP_100REL_SUPPORTED, SIP_100REL_SUPPORTED,
					       SIP_100REL_REQUIRED};
	struct agent *agent = &sim->agents[sim->agent_count];
	char address[64];

	snprintf(address, sizeof(address), "10.0.0.%u:5060", ++sim->agent_count);
	agent->sim = sim;
	agent->has_timer = below(sim, 4);
	agent->node = simnode_new(sim->world.net, address);
	random_init_seeded(&agent->random, random_u64(&sim->world.random));
	if (sip_ua_new(
		    &(struct sip_ua_params){
			    .wheel = sim->world.wheel,
			    .clock = clock_virtual(&sim->world.time),
			    .random = &agent->random,
			    .net = simnode_net(agent->node),
			    .handlers = {.on_invite = on_invite, .arg = agent},
			    .allow = below(sim, 4) ? "INVITE, ACK, BYE, CANCEL, INFO, PRACK, UPDATE"
						   : "INVITE, ACK, BYE, CANCEL, INFO, PRACK",
			    .supported = agent->has_timer ? "timer" : "",
			    .rel = rels[below(sim, ARRAY_LEN(rels))],
			    .session_expires_s = below(sim, 2) ? 90 + below(sim, 100) : 0,
			    .min_se_s = below(sim, 4) ? 0 : 90 + below(sim, 60),
			    .product = "sim",
		    },
		    &agent->ua))
		abort();
}

static void setup(struct sim *sim, uint64_t seed, FILE *trace)
{
	uint32_t agents, loss, duplicates;

	memset(sim, 0, sizeof(*sim));
	random_init_seeded(&sim->world.random, seed);
	if (wheel_new(0, &sim->world.wheel))
		abort();
	loss = below(sim, 3) ? below(sim, 31) : 0;
	duplicates = below(sim, 3) ? below(sim, 31) : 0;
	sim->has_downs = below(sim, 2);
	sim->is_benign = !sim->has_downs && loss <= BENIGN_LOSS_MAX;
	agents = 2 + below(sim, AGENTS_MAX - 1);
	sim->world.net = simnet_new(&(struct simnet_params){
		.wheel = sim->world.wheel,
		.random = &sim->world.random,
		.loss_percent = loss,
		.duplicate_percent = duplicates,
		.delay_min_ms = 1,
		.delay_max_ms = 1 + below(sim, 300),
	});
	sim->check = simcheck_new(sim->world.net, sim->world.wheel, trace);
	while (sim->agent_count < agents)
		add_agent(sim);
}

static void teardown(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->agent_count; i++)
		sip_ua_free(sim->agents[i].ua);
	simcheck_free(sim->check);
	simworld_done(&sim->world);
}

struct totals {
	uint64_t calls, invites, messages, lost, pracks, updates, earlies;
	uint32_t agreed_ms; /* the longest */
};

static void add_up(const struct sim *sim, struct totals *totals)
{
	totals->calls += sim->side_count;
	totals->invites += simcheck_invites(sim->check);
	totals->messages += simnet_stats(sim->world.net)->sent;
	totals->lost += simnet_stats(sim->world.net)->lost;
	for (uint32_t i = 0; i < sim->agent_count; i++) {
		const struct sip_ua_stats *stats = sip_ua_stats(sim->agents[i].ua);

		totals->pracks += stats->requests_out[SIP_METHOD_PRACK];
		totals->updates += stats->requests_out[SIP_METHOD_UPDATE];
	}
	for (uint32_t i = 0; i < sim->side_count; i++)
		totals->earlies += sim->sides[i].earlies;
	if (totals->agreed_ms < sim->agreed_ms)
		totals->agreed_ms = sim->agreed_ms;
}

static bool run_seed(uint64_t seed, FILE *trace, struct totals *totals)
{
	static struct sim sim;
	bool is_good;

	setup(&sim, seed, trace);
	chaos(&sim);
	if (!sim.fault)
		calm(&sim);
	if (!sim.fault)
		end(&sim);
	is_good = !sim.fault;
	if (!is_good)
		printf("sim_calls: seed %llu failed: %s\n  replay: sim_calls --seed %llu --trace\n",
		       (unsigned long long)seed, sim.fault, (unsigned long long)seed);
	add_up(&sim, totals);
	teardown(&sim);
	return is_good;
}

int main(int argc, char **argv)
{
	struct sim_args args = {.from = 1, .seeds = 1000};
	struct totals totals = {0};
	uint64_t failed = 0;

	if (!sim_args_parse(&args, argc, argv))
		return 2;
	hash_seed(1, 2);
	for (uint64_t seed = args.from; seed < args.from + args.seeds; seed++)
		failed += !run_seed(seed, args.has_trace ? stdout : NULL, &totals);
	printf("sim_calls: %llu seeds, %llu calls, %llu INVITE transactions, %llu messages, %llu "
	       "lost\n",
	       (unsigned long long)args.seeds, (unsigned long long)totals.calls,
	       (unsigned long long)totals.invites, (unsigned long long)totals.messages,
	       (unsigned long long)totals.lost);
	printf("sim_calls: %llu PRACK, %llu UPDATE, %llu times early media; both sides agree "
	       "within %u ms\n",
	       (unsigned long long)totals.pracks, (unsigned long long)totals.updates,
	       (unsigned long long)totals.earlies, (unsigned)totals.agreed_ms);
	printf("sim_calls: %llu passed, %llu failed\n", (unsigned long long)(args.seeds - failed),
	       (unsigned long long)failed);
	return failed ? 1 : 0;
}
