// SPDX-License-Identifier: BSD-2-Clause
/* See symzygote.h. */
#include "symbol/symzygote.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "symbol/symproto.h"
#include "util/privileges.h"
#include "util/xalloc.h"

/* Of a worker: bytes of its own memory; files that it maps do not count. */
#define MEMORY_MAX (4ull << 30)
/* Modules are two descriptors each. */
#define FILES_MAX 200000

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* needs all addresses, and stderr */
#else
#define SANITIZED 0
#endif

/* Without this the process might outlive its parent that is killed. */
static void die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(0);
}

static void limit(int what, rlim_t max)
{
	struct rlimit r;

	if (getrlimit(what, &r))
		return;
	if (r.rlim_max == RLIM_INFINITY || r.rlim_max > max)
		r.rlim_max = max;
	r.rlim_cur = r.rlim_max;
	setrlimit(what, &r);
}

/* Nothing of the program's stays open but the socket, which becomes descriptor 3. */
static int only_socket(int sock)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
		if (!SANITIZED)
			dup2(null, 2);
	}
	if (sock != 3)
		dup2(sock, 3);
	close_range(4, ~0u, 0);
	fcntl(3, F_SETFD, FD_CLOEXEC);
	return 3;
}

/* The terminal's signals are for the program; it tells us when to end by closing the socket. */
static void quiet_signals(void)
{
	static const int ignored[] = { SIGINT,	SIGQUIT, SIGHUP,  SIGTERM,
				       SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM };
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGABRT };
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	/* a handler of who calls us would go on in the midst of his work, twice */
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		signal(faults[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int drop_all(void)
{
	cap_t none;
	int err = privileges_drop(0);

	if (err)
		return err;
	none = cap_init();
	if (!none)
		return -ENOMEM;
	if (cap_set_proc(none))
		err = -errno;
	cap_free(none);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return err;
}

static void kill_worker(pid_t *worker, struct zygote_reply *r)
{
	if (!*worker)
		return;
	/* one that is ending already keeps the reason that it has */
	kill(*worker, SIGKILL);
	waitpid(*worker, &r->status, 0);
	*worker = 0;
}

static void __attribute__((noreturn)) worker(int sock, pid_t parent, symworker_hook hook)
{
	die_with(parent);
	sock = only_socket(sock);
	limit(RLIMIT_NOFILE, FILES_MAX);
	if (!SANITIZED)
		limit(RLIMIT_DATA, MEMORY_MAX);
	symworker_run(sock, hook);
	_exit(0);
}

/* A reply goes as a packet of its own kind, with the socket along. */
static int reply(int sock, const struct zygote_reply *r, int fd)
{
	static struct sym_packet p;

	sym_packet_start(&p, SYM_DONE, 0);
	sym_packet_add(&p, r, sizeof(*r));
	return sym_send(sock, &p, &fd, fd >= 0);
}

static void __attribute__((noreturn)) zygote(int sock, symworker_hook hook)
{
	pid_t child = 0, self = getpid();
	int pair[2];
	char c;

	while (read(sock, &c, 1) == 1) {
		struct zygote_reply r = { .err = 0 };

		kill_worker(&child, &r);
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
			r.err = -errno;
			reply(sock, &r, -1);
			continue;
		}
		child = fork();
		if (!child)
			worker(pair[1], self, hook);
		close(pair[1]);
		if (child < 0) {
			r.err = -errno;
			child = 0;
		}
		reply(sock, &r, r.err ? -1 : pair[0]);
		close(pair[0]);
	}
	_exit(0); /* the worker dies with us */
}

int zygote_start(struct zygote *z, symworker_hook hook)
{
	pid_t self = getpid();
	int pair[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	z->pid = fork();
	if (z->pid < 0) {
		err = -errno;
		close(pair[0]);
		close(pair[1]);
		return err;
	}
	if (!z->pid) {
		int sock = only_socket(pair[1]);

		quiet_signals();
		limit(RLIMIT_CORE, 0);
		if (drop_all())
			_exit(1);
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		prctl(PR_SET_NAME, "ctrace-symbols", 0, 0, 0);
		die_with(self); /* a change of user forgets it: after that */
		zygote(sock, hook);
	}
	close(pair[1]);
	z->sock = pair[0];
	return 0;
}

void zygote_stop(struct zygote *z)
{
	if (!z->pid)
		return;
	close(z->sock);
	kill(z->pid, SIGKILL); /* not waited for by anybody else, so it is still ours */
	while (waitpid(z->pid, NULL, 0) < 0 && errno == EINTR)
		;
	z->pid = 0;
}

int zygote_worker(struct zygote *z, int *sock, struct zygote_reply *r)
{
	struct sym_packet *p = xcalloc(1, sizeof(*p));
	size_t nfd = 0;
	int fd[2], err;

	err = send(z->sock, "n", 1, MSG_NOSIGNAL) == 1 ? sym_recv(z->sock, p, fd, &nfd) : -errno;
	if (!err && p->len == sizeof(struct sym_msg) + sizeof(*r)) {
		memcpy(r, p->data + sizeof(struct sym_msg), sizeof(*r));
		err = r->err;
	} else if (!err) {
		err = -EPROTO;
	}
	if (!err && nfd != 1)
		err = -EPROTO;
	if (!err)
		*sock = fd[0];
	else
		while (nfd)
			close(fd[--nfd]);
	free(p);
	return err;
}
