/* focus/participant_priv.h -- the inside of a participant, for src/focus and its tests only.
 *
 * It holds memory as long as its call or its media leg lives, which is longer than it is in the
 * roster: first participant.left, then the leg's final statistics into the call record, then the
 * end.
 */
#ifndef FOCUS_PARTICIPANT_PRIV_H
#define FOCUS_PARTICIPANT_PRIV_H

#include "base/hash.h"
#include "base/list.h"
#include "focus/digits.h"
#include "focus/event.h"
#include "focus/leg.h"
#include "focus/loops.h"
#include "focus/participant.h"
#include "focus/prompts.h"
#include "focus/room.h"
#include "focus/seats.h"
#include "sip/ua.h"
#include "store/store.h"

struct focus;
struct invitation;
struct attendant;

enum { PARTICIPANT_KEYS_MAX = 6, PARTICIPANT_ID_CHARS = 10, PARTICIPANT_CAUSE_MAX = 31 };

enum participant_event {
	PARTICIPANT_EV_PROGRESS,    /* the peer's phone rings */
	PARTICIPANT_EV_REDIRECTED,  /* another target is called in its place */
	PARTICIPANT_EV_ESTABLISHED, /* 2xx and ACK, and nothing to wait for */
	PARTICIPANT_EV_WAIT,        /* the same, but it has to wait (focus/waiting.h) */
	PARTICIPANT_EV_ADMIT,       /* it need not wait any more */
	PARTICIPANT_EV_HELD,        /* the peer put us on hold */
	PARTICIPANT_EV_RESUMED,
	PARTICIPANT_EV_KICK,   /* we ring it off; it leaves when the call has ended */
	PARTICIPANT_EV_DETACH, /* we ring it off and it leaves now: the room ends */
	PARTICIPANT_EV_ENDED,  /* the call is over */
	PARTICIPANT_EV_COUNT
};

/* What a transition does, carried out in this order. */
enum participant_action {
	PARTICIPANT_DO_JOIN = 1,    /* into the mix; participant.joined */
	PARTICIPANT_DO_PART = 2,    /* a word first (focus/farewell.h), or rung off at once */
	PARTICIPANT_DO_TELL = 4,    /* participant.changed */
	PARTICIPANT_DO_HANG_UP = 8, /* BYE, CANCEL or rejection; the leg closes */
	PARTICIPANT_DO_LEAVE = 16   /* out of the roster; participant.left */
};

struct participant_row {
	uint8_t next;    /* enum participant_state */
	uint8_t actions; /* set of enum participant_action */
};
const struct participant_row *participant_row(unsigned state, enum participant_event event);

