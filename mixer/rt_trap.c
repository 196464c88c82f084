/* mixer/rt_trap.c -- the wrappers stand in every executable that links a worker in a trap build.
 *
 * Memory goes on to glibc's __libc_* twins: dlsym itself may allocate, so it cannot be asked for
 * malloc. The others are looked up behind us (RTLD_NEXT) at their first use.
 */
#include "mixer/rt_trap.h"

#ifdef HEARTH_RT_TRAP

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

static _Thread_local int trap_depth;

void rt_trap_enter(void)
{
	trap_depth++;
}

void rt_trap_leave(void)
{
	trap_depth--;
}

static void trap_check(const char *what)
{
	static const char text[] = " called on a mixer worker inside a tick\n";

	if (trap_depth == 0)
		return;
	trap_depth = 0; /* abort handlers may allocate */
	(void)!write(STDERR_FILENO, "rt_trap: ", 9);
	(void)!write(STDERR_FILENO, what, strlen(what));
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	abort();
}

void *malloc(size_t size)
{
	trap_check("malloc");
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	trap_check("calloc");
	return __libc_calloc(count, size);
}

void *realloc(void *p, size_t size)
{
	trap_check("realloc");
	return __libc_realloc(p, size);
}

void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size)
{
	trap_check("memalign");
	return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	trap_check("aligned_alloc");
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
	void *p;

	trap_check("posix_memalign");
	p = __libc_memalign(alignment, size);
	if (!p)
		return ENOMEM;
	*ret = p;
	return 0;
}

void free(void *p)
{
	trap_check("free");
	__libc_free(p);
}

/* The next definition of a function, looked up once; a race of two threads stores the same value.
 */
#define TRAP_NEXT(type, name)                                                                      \
	static type *_Atomic next;                                                                 \
	type *call = next;                                                                         \
	if (!call) {                                                                               \
		*(void **)(void *)&call = dlsym(RTLD_NEXT, name);                                  \
		next = call;                                                                       \
	}

typedef int mutex_fn(pthread_mutex_t *);
typedef int rwlock_fn(pthread_rwlock_t *);
typedef int cond_wait_fn(pthread_cond_t *, pthread_mutex_t *);
typedef int nanosleep_fn(const struct timespec *, struct timespec *);
typedef int usleep_fn(useconds_t);
typedef int open_fn(const char *, int, ...);
typedef FILE *fopen_fn(const char *, const char *);
typedef int vfprintf_fn(FILE *, const char *, va_list);

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	TRAP_NEXT(mutex_fn, "pthread_mutex_lock");
	trap_check("pthread_mutex_lock");
	return call(mutex);
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	TRAP_NEXT(mutex_fn, "pthread_mutex_trylock");
	trap_check("pthread_mutex_trylock");
	return call(mutex);
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
	TRAP_NEXT(rwlock_fn, "pthread_rwlock_rdlock");
	trap_check("pthread_rwlock_rdlock");
	return call(lock);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
	TRAP_NEXT(rwlock_fn, "pthread_rwlock_wrlock");
	trap_check("pthread_rwlock_wrlock");
	return call(lock);
}

int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	TRAP_NEXT(cond_wait_fn, "pthread_cond_wait");
	trap_check("pthread_cond_wait");
	return call(cond, mutex);
}

int nanosleep(const struct timespec *wanted, struct timespec *left)
{
	TRAP_NEXT(nanosleep_fn, "nanosleep");
	trap_check("nanosleep");
	return call(wanted, left);
}

int usleep(useconds_t us)
{
	TRAP_NEXT(usleep_fn, "usleep");
	trap_check("usleep");
	return call(us);
}

int open(const char *path, int flags, ...)
{
	TRAP_NEXT(open_fn, "open");
	va_list ap;
	int mode;

	trap_check("open");
	va_start(ap, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, int) : 0;
	va_end(ap);
	return call(path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	TRAP_NEXT(fopen_fn, "fopen");
	trap_check("fopen");
	return call(path, mode);
}

int vfprintf(FILE *file, const char *fmt, va_list ap)
{
	TRAP_NEXT(vfprintf_fn, "vfprintf");
	trap_check("vfprintf");
	return call(file, fmt, ap);
}

#endif
