#include "mixer/intake.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "mixer/codec.h"
#include "mixer/plc.h"
#include "mixer/prefetch.h"

/* Design. A frame is gathered from pieces of the time line. Stateless codecs hand out exactly what
 * is wanted and take back what time-scale did not use (jitter_unget_rt), so their frames stay whole
 * and can be passed on as octets. Stateful ones are decoded packet by packet, and what a frame did
 * not use waits in `fifo`, which the jitter buffer is told of as `ahead`.
 *
 * Decoders that conceal by themselves (Opus) do so for what was lost on the way, in whole packets
 * and with the copy in the next packet if there is one. While the time line stands, the decoder
 * must not run ahead of the sound that is still to come: then the mixer's own concealment fills.
 *
 * Time-scale is tried only on sound that is complete, before concealment sees it.
 *
 * Packets of stateful codecs that nobody has to hear are *left out*: their time passes as zeros.
 * The decoder finds them again in the jitter buffer when sound is needed (catch_up), so that the
 * first word sounds as if it had been decoded all along. That a packet is quiet, without decoding
 * it, is its sender's word or a guess from its octets; every INTAKE_LOOK_TICKS one is decoded to
 * see. */

enum {
	CUT_MS_MIN = 5,      /* speech: shorter periods are not pitch */
	STRETCH_MS_MAX = 20, /* in one frame */
	OVERSHOOT_MS =
		10, /* lengthening by less than is needed is of no use: up to a pitch period more */
	STRETCH_REST_MS = 60, /* between two */
	SHIFT_MS_MAX = 10,    /* to meet the concealed sound in phase */
	SILENT_PEAK = 8,      /* A-law has no zero: its silence is +8 */
	LOOK_PACKETS = 2,     /* a look is caught up with, enough for a level */
	QUIET_DBOV = 60,      /* told levels below are quiet: that of the gate (leg.h) */
	WORK_MS = 20 + STRETCH_MS_MAX,
	WORK_MAX = PLC_SAMPLE_HZ_MAX / 1000 * WORK_MS,
	OCTETS_MAX = 8 * WORK_MS, /* of codecs that may be cut */
	PACKET_MS_MAX = 120,      /* RFC 7587 4.2 */
	FIFO_MS = PACKET_MS_MAX + PLC_FRAME_MS_MAX,
	POOL_MS = 400 /* of payload beyond the cap on delay */
};

struct intake {
	struct intake_params params;
	const struct codec *codec; /* of the latest piece */
	uint32_t sample_hz, ratio; /* samples per clock unit */
	uint32_t frame;            /* samples */
	struct jitter *jitter;
	struct level_talk talk;
	uint32_t rest_ms;            /* until time-scale may be used again */
	bool has_stood;              /* the delay grew in what was concealed: phase may be chosen */
	bool is_whole;               /* packets are decoded whole, into fifo */
	bool may_be_still, is_still; /* this frame is silence after silence: work is not used */

	enum intake_need need;
	bool must_look;                      /* the next packet is decoded, quiet or not */
	uint8_t look_in;                     /* ticks */
	uint8_t catch_up_max, catch_up_most; /* packets: in this tick, before the present one */
	uint8_t caught_up;
	uint8_t level; /* measured last, or told */
	bool has_left_out;
	uint32_t left_out; /* packets since the decoder was in step with the stream */

	uint32_t have, fifo_have;
	uint32_t payload_len;
	bool is_exact, is_concealed;
	uint64_t concealed_us, shortened_us, lengthened_us;
	void *state;   /* of the decoder of `codec`, NULL: stateless */
	int16_t *fifo; /* FIFO_MS; NULL while packets may be cut */
	uint32_t fifo_max;
	struct plc plc;

	uint32_t hz_max; /* of the codecs that may come */
	void *states[MEDIA_CODEC_COUNT];
	int16_t *work, *fifo_memory, *plc_memory; /* in `memory`: silence does not touch the last */
	uint8_t payload[OCTETS_MAX];
	_Alignas(64) int16_t memory[];
};

