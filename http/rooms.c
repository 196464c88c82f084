/* http/rooms.c -- /api/v1/rooms and one room; and what to know of the server before dialling. */
#include <errno.h>

#include "base/err.h"
#include "focus/action.h"
#include "focus/chat.h"
#include "focus/focus.h"
#include "focus/schedule.h"
#include "http/handlers.h"
#include "http/paging.h"
#include "http/server.h"
#include "http/view.h"
#include "version.h"

enum { PINS_DIGITS = 6, PINS_MODERATOR_DIGITS = 8 };

/* PINs that were just made; "" none. */
struct plain_pins {
	char pin[PIN_MAX + 1], moderator_pin[PIN_MAX + 1];
};

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

static void read_loudest(const struct document *document, struct room_settings *settings)
{
	uint32_t loudest;
	double gate_dbov;

	if (document_is_null(document, "loudest")) {
		settings->has_loudest = false;
		settings->loudest = 0;
	}
	if (document_u32(document, "loudest", &loudest)) {
		settings->has_loudest = true;
		settings->loudest = (uint8_t)loudest;
	}
	if (document_is_null(document, "noise_gate_dbov"))
		settings->noise_gate_dbov = 0;
	if (document_real(document, "noise_gate_dbov", &gate_dbov))
		settings->noise_gate_dbov = (int8_t)gate_dbov;
}

/* What the document says replaces what `settings` has. */
static void read_settings(const struct document *document, struct room_settings *settings)
{
	(void)document_bool(document, "locked", &settings->is_locked);
	(void)document_bool(document, "muted", &settings->is_muted);
	if (document_is_null(document, "max_participants"))
		settings->participants_max = 0;
	(void)document_u32(document, "max_participants", &settings->participants_max);
	read_loudest(document, settings);
	(void)document_bool(document, "guests_muted", &settings->are_guests_muted);
	(void)document_bool(document, "lobby", &settings->is_lobby);
	(void)document_bool(document, "wait_for_moderator", &settings->waits_for_moderator);
	(void)document_bool(document, "end_with_moderator", &settings->ends_with_moderator);
	(void)document_bool(document, "tones", &settings->has_tones);
	(void)document_bool(document, "names", &settings->has_names);
	for (size_t i = 0; i < VIEW_ROOM_SOUNDS; i++) {
		uint8_t bit = view_sounds[i].bit;
		bool is_on = settings->sound & bit;

		(void)document_bool(document, view_sounds[i].name, &is_on);
		settings->sound = (uint8_t)(is_on ? settings->sound | bit : settings->sound & ~bit);
	}
	if (document_is_null(document, "max_duration_s"))
		settings->duration_max_s = 0;
	(void)document_u32(document, "max_duration_s", &settings->duration_max_s);
	if (document_is_null(document, "opens_at"))
		settings->opens_wall_ms = 0;
	(void)document_time(document, "opens_at", &settings->opens_wall_ms);
	if (document_is_null(document, "closes_at"))
		settings->closes_wall_ms = 0;
	(void)document_time(document, "closes_at", &settings->closes_wall_ms);
}

static int read_record(struct request *request, const struct document *document,
		       struct room_settings *settings)
{
	struct slice name;

	if (!document_text(document, "record", &name))
		return 0;
	for (uint8_t record = 0; room_record_name(record); record++) {
		if (!slice_is(name, room_record_name(record)))
			continue;
		settings->record = record;
		return 0;
	}
	return request_fail_field(request, "record", "off, mix or tracks");
}

static int read_language(struct request *request, const struct document *document,
			 struct room_settings *settings)
{
	struct slice language = SLICE_NONE;

	if (document_is_null(document, "language"))
		settings->language[0] = '\0';
	if (!document_text(document, "language", &language))
		return 0;
	if (!focus_has_language(request_http(request)->focus, language))
		return request_fail_field(request, "language", "one of prompts.languages");
	slice_cstr(language, settings->language, sizeof(settings->language));
	return 0;
}

static int read_hours(struct request *request, const struct room_settings *settings)
{
	uint64_t now_ms = clock_wall_ms(focus_clock(request_http(request)->focus));

	if (settings->closes_wall_ms && settings->closes_wall_ms <= settings->opens_wall_ms)
		return request_fail_field(request, "closes_at", "later than opens_at");
	if (settings->closes_wall_ms && settings->closes_wall_ms <= now_ms)
		return request_fail_field(request, "closes_at", "that hour has passed");
	return 0;
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

static int read_codecs(struct request *request, const struct document *document,
		       struct room_settings *settings)
{
	struct slice item, bad = SLICE_NONE;
	struct buf list = BUF_INIT;
	int err;

	if (!document_has(document, "codecs"))
		return 0;
	for (size_t i = 0; document_item(document, "codecs", i, &item); i++)
		buf_addf(&list, "%s" SLICE_FMT, i ? "," : "", SLICE_ARG(item));
	err = buf_err(&list);
	if (!err && codecs_list_read(buf_slice(&list), settings->codecs, &bad) != 0)
		err = request_fail_field(request, "codecs",
					 "\"" SLICE_FMT
					 "\" is no codec of ours, or stands there twice",
					 SLICE_ARG(bad));
	buf_done(&list);
	return err;
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

/* "pins": "generate": both, in place of what they were. */
static int make_pins(struct request *request, const struct document *document,
		     struct room_settings *settings, struct plain_pins *ret_pins)
{
	struct focus *focus = request_http(request)->focus;
	struct slice how;
	int err;

	if (!document_text(document, "pins", &how))
		return 0;
	if (!slice_is(how, "generate"))
		return request_fail_field(request, "pins", "\"generate\", or leave it out");
	focus_digits(focus, PINS_DIGITS, ret_pins->pin);
	focus_digits(focus, PINS_MODERATOR_DIGITS, ret_pins->moderator_pin);
	err = focus_pin_hash(focus, slice_of(ret_pins->pin), settings->pin);
	return err ? err
		   : focus_pin_hash(focus, slice_of(ret_pins->moderator_pin),
				    settings->moderator_pin);
}

static int read_all(struct request *request, const struct document *document,
		    struct room_settings *settings, struct plain_pins *ret_pins)
{
	int err;

	read_settings(document, settings);
	err = read_pins(request, document, settings);
	if (!err)
		err = make_pins(request, document, settings, ret_pins);
	if (!err)
		err = read_record(request, document, settings);
	if (!err)
		err = read_language(request, document, settings);
	if (!err)
		err = read_codecs(request, document, settings);
	return err ? err : read_hours(request, settings);
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
	settings.sound = focus_room_sound(request_http(request)->focus);
	err = read_all(request, document, &settings, &pins);
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
	err = read_all(request, document, &view.settings, &pins);
	if (!err)
		err = read_invitees(request, document, &invitees);
	if (!err && view.origin == ROOM_BY_API)
		err = check_store(request);
	if (!err)
		err = set_invitees(request, document, room, &invitees);
	if (!err)
		err = focus_room_set(request_http(request)->focus, room, &view.settings);
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
