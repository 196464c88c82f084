/* Lists of recipients: what is read, what is refused, and that nothing is fetched or blown up. */
#include "sip/resource_list.h"

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define OPEN                                                                                       \
	"<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\""                          \
	" xmlns:cp=\"urn:ietf:params:xml:ns:copycontrol\">"
#define CLOSE "</resource-lists>"

/* Shape as in RFC 5366 figure 3. */
static const char usual[] = HEAD OPEN
	"<list><entry uri=\"sip:bill@example.com\" cp:copyControl=\"to\"/>\n"
	"<entry uri=\" sip:joe@example.org \" cp:copyControl=\"cc\" cp:anonymize=\"true\">"
	"<display-name xml:lang=\"en\"> Joe &amp; <![CDATA[Co]]></display-name></entry>"
	"<list><display-name>not an entry's</display-name>"
	"<entry uri=\"tel:+1-201-555-0123\" cp:copyControl=\"bcc\"/>"
	"<entry uri=\"SIP:bill@EXAMPLE.com\"/></list></list>"
	"<list><x:more xmlns:x=\"urn:x\"><x:entry uri=\"nothing\"/></x:more></list>" CLOSE;

static void all_parts(void)
{
	struct sip_resource_list list = {0};

	CHECK_INT("parse", sip_resource_list_parse(slice_of(usual), &list), 0);
	if (CHECK_INT("one comes twice", list.count, 3)) {
		CHECK_STR("first", list.entries[0].uri, "sip:bill@example.com");
		CHECK_INT("to", list.entries[0].copy, SIP_COPY_TO);
		CHECK_STR("no name", list.entries[0].display, "");
		CHECK_STR("trimmed", list.entries[1].uri, "sip:joe@example.org");
		CHECK_STR("name", list.entries[1].display, "Joe & Co");
		CHECK_INT("cc", list.entries[1].copy, SIP_COPY_CC);
		CHECK("hidden", list.entries[1].is_anonymous && !list.entries[0].is_anonymous);
		CHECK_STR("number", list.entries[2].uri, "tel:+1-201-555-0123");
		CHECK_INT("bcc", list.entries[2].copy, SIP_COPY_BCC);
		CHECK_STR("not the list's name", list.entries[2].display, "");
	}
	sip_resource_list_done(&list);
	CHECK("again", !list.entries && list.count == 0);
	sip_resource_list_done(&list);
}

