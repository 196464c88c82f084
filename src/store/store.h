/* store/store.h -- what survives a restart: rooms and call records, in SQLite (WAL), on a thread
 * of its own.
 *
 * Writes are posted and never wait; a bounded queue (STORE_QUEUE_MAX jobs) stands between. When the
 * database fails (disk full, file gone) the job is retried with growing pauses, the queue fills,
 * further jobs are refused and counted, and calls go on. Reads other than the first load are jobs
 * too and answer by a handler on the control thread.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "settings/room.h"

enum {
	STORE_QUEUE_MAX = 65536,
	STORE_READS_MAX = 64,
	STORE_ROWS_MAX = 500,
	STORE_ID_MAX = 64,
	STORE_URI_MAX = 255,
	STORE_TEXT_MAX = 127
};

enum { STORE_KIND_MAX = 31, STORE_VALUE_MAX = 16384 };

struct store;

/* Who may register and call out (src/focus/users.h). The password itself is kept nowhere. */
enum { STORE_HA1_MAX = 64, STORE_ALIASES_MAX = 511 };
struct store_user {
	char name[STORE_ID_MAX + 1], realm[STORE_TEXT_MAX + 1];
	/* H(user:realm:password) in hex; "": none. */
	char ha1_md5[STORE_HA1_MAX + 1], ha1_sha256[STORE_HA1_MAX + 1],
		ha1_sha512_256[STORE_HA1_MAX + 1];
	char display_name[STORE_TEXT_MAX + 1];
	char aliases[STORE_ALIASES_MAX + 1]; /* comma list */
	bool is_enabled, may_dial_out, may_refer_out, may_create_rooms;
	uint64_t created_wall_ms;
};

struct store_room {
	char id[STORE_ID_MAX + 1];
	struct room_settings settings;
	bool has_begun; /* its invitees have been called */
	uint64_t created_wall_ms;
};

/* A message that waits in a mailbox (src/focus/mailbox.h). */
enum { STORE_MAILBOX_MAX = 128, STORE_MAIL_TEXT_MAX = 4096, STORE_MAIL_KIND_MAX = 15 };
struct store_mail {
	char id[STORE_ID_MAX + 1], mailbox[STORE_MAILBOX_MAX + 1], kind[STORE_MAIL_KIND_MAX + 1];
	char from[STORE_URI_MAX + 1], from_name[STORE_TEXT_MAX + 1], subject[STORE_TEXT_MAX + 1];
	char recording[STORE_ID_MAX + 1]; /* "": none */
	const char *text;                 /* at most STORE_MAIL_TEXT_MAX; borrowed for the call */
	uint64_t received_wall_ms, length_ms;
	bool is_urgent, is_read;
};

/* One per participant, written when it has gone. */
struct store_call_record {
	char room[STORE_ID_MAX + 1], participant[STORE_ID_MAX + 1];
	char uri[STORE_URI_MAX + 1], display_name[STORE_TEXT_MAX + 1], call_id[STORE_URI_MAX + 1];
	bool is_outgoing;
	uint64_t started_wall_ms;  /* INVITE received or sent */
	uint64_t answered_wall_ms; /* 0: never */
	uint64_t ended_wall_ms;
	uint16_t status; /* final status of a failed INVITE, 200 when answered */
	char end_cause[STORE_TEXT_MAX +
		       1]; /* "bye", "kicked", "room_closed", "timeout", "no_media", ... */
	uint64_t rx_packets, rx_lost, tx_packets;
	uint32_t jitter_us;
	uint16_t mos_x100;
};

/* Opens or creates and migrates the file (on the calling thread), then starts the thread. `loop`
 * NULL: answers come in store_poll. ERR_STORE_FAILED, ERR_STORE_FULL or -ENOMEM with *reterr_text,
 * a sentence that stays until the next store_new. A file that is damaged, of another program or of
 * a newer version is left as it is. */
int store_new(const char *path, struct loop *loop, struct store **ret_store,
	      const char **reterr_text);
/* Finishes queued jobs (while the database fails: at most 5 s), stops the thread. Handlers of
 * answers that have not come by then are not called. Accepts NULL; returns NULL. */
struct store *store_free(struct store *store);

/* Keeps the latest `records_max` call records, older ones go (0: all stay, the default). Before any
 * write is posted. */
void store_keep_records(struct store *store, uint64_t records_max);

/* Every stored room, once, on the calling thread; before any write is posted. */
int store_rooms_load(struct store *store, void (*on_room)(void *arg, const struct store_room *room),
		     void *arg);

/* Every stored user, as store_rooms_load. */
int store_users_load(struct store *store, void (*on_user)(void *arg, const struct store_user *user),
		     void *arg);

/* Every stored message in the order of coming, as store_users_load. */
int store_mails_load(struct store *store, void (*on_mail)(void *arg, const struct store_mail *mail),
		     void *arg);

/* Jobs; the struct is copied. ERR_QUEUE_FULL (counted), -ENOMEM (counted as refused too). */
int store_room_put_post(struct store *store, const struct store_room *room);
int store_room_delete_post(struct store *store, const char *id);
int store_user_put_post(struct store *store, const struct store_user *user);
int store_user_delete_post(struct store *store, const char *name);
/* The text is copied too. ERR_LIMIT: it is too long. */
int store_mail_put_post(struct store *store, const struct store_mail *mail);
int store_mail_delete_post(struct store *store, const char *id);
int store_call_record_post(struct store *store, const struct store_call_record *record);

/* Items: small texts by kind and name, for who keeps lines of his own (registrations, forward
 * rules). All of a kind are read once, like rooms, and before any write is posted; put replaces.
 * ERR_QUEUE_FULL, -ENOMEM, ERR_LIMIT (kind, name or value is too long). */
int store_items_load(struct store *store, const char *kind,
		     void (*on_item)(void *arg, const char *name, const char *value), void *arg);
int store_item_put_post(struct store *store, const char *kind, const char *name, const char *value);
int store_item_delete_post(struct store *store, const char *kind, const char *name);

/* Latest records first, of one room or ("" or NULL) of all, older than `before_id` (0: from the
 * newest), at most `limit` (1 .. STORE_ROWS_MAX). The handler runs on the control thread, never
 * from inside this call; `rows` are borrowed for the call; err is 0 or what store_health knows.
 * Sees every write posted before, unless those fail. At most STORE_READS_MAX at once:
 * ERR_QUEUE_FULL. */
struct store_call_record_row {
	uint64_t id;
	struct store_call_record record;
};
typedef void store_call_records_fn(void *arg, int err, const struct store_call_record_row *rows,
				   uint32_t count);
struct store_call_records_query {
	const char *room;
	uint64_t before_id;
	uint32_t limit;
};
int store_call_records_post(struct store *store, const struct store_call_records_query *query,
			    store_call_records_fn *on_records, void *arg);

void store_poll(struct store *store); /* runs due handlers when there is no loop */

struct store_stats {
	uint64_t jobs_done, jobs_failed, jobs_refused; /* failed: tries, not jobs */
	uint64_t jobs_dropped; /* given up: the database refuses the row itself, or the end came
				  first */
	uint32_t queued;
	bool is_healthy; /* the last job succeeded */
	char last_error[128];
};
void store_stats(struct store *store, struct store_stats *ret_stats);

/* 0 while writes succeed; ERR_STORE_FULL while the disk is full, ERR_STORE_FAILED while they fail
 * otherwise: then what is posted is kept in the queue and tried again, and whoever promises
 * durability says so (507). */
int store_health(struct store *store);

#endif
