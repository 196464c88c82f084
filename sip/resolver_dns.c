/* The look-ups of the server: c-ares, whose sockets are watched by the loop and whose time-outs run
 * on its wheel. c-ares never blocks here: it is asked on an open channel and answers from our
 * events. */
/* The parsers of SRV and NAPTR that Debian 12 has are deprecated in the c-ares of Debian 13. */
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sip/resolver_priv.h"

enum {
	DNS_SOCKETS_MAX = ARES_GETSOCK_MAXNUM,
	DNS_TIMEOUT_MS = 2000,
	DNS_TRIES = 2,
	MS_PER_S = 1000
};

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

/* How long it may be kept; 0 of a TTL is "not at all", as near as we come to it. */
static uint32_t keep_ms(uint32_t ttl_s)
{
	if (ttl_s == 0)
		return SIP_RESOLVER_KEEP_MIN_MS;
	return ttl_s > SIP_RESOLVER_KEEP_MAX_MS / MS_PER_S ? SIP_RESOLVER_KEEP_MAX_MS
							   : ttl_s * MS_PER_S;
}

static bool is_ending(int status)
{
	return status == ARES_EDESTRUCTION || status == ARES_ECANCELLED;
}

static void on_addrinfo(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct sip_record records[SIP_RECORDS_MAX] = {0};
	struct sip_answer answer = {.err = status == ARES_SUCCESS ? 0 : err_of(status),
				    .records = records};
	struct sip_name *name = arg;
	uint32_t ttl_s = UINT32_MAX;

	(void)timeouts;
	if (is_ending(status))
		return; /* the resolver goes away */
	for (struct ares_addrinfo_node *node = info ? info->nodes : NULL;
	     node && answer.count < SIP_RECORDS_MAX; node = node->ai_next) {
		struct addr addr = {0};

		if (node->ai_addrlen > sizeof(addr))
			continue;
		memcpy(&addr, node->ai_addr, node->ai_addrlen);
		records[answer.count++].addr = addr;
		ttl_s = MIN_OF(ttl_s, (uint32_t)node->ai_ttl);
	}
	if (info)
		ares_freeaddrinfo(info);
	answer.keep_ms = keep_ms(ttl_s);
	sip_resolver_answer_records(name, &answer);
}

/* SRV and NAPTR
 * ----------------------------------------------------------------------------------------- */

/* The smallest TTL of the answers: the parsers below do not tell it (RFC 1035 4.1.3). */
static uint32_t smallest_ttl(const unsigned char *data, int len)
{
	enum { HEADER = 12, QUESTION = 4, FIXED = 10 };
	uint32_t ttl_s = UINT32_MAX;
	long at = HEADER, size;
	char *name;
	int answers;

	if (len < HEADER || data[4] != 0 || data[5] != 1) /* one question */
		return 0;
	answers = data[6] << 8 | data[7];
	for (int i = 0; i <= answers; i++) {
		long fixed = i == 0 ? QUESTION : FIXED;

		if (at >= len || ares_expand_name(data + at, data, len, &name, &size))
			return 0;
		ares_free_string(name);
		at += size;
		if (len - at < fixed)
			return 0;
		if (i > 0) {
			const unsigned char *p = data + at;

			ttl_s = MIN_OF(ttl_s, (uint32_t)p[4] << 24 | (uint32_t)p[5] << 16 |
						      (uint32_t)p[6] << 8 | p[7]);
			fixed += p[8] << 8 | p[9];
		}
		at += fixed;
	}
	return ttl_s;
}

static uint32_t read_srv(const unsigned char *data, int len, struct sip_record *records)
{
	struct ares_srv_reply *list = NULL;
	uint32_t count = 0;

	if (ares_parse_srv_reply(data, len, &list))
		return 0;
	for (struct ares_srv_reply *srv = list; srv && count < SIP_RECORDS_MAX; srv = srv->next) {
		struct sip_record *record = &records[count++];

		record->order = srv->priority;
		record->weight = srv->weight;
		record->port = srv->port;
		slice_cstr(slice_of(srv->host), record->target, sizeof(record->target));
	}
	ares_free_data(list);
	return count;
}

static uint32_t read_naptr(const unsigned char *data, int len, struct sip_record *records)
{
	struct ares_naptr_reply *list = NULL;
	uint32_t count = 0;

	if (ares_parse_naptr_reply(data, len, &list))
		return 0;
	for (struct ares_naptr_reply *naptr = list; naptr && count < SIP_RECORDS_MAX;
	     naptr = naptr->next) {
		struct sip_record *record = &records[count++];

		record->order = naptr->order;
		record->weight = naptr->preference;
		slice_cstr(slice_of((char *)naptr->flags), record->flags, sizeof(record->flags));
		slice_cstr(slice_of((char *)naptr->service), record->service,
			   sizeof(record->service));
		slice_cstr(slice_of(naptr->replacement), record->target, sizeof(record->target));
	}
	ares_free_data(list);
	return count;
}

static void on_records(void *arg, int status, int timeouts, unsigned char *data, int len)
{
	struct sip_record records[SIP_RECORDS_MAX] = {0};
	struct sip_answer answer = {.err = status == ARES_SUCCESS ? 0 : err_of(status),
				    .records = records};
	struct sip_name *name = arg;

	(void)timeouts;
	if (is_ending(status))
		return;
	if (status == ARES_SUCCESS) {
		answer.count = name->type == SIP_RECORD_SRV ? read_srv(data, len, records)
							    : read_naptr(data, len, records);
		answer.keep_ms = keep_ms(smallest_ttl(data, len));
	}
	sip_resolver_answer_records(name, &answer);
}

static void lookup_records(void *ctx, enum sip_record_type type, const char *host,
			   struct sip_name *name)
{
	struct dns *dns = ctx;

	ares_query(dns->channel, host, ns_c_in, type == SIP_RECORD_SRV ? ns_t_srv : ns_t_naptr,
		   on_records, name);
	set_timer(dns);
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

static int dns_open(struct dns *dns, const char *servers)
{
	struct ares_options options = {
		.timeout = DNS_TIMEOUT_MS,
		.tries = DNS_TRIES,
		.sock_state_cb = on_socket,
		.sock_state_cb_data = dns,
	};
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;

	if (ares_init_options(&dns->channel, &options, mask) != ARES_SUCCESS) {
		dns->channel = NULL;
		return ERR_SIP_NO_ROUTE;
	}
	if (servers && *servers && ares_set_servers_ports_csv(dns->channel, servers))
		return -EINVAL;
	return 0;
}

static int dns_new(struct loop *loop, const char *servers, struct dns **ret_dns)
{
	struct dns *dns = calloc(1, sizeof(*dns));
	int err;

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
	err = dns_open(dns, servers);
	if (err) {
		dns_free(dns);
		return err;
	}
	*ret_dns = dns;
	return 0;
}

int sip_resolver_dns_new(const struct sip_resolver_dns *params, struct sip_resolver **ret_resolver)
{
	struct sip_resolver *resolver = NULL;
	struct dns *dns = NULL;
	int err = dns_new(params->loop, params->servers, &dns);

	if (err)
		return err;
	err = sip_resolver_new(loop_wheel(params->loop), lookup, dns, &resolver);
	if (err) {
		dns_free(dns);
		return err;
	}
	resolver->free_ctx = dns_free;
	sip_resolver_extend(resolver, &(struct sip_resolver_more){lookup_records, params->random,
								  params->protos});
	*ret_resolver = resolver;
	return 0;
}
