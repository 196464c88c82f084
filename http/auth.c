/* http/auth.c -- token in constant time; origin by what browsers say of themselves. */
#include "http/auth.h"

#include "base/addr.h"
#include "base/err.h"
#include "base/secret.h"

static int check_token(struct slice token, struct slice authorization)
{
	static const struct slice scheme = {"Bearer ", 7};

	if (!slice_istarts(authorization, scheme))
		return ERR_HTTP_UNAUTHORIZED;
	if (!secret_is_same(slice_trim(slice_from(authorization, scheme.len)), token))
		return ERR_HTTP_UNAUTHORIZED;
	return 0;
}

/* "host:port" or "[v6]:port" without its port. */
static struct slice host_of(struct slice authority)
{
	if (authority.len > 0 && authority.p[0] == '[')
		return slice_first(authority, slice_find(authority, ']') + 1);
	return slice_first(authority, slice_find(authority, ':'));
}

static bool is_listed(struct slice host, struct slice list)
{
	while (list.len > 0) {
		size_t len = slice_find(list, ',');

		if (slice_ieq(slice_trim(slice_first(list, len)), host))
			return true;
		list = slice_from(list, len + 1);
	}
	return false;
}

static bool is_own_host(struct slice authority, struct slice domains)
{
	static const struct slice local = {".localhost", 10};
	struct slice host = host_of(authority);
	struct addr ip;

	if (slice_iis(host, "localhost") || is_listed(host, domains))
		return true;
	if (host.len > local.len && slice_ieq(slice_from(host, host.len - local.len), local))
		return true;
	return addr_parse_ip(host, &ip) == 0;
}

static bool is_same_origin(struct slice origin, struct slice host)
{
	static const struct slice http = {"http://", 7}, https = {"https://", 8};

	if (slice_istarts(origin, http))
		return slice_ieq(slice_from(origin, http.len), host);
	if (slice_istarts(origin, https))
		return slice_ieq(slice_from(origin, https.len), host);
	return false;
}

static int check_origin(const struct auth_request *request, struct slice domains)
{
	if (slice_present(request->host) && !is_own_host(request->host, domains))
		return ERR_HTTP_ORIGIN;
	if (slice_present(request->origin) && !is_same_origin(request->origin, request->host))
		return ERR_HTTP_ORIGIN;
	if (slice_present(request->fetch_site) && !slice_is(request->fetch_site, "same-origin") &&
	    !slice_is(request->fetch_site, "none"))
		return ERR_HTTP_ORIGIN;
	return 0;
}

int auth_check(const char *token, const char *domains, const struct auth_request *request)
{
	if (token[0])
		return check_token(slice_of(token), request->authorization);
	return check_origin(request, slice_of(domains));
}
