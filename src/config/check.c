/* config/check.c -- what one row of the table cannot say: lists, addresses, and keys that depend on
 * each other. Every check reports and goes on. */
#include <arpa/inet.h>
#include <inttypes.h>

#include "base/addr.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/log.h"
#include "base/prefix.h"
#include "config/table.h"

enum {
	LISTEN_MAX = 16,
	HOST_LEN_MAX = 255,
	LABEL_LEN_MAX = 63,
	PTIME_STEP_MS = 10,
	REGISTER_ITEM_MAX = 255
};

/* The key under check, and where to complain. */
struct check {
	const struct config *config;
	struct buf *errors;
	const struct config_key *key;
	int err;
};

#define WRONG(check, ...)                                                                          \
	do {                                                                                       \
		config_complain((check)->errors, config_origin((check)->config, (check)->key),     \
				slice_of((check)->key->name), __VA_ARGS__);                        \
		(check)->err = ERR_CONFIG;                                                         \
	} while (0)

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* All characters alphanumeric or in `others`, at least one. */
static bool is_made_of(struct slice text, const char *others)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!is_alnum(text.p[i]) && !strchr(others, text.p[i]))
			return false;
	}
	return text.len > 0;
}

/* A host name (RFC 1123 section 2.1; underscores occur) or an IP literal, v6 in brackets. */
static bool is_host(struct slice text)
{
	struct addr addr;

	if (text.len > 0 && text.p[0] == '[')
		return addr_parse_ip(text, &addr) == 0;
	while (text.len > 0 && text.len <= HOST_LEN_MAX) {
		size_t dot = slice_find(text, '.');
		struct slice label = slice_first(text, dot);

		if (!is_made_of(label, "-_") || label.len > LABEL_LEN_MAX || label.p[0] == '-')
			return false;
		if (dot == text.len)
			return true;
		text = slice_from(text, dot + 1);
	}
	return false;
}

static bool is_host_port(struct slice text)
{
	size_t skip = 0, colon;
	uint32_t port;

	if (text.len > 0 && text.p[0] == '[')
		skip = slice_find(text, ']');
	colon = skip + slice_find(slice_from(text, skip), ':');
	if (colon >= text.len)
		return is_host(text);
	return is_host(slice_first(text, colon)) &&
	       slice_u32(slice_from(text, colon + 1), UINT16_MAX, &port) == 0 && port > 0;
}

/* Enough to catch what is no SIP URI at all; its user parses it wholly. */
static bool is_sip_uri(struct slice text)
{
	size_t colon = slice_find(text, ':');
	struct slice scheme = slice_first(text, colon);

	if (!slice_iis(scheme, "sip") && !slice_iis(scheme, "sips"))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] <= ' ' || text.p[i] > '~' || strchr("<>\"", text.p[i]))
			return false;
	}
	return colon + 1 < text.len;
}

bool config_list_next(struct slice *rest, struct slice *ret_item)
{
	size_t comma = slice_find(*rest, ',');

	if (rest->len == 0)
		return false;
	*ret_item = slice_trim(slice_first(*rest, comma));
	*rest = slice_from(*rest, comma + 1);
	return true;
}

int config_port_range(const char *text, uint16_t *ret_low, uint16_t *ret_high)
{
	struct slice whole = slice_of(text);
	size_t dash = slice_find(whole, '-');
	uint32_t low, high;

	if (slice_u32(slice_trim(slice_first(whole, dash)), UINT16_MAX, &low) ||
	    slice_u32(slice_trim(slice_from(whole, dash + 1)), UINT16_MAX, &high))
		return ERR_CONFIG;
	if (low == 0 || low > high)
		return ERR_CONFIG;
	*ret_low = (uint16_t)low;
	*ret_high = (uint16_t)high;
	return 0;
}

