/* sip/names.h -- lookups for the parser itself; everybody else uses sip/msg.h. Thread: any. */
#ifndef SIP_NAMES_H
#define SIP_NAMES_H

#include "sip/msg.h"

/* Long name in any case, or compact form; SIP_H_OTHER for the rest. Constant cost. */
enum sip_header_id sip_header_id_find(struct slice name);

/* HEADER_S, HEADER_L of header.inc. */
unsigned sip_header_flags(enum sip_header_id id);

/* "Call-ID occurs more than once" and its kin, static text. */
const char *sip_header_repeated_text(enum sip_header_id id);
const char *sip_header_missing_text(enum sip_header_id id);
const char *sip_header_malformed_text(enum sip_header_id id);

#endif
