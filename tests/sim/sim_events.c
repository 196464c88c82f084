/* sim_events -- random subscriptions and transfers between user agents on a bad network, from a
 * seed.
 *
 *   sim_events [--from SEED] [--seeds N]   runs N seeds (1000) and names the first that fails
 *   sim_events --seed SEED [--trace]       replays one, with every message if asked
 *
 * Some subscriptions and REFERs are in dialogs of their own, some share that of a call, which may
 * end first. A run has three parts: chaos (loss, duplication, reordering, nodes that fall silent),
 * calm (the network is whole; both sides of every subscription ask once whether the other is there)
 * and the end (all unsubscribe and hang up). What must hold: the news that a subscriber sees never
 * go back; after calm   each subscription has both its ends and its subscriber knows the newest
 * state; at the end   each handler for the end came once, and no subscription, transfer, dialog,
 * transaction, packet or timer is left; who referred on a good network knows how it went.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/hash.h"
#include "sip/refer.h"
#include "sip/subscription.h"
#include "tests/support/sim_args.h"
#include "tests/support/simcheck.h"
#include "tests/support/simua.h"

enum {
	AGENTS_MAX = 4,
	CALLS_MAX = 32,
	PAIRS_MAX = 96,
	CHAOS_MS = 120000,
	STEP_MS_MAX = 2000,
	CALM_MS = 250000, /* the bound: a NOTIFY or SUBSCRIBE under way, one more, and their answers
			   */
	END_MS = 500000,
	DOWN_MS_MAX = 60000,
	BENIGN_LOSS_MAX = 10
};

struct agent {
	struct sim *sim;
	struct simnode *node;
	struct sip_ua *ua;
	struct random random;
	uint64_t up_at_ms; /* 0: it is up */
};

/* Both ends of a subscription. */
struct pair {
	struct sim *sim;
	struct sip_watch *watch;
	struct sip_sub *sub;
	uint32_t watch_ends, subs, sub_ends;
	uint32_t version, told, heard; /* of the notifier; in its last NOTIFY; by the subscriber */
	bool is_dropped;
};

/* Both ends of a transfer. */
struct transfer {
	struct sim *sim;
	struct sip_referring *referring;
	struct sip_referral *referral;
	uint32_t dones, accepts, ends;
	uint16_t status, heard; /* final */
	bool no_sub;
	bool is_late; /* the final status came when the subscription was over */
};

struct call {
	struct sip_call *call;
	struct agent *agent;
};

struct sim {
	struct simworld world;
	struct simcheck *check;
	struct agent agents[AGENTS_MAX];
	uint32_t agent_count;
	struct call calls[CALLS_MAX * 2];
	uint32_t call_count;
	struct pair pairs[PAIRS_MAX];
	uint32_t pair_count;
	struct transfer transfers[PAIRS_MAX];
	uint32_t transfer_count;
	bool has_downs, is_benign;
	const char *fault; /* the first */
	char fault_text[256];
};

static uint32_t below(struct sim *sim, uint32_t bound)
{
	return random_below(&sim->world.random, bound);
}

static void fail(struct sim *sim, const char *what, uint32_t number)
{
	if (sim->fault)
		return;
	snprintf(sim->fault_text, sizeof(sim->fault_text), "%s (%u)", what, number);
	sim->fault = sim->fault_text;
}

static uint32_t number_of(const struct pair *pair)
{
	return (uint32_t)(pair - pair->sim->pairs);
}

/* The notifier
 * ------------------------------------------------------------------------------------------- */

static void say(struct pair *pair)
{
	char body[16];

	snprintf(body, sizeof(body), "%u", pair->version);
	pair->told = pair->version;
	(void)sip_sub_notify(pair->sub, SIP_SUB_ACTIVE, "text/plain", slice_of(body));
}

static void on_refresh(void *arg, struct sip_sub *sub)
{
	struct pair *pair = arg;

	if (pair->sub == sub)
		say(pair);
}

static void on_sub_ended(void *arg, struct sip_sub *sub, const char *reason)
{
	struct pair *pair = arg;

	(void)reason;
	if (pair->sub == sub)
		pair->sub = NULL;
	if (++pair->sub_ends > pair->subs)
		fail(pair->sim, "a subscription ended twice", number_of(pair));
}

static const struct sip_sub_handlers sub_handlers = {on_refresh, on_refresh, on_sub_ended};

