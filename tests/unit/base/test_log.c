#include "base/log.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/attr.h"
#include "tests/support/check.h"

enum { TIME_LEN = 24 /* "2026-11-22T19:46:23.123Z" */ };

static int pipe_fds[2];
static char got[65536];

static void begin(enum log_level level, enum log_format format)
{
	CHECK_INT(NULL, pipe(pipe_fds), 0);
	log_setup(level, format, pipe_fds[1]);
}

/* All that was written; the log is back at its defaults. */
static struct slice end(void)
{
	size_t len = 0;
	ssize_t n;

	log_setup(LOG_INFO, LOG_FORMAT_TEXT, STDERR_FILENO);
	close(pipe_fds[1]);
	while ((n = read(pipe_fds[0], got + len, sizeof(got) - len)) > 0)
		len += (size_t)n;
	close(pipe_fds[0]);
	return slice_make(got, len);
}

/* Without the time, which is checked to be one. */
static struct slice after_time(struct slice line, const char *before)
{
	struct slice time = slice_first(slice_from(line, strlen(before)), TIME_LEN);

	CHECK("what stands before the time", slice_starts(line, slice_of(before)));
	CHECK("time", time.len == TIME_LEN && time.p[10] == 'T' && time.p[23] == 'Z');
	return slice_from(line, strlen(before) + TIME_LEN);
}

static void text_line(void)
{
	begin(LOG_INFO, LOG_FORMAT_TEXT);
	LOG(LOG_WARN, "call.failed", LOG_STR("room", "lobby"), LOG_INT("legs", -3),
	    LOG_BOOL("muted", true), LOG_BOOL("deaf", false), LOG_REAL("loss", 0.25),
	    LOG_SLICE("part", slice_make("abcdef", 3)), LOG_STR("who", NULL));
	CHECK_SLICE(NULL, after_time(end(), ""),
		    " warn call.failed room=lobby legs=-3 muted=true deaf=false loss=0.25 part=abc "
		    "who=-\n");
}

static void json_line(void)
{
	begin(LOG_INFO, LOG_FORMAT_JSON);
	LOG(LOG_ERROR, "call.failed", LOG_STR("room", "lobby"), LOG_INT("legs", INT64_MIN),
	    LOG_BOOL("muted", true), LOG_REAL("loss", 0.25), LOG_REAL("nan", NAN),
	    LOG_REAL("inf", -INFINITY), LOG_STR("who", NULL), LOG_STR("none", ""));
	CHECK_SLICE(NULL, after_time(end(), "{\"time\":\""),
		    "\",\"level\":\"error\",\"event\":\"call.failed\",\"room\":\"lobby\","
		    "\"legs\":-9223372036854775808,\"muted\":true,\"loss\":0.25,\"nan\":null,"
		    "\"inf\":null,\"who\":null,\"none\":\"\"}\n");
}

