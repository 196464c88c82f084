/* http/trunks.c -- where we are registered ourselves. */
#include "focus/trunks.h"

#include "focus/focus.h"
#include "http/handlers.h"
#include "http/server.h"
#include "http/view.h"

static void add_trunk(struct writer *json, const struct trunk_view *trunk)
{
	writer_open(json, NULL, '{');
	writer_str(json, "aor", trunk->aor);
	writer_text(json, "state", trunk_state_name(trunk->state));
	writer_bool(json, "outbound", trunk->has_flow);
	writer_some_uint(json, "status", trunk->status);
	writer_text(json, "reason", trunk->reason);
	writer_str(json, "service_route", trunk->service_route);
	writer_time(json, "expires_at", trunk->expires_wall_ms);
	writer_time(json, "next_try_at", trunk->next_try_wall_ms);
	writer_close(json, '}');
}

int trunks_list(struct request *request)
{
	struct writer json = writer_to(request_body(request));
	struct trunk_view view;

	writer_open(&json, NULL, '{');
	writer_open(&json, "trunks", '[');
	for (uint32_t i = 0; focus_trunk(request_http(request)->focus, i, &view); i++)
		add_trunk(&json, &view);
	writer_close(&json, ']');
	writer_close(&json, '}');
	return 0;
}
