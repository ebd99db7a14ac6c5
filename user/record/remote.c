// SPDX-License-Identifier: BSD-2-Clause
/* See remote.h. */
#include "record/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/session.h"
#include "util/signals.h"

union control {
	char space[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int remote_pair(int pair[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) ? -errno : 0;
}

int remote_send(int sock, const struct remote_msg *m, int fd)
{
	struct iovec iov = { (void *)(uintptr_t)m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control c = { { 0 } };
	struct cmsghdr *cm;
	ssize_t n;

	if (fd >= 0) {
		h.msg_control = c.space;
		h.msg_controllen = sizeof(c.space);
		cm = CMSG_FIRSTHDR(&h);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	}
	do {
		n = sendmsg(sock, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int remote_receive(int sock, struct remote_msg *m, int *fd)
{
	struct iovec iov = { m, sizeof(*m) };
	union control c = { { 0 } };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = c.space,
			    .msg_controllen = sizeof(c.space) };
	struct cmsghdr *cm;
	ssize_t n;

	*fd = -1;
	/* reset: the other end was closed with a word of ours unread; that is told once, ahead of
	 * what it said before */
	do {
		n = recvmsg(sock, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return -errno;
	cm = CMSG_FIRSTHDR(&h);
	if (cm && cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(cm), sizeof(int));
	if (n == sizeof(*m))
		return 0;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return -EPIPE;
}

/* ---- in the recorder ---- */

static void obey(int sock, bool by_signal)
{
	int flags = fcntl(sock, F_GETFL);

	fcntl(sock, F_SETFL, by_signal ? flags | O_ASYNC : flags & ~O_ASYNC);
}

void remote_child(int sock, pid_t parent)
{
	sigset_t set;

	setpgid(0, 0);
	signal(SIGTTOU, SIG_IGN); /* it may speak, of errors */
	signals_heard(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fcntl(sock, F_SETOWN, getpid());
	fcntl(sock, F_SETSIG, SIGTERM);
	obey(sock, true);
	if (getppid() != parent) /* it was closed before */
		raise(SIGTERM);
}

static int sock_of(const void *ctx)
{
	return (int)(intptr_t)ctx;
}

/* What must be heard waits until there is room for it, or nobody to hear it. */
static void tell(int sock, struct remote_msg *m, const char *why)
{
	struct pollfd p = { .fd = sock, .events = POLLOUT };

	snprintf(m->why, sizeof(m->why), "%s", why);
	while (remote_send(sock, m, -1) == -EAGAIN)
		poll(&p, 1, -1);
}

static void begun(void *ctx)
{
	obey(sock_of(ctx), false);
	tell(sock_of(ctx), &(struct remote_msg){ .verb = REMOTE_BEGUN }, "");
}

static void progress(void *ctx, const struct session_numbers *n)
{
	struct remote_msg m = { .verb = REMOTE_PROGRESS };

	m.totals = (struct record_totals){ .begun = true,
					   .seconds = n->seconds,
					   .events = n->events,
					   .lost = n->lost,
					   .bytes = n->bytes };
	remote_send(sock_of(ctx), &m, -1); /* or not: the next one tells more */
}

static enum session_word take(void *ctx, int *fd)
{
	struct remote_msg m = { 0 };
	int err = remote_receive(sock_of(ctx), &m, fd);

	if (err == -EAGAIN)
		return SESSION_NOTHING;
	if (err)
		return SESSION_ALONE;
	if (m.verb == REMOTE_SNAPSHOT && *fd >= 0)
		return SESSION_SNAPSHOT;
	return SESSION_STOP;
}

static void snapshot_done(void *ctx, int err, const char *why)
{
	struct remote_msg m = { .verb = REMOTE_SNAPSHOT_DONE, .code = err };

	tell(sock_of(ctx), &m, why);
}

struct session_control remote_control(int sock)
{
	return (struct session_control){
		.fd = sock,
		.take = take,
		.begun = begun,
		.progress = progress,
		.snapshot_done = snapshot_done,
		.ctx = (void *)(intptr_t)sock,
	};
}

void remote_end(int sock, enum exit_code code, const struct record_totals *totals, const char *why)
{
	struct remote_msg m = { .verb = REMOTE_ENDED, .code = (int)code, .totals = *totals };

	tell(sock, &m, why);
}
