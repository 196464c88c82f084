/* store/db.c -- schema, migrations and statements.
 *
 * WAL with synchronous=NORMAL: a crash of the process loses nothing that was committed, a crash of
 * the machine at most the last moments; in exchange a commit does not wait for the platter.
 */
#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "base/err.h"

enum { BUSY_TIMEOUT_MS = 2000, APPLICATION_ID = 0x48525448 /* "HRTH" */ };

/* Row i brings a file of version i to version i + 1. Rows are only ever added. */
static const char *const migrations[] = {
	"CREATE TABLE rooms ("
	" id TEXT PRIMARY KEY NOT NULL,"
	" is_locked INTEGER NOT NULL,"
	" is_muted INTEGER NOT NULL,"
	" participants_max INTEGER NOT NULL,"
	" created_wall_ms INTEGER NOT NULL"
	") WITHOUT ROWID;"
	"CREATE TABLE call_records ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" room TEXT NOT NULL, participant TEXT NOT NULL,"
	" uri TEXT NOT NULL, display_name TEXT NOT NULL, call_id TEXT NOT NULL,"
	" is_outgoing INTEGER NOT NULL,"
	" started_wall_ms INTEGER NOT NULL,"
	" answered_wall_ms INTEGER NOT NULL,"
	" ended_wall_ms INTEGER NOT NULL,"
	" status INTEGER NOT NULL, end_cause TEXT NOT NULL,"
	" rx_packets INTEGER NOT NULL, rx_lost INTEGER NOT NULL, tx_packets INTEGER NOT NULL,"
	" jitter_us INTEGER NOT NULL, mos_x100 INTEGER NOT NULL"
	");"
	"CREATE INDEX call_records_by_room ON call_records (room, id);",
	"CREATE TABLE items ("
	" kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,"
	" PRIMARY KEY (kind, name)"
	") WITHOUT ROWID;",
	"CREATE TABLE users ("
	" name TEXT PRIMARY KEY NOT NULL,"
	" realm TEXT NOT NULL,"
	" ha1_md5 TEXT NOT NULL, ha1_sha256 TEXT NOT NULL, ha1_sha512_256 TEXT NOT NULL,"
	" display_name TEXT NOT NULL, aliases TEXT NOT NULL,"
	" is_enabled INTEGER NOT NULL, may_dial_out INTEGER NOT NULL,"
	" may_refer_out INTEGER NOT NULL, may_create_rooms INTEGER NOT NULL,"
	" created_wall_ms INTEGER NOT NULL"
	") WITHOUT ROWID;",
	"ALTER TABLE rooms ADD COLUMN is_lobby INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE rooms ADD COLUMN waits_for_moderator INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE rooms ADD COLUMN ends_with_moderator INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE rooms ADD COLUMN has_tones INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE rooms ADD COLUMN pin TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE rooms ADD COLUMN moderator_pin TEXT NOT NULL DEFAULT '';",
	"ALTER TABLE rooms ADD COLUMN are_guests_muted INTEGER NOT NULL DEFAULT 0;",
	"ALTER TABLE rooms ADD COLUMN has_names INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE rooms ADD COLUMN language TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE rooms ADD COLUMN duration_max_s INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE rooms ADD COLUMN opens_wall_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE rooms ADD COLUMN closes_wall_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE rooms ADD COLUMN has_begun INTEGER NOT NULL DEFAULT 0;",
	"ALTER TABLE rooms ADD COLUMN codecs TEXT NOT NULL DEFAULT '';",
	"ALTER TABLE rooms ADD COLUMN record INTEGER NOT NULL DEFAULT 0;",
	"ALTER TABLE rooms ADD COLUMN loudest INTEGER NOT NULL DEFAULT -1;"
	"ALTER TABLE rooms ADD COLUMN noise_gate_dbov INTEGER NOT NULL DEFAULT 0;",
	"CREATE TABLE mails ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" id TEXT NOT NULL UNIQUE,"
	" mailbox TEXT NOT NULL, kind TEXT NOT NULL,"
	" sender TEXT NOT NULL, sender_name TEXT NOT NULL, subject TEXT NOT NULL,"
	" recording TEXT NOT NULL, text TEXT NOT NULL,"
	" received_wall_ms INTEGER NOT NULL, length_ms INTEGER NOT NULL,"
	" is_urgent INTEGER NOT NULL, is_read INTEGER NOT NULL"
	");",
	"ALTER TABLE rooms ADD COLUMN sound INTEGER NOT NULL DEFAULT 0;",
	"ALTER TABLE rooms ADD COLUMN has_denoise INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE rooms ADD COLUMN has_auto_level INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE rooms ADD COLUMN has_inband_dtmf INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE rooms ADD COLUMN passes_dtmf INTEGER NOT NULL DEFAULT 0;"
	"UPDATE rooms SET has_denoise = sound & 1, has_auto_level = sound >> 1 & 1,"
	" has_inband_dtmf = sound >> 2 & 1, passes_dtmf = sound >> 3 & 1;"
	"ALTER TABLE rooms DROP COLUMN sound;",
	"ALTER TABLE rooms ADD COLUMN has_music INTEGER NOT NULL DEFAULT 0;",
	"ALTER TABLE rooms ADD COLUMN owner TEXT NOT NULL DEFAULT '';",
};