/* A peer chooses the value; the line stays one line, and its fields stay apart. */
static void escaping(void)
{
	static const struct {
		const char *name, *in, *text, *json;
	} cases[] = {
		{"plain", "sip:a@b;x/y?z", "sip:a@b;x/y?z", "\"sip:a@b;x/y?z\""},
		{"empty", "", "\"\"", "\"\""},
		{"space", "a b", "\"a b\"", "\"a b\""},
		{"looks like absent", "-", "\"-\"", "\"-\""},
		{"looks like a field", "a=b", "\"a=b\"", "\"a=b\""},
		{"quote", "a\"b", "\"a\\\"b\"", "\"a\\\"b\""},
		{"backslash", "a\\b", "\"a\\\\b\"", "\"a\\\\b\""},
		{"new line", "a\nb\r\tc", "\"a\\nb\\r\\tc\"", "\"a\\nb\\r\\tc\""},
		{"terminal escape", "\x1b[2J", "\"\\x1b[2J\"", "\"\\u001b[2J\""},
		{"DEL", "a\x7f", "\"a\\x7f\"", "\"a\\u007f\""},
		{"UTF-8", "Zo\xc3\xab", "\"Zo\xc3\xab\"", "\"Zo\xc3\xab\""},
		{"four octets", "\xf0\x9f\x8e\x99", "\"\xf0\x9f\x8e\x99\"", "\"\xf0\x9f\x8e\x99\""},
		{"C1 control", "\xc2\x9b", "\"\\x9b\"", "\"\\u009b\""},
		{"first after C1", "\xc2\xa0", "\"\xc2\xa0\"", "\"\xc2\xa0\""},
		{"stray continuation", "a\x80", "\"a\\x80\"", "\"a\\ufffd\""},
		{"cut sequence", "a\xe2\x82", "\"a\\xe2\\x82\"", "\"a\\ufffd\\ufffd\""},
		{"broken off", "\xe2g", "\"\\xe2g\"", "\"\\ufffdg\""},
		{"overlong", "\xc0\xaf", "\"\\xc0\\xaf\"", "\"\\ufffd\\ufffd\""},
		{"overlong 3", "\xe0\x9f\xbf", "\"\\xe0\\x9f\\xbf\"", "\"\\ufffd\\ufffd\\ufffd\""},
		{"surrogate", "\xed\xa0\x80", "\"\\xed\\xa0\\x80\"", "\"\\ufffd\\ufffd\\ufffd\""},
		{"above 10FFFF", "\xf4\x90\x80\x80", "\"\\xf4\\x90\\x80\\x80\"",
		 "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
		{"no such octet", "\xff", "\"\\xff\"", "\"\\ufffd\""},
	};
	char want[256];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin(LOG_INFO, LOG_FORMAT_TEXT);
		LOG(LOG_INFO, "e", LOG_STR("k", cases[i].in));
		(void)snprintf(want, sizeof(want), " info e k=%s\n", cases[i].text);
		CHECK_SLICE(cases[i].name, after_time(end(), ""), want);
		begin(LOG_INFO, LOG_FORMAT_JSON);
		LOG(LOG_INFO, "e", LOG_STR("k", cases[i].in));
		(void)snprintf(want, sizeof(want),
			       "\",\"level\":\"info\",\"event\":\"e\",\"k\":%s}\n", cases[i].json);
		CHECK_SLICE(cases[i].name, after_time(end(), "{\"time\":\""), want);
	}
	begin(LOG_INFO, LOG_FORMAT_TEXT);
	LOG(LOG_INFO, "e", LOG_SLICE("k", SLICE("a\0b")));
	CHECK_SLICE("NUL", after_time(end(), ""), " info e k=\"a\\x00b\"\n");
}

/* Around the limit every length is tried: the line is never too long and always well ended. */
static void cutting(void)
{
	char *value = malloc(LOG_LINE_MAX + 1);

	for (int is_json = 0; is_json <= 1; is_json++) {
		for (size_t len = LOG_LINE_MAX - 120; len <= LOG_LINE_MAX; len++) {
			bool is_cut;
			struct slice line;
			const char *tail = is_json ? ",\"cut\":true}\n" : " cut=true\n";

			memset(value, 'x', len);
			value[len] = '\0';
			value[len - 1] = len % 2 ? '\n' : 'x'; /* quoted or not */
			begin(LOG_INFO, is_json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT);
			LOG(LOG_INFO, "e", LOG_STR("first", value), LOG_STR("second", "value"));
			line = end();
			is_cut = slice_eq(slice_from(line, line.len - strlen(tail)),
					  slice_of(tail));
			if (!CHECK("length", line.len <= LOG_LINE_MAX) ||
			    !CHECK("one line", slice_find(line, '\n') == line.len - 1) ||
			    !CHECK("cut when it must be", is_cut || line.len > len + 30) ||
			    !CHECK("whole when it can be", !is_cut || line.len > LOG_LINE_MAX - 50))
				break;
			if (is_json || len % 2) { /* quotes in pairs */
				unsigned quotes = 0;

				for (size_t i = 0; i < line.len; i++)
					quotes += line.p[i] == '"';
				CHECK_INT("quotes", quotes % 2, 0);
			}
		}
	}
	free(value);
}

static void cut_value_and_field(void)
{
	char *value = malloc(5000);
	struct slice line;

	memset(value, 'y', 4999);
	value[4999] = '\0';
	begin(LOG_INFO, LOG_FORMAT_JSON);
	LOG(LOG_INFO, "e", LOG_STR("a", "1"), LOG_STR("long", value), LOG_STR("z", "2"));
	line = end();
	CHECK("as much as fits",
	      slice_eq(slice_from(line, line.len - 16), SLICE("yy\",\"cut\":true}\n")));
	CHECK("what is before it stays", strstr(got, "\"a\":\"1\",\"long\":\"yyy") != NULL);
	memset(value, 'k', 4999);
	begin(LOG_INFO, LOG_FORMAT_TEXT);
	LOG(LOG_INFO, "e", LOG_STR("a", "1"), LOG_STR(value, "v"), LOG_STR("z", "2"));
	CHECK_SLICE("a key that does not fit", after_time(end(), ""), " info e a=1 cut=true\n");
	free(value);
}

