#include "tests/support/oom.h"

#include <stddef.h>
#include <stdlib.h>

static struct {
	bool is_armed, is_lasting, has_failed;
	uint32_t left;
} oom;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool is_out(void)
{
	if (!oom.is_armed)
		return false;
	if (oom.left > 0) {
		oom.left--;
		return false;
	}
	oom.is_armed = oom.is_lasting;
	oom.has_failed = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return is_out() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return is_out() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return is_out() ? NULL : __real_realloc(old, size);
}

bool oom_sweep(uint32_t at, bool is_lasting)
{
	bool is_over = at > 0 && !oom.has_failed;

	if (at > OOM_SWEEP_MAX)
		abort();
	oom.is_armed = !is_over;
	oom.is_lasting = is_lasting;
	oom.has_failed = false;
	oom.left = at;
	return !is_over;
}

void oom_end(void)
{
	oom.is_armed = false;
}
