/* focus/xml.c */
#include "focus/xml.h"

#include <time.h>

void xml_head(struct buf *out)
{
	buf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
}

static const char *escape_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	default:
		/* Of the control characters only three are XML (2.2), and none belongs here. */
		return (unsigned char)c < 0x20 ? "?" : NULL;
	}
}

/* U+FFFE and U+FFFF are UTF-8, but not XML. */
static bool is_noncharacter(struct slice rest)
{
	return rest.len >= 3 && (unsigned char)rest.p[0] == 0xef &&
	       (unsigned char)rest.p[1] == 0xbf && (unsigned char)rest.p[2] >= 0xbe;
}

void xml_text(struct buf *out, struct slice text)
{
	size_t from = 0;

	for (size_t i = 0; i < text.len; i++) {
		bool is_bad = is_noncharacter(slice_from(text, i));
		const char *escape = is_bad ? "?" : escape_of(text.p[i]);

		if (!escape)
			continue;
		buf_add(out, text.p + from, i - from);
		buf_adds(out, escape);
		i += is_bad ? 2 : 0;
		from = i + 1;
	}
	if (from < text.len)
		buf_add(out, text.p + from, text.len - from);
}

void xml_attr(struct buf *out, const char *name, struct slice value)
{
	buf_addc(out, ' ');
	buf_adds(out, name);
	buf_adds(out, "=\"");
	xml_text(out, value);
	buf_addc(out, '"');
}

static void leaf_open(struct buf *out, const char *name)
{
	buf_addc(out, '<');
	buf_adds(out, name);
	buf_addc(out, '>');
}

static void leaf_close(struct buf *out, const char *name)
{
	buf_adds(out, "</");
	buf_adds(out, name);
	buf_addc(out, '>');
}

void xml_leaf(struct buf *out, const char *name, struct slice text)
{
	if (!text.len)
		return;
	leaf_open(out, name);
	xml_text(out, text);
	leaf_close(out, name);
}

void xml_leaf_uint(struct buf *out, const char *name, uint64_t n)
{
	leaf_open(out, name);
	buf_addu(out, n, 1);
	leaf_close(out, name);
}

void xml_leaf_bool(struct buf *out, const char *name, bool is_true)
{
	xml_leaf(out, name, is_true ? SLICE("true") : SLICE("false"));
}

void xml_leaf_time(struct buf *out, const char *name, uint64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char text[32];

	if (!wall_ms || !gmtime_r(&seconds, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return;
	xml_leaf(out, name, slice_of(text));
}
