/* SIP over TLS between two transports and against raw OpenSSL peers on loopback, in virtual time.
 * All keys and certificates are made here. */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "sip/transport.h"
#include "tests/support/check.h"

enum { TURNS_MAX = 400, TURN_MS = 5, DAY_S = 86400 };

#define MESSAGE(host) "OPTIONS sip:a@" host " SIP/2.0\r\nContent-Length: 4\r\n\r\nbody"

/* Certificates ------------------------------------------------------------------------------- */

struct identity {
	EVP_PKEY *key;
	X509 *cert;
};

static char directory[64];

static const char *path_of(const char *name, char out[128])
{
	snprintf(out, 128, "%s/%s", directory, name);
	return out;
}

static void extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	CHECK(value, ext && X509_add_ext(cert, ext, -1) == 1);
	X509_EXTENSION_free(ext);
}

/* Signed by `ca`, by itself when NULL. */
static struct identity identity_new(const char *name, const char *alt, const struct identity *ca,
				    long from_s, long to_s)
{
	static long serial;
	struct identity id = {.key = EVP_EC_gen("P-256"), .cert = X509_new()};
	X509_NAME *subject = X509_get_subject_name(id.cert);

	(void)X509_set_version(id.cert, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(id.cert), ++serial);
	(void)X509_gmtime_adj(X509_getm_notBefore(id.cert), from_s);
	(void)X509_gmtime_adj(X509_getm_notAfter(id.cert), to_s);
	(void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
					 -1, -1, 0);
	(void)X509_set_issuer_name(id.cert, ca ? X509_get_subject_name(ca->cert) : subject);
	(void)X509_set_pubkey(id.cert, id.key);
	extension(id.cert, NID_basic_constraints, ca ? "CA:FALSE" : "critical,CA:TRUE");
	if (alt)
		extension(id.cert, NID_subject_alt_name, alt);
	CHECK(name, X509_sign(id.cert, ca ? ca->key : id.key, EVP_sha256()) > 0);
	return id;
}

static void identity_write(const struct identity *id, const char *name)
{
	char file[80], path[128];
	FILE *f;

	snprintf(file, sizeof(file), "%s.pem", name);
	f = fopen(path_of(file, path), "w");
	CHECK(path, f && PEM_write_X509(f, id->cert) == 1);
	if (f)
		(void)fclose(f);
	snprintf(file, sizeof(file), "%s.key", name);
	f = fopen(path_of(file, path), "w");
	CHECK(path, f && PEM_write_PrivateKey(f, id->key, NULL, NULL, 0, NULL, NULL) == 1);
	if (f)
		(void)fclose(f);
}

static void identity_done(struct identity *id)
{
	EVP_PKEY_free(id->key);
	X509_free(id->cert);
}

static const char *const files[] = {"ca",      "other", "good", "fresh",
				    "expired", "named", "wild", "person"};

static void certificates(void)
{
	struct identity ca, other, made;
	static const struct {
		const char *name, *alt;
		long from_s, to_s;
	} rows[] = {
		{"good", "IP:127.0.0.1", -DAY_S, DAY_S},
		{"fresh", "IP:127.0.0.1", -DAY_S, DAY_S},
		{"expired", "IP:127.0.0.1", -2 * DAY_S, -DAY_S},
		{"named", "DNS:pbx.example", -DAY_S, DAY_S},
		{"wild", "DNS:*.example", -DAY_S, DAY_S},
		{"person",
		 "URI:sip:alice@pbx.example,URI:sip:domain.example,DNS:phone.example,"
		 "email:bob@pbx.example",
		 -DAY_S, DAY_S},
	};

	snprintf(directory, sizeof(directory), "/tmp/hearth-tls-XXXXXX");
	CHECK("directory", mkdtemp(directory) != NULL);
	ca = identity_new("Test CA", NULL, NULL, -DAY_S, DAY_S);
	other = identity_new("Other CA", NULL, NULL, -DAY_S, DAY_S);
	identity_write(&ca, "ca");
	identity_write(&other, "other");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		made = identity_new(rows[i].name, rows[i].alt, &ca, rows[i].from_s, rows[i].to_s);
		identity_write(&made, rows[i].name);
		identity_done(&made);
	}
	identity_done(&ca);
	identity_done(&other);
}

