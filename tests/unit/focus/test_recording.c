/* tests/unit/focus/test_recording.c */
#include "focus/recording.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static char dir[64];
static const struct recording_start WAV = {.format = MEDIA_RECORD_WAV};

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
		  focus_recording_start(world->focus, world_room(world, room), &WAV, &recording),
		  0);
	return recording;
}

static void recordings_remove(void)
{
	char command[96];

	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	CHECK_INT("removed", system(command), 0);
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
		  focus_recording_start(world->focus, world_room(world, "team"), &WAV, &second),
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
	CHECK("first", strstr(text, "\"from_ms\": 1000,\n   \"to_ms\": 3500\n") != NULL);
	CHECK("cut at the end", strstr(text, "\"from_ms\": 3500,\n   \"to_ms\": 5000\n") != NULL);
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
	CHECK_INT("nobody there", focus_recording_start(world->focus, room, &WAV, &recording),
		  ERR_ROOM_EMPTY);
	(void)world_join(world, "alice", "team");
	fake_media_fail(world->media, FAKE_RECORD_START, -ENOSPC, 0, 1);
	CHECK_INT("no space",
		  focus_recording_start(world->focus, world_room(world, "team"), &WAV, &recording),
		  -ENOSPC);
	CHECK("untouched", recording == NULL && !focus_recording_next(world->focus, NULL));
	rmdir(dir);
	world_end(world, "refusals");
}

static struct track_view track_of(const struct recording *recording, uint32_t number)
{
	struct track_view track = {0};

	CHECK_INT("track", recording_track_view(recording, number, &track), true);
	return track;
}

/* Everybody has a file; who comes later too, and whose ends earlier is waited for no longer. */
static void a_track_each(void)
{
	static const struct recording_start tracks = {.format = MEDIA_RECORD_WAV,
						      .has_tracks = true};
	struct world *world = world_make();
	struct phone *alice = world_join(world, "alice", "team"), *bob;
	struct recording *recording = NULL;
	char path[RECORDING_PATH_MAX], text[2048] = "";
	struct track_view track;
	handle leg;
	FILE *file;

	CHECK_INT(
		"start",
		focus_recording_start(world->focus, world_room(world, "team"), &tracks, &recording),
		0);
	bob = world_join(world, "bob", "team");
	CHECK_INT("two", fake_media_tracks(world->media, false), 2);
	track = track_of(recording, 2);
	CHECK("bob's", strncmp(track.uri.p, "sip:bob@", 8) == 0 && !track.is_complete);
	CHECK("no third", !recording_track_view(recording, 3, &track));
	fake_media_record_length(world->media, 2000);
	leg = phone_participant(bob, "team")->leg.media;
	phone_hang_up(bob);
	world_run(world, 500);
	CHECK_INT("his is stopped", fake_media_tracks(world->media, true), 1);
	CHECK("and ends", fake_media_track_over(world->media, leg, 0));
	CHECK("complete", track_of(recording, 2).is_complete);
	CHECK_INT("it runs on", state(recording), RECORDING_RUNNING);
	leg = phone_participant(alice, "team")->leg.media;
	CHECK_INT("stop", focus_recording_stop(recording), 0);
	fake_media_record_over(world->media, 0);
	CHECK_INT("a track is awaited", state(recording), RECORDING_CLOSING);
	CHECK("hers", fake_media_track_over(world->media, leg, 0));
	CHECK_INT("done", state(recording), RECORDING_DONE);
	recording_path(recording, true, path);
	file = fopen(path, "r");
	if (CHECK("log", file != NULL)) {
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
	}
	recording_track_path(recording, 2, path);
	CHECK("names the files", strstr(text, strrchr(path, '/') + 1) != NULL);
	CHECK_INT("delete", focus_recording_delete(recording), 0);
	rmdir(dir);
	world_end(world, "a_track_each");
}

