/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where control groups are mounted: v2, v1, or both beside each other (hybrid).
 *
 * A hierarchy can be mounted at several places, each from some group downwards. Names of groups, in
 * /proc/PID/cgroup and in a mount's root, are told from the root of our cgroup namespace.
 */
#ifndef CTRACE_CAPTURE_CGROUP_MOUNTS_H
#define CTRACE_CAPTURE_CGROUP_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number is not known: our own process is in no group of it that it could tell. */
#define CGROUP_NO_HIERARCHY UINT32_MAX

struct cgroup_mount {
	char *group;	   /* that is mounted: "/" is all there is */
	char *point;	   /* where, without the prefix that cgroup_mounts_read() got */
	char *controllers; /* v1: words apart by commas, among others; v2: anything */
	bool v2;
	uint32_t hierarchy; /* as the kernel numbers it: 0 is v2; CGROUP_NO_HIERARCHY */
};

struct cgroup_mounts {
	struct cgroup_mount *m; /* v2 first, else in the order of mountinfo */
	size_t cnt;
};

/* Fills mounts from ROOT/proc/self/mountinfo and …/cgroup; root is "" for this machine's. None
 * where the first cannot be read. */
void cgroup_mounts_read(struct cgroup_mounts *mounts, const char *root);
void cgroup_mounts_free(struct cgroup_mounts *mounts);

/* Is the word in a list that commas part? */
bool cgroup_has_word(const char *list, const char *word);

/*
 * The group below the mount's root, "" for that itself; NULL when the mount does not show it. What
 * lies above our namespace begins with "/..", and its name is not to be had.
 */
const char *cgroup_mount_below(const struct cgroup_mount *m, const char *group);

#endif