enum statement {
	BEGIN,
	COMMIT,
	ROOM_PUT,
	ROOM_DELETE,
	USER_PUT,
	USER_DELETE,
	USERS_ALL,
	RECORD_ADD,
	RECORDS_TRIM,
	ROOMS_ALL,
	RECORDS_ALL,
	RECORDS_OF_ROOM,
	MAIL_PUT,
	MAIL_DELETE,
	MAILS_ALL,
	ITEM_PUT,
	ITEM_DELETE,
	ITEMS_OF_KIND,
	STATEMENT_COUNT
};

/* Of a room: id, created_wall_ms, has_begun, and every setting by the name of its member. */
enum { ROOM_SETTINGS_AT = 3 };
static const char room_put[] = "INSERT OR REPLACE INTO rooms (id, created_wall_ms, has_begun"
#define SETTING(type, member, name, min, max, words, help, shown) ", " #member
#include "settings/room.inc"
			       ") VALUES (?, ?, ?"
#define SETTING(type, member, name, min, max, words, help, shown) ", ?"
#include "settings/room.inc"
			       ")";
static const char rooms_all[] = "SELECT id, created_wall_ms, has_begun"
#define SETTING(type, member, name, min, max, words, help, shown) ", " #member
#include "settings/room.inc"
				" FROM rooms ORDER BY id";

#define RECORD_COLUMNS                                                                             \
	"room, participant, uri, display_name, call_id, is_outgoing, started_wall_ms, "            \
	"answered_wall_ms, ended_wall_ms, status, end_cause, rx_packets, rx_lost, tx_packets, "    \
	"jitter_us, mos_x100"

#define MAIL_COLUMNS                                                                               \
	"id, mailbox, kind, sender, sender_name, subject, recording, text, received_wall_ms, "     \
	"length_ms, is_urgent, is_read"

#define USER_COLUMNS                                                                               \
	"name, realm, ha1_md5, ha1_sha256, ha1_sha512_256, display_name, aliases, is_enabled, "    \
	"may_dial_out, may_refer_out, may_create_rooms, created_wall_ms"

