#include "ctl/show.h"

#include <errno.h>

#include "tests/support/check.h"

static void lists(void)
{
	static const struct {
		const char *name, *json, *columns, *text;
		bool has_head;
		int err;
	} rows[] = {
		{"two rows",
		 "{\"rooms\": [{\"id\": \"lobby\", \"n\": 3}, {\"id\": \"ü\", \"n\": null}], "
		 "\"next\": null}",
		 "id n", "id     n\nlobby  3\nü      -\n", true, 0},
		{"nothing in it", "{\"rooms\": []}", "id n", "id  n\n", true, 0},
		{"a later page", "{\"rooms\": [{\"id\": \"x\"}]}", "id", "x\n", false, 0},
		{"what is within", "{\"p\": [{\"q\": {\"mos\": 4.41}}]}", "q.mos q.none q.mos.x",
		 "4.41  -  -\n", false, 0},
		{"texts and objects", "{\"p\": [{\"a\": [\"x\", \"y\"], \"b\": {\"c\": true}}]}",
		 "a b", "x,y  {\"c\":true}\n", false, 0},
		{"a name that would move the cursor", "{\"p\": [{\"a\": \"\\u001b[2J\"}]}", "a",
		 "?[2J\n", false, 0},
		{"no list", "{\"a\": 1}", "a", "", true, -EINVAL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *json = json_loads(rows[i].json, 0, NULL);
		struct buf text = BUF_INIT;

		CHECK_INT(rows[i].name, show_list(json, rows[i].columns, rows[i].has_head, &text),
			  rows[i].err);
		CHECK_SLICE(rows[i].name, buf_slice(&text), rows[i].text);
		buf_done(&text);
		json_decref(json);
	}
}

static void objects(void)
{
	json_t *json = json_loads(
		"{\"id\": \"a\", \"q\": {\"x\": 1.5, \"y\": {\"z\": false}}, \"e\": \"\"}", 0,
		NULL);
	struct buf text = BUF_INIT;

	show_object(json, &text);
	CHECK_SLICE(NULL, buf_slice(&text), "id: a\nq.x: 1.5\nq.y.z: false\ne: -\n");
	buf_done(&text);
	json_decref(json);
}

static void problems(void)
{
	json_t *json = json_loads(
		"{\"title\": \"no such room\", \"detail\": \"there is no \\\"x\\\"\"}", 0, NULL);
	struct buf text = BUF_INIT;

	show_problem(json, &text);
	CHECK_SLICE(NULL, buf_slice(&text), "hearthctl: no such room: there is no \"x\"\n");
	buf_done(&text);
	json_decref(json);
}

/* Cut anywhere, the same lines come out. */
static void events_in_pieces(void)
{
	static const char stream[] =
		"retry: 2000\n\n: hello\n\nid: 1\nevent: x\ndata: {\"a\":1}\n\n"
		"data:{\"b\":2}\r\n\ndata: {\"unfinished\"";
	size_t len = sizeof(stream) - 1;

	for (size_t cut = 0; cut <= len; cut++) {
		struct buf pending = BUF_INIT, text = BUF_INIT;

		show_events(&pending, slice_make(stream, cut), &text);
		show_events(&pending, slice_make(stream + cut, len - cut), &text);
		CHECK_SLICE("cut", buf_slice(&text), "{\"a\":1}\n{\"b\":2}\n");
		buf_done(&pending);
		buf_done(&text);
	}
}

void suite_show(void)
{
	CHECK_SUITE("show");
	CHECK_TEST(lists);
	CHECK_TEST(objects);
	CHECK_TEST(problems);
	CHECK_TEST(events_in_pieces);
}
