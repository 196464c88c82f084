/* focus/dialog_notify.c -- the event package `dialog` (RFC 4235): the calls of a room, a user or a
 * two-party call of ours, through Hearth.
 *
 * We tell of a user what we know as the other end of its calls, so a user's dialogs are told from
 * its side, those of rooms and calls from ours. Call-IDs and tags are what a Join or Replaces
 * needs: they are told only with focus.dialog_tags. */
#include <stdio.h>

#include "focus/calls_priv.h"
#include "focus/dialog_doc.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "focus/watched.h"
#include "sip/dialog_ref.h"

#define ANONYMOUS "sip:anonymous@anonymous.invalid"

enum { URI_SPACE = STORE_URI_MAX + 1 };

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

static void add_tags(const struct participant *p, bool is_user, struct buf *text,
		     struct dialog_entry *entry)
{
	struct sip_dialog_ref ref;

	if (!p->focus->config->focus_dialog_tags || !p->call ||
	    sip_call_print_ref(p->call, SIP_REF_TO_US, false, text) || buf_err(text) ||
	    sip_dialog_ref_parse(buf_slice(text), &ref))
		return;
	entry->call_id = ref.call_id;
	entry->local_tag = is_user ? ref.from_tag : ref.to_tag;
	entry->remote_tag = is_user ? ref.to_tag : ref.from_tag;
}

static uint64_t connected_s(const struct participant *p)
{
	uint64_t now_ms = clock_wall_ms(&p->focus->clock);

	return p->connected_wall_ms && now_ms > p->connected_wall_ms
		       ? (now_ms - p->connected_wall_ms) / 1000
		       : 0;
}

static void write_live(struct buf *out, const struct watched *watched,
		       const struct watched_dialog *d, const struct participant *p)
{
	bool is_user = watched->kind == WATCHED_USER;
	struct buf tags = BUF_INIT;
	char uri[URI_SPACE];
	struct dialog_party phone = party_of(p), peer = peer_of(p, uri);
	struct dialog_entry entry = {
		.id = slice_of(p->id),
		.is_initiator = p->is_outgoing != is_user,
		.state = d->state,
		.duration_s = connected_s(p),
		.referrer = slice_of(p->referred_by),
	};

	phone.target = phone.identity;
	phone.is_focus = p->is_remote_focus;
	phone.is_on_hold = d->is_on_hold;
	entry.local = is_user ? phone : peer;
	entry.remote = is_user ? peer : phone;
	add_tags(p, is_user, &tags, &entry);
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

static int write_document(struct subscriber *s, bool is_full, struct buf *out)
{
	struct watched *watched = watched_of(s);
	bool is_whole = is_full || s->seen < watched->forgot_seq;
	char uri[URI_SPACE + WATCHED_NAME_MAX];
	struct list *it, *tmp;

	if (!is_whole && s->seen == watched->seq)
		return NOTIFIER_NOTHING;
	dialog_head_write(out, &(struct dialog_head){
				       .entity = slice_of(watched_uri(watched, uri, sizeof(uri))),
				       .version = s->version,
				       .is_full = is_whole,
			       });
	LIST_FOREACH (it, tmp, &watched->dialogs) {
		const struct watched_dialog *d = LIST_ENTRY(it, struct watched_dialog, node);
		const struct participant *p = d->is_gone ? NULL : live(watched, d);

		if (!is_whole && d->seq <= s->seen)
			continue;
		if (p)
			write_live(out, watched, d, p);
		else if (!is_whole)
			write_gone(out, watched, d);
	}
	dialog_tail_write(out);
	s->seen = watched->seq;
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
	.subscriber_size = sizeof(struct subscriber),
	.write = write_document,
	.on_unused = on_unused,
};
