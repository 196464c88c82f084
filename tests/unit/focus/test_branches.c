/* Every flow, and every way in which it can go wrong: what is left a while later, with whoever
 * still talks still there. No half-made room, no leg without a call, nobody who stays in vain. */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "sip/refer.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

#define CENTRAL "sip:central@" WORLD_PHONES
enum { LATER_MS = 250000, MIDDLE_MS = 300 };

/* Carl is who comes or is called; anna and bert are there, in a room or in a call through us. */
struct scene {
	struct world *world;
	struct phone *anna, *bert, *carl, *central;
	struct sip_referring *referring;
	bool is_told; /* the REFER's last NOTIFY, or its end */
};

/* Flows: what stands before, and the step that begins it ------------------------------------------
 */

static void two_in_the_lobby(struct scene *s)
{
	s->anna = world_join(s->world, "anna", "lobby");
	s->bert = world_join(s->world, "bert", "lobby");
}

static void two_in_a_call(struct scene *s)
{
	struct call *call;

	s->anna = world_phone(s->world, "anna");
	s->bert = world_phone(s->world, "bert");
	CHECK_INT(NULL,
		  focus_call_create(s->world->focus,
				    &(struct focus_call){.from = SLICE("sip:anna@" WORLD_PHONES),
							 .to = SLICE("sip:bert@" WORLD_PHONES)},
				    &call),
		  0);
	world_run(s->world, 1000);
}

static void nobody(struct scene *s)
{
	(void)s;
}

static void calls_the_factory(struct scene *s)
{
	phone_dial(s->carl, "conf-factory");
}

static void joins(struct scene *s)
{
	phone_dial_naming(s->carl, "bert", "Join", s->anna);
}

static void replaces(struct scene *s)
{
	phone_dial_naming(s->carl, "lobby", "Replaces", s->bert);
}

static void on_referred(void *arg, struct sip_referring *referring,
			const struct sip_refer_result *result)
{
	struct scene *s = arg;

	(void)referring;
	(void)result;
	s->referring = NULL;
	s->is_told = true;
}

static void refers(struct scene *s)
{
	CHECK_INT(NULL,
		  sip_call_refer(
			  s->anna->call,
			  &(struct sip_refer_params){.refer_to = SLICE("sip:carl@" WORLD_PHONES),
						     .on_done = on_referred,
						     .arg = s},
			  &s->referring),
		  0);
}

static void migrates(struct scene *s)
{
	CHECK_INT(NULL,
		  focus_migrate(s->world->focus, world_room(s->world, "lobby"), SLICE(CENTRAL)), 0);
}

struct flow {
	void (*before)(struct scene *s), (*begin)(struct scene *s);
	const char *config;
};
static const struct flow factory = {nobody, calls_the_factory, "rooms.grace_s=5"},
			 join = {two_in_a_call, joins, NULL},
			 replace = {two_in_the_lobby, replaces, NULL},
			 refer = {two_in_the_lobby, refers, "focus.ring_s=20"},
			 s2 = {two_in_a_call, joins, "focus.central_factory=" CENTRAL},
			 migrate = {two_in_the_lobby, migrates, NULL};

/* Branches: done before the flow begins, or in the middle of it
 * -------------------------------------
 */

enum branch {
	GOES_WELL,
	ANSWERS_481,
	ANSWERS_486,
	ANSWERS_603,
	IS_SILENT,
	RINGS,          /* and nobody takes it */
	GIVES_UP,       /* carl hangs up before he is in */
	LEAVES_AT_ONCE, /* as soon as he is in */
	NO_ACK,         /* nothing comes through from the 200 on */
	BERT_LEAVES,    /* in the middle */
	ANNA_LEAVES,
	ROOM_CLOSES,
	BRIDGE_LEAVES,
	REFER_REFUSED,
	REFER_486, /* it went, and was refused there */
	NOTIFY_LOST,
};

static void answers(struct phone *phone, uint16_t status)
{
	phone->manner = PHONE_REJECTS;
	phone->status = status;
}

/* `called`: whom the flow has us call. */
static void prepare(struct scene *s, enum branch branch, struct phone *called)
{
	static const uint16_t statuses[] = {
		[ANSWERS_481] = 481, [ANSWERS_486] = 486, [ANSWERS_603] = 603};

	s->carl->answer_ms = s->central->answer_ms = 1000;
	if (branch >= ANSWERS_481 && branch <= ANSWERS_603)
		answers(called, statuses[branch]);
	else if (branch == IS_SILENT)
		called->manner = PHONE_IS_SILENT;
	else if (branch == RINGS)
		called->manner = PHONE_RINGS;
	for (int i = 0; s->anna && i < 2; i++) {
		struct phone *phone = i ? s->anna : s->bert;

		phone->refer_status = branch == REFER_REFUSED ? 0 : branch == REFER_486 ? 486 : 200;
		phone->refer_delay_ms = branch == NOTIFY_LOST ? 100000 : 200;
	}
}

