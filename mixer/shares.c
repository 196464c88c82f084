/* mixer/shares.c */
#include "mixer/shares.h"

#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct share {
	struct list node; /* in its worker's shares */
	struct port_pair pair;
	struct port *port;
	uint32_t legs;
};

struct seat_key {
	const struct share *share;
	const struct addr *remote;
};

static uint64_t seat_hash(const struct share *share, const struct addr *remote)
{
	return hash_mix((uint64_t)(uintptr_t)share, addr_hash(remote));
}

bool share_match(const struct hash_node *node, const void *key)
{
	const struct mixer_leg *leg = CONTAINER_OF(node, struct mixer_leg, by_seat);
	const struct seat_key *seat = key;

	return leg->share == seat->share && addr_eq(&leg->remote, seat->remote);
}

static bool seat_is_taken(struct mixer *mixer, const struct share *share, const struct addr *remote)
{
	struct seat_key key = {share, remote};

	return hash_find(mixer->seated, seat_hash(share, remote), &key) != NULL;
}

/* Shared ports ------------------------------------------------------------------------------ */

/* Who parts has a socket beside the shared one, which is bound before it is connected (Parting),
 * and meanwhile the kernel would give it every second packet of those who stay. A filter names the
 * first of all sockets with this number, which is the shared one; it wants a second to make a group
 * of. Where the kernel refuses, what comes in that moment is lost, as ever. */
static void stay_first(int fd, const struct addr *local)
{
	struct sock_filter first = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {.len = 1, .filter = &first};
	int on = 1, beside;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
	    ports_socket(local, true, &beside) != 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program));
	close(beside);
}

static void pair_stay_first(const struct port_pair *pair)
{
	struct addr rtcp = pair->local;

	addr_set_port(&rtcp, (uint16_t)(addr_port(&rtcp) + 1));
	stay_first(pair->rtp_fd, &pair->local);
	stay_first(pair->rtcp_fd, &rtcp);
}

static int share_new(struct mixer_worker *at, const struct addr *local, struct share **ret_share)
{
	struct mixer *mixer = at->mixer;
	struct share *share;
	int err;

	if (at->share_count == SHARES_WORKER_MAX)
		return -EMFILE;
	share = calloc(1, sizeof(*share));
	if (!share)
		return -ENOMEM;
	err = ports_take(mixer->ports, local, mixer_now_ms(mixer), &share->pair);
	if (err)
		goto fail;
	pair_stay_first(&share->pair);
	err = port_new(share->pair.rtp_fd, share->pair.rtcp_fd, &share->port);
	if (err == 0)
		err = mixer_post(
			at, &(struct worker_command){.kind = WORKER_PORT_ADD, .port = share->port});
	if (err) {
		port_free(share->port);
		ports_give(mixer->ports, &share->pair, mixer_now_ms(mixer));
		goto fail;
	}
	list_append(&at->shares, &share->node);
	at->share_count++;
	*ret_share = share;
	return 0;

fail:
	free(share);
	return err;
}

void shares_free(struct mixer_worker *at)
{
	struct list *it, *tmp;

	if (!at->shares.next)
		return;
	LIST_FOREACH (it, tmp, &at->shares) {
		struct share *share = LIST_ENTRY(it, struct share, node);

		port_free(share->port);
		ports_give(at->mixer->ports, &share->pair, mixer_now_ms(at->mixer));
		free(share);
	}
	list_init(&at->shares);
}

/* Joining ----------------------------------------------------------------------------------- */

static bool may_share(struct mixer *mixer, const struct media_leg_open *open)
{
	const struct addr *rtp = &open->peer_rtp;

	return mixer->params.has_shared_ports && addr_is_set(rtp) && addr_port(rtp) != 0 &&
	       !addr_is_any(rtp) && addr_eq_ip(rtp, &open->peer_signalling) &&
	       peers_are_steady(mixer->peers, rtp);
}

/* A port with a free seat where nobody has this address; NULL when a new one has to be opened. A
 * new one is no way out for one address in all of them: `ret_is_taken`. */
