/* focus/recording_tracks.c -- a file of each participant, beside the mix of all. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/focus_priv.h"
#include "focus/recording_priv.h"

#define ITEMS "recording_track"

enum { ITEM_NAME_MAX = RECORDING_ID_MAX + 12 };

void recording_track_path(const struct recording *recording, uint32_t number,
			  char ret_path[RECORDING_PATH_MAX])
{
	(void)snprintf(ret_path, RECORDING_PATH_MAX, "%s/%s-%" PRIu32 ".%s",
		       recording->focus->config->recordings_path, recording->id, number,
		       recording_format_name(recording->format));
}

static uint64_t length_now_ms(const struct track *track)
{
	const struct media *media = &track->recording->focus->media;

	return track->media ? media->ops->record_length_ms(media->ctx, track->media)
			    : track->length_ms;
}

bool recording_track_view(const struct recording *recording, uint32_t number,
			  struct track_view *ret_view)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, (struct list *)(uintptr_t)&recording->tracks) {
		const struct track *track = LIST_ENTRY(it, struct track, node);

		if (track->number != number)
			continue;
		*ret_view = (struct track_view){.number = number,
						.participant = slice_of(track->participant),
						.uri = slice_of(track->uri),
						.display_name = slice_of(track->display_name),
						.length_ms = length_now_ms(track),
						.octets = track->octets,
						.is_complete = !track->media,
						.err = track->err};
		return true;
	}
	return false;
}

/* Store -------------------------------------------------------------------------------------- */

static void item_name(const struct track *track, char ret_name[ITEM_NAME_MAX])
{
	(void)snprintf(ret_name, ITEM_NAME_MAX, "%s/%" PRIu32, track->recording->id, track->number);
}

static void store_put(const struct track *track)
{
	struct store *store = track->recording->focus->store;
	char name[ITEM_NAME_MAX], *value;
	json_t *json;

	if (!store)
		return;
	item_name(track, name);
	json = json_pack("{s:s, s:s, s:s, s:I, s:I, s:i}", "participant", track->participant, "uri",
			 track->uri, "display_name", track->display_name, "length_ms",
			 (json_int_t)track->length_ms, "octets", (json_int_t)track->octets, "err",
			 track->media ? ERR_RECORDING_CUT : track->err);
	value = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!value || store_item_put_post(store, ITEMS, name, value))
		LOG(LOG_ERROR, "recording.track_not_stored", LOG_STR("track", name));
	free(value);
	json_decref(json);
}

static struct track *track_new(struct recording *recording, uint32_t number)
{
	struct track *track = calloc(1, sizeof(*track));

	if (!track)
		return NULL;
	track->recording = recording;
	track->number = number;
	list_append(&recording->tracks, &track->node);
	recording->track_count++;
	return track;
}

static void track_free(struct track *track)
{
	track->recording->track_count--;
	list_remove(&track->node);
	free(track);
}

static void on_stored(void *arg, const char *name, const char *value)
{
	struct slice whole = slice_of(name);
	size_t slash = slice_find(whole, '/');
	struct recording *recording = focus_recording_find(arg, slice_first(whole, slash));
	json_t *json = json_loads(value, 0, NULL);
	const char *participant = "", *uri = "", *display_name = "";
	json_int_t length_ms = 0, octets = 0;
	char path[RECORDING_PATH_MAX];
	struct track *track = NULL;
	struct stat file;
	uint64_t number;
	int err = 0;

	if (recording && !slice_u64(slice_from(whole, slash + 1), UINT32_MAX, &number) &&
	    !json_unpack(json, "{s:s, s:s, s:s, s:I, s:I, s:i}", "participant", &participant, "uri",
			 &uri, "display_name", &display_name, "length_ms", &length_ms, "octets",
			 &octets, "err", &err))
		track = track_new(recording, (uint32_t)number);
	if (track) {
		slice_cstr(slice_of(participant), track->participant, sizeof(track->participant));
		slice_cstr(slice_of(uri), track->uri, sizeof(track->uri));
		slice_cstr(slice_of(display_name), track->display_name,
			   sizeof(track->display_name));
		track->length_ms = (uint64_t)length_ms;
		track->err = err;
		recording_track_path(recording, track->number, path);
		track->octets = stat(path, &file) == 0 ? (uint64_t)file.st_size : (uint64_t)octets;
		recording->has_tracks = true;
	}
	json_decref(json);
}

