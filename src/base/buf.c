/* base/buf.c -- growth by doubling; the first error sticks. */
#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

enum { BUF_CAP_MIN = 64 };

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
	while (cap < buf->len + more + 1)
		cap *= 2;
	if (cap == buf->cap)
		return true;
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
	buf_add(buf, &c, 1);
}

void buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(buf, fmt, ap);
	va_end(ap);
}

void buf_vaddf(struct buf *buf, const char *fmt, va_list ap)
{
	va_list again;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	assert(len >= 0); /* a format of ours that libc refuses is a defect */
	if (!reserve(buf, (size_t)len))
		return;
	(void)vsnprintf(buf->p + buf->len, (size_t)len + 1, fmt, ap);
	buf->len += (size_t)len;
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
