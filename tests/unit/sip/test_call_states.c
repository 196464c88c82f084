/* The machine of a call: every state with every operation of the application, every request and
 * every response of the peer. A pair without a row fails. */
#include <errno.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"
#include "tests/support/simua.h"

enum state {
	CALLING,   /* we call, and nobody has said a word */
	RINGING,   /* we call, 180 came */
	CANCELLED, /* we call, 180 came, and we have given up */
	CONNECTED, /* we called, 200 came and was acknowledged */
	INCOMING,  /* they call */
	ACCEPTED,  /* they call, our 200 is on its way */
	ANSWERED,  /* they called, and their ACK came */
	REFUSED,   /* they call, our 486 is on its way */
	LEAVING,   /* our BYE is on its way */
	STATE_COUNT,
	OVER = STATE_COUNT
};

static const char *const state_names[STATE_COUNT] = {"calling",   "ringing",  "cancelled",
						     "connected", "incoming", "accepted",
						     "answered",  "refused",  "leaving"};

/* What sip_call_state tells of each. */
static const enum sip_call_state told[STATE_COUNT] = {
	SIP_CALL_CALLING,     SIP_CALL_RINGING,  SIP_CALL_ENDING,
	SIP_CALL_ESTABLISHED, SIP_CALL_INCOMING, SIP_CALL_ACCEPTED,
	SIP_CALL_ESTABLISHED, SIP_CALL_ENDING,   SIP_CALL_ENDING};

/* A call and its peer ------------------------------------------------------------------------- */

struct fixture {
	struct simworld world;
	struct simua ua;
	struct simraw peer;
	struct sip_msg invite; /* ours, while it is owed an answer */
	char call_id[128], our_tag[64];
	uint32_t cseq, branch;
	bool is_refused; /* an ACK belongs to the INVITE itself (RFC 3261 17.1.1.3) */
};

#define SDP                                                                                        \
	"Content-Type: application/sdp\n\nv=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 "            \
	"10.0.0.9\nt=0 0\nm=audio 5000 RTP/AVP 0\n"
#define EMPTY "Content-Length: 0\n\n"
#define CONTACT "Contact: <sip:p@10.0.0.9>\n"

static void post(struct fixture *fx, const char *method, uint32_t cseq, const char *rest)
{
	struct buf text = BUF_INIT;
	bool is_cancel = !strcmp(method, "CANCEL");
	bool is_of_invite = is_cancel || (fx->is_refused && !strcmp(method, "ACK"));
	const char *tag = is_cancel ? "" : fx->our_tag;

	buf_addf(&text,
		 "%s sip:u@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP @SELF@;branch=z9hG4bK%u;rport\n"
		 "Max-Forwards: 70\nFrom: <sip:p@example.org>;tag=t\nTo: <sip:u@example.org>%s%s\n"
		 "Call-ID: %s\nCSeq: %u %s\n%s%s",
		 method, is_of_invite ? 1 : ++fx->branch, *tag ? ";tag=" : "", tag, fx->call_id,
		 cseq, method, CONTACT, rest);
	simraw_send(&fx->peer, SIP_UDP, simnode_addr(fx->ua.node), text.p);
	buf_done(&text);
	simworld_run(&fx->world, 50);
}

static void keep_our_tag(struct fixture *fx)
{
	struct sip_msg msg;

	while (simraw_next(&fx->peer, &msg))
		if (!msg.is_request && slice_present(sip_msg_tag(&msg, SIP_H_TO)))
			slice_cstr(sip_msg_tag(&msg, SIP_H_TO), fx->our_tag, sizeof(fx->our_tag));
}

static void let_them_call(struct fixture *fx)
{
	snprintf(fx->call_id, sizeof(fx->call_id), "theirs");
	post(fx, "INVITE", ++fx->cseq, SDP);
	CHECK("they call", fx->ua.call != NULL);
	(void)sip_call_progress(fx->ua.call, &(struct sip_reply){.status = 180});
	simworld_run(&fx->world, 20);
	keep_our_tag(fx);
}

