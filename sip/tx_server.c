/* Server transactions (RFC 3261 17.2, RFC 6026 7.1), driven by sip/tx_table.h.
 *
 * The request is kept as text until the final answer and parsed again when an answer is written: an
 * index of header fields is larger than most messages. Afterwards only the last response is kept.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/tx_priv.h"

/* Matching (17.2.3)
 * ---------------------------------------------------------------------------------- */

static bool has_cookie(const struct sip_via *via)
{
	return slice_istarts(via->branch, SLICE("z9hG4bK")) && via->branch.len > 7;
}

static void lower(struct buf *buf, size_t from)
{
	for (size_t i = from; i < buf->len; i++) {
		if (buf->p[i] >= 'A' && buf->p[i] <= 'Z')
			buf->p[i] += 'a' - 'A';
	}
}

/* The key of the transaction that `method` of this message belongs to; ACK and CANCEL pass
 * "INVITE". */
static void write_key(struct buf *buf, const struct sip_msg *msg, const struct sip_via *via,
		      struct slice method)
{
	struct sip_addr from;
	struct sip_cseq cseq = {0};

	buf_addslice(buf, method);
	buf_addc(buf, '\n');
	if (has_cookie(via)) {
		size_t start = buf->len;

		buf_addslice(buf, via->branch);
		buf_addf(buf, "\n" SLICE_FMT ":%u", SLICE_ARG(via->host), via->port);
		if (buf_err(buf) == 0)
			lower(buf, start);
		return;
	}
	(void)sip_msg_cseq(msg, &cseq);
	buf_addslice(buf, msg->request_uri);
	buf_addc(buf, '\n');
	if (sip_msg_addr(msg, SIP_H_FROM, &from) == 0)
		buf_addslice(buf, sip_addr_tag(&from));
	buf_addc(buf, '\n');
	buf_addslice(buf, sip_msg_value(msg, SIP_H_CALL_ID));
	buf_addf(buf, "\n%u\n", cseq.number);
	buf_addslice(buf, via->text);
}

/* From tag, Call-ID and CSeq of a request outside a dialog (8.2.2.2); empty otherwise. */
static void write_merge_key(struct buf *buf, const struct sip_msg *msg)
{
	struct sip_cseq cseq;

	if (msg->method == SIP_METHOD_CANCEL || slice_present(sip_msg_tag(msg, SIP_H_TO)) ||
	    sip_msg_cseq(msg, &cseq))
		return;
	buf_addslice(buf, sip_msg_tag(msg, SIP_H_FROM));
	buf_addc(buf, '\n');
	buf_addslice(buf, sip_msg_value(msg, SIP_H_CALL_ID));
	buf_addf(buf, "\n%u " SLICE_FMT, cseq.number, SLICE_ARG(cseq.method_text));
}

static struct slice stx_key(const struct sip_stx *tx)
{
	return slice_make(tx->text, tx->key_len);
}

static struct slice stx_merge_key(const struct sip_stx *tx)
{
	return slice_make(tx->text + tx->key_len, tx->merge_len);
}

static struct slice stx_top_via(const struct sip_stx *tx)
{
	return slice_make(tx->text + tx->key_len + tx->merge_len, tx->via_len);
}

bool sip_stx_match(const struct hash_node *node, const void *key)
{
	const struct slice *want = key;

	return slice_eq(stx_key(CONTAINER_OF(node, struct sip_stx, node)), *want);
}

struct merge_key {
	struct slice text;
	const struct sip_stx *other; /* a transaction is not merged with itself */
};

bool sip_stx_match_merge(const struct hash_node *node, const void *key)
{
	const struct sip_stx *tx = CONTAINER_OF(node, struct sip_stx, merge_node);
	const struct merge_key *want = key;

	return tx != want->other && slice_eq(stx_merge_key(tx), want->text);
}

bool sip_stx_is_merged(const struct sip_stx *tx)
{
	struct merge_key key = {stx_merge_key(tx), tx};

	return tx->merge_len > 0 &&
	       hash_find(tx->layer->merges, hash_slice(key.text), &key) != NULL;
}

static struct sip_stx *find(struct sip_tx_layer *layer, const struct sip_msg *msg,
			    const struct sip_via *via, struct slice method)
{
	struct hash_node *node = NULL;
	struct buf key = BUF_INIT;
	struct slice text;

	write_key(&key, msg, via, method);
	text = buf_slice(&key);
	if (buf_err(&key) == 0)
		node = hash_find(layer->servers, hash_slice(text), &text);
	buf_done(&key);
	return node ? CONTAINER_OF(node, struct sip_stx, node) : NULL;
}