static void lose(struct scene *s, uint32_t ms)
{
	simnet_set_loss(s->world->net, 100, 0);
	world_run(s->world, ms);
	simnet_set_loss(s->world->net, 0, 0);
}

static void close_all(struct scene *s)
{
	struct room *room = focus_room_next(s->world->focus, SLICE_NONE);
	struct call *call = focus_call_next(s->world->focus, NULL);

	if (room)
		(void)focus_room_close(s->world->focus, room, "deleted");
	if (call)
		focus_call_end(s->world->focus, call, "failed");
}

static void act(struct scene *s, const struct flow *flow, enum branch branch)
{
	if (branch == GIVES_UP) {
		world_run(s->world, 2);
		phone_hang_up(s->carl);
		return;
	}
	if (branch == NO_ACK) {
		world_run(s->world, flow == &join ? 3 : 1); /* 200 is on its way */
		lose(s, 40000);
		return;
	}
	world_run(s->world, branch == LEAVES_AT_ONCE ? 3000 : MIDDLE_MS);
	if (branch == BERT_LEAVES)
		phone_hang_up(s->bert);
	else if (branch == ANNA_LEAVES)
		phone_hang_up(s->anna);
	else if (branch == LEAVES_AT_ONCE)
		phone_hang_up(s->carl);
	else if (branch == ROOM_CLOSES)
		close_all(s);
	else if (branch == BRIDGE_LEAVES) {
		world_run(s->world, 900);
		phone_hang_up(s->central);
	}
}

/* What is left: rooms, two-party calls, and who still talks. */
static const char *outcome(const struct scene *s, char out[128])
{
	const struct phone *phones[] = {s->anna, s->bert, s->carl, s->central};
	uint32_t calls = 0, talking = 0;
	struct call *call = NULL;
	int len;

	while ((call = focus_call_next(s->world->focus, call)))
		calls++;
	len = snprintf(out, 128, "rooms %u calls %u:", focus_room_count(s->world->focus), calls);
	for (size_t i = 0; i < ARRAY_LEN(phones); i++)
		if (phones[i] && phones[i]->call) {
			talking++;
			len += snprintf(out + len, 128 - (size_t)len, " %s", phones[i]->user);
		}
	CHECK_INT("a leg for each of them", fake_media_legs(s->world->media), talking);
	CHECK_INT("and a seat", focus_stats(s->world->focus)->participants, talking);
	return out;
}

static void play(const char *name, const struct flow *flow, enum branch branch, const char *left)
{
	struct scene s = {.world = world_new(&(struct world_options){.config = flow->config})};
	bool calls_central = flow == &s2 || flow == &migrate;
	char out[128];

	s.carl = world_phone(s.world, "carl");
	s.central = world_phone(s.world, "central");
	s.central->contact_params = "isfocus";
	flow->before(&s);
	prepare(&s, branch, calls_central ? s.central : s.carl);
	flow->begin(&s);
	act(&s, flow, branch);
	if (flow == &refer && branch == NOTIFY_LOST)
		lose(&s, 500);
	world_run(s.world, LATER_MS);
	CHECK_STR(name, outcome(&s, out), left);
	CHECK(name, flow != &refer || s.is_told || branch == NOTIFY_LOST);
	CHECK(name, list_empty(&s.world->focus->refers) || branch == NOTIFY_LOST);
	s.referring = sip_referring_drop(s.referring);
	world_end(s.world, name);
}

