/* Dialogs named by others: Replaces (RFC 3891), Join (RFC 3911), Target-Dialog (RFC 4538). */
#include <stdlib.h>

#include "base/err.h"
#include "sip/ua_priv.h"

/* A tag of zero is a tag of zero, or none at all (RFC 3891 3). */
static struct sip_dialog *find(struct sip_ua *ua, const struct sip_dialog_ref *ref)
{
	struct sip_dialog *dialog = sip_dialog_find_tags(ua->dialogs, ref->call_id, ref->to_tag,
							 ref->from_tag);

	if (!dialog && slice_is(ref->from_tag, "0"))
		dialog = sip_dialog_find_tags(ua->dialogs, ref->call_id, ref->to_tag, SLICE(""));
	return dialog;
}

static bool is_early(const struct sip_call *call)
{
	return call->state == SIP_CALL_CALLING || call->state == SIP_CALL_RINGING ||
	       call->state == SIP_CALL_INCOMING;
}

struct sip_call *sip_ua_find_call(struct sip_ua *ua, const struct sip_dialog_ref *ref,
				  bool *ret_is_early)
{
	struct sip_dialog *dialog = find(ua, ref);
	struct sip_call *call = dialog ? dialog->owner : NULL;

	if (!call || call->is_over || call->state == SIP_CALL_ENDING)
		return NULL;
	*ret_is_early = is_early(call);
	return call;
}

/* Over
 * ---------------------------------------------------------------------------------------------- */

static uint64_t key_of(struct slice call_id, struct slice local_tag, struct slice remote_tag)
{
	return hash_mix(hash_mix(hash_slice(call_id), hash_slice(local_tag)),
			hash_slice(remote_tag));
}

/* Without memory for it such a dialog is answered 481 like one that never was. */
void ua_remember_ended(struct sip_ua *ua, const struct sip_dialog *dialog)
{
	if (!ua->ended)
		ua->ended = calloc(SIP_UA_ENDED_MAX, sizeof(*ua->ended));
	if (!ua->ended)
		return;
	ua->ended[ua->ended_at] = (struct ua_ended){
		.key = key_of(slice_of(dialog->call_id), slice_of(dialog->local_tag),
			      slice_of(dialog->remote_tag)),
		.until_ms = wheel_now_ms(ua->wheel) + 64 * (uint64_t)sip_tx_t1_ms(ua->tx),
	};
	ua->ended_at = (ua->ended_at + 1) % SIP_UA_ENDED_MAX;
}

bool sip_ua_is_ended(struct sip_ua *ua, const struct sip_dialog_ref *ref)
{
	uint64_t key = key_of(ref->call_id, ref->to_tag, ref->from_tag), key_2543 = key;
	uint64_t now_ms = wheel_now_ms(ua->wheel);
	struct sip_dialog *dialog = find(ua, ref);

	if (dialog && dialog->owner) {
		const struct sip_call *call = dialog->owner;

		return call->is_over || call->state == SIP_CALL_ENDING;
	}
	if (slice_is(ref->from_tag, "0"))
		key_2543 = key_of(ref->call_id, ref->to_tag, SLICE(""));
	for (uint32_t i = 0; ua->ended && i < SIP_UA_ENDED_MAX; i++) {
		const struct ua_ended *ended = &ua->ended[i];

		if (ended->until_ms > now_ms && (ended->key == key || ended->key == key_2543))
			return true;
	}
	return false;
}

/* Answers
 * ---------------------------------------------------------------------------------------------- */

static uint16_t check(struct sip_ua *ua, const struct sip_dialog_ref *ref,
		      struct sip_call **ret_call)
{
	bool is_early_dialog = false;
	struct sip_call *call = sip_ua_find_call(ua, ref, &is_early_dialog);

	if (!call)
		return sip_ua_is_ended(ua, ref) ? 603 : 481;
	if (is_early_dialog && !call->is_outgoing)
		return 481; /* only its caller may say where it goes */
	if (!is_early_dialog && ref->is_early_only)
		return 486;
	*ret_call = call;
	return 0;
}

uint16_t sip_ua_check_replaces(struct sip_ua *ua, const struct sip_dialog_ref *ref,
			       struct sip_call **ret_call)
{
	return check(ua, ref, ret_call);
}

uint16_t sip_ua_check_join(struct sip_ua *ua, const struct sip_dialog_ref *ref,
			   struct sip_call **ret_call)
{
	struct sip_dialog_ref any = *ref;

	any.is_early_only = false; /* Join has no such parameter */
	return check(ua, &any, ret_call);
}

bool ua_refs_are_sound(struct sip_stx *tx, const struct sip_msg *request)
{
	struct slice replaces = sip_msg_value(request, SIP_H_REPLACES);
	struct slice join = sip_msg_value(request, SIP_H_JOIN);
	struct sip_dialog_ref ref;
	const char *text = NULL;

	if (!slice_present(replaces) && !slice_present(join))
		return true;
	if (request->method != SIP_METHOD_INVITE)
		text = "Replaces or Join in a request other than INVITE";
	else if (slice_present(replaces) && slice_present(join))
		text = "Replaces and Join in one request";
	else if (sip_dialog_ref_parse(slice_present(replaces) ? replaces : join, &ref))
		text = "Malformed Replaces or Join";
	if (text)
		(void)ua_reply_text(tx, 400, text, NULL);
	return !text;
}

/* Of a call that rings at several places none is *the* dialog. */
static const struct sip_dialog *only_dialog(const struct sip_call *call)
{
	if (call->dialog)
		return call->dialog;
	return call->fork_count == 1 ? call->forks[0].dialog : NULL;
}

int sip_call_print_ref(const struct sip_call *call, enum sip_ref_receiver receiver, bool is_escaped,
		       struct buf *buf)
{
	const struct sip_dialog *dialog = only_dialog(call);
	struct sip_dialog_ref ref;

	if (!dialog)
		return ERR_STATE;
	ref = (struct sip_dialog_ref){
		.call_id = slice_of(dialog->call_id),
		.to_tag = slice_of(dialog->local_tag),
		.from_tag = slice_of(dialog->remote_tag),
	};
	if (receiver == SIP_REF_TO_PEER) {
		ref.to_tag = slice_of(dialog->remote_tag);
		ref.from_tag = slice_of(dialog->local_tag);
	}
	sip_dialog_ref_print(buf, &ref, is_escaped);
	return buf_err(buf);
}
