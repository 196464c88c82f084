/* http/paging.h -- ?limit= and ?after= of lists. Thread: control. */
#ifndef HTTP_PAGING_H
#define HTTP_PAGING_H

#include <stdbool.h>
#include <stdint.h>

#include "http/router.h"

struct request;

enum { PAGE_LIMIT_DEFAULT = 100, PAGE_LIMIT_MAX = 1000 };

struct page {
	uint32_t limit; /* 1 to PAGE_LIMIT_MAX */
	bool has_after;
	char after[ROUTE_ARG_MAX + 1];
};

/* ERR_HTTP_SYNTAX. */
int page_of(struct request *request, struct page *ret_page);

#endif
