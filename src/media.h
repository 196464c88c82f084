/* media.h -- the focus' view of a mixer: operations, parameters, events.
 *
 * The focus decides, the mixer sounds. Behind this table stands mixer/ (mixer/mixer.h makes one)
 * or, in tests, a fake that proves conference logic without a socket or a sound.
 *
 * A *room* is a bus: every leg in it hears the sum of the others (mix-minus, RFC 3550 section 7).
 * A *leg* is one RTP session (RFC 3550) with one peer: a local address, a codec, a direction.
 *
 * Threads: every operation is called on the control thread, returns at once, and is carried out by
 * a worker at one of its next ticks. Events come back on the control thread, from the loop, never
 * from inside an operation. Operations on one leg are carried out in the order in which they
 * were made. Handles are generation-checked: an operation on a leg that is gone gives ERR_STALE.
 */
#ifndef MEDIA_H
#define MEDIA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/handle.h"

enum media_codec { /* X-macro-free on purpose: the mixer's codec table and sip/sdp.h name the same set */
	MEDIA_CODEC_NONE,
	MEDIA_CODEC_PCMU, /* G.711 mu-law, 8000 Hz, static payload type 0 (RFC 3551 4.5.14) */
	MEDIA_CODEC_PCMA, /* G.711 A-law, 8000 Hz, static payload type 8 */
	MEDIA_CODEC_G722, /* 16000 Hz sound on an 8000 Hz clock, static payload type 9 (4.5.2) */
	MEDIA_CODEC_L16_8K,  /* 16-bit samples, network order, mono (RFC 3551 4.5.11) */
	MEDIA_CODEC_L16_16K,
	MEDIA_CODEC_L16_48K,
	MEDIA_CODEC_OPUS,    /* 48000 Hz, sent in mono (RFC 7587) */
	MEDIA_CODEC_GSM,     /* GSM 06.10, static payload type 3 (4.5.8) */
	MEDIA_CODEC_G726_32, /* low bits first (4.5.4) */
	MEDIA_CODEC_COUNT
};

enum {
	MEDIA_FORMATS_MAX = 16,  /* payload types accepted from one peer */
	MEDIA_PTIME_MS_MIN = 10,
	MEDIA_PTIME_MS_MAX = 60,
	MEDIA_PT_NONE = 255,     /* "no payload type" */
	MEDIA_OPUS_BITRATE = 32000,
	MEDIA_DIGITS_MAX = 32, /* waiting to be sent to one peer */
	MEDIA_KEY_MAX = 44, /* octets of a master key and its salt */
	MEDIA_GROUPS_MAX = 16,    /* of a room */
	MEDIA_LOUDEST_MAX = 32,
	MEDIA_AUDIENCES_MAX = 16, /* of a room: legs that hear the same groups are one */
	MEDIA_LEVEL_SILENT = 127 /* levels are -dBov, 0 (overload) to 127 (digital silence), RFC 6464 */
};

struct media_format {
	enum media_codec codec;
	uint8_t payload_type; /* 0..127, as the peer numbers it */
};

/* How the peer wants its Opus (RFC 7587 6.1); all zero: as we like. */
struct media_opus {
	uint32_t bitrate;     /* bit/s at most (maxaveragebitrate), 0: MEDIA_OPUS_BITRATE */
	uint32_t playback_hz; /* it plays no more than this (maxplaybackrate), 0: 48000 */
	bool has_fec, has_dtx, is_cbr; /* useinbandfec, usedtx, cbr */
};

static inline bool media_opus_eq(const struct media_opus *a, const struct media_opus *b)
{
	return a->bitrate == b->bitrate && a->playback_hz == b->playback_hz &&
	       a->has_fec == b->has_fec && a->has_dtx == b->has_dtx && a->is_cbr == b->is_cbr;
}

/* How RTP and RTCP are protected (RFC 3711, RFC 7714). However keys came about, the mixer gets them
 * like this. */