static const char *const statements[STATEMENT_COUNT] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROOM_PUT] = room_put,
	[ROOM_DELETE] = "DELETE FROM rooms WHERE id = ?1",
	[USER_PUT] = "INSERT OR REPLACE INTO users (" USER_COLUMNS ") VALUES"
		     " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
	[USER_DELETE] = "DELETE FROM users WHERE name = ?1",
	[USERS_ALL] = "SELECT " USER_COLUMNS " FROM users ORDER BY name",
	[RECORD_ADD] = "INSERT INTO call_records (" RECORD_COLUMNS ") VALUES"
		       " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
	[RECORDS_TRIM] =
		"DELETE FROM call_records WHERE id <= (SELECT max(id) FROM call_records) - ?1",
	[ROOMS_ALL] = rooms_all,
	[RECORDS_ALL] = "SELECT id, " RECORD_COLUMNS " FROM call_records WHERE id < ?1"
			" ORDER BY id DESC LIMIT ?2",
	[RECORDS_OF_ROOM] = "SELECT id, " RECORD_COLUMNS " FROM call_records WHERE id < ?1"
			    " AND room = ?3 ORDER BY id DESC LIMIT ?2",
	[MAIL_PUT] = "INSERT INTO mails (" MAIL_COLUMNS ") VALUES"
		     " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
		     " ON CONFLICT (id) DO UPDATE SET is_urgent = ?11, is_read = ?12",
	[MAIL_DELETE] = "DELETE FROM mails WHERE id = ?1",
	[MAILS_ALL] = "SELECT " MAIL_COLUMNS " FROM mails ORDER BY number",
	[ITEM_PUT] = "INSERT OR REPLACE INTO items (kind, name, value) VALUES (?1, ?2, ?3)",
	[ITEM_DELETE] = "DELETE FROM items WHERE kind = ?1 AND name = ?2",
	[ITEMS_OF_KIND] = "SELECT name, value FROM items WHERE kind = ?1 ORDER BY name",
};

struct db {
	sqlite3 *sqlite;
	sqlite3_stmt *stmts[STATEMENT_COUNT]; /* made at open, freed at close */
	char *path;
	bool is_file; /* not ":memory:" */
	dev_t dev;
	ino_t ino;
	char error[DB_ERROR_MAX];
};

/* The one place where SQLite's codes become ours. */
static int translate(int extended_rc)
{
	switch (extended_rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return ERR_STORE_FULL;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CONSTRAINT:
	case SQLITE_TOOBIG:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
		return -EINVAL;
	default: /* on a full disk the index of the WAL cannot grow either */
		return extended_rc == SQLITE_IOERR_SHMSIZE ? ERR_STORE_FULL : ERR_STORE_FAILED;
	}
}

static int failed(struct db *db, int rc)
{
	int err = translate(rc);

	if (err)
		(void)snprintf(db->error, sizeof(db->error), "%s", sqlite3_errmsg(db->sqlite));
	return err;
}

const char *db_error(const struct db *db)
{
	return db->error;
}

static int exec(struct db *db, const char *sql)
{
	return failed(db, sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL));
}

static int read_number(struct db *db, const char *sql, int64_t *ret_number)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL);
	int err;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret_number = sqlite3_column_int64(stmt, 0);
	err = failed(db, rc);
	(void)sqlite3_finalize(stmt);
	return err;
}

/* Runs a statement that gives no rows. */
static int run(struct db *db, enum statement which)
{
	sqlite3_stmt *stmt = db->stmts[which];
	int err = failed(db, sqlite3_step(stmt));

	(void)sqlite3_reset(stmt); /* repeats the error of step */
	(void)sqlite3_clear_bindings(stmt);
	return err;
}

static void bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	(void)sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC); /* lives until the reset */
}

static void bind_int(sqlite3_stmt *stmt, int at, uint64_t number)
{
	(void)sqlite3_bind_int64(stmt, at, (int64_t)number);
}

int db_begin(struct db *db)
{
	return run(db, BEGIN);
}

int db_commit(struct db *db)
{
	return run(db, COMMIT);
}

