/* base/hash.c -- chained table with incremental rehashing, and SipHash-1-3.
 *
 * While the table is being resized there are two bucket arrays. A node of old bucket b lives in the
 * old array until bucket b has been moved, and in the new one afterwards; `moved` says how far we
 * are. So every node has exactly one place, also while moving, and a search looks at one chain.
 * Every operation moves RESIZE_STEP buckets: a table of n buckets is done after n / RESIZE_STEP
 * operations, long before n more nodes could ask for the next size.
 */
#include "base/hash.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/random.h"

enum { BUCKETS_MIN = 16, RESIZE_STEP = 4 };

struct buckets {
	struct hash_node **first; /* NULL: none */
	size_t count;             /* power of two */
};

struct hash {
	hash_match_fn *match;
	struct buckets now, old; /* old.first is set while moving */
	size_t moved;            /* buckets of `old` that are empty for good */
	size_t node_count;
	bool is_walking; /* inside hash_each: nothing may move */
};

static int buckets_init(struct buckets *b, size_t count)
{
	b->first = calloc(count, sizeof(b->first[0]));
	if (!b->first)
		return -ENOMEM;
	b->count = count;
	return 0;
}

int hash_new(hash_match_fn *match, struct hash **ret_hash)
{
	struct hash *hash = calloc(1, sizeof(*hash));

	assert(match != NULL);
	if (!hash)
		return -ENOMEM;
	if (buckets_init(&hash->now, BUCKETS_MIN)) {
		free(hash);
		return -ENOMEM;
	}
	hash->match = match;
	*ret_hash = hash;
	return 0;
}

struct hash *hash_free(struct hash *hash)
{
	if (!hash)
		return NULL;
	free(hash->now.first);
	free(hash->old.first);
	free(hash);
	return NULL;
}

static struct hash_node **bucket_of(const struct buckets *b, uint64_t key_hash)
{
	return &b->first[key_hash & (b->count - 1)];
}

/* The one chain in which a node of this hash is. */
static struct hash_node **chain_of(const struct hash *hash, uint64_t key_hash)
{
	if (hash->old.first && (key_hash & (hash->old.count - 1)) >= hash->moved)
		return bucket_of(&hash->old, key_hash);
	return bucket_of(&hash->now, key_hash);
}

static void link_node(struct hash_node **first, struct hash_node *node)
{
	node->next = *first;
	node->at = first;
	if (node->next)
		node->next->at = &node->next;
	*first = node;
}

static void move_bucket(struct hash *hash, struct hash_node *node)
{
	while (node) {
		struct hash_node *next = node->next;

		link_node(bucket_of(&hash->now, node->hash), node);
		node = next;
	}
}

static void resize_step(struct hash *hash)
{
	if (!hash->old.first || hash->is_walking)
		return;
	for (int i = 0; i < RESIZE_STEP && hash->moved < hash->old.count; i++)
		move_bucket(hash, hash->old.first[hash->moved++]);
	if (hash->moved == hash->old.count) {
		free(hash->old.first);
		hash->old = (struct buckets){0};
	}
}

/* Grows at one node per two buckets, because each node on the way through a chain may be cold
 * memory; shrinks at one per 128; by four, because each change touches every node. Without memory
 * all stays as it is. */
static void resize_start(struct hash *hash)
{
	size_t count = hash->now.count;
	struct buckets larger;

	if (hash->old.first || hash->is_walking)
		return;
	if (hash->node_count > count / 2)
		count *= 4;
	else if (hash->node_count < count / 128 && count > BUCKETS_MIN)
		count /= 4;
	else
		return;
	if (buckets_init(&larger, count))
		return;
	hash->old = hash->now;
	hash->now = larger;
	hash->moved = 0;
}

void hash_add(struct hash *hash, struct hash_node *node, uint64_t key_hash)
{
	assert(!node->at);
	assert(!hash->is_walking);
	resize_step(hash);
	node->hash = key_hash;
	link_node(chain_of(hash, key_hash), node);
	hash->node_count++;
	resize_start(hash);
}

