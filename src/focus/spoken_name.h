/* focus/spoken_name.h -- what a caller said when asked for its name, heard when it comes and goes.
 *
 * A file in the folder "names" of recordings.path, gone NAME_KEEP_MS after its participant (its
 * farewell has been played by then), at the end of the process, and at the next start. Thread:
 * control.
 */
#ifndef FOCUS_SPOKEN_NAME_H
#define FOCUS_SPOKEN_NAME_H

#include <stdbool.h>

#include "media.h"

enum { NAME_LENGTH_MS = 5000, NAME_MIN_MS = 300, NAME_KEEP_MS = 60000 };

struct focus;
struct participant;
struct spoken_name;

/* Records what the participant says from now on (participant->name). Media errors, errno of the
 * file. */
int spoken_name_begin(struct participant *participant);
void spoken_name_stop(struct participant *participant); /* harmless when none is being recorded */
/* The file, once it is complete and long enough; else NULL. */
const char *spoken_name_path(const struct participant *participant);
/* The participant's memory goes. */
void spoken_name_let_go(struct participant *participant);

/* MEDIA_RECORD_ENDED: false when it is not one of a name. */
bool spoken_names_on_media_event(struct focus *focus, const struct media_event *event);
void spoken_names_sweep(struct focus *focus); /* what an earlier process left */
void spoken_names_free(struct focus *focus);

#endif
