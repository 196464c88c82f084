/* focus/summary_doc.c */
#include "focus/summary_doc.h"

#include <time.h>

static const char *class_name(enum mail_kind kind)
{
	static const char *const names[MAIL_KIND_COUNT] = {
		[MAIL_VOICE] = "Voice-Message",
		[MAIL_TEXT] = "Text-Message",
		[MAIL_FAX] = "Fax-Message",
		[MAIL_PAGER] = "Pager-Message",
		[MAIL_MULTIMEDIA] = "Multimedia-Message",
	};

	return names[kind];
}

/* Voice-Message: 4/8 (1/2) */
static void write_counts(struct buf *out, enum mail_kind kind, const struct mail_counts *counts)
{
	if (kind != MAIL_VOICE && !counts->fresh && !counts->old)
		return;
	buf_addf(out, "%s: %u/%u (%u/%u)\r\n", class_name(kind), counts->fresh, counts->old,
		 counts->fresh_urgent, counts->old_urgent);
}

void summary_head_write(struct buf *out, struct slice account, const struct mailbox_view *view)
{
	buf_addf(out, "Messages-Waiting: %s\r\n", view->total.fresh ? "yes" : "no");
	buf_addf(out, "Message-Account: " SLICE_FMT "\r\n", SLICE_ARG(account));
	for (enum mail_kind kind = 0; kind < MAIL_KIND_COUNT; kind++)
		write_counts(out, kind, &view->counts[kind]);
}

/* RFC 2822 3.3, by hand: strftime would follow a locale. */
static void write_date(struct buf *out, uint64_t wall_ms)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return;
	buf_addf(out, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday], tm.tm_mday,
		 months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* The name as a quoted string (RFC 2822 3.2.5). */
static void write_from(struct buf *out, const struct mail_view *mail)
{
	buf_adds(out, "From: \"");
	for (size_t i = 0; i < mail->from_name.len; i++) {
		if (mail->from_name.p[i] == '"' || mail->from_name.p[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, mail->from_name.p[i]);
	}
	buf_addf(out, "\" <" SLICE_FMT ">\r\n", SLICE_ARG(mail->from));
}

void summary_mail_write(struct buf *out, struct slice account, const char *host,
			const struct mail_view *mail)
{
	buf_addf(out, "\r\nTo: <" SLICE_FMT ">\r\n", SLICE_ARG(account));
	if (mail->from.len && mail->from_name.len)
		write_from(out, mail);
	else if (mail->from.len)
		buf_addf(out, "From: <" SLICE_FMT ">\r\n", SLICE_ARG(mail->from));
	if (mail->subject.len)
		buf_addf(out, "Subject: " SLICE_FMT "\r\n", SLICE_ARG(mail->subject));
	write_date(out, mail->received_wall_ms);
	buf_addf(out, "Priority: %s\r\n", mail->is_urgent ? "urgent" : "normal");
	buf_addf(out, "Message-ID: " SLICE_FMT "@%s\r\n", SLICE_ARG(mail->id), host);
}
