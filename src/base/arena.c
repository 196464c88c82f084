/* base/arena.c -- bump allocation in blocks that double in size. */
#include "base/arena.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	ARENA_BLOCK_MIN = 1024,
	ARENA_BLOCK_MAX = 64 * 1024, /* larger requests get a block of their own */
	ARENA_ALIGN = _Alignof(max_align_t),
};

struct block {
	struct block *next; /* towards the first block */
	size_t size, used;
	_Alignas(max_align_t) char data[];
};

struct arena {
	struct block *newest; /* allocation is tried here only */
	size_t max_bytes;
	size_t left_bytes; /* of max_bytes */
};

static struct block *block_new(size_t size)
{
	struct block *block = malloc(sizeof(*block) + size);

	if (!block)
		return NULL;
	block->next = NULL;
	block->size = size;
	block->used = 0;
	return block;
}

int arena_new(size_t max_bytes, struct arena **ret_arena)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (!arena)
		return -ENOMEM;
	arena->newest = block_new(MIN_OF((size_t)ARENA_BLOCK_MIN, max_bytes));
	if (!arena->newest) {
		free(arena);
		return -ENOMEM;
	}
	arena->max_bytes = arena->left_bytes = max_bytes;
	*ret_arena = arena;
	return 0;
}

void arena_reset(struct arena *arena)
{
	while (arena->newest->next) {
		struct block *older = arena->newest->next;

		free(arena->newest);
		arena->newest = older;
	}
	arena->newest->used = 0;
	arena->left_bytes = arena->max_bytes;
}

struct arena *arena_free(struct arena *arena)
{
	if (!arena)
		return NULL;
	arena_reset(arena);
	free(arena->newest);
	free(arena);
	return NULL;
}

static struct block *block_for(struct arena *arena, size_t bytes)
{
	struct block *block = arena->newest;
	size_t size;

	if (bytes <= block->size - block->used)
		return block;
	size = MIN_OF(block->size * 2, (size_t)ARENA_BLOCK_MAX);
	block = block_new(MAX_OF(size, bytes));
	if (!block)
		return NULL;
	block->next = arena->newest;
	arena->newest = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	struct block *block;
	void *p;

	/* The limit counts whole aligned steps, an empty request being one: each gets an address
	 * of its own. */
	if (bytes > arena->left_bytes)
		return NULL;
	bytes = MAX_OF(bytes, (size_t)1);
	bytes = (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	if (bytes > arena->left_bytes)
		return NULL;
	block = block_for(arena, bytes);
	if (!block)
		return NULL;
	p = block->data + block->used;
	block->used += bytes;
	arena->left_bytes -= bytes;
	return memset(p, 0, bytes);
}

char *arena_cstr(struct arena *arena, struct slice s)
{
	char *copy = arena_alloc(arena, s.len + 1);

	return copy ? slice_cstr(s, copy, s.len + 1) : NULL;
}

struct slice arena_slice(struct arena *arena, struct slice s)
{
	char *copy = s.p ? arena_cstr(arena, s) : NULL;

	return copy ? slice_make(copy, s.len) : SLICE_NONE;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	assert(len >= 0);
	text = arena_alloc(arena, (size_t)len + 1);
	if (!text)
		return NULL;
	va_start(ap, fmt);
	(void)vsnprintf(text, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return text;
}
