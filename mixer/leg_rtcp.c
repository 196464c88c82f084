/* mixer/leg_rtcp.c -- the RTCP side of a leg (RFC 3550 section 6, RFC 5761).
 *
 * A report is believed when it comes from the IP address to which we send sound, or which
 * signalling named for RTCP, and, once we play a stream, from its SSRC. Where ours go: to the RTP
 * address with rtcp-mux; else after a believed report back to where it came from, when the leg is
 * symmetric; else beside a latched RTP source (port + 1); else to the signalled address.
 */
#include "mixer/leg.h"

#include <string.h>

#include "mixer/quality.h"
#include "mixer/rtcp.h"

static uint64_t ntp_at(const struct leg_env *env, uint64_t mono_ns)
{
	return rtcp_ntp(mono_ns + env->wall_minus_mono_ns);
}

static bool is_believed(const struct leg *leg, const struct addr *from)
{
	return addr_eq_ip(from, latch_remote(&leg->latch)) ||
	       addr_eq_ip(from, &leg->rtcp.signalled);
}

static struct addr remote(const struct leg *leg)
{
	const struct addr *rtp = latch_remote(&leg->latch);
	struct addr to;

	if (leg->rtcp.has_mux)
		return *rtp;
	if (leg->latch.is_symmetric && addr_is_set(&leg->rtcp.source))
		return leg->rtcp.source;
	if (addr_eq_ip(rtp, &leg->latch.signalled))
		return leg->rtcp.signalled;
	to = *rtp;
	addr_set_port(&to, (uint16_t)(addr_port(rtp) + 1));
	return to;
}

static void report_take(struct leg *leg, struct leg_env *env, const struct rtcp_report *report,
			uint64_t arrival_ns)
{
	uint32_t round_trip_us;

	leg->heard_ns = env->now_ns;
	if (report->has_sender) {
		leg->rtcp.lsr = (uint32_t)(report->ntp >> 16);
		leg->rtcp.lsr_ns = arrival_ns;
	}
	if (leg->is_sending)
		watch_report_rt(&leg->watch, report->has_block, report->block.sequence,
				leg->stats.tx_packets - leg->rtcp.sent_packets_heard);
	leg->rtcp.sent_packets_heard = leg->stats.tx_packets;
	if (!report->has_block)
		return;
	leg->stats.remote_loss_q8 = report->block.fraction_q8;
	round_trip_us = rtcp_round_trip_us(&report->block, ntp_at(env, arrival_ns));
	if (round_trip_us)
		leg->stats.round_trip_us = round_trip_us;
}

void leg_rtcp_packet_rt(struct leg *leg, struct leg_env *env, const struct io_packet *received)
{
	struct io_packet copy = *received, *packet = &copy;
	int (*parse)(const uint8_t *, size_t, uint32_t,
		     struct rtcp_report *) = leg->rtcp.is_reduced ? rtcp_parse_reduced_rt
								  : rtcp_parse_rt;
	struct rtcp_report report;

	if (!is_believed(leg, &packet->from)) {
		leg->latch.rejected++;
		return;
	}
	if (!leg_unprotect_rt(leg, env, packet, true) || packet->is_truncated ||
	    parse(packet->data, packet->len, leg->tx_ssrc, &report) != 0) {
		leg->stats.rx_discarded++;
		env->rx_discarded++;
		return;
	}
	if (leg->source.is_started && report.ssrc != leg->source.ssrc) {
		leg->latch.rejected++;
		return;
	}
	if (!leg->rtcp.has_mux)
		leg->rtcp.source = packet->from;
	report_take(leg, env, &report, packet->arrival_ns);
}

void leg_rtcp_receive_rt(struct leg *leg, struct leg_env *env)
{
	const struct io_packet *packets;
	uint32_t count = io_receive_rt(env->io, leg->rtcp_fd, &packets);

	for (uint32_t i = 0; i < count; i++)
		leg_rtcp_packet_rt(leg, env, &packets[i]);
}

