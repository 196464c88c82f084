/* base/log.c -- a line is built on the stack and written with one write(2), no lock.
 *
 * Lines of up to PIPE_BUF (4096) octets are not torn apart by the kernel on pipes, nor on files
 * opened for appending, so LOG_LINE_MAX is that. The last TAIL_MAX octets of a line are kept for
 * its end: a value that is cut still gets its closing quote, a JSON line its brace, and both the
 * mark that something is missing.
 */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"

enum { TAIL_MAX = 16, LEVEL_COUNT = LOG_DEBUG + 1 };

static_assert(LOG_LINE_MAX <= PIPE_BUF, "a line must be written whole");

struct line {
	char p[LOG_LINE_MAX];
	size_t len;
	bool is_json;
	bool is_cut;
};

static const char *const level_names[LEVEL_COUNT] = {"error", "warn", "info", "debug"};

static atomic_int setup_level = LOG_INFO;
static atomic_int setup_format = LOG_FORMAT_TEXT;
static atomic_int setup_fd = STDERR_FILENO;
static _Atomic uint64_t counts[LEVEL_COUNT];

void log_setup(enum log_level max_level, enum log_format format, int fd)
{
	atomic_store_explicit(&setup_level, (int)max_level, memory_order_relaxed);
	atomic_store_explicit(&setup_format, (int)format, memory_order_relaxed);
	atomic_store_explicit(&setup_fd, fd, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&setup_level, memory_order_relaxed);
}

uint64_t log_count(enum log_level level)
{
	assert((unsigned)level < LEVEL_COUNT);
	return atomic_load_explicit(&counts[level], memory_order_relaxed);
}

int log_level_parse(struct slice text, enum log_level *ret_level)
{
	for (int i = 0; i < LEVEL_COUNT; i++) {
		if (slice_is(text, level_names[i])) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* All of it or nothing; from the first thing that does not fit nothing more is added. */
static bool put(struct line *line, const char *p, size_t len)
{
	if (line->is_cut || len > sizeof(line->p) - TAIL_MAX - line->len) {
		line->is_cut = true;
		return false;
	}
	memcpy(line->p + line->len, p, len);
	line->len += len;
	return true;
}

static bool puts_line(struct line *line, const char *text)
{
	return put(line, text, strlen(text));
}

/* For the end of a value or line: TAIL_MAX keeps the room. */
static void put_tail(struct line *line, const char *text)
{
	size_t len = strlen(text);

	assert(len <= sizeof(line->p) - line->len);
	memcpy(line->p + line->len, text, len);
	line->len += len;
}

/* Length of the well-formed UTF-8 sequence at the start of `s` (RFC 3629 section 4), 0 when there
 * is none. */
static size_t utf8_len(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (p[0] > 0xf4 || len > s.len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || /* long, surrogate */
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) /* long, above 10FFFF */
		return 0;
	return len;
}

/* Controls (C0, DEL, and C1, which some terminals obey) never reach the log as they are. */
static bool is_control(const char *p, size_t len)
{
	unsigned char c = (unsigned char)p[0];

	return c < 0x20 || c == 0x7f || (len == 2 && c == 0xc2 && (unsigned char)p[1] < 0xa0);
}

/* Writes the character of `len` octets at p, escaped as the format wants it. */
static bool put_char(struct line *line, const char *p, size_t len)
{
	static const char shorts[] = "\"\"\\\\\nn\rr\tt"; /* pairs: character, its letter */
	char escape[16];
	unsigned code;

	for (size_t i = 0; len == 1 && i < sizeof(shorts) - 1; i += 2) {
		if (p[0] == shorts[i])
			return put(line, (char[]){'\\', shorts[i + 1]}, 2);
	}
	if (len > 0 && !is_control(p, len))
		return put(line, p, len);
	if (len == 0 && line->is_json)
		return puts_line(line, "\\ufffd"); /* JSON is Unicode: not UTF-8, not shown */
	code = (unsigned char)p[len == 2];         /* U+0080 to U+009F end in their own number */
	(void)snprintf(escape, sizeof(escape), line->is_json ? "\\u%04x" : "\\x%02x", code);
	return puts_line(line, escape);
}

static void put_quoted(struct line *line, struct slice s)
{
	if (!put(line, "\"", 1))
		return;
	while (s.len > 0) {
		size_t len = utf8_len(s);

		if (!put_char(line, s.p, len))
			break;
		s = slice_from(s, len ? len : 1);
	}
	put_tail(line, "\"");
}

/* Text: plain when it cannot be mistaken for anything else. */
static bool is_plain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("\"\\=", s.p[i]))
			return false;
	}
	return s.len > 0 && !slice_is(s, "-");
}

