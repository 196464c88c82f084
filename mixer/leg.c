/* mixer/leg.c -- the RTP side of a leg.
 *
 * A new SSRC from the believed source is taken over when it comes twice in a row with no packet of
 * the old one in between: a phone that starts anew costs one packet, and two streams that are sent
 * into one port at a time do not make the intake start over at each packet.
 */
#include "mixer/leg.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "mixer/kernel.h"
#include "mixer/port.h"
#include "mixer/prefetch.h"
#include "mixer/quality.h"

enum {
	SSRC_RUN = 2,
	QUALITY_WINDOW_MS = 2000,
	QUALITY_SMOOTH = 4, /* windows */
	COMFORT_NOISE_PT = 13,
	CLOCK_HZ = 8000,    /* until signalling tells */
	FIXED_DELAY_MS = 30 /* packetisation at the peer, and half a tick */
};

#define TICK_NS ((uint64_t)LEG_TICK_MS * 1000000)

int leg_new(const struct leg_new_params *params, struct leg **ret_leg)
{
	struct kit_shape shape = kit_shape_plain();
	struct leg *leg = aligned_alloc(LEG_ALIGN, sizeof(*leg));
	int err;

	if (!leg)
		return -ENOMEM;
	memset(leg, 0, sizeof(*leg));
	err = kit_new(&shape, params->jitter_max_ms, &leg->kit);
	if (err) {
		free(leg);
		return err;
	}
	leg->intake = leg->kit->intake;
	leg->has_encoder = leg->kit->encoder != NULL;
	leg->stream = LEG_STREAM_NONE;
	leg->audience = LEG_AUDIENCE_NONE;
	leg->tick_units = CLOCK_HZ / 1000 * LEG_TICK_MS;
	leg->owner = params->owner;
	leg->delay_ms_cap = params->jitter_max_ms ? params->jitter_max_ms : JITTER_DELAY_MS_DEFAULT;
	leg->port = params->port;
	leg->rtp_fd = params->rtp_fd;
	leg->rtcp_fd = params->rtcp_fd;
	leg->dtmf_pt = leg->digits_pt = MEDIA_PT_NONE;
	leg->tx_seq = (uint16_t)random_u32(params->random) >> 1; /* RFC 3711 3.3.1: below 2^15 */
	leg->tx_ts = random_u32(params->random);
	leg->tx_ssrc = random_u32(params->random);
	leg->control = (struct leg_control){.gain_in_q14 = KERNEL_GAIN_UNITY_Q14,
					    .gain_out_q14 = KERNEL_GAIN_UNITY_Q14,
					    .groups = {.speaks = 1, .hears = 1}};
	leg->housekeep_in = (uint8_t)(1 + leg->tx_ssrc % LEG_HOUSEKEEP_TICKS);
	leg->housekeepings = (uint8_t)(leg->tx_ssrc / LEG_HOUSEKEEP_TICKS % LEG_RTCP_ROUNDS);
	leg->stats.level_in = leg->stats.level_out = MEDIA_LEVEL_SILENT;
	list_init(&leg->node);
	list_init(&leg->seat.waiting);
	list_init(&leg->sounds);
	ramp_init(&leg->duck, KERNEL_GAIN_UNITY_Q14);
	latch_init(&leg->latch);
	rtp_source_init(&leg->source, CLOCK_HZ);
	dtmf_init(&leg->dtmf, CLOCK_HZ);
	limiter_init(&leg->limiter, CLOCK_HZ);
	cell_init(&leg->cell);
	cell_write_rt(&leg->cell, &leg->stats);
	*ret_leg = leg;
	return 0;
}

struct leg *leg_free(struct leg *leg)
{
	if (!leg)
		return NULL;
	kit_free(leg->kit);
	strip_free(leg->strip);
	leg_crypt_done(leg);
	free(leg);
	return NULL;
}

/* Commands ---------------------------------------------------------------------------------- */

static bool pt_is_valid(uint8_t pt)
{
	return pt == MEDIA_PT_NONE || pt < 128;
}

int leg_params_check(const struct media_leg_params *params)
{
	if (params->receive_count > MEDIA_FORMATS_MAX || !pt_is_valid(params->dtmf_pt_receive) ||
	    !pt_is_valid(params->dtmf_pt_send) ||
	    (unsigned)params->keys_send.suite >= MEDIA_SUITE_COUNT ||
	    params->keys_send.suite != params->keys_receive.suite)
		return -EINVAL;
	for (uint8_t i = 0; i < params->receive_count; i++) {
		if (params->receive[i].payload_type > 127)
			return -EINVAL;
		if (!codec_find(params->receive[i].codec))
			return ERR_MEDIA_CODEC;
	}
	if (params->send.codec == MEDIA_CODEC_NONE)
		return 0;
	if (!codec_find(params->send.codec))
		return ERR_MEDIA_CODEC;
	if (params->send.payload_type > 127 || params->ptime_ms < MEDIA_PTIME_MS_MIN ||
	    params->ptime_ms > MEDIA_PTIME_MS_MAX || params->ptime_ms % 10)
		return -EINVAL;
	return 0;
}

