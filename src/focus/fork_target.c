/* focus/fork_target.c -- whose URI it is that is called, and from which of our addresses. */
#include <stdio.h>

#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/fork_priv.h"
#include "focus/registrar.h"
#include "focus/text.h"
#include "focus/trunks.h"
#include "sip/transport.h"

/* Whose URI it is ----------------------------------------------------------------------------- */

static uint16_t own_port(const struct focus *focus)
{
	struct slice host = slice_of(focus->host);
	struct addr addr;
	uint32_t port = 5060;
	size_t colon;

	if (!addr_parse(host, &addr))
		return addr_port(&addr);
	colon = slice_find(host, ':');
	if (host.p[0] != '[' && colon < host.len)
		(void)slice_u32(slice_from(host, colon + 1), UINT16_MAX, &port);
	return (uint16_t)port;
}

/* Of any of our listeners, too: who calls sip:bob@here:5061 means the same Bob, and we would call
 * ourselves. */
static bool is_own_port(const struct focus *focus, uint16_t port)
{
	struct sip_listen listens[SIP_LISTEN_MAX];
	uint32_t count = 0;

	if (port == own_port(focus))
		return true;
	if (sip_listen_parse(slice_of(focus->config->sip_listen), listens, &count, NULL))
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (addr_port(&listens[i].addr) == port)
			return true;
	return false;
}

uint16_t fork_tls_port(const struct focus *focus)
{
	struct sip_listen listens[SIP_LISTEN_MAX];
	uint32_t count = 0;

	if (sip_listen_parse(slice_of(focus->config->sip_listen), listens, &count, NULL))
		return 0;
	for (uint32_t i = 0; i < count; i++)
		if (listens[i].proto == SIP_TLS)
			return addr_port(&listens[i].addr);
	return 0;
}

/* An address that is one of this host's: whoever sends there sends from there. */
static bool is_own_address(const struct focus *focus, const struct addr *addr)
{
	struct addr local;
	int err;

	if (focus->net.ops)
		err = focus->net.ops->local_for(focus->net.ctx, SIP_UDP, addr, &local);
	else
		err = addr_local_for(addr, &local);
	return !err && addr_eq_ip(&local, addr);
}

bool fork_is_own(const struct focus *focus, const struct sip_uri *uri)
{
	const struct config *config = focus->config;
	struct addr literal;
	char number[FORWARD_USER_MAX + 1];

	if (uri->scheme == SIP_SCHEME_TEL) {
		struct slice user = fork_number(uri, number);

		return location_find(focus->location, user) || focus_forward_find(focus, user);
	}
	if (!sip_uri_is_sip(uri))
		return false;
	if (uri->port && !is_own_port(focus, uri->port))
		return false;
	if (text_list_ihas(config->sip_domains, uri->host) ||
	    slice_ieq(text_host(slice_of(config->sip_public_host)), uri->host) ||
	    slice_ieq(text_host(slice_of(focus->host)), uri->host))
		return true;
	return !addr_parse_ip(uri->host, &literal) && is_own_address(focus, &literal);
}

/* "tel:+49(30)123-4" to "+49301234" (RFC 3966 3, 5.1.1). */
struct slice fork_number(const struct sip_uri *uri, char out[FORWARD_USER_MAX + 1])
{
	size_t len = 0;

	for (size_t i = 0; i < uri->user.len && len < FORWARD_USER_MAX; i++)
		if (!strchr("-.()", uri->user.p[i]))
			out[len++] = uri->user.p[i];
	out[len] = '\0';
	return slice_make(out, len);
}

/* Toward a target ----------------------------------------------------------------------------- */

static enum sip_proto proto_of(const struct sip_uri *uri)
{
	enum sip_proto proto = uri->scheme == SIP_SCHEME_SIPS ? SIP_TLS : SIP_UDP;
	struct slice transport;

	if (sip_uri_param(uri, "transport", &transport))
		(void)sip_proto_parse(transport, &proto);
	if (uri->scheme == SIP_SCHEME_SIPS && proto == SIP_TCP)
		proto = SIP_TLS; /* as sip_resolve has it */
	return proto;
}