struct sip_stx *sip_stx_find_cancelled(struct sip_tx_layer *layer, const struct sip_msg *cancel)
{
	struct sip_via via;

	return sip_msg_via(cancel, &via) ? NULL : find(layer, cancel, &via, SLICE("INVITE"));
}

/* The machine
 * ------------------------------------------------------------------------------------------ */

static void unlink_tx(struct sip_stx *tx)
{
	hash_remove(tx->layer->servers, &tx->node);
	hash_remove(tx->layer->merges, &tx->merge_node);
}

static void free_tx(struct sip_stx *tx)
{
	unlink_tx(tx);
	timer_stop(tx->layer->wheel, &tx->timers.resend);
	timer_stop(tx->layer->wheel, &tx->timers.life);
	list_remove(&tx->all);
	tx->layer->stats->server_transactions--;
	buf_done(&tx->response);
	buf_done(&tx->note);
	free(tx->request);
	free(tx);
}

void sip_stx_free_all(struct sip_tx_layer *layer)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &layer->all_servers)
		free_tx(LIST_ENTRY(it, struct sip_stx, all));
}

static void tell(struct sip_stx *tx, enum sip_stx_event event)
{
	if (tx->on_event)
		tx->on_event(tx->watcher, tx, event);
}

/* The core owes nothing more. */
static void release(struct sip_stx *tx)
{
	tx->is_held = false;
	free(tx->request);
	tx->request = NULL;
}

/* Freed from the timer; while the core holds it (an answer is owed) not before the peer has given
 * up. */
static void terminate(struct sip_stx *tx)
{
	unlink_tx(tx);
	timer_stop(tx->layer->wheel, &tx->timers.resend);
	timer_start(tx->layer->wheel, &tx->timers.life,
		    tx->is_held ? 64 * (uint64_t)tx->layer->t1_ms : 0);
}

static bool send_response(struct sip_stx *tx)
{
	struct sip_net *net = &tx->layer->net;

	sip_tx_count_response_out(tx->layer, tx->status);
	return net->ops->send(net->ctx, &tx->path, buf_slice(&tx->response), &tx->path) == 0;
}

static bool resend_response(struct sip_stx *tx)
{
	struct sip_net *net = &tx->layer->net;

	if (tx->response.len == 0)
		return true;
	tx->layer->stats->retransmits_out++;
	return net->ops->send(net->ctx, &tx->path, buf_slice(&tx->response), &tx->path) == 0;
}

static void handle(struct sip_stx *tx, enum sip_tx_event event)
{
	const struct sip_tx_row *row = sip_tx_row(tx->machine, tx->state, event);
	bool was_over = tx->state == SIP_TX_TERMINATED;
	bool is_sent = true;

	assert(row->is_listed);
	tx->state = row->next;
	sip_tx_set_timers(tx->layer, row, &tx->timers, sip_proto_is_reliable(tx->flow.proto));
	if (tx->state == SIP_TX_TERMINATED && !was_over)
		terminate(tx);
	if (row->actions & SIP_TX_DO_ANSWER)
		is_sent = send_response(tx);
	if (row->actions & SIP_TX_DO_RESEND)
		is_sent = resend_response(tx);
	if ((row->actions & SIP_TX_DO_PASS) && tx->state == SIP_TX_CONFIRMED)
		tell(tx, SIP_STX_ACKED);
	if (row->actions & SIP_TX_DO_TIMEOUT)
		tell(tx, SIP_STX_TIMEOUT);
	if (row->actions & SIP_TX_DO_REPORT) {
		tx->layer->stats->transport_failures++;
		tell(tx, SIP_STX_ERROR);
	}
	if (!is_sent)
		handle(tx, SIP_TX_ERROR);
}

static void on_resend(void *arg)
{
	handle(arg, SIP_TX_RESEND);
}

static void on_life(void *arg)
{
	struct sip_stx *tx = arg;

	if (tx->state != SIP_TX_TERMINATED) {
		if (tx->is_held) /* the core has forgotten it; the peer's timer F has fired */
			release(tx);
		handle(tx, SIP_TX_EXPIRE);
		return;
	}
	tell(tx, SIP_STX_GONE);
	free_tx(tx);
}

/* Creation
 * -----------------------------------------------------------------------------------------------
 */

struct new_tx {
	const struct sip_flow *flow;
	const struct sip_msg *request;
	const struct sip_via *via;
	struct buf key, merge, top_via;
	struct sip_flow path;
};

static struct sip_stx *alloc_tx(struct sip_tx_layer *layer, const struct new_tx *from)
{
	size_t text_len = from->key.len + from->merge.len + from->top_via.len;
	struct sip_stx *tx = calloc(1, sizeof(*tx) + text_len);
	char *p;

