/* focus/text.c */
#include "focus/text.h"

#include <assert.h>
#include <stdint.h>

/* Length of the well-formed character at the start (RFC 3629 4), 0 when there is none. */
static size_t utf8_len(struct slice s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t len = p[0] < 0x80                    ? 1
		     : p[0] >= 0xc2 && p[0] <= 0xdf ? 2
		     : (p[0] & 0xf0) == 0xe0        ? 3
		     : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
						    : 0;

	if (!len || len > s.len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90))
		return 0; /* longer than it need be */
	if ((p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0; /* surrogates, beyond U+10FFFF */
	return len;
}

char *text_utf8(struct slice text, char *out, size_t cap)
{
	size_t at = 0, used = 0;

	assert(cap >= 1);
	while (at < text.len) {
		struct slice rest = slice_from(text, at);
		size_t len = utf8_len(rest);
		bool is_fit = len > 1 ||
			      (len == 1 && (uint8_t)rest.p[0] >= 0x20 && rest.p[0] != 0x7f);

		if (used + (len ? len : 1) >= cap)
			break;
		if (is_fit)
			memcpy(out + used, rest.p, len);
		else
			out[used] = '?';
		used += is_fit ? len : 1;
		at += len ? len : 1;
	}
	out[used] = '\0';
	return out;
}

bool text_list_next(struct slice *list, struct slice *ret_item)
{
	while (list->len) {
		size_t comma = slice_find(*list, ',');
		struct slice item = slice_trim(slice_first(*list, comma));

		*list = slice_from(*list, comma + 1);
		if (item.len) {
			*ret_item = item;
			return true;
		}
	}
	return false;
}

struct slice text_word_next(struct slice *rest)
{
	struct slice text = slice_trim(*rest), word;
	size_t end = slice_find(text, ' ');

	word = slice_first(text, end);
	*rest = slice_from(text, end);
	return word;
}

bool text_list_has(const char *list, struct slice item)
{
	struct slice rest = slice_of(list), one;

	while (text_list_next(&rest, &one))
		if (slice_eq(one, item))
			return true;
	return false;
}

bool text_list_ihas(const char *list, struct slice item)
{
	struct slice rest = slice_of(list), one;

	while (text_list_next(&rest, &one))
		if (slice_ieq(one, item))
			return true;
	return false;
}

struct slice text_host(struct slice host_port)
{
	if (host_port.len && host_port.p[0] == '[') {
		struct slice inner = slice_from(host_port, 1);

		return slice_first(inner, slice_find(inner, ']'));
	}
	return slice_first(host_port, slice_find(host_port, ':'));
}
