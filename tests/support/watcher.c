#include "tests/support/watcher.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"

uint32_t watcher_version(const struct watcher *watcher)
{
	const char *at = watcher->body.len ? strstr(watcher->body.p, " version=\"") : NULL;
	uint32_t version = UINT32_MAX;

	at = at ? strstr(at + 1, " version=\"") : NULL;
	if (at)
		(void)slice_u32(slice_make(at + 10, strcspn(at + 10, "\"")), UINT32_MAX - 1,
				&version);
	return version;
}

static void on_notify(void *arg, struct sip_watch *watch, const struct sip_sub_status *status,
		      const struct sip_msg *notify)
{
	struct watcher *watcher = arg;

	(void)watch;
	(void)status;
	buf_clear(&watcher->body);
	buf_addslice(&watcher->body, notify->body);
	slice_cstr(sip_msg_value(notify, SIP_H_CONTENT_TYPE), watcher->type, sizeof(watcher->type));
	slice_cstr(sip_msg_value(notify, SIP_H_SUBSCRIPTION_STATE), watcher->state,
		   sizeof(watcher->state));
	watcher->notifies++;
	if (notify->body.len && watcher->on_body)
		watcher->on_body(watcher);
}

static void on_ended(void *arg, struct sip_watch *watch, const struct sip_watch_end *end)
{
	struct watcher *watcher = arg;

	(void)watch;
	watcher->watch = NULL;
	watcher->has_ended = true;
	watcher->refused = end->status;
	watcher->retry_after_s = end->retry_after_s;
	slice_cstr(end->reason, watcher->reason, sizeof(watcher->reason));
}

static const struct sip_watch_handlers handlers = {.on_notify = on_notify, .on_ended = on_ended};

void watcher_subscribe(struct world *world, struct watcher *watcher, const char *uri,
		       struct sip_call *call)
{
	char from[64];

	snprintf(from, sizeof(from), "<sip:%s@" WORLD_PHONES ">",
		 watcher->from ? watcher->from : "watcher");
	CHECK_INT(uri,
		  sip_watch_new(world->phones_ua,
				&(struct sip_watch_params){
					.event = watcher->event,
					.accept = watcher->accept,
					.headers = watcher->headers,
					.target = slice_of(uri),
					.from = slice_of(from),
					.contact_user = SLICE("watcher"),
					.call = call,
					.handlers = &handlers,
					.arg = watcher,
				},
				&watcher->watch),
		  0);
	world_run(world, 200);
}

void watcher_end(struct world *world, struct watcher *watcher)
{
	if (watcher->watch)
		sip_watch_end(watcher->watch);
	world_run(world, 2000);
	CHECK("over", watcher->has_ended);
	buf_done(&watcher->body);
}

bool watcher_tells(const struct watcher *watcher, const char *text)
{
	return watcher->body.len && strstr(watcher->body.p, text);
}

uint32_t watcher_count(const struct watcher *watcher, const char *text)
{
	const char *at = watcher->body.len ? watcher->body.p : "";
	uint32_t count = 0;

	while ((at = strstr(at, text)) != NULL) {
		count++;
		at += strlen(text);
	}
	return count;
}
