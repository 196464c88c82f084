/* The thread is real here, so the tests wait for what it must do, for as long as it takes. */
#include "store/store.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "tests/support/check.h"
#include "tests/unit/store/scratch.h"

enum { WAIT_MS = 30000 }; /* then a test is broken, not slow */

static struct store *open_or_fail(const char *path, struct loop *loop)
{
	struct store *store = NULL;
	const char *text = NULL;

	if (!CHECK_INT("open", store_new(path, loop, &store, &text), 0))
		printf("%s\n", text);
	return store;
}

static bool is_idle(struct store *store)
{
	struct store_stats stats;

	store_stats(store, &stats);
	return stats.queued == 0;
}

static bool is_failing(struct store *store)
{
	return store_health(store) != 0;
}

static bool wait_until(struct store *store, bool (*is_so)(struct store *store))
{
	for (int i = 0; i < WAIT_MS; i++) {
		if (is_so(store))
			return true;
		(void)poll(NULL, 0, 1);
	}
	return false;
}

static void count_room(void *arg, const struct store_room *room)
{
	(void)room;
	++*(uint32_t *)arg;
}

static uint32_t rooms_in(const char *path)
{
	struct store *store = open_or_fail(path, NULL);
	uint32_t count = 0;

	CHECK_INT(NULL, store_rooms_load(store, count_room, &count), 0);
	store_free(store);
	return count;
}

/* What the handler was told. */
struct answer {
	bool has_come;
	int err;
	uint32_t count;
	struct store_call_record_row first;
	struct loop *loop; /* stopped by the handler */
};

static void on_records(void *arg, int err, const struct store_call_record_row *rows, uint32_t count)
{
	struct answer *answer = arg;

	answer->has_come = true;
	answer->err = err;
	answer->count = count;
	if (count > 0)
		answer->first = rows[0];
	if (answer->loop)
		loop_stop(answer->loop);
}

static bool wait_answer(struct store *store, struct answer *answer)
{
	for (int i = 0; i < WAIT_MS && !answer->has_come; i++) {
		(void)poll(NULL, 0, 1);
		store_poll(store);
	}
	return answer->has_come;
}

static void rooms_survive_a_restart(void)
{
	struct scratch scratch = scratch_new();
	struct store *store = open_or_fail(scratch.db, NULL);

	for (int i = 0; i < 2000; i++) {
		char id[16];
		struct store_room room;

		(void)snprintf(id, sizeof(id), "room%d", i);
		room = scratch_room(id);
		CHECK_INT(NULL, store_room_put_post(store, &room), 0);
	}
	CHECK_INT(NULL, store_room_delete_post(store, "room7"), 0);
	store_free(store); /* finishes what is queued */
	CHECK_INT(NULL, rooms_in(scratch.db), 1999);
	scratch_done(&scratch);
}

static void count_mail(void *arg, const struct store_mail *mail)
{
	uint32_t *count = arg;

	*count += strlen(mail->text) == STORE_MAIL_TEXT_MAX;
}

/* Whole, and not a copy of the caller's text. */
static void mails_survive_a_restart(void)
{
	struct scratch scratch = scratch_new();
	struct store *store = open_or_fail(scratch.db, NULL);
	char text[STORE_MAIL_TEXT_MAX + 2];
	struct store_mail mail = {.id = "one", .mailbox = "anna", .text = text};
	uint32_t count = 0;

	memset(text, 'x', sizeof(text));
	text[STORE_MAIL_TEXT_MAX + 1] = '\0';
	CHECK_INT("too long", store_mail_put_post(store, &mail), ERR_LIMIT);
	text[STORE_MAIL_TEXT_MAX] = '\0';
	CHECK_INT("fits", store_mail_put_post(store, &mail), 0);
	(void)snprintf(mail.id, sizeof(mail.id), "two");
	CHECK_INT("fits", store_mail_put_post(store, &mail), 0);
	text[0] = '\0';
	CHECK_INT("one goes", store_mail_delete_post(store, "one"), 0);
	store_free(store);
	store = open_or_fail(scratch.db, NULL);
	CHECK_INT(NULL, store_mails_load(store, count_mail, &count), 0);
	CHECK_INT("one stays", count, 1);
	store_free(store);
	scratch_done(&scratch);
}

static void reads_see_the_writes_before_them(void)
{
	struct scratch scratch = scratch_new();
	struct store *store = open_or_fail(scratch.db, NULL);

	for (unsigned i = 1; i <= 100; i++) {
		struct store_call_record record = scratch_record("r", i);
		struct answer answer = {0};

		CHECK_INT(NULL, store_call_record_post(store, &record), 0);
		CHECK_INT(NULL,
			  store_call_records_post(
				  store, &(struct store_call_records_query){"r", 0, STORE_ROWS_MAX},
				  on_records, &answer),
			  0);
		CHECK(NULL, wait_answer(store, &answer));
		CHECK_INT(NULL, answer.err, 0);
		CHECK_INT(NULL, answer.count, i);
		CHECK_STR(NULL, answer.first.record.participant, record.participant);
	}
	store_free(store);
	scratch_done(&scratch);
}

