/* base/attr.h -- compiler attributes and the few macros that everybody needs. */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#include <stddef.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))

#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define MUST_CHECK __attribute__((warn_unused_result))

/* A function whose name ends in _rt runs on a mixer worker: it neither allocates, locks, logs
 * nor blocks. clang 20 and later can check the mark (-fsanitize=realtime). */
#if defined(__has_attribute)
#if __has_attribute(nonblocking) && defined(HEARTH_RTSAN)
#define NONBLOCKING __attribute__((nonblocking))
#endif
#endif
#ifndef NONBLOCKING
#define NONBLOCKING
#endif

#endif
