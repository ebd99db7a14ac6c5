// SPDX-License-Identifier: BSD-2-Clause
/* See symzygote.h. */
#include "symbol/symzygote.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "symbol/symproto.h"
#include "util/clock.h"
#include "util/privileges.h"
#include "util/xalloc.h"

/* Of a worker: bytes of its own memory; files that it maps do not count. */
#define MEMORY_MAX (4ull << 30)
/* Modules are two descriptors each. */
#define FILES_MAX 200000
/* A killed worker is gone in less, unless a file system holds it. */
#define GONE_NS 200000000ull

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

static int drop_all(bool reads)
{
	int err = reads ? privileges_drop_to_reading() : privileges_drop_everything();

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return err;
}

/* The worker there is, and those that could not be ended. */
struct brood {
	pid_t worker;
	pid_t stuck[ZYGOTE_STUCK_MAX];
	unsigned nstuck;
};

static bool is_gone(pid_t pid, int *status)
{
	return waitpid(pid, status, WNOHANG) == pid;
}

static void bury_stuck(struct brood *b)
{
	unsigned i, n = 0;

	for (i = 0; i < b->nstuck; i++)
		if (!is_gone(b->stuck[i], NULL))
			b->stuck[n++] = b->stuck[i];
	b->nstuck = n;
}

static void kill_worker(struct brood *b, struct zygote_reply *r)
{
	struct timespec moment = { 0, 1000000 };
	uint64_t until = clock_mono() + GONE_NS;
	bool dead;

	bury_stuck(b);
	if (!b->worker)
		return;
	/* one that is ending already keeps the reason that it has */
	kill(b->worker, SIGKILL);
	while (!(dead = is_gone(b->worker, &r->status)) && clock_mono() < until)
		nanosleep(&moment, NULL);
	if (!dead) {
		r->status = SIGKILL;
		b->stuck[b->nstuck++] = b->worker;
	}
	b->worker = 0;
}

static void __attribute__((noreturn)) worker(int sock, pid_t parent, const struct zygote_opts *o)
{
	die_with(parent);
	sock = only_socket(sock);
	limit(RLIMIT_NOFILE, FILES_MAX);
	if (!SANITIZED)
		limit(RLIMIT_DATA, MEMORY_MAX);
	o->run(sock, o->ctx);
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

/* *sock: our end of the new worker's; 0 or -errno */
static int new_worker(struct brood *b, const struct zygote_opts *o, int *sock)
{
	pid_t self = getpid();
	int pair[2], err = 0;

	if (b->nstuck == ZYGOTE_STUCK_MAX)
		return -EBUSY;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	b->worker = fork();
	if (!b->worker)
		worker(pair[1], self, o);
	if (b->worker < 0) {
		err = -errno;
		b->worker = 0;
		close(pair[0]);
	}
	close(pair[1]);
	*sock = pair[0];
	return err;
}

static void __attribute__((noreturn)) zygote(int sock, const struct zygote_opts *o)
{
	struct brood brood = { 0 };
	int fd = -1;
	char c;

	while (read(sock, &c, 1) == 1) {
		struct zygote_reply r = { .err = 0 };

		kill_worker(&brood, &r);
		r.err = new_worker(&brood, o, &fd);
		r.worker = brood.worker;
		reply(sock, &r, r.err ? -1 : fd);
		if (!r.err)
			close(fd);
	}
	_exit(0); /* the worker dies with us */
}

int zygote_start(struct zygote *z, const struct zygote_opts *o)
{
	pid_t self = getpid();
	int pair[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	z->pid = fork();
	if (z->pid < 0) {
		err = -errno;
		z->pid = 0;
		close(pair[0]);
		close(pair[1]);
		return err;
	}
	if (!z->pid) {
		int sock = only_socket(pair[1]);

		quiet_signals();
		limit(RLIMIT_CORE, 0);
		if (drop_all(o->reads))
			_exit(1);
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		prctl(PR_SET_NAME, o->name, 0, 0, 0);
		die_with(self); /* a change of user forgets it: after that */
		zygote(sock, o);
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
