/* focus/leg.c */
#include "focus/leg.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/log.h"
#include "focus/codecs.h"
#include "focus/focus_priv.h"

/* Bus ---------------------------------------------------------------------------------------- */

int bus_open(struct focus *focus, struct bus **ret_bus)
{
	struct bus *bus = calloc(1, sizeof(*bus));
	int err;

	if (!bus)
		return -ENOMEM;
	bus->focus = focus;
	bus->refs = 1;
	err = focus->media.ops->room_open(focus->media.ctx, &bus->room);
	if (err) {
		free(bus);
		return err;
	}
	*ret_bus = bus;
	return 0;
}

struct bus *bus_ref(struct bus *bus)
{
	bus->refs++;
	return bus;
}

struct bus *bus_unref(struct bus *bus)
{
	if (!bus)
		return NULL;
	assert(bus->refs > 0);
	if (--bus->refs)
		return NULL;
	(void)bus->focus->media.ops->room_close(bus->focus->media.ctx, bus->room);
	free(bus);
	return NULL;
}

/* Commands ----------------------------------------------------------------------------------- */

/* In the order in which a mixer wants them: who enters must not be heard before it is known
 * whether it is muted, so control goes before the move. */
enum leg_pending { LEG_PARAMS = 1, LEG_CONTROL = 2, LEG_MOVE = 4 };

static int leg_give(struct leg *leg, enum leg_pending what)
{
	const struct media *media = &leg->focus->media;

	switch (what) {
	case LEG_PARAMS:
		return media->ops->leg_set(media->ctx, leg->media, &leg->params);
	case LEG_CONTROL:
		return media->ops->leg_control(media->ctx, leg->media, &leg->control);
	case LEG_MOVE:
		return media->ops->leg_move(media->ctx, leg->media, leg->bus->room);
	}
	return 0;
}

static void leg_sync(struct leg *leg)
{
	static const enum leg_pending order[] = {LEG_PARAMS, LEG_CONTROL, LEG_MOVE};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		int err;

		if (!(leg->pending & order[i]))
			continue;
		err = leg_give(leg, order[i]);
		if (err) {
			if (err != ERR_QUEUE_FULL || ++leg->tries >= LEG_TRIES_MAX)
				leg->failed = err;
			timer_start(leg->focus->wheel, &leg->retry, leg->failed ? 0 : LEG_RETRY_MS);
			return;
		}
		leg->pending &= ~(unsigned)order[i];
		if (order[i] == LEG_MOVE)
			leg->left = bus_unref(leg->left);
	}
	leg->tries = 0;
}

/* Gives a command at once unless earlier ones wait for their retry. */
static void leg_want(struct leg *leg, enum leg_pending what)
{
	if (!leg->media || leg->is_closing)
		return;
	leg->pending |= what;
	if (!timer_running(&leg->retry))
		leg_sync(leg);
}

static void leg_on_retry(void *arg)
{
	struct leg *leg = arg;

	if (leg->failed)
		leg->on_failed(leg->arg, leg->failed);
	else
		leg_sync(leg);
}

void leg_init(struct leg *leg, struct focus *focus, void (*on_failed)(void *arg, int err),
	      void *arg)
{
	*leg = (struct leg){.focus = focus, .on_failed = on_failed, .arg = arg};
	timer_init(&leg->retry, leg_on_retry, leg);
}

int leg_open(struct leg *leg, const struct leg_place *place)
{
	const struct media *media = &leg->focus->media;
	struct media_leg_open open = {
		.room = place->is_outside ? 0 : place->bus->room,
		.local = place->local,
		.tag = place->tag,
		.peer_signalling = place->peer_signalling,
		.peer_rtp = place->peer_rtp,
	};
	int err;

	assert(!leg->media && (place->bus || place->is_outside));
	err = media->ops->leg_open(media->ctx, &open, &leg->media, &leg->bound);
	if (err)
		return err;
	/* A wildcard cannot stand in a description. */
	if (!addr_is_set(&leg->bound) || addr_is_any(&leg->bound)) {
		uint16_t port = addr_port(&leg->bound);

		leg->bound = place->local;
		addr_set_port(&leg->bound, port);
	}
	leg->is_secure = place->is_secure;
	if (place->codecs)
		slice_cstr(slice_of(place->codecs), leg->codecs, sizeof(leg->codecs));
	random_bytes(leg->focus->random, leg->srtp_keys, sizeof(leg->srtp_keys));
	leg->bus = place->bus ? bus_ref(place->bus) : NULL;
	leg->is_in_room = !place->is_outside;
	return 0;
}

