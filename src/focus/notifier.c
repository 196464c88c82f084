/* focus/notifier.c */
#include "focus/notifier.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/focus_priv.h"
#include "focus/room_priv.h"
#include "focus/status.h"
#include "sip/multipart.h"

const char *package_name(enum package_kind kind)
{
	static const char *const names[PACKAGE_COUNT] = {
		[PACKAGE_CONFERENCE] = "conference",
		[PACKAGE_DIALOG] = "dialog",
		[PACKAGE_PRESENCE] = "presence",
		[PACKAGE_MESSAGE_SUMMARY] = "message-summary",
	};

	assert(kind < PACKAGE_COUNT);
	return names[kind];
}

void topic_init(struct topic *topic, struct focus *focus, const struct package *package)
{
	assert(package->subscriber_size >= sizeof(struct subscriber));
	topic->package = package;
	topic->focus = focus;
	topic->count = 0;
	list_init(&topic->subscribers);
}

/* Telling -------------------------------------------------------------------------------------- */

/* What cannot be written now may be later: the subscriber comes back then (RFC 6665 4.1.3). */
static void give_up(struct subscriber *s, int err)
{
	LOG(LOG_WARN, "subscription.not_told", LOG_STR("package", package_name(s->package->kind)),
	    LOG_SLICE("subscriber", sip_sub_remote(s->sub)), LOG_STR("error", err_text(err)));
	sip_sub_end(s->sub, &(struct sip_sub_end){.reason = "probation",
						  .retry_after_s = NOTIFIER_PROBATION_S});
}

static void tell(struct subscriber *s, bool is_full)
{
	struct buf body = BUF_INIT;
	int err;

	if (!s->topic)
		return;
	err = s->package->write(s, is_full, &body);
	if (err == NOTIFIER_NOTHING) {
		buf_done(&body);
		return;
	}
	if (!err)
		err = buf_err(&body);
	if (!err)
		err = sip_sub_notify(s->sub, SIP_SUB_ACTIVE, s->package->content_type,
				     buf_slice(&body));
	buf_done(&body);
	if (err) {
		give_up(s, err);
		return;
	}
	s->version++;
	if (s->package->on_told)
		s->package->on_told(s);
}

static void on_refresh(void *arg, struct sip_sub *sub)
{
	(void)sub;
	tell(arg, true);
}

static void on_change(void *arg, struct sip_sub *sub)
{
	(void)sub;
	tell(arg, false);
}

/* Life ----------------------------------------------------------------------------------------- */

/* The topic may be gone afterwards. */
static void check_use(struct topic *topic)
{
	if (!topic->count && topic->package->on_unused)
		topic->package->on_unused(topic);
}

static void detach(struct subscriber *s)
{
	struct focus *focus = s->focus;

	list_remove(&s->in_topic);
	s->topic->count--;
	s->topic = NULL;
	focus->stats.subscriptions[s->package->kind]--;
}

static void subscriber_free(struct subscriber *s)
{
	struct topic *topic = s->topic;

	if (topic)
		detach(s);
	list_remove(&s->in_focus);
	free(s);
	if (topic)
		check_use(topic);
}

static void on_ended(void *arg, struct sip_sub *sub, const char *reason)
{
	(void)sub;
	(void)reason;
	subscriber_free(arg);
}

static const struct sip_sub_handlers handlers = {
	.on_refresh = on_refresh,
	.on_change = on_change,
	.on_ended = on_ended,
};

/* No package of ours has a body in SUBSCRIBE (filters): one that need not be understood is passed
 * over (RFC 3261 8.2.3). */
static bool has_strange_body(const struct sip_msg *request)
{
	struct slice disposition = sip_msg_value_named(request, "Content-Disposition"), handling;

	if (!request->body.len)
		return false;
	return !slice_present(disposition) ||
	       !sip_param(slice_from(disposition, slice_find(disposition, ';') + 1), "handling",
			  &handling) ||
	       !slice_iis(handling, "optional");
}

static bool refuse_early(const struct topic *topic, struct sip_stx *tx,
			 const struct sip_msg *request)
{
	struct sip_reply reply = {0};

	if (topic->count >= TOPIC_SUBS_MAX)
		reply = (struct sip_reply){.status = 503, .headers = "Retry-After: 30\r\n"};
	else if (has_strange_body(request))
		reply = (struct sip_reply){.status = 415, .headers = "Accept: \r\n"};
	if (reply.status)
		(void)sip_stx_reply(tx, &reply);
	return reply.status != 0;
}

void topic_subscribe(struct topic *topic, struct sip_stx *tx, const struct sip_msg *request,
		     struct slice user)
{
	const struct package *package = topic->package;
	struct focus *focus = topic->focus;
	struct sip_sub_params params = {
		.content_type = package->content_type,
		.interval_min_ms = MAX_OF((uint32_t)focus->config->focus_roster_interval_ms,
					  package->interval_min_ms),
		.contact_user = user,
		.contact_params = package->contact_params,
		.handlers = &handlers,
	};
	struct subscriber *s;
	uint16_t status;

	if (refuse_early(topic, tx, request)) {
		check_use(topic);
		return;
	}
	s = calloc(1, package->subscriber_size);
	if (!s) {
		status_refuse(focus, tx, -ENOMEM);
		check_use(topic);
		return;
	}
	params.arg = s;
	s->focus = focus;
	s->package = package;
	s->topic = topic;
	s->is_limited = sip_stx_flow(tx)->proto == SIP_UDP;
	list_append(&topic->subscribers, &s->in_topic);
	list_append(&focus->subscribers, &s->in_focus);
	topic->count++;
	focus->stats.subscriptions[package->kind]++;
	status = package->read ? package->read(s, request) : 0;
	if (status)
		(void)sip_stx_reply(tx, &(struct sip_reply){.status = status});
	if (status || sip_sub_accept(tx, request, &params, &s->sub))
		subscriber_free(s);
}

void topic_changed(struct topic *topic)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &topic->subscribers)
		sip_sub_changed(LIST_ENTRY(it, struct subscriber, in_topic)->sub);
}

static void end(struct subscriber *s, const char *reason)
{
	struct sip_sub_end how = {.reason = reason};
	struct buf body = BUF_INIT;

	if (s->package->write_end) {
		s->package->write_end(s, &body);
		how.content_type = s->package->content_type;
		how.body = buf_slice(&body);
	}
	detach(s);
	sip_sub_end(s->sub, &how);
	buf_done(&body);
}

void topic_end(struct topic *topic, const char *reason)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &topic->subscribers)
		end(LIST_ENTRY(it, struct subscriber, in_topic), reason);
	check_use(topic);
}

/* Of all ----------------------------------------------------------------------------------------
 */

bool notifier_drain(struct focus *focus, bool is_last)
{
	struct list *it, *tmp;
	bool was_any = false;

	LIST_FOREACH (it, tmp, &focus->subscribers) {
		struct subscriber *s = LIST_ENTRY(it, struct subscriber, in_focus);
		struct topic *topic = s->topic;

		if (!topic || (!is_last && s->package->kind == PACKAGE_CONFERENCE))
			continue;
		/* What the thing itself ends with, as "deleted", would not be true. */
		detach(s);
		sip_sub_end(s->sub, &(struct sip_sub_end){.reason = "deactivated"});
		was_any = true;
		check_use(topic);
	}
	return was_any;
}

void notifier_abandon(struct focus *focus)
{
	while (!list_empty(&focus->subscribers))
		subscriber_free(LIST_ENTRY(focus->subscribers.next, struct subscriber, in_focus));
}
