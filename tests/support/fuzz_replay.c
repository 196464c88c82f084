/* tests/support/fuzz_replay.c -- a main for fuzz targets built without libFuzzer: runs every file
 * named, and every file of every folder named, through LLVMFuzzerTestOneInput. Arguments that begin
 * with '-' are libFuzzer's and ignored. Fails when there was nothing to run.
 */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATH_LEN_MAX = 4096, INPUT_LEN_MAX = 16 * 1024 * 1024 };

static unsigned inputs_run;

static int replay_file(const char *path, size_t size)
{
	/* Exactly as large as the input, so that AddressSanitizer sees the first octet too many. */
	uint8_t *data = malloc(size ? size : 1);
	FILE *file = fopen(path, "rb");
	int rc = -1;

	if (file && data && size <= INPUT_LEN_MAX && fread(data, 1, size, file) == size) {
		(void)LLVMFuzzerTestOneInput(data, size);
		inputs_run++;
		rc = 0;
	} else {
		fprintf(stderr, "%s: cannot be read: %s\n", path, strerror(errno));
	}
	if (file)
		fclose(file);
	free(data);
	return rc;
}

static int replay(const char *path)
{
	struct dirent **entries;
	struct stat st;
	int rc = 0;
	int n;

	if (stat(path, &st)) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	if (!S_ISDIR(st.st_mode))
		return replay_file(path, (size_t)st.st_size);
	n = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		char inner[PATH_LEN_MAX];

		(void)snprintf(inner, sizeof(inner), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && replay(inner))
			rc = -1;
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return rc;
}

int main(int argc, char **argv)
{
	int rc = 0;

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-' && replay(argv[i]))
			rc = 1;
	}
	printf("%u inputs run\n", inputs_run);
	return inputs_run > 0 ? rc : 1;
}
