/* http/participants.c -- who is in a room: list, call in, change, ring off. */
#include <errno.h>

#include "base/err.h"
#include "focus/ban.h"
#include "focus/focus.h"
#include "focus/modes.h"
#include "http/handlers.h"
#include "http/paging.h"
#include "http/server.h"
#include "http/view.h"

static void reply_participant(struct request *request, const struct participant *participant)
{
	struct writer json = writer_to(request_body(request));
	struct participant_view view;

	participant_view(participant, &view);
	view_participant(&json, NULL, &view);
	request_set_etag(request, view.created_wall_ms, view.version);
}

/* Where a page begins: behind the participant that `after` names. */
static int first_of_page(struct request *request, struct room *room, const struct page *page,
			 struct participant **ret_participant)
{
	struct participant *after = NULL;

	if (page->has_after) {
		after = focus_participant_find(request_http(request)->focus, room,
					       page_after(page));
		if (!after)
			return request_fail_parameter(
				request, "after",
				"\"%.64s\" is not in the room any more; begin anew", page->id);
	}
	*ret_participant = focus_participant_next(room, after);
	return 0;
}

int participants_list(struct request *request)
{
	struct participant_view view = {0};
	struct participant *participant = NULL;
	struct room *room;
	struct page page;
	int err = request_room(request, &room);

	if (err)
		return err;
	err = page_of(request, &page);
	if (err)
		return err;
	err = first_of_page(request, room, &page, &participant);
	if (err)
		return err;
	page_open(&page, "participants");
	while (participant && page_has_place(&page)) {
		participant_view(participant, &view);
		view_participant(&page.json, NULL, &view);
		page_add(&page, view.id);
		participant = focus_participant_next(room, participant);
	}
	return page_close(&page, participant != NULL);
}

/* *ret_role stays as it is when the document says nothing of it. */
static int read_role(struct request *request, const struct document *document,
		     enum participant_role *ret_role)
{
	struct slice name;

	if (!document_text(document, "role", &name))
		return 0;
	if (slice_is(name, participant_role_name(PARTICIPANT_MODERATOR)))
		*ret_role = PARTICIPANT_MODERATOR;
	else if (slice_is(name, participant_role_name(PARTICIPANT_GUEST)))
		*ret_role = PARTICIPANT_GUEST;
	else
		return request_fail_field(request, "role", "guest or moderator");
	return 0;
}

static int read_language(struct request *request, const struct document *document,
			 struct slice *ret_language)
{
	if (document_is_null(document, "language"))
		*ret_language = SLICE("");
	if (document_text(document, "language", ret_language) &&
	    !focus_has_language(request_http(request)->focus, *ret_language))
		return request_fail_field(request, "language", "one of prompts.languages");
	return 0;
}

/* Names are borrowed from the document. Returns whether it names any list. */
static bool read_group_list(const struct document *document, const char *name,
			    struct group_names *ret_names)
{
	if (!document_has(document, name))
		return false;
	while (ret_names->count < GROUPS_MAX &&
	       document_item(document, name, ret_names->count, &ret_names->names[ret_names->count]))
		ret_names->count++;
	return true;
}

static bool read_groups(const struct document *document, struct groups_wish *ret_wish)
{
	bool is_any = false;

	*ret_wish = (struct groups_wish){0};
#define GROUP(member, name, help)                                                                  \
	ret_wish->has_##member = read_group_list(document, name, &ret_wish->member);               \
	is_any |= ret_wish->has_##member;
#include "http/participant.inc"
	return is_any;
}

static int fail_groups(struct request *request, int err)
{
	if (err == ERR_GROUP_NAME)
		return request_fail(request, err,
				    "a group is 1 to %d letters, digits and . _ -, or * for all, "
				    "which hears_not cannot have",
				    GROUP_NAME_MAX);
	if (err == ERR_GROUPS_FULL)
		return request_fail(request, err,
				    "at most %d groups in a room, and at most %d different choices "
				    "of what to hear",
				    GROUPS_MAX, MEDIA_AUDIENCES_MAX);
	return err;
}

/* How somebody shall take part, and whom it coaches. */
struct mode_wish {
	bool has_mode;
	enum participant_mode mode;
	struct participant *coached;
};

static int read_mode(struct request *request, const struct document *document, struct room *room,
		     struct mode_wish *ret_wish)
{
	struct slice name, id = SLICE_NONE;

	*ret_wish = (struct mode_wish){.has_mode = document_text(document, "mode", &name)};
	if (!ret_wish->has_mode)
		return 0;
	if (!mode_read(name, &ret_wish->mode))
		return request_fail_field(request, "mode", "talk, listen or coach expected");
	if (ret_wish->mode != MODE_COACH)
		return 0;
	if (document_text(document, "coaches", &id))
		ret_wish->coached = focus_participant_find(request_http(request)->focus, room, id);
	return ret_wish->coached
		       ? 0
		       : request_fail_field(request, "coaches", "give the id of a participant");
}

