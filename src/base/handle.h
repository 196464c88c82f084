/* base/handle.h -- generation-checked handles: a number that outlives its object safely.
 *
 * A handle is (generation << 32 | slot). Looking up a handle whose object is gone gives NULL, also
 * when the slot serves another object by then. 0 is never a handle. Thread: one owner.
 */
#ifndef BASE_HANDLE_H
#define BASE_HANDLE_H

#include <stdint.h>

typedef uint64_t handle;

struct handle_table;

/* At most `max` live handles. -ENOMEM. */
int handle_table_new(uint32_t max, struct handle_table **ret_table);
struct handle_table *handle_table_free(struct handle_table *table);

/* ERR_LIMIT when `max` are in use, -ENOMEM. `object` is borrowed, not NULL. */
int handle_take(struct handle_table *table, void *object, handle *ret_handle);

/* ERR_STALE when it is not live. */
int handle_drop(struct handle_table *table, handle h);

void *handle_find(const struct handle_table *table, handle h); /* NULL when stale */
uint32_t handle_count(const struct handle_table *table);

static inline uint32_t handle_slot(handle h)
{
	return (uint32_t)h;
}

#endif
