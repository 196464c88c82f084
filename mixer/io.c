/* mixer/io.c */
#include "mixer/io.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { STAMP_AGE_NS_MAX = 1000000000 }; /* an older stamp is a clock that was set: not believed */

struct rx_slot {
	uint8_t data[IO_RX_OCTETS_MAX];
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct timespec))];
	struct iovec iov;
};

struct tx_slot {
	uint8_t data[IO_TX_OCTETS_MAX];
	struct addr to;
	struct iovec iov;
	int fd;
};

struct io {
	bool has_stamps;
	uint64_t now_ns;
	int64_t wall_minus_mono_ns;
	uint64_t tx_failed;
	uint32_t tx_count;
	struct io_packet packets[IO_RX_BATCH];
	struct mmsghdr rx_head[IO_RX_BATCH];
	struct mmsghdr tx_head[IO_TX_BATCH];
	struct rx_slot rx[IO_RX_BATCH];
	struct tx_slot tx[IO_TX_BATCH];
};

static void rx_prepare(struct io *io, uint32_t i)
{
	struct msghdr *head = &io->rx_head[i].msg_hdr;

	head->msg_namelen = sizeof(struct sockaddr_in6);
	head->msg_controllen = io->has_stamps ? sizeof(io->rx[i].control) : 0;
	head->msg_flags = 0;
}

int io_new(bool has_stamps, struct io **ret_io)
{
	struct io *io = calloc(1, sizeof(*io));

	if (!io)
		return -ENOMEM;
	io->has_stamps = has_stamps;
	for (uint32_t i = 0; i < IO_RX_BATCH; i++) {
		struct msghdr *head = &io->rx_head[i].msg_hdr;

		io->rx[i].iov = (struct iovec){io->rx[i].data, IO_RX_OCTETS_MAX};
		head->msg_iov = &io->rx[i].iov;
		head->msg_iovlen = 1;
		head->msg_name = &io->packets[i].from;
		head->msg_control = has_stamps ? io->rx[i].control : NULL;
		rx_prepare(io, i);
	}
	for (uint32_t i = 0; i < IO_TX_BATCH; i++) {
		struct msghdr *head = &io->tx_head[i].msg_hdr;

		io->tx[i].iov.iov_base = io->tx[i].data;
		head->msg_iov = &io->tx[i].iov;
		head->msg_iovlen = 1;
		head->msg_name = &io->tx[i].to;
	}
	*ret_io = io;
	return 0;
}

struct io *io_free(struct io *io)
{
	free(io);
	return NULL;
}

static int64_t timespec_ns(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
}

void io_begin_rt(struct io *io, uint64_t now_ns)
{
	struct timespec wall, mono;

	io->now_ns = now_ns;
	if (!io->has_stamps)
		return;
	/* Taken anew each pass: the wall clock may be set or slewed at any time. */
	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	io->wall_minus_mono_ns = timespec_ns(&wall) - timespec_ns(&mono);
}

static uint64_t arrival_ns(const struct io *io, struct msghdr *head)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c; c = CMSG_NXTHDR(head, c)) {
		struct timespec stamp;
		int64_t mono_ns;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
		mono_ns = timespec_ns(&stamp) - io->wall_minus_mono_ns;
		if (mono_ns < (int64_t)io->now_ns &&
		    mono_ns + STAMP_AGE_NS_MAX > (int64_t)io->now_ns)
			return (uint64_t)mono_ns;
	}
	return io->now_ns;
}

uint32_t io_receive_rt(struct io *io, int fd, const struct io_packet **ret_packets)
{
	int count = recvmmsg(fd, io->rx_head, IO_RX_BATCH, MSG_DONTWAIT, NULL);

	if (count <= 0)
		return 0;
	for (uint32_t i = 0; i < (uint32_t)count; i++) {
		struct mmsghdr *head = &io->rx_head[i];
		struct io_packet *packet = &io->packets[i];

		packet->data = io->rx[i].data;
		packet->len = head->msg_len;
		packet->is_truncated = (head->msg_hdr.msg_flags & MSG_TRUNC) != 0;
		packet->arrival_ns = arrival_ns(io, &head->msg_hdr);
		rx_prepare(io, i);
	}
	*ret_packets = io->packets;
	return (uint32_t)count;
}

uint8_t *io_packet_rt(struct io *io)
{
	if (io->tx_count == IO_TX_BATCH)
		io_flush_rt(io);
	return io->tx[io->tx_count].data;
}

void io_send_rt(struct io *io, int fd, const struct addr *to, size_t len)
{
	struct tx_slot *slot = &io->tx[io->tx_count];

	assert(io->tx_count < IO_TX_BATCH && len <= IO_TX_OCTETS_MAX);
	slot->fd = fd;
	slot->to = *to;
	slot->iov.iov_len = len;
	io->tx_head[io->tx_count].msg_hdr.msg_namelen = addr_len(to);
	io->tx_count++;
}

static void send_one(struct io *io, const struct tx_slot *slot)
{
	if (sendto(slot->fd, slot->data, slot->iov.iov_len, MSG_DONTWAIT, &slot->to.sa,
		   addr_len(&slot->to)) < 0)
		io->tx_failed++;
}

/* A run of one socket. sendmmsg stops at the first refusal: that one is counted and passed over. */
static void send_run(struct io *io, uint32_t from, uint32_t count)
{
	while (count > 0) {
		int sent = sendmmsg(io->tx[from].fd, &io->tx_head[from], count, MSG_DONTWAIT);
		uint32_t done = sent > 0 ? (uint32_t)sent : 1;

		if (sent <= 0)
			io->tx_failed++;
		from += done;
		count -= done;
	}
}

void io_flush_rt(struct io *io)
{
	uint32_t from = 0;

	while (from < io->tx_count) {
		uint32_t end = from + 1;

		while (end < io->tx_count && io->tx[end].fd == io->tx[from].fd)
			end++;
		if (end - from == 1)
			send_one(io, &io->tx[from]);
		else
			send_run(io, from, end - from);
		from = end;
	}
	io->tx_count = 0;
}

uint64_t io_tx_failed_rt(const struct io *io)
{
	return io->tx_failed;
}
