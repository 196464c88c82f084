/* http/paging.c */
#include "http/paging.h"

#include "http/request.h"

int page_of(struct request *request, struct page *ret_page)
{
	struct page page = {.json = writer_to(request_body(request))};
	uint64_t limit = PAGE_LIMIT_DEFAULT;
	int err = request_query_u64(request, "limit", 1, PAGE_LIMIT_MAX, &limit);

	if (err)
		return err;
	err = request_query(request, "after", page.id, sizeof(page.id), &page.has_after);
	if (err)
		return err;
	page.left = (uint32_t)limit;
	*ret_page = page;
	return 0;
}

struct slice page_after(const struct page *page)
{
	return page->has_after ? slice_of(page->id) : SLICE_NONE;
}

void page_open(struct page *page, const char *key)
{
	writer_open(&page->json, NULL, '{');
	writer_open(&page->json, key, '[');
}

bool page_has_place(const struct page *page)
{
	return page->left > 0;
}

void page_add(struct page *page, struct slice id)
{
	page->left--;
	slice_cstr(id, page->id, sizeof(page->id));
}

struct slice page_last(const struct page *page)
{
	return slice_of(page->id);
}

int page_close(struct page *page, bool is_more)
{
	writer_close(&page->json, ']');
	writer_str(&page->json, "next", is_more ? slice_of(page->id) : SLICE_NONE);
	writer_close(&page->json, '}');
	return 0;
}
