// SPDX-License-Identifier: BSD-2-Clause
/* See sock.h. */
#include "client/sock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/strbuf.h"

#define PIECE 65536

/* host:port, where a path was expected? */
static bool is_address(const char *where)
{
	const char *colon = strrchr(where, ':');

	return colon && colon[1] && !strchr(where, '/') &&
	       strspn(colon + 1, "0123456789") == strlen(colon + 1);
}

static void explain(const char *path, int err, struct strbuf *why)
{
	struct stat st;

	if (err == ENOENT && is_address(path))
		strbuf_set_f(why, "there is no socket %s; of a TCP address write http://%s", path,
			     path);
	else if (err == ENOENT)
		strbuf_set_f(why, "no service at %s: start it with ctrace-bpf serve", path);
	else if (err == ECONNREFUSED && !stat(path, &st) && !S_ISSOCK(st.st_mode))
		strbuf_set_f(why, "%s is no socket; name the one of ctrace-bpf serve", path);
	else if (err == ECONNREFUSED)
		strbuf_set_f(
			why,
			"no service at %s: the one that made this socket is gone; start it with ctrace-bpf serve",
			path);
	else if (err == EAGAIN)
		strbuf_set_f(why, "the service at %s has too many callers; try again later", path);
	else
		strbuf_set_f(why, "cannot reach the service at %s: %s", path, strerror(err));
}

int sock_connect(const char *path, struct strbuf *why)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(to.sun_path)) {
		strbuf_set_f(why, "%s: longer than the name of a socket can be, %zu bytes", path,
			     sizeof(to.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		err = errno;
		strbuf_set_f(why, "cannot make a socket: %s", strerror(err));
		return -err;
	}
	if (!connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	err = errno;
	explain(path, err, why);
	close(fd);
	return -err;
}

int sock_send(int fd, const struct strbuf *text, size_t *at, const int *pass, size_t npass)
{
	union {
		char bytes[CMSG_SPACE(SOCK_FDS_MAX * sizeof(int))];
		struct cmsghdr head;
	} control = { 0 };
	struct iovec iov;
	struct msghdr msg;
	ssize_t n;

	if (npass > SOCK_FDS_MAX)
		return -EINVAL;
	while (*at < text->len) {
		iov = (struct iovec){ text->buf + *at, text->len - *at };
		msg = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
		if (npass && !*at) {
			control.head.cmsg_level = SOL_SOCKET;
			control.head.cmsg_type = SCM_RIGHTS;
			control.head.cmsg_len = CMSG_LEN(npass * sizeof(int));
			memcpy(CMSG_DATA(&control.head), pass, npass * sizeof(int));
			msg.msg_control = &control;
			msg.msg_controllen = CMSG_SPACE(npass * sizeof(int));
		}
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			*at += (size_t)n;
	}
	return 0;
}

int sock_line(int fd, struct strbuf *in, size_t max, size_t *len)
{
	char piece[PIECE];
	size_t seen = 0;
	char *end;
	ssize_t n;

	for (;;) {
		end = memchr(in->buf + seen, '\n', in->len - seen);
		if (end) {
			*len = (size_t)(end - in->buf);
			return 0;
		}
		seen = in->len;
		if (in->len > max)
			return -EMSGSIZE;
		n = recv(fd, piece, sizeof(piece), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ECONNRESET ? -EPIPE : -errno;
		if (!n)
			return -EPIPE;
		strbuf_add(in, piece, (size_t)n);
	}
}

void sock_line_done(struct strbuf *in, size_t len)
{
	size_t left = in->len - len - 1;

	memmove(in->buf, in->buf + len + 1, left + 1); /* with the NUL */
	in->len = left;
}

bool sock_is_stale(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLRDHUP };

	return poll(&p, 1, 0) != 0;
}
