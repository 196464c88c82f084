#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/ban.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "sip/refer.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

/* A REFER that a phone sends, and what it hears of it: "100 180 200". */
struct sent {
	struct sip_referring *referring;
	struct buf steps;
	struct sip_refer_result result;
	bool is_done;
};

static void on_progress(void *arg, struct sip_referring *referring, uint16_t status,
			struct slice reason)
{
	struct sent *sent = arg;

	(void)referring;
	(void)reason;
	buf_addf(&sent->steps, "%s%u", sent->steps.len ? " " : "", status);
}

static void on_done(void *arg, struct sip_referring *referring,
		    const struct sip_refer_result *result)
{
	struct sent *sent = arg;

	(void)referring;
	sent->result = *result;
	sent->is_done = true;
}

static struct sip_refer_params params_of(struct sent *sent, const char *refer_to)
{
	return (struct sip_refer_params){
		.refer_to = slice_of(refer_to),
		.on_progress = on_progress,
		.on_done = on_done,
		.arg = sent,
	};
}

static void within(struct phone *phone, struct sent *sent, const char *refer_to,
		   const char *replaces)
{
	struct sip_refer_params params = params_of(sent, refer_to);

	if (replaces)
		params.replaces = slice_of(replaces);
	CHECK_INT(refer_to, sip_call_refer(phone->call, &params, &sent->referring), 0);
	world_run(phone->world, 3000);
}

static void outside(struct world *world, struct sent *sent, const char *target,
		    const char *refer_to, const char *headers)
{
	struct sip_refer_params params = params_of(sent, refer_to);

	params.target = slice_of(target);
	params.from = SLICE("<sip:anna@" WORLD_PHONES ">");
	params.contact_user = SLICE("anna");
	params.headers = headers;
	CHECK_INT(target, sip_ua_refer(world->phones_ua, &params, &sent->referring), 0);
	world_run(world, 3000);
}

static void check_steps(const char *row, struct sent *sent, const char *steps)
{
	CHECK(row, sent->is_done);
	CHECK_SLICE(row, buf_slice(&sent->steps), steps);
	buf_done(&sent->steps);
}

static struct world *world_of_anna(const char *config, struct phone **ret_anna,
				   char room[ROOM_ID_MAX + 1])
{
	struct world *world = world_new(&(struct world_options){.config = config});

	*ret_anna = world_join(world, "anna", "conf-factory");
	slice_cstr(slice_of(focus_room_next(world->focus, SLICE_NONE)->id), room, ROOM_ID_MAX + 1);
	return world;
}

/* RFC 4579 5.5: refer the focus to a party, in the dialog, with each step told. */
static void calls_in(void)
{
	char room[ROOM_ID_MAX + 1];
	struct phone *anna, *bert;
	struct world *world = world_of_anna(NULL, &anna, room);
	struct sent sent = {0};
	struct participant_view view;

	bert = world_phone(world, "bert");
	bert->answer_ms = 500;
	within(anna, &sent, "sip:bert@" WORLD_PHONES, NULL);
	check_steps("steps", &sent, "100 180 200");
	CHECK("bert is in", bert->is_established && world_roster(world, room) == 2);
	CHECK("he sees a conference", strstr(bert->contact, "isfocus"));
	participant_view(phone_participant(bert, room), &view);
	CHECK("who had him called", slice_starts(view.referred_by, SLICE("sip:anna@")));
	world_end(world, "calls_in");
}

static void failures(void)
{
	static const struct {
		const char *name, *target, *steps;
		enum phone_manner manner;
		uint16_t status;
	} rows[] = {
		{"busy", "sip:bert@" WORLD_PHONES, "100 486", PHONE_REJECTS, 486},
		{"declined", "sip:bert@" WORLD_PHONES, "100 603", PHONE_REJECTS, 603},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char room[ROOM_ID_MAX + 1];
		struct phone *anna, *bert;
		struct world *world = world_of_anna(NULL, &anna, room);
		struct sent sent = {0};

		bert = world_phone(world, "bert");
		bert->manner = rows[i].manner;
		bert->status = rows[i].status;
		within(anna, &sent, rows[i].target, NULL);
		check_steps(rows[i].name, &sent, rows[i].steps);
		CHECK_INT(rows[i].name, world_roster(world, room), 1);
		CHECK(rows[i].name, list_empty(&world->focus->refers));
		world_end(world, rows[i].name);
	}
}

