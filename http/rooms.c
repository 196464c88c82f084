/* http/rooms.c -- /api/v1/rooms and one room; and what to know of the server before dialling. */
#include <errno.h>

#include "base/err.h"
#include "focus/action.h"
#include "focus/chat.h"
#include "focus/focus.h"
#include "focus/schedule.h"
#include "http/handlers.h"
#include "http/paging.h"
#include "http/room_settings.h"
#include "http/server.h"
#include "http/view.h"
#include "version.h"

/* `pins` may be NULL. */
static void reply_room(struct request *request, const struct room *room,
		       const struct plain_pins *pins)
{
	struct writer json = writer_to(request_body(request));
	struct room_view view;

	room_view(room, &view);
	view_room_with(&json, &view,
		       &(struct view_room_more){
			       .pin = pins && pins->pin[0] ? pins->pin : NULL,
			       .moderator_pin = pins && pins->moderator_pin[0] ? pins->moderator_pin
									       : NULL,
			       .invitees = focus_room_invitees(room),
		       });
	request_set_etag(request, view.created_wall_ms, view.version);
}

int rooms_list(struct request *request)
{
	struct focus *focus = request_http(request)->focus;
	struct room_view view = {0};
	struct room *room;
	struct page page;
	int err = page_of(request, &page);

	if (err)
		return err;
	room = focus_room_next(focus, page_after(&page));
	page_open(&page, "rooms");
	while (room && page_has_place(&page)) {
		room_view(room, &view);
		view_room(&page.json, NULL, &view);
		page_add(&page, view.id);
		room = focus_room_next(focus, page_last(&page));
	}
	return page_close(&page, room != NULL);
}

/* The list as the focus has it. */
static int read_invitees(struct request *request, const struct document *document, struct buf *list)
{
	struct slice uri;

	for (size_t i = 0; document_item(document, "invitees", i, &uri); i++) {
		if (!uri.len || slice_find(uri, ',') < uri.len)
			return request_fail_field(request, "invitees",
						  "SIP or tel URIs without a comma");
		buf_addf(list, "%s" SLICE_FMT, i ? "," : "", SLICE_ARG(uri));
	}
	return buf_err(list);
}

static int set_invitees(struct request *request, const struct document *document, struct room *room,
			const struct buf *list)
{
	int err;

	if (!document_has(document, "invitees"))
		return 0;
	err = focus_room_set_invitees(request_http(request)->focus, room, buf_slice(list));
	if (err == ERR_BAD_TARGET || err == ERR_LIMIT)
		return request_fail_field(request, "invitees", "at most %d SIP or tel URIs",
					  SCHEDULE_INVITEES_MAX);
	return err;
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

/* One whose PINs are made is to be dialled: its name is a number. */
static int create(struct request *request, const struct document *document,
		  const struct room_settings *settings, struct room **ret_room)
{
	struct focus *focus = request_http(request)->focus;
	char number[ROOM_NUMBER_DIGITS + 1];
	struct slice id = SLICE_NONE;
	int err;

	if (!document_text(document, "id", &id) && document_has(document, "pins"))
		id = slice_of(focus_room_number_fresh(focus, number));
	err = focus_room_create(focus, id, settings, ret_room);
	return err ? fail_create(request, err, id) : 0;
}

int rooms_create(struct request *request)
{
	struct room_settings settings = {0};
	struct document *document = NULL;
	struct plain_pins pins = {0};
	struct buf invitees = BUF_INIT;
	struct room_view view;
	struct room *room = NULL;
	int err = request_document(request, &SCHEMA_ROOM_CREATE, &document);

	if (err)
		return err;
	focus_room_set_sound(request_http(request)->focus, &settings);
	err = room_settings_read(request, document, &settings, &pins);
	if (!err)
		err = read_invitees(request, document, &invitees);
	if (!err)
		err = check_store(request);
	if (!err)
		err = create(request, document, &settings, &room);
	if (!err) {
		err = set_invitees(request, document, room, &invitees);
		if (err)
			(void)focus_room_close(request_http(request)->focus, room, "deleted");
	}
	if (!err) {
		room_view(room, &view);
		reply_room(request, room, &pins);
		request_set_location(request, "/api/v1/rooms/" SLICE_FMT, SLICE_ARG(view.id));
	}
	buf_done(&invitees);
	document_free(document);
	return err;
}

int room_get(struct request *request)
{
	struct room *room;
	int err = request_room(request, &room);

	if (!err)
		reply_room(request, room, NULL);
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
	struct room_settings settings;
	struct document *document = NULL;
	struct plain_pins pins = {0};
	struct buf invitees = BUF_INIT;
	struct room_view view;
	struct room *room;
	int err = room_to_change(request, &room, &view);

	if (err)
		return err;
	err = request_document(request, &SCHEMA_ROOM_CHANGE, &document);
	if (err)
		return err;
	settings = *room_settings(room);
	err = room_settings_read(request, document, &settings, &pins);
	if (!err)
		err = read_invitees(request, document, &invitees);
	if (!err && view.origin == ROOM_BY_API)
		err = check_store(request);
	if (!err)
		err = set_invitees(request, document, room, &invitees);
	if (!err)
		err = focus_room_set(request_http(request)->focus, room, &settings);
	if (!err)
		reply_room(request, room, &pins);
	buf_done(&invitees);
	document_free(document);
	return err;
}

/* POST .../actions, of a room or (named NULL: of nobody) a participant in it. */
static int act(struct request *request, struct room *room, struct participant *participant)
{
	struct document *document = NULL;
	struct slice name = SLICE_NONE;
	int err = request_document(request, &SCHEMA_ACTION, &document);

	if (err)
		return err;
	(void)document_text(document, "action", &name);
	err = focus_action(request_http(request)->focus, room, participant, name);
	document_free(document);
	if (err == -EINVAL)
		return request_fail_field(request, "action", "no such action");
	if (err == ERR_STATE)
		return request_fail(request, err,
				    participant ? "the participant is not in the mix"
						: "that is an action of a participant");
	return err;
}

int room_act(struct request *request)
{
	struct room *room;
	int err = request_room(request, &room);

	return err ? err : act(request, room, NULL);
}

int participant_act(struct request *request)
{
	struct participant *participant;
	struct room *room;
	int err = request_participant(request, &room, &participant);

	return err ? err : act(request, room, participant);
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
	reply_room(request, room, NULL);
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
