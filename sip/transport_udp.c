/* UDP: batches in, single datagrams out with the source address that the peer talked to, ICMP
 * errors. */
#include <errno.h>
#include <time.h> /* before errqueue.h, which needs it */

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "sip/stun.h"
#include "sip/transport_priv.h"

enum { RECEIVE_BUFFER = 4 * 1024 * 1024, CONTROL_MAX = 512, ERRORS_MAX = 64 };

/* The address that a datagram came to: a wildcard socket must answer from the same one. */
static struct addr local_of(const struct sip_listener *listener, struct msghdr *header)
{
	struct addr local = listener->local;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			local.in.sin_addr = info.ipi_addr;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			local.in6.sin6_addr = info.ipi6_addr;
		}
	}
	return local;
}

/* CRLF and NUL keep-alives. */
static bool is_keepalive(struct slice data)
{
	for (size_t i = 0; i < data.len; i++) {
		if (data.p[i] != '\r' && data.p[i] != '\n' && data.p[i] != '\0')
			return false;
	}
	return true;
}

/* The keep-alive of RFC 5626 3.5.2, answered from the address that it came to. */
static void answer_stun(struct sip_listener *listener, const struct sip_flow *flow,
			struct slice request)
{
	struct buf answer = BUF_INIT;

	listener->transport->stats.keepalives++;
	if (sip_stun_answer(request, &flow->remote, &answer))
		(void)sip_udp_send(listener, flow, buf_slice(&answer));
	buf_done(&answer);
}

static int receive_batch(struct sip_listener *listener)
{
	struct sip_transport *transport = listener->transport;
	struct mmsghdr headers[SIP_UDP_BATCH];
	struct iovec vectors[SIP_UDP_BATCH];
	struct addr remotes[SIP_UDP_BATCH];
	char control[SIP_UDP_BATCH][CONTROL_MAX];
	int count;

	memset(headers, 0, sizeof(headers));
	memset(remotes, 0, sizeof(remotes));
	for (int i = 0; i < SIP_UDP_BATCH; i++) {
		vectors[i] = (struct iovec){transport->datagrams + (size_t)i * SIP_DATAGRAM_MAX,
					    SIP_DATAGRAM_MAX};
		headers[i].msg_hdr = (struct msghdr){
			.msg_name = &remotes[i],
			.msg_namelen = sizeof(remotes[i]),
			.msg_iov = &vectors[i],
			.msg_iovlen = 1,
			.msg_control = control[i],
			.msg_controllen = sizeof(control[i]),
		};
	}
	count = recvmmsg(listener->watch.fd, headers, SIP_UDP_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < count; i++) {
		struct slice data = slice_make(vectors[i].iov_base, headers[i].msg_len);
		struct sip_flow flow = {
			.proto = SIP_UDP,
			.local = local_of(listener, &headers[i].msg_hdr),
			.remote = remotes[i],
		};

		transport->stats.octets_in += data.len;
		if (is_keepalive(data))
			transport->stats.keepalives++;
		else if (sip_stun_is(data))
			answer_stun(listener, &flow, data);
		else
			sip_transport_message(transport, &flow, data);
	}
	return count;
}

/* ICMP: the error queue tells which destination is meant. */
static bool read_error(struct sip_listener *listener)
{
	char control[CONTROL_MAX], data[1];
	struct iovec vector = {data, sizeof(data)};
	struct sip_flow flow = {.proto = SIP_UDP, .local = listener->local};
	struct msghdr header = {
		.msg_name = &flow.remote,
		.msg_namelen = sizeof(flow.remote),
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int err = 0;

	if (recvmsg(listener->watch.fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
		struct sock_extended_err error;

		if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
		    !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			continue;
		memcpy(&error, CMSG_DATA(c), sizeof(error));
		err = -(int)error.ee_errno;
	}
	if (err == -ECONNREFUSED || err == -EHOSTUNREACH || err == -ENETUNREACH)
		sip_transport_failed(listener->transport, &flow, err);
	return true;
}

static void on_ready(void *arg, unsigned events)
{
	struct sip_listener *listener = arg;

	for (int i = 0; (events & LOOP_ERROR) && i < ERRORS_MAX && read_error(listener); i++)
		;
	for (int i = 0; i < SIP_UDP_BATCHES_MAX; i++) {
		if (receive_batch(listener) < SIP_UDP_BATCH)
			break;
	}
}

static void set_options(int fd, bool is_v6)
{
	int on = 1, size = RECEIVE_BUFFER;

	/* None of these is needed to work; without them it works less well. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (is_v6) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	} else {
		(void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
		(void)setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	}
}

int sip_udp_open(struct sip_listener *listener)
{
	bool is_v6 = addr_is_v6(&listener->local);
	socklen_t len = sizeof(listener->local);
	int on = 1, fd, err;

	fd = socket(listener->local.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (is_v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		goto fail;
	set_options(fd, is_v6);
	if (bind(fd, &listener->local.sa, addr_len(&listener->local)) ||
	    getsockname(fd, &listener->local.sa, &len))
		goto fail;
	listener->watch.fd = fd;
	listener->watch.on_ready = on_ready;
	return 0;
fail:
	err = -errno;
	close(fd);
	return err;
}

/* Names the source address: only for a wildcard socket, and only when one is known. */
static void set_source(struct msghdr *header, char *control, const struct sip_listener *listener,
		       const struct addr *local)
{
	struct cmsghdr *c;

	if (!addr_is_any(&listener->local) || !addr_is_set(local) || addr_is_any(local))
		return;
	header->msg_control = control;
	header->msg_controllen = CONTROL_MAX;
	memset(control, 0, CONTROL_MAX);
	c = CMSG_FIRSTHDR(header);
	if (addr_is_v6(local)) {
		struct in6_pktinfo info = {.ipi6_addr = local->in6.sin6_addr};

		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		header->msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		struct in_pktinfo info = {.ipi_spec_dst = local->in.sin_addr};

		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		header->msg_controllen = CMSG_SPACE(sizeof(info));
	}
}

int sip_udp_send(struct sip_listener *listener, const struct sip_flow *flow, struct slice data)
{
	_Alignas(struct cmsghdr) char control[CONTROL_MAX];
	struct addr remote = flow->remote;
	struct iovec vector = {(void *)(uintptr_t)data.p, data.len};
	struct msghdr header = {
		.msg_name = &remote,
		.msg_namelen = addr_len(&remote),
		.msg_iov = &vector,
		.msg_iovlen = 1,
	};
	ssize_t sent = -1;

	set_source(&header, control, listener, &flow->local);
	/* An ICMP error for an earlier datagram is reported by the next call: it is not this one's.
	 */
	for (int i = 0; i < 2 && sent < 0; i++) {
		sent = sendmsg(listener->watch.fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
			listener->transport->stats.udp_dropped++;
			return 0; /* as if the network had lost it */
		}
	}
	if (sent >= 0)
		return 0;
	return errno == ENETUNREACH || errno == EHOSTUNREACH ? ERR_SIP_NO_ROUTE : ERR_SIP_TRANSPORT;
}
