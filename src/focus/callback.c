/* focus/callback.c */
#include "focus/callback.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "focus/attendant.h"
#include "focus/focus_priv.h"
#include "focus/gate.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "focus/text.h"

enum { HOUR_MS = 3600 * 1000, MS_PER_S = 1000, STATUS_DEFAULT = 486, RINGS_DEFAULT = 2 };

/* Somebody who rang. In the order: rings, refused, waits, called; then a line of the history. */
struct callback {
	struct list node;
	struct focus *focus;
	struct callback_rule rule;
	char uri[CALLBACK_TARGET_MAX + 1]; /* whom to call */
	struct sip_call *call;             /* NULL once it is over */
	struct timer timer;
	bool is_refused;
};

struct past {
	struct list node;
	uint64_t at_ms;
	char uri[CALLBACK_TARGET_MAX + 1];
};

struct callbacks {
	struct focus *focus;
	struct list pending, history; /* history: the oldest first */
	uint32_t pending_count, history_count;
	struct callback_stats stats;
};

bool callback_find(struct slice list, struct slice user, struct callback_rule *ret_rule)
{
	struct slice item, value, text;
	uint32_t number;

	while (text_list_next(&list, &item)) {
		size_t equals = slice_find(item, '=');

		if (!user.len || !slice_eq(slice_trim(slice_first(item, equals)), user))
			continue;
		value = slice_from(item, equals + 1);
		text = slice_trim(slice_first(value, slice_find(value, ';')));
		if (!text.len || text.len > CALLBACK_TARGET_MAX)
			return false;
		*ret_rule = (struct callback_rule){.rings = RINGS_DEFAULT,
						   .status = STATUS_DEFAULT};
		slice_cstr(text, ret_rule->target, sizeof(ret_rule->target));
		value = slice_from(value, slice_find(value, ';') + 1);
		if (sip_param(value, "rings", &text) && !slice_u32(text, 20, &number))
			ret_rule->rings = number;
		if (sip_param(value, "status", &text) && !slice_u32(text, 699, &number) &&
		    number >= 400)
			ret_rule->status = (uint16_t)number;
		ret_rule->must_confirm = sip_param(value, "confirm", &text);
		return true;
	}
	return false;
}

/* Life ---------------------------------------------------------------------------------------- */

int callbacks_new(struct focus *focus, struct callbacks **ret_callbacks)
{
	struct callbacks *callbacks = calloc(1, sizeof(*callbacks));

	if (!callbacks)
		return -ENOMEM;
	callbacks->focus = focus;
	list_init(&callbacks->pending);
	list_init(&callbacks->history);
	*ret_callbacks = callbacks;
	return 0;
}

static void drop(struct callback *callback)
{
	callback->focus->callbacks->pending_count--;
	timer_stop(callback->focus->wheel, &callback->timer);
	list_remove(&callback->node);
	free(callback);
}

static void drop_past(struct callbacks *callbacks, struct past *past)
{
	callbacks->history_count--;
	list_remove(&past->node);
	free(past);
}

struct callbacks *callbacks_free(struct callbacks *callbacks)
{
	struct list *it, *tmp;

	if (!callbacks)
		return NULL;
	LIST_FOREACH (it, tmp, &callbacks->pending) {
		struct callback *callback = LIST_ENTRY(it, struct callback, node);

		if (callback->call)
			sip_call_bind(callback->call, &participant_orphan_handlers, NULL);
		drop(callback);
	}
	LIST_FOREACH (it, tmp, &callbacks->history)
		drop_past(callbacks, LIST_ENTRY(it, struct past, node));
	free(callbacks);
	return NULL;
}

const struct callback_stats *focus_callback_stats(const struct focus *focus)
{
	return &focus->callbacks->stats;
}

/* Who may be called --------------------------------------------------------------------------- */

/* "+49", the beginning of a number; "@example.org", everybody there; or one whole URI. */
static bool is_allowed(const struct focus *focus, const char *uri_text)
{
	struct slice list = slice_of(focus->config->callback_allow), item;
	struct sip_uri uri;

	if (sip_uri_parse(slice_of(uri_text), &uri) || !uri.user.len)
		return false;
	while (text_list_next(&list, &item)) {
		if (item.p[0] == '@' && slice_ieq(slice_from(item, 1), uri.host))
			return true;
		if (item.p[0] == '+' && slice_starts(uri.user, item))
			return true;
		if (slice_is(item, uri_text))
			return true;
	}
	return false;
}

