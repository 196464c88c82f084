/* http/calls.c -- two-party calls: connect, look, end, make a conference of one. */
#include "base/err.h"
#include "focus/focus.h"
#include "http/handlers.h"
#include "http/paging.h"
#include "http/server.h"
#include "http/view.h"

static struct focus *focus_of(struct request *request)
{
	return request_http(request)->focus;
}

static int request_call(struct request *request, struct call **ret_call)
{
	struct slice id = request_arg(request, 0);
	struct call *call = focus_call_find(focus_of(request), id);

	*ret_call = call;
	if (!call)
		return request_fail(request, ERR_CALL_UNKNOWN, "there is no call \"" SLICE_FMT "\"",
				    SLICE_ARG(id));
	return 0;
}

static void reply_call(struct request *request, const struct call *call)
{
	struct writer json = writer_to(request_body(request));
	struct call_view view;

	call_view(call, &view);
	view_call(&json, NULL, call);
	request_set_etag(request, view.created_wall_ms, view.version);
}

static int first_of_page(struct request *request, const struct page *page, struct call **ret_call)
{
	struct call *after = NULL;

	if (page->has_after) {
		after = focus_call_find(focus_of(request), page_after(page));
		if (!after)
			return request_fail_parameter(request, "after",
						      "the call \"%.64s\" has ended; begin anew",
						      page->id);
	}
	*ret_call = focus_call_next(focus_of(request), after);
	return 0;
}

int calls_list(struct request *request)
{
	struct call_view view = {0};
	struct call *call = NULL;
	struct page page;
	int err = page_of(request, &page);

	if (!err)
		err = first_of_page(request, &page, &call);
	if (err)
		return err;
	page_open(&page, "calls");
	while (call && page_has_place(&page)) {
		call_view(call, &view);
		view_call(&page.json, NULL, call);
		page_add(&page, view.id);
		call = focus_call_next(focus_of(request), call);
	}
	return page_close(&page, call != NULL);
}

/* Which of the two cannot be called. */
static int fail_create(struct request *request, int err, bool is_from_bad)
{
	const char *field = is_from_bad ? "from" : "to";

	if (err == ERR_BAD_TARGET || err == ERR_SIP_URI_SYNTAX || err == ERR_SIP_URI_SCHEME)
		(void)request_fail_field(request, field, "give a sip:, sips: or tel: URI");
	else if (err == ERR_SIP_NO_ROUTE)
		(void)request_fail_field(
			request, field,
			"sip.listen has no address for this URI's transport and IP version");
	else if (err == ERR_LOOP)
		(void)request_fail_field(request, "to", "both parties are the same");
	else if (err == ERR_NOT_ALLOWED)
		(void)request_fail(request, err, "calling out is switched off (focus.dial_out)");
	return err;
}

int calls_create(struct request *request)
{
	struct focus_call make = {0};
	struct document *document = NULL;
	struct call_view view;
	struct call *call;
	bool is_from_bad, must_confirm = false;
	int err = request_document(request, &SCHEMA_CALL_CREATE, &document);

	if (err)
		return err;
	(void)document_text(document, "from", &make.from);
	(void)document_text(document, "to", &make.to);
	(void)document_bool(document, "late_offer", &make.is_late_offer);
	(void)document_bool(document, "confirm", &must_confirm);
	if (must_confirm && make.is_late_offer) {
		document_free(document); /* who is on hold hears no question */
		return request_fail_field(request, "confirm", "not together with late_offer");
	}
	err = focus_call_create(focus_of(request), &make, &call);
	if (!err && must_confirm)
		focus_call_confirm(call);
	is_from_bad = err && (err == ERR_SIP_NO_ROUTE ||
			      focus_call_check(focus_of(request), make.from) != 0);
	document_free(document);
	if (err)
		return fail_create(request, err, is_from_bad);
	call_view(call, &view);
	reply_call(request, call);
	request_set_location(request, "/api/v1/calls/" SLICE_FMT, SLICE_ARG(view.id));
	return 0;
}

int calls_get(struct request *request)
{
	struct call *call;
	int err = request_call(request, &call);

	if (!err)
		reply_call(request, call);
	return err;
}

int calls_end(struct request *request)
{
	struct call_view view;
	struct call *call;
	int err = request_call(request, &call);

	if (err)
		return err;
	call_view(call, &view);
	err = request_check_etag(request, view.created_wall_ms, view.version);
	if (!err)
		focus_call_end(focus_of(request), call, "ended");
	return err;
}

int calls_to_room(struct request *request)
{
	struct writer json = writer_to(request_body(request));
	struct room_view view;
	struct room *room;
	struct call *call;
	int err = request_call(request, &call);

	if (err)
		return err;
	err = focus_call_to_room(focus_of(request), call, &room);
	if (err == ERR_STATE)
		(void)request_fail(request, err, "not both parties are connected");
	if (err)
		return err;
	room_view(room, &view);
	view_room(&json, NULL, &view);
	request_set_etag(request, view.created_wall_ms, view.version);
	request_set_location(request, "/api/v1/rooms/" SLICE_FMT, SLICE_ARG(view.id));
	return 0;
}
