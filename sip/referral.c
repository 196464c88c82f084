/* Being referred: the 2xx to a REFER, and NOTIFYs with the status of what it asked for (RFC 3515
 * 2.4). With explicitsub the referrer subscribes by itself, to a URI that the 2xx names (RFC 7614
 * 5).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/refer_priv.h"

struct sip_referral {
	struct list node; /* ua->referrals */
	struct sip_ua *ua;
	struct sip_sub *subs[SIP_REFER_WATCHERS_MAX];
	uint32_t sub_count;
	char token[REFER_TOKEN_CHARS + 1]; /* "" unless explicit */
	uint16_t status;
	char reason[SIP_REFER_REASON_MAX];
	struct timer soon; /* tells on_ended */
	void (*on_ended)(void *arg, struct sip_referral *referral);
	void *arg;
};

#define SIPFRAG "message/sipfrag;version=2.0"

static void free_referral(struct sip_referral *referral)
{
	timer_stop(referral->ua->wheel, &referral->soon);
	list_remove(&referral->node);
	referral->ua->referral_count--;
	free(referral);
}

void referrals_free(struct sip_ua *ua)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &ua->referrals)
		free_referral(LIST_ENTRY(it, struct sip_referral, node));
}

/* An explicit subscription may come after the final status, which must still be told (RFC 7614 5).
 */
static void end_if_done(struct sip_referral *referral)
{
	uint64_t wait_ms = *referral->token ? 64 * (uint64_t)sip_tx_t1_ms(referral->ua->tx) : 0;

	if (referral->status >= 200 && referral->sub_count == 0 && !timer_running(&referral->soon))
		timer_start(referral->ua->wheel, &referral->soon, wait_ms);
}

static void on_soon(void *arg)
{
	struct sip_referral *referral = arg;

	if (referral->sub_count > 0)
		return; /* one came; its end asks again */
	if (referral->on_ended)
		referral->on_ended(referral->arg, referral);
	free_referral(referral);
}

/* Its subscriptions
 * ---------------------------------------------------------------------------------------------- */

static void tell(struct sip_referral *referral, struct sip_sub *sub)
{
	struct buf body = BUF_INIT;

	buf_addf(&body, "SIP/2.0 %u %s\r\n", referral->status, referral->reason);
	if (referral->status < 200 && buf_err(&body) == 0)
		(void)sip_sub_notify(sub, SIP_SUB_ACTIVE, SIPFRAG, buf_slice(&body));
	else
		sip_sub_end(sub, &(struct sip_sub_end){.reason = "noresource",
						       .content_type = SIPFRAG,
						       .body = buf_slice(&body)});
	buf_done(&body);
}

static void on_refresh(void *arg, struct sip_sub *sub)
{
	tell(arg, sub);
}

static void on_sub_ended(void *arg, struct sip_sub *sub, const char *reason)
{
	struct sip_referral *referral = arg;

	(void)reason;
	for (uint32_t i = 0; i < referral->sub_count; i++) {
		if (referral->subs[i] != sub)
			continue;
		referral->subs[i] = referral->subs[--referral->sub_count];
		break;
	}
	end_if_done(referral);
}

static const struct sip_sub_handlers sub_handlers = {
	.on_refresh = on_refresh,
	.on_ended = on_sub_ended,
};

static struct sip_referral *find_token(struct sip_ua *ua, struct slice uri_text)
{
	struct list *it, *tmp;
	struct sip_uri uri;

	if (sip_uri_parse(uri_text, &uri) || !slice_present(uri.user))
		return NULL;
	LIST_FOREACH (it, tmp, &ua->referrals) {
		struct sip_referral *referral = LIST_ENTRY(it, struct sip_referral, node);

		if (*referral->token && slice_is(uri.user, referral->token))
			return referral;
	}
	return NULL;
}

/* A SUBSCRIBE may not make such a subscription but where a REFER said so (RFC 3515 2.4.4). */
bool ua_refer_subscribed(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *request)
{
	struct sip_referral *referral;
	struct sip_event event;

	if (request->method != SIP_METHOD_SUBSCRIBE ||
	    sip_event_parse(sip_msg_value(request, SIP_H_EVENT), &event) ||
	    !slice_is(slice_of(event.package), "refer"))
		return false;
	referral = find_token(ua, request->request_uri);
	if (!referral) {
		(void)ua_reply(tx, 403, NULL);
	} else if (referral->sub_count == SIP_REFER_WATCHERS_MAX) {
		(void)ua_reply(tx, 503, "Retry-After: 10\r\n");
	} else if (sip_sub_accept(tx, request,
				  &(struct sip_sub_params){
					  .content_type = "message/sipfrag",
					  .state = SIP_SUB_ACTIVE,
					  .expires_default_s = REFER_EXPIRES_S,
					  .handlers = &sub_handlers,
					  .arg = referral,
				  },
				  &referral->subs[referral->sub_count]) == 0) {
		referral->sub_count++;
	}
	return true;
}

