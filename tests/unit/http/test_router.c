#include "base/attr.h"
#include "base/err.h"
#include "http/router.h"
#include "tests/support/check.h"

static void match(void)
{
	static const struct {
		const char *name, *method, *path;
		int want;
		const char *operation;
		bool is_known;
		const char *arg0, *arg1;
	} cases[] = {
		{"page", "GET", "/", 0, "getPage", true, "", ""},
		{"list", "GET", "/api/v1/rooms", 0, "listRooms", true, "", ""},
		{"post", "POST", "/api/v1/rooms", 0, "createRoom", true, "", ""},
		{"head", "HEAD", "/api/v1/rooms", 0, "listRooms", true, "", ""},
		{"one", "GET", "/api/v1/rooms/lobby", 0, "getRoom", true, "lobby", ""},
		{"escaped", "GET", "/api/v1/rooms/lob%62y", 0, "getRoom", true, "lobby", ""},
		{"escaped slash stays inside", "GET", "/api/v1/rooms/a%2Fb", 0, "getRoom", true,
		 "a/b", ""},
		{"plus is a plus", "GET", "/api/v1/rooms/a+b", 0, "getRoom", true, "a+b", ""},
		{"two", "DELETE", "/api/v1/rooms/lobby/participants/p1", 0, "removeParticipant",
		 true, "lobby", "p1"},
		{"wrong method", "PUT", "/api/v1/rooms/lobby", 0, NULL, true, "lobby", ""},
		{"methods are upper case", "get", "/api/v1/rooms", 0, NULL, true, "", ""},
		{"unknown", "GET", "/api/v1/room", 0, NULL, false, "", ""},
		{"slash behind", "GET", "/api/v1/rooms/", 0, NULL, false, "", ""},
		{"empty segment", "GET", "/api/v1/rooms//participants", 0, NULL, false, "", ""},
		{"too deep", "GET", "/api/v1/rooms/a/participants/b/c", 0, NULL, false, "", ""},
		{"empty", "GET", "", 0, NULL, false, "", ""},
		{"no slash", "GET", "api", 0, NULL, false, "", ""},
		{"broken escape", "GET", "/api/v1/rooms/a%2", ERR_HTTP_SYNTAX, NULL, false, "", ""},
		{"bad escape", "GET", "/api/v1/rooms/a%zz", ERR_HTTP_SYNTAX, NULL, false, "", ""},
		{"escaped NUL", "GET", "/api/v1/rooms/a%00", ERR_HTTP_SYNTAX, NULL, false, "", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct route_match found = {0};

		CHECK_INT(cases[i].name,
			  route_match(slice_of(cases[i].method), slice_of(cases[i].path), &found),
			  cases[i].want);
		CHECK(cases[i].name, found.is_path_known == cases[i].is_known);
		CHECK(cases[i].name, (found.route != NULL) == (cases[i].operation != NULL));
		if (found.route)
			CHECK_STR(cases[i].name, found.route->operation, cases[i].operation);
		CHECK_STR(cases[i].name, found.args[0], cases[i].arg0);
		CHECK_STR(cases[i].name, found.args[1], cases[i].arg1);
	}
}

static void long_argument(void)
{
	char path[ROUTE_ARG_MAX + 64] = "/api/v1/rooms/";
	size_t head = strlen(path);
	struct route_match found;

	memset(path + head, 'a', ROUTE_ARG_MAX);
	CHECK_INT("longest", route_match(SLICE("GET"), slice_of(path), &found), 0);
	path[head + ROUTE_ARG_MAX] = 'a';
	CHECK_INT("longer", route_match(SLICE("GET"), slice_of(path), &found), ERR_HTTP_NOT_FOUND);
}

static void allow(void)
{
	char text[ROUTE_ALLOW_MAX];

	CHECK_STR("one room", route_allow(SLICE("/api/v1/rooms/lobby"), text),
		  "GET, HEAD, PATCH, DELETE, OPTIONS");
	CHECK_STR("rooms", route_allow(SLICE("/api/v1/rooms"), text), "GET, HEAD, POST, OPTIONS");
	CHECK_STR("nothing", route_allow(SLICE("/nothing"), text), "");
	CHECK_STR("empty", route_allow(SLICE(""), text), "");
}

static int count_args(const char *path)
{
	int count = 0;

	for (; *path; path++)
		count += *path == '{';
	return count;
}

/* What a row must have so that dispatch, metrics and the description can rely on it. */
static void table(void)
{
	const struct route *route;

	for (size_t i = 0; (route = route_at(i)) != NULL; i++) {
		const char *name = route->operation;

		CHECK(name, route->method && route->path && route->handle && route->summary);
		CHECK(name, route_find(name) == route); /* operations are unique */
		CHECK_INT(name, route_index(route), i);
		CHECK(name, count_args(route->path) <= ROUTE_ARGS_MAX);
		CHECK(name, (route->status == 204) == (route->content_type == NULL));
		CHECK(name, route->status >= 200 && route->status < 300);
		CHECK(name, !route->response || route->content_type);
	}
}

void suite_router(void)
{
	CHECK_SUITE("router");
	CHECK_TEST(match);
	CHECK_TEST(long_argument);
	CHECK_TEST(allow);
	CHECK_TEST(table);
}
