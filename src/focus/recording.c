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
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "focus/say.h"

enum {
	ID_CHARS = 16,
	LOG_OCTETS_MAX = 4 * 1024 * 1024, /* of talk segments; more are left out */
	TALKERS_MAX = 64                  /* segments open at a time; more are left out */
};
#define ITEMS "recording"

struct segment {
	char participant[PARTICIPANT_ID_MAX + 1]; /* "": free */
	uint64_t from_ms;
};

struct recording {
	struct list node; /* in focus->recordings */
	struct focus *focus;
	char id[RECORDING_ID_MAX + 1], room_id[ROOM_ID_MAX + 1];
	enum media_record_format format;
	enum recording_state state;
	uint64_t started_wall_ms, length_ms, octets, lost_ms, version;
	int err;
	struct room *room; /* while it runs */
	handle media;      /* until its file is complete; 0 */
	struct segment segments[TALKERS_MAX];
	struct buf log; /* JSON of segments that have ended */
};

/* Views -------------------------------------------------------------------------------------- */

const char *recording_state_name(enum recording_state state)
{
	static const char *const names[] = {
		[RECORDING_RUNNING] = "running", [RECORDING_PAUSED] = "paused",
		[RECORDING_CLOSING] = "closing", [RECORDING_DONE] = "done",
		[RECORDING_FAILED] = "failed",
	};

	return names[state];
}

const char *recording_format_name(enum media_record_format format)
{
	return format == MEDIA_RECORD_WAV ? "wav" : "ogg";
}

static uint64_t length_now_ms(const struct recording *recording)
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
		.length_ms = length_now_ms(recording),
		.octets = recording->octets,
		.lost_ms = recording->lost_ms,
		.err = recording->err,
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

static struct recording *recording_new(struct focus *focus)
{
	struct recording *recording = calloc(1, sizeof(*recording));

	if (!recording)
		return NULL;
	recording->focus = focus;
	recording->version = focus_version_next(focus);
	list_append(&focus->recordings, &recording->node);
	return recording;
}

static void recording_free(struct recording *recording)
{
	list_remove(&recording->node);
	if (recording->room)
		recording->room->recording = NULL;
	buf_done(&recording->log);
	free(recording);
}

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

int recordings_load(struct focus *focus)
{
	return focus->store ? store_items_load(focus->store, ITEMS, on_stored, focus) : 0;
}

void recordings_free(struct focus *focus)
{
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

/* Who spoke when ----------------------------------------------------------------------------- */

static void add_json_text(struct buf *out, const char *text)
{
	buf_adds(out, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_addf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			buf_addf(out, "\\u%04x", (unsigned)*text);
		else
			buf_addf(out, "%c", *text);
	}
	buf_adds(out, "\"");
}

static void segment_close(struct recording *recording, struct segment *segment,
			  const struct participant *p)
{
	struct buf *log = &recording->log;

	segment->participant[0] = '\0';
	if (log->len > LOG_OCTETS_MAX)
		return;
	buf_adds(log, log->len ? ",\n  {\"participant\": " : "\n  {\"participant\": ");
	add_json_text(log, p->id);
	buf_adds(log, ", \"uri\": ");
	add_json_text(log, p->uri);
	buf_adds(log, ", \"display_name\": ");
	add_json_text(log, p->display_name);
	buf_addf(log, ", \"from_ms\": %" PRIu64 ", \"to_ms\": %" PRIu64 "}", segment->from_ms,
		 length_now_ms(recording));
}

static struct segment *segment_find(struct recording *recording, const char *participant)
{
	for (int i = 0; i < TALKERS_MAX; i++)
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
		segment->from_ms = length_now_ms(recording);
	}
}

static void segments_close(struct recording *recording)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &recording->room->participants) {
		const struct participant *p = LIST_ENTRY(it, struct participant, in_room);
		struct segment *segment = segment_find(recording, p->id);

		if (segment)
			segment_close(recording, segment, p);
	}
}

static void segments_write(struct recording *recording)
{
	char path[RECORDING_PATH_MAX];
	FILE *file;

	recording_path(recording, true, path);
	file = fopen(path, "we");
	if (!file)
		return;
	fprintf(file,
		"{\n \"id\": \"%s\",\n \"room_id\": \"%s\",\n \"started_wall_ms\": %" PRIu64
		",\n \"length_ms\": %" PRIu64 ",\n \"segments\": [%s\n ]\n}\n",
		recording->id, recording->room_id, recording->started_wall_ms, recording->length_ms,
		recording->log.len ? recording->log.p : "");
	if (fclose(file) != 0)
		LOG(LOG_ERROR, "recording.log_not_written", LOG_STR("recording", recording->id),
		    LOG_STR("error", strerror(errno)));
}