void db_rollback(struct db *db)
{
	/* SQLite has rolled back by itself after some errors. */
	if (!sqlite3_get_autocommit(db->sqlite))
		(void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

int db_room_put(struct db *db, const struct store_room *room)
{
	sqlite3_stmt *stmt = db->stmts[ROOM_PUT];
	const struct room_setting *setting;

	bind_text(stmt, 1, room->id);
	bind_int(stmt, 2, room->created_wall_ms);
	bind_int(stmt, 3, room->has_begun);
	for (int i = 0; (setting = room_setting_at((size_t)i)) != NULL; i++) {
		int at = ROOM_SETTINGS_AT + i + 1;

		if (room_setting_is_text(setting))
			bind_text(stmt, at, room_setting_text(&room->settings, setting));
		else
			bind_int(stmt, at, (uint64_t)room_setting_number(&room->settings, setting));
	}
	return run(db, ROOM_PUT);
}

int db_room_delete(struct db *db, const char *id)
{
	bind_text(db->stmts[ROOM_DELETE], 1, id);
	return run(db, ROOM_DELETE);
}

int db_user_put(struct db *db, const struct store_user *user)
{
	sqlite3_stmt *stmt = db->stmts[USER_PUT];

	bind_text(stmt, 1, user->name);
	bind_text(stmt, 2, user->realm);
	bind_text(stmt, 3, user->ha1_md5);
	bind_text(stmt, 4, user->ha1_sha256);
	bind_text(stmt, 5, user->ha1_sha512_256);
	bind_text(stmt, 6, user->display_name);
	bind_text(stmt, 7, user->aliases);
	bind_int(stmt, 8, user->is_enabled);
	bind_int(stmt, 9, user->may_dial_out);
	bind_int(stmt, 10, user->may_refer_out);
	bind_int(stmt, 11, user->may_create_rooms);
	bind_int(stmt, 12, user->created_wall_ms);
	return run(db, USER_PUT);
}

int db_user_delete(struct db *db, const char *name)
{
	bind_text(db->stmts[USER_DELETE], 1, name);
	return run(db, USER_DELETE);
}

int db_record_add(struct db *db, const struct store_call_record *record)
{
	sqlite3_stmt *stmt = db->stmts[RECORD_ADD];

	bind_text(stmt, 1, record->room);
	bind_text(stmt, 2, record->participant);
	bind_text(stmt, 3, record->uri);
	bind_text(stmt, 4, record->display_name);
	bind_text(stmt, 5, record->call_id);
	bind_int(stmt, 6, record->is_outgoing);
	bind_int(stmt, 7, record->started_wall_ms);
	bind_int(stmt, 8, record->answered_wall_ms);
	bind_int(stmt, 9, record->ended_wall_ms);
	bind_int(stmt, 10, record->status);
	bind_text(stmt, 11, record->end_cause);
	bind_int(stmt, 12, record->rx_packets);
	bind_int(stmt, 13, record->rx_lost);
	bind_int(stmt, 14, record->tx_packets);
	bind_int(stmt, 15, record->jitter_us);
	bind_int(stmt, 16, record->mos_x100);
	return run(db, RECORD_ADD);
}

int db_records_trim(struct db *db, uint64_t records_max)
{
	bind_int(db->stmts[RECORDS_TRIM], 1, records_max);
	return run(db, RECORDS_TRIM);
}

static void column_text(sqlite3_stmt *stmt, int at, char *out, size_t cap)
{
	const unsigned char *text = sqlite3_column_text(stmt, at);

	(void)snprintf(out, cap, "%s", text ? (const char *)text : "");
}

static uint64_t column_int(sqlite3_stmt *stmt, int at)
{
	return (uint64_t)sqlite3_column_int64(stmt, at);
}

static void read_room(sqlite3_stmt *stmt, struct store_room *room)
{
	const struct room_setting *setting;

	*room = (struct store_room){.created_wall_ms = column_int(stmt, 1),
				    .has_begun = column_int(stmt, 2) != 0};
	column_text(stmt, 0, room->id, sizeof(room->id));
	for (int i = 0; (setting = room_setting_at((size_t)i)) != NULL; i++) {
		int at = ROOM_SETTINGS_AT + i;

		if (room_setting_is_text(setting))
			room_setting_set_text(
				&room->settings, setting,
				slice_of((const char *)sqlite3_column_text(stmt, at)));
		else
			room_setting_set_number(&room->settings, setting,
						sqlite3_column_int64(stmt, at));
	}
}

int db_rooms_each(struct db *db, void (*on_room)(void *arg, const struct store_room *room),
		  void *arg)
{
	sqlite3_stmt *stmt = db->stmts[ROOMS_ALL];
	struct store_room room;
	int rc, err;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		read_room(stmt, &room);
		on_room(arg, &room);
	}
	err = failed(db, rc);
	(void)sqlite3_reset(stmt);
	return err;
}

int db_mail_put(struct db *db, const struct store_mail *mail)
{
	sqlite3_stmt *stmt = db->stmts[MAIL_PUT];

	bind_text(stmt, 1, mail->id);
	bind_text(stmt, 2, mail->mailbox);
	bind_text(stmt, 3, mail->kind);
	bind_text(stmt, 4, mail->from);
	bind_text(stmt, 5, mail->from_name);
	bind_text(stmt, 6, mail->subject);
	bind_text(stmt, 7, mail->recording);
	bind_text(stmt, 8, mail->text);
	bind_int(stmt, 9, mail->received_wall_ms);
	bind_int(stmt, 10, mail->length_ms);
	bind_int(stmt, 11, mail->is_urgent);
	bind_int(stmt, 12, mail->is_read);
	return run(db, MAIL_PUT);
}

int db_mail_delete(struct db *db, const char *id)
{
	bind_text(db->stmts[MAIL_DELETE], 1, id);
	return run(db, MAIL_DELETE);
}

static void read_mail(sqlite3_stmt *stmt, struct store_mail *mail)
{
	const unsigned char *text = sqlite3_column_text(stmt, 7);

	*mail = (struct store_mail){
		.text = text ? (const char *)text : "",
		.received_wall_ms = column_int(stmt, 8),
		.length_ms = column_int(stmt, 9),
		.is_urgent = column_int(stmt, 10) != 0,
		.is_read = column_int(stmt, 11) != 0,
	};
	column_text(stmt, 0, mail->id, sizeof(mail->id));
	column_text(stmt, 1, mail->mailbox, sizeof(mail->mailbox));
	column_text(stmt, 2, mail->kind, sizeof(mail->kind));
	column_text(stmt, 3, mail->from, sizeof(mail->from));
	column_text(stmt, 4, mail->from_name, sizeof(mail->from_name));
	column_text(stmt, 5, mail->subject, sizeof(mail->subject));
	column_text(stmt, 6, mail->recording, sizeof(mail->recording));
}

int db_mails_each(struct db *db, void (*on_mail)(void *arg, const struct store_mail *mail),
		  void *arg)
{
	sqlite3_stmt *stmt = db->stmts[MAILS_ALL];
	struct store_mail mail;
	int rc, err;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		read_mail(stmt, &mail);
		on_mail(arg, &mail);
	}
	err = failed(db, rc);
	(void)sqlite3_reset(stmt);
	return err;
}

