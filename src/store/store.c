/* store/store.c -- the thread, its queues, and what happens while the database fails.
 *
 * Writes and reads have a ring each. The thread commits writes in batches, one transaction each,
 * and waits LINGER_MS after the first for others to join (a crash loses no more than that); a batch
 * that fails is rolled back whole and kept, and tried again after a pause that doubles. Reads are
 * answered after the writes that were posted before them, but do not wait for a batch that fails: a
 * full disk must not leave the API without an answer. The control thread never waits.
 *
 *   control --writes--> thread      pointers to jobs, allocated here, freed there
 *   control --reads---> thread
 *   control <-answers-- thread      freed here after the handler has run
 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/ring.h"
#include "store/db.h"

enum {
	BATCH_MAX = 512,   /* jobs of one transaction */
	LINGER_MS = 100,   /* between the first write of a batch and its commit */
	PAUSE_MS_MIN = 50, /* after the first failure */
	PAUSE_MS_MAX = 5000,
	FINISH_MS_MAX = 5000 /* store_free gives a failing database so long */
};

enum job_kind {
	ROOM_PUT,
	ROOM_DELETE,
	USER_PUT,
	USER_DELETE,
	RECORD_ADD,
	ITEM_PUT,
	ITEM_DELETE,
	MAIL_PUT,
	MAIL_DELETE
};

struct job {
	enum job_kind kind;
	union {
		struct store_room room;
		char id[STORE_ID_MAX + 1];
		struct store_call_record record;
		struct {
			char kind[STORE_KIND_MAX + 1], name[STORE_URI_MAX + 1];
		} item;
		struct store_user user;
		struct store_mail mail; /* its text is `value` */
	};
	char value[]; /* of an item or a message */
};

struct reading {
	struct db_records_query query;
	store_call_records_fn *on_records;
	void *arg;
	int err;
	uint32_t count;
	struct store_call_record_row *rows; /* owned; the thread makes it */
};

struct store {
	struct ring *writes, *reads, *answers;
	pthread_t thread;
	bool has_thread;
	int stop_fd; /* eventfd: wakes the thread for the end */
	atomic_bool is_stopping;
	uint64_t records_max; /* set before the first post, which publishes it */

	/* Control thread. */
	struct loop *loop;
	struct loop_watch watch;
	uint32_t readings;
	uint64_t posted, refused;

	/* Store thread. */
	char *path;
	struct db *db; /* NULL while it cannot be opened; before the first post: control thread */
	struct job *batch[BATCH_MAX];
	uint32_t batch_count;
	uint32_t pause_ms; /* 0 while all is well */

	pthread_mutex_t lock; /* guards what follows, for short */
	struct store_stats stats;
	int health;
};

/* Store thread ----------------------------------------------------------------------------------
 */

static int job_run(struct db *db, const struct job *job)
{
	switch (job->kind) {
	case ROOM_PUT:
		return db_room_put(db, &job->room);
	case ROOM_DELETE:
		return db_room_delete(db, job->id);
	case USER_PUT:
		return db_user_put(db, &job->user);
	case USER_DELETE:
		return db_user_delete(db, job->id);
	case RECORD_ADD:
		return db_record_add(db, &job->record);
	case ITEM_PUT:
		return db_item_put(db, job->item.kind, job->item.name, job->value);
	case MAIL_PUT:
		return db_mail_put(db, &job->mail);
	case MAIL_DELETE:
		return db_mail_delete(db, job->id);
	case ITEM_DELETE:
		return db_item_delete(db, job->item.kind, job->item.name);
	}
	return -EINVAL;
}

