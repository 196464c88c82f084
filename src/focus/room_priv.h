/* focus/room_priv.h -- the inside of a room, for src/focus and its tests only. */
#ifndef FOCUS_ROOM_PRIV_H
#define FOCUS_ROOM_PRIV_H

#include "base/list.h"
#include "base/wheel.h"
#include "focus/leg.h"
#include "focus/loops.h"
#include "focus/participant.h"
#include "focus/room.h"
#include "focus/roster_notify.h"

struct call;
struct focus;
struct participant;

struct room {
	struct focus *focus;
	char id[ROOM_ID_MAX + 1];
	enum room_origin origin;
	struct room_settings settings;
	char loop_token[LOOP_TOKEN_CHARS + 1]; /* focus/loops.h */
	uint32_t grace_s;                      /* of a factory room: from when the last has left */
	uint64_t created_wall_ms, version;
	struct call *call; /* a two-party call, no conference yet: in no table; else NULL */
	bool is_ending;    /* the last to leave neither ends it once more nor starts its grace */
	struct list participants; /* by in_room, in order of joining */
	uint32_t participant_count;
	uint32_t bridge_count; /* of them: no persons, but ways to another focus */
	struct list seats;     /* who is awaited from another focus (focus/seats.h) */
	uint32_t seat_count;
	uint64_t seats_ms;           /* when that last changed, monotonic */
	struct bus *bus;             /* held while there is somebody; NULL in an empty room */
	struct groups *groups;       /* owned; NULL: main alone */
	struct migration *migration; /* owned; NULL: never moved */
	struct roster roster;
	struct timer grace;           /* of a factory room that nobody is in */
	struct recording *recording;  /* that runs; NULL */
	bool is_recording_declined;   /* somebody stopped it: none by itself before all have left */
	struct timer moderator_grace; /* the last moderator has left */
	struct list bans;             /* ban.c, oldest first */
	uint32_t ban_count;
	struct { /* schedule.c */
		struct timer timer;
		char *invitees;        /* owned; comma list; NULL none */
		uint64_t first_ms;     /* the first came in, on the wheel's clock */
		bool is_counting;      /* somebody is in */
		bool has_begun;        /* the invitees have been called */
		bool is_ending;        /* the last word is being said */
		const char *end_cause; /* schedule_end: why; NULL it was not called */
		char ended_by[PARTICIPANT_ID_MAX + 1]; /* and whose word that was */
		uint8_t warned; /* how many warnings have been given, or are too late */
	} schedule;
};

struct room_make {
	struct slice id;
	enum room_origin origin;
	struct room_settings settings;
	uint64_t created_wall_ms; /* 0: now */
	bool has_begun;           /* its invitees have been called */
};

/* A room that nobody knows yet: in no table, told to nobody. Also makes place in the table, so that
 * room_publish cannot fail. ERR_ROOM_LIMIT, -ENOMEM. */
int room_new(struct focus *focus, const struct room_make *make, struct room **ret_room);
/* Makes place in the table for one that room_publish will put there. ERR_ROOM_LIMIT, -ENOMEM. */
int room_reserve(struct focus *focus);
struct room *room_free(struct room *room);

/* Puts it into the table, stores it when the API made it, tells room.created and starts its life.
 */
void room_publish(struct room *room);
void room_store(const struct room *room); /* when the API made it */
/* Something of it has changed: version, store, room.changed. */
void room_changed(struct room *room, const char *cause);
void room_put(struct room *room); /* into the table only: stored rooms at start */

/* Set of enum room_sound. */
uint8_t room_sound(const struct room_settings *settings);

/* Who is in it, without bridges. */
uint32_t room_people(const struct room *room);

/* 0, ERR_ROOM_LOCKED, ERR_ROOM_FULL, ERR_ROOM_NOT_OPEN. Lock and hours are for those who call, not
 * for those who are called. */
int room_check_entry(const struct room *room, bool is_incoming);

/* Guests who call may have to wait before they are let into the mix. */
bool room_has_wait(const struct room *room);
/* Its owner is this user ("": nobody) of ours, who has proved it (struct auth_identity). */
bool room_is_owned_by(const struct room *room, const char *user_name);

/* The bus of the room, opened when it is the first need of it. The room keeps its own hold.
 * ERR_MEDIA_NO_ROOMS, ERR_QUEUE_FULL, -ENOMEM. */
int room_bus(struct room *room, struct bus **ret_bus);
/* Tells the mixer who is to be heard in the room, as its settings and the configuration say. */
void room_policy_apply(const struct room *room);
void room_bus_drop(struct room *room); /* the hold of a room in which nobody is */

void room_enter(struct room *room, struct participant *participant);
/* Takes it out of the roster; may end the room (made by a call) or start its grace (factory). */
void room_leave(struct room *room, struct participant *participant);

/* Everybody is rung off and leaves the roster now; the room is gone when this returns. */
void room_end(struct room *room, const char *cause);

/* "conf-<random>", a name that no room has. Returns out. */
char *focus_room_id_fresh(struct focus *focus, char out[ROOM_ID_MAX + 1]);

/* "sip:id@host" of a room, existing or not. Returns out. */
char *room_uri(const struct focus *focus, const char *id, char out[ROOM_URI_MAX + 1]);
bool room_uri_is(const struct focus *focus, const char *id, struct slice uri); /* RFC 3261 19.1.4 */

#endif
