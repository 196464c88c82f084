/* focus/refocus.c */
#include "focus/refocus.h"

#include "base/log.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"

/* An unanswered call learns the new Contact with its answer, and one that is ending not at all. */
void refocus_participant(struct participant *p)
{
	int err;

	if (!p->call || p->state == PARTICIPANT_DISCONNECTING)
		return;
	err = sip_call_set_contact(p->call, slice_of(p->room_id), "isfocus");
	if (!err && sip_call_state(p->call) == SIP_CALL_ESTABLISHED) {
		sip_call_renew(p->call);
		err = sip_call_reinvite(p->call);
		p->is_refocusing = !err;
	}
	if (err)
		LOG(LOG_WARN, "participant.not_refocused", LOG_STR("room", p->room_id),
		    LOG_STR("participant", p->id), LOG_STR("call_id", p->call_id));
}

void refocus_room(struct room *room)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &room->participants)
		refocus_participant(LIST_ENTRY(it, struct participant, in_room));
}

bool refocus_is_done(const struct room *room)
{
	for (const struct list *it = room->participants.next; it != &room->participants;
	     it = it->next)
		if (LIST_ENTRY(it, const struct participant, in_room)->is_refocusing)
			return false;
	return true;
}

void refocus_over(struct participant *p)
{
	struct room *room = p->room;
	struct list *it, *tmp;

	if (!p->is_refocusing)
		return;
	p->is_refocusing = false;
	if (!room || !refocus_is_done(room))
		return;
	LIST_FOREACH (it, tmp, &room->participants)
		participant_answer_waiting(LIST_ENTRY(it, struct participant, in_room));
}