static void check_listen_item(struct check *check, struct slice item)
{
	size_t colon = slice_find(item, ':');
	struct slice proto = slice_first(item, colon);
	struct addr addr;

	bool is_tls = slice_is(proto, "tls") || slice_is(proto, "wss");

	if (!is_tls && !slice_is(proto, "udp") && !slice_is(proto, "tcp") && !slice_is(proto, "ws"))
		WRONG(check, "\"" SLICE_FMT "\" must begin with udp:, tcp:, tls:, ws: or wss:",
		      SLICE_ARG(item));
	else if (addr_parse(slice_from(item, colon + 1), &addr) || addr_port(&addr) == 0)
		WRONG(check,
		      "\"" SLICE_FMT "\" must be proto:address:port, such as udp:0.0.0.0:5060 or "
		      "tcp:[::]:5060",
		      SLICE_ARG(item));
	else if (is_tls &&
		 (!check->config->sip_tls_certificate[0] || !check->config->sip_tls_key[0]))
		WRONG(check,
		      SLICE_FMT ": " SLICE_FMT " needs a certificate and its key: set "
				"sip.tls_certificate and sip.tls_key",
		      SLICE_ARG(item), SLICE_ARG(proto));
}

static void check_sip_listen(struct check *check, const char *value)
{
	struct slice rest = slice_of(value), item, seen[LISTEN_MAX];
	size_t count = 0;

	while (config_list_next(&rest, &item)) {
		if (count == LISTEN_MAX) {
			WRONG(check, "has more than %d entries", LISTEN_MAX);
			return;
		}
		for (size_t i = 0; i < count; i++) {
			if (slice_eq(seen[i], item))
				WRONG(check, "\"" SLICE_FMT "\" stands there twice",
				      SLICE_ARG(item));
		}
		seen[count++] = item;
		check_listen_item(check, item);
	}
}

static void check_hep(struct check *check, const char *value)
{
	struct slice text = slice_of(value);
	struct addr addr;

	if (value[0] &&
	    (!slice_istarts(text, SLICE("udp:")) || addr_parse(slice_from(text, 4), &addr) ||
	     !addr_port(&addr) || addr_is_any(&addr)))
		WRONG(check, "\"%s\" must be udp:address:port, such as udp:192.0.2.1:9060", value);
}

static void check_dns_servers(struct check *check, const char *value)
{
	struct slice rest = slice_of(value), item;
	struct addr addr;

	while (config_list_next(&rest, &item)) {
		if (addr_parse_ip(item, &addr) && (addr_parse(item, &addr) || !addr_port(&addr)))
			WRONG(check, "\"" SLICE_FMT "\" is not an IP address or address:port",
			      SLICE_ARG(item));
	}
}

/* scheme://host or scheme://host:port, as browsers write it (RFC 6454 6.2), or null. */
static bool is_origin(struct slice text)
{
	size_t at = slice_istarts(text, SLICE("https://"))  ? 8
		    : slice_istarts(text, SLICE("http://")) ? 7
							    : 0;

	return slice_is(text, "null") || (at > 0 && is_host_port(slice_from(text, at)));
}

static void check_origins(struct check *check, const char *value)
{
	struct slice rest = slice_of(value), item;

	while (config_list_next(&rest, &item)) {
		if (!is_origin(item))
			WRONG(check,
			      "\"" SLICE_FMT
			      "\" is not an origin, such as https://phone.example.com",
			      SLICE_ARG(item));
	}
}

static void check_sip_domains(struct check *check, const char *value)
{
	struct slice rest = slice_of(value), item;

	while (config_list_next(&rest, &item)) {
		if (!is_host(item))
			WRONG(check, "\"" SLICE_FMT "\" is not a host name", SLICE_ARG(item));
	}
}

static void check_public_host(struct check *check, const char *value)
{
	if (value[0] && !is_host_port(slice_of(value)))
		WRONG(check, "\"%s\" is not a host or host:port", value);
}

static void check_uri(struct check *check, const char *value)
{
	if (value[0] && !is_sip_uri(slice_of(value)))
		WRONG(check, "\"%s\" is not a SIP URI, such as sip:host", value);
}

/* "sip:user@host" and, behind a space, the URI of a proxy. */
static void check_register(struct check *check, const char *value)
{
	struct slice rest = slice_of(value), item;

	while (config_list_next(&rest, &item)) {
		size_t end = slice_find(item, ' '), at = slice_find(item, '@');
		struct slice proxy = slice_trim(slice_from(item, end));

		if (item.len > REGISTER_ITEM_MAX || !is_sip_uri(slice_first(item, end)) ||
		    at >= end || slice_find(slice_first(item, at), ':') + 1 >= at)
			WRONG(check, "\"" SLICE_FMT "\" is not sip:user@registrar [proxy URI]",
			      SLICE_ARG(item));
		else if (proxy.len && !is_sip_uri(proxy))
			WRONG(check, "\"" SLICE_FMT "\" is not a SIP URI, such as sip:host",
			      SLICE_ARG(proxy));
	}
}

