/* tests/bench/roster.c -- what a roster costs: bytes of its documents, and work to count.
 *
 *   bench_roster [participants] [subscribers] [changes]      1000 100 20
 *
 * A room of people that are being called, subscribers over a simulated network, and mutes at
 * random, each of which is one change for everybody. Nothing is timed here: count instructions with
 *   perf stat -e instructions:u build/release/tests/bench/bench_roster 1000 100 20
 * and take the difference of two runs with different numbers of changes. */
#include <stdio.h>
#include <stdlib.h>

#include "focus/focus_priv.h"
#include "focus/roster_doc.h"
#include "sip/subscription.h"
#include "tests/support/focus_world.h"

static uint64_t notifies, octets, largest;

static void on_notify(void *arg, struct sip_watch *watch, const struct sip_sub_status *status,
		      const struct sip_msg *notify)
{
	(void)arg;
	(void)watch;
	(void)status;
	notifies++;
	octets += notify->body.len;
	if (notify->body.len > largest)
		largest = notify->body.len;
}

static void on_ended(void *arg, struct sip_watch *watch, const struct sip_watch_end *end)
{
	(void)arg;
	(void)watch;
	(void)end;
}

static const struct sip_watch_handlers handlers = {.on_notify = on_notify, .on_ended = on_ended};

static void report(const char *what)
{
	printf("%-20s %8llu NOTIFYs %12llu octets, the largest %llu\n", what,
	       (unsigned long long)notifies, (unsigned long long)octets,
	       (unsigned long long)largest);
	notifies = octets = largest = 0;
}

static void fill(struct world *world, struct room *room, int people)
{
	for (int i = 0; i < people; i++) {
		struct participant *p;
		char uri[64];

		snprintf(uri, sizeof(uri), "sip:person%05d@10.0.0.9", i);
		if (focus_invite(world->focus, room, &(struct focus_invite){.uri = slice_of(uri)},
				 &p))
			abort();
	}
}

static void subscribe(struct world *world, int count)
{
	for (int i = 0; i < count; i++) {
		struct sip_watch *watch;

		if (sip_watch_new(world->phones_ua,
				  &(struct sip_watch_params){
					  .event = "conference",
					  .target = SLICE("sip:hall@" WORLD_SERVER),
					  .from = SLICE("<sip:watcher@" WORLD_PHONES ">"),
					  .contact_user = SLICE("watcher"),
					  .handlers = &handlers,
				  },
				  &watch))
			abort();
	}
}

/* Somebody is muted or not any more, and the interval passes. */
static void change(struct world *world, struct room *room, int changes)
{
	struct participant *p = NULL;

	for (int i = 0; i < changes; i++) {
		struct participant_control control = {.is_muted = true};

		p = focus_participant_next(room, p);
		if (!p)
			return;
		(void)focus_participant_set(world->focus, p, &control);
		world_run(world, 1100);
	}
}

int main(int argc, char **argv)
{
	int people = argc > 1 ? atoi(argv[1]) : 1000, watchers = argc > 2 ? atoi(argv[2]) : 100;
	int changes = argc > 3 ? atoi(argv[3]) : 20;
	struct world *world = world_new(&(struct world_options){.config = "focus.ring_s=600"});
	struct room *room;

	if (focus_room_create(world->focus, SLICE("hall"), &(struct room_settings){0}, &room))
		return 1;
	fill(world, room, people);
	subscribe(world, watchers);
	world_run(world, 9000); /* INVITEs that nobody answers end after 32 s */
	report("subscribed");
	change(world, room, changes);
	report("changes");
	world_free(world);
	return 0;
}