static void answers_come_by_the_loop(void)
{
	struct scratch scratch = scratch_new();
	struct answer answer = {0};
	struct store *store;

	CHECK_INT(NULL, loop_new(clock_system(), &answer.loop), 0);
	store = open_or_fail(scratch.db, answer.loop);
	CHECK_INT(NULL,
		  store_call_records_post(store, &(struct store_call_records_query){NULL, 0, 10},
					  on_records, &answer),
		  0);
	CHECK(NULL, !answer.has_come);
	CHECK_INT(NULL, loop_run(answer.loop), 0);
	CHECK(NULL, answer.has_come);
	CHECK_INT(NULL, answer.count, 0);
	store_free(store);
	loop_free(answer.loop);
	scratch_done(&scratch);
}

static void too_many_reads_are_refused(void)
{
	struct scratch scratch = scratch_new();
	struct store *store = open_or_fail(scratch.db, NULL);
	struct answer answers[STORE_READS_MAX + 1] = {{0}};

	for (int i = 0; i < STORE_READS_MAX; i++)
		CHECK_INT(NULL,
			  store_call_records_post(store,
						  &(struct store_call_records_query){"", 0, 1},
						  on_records, &answers[i]),
			  0);
	CHECK_INT(NULL,
		  store_call_records_post(store, &(struct store_call_records_query){"", 0, 1},
					  on_records, &answers[STORE_READS_MAX]),
		  ERR_QUEUE_FULL);
	for (int i = 0; i < STORE_READS_MAX; i++)
		CHECK(NULL, wait_answer(store, &answers[i]));
	CHECK(NULL, !answers[STORE_READS_MAX].has_come);
	CHECK_INT("free again",
		  store_call_records_post(store, &(struct store_call_records_query){"", 0, 1},
					  on_records, &answers[STORE_READS_MAX]),
		  0);
	store_free(store); /* with an answer that nobody took */
	scratch_done(&scratch);
}

static void records_are_trimmed(void)
{
	struct scratch scratch = scratch_new();
	struct store *store = open_or_fail(scratch.db, NULL);
	struct answer answer = {0};

	store_keep_records(store, 10);
	for (unsigned i = 1; i <= 25; i++) {
		struct store_call_record record = scratch_record("r", i);

		CHECK_INT(NULL, store_call_record_post(store, &record), 0);
	}
	CHECK_INT(NULL,
		  store_call_records_post(
			  store, &(struct store_call_records_query){"r", 0, STORE_ROWS_MAX},
			  on_records, &answer),
		  0);
	CHECK(NULL, wait_answer(store, &answer));
	CHECK_INT(NULL, answer.count, 10);
	CHECK_STR(NULL, answer.first.record.participant, "p25");
	store_free(store);
	scratch_done(&scratch);
}

/* A disk without room, as far as the process can tell: no file may grow beyond `bytes`. (test_db.c
 * has the full database proper.) */
static void disk_set(rlim_t bytes)
{
	struct rlimit limit;

	(void)getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	(void)setrlimit(RLIMIT_FSIZE, &limit);
}

static void full_disk_delays_and_loses_nothing(void)
{
	struct scratch scratch = scratch_new();
	void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
	struct store *store = open_or_fail(scratch.db, NULL);
	struct store_room room = scratch_room("lobby");
	struct answer answer = {0};
	struct store_stats stats;

	log_setup(LOG_ERROR, LOG_FORMAT_TEXT, -1); /* the failure is wanted */
	CHECK_INT(NULL, store_health(store), 0);
	disk_set(1);
	CHECK_INT(NULL, store_room_put_post(store, &room), 0);
	CHECK(NULL, wait_until(store, is_failing));
	store_stats(store, &stats);
	CHECK_INT(NULL, stats.is_healthy, false);
	CHECK(NULL, stats.jobs_failed > 0);
	CHECK(NULL, stats.last_error[0] != '\0');
	CHECK_INT(NULL, stats.queued, 1);

	CHECK_INT("reads go on",
		  store_call_records_post(store, &(struct store_call_records_query){"", 0, 1},
					  on_records, &answer),
		  0);
	CHECK("reads go on", wait_answer(store, &answer));
	CHECK_INT("reads go on", answer.err, 0);

	disk_set(RLIM_INFINITY);
	CHECK("room again", wait_until(store, is_idle));
	store_stats(store, &stats);
	CHECK_INT("room again", stats.is_healthy, true);
	CHECK_INT("room again", stats.jobs_done, 1);
	CHECK_INT("room again", store_health(store), 0);
	store_free(store);
	CHECK_INT("room again", rooms_in(scratch.db), 1);
	log_setup(LOG_INFO, LOG_FORMAT_TEXT, STDERR_FILENO);
	(void)signal(SIGXFSZ, before);
	scratch_done(&scratch);
}

