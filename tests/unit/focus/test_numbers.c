/* ALLOCATE: numbers of the pool, given, refreshed, released, used up, and called. */
#include <stdio.h>

#include "base/attr.h"
#include "focus/focus_priv.h"
#include "focus/registrar.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"
#include "tests/support/simua.h"

struct fixture {
	struct world *world;
	struct simworld sim;
	struct simraw phone;
	struct addr server;
	uint32_t cseq;
	struct sip_msg answer;
};

static void setup(struct fixture *fx, const char *config)
{
	*fx = (struct fixture){0};
	fx->world = world_new(&(struct world_options){.config = config});
	fx->sim = (struct simworld){.wheel = fx->world->wheel, .net = fx->world->net};
	simraw_init(&fx->phone, &fx->sim, "10.0.0.9:5060");
	fx->server = *simnode_addr(fx->world->server_node);
}

static void teardown(struct fixture *fx, const char *row)
{
	struct location *location = fx->world->focus->location;
	struct aor *aor;

	while ((aor = location_next_aor(location, SLICE_NONE)) != NULL)
		location_remove(location, location_next(aor, NULL), "deleted");
	simraw_done(&fx->phone);
	world_end(fx->world, row);
}

static uint16_t allocate(struct fixture *fx, const char *user, const char *headers)
{
	struct buf text = BUF_INIT;

	fx->cseq++;
	buf_addf(&text,
		 "ALLOCATE sip:10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP @SELF@;branch=z9hG4bKa%u;rport\n"
		 "Max-Forwards: 70\nFrom: <sip:%s@10.0.0.1>;tag=1\nTo: <sip:10.0.0.1>\n"
		 "Call-ID: a%s\nCSeq: %u ALLOCATE\n%sContent-Length: 0\n\n",
		 fx->cseq, user, user, fx->cseq, headers);
	simraw_forget(&fx->phone);
	simraw_send(&fx->phone, SIP_UDP, &fx->server, text.p);
	buf_done(&text);
	world_run(fx->world, 50);
	return simraw_next(&fx->phone, &fx->answer) ? fx->answer.status : 0;
}

static struct slice contact(const struct fixture *fx)
{
	return sip_msg_value(&fx->answer, SIP_H_CONTACT);
}

#define POOL "sip.registrar=open\nnumbers.pool=+49301000-+49301002"
#define PHONE "Contact: <sip:desk@" WORLD_PHONES ">;expires=600\n"

static void given_and_released(void)
{
	struct fixture fx;

	setup(&fx, POOL);
	CHECK_INT("given", allocate(&fx, "bob", PHONE), 200);
	CHECK_SLICE("the first", contact(&fx), "<tel:+49301000>;expires=600");
	world_run(fx.world, 60000);
	CHECK_INT("looked at again", allocate(&fx, "bob", PHONE), 200);
	CHECK_SLICE("the same number, its time anew", contact(&fx), "<tel:+49301000>;expires=600");
	CHECK_INT("for something else", allocate(&fx, "bob", PHONE "Allocate-For: <tel:+4989>\n"),
		  200);
	CHECK_SLICE("another", contact(&fx), "<tel:+49301001>;expires=600");
	CHECK_INT("released",
		  allocate(&fx, "bob", "Contact: <sip:desk@" WORLD_PHONES ">;expires=0\n"), 200);
	CHECK_SLICE("no time left", contact(&fx), "<tel:+49301000>;expires=0");
	CHECK_INT("one is left", location_aor_count(fx.world->focus->location), 1);
	CHECK_INT("anew", allocate(&fx, "bob", PHONE), 200);
	CHECK_SLICE("a number rests before it is given again", contact(&fx),
		    "<tel:+49301002>;expires=600");
	world_run(fx.world, 601000);
	CHECK_INT("all are free by themselves", location_aor_count(fx.world->focus->location), 0);
	CHECK_INT("counted", focus_numbers_stats(fx.world->focus)->allocated, 3);
	teardown(&fx, "given");
}

static void none_left(void)
{
	struct fixture fx;
	uint32_t pool, used;

	setup(&fx, POOL);
	(void)allocate(&fx, "a", PHONE);
	world_run(fx.world, 100000);
	(void)allocate(&fx, "b", PHONE);
	(void)allocate(&fx, "c", PHONE);
	CHECK_INT("none is free", allocate(&fx, "d", PHONE), 480);
	CHECK_SLICE("until the first ends", sip_msg_value(&fx.answer, SIP_H_RETRY_AFTER), "500");
	CHECK_INT("counted", focus_numbers_stats(fx.world->focus)->refused, 1);
	focus_numbers_count(fx.world->focus, &pool, &used);
	CHECK("in use", pool == 3 && used == 3);
	CHECK_INT("who has one keeps it", allocate(&fx, "a", PHONE), 200);
	teardown(&fx, "none left");
}

