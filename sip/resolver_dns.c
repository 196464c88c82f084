/* The look-ups of the server: c-ares, whose sockets are watched by the loop and whose time-outs run
 * on its wheel. c-ares never blocks here: it is asked on an open channel and answers from our
 * events. */
#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/resolver_priv.h"

enum { DNS_SOCKETS_MAX = ARES_GETSOCK_MAXNUM, DNS_TIMEOUT_MS = 2000, DNS_TRIES = 2 };

struct dns_socket {
	struct loop_watch watch;
	struct dns *dns;
};

struct dns {
	struct loop *loop;
	ares_channel channel;
	struct timer timer;
	struct dns_socket sockets[DNS_SOCKETS_MAX];
};

static void set_timer(struct dns *dns)
{
	struct timeval tv;
	struct timeval *next = ares_timeout(dns->channel, NULL, &tv);

	if (next)
		timer_start(loop_wheel(dns->loop), &dns->timer,
			    (uint64_t)next->tv_sec * 1000 + (uint64_t)next->tv_usec / 1000 + 1);
	else
		timer_stop(loop_wheel(dns->loop), &dns->timer);
}

static struct loop_watch *watch_of(struct dns *dns, int fd)
{
	struct loop_watch *unused = NULL;

	for (size_t i = 0; i < DNS_SOCKETS_MAX; i++) {
		struct loop_watch *watch = &dns->sockets[i].watch;

		if (watch->added && watch->fd == fd)
			return watch;
		if (!watch->added && !unused)
			unused = watch;
	}
	if (unused)
		unused->fd = fd;
	return unused;
}

/* A socket for which no watch is left is not watched: c-ares then runs into its time-out. */
static void on_socket(void *arg, ares_socket_t fd, int is_readable, int is_writable)
{
	struct dns *dns = arg;
	unsigned events = (is_readable ? LOOP_READ : 0u) | (is_writable ? LOOP_WRITE : 0u);
	struct loop_watch *watch = watch_of(dns, fd);

	if (!watch)
		return;
	if (events == 0)
		loop_watch_remove(dns->loop, watch);
	else if (watch->added)
		(void)loop_watch_set(dns->loop, watch, events);
	else
		(void)loop_watch_add(dns->loop, watch, events);
}

static void on_ready(void *arg, unsigned events)
{
	struct dns_socket *socket = arg;
	ares_socket_t fd = socket->watch.fd;

	ares_process_fd(socket->dns->channel,
			events & (LOOP_READ | LOOP_ERROR) ? fd : ARES_SOCKET_BAD,
			events & LOOP_WRITE ? fd : ARES_SOCKET_BAD);
	set_timer(socket->dns);
}

static void on_timer(void *arg)
{
	struct dns *dns = arg;

	ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(dns);
}

static int err_of(int status)
{
	if (status == ARES_ENOMEM)
		return -ENOMEM;
	return status == ARES_ETIMEOUT ? ERR_SIP_TIMEOUT : ERR_SIP_NO_ROUTE;
}

static void on_addrinfo(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct addr addrs[SIP_TARGETS_MAX];
	struct sip_name *name = arg;
	uint32_t count = 0;

	(void)timeouts;
	if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
		return; /* the resolver goes away */
	for (struct ares_addrinfo_node *node = info ? info->nodes : NULL;
	     node && count < SIP_TARGETS_MAX; node = node->ai_next) {
		struct addr addr = {0};

		if (node->ai_addrlen > sizeof(addr))
			continue;
		memcpy(&addr, node->ai_addr, node->ai_addrlen);
		addrs[count++] = addr;
	}
	if (info)
		ares_freeaddrinfo(info);
	sip_resolver_answer(name, status == ARES_SUCCESS ? 0 : err_of(status), addrs, count);
}

static void lookup(void *ctx, const char *host, struct sip_name *name)
{
	struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
	struct dns *dns = ctx;

	ares_getaddrinfo(dns->channel, host, NULL, &hints, on_addrinfo, name);
	set_timer(dns);
}

static void dns_free(void *ctx)
{
	struct dns *dns = ctx;

	if (dns->channel)
		ares_destroy(dns->channel);
	for (size_t i = 0; i < DNS_SOCKETS_MAX; i++)
		loop_watch_remove(dns->loop, &dns->sockets[i].watch);
	timer_stop(loop_wheel(dns->loop), &dns->timer);
	free(dns);
	ares_library_cleanup();
}

static int dns_new(struct loop *loop, struct dns **ret_dns)
{
	struct dns *dns = calloc(1, sizeof(*dns));
	struct ares_options options = {
		.timeout = DNS_TIMEOUT_MS,
		.tries = DNS_TRIES,
		.sock_state_cb = on_socket,
		.sock_state_cb_data = dns,
	};
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;

	if (!dns)
		return -ENOMEM;
	dns->loop = loop;
	timer_init(&dns->timer, on_timer, dns);
	for (size_t i = 0; i < DNS_SOCKETS_MAX; i++) {
		struct dns_socket *socket = &dns->sockets[i];

		socket->dns = dns;
		socket->watch = (struct loop_watch){.fd = -1, .on_ready = on_ready, .arg = socket};
	}
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		free(dns);
		return ERR_SIP_NO_ROUTE;
	}
	if (ares_init_options(&dns->channel, &options, mask) != ARES_SUCCESS) {
		dns->channel = NULL;
		dns_free(dns);
		return ERR_SIP_NO_ROUTE;
	}
	*ret_dns = dns;
	return 0;
}

int sip_resolver_dns(struct loop *loop, struct sip_resolver **ret_resolver)
{
	struct sip_resolver *resolver = NULL;
	struct dns *dns = NULL;
	int err = dns_new(loop, &dns);

	if (err)
		return err;
	err = sip_resolver_new(loop_wheel(loop), lookup, dns, &resolver);
	if (err) {
		dns_free(dns);
		return err;
	}
	resolver->free_ctx = dns_free;
	*ret_resolver = resolver;
	return 0;
}
