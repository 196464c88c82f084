/* The layer itself: what arrives is parsed and given to its transaction; timers by transport;
 * answers that need no transaction; the Via rules that both sides share. */
#include "sip/tx.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/tx_priv.h"

enum { T1_MS = 500, T2_MS = 4000, T4_MS = 5000 };

uint64_t sip_tx_life_ms(const struct sip_tx_layer *layer, enum sip_tx_life life, bool is_reliable)
{
	switch (life) {
	case SIP_TX_LIFE_64T1:
		return 64 * (uint64_t)layer->t1_ms;
	case SIP_TX_LIFE_64T1_UDP:
		return is_reliable ? 0 : 64 * (uint64_t)layer->t1_ms;
	case SIP_TX_LIFE_T4_UDP:
		return is_reliable ? 0 : layer->t4_ms;
	case SIP_TX_LIFE_KEEP:
	case SIP_TX_LIFE_STOP:
		break;
	}
	return 0;
}

static uint32_t next_interval(const struct sip_tx_layer *layer, unsigned actions,
			      uint32_t interval_ms)
{
	if (actions & SIP_TX_RESEND_START)
		return layer->t1_ms;
	if (actions & SIP_TX_RESEND_DOUBLE)
		return interval_ms * 2;
	if (actions & SIP_TX_RESEND_CAPPED)
		return MIN_OF(interval_ms * 2, layer->t2_ms);
	if (actions & SIP_TX_RESEND_SLOW)
		return layer->t2_ms;
	return 0;
}

void sip_tx_set_timers(const struct sip_tx_layer *layer, const struct sip_tx_row *row,
		       struct sip_tx_timers *timers, bool is_reliable)
{
	uint32_t interval_ms = next_interval(layer, row->actions, timers->interval_ms);

	if (row->actions & SIP_TX_RESEND_STOP)
		timer_stop(layer->wheel, &timers->resend);
	if (interval_ms > 0 && !is_reliable) {
		timers->interval_ms = interval_ms;
		timer_start(layer->wheel, &timers->resend, interval_ms);
	}
	if (row->life == SIP_TX_LIFE_STOP)
		timer_stop(layer->wheel, &timers->life);
	else if (row->life != SIP_TX_LIFE_KEEP)
		timer_start(layer->wheel, &timers->life,
			    sip_tx_life_ms(layer, row->life, is_reliable));
}

bool sip_tx_has_room(const struct sip_tx_layer *layer)
{
	uint64_t live = (uint64_t)layer->stats->client_transactions +
			layer->stats->server_transactions;

	return layer->transactions_max == 0 || live < layer->transactions_max;
}

void sip_tx_count_response_out(struct sip_tx_layer *layer, uint16_t status)
{
	assert(status >= 100 && status < 700);
	layer->stats->responses_out[status / 100]++;
	layer->stats->status_out[status]++;
}

/* Via
 * ---------------------------------------------------------------------------------------------- */

static uint16_t default_port(enum sip_proto proto)
{
	return proto == SIP_TLS ? 5061 : proto == SIP_WS ? 80 : proto == SIP_WSS ? 443 : 5060;
}

int sip_tx_response_path(const struct sip_flow *flow, const struct sip_via *via,
			 struct sip_flow *ret_path)
{
	uint16_t port = via->port ? via->port : default_port(flow->proto);
	struct sip_flow path = *flow;

	if (sip_proto_is_reliable(flow->proto)) {
		/* The connection of the request; should it be gone, the sent-by port at the source.
		 */
		addr_set_port(&path.remote, port);
	} else if (!via->has_rport) {
		addr_set_port(&path.remote, port);
	}
	if (addr_port(&path.remote) == 0 || addr_is_v6(&path.remote) != addr_is_v6(&flow->remote))
		return ERR_SIP_NO_ROUTE;
	*ret_path = path;
	return 0;
}

static bool host_is(const struct sip_via *via, const struct addr *addr)
{
	struct addr host;

	return addr_parse_ip(via->host, &host) == 0 && addr_eq_ip(&host, addr);
}

