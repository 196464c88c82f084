/* mixer/leg.h -- one RTP session with one peer (RFC 3550), as its worker sees it.
 *
 * In a tick the bus asks each leg three things, in this order: leg_receive_rt empties its sockets
 * into the intake, leg_pull_rt takes the frame of this tick, leg_send_rt puts what it shall hear
 * on the wire. RTCP, quiet detection and statistics ride along every LEG_HOUSEKEEP_TICKS.
 *
 * Ownership: control makes a leg, hands it to a worker by command, gets it back by event, frees
 * it. Whoever has it may call anything here; fields are written by leg.c and leg_rtcp.c only, but
 * for `node`, `bus`, `has_no_place` (bus.c) and `owner` (control, before the leg is handed over).
 */
#ifndef MIXER_LEG_H
#define MIXER_LEG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/random.h"
#include "base/ring.h"
#include "media.h"
#include "mixer/cell.h"
#include "mixer/codec.h"
#include "mixer/digits.h"
#include "mixer/dtmf.h"
#include "mixer/intake.h"
#include "mixer/io.h"
#include "mixer/kit.h"
#include "mixer/latch.h"
#include "mixer/limiter.h"
#include "mixer/loudest.h"
#include "mixer/ramp.h"
#include "mixer/resample.h"
#include "mixer/rtp.h"
#include "mixer/srtp.h"
#include "mixer/strip.h"
#include "mixer/voip.h"
#include "mixer/watch.h"

struct bus;
struct port;

enum {
	LEG_TICK_MS = CODEC_FRAME_MS,
	LEG_RATES = 3, /* of sound in a room: 8, 16 and 48 kHz */
	LEG_SAMPLES_MAX = CODEC_SAMPLE_HZ_MAX / 1000 * LEG_TICK_MS, /* of one frame */
	LEG_CHUNK_OCTETS_MAX = CODEC_FRAME_OCTETS_MAX,              /* of one encoded frame */
	LEG_CHUNK_FRAMES = 2,                                       /* in one tick */
	LEG_STREAM_NONE = 255,
	LEG_AUDIENCE_NONE = 255,
	LEG_PRIVATE_MS = 2000, /* a talker keeps an encoder of its own for so long after it spoke */
	LEG_RX_ROUNDS = 1,     /* receives per tick at most: a flood does not hold up the room */
	LEG_HOUSEKEEP_TICKS = 5, /* statistics and RTCP's timer every 100 ms, legs staggered */
	LEG_RTCP_ROUNDS = 5,     /* of these: the RTCP socket is looked at every 500 ms */
	LEG_ALIGN = 64,
	LEG_AHEAD = INTAKE_AHEAD + 1, /* legs: how far leg_prefetch_rt looks */
	LEG_GATE_DBOV = 60,           /* softer than this for LEG_GATE_HANG_MS: not summed */
	LEG_GATE_HANG_MS = 400,
	LEG_TOLD_SILENT_PACKETS = 10, /* decoded all the same */
	LEG_CATCH_UP_MAX = 120,       /* packets that decoders missed, given to them in a tick */
	LEG_NOISE_HANG_MS = 200,      /* so long silence is sent before comfort noise */
	LEG_NOISE_EVERY_MS = 400,     /* then a packet of it so often: NATs and timers stay awake */
	LEG_NOISE_DBOV = 78,          /* how loud it is */
	LEG_SKIP_MAX = 50             /* frames dropped at most when the worker was held up */
};

/* What a worker posts to control. Leg events carry the leg; `kind` is an enum media_event_kind or
 * one of these. */
enum leg_event_kind {
	/* A struct sound that was played or recorded to its end. */
	LEG_EVENT_SOUND_RETURNED = 90,
	LEG_EVENT_RETURNED = 100,
	LEG_EVENT_BUS_RETURNED,
	LEG_EVENT_KIT_RETURNED,
	LEG_EVENT_CRYPT_RETURNED,
	LEG_EVENT_SEAT_RETURNED,
	LEG_EVENT_CRYPT_WORN, /* the leg's, `crypt`: WORKER_CRYPT_REFILL is hoped for */
	LEG_EVENT_STRIP_RETURNED
};

/* Rates by number. */
static inline uint8_t leg_rate(uint32_t sample_hz)
{
	return sample_hz == 8000 ? 0 : sample_hz == 16000 ? 1 : 2;
}

static inline uint32_t leg_rate_hz(uint8_t rate)
{
	return rate == 0 ? 8000 : rate == 1 ? 16000 : 48000;
}

static inline uint32_t leg_rate_samples(uint8_t rate)
{
	return leg_rate_hz(rate) / 1000 * LEG_TICK_MS;
}

