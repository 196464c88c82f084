/* http/room_settings.h -- the settings of a room (settings/room.inc) in a document that we read.
 * Thread: control. */
#ifndef HTTP_ROOM_SETTINGS_H
#define HTTP_ROOM_SETTINGS_H

#include "focus/pin.h"
#include "http/request.h"
#include "settings/room.h"

/* PINs that were just made; "" none. */
struct plain_pins {
	char pin[PIN_MAX + 1], moderator_pin[PIN_MAX + 1];
};

/* What the document says replaces what `settings` has; null takes it away. A document with "pins":
 * "generate" gets both PINs, into `ret_pins` as well: they are shown this once. 0, or what the
 * request was failed with: the document was checked against its schema, not against the prompts,
 * the codecs and the clock of this server. */
int room_settings_read(struct request *request, const struct document *document,
		       struct room_settings *settings, struct plain_pins *ret_pins);

#endif
