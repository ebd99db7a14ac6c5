// SPDX-License-Identifier: BSD-2-Clause
/* See caller.h. */
#include "rights/caller.h"

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/features.h"
#include "rights/tcpowner.h"
#include "util/invoker.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define GROUPS_MAX 1024
#define RECORD_MAX 16384 /* bytes of a line of the lists of users and groups */
#define NOBODYS 65534	 /* uid and gid of nobody */

/* ---- groups ---- */

/* 0; -ENOENT: there is no such group. */
static int find_group(gid_t *gid)
{
	char *buf = xmalloc(RECORD_MAX);
	struct group group, *g = NULL;
	int err = -ENOENT;

	if (!getgrnam_r(CALLER_GROUP, &group, buf, RECORD_MAX, &g) && g) {
		*gid = g->gr_gid;
		err = 0;
	}
	free(buf);
	return err;
}

static bool has(const gid_t *groups, size_t n, gid_t gid)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

/* By the groups that the peer's process had when it connected. */
static bool peer_has_group(int fd, const struct caller *c)
{
	gid_t gid, *groups = xcalloc(GROUPS_MAX, sizeof(*groups));
	socklen_t len = GROUPS_MAX * sizeof(*groups);
	bool yes = false;

	if (!find_group(&gid))
		yes = c->gid == gid || (!getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) &&
					has(groups, len / sizeof(*groups), gid));
	free(groups);
	return yes;
}

/* By the lists of users and groups. His own group comes from there, too. */
static bool user_has_group(struct caller *c)
{
	char *buf = xmalloc(RECORD_MAX);
	gid_t gid, *groups = xcalloc(GROUPS_MAX, sizeof(*groups));
	struct passwd user, *pw = NULL;
	int n = GROUPS_MAX;
	bool yes = false;

	c->gid = c->uid; /* as is the habit; ptrace's rules ask for the group as well */
	if (!getpwuid_r(c->uid, &user, buf, RECORD_MAX, &pw) && pw) {
		c->gid = pw->pw_gid;
		if (!find_group(&gid) && getgrouplist(pw->pw_name, pw->pw_gid, groups, &n) >= 0)
			yes = has(groups, (size_t)n, gid);
	}
	free(groups);
	free(buf);
	return yes;
}

/* ---- who it is ---- */

static void ask_unix(int fd, struct caller *c)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) || peer.uid == (uid_t)-1)
		return;
	c->uid = peer.uid;
	c->gid = peer.gid;
	c->pid = peer.pid;
	c->known = true;
	c->rank = !c->uid || peer_has_group(fd, c) ? CALLER_ALL : CALLER_USER;
}

/*
 * Has it been closed on the way? Then its two addresses may be another connection's by now, of
 * somebody else.
 */
static bool still_connected(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) &&
	       (info.tcpi_state == TCP_ESTABLISHED || info.tcpi_state == TCP_CLOSE_WAIT);
}

static void ask_tcp(int fd, struct caller *c)
{
	struct tcp_ends ends;
	uid_t uid;

	if (tcp_ends_of(fd, &ends) ||
	    (tcp_owner_by_diag(&ends, &uid) && tcp_owner_by_proc(&ends, &uid)) ||
	    !still_connected(fd))
		return;
	c->uid = uid;
	c->known = true;
	c->rank = user_has_group(c) || !uid ? CALLER_ALL : CALLER_USER;
}

struct caller caller_of(int fd)
{
	struct caller c = { .rank = CALLER_NOBODY, .uid = NOBODYS, .gid = NOBODYS };
	socklen_t len = sizeof(int);
	int domain;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len))
		return c;
	if (domain == AF_UNIX)
		ask_unix(fd, &c);
	else if (domain == AF_INET || domain == AF_INET6)
		ask_tcp(fd, &c);
	return c;
}

struct caller caller_with_token(struct caller c)
{
	struct invoker we = invoker_get();

	c.token = true;
	if (!c.known) {
		c.uid = we.uid;
		c.gid = we.gid;
	}
	c.rank = CALLER_ALL;
	return c;
}

static void user_words(const struct caller *c, struct strbuf *out)
{
	char *buf = xmalloc(RECORD_MAX);
	struct passwd user, *pw = NULL;

	if (!c->uid && !c->pid)
		strbuf_addstr(out, "root");
	else if (!getpwuid_r(c->uid, &user, buf, RECORD_MAX, &pw) && pw && c->pid)
		strbuf_addf(out, "%s (uid %u, pid %d)", pw->pw_name, c->uid, c->pid);
	else if (pw)
		strbuf_addf(out, "%s (uid %u)", pw->pw_name, c->uid);
	else if (c->pid)
		strbuf_addf(out, "uid %u, pid %d", c->uid, c->pid);
	else
		strbuf_addf(out, "uid %u", c->uid);
	free(buf);
}

void caller_words(const struct caller *c, struct strbuf *out)
{
	if (c->token && !c->known) {
		strbuf_addstr(out, "the bearer of the token");
	} else if (c->rank == CALLER_NOBODY) {
		strbuf_addstr(out, "somebody unknown");
	} else {
		user_words(c, out);
		if (c->token)
			strbuf_addstr(out, ", with the token");
	}
}

bool caller_sees(const struct caller *c, pid_t pid)
{
	struct stat st;
	char path[32];

	if (c->rank != CALLER_USER)
		return c->rank == CALLER_ALL;
	snprintf(path, sizeof(path), "/proc/%d", pid);
	return !stat(path, &st) && st.st_uid == c->uid;
}

/* ---- acting for him ---- */

/*
 * What our file needs to have for a user to record his own processes (README). The rest is ours
 * alone: with CAP_SYS_PTRACE or CAP_DAC_READ_SEARCH he would reach what is not his.
 */
static int keep_what_a_recorder_needs(void)
{
	static const cap_value_t needed[] = { CAP_BPF, CAP_PERFMON, CAP_SYSLOG, CAP_SYS_NICE,
					      CAP_SYS_ADMIN };
	size_t i, n = sizeof(needed) / sizeof(needed[0]);
	cap_t now = cap_get_proc(), keep = cap_init();
	cap_flag_value_t held;
	int err = -ENOMEM;

	if (features[FEATURE_UPROBE_MULTI].ask())
		n--; /* probes need no CAP_SYS_ADMIN */
	for (i = 0; now && keep && i < n; i++) {
		if (cap_get_flag(now, needed[i], CAP_PERMITTED, &held) || held != CAP_SET)
			continue;
		cap_set_flag(keep, CAP_PERMITTED, 1, &needed[i], CAP_SET);
		cap_set_flag(keep, CAP_EFFECTIVE, 1, &needed[i], CAP_SET);
	}
	if (now && keep)
		err = cap_set_proc(keep) ? -errno : 0;
	cap_free(keep);
	cap_free(now);
	return err;
}

static int become_user(const struct caller *c)
{
	struct invoker who = { .other = true, .uid = c->uid, .gid = c->gid };
	int err = 0;

	features_lend_rights();
	if (c->uid != geteuid() && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		return -errno;
	if (c->uid != geteuid())
		err = invoker_become(&who);
	return err ? err : keep_what_a_recorder_needs();
}

int caller_become(const struct caller *c)
{
	if (c->rank == CALLER_NOBODY)
		return -EPERM;
	if (geteuid() && c->uid && c->uid != geteuid())
		return -EPERM;
	invoker_set(c->uid, c->gid);
	return c->rank == CALLER_USER ? become_user(c) : 0;
}
