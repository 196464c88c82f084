#include "focus/dialog_doc.h"
#include "tests/support/check.h"

static void check_entry(const char *name, const struct dialog_entry *entry, const char *text)
{
	struct buf out = BUF_INIT;

	dialog_entry_write(&out, entry);
	CHECK_SLICE(name, buf_slice(&out), text);
	buf_done(&out);
}

static void whole(void)
{
	struct buf out = BUF_INIT;

	dialog_head_write(&out, &(struct dialog_head){.entity = SLICE("sip:a&b@example.org"),
						      .version = 3,
						      .is_full = true});
	dialog_tail_write(&out);
	CHECK_SLICE(NULL, buf_slice(&out),
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"3\""
		    " state=\"full\" entity=\"sip:a&amp;b@example.org\"></dialog-info>\n");
	buf_done(&out);
}

static void entries(void)
{
	check_entry(
		"all there is",
		&(struct dialog_entry){
			.id = SLICE("x1"),
			.call_id = SLICE("7@b"),
			.local_tag = SLICE("l"),
			.remote_tag = SLICE("r"),
			.is_initiator = true,
			.state = "confirmed",
			.duration_s = 61,
			.referrer = SLICE("sip:boss@example.org"),
			.local = {.identity = SLICE("sip:anna@example.org"),
				  .display = SLICE("Anna \"A\""),
				  .target = SLICE("sip:anna@example.org"),
				  .is_on_hold = true},
			.remote = {.identity = SLICE("sip:lobby@example.org"),
				   .target = SLICE("sip:lobby@example.org"),
				   .is_focus = true},
		},
		"<dialog id=\"x1\" call-id=\"7@b\" local-tag=\"l\" remote-tag=\"r\""
		" direction=\"initiator\"><state>confirmed</state><duration>61</duration>"
		"<referred-by>sip:boss@example.org</referred-by>"
		"<local><identity display=\"Anna &quot;A&quot;\">sip:anna@example.org</identity>"
		"<target uri=\"sip:anna@example.org\">"
		"<param pname=\"+sip.rendering\" pval=\"no\"/></target></local>"
		"<remote><identity>sip:lobby@example.org</identity>"
		"<target uri=\"sip:lobby@example.org\">"
		"<param pname=\"isfocus\" pval=\"true\"/></target></remote></dialog>");
	check_entry(
		"the end",
		&(struct dialog_entry){
			.id = SLICE("x1"), .state = "terminated", .event = "rejected", .code = 486},
		"<dialog id=\"x1\" direction=\"recipient\">"
		"<state event=\"rejected\" code=\"486\">terminated</state></dialog>");
}

void suite_dialog_doc(void)
{
	CHECK_SUITE("dialog_doc");
	CHECK_TEST(whole);
	CHECK_TEST(entries);
}
