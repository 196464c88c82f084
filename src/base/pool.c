/* base/pool.c -- slabs: a head, the first parts, the rests.
 *
 * What is free in a slab is a stack of numbers in its head. A list through the free objects would
 * need less memory, and write to each at its end.
 */
#include "base/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/list.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ /* what gcc says */
#endif
#endif

#if defined(__SANITIZE_ADDRESS__)
enum { SLAB_ITEMS = 1, SPARES = 0 };
#else
enum { SLAB_ITEMS = 48, SPARES = 1 };
#endif

enum { REST_ALIGN = _Alignof(max_align_t) };

struct pool_slab {
	struct list node; /* in pool.some while something is free in it */
	uint16_t free_count;
	uint8_t free[SLAB_ITEMS]; /* numbers of what is free: the first free_count */
	char *first, *rest;
};

struct pool {
	size_t first_octets, rest_octets; /* with what alignment adds */
	struct list some;                 /* slabs in which something is free */
	int empty_count;                  /* of those, slabs in which everything is */
	size_t taken;
};

static size_t round_up(size_t octets, size_t to)
{
	return (octets + to - 1) / to * to;
}

int pool_new(size_t first_octets, size_t rest_octets, struct pool **ret_pool)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	assert(first_octets >= sizeof(struct pool_item));
	if (!pool)
		return -ENOMEM;
	pool->first_octets = round_up(first_octets, POOL_ALIGN);
	pool->rest_octets = round_up(rest_octets, REST_ALIGN);
	list_init(&pool->some);
	*ret_pool = pool;
	return 0;
}

struct pool *pool_free(struct pool *pool)
{
	struct list *it, *tmp;

	if (!pool)
		return NULL;
	assert(pool->taken == 0);
	LIST_FOREACH (it, tmp, &pool->some)
		free(LIST_ENTRY(it, struct pool_slab, node));
	free(pool);
	return NULL;
}

static struct pool_slab *add_slab(struct pool *pool)
{
	size_t head = sizeof(struct pool_slab) + POOL_ALIGN;
	struct pool_slab *slab = malloc(head +
					SLAB_ITEMS * (pool->first_octets + pool->rest_octets));

	if (!slab)
		return NULL;
	slab->first = (char *)round_up((uintptr_t)(slab + 1), POOL_ALIGN);
	slab->rest = slab->first + SLAB_ITEMS * pool->first_octets;
	slab->free_count = SLAB_ITEMS;
	for (int i = 0; i < SLAB_ITEMS; i++)
		slab->free[i] = (uint8_t)(SLAB_ITEMS - 1 - i); /* the first is taken first */
	list_append(&pool->some, &slab->node);
	pool->empty_count++;
	return slab;
}

void *pool_take(struct pool *pool)
{
	struct pool_slab *slab = LIST_ENTRY(pool->some.next, struct pool_slab, node);
	struct pool_item *item;
	size_t i;

	if (list_empty(&pool->some))
		slab = add_slab(pool);
	if (!slab)
		return NULL;
	if (slab->free_count == SLAB_ITEMS)
		pool->empty_count--;
	i = slab->free[--slab->free_count];
	if (slab->free_count == 0)
		list_remove(&slab->node);
	item = (struct pool_item *)(void *)(slab->first + i * pool->first_octets);
	*item = (struct pool_item){slab, slab->rest + i * pool->rest_octets};
	pool->taken++;
	return item;
}

void pool_give(struct pool *pool, void *object)
{
	struct pool_slab *slab = ((struct pool_item *)object)->slab;
	size_t i = (size_t)((char *)object - slab->first) / pool->first_octets;

	assert(slab->free_count < SLAB_ITEMS && pool->taken > 0);
	if (slab->free_count == 0)
		list_append(&pool->some, &slab->node);
	slab->free[slab->free_count++] = (uint8_t)i;
	pool->taken--;
	if (slab->free_count < SLAB_ITEMS)
		return;
	if ((int)pool->empty_count < SPARES) {
		pool->empty_count++;
		return;
	}
	list_remove(&slab->node);
	free(slab);
}