enum { PREFETCH_SAMPLES = 160, INTAKE_ALIGN = 64 };

/* Everything that may come: the codec of the beginning, the others, G.711 in any case. */
static bool may_come(const struct intake_params *params, int id)
{
	return id == (int)params->codec || (params->others >> id & 1) ||
	       (codec_find((enum media_codec)id) &&
		codec_is_akin(codec_find((enum media_codec)id), codec_find(params->codec)));
}

struct needs {
	uint32_t hz_max, octets_per_ms;
	bool has_fifo;
};

static struct needs needs_of(const struct intake_params *params)
{
	struct needs needs = {.has_fifo = params->is_whole};

	for (int id = 0; id < MEDIA_CODEC_COUNT; id++) {
		const struct codec *codec = codec_find((enum media_codec)id);

		if (!codec || !may_come(params, id))
			continue;
		needs.hz_max = MAX_OF(needs.hz_max, codec->sample_hz);
		needs.octets_per_ms = MAX_OF(needs.octets_per_ms, codec->octets_per_ms);
		needs.has_fifo |= !codec->is_sliceable;
	}
	return needs;
}

static int states_make(struct intake *p)
{
	for (int id = 0; id < MEDIA_CODEC_COUNT; id++) {
		const struct codec *codec = codec_find((enum media_codec)id);

		if (!codec || !codec->decoder_size || !may_come(&p->params, id))
			continue;
		p->states[id] = calloc(1, codec->decoder_size());
		if (!p->states[id])
			return -ENOMEM;
	}
	return 0;
}

/* What follows is in this codec. */
static void codec_use(struct intake *p, const struct codec *codec)
{
	p->codec = codec;
	p->sample_hz = codec->sample_hz;
	p->ratio = codec->sample_hz / codec->clock_hz;
	p->frame = codec->sample_hz / 1000 * p->params.pull_ms;
	p->is_whole = p->params.is_whole || !codec->is_sliceable;
	p->fifo = p->is_whole ? p->fifo_memory : NULL;
	p->fifo_max = codec->sample_hz / 1000 * FIFO_MS;
	p->fifo_have = 0;
	p->state = p->states[codec->id];
	if (p->state)
		codec->decoder_init(p->state);
	plc_begin(&p->plc, p->sample_hz, p->plc_memory);
	p->rest_ms = 0;
	p->left_out = 0;
	p->level = MEDIA_LEVEL_SILENT;
}

int intake_new(const struct intake_params *params, struct intake **ret_intake)
{
	const struct codec *codec = codec_find(params->codec);
	struct jitter_params jitter = {.pull_ms = params->pull_ms,
				       .delay_ms_max = params->delay_ms_max};
	struct needs needs;
	struct intake *p;
	uint32_t work, fifo;
	size_t octets;
	int err;

	if (!codec)
		return ERR_MEDIA_CODEC;
	needs = needs_of(params);
	work = needs.hz_max / 1000 * WORK_MS;
	fifo = needs.has_fifo ? needs.hz_max / 1000 * FIFO_MS : 0;
	octets = sizeof(*p) +
		 (work + fifo + plc_memory_samples(needs.hz_max)) * sizeof(p->memory[0]);
	p = aligned_alloc(INTAKE_ALIGN, (octets + INTAKE_ALIGN - 1) / INTAKE_ALIGN * INTAKE_ALIGN);
	if (!p)
		return -ENOMEM;
	memset(p, 0, octets);
	p->params = *params;
	p->hz_max = needs.hz_max;
	p->work = p->memory;
	p->fifo_memory = p->work + work;
	p->plc_memory = p->fifo_memory + fifo;
	jitter.clock_hz = codec->clock_hz;
	jitter.pool_octets = needs.octets_per_ms *
			     ((params->delay_ms_max ? params->delay_ms_max
						    : JITTER_DELAY_MS_DEFAULT) +
			      POOL_MS);
	err = jitter_new(&jitter, &p->jitter);
	if (err == 0)
		err = states_make(p);
	if (err) {
		intake_free(p);
		return err;
	}
	codec_use(p, codec);
	jitter_restart_rt(p->jitter, codec->clock_hz, codec->conceal_rt != NULL);
	level_talk_init(&p->talk);
	*ret_intake = p;
	return 0;
}

