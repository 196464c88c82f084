/* tests/unit/focus/test_recording.c */
#include "focus/recording.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static char dir[64];

static struct world *world_make(void)
{
	char config[128];

	(void)snprintf(dir, sizeof(dir), "/tmp/hearth-recordings-XXXXXX");
	CHECK("dir", mkdtemp(dir) != NULL);
	(void)snprintf(config, sizeof(config), "recordings.path=%s", dir);
	return world_new(&(struct world_options){.config = config});
}

static struct recording *start(struct world *world, const char *room)
{
	struct recording *recording = NULL;

	CHECK_INT("start",
		  focus_recording_start(world->focus, world_room(world, room), MEDIA_RECORD_WAV,
					&recording),
		  0);
	return recording;
}

static enum recording_state state(const struct recording *recording)
{
	struct recording_view view;

	recording_view(recording, &view);
	return view.state;
}

static void talk(struct phone *phone, bool is_on)
{
	fake_media_tell(world_leg(phone->world, phone_participant(phone, "team")),
			(struct media_event){.kind = MEDIA_LEG_TALKING, .is_on = is_on});
}

static void from_start_to_end(void)
{
	struct world *world = world_make();
	struct phone *alice = world_join(world, "alice", "team");
	struct recording *recording = start(world, "team"), *second = NULL;
	char path[RECORDING_PATH_MAX], text[1024] = "";
	FILE *file;

	CHECK_INT("one at a time",
		  focus_recording_start(world->focus, world_room(world, "team"), MEDIA_RECORD_WAV,
					&second),
		  ERR_RECORDING_RUNS);
	fake_media_record_length(world->media, 1000);
	talk(alice, true);
	fake_media_record_length(world->media, 3500);
	talk(alice, false);
	CHECK_INT("pause", focus_recording_pause(recording, true), 0);
	CHECK("at the mixer", fake_media_record_is_paused(world->media));
	CHECK_INT("is paused", state(recording), RECORDING_PAUSED);
	CHECK_INT("delete", focus_recording_delete(recording), ERR_STATE);
	CHECK_INT("go on", focus_recording_pause(recording, false), 0);
	talk(alice, true);
	fake_media_record_length(world->media, 5000);
	CHECK_INT("stop", focus_recording_stop(recording), 0);
	CHECK_INT("not complete yet", state(recording), RECORDING_CLOSING);
	fake_media_record_over(world->media, 0);
	CHECK_INT("done", state(recording), RECORDING_DONE);
	CHECK_INT("stop", focus_recording_stop(recording), ERR_STATE);
	recording_path(recording, true, path);
	file = fopen(path, "r");
	if (CHECK("log", file != NULL)) {
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
	}
	CHECK("first", strstr(text, "\"from_ms\": 1000, \"to_ms\": 3500}") != NULL);
	CHECK("cut at the end", strstr(text, "\"from_ms\": 3500, \"to_ms\": 5000}") != NULL);
	CHECK("by whom", strstr(text, "sip:alice@") != NULL);
	CHECK_INT("delete", focus_recording_delete(recording), 0);
	CHECK("its files go", access(path, F_OK) != 0);
	CHECK("found no more", focus_recording_next(world->focus, NULL) == NULL);
	rmdir(dir);
	world_end(world, "from_start_to_end");
}

/* The last one leaves, the room is closed, the disk is full: it ends, and nothing hangs. */
static void ends_by_itself(void)
{
	struct world *world = world_make();
	struct phone *alice = world_join(world, "alice", "team");
	struct recording *recording = start(world, "team");
	char path[RECORDING_PATH_MAX];

	phone_hang_up(alice);
	world_run(world, 500);
	CHECK("the room has gone", !world_room(world, "team"));
	fake_media_record_over(world->media, 0);
	CHECK_INT("done", state(recording), RECORDING_DONE);
	recording_path(recording, true, path);
	unlink(path);
	(void)world_join(world, "bob", "team");
	recording = start(world, "team");
	fake_media_record_over(world->media, -ENOSPC);
	CHECK_INT("failed", state(recording), RECORDING_FAILED);
	CHECK("the room is free for another", world_room(world, "team")->recording == NULL);
	recording_path(recording, true, path);
	unlink(path);
	rmdir(dir);
	world_end(world, "ends_by_itself");
}

static void refusals_leave_nothing(void)
{
	struct world *world = world_make();
	struct room_settings settings = {.is_locked = false};
	struct recording *recording = NULL;
	struct room *room;

	CHECK_INT("room", focus_room_create(world->focus, SLICE("empty"), &settings, &room), 0);
	CHECK_INT("nobody there",
		  focus_recording_start(world->focus, room, MEDIA_RECORD_WAV, &recording),
		  ERR_ROOM_EMPTY);
	(void)world_join(world, "alice", "team");
	fake_media_fail(world->media, FAKE_RECORD_START, -ENOSPC, 0, 1);
	CHECK_INT("no space",
		  focus_recording_start(world->focus, world_room(world, "team"), MEDIA_RECORD_WAV,
					&recording),
		  -ENOSPC);
	CHECK("untouched", recording == NULL && !focus_recording_next(world->focus, NULL));
	rmdir(dir);
	world_end(world, "refusals");
}

void suite_recording(void)
{
	CHECK_SUITE("recording");
	CHECK_TEST(from_start_to_end);
	CHECK_TEST(ends_by_itself);
	CHECK_TEST(refusals_leave_nothing);
}
