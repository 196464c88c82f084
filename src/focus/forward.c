/* focus/forward.c */
#include "focus/forward.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "focus/focus_priv.h"
#include "sip/uri.h"
#include "store/store.h"

#define FORWARD_ITEMS "forward" /* in the store */

struct forwards {
	struct hash *by_user;
};

struct entry {
	struct hash_node node;
	char user[FORWARD_USER_MAX + 1];
	struct forward_rule rule;
};

static bool entry_is(const struct hash_node *node, const void *key)
{
	return slice_is(*(const struct slice *)key, CONTAINER_OF(node, struct entry, node)->user);
}

const char *forward_cause_name(enum forward_cause cause)
{
	static const char *const names[FORWARD_CAUSE_COUNT] = {"unconditional", "busy", "no_answer",
							       "unreachable"};

	assert(cause < FORWARD_CAUSE_COUNT);
	return names[cause];
}

enum forward_cause forward_cause_of(uint16_t status, bool is_transport)
{
	if (is_transport || status == 503 || status == 404)
		return FORWARD_UNREACHABLE;
	if (status == 486 || status == 600)
		return FORWARD_BUSY;
	if (status == 408 || status == 480 || status == 487)
		return FORWARD_NO_ANSWER;
	return FORWARD_CAUSE_COUNT;
}

int forwards_new(struct forwards **ret_forwards)
{
	struct forwards *forwards = calloc(1, sizeof(*forwards));
	int err = forwards ? hash_new(entry_is, &forwards->by_user) : -ENOMEM;

	if (err) {
		free(forwards);
		return err;
	}
	*ret_forwards = forwards;
	return 0;
}

static void free_entry(struct hash_node *node, void *arg)
{
	hash_remove(arg, node);
	free(CONTAINER_OF(node, struct entry, node));
}

struct forwards *forwards_free(struct forwards *forwards)
{
	if (!forwards)
		return NULL;
	hash_each(forwards->by_user, free_entry, forwards->by_user);
	hash_free(forwards->by_user);
	free(forwards);
	return NULL;
}

static struct entry *find(const struct forwards *forwards, struct slice user)
{
	struct hash_node *node = hash_find(forwards->by_user, hash_slice(user), &user);

	return node ? CONTAINER_OF(node, struct entry, node) : NULL;
}

const struct forward_rule *focus_forward_find(const struct focus *focus, struct slice user)
{
	const struct entry *entry = find(focus->forwards, user);

	return entry ? &entry->rule : NULL;
}

static bool is_empty(const struct forward_rule *rule)
{
	for (int i = 0; i < FORWARD_CAUSE_COUNT; i++)
		if (rule->targets[i][0])
			return false;
	return true;
}

static int check_rule(const struct forward_rule *rule)
{
	struct sip_uri uri;

	for (int i = 0; i < FORWARD_CAUSE_COUNT; i++) {
		if (!rule->targets[i][0])
			continue;
		if (sip_uri_parse(slice_of(rule->targets[i]), &uri) ||
		    uri.scheme == SIP_SCHEME_OTHER)
			return ERR_BAD_TARGET;
	}
	return 0;
}

static int put(struct forwards *forwards, struct slice user, const struct forward_rule *rule)
{
	struct entry *entry = find(forwards, user);

	if (!user.len || user.len > FORWARD_USER_MAX)
		return ERR_ROOM_NAME;
	if (!entry && hash_count(forwards->by_user) >= FORWARD_RULES_MAX)
		return ERR_LIMIT;
	if (!entry) {
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return -ENOMEM;
		slice_cstr(user, entry->user, sizeof(entry->user));
		hash_add(forwards->by_user, &entry->node, hash_slice(user));
	}
	entry->rule = *rule;
	return 0;
}

/* "seconds TAB unconditional TAB busy TAB no answer TAB unreachable": no URI has a tab. */
static void store_rule(struct focus *focus, struct slice user, const struct forward_rule *rule)
{
	char name[FORWARD_USER_MAX + 1];
	struct buf text = BUF_INIT;
	int err;

	if (!focus->store)
		return;
	buf_addf(&text, "%u", rule->no_answer_s);
	for (int i = 0; i < FORWARD_CAUSE_COUNT; i++)
		buf_addf(&text, "\t%s", rule->targets[i]);
	err = buf_err(&text);
	if (!err)
		err = store_item_put_post(focus->store, FORWARD_ITEMS,
					  slice_cstr(user, name, sizeof(name)), text.p);
	buf_done(&text);
	if (err)
		LOG(LOG_ERROR, "forward.not_stored", LOG_SLICE("user", user),
		    LOG_STR("error", err_text(err)));
}

int focus_forward_set(struct focus *focus, struct slice user, const struct forward_rule *rule)
{
	int err = check_rule(rule);

	if (err)
		return err;
	if (is_empty(rule)) {
		focus_forward_remove(focus, user);
		return 0;
	}
	err = put(focus->forwards, user, rule);
	if (err)
		return err;
	LOG(LOG_INFO, "forward.set", LOG_SLICE("user", user));
	store_rule(focus, user, rule);
	return 0;
}

void focus_forward_remove(struct focus *focus, struct slice user)
{
	struct entry *entry = find(focus->forwards, user);

	if (!entry)
		return;
	hash_remove(focus->forwards->by_user, &entry->node);
	LOG(LOG_INFO, "forward.removed", LOG_SLICE("user", user));
	if (focus->store)
		(void)store_item_delete_post(focus->store, FORWARD_ITEMS, entry->user);
	free(entry);
}

static void on_stored(void *arg, const char *name, const char *value)
{
	struct focus *focus = arg;
	struct forward_rule rule = {0};
	struct slice rest = slice_of(value);
	size_t end = slice_find(rest, '\t');
	int err = slice_u32(slice_first(rest, end), UINT32_MAX, &rule.no_answer_s);

	for (int i = 0; i < FORWARD_CAUSE_COUNT; i++) {
		rest = slice_from(rest, end + 1);
		end = slice_find(rest, '\t');
		slice_cstr(slice_first(rest, end), rule.targets[i], sizeof(rule.targets[i]));
	}
	if (!err)
		err = check_rule(&rule);
	if (!err && !is_empty(&rule))
		err = put(focus->forwards, slice_of(name), &rule);
	if (err)
		LOG(LOG_ERROR, "forward.not_restored", LOG_STR("user", name),
		    LOG_STR("error", err_text(err)));
}

int forwards_load(struct focus *focus)
{
	return focus->store ? store_items_load(focus->store, FORWARD_ITEMS, on_stored, focus) : 0;
}