static void set_receive(struct leg *leg, const struct media_leg_params *params, uint64_t now_ns)
{
	memset(leg->pt_codec, 0, sizeof(leg->pt_codec));
	for (uint8_t i = 0; i < params->receive_count; i++)
		leg->pt_codec[params->receive[i].payload_type] = (uint8_t)params->receive[i].codec;
	leg->dtmf_pt = params->dtmf_pt_receive;
	leg->level_ext = params->level_ext;
	leg->trusts_levels = params->trusts_levels;
	if (params->dtmf_clock_hz && params->dtmf_clock_hz != leg->dtmf.clock_hz)
		dtmf_init(&leg->dtmf, params->dtmf_clock_hz);
	if (params->is_receiving && !leg->is_receiving) {
		intake_reset_rt(leg->intake);
		leg->heard_ns = now_ns; /* quiet counts from here */
	}
	leg->is_receiving = params->is_receiving;
	leg->latch.is_silent_peer = !params->is_receiving;
}

static void set_send(struct leg *leg, const struct media_leg_params *params)
{
	const struct codec *codec = codec_find(params->send.codec);
	uint16_t ptime_ms = codec ? codec_ptime_ms(codec, params->ptime_ms) : params->ptime_ms;
	uint8_t rate = codec ? leg_rate(codec->sample_hz) : 0;

	if (codec != leg->send_codec || ptime_ms != leg->ptime_ms)
		leg->pack_len = leg->pack_count = 0;
	if (rate != leg->send_rate)
		limiter_init(&leg->limiter, leg_rate_hz(rate));
	leg->send_rate = rate;
	if (codec)
		leg->tick_units = codec->clock_hz / 1000 * LEG_TICK_MS;
	assert(!codec || !codec->encoder_size || leg->kit->shape.send == codec->id);
	if (params->is_sending && !leg->is_sending)
		leg->is_marked = true; /* a talk spurt begins (RFC 3551 4.1) */
	leg->send_codec = codec;
	leg->send_pt = params->send.payload_type;
	leg->ptime_ms = ptime_ms;
	leg->is_sending = params->is_sending;
	leg->digits_pt = params->dtmf_pt_send;
	leg->mix_ext = params->mix_ext;
	/* A codec with its own way through silence keeps it, and its encoder its memory. */
	leg->has_noise = params->has_noise && codec && !codec->encoder_size &&
			 codec->clock_hz == CLOCK_HZ;
	leg->silent_ms = 0;
	leg->digits_clock_hz = params->dtmf_clock_hz ? params->dtmf_clock_hz : CLOCK_HZ;
}

void leg_set_rt(struct leg *leg, const struct media_leg_params *params, uint64_t now_ns)
{
	set_receive(leg, params, now_ns);
	set_send(leg, params);
	(void)latch_set_rt(&leg->latch, &params->remote_rtp, params->is_symmetric);
	if (!addr_eq(&leg->rtcp.signalled, &params->remote_rtcp))
		leg->rtcp.source = (struct addr){0};
	leg->rtcp.signalled = params->remote_rtcp;
	leg->rtcp.has_mux = params->has_rtcp_mux;
	leg->rtcp.has_voip = params->has_voip_metrics;
	leg->rtcp.is_reduced = params->has_reduced_rtcp;
	if (leg->port && leg->bus) /* at its worker */
		port_rekey_rt(leg->port, leg);
}

struct kit *leg_fit_rt(struct leg *leg, struct kit *kit)
{
	struct kit *before = leg->kit;
	struct intake_stats stats = intake_stats_rt(leg->intake);

	leg->past.jitter.lost += stats.jitter.lost;
	leg->past.jitter.late += stats.jitter.late;
	leg->past.jitter.delay_ms_max = MAX_OF(leg->past.jitter.delay_ms_max,
					       stats.jitter.delay_ms_max);
	leg->past.concealed_ms += stats.concealed_ms;
	leg->kit = kit;
	leg->has_encoder = kit->encoder != NULL;
	leg->intake = kit->intake;
	leg->send_codec = NULL; /* until leg_set_rt: the encoder of the old one is gone */
	leg->pack_len = leg->pack_count = 0;
	leg->frame = (struct intake_frame){0};
	leg->pcm = leg->own = NULL;
	leg->is_summed = false;
	return before;
}

void leg_control_rt(struct leg *leg, const struct leg_control *control)
{
	leg->control = *control;
	if (!leg->control.groups.speaks)
		leg->control.groups.speaks = 1;
	if (!leg->control.groups.hears)
		leg->control.groups.hears = 1;
}