struct leg_event {
	int kind;
	bool is_on;
	uint8_t flags;
	char digit;
	enum media_digit_via via;
	uint16_t duration_ms;
	void *object; /* struct leg *; struct bus *, struct kit * and struct crypt * with
		       * their events */
	union {
		struct addr remote;
		struct crypt *crypt; /* LEG_EVENT_CRYPT_WORN */
	};
};

/* What a worker lends its legs; one per worker. */
struct leg_env {
	struct io *io;
	struct ring *events;
	uint8_t gate_dbov;           /* of the room that is at work; 0: LEG_GATE_DBOV */
	uint32_t catch_up_left;      /* of LEG_CATCH_UP_MAX */
	const struct list *buses;    /* whose ticks come one after the other, NULL: one alone */
	bool must_wake;              /* something was posted in this pass that control waits for */
	struct random random;        /* seeded: no system call */
	uint64_t now_ns;             /* of this pass, monotonic */
	uint64_t wall_minus_mono_ns; /* fixed at the start: reports need no more than one clock */
	uint64_t quiet_ns;
	const char *cname;
	struct list ended;               /* sounds on their way back to control */
	struct list crypt_returns;       /* that legs have done with: the worker gives them back */
	struct list strip_returns;       /* the same */
	uint8_t plain[IO_RX_OCTETS_MAX]; /* a packet without its protection */
	uint64_t rx_packets, tx_packets, rx_discarded, events_dropped; /* totals of the worker */
};

/* leg_control in the mixer's terms. */
struct leg_control {
	bool is_muted, is_deaf;
	int32_t gain_in_q14, gain_out_q14;
	struct media_groups groups;
};

/* Keys of an agreement. */
struct leg_keys {
	bool is_on;
	struct crypt *tx, *rx; /* NULL: as before */
};

/* leg_crypt.c */
struct leg_crypt {
	bool is_on; /* without a key nothing is sent, nothing believed */
	struct crypt *tx, *rx, *rx_before;
	uint64_t asked_ns; /* when control was last asked for streams, 0: never */
};

enum leg_activity { LEG_ACTIVITY_NONE, LEG_ACTIVITY_ACTIVE, LEG_ACTIVITY_QUIET };

/* RTCP side; leg_rtcp.c. */
struct leg_rtcp {
	struct addr signalled; /* from SDP */
	struct addr source;    /* of the last report that was believed, unset: none */
	bool has_mux;
	bool has_voip;                  /* the peer wants VoIP metrics (RFC 3611) */
	bool is_reduced;                /* packets need not be compound (RFC 5506) */
	bool has_sent;                  /* a first report went out */
	uint64_t due_ns;                /* next report, 0: not planned yet */
	uint64_t sent_packets_heard;    /* tx_packets at the peer's last report */
	uint64_t sent_packets_reported; /* tx_packets at the last report: sender or not (6.4) */
	uint32_t lsr;                   /* middle 32 bits of the peer's last SR */
	uint64_t lsr_ns;                /* its arrival */
};

/* The place of a leg in a shared port; port.c. */
enum { LEG_KEY_SIGNALLED, LEG_KEY_SOURCE, LEG_KEY_RTCP, LEG_PORT_KEYS };

struct leg_seat {
	uint16_t keys[LEG_PORT_KEYS]; /* 0: none */
	struct addr home;             /* the first address that was signalled */
	struct list waiting;          /* in the port's list, while leg->is_waiting */
};

/* Two parts: what every tick touches, in the order in which it does, and the rest. The first begins
 * on a cache line and is asked for ahead (leg_prefetch_rt); new members that not every tick needs
 * belong behind it. */
struct leg {
	_Alignas(LEG_ALIGN) struct list node; /* in bus->legs, or in the worker's list of returns */
	struct bus *bus;
	struct intake *intake;
	struct port *port; /* which it shares with others; NULL: the sockets are its own */
	int rtp_fd, rtcp_fd;
	bool was_empty;   /* nothing was in the socket when it was last looked into */
	bool has_nothing; /* the worker knows that nothing is in it in this tick */

	/* Receiving. */
	uint64_t heard_ns;    /* last RTP or RTCP, or when receiving began */
	struct list own_node; /* in bus->own, without a port; bus.c */
	uint8_t dtmf_pt;      /* or MEDIA_PT_NONE */
	uint8_t level_ext;    /* of RFC 6464; 0: none */
	bool trusts_levels;
	uint8_t told_silent; /* packets in a row that it called silent */
	bool is_receiving;
	bool is_waiting;  /* for a source; with a port only */
	uint8_t next_run; /* a new SSRC on trial, see leg.c */
	uint16_t next_seq;
	uint32_t next_ssrc;
	struct rtp_source source;
	struct dtmf dtmf;