static int apply_mode(struct request *request, struct participant *participant,
		      const struct mode_wish *wish)
{
	int err = wish->has_mode
			  ? focus_participant_set_mode(request_http(request)->focus, participant,
						       wish->mode, wish->coached)
			  : 0;

	if (err == ERR_STATE)
		return request_fail_field(request, "coaches", "nobody can coach oneself");
	return err;
}

static int fail_invite(struct request *request, int err)
{
	if (err == ERR_BAD_TARGET || err == ERR_SIP_URI_SYNTAX || err == ERR_SIP_URI_SCHEME)
		(void)request_fail_field(request, "uri", "give a sip:, sips: or tel: URI");
	else if (err == ERR_SIP_NO_ROUTE)
		(void)request_fail_field(
			request, "uri",
			"sip.listen has no address for this URI's transport and IP "
			"version");
	else if (err == ERR_NOT_ALLOWED)
		(void)request_fail(request, err, "calling out is switched off (focus.dial_out)");
	return fail_groups(request, err);
}

/* "confirm": true says the same as "ask": "confirm". */
static int read_ask(struct request *request, struct document *document, struct room *room,
		    enum participant_ask *ret_ask)
{
	const struct room_settings *settings = room_settings(room);
	struct slice text;
	bool must_confirm;

	if (document_bool(document, "confirm", &must_confirm) && must_confirm)
		*ret_ask = PARTICIPANT_ASK_KEY;
	if (!document_text(document, "ask", &text))
		return 0;
	if (!slice_is(text, "pin") && !slice_is(text, "confirm"))
		return request_fail_field(request, "ask", "pin or confirm expected");
	if (slice_is(text, "pin") && !settings->pin[0] && !settings->moderator_pin[0])
		return request_fail_field(request, "ask", "this room has no PIN to ask for");
	*ret_ask = slice_is(text, "pin") ? PARTICIPANT_ASK_PIN : PARTICIPANT_ASK_KEY;
	return 0;
}

int participants_invite(struct request *request)
{
	struct focus_invite invite = {0};
	struct document *document = NULL;
	struct participant *participant;
	struct participant_view view;
	struct groups_wish groups;
	struct mode_wish mode = {.has_mode = false};
	struct room *room;
	int err = request_room(request, &room);

	if (err)
		return err;
	err = request_document(request, &SCHEMA_INVITE, &document);
	if (err)
		return err;
	(void)document_text(document, "uri", &invite.uri);
	(void)document_text(document, "display_name", &invite.display_name);
	(void)document_bool(document, "muted", &invite.is_muted);
	(void)document_bool(document, "deaf", &invite.is_deaf);
	err = read_ask(request, document, room, &invite.ask);
	if (!err)
		err = read_role(request, document, &invite.role);
	if (!err)
		err = read_language(request, document, &invite.language);
	if (!err)
		err = read_mode(request, document, room, &mode);
	if (read_groups(document, &groups))
		invite.groups = &groups;
	if (!err)
		err = focus_invite(request_http(request)->focus, room, &invite, &participant);
	document_free(document);
	if (err)
		return fail_invite(request, err);
	err = apply_mode(request, participant, &mode);
	if (err) {
		(void)focus_kick(request_http(request)->focus, participant, "failed");
		return fail_groups(request, err);
	}
	participant_view(participant, &view);
	reply_participant(request, participant);
	request_set_location(request, "/api/v1/rooms/" SLICE_FMT "/participants/" SLICE_FMT,
			     SLICE_ARG(view.room_id), SLICE_ARG(view.id));
	return 0;
}

int participant_get(struct request *request)
{
	struct participant *participant;
	struct room *room;
	int err = request_participant(request, &room, &participant);

	if (!err)
		reply_participant(request, participant);
	return err;
}

static int participant_to_change(struct request *request, struct participant **ret_participant,
				 struct participant_view *ret_view)
{
	struct room *room;
	int err = request_participant(request, &room, ret_participant);

	if (err)
		return err;
	participant_view(*ret_participant, ret_view);
	return request_check_etag(request, ret_view->created_wall_ms, ret_view->version);
}

/* Null: as in its room. */
static void read_sound(const struct document *document, struct participant_control *control)
{
	for (size_t i = 0; i < VIEW_SOUNDS; i++) {
		uint8_t bit = view_sounds[i].bit;
		bool is_on;

		if (document_is_null(document, view_sounds[i].name))
			control->sound_set &= (uint8_t)~bit;
		if (!document_bool(document, view_sounds[i].name, &is_on))
			continue;
		control->sound_set |= bit;
		control->sound = (uint8_t)(is_on ? control->sound | bit : control->sound & ~bit);
	}
	control->sound &= control->sound_set;
}

/* What a document says of a participant, over what it is. */
struct change {
	struct participant_view view; /* control, role, own mute and hand, language */
	bool is_admitted;
	struct groups_wish groups; /* names borrowed from the document */
	struct mode_wish mode;
};

