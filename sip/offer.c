#include "sip/offer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/offer_priv.h"

enum {
	PT_DYNAMIC_FIRST = 96,
	PT_DYNAMIC_LAST = 127,
	PT_EVENT_USUAL = 101, /* of telephone-event/8000: some gateways know no other */
	PTIME_STEP_MS = 10,
	PTIME_MAX_MS = 120
};

int offer_new(const struct offer_local *local, uint64_t session_id, struct offer **ret_offer)
{
	struct offer *offer = calloc(1, sizeof(*offer));

	assert(local->codec_count > 0 && local->codec_count <= OFFER_CODECS_MAX);

	if (!offer)
		return -ENOMEM;
	offer->local = *local;
	offer->session_id = session_id;
	offer->version = 1;
	offer->line = OFFER_NO_LINE;
	*ret_offer = offer;
	return 0;
}

int offer_clone(const struct offer *offer, struct offer **ret_offer)
{
	struct offer *copy;

	if (offer->has_agreed || offer->pending || offer->remote)
		return ERR_STATE;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *offer;
	copy->last = BUF_INIT;
	if (offer->last.len > 0)
		buf_addslice(&copy->last, buf_slice(&offer->last));
	if (buf_err(&copy->last)) {
		offer_free(copy);
		return -ENOMEM;
	}
	*ret_offer = copy;
	return 0;
}

struct offer *offer_free(struct offer *offer)
{
	if (offer) {
		sdp_free(offer->remote);
		sdp_free(offer->pending);
		buf_done(&offer->last);
		free(offer);
	}
	return NULL;
}

int offer_set_local(struct offer *offer, const struct offer_local *local)
{
	assert(local->codec_count > 0 && local->codec_count <= OFFER_CODECS_MAX);

	if (offer->state == OFFER_LOCAL)
		return ERR_STATE;
	offer->local = *local;
	return 0;
}

enum offer_state offer_state(const struct offer *offer)
{
	return offer->state;
}

const struct offer_agreed *offer_agreed(const struct offer *offer)
{
	return offer->has_agreed ? &offer->agreed : NULL;
}

void offer_rollback(struct offer *offer)
{
	offer->pending = sdp_free(offer->pending);
	offer->state = OFFER_STABLE;
}

/* Payload types ----------------------------------------------------------------------------------
 */

static struct offer_pt *find_pt(struct offer *offer, int id, uint32_t clock_hz)
{
	for (size_t i = 0; i < offer->pt_count; i++) {
		if (offer->pts[i].id == id && offer->pts[i].clock_hz == clock_hz)
			return &offer->pts[i];
	}
	return NULL;
}

/* Keeps what a number means; a number that gets a new meaning loses the old one. */
static void remember_pt(struct offer *offer, int id, uint32_t clock_hz, uint8_t payload_type)
{
	size_t kept = 0;

	for (size_t i = 0; i < offer->pt_count; i++) {
		const struct offer_pt *pt = &offer->pts[i];

		if (pt->payload_type != payload_type && (pt->id != id || pt->clock_hz != clock_hz))
			offer->pts[kept++] = *pt;
	}
	if (kept == OFFER_PTS_MAX) { /* the codecs of the local description changed often */
		kept--;
		memmove(&offer->pts[0], &offer->pts[1], kept * sizeof(offer->pts[0]));
	}
	offer->pts[kept++] = (struct offer_pt){id, clock_hz, payload_type};
	offer->pt_count = (uint8_t)kept;
}

static void remember_plan(struct offer *offer, const struct offer_plan *plan)
{
	for (size_t i = 0; i < plan->codec_count; i++) {
		const struct offer_codec *codec = &offer->local.codecs[plan->codecs[i].index];

		remember_pt(offer, codec->id, codec->clock_hz, plan->codecs[i].receive_pt);
	}
	for (size_t i = 0; i < plan->event_count; i++)
		remember_pt(offer, OFFER_ID_EVENT, plan->events[i].clock_hz,
			    plan->events[i].receive_pt);
}

static bool is_pt_free(const struct offer *offer, const struct offer_plan *plan,
		       uint8_t payload_type)
{
	for (size_t i = 0; i < offer->pt_count; i++) {
		if (offer->pts[i].payload_type == payload_type)
			return false;
	}
	for (size_t i = 0; i < plan->codec_count; i++) {
		if (plan->codecs[i].receive_pt == payload_type)
			return false;
	}
	for (size_t i = 0; i < plan->event_count; i++) {
		if (plan->events[i].receive_pt == payload_type)
			return false;
	}
	return true;
}

