/* focus/numbers.c -- who has which number. A number is free when nothing is bound to it: what
 * expires or breaks in the location frees it, and its line here goes when it is next looked at. */
#include "focus/numbers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "focus/focus_priv.h"
#include "focus/gate.h"
#include "focus/registrar.h"
#include "focus/text.h"

#define NUMBER_ITEMS "number" /* in the store */

enum { OWNER_MAX = 255, MS_PER_S = 1000, RETRY_AFTER_S = 60 };

struct lease {
	struct list node;
	char number[NUMBER_DIGITS_MAX + 2];
	char owner[OWNER_MAX + 1];   /* user name, or URI */
	char purpose[OWNER_MAX + 1]; /* Allocate-For; "" none */
};

struct numbers {
	struct list leases;
	uint32_t next; /* where the next search begins: a number rests before it is given again */
	struct numbers_stats stats;
};

/* The pool ------------------------------------------------------------------------------------ */

/* "+4930555000" */
static int parse_number(struct slice text, uint64_t *ret_value, size_t *ret_digits)
{
	text = slice_trim(text);
	if (text.len < 2 || text.len > NUMBER_DIGITS_MAX + 1 || text.p[0] != '+')
		return -EINVAL;
	*ret_digits = text.len - 1;
	return slice_u64(slice_from(text, 1), UINT64_MAX, ret_value) ? -EINVAL : 0;
}

struct range {
	uint64_t first, count;
	size_t digits; /* leading zeros are none: a country code begins with 1 to 9 */
};

static int parse_range(struct slice text, struct range *ret_range)
{
	size_t dash = slice_find(text, '-'), digits;
	uint64_t last;
	int err = parse_number(slice_first(text, dash), &ret_range->first, &ret_range->digits);

	last = ret_range->first;
	digits = ret_range->digits;
	if (!err && dash < text.len)
		err = parse_number(slice_from(text, dash + 1), &last, &digits);
	if (err || digits != ret_range->digits || last < ret_range->first)
		return -EINVAL;
	ret_range->count = last - ret_range->first + 1;
	return 0;
}

int numbers_parse_pool(struct slice pool, uint32_t *ret_count)
{
	struct slice item;
	struct range range;
	uint64_t count = 0;

	while (text_list_next(&pool, &item)) {
		if (parse_range(item, &range))
			return -EINVAL;
		count += range.count;
	}
	*ret_count = count > NUMBERS_POOL_MAX ? NUMBERS_POOL_MAX : (uint32_t)count;
	return 0;
}

bool numbers_at(struct slice pool, uint32_t at, char out[NUMBER_DIGITS_MAX + 2])
{
	struct slice item;
	struct range range;
	uint64_t skip = at;

	while (text_list_next(&pool, &item)) {
		if (parse_range(item, &range))
			continue;
		if (skip < range.count) {
			snprintf(out, NUMBER_DIGITS_MAX + 2, "+%llu",
				 (unsigned long long)(range.first + skip));
			return true;
		}
		skip -= range.count;
	}
	return false;
}

/* Leases -------------------------------------------------------------------------------------- */

int numbers_new(struct numbers **ret_numbers)
{
	struct numbers *numbers = calloc(1, sizeof(*numbers));

	if (!numbers)
		return -ENOMEM;
	list_init(&numbers->leases);
	*ret_numbers = numbers;
	return 0;
}

static void drop_lease(struct lease *lease)
{
	list_remove(&lease->node);
	free(lease);
}

struct numbers *numbers_free(struct numbers *numbers)
{
	struct list *it, *tmp;

	if (!numbers)
		return NULL;
	LIST_FOREACH (it, tmp, &numbers->leases)
		drop_lease(LIST_ENTRY(it, struct lease, node));
	free(numbers);
	return NULL;
}

/* Those whose number is free again go. */
static void tidy(struct focus *focus)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &focus->numbers->leases) {
		struct lease *lease = LIST_ENTRY(it, struct lease, node);

		if (location_find(focus->location, slice_of(lease->number)))
			continue;
		if (focus->store)
			(void)store_item_delete_post(focus->store, NUMBER_ITEMS, lease->number);
		drop_lease(lease);
	}
}

struct tenant {
	char owner[OWNER_MAX + 1], purpose[OWNER_MAX + 1];
};

static struct lease *find_lease(const struct focus *focus, const struct tenant *tenant,
				uint32_t *ret_held)
{
	struct lease *found = NULL;
	struct list *it, *tmp;

	*ret_held = 0;
	LIST_FOREACH (it, tmp, &focus->numbers->leases) {
		struct lease *lease = LIST_ENTRY(it, struct lease, node);

		if (strcmp(lease->owner, tenant->owner) != 0)
			continue;
		++*ret_held;
		if (!strcmp(lease->purpose, tenant->purpose))
			found = lease;
	}
	return found;
}