/* Running ------------------------------------------------------------------------------------ */

static int media_start(struct recording *recording, struct room *room)
{
	const struct media *media = &recording->focus->media;
	char path[RECORDING_PATH_MAX];

	recording_path(recording, false, path);
	return media->ops->record_start(
		media->ctx,
		&(struct media_record){
			.room = room->bus->room,
			.path = path,
			.format = recording->format,
			.rate_hz = recording->format == MEDIA_RECORD_WAV
					   ? (uint32_t)recording->focus->config->recordings_rate_hz
					   : 48000,
		},
		&recording->media);
}

int focus_recording_start(struct focus *focus, struct room *room, enum media_record_format format,
			  struct recording **ret_recording)
{
	struct recording *recording;
	struct list *it, *tmp;
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
	recording->format = format;
	recording->started_wall_ms = clock_wall_ms(&focus->clock);
	err = media_start(recording, room);
	if (err) {
		recording_free(recording);
		return err;
	}
	recording->room = room;
	room->recording = recording;
	LIST_FOREACH (it, tmp, &room->participants) {
		const struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		if (p->is_talking)
			recording_on_talking(p, true);
	}
	store_put(recording);
	if (focus->config->recordings_announce)
		say_prompt_to_room(room, PROMPT_RECORDING);
	LOG(LOG_INFO, "recording.started", LOG_STR("room", room->id),
	    LOG_STR("recording", recording->id));
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

/* The file is completed by the mixer; MEDIA_RECORD_ENDED follows. */
static void close_soon(struct recording *recording)
{
	const struct media *media = &recording->focus->media;

	segments_close(recording);
	if (recording->state == RECORDING_PAUSED && recording->room->bus)
		(void)media->ops->record_pause(media->ctx, recording->room->bus->room, false);
	recording->length_ms = length_now_ms(recording);
	(void)media->ops->record_stop(media->ctx, recording->media);
	recording->state = RECORDING_CLOSING;
	recording->room->recording = NULL;
	recording->room = NULL;
	tell(recording, NULL);
}

int focus_recording_stop(struct recording *recording)
{
	if (!is_running(recording))
		return ERR_STATE;
	close_soon(recording);
	return 0;
}

void recording_on_room_gone(struct room *room)
{
	if (room->recording)
		close_soon(room->recording);
}

void recording_toggle(struct room *room)
{
	struct recording *recording;
	int err;

	if (room->recording) {
		(void)focus_recording_stop(room->recording);
		return;
	}
	err = focus_recording_start(room->focus, room, MEDIA_RECORD_WAV, &recording);
	if (err)
		LOG(LOG_ERROR, "recording.not_started", LOG_STR("room", room->id),
		    LOG_STR("error", err_text(err)));
}

void recordings_on_media_event(struct focus *focus, const struct media_event *event)
{
	struct recording *recording = NULL;
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &focus->recordings)
		if (LIST_ENTRY(it, struct recording, node)->media == event->object)
			recording = LIST_ENTRY(it, struct recording, node);
	if (!recording)
		return;
	if (recording->room) { /* it ended by itself: the disk is full, or everybody has left */
		segments_close(recording);
		recording->room->recording = NULL;
		recording->room = NULL;
	}
	recording->media = 0;
	recording->length_ms = event->length_ms;
	recording->octets = event->octets;
	recording->lost_ms = event->lost_ms;
	recording->err = event->err;
	recording->state = event->err ? RECORDING_FAILED : RECORDING_DONE;
	segments_write(recording);
	store_put(recording);
	LOG(event->err ? LOG_ERROR : LOG_INFO, "recording.ended",
	    LOG_STR("room", recording->room_id), LOG_STR("recording", recording->id),
	    LOG_INT("length_ms", (int64_t)event->length_ms),
	    LOG_STR("error", event->err ? err_text(event->err) : ""));
	tell(recording, event->err ? "failed" : NULL);
}

int focus_recording_delete(struct recording *recording)
{
	char path[RECORDING_PATH_MAX];

	if (recording->state < RECORDING_DONE)
		return ERR_STATE;
	for (int i = 0; i < 2; i++) {
		recording_path(recording, i, path);
		(void)unlink(path);
	}
	if (recording->focus->store)
		(void)store_item_delete_post(recording->focus->store, ITEMS, recording->id);
	LOG(LOG_INFO, "recording.deleted", LOG_STR("recording", recording->id));
	recording_free(recording);
	return 0;
}
