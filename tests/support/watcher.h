/* tests/support/watcher.h -- somebody who subscribes to something of the focus, and what it is
 * told.
 *
 * Thread: the test's.
 */
#ifndef TESTS_SUPPORT_WATCHER_H
#define TESTS_SUPPORT_WATCHER_H

#include "sip/subscription.h"
#include "tests/support/focus_world.h"

struct watcher {
	const char *event;   /* "dialog" */
	const char *accept;  /* or NULL */
	const char *headers; /* more lines of its SUBSCRIBEs, or NULL */
	const char *from;    /* its user; NULL: "watcher" */
	struct sip_watch *watch;
	struct buf body; /* of the last NOTIFY */
	char type[64];   /* its Content-Type */
	char state[128]; /* its Subscription-State */
	uint32_t notifies;
	void (*on_body)(struct watcher *watcher); /* a NOTIFY with a body has come; may be NULL */
	bool has_ended;
	uint16_t refused; /* status of a SUBSCRIBE that was refused */
	char reason[32];
	uint32_t retry_after_s;
};

/* Subscribes, in the dialog of `call` when it is not NULL, and lets 200 ms pass. */
void watcher_subscribe(struct world *world, struct watcher *watcher, const char *uri,
		       struct sip_call *call);
/* Ends it, checks that it is over, and frees the body. */
void watcher_end(struct world *world, struct watcher *watcher);

bool watcher_tells(const struct watcher *watcher, const char *text);
/* How often the text is in the body. */
uint32_t watcher_count(const struct watcher *watcher, const char *text);
/* The number behind ` version="` of the document, past that of XML; UINT32_MAX none. */
uint32_t watcher_version(const struct watcher *watcher);

#endif
