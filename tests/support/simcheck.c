#include "tests/support/simcheck.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/list.h"
#include "sip/msg.h"

/* One INVITE as one server sees it. */
struct invite {
	struct hash_node node;
	struct list all;
	uint16_t status; /* final; 0 none yet */
	char key[];
};

struct simcheck {
	struct simnet *net;
	struct wheel *wheel;
	FILE *trace;
	struct hash *invites;
	struct list all;
	uint32_t count;
	struct buf faults;
};

static bool matches(const struct hash_node *node, const void *key)
{
	return strcmp(CONTAINER_OF(node, struct invite, node)->key, key) == 0;
}

static struct invite *invite_of(struct simcheck *check, const struct sip_flow *flow,
				const struct sip_msg *msg)
{
	char text[ADDR_TEXT_MAX];
	struct buf key = BUF_INIT;
	struct hash_node *node;
	struct sip_cseq cseq;
	struct sip_via via;
	struct invite *invite;

	if (sip_msg_via(msg, &via) || sip_msg_cseq(msg, &cseq))
		return NULL;
	buf_addf(&key, "%s " SLICE_FMT " " SLICE_FMT " %u", addr_text(&flow->local, text),
		 SLICE_ARG(via.branch), SLICE_ARG(sip_msg_value(msg, SIP_H_CALL_ID)), cseq.number);
	node = hash_find(check->invites, hash_slice(buf_slice(&key)), key.p);
	if (node) {
		buf_done(&key);
		return CONTAINER_OF(node, struct invite, node);
	}
	invite = calloc(1, sizeof(*invite) + key.len + 1);
	if (!invite)
		abort();
	memcpy(invite->key, key.p, key.len);
	hash_add(check->invites, &invite->node, hash_slice(buf_slice(&key)));
	list_append(&check->all, &invite->all);
	check->count++;
	buf_done(&key);
	return invite;
}

static void print(struct simcheck *check, const struct sip_flow *flow, const struct sip_msg *msg)
{
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];

	fprintf(check->trace,
		"%9llu %s > %s " SLICE_FMT " %u cseq=" SLICE_FMT " id=%.6s se=" SLICE_FMT
		" body=%zu\n",
		(unsigned long long)wheel_now_ms(check->wheel), addr_text(&flow->local, from),
		addr_text(&flow->remote, to),
		SLICE_ARG(msg->is_request ? msg->method_text : SLICE("")), msg->status,
		SLICE_ARG(sip_msg_value(msg, SIP_H_CSEQ)), sip_msg_value(msg, SIP_H_CALL_ID).p,
		SLICE_ARG(sip_msg_value(msg, SIP_H_SESSION_EXPIRES)), msg->body.len);
}

static void on_sent(void *arg, const struct sip_flow *flow, struct slice data)
{
	struct simcheck *check = arg;
	struct invite *invite;
	struct sip_msg msg;

	if (sip_msg_parse(data.p, data.len, &msg))
		return;
	if (check->trace)
		print(check, flow, &msg);
	if (msg.is_request || msg.method != SIP_METHOD_INVITE)
		return;
	invite = invite_of(check, flow, &msg);
	if (!invite || msg.status < 200)
		return;
	if (invite->status != 0 && invite->status != msg.status)
		buf_addf(&check->faults, "INVITE %s answered %u and %u. ", invite->key,
			 invite->status, msg.status);
	invite->status = msg.status;
}

struct simcheck *simcheck_new(struct simnet *net, struct wheel *wheel, FILE *trace)
{
	struct simcheck *check = calloc(1, sizeof(*check));

	if (!check || hash_new(matches, &check->invites))
		abort();
	check->net = net;
	check->wheel = wheel;
	check->trace = trace;
	list_init(&check->all);
	simnet_tap(net, on_sent, check);
	return check;
}

struct simcheck *simcheck_free(struct simcheck *check)
{
	struct list *it, *tmp;

	if (!check)
		return NULL;
	simnet_tap(check->net, NULL, NULL);
	LIST_FOREACH (it, tmp, &check->all)
		free(LIST_ENTRY(it, struct invite, all));
	hash_free(check->invites);
	buf_done(&check->faults);
	free(check);
	return NULL;
}

const char *simcheck_faults(struct simcheck *check)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &check->all) {
		struct invite *invite = LIST_ENTRY(it, struct invite, all);

		if (invite->status == 0)
			buf_addf(&check->faults, "INVITE %s has no final answer. ", invite->key);
	}
	return check->faults.p ? check->faults.p : "";
}

uint32_t simcheck_invites(const struct simcheck *check)
{
	return check->count;
}