struct strip *leg_strip_rt(struct leg *leg, struct strip *strip)
{
	struct strip *before = leg->strip;

	leg->strip = strip;
	return before;
}

void leg_digits_rt(struct leg *leg, const char *text, uint32_t count)
{
	digits_push_rt(&leg->digits, text, count);
	leg->has_digits = true;
}

void leg_begin_rt(struct leg *leg, struct leg_env *env)
{
	if (leg->last_tick_ns && env->now_ns > leg->last_tick_ns + TICK_NS)
		leg->tx_ts += (uint32_t)((env->now_ns - leg->last_tick_ns) / TICK_NS - 1) *
			      leg->tick_units;
	if (!leg->last_tick_ns)
		leg->heard_ns = env->now_ns;
	leg->last_tick_ns = env->now_ns;
}

void leg_prefetch_rt(const struct leg *leg, uint32_t ahead)
{
	if (ahead == LEG_AHEAD)
		prefetch_lines(leg, offsetof(struct leg, latch.candidates));
	else
		intake_prefetch_rt(leg->intake, ahead);
}

/* Receiving --------------------------------------------------------------------------------- */

static void discard(struct leg *leg, struct leg_env *env)
{
	leg->stats.rx_discarded++;
	env->rx_discarded++;
}

/* Whether a packet belongs to the stream that is played: see the head of this file. */
static bool ssrc_admit(struct leg *leg, const struct rtp_packet *rtp)
{
	if (!leg->source.is_started || rtp->ssrc == leg->source.ssrc) {
		leg->next_run = 0;
		return true;
	}
	if (leg->next_run > 0 && leg->next_ssrc == rtp->ssrc &&
	    (uint16_t)(leg->next_seq + 1) == rtp->seq)
		leg->next_run++;
	else
		leg->next_run = 1;
	leg->next_ssrc = rtp->ssrc;
	leg->next_seq = rtp->seq;
	return leg->next_run >= SSRC_RUN;
}

static void tell_digit(struct leg *leg, struct leg_env *env, const struct dtmf_digit *digit,
		       enum media_digit_via via)
{
	struct leg_event event = {.kind = MEDIA_LEG_DTMF,
				  .object = leg,
				  .digit = digit->digit,
				  .via = via,
				  .duration_ms = digit->duration_ms};

	if (!ring_post_rt(env->events, &event))
		env->events_dropped++;
	env->must_wake = true;
}

static void play_event(struct leg *leg, struct leg_env *env, const struct rtp_packet *rtp,
		       uint64_t arrival_us)
{
	struct dtmf_digit digits[2];
	int count = dtmf_put_rt(&leg->dtmf, rtp, arrival_us, digits);

	intake_skip_rt(leg->intake, rtp, arrival_us);
	if (count == -EBADMSG)
		discard(leg, env);
	for (int i = 0; i < count; i++)
		tell_digit(leg, env, &digits[i], MEDIA_DIGIT_EVENT);
}

/* The level that its sender tells (RFC 6464), as intake.h has it. What it calls voice is not known
 * to be soft. */
static uint8_t level_told(const struct leg *leg, const struct rtp_packet *rtp)
{
	uint8_t level;
	bool is_voice;

	if (!leg->level_ext || rtp_ext_level(rtp, leg->level_ext, &level, &is_voice) != 0 ||
	    (is_voice && level >= LEG_GATE_DBOV))
		return 0;
	return (uint8_t)(1 + level);
}

/* Its sender calls it silent, as it did those before: the end of a word is heard. A decoder with a
 * memory is better kept in the stream (intake.h). */
static bool is_told_silent(struct leg *leg, const struct codec *codec, uint8_t told)
{
	if (!leg->trusts_levels || codec->decoder_size || told <= LEG_GATE_DBOV) {
		leg->told_silent = 0;
		return false;
	}
	if (leg->told_silent == LEG_TOLD_SILENT_PACKETS)
		return true;
	leg->told_silent++;
	return false;
}

/* A packet of the believed source, of an accepted payload type, while we listen. */
static void play(struct leg *leg, struct leg_env *env, const struct rtp_packet *rtp,
		 uint64_t arrival_us)
{
	enum media_codec codec = leg->pt_codec[rtp->payload_type];
	enum jitter_put_result result;
	uint8_t told;

	if (codec != MEDIA_CODEC_NONE)
		rtp_source_clock_rt(&leg->source, codec_find(codec)->clock_hz);
	if (!ssrc_admit(leg, rtp) ||
	    rtp_source_update_rt(&leg->source, rtp, arrival_us) == RTP_DROP) {
		discard(leg, env);
		return;
	}
	if (rtp->payload_type == leg->dtmf_pt) {
		play_event(leg, env, rtp, arrival_us);
		return;
	}
	told = level_told(leg, rtp);
	if (codec == MEDIA_CODEC_NONE || /* comfort noise: a pause, and no noise for the room */
	    is_told_silent(leg, codec_find(codec), told)) {
		intake_skip_rt(leg->intake, rtp, arrival_us);
		return;
	}
	result = intake_put_told_rt(leg->intake, rtp, codec, told, arrival_us);
	if (result == JITTER_DUPLICATE || result == JITTER_OVERFLOW)
		discard(leg, env);
}