static void certificates_remove(void)
{
	char name[80], path[128];

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(name, sizeof(name), "%s.pem", files[i]);
		(void)unlink(path_of(name, path));
		snprintf(name, sizeof(name), "%s.key", files[i]);
		(void)unlink(path_of(name, path));
	}
	CHECK_INT("directory", rmdir(directory), 0);
}

/* A transport -------------------------------------------------------------------------------- */

struct paths {
	char certificate[128], key[128], ca[128];
};

static struct sip_tls_files tls_files(struct paths *paths, const char *name, const char *ca)
{
	char file[80];

	snprintf(file, sizeof(file), "%s.pem", name);
	path_of(file, paths->certificate);
	snprintf(file, sizeof(file), "%s.key", name);
	path_of(file, paths->key);
	snprintf(file, sizeof(file), "%s.pem", ca);
	path_of(file, paths->ca);
	return (struct sip_tls_files){paths->certificate, paths->key, paths->ca, false, NULL};
}

struct side {
	struct sip_transport *transport;
	struct sip_net net;
	struct sip_listen listen;
	struct sip_flow flow; /* of the last event */
	uint32_t messages, failures, garbage;
	bool echoes;
};

struct fixture {
	struct clock_virtual time;
	struct loop *loop;
	struct side a, b; /* b is called */
};

static void on_message(void *arg, const struct sip_flow *flow, struct slice data)
{
	struct side *side = arg;

	side->messages++;
	side->flow = *flow;
	if (side->echoes)
		CHECK_INT("echo", side->net.ops->send(side->net.ctx, flow, data, NULL), 0);
}

static void on_failed(void *arg, const struct sip_flow *flow, int err)
{
	struct side *side = arg;

	(void)err;
	side->failures++;
	side->flow = *flow;
}

static void on_garbage(void *arg, const struct sip_flow *flow, int err)
{
	struct side *side = arg;

	(void)flow;
	(void)err;
	side->garbage++;
}

static void side_new(struct fixture *fx, struct side *side, struct sip_tls_files tls)
{
	struct sip_transport_params params = {
		.loop = fx->loop, .listen = SLICE("tls:127.0.0.1:0"), .tls = tls, .idle_ms = 60000};
	struct slice bad = SLICE_NONE;

	CHECK_INT("transport", sip_transport_new(&params, &side->transport, &bad), 0);
	CHECK("listener", sip_transport_listener(side->transport, 0, &side->listen));
	side->net = sip_transport_net(side->transport);
	side->net.ops->listen(side->net.ctx,
			      &(struct sip_net_events){on_message, on_failed, on_garbage, side});
}

static void setup(struct fixture *fx, struct sip_tls_files a, struct sip_tls_files b)
{
	*fx = (struct fixture){.time = {.mono_ns = 1000000000}};
	CHECK_INT("loop", loop_new(clock_virtual(&fx->time), &fx->loop), 0);
	side_new(fx, &fx->a, a);
	side_new(fx, &fx->b, b);
}

static void setup_good(struct fixture *fx)
{
	struct paths a, b;

	setup(fx, tls_files(&a, "good", "ca"), tls_files(&b, "good", "ca"));
}

static void teardown(struct fixture *fx)
{
	sip_transport_free(fx->a.transport);
	sip_transport_free(fx->b.transport);
	CHECK_INT("timers", wheel_count(loop_wheel(fx->loop)), 0);
	loop_free(fx->loop);
}

static void turn_until(struct fixture *fx, const uint32_t *counter, uint32_t want)
{
	for (int i = 0; i < TURNS_MAX && *counter < want; i++)
		(void)loop_turn(fx->loop, TURN_MS);
}

static void turn(struct fixture *fx, int times)
{
	for (int i = 0; i < times; i++)
		(void)loop_turn(fx->loop, TURN_MS);
}

static int call(struct fixture *fx, const char *message)
{
	struct sip_flow flow = {.proto = SIP_TLS, .remote = fx->b.listen.addr};

	return fx->a.net.ops->send(fx->a.net.ctx, &flow, slice_of(message), NULL);
}

#define STATS(side) sip_transport_stats((side).transport)

/* Between two of us -------------------------------------------------------------------------- */

