/* tests/unit/mixer/rig.h -- what the suites of legs, buses, workers and mixers share: phones on the
 * loopback, an environment for legs, tones and an ear for them.
 *
 * Time is virtual throughout. What a phone awaits it awaits with a generous poll, never by
 * sleeping.
 */
#ifndef TESTS_UNIT_MIXER_RIG_H
#define TESTS_UNIT_MIXER_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "mixer/bus.h"
#include "mixer/codec.h"
#include "mixer/leg.h"
#include "mixer/ports.h"

enum {
	RIG_PORT_LOW = 15000,  /* below what the kernel gives out by itself */
	RIG_PORT_HIGH = 15899, /* test_ports.c has the rest */
	RIG_FRAME = 160,       /* 20 ms at 8 kHz */
	RIG_PACKET_MAX = 1500,
	RIG_WAIT_MS = 500 /* real time that a packet on the loopback may take */
};

#define RIG_TICK_NS ((uint64_t)LEG_TICK_MS * 1000000)
#define RIG_START_NS ((uint64_t)1000000000000)
#define RIG_ARRIVAL_NS ((uint64_t)5000000) /* packets come so long before the tick */

/* A peer: one RTP socket, one stream that it sends. */
struct phone {
	int fd;
	struct addr addr;
	uint32_t ssrc, ts;
	uint16_t seq;
	uint8_t pt;
	bool has_marker; /* of the next packet */
};

void phone_open(struct phone *phone, uint32_t ssrc);
void phone_close(struct phone *phone);

/* The next packet of its stream (sequence and time go on); returns its length. */
uint32_t phone_packet(struct phone *phone, const uint8_t *payload, uint16_t len,
		      uint8_t out[RIG_PACKET_MAX]);
void phone_send(struct phone *phone, const struct addr *to, const uint8_t *payload, uint16_t len);
void phone_send_raw(struct phone *phone, const struct addr *to, const void *data, size_t len);

/* The next packet that came, waiting at most wait_ms; false when none. `data` holds it. */
bool phone_receive(struct phone *phone, uint32_t wait_ms, struct rtp_packet *ret_packet,
		   uint8_t data[RIG_PACKET_MAX]);
/* A datagram of any kind; 0 when none came. */
size_t phone_receive_raw(struct phone *phone, uint32_t wait_ms, uint8_t data[RIG_PACKET_MAX]);
/* What waits is thrown away; returns how many. */
uint32_t phone_drain(struct phone *phone);

/* An environment for legs that no worker has. */
struct rig {
	struct leg_env env;
	struct random random;
	struct ports *ports;
};

void rig_init(struct rig *rig);
void rig_done(struct rig *rig);

/* One tick of a bus, and what it sends goes out. */
void rig_tick(struct rig *rig, struct bus *bus, struct bus_scratch *scratch);

/* A leg bound on 127.0.0.1 with its port pair. */
struct rig_leg {
	struct leg *leg;
	struct port_pair ports;
};

struct rig_leg rig_leg_open(struct rig *rig);
void rig_leg_close(struct rig *rig, struct rig_leg *leg);

/* PCMU in both directions, 20 ms, not symmetric, telephone-event 101; RTCP beside RTP. */
struct media_leg_params rig_params(const struct phone *phone);

/* A datagram straight into leg_packet_rt, as if it came from the phone. */
void rig_feed_raw(struct rig *rig, struct leg *leg, const struct addr *from, const void *data,
		  size_t len);
void rig_feed(struct rig *rig, struct leg *leg, struct phone *phone, const uint8_t *payload,
	      uint16_t len);

/* 20 ms of noise of the rig's random in a codec without states, in packets of 10 ms (a frame of L16
 * at 48 kHz is too long for one). */
void rig_feed_noise(struct rig *rig, struct leg *leg, struct phone *phone,
		    const struct codec *codec, int amplitude);

/* The next event of `kind`, others thrown away; false when there is none. */
bool rig_event(struct rig *rig, int kind, struct leg_event *ret_event);

/* A tone of `hz` at `amplitude`, going on from sample number `at`, in PCMU. */
void tone_ulaw(double hz, double amplitude, uint64_t at, uint8_t out[RIG_FRAME]);

/* Power of `hz` in pcm relative to its whole power, 0 to 1 (Goertzel). */
double tone_share(const int16_t *pcm, uint32_t samples, double hz);

#endif
