/* UDP: batches in, single datagrams out with the source address that the peer talked to, ICMP
 * errors.
 *
 * Gathering. A core that was woken finds nothing in its caches: being woken for each datagram costs
 * more than all that is done with it. So once SIP_UDP_GATHER_MIN came within gather_ms the socket
 * is left alone and looked at every gather_ms only, until a look finds fewer: then it wakes again.
 * A call alone waits for nothing, a message in a stream half that time on average. What is sent
 * meanwhile is held and leaves by one call at the end, so that the peer is woken once too.
 */
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

static int sent_error(void)
{
	return errno == ENETUNREACH || errno == EHOSTUNREACH ? ERR_SIP_NO_ROUTE : ERR_SIP_TRANSPORT;
}

static int send_now(struct sip_listener *listener, const struct sip_flow *flow, struct slice data)
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
	return sent >= 0 ? 0 : sent_error();
}

/* Those that the kernel did not take with the others go one by one. */
static void send_rest(struct sip_udp_held *held, uint32_t from)
{
	for (uint32_t i = from; i < held->count; i++) {
		const struct sip_udp_datagram *datagram = &held->datagrams[i];
		int err = send_now(held->listener, &datagram->flow,
				   slice_make(datagram->data, datagram->len));

		if (err && held->failure_count < SIP_UDP_HELD)
			held->failures[held->failure_count++] = (struct sip_udp_failure){
				datagram->flow, err};
	}
}

static void flush(struct sip_transport *transport)
{
	_Alignas(struct cmsghdr) char control[SIP_UDP_HELD][CONTROL_MAX];
	struct sip_udp_held *held = &transport->held;
	struct mmsghdr headers[SIP_UDP_HELD];
	struct iovec vectors[SIP_UDP_HELD];
	int sent;

	if (held->count == 0)
		return;
	memset(headers, 0, held->count * sizeof(headers[0]));
	for (uint32_t i = 0; i < held->count; i++) {
		struct sip_udp_datagram *datagram = &held->datagrams[i];

		vectors[i] = (struct iovec){datagram->data, datagram->len};
		headers[i].msg_hdr = (struct msghdr){
			.msg_name = &datagram->flow.remote,
			.msg_namelen = addr_len(&datagram->flow.remote),
			.msg_iov = &vectors[i],
			.msg_iovlen = 1,
		};
		set_source(&headers[i].msg_hdr, control[i], held->listener, &datagram->flow.local);
	}
	sent = sendmmsg(held->listener->watch.fd, headers, held->count,
			MSG_DONTWAIT | MSG_NOSIGNAL);
	send_rest(held, sent > 0 ? (uint32_t)sent : 0);
	held->count = 0;
}

/* Who is told may send again, and fail again: later than these. */
static void tell_failures(struct sip_transport *transport)
{
	struct sip_udp_held *held = &transport->held;

	for (uint32_t i = 0; i < held->failure_count; i++)
		sip_transport_failed(transport, &held->failures[i].flow, held->failures[i].err);
	held->failure_count = 0;
}

static void hold(struct sip_listener *listener, const struct sip_flow *flow, struct slice data)
{
	struct sip_udp_held *held = &listener->transport->held;
	struct sip_udp_datagram *datagram = &held->datagrams[held->count++];

	held->listener = listener;
	datagram->flow = *flow;
	datagram->len = (uint16_t)data.len;
	memcpy(datagram->data, data.p, data.len);
}

int sip_udp_send(struct sip_listener *listener, const struct sip_flow *flow, struct slice data)
{
	struct sip_udp_held *held = &listener->transport->held;
	bool may_wait = held->is_on && data.len <= SIP_UDP_HELD_OCTETS;

	/* Nothing overtakes what is held. */
	if (held->count == SIP_UDP_HELD || held->listener != listener || !may_wait)
		flush(listener->transport);
	if (!may_wait)
		return send_now(listener, flow, data);
	hold(listener, flow, data);
	return 0;
}

/* Takes what is there. False: more may be left, for the next turn. */
static bool receive_all(struct sip_listener *listener, int *ret_count)
{
	struct sip_transport *transport = listener->transport;
	int count = SIP_UDP_BATCH;

	*ret_count = 0;
	transport->held.is_on = transport->gather_ms > 0;
	for (int i = 0; i < SIP_UDP_BATCHES_MAX && count == SIP_UDP_BATCH; i++) {
		count = receive_batch(listener);
		*ret_count += count > 0 ? count : 0;
	}
	flush(transport);
	transport->held.is_on = false;
	tell_failures(transport);
	return count < SIP_UDP_BATCH;
}

/* All listeners look at the same times: one wake-up for all. */
static void look_later(struct sip_listener *listener)
{
	struct wheel *wheel = loop_wheel(listener->transport->loop);
	uint32_t every_ms = listener->transport->gather_ms;

	timer_start(wheel, &listener->gather, every_ms - wheel_now_ms(wheel) % every_ms);
}

static void on_gather(void *arg)
{
	struct sip_listener *listener = arg;
	int count;

	if (receive_all(listener, &count) && count >= SIP_UDP_GATHER_MIN)
		look_later(listener);
	else
		(void)loop_watch_set(listener->transport->loop, &listener->watch, LOOP_READ);
}

/* Whether so many have come in this span of gather_ms that the next can wait for its end. */
static bool is_stream(struct sip_listener *listener, int count)
{
	struct sip_transport *transport = listener->transport;
	uint64_t span;

	if (transport->gather_ms == 0)
		return false;
	span = wheel_now_ms(loop_wheel(transport->loop)) / transport->gather_ms;
	if (span != listener->span)
		listener->span_count = 0;
	listener->span = span;
	listener->span_count += (uint32_t)count;
	return listener->span_count >= SIP_UDP_GATHER_MIN;
}

static void on_ready(void *arg, unsigned events)
{
	struct sip_listener *listener = arg;
	struct sip_transport *transport = listener->transport;
	int count;

	for (int i = 0; (events & LOOP_ERROR) && i < ERRORS_MAX && read_error(listener); i++)
		;
	if (receive_all(listener, &count) && is_stream(listener, count) &&
	    loop_watch_set(transport->loop, &listener->watch, 0) == 0)
		look_later(listener);
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
	timer_init(&listener->gather, on_gather, listener);
	return 0;
fail:
	err = -errno;
	close(fd);
	return err;
}
