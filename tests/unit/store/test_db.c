#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/db.h"
#include "tests/support/check.h"
#include "tests/unit/store/scratch.h"

struct seen {
	uint32_t count;
	struct store_room rooms[8];
};

static void on_room(void *arg, const struct store_room *room)
{
	struct seen *seen = arg;

	if (seen->count < ARRAY_LEN(seen->rooms))
		seen->rooms[seen->count] = *room;
	seen->count++;
}

static struct db *open_or_fail(const struct scratch *scratch)
{
	char text[DB_ERROR_MAX] = "";
	struct db *db = NULL;

	CHECK_INT("open", db_open(scratch->db, &db, text), 0);
	CHECK_STR("open", text, "");
	return db;
}

struct seen_users {
	uint32_t count;
	struct store_user users[4];
};

static void on_user(void *arg, const struct store_user *user)
{
	struct seen_users *seen = arg;

	if (seen->count < ARRAY_LEN(seen->users))
		seen->users[seen->count] = *user;
	seen->count++;
}

static void users_are_kept(void)
{
	struct scratch scratch = scratch_new();
	struct db *db = open_or_fail(&scratch);
	struct store_user bob = {.name = "bob",
				 .realm = "example.com",
				 .ha1_md5 = "00",
				 .ha1_sha256 = "11",
				 .ha1_sha512_256 = "22",
				 .display_name = "Bob",
				 .aliases = "200,201",
				 .is_enabled = true,
				 .may_refer_out = true,
				 .created_wall_ms = 1234567890123},
			  alice = {.name = "alice", .may_dial_out = true, .may_create_rooms = true};
	struct seen_users seen = {0};

	CHECK_INT(NULL, db_user_put(db, &alice), 0);
	CHECK_INT(NULL, db_user_put(db, &bob), 0);
	bob.may_refer_out = false;
	CHECK_INT("again: changes", db_user_put(db, &bob), 0);
	CHECK_INT("unknown is no mistake", db_user_delete(db, "carol"), 0);
	db_close(db);

	db = open_or_fail(&scratch);
	CHECK_INT(NULL, db_users_each(db, on_user, &seen), 0);
	CHECK_INT(NULL, seen.count, 2);
	CHECK("in order", memcmp(&seen.users[0], &alice, sizeof(alice)) == 0);
	CHECK("every field", memcmp(&seen.users[1], &bob, sizeof(bob)) == 0);
	CHECK_INT(NULL, db_user_delete(db, "bob"), 0);
	seen.count = 0;
	CHECK_INT(NULL, db_users_each(db, on_user, &seen), 0);
	CHECK_INT(NULL, seen.count, 1);
	db_close(db);
	scratch_done(&scratch);
}

/* A file of the version before users had its rooms; it keeps them. */
static void old_files_get_users(void)
{
	struct scratch scratch = scratch_new();
	struct db *db = open_or_fail(&scratch);
	struct store_room room = scratch_room("kept");
	struct store_user user = {.name = "new"};
	struct seen seen = {0};

	CHECK_INT(NULL, db_room_put(db, &room), 0);
	db_close(db);
	scratch_sql(&scratch,
		    "DROP TABLE users; DROP TABLE mails; ALTER TABLE rooms DROP COLUMN has_names;"
		    "ALTER TABLE rooms DROP COLUMN language;"
		    "ALTER TABLE rooms DROP COLUMN duration_max_s;"
		    "ALTER TABLE rooms DROP COLUMN opens_wall_ms;"
		    "ALTER TABLE rooms DROP COLUMN closes_wall_ms;"
		    "ALTER TABLE rooms DROP COLUMN has_begun;"
		    "ALTER TABLE rooms DROP COLUMN record;"
		    "ALTER TABLE rooms DROP COLUMN are_guests_muted;"
		    "ALTER TABLE rooms DROP COLUMN codecs;"
		    "ALTER TABLE rooms DROP COLUMN loudest;"
		    "ALTER TABLE rooms DROP COLUMN noise_gate_dbov;"
		    "ALTER TABLE rooms DROP COLUMN has_denoise;"
		    "ALTER TABLE rooms DROP COLUMN has_auto_level;"
		    "ALTER TABLE rooms DROP COLUMN has_inband_dtmf;"
		    "ALTER TABLE rooms DROP COLUMN passes_dtmf;"
		    "ALTER TABLE rooms DROP COLUMN has_music;"
		    "ALTER TABLE rooms DROP COLUMN owner;"
		    "ALTER TABLE rooms DROP COLUMN is_lobby;"
		    "ALTER TABLE rooms DROP COLUMN waits_for_moderator;"
		    "ALTER TABLE rooms DROP COLUMN ends_with_moderator;"
		    "ALTER TABLE rooms DROP COLUMN has_tones; ALTER TABLE rooms DROP COLUMN pin;"
		    "ALTER TABLE rooms DROP COLUMN moderator_pin; PRAGMA user_version = 2");
	db = open_or_fail(&scratch);
	CHECK_INT("there are users now", db_user_put(db, &user), 0);
	CHECK_INT(NULL, db_rooms_each(db, on_room, &seen), 0);
	CHECK_INT("and the room", seen.count, 1);
	db_close(db);
	scratch_done(&scratch);
}

