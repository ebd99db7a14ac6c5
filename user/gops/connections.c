// SPDX-License-Identifier: BSD-2-Clause
/* See connections.h. */
#include "gops/connections.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/u64map.h"
#include "util/xalloc.h"

/* include/net/tcp_states.h */
static const char *const states[] = {
	NULL,	     "ESTABLISHED", "SYN_SENT",	  "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",
	"TIME_WAIT", "CLOSE",	    "CLOSE_WAIT", "LAST_ACK", "LISTEN",	   "CLOSING",
};

/* The kernel prints words of its own byte order. */
static bool parse_address(const char *hex, bool six, char out[INET6_ADDRSTRLEN])
{
	const size_t words = six ? 4 : 1;
	uint32_t word[4];
	char part[9] = "";
	size_t i;

	for (i = 0; i < words; i++) {
		memcpy(part, hex + 8 * i, 8);
		if (sscanf(part, "%8" SCNx32, &word[i]) != 1)
			return false;
	}
	return inet_ntop(six ? AF_INET6 : AF_INET, word, out, INET6_ADDRSTRLEN);
}

int connection_parse(const char *line, bool six, bool tcp, struct connection *out, uint64_t *inode)
{
	const size_t digits = six ? 32 : 8;
	char local[33], remote[33];
	unsigned lport, rport, state;

	/* sl: local:port remote:port st tx:rx tr:when retrnsmt uid timeout inode */
	if (sscanf(line,
		   " %*u: %32[0-9A-F]:%x %32[0-9A-F]:%x %x %*x:%*x %*x:%*x %*x %*u %*u %" SCNu64,
		   local, &lport, remote, &rport, &state, inode) != 6 ||
	    strlen(local) != digits || strlen(remote) != digits || lport > UINT16_MAX ||
	    rport > UINT16_MAX || !parse_address(local, six, out->local) ||
	    !parse_address(remote, six, out->remote))
		return -EINVAL;
	out->local_port = (uint16_t)lport;
	out->remote_port = (uint16_t)rport;
	out->state = "NONE";
	if (tcp && state && state < sizeof(states) / sizeof(states[0]))
		out->state = states[state];
	return 0;
}

static void read_table(struct connections *out, uint32_t pid, const char *name,
		       const struct u64map *inodes)
{
	char path[64], line[512];
	struct connection c;
	uint64_t inode;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/net/%s", pid, name);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (connection_parse(line, strchr(name, '6'), *name == 't', &c, &inode) || !inode ||
		    !u64map_get(inodes, inode) || out->cnt >= CONNECTIONS_MAX)
			continue;
		out->c = xgrow(out->c, out->cnt, &out->cap, sizeof(*out->c));
		out->c[out->cnt++] = c;
	}
	if (f)
		fclose(f);
}

static void find_sockets(struct u64map *inodes, uint32_t pid)
{
	char path[64], name[64];
	struct dirent *d;
	uint64_t inode;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		n = readlinkat(dirfd(dir), d->d_name, name, sizeof(name) - 1);
		name[n > 0 ? n : 0] = 0;
		if (sscanf(name, "socket:[%" SCNu64 "]", &inode) == 1 && inode)
			u64map_put(inodes, inode, NULL);
	}
	if (dir)
		closedir(dir);
}

void connections_read(struct connections *out, uint32_t pid)
{
	static const char *const tables[] = { "tcp", "tcp6", "udp", "udp6" };
	struct u64map inodes = { 0 };
	size_t i;

	*out = (struct connections){ 0 };
	find_sockets(&inodes, pid);
	for (i = 0; inodes.cnt && i < sizeof(tables) / sizeof(tables[0]); i++)
		read_table(out, pid, tables[i], &inodes);
	u64map_free(&inodes);
}

void connections_free(struct connections *c)
{
	free(c->c);
	*c = (struct connections){ 0 };
}
