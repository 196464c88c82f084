/* http/paging.h -- a page of a list: ?limit=, ?after=, and the document {"rooms": [...], "next": ...}.
 *
 *     err = page_of(request, &page);
 *     room = focus_room_next(focus, page_after(&page));
 *     page_open(&page, "rooms");
 *     while (room && page_has_place(&page)) {
 *             write it to page.json; page_add(&page, its id);
 *             room = focus_room_next(focus, page_last(&page));
 *     }
 *     return page_close(&page, room != NULL);
 *
 * Thread: control. */
#ifndef HTTP_PAGING_H
#define HTTP_PAGING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "http/router.h"
#include "http/writer.h"

struct request;

enum { PAGE_LIMIT_DEFAULT = 100, PAGE_LIMIT_MAX = 1000 };

struct page {
	struct writer json; /* into the body of the request's reply */
	uint32_t left;      /* so many more; PAGE_LIMIT_MAX at most */
	bool has_after;
	char id[ROUTE_ARG_MAX + 1]; /* `after`; of what was added last */
};

/* What the request asks for. ERR_HTTP_SYNTAX. */
int page_of(struct request *request, struct page *ret_page);
/* Behind which it begins, borrowed from the page; absent: from the first on. */
struct slice page_after(const struct page *page);

void page_open(struct page *page, const char *key);
bool page_has_place(const struct page *page);
void page_add(struct page *page, struct slice id); /* an item of this id was written to page->json */
struct slice page_last(const struct page *page);   /* that id, borrowed from the page */
/* `is_more`: the list goes on, and `next` says behind what. Returns 0, as a handler does. */
int page_close(struct page *page, bool is_more);

#endif