/* Notes the outcome of a try; the log hears of changes only. `text` is NULL with err 0. */
static void set_health(struct store *store, int err, const char *text)
{
	int before;

	(void)pthread_mutex_lock(&store->lock);
	before = store->health;
	store->health = err;
	store->stats.is_healthy = err == 0;
	if (err) {
		store->stats.jobs_failed++;
		slice_cstr(slice_of(text), store->stats.last_error,
			   sizeof(store->stats.last_error));
	}
	(void)pthread_mutex_unlock(&store->lock);
	if (err && !before)
		LOG(LOG_ERROR, "store.failing", LOG_STR("path", store->path),
		    LOG_STR("error", text));
	if (!err && before)
		LOG(LOG_INFO, "store.recovered", LOG_STR("path", store->path));
}

static void count(struct store *store, uint64_t done, uint64_t dropped)
{
	(void)pthread_mutex_lock(&store->lock);
	store->stats.jobs_done += done;
	store->stats.jobs_dropped += dropped;
	(void)pthread_mutex_unlock(&store->lock);
}

/* A file that was moved away or deleted would swallow everything: begin a new one in its place. */
static int reopen_if_needed(struct store *store, char text[DB_ERROR_MAX])
{
	if (store->db && db_is_moved(store->db)) {
		LOG(LOG_ERROR, "store.file_gone", LOG_STR("path", store->path));
		store->db = db_close(store->db);
	}
	return store->db ? 0 : db_open(store->path, &store->db, text);
}

/* All jobs of the batch in one transaction. *ret_dropped: refused by the database for good. */
static int batch_try(struct store *store, uint32_t *ret_dropped)
{
	struct db *db = store->db;
	uint32_t dropped = 0;
	bool has_records = false;
	int err = db_begin(db);

	for (uint32_t i = 0; i < store->batch_count && !err; i++) {
		has_records = has_records || store->batch[i]->kind == RECORD_ADD;
		err = job_run(db, store->batch[i]);
		if (err == -EINVAL) { /* only this statement was undone */
			LOG(LOG_WARN, "store.job_dropped", LOG_STR("error", db_error(db)));
			dropped++;
			err = 0;
		}
	}
	if (!err && has_records && store->records_max > 0)
		err = db_records_trim(db, store->records_max);
	if (!err)
		err = db_commit(db);
	if (err)
		db_rollback(db);
	else
		*ret_dropped = dropped;
	return err;
}

static void batch_clear(struct store *store)
{
	for (uint32_t i = 0; i < store->batch_count; i++)
		free(store->batch[i]);
	store->batch_count = 0;
}

/* Takes more, if there is room, and tries. True when a batch was committed. */
static bool batch_step(struct store *store)
{
	char text[DB_ERROR_MAX] = "";
	uint32_t dropped = 0;
	int err;

	while (store->batch_count < BATCH_MAX &&
	       ring_take_rt(store->writes, &store->batch[store->batch_count]))
		store->batch_count++;
	if (store->batch_count == 0)
		return false;
	err = reopen_if_needed(store, text);
	if (!err) {
		err = batch_try(store, &dropped);
		(void)snprintf(text, sizeof(text), "%s", err ? db_error(store->db) : "");
	}
	set_health(store, err, text);
	if (err) {
		store->pause_ms = MIN_OF(MAX_OF(store->pause_ms * 2, PAUSE_MS_MIN), PAUSE_MS_MAX);
		return false;
	}
	store->pause_ms = 0;
	count(store, store->batch_count - dropped, dropped);
	batch_clear(store);
	return true;
}

static void answer(struct store *store, struct reading *reading)
{
	char text[DB_ERROR_MAX];
	int err = reopen_if_needed(store, text);

	reading->rows = calloc(reading->query.limit, sizeof(*reading->rows));
	if (!reading->rows)
		err = -ENOMEM;
	if (!err)
		err = db_records_read(store->db, &reading->query, reading->rows, &reading->count);
	reading->err = err;
	/* At most STORE_READS_MAX are under way, which is what the ring holds. */
	if (!ring_post_rt(store->answers, &reading))
		assert(!"answers overflow");
}