static void let_us_call(struct fixture *fx)
{
	CHECK_INT("we call", simua_call(&fx->ua, "sip:p@10.0.0.9"), 0);
	simworld_run(&fx->world, 20);
	CHECK("INVITE", simraw_find(&fx->peer, SIP_METHOD_INVITE, 0, &fx->invite));
	slice_cstr(sip_msg_value(&fx->invite, SIP_H_CALL_ID), fx->call_id, sizeof(fx->call_id));
	slice_cstr(sip_msg_tag(&fx->invite, SIP_H_FROM), fx->our_tag, sizeof(fx->our_tag));
}

static void respond(struct fixture *fx, uint16_t status, const char *rest)
{
	simraw_answer(&fx->peer, &fx->invite, status, "t", rest);
	simworld_run(&fx->world, 50);
}

static void acknowledge(struct fixture *fx)
{
	post(fx, "ACK", 1, EMPTY);
}

static bool is_theirs(enum state state)
{
	return state == INCOMING || state == ACCEPTED || state == ANSWERED || state == REFUSED;
}

static void bring_to(struct fixture *fx, enum state state)
{
	if (is_theirs(state))
		let_them_call(fx);
	else
		let_us_call(fx);
	if (state == RINGING || state == CANCELLED)
		respond(fx, 180, CONTACT EMPTY);
	if (state == CONNECTED || state == LEAVING)
		respond(fx, 200, CONTACT SDP);
	if (state == CANCELLED || state == LEAVING)
		sip_call_hangup(fx->ua.call, NULL);
	if (state == REFUSED)
		(void)sip_call_reject(fx->ua.call, &(struct sip_reply){.status = 486});
	if (state == ACCEPTED || state == ANSWERED)
		CHECK_INT("accept", sip_call_accept(fx->ua.call, NULL), 0);
	simworld_run(&fx->world, 20);
	if (state == ANSWERED)
		acknowledge(fx);
	fx->is_refused = state == REFUSED;
	fx->peer.read = fx->peer.count; /* `invite` stands in one of them: none is forgotten */
	CHECK_INT(state_names[state], sip_call_state(fx->ua.call), told[state]);
}