static bool is_believed(struct leg *leg, struct leg_env *env, const struct io_packet *packet,
			const struct rtp_packet *rtp)
{
	struct latch_packet from = {.from = &packet->from, .ssrc = rtp->ssrc, .seq = rtp->seq};

	switch (latch_packet_rt(&leg->latch, &from, env->now_ns)) {
	case LATCH_LEARNT:
		leg->must_tell_remote = true;
		return true;
	case LATCH_ACCEPT:
		return true;
	default:
		return false;
	}
}

/* Comfort noise (RFC 3389) needs no agreement: its number is static, and no codec has it. */
static bool is_accepted(const struct leg *leg, uint8_t payload_type)
{
	return leg->pt_codec[payload_type] != MEDIA_CODEC_NONE || payload_type == leg->dtmf_pt ||
	       payload_type == COMFORT_NOISE_PT;
}

void leg_packet_rt(struct leg *leg, struct leg_env *env, const struct io_packet *received)
{
	struct io_packet packet = *received;
	struct rtp_packet rtp;

	if (leg->rtcp.has_mux && rtp_is_rtcp(packet.data, packet.len)) {
		leg_rtcp_packet_rt(leg, env, &packet);
		return;
	}
	if (!leg_unprotect_rt(leg, env, &packet, false) || packet.is_truncated ||
	    rtp_parse(packet.data, packet.len, &rtp) != 0 || !is_accepted(leg, rtp.payload_type)) {
		discard(leg, env);
		return;
	}
	if (!is_believed(leg, env, &packet, &rtp))
		return;
	leg->stats.rx_packets++;
	leg->stats.rx_octets += rtp.payload_len;
	leg->stats.rx_last_ms = packet.arrival_ns / 1000000;
	leg->heard_ns = env->now_ns;
	leg->activity = LEG_ACTIVITY_ACTIVE;
	env->rx_packets++;
	if (leg->is_receiving)
		play(leg, env, &rtp, packet.arrival_ns / 1000);
}

void leg_receive_rt(struct leg *leg, struct leg_env *env)
{
	bool has_nothing = leg->has_nothing;

	leg->has_nothing = false;     /* it was true for one tick */
	if (leg->port || has_nothing) /* a port has delivered already */
		return;
	for (uint32_t round = 0; round < LEG_RX_ROUNDS; round++) {
		const struct io_packet *packets;
		uint32_t count = io_receive_rt(env->io, leg->rtp_fd, &packets);

		leg->was_empty = count == 0;
		for (uint32_t i = 0; i < count; i++)
			leg_packet_rt(leg, env, &packets[i]);
		if (count < IO_RX_BATCH)
			return;
	}
}

/* The frame --------------------------------------------------------------------------------- */

/* Opens at once, so that no word loses its beginning; the talk detector is slower. Where a room has
 * a threshold of its own, that alone counts. */
static bool gate(struct leg *leg, uint8_t gate_dbov)
{
	bool is_loud = gate_dbov ? leg->frame.level < gate_dbov
				 : leg->frame.level < LEG_GATE_DBOV || leg->frame.is_talking;

	if (is_loud)
		leg->gate_ms = LEG_GATE_HANG_MS;
	else
		leg->gate_ms -= MIN_OF(leg->gate_ms, (uint16_t)LEG_TICK_MS);
	return leg->gate_ms > 0;
}

static void apply_gain(struct leg *leg)
{
	leg->pcm = leg->frame.pcm;
	leg->is_exact = leg->frame.payload && leg->frame.payload_len <= LEG_CHUNK_OCTETS_MAX;
	if (leg->control.gain_in_q14 == KERNEL_GAIN_UNITY_Q14)
		return;
	memcpy(leg->kit->gained, leg->frame.pcm, leg->frame.samples * sizeof(*leg->frame.pcm));
	kernel_best()->gain_rt(leg->kit->gained, leg->control.gain_in_q14, leg->frame.samples);
	leg->pcm = leg->kit->gained;
	leg->is_exact = false;
}

/* The frame as its strip leaves it. */
static void strip_apply(struct leg *leg, struct leg_env *env)
{
	struct intake_frame *frame = &leg->frame;
	struct strip_frame through = {.pcm = frame->pcm,
				      .samples = frame->samples,
				      .sample_hz = frame->sample_hz,
				      .level = frame->level,
				      .is_silent = frame->is_silent,
				      .is_talking = frame->is_talking};
	struct dtmf_digit digit;

	strip_run_rt(leg->strip, &through);
	frame->pcm = through.pcm;
	frame->level = through.level;
	frame->is_silent = through.is_silent;
	frame->payload = NULL;
	digit = (struct dtmf_digit){through.digit, through.digit_ms};
	if (through.digit)
		tell_digit(leg, env, &digit, MEDIA_DIGIT_IN_BAND);
}

