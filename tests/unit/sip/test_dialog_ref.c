/* Replaces, Join and Target-Dialog as text. */
#include "sip/dialog_ref.h"

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"

static void values(void)
{
	static const struct {
		const char *name, *text;
		int err;
		const char *call_id, *to_tag, *from_tag;
		bool is_early_only;
	} cases[] = {
		{"RFC 3891 6.1", "98732@sip.example.com\r\n ;from-tag=r33th4x0r\r\n ;to-tag=ff87ff",
		 0, "98732@sip.example.com", "ff87ff", "r33th4x0r", false},
		{"white space", " 12adf2f34456gs5 ; to-tag = 12345 ; from-tag = 54321 ", 0,
		 "12adf2f34456gs5", "12345", "54321", false},
		{"early-only", "a@b;to-tag=1;from-tag=2;early-only", 0, "a@b", "1", "2", true},
		{"others", "a@b;x=\"y;to-tag=9\";to-tag=1;from-tag=0", 0, "a@b", "1", "0", false},
		{"Target-Dialog", "a@b;local-tag=1;remote-tag=2", 0, "a@b", "1", "2", false},
		{"any case", "a;TO-TAG=A;From-Tag=b;Early-Only", 0, "a", "A", "b", true},
		{"empty", "", ERR_SIP_HEADER_SYNTAX, NULL, NULL, NULL, false},
		{"no call-id", ";to-tag=1;from-tag=2", ERR_SIP_HEADER_SYNTAX, NULL, NULL, NULL,
		 false},
		{"no to-tag", "a;from-tag=2", ERR_SIP_HEADER_SYNTAX, NULL, NULL, NULL, false},
		{"no from-tag", "a;to-tag=2", ERR_SIP_HEADER_SYNTAX, NULL, NULL, NULL, false},
		{"empty tag", "a;to-tag=;from-tag=2", ERR_SIP_HEADER_SYNTAX, NULL, NULL, NULL,
		 false},
		{"flag tag", "a;to-tag;from-tag=2", ERR_SIP_HEADER_SYNTAX, NULL, NULL, NULL, false},
		{"two to-tags", "a;to-tag=1;to-tag=1;from-tag=2", ERR_SIP_HEADER_SYNTAX, NULL, NULL,
		 NULL, false},
		{"two in one field", "a;to-tag=1,b;to-tag=3;from-tag=2", ERR_SIP_HEADER_SYNTAX,
		 NULL, NULL, NULL, false},
		{"space in the call-id", "a b;to-tag=1;from-tag=2", ERR_SIP_HEADER_SYNTAX, NULL,
		 NULL, NULL, false},
		{"two @", "a@b@c;to-tag=1;from-tag=2", ERR_SIP_HEADER_SYNTAX, NULL, NULL, NULL,
		 false},
		{"no host", "a@;to-tag=1;from-tag=2", ERR_SIP_HEADER_SYNTAX, NULL, NULL, NULL,
		 false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sip_dialog_ref ref = {.call_id = SLICE("untouched")};

		CHECK_INT(cases[i].name, sip_dialog_ref_parse(slice_of(cases[i].text), &ref),
			  cases[i].err);
		CHECK_SLICE(cases[i].name, ref.call_id,
			    cases[i].err ? "untouched" : cases[i].call_id);
		if (cases[i].err)
			continue;
		CHECK_SLICE(cases[i].name, ref.to_tag, cases[i].to_tag);
		CHECK_SLICE(cases[i].name, ref.from_tag, cases[i].from_tag);
		CHECK_INT(cases[i].name, ref.is_early_only, cases[i].is_early_only);
	}
}

static void prints(void)
{
	struct sip_dialog_ref ref = {SLICE("7@c.example"), SLICE("t;o"), SLICE(""), true}, again;
	struct buf buf = BUF_INIT;

	ref.to_tag = SLICE("xx");
	sip_dialog_ref_print(&buf, &ref, false);
	CHECK_SLICE("plain", buf_slice(&buf), "7@c.example;to-tag=xx;from-tag=0;early-only");
	CHECK_INT("reads again", sip_dialog_ref_parse(buf_slice(&buf), &again), 0);
	buf_clear(&buf);
	sip_dialog_ref_print(&buf, &ref, true);
	CHECK_SLICE("escaped", buf_slice(&buf),
		    "7%40c.example%3Bto-tag%3Dxx%3Bfrom-tag%3D0%3Bearly-only");
	buf_done(&buf);
}

void suite_dialog_ref(void);
void suite_dialog_ref(void)
{
	CHECK_SUITE("dialog_ref");
	CHECK_TEST(values);
	CHECK_TEST(prints);
}
