/* tests/unit/mixer/test_shares.c -- which legs share a port, behind src/media.h, on a virtual
 * clock. */
#include "mixer/shares.h"

#include <string.h>
#include <sys/resource.h>

#include "base/err.h"
#include "tests/support/check.h"
#include "tests/unit/mixer/rig.h"

enum { PHONES = 6, STEP_MS = 5 };

static struct clock_virtual clock_v;
static struct random rng;
static struct mixer *mixer;
static struct media media;
static struct phone phones[PHONES];
static uint32_t closed, latched;
static handle rooms[2]; /* on two workers, when legs are in both */

static void on_event(void *arg, const struct media_event *event)
{
	(void)arg;
	closed += event->kind == MEDIA_LEG_CLOSED;
	latched += event->kind == MEDIA_LEG_LATCHED;
}

static void setup(bool has_shared_ports)
{
	struct mixer_params params = {.clock = clock_virtual(&clock_v),
				      .random = &rng,
				      .workers = 2,
				      .port_low = RIG_PORT_LOW,
				      .port_high = RIG_PORT_HIGH,
				      .port_quarantine_ms = 100,
				      .legs_max = 2 * PORT_LEGS_MAX,
				      .rooms_max = 4,
				      .quiet_ms = 60000,
				      .has_shared_ports = has_shared_ports,
				      .is_manual = true,
				      .on_event = on_event};

	random_init_seeded(&rng, 4);
	clock_v = (struct clock_virtual){RIG_START_NS, 1700000000000};
	closed = latched = 0;
	if (mixer_new(&params, &mixer))
		CU_FAIL_FATAL("no mixer");
	media = mixer_media(mixer);
	for (uint32_t i = 0; i < PHONES; i++)
		phone_open(&phones[i], 10 + i);
	for (uint32_t i = 0; i < 2; i++)
		CHECK_INT("room", media.ops->room_open(media.ctx, &rooms[i]), 0);
}

static void teardown(void)
{
	for (uint32_t i = 0; i < PHONES; i++)
		phone_close(&phones[i]);
	mixer = mixer_free(mixer);
}

static void run_ms(uint32_t ms)
{
	for (uint32_t i = 0; i < ms; i += STEP_MS) {
		clock_v.mono_ns += (uint64_t)STEP_MS * 1000000;
		mixer_tick(mixer, clock_v.mono_ns);
		mixer_poll(mixer);
	}
}

struct seat {
	handle leg;
	struct addr local;
};

static struct seat seat_open(const struct media_leg_open *open, const struct phone *phone)
{
	struct media_leg_params params = rig_params(phone);
	struct seat seat = {0};

	params.is_symmetric = true;
	CHECK_INT("open", media.ops->leg_open(media.ctx, open, &seat.leg, &seat.local), 0);
	CHECK_INT("set", media.ops->leg_set(media.ctx, seat.leg, &params), 0);
	return seat;
}

static struct media_leg_open open_for(const struct phone *phone, handle room)
{
	struct media_leg_open open = {
		.room = room, .peer_signalling = phone->addr, .peer_rtp = phone->addr};

	(void)addr_parse(SLICE("127.0.0.1:0"), &open.local);
	return open;
}

static struct seat call(uint32_t phone, handle room)
{
	struct media_leg_open open = open_for(&phones[phone], room);

	return seat_open(&open, &phones[phone]);
}

/* Says `count` packets and returns how many packets came meanwhile. */
static uint32_t say(uint32_t phone, const struct addr *to, uint32_t count)
{
	uint8_t payload[RIG_FRAME], data[RIG_PACKET_MAX];
	uint32_t came = 0;

	for (uint32_t i = 0; i < count; i++) {
		tone_ulaw(440, 4000, i * RIG_FRAME, payload);
		phone_send(&phones[phone], to, payload, RIG_FRAME);
		run_ms(LEG_TICK_MS);
		while (phone_receive_raw(&phones[phone], 0, data) > 0)
			came++;
	}
	return came;
}

static bool hears_from(const struct phone *phone, const struct addr *local)
{
	struct addr from = {0};
	socklen_t len = sizeof(from);
	char octet;

	return recvfrom(phone->fd, &octet, 1, 0, &from.sa, &len) > 0 && addr_eq(&from, local);
}

static uint64_t rx_packets(handle leg)
{
	struct media_leg_stats stats = {0};

	run_ms(200);
	CHECK_INT("stats", media.ops->leg_stats(media.ctx, leg, &stats), 0);
	return stats.rx_packets;
}

