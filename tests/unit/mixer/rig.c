/* tests/unit/mixer/rig.c */
#include "tests/unit/mixer/rig.h"

#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/check.h"

/* The suites have port numbers of their own, and some count how many are free: another run of them
 * on this machine (another checkout, another preset) waits until this one has ended. */
__attribute__((constructor)) static void ports_claim(void)
{
	int fd = open("/tmp/hearth-unit-mixer.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	if (fd >= 0)                      /* else somebody else's: nobody to wait for */
		(void)flock(fd, LOCK_EX); /* until the process ends */
}

void phone_open(struct phone *phone, uint32_t ssrc)
{
	socklen_t len = sizeof(phone->addr);

	memset(phone, 0, sizeof(*phone));
	phone->ssrc = ssrc;
	phone->seq = (uint16_t)(ssrc * 1000);
	phone->ts = ssrc * 100000;
	phone->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	(void)addr_parse(SLICE("127.0.0.1:0"), &phone->addr);
	if (!CHECK("phone", phone->fd >= 0 &&
				    bind(phone->fd, &phone->addr.sa, addr_len(&phone->addr)) == 0 &&
				    getsockname(phone->fd, &phone->addr.sa, &len) == 0))
		CU_FAIL_FATAL("no loopback");
}

void phone_close(struct phone *phone)
{
	close(phone->fd);
}

uint32_t phone_packet(struct phone *phone, const uint8_t *payload, uint16_t len,
		      uint8_t out[RIG_PACKET_MAX])
{
	struct rtp_packet rtp = {.has_marker = phone->has_marker,
				 .payload_type = phone->pt,
				 .seq = phone->seq++,
				 .ts = phone->ts,
				 .ssrc = phone->ssrc};
	int header = rtp_write(&rtp, out, RIG_PACKET_MAX);

	phone->ts += len;
	phone->has_marker = false;
	memcpy(out + header, payload, len);
	return (uint32_t)header + len;
}

void phone_send_raw(struct phone *phone, const struct addr *to, const void *data, size_t len)
{
	CHECK_INT("sendto", sendto(phone->fd, data, len, 0, &to->sa, addr_len(to)), len);
}

void phone_send(struct phone *phone, const struct addr *to, const uint8_t *payload, uint16_t len)
{
	uint8_t data[RIG_PACKET_MAX];

	phone_send_raw(phone, to, data, phone_packet(phone, payload, len, data));
}

size_t phone_receive_raw(struct phone *phone, uint32_t wait_ms, uint8_t data[RIG_PACKET_MAX])
{
	struct pollfd ready = {.fd = phone->fd, .events = POLLIN};
	ssize_t len;

	if (poll(&ready, 1, (int)wait_ms) <= 0)
		return 0;
	len = recv(phone->fd, data, RIG_PACKET_MAX, 0);
	return len > 0 ? (size_t)len : 0;
}

bool phone_receive(struct phone *phone, uint32_t wait_ms, struct rtp_packet *ret_packet,
		   uint8_t data[RIG_PACKET_MAX])
{
	size_t len = phone_receive_raw(phone, wait_ms, data);

	return len > 0 && rtp_parse(data, len, ret_packet) == 0;
}

uint32_t phone_drain(struct phone *phone)
{
	uint8_t data[RIG_PACKET_MAX];
	uint32_t count = 0;

	while (recv(phone->fd, data, sizeof(data), 0) > 0)
		count++;
	return count;
}

void rig_init(struct rig *rig)
{
	struct ports_params ports = {.low = RIG_PORT_LOW,
				     .high = RIG_PORT_HIGH,
				     .quarantine_ms = 0,
				     .random = &rig->random};

	memset(rig, 0, sizeof(*rig));
	random_init_seeded(&rig->random, 7);
	random_init_seeded(&rig->env.random, 8);
	list_init(&rig->env.ended);
	if (ports_new(&ports, &rig->ports) || io_new(false, &rig->env.io) ||
	    ring_new(256, sizeof(struct leg_event), RING_WAKE_NONE, &rig->env.events))
		CU_FAIL_FATAL("rig");
	rig->env.cname = "rig";
	rig->env.now_ns = RIG_START_NS;
	rig->env.wall_minus_mono_ns = (uint64_t)1700000000 * 1000000000;
	rig->env.quiet_ns = (uint64_t)5000 * 1000000;
	list_init(&rig->env.crypt_returns);
	io_begin_rt(rig->env.io, rig->env.now_ns);
}

void rig_done(struct rig *rig)
{
	io_free(rig->env.io);
	ring_free(rig->env.events);
	ports_free(rig->ports);
}

void rig_tick(struct rig *rig, struct bus *bus, struct bus_scratch *scratch)
{
	bus_tick_rt(bus, scratch, &rig->env, 0);
	io_flush_rt(rig->env.io);
}

struct rig_leg rig_leg_open(struct rig *rig)
{
	struct leg_new_params params = {.random = &rig->random};
	struct rig_leg leg;
	struct addr local;

	(void)addr_parse(SLICE("127.0.0.1:0"), &local);
	if (ports_take(rig->ports, &local, 0, &leg.ports))
		CU_FAIL_FATAL("no port");
	params.rtp_fd = leg.ports.rtp_fd;
	params.rtcp_fd = leg.ports.rtcp_fd;
	if (leg_new(&params, &leg.leg))
		CU_FAIL_FATAL("no leg");
	return leg;
}

void rig_leg_close(struct rig *rig, struct rig_leg *leg)
{
	leg_free(leg->leg);
	ports_give(rig->ports, &leg->ports, 0);
}

struct media_leg_params rig_params(const struct phone *phone)
{
	struct media_leg_params params = {.remote_rtp = phone->addr,
					  .remote_rtcp = phone->addr,
					  .receive = {{MEDIA_CODEC_PCMU, 0}, {MEDIA_CODEC_PCMA, 8}},
					  .receive_count = 2,
					  .send = {MEDIA_CODEC_PCMU, 0},
					  .dtmf_pt_receive = 101,
					  .dtmf_pt_send = MEDIA_PT_NONE,
					  .ptime_ms = 20,
					  .is_sending = true,
					  .is_receiving = true};

	addr_set_port(&params.remote_rtcp, (uint16_t)(addr_port(&phone->addr) + 1));
	return params;
}

void rig_feed_raw(struct rig *rig, struct leg *leg, const struct addr *from, const void *data,
		  size_t len)
{
	struct io_packet packet = {.data = data,
				   .len = (uint32_t)len,
				   .arrival_ns = rig->env.now_ns - RIG_ARRIVAL_NS,
				   .from = *from};

	leg_packet_rt(leg, &rig->env, &packet);
}

void rig_feed(struct rig *rig, struct leg *leg, struct phone *phone, const uint8_t *payload,
	      uint16_t len)
{
	uint8_t data[RIG_PACKET_MAX];

	rig_feed_raw(rig, leg, &phone->addr, data, phone_packet(phone, payload, len, data));
}

void rig_feed_noise(struct rig *rig, struct leg *leg, struct phone *phone,
		    const struct codec *codec, int amplitude)
{
	uint32_t samples = codec_samples(codec, 10);

	for (int half = 0; half < 2; half++) {
		uint8_t payload[CODEC_FRAME_OCTETS_MAX];
		int16_t pcm[480];
		size_t len;

		for (uint32_t k = 0; k < samples; k++)
			pcm[k] = (int16_t)((int)random_below(&rig->random,
							     2 * (uint32_t)amplitude + 1) -
					   amplitude);
		len = codec->encode_rt(NULL, pcm, samples, payload, sizeof(payload));
		rig_feed(rig, leg, phone, payload, (uint16_t)len);
		phone->ts += codec->clock_hz / 100 - (uint32_t)len;
	}
}

bool rig_event(struct rig *rig, int kind, struct leg_event *ret_event)
{
	struct leg_event event;

	while (ring_take_rt(rig->env.events, &event)) {
		if (event.kind != kind)
			continue;
		if (ret_event)
			*ret_event = event;
		return true;
	}
	return false;
}

void tone_ulaw(double hz, double amplitude, uint64_t at, uint8_t out[RIG_FRAME])
{
	for (uint32_t i = 0; i < RIG_FRAME; i++) {
		double x = amplitude * sin(2 * M_PI * hz * (double)(at + i) / 8000);

		out[i] = codec_ulaw_encode((int16_t)x);
	}
}

double tone_share(const int16_t *pcm, uint32_t samples, double hz)
{
	double c = 2 * cos(2 * M_PI * hz / 8000), s1 = 0, s2 = 0, power = 1;

	for (uint32_t i = 0; i < samples; i++) {
		double s0 = pcm[i] + c * s1 - s2;

		s2 = s1;
		s1 = s0;
		power += (double)pcm[i] * pcm[i];
	}
	return (s1 * s1 + s2 * s2 - c * s1 * s2) * 2 / (power * samples);
}
