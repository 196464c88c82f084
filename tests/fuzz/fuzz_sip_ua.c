/* A user agent that is fed whatever comes, by a script: no crash, no leak, and nothing left when
 * all is hung up.
 *
 * The input is a list of records, each ended by a line "%%". The first line of a record is its
 * command:
 * - u, t: the rest is a message that comes over UDP or TCP; @TAG@, @BRANCH@, @ID@, @CSEQ@ stand for
 *   the To tag that the agent gave last, and branch, Call-ID and CSeq number of the last request
 *   that it sent; @IBRANCH@ and @ICSEQ@ for those of its last INVITE, @RSEQ@ for the RSeq that it
 *   gave last; LF becomes CRLF
 * - w N: N ms pass
 * - m N: from now on INVITEs wait, ring, are accepted, are refused, get early media (0 to 4)
 * - c, C: it calls, over UDP, over TCP
 * - h: it hangs up the last call; a, j: it accepts, rejects it; p: it sends early media
 * - r: it re-INVITEs; o, O: it sends UPDATE with an offer, without
 * - i: it sends INFO in the last call
 * - e: what it sent cannot be delivered
 * - s: it subscribes, or unsubscribes; f: it refers, or forgets that it did
 * - n, x: it has news for its last subscriber, ends that subscription
 * - g, G: whom it was told to call rings, answers
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "sip/refer.h"
#include "sip/subscription.h"
#include "tests/support/simua.h"

enum { RECORDS_MAX = 64, SETTLE_MS = 1000000, WAIT_MS_MAX = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	char tag[64], branch[64], id[128], cseq[16];
	char invite_branch[64], invite_cseq[16], rseq[16];
};

/* What the peer has learnt from the agent's messages. */
static void look(struct simraw *peer, struct seen *seen)
{
	struct sip_cseq cseq;
	struct sip_addr addr;
	struct sip_msg msg;
	struct sip_via via;

	while (peer->read < peer->count) {
		if (!simraw_next(peer, &msg))
			continue;
		if (sip_msg_addr(&msg, msg.is_request ? SIP_H_FROM : SIP_H_TO, &addr) == 0 &&
		    slice_present(sip_addr_tag(&addr)))
			slice_cstr(sip_addr_tag(&addr), seen->tag, sizeof(seen->tag));
		if (slice_present(sip_msg_value(&msg, SIP_H_RSEQ)))
			slice_cstr(sip_msg_value(&msg, SIP_H_RSEQ), seen->rseq, sizeof(seen->rseq));
		if (!msg.is_request || sip_msg_via(&msg, &via) || sip_msg_cseq(&msg, &cseq))
			continue;
		slice_cstr(via.branch, seen->branch, sizeof(seen->branch));
		slice_cstr(sip_msg_value(&msg, SIP_H_CALL_ID), seen->id, sizeof(seen->id));
		(void)snprintf(seen->cseq, sizeof(seen->cseq), "%u", cseq.number);
		if (msg.method != SIP_METHOD_INVITE)
			continue;
		memcpy(seen->invite_branch, seen->branch, sizeof(seen->branch));
		memcpy(seen->invite_cseq, seen->cseq, sizeof(seen->cseq));
	}
	simraw_forget(peer);
}

static bool replace(struct buf *out, struct slice rest, const char *mark, const char *text,
		    size_t *at)
{
	if (!slice_starts(rest, slice_of(mark)))
		return false;
	buf_adds(out, text);
	*at += strlen(mark) - 1;
	return true;
}

static void deliver(struct simua *ua, struct simraw *peer, enum sip_proto proto, struct slice text)
{
	struct buf out = BUF_INIT;
	static struct seen seen;

	if (!text.p)
		memset(&seen, 0, sizeof(seen)); /* a new run */
	look(peer, &seen);
	for (size_t i = 0; i < text.len; i++) {
		struct slice rest = slice_from(text, i);

		if (text.p[i] == '\n')
			buf_adds(&out, "\r\n");
		else if (!replace(&out, rest, "@TAG@", seen.tag, &i) &&
			 !replace(&out, rest, "@BRANCH@", seen.branch, &i) &&
			 !replace(&out, rest, "@ID@", seen.id, &i) &&
			 !replace(&out, rest, "@CSEQ@", seen.cseq, &i) &&
			 !replace(&out, rest, "@IBRANCH@", seen.invite_branch, &i) &&
			 !replace(&out, rest, "@ICSEQ@", seen.invite_cseq, &i) &&
			 !replace(&out, rest, "@RSEQ@", seen.rseq, &i))
			buf_addc(&out, text.p[i]);
	}
	if (out.len > 0 && out.len < SIP_MSG_OCTETS_MAX)
		simnode_send(peer->node, proto, simnode_addr(ua->node), buf_slice(&out));
	buf_done(&out);
	simworld_run(ua->world, 12);
}

