#include <stdio.h>

#include "base/attr.h"
#include "http/asset.h"
#include "tests/support/check.h"
#include "tests/unit/http/site.h"

static void files(void)
{
	static const struct {
		const char *path, *type, *begins;
	} cases[] = {
		{"/", "text/html; charset=utf-8", "<!doctype html>"},
		{"/style.css", "text/css; charset=utf-8", "/*"},
		{"/app.js", "text/javascript; charset=utf-8", "/*"},
		{"/recordings.js", "text/javascript; charset=utf-8", "/*"},
		{"/room.js", "text/javascript; charset=utf-8", "/*"},
		{"/calls.js", "text/javascript; charset=utf-8", "/*"},
		{"/people.js", "text/javascript; charset=utf-8", "/*"},
		{"/plays.js", "text/javascript; charset=utf-8", "/*"},
		{"/mailboxes.js", "text/javascript; charset=utf-8", "/*"},
		{"/icon.svg", "image/svg+xml", "<svg"},
	};
	struct site *site = site_new(NULL);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer answer = site_ask(site, "GET", cases[i].path, NULL, NULL);
		char known[128];

		CHECK_INT(cases[i].path, answer.status, 200);
		CHECK_SLICE(cases[i].path, answer_field(&answer, "Content-Type"), cases[i].type);
		CHECK(cases[i].path,
		      slice_starts(buf_slice(&answer.body), slice_of(cases[i].begins)));
		(void)snprintf(known, sizeof(known), "If-None-Match: " SLICE_FMT "\r\n",
			       SLICE_ARG(answer_field(&answer, "ETag")));
		answer_done(&answer);
		CHECK_INT(cases[i].path, site_status(site, "GET", cases[i].path, known, NULL), 304);
		CHECK_INT(cases[i].path,
			  site_status(site, "GET", cases[i].path, "If-None-Match: \"x\"\r\n", NULL),
			  200);
	}
	site_free(site);
}

static bool has(const struct asset *asset, const char *text)
{
	return memmem(asset->data, asset->len, text, strlen(text)) != NULL;
}

/* The Content-Security-Policy refuses these; better to know before a browser does. */
static void content_security(void)
{
	static const char *const forbidden[] = {" onclick=", " onload=",    " style=\"",
						"<style",    "javascript:", "http://www.google",
						"https://"};

	for (const struct asset *asset = assets; asset->path; asset++) {
		for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
			CHECK(forbidden[i], !has(asset, forbidden[i]));
	}
	CHECK("no inline script", !has(&assets[0], "<script>"));
}

void suite_page(void)
{
	CHECK_SUITE("page");
	CHECK_TEST(files);
	CHECK_TEST(content_security);
}
