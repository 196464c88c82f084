/* http/participants.c -- who is in a room: list, call in, change, ring off. */
#include "base/err.h"
#include "focus/focus.h"
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
					       slice_of(page->after));
		if (!after)
			return request_fail_parameter(
				request, "after",
				"\"%.64s\" is not in the room any more; begin anew", page->after);
	}
	*ret_participant = focus_participant_next(room, after);
	return 0;
}

int participants_list(struct request *request)
{
	struct writer json = writer_to(request_body(request));
	struct participant_view view = {0};
	struct participant *participant = NULL;
	struct room *room;
	struct page page;
	uint32_t count = 0;
	int err = request_room(request, &room);

	if (err)
		return err;
	err = page_of(request, &page);
	if (err)
		return err;
	err = first_of_page(request, room, &page, &participant);
	if (err)
		return err;
	writer_open(&json, NULL, '{');
	writer_open(&json, "participants", '[');
	for (; participant && count < page.limit; count++) {
		participant_view(participant, &view);
		view_participant(&json, NULL, &view);
		participant = focus_participant_next(room, participant);
	}
	writer_close(&json, ']');
	writer_str(&json, "next", participant ? view.id : SLICE_NONE);
	writer_close(&json, '}');
	return 0;
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
	return err;
}

int participants_invite(struct request *request)
{
	struct focus_invite invite = {0};
	struct document *document = NULL;
	struct participant *participant;
	struct participant_view view;
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
	err = focus_invite(request_http(request)->focus, room, &invite, &participant);
	document_free(document);
	if (err)
		return fail_invite(request, err);
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

int participant_change(struct request *request)
{
	struct document *document = NULL;
	struct participant *participant;
	struct participant_view view;
	bool is_admitted = false;
	int err = participant_to_change(request, &participant, &view);

	if (err)
		return err;
	err = request_document(request, &SCHEMA_PARTICIPANT_CHANGE, &document);
	if (err)
		return err;
	(void)document_bool(document, "muted", &view.control.is_muted);
	(void)document_bool(document, "deaf", &view.control.is_deaf);
	(void)document_real(document, "gain_db", &view.control.gain_db);
	(void)document_real(document, "volume_db", &view.control.volume_db);
	(void)document_bool(document, "self_muted", &view.is_self_muted);
	(void)document_bool(document, "hand_raised", &view.is_hand_raised);
	(void)document_bool(document, "admitted", &is_admitted);
	document_free(document);
	err = focus_participant_set(request_http(request)->focus, participant, &view.control);
	if (!err)
		focus_participant_set_self(request_http(request)->focus, participant,
					   view.is_self_muted, view.is_hand_raised);
	if (!err && is_admitted) /* one that is in already stays in: asked twice is no error */
		(void)focus_admit(request_http(request)->focus, participant);
	if (!err)
		reply_participant(request, participant);
	return err;
}

int participant_kick(struct request *request)
{
	struct participant *participant;
	struct participant_view view;
	int err = participant_to_change(request, &participant, &view);

	if (err)
		return err;
	return focus_kick(request_http(request)->focus, participant, "kicked");
}
