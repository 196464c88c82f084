#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "tests/support/check.h"

struct entry {
	uint32_t key;
	unsigned visits;
	struct hash_node node;
};

static struct entry *entry_of(const struct hash_node *node)
{
	return CONTAINER_OF(node, struct entry, node);
}

static bool match(const struct hash_node *node, const void *key)
{
	return entry_of(node)->key == *(const uint32_t *)key;
}

static uint64_t key_hash(uint32_t key)
{
	return hash_bytes(&key, sizeof(key));
}

static struct entry *find(struct hash *hash, uint32_t key)
{
	struct hash_node *node = hash_find(hash, key_hash(key), &key);

	return node ? entry_of(node) : NULL;
}

static void add_find_remove(void)
{
	struct entry a = {.key = 1}, b = {.key = 2}, twin = {.key = 1};
	struct hash *hash = NULL;

	CHECK_INT(NULL, hash_new(match, &hash), 0);
	CHECK("empty", find(hash, 1) == NULL);
	hash_add(hash, &a.node, key_hash(1));
	hash_add(hash, &b.node, key_hash(2));
	CHECK(NULL, find(hash, 1) == &a && find(hash, 2) == &b && !find(hash, 3));
	hash_add(hash, &twin.node, key_hash(1));
	CHECK_INT(NULL, hash_count(hash), 3);
	hash_remove(hash, &twin.node);
	CHECK("the other one of the key", find(hash, 1) == &a);
	hash_remove(hash, &twin.node);
	CHECK_INT("twice is harmless", hash_count(hash), 2);
	hash_remove(hash, &a.node);
	CHECK(NULL, find(hash, 1) == NULL && find(hash, 2) == &b);
	CHECK(NULL, hash_free(hash) == NULL);
	CHECK(NULL, hash_free(NULL) == NULL);
}

static void same_hash_other_key(void)
{
	struct entry entries[3] = {{.key = 0}, {.key = 1}, {.key = 2}};
	struct hash *hash = NULL;
	uint32_t key;

	CHECK_INT(NULL, hash_new(match, &hash), 0);
	for (int i = 0; i < 3; i++)
		hash_add(hash, &entries[i].node, 4711);
	for (key = 0; key < 3; key++)
		CHECK(NULL, hash_find(hash, 4711, &key) == &entries[key].node);
	CHECK("not found", hash_find(hash, 4711, &key) == NULL);
	hash_remove(hash, &entries[1].node);
	key = 2;
	CHECK("rest of the chain", hash_find(hash, 4711, &key) == &entries[2].node);
	hash_free(hash);
}

static void visit(struct hash_node *node, void *arg)
{
	unsigned *total = arg;

	entry_of(node)->visits++;
	++*total;
}

/* Each growth and each shrinking passes through every half-moved state; after each step all
 * nodes must be found and visited once. Small enough to check everything every time. */
static void every_state_of_a_resize(void)
{
	enum { COUNT = 600 };
	static struct entry entries[COUNT];
	struct hash *hash = NULL;
	bool is_sound = true;

	CHECK_INT(NULL, hash_new(match, &hash), 0);
	for (uint32_t step = 0; step < 2 * COUNT; step++) {
		uint32_t changed = step % COUNT;
		uint32_t from = step < COUNT ? 0 : changed + 1,
			 to = step < COUNT ? changed + 1 : COUNT;
		unsigned total = 0;

		entries[changed].key = changed;
		if (step < COUNT)
			hash_add(hash, &entries[changed].node, key_hash(changed));
		else
			hash_remove(hash, &entries[changed].node);
		hash_each(hash, visit, &total);
		is_sound = is_sound && total == to - from && hash_count(hash) == to - from;
		for (uint32_t key = 0; key < COUNT && step % 7 == 0; key++) {
			struct entry *want = key >= from && key < to ? &entries[key] : NULL;

			is_sound = is_sound && find(hash, key) == want;
		}
	}
	CHECK(NULL, is_sound);
	for (uint32_t key = 0; key < COUNT; key++) /* added at `key`, removed at COUNT + key */
		is_sound = is_sound && entries[key].visits == COUNT;
	CHECK("each was visited once a step", is_sound);
	hash_free(hash);
}

/* 100,000 nodes come and go at random, against an array of flags. */
static void many_nodes(void)
{
	enum { COUNT = 100000 };
	struct entry *entries = calloc(COUNT, sizeof(entries[0]));
	struct hash *hash = NULL;
	struct random random;
	bool is_sound = true;
	size_t live = 0;
	unsigned total = 0;

	random_init_seeded(&random, 5);
	CHECK_INT(NULL, hash_new(match, &hash), 0);
	for (uint32_t key = 0; key < COUNT; key++) {
		entries[key].key = key;
		hash_add(hash, &entries[key].node, key_hash(key));
	}
	live = COUNT;
	for (int step = 0; step < 300000; step++) {
		struct entry *entry = &entries[random_below(&random, COUNT)];
		bool was_linked = hash_linked(&entry->node);

		is_sound = is_sound && find(hash, entry->key) == (was_linked ? entry : NULL);
		if (was_linked)
			hash_remove(hash, &entry->node);
		else
			hash_add(hash, &entry->node, key_hash(entry->key));
		live = was_linked ? live - 1 : live + 1;
	}
	CHECK(NULL, is_sound);
	CHECK_INT(NULL, hash_count(hash), live);
	hash_each(hash, visit, &total);
	CHECK_INT(NULL, total, live);
	for (uint32_t key = 0; key < COUNT; key++)
		is_sound = is_sound && entries[key].visits == hash_linked(&entries[key].node);
	CHECK("each once", is_sound);
	hash_free(hash);
	free(entries);
}