/* What of its sound somebody will hear or look at. */
static enum intake_need need_of(const struct leg *leg)
{
	if (leg->strip)
		return INTAKE_SOUND;
	if (leg->control.is_muted)
		return INTAKE_LEVEL;
	if (leg->has_no_place && leg->trusts_levels)
		return INTAKE_RANK;
	return leg->gate_ms > 0 ? INTAKE_SOUND : INTAKE_BEGINNING;
}

/* It speaks, as far as its level tells, and was not decoded. */
static bool is_ranked(const struct leg *leg)
{
	return leg->has_no_place && leg->frame.is_left_out && leg->frame.level < MEDIA_LEVEL_SILENT;
}

static void frame_get(struct leg *leg, struct leg_env *env)
{
	intake_need_rt(leg->intake, need_of(leg), env->catch_up_left);
	leg->frame = intake_get_rt(leg->intake, env->now_ns / 1000);
	env->catch_up_left -= leg->frame.caught_up;
}

void leg_pull_rt(struct leg *leg, struct leg_env *env, bool is_heard)
{
	uint64_t now_us = env->now_ns / 1000;
	struct dtmf_digit digit;
	bool is_open;

	leg->is_summed = false;
	leg->is_talking = false;
	leg->stats.level_in = MEDIA_LEVEL_SILENT;
	if (dtmf_tick_rt(&leg->dtmf, now_us, &digit))
		tell_digit(leg, env, &digit, MEDIA_DIGIT_EVENT);
	if (!leg->is_receiving)
		return;
	frame_get(leg, env);
	if (leg->strip)
		strip_apply(leg, env);
	leg->stats.level_in = leg->frame.level;
	is_open = gate(leg, env->gate_dbov);
	if (leg->control.is_muted || dtmf_is_muting_rt(&leg->dtmf, now_us))
		return;
	leg->is_talking = leg->frame.is_talking;
	leg->is_summed = is_heard && is_open && (!leg->frame.is_silent || is_ranked(leg));
	if (leg->is_summed)
		apply_gain(leg);
}

void leg_skip_rt(struct leg *leg, struct leg_env *env, uint32_t frames)
{
	leg->tx_ts += frames * leg->tick_units;
	if (!leg->is_receiving)
		return;
	for (uint32_t i = 0; i < MIN_OF(frames, (uint32_t)LEG_SKIP_MAX); i++)
		(void)intake_get_rt(leg->intake, env->now_ns / 1000);
}

/* Sending ----------------------------------------------------------------------------------- */

/* How loud each contributor is (RFC 6465), in one element of the one-byte form (RFC 8285 4.2). */
static void add_levels(const struct leg *leg, const struct leg_chunk *chunk, struct rtp_packet *rtp,
		       uint8_t out[RTP_CSRC_MAX + 1])
{
	uint8_t count = MIN_OF(chunk->csrc_count, (uint8_t)RTP_CSRC_MAX);

	out[0] = (uint8_t)(leg->mix_ext << 4 | (count - 1));
	for (uint8_t i = 0; i < count; i++)
		out[1 + i] = chunk->csrc_level[i] & 0x7f;
	rtp->ext_profile = RTP_EXT_ONE_BYTE;
	rtp->ext = out;
	rtp->ext_len = (uint16_t)(1 + count);
}

/* One packet, `ts` the time of its first sample. */
static void send_packet(struct leg *leg, struct leg_env *env, const struct leg_chunk *chunk,
			uint32_t ts)
{
	const struct addr *to = latch_remote(&leg->latch);
	struct rtp_packet rtp = {.has_marker = leg->is_marked,
				 .payload_type = chunk->is_event   ? leg->digits_pt
						 : chunk->is_noise ? COMFORT_NOISE_PT
								   : leg->send_pt,
				 .seq = leg->tx_seq,
				 .ts = ts,
				 .ssrc = leg->tx_ssrc,
				 .csrc_count = chunk->csrc_count};
	uint8_t levels[RTP_CSRC_MAX + 1], *out;
	int header, len;

	if (addr_port(to) == 0 || addr_is_any(to)) /* not known yet, or held (RFC 3264 8.4) */
		return;
	if (leg->mix_ext && chunk->csrc_count)
		add_levels(leg, chunk, &rtp, levels);
	if (chunk->csrc_count)
		memcpy(rtp.csrc, chunk->csrc, chunk->csrc_count * sizeof(rtp.csrc[0]));
	out = io_packet_rt(env->io);
	header = rtp_write(&rtp, out, IO_TX_OCTETS_MAX);
	assert(header > 0 &&
	       (uint32_t)header + chunk->len + CRYPT_OVERHEAD_MAX <= IO_TX_OCTETS_MAX);
	memcpy(out + header, chunk->payload, chunk->len);
	len = leg_protect_rt(leg, out, (size_t)header + chunk->len, false);
	if (len < 0)
		return;
	io_send_rt(env->io, leg->rtp_fd, to, (size_t)len);
	leg->is_marked = false;
	leg->tx_seq++;
	leg->stats.tx_packets++;
	leg->stats.tx_octets += chunk->len;
	env->tx_packets++;
}