/* Subscriptions and transfers: the last one of each kind, either side, is acted on
 * -------------------------------------------------------------------------------- */

enum { EVENTS_MAX = 16 };

struct events {
	struct sip_sub *subs[EVENTS_MAX];
	struct sip_referral *referrals[EVENTS_MAX];
	struct sip_watch *watch;
	struct sip_referring *referring;
	uint32_t sub_count, referral_count;
};

static void on_refresh(void *arg, struct sip_sub *sub)
{
	(void)arg;
	(void)sip_sub_notify(sub, SIP_SUB_ACTIVE, "text/plain", SLICE("state"));
}

static void on_sub_ended(void *arg, struct sip_sub *sub, const char *reason)
{
	struct events *events = arg;

	(void)reason;
	for (uint32_t i = 0; i < events->sub_count; i++) {
		if (events->subs[i] == sub)
			events->subs[i] = events->subs[--events->sub_count];
	}
}

static const struct sip_sub_handlers sub_handlers = {on_refresh, on_refresh, on_sub_ended};

static void on_referral_ended(void *arg, struct sip_referral *referral)
{
	struct events *events = arg;

	for (uint32_t i = 0; i < events->referral_count; i++) {
		if (events->referrals[i] == referral)
			events->referrals[i] = events->referrals[--events->referral_count];
	}
}

static void take_refer(struct events *events, struct sip_stx *tx, const struct sip_msg *request)
{
	struct sip_refer refer;
	int err = sip_refer_parse(request, &refer);

	if (err) {
		sip_refer_refuse(tx, err);
		return;
	}
	if (sip_refer_accept(
		    tx, request, &refer,
		    &(struct sip_referral_params){.on_ended = on_referral_ended, .arg = events},
		    &events->referrals[events->referral_count]) == 0)
		events->referral_count++;
	sip_refer_done(&refer);
}

static bool on_request(struct simua *ua, struct sip_call *call, struct sip_stx *tx,
		       const struct sip_msg *request)
{
	struct events *events = ua->arg;
	bool is_full = events->sub_count == EVENTS_MAX || events->referral_count == EVENTS_MAX;

	(void)call;
	if (is_full)
		(void)sip_stx_reply(tx, &(struct sip_reply){.status = 503});
	else if (request->method == SIP_METHOD_REFER)
		take_refer(events, tx, request);
	else if (request->method != SIP_METHOD_SUBSCRIBE)
		(void)sip_stx_reply(tx, &(struct sip_reply){.status = 200});
	else if (sip_sub_accept(tx, request,
				&(struct sip_sub_params){.content_type = "text/plain",
							 .handlers = &sub_handlers,
							 .arg = events},
				&events->subs[events->sub_count]) == 0)
		events->sub_count++;
	return true;
}

static void on_watch_ended(void *arg, struct sip_watch *watch, const struct sip_watch_end *end)
{
	struct events *events = arg;

	(void)end;
	if (events->watch == watch)
		events->watch = NULL;
}

static void on_notify(void *arg, struct sip_watch *watch, const struct sip_sub_status *status,
		      const struct sip_msg *notify)
{
	(void)arg;
	(void)watch;
	(void)status;
	(void)notify;
}

static const struct sip_watch_handlers watch_handlers = {.on_notify = on_notify,
							 .on_ended = on_watch_ended};

static void on_done(void *arg, struct sip_referring *referring,
		    const struct sip_refer_result *result)
{
	struct events *events = arg;

	(void)result;
	if (events->referring == referring)
		events->referring = NULL;
}

static void watch(struct simua *ua, struct events *events)
{
	if (!events->watch)
		(void)sip_watch_new(ua->ua,
				    &(struct sip_watch_params){.event = "news;id=1",
							       .target = SLICE("sip:p@10.0.0.9"),
							       .from = SLICE("<sip:a@10.0.0.1>"),
							       .handlers = &watch_handlers,
							       .arg = events},
				    &events->watch);
	else
		sip_watch_end(events->watch);
}

static void refer(struct simua *ua, struct events *events)
{
	struct sip_refer_params params = {.refer_to = SLICE("sip:c@10.0.0.9"),
					  .target = SLICE("sip:p@10.0.0.9"),
					  .from = SLICE("<sip:a@10.0.0.1>"),
					  .on_done = on_done,
					  .arg = events};

	if (events->referring)
		events->referring = sip_referring_drop(events->referring);
	else if (ua->call && sip_call_state(ua->call) == SIP_CALL_ESTABLISHED)
		(void)sip_call_refer(ua->call, &params, &events->referring);
	else
		(void)sip_ua_refer(ua->ua, &params, &events->referring);
}

