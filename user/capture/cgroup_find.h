/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control group that a user names: by the path of its directory, by its name below the root of
 * a hierarchy, or by its number.
 */
#ifndef CTRACE_CAPTURE_CGROUP_FIND_H
#define CTRACE_CAPTURE_CGROUP_FIND_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct cgroup_mounts;
struct strbuf;

struct cgroup_place {
	char dir[PATH_MAX];
	uint64_t id;	    /* in its hierarchy: the number of the directory's inode */
	uint32_t hierarchy; /* as the kernel numbers it; 0 is v2 */
};

/*
 * Fills place. what: digits are an id in the v2 hierarchy; a path is that of a directory where
 * control groups are mounted, or one as /proc/PID/cgroup and systemd-cgls have it, in v2 where it
 * is there, else in the first v1 hierarchy that has it. All paths lie below root, "" for this
 * machine's. 0, or -ENOENT with the sentence in why.
 */
int cgroup_find(struct cgroup_place *place, const char *root, const char *what, struct strbuf *why);

/* Fills place from a directory of a mount. False: there is none. */
bool cgroup_place_at(struct cgroup_place *place, const char *dir, uint32_t hierarchy);

/* Where the groups are, for a sentence: "/sys/fs/cgroup/unified (v2), /sys/fs/cgroup/cpu, …". */
void cgroup_say_mounts(struct strbuf *out, const struct cgroup_mounts *mounts);

/* Calls fn for each directory below dir, and for dir, until it is false. */
void cgroup_walk(const char *dir, bool (*fn)(void *ctx, const char *dir, const char *name),
		 void *ctx);

#endif