	/* What it says in this tick. */
	struct intake_frame frame;
	const int16_t *pcm; /* after gain, frame.samples at frame.sample_hz */
	const int16_t
		*own; /* the same at the rate of send_codec; NULL: not part of what it hears */
	bool is_summed;
	bool has_no_place;        /* it is not among the loudest, whatever it says; bus.c */
	bool is_exact;            /* frame.payload is what pcm encodes */
	bool has_encoder;         /* of the kit: what it sends is in a codec with a memory */
	uint8_t sound_count;      /* of `sounds` */
	bool is_ducked;           /* what it hears is, by `duck` */
	uint16_t gate_ms;         /* left of the gate's hangover */
	struct loudness loudness; /* bus.c */
	struct leg_control control;
	struct strip *strip; /* NULL: its sound is left as it comes */

	/* State told to control: posted anew each tick until the ring took it. */
	bool is_talking, told_talking, must_tell_remote;
	uint8_t flags, told_flags; /* of watch */
	enum leg_activity activity, told_activity;

	/* What it hears. */
	const struct codec *send_codec; /* NULL: nothing is sent */
	uint8_t send_pt;
	uint8_t mix_ext;      /* of RFC 6465; 0: none */
	bool has_noise;       /* comfort noise in place of silence */
	uint16_t silent_ms;   /* sent or left out */
	uint8_t housekeep_in; /* ticks */
	uint16_t ptime_ms;
	bool is_sending, is_marked; /* is_marked: next packet carries the marker */
	uint16_t tx_seq;
	uint32_t tx_ts, tx_ssrc; /* tx_ts: of the next sample; it runs on while nothing is sent */
	uint32_t tick_units;     /* of tx_ts */
	struct kit *kit;
	struct leg_crypt crypt;
	bool has_digits;     /* some are on their way to the peer: `digits` */
	uint8_t send_rate;   /* of send_codec */
	uint8_t resampled;   /* rates that it was brought to in the last tick, bits; bus.c */
	uint8_t audience;    /* in bus->audiences, or LEG_AUDIENCE_NONE: hears silence; bus.c */
	uint8_t stream;      /* in bus->leads, or LEG_STREAM_NONE: encoded for it alone; bus.c */
	uint16_t private_ms; /* left of LEG_PRIVATE_MS; bus.c */
	uint16_t pack_len;
	uint8_t pack_count;
	uint32_t pack_ts;
	uint64_t last_tick_ns;
	struct media_leg_stats stats; /* the owner's copy */
	uint8_t pt_codec[128];        /* enum media_codec by payload type, 0: not accepted */
	struct latch latch;           /* its candidates end what is hot */

	void *owner; /* control's; from here on not every tick's */
	struct leg_rtcp rtcp;
	struct leg_seat seat;
	uint8_t housekeepings; /* until RTCP is received again */
	struct limiter limiter;
	struct resample resample[LEG_RATES - 1]; /* to the other rates; bus.c */
	struct intake_stats past;                /* of intakes that it had before */

	/* Quality window. */
	uint64_t window_ns, window_missed, window_packets;
	uint32_t loss_q16; /* smoothed */
	struct voip voip;
	_Alignas(LEG_ALIGN) struct watch watch;
	struct digits digits;
	uint8_t digits_pt;        /* or MEDIA_PT_NONE */
	uint32_t digits_clock_hz; /* of it */
	uint16_t delay_ms_cap;    /* of its jitter buffer */

	struct list sounds; /* struct sound: plays and takes of this leg alone; play.c */
	struct ramp duck;   /* under plays to it alone; play.c */

	struct cell cell; /* what control reads */
};

/* Control. `random` gives SSRC, first sequence number and timestamp (RFC 3550 5.1). The descriptors
 * stay the caller's. -ENOMEM. */
struct leg_new_params {
	int rtp_fd, rtcp_fd;
	struct port *port; /* borrowed: the descriptors are this port's; NULL: the leg's alone */
	uint16_t jitter_max_ms;
	struct random *random;
	void *owner;
};
int leg_new(const struct leg_new_params *params, struct leg **ret_leg);
struct leg *leg_free(struct leg *leg);

/* ERR_MEDIA_CODEC or -EINVAL for what leg_set_rt could not carry out; control asks first. */
int leg_params_check(const struct media_leg_params *params);

/* The leg's kit serves these params (kit.h). */
void leg_set_rt(struct leg *leg, const struct media_leg_params *params,
		uint64_t now_ns) NONBLOCKING;

/* Puts another kit in; returns the one it had. A leg on a bus is changed by bus_fit_rt. leg_set_rt
 * follows. */
struct kit *leg_fit_rt(struct leg *leg, struct kit *kit) NONBLOCKING;
void leg_control_rt(struct leg *leg, const struct leg_control *control) NONBLOCKING;

