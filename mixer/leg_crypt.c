/* mixer/leg_crypt.c -- the protection of a leg's packets (srtp.h).
 *
 * A peer that changes its key by re-INVITE may send under the old one until it has our answer: the
 * key before stays valid until the first packet under the new one.
 */
#include <string.h>

#include "mixer/leg.h"

#define ASK_AGAIN_NS ((uint64_t)1000000000)

static void give_back(struct crypt **crypt, struct list *returns)
{
	if (*crypt)
		list_append(returns, &crypt_links(*crypt)->node);
	*crypt = NULL;
}

void leg_crypt_rt(struct leg *leg, const struct leg_keys *keys, struct list *returns)
{
	leg->crypt.is_on = keys->is_on;
	if (!keys->is_on || keys->tx)
		give_back(&leg->crypt.tx, returns);
	if (!keys->is_on || keys->rx)
		give_back(&leg->crypt.rx_before, returns);
	if (keys->tx)
		leg->crypt.tx = keys->tx;
	if (keys->rx) {
		leg->crypt.rx_before = leg->crypt.rx;
		leg->crypt.rx = keys->rx;
	}
	if (!keys->is_on)
		give_back(&leg->crypt.rx, returns);
	leg->stats.is_encrypted = keys->is_on;
}

void leg_crypt_refill_rt(struct leg *leg, struct leg_env *env, struct crypt *worn,
			 struct crypt *fresh)
{
	if (leg->crypt.rx == worn)
		crypt_refill_rt(worn, fresh);
	leg->crypt.asked_ns = 0;
	give_back(&fresh, &env->crypt_returns);
}

void leg_crypt_watch_rt(struct leg *leg, struct leg_env *env)
{
	struct leg_event event = {
		.kind = LEG_EVENT_CRYPT_WORN, .object = leg, .crypt = leg->crypt.rx};

	if (!leg->crypt.rx || !crypt_is_worn_rt(leg->crypt.rx))
		return;
	if (leg->crypt.asked_ns && env->now_ns - leg->crypt.asked_ns < ASK_AGAIN_NS)
		return;
	if (!ring_post_rt(env->events, &event))
		return;
	leg->crypt.asked_ns = env->now_ns;
	env->must_wake = true;
}

void leg_crypt_done(struct leg *leg)
{
	crypt_free(leg->crypt.tx);
	crypt_free(leg->crypt.rx);
	crypt_free(leg->crypt.rx_before);
}

typedef int unprotect_fn(struct crypt *crypt, uint8_t *packet, size_t len);

bool leg_unprotect_rt(struct leg *leg, struct leg_env *env, struct io_packet *packet, bool is_rtcp)
{
	unprotect_fn *unprotect = is_rtcp ? crypt_unprotect_rtcp_rt : crypt_unprotect_rt;
	int len = -1;

	if (!leg->crypt.is_on)
		return true;
	if (packet->is_truncated || packet->len > sizeof(env->plain) || !leg->crypt.rx)
		return false;
	memcpy(env->plain, packet->data, packet->len);
	len = unprotect(leg->crypt.rx, env->plain, packet->len);
	if (len >= 0) {
		give_back(&leg->crypt.rx_before, &env->crypt_returns);
	} else if (leg->crypt.rx_before) {
		memcpy(env->plain, packet->data, packet->len);
		len = unprotect(leg->crypt.rx_before, env->plain, packet->len);
	}
	if (len < 0) {
		leg->stats.rx_unauthentic++;
		return false;
	}
	packet->data = env->plain;
	packet->len = (uint32_t)len;
	return true;
}

int leg_protect_rt(struct leg *leg, uint8_t *packet, size_t len, bool is_rtcp)
{
	if (!leg->crypt.is_on)
		return (int)len;
	if (!leg->crypt.tx)
		return -1;
	return is_rtcp ? crypt_protect_rtcp_rt(leg->crypt.tx, packet, len)
		       : crypt_protect_rt(leg->crypt.tx, packet, len);
}