static const struct {
	const char *name;
	const struct flow *flow;
	enum branch branch;
	const char *left;
} rows[] = {
	{"factory", &factory, GOES_WELL, "rooms 1 calls 0: carl"},
	{"factory, cancelled", &factory, GIVES_UP, "rooms 0 calls 0:"},
	{"factory, no ACK", &factory, NO_ACK, "rooms 0 calls 0:"},
	{"factory, left at once", &factory, LEAVES_AT_ONCE, "rooms 0 calls 0:"},
	{"factory, room deleted", &factory, ROOM_CLOSES, "rooms 0 calls 0:"},

	{"Join", &join, GOES_WELL, "rooms 1 calls 0: anna bert carl"},
	{"Join, cancelled", &join, GIVES_UP, "rooms 1 calls 0: anna bert"},
	{"Join, no ACK", &join, NO_ACK, "rooms 1 calls 0: anna bert"},
	{"Join, left at once", &join, LEAVES_AT_ONCE, "rooms 1 calls 0: anna bert"},
	{"Join, named one leaves", &join, ANNA_LEAVES, "rooms 1 calls 0: bert carl"},
	{"Join, other one leaves", &join, BERT_LEAVES, "rooms 1 calls 0: anna carl"},
	{"Join, room deleted", &join, ROOM_CLOSES, "rooms 0 calls 0:"},

	{"Replaces", &replace, GOES_WELL, "rooms 1 calls 0: anna carl"},
	{"Replaces, cancelled too late", &replace, GIVES_UP, "rooms 1 calls 0: anna"},
	{"Replaces, no ACK", &replace, NO_ACK, "rooms 1 calls 0: anna bert"},
	{"Replaces, left at once", &replace, LEAVES_AT_ONCE, "rooms 1 calls 0: anna"},
	{"Replaces, replaced one leaves", &replace, BERT_LEAVES, "rooms 1 calls 0: anna carl"},
	{"Replaces, room deleted", &replace, ROOM_CLOSES, "rooms 0 calls 0:"},

	{"REFER", &refer, GOES_WELL, "rooms 1 calls 0: anna bert carl"},
	{"REFER, 481", &refer, ANSWERS_481, "rooms 1 calls 0: anna bert"},
	{"REFER, 486", &refer, ANSWERS_486, "rooms 1 calls 0: anna bert"},
	{"REFER, 603", &refer, ANSWERS_603, "rooms 1 calls 0: anna bert"},
	{"REFER, silence", &refer, IS_SILENT, "rooms 1 calls 0: anna bert"},
	{"REFER, nobody takes it", &refer, RINGS, "rooms 1 calls 0: anna bert"},
	{"REFER, called one leaves", &refer, LEAVES_AT_ONCE, "rooms 1 calls 0: anna bert"},
	{"REFER, referrer leaves", &refer, ANNA_LEAVES, "rooms 1 calls 0: bert carl"},
	{"REFER, room deleted", &refer, ROOM_CLOSES, "rooms 0 calls 0:"},
	{"REFER, NOTIFY lost", &refer, NOTIFY_LOST, "rooms 1 calls 0: anna bert carl"},

	{"S2", &s2, GOES_WELL, "rooms 0 calls 0:"},
	{"S2, 481", &s2, ANSWERS_481, "rooms 1 calls 0: anna bert carl"},
	{"S2, 486", &s2, ANSWERS_486, "rooms 1 calls 0: anna bert carl"},
	{"S2, 603", &s2, ANSWERS_603, "rooms 1 calls 0: anna bert carl"},
	{"S2, silence", &s2, IS_SILENT, "rooms 1 calls 0: anna bert carl"},
	{"S2, nobody takes it", &s2, RINGS, "rooms 1 calls 0: anna bert carl"},
	{"S2, joiner gives up", &s2, GIVES_UP, "rooms 0 calls 0:"},
	{"S2, party leaves", &s2, BERT_LEAVES, "rooms 0 calls 0:"},
	{"S2, call ended", &s2, ROOM_CLOSES, "rooms 0 calls 0:"},
	{"S2, bridge breaks", &s2, BRIDGE_LEAVES, "rooms 0 calls 1: anna bert"},
	{"S2, REFER refused", &s2, REFER_REFUSED, "rooms 0 calls 1: anna bert central"},
	{"S2, REFER ends with 486", &s2, REFER_486, "rooms 0 calls 1: anna bert central"},
	{"S2, NOTIFY lost", &s2, NOTIFY_LOST, "rooms 0 calls 1: anna bert central"},

	{"move", &migrate, GOES_WELL, "rooms 0 calls 0:"},
	{"move, 481", &migrate, ANSWERS_481, "rooms 1 calls 0: anna bert"},
	{"move, 486", &migrate, ANSWERS_486, "rooms 1 calls 0: anna bert"},
	{"move, 603", &migrate, ANSWERS_603, "rooms 1 calls 0: anna bert"},
	{"move, silence", &migrate, IS_SILENT, "rooms 1 calls 0: anna bert"},
	{"move, nobody takes it", &migrate, RINGS, "rooms 1 calls 0: anna bert"},
	{"move, party leaves", &migrate, BERT_LEAVES, "rooms 0 calls 0:"},
	{"move, room deleted", &migrate, ROOM_CLOSES, "rooms 0 calls 0:"},
	{"move, bridge breaks", &migrate, BRIDGE_LEAVES, "rooms 1 calls 0: anna bert"},
	{"move, REFER refused", &migrate, REFER_REFUSED, "rooms 1 calls 0: anna bert central"},
	{"move, REFER ends with 486", &migrate, REFER_486, "rooms 1 calls 0: anna bert central"},
	{"move, NOTIFY lost", &migrate, NOTIFY_LOST, "rooms 1 calls 0: anna bert central"},
};

static void every_flow_every_branch(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		play(rows[i].name, rows[i].flow, rows[i].branch, rows[i].left);
}

void suite_branches(void)
{
	CHECK_SUITE("branches");
	CHECK_TEST(every_flow_every_branch);
}
