/* http/plays.c -- what is played: start, look, change, stop; and what there is to play. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "focus/focus.h"
#include "focus/play.h"
#include "focus/sounds.h"
#include "http/handlers.h"
#include "http/paging.h"
#include "http/server.h"
#include "http/view.h"

static struct focus *focus_of(struct request *request)
{
	return request_http(request)->focus;
}

static void reply_play(struct request *request, const struct focus_play *play)
{
	struct writer json = writer_to(request_body(request));
	struct play_view view;

	play_view(play, &view);
	view_play(&json, NULL, &view);
	request_set_etag(request, view.created_wall_ms, view.version);
}

/* The play that the path names; `must_match`: it is to be changed. */
static int request_play(struct request *request, bool must_match, struct focus_play **ret_play)
{
	struct slice id = request_arg(request, 1);
	struct focus_play *play;
	struct play_view view;
	struct room *room;
	int err = request_room(request, &room);

	*ret_play = NULL;
	if (err)
		return err;
	play = focus_play_find(room, id);
	if (!play)
		return request_fail(request, ERR_PLAY_UNKNOWN,
				    "there is no play \"" SLICE_FMT "\" in the room",
				    SLICE_ARG(id));
	play_view(play, &view);
	*ret_play = play;
	return must_match ? request_check_etag(request, view.created_wall_ms, view.version) : 0;
}

int plays_list(struct request *request)
{
	struct focus_play *play = NULL;
	struct play_view view = {0};
	struct room *room;
	struct page page;
	int err = request_room(request, &room);

	if (!err)
		err = page_of(request, &page);
	if (err)
		return err;
	if (page.has_after) {
		play = focus_play_find(room, page_after(&page));
		if (!play)
			return request_fail_parameter(request, "after",
						      "\"%.64s\" has ended; begin anew", page.id);
	}
	play = focus_play_next(room, play);
	page_open(&page, "plays");
	while (play && page_has_place(&page)) {
		play_view(play, &view);
		view_play(&page.json, NULL, &view);
		page_add(&page, view.id);
		play = focus_play_next(room, play);
	}
	return page_close(&page, play != NULL);
}

static int fail_item(struct request *request, int err, struct slice item)
{
	if (err == ERR_PLAY_ITEM)
		return request_fail_field(request, "items",
					  "\"%.*s\" is not file:NAME, prompt:NAME, music, "
					  "tone:HZ[+HZ][:MS[:DB]], pause:MS, digits:DIGITS or "
					  "number:N",
					  (int)(item.len < 64 ? item.len : 64), item.p);
	if (err == ERR_SOUND_UNKNOWN)
		return request_fail_field(request, "items", "there is no sound \"%.*s\"",
					  (int)(item.len < 128 ? item.len : 128), item.p);
	if (err == ERR_LIMIT)
		return request_fail_field(request, "items", "too many, or too long");
	return err;
}

static int read_items(struct request *request, const struct document *document,
		      struct play_items *items)
{
	struct slice item;
	int err;

	items->len = 0;
	for (size_t i = 0; document_item(document, "items", i, &item); i++) {
		err = play_items_add(items, focus_of(request), item);
		if (err)
			return fail_item(request, err, item);
	}
	return items->len ? 0 : request_fail_field(request, "items", "at least one");
}

static void read_control(const struct document *document, struct play_control *control)
{
	(void)document_bool(document, "paused", &control->is_paused);
	(void)document_bool(document, "loop", &control->is_loop);
	(void)document_real(document, "volume_db", &control->volume_db);
}

static int fail_start(struct request *request, int err)
{
	if (err == -EINVAL)
		return request_fail_field(request, "language", "one of prompts.languages");
	if (err == ERR_STATE)
		return request_fail(request, err, "the participant is not connected");
	if (err == ERR_LIMIT)
		return request_fail(request, err, "at most %d plays in a room, %d in all",
				    PLAYS_ROOM_MAX, PLAYS_MAX);
	if (err == ERR_SOUND_UNKNOWN)
		return request_fail_field(request, "items", "none of it has a sound");
	return err;
}

static int start(struct request *request, struct room *room, struct participant *participant)
{
	struct play_items items;
	struct play_start how = {.room = room, .participant = participant, .items = &items};
	struct document *document;
	struct focus_play *play;
	struct play_view view;
	uint32_t position_ms = 0;
	int err = request_document(request, &SCHEMA_PLAY_START, &document);

	if (err)
		return err;
	err = read_items(request, document, &items);
	if (!err) {
		read_control(document, &how.control);
		(void)document_bool(document, "duck", &how.is_ducking);
		(void)document_bool(document, "queue", &how.is_queued);
		(void)document_text(document, "language", &how.language);
		(void)document_u32(document, "position_ms", &position_ms);
		how.position_ms = position_ms;
		err = fail_start(request, focus_play_start(focus_of(request), &how, &play));
	}
	document_free(document);
	if (err)
		return err;
	reply_play(request, play);
	play_view(play, &view);
	request_set_location(request, "/api/v1/rooms/" SLICE_FMT "/plays/" SLICE_FMT,
			     SLICE_ARG(view.room_id), SLICE_ARG(view.id));
	return 0;
}

int plays_start(struct request *request)
{
	struct room *room;
	int err = request_room(request, &room);

	return err ? err : start(request, room, NULL);
}

int plays_start_to_one(struct request *request)
{
	struct participant *participant;
	struct room *room;
	int err = request_participant(request, &room, &participant);

	return err ? err : start(request, room, participant);
}

int play_get(struct request *request)
{
	struct focus_play *play;
	int err = request_play(request, false, &play);

	if (!err)
		reply_play(request, play);
	return err;
}

int play_change(struct request *request)
{
	struct document *document;
	struct focus_play *play;
	struct play_view view;
	uint32_t position_ms;
	int err = request_play(request, true, &play);

	if (!err)
		err = request_document(request, &SCHEMA_PLAY_CHANGE, &document);
	if (err)
		return err;
	play_view(play, &view);
	read_control(document, &view.control);
	if (document_u32(document, "position_ms", &position_ms))
		focus_play_seek(play, position_ms);
	focus_play_set(play, &view.control);
	document_free(document);
	reply_play(request, play);
	return 0;
}

int play_delete(struct request *request)
{
	struct focus_play *play;
	int err = request_play(request, true, &play);

	if (!err)
		focus_play_stop(play);
	return err;
}

static void view_sound(struct writer *json, const struct sounds_listed *sound)
{
	writer_open(json, NULL, '{');
	writer_text(json, "item", sound->item);
	if (strncmp(sound->item, "file:", 5) == 0)
		writer_uint(json, "octets", sound->octets);
	else
		writer_null(json, "octets");
	writer_close(json, '}');
}

int sounds_get(struct request *request)
{
	struct sounds_listed *sounds;
	uint32_t count, at = 0;
	struct page page;
	int err = page_of(request, &page);

	if (!err)
		err = sounds_list(focus_of(request), &sounds, &count);
	if (err)
		return err;
	while (page.has_after && at < count && strcmp(sounds[at].item, page.id) <= 0)
		at++;
	page_open(&page, "sounds");
	for (; at < count && page_has_place(&page); at++) {
		view_sound(&page.json, &sounds[at]);
		page_add(&page, slice_of(sounds[at].item));
	}
	free(sounds);
	return page_close(&page, at < count);
}
