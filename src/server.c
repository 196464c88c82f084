/* server.c -- wiring and nothing else.
 *
 * Parts are made from the bottom up and freed from the top down. Nobody makes what he uses: the
 * focus gets the store and the network, the user agent and the mixer get the focus' handlers, and
 * the HTTP server gets the focus.
 */
#include "server.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "banner.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/random.h"
#include "focus/focus.h"
#include "http/http.h"
#include "keys.h"
#include "mixer/mixer.h"
#include "notify.h"
#include "sip/hep.h"
#include "sip/resolver.h"
#include "sip/trace.h"
#include "sip/transport.h"
#include "sip/ua.h"
#include "store/store.h"
#include "version.h"

enum { FILES_PER_LEG = 2, FILES_BESIDES = 128, MS_PER_S = 1000 };

enum server_state { SERVING, DRAINING, STOPPING };

struct server {
	const struct options *options;
	struct config *config;
	enum server_state state;
	struct loop *loop;
	struct random random;
	struct loop_watch signals;
	struct notify notify;
	struct store *store;
	struct sip_transport *transport;
	struct sip_hep *hep;     /* NULL: no capture server */
	struct sip_trace *trace; /* its network is what all others use */
	struct sip_resolver *resolver;
	struct focus *focus;
	struct sip_keyring *keyring;
	struct sip_ua *ua;
	struct mixer *mixer;
	struct http *http;
};

/* Logs why a part could not be made; hands `err` through. */
static int failed(const char *part, int err, const char *text)
{
	LOG(LOG_ERROR, "server.failed", LOG_STR("part", part),
	    LOG_STR("error", text ? text : err_text(err)));
	return err;
}

static void log_apply(const struct config *config)
{
	enum log_level level = LOG_INFO;

	(void)log_level_parse(slice_of(config->log_level), &level);
	log_setup(level,
		  strcmp(config->log_format, "json") == 0 ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT,
		  STDERR_FILENO);
}

/* One line a mistake, as config and options write them. */
static void log_lines(enum log_level level, const char *event, struct slice lines)
{
	while (lines.len > 0) {
		size_t end = slice_find(lines, '\n');

		LOG(level, event, LOG_SLICE("text", slice_first(lines, end)));
		lines = slice_from(lines, end + 1);
	}
}

/* Sockets are what calls cost most of: take all that the system grants, and say when mixer.legs_max
 * calls do not fit. sip.tcp_connections_max is not counted: it is a bound for strangers, no promise
 * that so many fit. */
static void raise_file_limit(const struct config *config)
{
	struct rlimit limit;
	uint64_t wanted = (uint64_t)config->mixer_legs_max * FILES_PER_LEG +
			  (uint64_t)config->http_connections_max + FILES_BESIDES;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < wanted)
		LOG(LOG_WARN, "server.few_files", LOG_INT("limit", limit.rlim_cur),
		    LOG_INT("wanted", wanted),
		    LOG_STR("help", "raise the hard limit of open files (LimitNOFILE=, ulimit -Hn)"
				    " or lower mixer.legs_max; callers beyond it get 503"));
}

static void on_empty(void *arg)
{
	struct server *server = arg;

	http_stop_accepting(server->http);
	loop_stop(server->loop);
}

static void drain(struct server *server)
{
	server->state = DRAINING;
	notify_stopping("waiting for rooms to end");
	focus_drain(server->focus, on_empty, server);
}

static void stop(struct server *server)
{
	if (server->state == SERVING)
		drain(server);
	server->state = STOPPING;
	notify_stopping("ringing off");
	focus_stop(server->focus);
}

static void on_end_signal(struct server *server, bool is_term)
{
	if (server->state == STOPPING)
		loop_stop(server->loop);
	else if (is_term && server->state == SERVING)
		drain(server);
	else
		stop(server);
}

static struct sip_tls_files tls_files(const struct config *config)
{
	return (struct sip_tls_files){
		.certificate = config->sip_tls_certificate,
		.key = config->sip_tls_key,
		.ca = config->sip_tls_ca,
		.verify_clients = config->sip_tls_verify_clients,
		.sni = config->sip_tls_sni,
	};
}

