#include "tests/unit/sip/pair.h"

#include "tests/support/check.h"

static void init_one(struct pair *pair, struct simua *ua, const struct simua_params *params,
		     const char *address)
{
	struct simua_params own = params ? *params : (struct simua_params){.address = NULL};

	own.address = address;
	simua_init(ua, &pair->world, &own);
}

void pair_init(struct pair *pair, const struct simua_params *a, const struct simua_params *b)
{
	simworld_init(&pair->world, 1);
	init_one(pair, &pair->a, a, "10.0.0.1:5060");
	init_one(pair, &pair->b, b, "10.0.0.2:5060");
}

void pair_done(struct pair *pair)
{
	simworld_run(&pair->world, 120000);
	CHECK_INT("left in a", simua_leftover(&pair->a), 0);
	CHECK_INT("left in b", simua_leftover(&pair->b), 0);
	CHECK_INT("timers", wheel_count(pair->world.wheel), 0);
	simua_done(&pair->a);
	simua_done(&pair->b);
	simworld_done(&pair->world);
}

void pair_end(struct pair *pair)
{
	simua_hangup_all(&pair->a);
	simua_hangup_all(&pair->b);
	pair_done(pair);
}

void pair_expect(struct pair *pair, const char *row, const char *want_a, const char *want_b)
{
	CHECK_STR(row, simua_log(&pair->a), want_a);
	CHECK_STR(row, simua_log(&pair->b), want_b);
}

void pair_call(struct pair *pair, const char *target)
{
	pair->b.mode = SIMUA_ACCEPT;
	CHECK_INT("call", simua_call(&pair->a, target ? target : "sip:b@10.0.0.2"), 0);
	simworld_run(&pair->world, 100);
	pair_expect(pair, "established", "media established", "invite media established");
}

uint64_t pair_requests(const struct simua *ua, enum sip_method method)
{
	return sip_ua_stats(ua->ua)->requests_out[method];
}