enum media_suite {
	MEDIA_SUITE_NONE, /* in the clear */
	MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80,
	MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32,
	MEDIA_SUITE_AEAD_AES_128_GCM,
	MEDIA_SUITE_AEAD_AES_256_GCM,
	MEDIA_SUITE_COUNT
};

struct media_keys {
	enum media_suite suite;
	uint8_t key[MEDIA_KEY_MAX]; /* master key, then master salt: media_suite_octets */
};

/* Octets of master key and salt; the first is that of the key alone. */
static inline uint8_t media_suite_key_octets(enum media_suite suite)
{
	return suite == MEDIA_SUITE_NONE ? 0 : suite == MEDIA_SUITE_AEAD_AES_256_GCM ? 32 : 16;
}

static inline uint8_t media_suite_octets(enum media_suite suite)
{
	bool is_gcm = suite == MEDIA_SUITE_AEAD_AES_128_GCM ||
		      suite == MEDIA_SUITE_AEAD_AES_256_GCM;

	return suite == MEDIA_SUITE_NONE
		       ? 0
		       : (uint8_t)(media_suite_key_octets(suite) + (is_gcm ? 12 : 14));
}

/* What signalling agreed on (RFC 3264). Given on answer and again after every re-negotiation. */
struct media_leg_params {
	struct addr remote_rtp;  /* from c= and m=; unset or port 0: send nothing until latched */
	struct addr remote_rtcp; /* a=rtcp (RFC 3605) or RTP + 1; equals remote_rtp with rtcp_mux */
	struct media_format receive[MEDIA_FORMATS_MAX]; /* what may arrive */
	uint8_t receive_count;
	struct media_format send; /* what we send; codec NONE: nothing */
	uint8_t dtmf_pt_receive;  /* telephone-event (RFC 4733) as it arrives, or MEDIA_PT_NONE */
	uint8_t dtmf_pt_send;
	uint32_t dtmf_clock_hz;   /* of telephone-event, 0: 8000 */
	struct media_opus opus;   /* what we send, when it is Opus */
	struct media_keys keys_send, keys_receive; /* both of one suite. Keys that stay the same go
						    * on where they are; new ones start anew. */
	uint16_t ptime_ms;        /* of packets that we send: 10 to 60, multiple of 10 */
	bool is_sending;          /* direction, our view: we send to the peer */
	bool is_receiving;        /* we listen to the peer */
	bool has_rtcp_mux;        /* RFC 5761 */
	bool has_voip_metrics;    /* the peer asked for them: RTCP XR (RFC 3611 4.7) */
	bool has_reduced_rtcp;    /* RFC 5506: RTCP packets need not be compound */
	bool has_noise;           /* while it hears nothing the peer gets comfort noise now and then
				   * (RFC 3389, payload type 13) in place of packets of silence */
	uint8_t level_ext;        /* number of its own level in the peer's packets (RFC 6464), 0: none */
	bool trusts_levels;       /* what these tell is believed */
	uint8_t mix_ext;          /* number of contributors' levels in ours (RFC 6465), 0: none */
	bool is_symmetric;        /* follow the source address of plausible RTP (NAT), docs/architecture.md */
};

/* Who hears whom, by groups of the room, each a bit. A leg hears another one that speaks to a group
 * which it hears, unless that one speaks to a group which it hears not. All zero: speaks to group 0
 * and hears group 0, as everybody does at first. At most MEDIA_AUDIENCES_MAX different pairs of
 * (hears, hears_not) in a room: who comes with a further one hears silence until there is place. */
struct media_groups {
	uint16_t speaks, hears; /* 0: group 0; nobody at all is is_muted and is_deaf */
	uint16_t hears_not;
};

/* What the conference wants of the leg; independent of signalling. */
struct media_leg_control {
	bool is_muted;          /* the room does not hear this leg; digits still count */
	bool is_deaf;           /* this leg hears silence */
	int16_t gain_in_cdb;    /* hundredths of dB on what it says, -6000 to +3000 */
	int16_t gain_out_cdb;   /* hundredths of dB on what it hears */
	struct media_groups groups;
	/* On what it says, before gain; each costs, and takes G.711 its bit-exact way through. */
	bool has_digits_in_band; /* tones that are dialled are found and cut out; 40 ms of delay */
	bool has_denoise;        /* noise is suppressed; 10 ms of delay */
	bool has_level;          /* speech is brought to level_dbov */
	uint8_t level_dbov;      /* -dBov, 0: 20 */
};

