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

static struct sip_stx_rest *rest_of(const struct sip_stx *tx)
{
	return tx->item.rest;
}

static struct slice stx_key(const struct sip_stx *tx)
{
	return slice_make(rest_of(tx)->text, rest_of(tx)->key_len);
}

static struct slice stx_merge_key(const struct sip_stx *tx)
{
	return slice_make(rest_of(tx)->text + rest_of(tx)->key_len, rest_of(tx)->merge_len);
}

static struct slice stx_top_via(const struct sip_stx *tx)
{
	const struct sip_stx_rest *rest = rest_of(tx);

	return slice_make(rest->text + rest->key_len + rest->merge_len, rest->via_len);
}

bool sip_stx_match(const struct hash_node *node, const void *key)
{
	const struct sip_stx *tx = CONTAINER_OF(node, struct sip_stx, node);
	const struct slice *want = key;

	__builtin_prefetch(&rest_of(tx)->path); /* the way of the answer that is sent again */
	return slice_eq(stx_key(tx), *want);
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

	return key.text.len > 0 && hash_find(tx->layer->merges, hash_slice(key.text), &key) != NULL;
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

/* What of the room the texts leave: for the response. */
static struct slice room_left(const struct sip_stx_rest *rest)
{
	size_t used = (size_t)rest->key_len + rest->merge_len + rest->via_len;

	return rest->text == rest->room ? slice_from(slice_make(rest->room, SIP_STX_ROOM), used)
					: SLICE_NONE;
}

static void drop_response(struct sip_stx_rest *rest)
{
	if (rest->response != room_left(rest).p)
		free(rest->response);
	rest->response = NULL;
	rest->response_len = 0;
}

/* Keeps a copy of `text` as the last response. -ENOMEM. */
static int keep_response(struct sip_stx *tx, struct slice text)
{
	struct sip_stx_rest *rest = rest_of(tx);
	char *to = rest->room + (room_left(rest).p - rest->room);

	if (text.len > room_left(rest).len) {
		to = malloc(text.len);
		if (!to)
			return -ENOMEM;
		tx->has_memory = true;
	}
	drop_response(rest);
	memcpy(to, text.p, text.len);
	rest->response = to;
	rest->response_len = text.len;
	return 0;
}

static void free_memory(struct sip_stx_rest *rest)
{
	drop_response(rest);
	buf_done(&rest->note);
	free(rest->request);
	if (rest->text != rest->room)
		free(rest->text);
}

static void free_tx(struct sip_stx *tx)
{
	struct sip_tx_layer *layer = tx->layer;

	unlink_tx(tx);
	timer_stop(layer->wheel, &tx->timers.resend);
	timer_stop(layer->wheel, &tx->timers.life);
	list_remove(&tx->all);
	layer->stats->server_transactions--;
	if (tx->has_memory)
		free_memory(rest_of(tx));
	pool_give(layer->stx_pool, tx);
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
		tx->on_event(rest_of(tx)->watcher, tx, event);
}

/* The core owes nothing more. */
static void release(struct sip_stx *tx)
{
	tx->is_held = false;
	if (!tx->has_memory)
		return;
	free(rest_of(tx)->request);
	rest_of(tx)->request = NULL;
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

static bool send_text(struct sip_stx *tx)
{
	struct sip_net *net = &tx->layer->net;
	struct sip_stx_rest *rest = rest_of(tx);
	struct slice text = slice_make(rest->response, rest->response_len);

	return net->ops->send(net->ctx, &rest->path, text, &rest->path) == 0;
}

static bool send_response(struct sip_stx *tx)
{
	sip_tx_count_response_out(tx->layer, tx->status);
	return send_text(tx);
}

static bool resend_response(struct sip_stx *tx)
{
	if (rest_of(tx)->response_len == 0)
		return true;
	tx->layer->stats->retransmits_out++;
	return send_text(tx);
}

static void handle(struct sip_stx *tx, enum sip_tx_event event)
{
	const struct sip_tx_row *row = sip_tx_row(tx->machine, tx->state, event);
	bool was_over = tx->state == SIP_TX_TERMINATED;
	bool is_sent = true;

	assert(row->is_listed);
	tx->state = row->next;
	sip_tx_set_timers(tx->layer, row, &tx->timers, tx->is_reliable);
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

/* Many end in turn, in the order of their beginning, and the memory of each is cold: what the end
 * of the one after the next will write to is asked for while this one ends. */
static void fetch_ahead(const struct sip_stx *tx)
{
	const struct list *ahead = tx->all.next->next;
	const struct sip_stx *later = CONTAINER_OF(ahead, struct sip_stx, all);

	if (ahead == &tx->layer->all_servers)
		return;
	__builtin_prefetch(later->node.at, 1);
	__builtin_prefetch(later->merge_node.at, 1);
}

static void on_life(void *arg)
{
	struct sip_stx *tx = arg;

	fetch_ahead(tx);
	if (tx->state != SIP_TX_TERMINATED) {
		if (tx->is_held) /* the core has forgotten it; the peer's timer F has fired */
			release(tx);
		handle(tx, SIP_TX_EXPIRE);
		if (tx->state != SIP_TX_TERMINATED)
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

/* Key, merge key and top Via in one piece. -ENOMEM. */
static int keep_texts(struct sip_stx *tx, const struct new_tx *from)
{
	struct slice key = buf_slice(&from->key), merge = buf_slice(&from->merge);
	struct slice via = buf_slice(&from->top_via);
	struct sip_stx_rest *rest = rest_of(tx);
	size_t len = key.len + merge.len + via.len;

	rest->text = rest->room;
	if (len > sizeof(rest->room)) {
		rest->text = malloc(len);
		tx->has_memory = true;
	}
	if (!rest->text)
		return -ENOMEM;
	rest->key_len = (uint16_t)key.len;
	rest->merge_len = (uint16_t)merge.len;
	rest->via_len = (uint16_t)via.len;
	memcpy(rest->text, key.p, key.len);
	memcpy(rest->text + key.len, merge.p, merge.len);
	memcpy(rest->text + key.len + merge.len, via.p, via.len);
	return 0;
}

static struct sip_stx *alloc_tx(struct sip_tx_layer *layer, const struct new_tx *from)
{
	struct sip_stx *tx = pool_take(layer->stx_pool);
	struct sip_stx_rest *rest;

	if (!tx)
		return NULL;
	rest = rest_of(tx);
	*tx = (struct sip_stx){.item = tx->item, .layer = layer, .is_held = true};
	memset(rest, 0, offsetof(struct sip_stx_rest, room));
	if (keep_texts(tx, from) != 0) {
		pool_give(layer->stx_pool, tx);
		return NULL;
	}
	rest->flow = *from->flow;
	rest->path = from->path;
	tx->is_reliable = sip_proto_is_reliable(from->flow->proto);
	tx->method = (uint8_t)from->request->method;
	tx->machine = tx->method == SIP_METHOD_INVITE ? SIP_TX_INVITE_SERVER : SIP_TX_SERVER;
	tx->state = SIP_TX_TRYING;
	random_token(layer->random, rest->to_tag, 12);
	timer_init(&tx->timers.resend, on_resend, tx);
	timer_init(&tx->timers.life, on_life, tx);
	hash_add(layer->servers, &tx->node, hash_slice(stx_key(tx)));
	if (rest->merge_len > 0)
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
	struct sip_stx_rest *rest = rest_of(tx);

	rest->live = request;
	tx->layer->handlers.on_request(tx->layer->handlers.arg, tx, request);
	rest->live = NULL;
	if (!tx->is_held)
		return;
	if (tx->machine == SIP_TX_SERVER) /* an INVITE may ring for as long as its call lasts */
		timer_start(tx->layer->wheel, &tx->timers.life, 64 * (uint64_t)tx->layer->t1_ms);
	tx->has_memory = true;
	rest->request = malloc(request->text.len);
	if (rest->request) {
		memcpy(rest->request, request->text.p, request->text.len);
		rest->request_len = request->text.len;
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
	sip_tx_top_via(layer, from->flow, from->via, &from->top_via);
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

static void copy_fields(const struct sip_msg *request, enum sip_header_id id, struct buf *buf)
{
	const struct sip_header *field = NULL;

	while ((field = sip_msg_next(request, id, field)))
		sip_build_header_slice(buf, sip_header_id_name(id),
				       sip_header_value(request, field));
}

static void write_response(struct sip_stx *tx, const struct sip_msg *request,
			   const struct sip_stx_response *response, struct buf *buf)
{
	const struct sip_reply *reply = response->reply;

	sip_build_response(buf, &(struct sip_build_response){
					.request = request,
					.status = reply->status,
					.reason = reply->reason,
					.to_tag = reply->status > 100 ? rest_of(tx)->to_tag : NULL,
					.top_via = stx_top_via(tx),
				});
	if (reply->status > 100 && reply->status < 300)
		copy_fields(request, SIP_H_RECORD_ROUTE, buf);
	/* To who can read it, what it says of where it has been (RFC 7044 9.3). */
	if (reply->status > 100 && sip_list_has(request, SIP_H_SUPPORTED, "histinfo"))
		copy_fields(request, SIP_H_HISTORY_INFO, buf);
	if (slice_present(response->headers))
		buf_addslice(buf, response->headers);
	if (reply->headers)
		buf_adds(buf, reply->headers);
	if (reply->status >= 200 && reply->status < 300)
		buf_addslice(buf, buf_slice(&rest_of(tx)->note));
	if (tx->layer->product)
		sip_build_header(buf, "Server", "%s", tx->layer->product);
	sip_build_end(buf, reply->content_type, reply->body);
}

void sip_stx_note(struct sip_stx *tx, struct slice lines)
{
	struct buf *note = &rest_of(tx)->note;

	tx->has_memory = true;
	buf_addslice(note, lines);
	if (buf_err(note))
		buf_done(note);
}

static int build(struct sip_stx *tx, const struct sip_stx_response *response, struct buf *buf)
{
	const struct sip_stx_rest *rest = rest_of(tx);
	struct sip_msg msg;
	int err;

	if (rest->live) {
		write_response(tx, rest->live, response, buf);
		return buf_err(buf);
	}
	if (!rest->request)
		return -ENOMEM;
	err = sip_msg_parse(rest->request, rest->request_len, &msg);
	if (err)
		return err;
	write_response(tx, &msg, response, buf);
	return buf_err(buf);
}

int sip_stx_respond(struct sip_stx *tx, const struct sip_stx_response *response)
{
	uint16_t status = response->reply->status;
	struct buf *buf = &tx->layer->scratch;
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
	buf_clear(buf);
	err = build(tx, response, buf);
	if (!err)
		err = keep_response(tx, buf_slice(buf));
	if (err)
		return err;
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
	rest_of(tx)->watcher = on_event ? arg : NULL;
}

void *sip_stx_watcher(const struct sip_stx *tx)
{
	return rest_of(tx)->watcher;
}

const char *sip_stx_tag(const struct sip_stx *tx)
{
	return rest_of(tx)->to_tag;
}

void sip_stx_set_tag(struct sip_stx *tx, const char *tag)
{
	assert(strlen(tag) < SIP_TAG_MAX && tx->status <= 100);
	slice_cstr(slice_of(tag), rest_of(tx)->to_tag, SIP_TAG_MAX);
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
	return &rest_of(tx)->flow;
}
