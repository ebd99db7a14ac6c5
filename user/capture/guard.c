// SPDX-License-Identifier: BSD-2-Clause
/* See guard.h. */
#include "capture/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/privileges.h"

/* The kernel takes the programs of who was killed back in its own time: one may stop the held one
 * a last time, after the first SIGCONT. */
#define TRIES 5
#define PAUSE_NS 200000000

/* The two become descriptors 3 and 4. */
static void only_these(int fd, int pidfd)
{
	fd = fcntl(fd, F_DUPFD, 5);
	pidfd = fcntl(pidfd, F_DUPFD, 5);
	dup2(fd, 3);
	dup2(pidfd, 4);
	close_range(5, ~0u, 0);
	close_range(0, 2, 0); /* who waits for the end of our output is not to wait for the guard */
}

static void __attribute__((noreturn)) watch(int fd, int pidfd)
{
	struct timespec pause = { 0, PAUSE_NS };
	sigset_t all;
	ssize_t n;
	int i;
	char c;

	sigfillset(&all); /* the terminal's are not for it */
	sigprocmask(SIG_SETMASK, &all, NULL);
	only_these(fd, pidfd);
	if (privileges_drop_everything())
		_exit(1); /* without a word: it is not there */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_NAME, "ctrace-guard", 0, 0, 0);
	(void)!send(3, "r", 1, MSG_NOSIGNAL);
	do {
		n = read(3, &c, 1);
	} while (n < 0 && errno == EINTR);
	for (i = 0; !n && i < TRIES; i++) {
		syscall(SYS_pidfd_send_signal, 4, SIGCONT, NULL, 0);
		nanosleep(&pause, NULL);
	}
	_exit(0);
}

/* It says so when it has no privileges any more. */
static int wait_for_it(const struct guard *g)
{
	ssize_t n;
	char c;

	do {
		n = read(g->fd, &c, 1);
	} while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : -EPERM;
}

int guard_start(struct guard *g, pid_t child)
{
	int pair[2] = { -1, -1 }, pidfd = (int)syscall(SYS_pidfd_open, child, 0), err = 0;

	if (pidfd < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		err = -errno;
		goto out;
	}
	g->pid = fork();
	if (g->pid < 0) {
		err = -errno;
		g->pid = 0;
		goto out;
	}
	if (!g->pid) {
		close(pair[1]);
		watch(pair[0], pidfd);
	}
	g->fd = pair[1];
	pair[1] = -1;
	close(pair[0]); /* or its end would not be seen */
	pair[0] = -1;
	err = wait_for_it(g);
	if (err)
		guard_end(g);
out:
	if (pidfd >= 0)
		close(pidfd);
	if (pair[0] >= 0)
		close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
	return err;
}

void guard_end(struct guard *g)
{
	if (!g->pid)
		return;
	(void)!send(g->fd, "f", 1, MSG_NOSIGNAL);
	close(g->fd);
	while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
		;
	g->pid = 0;
}
