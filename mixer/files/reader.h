/* mixer/files/reader.h -- a sound file as mono samples of a wanted rate. Thread: any, one at a
 * time.
 */
#ifndef MIXER_FILES_READER_H
#define MIXER_FILES_READER_H

#include <stdint.h>

struct reader;

enum { READER_CHANNELS_MAX = 8 };

/* Negative errno of open, ERR_FILE_FORMAT (not a sound file, more channels, a rate out of
 * 4,000 to 192,000 Hz), -ENOMEM. */
int reader_new(const char *path, uint32_t rate_hz, struct reader **ret_reader);
struct reader *reader_free(struct reader *reader);

/* Up to `samples` (at most 960); fewer at the end of the file, then 0. A damaged file ends where
 * the damage begins. */
uint32_t reader_read(struct reader *reader, int16_t *pcm, uint32_t samples);

#endif