static void setup(struct fixture *fx)
{
	*fx = (struct fixture){.our_tag = ""};
	simworld_init(&fx->world, 1);
	simua_init(&fx->ua, &fx->world,
		   &(struct simua_params){
			   .address = "10.0.0.1:5060",
			   .allow = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, PRACK, UPDATE"});
	fx->ua.mode = SIMUA_WAIT;
	fx->ua.answers_requests = true;
	simraw_init(&fx->peer, &fx->world, "10.0.0.9:5060");
}

static void teardown(struct fixture *fx, const char *row)
{
	simua_hangup_all(&fx->ua);
	simworld_run(&fx->world, 200000);
	CHECK_INT(row, simua_leftover(&fx->ua), 0);
	simua_done(&fx->ua);
	simraw_done(&fx->peer);
	simworld_done(&fx->world);
}

/* Of the call that was brought here, whatever began since. */
static void check_next(struct fixture *fx, const char *row, enum state next)
{
	if (next == OVER)
		CHECK(row, !fx->ua.call);
	else if (CHECK(row, fx->ua.call != NULL))
		CHECK_INT(row, sip_call_state(fx->ua.call), told[next]);
}

/* What the application does ------------------------------------------------------------------- */

enum operation {
	PROGRESS,
	PROGRESS_MEDIA,
	ACCEPT,
	REJECT,
	HANG_UP,
	REINVITE,
	UPDATE,
	REQUEST,
	OPERATION_COUNT
};

static const char *const operation_names[OPERATION_COUNT] = {
	"progress", "progress with media", "accept", "reject",
	"hang up",  "re-INVITE",           "UPDATE", "request"};

static int operate(struct sip_call *call, enum operation operation)
{
	switch (operation) {
	case PROGRESS:
		return sip_call_progress(call, &(struct sip_reply){.status = 183});
	case PROGRESS_MEDIA:
		return sip_call_progress_media(call, &(struct sip_reply){.status = 183});
	case ACCEPT:
		return sip_call_accept(call, NULL);
	case REJECT:
		return sip_call_reject(call, &(struct sip_reply){.status = 486});
	case HANG_UP:
		sip_call_hangup(call, NULL);
		return 0;
	case REINVITE:
		return sip_call_reinvite(call);
	case UPDATE:
		return sip_call_update(call, &(struct sip_call_update){.has_offer = true});
	case REQUEST:
		return sip_call_request(call, &(struct sip_call_request){.method = "INFO"});
	case OPERATION_COUNT:
		break;
	}
	return -EINVAL;
}

struct cell {
	bool is_listed;
	int outcome; /* of an operation 0 or an error; of a request its status; of a response 0 */
	enum state next;
};

#define CELL(state, event, outcome, next) [state][event] = {true, outcome, next}
#define NEVER(state, event) CELL(state, event, ERR_STATE, state)
#define NO_ANSWERS(state)                                                                          \
	NEVER(state, PROGRESS), NEVER(state, PROGRESS_MEDIA), NEVER(state, ACCEPT),                \
		NEVER(state, REJECT)
#define NO_REQUESTS(state) NEVER(state, REINVITE), NEVER(state, UPDATE), NEVER(state, REQUEST)

static const struct cell operations[STATE_COUNT][OPERATION_COUNT] = {
	NO_ANSWERS(CALLING),
	CELL(CALLING, HANG_UP, 0, LEAVING),
	NO_REQUESTS(CALLING),
	NO_ANSWERS(RINGING),
	CELL(RINGING, HANG_UP, 0, CANCELLED),
	NO_REQUESTS(RINGING),
	NO_ANSWERS(CANCELLED),
	CELL(CANCELLED, HANG_UP, 0, CANCELLED),
	NO_REQUESTS(CANCELLED),
	NO_ANSWERS(CONNECTED),
	CELL(CONNECTED, HANG_UP, 0, LEAVING),
	CELL(CONNECTED, REINVITE, 0, CONNECTED),
	CELL(CONNECTED, UPDATE, 0, CONNECTED),
	CELL(CONNECTED, REQUEST, 0, CONNECTED),
	CELL(INCOMING, PROGRESS, 0, INCOMING),
	CELL(INCOMING, PROGRESS_MEDIA, 0, INCOMING),
	CELL(INCOMING, ACCEPT, 0, ACCEPTED),
	CELL(INCOMING, REJECT, 0, REFUSED),
	CELL(INCOMING, HANG_UP, 0, REFUSED),
	NO_REQUESTS(INCOMING),
	NO_ANSWERS(ACCEPTED),
	CELL(ACCEPTED, HANG_UP, 0, LEAVING),
	NO_REQUESTS(ACCEPTED),
	NO_ANSWERS(ANSWERED),
	CELL(ANSWERED, HANG_UP, 0, LEAVING),
	CELL(ANSWERED, REINVITE, 0, ANSWERED),
	CELL(ANSWERED, UPDATE, 0, ANSWERED),
	CELL(ANSWERED, REQUEST, 0, ANSWERED),
	NO_ANSWERS(REFUSED),
	CELL(REFUSED, HANG_UP, 0, REFUSED),
	NO_REQUESTS(REFUSED),
	NO_ANSWERS(LEAVING),
	CELL(LEAVING, HANG_UP, 0, LEAVING),
	NO_REQUESTS(LEAVING),
};

static void states_and_operations(void)
{
	for (enum state state = 0; state < STATE_COUNT; state++)
		for (enum operation operation = 0; operation < OPERATION_COUNT; operation++) {
			const struct cell *cell = &operations[state][operation];
			struct fixture fx;
			char row[64];

			snprintf(row, sizeof(row), "%s: %s", state_names[state],
				 operation_names[operation]);
			if (!CHECK(row, cell->is_listed))
				continue;
			setup(&fx);
			bring_to(&fx, state);
			CHECK_INT(row, operate(fx.ua.call, operation), cell->outcome);
			check_next(&fx, row, cell->next);
			teardown(&fx, row);
		}
}

/* What the peer sends ------------------------------------------------------------------------- */

enum message {
	GETS_BYE,
	GETS_CANCEL,
	GETS_INVITE,
	GETS_UPDATE,
	GETS_INFO,
	GETS_PRACK,
	GETS_ACK,
	GETS_180,
	GETS_200,
	GETS_486,
	MESSAGE_COUNT
};

static const struct {
	const char *name, *rest;
	uint16_t status; /* of a response to our first INVITE; 0: a request */
} messages[MESSAGE_COUNT] = {
	[GETS_BYE] = {"BYE", EMPTY, 0},
	[GETS_CANCEL] = {"CANCEL", EMPTY, 0},
	[GETS_INVITE] = {"INVITE", SDP, 0},
	[GETS_UPDATE] = {"UPDATE", EMPTY, 0},
	[GETS_INFO] = {"INFO", EMPTY, 0},
	[GETS_PRACK] = {"PRACK", "RAck: 1 1 INVITE\n" EMPTY, 0},
	[GETS_ACK] = {"ACK", EMPTY, 0},
	[GETS_180] = {"180", CONTACT EMPTY, 180},
	[GETS_200] = {"200", CONTACT SDP, 200},
	[GETS_486] = {"486", EMPTY, 486},
};

#define GETS(state, message, outcome, next) [state][message] = {true, outcome, next}
static const struct cell received[STATE_COUNT][MESSAGE_COUNT] = {
	GETS(CALLING, GETS_BYE, 481, CALLING),
	GETS(CALLING, GETS_CANCEL, 481, CALLING),
	GETS(CALLING, GETS_INVITE, 481, CALLING),
	GETS(CALLING, GETS_UPDATE, 481, CALLING),
	GETS(CALLING, GETS_INFO, 481, CALLING),
	GETS(CALLING, GETS_PRACK, 481, CALLING),
	GETS(CALLING, GETS_ACK, 0, CALLING),
	GETS(CALLING, GETS_180, 0, RINGING),
	GETS(CALLING, GETS_200, 0, CONNECTED),
	GETS(CALLING, GETS_486, 0, OVER),
	GETS(RINGING, GETS_BYE, 481,
	     RINGING), /* RFC 3261 15: not of an early dialog, by the callee */
	GETS(RINGING, GETS_CANCEL, 481, RINGING),
	GETS(RINGING, GETS_INVITE, 491, RINGING),
	GETS(RINGING, GETS_UPDATE, 200, RINGING), /* RFC 3311 5.2: it refreshes the early dialog */
	GETS(RINGING, GETS_INFO, 481, RINGING),
	GETS(RINGING, GETS_PRACK, 481, RINGING),
	GETS(RINGING, GETS_ACK, 0, RINGING),
	GETS(RINGING, GETS_180, 0, RINGING),
	GETS(RINGING, GETS_200, 0, CONNECTED),
	GETS(RINGING, GETS_486, 0, OVER),
	GETS(CANCELLED, GETS_BYE, 481, CANCELLED),
	GETS(CANCELLED, GETS_CANCEL, 481, CANCELLED),
	GETS(CANCELLED, GETS_INVITE, 491, CANCELLED),
	GETS(CANCELLED, GETS_UPDATE, 481, CANCELLED),
	GETS(CANCELLED, GETS_INFO, 481, CANCELLED),
	GETS(CANCELLED, GETS_PRACK, 481, CANCELLED),
	GETS(CANCELLED, GETS_ACK, 0, CANCELLED),
	GETS(CANCELLED, GETS_180, 0, CANCELLED),
	GETS(CANCELLED, GETS_200, 0, CANCELLED), /* it crossed our CANCEL: ACK and BYE */
	GETS(CANCELLED, GETS_486, 0, OVER),
	GETS(CONNECTED, GETS_BYE, 200, OVER),
	GETS(CONNECTED, GETS_CANCEL, 481, CONNECTED),
	GETS(CONNECTED, GETS_INVITE, 200, CONNECTED),
	GETS(CONNECTED, GETS_UPDATE, 200, CONNECTED),
	GETS(CONNECTED, GETS_INFO, 200, CONNECTED),
	GETS(CONNECTED, GETS_PRACK, 481, CONNECTED),
	GETS(CONNECTED, GETS_ACK, 0, CONNECTED),
	GETS(CONNECTED, GETS_180, 0, CONNECTED),
	GETS(CONNECTED, GETS_200, 0, CONNECTED), /* acknowledged again */
	GETS(CONNECTED, GETS_486, 0, CONNECTED),
	GETS(INCOMING, GETS_BYE, 200, OVER),
	GETS(INCOMING, GETS_CANCEL, 200, OVER),
	GETS(INCOMING, GETS_INVITE, 500, INCOMING), /* 14.2 */
	GETS(INCOMING, GETS_UPDATE, 200, INCOMING),
	GETS(INCOMING, GETS_INFO, 200, INCOMING),
	GETS(INCOMING, GETS_PRACK, 481, INCOMING),
	GETS(INCOMING, GETS_ACK, 0, INCOMING),
	GETS(ACCEPTED, GETS_BYE, 200, OVER),
	GETS(ACCEPTED, GETS_CANCEL, 200, ACCEPTED), /* 9.2: too late, no effect */
	GETS(ACCEPTED, GETS_INVITE, 200,
	     ANSWERED), /* who sends it has had our 200: its ACK was lost */
	GETS(ACCEPTED, GETS_UPDATE, 200, ACCEPTED),
	GETS(ACCEPTED, GETS_INFO, 200, ACCEPTED),
	GETS(ACCEPTED, GETS_PRACK, 481, ACCEPTED),
	GETS(ACCEPTED, GETS_ACK, 0, ANSWERED),
	GETS(ANSWERED, GETS_BYE, 200, OVER),
	GETS(ANSWERED, GETS_CANCEL, 200, ANSWERED),
	GETS(ANSWERED, GETS_INVITE, 200, ANSWERED),
	GETS(ANSWERED, GETS_UPDATE, 200, ANSWERED),
	GETS(ANSWERED, GETS_INFO, 200, ANSWERED),
	GETS(ANSWERED, GETS_PRACK, 481, ANSWERED),
	GETS(ANSWERED, GETS_ACK, 0, ANSWERED),
	GETS(REFUSED, GETS_BYE, 200, OVER),
	GETS(REFUSED, GETS_CANCEL, 200, REFUSED),
	GETS(REFUSED, GETS_INVITE, 481, REFUSED),
	GETS(REFUSED, GETS_UPDATE, 481, REFUSED),
	GETS(REFUSED, GETS_INFO, 481, REFUSED),
	GETS(REFUSED, GETS_PRACK, 481, REFUSED),
	GETS(REFUSED, GETS_ACK, 0, OVER),
	GETS(LEAVING, GETS_BYE, 200, OVER), /* both hang up at once */
	GETS(LEAVING, GETS_CANCEL, 481, LEAVING),
	GETS(LEAVING, GETS_INVITE, 481, LEAVING),
	GETS(LEAVING, GETS_UPDATE, 481, LEAVING),
	GETS(LEAVING, GETS_INFO, 481, LEAVING),
	GETS(LEAVING, GETS_PRACK, 481, LEAVING),
	GETS(LEAVING, GETS_ACK, 0, LEAVING),
	GETS(LEAVING, GETS_180, 0, LEAVING),
	GETS(LEAVING, GETS_200, 0, LEAVING),
	GETS(LEAVING, GETS_486, 0, LEAVING),
};

static uint16_t final_to(struct fixture *fx, const char *method)
{
	struct sip_cseq cseq;
	struct sip_msg msg;

	while (simraw_next(&fx->peer, &msg))
		if (!msg.is_request && msg.status >= 200 && !sip_msg_cseq(&msg, &cseq) &&
		    slice_is(cseq.method_text, method))
			return msg.status;
	return 0;
}

/* The status that it is answered with; 0: none. */
static uint16_t receive(struct fixture *fx, enum message message)
{
	const char *name = messages[message].name;

	if (messages[message].status) {
		respond(fx, messages[message].status, messages[message].rest);
		return 0;
	}
	post(fx, name,
	     message == GETS_CANCEL || message == GETS_ACK ? 1 : (fx->cseq = fx->cseq + 1),
	     messages[message].rest);
	return final_to(fx, name);
}

static void states_and_messages(void)
{
	for (enum state state = 0; state < STATE_COUNT; state++)
		for (enum message message = 0; message < MESSAGE_COUNT; message++) {
			const struct cell *cell = &received[state][message];
			struct fixture fx;
			char row[64];

			if (messages[message].status && is_theirs(state))
				continue; /* there is nothing to respond to */

			snprintf(row, sizeof(row), "%s: %s", state_names[state],
				 messages[message].name);
			if (!CHECK(row, cell->is_listed))
				continue;
			setup(&fx);
			bring_to(&fx, state);
			CHECK_INT(row, receive(&fx, message), cell->outcome);
			check_next(&fx, row, cell->next);
			teardown(&fx, row);
		}
}

void suite_call_states(void);
void suite_call_states(void)
{
	CHECK_SUITE("call_states");
	CHECK_TEST(states_and_operations);
	CHECK_TEST(states_and_messages);
}
