/* RFC 4475, RFC 5118 and our own collection: the parser's and the checker's verdict on each
 * message. What the server answers on the wire is the last column of the table, for a test with
 * sockets. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/attr.h"
#include "base/buf.h"
#include "sip/build.h"
#include "sip/msg.h"
#include "tests/support/check.h"

static const struct torture {
	const char *folder, *file, *section;
	bool is_valid;
	int check, uas;
	const char *why;
} messages[] = {
#define TORTURE(file, section, is_valid, check, uas, why)                                          \
	{"rfc4475", #file, section, is_valid, check, uas, why},
#include "tests/torture/rfc4475.inc"
#undef TORTURE
#define TORTURE(file, section, is_valid, check, uas, why)                                          \
	{"rfc5118", #file, section, is_valid, check, uas, why},
#include "tests/torture/rfc5118.inc"
#undef TORTURE
#define TORTURE(file, section, is_valid, check, uas, why)                                          \
	{"own", #file, section, is_valid, check, uas, why},
#include "tests/torture/own.inc"
#undef TORTURE
};

static struct sip_msg msg;
static char text[SIP_MSG_OCTETS_MAX];

/* Parses tests/torture/<folder>/<file>.sip into `msg`. */
static bool load_from(const char *folder, const char *file)
{
	char path[512];
	FILE *in;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s/%s.sip", HEARTH_TORTURE_DIR, folder, file);
	in = fopen(path, "rb");
	if (!CHECK(path, in != NULL))
		return false;
	len = fread(text, 1, sizeof(text), in);
	fclose(in);
	(void)sip_msg_parse(text, len, &msg);
	return CHECK(path, len > 0);
}

static bool load(const char *file)
{
	return load_from("rfc4475", file);
}

static void verdicts(void)
{
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		const struct torture *row = &messages[i];
		uint16_t status = 0;
		const char *why = NULL;
		int err;

		if (!load_from(row->folder, row->file))
			continue;
		err = sip_msg_check(&msg, &status, &why);
		CHECK_INT(row->file, err == 0, row->check == 0);
		CHECK_INT(row->file, why == NULL, row->check == 0);
		if (row->check > 0)
			CHECK_INT(row->file, status, row->check);
		CHECK(row->file, msg.is_request || row->uas == 0);
		CHECK_INT(row->file, sip_msg_can_answer(&msg), row->uas != 0);
	}
}

/* Whatever is answered, the answer is sound itself. */
static void answers_parse(void)
{
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		const struct torture *row = &messages[i];
		struct buf buf = BUF_INIT;
		struct sip_msg answer;

		if (row->uas == 0 || !load_from(row->folder, row->file))
			continue;
		sip_build_response(&buf, &(struct sip_build_response){.request = &msg,
								      .status = (uint16_t)row->uas,
								      .to_tag = "t"});
		sip_build_end(&buf, NULL, SLICE_NONE);
		CHECK_INT(row->file, buf_err(&buf), 0);
		CHECK_INT(row->file, sip_msg_parse(buf.p, buf.len, &answer), 0);
		CHECK_INT(row->file, answer.status, row->uas);
		buf_done(&buf);
	}
}

static size_t count_files(const char *folder)
{
	char path[512];
	DIR *dir;
	size_t count = 0;

	snprintf(path, sizeof(path), "%s/%s", HEARTH_TORTURE_DIR, folder);
	dir = opendir(path);
	if (!CHECK(path, dir != NULL))
		return 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += strstr(entry->d_name, ".sip") != NULL;
	closedir(dir);
	return count;
}

static void files_and_rows_agree(void)
{
	CHECK_INT("every file has a row",
		  count_files("rfc4475") + count_files("rfc5118") + count_files("own"),
		  ARRAY_LEN(messages));
}