/* Accepting
 * ---------------------------------------------------------------------------------------------- */

static int make(struct sip_ua *ua, const struct sip_referral_params *params,
		struct sip_referral **ret_referral)
{
	struct sip_referral *referral;

	if (ua->referral_count >= SIP_REFERRALS_MAX)
		return ERR_LIMIT;
	referral = calloc(1, sizeof(*referral));
	if (!referral)
		return -ENOMEM;
	ua->referral_count++;
	list_append(&ua->referrals, &referral->node);
	referral->ua = ua;
	referral->on_ended = params->on_ended;
	referral->arg = params->arg;
	referral->status = 100;
	slice_cstr(SLICE("Trying"), referral->reason, sizeof(referral->reason));
	timer_init(&referral->soon, on_soon, referral);
	*ret_referral = referral;
	return 0;
}

static int accept_with_sub(struct sip_referral *referral, struct sip_stx *tx,
			   const struct sip_msg *request, const struct sip_referral_params *params)
{
	int err = sub_accept_refer(tx, request,
				   &(struct sip_sub_params){
					   .status = 202,
					   .state = SIP_SUB_ACTIVE,
					   .expires_default_s = REFER_EXPIRES_S,
					   .contact_user = params->contact_user,
					   .contact_params = params->contact_params,
					   .headers = params->headers,
					   .handlers = &sub_handlers,
					   .arg = referral,
				   },
				   &referral->subs[0]);

	if (!err)
		referral->sub_count = 1;
	return err;
}

/* "Contact: <uri>" as "Refer-Events-At: <uri>" (RFC 7614 5.1). */
static int add_events_at(struct sip_referral *referral, struct sip_stx *tx, struct buf *lines)
{
	struct buf contact = BUF_INIT;
	int err;

	(void)random_token(referral->ua->random, referral->token, REFER_TOKEN_CHARS);
	err = ua_add_contact(referral->ua, sip_stx_flow(tx),
			     &(struct ua_contact){referral->token, "", false}, &contact);
	buf_adds(lines, "Refer-Events-At: ");
	if (!err)
		buf_addslice(lines, slice_from(buf_slice(&contact), sizeof("Contact: ") - 1));
	buf_done(&contact);
	return err ? err : buf_err(lines);
}

static int accept_without_sub(struct sip_referral *referral, struct sip_stx *tx,
			      const struct sip_refer *refer,
			      const struct sip_referral_params *params)
{
	char user[SIP_CONTACT_MAX];
	struct ua_contact contact = {slice_cstr(params->contact_user, user, sizeof(user)),
				     params->contact_params ? params->contact_params : "", false};
	struct buf lines = BUF_INIT;
	int err = ua_add_contact(referral->ua, sip_stx_flow(tx), &contact, &lines);

	if (!err && refer->sub == SIP_REFER_EXPLICIT)
		err = add_events_at(referral, tx, &lines);
	else if (!err)
		buf_adds(&lines, "Refer-Sub: false\r\n");
	if (params->headers)
		buf_adds(&lines, params->headers);
	if (!err)
		err = buf_err(&lines);
	if (!err)
		err = ua_reply(tx, 200, lines.p);
	if (err)
		(void)ua_reply(tx, 500, NULL);
	buf_done(&lines);
	return err;
}

int sip_refer_accept(struct sip_stx *tx, const struct sip_msg *request,
		     const struct sip_refer *refer, const struct sip_referral_params *params,
		     struct sip_referral **ret_referral)
{
	struct sip_ua *ua = sip_tx_layer_arg(sip_stx_layer(tx));
	struct sip_referral *referral;
	int err;

	if (sip_stx_is_final(tx))
		return ERR_STATE;
	err = make(ua, params, &referral);
	if (err) {
		(void)ua_reply(tx, err == ERR_LIMIT ? 503 : 500,
			       err == ERR_LIMIT ? "Retry-After: 10\r\n" : NULL);
		return err;
	}
	err = refer->sub == SIP_REFER_SUB ? accept_with_sub(referral, tx, request, params)
					  : accept_without_sub(referral, tx, refer, params);
	if (err) {
		free_referral(referral);
		return err;
	}
	*ret_referral = referral;
	return 0;
}

static bool is_plain(char ch)
{
	return (unsigned char)ch >= ' ' && ch != 0x7f;
}

void sip_refer_progress(struct sip_referral *referral, uint16_t status, const char *reason)
{
	if (referral->status >= 200 || status < 100 || status > 699)
		return;
	referral->status = status;
	slice_cstr(slice_of(reason ? reason : sip_reason_phrase(status)), referral->reason,
		   sizeof(referral->reason));
	for (char *p = referral->reason; *p; p++) {
		if (!is_plain(*p)) /* it came from another peer */
			*p = ' ';
	}
	for (uint32_t i = 0; i < referral->sub_count; i++)
		tell(referral, referral->subs[i]);
	end_if_done(referral);
}

bool sip_referral_is_watched(const struct sip_referral *referral)
{
	return referral->sub_count > 0;
}
