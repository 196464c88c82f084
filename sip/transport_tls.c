/* TLS under the streams (RFC 3261 26.2, 26.3; RFC 5922): OpenSSL reads and writes through
 * sip_tcp_stream, so that the loop stays in charge and a lost peer is an error, not a signal.
 *
 * Session resumption is off: connections live for hours, and a resumed session would outlive a
 * certificate that was taken back. */
/* OpenSSL has a type of the name of one of our errors. */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/msg.h"
#include "sip/transport_priv.h"

/* A certificate shown to those who ask for this name. */
struct sni_host {
	char name[SIP_TLS_HOST_MAX], certificate[PATH_MAX], key[PATH_MAX];
	SSL_CTX *ctx;
};

/* The contexts of one set of files. A connection holds on to that with which it began. */
struct sip_tls {
	SSL_CTX *server, *client;
	struct sni_host hosts[SIP_SNI_MAX];
	uint32_t host_count;
};

/* The socket as OpenSSL sees it
 * -----------------------------------------------------------------------------------------------
 */

static int bio_result(BIO *bio, int n, int flags)
{
	BIO_clear_retry_flags(bio);
	if (n == -EAGAIN || n == -EINTR)
		BIO_set_flags(bio, flags | BIO_FLAGS_SHOULD_RETRY);
	return n < 0 ? -1 : n;
}

static int bio_read(BIO *bio, char *data, int cap)
{
	return bio_result(bio, sip_tcp_stream.read(BIO_get_data(bio), data, (size_t)cap),
			  BIO_FLAGS_READ);
}

static int bio_write(BIO *bio, const char *data, int len)
{
	return bio_result(bio, sip_tcp_stream.write(BIO_get_data(bio), data, (size_t)len),
			  BIO_FLAGS_WRITE);
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH; /* nothing is held back */
}

BIO_METHOD *sip_tls_socket(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "sip_conn");

	if (!method)
		return NULL;
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_ctrl);
	return method;
}

void sip_tls_socket_free(struct bio_method_st *method)
{
	BIO_meth_free(method);
}

/* Contexts
 * ------------------------------------------------------------------------------------------------------------
 */