static void full_queue_refuses_and_counts(void)
{
	struct scratch scratch = scratch_new();
	void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
	struct store *store = open_or_fail(scratch.db, NULL);
	struct store_room room = scratch_room("lobby");
	struct store_stats stats;
	uint64_t posted = 0;
	int err = 0;

	log_setup(LOG_ERROR, LOG_FORMAT_TEXT, -1);
	disk_set(1);
	while (!err && posted < 2 * STORE_QUEUE_MAX) {
		err = store_room_put_post(store, &room);
		posted += err == 0;
	}
	CHECK_INT(NULL, err, ERR_QUEUE_FULL);
	CHECK(NULL, posted >= STORE_QUEUE_MAX);
	store_stats(store, &stats);
	CHECK_INT(NULL, stats.jobs_refused, 1);
	CHECK_INT(NULL, stats.queued, posted);

	disk_set(RLIM_INFINITY);
	CHECK("room again", wait_until(store, is_idle));
	store_stats(store, &stats);
	CHECK_INT("room again", stats.jobs_done, posted);
	CHECK_INT("room again", store_room_put_post(store, &room), 0);
	store_free(store);
	log_setup(LOG_INFO, LOG_FORMAT_TEXT, STDERR_FILENO);
	(void)signal(SIGXFSZ, before);
	scratch_done(&scratch);
}

static void deleted_file_is_made_anew(void)
{
	struct scratch scratch = scratch_new();
	struct store *store = open_or_fail(scratch.db, NULL);
	struct store_room room = scratch_room("one");

	log_setup(LOG_ERROR, LOG_FORMAT_TEXT, -1);
	CHECK_INT(NULL, store_room_put_post(store, &room), 0);
	CHECK(NULL, wait_until(store, is_idle));
	CHECK_INT(NULL, unlink(scratch.db), 0);
	room = scratch_room("two");
	CHECK_INT(NULL, store_room_put_post(store, &room), 0);
	CHECK(NULL, wait_until(store, is_idle));
	store_free(store);
	CHECK_INT(NULL, rooms_in(scratch.db), 1);
	log_setup(LOG_INFO, LOG_FORMAT_TEXT, STDERR_FILENO);
	scratch_done(&scratch);
}

static void file_of_others_is_refused_clearly(void)
{
	static const char other[] =
		"not a database, but long enough to have a header: 0123456789012345";
	struct scratch scratch = scratch_new();
	struct store *store = NULL;
	const char *text = NULL;
	char want[128];

	scratch_write(&scratch, other, sizeof(other));
	(void)snprintf(want, sizeof(want), "%s: file is not a database", scratch.db);
	CHECK_INT(NULL, store_new(scratch.db, NULL, &store, &text), ERR_STORE_FAILED);
	CHECK_STR(NULL, text, want);
	CHECK(NULL, store == NULL);
	scratch_done(&scratch);
}

static void memory_keeps_nothing(void)
{
	struct store *store = open_or_fail(":memory:", NULL);
	struct store_room room = scratch_room("one");
	uint32_t count = 0;

	CHECK_INT(NULL, store_rooms_load(store, count_room, &count), 0);
	CHECK_INT(NULL, count, 0);
	CHECK_INT(NULL, store_room_put_post(store, &room), 0);
	CHECK(NULL, wait_until(store, is_idle));
	CHECK_INT(NULL, store_health(store), 0);
	store_free(store);
	CHECK_INT(NULL, rooms_in(":memory:"), 0);
}

static void free_accepts_null(void)
{
	CHECK(NULL, store_free(NULL) == NULL);
}

void suite_store(void)
{
	CHECK_SUITE("store");
	CHECK_TEST(rooms_survive_a_restart);
	CHECK_TEST(mails_survive_a_restart);
	CHECK_TEST(reads_see_the_writes_before_them);
	CHECK_TEST(answers_come_by_the_loop);
	CHECK_TEST(too_many_reads_are_refused);
	CHECK_TEST(records_are_trimmed);
	CHECK_TEST(full_disk_delays_and_loses_nothing);
	CHECK_TEST(full_queue_refuses_and_counts);
	CHECK_TEST(deleted_file_is_made_anew);
	CHECK_TEST(file_of_others_is_refused_clearly);
	CHECK_TEST(memory_keeps_nothing);
	CHECK_TEST(free_accepts_null);
}
