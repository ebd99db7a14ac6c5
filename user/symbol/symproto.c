// SPDX-License-Identifier: BSD-2-Clause
/* See symproto.h. */
#include "symbol/symproto.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

void sym_packet_start(struct sym_packet *p, uint32_t type, uint32_t module)
{
	struct sym_msg m = { .type = type, .module = module };

	p->len = 0;
	sym_packet_add(p, &m, sizeof(m));
}

void sym_packet_add(struct sym_packet *p, const void *data, size_t len)
{
	if (!len || len > sizeof(p->data) - p->len)
		return;
	memcpy(p->data + p->len, data, len);
	p->len += len;
}

struct sym_msg *sym_packet_head(struct sym_packet *p)
{
	return (struct sym_msg *)(void *)p->data;
}

union control {
	char space[CMSG_SPACE(2 * sizeof(int))];
	struct cmsghdr align;
};

int sym_send(int sock, const struct sym_packet *p, const int *fd, size_t nfd)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)p->data, .iov_len = p->len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control c = { { 0 } };
	struct cmsghdr *h;
	ssize_t n;

	if (nfd) {
		m.msg_control = c.space;
		m.msg_controllen = CMSG_SPACE(nfd * sizeof(int));
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(nfd * sizeof(int));
		memcpy(CMSG_DATA(h), fd, nfd * sizeof(int));
	}
	do {
		n = sendmsg(sock, &m, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int sym_recv(int sock, struct sym_packet *p, int fd[2], size_t *nfd)
{
	struct iovec iov = { .iov_base = p->data, .iov_len = sizeof(p->data) };
	union control c = { { 0 } };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = c.space,
			    .msg_controllen = sizeof(c.space) };
	struct cmsghdr *h;
	ssize_t n;

	*nfd = 0;
	do {
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	for (h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		*nfd = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fd, CMSG_DATA(h), *nfd * sizeof(int));
	}
	p->len = (size_t)n;
	if (!n)
		return -EPIPE;
	if (p->len < sizeof(struct sym_msg) || m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		while (*nfd)
			close(fd[--*nfd]);
		return -EPROTO;
	}
	return 0;
}
