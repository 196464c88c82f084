/* focus/recording_priv.h -- the inside of a recording, for src/focus/recording*.c only. */
#ifndef FOCUS_RECORDING_PRIV_H
#define FOCUS_RECORDING_PRIV_H

#include <jansson.h>

#include "base/list.h"
#include "focus/participant_priv.h"
#include "focus/recording.h"
#include "focus/room_priv.h"

enum { RECORDING_TALKERS_MAX = 64 /* segments open at a time; more are left out */ };

struct segment {
	char participant[PARTICIPANT_ID_MAX + 1]; /* "": free */
	uint64_t from_ms;
};

struct track {
	struct list node; /* in recording->tracks, by number */
	struct recording *recording;
	uint32_t number; /* from 1 on, in the order of beginning */
	char participant[PARTICIPANT_ID_MAX + 1];
	char uri[STORE_URI_MAX + 1], display_name[STORE_TEXT_MAX + 1];
	handle media; /* until its file is complete; 0 */
	bool is_stopped;
	uint64_t length_ms, octets;
	int err;
};

struct recording {
	struct list node; /* in focus->recordings */
	struct focus *focus;
	char id[RECORDING_ID_MAX + 1], room_id[ROOM_ID_MAX + 1];
	enum media_record_format format;
	enum recording_state state;
	uint64_t started_wall_ms, length_ms, octets, lost_ms, version;
	int err;
	struct room *room;                     /* while it runs */
	char ended_by[PARTICIPANT_ID_MAX + 1]; /* whose word that was; "" nobody's */
	handle media;                          /* until its file is complete; 0 */
	struct timer beep;                     /* recordings.beep_s */
	bool has_tracks;
	struct list tracks;
	uint32_t track_count;
	struct segment segments[RECORDING_TALKERS_MAX];
	json_t *log; /* segments that have ended; NULL: none yet */
};

/* Length of the mix by now. */
uint64_t recording_length_ms(const struct recording *recording);
/* Of a file that begins now, in recordings.path. */
uint32_t recording_rate_hz(const struct recording *recording);

/* recording_log.c: who spoke when ----------------------------------------------------------------
 */

void segments_begin(struct recording *recording); /* whoever speaks already */
void segments_close(struct recording *recording);
void segments_write(struct recording *recording); /* the file beside the sound */

/* recording_tracks.c ------------------------------------------------------------------------------
 */

void tracks_begin(struct recording *recording); /* of everybody who is in the mix */
void tracks_stop(struct recording *recording);
/* Files that are not complete. */
uint32_t tracks_open(const struct recording *recording);
/* MEDIA_RECORD_ENDED of one of them; false: it is none of theirs. */
bool tracks_on_ended(struct recording *recording, const struct media_event *event);
/* Those that the store has, of recordings that were loaded before. Errors of the store. */
int tracks_load(struct focus *focus);
void tracks_free(struct recording *recording);
/* With their files, and out of the store. */
void tracks_delete(struct recording *recording);

#endif
