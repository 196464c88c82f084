/* The HTTP upgrade that opens a WebSocket for SIP (RFC 6455 4.2, RFC 7118 4). */
/* OpenSSL has a type of the name of one of our errors. */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/evp.h>
#include <openssl/sha.h>
#undef ERR_STATE

#include <errno.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/cursor.h"
#include "sip/ws.h"

enum { KEY_CHARS = 24 /* base64 of 16 octets */, FIELDS_MAX = 100 };

/* What the fields of the request said. */
struct upgrade {
	struct slice key, origin;
	bool has_host, is_websocket, is_upgrade, is_version_13, is_sip;
	uint32_t keys, origins;
};

static bool list_has(struct slice list, const char *token)
{
	while (list.len > 0) {
		size_t end = slice_find(list, ',');

		if (slice_iis(slice_trim(slice_first(list, end)), token))
			return true;
		list = slice_from(list, end + 1);
	}
	return false;
}

static void read_field(struct upgrade *up, struct slice name, struct slice value)
{
	if (slice_iis(name, "Host")) {
		up->has_host = true;
	} else if (slice_iis(name, "Upgrade")) {
		up->is_websocket |= list_has(value, "websocket");
	} else if (slice_iis(name, "Connection")) {
		up->is_upgrade |= list_has(value, "upgrade");
	} else if (slice_iis(name, "Sec-WebSocket-Version")) {
		up->is_version_13 |= slice_is(value, "13");
	} else if (slice_iis(name, "Sec-WebSocket-Protocol")) {
		up->is_sip |= list_has(value, "sip");
	} else if (slice_iis(name, "Sec-WebSocket-Key")) {
		up->key = value;
		up->keys++;
	} else if (slice_iis(name, "Origin")) {
		up->origin = value;
		up->origins++;
	}
}

static bool read_fields(struct cursor *c, struct upgrade *up)
{
	struct slice line;

	for (int i = 0; i < FIELDS_MAX && cursor_line(c, &line); i++) {
		struct cursor field = cursor_of(line);
		struct slice name = cursor_span(&field, CHAR_TOKEN);

		if (line.len == 0)
			return true;
		if (name.len == 0 || !cursor_skip(&field, ':'))
			return false;
		read_field(up, name, slice_trim(cursor_rest(&field)));
	}
	return false;
}

/* "GET /anything HTTP/1.1". 0, 400 or 405. */
static unsigned read_request_line(struct cursor *c)
{
	struct slice line, method, version;
	struct cursor words;

	if (!cursor_line(c, &line))
		return 400;
	words = cursor_of(line);
	method = cursor_until(&words, ' ');
	cursor_skip(&words, ' ');
	if (cursor_until(&words, ' ').len == 0 || !cursor_skip(&words, ' '))
		return 400;
	version = cursor_rest(&words);
	if (!slice_is(version, "HTTP/1.1"))
		return 400;
	return slice_is(method, "GET") ? 0 : 405;
}

/* Exactly one of the list, scheme and port included (RFC 6454 7). */
static bool origin_is_welcome(const struct upgrade *up, struct slice origins)
{
	char origin[256];

	if (slice_trim(origins).len == 0 || up->origins == 0)
		return true;
	if (up->origins > 1 || up->origin.len >= sizeof(origin))
		return false;
	return list_has(origins, slice_cstr(up->origin, origin, sizeof(origin)));
}

static bool key_is_good(const struct upgrade *up)
{
	if (up->keys != 1 || up->key.len != KEY_CHARS)
		return false;
	for (size_t i = 0; i < KEY_CHARS; i++) {
		char ch = up->key.p[i];
		bool is_base64 = char_is(ch, CHAR_ALPHA | CHAR_DIGIT) || ch == '+' || ch == '/';

		if (i < KEY_CHARS - 2 ? !is_base64 : ch != '=')
			return false;
	}
	return true;
}

static void refuse(struct buf *out, unsigned status, const char *text)
{
	buf_addf(out, "HTTP/1.1 %u %s\r\n", status, text);
	if (status == 426)
		buf_adds(out, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
	if (status == 405)
		buf_adds(out, "Allow: GET\r\n");
	buf_addf(out,
		 "Connection: close\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s\n",
		 strlen(text) + 1, text);
}

static void accept(struct buf *out, struct slice key)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 1.3 */
	unsigned char hash[SHA_DIGEST_LENGTH], text[32];
	char joined[KEY_CHARS + sizeof(guid)];

	memcpy(joined, key.p, KEY_CHARS);
	memcpy(joined + KEY_CHARS, guid, sizeof(guid) - 1);
	SHA1((unsigned char *)joined, KEY_CHARS + sizeof(guid) - 1, hash);
	EVP_EncodeBlock(text, hash, sizeof(hash));
	buf_addf(out,
		 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		 "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
		 text);
}

int sip_ws_upgrade(struct slice head, struct slice origins, struct buf *out)
{
	struct cursor c = cursor_of(head);
	struct upgrade up = {.key = SLICE_NONE};
	unsigned status = read_request_line(&c);

	if (status == 0 && (!read_fields(&c, &up) || !up.has_host))
		status = 400;
	if (status == 405)
		refuse(out, status, "Method Not Allowed");
	else if (status)
		refuse(out, status, "Bad Request");
	else if (!up.is_websocket || !up.is_upgrade || !up.is_version_13)
		refuse(out, 426, "Upgrade Required");
	else if (!key_is_good(&up))
		refuse(out, 400, "Bad Request");
	else if (!up.is_sip)
		refuse(out, 400, "Subprotocol sip Required");
	else if (!origin_is_welcome(&up, origins)) {
		refuse(out, 403, "Forbidden");
		return -EACCES;
	} else {
		accept(out, up.key);
		return buf_err(out);
	}
	return ERR_SIP_SYNTAX;
}
