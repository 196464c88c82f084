/* sip/tx_table.h -- the four transaction machines as data: one row per (state, event).
 *
 * Source: RFC 3261 17.1 and 17.2 with the Accepted state and the transport rules of RFC 6026.
 * Timers are two per transaction: `resend` (A, E, G) and `life` (B, D, F, H, I, J, K, L, M: never
 * more than one of them runs). Private to sip/tx*.c and its tests. Thread: any, constant data.
 */
#ifndef SIP_TX_TABLE_H
#define SIP_TX_TABLE_H

#include <stdbool.h>
#include <stdint.h>

enum sip_tx_machine {
	SIP_TX_INVITE_CLIENT,
	SIP_TX_CLIENT,
	SIP_TX_INVITE_SERVER,
	SIP_TX_SERVER,
	SIP_TX_MACHINE_COUNT
};

enum sip_tx_state {
	SIP_TX_TRYING, /* "Calling" of an INVITE client */
	SIP_TX_PROCEEDING,
	SIP_TX_COMPLETED,
	SIP_TX_CONFIRMED, /* INVITE server only */
	SIP_TX_ACCEPTED,  /* INVITE machines only (RFC 6026) */
	SIP_TX_TERMINATED,
	SIP_TX_STATE_COUNT
};

enum sip_tx_event {
	SIP_TX_GOT_1XX, /* client: a response came */
	SIP_TX_GOT_2XX,
	SIP_TX_GOT_FINAL,   /* 300 to 699 */
	SIP_TX_GOT_REQUEST, /* server: the request came again */
	SIP_TX_GOT_ACK,
	SIP_TX_SEND_1XX, /* server: the core answers */
	SIP_TX_SEND_2XX,
	SIP_TX_SEND_FINAL,
	SIP_TX_RESEND, /* timer A, E or G */
	SIP_TX_EXPIRE, /* timer B, D, F, H, I, J, K, L or M */
	SIP_TX_ERROR,  /* the transport failed */
	SIP_TX_EVENT_COUNT
};

enum sip_tx_action {
	SIP_TX_DO_RESEND = 1 << 0,  /* send the kept message again */
	SIP_TX_DO_ANSWER = 1 << 1,  /* server: keep this response and send it */
	SIP_TX_DO_ACK = 1 << 2,     /* client: ACK of a final response that is no 2xx (17.1.1.3) */
	SIP_TX_DO_PASS = 1 << 3,    /* give the message to the core */
	SIP_TX_DO_TIMEOUT = 1 << 4, /* tell the core: no answer */
	SIP_TX_DO_REPORT = 1 << 5,  /* tell the core: transport error */
	SIP_TX_RESEND_START = 1 << 6,  /* resend timer at T1, unreliable transports only */
	SIP_TX_RESEND_DOUBLE = 1 << 7, /* twice the last interval (timer A) */
	SIP_TX_RESEND_CAPPED = 1 << 8, /* twice the last interval, at most T2 (timers E, G) */
	SIP_TX_RESEND_SLOW = 1 << 9,   /* T2 (timer E in Proceeding) */
	SIP_TX_RESEND_STOP = 1 << 10
};

/* What happens to the life timer. _UDP: at once (0) on reliable transports. */
enum sip_tx_life {
	SIP_TX_LIFE_KEEP,
	SIP_TX_LIFE_STOP,
	SIP_TX_LIFE_64T1,     /* B, F, H, L, M */
	SIP_TX_LIFE_64T1_UDP, /* D, J */
	SIP_TX_LIFE_T4_UDP    /* I, K */
};

struct sip_tx_row {
	bool is_listed; /* false: the pair is missing from the table, a defect */
	uint8_t next;   /* enum sip_tx_state */
	uint8_t life;   /* enum sip_tx_life */
	uint16_t actions;
};

const struct sip_tx_row *sip_tx_row(enum sip_tx_machine machine, enum sip_tx_state state,
				    enum sip_tx_event event);

/* Whether the machine has the state, and whether the event can happen to it: the test asks for a
 * row for every such pair. */
bool sip_tx_has_state(enum sip_tx_machine machine, enum sip_tx_state state);
bool sip_tx_has_event(enum sip_tx_machine machine, enum sip_tx_event event);

const char *sip_tx_state_name(enum sip_tx_state state);

#endif
