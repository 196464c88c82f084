/* Challenges to requests of a call (RFC 3261 22.2, 22.3), and the nonce for the next (RFC
 * 7616 3.5). What was answered once goes into the later requests of the call unasked, and into the
 * ACK of its INVITE as it was (22.1). */
#include "base/err.h"
#include "sip/request.h"
#include "sip/ua_priv.h"

static int ask(struct call_tx *tx, const struct sip_msg *response, struct slice given,
	       struct buf *ret_lines)
{
	const struct sip_ua *ua = tx->call->ua;
	struct sip_challenged challenged = {
		.method = slice_of(tx->method),
		.uri = sip_dialog_request_uri(tx->dialog),
		.body = buf_slice(&tx->body),
		.from = slice_of(tx->dialog->local),
		.response = response,
		.given = given,
		.tries = tx->tries,
	};
	int err = ua->credentials(ua->credentials_arg, &challenged, ret_lines);

	return err ? err : buf_err(ret_lines);
}

/* The lines go into this request, and into the memory of the call. */
static void keep(struct call_tx *tx, struct buf *lines)
{
	buf_done(&tx->credentials);
	tx->credentials = *lines;
	buf_clear(&tx->call->credentials);
	buf_addslice(&tx->call->credentials, buf_slice(lines));
}

static void copy_from_invite(struct call_tx *ack)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &ack->call->txs) {
		struct call_tx *tx = LIST_ENTRY(it, struct call_tx, node);

		if (tx != ack && tx->cseq == ack->cseq &&
		    (tx->kind == CALL_TX_INVITE || tx->kind == CALL_TX_REINVITE))
			buf_addslice(&ack->credentials, buf_slice(&tx->credentials));
	}
}

void call_auth_prepare(struct call_tx *tx)
{
	struct sip_call *call = tx->call;
	struct buf lines = BUF_INIT;

	if (tx->kind == CALL_TX_ACK)
		copy_from_invite(tx);
	else if (call->credentials.len > 0 && call->ua->credentials &&
		 !ask(tx, NULL, buf_slice(&call->credentials), &lines))
		keep(tx, &lines);
	else
		buf_done(&lines); /* then it is asked for them */
}

bool call_auth_again(struct call_tx *tx, const struct sip_msg *response)
{
	struct buf lines = BUF_INIT;

	if (!tx->call->ua->credentials || tx->tries == SIP_REQUEST_TRIES_MAX ||
	    (tx->call->state == SIP_CALL_ENDING && tx->kind != CALL_TX_BYE))
		return false;
	if (ask(tx, response, buf_slice(&tx->credentials), &lines)) {
		buf_done(&lines);
		return false;
	}
	keep(tx, &lines);
	tx->tries++;
	tx->cseq = ++tx->dialog->local_cseq;
	return call_tx_send(tx) == 0;
}

void call_auth_answered(struct call_tx *tx, const struct sip_msg *response)
{
	struct sip_call *call = tx->call;
	struct slice mine = buf_slice(&tx->credentials);
	struct buf lines = BUF_INIT;
	int err;

	/* Once for each 2xx, and not where a later request has gone on. */
	if (mine.len == 0 || !call->ua->credentials ||
	    !slice_eq(mine, buf_slice(&call->credentials)))
		return;
	err = ask(tx, response, mine, &lines);
	if (err == ERR_AUTH_FAILED)
		call->ua->stats.rspauth_wrong++;
	if (!err) {
		buf_clear(&call->credentials);
		buf_addslice(&call->credentials, buf_slice(&lines));
	}
	buf_done(&lines);
}
