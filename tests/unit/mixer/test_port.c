/* tests/unit/mixer/test_port.c -- who gets a packet of a shared port, and above all who does not.
 */
#include "mixer/port.h"

#include <string.h>

#include "mixer/bus.h"
#include "mixer/rtcp.h"
#include "tests/support/check.h"
#include "tests/unit/mixer/rig.h"

enum { LEGS_MAX = PORT_LEGS_MAX, RUN = LATCH_RUN };

static struct rig rig;
static struct port_pair pair;
static struct port *port;
static struct bus bus;
static struct leg *legs[LEGS_MAX];
static uint32_t leg_count;

static struct addr at(const char *text)
{
	struct addr addr = {0};

	CHECK_INT(text, addr_parse(slice_of(text), &addr), 0);
	return addr;
}

static void setup(void)
{
	struct addr local = at("127.0.0.1:0");

	rig_init(&rig);
	leg_count = 0;
	bus_init(&bus, true, NULL);
	if (ports_take(rig.ports, &local, 0, &pair) || port_new(pair.rtp_fd, pair.rtcp_fd, &port))
		CU_FAIL_FATAL("no port");
}

static void leave(struct leg *leg)
{
	port_leave_rt(port, leg);
	bus_remove_rt(&bus, leg);
}

static void teardown(void)
{
	for (uint32_t i = 0; i < leg_count; i++) {
		if (legs[i]->bus)
			leave(legs[i]);
		leg_free(legs[i]);
	}
	CHECK_INT("all have left", port_leg_count(port), 0);
	port_free(port);
	ports_give(rig.ports, &pair, 0);
	rig_done(&rig);
}

static void signal_rtp(struct leg *leg, const char *remote)
{
	struct phone phone = {.addr = at(remote)};
	struct media_leg_params params = rig_params(&phone);

	params.is_symmetric = true;
	leg_set_rt(leg, &params, rig.env.now_ns);
}

/* A leg of the port whose peer is signalled at `remote`. */
static struct leg *leg_at(const char *remote)
{
	struct leg_new_params params = {.rtp_fd = pair.rtp_fd,
					.rtcp_fd = pair.rtcp_fd,
					.port = port,
					.random = &rig.random};
	struct leg *leg = NULL;

	if (leg_count == LEGS_MAX || leg_new(&params, &leg))
		CU_FAIL_FATAL("no leg");
	legs[leg_count++] = leg;
	bus_add_rt(&bus, leg);
	port_enter_rt(port, leg);
	leg_begin_rt(leg, &rig.env);
	signal_rtp(leg, remote);
	return leg;
}

/* `count` packets of a stream with this SSRC, one tick apart, from an address. */
static void come_from(const char *from, uint32_t ssrc, uint32_t count)
{
	static uint16_t seq;
	struct phone phone = {.ssrc = ssrc, .seq = seq};
	uint8_t payload[RIG_FRAME], data[RIG_PACKET_MAX];

	memset(payload, 0xff, sizeof(payload));
	for (uint32_t i = 0; i < count; i++) {
		struct io_packet packet = {.data = data,
					   .len = phone_packet(&phone, payload, RIG_FRAME, data),
					   .arrival_ns = rig.env.now_ns,
					   .from = at(from)};

		port_packet_rt(port, &rig.env, &packet);
		rig.env.now_ns += RIG_TICK_NS;
		for (uint32_t k = 0; k < leg_count; k++)
			if (legs[k]->bus)
				port_watch_rt(port, legs[k], rig.env.now_ns);
	}
	seq = phone.seq;
}

static void pass_ms(uint32_t ms)
{
	rig.env.now_ns += (uint64_t)ms * 1000000;
	for (uint32_t k = 0; k < leg_count; k++)
		port_watch_rt(port, legs[k], rig.env.now_ns);
}

static void told_apart_by_address(void)
{
	struct leg *a, *b, *c;

	setup();
	a = leg_at("192.0.2.1:4000");
	b = leg_at("192.0.2.1:4002");
	c = leg_at("192.0.2.2:4000");
	come_from("192.0.2.1:4000", 1, 3);
	come_from("192.0.2.1:4002", 1, 4); /* the same SSRC: which matters not */
	come_from("192.0.2.2:4000", 3, 5);
	CHECK_INT("a", a->stats.rx_packets, 3);
	CHECK_INT("b", b->stats.rx_packets, 4);
	CHECK_INT("c", c->stats.rx_packets, 5);
	CHECK_INT("nothing astray", port_strays(port), 0);
	teardown();
}

