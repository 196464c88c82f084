/* http/page.c -- the files of the page. They may be kept by the browser but are asked for again, so
 * that page and server are always of one version. */
#include <stdio.h>

#include "base/err.h"
#include "http/asset.h"
#include "http/handlers.h"
#include "http/server.h"

int page_get(struct request *request)
{
	struct reply *reply = &request->reply;
	struct slice known = request_header(request, "If-None-Match");
	const struct asset *asset = assets;

	while (asset->path && !slice_is(request_path(request), asset->path))
		asset++;
	if (!asset->path)
		return ERR_HTTP_NOT_FOUND;
	(void)snprintf(reply->etag, sizeof(reply->etag), "%s", asset->etag);
	reply->cache_control = "no-cache";
	if (slice_is(known, asset->etag))
		reply->status = 304;
	else
		reply->asset = slice_make((const char *)asset->data, asset->len);
	return 0;
}
