/* focus/migrate.h -- moving a conference or a two-party call to another focus (RFC 4579 5.4, 5.5;
 * RFC 3911 8.1).
 *
 * We call the other focus (its factory, or a conference there) from inside the room: that leg is a
 * bridge, over which both ends hear each other all the time. Once it has answered with a
 * conference URI (isfocus), whoever comes is sent there (302) and each party is asked to go there
 * (REFER); who has arrived (NOTIFY says 2xx) is rung off here. Who cannot go stays, carried over
 * the bridge. When the other focus refuses, or the bridge breaks, everybody who is still here
 * stays, and newcomers are taken in again. With `focus.central_factory` a Join to a two-party call
 * does this in place of mixing here. Thread: control.
 */
#ifndef FOCUS_MIGRATE_H
#define FOCUS_MIGRATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct focus;
struct migration;
struct participant;
struct room;
struct sip_call;

enum { MIGRATE_REFER_MS = 40000, MIGRATE_WAITING_MAX = 32 };

enum migration_state {
	MIGRATION_NONE,
	MIGRATION_DIALLING, /* the other focus is called */
	MIGRATION_MOVING,   /* parties are asked to go */
	MIGRATION_DONE,     /* who could go has gone; the rest is carried over the bridge */
	MIGRATION_FAILED,   /* told once; the room is as it was */
	MIGRATION_STATE_COUNT
};
const char *migration_state_name(enum migration_state state); /* "none", "dialling" ... */

struct migration_view {
	enum migration_state state;
	SLICES(texts, to /* whom we called; absent when there is none */,
	       uri /* the conference there; absent before it is known */);
	uint32_t moved, pending, carried;
};
void migration_view(const struct room *room, struct migration_view *ret_view);

/* `to`: a factory or a conference elsewhere. ERR_STATE while one is under way, ERR_BAD_TARGET,
 * ERR_LOOP (the room itself), ERR_NOT_ALLOWED, ERR_DRAINING, media errors. */
int focus_migrate(struct focus *focus, struct room *room, struct slice to);

/* Where newcomers are sent; absent: they are taken in here. */
struct slice migration_target(const struct room *room);
bool migration_has_bridge(const struct room *room, const struct participant *participant);

/* A caller who waits for the move to begin: 302 when it does; when it fails, `on_stay` takes it in
 * here (`named`: the participant that its Join named). ERR_LIMIT. */
int migration_wait(struct room *room, struct sip_call *call, const struct participant *named);

/* What the participants tell. */
void migration_on_joined(struct participant *participant);
/* It is about to be rung off. When it is the bridge the move has failed now, not when the other
 * side has answered the BYE, which it may not do any more. */
void migration_on_parting(struct participant *participant);
void migration_on_left(struct room *room, struct participant *participant);
/* Somebody more is awaited over a bridge that came here, or somebody not any more: `line`, which
 * may be empty, tells the focus to which this one moves on (focus/seats.h). */
void migration_on_seats(struct room *room, struct slice line);

/* The end of the room. */
void migration_free(struct room *room);

#endif