static bool is_shared(const struct seat *seat)
{
	struct mixer_leg *leg = handle_find(mixer->legs_by_handle, seat->leg);

	return leg && leg->share;
}

/* 127.0.0.1 becomes known as a host that sends from where it says. */
static void prove_host(void)
{
	struct seat first = call(PHONES - 1, rooms[0]);

	CHECK("the first has its own", !is_shared(&first));
	say(PHONES - 1, &first.local, 3);
	CHECK_INT("close", media.ops->leg_close(media.ctx, first.leg), 0);
	run_ms(200);
	(void)phone_drain(&phones[PHONES - 1]);
}

static void proven_peers_share(void)
{
	struct seat a, b, c;

	setup(true);
	prove_host();
	a = call(0, rooms[0]);
	b = call(1, rooms[0]);
	c = call(2, rooms[1]);
	CHECK("shared", is_shared(&a) && is_shared(&b) && is_shared(&c));
	CHECK("one port", addr_eq(&a.local, &b.local));
	CHECK("a worker has its own", !addr_eq(&a.local, &c.local));
	run_ms(LEG_TICK_MS);
	CHECK("is sent to", say(0, &a.local, 10) >= 9);
	CHECK("is sent to", say(1, &b.local, 5) >= 4);
	say(2, &c.local, 2);
	CHECK_INT("a", rx_packets(a.leg), 10);
	CHECK_INT("b", rx_packets(b.leg), 5);
	CHECK_INT("c", rx_packets(c.leg), 2);
	CHECK_INT("close", media.ops->leg_close(media.ctx, a.leg), 0);
	CHECK_INT("close", media.ops->leg_close(media.ctx, b.leg), 0);
	run_ms(200);
	CHECK_INT("told", closed, 3);
	a = call(0, rooms[0]);
	CHECK("the same port, by and by", is_shared(&a) && addr_eq(&a.local, &b.local));
	CHECK("is sent to", say(0, &a.local, 10) >= 9);
	CHECK_INT("a", rx_packets(a.leg), 10);
	teardown();
}

static void own_ports(void)
{
	static const struct {
		const char *row, *signalling, *rtp; /* NULL: the phone's; "": unset */
	} cases[] = {
		{"nothing is known", "", ""},
		{"no offer", NULL, ""},
		{"behind NAT", "192.0.2.1:5060", NULL},
		{"on hold", "0.0.0.0:5060", "0.0.0.0:4000"},
		{"declined", NULL, "127.0.0.1:0"},
		{"a host that has proven nothing", "127.0.0.2:5060", "127.0.0.2:4000"},
	};

	setup(true);
	prove_host();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct media_leg_open open = open_for(&phones[0], rooms[0]);
		struct seat seat;

		if (cases[i].signalling) {
			open.peer_signalling = (struct addr){0};
			(void)addr_parse(slice_of(cases[i].signalling), &open.peer_signalling);
		}
		if (cases[i].rtp) {
			open.peer_rtp = (struct addr){0};
			(void)addr_parse(slice_of(cases[i].rtp), &open.peer_rtp);
		}
		seat = seat_open(&open, &phones[0]);
		CHECK(cases[i].row, !is_shared(&seat));
		CHECK_INT("close", media.ops->leg_close(media.ctx, seat.leg), 0);
	}
	teardown();
	setup(false);
	prove_host();
	CHECK("switched off", !is_shared(&(struct seat){call(0, rooms[0]).leg, {}}));
	teardown();
}

/* Two calls of one address cannot be told apart in one port. */
static void one_address_twice(void)
{
	struct media_leg_open open;
	struct seat a, b;

	setup(true);
	prove_host();
	a = call(0, rooms[0]);
	open = open_for(&phones[0], rooms[0]);
	b = seat_open(&open, &phones[0]);
	CHECK("the second has its own", is_shared(&a) && !is_shared(&b));
	CHECK_INT("close", media.ops->leg_close(media.ctx, a.leg), 0);
	run_ms(100);
	a = call(0, rooms[0]);
	CHECK("the seat is free again", is_shared(&a));
	teardown();
}

/* A peer whose sound comes from elsewhere is followed, and its host shares no more. */
static void a_host_that_moves(void)
{
	struct seat a, b;

	setup(true);
	prove_host();
	a = call(0, rooms[0]);
	CHECK("shared", is_shared(&a));
	say(1, &a.local, 10); /* from another port than signalled */
	CHECK_INT("followed", latched, 1);
	CHECK("followed", rx_packets(a.leg) >= 7);
	b = call(2, rooms[0]);
	CHECK("its own", !is_shared(&b));
	CHECK("heard", say(2, &b.local, 5) >= 4 && rx_packets(b.leg) == 5);
	teardown();
}

