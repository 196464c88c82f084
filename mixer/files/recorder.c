/* mixer/files/recorder.c */
#include "mixer/files/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/ring.h"
#include "mixer/files/files_priv.h"

enum {
	AHEAD_FRAMES = RECORDER_AHEAD_MS / FILES_FRAME_MS,
	HEADER_FRAMES = RECORDER_HEADER_MS / FILES_FRAME_MS
};

struct frame {
	uint64_t at; /* number of the frame since the beginning */
	uint32_t is_silent;
	int16_t pcm[];
};

struct recorder {
	struct files_job job;
	uint64_t tag;
	uint32_t frame_samples;
	struct ring *ring;

	/* The worker's. */
	_Atomic uint64_t frames, lead; /* lead: of them, silence before the first that came */
	struct frame *given;

	/* The thread's. */
	SNDFILE *file;
	int fd;
	bool is_wav;
	struct frame *frame;
	uint64_t written, lost; /* frames */
	uint32_t since_header;
	_Atomic int err;
	bool is_told;
};

/* The thread -------------------------------------------------------------------------------- */

/* libsndfile keeps no errno; a write that fell short is nearly always a full disk. */
static void fail(struct recorder *recorder)
{
	atomic_store(&recorder->err,
		     errno == EDQUOT || errno == EIO || errno == EFBIG ? -errno : -ENOSPC);
}

static void append(struct recorder *recorder, const int16_t *pcm)
{
	sf_count_t samples = recorder->frame_samples;

	if (atomic_load(&recorder->err))
		return;
	errno = 0;
	if (sf_write_short(recorder->file, pcm, samples) != samples) {
		fail(recorder);
		return;
	}
	recorder->written++;
	if (++recorder->since_header < HEADER_FRAMES)
		return;
	recorder->since_header = 0;
	if (recorder->is_wav)
		(void)sf_command(recorder->file, SFC_UPDATE_HEADER_NOW, NULL, 0);
}

/* Silence for frames up to `at` that never came; those of the lead were not to. */
static void fill_gap(struct recorder *recorder, uint64_t at)
{
	static const int16_t silence[FILES_FRAME_SAMPLES_MAX];

	while (recorder->written < at && !atomic_load(&recorder->err)) {
		recorder->lost += recorder->written >= atomic_load(&recorder->lead);
		append(recorder, silence);
	}
}

static void drain(struct recorder *recorder)
{
	static const int16_t silence[FILES_FRAME_SAMPLES_MAX];
	struct frame *frame = recorder->frame;

	while (ring_take_rt(recorder->ring, frame)) {
		fill_gap(recorder, frame->at);
		append(recorder, frame->is_silent ? silence : frame->pcm);
	}
}

static void file_end(struct recorder *recorder)
{
	if (!recorder->file)
		return;
	fill_gap(recorder, atomic_load(&recorder->frames));
	sf_close(recorder->file);
	recorder->file = NULL;
}

static bool tell(struct recorder *recorder, bool is_failing)
{
	struct files_event event = {.tag = recorder->tag,
				    .is_failing = is_failing,
				    .err = atomic_load(&recorder->err),
				    .recorded_ms = recorder->written * FILES_FRAME_MS,
				    .lost_ms = recorder->lost * FILES_FRAME_MS};
	struct stat st;

	if (fstat(recorder->fd, &st) == 0)
		event.octets = (uint64_t)st.st_size;
	return files_tell(recorder->job.files, &event);
}

static bool recorder_turn(struct files_job *job)
{
	struct recorder *recorder = (struct recorder *)job;
	bool is_closed = atomic_load(&job->is_closed); /* before the last frames are taken */

	if (recorder->file)
		drain(recorder);
	if (!is_closed) {
		if (atomic_load(&recorder->err) && !recorder->is_told)
			recorder->is_told = tell(recorder, true);
		return true;
	}
	file_end(recorder);
	return !tell(recorder, false);
}