static uint16_t port_of(const struct sip_uri *uri)
{
	if (uri->port)
		return uri->port;
	return proto_of(uri) == SIP_TLS ? 5061 : 5060;
}

/* A name is one peer, whatever the port; at an address there may be others. */
static bool is_at(const struct sip_uri *peer, struct slice host, uint16_t port)
{
	struct addr literal;

	return slice_ieq(peer->host, host) &&
	       (addr_parse_ip(host, &literal) || port_of(peer) == port);
}

static bool is_peer(const struct focus *focus, struct slice host, uint16_t port)
{
	struct sip_flow flow = {.proto = SIP_UDP};
	struct sip_uri peer;

	if (!sip_uri_parse(slice_of(focus->config->sip_outbound_proxy), &peer) &&
	    is_at(&peer, host, port))
		return true;
	for (uint32_t i = 0; trunks_place(focus, i, &peer); i++)
		if (is_at(&peer, host, port))
			return true;
	return !addr_parse_ip(host, &flow.remote) &&
	       sip_guard_is_trusted(auth_guard(focus->auth), &flow);
}

bool fork_costs(const struct focus *focus, const struct sip_uri *uri)
{
	struct slice maddr;

	if (sip_uri_param(uri, "maddr", &maddr) && is_peer(focus, maddr, port_of(uri)))
		return true;
	if (fork_is_own(focus, uri))
		return false;
	return uri->scheme == SIP_SCHEME_TEL ||
	       (sip_uri_is_sip(uri) && is_peer(focus, uri->host, port_of(uri)));
}

static int local_for(const struct focus *focus, struct sip_uri uri, struct addr *ret_local)
{
	struct addr remote;

	if (slice_iis(uri.host, "localhost"))
		uri.host = SLICE("127.0.0.1");
	if (addr_parse_ip(uri.host, &remote))
		(void)addr_parse_ip(SLICE("192.0.2.1"), &remote);
	addr_set_port(&remote, uri.port ? uri.port : 5060);
	if (!focus->net.ops)
		return addr_local_for(&remote, ret_local);
	return focus->net.ops->local_for(focus->net.ctx, proto_of(&uri), &remote, ret_local);
}

/* The first binding of a user of ours, NULL when there is none. */
static const struct binding *first_binding(const struct focus *focus, const struct sip_uri *uri)
{
	char number[FORWARD_USER_MAX + 1];
	struct location_match match = {0};
	struct aor *aor;

	if (!fork_is_own(focus, uri))
		return NULL;
	if (uri->scheme == SIP_SCHEME_TEL)
		aor = location_find(focus->location, fork_number(uri, number));
	else
		aor = location_match(focus->location, uri, &match) ? NULL : match.aor;
	if (!aor && uri->scheme != SIP_SCHEME_TEL && !match.is_gruu)
		aor = location_find(focus->location, registrar_name(focus, match.user));
	for (struct binding *b = aor ? location_next(aor, NULL) : NULL; b;
	     b = location_next(aor, b))
		if (location_is_meant(&match, b))
			return b;
	return NULL;
}

int fork_local_toward(struct focus *focus, struct slice target, struct addr *ret_local)
{
	const char *proxy = focus->config->sip_outbound_proxy;
	const struct binding *b;
	struct addr local = {0};
	struct slice path = SLICE_NONE;
	struct sip_addr hop;
	struct sip_uri uri;
	int err = 0;

	if (sip_uri_parse(target, &uri))
		return ERR_BAD_TARGET;
	b = first_binding(focus, &uri);
	if (b) /* the first hop of several */
		path = slice_first(slice_of(b->path), slice_find(slice_of(b->path), '>') + 1);
	if (b && b->has_flow && addr_is_set(&b->flow.local) && !addr_is_any(&b->flow.local))
		local = b->flow.local;
	else if (b && path.len && !sip_addr_parse(path, &hop))
		err = local_for(focus, hop.uri, &local);
	else if (b ? sip_uri_parse(slice_of(b->contact), &uri)
		   : proxy[0] && sip_uri_parse(slice_of(proxy), &uri))
		err = ERR_BAD_TARGET;
	else
		err = local_for(focus, uri, &local);
	if (err)
		return err;
	addr_set_port(&local, 0);
	*ret_local = local;
	return 0;
}