/* Reads are taken before the writes, so that each finds what was posted before it. */
static void work(struct store *store)
{
	struct reading *readings[STORE_READS_MAX];
	uint32_t n = 0;

	ring_fd_ack(store->reads);
	ring_fd_ack(store->writes);
	while (n < STORE_READS_MAX && ring_take_rt(store->reads, &readings[n]))
		n++;
	while (batch_step(store))
		;
	for (uint32_t i = 0; i < n; i++)
		answer(store, readings[i]);
}

/* Sleeps until there is work, or a pause is over, or the end has come. While the database fails new
 * writes wake nobody: the pause decides. */
static void rest(struct store *store)
{
	struct pollfd fds[] = {
		{.fd = store->stop_fd, .events = POLLIN},
		{.fd = ring_fd(store->reads), .events = POLLIN},
		{.fd = ring_fd(store->writes), .events = POLLIN},
	};
	nfds_t watched = store->pause_ms ? 2 : 3;

	(void)poll(fds, watched, store->pause_ms ? (int)store->pause_ms : -1);
	/* A write alone is in no hurry: with those that follow it costs one commit, not one each.
	 */
	if (fds[2].revents && !fds[0].revents && !fds[1].revents)
		(void)poll(fds, 2, LINGER_MS);
}

/* The end: what is queued is written if it can be. */
static void finish(struct store *store)
{
	struct clock clock = clock_system();
	uint64_t deadline_ms = clock_mono_ms(&clock) + FINISH_MS_MAX;
	uint32_t left;

	for (;;) {
		while (batch_step(store))
			;
		if (store->batch_count == 0 || clock_mono_ms(&clock) >= deadline_ms)
			break;
		(void)poll(NULL, 0, PAUSE_MS_MIN);
	}
	left = store->batch_count + ring_count(store->writes);
	count(store, 0, left);
	if (left > 0)
		LOG(LOG_ERROR, "store.jobs_lost", LOG_INT("jobs", left));
}

static void *thread_main(void *arg)
{
	struct store *store = arg;

	while (!atomic_load(&store->is_stopping)) {
		rest(store);
		work(store);
	}
	finish(store);
	return NULL;
}

/* Control thread --------------------------------------------------------------------------------
 */

void store_poll(struct store *store)
{
	struct reading *reading;

	ring_fd_ack(store->answers);
	while (ring_take_rt(store->answers, &reading)) {
		store->readings--;
		reading->on_records(reading->arg, reading->err, reading->rows, reading->count);
		free(reading->rows);
		free(reading);
	}
}

static void on_answers(void *arg, unsigned events)
{
	(void)events;
	store_poll(arg);
}

static int start(struct store *store)
{
	int err = ring_new(STORE_QUEUE_MAX, sizeof(struct job *), RING_WAKE_EVENTFD,
			   &store->writes);

	if (!err)
		err = ring_new(STORE_READS_MAX, sizeof(struct reading *), RING_WAKE_EVENTFD,
			       &store->reads);
	if (!err)
		err = ring_new(STORE_READS_MAX, sizeof(struct reading *), RING_WAKE_EVENTFD,
			       &store->answers);
	if (err)
		return err;
	store->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (store->stop_fd < 0)
		return -errno;
	if (store->loop) {
		store->watch = (struct loop_watch){
			.fd = ring_fd(store->answers), .on_ready = on_answers, .arg = store};
		err = loop_watch_add(store->loop, &store->watch, LOOP_READ);
		if (err)
			return err;
	}
	err = -pthread_create(&store->thread, NULL, thread_main, store);
	store->has_thread = err == 0;
	return err;
}