/* Anna's conference: she hangs up while bert rings; nobody is left that nobody asked for. */
static void referrer_leaves(void)
{
	char room[ROOM_ID_MAX + 1];
	struct phone *anna, *bert;
	struct world *world = world_of_anna("rooms.grace_s=5", &anna, room);
	struct sent sent = {0};

	bert = world_phone(world, "bert");
	bert->answer_ms = 8000;
	within(anna, &sent, "sip:bert@" WORLD_PHONES, NULL);
	phone_hang_up(anna);
	world_run(world, 8000);
	CHECK("the subscription outlives the call", sent.is_done && sent.result.status == 200);
	CHECK("bert is in", bert->is_established && world_roster(world, room) == 1);
	buf_done(&sent.steps);
	world_end(world, "referrer_leaves");
}

/* Refer-To with Replaces: handed on unchanged, and left out when the phone refuses it. */
static void with_replaces(void)
{
	static const uint16_t refusals[] = {0, 420, 481, 501};

	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		char room[ROOM_ID_MAX + 1], row[32];
		struct phone *anna, *bert;
		struct world *world = world_of_anna(NULL, &anna, room);
		struct sent sent = {0};

		snprintf(row, sizeof(row), "refused with %u", refusals[i]);
		bert = world_phone(world, "bert");
		bert->replaces_refused = refusals[i];
		bert->answer_ms = 500;
		within(anna, &sent, "sip:bert@" WORLD_PHONES,
		       "a84b4c76e66710@anna;to-tag=314159;from-tag=1928301774");
		check_steps(row, &sent, "100 180 200");
		CHECK_STR(row, bert->replaces,
			  refusals[i] ? ""
				      : "a84b4c76e66710@anna;to-tag=314159;from-tag=1928301774");
		CHECK_INT(row, bert->calls, refusals[i] ? 2 : 1);
		CHECK(row, bert->is_established);
		world_end(world, row);
	}
}

static void removes(void)
{
	char room[ROOM_ID_MAX + 1];
	struct phone *anna, *bert, *carl;
	struct world *world = world_of_anna(NULL, &anna, room);
	struct sent sent = {0}, again = {0}, by_guest = {0};

	bert = world_join(world, "bert", room);
	carl = world_join(world, "carl", room);
	within(bert, &by_guest, "sip:carl@" WORLD_PHONES ";method=BYE", NULL);
	CHECK_INT("a guest may not", by_guest.result.refused, 403);
	within(anna, &sent, "sip:carl@" WORLD_PHONES ";method=BYE", NULL);
	check_steps("the host may", &sent, "200");
	CHECK("carl is out", carl->has_ended && world_roster(world, room) == 2);
	within(anna, &again, "sip:carl@" WORLD_PHONES ";method=BYE", NULL);
	check_steps("nobody there", &again, "481");
	buf_done(&by_guest.steps);
	world_end(world, "removes");
}

static void out_of_the_dialog(void)
{
	static const struct {
		const char *name, *config, *target;
		bool names_dialog;
		uint16_t refused;
	} rows[] = {
		{"to the conference", "focus.refer=open", "room", false, 0},
		{"to the factory", "focus.refer=open", "sip:conf-factory@" WORLD_SERVER, false, 0},
		{"to the server", "focus.refer=open", "sip:" WORLD_SERVER, false, 0},
		{"naming the dialog", NULL, "room", true, 0},
		{"to the factory, naming the dialog", NULL, "sip:conf-factory@" WORLD_SERVER, true,
		 0},
		{"a guest without a right", NULL, "room", false, 403},
		{"to no room", "focus.refer=open", "sip:nowhere@" WORLD_SERVER, false, 404},
		{"switched off", "focus.refer=off", "room", true, 403},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char room[ROOM_ID_MAX + 1], uri[128], line[1024];
		struct phone *anna, *bert;
		struct world *world = world_of_anna(rows[i].config, &anna, room);
		struct sent sent = {0};

		bert = world_phone(world, "bert");
		snprintf(uri, sizeof(uri), "sip:%s@" WORLD_SERVER, room);
		snprintf(line, sizeof(line), "Target-Dialog: %s\r\n", anna->target_dialog);
		outside(world, &sent, rows[i].target[0] == 'r' ? uri : rows[i].target,
			"sip:bert@" WORLD_PHONES, rows[i].names_dialog ? line : NULL);
		CHECK_INT(rows[i].name, sent.result.refused, rows[i].refused);
		CHECK(rows[i].name, bert->is_established == !rows[i].refused);
		CHECK_INT(rows[i].name, world_roster(world, room), rows[i].refused ? 1 : 2);
		buf_done(&sent.steps);
		world_end(world, rows[i].name);
	}
}

