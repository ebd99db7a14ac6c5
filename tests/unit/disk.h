/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk of so many bytes, which nobody else uses: for what happens when one is full. */
#ifndef CTRACE_TESTS_DISK_H
#define CTRACE_TESTS_DISK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static inline bool put_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, line, strlen(line)) == (ssize_t)strlen(line);

	if (fd >= 0)
		close(fd);
	return done;
}

/* Mount points of our own; as a user, in a namespace where he may make some. */
static inline bool own_mounts(void)
{
	static bool done;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];

	if (done)
		return true;
	if (uid) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) ||
		    !put_line("/proc/self/setgroups", "deny"))
			return false;
		snprintf(map, sizeof(map), "%u %u 1", uid, uid);
		if (!put_line("/proc/self/uid_map", map))
			return false;
		snprintf(map, sizeof(map), "%u %u 1", gid, gid);
		if (!put_line("/proc/self/gid_map", map))
			return false;
	} else if (unshare(CLONE_NEWNS)) {
		return false;
	}
	done = !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	return done;
}

/* Mounts one on dir, while this process has one thread. False: that is not allowed here. */
static inline bool small_disk(const char *dir, size_t bytes)
{
	char opts[64];

	snprintf(opts, sizeof(opts), "size=%zu,mode=777", bytes);
	return own_mounts() && !mount("none", dir, "tmpfs", 0, opts);
}

static inline void no_disk(const char *dir)
{
	umount2(dir, MNT_DETACH);
}

#endif
