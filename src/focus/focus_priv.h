/* focus/focus_priv.h -- the inside of the focus, for src/focus and its tests only. */
#ifndef FOCUS_FOCUS_PRIV_H
#define FOCUS_FOCUS_PRIV_H

#include "base/handle.h"
#include "base/hash.h"
#include "base/list.h"
#include "focus/callback.h"
#include "focus/focus.h"
#include "focus/forward.h"
#include "focus/location.h"
#include "focus/lockout.h"
#include "focus/numbers.h"
#include "focus/own_keys.h"
#include "focus/prompts.h"

enum {
	FOCUS_STOP_MS = 5000, /* from ringing everybody off to on_empty, whoever answers the BYE */
	FOCUS_CONF_ID_CHARS = 12, /* of conf-<id>: 60 bits, not to be guessed */
	FOCUS_HOST_MAX = ROOM_URI_MAX - ROOM_ID_MAX - 5 /* what "sip:" id "@" leave of a URI */
};
#define FOCUS_CONF_PREFIX "conf-"

struct focus {
	struct wheel *wheel;
	struct clock clock;
	struct random *random;
	const struct config *config;
	struct store *store;
	struct sip_net net;
	struct sip_trace *trace;   /* NULL: none */
	const struct sip_hep *hep; /* NULL: none */
	struct sip_ua *ua;         /* borrowed from attach on */
	struct media media;
	struct users *users;
	struct auth *auth;
	struct auth_identity caller;   /* of the request that is being handled (gate.h) */
	char host[FOCUS_HOST_MAX + 1]; /* of conference URIs: host[:port] */
	uint64_t version; /* the last one given out, for ETags; never reused in this process */

	struct room **rooms; /* ordered by id */
	uint32_t room_count, room_cap;

	struct list subscribers; /* every event subscription (notifier.h) */
	struct hash *watched;    /* rooms, users and calls that somebody watches */
	struct list refers;      /* REFERs that are under way */
	struct list calls;       /* by in_focus, in order of making */
	struct hash *calls_by_id;
	struct location *location; /* owned */
	struct {
		char instance[OWN_KEYS_INSTANCE_CHARS + 1];
		bool has_instance, has_gruu; /* in the store */
	} keys;                              /* own_keys.c */
	struct mailboxes *mailboxes;         /* owned (mailbox.h) */
	struct forwards *forwards;           /* owned */
	struct numbers *numbers;             /* owned */
	struct callbacks *callbacks;         /* owned */
	struct trunks *trunks;               /* owned */

	struct list participants; /* by in_focus: all that hold memory, also those that have left */
	struct hash *by_id;       /* those in a roster */
	struct handle_table *tags; /* media tag -> participant */

	struct {
		focus_event_fn *on_event;
		void *arg;
	} listeners[FOCUS_LISTENERS_MAX];
	uint64_t event_seq;
	char by[PARTICIPANT_ID_MAX + 1]; /* whose word it is (focus_acting); "" nobody's */
	struct focus_stats stats;
	struct prompts *prompts; /* announcer.c */
	struct speech *speech;   /* reads what they lack; NULL: nothing was read yet */
	struct lockout *lockout;
	struct list names;      /* spoken_name.c */
	struct list recordings; /* struct recording, oldest first */
	struct timer recordings_sweep;
	struct list plays; /* play.c, oldest first */
	uint32_t play_count;

	struct {
		bool is_on, is_stopping, is_done;
		struct timer timer;
		void (*on_empty)(void *arg);
		void *arg;
	} drain;
};

uint64_t focus_version_next(struct focus *focus);

/* event.c: tells every listener. The fields seq and wall_ms are filled here. */
struct focus_news {
	enum focus_event_kind kind;
	struct room *room;
	struct participant *participant;
	const struct call *call;
	const struct fork_attempt_view *attempt;
	struct slice from, text; /* of messages */
	const char *content_type;
	const char *cause;
	const char *by; /* NULL: whose word it is now */
	uint16_t status;
	char digit;
	uint16_t duration_ms;
};
void event_publish(struct focus *focus, const struct focus_news *news);
/* What happened in no room. `cause` may be NULL. */
void event_publish_registration(struct focus *focus, enum focus_event_kind kind,
				const struct registration_view *registration, const char *cause);

struct recording;
void event_publish_recording(struct focus *focus, const struct recording *recording,
			     const char *cause);

struct play_view;
void event_publish_play(struct focus *focus, enum focus_event_kind kind,
			const struct play_view *play, const char *cause);

struct mail;
void event_publish_mail(struct focus *focus, enum focus_event_kind kind, const struct mail *mail);

/* drain.c: a participant's memory has gone, or draining began. */
void drain_check(struct focus *focus);
void drain_done(struct focus *focus); /* stops its timer */

/* incoming.c, behind gate.c. */
void incoming_on_invite(void *arg, struct sip_call *call, const struct sip_msg *request);
/* 302 to a conference elsewhere; a Join that is mixed here after all (named NULL: gone). */
void incoming_send_to(struct focus *focus, struct sip_call *call, struct slice uri);
void incoming_join_anyway(struct focus *focus, struct sip_call *call, struct participant *named);
void incoming_on_request(void *arg, struct sip_stx *tx, const struct sip_msg *request);

/* packages.c: event subscriptions out of a dialog, and in that of a participant. */
#define FOCUS_PACKAGES "conference, dialog, message-summary, presence, refer"
#define FOCUS_PACKAGES_IN_INVITES "conference, refer" /* what the one who is called may want */
void packages_on_subscribe(struct focus *focus, struct sip_stx *tx, const struct sip_msg *request);
void packages_on_subscribe_within(struct participant *participant, struct sip_stx *tx,
				  const struct sip_msg *request);

/* invitation.c: the way to somebody whom we call. */
struct invitation;
struct invitation *invitation_free(struct invitation *invitation);
/* Somebody is still being called. Accepts NULL. */
bool invitation_is_live(const struct invitation *invitation);
/* Cancels it; false when there is nothing to cancel. */
bool invitation_hang_up(struct invitation *invitation, const struct sip_reply *reason);

#endif