/* What is done to the sound was a set of bits once. */
static void old_files_keep_their_sound(void)
{
	struct scratch scratch = scratch_new();
	struct db *db = open_or_fail(&scratch);
	struct store_room room = scratch_room("kept");
	struct seen seen = {0};

	CHECK_INT(NULL, db_room_put(db, &room), 0);
	db_close(db);
	scratch_sql(&scratch, "ALTER TABLE rooms DROP COLUMN has_denoise;"
			      "ALTER TABLE rooms DROP COLUMN has_auto_level;"
			      "ALTER TABLE rooms DROP COLUMN has_inband_dtmf;"
			      "ALTER TABLE rooms DROP COLUMN passes_dtmf;"
			      "ALTER TABLE rooms DROP COLUMN has_music;"
			      "ALTER TABLE rooms DROP COLUMN owner;"
			      "ALTER TABLE rooms ADD COLUMN sound INTEGER NOT NULL DEFAULT 0;"
			      "UPDATE rooms SET sound = 9; PRAGMA user_version = 11");
	db = open_or_fail(&scratch);
	CHECK_INT(NULL, db_rooms_each(db, on_room, &seen), 0);
	CHECK("denoise", seen.rooms[0].settings.has_denoise);
	CHECK("no level", !seen.rooms[0].settings.has_auto_level);
	CHECK("no tones", !seen.rooms[0].settings.has_inband_dtmf);
	CHECK("passed on", seen.rooms[0].settings.passes_dtmf);
	CHECK_STR("nobody owns it", seen.rooms[0].settings.owner, "");
	db_close(db);
	scratch_done(&scratch);
}

struct seen_mails {
	uint32_t count;
	struct store_mail mails[4];
	char texts[4][32];
};

static void on_mail(void *arg, const struct store_mail *mail)
{
	struct seen_mails *seen = arg;

	if (seen->count < ARRAY_LEN(seen->mails)) {
		slice_cstr(slice_of(mail->text), seen->texts[seen->count],
			   sizeof(seen->texts[seen->count]));
		seen->mails[seen->count] = *mail;
		seen->mails[seen->count].text = NULL;
	}
	seen->count++;
}

static void mails_are_kept(void)
{
	struct scratch scratch = scratch_new();
	struct db *db = open_or_fail(&scratch);
	struct seen_mails seen = {0};
	struct store_mail first, second;

	memset(&first, 0, sizeof(first)); /* compared octet by octet */
	(void)snprintf(first.id, sizeof(first.id), "z");
	(void)snprintf(first.mailbox, sizeof(first.mailbox), "anna");
	(void)snprintf(first.kind, sizeof(first.kind), "voice");
	(void)snprintf(first.from, sizeof(first.from), "sip:bert@example.org");
	(void)snprintf(first.from_name, sizeof(first.from_name), "Bert");
	(void)snprintf(first.subject, sizeof(first.subject), "hi");
	(void)snprintf(first.recording, sizeof(first.recording), "r1");
	first.received_wall_ms = 1795376783123;
	first.length_ms = 4000;
	first.is_urgent = true;
	first.text = "one\ntwo";
	second = first;
	(void)snprintf(second.id, sizeof(second.id), "a");
	CHECK_INT(NULL, db_mail_put(db, &first), 0);
	CHECK_INT(NULL, db_mail_put(db, &second), 0);
	first.is_read = true;
	CHECK_INT("changed", db_mail_put(db, &first), 0);
	db_close(db);
	db = open_or_fail(&scratch);
	CHECK_INT(NULL, db_mails_each(db, on_mail, &seen), 0);
	CHECK_INT("both", seen.count, 2);
	CHECK_STR("the text", seen.texts[0], "one\ntwo");
	first.text = NULL;
	CHECK("in the order of coming, every field",
	      memcmp(&seen.mails[0], &first, sizeof(first)) == 0);
	CHECK_INT(NULL, db_mail_delete(db, "z"), 0);
	seen.count = 0;
	CHECK_INT(NULL, db_mails_each(db, on_mail, &seen), 0);
	CHECK_INT("one", seen.count, 1);
	CHECK_STR("the other", seen.mails[0].id, "a");
	db_close(db);
	scratch_done(&scratch);
}

