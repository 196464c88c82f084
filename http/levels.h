/* http/levels.h -- "levels" events of the rooms that somebody watches, rendered once per room and
 * round. Thread: control. */
#ifndef HTTP_LEVELS_H
#define HTTP_LEVELS_H

#include <stdint.h>

#include "base/slice.h"

struct levels;
struct focus;

int levels_new(struct focus *focus, struct levels **ret_levels); /* -ENOMEM */
struct levels *levels_free(struct levels *levels);

/* Watches are counted per room. ERR_LIMIT beyond EVENTS_LEVELS_ROOMS_MAX rooms. */
int levels_watch(struct levels *levels, struct slice room);
void levels_unwatch(struct levels *levels, struct slice room);
uint32_t levels_count(const struct levels *levels); /* rooms */

void levels_begin(struct levels *levels); /* a new round: what was rendered is old */

/* The event of a watched room in this round, borrowed until the next round. Empty when there is
 * nothing to tell: nobody sounds, and nobody did in the round before. */
struct slice levels_frame(struct levels *levels, struct slice room);

#endif
