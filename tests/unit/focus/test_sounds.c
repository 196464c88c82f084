/* tests/unit/focus/test_sounds.c */
#include "focus/sounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static char dir[64];

static void touch(const char *name)
{
	char path[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	if (CHECK(name, file != NULL)) {
		(void)fputs("RIFF", file);
		fclose(file);
	}
}

static void link_to(const char *target, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	CHECK_INT(name, symlink(target, path), 0);
}

static void folder(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	CHECK_INT(name, mkdir(path, 0700), 0);
}

/* top/sounds is the operator's; top/secret.wav lies beside it. */
static struct world *world_make(void)
{
	char config[160];

	(void)snprintf(dir, sizeof(dir), "/tmp/hearth-sounds-XXXXXX");
	CHECK("dir", mkdtemp(dir) != NULL);
	folder("sounds");
	folder("sounds/more");
	folder("sounds-too");
	touch("secret.wav");
	touch("sounds-too/near.wav");
	touch("sounds/chime.wav");
	touch("sounds/with blank.ogg");
	touch("sounds/more/b.flac");
	touch("sounds/notes.txt");
	touch("sounds/.hidden.wav");
	link_to("chime.wav", "sounds/inside.wav");
	link_to("../secret.wav", "sounds/outside.wav");
	link_to("../sounds-too", "sounds/near");
	(void)snprintf(config, sizeof(config), "sounds.path=%s/sounds\nprompts.path=/nowhere", dir);
	return world_new(&(struct world_options){.config = config});
}

static void world_unmake(struct world *world, const char *row)
{
	char command[96];

	world_end(world, row);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	CHECK_INT("removed", system(command), 0);
}

static void names_stay_inside(void)
{
	static const struct {
		const char *name;
		int err;
	} rows[] = {
		{"chime.wav", 0},
		{"with blank.ogg", 0},
		{"more/b.flac", 0},
		{"inside.wav", 0},
		{"outside.wav", ERR_SOUND_UNKNOWN},
		{"near/near.wav", ERR_SOUND_UNKNOWN},
		{"../secret.wav", ERR_PLAY_ITEM},
		{"more/../../secret.wav", ERR_PLAY_ITEM},
		{"/etc/passwd", ERR_PLAY_ITEM},
		{"", ERR_PLAY_ITEM},
		{".", ERR_PLAY_ITEM},
		{"./chime.wav", ERR_PLAY_ITEM},
		{".hidden.wav", ERR_PLAY_ITEM},
		{"more//b.flac", ERR_PLAY_ITEM},
		{"more/", ERR_PLAY_ITEM},
		{"chime.wav\n", ERR_PLAY_ITEM},
		{"more", ERR_SOUND_UNKNOWN},
		{"notes.txt", ERR_SOUND_UNKNOWN},
		{"none.wav", ERR_SOUND_UNKNOWN},
	};
	struct world *world = world_make();
	char path[MEDIA_PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_INT(rows[i].name, sounds_path(world->focus, slice_of(rows[i].name), path),
			  rows[i].err);
	CHECK_INT("a NUL", sounds_path(world->focus, SLICE("chime.wav\0.wav"), path),
		  ERR_PLAY_ITEM);
	world_unmake(world, "names_stay_inside");
}

static void items(void)
{
	static const struct item_row {
		const char *item;
		int err;
		struct media_sound want;
	} rows[] = {
		{"tone:440", 0, {MEDIA_SOUND_TONE, NULL, {440, 0}, 18, 1000}},
		{"tone:440+480", 0, {MEDIA_SOUND_TONE, NULL, {440, 480}, 18, 1000}},
		{"tone:20:1", 0, {MEDIA_SOUND_TONE, NULL, {20, 0}, 18, 1}},
		{"tone:3900+20:3600000:-127",
		 0,
		 {MEDIA_SOUND_TONE, NULL, {3900, 20}, 127, 3600000}},
		{"tone:19", ERR_PLAY_ITEM, {0}},
		{"tone:3901", ERR_PLAY_ITEM, {0}},
		{"tone:440+", ERR_PLAY_ITEM, {0}},
		{"tone:440:0", ERR_PLAY_ITEM, {0}},
		{"tone:440:3600001", ERR_PLAY_ITEM, {0}},
		{"tone:440:100:20", ERR_PLAY_ITEM, {0}},
		{"tone:440:100:-128", ERR_PLAY_ITEM, {0}},
		{"tone:440:100:-20:x", ERR_PLAY_ITEM, {0}},
		{"tone:", ERR_PLAY_ITEM, {0}},
		{"pause:250", 0, {MEDIA_SOUND_PAUSE, NULL, {0, 0}, 0, 250}},
		{"pause:0", ERR_PLAY_ITEM, {0}},
		{"pause:-1", ERR_PLAY_ITEM, {0}},
		{"prompt:conf-unmuted", 0, {MEDIA_SOUND_TONE, NULL, {660, 0}, 18, 150}},
		{"prompt:none", ERR_SOUND_UNKNOWN, {0}},
		{"digits:12a", ERR_PLAY_ITEM, {0}},
		{"digits:", ERR_PLAY_ITEM, {0}},
		{"number:1000", ERR_PLAY_ITEM, {0}},
		{"file:../secret.wav", ERR_PLAY_ITEM, {0}},
		{"FILE:chime.wav", ERR_PLAY_ITEM, {0}},
		{"musical", ERR_PLAY_ITEM, {0}},
		{"", ERR_PLAY_ITEM, {0}},
	};
	struct world *world = world_make();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct media_sound *want = &rows[i].want, *got;
		struct sounds *sounds;

		if (sounds_new(world->focus->prompts, "", &sounds))
			break;
		CHECK_INT(rows[i].item, sounds_add(sounds, world->focus, slice_of(rows[i].item)),
			  rows[i].err);
		CHECK_INT(rows[i].item, sounds->list.count, rows[i].err ? 0 : 1);
		got = &sounds->list.sounds[0];
		if (!rows[i].err)
			CHECK(rows[i].item, got->kind == want->kind && got->hz[0] == want->hz[0] &&
						    got->hz[1] == want->hz[1] &&
						    got->ms == want->ms &&
						    got->level_dbov == want->level_dbov);
		sounds_free(sounds);
	}
	world_unmake(world, "items");
}

static void no_more_than_fit(void)
{
	struct world *world = world_make();
	struct sounds *sounds;
	int added = 0;

	CHECK_INT("new", sounds_new(world->focus->prompts, "", &sounds), 0);
	while (added < 2 * SOUNDS_ITEMS_MAX &&
	       !sounds_add(sounds, world->focus, SLICE("file:more/b.flac")))
		added++;
	CHECK_INT("files", added, SOUNDS_ITEMS_MAX);
	CHECK("its path", strstr(sounds->list.sounds[31].path, "/sounds/more/b.flac") != NULL);
	while (added < 2 * MEDIA_SOUNDS_MAX && !sounds_add(sounds, world->focus, SLICE("pause:1")))
		added++;
	CHECK("sounds", added < MEDIA_SOUNDS_MAX);
	sounds_free(sounds);
	world_unmake(world, "no_more_than_fit");
}

static void listed(void)
{
	static const char *const files[] = {
		"file:chime.wav",      "file:inside.wav", "file:more/b.flac",
		"file:with blank.ogg", "music",           "prompt:conf-full"};
	struct world *world = world_make();
	struct sounds_listed *all;
	uint32_t count, found = 0;

	CHECK_INT("list", sounds_list(world->focus, &all, &count), 0);
	for (uint32_t i = 0; i < count; i++) {
		CHECK(all[i].item, !strstr(all[i].item, "hidden") &&
					   !strstr(all[i].item, "side.wa") ==
						   (strcmp(all[i].item, "file:inside.wav") != 0) &&
					   !strstr(all[i].item, "near") &&
					   !strstr(all[i].item, "txt"));
		CHECK(all[i].item, i == 0 || strcmp(all[i - 1].item, all[i].item) < 0);
		for (size_t k = 0; k < ARRAY_LEN(files); k++)
			found += strcmp(all[i].item, files[k]) == 0;
	}
	CHECK_INT("found", found, ARRAY_LEN(files));
	CHECK_INT("size", all[0].octets, 4);
	free(all);
	world_unmake(world, "listed");
}

void suite_sounds(void)
{
	CHECK_SUITE("sounds");
	CHECK_TEST(names_stay_inside);
	CHECK_TEST(items);
	CHECK_TEST(no_more_than_fit);
	CHECK_TEST(listed);
}
