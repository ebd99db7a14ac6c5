// SPDX-License-Identifier: BSD-2-Clause
/*
 * Exact numbers of many syscalls. Out: "ready PID"; after a line on stdin it makes them and prints
 * "NAME N" a line and "done"; ends at the end of stdin. None of the names is used for anything
 * else, by it or by libc.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#include "prog.h"

static char line[64];
static int ev, pipe_fd[2];
static uint64_t one = 1;
static char byte = 'x';

#define CALLS(X)                                                              \
	X(getppid, 1000, syscall(SYS_getppid))                                \
	X(getuid, 317, syscall(SYS_getuid))                                   \
	X(geteuid, 1, syscall(SYS_geteuid))                                   \
	X(getpgid, 29, syscall(SYS_getpgid, 0))                               \
	X(sched_yield, 123, syscall(SYS_sched_yield))                         \
	X(umask, 77, syscall(SYS_umask, 022))                                 \
	X(pwrite64, 64, syscall(SYS_pwrite64, -1, &byte, 1, 0))               \
	X(writev, 55, syscall(SYS_writev, pipe_fd[1], &iov, 1))               \
	X(readv, 55, syscall(SYS_readv, pipe_fd[0], &iov, 1))                 \
	X(poll, 40, syscall(SYS_poll, &pfd, 1, 1))                            \
	X(clock_nanosleep, 25, syscall(SYS_clock_nanosleep, 0, 0, &us, NULL)) \
	X(dup, 10, close_it((int)syscall(SYS_dup, ev)))                       \
	X(getcwd, 33, syscall(SYS_getcwd, line, sizeof(line)))                \
	X(faccessat, 44, syscall(SYS_faccessat, -1, "", 0))                   \
	X(getpriority, 500, syscall(SYS_getpriority, 0, 0))

static long close_it(int fd)
{
	return close(fd);
}

int main(void)
{
	struct timespec us = { .tv_nsec = 50000 };
	struct iovec iov = { &byte, 1 };
	struct pollfd pfd = { .events = POLLIN };
	int i;

	ev = eventfd(0, 0);
	OK(ev);
	OK(pipe(pipe_fd));
	pfd.fd = ev;
	(void)one;
	printf("ready %d\n", getpid());
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 0;
#define X(name, n, call)          \
	for (i = 0; i < (n); i++) \
		(void)(call);
	CALLS(X)
#undef X
#define X(name, n, call) printf("%s %d\n", #name, n);
	CALLS(X)
#undef X
	printf("done\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
	return 0;
}
