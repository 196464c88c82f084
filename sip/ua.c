#include "sip/ua.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/ua_priv.h"

static char *copy(const char *text)
{
	return slice_dup(slice_of(text ? text : ""));
}

static char *copy_supported(const struct sip_ua_params *params)
{
	const char *list = params->supported ? params->supported : "";
	struct buf text = BUF_INIT;

	if (params->rel == SIP_100REL_OFF)
		return copy(list);
	buf_addf(&text, "%s%s100rel", list, *list ? ", " : "");
	if (buf_err(&text)) {
		buf_done(&text);
		return NULL;
	}
	return buf_take(&text);
}

static int copy_strings(struct sip_ua *ua, const struct sip_ua_params *params)
{
	ua->allow = copy(params->allow);
	ua->supported = copy_supported(params);
	ua->product = copy(params->product);
	if (!ua->allow || !ua->supported || !ua->product)
		return -ENOMEM;
	if (!slice_present(params->public_host))
		return 0;
	ua->public_host = slice_dup(params->public_host);
	return ua->public_host ? 0 : -ENOMEM;
}

static int make_layer(struct sip_ua *ua, const struct sip_ua_params *params)
{
	return sip_tx_layer_new(
		&(struct sip_tx_params){
			.wheel = params->wheel,
			.random = params->random,
			.net = params->net,
			.handlers = {.on_request = ua_on_request,
				     .on_ack = ua_on_ack,
				     .may_begin = ua_may_begin,
				     .overload = ua_overload,
				     .arg = ua},
			.t1_ms = params->t1_ms,
			.t2_ms = params->t2_ms,
			.t4_ms = params->t4_ms,
			.transactions_max = params->transactions_max,
			.has_overload_control = params->has_overload_control,
			.product = *ua->product ? ua->product : NULL,
			.public_host = slice_of(ua->public_host),
			.stats = &ua->stats,
		},
		&ua->tx);
}

int sip_ua_new(const struct sip_ua_params *params, struct sip_ua **ret_ua)
{
	struct sip_ua *ua = calloc(1, sizeof(*ua));
	int err = -ENOMEM;

	assert(params->wheel && params->random && params->net.ops);
	if (!ua)
		return err;
	ua->wheel = params->wheel;
	ua->clock = params->clock;
	ua->random = params->random;
	ua->net = params->net;
	ua->resolver = params->resolver;
	ua->guard = params->guard;
	ua->handlers = params->handlers;
	ua->calls_max = params->calls_max;
	ua->udp_octets_max = params->udp_octets_max ? params->udp_octets_max : SIP_UDP_OCTETS;
	ua->rel = params->rel;
	ua->session_expires_s = params->session_expires_s;
	ua->min_se_s = params->min_se_s > SIP_MIN_SE_S ? params->min_se_s : SIP_MIN_SE_S;
	list_init(&ua->calls);
	list_init(&ua->requests);
	list_init(&ua->subs);
	list_init(&ua->watches);
	list_init(&ua->referrals);
	list_init(&ua->referrings);
	err = copy_strings(ua, params);
	if (!err)
		err = sip_dialog_table_new(&ua->dialogs);
	if (!err)
		err = make_layer(ua, params);
	if (err) {
		sip_ua_free(ua);
		return err;
	}
	*ret_ua = ua;
	return 0;
}

struct sip_ua *sip_ua_free(struct sip_ua *ua)
{
	struct list *it, *tmp;

	if (!ua)
		return NULL;
	LIST_FOREACH (it, tmp, &ua->calls)
		call_free(LIST_ENTRY(it, struct sip_call, node));
	referrings_free(ua);
	referrals_free(ua);
	subs_free(ua);
	watches_free(ua);
	ua_requests_free(ua);
	ua->tx = sip_tx_layer_free(ua->tx);
	ua->dialogs = hash_free(ua->dialogs);
	free(ua->ended);
	free(ua->allow);
	free(ua->supported);
	free(ua->product);
	free(ua->public_host);
	free(ua->packages);
	free(ua->info_packages);
	free(ua->invite_packages);
	free(ua);
	return NULL;
}

