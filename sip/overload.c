#include "sip/overload.h"

#include <inttypes.h>

#include "base/attr.h"

enum {
	SEQ_DIGITS_MAX = 12, /* before the dot (RFC 7339 9) */
	FALL = 5             /* percent in a second without a refusal */
};

static bool names_loss(struct slice algorithms)
{
	while (algorithms.len > 0) {
		size_t end = slice_find(algorithms, ',');

		if (slice_iis(slice_trim(slice_first(algorithms, end)), "loss"))
			return true;
		algorithms = slice_from(algorithms, end + 1);
	}
	return false;
}

/* Where nothing is said it is loss, which all can do (7). */
static bool is_by_loss(const struct sip_via *via)
{
	struct slice value;

	return !sip_param(via->params, "oc-algo", &value) || names_loss(value);
}

bool sip_overload_is_asked(const struct sip_via *via)
{
	struct slice value;

	return sip_param(via->params, "oc", &value) && value.len == 0 && is_by_loss(via);
}

void sip_overload_write(struct buf *buf, const struct sip_overload *overload)
{
	buf_addf(buf, ";oc=%u;oc-algo=\"loss\";oc-validity=%u;oc-seq=%" PRIu64 ".%03u",
		 overload->loss_percent, overload->validity_ms, overload->seq_ms / 1000,
		 (unsigned)(overload->seq_ms % 1000));
}

bool sip_overload_is_param(struct slice name)
{
	static const char *const names[] = {"oc", "oc-algo", "oc-validity", "oc-seq"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (slice_iis(name, names[i]))
			return true;
	}
	return false;
}

/* "1282321615.782": whole seconds, and up to five digits of a fraction, of which three count. */
static bool read_seq(struct slice text, uint64_t *ret_ms)
{
	struct slice whole = slice_first(text, slice_find(text, '.'));
	struct slice fraction = slice_from(text, whole.len + 1);
	uint64_t ms = 0;

	if (whole.len == 0 || whole.len > SEQ_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < whole.len + 3; i++) {
		size_t k = i - whole.len;
		char c = i < whole.len ? whole.p[i] : k < fraction.len ? fraction.p[k] : '0';

		if (c < '0' || c > '9')
			return false;
		ms = ms * 10 + (uint64_t)(c - '0');
	}
	*ret_ms = ms;
	return true;
}

bool sip_overload_read(const struct sip_via *via, struct sip_overload *ret)
{
	struct sip_overload wish = {.validity_ms = SIP_OVERLOAD_VALIDITY_MS};
	struct slice value;
	uint32_t loss;

	if (!sip_param(via->params, "oc", &value) || slice_u32(value, 100, &loss) ||
	    !is_by_loss(via))
		return false;
	wish.loss_percent = (uint8_t)loss;
	if (sip_param(via->params, "oc-validity", &value) &&
	    slice_u32(value, UINT32_MAX, &wish.validity_ms))
		return false;
	if (sip_param(via->params, "oc-seq", &value) && !read_seq(value, &wish.seq_ms))
		return false;
	*ret = wish;
	return true;
}

/* Ours
 * ------------------------------------------------------------------------------------------------
 */

uint8_t sip_overload_measure(struct sip_overload_meter *meter, uint64_t asked, uint64_t refused,
			     uint64_t now_ms)
{
	uint64_t come = asked - meter->asked, over = refused - meter->refused;
	uint64_t seconds = (now_ms - meter->from_ms) / 1000;

	if (seconds == 0)
		return meter->loss_percent;
	if (over > 0 && over <= come) { /* what came was already less by what we asked for */
		uint64_t left = (100 - meter->loss_percent) * (come - over) / come;

		meter->loss_percent = (uint8_t)(100 - MAX_OF(left, (uint64_t)100 -
									   SIP_OVERLOAD_LOSS_MAX));
	} else {
		meter->loss_percent -= (uint8_t)MIN_OF(meter->loss_percent, FALL * seconds);
	}
	*meter = (struct sip_overload_meter){now_ms, asked, refused, meter->loss_percent};
	return meter->loss_percent;
}

/* Peers
 * -----------------------------------------------------------------------------------------------
 */

static void forget_old(struct sip_overload_peers *peers, uint64_t now_ms)
{
	for (uint32_t i = peers->count; i-- > 0;) {
		if (peers->list[i].until_ms <= now_ms)
			peers->list[i] = peers->list[--peers->count];
	}
}

static uint32_t find(const struct sip_overload_peers *peers, const struct addr *peer)
{
	uint32_t i = 0;

	while (i < peers->count && !addr_eq(&peers->list[i].addr, peer))
		i++;
	return i;
}

static uint32_t first_to_end(const struct sip_overload_peers *peers)
{
	uint32_t first = 0;

	for (uint32_t i = 1; i < peers->count; i++) {
		if (peers->list[i].until_ms < peers->list[first].until_ms)
			first = i;
	}
	return first;
}

void sip_overload_heard(struct sip_overload_peers *peers, const struct addr *peer,
			const struct sip_overload *wish, uint64_t now_ms)
{
	uint32_t validity_ms = MIN_OF(wish->validity_ms, (uint32_t)SIP_OVERLOAD_VALIDITY_MAX_MS);
	uint32_t i;

	forget_old(peers, now_ms);
	i = find(peers, peer);
	if (i < peers->count && wish->seq_ms && wish->seq_ms <= peers->list[i].wish.seq_ms)
		return;
	if (i == peers->count && (wish->loss_percent == 0 || validity_ms == 0))
		return;
	if (i == SIP_OVERLOAD_PEERS_MAX)
		i = first_to_end(peers);
	else if (i == peers->count)
		peers->count++;
	peers->list[i].addr = *peer;
	peers->list[i].wish = *wish;
	peers->list[i].until_ms = now_ms + validity_ms;
}

uint8_t sip_overload_wish(struct sip_overload_peers *peers, const struct addr *peer,
			  uint64_t now_ms)
{
	uint32_t i;

	if (peers->count == 0)
		return 0;
	forget_old(peers, now_ms);
	i = find(peers, peer);
	return i < peers->count ? peers->list[i].wish.loss_percent : 0;
}
