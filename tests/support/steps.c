/* tests/support/steps.c */
#include "tests/support/steps.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* By the kernel alone: what a library does around it would be counted. */
static void stop_here(void)
{
	(void)syscall(SYS_kill, syscall(SYS_getpid), SIGSTOP);
}

static void child(void (*fn)(void *arg), void *arg)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(1);
	fn(arg); /* what is bound at the first call is bound now */
	stop_here();
	fn(arg);
	stop_here();
	_exit(0);
}

static int signal_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return -1;
	return WSTOPSIG(status);
}

static long count(pid_t pid)
{
	long steps = 0;

	if (signal_of(pid) != SIGSTOP)
		return -1;
	for (;;) {
		int signal;

		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL))
			return -1;
		signal = signal_of(pid);
		if (signal == SIGSTOP)
			return steps;
		if (signal != SIGTRAP)
			return -1;
		steps++;
	}
}

long steps_of(void (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();
	long steps;

	if (pid < 0)
		return -1;
	if (pid == 0)
		child(fn, arg);
	steps = count(pid);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return steps;
}
