/* focus/recording.c */
#include "focus/recording.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/focus_priv.h"
#include "focus/mailbox.h"
#include "focus/recording_priv.h"
#include "focus/say.h"

enum { ID_CHARS = 16, SWEEP_MS = 3600 * 1000, DAY_MS = 24 * 3600 * 1000 };
#define ITEMS "recording"

/* Views -------------------------------------------------------------------------------------- */

const char *recording_state_name(enum recording_state state)
{
	static const char *const names[] = {
		[RECORDING_RUNNING] = "running", [RECORDING_PAUSED] = "paused",
		[RECORDING_CLOSING] = "closing", [RECORDING_DONE] = "done",
		[RECORDING_FAILED] = "failed",   [RECORDING_DELETED] = "deleted",
	};

	return names[state];
}

const char *recording_format_name(enum media_record_format format)
{
	return format == MEDIA_RECORD_WAV ? "wav" : "ogg";
}

uint64_t recording_length_ms(const struct recording *recording)
{
	const struct media *media = &recording->focus->media;

	if (!recording->media)
		return recording->length_ms;
	return media->ops->record_length_ms(media->ctx, recording->media);
}

void recording_view(const struct recording *recording, struct recording_view *ret_view)
{
	*ret_view = (struct recording_view){
		.id = slice_of(recording->id),
		.room_id = slice_of(recording->room_id),
		.format = recording->format,
		.state = recording->state,
		.started_wall_ms = recording->started_wall_ms,
		.length_ms = recording_length_ms(recording),
		.octets = recording->octets,
		.lost_ms = recording->lost_ms,
		.err = recording->err,
		.tracks = recording->track_count,
		.version = recording->version,
	};
}

void recording_path(const struct recording *recording, bool is_log,
		    char ret_path[RECORDING_PATH_MAX])
{
	(void)snprintf(ret_path, RECORDING_PATH_MAX, "%s/%s.%s",
		       recording->focus->config->recordings_path, recording->id,
		       is_log ? "json" : recording_format_name(recording->format));
}

static void tell(struct recording *recording, const char *cause)
{
	recording->version = focus_version_next(recording->focus);
	event_publish_recording(recording->focus, recording, cause);
}

/* The list ----------------------------------------------------------------------------------- */

static void store_put(const struct recording *recording)
{
	struct store *store = recording->focus->store;
	char value[256];

	if (!store)
		return;
	(void)snprintf(value, sizeof(value),
		       "%s %s %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %d",
		       recording->room_id, recording_format_name(recording->format),
		       recording_state_name(recording->state), recording->started_wall_ms,
		       recording->length_ms, recording->octets, recording->lost_ms, recording->err);
	if (store_item_put_post(store, ITEMS, recording->id, value))
		LOG(LOG_ERROR, "recording.not_stored", LOG_STR("recording", recording->id));
}

static void beep(void *arg);

static struct recording *recording_new(struct focus *focus)
{
	struct recording *recording = calloc(1, sizeof(*recording));

	if (!recording)
		return NULL;
	recording->focus = focus;
	recording->version = focus_version_next(focus);
	list_init(&recording->tracks);
	timer_init(&recording->beep, beep, recording);
	list_append(&focus->recordings, &recording->node);
	return recording;
}

static void recording_free(struct recording *recording)
{
	timer_stop(recording->focus->wheel, &recording->beep);
	list_remove(&recording->node);
	if (recording->room)
		recording->room->recording = NULL;
	tracks_free(recording);
	json_decref(recording->log);
	free(recording);
}

static void sweep(void *arg);