/* Another strip, or none; returns the one it had. */
struct strip *leg_strip_rt(struct leg *leg, struct strip *strip) NONBLOCKING;

/* Digits to the peer, behind those that still wait (digits.h). */
void leg_digits_rt(struct leg *leg, const char *text, uint32_t count) NONBLOCKING;

/* Begins on a worker: media time goes on from where it was left. */
void leg_begin_rt(struct leg *leg, struct leg_env *env) NONBLOCKING;

/* Ends it: BYE to the peer (RFC 3550 6.6), final statistics. */
void leg_end_rt(struct leg *leg, struct leg_env *env) NONBLOCKING;

/* The leg is `ahead` legs away from its turn, at most LEG_AHEAD: asks for its memory step by step.
 */
void leg_prefetch_rt(const struct leg *leg, uint32_t ahead) NONBLOCKING;

void leg_receive_rt(struct leg *leg, struct leg_env *env) NONBLOCKING;

/* One datagram of the RTP port; leg_receive_rt calls it, fuzzers and tests too. */
void leg_packet_rt(struct leg *leg, struct leg_env *env,
		   const struct io_packet *packet) NONBLOCKING;

/* The frame of this tick: frame, pcm, own, is_summed, is_exact. `is_heard`: the leg is in a room.
 */
void leg_pull_rt(struct leg *leg, struct leg_env *env, bool is_heard) NONBLOCKING;

/* Media time passes without sound: the worker missed `frames` ticks. */
void leg_skip_rt(struct leg *leg, struct leg_env *env, uint32_t frames) NONBLOCKING;

/* What a leg hears in one tick, encoded in its codec. */
struct leg_chunk {
	const uint8_t *payload;
	uint16_t len;
	uint8_t level;             /* -dBov */
	const uint32_t *csrc;      /* who can be heard, host order */
	const uint8_t *csrc_level; /* -dBov, one each */
	uint8_t csrc_count;
	/* Codecs whose frames only join_rt joins: payload is these, one after the other; 0: nothing
	 * to send for this one. */
	uint8_t frame_count;
	bool is_event; /* payload is a telephone-event (RFC 4733), */
	bool is_noise; /* or comfort noise (RFC 3389) */
	uint16_t frame_len[LEG_CHUNK_FRAMES];
};

/* True when leg_send_rt would send something at all. */
static inline bool leg_can_send(const struct leg *leg)
{
	return leg->is_sending && leg->send_codec;
}

/* Sends, or packs until ptime is full. chunk NULL: time passes, nothing is sent. */
void leg_send_rt(struct leg *leg, struct leg_env *env, const struct leg_chunk *chunk) NONBLOCKING;

/* Last of the tick: RTCP, quiet detection, statistics, events. */
void leg_finish_rt(struct leg *leg, struct leg_env *env) NONBLOCKING;

/* leg_crypt.c ------------------------------------------------------------------------------ */

/* New keys; what they replace goes to `returns`, sooner or later env's. */
void leg_crypt_rt(struct leg *leg, const struct leg_keys *keys, struct list *returns) NONBLOCKING;
void leg_crypt_done(struct leg *leg); /* control */

/* Streams of `fresh` for `worn`, when that is still what the leg hears with; fresh goes to env's
 * returns either way. */
void leg_crypt_refill_rt(struct leg *leg, struct leg_env *env, struct crypt *worn,
			 struct crypt *fresh) NONBLOCKING;

/* Tells control when what the leg hears with is worn; again after a while if nothing came. */
void leg_crypt_watch_rt(struct leg *leg, struct leg_env *env) NONBLOCKING;

/* True when the packet may be read on, decrypted where that was agreed on. */
bool leg_unprotect_rt(struct leg *leg, struct leg_env *env, struct io_packet *packet,
		      bool is_rtcp) NONBLOCKING;

/* Length of the packet as it goes out; negative: it must not. */
int leg_protect_rt(struct leg *leg, uint8_t *packet, size_t len, bool is_rtcp) NONBLOCKING;

/* leg_rtcp.c ------------------------------------------------------------------------------- */

/* A datagram of the RTCP port, or of the RTP port with rtcp-mux. */
void leg_rtcp_packet_rt(struct leg *leg, struct leg_env *env,
			const struct io_packet *packet) NONBLOCKING;
void leg_rtcp_receive_rt(struct leg *leg, struct leg_env *env) NONBLOCKING; /* empties the socket */
void leg_rtcp_send_rt(struct leg *leg, struct leg_env *env, bool is_bye) NONBLOCKING;
void leg_rtcp_due_rt(struct leg *leg, struct leg_env *env) NONBLOCKING; /* sends when it is time */

#endif