/* Everything is set, and no two settings of a type alike. */
static void fill(struct room_settings *settings)
{
	const struct room_setting *setting;
	char text[16];

	for (int i = 0; (setting = room_setting_at((size_t)i)) != NULL; i++) {
		(void)snprintf(text, sizeof(text), "t%d", i);
		if (room_setting_is_text(setting))
			room_setting_set_text(settings, setting, slice_of(text));
		else if (setting->type == SETTING_FLAG)
			room_setting_set_number(settings, setting, i % 2);
		else
			room_setting_set_number(settings, setting,
						setting->type == SETTING_LEVEL ? -i - 1 : i + 1);
	}
}

static void rooms_are_kept(void)
{
	struct scratch scratch = scratch_new();
	struct db *db = open_or_fail(&scratch);
	struct store_room room = scratch_room("b"), room_c;
	struct seen seen = {0};

	CHECK_INT(NULL, db_room_put(db, &room), 0);
	room = scratch_room("a");
	CHECK_INT(NULL, db_room_put(db, &room), 0);
	fill(&room.settings);
	room.has_begun = true;
	CHECK_INT("again: changes", db_room_put(db, &room), 0);
	room_c = scratch_room("c");
	CHECK_INT(NULL, db_room_put(db, &room_c), 0);
	CHECK_INT(NULL, db_room_delete(db, "c"), 0);
	CHECK_INT("unknown is no mistake", db_room_delete(db, "nobody"), 0);
	db_close(db);

	db = open_or_fail(&scratch);
	CHECK_INT(NULL, db_rooms_each(db, on_room, &seen), 0);
	CHECK_INT(NULL, seen.count, 2);
	CHECK_STR(NULL, seen.rooms[0].id, "a");
	CHECK("every setting, anew",
	      room_settings_are_same(&seen.rooms[0].settings, &room.settings));
	CHECK_INT(NULL, seen.rooms[0].has_begun, true);
	CHECK_STR(NULL, seen.rooms[1].id, "b");
	CHECK_INT(NULL, seen.rooms[1].settings.is_locked, true);
	CHECK_INT(NULL, seen.rooms[1].settings.participants_max, 7);
	CHECK_STR(NULL, seen.rooms[1].settings.codecs, "G722,PCMU");
	CHECK_INT(NULL, seen.rooms[1].created_wall_ms, 1234567890123);
	db_close(db);
	scratch_done(&scratch);
}

static void records_come_back_as_they_were(void)
{
	struct scratch scratch = scratch_new();
	struct db *db = open_or_fail(&scratch);
	struct db_records_query query = {.limit = 1};
	struct store_call_record record = scratch_record("r", 1);
	struct store_call_record_row row;
	uint32_t count = 0;

	CHECK_INT(NULL, db_record_add(db, &record), 0);
	CHECK_INT(NULL, db_records_read(db, &query, &row, &count), 0);
	CHECK_INT(NULL, count, 1);
	CHECK_INT(NULL, row.id, 1);
	CHECK_STR(NULL, row.record.room, record.room);
	CHECK_STR(NULL, row.record.participant, record.participant);
	CHECK_STR(NULL, row.record.uri, record.uri);
	CHECK_STR(NULL, row.record.display_name, record.display_name);
	CHECK_STR(NULL, row.record.call_id, record.call_id);
	CHECK_INT(NULL, row.record.is_outgoing, record.is_outgoing);
	CHECK_INT(NULL, row.record.started_wall_ms, record.started_wall_ms);
	CHECK_INT(NULL, row.record.answered_wall_ms, record.answered_wall_ms);
	CHECK_INT(NULL, row.record.ended_wall_ms, record.ended_wall_ms);
	CHECK_INT(NULL, row.record.status, record.status);
	CHECK_STR(NULL, row.record.end_cause, record.end_cause);
	CHECK_INT(NULL, row.record.rx_packets, record.rx_packets);
	CHECK_INT(NULL, row.record.rx_lost, record.rx_lost);
	CHECK_INT(NULL, row.record.tx_packets, record.tx_packets);
	CHECK_INT(NULL, row.record.jitter_us, record.jitter_us);
	CHECK_INT(NULL, row.record.mos_x100, record.mos_x100);
	db_close(db);
	scratch_done(&scratch);
}