struct intake *intake_free(struct intake *intake)
{
	if (intake) {
		jitter_free(intake->jitter);
		for (int id = 0; id < MEDIA_CODEC_COUNT; id++)
			free(intake->states[id]);
		free(intake);
	}
	return NULL;
}

void intake_reset_rt(struct intake *p)
{
	jitter_reset_rt(p->jitter);
	level_talk_init(&p->talk);
	codec_use(p, p->codec);
}

/* A codec that is not akin begins: what was not played yet is dropped. */
static bool codec_switch(struct intake *p, const struct codec *codec)
{
	if (codec->sample_hz > p->hz_max ||
	    (!codec->is_sliceable && !p->params.is_whole && !may_come(&p->params, (int)codec->id)))
		return false;
	jitter_restart_rt(p->jitter, codec->clock_hz, codec->conceal_rt != NULL);
	codec_use(p, codec);
	return true;
}

/* Digital silence of codecs with an octet per sample. */
static bool is_flat(const struct rtp_packet *packet)
{
	return packet->payload_len > 1 && packet->payload_len <= OCTETS_MAX &&
	       memcmp(packet->payload, packet->payload + 1, packet->payload_len - 1u) == 0;
}

enum jitter_put_result intake_put_rt(struct intake *intake, const struct rtp_packet *packet,
				     enum media_codec codec, uint64_t arrival_us)
{
	return intake_put_told_rt(intake, packet, codec, 0, arrival_us);
}

enum jitter_put_result intake_put_told_rt(struct intake *p, const struct rtp_packet *packet,
					  enum media_codec id, uint8_t told, uint64_t arrival_us)
{
	const struct codec *codec = codec_find(id);
	struct jitter_packet in = {.payload = packet->payload,
				   .payload_len = packet->payload_len,
				   .tag = (uint8_t)id,
				   .told = told,
				   .has_marker = packet->has_marker,
				   .seq = packet->seq,
				   .ts = packet->ts,
				   .ssrc = packet->ssrc,
				   .arrival_us = arrival_us};

	if (!codec)
		return JITTER_OVERFLOW;
	in.duration = codec->duration_rt(packet->payload, packet->payload_len);
	if (in.duration == 0 || in.duration > codec->clock_hz / 1000 * PACKET_MS_MAX)
		return JITTER_OVERFLOW;
	if (!codec_is_akin(codec, p->codec) && !codec_switch(p, codec))
		return JITTER_OVERFLOW;
	in.is_sliceable = !p->is_whole;
	in.is_flat = in.is_sliceable && is_flat(packet);
	return jitter_put_rt(p->jitter, &in);
}

void intake_skip_rt(struct intake *p, const struct rtp_packet *packet, uint64_t arrival_us)
{
	struct jitter_packet in = {.seq = packet->seq,
				   .ts = packet->ts,
				   .ssrc = packet->ssrc,
				   .has_marker = packet->has_marker,
				   .arrival_us = arrival_us};

	(void)jitter_put_rt(p->jitter, &in);
}

void intake_prefetch_rt(const struct intake *p, uint32_t ahead)
{
	int16_t value;

	if (ahead == INTAKE_AHEAD) {
		prefetch_lines(p, offsetof(struct intake, hz_max));
	} else if (ahead > 0) {
		jitter_prefetch_rt(p->jitter);
	} else {
		jitter_prefetch_slot_rt(p->jitter);
		if (plc_is_still(&p->plc, &value))
			return;
		prefetch_lines(p->work, PREFETCH_SAMPLES * sizeof(p->work[0]));
		prefetch_lines(p->payload, PREFETCH_SAMPLES);
	}
}

/* Gathering --------------------------------------------------------------------------------- */

