/* http/writer.c -- the writer: a comma flag is all the state it needs. */
#include "http/writer.h"

#include <assert.h>
#include <math.h>

#include "base/attr.h"
#include "base/clock.h"

/* Length of the valid UTF-8 sequence at the start of `s` (RFC 3629 4), 0 when there is none. */
static size_t utf8_len(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t len;
	uint32_t code;
	static const uint32_t min[] = {0, 0, 0x80, 0x800, 0x10000};

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		len = 2;
		code = p[0] & 0x1f;
	} else if ((p[0] & 0xf0) == 0xe0) {
		len = 3;
		code = p[0] & 0x0f;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		len = 4;
		code = p[0] & 0x07;
	} else {
		return 0;
	}
	if (s.len < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < min[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return len;
}

static void add_escaped(struct buf *out, unsigned char c)
{
	switch (c) {
	case '"':
		buf_adds(out, "\\\"");
		break;
	case '\\':
		buf_adds(out, "\\\\");
		break;
	case '\n':
		buf_adds(out, "\\n");
		break;
	case '\r':
		buf_adds(out, "\\r");
		break;
	case '\t':
		buf_adds(out, "\\t");
		break;
	default:
		buf_addf(out, "\\u%04x", c);
	}
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void add_string(struct buf *out, struct slice s)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < s.len;) {
		size_t run = i;
		size_t len;

		while (run < s.len && is_plain((unsigned char)s.p[run]))
			run++;
		if (run > i) {
			buf_add(out, s.p + i, run - i);
			i = run;
			continue;
		}
		len = utf8_len(slice_from(s, i));
		if (len > 1)
			buf_add(out, s.p + i, len);
		else if (len == 1)
			add_escaped(out, (unsigned char)s.p[i]);
		else
			buf_adds(out, "\xef\xbf\xbd");
		i += len ? len : 1;
	}
	buf_addc(out, '"');
}

static void before_value(struct writer *json, const char *key)
{
	if (json->has_before)
		buf_addc(json->out, ',');
	json->has_before = true;
	if (!key)
		return;
	add_string(json->out, slice_of(key));
	buf_addc(json->out, ':');
}

void writer_open(struct writer *json, const char *key, char bracket)
{
	before_value(json, key);
	buf_addc(json->out, bracket);
	json->has_before = false;
}

void writer_close(struct writer *json, char bracket)
{
	buf_addc(json->out, bracket);
	json->has_before = true;
}

void writer_str(struct writer *json, const char *key, struct slice s)
{
	if (!slice_present(s)) {
		writer_null(json, key);
		return;
	}
	before_value(json, key);
	add_string(json->out, s);
}

void writer_text(struct writer *json, const char *key, const char *text)
{
	writer_str(json, key, slice_of(text));
}

void writer_list(struct writer *json, const char *key, struct slice list)
{
	writer_open(json, key, '[');
	while (list.len > 0) {
		size_t comma = slice_find(list, ',');

		writer_str(json, NULL, slice_first(list, comma));
		list = slice_from(list, comma + 1);
	}
	writer_close(json, ']');
}

void writer_int(struct writer *json, const char *key, int64_t n)
{
	before_value(json, key);
	if (n < 0)
		buf_addc(json->out, '-');
	buf_addu(json->out, n < 0 ? 0 - (uint64_t)n : (uint64_t)n, 1);
}

void writer_uint(struct writer *json, const char *key, uint64_t n)
{
	before_value(json, key);
	buf_addu(json->out, n, 1);
}

/* printf's rounding costs a microsecond; what we print is small and has few decimals. */
static void add_decimal(struct buf *out, double x, int decimals)
{
	static const uint32_t scales[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
	uint64_t scaled;

	assert(decimals >= 0 && (size_t)decimals < ARRAY_LEN(scales));
	if (fabs(x) > 1e12) {
		buf_addf(out, "%.*f", decimals, x);
		return;
	}
	scaled = (uint64_t)llround(fabs(x) * scales[decimals]);
	if (x < 0 && scaled > 0) /* never "-0.0" */
		buf_addc(out, '-');
	buf_addu(out, scaled / scales[decimals], 1);
	if (decimals == 0)
		return;
	buf_addc(out, '.');
	buf_addu(out, scaled % scales[decimals], (unsigned)decimals);
}

void writer_real(struct writer *json, const char *key, double x, int decimals)
{
	if (!isfinite(x)) {
		writer_null(json, key);
		return;
	}
	before_value(json, key);
	add_decimal(json->out, x, decimals);
}

void writer_bool(struct writer *json, const char *key, bool is_true)
{
	before_value(json, key);
	buf_adds(json->out, is_true ? "true" : "false");
}

void writer_null(struct writer *json, const char *key)
{
	before_value(json, key);
	buf_adds(json->out, "null");
}

void writer_some(struct writer *json, const char *key, struct slice s)
{
	writer_str(json, key, s.len ? s : SLICE_NONE);
}

void writer_some_uint(struct writer *json, const char *key, uint64_t n)
{
	if (n)
		writer_uint(json, key, n);
	else
		writer_null(json, key);
}

void writer_time(struct writer *json, const char *key, uint64_t wall_ms)
{
	char text[CLOCK_TEXT_MAX];

	writer_text(json, key, wall_ms ? clock_text(wall_ms, text) : NULL);
}
