#include "base/list.h"

#include "tests/support/check.h"

struct item {
	char name;
	struct list node;
};

static struct slice names(struct list *head, char out[16])
{
	struct list *it, *tmp;
	size_t len = 0;

	LIST_FOREACH (it, tmp, head)
		out[len++] = LIST_ENTRY(it, struct item, node)->name;
	return slice_make(out, len);
}

static void append_and_remove(void)
{
	struct item a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};
	struct list head;
	char out[16];

	list_init(&head);
	CHECK("new", list_empty(&head));
	CHECK_SLICE("new", names(&head, out), "");
	list_append(&head, &a.node);
	list_append(&head, &b.node);
	list_append(&head, &c.node);
	CHECK_SLICE(NULL, names(&head, out), "abc");
	list_remove(&b.node);
	CHECK_SLICE("middle", names(&head, out), "ac");
	list_remove(&b.node);
	CHECK_SLICE("twice is harmless", names(&head, out), "ac");
	CHECK("out of it", list_empty(&b.node) && !list_empty(&a.node));
	list_remove(&a.node);
	list_remove(&c.node);
	CHECK("all gone", list_empty(&head));
}

static void zeroed_node(void)
{
	struct item a = {.name = 'a'};

	CHECK(NULL, list_empty(&a.node));
	list_remove(&a.node);
	CHECK(NULL, list_empty(&a.node));
}

static void remove_while_walking(void)
{
	struct item items[4] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}, {.name = 'd'}};
	struct list head, *it, *tmp;
	char out[16];

	list_init(&head);
	for (int i = 0; i < 4; i++)
		list_append(&head, &items[i].node);
	LIST_FOREACH (it, tmp, &head) {
		if (LIST_ENTRY(it, struct item, node)->name != 'c')
			list_remove(it);
	}
	CHECK_SLICE(NULL, names(&head, out), "c");
}

static void move_all(void)
{
	struct item items[4] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}, {.name = 'd'}};
	struct list one, two;
	char out[16];

	list_init(&one);
	list_init(&two);
	list_move_all(&one, &two);
	CHECK("nothing to nothing", list_empty(&one) && list_empty(&two));
	for (int i = 0; i < 4; i++)
		list_append(i < 2 ? &one : &two, &items[i].node);
	list_move_all(&one, &two);
	CHECK_SLICE("appended in order", names(&one, out), "abcd");
	CHECK("source is empty", list_empty(&two));
	list_move_all(&two, &one);
	CHECK_SLICE("to an empty list", names(&two, out), "abcd");
	list_remove(&items[3].node);
	list_remove(&items[0].node);
	CHECK_SLICE("backward links are right", names(&two, out), "bc");
}

void suite_list(void)
{
	CHECK_SUITE("list");
	CHECK_TEST(append_and_remove);
	CHECK_TEST(zeroed_node);
	CHECK_TEST(remove_while_walking);
	CHECK_TEST(move_all);
}