	if (!tx)
		return NULL;
	tx->layer = layer;
	tx->flow = *from->flow;
	tx->path = from->path;
	tx->method = (uint8_t)from->request->method;
	tx->machine = tx->method == SIP_METHOD_INVITE ? SIP_TX_INVITE_SERVER : SIP_TX_SERVER;
	tx->state = SIP_TX_TRYING;
	tx->is_held = true;
	tx->key_len = (uint16_t)from->key.len;
	tx->merge_len = (uint16_t)from->merge.len;
	tx->via_len = (uint16_t)from->top_via.len;
	p = tx->text;
	memcpy(p, buf_slice(&from->key).p, from->key.len);
	memcpy(p + from->key.len, buf_slice(&from->merge).p, from->merge.len);
	memcpy(p + from->key.len + from->merge.len, buf_slice(&from->top_via).p, from->top_via.len);
	random_token(layer->random, tx->to_tag, 12);
	timer_init(&tx->timers.resend, on_resend, tx);
	timer_init(&tx->timers.life, on_life, tx);
	hash_add(layer->servers, &tx->node, hash_slice(stx_key(tx)));
	if (tx->merge_len > 0)
		hash_add(layer->merges, &tx->merge_node, hash_slice(stx_merge_key(tx)));
	list_append(&layer->all_servers, &tx->all);
	layer->stats->server_transactions++;
	return tx;
}

static void refuse(struct sip_tx_layer *layer, const struct new_tx *from, uint16_t status,
		   const char *reason)
{
	struct sip_reply reply = {.status = status, .reason = reason};

	if (status == 503) {
		layer->stats->overload++;
		reply.headers = "Retry-After: 10\r\n";
	}
	sip_tx_answer_stateless(layer, from->flow, from->request, &reply);
}

/* Hands a new request up; when the core does not answer at once it keeps a copy of the text. */
static void hand_up(struct sip_stx *tx, const struct sip_msg *request)
{
	tx->live = request;
	tx->layer->handlers.on_request(tx->layer->handlers.arg, tx, request);
	tx->live = NULL;
	if (!tx->is_held)
		return;
	if (tx->machine == SIP_TX_SERVER) /* an INVITE may ring for as long as its call lasts */
		timer_start(tx->layer->wheel, &tx->timers.life, 64 * (uint64_t)tx->layer->t1_ms);
	tx->request = malloc(request->text.len);
	if (tx->request) {
		memcpy(tx->request, request->text.p, request->text.len);
		tx->request_len = request->text.len;
	}
}

static void start_new(struct sip_tx_layer *layer, struct new_tx *from)
{
	struct slice method = from->request->method_text;
	struct sip_stx *tx = NULL;

	if (sip_tx_response_path(from->flow, from->via, &from->path)) {
		layer->stats->malformed++; /* there is no way to answer it */
		return;
	}
	if (!sip_tx_may_begin(layer, from->flow, from->request))
		return;
	write_key(&from->key, from->request, from->via, method);
	write_merge_key(&from->merge, from->request);
	sip_tx_top_via(from->flow, from->via, &from->top_via);
	if (from->key.len > SIP_TX_KEY_MAX || from->merge.len > SIP_TX_KEY_MAX ||
	    from->top_via.len > SIP_TX_VIA_TEXT_MAX) {
		layer->stats->malformed++;
		refuse(layer, from, 400, "Via, Call-ID or tag is too long");
	} else if (!sip_tx_has_room(layer)) {
		refuse(layer, from, 503, NULL);
	} else if (buf_err(&from->key) == 0 && buf_err(&from->merge) == 0 &&
		   buf_err(&from->top_via) == 0) {
		tx = alloc_tx(layer, from);
	}
	if (tx)
		hand_up(tx, from->request);
}

void sip_stx_receive(struct sip_tx_layer *layer, const struct sip_flow *flow,
		     const struct sip_msg *request)
{
	bool is_ack = request->method == SIP_METHOD_ACK;
	struct sip_via via;
	struct sip_stx *tx;

	if (sip_msg_via(request, &via)) {
		layer->stats->malformed++;
		return;
	}
	tx = find(layer, request, &via, is_ack ? SLICE("INVITE") : request->method_text);
	if (is_ack) {
		if (tx)
			handle(tx, SIP_TX_GOT_ACK);
		if (!tx || tx->state == SIP_TX_ACCEPTED)
			layer->handlers.on_ack(layer->handlers.arg, flow, request);
		return;
	}
	if (tx) {
		layer->stats->retransmits_in++;
		handle(tx, SIP_TX_GOT_REQUEST);
		return;
	}
	struct new_tx from = {.flow = flow, .request = request, .via = &via};

	start_new(layer, &from);
	buf_done(&from.key);
	buf_done(&from.merge);
	buf_done(&from.top_via);
}

