/* mixer/files/reader.c */
#include "mixer/files/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sndfile.h>
#include <speex/speex_resampler.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

enum {
	BLOCK = 480, /* frames of the file read at once */
	RATE_HZ_MIN = 4000,
	RATE_HZ_MAX = 192000,
	QUALITY = 5 /* of the resampler, 0 to 10 */
};

struct reader {
	int fd;
	SNDFILE *file;
	SF_INFO info;
	SpeexResamplerState *resampler; /* NULL: the file has the wanted rate */
	int16_t mono[BLOCK];
	uint32_t mono_at, mono_count;
	uint32_t tail; /* samples of silence that still push out what the resampler holds */
	bool is_at_end;
};

static int file_open(struct reader *reader, const char *path)
{
	reader->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (reader->fd < 0)
		return -errno;
	reader->file = sf_open_fd(reader->fd, SFM_READ, &reader->info, SF_FALSE);
	if (!reader->file)
		return ERR_FILE_FORMAT;
	if (reader->info.channels < 1 || reader->info.channels > READER_CHANNELS_MAX ||
	    reader->info.samplerate < RATE_HZ_MIN || reader->info.samplerate > RATE_HZ_MAX)
		return ERR_FILE_FORMAT;
	return 0;
}

static int resampler_open(struct reader *reader, uint32_t rate_hz)
{
	uint32_t from_hz = (uint32_t)reader->info.samplerate;

	if (from_hz == rate_hz)
		return 0;
	reader->resampler = speex_resampler_init(1, from_hz, rate_hz, QUALITY, NULL);
	if (!reader->resampler)
		return -ENOMEM;
	speex_resampler_skip_zeros(reader->resampler);
	reader->tail = (uint32_t)speex_resampler_get_input_latency(reader->resampler);
	return 0;
}

int reader_new(const char *path, uint32_t rate_hz, struct reader **ret_reader)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	int err;

	if (!reader)
		return -ENOMEM;
	reader->fd = -1;
	err = file_open(reader, path);
	if (err == 0)
		err = resampler_open(reader, rate_hz);
	if (err) {
		reader_free(reader);
		return err;
	}
	*ret_reader = reader;
	return 0;
}

struct reader *reader_free(struct reader *reader)
{
	if (!reader)
		return NULL;
	if (reader->resampler)
		speex_resampler_destroy(reader->resampler);
	if (reader->file)
		sf_close(reader->file);
	if (reader->fd >= 0)
		close(reader->fd);
	free(reader);
	return NULL;
}

/* More mono samples of the file's rate; at its end the resampler's tail of silence. */
static bool block_read(struct reader *reader)
{
	int channels = reader->info.channels;
	int16_t block[BLOCK * READER_CHANNELS_MAX];
	sf_count_t got = reader->is_at_end ? 0 : sf_readf_short(reader->file, block, BLOCK);

	reader->mono_at = 0;
	if (got <= 0) {
		reader->is_at_end = true;
		reader->mono_count = reader->tail < BLOCK ? reader->tail : BLOCK;
		reader->tail -= reader->mono_count;
		memset(reader->mono, 0, sizeof(reader->mono));
		return reader->mono_count > 0;
	}
	for (sf_count_t i = 0; i < got; i++) {
		int32_t sum = 0;

		for (int c = 0; c < channels; c++)
			sum += block[i * channels + c];
		reader->mono[i] = (int16_t)(sum / channels);
	}
	reader->mono_count = (uint32_t)got;
	return true;
}

static uint32_t convert(struct reader *reader, int16_t *pcm, uint32_t samples)
{
	spx_uint32_t in = reader->mono_count - reader->mono_at, out = samples;

	if (!reader->resampler) {
		out = in < samples ? in : samples;
		memcpy(pcm, reader->mono + reader->mono_at, out * sizeof(*pcm));
		in = out;
	} else {
		speex_resampler_process_int(reader->resampler, 0, reader->mono + reader->mono_at,
					    &in, pcm, &out);
	}
	reader->mono_at += in;
	return out;
}

uint32_t reader_read(struct reader *reader, int16_t *pcm, uint32_t samples)
{
	uint32_t done = 0;

	while (done < samples) {
		if (reader->mono_at == reader->mono_count && !block_read(reader))
			break;
		done += convert(reader, pcm + done, samples - done);
	}
	return done;
}
