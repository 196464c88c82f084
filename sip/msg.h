/* sip/msg.h -- a SIP message: one buffer and an index of its header fields.
 *
 * Shape:   the parser stores offsets, copies nothing and allocates nothing; typed views (Via,
 *          name-addr, CSeq ...) are slices made on demand. Folded lines are seen as one value with
 *          the fold inside; the views skip it as white space. Compact forms have the id of the
 *          long form.
 * Limits:  SIP_MSG_* below; a hostile 64 KB datagram costs under 2 ms, parse and views together.
 * Source:  RFC 3261 7 and 25; RFC 4475 tells how to treat what is wrong.
 * Thread:  any; a message is read-only after the parse.
 */
#ifndef SIP_MSG_H
#define SIP_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "sip/uri.h"

enum {
	SIP_MSG_OCTETS_MAX = 65535,
	SIP_MSG_HEADERS_MAX = 192, /* fields; more is ERR_SIP_TOO_MANY_HEADERS */
	SIP_HOPS = 70,        /* Max-Forwards of a request that begins with us (RFC 3261 8.1.1.6) */
	SIP_MSG_VIA_MAX = 70, /* Via hops looked at */
	SIP_MSG_PARAMS_MAX = 64 /* parameters looked at in one value */
};

enum sip_method {
	SIP_METHOD_OTHER, /* method_text tells */
	SIP_METHOD_INVITE,
	SIP_METHOD_ACK,
	SIP_METHOD_BYE,
	SIP_METHOD_CANCEL,
	SIP_METHOD_OPTIONS,
	SIP_METHOD_REGISTER,
	SIP_METHOD_PRACK,
	SIP_METHOD_UPDATE,
	SIP_METHOD_INFO,
	SIP_METHOD_MESSAGE,
	SIP_METHOD_SUBSCRIBE,
	SIP_METHOD_NOTIFY,
	SIP_METHOD_REFER,
	SIP_METHOD_PUBLISH,
	SIP_METHOD_COUNT
};

/* Known header fields: SIP_H_VIA ... from one table (name, compact form, may it repeat, is it a
 * comma list), sip/header.inc: HEADER(VIA, "Via", 'v', flags). SIP_H_OTHER for the rest. */
enum sip_header_id {
	SIP_H_OTHER,
#define HEADER(id, name, compact, flags) SIP_H_##id,
#include "sip/header.inc"
#undef HEADER
	SIP_H_COUNT
};

struct sip_header {
	uint32_t name_at, value_at; /* offsets into the message text */
	uint16_t name_len;
	uint16_t id;        /* enum sip_header_id */
	uint32_t value_len; /* trimmed */
};

struct sip_msg {
	struct slice text; /* the message, without CRLFs before and octets behind it; borrowed */
	int error;         /* what sip_msg_parse returned */
	bool is_request;
	enum sip_method method; /* of a request; of a response, the CSeq method */
	struct slice method_text;
	struct slice request_uri; /* request only */
	uint16_t status;          /* response only, 100..699 */
	struct slice reason;
	struct slice body; /* present when there is any */
	uint16_t repeated; /* id of a field that may occur once and occurs twice; 0 none */
	uint16_t header_count;
	uint16_t first[SIP_H_COUNT]; /* index + 1 of the first field with that id, 0 none */
	/* Last: sip_msg_dup keeps those in use only. */
	struct sip_header headers[SIP_MSG_HEADERS_MAX];
};

/* Parses start line and header index; the body is what Content-Length says (datagram: the rest when
 * the field is missing). Lines may end in LF alone; a lone CR is ERR_SIP_SYNTAX. ERR_SIP_SYNTAX,
 * _VERSION, _TOO_LARGE, _TOO_MANY_HEADERS, _HEADER_SYNTAX (Content-Length), _BODY_SHORT.
 * Also when it fails, a request with a readable start line and top Via can be answered:
 * *msg is filled as far as it went, malformed lines left out; sip_msg_can_answer() tells, and
 * sip_msg_check() gives the status. */
int sip_msg_parse(const char *data, size_t len, struct sip_msg *msg);

/* Of a stream (RFC 3261 18.3): the first message in `data` is the *ret_len octets behind the
 * *ret_skip octets of leading line ends (keep-alives of RFC 5626 4.4.1). ERR_SIP_INCOMPLETE: read
 * more; *ret_skip is set then too, and *ret_len, to 0 as long as the head is open.
 * ERR_SIP_TOO_LARGE, ERR_SIP_SYNTAX, ERR_SIP_HEADER_MISSING (no Content-Length),
 * ERR_SIP_HEADER_REPEATED (two that differ): cut the connection. */
int sip_msg_frame(const char *data, size_t len, size_t *ret_skip, size_t *ret_len);

