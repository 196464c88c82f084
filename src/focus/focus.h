/* focus/focus.h -- the conference focus (RFC 4353): rooms, participants and who may do what.
 *
 * It joins SIP and the mixer: SIP knows no audio, the mixer knows no SIP. A *room* is a conference
 * with a URI; a *participant* is a SIP call (sip/ua.h) with a media leg (media.h) in a room. The
 * HTTP API and SIP call the same operations here, and both see the same events.
 *
 * Thread: control, all of it. Names: focus/room.h, focus/participant.h and focus/event.h hold the
 * parts; this header is the whole and its wiring.
 */
#ifndef FOCUS_FOCUS_H
#define FOCUS_FOCUS_H

#include "base/clock.h"
#include "base/random.h"
#include "base/wheel.h"
#include "config/config.h"
#include "focus/auth.h"
#include "focus/calls.h"
#include "focus/event.h"
#include "focus/participant.h"
#include "focus/pin.h"
#include "focus/room.h"
#include "focus/users.h"
#include "media.h"
#include "sip/net.h"
#include "sip/ua.h"
#include "store/store.h"

struct focus;
struct sip_trace; /* sip/trace.h */

/* What the ua is to be told of this focus (sip_ua_params), and what OPTIONS answers. */
#define FOCUS_ALLOW                                                                                \
	"INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, UPDATE, PRACK, SUBSCRIBE, NOTIFY, REFER, "   \
	"ALLOCATE, MESSAGE, INFO"
#define FOCUS_SUPPORTED                                                                            \
	"timer, replaces, join, norefersub, nosub, explicitsub, tdialog, multiple-refer, "         \
	"recipient-list-invite, path, outbound, gruu"

struct focus_params {
	struct wheel *wheel;
	struct clock clock;
	struct random *random;
	const struct config *config; /* borrowed; focus_reload after it has changed */
	struct store *store;         /* NULL: nothing is kept */
	struct sip_net net;      /* asked for our address toward a party that we call; ops NULL: the
				    kernel is asked */
	struct sip_trace *trace; /* borrowed; what focus/trace.h shows; NULL: nothing */
	const struct sip_hep *hep; /* borrowed, for its figures; NULL: no capture server */
};

/* -ENOMEM. */
int focus_new(const struct focus_params *params, struct focus **ret_focus);
struct focus *focus_free(struct focus *focus); /* before the ua and the mixer are freed */

/* Wiring: the ua and the mixer are made with these, then attached. Loads the stored rooms. */
struct sip_ua_handlers focus_ua_handlers(struct focus *focus);
void focus_on_media_event(void *focus, const struct media_event *event); /* a media_event_fn */
int focus_attach(struct focus *focus, struct sip_ua *ua, struct media media);

void focus_reload(struct focus *focus);

/* SIGTERM: no new rooms or participants (503, or 302 to focus.central_factory); `on_empty` once the
 * last participant has left or focus.drain_s has passed and everybody was rung off. */
void focus_drain(struct focus *focus, void (*on_empty)(void *arg), void *arg);
/* Rings everybody off at once; on_empty of the drain follows. */
void focus_stop(struct focus *focus);
bool focus_is_draining(const struct focus *focus);

/* Whose word the operations are that follow, in events (`by`): "api", "schedule", a participant's
 * id; "": nobody's in particular, what happens by itself. */
void focus_acting(struct focus *focus, const char *by);

/* Operations ------------------------------------------------------------------------------------
 */

/* `id` absent: a fresh conf-... name. Made by the API: kept until deleted, and stored.
 * ERR_ROOM_EXISTS, ERR_ROOM_NAME, ERR_ROOM_LIMIT, ERR_DRAINING, media errors. */
int focus_room_create(struct focus *focus, struct slice id, const struct room_settings *settings,
		      struct room **ret_room);
struct room *focus_room_find(struct focus *focus,
			     struct slice id); /* borrowed, NULL when unknown */
/* Rooms in the order of their names, starting after `after` (absent: the first). NULL at the end.
 */
struct room *focus_room_next(struct focus *focus, struct slice after);
uint32_t focus_room_count(const struct focus *focus);
/* Denoising and its kin as the configuration has them for new rooms; the other settings stay. */
void focus_room_set_sound(const struct focus *focus, struct room_settings *settings);
int focus_room_set(struct focus *focus, struct room *room, const struct room_settings *settings);
/* Everybody is rung off (BYE with Reason), then it is gone. */
int focus_room_close(struct focus *focus, struct room *room, const char *cause);

struct focus_invite {
	struct slice uri; /* sip:, sips: or tel: */
	struct slice
		display_name; /* shown in the roster until the peer tells its own; may be absent */
	bool is_muted, is_deaf; /* from the start */
	enum participant_role role;
	struct slice language; /* of prompts; may be absent. Unknown: -EINVAL */
	enum participant_ask ask;
	const struct groups_wish *groups; /* the same; NULL: as everybody */
};
/* Calls somebody into the room (RFC 4579 5.2, dial-out). ERR_BAD_TARGET, ERR_LOOP (the room
 * itself), ERR_NOT_ALLOWED, ERR_ROOM_FULL, ERR_ROOM_LOCKED does not apply (who invites may),
 * ERR_DRAINING, ERR_GROUP_NAME, ERR_GROUPS_FULL, media errors. */
int focus_invite(struct focus *focus, struct room *room, const struct focus_invite *invite,
		 struct participant **ret_participant);
struct participant *focus_participant_find(struct focus *focus, struct room *room, struct slice id);
struct participant *
focus_participant_next(struct room *room,
		       struct participant *after); /* NULL: the first; in order of joining */
