/* http/asset.h -- the files of the page, put into the program by http/embed.cmake. Thread: any. */
#ifndef HTTP_ASSET_H
#define HTTP_ASSET_H

#include <stddef.h>

struct asset {
	const char *path; /* "/style.css"; ends the table with NULL */
	const unsigned char *data;
	size_t len;
	const char *etag; /* with its quotes; changes with the content */
};

extern const struct asset assets[];

#endif