static void there_and_back_on_one_connection(void)
{
	struct fixture fx;

	setup_good(&fx);
	fx.b.echoes = true;
	for (uint32_t i = 1; i <= 3; i++) {
		CHECK_INT("send", call(&fx, MESSAGE("127.0.0.1")), 0);
		turn_until(&fx, &fx.a.messages, i);
	}
	CHECK_INT("came back", fx.a.messages, 3);
	CHECK_INT("proto", fx.a.flow.proto, SIP_TLS);
	CHECK_INT("opened once", STATS(fx.a)->opened, 1);
	CHECK_INT("accepted once", STATS(fx.b)->accepted, 1);
	CHECK_INT("handshake of a", STATS(fx.a)->tls_handshakes, 1);
	CHECK_INT("handshake of b", STATS(fx.b)->tls_handshakes, 1);
	CHECK_INT("b opened none", STATS(fx.b)->opened, 0);
	CHECK_INT("none failed", STATS(fx.a)->tls_failed + STATS(fx.b)->tls_failed, 0);
	teardown(&fx);
}

static void large_messages_pass(void)
{
	enum { BODY = 60000, COUNT = 3 };
	static char message[BODY + 200];
	struct fixture fx;
	int head = snprintf(message, sizeof(message),
			    "OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nContent-Length: %d\r\n\r\n", BODY);

	memset(message + head, 'x', BODY);
	message[head + BODY] = '\0';
	setup_good(&fx);
	fx.b.echoes = true;
	for (int i = 0; i < COUNT; i++)
		CHECK_INT("send", call(&fx, message), 0);
	turn_until(&fx, &fx.a.messages, COUNT);
	CHECK_INT("came back", fx.a.messages, COUNT);
	teardown(&fx);
}