/* Refer-Sub: false: no subscription, and the call is made all the same. */
static void without_a_subscription(void)
{
	char room[ROOM_ID_MAX + 1];
	struct phone *anna, *bert;
	struct world *world = world_of_anna(NULL, &anna, room);
	struct sent sent = {0};
	struct sip_refer_params params = params_of(&sent, "sip:bert@" WORLD_PHONES);

	bert = world_phone(world, "bert");
	params.no_sub = true;
	CHECK_INT(NULL, sip_call_refer(anna->call, &params, &sent.referring), 0);
	world_run(world, 3000);
	CHECK("bert is in", bert->is_established);
	check_steps("nothing told", &sent, "");
	CHECK("nothing kept", list_empty(&world->focus->refers));
	world_end(world, "without_a_subscription");
}

/* A two-party call becomes a conference when a party refers us to a third. */
static void from_a_call(void)
{
	struct world *world = world_new(NULL);
	struct phone *anna = world_phone(world, "anna"), *bert = world_phone(world, "bert"),
		     *carl = world_phone(world, "carl");
	struct sent sent = {0};
	struct call *call;

	CHECK_INT(NULL,
		  focus_call_create(world->focus,
				    &(struct focus_call){.from = SLICE("sip:anna@" WORLD_PHONES),
							 SLICE("sip:bert@" WORLD_PHONES)},
				    &call),
		  0);
	carl->answer_ms = 500;
	world_run(world, 1000);
	within(anna, &sent, "sip:carl@" WORLD_PHONES, NULL);
	check_steps("steps", &sent, "100 180 200");
	CHECK_INT("one conference", focus_room_count(world->focus), 1);
	CHECK("all three", carl->is_established && bert->call && anna->call);
	CHECK("all know", sip_call_is_remote_focus(bert->call));
	phone_hang_up(anna);
	world_run(world, 1000);
	CHECK("a transfer: the others stay", bert->call && carl->call);
	world_end(world, "from_a_call");
}

/* The first party's phone has another line, by which it is in the conference: anna's. */
static void as_anna(struct call *call)
{
	struct participant *from = focus_call_from(call);

	snprintf(from->uri, sizeof(from->uri), "sip:anna@" WORLD_PHONES);
}

/* A desk phone at a server of ours: it calls the factory, and tells the other party of a call
 * through us to go there. That party need not be called: its leg goes. */
static void sent_home(void)
{
	char room[ROOM_ID_MAX + 1];
	struct phone *anna, *desk, *bert;
	struct world *world = world_of_anna(NULL, &anna, room);
	struct sent sent = {0};
	char target[ROOM_URI_MAX + 1];
	struct call *call;
	uint16_t port;

	desk = world_phone(world, "desk");
	bert = world_phone(world, "bert");
	CHECK_INT(NULL,
		  focus_call_create(world->focus,
				    &(struct focus_call){.from = SLICE("sip:desk@" WORLD_PHONES),
							 .to = SLICE("sip:bert@" WORLD_PHONES)},
				    &call),
		  0);
	world_run(world, 1000);
	as_anna(call);
	port = addr_port(&bert->agreed.remote_rtp);
	within(desk, &sent, room_uri(world->focus, room, target), NULL);
	check_steps("steps", &sent, "200");
	CHECK_INT("bert is where anna is", world_roster(world, room), 2);
	CHECK("by whom", strstr(phone_participant(bert, room)->referred_by, "anna"));
	CHECK_INT("he was not called again", bert->calls, 1);
	CHECK_INT("the same media", addr_port(&bert->agreed.remote_rtp), port);
	snprintf(target, sizeof(target), "sip:%s@" WORLD_SERVER, room);
	CHECK_SLICE("he knows the conference", sip_call_remote_target(bert->call), target);
	CHECK("who sent him is not rung off", desk->call != NULL);
	phone_hang_up(desk);
	world_run(world, 1000);
	CHECK_INT("its old call leaves nothing", focus_room_count(world->focus), 1);
	CHECK("bert stays", bert->call != NULL);
	world_end(world, "sent_home");
}