/* Nothing but digital silence was heard lately. */
static bool was_still(const struct intake *p, int16_t *ret_value)
{
	return p->have == 0 && plc_is_still(&p->plc, ret_value) && *ret_value <= SILENT_PEAK &&
	       *ret_value >= -SILENT_PEAK;
}

/* Whether the piece is a frame of digital silence after nothing but that: then nobody needs it
 * decoded. */
static bool is_still(const struct intake *p, const struct jitter_piece *piece,
		     const struct codec *codec)
{
	int16_t before, now;

	if (!piece->is_flat || !was_still(p, &before) || piece->duration != p->frame ||
	    piece->payload_len != p->frame)
		return false;
	return codec->decode_rt(NULL, piece->payload, 1, &now, 1) == 1 && now == before;
}

/* Left out --------------------------------------------------------------------------------- */

/* Whether a packet says that it is quiet. */
static bool says_quiet(struct intake *p, const struct jitter_piece *piece)
{
	if (piece->told)
		return piece->told > QUIET_DBOV;
	return p->codec->is_quiet_rt &&
	       p->codec->is_quiet_rt(p->state, piece->payload, piece->payload_len);
}

/* A look needs the decoder less exact than a word that begins. */
static bool may_leave_out(struct intake *p, const struct jitter_piece *piece)
{
	bool may = false;

	p->catch_up_most = INTAKE_CATCH_UP_PACKETS;
	if (!p->state)
		return false;
	if (p->need == INTAKE_RANK)
		return piece->told;
	if (p->need == INTAKE_BEGINNING)
		may = says_quiet(p, piece);
	else if (p->need == INTAKE_LEVEL)
		may = true;
	if (may)
		p->catch_up_most = LOOK_PACKETS;
	return may && !p->must_look;
}

/* Zeros in place of a packet. After nothing but zeros the frame need not even be written. */
static void leave_out(struct intake *p, const struct jitter_piece *piece)
{
	uint32_t n = MIN_OF(piece->duration * p->ratio, p->fifo_max);
	int16_t before;

	p->has_left_out = true;
	p->left_out += p->left_out < UINT32_MAX;
	p->is_exact = false;
	if (piece->told)
		p->level = piece->told - 1;
	if (p->may_be_still && n == p->frame && was_still(p, &before)) {
		p->is_still = true;
		p->has_stood = false;
		p->have = p->frame;
		return;
	}
	memset(p->fifo, 0, n * sizeof(*p->fifo));
	p->fifo_have = n;
}

/* The decoder gets what it missed right before the piece that comes now; what it makes of that was
 * left out already. */
static void catch_up(struct intake *p)
{
	struct jitter_piece past[INTAKE_CATCH_UP_PACKETS];
	uint32_t most = MIN_OF(p->catch_up_most, p->catch_up_max - p->caught_up);
	uint32_t units = p->codec->clock_hz / 1000 * p->codec->settle_ms, count;

	count = jitter_past_rt(p->jitter, units, past, MIN_OF(most, p->left_out));
	/* Better from the beginning than from what is not there any more: a predictor that is fed
	 * pieces of a stream now and then may drift anywhere. */
	if (count < p->left_out)
		p->codec->decoder_init(p->state);
	for (uint32_t i = count; i-- > 0;)
		if (past[i].tag == p->codec->id)
			(void)p->codec->decode_rt(p->state, past[i].payload, past[i].payload_len,
						  p->fifo, p->fifo_max);
	p->caught_up = (uint8_t)(p->caught_up + count);
	/* After a look the decoder is still out of step. */
	p->left_out = p->catch_up_most > LOOK_PACKETS ? 0 : p->left_out + 1;
}

