/* focus/join.c */
#include "focus/join.h"

#include "base/err.h"
#include "focus/admission.h"
#include "focus/calls_priv.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "sip/dialog_ref.h"

static bool is_live_room(struct focus *focus, struct slice request_uri)
{
	struct room *room;

	return !admission_find_room(focus, request_uri, &room);
}

static bool is_same_uri(struct slice a_text, struct slice b_text)
{
	struct sip_uri a, b;

	return !sip_uri_parse(a_text, &a) && !sip_uri_parse(b_text, &b) &&
	       slice_eq(a.user, b.user) && slice_ieq(a.host, b.host);
}

/* The caller, or who referred it, is one of those in the conversation (RFC 3911 6). */
static bool is_party(const struct room *room, const struct sip_call *call,
		     const struct sip_msg *request)
{
	struct sip_addr by = {0};
	bool has_by = !sip_addr_parse(sip_msg_value(request, SIP_H_REFERRED_BY), &by);

	for (const struct list *it = room->participants.next; it != &room->participants;
	     it = it->next) {
		struct slice uri = slice_of(LIST_ENTRY(it, const struct participant, in_room)->uri);

		if (is_same_uri(uri, sip_call_remote_uri(call)) ||
		    (has_by && is_same_uri(uri, by.uri.text)))
			return true;
	}
	return false;
}

int join_check_policy(const struct room *room, const struct sip_call *call,
		      const struct sip_msg *request)
{
	struct slice policy = slice_of(room->focus->config->focus_join);

	if (slice_is(policy, "off"))
		return ERR_JOIN_REFUSED;
	if (slice_is(policy, "parties") && !is_party(room, call, request))
		return ERR_JOIN_REFUSED;
	return 0;
}

static int check_target(const struct join *join, const struct sip_dialog_ref *ref, bool is_early)
{
	const struct participant *target = join->target;

	/* RFC 3911 4, RFC 3891 3: of early dialogs only those that we began. */
	if (target->state == PARTICIPANT_DISCONNECTING ||
	    (is_early && (!target->is_outgoing || !join->is_replaces)))
		return ERR_JOIN_UNKNOWN;
	if (join->is_replaces)
		return ref->is_early_only && !is_early ? ERR_JOIN_ANSWERED : 0;
	return room_check_entry(target->room, true);
}

int join_find(struct focus *focus, const struct sip_call *call, const struct sip_msg *request,
	      struct join *ret_join)
{
	struct join join = {
		.is_replaces = slice_present(sip_msg_value(request, SIP_H_REPLACES)),
	};
	struct slice value = sip_msg_value(request, join.is_replaces ? SIP_H_REPLACES : SIP_H_JOIN);
	struct sip_dialog_ref ref;
	struct sip_call *named;
	bool is_early = false;
	int err;

	*ret_join = join;
	if (!slice_present(value) || sip_dialog_ref_parse(value, &ref))
		return 0;
	named = sip_ua_find_call(focus->ua, &ref, &is_early);
	join.target = named ? participant_of_call(focus, named) : NULL;
	if (!join.target) {
		if (is_live_room(focus, request->request_uri))
			return 0;
		return sip_ua_is_ended(focus->ua, &ref) ? ERR_JOIN_ENDED : ERR_JOIN_UNKNOWN;
	}
	err = join_check_policy(join.target->room, call, request);
	/* RFC 5630 5.1.1.3: what was made by sips: is not joined or taken over by less. */
	if (!err && sip_call_is_sips(named) && !sip_call_is_sips(call))
		err = ERR_SIPS_REQUIRED;
	if (!err)
		err = check_target(&join, &ref, is_early);
	if (!err)
		*ret_join = join;
	return err;
}

int join_make_room(struct participant *target)
{
	struct room *room = target->room;
	int err;

	if (!room->call)
		return 0;
	err = focus_call_to_room(room->focus, room->call, &room);
	return err == ERR_STATE ? ERR_JOIN_UNKNOWN : err;
}
