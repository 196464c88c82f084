#include "sip/hep.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "tests/support/check.h"

static struct addr at(const char *text)
{
	struct addr addr = {0};

	CHECK_INT(text, addr_parse(slice_of(text), &addr), 0);
	return addr;
}

static struct sip_trace_message message(const char *local, const char *remote)
{
	return (struct sip_trace_message){
		.at_us = 1700000000123456,
		.flow = {.proto = SIP_UDP, .local = at(local), .remote = at(remote)},
		.text = SLICE("OPTIONS sip:a SIP/2.0\r\n\r\n"),
	};
}

/* Written out from the specification, octet by octet. */
static void packet_v4(void)
{
	static const unsigned char want[] = "HEP3\x00\x91"
					    "\0\0\0\x01\0\x07\x02"
					    "\0\0\0\x02\0\x07\x11"
					    "\0\0\0\x03\0\x0a\xc0\x00\x02\x02"
					    "\0\0\0\x04\0\x0a\xc0\x00\x02\x01"
					    "\0\0\0\x07\0\x08\x13\xd8"
					    "\0\0\0\x08\0\x08\x13\xc4"
					    "\0\0\0\x09\0\x0a\x65\x53\xf1\x00"
					    "\0\0\0\x0a\0\x0a\x00\x01\xe2\x40"
					    "\0\0\0\x0b\0\x07\x01"
					    "\0\0\0\x0c\0\x0a\x00\x00\x07\xd1"
					    "\0\0\0\x0e\0\x0csecret"
					    "\0\0\0\x11\0\x09"
					    "c@d"
					    "\0\0\0\x0f\0\x1fOPTIONS sip:a SIP/2.0\r\n\r\n";
	struct sip_trace_message in = message("192.0.2.1:5060", "192.0.2.2:5080");
	struct sip_hep_params params = {.capture_id = 2001, .key = "secret"};
	struct buf out = BUF_INIT;

	sip_hep_encode(&params, &in, SLICE("c@d"), &out);
	CHECK_INT("length", out.len, sizeof(want) - 1);
	for (size_t i = 0; i < sizeof(want) - 1 && i < out.len; i++)
		CHECK_INT("octet", (unsigned char)out.p[i], want[i]);
	buf_done(&out);
}

/* The chunk's data, absent when there is none. */
static struct slice chunk(const struct buf *packet, unsigned type)
{
	for (size_t i = 6; i + 6 <= packet->len;) {
		const unsigned char *p = (const unsigned char *)packet->p + i;
		size_t len = (size_t)(p[4] << 8 | p[5]);

		if ((unsigned)(p[2] << 8 | p[3]) == type)
			return slice_make(packet->p + i + 6, len - 6);
		i += len;
	}
	return SLICE_NONE;
}

static void packet_v6_and_out(void)
{
	struct sip_trace_message out_v6 = message("[2001:db8::1]:5060", "[2001:db8::2]:5080");
	struct sip_trace_message nowhere = message("192.0.2.1:5060", "192.0.2.2:5080");
	struct sip_hep_params params = {.capture_id = 1};
	struct buf out = BUF_INIT;

	out_v6.is_out = true;
	out_v6.flow.proto = SIP_TLS;
	sip_hep_encode(&params, &out_v6, SLICE_NONE, &out);
	CHECK_INT("family", chunk(&out, 1).p[0], AF_INET6);
	CHECK_INT("TCP", chunk(&out, 2).p[0], IPPROTO_TCP);
	CHECK("from us", memcmp(chunk(&out, 5).p, &out_v6.flow.local.in6.sin6_addr, 16) == 0);
	CHECK("to them", memcmp(chunk(&out, 6).p, &out_v6.flow.remote.in6.sin6_addr, 16) == 0);
	CHECK("no v4", !slice_present(chunk(&out, 3)));
	CHECK("no key", !slice_present(chunk(&out, 14)));
	CHECK("no correlation", !slice_present(chunk(&out, 17)));
	buf_clear(&out);
	nowhere.flow.local = (struct addr){0};
	sip_hep_encode(&params, &nowhere, SLICE_NONE, &out);
	CHECK_INT("zeros where nothing is known", chunk(&out, 4).p[0], 0);
	buf_done(&out);
}

static void addresses(void)
{
	static const struct {
		const char *text;
		int err;
	} cases[] = {
		{"udp:192.0.2.1:9060", 0},           {"UDP:[2001:db8::1]:9060", 0},
		{"tcp:192.0.2.1:9060", -EINVAL},     {"udp:192.0.2.1", -EINVAL},
		{"udp:192.0.2.1:0", -EINVAL},        {"udp:0.0.0.0:9060", -EINVAL},
		{"udp:homer.example:9060", -EINVAL}, {"", -EINVAL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr addr;

		CHECK_INT(cases[i].text, sip_hep_parse(slice_of(cases[i].text), &addr),
			  cases[i].err);
	}
}

static void over_a_socket(void)
{
	struct sip_trace_message small = message("192.0.2.1:5060", "192.0.2.2:5080"), large = small;
	struct sip_hep_params params = {.server = at("127.0.0.1:0")};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(params.server);
	char *octets = calloc(1, SIP_HEP_OCTETS_MAX), data[512];
	struct sip_hep *hep = NULL;

	CHECK_INT("bind", bind(fd, &params.server.sa, addr_len(&params.server)), 0);
	CHECK_INT("name", getsockname(fd, &params.server.sa, &len), 0);
	CHECK_INT("new", sip_hep_new(&params, &hep), 0);
	sip_hep_send(hep, &small, SLICE("c"));
	CHECK("came", recv(fd, data, sizeof(data), 0) > 100 && memcmp(data, "HEP3", 4) == 0);
	large.text = slice_make(octets, SIP_HEP_OCTETS_MAX);
	sip_hep_send(hep, &large, SLICE("c"));
	CHECK_INT("too large", sip_hep_stats(hep)->dropped, 1);
	small.err = -1;
	sip_hep_send(hep, &small, SLICE("c"));
	CHECK_INT("what was not sent is not told", sip_hep_stats(hep)->sent, 1);
	small.err = 0;
	close(fd);
	for (int i = 0; i < 3; i++)
		sip_hep_send(hep, &small, SLICE("c")); /* nobody is there: no harm */
	sip_hep_free(hep);
	free(octets);
}

void suite_hep(void);
void suite_hep(void)
{
	CHECK_SUITE("hep");
	CHECK_TEST(packet_v4);
	CHECK_TEST(packet_v6_and_out);
	CHECK_TEST(addresses);
	CHECK_TEST(over_a_socket);
}