/* Decodes a piece to the end of work, or of fifo when it is longer than what is wanted. */
static void take_piece(struct intake *p, const struct jitter_piece *piece, uint32_t want)
{
	int16_t *out = p->work + p->have;
	const struct codec *codec = codec_find(piece->tag);
	uint32_t got;

	p->has_stood |= piece->has_stood;
	if (piece->is_torn)
		plc_tear_rt(&p->plc);
	p->is_exact &= codec == p->codec || p->have == 0;
	p->codec = codec;
	if (p->may_be_still && is_still(p, piece, codec)) {
		p->is_still = true;
		p->has_stood = false;
		p->have = p->frame;
		return;
	}
	if (p->is_whole) {
		assert(p->fifo_have == 0); /* fifo is emptied first */
		if (may_leave_out(p, piece)) {
			leave_out(p, piece);
			return;
		}
		if (p->left_out)
			catch_up(p);
		p->must_look = false;
		got = (uint32_t)codec->decode_rt(p->state, piece->payload, piece->payload_len,
						 p->fifo, p->fifo_max);
		p->fifo_have = got;
		p->is_exact = false;
		return;
	}
	if (p->payload_len + piece->payload_len > sizeof(p->payload)) { /* of no frame */
		p->is_exact = false;
		p->payload_len = 0;
	}
	if (piece->is_flat)
		memset(p->payload + p->payload_len, *piece->payload, piece->payload_len);
	else
		memcpy(p->payload + p->payload_len, piece->payload, piece->payload_len);
	got = (uint32_t)codec->decode_rt(p->state, p->payload + p->payload_len, piece->payload_len,
					 out, want);
	p->have += got;
	p->payload_len += piece->payload_len;
}

static void fifo_take(struct intake *p, uint32_t want)
{
	uint32_t n = MIN_OF(want, p->fifo_have);

	memcpy(p->work + p->have, p->fifo, n * sizeof(*p->work));
	memmove(p->fifo, p->fifo + n, (p->fifo_have - n) * sizeof(*p->fifo));
	p->fifo_have -= n;
	p->have += n;
	p->is_exact = false;
}

/* The last samples of good sound were not played: to the buffer or to the front of fifo. */
static void give_back(struct intake *p, const int16_t *tail, uint32_t samples)
{
	if (samples == 0)
		return;
	if (!p->is_whole) {
		jitter_unget_rt(p->jitter, samples / p->ratio);
		return;
	}
	assert(p->fifo_have + samples <= p->fifo_max);
	memmove(p->fifo + samples, p->fifo, p->fifo_have * sizeof(*p->fifo));
	memcpy(p->fifo, tail, samples * sizeof(*tail));
	p->fifo_have += samples;
}

static uint64_t us_of(const struct intake *p, uint32_t samples)
{
	return (uint64_t)samples * 1000 / (p->sample_hz / 1000);
}

static struct jitter_piece next_piece(struct intake *p, uint32_t want)
{
	return jitter_get_rt(p->jitter, MAX_OF(want / p->ratio, 1u));
}

/* A loss that the decoder itself can fill: into fifo, like a packet. */
static bool conceal_whole(struct intake *p, const struct jitter_piece *piece)
{
	struct codec_payload next = {.data = piece->payload, .len = piece->payload_len};
	uint32_t n = piece->duration * p->ratio;
	bool has_copy = piece->payload && piece->tag == p->codec->id;

	if (piece->kind != JITTER_LOST || !p->codec->conceal_rt)
		return false;
	if (p->left_out && p->need != INTAKE_SOUND && (!has_copy || may_leave_out(p, piece))) {
		p->has_left_out = true; /* of silence there is nothing to invent */
		return false;
	}
	assert(p->fifo_have == 0);
	p->catch_up_most = INTAKE_CATCH_UP_PACKETS;
	if (p->left_out)
		catch_up(p);
	n = MIN_OF(n, p->fifo_max);
	if (!p->codec->conceal_rt(p->state, has_copy ? &next : NULL, p->fifo, n))
		memset(p->fifo, 0, n * sizeof(*p->fifo)); /* no length of that codec */
	p->fifo_have = n;
	p->is_concealed = true;
	p->concealed_us += us_of(p, n);
	return true;
}

/* Appends good sound until `until` samples are there. Returns what it stumbled over; PIECE:
 * nothing. */
