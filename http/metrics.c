/* http/metrics.c -- /metrics in the Prometheus text format 0.0.4.
 *
 * Names: hearth_<part>_<what>_<unit>, counters end in _total. Figures that can have many labels
 * (status, route) are written only where they are not zero.
 */
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "focus/callback.h"
#include "focus/focus.h"
#include "focus/mailbox.h"
#include "focus/notifier.h"
#include "focus/numbers.h"
#include "focus/registrar.h"
#include "focus/trace.h"
#include "focus/trunks.h"
#include "http/events.h"
#include "http/handlers.h"
#include "http/server.h"
#include "http/view.h"
#include "version.h"

/* "# HELP" and "# TYPE", once before the samples of a name. */
static void head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
	head(out, name, "counter", help);
	buf_addf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void counter_seconds(struct buf *out, const char *name, const char *help, uint64_t ns)
{
	head(out, name, "counter", help);
	buf_addf(out, "%s %.3f\n", name, (double)ns / 1e9);
}

static void gauge(struct buf *out, const char *name, const char *help, double value)
{
	head(out, name, "gauge", help);
	buf_addf(out, "%s %.15g\n", name, value);
}

static void sample(struct buf *out, const char *name, const char *label, const char *label_value,
		   uint64_t value)
{
	buf_addf(out, "%s{%s=\"%s\"} %llu\n", name, label, label_value, (unsigned long long)value);
}

/* SIP ----------------------------------------------------------------------------------------- */

static void add_methods(struct buf *out, const char *name, const char *help,
			const uint64_t counts[SIP_METHOD_COUNT])
{
	head(out, name, "counter", help);
	for (int method = 0; method < SIP_METHOD_COUNT; method++) {
		const char *text = sip_method_name((enum sip_method)method);

		sample(out, name, "method", text && text[0] ? text : "other", counts[method]);
	}
}

