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
 * Time-scale is tried only on sound that is complete, before concealment sees it. */

enum {
	CUT_MS_MIN = 5,      /* speech: shorter periods are not pitch */
	STRETCH_MS_MAX = 20, /* in one frame */
	OVERSHOOT_MS =
		10, /* lengthening by less than is needed is of no use: up to a pitch period more */
	STRETCH_REST_MS = 60, /* between two */
	SHIFT_MS_MAX = 10,    /* to meet the concealed sound in phase */
	SILENT_PEAK = 8,      /* A-law has no zero: its silence is +8 */
	WORK_MAX = PLC_SAMPLE_HZ_MAX / 1000 * (20 + STRETCH_MS_MAX),
	FIFO_MAX = PLC_FRAME_MAX * 2
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

	uint32_t have, fifo_have;
	uint32_t payload_len;
	bool is_exact, is_concealed;
	uint64_t concealed, shortened, lengthened; /* samples */
	void *state;
	int16_t *fifo; /* FIFO_MAX samples; NULL while packets may be cut */

	struct plc plc; /* history at its end: silence does not touch it */
	int16_t work[WORK_MAX];
	uint8_t payload[WORK_MAX];
};

enum { PREFETCH_SAMPLES = 160 };

int intake_new(const struct intake_params *params, struct intake **ret_intake)
{
	const struct codec *codec = codec_find(params->codec);
	struct jitter_params jitter = {.pull_ms = params->pull_ms,
				       .delay_ms_max = params->delay_ms_max};
	struct intake *p;
	int err;

	if (!codec)
		return ERR_MEDIA_CODEC;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->params = *params;
	p->codec = codec;
	p->sample_hz = codec->sample_hz;
	p->ratio = codec->sample_hz / codec->clock_hz;
	p->frame = codec->sample_hz / 1000 * params->pull_ms;
	jitter.clock_hz = codec->clock_hz;
	err = jitter_new(&jitter, &p->jitter);
	if (err)
		goto fail;
	if (codec->decoder_size) {
		p->state = calloc(1, codec->decoder_size);
		err = p->state ? 0 : -ENOMEM;
		if (err)
			goto fail;
		codec->decoder_init(p->state);
	}
	p->is_whole = params->is_whole || !codec->is_sliceable;
	if (p->is_whole) {
		p->fifo = calloc(FIFO_MAX, sizeof(*p->fifo));
		err = p->fifo ? 0 : -ENOMEM;
		if (err)
			goto fail;
	}
	plc_begin(&p->plc, p->sample_hz);
	level_talk_init(&p->talk);
	*ret_intake = p;
	return 0;

fail:
	intake_free(p);
	return err;
}

struct intake *intake_free(struct intake *intake)
{
	if (intake) {
		jitter_free(intake->jitter);
		free(intake->state);
		free(intake->fifo);
		free(intake);
	}
	return NULL;
}

void intake_reset_rt(struct intake *p)
{
	jitter_reset_rt(p->jitter);
	plc_begin(&p->plc, p->sample_hz);
	level_talk_init(&p->talk);
	p->fifo_have = 0;
	p->rest_ms = 0;
	if (p->state)
		p->codec->decoder_init(p->state);
}

enum jitter_put_result intake_put_rt(struct intake *p, const struct rtp_packet *packet,
				     enum media_codec id, uint64_t arrival_us)
{
	const struct codec *codec = codec_find(id);
	struct jitter_packet in = {.payload = packet->payload,
				   .payload_len = packet->payload_len,
				   .tag = (uint8_t)id,
				   .has_marker = packet->has_marker,
				   .seq = packet->seq,
				   .ts = packet->ts,
				   .ssrc = packet->ssrc,
				   .arrival_us = arrival_us};

