/* http/health.c -- is it alive, and does it want calls. */
#include "base/err.h"
#include "focus/focus.h"
#include "http/handlers.h"
#include "http/server.h"

int health_live(struct request *request)
{
	struct writer json = writer_to(request_body(request));

	writer_open(&json, NULL, '{');
	writer_text(&json, "status", "alive");
	writer_close(&json, '}');
	return 0;
}

enum { REASONS_MAX = 4 };

static size_t find_reasons(struct http *http, const char *reasons[REASONS_MAX])
{
	struct media *media = focus_media(http->focus);
	struct store *store = focus_store(http->focus);
	struct media_totals totals = {0};
	size_t count = 0;

	if (focus_is_draining(http->focus))
		reasons[count++] = "draining";
	media->ops->totals(media->ctx, &totals);
	if (totals.workers == 0)
		reasons[count++] = "no_mixer";
	else if (totals.ports_free == 0)
		reasons[count++] = "no_media_ports";
	if (store && store_health(store))
		reasons[count++] = store_health(store) == ERR_STORE_FULL ? "store_full"
									 : "store_failing";
	return count;
}

int health_ready(struct request *request)
{
	struct writer json = writer_to(request_body(request));
	const char *reasons[REASONS_MAX];
	size_t count = find_reasons(request_http(request), reasons);

	writer_open(&json, NULL, '{');
	writer_text(&json, "status", count ? "not_ready" : "ready");
	writer_open(&json, "reasons", '[');
	for (size_t i = 0; i < count; i++)
		writer_text(&json, NULL, reasons[i]);
	writer_close(&json, ']');
	writer_close(&json, '}');
	if (count)
		request_set_status(request, 503);
	return 0;
}