/* Who is heard at all in a room. */
struct media_room_policy {
	uint8_t loudest;   /* only so many of those who speak, at most MEDIA_LOUDEST_MAX; 0: all */
	uint8_t gate_dbov; /* sound that is softer than this (-dBov) for a while is left out; 0: as
			    * the mixer thinks fit */
};

struct media_leg_open {
	handle room;            /* 0: in no room yet (a ringing call); leg_move puts it into one */
	struct addr local;      /* address to bind, port ignored; any-address allowed */
	uint64_t tag;           /* the caller's own number, returned in every event of the leg */
	/* What is known of the peer by now, both or none. Where they name one host that has proven
	 * to send from where it says, the leg may share a port with others. */
	struct addr peer_signalling; /* where its requests come from */
	struct addr peer_rtp;        /* from the audio line of its offer */
};

/* What the people of a leg should be told of (mixer/watch.h); a set of these. */
enum media_leg_flag {
	MEDIA_FLAG_ECHO = 1,      /* what comes in follows what went out */
	MEDIA_FLAG_ONE_WAY = 2,   /* nothing comes, or the peer reports that it gets nothing */
	MEDIA_FLAG_CLIPPING = 4,  /* what comes in is cut off at full scale */
	MEDIA_FLAG_LOW_LEVEL = 8, /* who talks there is hardly heard */
	MEDIA_FLAG_COUNT = 4
};

/* A moment's view, written by the worker, read by control at any time. Counters never go back. */
struct media_leg_stats {
	uint64_t rx_packets, rx_octets, tx_packets, tx_octets;
	uint64_t rx_lost;       /* RFC 3550 A.3, cumulative */
	uint64_t rx_late;       /* came after its turn: counted as lost to the ear */
	uint64_t rx_discarded;  /* malformed, wrong payload type, wrong source, duplicate */
	uint64_t rx_rejected_source; /* plausible RTP from an address that is not the peer's (hijack guard) */
	uint64_t rx_unauthentic; /* SRTP that failed its check, or was a replay; rx_discarded has them, too */
	uint64_t concealed_ms;  /* sound invented by concealment */
	uint32_t rx_jitter_us;  /* RFC 3550 6.4.1, at the receiver */
	uint32_t delay_ms;      /* jitter buffer depth now */
	uint32_t delay_ms_max;
	uint32_t round_trip_us; /* from RTCP (RFC 3550 6.4.1), 0 unknown */
	uint8_t remote_loss_q8; /* fraction lost of the last report about us, in 1/256 */
	uint8_t level_in;       /* -dBov of what the leg says, before mute */
	uint8_t level_out;      /* -dBov of what it hears */
	bool is_talking;
	bool is_encrypted;      /* SRTP both ways */
	uint8_t flags;          /* set of enum media_leg_flag */
	uint16_t mos_x100;      /* estimate, 100..450; 0 unknown (ITU-T G.107 reduced) */
	struct addr remote_rtp; /* where we send now, after latching */
	uint64_t rx_last_ms;    /* monotonic ms of the last accepted RTP packet, 0 none */
};

/* What is played: files, tones and pauses, one after the other. */
enum media_sound_kind { MEDIA_SOUND_FILE, MEDIA_SOUND_TONE, MEDIA_SOUND_PAUSE };
enum { MEDIA_SOUNDS_MAX = 64, MEDIA_PATH_MAX = 512, MEDIA_SOUND_MS_MAX = 3600 * 1000 };
struct media_sound {
	enum media_sound_kind kind;
	const char *path;       /* FILE: WAV, Ogg and what else libsndfile reads */
	uint16_t hz[2];         /* TONE: one or two frequencies, 0: none */
	uint8_t level_dbov;     /* TONE: -dBov of each */
	uint32_t ms;            /* TONE, PAUSE */
};

