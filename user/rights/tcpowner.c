// SPDX-License-Identifier: BSD-2-Clause
/* See tcpowner.h. */
#include "rights/tcpowner.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OPEN_STATES                                                          \
	(1u << TCP_ESTABLISHED | 1u << TCP_FIN_WAIT1 | 1u << TCP_FIN_WAIT2 | \
	 1u << TCP_CLOSE_WAIT | 1u << TCP_LAST_ACK | 1u << TCP_CLOSING)

/* An end that a process holds: others have no inode, and root for an owner. */
static bool is_held(unsigned state, unsigned long inode)
{
	return state < 32 && 1u << state & OPEN_STATES && inode;
}

/* ---- the two ends ---- */

union name {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static int take(const union name *n, bool *v4, uint32_t *addr, in_port_t *port)
{
	memset(addr, 0, 4 * sizeof(*addr));
	switch (n->any.sa_family) {
	case AF_INET:
		*v4 = true;
		addr[0] = n->in.sin_addr.s_addr;
		*port = n->in.sin_port;
		break;
	case AF_INET6:
		*v4 = IN6_IS_ADDR_V4MAPPED(&n->in6.sin6_addr);
		memcpy(addr, &n->in6.sin6_addr, 4 * sizeof(*addr));
		if (*v4)
			addr[0] = addr[3];
		*port = n->in6.sin6_port;
		break;
	default:
		return -ENOTSUP;
	}
	if (*v4 ? ntohl(addr[0]) >> 24 != 127 : !IN6_IS_ADDR_LOOPBACK(&n->in6.sin6_addr))
		return -ENOTSUP;
	return 0;
}

int tcp_ends_of(int fd, struct tcp_ends *e)
{
	union name near = { 0 }, far = { 0 };
	socklen_t near_len = sizeof(near), far_len = sizeof(far);
	bool far_v4 = false;
	int err;

	if (getsockname(fd, &near.any, &near_len) || getpeername(fd, &far.any, &far_len))
		return -errno;
	err = take(&near, &e->v4, e->near_addr, &e->near_port);
	if (!err)
		err = take(&far, &far_v4, e->far_addr, &e->far_port);
	return err ? err : e->v4 != far_v4 ? -ENOTSUP : 0;
}

/* ---- sock_diag(7) ---- */

static int send_question(int fd, const struct tcp_ends *e)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 req;
	} ask = {
		.head = { .nlmsg_len = sizeof(ask),
			  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST },
		.req = { .sdiag_family = e->v4 ? AF_INET : AF_INET6,
			 .sdiag_protocol = IPPROTO_TCP,
			 .idiag_states = OPEN_STATES,
			 .id = { .idiag_sport = e->far_port,
				 .idiag_dport = e->near_port,
				 .idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } } },
	};

	memcpy(ask.req.id.idiag_src, e->far_addr, sizeof(e->far_addr));
	memcpy(ask.req.id.idiag_dst, e->near_addr, sizeof(e->near_addr));
	return send(fd, &ask, sizeof(ask), 0) < 0 ? -errno : 0;
}

/* The kernel has answered when send() comes back. */
static int read_answer(int fd, const struct tcp_ends *e, uid_t *uid)
{
	_Alignas(struct nlmsghdr) char buf[4096];
	const struct nlmsghdr *head = (const void *)buf;
	const struct inet_diag_msg *m;
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	if (!NLMSG_OK(head, (size_t)n))
		return -EPROTO;
	if (head->nlmsg_type == NLMSG_ERROR &&
	    head->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr)))
		return ((const struct nlmsgerr *)NLMSG_DATA(head))->error ?: -EPROTO;
	if (head->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    head->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
		return -EPROTO;
	m = NLMSG_DATA(head);
	/* a listening socket is found as well, where there is no other */
	if (!is_held(m->idiag_state, m->idiag_inode) || m->id.idiag_sport != e->far_port ||
	    m->id.idiag_dport != e->near_port)
		return -ENOENT;
	*uid = m->idiag_uid;
	return 0;
}

int tcp_owner_by_diag(const struct tcp_ends *e, uid_t *uid)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), err;

	if (fd < 0)
		return -errno;
	err = send_question(fd, e);
	if (!err)
		err = read_answer(fd, e, uid);
	close(fd);
	return err;
}

/* ---- /proc/net ---- */

struct proc_line {
	uint32_t near_addr[4], far_addr[4];
	unsigned near_port, far_port, state, uid;
	unsigned long inode;
};

/* Eight hexadecimal digits for each word of an address, as the machine has it in memory. */
static bool read_addr(const char *s, unsigned words, uint32_t *addr)
{
	unsigned i;

	for (i = 0; i < words; i++)
		if (sscanf(s + (size_t)8 * i, "%8x", &addr[i]) != 1)
			return false;
	return true;
}

static bool read_line(const char *line, unsigned words, struct proc_line *l)
{
	char near[33], far[33];

	return sscanf(line, " %*u: %32[0-9A-F]:%x %32[0-9A-F]:%x %x %*x:%*x %*x:%*x %*x %u %*u %lu",
		      near, &l->near_port, far, &l->far_port, &l->state, &l->uid, &l->inode) == 7 &&
	       strlen(near) == (size_t)8 * words && strlen(far) == (size_t)8 * words &&
	       read_addr(near, words, l->near_addr) && read_addr(far, words, l->far_addr);
}

/* In a list of IPv6 the addresses of IPv4 are mapped. */
static bool same_addr(const uint32_t *seen, unsigned words, const uint32_t *addr, bool v4)
{
	if (words == 1)
		return v4 && seen[0] == addr[0];
	if (v4)
		return !seen[0] && !seen[1] && seen[2] == htonl(0xffff) && seen[3] == addr[0];
	return !memcmp(seen, addr, 4 * sizeof(*addr));
}

static int look_into(const char *path, unsigned words, const struct tcp_ends *e, uid_t *uid)
{
	FILE *f = fopen(path, "re");
	struct proc_line l;
	char line[512];
	int err = -ENOENT;

	if (!f)
		return -errno;
	while (err && fgets(line, sizeof(line), f)) {
		if (!read_line(line, words, &l) || !is_held(l.state, l.inode) ||
		    l.near_port != ntohs(e->far_port) || l.far_port != ntohs(e->near_port) ||
		    !same_addr(l.near_addr, words, e->far_addr, e->v4) ||
		    !same_addr(l.far_addr, words, e->near_addr, e->v4))
			continue;
		*uid = l.uid;
		err = 0;
	}
	fclose(f);
	return err;
}

int tcp_owner_by_proc(const struct tcp_ends *e, uid_t *uid)
{
	int err = e->v4 ? look_into("/proc/net/tcp", 1, e, uid) : -ENOENT;

	return err ? look_into("/proc/net/tcp6", 4, e, uid) : 0;
}
