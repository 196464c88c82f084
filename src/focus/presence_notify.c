/* focus/presence_notify.c -- the event package `presence` (RFC 3856) of users and rooms.
 *
 * The state is made of what the focus knows: registrations, calls through Hearth, rooms. Nobody
 * publishes it (PUBLISH gets 405). The text is made once for all subscribers of a thing, and told
 * only when it is another. */
#include <stdio.h>

#include "focus/focus_priv.h"
#include "focus/pidf.h"
#include "focus/registrar.h"
#include "focus/room_priv.h"
#include "focus/watched.h"

enum { TEXT_SPACE = ROOM_URI_MAX + WATCHED_NAME_MAX + 8, NOTE_SPACE = 64 };

void presence_changed(struct watched *watched)
{
	topic_changed(&watched->presence);
}

static bool has_confirmed(const struct watched *watched)
{
	const struct list *it;

	for (it = watched->dialogs.next; it != &watched->dialogs; it = it->next)
		if (slice_is(slice_of(LIST_ENTRY(it, const struct watched_dialog, node)->state),
			     "confirmed"))
			return true;
	return false;
}

static void write_user(const struct watched *watched, struct pidf *pidf)
{
	pidf->is_open = registrar_presence(watched->focus, pidf->entity) == 200;
	if (has_confirmed(watched)) {
		pidf->activity = "on-the-phone";
		pidf->note = SLICE("In a call");
	}
}

/* A room that nobody gets into is closed, as a caller would find out (486). */
static void write_room(const struct watched *watched, struct pidf *pidf, char note[NOTE_SPACE])
{
	const struct room *room = focus_room_find(watched->focus, slice_of(watched->name));
	struct room_view view;
	bool is_full;

	if (!room)
		return;
	room_view(room, &view);
	is_full = room_check_entry(room, false) != 0;
	pidf->is_open = !view.in_force.is_locked && !is_full;
	pidf->activity = !pidf->is_open ? "busy" : view.participants ? "on-the-phone" : NULL;
	snprintf(note, NOTE_SPACE, "%s%u of %u participants",
		 view.in_force.is_locked ? "Locked, "
		 : is_full               ? "Full, "
		 : view.participants     ? "In use, "
					 : "",
		 view.participants, view.in_force.participants_max);
	pidf->note = slice_of(note);
}

static int refresh(struct watched *watched)
{
	char uri[TEXT_SPACE], note[NOTE_SPACE] = "";
	struct pidf pidf = {.entity = slice_of(watched_uri(watched, uri, sizeof(uri)))};
	struct buf text = BUF_INIT;
	int err;

	if (watched->kind == WATCHED_USER)
		write_user(watched, &pidf);
	else
		write_room(watched, &pidf, note);
	pidf_write(&text, &pidf);
	err = buf_err(&text);
	if (!err && !slice_eq(buf_slice(&text), buf_slice(&watched->presence_text))) {
		buf_done(&watched->presence_text);
		watched->presence_text = text;
		watched->presence_seq++;
		return 0;
	}
	buf_done(&text);
	return err;
}

static int write_document(struct subscriber *s, bool is_full, struct buf *out)
{
	struct watched *watched = CONTAINER_OF(s->topic, struct watched, presence);
	int err = refresh(watched);

	if (err)
		return err;
	if (!is_full && s->seen == watched->presence_seq)
		return NOTIFIER_NOTHING;
	buf_addslice(out, buf_slice(&watched->presence_text));
	s->seen = watched->presence_seq;
	return 0;
}

static void on_unused(struct topic *topic)
{
	watched_release(CONTAINER_OF(topic, struct watched, presence));
}

const struct package presence_package = {
	.kind = PACKAGE_PRESENCE,
	.content_type = PIDF_CONTENT_TYPE,
	.interval_min_ms = 5000, /* RFC 3856 6.10 */
	.subscriber_size = sizeof(struct subscriber),
	.write = write_document,
	.on_unused = on_unused,
};
