/* Dialogs that are shared: by a call and subscriptions, or by several subscriptions (RFC 5057). */
#include <string.h>

#include "base/err.h"
#include "sip/sub_priv.h"

static uint32_t count(const struct sip_dialog *dialog)
{
	struct list *it, *tmp;
	uint32_t n = 0;

	if (ua_dialog_is_used(dialog))
		LIST_FOREACH (it, tmp, &dialog->usages)
			n++;
	return n;
}

bool ua_dialog_is_used(const struct sip_dialog *dialog)
{
	return !list_empty(&dialog->usages);
}

int ua_usage_join(struct ua_usage *usage, struct sip_dialog *dialog)
{
	if (!dialog->usages.next)
		list_init(&dialog->usages);
	if (count(dialog) >= SIP_DIALOG_USAGES_MAX)
		return ERR_LIMIT;
	list_append(&dialog->usages, &usage->node);
	usage->dialog = dialog;
	return 0;
}

/* A call that is over, but not freed, still writes from its dialog: it frees it. */
void ua_usage_leave(struct sip_ua *ua, struct ua_usage *usage)
{
	struct sip_dialog *dialog = usage->dialog;
	const struct sip_call *call = dialog ? dialog->owner : NULL;

	if (!dialog)
		return;
	list_remove(&usage->node);
	usage->dialog = NULL;
	if (ua_dialog_is_used(dialog))
		return;
	if (!call || call->is_over)
		ua_dialog_remove(ua, dialog);
	if (!call)
		sip_dialog_free(dialog);
}

void ua_dialog_leave(struct sip_ua *ua, struct sip_dialog *dialog)
{
	if (dialog && !ua_dialog_is_used(dialog))
		ua_dialog_remove(ua, dialog);
}

void ua_dialog_drop(struct sip_ua *ua, struct sip_dialog **dialog)
{
	if (!*dialog)
		return;
	(*dialog)->owner = NULL;
	if (!ua_dialog_is_used(*dialog)) {
		ua_dialog_remove(ua, *dialog);
		sip_dialog_free(*dialog);
	}
	*dialog = NULL;
}

/* Package and id octet by octet (RFC 6665 8.2.1). */
static bool is_sub_of(const struct ua_usage *usage, const struct sip_event *event)
{
	const struct sip_sub *sub = CONTAINER_OF(usage, struct sip_sub, usage);

	return strcmp(sub->event.package, event->package) == 0 &&
	       (strcmp(sub->event.id, event->id) == 0 || (sub->is_id_optional && !*event->id));
}

static bool is_watch_of(struct ua_usage *usage, const struct sip_event *event)
{
	struct sip_watch *watch = CONTAINER_OF(usage, struct sip_watch, usage);

	watch_name_refer(watch);
	return strcmp(watch->event.package, event->package) == 0 &&
	       (strcmp(watch->event.id, event->id) == 0 || (watch->is_id_optional && !*event->id));
}

static struct ua_usage *find_usage(const struct sip_dialog *dialog, enum ua_usage_kind kind,
				   const struct sip_event *event)
{
	struct list *it, *tmp;

	if (!ua_dialog_is_used(dialog))
		return NULL;
	LIST_FOREACH (it, tmp, &dialog->usages) {
		struct ua_usage *usage = LIST_ENTRY(it, struct ua_usage, node);

		if (usage->kind == kind &&
		    (kind == UA_USAGE_SUB ? is_sub_of(usage, event) : is_watch_of(usage, event)))
			return usage;
	}
	return NULL;
}

bool ua_usage_request(struct sip_dialog *dialog, struct sip_stx *tx, const struct sip_msg *request)
{
	struct slice value = sip_msg_value(request, SIP_H_EVENT);
	struct ua_usage *usage;
	struct sip_event event;
	int err;

	if (request->method != SIP_METHOD_SUBSCRIBE && request->method != SIP_METHOD_NOTIFY)
		return false;
	err = sip_event_parse(value, &event);
	if (err) {
		(void)ua_reply(tx, err == ERR_SIP_HEADER_MISSING ? 489 : 400, NULL);
		return true;
	}
	usage = find_usage(dialog,
			   request->method == SIP_METHOD_SUBSCRIBE ? UA_USAGE_SUB : UA_USAGE_WATCH,
			   &event);
	if (usage && usage->kind == UA_USAGE_SUB)
		sub_refreshed(CONTAINER_OF(usage, struct sip_sub, usage), tx, request);
	else if (usage)
		watch_notified(CONTAINER_OF(usage, struct sip_watch, usage), tx, request);
	else if (request->method == SIP_METHOD_NOTIFY)
		(void)ua_reply(tx, 481, NULL);
	else
		return false;
	return true;
}

/* The first NOTIFY may come before the 2xx, and makes the dialog then (RFC 6665 4.4.1). */
bool ua_usage_first_notify(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *notify)
{
	struct sip_dialog *start;
	struct sip_addr to;

	if (notify->method != SIP_METHOD_NOTIFY || sip_msg_addr(notify, SIP_H_TO, &to))
		return false;
	start = sip_dialog_find_tags(ua->dialogs, sip_msg_value(notify, SIP_H_CALL_ID),
				     sip_addr_tag(&to), SLICE(""));
	return start && ua_usage_request(start, tx, notify);
}
