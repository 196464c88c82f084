/* tests/bench/reflector.c -- the floor: what plain socket calls cost.
 *
 * One thread, one UDP socket per leg, connected to whoever sends first, then plain recv and send:
 * each packet goes back with a patched SSRC. No decode, no mix, no jitter buffer. Every CPU figure
 * of docs/performance.md is a ratio to this program's, taken in the same run.
 *
 *   bench_reflector LEGS   prints the ports, one a line, then an empty line, and serves until it is
 * killed
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"

static int reflector_socket(int epoll)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, len) < 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ||
	    getsockname(fd, (struct sockaddr *)&in, &len) < 0)
		return -errno;
	printf("%u\n", ntohs(in.sin_port));
	return 0;
}

static void reflect(int fd)
{
	static bool is_connected[65536];
	unsigned char packet[1500];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t got;

	if (fd < 65536 && is_connected[fd]) {
		got = recv(fd, packet, sizeof(packet), 0);
	} else {
		got = recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &len);
		if (got >= 12 && fd < 65536)
			is_connected[fd] = connect(fd, (struct sockaddr *)&from, len) == 0;
	}
	if (got < 12)
		return;
	packet[8] ^= 0x55;
	(void)!send(fd, packet, (size_t)got, 0);
}

int main(int argc, char **argv)
{
	int legs = argc > 1 ? atoi(argv[1]) : 0, epoll = epoll_create1(0);

	if (legs < 1 || epoll < 0) {
		fprintf(stderr, "usage: bench_reflector LEGS\n");
		return 2;
	}
	for (int i = 0; i < legs; i++) {
		if (reflector_socket(epoll) < 0) {
			perror("bench_reflector");
			return 1;
		}
	}
	printf("\n");
	fflush(stdout);
	for (;;) {
		struct epoll_event events[256];
		int n = epoll_wait(epoll, events, 256, -1);
		for (int i = 0; i < n; i++)
			reflect(events[i].data.fd);
	}
}