	/* Another rate or state needs another intake (re-negotiation makes one). */
	if (!codec || codec->sample_hz != p->sample_hz || codec->clock_hz != p->codec->clock_hz ||
	    (codec != p->codec && (!codec->is_sliceable || !p->codec->is_sliceable)))
		return JITTER_OVERFLOW;
	in.duration = codec->duration_rt(packet->payload, packet->payload_len);
	if (in.duration == 0 || in.duration * p->ratio > PLC_FRAME_MAX)
		return JITTER_OVERFLOW;
	in.is_sliceable = !p->is_whole;
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
		prefetch_lines(p, offsetof(struct intake, plc.history));
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

/* Whether the piece is a frame of digital silence (any codec of one octet per sample: the same
 * octet throughout) after nothing but that: then nobody needs it decoded. */
static bool is_still(const struct intake *p, const struct jitter_piece *piece,
		     const struct codec *codec)
{
	int16_t before, now;

	if (p->have > 0 || piece->duration != p->frame || piece->payload_len != p->frame ||
	    !plc_is_still(&p->plc, &before) || before > SILENT_PEAK || before < -SILENT_PEAK ||
	    memcmp(piece->payload, piece->payload + 1, piece->payload_len - 1u) != 0)
		return false;
	return codec->decode_rt(NULL, piece->payload, 1, &now, 1) == 1 && now == before;
}

/* Decodes a piece to the end of work, or of fifo when it is longer than what is wanted. */
static void take_piece(struct intake *p, const struct jitter_piece *piece, uint32_t want)
{
	int16_t *out = p->work + p->have;
	const struct codec *codec = codec_find(piece->tag);
	uint32_t got;

	p->has_stood |= piece->has_stood;
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
		got = (uint32_t)codec->decode_rt(p->state, piece->payload, piece->payload_len,
						 p->fifo, FIFO_MAX);
		p->fifo_have = got;
		p->is_exact = false;
		return;
	}
	got = (uint32_t)codec->decode_rt(p->state, piece->payload, piece->payload_len, out, want);
	p->have += got;
	if (p->payload_len + piece->payload_len > sizeof(p->payload)) {
		p->is_exact = false;
		return;
	}
	memcpy(p->payload + p->payload_len, piece->payload, piece->payload_len);
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
	assert(p->fifo_have + samples <= FIFO_MAX);
	memmove(p->fifo + samples, p->fifo, p->fifo_have * sizeof(*p->fifo));
	memcpy(p->fifo, tail, samples * sizeof(*tail));
	p->fifo_have += samples;
}

static struct jitter_piece next_piece(struct intake *p, uint32_t want)
{
	return jitter_get_rt(p->jitter, MAX_OF(want / p->ratio, 1u));
}

/* Appends good sound until `until` samples are there. Returns what it stumbled over; PIECE:
 * nothing. */
static struct jitter_piece gather(struct intake *p, uint32_t until)
{
	struct jitter_piece piece = {.kind = JITTER_PIECE};

	while (p->have < until) {
		if (p->fifo_have) {
			fifo_take(p, until - p->have);
			continue;
		}
		piece = next_piece(p, until - p->have);
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
	int16_t *out = p->work + p->have;

	p->is_exact = false;
	p->have += n;
	if (piece->kind == JITTER_SILENCE) {
		plc_silence_rt(&p->plc, out, n);
		return;
	}
	p->is_concealed |= plc_conceal_rt(&p->plc, out, n);
	p->concealed += n;
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
	p->shortened += cut;
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
	int16_t raw[PLC_SAMPLE_HZ_MAX / 1000 * 20];

	(void)gather(p, p->frame);
	if (p->have < p->frame)
		return;
	memcpy(raw, p->work, p->frame * sizeof(*raw));
	add = plc_lengthen_rt(&p->plc, p->work, p->frame, add_min, add_max);
	give_back(p, raw + p->frame - add, add);
	p->lengthened += add;
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
	int32_t peak = 0;

	for (uint32_t i = 0; i < samples; i++)
		peak = MAX_OF(peak, pcm[i] < 0 ? -pcm[i] : pcm[i]);
	return peak <= SILENT_PEAK;
}

static struct intake_frame frame_make(struct intake *p)
{
	static const int16_t silence[WORK_MAX];
	struct intake_frame frame = {.pcm = p->is_still ? silence : p->work,
				     .samples = (uint16_t)p->frame,
				     .codec = p->codec->id,
				     .is_concealed = p->is_concealed};

	frame.is_silent = p->is_still || is_digital_silence(p->work, p->frame);
	if (frame.is_silent && !p->is_still)
		memset(p->work, 0, p->frame * sizeof(*p->work));
	if (!frame.is_silent && p->is_exact) {
		frame.payload = p->payload;
		frame.payload_len = (uint16_t)p->payload_len;
	}
	frame.level = frame.is_silent ? MEDIA_LEVEL_SILENT : level_pcm(p->work, p->frame);
	frame.is_talking = level_talk_rt(&p->talk, frame.level, p->params.pull_ms);
	return frame;
}

struct intake_frame intake_get_rt(struct intake *p, uint64_t now_us)
{
	struct jitter_piece piece;

	jitter_tick_rt(p->jitter, now_us, p->fifo_have / p->ratio);
	p->have = p->payload_len = 0;
	p->is_exact = true;
	p->is_concealed = p->is_still = false;
	stretch(p);
	sound_good(p, 0);
	p->may_be_still = !p->is_whole;
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

struct intake_stats intake_stats_rt(const struct intake *p)
{
	uint32_t per_ms = p->sample_hz / 1000;

	return (struct intake_stats){.jitter = jitter_stats_rt(p->jitter),
				     .concealed_ms = p->concealed / per_ms,
				     .shortened_ms = p->shortened / per_ms,
				     .lengthened_ms = p->lengthened / per_ms};
}