static bool block_make(struct leg *leg, struct leg_env *env, struct rtcp_block *ret_block)
{
	struct rtp_report report;

	if (!leg->source.is_started)
		return false;
	report = rtp_source_report_rt(&leg->source);
	*ret_block = (struct rtcp_block){.ssrc = report.ssrc,
					 .fraction_q8 = report.fraction_lost_q8,
					 .lost = report.lost,
					 .sequence = report.highest_seq,
					 .jitter = report.jitter,
					 .lsr = leg->rtcp.lsr};
	/* Stamps of the kernel may lie behind the moment at which the tick began: then it is 0. */
	if (leg->rtcp.lsr && env->now_ns > leg->rtcp.lsr_ns)
		ret_block->dlsr = (uint32_t)(((env->now_ns - leg->rtcp.lsr_ns) << 16) / 1000000000);
	return true;
}

static struct voip_report voip_make(const struct leg *leg)
{
	struct jitter_stats jitter = intake_stats_rt(leg->intake).jitter;
	uint32_t delay_ms = leg->stats.delay_ms + leg->stats.round_trip_us / 2000;
	struct voip_report report = voip_report_rt(&leg->voip, jitter.packet_ms);

	report.round_trip_ms = (uint16_t)MIN_OF(leg->stats.round_trip_us / 1000, UINT16_MAX);
	report.end_delay_ms = (uint16_t)MIN_OF(leg->stats.delay_ms, UINT16_MAX);
	if (leg->stats.level_in < MEDIA_LEVEL_SILENT)
		report.signal_dbm = (int8_t)-leg->stats.level_in;
	report.r_factor = quality_r_rt(leg->frame.codec, delay_ms, leg->loss_q16);
	report.mos_lq_x10 = (uint8_t)(quality_mos_x100_rt(leg->frame.codec, 0, leg->loss_q16) / 10);
	report.mos_cq_x10 = (uint8_t)(quality_mos_x100_rt(leg->frame.codec, delay_ms,
							  leg->loss_q16) /
				      10);
	report.delay_ms = (uint16_t)jitter.delay_ms;
	report.delay_ms_max = (uint16_t)jitter.delay_ms_max;
	report.delay_ms_cap = leg->delay_ms_cap;
	return report;
}

void leg_rtcp_send_rt(struct leg *leg, struct leg_env *env, bool is_bye)
{
	struct addr to = remote(leg);
	struct rtcp_block block;
	struct voip_report voip;
	struct rtcp_build build = {.ssrc = leg->tx_ssrc,
				   .is_sender = leg->stats.tx_packets >
						leg->rtcp.sent_packets_reported,
				   .ntp = ntp_at(env, env->now_ns),
				   .rtp_timestamp = leg->tx_ts,
				   .sent_packets = (uint32_t)leg->stats.tx_packets,
				   .sent_octets = (uint32_t)leg->stats.tx_octets,
				   .cname = env->cname,
				   .is_bye = is_bye};
	uint8_t *out;
	int len;

	if (addr_port(&to) == 0 || addr_is_any(&to))
		return;
	if (block_make(leg, env, &block))
		build.block = &block;
	if (build.block && leg->rtcp.has_voip) {
		voip = voip_make(leg);
		build.voip = &voip;
	}
	out = io_packet_rt(env->io);
	len = leg_protect_rt(leg, out, rtcp_build_rt(&build, out), true);
	if (len < 0)
		return;
	io_send_rt(env->io, leg->rtcp.has_mux ? leg->rtp_fd : leg->rtcp_fd, &to, (size_t)len);
	leg->rtcp.has_sent = true;
	leg->rtcp.sent_packets_reported = leg->stats.tx_packets;
}

void leg_rtcp_due_rt(struct leg *leg, struct leg_env *env)
{
	if (leg->rtcp.due_ns == 0) { /* counted from the first tick (6.2: half for the first) */
		leg->rtcp.due_ns = env->now_ns + rtcp_interval_ns_rt(&env->random, true);
		return;
	}
	if (env->now_ns < leg->rtcp.due_ns)
		return;
	leg_rtcp_send_rt(leg, env, false);
	leg->rtcp.due_ns = env->now_ns + rtcp_interval_ns_rt(&env->random, false);
}
