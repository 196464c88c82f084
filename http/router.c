/* http/router.c -- matching by walking the table: it is short, and a walk costs less than parsing.
 */
#include "http/router.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int route_decode(struct slice text, char *out, size_t cap)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		int c = (unsigned char)text.p[i];

		if (c == '%') {
			int high = text.len - i > 2 ? hex_value(text.p[i + 1]) : -1;
			int low = text.len - i > 2 ? hex_value(text.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return ERR_HTTP_SYNTAX;
			c = high * 16 + low;
			i += 2;
		}
		if (c == '\0')
			return ERR_HTTP_SYNTAX;
		if (len + 1 >= cap)
			return -ERANGE;
		out[len++] = (char)c;
	}
	out[len] = '\0';
	return 0;
}

/* Takes the next segment off the path: "/a/b" gives "a" and leaves "/b". */
static struct slice segment_take(struct slice *path)
{
	struct slice rest = slice_from(*path, 1);
	size_t len = slice_find(rest, '/');

	*path = slice_from(rest, len);
	return slice_first(rest, len);
}

/* Whether `path` has the shape of `pattern`; what the {names} matched goes to `args`, still
 * escaped. */
static bool is_match(struct slice pattern, struct slice path, struct slice args[ROUTE_ARGS_MAX])
{
	size_t count = 0;

	while (pattern.len > 0 && path.len > 0) {
		struct slice want = segment_take(&pattern);
		struct slice got = segment_take(&path);

		if (want.len > 0 && want.p[0] == '{') {
			if (got.len == 0)
				return false;
			args[count++] = got;
		} else if (!slice_eq(want, got)) {
			return false;
		}
	}
	return pattern.len == 0 && path.len == 0;
}

int route_match(struct slice method, struct slice path, struct route_match *ret_match)
{
	struct route_match match = {0};
	struct slice args[ROUTE_ARGS_MAX] = {SLICE_NONE, SLICE_NONE};
	const struct route *route;

	if (slice_is(method, "HEAD"))
		method = SLICE("GET");
	for (size_t i = 0; path.len > 0 && path.p[0] == '/' && (route = route_at(i)) != NULL; i++) {
		struct slice found[ROUTE_ARGS_MAX] = {SLICE_NONE, SLICE_NONE};

		if (!is_match(slice_of(route->path), path, found))
			continue;
		match.is_path_known = true;
		memcpy(args, found, sizeof(args));
		if (slice_is(method, route->method)) {
			match.route = route;
			break;
		}
	}
	for (size_t i = 0; i < ROUTE_ARGS_MAX; i++) {
		int err = route_decode(args[i], match.args[i], sizeof(match.args[i]));

		if (err)
			return err == -ERANGE ? ERR_HTTP_NOT_FOUND : err;
	}
	*ret_match = match;
	return 0;
}

char *route_allow(struct slice path, char out[ROUTE_ALLOW_MAX])
{
	const struct route *route;
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; (route = route_at(i)) != NULL; i++) {
		struct slice args[ROUTE_ARGS_MAX];

		if (path.len == 0 || !is_match(slice_of(route->path), path, args))
			continue;
		len += (size_t)snprintf(out + len, ROUTE_ALLOW_MAX - len, "%s%s, ", route->method,
					strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
	}
	if (len > 0)
		(void)snprintf(out + len, ROUTE_ALLOW_MAX - len, "OPTIONS");
	return out;
}
