/* The tests that every message passes before anybody acts on it, as one list of small rules in the
 * order in which faults are reported. */
#include <assert.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/cursor.h"
#include "sip/msg.h"
#include "sip/names.h"

enum { MAX_FORWARDS_MAX = 255 }; /* RFC 3261 20.22 */

struct fault {
	int err;
	uint16_t status;
	const char *text;
};

static int fault_set(struct fault *fault, int err, uint16_t status, const char *text)
{
	*fault = (struct fault){err, status, text};
	return err;
}

static int fault_missing(struct fault *fault, enum sip_header_id id)
{
	return fault_set(fault, ERR_SIP_HEADER_MISSING, 400, sip_header_missing_text(id));
}

static int fault_malformed(struct fault *fault, enum sip_header_id id)
{
	return fault_set(fault, ERR_SIP_HEADER_SYNTAX, 400, sip_header_malformed_text(id));
}

/* What the parser found; the first row that fits. */
static int check_parsed(const struct sip_msg *msg, struct fault *fault)
{
	static const struct fault faults[] = {
		{ERR_SIP_VERSION, 505, "SIP version is not 2.0"},
		{ERR_SIP_TOO_LARGE, 513, "Message is too large"},
		{ERR_SIP_TOO_MANY_HEADERS, 513, "Too many header fields"},
		{ERR_SIP_BODY_SHORT, 400, "Body is shorter than Content-Length"},
		{ERR_SIP_HEADER_SYNTAX, 400, "Content-Length is malformed"},
	};

	if (msg->error == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		if (faults[i].err == msg->error)
			return fault_set(fault, msg->error, faults[i].status, faults[i].text);
	}
	return fault_set(fault, msg->error, 400,
			 msg->is_request ? "Malformed request line or header field"
					 : "Malformed response");
}

static int check_repeated(const struct sip_msg *msg, struct fault *fault)
{
	if (msg->repeated == 0)
		return 0;
	return fault_set(fault, ERR_SIP_HEADER_REPEATED, 400,
			 sip_header_repeated_text(msg->repeated));
}

/* Via: the hops that we look at, all of them well-formed. */
static int check_via(const struct sip_msg *msg, struct fault *fault)
{
	struct sip_list_walk walk = {0};
	struct slice element;
	struct sip_via via;
	int count = 0;

	while (count < SIP_MSG_VIA_MAX && sip_list_next(msg, SIP_H_VIA, &walk, &element)) {
		if (sip_via_parse(element, &via))
			return fault_malformed(fault, SIP_H_VIA);
		count++;
	}
	return count ? 0 : fault_missing(fault, SIP_H_VIA);
}

static int check_addr(const struct sip_msg *msg, enum sip_header_id id, struct fault *fault)
{
	struct sip_addr addr;
	int err = sip_msg_addr(msg, id, &addr);

	if (err == ERR_SIP_HEADER_MISSING)
		return fault_missing(fault, id);
	return err ? fault_malformed(fault, id) : 0;
}

static int check_from(const struct sip_msg *msg, struct fault *fault)
{
	return check_addr(msg, SIP_H_FROM,
			  fault); /* without a tag: RFC 2543, see RFC 3261 12.1.1 */
}

static int check_to(const struct sip_msg *msg, struct fault *fault)
{
	return check_addr(msg, SIP_H_TO, fault);
}

/* Call-ID: the grammar is word ["@" word]; what matters is that it is one visible word. */
static int check_call_id(const struct sip_msg *msg, struct fault *fault)
{
	struct slice value = sip_msg_value(msg, SIP_H_CALL_ID);
	struct cursor c = cursor_of(value);

	if (!slice_present(value))
		return fault_missing(fault, SIP_H_CALL_ID);
	while (char_is(cursor_peek(&c), CHAR_URI) || cursor_peek(&c) == '<' ||
	       cursor_peek(&c) == '>' || cursor_peek(&c) == '"')
		cursor_take(&c);
	return value.len && cursor_done(&c) ? 0 : fault_malformed(fault, SIP_H_CALL_ID);
}

static int check_cseq(const struct sip_msg *msg, struct fault *fault)
{
	struct sip_cseq cseq;
	int err = sip_msg_cseq(msg, &cseq);

	if (err == ERR_SIP_HEADER_MISSING)
		return fault_missing(fault, SIP_H_CSEQ);
	if (err)
		return fault_malformed(fault, SIP_H_CSEQ);
	if (!msg->is_request || slice_eq(cseq.method_text, msg->method_text))
		return 0;
	if (msg->method ==
	    SIP_METHOD_OTHER) /* RFC 4475 3.1.2.18: that we do not know it comes first */
		return fault_set(fault, ERR_SIP_CSEQ_METHOD, 501,
				 "Method is not known, and CSeq names another");
	return fault_set(fault, ERR_SIP_CSEQ_METHOD, 400,
			 "CSeq method differs from the request method");
}