int store_new(const char *path, struct loop *loop, struct store **ret_store,
	      const char **reterr_text)
{
	static char text[DB_ERROR_MAX]; /* control thread */
	struct store *store = calloc(1, sizeof(*store));
	int err = -ENOMEM;

	assert(path != NULL && ret_store != NULL && reterr_text != NULL);
	(void)snprintf(text, sizeof(text), "%s", err_text(err));
	*reterr_text = text;
	if (!store)
		return err;
	store->loop = loop;
	store->stop_fd = -1;
	store->stats.is_healthy = true;
	(void)pthread_mutex_init(&store->lock, NULL);
	store->path = strdup(path);
	if (!store->path)
		goto fail;
	err = db_open(path, &store->db, text);
	if (err)
		goto fail;
	err = start(store);
	if (err) {
		(void)snprintf(text, sizeof(text), "%s", err_text(err));
		goto fail;
	}
	*ret_store = store;
	return 0;

fail:
	store_free(store);
	return err;
}

static void drop_queues(struct store *store)
{
	struct reading *reading;
	struct job *job;

	while (store->writes && ring_take_rt(store->writes, &job))
		free(job);
	while (store->reads && ring_take_rt(store->reads, &reading))
		free(reading);
	while (store->answers && ring_take_rt(store->answers, &reading)) {
		free(reading->rows);
		free(reading);
	}
	batch_clear(store);
}

struct store *store_free(struct store *store)
{
	if (!store)
		return NULL;
	if (store->has_thread) {
		ssize_t n;

		atomic_store(&store->is_stopping, true);
		n = write(store->stop_fd, &(uint64_t){1}, sizeof(uint64_t));
		(void)n;
		(void)pthread_join(store->thread, NULL);
	}
	if (store->loop)
		loop_watch_remove(store->loop, &store->watch);
	drop_queues(store);
	ring_free(store->writes);
	ring_free(store->reads);
	ring_free(store->answers);
	if (store->stop_fd >= 0)
		close(store->stop_fd);
	db_close(store->db);
	(void)pthread_mutex_destroy(&store->lock);
	free(store->path);
	free(store);
	return NULL;
}

void store_keep_records(struct store *store, uint64_t records_max)
{
	assert(store->posted == 0);
	store->records_max = records_max;
}

int store_rooms_load(struct store *store, void (*on_room)(void *arg, const struct store_room *room),
		     void *arg)
{
	/* The thread sleeps until the first post, so the connection is ours. */
	assert(store->posted == 0 && store->readings == 0);
	return db_rooms_each(store->db, on_room, arg);
}

int store_users_load(struct store *store, void (*on_user)(void *arg, const struct store_user *user),
		     void *arg)
{
	assert(store->posted == 0 && store->readings == 0);
	return db_users_each(store->db, on_user, arg);
}

/* Takes `job`, which may be NULL (out of memory). */
static int post(struct store *store, struct job *job)
{
	int err = job ? 0 : -ENOMEM;

	if (job && !ring_post_rt(store->writes, &job))
		err = ERR_QUEUE_FULL;
	if (err) {
		store->refused++;
		free(job);
		return err;
	}
	store->posted++;
	return 0;
}

static struct job *job_new(enum job_kind kind)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job)
		job->kind = kind;
	return job;
}

int store_room_put_post(struct store *store, const struct store_room *room)
{
	struct job *job = job_new(ROOM_PUT);

	if (job)
		job->room = *room;
	return post(store, job);
}

int store_room_delete_post(struct store *store, const char *id)
{
	struct job *job = job_new(ROOM_DELETE);

	if (job)
		(void)snprintf(job->id, sizeof(job->id), "%s", id);
	return post(store, job);
}

int store_items_load(struct store *store, const char *kind,
		     void (*on_item)(void *arg, const char *name, const char *value), void *arg)
{
	assert(store->posted == 0 && store->readings == 0);
	return db_items_each(store->db, kind, on_item, arg);
}

static int post_item(struct store *store, enum job_kind what, const char *kind,
		     struct slice names[2])
{
	struct slice name = names[0], value = names[1];
	struct job *job;

