// SPDX-License-Identifier: BSD-2-Clause
/* See errand.h. */
#include "rights/errand.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/invoker.h"
#include "util/loop.h"
#include "util/xalloc.h"

#define LAST_MOMENT 200 /* ms for who was killed */

/* Nothing stays open behind stderr but fd, which becomes the first. */
static int keep_only(int fd)
{
	const int first = STDERR_FILENO + 1;

	if (fd >= 0 && fd != first && dup2(fd, first) < 0)
		return -errno;
	if (syscall(SYS_close_range, fd >= 0 ? first + 1 : first, ~0u, 0))
		return -errno;
	return fd >= 0 ? first : -1;
}

/* Also of root, who stays the owner of his files without them. */
static int drop_capabilities(void)
{
	cap_t none = cap_init();
	int err = none && !cap_set_proc(none) ? 0 : -EPERM;

	cap_free(none);
	return err;
}

static int become(uid_t uid, gid_t gid)
{
	struct invoker who = { .other = true, .uid = uid, .gid = gid };

	if (uid == ERRAND_US)
		return 0;
	/* who is ourselves already may have no right to say so once more, and needs none */
	if ((uid != geteuid() || !geteuid()) && invoker_become(&who))
		return -EPERM;
	return drop_capabilities();
}

static void work(uid_t uid, gid_t gid, unsigned seconds, errand_fn fn, void *ctx, int fd)
{
	sigset_t none;
	int err, sig;

	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	alarm(seconds);
	fd = keep_only(fd);
	err = fd < -1 ? fd : become(uid, gid);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!err)
		err = fn(ctx, fd);
	_exit(-err & 0xff);
}

pid_t errand_begin(uid_t uid, gid_t gid, unsigned seconds, errand_fn fn, void *ctx, int fd)
{
	pid_t pid = fork();

	if (!pid)
		work(uid, gid, seconds, fn, ctx, fd);
	return pid < 0 ? -errno : pid;
}

void errand_kill(pid_t pid, int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	kill(pid, SIGKILL);
	if (pidfd >= 0)
		poll(&p, 1, LAST_MOMENT);
	waitpid(pid, NULL, WNOHANG);
}

/* One that was left to itself. */
struct left {
	pid_t pid;
	int pidfd;
	struct loop_watch *watch;
};

static void left_ended(void *ctx, uint32_t events)
{
	struct left *l = ctx;

	(void)events;
	waitpid(l->pid, NULL, WNOHANG);
	loop_watch__end(l->watch);
	close(l->pidfd);
	free(l);
}

void errand_leave(pid_t pid, struct loop *loop)
{
	struct left *l = xcalloc(1, sizeof(*l));

	*l = (struct left){ .pid = pid, .pidfd = (int)syscall(SYS_pidfd_open, pid, 0) };
	kill(pid, SIGKILL);
	if (l->pidfd >= 0)
		l->watch = loop__watch(loop, l->pidfd, EPOLLIN, left_ended, l);
	if (l->watch)
		return;
	errand_kill(pid, l->pidfd);
	if (l->pidfd >= 0)
		close(l->pidfd);
	free(l);
}

int errand_do(uid_t uid, gid_t gid, unsigned seconds, errand_fn fn, void *ctx)
{
	pid_t pid = errand_begin(uid, gid, seconds, fn, ctx, -1);
	struct pollfd p = { .events = POLLIN };
	siginfo_t end = { 0 };

	if (pid < 0)
		return pid;
	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	while (p.fd >= 0 && poll(&p, 1, (int)seconds * 1000) < 0 && errno == EINTR)
		;
	if (!(p.revents & POLLIN))
		errand_kill(pid, p.fd);
	else
		waitid(P_PID, (id_t)pid, &end, WEXITED);
	if (p.fd >= 0)
		close(p.fd);
	return end.si_code == CLD_EXITED ? -end.si_status : -ETIMEDOUT;
}