/* Off the path, with a guess at the port, which all participants know. */
static void a_stranger_is_refused(void)
{
	static const struct {
		const char *row, *from;
	} cases[] = {
		{"another host", "198.51.100.9:4000"},
		{"the right host, another port", "192.0.2.1:4100"},
		{"our own address", "127.0.0.1:4000"},
		{"another family", "[2001:db8::1]:4000"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct leg *a, *b;

		setup();
		a = leg_at("192.0.2.1:4000");
		b = leg_at("192.0.2.2:4000");
		come_from("192.0.2.1:4000", 1, 5);
		come_from("192.0.2.2:4000", 2, 5);
		come_from(cases[i].from, 1, 2 * RUN);
		CHECK_INT(cases[i].row, port_strays(port), 2 * RUN);
		CHECK_INT(cases[i].row, a->stats.rx_packets + b->stats.rx_packets, 10);
		come_from("192.0.2.1:4000", 1, 5);
		CHECK_INT("who spoke speaks on", a->stats.rx_packets, 10);
		teardown();
	}
}

/* Before the first packet, too, a stranger needs the peer's IP address. */
static void a_stranger_does_not_come_first(void)
{
	struct leg *a;

	setup();
	a = leg_at("192.0.2.1:4000");
	come_from("198.51.100.9:4000", 7, 4 * RUN);
	CHECK_INT("refused", port_strays(port), 4 * RUN);
	CHECK("no source", !a->latch.has_source);
	come_from("192.0.2.1:4000", 1, 1);
	CHECK_INT("the peer", a->stats.rx_packets, 1);
	teardown();
}

/* The peer sends from another port than it signalled: only one leg can be meant. */
static void a_stray_with_one_meaning(void)
{
	struct leg *a, *b;

	setup();
	a = leg_at("192.0.2.1:4000");
	b = leg_at("192.0.2.1:4002");
	come_from("192.0.2.1:4000", 1, 1);
	come_from("192.0.2.1:6000", 2, RUN - 1);
	CHECK("not yet", !b->latch.has_source);
	come_from("192.0.2.1:6000", 2, 5);
	CHECK("learnt", b->latch.has_source && b->must_tell_remote);
	CHECK_INT("where to send", addr_port(latch_remote(&b->latch)), 6000);
	CHECK_INT("it has a key now", b->stats.rx_packets, 5);
	come_from("192.0.2.1:6000", 2, 10);
	CHECK_INT("it has a key now", b->stats.rx_packets, 15);
	CHECK_INT("the other is left alone", a->stats.rx_packets, 1);
	CHECK_INT("nothing astray", port_strays(port), 0);
	teardown();
}

static void a_stray_with_two_meanings(void)
{
	struct leg *a, *b;

	setup();
	a = leg_at("192.0.2.1:4000");
	b = leg_at("192.0.2.1:4002");
	come_from("192.0.2.1:6000", 2, 4 * RUN);
	CHECK("nobody is guessed", !a->latch.has_source && !b->latch.has_source);
	CHECK_INT("refused", port_strays(port), 4 * RUN);
	come_from("192.0.2.1:4000", 1, 1); /* one is found: the other is what is left */
	come_from("192.0.2.1:6000", 2, RUN);
	CHECK("left", b->latch.has_source && addr_port(&b->latch.source) == 6000);
	teardown();
}

/* A NAT gives the peer a new port in the middle of the call. */
static void a_source_that_falls_silent_may_be_followed(void)
{
	struct leg *a;

	setup();
	a = leg_at("192.0.2.1:4000");
	come_from("192.0.2.1:4000", 1, 5);
	come_from("192.0.2.1:6000", 1, RUN);
	CHECK_INT("not while it speaks", port_strays(port), RUN);
	pass_ms(LATCH_SILENT_MS);
	come_from("198.51.100.9:6000", 1, 2 * RUN);
	CHECK_INT("not by another host", port_strays(port), 3 * RUN);
	come_from("192.0.2.1:6000", 1, RUN + 2);
	CHECK_INT("followed", addr_port(latch_remote(&a->latch)), 6000);
	CHECK_INT("followed", a->stats.rx_packets, 5 + 3);
	come_from("192.0.2.1:4000", 1, RUN);
	CHECK_INT("the old address is a key, and the signalled one (rule 2 of the latch)",
		  addr_port(latch_remote(&a->latch)), 4000);
	teardown();
}

/* Who signals another leg's address does not get its packets, and gets its own when it is gone. */
static void one_address_twice(void)
{
	struct leg *a, *b;

	setup();
	a = leg_at("192.0.2.1:4000");
	b = leg_at("192.0.2.9:4000");
	come_from("192.0.2.1:4000", 1, 2);
	signal_rtp(b, "192.0.2.1:4000");
	come_from("192.0.2.1:4000", 1, 3);
	CHECK_INT("the older has it", a->stats.rx_packets, 5);
	CHECK_INT("the older has it", b->stats.rx_packets, 0);
	leave(a);
	come_from("192.0.2.1:4000", 1, 2);
	CHECK_INT("then the other", b->stats.rx_packets, 2);
	teardown();
}

/* A leg that is in the room moves to an address by signalling, from which somebody else comes a
 * moment later: what is said from there is that one's, and does not go to who lay in wait. */
static void one_address_lain_in_wait_for(void)
{
	struct leg *a, *b, *c;

	setup();
	a = leg_at("192.0.2.1:4000");
	signal_rtp(a, "192.0.2.2:4000");
	b = leg_at("192.0.2.2:4000");
	come_from("192.0.2.2:4000", 1, 5);
	CHECK_INT("who lay in wait", a->stats.rx_packets, 0);
	CHECK_INT("whose it is", b->stats.rx_packets, 5);
	c = leg_at("192.0.2.3:4000");
	signal_rtp(c, "192.0.2.2:4000");
	come_from("192.0.2.2:4000", 1, 5);
	CHECK_INT("and later", c->stats.rx_packets, 0);
	CHECK_INT("still", b->stats.rx_packets, 10);
	teardown();
}

static void signalling_moves_a_leg(void)
{
	struct leg *a, *b;

	setup();
	a = leg_at("192.0.2.1:4000");
	b = leg_at("192.0.2.2:4000");
	come_from("192.0.2.1:4000", 1, 2);
	come_from("192.0.2.2:4000", 2, 2);
	signal_rtp(a, "192.0.2.1:5000");
	come_from("192.0.2.1:5000", 1, 3);
	CHECK_INT("the new address", a->stats.rx_packets, 5);
	come_from("192.0.2.1:4000", 1, 3);
	CHECK_INT("the old one is a stranger", port_strays(port), 3);
	/* A host that was never seen, perhaps behind NAT: only this leg can be meant. */
	signal_rtp(a, "10.0.0.1:5000");
	come_from("203.0.113.5:7777", 9, RUN + 2);
	CHECK("learnt", a->latch.has_source && addr_port(&a->latch.source) == 7777);
	CHECK_INT("the other is left alone", b->stats.rx_packets, 2);
	teardown();
}

static void leaving_clears_every_key(void)
{
	struct leg *a, *b;

	setup();
	a = leg_at("192.0.2.1:4000");
	come_from("192.0.2.1:4000", 1, 2);
	leave(a);
	come_from("192.0.2.1:4000", 1, 2);
	CHECK_INT("the tail of a call that is over", port_strays(port), 2);
	b = leg_at("192.0.2.1:4000");
	come_from("192.0.2.1:4000", 1, 1); /* its last word */
	come_from("192.0.2.1:4000", 2, 5); /* the new call */
	CHECK_INT("the new stream is played", b->source.ssrc, 2);
	teardown();
}

static void rtcp_come_from(const char *from, uint32_t ssrc)
{
	uint8_t data[RIG_PACKET_MAX];
	struct rtcp_build build = {.ssrc = ssrc, .is_sender = true, .ntp = 77, .cname = "x"};
	struct io_packet packet = {.data = data,
				   .len = (uint32_t)rtcp_build_rt(&build, data),
				   .arrival_ns = rig.env.now_ns,
				   .from = at(from)};

	port_rtcp_packet_rt(port, &rig.env, &packet);
}

static void rtcp_has_keys_of_its_own(void)
{
	struct leg *a, *b;

	setup();
	a = leg_at("192.0.2.1:4000"); /* RTCP at 4001 */
	b = leg_at("192.0.2.1:4002");
	rtcp_come_from("192.0.2.1:4003", 2);
	CHECK("b", b->rtcp.lsr_ns == rig.env.now_ns && a->rtcp.lsr_ns == 0);
	rtcp_come_from("192.0.2.1:4000", 1);
	rtcp_come_from("198.51.100.9:4001", 1);
	CHECK_INT("the RTP address is none for RTCP", port_strays(port), 2);
	CHECK_INT("a", a->rtcp.lsr_ns, 0);
	come_from("192.0.2.1:4001", 1, RUN);
	CHECK("nor the other way round", !a->latch.has_source || !b->latch.has_source);
	teardown();
}

/* Every seat, every key, and back again. */
static void full(void)
{
	char text[32];

	setup();
	for (uint32_t round = 0; round < 2; round++) {
		while (leg_count < LEGS_MAX) {
			snprintf(text, sizeof(text), "192.0.2.1:%u", 4000 + 2 * leg_count);
			(void)leg_at(text);
		}
		CHECK_INT("full", port_leg_count(port), PORT_LEGS_MAX);
		for (uint32_t i = 0; i < leg_count; i++) {
			snprintf(text, sizeof(text), "192.0.2.1:%u", 4000 + 2 * i);
			come_from(text, i, 1);
			CHECK_INT("its own", legs[i]->stats.rx_packets, 1);
		}
		while (leg_count > 0) {
			leave(legs[--leg_count]);
			leg_free(legs[leg_count]);
		}
	}
	teardown();
}

/* Through the sockets: more packets than one batch, of two phones, and a flood. */
static void from_the_socket(void)
{
	enum { PACKETS = IO_RX_BATCH };
	uint8_t payload[RIG_FRAME];
	struct phone a, b, flood;
	char text[ADDR_TEXT_MAX];
	struct leg *leg_a, *leg_b;

	setup();
	memset(payload, 0xff, sizeof(payload));
	phone_open(&a, 1);
	phone_open(&b, 2);
	phone_open(&flood, 3);
	leg_a = leg_at(addr_text(&a.addr, text));
	leg_b = leg_at(addr_text(&b.addr, text));
	for (uint32_t i = 0; i < PACKETS; i++) {
		phone_send(&a, &pair.local, payload, RIG_FRAME);
		phone_send(&b, &pair.local, payload, RIG_FRAME);
	}
	port_receive_rt(port, &rig.env);
	CHECK_INT("a", leg_a->stats.rx_packets, PACKETS);
	CHECK_INT("b", leg_b->stats.rx_packets, PACKETS);
	leave(leg_a);
	signal_rtp(leg_b, "127.0.0.1:9"); /* now it waits, and strays may be meant for it */
	for (uint32_t i = 0; i < 2 * PORT_STRAYS_MAX; i++) {
		flood.ssrc = i; /* no run: the latch never believes it */
		phone_send(&flood, &pair.local, payload, RIG_FRAME);
	}
	port_receive_rt(port, &rig.env);
	CHECK_INT("a flood is looked into so far", port_strays(port), PORT_STRAYS_MAX);
	phone_close(&a);
	phone_close(&b);
	phone_close(&flood);
	teardown();
}

void suite_port(void)
{
	CHECK_SUITE("port");
	CHECK_TEST(told_apart_by_address);
	CHECK_TEST(a_stranger_is_refused);
	CHECK_TEST(a_stranger_does_not_come_first);
	CHECK_TEST(a_stray_with_one_meaning);
	CHECK_TEST(a_stray_with_two_meanings);
	CHECK_TEST(a_source_that_falls_silent_may_be_followed);
	CHECK_TEST(one_address_twice);
	CHECK_TEST(one_address_lain_in_wait_for);
	CHECK_TEST(signalling_moves_a_leg);
	CHECK_TEST(leaving_clears_every_key);
	CHECK_TEST(rtcp_has_keys_of_its_own);
	CHECK_TEST(full);
	CHECK_TEST(from_the_socket);
}