static void recorder_free(struct files_job *job)
{
	struct recorder *recorder = (struct recorder *)job;

	if (recorder->file)
		sf_close(recorder->file);
	if (recorder->fd >= 0)
		close(recorder->fd);
	ring_free(recorder->ring);
	free(recorder->given);
	free(recorder->frame);
	free(recorder);
}

/* Control ----------------------------------------------------------------------------------- */

static int file_make(struct recorder *recorder, const struct recorder_params *params)
{
	SF_INFO info = {.samplerate = (int)params->rate_hz, .channels = 1};
	int err;

	recorder->fd = open(params->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (recorder->fd < 0)
		return -errno;
	recorder->is_wav = params->format == MEDIA_RECORD_WAV;
	info.format = recorder->is_wav ? SF_FORMAT_WAV | SF_FORMAT_PCM_16
				       : SF_FORMAT_OGG | SF_FORMAT_OPUS;
	errno = 0;
	recorder->file = sf_open_fd(recorder->fd, SFM_WRITE, &info, SF_FALSE);
	if (recorder->file)
		return 0;
	err = errno == ENOSPC || errno == EDQUOT ? -ENOSPC : errno == EIO ? -EIO : ERR_FILE_FORMAT;
	(void)unlink(params->path);
	return err;
}

int recorder_new(struct files *files, const struct recorder_params *params,
		 struct recorder **ret_recorder)
{
	struct recorder *recorder;
	size_t size;
	int err;

	if (!files_is_rate(params->rate_hz))
		return -EINVAL;
	recorder = calloc(1, sizeof(*recorder));
	if (!recorder)
		return -ENOMEM;
	recorder->fd = -1;
	recorder->job.turn = recorder_turn;
	recorder->job.free = recorder_free;
	recorder->tag = params->tag;
	recorder->frame_samples = params->rate_hz / 1000 * FILES_FRAME_MS;
	size = sizeof(struct frame) + recorder->frame_samples * sizeof(int16_t);
	recorder->given = calloc(1, size);
	recorder->frame = calloc(1, size);
	err = recorder->given && recorder->frame ? 0 : -ENOMEM;
	if (err == 0)
		err = ring_new(AHEAD_FRAMES, (uint32_t)size, RING_WAKE_NONE, &recorder->ring);
	if (err == 0)
		err = file_make(recorder, params);
	if (err == 0)
		err = files_add(files, &recorder->job);
	if (err) {
		recorder_free(&recorder->job);
		return err;
	}
	*ret_recorder = recorder;
	return 0;
}

void recorder_close(struct recorder *recorder)
{
	struct files *files = recorder->job.files;

	atomic_store(&recorder->job.is_closed, true); /* the thread may free it from here on */
	files_hurry(files);
}

/* The worker -------------------------------------------------------------------------------- */

void recorder_lead_rt(struct recorder *recorder, uint64_t frames)
{
	atomic_store(&recorder->lead, frames);
	atomic_store_explicit(&recorder->frames, frames, memory_order_release);
}

void recorder_write_rt(struct recorder *recorder, const int16_t *pcm)
{
	struct frame *frame = recorder->given;
	uint64_t at = atomic_load_explicit(&recorder->frames, memory_order_relaxed);

	frame->at = at;
	frame->is_silent = !pcm;
	if (pcm)
		memcpy(frame->pcm, pcm, recorder->frame_samples * sizeof(*pcm));
	(void)ring_post_rt(recorder->ring, frame); /* else a gap, which the thread fills */
	atomic_store_explicit(&recorder->frames, at + 1, memory_order_release);
}

uint64_t recorder_ms(const struct recorder *recorder)
{
	return atomic_load_explicit(&recorder->frames, memory_order_relaxed) * FILES_FRAME_MS;
}

int recorder_err(const struct recorder *recorder)
{
	return atomic_load(&recorder->err);
}