/* Calls of the last hour to this address, those under way included. */
static uint32_t recent(struct callbacks *callbacks, const char *uri)
{
	uint64_t now_ms = wheel_now_ms(callbacks->focus->wheel);
	struct list *it, *tmp;
	uint32_t count = 0;

	LIST_FOREACH (it, tmp, &callbacks->history) {
		struct past *past = LIST_ENTRY(it, struct past, node);

		if (past->at_ms + HOUR_MS <= now_ms)
			drop_past(callbacks, past);
		else
			count += !strcmp(past->uri, uri);
	}
	LIST_FOREACH (it, tmp, &callbacks->pending)
		count += !strcmp(LIST_ENTRY(it, struct callback, node)->uri, uri);
	return count;
}

static int note(struct callbacks *callbacks, const char *uri)
{
	struct past *past = calloc(1, sizeof(*past));

	if (!past)
		return -ENOMEM;
	past->at_ms = wheel_now_ms(callbacks->focus->wheel);
	slice_cstr(slice_of(uri), past->uri, sizeof(past->uri));
	list_append(&callbacks->history, &past->node);
	callbacks->history_count++;
	return 0;
}

/* Calling back -------------------------------------------------------------------------------- */

static int call_into_room(struct focus *focus, const struct callback *callback)
{
	struct slice id = slice_of(callback->rule.target);
	struct room_make make = {.id = id, .origin = ROOM_BY_CALL};
	struct room *room = focus_room_find(focus, id);
	struct participant *p;
	bool is_made = !room;
	int err = 0;

	if (!room_id_is_valid(id))
		return ERR_ROOM_NAME;
	if (is_made)
		err = room_new(focus, &make, &room);
	if (err)
		return err;
	if (is_made)
		room_publish(room);
	err = focus_invite(focus, room,
			   &(struct focus_invite){.uri = slice_of(callback->uri),
						  .ask = callback->rule.must_confirm
								 ? PARTICIPANT_ASK_KEY
								 : PARTICIPANT_ASK_NOTHING},
			   &p);
	if (err && is_made)
		(void)focus_room_close(focus, room, "empty");
	return err;
}

/* It is asked what who dials that number is asked. */
static int call_from_number(struct focus *focus, const struct callback *callback,
			    const struct attendant_number *row)
{
	struct room *room = focus_room_find(focus, slice_of(row->room));
	struct slice language = slice_of(row->language);
	struct participant *p;

	if (!row->room[0])
		return invitation_from_number(focus, slice_of(callback->uri),
					      slice_of(callback->rule.target), row);
	if (!room)
		return ERR_ROOM_UNKNOWN;
	return focus_invite(focus, room,
			    &(struct focus_invite){.uri = slice_of(callback->uri),
						   .language = focus_has_language(focus, language)
								       ? language
								       : SLICE_NONE,
						   .ask = PARTICIPANT_ASK_PIN},
			    &p);
}

static int call_second_party(struct focus *focus, const struct callback *callback)
{
	struct call *call;
	int err = focus_call_create(focus,
				    &(struct focus_call){.from = slice_of(callback->uri),
							 .to = slice_of(callback->rule.target)},
				    &call);

	if (!err && callback->rule.must_confirm)
		focus_call_confirm(call);
	return err;
}

static void call_back(struct callback *callback)
{
	struct focus *focus = callback->focus;
	const char *target = callback->rule.target;
	struct attendant_number row;
	int err = note(focus->callbacks, callback->uri);

	if (!err && attendant_number_find(focus->config->dialin_numbers, slice_of(target), &row))
		err = call_from_number(focus, callback, &row);
	else if (!err)
		err = strchr(target, ':') ? call_second_party(focus, callback)
					  : call_into_room(focus, callback);
	focus->callbacks->stats.called += !err;
	LOG(err ? LOG_WARN : LOG_INFO, "callback.called", LOG_STR("uri", callback->uri),
	    LOG_STR("to", callback->rule.target), err ? LOG_STR("error", err_text(err)) : LOG_END);
	drop(callback);
}

