/* SPDX-License-Identifier: BSD-2-Clause */
/* The sockets of TCP and UDP that a process holds, in its network namespace. */
#ifndef CTRACE_GOPS_CONNECTIONS_H
#define CTRACE_GOPS_CONNECTIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection {
	char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];
	uint16_t local_port, remote_port;
	const char *state; /* "ESTABLISHED"; "NONE" of UDP */
};

struct connections {
	struct connection *c;
	size_t cnt, cap;
};

#define CONNECTIONS_MAX 10000

/* What cannot be read is left out. connections_free() afterwards. */
void connections_read(struct connections *out, uint32_t pid);
void connections_free(struct connections *c);

/* A line of /proc/net/{tcp,udp}{,6}; 0 with *inode, or -EINVAL. */
int connection_parse(const char *line, bool six, bool tcp, struct connection *out, uint64_t *inode);

#endif
