/* tests/bench/rtp_load.h -- N RTP legs in one thread: sends, receives, measures.
 *
 * Every leg sends one packet of 20 ms every 20 ms, at a phase of its own. Talkers send a tone
 * of a whole number of Hz (so one second of it is one period, and tones are orthogonal over a
 * second); the *markers* are silent but for a burst of 100 ms, each in its turn, whose first
 * packet's journey is the added delay (PCMU only); the others send silence. Arrival times are the
 * kernel's (SO_TIMESTAMPNS), so that a busy generator does not spoil them. Times in ns of
 * CLOCK_REALTIME.
 */
#ifndef TESTS_BENCH_RTP_LOAD_H
#define TESTS_BENCH_RTP_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "tests/bench/secure.h"
#include "tests/bench/voice.h"

enum {
	LOAD_SAMPLES = 160, /* of a packet of PCMU */
	LOAD_MARKER_HZ = 2900,
	LOAD_MARKERS = 8,     /* they take turns; their phases are spread evenly over a tick */
	LOAD_HISTOGRAM = 1000 /* buckets of 0.5 ms */
};

enum load_role { LOAD_SILENT, LOAD_TONE, LOAD_MARKER };

struct load_leg {
	int fd; /* connected to the server's port; owned */
	enum load_role role;
	uint32_t marker; /* MARKER: its turn, 0 .. LOAD_MARKERS - 1 */
	uint32_t room;
	uint32_t tone;         /* TONE: its number; of more talkers than tones some share */
	uint32_t group;        /* TONE: of those in its room no two have one tone */
	struct secure *secure; /* NULL: in the clear; owned */
	/* sending */
	uint64_t phase_ns;
	uint64_t packets_sent;
	uint16_t seq;
	uint32_t timestamp, ssrc;
	uint64_t spoke_ns; /* when its first word was */
	/* receiving */
	uint64_t received, received_window, duplicates;
	uint16_t seq_first, seq_max;
	uint32_t seq_cycles;
	uint64_t arrival_ns;                      /* of the last packet */
	uint64_t marker_heard;                    /* number of the last marker burst heard */
	uint32_t heard_packets;                   /* filled into `heard` */
	struct voice_packet heard[VOICE_PACKETS]; /* the last second of the window, as received */
};

struct load_result {
	double seconds;
	uint64_t expected, received; /* packets at all legs in the window */
	uint64_t lost;               /* by sequence numbers */
	double gap_p50_ms, gap_p99_ms, gap_max_ms;
	uint64_t delays;
	double delay_p50_ms, delay_p99_ms, delay_max_ms;
	uint64_t checks,
		checks_failed; /* "hears that talker": one per leg and talker of its room */
	uint64_t self_heard;   /* talkers who heard themselves; their group talked alone */
	double server_us_per_leg_second, load_us_per_leg_second;
};

/* Runs all legs for warmup_s + seconds; measures in the second part. `is_echo`: the peer is the
 * reflector, audio is not checked. server_pid 0: no CPU figure. */
struct load_run {
	struct load_leg *legs;
	uint32_t legs_count;
	const struct voice_format *format;
	uint32_t warmup_s, seconds;
	int server_pid;
	bool is_echo;
};
int load_run(struct load_run *run, struct load_result *ret_result);

/* A socket on 127.0.0.1 with kernel time stamps; *ret_port its port. Negative errno. */
int load_socket(int *ret_fd, uint16_t *ret_port);
int load_connect(int fd, const struct addr *remote);

/* SSRC and first sequence number; the latter below 2^15 (RFC 3711 3.3.1). */
void load_leg_init(struct load_leg *leg);

/* A phone speaks as soon as its call is answered; here the legs wait for each other, and this one
 * packet stands for it. */
void load_first_word(struct load_leg *leg, const struct voice_format *format);

void load_print_json(FILE *out, const char *name, uint32_t legs, const struct load_result *result);

#endif