void leg_set_bus(struct leg *leg, struct bus *bus)
{
	assert(!leg->is_in_room && !leg->bus);
	leg->bus = bus_ref(bus);
}

void leg_enter(struct leg *leg)
{
	assert(leg->bus || !leg->media);
	if (leg->is_in_room)
		return;
	leg->is_in_room = true;
	leg_want(leg, LEG_MOVE);
}

void leg_go(struct leg *leg, struct bus *bus)
{
	assert(leg->bus && leg->is_in_room);
	if (leg->left) /* it has not got to the one in between */
		bus_unref(leg->bus);
	else
		leg->left = leg->bus;
	leg->bus = bus_ref(bus);
	leg_want(leg, LEG_MOVE);
}

void leg_agree(struct leg *leg, const struct offer_agreed *agreed)
{
	leg_params_of(agreed, leg->focus->config->media_symmetric, &leg->params);
	leg->params.trusts_levels = leg->focus->config->media_trust_levels;
	if (agreed->is_encrypted && !leg->is_secure && !leg->told_in_clear) {
		LOG(LOG_WARN, "srtp.key_in_the_clear", LOG_INT("leg", leg->media));
		leg->told_in_clear = true;
	}
	leg_want(leg, LEG_PARAMS);
}

void leg_control(struct leg *leg, const struct media_leg_control *control)
{
	leg->control = *control;
	leg_want(leg, LEG_CONTROL);
}

void leg_close(struct leg *leg)
{
	const struct media *media = &leg->focus->media;

	if (!leg->media || leg->is_closing)
		return;
	timer_stop(leg->focus->wheel, &leg->retry);
	leg->is_closing = true;
	(void)media->ops->leg_close(media->ctx, leg->media);
}

void leg_on_closed(struct leg *leg, const struct media_leg_stats *stats)
{
	timer_stop(leg->focus->wheel, &leg->retry);
	leg->stats = *stats;
	leg->media = 0;
	leg->is_closing = false;
	leg->bus = bus_unref(leg->bus);
	leg->left = bus_unref(leg->left);
}

bool leg_is_open(const struct leg *leg)
{
	return leg->media != 0;
}

void leg_stats(const struct leg *leg, struct media_leg_stats *ret_stats)
{
	const struct media *media = &leg->focus->media;

	*ret_stats = leg->stats;
	if (leg->media)
		(void)media->ops->leg_stats(media->ctx, leg->media, ret_stats);
}

void leg_done(struct leg *leg)
{
	struct media_leg_stats stats;

	leg_stats(leg, &stats);
	leg_close(leg);
	leg_on_closed(leg, &stats);
}

/* Descriptions ------------------------------------------------------------------------------- */

static enum offer_srtp srtp_of(const char *policy)
{
	if (strcmp(policy, "off") == 0)
		return OFFER_SRTP_OFF;
	return strcmp(policy, "required") == 0 ? OFFER_SRTP_REQUIRED : OFFER_SRTP_OFFERED;
}

void leg_offer_capability(const struct config *config, const char *codecs, const struct addr *local,
			  struct offer_local *ret_local)
{
	struct offer_local offer = {
		.rtp = *local,
		.has_telephone_event = true,
		.has_rtcp_mux = true,
		.has_noise = config->media_comfort_noise,
		.has_extras = config->media_offer_extras,
		.ptime_ms = (uint16_t)config->media_ptime_ms,
		.direction = SDP_SENDRECV,
	};
	struct addr public;

	offer.srtp = srtp_of(config->media_srtp);
	codecs_add_list(&offer, slice_of(codecs && codecs[0] ? codecs : config->media_codecs));
	/* The public address of another family than the call's would reach nobody. */
	if (!addr_parse_ip(slice_of(config->media_address), &public) &&
	    addr_is_v6(&public) == addr_is_v6(local)) {
		addr_set_port(&public, addr_port(local));
		offer.rtp = public;
	}
	*ret_local = offer;
}

