/* http/rooms.c -- /api/v1/rooms and one room; and what to know of the server before dialling. */
#include "base/err.h"
#include "focus/chat.h"
#include "focus/focus.h"
#include "http/handlers.h"
#include "http/paging.h"
#include "http/server.h"
#include "http/view.h"
#include "version.h"

static void reply_room(struct request *request, const struct room *room)
{
	struct writer json = writer_to(request_body(request));
	struct room_view view;

	room_view(room, &view);
	view_room(&json, NULL, &view);
	request_set_etag(request, view.created_wall_ms, view.version);
}

int rooms_list(struct request *request)
{
	struct focus *focus = request_http(request)->focus;
	struct writer json = writer_to(request_body(request));
	struct room_view view = {0};
	struct room *room;
	struct page page;
	uint32_t count = 0;
	int err = page_of(request, &page);

	if (err)
		return err;
	room = focus_room_next(focus, page.has_after ? slice_of(page.after) : SLICE_NONE);
	writer_open(&json, NULL, '{');
	writer_open(&json, "rooms", '[');
	for (; room && count < page.limit; count++) {
		room_view(room, &view);
		view_room(&json, NULL, &view);
		room = focus_room_next(focus, view.id);
	}
	writer_close(&json, ']');
	writer_str(&json, "next", room ? view.id : SLICE_NONE);
	writer_close(&json, '}');
	return 0;
}

/* What the document says replaces what `settings` has. */
static void read_settings(const struct document *document, struct room_settings *settings)
{
	(void)document_bool(document, "locked", &settings->is_locked);
	(void)document_bool(document, "muted", &settings->is_muted);
	if (document_is_null(document, "max_participants"))
		settings->participants_max = 0;
	(void)document_u32(document, "max_participants", &settings->participants_max);
	(void)document_bool(document, "guests_muted", &settings->are_guests_muted);
	(void)document_bool(document, "lobby", &settings->is_lobby);
	(void)document_bool(document, "wait_for_moderator", &settings->waits_for_moderator);
	(void)document_bool(document, "end_with_moderator", &settings->ends_with_moderator);
	(void)document_bool(document, "tones", &settings->has_tones);
}

static int read_pin(struct request *request, const struct document *document, const char *name,
		    char hash[PIN_HASH_MAX + 1])
{
	struct slice pin;

	if (document_is_null(document, name))
		hash[0] = '\0';
	if (!document_text(document, name, &pin))
		return 0;
	if (!pin_is_valid(pin))
		return request_fail_field(request, name, "%d to %d digits", PIN_MIN, PIN_MAX);
	return focus_pin_hash(request_http(request)->focus, pin, hash);
}

static int read_pins(struct request *request, const struct document *document,
		     struct room_settings *settings)
{
	int err = read_pin(request, document, "pin", settings->pin);

	return err ? err : read_pin(request, document, "moderator_pin", settings->moderator_pin);
}

/* A room made or changed here is promised to survive a restart: not while nothing can be written.
 */
static int check_store(const struct request *request)
{
	struct store *store = focus_store(request_http(request)->focus);

	return store ? store_health(store) : 0;
}

static int fail_create(struct request *request, int err, struct slice id)
{
	if (err == ERR_ROOM_EXISTS)
		return request_fail(request, err, "a room \"" SLICE_FMT "\" exists", SLICE_ARG(id));
	if (err == ERR_ROOM_NAME) {
		(void)request_fail_field(
			request, "id",
			"1 to %d letters, digits and . _ ~ + -, not beginning with a dot",
			ROOM_ID_MAX);
		return err;
	}
	return err;
}

int rooms_create(struct request *request)
{
	struct room_settings settings = {0};
	struct document *document = NULL;
	struct slice id = SLICE_NONE;
	struct room_view view;
	struct room *room;
	int err = request_document(request, &SCHEMA_ROOM_CREATE, &document);

	if (err)
		return err;
	(void)document_text(document, "id", &id);
	read_settings(document, &settings);
	err = read_pins(request, document, &settings);
	if (!err)
		err = check_store(request);
	if (!err)
		err = focus_room_create(request_http(request)->focus, id, &settings, &room);
	if (err) {
		err = fail_create(request, err, id);
	} else {
		room_view(room, &view);
		reply_room(request, room);
		request_set_location(request, "/api/v1/rooms/" SLICE_FMT, SLICE_ARG(view.id));
	}
	document_free(document);
	return err;
}

int room_get(struct request *request)
{
	struct room *room;
	int err = request_room(request, &room);

	if (!err)
		reply_room(request, room);
	return err;
}