struct sweep {
	struct hash *hash;
	unsigned seen;
	uint32_t every;  /* key that is a multiple of it */
	bool is_removed; /* goes, or stays */
};

static bool stays(const struct sweep *sweep, uint32_t key)
{
	return (key % sweep->every == 0) != sweep->is_removed;
}

static void visit_sweep(struct hash_node *node, void *arg)
{
	struct sweep *sweep = arg;

	sweep->seen++;
	if (stays(sweep, entry_of(node)->key))
		return;
	hash_remove(sweep->hash, node);
	free(entry_of(node));
}

static void sweep(struct sweep sweep, uint32_t count)
{
	bool is_sound = true;
	uint32_t left = 0;

	CHECK_INT(NULL, hash_new(match, &sweep.hash), 0);
	for (uint32_t key = 0; key < count; key++) {
		struct entry *entry = calloc(1, sizeof(*entry));

		entry->key = key;
		hash_add(sweep.hash, &entry->node, key_hash(key));
	}
	hash_each(sweep.hash, visit_sweep, &sweep);
	CHECK_INT("each seen once", sweep.seen, count);
	for (uint32_t key = 0; key < count; key++) {
		left += stays(&sweep, key);
		is_sound = is_sound && (find(sweep.hash, key) != NULL) == stays(&sweep, key);
	}
	CHECK("the right ones are left", is_sound && hash_count(sweep.hash) == left);
	sweep.every = 1;
	sweep.is_removed = true;
	hash_each(sweep.hash, visit_sweep, &sweep);
	CHECK_INT("none left", hash_count(sweep.hash), 0);
	hash_free(sweep.hash);
}

/* Removing few nodes must not move others past the walk, removing most must not shrink the table
 * under it. Different sizes stop the growth before in different places. */
static void removal_while_walking(void)
{
	for (uint32_t count = 0; count < 3000; count += 97) {
		sweep((struct sweep){.every = 3}, count);
		sweep((struct sweep){.every = 50}, count);
		sweep((struct sweep){.every = 50, .is_removed = true}, count);
	}
}

/* SipHash-1-3 of 0, 1, ... n-1 under the key 0 .. 15 (the paper's test input), computed by another
 * implementation that also gives the paper's value for SipHash-2-4. */
static void siphash_vectors(void)
{
	static const struct {
		size_t len;
		uint64_t want;
	} cases[] = {
		{0, 0xabac0158050fc4dc},  {1, 0xc9f49bf37d57ca93},  {7, 0xd3927d989bb11140},
		{8, 0x369095118d299a8e},  {9, 0x25a48eb36c063de4},  {15, 0xd320d86d2a519956},
		{16, 0xcc4fdd1a7d908b66}, {63, 0x9d199062b7bbb3a8},
	};
	uint8_t in[64];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	hash_seed(0x0706050403020100, 0x0f0e0d0c0b0a0908);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_INT(NULL, hash_bytes(in, cases[i].len), cases[i].want);
}

static void case_folding(void)
{
	bool is_sound = true;

	hash_seed(1, 2);
	CHECK(NULL, hash_islice(SLICE("Z9hG4bK-Branch")) == hash_islice(SLICE("z9HG4BK-bRANCH")));
	CHECK("not the other", hash_slice(SLICE("Branch")) != hash_slice(SLICE("branch")));
	CHECK("lower case as is",
	      hash_islice(SLICE("branch-0123")) == hash_slice(SLICE("branch-0123")));
	/* Every pair of octets, at every place of a word and in the tail, against slice_ieq. */
	for (unsigned a = 0; a < 256; a++) {
		for (unsigned at = 0; at < 11; at++) {
			char x[11] = "aaaaaaaaaaa", y[11] = "aaaaaaaaaaa";
			struct slice sx = slice_make(x, 11), sy = slice_make(y, 11);

			x[at] = (char)a;
			y[at] = (char)(a ^ 0x20);
			is_sound = is_sound &&
				   slice_ieq(sx, sy) == (hash_islice(sx) == hash_islice(sy));
		}
	}
	CHECK(NULL, is_sound);
}

static void key_matters(void)
{
	uint64_t one, two;

	hash_seed(1, 2);
	one = hash_slice(SLICE("z9hG4bK"));
	hash_seed(1, 3);
	two = hash_slice(SLICE("z9hG4bK"));
	CHECK("another key", one != two);
	CHECK("length counts", hash_bytes("\0", 1) != hash_bytes("", 0));
	CHECK("mix is ordered", hash_mix(1, 2) != hash_mix(2, 1));
	CHECK("mix is stable", hash_mix(1, 2) == hash_mix(1, 2));
}

void suite_hash(void)
{
	CHECK_SUITE("hash");
	CHECK_TEST(add_find_remove);
	CHECK_TEST(same_hash_other_key);
	CHECK_TEST(every_state_of_a_resize);
	CHECK_TEST(many_nodes);
	CHECK_TEST(removal_while_walking);
	CHECK_TEST(siphash_vectors);
	CHECK_TEST(case_folding);
	CHECK_TEST(key_matters);
}