static struct jitter_piece gather(struct intake *p, uint32_t until)
{
	struct jitter_piece piece = {.kind = JITTER_PIECE};

	while (p->have < until) {
		piece.kind = JITTER_PIECE;
		if (p->fifo_have) {
			fifo_take(p, until - p->have);
			continue;
		}
		piece = next_piece(p, until - p->have);
		if (conceal_whole(p, &piece))
			continue;
		if (piece.kind != JITTER_PIECE)
			break;
		take_piece(p, &piece, until - p->have);
	}
	return piece;
}

/* Lets concealment see work[from..have): cross-fade after a loss, else only remembered. */
static void sound_good(struct intake *p, uint32_t from)
{
	uint32_t n = p->have - from, shift_max = 0, shift;
	int16_t tail[PLC_SAMPLE_HZ_MAX / 1000 * SHIFT_MS_MAX];

	if (n == 0 || p->is_still)
		return;
	p->is_exact &= !plc_is_lost(&p->plc);
	if (p->has_stood)
		shift_max = MIN_OF(n / 2, p->sample_hz / 1000 * SHIFT_MS_MAX);
	memcpy(tail, p->work + p->have - shift_max, shift_max * sizeof(*tail));
	shift = plc_good_rt(&p->plc, p->work + from, n, shift_max);
	give_back(p, tail + shift_max - shift, shift);
	p->has_stood = false;
}

/* What is not there: invented, or silence. */
static void fill(struct intake *p, const struct jitter_piece *piece, uint32_t room)
{
	uint32_t n = MIN_OF(piece->duration * p->ratio, room);
	int16_t *out = p->work + p->have, before;

	p->is_exact = false;
	p->is_still = n == p->frame && was_still(p, &before);
	p->have += n;
	if (piece->kind != JITTER_SILENCE)
		p->concealed_us += us_of(p, n);
	if (p->is_still)
		return;
	if (piece->kind == JITTER_SILENCE)
		plc_silence_rt(&p->plc, out, n);
	else
		p->is_concealed |= plc_conceal_rt(&p->plc, out, n);
}

/* Time-scale -------------------------------------------------------------------------------- */

static void shorten(struct intake *p, const struct jitter_advice *advice)
{
	uint32_t cut_max = MIN_OF(advice->shorten_max * p->ratio,
				  p->sample_hz / 1000 * STRETCH_MS_MAX);
	uint32_t cut_min = p->sample_hz / 1000 * CUT_MS_MIN, cut, wanted = p->frame + cut_max;
	int16_t tail[PLC_SAMPLE_HZ_MAX / 1000 * STRETCH_MS_MAX];

	(void)gather(p, wanted);
	if (p->have < wanted) /* not complete after all */
		return;
	memcpy(tail, p->work + p->frame, cut_max * sizeof(*tail));
	cut = plc_shorten_rt(p->work, p->frame, cut_min, cut_max, advice->is_urgent);
	give_back(p, tail + cut, cut_max - cut);
	p->have = p->frame;
	p->payload_len = MIN_OF(p->payload_len, p->frame);
	p->shortened_us += us_of(p, cut);
	p->is_exact &= cut == 0;
	p->rest_ms = cut ? STRETCH_REST_MS : p->params.pull_ms;
}

static void lengthen(struct intake *p, const struct jitter_advice *advice)
{
	uint32_t add_min = MIN_OF(advice->lengthen * p->ratio,
				  p->sample_hz / 1000 * STRETCH_MS_MAX);
	uint32_t add_max = MIN_OF(add_min + p->sample_hz / 1000 * OVERSHOOT_MS,
				  p->sample_hz / 1000 * PLC_LAG_MS_MAX),
		 add;
	int16_t raw[PLC_LAG_MAX + PLC_FRAME_MAX]; /* what was played, then this frame */

	(void)gather(p, p->frame);
	if (p->have < p->frame)
		return;
	memcpy(raw, plc_past(&p->plc, add_max), add_max * sizeof(*raw));
	memcpy(raw + add_max, p->work, p->frame * sizeof(*raw));
	add = plc_lengthen_rt(&p->plc, p->work, p->frame, add_min, add_max);
	give_back(p, raw + add_max + p->frame - add, add);
	p->lengthened_us += us_of(p, add);
	p->is_exact &= add == 0;
	p->rest_ms = add ? STRETCH_REST_MS : p->params.pull_ms;
}

