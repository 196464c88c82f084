/* mixer/intake.h -- the receiving half of a leg: RTP payloads in, one frame of sound per tick out.
 *
 *   put -> jitter buffer -> decode -> conceal / stretch -> level -> frame
 *
 * This is what the mixer calls; jitter.h, codec.h, plc.h and level.h are its parts.
 * A stream may change its codec in mid-flow. Between codecs that are akin (codec.h) nothing is
 * heard of it; else what was not played yet is dropped and the buffer starts anew.
 *
 * Shape:   frames of pull_ms at sample_hz of the codec of the moment, mono int16_t.
 * Memory:  about 16 KiB for G.711, 60 KiB with Opus; all made in intake_new.
 * Threads: _new/_free on control, *_rt on the leg's worker.
 */
#ifndef MIXER_INTAKE_H
#define MIXER_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "media.h"
#include "mixer/jitter.h"
#include "mixer/level.h"
#include "mixer/rtp.h"

struct intake_params {
	enum media_codec codec; /* of the beginning; those akin to it may come as well */
	uint32_t others;        /* further codecs that may come: bits 1 << enum media_codec */
	uint16_t pull_ms;       /* 10 or 20 */
	uint16_t delay_ms_max;  /* 0: JITTER_DELAY_MS_DEFAULT */
	bool is_whole; /* never cut packets, as stateful codecs need it anyway: for tests */
};

struct intake_frame {
	const int16_t *pcm; /* `samples` of them, borrowed until the next call; never NULL */
	uint16_t samples;
	uint32_t sample_hz; /* of pcm */
	const uint8_t
		*payload; /* not NULL: these octets, in `codec`, are exactly pcm: pass them on */
	uint16_t payload_len;
	enum media_codec codec;
	uint8_t level;     /* -dBov of pcm, 127: digital silence */
	bool is_silent;    /* digital silence (A-law's +8 included), pcm is zero: nothing to add */
	bool is_concealed; /* part of it was invented */
	bool is_left_out;  /* part of it was not decoded: pcm is zero there; level is what the peer
			    * told (RFC 6464), or what was measured last */
	uint8_t caught_up; /* packets that were decoded besides */
	bool is_talking;   /* talk detector (level.h), hangover included */
};

struct intake_stats {
	struct jitter_stats jitter;
	uint64_t concealed_ms;
	uint64_t shortened_ms, lengthened_ms; /* time-scale */
};

struct intake;

/* ERR_MEDIA_CODEC: codec not known. -EINVAL, -ENOMEM. */
int intake_new(const struct intake_params *params, struct intake **ret_intake);
struct intake *intake_free(struct intake *intake);

/* Forgets the stream (leg moved, re-negotiated); counters stay. */
void intake_reset_rt(struct intake *intake);

/* The tick of this leg is so many legs away, 1 to INTAKE_AHEAD, or 0: next. Asks step by step for
 * what it will look at (prefetch.h). */
enum { INTAKE_AHEAD = 2 };
void intake_prefetch_rt(const struct intake *intake, uint32_t ahead);

/* What is needed of the frames from here on, until the next call; INTAKE_SOUND at the beginning. A
 * decoder with a memory then need not be run for each packet. When it is needed again, it is first
 * given what it missed, as much of it as it needs (codec.h) and at most `catch_up_max` packets. */
enum intake_need {
	INTAKE_SOUND,
	INTAKE_BEGINNING, /* it has been silent: packets that say of themselves that they are quiet
			   * (struct codec) are left out */
	INTAKE_RANK,      /* nobody hears it; its level is needed of every frame */
	INTAKE_LEVEL      /* nobody hears it; its level is needed now and then */
};
enum { INTAKE_CATCH_UP_PACKETS = 20, INTAKE_LOOK_TICKS = 25 };
void intake_need_rt(struct intake *intake, enum intake_need need, uint32_t catch_up_max);

/* A sound packet that passed rtp_source; `codec` is what its payload type stands for. A payload
 * that the codec refuses counts as overflow. arrival_us: monotonic. */
enum jitter_put_result intake_put_rt(struct intake *intake, const struct rtp_packet *packet,
				     enum media_codec codec, uint64_t arrival_us);

/* The same of a packet whose sender told its level (RFC 6464): 1 + -dBov; 0: it did not. */
enum jitter_put_result intake_put_told_rt(struct intake *intake, const struct rtp_packet *packet,
					  enum media_codec codec, uint8_t told,
					  uint64_t arrival_us);

/* A packet of the same stream that carries no sound (telephone-event): its sequence number is not
 * missing. */
void intake_skip_rt(struct intake *intake, const struct rtp_packet *packet, uint64_t arrival_us);

/* The frame of this tick. Call once per tick, whether or not anybody listens. */
struct intake_frame intake_get_rt(struct intake *intake, uint64_t now_us);

/* As jitter_slack_us_rt, of the frame that was taken last. */
int32_t intake_slack_us_rt(const struct intake *intake);

struct intake_stats intake_stats_rt(const struct intake *intake);

#endif
