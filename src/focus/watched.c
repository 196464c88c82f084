/* focus/watched.c */
#include "focus/watched.h"

#include <stdio.h>
#include <stdlib.h>

#include "focus/admission.h"
#include "focus/calls_priv.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/registrar.h"
#include "focus/room_priv.h"
#include "sip/uri.h"

/* Table ---------------------------------------------------------------------------------------- */

struct key {
	enum watched_kind kind;
	struct slice name;
};

static bool has_key(const struct hash_node *node, const void *key)
{
	const struct watched *watched = CONTAINER_OF(node, const struct watched, by_key);
	const struct key *wanted = key;

	return watched->kind == wanted->kind && slice_is(wanted->name, watched->name);
}

hash_match_fn *const watched_has_key = has_key;

struct watched *watched_find(struct focus *focus, enum watched_kind kind, struct slice name)
{
	struct key key = {kind, name};
	struct hash_node *node = hash_find(focus->watched, hash_slice(name), &key);

	return node ? CONTAINER_OF(node, struct watched, by_key) : NULL;
}

/* Dialogs ---------------------------------------------------------------------------------------
 */

/* RFC 4235 3.7.1. A caller whom we answer only when the other party does is early until then. */
static const char *state_of(const struct participant *p)
{
	switch ((enum participant_state)p->state) {
	case PARTICIPANT_DIALING_OUT:
		return "trying";
	case PARTICIPANT_ALERTING:
		return "early";
	case PARTICIPANT_DIALING_IN:
		return p->is_waiting ? "early" : "confirmed";
	default:
		return "confirmed";
	}
}

/* RFC 4235 3.7.1 as Hearth sees the end; a user sees "bye" from the other side. */
static const char *event_of(const struct watched *watched, const struct participant *p)
{
	static const struct {
		const char *cause, *event;
	} table[] = {
		{"replaced", "replaced"}, {"timeout", "timeout"},   {"no_media", "timeout"},
		{"no_answer", "timeout"}, {"unreachable", "error"}, {"media_failed", "error"},
	};
	bool is_by_peer = slice_is(slice_of(p->cause), "bye");

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (slice_is(slice_of(p->cause), table[i].cause))
			return table[i].event;
	if (!p->connected_wall_ms)
		return p->status >= 300 ? "rejected" : "cancelled";
	return is_by_peer == (watched->kind == WATCHED_USER) ? "local-bye" : "remote-bye";
}

static struct watched_dialog *dialog_find(struct watched *watched, const char *participant)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &watched->dialogs) {
		struct watched_dialog *d = LIST_ENTRY(it, struct watched_dialog, node);

		if (!d->is_gone && slice_is(slice_of(participant), d->participant))
			return d;
	}
	return NULL;
}

static void dialog_free(struct watched *watched, struct watched_dialog *d)
{
	watched->gone_count -= d->is_gone;
	list_remove(&d->node);
	free(d);
}

static void forget_oldest(struct watched *watched)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &watched->dialogs) {
		struct watched_dialog *d = LIST_ENTRY(it, struct watched_dialog, node);

		if (!d->is_gone)
			continue;
		watched->forgot_seq = d->seq;
		dialog_free(watched, d);
		return;
	}
}

/* True when it is another than was told. Who does not fit into memory is told in full. */
static bool note_dialog(struct watched *watched, const struct participant *p)
{
	struct watched_dialog *d = dialog_find(watched, p->id);
	const char *state = state_of(p);
	bool is_on_hold = p->state == PARTICIPANT_ON_HOLD, is_focused = !p->is_plain;

	if (d && d->state == state && d->is_on_hold == is_on_hold && d->is_focused == is_focused)
		return false;
	if (!d) {
		d = calloc(1, sizeof(*d));
		if (!d) {
			watched->forgot_seq = ++watched->seq;
			return true;
		}
		slice_cstr(slice_of(p->id), d->participant, sizeof(d->participant));
		list_append(&watched->dialogs, &d->node);
	}
	d->state = state;
	d->is_on_hold = is_on_hold;
	d->is_focused = is_focused;
	d->is_outgoing = p->is_outgoing;
	d->seq = ++watched->seq;
	return true;
}

static bool note_end(struct watched *watched, const struct participant *p)
{
	struct watched_dialog *d = dialog_find(watched, p->id);

	if (!d)
		return false;
	if (watched->gone_count == WATCHED_GONE_MAX)
		forget_oldest(watched);
	list_remove(&d->node); /* behind those that ended before */
	list_append(&watched->dialogs, &d->node);
	watched->gone_count++;
	d->is_gone = true;
	d->state = "terminated";
	d->event = event_of(watched, p);
	d->code = p->connected_wall_ms ? 0 : p->status;
	d->seq = ++watched->seq;
	return true;
}

/* Life ------------------------------------------------------------------------------------------
 */

static void seed_room(struct watched *watched, const struct room *room)
{
	for (const struct list *it = room->participants.next; it != &room->participants;
	     it = it->next)
		(void)note_dialog(watched, LIST_ENTRY(it, const struct participant, in_room));
}

static void seed_user(struct watched *watched)
{
	char name[WATCHED_NAME_MAX + 1];
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &watched->focus->participants) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_focus);

		if (p->room && watched_user_of(watched->focus, p, name) &&
		    slice_is(slice_of(name), watched->name))
			(void)note_dialog(watched, p);
	}
}

static void seed(struct watched *watched)
{
	struct slice name = slice_of(watched->name);
	const struct room *room = focus_room_find(watched->focus, name);
	const struct call *call = focus_call_find(watched->focus, name);

	if (watched->kind == WATCHED_USER)
		seed_user(watched);
	else if (watched->kind == WATCHED_CALL && call)
		seed_room(watched, call->room);
	else if (watched->kind == WATCHED_ROOM && room)
		seed_room(watched, room);
}

