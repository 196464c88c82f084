/* focus/mailbox.c */
#include "focus/mailbox.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/log.h"
#include "focus/focus_priv.h"
#include "focus/recording.h"
#include "focus/registrar.h"
#include "focus/room_priv.h"
#include "focus/text.h"
#include "focus/watched.h"
#include "sip/uri.h"

struct mail {
	struct list node;
	struct mailbox *mailbox;
	struct store_mail row; /* as it is stored; its text is `text` */
	enum mail_kind kind;
	uint64_t seq, version;
	char text[];
};

struct mailbox {
	char name[MAILBOX_NAME_MAX + 1];
	struct list mails; /* in the order of coming */
	uint32_t count;
	uint64_t seq;
};

struct mailboxes {
	struct mailbox **all; /* ordered by name */
	uint32_t count, cap;
	uint64_t seq;
	struct mailbox_stats stats;
};

/* Kinds ---------------------------------------------------------------------------------------- */

const char *mail_kind_name(enum mail_kind kind)
{
	static const char *const names[MAIL_KIND_COUNT] = {
		[MAIL_VOICE] = "voice",
		[MAIL_TEXT] = "text",
		[MAIL_FAX] = "fax",
		[MAIL_PAGER] = "pager",
		[MAIL_MULTIMEDIA] = "multimedia",
	};

	assert(kind < MAIL_KIND_COUNT);
	return names[kind];
}

bool mail_kind_of(struct slice name, enum mail_kind *ret_kind)
{
	for (enum mail_kind kind = 0; kind < MAIL_KIND_COUNT; kind++) {
		if (slice_is(name, mail_kind_name(kind))) {
			*ret_kind = kind;
			return true;
		}
	}
	return false;
}

/* Table ---------------------------------------------------------------------------------------- */

int mailboxes_new(struct mailboxes **ret_mailboxes)
{
	*ret_mailboxes = calloc(1, sizeof(**ret_mailboxes));
	return *ret_mailboxes ? 0 : -ENOMEM;
}

static void mailbox_free(struct mailbox *mailbox)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &mailbox->mails)
		free(LIST_ENTRY(it, struct mail, node));
	free(mailbox);
}

struct mailboxes *mailboxes_free(struct mailboxes *mailboxes)
{
	if (!mailboxes)
		return NULL;
	for (uint32_t i = 0; i < mailboxes->count; i++)
		mailbox_free(mailboxes->all[i]);
	free(mailboxes->all);
	free(mailboxes);
	return NULL;
}