static int check_max_forwards(const struct sip_msg *msg, struct fault *fault)
{
	struct slice value = sip_msg_value(msg, SIP_H_MAX_FORWARDS);
	uint32_t hops;

	if (slice_present(value) && slice_u32(value, MAX_FORWARDS_MAX, &hops))
		return fault_malformed(fault, SIP_H_MAX_FORWARDS);
	return 0;
}

static int check_request_uri(const struct sip_msg *msg, struct fault *fault)
{
	struct sip_uri uri;

	if (!msg->is_request)
		return 0;
	if (sip_uri_parse(msg->request_uri, &uri))
		return fault_set(fault, ERR_SIP_URI_SYNTAX, 400, "Request-URI is malformed");
	if (uri.scheme == SIP_SCHEME_OTHER)
		return fault_set(fault, ERR_SIP_URI_SCHEME, 416,
				 "Request-URI has an unknown scheme");
	if (slice_present(uri.headers)) /* RFC 3261 19.1.1, RFC 4475 3.1.2.11 */
		return fault_set(fault, ERR_SIP_URI_SYNTAX, 400, "Request-URI holds header fields");
	return 0;
}

/* Well-formed elements of an address list; a star alone where `may_be_star`. */
static int check_addr_list(const struct sip_msg *msg, enum sip_header_id id, bool may_be_star,
			   struct fault *fault)
{
	struct sip_list_walk walk = {0};
	struct slice element;
	struct sip_addr addr;
	int count = 0;

	while (count++ < SIP_MSG_VIA_MAX && sip_list_next(msg, id, &walk, &element)) {
		if (may_be_star && slice_is(element, "*"))
			continue;
		if (sip_addr_parse(element, &addr))
			return fault_malformed(fault, id);
	}
	return 0;
}

static int check_routes(const struct sip_msg *msg, struct fault *fault)
{
	int err = check_addr_list(msg, SIP_H_ROUTE, false, fault);

	return err ? err : check_addr_list(msg, SIP_H_RECORD_ROUTE, false, fault);
}

static bool makes_dialog(enum sip_method method)
{
	return method == SIP_METHOD_INVITE || method == SIP_METHOD_SUBSCRIBE ||
	       method == SIP_METHOD_REFER;
}

/* RFC 2543 knew no magic cookie, and no Contact that must be there. */
static bool is_rfc2543(const struct sip_msg *msg)
{
	struct sip_via via;

	return sip_msg_via(msg, &via) == 0 && !slice_istarts(via.branch, SLICE("z9hG4bK"));
}

static int check_contact(const struct sip_msg *msg, struct fault *fault)
{
	bool is_register = msg->method == SIP_METHOD_REGISTER;
	struct sip_addr contact, to;
	int err = check_addr_list(msg, SIP_H_CONTACT, is_register, fault);

	if (err || !msg->is_request || !makes_dialog(msg->method))
		return err;
	if (sip_msg_addr(msg, SIP_H_TO, &to) == 0 && slice_present(sip_addr_tag(&to)))
		return 0; /* in a dialog the target stays what it was */
	err = sip_msg_addr(msg, SIP_H_CONTACT, &contact);
	if (err == ERR_SIP_HEADER_MISSING)
		return is_rfc2543(msg) ? 0 : fault_missing(fault, SIP_H_CONTACT);
	if (!sip_uri_is_sip(&contact.uri))
		return fault_set(fault, ERR_SIP_URI_SCHEME, 400,
				 "Contact is not a SIP or SIPS URI");
	return 0;
}

static int check_content_type(const struct sip_msg *msg, struct fault *fault)
{
	struct sip_content_type type;
	int err = sip_msg_content_type(msg, &type);

	return err == ERR_SIP_HEADER_SYNTAX ? fault_malformed(fault, SIP_H_CONTENT_TYPE) : 0;
}

int sip_msg_check(const struct sip_msg *msg, uint16_t *ret_status, const char **ret_text)
{
	static int (*const rules[])(const struct sip_msg *msg, struct fault *fault) = {
		check_parsed,      check_repeated, check_via,     check_from,
		check_to,          check_call_id,  check_cseq,    check_max_forwards,
		check_request_uri, check_routes,   check_contact, check_content_type,
	};
	struct fault fault;

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (rules[i](msg, &fault)) {
			assert(fault.err != 0 && fault.status >= 400);
			*ret_status = fault.status;
			*ret_text = fault.text;
			return fault.err;
		}
	}
	return 0;
}

bool sip_msg_can_answer(const struct sip_msg *msg)
{
	struct sip_via via;

	return msg->is_request && msg->method_text.len && msg->method != SIP_METHOD_ACK &&
	       sip_msg_via(msg, &via) == 0;
}
