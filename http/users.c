/* http/users.c -- /api/v1/users: who may register, call out and make rooms. Passwords come in and
 * never go out. */
#include "focus/users.h"

#include "base/err.h"
#include "focus/focus.h"
#include "focus/registrar.h"
#include "http/handlers.h"
#include "http/paging.h"
#include "http/server.h"
#include "http/view.h"

static struct users *users_of(const struct request *request)
{
	return focus_users(request_http(request)->focus);
}

static void write_user(struct writer *json, const struct user_view *view)
{
	writer_open(json, NULL, '{');
	writer_str(json, "name", view->name);
	writer_str(json, "realm", view->realm);
	writer_str(json, "display_name", view->display_name);
	writer_list(json, "aliases", view->aliases);
	writer_bool(json, "enabled", view->is_enabled);
	writer_bool(json, "may_dial_out", view->may_dial_out);
	writer_bool(json, "may_refer_out", view->may_refer_out);
	writer_bool(json, "may_create_rooms", view->may_create_rooms);
	writer_time(json, "created_at", view->created_wall_ms);
	writer_close(json, '}');
}

static void reply_user(struct request *request, const struct user *user)
{
	struct writer json = writer_to(request_body(request));
	struct user_view view;

	user_view(user, &view);
	write_user(&json, &view);
	request_set_etag(request, view.created_wall_ms, view.version);
}

int users_list(struct request *request)
{
	struct users *users = users_of(request);
	struct user_view view = {0};
	struct user *user;
	struct page page;
	int err = page_of(request, &page);

	if (err)
		return err;
	user = users_next(users, page_after(&page));
	page_open(&page, "users");
	while (user && page_has_place(&page)) {
		user_view(user, &view);
		write_user(&page.json, &view);
		page_add(&page, view.name);
		user = users_next(users, page_last(&page));
	}
	return page_close(&page, user != NULL);
}

/* The comma list that users.h wants: a comma inside an item is no part of a name, and is told as
 * such. */
static int read_aliases(const struct document *document, struct buf *list,
			struct user_settings *settings)
{
	struct slice item;

	if (!document_has(document, "aliases"))
		return 0;
	for (size_t i = 0; document_item(document, "aliases", i, &item); i++) {
		if (!user_name_is_valid(item))
			return ERR_USER_ALIAS;
		buf_addf(list, "%s" SLICE_FMT, i ? "," : "", SLICE_ARG(item));
	}
	settings->aliases = buf_slice(list);
	return buf_err(list);
}

/* What the document says replaces what `settings` has. `list` holds its aliases. */
static int read_settings(const struct document *document, struct buf *list,
			 struct user_settings *settings)
{
	(void)document_text(document, "password", &settings->password);
	if (document_is_null(document, "display_name"))
		settings->display_name = SLICE("");
	(void)document_text(document, "display_name", &settings->display_name);
	(void)document_bool(document, "enabled", &settings->is_enabled);
	(void)document_bool(document, "may_dial_out", &settings->may_dial_out);
	(void)document_bool(document, "may_refer_out", &settings->may_refer_out);
	(void)document_bool(document, "may_create_rooms", &settings->may_create_rooms);
	return read_aliases(document, list, settings);
}

static int fail(struct request *request, int err)
{
	if (err == ERR_USER_NAME)
		(void)request_fail_field(
			request, "name",
			"1 to %d letters, digits and . _ ~ + -, not beginning with "
			"a dot",
			USER_NAME_MAX);
	else if (err == ERR_USER_ALIAS)
		(void)request_fail_field(request, "aliases",
					 "each is like a name, and at most %d octets in all",
					 STORE_ALIASES_MAX);
	else if (err == ERR_USER_PASSWORD)
		(void)request_fail_field(request, "password",
					 "1 to %d octets without control characters",
					 USER_PASSWORD_MAX);
	else if (err == ERR_USER_EXISTS)
		(void)request_fail(request, err, "the name or an alias is another user's");
	return err;
}

/* What is made here is promised to survive a restart. */
static int check_store(const struct request *request)
{
	struct store *store = focus_store(request_http(request)->focus);

	return store ? store_health(store) : 0;
}

int users_create_one(struct request *request)
{
	struct user_settings settings = {.is_enabled = true, .may_create_rooms = true};
	struct document *document = NULL;
	struct buf list = BUF_INIT;
	struct slice name = SLICE_NONE;
	struct user_view view;
	struct user *user;
	int err = request_document(request, &SCHEMA_USER_CREATE, &document);

	if (err)
		return err;
	(void)document_text(document, "name", &name);
	err = read_settings(document, &list, &settings);
	if (!err)
		err = check_store(request);
	if (!err)
		err = users_create(users_of(request), name, &settings, &user);
	if (err) {
		err = fail(request, err);
	} else {
		user_view(user, &view);
		reply_user(request, user);
		request_set_location(request, "/api/v1/users/" SLICE_FMT, SLICE_ARG(view.name));
	}
	buf_done(&list);
	document_free(document);
	return err;
}

static int request_user(struct request *request, struct user **ret_user)
{
	struct user *user = users_find(users_of(request), request_arg(request, 0));

	if (!user)
		return ERR_USER_UNKNOWN;
	*ret_user = user;
	return 0;
}

int user_get(struct request *request)
{
	struct user *user;
	int err = request_user(request, &user);

	if (!err)
		reply_user(request, user);
	return err;
}

/* The user of the path, if If-Match lets it be changed. */
static int user_to_change(struct request *request, struct user **ret_user,
			  struct user_view *ret_view)
{
	int err = request_user(request, ret_user);

	if (err)
		return err;
	user_view(*ret_user, ret_view);
	return request_check_etag(request, ret_view->created_wall_ms, ret_view->version);
}

int user_change(struct request *request)
{
	struct document *document = NULL;
	struct user_settings settings;
	struct buf list = BUF_INIT;
	struct user_view view;
	struct user *user;
	int err = user_to_change(request, &user, &view);

	if (err)
		return err;
	err = request_document(request, &SCHEMA_USER_CHANGE, &document);
	if (err)
		return err;
	settings = (struct user_settings){.is_enabled = view.is_enabled,
					  .may_dial_out = view.may_dial_out,
					  .may_refer_out = view.may_refer_out,
					  .may_create_rooms = view.may_create_rooms};
	err = read_settings(document, &list, &settings);
	if (!err)
		err = check_store(request);
	if (!err)
		err = users_set(users_of(request), user, &settings);
	if (!err && !settings.is_enabled)
		registrar_forget(request_http(request)->focus, view.name, "user_disabled");
	buf_done(&list);
	document_free(document);
	if (err)
		return fail(request, err);
	reply_user(request, user);
	return 0;
}

int user_remove(struct request *request)
{
	char name[USER_NAME_MAX + 1];
	struct user_view view;
	struct user *user;
	int err = user_to_change(request, &user, &view);

	if (err)
		return err;
	slice_cstr(view.name, name, sizeof(name));
	err = users_delete(users_of(request), user);
	if (!err)
		focus_user_deleted(request_http(request)->focus, slice_of(name));
	return err;
}