/* The number that an offer of ours gives to a codec: the one it has in this session, `wanted` (-1:
 * none) when it is free, or the lowest free one. OFFER_NO_PT when all are taken. */
static uint8_t choose_pt(struct offer *offer, const struct offer_plan *plan, struct offer_pt wish,
			 int wanted)
{
	const struct offer_pt *known = find_pt(offer, wish.id, wish.clock_hz);

	if (known)
		return known->payload_type;
	if (wanted >= 0 && is_pt_free(offer, plan, (uint8_t)wanted))
		return (uint8_t)wanted;
	for (int pt = PT_DYNAMIC_FIRST; pt <= PT_DYNAMIC_LAST; pt++) {
		bool is_reserved = pt == PT_EVENT_USUAL && offer->local.has_telephone_event;

		if (!is_reserved && is_pt_free(offer, plan, (uint8_t)pt))
			return (uint8_t)pt;
	}
	return OFFER_NO_PT;
}

static bool has_event(const struct offer_plan *plan, uint32_t clock_hz)
{
	for (size_t i = 0; i < plan->event_count; i++) {
		if (plan->events[i].clock_hz == clock_hz)
			return true;
	}
	return false;
}

static void add_event(struct offer_plan *plan, uint32_t clock_hz, uint8_t payload_type)
{
	if (payload_type != OFFER_NO_PT && plan->event_count < OFFER_EVENTS_MAX &&
	    !has_event(plan, clock_hz))
		plan->events[plan->event_count++] = (struct offer_plan_event){
			clock_hz, payload_type, payload_type};
}

/* All that we can do, for an offer of ours. */
static void plan_own(struct offer *offer, struct offer_plan *plan)
{
	const struct offer_local *local = &offer->local;

	for (uint8_t i = 0; i < local->codec_count; i++) {
		const struct offer_codec *codec = &local->codecs[i];
		uint8_t pt = choose_pt(offer, plan,
				       (struct offer_pt){codec->id, codec->clock_hz, 0},
				       codec->static_pt);

		if (pt != OFFER_NO_PT)
			plan->codecs[plan->codec_count++] = (struct offer_plan_codec){i, pt,
										      OFFER_NO_PT};
	}
	for (uint8_t i = 0; i < plan->codec_count && local->has_telephone_event; i++) {
		uint32_t clock_hz = local->codecs[plan->codecs[i].index].clock_hz;

		if (!has_event(plan, clock_hz))
			add_event(plan, clock_hz,
				  choose_pt(offer, plan,
					    (struct offer_pt){OFFER_ID_EVENT, clock_hz, 0},
					    clock_hz == 8000 ? PT_EVENT_USUAL : -1));
	}
}

/* Lines of ours for an offer. A call that is encrypted stays so, in its suite and under its tag;
 * another key of theirs comes with their answer (RFC 4568 7.1.4). */
static void plan_own_keys(const struct offer *offer, struct offer_plan *plan)
{
	if (offer->has_agreed && offer->agreed.is_encrypted) {
		plan->ours[plan->ours_count++] = offer->agreed.keys_send;
		return;
	}
	if (offer->local.srtp < OFFER_SRTP_OFFERED)
		return;
	for (uint8_t suite = 0; suite < SDES_SUITE_COUNT; suite++) {
		struct sdes *ours = &plan->ours[plan->ours_count++];

		*ours = (struct sdes){.tag = suite + 1u, .suite = (enum sdes_suite)suite};
		memcpy(ours->key, offer->local.srtp_keys[suite], sizeof(ours->key));
	}
}

/* Reading theirs ---------------------------------------------------------------------------------
 */

static bool is_secure_protocol(struct slice protocol)
{
	return slice_iis(protocol, "RTP/SAVP") || slice_iis(protocol, "RTP/SAVPF");
}

static bool is_plain_protocol(struct slice protocol)
{
	return slice_iis(protocol, "RTP/AVP") || slice_iis(protocol, "RTP/AVPF");
}

