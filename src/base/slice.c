/* base/slice.c -- comparing, cutting and reading borrowed text. */
#include "base/slice.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Not tolower(): the locale must not decide what a protocol calls equal. */
static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool slice_same_letters(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (a[i] != b[i] && fold(a[i]) != fold(b[i]))
			return false;
	}
	return true;
}

int slice_compare(struct slice a, struct slice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.p, b.p, len) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

struct slice slice_trim(struct slice s)
{
	while (s.len > 0 && is_space(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

int slice_u64(struct slice s, uint64_t max, uint64_t *ret)
{
	enum { DIGITS_SAFE = 19 }; /* so many always fit 64 bits */
	uint64_t value = 0;
	bool is_over = false;

	if (s.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++) {
		uint64_t digit = (uint64_t)(unsigned char)s.p[i] - '0';

		if (digit > 9)
			return -EINVAL; /* also after too many digits: syntax comes first */
		if (i >= DIGITS_SAFE && value > (UINT64_MAX - digit) / 10)
			is_over = true;
		else
			value = value * 10 + digit;
	}
	if (is_over || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

int slice_u32(struct slice s, uint32_t max, uint32_t *ret)
{
	uint64_t value;
	int err = slice_u64(s, max, &value);

	if (err)
		return err;
	*ret = (uint32_t)value;
	return 0;
}

char *slice_cstr(struct slice s, char *out, size_t cap)
{
	size_t len = s.len;

	assert(cap >= 1);
	if (len > cap - 1)
		len = cap - 1;
	if (len > 0)
		memcpy(out, s.p, len);
	out[len] = '\0';
	return out;
}

char *slice_dup(struct slice s)
{
	char *copy = s.p ? malloc(s.len + 1) : NULL;

	return copy ? slice_cstr(s, copy, s.len + 1) : NULL;
}