static bool pick_free(struct focus *focus, char out[NUMBER_DIGITS_MAX + 2])
{
	struct slice pool = slice_of(focus->config->numbers_pool);
	struct numbers *numbers = focus->numbers;
	uint32_t count = 0;

	if (numbers_parse_pool(pool, &count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = (numbers->next + i) % count;

		if (!numbers_at(pool, at, out) || location_find(focus->location, slice_of(out)))
			continue;
		numbers->next = at + 1;
		return true;
	}
	return false;
}

static int add_lease(struct focus *focus, const char *number, const struct tenant *tenant)
{
	struct lease *lease = calloc(1, sizeof(*lease));

	if (!lease)
		return -ENOMEM;
	slice_cstr(slice_of(number), lease->number, sizeof(lease->number));
	slice_cstr(slice_of(tenant->owner), lease->owner, sizeof(lease->owner));
	slice_cstr(slice_of(tenant->purpose), lease->purpose, sizeof(lease->purpose));
	list_append(&focus->numbers->leases, &lease->node);
	return 0;
}

static void store_lease(struct focus *focus, const char *number, const struct tenant *tenant)
{
	struct buf text = BUF_INIT;

	if (!focus->store)
		return;
	buf_addf(&text, "%s\t%s", tenant->owner, tenant->purpose);
	if (buf_err(&text) || store_item_put_post(focus->store, NUMBER_ITEMS, number, text.p))
		LOG(LOG_ERROR, "number.not_stored", LOG_STR("number", number));
	buf_done(&text);
}

static void on_stored(void *arg, const char *name, const char *value)
{
	struct slice text = slice_of(value);
	size_t end = slice_find(text, '\t');
	struct tenant tenant;

	slice_cstr(slice_first(text, end), tenant.owner, sizeof(tenant.owner));
	slice_cstr(slice_from(text, end + 1), tenant.purpose, sizeof(tenant.purpose));
	if (add_lease(arg, name, &tenant))
		LOG(LOG_ERROR, "number.not_restored", LOG_STR("number", name));
}

int numbers_load(struct focus *focus)
{
	return focus->store ? store_items_load(focus->store, NUMBER_ITEMS, on_stored, focus) : 0;
}

/* ALLOCATE ------------------------------------------------------------------------------------ */

/* What was proven, else what From says (with sip.registrar = open). */
static int read_tenant(const struct focus *focus, const struct sip_msg *request,
		       struct tenant *ret_tenant)
{
	struct slice purpose = sip_msg_value(request, SIP_H_ALLOCATE_FOR);
	const struct auth_identity *caller = gate_caller(focus);
	struct user_view user = {0};
	struct sip_addr from;

	if (sip_msg_addr(request, SIP_H_FROM, &from) || from.uri.text.len > OWNER_MAX ||
	    purpose.len > OWNER_MAX)
		return -EINVAL;
	if (caller->user)
		user_view(caller->user, &user);
	text_utf8(user.name.len ? user.name : from.uri.text, ret_tenant->owner,
		  sizeof(ret_tenant->owner));
	text_utf8(slice_present(purpose) ? purpose : SLICE(""), ret_tenant->purpose,
		  sizeof(ret_tenant->purpose));
	return 0;
}

/* Until the first binding of a number of the pool ends. */
static uint32_t retry_after(struct focus *focus)
{
	uint64_t now_ms = wheel_now_ms(focus->wheel), soonest_ms = UINT64_MAX;
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &focus->numbers->leases) {
		struct lease *lease = LIST_ENTRY(it, struct lease, node);
		struct aor *aor = location_find(focus->location, slice_of(lease->number));

		for (struct binding *b = aor ? location_next(aor, NULL) : NULL; b;
		     b = location_next(aor, b))
			if (b->expires_ms < soonest_ms)
				soonest_ms = b->expires_ms;
	}
	if (soonest_ms == UINT64_MAX || soonest_ms <= now_ms)
		return RETRY_AFTER_S;
	return (uint32_t)((soonest_ms - now_ms + MS_PER_S - 1) / MS_PER_S);
}

static void reply_refused(struct focus *focus, struct sip_stx *tx,
			  const struct registrar_plan *plan)
{
	struct buf headers = BUF_INIT;

	if (plan->is_too_brief)
		buf_addf(&headers, "Min-Expires: %u\r\n",
			 (unsigned)focus->config->registrar_expires_min_s);
	if (plan->status == 480 || plan->status == 503)
		buf_addf(&headers, "Retry-After: %u\r\n", retry_after(focus));
	(void)sip_stx_reply(tx, &(struct sip_reply){.status = plan->status,
						    .reason = plan->reason,
						    .headers = headers.p});
	buf_done(&headers);
}