/* What was running when the process ended is as complete as it will ever be. */
static void on_stored(void *arg, const char *name, const char *value)
{
	struct recording *recording = recording_new(arg);
	char format[8], state[16], path[RECORDING_PATH_MAX];
	struct stat file;

	if (!recording)
		return;
	slice_cstr(slice_of(name), recording->id, sizeof(recording->id));
	if (sscanf(value, "%64s %7s %15s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %d",
		   recording->room_id, format, state, &recording->started_wall_ms,
		   &recording->length_ms, &recording->octets, &recording->lost_ms,
		   &recording->err) != 8) {
		recording_free(recording);
		return;
	}
	recording->format = slice_is(slice_of(format), "ogg") ? MEDIA_RECORD_OGG_OPUS
							      : MEDIA_RECORD_WAV;
	recording->state = slice_is(slice_of(state), "done") ? RECORDING_DONE : RECORDING_FAILED;
	if (recording->state == RECORDING_FAILED && !recording->err)
		recording->err = ERR_RECORDING_CUT;
	recording_path(recording, false, path);
	if (stat(path, &file) == 0)
		recording->octets = (uint64_t)file.st_size;
}

void recordings_init(struct focus *focus)
{
	list_init(&focus->recordings);
	timer_init(&focus->recordings_sweep, sweep, focus);
}

int recordings_load(struct focus *focus)
{
	int err = focus->store ? store_items_load(focus->store, ITEMS, on_stored, focus) : 0;

	if (!err)
		err = tracks_load(focus);
	if (!err)
		sweep(focus);
	return err;
}

void recordings_free(struct focus *focus)
{
	timer_stop(focus->wheel, &focus->recordings_sweep);
	while (!list_empty(&focus->recordings))
		recording_free(LIST_ENTRY(focus->recordings.next, struct recording, node));
}

struct recording *focus_recording_find(struct focus *focus, struct slice id)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &focus->recordings) {
		struct recording *recording = LIST_ENTRY(it, struct recording, node);

		if (slice_is(id, recording->id))
			return recording;
	}
	return NULL;
}

struct recording *focus_recording_next(struct focus *focus, struct recording *after)
{
	struct list *next = after ? after->node.next : focus->recordings.next;

	return next == &focus->recordings ? NULL : LIST_ENTRY(next, struct recording, node);
}

/* Running ------------------------------------------------------------------------------------ */

uint32_t recording_rate_hz(const struct recording *recording)
{
	return recording->format == MEDIA_RECORD_WAV
		       ? (uint32_t)recording->focus->config->recordings_rate_hz
		       : 48000;
}

static int media_start(struct recording *recording, struct room *room)
{
	const struct media *media = &recording->focus->media;
	char path[RECORDING_PATH_MAX];

	recording_path(recording, false, path);
	return media->ops->record_start(media->ctx,
					&(struct media_record){
						.room = room->bus->room,
						.path = path,
						.format = recording->format,
						.rate_hz = recording_rate_hz(recording),
					},
					&recording->media);
}

static void beep_later(struct recording *recording)
{
	uint64_t beep_s = (uint64_t)recording->focus->config->recordings_beep_s;

	if (beep_s)
		timer_start(recording->focus->wheel, &recording->beep, beep_s * 1000);
}

/* Consent: nobody forgets that it runs. A pause is not recorded, so it needs no tone. */
static void beep(void *arg)
{
	struct recording *recording = arg;

	if (recording->state == RECORDING_RUNNING)
		say_tone_to_room(recording->room, PROMPT_TONE_RECORD);
	beep_later(recording);
}

int focus_recording_start(struct focus *focus, struct room *room,
			  const struct recording_start *start, struct recording **ret_recording)
{
	struct recording *recording;
	int err;

	if (room->recording)
		return ERR_RECORDING_RUNS;
	if (!room->bus)
		return ERR_ROOM_EMPTY;
	if (mkdir(focus->config->recordings_path, 0750) && errno != EEXIST)
		return -errno;
	recording = recording_new(focus);
	if (!recording)
		return -ENOMEM;
	random_token(focus->random, recording->id, ID_CHARS);
	slice_cstr(slice_of(room->id), recording->room_id, sizeof(recording->room_id));
	recording->format = start->format;
	recording->has_tracks = start->has_tracks;
	recording->started_wall_ms = clock_wall_ms(&focus->clock);
	err = media_start(recording, room);
	if (err) {
		recording_free(recording);
		return err;
	}
	recording->room = room;
	room->recording = recording;
	focus->stats.recordings++;
	tracks_begin(recording);
	segments_begin(recording);
	store_put(recording);
	if (focus->config->recordings_announce)
		say_prompt_to_room(room, PROMPT_RECORDING);
	beep_later(recording);
	LOG(LOG_INFO, "recording.started", LOG_STR("room", room->id),
	    LOG_STR("recording", recording->id), LOG_INT("tracks", recording->track_count));
	tell(recording, NULL);
	*ret_recording = recording;
	return 0;
}

