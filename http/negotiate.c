/* http/negotiate.c -- a walk over the comma list; no q but 0 matters, for we have one type to give.
 */
#include "http/negotiate.h"

/* "a/b; c=d" -> "a/b" */
static struct slice bare_type(struct slice type)
{
	return slice_trim(slice_first(type, slice_find(type, ';')));
}

/* q=0, q=0.0 ... refuse; anything else takes. */
static bool is_refused(struct slice range)
{
	for (size_t at = slice_find(range, ';'); at < range.len; at = slice_find(range, ';')) {
		struct slice param;

		range = slice_from(range, at + 1);
		param = slice_trim(slice_first(range, slice_find(range, ';')));
		if (!slice_istarts(param, SLICE("q=")))
			continue;
		param = slice_from(param, 2);
		for (size_t i = 0; i < param.len; i++) {
			if (param.p[i] != '0' && param.p[i] != '.')
				return false;
		}
		return param.len > 0;
	}
	return false;
}

/* 0: does not fit; 1: any type; 2: any subtype; 3: the type itself. */
static int fit_of(struct slice range, struct slice type)
{
	struct slice bare = bare_type(range);
	size_t slash = slice_find(type, '/');

	if (slice_is(bare, "*/*"))
		return 1;
	if (slice_ieq(bare, type))
		return 3;
	if (bare.len == slash + 2 && slice_istarts(bare, slice_first(type, slash + 1)) &&
	    bare.p[slash + 1] == '*')
		return 2;
	return 0;
}

bool negotiate_accepts(struct slice accept, struct slice type)
{
	int best = 0;
	bool is_taken = false;

	type = bare_type(type);
	if (slice_trim(accept).len == 0)
		return true;
	while (accept.len > 0) {
		size_t len = slice_find(accept, ',');
		struct slice range = slice_first(accept, len);
		int fit = fit_of(range, type);

		accept = slice_from(accept, len + 1);
		if (fit > best) {
			best = fit;
			is_taken = !is_refused(range);
		}
	}
	return is_taken;
}

bool negotiate_is_json(struct slice content_type)
{
	struct slice bare = bare_type(content_type);

	return slice_iis(bare, "application/json") ||
	       slice_iis(bare, "application/merge-patch+json");
}