static void pages_of_records(void)
{
	static const struct {
		const char *name;
		struct db_records_query query;
		uint64_t ids[4]; /* 0 ends */
	} rows[] = {
		{"newest first", {.limit = 3}, {6, 5, 4}},
		{"older than", {.before_id = 3, .limit = 3}, {2, 1}},
		{"of a room", {.room = "odd", .limit = 3}, {5, 3, 1}},
		{"of a room, older than", {.room = "odd", .before_id = 5, .limit = 1}, {3}},
		{"of no room", {.room = "none", .limit = 3}, {0}},
		{"beyond any id", {.before_id = UINT64_MAX, .limit = 1}, {6}},
	};
	struct scratch scratch = scratch_new();
	struct db *db = open_or_fail(&scratch);

	for (unsigned i = 1; i <= 6; i++) {
		struct store_call_record record = scratch_record(i % 2 ? "odd" : "even", i);

		CHECK_INT(NULL, db_record_add(db, &record), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct store_call_record_row found[3];
		uint32_t count = 99, want = 0;

		CHECK_INT(rows[i].name, db_records_read(db, &rows[i].query, found, &count), 0);
		while (want < ARRAY_LEN(rows[i].ids) && rows[i].ids[want])
			want++;
		CHECK_INT(rows[i].name, count, want);
		for (uint32_t j = 0; j < count && j < want; j++)
			CHECK_INT(rows[i].name, found[j].id, rows[i].ids[j]);
	}
	CHECK_INT(NULL, db_records_trim(db, 2), 0);
	{
		struct db_records_query all = {.limit = 3};
		struct store_call_record_row found[3];
		uint32_t count = 0;

		CHECK_INT("trimmed", db_records_read(db, &all, found, &count), 0);
		CHECK_INT("trimmed", count, 2);
		CHECK_INT("trimmed", found[1].id, 5);
	}
	db_close(db);
	scratch_done(&scratch);
}

static void full_disk(void)
{
	struct scratch scratch = scratch_new();
	struct db *db = open_or_fail(&scratch);
	struct store_call_record record = scratch_record("r", 1);
	int err = 0;

	CHECK_INT(NULL, db_limit_pages(db, 12), 0);
	for (int i = 0; i < 1000 && !err; i++) {
		CHECK_INT(NULL, db_begin(db), 0);
		for (int j = 0; j < 20 && !err; j++)
			err = db_record_add(db, &record);
		if (!err)
			err = db_commit(db);
	}
	CHECK_INT(NULL, err, ERR_STORE_FULL);
	CHECK_STR(NULL, db_error(db), "database or disk is full");
	db_rollback(db);
	CHECK_INT(NULL, db_limit_pages(db, 0), 0);
	CHECK_INT("room again", db_begin(db), 0);
	CHECK_INT("room again", db_record_add(db, &record), 0);
	CHECK_INT("room again", db_commit(db), 0);
	db_close(db);
	scratch_done(&scratch);
}

static void refuses_what_is_not_ours(void)
{
	static const struct {
		const char *name, *content, *sql, *complaint;
	} rows[] = {
		{"not SQLite",
		 "this is some other file, long enough to have a header of its own.....", NULL,
		 "file is not a database"},
		{"another program's", NULL, "CREATE TABLE t (a)", "belongs to another program"},
		{"another program's, marked", NULL, "PRAGMA application_id = 5",
		 "belongs to another program"},
		{"newer", NULL, "PRAGMA application_id = 1213355080; PRAGMA user_version = 99",
		 "was written by a newer version of hearthd (format 99, "},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scratch scratch = scratch_new();
		char text[DB_ERROR_MAX] = "", want[DB_ERROR_MAX];
		struct db *db = NULL;

		if (rows[i].content)
			scratch_write(&scratch, rows[i].content, strlen(rows[i].content));
		if (rows[i].sql)
			scratch_sql(&scratch, rows[i].sql);
		(void)snprintf(want, sizeof(want), "%s: %s", scratch.db, rows[i].complaint);
		CHECK_INT(rows[i].name, db_open(scratch.db, &db, text), ERR_STORE_FAILED);
		CHECK(rows[i].name, slice_starts(slice_of(text), slice_of(want)));
		CHECK(rows[i].name, db == NULL);
		scratch_done(&scratch);
	}
}

static void damaged_file(void)
{
	struct scratch scratch = scratch_new();
	struct db *db = open_or_fail(&scratch);
	char text[DB_ERROR_MAX] = "";
	FILE *file;

	for (unsigned i = 0; i < 50; i++) {
		struct store_call_record record = scratch_record("r", i);

		CHECK_INT(NULL, db_record_add(db, &record), 0);
	}
	db = db_close(db);
	file = fopen(scratch.db, "r+b");
	(void)fseek(file, 100, SEEK_SET); /* behind the header: the page of the schema */
	for (int i = 0; i < 3000; i++)
		(void)fputc(0xff, file);
	(void)fclose(file);
	CHECK_INT(NULL, db_open(scratch.db, &db, text), ERR_STORE_FAILED);
	CHECK(text, strstr(text, "malformed") != NULL);
	scratch_done(&scratch);
}

static void no_such_folder(void)
{
	char text[DB_ERROR_MAX] = "";
	struct db *db = NULL;

	CHECK_INT(NULL, db_open("/nowhere/at/all.db", &db, text), ERR_STORE_FAILED);
	CHECK_STR(NULL, text, "/nowhere/at/all.db: unable to open database file");
}

static void on_item(void *arg, const char *name, const char *value)
{
	buf_addf(arg, "%s=%s;", name, value);
}

static void items_are_kept_by_kind(void)
{
	struct scratch scratch = scratch_new();
	struct db *db = open_or_fail(&scratch);
	struct buf seen = BUF_INIT;

	CHECK_INT(NULL, db_item_put(db, "a", "two", "2"), 0);
	CHECK_INT(NULL, db_item_put(db, "a", "one", "x"), 0);
	CHECK_INT("in its place", db_item_put(db, "a", "one", "1\tand more"), 0);
	CHECK_INT("another kind", db_item_put(db, "b", "one", "b"), 0);
	CHECK_INT(NULL, db_item_put(db, "a", "three", "3"), 0);
	CHECK_INT(NULL, db_item_delete(db, "a", "three"), 0);
	CHECK_INT("unknown is no mistake", db_item_delete(db, "a", "four"), 0);
	db_close(db);

	db = open_or_fail(&scratch);
	CHECK_INT(NULL, db_items_each(db, "a", on_item, &seen), 0);
	CHECK_STR(NULL, seen.p, "one=1\tand more;two=2;");
	buf_done(&seen);
	db_close(db);
	scratch_done(&scratch);
}

static void moved_file_is_noticed(void)
{
	struct scratch scratch = scratch_new();
	struct db *db = open_or_fail(&scratch);

	CHECK(NULL, !db_is_moved(db));
	CHECK_INT(NULL, unlink(scratch.db), 0);
	CHECK(NULL, db_is_moved(db));
	db_close(db);
	scratch_done(&scratch);
}

void suite_db(void)
{
	CHECK_SUITE("db");
	CHECK_TEST(rooms_are_kept);
	CHECK_TEST(users_are_kept);
	CHECK_TEST(mails_are_kept);
	CHECK_TEST(old_files_get_users);
	CHECK_TEST(old_files_keep_their_sound);
	CHECK_TEST(records_come_back_as_they_were);
	CHECK_TEST(pages_of_records);
	CHECK_TEST(full_disk);
	CHECK_TEST(refuses_what_is_not_ours);
	CHECK_TEST(damaged_file);
	CHECK_TEST(no_such_folder);
	CHECK_TEST(items_are_kept_by_kind);
	CHECK_TEST(moved_file_is_noticed);
}
