/* focus/summary_doc.h -- the document of `message-summary` (RFC 3842 5), written from plain values.
 *
 * Lines end with CR LF: the status, whose it is, a count for each class that has any (voice
 * always), then, behind an empty line each, the headers of new messages. Thread: any; pure.
 */
#ifndef FOCUS_SUMMARY_DOC_H
#define FOCUS_SUMMARY_DOC_H

#include "base/buf.h"
#include "focus/mailbox.h"

#define SUMMARY_CONTENT_TYPE "application/simple-message-summary"

/* `account`: a URI. */
void summary_head_write(struct buf *out, struct slice account, const struct mailbox_view *view);
/* Of one new message; `host` is ours, for Message-ID. */
void summary_mail_write(struct buf *out, struct slice account, const char *host,
			const struct mail_view *mail);

#endif
