/* mixer/files/recorder.h -- sound from a worker into a file.
 *
 * A worker writes one frame per tick; the files thread appends it. Recorders that begin and pause
 * in the same tick stay aligned to the sample: a frame that the thread was too slow for is
 * written as silence of the same length, never left out. One that joins a recording which is under
 * way can begin with the silence that it missed (_lead_rt), so that all files begin together. The
 * header of a WAV file is renewed every RECORDER_HEADER_MS, and pages of Ogg stand for themselves,
 * so a file stays playable when the process is killed. When the disk is full the file ends at the
 * last frame that fitted, which is told at once (files_event.is_failing) and again at the end; what
 * comes later is dropped.
 *
 * Threads: recorder_new and _close on control, _write_rt on the worker that has it, _ms and _err
 * anywhere.
 */
#ifndef MIXER_FILES_RECORDER_H
#define MIXER_FILES_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "media.h"
#include "mixer/files/files.h"

enum { RECORDER_AHEAD_MS = 2000, RECORDER_HEADER_MS = 1000 };

struct recorder_params {
	const char *path; /* made anew; an existing file is not touched: -EEXIST */
	enum media_record_format format;
	uint32_t rate_hz; /* 8000, 16000 or 48000 */
	uint64_t tag;     /* in the event of its end */
};

struct recorder;

/* Makes the file. Negative errno, ERR_FILE_FORMAT, ERR_LIMIT, -ENOMEM. */
int recorder_new(struct files *files, const struct recorder_params *params,
		 struct recorder **ret_recorder);
/* No worker has it any more. A struct files_event follows when the file is complete. */
void recorder_close(struct recorder *recorder);

/* Before the first frame: so many frames of silence lead. They count in recorder_ms at once. */
void recorder_lead_rt(struct recorder *recorder, uint64_t frames) NONBLOCKING;

/* One frame of rate_hz / 50 samples; NULL: silence. */
void recorder_write_rt(struct recorder *recorder, const int16_t *pcm) NONBLOCKING;

uint64_t recorder_ms(const struct recorder *recorder); /* written by the worker so far */
int recorder_err(const struct recorder *recorder);

#endif
