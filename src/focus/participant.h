/* focus/participant.h -- one party of a conference as others see it. Thread: control. */
#ifndef FOCUS_PARTICIPANT_H
#define FOCUS_PARTICIPANT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "focus/groups.h"
#include "media.h"

enum { PARTICIPANT_ID_MAX = 16 };

struct participant;

/* RFC 4575 5.7.3 endpoint status. */
enum participant_state {
	PARTICIPANT_DIALING_IN,
	PARTICIPANT_DIALING_OUT,
	PARTICIPANT_ALERTING,
	PARTICIPANT_PENDING, /* answered, and waits to be let in (focus/waiting.h) */
	PARTICIPANT_CONNECTED,
	PARTICIPANT_ON_HOLD,
	PARTICIPANT_DISCONNECTING,
	PARTICIPANT_DISCONNECTED, /* in no roster any more: seen only in FOCUS_PARTICIPANT_LEFT */
	PARTICIPANT_STATE_COUNT
};

/* What somebody whom we call has to do before it comes in. */
enum participant_ask {
	PARTICIPANT_ASK_NOTHING,
	PARTICIPANT_ASK_KEY, /* press 1 (focus/confirm.h) */
	PARTICIPANT_ASK_PIN, /* type a PIN of the room (focus/attendant.h), or 1 if it has none */
};
enum participant_role { PARTICIPANT_GUEST, PARTICIPANT_MODERATOR };

struct participant_control {
	bool is_muted;     /* the room does not hear it */
	bool is_deaf;      /* it does not hear the room */
	double gain_db;    /* on what it says; -60 to +30 */
	double volume_db;  /* on what it hears; -60 to +30 */
	uint8_t sound_set; /* what it has otherwise than its room, of enum room_sound (focus/room.h)
			    */
	uint8_t sound;     /* of these: what it has */
};

struct participant_view {
	SLICES(texts, /* borrowed from the participant */
	       id, room_id, uri /* the peer's address of record */,
	       display_name /* UTF-8, may be empty */, call_id,
	       language /* what it is told things in; "" the room's */,
	       coaches /* id of the one whom it coaches; empty: nobody */,
	       referred_by /* URI of who sent it here (RFC 3892); empty: nobody */);
	enum participant_state state;
	enum participant_role role;
	bool is_outgoing; /* we called it */
	struct participant_control control;
	struct groups_texts groups;         /* names, as "main fr" */
	bool is_self_muted, is_hand_raised; /* by its own keys */
	bool is_room_muted;                 /* muted because the room is */
	uint8_t sound;                      /* set of enum room_sound, in force */
	uint8_t flags;                      /* set of enum media_leg_flag */
	bool is_remote_focus;               /* another conference (isfocus) */
	bool is_bridge; /* to where a conference moves, or from where it came: no person */
	uint64_t created_wall_ms, connected_wall_ms; /* 0: not yet */
	uint64_t version;                            /* ETag: control and state, not levels */
	bool is_host;                                /* made the conference by calling a factory */
	bool is_anonymous; /* asked for privacy: the roster does not say who it is */
	const char *codec; /* static: "PCMU"; "" before it is agreed */
	bool is_encrypted; /* SRTP, as agreed */
	const struct participant
		*of; /* whose view it is, for participant_attempt; NULL in events */
	struct media_leg_stats media; /* talking, levels, loss, jitter, delay, MOS */
};
/* Whom we tried to reach, in order (focus/fork.h); false beyond the last, and for who called us. */
struct fork_attempt_view;
bool participant_attempt(const struct participant *participant, uint32_t at,
			 struct fork_attempt_view *ret_view);

/* Of a bridge from another focus: who is heard over it and may still come (focus/seats.h), one
 * after the other; false beyond the last. */
struct participant_awaited {
	struct slice uri, display_name;
	enum participant_role role;
	bool is_muted;
};
bool participant_awaited(const struct participant *participant, uint32_t at,
			 struct participant_awaited *ret_awaited);
void participant_view(const struct participant *participant, struct participant_view *ret_view);

/* "guest", "moderator". */
const char *participant_role_name(enum participant_role role);
const char *
participant_state_name(enum participant_state state); /* "dialing-in", "connected" ... */

#endif