/* What a UAS must check before it looks closer (RFC 3261 8.1.1, 8.2; RFC 4475): that the parse went
 * well, and mandatory fields are present, single and well-formed (To, From, Call-ID, CSeq, Via,
 * Max-Forwards, Contact for dialog makers, routes, the Request-URI), CSeq method equal. 0, or an
 * error with *ret_status (400, 416, 501, 505, 513) and *ret_text, a sentence for the reason phrase
 * or Warning that names the fault; static text. Missing Max-Forwards is fine; 0 is fine for a UAS
 * (483 is a proxy's answer, RFC 4475 3.3.11). An INVITE without Contact is fine in a dialog, and
 * from an RFC 2543 peer (no magic cookie in the branch). Of a response: nonzero means drop it. */
int sip_msg_check(const struct sip_msg *msg, uint16_t *ret_status, const char **ret_text);
bool sip_msg_can_answer(const struct sip_msg *msg);

/* Raw values: the first (SLICE_NONE when missing); or the next after `prev` (NULL: first) with that
 * id; by name for others. */
struct slice sip_msg_value(const struct sip_msg *msg, enum sip_header_id id);
const struct sip_header *sip_msg_next(const struct sip_msg *msg, enum sip_header_id id,
				      const struct sip_header *prev);
struct slice sip_msg_value_named(const struct sip_msg *msg, const char *name);
struct slice sip_header_name(const struct sip_msg *msg, const struct sip_header *h);
struct slice sip_header_value(const struct sip_msg *msg, const struct sip_header *h);

/* Walks the comma-separated elements of all fields with `id`, respecting quotes and angle brackets.
 * Init {0}; false at the end. */
struct sip_list_walk {
	const struct sip_header *header;
	struct slice rest;
	bool is_started;
};
bool sip_list_next(const struct sip_msg *msg, enum sip_header_id id, struct sip_list_walk *walk,
		   struct slice *ret_element);
/* True when a comma list holds the token (any case): Require, Supported, Allow ... */
bool sip_list_has(const struct sip_msg *msg, enum sip_header_id id, const char *token);

/* Generic parameters ";a=b;c": value of `name` (any case; quotes kept out). False when missing. */
bool sip_param(struct slice params, const char *name, struct slice *ret_value);
/* Their "q": "0.7" is 700; 1000 when it is missing or no qvalue (RFC 3261 25.1). */
uint16_t sip_q_thousandths(struct slice params);
/* Takes the next parameter off *params. False at the end. */
bool sip_param_next(struct slice *params, struct slice *ret_name, struct slice *ret_value);

struct sip_via {
	struct slice transport; /* "UDP" */
	struct slice host;      /* v6 without brackets */
	bool is_host_v6;
	uint16_t port; /* 0: none given */
	struct slice branch, received, maddr;
	bool has_rport;
	uint16_t rport; /* 0: asked for, not filled */
	struct slice params;
	struct slice text; /* the whole element */
};
int sip_via_parse(struct slice element, struct sip_via *ret_via);    /* ERR_SIP_HEADER_SYNTAX */
int sip_msg_via(const struct sip_msg *msg, struct sip_via *ret_via); /* the top one */

/* name-addr / addr-spec: From, To, Contact, Route, Record-Route, Refer-To, Referred-By ... */
struct sip_addr {
	struct slice display; /* without quotes, still escaped; absent when there is none */
	struct sip_uri uri;
	bool has_brackets;
	struct slice params; /* header parameters, "tag=x;isfocus" */
	struct slice text;
};
/* "*" is no address: who reads the Contacts of a REGISTER asks for it before. */
int sip_addr_parse(struct slice element, struct sip_addr *ret_addr);
/* Of the first element. ERR_SIP_HEADER_MISSING, ERR_SIP_HEADER_SYNTAX, ERR_SIP_URI_SYNTAX. */
int sip_msg_addr(const struct sip_msg *msg, enum sip_header_id id, struct sip_addr *ret_addr);
struct slice sip_addr_tag(const struct sip_addr *addr); /* SLICE_NONE when missing or empty */
/* The same of From or To without a look at the URI, which sip_msg_check has had: dialogs are found
 * by tags. */
struct slice sip_msg_tag(const struct sip_msg *msg, enum sip_header_id id);

struct sip_cseq {
	uint32_t number; /* below 2^31 (RFC 3261 8.1.1.5) */
	enum sip_method method;
	struct slice method_text;
};
int sip_msg_cseq(const struct sip_msg *msg, struct sip_cseq *ret_cseq);

/* "multipart/mixed" etc.: type and subtype in any case, parameters. */
struct sip_content_type {
	struct slice type, subtype, params;
};
int sip_msg_content_type(const struct sip_msg *msg, struct sip_content_type *ret_type);
bool sip_content_is(const struct sip_content_type *type, const char *type_slash_subtype);

enum sip_method sip_method_parse(struct slice text); /* case matters (RFC 3261 7.1) */
const char *sip_method_name(enum sip_method method);
const char *sip_reason_phrase(uint16_t status); /* "Busy Here"; "Unknown" */
const char *sip_header_id_name(enum sip_header_id id);

/* Heap copy of the text and a parsed message in one block, owned by the caller (free()). The block
 * ends behind the header fields in use: use it by pointer, never copy *ret_copy by value.
 * -ENOMEM. */
int sip_msg_dup(const struct sip_msg *msg, struct sip_msg **ret_copy);

#endif