static void act_on_events(struct simua *ua, char command)
{
	struct events *events = ua->arg;

	if (command == 's')
		watch(ua, events);
	else if (command == 'f')
		refer(ua, events);
	else if (command == 'n' && events->sub_count)
		sip_sub_changed(events->subs[events->sub_count - 1]);
	else if (command == 'x' && events->sub_count)
		sip_sub_end(events->subs[events->sub_count - 1],
			    &(struct sip_sub_end){.reason = "noresource"});
	else if ((command == 'g' || command == 'G') && events->referral_count)
		sip_refer_progress(events->referrals[events->referral_count - 1],
				   command == 'g' ? 180 : 200, NULL);
}

static void end_events(struct events *events)
{
	for (uint32_t i = 0; i < events->sub_count; i++)
		sip_sub_end(events->subs[i], &(struct sip_sub_end){.reason = "deactivated"});
	for (uint32_t i = 0; i < events->referral_count; i++)
		sip_refer_progress(events->referrals[i], 603, NULL);
	events->watch = sip_watch_drop(events->watch);
	events->referring = sip_referring_drop(events->referring);
}

static uint32_t number(struct slice text, uint32_t max)
{
	uint32_t n = 0;

	return slice_u32(slice_trim(text), max, &n) ? 0 : n;
}

static void act(struct simua *ua, struct simraw *peer, char command)
{
	static const char *const targets[] = {"sip:p@10.0.0.9", "sip:p@10.0.0.9;transport=tcp"};

	if ((command == 'c' || command == 'C') && ua->live_calls < SIMUA_CALLS_MAX)
		(void)simua_call(ua, targets[command == 'C']);
	act_on_events(ua, command);
	if (command == 'e')
		simnode_fail(ua->node, SIP_UDP, simnode_addr(peer->node));
	if (ua->call) {
		if (command == 'h')
			sip_call_hangup(ua->call, NULL);
		else if (command == 'a')
			(void)sip_call_accept(ua->call, NULL);
		else if (command == 'j')
			(void)sip_call_reject(ua->call, &(struct sip_reply){.status = 603});
		else if (command == 'r')
			(void)sip_call_reinvite(ua->call);
		else if (command == 'p')
			(void)sip_call_progress_media(ua->call, &(struct sip_reply){.status = 183});
		else if (command == 'o' || command == 'O')
			(void)sip_call_update(
				ua->call, &(struct sip_call_update){.has_offer = command == 'o'});
		else if (command == 'i')
			(void)sip_call_request(ua->call,
					       &(struct sip_call_request){.method = "INFO"});
	}
	simworld_run(ua->world, 12);
}

static void run_record(struct simua *ua, struct simraw *peer, struct slice record)
{
	size_t end = slice_find(record, '\n');
	struct slice line = slice_first(record, end), rest = slice_from(record, end + 1);
	char command = line.len > 0 ? line.p[0] : 'w';

	if (command == 'u' || command == 't')
		deliver(ua, peer, command == 'u' ? SIP_UDP : SIP_TCP, rest);
	else if (command == 'w')
		simworld_run(ua->world, number(slice_from(line, 1), WAIT_MS_MAX));
	else if (command == 'm')
		ua->mode = (enum simua_mode)number(slice_from(line, 1), SIMUA_EARLY);
	else
		act(ua, peer, command);
}

static struct slice next_record(struct slice *text)
{
	static const char mark[] = "%%\n";
	struct slice record = *text;

	for (size_t i = 0; i + 3 <= text->len; i++) {
		if (memcmp(text->p + i, mark, 3) == 0 && (i == 0 || text->p[i - 1] == '\n')) {
			record = slice_first(*text, i);
			*text = slice_from(*text, i + 3);
			return record;
		}
	}
	*text = slice_first(*text, 0);
	return record;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	struct events events = {.sub_count = 0};
	struct simworld world;
	struct simraw peer;
	struct simua ua;

	hash_seed(1, 2);
	simworld_init(&world, 1);
	simua_init(&ua, &world,
		   &(struct simua_params){
			   .address = "10.0.0.1:5060",
			   .allow = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, PRACK, UPDATE, "
				    "SUBSCRIBE, "
				    "NOTIFY, REFER, MESSAGE",
			   .rel = SIP_100REL_SUPPORTED,
			   .session_expires_s = 120,
		   });
	ua.on_request = on_request;
	ua.arg = &events;
	if (sip_ua_set_packages(ua.ua, "news, refer"))
		abort();
	simraw_init(&peer, &world, "10.0.0.9:5060");
	deliver(&ua, &peer, SIP_UDP, SLICE_NONE);
	for (int i = 0; i < RECORDS_MAX && text.len > 0; i++)
		run_record(&ua, &peer, next_record(&text));
	simua_hangup_all(&ua);
	end_events(&events);
	(void)sim_run_out(world.wheel, SETTLE_MS);
	if (simua_leftover(&ua) != 0 || wheel_count(world.wheel) != 0)
		abort();
	simraw_done(&peer);
	simua_done(&ua);
	simworld_done(&world);
	return 0;
}