/* The room of the path, if If-Match lets it be changed. */
static int room_to_change(struct request *request, struct room **ret_room,
			  struct room_view *ret_view)
{
	int err = request_room(request, ret_room);

	if (err)
		return err;
	room_view(*ret_room, ret_view);
	return request_check_etag(request, ret_view->created_wall_ms, ret_view->version);
}

int room_change(struct request *request)
{
	struct document *document = NULL;
	struct room_view view;
	struct room *room;
	int err = room_to_change(request, &room, &view);

	if (err)
		return err;
	err = request_document(request, &SCHEMA_ROOM_CHANGE, &document);
	if (err)
		return err;
	read_settings(document, &view.settings);
	err = read_pins(request, document, &view.settings);
	document_free(document);
	if (!err && view.origin == ROOM_BY_API)
		err = check_store(request);
	if (!err)
		err = focus_room_set(request_http(request)->focus, room, &view.settings);
	if (!err)
		reply_room(request, room);
	return err;
}

int room_say(struct request *request)
{
	struct writer json = writer_to(request_body(request));
	struct slice text = SLICE_NONE, from = SLICE_NONE;
	struct document *document = NULL;
	struct room *room;
	uint32_t count;
	int err = request_room(request, &room);

	if (err)
		return err;
	err = request_document(request, &SCHEMA_MESSAGE_SEND, &document);
	if (err)
		return err;
	(void)document_text(document, "text", &text);
	(void)document_text(document, "from", &from);
	err = focus_room_say(request_http(request)->focus, room, from, text, &count);
	document_free(document);
	if (err == ERR_LIMIT)
		return request_fail_field(request, "text", "at most %d octets", CHAT_TEXT_MAX);
	if (err)
		return err;
	writer_open(&json, NULL, '{');
	writer_uint(&json, "sent", count);
	writer_close(&json, '}');
	return 0;
}

int room_migrate(struct request *request)
{
	struct document *document = NULL;
	struct slice to = SLICE_NONE;
	struct room *room;
	int err = request_room(request, &room);

	if (err)
		return err;
	err = request_document(request, &SCHEMA_MIGRATE, &document);
	if (err)
		return err;
	(void)document_text(document, "to", &to);
	err = focus_migrate(request_http(request)->focus, room, to);
	document_free(document);
	if (err == ERR_STATE)
		(void)request_fail(request, err, "a move is under way");
	if (err == ERR_BAD_TARGET || err == ERR_LOOP)
		(void)request_fail_field(request, "to", "give the SIP URI of a focus elsewhere");
	if (err)
		return err;
	reply_room(request, room);
	return 0;
}

int room_delete(struct request *request)
{
	struct room_view view;
	struct room *room;
	int err = room_to_change(request, &room, &view);

	if (err)
		return err;
	return focus_room_close(request_http(request)->focus, room, "deleted");
}

static void add_factories(struct writer *json, const struct focus *focus, struct slice users)
{
	writer_open(json, "factory_uris", '[');
	while (users.len > 0) {
		size_t len = slice_find(users, ',');
		struct slice user = slice_trim(slice_first(users, len));
		char uri[ROOM_URI_MAX + 1];

		users = slice_from(users, len + 1);
		if (user.len == 0)
			continue;
		focus_uri(focus, user, uri);
		writer_text(json, NULL, uri);
	}
	writer_close(json, ']');
}

int server_get(struct request *request)
{
	struct http *http = request_http(request);
	const struct focus_stats *stats = focus_stats(http->focus);
	struct writer json = writer_to(request_body(request));
	char uri[ROOM_URI_MAX + 1];

	focus_uri(http->focus, SLICE("lobby"), uri);
	writer_open(&json, NULL, '{');
	writer_text(&json, "version", HEARTH_VERSION);
	writer_time(&json, "started_at", http->started_wall_ms);
	writer_str(&json, "sip_host",
		   slice_from(slice_of(uri), slice_find(slice_of(uri), '@') + 1));
	add_factories(&json, http->focus, slice_of(http->config->focus_factory_users));
	writer_bool(&json, "autocreate", http->config->rooms_autocreate);
	writer_bool(&json, "dial_out", http->config->focus_dial_out);
	writer_bool(&json, "draining", focus_is_draining(http->focus));
	writer_uint(&json, "rooms", stats->rooms);
	writer_uint(&json, "participants", stats->participants);
	writer_uint(&json, "event_seq", focus_event_seq(http->focus));
	writer_close(&json, '}');
	return 0;
}
