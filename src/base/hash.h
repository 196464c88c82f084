/* base/hash.h -- intrusive hash table with keyed hashing, constant cost at any size.
 *
 * Design: chained buckets; when the table fills it doubles, and the old buckets move over a few at
 * a time with every later operation, so that no single call pays for all of them (100,000
 * transactions must cost the same as 1,000). The hash is SipHash-1-3 under a key drawn at start, so
 * that a peer who chooses the keys (branches, Call-IDs) cannot make them collide.
 * Ownership: nodes live in the caller's objects, the table owns only its buckets.
 * Thread: one owner.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/slice.h"

struct hash_node {
	struct hash_node *next, **at; /* private; *at is this node, NULL: in no table */
	uint64_t hash;                /* private */
};

/* True when `node` has the key that `key` describes. */
typedef bool hash_match_fn(const struct hash_node *node, const void *key);

struct hash;

/* -ENOMEM. */
int hash_new(hash_match_fn *match, struct hash **ret_hash);

/* The nodes are left alone. Accepts NULL; returns NULL. */
struct hash *hash_free(struct hash *hash);

/* Adds a node that is in no table; several nodes may share a key. Never fails: when growing runs
 * out of memory the chains get longer. */
void hash_add(struct hash *hash, struct hash_node *node, uint64_t key_hash);

/* Harmless for a node that is not linked. */
void hash_remove(struct hash *hash, struct hash_node *node);

static inline bool hash_linked(const struct hash_node *node)
{
	return node->at != NULL;
}

/* The first match or NULL. */
struct hash_node *hash_find(struct hash *hash, uint64_t key_hash, const void *key);

size_t hash_count(const struct hash *hash);

/* Visits every node, in no order; `visit` may remove the node it is given, and nothing else. */
void hash_each(struct hash *hash, void (*visit)(struct hash_node *node, void *arg), void *arg);

/* Keyed hash of octets. The key is drawn once per process (hash_seed, or the kernel at first use).
 */
uint64_t hash_bytes(const void *data, size_t len);
uint64_t hash_slice(struct slice s);
uint64_t hash_islice(struct slice s);         /* ASCII case folded */
uint64_t hash_mix(uint64_t a, uint64_t b);    /* combines two hashes */
void hash_seed(uint64_t key0, uint64_t key1); /* tests: reproducible order */

#endif
