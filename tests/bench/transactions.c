/* What a server transaction costs when few and when many are alive: made and answered, found again
 * by a retransmission, expired by timer J, and the memory that it holds. Targets
 * (docs/performance.md): each at most twice the cost at 1,000, under 2 KB besides the message.
 *
 *   build/release/tests/bench/bench_transactions
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/random.h"
#include "base/wheel.h"
#include "sip/tx.h"

enum { FEW = 1000, MANY = 100000, GAP_MS = 40 * 1000, REQUEST_MAX = 512 };

struct net {
	struct sip_net_events events;
	uint64_t sent;
};

static void net_listen(void *ctx, const struct sip_net_events *events)
{
	struct net *net = ctx;

	net->events = events ? *events : (struct sip_net_events){0};
}

static int net_send(void *ctx, const struct sip_flow *flow, struct slice data,
		    struct sip_flow *ret_flow)
{
	(void)data;
	((struct net *)ctx)->sent++;
	if (ret_flow)
		*ret_flow = *flow;
	return 0;
}

static int net_local_for(void *ctx, enum sip_proto proto, const struct addr *remote,
			 struct addr *ret_local)
{
	(void)ctx;
	(void)proto;
	*ret_local = *remote;
	return 0;
}

struct bench {
	struct net net;
	struct wheel *wheel;
	struct random random;
	struct sip_ua_stats stats;
	struct sip_tx_layer *layer;
	struct sip_flow flow;
	uint32_t next; /* number of the next request */
	uint64_t now_ms;
};

static void on_request(void *arg, struct sip_stx *tx, const struct sip_msg *request)
{
	(void)arg;
	(void)request;
	if (sip_stx_respond(tx, &(struct sip_stx_response){
					.reply = &(struct sip_reply){.status = 200}}) != 0)
		abort();
}

static void on_ack(void *arg, const struct sip_flow *flow, const struct sip_msg *ack)
{
	(void)arg;
	(void)flow;
	(void)ack;
}

static struct slice request(uint32_t number, char text[REQUEST_MAX])
{
	int len = snprintf(text, REQUEST_MAX,
			   "OPTIONS sip:lobby@192.0.2.1 SIP/2.0\r\n"
			   "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK-%08x;rport\r\n"
			   "Max-Forwards: 70\r\n"
			   "From: <sip:probe@192.0.2.9>;tag=t%08x\r\n"
			   "To: <sip:lobby@192.0.2.1>\r\n"
			   "Call-ID: c%08x@192.0.2.9\r\nCSeq: 1 OPTIONS\r\n"
			   "Contact: <sip:probe@192.0.2.9>\r\nContent-Length: 0\r\n\r\n",
			   number * 2654435761u, number, number);

	return slice_make(text, (size_t)len);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* Receives `count` requests from number `first` on; us for each, without writing their text. */
static double receive(struct bench *bench, uint32_t first, uint32_t count)
{
	char text[REQUEST_MAX];
	double start_us = now_us(), writing_us;

	for (uint32_t i = 0; i < count; i++)
		(void)request(first + i, text);
	writing_us = now_us() - start_us;
	start_us = now_us();
	for (uint32_t i = 0; i < count; i++) {
		struct slice data = request(first + i, text);

		bench->net.events.on_message(bench->net.events.arg, &bench->flow, data);
	}
	return (now_us() - start_us - writing_us) / count;
}

struct costs {
	double make_us, match_us, expire_us;
	double octets; /* of memory for each, its response included */
};

static struct costs round_of(struct bench *bench, uint32_t count)
{
	struct costs costs;
	uint32_t first = bench->next;
	size_t before = mallinfo2().uordblks;
	double start_us;

	bench->next += count;
	costs.make_us = receive(bench, first, count);
	costs.octets = (double)(mallinfo2().uordblks - before) / count;
	costs.match_us = receive(bench, first, count);
	bench->now_ms += GAP_MS;
	start_us = now_us();
	(void)wheel_advance(bench->wheel, bench->now_ms++);
	(void)wheel_advance(bench->wheel, bench->now_ms); /* they free themselves from a timer */
	costs.expire_us = (now_us() - start_us) / count;
	if (bench->stats.server_transactions != 0)
		abort();
	return costs;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Medians of `rounds` rounds, the first left out: tables grow in it. */
static struct costs measure(struct bench *bench, uint32_t count, uint32_t rounds)
{
	enum { ROUNDS_MAX = 101 };
	double make[ROUNDS_MAX], match[ROUNDS_MAX], expire[ROUNDS_MAX], octets[ROUNDS_MAX];

	(void)round_of(bench, count);
	for (uint32_t i = 0; i < rounds; i++) {
		struct costs costs = round_of(bench, count);

		make[i] = costs.make_us;
		match[i] = costs.match_us;
		expire[i] = costs.expire_us;
		octets[i] = costs.octets;
	}
	qsort(make, rounds, sizeof(make[0]), by_value);
	qsort(match, rounds, sizeof(match[0]), by_value);
	qsort(expire, rounds, sizeof(expire[0]), by_value);
	qsort(octets, rounds, sizeof(octets[0]), by_value);
	return (struct costs){make[rounds / 2], match[rounds / 2], expire[rounds / 2],
			      octets[rounds / 2]};
}

static void show(uint32_t count, const struct costs *costs)
{
	printf("%7u transactions: made and answered %6.3f us, matched %6.3f us, expired %6.3f us, "
	       "%4.0f octets each\n",
	       count, costs->make_us, costs->match_us, costs->expire_us, costs->octets);
}

int main(void)
{
	static const struct sip_net_ops ops = {
		.listen = net_listen, .send = net_send, .local_for = net_local_for};
	struct bench bench = {.flow = {.proto = SIP_UDP}};
	struct sip_tx_params params = {.random = &bench.random,
				       .net = {&ops, &bench.net},
				       .handlers = {.on_request = on_request, .on_ack = on_ack},
				       .stats = &bench.stats};
	struct costs few, many;

	(void)addr_parse(SLICE("192.0.2.9:5060"), &bench.flow.remote);
	(void)addr_parse(SLICE("192.0.2.1:5060"), &bench.flow.local);
	random_init_seeded(&bench.random, 1);
	if (wheel_new(0, &bench.wheel) != 0)
		return 1;
	params.wheel = bench.wheel;
	if (sip_tx_layer_new(&params, &bench.layer) != 0)
		return 1;
	few = measure(&bench, FEW, 101);
	show(FEW, &few);
	many = measure(&bench, MANY, 9);
	show(MANY, &many);
	printf("        many against few: made %.2f, matched %.2f, expired %.2f times the cost\n",
	       many.make_us / few.make_us, many.match_us / few.match_us,
	       many.expire_us / few.expire_us);
	sip_tx_layer_free(bench.layer);
	wheel_free(bench.wheel);
	return 0;
}