/* Where the name is, or would be. */
static uint32_t place_of(const struct mailboxes *mailboxes, struct slice name)
{
	uint32_t from = 0, to = mailboxes->count;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (slice_compare(slice_of(mailboxes->all[middle]->name), name) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static struct mailbox *find(const struct mailboxes *mailboxes, struct slice name)
{
	uint32_t at = place_of(mailboxes, name);

	return at < mailboxes->count && slice_is(name, mailboxes->all[at]->name)
		       ? mailboxes->all[at]
		       : NULL;
}

static struct mailbox *open_one(struct mailboxes *mailboxes, struct slice name)
{
	uint32_t at = place_of(mailboxes, name), cap = mailboxes->cap ? mailboxes->cap * 2 : 16;
	struct mailbox *mailbox = find(mailboxes, name), **all;

	if (mailbox)
		return mailbox;
	if (mailboxes->count == mailboxes->cap) {
		all = realloc(mailboxes->all, cap * sizeof(struct mailbox *));
		if (!all)
			return NULL;
		mailboxes->all = all;
		mailboxes->cap = cap;
	}
	mailbox = calloc(1, sizeof(*mailbox));
	if (!mailbox)
		return NULL;
	slice_cstr(name, mailbox->name, sizeof(mailbox->name));
	list_init(&mailbox->mails);
	memmove(mailboxes->all + at + 1, mailboxes->all + at,
		(mailboxes->count - at) * sizeof(struct mailbox *));
	mailboxes->all[at] = mailbox;
	mailboxes->count++;
	return mailbox;
}

/* An empty one needs no memory. */
static void close_if_empty(struct mailboxes *mailboxes, struct mailbox *mailbox)
{
	uint32_t at = place_of(mailboxes, slice_of(mailbox->name));

	if (mailbox->count)
		return;
	memmove(mailboxes->all + at, mailboxes->all + at + 1,
		(mailboxes->count - at - 1) * sizeof(struct mailbox *));
	mailboxes->count--;
	mailbox_free(mailbox);
}

/* Views ---------------------------------------------------------------------------------------- */

void mail_view(const struct mail *mail, struct mail_view *ret_view)
{
	const struct store_mail *row = &mail->row;

	*ret_view = (struct mail_view){
		.id = slice_of(row->id),
		.mailbox = slice_of(row->mailbox),
		.kind = mail->kind,
		.from = slice_of(row->from),
		.from_name = slice_of(row->from_name),
		.subject = slice_of(row->subject),
		.text = slice_of(mail->text),
		.recording = slice_of(row->recording),
		.received_wall_ms = row->received_wall_ms,
		.length_ms = row->length_ms,
		.is_urgent = row->is_urgent,
		.is_read = row->is_read,
		.seq = mail->seq,
		.version = mail->version,
	};
}

static void count_one(struct mail_counts *counts, const struct store_mail *row)
{
	if (row->is_read) {
		counts->old++;
		counts->old_urgent += row->is_urgent;
	} else {
		counts->fresh++;
		counts->fresh_urgent += row->is_urgent;
	}
}

/* A room, or a user who registers or once did. */
static bool is_somebodys(struct focus *focus, struct slice name)
{
	return focus_room_find(focus, name) || users_find_alias(focus->users, name) ||
	       location_find(focus->location, name);
}

int focus_mailbox_view(struct focus *focus, struct slice name, struct mailbox_view *ret_view)
{
	struct mailbox *mailbox = focus_mailbox_find(focus, name);
	const struct list *it;

	if (!mailbox && !is_somebodys(focus, name))
		return ERR_MAILBOX_UNKNOWN;
	*ret_view = (struct mailbox_view){.name = registrar_name(focus, name)};
	if (!mailbox)
		return 0;
	ret_view->name = slice_of(mailbox->name);
	ret_view->seq = mailbox->seq;
	for (it = mailbox->mails.next; it != &mailbox->mails; it = it->next) {
		const struct mail *mail = LIST_ENTRY(it, const struct mail, node);

		count_one(&ret_view->counts[mail->kind], &mail->row);
		count_one(&ret_view->total, &mail->row);
	}
	return 0;
}

struct mailbox *focus_mailbox_find(struct focus *focus, struct slice name)
{
	return find(focus->mailboxes, registrar_name(focus, name));
}

struct mailbox *focus_mailbox_next(struct focus *focus, struct slice after)
{
	const struct mailboxes *mailboxes = focus->mailboxes;
	uint32_t at = slice_present(after) ? place_of(mailboxes, after) : 0;

	if (slice_present(after) && at < mailboxes->count &&
	    slice_is(after, mailboxes->all[at]->name))
		at++;
	return at < mailboxes->count ? mailboxes->all[at] : NULL;
}

const char *mailbox_name(const struct mailbox *mailbox)
{
	return mailbox->name;
}

struct mail *focus_mail_next(struct mailbox *mailbox, struct mail *after)
{
	struct list *next = after ? after->node.next : mailbox->mails.next;

	return next == &mailbox->mails ? NULL : LIST_ENTRY(next, struct mail, node);
}

struct mail *focus_mail_find(struct focus *focus, struct slice name, struct slice id)
{
	struct mailbox *mailbox = focus_mailbox_find(focus, name);

	for (struct mail *mail = mailbox ? focus_mail_next(mailbox, NULL) : NULL; mail;
	     mail = focus_mail_next(mailbox, mail))
		if (slice_is(id, mail->row.id))
			return mail;
	return NULL;
}

const struct mailbox_stats *focus_mailbox_stats(const struct focus *focus)
{
	return &focus->mailboxes->stats;
}

/* Changes -------------------------------------------------------------------------------------- */

static void tell(struct focus *focus, struct mail *mail, enum focus_event_kind kind)
{
	mail->mailbox->seq = ++focus->mailboxes->seq;
	mail->version = focus_version_next(focus);
	event_publish_mail(focus, kind, mail);
	watched_on_mailbox(focus, slice_of(mail->mailbox->name));
}

static int put(struct focus *focus, const struct mail *mail)
{
	return focus->store ? store_mail_put_post(focus->store, &mail->row) : 0;
}

static struct mail *mail_new(const struct store_mail *row, struct slice text)
{
	struct mail *mail = calloc(1, sizeof(*mail) + text.len + 1);

	if (!mail)
		return NULL;
	mail->row = *row;
	slice_cstr(text, mail->text, text.len + 1);
	mail->row.text = mail->text;
	if (!mail_kind_of(slice_of(row->kind), &mail->kind))
		mail->kind = MAIL_TEXT;
	return mail;
}

static void append(struct mailboxes *mailboxes, struct mailbox *mailbox, struct mail *mail)
{
	mail->mailbox = mailbox;
	mail->seq = mailbox->seq = ++mailboxes->seq;
	list_append(&mailbox->mails, &mail->node);
	mailbox->count++;
	mailboxes->stats.mails++;
}

static void fill_row(struct focus *focus, struct slice name, const struct mail_make *make,
		     struct store_mail *row)
{
	*row = (struct store_mail){
		.received_wall_ms = clock_wall_ms(&focus->clock),
		.length_ms = make->length_ms,
		.is_urgent = make->is_urgent,
	};
	random_token(focus->random, row->id, MAIL_ID_CHARS);
	slice_cstr(name, row->mailbox, sizeof(row->mailbox));
	slice_cstr(slice_of(mail_kind_name(make->kind)), row->kind, sizeof(row->kind));
	text_utf8(make->from, row->from, sizeof(row->from));
	text_utf8(make->from_name, row->from_name, sizeof(row->from_name));
	text_utf8(make->subject, row->subject, sizeof(row->subject));
	slice_cstr(make->recording, row->recording, sizeof(row->recording));
}

static int check_place(struct focus *focus, const struct mailbox *mailbox)
{
	struct mailboxes *mailboxes = focus->mailboxes;
	bool is_full = mailbox->count >= (uint64_t)focus->config->mailboxes_messages_max;

	mailboxes->stats.refused += is_full;
	if (is_full)
		return ERR_MAILBOX_FULL;
	return mailboxes->stats.mails >= MAILS_MAX ? ERR_LIMIT : 0;
}

int focus_mail_add(struct focus *focus, struct slice name, const struct mail_make *make,
		   struct mail **ret_mail)
{
	struct mailboxes *mailboxes = focus->mailboxes;
	struct mailbox *mailbox;
	struct store_mail row;
	struct mail *mail = NULL;
	struct sip_uri from;
	int err;

	if (name.len > MAILBOX_NAME_MAX || !is_somebodys(focus, name))
		return ERR_MAILBOX_UNKNOWN;
	if (make->text.len > MAIL_TEXT_MAX)
		return ERR_LIMIT;
	if (make->from.len && (make->from.len > STORE_URI_MAX || sip_uri_parse(make->from, &from)))
		return ERR_SIP_URI_SYNTAX;
	name = registrar_name(focus, name);
	mailbox = open_one(mailboxes, name);
	if (!mailbox)
		return -ENOMEM;
	err = check_place(focus, mailbox);
	if (!err) {
		fill_row(focus, name, make, &row);
		mail = mail_new(&row, make->text);
		err = mail ? put(focus, mail) : -ENOMEM;
	}
	if (err) {
		free(mail);
		close_if_empty(mailboxes, mailbox);
		return err;
	}
	append(mailboxes, mailbox, mail);
	mailboxes->stats.added++;
	LOG(LOG_INFO, "mailbox.message_added", LOG_STR("mailbox", mailbox->name),
	    LOG_STR("message", mail->row.id));
	tell(focus, mail, FOCUS_MAIL_ADDED);
	*ret_mail = mail;
	return 0;
}

static void log_unstored(const struct mail *mail, int err)
{
	if (err)
		LOG(LOG_ERROR, "mailbox.not_stored", LOG_STR("mailbox", mail->mailbox->name),
		    LOG_STR("message", mail->row.id), LOG_STR("error", err_text(err)));
}

void focus_mail_set(struct focus *focus, struct mail *mail, bool is_read, bool is_urgent)
{
	if (mail->row.is_read == is_read && mail->row.is_urgent == is_urgent)
		return;
	mail->row.is_read = is_read;
	mail->row.is_urgent = is_urgent;
	log_unstored(mail, put(focus, mail));
	tell(focus, mail, FOCUS_MAIL_CHANGED);
}

void focus_mail_delete(struct focus *focus, struct mail *mail)
{
	struct mailbox *mailbox = mail->mailbox;

	if (focus->store)
		log_unstored(mail, store_mail_delete_post(focus->store, mail->row.id));
	list_remove(&mail->node);
	mailbox->count--;
	focus->mailboxes->stats.mails--;
	focus->mailboxes->stats.removed++;
	tell(focus, mail, FOCUS_MAIL_REMOVED);
	free(mail);
	close_if_empty(focus->mailboxes, mailbox);
}

void mailbox_forget(struct focus *focus, struct slice name)
{
	struct mailbox *mailbox;

	/* The mailbox goes with its last message. */
	while ((mailbox = find(focus->mailboxes, name)) != NULL)
		focus_mail_delete(focus, focus_mail_next(mailbox, NULL));
}

/* Start ---------------------------------------------------------------------------------------- */

static void on_stored(void *arg, const struct store_mail *row)
{
	struct focus *focus = arg;
	struct mail *mail = mail_new(row, slice_of(row->text));
	struct mailbox *mailbox = mail ? open_one(focus->mailboxes, slice_of(row->mailbox)) : NULL;

	if (!mailbox) {
		LOG(LOG_ERROR, "mailbox.not_restored", LOG_STR("mailbox", row->mailbox));
		free(mail);
		return;
	}
	append(focus->mailboxes, mailbox, mail);
	mail->version = focus_version_next(focus);
}

int mailboxes_load(struct focus *focus)
{
	return focus->store ? store_mails_load(focus->store, on_stored, focus) : 0;
}

/* Recordings ----------------------------------------------------------------------------------- */

static void add_recording(struct focus *focus, const struct room *room,
			  const struct recording_view *view)
{
	char uri[ROOM_URI_MAX + 1], subject[STORE_TEXT_MAX + 1];
	struct mail *mail;
	int err;

	(void)snprintf(subject, sizeof(subject), "Recording of %s", room->id);
	err = focus_mail_add(focus, view->room_id,
			     &(struct mail_make){
				     .kind = MAIL_VOICE,
				     .from = slice_of(room_uri(focus, room->id, uri)),
				     .from_name = slice_of(room->id),
				     .subject = slice_of(subject),
				     .recording = view->id,
				     .length_ms = view->length_ms,
			     },
			     &mail);
	if (err)
		LOG(LOG_WARN, "mailbox.recording_not_added", LOG_SLICE("recording", view->id),
		    LOG_STR("mailbox", room->id), LOG_STR("error", err_text(err)));
}

/* Rooms that calls make have names, but nobody who would come back for a message. */
void mailbox_on_recording(struct focus *focus, const struct recording *recording, bool is_deleted)
{
	struct recording_view view;
	struct mailbox *mailbox;
	struct room *room;

	recording_view(recording, &view);
	room = focus_room_find(focus, view.room_id);
	if (!is_deleted) {
		if (room && room->origin == ROOM_BY_API && focus->config->mailboxes_recordings &&
		    view.state == RECORDING_DONE)
			add_recording(focus, room, &view);
		return;
	}
	mailbox = find(focus->mailboxes, view.room_id);
	for (struct mail *mail = mailbox ? focus_mail_next(mailbox, NULL) : NULL; mail;
	     mail = focus_mail_next(mailbox, mail)) {
		if (slice_is(view.id, mail->row.recording)) {
			focus_mail_delete(focus, mail);
			return;
		}
	}
}
