/* tests/unit/mixer/test_player.c */
#include "mixer/files/player.h"

#include <errno.h>
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "mixer/level.h"
#include "tests/support/check.h"

static char path[64];

/* A WAV file of one or two channels in which sample i is i % 30000. */
static void make_wav(uint32_t rate_hz, int channels, uint32_t samples)
{
	SF_INFO info = {.samplerate = (int)rate_hz,
			.channels = channels,
			.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
	SNDFILE *file;
	int fd;

	(void)snprintf(path, sizeof(path), "/tmp/hearth-player-XXXXXX");
	fd = mkstemp(path);
	file = sf_open_fd(fd, SFM_WRITE, &info, SF_TRUE);
	for (uint32_t i = 0; i < samples; i++) {
		short values[2] = {(short)(i % 30000), (short)(i % 30000)};

		(void)sf_writef_short(file, values, 1);
	}
	sf_close(file);
}

/* Waits for the thread; five seconds at most. */
static enum player_read read_frame(struct player *player, int16_t *pcm)
{
	enum player_read read = player_read_rt(player, pcm);

	for (int i = 0; i < 5000 && read == PLAYER_LATE; i++) {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		read = player_read_rt(player, pcm);
	}
	return read;
}

static struct player *play(struct files *files, struct player_params params)
{
	struct player *player = NULL;

	CHECK_INT("new", player_new(files, &params, &player), 0);
	return player;
}

static void plays_a_file_to_the_sample(void)
{
	struct files *files;
	struct player *player;
	int16_t pcm[160];
	bool is_same = true;

	CHECK_INT("files", files_new(&files), 0);
	make_wav(8000, 2, 8000 * 2 + 80);
	player = play(files, (struct player_params){.sounds = &(struct media_sound){.path = path},
						    .sound_count = 1,
						    .rate_hz = 8000});
	for (uint32_t i = 0; i < 100; i++) {
		CHECK_INT("frame", read_frame(player, pcm), PLAYER_SOUND);
		for (uint32_t k = 0; k < 160; k++)
			is_same = is_same && pcm[k] == (int16_t)((i * 160 + k) % 30000);
	}
	CHECK("two seconds", is_same);
	CHECK_INT("the rest", read_frame(player, pcm), PLAYER_SOUND);
	CHECK_INT("has its end", pcm[79], 16079);
	CHECK_INT("and silence", pcm[80], 0);
	CHECK_INT("over", read_frame(player, pcm), PLAYER_OVER);
	CHECK_INT("stays over", player_read_rt(player, pcm), PLAYER_OVER);
	CHECK_INT("position", player_position_ms(player), 2020);
	CHECK_INT("no error", player_err(player), 0);
	player_close(player);
	files_free(files);
	unlink(path);
}

static void converts_the_rate(void)
{
	struct files *files;
	struct player *player;
	int16_t pcm[960];
	uint32_t frames = 0;

	CHECK_INT("files", files_new(&files), 0);
	make_wav(22050, 1, 22050);
	player = play(files, (struct player_params){.sounds = &(struct media_sound){.path = path},
						    .sound_count = 1,
						    .rate_hz = 48000});
	while (read_frame(player, pcm) == PLAYER_SOUND)
		frames++;
	CHECK_INT("a second of it", frames, 50);
	player_close(player);
	files_free(files);
	unlink(path);
}

static void seeks_and_plays_again(void)
{
	struct files *files;
	struct player *player;
	int16_t pcm[160];

	CHECK_INT("files", files_new(&files), 0);
	make_wav(8000, 1, 16000);
	player = play(files, (struct player_params){.sounds = &(struct media_sound){.path = path},
						    .sound_count = 1,
						    .start_ms = 500,
						    .rate_hz = 8000});
	CHECK_INT("starts", read_frame(player, pcm), PLAYER_SOUND);
	CHECK_INT("in the middle", pcm[0], 4000);
	player_seek(player, 1900);
	CHECK_INT("goes on", read_frame(player, pcm), PLAYER_SOUND);
	CHECK_INT("near the end", pcm[0], 15200);
	while (read_frame(player, pcm) == PLAYER_SOUND)
		;
	player_seek(player, 0);
	CHECK_INT("again", read_frame(player, pcm), PLAYER_SOUND);
	CHECK_INT("from the beginning", pcm[1], 1);
	player_seek(player, 60000);
	CHECK_INT("beyond the end", read_frame(player, pcm), PLAYER_OVER);
	player_close(player);
	files_free(files);
	unlink(path);
}

/* An hour on takes the thread many turns; what is heard is the place that was asked for. */
static void seeks_far(void)
{
	static const struct media_sound sounds[] = {
		{.kind = MEDIA_SOUND_PAUSE, .ms = 3500000},
		{.kind = MEDIA_SOUND_TONE, .hz = {1000, 0}, .level_dbov = 6, .ms = 100}};
	struct files *files;
	struct player *player;
	int16_t pcm[160];

	CHECK_INT("files", files_new(&files), 0);
	player = play(files, (struct player_params){.sounds = sounds,
						    .sound_count = 2,
						    .start_ms = 3499980,
						    .rate_hz = 8000});
	CHECK_INT("the end of the pause", read_frame(player, pcm), PLAYER_SOUND);
	CHECK("silent", pcm[80] == 0 && pcm[82] == 0);
	CHECK_INT("place", player_position_ms(player), 3500000);
	CHECK_INT("then the tone", read_frame(player, pcm), PLAYER_SOUND);
	CHECK("heard", pcm[82] > 10000);
	player_close(player);
	files_free(files);
}

static void lists_tones_and_pauses(void)
{
	struct media_sound sounds[] = {
		{.kind = MEDIA_SOUND_TONE, .hz = {440, 0}, .level_dbov = 10, .ms = 100},
		{.kind = MEDIA_SOUND_PAUSE, .ms = 40},
		{.kind = MEDIA_SOUND_FILE, .path = "/nowhere/at/all.wav"},
		{.kind = MEDIA_SOUND_FILE, .path = "/proc/self/status"},
		{.kind = MEDIA_SOUND_FILE, .path = path},
	};
	struct files *files;
	struct player *player;
	int16_t pcm[160];

	CHECK_INT("files", files_new(&files), 0);
	make_wav(8000, 1, 160);
	player = play(files,
		      (struct player_params){.sounds = sounds, .sound_count = 5, .rate_hz = 8000});
	for (int i = 0; i < 5; i++) {
		CHECK_INT("tone", read_frame(player, pcm), PLAYER_SOUND);
		CHECK_NEAR("a sine of -10 dBov peak", level_pcm(pcm, 160), 13, 1);
	}
	CHECK_INT("pause", read_frame(player, pcm), PLAYER_SOUND);
	CHECK_INT("is silent", level_pcm(pcm, 160), 127);
	CHECK_INT("pause", read_frame(player, pcm), PLAYER_SOUND);
	CHECK_INT("what cannot be read is passed over", read_frame(player, pcm), PLAYER_SOUND);
	CHECK_INT("the file", pcm[159], 159);
	CHECK_INT("over", read_frame(player, pcm), PLAYER_OVER);
	CHECK_INT("the first error", player_err(player), -ENOENT);
	player_close(player);
	files_free(files);
	unlink(path);
}

static void loops_but_not_on_nothing(void)
{
	struct files *files;
	struct player *player, *nothing;
	int16_t pcm[160];
	bool is_same = true;

	CHECK_INT("files", files_new(&files), 0);
	make_wav(8000, 1, 320);
	player = play(files, (struct player_params){.sounds = &(struct media_sound){.path = path},
						    .sound_count = 1,
						    .is_loop = true,
						    .rate_hz = 8000});
	for (int i = 0; i < 200; i++) {
		is_same = is_same && read_frame(player, pcm) == PLAYER_SOUND &&
			  pcm[0] == i % 2 * 160;
	}
	CHECK("round and round", is_same);
	nothing = play(files,
		       (struct player_params){.sounds = &(struct media_sound){.path = "/nowhere"},
					      .sound_count = 1,
					      .is_loop = true,
					      .rate_hz = 8000});
	CHECK_INT("a loop of nothing ends", read_frame(nothing, pcm), PLAYER_OVER);
	player_close(player);
	player_close(nothing);
	files_free(files);
	unlink(path);
}

static void bad_orders_are_refused(void)
{
	static char long_path[MEDIA_PATH_MAX + 1];
	struct media_sound sounds[MEDIA_SOUNDS_MAX + 1] = {{.kind = MEDIA_SOUND_PAUSE, .ms = 1}};
	struct {
		const char *row;
		struct player_params params;
		int err;
	} rows[] = {
		{"no items", {.rate_hz = 8000}, -EINVAL},
		{"a rate", {.sounds = sounds, .sound_count = 1, .rate_hz = 11025}, -EINVAL},
		{"no path", {.sounds = sounds + 1, .sound_count = 1, .rate_hz = 8000}, -EINVAL},
		{"items",
		 {.sounds = sounds, .sound_count = MEDIA_SOUNDS_MAX + 1, .rate_hz = 8000},
		 ERR_LIMIT},
		{"path",
		 {.sounds = &(struct media_sound){.path = long_path},
		  .sound_count = 1,
		  .rate_hz = 8000},
		 ERR_LIMIT},
	};
	struct files *files;
	struct player *player = NULL;

	memset(long_path, 'x', sizeof(long_path) - 1);
	CHECK_INT("files", files_new(&files), 0);
	for (uint32_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_INT(rows[i].row, player_new(files, &rows[i].params, &player), rows[i].err);
	CHECK("untouched", player == NULL);
	files_free(files);
}

void suite_player(void)
{
	CHECK_SUITE("player");
	CHECK_TEST(plays_a_file_to_the_sample);
	CHECK_TEST(converts_the_rate);
	CHECK_TEST(seeks_and_plays_again);
	CHECK_TEST(seeks_far);
	CHECK_TEST(lists_tones_and_pauses);
	CHECK_TEST(loops_but_not_on_nothing);
	CHECK_TEST(bad_orders_are_refused);
}