static void check_http_listen(struct check *check, const char *value)
{
	struct addr addr;

	if (addr_parse(slice_of(value), &addr) || addr_port(&addr) == 0)
		WRONG(check, "\"%s\" must be address:port, such as 127.0.0.1:8080", value);
	else if (!addr_is_loopback(&addr) && !check->config->http_token[0])
		WRONG(check, "%s can be reached from other machines, so http.token must be set",
		      value);
}

/* b64token of RFC 6750 section 2.1: what can stand behind "Bearer". */
static void check_token(struct check *check, const char *value)
{
	if (value[0] && !is_made_of(slice_of(value), "-._~+/="))
		WRONG(check, "may consist of letters, digits and -._~+/= only");
}

static void check_media_address(struct check *check, const char *value)
{
	struct addr addr;

	if (value[0] && (addr_parse_ip(slice_of(value), &addr) || addr_is_any(&addr)))
		WRONG(check, "\"%s\" is not an IP address that peers can send to", value);
}

static void check_media_ports(struct check *check, const char *value)
{
	uint16_t low, high;

	if (config_port_range(value, &low, &high))
		WRONG(check, "\"%s\" must be low-high, such as 16384-32767", value);
	else if (((low + 1) & ~1) + 1 > high) /* first even port, and the odd one behind it */
		WRONG(check, "%s holds no pair of ports (an even one for RTP, the next for RTCP)",
		      value);
}

/* Each item is one of the names, and none stands there twice; `hint` is said of any other. */
static void check_names(struct check *check, const char *value, const char *const *names,
			const char *hint)
{
	struct slice rest = slice_of(value), item;
	unsigned seen = 0;

	while (config_list_next(&rest, &item)) {
		size_t i = 0;

		while (names[i] && !slice_iis(item, names[i]))
			i++;
		if (!names[i])
			WRONG(check, "\"" SLICE_FMT "\" %s", SLICE_ARG(item), hint);
		else if (seen & 1U << i)
			WRONG(check, "\"" SLICE_FMT "\" stands there twice", SLICE_ARG(item));
		else
			seen |= 1U << i;
	}
}

static void check_codecs(struct check *check, const char *value)
{
	static const char *const names[] = {"PCMU",    "PCMA",     "G722",      "opus",      "GSM",
					    "G726-32", "L16/8000", "L16/16000", "L16/48000", NULL};

	check_names(check, value, names,
		    "is not a codec of this version; known are PCMU, PCMA, "
		    "G722, opus, GSM, G726-32, L16/8000, L16/16000, L16/48000");
}

/* User parts that need no escapes (RFC 3261 25.1: unreserved and user-unreserved). */
static void check_users(struct check *check, const char *value)
{
	struct slice rest = slice_of(value), item;

	while (config_list_next(&rest, &item)) {
		if (!is_made_of(item, "-_.!~*'()&=+$;?/"))
			WRONG(check, "\"" SLICE_FMT "\" is not the user part of a SIP URI",
			      SLICE_ARG(item));
	}
}

/* "+4930555000" or "+4930555000-+4930555099", both ends of one length. */
static bool is_number_range(struct slice text)
{
	size_t dash = slice_find(text, '-');
	struct slice first = slice_first(text, dash), last = slice_from(text, dash + 1);
	uint64_t low = 0, high = 0;

	if (first.len < 2 || first.len > 16 || first.p[0] != '+' || first.p[1] == '0' ||
	    slice_u64(slice_from(first, 1), UINT64_MAX, &low))
		return false;
	return dash == text.len ||
	       (last.len == first.len && last.p[0] == '+' &&
		!slice_u64(slice_from(last, 1), UINT64_MAX, &high) && high >= low);
}

static void check_pool(struct check *check, const char *value)
{
	struct slice rest = slice_of(value), item;

	while (config_list_next(&rest, &item))
		if (!is_number_range(item))
			WRONG(check, "\"" SLICE_FMT "\" is no number or range of numbers",
			      SLICE_ARG(item));
}