int db_item_put(struct db *db, const char *kind, const char *name, const char *value)
{
	sqlite3_stmt *stmt = db->stmts[ITEM_PUT];

	bind_text(stmt, 1, kind);
	bind_text(stmt, 2, name);
	bind_text(stmt, 3, value);
	return run(db, ITEM_PUT);
}

int db_item_delete(struct db *db, const char *kind, const char *name)
{
	sqlite3_stmt *stmt = db->stmts[ITEM_DELETE];

	bind_text(stmt, 1, kind);
	bind_text(stmt, 2, name);
	return run(db, ITEM_DELETE);
}

int db_items_each(struct db *db, const char *kind,
		  void (*on_item)(void *arg, const char *name, const char *value), void *arg)
{
	sqlite3_stmt *stmt = db->stmts[ITEMS_OF_KIND];
	int rc, err;

	bind_text(stmt, 1, kind);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const unsigned char *name = sqlite3_column_text(stmt, 0);
		const unsigned char *value = sqlite3_column_text(stmt, 1);

		if (name && value)
			on_item(arg, (const char *)name, (const char *)value);
	}
	err = failed(db, rc);
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
	return err;
}

static void read_user(sqlite3_stmt *stmt, struct store_user *user)
{
	*user = (struct store_user){
		.is_enabled = column_int(stmt, 7) != 0,
		.may_dial_out = column_int(stmt, 8) != 0,
		.may_refer_out = column_int(stmt, 9) != 0,
		.may_create_rooms = column_int(stmt, 10) != 0,
		.created_wall_ms = column_int(stmt, 11),
	};
	column_text(stmt, 0, user->name, sizeof(user->name));
	column_text(stmt, 1, user->realm, sizeof(user->realm));
	column_text(stmt, 2, user->ha1_md5, sizeof(user->ha1_md5));
	column_text(stmt, 3, user->ha1_sha256, sizeof(user->ha1_sha256));
	column_text(stmt, 4, user->ha1_sha512_256, sizeof(user->ha1_sha512_256));
	column_text(stmt, 5, user->display_name, sizeof(user->display_name));
	column_text(stmt, 6, user->aliases, sizeof(user->aliases));
}

