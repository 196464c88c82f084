/* http/paging.c */
#include "http/paging.h"

#include "http/request.h"

int page_of(struct request *request, struct page *ret_page)
{
	struct page page = {0};
	uint64_t limit = PAGE_LIMIT_DEFAULT;
	int err = request_query_u64(request, "limit", 1, PAGE_LIMIT_MAX, &limit);

	if (err)
		return err;
	err = request_query(request, "after", page.after, sizeof(page.after), &page.has_after);
	if (err)
		return err;
	page.limit = (uint32_t)limit;
	*ret_page = page;
	return 0;
}
