#include "sip/net.h"

#include <assert.h>
#include <errno.h>

#include "base/attr.h"

static const struct {
	const char *via, *param;
} names[SIP_PROTO_COUNT] = {
	[SIP_UDP] = {"UDP", "udp"}, [SIP_TCP] = {"TCP", "tcp"}, [SIP_TLS] = {"TLS", "tls"},
	[SIP_WS] = {"WS", "ws"},    [SIP_WSS] = {"WSS", "wss"},
};

bool sip_proto_is_reliable(enum sip_proto proto)
{
	return proto != SIP_UDP;
}

bool sip_proto_is_secure(enum sip_proto proto)
{
	return proto == SIP_TLS || proto == SIP_WSS;
}

const char *sip_proto_via(enum sip_proto proto)
{
	assert((unsigned)proto < SIP_PROTO_COUNT);
	return names[proto].via;
}

const char *sip_proto_param(enum sip_proto proto)
{
	assert((unsigned)proto < SIP_PROTO_COUNT);
	return names[proto].param;
}

const char *sip_proto_uri(enum sip_proto proto)
{
	return sip_proto_param(proto == SIP_WSS ? SIP_WS : proto);
}

int sip_proto_parse(struct slice text, enum sip_proto *ret_proto)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (slice_iis(text, names[i].param)) {
			*ret_proto = (enum sip_proto)i;
			return 0;
		}
	}
	return -EINVAL;
}