	if (strlen(kind) > STORE_KIND_MAX || name.len > STORE_URI_MAX ||
	    value.len > STORE_VALUE_MAX)
		return ERR_LIMIT;
	job = calloc(1, sizeof(*job) + value.len + 1);
	if (job) {
		job->kind = what;
		slice_cstr(slice_of(kind), job->item.kind, sizeof(job->item.kind));
		slice_cstr(name, job->item.name, sizeof(job->item.name));
		slice_cstr(value, job->value, value.len + 1);
	}
	return post(store, job);
}

int store_item_put_post(struct store *store, const char *kind, const char *name, const char *value)
{
	return post_item(store, ITEM_PUT, kind, (struct slice[]){slice_of(name), slice_of(value)});
}

int store_item_delete_post(struct store *store, const char *kind, const char *name)
{
	return post_item(store, ITEM_DELETE, kind, (struct slice[]){slice_of(name), SLICE("")});
}

int store_mails_load(struct store *store, void (*on_mail)(void *arg, const struct store_mail *mail),
		     void *arg)
{
	assert(store->posted == 0 && store->readings == 0);
	return db_mails_each(store->db, on_mail, arg);
}

int store_mail_put_post(struct store *store, const struct store_mail *mail)
{
	size_t len = strlen(mail->text);
	struct job *job;

	if (len > STORE_MAIL_TEXT_MAX)
		return ERR_LIMIT;
	job = calloc(1, sizeof(*job) + len + 1);
	if (job) {
		job->kind = MAIL_PUT;
		job->mail = *mail;
		memcpy(job->value, mail->text, len + 1);
		job->mail.text = job->value;
	}
	return post(store, job);
}

int store_mail_delete_post(struct store *store, const char *id)
{
	struct job *job = job_new(MAIL_DELETE);

	if (job)
		(void)snprintf(job->id, sizeof(job->id), "%s", id);
	return post(store, job);
}

int store_user_put_post(struct store *store, const struct store_user *user)
{
	struct job *job = job_new(USER_PUT);

	if (job)
		job->user = *user;
	return post(store, job);
}

int store_user_delete_post(struct store *store, const char *name)
{
	struct job *job = job_new(USER_DELETE);

	if (job)
		(void)snprintf(job->id, sizeof(job->id), "%s", name);
	return post(store, job);
}

int store_call_record_post(struct store *store, const struct store_call_record *record)
{
	struct job *job = job_new(RECORD_ADD);

	if (job)
		job->record = *record;
	return post(store, job);
}

int store_call_records_post(struct store *store, const struct store_call_records_query *query,
			    store_call_records_fn *on_records, void *arg)
{
	struct reading *reading;

	assert(query->limit >= 1 && query->limit <= STORE_ROWS_MAX && on_records != NULL);
	if (store->readings == STORE_READS_MAX)
		return ERR_QUEUE_FULL;
	reading = calloc(1, sizeof(*reading));
	if (!reading)
		return -ENOMEM;
	(void)snprintf(reading->query.room, sizeof(reading->query.room), "%s",
		       query->room ? query->room : "");
	reading->query.before_id = query->before_id;
	reading->query.limit = query->limit;
	reading->on_records = on_records;
	reading->arg = arg;
	if (!ring_post_rt(store->reads, &reading)) {
		free(reading);
		return ERR_QUEUE_FULL;
	}
	store->readings++;
	return 0;
}

void store_stats(struct store *store, struct store_stats *ret_stats)
{
	(void)pthread_mutex_lock(&store->lock);
	*ret_stats = store->stats;
	(void)pthread_mutex_unlock(&store->lock);
	ret_stats->jobs_refused = store->refused;
	ret_stats->queued = (uint32_t)(store->posted - ret_stats->jobs_done -
				       ret_stats->jobs_dropped);
}

int store_health(struct store *store)
{
	int health;

	(void)pthread_mutex_lock(&store->lock);
	health = store->health;
	(void)pthread_mutex_unlock(&store->lock);
	return health;
}
