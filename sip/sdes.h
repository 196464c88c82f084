/* sip/sdes.h -- a=crypto lines: keys of SRTP in session descriptions (RFC 4568).
 *
 * One key per line, no MKI. Lifetimes are read and not counted: 2^31 packets of 20 ms last longer
 * than a year. Session parameters that change what is protected are not supported, so their lines
 * are passed over (RFC 4568 6.3). Suites: RFC 4568 6.2, RFC 7714 14.2. Thread: any; pure.
 */
#ifndef SIP_SDES_H
#define SIP_SDES_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum sdes_suite { /* in the order in which we offer them */
		  SDES_AEAD_AES_256_GCM,
		  SDES_AEAD_AES_128_GCM,
		  SDES_AES_CM_128_HMAC_SHA1_80,
		  SDES_AES_CM_128_HMAC_SHA1_32,
		  SDES_SUITE_COUNT
};

enum { SDES_KEY_MAX = 44, SDES_TAG_MAX = 999999999, SDES_TEXT_MAX = 128 };

struct sdes {
	uint32_t tag; /* 0: no line */
	enum sdes_suite suite;
	uint8_t key[SDES_KEY_MAX]; /* master key, then salt: sdes_octets(suite) */
};

uint8_t sdes_octets(enum sdes_suite suite);

/* The value of an a=crypto attribute. ERR_SDP_SYNTAX; -ENOTSUP: a suite or a parameter that we do
 * not have. */
int sdes_parse(struct slice value, struct sdes *ret_sdes);

/* The value again, without its parameters. */
void sdes_print(struct buf *buf, const struct sdes *sdes);

#endif