static void check_callback(struct check *check, const char *value)
{
	struct slice rest = slice_of(value), item;

	while (config_list_next(&rest, &item)) {
		size_t equals = slice_find(item, '=');
		struct slice where = slice_from(item, equals + 1);

		if (!equals || !slice_trim(slice_first(where, slice_find(where, ';'))).len)
			WRONG(check, "\"" SLICE_FMT "\" is not number=where", SLICE_ARG(item));
	}
}

static void check_numbers(struct check *check, const char *value)
{
	struct slice rest = slice_of(value), item;

	while (config_list_next(&rest, &item)) {
		size_t end = slice_find(item, ';');
		struct slice number = slice_first(item, MIN_OF(end, slice_find(item, '=')));
		struct slice param = slice_trim(slice_from(item, end + 1));

		if (!slice_trim(number).len ||
		    (end < item.len && !slice_starts(param, SLICE("greeting="))))
			WRONG(check,
			      "\"" SLICE_FMT "\" is not number[=language[:room]][;greeting=item]",
			      SLICE_ARG(item));
	}
}

static void check_registrar(struct check *check, const char *value)
{
	if (strcmp(value, "users") != 0 && strcmp(value, "open") != 0 && strcmp(value, "off") != 0)
		WRONG(check, "must be users, open or off");
}

/* A word out of a few. */
static void check_word(struct check *check, const char *value, const char *words)
{
	struct slice rest = slice_of(words), word;

	while (config_list_next(&rest, &word)) {
		if (slice_is(word, value))
			return;
	}
	WRONG(check, "\"%s\" must be one of: %s", value, words);
}

static void check_recordings_format(struct check *check, const char *value)
{
	check_word(check, value, "wav, ogg");
}

static void check_auth(struct check *check, const char *value)
{
	check_word(check, value, "off, users, all");
}

static void check_scanners(struct check *check, const char *value)
{
	check_word(check, value, "drop, answer");
}

/* It stands in quotes and in hashes: nothing that would have to be escaped. */
static void check_realm(struct check *check, const char *value)
{
	for (; *value; value++) {
		if (*value < ' ' || *value > '~' || *value == '"' || *value == '\\') {
			WRONG(check,
			      "may have visible ASCII characters but quotes and backslashes");
			return;
		}
	}
}

static void check_algorithms(struct check *check, const char *value)
{
	static const char *const names[] = {"SHA-256", "SHA-512-256", "MD5", NULL};

	check_names(check, value, names, "is not known; there are SHA-256, SHA-512-256 and MD5");
}

enum { PREFIXES_MAX = 256 }; /* what sip/guard.h holds of one list */

/* Each item, its `words` ("allow:", none) taken off, is a prefix. */
static void check_prefix_list(struct check *check, const char *value, const char *words)
{
	struct slice rest = slice_of(value), item, words_rest, word;
	unsigned count = 0;

	while (config_list_next(&rest, &item)) {
		struct slice text = item;
		struct prefix prefix;
		bool has_word = !words[0];

		words_rest = slice_of(words);
		while (!has_word && config_list_next(&words_rest, &word)) {
			has_word = slice_istarts(item, word);
			if (has_word)
				text = slice_from(item, word.len);
		}
		if (!has_word)
			WRONG(check, "\"" SLICE_FMT "\" must begin with one of: %s",
			      SLICE_ARG(item), words);
		else if (prefix_parse(text, &prefix))
			WRONG(check,
			      "\"" SLICE_FMT "\" is not an address or prefix, such as "
			      "192.0.2.0/24 (no bits set behind the prefix) or 2001:db8::/32",
			      SLICE_ARG(text));
		if (++count == PREFIXES_MAX + 1)
			WRONG(check, "has more than %d entries", PREFIXES_MAX);
	}
}

static void check_acl(struct check *check, const char *value)
{
	check_prefix_list(check, value, "allow:,deny:,drop:");
}

static void check_prefixes(struct check *check, const char *value)
{
	check_prefix_list(check, value, "");
}