static void add_classes(struct buf *out, const char *name, const char *help,
			const uint64_t counts[7])
{
	static const char *const classes[] = {"", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx"};

	head(out, name, "counter", help);
	for (int i = 1; i < 7; i++)
		sample(out, name, "class", classes[i], counts[i]);
}

static void add_statuses(struct buf *out, const struct sip_ua_stats *stats)
{
	head(out, "hearth_sip_responses_sent_by_status_total", "counter",
	     "Responses sent, by status.");
	for (unsigned status = 100; status < 700; status++) {
		if (stats->status_out[status])
			buf_addf(out,
				 "hearth_sip_responses_sent_by_status_total{status=\"%u\"} %llu\n",
				 status, (unsigned long long)stats->status_out[status]);
	}
}

static void add_sip(struct buf *out, const struct sip_ua_stats *stats)
{
	add_methods(out, "hearth_sip_requests_received_total", "Requests received, by method.",
		    stats->requests_in);
	add_methods(out, "hearth_sip_requests_sent_total", "Requests sent, by method.",
		    stats->requests_out);
	add_classes(out, "hearth_sip_responses_received_total", "Responses received, by class.",
		    stats->responses_in);
	add_classes(out, "hearth_sip_responses_sent_total", "Responses sent, by class.",
		    stats->responses_out);
	add_statuses(out, stats);
	counter(out, "hearth_sip_malformed_total", "Messages that did not parse.",
		stats->malformed);
	counter(out, "hearth_sip_stray_responses_total", "Responses that matched no transaction.",
		stats->stray_responses);
	counter(out, "hearth_sip_retransmissions_received_total",
		"Requests and responses seen again.", stats->retransmits_in);
	counter(out, "hearth_sip_retransmissions_sent_total", "Requests and responses sent again.",
		stats->retransmits_out);
	counter(out, "hearth_sip_transport_failures_total", "Messages that could not be sent.",
		stats->transport_failures);
	counter(out, "hearth_sip_overload_total", "503 because a limit was reached.",
		stats->overload);
	counter(out, "hearth_sip_rspauth_wrong_total",
		"Answers whose Authentication-Info is not of who knows our password.",
		stats->rspauth_wrong);
	counter(out, "hearth_sip_left_out_total",
		"Requests not sent because the peer asked for fewer (RFC 7339).", stats->left_out);
	gauge(out, "hearth_sip_calls", "SIP calls now.", stats->calls);
	gauge(out, "hearth_sip_dialogs", "SIP dialogs now.", stats->dialogs);
	gauge(out, "hearth_sip_client_transactions", "Client transactions now.",
	      stats->client_transactions);
	gauge(out, "hearth_sip_server_transactions", "Server transactions now.",
	      stats->server_transactions);
}

static void add_sip_connections(struct buf *out, struct sip_net_stats stats)
{
	gauge(out, "hearth_sip_connections", "TCP and TLS connections of SIP now.",
	      stats.connections);
	counter(out, "hearth_sip_connections_refused_total",
		"Connections not taken because a limit was reached.", stats.refused);
	counter(out, "hearth_sip_connections_cut_total",
		"Connections closed because they were slow, idle or not SIP.", stats.cut);
	counter(out, "hearth_sip_tls_handshakes_total", "TLS handshakes that were completed.",
		stats.tls_handshakes);
	counter(out, "hearth_sip_tls_handshakes_failed_total",
		"TLS handshakes that were refused, broke off or took too long.", stats.tls_failed);
}

/* Who may ------------------------------------------------------------------------------------- */

static void add_guard(struct buf *out, const struct sip_guard_stats *stats)
{
	counter(out, "hearth_guard_asked_total", "SIP requests that would begin something.",
		stats->asked);
	head(out, "hearth_guard_refused_total", "counter",
	     "Of these, those refused or dropped, and wrong credentials, by cause.");
	for (int cause = 0; cause < SIP_GUARD_CAUSES; cause++)
		sample(out, "hearth_guard_refused_total", "cause",
		       sip_guard_cause_name((enum sip_guard_cause)cause), stats->refused[cause]);
	gauge(out, "hearth_guard_peers", "Addresses remembered for rates.", stats->peers);
	gauge(out, "hearth_guard_locked", "Addresses whose credentials are not looked at.",
	      stats->locked);
	counter(out, "hearth_guard_peers_forgotten_total", "Addresses forgotten for want of room.",
		stats->forgotten);
}

static void add_auth(struct buf *out, const struct sip_auth_stats *stats, const struct users *users)
{
	counter(out, "hearth_auth_challenges_total", "401 with challenges.", stats->challenges);
	counter(out, "hearth_auth_good_total", "Credentials that were right.", stats->good);
	counter(out, "hearth_auth_wrong_total", "Credentials that were wrong.", stats->wrong);
	counter(out, "hearth_auth_stale_total", "Credentials of an old nonce.", stats->stale);
	counter(out, "hearth_auth_replayed_total", "Credentials that had been used before.",
		stats->replayed);
	counter(out, "hearth_auth_malformed_total", "Credentials that could not be read.",
		stats->malformed);
	gauge(out, "hearth_users", "Users.", users_count(users));
}

/* Focus, mixer, store ------------------------------------------------------------------------- */

static void add_callbacks(struct buf *out, const struct focus *focus)
{
	const struct callback_stats *stats = focus_callback_stats(focus);

	counter(out, "hearth_callbacks_rung_total", "Callers of a number that calls back.",
		stats->rung);
	counter(out, "hearth_callbacks_called_total", "Of them: called back.", stats->called);
	counter(out, "hearth_callbacks_refused_total",
		"Callers not called back: not allowed, or too often.", stats->refused);
}

static void add_numbers(struct buf *out, const struct focus *focus)
{
	const struct numbers_stats *stats = focus_numbers_stats(focus);
	uint32_t pool, used;

	focus_numbers_count(focus, &pool, &used);
	gauge(out, "hearth_numbers", "Numbers in the pool.", pool);
	gauge(out, "hearth_numbers_used", "Numbers of the pool in use now.", used);
	counter(out, "hearth_numbers_allocated_total", "Numbers given to somebody.",
		stats->allocated);
	counter(out, "hearth_numbers_refused_total", "ALLOCATE refused because none was free.",
		stats->refused);
}

static void add_registrations(struct buf *out, const struct focus *focus)
{
	const struct location_stats *stats = focus_registration_stats(focus);

	gauge(out, "hearth_registrations", "Contacts registered now.",
	      focus_registration_count(focus));
	gauge(out, "hearth_registered_users", "Users with a Contact now.",
	      focus_registered_users(focus));
	counter(out, "hearth_registrations_added_total", "Contacts registered.", stats->added);
	counter(out, "hearth_registrations_refreshed_total", "Contacts registered again.",
		stats->refreshed);
	counter(out, "hearth_registrations_removed_total", "Contacts gone, for whatever reason.",
		stats->removed);
	counter(out, "hearth_registrations_expired_total", "Contacts gone because time was up.",
		stats->expired);
	counter(out, "hearth_registrations_flow_failed_total",
		"Contacts gone with their connection.", stats->flow_failed);
	counter(out, "hearth_registrations_refused_total", "REGISTER requests refused.",
		focus_stats(focus)->registrations_refused);
}

static void add_mailboxes(struct buf *out, const struct mailbox_stats *stats)
{
	gauge(out, "hearth_mailbox_messages", "Messages in all mailboxes now.", stats->mails);
	counter(out, "hearth_mailbox_messages_added_total", "Messages that came into mailboxes.",
		stats->added);
	counter(out, "hearth_mailbox_messages_removed_total",
		"Messages that were deleted from mailboxes.", stats->removed);
	counter(out, "hearth_mailbox_messages_refused_total",
		"Messages that a full mailbox did not take.", stats->refused);
}

static void add_trunks(struct buf *out, const struct focus *focus)
{
	const struct trunks_stats *stats = focus_trunks_stats(focus);
	uint64_t counts[TRUNK_STATE_COUNT] = {0};
	struct trunk_view view;

	for (uint32_t i = 0; focus_trunk(focus, i, &view); i++)
		counts[view.state]++;
	head(out, "hearth_trunks", "gauge", "Registrations of ours elsewhere, by state.");
	for (int state = 0; state < TRUNK_STATE_COUNT; state++)
		sample(out, "hearth_trunks", "state", trunk_state_name((enum trunk_state)state),
		       counts[state]);
	counter(out, "hearth_trunk_registers_total", "REGISTERs of ours that were answered 200.",
		stats->registered);
	counter(out, "hearth_trunk_registers_refused_total", "REGISTERs of ours that were refused.",
		stats->refused);
	counter(out, "hearth_trunk_registers_unanswered_total",
		"REGISTERs of ours that could not be sent, or had no answer.", stats->unanswered);
}

static void add_hep(struct buf *out, const struct focus *focus)
{
	uint64_t sent, dropped;

	if (!focus_hep_counts(focus, &sent, &dropped))
		return;
	counter(out, "hearth_hep_sent_total", "Messages copied to the capture server.", sent);
	counter(out, "hearth_hep_dropped_total",
		"Copies for the capture server that were lost here.", dropped);
}

static void add_recordings_and_moves(struct buf *out, const struct focus_stats *stats)
{
	gauge(out, "hearth_recordings", "Recordings that run or pause.", stats->recordings);
	head(out, "hearth_recordings_total", "counter", "Recordings that have ended, by how.");
	sample(out, "hearth_recordings_total", "state", "done", stats->recordings_done);
	sample(out, "hearth_recordings_total", "state", "failed", stats->recordings_failed);
	head(out, "hearth_moves_total", "counter",
	     "Rooms and calls that went to another focus, by how that ended.");
	sample(out, "hearth_moves_total", "state", "done", stats->moves_done);
	sample(out, "hearth_moves_total", "state", "failed", stats->moves_failed);
	counter(out, "hearth_participants_moved_total",
		"Participants that have arrived at the focus their room moved to.",
		stats->participants_moved);
}

static void add_focus(struct buf *out, const struct focus *focus)
{
	const struct focus_stats *stats = focus_stats(focus);

	gauge(out, "hearth_rooms", "Rooms now.", stats->rooms);
	gauge(out, "hearth_participants", "Participants now, in any state.", stats->participants);
	gauge(out, "hearth_participants_connected", "Participants whose call is answered.",
	      stats->participants_connected);
	counter(out, "hearth_rooms_created_total", "Rooms made.", stats->rooms_created);
	gauge(out, "hearth_two_party_calls", "Two-party calls now.", stats->calls);
	counter(out, "hearth_two_party_calls_created_total", "Two-party calls begun.",
		stats->calls_created);
	counter(out, "hearth_two_party_calls_joined_total",
		"Two-party calls that became conferences.", stats->calls_joined);
	counter(out, "hearth_participants_joined_total", "Participants connected.",
		stats->participants_joined);
	counter(out, "hearth_participants_left_total", "Participants gone.",
		stats->participants_left);
	counter(out, "hearth_dial_outs_total", "Calls made.", stats->dial_outs);
	counter(out, "hearth_dial_outs_failed_total", "Calls made that were not answered.",
		stats->dial_outs_failed);
	counter(out, "hearth_pins_wrong_total", "Wrong PINs that were typed.", stats->pins_wrong);
	counter(out, "hearth_dtmf_digits_total", "Digits received.", stats->dtmf_digits);
	counter(out, "hearth_dtmf_digits_dropped_total", "Digits that came too fast.",
		stats->dtmf_dropped);
	counter(out, "hearth_messages_refused_total", "Messages of people who sent too many.",
		stats->messages_refused);
	head(out, "hearth_leg_flags_total", "counter", "Lines that began to suffer, by what from.");
	for (int flag = 0; flag < MEDIA_FLAG_COUNT; flag++)
		sample(out, "hearth_leg_flags_total", "flag", view_flags[flag],
		       stats->flags_raised[flag]);
	add_recordings_and_moves(out, stats);
	add_registrations(out, focus);
	add_numbers(out, focus);
	add_callbacks(out, focus);
	add_trunks(out, focus);
	add_hep(out, focus);
	head(out, "hearth_rejected_total", "counter", "Callers turned away, by reason.");
	for (int reason = 0; reason < FOCUS_REJECT_COUNT; reason++)
		sample(out, "hearth_rejected_total", "reason",
		       focus_reject_name((enum focus_reject)reason), stats->rejected[reason]);
	add_mailboxes(out, focus_mailbox_stats(focus));
	head(out, "hearth_subscriptions", "gauge", "Event subscriptions to us now, by package.");
	for (int kind = 0; kind < PACKAGE_COUNT; kind++)
		sample(out, "hearth_subscriptions", "package",
		       package_name((enum package_kind)kind), stats->subscriptions[kind]);
	gauge(out, "hearth_draining", "1 while the server shuts down.", focus_is_draining(focus));
}

static void add_mixer(struct buf *out, const struct media_totals *totals)
{
	gauge(out, "hearth_mixer_workers", "Mixer threads.", totals->workers);
	gauge(out, "hearth_mixer_workers_realtime", "Mixer threads with real-time priority.",
	      totals->workers_realtime);
	gauge(out, "hearth_mixer_rooms", "Rooms in the mixer.", totals->rooms);
	gauge(out, "hearth_mixer_legs", "RTP legs in the mixer.", totals->legs);
	gauge(out, "hearth_mixer_ports_free", "Free pairs of media ports.", totals->ports_free);
	gauge(out, "hearth_mixer_load_max_ratio",
	      "Part of its time for which the busiest mixer thread is awake.",
	      (double)totals->load_us_max / 1e6);
	counter_seconds(out, "hearth_mixer_busy_seconds_total",
			"Time for which mixer threads were awake.", totals->busy_ns);
	counter(out, "hearth_mixer_legs_passed_total",
		"Legs of large rooms that passed from a busy mixer thread to another.",
		totals->legs_passed);
	counter(out, "hearth_mixer_ticks_total", "Rounds of the mixer.", totals->ticks);
	counter(out, "hearth_mixer_ticks_late_total", "Rounds that began more than 2 ms late.",
		totals->ticks_late);
	counter(out, "hearth_mixer_shares_missed_total",
		"Partial sums of rooms on several workers that came too late for another.",
		totals->shares_missed);
	counter(out, "hearth_mixer_ticks_skipped_total", "Rounds not done at all.",
		totals->ticks_skipped);
	gauge(out, "hearth_mixer_tick_late_max_seconds", "The latest round.",
	      (double)totals->tick_late_us_max / 1e6);
	counter(out, "hearth_rtp_received_packets_total", "RTP packets received.",
		totals->rx_packets);
	counter(out, "hearth_rtp_sent_packets_total", "RTP packets sent.", totals->tx_packets);
	counter(out, "hearth_rtp_discarded_packets_total", "Packets received and not used.",
		totals->rx_discarded);
	counter(out, "hearth_rtp_send_failures_total", "RTP packets that could not be sent.",
		totals->tx_failed);
	counter(out, "hearth_mixer_events_dropped_total", "Events lost because the ring was full.",
		totals->events_dropped);
}

static void add_store(struct buf *out, struct store *store)
{
	struct store_stats stats;

	store_stats(store, &stats);
	gauge(out, "hearth_store_healthy", "1 when the last job succeeded.", stats.is_healthy);
	gauge(out, "hearth_store_queued_jobs", "Jobs that wait.", stats.queued);
	counter(out, "hearth_store_jobs_done_total", "Jobs done.", stats.jobs_done);
	counter(out, "hearth_store_tries_failed_total", "Tries that failed.", stats.jobs_failed);
	counter(out, "hearth_store_jobs_dropped_total", "Jobs given up.", stats.jobs_dropped);
	counter(out, "hearth_store_jobs_refused_total", "Jobs refused because the queue was full.",
		stats.jobs_refused);
}

/* HTTP ---------------------------------------------------------------------------------------- */

static const char *row_name(size_t row)
{
	const struct route *route = row < ROUTES_MAX ? route_at(row) : NULL;

	return route ? route->operation : "none";
}

static void add_route_row(struct buf *out, const struct http_stats *stats, size_t row)
{
	for (size_t slot = 0; slot < HTTP_STATUS_MAX; slot++) {
		char status[8] = "other";

		if (!stats->requests[row][slot])
			continue;
		if (http_status_at(slot))
			(void)snprintf(status, sizeof(status), "%u", http_status_at(slot));
		buf_addf(out, "hearth_http_requests_total{operation=\"%s\",status=\"%s\"} %llu\n",
			 row_name(row), status, (unsigned long long)stats->requests[row][slot]);
	}
}

static void add_requests(struct buf *out, const struct http_stats *stats)
{
	head(out, "hearth_http_requests_total", "counter",
	     "Requests answered, by operation and status.");
	for (size_t row = 0; row <= ROUTES_MAX; row++)
		add_route_row(out, stats, row);
	head(out, "hearth_http_request_seconds_total", "counter",
	     "Time from the headers of a request to its answer.");
	for (size_t row = 0; row <= ROUTES_MAX; row++) {
		if (stats->duration_ns[row])
			buf_addf(out, "hearth_http_request_seconds_total{operation=\"%s\"} %.9g\n",
				 row_name(row), (double)stats->duration_ns[row] / 1e9);
	}
}

static void add_http(struct buf *out, const struct http *http)
{
	const struct events_stats *stats = events_stats(http->events);

	add_requests(out, &http->stats);
	gauge(out, "hearth_http_connections", "HTTP connections now.", (double)http->connections);
	gauge(out, "hearth_http_requests_open", "Requests under way, streams included.",
	      http->stats.requests_open);
	counter(out, "hearth_http_rate_refused_total", "Requests answered 429 for their number.",
		http->rates.refused);
	counter(out, "hearth_http_idempotent_replays_total",
		"Answers given again for a known Idempotency-Key.", http->stats.replays);
	gauge(out, "hearth_event_streams", "Event streams open.", stats->clients);
	counter(out, "hearth_event_streams_opened_total", "Event streams opened.", stats->opened);
	counter(out, "hearth_event_streams_refused_total", "Event streams refused at the limit.",
		stats->refused);
	counter(out, "hearth_event_streams_cut_total",
		"Event streams cut off because the client was slow.", stats->cut_slow);
	counter(out, "hearth_event_resets_total", "Replays that asked for more than is kept.",
		stats->resets);
	counter(out, "hearth_event_levels_refused_total",
		"Streams without levels because of the limit.", stats->levels_refused);
	counter(out, "hearth_events_sent_total", "Events sent, counted per client.", stats->sent);
	counter(out, "hearth_events_total", "Events that happened.", focus_event_seq(http->focus));
	gauge(out, "hearth_events_kept_bytes", "Memory of the events kept for replay.",
	      (double)events_kept_bytes(http->events));
}

/* Log and process ----------------------------------------------------------------------------- */

static void add_log(struct buf *out)
{
	static const char *const levels[] = {"error", "warn", "info", "debug"};

	head(out, "hearth_log_lines_total", "counter", "Log lines written, by level.");
	for (int level = LOG_ERROR; level <= LOG_DEBUG; level++)
		sample(out, "hearth_log_lines_total", "level", levels[level],
		       log_count((enum log_level)level));
}

static unsigned count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count > 3 ? count - 3 : 0; /* ".", ".." and the directory itself */
}