/* Sounds to one leg, or to everybody in a room. A file that cannot be read is passed over. */
struct media_play {
	handle leg, room;       /* one of both; 0: not that one */
	const struct media_sound *sounds; /* copied */
	uint32_t sound_count;
	bool is_loop;
	int16_t gain_cdb;       /* hundredths of dB, -6000 to +3000 */
	int16_t duck_cdb;       /* on who talks meanwhile, -6000 (not heard at all) to 0 */
	uint64_t start_ms;      /* from there on */
	uint64_t tag;           /* returned in MEDIA_PLAY_ENDED */
};
struct media_play_control {
	int16_t gain_cdb;
	bool is_paused, is_loop;
};

/* What a room hears, or what one leg says, into a file. */
enum media_record_format { MEDIA_RECORD_WAV, MEDIA_RECORD_OGG_OPUS };
struct media_record {
	handle leg, room;       /* one of both */
	const char *path;       /* made anew; copied */
	enum media_record_format format;
	uint32_t rate_hz;       /* 8000, 16000 or 48000 */
	bool is_aligned;        /* LEG: begins with as much silence as the recording of its room is long by its
				 * first frame, to the sample, so that both files begin together */
	uint32_t lead_ms;       /* aligned: that length, where the room's recording is another worker's */
	uint64_t tag;           /* returned in MEDIA_RECORD_ENDED */
};

enum media_digit_via {
	MEDIA_DIGIT_EVENT,   /* telephone-event, RFC 4733 */
	MEDIA_DIGIT_IN_BAND, /* tones in the sound */
	MEDIA_DIGIT_INFO     /* by signalling (RFC 6086); no mixer tells it */
};

enum media_event_kind {
	MEDIA_LEG_CLOSED,   /* the last event of a leg: its port is free again; `stats` are final */
	MEDIA_LEG_ACTIVE,   /* first accepted RTP packet, or RTP came back after MEDIA_LEG_QUIET */
	MEDIA_LEG_QUIET,    /* a receiving leg got no RTP or RTCP for the configured time */
	MEDIA_LEG_TALKING,  /* talker detection changed: is_on */
	MEDIA_LEG_DTMF,     /* one digit, reported once for each way it came: `via` */
	MEDIA_LEG_FLAGS,    /* media_leg_stats.flags changed: `flags` */
	MEDIA_LEG_LATCHED,  /* the peer's media address was learnt or has changed: `remote` */
	MEDIA_PLAY_ENDED,   /* the last event of a play, however it ended: `object`, `err`, `length_ms` */
	MEDIA_RECORD_ENDED, /* the file is complete, or as complete as it could be: the same and `octets`, `lost_ms` */
};

struct media_event {
	enum media_event_kind kind;
	handle leg;
	uint64_t tag;
	bool is_on;              /* TALKING */
	uint8_t flags;           /* FLAGS: set of enum media_leg_flag */
	char digit;              /* DTMF: 0-9 * # A-D */
	enum media_digit_via via; /* DTMF */
	uint16_t duration_ms;    /* DTMF */
	struct addr remote;      /* LATCHED */
	struct media_leg_stats stats; /* CLOSED */
	handle object;           /* the play or recording; `leg` is 0 then */
	int err;                 /* first failure: negative errno or ERR_FILE_FORMAT */
	uint64_t length_ms;      /* played, recorded */
	uint64_t octets;         /* of the file */
	uint64_t lost_ms;        /* silence in place of sound that the disk was too slow for */
};

/* Totals over all workers, for metrics and admission. */
struct media_totals {
	uint32_t rooms, legs, workers;
	uint32_t workers_realtime;         /* of them: real-time priority was granted */
	uint32_t ports_free;
	uint32_t load_us_max;              /* microseconds in a second for which the busiest worker is awake */
	uint64_t busy_ns;                  /* all workers, since the start */
	uint64_t legs_passed;              /* from a busy worker to another, in their room */
	uint64_t ticks, ticks_late;        /* later than 2 ms */
	uint64_t tick_late_us_max;
	uint64_t shares_missed;            /* of a room on several workers: what one of them said came
					    * too late for another, in one tick */
	uint64_t ticks_skipped;            /* not done at all, a worker was held up for longer than a tick */
	uint64_t rx_packets, tx_packets, rx_discarded, tx_failed;
	uint64_t events_dropped;           /* event ring was full */
};

