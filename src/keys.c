#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

static int refused(const char *path, const char *why, uint32_t line)
{
	LOG(LOG_ERROR, "credentials.refused", LOG_STR("file", path), LOG_STR("error", why),
	    line ? LOG_INT("line", line) : LOG_END);
	return ERR_AUTH_FILE;
}

/* Passwords that every user of this machine can read are none. */
static const char *fault_of(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "is no file";
	if (st->st_mode & (S_IROTH | S_IWOTH))
		return "can be read by everybody: chmod 600";
	return st->st_size > KEYS_FILE_MAX ? "is too long" : NULL;
}

static int read_all(int fd, char *text, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, text + got, len - got);

		if (n <= 0)
			return n < 0 ? -errno : -EIO; /* it became shorter meanwhile */
		got += (size_t)n;
	}
	return 0;
}

static int take(struct sip_keyring *keyring, const char *path, int fd, size_t len)
{
	char *text = malloc(len + 1);
	uint32_t line = 0;
	int err;

	if (!text)
		return -ENOMEM;
	err = read_all(fd, text, len);
	if (err)
		err = refused(path, strerror(-err), 0);
	else if ((err = sip_keyring_read(keyring, slice_make(text, len), &line)) != 0)
		err = refused(path, err == -EINVAL ? "is no: realm user password" : err_text(err),
			      line);
	explicit_bzero(text, len);
	free(text);
	return err;
}

int keys_load(struct sip_keyring *keyring, const char *path)
{
	const char *fault;
	struct stat st;
	uint32_t line;
	int fd, err;

	if (!path[0])
		return sip_keyring_read(keyring, SLICE(""), &line);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return refused(path, strerror(errno), 0);
	err = fstat(fd, &st);
	fault = err ? strerror(errno) : fault_of(&st);
	err = fault ? refused(path, fault, 0) : take(keyring, path, fd, (size_t)st.st_size);
	close(fd);
	if (!err)
		LOG(LOG_INFO, "credentials.loaded", LOG_STR("file", path),
		    LOG_INT("keys", sip_keyring_count(keyring)));
	return err;
}
