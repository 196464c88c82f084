/* focus/recording_log.c -- the file beside a recording: who spoke when, and whose the tracks are.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "focus/recording_priv.h"

enum { SEGMENTS_MAX = 20000 /* of one recording; more are left out */ };

static void segment_close(struct recording *recording, struct segment *segment,
			  const struct participant *p)
{
	segment->participant[0] = '\0';
	if (!recording->log)
		recording->log = json_array();
	if (json_array_size(recording->log) >= SEGMENTS_MAX)
		return;
	(void)json_array_append_new(recording->log,
				    json_pack("{s:s, s:s, s:s, s:I, s:I}", "participant", p->id,
					      "uri", p->uri, "display_name", p->display_name,
					      "from_ms", (json_int_t)segment->from_ms, "to_ms",
					      (json_int_t)recording_length_ms(recording)));
}

static struct segment *segment_find(struct recording *recording, const char *participant)
{
	for (int i = 0; i < RECORDING_TALKERS_MAX; i++)
		if (slice_is(slice_of(participant), recording->segments[i].participant))
			return &recording->segments[i];
	return NULL;
}

void recording_on_talking(const struct participant *p, bool is_on)
{
	struct recording *recording = p->room ? p->room->recording : NULL;
	struct segment *segment;

	if (!recording)
		return;
	segment = segment_find(recording, p->id);
	if (segment && !is_on) {
		segment_close(recording, segment, p);
	} else if (!segment && is_on) {
		segment = segment_find(recording, "");
		if (!segment)
			return;
		slice_cstr(slice_of(p->id), segment->participant, sizeof(segment->participant));
		segment->from_ms = recording_length_ms(recording);
	}
}

void segments_begin(struct recording *recording)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &recording->room->participants) {
		const struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		if (p->is_talking)
			recording_on_talking(p, true);
	}
}

void segments_close(struct recording *recording)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &recording->room->participants) {
		const struct participant *p = LIST_ENTRY(it, struct participant, in_room);
		struct segment *segment = segment_find(recording, p->id);

		if (segment)
			segment_close(recording, segment, p);
	}
}

static json_t *tracks_of(const struct recording *recording)
{
	json_t *tracks = json_array();
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, (struct list *)(uintptr_t)&recording->tracks) {
		const struct track *track = LIST_ENTRY(it, struct track, node);
		char path[RECORDING_PATH_MAX];

		recording_track_path(recording, track->number, path);
		(void)json_array_append_new(
			tracks,
			json_pack("{s:i, s:s, s:s, s:s, s:s, s:I}", "number", (int)track->number,
				  "file", strrchr(path, '/') + 1, "participant", track->participant,
				  "uri", track->uri, "display_name", track->display_name,
				  "length_ms", (json_int_t)track->length_ms));
	}
	return tracks;
}

void segments_write(struct recording *recording)
{
	json_t *log = recording->log ? json_incref(recording->log) : json_array();
	json_t *json = json_pack("{s:s, s:s, s:I, s:I, s:o, s:o}", "id", recording->id, "room_id",
				 recording->room_id, "started_wall_ms",
				 (json_int_t)recording->started_wall_ms, "length_ms",
				 (json_int_t)recording->length_ms, "tracks", tracks_of(recording),
				 "segments", log);
	char path[RECORDING_PATH_MAX];

	recording_path(recording, true, path);
	if (!json || json_dump_file(json, path, JSON_INDENT(1)))
		LOG(LOG_ERROR, "recording.log_not_written", LOG_STR("recording", recording->id),
		    LOG_STR("error", strerror(errno)));
	json_decref(json);
}
