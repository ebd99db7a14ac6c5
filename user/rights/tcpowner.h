/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * To whom the other end of a TCP connection over loopback belongs: the kernel is asked for the
 * socket with the two addresses exchanged. Nothing is said of one that its process has closed
 * already: the kernel tells such as root's.
 */
#ifndef CTRACE_RIGHTS_TCPOWNER_H
#define CTRACE_RIGHTS_TCPOWNER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>

/* The two ends of a connection, as its one side sees them. */
struct tcp_ends {
	bool v4; /* also where the socket is one of IPv6 that speaks IPv4; addr[0] of each then */
	uint32_t near_addr[4], far_addr[4]; /* in network order, as the ports */
	in_port_t near_port, far_port;
};

/* Of a connected socket. 0; -ENOTSUP where it is not over loopback, or another -errno. */
int tcp_ends_of(int fd, struct tcp_ends *e);

/* The owner of the far end, which is open. 0; -ENOENT: there is no such socket here; another
 * -errno. They wait for nobody. The second one reads the list of all sockets, for kernels without
 * tcp_diag. */
int tcp_owner_by_diag(const struct tcp_ends *e, uid_t *uid);
int tcp_owner_by_proc(const struct tcp_ends *e, uid_t *uid);

#endif