static void take_subscribe(struct sim *sim, struct sip_stx *tx, const struct sip_msg *request)
{
	struct sip_event event;
	struct sip_sub *sub;
	struct pair *pair;
	unsigned long number;

	if (sip_event_parse(sip_msg_value(request, SIP_H_EVENT), &event))
		return;
	number = strtoul(event.id, NULL, 10);
	pair = &sim->pairs[number < PAIRS_MAX ? number : 0];
	if (sip_sub_accept(tx, request,
			   &(struct sip_sub_params){
				   .content_type = "text/plain",
				   .state = SIP_SUB_ACTIVE,
				   .interval_min_ms = number % 3 ? 0 : 1000,
				   .handlers = &sub_handlers,
				   .arg = pair,
			   },
			   &sub))
		return;
	pair->sub = sub;
	pair->subs++;
}

/* The subscriber
 * ----------------------------------------------------------------------------------------- */

static void on_notify(void *arg, struct sip_watch *watch, const struct sip_sub_status *status,
		      const struct sip_msg *notify)
{
	struct pair *pair = arg;
	uint32_t version;

	(void)watch;
	(void)status;
	if (slice_u32(notify->body, UINT32_MAX, &version))
		return;
	if (version < pair->heard)
		fail(pair->sim, "news went back", number_of(pair));
	pair->heard = version;
}

static void on_watch_ended(void *arg, struct sip_watch *watch, const struct sip_watch_end *end)
{
	struct pair *pair = arg;

	(void)end;
	if (pair->watch != watch || pair->watch_ends++ > 0)
		fail(pair->sim, "a watch ended twice", number_of(pair));
	pair->watch = NULL;
}

static const struct sip_watch_handlers watch_handlers = {.on_notify = on_notify,
							 .on_ended = on_watch_ended};

static struct agent *random_agent(struct sim *sim)
{
	return &sim->agents[below(sim, sim->agent_count)];
}

static const char *random_target(struct sim *sim, char out[128])
{
	char text[ADDR_TEXT_MAX];
	const struct agent *to = random_agent(sim);

	snprintf(out, 128, "sip:x@%s%s", addr_text(simnode_addr(to->node), text),
		 below(sim, 4) ? "" : ";transport=tcp");
	return out;
}

/* An established call to share a dialog with, or NULL. */
static struct call *random_call(struct sim *sim)
{
	struct call *call = sim->call_count ? &sim->calls[below(sim, sim->call_count)] : NULL;

	if (!call || !call->call || sip_call_state(call->call) != SIP_CALL_ESTABLISHED)
		return NULL;
	return call;
}

static void subscribe(struct sim *sim)
{
	struct call *call = below(sim, 3) ? NULL : random_call(sim);
	struct agent *agent = call ? call->agent : random_agent(sim);
	struct pair *pair = &sim->pairs[sim->pair_count];
	char event[64], target[128];
	int err;

	if (sim->pair_count == PAIRS_MAX)
		return;
	*pair = (struct pair){.sim = sim};
	snprintf(event, sizeof(event), "news;id=%u%s", sim->pair_count,
		 below(sim, 4) ? "" : ";max-rate=0.2");
	err = sip_watch_new(agent->ua,
			    &(struct sip_watch_params){
				    .event = event,
				    .target = slice_of(random_target(sim, target)),
				    .from = SLICE("<sip:me@example.org>"),
				    .contact_user = SLICE("me"),
				    .expires_s = 60 + below(sim, 200),
				    .is_fetch = below(sim, 8) == 0,
				    .call = call ? call->call : NULL,
				    .handlers = &watch_handlers,
				    .arg = pair,
			    },
			    &pair->watch);
	if (!err)
		sim->pair_count++;
	else if (!call)
		fail(sim, "sip_watch_new failed", sim->pair_count);
}

static void act_on_pair(struct sim *sim, struct pair *pair)
{
	switch (below(sim, 12)) {
	case 0:
		if (pair->watch)
			sip_watch_end(pair->watch);
		break;
	case 1:
		if (pair->watch)
			sip_watch_refresh(pair->watch);
		break;
	case 2:
		if (pair->sub && below(sim, 3) == 0)
			sip_sub_end(pair->sub, &(struct sip_sub_end){.reason = "noresource"});
		break;
	case 3:
		if (pair->watch && below(sim, 4) == 0) {
			pair->is_dropped = true;
			pair->watch = sip_watch_drop(pair->watch);
		}
		break;
	default:
		pair->version++;
		if (pair->sub && below(sim, 2))
			sip_sub_changed(pair->sub);
		else if (pair->sub)
			say(pair);
		break;
	}
}

