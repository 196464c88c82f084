/* base/err.c -- names and texts of err.inc; the kernel's own for negative errno. */
#include "base/err.h"

#include <stddef.h>
#include <string.h>

/* Two switches over the same list: the compiler refuses a value that is given twice. */
const char *err_name(int err)
{
	const char *name;

	switch (err) {
#define ERR(id, value, text)                                                                       \
	case value:                                                                                \
		return #id;
#include "base/err.inc"
#undef ERR
	case 0:
		return "OK";
	default:
		name = err < 0 && err > -1000 ? strerrorname_np(-err) : NULL;
		return name ? name : "UNKNOWN";
	}
}

const char *err_text(int err)
{
	const char *text;

	switch (err) {
#define ERR(id, value, words)                                                                      \
	case value:                                                                                \
		return words;
#include "base/err.inc"
#undef ERR
	case 0:
		return "success";
	default:
		text = err < 0 && err > -1000 ? strerrordesc_np(-err) : NULL;
		return text ? text : "unknown error";
	}
}
