#include "base/pool.h"

#include <stdint.h>
#include <string.h>

#include "tests/support/check.h"

struct object {
	struct pool_item item;
	char octets[100];
};

enum { REST = 37, COUNT = 1000 };

static bool holds(const struct object *object, int value)
{
	const char *rest = object->item.rest;

	return object->octets[0] == (char)value && object->octets[99] == (char)value &&
	       rest[0] == (char)value && rest[REST - 1] == (char)value;
}

static void fill(struct object *object, int value)
{
	memset(object->octets, value, sizeof(object->octets));
	memset(object->item.rest, value, REST);
}

/* Both parts of a thousand objects, of which every third comes and goes; none lies on another. */
static void apart(void)
{
	static struct object *objects[COUNT];
	struct pool *pool = NULL;
	bool is_aligned = true, is_kept = true;

	CHECK_INT(NULL, pool_new(sizeof(struct object), REST, &pool), 0);
	for (int i = 0; i < COUNT; i++) {
		objects[i] = pool_take(pool);
		is_aligned = is_aligned && (uintptr_t)objects[i] % 64 == 0 &&
			     (uintptr_t)objects[i]->item.rest % _Alignof(max_align_t) == 0;
		fill(objects[i], i);
	}
	CHECK("aligned", is_aligned);
	for (int round = 1; round <= 3; round++) {
		for (int i = round; i < COUNT; i += 3)
			pool_give(pool, objects[i]);
		for (int i = round; i < COUNT; i += 3) {
			objects[i] = pool_take(pool);
			fill(objects[i], i + round);
			is_kept = is_kept &&
				  holds(objects[i - 1], i - 1 + (round > 1 ? round - 1 : 0));
		}
	}
	CHECK("what is not given back is left alone", is_kept);
	for (int i = 0; i < COUNT; i++)
		pool_give(pool, objects[i]);
	CHECK("taken again once all are back", (objects[0] = pool_take(pool)) != NULL);
	pool_give(pool, objects[0]);
	CHECK("freed", pool_free(pool) == NULL && pool_free(NULL) == NULL);
}

void suite_pool(void)
{
	CHECK_SUITE("pool");
	CHECK_TEST(apart);
}