const struct sip_ua_stats *sip_ua_stats(const struct sip_ua *ua)
{
	return &ua->stats;
}

void ua_dialog_add(struct sip_ua *ua, struct sip_dialog *dialog)
{
	sip_dialog_add(ua->dialogs, dialog);
	ua->stats.dialogs++;
}

void ua_dialog_remove(struct sip_ua *ua, struct sip_dialog *dialog)
{
	if (!dialog || !hash_linked(&dialog->node))
		return;
	hash_remove(ua->dialogs, &dialog->node);
	ua->stats.dialogs--;
}

static void add_capabilities(const struct sip_ua *ua, const char *packages, struct buf *buf)
{
	sip_build_header(buf, "Allow", "%s", ua->allow);
	if (*ua->supported)
		sip_build_header(buf, "Supported", "%s", ua->supported);
	if (packages)
		sip_build_header(buf, "Allow-Events", "%s", packages);
	if (ua->info_packages)
		sip_build_header(buf, "Recv-Info", "%s", ua->info_packages);
}

void ua_add_capabilities(const struct sip_ua *ua, struct buf *buf)
{
	add_capabilities(ua, ua->packages, buf);
}

void ua_add_capabilities_asking(const struct sip_ua *ua, struct buf *buf)
{
	add_capabilities(ua, ua->invite_packages ? ua->invite_packages : ua->packages, buf);
}

bool ua_supports(const struct sip_ua *ua, const char *option)
{
	return ua_in_list(ua->supported, slice_of(option), slice_ieq);
}

/* 2xx and 405 tell what we can do (RFC 3261 13.3.1.4, 8.2.1, 11.2). */
int sip_stx_reply(struct sip_stx *tx, const struct sip_reply *reply)
{
	struct sip_ua *ua = sip_tx_layer_arg(sip_stx_layer(tx));
	struct buf headers = BUF_INIT;
	int err;

	if (reply->status >= 200 && reply->status < 300)
		ua_add_capabilities(ua, &headers);
	else if (reply->status == 405)
		sip_build_header(&headers, "Allow", "%s", ua->allow);
	err = buf_err(&headers);
	if (!err)
		err = sip_stx_respond(tx, &(struct sip_stx_response){
						  .reply = reply, .headers = buf_slice(&headers)});
	buf_done(&headers);
	/* Without memory nobody would come back to it. */
	if (err == -ENOMEM && reply->status >= 300 && !sip_stx_watcher(tx))
		sip_stx_abandon(tx);
	return err;
}

int ua_reply_text(struct sip_stx *tx, uint16_t status, const char *reason, const char *headers)
{
	return sip_stx_reply(
		tx, &(struct sip_reply){.status = status, .reason = reason, .headers = headers});
}

int ua_reply(struct sip_stx *tx, uint16_t status, const char *headers)
{
	return ua_reply_text(tx, status, NULL, headers);
}

static int set_list(const char *list, char **ret_copy)
{
	char *text = list && *list ? slice_dup(slice_of(list)) : NULL;

	if (list && *list && !text)
		return -ENOMEM;
	free(*ret_copy);
	*ret_copy = text;
	return 0;
}

int sip_ua_set_packages(struct sip_ua *ua, const char *packages)
{
	return set_list(packages, &ua->packages);
}

int sip_ua_set_packages_in_invites(struct sip_ua *ua, const char *packages)
{
	return set_list(packages, &ua->invite_packages);
}

int sip_ua_set_info_packages(struct sip_ua *ua, const char *packages)
{
	return set_list(packages, &ua->info_packages);
}

bool sip_ua_has_package(const struct sip_ua *ua, struct slice name)
{
	return ua_in_list(ua->packages, name, slice_eq);
}

struct sip_net_stats sip_ua_net_stats(const struct sip_ua *ua)
{
	struct sip_net_stats stats = {0};

	if (ua->net.ops->stats)
		ua->net.ops->stats(ua->net.ctx, &stats);
	return stats;
}