/* Neighbours are written to and never read: nothing waits for their memory. */
void hash_remove(struct hash *hash, struct hash_node *node)
{
	if (!node->at)
		return;
	resize_step(hash);
	assert(hash->node_count > 0);
	*node->at = node->next;
	if (node->next)
		node->next->at = node->at;
	node->next = NULL;
	node->at = NULL;
	hash->node_count--;
	resize_start(hash);
}

struct hash_node *hash_find(struct hash *hash, uint64_t key_hash, const void *key)
{
	struct hash_node *node;

	resize_step(hash);
	for (node = *chain_of(hash, key_hash); node; node = node->next) {
		if (node->hash == key_hash && hash->match(node, key))
			return node;
	}
	return NULL;
}

size_t hash_count(const struct hash *hash)
{
	return hash->node_count;
}

static void walk(const struct buckets *b, size_t from, void (*visit)(struct hash_node *, void *),
		 void *arg)
{
	for (size_t i = from; i < b->count; i++) {
		struct hash_node *next;

		for (struct hash_node *node = b->first[i]; node; node = next) {
			next = node->next; /* visit may remove and free the node */
			visit(node, arg);
		}
	}
}

void hash_each(struct hash *hash, void (*visit)(struct hash_node *node, void *arg), void *arg)
{
	assert(!hash->is_walking);
	hash->is_walking = true;
	walk(&hash->now, 0, visit, arg);
	if (hash->old.first)
		walk(&hash->old, hash->moved, visit, arg);
	hash->is_walking = false;
}

/* The key ---------------------------------------------------------------------------------- */

static uint64_t sip_key[2];
static atomic_bool sip_key_set;
static pthread_once_t sip_key_once = PTHREAD_ONCE_INIT;

void hash_seed(uint64_t key0, uint64_t key1)
{
	sip_key[0] = key0;
	sip_key[1] = key1;
	atomic_store_explicit(&sip_key_set, true, memory_order_release);
}

static void draw_key(void)
{
	struct random random;

	if (atomic_load_explicit(&sip_key_set, memory_order_acquire))
		return;
	random_init_system(&random);
	hash_seed(random_u64(&random), random_u64(&random));
}

static void need_key(void)
{
	if (!atomic_load_explicit(&sip_key_set, memory_order_acquire))
		(void)pthread_once(&sip_key_once, draw_key);
}

/* SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): one round per
 * eight octets, three at the end. ------------------------------------------------------------ */

struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotl(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

static void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

/* Sets bit 5 of every octet that is one of A-Z, all eight at once: the seven low bits of each octet
 * plus (128 - 'A') carry into bit 7 when the octet is at least 'A', plus (127 - 'Z') when it is
 * above 'Z'; octets with bit 7 of their own are no letters. */
static uint64_t fold_word(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t low = word & (ones * 0x7f);
	uint64_t from_a = low + ones * (128 - 'A');
	uint64_t above_z = low + ones * (127 - 'Z');
	uint64_t letters = from_a & ~above_z & ~word & (ones * 0x80);

	return word | letters >> 2;
}

static uint64_t sip_hash(const void *data, size_t len, bool is_folded)
{
	const char *p = data;
	struct sip s;
	uint64_t word;

	need_key();
	s.v0 = sip_key[0] ^ 0x736f6d6570736575;
	s.v1 = sip_key[1] ^ 0x646f72616e646f6d;
	s.v2 = sip_key[0] ^ 0x6c7967656e657261;
	s.v3 = sip_key[1] ^ 0x7465646279746573;
	for (size_t left = len; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		word = le64toh(word);
		sip_word(&s, is_folded ? fold_word(word) : word);
	}
	word = 0;
	if (len % 8)
		memcpy(&word, p, len % 8);
	word = le64toh(word);
	if (is_folded)
		word = fold_word(word);
	sip_word(&s, word | (uint64_t)len << 56);
	s.v2 ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t hash_bytes(const void *data, size_t len)
{
	return sip_hash(data, len, false);
}

uint64_t hash_slice(struct slice s)
{
	return sip_hash(s.p, s.len, false);
}

uint64_t hash_islice(struct slice s)
{
	return sip_hash(s.p, s.len, true);
}

uint64_t hash_mix(uint64_t a, uint64_t b)
{
	uint64_t both[2] = {a, b};

	return sip_hash(both, sizeof(both), false);
}