static void put_str(struct line *line, struct slice s)
{
	if (!s.p)
		puts_line(line, line->is_json ? "null" : "-");
	else if (!line->is_json && is_plain(s) && s.len <= sizeof(line->p) - TAIL_MAX - line->len)
		put(line, s.p, s.len);
	else
		put_quoted(line, s);
}

static void put_number(struct line *line, const struct log_field *field)
{
	char text[32];

	if (field->kind == LOG_FIELD_INT)
		(void)snprintf(text, sizeof(text), "%lld", (long long)field->num);
	else if (isfinite(field->real))
		(void)snprintf(text, sizeof(text), "%.6g", field->real);
	else
		(void)snprintf(text, sizeof(text), line->is_json ? "null" : "%f", field->real);
	puts_line(line, text);
}

static void put_field(struct line *line, const struct log_field *field)
{
	size_t start = line->len, value;

	puts_line(line, line->is_json ? ",\"" : " ");
	puts_line(line, field->key);
	puts_line(line, line->is_json ? "\":" : "=");
	value = line->len;
	switch (field->kind) {
	case LOG_FIELD_STR:
		put_str(line, field->str);
		break;
	case LOG_FIELD_BOOL:
		puts_line(line, field->num ? "true" : "false");
		break;
	case LOG_FIELD_INT:
	case LOG_FIELD_DOUBLE:
		put_number(line, field);
		break;
	}
	if (line->is_cut && line->len == value)
		line->len = start; /* a key without any value */
}

static void put_head(struct line *line, enum log_level level, const char *event)
{
	struct clock clock = clock_system();
	char time[CLOCK_TEXT_MAX];

	clock_text(clock_wall_ms(&clock), time);
	puts_line(line, line->is_json ? "{\"time\":\"" : "");
	puts_line(line, time);
	puts_line(line, line->is_json ? "\",\"level\":\"" : " ");
	puts_line(line, level_names[level]);
	puts_line(line, line->is_json ? "\",\"event\":" : " ");
	put_str(line, slice_of(event));
}

static void write_whole(const struct line *line)
{
	ssize_t n;

	do {
		n = write(atomic_load_explicit(&setup_fd, memory_order_relaxed), line->p,
			  line->len);
	} while (n < 0 && errno == EINTR);
	/* A log that cannot be written is nothing that anybody could be told of. */
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
	int saved_errno = errno; /* logging in an error path must not change the error */
	struct line line;

	assert((unsigned)level < LEVEL_COUNT);
	line.len = 0;
	line.is_cut = false;
	line.is_json = atomic_load_explicit(&setup_format, memory_order_relaxed) == LOG_FORMAT_JSON;
	put_head(&line, level, event);
	for (; fields->key && !line.is_cut; fields++)
		put_field(&line, fields);
	if (line.is_cut)
		put_tail(&line, line.is_json ? ",\"cut\":true" : " cut=true");
	put_tail(&line, line.is_json ? "}\n" : "\n");
	write_whole(&line);
	atomic_fetch_add_explicit(&counts[level], 1, memory_order_relaxed);
	errno = saved_errno;
}
