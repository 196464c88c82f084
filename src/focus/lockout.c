/* focus/lockout.c */
#include "focus/lockout.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/list.h"

struct entry {
	struct hash_node node;
	struct list by_age; /* the one heard of longest ago first */
	char key[LOCKOUT_KEY_MAX + 1];
	uint32_t failures;
	uint64_t failed_ms, until_ms;
	uint64_t turn_ms; /* the last turn that was taken */
};

struct lockout {
	struct hash *entries;
	struct list by_age;
	uint32_t count;
};

static bool has_key(const struct hash_node *node, const void *key)
{
	const struct entry *entry = LIST_ENTRY(node, struct entry, node);

	return slice_is(*(const struct slice *)key, entry->key);
}

int lockout_new(struct lockout **ret_lockout)
{
	struct lockout *lockout = calloc(1, sizeof(*lockout));
	int err;

	if (!lockout)
		return -ENOMEM;
	list_init(&lockout->by_age);
	err = hash_new(has_key, &lockout->entries);
	if (err) {
		free(lockout);
		return err;
	}
	*ret_lockout = lockout;
	return 0;
}

static void entry_drop(struct lockout *lockout, struct entry *entry)
{
	hash_remove(lockout->entries, &entry->node);
	list_remove(&entry->by_age);
	lockout->count--;
	free(entry);
}

struct lockout *lockout_free(struct lockout *lockout)
{
	if (!lockout)
		return NULL;
	while (!list_empty(&lockout->by_age))
		entry_drop(lockout, LIST_ENTRY(lockout->by_age.next, struct entry, by_age));
	hash_free(lockout->entries);
	free(lockout);
	return NULL;
}

static struct slice cut(struct slice key)
{
	return slice_first(key, MIN_OF(key.len, (size_t)LOCKOUT_KEY_MAX));
}

static struct entry *entry_find(const struct lockout *lockout, struct slice key)
{
	struct hash_node *node = hash_find(lockout->entries, hash_slice(key), &key);

	return node ? LIST_ENTRY(node, struct entry, node) : NULL;
}

static void forget_old(struct lockout *lockout, uint64_t now_ms)
{
	while (!list_empty(&lockout->by_age)) {
		struct entry *entry = LIST_ENTRY(lockout->by_age.next, struct entry, by_age);

		if (lockout->count < LOCKOUT_ENTRIES_MAX &&
		    now_ms < entry->failed_ms + LOCKOUT_KEEP_MS)
			break;
		entry_drop(lockout, entry);
	}
}

uint64_t lockout_wait_ms(struct lockout *lockout, struct slice key, uint64_t now_ms)
{
	const struct entry *entry = entry_find(lockout, cut(key));

	return entry && entry->until_ms > now_ms ? entry->until_ms - now_ms : 0;
}

uint64_t lockout_delay_ms(const struct lockout *lockout, struct slice key)
{
	const struct entry *entry = entry_find(lockout, cut(key));
	uint64_t delay_ms = LOCKOUT_DELAY_MS;

	if (!entry || entry->failures < LOCKOUT_ROOM_FREE)
		return 0;
	for (uint32_t i = LOCKOUT_ROOM_FREE; i < entry->failures && delay_ms < LOCKOUT_DELAY_MAX_MS;
	     i++)
		delay_ms *= 2;
	return MIN_OF(delay_ms, (uint64_t)LOCKOUT_DELAY_MAX_MS);
}

static struct entry *entry_make(struct lockout *lockout, struct slice key)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	slice_cstr(key, entry->key, sizeof(entry->key));
	hash_add(lockout->entries, &entry->node, hash_slice(key));
	list_init(&entry->by_age);
	lockout->count++;
	return entry;
}

static uint64_t pause_ms(uint32_t failures)
{
	uint64_t pause = LOCKOUT_FIRST_MS;

	if (failures < LOCKOUT_FREE)
		return 0;
	for (uint32_t i = LOCKOUT_FREE; i < failures && pause < LOCKOUT_MAX_MS; i++)
		pause *= 2;
	return MIN_OF(pause, (uint64_t)LOCKOUT_MAX_MS);
}

/* It is heard of now. NULL: no memory. */
static struct entry *entry_touch(struct lockout *lockout, struct slice key, uint64_t now_ms)
{
	struct entry *entry = entry_find(lockout, key);

	if (!entry) {
		forget_old(lockout, now_ms);
		entry = entry_make(lockout, key);
	}
	if (!entry)
		return NULL;
	entry->failed_ms = now_ms;
	list_remove(&entry->by_age);
	list_append(&lockout->by_age, &entry->by_age);
	return entry;
}

int lockout_turn_ms(struct lockout *lockout, struct slice key, uint64_t now_ms, uint64_t *delay_ms)
{
	struct entry *entry = entry_touch(lockout, cut(key), now_ms);
	uint64_t turn_ms;

	if (!entry)
		return 0; /* it waits for itself alone */
	turn_ms = MAX_OF(entry->turn_ms, now_ms) + *delay_ms;
	if (turn_ms - now_ms > LOCKOUT_TURNS_MAX_MS)
		return ERR_LIMIT;
	entry->turn_ms = turn_ms;
	*delay_ms = turn_ms - now_ms;
	return 0;
}

void lockout_failed(struct lockout *lockout, struct slice key, uint64_t now_ms)
{
	struct entry *entry = entry_touch(lockout, cut(key), now_ms);

	if (!entry)
		return; /* no memory: the guess was still refused */
	entry->failures++;
	entry->until_ms = now_ms + pause_ms(entry->failures);
}

void lockout_passed(struct lockout *lockout, struct slice key)
{
	struct entry *entry = entry_find(lockout, cut(key));

	if (entry)
		entry_drop(lockout, entry);
}
