#include "tests/unit/store/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scratch scratch_new(void)
{
	struct scratch scratch = {.dir = "/tmp/hearth-store-XXXXXX"};

	if (!mkdtemp(scratch.dir)) {
		perror("mkdtemp");
		abort();
	}
	(void)snprintf(scratch.db, sizeof(scratch.db), "%s/hearth.db", scratch.dir);
	return scratch;
}

void scratch_done(struct scratch *scratch)
{
	DIR *dir = opendir(scratch->dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), entry->d_name, 0); /* refuses . and .. */
	if (dir)
		closedir(dir);
	(void)rmdir(scratch->dir);
}

void scratch_write(const struct scratch *scratch, const void *data, size_t len)
{
	FILE *file = fopen(scratch->db, "wb");

	if (!file || fwrite(data, 1, len, file) != len || fclose(file) != 0) {
		perror(scratch->db);
		abort();
	}
}

void scratch_sql(const struct scratch *scratch, const char *sql)
{
	sqlite3 *sqlite = NULL;

	if (sqlite3_open(scratch->db, &sqlite) != SQLITE_OK ||
	    sqlite3_exec(sqlite, sql, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(sqlite));
		abort();
	}
	(void)sqlite3_close(sqlite);
}

struct store_room scratch_room(const char *id)
{
	struct store_room room = {
		.settings = {.is_locked = true, .participants_max = 7, .codecs = "G722,PCMU"},
		.created_wall_ms = 1234567890123,
	};

	(void)snprintf(room.id, sizeof(room.id), "%s", id);
	return room;
}

struct store_call_record scratch_record(const char *room, unsigned number)
{
	struct store_call_record record = {
		.uri = "sip:alice@example.com",
		.display_name = "Al'ice \"A\" \xc3\xa9",
		.call_id = "a@b",
		.is_outgoing = true,
		.started_wall_ms = 1000,
		.answered_wall_ms = 2000,
		.ended_wall_ms = 3000,
		.status = 200,
		.end_cause = "bye",
		.rx_packets = 1ULL << 40,
		.rx_lost = 5,
		.tx_packets = 6,
		.jitter_us = 4000000000U,
		.mos_x100 = 441,
	};

	(void)snprintf(record.room, sizeof(record.room), "%s", room);
	(void)snprintf(record.participant, sizeof(record.participant), "p%u", number);
	return record;
}
