// SPDX-License-Identifier: BSD-2-Clause
/*
 * See ctrace/control.h. Part of no program of ours: it is built by itself, and has nothing but libc.
 *
 * There is one connection for each trace. Nothing is done at fork(): a child finds by its pid that
 * what is noted here is its parent's. A descriptor is used only while it is the socket that was
 * opened: the program may have closed all that it did not know.
 */
#include "include/ctrace/control.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "rpc/wire.h"

#define SOCKET_ENV "CTRACE_SOCKET"
#define SOCKET_PATH "/run/ctrace/control.sock"

static __thread char sentence[256];

/* Of the process that it says. */
static struct {
	pid_t pid; /* 0: it is off */
	int fd;
	dev_t dev;
	ino_t ino;
} on;

__attribute__((format(printf, 2, 3))) static int fail(int err, const char *fmt, ...)
{
	va_list ap;

	errno = err; /* for %m */
	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	errno = err;
	return -1;
}

/* ---- one thread at a time ---- */

static int holder; /* the pid of the process of which a thread is in here; 0: none is */

/* A child may be made while its parent holds it: then it is nobody's there. */
static void lock(void)
{
	int me = getpid(), is = 0;

	while (!__atomic_compare_exchange_n(&holder, &is, me, false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		if (is == me) {
			syscall(SYS_futex, &holder, FUTEX_WAIT_PRIVATE, is, NULL, NULL, 0);
			is = 0;
		}
	}
}

static void unlock(void)
{
	__atomic_store_n(&holder, 0, __ATOMIC_RELEASE);
	syscall(SYS_futex, &holder, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* ---- the connection ---- */

static void note(int fd, const struct stat *st)
{
	on.pid = getpid();
	on.fd = fd;
	on.dev = st->st_dev;
	on.ino = st->st_ino;
}

static bool is_ours(void)
{
	struct stat st;

	return !fstat(on.fd, &st) && S_ISSOCK(st.st_mode) && st.st_dev == on.dev &&
	       st.st_ino == on.ino;
}

/* Of a child it is the parent's that is closed, which the parent still has. */
static void forget(void)
{
	if (is_ours())
		close(on.fd);
	on.pid = 0;
}

static bool has_hung_up(void)
{
	char c;
	ssize_t n = recv(on.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

	return !n || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* Is it on, here? Not if the service has gone meanwhile, which has ended it. */
static bool is_on(void)
{
	if (on.pid && (on.pid != getpid() || !is_ours() || has_hung_up()))
		forget();
	return on.pid;
}

/* Not in place of standard input or output that was closed. */
static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), high;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fd);
	return high;
}

/* Is noted when it is there. 0 or -1 with the sentence, as all that follow. */
static int dial(void)
{
	const char *path = secure_getenv(SOCKET_ENV);
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct stat st;
	int fd, err;

	if (!path || !*path)
		path = SOCKET_PATH;
	if (strlen(path) >= sizeof(to.sun_path))
		return fail(ENAMETOOLONG, "%.100s...: %m for a socket", path);
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = new_socket();
	if (fd < 0 || fstat(fd, &st))
		return fail(errno, "cannot make a socket: %m");
	do {
		err = connect(fd, (const struct sockaddr *)&to, sizeof(to)) ? errno : 0;
	} while (err == EINTR);
	if (!err) {
		note(fd, &st);
		return 0;
	}
	close(fd);
	if (err == ENOENT || err == ECONNREFUSED)
		return fail(err, "no service at %s: start it with ctrace-bpf serve", path);
	return fail(err, "cannot connect to %s: %m", path);
}

union descriptor {
	char space[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* fd: goes along; -1: none */
static int ask(enum wire_verb verb, int fd)
{
	struct wire_ask a = { .magic = WIRE_MAGIC, .version = WIRE_VERSION, .verb = (uint8_t)verb };
	struct iovec iov = { &a, sizeof(a) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	union descriptor d = { { 0 } };
	struct cmsghdr *c;
	ssize_t n;

	a.pid = (uint32_t)on.pid;
	if (fd >= 0) {
		m.msg_control = d.space;
		m.msg_controllen = sizeof(d.space);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	do {
		n = sendmsg(on.fd, &m, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n == sizeof(a))
		return 0;
	if (n < 0 && errno == EBADF)
		return fail(EBADF, "descriptor %d is not open", fd);
	return fail(EPIPE, "the service has ended");
}

/* Waits for it, however long. */
static int hear(void)
{
	struct wire_answer a = { .magic = 0 };
	size_t have = 0;
	ssize_t n;

	while (have < sizeof(a)) {
		n = recv(on.fd, (char *)&a + have, sizeof(a) - have, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(EPIPE, "the service has ended");
		have += (size_t)n;
		if (a.magic != WIRE_MAGIC)
			break;
	}
	if (a.magic != WIRE_MAGIC || a.version != WIRE_VERSION || a.verb != WIRE_ANSWER)
		return fail(EPROTO, "what answers is no service of this version");
	a.why[sizeof(a.why) - 1] = 0;
	return a.err ? fail(a.err, "%s", a.why) : 0;
}

/* ---- what is offered ---- */

static int start(int fd)
{
	int err;

	if (is_on())
		return fail(EALREADY, "tracing is already enabled");
	if (fcntl(fd, F_GETFD) < 0)
		return fail(EBADF, "descriptor %d is not open", fd);
	if (dial())
		return -1;
	if (!ask(WIRE_START, fd) && !hear())
		return 0;
	err = errno;
	forget();
	errno = err;
	return -1;
}

static int stop(int unused)
{
	int ret, err;

	(void)unused;

	if (!on.pid || on.pid != getpid())
		return fail(EINVAL, "tracing is not enabled");
	if (!is_ours()) {
		on.pid = 0;
		return fail(
			EPIPE,
			"the program has closed the connection to the service: the trace ended with it");
	}
	ask(WIRE_STOP, -1); /* it may have ended, and said so already */
	ret = hear();
	err = errno;
	forget();
	errno = err;
	return ret;
}

static int alone(int (*fn)(int fd), int fd)
{
	int was, ret, err;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &was);
	lock();
	ret = fn(fd);
	err = errno;
	unlock();
	pthread_setcancelstate(was, NULL);
	errno = err;
	return ret;
}

int ctrace_start(int fd)
{
	return alone(start, fd);
}

int ctrace_stop(void)
{
	return alone(stop, -1);
}

const char *ctrace_error(void)
{
	return sentence;
}
