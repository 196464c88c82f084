/* sip/refer_priv.h -- what refer*.c share with the core. Private to sip/. */
#ifndef SIP_REFER_PRIV_H
#define SIP_REFER_PRIV_H

#include "sip/refer.h"
#include "sip/sub_priv.h"

enum {
	REFER_EXPIRES_S = 300, /* of the subscription that comes with a REFER */
	REFER_TOKEN_CHARS = 20 /* of the URI that an explicit subscription goes to (RFC 7614 5) */
};

#endif
