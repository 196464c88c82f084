/* focus/dialog_notify.c -- the event package `dialog` (RFC 4235): the calls of a room, a user or a
 * two-party call of ours, through Hearth.
 *
 * We tell of a user what we know as the other end of its calls, so a user's dialogs are told from
 * its side, those of rooms and calls from ours. Call-IDs and tags are what a Join or Replaces
 * needs: they are told only with focus.dialog_tags, or to who knew them all before: a subscription
 * may be of one dialog (3.2). What was agreed in it (include-session-description) is not told:
 * addresses and keys are for those who talk. */
#include <stdio.h>
#include <string.h>

#include "focus/calls_priv.h"
#include "focus/dialog_doc.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "focus/watched.h"
#include "sip/dialog_ref.h"

#define ANONYMOUS "sip:anonymous@anonymous.invalid"

enum { URI_SPACE = STORE_URI_MAX + 1, TAG_SPACE = 128 };

struct dialog_subscriber {
	struct subscriber base;
	/* Of one dialog alone, by its view of the tags; "": of all. */
	char call_id[STORE_URI_MAX + 1], to_tag[TAG_SPACE], from_tag[TAG_SPACE];
	char participant[PARTICIPANT_ID_MAX + 1]; /* whose that is; "" not found so far */
};

/* 3.2: what is quoted keeps its backslashes in the message. False: it does not fit. */
static bool read_param(struct slice params, const char *name, char *out, size_t cap)
{
	struct slice value;
	size_t len = 0;

	if (!sip_param(params, name, &value))
		return true;
	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] == '\\' && i + 1 < value.len)
			i++;
		if (len + 1 == cap)
			return false;
		out[len++] = value.p[i];
	}
	out[len] = '\0';
	return true;
}

static uint16_t read_event(struct subscriber *s, const struct sip_msg *request)
{
	struct dialog_subscriber *d = CONTAINER_OF(s, struct dialog_subscriber, base);
	struct slice value = sip_msg_value(request, SIP_H_EVENT);
	struct slice params = slice_from(value, slice_find(value, ';') + 1);
	bool is_read = read_param(params, "call-id", d->call_id, sizeof(d->call_id)) &&
		       read_param(params, "to-tag", d->to_tag, sizeof(d->to_tag)) &&
		       read_param(params, "from-tag", d->from_tag, sizeof(d->from_tag));

	return !is_read || (!d->call_id[0] && (d->to_tag[0] || d->from_tag[0])) ? 400 : 0;
}

static struct watched *watched_of(const struct subscriber *s)
{
	return CONTAINER_OF(s->topic, struct watched, dialog);
}

static struct dialog_party party_of(const struct participant *p)
{
	if (p->is_anonymous)
		return (struct dialog_party){.identity = SLICE(ANONYMOUS),
					     .display = SLICE("Anonymous")};
	return (struct dialog_party){.identity = slice_of(p->uri),
				     .display = slice_of(p->display_name)};
}

/* Whom it talks to: the conference, or the other party of its call. */
static struct dialog_party peer_of(const struct participant *p, char uri[URI_SPACE])
{
	const struct call *call = p->room->call;
	const struct participant *other = call ? (p == call->from ? call->to : call->from) : NULL;

	if (other)
		return party_of(other);
	if (call)
		return (struct dialog_party){
			.identity = slice_of(p == call->from ? call->to_uri : call->from_uri)};
	(void)room_uri(p->focus, p->room->id, uri);
	return (struct dialog_party){
		.identity = slice_of(uri), .target = slice_of(uri), .is_focus = true};
}

/* Call-ID and tags as the entity has them: to-tag is the local one (3.2). False: there are none. */
static bool read_tags(const struct participant *p, bool is_user, struct buf *text,
		      struct dialog_entry *entry)
{
	struct sip_dialog_ref ref;

	if (!p->call || sip_call_print_ref(p->call, SIP_REF_TO_US, false, text) || buf_err(text) ||
	    sip_dialog_ref_parse(buf_slice(text), &ref))
		return false;
	entry->call_id = ref.call_id;
	entry->local_tag = is_user ? ref.from_tag : ref.to_tag;
	entry->remote_tag = is_user ? ref.to_tag : ref.from_tag;
	return true;
}

static bool is_same_or_any(const char *wanted, struct slice tag)
{
	return !wanted[0] || slice_is(tag, wanted);
}

/* Whether this subscription is of it. */
static bool is_asked_for(struct dialog_subscriber *s, bool is_user, const struct participant *p)
{
	struct buf text = BUF_INIT;
	struct dialog_entry entry;
	bool is_it = !s->call_id[0];

	if (!is_it && read_tags(p, is_user, &text, &entry))
		is_it = slice_is(entry.call_id, s->call_id) &&
			is_same_or_any(s->to_tag, entry.local_tag) &&
			is_same_or_any(s->from_tag, entry.remote_tag);
	if (is_it)
		memcpy(s->participant, p->id, sizeof(s->participant));
	buf_done(&text);
	return is_it;
}