/* The time of the Contact that stays longest; 0 when the number is free now. */
static void reply_number(struct focus *focus, struct sip_stx *tx, const char *number)
{
	uint64_t now_ms = wheel_now_ms(focus->wheel), longest_ms = now_ms;
	struct aor *aor = location_find(focus->location, slice_of(number));
	char headers[96];

	for (struct binding *b = aor ? location_next(aor, NULL) : NULL; b;
	     b = location_next(aor, b))
		if (b->expires_ms > longest_ms)
			longest_ms = b->expires_ms;
	snprintf(headers, sizeof(headers), "Contact: <tel:%s>;expires=%llu\r\n", number,
		 (unsigned long long)((longest_ms - now_ms + MS_PER_S - 1) / MS_PER_S));
	(void)sip_stx_reply(tx, &(struct sip_reply){.status = 200, .headers = headers});
}

static void refuse(struct focus *focus, struct sip_stx *tx, uint16_t status, const char *reason)
{
	reply_refused(focus, tx, &(struct registrar_plan){.status = status, .reason = reason});
}

/* A number for a new tenant, or 0 with the refusal sent. */
static bool choose(struct focus *focus, struct sip_stx *tx, uint32_t held,
		   char number[NUMBER_DIGITS_MAX + 2])
{
	if (held >= (uint64_t)focus->config->numbers_per_user_max) {
		refuse(focus, tx, 403, "Too Many Numbers");
		return false;
	}
	if (pick_free(focus, number))
		return true;
	focus->numbers->stats.refused++;
	LOG(LOG_WARN, "number.none_free", LOG_STR("pool", focus->config->numbers_pool));
	refuse(focus, tx, 480, "No Number Is Free");
	return false;
}

static void apply(struct focus *focus, struct sip_stx *tx, const struct sip_msg *request,
		  const char *number, bool *ret_is_bound)
{
	struct slice name = slice_of(number);
	struct registrar_plan plan;

	*ret_is_bound = false;
	if (registrar_plan(focus, location_find(focus->location, name), tx, request, &plan)) {
		reply_refused(focus, tx, &plan);
		return;
	}
	if (plan.count && location_apply(focus->location, name, plan.steps, plan.count)) {
		registrar_plan_done(&plan);
		refuse(focus, tx, 500, NULL);
		return;
	}
	*ret_is_bound = location_find(focus->location, name) != NULL;
	reply_number(focus, tx, number);
}

void numbers_on_allocate(struct focus *focus, struct sip_stx *tx, const struct sip_msg *request)
{
	char number[NUMBER_DIGITS_MAX + 2];
	struct tenant tenant;
	struct lease *lease;
	bool is_bound;
	uint32_t held;

	if (!focus->config->numbers_pool[0] || !strcmp(focus->config->sip_registrar, "off")) {
		refuse(focus, tx, 403, "No Numbers Are Given Here");
		return;
	}
	if (read_tenant(focus, request, &tenant) ||
	    !slice_present(sip_msg_value(request, SIP_H_CONTACT))) {
		refuse(focus, tx, 400, "ALLOCATE Needs From And Contact");
		return;
	}
	tidy(focus);
	lease = find_lease(focus, &tenant, &held);
	if (lease)
		slice_cstr(slice_of(lease->number), number, sizeof(number));
	else if (!choose(focus, tx, held, number))
		return;
	apply(focus, tx, request, number, &is_bound);
	if (lease || !is_bound)
		return;
	focus->numbers->stats.allocated++;
	LOG(LOG_INFO, "number.allocated", LOG_STR("number", number),
	    LOG_STR("owner", tenant.owner));
	if (add_lease(focus, number, &tenant))
		LOG(LOG_ERROR, "number.not_kept", LOG_STR("number", number));
	store_lease(focus, number, &tenant);
}

const struct numbers_stats *focus_numbers_stats(const struct focus *focus)
{
	return &focus->numbers->stats;
}

void focus_numbers_count(const struct focus *focus, uint32_t *ret_pool, uint32_t *ret_used)
{
	struct list *it, *tmp;
	uint32_t used = 0;

	LIST_FOREACH (it, tmp, &focus->numbers->leases)
		used += location_find(focus->location,
				      slice_of(LIST_ENTRY(it, struct lease, node)->number)) != NULL;
	*ret_used = used;
	if (numbers_parse_pool(slice_of(focus->config->numbers_pool), ret_pool))
		*ret_pool = 0;
}