/* An audio line of a kind that we speak. */
static bool is_our_audio(const struct offer *offer, const struct sdp_media *media)
{
	return slice_iis(media->kind, "audio") &&
	       (is_plain_protocol(media->protocol) ||
		(offer->local.srtp != OFFER_SRTP_OFF && is_secure_protocol(media->protocol)));
}

static bool is_event(const struct sdp_format *format)
{
	return slice_iis(slice_of(format->name), "telephone-event") && format->clock_hz > 0;
}

/* Index of the codec that a format of theirs names, or -1. */
static int match_codec(const struct offer_local *local, const struct sdp_format *format)
{
	for (int i = 0; i < local->codec_count; i++) {
		const struct offer_codec *codec = &local->codecs[i];
		unsigned channels = codec->channels ? codec->channels : 1;

		if (slice_iis(slice_of(format->name), codec->name) &&
		    format->clock_hz == codec->clock_hz &&
		    (format->channels ? format->channels : 1u) == channels)
			return i;
	}
	return -1;
}

static struct offer_plan_codec *find_codec(struct offer_plan *plan, int index)
{
	for (size_t i = 0; i < plan->codec_count; i++) {
		if (plan->codecs[i].index == index)
			return &plan->codecs[i];
	}
	return NULL;
}

static bool has_clock(const struct offer *offer, const struct offer_plan *plan, uint32_t clock_hz)
{
	for (size_t i = 0; i < plan->codec_count; i++) {
		if (offer->local.codecs[plan->codecs[i].index].clock_hz == clock_hz)
			return true;
	}
	return false;
}

/* RFC 4733 2.4.1 wants events at the clock rate of the audio. Phones that offer Opus with nothing
 * but telephone-event/8000 are many: then their first one is taken as it is. */
static void plan_events(const struct offer *offer, const struct sdp_media *media,
			struct offer_plan *plan)
{
	const struct sdp_format *first = NULL;

	for (size_t i = 0; i < media->format_count; i++) {
		const struct sdp_format *format = &media->formats[i];

		if (!is_event(format))
			continue;
		if (!first)
			first = format;
		if (has_clock(offer, plan, format->clock_hz))
			add_event(plan, format->clock_hz, format->payload_type);
	}
	if (first && plan->event_count == 0)
		add_event(plan, first->clock_hz, first->payload_type);
}

/* What both can do, in the order of their offer, with their numbers (RFC 3264 6.1). */
static void plan_from_offer(const struct offer *offer, const struct sdp_media *media,
			    struct offer_plan *plan)
{
	for (size_t i = 0; i < media->format_count; i++) {
		const struct sdp_format *format = &media->formats[i];
		int index = match_codec(&offer->local, format);

		if (index >= 0 && !find_codec(plan, index))
			plan->codecs[plan->codec_count++] = (struct offer_plan_codec){
				(uint8_t)index, format->payload_type, format->payload_type};
	}
	if (offer->local.has_telephone_event)
		plan_events(offer, media, plan);
}

/* The first line of theirs that we can do (RFC 4568 5.1.2), with a key of ours to it. */
static void plan_keys(const struct offer *offer, const struct sdp_media *media,
		      struct offer_plan *plan)
{
	for (uint16_t i = 0; i < media->attribute_count && offer->local.srtp; i++) {
		const struct sdp_attribute *attribute = &media->attributes[i];
		struct sdes theirs, ours;

		if (!slice_iis(attribute->name, "crypto") || sdes_parse(attribute->value, &theirs))
			continue;
		ours = theirs;
		memcpy(ours.key, offer->local.srtp_keys[ours.suite], sizeof(ours.key));
		plan->theirs = theirs;
		plan->ours[0] = ours;
		plan->ours_count = 1;
		return;
	}
}

/* A key where one must be. */
static bool has_keys(const struct offer *offer, const struct sdp_media *media,
		     const struct offer_plan *plan)
{
	bool must_have = is_secure_protocol(media->protocol) ||
			 offer->local.srtp == OFFER_SRTP_REQUIRED;

	return plan->theirs.tag != 0 || !must_have;
}

static bool is_usable(const struct offer *offer, const struct sdp_media *media)
{
	struct offer_plan plan = {0};

	if (!is_our_audio(offer, media) || media->port == 0)
		return false;
	plan_from_offer(offer, media, &plan);
	plan_keys(offer, media, &plan);
	return plan.codec_count > 0 && has_keys(offer, media, &plan);
}

