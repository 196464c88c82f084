/* focus/seat_settings.h -- the settings of a room as words of a line, for when the conference moves
 * to another Hearth (focus/seats.h): "locked max_participants=10 codecs=PCMU%2Copus".
 *
 * The words are the names that settings have in the API; what is not set is not written. Left out
 * are what the room has lived through (opens_at, max_duration_s: the hour at which it ends says it
 * all), and `owner`: its users are not ours. PINs go as hashes. Thread: control.
 */
#ifndef FOCUS_SEAT_SETTINGS_H
#define FOCUS_SEAT_SETTINGS_H

#include "base/buf.h"
#include "base/slice.h"
#include "settings/room.h"

struct room;

void seat_settings_write(const struct room *room, struct buf *out); /* a space before each word */

/* One word. One that is not known, or not taken, changes nothing. -EINVAL, -ERANGE, errors of
 * sip_unescape, ERR_BAD_CODEC. */
int seat_settings_read(struct slice word, struct room_settings *settings);

#endif
