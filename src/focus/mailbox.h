/* focus/mailbox.h -- messages that wait for a user or a room: kept in memory, each change written
 * through to the store, told to phones by the package `message-summary` (RFC 3842).
 *
 * A mailbox is named as its user or room (a user's alias leads to the user's) and is there as long
 * as that is, empty or not; when the user or the room is deleted its messages go too. Messages come
 * by the API, and from recordings of rooms that the API made. A message is new until it has been
 * read (old), and urgent or not. Thread: control.
 */
#ifndef FOCUS_MAILBOX_H
#define FOCUS_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"
#include "store/store.h"

enum {
	MAILBOX_NAME_MAX = STORE_MAILBOX_MAX,
	MAIL_ID_CHARS = 16,
	MAIL_TEXT_MAX = STORE_MAIL_TEXT_MAX,
	MAILS_MAX = 100000 /* in all mailboxes: ERR_LIMIT */
};

struct focus;
struct mailbox;
struct mailboxes;
struct mail;
struct recording;

/* The message classes of RFC 3842 3.5 (RFC 3458 2). */
enum mail_kind { MAIL_VOICE, MAIL_TEXT, MAIL_FAX, MAIL_PAGER, MAIL_MULTIMEDIA, MAIL_KIND_COUNT };
const char *mail_kind_name(enum mail_kind kind); /* "voice", "text" ... */
/* False: none of that name. */
bool mail_kind_of(struct slice name, enum mail_kind *ret_kind);

struct mail_view {
	SLICES(texts, /* borrowed from the message */
	       id, mailbox, from /* URI; empty: nobody knows */, from_name /* may be empty */,
	       subject /* the same */, text /* the same */,
	       recording /* id of a recording (focus/recording.h); empty: none */);
	enum mail_kind kind;
	uint64_t received_wall_ms, length_ms;
	bool is_urgent, is_read;
	uint64_t seq;     /* number of its coming; see mailbox_view */
	uint64_t version; /* ETag */
};
void mail_view(const struct mail *mail, struct mail_view *ret_view);

/* New ones and old ones, urgent ones included, and how many of each are urgent. */
struct mail_counts {
	uint32_t fresh, old, fresh_urgent, old_urgent;
};
struct mailbox_view {
	struct slice name; /* borrowed; of an empty mailbox from the caller */
	struct mail_counts counts[MAIL_KIND_COUNT];
	struct mail_counts total;
	uint64_t seq; /* of its last change, 0 while it is empty; never used twice */
};

/* What is in the mailbox of this name. ERR_MAILBOX_UNKNOWN: no user, no room, and no message. */
int focus_mailbox_view(struct focus *focus, struct slice name, struct mailbox_view *ret_view);
/* One that holds messages; NULL: it is empty or unknown. Borrowed until its last message goes. */
struct mailbox *focus_mailbox_find(struct focus *focus, struct slice name);
/* Those that hold messages, in the order of their names, behind `after` (absent: the first). */
struct mailbox *focus_mailbox_next(struct focus *focus, struct slice after);
const char *mailbox_name(const struct mailbox *mailbox);

struct mail *focus_mail_find(struct focus *focus, struct slice mailbox, struct slice id);
/* In the order of coming; NULL: the first. */
struct mail *focus_mail_next(struct mailbox *mailbox, struct mail *after);

/* All borrowed for the call; absent texts are empty. */
struct mail_make {
	enum mail_kind kind;
	struct slice from, from_name, subject, text, recording;
	uint64_t length_ms;
	bool is_urgent;
};
/* ERR_MAILBOX_UNKNOWN, ERR_MAILBOX_FULL (mailboxes.messages_max), ERR_LIMIT (the text is too long,
 * or MAILS_MAX), ERR_SIP_URI_SYNTAX (from), ERR_QUEUE_FULL of the
 * store, -ENOMEM. */
int focus_mail_add(struct focus *focus, struct slice mailbox, const struct mail_make *make,
		   struct mail **ret_mail);
void focus_mail_set(struct focus *focus, struct mail *mail, bool is_read, bool is_urgent);
void focus_mail_delete(struct focus *focus, struct mail *mail);

struct mailbox_stats {
	uint32_t mails;                   /* gauge */
	uint64_t added, refused, removed; /* refused: the mailbox was full */
};
const struct mailbox_stats *focus_mailbox_stats(const struct focus *focus);

/* For the rest of the focus -------------------------------------------------------------------- */

/* -ENOMEM. */
int mailboxes_new(struct mailboxes **ret_mailboxes);
struct mailboxes *mailboxes_free(struct mailboxes *mailboxes); /* accepts NULL */
/* Errors of the store. */
int mailboxes_load(struct focus *focus);
/* The user or the room of this name has been deleted. */
void mailbox_forget(struct focus *focus, struct slice name);
/* A recording is complete, or was deleted (focus/recording.c). */
void mailbox_on_recording(struct focus *focus, const struct recording *recording, bool is_deleted);

#endif
