/* http/mailboxes.c -- /api/v1/mailboxes: messages that wait for users and rooms. */
#include "focus/mailbox.h"

#include "base/err.h"
#include "focus/focus.h"
#include "http/handlers.h"
#include "http/paging.h"
#include "http/server.h"
#include "http/view.h"

static struct focus *focus_of(const struct request *request)
{
	return request_http(request)->focus;
}

static void add_counts(struct writer *json, const char *key, const struct mail_counts *counts)
{
	writer_open(json, key, '{');
	writer_uint(json, "new", counts->fresh);
	writer_uint(json, "old", counts->old);
	writer_uint(json, "new_urgent", counts->fresh_urgent);
	writer_uint(json, "old_urgent", counts->old_urgent);
	writer_close(json, '}');
}

static void write_mailbox(struct writer *json, const struct mailbox_view *view)
{
	writer_open(json, NULL, '{');
	writer_str(json, "name", view->name);
	add_counts(json, "messages", &view->total);
	for (enum mail_kind kind = 0; kind < MAIL_KIND_COUNT; kind++)
		add_counts(json, mail_kind_name(kind), &view->counts[kind]);
	writer_close(json, '}');
}

int mailboxes_list(struct request *request)
{
	struct focus *focus = focus_of(request);
	struct mailbox *mailbox;
	struct mailbox_view view;
	struct page page;
	int err = page_of(request, &page);

	if (err)
		return err;
	mailbox = focus_mailbox_next(focus, page_after(&page));
	page_open(&page, "mailboxes");
	while (mailbox && page_has_place(&page)) {
		if (!focus_mailbox_view(focus, slice_of(mailbox_name(mailbox)), &view))
			write_mailbox(&page.json, &view);
		page_add(&page, slice_of(mailbox_name(mailbox)));
		mailbox = focus_mailbox_next(focus, page_last(&page));
	}
	return page_close(&page, mailbox != NULL);
}

int mailbox_get(struct request *request)
{
	struct writer json = writer_to(request_body(request));
	struct mailbox_view view;
	int err = focus_mailbox_view(focus_of(request), request_arg(request, 0), &view);

	if (err)
		return err;
	write_mailbox(&json, &view);
	return 0;
}

int mails_list(struct request *request)
{
	struct slice name = request_arg(request, 0);
	struct focus *focus = focus_of(request);
	struct mailbox *mailbox = focus_mailbox_find(focus, name);
	struct mailbox_view whole;
	struct mail *mail = NULL;
	struct mail_view view = {0};
	struct page page;
	int err = focus_mailbox_view(focus, name, &whole);

	if (!err)
		err = page_of(request, &page);
	if (err)
		return err;
	if (page.has_after) {
		mail = focus_mail_find(focus, name, page_after(&page));
		if (!mail)
			return request_fail_parameter(request, "after", "there is no such message");
	}
	mail = mailbox ? focus_mail_next(mailbox, mail) : NULL;
	page_open(&page, "messages");
	while (mail && page_has_place(&page)) {
		mail_view(mail, &view);
		view_mail(&page.json, NULL, &view);
		page_add(&page, view.id);
		mail = focus_mail_next(mailbox, mail);
	}
	return page_close(&page, mail != NULL);
}

static void reply_mail(struct request *request, const struct mail *mail)
{
	struct writer json = writer_to(request_body(request));
	struct mail_view view;

	mail_view(mail, &view);
	view_mail(&json, NULL, &view);
	request_set_etag(request, view.received_wall_ms, view.version);
}

/* What is taken here is promised to survive a restart. */
static int check_store(const struct request *request)
{
	struct store *store = focus_store(focus_of(request));

	return store ? store_health(store) : 0;
}

static int read_mail(struct request *request, const struct document *document,
		     struct mail_make *make)
{
	struct slice kind = SLICE("text");

	(void)document_text(document, "from", &make->from);
	(void)document_text(document, "from_name", &make->from_name);
	(void)document_text(document, "subject", &make->subject);
	(void)document_text(document, "text", &make->text);
	(void)document_bool(document, "urgent", &make->is_urgent);
	(void)document_text(document, "kind", &kind);
	return mail_kind_of(kind, &make->kind)
		       ? 0
		       : request_fail_field(request, "kind",
					    "voice, text, fax, pager or multimedia");
}

int mails_add(struct request *request)
{
	struct document *document = NULL;
	struct mail_make make = {.kind = MAIL_TEXT};
	struct mail_view view;
	struct mail *mail;
	int err = request_document(request, &SCHEMA_MAIL_CREATE, &document);

	if (err)
		return err;
	err = read_mail(request, document, &make);
	if (!err)
		err = check_store(request);
	if (!err)
		err = focus_mail_add(focus_of(request), request_arg(request, 0), &make, &mail);
	if (!err) {
		mail_view(mail, &view);
		reply_mail(request, mail);
		request_set_location(request, "/api/v1/mailboxes/" SLICE_FMT "/messages/" SLICE_FMT,
				     SLICE_ARG(view.mailbox), SLICE_ARG(view.id));
	}
	document_free(document);
	return err;
}

static int request_mail(struct request *request, struct mail **ret_mail)
{
	struct focus *focus = focus_of(request);
	struct slice name = request_arg(request, 0);
	struct mailbox_view whole;
	struct mail *mail = focus_mail_find(focus, name, request_arg(request, 1));
	int err = focus_mailbox_view(focus, name, &whole);

	if (err)
		return err;
	if (!mail)
		return ERR_MAIL_UNKNOWN;
	*ret_mail = mail;
	return 0;
}

int mail_get(struct request *request)
{
	struct mail *mail;
	int err = request_mail(request, &mail);

	if (!err)
		reply_mail(request, mail);
	return err;
}

/* The message of the path, if If-Match lets it be changed. */
static int mail_to_change(struct request *request, struct mail **ret_mail,
			  struct mail_view *ret_view)
{
	int err = request_mail(request, ret_mail);

	if (err)
		return err;
	mail_view(*ret_mail, ret_view);
	return request_check_etag(request, ret_view->received_wall_ms, ret_view->version);
}

int mail_change(struct request *request)
{
	struct document *document = NULL;
	struct mail_view view;
	struct mail *mail;
	int err = mail_to_change(request, &mail, &view);

	if (err)
		return err;
	err = request_document(request, &SCHEMA_MAIL_CHANGE, &document);
	if (err)
		return err;
	(void)document_bool(document, "read", &view.is_read);
	(void)document_bool(document, "urgent", &view.is_urgent);
	document_free(document);
	err = check_store(request);
	if (err)
		return err;
	focus_mail_set(focus_of(request), mail, view.is_read, view.is_urgent);
	reply_mail(request, mail);
	return 0;
}

int mail_delete(struct request *request)
{
	struct mail_view view;
	struct mail *mail;
	int err = mail_to_change(request, &mail, &view);

	if (!err)
		focus_mail_delete(focus_of(request), mail);
	return err;
}
