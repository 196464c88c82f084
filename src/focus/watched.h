/* focus/watched.h -- what somebody watches: rooms, users and two-party calls as topics of the
 * packages `dialog` (RFC 4235), `presence` (RFC 3856) and `message-summary` (RFC 3842).
 *
 * One struct watched stands for a thing as long as anybody subscribes to any of them; it keeps
 * what calls the thing is in, so that a change costs the look-up of a name and not a walk over all
 * participants. Nobody watches: nothing is done. Thread: control.
 */
#ifndef FOCUS_WATCHED_H
#define FOCUS_WATCHED_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/list.h"
#include "focus/location.h"
#include "focus/notifier.h"
#include "focus/participant.h"

struct focus_news;
struct participant;

enum {
	WATCHED_NAME_MAX = LOCATION_USER_MAX,
	WATCHED_GONE_MAX = 32 /* dialogs that ended and are remembered for partial documents */
};

enum watched_kind { WATCHED_ROOM, WATCHED_USER, WATCHED_CALL };

/* A call that the thing is in. */
struct watched_dialog {
	struct list node;
	char participant[PARTICIPANT_ID_MAX + 1];
	uint64_t seq;                /* of its last change */
	const char *state;           /* as RFC 4235 has it; static */
	bool is_on_hold, is_focused; /* as told last */
	/* Of one that has ended: */
	bool is_gone, is_outgoing;
	const char *event; /* static */
	uint16_t code;
};

struct watched {
	struct hash_node by_key;
	struct focus *focus;
	enum watched_kind kind;
	char name[WATCHED_NAME_MAX + 1]; /* of the room, the user or the call */
	struct topic dialog, presence, summary;
	struct list dialogs; /* struct watched_dialog; ended ones too, the oldest first */
	uint32_t gone_count;
	uint64_t seq;        /* of the last change of any dialog */
	uint64_t forgot_seq; /* of the last one that is not remembered any more */
	struct buf presence_text;
	uint64_t presence_seq; /* of the last change of the text */
};

/* What is watched by this name; NULL when nobody does. */
struct watched *watched_find(struct focus *focus, enum watched_kind kind, struct slice name);
/* The same, made when it is the first; somebody must subscribe to one of its topics, or it stays.
 * NULL: out of memory. */
struct watched *watched_open(struct focus *focus, enum watched_kind kind, struct slice name);

/* on_unused of the packages: frees it when nobody is left. */
void watched_release(struct watched *watched);

/* "sip:lobby@host". Returns out. */
char *watched_uri(const struct watched *watched, char *out, size_t cap);

/* Hears everything that happens in rooms and calls. */
void watched_on_news(struct focus *focus, const struct focus_news *news);
/* A user has come or gone, by REGISTER or by the API. */
void watched_on_registration(struct focus *focus, struct slice user);
/* A user was deleted: its subscriptions end (noresource). */
void watched_on_user_gone(struct focus *focus, struct slice user);

/* The user of ours that a participant is, by its URI; false for a stranger. */
bool watched_user_of(struct focus *focus, const struct participant *participant,
		     char ret_name[WATCHED_NAME_MAX + 1]);

/* What is in a mailbox has changed. */
void watched_on_mailbox(struct focus *focus, struct slice name);

extern hash_match_fn *const watched_has_key;

/* dialog_notify.c, presence_notify.c, summary_notify.c */
extern const struct package dialog_package, presence_package, summary_package;
void presence_changed(struct watched *watched);

#endif