/* The m-line to talk on: the one in use while it will do, else the first that does. */
static int choose_line(const struct offer *offer, const struct sdp *sdp)
{
	if (offer->line >= 0 && offer->line < sdp->media_count &&
	    is_usable(offer, &sdp->media[offer->line]))
		return offer->line;
	for (int i = 0; i < sdp->media_count; i++) {
		if (is_usable(offer, &sdp->media[i]))
			return i;
	}
	return OFFER_NO_LINE;
}

/* Nothing is asked for: no m-line at all (RFC 3264 5, a controller's first INVITE in RFC 3725), or
 * every one disabled. That is answered in kind, not refused. */
static bool is_without_media(const struct sdp *sdp)
{
	for (size_t i = 0; i < sdp->media_count; i++) {
		if (sdp->media[i].port != 0)
			return false;
	}
	return true;
}

static bool has_word(struct slice words, struct slice word)
{
	while (words.len > 0) {
		size_t end = slice_find(words, ' ');

		if (slice_eq(slice_first(words, end), word))
			return true;
		words = slice_from(words, end + 1);
	}
	return false;
}

/* The name of a line of theirs that is in a BUNDLE group. The group of ours has that one line, or
 * is none: with one stream there is nothing to share, but who wants all in one (max-bundle) is
 * answered in kind (RFC 8843 7.3). Who bundles must multiplex RTCP (9). */
static struct slice bundle_mid(const struct sdp *sdp, int line)
{
	const struct sdp_media *media = &sdp->media[line];
	struct slice mid;

	if (!media->has_rtcp_mux ||
	    !sdp_attribute(media->attributes, media->attribute_count, "mid", &mid) || mid.len == 0)
		return SLICE_NONE;
	for (size_t i = 0; i < sdp->attribute_count; i++) {
		const struct sdp_attribute *a = &sdp->attributes[i];

		if (slice_is(a->name, "group") && slice_starts(a->value, SLICE("BUNDLE ")) &&
		    has_word(slice_from(a->value, sizeof("BUNDLE ") - 1), mid))
			return mid;
	}
	return SLICE_NONE;
}

/* What was agreed
 * ---------------------------------------------------------------------------------- */

static bool does_send(enum sdp_direction direction)
{
	return direction == SDP_SENDRECV || direction == SDP_SENDONLY;
}

static bool does_receive(enum sdp_direction direction)
{
	return direction == SDP_SENDRECV || direction == SDP_RECVONLY;
}

static enum sdp_direction direction_of(bool is_sending, bool is_receiving)
{
	if (is_sending)
		return is_receiving ? SDP_SENDRECV : SDP_SENDONLY;
	return is_receiving ? SDP_RECVONLY : SDP_INACTIVE;
}

/* RFC 3264 6.1: what we want, cut to what their direction leaves. */
static enum sdp_direction answer_direction(enum sdp_direction ours, enum sdp_direction theirs)
{
	return direction_of(does_send(ours) && does_receive(theirs),
			    does_receive(ours) && does_send(theirs));
}

/* Their wish when it is a packet size that can be made, within their maximum; else ours. */
static uint16_t agreed_ptime(const struct offer_local *local, const struct sdp_media *media)
{
	uint16_t ptime = media->ptime_ms;

	if (ptime < PTIME_STEP_MS || ptime > PTIME_MAX_MS || ptime % PTIME_STEP_MS != 0)
		ptime = local->ptime_ms;
	if (media->maxptime_ms >= PTIME_STEP_MS && ptime > media->maxptime_ms)
		ptime = (uint16_t)(media->maxptime_ms - media->maxptime_ms % PTIME_STEP_MS);
	return ptime;
}

static struct addr rtcp_of(const struct sdp_media *media, bool has_mux)
{
	struct addr rtcp = media->connection;

	if (has_mux)
		addr_set_port(&rtcp, media->port);
	else if (addr_port(&media->rtcp) != 0)
		rtcp = media->rtcp;
	else if (media->port < UINT16_MAX)
		addr_set_port(&rtcp, (uint16_t)(media->port + 1)); /* RFC 3550 11 */
	return rtcp;
}