/* Transfers
 * ---------------------------------------------------------------------------------------------- */

static void on_referral_ended(void *arg, struct sip_referral *referral)
{
	struct transfer *transfer = arg;

	if (transfer->referral != referral || transfer->ends++ > 0)
		fail(transfer->sim, "a referral ended twice", 0);
	transfer->referral = NULL;
}

static void take_refer(struct sim *sim, struct sip_stx *tx, const struct sip_msg *request)
{
	struct transfer *transfer;
	struct sip_refer refer;
	unsigned long number;
	int err = sip_refer_parse(request, &refer);

	if (err) {
		sip_refer_refuse(tx, err);
		return;
	}
	number = strtoul(refer.target + strlen("sip:"), NULL, 10);
	transfer = &sim->transfers[number < PAIRS_MAX ? number : 0];
	if (transfer->accepts > 0) { /* by a late copy: a transaction of its own long after */
		(void)sip_stx_reply(tx, &(struct sip_reply){.status = 486});
	} else if (sip_refer_accept(tx, request, &refer,
				    &(struct sip_referral_params){.on_ended = on_referral_ended,
								  .arg = transfer},
				    &transfer->referral) == 0) {
		transfer->accepts++;
	}
	sip_refer_done(&refer);
}

static void on_done(void *arg, struct sip_referring *referring,
		    const struct sip_refer_result *result)
{
	struct transfer *transfer = arg;

	if (transfer->referring != referring || transfer->dones++ > 0)
		fail(transfer->sim, "a transfer was done twice", 0);
	transfer->referring = NULL;
	transfer->heard = result->status;
	if (result->status && result->status != transfer->status)
		fail(transfer->sim, "a status that nobody told", result->status);
}

static void refer(struct sim *sim)
{
	struct call *call = below(sim, 2) ? NULL : random_call(sim);
	struct transfer *transfer = &sim->transfers[sim->transfer_count];
	char to[32], target[128];
	struct sip_refer_params params = {
		.from = SLICE("<sip:me@example.org>"),
		.contact_user = SLICE("me"),
		.no_sub = below(sim, 6) == 0,
		.on_done = on_done,
		.arg = transfer,
	};
	int err;

	if (sim->transfer_count == PAIRS_MAX)
		return;
	*transfer = (struct transfer){.sim = sim, .no_sub = params.no_sub};
	snprintf(to, sizeof(to), "sip:%u@example.org", sim->transfer_count);
	params.refer_to = slice_of(to);
	params.target = slice_of(random_target(sim, target));
	err = call ? sip_call_refer(call->call, &params, &transfer->referring)
		   : sip_ua_refer(random_agent(sim)->ua, &params, &transfer->referring);
	if (!err)
		sim->transfer_count++;
	else if (!call)
		fail(sim, "sip_ua_refer failed", 0);
}

static void set_final(struct transfer *transfer, uint16_t status)
{
	if (transfer->status)
		return;
	transfer->status = status;
	transfer->is_late = !sip_referral_is_watched(transfer->referral);
}

static void act_on_transfer(struct sim *sim, struct transfer *transfer)
{
	static const uint16_t statuses[] = {100, 180, 183, 180, 200, 404, 486, 603};
	uint16_t status = statuses[below(sim, ARRAY_LEN(statuses))];

	if (!transfer->referral)
		return;
	if (status >= 200)
		set_final(transfer, status);
	sip_refer_progress(transfer->referral, status, NULL);
}

/* Calls
 * --------------------------------------------------------------------------------------------------
 */

static struct call *find_call(struct sim *sim, const struct sip_call *call)
{
	for (uint32_t i = 0; i < sim->call_count; i++) {
		if (sim->calls[i].call == call)
			return &sim->calls[i];
	}
	return NULL;
}

static void take_request(struct sim *sim, struct sip_stx *tx, const struct sip_msg *request)
{
	if (request->method == SIP_METHOD_SUBSCRIBE)
		take_subscribe(sim, tx, request);
	else if (request->method == SIP_METHOD_REFER)
		take_refer(sim, tx, request);
	else
		(void)sip_stx_reply(tx, &(struct sip_reply){.status = 200});
}