/* Adds ";name=value" of the Via's own parameters, but not those that are ours to write. */
static void copy_via_params(struct buf *buf, struct slice params, bool has_overload)
{
	while (params.len > 0) {
		bool is_quoted = false;
		size_t end = 0;

		for (; end < params.len && (is_quoted || params.p[end] != ';'); end++) {
			if (params.p[end] == '\\' && is_quoted && end + 1 < params.len)
				end++;
			else if (params.p[end] == '"')
				is_quoted = !is_quoted;
		}
		struct slice param = slice_trim(slice_first(params, end));
		struct slice name = slice_trim(slice_first(param, slice_find(param, '=')));

		if (name.len > 0 && !slice_iis(name, "rport") && !slice_iis(name, "received") &&
		    !(has_overload && sip_overload_is_param(name))) {
			buf_addc(buf, ';');
			buf_addslice(buf, param);
		}
		params = slice_from(params, end + 1);
	}
}

static void add_overload(struct sip_tx_layer *layer, struct buf *buf)
{
	struct sip_overload overload = {0};

	layer->handlers.overload(layer->handlers.arg, &overload);
	sip_overload_write(buf, &overload);
}

void sip_tx_top_via(struct sip_tx_layer *layer, const struct sip_flow *flow,
		    const struct sip_via *via, struct buf *ret_text)
{
	bool has_overload = layer->handlers.overload && sip_overload_is_asked(via);
	char ip[ADDR_TEXT_MAX];
	struct slice head = via->text;

	if (via->params.len > 0)
		head = slice_first(head, (size_t)(via->params.p - head.p));
	head = slice_trim(head);
	if (head.len > 0 && head.p[head.len - 1] == ';')
		head.len--;
	buf_addslice(ret_text, slice_trim(head));
	copy_via_params(ret_text, via->params, has_overload);
	if (via->has_rport || !host_is(via, &flow->remote))
		buf_addf(ret_text, ";received=%s", addr_ip_text(&flow->remote, ip));
	if (via->has_rport)
		buf_addf(ret_text, ";rport=%u", addr_port(&flow->remote));
	if (has_overload)
		add_overload(layer, ret_text);
}

static int add_sent_by(struct sip_tx_layer *layer, const struct sip_flow *flow, struct buf *buf)
{
	char text[ADDR_TEXT_MAX];
	struct addr local;
	int err;

	if (slice_present(layer->public_host)) {
		buf_addslice(buf, layer->public_host);
		return 0;
	}
	err = layer->net.ops->local_for(layer->net.ctx, flow->proto, &flow->remote, &local);
	if (err)
		return err;
	buf_adds(buf, addr_text(&local, text));
	return 0;
}

int sip_tx_begin(struct sip_tx_layer *layer, const struct sip_tx_request *request, struct buf *buf,
		 char ret_branch[SIP_BRANCH_MAX])
{
	static const char cookie[] = "z9hG4bK";
	struct buf via = BUF_INIT;
	int err;

	buf_addf(&via, "SIP/2.0/%s ", sip_proto_via(request->flow.proto));
	err = add_sent_by(layer, &request->flow, &via);
	if (err)
		goto done;
	memcpy(ret_branch, cookie, sizeof(cookie));
	random_token(layer->random, ret_branch + sizeof(cookie) - 1, 26);
	buf_addf(&via, ";branch=%s;rport", ret_branch);
	/* Who knows us by the certificate that we show may send its requests on this connection
	 * (RFC 5923 5.1). */
	if (request->flow.proto == SIP_TLS)
		buf_adds(&via, ";alias");
	if (layer->has_overload_control)
		buf_adds(&via, SIP_OVERLOAD_OFFER);
	sip_build_request(buf, request->method, request->uri);
	sip_build_header_slice(buf, "Via", buf_slice(&via));
	err = buf_err(&via);
done:
	buf_done(&via);
	return err;
}

int sip_tx_send(struct sip_tx_layer *layer, const struct sip_flow *flow, struct slice text)
{
	layer->stats->requests_out[SIP_METHOD_ACK]++;
	return layer->net.ops->send(layer->net.ctx, flow, text, NULL);
}

