#include "focus/summary_doc.h"
#include "tests/support/check.h"

static void counts(void)
{
	struct mailbox_view view = {.seq = 0};
	struct buf out = BUF_INIT;

	summary_head_write(&out, SLICE("sip:anna@example.org"), &view);
	CHECK_SLICE("empty", buf_slice(&out),
		    "Messages-Waiting: no\r\n"
		    "Message-Account: sip:anna@example.org\r\n"
		    "Voice-Message: 0/0 (0/0)\r\n");
	buf_clear(&out);
	view.total = view.counts[MAIL_VOICE] = (struct mail_counts){4, 8, 1, 2};
	view.total.old += 3;
	view.counts[MAIL_FAX].old = 3;
	summary_head_write(&out, SLICE("sip:anna@example.org"), &view);
	CHECK_SLICE("voice and fax", buf_slice(&out),
		    "Messages-Waiting: yes\r\n"
		    "Message-Account: sip:anna@example.org\r\n"
		    "Voice-Message: 4/8 (1/2)\r\n"
		    "Fax-Message: 0/3 (0/0)\r\n");
	buf_done(&out);
}

static void headers(void)
{
	struct buf out = BUF_INIT;

	summary_mail_write(&out, SLICE("sip:anna@example.org"), "example.org",
			   &(struct mail_view){.id = SLICE("x1"),
					       .from = SLICE("sip:bert@example.org"),
					       .from_name = SLICE("Bert \"B\" \\"),
					       .subject = SLICE("tomorrow?"),
					       .received_wall_ms = 1795376783123,
					       .is_urgent = true});
	CHECK_SLICE("all there is", buf_slice(&out),
		    "\r\n"
		    "To: <sip:anna@example.org>\r\n"
		    "From: \"Bert \\\"B\\\" \\\\\" <sip:bert@example.org>\r\n"
		    "Subject: tomorrow?\r\n"
		    "Date: Sun, 22 Nov 2026 19:46:23 +0000\r\n"
		    "Priority: urgent\r\n"
		    "Message-ID: x1@example.org\r\n");
	buf_clear(&out);
	summary_mail_write(&out, SLICE("sip:anna@example.org"), "example.org",
			   &(struct mail_view){.id = SLICE("x2"), .received_wall_ms = 1000});
	CHECK_SLICE("the least", buf_slice(&out),
		    "\r\n"
		    "To: <sip:anna@example.org>\r\n"
		    "Date: Thu, 01 Jan 1970 00:00:01 +0000\r\n"
		    "Priority: normal\r\n"
		    "Message-ID: x2@example.org\r\n");
	buf_done(&out);
}

void suite_summary_doc(void)
{
	CHECK_SUITE("summary_doc");
	CHECK_TEST(counts);
	CHECK_TEST(headers);
}
