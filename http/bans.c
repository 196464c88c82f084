/* http/bans.c -- who may not come into a room any more: list, keep out, let in again. */
#include "base/err.h"
#include "focus/ban.h"
#include "focus/focus.h"
#include "http/handlers.h"
#include "http/paging.h"
#include "http/server.h"
#include "http/view.h"

int bans_list(struct request *request)
{
	struct ban_view view = {0};
	struct ban *ban = NULL;
	struct room *room;
	struct page page;
	int err = request_room(request, &room);

	if (!err)
		err = page_of(request, &page);
	if (err)
		return err;
	if (page.has_after) {
		ban = focus_ban_find(room, page_after(&page));
		if (!ban)
			return request_fail_parameter(request, "after",
						      "\"%.64s\" is no ban any more; begin anew",
						      page.id);
	}
	ban = focus_ban_next(room, ban);
	page_open(&page, "bans");
	while (ban && page_has_place(&page)) {
		ban_view(ban, &view);
		view_ban(&page.json, NULL, ban);
		page_add(&page, view.id);
		ban = focus_ban_next(room, ban);
	}
	return page_close(&page, ban != NULL);
}

int bans_create(struct request *request)
{
	struct writer json = writer_to(request_body(request));
	struct document *document = NULL;
	struct slice uri = SLICE_NONE;
	struct ban_view view;
	struct ban *ban;
	struct room *room;
	int err = request_room(request, &room);

	if (err)
		return err;
	err = request_document(request, &SCHEMA_BAN_CREATE, &document);
	if (err)
		return err;
	(void)document_text(document, "uri", &uri);
	err = focus_ban(request_http(request)->focus, room, uri, &ban);
	document_free(document);
	if (err == ERR_BAD_TARGET)
		return request_fail_field(request, "uri", "a URI with user and host");
	if (err == ERR_LIMIT)
		return request_fail(request, err, "at most %d bans in a room", BANS_MAX);
	if (err)
		return err;
	ban_view(ban, &view);
	view_ban(&json, NULL, ban);
	request_set_location(request, "/api/v1/rooms/" SLICE_FMT "/bans/" SLICE_FMT,
			     SLICE_ARG(request_arg(request, 0)), SLICE_ARG(view.id));
	return 0;
}

int ban_delete(struct request *request)
{
	struct slice id = request_arg(request, 1);
	struct ban *ban;
	struct room *room;
	int err = request_room(request, &room);

	if (err)
		return err;
	ban = focus_ban_find(room, id);
	if (!ban)
		return request_fail(request, ERR_BAN_UNKNOWN,
				    "there is no ban \"" SLICE_FMT "\" in the room", SLICE_ARG(id));
	focus_unban(request_http(request)->focus, room, ban);
	return 0;
}
