// SPDX-License-Identifier: BSD-2-Clause
/* See iter.h. */
#include "capture/iter.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/patience.h"

#define SLICE_MS 20

static int read_all(int fd)
{
	char nothing[64];
	ssize_t n;

	do {
		n = read(fd, nothing, sizeof(nothing));
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

int iter_run(int link_fd)
{
	int fd = bpf_iter_create(link_fd), err;

	if (fd < 0)
		return -errno;
	err = read_all(fd);
	close(fd);
	return err;
}

/* Holds nothing of ours but the iterator: who is held for ever would keep all of it. Other threads
 * may have held locks: nothing but system calls here. */
static void __attribute__((noreturn)) read_apart(int fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	prctl(PR_SET_NAME, "ctrace-threads", 0, 0, 0);
	dup2(fd, 0);
	close_range(1, ~0u, 0);
	_exit(read_all(0) ? EXIT_FAILURE : 0);
}

static int wait_for(pid_t pid)
{
	struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	struct patience patience = patience_begin(pid);
	bool over = false;
	int status = 0;

	while (!waitpid(pid, &status, WNOHANG) && !(over = patience_over(&patience)))
		poll(&p, 1, SLICE_MS);
	if (p.fd >= 0)
		close(p.fd);
	if (over) {
		kill(pid, SIGKILL); /* it ends when it is answered, and is nobody's then */
		return -ETIMEDOUT;
	}
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

int iter_run_apart(int link_fd)
{
	int fd = bpf_iter_create(link_fd), err;
	pid_t pid;

	if (fd < 0)
		return -errno;
	pid = fork();
	if (!pid)
		read_apart(fd);
	err = pid < 0 ? -errno : wait_for(pid);
	close(fd);
	return err;
}
