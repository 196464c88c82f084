/* focus/status.c */
#include "focus/status.h"

#include <errno.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "sip/sips.h"

static const struct status_row rows[] = {
	{ERR_ROOM_UNKNOWN, FOCUS_REJECT_ROOM_UNKNOWN, 404, "Conference Not Found", 0, 0},
	{ERR_ROOM_NAME, FOCUS_REJECT_ROOM_NAME, 404, "Not A Conference Name", 0, 0},
	{ERR_DOMAIN, FOCUS_REJECT_DOMAIN, 404, "Not Our Domain", 0, 0},
	{ERR_ROOM_FULL, FOCUS_REJECT_ROOM_FULL, 486, "Conference Is Full", 0, 0},
	{ERR_ROOM_LOCKED, FOCUS_REJECT_ROOM_LOCKED, 486, "Conference Is Locked", 0, 0},
	{ERR_BANNED, FOCUS_REJECT_BANNED, 403, "Banned From The Conference", 0, 0},
	{ERR_ROOM_NOT_OPEN, FOCUS_REJECT_ROOM_NOT_OPEN, 480, "Conference Has Not Started", 60, 399},
	{ERR_ROOM_LIMIT, FOCUS_REJECT_ROOM_LIMIT, 503, NULL, 30, 399},
	{ERR_PARTICIPANT_LIMIT, FOCUS_REJECT_NO_LEGS, 503, NULL, 10, 399},
	{ERR_DRAINING, FOCUS_REJECT_DRAINING, 503, NULL, 60, 399},
	{ERR_MEDIA_NO_PORTS, FOCUS_REJECT_NO_PORTS, 503, NULL, 10, 399},
	{ERR_MEDIA_NO_LEGS, FOCUS_REJECT_NO_LEGS, 503, NULL, 10, 399},
	{ERR_MEDIA_NO_ROOMS, FOCUS_REJECT_MEDIA, 503, NULL, 30, 399},
	{ERR_QUEUE_FULL, FOCUS_REJECT_MEDIA, 503, NULL, 5, 399},
	{-EMFILE, FOCUS_REJECT_NO_PORTS, 503, NULL, 30, 399},
	{-ENFILE, FOCUS_REJECT_NO_PORTS, 503, NULL, 30, 399},
	{-ENOBUFS, FOCUS_REJECT_NO_PORTS, 503, NULL, 10, 399},
	{-EADDRINUSE, FOCUS_REJECT_NO_PORTS, 503, NULL, 10, 399},
	{-ENOMEM, FOCUS_REJECT_INTERNAL, 503, NULL, 30, 399},
	{ERR_AUTH_REQUIRED, FOCUS_REJECT_UNAUTHORIZED, 401, NULL, 0, 0},
	{ERR_AUTH_MALFORMED, FOCUS_REJECT_UNAUTHORIZED, 400, "Malformed Credentials", 0, 0},
	{ERR_AUTH_LOCKED, FOCUS_REJECT_UNAUTHORIZED, 503, NULL, 0, 0},
	{ERR_NOT_ALLOWED, FOCUS_REJECT_FORBIDDEN, 403, NULL, 0, 0},
	{ERR_PRIVACY, FOCUS_REJECT_FORBIDDEN, 500, "Privacy Cannot Be Given", 0, 399},
	{ERR_LOOP, FOCUS_REJECT_LOOP, 482, NULL, 0, 399},
	{ERR_SDP_NO_MEDIA, FOCUS_REJECT_MEDIA, 488, NULL, 0, 399},
	{ERR_SDP_MISMATCH, FOCUS_REJECT_MEDIA, 488, NULL, 0, 399},
	{ERR_SDP_SYNTAX, FOCUS_REJECT_MEDIA, 400, "Malformed Session Description", 0, 399},
	{ERR_SDP_TOO_LARGE, FOCUS_REJECT_MEDIA, 413, NULL, 0, 399},
	{ERR_JOIN_UNKNOWN, FOCUS_REJECT_JOIN, 481, NULL, 0, 399},
	{ERR_JOIN_ENDED, FOCUS_REJECT_JOIN, 603, NULL, 0, 399},
	{ERR_JOIN_REFUSED, FOCUS_REJECT_JOIN, 486, NULL, 0, 399},
	{ERR_JOIN_ANSWERED, FOCUS_REJECT_JOIN, 486, NULL, 0, 399},
	{ERR_SIPS_NOT_ALLOWED, FOCUS_REJECT_SIPS, 480, NULL, 0, SIP_WARN_SIPS_NOT_ALLOWED},
	{ERR_SIPS_REQUIRED, FOCUS_REJECT_SIPS, 480, NULL, 0, SIP_WARN_SIPS_REQUIRED},
	{ERR_SIPS_MIXED, FOCUS_REJECT_SIPS, 400, "Contact Is Not SIPS", 0, 0},
	{ERR_SIP_URI_SYNTAX, FOCUS_REJECT_ROOM_NAME, 404, "Not A Conference Name", 0, 0},
};
static const struct status_row row_internal = {0, FOCUS_REJECT_INTERNAL, 500, NULL, 0, 399};