int server_check(const struct config *config, struct buf *errors)
{
	struct sip_listen listens[SIP_LISTEN_MAX];
	struct sip_tls_files files = tls_files(config);
	const char *file = NULL;
	uint32_t count = 0;
	bool needs_tls = false;
	int err = sip_listen_parse(slice_of(config->sip_listen), listens, &count, NULL);

	for (uint32_t i = 0; !err && i < count; i++)
		needs_tls |= sip_proto_is_secure(listens[i].proto);
	if (!err && needs_tls)
		err = sip_tls_check(&files, &file);
	if (err)
		buf_addf(errors, "hearthd: %s: %s\n", file ? file : "sip.listen", err_text(err));
	return err;
}

/* Files that cannot be used leave the old ones in force. */
static void reload_tls(struct server *server)
{
	struct sip_tls_files files = tls_files(server->config);
	const char *file = NULL;
	int err = sip_transport_reload_tls(server->transport, &files, &file);

	if (err)
		LOG(LOG_ERROR, "server.tls_reload_refused", LOG_STR("file", file),
		    LOG_STR("error", err_text(err)));
}

/* A configuration with mistakes changes nothing. */
static void reload(struct server *server)
{
	struct buf errors = BUF_INIT, notes = BUF_INIT;
	struct config *fresh = NULL;
	int err;

	notify_reloading();
	err = options_config(server->options, &fresh, &errors);
	if (!err)
		err = config_reload(server->config, fresh, &notes);
	if (err) {
		log_lines(LOG_ERROR, "config.mistake", buf_slice(&errors));
		LOG(LOG_ERROR, "server.reload_refused", LOG_STR("error", err_text(err)));
	} else {
		log_apply(server->config);
		focus_reload(server->focus);
		reload_tls(server);
		(void)keys_load(server->keyring, server->config->sip_credentials_file);
		http_reload(server->http);
		log_lines(LOG_WARN, "config.needs_restart", buf_slice(&notes));
		LOG(LOG_INFO, "server.reloaded", LOG_STR("config", server->options->path));
	}
	notify_ready(server->state == SERVING ? "serving" : "draining");
	config_free(fresh);
	buf_done(&errors);
	buf_done(&notes);
}

static void on_signals(void *arg, unsigned events)
{
	struct server *server = arg;
	struct signalfd_siginfo info;

	(void)events;
	while (read(server->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		LOG(LOG_INFO, "server.signal", LOG_STR("name", sigabbrev_np((int)info.ssi_signo)));
		if (info.ssi_signo == SIGHUP)
			reload(server);
		else
			on_end_signal(server, info.ssi_signo == SIGTERM);
	}
}

static int signals_new(struct server *server)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	/* Before any thread is made: they inherit the mask, and only the loop hears signals. */
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of write, not an end */
	server->signals = (struct loop_watch){
		.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
		.on_ready = on_signals,
		.arg = server,
	};
	if (server->signals.fd < 0)
		return -errno;
	return loop_watch_add(server->loop, &server->signals, LOOP_READ);
}

static int base_new(struct server *server)
{
	int err = loop_new(clock_system(), &server->loop);

	random_init_system(&server->random);
	if (!err)
		err = signals_new(server);
	return err ? failed("loop", err, NULL) : 0;
}

static int store_part_new(struct server *server)
{
	const char *text = NULL;
	int err = store_new(server->config->store_path, server->loop, &server->store, &text);

	if (err)
		return failed("store", err, text);
	store_keep_records(server->store, (uint64_t)server->config->store_records_max);
	return 0;
}

static int transport_new(struct server *server)
{
	const struct config *config = server->config;
	struct sip_transport_params params = {
		.loop = server->loop,
		.listen = slice_of(config->sip_listen),
		.connections_max = (uint32_t)config->sip_tcp_connections_max,
		.idle_ms = (uint32_t)config->sip_tcp_idle_s * MS_PER_S,
		.handshake_ms = (uint32_t)config->sip_tls_handshake_s * MS_PER_S,
		.per_address_max = (uint32_t)config->sip_connections_per_address,
		.keepalive_ms = (uint32_t)config->sip_keepalive_s * MS_PER_S,
		.ws_ping_ms = (uint32_t)config->sip_ws_ping_s * MS_PER_S,
		.ws_origins = slice_of(config->sip_ws_origins),
		.udp_gather_ms = (uint32_t)config->sip_udp_gather_ms,
		.tls = tls_files(config),
	};
	struct sip_resolver_dns dns = {
		.loop = server->loop,
		.random = &server->random,
		.servers = config->sip_dns_servers,
	};
	struct slice item = SLICE_NONE;
	struct sip_listen listen;
	int err = sip_transport_new(&params, &server->transport, &item);

	if (err) {
		LOG(LOG_ERROR, "server.failed", LOG_STR("part", "sip.listen"),
		    LOG_SLICE("address", item), LOG_STR("error", err_text(err)));
		return err;
	}
	for (uint32_t i = 0; sip_transport_listener(server->transport, i, &listen); i++)
		dns.protos |= 1u << listen.proto;
	err = sip_resolver_dns_new(&dns, &server->resolver);
	return err ? failed("resolver", err, NULL) : 0;
}