/* Collects frames and cuts packets of another ptime out of them. */
static void send_packed(struct leg *leg, struct leg_env *env, const struct leg_chunk *chunk)
{
	uint32_t clock_per_ms = leg->send_codec->clock_hz / 1000;
	uint16_t packet_len = (uint16_t)((uint32_t)chunk->len * leg->ptime_ms / LEG_TICK_MS);
	uint16_t at = 0;

	assert(chunk->len > 0 && leg->pack_len + chunk->len <= leg->kit->pack_max);
	memcpy(leg->kit->pack + leg->pack_len, chunk->payload, chunk->len);
	leg->pack_len = (uint16_t)(leg->pack_len + chunk->len);
	while (leg->pack_len - at >= packet_len) {
		struct leg_chunk part = *chunk;
		uint32_t left_ms = (uint32_t)(leg->pack_len - at) * LEG_TICK_MS / chunk->len;

		part.payload = leg->kit->pack + at;
		part.len = packet_len;
		/* tx_ts stands before this frame; what is packed ends behind it. */
		send_packet(leg, env, &part, leg->tx_ts + leg->tick_units - left_ms * clock_per_ms);
		at = (uint16_t)(at + packet_len);
	}
	leg->pack_len = (uint16_t)(leg->pack_len - at);
	memmove(leg->kit->pack, leg->kit->pack + at, leg->pack_len);
}

/* Frames of a codec that joins them itself lie in pack with their lengths in front. */
static size_t frames_find(const struct leg *leg, struct codec_payload frames[CODEC_JOIN_MAX])
{
	const uint8_t *at = leg->kit->pack;

	for (size_t i = 0; i < leg->pack_count; i++) {
		memcpy(&frames[i].len, at, sizeof(frames[i].len));
		frames[i].data = at + sizeof(frames[i].len);
		at += sizeof(frames[i].len) + frames[i].len;
	}
	return leg->pack_count;
}

/* Frames that do not go together (the encoder changed its mode) go out one by one. */
static void frames_flush(struct leg *leg, struct leg_env *env, const struct leg_chunk *chunk)
{
	struct codec_payload frames[CODEC_JOIN_MAX];
	uint8_t joined[CODEC_PACKET_OCTETS_MAX];
	size_t count = frames_find(leg, frames), len = 0;
	struct leg_chunk part = *chunk;
	uint32_t units = leg->kit->shape.frame_ms * (leg->send_codec->clock_hz / 1000);

	if (count > 1)
		len = leg->send_codec->join_rt(frames, count, joined, sizeof(joined));
	if (len > 0) {
		part.payload = joined;
		part.len = (uint16_t)len;
		send_packet(leg, env, &part, leg->pack_ts);
	}
	for (size_t i = 0; i < count && len == 0; i++) {
		part.payload = frames[i].data;
		part.len = frames[i].len;
		send_packet(leg, env, &part, leg->pack_ts + (uint32_t)i * units);
	}
	leg->pack_len = leg->pack_count = 0;
}

static void frame_push(struct leg *leg, const uint8_t *data, uint16_t len, uint32_t ts)
{
	assert(leg->pack_count < CODEC_JOIN_MAX &&
	       leg->pack_len + sizeof(len) + len <= leg->kit->pack_max);
	if (leg->pack_count++ == 0)
		leg->pack_ts = ts;
	memcpy(leg->kit->pack + leg->pack_len, &len, sizeof(len));
	memcpy(leg->kit->pack + leg->pack_len + sizeof(len), data, len);
	leg->pack_len = (uint16_t)(leg->pack_len + sizeof(len) + len);
}

static void send_frames(struct leg *leg, struct leg_env *env, const struct leg_chunk *chunk)
{
	uint16_t frame_ms = leg->kit->shape.frame_ms;
	const uint8_t *at = chunk->payload;

	for (uint32_t i = 0; i < chunk->frame_count; i++) {
		uint16_t len = chunk->frame_len[i];

		if (len > 0)
			frame_push(leg, at, len,
				   leg->tx_ts + i * frame_ms * (leg->send_codec->clock_hz / 1000));
		if (len == 0 || leg->pack_count * frame_ms >= leg->ptime_ms)
			frames_flush(leg, env, chunk);
		if (len == 0)
			leg->is_marked = true; /* the next is a spurt (RFC 3551 4.1) */
		at += len;
	}
}

