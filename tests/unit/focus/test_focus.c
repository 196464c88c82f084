#include "focus/focus.h"

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static void hosts(void)
{
	static const struct {
		const char *name, *config, *uri;
	} rows[] = {
		{"listener", "sip.listen=udp:192.0.2.1:5060", "sip:a@192.0.2.1"},
		{"with its port", "sip.listen=udp:192.0.2.1:5070", "sip:a@192.0.2.1:5070"},
		{"the first", "sip.listen=tcp:192.0.2.2:5080,udp:192.0.2.1:5060",
		 "sip:a@192.0.2.2:5080"},
		{"v6", "sip.listen=udp:[2001:db8::1]:5070", "sip:a@[2001:db8::1]:5070"},
		{"a domain is better", "sip.domains= conf.example ,b.example",
		 "sip:a@conf.example"},
		{"what is public is best",
		 "sip.domains=conf.example\nsip.public_host=pub.example:5070",
		 "sip:a@pub.example:5070"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(&(struct world_options){.config = rows[i].config});
		struct room_view view;
		struct room *room;

		CHECK_INT(rows[i].name,
			  focus_room_create(world->focus, SLICE("a"), &(struct room_settings){0},
					    &room),
			  0);
		room_view(room, &view);
		CHECK_STR(rows[i].name, view.uri, rows[i].uri);
		world_end(world, rows[i].name);
	}
}

static void wildcard_listener(void)
{
	struct world *world = world_new(
		&(struct world_options){.config = "sip.listen=udp:0.0.0.0:5070"});

	CHECK("an address that can be called",
	      !slice_starts(slice_of(world->focus->host), SLICE("0.")));
	world_end(world, "wildcard_listener");
}

/* No host fits into a URI beside the longest name but 186 octets: longer ones are passed over. */
static void long_host(void)
{
	char config[64 + 256] = "sip.public_host=";
	struct world *world;

	memset(config + strlen(config), 'h', FOCUS_HOST_MAX + 1);
	world = world_new(&(struct world_options){.config = config});
	CHECK_STR(NULL, world->focus->host, "10.0.0.1");
	world_end(world, "long_host");
}

static void reload(void)
{
	struct world *world = world_new(NULL);
	struct buf errors = BUF_INIT;

	CHECK_INT(NULL, config_set(world->config, "sip.domains=new.example", &errors), 0);
	focus_reload(world->focus);
	CHECK_STR(NULL, world->focus->host, "new.example");
	buf_done(&errors);
	world_end(world, "reload");
}

static void parts(void)
{
	struct world *world = world_new(NULL);

	CHECK(NULL, focus_ua(world->focus) == world->server);
	CHECK(NULL, focus_store(world->focus) == &world->store);
	CHECK(NULL, focus_config(world->focus) == world->config);
	CHECK(NULL, focus_media(world->focus)->ctx == world->media);
	CHECK_INT(NULL, clock_wall_ms(focus_clock(world->focus)), clock_wall_ms(&world->clock));
	CHECK_INT(NULL, focus_stats(world->focus)->rejected_count, FOCUS_REJECT_COUNT);
	CHECK("NULL is fine", focus_free(NULL) == NULL);
	world_end(world, "parts");
}

/* Tags are as many as calls may be; more participants are refused, and nothing is left of them. */
static void participant_limit(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_phone(world, "alice");
	handle held[32768];
	uint32_t count = 0;

	while (count < ARRAY_LEN(held) &&
	       !handle_take(world->focus->tags, &held[count], &held[count]))
		count++;
	CHECK("the table is full", count < ARRAY_LEN(held));
	phone_dial(alice, "lobby");
	world_run(world, 1000);
	CHECK_INT(NULL, alice->final_status, 503);
	CHECK_INT("room undone", focus_room_count(world->focus), 0);
	while (count)
		(void)handle_drop(world->focus->tags, held[--count]);
	world_end(world, "participant_limit");
}

void suite_focus(void)
{
	CHECK_SUITE("focus");
	CHECK_TEST(hosts);
	CHECK_TEST(wildcard_listener);
	CHECK_TEST(long_host);
	CHECK_TEST(reload);
	CHECK_TEST(parts);
	CHECK_TEST(participant_limit);
}