/* A track that cannot be made costs that track; the mix goes on. */
static void a_track_that_fails_is_left_out(void)
{
	static const struct recording_start tracks = {.format = MEDIA_RECORD_WAV,
						      .has_tracks = true};
	struct world *world = world_make();
	struct recording *recording = NULL;
	struct track_view track;

	(void)world_join(world, "alice", "team");
	fake_media_fail(world->media, FAKE_RECORD_START, -EMFILE, 1, 1);
	CHECK_INT(
		"start",
		focus_recording_start(world->focus, world_room(world, "team"), &tracks, &recording),
		0);
	CHECK("none", !recording_track_view(recording, 1, &track));
	CHECK_INT("runs", state(recording), RECORDING_RUNNING);
	CHECK_INT("stop", focus_recording_stop(recording), 0);
	fake_media_record_over(world->media, 0);
	CHECK_INT("done", state(recording), RECORDING_DONE);
	CHECK_INT("delete", focus_recording_delete(recording), 0);
	rmdir(dir);
	world_end(world, "a_track_that_fails");
}

/* A room that is set to it is recorded from the first on; who stops it has the last word until all
 * have left. */
static void by_the_room(void)
{
	struct world *world = world_make();
	struct room_settings settings = {.record = ROOM_RECORD_TRACKS};
	struct phone *alice, *bob;
	struct room *room;
	handle leg;

	CHECK_INT("room", focus_room_create(world->focus, SLICE("team"), &settings, &room), 0);
	alice = world_join(world, "alice", "team");
	if (!CHECK("it runs", room->recording != NULL))
		return;
	CHECK_INT("with tracks", fake_media_tracks(world->media, false), 1);
	leg = phone_participant(alice, "team")->leg.media;
	CHECK_INT("stop", focus_recording_stop(room->recording), 0);
	fake_media_record_over(world->media, 0);
	(void)fake_media_track_over(world->media, leg, 0);
	bob = world_join(world, "bob", "team");
	CHECK("not again", room->recording == NULL);
	phone_hang_up(alice);
	phone_hang_up(bob);
	world_run(world, 500);
	(void)world_join(world, "carol", "team");
	CHECK("the next conference is recorded", room->recording != NULL);
	world_end(world, "by_the_room");
	recordings_remove();
}

/* The room stays, but nobody is in it, and the mixer has not told yet that the file is complete. */
static void the_last_one_leaves(void)
{
	struct world *world = world_make();
	struct room_settings settings = {.record = ROOM_RECORD_MIX};
	struct recording *recording;
	struct phone *alice;
	struct room *room;

	CHECK_INT("room", focus_room_create(world->focus, SLICE("team"), &settings, &room), 0);
	alice = world_join(world, "alice", "team");
	recording = room->recording;
	if (!CHECK("it runs", recording != NULL))
		return;
	phone_hang_up(alice);
	world_run(world, 500);
	CHECK("the room stays", world_room(world, "team") == room && !room->bus);
	CHECK_INT("pause", focus_recording_pause(recording, true), ERR_STATE);
	CHECK_INT("stop", focus_recording_stop(recording), ERR_STATE);
	CHECK_INT("is completed", state(recording), RECORDING_CLOSING);
	(void)world_join(world, "bob", "team");
	CHECK("who comes now is recorded", room->recording && room->recording != recording);
	fake_media_record_over(world->media, 0);
	CHECK_INT("done", state(recording), RECORDING_DONE);
	world_end(world, "the_last_one_leaves");
	recordings_remove();
}

