/* http/schema_sound.c -- the tables of recordings, plays and sounds. */
#include "focus/play.h"
#include "focus/sounds.h"
#include "http/schema.h"

static const struct field recording_start[] = {
	{"format", FIELD_STRING, 0, 0, 0, NULL, "wav or ogg (Opus); default: recordings.format."},
	{"tracks", FIELD_BOOL, 0, 0, 0, NULL,
	 "A file of each participant as well; default: recordings.tracks."},
	{0},
};

static const struct field recording_change[] = {
	{"paused", FIELD_BOOL, 0, 0, 0, NULL, "A pause leaves nothing in the file."},
	{"stopped", FIELD_BOOL, 0, 0, 0, NULL, "True ends it; it cannot be taken back."},
	{0},
};

static const struct field recording[] = {
	{"id", FIELD_STRING, 0, 0, 0, NULL, "Name of the recording."},
	{"room_id", FIELD_STRING, 0, 0, 0, NULL, "The room that was recorded."},
	{"format", FIELD_STRING, 0, 0, 0, NULL, "wav or ogg."},
	{"state", FIELD_STRING, 0, 0, 0, NULL, "running, paused, closing, done or failed."},
	{"started_at", FIELD_TIME, 0, 0, 0, NULL, "When it began."},
	{"length_ms", FIELD_INTEGER, 0, 0, 0, NULL, "Of sound, pauses left out."},
	{"octets", FIELD_INTEGER, 0, 0, 0, NULL, "Size of the file, once it has ended."},
	{"lost_ms", FIELD_INTEGER, 0, 0, 0, NULL,
	 "Silence in the file because the disk was too slow."},
	{"error", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL, "Why it failed; null: it did not."},
	{"tracks", FIELD_INTEGER, 0, 0, 0, NULL,
	 "Files of single participants, numbered from 1 on."},
	{0},
};

static const struct field recording_track[] = {
	{"number", FIELD_INTEGER, 0, 0, 0, NULL, "From 1 on, in the order of beginning."},
	{"participant", FIELD_STRING, 0, 0, 0, NULL, "Whom it is of."},
	{"uri", FIELD_STRING, 0, 0, 0, NULL, "Its URI."},
	{"display_name", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL, "Its name."},
	{"length_ms", FIELD_INTEGER, 0, 0, 0, NULL,
	 "Of the file: it begins with the recording, with silence before the participant came."},
	{"octets", FIELD_INTEGER, 0, 0, 0, NULL, "Size of the file, once it has ended."},
	{"complete", FIELD_BOOL, 0, 0, 0, NULL, "Nothing will be added to it."},
	{"error", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL, "Why it failed; null: it did not."},
	{0},
};

static const struct field recording_tracks[] = {
	{"tracks", FIELD_LIST, 0, 0, 0, "RecordingTrack", "In the order of their numbers."},
	{0},
};

static const struct field recording_segment[] = {
	{"participant", FIELD_STRING, 0, 0, 0, NULL, "Who spoke: id of the participant."},
	{"uri", FIELD_STRING, 0, 0, 0, NULL, "Its address."},
	{"display_name", FIELD_STRING, 0, 0, 0, NULL, "Its name."},
	{"from_ms", FIELD_INTEGER, 0, 0, 0, NULL, "Where in the file it began."},
	{"to_ms", FIELD_INTEGER, 0, 0, 0, NULL, "Where it ended."},
	{0},
};

static const struct field recording_track_of_log[] = {
	{"number", FIELD_INTEGER, 0, 0, 0, NULL, "From 1 on."},
	{"file", FIELD_STRING, 0, 0, 0, NULL, "Name of the file, beside this one."},
	{"participant", FIELD_STRING, 0, 0, 0, NULL, "Whom it is of."},
	{"uri", FIELD_STRING, 0, 0, 0, NULL, "Its URI."},
	{"display_name", FIELD_STRING, 0, 0, 0, NULL, "Its name."},
	{"length_ms", FIELD_INTEGER, 0, 0, 0, NULL, "Of the file."},
	{0},
};

static const struct field recording_log[] = {
	{"id", FIELD_STRING, 0, 0, 0, NULL, "Name of the recording."},
	{"room_id", FIELD_STRING, 0, 0, 0, NULL, "The room that was recorded."},
	{"started_wall_ms", FIELD_INTEGER, 0, 0, 0, NULL, "When it began, in ms since 1970."},
	{"length_ms", FIELD_INTEGER, 0, 0, 0, NULL, "Of sound."},
	{"segments", FIELD_LIST, 0, 0, 0, "RecordingSegment", "In the order in which they ended."},
	{"tracks", FIELD_LIST, 0, 0, 0, "RecordingTrackOfLog", "Files of single participants."},
	{0},
};

static const struct field recording_list[] = {
	{"recordings", FIELD_LIST, 0, 0, 0, "Recording", "Oldest first."},
	FIELD_NEXT,
	{0},
};

#define PLAY_DUCK                                                                                  \
	"The talkers are lowered by prompts.duck_db meanwhile: for announcements over what is "    \
	"said."
#define PLAY_ITEMS                                                                                 \
	"Played one after the other: file:NAME, prompt:NAME, music, tone:HZ[+HZ][:MS[:DB]], "      \
	"pause:MS, digits:DIGITS, number:N."
