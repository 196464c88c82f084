/* http/recordings.c -- recordings: start, look, pause, stop, hear, delete. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "focus/focus.h"
#include "focus/recording.h"
#include "http/handlers.h"
#include "http/paging.h"
#include "http/server.h"
#include "http/view.h"

static struct focus *focus_of(struct request *request)
{
	return request_http(request)->focus;
}

static int request_recording(struct request *request, struct recording **ret_recording)
{
	struct slice id = request_arg(request, 0);
	struct recording *recording = focus_recording_find(focus_of(request), id);

	*ret_recording = recording;
	if (!recording)
		return request_fail(request, ERR_RECORDING_UNKNOWN,
				    "there is no recording \"" SLICE_FMT "\"", SLICE_ARG(id));
	return 0;
}

static void reply_recording(struct request *request, const struct recording *recording)
{
	struct writer json = writer_to(request_body(request));
	struct recording_view view;

	recording_view(recording, &view);
	view_recording(&json, NULL, &view);
	request_set_etag(request, view.started_wall_ms, view.version);
}

int recordings_list(struct request *request)
{
	struct recording *recording = NULL;
	struct recording_view view = {0};
	struct page page;
	int err = page_of(request, &page);

	if (err)
		return err;
	if (page.has_after)
		recording = focus_recording_find(focus_of(request), page_after(&page));
	if (page.has_after && !recording)
		return request_fail_parameter(request, "after", "there is no such recording");
	recording = focus_recording_next(focus_of(request), recording);
	page_open(&page, "recordings");
	while (recording && page_has_place(&page)) {
		recording_view(recording, &view);
		view_recording(&page.json, NULL, &view);
		page_add(&page, view.id);
		recording = focus_recording_next(focus_of(request), recording);
	}
	return page_close(&page, recording != NULL);
}

static int fail_start(struct request *request, int err)
{
	if (err == ERR_RECORDING_RUNS || err == ERR_ROOM_EMPTY || err > ERR_LIMIT)
		return err;
	return request_fail(request, err, "the file cannot be made in recordings.path: %s",
			    err_text(err));
}

static int read_start(struct request *request, const struct document *document,
		      struct recording_start *start)
{
	struct slice format;

	(void)document_bool(document, "tracks", &start->has_tracks);
	if (!document_text(document, "format", &format))
		return 0;
	if (!slice_is(format, "wav") && !slice_is(format, "ogg"))
		return request_fail_field(request, "format", "wav or ogg");
	start->format = slice_is(format, "ogg") ? MEDIA_RECORD_OGG_OPUS : MEDIA_RECORD_WAV;
	return 0;
}

int recordings_start(struct request *request)
{
	struct document *document = NULL;
	struct recording_start start;
	struct recording *recording;
	struct recording_view view;
	struct room *room;
	int err = request_room(request, &room);

	if (err)
		return err;
	err = request_document(request, &SCHEMA_RECORDING_START, &document);
	if (err)
		return err;
	recording_start_default(focus_of(request), &start);
	err = read_start(request, document, &start);
	document_free(document);
	if (err)
		return err;
	err = focus_recording_start(focus_of(request), room, &start, &recording);
	if (err)
		return fail_start(request, err);
	recording_view(recording, &view);
	reply_recording(request, recording);
	request_set_location(request, "/api/v1/recordings/" SLICE_FMT, SLICE_ARG(view.id));
	return 0;
}

int recording_get(struct request *request)
{
	struct recording *recording;
	int err = request_recording(request, &recording);

	if (!err)
		reply_recording(request, recording);
	return err;
}

int recording_change(struct request *request)
{
	struct document *document = NULL;
	struct recording *recording;
	bool is_paused = false, is_stopped = false, has_pause;
	int err = request_recording(request, &recording);

	if (err)
		return err;
	err = request_document(request, &SCHEMA_RECORDING_CHANGE, &document);
	if (err)
		return err;
	has_pause = document_bool(document, "paused", &is_paused);
	(void)document_bool(document, "stopped", &is_stopped);
	document_free(document);
	if (has_pause)
		err = focus_recording_pause(recording, is_paused);
	if (!err && is_stopped)
		err = focus_recording_stop(recording);
	if (err)
		return request_fail(request, err, "the recording has ended");
	reply_recording(request, recording);
	return 0;
}

int recording_delete(struct request *request)
{
	struct recording *recording;
	int err = request_recording(request, &recording);

	if (err)
		return err;
	err = focus_recording_delete(recording);
	return err ? request_fail(request, err, "the recording runs: stop it first") : 0;
}

/* One range of octets (RFC 9110 14.1.2): "bytes=a-b", "bytes=a-", "bytes=-n". Anything else, as an
 * end before its beginning, is the whole. False: not satisfiable. */
