/* base/handle.c -- a table of slots; freed slots wait in a queue, so that each rests as long as
 * possible before it serves again, and fresh slots are taken only when the queue is empty. */
#include "base/handle.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/err.h"

#define SLOT_NONE UINT32_MAX

struct slot {
	void *object;        /* NULL: free */
	uint32_t generation; /* of the object, or of the next one; never 0 once used */
	uint32_t next_free;
};

struct handle_table {
	uint32_t max, used; /* slots there are, slots ever taken */
	uint32_t count;     /* live handles */
	uint32_t free_first, free_last;
	struct slot slots[];
};

int handle_table_new(uint32_t max, struct handle_table **ret_table)
{
	struct handle_table *table;

	assert(max > 0 && max < SLOT_NONE);
	/* calloc leaves pages that nobody touches to the kernel: a large max costs nothing. */
	table = calloc(1, sizeof(*table) + (size_t)max * sizeof(table->slots[0]));
	if (!table)
		return -ENOMEM;
	table->max = max;
	table->free_first = table->free_last = SLOT_NONE;
	*ret_table = table;
	return 0;
}

struct handle_table *handle_table_free(struct handle_table *table)
{
	free(table);
	return NULL;
}

static uint32_t slot_take(struct handle_table *table)
{
	uint32_t i = table->free_first;

	if (i != SLOT_NONE) {
		table->free_first = table->slots[i].next_free;
		if (table->free_first == SLOT_NONE)
			table->free_last = SLOT_NONE;
		return i;
	}
	if (table->used == table->max)
		return SLOT_NONE;
	table->slots[table->used].generation = 1;
	return table->used++;
}

int handle_take(struct handle_table *table, void *object, handle *ret_handle)
{
	uint32_t i;

	assert(object != NULL);
	i = slot_take(table);
	if (i == SLOT_NONE)
		return ERR_LIMIT;
	table->slots[i].object = object;
	table->count++;
	*ret_handle = (handle)table->slots[i].generation << 32 | i;
	return 0;
}

static struct slot *slot_find(const struct handle_table *table, handle h)
{
	uint32_t i = handle_slot(h);
	const struct slot *slot = &table->slots[i];

	if (i >= table->used || !slot->object || slot->generation != (uint32_t)(h >> 32))
		return NULL;
	return (struct slot *)slot;
}

int handle_drop(struct handle_table *table, handle h)
{
	struct slot *slot = slot_find(table, h);
	uint32_t i = handle_slot(h);

	if (!slot)
		return ERR_STALE;
	slot->object = NULL;
	slot->generation++;
	if (slot->generation == 0)
		slot->generation = 1; /* 0 would make the handle of slot 0 look like "none" */
	slot->next_free = SLOT_NONE;
	if (table->free_last == SLOT_NONE)
		table->free_first = i;
	else
		table->slots[table->free_last].next_free = i;
	table->free_last = i;
	table->count--;
	return 0;
}

void *handle_find(const struct handle_table *table, handle h)
{
	const struct slot *slot = slot_find(table, h);

	return slot ? slot->object : NULL;
}

uint32_t handle_count(const struct handle_table *table)
{
	return table->count;
}