int db_users_each(struct db *db, void (*on_user)(void *arg, const struct store_user *user),
		  void *arg)
{
	sqlite3_stmt *stmt = db->stmts[USERS_ALL];
	struct store_user user;
	int rc, err;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		read_user(stmt, &user);
		on_user(arg, &user);
	}
	err = failed(db, rc);
	(void)sqlite3_reset(stmt);
	return err;
}

static void read_record(sqlite3_stmt *stmt, struct store_call_record_row *row)
{
	struct store_call_record *record = &row->record;

	memset(row, 0, sizeof(*row));
	row->id = column_int(stmt, 0);
	column_text(stmt, 1, record->room, sizeof(record->room));
	column_text(stmt, 2, record->participant, sizeof(record->participant));
	column_text(stmt, 3, record->uri, sizeof(record->uri));
	column_text(stmt, 4, record->display_name, sizeof(record->display_name));
	column_text(stmt, 5, record->call_id, sizeof(record->call_id));
	record->is_outgoing = column_int(stmt, 6) != 0;
	record->started_wall_ms = column_int(stmt, 7);
	record->answered_wall_ms = column_int(stmt, 8);
	record->ended_wall_ms = column_int(stmt, 9);
	record->status = (uint16_t)column_int(stmt, 10);
	column_text(stmt, 11, record->end_cause, sizeof(record->end_cause));
	record->rx_packets = column_int(stmt, 12);
	record->rx_lost = column_int(stmt, 13);
	record->tx_packets = column_int(stmt, 14);
	record->jitter_us = (uint32_t)column_int(stmt, 15);
	record->mos_x100 = (uint16_t)column_int(stmt, 16);
}

int db_records_read(struct db *db, const struct db_records_query *query,
		    struct store_call_record_row *rows, uint32_t *ret_count)
{
	sqlite3_stmt *stmt = db->stmts[query->room[0] ? RECORDS_OF_ROOM : RECORDS_ALL];
	uint64_t before = query->before_id && query->before_id < INT64_MAX ? query->before_id
									   : INT64_MAX;
	uint32_t count = 0;
	int rc, err;

	bind_int(stmt, 1, before);
	bind_int(stmt, 2, query->limit);
	if (query->room[0])
		bind_text(stmt, 3, query->room);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && count < query->limit)
		read_record(stmt, &rows[count++]);
	err = failed(db, rc);
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
	if (!err)
		*ret_count = count;
	return err;
}