static bool is_running(const struct recording *recording)
{
	return recording->state == RECORDING_RUNNING || recording->state == RECORDING_PAUSED;
}

int focus_recording_pause(struct recording *recording, bool is_paused)
{
	enum recording_state state = is_paused ? RECORDING_PAUSED : RECORDING_RUNNING;
	const struct media *media = &recording->focus->media;

	if (!is_running(recording))
		return ERR_STATE;
	if (recording->state == state)
		return 0;
	(void)media->ops->record_pause(media->ctx, recording->room->bus->room, is_paused);
	recording->state = state;
	tell(recording, NULL);
	return 0;
}

/* It leaves its room. Files are completed by the mixer; MEDIA_RECORD_ENDED follows for each. */
static void detach(struct recording *recording)
{
	const struct media *media = &recording->focus->media;

	segments_close(recording);
	if (recording->state == RECORDING_PAUSED && recording->room->bus)
		(void)media->ops->record_pause(media->ctx, recording->room->bus->room, false);
	tracks_stop(recording);
	timer_stop(recording->focus->wheel, &recording->beep);
	recording->room->recording = NULL;
	recording->room = NULL;
	recording->focus->stats.recordings--;
	recording->state = RECORDING_CLOSING;
}

static void close_soon(struct recording *recording)
{
	const struct media *media = &recording->focus->media;

	detach(recording);
	slice_cstr(slice_of(recording->focus->by), recording->ended_by,
		   sizeof(recording->ended_by));
	recording->length_ms = recording_length_ms(recording);
	(void)media->ops->record_stop(media->ctx, recording->media);
	tell(recording, NULL);
}

int focus_recording_stop(struct recording *recording)
{
	if (!is_running(recording))
		return ERR_STATE;
	recording->room->is_recording_declined = true;
	close_soon(recording);
	return 0;
}

void recording_on_room_gone(struct room *room)
{
	if (room->recording)
		close_soon(room->recording);
}

static enum media_record_format format_default(const struct focus *focus)
{
	return slice_is(slice_of(focus->config->recordings_format), "ogg") ? MEDIA_RECORD_OGG_OPUS
									   : MEDIA_RECORD_WAV;
}

void recording_start_default(const struct focus *focus, struct recording_start *ret_start)
{
	*ret_start = (struct recording_start){.format = format_default(focus),
					      .has_tracks = focus->config->recordings_tracks};
}

/* Nobody asked over the API: the log says when it fails. */
static void start_unasked(struct room *room, bool must_have_tracks)
{
	struct recording_start start;
	struct recording *recording;
	int err;

	recording_start_default(room->focus, &start);
	start.has_tracks |= must_have_tracks;
	err = focus_recording_start(room->focus, room, &start, &recording);
	if (err)
		LOG(LOG_ERROR, "recording.not_started", LOG_STR("room", room->id),
		    LOG_STR("error", err_text(err)));
}

enum room_record recording_kind(const struct room *room)
{
	if (!room->recording)
		return ROOM_RECORD_OFF;
	return room->recording->has_tracks ? ROOM_RECORD_TRACKS : ROOM_RECORD_MIX;
}

bool recording_continue(struct room *room, enum room_record kind)
{
	if (kind != ROOM_RECORD_OFF && !room->recording)
		start_unasked(room, kind == ROOM_RECORD_TRACKS);
	return room->recording != NULL;
}