static int trace_new(struct server *server)
{
	const struct config *config = server->config;
	struct sip_hep_params hep = {.capture_id = (uint32_t)config->sip_hep_id,
				     .key = config->sip_hep_key};
	struct sip_trace_params params = {
		.net = sip_transport_net(server->transport),
		.clock = *loop_clock(server->loop),
		.octets_max = (uint32_t)config->sip_trace_octets,
		.is_off = !config->sip_trace,
	};
	int err = 0;

	if (config->sip_hep[0])
		err = sip_hep_parse(slice_of(config->sip_hep), &hep.server);
	if (!err && config->sip_hep[0])
		err = sip_hep_new(&hep, &server->hep);
	if (err)
		return failed("sip.hep", err, NULL);
	params.on_message = server->hep ? sip_hep_send : NULL;
	params.arg = server->hep;
	err = sip_trace_new(&params, &server->trace);
	return err ? failed("trace", err, NULL) : 0;
}

static int focus_part_new(struct server *server)
{
	struct focus_params params = {
		.wheel = loop_wheel(server->loop),
		.clock = *loop_clock(server->loop),
		.random = &server->random,
		.config = server->config,
		.store = server->store,
		.net = sip_trace_net(server->trace),
		.trace = server->trace,
		.hep = server->hep,
	};
	int err = focus_new(&params, &server->focus);

	return err ? failed("focus", err, NULL) : 0;
}

static enum sip_100rel rel_of(const struct config *config)
{
	if (strcmp(config->sip_rel100, "off") == 0)
		return SIP_100REL_OFF;
	return strcmp(config->sip_rel100, "required") == 0 ? SIP_100REL_REQUIRED
							   : SIP_100REL_SUPPORTED;
}

static int ua_new(struct server *server)
{
	const struct config *config = server->config;
	struct sip_ua_params params = {
		.wheel = loop_wheel(server->loop),
		.clock = *loop_clock(server->loop),
		.random = &server->random,
		.net = sip_trace_net(server->trace),
		.resolver = server->resolver,
		.guard = auth_guard(focus_auth(server->focus)),
		.handlers = focus_ua_handlers(server->focus),
		.allow = FOCUS_ALLOW,
		.supported = FOCUS_SUPPORTED,
		.product = "hearth/" HEARTH_VERSION,
		.calls_max = (uint32_t)config->sip_calls_max,
		.rel = rel_of(config),
		.session_expires_s = (uint32_t)config->sip_session_expires_s,
		.min_se_s = (uint32_t)config->sip_min_se_s,
		.transactions_max = (uint32_t)config->sip_transactions_max,
		.udp_octets_max = config->sip_udp_octets_max ? (uint32_t)config->sip_udp_octets_max
							     : UINT32_MAX,
		.has_overload_control = config->sip_overload_control,
		.public_host = config->sip_public_host[0] ? slice_of(config->sip_public_host)
							  : SLICE_NONE,
	};
	int err = sip_ua_new(&params, &server->ua);

	if (!err)
		err = sip_keyring_new(&server->random, &server->keyring);
	if (err)
		return failed("sip", err, NULL);
	err = keys_load(server->keyring, config->sip_credentials_file);
	if (err)
		return failed("sip.credentials_file", err, NULL);
	sip_ua_set_credentials(server->ua, sip_keyring_answer, server->keyring);
	return 0;
}