int tracks_load(struct focus *focus)
{
	return focus->store ? store_items_load(focus->store, ITEMS, on_stored, focus) : 0;
}

void tracks_free(struct recording *recording)
{
	while (!list_empty(&recording->tracks))
		track_free(LIST_ENTRY(recording->tracks.next, struct track, node));
}

void tracks_delete(struct recording *recording)
{
	struct store *store = recording->focus->store;
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &recording->tracks) {
		struct track *track = LIST_ENTRY(it, struct track, node);
		char path[RECORDING_PATH_MAX], name[ITEM_NAME_MAX];

		recording_track_path(recording, track->number, path);
		(void)unlink(path);
		item_name(track, name);
		if (store)
			(void)store_item_delete_post(store, ITEMS, name);
	}
}

/* Running ------------------------------------------------------------------------------------ */

static int media_start(struct track *track, const struct participant *p)
{
	const struct recording *recording = track->recording;
	const struct media *media = &recording->focus->media;
	char path[RECORDING_PATH_MAX];

	recording_track_path(recording, track->number, path);
	return media->ops->record_start(media->ctx,
					&(struct media_record){
						.leg = p->leg.media,
						.path = path,
						.format = recording->format,
						.rate_hz = recording_rate_hz(recording),
						.is_aligned = true,
						.lead_ms = (uint32_t)recording_length_ms(recording),
					},
					&track->media);
}

static struct track *running_of(const struct participant *p)
{
	struct recording *recording = p->room ? p->room->recording : NULL;
	struct list *it, *tmp;

	if (!recording)
		return NULL;
	LIST_FOREACH (it, tmp, &recording->tracks) {
		struct track *track = LIST_ENTRY(it, struct track, node);

		if (track->media && !track->is_stopped &&
		    slice_is(slice_of(p->id), track->participant))
			return track;
	}
	return NULL;
}

static void track_begin(struct recording *recording, const struct participant *p)
{
	struct track *track;
	int err;

	if (running_of(p))
		return;
	track = recording->track_count < RECORDING_TRACKS_MAX
			? track_new(recording, recording->track_count + 1)
			: NULL;
	err = track ? media_start(track, p) : ERR_LIMIT;
	if (err) {
		if (track)
			track_free(track);
		LOG(LOG_WARN, "recording.track_not_started", LOG_STR("recording", recording->id),
		    LOG_STR("participant", p->id), LOG_STR("error", err_text(err)));
		return;
	}
	slice_cstr(slice_of(p->id), track->participant, sizeof(track->participant));
	slice_cstr(slice_of(p->uri), track->uri, sizeof(track->uri));
	slice_cstr(slice_of(p->display_name), track->display_name, sizeof(track->display_name));
	store_put(track);
}

void tracks_begin(struct recording *recording)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &recording->room->participants) {
		const struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		if (recording->has_tracks && p->is_in_mix)
			track_begin(recording, p);
	}
}

static void track_stop(struct track *track)
{
	const struct media *media = &track->recording->focus->media;

	if (!track->is_stopped)
		(void)media->ops->record_stop(media->ctx, track->media);
	track->is_stopped = true;
}

void tracks_stop(struct recording *recording)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &recording->tracks) {
		struct track *track = LIST_ENTRY(it, struct track, node);

		if (track->media)
			track_stop(track);
	}
}

void recording_track_begin(const struct participant *p)
{
	if (p->room->recording && p->room->recording->has_tracks)
		track_begin(p->room->recording, p);
}

void recording_track_end(const struct participant *p)
{
	struct track *track = running_of(p);

	if (track)
		track_stop(track);
}

uint32_t tracks_open(const struct recording *recording)
{
	uint32_t count = 0;
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, (struct list *)(uintptr_t)&recording->tracks)
		count += LIST_ENTRY(it, struct track, node)->media != 0;
	return count;
}

bool tracks_on_ended(struct recording *recording, const struct media_event *event)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &recording->tracks) {
		struct track *track = LIST_ENTRY(it, struct track, node);

		if (track->media != event->object)
			continue;
		track->media = 0;
		track->length_ms = event->length_ms;
		track->octets = event->octets;
		track->err = event->err;
		store_put(track);
		return true;
	}
	return false;
}