static void stretch(struct intake *p)
{
	struct jitter_advice advice;

	if (p->rest_ms) {
		p->rest_ms -= MIN_OF(p->rest_ms, p->params.pull_ms);
		return;
	}
	if (plc_is_lost(&p->plc))
		return;
	advice = jitter_advice_rt(p->jitter);
	if (advice.shorten_max)
		shorten(p, &advice);
	else if (advice.lengthen)
		lengthen(p, &advice);
}

/* Out --------------------------------------------------------------------------------------- */

static bool is_digital_silence(const int16_t *pcm, uint32_t samples)
{
	int16_t low = 0, high = 0;

	for (uint32_t i = 0; i < samples; i++) {
		low = MIN_OF(low, pcm[i]);
		high = MAX_OF(high, pcm[i]);
	}
	return low >= -SILENT_PEAK && high <= SILENT_PEAK;
}

static struct intake_frame frame_make(struct intake *p)
{
	static const int16_t silence[WORK_MAX];
	struct intake_frame frame = {.pcm = p->is_still ? silence : p->work,
				     .samples = (uint16_t)p->frame,
				     .sample_hz = p->sample_hz,
				     .codec = p->codec->id,
				     .is_concealed = p->is_concealed,
				     .is_left_out = p->has_left_out,
				     .caught_up = p->caught_up};

	frame.is_silent = p->is_still || is_digital_silence(p->work, p->frame);
	if (frame.is_silent && !p->is_still)
		memset(p->work, 0, p->frame * sizeof(*p->work));
	if (!frame.is_silent && p->is_exact) {
		frame.payload = p->payload;
		frame.payload_len = (uint16_t)p->payload_len;
	}
	frame.level = frame.is_silent ? MEDIA_LEVEL_SILENT : level_pcm(p->work, p->frame);
	if (p->has_left_out)
		frame.level = MIN_OF(frame.level, p->level);
	else
		p->level = frame.level;
	frame.is_talking = level_talk_rt(&p->talk, frame.level, p->params.pull_ms);
	return frame;
}

struct intake_frame intake_get_rt(struct intake *p, uint64_t now_us)
{
	struct jitter_piece piece;

	jitter_tick_rt(p->jitter, now_us, p->fifo_have / p->ratio);
	p->have = p->payload_len = 0;
	p->is_exact = true;
	p->is_concealed = p->is_still = p->has_left_out = false;
	p->caught_up = 0;
	p->must_look |= p->look_in == 0;
	p->look_in = p->look_in ? p->look_in - 1 : INTAKE_LOOK_TICKS - 1;
	stretch(p);
	sound_good(p, 0);
	p->may_be_still = true;
	while (p->have < p->frame) {
		uint32_t from = p->have;

		piece = gather(p, p->frame);
		sound_good(p, from);
		if (piece.kind != JITTER_PIECE)
			fill(p, &piece, p->frame - p->have);
	}
	p->may_be_still = false;
	return frame_make(p);
}

void intake_need_rt(struct intake *p, enum intake_need need, uint32_t catch_up_max)
{
	p->need = need;
	p->catch_up_max = (uint8_t)MIN_OF(catch_up_max, (uint32_t)UINT8_MAX);
}

int32_t intake_slack_us_rt(const struct intake *p)
{
	return jitter_slack_us_rt(p->jitter);
}

struct intake_stats intake_stats_rt(const struct intake *p)
{
	return (struct intake_stats){.jitter = jitter_stats_rt(p->jitter),
				     .concealed_ms = p->concealed_us / 1000,
				     .shortened_ms = p->shortened_us / 1000,
				     .lengthened_ms = p->lengthened_us / 1000};
}
