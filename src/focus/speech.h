/* focus/speech.h -- a voice reads texts into sound files, in the background (espeak-ng).
 *
 * One thread, which lives while there is something to read, runs `espeak-ng` for one text after the
 * other and puts each file into place whole (rename). Control asks from time to time whether it is
 * done and never waits. A server without espeak-ng goes on without. Thread: control.
 */
#ifndef FOCUS_SPEECH_H
#define FOCUS_SPEECH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wheel.h"
#include "media.h"

enum { SPEECH_VOICE_MAX = 15, SPEECH_POLL_MS = 200 };

struct speech_text {
	char path[MEDIA_PATH_MAX]; /* made anew; its directories, too */
	char voice[SPEECH_VOICE_MAX + 1];
	const char *text; /* UTF-8; static */
};

struct speech;

/* What came of it. `missing`: there is no espeak-ng, and nothing was read. */
struct speech_done {
	uint32_t made, failed;
	bool is_missing;
};
typedef void speech_done_fn(void *arg, const struct speech_done *done);

/* `program` is borrowed: "espeak-ng", looked for in PATH. -ENOMEM. */
int speech_new(struct wheel *wheel, const char *program, speech_done_fn *on_done, void *arg,
	       struct speech **ret_speech);
/* Waits for the text that is being read. Accepts NULL; returns NULL. */
struct speech *speech_free(struct speech *speech);

bool speech_is_busy(const struct speech *speech);
/* Takes over `texts` (malloc'd) when it succeeds. ERR_STATE while it is busy, errno of
 * pthread_create. on_done follows, from the wheel. */
int speech_read(struct speech *speech, struct speech_text *texts, uint32_t count);

#endif