static int migrate_once(struct db *db, int64_t version)
{
	char sql[64];
	int err = db_begin(db);

	if (err)
		return err;
	(void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", (int)version + 1);
	err = exec(db, migrations[version]);
	if (!err)
		err = exec(db, sql);
	if (!err)
		err = db_commit(db);
	if (err)
		db_rollback(db);
	return err;
}

/* A file that others made, or a later version of us, is not touched. */
static int check_owner(struct db *db, int64_t *ret_version)
{
	int64_t id = 0, version = 0, tables = 0;
	int err = read_number(db, "PRAGMA application_id", &id);

	if (!err)
		err = read_number(db, "PRAGMA user_version", &version);
	if (!err)
		err = read_number(db, "SELECT count(*) FROM sqlite_master", &tables);
	if (err)
		return err;
	if (id != APPLICATION_ID && (id != 0 || tables > 0)) {
		(void)snprintf(db->error, sizeof(db->error), "belongs to another program");
		return ERR_STORE_FAILED;
	}
	if (version < 0 || version > (int64_t)ARRAY_LEN(migrations)) {
		(void)snprintf(
			db->error, sizeof(db->error),
			"was written by a newer version of hearthd (format %d, this one knows %d)",
			(int)version, (int)ARRAY_LEN(migrations));
		return ERR_STORE_FAILED;
	}
	*ret_version = version;
	return 0;
}

/* Prepares every statement; BEGIN and COMMIT are wanted before there are tables. */
static int prepare(struct db *db, enum statement first, enum statement end)
{
	int err = 0;

	for (enum statement i = first; i < end && !err; i++)
		err = failed(db,
			     sqlite3_prepare_v3(db->sqlite, statements[i], -1,
						SQLITE_PREPARE_PERSISTENT, &db->stmts[i], NULL));
	return err;
}

static int set_up(struct db *db)
{
	char sql[64];
	int64_t version;
	int err = check_owner(db, &version);

	if (err)
		return err;
	(void)snprintf(sql, sizeof(sql), "PRAGMA application_id = %d", APPLICATION_ID);
	err = exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
	if (!err && version == 0)
		err = exec(db, sql);
	if (!err)
		err = prepare(db, BEGIN, ROOM_PUT);
	for (; !err && version < (int64_t)ARRAY_LEN(migrations); version++)
		err = migrate_once(db, version);
	return err ? err : prepare(db, ROOM_PUT, STATEMENT_COUNT);
}

static void remember_file(struct db *db)
{
	struct stat st;

	db->is_file = strcmp(db->path, ":memory:") != 0 && stat(db->path, &st) == 0;
	if (db->is_file) {
		db->dev = st.st_dev;
		db->ino = st.st_ino;
	}
}

bool db_is_moved(const struct db *db)
{
	struct stat st;

	return db->is_file &&
	       (stat(db->path, &st) != 0 || st.st_dev != db->dev || st.st_ino != db->ino);
}

int db_open(const char *path, struct db **ret_db, char reterr_text[DB_ERROR_MAX])
{
	struct db *db = calloc(1, sizeof(*db));
	int err = -ENOMEM;
	int rc;

	if (!db)
		goto fail;
	db->path = strdup(path);
	if (!db->path)
		goto fail;
	rc = sqlite3_open_v2(path, &db->sqlite,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
			     NULL);
	if (!db->sqlite)
		goto fail;
	err = failed(db, rc);
	if (err)
		goto fail;
	(void)sqlite3_extended_result_codes(db->sqlite, 1);
	(void)sqlite3_busy_timeout(db->sqlite, BUSY_TIMEOUT_MS);
	err = set_up(db);
	if (err)
		goto fail;
	remember_file(db);
	*ret_db = db;
	return 0;

fail:
	(void)snprintf(reterr_text, DB_ERROR_MAX, "%.160s: %.90s", path,
		       db && db->error[0] ? db->error : err_text(err));
	db_close(db);
	return err;
}

struct db *db_close(struct db *db)
{
	if (!db)
		return NULL;
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		(void)sqlite3_finalize(db->stmts[i]);
	(void)sqlite3_close(db->sqlite);
	free(db->path);
	free(db);
	return NULL;
}

int db_limit_pages(struct db *db, uint32_t pages)
{
	char sql[64];

	/* 0 would leave the limit as it is. */
	(void)snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %u", pages ? pages : 1073741823);
	return exec(db, sql);
}
