#include "banner.h"

#include <assert.h>

#include "base/attr.h"

enum { SIP_PORT = 5060, HOST_MAX = 300 };

static struct addr ip(const char *text)
{
	struct addr addr;
	int err = addr_parse_ip(slice_of(text), &addr);

	assert(err == 0);
	(void)err;
	return addr;
}

struct addr banner_routed(void)
{
	/* Addresses for documentation (RFC 5737, RFC 3849): the kernel chooses as for any far host.
	 */
	static const char *const far[] = {"192.0.2.1", "2001:db8::1"};

	for (size_t i = 0; i < ARRAY_LEN(far); i++) {
		struct addr peer = ip(far[i]), local;

		addr_set_port(&peer, SIP_PORT);
		if (addr_local_for(&peer, &local) == 0 && !addr_is_any(&local))
			return local;
	}
	return ip("127.0.0.1");
}

/* "192.0.2.1", "[2001:db8::1]:5070": any-address replaced, the port only when it is not usual. */
static const char *place(const struct addr *listen, const struct addr *routed, uint16_t usual_port,
			 char out[HOST_MAX])
{
	struct addr shown = addr_is_any(listen) ? *routed : *listen;
	char host[ADDR_TEXT_MAX];
	struct buf text = BUF_INIT;

	buf_adds(&text, addr_host_text(&shown, host));
	if (addr_port(listen) != usual_port)
		buf_addf(&text, ":%u", addr_port(listen));
	slice_cstr(buf_slice(&text), out, HOST_MAX);
	buf_done(&text);
	return out;
}

/* The first UDP listener, for that is what phones try; else the first, with its transport. */
static void sip_host(const struct config *config, const struct addr *routed, struct buf *out)
{
	struct slice rest = slice_of(config->sip_listen), item, chosen = SLICE_NONE;
	struct addr listen;
	char text[HOST_MAX];

	if (config->sip_public_host[0]) {
		buf_adds(out, config->sip_public_host);
		return;
	}
	while (config_list_next(&rest, &item)) {
		if (!slice_present(chosen) ||
		    (slice_starts(item, SLICE("udp:")) && !slice_starts(chosen, SLICE("udp:"))))
			chosen = item;
	}
	if (addr_parse(slice_from(chosen, slice_find(chosen, ':') + 1), &listen))
		return; /* config_check has seen to it */
	buf_adds(out, place(&listen, routed, SIP_PORT, text));
	if (!slice_starts(chosen, SLICE("udp:")))
		buf_addf(out, ";transport=" SLICE_FMT,
			 SLICE_ARG(slice_first(chosen, slice_find(chosen, ':'))));
}

void banner_text(const struct config *config, const struct addr *http, const struct addr *routed,
		 struct buf *out)
{
	struct slice rest = slice_of(config->focus_factory_users), user;
	struct buf host = BUF_INIT;
	char text[HOST_MAX];

	sip_host(config, routed, &host);
	buf_addf(out, "  Call a room        sip:lobby@" SLICE_FMT "\n",
		 SLICE_ARG(buf_slice(&host)));
	if (config_list_next(&rest, &user))
		buf_addf(out, "  New conference     sip:" SLICE_FMT "@" SLICE_FMT "\n",
			 SLICE_ARG(user), SLICE_ARG(buf_slice(&host)));
	buf_addf(out, "  Look and control   http://%s/\n", place(http, routed, 80, text));
	buf_done(&host);
}