/* What a reader must see in the messages of RFC 5118. */
static void details_of_v6(void)
{
	struct sip_uri uri;
	struct sip_via via;
	struct addr addr, same;

	if (load_from("rfc5118", "portambig")) {
		CHECK_INT("uri", sip_uri_parse(msg.request_uri, &uri), 0);
		CHECK_SLICE("all of it is the address", uri.host, "2001:db8::10:5070");
		CHECK_INT("no port", uri.port, 0);
	}
	if (load_from("rfc5118", "portunambig")) {
		CHECK_INT("uri", sip_uri_parse(msg.request_uri, &uri), 0);
		CHECK_SLICE("address", uri.host, "2001:db8::10");
		CHECK_INT("port", uri.port, 5070);
	}
	for (int i = 0; i < 2; i++) {
		if (!load_from("rfc5118", i ? "viadelim" : "vianodelim"))
			continue;
		CHECK_INT("via", sip_msg_via(&msg, &via), 0);
		CHECK_INT("received", addr_parse_ip(via.received, &addr), 0);
		CHECK_INT("same", addr_parse_ip(SLICE("2001:db8::9:255"), &same), 0);
		CHECK("received", addr_eq(&addr, &same));
	}
	if (load_from("rfc5118", "mapped")) {
		CHECK_INT("via", sip_msg_via(&msg, &via), 0);
		CHECK_SLICE("host", via.host, "::ffff:192.0.2.10");
		CHECK_INT("port", via.port, 19823);
	}
	if (load_from("rfc5118", "threecolons")) {
		CHECK_INT("uri", sip_uri_parse(msg.request_uri, &uri), 0);
		CHECK_INT("host", addr_parse_ip(uri.host, &addr), 0);
		CHECK_INT("same", addr_parse_ip(SLICE("2001:db8::192.0.2.1"), &same), 0);
		CHECK("the same address", addr_eq(&addr, &same));
	}
}

/* What the RFC says that a reader must see in its messages. */
static void details(void)
{
	struct sip_addr addr;
	struct sip_via via;
	struct sip_cseq cseq;
	struct slice value;
	struct sip_list_walk walk = {0};
	int hops = 0;

	if (load("wsinv")) {
		CHECK_INT("cseq", sip_msg_cseq(&msg, &cseq), 0);
		CHECK_INT("cseq", cseq.number, 9);
		CHECK_INT("from", sip_msg_addr(&msg, SIP_H_FROM, &addr), 0);
		CHECK_SLICE("display", addr.display, "J Rosenberg \\\\\\\"");
		CHECK_SLICE("tag", sip_addr_tag(&addr), "98asjd8");
		CHECK_INT("to", sip_msg_addr(&msg, SIP_H_TO, &addr), 0);
		CHECK_SLICE("tag", sip_addr_tag(&addr), "1918181833n");
		CHECK_INT("contact", sip_msg_addr(&msg, SIP_H_CONTACT, &addr), 0);
		CHECK("q", sip_param(addr.params, "q", &value));
		CHECK_SLICE("q", value, "0.33");
		CHECK_INT("via", sip_msg_via(&msg, &via), 0);
		CHECK_SLICE("top", via.host, "192.0.2.2");
		while (sip_list_next(&msg, SIP_H_VIA, &walk, &value))
			CHECK_INT("hop", sip_via_parse(value, &via), 0), hops++;
		CHECK_INT("hops", hops, 3);
		CHECK_SLICE("last branch", via.branch, "z9hG4bK30239");
		CHECK_INT("body", msg.body.len, 150);
	}
	if (load("intmeth")) {
		CHECK_INT("to", sip_msg_addr(&msg, SIP_H_TO, &addr), 0);
		CHECK_INT("NUL, BEL and DEL are kept", addr.display.len, 20);
		CHECK_SLICE("user", addr.uri.user,
			    "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
		CHECK_INT("from", sip_msg_addr(&msg, SIP_H_FROM, &addr), 0);
		CHECK_SLICE("tag", sip_addr_tag(&addr), "_token~1'+`*%!-.");
	}
	if (load("esc02")) {
		CHECK_SLICE("no escapes in names", sip_msg_value_named(&msg, "C%6Fntact"),
			    "<sip:alias2@host2.example.com>");
		CHECK_INT("method", msg.method, SIP_METHOD_OTHER);
	}
	if (load("semiuri")) {
		struct sip_uri uri;

		CHECK_INT("uri", sip_uri_parse(msg.request_uri, &uri), 0);
		CHECK_SLICE("user", uri.user, "user;par=u%40example.net");
		CHECK("no parameter", !slice_present(uri.params));
	}
	if (load("dblreq"))
		CHECK("the second request is not part of the first", !slice_present(msg.body));
	if (load("cparam01")) {
		CHECK_INT("contact", sip_msg_addr(&msg, SIP_H_CONTACT, &addr), 0);
		CHECK("of the field", sip_param(addr.params, "unknownparam", &value));
	}
	if (load("cparam02")) {
		CHECK_INT("contact", sip_msg_addr(&msg, SIP_H_CONTACT, &addr), 0);
		CHECK("of the URI", sip_uri_param(&addr.uri, "unknownparam", &value));
		CHECK("not of the field", !slice_present(addr.params));
	}
}

void suite_torture(void)
{
	CHECK_SUITE("torture");
	CHECK_TEST(verdicts);
	CHECK_TEST(answers_parse);
	CHECK_TEST(files_and_rows_agree);
	CHECK_TEST(details);
	CHECK_TEST(details_of_v6);
}