/* Answers
 * -------------------------------------------------------------------------------------------------
 */

static void write_response(struct sip_stx *tx, const struct sip_msg *request,
			   const struct sip_stx_response *response, struct buf *buf)
{
	const struct sip_reply *reply = response->reply;
	const struct sip_header *route = NULL;

	sip_build_response(buf, &(struct sip_build_response){
					.request = request,
					.status = reply->status,
					.reason = reply->reason,
					.to_tag = reply->status > 100 ? tx->to_tag : NULL,
					.top_via = stx_top_via(tx),
				});
	if (reply->status > 100 && reply->status < 300) {
		while ((route = sip_msg_next(request, SIP_H_RECORD_ROUTE, route)))
			sip_build_header_slice(buf, "Record-Route",
					       sip_header_value(request, route));
	}
	if (slice_present(response->headers))
		buf_addslice(buf, response->headers);
	if (reply->headers)
		buf_adds(buf, reply->headers);
	if (reply->status >= 200 && reply->status < 300)
		buf_addslice(buf, buf_slice(&tx->note));
	if (tx->layer->product)
		sip_build_header(buf, "Server", "%s", tx->layer->product);
	sip_build_end(buf, reply->content_type, reply->body);
}

void sip_stx_note(struct sip_stx *tx, struct slice lines)
{
	buf_addslice(&tx->note, lines);
	if (buf_err(&tx->note))
		buf_done(&tx->note);
}

static int build(struct sip_stx *tx, const struct sip_stx_response *response, struct buf *buf)
{
	struct sip_msg msg;
	int err;

	if (tx->live) {
		write_response(tx, tx->live, response, buf);
		return buf_err(buf);
	}
	if (!tx->request)
		return -ENOMEM;
	err = sip_msg_parse(tx->request, tx->request_len, &msg);
	if (err)
		return err;
	write_response(tx, &msg, response, buf);
	return buf_err(buf);
}

int sip_stx_respond(struct sip_stx *tx, const struct sip_stx_response *response)
{
	uint16_t status = response->reply->status;
	struct buf buf = BUF_INIT;
	int err;

	assert(status >= 100 && status < 700);
	if (!tx->is_held)
		return ERR_STATE;
	if (tx->state == SIP_TX_TERMINATED) { /* a provisional answer could not be sent */
		if (status >= 200) {
			release(tx);
			timer_start(tx->layer->wheel, &tx->timers.life, 0);
		}
		return 0;
	}
	err = build(tx, response, &buf);
	if (err) {
		buf_done(&buf);
		return err;
	}
	buf_done(&tx->response);
	tx->response = buf;
	tx->status = status;
	if (status >= 200)
		release(tx);
	handle(tx, status < 200   ? SIP_TX_SEND_1XX
		   : status < 300 ? SIP_TX_SEND_2XX
				  : SIP_TX_SEND_FINAL);
	return 0;
}

void sip_stx_abandon(struct sip_stx *tx)
{
	if (!tx->is_held)
		return;
	release(tx);
	tx->state = SIP_TX_TERMINATED;
	terminate(tx);
}

void sip_stx_repeat(struct sip_stx *tx)
{
	if (tx->state == SIP_TX_ACCEPTED)
		handle(tx, SIP_TX_SEND_2XX);
	else if (tx->state == SIP_TX_PROCEEDING && !resend_response(tx))
		handle(tx, SIP_TX_ERROR);
}

void sip_stx_watch(struct sip_stx *tx, sip_stx_fn *on_event, void *arg)
{
	tx->on_event = on_event;
	tx->watcher = on_event ? arg : NULL;
}

void *sip_stx_watcher(const struct sip_stx *tx)
{
	return tx->watcher;
}

const char *sip_stx_tag(const struct sip_stx *tx)
{
	return tx->to_tag;
}

void sip_stx_set_tag(struct sip_stx *tx, const char *tag)
{
	assert(strlen(tag) < SIP_TAG_MAX && tx->status <= 100);
	slice_cstr(slice_of(tag), tx->to_tag, sizeof(tx->to_tag));
}

enum sip_method sip_stx_method(const struct sip_stx *tx)
{
	return (enum sip_method)tx->method;
}

bool sip_stx_is_final(const struct sip_stx *tx)
{
	return !tx->is_held;
}

uint16_t sip_stx_status(const struct sip_stx *tx)
{
	return tx->status;
}

struct sip_tx_layer *sip_stx_layer(const struct sip_stx *tx)
{
	return tx->layer;
}

const struct sip_flow *sip_stx_flow(const struct sip_stx *tx)
{
	return &tx->flow;
}