bool sip_tx_leaves_out(struct sip_tx_layer *layer, const struct addr *remote)
{
	uint8_t percent = sip_overload_wish(&layer->overloaded, remote, wheel_now_ms(layer->wheel));

	if (percent == 0 || random_below(layer->random, 100) >= percent)
		return false;
	layer->stats->left_out++;
	return true;
}

/* Answers without a transaction
 * -------------------------------------------------------------------- */

/* The tag must come out the same for a retransmission (8.2.7): a keyed hash of what stays equal. */
static void stateless_tag(const struct sip_msg *request, char out[SIP_TAG_MAX])
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	struct slice call_id = sip_msg_value(request, SIP_H_CALL_ID);
	uint64_t h = hash_mix(hash_slice(sip_msg_value(request, SIP_H_VIA)), hash_slice(call_id));

	for (int i = 0; i < 12; i++, h >>= 5)
		out[i] = digits[h & 31];
	out[12] = '\0';
}

void sip_tx_answer_stateless(struct sip_tx_layer *layer, const struct sip_flow *flow,
			     const struct sip_msg *request, const struct sip_reply *reply)
{
	struct buf via_text = BUF_INIT, buf = BUF_INIT;
	char tag[SIP_TAG_MAX];
	struct sip_flow path;
	struct sip_via via;

	if (request->method == SIP_METHOD_ACK || sip_msg_via(request, &via) ||
	    sip_tx_response_path(flow, &via, &path))
		return;
	stateless_tag(request, tag);
	sip_tx_top_via(layer, flow, &via, &via_text);
	sip_build_response(&buf, &(struct sip_build_response){
					 .request = request,
					 .status = reply->status,
					 .reason = reply->reason,
					 .to_tag = tag,
					 .top_via = buf_slice(&via_text),
				 });
	if (reply->headers)
		buf_adds(&buf, reply->headers);
	if (layer->product)
		sip_build_header(&buf, "Server", "%s", layer->product);
	sip_build_end(&buf, NULL, SLICE_NONE);
	if (buf_err(&via_text) == 0 && buf_err(&buf) == 0) {
		sip_tx_count_response_out(layer, reply->status);
		(void)layer->net.ops->send(layer->net.ctx, &path, buf_slice(&buf), NULL);
	}
	buf_done(&via_text);
	buf_done(&buf);
}

bool sip_tx_may_begin(struct sip_tx_layer *layer, const struct sip_flow *flow,
		      const struct sip_msg *request)
{
	struct buf headers = BUF_INIT;
	uint16_t status = 0;

	if (layer->handlers.may_begin)
		status = layer->handlers.may_begin(layer->handlers.arg, flow, request, &headers);
	if (status > SIP_TX_SILENCE)
		sip_tx_answer_stateless(
			layer, flow, request,
			&(struct sip_reply){.status = status, .headers = headers.p});
	buf_done(&headers);
	return status == 0;
}

/* The one table from parse errors to statuses. */
static uint16_t status_of(int err)
{
	switch (err) {
	case ERR_SIP_VERSION:
		return 505;
	case ERR_SIP_TOO_LARGE:
	case ERR_SIP_TOO_MANY_HEADERS:
		return 513;
	case ERR_SIP_URI_SCHEME:
		return 416;
	default:
		return 400;
	}
}

static void refuse_malformed(struct sip_tx_layer *layer, const struct sip_flow *flow,
			     const struct sip_msg *msg, int err)
{
	layer->stats->malformed++;
	if (!msg->is_request || !sip_msg_can_answer(msg) || !sip_tx_may_begin(layer, flow, msg))
		return;
	sip_tx_answer_stateless(layer, flow, msg,
				&(struct sip_reply){
					.status = status_of(err),
					.reason = err == ERR_SIP_VERSION ? NULL : err_text(err),
				});
}

/* Events of the net
 * ---------------------------------------------------------------------------------- */