static const char *text_or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static SSL_CTX *context(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (!ctx)
		return NULL;
	SSL_CTX_set_options(ctx,
			    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	if (!SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION)) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

/* Ours is shown by both roles: also a peer that we call may ask who we are. */
static int use_own(SSL_CTX *ctx, const struct sip_tls_files *files, const char **reterr_file)
{
	*reterr_file = files->certificate;
	if (SSL_CTX_use_certificate_chain_file(ctx, files->certificate) != 1)
		return ERR_SIP_TLS_FILE;
	*reterr_file = files->key;
	if (SSL_CTX_use_PrivateKey_file(ctx, files->key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		return ERR_SIP_TLS_FILE;
	return 0;
}

static int use_ca(SSL_CTX *ctx, const struct sip_tls_files *files, const char **reterr_file)
{
	const char *ca = text_or_null(files->ca);

	*reterr_file = ca;
	if (ca ? SSL_CTX_load_verify_file(ctx, ca) != 1
	       : SSL_CTX_set_default_verify_paths(ctx) != 1)
		return ERR_SIP_TLS_FILE;
	return 0;
}

/* Several certificates (SNI, RFC 6066 3)
 * ---------------------------------------------------------------------------------------- */

static bool sni_matches(const char *pattern, struct slice name)
{
	if (pattern[0] != '*')
		return slice_iis(name, pattern);
	return slice_iis(slice_from(name, slice_find(name, '.')), pattern + 1);
}

/* Without a name, or with one that we do not know, the first certificate is shown: the client
 * decides what it thinks of that. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
	struct slice name = slice_of(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	const struct sip_conn *conn = BIO_get_data(SSL_get_rbio(ssl));
	const struct sip_tls *tls = conn->transport->tls; /* that of today */

	(void)alert;
	(void)arg;
	for (uint32_t i = 0; name.len > 0 && i < tls->host_count; i++) {
		if (sni_matches(tls->hosts[i].name, name)) {
			(void)SSL_set_SSL_CTX(ssl, tls->hosts[i].ctx);
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_NOACK;
}

static bool next_word(struct slice *rest, char *out, size_t cap)
{
	struct slice text = slice_trim(*rest);
	size_t end = slice_find(text, ' ');

	*rest = slice_from(text, end);
	if (end == 0 || end >= cap)
		return false;
	slice_cstr(slice_first(text, end), out, cap);
	return true;
}

static int sni_add(struct sip_tls *tls, struct slice item, const struct sip_tls_files *files,
		   const char **reterr_file)
{
	struct sni_host *host = &tls->hosts[tls->host_count];
	struct sip_tls_files own;

	if (tls->host_count == SIP_SNI_MAX || !next_word(&item, host->name, sizeof(host->name)) ||
	    !next_word(&item, host->certificate, sizeof(host->certificate)) ||
	    !next_word(&item, host->key, sizeof(host->key)) || slice_trim(item).len > 0)
		return ERR_SIP_TLS_FILE;
	host->ctx = context(TLS_server_method());
	if (!host->ctx)
		return -ENOMEM;
	tls->host_count++;
	own = (struct sip_tls_files){.certificate = host->certificate, .key = host->key};
	if (use_own(host->ctx, &own, reterr_file)) {
		/* The path must outlive what is freed now. */
		*reterr_file = *reterr_file == own.key ? "key of sip.tls_sni"
						       : "certificate of sip.tls_sni";
		return ERR_SIP_TLS_FILE;
	}
	return files->verify_clients ? use_ca(host->ctx, files, reterr_file) : 0;
}

static int use_sni(struct sip_tls *tls, const struct sip_tls_files *files, const char **reterr_file)
{
	struct slice rest = slice_of(text_or_null(files->sni));
	int err = 0;

	if (rest.len == 0)
		return 0;
	*reterr_file = "sip.tls_sni";
	while (!err && rest.len > 0) {
		size_t end = slice_find(rest, ',');

		err = sni_add(tls, slice_first(rest, end), files, reterr_file);
		rest = slice_from(rest, end + 1);
	}
	SSL_CTX_set_tlsext_servername_callback(tls->server, on_server_name);
	return err;
}

/* A URI among the subjectAltNames: "sip:example.com" names a domain as a dNSName does (RFC 5922
 * 7.1), "sip:alice@example.com" a user. */
static bool has_uri(const X509 *cert, struct slice uri)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool is_found = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !is_found; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const ASN1_IA5STRING *text = name->d.uniformResourceIdentifier;

		if (name->type == GEN_URI)
			is_found = slice_ieq(slice_make((const char *)ASN1_STRING_get0_data(text),
							(size_t)ASN1_STRING_length(text)),
					     uri);
	}
	GENERAL_NAMES_free(names);
	return is_found;
}

static bool has_domain(const X509 *cert, const char *host)
{
	struct buf uri = BUF_INIT;
	bool has;

	buf_addf(&uri, "sip:%s", host);
	has = !buf_err(&uri) && has_uri(cert, buf_slice(&uri));
	buf_done(&uri);
	return has;
}

/* Whom we connect to may be named by a URI of its domain where no dNSName does it (RFC 5922 7.1),
 * which the library does not know of. Everything else is as the library found it. */
static int on_verified(int is_good, X509_STORE_CTX *ctx)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	const X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
	const char *host = ssl ? SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) : NULL;

	if (is_good || !host || !cert ||
	    X509_STORE_CTX_get_error(ctx) != X509_V_ERR_HOSTNAME_MISMATCH ||
	    !has_domain(cert, host))
		return is_good;
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

static int fill(struct sip_tls *tls, const struct sip_tls_files *files, const char **reterr_file)
{
	int err;

	tls->server = context(TLS_server_method());
	tls->client = context(TLS_client_method());
	if (!tls->server || !tls->client)
		return -ENOMEM;
	err = use_own(tls->server, files, reterr_file);
	if (!err)
		err = use_own(tls->client, files, reterr_file);
	if (!err)
		err = use_ca(tls->client, files, reterr_file);
	if (!err)
		err = use_sni(tls, files, reterr_file);
	SSL_CTX_set_verify(tls->client, SSL_VERIFY_PEER, on_verified);
	if (err || !files->verify_clients)
		return err;
	SSL_CTX_set_verify(tls->server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return use_ca(tls->server, files, reterr_file);
}

int sip_tls_new(const struct sip_tls_files *files, struct sip_tls **ret_tls,
		const char **reterr_file)
{
	struct sip_tls *tls;
	int err;

	*reterr_file = NULL;
	if (!text_or_null(files->certificate) || !text_or_null(files->key))
		return ERR_SIP_TLS_FILE;
	tls = calloc(1, sizeof(*tls));
	if (!tls)
		return -ENOMEM;
	err = fill(tls, files, reterr_file);
	ERR_clear_error();
	if (err) {
		sip_tls_free(tls);
		return err;
	}
	*ret_tls = tls;
	return 0;
}

int sip_tls_check(const struct sip_tls_files *files, const char **reterr_file)
{
	struct sip_tls *tls = NULL;
	const char *file = NULL;
	int err = sip_tls_new(files, &tls, &file);

	sip_tls_free(tls);
	if (err && reterr_file)
		*reterr_file = file;
	return err;
}

struct sip_tls *sip_tls_free(struct sip_tls *tls)
{
	if (!tls)
		return NULL;
	SSL_CTX_free(tls->server);
	SSL_CTX_free(tls->client);
	for (uint32_t i = 0; i < tls->host_count; i++)
		SSL_CTX_free(tls->hosts[i].ctx);
	free(tls);
	return NULL;
}

/* Whom a message is for
 * ------------------------------------------------------------------------------------------------------------
 */

/* The host that was looked up to find the peer, for that is whom the certificate must name (RFC
 * 3261 26.3.2.1, RFC 5922 7.1): of the first Route, else the Request-URI; of a response whose
 * connection is gone, the sent-by of its Via. */
void sip_tls_peer(struct slice message, char out[SIP_TLS_HOST_MAX])
{
	static struct sip_msg msg; /* large; the control thread is the only one here */
	struct slice host = SLICE_NONE;
	struct sip_uri uri;
	struct sip_addr route;
	struct sip_via via;

	*out = '\0';
	(void)sip_msg_parse(message.p, message.len, &msg);
	if (!msg.is_request) {
		if (sip_msg_via(&msg, &via) == 0)
			host = via.host;
	} else if (sip_msg_addr(&msg, SIP_H_ROUTE, &route) == 0) {
		host = route.uri.host;
	} else if (sip_uri_parse(msg.request_uri, &uri) == 0) {
		host = uri.host;
	}
	if (host.len > 2 && host.p[0] == '[')
		host = slice_first(slice_from(host, 1), host.len - 2);
	if (slice_present(host) && host.len < SIP_TLS_HOST_MAX)
		slice_cstr(host, out, SIP_TLS_HOST_MAX);
}

/* Connections
 * --------------------------------------------------------------------------------------------------------------
 */

/* Names whole names only: RFC 5922 7.2 gives wildcards no meaning. */
static int expect(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	struct addr ip;

	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_WILDCARDS);
	if (!*host)
		return ERR_SIP_NO_ROUTE; /* nobody to verify */
	if (addr_parse_ip(slice_of(host), &ip) == 0)
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1 ? 0 : ERR_SIP_NO_ROUTE;
	if (SSL_set1_host(ssl, host) != 1 || SSL_set_tlsext_host_name(ssl, host) != 1)
		return -ENOMEM;
	return 0;
}

static int begin(struct sip_conn *conn, const struct sip_tls *tls)
{
	SSL *ssl = SSL_new(conn->is_ours ? tls->client : tls->server);
	BIO *bio = ssl ? BIO_new(conn->transport->tls_socket) : NULL;
	int err = 0;

	if (!bio) {
		SSL_free(ssl);
		return -ENOMEM;
	}
	BIO_set_data(bio, conn);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	if (conn->is_ours) {
		SSL_set_connect_state(ssl);
		err = expect(ssl, conn->host);
	} else {
		SSL_set_accept_state(ssl);
	}
	conn->tls = ssl;
	return err;
}

int sip_tls_begin(struct sip_conn *conn)
{
	assert(conn->transport->tls);
	conn->stream = &sip_tls_stream;
	conn->is_handshaking = true;
	return begin(conn, conn->transport->tls);
}

static bool has_ip(X509 *cert, struct slice name)
{
	char text[ADDR_TEXT_MAX];
	struct addr ip;

	return addr_parse_ip(name, &ip) == 0 &&
	       X509_check_ip_asc(cert, addr_ip_text(&ip, text), 0) == 1;
}

static bool cert_has_name(X509 *cert, struct slice name)
{
	static const unsigned flags = X509_CHECK_FLAG_NO_WILDCARDS |
				      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
	char host[SIP_TLS_HOST_MAX];

	if (slice_find(name, ':') < name.len)
		return has_uri(cert, name);
	if (X509_check_host(cert, name.p, name.len, flags, NULL) == 1 || has_ip(cert, name))
		return true;
	return name.len < sizeof(host) && has_domain(cert, slice_cstr(name, host, sizeof(host)));
}

bool sip_tls_is_proven(const struct sip_conn *conn)
{
	return conn->tls && !conn->is_handshaking && SSL_get0_peer_certificate(conn->tls) &&
	       SSL_get_verify_result(conn->tls) == X509_V_OK;
}

bool sip_tls_has_name(const struct sip_conn *conn, struct slice name)
{
	X509 *cert;
	bool has;

	if (name.len == 0 || !sip_tls_is_proven(conn))
		return false;
	cert = SSL_get0_peer_certificate(conn->tls);
	has = cert && cert_has_name(cert, name);
	ERR_clear_error();
	return has;
}

/* 0 when it is over in peace; -EAGAIN; negative errno. */
static int outcome(struct sip_conn *conn, int n)
{
	int why = SSL_get_error(conn->tls, n);

	conn->wants_write = why == SSL_ERROR_WANT_WRITE;
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return -EAGAIN;
	if (why == SSL_ERROR_ZERO_RETURN)
		return 0;
	conn->is_tls_broken = true;
	ERR_clear_error();
	return why == SSL_ERROR_SYSCALL ? -ECONNRESET : -EPROTO;
}

static int tls_handshake(struct sip_conn *conn)
{
	int n, err;

	ERR_clear_error();
	n = SSL_do_handshake(conn->tls);
	if (n == 1) {
		conn->is_handshaking = conn->wants_write = false;
		conn->transport->stats.tls_handshakes++;
		return 0;
	}
	err = outcome(conn, n);
	return err ? err : -ECONNRESET;
}

static int tls_read(struct sip_conn *conn, void *data, size_t cap)
{
	int n;

	ERR_clear_error();
	n = SSL_read(conn->tls, data, (int)MIN_OF(cap, (size_t)INT_MAX));
	return n > 0 ? n : outcome(conn, n);
}

static int tls_write(struct sip_conn *conn, const void *data, size_t len)
{
	int n, err;

	ERR_clear_error();
	n = SSL_write(conn->tls, data, (int)MIN_OF(len, (size_t)INT_MAX));
	if (n > 0) {
		conn->wants_write = false;
		return n;
	}
	err = outcome(conn, n);
	return err ? err : -ECONNRESET;
}

/* Says goodbye where the peer can understand it, without waiting for an answer. */
static void tls_end(struct sip_conn *conn)
{
	ERR_clear_error();
	if (!conn->is_handshaking && !conn->is_tls_broken)
		(void)SSL_shutdown(conn->tls);
	SSL_free(conn->tls);
	ERR_clear_error();
	conn->tls = NULL;
}

const struct sip_stream_ops sip_tls_stream = {
	.read = tls_read,
	.write = tls_write,
	.handshake = tls_handshake,
	.end = tls_end,
};
