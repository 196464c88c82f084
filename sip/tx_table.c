#include "sip/tx_table.h"

#include <assert.h>

/* Short names, so that a row fits on a line and the table can be compared with the figures of the
 * RFCs. */
#define ROW(state, event, actions_, next_, life_)                                                  \
	[SIP_TX_##state][SIP_TX_##event] = {true, SIP_TX_##next_, SIP_TX_LIFE_##life_, (actions_)}
#define NOTHING(state, event) ROW(state, event, 0, state, KEEP)
#define REPEAT SIP_TX_DO_RESEND
#define ANSWER SIP_TX_DO_ANSWER
#define ACK SIP_TX_DO_ACK
#define PASS SIP_TX_DO_PASS
#define TIMEOUT SIP_TX_DO_TIMEOUT
#define REPORT SIP_TX_DO_REPORT
#define START SIP_TX_RESEND_START
#define DOUBLE SIP_TX_RESEND_DOUBLE
#define CAPPED SIP_TX_RESEND_CAPPED
#define SLOW SIP_TX_RESEND_SLOW
#define STOP SIP_TX_RESEND_STOP

#define CLIENT_DONE                                                                                \
	NOTHING(TERMINATED, GOT_1XX), NOTHING(TERMINATED, GOT_2XX),                                \
		NOTHING(TERMINATED, GOT_FINAL), NOTHING(TERMINATED, RESEND),                       \
		NOTHING(TERMINATED, EXPIRE), NOTHING(TERMINATED, ERROR)
#define SERVER_DONE                                                                                \
	NOTHING(TERMINATED, GOT_REQUEST), NOTHING(TERMINATED, GOT_ACK),                            \
		NOTHING(TERMINATED, SEND_1XX), NOTHING(TERMINATED, SEND_2XX),                      \
		NOTHING(TERMINATED, SEND_FINAL), NOTHING(TERMINATED, RESEND),                      \
		NOTHING(TERMINATED, EXPIRE), NOTHING(TERMINATED, ERROR)

typedef struct sip_tx_row machine_rows[SIP_TX_STATE_COUNT][SIP_TX_EVENT_COUNT];

/* clang-format off */

/* RFC 3261 17.1.1, figure 5, as replaced by RFC 6026 figure 3. */
static const machine_rows invite_client = {
	/*  state       event       actions                next        life timer */
	ROW(TRYING,     GOT_1XX,    PASS | STOP,           PROCEEDING, STOP),     /* B ends here */
	ROW(TRYING,     GOT_2XX,    PASS | STOP,           ACCEPTED,   64T1),     /* M */
	ROW(TRYING,     GOT_FINAL,  ACK | PASS | STOP,     COMPLETED,  64T1_UDP), /* D */
	ROW(TRYING,     RESEND,     REPEAT | DOUBLE,       TRYING,     KEEP),     /* A */
	ROW(TRYING,     EXPIRE,     TIMEOUT | STOP,        TERMINATED, STOP),     /* B */
	ROW(TRYING,     ERROR,      REPORT | STOP,         TERMINATED, STOP),
	ROW(PROCEEDING, GOT_1XX,    PASS,                  PROCEEDING, KEEP),
	ROW(PROCEEDING, GOT_2XX,    PASS,                  ACCEPTED,   64T1),     /* M */
	ROW(PROCEEDING, GOT_FINAL,  ACK | PASS,            COMPLETED,  64T1_UDP), /* D */
	NOTHING(PROCEEDING, RESEND),
	NOTHING(PROCEEDING, EXPIRE),
	NOTHING(PROCEEDING, ERROR), /* the answer may come on another connection (18.2.2) */
	NOTHING(COMPLETED, GOT_1XX),
	NOTHING(COMPLETED, GOT_2XX),
	ROW(COMPLETED,  GOT_FINAL,  ACK,                   COMPLETED,  KEEP),
	NOTHING(COMPLETED, RESEND),
	ROW(COMPLETED,  EXPIRE,     0,                     TERMINATED, STOP),     /* D */
	ROW(COMPLETED,  ERROR,      REPORT,                TERMINATED, STOP),
	NOTHING(ACCEPTED, GOT_1XX),
	ROW(ACCEPTED,   GOT_2XX,    PASS,                  ACCEPTED,   KEEP),
	NOTHING(ACCEPTED, GOT_FINAL),
	NOTHING(ACCEPTED, RESEND),
	ROW(ACCEPTED,   EXPIRE,     0,                     TERMINATED, STOP),     /* M */
	NOTHING(ACCEPTED, ERROR),
	CLIENT_DONE,
};

/* RFC 3261 17.1.2, figure 6. */
static const machine_rows client = {
	ROW(TRYING,     GOT_1XX,    PASS,                  PROCEEDING, KEEP),
	ROW(TRYING,     GOT_2XX,    PASS | STOP,           COMPLETED,  T4_UDP),   /* K */
	ROW(TRYING,     GOT_FINAL,  PASS | STOP,           COMPLETED,  T4_UDP),
	ROW(TRYING,     RESEND,     REPEAT | CAPPED,       TRYING,     KEEP),     /* E */
	ROW(TRYING,     EXPIRE,     TIMEOUT | STOP,        TERMINATED, STOP),     /* F */
	ROW(TRYING,     ERROR,      REPORT | STOP,         TERMINATED, STOP),
	ROW(PROCEEDING, GOT_1XX,    PASS,                  PROCEEDING, KEEP),
	ROW(PROCEEDING, GOT_2XX,    PASS | STOP,           COMPLETED,  T4_UDP),
	ROW(PROCEEDING, GOT_FINAL,  PASS | STOP,           COMPLETED,  T4_UDP),
	ROW(PROCEEDING, RESEND,     REPEAT | SLOW,         PROCEEDING, KEEP),     /* E */
	ROW(PROCEEDING, EXPIRE,     TIMEOUT | STOP,        TERMINATED, STOP),     /* F */
	ROW(PROCEEDING, ERROR,      REPORT | STOP,         TERMINATED, STOP),
	NOTHING(COMPLETED, GOT_1XX),
	NOTHING(COMPLETED, GOT_2XX),
	NOTHING(COMPLETED, GOT_FINAL),
	NOTHING(COMPLETED, RESEND),
	ROW(COMPLETED,  EXPIRE,     0,                     TERMINATED, STOP),     /* K */
	NOTHING(COMPLETED, ERROR),
	CLIENT_DONE,
};

/* RFC 3261 17.2.1, figure 7, as replaced by RFC 6026 figure 5. */
static const machine_rows invite_server = {
	NOTHING(TRYING, GOT_REQUEST), /* the moment before the first answer; 100 follows at once */
	NOTHING(TRYING, GOT_ACK),
	ROW(TRYING,     SEND_1XX,   ANSWER,                PROCEEDING, KEEP),
	ROW(TRYING,     SEND_2XX,   ANSWER,                ACCEPTED,   64T1),     /* L */
	ROW(TRYING,     SEND_FINAL, ANSWER | START,        COMPLETED,  64T1),     /* G, H */
	NOTHING(TRYING, RESEND),
	NOTHING(TRYING, EXPIRE),
	NOTHING(TRYING, ERROR),
	ROW(PROCEEDING, GOT_REQUEST, REPEAT,               PROCEEDING, KEEP),
	NOTHING(PROCEEDING, GOT_ACK),
	ROW(PROCEEDING, SEND_1XX,   ANSWER,                PROCEEDING, KEEP),
	ROW(PROCEEDING, SEND_2XX,   ANSWER,                ACCEPTED,   64T1),     /* L */
	ROW(PROCEEDING, SEND_FINAL, ANSWER | START,        COMPLETED,  64T1),     /* G, H */
	NOTHING(PROCEEDING, RESEND),
	NOTHING(PROCEEDING, EXPIRE),
	ROW(PROCEEDING, ERROR,      REPORT,                PROCEEDING, KEEP),
	ROW(COMPLETED,  GOT_REQUEST, REPEAT,               COMPLETED,  KEEP),
	ROW(COMPLETED,  GOT_ACK,    PASS | STOP,           CONFIRMED,  T4_UDP),   /* I */
	NOTHING(COMPLETED, SEND_1XX),
	NOTHING(COMPLETED, SEND_2XX),
	NOTHING(COMPLETED, SEND_FINAL),
	ROW(COMPLETED,  RESEND,     REPEAT | CAPPED,       COMPLETED,  KEEP),     /* G */
	ROW(COMPLETED,  EXPIRE,     TIMEOUT | STOP,        TERMINATED, STOP),     /* H */
	ROW(COMPLETED,  ERROR,      REPORT,                COMPLETED,  KEEP),
	NOTHING(CONFIRMED, GOT_REQUEST),
	NOTHING(CONFIRMED, GOT_ACK), /* absorbed */
	NOTHING(CONFIRMED, SEND_1XX),
	NOTHING(CONFIRMED, SEND_2XX),
	NOTHING(CONFIRMED, SEND_FINAL),
	NOTHING(CONFIRMED, RESEND),
	ROW(CONFIRMED,  EXPIRE,     0,                     TERMINATED, STOP),     /* I */
	NOTHING(CONFIRMED, ERROR),
	NOTHING(ACCEPTED, GOT_REQUEST), /* absorbed; the core resends the 2xx */
	ROW(ACCEPTED,   GOT_ACK,    PASS,                  ACCEPTED,   KEEP),
	NOTHING(ACCEPTED, SEND_1XX),
	ROW(ACCEPTED,   SEND_2XX,   REPEAT,                ACCEPTED,   KEEP),
	NOTHING(ACCEPTED, SEND_FINAL),
	NOTHING(ACCEPTED, RESEND),
	ROW(ACCEPTED,   EXPIRE,     0,                     TERMINATED, STOP),     /* L */
	ROW(ACCEPTED,   ERROR,      REPORT,                ACCEPTED,   KEEP),
	SERVER_DONE,
};

/* RFC 3261 17.2.2, figure 8. */
static const machine_rows server = {
	NOTHING(TRYING, GOT_REQUEST),
	NOTHING(TRYING, GOT_ACK),
	ROW(TRYING,     SEND_1XX,   ANSWER,                PROCEEDING, KEEP),
	ROW(TRYING,     SEND_2XX,   ANSWER,                COMPLETED,  64T1_UDP), /* J */
	ROW(TRYING,     SEND_FINAL, ANSWER,                COMPLETED,  64T1_UDP),
	NOTHING(TRYING, RESEND),
	ROW(TRYING,     EXPIRE,     TIMEOUT,               TERMINATED, STOP),     /* no answer */
	NOTHING(TRYING, ERROR),
	ROW(PROCEEDING, GOT_REQUEST, REPEAT,               PROCEEDING, KEEP),
	NOTHING(PROCEEDING, GOT_ACK),
	ROW(PROCEEDING, SEND_1XX,   ANSWER,                PROCEEDING, KEEP),
	ROW(PROCEEDING, SEND_2XX,   ANSWER,                COMPLETED,  64T1_UDP), /* J */
	ROW(PROCEEDING, SEND_FINAL, ANSWER,                COMPLETED,  64T1_UDP),
	NOTHING(PROCEEDING, RESEND),
	ROW(PROCEEDING, EXPIRE,     TIMEOUT,               TERMINATED, STOP),     /* no answer */
	ROW(PROCEEDING, ERROR,      REPORT,                TERMINATED, STOP),
	ROW(COMPLETED,  GOT_REQUEST, REPEAT,               COMPLETED,  KEEP),
	NOTHING(COMPLETED, GOT_ACK),
	NOTHING(COMPLETED, SEND_1XX),
	NOTHING(COMPLETED, SEND_2XX),
	NOTHING(COMPLETED, SEND_FINAL),
	NOTHING(COMPLETED, RESEND),
	ROW(COMPLETED,  EXPIRE,     0,                     TERMINATED, STOP),     /* J */
	ROW(COMPLETED,  ERROR,      REPORT,                TERMINATED, STOP),
	SERVER_DONE,
};
/* clang-format on */

static const machine_rows *const machines[SIP_TX_MACHINE_COUNT] = {
	[SIP_TX_INVITE_CLIENT] = &invite_client,
	[SIP_TX_CLIENT] = &client,
	[SIP_TX_INVITE_SERVER] = &invite_server,
	[SIP_TX_SERVER] = &server,
};

const struct sip_tx_row *sip_tx_row(enum sip_tx_machine machine, enum sip_tx_state state,
				    enum sip_tx_event event)
{
	assert((unsigned)machine < SIP_TX_MACHINE_COUNT);
	assert((unsigned)state < SIP_TX_STATE_COUNT && (unsigned)event < SIP_TX_EVENT_COUNT);
	return &(*machines[machine])[state][event];
}

bool sip_tx_has_state(enum sip_tx_machine machine, enum sip_tx_state state)
{
	if (state == SIP_TX_CONFIRMED)
		return machine == SIP_TX_INVITE_SERVER;
	if (state == SIP_TX_ACCEPTED)
		return machine == SIP_TX_INVITE_CLIENT || machine == SIP_TX_INVITE_SERVER;
	return state < SIP_TX_STATE_COUNT;
}

bool sip_tx_has_event(enum sip_tx_machine machine, enum sip_tx_event event)
{
	bool is_client = machine == SIP_TX_INVITE_CLIENT || machine == SIP_TX_CLIENT;

	if (event <= SIP_TX_GOT_FINAL)
		return is_client;
	if (event <= SIP_TX_SEND_FINAL)
		return !is_client;
	return event < SIP_TX_EVENT_COUNT;
}

const char *sip_tx_state_name(enum sip_tx_state state)
{
	static const char *const names[SIP_TX_STATE_COUNT] = {
		"trying", "proceeding", "completed", "confirmed", "accepted", "terminated",
	};

	assert((unsigned)state < SIP_TX_STATE_COUNT);
	return names[state];
}