static void agree_events(const struct offer_plan *plan, uint32_t clock_hz,
			 struct offer_agreed *agreed)
{
	const struct offer_plan_event *event = plan->event_count ? &plan->events[0] : NULL;

	for (size_t i = 0; i < plan->event_count; i++) {
		if (plan->events[i].clock_hz == clock_hz)
			event = &plan->events[i];
	}
	agreed->dtmf_pt_receive = event ? event->receive_pt : OFFER_NO_PT;
	agreed->dtmf_pt_send = event ? event->send_pt : OFFER_NO_PT;
	agreed->dtmf_clock_hz = event ? event->clock_hz : 0;
}

/* "voip-metrics" among the formats of a=rtcp-xr, which are separated by spaces (RFC 3611 5.1). */
static bool wants_voip_metrics(const struct sdp_media *media)
{
	struct slice formats;

	if (!sdp_attribute(media->attributes, media->attribute_count, "rtcp-xr", &formats))
		return false;
	while (formats.len > 0) {
		size_t end = slice_find(formats, ' ');

		if (slice_iis(slice_first(formats, end), "voip-metrics"))
			return true;
		formats = end < formats.len ? slice_from(formats, end + 1) : SLICE_NONE;
	}
	return false;
}

static struct slice fmtp_of(const struct sdp_media *media, uint8_t payload_type)
{
	for (size_t i = 0; i < media->format_count; i++)
		if (media->formats[i].payload_type == payload_type)
			return media->formats[i].fmtp;
	return SLICE_NONE;
}

static void agree_codecs(const struct offer *offer, const struct offer_plan *plan,
			 struct offer_agreed *agreed)
{
	const struct offer_codec *first = &offer->local.codecs[plan->codecs[0].index];

	for (size_t i = 0; i < plan->codec_count; i++) {
		agreed->receive[i].id = offer->local.codecs[plan->codecs[i].index].id;
		agreed->receive[i].payload_type = plan->codecs[i].receive_pt;
	}
	agreed->receive_count = plan->codec_count;
	agreed->send_id = first->id;
	agreed->send_pt = plan->codecs[0].send_pt;
	agree_events(plan, first->clock_hz, agreed);
}

/* `media` is theirs of the plan's line. */
static void agree(struct offer *offer, const struct sdp_media *media, const struct offer_plan *plan)
{
	const struct offer_local *local = &offer->local;
	struct offer_agreed agreed = {
		.send_id = -1, .dtmf_pt_receive = OFFER_NO_PT, .dtmf_pt_send = OFFER_NO_PT};

	if (plan->line != OFFER_NO_LINE) {
		enum sdp_direction direction = answer_direction(local->direction, media->direction);

		agreed.is_active = true;
		agree_codecs(offer, plan, &agreed);
		agreed.has_voip_metrics = wants_voip_metrics(media);
		agreed.extras = plan->extras;
		agreed.is_encrypted = plan->theirs.tag != 0;
		agreed.keys_receive = plan->theirs;
		if (agreed.is_encrypted)
			agreed.keys_send = plan->ours[0];
		agreed.send_fmtp = fmtp_of(media, agreed.send_pt);
		agreed.ptime_ms = agreed_ptime(local, media);
		agreed.has_rtcp_mux = local->has_rtcp_mux && media->has_rtcp_mux;
		agreed.is_held = media->is_held_old_style || media->direction == SDP_SENDONLY ||
				 media->direction == SDP_INACTIVE;
		agreed.is_sending = does_send(direction) && !media->is_held_old_style;
		agreed.is_receiving = does_receive(direction);
		if (addr_is_set(&media->connection) && !media->is_held_old_style) {
			agreed.remote_rtp = media->connection;
			addr_set_port(&agreed.remote_rtp, media->port);
			agreed.remote_rtcp = rtcp_of(media, agreed.has_rtcp_mux);
		}
	}
	offer->agreed = agreed;
	offer->has_agreed = true;
}

/* The exchange is complete: theirs is `sdp` now, owned. */
static void commit(struct offer *offer, struct sdp *sdp, const struct offer_plan *plan)
{
	agree(offer, plan->line == OFFER_NO_LINE ? NULL : &sdp->media[plan->line], plan);
	remember_plan(offer, plan);
	if (plan->line != OFFER_NO_LINE)
		offer->line = plan->line;
	sdp_free(offer->remote);
	offer->remote = sdp;
	offer->state = OFFER_STABLE;
}