/* The same, where it may not be: who is not in the conference cannot take anybody past its lock and
 * PIN. */
static void sent_home_in_vain(void)
{
	static const struct {
		const char *name;
		bool is_anna, is_full, is_banned;
		uint16_t refused;
	} rows[] = {
		{"no place", true, true, false, 486},
		{"banned", true, false, true, 403},
		{"by somebody who is not in it", false, false, false, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char room[ROOM_ID_MAX + 1], target[ROOM_URI_MAX + 1];
		struct phone *anna, *desk, *bert;
		struct world *world = world_of_anna(NULL, &anna, room);
		struct room_settings settings = {.participants_max = rows[i].is_full ? 1 : 0};
		struct sent sent = {0};
		struct call *call;
		struct ban *ban;

		desk = world_phone(world, "desk");
		bert = world_phone(world, "bert");
		CHECK_INT(NULL, focus_room_set(world->focus, world_room(world, room), &settings),
			  0);
		if (rows[i].is_banned)
			CHECK_INT(NULL,
				  focus_ban(world->focus, world_room(world, room),
					    SLICE("sip:bert@" WORLD_PHONES), &ban),
				  0);
		CHECK_INT(NULL,
			  focus_call_create(
				  world->focus,
				  &(struct focus_call){.from = SLICE("sip:desk@" WORLD_PHONES),
						       .to = SLICE("sip:bert@" WORLD_PHONES)},
				  &call),
			  0);
		world_run(world, 1000);
		if (rows[i].is_anna)
			as_anna(call);
		within(desk, &sent, room_uri(world->focus, room, target), NULL);
		CHECK_INT(rows[i].name, sent.result.refused, rows[i].refused);
		CHECK(rows[i].name, desk->call && bert->call);
		CHECK(rows[i].name, phone_participant(bert, room) == NULL);
		if (rows[i].refused)
			CHECK("nothing happens to the call",
			      focus_call_next(world->focus, NULL) == call);
		buf_done(&sent.steps);
		world_end(world, rows[i].name);
	}
}

static struct call *call_from_desk(struct world *world, const char *to)
{
	struct call *call;

	CHECK_INT(to,
		  focus_call_create(world->focus,
				    &(struct focus_call){.from = SLICE("sip:desk@" WORLD_PHONES),
							 .to = slice_of(to)},
				    &call),
		  0);
	world_run(world, 1000);
	return call;
}

/* The same said to the focus, with Replaces (VoLTE, snom, with us as their server): "call bert in,
 * in place of my call with him". His phone knows of no such dialog, so its leg goes. */
static void fetched(void)
{
	static const struct {
		const char *name, *config;
		bool is_full, is_wrong;
		uint16_t refused;
	} rows[] = {
		{"fetched", NULL, false, false, 0},
		{"by who made the call", "focus.join=parties", false, false, 0},
		{"not allowed", "focus.join=off", false, false, 486},
		{"no place", NULL, true, false, 486},
		{"a dialog that is not ours", NULL, false, true, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const bool is_moved = !rows[i].refused && !rows[i].is_wrong;
		const struct room_settings settings = {.participants_max = rows[i].is_full ? 1 : 0};
		char room[ROOM_ID_MAX + 1];
		struct phone *anna;
		struct world *world = world_of_anna(rows[i].config, &anna, room);
		struct phone *desk = world_phone(world, "desk"), *bert = world_phone(world, "bert"),
			     *carl = world_phone(world, "carl");
		struct sent sent = {0};

		CHECK_INT(NULL, focus_room_set(world->focus, world_room(world, room), &settings),
			  0);
		as_anna(call_from_desk(world, "sip:bert@" WORLD_PHONES));
		within(anna, &sent,
		       rows[i].is_wrong ? "sip:carl@" WORLD_PHONES : "sip:bert@" WORLD_PHONES,
		       rows[i].is_wrong ? "old@phones;to-tag=theirs;from-tag=ours" : desk->dialog);
		CHECK_INT(rows[i].name, sent.result.refused, rows[i].refused);
		CHECK_INT(rows[i].name, sent.result.status, rows[i].refused ? 0 : 200);
		CHECK_INT(rows[i].name, bert->calls, 1);
		CHECK_INT(rows[i].name, carl->calls, rows[i].is_wrong);
		CHECK_INT(rows[i].name, world_roster(world, room), rows[i].refused ? 1 : 2);
		CHECK(rows[i].name,
		      bert->call && (phone_participant(bert, room) != NULL) == is_moved);
		CHECK(rows[i].name, desk->has_ended == is_moved);
		if (is_moved)
			CHECK(rows[i].name, strstr(desk->end_text, "200"));
		CHECK_INT(rows[i].name, focus_room_count(world->focus), 1);
		buf_done(&sent.steps);
		world_end(world, rows[i].name);
	}
}

/* A transfer with consultation (RFC 5589 7) between two calls through us: nobody is called again.
 */
static void consulted(void)
{
	struct world *world = world_new(NULL);
	struct phone *desk = world_phone(world, "desk"), *bert = world_phone(world, "bert"),
		     *line = world_phone(world, "line"), *carl = world_phone(world, "carl");
	struct sent sent = {0};
	struct call *call;

	call_from_desk(world, "sip:bert@" WORLD_PHONES);
	CHECK_INT(NULL,
		  focus_call_create(world->focus,
				    &(struct focus_call){.from = SLICE("sip:line@" WORLD_PHONES),
							 .to = SLICE("sip:carl@" WORLD_PHONES)},
				    &call),
		  0);
	world_run(world, 1000);
	within(desk, &sent, "sip:carl@" WORLD_PHONES, line->dialog);
	check_steps("steps", &sent, "200");
	CHECK("the second call is over", line->has_ended && desk->call);
	phone_hang_up(desk);
	world_run(world, 1000);
	CHECK("the others talk", bert->call && carl->call);
	CHECK("nobody was called again", bert->calls == 1 && carl->calls == 1);
	CHECK_INT("in one conference", focus_room_count(world->focus), 1);
	world_end(world, "consulted");
}

/* The same into a conference: the place of who transfers is taken. */
static void consulted_into_a_conference(void)
{
	char room[ROOM_ID_MAX + 1], target[ROOM_URI_MAX + 1];
	struct phone *anna, *desk, *bert;
	struct world *world = world_of_anna(NULL, &anna, room);
	struct sent sent = {0};

	desk = world_phone(world, "desk");
	bert = world_phone(world, "bert");
	as_anna(call_from_desk(world, "sip:bert@" WORLD_PHONES));
	within(desk, &sent, room_uri(world->focus, room, target), anna->dialog);
	check_steps("steps", &sent, "200");
	CHECK("her place is taken", anna->has_ended && phone_participant(bert, room));
	CHECK_INT("bert alone", world_roster(world, room), 1);
	CHECK_INT("was not called again", bert->calls, 1);
	world_end(world, "consulted_into_a_conference");
}

/* NOTIFY that gets lost: the call is made, and nothing is left of the subscription. */
static void notify_lost(void)
{
	char room[ROOM_ID_MAX + 1];
	struct phone *anna, *bert;
	struct world *world = world_of_anna(NULL, &anna, room);
	struct sent sent = {0};
	struct sip_refer_params params = params_of(&sent, "sip:bert@" WORLD_PHONES);

	bert = world_phone(world, "bert");
	bert->answer_ms = 1000;
	CHECK_INT(NULL, sip_call_refer(anna->call, &params, &sent.referring), 0);
	world_run(world, 50);
	simnet_set_loss(world->net, 100, 0);
	world_run(world, 500);
	simnet_set_loss(world->net, 0, 0);
	world_run(world, 40000);
	CHECK("bert is in", bert->is_established);
	buf_done(&sent.steps);
	world_end(world, "notify_lost");
}

void suite_refer_in(void)
{
	CHECK_SUITE("refer_in");
	CHECK_TEST(calls_in);
	CHECK_TEST(failures);
	CHECK_TEST(referrer_leaves);
	CHECK_TEST(with_replaces);
	CHECK_TEST(removes);
	CHECK_TEST(out_of_the_dialog);
	CHECK_TEST(without_a_subscription);
	CHECK_TEST(from_a_call);
	CHECK_TEST(sent_home);
	CHECK_TEST(sent_home_in_vain);
	CHECK_TEST(fetched);
	CHECK_TEST(consulted);
	CHECK_TEST(consulted_into_a_conference);
	CHECK_TEST(notify_lost);
}
