/* keys.h -- sip.credentials_file: what we answer those with who challenge us. Thread: control. */
#ifndef KEYS_H
#define KEYS_H

#include "sip/keyring.h"

enum { KEYS_FILE_MAX = 1024 * 1024 }; /* octets */

/* Reads the file into the keyring; "" empties it. What is wrong is logged with the line, never with
 * what stands there, and the old keys stay: ERR_AUTH_FILE (cannot be read, readable by everybody,
 * too long, a line that is no key), -ENOMEM. */
int keys_load(struct sip_keyring *keyring, const char *path);

#endif