/* We offer
 * ----------------------------------------------------------------------------------------- */

/* The m-line for an offer of ours: the audio stream's, any audio line that there was, or one more.
 */
static int own_line(const struct offer *offer)
{
	int count = offer->remote ? offer->remote->media_count : 0;

	if (offer->line >= 0 && offer->line < count)
		return offer->line;
	for (int i = 0; i < count; i++) {
		if (slice_iis(offer->remote->media[i].kind, "audio"))
			return i;
	}
	return count < SDP_MEDIA_MAX ? count : OFFER_NO_LINE;
}

void offer_renew(struct offer *offer)
{
	offer->is_renewed = true;
}

int offer_write(struct offer *offer, struct buf *ret_text)
{
	struct offer_plan plan = {.line = own_line(offer)};
	struct offer_text text = {
		.lines = offer->remote,
		.plan = &plan,
		.protocol = SLICE("RTP/AVP"),
		.direction = offer->local.direction,
		.ptime_ms = offer->local.ptime_ms,
		.has_rtcp_mux = offer->local.has_rtcp_mux,
	};
	int err;

	if (offer->state != OFFER_STABLE)
		return ERR_STATE;
	text.line_count = offer->remote ? offer->remote->media_count : 0;
	if (plan.line == text.line_count)
		text.line_count++;
	else if (plan.line != OFFER_NO_LINE &&
		 is_our_audio(offer, &offer->remote->media[plan.line]))
		text.protocol = offer->remote->media[plan.line].protocol;
	if (text.has_rtcp_mux && offer->remote && plan.line >= 0 &&
	    plan.line < offer->remote->media_count)
		text.mid = bundle_mid(offer->remote, plan.line);
	plan_own(offer, &plan);
	plan_own_keys(offer, &plan);
	if (offer->has_agreed)
		plan.extras = offer->agreed.extras;
	else if (offer->local.has_extras)
		plan.extras = offer_extras_ours(offer->local.has_noise);
	if (offer->local.srtp == OFFER_SRTP_REQUIRED && is_plain_protocol(text.protocol) &&
	    !(offer->has_agreed && offer->agreed.is_encrypted))
		text.protocol = SLICE("RTP/SAVP");
	err = offer_text_write(offer, &text, ret_text);
	if (err)
		return err;
	offer->sent = plan;
	offer->sent_lines = text.line_count;
	offer->state = OFFER_LOCAL;
	return 0;
}

/* Their numbers for what we offered, in the order of their answer. A dynamic number without rtpmap
 * can only be ours. */
static void plan_from_answer(const struct offer *offer, const struct sdp_media *media,
			     struct offer_plan *plan)
{
	struct offer_plan sent = offer->sent;

	for (size_t i = 0; i < media->format_count; i++) {
		const struct sdp_format *format = &media->formats[i];
		int index = match_codec(&offer->local, format);
		const struct offer_plan_codec *codec = NULL;

		for (size_t k = 0; k < sent.codec_count && format->name[0] == '\0'; k++) {
			if (sent.codecs[k].receive_pt == format->payload_type)
				index = sent.codecs[k].index;
		}
		if (index >= 0)
			codec = find_codec(&sent, index);
		if (codec && !find_codec(plan, index))
			plan->codecs[plan->codec_count++] = (struct offer_plan_codec){
				codec->index, codec->receive_pt, format->payload_type};
	}
	for (size_t i = 0; i < media->format_count; i++) {
		const struct sdp_format *format = &media->formats[i];

		for (size_t k = 0; k < sent.event_count && is_event(format); k++) {
			if (sent.events[k].clock_hz != format->clock_hz ||
			    has_event(plan, format->clock_hz))
				continue;
			add_event(plan, format->clock_hz, sent.events[k].receive_pt);
			plan->events[plan->event_count - 1].send_pt = format->payload_type;
		}
	}
}