struct media_ops {
	/* MEDIA_NO_ROOMS, ERR_QUEUE_FULL, -ENOMEM. */
	int (*room_open)(void *ctx, handle *ret_room);
	/* Its legs must have been closed or moved away before; never fails for a live room. */
	int (*room_close)(void *ctx, handle room);

	/* From the next tick on. ERR_STALE, -EINVAL. */
	int (*room_set)(void *ctx, handle room, const struct media_room_policy *policy);

	/* Reserves ports and sockets at once, so that the address can go into an offer or answer.
	 * *ret_local: the bound RTP address; RTCP is at port + 1 (and on the same port with
	 * rtcp-mux); several legs may be given the same one. ERR_MEDIA_NO_PORTS, ERR_MEDIA_NO_LEGS, ERR_QUEUE_FULL, ERR_STALE, errno of socket/bind. */
	int (*leg_open)(void *ctx, const struct media_leg_open *open, handle *ret_leg, struct addr *ret_local);
	int (*leg_set)(void *ctx, handle leg, const struct media_leg_params *params);
	int (*leg_control)(void *ctx, handle leg, const struct media_leg_control *control);
	/* Sends digits (0-9 * # A-D) as telephone-events (RFC 4733), one after the other, behind those
	 * that still wait; beyond MEDIA_DIGITS_MAX they are lost. -EINVAL: none, or others. ERR_LIMIT:
	 * more than MEDIA_DIGITS_MAX. ERR_STATE: telephone-event was not agreed on. ERR_QUEUE_FULL. */
	int (*leg_digits)(void *ctx, handle leg, const char *digits, uint32_t count);
	/* Room 0: out of any room. errno of socket/bind: a leg that shared a port would have needed
	 * its own, and there is none. */
	int (*leg_move)(void *ctx, handle leg, handle room);
	/* Never fails for a live leg, whatever the queues hold. MEDIA_LEG_CLOSED follows. */
	int (*leg_close)(void *ctx, handle leg);
	int (*leg_stats)(void *ctx, handle leg, struct media_leg_stats *ret_stats);

	/* A play of a leg ends when its sounds do, when it is stopped, or when the leg is moved or closed; one of a
	 * room when the room is closed. -EINVAL, ERR_STALE, ERR_LIMIT, ERR_QUEUE_FULL, -ENOMEM. */
	int (*play_start)(void *ctx, const struct media_play *play, handle *ret_play);
	int (*play_control)(void *ctx, handle play, const struct media_play_control *control);
	int (*play_seek)(void *ctx, handle play, uint64_t ms);
	uint64_t (*play_position_ms)(void *ctx, handle play); /* 0 for one that is gone */
	int (*play_stop)(void *ctx, handle play); /* never fails for a live one */

	/* A recording ends by itself with its leg or room. Errors as play_start, and negative errno of making the file
	 * (-EEXIST, -ENOENT, -ENOSPC ...). */
	int (*record_start)(void *ctx, const struct media_record *record, handle *ret_record);
	/* All recordings of a room and of the legs in it, in one and the same tick. A pause leaves nothing in the files. */
	int (*record_pause)(void *ctx, handle room, bool is_paused);
	uint64_t (*record_length_ms)(void *ctx, handle record);
	int (*record_stop)(void *ctx, handle record); /* never fails for a live one */

	void (*totals)(void *ctx, struct media_totals *ret_totals);
};

/* A mixer as it is handed to the focus. */
struct media {
	const struct media_ops *ops;
	void *ctx;
};

/* Set by the focus at the mixer's creation (mixer/mixer.h) or on the fake. */
typedef void media_event_fn(void *arg, const struct media_event *event);

#endif