const struct status_row *status_find(int err)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].err == err)
			return &rows[i];
	return &row_internal;
}

void status_headers(const struct status_row *row, const char *host, struct buf *out)
{
	if (row->retry_after_s)
		buf_addf(out, "Retry-After: %u\r\n", row->retry_after_s);
	if (row->warning == SIP_WARN_SIPS_NOT_ALLOWED || row->warning == SIP_WARN_SIPS_REQUIRED)
		sip_sips_warning(row->warning, host, out);
	else if (row->warning)
		buf_addf(out, "Warning: 399 %s \"%s\"\r\n", host,
			 row->err ? err_text(row->err) : "internal error");
}

void status_refuse(const struct focus *focus, struct sip_stx *tx, int err)
{
	const struct status_row *row = status_find(err);
	struct buf headers = BUF_INIT;

	status_headers(row, focus->host, &headers);
	(void)sip_stx_reply(tx, &(struct sip_reply){.status = row->status,
						    .reason = row->reason,
						    .headers = headers.p});
	buf_done(&headers);
}

void status_count(struct focus *focus, int err)
{
	focus->stats.rejected[status_find(err)->reject]++;
}

static const struct status_cause causes[] = {
	{"refused", 403, "Conference number or PIN not accepted"},
	{"ended_by_moderator", 410, "Conference ended"},
	{"moderator_left", 410, "Conference ended"},
	{"schedule", 410, "Conference ended"},
	{"time_limit", 410, "Conference time is over"},
	{"banned", 403, "Banned from the conference"},
	{"kicked", 403, "Removed from the conference"},
	{"room_closed", 410, "Conference ended"},
	{"no_media", 408, "No media received"},
	{"media_failed", 503, "Media failed"},
	{"moved", 302, "Conference has moved"},
	{"replaced", 200, "Call picked up elsewhere"},
	{"peer_left", 480, "The other party has left"},
	{"ended", 480, "Call ended by request"},
	{"not_confirmed", 480, "Nobody pressed the key"},
	{"not_acceptable", 488, "No codec in common"},
	{"server_stopped", 503, "Server is shutting down"},
};
static const struct status_cause cause_other = {"other", 480, "Call ended by the conference"};

const struct status_cause *status_cause_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(causes); i++)
		if (slice_is(slice_of(name), causes[i].name))
			return &causes[i];
	return &cause_other;
}

void status_cause_headers(const struct status_cause *cause, struct buf *out)
{
	buf_addf(out, "Reason: SIP;cause=%u;text=\"%s\"\r\n", cause->status, cause->text);
}

const char *status_failure_cause(uint16_t status)
{
	static const struct {
		uint16_t status;
		const char *cause;
	} table[] = {
		{486, "busy"},           {600, "busy"},           {603, "declined"},
		{403, "forbidden"},      {404, "not_found"},      {410, "not_found"},
		{484, "not_found"},      {604, "not_found"},      {408, "no_answer"},
		{480, "unavailable"},    {503, "unavailable"},    {487, "cancelled"},
		{488, "not_acceptable"}, {415, "not_acceptable"}, {606, "not_acceptable"},
		{401, "unauthorized"},   {407, "unauthorized"},   {482, "loop"},
		{483, "loop"},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].status == status)
			return table[i].cause;
	return status < 400 ? "redirected" : "failed";
}
