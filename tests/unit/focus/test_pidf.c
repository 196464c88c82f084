#include "base/attr.h"
#include "focus/pidf.h"
#include "tests/support/check.h"

#define HEAD                                                                                       \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                             \
	"<presence xmlns=\"urn:ietf:params:xml:ns:pidf\""                                          \
	" xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\""                                     \
	" xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"sip:anna@example.org\">"        \
	"<tuple id=\"sip\"><status>"

static void documents(void)
{
	static const struct {
		const char *name, *text;
		struct pidf pidf;
	} rows[] = {
		{"closed",
		 HEAD "<basic>closed</basic></status></tuple></presence>\n",
		 {.entity = {"sip:anna@example.org", 20}}},
		{"open",
		 HEAD "<basic>open</basic></status><contact>sip:anna@example.org</contact>"
		      "</tuple></presence>\n",
		 {.entity = {"sip:anna@example.org", 20}, .is_open = true}},
		{"on the phone",
		 HEAD "<basic>open</basic></status><contact>sip:anna@example.org</contact>"
		      "<note>In a &lt;call&gt;</note></tuple><dm:person id=\"person\">"
		      "<rpid:activities><rpid:on-the-phone/></rpid:activities></dm:person>"
		      "</presence>\n",
		 {.entity = {"sip:anna@example.org", 20},
		  .is_open = true,
		  .activity = "on-the-phone",
		  .note = {"In a <call>", 11}}},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out = BUF_INIT;

		pidf_write(&out, &rows[i].pidf);
		CHECK_SLICE(rows[i].name, buf_slice(&out), rows[i].text);
		buf_done(&out);
	}
}

void suite_pidf(void)
{
	CHECK_SUITE("pidf");
	CHECK_TEST(documents);
}
