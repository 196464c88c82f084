/* http/records.c -- /api/v1/call-records: the store answers on a later turn.
 *
 * A query stands between a request and the store, and outlives whichever goes first: the client may
 * leave before the store answers, and a store that hangs is given up after RECORDS_WAIT_MS. It is
 * freed when the store's answer has come, for until then the store holds it.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "focus/focus.h"
#include "http/handlers.h"
#include "http/server.h"
#include "http/view.h"

enum { RECORDS_LIMIT_DEFAULT = 100, RECORDS_LIMIT_MAX = 250, RECORDS_WAIT_MS = 10000 };

_Static_assert((int)RECORDS_LIMIT_MAX < (int)STORE_ROWS_MAX,
	       "one more row tells whether more follow");

struct query {
	struct list node;        /* in http->queries */
	struct request *request; /* NULL: answered or gone */
	struct timer timer;
	uint32_t limit;
};

static void release_request(struct query *query)
{
	struct wheel *wheel = loop_wheel(query->request->http->loop);

	timer_stop(wheel, &query->timer);
	request_on_gone(query->request, NULL, NULL);
	query->request = NULL;
}

static void on_gone(void *arg)
{
	release_request(arg);
}

static void on_timeout(void *arg)
{
	struct query *query = arg;
	struct request *request = query->request;

	release_request(query);
	(void)request_fail(request, ERR_STORE_FAILED, "the store does not answer");
	request_answer(request, ERR_STORE_FAILED);
}

static void write_records(struct request *request, uint32_t limit,
			  const struct store_call_record_row *rows, uint32_t count)
{
	struct writer json = writer_to(request_body(request));

	writer_open(&json, NULL, '{');
	writer_open(&json, "call_records", '[');
	for (uint32_t i = 0; i < MIN_OF(count, limit); i++)
		view_call_record(&json, &rows[i]);
	writer_close(&json, ']');
	if (count > limit)
		writer_uint(&json, "next", rows[limit - 1].id);
	else
		writer_null(&json, "next");
	writer_close(&json, '}');
}

static void on_records(void *arg, int err, const struct store_call_record_row *rows, uint32_t count)
{
	struct query *query = arg;
	struct request *request = query->request;

	if (request) {
		release_request(query);
		if (!err)
			write_records(request, query->limit, rows, count);
		request_answer(request, err);
	}
	list_remove(&query->node);
	free(query);
}

void call_records_drop(struct http *http)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &http->queries)
		free(LIST_ENTRY(it, struct query, node));
}

static int post(struct request *request, const char *room, uint64_t before, uint32_t limit)
{
	struct http *http = request_http(request);
	struct query *query = calloc(1, sizeof(*query));
	int err;

	if (!query)
		return -ENOMEM;
	query->request = request;
	query->limit = limit;
	timer_init(&query->timer, on_timeout, query);
	err = store_call_records_post(focus_store(http->focus),
				      &(struct store_call_records_query){room, before, limit + 1},
				      on_records, query);
	if (err) {
		free(query);
		return err;
	}
	list_append(&http->queries, &query->node);
	timer_start(loop_wheel(http->loop), &query->timer, RECORDS_WAIT_MS);
	request_on_gone(request, on_gone, query);
	request_wait(request);
	return 0;
}

int call_records_list(struct request *request)
{
	char room[STORE_ID_MAX + 1] = "";
	uint64_t limit = RECORDS_LIMIT_DEFAULT, before = 0;
	bool has_room;
	int err = request_query(request, "room", room, sizeof(room), &has_room);

	if (err)
		return err;
	err = request_query_u64(request, "before", 1, INT64_MAX, &before);
	if (err)
		return err;
	err = request_query_u64(request, "limit", 1, RECORDS_LIMIT_MAX, &limit);
	if (err)
		return err;
	if (!focus_store(request_http(request)->focus))
		return request_fail(request, ERR_STORE_FAILED, "this server keeps no store");
	return post(request, room, before, (uint32_t)limit);
}