int focus_participant_set(struct focus *focus, struct participant *participant,
			  const struct participant_control *control);
/* Whether callers can be talked to in it: one of prompts.languages. */
bool focus_has_language(const struct focus *focus, struct slice language);

/* So many random digits: a PIN. Returns out, which has one place more. */
char *focus_digits(struct focus *focus, size_t digits, char *out);
/* A number that no room has for a name, to be dialled. */
enum { ROOM_NUMBER_DIGITS = 8 };
char *focus_room_number_fresh(struct focus *focus, char out[ROOM_NUMBER_DIGITS + 1]);

/* Takes a connected participant into another room of this server, to and fro as often as one likes,
 * with its mute, gains and groups. Its call goes on; a re-INVITE tells it the URI of the room in a
 * new Contact (RFC 4579 5.3). Told as FOCUS_PARTICIPANT_LEFT with the cause "moved" there, and as
 * FOCUS_PARTICIPANT_JOINED here; that a room is locked, has a PIN or a lobby is no matter, since it
 * is not the participant who asks. ERR_STATE: not connected yet or any more, of a two-party call,
 * or one of the rooms is moving to another server. ERR_ROOM_FULL, ERR_GROUPS_FULL, media errors. */
int focus_participant_move(struct focus *focus, struct participant *participant, struct room *room);
/* For room_settings.pin and moderator_pin. As pin_hash. */
int focus_pin_hash(struct focus *focus, struct slice pin, char ret_hash[PIN_HASH_MAX + 1]);

/* What it can do to itself by keys: its own mute, and the raised hand. */
/* As digits_send (focus/digits.h). */
int focus_participant_dial(struct focus *focus, struct participant *participant,
			   struct slice digits);
void focus_participant_set_self(struct focus *focus, struct participant *participant, bool is_muted,
				bool is_hand_raised);
/* A moderator comes in at once; one who is a guest again goes on as one. */
void focus_participant_set_role(struct focus *focus, struct participant *participant,
				enum participant_role role);
/* What it is told things in. -EINVAL: none of prompts.languages, and not "". */
int focus_participant_set_language(struct focus *focus, struct participant *participant,
				   struct slice language);
/* Lets in one that waits (state pending). ERR_STATE when it does not. */
int focus_admit(struct focus *focus, struct participant *participant);
/* BYE, CANCEL or rejection, whatever fits; participant.left follows. */
int focus_kick(struct focus *focus, struct participant *participant, const char *cause);

/* What metrics and readiness ask. Never goes back, but for the gauges. */
struct focus_stats {
	uint32_t rooms, participants, participants_connected; /* gauges */
	uint64_t rooms_created, participants_joined, participants_left;
	uint64_t rejected[32];
	uint8_t rejected_count; /* by enum focus_reject */
	uint64_t dial_outs, dial_outs_failed, dtmf_digits;
	uint64_t dtmf_dropped, messages_refused; /* came too fast */
	uint64_t flags_raised[MEDIA_FLAG_COUNT]; /* by enum media_leg_flag */
	uint64_t pins_wrong;
	uint32_t recordings; /* gauge: running or paused */
	uint64_t recordings_done, recordings_failed;
	/* Rooms and calls moved to another focus, or not; participants that went there by that. */
	uint64_t moves_done, moves_failed, participants_moved;
	uint32_t subscriptions[8];      /* gauges, by enum package_kind (notifier.h) */
	uint32_t calls;                 /* two-party calls now */
	uint64_t calls_created;         /* by the API or by a phone */
	uint64_t calls_joined;          /* of them: became conferences */
	uint64_t registrations_refused; /* REGISTER; the rest is in location_stats */
};
enum focus_reject { /* why a caller was turned away */
		    FOCUS_REJECT_ROOM_UNKNOWN,
		    FOCUS_REJECT_ROOM_FULL,
		    FOCUS_REJECT_ROOM_LOCKED,
		    FOCUS_REJECT_ROOM_LIMIT,
		    FOCUS_REJECT_ROOM_NAME,
		    FOCUS_REJECT_DOMAIN,
		    FOCUS_REJECT_DRAINING,
		    FOCUS_REJECT_NO_PORTS,
		    FOCUS_REJECT_NO_LEGS,
		    FOCUS_REJECT_MEDIA,
		    FOCUS_REJECT_ROOM_NOT_OPEN,
		    FOCUS_REJECT_BANNED,
		    FOCUS_REJECT_LOOP,
		    FOCUS_REJECT_JOIN,
		    FOCUS_REJECT_SIPS,
		    FOCUS_REJECT_UNAUTHORIZED, /* credentials were asked for */
		    FOCUS_REJECT_FORBIDDEN,
		    FOCUS_REJECT_INTERNAL,
		    FOCUS_REJECT_COUNT
};
const char *focus_reject_name(enum focus_reject reason); /* "room_full": label in /metrics */
const struct focus_stats *focus_stats(const struct focus *focus);

/* The URI by which `user` is called here, "sip:user@host[:port]", built like room_view.uri. */
void focus_uri(const struct focus *focus, struct slice user, char ret_uri[ROOM_URI_MAX + 1]);

struct sip_ua *focus_ua(struct focus *focus);
struct media *focus_media(struct focus *focus);
struct users *focus_users(struct focus *focus);
/* A user has been deleted (users_delete): ends registrations and subscriptions of that name, and
 * its messages go. */
void focus_user_deleted(struct focus *focus, struct slice name);
struct auth *focus_auth(struct focus *focus);   /* its guard is for sip_ua_params */
struct store *focus_store(struct focus *focus); /* may be NULL */
const struct config *focus_config(const struct focus *focus);
const struct clock *focus_clock(const struct focus *focus);

#endif
