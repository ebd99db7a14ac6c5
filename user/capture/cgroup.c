// SPDX-License-Identifier: BSD-2-Clause
/* See cgroup.h. */
#include "capture/cgroup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "capture/cgroup_mounts.h"
#include "util/procfs.h"

#define CONTROLLER "memory" /* v1: the word in lists of controllers */

struct groups {
	char v2[PATH_MAX], v1[PATH_MAX]; /* of the process; "" where it is in none */
};

/* A line is ID:controllers:path; v2 has none of them. */
static bool read_groups(const char *root, uint32_t pid, struct groups *g)
{
	char path[PATH_MAX], text[16384], *line, *save, *list, *group;

	*g = (struct groups){ "", "" };
	snprintf(path, sizeof(path), "%s/proc/%u/cgroup", root, pid);
	if (procfs_read(path, text, sizeof(text)) < 0)
		return false;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		list = strchr(line, ':');
		group = list ? strchr(list + 1, ':') : NULL;
		if (!group)
			continue;
		*group++ = 0;
		if (!*++list)
			snprintf(g->v2, sizeof(g->v2), "%s", group);
		else if (cgroup_has_word(list, CONTROLLER))
			snprintf(g->v1, sizeof(g->v1), "%s", group);
	}
	return true;
}

static uint64_t limit_of_file(const char *path)
{
	unsigned long long limit;
	char text[64];

	if (procfs_read(path, text, sizeof(text)) < 0 || sscanf(text, "%llu", &limit) != 1)
		return UINT64_MAX; /* "max", or no such file: a root, another controller */
	return limit;
}

/* From the group up to the mount's root. */
static uint64_t least_of(const char *root, const char *mount, const char *group, const char *file)
{
	char path[PATH_MAX], rest[PATH_MAX], *slash;
	uint64_t least = UINT64_MAX, limit;

	snprintf(rest, sizeof(rest), "%s", group);
	for (;;) {
		limit = UINT64_MAX;
		if (snprintf(path, sizeof(path), "%s%s%s/%s", root, mount, rest, file) < PATH_MAX)
			limit = limit_of_file(path);
		if (limit < least)
			least = limit;
		slash = strrchr(rest, '/');
		if (!slash)
			return least;
		*slash = 0;
	}
}

static uint64_t least_of_mount(const char *root, const struct cgroup_mount *m,
			       const struct groups *g)
{
	const char *group = NULL;

	if (m->v2 && g->v2[0])
		group = cgroup_mount_below(m, g->v2);
	else if (!m->v2 && g->v1[0] && cgroup_has_word(m->controllers, CONTROLLER))
		group = cgroup_mount_below(m, g->v1);
	return group ? least_of(root, m->point, group,
				m->v2 ? "memory.max" : "memory.limit_in_bytes") :
		       UINT64_MAX;
}

uint64_t cgroup_memory_limit(const char *root, uint32_t pid)
{
	uint64_t least = UINT64_MAX, limit;
	struct cgroup_mounts mounts;
	struct groups g;
	size_t i;

	if (!read_groups(root, pid, &g))
		return least;
	cgroup_mounts_read(&mounts, root);
	for (i = 0; i < mounts.cnt; i++) {
		limit = least_of_mount(root, &mounts.m[i], &g);
		if (limit < least)
			least = limit;
	}
	cgroup_mounts_free(&mounts);
	return least;
}

uint64_t cgroup_binding_limit(uint32_t pid)
{
	uint64_t limit = cgroup_memory_limit("", pid);

	return limit < procfs_ram() ? limit : 0;
}
