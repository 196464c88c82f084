/* base/arena.h -- memory that is freed all at once: for things built and dropped as a whole
 * (a parsed session description, a request under work). Thread: one owner.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/attr.h"
#include "base/slice.h"

struct arena;

/* At most `max_bytes` in all. -ENOMEM. */
int arena_new(size_t max_bytes, struct arena **ret_arena);
struct arena *arena_free(struct arena *arena);
void arena_reset(struct arena *arena); /* everything handed out is gone; the first block is kept */

/* Zeroed, aligned for any type; NULL when out of memory or over the limit. */
void *arena_alloc(struct arena *arena, size_t bytes);
char *arena_cstr(struct arena *arena, struct slice s);      /* NUL terminated copy */
struct slice arena_slice(struct arena *arena, struct slice s); /* copy; SLICE_NONE on failure */
char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
