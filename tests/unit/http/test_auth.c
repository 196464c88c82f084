#include "base/attr.h"
#include "base/err.h"
#include "http/auth.h"
#include "tests/support/check.h"

#define OPT(text) ((text) ? slice_of(text) : SLICE_NONE)

static void tokens(void)
{
	static const struct {
		const char *name, *authorization;
		int want;
	} cases[] = {
		{"right", "Bearer secret-42", 0},
		{"scheme in any case", "bearer secret-42", 0},
		{"space around", "Bearer   secret-42 ", 0},
		{"none", NULL, ERR_HTTP_UNAUTHORIZED},
		{"empty", "", ERR_HTTP_UNAUTHORIZED},
		{"scheme only", "Bearer ", ERR_HTTP_UNAUTHORIZED},
		{"other scheme", "Basic secret-42", ERR_HTTP_UNAUTHORIZED},
		{"prefix of it", "Bearer secret-4", ERR_HTTP_UNAUTHORIZED},
		{"longer", "Bearer secret-422", ERR_HTTP_UNAUTHORIZED},
		{"twice", "Bearer secret-42secret-42", ERR_HTTP_UNAUTHORIZED},
		{"one octet off", "Bearer secret-43", ERR_HTTP_UNAUTHORIZED},
		{"other case", "Bearer Secret-42", ERR_HTTP_UNAUTHORIZED},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct auth_request from = {.authorization = OPT(cases[i].authorization),
					    .host = SLICE("evil.example"),
					    .origin = SLICE("https://evil.example")};

		CHECK_INT(cases[i].name, auth_check("secret-42", "", &from), cases[i].want);
	}
}

static void origins(void)
{
	static const struct {
		const char *name, *host, *origin, *fetch_site;
		int want;
	} cases[] = {
		{"curl", "127.0.0.1:8080", NULL, NULL, 0},
		{"no host (HTTP/1.0)", NULL, NULL, NULL, 0},
		{"localhost", "localhost:8080", NULL, NULL, 0},
		{"name below localhost", "hearth.localhost:8080", NULL, NULL, 0},
		{"v6", "[::1]:8080", NULL, NULL, 0},
		{"our domain", "conf.example.org:8080", NULL, NULL, 0},
		{"our second domain", "b.example.org", NULL, NULL, 0},
		{"the page", "127.0.0.1:8080", "http://127.0.0.1:8080", "same-origin", 0},
		{"address bar", "127.0.0.1:8080", NULL, "none", 0},
		{"rebound name", "evil.example:8080", NULL, NULL, ERR_HTTP_ORIGIN},
		{"ends like localhost", "evillocalhost", NULL, NULL, ERR_HTTP_ORIGIN},
		{"begins like an address", "127.0.0.1.evil.example", NULL, NULL, ERR_HTTP_ORIGIN},
		{"other origin", "127.0.0.1:8080", "https://evil.example", NULL, ERR_HTTP_ORIGIN},
		{"other port", "127.0.0.1:8080", "http://127.0.0.1:80", NULL, ERR_HTTP_ORIGIN},
		{"null origin", "127.0.0.1:8080", "null", NULL, ERR_HTTP_ORIGIN},
		{"cross-site", "127.0.0.1:8080", NULL, "cross-site", ERR_HTTP_ORIGIN},
		{"same-site is not same-origin", "127.0.0.1:8080", NULL, "same-site",
		 ERR_HTTP_ORIGIN},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct auth_request from = {.host = OPT(cases[i].host),
					    .origin = OPT(cases[i].origin),
					    .fetch_site = OPT(cases[i].fetch_site)};

		CHECK_INT(cases[i].name, auth_check("", "conf.example.org, b.example.org", &from),
			  cases[i].want);
	}
}

void suite_auth(void)
{
	CHECK_SUITE("auth");
	CHECK_TEST(tokens);
	CHECK_TEST(origins);
}