static void on_message(void *arg, const struct sip_flow *flow, struct slice data)
{
	struct sip_tx_layer *layer = arg;
	struct sip_msg msg; /* of which the parser writes what it needs */
	int err = sip_msg_parse(data.p, data.len, &msg);

	if (err) {
		refuse_malformed(layer, flow, &msg, err);
		return;
	}
	if (!msg.is_request) {
		sip_ctx_receive(layer, &msg);
		return;
	}
	layer->stats->requests_in[msg.method]++;
	sip_stx_receive(layer, flow, &msg);
}

static void on_failed(void *arg, const struct sip_flow *flow, int err)
{
	struct sip_tx_layer *layer = arg;

	(void)err;
	layer->stats->transport_failures++;
	sip_ctx_fail_flow(layer, flow);
}

static void on_garbage(void *arg, const struct sip_flow *flow, int err)
{
	struct sip_tx_layer *layer = arg;

	(void)flow;
	(void)err;
	layer->stats->malformed++;
}

/* Life
 * ------------------------------------------------------------------------------------------------
 */

static int make_tables(struct sip_tx_layer *layer)
{
	int err;

	err = hash_new(sip_ctx_match, &layer->clients);
	if (!err)
		err = hash_new(sip_ctx_match_remote, &layer->by_remote);
	if (!err)
		err = hash_new(sip_stx_match, &layer->servers);
	if (!err)
		err = hash_new(sip_stx_match_merge, &layer->merges);
	if (!err)
		err = pool_new(sizeof(struct sip_stx), sizeof(struct sip_stx_rest),
			       &layer->stx_pool);
	return err;
}

int sip_tx_layer_new(const struct sip_tx_params *params, struct sip_tx_layer **ret_layer)
{
	struct sip_tx_layer *layer = calloc(1, sizeof(*layer));
	int err = -ENOMEM;

	assert(params->wheel && params->random && params->stats && params->net.ops);
	if (!layer)
		return err;
	layer->wheel = params->wheel;
	layer->random = params->random;
	layer->net = params->net;
	layer->handlers = params->handlers;
	layer->t1_ms = params->t1_ms ? params->t1_ms : T1_MS;
	layer->t2_ms = params->t2_ms ? params->t2_ms : T2_MS;
	layer->t4_ms = params->t4_ms ? params->t4_ms : T4_MS;
	layer->transactions_max = params->transactions_max;
	layer->has_overload_control = params->has_overload_control;
	layer->product = params->product;
	layer->public_host = params->public_host;
	layer->stats = params->stats;
	wheel_expect(layer->wheel,
		     64 * (uint64_t)layer->t1_ms); /* how transactions end, most of them */
	wheel_expect(layer->wheel, layer->t4_ms);
	list_init(&layer->all_clients);
	list_init(&layer->all_servers);
	err = make_tables(layer);
	if (err)
		goto fail;
	layer->net.ops->listen(layer->net.ctx, &(struct sip_net_events){
						       .on_message = on_message,
						       .on_failed = on_failed,
						       .on_garbage = on_garbage,
						       .arg = layer,
					       });
	*ret_layer = layer;
	return 0;
fail:
	sip_tx_layer_free(layer);
	return err;
}

struct sip_tx_layer *sip_tx_layer_free(struct sip_tx_layer *layer)
{
	if (!layer)
		return NULL;
	layer->net.ops->listen(layer->net.ctx, NULL);
	sip_ctx_free_all(layer);
	sip_stx_free_all(layer);
	layer->clients = hash_free(layer->clients);
	layer->by_remote = hash_free(layer->by_remote);
	layer->servers = hash_free(layer->servers);
	layer->merges = hash_free(layer->merges);
	layer->stx_pool = pool_free(layer->stx_pool);
	buf_done(&layer->scratch);
	free(layer);
	return NULL;
}

uint32_t sip_tx_t1_ms(const struct sip_tx_layer *layer)
{
	return layer->t1_ms;
}

uint32_t sip_tx_t2_ms(const struct sip_tx_layer *layer)
{
	return layer->t2_ms;
}

uint32_t sip_tx_t4_ms(const struct sip_tx_layer *layer)
{
	return layer->t4_ms;
}

void *sip_tx_layer_arg(const struct sip_tx_layer *layer)
{
	return layer->handlers.arg;
}
