/* mixer/parts.h -- control's side of rooms that are spread over workers (spread.h).
 *
 * A room lives on one worker, its home: while it is empty, that is the one that was least loaded when it
 * was made; when its first leg comes, the one on which that leg is, or where there is less to do by
 * then. It stays there until it has mixer_params.spread_legs legs and its home more to
 * do than mixer_params.spread_load_pct of a core: a room that fits one worker is not spread. Whoever
 * comes then stays where it is, or goes to the least loaded of the workers that have a part of the
 * room, a bus with a seat; when these are all so busy, to the least loaded of all, which gets a part.
 * When the last leg has left, all parts but the home go, and the room is as it was at first.
 *
 * Thread: control. Only files that include mixer_priv.h include this.
 */
#ifndef MIXER_PARTS_H
#define MIXER_PARTS_H

#include <stdbool.h>

#include "mixer/mixer_priv.h"

enum { PARTS_SETTLE_GAP_US = LOAD_CORE_US / 100 };

/* Where a leg of this room goes that is at `here` (NULL: nowhere yet): the worker, and the bus there.
 * Never fails: the home will always do. */
struct parts_place {
	struct mixer_worker *at;
	struct bus *bus;
};
struct parts_place parts_place(struct mixer_room *room, struct mixer_worker *here);

/* The room may have another part now. */
bool parts_are_wanted(const struct mixer_room *room);

/* Its bus on a worker; a part is begun there if need be. ERR_LIMIT, ERR_QUEUE_FULL, -ENOMEM. */
int parts_bus(struct mixer_room *room, struct mixer_worker *at, struct bus **ret_bus);

/* A leg has left the room, or is closing; its command is on its way. */
void parts_leg_left(struct mixer_room *room);

/* What is the same for all parts. */
void parts_set_policy(struct mixer_room *room, const struct media_room_policy *policy);
void parts_set_paused(struct mixer_room *room, bool is_paused);

/* What workers give back. */
void parts_seat_returned(struct spread_seat *seat);
void parts_bus_returned(struct bus *bus);

/* All that are left, workers have ended: for mixer_free, when there are no legs any more. */
void parts_free(struct mixer *mixer);

#endif