/* First the rings are over, then the pause after the refusal. */
static void on_timer(void *arg)
{
	struct callback *callback = arg;

	if (!callback->is_refused && callback->call) {
		callback->is_refused = true;
		(void)sip_call_reject(callback->call,
				      &(struct sip_reply){.status = callback->rule.status});
		return;
	}
	call_back(callback);
}

static void on_ended(void *arg, struct sip_call *call, const struct sip_call_end *end)
{
	struct callback *callback = arg;

	(void)call;
	(void)end;
	callback->call = NULL;
	callback->is_refused = true;
	timer_start(callback->focus->wheel, &callback->timer,
		    (uint64_t)callback->focus->config->callback_delay_s * MS_PER_S);
}

static void on_message(void *arg, struct sip_call *call, const struct sip_msg *message)
{
	(void)arg;
	(void)call;
	(void)message;
}

static void on_media(void *arg, struct sip_call *call, const struct offer_agreed *agreed)
{
	(void)arg;
	(void)call;
	(void)agreed;
}

static const struct sip_call_handlers handlers = {
	.on_progress = on_message,
	.on_established = on_message,
	.on_media = on_media,
	.on_ended = on_ended,
};

static void refuse(struct focus *focus, struct sip_call *call, uint16_t status, const char *why)
{
	focus->callbacks->stats.refused++;
	LOG(LOG_WARN, "callback.refused", LOG_SLICE("from", sip_call_remote_uri(call)),
	    LOG_STR("reason", why));
	(void)sip_call_reject(call, &(struct sip_reply){.status = status});
}

static int begin(struct focus *focus, struct sip_call *call, const struct callback_rule *rule,
		 const char *uri)
{
	struct callback *callback = calloc(1, sizeof(*callback));
	int err;

	if (!callback)
		return -ENOMEM;
	callback->focus = focus;
	callback->rule = *rule;
	callback->call = call;
	slice_cstr(slice_of(uri), callback->uri, sizeof(callback->uri));
	timer_init(&callback->timer, on_timer, callback);
	list_append(&focus->callbacks->pending, &callback->node);
	focus->callbacks->pending_count++;
	err = rule->rings ? sip_call_progress(call, &(struct sip_reply){.status = 180}) : 0;
	if (err) {
		drop(callback);
		return err;
	}
	sip_call_bind(call, &handlers, callback);
	timer_start(focus->wheel, &callback->timer, (uint64_t)rule->rings * CALLBACK_RING_MS);
	focus->callbacks->stats.rung++;
	return 0;
}

/* Who it is: what was proven, else From. */
static void caller_uri(const struct focus *focus, const struct sip_call *call,
		       char out[CALLBACK_TARGET_MAX + 1])
{
	const struct auth_identity *caller = gate_caller(focus);

	text_utf8(caller->uri[0] ? slice_of(caller->uri) : sip_call_remote_uri(call), out,
		  CALLBACK_TARGET_MAX + 1);
}

bool callback_on_invite(struct focus *focus, struct sip_call *call, const struct sip_msg *request)
{
	struct callbacks *callbacks = focus->callbacks;
	char user[CALLBACK_TARGET_MAX + 1], who[CALLBACK_TARGET_MAX + 1];
	struct callback_rule rule;
	struct sip_uri uri;
	size_t len;

	if (!focus->config->callback_numbers[0] || focus->drain.is_on ||
	    sip_uri_parse(request->request_uri, &uri) ||
	    sip_unescape(uri.user, user, sizeof(user), &len) ||
	    !callback_find(slice_of(focus->config->callback_numbers), slice_make(user, len), &rule))
		return false;
	caller_uri(focus, call, who);
	if (!is_allowed(focus, who))
		refuse(focus, call, 403, "not allowed");
	else if (recent(callbacks, who) >= (uint64_t)focus->config->callback_per_hour)
		refuse(focus, call, 486, "too often");
	else if (callbacks->pending_count >= CALLBACKS_MAX ||
		 callbacks->history_count >= CALLBACK_HISTORY_MAX || begin(focus, call, &rule, who))
		refuse(focus, call, 486, "too many");
	return true;
}