static bool range_of(struct slice text, uint64_t size, uint64_t *first, uint64_t *last)
{
	struct slice bytes = SLICE("bytes="), from, to;
	uint64_t low, high = UINT64_MAX;
	size_t dash;

	*first = 0;
	*last = size ? size - 1 : 0;
	if (!slice_starts(text, bytes) || slice_find(text, ',') < text.len)
		return true;
	text = slice_from(text, bytes.len);
	dash = slice_find(text, '-');
	if (dash == text.len)
		return true;
	from = slice_first(text, dash);
	to = slice_from(text, dash + 1);
	if (!from.len) { /* the last n */
		if (slice_u64(to, UINT64_MAX, &low))
			return true;
		*first = low < size ? size - low : 0;
		return size > 0 && low > 0;
	}
	if (slice_u64(from, UINT64_MAX, &low) || (to.len && slice_u64(to, UINT64_MAX, &high)) ||
	    high < low)
		return true;
	*first = low;
	*last = MIN_OF(high, *last);
	return low < size;
}

static int reply_file(struct request *request, int fd, uint64_t size, const char *type)
{
	struct MHD_Response *response;
	uint64_t first, last;
	char range[80];

	if (!range_of(request_header(request, "Range"), size, &first, &last)) {
		close(fd);
		return request_fail(request, ERR_HTTP_RANGE, "the file has %llu octets",
				    (unsigned long long)size);
	}
	response = MHD_create_response_from_fd_at_offset64(size ? last - first + 1 : 0, fd, first);
	if (!response) {
		close(fd);
		return -ENOMEM;
	}
	(void)MHD_add_response_header(response, "Accept-Ranges", "bytes");
	if (size && last - first + 1 < size) {
		(void)snprintf(range, sizeof(range), "bytes %llu-%llu/%llu",
			       (unsigned long long)first, (unsigned long long)last,
			       (unsigned long long)size);
		(void)MHD_add_response_header(response, "Content-Range", range);
		request_set_status(request, 206);
	}
	request->reply.content_type = type;
	request->reply.stream = response;
	return 0;
}

static const char *type_of(const struct recording_view *view)
{
	return view->format == MEDIA_RECORD_WAV ? "audio/wav" : "audio/ogg";
}

static int send_file(struct request *request, const struct recording_view *view, const char *path,
		     const char *type)
{
	struct stat file;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, &file) == 0)
		return reply_file(request, fd, (uint64_t)file.st_size, type);
	if (fd >= 0)
		close(fd);
	return request_fail(request, ERR_RECORDING_UNKNOWN, "there is no file of it%s",
			    view->state < RECORDING_DONE ? " yet" : " any more");
}

static int send_of_recording(struct request *request, bool is_log)
{
	char path[RECORDING_PATH_MAX];
	struct recording *recording;
	struct recording_view view;
	int err = request_recording(request, &recording);

	if (err)
		return err;
	recording_view(recording, &view);
	recording_path(recording, is_log, path);
	return send_file(request, &view, path, is_log ? "application/json" : type_of(&view));
}

int recording_audio(struct request *request)
{
	return send_of_recording(request, false);
}

int recording_log(struct request *request)
{
	return send_of_recording(request, true);
}

static void view_track(struct writer *json, const struct track_view *track)
{
	writer_open(json, NULL, '{');
	writer_uint(json, "number", track->number);
	writer_str(json, "participant", track->participant);
	writer_str(json, "uri", track->uri);
	writer_some(json, "display_name", track->display_name);
	writer_uint(json, "length_ms", track->length_ms);
	writer_uint(json, "octets", track->octets);
	writer_bool(json, "complete", track->is_complete);
	writer_text(json, "error", track->err ? err_text(track->err) : NULL);
	writer_close(json, '}');
}

int recording_tracks(struct request *request)
{
	struct writer json = writer_to(request_body(request));
	struct recording *recording;
	struct track_view track;
	int err = request_recording(request, &recording);

	if (err)
		return err;
	writer_open(&json, NULL, '{');
	writer_open(&json, "tracks", '[');
	for (uint32_t i = 1; recording_track_view(recording, i, &track); i++)
		view_track(&json, &track);
	writer_close(&json, ']');
	writer_close(&json, '}');
	return 0;
}

int recording_track_audio(struct request *request)
{
	char path[RECORDING_PATH_MAX];
	struct recording *recording;
	struct recording_view view;
	struct track_view track;
	uint64_t number;
	int err = request_recording(request, &recording);

	if (err)
		return err;
	if (slice_u64(request_arg(request, 1), UINT32_MAX, &number) ||
	    !recording_track_view(recording, (uint32_t)number, &track))
		return request_fail(request, ERR_RECORDING_UNKNOWN,
				    "the recording has no track \"" SLICE_FMT "\"",
				    SLICE_ARG(request_arg(request, 1)));
	recording_view(recording, &view);
	recording_track_path(recording, track.number, path);
	return send_file(request, &view, path, type_of(&view));
}
