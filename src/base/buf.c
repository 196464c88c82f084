/* base/buf.c -- growth by doubling; the first error sticks. */
#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/err.h"

enum { BUF_CAP_MIN = 256 }; /* a SIP message or an event takes two or three growths */

void buf_done(struct buf *buf)
{
	free(buf->p);
	*buf = BUF_INIT;
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->err = 0;
	if (buf->p)
		buf->p[0] = '\0';
}

/* Makes room for `more` octets and the NUL. */
static bool reserve(struct buf *buf, size_t more)
{
	size_t cap = buf->cap ? buf->cap : BUF_CAP_MIN;
	char *p;

	if (buf->err)
		return false;
	if (more > BUF_LEN_MAX - buf->len) {
		buf->err = ERR_LIMIT;
		return false;
	}
	if (buf->len + more < buf->cap)
		return true;
	while (cap < buf->len + more + 1)
		cap *= 2;
	p = realloc(buf->p, cap);
	if (!p) {
		buf->err = -ENOMEM;
		return false;
	}
	buf->p = p;
	buf->cap = cap;
	return true;
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
	if (!reserve(buf, len))
		return;
	if (len > 0)
		memcpy(buf->p + buf->len, data, len);
	buf->len += len;
	buf->p[buf->len] = '\0';
}

void buf_adds(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_addslice(struct buf *buf, struct slice s)
{
	buf_add(buf, s.p, s.len);
}

void buf_addc(struct buf *buf, char c)
{
	if (buf->err || buf->len == BUF_LEN_MAX || buf->len + 2 > buf->cap) {
		buf_add(buf, &c, 1);
		return;
	}
	buf->p[buf->len++] = c;
	buf->p[buf->len] = '\0';
}

void buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(buf, fmt, ap);
	va_end(ap);
}

/* Nearly every format of ours is made of %s, %u and their kin without width or flags; those are
 * written here, several times faster than libc reads its way to them. Anything else is libc's. */
enum conversion { TEXT, TEXT_LEN, CHAR, INT, LONG, LLONG, SIZE, UINT, ULONG, ULLONG, OTHER };

/* The conversion behind the '%' at `at`; *ret_end is what follows it. */
static enum conversion conversion_of(const char *at, const char **ret_end)
{
	static const struct {
		const char *text;
		enum conversion is;
	} known[] = {{"s", TEXT},   {"u", UINT},     {"d", INT},   {".*s", TEXT_LEN}, {"c", CHAR},
		     {"lu", ULONG}, {"llu", ULLONG}, {"ld", LONG}, {"lld", LLONG},    {"zu", SIZE}};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		size_t len = strlen(known[i].text);

		if (strncmp(at + 1, known[i].text, len) == 0) {
			*ret_end = at + 1 + len;
			return known[i].is;
		}
	}
	return OTHER;
}

static bool is_plain(const char *fmt)
{
	while ((fmt = strchr(fmt, '%')))
		if (conversion_of(fmt, &fmt) == OTHER)
			return false;
	return true;
}

static void add_signed(struct buf *buf, long long n)
{
	if (n < 0)
		buf_addc(buf, '-');
	buf_addu(buf, n < 0 ? 0 - (uint64_t)n : (uint64_t)n, 1);
}

static void add_text(struct buf *buf, const char *text, size_t len_max)
{
	if (!text)
		text = "(null)"; /* as libc does: a log line is not worth a crash */
	buf_add(buf, text, strnlen(text, len_max));
}

static void add_plain(struct buf *buf, const char *fmt, va_list *ap)
{
	for (const char *at; (at = strchr(fmt, '%'));) {
		int len;

		buf_add(buf, fmt, (size_t)(at - fmt));
		switch (conversion_of(at, &fmt)) {
		case TEXT:
			add_text(buf, va_arg(*ap, const char *), SIZE_MAX);
			break;
		case TEXT_LEN:
			len = va_arg(*ap, int);
			add_text(buf, va_arg(*ap, const char *), len < 0 ? SIZE_MAX : (size_t)len);
			break;
		case CHAR:
			buf_addc(buf, (char)va_arg(*ap, int));
			break;
		case INT:
			add_signed(buf, va_arg(*ap, int));
			break;
		case LONG:
			add_signed(buf, va_arg(*ap, long));
			break;
		case LLONG:
			add_signed(buf, va_arg(*ap, long long));
			break;
		case SIZE:
			buf_addu(buf, va_arg(*ap, size_t), 1);
			break;
		case UINT:
			buf_addu(buf, va_arg(*ap, unsigned), 1);
			break;
		case ULONG:
			buf_addu(buf, va_arg(*ap, unsigned long), 1);
			break;
		case ULLONG:
			buf_addu(buf, va_arg(*ap, unsigned long long), 1);
			break;
		case OTHER:
			assert(false); /* is_plain said so */
		}
	}
	buf_adds(buf, fmt);
}

/* Into the room that is there; only what does not fit is formatted twice. */
static void add_by_libc(struct buf *buf, const char *fmt, va_list *ap)
{
	va_list again;
	size_t room;
	int len;

	if (!reserve(buf, 0))
		return;
	room = buf->cap - buf->len;
	va_copy(again, *ap);
	len = vsnprintf(buf->p + buf->len, room, fmt, again);
	va_end(again);
	assert(len >= 0); /* a format of ours that libc refuses is a defect */
	if ((size_t)len >= room) {
		buf->p[buf->len] = '\0'; /* as it was, should there be no more room */
		if (!reserve(buf, (size_t)len))
			return;
		(void)vsnprintf(buf->p + buf->len, (size_t)len + 1, fmt, *ap);
	}
	buf->len += (size_t)len;
}

void buf_vaddf(struct buf *buf, const char *fmt, va_list ap)
{
	size_t len = buf->len;
	va_list own;

	if (buf->err)
		return;
	va_copy(own, ap);
	if (is_plain(fmt))
		add_plain(buf, fmt, &own);
	else
		add_by_libc(buf, fmt, &own);
	va_end(own);
	if (buf->err && buf->p) { /* all of it or nothing */
		buf->len = len;
		buf->p[len] = '\0';
	}
}

void buf_addu(struct buf *buf, uint64_t n, unsigned digits_min)
{
	char text[20];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	while (sizeof(text) - at < digits_min && at > 0)
		text[--at] = '0';
	buf_add(buf, text + at, sizeof(text) - at);
}

void buf_drop(struct buf *buf, size_t len)
{
	assert(len <= buf->len);
	if (len == 0)
		return;
	buf->len -= len;
	memmove(buf->p, buf->p + len, buf->len + 1);
}

char *buf_take(struct buf *buf)
{
	char *text;

	buf_add(buf, NULL, 0); /* an empty buffer gives "" */
	if (buf->err) {
		buf_done(buf);
		return NULL;
	}
	text = buf->p;
	*buf = BUF_INIT;
	return text;
}
