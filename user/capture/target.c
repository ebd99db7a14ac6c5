// SPDX-License-Identifier: BSD-2-Clause
/* See target.h. */
#include "capture/target.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/find.h"
#include "capture/features.h"
#include "util/procfs.h"
#include "ctfind.skel.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define LOG_TAG "target"

#define INIT_PID_NS_INO \
	0xEFFFFFFCu /* of every kernel: include/linux/proc_ns.h, PROC_PID_INIT_INO */

/* A suffix " (deleted)" is taken off. */
static void read_exe(uint32_t pid, char *buf, size_t sz)
{
	static const char gone[] = " (deleted)";
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	n = readlink(path, buf, sz - 1);
	buf[n > 0 ? n : 0] = 0;
	if (n > (ssize_t)sizeof(gone) && !strcmp(buf + n - (ssize_t)sizeof(gone) + 1, gone))
		buf[n - (ssize_t)sizeof(gone) + 1] = 0;
}

/*
 * Calls fn for the threads of a process, in the order of /proc, until it gives something but
 * -ENOENT. What it gave, or -ENOENT when there is no thread more.
 */
static int for_each_thread(uint32_t pid, int (*fn)(uint32_t pid, uint32_t tid))
{
	int err = -ENOENT;
	char path[64];
	struct dirent *d;
	uint64_t tid;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	dir = opendir(path);
	while (dir && err == -ENOENT && (d = readdir(dir)))
		if (!parse_u64(d->d_name, &tid))
			err = fn(pid, (uint32_t)tid);
	if (dir)
		closedir(dir);
	return err;
}

static int is_living(uint32_t pid, uint32_t tid)
{
	struct proc_info st;

	(void)pid;
	return !procfs_status(tid, &st) && st.state != 'Z' && st.state != 'X' ? 0 : -ENOENT;
}

/* A process lives on when its first thread has ended and others have not. */
static bool has_living_thread(uint32_t pid)
{
	return !for_each_thread(pid, is_living);
}

/* ---- may the caller look? ---- */

/*
 * readlink of /proc/…/exe asks ptrace_may_access() with PTRACE_MODE_READ_FSCREDS and nothing else:
 * -EACCES when refused, and -ENOENT when allowed but the thread has no memory any more. Other
 * questions give more than ptrace does: auxv and maps of newer kernels open to CAP_PERFMON as well,
 * kcmp(2) compares with the permitted capabilities, which we cannot lay down for a while, and
 * namespaces can be read of a thread whose memory, and with it the mark "not dumpable", is gone.
 */
static int ask_thread(uint32_t pid, uint32_t tid)
{
	char path[64], exe[2];

	snprintf(path, sizeof(path), "/proc/%u/task/%u/exe", pid, tid);
	if (readlink(path, exe, sizeof(exe)) >= 0 || errno == ENAMETOOLONG)
		return 0;
	return -errno;
}

/*
 * One thread that lives answers for all: they share their memory, and who may write into that has
 * them all. Most often it is the first one, but that may have ended before the others.
 */
static int ask_process(uint32_t pid)
{
	return for_each_thread(pid, ask_thread);
}

/*
 * The kernel is asked with the caller's ids. Capabilities that our file gave us are laid down for
 * the question: they would let us see programs with the same ones, and a CAP_SYS_PTRACE
 * everybody's. 0 or -errno.
 */
static int ask_as_caller(uint32_t pid)
{
	cap_t now = cap_get_proc(), low = now ? cap_dup(now) : NULL;
	int err = -ENOMEM;

	if (low && !features_rights_are_callers())
		cap_clear_flag(low, CAP_EFFECTIVE);
	if (low) {
		setfsgid(getgid());
		setfsuid(getuid());
		err = cap_set_proc(low) ? -errno : ask_process(pid);
		setfsuid(geteuid());
		setfsgid(getegid());
		if (cap_set_proc(now) && !err)
			err = -errno;
	}
	cap_free(low);
	cap_free(now);
	return err;
}

