/* tests/unit/mixer/test_recorder.c */
#include "mixer/files/recorder.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/check.h"

static char dir[64], path[96];

static struct files *begin(const char *name)
{
	struct files *files = NULL;

	(void)snprintf(dir, sizeof(dir), "/tmp/hearth-recorder-XXXXXX");
	CHECK("dir", mkdtemp(dir) != NULL);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	CHECK_INT("files", files_new(&files), 0);
	return files;
}

static void end(struct files *files)
{
	files_free(files);
	unlink(path);
	rmdir(dir);
}

static void write_frame(struct recorder *recorder, uint32_t at)
{
	int16_t pcm[160];

	for (uint32_t i = 0; i < 160; i++)
		pcm[i] = (int16_t)((at * 160 + i) % 30000);
	recorder_write_rt(recorder, pcm);
}

static struct files_event wait_end(struct files *files)
{
	struct pollfd ready = {.fd = files_fd(files), .events = POLLIN};
	struct files_event event = {.tag = 0};

	CHECK_INT("told in time", poll(&ready, 1, 5000), 1);
	files_fd_ack(files);
	CHECK("event", files_take(files, &event));
	return event;
}

static uint32_t read_back(int16_t *pcm, uint32_t max)
{
	SF_INFO info = {.format = 0};
	SNDFILE *file = sf_open(path, SFM_READ, &info);
	sf_count_t got = file ? sf_readf_short(file, pcm, max) : 0;

	if (file)
		sf_close(file);
	return (uint32_t)got;
}

static void writes_every_sample(void)
{
	struct files *files = begin("all.wav");
	struct recorder *recorder;
	struct files_event event;
	int16_t back[160 * 60];
	bool is_same = true;

	CHECK_INT("new",
		  recorder_new(files,
			       &(struct recorder_params){.path = path, .rate_hz = 8000, .tag = 7},
			       &recorder),
		  0);
	for (uint32_t i = 0; i < 50; i++) {
		if (i % 10 == 9)
			recorder_write_rt(recorder, NULL);
		else
			write_frame(recorder, i);
	}
	CHECK_INT("a second", recorder_ms(recorder), 1000);
	recorder_close(recorder);
	event = wait_end(files);
	CHECK_INT("tag", event.tag, 7);
	CHECK_INT("err", event.err, 0);
	CHECK_INT("length", event.recorded_ms, 1000);
	CHECK_INT("nothing lost", event.lost_ms, 0);
	CHECK_INT("octets", event.octets, 44 + 16000);
	CHECK_INT("samples", read_back(back, 160 * 60), 8000);
	for (uint32_t i = 0; i < 8000; i++)
		is_same = is_same && back[i] == (i / 160 % 10 == 9 ? 0 : (int16_t)(i % 30000));
	CHECK("the same", is_same);
	end(files);
}

/* More at once than the ring holds: what did not fit is silence of the same length. */
static void a_gap_keeps_its_length(void)
{
	struct files *files = begin("gap.wav");
	struct recorder *recorder;
	struct files_event event;
	enum { FRAMES = RECORDER_AHEAD_MS / FILES_FRAME_MS * 3 };
	static int16_t back[160 * (FRAMES + 1)];

	CHECK_INT("new",
		  recorder_new(files, &(struct recorder_params){.path = path, .rate_hz = 8000},
			       &recorder),
		  0);
	for (uint32_t i = 0; i < FRAMES; i++)
		write_frame(recorder, i);
	nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	write_frame(recorder, FRAMES);
	recorder_close(recorder);
	event = wait_end(files);
	CHECK_INT("length", event.recorded_ms, (FRAMES + 1) * FILES_FRAME_MS);
	CHECK("told", event.lost_ms > 0);
	CHECK_INT("samples", read_back(back, 160 * (FRAMES + 1)), 160 * (FRAMES + 1));
	CHECK_INT("the last is in its place", back[160 * FRAMES + 1], (160 * FRAMES + 1) % 30000);
	end(files);
}

