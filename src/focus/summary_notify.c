/* focus/summary_notify.c -- the event package `message-summary` (RFC 3842): what waits in the
 * mailbox of a user or a room. The first NOTIFY and those after a refresh have the counts; one
 * after a change also the headers of what came since the last (3.5). */
#include "focus/focus_priv.h"
#include "focus/mailbox.h"
#include "focus/summary_doc.h"
#include "focus/watched.h"

enum {
	URI_SPACE = WATCHED_NAME_MAX + ROOM_URI_MAX,
	HEADERS_MAX = 20 /* messages whose headers stand in one document; the latest */
};

static struct watched *watched_of(const struct subscriber *s)
{
	return CONTAINER_OF(s->topic, struct watched, summary);
}

static bool is_news(const struct mail_view *view, uint64_t seen)
{
	return !view->is_read && view->seq > seen;
}

static uint32_t count_news(struct mailbox *mailbox, uint64_t seen)
{
	struct mail_view view;
	uint32_t count = 0;

	for (struct mail *mail = focus_mail_next(mailbox, NULL); mail;
	     mail = focus_mail_next(mailbox, mail)) {
		mail_view(mail, &view);
		count += is_news(&view, seen);
	}
	return count;
}

static void write_news(struct buf *out, const struct watched *watched, struct slice account,
		       uint64_t seen)
{
	struct mailbox *mailbox = focus_mailbox_find(watched->focus, slice_of(watched->name));
	uint32_t count = mailbox ? count_news(mailbox, seen) : 0;
	struct mail_view view;

	for (struct mail *mail = count ? focus_mail_next(mailbox, NULL) : NULL; mail;
	     mail = focus_mail_next(mailbox, mail)) {
		mail_view(mail, &view);
		if (is_news(&view, seen) && count-- <= HEADERS_MAX)
			summary_mail_write(out, account, watched->focus->host, &view);
	}
}

static int write_document(struct subscriber *s, bool is_full, struct buf *out)
{
	struct watched *watched = watched_of(s);
	struct mailbox_view view = {.seq = 0};
	char uri[URI_SPACE];
	struct slice account = slice_of(watched_uri(watched, uri, sizeof(uri)));

	(void)focus_mailbox_view(watched->focus, slice_of(watched->name), &view);
	if (!is_full && s->seen == view.seq)
		return NOTIFIER_NOTHING;
	summary_head_write(out, account, &view);
	if (!is_full)
		write_news(out, watched, account, s->seen);
	s->seen = view.seq;
	return 0;
}

static void on_unused(struct topic *topic)
{
	watched_release(CONTAINER_OF(topic, struct watched, summary));
}

const struct package summary_package = {
	.kind = PACKAGE_MESSAGE_SUMMARY,
	.content_type = SUMMARY_CONTENT_TYPE,
	.interval_min_ms = 1000, /* RFC 3842 3.11 */
	.subscriber_size = sizeof(struct subscriber),
	.write = write_document,
	.on_unused = on_unused,
};