struct watched *watched_open(struct focus *focus, enum watched_kind kind, struct slice name)
{
	struct watched *watched = watched_find(focus, kind, name);

	if (watched)
		return watched;
	watched = calloc(1, sizeof(*watched));
	if (!watched)
		return NULL;
	watched->focus = focus;
	watched->kind = kind;
	slice_cstr(name, watched->name, sizeof(watched->name));
	topic_init(&watched->dialog, focus, &dialog_package);
	topic_init(&watched->presence, focus, &presence_package);
	topic_init(&watched->summary, focus, &summary_package);
	list_init(&watched->dialogs);
	hash_add(focus->watched, &watched->by_key, hash_slice(slice_of(watched->name)));
	seed(watched);
	return watched;
}

void watched_release(struct watched *watched)
{
	struct list *it, *tmp;

	if (watched->dialog.count || watched->presence.count || watched->summary.count)
		return;
	hash_remove(watched->focus->watched, &watched->by_key);
	LIST_FOREACH (it, tmp, &watched->dialogs)
		dialog_free(watched, LIST_ENTRY(it, struct watched_dialog, node));
	buf_done(&watched->presence_text);
	free(watched);
}

char *watched_uri(const struct watched *watched, char *out, size_t cap)
{
	(void)snprintf(out, cap, "sip:%s@%s", watched->name, watched->focus->host);
	return out;
}

/* News ------------------------------------------------------------------------------------------
 */

bool watched_user_of(struct focus *focus, const struct participant *p,
		     char ret_name[WATCHED_NAME_MAX + 1])
{
	char user[WATCHED_NAME_MAX + 1];
	struct sip_uri uri;
	size_t len;

	if (sip_uri_parse(slice_of(p->uri), &uri) || !uri.user.len ||
	    !admission_is_our_host(focus, uri.host) ||
	    sip_unescape(uri.user, user, sizeof(user), &len))
		return false;
	slice_cstr(registrar_name(focus, slice_make(user, len)), ret_name, WATCHED_NAME_MAX + 1);
	return true;
}

static void tell_of(struct watched *watched, const struct focus_news *news)
{
	bool is_changed = news->kind == FOCUS_PARTICIPANT_LEFT
				  ? note_end(watched, news->participant)
				  : note_dialog(watched, news->participant);

	if (!is_changed)
		return;
	topic_changed(&watched->dialog);
	presence_changed(watched);
}

static void on_participant(struct focus *focus, const struct focus_news *news)
{
	char name[WATCHED_NAME_MAX + 1];
	struct room *room = news->room;
	struct watched *of_room = room->call
					  ? watched_find(focus, WATCHED_CALL,
							 slice_of(room->call->id))
					  : watched_find(focus, WATCHED_ROOM, slice_of(room->id));
	struct watched *of_user = watched_user_of(focus, news->participant, name)
					  ? watched_find(focus, WATCHED_USER, slice_of(name))
					  : NULL;

	if (of_room)
		tell_of(of_room, news);
	if (of_user)
		tell_of(of_user, news);
}

/* The topics go one by one, the last takes the rest along. */
static void watched_end(struct watched *watched)
{
	struct topic *topics[] = {&watched->dialog, &watched->presence, &watched->summary};
	size_t last = 0;

	for (size_t i = 0; i < ARRAY_LEN(topics); i++)
		if (topics[i]->count)
			last = i;
	for (size_t i = 0; i <= last; i++)
		if (topics[i]->count)
			topic_end(topics[i], "noresource");
}

static void on_room(struct focus *focus, const struct focus_news *news)
{
	struct watched *watched = watched_find(focus, WATCHED_ROOM, slice_of(news->room->id));

	if (!watched)
		return;
	if (news->kind == FOCUS_ROOM_CLOSED)
		watched_end(watched);
	else
		presence_changed(watched);
}

static void on_call_ended(struct focus *focus, const struct call *call)
{
	struct watched *watched = watched_find(focus, WATCHED_CALL, slice_of(call->id));

	if (watched)
		watched_end(watched);
}

void watched_on_news(struct focus *focus, const struct focus_news *news)
{
	if (!hash_count(focus->watched))
		return;
	switch (news->kind) {
	case FOCUS_PARTICIPANT_CREATED:
	case FOCUS_PARTICIPANT_CHANGED:
	case FOCUS_PARTICIPANT_JOINED:
	case FOCUS_PARTICIPANT_LEFT:
		on_participant(focus, news);
		if (!news->room->call)
			on_room(focus, news);
		break;
	case FOCUS_ROOM_CREATED:
	case FOCUS_ROOM_CHANGED:
	case FOCUS_ROOM_CLOSED:
		on_room(focus, news);
		break;
	case FOCUS_CALL_ENDED:
		on_call_ended(focus, news->call);
		break;
	default:
		break;
	}
}

void watched_on_registration(struct focus *focus, struct slice user)
{
	struct watched *watched = watched_find(focus, WATCHED_USER, registrar_name(focus, user));

	if (watched)
		presence_changed(watched);
}

void watched_on_user_gone(struct focus *focus, struct slice user)
{
	struct watched *watched = watched_find(focus, WATCHED_USER, user);

	if (watched)
		watched_end(watched);
}

void watched_on_mailbox(struct focus *focus, struct slice name)
{
	struct watched *all[] = {watched_find(focus, WATCHED_ROOM, name),
				 watched_find(focus, WATCHED_USER, name)};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i])
			topic_changed(&all[i]->summary);
}