static void verdicts(void)
{
	static const struct {
		const char *name, *text;
		int err;
		uint32_t count;
	} cases[] = {
		{"empty list", OPEN CLOSE, 0, 0},
		{"a prefix",
		 "<r:resource-lists xmlns:r=\"urn:ietf:params:xml:ns:resource-lists\"><r:list>"
		 "<r:entry uri=\"sip:a@b\"/></r:list></r:resource-lists>",
		 0, 1},
		{"a character reference", OPEN "<list><entry uri=\"sip:&#97;@b\"/></list>" CLOSE, 0,
		 1},
		{"nothing", "", ERR_SIP_LIST_SYNTAX, 0},
		{"not XML", "sip:a@b", ERR_SIP_LIST_SYNTAX, 0},
		{"another document", "<html/>", ERR_SIP_LIST_SYNTAX, 0},
		{"no namespace", "<resource-lists/>", ERR_SIP_LIST_SYNTAX, 0},
		{"cut", OPEN "<list><entry uri=\"sip:a@b\"/>", ERR_SIP_LIST_SYNTAX, 0},
		{"crossed", OPEN "<list><entry uri=\"sip:a@b\"></list></entry>" CLOSE,
		 ERR_SIP_LIST_SYNTAX, 0},
		{"no URI", OPEN "<list><entry/></list>" CLOSE, ERR_SIP_LIST_SYNTAX, 0},
		{"a web page", OPEN "<list><entry uri=\"http://h/\"/></list>" CLOSE,
		 ERR_SIP_LIST_SYNTAX, 0},
		{"line break in a URI",
		 OPEN "<list><entry uri=\"sip:a@b&#13;&#10;X\"/></list>" CLOSE, ERR_SIP_LIST_SYNTAX,
		 0},
		{"external", OPEN "<list><external anchor=\"http://h/\"/></list>" CLOSE,
		 ERR_SIP_LIST_SYNTAX, 0},
		{"entry-ref", OPEN "<list><entry-ref ref=\"x\"/></list>" CLOSE, ERR_SIP_LIST_SYNTAX,
		 0},
		{"unknown entity", OPEN "<list><entry uri=\"sip:&a;@b\"/></list>" CLOSE,
		 ERR_SIP_LIST_SYNTAX, 0},
		{"entities",
		 "<!DOCTYPE resource-lists [<!ENTITY a \"aa\">]>" OPEN
		 "<list><entry uri=\"sip:&a;@b\"/></list>" CLOSE,
		 ERR_SIP_LIST_SYNTAX, 0},
		{"a file", "<!DOCTYPE resource-lists SYSTEM \"/etc/passwd\">" OPEN CLOSE,
		 ERR_SIP_LIST_SYNTAX, 0},
		{"another encoding than it says",
		 "<?xml version=\"1.0\" encoding=\"UTF-16\"?>" OPEN
		 "<list><entry uri=\"sip:a@b\"/></list>" CLOSE,
		 0, 1},
		{"not UTF-8", OPEN "<list><entry uri=\"sip:\xff@b\"/></list>" CLOSE,
		 ERR_SIP_LIST_SYNTAX, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_resource_list list = {.count = 0};

		CHECK_INT(cases[i].name, sip_resource_list_parse(slice_of(cases[i].text), &list),
			  cases[i].err);
		CHECK_INT(cases[i].name, list.count, cases[i].count);
		sip_resource_list_done(&list);
	}
}

static int parse_entries(uint32_t entries, uint32_t depth, uint32_t filler,
			 struct sip_resource_list *list)
{
	struct buf text = BUF_INIT;
	int err;

	buf_adds(&text, OPEN);
	for (uint32_t i = 0; i < depth; i++)
		buf_adds(&text, "<list>");
	for (uint32_t i = 0; i < entries; i++)
		buf_addf(&text, "<entry uri=\"sip:u%u@h\"/>", i);
	for (uint32_t i = 0; i < depth; i++)
		buf_adds(&text, "</list>");
	buf_adds(&text, CLOSE);
	while (text.len < filler)
		buf_addc(&text, '\n');
	err = sip_resource_list_parse(buf_slice(&text), list);
	buf_done(&text);
	return err;
}

static void limits(void)
{
	static const struct {
		const char *name;
		uint32_t entries, depth, octets;
		int err;
	} cases[] = {
		{"entries", SIP_RESOURCES_MAX, 1, 0, 0},
		{"one more", SIP_RESOURCES_MAX + 1, 1, 0, ERR_LIMIT},
		{"depth", 1, SIP_RESOURCE_LIST_DEPTH_MAX - 1, 0, 0},
		{"one deeper", 1, SIP_RESOURCE_LIST_DEPTH_MAX, 0, ERR_LIMIT},
		{"octets", 1, 1, SIP_RESOURCE_LIST_OCTETS_MAX, 0},
		{"one longer", 1, 1, SIP_RESOURCE_LIST_OCTETS_MAX + 1, ERR_LIMIT},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_resource_list list = {.count = 0};

		CHECK_INT(cases[i].name,
			  parse_entries(cases[i].entries, cases[i].depth, cases[i].octets, &list),
			  cases[i].err);
		CHECK_INT(cases[i].name, list.count, cases[i].err ? 0 : cases[i].entries);
		sip_resource_list_done(&list);
	}
}

#define MESSAGE                                                                                    \
	"REFER sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:p@h>;tag=1\r\n" \
	"To: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 5 REFER\r\n"
#define LIST(user) OPEN "<list><entry uri=\"sip:" user "@h\"/></list>" CLOSE "\r\n"

static void in_a_message(void)
{
	static const char parts[] = MESSAGE
		"Content-Type: multipart/mixed;boundary=z\r\n\r\n"
		"--z\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"
		"--z\r\nContent-Type: application/resource-lists+xml\r\n"
		"Content-ID: <one@h>\r\n\r\n" LIST(
			"one") "--z\r\nContent-Type: "
			       "Application/Resource-Lists+XML;charset=utf-8\r\n"
			       "Content-ID: <two@h>\r\n\r\n" LIST("two") "--z--\r\n";
	static const char whole[] = MESSAGE
		"Content-Type: application/resource-lists+xml\r\n\r\n" LIST("all");
	static const char none[] = MESSAGE "Content-Length: 0\r\n\r\n";
	static const struct {
		const char *name, *text, *id;
		int err;
		const char *uri;
	} cases[] = {
		{"the first", parts, NULL, 0, "sip:one@h"},
		{"by name", parts, "two@h", 0, "sip:two@h"},
		{"by another name", parts, "three@h", ERR_SIP_HEADER_MISSING, NULL},
		{"the whole body", whole, NULL, 0, "sip:all@h"},
		{"no body", none, NULL, ERR_SIP_HEADER_MISSING, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_resource_list list = {0};
		struct sip_msg msg;

		CHECK_INT(cases[i].name,
			  sip_msg_parse(cases[i].text, slice_of(cases[i].text).len, &msg), 0);
		CHECK_INT(cases[i].name, sip_resource_list_of(&msg, slice_of(cases[i].id), &list),
			  cases[i].err);
		CHECK_STR(cases[i].name, list.count ? list.entries[0].uri : NULL, cases[i].uri);
		sip_resource_list_done(&list);
	}
}

void suite_resource_list(void)
{
	CHECK_SUITE("resource_list");
	CHECK_TEST(all_parts);
	CHECK_TEST(verdicts);
	CHECK_TEST(limits);
	CHECK_TEST(in_a_message);
}
