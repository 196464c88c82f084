/* tests/support/fake_store.c */
#include "tests/support/fake_store.h"

#include <string.h>

#include "base/err.h"
#include "base/slice.h"

static struct store_room *find(struct store *store, const char *id)
{
	for (uint32_t i = 0; i < store->room_count; i++)
		if (!strcmp(store->rooms[i].id, id))
			return &store->rooms[i];
	return NULL;
}

int store_rooms_load(struct store *store, void (*on_room)(void *arg, const struct store_room *room),
		     void *arg)
{
	for (uint32_t i = 0; i < store->room_count; i++)
		on_room(arg, &store->rooms[i]);
	return store->fail;
}

int store_room_put_post(struct store *store, const struct store_room *room)
{
	struct store_room *row = find(store, room->id);

	store->puts++;
	if (store->fail)
		return store->fail;
	if (!row && store->room_count == FAKE_STORE_ROWS_MAX)
		return ERR_STORE_FULL;
	if (!row)
		row = &store->rooms[store->room_count++];
	*row = *room;
	return 0;
}

int store_room_delete_post(struct store *store, const char *id)
{
	struct store_room *row = find(store, id);

	store->deletes++;
	if (store->fail)
		return store->fail;
	if (row)
		*row = store->rooms[--store->room_count];
	return 0;
}

int store_users_load(struct store *store, void (*on_user)(void *arg, const struct store_user *user),
		     void *arg)
{
	for (uint32_t i = 0; i < store->user_count; i++)
		on_user(arg, &store->users[i]);
	return store->fail;
}

static struct store_user *find_user(struct store *store, const char *name)
{
	for (uint32_t i = 0; i < store->user_count; i++)
		if (!strcmp(store->users[i].name, name))
			return &store->users[i];
	return NULL;
}

int store_user_put_post(struct store *store, const struct store_user *user)
{
	struct store_user *row = find_user(store, user->name);

	if (store->fail)
		return store->fail;
	if (!row && store->user_count == FAKE_STORE_ROWS_MAX)
		return ERR_STORE_FULL;
	if (!row)
		row = &store->users[store->user_count++];
	*row = *user;
	return 0;
}

int store_user_delete_post(struct store *store, const char *name)
{
	struct store_user *row = find_user(store, name);

	if (store->fail)
		return store->fail;
	if (row)
		*row = store->users[--store->user_count];
	return 0;
}

int store_call_record_post(struct store *store, const struct store_call_record *record)
{
	if (store->fail)
		return store->fail;
	store->records[store->record_count++ % FAKE_STORE_ROWS_MAX] = *record;
	return 0;
}

static struct fake_item *find_item(struct store *store, const char *kind, const char *name)
{
	for (uint32_t i = 0; i < store->item_count; i++)
		if (!strcmp(store->items[i].kind, kind) && !strcmp(store->items[i].name, name))
			return &store->items[i];
	return NULL;
}

int store_items_load(struct store *store, const char *kind,
		     void (*on_item)(void *arg, const char *name, const char *value), void *arg)
{
	for (uint32_t i = 0; i < store->item_count; i++)
		if (!strcmp(store->items[i].kind, kind))
			on_item(arg, store->items[i].name, store->items[i].value);
	return store->fail;
}

int store_item_put_post(struct store *store, const char *kind, const char *name, const char *value)
{
	struct fake_item *item = find_item(store, kind, name);

	if (store->fail)
		return store->fail;
	if (!item && store->item_count == FAKE_STORE_ROWS_MAX)
		return ERR_STORE_FULL;
	if (!item)
		item = &store->items[store->item_count++];
	slice_cstr(slice_of(kind), item->kind, sizeof(item->kind));
	slice_cstr(slice_of(name), item->name, sizeof(item->name));
	slice_cstr(slice_of(value), item->value, sizeof(item->value));
	return 0;
}

int store_item_delete_post(struct store *store, const char *kind, const char *name)
{
	struct fake_item *item = find_item(store, kind, name);

	if (store->fail)
		return store->fail;
	if (item)
		*item = store->items[--store->item_count];
	return 0;
}

static struct fake_mail *find_mail(struct store *store, const char *id)
{
	for (uint32_t i = 0; i < store->mail_count; i++)
		if (!strcmp(store->mails[i].row.id, id))
			return &store->mails[i];
	return NULL;
}

int store_mails_load(struct store *store, void (*on_mail)(void *arg, const struct store_mail *mail),
		     void *arg)
{
	for (uint32_t i = 0; i < store->mail_count; i++) {
		struct store_mail row = store->mails[i].row;

		row.text = store->mails[i].text;
		on_mail(arg, &row);
	}
	return store->fail;
}

int store_mail_put_post(struct store *store, const struct store_mail *mail)
{
	struct fake_mail *row = find_mail(store, mail->id);

	if (store->fail)
		return store->fail;
	if (!row && store->mail_count == FAKE_STORE_ROWS_MAX)
		return ERR_STORE_FULL;
	if (!row)
		row = &store->mails[store->mail_count++];
	row->row = *mail;
	slice_cstr(slice_of(mail->text), row->text, sizeof(row->text));
	return 0;
}

int store_mail_delete_post(struct store *store, const char *id)
{
	struct fake_mail *row = find_mail(store, id);

	if (store->fail)
		return store->fail;
	if (row)
		*row = store->mails[--store->mail_count];
	return 0;
}

const struct store_call_record *fake_store_last(const struct store *store)
{
	return store->record_count
		       ? &store->records[(store->record_count - 1) % FAKE_STORE_ROWS_MAX]
		       : NULL;
}
