#include "sip/hep.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { US_PER_S = 1000000, HEP_SIP = 1, HEAD_OCTETS = 6, LENGTH_AT = 4, SEND_BUFFER = 1024 * 1024 };

enum chunk {
	CHUNK_FAMILY = 1,
	CHUNK_IP_PROTO = 2,
	CHUNK_V4_FROM = 3,
	CHUNK_V4_TO = 4,
	CHUNK_V6_FROM = 5,
	CHUNK_V6_TO = 6,
	CHUNK_PORT_FROM = 7,
	CHUNK_PORT_TO = 8,
	CHUNK_SECONDS = 9,
	CHUNK_MICROSECONDS = 10,
	CHUNK_KIND = 11,
	CHUNK_CAPTURE_ID = 12,
	CHUNK_KEY = 14,
	CHUNK_PAYLOAD = 15,
	CHUNK_CORRELATION = 17
};

struct sip_hep {
	struct sip_hep_params params;
	char *key;
	int fd;
	struct buf packet;
	struct sip_hep_stats stats;
};

/* The packet
 * ------------------------------------------------------------------------------------------ */

static void add_u16(struct buf *out, unsigned n)
{
	buf_addc(out, (char)(n >> 8));
	buf_addc(out, (char)n);
}

/* Vendor 0, type, length with this head. */
static void add_chunk(struct buf *out, enum chunk type, struct slice data)
{
	add_u16(out, 0);
	add_u16(out, type);
	add_u16(out, (unsigned)(HEAD_OCTETS + data.len));
	buf_addslice(out, data);
}

static void add_number(struct buf *out, enum chunk type, uint32_t n, size_t octets)
{
	char data[4] = {(char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n};

	add_chunk(out, type, slice_make(data + sizeof(data) - octets, octets));
}

static void add_path(struct buf *out, const struct addr *from, const struct addr *to,
		     bool is_datagram)
{
	bool is_v6 = addr_is_v6(to);

	add_number(out, CHUNK_FAMILY, is_v6 ? AF_INET6 : AF_INET, 1);
	add_number(out, CHUNK_IP_PROTO, is_datagram ? IPPROTO_UDP : IPPROTO_TCP, 1);
	if (is_v6) {
		add_chunk(out, CHUNK_V6_FROM, slice_make((const char *)&from->in6.sin6_addr, 16));
		add_chunk(out, CHUNK_V6_TO, slice_make((const char *)&to->in6.sin6_addr, 16));
	} else {
		add_chunk(out, CHUNK_V4_FROM, slice_make((const char *)&from->in.sin_addr, 4));
		add_chunk(out, CHUNK_V4_TO, slice_make((const char *)&to->in.sin_addr, 4));
	}
	add_number(out, CHUNK_PORT_FROM, addr_port(from), 2);
	add_number(out, CHUNK_PORT_TO, addr_port(to), 2);
}

void sip_hep_encode(const struct sip_hep_params *params, const struct sip_trace_message *message,
		    struct slice call_id, struct buf *out)
{
	struct addr local = message->flow.local, remote = message->flow.remote;

	/* An address that is not known is that of its family with zeros. */
	if (addr_is_v6(&local) != addr_is_v6(&remote) || !addr_is_set(&local)) {
		local = (struct addr){0};
		local.sa.sa_family = remote.sa.sa_family;
	}
	buf_adds(out, "HEP3");
	add_u16(out, 0);
	add_path(out, message->is_out ? &local : &remote, message->is_out ? &remote : &local,
		 message->flow.proto == SIP_UDP);
	add_number(out, CHUNK_SECONDS, (uint32_t)(message->at_us / US_PER_S), 4);
	add_number(out, CHUNK_MICROSECONDS, (uint32_t)(message->at_us % US_PER_S), 4);
	add_number(out, CHUNK_KIND, HEP_SIP, 1);
	add_number(out, CHUNK_CAPTURE_ID, params->capture_id, 4);
	if (params->key && *params->key)
		add_chunk(out, CHUNK_KEY, slice_of(params->key));
	if (call_id.len > 0)
		add_chunk(out, CHUNK_CORRELATION, slice_first(call_id, SIP_TRACE_CALL_ID_MAX));
	add_chunk(out, CHUNK_PAYLOAD, message->text);
	if (buf_err(out) == 0 && out->len <= UINT16_MAX) {
		out->p[LENGTH_AT] = (char)(out->len >> 8);
		out->p[LENGTH_AT + 1] = (char)out->len;
	}
}

/* Sending
 * ----------------------------------------------------------------------------------------- */

int sip_hep_parse(struct slice text, struct addr *ret_server)
{
	struct addr server;

	if (!slice_istarts(text, SLICE("udp:")) || addr_parse(slice_from(text, 4), &server) ||
	    addr_port(&server) == 0 || addr_is_any(&server))
		return -EINVAL;
	*ret_server = server;
	return 0;
}

int sip_hep_new(const struct sip_hep_params *params, struct sip_hep **ret_hep)
{
	struct sip_hep *hep = calloc(1, sizeof(*hep));
	int size = SEND_BUFFER, err;

	if (!hep)
		return -ENOMEM;
	hep->params = *params;
	hep->fd = socket(params->server.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (hep->fd < 0 || connect(hep->fd, &params->server.sa, addr_len(&params->server))) {
		err = -errno;
		goto fail;
	}
	(void)setsockopt(hep->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (params->key) {
		hep->key = slice_dup(slice_of(params->key));
		hep->params.key = hep->key;
	}
	if (params->key && !hep->key) {
		err = -ENOMEM;
		goto fail;
	}
	*ret_hep = hep;
	return 0;
fail:
	sip_hep_free(hep);
	return err;
}

struct sip_hep *sip_hep_free(struct sip_hep *hep)
{
	if (!hep)
		return NULL;
	if (hep->fd >= 0)
		close(hep->fd);
	buf_done(&hep->packet);
	free(hep->key);
	free(hep);
	return NULL;
}

void sip_hep_send(void *arg, const struct sip_trace_message *message, struct slice call_id)
{
	struct sip_hep *hep = arg;
	ssize_t sent = -1;

	buf_clear(&hep->packet);
	/* What never left is no traffic: the capture server would show it as lost on the way. */
	if (message->err)
		return;
	sip_hep_encode(&hep->params, message, call_id, &hep->packet);
	/* An ICMP error of an earlier packet is told by the next call: once more, then. */
	for (int i = 0; i < 2 && sent < 0 && buf_err(&hep->packet) == 0; i++) {
		if (hep->packet.len <= SIP_HEP_OCTETS_MAX)
			sent = send(hep->fd, hep->packet.p, hep->packet.len,
				    MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	if (sent >= 0)
		hep->stats.sent++;
	else
		hep->stats.dropped++;
}

const struct sip_hep_stats *sip_hep_stats(const struct sip_hep *hep)
{
	return &hep->stats;
}