static void on_call_request(void *arg, struct sip_call *call, struct sip_stx *tx,
			    const struct sip_msg *request)
{
	(void)call;
	take_request(((struct agent *)arg)->sim, tx, request);
}

static void on_call_ended(void *arg, struct sip_call *call, const struct sip_call_end *end)
{
	struct call *slot = find_call(((struct agent *)arg)->sim, call);

	(void)end;
	if (slot)
		slot->call = NULL;
}

static const struct sip_call_handlers call_handlers = {.on_request = on_call_request,
						       .on_ended = on_call_ended};

static bool keep_call(struct agent *agent, struct sip_call *call)
{
	struct sim *sim = agent->sim;

	if (sim->call_count == ARRAY_LEN(sim->calls))
		return false;
	sim->calls[sim->call_count++] = (struct call){.call = call, .agent = agent};
	return true;
}

static void on_invite(void *arg, struct sip_call *call, const struct sip_msg *request)
{
	struct agent *agent = arg;
	struct offer_local local = simua_offer(simnode_addr(agent->node), SDP_SENDRECV);

	(void)request;
	if (!keep_call(agent, call)) {
		(void)sip_call_reject(call, &(struct sip_reply){.status = 486});
		return;
	}
	sip_call_bind(call, &call_handlers, agent);
	(void)sip_call_set_local(call, &local);
	(void)sip_call_accept(call, NULL);
}

static void on_request(void *arg, struct sip_stx *tx, const struct sip_msg *request)
{
	take_request(((struct agent *)arg)->sim, tx, request);
}

static void call_somebody(struct sim *sim)
{
	struct agent *agent = random_agent(sim);
	struct offer_local local = simua_offer(simnode_addr(agent->node), SDP_SENDRECV);
	struct sip_call *call;
	char target[128];

	if (sim->call_count >= CALLS_MAX ||
	    sip_call_new(agent->ua,
			 &(struct sip_call_invite){
				 .target = slice_of(random_target(sim, target)),
				 .from = SLICE("<sip:me@example.org>"),
				 .contact_user = SLICE("me"),
				 .local = &local,
				 .handlers = &call_handlers,
				 .arg = agent,
			 },
			 &call))
		return;
	if (!keep_call(agent, call))
		sip_call_hangup(call, NULL);
}

/* The three parts
 * ------------------------------------------------------------------------------------------------
 */

static void go_down(struct sim *sim)
{
	struct agent *agent = random_agent(sim);

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

static void act(struct sim *sim)
{
	uint32_t dice = below(sim, 100);
	struct call *call = random_call(sim);

	if (dice < 8)
		call_somebody(sim);
	else if (dice < 28)
		subscribe(sim);
	else if (dice < 38)
		refer(sim);
	else if (dice < 40 && sim->has_downs)
		go_down(sim);
	else if (dice < 44 && call)
		sip_call_hangup(call->call, NULL);
	else if (dice < 75 && sim->pair_count)
		act_on_pair(sim, &sim->pairs[below(sim, sim->pair_count)]);
	else if (sim->transfer_count)
		act_on_transfer(sim, &sim->transfers[below(sim, sim->transfer_count)]);
}

static void chaos(struct sim *sim)
{
	uint64_t end = wheel_now_ms(sim->world.wheel) + CHAOS_MS;

	while (!sim->fault && wheel_now_ms(sim->world.wheel) < end) {
		act(sim);
		come_up(sim, false);
		simworld_run(&sim->world, below(sim, 4) ? below(sim, STEP_MS_MAX) : 0);
	}
}

static void check_agreement(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->pair_count; i++) {
		const struct pair *pair = &sim->pairs[i];

		if (!pair->watch != !pair->sub)
			fail(sim, pair->watch ? "the notifier is gone" : "the subscriber is gone",
			     i);
		else if (pair->sub && pair->heard != pair->version)
			fail(sim, "the subscriber does not know the newest state", i);
	}
}

static void calm(struct sim *sim)
{
	simnet_set_loss(sim->world.net, 0, 0);
	come_up(sim, true);
	simworld_run(&sim->world, 70000); /* what was under way ends, one way or the other */
	for (uint32_t i = 0; i < sim->pair_count; i++) {
		struct pair *pair = &sim->pairs[i];

		if (pair->watch)
			sip_watch_refresh(pair->watch);
		pair->version++;
		if (pair->sub)
			sip_sub_changed(pair->sub);
	}
	simworld_run(&sim->world, CALM_MS);
	check_agreement(sim);
}