static int read_change(struct request *request, const struct document *document,
		       struct change *change)
{
	struct participant_view *view = &change->view;
	struct room *room = focus_room_find(request_http(request)->focus, view->room_id);
	int err;

#define READ_BOOL document_bool
#define READ_NUMBER document_real
#define CONTROL(type, member, name, min, max, help, shown)                                         \
	(void)READ_##type(document, name, &view->member);
#include "http/participant.inc"
	read_sound(document, &view->control);
	(void)document_bool(document, "admitted", &change->is_admitted);
	(void)read_groups(document, &change->groups);
	err = read_role(request, document, &view->role);
	if (!err)
		err = read_language(request, document, &view->language);
	if (!err)
		err = read_mode(request, document, room, &change->mode);
	if (change->mode.has_mode && !document_has(document, "muted"))
		view->control.is_muted = change->mode.mode == MODE_LISTEN;
	return err;
}

static int apply(struct focus *focus, struct participant *participant, const struct change *change)
{
	const struct participant_view *view = &change->view;
	int err = focus_participant_set_groups(focus, participant, &change->groups);

	if (!err)
		err = focus_participant_set(focus, participant, &view->control);
	if (!err)
		err = focus_participant_set_language(focus, participant, view->language);
	if (err)
		return err;
	/* One that is in already stays in, which is no error; one that has to do something first
	   waits on. */
	if (change->is_admitted && focus_admit(focus, participant) &&
	    view->state == PARTICIPANT_PENDING)
		return ERR_STATE;
	focus_participant_set_self(focus, participant, view->is_self_muted, view->is_hand_raised);
	focus_participant_set_role(focus, participant, view->role);
	return 0;
}

int participant_change(struct request *request)
{
	struct document *document = NULL;
	struct participant *participant;
	struct change change = {.is_admitted = false};
	int err = participant_to_change(request, &participant, &change.view);

	if (err)
		return err;
	err = request_document(request, &SCHEMA_PARTICIPANT_CHANGE, &document);
	if (err)
		return err;
	err = read_change(request, document, &change);
	if (!err)
		err = apply_mode(request, participant, &change.mode);
	if (!err)
		err = apply(request_http(request)->focus, participant, &change);
	document_free(document);
	if (!err)
		reply_participant(request, participant);
	return fail_groups(request, err);
}

/* ?ban=true: it does not come back either. */
static int wants_ban(struct request *request, bool *ret_wants)
{
	char text[8];
	bool has;
	int err = request_query(request, "ban", text, sizeof(text), &has);

	*ret_wants = false;
	if (err || !has)
		return err;
	*ret_wants = slice_is(slice_of(text), "true");
	if (!*ret_wants && !slice_is(slice_of(text), "false"))
		return request_fail_parameter(request, "ban", "true or false");
	return 0;
}

int participant_dial(struct request *request)
{
	struct document *document = NULL;
	struct participant *participant;
	struct slice digits = SLICE_NONE;
	struct room *room;
	int err = request_participant(request, &room, &participant);

	if (!err)
		err = request_document(request, &SCHEMA_DIAL, &document);
	if (err)
		return err;
	(void)document_text(document, "digits", &digits);
	err = focus_participant_dial(request_http(request)->focus, participant, digits);
	document_free(document);
	if (err == -EINVAL)
		return request_fail_field(request, "digits", "1 to %d of 0-9 * # A-D",
					  MEDIA_DIGITS_MAX);
	if (err == ERR_STATE)
		return request_fail(request, err, "it is not connected");
	return err;
}

int participant_kick(struct request *request)
{
	struct focus *focus = request_http(request)->focus;
	struct participant *participant;
	struct participant_view view;
	struct room *room;
	struct ban *ban;
	bool is_ban;
	int err = participant_to_change(request, &participant, &view);

	if (!err)
		err = wants_ban(request, &is_ban);
	if (err)
		return err;
	if (!is_ban)
		return focus_kick(focus, participant, "kicked");
	room = focus_room_find(focus, view.room_id);
	err = focus_ban(focus, room, view.uri, &ban);
	if (err == ERR_BAD_TARGET)
		return request_fail(request, ERR_STATE,
				    "nobody in particular is called " SLICE_FMT
				    ": it can be rung off, but not banned",
				    SLICE_ARG(view.uri));
	return err;
}

int participant_move(struct request *request)
{
	struct focus *focus = request_http(request)->focus;
	struct document *document = NULL;
	struct slice name = SLICE_NONE;
	struct participant *participant;
	struct participant_view view;
	struct room *room;
	int err = participant_to_change(request, &participant, &view);

	if (err)
		return err;
	err = request_document(request, &SCHEMA_PARTICIPANT_MOVE, &document);
	if (err)
		return err;
	(void)document_text(document, "room", &name);
	room = focus_room_find(focus, name);
	if (!room)
		err = request_fail(request, ERR_ROOM_UNKNOWN, "there is no room \"" SLICE_FMT "\"",
				   SLICE_ARG(name));
	document_free(document);
	if (err)
		return err;
	err = focus_participant_move(focus, participant, room);
	if (err == ERR_STATE)
		return request_fail(request, err,
				    "only who is connected can be moved, and no room that moves to "
				    "another server");
	if (err)
		return fail_groups(request, err);
	reply_participant(request, participant);
	return 0;
}