static void a_full_port_has_a_successor(void)
{
	struct seat first, last;
	uint32_t legs_max;

	setup(true);
	prove_host();
	first = call(0, rooms[0]);
	legs_max = port_legs_max(
		((struct mixer_leg *)handle_find(mixer->legs_by_handle, first.leg))->port);
	CHECK("as many as its buffer is good for",
	      legs_max >= PORT_LEGS_MIN && legs_max <= PORT_LEGS_MAX);
	for (uint32_t i = 1; i <= legs_max; i++) {
		struct media_leg_open open = open_for(&phones[0], rooms[0]);

		addr_set_port(&open.peer_rtp, (uint16_t)(2000 + 2 * i));
		last = seat_open(&open, &phones[0]);
		CHECK("shared", is_shared(&last));
		CHECK_INT("one port", addr_eq(&last.local, &first.local), i < legs_max);
	}
	teardown();
}

/* To a room of another worker and back: the port that was signalled stays. */
static void parting(void)
{
	struct seat a, b;

	setup(true);
	prove_host();
	a = call(0, rooms[0]);
	b = call(1, rooms[0]);
	(void)call(3, rooms[1]); /* else the room would come along */
	say(0, &a.local, 3);
	say(1, &b.local, 3);
	CHECK_INT("move", media.ops->leg_move(media.ctx, a.leg, rooms[1]), 0);
	run_ms(2 * LEG_TICK_MS);
	CHECK("it has parted", !is_shared(&a) && is_shared(&b));
	(void)phone_drain(&phones[0]);
	CHECK("is sent to", say(0, &a.local, 10) >= 9);
	CHECK_INT("heard", rx_packets(a.leg), 13);
	run_ms(LEG_TICK_MS);
	CHECK("from the port that it knows", hears_from(&phones[0], &a.local));
	say(1, &b.local, 10);
	CHECK_INT("the other hears on", rx_packets(b.leg), 13);
	CHECK_INT("back", media.ops->leg_move(media.ctx, a.leg, rooms[0]), 0);
	run_ms(2 * LEG_TICK_MS);
	say(0, &a.local, 10);
	CHECK_INT("heard", rx_packets(a.leg), 23);
	CHECK_INT("close", media.ops->leg_close(media.ctx, a.leg), 0);
	run_ms(100);
	a = call(0, rooms[0]);
	CHECK("the seat is free again", is_shared(&a));
	say(0, &a.local, 10);
	CHECK_INT("and nobody else takes its packets", rx_packets(a.leg), 10);
	teardown();
}

static void parting_needs_descriptors(void)
{
	struct rlimit before, tight;
	struct seat a;

	setup(true);
	prove_host();
	a = call(0, rooms[0]);
	(void)call(3, rooms[1]);
	run_ms(LEG_TICK_MS);
	if (getrlimit(RLIMIT_NOFILE, &before) == 0) {
		tight = before;
		tight.rlim_cur = 3;
		(void)setrlimit(RLIMIT_NOFILE, &tight);
		CHECK_INT("none", media.ops->leg_move(media.ctx, a.leg, rooms[1]), -EMFILE);
		(void)setrlimit(RLIMIT_NOFILE, &before);
	}
	say(0, &a.local, 5);
	CHECK_INT("it stays where it was", rx_packets(a.leg), 5);
	CHECK_INT("move", media.ops->leg_move(media.ctx, a.leg, rooms[1]), 0);
	CHECK_INT("closed on the way", media.ops->leg_close(media.ctx, a.leg), 0);
	run_ms(100);
	CHECK_INT("told", closed, 2);
	CHECK_INT("move", media.ops->leg_move(media.ctx, call(1, rooms[0]).leg, rooms[1]), 0);
	teardown(); /* freed on the way */
}

void suite_shares(void)
{
	CHECK_SUITE("shares");
	CHECK_TEST(proven_peers_share);
	CHECK_TEST(own_ports);
	CHECK_TEST(one_address_twice);
	CHECK_TEST(a_host_that_moves);
	CHECK_TEST(a_full_port_has_a_successor);
	CHECK_TEST(parting);
	CHECK_TEST(parting_needs_descriptors);
}