#define PLAY_POSITION "In ms from the beginning of the first item."

static const struct field play_start[] = {
	{"items", FIELD_LIST, FIELD_REQUIRED, 1, SOUNDS_ITEMS_MAX, NULL, PLAY_ITEMS},
	{"loop", FIELD_BOOL, 0, 0, 0, NULL, "From the first item again after the last."},
	{"volume_db", FIELD_NUMBER, 0, PLAY_VOLUME_DB_MIN, PLAY_VOLUME_DB_MAX, NULL,
	 "0: as loud as the file is."},
	{"duck", FIELD_BOOL, 0, 0, 0, NULL, PLAY_DUCK},
	{"queue", FIELD_BOOL, 0, 0, 0, NULL,
	 "Begin when what is played to the same target already has ended."},
	{"paused", FIELD_BOOL, 0, 0, 0, NULL, "Begin with a pause."},
	{"position_ms", FIELD_INTEGER, 0, 0, MEDIA_SOUND_MS_MAX, NULL, PLAY_POSITION},
	{"language", FIELD_STRING, 0, 0, PROMPTS_NAME_MAX, NULL,
	 "Of prompts, digits and numbers; default: the participant's, or the room's."},
	{0},
};

static const struct field play_change[] = {
	{"paused", FIELD_BOOL, 0, 0, 0, NULL, "True: nothing is heard until it goes on."},
	{"loop", FIELD_BOOL, 0, 0, 0, NULL, "From the first item again after the last."},
	{"volume_db", FIELD_NUMBER, 0, PLAY_VOLUME_DB_MIN, PLAY_VOLUME_DB_MAX, NULL,
	 "0: as loud as the file is."},
	{"position_ms", FIELD_INTEGER, 0, 0, MEDIA_SOUND_MS_MAX, NULL,
	 "Go on from there. " PLAY_POSITION},
	{0},
};

static const struct field play[] = {
	{"id", FIELD_STRING, 0, 0, 0, NULL, "Name of the play."},
	{"room_id", FIELD_STRING, 0, 0, 0, NULL, "Where it is heard."},
	{"participant_id", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL,
	 "Who alone hears it; null: all of the room."},
	{"state", FIELD_STRING, 0, 0, 0, NULL, "queued, playing or paused."},
	{"items", FIELD_LIST, 0, 0, 0, NULL, "As they were given."},
	{"loop", FIELD_BOOL, 0, 0, 0, NULL, "From the first item again after the last."},
	{"duck", FIELD_BOOL, 0, 0, 0, NULL, PLAY_DUCK},
	{"volume_db", FIELD_NUMBER, 0, PLAY_VOLUME_DB_MIN, PLAY_VOLUME_DB_MAX, NULL,
	 "0: as loud as the file is."},
	{"position_ms", FIELD_INTEGER, 0, 0, 0, NULL,
	 "How far it is; of one that loops, in all rounds."},
	{"language", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL,
	 "Of prompts, digits and numbers; null: the server's."},
	{"created_at", FIELD_TIME, 0, 0, 0, NULL, "When it was asked for."},
	{"error", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL,
	 "Of the first item that could not be played, when it has ended; null: there was none."},
	{0},
};

static const struct field play_list[] = {
	{"plays", FIELD_LIST, 0, 0, 0, "Play", "Oldest first, those to participants included."},
	FIELD_NEXT,
	{0},
};

static const struct field sound[] = {
	{"item", FIELD_STRING, 0, 0, 0, NULL, "To be given in `items`."},
	{"octets", FIELD_INTEGER, FIELD_NULLABLE, 0, 0, NULL, "Size of a file; null: it is none."},
	{0},
};

static const struct field sound_list[] = {
	{"sounds", FIELD_LIST, 0, 0, 0, "Sound", "Files of sounds.path, music, prompts."},
	FIELD_NEXT,
	{0},
};

const struct schema SCHEMA_RECORDING_START = {"RecordingStart", "How to record.", recording_start,
					      1};
const struct schema SCHEMA_RECORDING_CHANGE = {"RecordingChange", "What to do with a recording.",
					       recording_change, 1};
const struct schema SCHEMA_PLAY_START = {"PlayStart", "What to play, and how.", play_start, 1};
const struct schema SCHEMA_PLAY_CHANGE = {"PlayChange", "What of a play changes.", play_change, 1};

const struct schema schemas_sound[SCHEMAS_SOUND] = {
	{"Recording", "A recording of a room.", recording, 0},
	{"RecordingList", "A page of recordings.", recording_list, 0},
	{"RecordingLog", "Who spoke when.", recording_log, 0},
	{"RecordingTrack", "A file of one participant.", recording_track, 0},
	{"RecordingTrackOfLog", "A file of one participant, in the log.", recording_track_of_log,
	 0},
	{"RecordingTracks", "The tracks of a recording.", recording_tracks, 0},
	{"RecordingSegment", "One stretch of speech.", recording_segment, 0},
	{"Play", "Something that is played to a room, or to one participant.", play, 0},
	{"PlayList", "A page of plays.", play_list, 0},
	{"Sound", "Something that can be played.", sound, 0},
	{"SoundList", "A page of sounds.", sound_list, 0},
};