static void refused(void)
{
	static const struct {
		const char *name, *config, *headers;
		uint16_t status;
	} rows[] = {
		{"no pool", "sip.registrar=open", PHONE, 403},
		{"switched off", "sip.registrar=off\nnumbers.pool=+491", PHONE, 403},
		{"nobody known", "numbers.pool=+491", PHONE, 403},
		{"no Contact", POOL, "", 400},
		{"too brief", POOL, "Contact: <sip:a@b>;expires=5\n", 423},
		{"no SIP Contact", POOL, "Contact: <tel:+1>\n", 400},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture fx;

		setup(&fx, rows[i].config);
		CHECK_INT(rows[i].name, allocate(&fx, "bob", rows[i].headers), rows[i].status);
		CHECK_INT(rows[i].name, location_count(fx.world->focus->location), 0);
		teardown(&fx, rows[i].name);
	}
}

static void too_many(void)
{
	struct fixture fx;

	setup(&fx, POOL "\nnumbers.per_user_max=1");
	CHECK_INT("one", allocate(&fx, "bob", PHONE), 200);
	CHECK_INT("a second", allocate(&fx, "bob", PHONE "Allocate-For: <tel:+4989>\n"), 403);
	CHECK_INT("somebody else", allocate(&fx, "eve", PHONE), 200);
	teardown(&fx, "too many");
}

/* A call to the number rings all of its Contacts. */
static void called(void)
{
	struct participant *p = NULL;
	struct room *room = NULL;
	struct phone *desk, *cell;
	struct fixture fx;

	setup(&fx, POOL);
	desk = world_phone(fx.world, "desk");
	cell = world_phone(fx.world, "cell");
	desk->manner = PHONE_RINGS;
	cell->answer_ms = 1000;
	CHECK_INT("given",
		  allocate(&fx, "bob",
			   PHONE "Contact: <sip:cell@" WORLD_PHONES ">;expires=600\n"
				 "Via: SIP/2.0/UDP 10.0.0.8;branch=z9hG4bKproxy\n"),
		  200);
	CHECK_INT("room",
		  focus_room_create(fx.world->focus, SLICE("lobby"), &(struct room_settings){0},
				    &room),
		  0);
	CHECK_INT("call",
		  focus_invite(fx.world->focus, room,
			       &(struct focus_invite){.uri = SLICE("tel:+49-30-1000")}, &p),
		  0);
	world_run(fx.world, 3000);
	CHECK("answered by one", cell->is_established && desk->final_status == 487);
	teardown(&fx, "called");
}

/* After a restart the same caller has the same number. */
static void kept(void)
{
	struct fixture fx;
	struct store *store;

	setup(&fx, POOL);
	store = &fx.world->store;
	(void)allocate(&fx, "bob", PHONE);
	CHECK_INT("binding and lease", store->item_count, 2);
	numbers_free(fx.world->focus->numbers);
	CHECK_INT("anew", numbers_new(&fx.world->focus->numbers), 0);
	CHECK_INT("load", numbers_load(fx.world->focus), 0);
	(void)allocate(&fx, "bob", PHONE);
	CHECK_SLICE("the same", contact(&fx), "<tel:+49301000>;expires=600");
	world_run(fx.world, 601000);
	(void)allocate(&fx, "eve", PHONE);
	CHECK_INT("the old lease is forgotten", store->item_count, 2);
	teardown(&fx, "kept");
}

static void pools(void)
{
	static const struct {
		const char *pool;
		int count; /* negative: not a pool */
		const char *first, *last;
	} rows[] = {
		{"", 0, NULL, NULL},
		{"+4930", 1, "+4930", "+4930"},
		{"+4930-+4939, +1555", 11, "+4930", "+1555"},
		{"+1-+9", 9, "+1", "+9"},
		{"4930", -1, NULL, NULL},
		{"+49x", -1, NULL, NULL},
		{"+4930-4939", -1, NULL, NULL},
		{"+4939-+4930", -1, NULL, NULL},
		{"+493-+4930", -1, NULL, NULL},
		{"+1234567890123456", -1, NULL, NULL},
		{"+100000000000000-+999999999999999", NUMBERS_POOL_MAX, "+100000000000000", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char number[NUMBER_DIGITS_MAX + 2] = "";
		uint32_t count = 0;
		int err = numbers_parse_pool(slice_of(rows[i].pool), &count);

		CHECK_INT(rows[i].pool, err ? -1 : (int)count, rows[i].count);
		if (rows[i].first &&
		    CHECK(rows[i].pool, numbers_at(slice_of(rows[i].pool), 0, number)))
			CHECK_STR(rows[i].pool, number, rows[i].first);
		if (rows[i].last &&
		    CHECK(rows[i].pool, numbers_at(slice_of(rows[i].pool), count - 1, number)))
			CHECK_STR(rows[i].pool, number, rows[i].last);
		if (rows[i].last)
			CHECK(rows[i].pool, !numbers_at(slice_of(rows[i].pool), count, number));
	}
}

void suite_numbers(void);
void suite_numbers(void)
{
	CHECK_SUITE("numbers");
	CHECK_TEST(given_and_released);
	CHECK_TEST(none_left);
	CHECK_TEST(refused);
	CHECK_TEST(too_many);
	CHECK_TEST(called);
	CHECK_TEST(kept);
	CHECK_TEST(pools);
}