static void check_trusted(struct check *check, const char *value)
{
	struct slice rest = slice_of(value), item;
	char text[ADDR_TEXT_MAX + 4];

	while (config_list_next(&rest, &item)) {
		if (slice_istarts(item, SLICE("tls:")) && item.len > 4)
			continue;
		check_prefix_list(check, slice_cstr(item, text, sizeof(text)), "");
	}
}

static void check_rel100(struct check *check, const char *value)
{
	check_word(check, value, "off, supported, required");
}

static void check_srtp(struct check *check, const char *value)
{
	if (strcmp(value, "off") != 0 && strcmp(value, "offered") != 0 &&
	    strcmp(value, "required") != 0)
		WRONG(check, "\"%s\" must be off, offered or required", value);
}

static void check_log_level(struct check *check, const char *value)
{
	enum log_level level;

	if (log_level_parse(slice_of(value), &level))
		WRONG(check, "\"%s\" must be error, warn, info or debug", value);
}

static void check_join(struct check *check, const char *value)
{
	if (strcmp(value, "tags") != 0 && strcmp(value, "parties") != 0 &&
	    strcmp(value, "off") != 0)
		WRONG(check, "tags, parties or off expected");
}

static void check_roster(struct check *check, const char *value)
{
	if (strcmp(value, "all") != 0 && strcmp(value, "participants") != 0 &&
	    strcmp(value, "off") != 0)
		WRONG(check, "all, participants or off expected");
}

static void check_watch(struct check *check, const char *value)
{
	if (strcmp(value, "all") != 0 && strcmp(value, "users") != 0 && strcmp(value, "off") != 0)
		WRONG(check, "all, users or off expected");
}

static void check_readers(struct check *check, const char *value)
{
	if (strcmp(value, "owner") != 0 && strcmp(value, "all") != 0 && strcmp(value, "off") != 0)
		WRONG(check, "owner, all or off expected");
}

static void check_refer(struct check *check, const char *value)
{
	if (strcmp(value, "dialog") != 0 && strcmp(value, "rights") != 0 &&
	    strcmp(value, "open") != 0 && strcmp(value, "off") != 0)
		WRONG(check, "dialog, rights, open or off expected");
}

/* "max=10": the name and a number up to `max`. */
static bool is_setting(struct slice word, const char *name, uint32_t max)
{
	uint32_t n;

	return slice_starts(word, slice_of(name)) &&
	       slice_u32(slice_from(word, strlen(name)), max, &n) == 0;
}

static bool is_pin(struct slice word)
{
	struct slice pin = slice_from(word, 4);

	if (!slice_starts(word, SLICE("pin=")) || pin.len < 3 || pin.len > 16)
		return false;
	for (size_t i = 0; i < pin.len; i++)
		if (pin.p[i] < '0' || pin.p[i] > '9')
			return false;
	return true;
}

/* "codecs=opus+PCMA"; what is no codec is told. */
static bool is_codecs(struct check *check, struct slice word)
{
	char list[128];

	if (!slice_starts(word, SLICE("codecs=")) || word.len >= sizeof(list))
		return false;
	slice_cstr(slice_from(word, 7), list, sizeof(list));
	for (char *at = list; (at = strchr(at, '+'));)
		*at = ',';
	check_codecs(check, list);
	return true;
}

/* One entry: a user, and words behind it. */
static void check_profile(struct check *check, struct slice entry)
{
	bool is_user = true;

	while (entry.len > 0) {
		struct slice word = slice_first(entry, slice_find(entry, ' '));

		entry = slice_trim(slice_from(entry, word.len));
		if (!is_user && !is_setting(word, "max=", 100000) &&
		    !is_setting(word, "grace=", 86400) && !slice_is(word, "end") &&
		    !slice_is(word, "tones") && !slice_is(word, "offer") &&
		    !slice_is(word, "record") && !is_pin(word) && !is_codecs(check, word))
			WRONG(check,
			      "\"" SLICE_FMT "\" is none of max=N, grace=S, end, tones, offer, "
			      "record, pin=DIGITS (3 to 16), codecs=A+B",
			      SLICE_ARG(word));
		is_user = false;
	}
}

static void check_profiles(struct check *check, const char *value)
{
	struct slice rest = slice_of(value), item;

	while (config_list_next(&rest, &item))
		check_profile(check, item);
}

