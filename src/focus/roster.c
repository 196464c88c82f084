/* focus/roster.c -- participants as others see them, and what others may do with them. */
#include <errno.h>

#include "focus/codecs.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "focus/text.h"
#include "focus/waiting.h"

void participant_view(const struct participant *p, struct participant_view *ret_view)
{
	*ret_view = (struct participant_view){
		.id = slice_of(p->id),
		.room_id = slice_of(p->room_id),
		.uri = slice_of(p->uri),
		.display_name = slice_of(p->display_name),
		.call_id = slice_of(p->call_id),
		.state = (enum participant_state)p->state,
		.role = (enum participant_role)p->role,
		.is_outgoing = p->is_outgoing,
		.control = p->control,
		.groups = groups_texts(p),
		.is_self_muted = p->is_self_muted,
		.is_hand_raised = p->is_hand_raised,
		.language = slice_of(p->language),
		.is_room_muted = participant_is_room_muted(p),
		.sound = participant_sound(p),
		.flags = p->flags,
		.is_remote_focus = p->is_remote_focus,
		.is_bridge = p->is_bridge,
		.coaches = slice_of(p->coaches),
		.created_wall_ms = p->created_wall_ms,
		.connected_wall_ms = p->connected_wall_ms,
		.version = p->version,
		.referred_by = slice_of(p->referred_by),
		.is_host = p->is_host,
		.is_anonymous = p->is_anonymous,
		.of = p,
		.codec = codecs_name(p->leg.params.send.codec),
		.is_encrypted = p->leg.params.keys_send.suite != MEDIA_SUITE_NONE,
	};
	leg_stats(&p->leg, &ret_view->media);
	/* The state that was told by event, not a newer one that will be told by the next. */
	ret_view->media.is_talking = p->is_talking;
}

static bool has_id(const struct hash_node *node, const void *key)
{
	const struct slice *id = key;

	return slice_is(*id, CONTAINER_OF(node, const struct participant, by_id)->id);
}

hash_match_fn *const participant_has_id = has_id;

struct participant *focus_participant_find(struct focus *focus, struct room *room, struct slice id)
{
	struct hash_node *node = hash_find(focus->by_id, hash_slice(id), &id);
	struct participant *p = node ? CONTAINER_OF(node, struct participant, by_id) : NULL;

	return p && p->room == room ? p : NULL;
}

struct participant *participant_of_call(struct focus *focus, const struct sip_call *call)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &focus->participants) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_focus);

		if (p->call == call)
			return p->room ? p : NULL;
	}
	return NULL;
}

static bool is_same_user(const struct sip_uri *a, struct slice text)
{
	struct sip_uri b;

	return slice_present(text) && !sip_uri_parse(text, &b) && slice_eq(a->user, b.user) &&
	       slice_ieq(a->host, b.host);
}

/* Who asked that others do not see who it is is not told as who sent somebody, either. Its URI here
 * may be that of nobody already; its call knows the other. */
static bool is_hidden(const struct room *room, const char *text)
{
	struct sip_uri uri;

	if (sip_uri_parse(slice_of(text), &uri))
		return false;
	for (const struct list *it = room->participants.next; it != &room->participants;
	     it = it->next) {
		const struct participant *p = LIST_ENTRY(it, const struct participant, in_room);

		if (p->is_anonymous &&
		    (is_same_user(&uri, slice_of(p->uri)) ||
		     (p->call && is_same_user(&uri, sip_call_remote_uri(p->call)))))
			return true;
	}
	return false;
}

void participant_set_referrer(struct participant *p, struct slice uri)
{
	if (slice_present(uri))
		text_utf8(uri, p->referred_by, sizeof(p->referred_by));
	p->is_referrer_hidden = p->room && p->referred_by[0] && is_hidden(p->room, p->referred_by);
}

struct participant *participant_by_from(const struct room *room, const struct sip_msg *request)
{
	struct sip_addr from;
	struct sip_uri uri;

	if (sip_addr_parse(sip_msg_value(request, SIP_H_FROM), &from) ||
	    sip_uri_parse(from.uri.text, &uri))
		return NULL;
	for (const struct list *it = room->participants.next; it != &room->participants;
	     it = it->next) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		if (is_same_user(&uri, slice_of(p->uri)))
			return p;
	}
	return NULL;
}

struct participant *focus_participant_next(struct room *room, struct participant *after)
{
	struct list *next = after ? after->in_room.next : room->participants.next;

	return next == &room->participants ? NULL : LIST_ENTRY(next, struct participant, in_room);
}

static bool is_gain(double gain_db)
{
	return gain_db >= -60 && gain_db <= 30; /* false for not-a-number */
}

int focus_participant_set(struct focus *focus, struct participant *p,
			  const struct participant_control *control)
{
	const struct participant_control *old = &p->control;

	if (!is_gain(control->gain_db) || !is_gain(control->volume_db))
		return -EINVAL;
	if (old->is_muted == control->is_muted && old->is_deaf == control->is_deaf &&
	    old->gain_db == control->gain_db && old->volume_db == control->volume_db &&
	    old->sound_set == control->sound_set && old->sound == control->sound)
		return 0;
	p->control = *control;
	p->version = focus_version_next(focus);
	participant_apply_control(p);
	participant_tell(p, FOCUS_PARTICIPANT_CHANGED);
	return 0;
}

int focus_participant_dial(struct focus *focus, struct participant *p, struct slice digits)
{
	(void)focus;
	return digits_send(p, digits);
}

void focus_participant_set_self(struct focus *focus, struct participant *p, bool is_muted,
				bool is_hand_raised)
{
	(void)focus;
	participant_set_self(p, is_muted, is_hand_raised);
}

void focus_participant_set_role(struct focus *focus, struct participant *p,
				enum participant_role role)
{
	if (p->role == role)
		return;
	p->role = (uint8_t)role;
	p->version = focus_version_next(focus);
	participant_apply_control(p);
	participant_tell(p, FOCUS_PARTICIPANT_CHANGED);
	waiting_on_role(p);
}

int focus_participant_set_language(struct focus *focus, struct participant *p,
				   struct slice language)
{
	if (language.len && !focus_has_language(focus, language))
		return -EINVAL;
	if (slice_is(language, p->language))
		return 0;
	slice_cstr(language, p->language, sizeof(p->language));
	p->version = focus_version_next(focus);
	participant_tell(p, FOCUS_PARTICIPANT_CHANGED);
	return 0;
}

int focus_admit(struct focus *focus, struct participant *p)
{
	(void)focus;
	return waiting_admit(p);
}

int focus_kick(struct focus *focus, struct participant *p, const char *cause)
{
	(void)focus;
	participant_ring_off(p, cause, PARTICIPANT_EV_KICK);
	return 0;
}