static bool has_ended(int pidfd)
{
	struct pollfd fd = { .fd = pidfd, .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

/* Fills in the names. What has ended meanwhile is told as gone: /proc may have spoken of another
 * process with its pid. */
static int check_process(struct target *t, struct strbuf *why)
{
	uint32_t pid = t->pid;
	struct proc_info st;
	int err = procfs_status(pid, &st);

	if (err == -ESRCH) {
		strbuf_set_f(why, "no process with pid %u", pid);
		return err;
	}
	if (err) {
		strbuf_set_f(why, "cannot look at pid %u: %s", pid, strerror(-err));
		return err;
	}
	if (st.kthread) {
		strbuf_set_f(why, "pid %u (%s) is a kernel thread: it runs no program", pid,
			     st.comm);
		return -EINVAL;
	}
	if ((st.state == 'Z' || st.state == 'X') && !has_living_thread(pid)) {
		strbuf_set_f(why, "process %u (%s) has ended already: it is a zombie", pid,
			     st.comm);
		return -ESRCH;
	}
	if (pid == (uint32_t)getpid()) {
		strbuf_set_f(why, "pid %u is this tracer itself", pid);
		return -EINVAL;
	}
	if (!features[FEATURE_SEE_ALL].ask())
		err = ask_as_caller(pid);
	read_exe(pid, t->exe, sizeof(t->exe));
	memcpy(t->comm, st.comm, sizeof(t->comm));
	if (has_ended(t->pidfd)) {
		strbuf_set_f(why, "no process with pid %u", pid);
		return -ESRCH;
	}
	if (err) {
		strbuf_set_f(
			why,
			"process %u (%s) is not yours to look at: run as its user, or as root with sudo",
			pid, st.comm);
		return -EPERM;
	}
	return 0;
}

/* The descriptor is taken first: what /proc says after that is of the same process, or the
 * descriptor tells its end. */
static int check_one(struct target *t, uint32_t pid, struct strbuf *why)
{
	struct proc_info st;
	int pidfd, err = procfs_status(pid, &st);

	if (!err && st.tgid != pid && !st.kthread) {
		log_notice("%u is a thread of process %u; recording the whole process", pid,
			   st.tgid);
		pid = st.tgid;
	}
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0 && errno == ESRCH) {
		strbuf_set_f(why, "no process with pid %u", pid);
		return -ESRCH;
	}
	if (pidfd < 0) {
		err = -errno;
		strbuf_set_f(why, "cannot watch process %u: %s", pid, strerror(-err));
		return err;
	}
	*t = (struct target){ .pid = pid, .tgid = pid, .pidfd = pidfd };
	err = check_process(t, why);
	if (err)
		close(pidfd);
	return err;
}

/* ---- pid namespaces ---- */

static void note_found(struct target_set *set, const struct ct_found *f)
{
	size_t i;

	set->ns_level = f->level;
	for (i = 0; i < set->cnt; i++)
		if (set->t[i].pid == f->ns_pid)
			set->t[i].tgid = f->tgid;
}

static int ask_kernel(struct target_set *set, struct strbuf *why)
{
	struct ct_found found[256];
	struct ctfind *skel;
	ssize_t n, i;
	int fd = -1, err;

	skel = ctfind__open_and_load();
	err = skel ? ctfind__attach(skel) : -errno;
	if (!err) {
		fd = bpf_iter_create(bpf_link__fd(skel->links.ct_find_pids));
		err = fd < 0 ? -errno : 0;
	}
	while (!err && (n = read(fd, found, sizeof(found))) > 0)
		for (i = 0; i < n / (ssize_t)sizeof(found[0]); i++)
			note_found(set, &found[i]);
	if (err)
		strbuf_set_f(why,
			     "cannot ask the kernel which process a pid of this container is: %s",
			     strerror(-err));
	if (fd >= 0)
		close(fd);
	ctfind__destroy(skel);
	return err;
}

bool target_in_container(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino != INIT_PID_NS_INO;
}

/* What the kernel calls them. */
static int number_all(struct target_set *set, struct strbuf *why)
{
	size_t i;
	int err;

	if (!target_in_container())
		return 0;
	for (i = 0; i < set->cnt; i++)
		set->t[i].tgid = 0;
	err = ask_kernel(set, why);
	for (i = 0; !err && i < set->cnt; i++) {
		if (!set->t[i].tgid) {
			strbuf_set_f(why, "process %u is not of this container", set->t[i].pid);
			err = -ESRCH;
		}
	}
	if (err)
		target_free(set);
	return err;
}

int target_launched(struct target_set *set, uint32_t pid, const char *path, struct strbuf *why)
{
	const char *base = strrchr(path, '/');
	struct target *t = xcalloc(1, sizeof(*t));
	int err;

	*t = (struct target){ .pid = pid, .tgid = pid };
	*set = (struct target_set){ .t = t, .cnt = 1 };
	snprintf(t->comm, sizeof(t->comm), "%s", base ? base + 1 : path);
	snprintf(t->exe, sizeof(t->exe), "%s", path);
	t->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (t->pidfd >= 0)
		return number_all(set, why);
	err = -errno;
	strbuf_set_f(why, "cannot watch process %u: %s", pid, strerror(-err));
	target_free(set);
	return err;
}

int target_resolve(struct target_set *set, const uint32_t *pid, size_t cnt, struct strbuf *why)
{
	size_t i, k;
	int err;

	*set = (struct target_set){ .t = xcalloc(cnt, sizeof(*set->t)) };
	for (i = 0; i < cnt; i++) {
		err = check_one(&set->t[set->cnt], pid[i], why);
		if (err) {
			target_free(set);
			return err;
		}
		for (k = 0; k < set->cnt && set->t[k].pid != set->t[set->cnt].pid; k++)
			;
		if (k < set->cnt)
			close(set->t[set->cnt].pidfd); /* a thread of a process that is there */
		else
			set->cnt++;
	}
	return number_all(set, why);
}

int target_check(struct target_set *set, struct strbuf *why)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < set->cnt; i++)
		err = check_process(&set->t[i], why);
	return err;
}

void target_all(struct target_set *set)
{
	struct proc_info st;
	struct target *t;
	struct dirent *d;
	size_t cap = 0;
	uint64_t pid;
	DIR *dir;

	*set = (struct target_set){ 0 };
	dir = opendir("/proc");
	while (dir && (d = readdir(dir))) {
		if (parse_u64(d->d_name, &pid) || procfs_status((uint32_t)pid, &st) || st.kthread)
			continue;
		set->t = xgrow(set->t, set->cnt, &cap, sizeof(*set->t));
		t = &set->t[set->cnt++];
		*t = (struct target){ .pid = (uint32_t)pid, .tgid = (uint32_t)pid, .pidfd = -1 };
		memcpy(t->comm, st.comm, sizeof(t->comm));
		read_exe(t->pid, t->exe, sizeof(t->exe));
	}
	if (dir)
		closedir(dir);
}

void target_free(struct target_set *set)
{
	size_t i;

	for (i = 0; i < set->cnt; i++)
		if (set->t[i].pidfd >= 0)
			close(set->t[i].pidfd);
	free(set->t);
	*set = (struct target_set){ 0 };
}
