/* mixer/io.h -- datagrams of one worker, in batches.
 *
 * Receiving empties a socket with one recvmmsg (a socket of one leg holds one packet per tick, a
 * shared one many). Sending collects packets of all legs and puts them out in runs: neighbours of
 * one socket go by one sendmmsg, single ones by sendto. With a socket per leg every run is one
 * long; legs that share a port (port.h) make batches of it.
 *
 * Arrival times are the kernel's (SO_TIMESTAMPNS), moved to the monotonic clock, so that jitter is
 * measured at the wire and not at the tick.
 *
 * Threads: io_new/io_free on control, *_rt on the worker.
 */
#ifndef MIXER_IO_H
#define MIXER_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/attr.h"

enum {
	IO_RX_BATCH = 64,        /* datagrams of one receive */
	IO_RX_OCTETS_MAX = 2048, /* longer ones come as is_truncated */
	IO_TX_BATCH = 64,        /* datagrams collected before they go out */
	IO_TX_OCTETS_MAX = 1472  /* what an Ethernet frame holds */
};

struct io_packet {
	const uint8_t *data; /* borrowed until the next receive */
	uint32_t len;
	bool is_truncated;
	uint64_t arrival_ns; /* monotonic, never later than the io's now */
	struct addr from;
};

struct io;

/* has_stamps: believe the kernel's receive stamps; false under a virtual clock. -ENOMEM. */
int io_new(bool has_stamps, struct io **ret_io);
struct io *io_free(struct io *io);

/* Opens a pass at monotonic time now_ns. */
void io_begin_rt(struct io *io, uint64_t now_ns) NONBLOCKING;

/* Takes what waits on `fd`, at most IO_RX_BATCH. Returns the count; *ret_packets borrowed. */
uint32_t io_receive_rt(struct io *io, int fd, const struct io_packet **ret_packets) NONBLOCKING;

/* Room for the next packet to send: IO_TX_OCTETS_MAX octets, to be filled before io_send_rt. */
uint8_t *io_packet_rt(struct io *io) NONBLOCKING;

/* Queues the packet that io_packet_rt gave; goes out at the latest with io_flush_rt. */
void io_send_rt(struct io *io, int fd, const struct addr *to, size_t len) NONBLOCKING;

void io_flush_rt(struct io *io) NONBLOCKING;

uint64_t io_tx_failed_rt(const struct io *io); /* datagrams that the kernel refused */

#endif