/* The name in the URI decides, of a Route before the Request-URI. */
static void peers_are_verified(void)
{
	static const struct {
		const char *name, *server, *ca, *message;
		bool is_good;
	} rows[] = {
		{"by address", "good", "ca", MESSAGE("127.0.0.1"), true},
		{"another address", "good", "ca", MESSAGE("127.0.0.2"), false},
		{"wrong CA", "good", "other", MESSAGE("127.0.0.1"), false},
		{"expired", "expired", "ca", MESSAGE("127.0.0.1"), false},
		{"by name", "named", "ca", MESSAGE("pbx.example"), true},
		{"name in any case", "named", "ca", MESSAGE("PBX.Example"), true},
		{"another name", "named", "ca", MESSAGE("evil.example"), false},
		{"wildcard", "wild", "ca", MESSAGE("pbx.example"), false},
		{"by a URI of the domain", "person", "ca", MESSAGE("domain.example"), true},
		{"in any case", "person", "ca", MESSAGE("Domain.Example"), true},
		{"by a name beside it", "person", "ca", MESSAGE("phone.example"), true},
		{"not by the URI of a user", "person", "ca", MESSAGE("pbx.example"), false},
		{"not by the URI of another CA's", "person", "other", MESSAGE("domain.example"),
		 false},
		{"by Route", "named", "ca",
		 "OPTIONS sip:a@far.example SIP/2.0\r\nRoute: <sip:pbx.example;lr>\r\n"
		 "Content-Length: 0\r\n\r\n",
		 true},
		{"Route first", "named", "ca",
		 "OPTIONS sip:a@pbx.example SIP/2.0\r\nRoute: <sip:far.example;lr>\r\n"
		 "Content-Length: 0\r\n\r\n",
		 false},
		{"response by Via", "named", "ca",
		 "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS pbx.example;branch=z9hG4bKx\r\n"
		 "Content-Length: 0\r\n\r\n",
		 true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct paths a, b;
		struct fixture fx;

		setup(&fx, tls_files(&a, "good", rows[i].ca), tls_files(&b, rows[i].server, "ca"));
		CHECK_INT(rows[i].name, call(&fx, rows[i].message), 0);
		turn_until(&fx, rows[i].is_good ? &fx.b.messages : &fx.a.failures, 1);
		turn(&fx, 3);
		CHECK_INT(rows[i].name, fx.b.messages, rows[i].is_good);
		CHECK_INT(rows[i].name, fx.a.failures, !rows[i].is_good);
		CHECK_INT(rows[i].name, STATS(fx.a)->tls_failed, !rows[i].is_good);
		CHECK_INT(rows[i].name, STATS(fx.b)->connections, rows[i].is_good);
		teardown(&fx);
	}
}

static void nobody_to_verify_is_no_route(void)
{
	struct fixture fx;

	setup_good(&fx);
	CHECK_INT("no host", call(&fx, "OPTIONS tel:1 SIP/2.0\r\nContent-Length: 0\r\n\r\n"),
		  ERR_SIP_NO_ROUTE);
	CHECK_INT("none", STATS(fx.a)->connections, 0);
	teardown(&fx);
}

/* A connection verified for one host carries nothing for another. */
static void a_connection_serves_its_host_only(void)
{
	struct paths a, b;
	struct fixture fx;

	setup(&fx, tls_files(&a, "good", "ca"), tls_files(&b, "named", "ca"));
	CHECK_INT("good", call(&fx, MESSAGE("pbx.example")), 0);
	turn_until(&fx, &fx.b.messages, 1);
	CHECK_INT("evil", call(&fx, MESSAGE("evil.example")), 0);
	turn_until(&fx, &fx.a.failures, 1);
	CHECK_INT("messages", fx.b.messages, 1);
	CHECK_INT("failed", fx.a.failures, 1);
	teardown(&fx);
}

static void mutual_tls(void)
{
	static const struct {
		const char *name, *client, *ca;
		bool is_good;
	} rows[] = {
		{"of the CA", "named", "ca", true},
		{"of another", "named", "other", false},
		{"expired", "expired", "ca", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct paths a, b;
		struct fixture fx;
		struct sip_tls_files server = tls_files(&b, "good", rows[i].ca);

		server.verify_clients = true;
		setup(&fx, tls_files(&a, rows[i].client, "ca"), server);
		CHECK_INT(rows[i].name, call(&fx, MESSAGE("127.0.0.1")), 0);
		turn_until(&fx, rows[i].is_good ? &fx.b.messages : &fx.a.failures, 1);
		CHECK_INT(rows[i].name, fx.b.messages, rows[i].is_good);
		CHECK_INT(rows[i].name, STATS(fx.b)->tls_failed, !rows[i].is_good);
		teardown(&fx);
	}
}

/* What the guard and the focus ask of a peer (focus/auth.h). */
static void names_of_peers(void)
{
	static const struct {
		const char *name;
		bool has;
	} rows[] = {
		{"sip:alice@pbx.example", true}, {"SIP:Alice@PBX.example", true},
		{"sip:bob@pbx.example", false},  {"bob@pbx.example", false},
		{"phone.example", true},         {"Phone.Example", true},
		{"domain.example", true},        {"sip:domain.example", true},
		{"pbx.example", false},          {"person", false}, /* the common name */
		{"sip:phone.example", false},    {"", false},
	};
	struct paths a, b;
	struct sip_tls_files server = tls_files(&b, "good", "ca");
	struct fixture fx;
	struct sip_flow other;

	for (int is_mutual = 0; is_mutual < 2; is_mutual++) {
		server.verify_clients = is_mutual;
		setup(&fx, tls_files(&a, "person", "ca"), server);
		CHECK_INT("send", call(&fx, MESSAGE("127.0.0.1")), 0);
		turn_until(&fx, &fx.b.messages, 1);
		CHECK_INT("came", fx.b.messages, 1);
		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			CHECK_INT(rows[i].name,
				  fx.b.net.ops->peer_has_name(fx.b.net.ctx, &fx.b.flow,
							      slice_of(rows[i].name)),
				  is_mutual && rows[i].has);
		other = fx.b.flow;
		other.connection++;
		CHECK("no such connection",
		      !fx.b.net.ops->peer_has_name(fx.b.net.ctx, &other, SLICE("phone.example")));
		teardown(&fx);
	}
}

/* RFC 5923: requests back to the port of the Via go over the connection that offered it, when its
 * peer has shown the name that they are for. */
static void aliases(void)
{
	static const struct {
		const char *name, *via, *host;
		bool is_mutual, is_met;
	} rows[] = {
		{"met", "127.0.0.1:5099;alias", "127.0.0.1", true, true},
		{"not offered", "127.0.0.1:5099", "127.0.0.1", true, false},
		{"another port", "127.0.0.1:5098;alias", "127.0.0.1", true, false},
		{"another name", "127.0.0.1:5099;alias", "pbx.example", true, false},
		{"nothing was shown", "127.0.0.1:5099;alias", "127.0.0.1", false, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct paths a, b;
		struct sip_tls_files server = tls_files(&b, "good", "ca");
		struct sip_flow back = {.proto = SIP_TLS};
		char text[256];
		struct fixture fx;

		server.verify_clients = rows[i].is_mutual;
		setup(&fx, tls_files(&a, "good", "ca"), server);
		snprintf(text, sizeof(text),
			 "OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS "
			 "%s;branch=z9hG4bKx\r\nContent-Length: 0\r\n\r\n",
			 rows[i].via);
		CHECK_INT(rows[i].name, call(&fx, text), 0);
		turn_until(&fx, &fx.b.messages, 1);
		CHECK_INT("addr", addr_parse(SLICE("127.0.0.1:5099"), &back.remote), 0);
		snprintf(text, sizeof(text),
			 "OPTIONS sip:b@%s SIP/2.0\r\nContent-Length: 0\r\n\r\n", rows[i].host);
		(void)fx.b.net.ops->send(fx.b.net.ctx, &back, slice_of(text), NULL);
		turn_until(&fx, rows[i].is_met ? &fx.a.messages : &fx.b.failures, 1);
		CHECK_INT(rows[i].name, fx.a.messages, rows[i].is_met);
		CHECK_INT(rows[i].name, STATS(fx.b)->opened, !rows[i].is_met);
		teardown(&fx);
	}
}

static void reload_spares_connections(void)
{
	struct fixture fx;
	struct paths fresh, none;
	struct sip_tls_files wanted = tls_files(&fresh, "expired", "ca");
	struct sip_tls_files missing = tls_files(&none, "nowhere", "ca");
	const char *file = NULL;

	setup_good(&fx);
	CHECK_INT("send", call(&fx, MESSAGE("127.0.0.1")), 0);
	turn_until(&fx, &fx.b.messages, 1);
	CHECK_INT("missing", sip_transport_reload_tls(fx.b.transport, &missing, &file),
		  ERR_SIP_TLS_FILE);
	CHECK_STR("missing", file, none.certificate);
	CHECK_INT("reload", sip_transport_reload_tls(fx.b.transport, &wanted, &file), 0);
	fx.b.echoes = true;
	CHECK_INT("on the old one", call(&fx, MESSAGE("127.0.0.1")), 0);
	turn_until(&fx, &fx.a.messages, 1);
	CHECK_INT("lives", fx.a.messages, 1);
	CHECK_INT("same", STATS(fx.a)->opened, 1);
	sip_transport_free(fx.a.transport);
	side_new(&fx, &fx.a, tls_files(&fresh, "good", "ca"));
	CHECK_INT("a new one", call(&fx, MESSAGE("127.0.0.1")), 0);
	turn_until(&fx, &fx.a.failures, 1);
	CHECK_INT("gets the new certificate", STATS(fx.a)->tls_failed, 1);
	teardown(&fx);
}

/* Files -------------------------------------------------------------------------------------- */

static void files_that_cannot_be_used(void)
{
	struct paths paths, others;
	struct sip_tls_files good = tls_files(&paths, "good", "ca");
	struct sip_tls_files bad = tls_files(&others, "fresh", "nowhere");
	const struct {
		const char *name;
		struct sip_tls_files files;
		const char *item;
	} rows[] = {
		{"none", {0}, "sip.tls_certificate"},
		{"no key", {good.certificate, NULL, NULL, false, NULL}, "sip.tls_certificate"},
		{"no such CA", {good.certificate, good.key, bad.ca, false, NULL}, bad.ca},
		{"key of another", {good.certificate, bad.key, good.ca, false, NULL}, bad.key},
		{"no certificate", {good.key, good.key, good.ca, false, NULL}, good.key},
		{"SNI without a key",
		 {good.certificate, good.key, good.ca, false, "a.example /x.pem"},
		 "sip.tls_sni"},
		{"SNI with files that are not there",
		 {good.certificate, good.key, good.ca, false, "a.example /x.pem /x.key"},
		 "certificate of sip.tls_sni"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct clock_virtual time = {.mono_ns = 1000000000};
		struct sip_transport_params params = {.listen = SLICE("tls:127.0.0.1:0"),
						      .tls = rows[i].files};
		struct sip_transport *transport = NULL;
		struct slice item = SLICE_NONE;

		CHECK_INT("loop", loop_new(clock_virtual(&time), &params.loop), 0);
		CHECK_INT(rows[i].name, sip_transport_new(&params, &transport, &item),
			  ERR_SIP_TLS_FILE);
		CHECK(rows[i].name, slice_is(item, rows[i].item));
		loop_free(params.loop);
	}
}

/* Peers that misbehave ----------------------------------------------------------------------- */

static int raw_peer(const struct addr *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK_INT("connect", connect(fd, &to->sa, addr_len(to)), 0);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void pass(struct fixture *fx, uint64_t ms)
{
	fx->time.mono_ns += ms * 1000000;
	turn(fx, 5);
}

static void silent_and_slow_handshakes_are_cut(void)
{
	/* The head of a ClientHello record that never becomes whole. */
	static const unsigned char start[] = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00};
	struct fixture fx;
	int silent, slow;

	setup_good(&fx);
	silent = raw_peer(&fx.b.listen.addr);
	slow = raw_peer(&fx.b.listen.addr);
	turn(&fx, 5);
	CHECK_INT("there", STATS(fx.b)->connections, 2);
	for (size_t i = 0; i < sizeof(start); i++) { /* an octet each second keeps nobody alive */
		CHECK_INT("octet", write(slow, &start[i], 1), 1);
		pass(&fx, 1000);
	}
	CHECK_INT("still there", STATS(fx.b)->connections, 2);
	pass(&fx, SIP_HANDSHAKE_MS - 7000 + 1000);
	CHECK_INT("gone", STATS(fx.b)->connections, 0);
	CHECK_INT("slow", STATS(fx.b)->cut_slow, 2);
	CHECK_INT("failed", STATS(fx.b)->tls_failed, 2);
	close(silent);
	close(slow);
	teardown(&fx);
}

static void garbage_is_no_handshake(void)
{
	static const char *const texts[] = {"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n",
					    "\r\n\r\n\r\n\r\n\r\n\r\n",
					    "\x16\x03\x01\x00\x05hello"};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct fixture fx;
		int fd;

		setup_good(&fx);
		fd = raw_peer(&fx.b.listen.addr);
		CHECK("write", write(fd, texts[i], i == 2 ? 10 : strlen(texts[i])) > 0);
		turn_until(&fx, &fx.b.failures, 1);
		CHECK_INT(texts[i], STATS(fx.b)->connections, 0);
		CHECK_INT(texts[i], STATS(fx.b)->tls_failed, 1);
		CHECK_INT(texts[i], fx.b.messages, 0);
		close(fd);
		teardown(&fx);
	}
}

static void a_peer_that_answers_in_tcp_fails(void)
{
	struct fixture fx;
	struct addr local = {
		.in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	struct sip_flow flow = {.proto = SIP_TLS};
	socklen_t len = sizeof(local);
	int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

	setup_good(&fx);
	CHECK_INT("bind", bind(door, &local.sa, addr_len(&local)), 0);
	CHECK_INT("listen", listen(door, 1), 0);
	CHECK_INT("name", getsockname(door, &local.sa, &len), 0);
	flow.remote = local;
	CHECK_INT("send",
		  fx.a.net.ops->send(fx.a.net.ctx, &flow, SLICE(MESSAGE("127.0.0.1")), NULL), 0);
	turn(&fx, 3);
	fd = accept(door, NULL, NULL);
	CHECK("write", write(fd, "SIP/2.0 200 OK\r\n\r\n", 18) == 18);
	turn_until(&fx, &fx.a.failures, 1);
	CHECK_INT("failed", STATS(fx.a)->tls_failed, 1);
	close(fd);
	close(door);
	teardown(&fx);
}

/* A client of OpenSSL's own ------------------------------------------------------------------ */

static int handshake(struct fixture *fx, SSL *ssl)
{
	for (int i = 0; i < TURNS_MAX; i++) {
		int n = SSL_do_handshake(ssl);

		if (n == 1)
			return 0;
		if (SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ)
			return -EPROTO;
		(void)loop_turn(fx->loop, TURN_MS);
	}
	return -ETIMEDOUT;
}

static void versions(void)
{
	static const struct {
		const char *name;
		int version;
		bool is_good;
	} rows[] = {
		{"TLS 1.1", TLS1_1_VERSION, false},
		{"TLS 1.2", TLS1_2_VERSION, true},
		{"TLS 1.3", TLS1_3_VERSION, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
		SSL *ssl;
		struct fixture fx;
		int fd;

		setup_good(&fx);
		SSL_CTX_set_security_level(ctx, 0);
		(void)SSL_CTX_set_min_proto_version(ctx, rows[i].version);
		(void)SSL_CTX_set_max_proto_version(ctx, rows[i].version);
		ssl = SSL_new(ctx);
		fd = raw_peer(&fx.b.listen.addr);
		(void)SSL_set_fd(ssl, fd);
		SSL_set_connect_state(ssl);
		CHECK_INT(rows[i].name, handshake(&fx, ssl) == 0, rows[i].is_good);
		turn(&fx, 3);
		CHECK_INT(rows[i].name, STATS(fx.b)->tls_handshakes, rows[i].is_good);
		SSL_free(ssl);
		SSL_CTX_free(ctx);
		ERR_clear_error();
		close(fd);
		teardown(&fx);
	}
}

/* Our ClientHello names the host, and no address (RFC 6066 3). */
static void names_are_indicated(void)
{
	static const struct {
		const char *message, *name;
	} rows[] = {
		{MESSAGE("pbx.example"), "pbx.example"},
		{MESSAGE("127.0.0.1"), NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture fx;
		unsigned char hello[2048] = {0};
		ssize_t got;
		struct addr local = {
			.in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
		struct sip_flow flow = {.proto = SIP_TLS};
		socklen_t len = sizeof(local);
		int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

		setup_good(&fx);
		CHECK_INT("bind", bind(door, &local.sa, addr_len(&local)), 0);
		CHECK_INT("listen", listen(door, 1), 0);
		CHECK_INT("name", getsockname(door, &local.sa, &len), 0);
		flow.remote = local;
		CHECK_INT("send",
			  fx.a.net.ops->send(fx.a.net.ctx, &flow, slice_of(rows[i].message), NULL),
			  0);
		turn(&fx, 3);
		fd = accept(door, NULL, NULL);
		got = read(fd, hello, sizeof(hello));
		CHECK("hello", got > 5 && hello[0] == 0x16);
		CHECK_INT("named", memmem(hello, (size_t)MAX_OF(got, 0), "pbx.example", 11) != NULL,
			  rows[i].name != NULL);
		CHECK("no address", !memmem(hello, (size_t)MAX_OF(got, 0), "127.0.0.1", 9));
		close(fd);
		close(door);
		teardown(&fx);
	}
}

static void accepted_connections_have_a_limit(void)
{
	struct fixture fx;
	struct paths paths;
	struct sip_transport_params params = {.listen = SLICE("tls:127.0.0.1:0"),
					      .connections_max = 2,
					      .tls = tls_files(&paths, "good", "ca")};
	int fds[3];

	setup_good(&fx);
	sip_transport_free(fx.b.transport);
	params.loop = fx.loop;
	CHECK_INT("new", sip_transport_new(&params, &fx.b.transport, NULL), 0);
	CHECK("listener", sip_transport_listener(fx.b.transport, 0, &fx.b.listen));
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = raw_peer(&fx.b.listen.addr);
	turn(&fx, 5);
	CHECK_INT("held", STATS(fx.b)->connections, 2);
	CHECK_INT("refused", STATS(fx.b)->refused, 1);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	teardown(&fx);
}

void suite_transport_tls(void)
{
	CHECK_SUITE("transport_tls");
	CHECK_TEST(certificates);
	CHECK_TEST(there_and_back_on_one_connection);
	CHECK_TEST(large_messages_pass);
	CHECK_TEST(peers_are_verified);
	CHECK_TEST(nobody_to_verify_is_no_route);
	CHECK_TEST(a_connection_serves_its_host_only);
	CHECK_TEST(mutual_tls);
	CHECK_TEST(names_of_peers);
	CHECK_TEST(aliases);
	CHECK_TEST(reload_spares_connections);
	CHECK_TEST(files_that_cannot_be_used);
	CHECK_TEST(silent_and_slow_handshakes_are_cut);
	CHECK_TEST(garbage_is_no_handshake);
	CHECK_TEST(a_peer_that_answers_in_tcp_fails);
	CHECK_TEST(versions);
	CHECK_TEST(names_are_indicated);
	CHECK_TEST(accepted_connections_have_a_limit);
	CHECK_TEST(certificates_remove);
}
