/* tests/unit/mixer/test_io.c */
#include "mixer/io.h"

#include <poll.h>

#include "base/clock.h"
#include "tests/support/check.h"
#include "tests/unit/mixer/rig.h"

static uint32_t receive(struct io *io, struct phone *phone, const struct io_packet **ret)
{
	struct pollfd ready = {.fd = phone->fd, .events = POLLIN};

	(void)poll(&ready, 1, RIG_WAIT_MS);
	return io_receive_rt(io, phone->fd, ret);
}

static void sends_from_many_sockets_in_order(void)
{
	enum { PHONES = 3, ROUNDS = 40 }; /* more than one batch; runs of one and of several */
	struct phone from[PHONES], to;
	struct io *io;
	int last[PHONES] = {-1, -1, -1};
	uint32_t count = 0;

	CHECK_INT("new", io_new(false, &io), 0);
	phone_open(&to, 1);
	for (int i = 0; i < PHONES; i++)
		phone_open(&from[i], 2 + (uint32_t)i);
	io_begin_rt(io, 1);
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < PHONES; i++) {
			uint8_t *out = io_packet_rt(io);

			out[0] = (uint8_t)i;
			out[1] = (uint8_t)round;
			io_send_rt(io, from[round % 2 ? i : 0].fd, &to.addr, 2);
		}
	io_flush_rt(io);
	while (count < PHONES * ROUNDS) {
		const struct io_packet *packets;
		uint32_t got = receive(io, &to, &packets);

		for (uint32_t i = 0; i < got; i++) {
			const uint8_t *data = packets[i].data;
			int sender = data[1] % 2 ? data[0] : 0;

			if (!CHECK("in order", data[0] < PHONES && data[1] == last[data[0]] + 1))
				return;
			CHECK("by its own socket", addr_eq(&packets[i].from, &from[sender].addr));
			last[data[0]] = data[1];
		}
		if (!CHECK("came", got > 0))
			break;
		count += got;
	}
	CHECK_INT("all", count, PHONES * ROUNDS);
	CHECK_INT("none refused", io_tx_failed_rt(io), 0);
	for (int i = 0; i < PHONES; i++)
		phone_close(&from[i]);
	phone_close(&to);
	io_free(io);
}

static void refusals_are_counted_and_passed_over(void)
{
	struct phone from, to;
	struct addr nowhere;
	struct io *io;
	uint8_t data[RIG_PACKET_MAX];

	CHECK_INT("new", io_new(false, &io), 0);
	phone_open(&from, 1);
	phone_open(&to, 2);
	(void)addr_parse(SLICE("255.255.255.255:9"), &nowhere); /* EACCES without SO_BROADCAST */
	io_begin_rt(io, 1);
	for (int i = 0; i < 4; i++) {
		io_packet_rt(io)[0] = (uint8_t)i;
		io_send_rt(io, from.fd, i % 2 ? &to.addr : &nowhere, 1);
	}
	io_flush_rt(io);
	CHECK_INT("refused", io_tx_failed_rt(io), 2);
	CHECK_INT("first good", phone_receive_raw(&to, RIG_WAIT_MS, data), 1);
	CHECK_INT("first good", data[0], 1);
	CHECK_INT("second good", phone_receive_raw(&to, RIG_WAIT_MS, data), 1);
	CHECK_INT("second good", data[0], 3);
	phone_close(&from);
	phone_close(&to);
	io_free(io);
}

static void receives_a_batch(void)
{
	static const uint8_t large[IO_RX_OCTETS_MAX + 1];
	const struct io_packet *packets;
	struct phone from, to;
	struct io *io;

	CHECK_INT("new", io_new(false, &io), 0);
	phone_open(&from, 1);
	phone_open(&to, 2);
	io_begin_rt(io, 5000);
	CHECK_INT("nothing there", io_receive_rt(io, to.fd, &packets), 0);
	phone_send_raw(&from, &to.addr, "abc", 3);
	phone_send_raw(&from, &to.addr, large, sizeof(large));
	phone_send_raw(&from, &to.addr, large, 0);
	if (CHECK_INT("three", receive(io, &to, &packets), 3)) {
		CHECK_INT("first", packets[0].len, 3);
		CHECK("first", memcmp(packets[0].data, "abc", 3) == 0);
		CHECK("first", addr_eq(&packets[0].from, &from.addr));
		CHECK_INT("without stamps: now", packets[0].arrival_ns, 5000);
		CHECK("too long", packets[1].is_truncated && !packets[0].is_truncated);
		CHECK_INT("empty", packets[2].len, 0);
	}
	for (int i = 0; i < IO_RX_BATCH + 2; i++)
		phone_send_raw(&from, &to.addr, "x", 1);
	CHECK_INT("a full batch", receive(io, &to, &packets), IO_RX_BATCH);
	CHECK_INT("the rest", receive(io, &to, &packets), 2);
	phone_close(&from);
	phone_close(&to);
	io_free(io);
}

/* Kernel stamps: a packet that waited has an arrival before now, on the monotonic clock. */
static void stamps(void)
{
	struct clock clock = clock_system();
	const struct io_packet *packets;
	struct phone from, to;
	struct io *io;
	uint64_t before, after;
	int on = 1;

	CHECK_INT("new", io_new(true, &io), 0);
	phone_open(&from, 1);
	phone_open(&to, 2);
	(void)setsockopt(to.fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	before = clock_mono_ns(&clock);
	phone_send_raw(&from, &to.addr, "x", 1);
	(void)poll(&(struct pollfd){.fd = to.fd, .events = POLLIN}, 1, RIG_WAIT_MS);
	after = clock_mono_ns(&clock);
	io_begin_rt(io, after + 1000000);
	if (CHECK_INT("one", io_receive_rt(io, to.fd, &packets), 1))
		CHECK("between", packets[0].arrival_ns + 1000000 >= before &&
					 packets[0].arrival_ns <= after + 1000000);
	phone_send_raw(&from, &to.addr, "x", 1);
	io_begin_rt(io, after + 3600ull * 1000000000);
	if (CHECK_INT("one", receive(io, &to, &packets), 1))
		CHECK_INT("a stamp of another age is not believed", packets[0].arrival_ns,
			  after + 3600ull * 1000000000);
	phone_close(&from);
	phone_close(&to);
	io_free(io);
}

void suite_io(void)
{
	CHECK_SUITE("io");
	CHECK_TEST(sends_from_many_sockets_in_order);
	CHECK_TEST(refusals_are_counted_and_passed_over);
	CHECK_TEST(receives_a_batch);
	CHECK_TEST(stamps);
}