static uint64_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long long total, resident = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%llu %llu", &total, &resident) != 2)
		resident = 0;
	(void)fclose(file);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void add_process(struct buf *out, const struct http *http)
{
	struct timespec cpu = {0};
	struct rlimit files = {0};

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	head(out, "process_cpu_seconds_total", "counter", "Processor time used.");
	buf_addf(out, "process_cpu_seconds_total %.6f\n",
		 (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9);
	gauge(out, "process_resident_memory_bytes", "Resident memory.", (double)resident_bytes());
	gauge(out, "process_open_fds", "Open file descriptors.", count_descriptors());
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		gauge(out, "process_max_fds", "File descriptors that may be open.",
		      (double)files.rlim_cur);
	gauge(out, "process_start_time_seconds", "When the server was started.",
	      (double)http->started_wall_ms / 1000);
}

int metrics_get(struct request *request)
{
	struct http *http = request_http(request);
	struct buf *out = request_body(request);
	struct media *media = focus_media(http->focus);
	struct sip_ua *ua = focus_ua(http->focus);
	struct store *store = focus_store(http->focus);
	struct media_totals totals = {0};

	head(out, "hearth_build_info", "gauge", "1; the labels say what runs.");
	buf_adds(out, "hearth_build_info{version=\"" HEARTH_VERSION "\"} 1\n");
	media->ops->totals(media->ctx, &totals);
	add_focus(out, http->focus);
	if (ua)
		add_sip(out, sip_ua_stats(ua));
	add_sip_connections(out, sip_ua_net_stats(ua));
	add_guard(out, sip_guard_stats(auth_guard(focus_auth(http->focus))));
	add_auth(out, auth_stats(focus_auth(http->focus)), focus_users(http->focus));
	add_mixer(out, &totals);
	if (store)
		add_store(out, store);
	add_http(out, http);
	add_log(out);
	add_process(out, http);
	return 0;
}