static int mixer_part_new(struct server *server)
{
	const struct config *config = server->config;
	struct mixer_params params = {
		.loop = server->loop,
		.clock = *loop_clock(server->loop),
		.random = &server->random,
		.workers = (uint32_t)config->mixer_workers,
		.spread_legs = (uint32_t)config->mixer_spread_legs,
		.spread_load_pct = (uint32_t)config->mixer_spread_load,
		.legs_max = (uint32_t)config->mixer_legs_max,
		.rooms_max = (uint32_t)config->rooms_max,
		/* 0 would be the mixer's default; never is so far away that nobody sees it. */
		.quiet_ms = config->media_quiet_s ? (uint32_t)config->media_quiet_s * MS_PER_S
						  : UINT32_MAX,
		.jitter_max_ms = (uint16_t)config->media_jitter_max_ms,
		.has_shared_ports = config->media_shared_ports,
		.on_event = focus_on_media_event,
		.arg = server->focus,
	};
	int err = config_port_range(config->media_ports, &params.port_low, &params.port_high);

	if (!err)
		err = mixer_new(&params, &server->mixer);
	return err ? failed("mixer", err, NULL) : 0;
}

static int http_part_new(struct server *server)
{
	const char *text = NULL;
	int err = focus_attach(server->focus, server->ua, mixer_media(server->mixer));

	if (err)
		return failed("focus", err, NULL);
	err = http_new(server->loop, server->focus, server->config, &server->http, &text);
	if (err)
		LOG(LOG_ERROR, "server.failed", LOG_STR("part", "http.listen"),
		    LOG_STR("address", server->config->http_listen),
		    LOG_STR("error", text ? text : err_text(err)));
	return err;
}

int server_new(const struct options *options, struct config *config, struct server **ret_server)
{
	static int (*const parts[])(struct server * server) = {
		base_new,       store_part_new, transport_new, trace_new,
		focus_part_new, mixer_part_new, ua_new,        http_part_new,
	};
	struct server *server = calloc(1, sizeof(*server));

	if (!server) {
		config_free(config);
		return -ENOMEM;
	}
	server->options = options;
	server->config = config;
	server->signals.fd = -1;
	log_apply(config);
	raise_file_limit(config);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		int err = parts[i](server);

		if (err) {
			server_free(server);
			return err;
		}
	}
	*ret_server = server;
	return 0;
}

struct server *server_free(struct server *server)
{
	if (!server)
		return NULL;
	notify_done(&server->notify);
	http_free(server->http);
	focus_free(server->focus);
	sip_ua_free(server->ua);
	sip_keyring_free(server->keyring);
	mixer_free(server->mixer);
	sip_resolver_free(server->resolver);
	sip_trace_free(server->trace);
	sip_hep_free(server->hep);
	sip_transport_free(server->transport);
	store_free(server->store);
	if (server->signals.fd >= 0) {
		loop_watch_remove(server->loop, &server->signals);
		close(server->signals.fd);
	}
	loop_free(server->loop);
	config_free(server->config);
	free(server);
	return NULL;
}

static void announce(struct server *server)
{
	struct addr http = http_addr(server->http), routed = banner_routed();
	char text[ADDR_TEXT_MAX];
	struct sip_listen listen;
	struct buf banner = BUF_INIT;

	for (uint32_t i = 0; sip_transport_listener(server->transport, i, &listen); i++)
		LOG(LOG_INFO, "server.listening", LOG_STR("proto", sip_proto_param(listen.proto)),
		    LOG_STR("address", addr_text(&listen.addr, text)));
	LOG(LOG_INFO, "server.listening", LOG_STR("proto", "http"),
	    LOG_STR("address", addr_text(&http, text)));
	LOG(LOG_INFO, "server.ready", LOG_STR("version", HEARTH_VERSION),
	    LOG_STR("config", server->options->path ? server->options->path : "(defaults)"));
	if (!server->options->wants_banner && !isatty(STDOUT_FILENO))
		return;
	banner_text(server->config, &http, &routed, &banner);
	printf("\nHearth " HEARTH_VERSION " is ready.\n" SLICE_FMT "\n",
	       SLICE_ARG(buf_slice(&banner)));
	(void)fflush(stdout);
	buf_done(&banner);
}

int server_run(struct server *server)
{
	int err;

	announce(server);
	notify_init(&server->notify, server->loop);
	notify_ready("serving");
	err = loop_run(server->loop);
	LOG(err ? LOG_ERROR : LOG_INFO, "server.stopped",
	    err ? LOG_STR("error", err_text(err)) : LOG_END);
	return err;
}
