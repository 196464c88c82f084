/* focus/location.c */
#include "focus/location.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/sips.h"

enum { MS_PER_S = 1000 };

struct location {
	struct wheel *wheel;
	struct clock clock;
	struct random *random;
	struct sip_net net;
	location_fn *on_change;
	void *arg;
	struct hash *aors, *by_epoch;
	struct gruu_key key;
	struct aor **order; /* by name */
	uint32_t aor_count, order_cap, binding_count;
	struct location_stats stats;
};

/* Addresses of record ------------------------------------------------------------------------- */

static bool aor_is(const struct hash_node *node, const void *key)
{
	return slice_is(*(const struct slice *)key, CONTAINER_OF(node, struct aor, node)->user);
}

static bool epoch_is(const struct hash_node *node, const void *key)
{
	return CONTAINER_OF(node, struct binding, by_epoch)->epoch == *(const uint64_t *)key;
}

/* Of the first name behind `user`. */
static uint32_t place_behind(const struct location *location, struct slice user)
{
	uint32_t low = 0, high = location->aor_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (slice_compare(slice_of(location->order[mid]->user), user) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct aor *find_aor(struct location *location, struct slice user)
{
	struct hash_node *node = hash_find(location->aors, hash_slice(user), &user);

	return node ? CONTAINER_OF(node, struct aor, node) : NULL;
}

static int grow_order(struct location *location)
{
	uint32_t cap = location->order_cap ? location->order_cap * 2 : 16;
	struct aor **order;

	if (location->aor_count < location->order_cap)
		return 0;
	order = realloc(location->order, cap * sizeof(struct aor *));
	if (!order)
		return -ENOMEM;
	location->order = order;
	location->order_cap = cap;
	return 0;
}

static int make_aor(struct location *location, struct slice user, struct aor **ret_aor)
{
	struct aor *aor;
	uint32_t at;

	if (user.len > LOCATION_USER_MAX)
		return ERR_LIMIT;
	if (grow_order(location))
		return -ENOMEM;
	aor = calloc(1, sizeof(*aor));
	if (!aor)
		return -ENOMEM;
	list_init(&aor->bindings);
	slice_cstr(user, aor->user, sizeof(aor->user));
	hash_add(location->aors, &aor->node, hash_slice(user));
	at = place_behind(location, user);
	memmove(location->order + at + 1, location->order + at,
		(location->aor_count - at) * sizeof(struct aor *));
	location->order[at] = aor;
	location->aor_count++;
	*ret_aor = aor;
	return 0;
}

static void drop_aor(struct location *location, struct aor *aor)
{
	uint32_t at = place_behind(location, slice_of(aor->user)) - 1;

	assert(location->order[at] == aor);
	location->aor_count--;
	memmove(location->order + at, location->order + at + 1,
		(location->aor_count - at) * sizeof(struct aor *));
	hash_remove(location->aors, &aor->node);
	free(aor);
}

static void tidy(struct location *location, struct aor *aor)
{
	if (!aor->is_changing && list_empty(&aor->bindings))
		drop_aor(location, aor);
}

/* Bindings ------------------------------------------------------------------------------------ */

static void on_expired(void *arg)
{
	struct binding *binding = arg;

	binding->location->stats.expired++;
	location_remove(binding->location, binding, "expired");
}

static int keep(struct slice text, char **ret_copy)
{
	char *copy;

	if (text.len > LOCATION_TEXT_MAX)
		return ERR_LIMIT;
	copy = slice_dup(slice_present(text) ? text : SLICE(""));
	if (!copy)
		return -ENOMEM;
	for (char *p = copy; *p; p++)
		if (*p == '\t' || *p == '\r' || *p == '\n')
			*p = ' ';
	*ret_copy = copy;
	return 0;
}

static void set_expiry(struct binding *b, uint32_t expires_s)
{
	struct location *location = b->location;
	uint64_t delay_ms = (uint64_t)expires_s * MS_PER_S;

	b->updated_wall_ms = clock_wall_ms(&location->clock);
	b->expires_wall_ms = b->updated_wall_ms + delay_ms;
	b->expires_ms = wheel_now_ms(location->wheel) + delay_ms;
}

int binding_new(struct location *location, const struct binding_make *make,
		struct binding **ret_binding)
{
	struct binding *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->location = location;
	list_init(&b->node);
	timer_init(&b->timer, on_expired, b);
	random_token(location->random, b->id, LOCATION_BINDING_ID_CHARS);
	b->reg_id = make->reg_id;
	b->cseq = make->cseq;
	b->q_thousandths = make->q_thousandths;
	b->has_flow = make->flow != NULL;
	if (make->flow)
		b->flow = *make->flow;
	set_expiry(b, make->expires_s);
	err = keep(make->contact, &b->contact);
	if (!err)
		err = keep(make->params, &b->params);
	if (!err)
		err = keep(make->path, &b->path);
	if (!err)
		err = keep(make->instance, &b->instance);
	if (!err)
		err = keep(make->call_id, &b->call_id);
	if (!err)
		err = keep(make->user_agent, &b->user_agent);
	if (err) {
		binding_free(b);
		return err;
	}
	*ret_binding = b;
	return 0;
}

struct binding *binding_free(struct binding *b)
{
	if (!b)
		return NULL;
	assert(!b->aor);
	free(b->contact);
	free(b->params);
	free(b->path);
	free(b->instance);
	free(b->call_id);
	free(b->user_agent);
	free(b);
	return NULL;
}

static void attach(struct location *location, struct aor *aor, struct binding *b)
{
	uint64_t now_ms = wheel_now_ms(location->wheel);

	b->aor = aor;
	if (b->instance[0])
		b->epoch = gruu_epoch(&location->key, aor->user, b->instance, b->call_id);
	if (b->epoch)
		hash_add(location->by_epoch, &b->by_epoch, b->epoch);
	list_append(&aor->bindings, &b->node);
	aor->binding_count++;
	location->binding_count++;
	timer_start(location->wheel, &b->timer,
		    b->expires_ms > now_ms ? b->expires_ms - now_ms : 0);
}

static void detach(struct location *location, struct binding *b)
{
	timer_stop(location->wheel, &b->timer);
	if (hash_linked(&b->by_epoch))
		hash_remove(location->by_epoch, &b->by_epoch);
	list_remove(&b->node);
	b->aor->binding_count--;
	location->binding_count--;
}

static void tell(struct location *location, enum location_change change, const struct binding *b,
		 const char *cause)
{
	if (location->on_change)
		location->on_change(location->arg, change, b, cause);
}

void location_remove(struct location *location, struct binding *b, const char *cause)
{
	struct aor *aor = b->aor;

	detach(location, b);
	location->stats.removed++;
	tell(location, LOCATION_REMOVED, b, cause);
	b->aor = NULL;
	binding_free(b);
	tidy(location, aor);
}

/* The fresh one takes the place of the old one, and keeps its name in the API. */
static void replace(struct location *location, struct binding *old, struct binding *fresh)
{
	struct aor *aor = old->aor;

	memcpy(fresh->id, old->id, sizeof(fresh->id));
	detach(location, old);
	old->aor = NULL;
	attach(location, aor, fresh);
	location->stats.refreshed++;
	tell(location, LOCATION_REFRESHED, fresh, NULL);
	binding_free(old);
}

int location_apply(struct location *location, struct slice user, const struct location_step *steps,
		   uint32_t count)
{
	struct aor *aor = find_aor(location, user);
	int err = aor ? 0 : make_aor(location, user, &aor);

	if (err)
		return err;
	aor->is_changing = true;
	for (uint32_t i = 0; i < count; i++) {
		const struct location_step *step = &steps[i];

		if (step->old && step->fresh) {
			replace(location, step->old, step->fresh);
		} else if (step->old) {
			location_remove(location, step->old, "removed");
		} else if (step->fresh) {
			attach(location, aor, step->fresh);
			location->stats.added++;
			tell(location, LOCATION_ADDED, step->fresh, NULL);
		}
	}
	aor->is_changing = false;
	tidy(location, aor);
	return 0;
}

/* Looking ------------------------------------------------------------------------------------- */

struct binding *location_next(struct aor *aor, const struct binding *after)
{
	struct list *next = after ? after->node.next : aor->bindings.next;

	return next == &aor->bindings ? NULL : LIST_ENTRY(next, struct binding, node);
}

static bool is_lost(const struct location *location, const struct binding *b)
{
	const struct sip_net *net = &location->net;

	return b->has_flow && b->flow.connection && net->ops && net->ops->is_open &&
	       !net->ops->is_open(net->ctx, b->flow.connection);
}

/* What was bound to a connection went with it (RFC 5626 5.3, 6). */
static void sweep(struct location *location, struct aor *aor)
{
	struct list *it, *tmp;

	aor->is_changing = true;
	LIST_FOREACH (it, tmp, &aor->bindings) {
		struct binding *b = LIST_ENTRY(it, struct binding, node);

		if (!is_lost(location, b))
			continue;
		location->stats.flow_failed++;
		location_remove(location, b, "flow_failed");
	}
	aor->is_changing = false;
	tidy(location, aor);
}

struct aor *location_find(struct location *location, struct slice user)
{
	struct aor *aor = find_aor(location, user);

	if (aor)
		sweep(location, aor);
	return find_aor(location, user);
}

struct aor *location_next_aor(struct location *location, struct slice after)
{
	uint32_t at = slice_present(after) ? place_behind(location, after) : 0;

	return at < location->aor_count ? location->order[at] : NULL;
}

struct binding *location_find_id(struct location *location, struct slice id)
{
	for (uint32_t i = 0; i < location->aor_count; i++)
		for (struct binding *b = location_next(location->order[i], NULL); b;
		     b = location_next(location->order[i], b))
			if (slice_is(id, b->id))
				return b;
	return NULL;
}

uint32_t location_count(const struct location *location)
{
	return location->binding_count;
}

uint32_t location_aor_count(const struct location *location)
{
	return location->aor_count;
}

const struct location_stats *location_stats(const struct location *location)
{
	return &location->stats;
}

/* GRUUs --------------------------------------------------------------------------------------- */

/* RFC 5630 5.2.1: of the scheme that was registered. */
static const char *scheme_of(const struct binding *b)
{
	return sip_is_sips(slice_of(b->contact)) ? "sips" : "sip";
}

void location_pub_gruu(const struct binding *b, const char *host, struct buf *out)
{
	buf_addf(out, "%s:", scheme_of(b));
	sip_escape(out, slice_of(b->aor->user), "&=+$,;?/");
	buf_addf(out, "@%s;gr=", host);
	sip_escape(out, slice_of(b->instance), "[]/:&+$");
}

int location_temp_gruu(const struct binding *b, const char *host, struct buf *out)
{
	struct location *location = b->location;
	char token[GRUU_TOKEN_CHARS + 1];
	int err = b->epoch ? gruu_token(&location->key, b->epoch, random_u64(location->random),
					token)
			   : -ENOMEM;

	if (!err)
		buf_addf(out, "%s:" LOCATION_TEMP_GRUU_PREFIX "%s@%s;gr", scheme_of(b), token,
			 host);
	return err;
}

/* The user and the instance behind sip:tgruu.xyz@host;gr. */
static void match_temp_gruu(struct location *location, struct location_match *match)
{
	struct slice token = slice_from(match->user, sizeof(LOCATION_TEMP_GRUU_PREFIX) - 1);
	const struct binding *b;
	struct hash_node *node;
	uint64_t epoch;

	if (!gruu_token_epoch(&location->key, token, &epoch))
		return;
	node = hash_find(location->by_epoch, epoch, &epoch);
	if (!node)
		return;
	b = CONTAINER_OF(node, struct binding, by_epoch);
	slice_cstr(slice_of(b->instance), match->instance_text, sizeof(match->instance_text));
	match->instance = slice_of(match->instance_text);
	slice_cstr(slice_of(b->aor->user), match->user_text, sizeof(match->user_text));
	match->user = slice_of(match->user_text);
}

int location_match(struct location *location, const struct sip_uri *uri,
		   struct location_match *ret_match)
{
	struct slice gr, prefix = SLICE(LOCATION_TEMP_GRUU_PREFIX);
	size_t len;

	*ret_match = (struct location_match){.is_sips = uri->scheme == SIP_SCHEME_SIPS};
	if (!uri->user.len ||
	    sip_unescape(uri->user, ret_match->user_text, sizeof(ret_match->user_text), &len))
		return ERR_ROOM_UNKNOWN;
	ret_match->user = slice_make(ret_match->user_text, len);
	if (sip_uri_param(uri, "gr", &gr)) {
		ret_match->is_gruu = true;
		if (gr.len == 0 && slice_starts(ret_match->user, prefix)) {
			match_temp_gruu(location, ret_match);
		} else if (sip_unescape(gr, ret_match->instance_text,
					sizeof(ret_match->instance_text), &len) == 0) {
			ret_match->instance = slice_make(ret_match->instance_text, len);
		}
		if (!ret_match->instance.len)
			return ERR_ROOM_UNKNOWN;
	}
	ret_match->aor = location_find(location, ret_match->user);
	return 0;
}

static bool is_of_instance(const struct location_match *match, const struct binding *b)
{
	return !slice_present(match->instance) || slice_is(match->instance, b->instance);
}

bool location_is_meant(const struct location_match *match, const struct binding *b)
{
	struct slice contact = slice_of(b->contact);

	if (!is_of_instance(match, b))
		return false;
	return sip_is_sips(contact) || (slice_istarts(contact, SLICE("sip:")) && !match->is_sips);
}

bool location_lacks_sips(const struct location_match *match)
{
	struct binding *b = match->is_sips && match->aor ? location_next(match->aor, NULL) : NULL;
	bool is_there = false;

	for (; b; b = location_next(match->aor, b)) {
		if (location_is_meant(match, b))
			return false;
		is_there |= is_of_instance(match, b) &&
			    slice_istarts(slice_of(b->contact), SLICE("sip:"));
	}
	return is_there;
}

/* Persistence --------------------------------------------------------------------------------- */

enum field {
	FIELD_USER,
	FIELD_CONTACT,
	FIELD_PARAMS,
	FIELD_PATH,
	FIELD_INSTANCE,
	FIELD_CALL_ID,
	FIELD_USER_AGENT,
	FIELD_REG_ID,
	FIELD_CSEQ,
	FIELD_Q,
	FIELD_EXPIRES,
	FIELD_FLOW,
	FIELD_COUNT
};

void binding_write(const struct binding *b, struct buf *out)
{
	char remote[ADDR_TEXT_MAX] = "";

	if (b->has_flow)
		addr_text(&b->flow.remote, remote);
	buf_addf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%u\t%u\t%u\t%llu\t%s", b->aor->user, b->contact,
		 b->params, b->path, b->instance, b->call_id, b->user_agent, b->reg_id, b->cseq,
		 b->q_thousandths, (unsigned long long)b->expires_wall_ms, remote);
}

static bool split(struct slice text, struct slice fields[FIELD_COUNT])
{
	for (int i = 0; i < FIELD_COUNT; i++) {
		size_t end = slice_find(text, '\t');

		if (end == text.len && i < FIELD_COUNT - 1)
			return false;
		fields[i] = slice_first(text, end);
		text = slice_from(text, end + 1);
	}
	return true;
}

static int read_numbers(const struct slice fields[FIELD_COUNT], struct binding_make *make,
			uint64_t *ret_expires_wall_ms)
{
	uint32_t q;
	int err = slice_u32(fields[FIELD_REG_ID], UINT32_MAX, &make->reg_id);

	if (!err)
		err = slice_u32(fields[FIELD_CSEQ], UINT32_MAX, &make->cseq);
	if (!err)
		err = slice_u32(fields[FIELD_Q], 1000, &q);
	if (!err)
		err = slice_u64(fields[FIELD_EXPIRES], INT64_MAX, ret_expires_wall_ms);
	if (!err)
		make->q_thousandths = (uint16_t)q;
	return err ? -EINVAL : 0;
}

static uint32_t seconds_left(const struct location *location, uint64_t expires_wall_ms)
{
	uint64_t now_ms = clock_wall_ms(&location->clock);
	uint64_t left_s = expires_wall_ms <= now_ms
				  ? 0
				  : (expires_wall_ms - now_ms + MS_PER_S - 1) / MS_PER_S;

	return left_s > UINT32_MAX ? UINT32_MAX : (uint32_t)left_s;
}

static int apply_silently(struct location *location, struct slice user, struct binding *fresh)
{
	location_fn *on_change = location->on_change;
	int err;

	location->on_change = NULL;
	err = location_apply(location, user, &(struct location_step){.fresh = fresh}, 1);
	location->on_change = on_change;
	if (err)
		binding_free(fresh);
	return err;
}

int location_restore(struct location *location, struct slice id, struct slice text)
{
	struct slice fields[FIELD_COUNT];
	struct sip_flow flow = {.proto = SIP_UDP};
	struct binding_make make = {0};
	uint64_t expires_wall_ms;
	struct binding *fresh;
	int err;

	if (!split(text, fields) || read_numbers(fields, &make, &expires_wall_ms))
		return -EINVAL;
	make.contact = fields[FIELD_CONTACT];
	make.params = fields[FIELD_PARAMS];
	make.path = fields[FIELD_PATH];
	make.instance = fields[FIELD_INSTANCE];
	make.call_id = fields[FIELD_CALL_ID];
	make.user_agent = fields[FIELD_USER_AGENT];
	make.expires_s = seconds_left(location, expires_wall_ms);
	if (fields[FIELD_FLOW].len) {
		if (addr_parse(fields[FIELD_FLOW], &flow.remote))
			return -EINVAL;
		make.flow = &flow;
	}
	err = binding_new(location, &make, &fresh);
	if (err)
		return err;
	slice_cstr(id, fresh->id, sizeof(fresh->id));
	return apply_silently(location, fields[FIELD_USER], fresh);
}

/* Life ---------------------------------------------------------------------------------------- */

int location_new(const struct location_params *params, struct location **ret_location)
{
	struct location *location = calloc(1, sizeof(*location));
	int err;

	if (!location)
		return -ENOMEM;
	location->wheel = params->wheel;
	location->clock = params->clock;
	location->random = params->random;
	location->net = params->net;
	location->on_change = params->on_change;
	location->arg = params->arg;
	random_bytes(location->random, &location->key, sizeof(location->key));
	err = hash_new(aor_is, &location->aors);
	if (!err)
		err = hash_new(epoch_is, &location->by_epoch);
	if (err) {
		location_free(location);
		return err;
	}
	*ret_location = location;
	return 0;
}

void location_set_key(struct location *location, const struct gruu_key *key)
{
	assert(!location->binding_count);
	location->key = *key;
}

const struct gruu_key *location_key(const struct location *location)
{
	return &location->key;
}

struct location *location_free(struct location *location)
{
	if (!location)
		return NULL;
	location->on_change = NULL;
	while (location->aor_count) {
		struct aor *aor = location->order[location->aor_count - 1];

		assert(!list_empty(&aor->bindings));
		location_remove(location, location_next(aor, NULL), NULL);
	}
	free(location->order);
	hash_free(location->aors);
	hash_free(location->by_epoch);
	free(location);
	return NULL;
}
