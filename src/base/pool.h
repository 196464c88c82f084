/* base/pool.h -- objects of one size that come and go in their hundreds of thousands.
 *
 * An object has two parts. The first, which begins with a struct pool_item, stands side by side
 * with those of its neighbours: what looks at many objects in turn (their end, above all) reads
 * little memory, and memory in order. The second part, the rest, is looked at when the object is at
 * work. Neither taking nor giving back touches the rest. Memory comes and goes a slab at a time,
 * one empty slab is kept. With AddressSanitizer each object is memory of its own, so that uses
 * after its end show. Thread: one owner.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>

enum { POOL_ALIGN = 64 }; /* of first parts: a cache line */

struct pool;
struct pool_slab;

struct pool_item {
	struct pool_slab *slab; /* private */
	void *rest;             /* the second part; aligned for any type */
};

/* Octets of the two parts. -ENOMEM. */
int pool_new(size_t first_octets, size_t rest_octets, struct pool **ret_pool);
struct pool *pool_free(struct pool *pool); /* every object must have been given back */

/* An object whose octets are anything but for its struct pool_item; the first part is aligned to
 * POOL_ALIGN. NULL: out of memory. */
void *pool_take(struct pool *pool);

/* Gives an object of this pool back. */
void pool_give(struct pool *pool, void *object);

#endif