/* A packet of a digit in place of sound. What was packed already is dropped: its end would come
 * behind the digit's beginning. */
static bool send_digit(struct leg *leg, struct leg_env *env)
{
	struct digits_packet packet;
	struct leg_chunk chunk = {
		.payload = packet.payload, .len = sizeof(packet.payload), .is_event = true};

	if (leg->digits_pt == MEDIA_PT_NONE)
		leg->digits = (struct digits){0}; /* taken back by another agreement */
	leg->has_digits = !digits_are_idle(&leg->digits);
	if (!digits_tick_rt(&leg->digits, leg->tx_ts, leg->digits_clock_hz, &packet))
		return false;
	leg->pack_len = leg->pack_count = 0;
	leg->is_marked = packet.has_marker;
	send_packet(leg, env, &chunk, packet.ts);
	leg->is_marked = true; /* the sound behind it begins anew (RFC 3551 4.1) */
	return true;
}

/* Silence to a peer that takes comfort noise (RFC 3389): a packet of it now and then. */
static bool send_noise(struct leg *leg, struct leg_env *env, const struct leg_chunk *chunk)
{
	static const uint8_t level = LEG_NOISE_DBOV;
	struct leg_chunk noise = {.payload = &level, .len = 1, .is_noise = true};

	if (chunk->level != MEDIA_LEVEL_SILENT) {
		leg->silent_ms = 0;
		return false;
	}
	leg->silent_ms = (uint16_t)(leg->silent_ms + LEG_TICK_MS);
	if (leg->silent_ms <= LEG_NOISE_HANG_MS)
		return false;
	leg->pack_len = leg->pack_count = 0;
	if (leg->silent_ms == LEG_NOISE_HANG_MS + LEG_TICK_MS) {
		leg->is_marked = false;
		send_packet(leg, env, &noise, leg->tx_ts);
	} else if (leg->silent_ms == LEG_NOISE_HANG_MS + LEG_NOISE_EVERY_MS) {
		leg->silent_ms = LEG_NOISE_HANG_MS;
	}
	leg->is_marked = true; /* the sound behind it begins anew (RFC 3551 4.1) */
	return true;
}

void leg_send_rt(struct leg *leg, struct leg_env *env, const struct leg_chunk *chunk)
{
	leg->stats.level_out = chunk ? chunk->level : MEDIA_LEVEL_SILENT;
	if (!chunk)
		leg->pack_len = leg->pack_count = 0;
	else if (leg->has_digits && send_digit(leg, env))
		;
	else if (leg->has_noise && send_noise(leg, env, chunk))
		;
	else if (leg->send_codec->send_step_ms == 0)
		send_frames(leg, env, chunk);
	else if (leg->ptime_ms == LEG_TICK_MS)
		send_packet(leg, env, chunk, leg->tx_ts);
	else
		send_packed(leg, env, chunk);
	leg->tx_ts += leg->tick_units;
	leg->last_tick_ns = env->now_ns;
}

/* Housekeeping ------------------------------------------------------------------------------ */

/* Share of packets that the ear missed, over windows of QUALITY_WINDOW_MS. */
static void loss_window(struct leg *leg, const struct jitter_stats *jitter, uint64_t now_ns)
{
	uint64_t missed = jitter->lost + jitter->late;
	uint64_t packets, missed_now;

	if (now_ns - leg->window_ns < (uint64_t)QUALITY_WINDOW_MS * 1000000)
		return;
	missed_now = missed - leg->window_missed;
	packets = leg->stats.rx_packets - leg->window_packets + missed_now;
	if (packets > 0) {
		int64_t loss_q16 = (int64_t)(missed_now * 65536 / packets);

		leg->loss_q16 = (uint32_t)((int64_t)leg->loss_q16 +
					   (loss_q16 - (int64_t)leg->loss_q16) / QUALITY_SMOOTH);
	}
	leg->window_ns = now_ns;
	leg->window_missed = missed;
	leg->window_packets = leg->stats.rx_packets;
}

/* Counters of all intakes that the leg ever had. */
static struct intake_stats stats_total(const struct leg *leg)
{
	struct intake_stats stats = intake_stats_rt(leg->intake);

	stats.jitter.lost += leg->past.jitter.lost;
	stats.jitter.late += leg->past.jitter.late;
	stats.jitter.delay_ms_max = MAX_OF(stats.jitter.delay_ms_max,
					   leg->past.jitter.delay_ms_max);
	stats.concealed_ms += leg->past.concealed_ms;
	return stats;
}

/* A late packet was given up first, and counts as discarded and no longer as lost. */
static void voip_note(struct leg *leg, const struct jitter_stats *jitter)
{
	uint64_t late = jitter->late - leg->voip.discarded;
	uint64_t gone = leg->voip.lost + leg->voip.discarded;
	uint64_t lost = jitter->lost > gone + late ? jitter->lost - gone - late : 0;
	uint64_t received = leg->stats.rx_packets - leg->voip.received - leg->voip.discarded;

	voip_note_rt(&leg->voip, (uint32_t)(received > late ? received - late : 0), (uint32_t)lost,
		     (uint32_t)late);
}

