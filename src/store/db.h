/* store/db.h -- private: the SQL half of the store, on whatever thread calls it (one at a time).
 *
 * Errors: ERR_STORE_FULL (disk or quota), ERR_STORE_FAILED (worth another try), -EINVAL (the
 * database refuses this row, and will again), -ENOMEM. After each db_error has SQLite's words.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct db;

enum { DB_ERROR_MAX = 256 };

/* Opens or creates, checks that the file is ours, migrates. On failure `reterr_text` has a sentence
 * with the path in it. */
int db_open(const char *path, struct db **ret_db, char reterr_text[DB_ERROR_MAX]);
struct db *db_close(struct db *db); /* accepts NULL; returns NULL */

const char *db_error(const struct db *db);

/* True when `path` no longer leads to the file that is open. */
bool db_is_moved(const struct db *db);

int db_begin(struct db *db);
int db_commit(struct db *db);
void db_rollback(struct db *db); /* harmless outside a transaction */

int db_room_put(struct db *db, const struct store_room *room);
int db_room_delete(struct db *db, const char *id);
int db_user_put(struct db *db, const struct store_user *user);
int db_user_delete(struct db *db, const char *name);
int db_record_add(struct db *db, const struct store_call_record *record);
int db_records_trim(struct db *db, uint64_t records_max);

int db_rooms_each(struct db *db, void (*on_room)(void *arg, const struct store_room *room),
		  void *arg);

int db_mail_put(struct db *db, const struct store_mail *mail);
int db_mail_delete(struct db *db, const char *id);
int db_mails_each(struct db *db, void (*on_mail)(void *arg, const struct store_mail *mail),
		  void *arg);

int db_item_put(struct db *db, const char *kind, const char *name, const char *value);
int db_item_delete(struct db *db, const char *kind, const char *name);
int db_items_each(struct db *db, const char *kind,
		  void (*on_item)(void *arg, const char *name, const char *value), void *arg);
int db_users_each(struct db *db, void (*on_user)(void *arg, const struct store_user *user),
		  void *arg);

/* Up to `limit` rows into `rows`; see store_call_records_post. */
struct db_records_query {
	char room[STORE_ID_MAX + 1]; /* "": all rooms */
	uint64_t before_id;
	uint32_t limit;
};
int db_records_read(struct db *db, const struct db_records_query *query,
		    struct store_call_record_row *rows, uint32_t *ret_count);

/* Tests: the database may grow to so many pages (0: as it likes), as if the disk ended there. */
int db_limit_pages(struct db *db, uint32_t pages);

#endif
