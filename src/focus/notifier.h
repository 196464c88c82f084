/* focus/notifier.h -- event packages (RFC 6665) as the focus serves them: what they have in common.
 *
 * A *package* says what its documents look like. A *topic* is one thing that can be subscribed to
 * under a package: the roster of a room, the presence of a user. A *subscriber* is one subscription
 * to a topic, with a version and a memory of its own. The lives of subscriptions, Accept, rates
 * (RFC 6446) and the one NOTIFY that is out at a time are sip/subscription.h's; here stands what is
 * left: who is told of what, how many may be, and how it ends for all. Thread: control.
 */
#ifndef FOCUS_NOTIFIER_H
#define FOCUS_NOTIFIER_H

#include "base/buf.h"
#include "base/list.h"
#include "sip/subscription.h"

struct focus;
struct topic;
struct subscriber;

enum {
	TOPIC_SUBS_MAX = 2000,     /* of one topic: 503 with Retry-After beyond */
	NOTIFIER_PROBATION_S = 60, /* when one whose document could not be written may come back */
	NOTIFIER_NOTHING = 1       /* of package.write: there is nothing new */
};

enum package_kind {
	PACKAGE_CONFERENCE,
	PACKAGE_DIALOG,
	PACKAGE_PRESENCE,
	PACKAGE_MESSAGE_SUMMARY,
	PACKAGE_COUNT
};

const char *package_name(enum package_kind kind); /* "conference" ... */

struct package {
	enum package_kind kind;
	const char *content_type;   /* of its documents */
	const char *contact_params; /* of our Contact: "isfocus", or NULL */
	uint32_t interval_min_ms;   /* between two NOTIFYs, as its RFC asks for */
	size_t subscriber_size;     /* of a struct that begins with struct subscriber */
	/* Reads what a SUBSCRIBE asks for beside the common parameters: 0, or the status that
	 * refuses it. May be NULL. */
	uint16_t (*read)(struct subscriber *subscriber, const struct sip_msg *request);
	/* Writes what this subscriber is told now: the whole state when `is_full`, else what is
	 * new, or NOTIFIER_NOTHING. An error ends the subscription (probation). */
	int (*write)(struct subscriber *subscriber, bool is_full, struct buf *out);
	/* A last document for topic_end, or NULL. */
	void (*write_end)(struct subscriber *subscriber, struct buf *out);
	/* It has been told; may ask for another turn by sip_sub_changed. May be NULL. */
	void (*on_told)(struct subscriber *subscriber);
	/* The last subscriber has gone: the topic may be freed. May be NULL. */
	void (*on_unused)(struct topic *topic);
};

/* A field of what is subscribed to. */
struct topic {
	const struct package *package;
	struct focus *focus;
	struct list subscribers;
	uint32_t count;
};

struct subscriber {
	struct list in_topic, in_focus;
	struct focus *focus;
	struct topic *topic; /* NULL: it ends, on_ended is on its way */
	const struct package *package;
	struct sip_sub *sub;
	uint32_t version; /* of the next document */
	uint64_t seen;    /* package's own: number of the last change that it was told */
	bool is_limited;  /* goes over UDP */
};

void topic_init(struct topic *topic, struct focus *focus, const struct package *package);

/* Answers a SUBSCRIBE, in or out of a dialog: 503, 415 (it has a body that we would have to
 * understand), and what sip_sub_accept refuses. `user`: of our Contact. */
void topic_subscribe(struct topic *topic, struct sip_stx *tx, const struct sip_msg *request,
		     struct slice user);

/* There is news: every subscriber is asked for by package.write as soon as a NOTIFY may go out. */
void topic_changed(struct topic *topic);

/* Ends every subscription with a last NOTIFY (RFC 6665 4.1.3): "noresource" when the thing is gone,
 * "deactivated" when somebody else may serve it. on_unused follows. */
void topic_end(struct topic *topic, const char *reason);

/* Draining: all subscriptions are told to go elsewhere (deactivated), but those to rosters of
 * conferences that go on when `is_last` is false. True when there was any. */
bool notifier_drain(struct focus *focus, bool is_last);

/* For focus_free: nobody is told. */
void notifier_abandon(struct focus *focus);

#endif