struct participant {
	struct focus *focus;
	struct room *room; /* NULL once it has left, or before it is in */
	struct list in_room, in_focus;
	struct hash_node by_id;
	handle tag; /* names it in media events */
	char id[PARTICIPANT_ID_MAX + 1];
	char room_id[ROOM_ID_MAX + 1]; /* outlives the room */
	char uri[STORE_URI_MAX + 1], display_name[STORE_TEXT_MAX + 1], call_id[STORE_URI_MAX + 1];
	bool is_identified;                 /* what follows has been set, once */
	char user_name[ROOM_OWNER_MAX + 1]; /* as in struct auth_identity; "": none */
	char shown_uri[STORE_URI_MAX + 1],
		shown_name[STORE_TEXT_MAX + 1]; /* "": as its call says */
	uint8_t state;
	bool is_outgoing, is_remote_focus, is_talking;
	bool is_held;       /* by the last agreement */
	bool was_listed;    /* in a roster: it gets a call record */
	bool is_refocusing; /* a re-INVITE tells it of the focus (focus/refocus.h) */
	bool is_waiting;    /* came in, and is not answered before all others know */
	struct timer waiting;
	char replaces[PARTICIPANT_ID_MAX +
		      1];    /* whose seat it takes once it is connected; "" nobody */
	uint64_t roster_seq; /* of the last event about it (roster_notify.c) */
	char referred_by[STORE_URI_MAX + 1]; /* URI of Referred-By (RFC 3892); "" none */
	bool is_referrer_hidden;             /* others do not see that */
	bool is_anonymous;                   /* others do not see who it is (RFC 3323, RFC 3325) */
	bool is_host;                        /* made the conference by calling a factory */
	struct refer_in *refer; /* the REFER that asked for this call, until it is answered; NULL */
	uint16_t reject_status; /* in place of the cause's, for one who was not answered; 0 */
	char *warning;          /* owned; what such a one is told beside it; NULL none */
	struct pace messages;   /* of its own */
	bool refuses_messages;  /* answered MESSAGE with 405, 415 or 501 */
	char loop_tokens[LOOP_TEXT_MAX]; /* of the focus that it is; "" none */
	bool is_plain;                   /* of a two-party call: our Contact has no isfocus */
	bool is_trusted;                 /* came through a trusted peer (focus/auth.h) */
	bool is_bridge;       /* carries people of this conference to or from another focus */
	bool takes_seats;     /* the focus that it is understands focus/seats.h */
	bool brings_settings; /* of a room that it made, and has moved here */
	bool is_seated;       /* came by a move, or is on its way */
	char seat_token[SEAT_TOKEN_CHARS + 1]; /* of one that is to move away; "" none */
	char came_on[SEAT_TOKEN_CHARS + 1];    /* of the seat on which it came; "" none */
	char coaches_on[SEAT_TOKEN_CHARS + 1]; /* of whom it coaches once both are here */
	struct participant_control control;
	char coaches[PARTICIPANT_ID_MAX + 1]; /* whom, by id; "" nobody (modes.h) */
	char *group_texts;                    /* owned; groups.c; NULL: groups are the default */
	struct media_groups groups; /* bits of the room's groups; empty sets are empty here */
	struct digits_seen digits;
	uint8_t role;     /* enum participant_role */
	bool is_admitted; /* waits for nobody any more */
	bool is_in_mix;
	bool has_waited;                    /* for a moderator, or to be admitted (waiting.h) */
	uint8_t flags;                      /* set of enum media_leg_flag */
	bool is_self_muted, is_hand_raised; /* its own doing; control is that of others */
	char keys[PARTICIPANT_KEYS_MAX];    /* pressed so far; menu.c */
	uint8_t key_count;
	uint64_t key_ms; /* of the last */
	bool is_dial_in; /* an attendant let it in: it is told things by voice */
	char language[PROMPTS_NAME_MAX + 1]; /* "": the default */
	handle play;                         /* what is said to it, 0 nothing */
	handle music; /* the music for who is alone (alone.h), while it is `play` */
	uint8_t ask;  /* enum participant_ask: what it still has to do before it comes in */
	struct {
		struct timer timer;
		uint8_t asked;
	} confirm;
	bool is_parting;             /* hears why it is removed, and is rung off then */
	struct timer farewell;       /* by when at the latest */
	struct spoken_name *name;    /* what it said it was called; NULL */
	struct attendant *attendant; /* owned; asks for a PIN; else NULL */
	uint64_t created_wall_ms, connected_wall_ms, ended_wall_ms, version;
	char cause[PARTICIPANT_CAUSE_MAX + 1]; /* of its end; "" while nothing is known */
	char ended_by[PARTICIPANT_ID_MAX + 1]; /* whose word that was; "" nobody's */
	uint16_t status;                       /* of an INVITE that failed */
	struct sip_call *call;                 /* NULL before it is made and after it has ended; of
						  several that ring the first */
	struct leg leg;
	struct invitation *invitation; /* owned; targets of a call that we make */
};

extern hash_match_fn *const participant_has_id;             /* key: struct slice */
extern const struct sip_call_handlers participant_handlers; /* arg: the participant */
/* For calls that no participant has: rejected, or given up half-way. arg: ignored. */
extern const struct sip_call_handlers participant_orphan_handlers;

/* In no room and told to nobody. ERR_PARTICIPANT_LIMIT, -ENOMEM. */
int participant_new(struct focus *focus, bool is_outgoing, struct participant **ret_participant);
/* Gives up one that was never listed: its call, if any, is the caller's to end; the memory goes
 * when the leg has closed. */