/* Their key for one of the lines that we sent; it stands in front of ours then. */
static void match_keys(const struct offer *offer, const struct sdp_media *media,
		       struct offer_plan *plan)
{
	for (uint16_t i = 0; i < media->attribute_count && plan->theirs.tag == 0; i++) {
		const struct sdp_attribute *attribute = &media->attributes[i];
		struct sdes theirs;

		if (!slice_iis(attribute->name, "crypto") || sdes_parse(attribute->value, &theirs))
			continue;
		for (size_t k = 0; k < offer->sent.ours_count; k++) {
			const struct sdes *ours = &offer->sent.ours[k];

			if (ours->tag != theirs.tag || ours->suite != theirs.suite)
				continue;
			plan->theirs = theirs;
			plan->ours[0] = *ours;
			plan->ours_count = 1;
		}
	}
}

static int match_answer(const struct offer *offer, const struct sdp *sdp, struct offer_plan *plan)
{
	const struct sdp_media *media;
	struct offer_extras theirs;

	if (sdp->media_count != offer->sent_lines)
		return ERR_SDP_MISMATCH;
	if (offer->sent.line == OFFER_NO_LINE)
		return 0;
	media = &sdp->media[offer->sent.line];
	if (media->port == 0)
		return 0; /* declined */
	if (!is_our_audio(offer, media))
		return ERR_SDP_MISMATCH;
	plan_from_answer(offer, media, plan);
	match_keys(offer, media, plan);
	theirs = offer_extras_read(media);
	plan->extras = offer_extras_common(&offer->sent.extras, &theirs);
	if (plan->codec_count == 0 || !has_keys(offer, media, plan))
		return ERR_SDP_MISMATCH;
	plan->line = offer->sent.line;
	return 0;
}

int offer_read_answer(struct offer *offer, struct slice text)
{
	struct offer_plan plan = {.line = OFFER_NO_LINE};
	struct sdp *sdp = NULL;
	int err;

	if (offer->state != OFFER_LOCAL)
		return ERR_STATE;
	err = sdp_parse(text, &sdp, NULL);
	if (err == 0)
		err = match_answer(offer, sdp, &plan);
	if (err) {
		sdp_free(sdp);
		offer->state = OFFER_STABLE;
		return err == ERR_SDP_TOO_LARGE ? ERR_SDP_SYNTAX : err;
	}
	commit(offer, sdp, &plan);
	return 0;
}

/* They offer
 * --------------------------------------------------------------------------------------- */

int offer_read(struct offer *offer, struct slice text)
{
	struct sdp *sdp;
	int err;

	if (offer->state != OFFER_STABLE)
		return ERR_STATE;
	err = sdp_parse(text, &sdp, NULL);
	if (err)
		return err == ERR_SDP_TOO_LARGE ? ERR_SDP_SYNTAX : err;
	if (choose_line(offer, sdp) == OFFER_NO_LINE && !is_without_media(sdp)) {
		sdp_free(sdp);
		return ERR_SDP_NO_MEDIA;
	}
	offer->pending = sdp;
	offer->state = OFFER_REMOTE;
	return 0;
}

int offer_write_answer(struct offer *offer, struct buf *ret_text)
{
	struct offer_plan plan = {.line = OFFER_NO_LINE};
	struct offer_text text = {.plan = &plan};
	struct sdp *sdp = offer->pending;
	int err;

	if (offer->state != OFFER_REMOTE)
		return ERR_STATE;
	plan.line = choose_line(offer,
				sdp); /* again: the local description may be another by now */
	if (plan.line == OFFER_NO_LINE && !is_without_media(sdp))
		return ERR_SDP_NO_MEDIA;
	text.lines = sdp;
	text.line_count = sdp->media_count;
	if (plan.line != OFFER_NO_LINE) {
		const struct sdp_media *media = &sdp->media[plan.line];

		plan_from_offer(offer, media, &plan);
		plan_keys(offer, media, &plan);
		plan.extras = offer_extras_read(media);
		plan.extras.has_noise &= offer->local.has_noise;
		text.has_voip_metrics = wants_voip_metrics(media);
		text.protocol = media->protocol;
		text.direction = answer_direction(offer->local.direction, media->direction);
		text.ptime_ms = agreed_ptime(&offer->local, media);
		text.has_rtcp_mux = offer->local.has_rtcp_mux && media->has_rtcp_mux;
		if (text.has_rtcp_mux)
			text.mid = bundle_mid(sdp, plan.line);
	}
	err = offer_text_write(offer, &text, ret_text);
	if (err)
		return err;
	offer->pending = NULL;
	commit(offer, sdp, &plan);
	return 0;
}