static bool knows_tags(const struct dialog_subscriber *s)
{
	return s->base.focus->config->focus_dialog_tags ||
	       (s->call_id[0] && s->to_tag[0] && s->from_tag[0]);
}

static uint64_t connected_s(const struct participant *p)
{
	uint64_t now_ms = clock_wall_ms(&p->focus->clock);

	return p->connected_wall_ms && now_ms > p->connected_wall_ms
		       ? (now_ms - p->connected_wall_ms) / 1000
		       : 0;
}

static void write_live(struct buf *out, const struct dialog_subscriber *s,
		       const struct watched_dialog *d, const struct participant *p)
{
	bool is_user = watched_of(&s->base)->kind == WATCHED_USER;
	struct buf tags = BUF_INIT;
	char uri[URI_SPACE];
	struct dialog_party phone = party_of(p), peer = peer_of(p, uri);
	struct dialog_entry entry = {
		.id = slice_of(p->id),
		.is_initiator = p->is_outgoing != is_user,
		.state = d->state,
		.duration_s = connected_s(p),
		.referrer = slice_of(p->is_referrer_hidden ? "" : p->referred_by),
	};

	phone.target = phone.identity;
	phone.is_focus = p->is_remote_focus;
	phone.is_on_hold = d->is_on_hold;
	entry.local = is_user ? phone : peer;
	entry.remote = is_user ? peer : phone;
	if (knows_tags(s))
		(void)read_tags(p, is_user, &tags, &entry);
	dialog_entry_write(out, &entry);
	buf_done(&tags);
}

static void write_gone(struct buf *out, const struct watched *watched,
		       const struct watched_dialog *d)
{
	dialog_entry_write(
		out, &(struct dialog_entry){
			     .id = slice_of(d->participant),
			     .is_initiator = d->is_outgoing != (watched->kind == WATCHED_USER),
			     .state = d->state,
			     .event = d->event,
			     .code = d->code,
		     });
}

static const struct participant *live(const struct watched *watched, const struct watched_dialog *d)
{
	struct slice id = slice_of(d->participant);
	struct hash_node *node = hash_find(watched->focus->by_id, hash_slice(id), &id);

	return node ? CONTAINER_OF(node, struct participant, by_id) : NULL;
}

/* One dialog of the document, if it is news to this subscriber. */
static void write_one(struct buf *out, struct dialog_subscriber *s, const struct watched_dialog *d,
		      bool is_whole)
{
	struct watched *watched = watched_of(&s->base);
	const struct participant *p = d->is_gone ? NULL : live(watched, d);

	if (!is_whole && d->seq <= s->base.seen)
		return;
	if (p && is_asked_for(s, watched->kind == WATCHED_USER, p))
		write_live(out, s, d, p);
	else if (!p && !is_whole &&
		 (!s->call_id[0] || slice_is(slice_of(d->participant), s->participant)))
		write_gone(out, watched, d);
}

static int write_document(struct subscriber *s, bool is_full, struct buf *out)
{
	struct dialog_subscriber *own = CONTAINER_OF(s, struct dialog_subscriber, base);
	struct watched *watched = watched_of(s);
	bool is_whole = is_full || s->seen < watched->forgot_seq;
	char uri[URI_SPACE + WATCHED_NAME_MAX];
	struct list *it, *tmp;
	size_t head;

	if (!is_whole && s->seen == watched->seq)
		return NOTIFIER_NOTHING;
	dialog_head_write(out, &(struct dialog_head){
				       .entity = slice_of(watched_uri(watched, uri, sizeof(uri))),
				       .version = s->version,
				       .is_full = is_whole,
			       });
	head = out->len;
	LIST_FOREACH (it, tmp, &watched->dialogs)
		write_one(out, own, LIST_ENTRY(it, struct watched_dialog, node), is_whole);
	s->seen = watched->seq;
	if (!is_whole && own->call_id[0] && out->len == head)
		return NOTIFIER_NOTHING;
	dialog_tail_write(out);
	return 0;
}

static void on_unused(struct topic *topic)
{
	watched_release(CONTAINER_OF(topic, struct watched, dialog));
}

const struct package dialog_package = {
	.kind = PACKAGE_DIALOG,
	.content_type = DIALOG_CONTENT_TYPE,
	.interval_min_ms = 1000, /* RFC 4235 3.10 */
	.subscriber_size = sizeof(struct dialog_subscriber),
	.read = read_event,
	.write = write_document,
	.on_unused = on_unused,
};
