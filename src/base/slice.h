/* base/slice.h -- a borrowed piece of text: pointer and length, never terminated, never owned.
 *
 * A slice lives as long as the buffer it points into; who keeps it longer copies it.
 * {NULL, 0} is "absent"; an empty text that is present has a non-NULL pointer.
 * Thread: any.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *p;
	size_t len;
};

#define SLICE(literal) ((struct slice){ "" literal, sizeof(literal) - 1 })
#define SLICE_NONE ((struct slice){ NULL, 0 })
#define SLICE_FMT "%.*s"
#define SLICE_ARG(s) (int)(s).len, ((s).p ? (s).p : "")

/* Members of a struct: slices a, b ..., which are also an array of the name `all`, so that whoever
 * copies the struct finds every text in it: SLICES(texts, id, uri); */
#define SLICES(all, ...)                                                                           \
	union {                                                                                    \
		struct {                                                                           \
			struct slice __VA_ARGS__;                                                  \
		};                                                                                 \
		struct slice all[sizeof(struct { struct slice __VA_ARGS__; }) /                    \
				 sizeof(struct slice)];                                            \
	}

static inline struct slice slice_of(const char *text)
{
	return (struct slice){ text, text ? strlen(text) : 0 };
}

static inline struct slice slice_make(const char *p, size_t len)
{
	return (struct slice){ p, len };
}

static inline bool slice_present(struct slice s)
{
	return s.p != NULL;
}

/* What parsers do for every few octets is inline: a literal costs no strlen, and texts of another
 * length no call. */

/* The first `len` octets (clamped). */
static inline struct slice slice_first(struct slice s, size_t len)
{
	return slice_make(s.p, len < s.len ? len : s.len);
}

/* The part from `from` (clamped) to the end. */
static inline struct slice slice_from(struct slice s, size_t from)
{
	if (!s.p)
		return s;
	if (from > s.len)
		from = s.len;
	return slice_make(s.p + from, s.len - from);
}

/* Offset of `c`, or s.len when it does not occur. */
static inline size_t slice_find(struct slice s, char c)
{
	const char *hit = s.len > 0 ? memchr(s.p, c, s.len) : NULL;

	return hit ? (size_t)(hit - s.p) : s.len;
}

/* `len` octets, ASCII letters in either case. */
bool slice_same_letters(const char *a, const char *b, size_t len);

static inline bool slice_eq(struct slice a, struct slice b) /* octet by octet */
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline bool slice_ieq(struct slice a, struct slice b) /* ASCII letters in either case */
{
	return a.len == b.len && slice_same_letters(a.p, b.p, a.len);
}

static inline bool slice_is(struct slice a, const char *text)
{
	return slice_eq(a, slice_of(text));
}

static inline bool slice_iis(struct slice a, const char *text)
{
	return slice_ieq(a, slice_of(text));
}

static inline bool slice_starts(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_eq(slice_first(s, prefix.len), prefix);
}

static inline bool slice_istarts(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_same_letters(s.p, prefix.p, prefix.len);
}

int slice_compare(struct slice a, struct slice b); /* the order of names: below, 0, or above 0 */

/* Without white space (SP, HTAB, CR, LF) at both ends. */
struct slice slice_trim(struct slice s);

/* Decimal digits only, the whole slice, at most `max`. 0, or -EINVAL / -ERANGE with *ret untouched. */
int slice_u64(struct slice s, uint64_t max, uint64_t *ret);
int slice_u32(struct slice s, uint32_t max, uint32_t *ret);

/* Copies with a terminating NUL, cut to `cap - 1`. Returns `out`. cap >= 1. */
char *slice_cstr(struct slice s, char *out, size_t cap);

/* Heap copy with a terminating NUL, owned by the caller; NULL when absent or out of memory. */
char *slice_dup(struct slice s);

#endif
