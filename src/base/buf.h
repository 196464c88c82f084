/* base/buf.h -- a growing text buffer with a sticky error.
 *
 * Writers add without checking; who uses the text asks buf_err() once. The content is always
 * NUL terminated (the NUL is not counted in len). Thread: one owner.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/slice.h"

enum { BUF_LEN_MAX = 16 * 1024 * 1024 }; /* more is a defect of the caller: ERR_LIMIT */

struct buf {
	char *p; /* NULL until the first add; owned */
	size_t len, cap;
	int err; /* first error: -ENOMEM or ERR_LIMIT; later adds do nothing */
};

#define BUF_INIT ((struct buf){0})

void buf_done(struct buf *buf);  /* frees; the struct is BUF_INIT again */
void buf_clear(struct buf *buf); /* len 0, error forgotten, memory kept */
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_adds(struct buf *buf, const char *text);
void buf_addslice(struct buf *buf, struct slice s);
void buf_addc(struct buf *buf, char c);
/* A decimal number, with zeros in front up to `digits_min` (at most 20). Far cheaper than buf_addf.
 */
void buf_addu(struct buf *buf, uint64_t n, unsigned digits_min);
void buf_addf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vaddf(struct buf *buf, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

/* Drops the first `len` octets (a stream parser consumed them). */
void buf_drop(struct buf *buf, size_t len);

static inline int buf_err(const struct buf *buf)
{
	return buf->err;
}

static inline struct slice buf_slice(const struct buf *buf)
{
	return slice_make(buf->p ? buf->p : "", buf->len);
}

/* Moves the heap text out (never NULL unless err); the buffer is BUF_INIT again. */
char *buf_take(struct buf *buf);

#endif
