// SPDX-License-Identifier: BSD-2-Clause
/* See proclist.h. */
#include "gops/proclist.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "rights/caller.h"
#include "gops/looker.h"
#include "space/maps.h"
#include "util/json.h"
#include "util/parse.h"
#include "util/procfs.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define PF_KTHREAD 0x00200000
#define COMM_CUT 15 /* characters: of a longer name the kernel keeps so many */

struct proclist {
	struct looker *looker;
};

struct proclist *proclist__new(void)
{
	struct proclist *pl = xcalloc(1, sizeof(*pl));

	pl->looker = looker__new();
	if (pl->looker)
		return pl;
	free(pl);
	return NULL;
}

void proclist__free(struct proclist *pl)
{
	if (!pl)
		return;
	looker__free(pl->looker);
	free(pl);
}

void process_free(struct process *p)
{
	free(p->name);
	free(p->path);
	*p = (struct process){ 0 };
}

void process_set_free(struct process_set *set)
{
	size_t i;

	for (i = 0; i < set->cnt; i++)
		process_free(&set->p[i]);
	free(set->p);
	*set = (struct process_set){ 0 };
}

/* ---- what /proc says ---- */

/* -ENOENT: it is none of those that are told of. comm holds 64 bytes: those of the kernel's own
 * kinds are longer than 15. */
static int read_stat(uint32_t pid, struct process *p, char comm[64])
{
	const char *open_paren, *close_paren;
	char path[64], text[4096], state;
	unsigned long long ticks;
	unsigned flags;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	n = procfs_read(path, text, sizeof(text));
	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;
	/* pid (comm) state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime
	 * stime cutime cstime priority nice threads itrealvalue starttime; comm may hold anything */
	open_paren = strchr(text, '(');
	close_paren = strrchr(text, ')');
	if (!open_paren || !close_paren ||
	    sscanf(close_paren + 1,
		   " %c %" SCNu32
		   " %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %" SCNu32
		   " %*d %llu",
		   &state, &p->ppid, &flags, &p->threads, &ticks) != 5)
		return -EIO;
	if (flags & PF_KTHREAD)
		return -ENOENT;
	if ((state == 'Z' || state == 'X') && p->threads <= 1)
		return -ENOENT;
	n = close_paren - open_paren - 1;
	if (n > 63)
		n = 63;
	memcpy(comm, open_paren + 1, (size_t)n);
	comm[n] = 0;
	p->started_ns = ticks * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK));
	return 0;
}

/* readlink asks what ptrace would, and nothing else; capture/target.c says more of it. */
static void read_path(struct process *p)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%u/exe", p->pid);
	n = readlink(link, path, sizeof(path) - 1);
	p->visible = n >= 0 || errno == ENOENT || errno == ENAMETOOLONG;
	path[n > 0 ? n : 0] = 0;
	maps_tidy(path);
	p->path = xstrdup(path);
}

static void take_name(struct process *p, const char *comm)
{
	const char *slash = strrchr(p->path, '/'), *base = slash ? slash + 1 : p->path;

	p->name = xstrdup(strlen(comm) == COMM_CUT && !strncmp(base, comm, COMM_CUT) ? base : comm);
}

static int read_process(uint32_t pid, struct process *p)
{
	char path[64], comm[64];
	struct stat st;
	uint32_t uid;
	int err;

	*p = (struct process){ .pid = pid };
	err = read_stat(pid, p, comm);
	if (err)
		return err;
	snprintf(path, sizeof(path), "/proc/%u", pid);
	err = procfs_uid(pid, &uid);
	if (err || stat(path, &st))
		return err ? err : -ESRCH;
	p->uid = uid;
	p->owner = st.st_uid;
	read_path(p);
	take_name(p, comm);
	return 0;
}

static int look_at(struct proclist *pl, struct process *p, struct strbuf *command)
{
	struct runtime_told told;
	int err = looker__ask(pl->looker, p->pid, p->started_ns, &told, command);

	if (err)
		return err;
	p->runtime = told.runtime;
	p->marked = told.marked;
	memcpy(p->version, told.version, sizeof(p->version));
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

int proclist__read(struct proclist *pl, uint64_t budget_ns, struct process_set *set)
{
	struct process one;
	struct dirent *d;
	uint64_t pid;
	DIR *dir;

	*set = (struct process_set){ 0 };
	dir = opendir("/proc");
	if (!dir)
		return -errno;
	if (pl)
		looker__begin(pl->looker, budget_ns);
	while ((d = readdir(dir))) {
		if (parse_u64(d->d_name, &pid) || pid == (uint64_t)getpid() ||
		    (pl && looker__is(pl->looker, (uint32_t)pid)) ||
		    read_process((uint32_t)pid, &one))
			continue;
		if (pl)
			look_at(pl, &one, NULL);
		set->p = xgrow(set->p, set->cnt, &set->cap, sizeof(*set->p));
		set->p[set->cnt++] = one;
	}
	closedir(dir);
	if (set->cnt)
		qsort(set->p, set->cnt, sizeof(*set->p), by_pid);
	return 0;
}

int proclist__one(struct proclist *pl, uint32_t pid, struct process *p, struct strbuf *command)
{
	int err = read_process(pid, p);

	if (err)
		return err == -ENOENT ? -ESRCH : err;
	if (pl) {
		looker__begin(pl->looker, PROCLIST_BUDGET_NS);
		look_at(pl, p, command);
	}
	return 0;
}

/* ---- as others see them ---- */

bool process_may_be_recorded(const struct process *p, const struct caller *c)
{
	if (!c)
		return p->visible;
	return c->rank == CALLER_ALL || (c->rank == CALLER_USER && c->uid == p->owner);
}

/* When the machine was started, as the clock on the wall has it now. */
static double booted(void)
{
	struct timespec now, up;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return (double)(now.tv_sec - up.tv_sec) + (double)(now.tv_nsec - up.tv_nsec) / 1e9;
}

static void add_started(struct strbuf *out, uint64_t started_ns)
{
	time_t at = (time_t)(booted() + (double)started_ns / 1e9);
	struct tm tm;
	char text[32];

	if (gmtime_r(&at, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		strbuf_addf(out, ",\"started\":\"%s\"", text);
}

void process_json(struct strbuf *out, const struct process *p, const struct caller *c)
{
	strbuf_addf(out, "{\"pid\":%u,\"ppid\":%u,\"name\":", p->pid, p->ppid);
	json_quote(out, p->name);
	strbuf_addf(out, ",\"runtime\":\"%s\",\"version\":", runtime_key(p->runtime));
	if (*p->version)
		json_quote(out, p->version);
	else
		strbuf_addstr(out, "null");
	strbuf_addstr(out, ",\"path\":");
	if (*p->path)
		json_quote(out, p->path);
	else
		strbuf_addstr(out, "null");
	strbuf_addf(out, ",\"markers\":%s,\"recordable\":%s,\"uid\":%u,\"threads\":%u",
		    p->marked ? "true" : "false", process_may_be_recorded(p, c) ? "true" : "false",
		    p->uid, p->threads);
	add_started(out, p->started_ns);
	strbuf_addch(out, '}');
}

void process_set_json(struct strbuf *out, const struct process_set *set, const struct caller *c)
{
	size_t i;

	strbuf_addch(out, '[');
	for (i = 0; i < set->cnt; i++) {
		if (i)
			strbuf_addch(out, ',');
		process_json(out, &set->p[i], c);
	}
	strbuf_addch(out, ']');
}