static void stats_publish(struct leg *leg, struct leg_env *env)
{
	struct intake_stats intake = stats_total(leg);
	struct media_leg_stats *stats = &leg->stats;

	loss_window(leg, &intake.jitter, env->now_ns);
	voip_note(leg, &intake.jitter);
	stats->rx_lost = rtp_source_lost(&leg->source);
	stats->rx_late = intake.jitter.late;
	stats->rx_rejected_source = leg->latch.rejected;
	stats->concealed_ms = intake.concealed_ms;
	stats->rx_jitter_us = rtp_source_jitter_us(&leg->source);
	stats->delay_ms = intake.jitter.delay_ms;
	stats->delay_ms_max = intake.jitter.delay_ms_max;
	stats->is_talking = leg->is_talking;
	stats->flags = leg->flags;
	stats->remote_rtp = *latch_remote(&leg->latch);
	if (stats->rx_packets > 0)
		stats->mos_x100 = quality_mos_x100_rt(
			leg->frame.codec,
			stats->delay_ms + stats->round_trip_us / 2000 + FIXED_DELAY_MS,
			leg->loss_q16);
	cell_write_rt(&leg->cell, stats);
}

static bool tell(struct leg *leg, struct leg_env *env, struct leg_event event)
{
	event.object = leg;
	env->must_wake = true;
	return ring_post_rt(env->events, &event);
}

/* States, not happenings: what the ring did not take is told at a later tick, if still true. */
static void tell_states(struct leg *leg, struct leg_env *env)
{
	if (leg->must_tell_remote && tell(leg, env,
					  (struct leg_event){.kind = MEDIA_LEG_LATCHED,
							     .remote = *latch_remote(&leg->latch)}))
		leg->must_tell_remote = false;
	if (leg->activity != leg->told_activity &&
	    tell(leg, env,
		 (struct leg_event){.kind = leg->activity == LEG_ACTIVITY_ACTIVE
						    ? MEDIA_LEG_ACTIVE
						    : MEDIA_LEG_QUIET}))
		leg->told_activity = leg->activity;
	if (leg->is_talking != leg->told_talking &&
	    tell(leg, env, (struct leg_event){.kind = MEDIA_LEG_TALKING, .is_on = leg->is_talking}))
		leg->told_talking = leg->is_talking;
	if (leg->flags != leg->told_flags &&
	    tell(leg, env, (struct leg_event){.kind = MEDIA_LEG_FLAGS, .flags = leg->flags}))
		leg->told_flags = leg->flags;
}

/* Where digital silence comes in there is nothing to see, and no memory is touched for it. */
static void watch_sound(struct leg *leg)
{
	if (!leg->is_receiving || leg->frame.samples == 0 || leg->frame.is_silent)
		return;
	watch_tick_rt(&leg->watch, &(struct watch_tick){.pcm = leg->frame.pcm,
							.samples = leg->frame.samples,
							.level_in = leg->frame.level,
							.level_out = leg->stats.level_out,
							.is_talking = leg->frame.is_talking});
	leg->flags = leg->watch.flags;
}

void leg_finish_rt(struct leg *leg, struct leg_env *env)
{
	watch_sound(leg);
	tell_states(leg, env);
	if (--leg->housekeep_in > 0)
		return;
	leg->housekeep_in = LEG_HOUSEKEEP_TICKS;
	if (leg->port) {
		port_watch_rt(leg->port, leg, env->now_ns);
	} else if (leg->housekeepings-- == 0) {
		/* A report comes every few seconds and is dated by the kernel: an empty socket is
		 * not worth a call each time. */
		leg->housekeepings = LEG_RTCP_ROUNDS - 1;
		leg_rtcp_receive_rt(leg, env);
	}
	leg_rtcp_due_rt(leg, env);
	leg_crypt_watch_rt(leg, env);
	if (leg->is_receiving && env->now_ns - leg->heard_ns >= env->quiet_ns)
		leg->activity = LEG_ACTIVITY_QUIET;
	watch_silence_rt(&leg->watch,
			 leg->is_receiving ? (env->now_ns - leg->heard_ns) / 1000000 : 0);
	leg->flags = leg->watch.flags;
	stats_publish(leg, env);
}

void leg_end_rt(struct leg *leg, struct leg_env *env)
{
	if (leg->rtcp.has_sent || leg->stats.tx_packets > 0)
		leg_rtcp_send_rt(leg, env, true);
	leg->is_talking = false;
	leg->stats.level_in = leg->stats.level_out = MEDIA_LEVEL_SILENT;
	stats_publish(leg, env);
}
