/* focus/recording.h -- what was said in a conference, in a file, with who spoke when beside it.
 *
 * A recording is a file of the mix of a room, <id>.wav or <id>.ogg in recordings.path, and, once it
 * has ended, <id>.json with the talk segments. With *tracks* each participant has a file as well,
 * <id>-<number>.wav: what the room hears of it. All files of a recording begin together, to the
 * sample: who came later begins with silence. One recording runs per room at a time. It ends when
 * it is stopped, when the last has left the room, or when the disk is full (state failed, with what
 * fitted). The list survives a restart; what was running when the process was killed is found again
 * as failed, and can be heard up to its last second. After recordings.days it is deleted.
 *
 * Thread: control.
 */
#ifndef FOCUS_RECORDING_H
#define FOCUS_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "focus/room.h"
#include "media.h"

enum { RECORDING_ID_MAX = 24, RECORDING_PATH_MAX = MEDIA_PATH_MAX, RECORDING_TRACKS_MAX = 500 };

struct focus;
struct participant;
struct recording;

enum recording_state {
	RECORDING_RUNNING,
	RECORDING_PAUSED,
	RECORDING_CLOSING, /* stopped; the file is being completed */
	RECORDING_DONE,
	RECORDING_FAILED,
	RECORDING_DELETED /* only in the event of it */
};

struct recording_view {
	SLICES(texts, id, room_id);
	enum media_record_format format;
	enum recording_state state;
	uint64_t started_wall_ms, length_ms, octets, lost_ms;
	int err;          /* FAILED: why */
	uint32_t tracks;  /* numbered from 1 on */
	uint64_t version; /* ETag */
};
void recording_view(const struct recording *recording, struct recording_view *ret_view);
const char *recording_state_name(enum recording_state state);       /* "running" ... */
const char *recording_format_name(enum media_record_format format); /* "wav", "ogg" */

struct track_view {
	uint32_t number;
	struct slice participant, uri, display_name;
	uint64_t length_ms, octets; /* octets: 0 while it runs */
	bool is_complete;
	int err;
};
/* False: there is no such track. */
bool recording_track_view(const struct recording *recording, uint32_t number,
			  struct track_view *ret_view);

struct recording_start {
	enum media_record_format format;
	bool has_tracks;
};
/* As recordings.format and recordings.tracks say. */
void recording_start_default(const struct focus *focus, struct recording_start *ret_start);

/* ERR_RECORDING_RUNS (one is running in this room), ERR_ROOM_EMPTY, negative errno of the file,
 * media errors. A track that cannot be made is logged and left out. */
int focus_recording_start(struct focus *focus, struct room *room,
			  const struct recording_start *start, struct recording **ret_recording);
struct recording *focus_recording_find(struct focus *focus, struct slice id); /* NULL: unknown */
/* Oldest first; NULL: the first. */
struct recording *focus_recording_next(struct focus *focus, struct recording *after);
/* ERR_STATE when it has ended. */
int focus_recording_pause(struct recording *recording, bool is_paused);
int focus_recording_stop(struct recording *recording);
/* Forgets it and deletes its files. ERR_STATE while it runs. */
int focus_recording_delete(struct recording *recording);

/* Path of the sound, or of the JSON beside it. */
void recording_path(const struct recording *recording, bool is_log,
		    char ret_path[RECORDING_PATH_MAX]);

void recording_track_path(const struct recording *recording, uint32_t number,
			  char ret_path[RECORDING_PATH_MAX]);

/* For the rest of the focus -------------------------------------------------------------------- */

void recordings_init(struct focus *focus);
/* Loads the list. Errors of the store. */
int recordings_load(struct focus *focus);
void recordings_free(struct focus *focus);
void recording_on_talking(const struct participant *participant, bool is_on);
/* Somebody is in the mix now: its track begins, or the recording that the room is set to. */
void recording_on_joined(struct participant *participant);
/* Its track alone; harmless where there is none. */
void recording_track_begin(const struct participant *participant);
void recording_track_end(const struct participant *participant);
/* Whose word it was that it ends, as in events (`by`), "" nobody's: files are completed later. */
const char *recording_ended_by(const struct recording *recording);
/* Whoever comes in is to be told. */
bool recording_is_announced(const struct room *room);
/* MEDIA_RECORD_ENDED. */
void recordings_on_media_event(struct focus *focus, const struct media_event *event);
/* Nobody is in the room any more, or it is about to be freed: the recording is over, and its files
 * are being completed. Who comes now is recorded anew. */
void recording_on_room_gone(struct room *room);
/* What is being recorded of a room: ROOM_RECORD_OFF, _MIX or _TRACKS. */
enum room_record recording_kind(const struct room *room);
/* A conference that was recorded so elsewhere has come here (focus/seats.h), or it stays after all:
 * is recorded on. True: it is recorded now. */
bool recording_continue(struct room *room, enum room_record kind);
/* By a moderator's keys: starts one, or stops the one that runs. */
void recording_toggle(struct room *room);

#endif
