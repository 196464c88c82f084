#include "focus/gate.h"

#include <stdio.h>

#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static struct user *add(struct world *world, const char *name, bool may_create_rooms)
{
	struct user_settings s = {.password = SLICE("secret"),
				  .is_enabled = true,
				  .may_create_rooms = may_create_rooms};
	struct user *user = NULL;

	CHECK_INT(name, users_create(focus_users(world->focus), slice_of(name), &s, &user), 0);
	return user;
}

static uint64_t turned_away(struct world *world, enum focus_reject reason)
{
	return focus_stats(world->focus)->rejected[reason];
}

static void guests_are_turned_away(void)
{
	struct world *world = world_new(&(struct world_options){.config = "sip.auth=all"});
	struct phone *phone = world_phone(world, "guest");

	phone_dial(phone, "lobby");
	world_run(world, 1000);
	CHECK_INT("nobody could answer", phone->final_status, 403);
	CHECK_INT("counted", turned_away(world, FOCUS_REJECT_FORBIDDEN), 1);
	add(world, "alice", true);
	phone_dial(phone, "lobby");
	world_run(world, 1000);
	CHECK_INT("asked", phone->final_status, 401);
	CHECK_INT("counted", turned_away(world, FOCUS_REJECT_UNAUTHORIZED), 1);
	CHECK("no room was made", world_room(world, "lobby") == NULL);
	world_end(world, "gate");
}

static void shown(struct world *world, const char *room, const char *uri, const char *display)
{
	struct participant *participant = focus_participant_next(world_room(world, room), NULL);
	struct participant_view view;

	if (!CHECK(uri, participant != NULL))
		return;
	participant_view(participant, &view);
	CHECK_SLICE("uri", view.uri, uri);
	CHECK_SLICE("name", view.display_name, display);
}

static void who_wants_to_stay_unknown(void)
{
	struct world *world = world_new(NULL);
	struct phone *phone = world_phone(world, "secret");

	phone->display_name = "Real Name";
	phone->dial_headers = "Privacy: id\r\n"
			      "P-Asserted-Identity: <sip:boss@example.com>\r\n";
	phone_dial(phone, "lobby");
	world_run(world, 1000);
	CHECK("came in", phone->is_established);
	shown(world, "lobby", "sip:anonymous@anonymous.invalid", "Anonymous");
	CHECK("nothing else was told", strstr(world_events(world, NULL), "Real") == NULL);
	phone_hang_up(phone);
	world_run(world, 1000);
	phone->dial_headers = "Privacy: invisible;critical\r\n"; /* RFC 3323 5 */
	phone_dial(phone, "lobby");
	world_run(world, 1000);
	CHECK_INT("refused", phone->final_status, 500);
	CHECK_STR("and told why", phone->end_headers,
		  "399 10.0.0.1 \"a kind of privacy that cannot be given\"\n");
	world_end(world, "privacy");
}

static void who_is_vouched_for(void)
{
	static const char
		*const headers = "P-Asserted-Identity: \"Boss\" <sip:boss@example.com>\r\n";
	struct world *world = world_new(NULL), *trusting;
	struct phone *phone = world_phone(world, "liar");

	phone->dial_headers = headers;
	phone->display_name = "Liar";
	phone_dial(phone, "lobby");
	world_run(world, 1000);
	shown(world, "lobby", "sip:liar@" WORLD_PHONES, "Liar");
	world_end(world, "a stranger");

	trusting = world_new(&(struct world_options){.config = "sip.trusted=10.0.0.2"});
	phone = world_phone(trusting, "carrier");
	phone->dial_headers = headers;
	phone_dial(phone, "lobby");
	world_run(trusting, 1000);
	shown(trusting, "lobby", "sip:boss@example.com", "Boss");
	world_end(trusting, "a trusted peer");
}

/* The world's ua asks the focus' guard as the server's does. */
static void floods_do_not_hurt_calls(void)
{
	struct world *world = world_new(&(struct world_options){
		.config = "sip.rate_invite=1\nsip.rate_burst_s=2\nsip.rate_unlimited="});
	struct phone *first = world_phone(world, "first"), *second = world_phone(world, "second"),
		     *third = world_phone(world, "third");

	phone_dial(first, "lobby");
	phone_dial(second, "lobby");
	phone_dial(third, "lobby");
	world_run(world, 900);
	CHECK("within the burst", first->is_established && second->is_established);
	CHECK_INT("beyond it", third->final_status, 503);
	CHECK("with Retry-After", strstr(third->end_headers, "1") != NULL);
	CHECK("a re-INVITE is no new request", phone_set_direction(first, SDP_SENDONLY));
	world_run(world, 90);
	CHECK_INT("it was answered", first->exchanges, 2);
	phone_hang_up(second);
	world_run(world, 5000);
	CHECK("nor is a BYE", second->has_ended);
	CHECK_INT("roster", world_roster(world, "lobby"), 1);
	world_end(world, "rates");
}

void suite_gate(void)
{
	CHECK_SUITE("gate");
	CHECK_TEST(guests_are_turned_away);
	CHECK_TEST(who_wants_to_stay_unknown);
	CHECK_TEST(who_is_vouched_for);
	CHECK_TEST(floods_do_not_hurt_calls);
}