static void check_join_mode(struct check *check, const char *value)
{
	if (strcmp(value, "talk") != 0 && strcmp(value, "listen") != 0 &&
	    strcmp(value, "coach") != 0)
		WRONG(check, "talk, listen or coach expected");
}

static void check_join_choice(struct check *check, const char *value)
{
	struct slice rest = slice_of(value), item;

	while (config_list_next(&rest, &item))
		if (!slice_is(item, "talk") && !slice_is(item, "listen") &&
		    !slice_is(item, "coach"))
			WRONG(check, "\"" SLICE_FMT "\" is none of talk, listen, coach",
			      SLICE_ARG(item));
}

static void check_log_format(struct check *check, const char *value)
{
	if (strcmp(value, "text") != 0 && strcmp(value, "json") != 0)
		WRONG(check, "\"%s\" must be text or json", value);
}

static const struct {
	enum config_key_index key;
	void (*run)(struct check *check, const char *value);
} checks[] = {
	{CONFIG_KEY_sip_listen, check_sip_listen},
	{CONFIG_KEY_sip_hep, check_hep},
	{CONFIG_KEY_sip_dns_servers, check_dns_servers},
	{CONFIG_KEY_sip_ws_origins, check_origins},
	{CONFIG_KEY_sip_rel100, check_rel100},
	{CONFIG_KEY_sip_domains, check_sip_domains},
	{CONFIG_KEY_sip_public_host, check_public_host},
	{CONFIG_KEY_sip_outbound_proxy, check_uri},
	{CONFIG_KEY_http_listen, check_http_listen},
	{CONFIG_KEY_http_token, check_token},
	{CONFIG_KEY_media_address, check_media_address},
	{CONFIG_KEY_media_ports, check_media_ports},
	{CONFIG_KEY_media_codecs, check_codecs},
	{CONFIG_KEY_media_srtp, check_srtp},
	{CONFIG_KEY_focus_factory_users, check_users},
	{CONFIG_KEY_focus_central_factory, check_uri},
	{CONFIG_KEY_focus_join, check_join},
	{CONFIG_KEY_focus_roster, check_roster},
	{CONFIG_KEY_focus_watch, check_watch},
	{CONFIG_KEY_mailboxes_readers, check_readers},
	{CONFIG_KEY_focus_refer, check_refer},
	{CONFIG_KEY_focus_factory_profiles, check_profiles},
	{CONFIG_KEY_focus_join_mode, check_join_mode},
	{CONFIG_KEY_focus_join_choice, check_join_choice},
	{CONFIG_KEY_sip_registrar, check_registrar},
	{CONFIG_KEY_sip_register, check_register},
	{CONFIG_KEY_sip_auth, check_auth},
	{CONFIG_KEY_sip_realm, check_realm},
	{CONFIG_KEY_sip_auth_algorithms, check_algorithms},
	{CONFIG_KEY_sip_acl, check_acl},
	{CONFIG_KEY_sip_trusted, check_trusted},
	{CONFIG_KEY_sip_rate_unlimited, check_prefixes},
	{CONFIG_KEY_http_rate_unlimited, check_prefixes},
	{CONFIG_KEY_sip_scanners, check_scanners},
	{CONFIG_KEY_recordings_format, check_recordings_format},
	{CONFIG_KEY_numbers_pool, check_pool},
	{CONFIG_KEY_callback_numbers, check_callback},
	{CONFIG_KEY_dialin_numbers, check_numbers},
	{CONFIG_KEY_log_level, check_log_level},
	{CONFIG_KEY_log_format, check_log_format},
};

int config_check(const struct config *config, struct buf *errors)
{
	struct check check = {.config = config, .errors = errors};

	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		check.key = &config_keys[checks[i].key];
		checks[i].run(&check, config_str(config, check.key));
	}
	check.key = &config_keys[CONFIG_KEY_media_ptime_ms];
	if (config->media_ptime_ms % PTIME_STEP_MS != 0)
		WRONG(&check, "%" PRId64 " is not a multiple of %d ms", config->media_ptime_ms,
		      PTIME_STEP_MS);
	check.key = &config_keys[CONFIG_KEY_sip_tls_verify_clients];
	if (config->sip_tls_verify_clients && !config->sip_tls_ca[0])
		WRONG(&check, "needs sip.tls_ca: whose certificates are good");
	return check.err;
}