void participant_discard(struct participant *participant);
/* Ends one that an attendant has, in no room yet: rings off what is there; the memory goes later.
 */
void participant_drop(struct participant *participant);
/* Frees at once, leaving a record when it was listed: for focus_free. */
void participant_abandon(struct participant *participant);

/* Takes from the call what the roster shows. */
void participant_identify(struct participant *participant);
void participant_publish(struct participant *participant, struct room *room);

/* One row of the table. The participant may be gone when this returns. */
void participant_step(struct participant *participant, enum participant_event event);
/* The same for our own endings; the first cause stays. */
void participant_ring_off(struct participant *participant, const char *cause,
			  enum participant_event how);
/* What PARTICIPANT_DO_HANG_UP does, for who was given a word first (focus/farewell.h). */
void participant_hang_up(struct participant *participant);

/* Whose call it is, if it is in a room or a two-party call. */
struct participant *participant_of_call(struct focus *focus, const struct sip_call *call);

/* Who of the room sent this request, going by user and host of From; NULL nobody. */
struct participant *participant_by_from(const struct room *room, const struct sip_msg *request);

/* Who sent it here; absent: as it stands. Hidden from others when that one is anonymous among those
 * who are in the room (RFC 3323). */
void participant_set_referrer(struct participant *participant, struct slice uri);

/* Answers one that waits (is_waiting) with 200. */
void participant_answer_waiting(struct participant *participant);

/* What a call that we make is like (invitation.c). All borrowed for the call. */
struct invitation_start {
	struct slice uri;          /* sip:, sips: or tel: */
	struct slice display_name; /* may be absent */
	bool is_muted, is_deaf;
	const struct groups_wish *groups; /* NULL: as everybody */
	bool is_plain;                    /* our Contact names the participant, without isfocus */
	bool is_on_hold;                  /* our offer is inactive */
	bool offers_nothing;              /* the INVITE goes without a description */

	bool is_bridge;       /* to another focus: no person, in a full room too */
	const char *from;     /* name-addr or URI without a tag; NULL: the room */
	const char *headers;  /* more lines of every INVITE; NULL none */
	const char *replaces; /* "Replaces: ...\r\n": left out when the peer answers 420, 481
				 or 501; NULL none */
	enum participant_role role;
	struct slice language; /* may be absent */
	enum participant_ask ask;
	const struct sip_msg *request; /* the INVITE that it carries on: what that says of
					  diversions goes along; NULL: none */
};
/* Whether this may be called at all: ERR_DRAINING, ERR_NOT_ALLOWED, ERR_BAD_TARGET. */
int invitation_check(const struct focus *focus, struct slice uri);
/* Calls somebody into the room; errors as focus_invite. The participant is published. */
int invitation_begin(struct room *room, const struct invitation_start *start,
		     struct participant **ret_participant);

/* Calls somebody from a dial-in number, whose attendant asks for conference and PIN when it is
 * answered: in no room until then, as if it had dialled the number itself. `row`: what
 * attendant_number_find says of `number`. Errors as focus_invite. */
struct attendant_number;
int invitation_from_number(struct focus *focus, struct slice uri, struct slice number,
			   const struct attendant_number *row);

/* The call, or the last of those that were tried, is over: p->call is NULL by now. */
void participant_ended(struct participant *participant, const struct sip_call_end *end);

/* What it does to itself, by keys or through the API. */
void participant_set_self(struct participant *participant, bool is_muted, bool is_hand_raised);

/* What it is told things in: its own, or the room's; "" the default. */
const char *participant_language(const struct participant *participant);

/* Tells the mixer what the conference wants of the leg: own control and the room's mute. */
void participant_apply_control(struct participant *participant);
/* Set of enum room_sound that is done to what it says. */
uint8_t participant_sound(const struct participant *participant);
bool participant_is_room_muted(const struct participant *participant);

/* The end of the memory, once the call has ended and the leg has given its last statistics. */
void participant_release(struct participant *participant);
void participant_tell(struct participant *participant,
		      enum focus_event_kind kind); /* while in a room */

void participant_on_media_event(struct participant *participant, const struct media_event *event);

#endif