static uint32_t leftover(const struct sip_ua_stats *stats)
{
	return stats->calls + stats->dialogs + stats->client_transactions +
	       stats->server_transactions;
}

static void check_transfers(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->transfer_count; i++) {
		const struct transfer *transfer = &sim->transfers[i];

		if (transfer->dones != 1 || transfer->referring)
			fail(sim, "a transfer is not done", i);
		if (transfer->ends != transfer->accepts || transfer->referral)
			fail(sim, "a referral is not over", i);
		if (sim->is_benign && transfer->heard != transfer->status && !transfer->no_sub &&
		    !transfer->is_late)
			fail(sim, "who referred does not know how it went", i);
	}
}

static void check_end(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->pair_count; i++) {
		const struct pair *pair = &sim->pairs[i];

		if (pair->watch_ends + pair->is_dropped != 1 || pair->sub_ends != pair->subs)
			fail(sim, "a subscription is not over", i);
	}
	check_transfers(sim);
	for (uint32_t i = 0; i < sim->agent_count; i++) {
		if (leftover(sip_ua_stats(sim->agents[i].ua)))
			fail(sim, "a call, dialog or transaction is left", i);
	}
	if (wheel_count(sim->world.wheel) || simnet_stats(sim->world.net)->in_flight)
		fail(sim, "a timer or packet is left", wheel_count(sim->world.wheel));
}

static void end(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->transfer_count; i++) {
		struct transfer *transfer = &sim->transfers[i];

		if (!transfer->referral)
			continue;
		set_final(transfer, 200);
		sip_refer_progress(transfer->referral, 200, NULL);
	}
	for (uint32_t i = 0; i < sim->pair_count; i++) {
		if (sim->pairs[i].watch)
			sip_watch_end(sim->pairs[i].watch);
	}
	simworld_run(&sim->world, 1000);
	for (uint32_t i = 0; i < sim->call_count; i++) {
		if (sim->calls[i].call)
			sip_call_hangup(sim->calls[i].call, NULL);
	}
	simworld_run(&sim->world, END_MS);
	if (!sim->fault)
		check_end(sim);
}

/* One seed
 * ------------------------------------------------------------------------------------------------
 */

static void add_agent(struct sim *sim)
{
	struct agent *agent = &sim->agents[sim->agent_count];
	char address[64];

	snprintf(address, sizeof(address), "10.0.0.%u:5060", ++sim->agent_count);
	agent->sim = sim;
	agent->node = simnode_new(sim->world.net, address);
	random_init_seeded(&agent->random, random_u64(&sim->world.random));
	if (sip_ua_new(
		    &(struct sip_ua_params){
			    .wheel = sim->world.wheel,
			    .clock = clock_virtual(&sim->world.time),
			    .random = &agent->random,
			    .net = simnode_net(agent->node),
			    .handlers = {.on_invite = on_invite,
					 .on_request = on_request,
					 .arg = agent},
			    .allow = "INVITE, ACK, BYE, CANCEL, OPTIONS, SUBSCRIBE, NOTIFY, REFER",
			    .supported = "norefersub",
			    .product = "sim",
		    },
		    &agent->ua) ||
	    sip_ua_set_packages(agent->ua, "news, refer"))
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
	uint64_t pairs, transfers, messages, lost;
};

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
		printf("sim_events: seed %llu failed: %s\n  replay: sim_events --seed %llu "
		       "--trace\n",
		       (unsigned long long)seed, sim.fault, (unsigned long long)seed);
	totals->pairs += sim.pair_count;
	totals->transfers += sim.transfer_count;
	totals->messages += simnet_stats(sim.world.net)->sent;
	totals->lost += simnet_stats(sim.world.net)->lost;
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
	printf("sim_events: %llu seeds, %llu subscriptions, %llu transfers, %llu messages, %llu "
	       "lost\n",
	       (unsigned long long)args.seeds, (unsigned long long)totals.pairs,
	       (unsigned long long)totals.transfers, (unsigned long long)totals.messages,
	       (unsigned long long)totals.lost);
	printf("sim_events: %llu passed, %llu failed\n", (unsigned long long)(args.seeds - failed),
	       (unsigned long long)failed);
	return failed ? 1 : 0;
}