void leg_offer_local(const struct leg *leg, struct offer_local *ret_local)
{
	leg_offer_capability(leg->focus->config, leg->codecs, &leg->bound, ret_local);
	/* A key that everybody on the way can read is not offered; who sends us one may have it. */
	if (ret_local->srtp == OFFER_SRTP_OFFERED && !leg->is_secure)
		ret_local->srtp = OFFER_SRTP_ACCEPTED;
	memcpy(ret_local->srtp_keys, leg->srtp_keys, sizeof(leg->srtp_keys));
}

static uint16_t ptime_fit(uint16_t ptime_ms)
{
	uint16_t whole = (uint16_t)(ptime_ms / 10 * 10);

	return MIN_OF(MAX_OF(whole, MEDIA_PTIME_MS_MIN), MEDIA_PTIME_MS_MAX);
}

static struct media_keys keys_of(const struct sdes *sdes)
{
	static const enum media_suite suites[SDES_SUITE_COUNT] = {
		[SDES_AEAD_AES_256_GCM] = MEDIA_SUITE_AEAD_AES_256_GCM,
		[SDES_AEAD_AES_128_GCM] = MEDIA_SUITE_AEAD_AES_128_GCM,
		[SDES_AES_CM_128_HMAC_SHA1_80] = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80,
		[SDES_AES_CM_128_HMAC_SHA1_32] = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32,
	};
	struct media_keys keys = {.suite = suites[sdes->suite]};

	static_assert((int)SDES_KEY_MAX <= (int)MEDIA_KEY_MAX, "a key must fit");
	memcpy(keys.key, sdes->key, sizeof(sdes->key));
	return keys;
}

void leg_params_of(const struct offer_agreed *agreed, bool is_symmetric,
		   struct media_leg_params *ret_params)
{
	bool is_on = agreed->is_active;
	struct media_leg_params params = {
		.remote_rtp = agreed->remote_rtp,
		.remote_rtcp = agreed->remote_rtcp,
		.send = {MEDIA_CODEC_NONE, MEDIA_PT_NONE},
		.dtmf_pt_receive = agreed->dtmf_pt_receive,
		.dtmf_pt_send = agreed->dtmf_pt_send,
		.dtmf_clock_hz = agreed->dtmf_clock_hz,
		.ptime_ms = ptime_fit(agreed->ptime_ms),
		.is_sending = is_on && agreed->is_sending && agreed->send_id > 0,
		.is_receiving = is_on && agreed->is_receiving && !agreed->is_held,
		.has_rtcp_mux = agreed->has_rtcp_mux,
		.has_voip_metrics = agreed->has_voip_metrics,
		.has_reduced_rtcp = agreed->extras.has_reduced,
		.has_noise = agreed->extras.has_noise,
		.level_ext = agreed->extras.level_id,
		.mix_ext = agreed->extras.mix_id,
		.is_symmetric = is_symmetric,
	};

	if (agreed->send_id > 0)
		params.send = (struct media_format){(enum media_codec)agreed->send_id,
						    agreed->send_pt};
	if (params.send.codec == MEDIA_CODEC_OPUS)
		params.opus = codecs_opus_of(agreed->send_fmtp);
	if (agreed->is_encrypted) {
		params.keys_send = keys_of(&agreed->keys_send);
		params.keys_receive = keys_of(&agreed->keys_receive);
	}
	for (uint8_t i = 0; i < agreed->receive_count; i++)
		params.receive[params.receive_count++] = (struct media_format){
			(enum media_codec)agreed->receive[i].id,
			agreed->receive[i].payload_type,
		};
	*ret_params = params;
}

int leg_local_of_flow(const struct sip_flow *flow, struct addr *ret_local)
{
	struct addr local = flow->local;
	int err;

	if (!addr_is_set(&local) || addr_is_any(&local)) {
		err = addr_local_for(&flow->remote, &local);
		if (err)
			return err;
	}
	addr_set_port(&local, 0);
	*ret_local = local;
	return 0;
}