static void opus_is_written(void)
{
	struct files *files = begin("room.ogg");
	struct recorder *recorder;
	struct files_event event;
	static int16_t back[48000 * 2];
	int16_t pcm[960];

	for (int i = 0; i < 960; i++)
		pcm[i] = (int16_t)(i % 48 < 24 ? 8000 : -8000);
	CHECK_INT("new",
		  recorder_new(files,
			       &(struct recorder_params){.path = path,
							 .format = MEDIA_RECORD_OGG_OPUS,
							 .rate_hz = 48000},
			       &recorder),
		  0);
	for (int i = 0; i < 50; i++)
		recorder_write_rt(recorder, pcm);
	recorder_close(recorder);
	event = wait_end(files);
	CHECK_INT("err", event.err, 0);
	CHECK("compressed", event.octets > 1000 && event.octets < 40000);
	CHECK_INT("samples", read_back(back, 96000), 48000);
	end(files);
}

/* A header that is renewed makes a file whole that nobody closed. */
static void playable_while_it_is_written(void)
{
	struct files *files = begin("open.wav");
	struct recorder *recorder;
	static int16_t back[16000];
	uint32_t got = 0;

	CHECK_INT("new",
		  recorder_new(files, &(struct recorder_params){.path = path, .rate_hz = 8000},
			       &recorder),
		  0);
	for (uint32_t i = 0; i < 75; i++)
		write_frame(recorder, i);
	for (int i = 0; i < 5000 && got < 8000; i++) { /* may be looked at while it is renewed */
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		got = read_back(back, 16000);
	}
	CHECK_INT("at least a second", got >= 8000, true);
	recorder_close(recorder);
	end(files);
}

/* The limit on file sizes stands for the disk: writes beyond fall short in the same way. */
static void a_full_disk_is_told(void)
{
	struct files *files = begin("full.wav");
	struct rlimit before, small;
	struct recorder *recorder;
	struct files_event event;
	static int16_t back[16000];

	(void)signal(SIGXFSZ, SIG_IGN);
	CHECK_INT("limit", getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 8044;
	CHECK_INT("limit", setrlimit(RLIMIT_FSIZE, &small), 0);
	CHECK_INT("new",
		  recorder_new(files, &(struct recorder_params){.path = path, .rate_hz = 8000},
			       &recorder),
		  0);
	for (uint32_t i = 0; i < 50; i++)
		write_frame(recorder, i);
	event = wait_end(files);
	CHECK("at once", event.is_failing && event.err != 0);
	recorder_close(recorder);
	event = wait_end(files);
	CHECK("and at the end", !event.is_failing);
	CHECK_INT("limit", setrlimit(RLIMIT_FSIZE, &before), 0);
	CHECK("told", event.err == -ENOSPC || event.err == -EFBIG);
	CHECK_INT("what fitted is there", event.recorded_ms, 500);
	CHECK_INT("and can be heard", read_back(back, 16000), 4000);
	end(files);
}

static void a_file_that_cannot_be_made(void)
{
	struct files *files = begin("there.wav");
	struct recorder *recorder = NULL;

	CHECK_INT("link", symlink("/dev/null", path), 0);
	CHECK_INT("what exists is left alone",
		  recorder_new(files, &(struct recorder_params){.path = path, .rate_hz = 8000},
			       &recorder),
		  -EEXIST);
	CHECK_INT("nowhere",
		  recorder_new(files,
			       &(struct recorder_params){.path = "/nowhere/x.wav", .rate_hz = 8000},
			       &recorder),
		  -ENOENT);
	CHECK_INT("rate",
		  recorder_new(files, &(struct recorder_params){.path = path, .rate_hz = 44100},
			       &recorder),
		  -EINVAL);
	CHECK("untouched", recorder == NULL);
	end(files);
}

void suite_recorder(void)
{
	CHECK_SUITE("recorder");
	CHECK_TEST(writes_every_sample);
	CHECK_TEST(a_gap_keeps_its_length);
	CHECK_TEST(opus_is_written);
	CHECK_TEST(playable_while_it_is_written);
	CHECK_TEST(a_full_disk_is_told);
	CHECK_TEST(a_file_that_cannot_be_made);
}