static struct share *share_find(struct mixer_worker *at, const struct media_leg_open *open,
				bool *ret_is_taken)
{
	struct list *it, *tmp;

	*ret_is_taken = false;
	LIST_FOREACH (it, tmp, &at->shares) {
		struct share *share = LIST_ENTRY(it, struct share, node);

		if (!addr_eq_ip(&share->pair.local, &open->local))
			continue;
		if (seat_is_taken(at->mixer, share, &open->peer_rtp)) {
			*ret_is_taken = true;
			return NULL;
		}
		if (share->legs < port_legs_max(share->port))
			return share;
	}
	return NULL;
}

bool share_join(struct mixer_leg *leg, const struct media_leg_open *open)
{
	struct mixer *mixer = leg->mixer;
	struct share *share;
	bool is_taken;

	if (!may_share(mixer, open))
		return false;
	share = share_find(leg->at, open, &is_taken);
	if (is_taken || (!share && share_new(leg->at, &open->local, &share) != 0))
		return false;
	share->legs++;
	leg->share = share;
	leg->port = share->port;
	leg->ports = share->pair;
	leg->remote = open->peer_rtp;
	hash_add(mixer->seated, &leg->by_seat, seat_hash(share, &leg->remote));
	return true;
}

void share_leave(struct mixer_leg *leg)
{
	if (!leg->share)
		return;
	hash_remove(leg->mixer->seated, &leg->by_seat);
	leg->share->legs--;
	leg->share = NULL;
	leg->port = NULL;
}

/* Parting ----------------------------------------------------------------------------------- */

static void follow(int fd, const struct addr *remote)
{
	if (addr_is_set(remote) && addr_port(remote) != 0 && !addr_is_any(remote))
		(void)connect(fd, &remote->sa, addr_len(remote));
}

static int socket_beside(int shared_fd, const struct addr *local, const struct addr *remote,
			 int *ret_fd)
{
	int on = 1, err;
	int fd = -1;

	/* The kernel lets a second socket have the number only when both agree to it. */
	if (setsockopt(shared_fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
		return -errno;
	err = ports_socket(local, true, &fd);
	if (err)
		return err;
	if (connect(fd, &remote->sa, addr_len(remote)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

/* Where the peer's sound comes from now. */
static struct addr peer_now(const struct mixer_leg *leg)
{
	struct media_leg_stats stats;

	cell_read(&leg->leg->cell, &stats);
	if (addr_is_set(&stats.remote_rtp) && addr_port(&stats.remote_rtp) != 0)
		return stats.remote_rtp;
	return leg->remote;
}

int share_part(struct mixer_leg *leg)
{
	struct port_pair pair = {.local = leg->ports.local, .rtp_fd = -1, .rtcp_fd = -1};
	struct addr rtp = peer_now(leg), rtcp = rtp, local = pair.local;
	int err;

	if (!leg->share || leg->has_parted)
		return 0;
	addr_set_port(&rtcp, (uint16_t)(addr_port(&rtp) + 1));
	addr_set_port(&local, (uint16_t)(addr_port(&local) + 1));
	err = socket_beside(leg->ports.rtp_fd, &pair.local, &rtp, &pair.rtp_fd);
	if (err)
		return err;
	err = socket_beside(leg->ports.rtcp_fd, &local, &rtcp, &pair.rtcp_fd);
	if (err) {
		close(pair.rtp_fd);
		return err;
	}
	follow(pair.rtcp_fd, &leg->signalled_rtcp);
	leg->parted = pair;
	leg->has_parted = true;
	return 0;
}

void share_part_undo(struct mixer_leg *leg)
{
	if (!leg->has_parted)
		return;
	close(leg->parted.rtp_fd);
	close(leg->parted.rtcp_fd);
	leg->has_parted = false;
}

void share_part_finish(struct mixer_leg *leg)
{
	if (!leg->share || !leg->has_parted)
		return;
	share_leave(leg);
	leg->ports = leg->parted;
	leg->leg->port = NULL;
	leg->leg->rtp_fd = leg->parted.rtp_fd;
	leg->leg->rtcp_fd = leg->parted.rtcp_fd;
}

void share_follow(struct mixer_leg *leg, const struct media_leg_params *params)
{
	leg->signalled_rtcp = params->has_rtcp_mux ? params->remote_rtp : params->remote_rtcp;
	if (!leg->has_parted)
		return;
	follow(leg->parted.rtp_fd, &params->remote_rtp);
	follow(leg->parted.rtcp_fd, &leg->signalled_rtcp);
}
