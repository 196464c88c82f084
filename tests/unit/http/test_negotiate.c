#include "base/attr.h"
#include "http/negotiate.h"
#include "tests/support/check.h"

static void accept(void)
{
	static const struct {
		const char *name, *accept, *type;
		bool want;
	} cases[] = {
		{"missing", NULL, "application/json", true},
		{"empty", " ", "application/json", true},
		{"any", "*/*", "application/json", true},
		{"itself", "application/json", "application/json", true},
		{"in any case", "Application/JSON", "application/json", true},
		{"any subtype", "application/*", "application/json", true},
		{"browser", "text/html,application/xhtml+xml,*/*;q=0.8", "application/json", true},
		{"with parameter of ours", "text/plain", "text/plain; charset=utf-8", true},
		{"with parameter of theirs", "text/plain; version=0.0.4", "text/plain", true},
		{"other", "text/html", "application/json", false},
		{"other subtype range", "text/*", "application/json", false},
		{"longer", "application/json-seq", "application/json", false},
		{"shorter", "application/js", "application/json", false},
		{"refused", "application/json;q=0", "application/json", false},
		{"refused in long", "application/json; q=0.000", "application/json", false},
		{"refused among others", "*/*, application/json;q=0", "application/json", false},
		{"exact beats range", "application/*;q=0, application/json", "application/json",
		 true},
		{"low q is enough", "application/json;q=0.001", "application/json", true},
		{"q of another parameter", "application/json;sq=0", "application/json", true},
		{"junk skipped", ";;,,application/json", "application/json", true},
		{"junk only", ",;q=1,", "application/json", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK(cases[i].name, negotiate_accepts(slice_of(cases[i].accept),
						       slice_of(cases[i].type)) == cases[i].want);
}

static void content_type(void)
{
	CHECK("json", negotiate_is_json(SLICE("application/json")));
	CHECK("charset", negotiate_is_json(SLICE("Application/Json; charset=utf-8")));
	CHECK("merge patch", negotiate_is_json(SLICE("application/merge-patch+json")));
	CHECK("form", !negotiate_is_json(SLICE("application/x-www-form-urlencoded")));
	CHECK("text", !negotiate_is_json(SLICE("text/plain")));
	CHECK("none", !negotiate_is_json(SLICE_NONE));
}

void suite_negotiate(void)
{
	CHECK_SUITE("negotiate");
	CHECK_TEST(accept);
	CHECK_TEST(content_type);
}