static int evaluated;

static int64_t evaluate(void)
{
	return ++evaluated;
}

static void levels(void)
{
	uint64_t info = log_count(LOG_INFO), debug = log_count(LOG_DEBUG);

	begin(LOG_INFO, LOG_FORMAT_TEXT);
	CHECK(NULL, log_enabled(LOG_ERROR) && log_enabled(LOG_INFO) && !log_enabled(LOG_DEBUG));
	evaluated = 0;
	LOG(LOG_DEBUG, "off", LOG_INT("n", evaluate()));
	CHECK_INT("not evaluated when off", evaluated, 0);
	LOG(LOG_INFO, "on", LOG_INT("n", evaluate()));
	CHECK_SLICE(NULL, after_time(end(), ""), " info on n=1\n");
	CHECK_INT("counted", log_count(LOG_INFO) - info, 1);
	CHECK_INT("not counted when off", log_count(LOG_DEBUG) - debug, 0);
}

static void level_names(void)
{
	static const struct {
		const char *in;
		int err;
		enum log_level want;
	} cases[] = {
		{"error", 0, LOG_ERROR},     {"warn", 0, LOG_WARN},    {"info", 0, LOG_INFO},
		{"debug", 0, LOG_DEBUG},     {"", -EINVAL, LOG_ERROR}, {"INFO", -EINVAL, LOG_ERROR},
		{"inf", -EINVAL, LOG_ERROR},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum log_level level = LOG_ERROR;

		CHECK_INT(cases[i].in, log_level_parse(slice_of(cases[i].in), &level),
			  cases[i].err);
		CHECK_INT(cases[i].in, level, cases[i].want);
	}
}

static void errno_survives(void)
{
	log_setup(LOG_INFO, LOG_FORMAT_TEXT, -1); /* cannot be written: nothing breaks */
	errno = ENOENT;
	LOG(LOG_INFO, "e", LOG_INT("n", 1));
	CHECK_INT(NULL, errno, ENOENT);
	log_setup(LOG_INFO, LOG_FORMAT_TEXT, STDERR_FILENO);
}

enum { THREADS = 4, LINES = 100 };

static void *write_lines(void *arg)
{
	char text[61] = {0};

	memset(text, *(const char *)arg, sizeof(text) - 1);
	for (int i = 0; i < LINES; i++)
		LOG(LOG_INFO, "e", LOG_STR("text", text));
	return NULL;
}

/* Lines of several threads never mix. The pipe holds them all (400 lines of 99 octets). */
static void threads(void)
{
	static const char letters[THREADS + 1] = "abcd";
	pthread_t ids[THREADS];
	struct slice all;
	unsigned whole = 0;

	begin(LOG_INFO, LOG_FORMAT_TEXT);
	for (int i = 0; i < THREADS; i++)
		CHECK_INT(NULL, pthread_create(&ids[i], NULL, write_lines, (void *)&letters[i]), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_INT(NULL, pthread_join(ids[i], NULL), 0);
	all = end();
	while (all.len > 0) {
		struct slice line = slice_first(all, slice_find(all, '\n'));
		struct slice text = slice_from(line, line.len - 60);
		bool is_same = true;

		for (size_t i = 0; i < text.len; i++)
			is_same = is_same && text.p[i] == text.p[0];
		whole += is_same &&
			 slice_starts(slice_from(line, TIME_LEN), SLICE(" info e text="));
		all = slice_from(all, line.len + 1);
	}
	CHECK_INT(NULL, whole, THREADS * LINES);
}

void suite_log(void)
{
	CHECK_SUITE("log");
	CHECK_TEST(text_line);
	CHECK_TEST(json_line);
	CHECK_TEST(escaping);
	CHECK_TEST(cutting);
	CHECK_TEST(cut_value_and_field);
	CHECK_TEST(levels);
	CHECK_TEST(level_names);
	CHECK_TEST(errno_survives);
	CHECK_TEST(threads);
}
