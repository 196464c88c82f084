/* mixer/crypt_cipher.h -- what libsrtp2 ciphers and hashes with: OpenSSL, by libsrtp2's own plug-in
 * interface (srtp_replace_cipher_type, srtp_replace_auth_type).
 *
 * Debian builds libsrtp2 on NSS, which makes memory for every packet (counted: 5 times with GCM, 14
 * times with AES-CM) and locks. Here each cipher of a stream has a context of its own, made with
 * its key; per packet it is given an IV and no more. What libsrtp2 keeps is the protocol: key
 * derivation, roll-over counter, replay windows, SRTCP's index, the layout of tags.
 *
 * The alias. libsrtp2 knows streams by SSRC and makes memory for a new one. A worker may not do
 * that, and nobody knows an SSRC before its first packet. So every stream is made in advance, under
 * the SSRC 0, and while a packet is in libsrtp2 its SSRC field holds 0. The ciphers know the true
 * one: they put it into each IV (RFC 3711 4.1.1, RFC 7714 8.1) and back into the packet while its
 * header is authenticated. So nothing on the wire differs; srtp.c tells streams apart.
 *
 * Threads: crypt_cipher_init on control; an alias belongs to the thread that set it.
 */
#ifndef MIXER_CRYPT_CIPHER_H
#define MIXER_CRYPT_CIPHER_H

#include <stdint.h>

#include "base/attr.h"

/* Starts libsrtp2 and gives it our ciphers, once per process; known answers are checked on the way.
 * -ENOTSUP: a check failed. */
int crypt_cipher_init(void);

/* From here on the four octets at `ssrc` are 0 to libsrtp2; end puts them back. */
void crypt_alias_begin_rt(uint8_t *ssrc) NONBLOCKING;
void crypt_alias_end_rt(void) NONBLOCKING;

#endif