void recording_toggle(struct room *room)
{
	if (room->recording)
		(void)focus_recording_stop(room->recording);
	else
		start_unasked(room, false);
}

const char *recording_ended_by(const struct recording *recording)
{
	return recording->ended_by;
}

bool recording_is_announced(const struct room *room)
{
	return room->recording && room->focus->config->recordings_announce;
}

void recording_on_joined(struct participant *p)
{
	struct room *room = p->room;

	if (room->recording)
		recording_track_begin(p);
	else if (room->settings.record != ROOM_RECORD_OFF && !room->is_recording_declined)
		start_unasked(room, room->settings.record == ROOM_RECORD_TRACKS);
}

static struct recording *find_open(struct focus *focus, const struct media_event *event)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &focus->recordings) {
		struct recording *recording = LIST_ENTRY(it, struct recording, node);

		if (recording->media == event->object || tracks_on_ended(recording, event))
			return recording;
	}
	return NULL;
}

static void mix_ended(struct recording *recording, const struct media_event *event)
{
	if (recording->room) /* it ended by itself: the disk is full, or everybody has left */
		detach(recording);
	recording->media = 0;
	recording->length_ms = event->length_ms;
	recording->octets = event->octets;
	recording->lost_ms = event->lost_ms;
	recording->err = event->err;
}

void recordings_on_media_event(struct focus *focus, const struct media_event *event)
{
	struct recording *recording = find_open(focus, event);

	if (!recording)
		return;
	if (recording->media == event->object)
		mix_ended(recording, event);
	if (recording->media || tracks_open(recording))
		return;
	recording->state = recording->err ? RECORDING_FAILED : RECORDING_DONE;
	focus->stats.recordings_failed += recording->err != 0;
	focus->stats.recordings_done += recording->err == 0;
	segments_write(recording);
	store_put(recording);
	LOG(recording->err ? LOG_ERROR : LOG_INFO, "recording.ended",
	    LOG_STR("room", recording->room_id), LOG_STR("recording", recording->id),
	    LOG_INT("length_ms", (int64_t)recording->length_ms),
	    LOG_INT("tracks", recording->track_count),
	    LOG_STR("error", recording->err ? err_text(recording->err) : ""));
	tell(recording, recording->err ? "failed" : NULL);
	mailbox_on_recording(focus, recording, false);
}

/* Deleting ----------------------------------------------------------------------------------- */

static void discard(struct recording *recording, const char *cause)
{
	char path[RECORDING_PATH_MAX];

	for (int i = 0; i < 2; i++) {
		recording_path(recording, i, path);
		(void)unlink(path);
	}
	tracks_delete(recording);
	if (recording->focus->store)
		(void)store_item_delete_post(recording->focus->store, ITEMS, recording->id);
	mailbox_on_recording(recording->focus, recording, true);
	LOG(LOG_INFO, "recording.deleted", LOG_STR("recording", recording->id),
	    LOG_STR("cause", cause));
	recording->state = RECORDING_DELETED;
	tell(recording, cause);
	recording_free(recording);
}

int focus_recording_delete(struct recording *recording)
{
	if (recording->state < RECORDING_DONE)
		return ERR_STATE;
	discard(recording, "deleted");
	return 0;
}

/* Those that have had their days; once an hour. */
static void sweep(void *arg)
{
	struct focus *focus = arg;
	uint64_t days = (uint64_t)focus->config->recordings_days;
	uint64_t now = clock_wall_ms(&focus->clock);
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &focus->recordings) {
		struct recording *recording = LIST_ENTRY(it, struct recording, node);
		uint64_t ended = recording->started_wall_ms + recording->length_ms;

		if (days && recording->state >= RECORDING_DONE && ended + days * DAY_MS < now)
			discard(recording, "expired");
	}
	timer_start(focus->wheel, &focus->recordings_sweep, SWEEP_MS);
}