/* Everybody is told when it begins, who comes later when it comes. */
static void who_is_recorded_is_told(void)
{
	struct world *world = world_make();
	struct phone *alice = world_join(world, "alice", "team"), *bob;
	struct room *room = world_room(world, "team");
	struct recording *recording;

	world->config->recordings_announce = true;
	CHECK("nothing is said", !fake_media_play(world->media, 0, room->bus->room));
	recording = start(world, "team");
	CHECK("to all", fake_media_play(world->media, 0, room->bus->room) != NULL);
	CHECK("not to one", !phone_participant(alice, "team")->play);
	bob = world_join(world, "bob", "team");
	CHECK("to who comes", phone_participant(bob, "team")->play != 0);
	CHECK_INT("stop", focus_recording_stop(recording), 0);
	fake_media_record_over(world->media, 0);
	CHECK("nothing to who comes then",
	      !phone_participant(world_join(world, "cleo", "team"), "team")->play);
	world_end(world, "who_is_recorded_is_told");
	recordings_remove();
}

/* Where a law asks for it: every so often, not in a pause, and not when it is over. */
static void a_tone_now_and_then(void)
{
	struct world *world = world_make();
	struct recording *recording;
	uint32_t before;

	world->config->recordings_beep_s = 15;
	world->config->recordings_announce = false;
	(void)world_join(world, "alice", "team");
	recording = start(world, "team");
	before = fake_media_calls(world->media, FAKE_PLAY_START);
	world_run(world, 14000);
	CHECK_INT("not yet", fake_media_calls(world->media, FAKE_PLAY_START), before);
	world_run(world, 31500);
	CHECK_INT("three", fake_media_calls(world->media, FAKE_PLAY_START), before + 3);
	CHECK("to all, over whom nobody is lowered",
	      fake_media_play(world->media, 0, world_room(world, "team")->bus->room)
			      ->play.duck_cdb == 0);
	CHECK_INT("pause", focus_recording_pause(recording, true), 0);
	world_run(world, 40000);
	CHECK_INT("none", fake_media_calls(world->media, FAKE_PLAY_START), before + 3);
	CHECK_INT("go on", focus_recording_pause(recording, false), 0);
	world_run(world, 16000);
	CHECK_INT("again", fake_media_calls(world->media, FAKE_PLAY_START), before + 4);
	CHECK_INT("stop", focus_recording_stop(recording), 0);
	world_run(world, 60000);
	CHECK_INT("over", fake_media_calls(world->media, FAKE_PLAY_START), before + 4);
	fake_media_record_over(world->media, 0);
	world_end(world, "a_tone_now_and_then");
	recordings_remove();
}

/* After its days it goes, one that runs stays. */
static void days_pass(void)
{
	char config[128];
	struct world *world;
	struct recording *old, *running;

	(void)snprintf(dir, sizeof(dir), "/tmp/hearth-recordings-XXXXXX");
	CHECK("dir", mkdtemp(dir) != NULL);
	(void)snprintf(config, sizeof(config), "recordings.path=%s\nrecordings.days=1", dir);
	world = world_new(&(struct world_options){.config = config});
	(void)world_join(world, "alice", "team");
	old = start(world, "team");
	CHECK_INT("stop", focus_recording_stop(old), 0);
	fake_media_record_over(world->media, 0);
	running = start(world, "team");
	world_run(world, 23 * 3600 * 1000);
	CHECK("not yet", focus_recording_next(world->focus, NULL) == old);
	world_run(world, 3 * 3600 * 1000);
	CHECK("gone", focus_recording_next(world->focus, NULL) == running);
	CHECK("the one that runs stays", focus_recording_next(world->focus, running) == NULL);
	world_end(world, "days_pass");
	recordings_remove();
}

void suite_recording(void)
{
	CHECK_SUITE("recording");
	CHECK_TEST(from_start_to_end);
	CHECK_TEST(ends_by_itself);
	CHECK_TEST(refusals_leave_nothing);
	CHECK_TEST(a_track_each);
	CHECK_TEST(a_track_that_fails_is_left_out);
	CHECK_TEST(by_the_room);
	CHECK_TEST(the_last_one_leaves);
	CHECK_TEST(who_is_recorded_is_told);
	CHECK_TEST(a_tone_now_and_then);
	CHECK_TEST(days_pass);
}
