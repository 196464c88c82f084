/* mixer/files/files.h -- the helper thread that reads and writes sound files.
 *
 * A mixer worker may not touch a file. So a *player* (player.h) is filled and a *recorder*
 * (recorder.h) is emptied by this one thread, frame by frame, through a ring that no one locks. It
 * looks at all of them every FILES_TURN_MS while there are any and sleeps else.
 *
 * Formats are libsndfile's: WAV, Ogg (Opus, Vorbis), FLAC, AU and more are read, WAV and Ogg/Opus
 * are written. Rates are converted by speexdsp, several channels are averaged to one.
 *
 * Ownership: control makes players and recorders and closes them; this thread frees them
 * afterwards. Threads:   files_* on control. The lock inside is between control and this thread; no
 * worker takes it.
 */
#ifndef MIXER_FILES_FILES_H
#define MIXER_FILES_FILES_H

#include <stdbool.h>
#include <stdint.h>

struct files;

enum {
	FILES_TURN_MS = 40,
	FILES_FRAME_MS = 20,
	FILES_RATE_HZ_MAX = 48000,
	FILES_FRAME_SAMPLES_MAX = FILES_RATE_HZ_MAX / 1000 * FILES_FRAME_MS,
	FILES_JOBS_MAX = 8192,  /* players and recorders at a time: ERR_LIMIT */
	FILES_EVENTS_MAX = 1024 /* ends of recordings not taken yet; more wait on the thread */
};

/* A recording has ended: its file is complete, or as complete as it could be. Or (is_failing) it
 * cannot go on: what it is given is dropped, close it. */
struct files_event {
	uint64_t tag; /* of the recorder */
	bool is_failing;
	int err; /* 0, or the first failure: negative errno, ERR_FILE_* */
	uint64_t recorded_ms;
	uint64_t octets;  /* of the file */
	uint64_t lost_ms; /* silence in place of sound that the thread was too slow for */
};

/* Starts the thread. -ENOMEM, errno of pthread_create and eventfd. */
int files_new(struct files **ret_files);
/* Ends every recording whole, frees all, joins the thread. Accepts NULL; returns NULL. No worker
 * has a player or recorder any more. */
struct files *files_free(struct files *files);

/* Ready to read when files_take may have something. */
int files_fd(const struct files *files);
void files_fd_ack(struct files *files); /* before the files_take that follow a ready fd */
bool files_take(struct files *files, struct files_event *ret_event);

/* True for 8000, 16000 and 48000. */
static inline bool files_is_rate(uint32_t rate_hz)
{
	return rate_hz == 8000 || rate_hz == 16000 || rate_hz == 48000;
}

#endif
