/* http/idempotency.c -- a hash for finding, a list in order of age for forgetting.
 *
 * Key and body are kept as two keyed 64-bit hashes each, not as text: a stranger who does not know
 * the process' hash key cannot make two of them meet.
 */
#include "http/idempotency.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/list.h"

struct entry {
	struct hash_node node;
	struct list by_age;
	uint64_t key_hash, body_hash;
	size_t body_len;
	uint64_t put_ms;
	struct idempotency_answer answer;
};

struct idempotency {
	struct hash *hash;
	struct list by_age; /* oldest first */
	uint32_t count;
};

static bool is_match(const struct hash_node *node, const void *key)
{
	const struct entry *entry = CONTAINER_OF((void *)(uintptr_t)node, struct entry, node);

	return entry->key_hash == *(const uint64_t *)key;
}

static uint64_t key_hash_of(struct slice path, struct slice key)
{
	return hash_mix(hash_slice(path), hash_slice(key));
}

int idempotency_new(struct idempotency **ret_cache)
{
	struct idempotency *cache = calloc(1, sizeof(*cache));
	int err;

	if (!cache)
		return -ENOMEM;
	list_init(&cache->by_age);
	err = hash_new(is_match, &cache->hash);
	if (err) {
		free(cache);
		return err;
	}
	*ret_cache = cache;
	return 0;
}

static void drop(struct idempotency *cache, struct entry *entry)
{
	hash_remove(cache->hash, &entry->node);
	list_remove(&entry->by_age);
	buf_done(&entry->answer.body);
	free(entry);
	cache->count--;
}

static struct entry *oldest(struct idempotency *cache)
{
	return list_empty(&cache->by_age) ? NULL
					  : LIST_ENTRY(cache->by_age.next, struct entry, by_age);
}

struct idempotency *idempotency_free(struct idempotency *cache)
{
	if (!cache)
		return NULL;
	while (oldest(cache))
		drop(cache, oldest(cache));
	hash_free(cache->hash);
	free(cache);
	return NULL;
}

static void forget_old(struct idempotency *cache, uint64_t now_ms)
{
	while (oldest(cache) && now_ms - oldest(cache)->put_ms >= IDEMPOTENCY_KEPT_MS)
		drop(cache, oldest(cache));
}

static struct entry *find(struct idempotency *cache, uint64_t key_hash)
{
	struct hash_node *node = hash_find(cache->hash, key_hash, &key_hash);

	return node ? CONTAINER_OF(node, struct entry, node) : NULL;
}

int idempotency_find(struct idempotency *cache, const struct idempotency_ask *ask,
		     const struct idempotency_answer **ret_answer)
{
	const struct entry *entry;

	forget_old(cache, ask->now_ms);
	entry = find(cache, key_hash_of(ask->path, ask->key));
	if (!entry) {
		*ret_answer = NULL;
		return 0;
	}
	if (entry->body_len != ask->body.len || entry->body_hash != hash_slice(ask->body))
		return ERR_HTTP_KEY_REUSED;
	*ret_answer = &entry->answer;
	return 0;
}

int idempotency_put(struct idempotency *cache, const struct idempotency_ask *ask,
		    const struct idempotency_answer *answer)
{
	uint64_t key_hash = key_hash_of(ask->path, ask->key);
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	entry->answer = *answer;
	entry->answer.body = BUF_INIT;
	buf_addslice(&entry->answer.body, buf_slice(&answer->body));
	if (buf_err(&entry->answer.body)) {
		buf_done(&entry->answer.body);
		free(entry);
		return -ENOMEM;
	}
	assert(!find(cache, key_hash)); /* the caller asked before it acted */
	if (cache->count == IDEMPOTENCY_MAX)
		drop(cache, oldest(cache));
	entry->key_hash = key_hash;
	entry->body_hash = hash_slice(ask->body);
	entry->body_len = ask->body.len;
	entry->put_ms = ask->now_ms;
	hash_add(cache->hash, &entry->node, key_hash);
	list_append(&cache->by_age, &entry->by_age);
	cache->count++;
	return 0;
}

uint32_t idempotency_count(const struct idempotency *cache)
{
	return cache->count;
}
